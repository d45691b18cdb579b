"""What the credentials of a whole run leave behind: nothing in any output, whatever becomes of a token, and no more at a proxy."""

import base64
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from scanner.collect import pace
from scanner.collect.api import Api, Credentials, Refusal, Request, Surface
from tests.conftest import Atlascan, Outcome
from tests.fake_atlassian import oauth
from tests.fake_atlassian.server import StandIn, running
from tests.fake_atlassian.weather import ForeignNext, Redirect, Status, Weather
from tests.faulty import Faulty, faulty, said
from tests.test_collect import ADMIN, collected

CLIENT = {
    "ATLASCAN_ORG_API_KEY": "stand-in-org-key",
    "ATLASCAN_CLIENT_ID": "stand-in-client-id",
    "ATLASCAN_CLIENT_SECRET": "stand-in-client-secret",
}
# An issued token begins so, and a key or secret is one of these; in whatever form it might be written.
SECRETS = [
    form
    for secret in ("stand-in-client-secret", "stand-in-org-key", "oauth-0-stand-in-client-id", "oauth-1-stand-in-client-id")
    for form in (secret, base64.b64encode(secret.encode()).decode())
]
SERVER_INFO = Request(Surface.SITE, "GET", "/rest/api/3/serverInfo", "acme")


# ---------------------------------------------------------------------------------------------------------- the real program


def snapshot_by_client(run: Atlascan, folder: Path, site: StandIn, *options: str) -> Outcome:
    """Take a snapshot of all there is as a client, and say as much of it as can be said."""
    text = f"sites: [{{name: acme, url: '{site.sites['acme']}', auth: oauth}}]\n"
    text += f"api_url: {site.api_url}\nlogin_url: {site.api_url}\ncollect: {{undocumented: true, probe: true, concurrency: 1}}\n"
    (folder / "atlascan.yaml").write_text(text, encoding="utf-8")
    return run("snapshot", "--all", "-vv", "-o", "taken.ndjson", *options, credentials=CLIENT)


def left_behind(folder: Path, done: Outcome) -> str:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return done.out + done.err + "".join(path.read_text(encoding="utf-8", errors="replace") for path in files)


@pytest.mark.parametrize("options", [(), ("--record", "recording")], ids=["plain", "recorded"])
def test_neither_secret_nor_token_is_in_any_output_however_much_is_said(
    atlascan: Atlascan, tmp_path: Path, open_site: StandIn, options: tuple[str, ...]
) -> None:
    done = snapshot_by_client(atlascan, tmp_path, open_site, *options)
    left = left_behind(tmp_path, done)

    assert done.code == 0, done.err
    assert "POST" in done.err
    assert "/oauth/token" in done.err
    assert '"jira.project/' in left or '"kind":"jira.project"' in left
    assert [secret for secret in SECRETS if secret in left] == []


def test_a_renewal_that_is_refused_in_the_middle_is_gaps_and_what_came_before_is_kept(atlascan: Atlascan, tmp_path: Path) -> None:
    refused = Status(path=oauth.PATH, status=403, from_request=2, times=None)
    with running("open", Weather(latency_ms=40, token_seconds=1, faults=(refused,))) as site:
        done = snapshot_by_client(atlascan, tmp_path, site)
    left = left_behind(tmp_path, done)
    records = [json.loads(line) for line in (tmp_path / "taken.ndjson").read_text(encoding="utf-8").splitlines()]
    of_the_site = [each for each in records if str(each.get("kind")).startswith(("jira.", "jsm.", "confluence."))]

    assert "Traceback" not in done.err
    assert any(each["type"] == "resource" for each in of_the_site)
    assert any(each["type"] == "gap" and each["detail"].startswith("refused (403)") for each in of_the_site)
    assert [secret for secret in SECRETS if secret in left] == []


# ---------------------------------------------------------------------------------------------------- the whole stand-in


