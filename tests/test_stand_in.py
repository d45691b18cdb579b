"""The stand-in site in bad weather and at scale: what a weather says happens on the wire, and `large` is what it says."""

import json
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
import requests

from tests.fake_atlassian import admin, oauth, promises, site
from tests.fake_atlassian.outdoors import Asked, Sky
from tests.fake_atlassian.routes import Route
from tests.fake_atlassian.scenario import SCENARIOS, ScenarioError, load, names
from tests.fake_atlassian.server import ROOT, StandIn, running
from tests.fake_atlassian.weather import (
    Drip,
    EmptyPage,
    Fault,
    ForeignNext,
    Limit,
    NotJson,
    Redirect,
    Reset,
    SameCursor,
    Status,
    TooMany,
    Truncated,
    Weather,
    WrongTotal,
)

ADMINISTRATOR = ("admin@acme.example", "stand-in-api-token")
ORG_KEY = {"Authorization": "Bearer stand-in-org-key"}
CLIENT = {"grant_type": "client_credentials", "client_id": "stand-in-client-id", "client_secret": "stand-in-client-secret"}

PROJECTS = "/rest/api/3/project/search"
FILTERS = "/rest/api/3/filter/search"
DASHBOARDS = "/rest/api/3/dashboard/search"
USERS = "/rest/api/3/users/search"
ROLES = "/rest/api/3/applicationrole"
SCHEMES = "/rest/api/3/permissionscheme"
ABOUT = "/rest/api/3/serverInfo"
DESKS = "/rest/servicedeskapi/servicedesk"
SPACES = "/wiki/api/v2/spaces"
CLASSIC_SPACES = "/wiki/rest/api/space"
ORG = f"/admin/v1/orgs/{load('open').org.id}"
V2_ORG = ORG.replace("v1", "v2")


@dataclass(frozen=True, slots=True)
class Met:
    """Be a stand-in as somebody meets it who may see everything."""

    at: StandIn

    def get(self, path: str, face: str | None = None, **query: str) -> requests.Response:
        return self._ask("GET", path, face, params=query)

    def post(self, path: str, body: Mapping[str, Any]) -> requests.Response:
        return self._ask("POST", path, json=body)

    def visits(self, face: str = "acme") -> dict[str, Any]:
        counted: dict[str, Any] = self._ask("GET", "/__stand_in__/requests", face).json()
        return counted

    def reset(self, face: str = "acme") -> None:
        assert self._ask("POST", "/__stand_in__/reset", face).status_code == 204

    def turn(self, weather: Weather) -> requests.Response:
        return self.post("/__stand_in__/weather", msgspec.to_builtins(weather))

    def address(self, path: str, face: str | None = None) -> str:
        at_api = face == "api" or (face is None and path.startswith(("/admin", "/oauth", "/ex")))
        return (self.at.api_url if at_api else self.at.sites[face or "acme"]) + path

    def _ask(self, method: str, path: str, face: str | None = None, **more: Any) -> requests.Response:  # noqa: ANN401
        login: dict[str, Any] = {"headers": ORG_KEY} if path.startswith("/admin") else {"auth": ADMINISTRATOR}
        with requests.Session() as session:
            session.trust_env = False
            return session.request(method, self.address(path, face), timeout=10, allow_redirects=False, **login, **more)


@pytest.fixture(scope="module")
def calm() -> Iterator[Met]:
    with running("open") as at:
        yield Met(at)


# ------------------------------------------------------------------------------------------------------------- what strikes


