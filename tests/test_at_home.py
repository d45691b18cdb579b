"""Credentials stay at home: whatever the answers say, each goes to the host it was configured for and nowhere else."""

import base64
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from scanner.collect import pace
from scanner.collect.api import Api, Credentials
from scanner.collect.endpoint import Pager
from scanner.collect.journal import Journal
from scanner.collect.walk import ENDPOINTS, Options, collect
from scanner.model import Gap, Record, Resource
from tests.fake_atlassian.server import StandIn, running
from tests.fake_atlassian.weather import Weather
from tests.faulty import Answer, Faulty, Table, faulty, said
from tests.test_collect import COMPANY

KEY, CLIENT, SECRET, TOKEN = "the-org-key", "the-client", "the-client-secret", "the-issued-token"
ACCOUNTS = {"acme": ("ada@acme.example", "token-of-acme"), "other": ("bob@other.example", "token-of-other")}
BASIC = {site: "Basic " + base64.b64encode(f"{name}:{token}".encode()).decode() for site, (name, token) in ACCOUNTS.items()}
NEXT = {
    Pager.LINK_CURSOR: "links",
    Pager.BODY_CURSOR: "links",
    Pager.META_CURSOR: "meta",
    Pager.NEXT_LINK: "_links",
    Pager.START_LINK: "_links",
}


@dataclass(frozen=True)
class World:
    """Two sites and the API that they belong to, where clients log in, and a host that is none of ours."""

    api: Faulty
    acme: Faulty
    other: Faulty
    login: Faulty
    evil: Faulty

    def collected(self, folder: Path, credentials: Credentials, *, scoped: tuple[str, ...] = ()) -> "Told":
        """Collect all that there is."""
        lines: list[str] = []
        sites = {"acme": self.acme.url, "other": self.other.url}
        asks = Api(
            self.api.url,
            sites,
            credentials,
            concurrency=4,
            scoped=scoped,
            login_url=self.login.url,
            log=lines.append,
            detailed=True,
        )
        journal = Journal(folder / "journal")
        opt_ins = frozenset({"undocumented", "probe"})
        collect(asks, Options(None, tuple(sites), opt_ins, 4), journal)
        asks.close()
        told = Told(tuple(journal.sorted()), tuple(lines), (folder / "journal").read_bytes())
        journal.close()
        return told

    def shown(self, server: Faulty) -> set[str]:
        """Return the credentials that a host was shown."""
        return {each.authorization for each in server.asked} - {""}


@dataclass(frozen=True)
class Told:
    """What a collection left behind."""

    records: tuple[Record, ...]
    log: tuple[str, ...]
    journal: bytes

    def holds(self, secret: str) -> bool:
        return secret.encode() in self.journal or secret in repr(self.records) + "".join(self.log)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(pace, "RETRIES", 0)
    monkeypatch.setattr(pace, "WAITS", 0)
    tenant: Table = {"/_edge/tenant_info": [said({"cloudId": "11111111-aaaa"})]}
    with ExitStack() as stack:
        api, acme, other = (stack.enter_context(faulty({**COMPANY, **tenant})) for _ in range(3))
        login = stack.enter_context(faulty({"/oauth/token": [said({"access_token": TOKEN, "expires_in": 3600})]}))
        yield World(api, acme, other, login, stack.enter_context(faulty()))


BOTH = Credentials(KEY, ACCOUNTS)


def test_each_host_is_shown_its_own_credential_and_no_other(world: World, tmp_path: Path) -> None:
    told = world.collected(tmp_path, BOTH)

    assert world.shown(world.api) == {f"Bearer {KEY}"}
    assert world.shown(world.acme) == {BASIC["acme"]}
    assert world.shown(world.other) == {BASIC["other"]}
    assert world.login.asked == world.evil.asked == []
    assert not any(told.holds(secret) for secret in (KEY, "token-of-acme", BASIC["acme"]))