@pytest.fixture
def evil() -> Iterator[Faulty]:
    with faulty() as server:
        yield server


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_all_that_the_stand_in_sends_elsewhere_stays_unasked_there(
    evil: Faulty, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr(pace, "RETRIES", 0)
    links = ForeignNext(path="/", times=None, to=evil.url)
    away = Redirect(path="/", from_request=40, times=None, to=f"{evil.url}/take", status=status)
    with running("open", Weather(faults=(links, away))) as site:
        found = collected(site, ADMIN, needs=None, probe=True)

    told = {gap.detail for gap in found.gaps}
    assert "the next page is on another host (127.0.0.1), which is not followed" in told
    assert f"redirected ({status}), which is not followed" in told
    assert evil.asked == []


def test_a_site_that_says_it_is_another_gets_the_other_read_with_its_own_credential() -> None:
    """The gateway decides by the credential, and what it gives is called what the configuration calls the site."""
    with ExitStack() as stack:
        gateway, acme, other = (stack.enter_context(faulty()) for _ in range(3))
        for site in (acme, other):
            site.table["/_edge/tenant_info"] = [said({"cloudId": "c-other"})]
        gateway.table["/ex/jira/c-other/rest/api/3/serverInfo"] = [said({"version": "1"})]
        accounts = {"acme": ("ada@acme.example", "of-acme"), "other": ("bob@other.example", "of-other")}
        asks = Api(
            gateway.url,
            {"acme": acme.url, "other": other.url},
            Credentials(None, accounts),
            concurrency=1,
            scoped=("acme", "other"),
        )
        asks.ask(SERVER_INFO)
        asks.close()

    [asked] = gateway.asked
    assert base64.b64decode(asked.authorization.removeprefix("Basic ")) == b"ada@acme.example:of-acme"
    assert [each.authorization for each in acme.asked] == [""]
    assert other.asked == []


# ------------------------------------------------------------------------------------------------------------------ proxies


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch) -> Iterator[Faulty]:
    """Put a proxy that lets nothing through between the program and the world."""
    monkeypatch.setattr(pace, "RETRIES", 0)
    for name in ("http_proxy", "https_proxy", "no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with faulty() as proxy:
        address = proxy.url.replace("://", "://proxy-user:proxy-password@")
        monkeypatch.setenv("HTTPS_PROXY", address)
        monkeypatch.setenv("HTTP_PROXY", address)
        yield proxy


def test_a_proxy_is_told_the_host_of_a_site_and_nothing_of_what_is_asked_there(proxied: Faulty) -> None:
    lines: list[str] = []
    account = {"acme": ("ada@acme.example", "of-acme")}
    asks = Api(
        "https://api.invalid", {"acme": "https://acme.invalid"}, Credentials("a-key", account), concurrency=1, log=lines.append
    )
    with pytest.raises(Refusal) as refused:
        asks.ask(SERVER_INFO)
    asks.close()

    [asked] = proxied.asked
    assert (asked.method, asked.url) == ("CONNECT", "acme.invalid:443")
    assert "authorization" not in asked.headers
    assert base64.b64decode(asked.headers["proxy-authorization"].removeprefix("Basic ")) == b"proxy-user:proxy-password"
    assert refused.value.detail == "no answer from acme.invalid: the proxy refused"
    assert "proxy-password" not in "".join(lines) + repr(refused.value)


def test_what_proxies_are_told_no_site_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no proxy is meant for a host, its password does not go there either."""
    monkeypatch.setenv("HTTP_PROXY", "http://proxy-user:proxy-password@127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("http_proxy", raising=False)
    with faulty({"/rest/api/3/serverInfo": [said({"version": "1"})]}) as site:
        asks = Api(site.url, {"acme": site.url}, Credentials(None, {"acme": ("ada@acme.example", "of-acme")}), concurrency=1)
        asks.ask(SERVER_INFO)
        asks.close()

    assert [asked.headers.get("proxy-authorization") for asked in site.asked] == [None]