STRUCK: dict[str, Fault] = {
    PROJECTS: NotJson(path=PROJECTS, times=None),
    FILTERS: TooMany(path=FILTERS, retry_after=7, times=None),
    DASHBOARDS: TooMany(path=DASHBOARDS, retry_after=90, as_date=True, times=None),
    USERS: TooMany(path=USERS, times=None),
    SCHEMES: Reset(path=SCHEMES, times=None),
    ROLES: Truncated(path=ROLES, times=None),
    ABOUT: Redirect(path=ABOUT, times=None),
    DESKS: Drip(path=DESKS, wait_ms=20, pieces=5, times=None),
    SPACES: Status(path=SPACES, status=503, times=None),
    CLASSIC_SPACES: Status(path=CLASSIC_SPACES, status=502, plain=True, times=None),
    ORG: TooMany(path=ORG, method="GET", times=None),
    oauth.PATH: Status(path=oauth.PATH, status=503, times=None),
}


@pytest.fixture(scope="module")
def stormy() -> Iterator[Met]:
    with running("open", Weather(faults=tuple(STRUCK.values()))) as at:
        yield Met(at)


def test_too_many_requests_says_for_how_long(stormy: Met) -> None:
    answer = stormy.get(FILTERS)

    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "7"
    assert answer.json().keys() == {"errorMessages", "errors"}


def test_too_many_requests_says_until_when(stormy: Met) -> None:
    answer = stormy.get(DASHBOARDS)
    until = parsedate_to_datetime(answer.headers["Retry-After"]) - datetime.now(UTC)

    assert answer.status_code == 429
    assert answer.headers["Retry-After"].endswith(" GMT")
    assert timedelta(seconds=80) < until <= timedelta(seconds=90)


def test_too_many_requests_may_say_nothing_more(stormy: Met) -> None:
    answer = stormy.get(USERS)

    assert answer.status_code == 429
    assert "Retry-After" not in answer.headers


def test_a_face_says_in_its_own_words_what_the_weather_does(stormy: Met) -> None:
    assert stormy.get(ORG).json() == {"code": 429, "message": "Too many requests."}
    assert stormy.get(SPACES).json()["errors"][0]["status"] == 503
    assert stormy.post(oauth.PATH, CLIENT).json()["error"] == "service_unavailable"


def test_what_stands_before_a_face_says_it_in_plain_text(stormy: Met) -> None:
    answer = stormy.get(CLASSIC_SPACES)

    assert (answer.status_code, answer.text) == (502, "Bad Gateway")
    assert answer.headers["Content-Type"].startswith("text/plain")


def test_a_page_for_people_comes_with_status_200(stormy: Met) -> None:
    answer = stormy.get(PROJECTS)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


def test_a_redirect_leads_to_somebody_else(stormy: Met) -> None:
    answer = stormy.get(ABOUT)

    assert (answer.status_code, answer.headers["Location"]) == (302, "http://evil.example/")


def test_a_reset_connection_answers_nothing(stormy: Met) -> None:
    with pytest.raises(ConnectionResetError):
        received(stormy, SCHEMES)
    with pytest.raises(requests.ConnectionError):
        stormy.get(SCHEMES)


def test_a_truncated_answer_ends_in_the_middle(stormy: Met, calm: Met) -> None:
    whole = len(calm.get(ROLES).content.replace(calm.at.sites["acme"].encode(), stormy.at.sites["acme"].encode()))
    head, _, body = received(stormy, ROLES).partition(b"\r\n\r\n")

    assert f"content-length: {whole}".encode() in head.lower()
    assert len(body) == whole // 2
    with pytest.raises(requests.RequestException):
        stormy.get(ROLES)


def test_a_slow_answer_comes_in_pieces_and_whole(stormy: Met, calm: Met) -> None:
    start = time.perf_counter()
    answer = stormy.get(DESKS)

    assert time.perf_counter() - start >= (5 - 1) * 0.020
    assert keys(answer) == keys(calm.get(DESKS))


