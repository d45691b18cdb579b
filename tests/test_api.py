"""What is asked of Atlassian, with which credentials, and what is made of its answers: over real HTTP, on loopback."""

import base64
import gzip
import json
import logging
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner.collect import api, pace, walk
from scanner.collect.api import ALLOWED, Api, Credentials, ForbiddenRequestError, Refusal, Request, Surface
from scanner.model import Reason
from tests.faulty import Answer, Asked, Faulty, Reply, Table, faulty, said

ORG_KEY = "org+key/of=the tests"
EMAIL, TOKEN = "kim@acme.example", "api+token/of=the tests"
BASIC = base64.b64encode(f"{EMAIL}:{TOKEN}".encode()).decode()
CREDENTIALS = Credentials(ORG_KEY, {"acme": (EMAIL, TOKEN)})
SECRETS = [
    form
    for secret in (ORG_KEY, TOKEN, f"{EMAIL}:{TOKEN}")
    for form in (secret, quote(secret), quote(secret, safe=""), base64.b64encode(secret.encode()).decode())
]

ORGS = Request(Surface.ADMIN, "GET", "/v1/orgs")
SERVER_INFO = Request(Surface.SITE, "GET", "/rest/api/3/serverInfo", "acme")
AT_ORGS, AT_SERVER_INFO = "/admin/v1/orgs", "/rest/api/3/serverInfo"
ACCESS_DOMAIN = "/v2/orgs/{orgId}/app-access-settings/domains/{domain}"
REQUEST_SECURITY = "/rest/servicedesk/1/servicedesk/{projectKey}/settings/requestsecurity"

Asking = Callable[..., Api]


def silent(_line: str) -> None:
    pass


@pytest.fixture
def server() -> Iterator[Faulty]:
    with faulty() as running:
        yield running


@pytest.fixture
def asking() -> Iterator[Asking]:
    """Return a function that prepares to ask a server which plays both the admin API and the site."""
    made: list[Api] = []

    def make(
        url: str, credentials: Credentials = CREDENTIALS, log: Callable[[str], None] = silent, *, detailed: bool = False
    ) -> Api:
        made.append(Api(url, {"acme": url}, credentials, concurrency=1, log=log, detailed=detailed))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def one_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "RETRIES", 1)  # the first comes without a pause
    monkeypatch.setattr(pace, "WAITS", 1)


def refusal(asks: Api, request: Request = SERVER_INFO) -> Refusal:
    with pytest.raises(Refusal) as refused:
        asks.ask(request)
    return refused.value


def refused(asks: Api, request: Request = SERVER_INFO) -> str:
    found = refusal(asks, request)
    return f"{found.reason}: {found.detail}"


# ------------------------------------------------------------------------------------------------------- what may be asked


def test_all_that_the_tables_name_is_allowed_and_nothing_else_but_the_three_helpers() -> None:
    asked = {(endpoint.surface, endpoint.method, endpoint.path) for endpoint in walk.ENDPOINTS}
    asked |= {(endpoint.surface, "GET", endpoint.detail) for endpoint in walk.ENDPOINTS if endpoint.detail}

    assert asked <= ALLOWED
    assert ALLOWED - asked == {
        (Surface.ADMIN, "GET", "/v1/orgs"),
        (Surface.LOGIN, "POST", "/oauth/token"),
        (Surface.SITE, "GET", "/_edge/tenant_info"),
    }


def test_only_three_searches_and_the_login_are_a_post() -> None:
    assert sorted(path for _, method, path in ALLOWED if method != "GET") == [
        "/oauth/token",
        "/v2/orgs/{orgId}/directories/-/groups/search",
        "/v2/orgs/{orgId}/directories/-/users/search",
        "/v2/orgs/{orgId}/workspaces",
    ]