def test_a_look_from_outside_shows_nothing_though_the_same_host_is_shown_a_credential(world: World, tmp_path: Path) -> None:
    world.collected(tmp_path, BOTH)
    by_path: dict[str, set[str]] = {}
    for each in world.acme.asked:
        by_path.setdefault(each.path, set()).add(each.authorization)

    assert by_path["/rest/api/3/serverInfo"] == {BASIC["acme"], ""}
    assert by_path["/rest/servicedeskapi/info"] == {""}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_anywhere_leads_to_another_host(world: World, tmp_path: Path, status: int) -> None:
    away = Answer(b"{}", status, {"Location": f"{world.evil.url}/take"})
    for server in (world.api, world.acme):
        for path in list(server.table):
            if path not in ("/admin/v1/orgs", "/rest/api/3/serverInfo"):
                server.table[path] = [away]
    told = world.collected(tmp_path, BOTH)

    assert world.evil.asked == []
    assert {gap.detail for gap in told.records if isinstance(gap, Gap)} >= {f"redirected ({status}), which is not followed"}


@pytest.mark.parametrize("pager", NEXT)
def test_no_link_to_a_next_page_leads_to_another_host(world: World, tmp_path: Path, pager: Pager) -> None:
    link = f"{world.evil.url}/take?cursor=more&startAt=1&start=1"
    world.acme.table["/wiki/api/v2/space-role-mode"] = [said({"mode": "PRE_ROLES"})]
    pages = {
        each.path.replace("{orgId}", "o-1"): said({str(each.records): [{}], NEXT[pager]: {"next": link}})
        for each in ENDPOINTS
        if each.pager is pager and not each.detail
    }
    world.api.table |= {f"/admin{path}": [page] for path, page in pages.items()}
    world.acme.table |= {path: [page] for path, page in pages.items()}
    told = world.collected(tmp_path, BOTH)

    asked = {each.path.removeprefix("/admin") for server in (world.api, world.acme) for each in server.asked}
    assert pages.keys() & asked, "nobody saw such a link"
    assert world.evil.asked == []
    assert world.evil.url.removeprefix("http://") not in "".join(told.log)


def test_a_site_that_gives_another_address_for_its_own_is_still_asked_at_the_configured_one(world: World, tmp_path: Path) -> None:
    world.acme.table["/rest/api/3/serverInfo"] = [said({"baseUrl": world.evil.url, "serverTitle": "Acme"})]
    told = world.collected(tmp_path, BOTH)

    assert world.evil.asked == []
    assert [each.facts["base_url"] for each in _of(told, "jira.site") if each.id == "acme"] == [world.evil.url]


def test_a_cookie_goes_back_to_nobody(world: World, tmp_path: Path) -> None:
    for path, replies in list(world.acme.table.items()):
        first = replies[0]
        if isinstance(first, Answer):
            cookie = {"Set-Cookie": "session=stolen; Domain=127.0.0.1; Path=/"}
            world.acme.table[path] = [Answer(first.body, first.status, {**first.headers, **cookie})]
    world.collected(tmp_path, BOTH)

    servers = (world.api, world.acme, world.other)
    assert [each.url for server in servers for each in server.asked if "cookie" in each.headers] == []


def test_a_token_with_scopes_is_shown_at_the_gateway_and_never_to_the_site(world: World, tmp_path: Path) -> None:
    world.collected(tmp_path, BOTH, scoped=("acme", "other"))

    assert world.shown(world.acme) == world.shown(world.other) == set()
    at_gateway = {each.authorization for each in world.api.asked if each.path.startswith("/ex/")}
    at_admin = {each.authorization for each in world.api.asked if each.path.startswith("/admin/")}
    assert at_gateway == set(BASIC.values())
    assert at_admin == {f"Bearer {KEY}"}


@pytest.mark.parametrize("cloud_id", ["../../evil", "x/..", "a?b", "", "https://evil.example", "a b", "%2e%2e"])
def test_a_site_cannot_choose_where_at_the_gateway_its_token_goes(world: World, tmp_path: Path, cloud_id: str) -> None:
    world.acme.table["/_edge/tenant_info"] = [said({"cloudId": cloud_id})]
    world.collected(tmp_path, BOTH, scoped=("acme", "other"))

    assert {each.authorization for each in world.api.asked if each.path.startswith("/ex/")} == {BASIC["other"]}