def test_what_is_broken_leaves_no_trace_in_the_log_of_the_stand_in(tmp_path: Path) -> None:
    weather = tmp_path / "weather.json"
    weather.write_bytes(msgspec.json.encode(Weather(faults=(STRUCK[SCHEMES], STRUCK[ROLES]))))
    command = [sys.executable, "-m", "tests.fake_atlassian", "--scenario", "open", "--weather", str(weather)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            assert process.stdout
            met = Met(StandIn(**json.loads(process.stdout.readline())))
            for path in (SCHEMES, ROLES):
                with pytest.raises(requests.RequestException):
                    met.get(path)
            assert met.get(ABOUT).status_code == 200
        finally:
            process.terminate()
            _, complaints = process.communicate(timeout=10)

    assert complaints == ""


@pytest.fixture(scope="module")
def misleading() -> Iterator[Met]:
    faults: tuple[Fault, ...] = (
        ForeignNext(path="/*", face="api", times=None),
        *(ForeignNext(path=path, times=None) for path in (PROJECTS, DESKS, SPACES, CLASSIC_SPACES)),
        SameCursor(path=DASHBOARDS, from_request=2),
        WrongTotal(path=FILTERS, times=None),
        EmptyPage(path=USERS, times=None),
        EmptyPage(path="/rest/api/3/group/bulk", from_request=2),
        Drip(path=SCHEMES, wait_ms=1),
        Status(path=SCHEMES, status=500),
        Truncated(path=SCHEMES),
    )
    with running("open", Weather(faults=faults)) as at:
        yield Met(at)


@pytest.mark.parametrize(
    ("path", "where"),
    [
        (PROJECTS, ("nextPage",)),
        (DESKS, ("_links", "next")),
        (SPACES, ("_links", "next")),
        (CLASSIC_SPACES, ("_links", "next")),
        (f"{ORG}/policies", ("meta", "next")),
        (f"{ORG}/policies", ("links", "next")),
        (f"{V2_ORG}/directories", ("links", "next")),
        (f"{V2_ORG}/app-access-settings/domains?limit=1", ("links", "next")),
    ],
)
def test_a_foreign_next_page_is_at_somebody_elses(misleading: Met, calm: Met, path: str, where: tuple[str, ...]) -> None:
    true, false = calm.get(path), misleading.get(path)

    assert urlsplit(at(false, where)).hostname == "evil.example"
    assert urlsplit(at(true, where)).hostname != "evil.example"
    assert records(false) == records(true, told_at=calm, instead=misleading)


def test_a_repeated_cursor_brings_the_page_before_again(misleading: Met) -> None:
    first, again, third = (misleading.get(DASHBOARDS, startAt=start, maxResults="1") for start in ("0", "1", "2"))

    assert again.content == first.content
    assert third.json()["startAt"] == 2


def test_a_wrong_total_is_more_than_will_come(misleading: Met, calm: Met) -> None:
    assert misleading.get(FILTERS).json()["total"] == calm.get(FILTERS).json()["total"] + 1


def test_an_empty_page_says_of_the_pages_what_was_true_before(misleading: Met) -> None:
    full, empty = misleading.get("/rest/api/3/group/bulk").json(), misleading.get("/rest/api/3/group/bulk").json()

    assert full["values"]
    assert empty == {**full, "values": []}
    assert misleading.get(USERS).json() == []


def test_faults_that_strike_the_same_request_do_so_one_after_the_other(misleading: Met) -> None:
    head, _, body = received(misleading, SCHEMES).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 500")
    assert 0 < len(body) < int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    assert misleading.get(SCHEMES).status_code == 200


@pytest.mark.parametrize(
    ("fault", "struck"),
    [
        (Reset(path="/a"), [1]),
        (Reset(path="/a", from_request=3), [3]),
        (Reset(path="/a", from_request=2, times=2), [2, 3]),
        (Reset(path="/a", from_request=4, times=None), [4, 5]),
    ],
)
def test_a_fault_strikes_from_its_first_request_as_often_as_it_says(fault: Fault, struck: list[int]) -> None:
    sky = Sky(Weather(faults=(fault,)), ["acme"])
    turns = [strike.is_due for _ in range(5) for strike in sky.strikes(asked("/a"))]

    assert [number for number, is_due in enumerate(turns, start=1) if is_due] == struck


@pytest.mark.parametrize(
    ("fault", "is_struck"),
    [
        (Reset(path="/a"), True),
        (Reset(path="/"), True),
        (Reset(path="/a/b"), True),
        (Reset(path="/a/b/1/c"), True),
        (Reset(path="/a/*/c"), True),
        (Reset(path="*/c"), True),
        (Reset(path="/a/b/?/c"), True),
        (Reset(path="/a/b/"), True),
        (Reset(path="/a/b/1", face="acme", method="GET"), True),
        (Reset(path="/a/b/1/"), True),
        (Reset(path="/a/b/[1]/*"), False),
        (Reset(path="/b"), False),
        (Reset(path="/a/b/1", method="POST"), False),
        (Reset(path="/a/b/1", face="api"), False),
        (Reset(path="/a/bb"), False),
        (Reset(path="/a/*/d"), False),
    ],
)
def test_a_fault_strikes_a_path_and_what_is_below(fault: Fault, *, is_struck: bool) -> None:
    sky = Sky(Weather(faults=(fault,)), ["acme", "api"])

    assert bool(sky.strikes(asked("/a/b/1/c"))) == is_struck


def test_a_path_does_not_strike_one_that_only_begins_alike() -> None:
    sky = Sky(Weather(faults=(Reset(path="/desk/1"),)), ["acme"])

    assert not sky.strikes(asked("/desk/10"))


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ('{"rain": true}', "unknown field `rain`"),
        ('{"faults": [{"fault": "hail", "path": "/"}]}', "Invalid value 'hail'"),
        ('{"faults": [{"fault": "reset", "path": "/", "retry_after": 1}]}', "unknown field `retry_after`"),
        ('{"faults": [{"fault": "status", "path": "/", "status": 200}]}', "200 is no status to fail with"),
        ('{"faults": [{"fault": "reset", "path": "/", "from_request": 0}]}', "Expected `int` >= 1"),
        ('{"faults": [{"fault": "reset", "path": "/", "face": "acne"}]}', "there are api, acme"),
        ('{"limit": {"per_second": 0}}', "Expected `float` > 0.0"),
    ],
)
def test_a_weather_with_a_mistake_says_where(tmp_path: Path, said: str, complaint: str) -> None:
    weather = tmp_path / "weather.json"
    weather.write_text(said, encoding="utf-8")

    assert complaint in refused_start("--scenario", "open", "--weather", str(weather))