@pytest.mark.parametrize(
    ("surface", "method", "path"),
    [
        (Surface.SITE, "POST", REQUEST_SECURITY),
        (Surface.SITE, "PUT", REQUEST_SECURITY),
        (Surface.ADMIN, "GET", "/v1/orgs/{orgId}/policies/{policyId}/validate"),
        (Surface.ADMIN, "GET", "/control/v1/orgs/{orgId}/policies/{policyId}/validate"),
        (Surface.SITE, "POST", "/rest/servicedesk/1/customer/pages/user/signup"),
        (Surface.ANYONE, "POST", "/rest/servicedesk/1/customer/pages/user/signup"),
        (Surface.ANYONE, "GET", "/rest/servicedesk/1/customer/pages/user/signup"),
        (Surface.ANYONE, "POST", "/servicedesk/customer/user/signup"),
        (Surface.SITE, "GET", "/servicedesk/customer/user/signup"),
        (Surface.ANYONE, "GET", "/rest/api/3/users/search"),
        (Surface.SITE, "DELETE", "/rest/servicedeskapi/servicedesk/{serviceDeskId}/customer"),
        (Surface.ADMIN, "POST", "/v2/orgs/{orgId}/users/invite"),
        (Surface.SITE, "get", "/rest/api/3/serverInfo"),
        (Surface.SITE, "HEAD", "/rest/api/3/serverInfo"),
        (Surface.SITE, "GET", "/rest/api/3/serverInfo/"),
        (Surface.SITE, "GET", "/rest/servicedesk/1/servicedesk/HR/settings/requestsecurity"),
        (Surface.SITE, "GET", "/v1/orgs"),
        (Surface.ADMIN, "GET", "/rest/api/3/serverInfo"),
    ],
)
def test_what_is_not_on_the_list_is_never_sent(server: Faulty, asking: Asking, surface: Surface, method: str, path: str) -> None:
    with pytest.raises(ForbiddenRequestError):
        asking(server.url).ask(Request(surface, method, path, "acme"))
    assert server.asked == []


@pytest.mark.parametrize("id_", ["", ".", ".."])
def test_an_id_that_means_another_place_in_an_address_is_not_sent(server: Faulty, asking: Asking, id_: str) -> None:
    request = Request(Surface.ADMIN, "GET", ACCESS_DOMAIN, values={"orgId": "o-1", "domain": id_})

    assert refused(asking(server.url), request) == "malformed: an id that cannot stand in an address"
    assert server.asked == []


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    id_=st.text(min_size=1) | st.sampled_from(["a/b?c", "../x", "%2e%2e", "a#b", "a\\b", ";x=1", "{orgId}", "a%2Fb", "\r\nX: y"])
)
def test_an_id_cannot_change_the_path(server: Faulty, asking: Asking, id_: str) -> None:
    server.asked.clear()
    request = Request(Surface.ADMIN, "GET", ACCESS_DOMAIN, values={"orgId": "o-1", "domain": id_})
    asks = asking(server.url)
    refusal(asks, request)
    asks.close()

    before, after = "/admin/v2/orgs/o-1/app-access-settings/domains/", [asked.url for asked in server.asked]
    assert (after == []) == (id_ in (".", ".."))
    assert [unquote(url.removeprefix(before)) for url in after if "/" not in url.removeprefix(before)] == [id_] * len(after)
    assert all("?" not in url and "#" not in url for url in after)


# ------------------------------------------------------------------------------------------------- who gets which credential


def test_the_organization_key_goes_to_the_admin_api_and_the_account_to_the_site(server: Faulty, asking: Asking) -> None:
    server.table |= {AT_ORGS: [said({})], AT_SERVER_INFO: [said({})]}
    asks = asking(server.url)
    asks.ask(ORGS)
    asks.ask(SERVER_INFO)

    assert [(asked.path, asked.authorization) for asked in server.asked] == [
        (AT_ORGS, f"Bearer {ORG_KEY}"),
        (AT_SERVER_INFO, f"Basic {BASIC}"),
    ]