# ------------------------------------------------------------------------------------------------------ client credentials

CLIENTS = Credentials(KEY, {}, {"acme": (CLIENT, SECRET)})


def test_a_secret_goes_where_clients_log_in_and_the_token_to_the_gateway(world: World, tmp_path: Path) -> None:
    told = world.collected(tmp_path, CLIENTS)

    [login] = world.login.asked
    assert (login.method, login.path, login.authorization) == ("POST", "/oauth/token", "")
    assert json.loads(login.body) == {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET}
    assert {each.authorization for each in world.api.asked if each.path.startswith("/ex/")} == {f"Bearer {TOKEN}"}
    assert {each.authorization for each in world.api.asked if each.path.startswith("/admin/")} == {f"Bearer {KEY}"}
    assert world.shown(world.acme) == set()
    bodies = [each.body for server in (world.api, world.acme, world.other) for each in server.asked]
    assert not any(SECRET.encode() in body for body in bodies)
    assert not any(told.holds(secret) for secret in (SECRET, TOKEN, KEY))


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (said({"error": "access_denied", "error_description": f"{SECRET} is wrong"}, 401), "forbidden"),
        (said({"error": "access_denied"}, 403), "forbidden"),
        (said({}), "malformed"),
        (said({"access_token": "", "expires_in": 60}), "malformed"),
        (said({"access_token": "two\nlines", "expires_in": 60}), "malformed"),
        (Answer(b"<html>"), "malformed"),
        (said({}, 500), "gave-up"),
    ],
)
def test_a_client_that_is_not_let_in_leaves_gaps_and_no_secret(world: World, tmp_path: Path, reply: Answer, reason: str) -> None:
    world.login.table["/oauth/token"] = [reply]
    told = world.collected(tmp_path, CLIENTS)

    [gap] = [each for each in told.records if isinstance(each, Gap) and each.kind == "jira.site" and each.id == "acme"]
    assert gap.reason == reason
    assert [each for each in world.api.asked if each.path.startswith("/ex/")] == []
    assert not any(told.holds(secret) for secret in (SECRET, KEY))


def test_a_login_elsewhere_is_not_followed(world: World, tmp_path: Path) -> None:
    world.login.table["/oauth/token"] = [Answer(b"{}", 307, {"Location": f"{world.evil.url}/oauth/token"})]
    world.collected(tmp_path, CLIENTS)

    assert world.evil.asked == []


def test_a_token_that_ends_in_the_middle_is_renewed_and_nothing_is_missing(tmp_path: Path) -> None:
    with running("large:sites=1,projects=40,users=20,groups=5", weather=Weather(latency_ms=20, token_seconds=1)) as site:
        whole = _by_client(site, tmp_path / "whole")
    assert [each for each in whole if isinstance(each, Gap) and each.reason in ("forbidden", "gave-up", "malformed")] == []
    assert len([each for each in whole if isinstance(each, Resource) and each.kind == "jira.project"]) == 40


def _by_client(site: StandIn, folder: Path) -> tuple[Record, ...]:
    """Collect with a client one request after another, so that its token ends meanwhile."""
    folder.mkdir()
    secrets = Credentials("stand-in-org-key", {}, {"acme": ("stand-in-client-id", "stand-in-client-secret")})
    lines: list[str] = []
    asks = Api(site.api_url, site.sites, secrets, concurrency=2, login_url=site.api_url, log=lines.append)
    journal = Journal(folder / "journal")
    collect(asks, Options(None, tuple(site.sites), frozenset(), 2), journal)
    asks.close()
    records = tuple(journal.sorted())
    journal.close()
    assert len([line for line in lines if "/oauth/token" in line]) > 1, "the token lasted to the end"
    return records


def _of(told: Told, kind: str) -> list[Resource]:
    return [each for each in told.records if isinstance(each, Resource) and each.kind == kind]