def test_a_weather_that_there_is_not_is_an_error(tmp_path: Path) -> None:
    assert "no such file" in refused_start("--scenario", "open", "--weather", str(tmp_path / "none.json"))


def test_the_weather_turns_while_the_stand_in_runs_and_begins_anew_each_time() -> None:
    weather = Weather(faults=(Status(path=ABOUT, status=503),))
    with running("open") as at:
        met = Met(at)
        statuses = [met.get(ABOUT).status_code]
        for each in (weather, weather, Weather()):
            assert met.turn(each).status_code == 204
            statuses += [met.get(ABOUT).status_code, met.get(ABOUT).status_code]

    assert statuses == [200, 503, 200, 503, 200, 200, 200]


@pytest.mark.parametrize(
    ("weather", "complaint"),
    [
        (Weather(faults=(Reset(path="/", face="acne"),)), "there are api, acme"),
        (Weather(token_seconds=5), "token_seconds cannot change"),
    ],
)
def test_a_weather_that_cannot_turn_so_leaves_all_as_it_was(stormy: Met, weather: Weather, complaint: str) -> None:
    refused = stormy.turn(weather)

    assert (refused.status_code, complaint in refused.text) == (400, True)
    assert stormy.get(SPACES).status_code == 503


# --------------------------------------------------------------------------------------------------------- latency and limit