@pytest.fixture
def netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give whoever runs the tests a ~/.netrc that knows of the server."""
    file = tmp_path / ".netrc"
    file.write_text("machine 127.0.0.1 login netrc-login password netrc-password\ndefault login d password d\n", encoding="utf-8")
    file.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(file))


@pytest.mark.usefixtures("netrc")
@pytest.mark.parametrize(
    ("credentials", "request_"),
    [
        (Credentials(ORG_KEY, {}), SERVER_INFO),
        (Credentials(None, {"acme": (EMAIL, TOKEN)}), ORGS),
        (Credentials(ORG_KEY, {"other": (EMAIL, TOKEN)}), SERVER_INFO),
        (Credentials(), ORGS),
    ],
)
def test_nothing_is_sent_where_there_is_no_credential_not_even_that_of_a_netrc_file(
    server: Faulty, asking: Asking, credentials: Credentials, request_: Request
) -> None:
    asks = asking(server.url, credentials)

    assert not asks.can_ask(request_.surface, request_.site)
    assert refused(asks, request_) == "no-credential: there is no credential for it"
    assert server.asked == []


@pytest.mark.usefixtures("netrc")
def test_a_netrc_file_does_not_take_the_place_of_the_credential(server: Faulty, asking: Asking) -> None:
    server.table |= {AT_SERVER_INFO: [said({})], AT_ORGS: [said({})]}
    asks = asking(server.url)
    asks.ask(SERVER_INFO)
    asks.ask(ORGS)

    assert [asked.authorization for asked in server.asked] == [f"Basic {BASIC}", f"Bearer {ORG_KEY}"]


def test_a_cookie_is_not_carried_from_one_answer_to_the_next_request(server: Faulty, asking: Asking) -> None:
    server.table |= {AT_SERVER_INFO: [said({}, Set_Cookie="session=of-the-site; Path=/")], AT_ORGS: [said({})]}
    asks = asking(server.url)
    asks.ask(SERVER_INFO)
    asks.ask(ORGS)
    asks.ask(SERVER_INFO)

    assert [asked.headers.get("cookie") for asked in server.asked] == [None, None, None]


def test_the_proxy_of_the_environment_holds(server: Faulty, asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", server.url)
    server.table[AT_SERVER_INFO] = [said({"version": "through the proxy"})]

    assert asking("http://acme.invalid").ask(SERVER_INFO) == {"version": "through the proxy"}
    assert [asked.url for asked in server.asked] == ["http://acme.invalid" + AT_SERVER_INFO]


# ------------------------------------------------------------------------------------------------- nothing leads elsewhere


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_no_credential_reaches_the_other_host(server: Faulty, asking: Asking, status: int) -> None:
    with faulty({AT_SERVER_INFO: [said({"version": "stolen"})]}) as other:
        server.table[AT_SERVER_INFO] = [said({}, status, Location=other.url + AT_SERVER_INFO)]

        assert refused(asking(server.url)) == f"malformed: redirected ({status}), which is not followed"
        assert len(server.asked) == 1
        assert other.asked == []


@pytest.mark.parametrize("location", ["http://[bad", "\xff\xfe", "http://\x80:99999999/", "//", ""])
def test_a_redirect_to_no_address_at_all_is_malformed(server: Faulty, asking: Asking, location: str) -> None:
    server.table[AT_SERVER_INFO] = [said({}, 302, Location=location)]

    assert refused(asking(server.url)) == "malformed: redirected (302), which is not followed"


def test_a_redirect_may_not_be_larger_than_any_other_answer(
    server: Faulty, asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "MAX_ANSWER", 1024**2)
    server.table[AT_SERVER_INFO] = [Answer(b"x" * 2 * 1024**2, 302, {"Location": server.url})]

    assert refused(asking(server.url)) == "malformed: an answer of more than 1 MiB"


@pytest.mark.parametrize(
    ("link", "cursor"),
    [
        ("{here}/v1/orgs?cursor=abc%2B%2F%3D&limit=2", "abc+/="),
        ("/admin/v1/orgs?cursor=abc", "abc"),
        ("?cursor=abc", "abc"),
        ("abc", "abc"),
        ("MjI6NQ==", "MjI6NQ=="),
        ("page:2", "page:2"),
        ("ari:cloud:x::y/z", "ari:cloud:x::y/z"),
    ],
)
def test_a_cursor_is_taken_from_a_link_or_as_it_is(server: Faulty, asking: Asking, link: str, cursor: str) -> None:
    assert asking(server.url).cursor(ORGS, link.format(here=f"{server.url}/admin")) == cursor


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/admin/v1/orgs?cursor=abc",
        "//evil.example/admin/v1/orgs?cursor=abc",
        "http://127.0.0.1:1/admin/v1/orgs?cursor=abc",
        "http://127.0.0.1@evil.example/?cursor=abc",
        "ftp://evil.example/?cursor=abc",
        "HTTPS://evil.example",
    ],
)
def test_a_link_to_another_host_is_refused(server: Faulty, asking: Asking, link: str) -> None:
    with pytest.raises(Refusal, match=r"on another host .*, which is not followed") as refused:
        asking(server.url).cursor(ORGS, link)
    assert refused.value.reason is Reason.MALFORMED


@pytest.mark.parametrize("link", ["http://[bad", "http://[::1", "{here}/v1/orgs?page=2", "{here}/v1/orgs", "/v1/orgs?page=2"])
def test_a_link_without_a_cursor_is_not_taken_for_the_last_page(server: Faulty, asking: Asking, link: str) -> None:
    with pytest.raises(Refusal, match="next page") as refused:
        asking(server.url).cursor(ORGS, link.format(here=f"{server.url}/admin"))
    assert refused.value.reason is Reason.MALFORMED


# ------------------------------------------------------------------------------------------------------- patience and limits


@pytest.mark.parametrize("status", [429, 503])
def test_an_answer_that_asks_to_wait_is_asked_again_after_as_many_seconds(server: Faulty, asking: Asking, status: int) -> None:
    server.table[AT_SERVER_INFO] = [said({}, status, Retry_After="1"), said({"version": "1"})]
    start = time.monotonic()

    assert asking(server.url).ask(SERVER_INFO) == {"version": "1"}
    assert 1 <= time.monotonic() - start < 5


def test_an_answer_may_ask_to_wait_until_a_date(server: Faulty, asking: Asking) -> None:
    later = datetime.now(UTC) + timedelta(seconds=2)
    server.table[AT_SERVER_INFO] = [said({}, 429, Retry_After=format_datetime(later, usegmt=True)), said({"version": "1"})]

    assert asking(server.url).ask(SERVER_INFO) == {"version": "1"}
    assert datetime.now(UTC) >= later.replace(microsecond=0)


def test_no_answer_can_make_the_program_wait_for_long(server: Faulty, asking: Asking) -> None:
    server.table[AT_SERVER_INFO] = [said({}, 429, Retry_After="86400"), said({"version": "1"})]
    start = time.monotonic()

    assert refused(asking(server.url)) == "gave-up: answered 429, and is not to be asked again for 86400 seconds"
    assert time.monotonic() - start < 5
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_trouble_that_passes_is_no_trouble(server: Faulty, asking: Asking, status: int) -> None:
    server.table |= {AT_SERVER_INFO: [said({}, status), said({"version": "1"})]}
    server.table["/admin/v2/orgs/o-1/workspaces"] = [said({}, status), said({"data": []})]
    asks = asking(server.url)

    assert asks.ask(SERVER_INFO) == {"version": "1"}
    assert asks.ask(
        Request(Surface.ADMIN, "POST", "/v2/orgs/{orgId}/workspaces", values={"orgId": "o-1"}, body={"cursor": "é"})
    ) == {"data": []}
    assert [(asked.method, asked.body) for asked in server.asked] == [("GET", b"")] * 2 + [("POST", '{"cursor":"é"}'.encode())] * 2


@pytest.mark.usefixtures("one_retry")
@pytest.mark.parametrize("status", [429, 503])
def test_trouble_for_ever_is_given_up(server: Faulty, asking: Asking, status: int) -> None:
    server.table[AT_SERVER_INFO] = [said({"message": "Rate limit exceeded"}, status)]

    assert refused(asking(server.url)) == f"gave-up: answered {status} every time: Rate limit exceeded"
    assert len(server.asked) == 2


def test_an_error_of_the_server_is_asked_once_more_and_no_oftener(server: Faulty, asking: Asking) -> None:
    server.table[AT_SERVER_INFO] = [said({}, 500)]

    assert refused(asking(server.url)) == "gave-up: answered 500 every time"
    assert len(server.asked) == 2


@pytest.mark.usefixtures("one_retry")
def test_a_wish_to_wait_that_nobody_understands_is_given_up(server: Faulty, asking: Asking) -> None:
    server.table[AT_SERVER_INFO] = [said({}, 429, Retry_After="soon")]

    assert refusal(asking(server.url)).reason is Reason.GAVE_UP


@pytest.mark.usefixtures("one_retry")
def test_no_connection_is_given_up_in_words_without_the_query(asking: Asking) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]  # bound, but not listening
        lines: list[str] = []
        asks = asking(f"http://127.0.0.1:{port}", log=lines.append)
        request = Request(Surface.SITE, "GET", "/rest/api/3/mypermissions", "acme", params={"permissions": "ASKED_FOR"})

        assert refused(asks, request) == f"gave-up: no answer from 127.0.0.1:{port}: the connection failed"
    assert lines == ["GET /rest/api/3/mypermissions (acme): ConnectionError"] * 2


@pytest.mark.usefixtures("one_retry")
def test_a_host_that_does_not_resolve_is_given_up(asking: Asking) -> None:
    assert refused(asking("http://acme.invalid")) == "gave-up: no answer from acme.invalid: the connection failed"


def test_a_server_that_does_not_speak_tls_is_given_up(server: Faulty, asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "RETRIES", 0)
    monkeypatch.setattr(pace, "WAITS", 0)

    assert refused(asking(server.url.replace("http:", "https:"))).startswith("gave-up: no answer from 127.0.0.1")


def test_an_answer_that_takes_too_long_is_given_up(server: Faulty, asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    def late(_asked: Asked) -> Answer:
        time.sleep(0.3)
        return said({})

    monkeypatch.setattr(api, "READ_SECONDS", 0.1)
    monkeypatch.setattr(pace, "RETRIES", 0)
    monkeypatch.setattr(pace, "WAITS", 0)
    server.table[AT_SERVER_INFO] = [late]

    assert refusal(asking(server.url)).reason is Reason.GAVE_UP


@pytest.mark.usefixtures("one_retry")
def test_an_answer_that_breaks_off_is_given_up(server: Faulty, asking: Asking) -> None:
    server.table[AT_SERVER_INFO] = [Answer(b'{"version": ', headers={"Content-Length": "100"})]

    assert refused(asking(server.url)).endswith(": the answer broke off")


def test_an_answer_over_the_limit_is_malformed_and_gives_its_connection_back(
    server: Faulty, asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "MAX_ANSWER", 1024**2)
    packed = gzip.compress(b" " * 3 * 1024**2)
    assert len(packed) < 1024**2
    server.table[AT_SERVER_INFO] = [
        said("x" * 1024**2),
        Answer(packed, headers={"Content-Encoding": "gzip"}),
        said({"version": "1"}),
    ]
    asks = asking(server.url)

    assert refused(asks) == "malformed: an answer of more than 1 MiB"
    assert refused(asks) == "malformed: an answer of more than 1 MiB"
    assert asks.ask(SERVER_INFO) == {"version": "1"}


# ------------------------------------------------------------------------------------------------------ what is no answer


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"<!DOCTYPE html><html><body>Log in</body></html>", id="html"),
        pytest.param(b'{"version": "1', id="cut off"),
        pytest.param(b"", id="empty"),
        pytest.param(b"   ", id="blank"),
        pytest.param(b"null", id="null"),
        pytest.param(b"5", id="number"),
        pytest.param(b'"version"', id="text"),
        pytest.param(b"true", id="true"),
        pytest.param(nested(60), id="60 deep"),
        pytest.param(b'{"a":' * 60 + b"1" + b"}" * 60, id="60 objects deep"),
        pytest.param(nested(900), id="900 deep"),
        pytest.param(nested(100_000), id="100,000 deep"),
        pytest.param(nested(100_000)[:100_000], id="100,000 deep and cut off"),
        pytest.param(rb'{"a": "\ud800"}', id="lone surrogate"),
        pytest.param(rb'{"a": "\udc00 and more of it"}', id="lone low surrogate"),
        pytest.param(rb'{"\ud800": 1}', id="lone surrogate in a key"),
        pytest.param(b'{"a": "\xff"}', id="not utf-8"),
        pytest.param("{}".encode("utf-16"), id="utf-16"),
        pytest.param(b"\xef\xbb\xbf{}", id="byte order mark"),
        pytest.param(b'{"a": NaN}', id="not a number"),
        pytest.param(b'{"a": 1e400}', id="too large a number"),
        pytest.param(b'{"a": ' + b"1" * 5000 + b"}", id="too long a number"),
        pytest.param(b"{} {}", id="two answers"),
        pytest.param(b")]}',\n{}", id="guarded"),
    ],
)
def test_what_is_not_json_as_it_should_be_is_malformed(server: Faulty, asking: Asking, body: bytes) -> None:
    server.table[AT_SERVER_INFO] = [Answer(body)]

    assert refusal(asking(server.url)).reason is Reason.MALFORMED


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(body=st.binary(max_size=200), status=st.sampled_from([200, 400, 401, 403, 404, 500]))
def test_no_answer_is_a_traceback(server: Faulty, asking: Asking, body: bytes, status: int) -> None:
    server.table[AT_SERVER_INFO] = [Answer(body, status)]
    asks = asking(server.url)
    with suppress(Refusal):
        assert isinstance(asks.ask(SERVER_INFO), dict | list)
    asks.close()


def test_an_answer_of_reasonable_depth_is_taken_as_it_is(server: Faulty, asking: Asking) -> None:
    body = nested(20)
    server.table[AT_SERVER_INFO] = [Answer(body)]

    assert asking(server.url).ask(SERVER_INFO) == json.loads(body)


# --------------------------------------------------------------------------------------------------- what a refusal says


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (said({}, 401), "forbidden: the credentials were not accepted (401)"),
        (
            said({}, 401, x_authentication_denied_reason="CAPTCHA_CHALLENGE"),
            "forbidden: the credentials were not accepted (401, CAPTCHA_CHALLENGE)",
        ),
        (said({"version": "1"}, X_Seraph_LoginReason="AUTHENTICATED_FAILED"), "forbidden: the credentials were not accepted"),
        (said({"version": "1"}, X_Seraph_LoginReason="OUT, AUTHENTICATED_FAILED"), "forbidden: the credentials were not accepted"),
        (said({}, 403), "forbidden: refused (403)"),
        (said({}, 404), "not-found: not found (404)"),
        (said({}, 400), "unsupported: not supported here (400)"),
        (said({}, 410), "unsupported: not supported here (410)"),
        (said({}, 204), "gave-up: answered 204"),
        (said({"errorMessages": ["One thing.", "Another."], "errors": {}}, 403), "forbidden: refused (403): One thing."),
        (said({"errorMessages": [], "errors": {"field": "A thing."}}, 403), "forbidden: refused (403)"),
        (said({"errors": [{"title": "A thing."}]}, 403), "forbidden: refused (403): A thing."),
        (said({"errors": [{"title": "Forbidden", "detail": "A thing."}]}, 403), "forbidden: refused (403): Forbidden: A thing."),
        (said({"errors": [{"detail": "A thing."}, 5, None]}, 403), "forbidden: refused (403): A thing."),
        (said({"title": "Forbidden", "detail": "A thing."}, 403), "forbidden: refused (403): Forbidden: A thing."),
        (said({"code": 401, "message": "A thing."}, 403), "forbidden: refused (403): A thing."),
        (said({"errorMessage": "A thing.", "i18nErrorMessage": {}}, 403), "forbidden: refused (403): A thing."),
        (said({"errorMessages": "x", "errors": "x", "message": 5, "errorMessage": None}, 403), "forbidden: refused (403)"),
        (said(["A thing."], 403), "forbidden: refused (403)"),
        (Answer(b"<html>A thing.</html>", 403), "forbidden: refused (403)"),
        (Answer(nested(100_000), 403), "forbidden: refused (403)"),
        (said({"message": "x" * 5000}, 403), f"forbidden: refused (403): {'x' * 200}"),
        (
            said({}, 401, x_authentication_denied_reason="x" * 5000),
            f"forbidden: the credentials were not accepted (401, {'x' * 80})",
        ),
    ],
)
def test_a_refusal_says_why_and_what_atlassian_said_cut_short(
    server: Faulty, asking: Asking, answer: Answer, expected: str
) -> None:
    server.table[AT_SERVER_INFO] = [answer]

    assert refused(asking(server.url)) == expected


# -------------------------------------------------------------------------------------------------------------- secrets


def echoes(asked: Asked) -> Answer:
    """Say back, in an error, all that was sent, in each form it might come back in."""
    sent = asked.authorization
    secret = base64.b64decode(sent.removeprefix("Basic ")).decode() if sent.startswith("Basic ") else sent.removeprefix("Bearer ")
    token = secret.rpartition(":")[2]
    # What stands before it is such that the cut after 200 characters goes through a secret.
    message = f"{sent} {secret} {token} {quote(token, safe='')} {base64.b64encode(token.encode()).decode()} " * 5
    return said({"message": message}, 401, x_authentication_denied_reason=f"not {sent}")


@pytest.mark.usefixtures("one_retry")
@pytest.mark.parametrize("reply", [said({}), echoes, said({}, 500), Answer(b"<html>"), said({}, 302, Location="/x")])
@pytest.mark.parametrize("request_", [ORGS, SERVER_INFO])
def test_no_secret_is_in_an_exception_a_representation_or_a_log(
    server: Faulty,
    asking: Asking,
    reply: Reply,
    request_: Request,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    server.table |= {AT_ORGS: [reply], AT_SERVER_INFO: [reply]}
    lines: list[str] = []
    asks = asking(server.url, log=lines.append)
    said_of_it = [repr(asks), repr(CREDENTIALS), str(CREDENTIALS), repr(request_), repr(vars(asks))]
    try:
        asks.ask(request_)
    except Refusal as refused:
        error: BaseException | None = refused
        while error:
            said_of_it += [str(error), repr(error), repr(error.args)]
            error = error.__cause__ or error.__context__
    said_of_it += [*lines, caplog.text]

    assert all(asked.authorization in (f"Bearer {ORG_KEY}", f"Basic {BASIC}") for asked in server.asked)
    assert len(lines) == len(server.asked)
    found = [(secret, text) for text in said_of_it for secret in SECRETS if secret in text]
    assert found == []


def test_a_log_line_names_the_endpoint_and_the_outcome_and_a_detailed_one_the_address_without_its_query(
    server: Faulty, asking: Asking
) -> None:
    server.table["/rest/api/3/mypermissions"] = [said({})]
    request = Request(Surface.SITE, "GET", "/rest/api/3/mypermissions", "acme", params={"permissions": "X"})
    lines: list[str] = []
    asking(server.url, log=lines.append).ask(request)
    asking(server.url, log=lines.append, detailed=True).ask(request)

    assert server.asked[0].query == {"permissions": "X"}
    assert lines[0] == "GET /rest/api/3/mypermissions (acme): 200, 2 bytes"
    assert re.fullmatch(re.escape(f"GET {server.url}/rest/api/3/mypermissions: 200, 2 bytes, ") + r"\d+\.\d\d s", lines[1])


def table_of(reply: Answer) -> Table:
    return {AT_ORGS: [reply], AT_SERVER_INFO: [reply]}


def test_each_site_has_its_own_account_and_its_own_address() -> None:
    with faulty(table_of(said({}))) as one, faulty(table_of(said({}))) as two:
        credentials = Credentials(None, {"one": ("a@x.example", "of one"), "two": ("b@x.example", "of two")})
        asks = Api("http://acme.invalid", {"one": one.url, "two": two.url}, credentials, concurrency=1)
        for site in ("one", "two"):
            asks.ask(Request(Surface.SITE, "GET", "/rest/api/3/serverInfo", site))
        asks.close()

        assert (sent_to(one), sent_to(two)) == (["a@x.example:of one"], ["b@x.example:of two"])


def sent_to(server: Faulty) -> list[str]:
    return [base64.b64decode(asked.authorization.removeprefix("Basic ")).decode() for asked in server.asked]


def test_no_log_line_names_a_person(server: Faulty, asking: Asking) -> None:
    path = "/v2/orgs/{orgId}/directories/-/users/{accountId}/role-assignments"
    server.table["/admin/v2/orgs/o-1/directories/-/users/712020-ada/role-assignments"] = [said({"data": []})]
    lines: list[str] = []
    values = {"orgId": "o-1", "accountId": "712020-ada"}
    asking(server.url, log=lines.append, detailed=True).ask(Request(Surface.ADMIN, "GET", path, values=values))

    assert [line.partition(": ")[0] for line in lines] == [
        f"GET {server.url}/admin/v2/orgs/o-1/directories/-/users/somebody/role-assignments"
    ]