def test_latency_is_waited_for_by_all_at_once() -> None:
    with running("open", Weather(latency_ms=200)) as stand_in, ThreadPoolExecutor(8) as pool:
        start = time.perf_counter()
        answers = list(pool.map(Met(stand_in).get, [ABOUT] * 8))
        seconds = time.perf_counter() - start

    assert [answer.status_code for answer in answers] == [200] * 8
    assert 0.2 <= seconds < 8 * 0.2


def test_a_limit_lets_a_burst_through_and_then_as_many_as_come_back() -> None:
    clock = Clock()
    sky = Sky(Weather(limit=Limit(per_second=2, burst=3)), ["acme"], clock)

    assert let_through(sky, 5) == [True, True, True, False, False]
    clock.now += 0.5
    assert let_through(sky, 2) == [True, False]
    clock.now += 60
    assert let_through(sky, 5) == [True, True, True, False, False]


@pytest.mark.parametrize(("limit", "said"), [(Limit(per_second=0.25), "4"), (Limit(per_second=50), "1")])
def test_a_limit_says_in_whole_seconds_when_to_come_again(limit: Limit, said: str) -> None:
    sky = Sky(Weather(limit=limit), ["acme"], Clock())
    sky.refused(asked("/a"))
    problem = sky.refused(asked("/a"))

    assert problem
    assert problem.headers["Retry-After"] == said


@pytest.mark.parametrize("is_shared", [True, False])
def test_a_limit_is_each_endpoints_own_unless_it_is_shared(*, is_shared: bool) -> None:
    sky = Sky(Weather(limit=Limit(per_second=1, shared=is_shared)), ["acme", "api"], Clock())
    sky.refused(asked("/a"))
    others = [replace(asked("/a"), method="POST"), replace(asked("/a"), face="api"), asked("/b")]

    assert [bool(sky.refused(each)) for each in others] == [is_shared] * 3


def test_the_ration_of_an_endpoint_is_one_for_all_that_it_is_asked_about() -> None:
    limit = Limit(per_second=0.001, burst=2, retry_after=30)
    with running("open", Weather(limit=limit)) as stand_in:
        met = Met(stand_in)
        answers = [met.get(f"/rest/api/3/project/{key}/permissionscheme") for key in ("APP", "OPS", "HR")]
        other = met.get(ABOUT)
        counted = met.visits()

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[-1].headers["Retry-After"] == "30"
    assert other.status_code == 200
    assert counted["refused"] == 1
    assert counted["requests"]["GET /rest/api/3/project/{projectKeyOrId}/permissionscheme"] == 3


# ---------------------------------------------------------------------------------------------------------------- who came


def test_who_came_is_counted_by_endpoint_and_told_without_secrets(calm: Met) -> None:
    for face in ("acme", "api"):
        calm.reset(face)
    calm.get(PROJECTS)
    calm.get(PROJECTS, startAt="2")
    calm.get("/nowhere")
    requests.get(calm.address(ABOUT), timeout=10)
    calm.get(f"{ORG}/domains")

    assert calm.visits() == {
        "requests": {f"GET {PROJECTS}": 2, "GET /nowhere": 1, f"GET {ABOUT}": 1},
        "authorizations": {"Basic admin@acme.example": 3, "none": 1},
        "refused": 0,
    }
    assert calm.visits("api") == {
        "requests": {"GET /admin/v1/orgs/{orgId}/domains": 1},
        "authorizations": {"Bearer stand-": 1},
        "refused": 0,
    }


def test_a_count_begins_anew(calm: Met) -> None:
    calm.get(ABOUT)
    calm.reset()

    assert calm.visits() == {"requests": {}, "authorizations": {}, "refused": 0}


def test_a_count_is_told_in_any_weather() -> None:
    weather = Weather(limit=Limit(per_second=0.001), faults=(Reset(path="/", times=None),))
    with running("open", weather) as stand_in:
        met = Met(stand_in)
        told = [met.visits()["requests"] for _ in range(3)]

    assert told == [{}, {}, {}]


# ------------------------------------------------------------------------------------------------------------------- tokens


def gateway(met: Met, token: str, path: str = PROJECTS, name: str = "open", number: int = 0) -> requests.Response:
    product = "confluence" if path.startswith("/wiki") else "jira"
    address = met.address(f"/ex/{product}/{load(name).sites[number].cloud_id}{path}")
    return requests.get(address, headers={"Authorization": f"Bearer {token}"}, timeout=10)


@pytest.mark.parametrize("name", names())
def test_client_credentials_get_a_token_that_opens_the_gateway(request: pytest.FixtureRequest, name: str) -> None:
    met = Met(request.getfixturevalue(f"{name}_site"))
    given = met.post(oauth.PATH, CLIENT)
    token = given.json()["access_token"]

    assert given.status_code == 200
    assert given.json().keys() == {"access_token", "expires_in", "token_type", "scope"}
    assert (given.json()["token_type"], given.json()["expires_in"]) == ("Bearer", 3600)
    assert keys(gateway(met, token, name=name)) == keys(met.get(PROJECTS))
    assert gateway(met, token, SPACES, name).status_code == 200


def test_a_token_opens_nothing_but_the_gateway(calm: Met) -> None:
    token = calm.post(oauth.PATH, CLIENT).json()["access_token"]
    header = {"Authorization": f"Bearer {token}"}

    assert requests.get(calm.address(PROJECTS), headers=header, timeout=10).status_code == 401
    assert requests.get(calm.address(f"{ORG}/domains"), headers=header, timeout=10).status_code == 401
    assert gateway(calm, f"{token}x").status_code == 401


@pytest.mark.parametrize(
    ("changed", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "access_denied"),
        ({"client_id": "wrong"}, 401, "access_denied"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"client_secret": None}, 400, "invalid_request"),
    ],
)
def test_wrong_client_credentials_get_nothing(calm: Met, changed: dict[str, str], status: int, error: str) -> None:
    answer = calm.post(oauth.PATH, {**CLIENT, **changed})

    assert answer.status_code == status
    assert answer.json().keys() == {"error", "error_description"}
    assert answer.json()["error"] == error


def test_a_token_is_good_for_a_while() -> None:
    with running("open", Weather(token_seconds=1)) as stand_in:
        met = Met(stand_in)
        given = met.post(oauth.PATH, CLIENT).json()
        now = gateway(met, given["access_token"])
        time.sleep(1.05)
        later = gateway(met, given["access_token"])
        renewed = gateway(met, met.post(oauth.PATH, CLIENT).json()["access_token"])

    assert given["expires_in"] == 1
    assert [answer.status_code for answer in (now, later, renewed)] == [200, 401, 200]


def test_a_token_opens_what_its_client_has_scopes_for(tmp_path: Path) -> None:
    narrow = tmp_path / "narrow.yaml"
    text = (SCENARIOS / "open.yaml").read_text(encoding="utf-8")
    client = "secret: stand-in-client-secret, "
    narrow.write_text(text.replace(client, client + "scopes: [read:jira-work], ", 1), encoding="utf-8")
    with running(str(narrow)) as stand_in:
        met = Met(stand_in)
        given = met.post(oauth.PATH, CLIENT).json()
        answers = [gateway(met, given["access_token"], path) for path in (PROJECTS, DESKS, SPACES)]

    assert given["scope"] == "read:jira-work"
    assert [answer.status_code for answer in answers] == [200, 401, 401]
    assert "scope does not match" in answers[1].text


def test_a_client_acts_as_somebody_there_is(tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    text = (SCENARIOS / "open.yaml").read_text(encoding="utf-8")
    path.write_text(text.replace("acts_as: admin@acme.example", "acts_as: nobody@acme.example"), encoding="utf-8")

    with pytest.raises(ScenarioError, match=r"client 'stand-in-client-id' acts as 'nobody@acme\.example', which there is not"):
        load(str(path))


# -------------------------------------------------------------------------------------------------------------------- large


SMALL = (
    "large:sites=2,projects=120,users=2600,groups=130,spaces=270,filters=110,dashboards=105,tokens=20,events=600,audit_records=30"
)


@pytest.fixture(scope="module")
def broad() -> Iterator[Met]:
    with running(SMALL) as at:
        yield Met(at)


def test_large_is_as_large_as_it_is_asked_to_be() -> None:
    made = load(SMALL)

    assert [len(made.sites), len(made.users), len(made.groups), len(made.api_tokens)] == [2, 2600, 130, 20]
    for each in made.sites:
        assert each.confluence
        assert [len(each.projects), len(each.confluence.spaces), len(each.jira.filters)] == [120, 270, 110]
        assert len(each.jira.dashboards) == 105 + 1  # the system's own


def test_large_is_the_same_each_time() -> None:
    assert load(SMALL) == load(SMALL)


def test_the_smallest_large_is_an_organization_too() -> None:
    made = load("large:sites=1,projects=1,users=1,groups=1,spaces=0,filters=0,dashboards=0,tokens=0,events=0,audit_records=0")

    assert len(made.sites[0].jira.groups) == len(made.groups) == 2


@pytest.mark.parametrize(
    ("sizes", "complaint"),
    [
        ("sights=1", "unknown field `sights`"),
        ("sites=many", "Expected `int`"),
        ("sites", "Expected `int`"),
        ("sites=0", "Expected `int` >= 1"),
    ],
)
def test_a_size_with_a_mistake_says_where(sizes: str, complaint: str) -> None:
    with pytest.raises(ScenarioError, match=complaint) as caught:
        load(f"large:{sizes}")
    assert f"large:{sizes}: " in str(caught.value)


def test_large_has_something_of_everything() -> None:
    made = load("large:sites=1,users=2000,groups=300,filters=300")
    shown = made.sites[0]
    types = Counter(project.type for project in shown.projects)
    shares = {share.type for each in shown.jira.filters for share in each.shares}
    schemes = Counter(shown.jira.scheme_of(project.key).id for project in shown.projects if project.style == "classic")
    explained = {group.id for group in made.groups for role in group.roles if "jira-software" in role.resource_id}
    unexplained = [user for user in made.users if user.products and not explained.intersection(user.groups)]

    assert types["service_desk"] == 0.05 * len(shown.projects)
    assert types.keys() == {"software", "business", "service_desk"}
    assert {project.style for project in shown.projects} == {"classic", "next-gen"}
    assert len(schemes) > 20
    assert max(schemes.values()) > 10 * min(schemes.values())
    assert {"project", "group", "loggedin", "global"} == shares
    assert {user.claim_status for user in made.users} == {"managed", "unmanaged"}
    assert {user.mfa_enabled for user in made.users} == {True, False, None}
    assert {user.management_source for user in made.users} == {"synced", "invited", None}
    assert 0 < len(unexplained) < 0.03 * len(made.users)
    assert shown.confluence
    assert any(space.anonymous for space in shown.confluence.spaces)


def test_the_same_accounts_are_good_on_every_site(broad: Met) -> None:
    token = broad.post(oauth.PATH, CLIENT).json()["access_token"]
    for number, (name, url) in enumerate(broad.at.sites.items()):
        answer = requests.get(url + PROJECTS, auth=ADMINISTRATOR, timeout=10)

        assert answer.json()["total"] == 120, name
        assert gateway(broad, token, name=SMALL, number=number).json()["total"] == 120


SAID_IN_WORDS = {"/rest/api/3/users/search": 1000}


def paged() -> Iterator[Any]:
    """Find the lists whose document says how much is on a page at most."""
    for prefix, routes in (("/admin", admin.ROUTES), ("", site.ROUTES)):
        for route in routes:
            if route.listed and route.promised_by and route.method == "GET":
                yield from (pytest.param(prefix, route, *most, id=route.template) for most in most_of(route))


def most_of(route: Route[Any]) -> Iterator[tuple[str, int]]:
    """Yield the parameter that says how much is on a page, and the most that it may say."""
    assert route.promised_by
    path = route.template.removeprefix(promises.BELOW.get(route.promised_by, ""))
    for parameter in promises.read(route.promised_by)["paths"][path]["get"].get("parameters", []):
        if parameter.get("name") in {"limit", "maxResults"}:
            most = parameter["schema"].get("maximum", SAID_IN_WORDS.get(path))
            yield from [(parameter["name"], most)] if most else []


@pytest.mark.parametrize(("prefix", "route", "name", "most"), [*paged()] if promises.SPECS.is_dir() else [])
def test_a_page_holds_as_much_as_the_document_allows_and_no_more(
    broad: Met, prefix: str, route: Route[Any], name: str, most: int
) -> None:
    made = load(SMALL)
    face, shown = ("api", made) if prefix else next((each.name, each) for each in made.sites if list(route.samples(each)))
    parameters = next(iter(route.samples(shown)))
    path = prefix + route.template.format(**parameters)
    allowed, beyond = (broad.get(path, face, **{**(route.sample_query or {}), name: str(asked)}) for asked in (most, most + 1))
    wanted = list(route.expected(shown) if route.expected else route.expected_of(shown, parameters) if route.expected_of else ())

    assert route.listed
    assert len(route.listed(allowed.json())) == min(most, len(wanted))
    assert beyond.status_code == 400 or len(route.listed(beyond.json())) <= most


def test_a_page_of_members_holds_fifty(broad: Met) -> None:
    answer = broad.get("/rest/api/3/group/member", groupId="everybody-0", maxResults="1000").json()

    assert answer["total"] > len(answer["values"]) == 50


@pytest.mark.parametrize("what", ["users", "groups"])
def test_a_page_of_people_or_groups_holds_a_hundred(broad: Met, what: str) -> None:
    path = f"/admin/v2/orgs/{load(SMALL).org.id}/directories/-/{what}/search"

    assert len(broad.post(path, {"limit": 100}).json()["data"]) == 100
    assert broad.post(path, {"limit": 101}).status_code == 400


# ------------------------------------------------------------------------------------------------------------------ at hand


@dataclass(slots=True)
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def asked(path: str) -> Asked:
    return Asked("acme", "GET", path, path)


def let_through(sky: Sky, times: int) -> list[bool]:
    return [sky.refused(asked("/a")) is None for _ in range(times)]


def received(met: Met, path: str) -> bytes:
    """Ask below HTTP, and return all that comes before the connection ends."""
    where = urlsplit(met.address(path))
    login = requests.auth._basic_auth_str(*ADMINISTRATOR)
    with socket.create_connection((where.hostname or "", where.port or 0), timeout=10) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {where.netloc}\r\nAuthorization: {login}\r\n\r\n".encode())
        return b"".join(iter(lambda: connection.recv(65536), b""))


def refused_start(*options: str) -> str:
    command = [sys.executable, "-m", "tests.fake_atlassian", *options]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=30)  # noqa: S603 - our own program

    assert (ended.returncode, ended.stdout) == (1, "")
    return ended.stderr


def at(answer: requests.Response, where: tuple[str, ...]) -> str:
    found: Any = answer.json()
    for step in where:
        found = found[step]
    return str(found)


def keys(answer: requests.Response) -> list[str]:
    return [each.get("key") or each["projectKey"] for each in answer.json()["values"]]


def records(answer: requests.Response, told_at: Met | None = None, instead: Met | None = None) -> Any:  # noqa: ANN401
    """Return what a page lists, with the addresses that it would have had at another stand-in."""
    text = answer.text
    if told_at and instead:
        text = text.replace(told_at.at.sites["acme"], instead.at.sites["acme"]).replace(told_at.at.api_url, instead.at.api_url)
    content = json.loads(text)
    return next(content[name] for name in ("values", "results", "data") if name in content)
