"""The stand-in site keeps the promises of Atlassian's documents: every endpoint that it plays is found here by itself."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from openapi_core.exceptions import OpenAPIError
from requests.auth import AuthBase, HTTPBasicAuth

from tests.fake_atlassian import admin, faces, promises, site, spec_patches
from tests.fake_atlassian.problems import JsonObject, Problem
from tests.fake_atlassian.routes import Login, Parameters, Route
from tests.fake_atlassian.scenario import SCENARIOS, Account, Scenario, ScenarioError, Site, load, names
from tests.fake_atlassian.server import ROOT, StandIn, running

EXAMPLES = promises.SPECS.parent / "examples"

AnyRoute = Route[Any]

GATEWAYS = {"gateway": faces.GATEWAY_PREFIX, "confluence-gateway": faces.CONFLUENCE_GATEWAY_PREFIX}

ROUTES: dict[str, tuple[AnyRoute, ...]] = {
    "admin": admin.ROUTES,
    "site": site.ROUTES,
    "gateway": site.GATEWAY_ROUTES,
    "confluence-gateway": site.CONFLUENCE_GATEWAY_ROUTES,
}


class Bearer(AuthBase):
    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Stranger(AuthBase):
    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


ORG_KEY = Bearer("stand-in-org-key")
NARROW_KEY = Bearer("stand-in-narrow-key")
ADMINISTRATOR = HTTPBasicAuth("admin@acme.example", "stand-in-api-token")
AGENT = HTTPBasicAuth("agent@acme.example", "stand-in-agent-token")
WRONG_PASSWORD = HTTPBasicAuth("admin@acme.example", "wrong")
STRANGER = Stranger()


@dataclass(frozen=True, slots=True)
class Played:
    scenario: Scenario
    at: StandIn
    session: requests.Session


@dataclass(frozen=True, slots=True)
class Onward:
    """What a request carries beside its route: to get a certain page, for instance."""

    url: str = ""
    query: Parameters | None = None
    body: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a face is played: its address, what it shows, and whom it lets in everywhere."""

    url: str
    shown: Scenario | Site
    welcome: AuthBase
    refused: dict[str, int]
    promised: dict[str, promises.Promise]
    session: requests.Session

    def ask(self, route: AnyRoute, parameters: Parameters, auth: AuthBase, onward: Onward | None = None) -> requests.Response:
        """Send a request to a route; what answers must be as promised, whatever the status."""
        onward = onward or Onward(query=route.sample_query)
        answer = self.session.request(
            route.method,
            onward.url or self.address(route, parameters),
            params=onward.query,
            json=onward.body if route.method == "POST" else None,
            headers={"X-ExperimentalApi": "opt-in"} if route.experimental else None,
            auth=auth,
            timeout=10,
        )
        if route.promised_by:
            self.promised[route.promised_by].check_answer(answer)
        return answer

    def ask_rightly(self, route: AnyRoute, parameters: Parameters) -> requests.Response:
        """Send a request that must be as the document wants it, too."""
        answer = self.ask(route, parameters, self.welcome)
        if route.promised_by:
            self.promised[route.promised_by].check_request(answer.request)
        return answer

    def address(self, route: AnyRoute, parameters: Parameters) -> str:
        return self.url + path_of(route, parameters)


@pytest.fixture(scope="session", autouse=True)
def documents() -> None:
    """Skip loudly where Atlassian's documents are missing, but never on the build server."""
    if promises.SPECS.is_dir():
        return
    why = f"NOTHING IS PROVED ABOUT THE STAND-IN SITE: Atlassian's OpenAPI documents are not in {promises.SPECS}"
    if "CI" in os.environ:
        pytest.fail(why)
    pytest.skip(why)


@pytest.fixture(scope="module", params=names())
def played(request: pytest.FixtureRequest) -> Iterator[Played]:
    with running(request.param) as at, requests.Session() as session:
        session.trust_env = False  # no proxy and no .netrc between us
        yield Played(load(request.param), at, session)


def every_route(
    faces: str = "admin site gateway confluence-gateway", where: Callable[[AnyRoute], bool] = lambda _: True
) -> pytest.MarkDecorator:
    found = [
        pytest.param(face, route, id=f"{face} {route.template}") for face in faces.split() for route in ROUTES[face] if where(route)
    ]
    return pytest.mark.parametrize(("face", "route"), found)


def is_list(route: AnyRoute) -> bool:
    return bool(route.listed or route.expected or route.expected_of)


def places(played: Played, face: str) -> list[Place]:
    if face == "admin":
        return [_admin_place(played)]
    return [_site_place(played, each, face) for each in played.scenario.sites]


def path_of(route: AnyRoute, parameters: Parameters) -> str:
    return route.template.format(**{name: quote(value, safe="") for name, value in parameters.items()})


def only(items: list[Place]) -> Place:
    (item,) = items
    return item


@every_route()
def test_every_route_answers_what_its_document_promises(played: Played, face: str, route: AnyRoute) -> None:
    for place in places(played, face):
        for parameters in route.samples(place.shown):
            answer = place.ask_rightly(route, parameters)

            assert answer.status_code == place.refused.get(path_of(route, parameters), 200), answer.text


@every_route(where=is_list)
def test_the_pages_of_a_list_hold_the_whole_list_once(played: Played, face: str, route: AnyRoute) -> None:
    assert route.listed, "a list says what is on a page"
    assert route.expected or route.expected_of, "a list says what is on all of its pages"
    for place in places(played, face):
        for parameters in route.samples(place.shown):
            pages = [route.listed(body) for body in all_pages(place, route, parameters)]
            wanted = list(wanted_on(route, place, parameters))

            assert [each for page in pages for each in page] == wanted
            assert all(len(page) <= played.scenario.page_size for page in pages)


@every_route("admin")
@pytest.mark.parametrize("auth", [STRANGER, Bearer("wrong"), ADMINISTRATOR], ids=["none", "wrong", "of a site"])
def test_the_admin_api_lets_in_only_its_own_keys(played: Played, face: str, route: AnyRoute, auth: AuthBase) -> None:
    place = only(places(played, face))
    for parameters in route.samples(place.shown):
        answer = place.ask(route, parameters, auth)

        assert answer.status_code == 401
        assert answer.json() == route.dialect(Problem(401, "Unauthorized"), path_of(route, parameters))


@every_route("admin")
def test_a_key_without_the_scope_is_forbidden(played: Played, face: str, route: AnyRoute) -> None:
    place = only(places(played, face))
    has_it = route.scope in {None, "read:orgs:admin", "read:domains:admin"}
    for parameters in route.samples(place.shown):
        answer = place.ask(route, parameters, NARROW_KEY)

        assert answer.status_code == (200 if has_it else 403)


@every_route("admin", lambda route: "{orgId}" in route.template)
def test_an_organization_that_the_key_does_not_know_is_not_shown(played: Played, face: str, route: AnyRoute) -> None:
    place = only(places(played, face))
    for parameters in route.samples(place.shown):
        answer = place.ask(route, {**parameters, "orgId": "another"}, ORG_KEY)

        assert answer.status_code == route.unknown_org


@every_route("admin")
def test_the_admin_api_always_says_what_is_left_of_its_limit(played: Played, face: str, route: AnyRoute) -> None:
    place = only(places(played, face))
    for parameters in route.samples(place.shown):
        for auth in (ORG_KEY, STRANGER):
            headers = place.ask(route, parameters, auth).headers

            assert int(headers["X-RateLimit-Remaining"]) < int(headers["X-RateLimit-Limit"])
            assert datetime.fromisoformat(headers["X-RateLimit-Reset"]) > datetime.now(UTC)


@every_route("site gateway confluence-gateway")
@pytest.mark.parametrize("auth", [WRONG_PASSWORD, ORG_KEY], ids=["wrong", "of the organization"])
def test_a_site_says_why_wrong_credentials_fail(played: Played, face: str, route: AnyRoute, auth: AuthBase) -> None:
    for place in places(played, face):
        for parameters in route.samples(place.shown):
            if route.login is Login.UNREAD:
                assert place.ask(route, parameters, auth).status_code == 200
                continue
            answer = place.ask(route, parameters, auth)

            assert answer.status_code == 401
            assert answer.headers["X-Seraph-LoginReason"] == "AUTHENTICATED_FAILED"


@every_route("site gateway confluence-gateway")
def test_a_site_shows_strangers_only_what_is_open_to_them(played: Played, face: str, route: AnyRoute) -> None:
    is_open = route.login in {Login.UNREAD, Login.OPTIONAL}
    for place in places(played, face):
        for parameters in route.samples(place.shown):
            answer = place.ask(route, parameters, STRANGER)

            assert answer.status_code == (200 if is_open else 401)
            if route.listed and is_open:
                pages = [route.listed(body) for body in all_pages(place, route, parameters, STRANGER)]
                assert [each for page in pages for each in page] == list(route.public(place.shown))


@every_route("site")
def test_settings_are_not_shown_to_an_agent(played: Played, face: str, route: AnyRoute) -> None:
    for place in places(played, face):
        for parameters in route.samples(place.shown):
            answer = place.ask(route, parameters, AGENT)

            assert isinstance(place.shown, Site)
            refused = route.refuses(place.shown, agent_of(place.shown), parameters)
            assert answer.status_code == (403 if route.login is Login.ADMINISTER else refused or 200)


@every_route()
def test_a_route_that_nobody_promises_says_why_it_is_played(face: str, route: AnyRoute) -> None:
    assert bool(route.promised_by) != bool(route.unpromised_because), f"{face} {route.template}"


# The answer shown at https://developer.atlassian.com/cloud/admin/api-access/rest/api-group-api-token/, a document without a schema.
TOKEN_SHOWN = {"id", "label", "status", "createdAt", "expiresAt", "lastActiveAt", "user"}
USER_SHOWN = {"id", "orgId", "name", "email"}


def test_a_token_holds_what_the_example_of_its_document_shows_and_no_more(played: Played) -> None:
    tokens = played.session.get(
        f"{played.at.api_url}/admin/api-access/v1/orgs/{played.scenario.org.id}/api-tokens", auth=ORG_KEY, timeout=10
    ).json()["data"]

    assert len(tokens) == min(len(played.scenario.api_tokens), played.scenario.page_size)
    for token in tokens:
        assert TOKEN_SHOWN - {"expiresAt", "lastActiveAt"} <= token.keys() <= TOKEN_SHOWN
        assert token["user"].keys() == USER_SHOWN


@every_route()
def test_a_parameter_that_is_not_played_is_refused(played: Played, face: str, route: AnyRoute) -> None:
    for place in places(played, face):
        for parameters in route.samples(place.shown):
            address = place.address(route, parameters) + "?unheard=of"
            answer = played.session.request(route.method, address, auth=place.welcome, timeout=10)

            assert answer.status_code == place.refused.get(path_of(route, parameters), 400)


@every_route()
@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD", "GET", "POST"])
def test_nothing_is_done_with_another_method(played: Played, face: str, route: AnyRoute, method: str) -> None:
    if method == route.method:
        return
    for place in places(played, face):
        for parameters in route.samples(place.shown):
            address = place.address(route, parameters)
            answer = played.session.request(method, address, auth=place.welcome, timeout=10)

            assert answer.status_code == 405
            assert method == "HEAD" or answer.json().keys() & {"errors", "errorMessages", "errorMessage"}


@every_route("admin", is_list)
def test_a_cursor_that_was_not_handed_out_is_refused(played: Played, face: str, route: AnyRoute) -> None:
    place = only(places(played, face))
    broken = {"cursor": "not one of ours"}
    for parameters in route.samples(place.shown):
        onward = Onward(body=broken) if route.method == "POST" else Onward(query=broken)

        assert place.ask(route, parameters, ORG_KEY, onward).status_code == 400


@every_route("site gateway confluence-gateway", lambda route: route.experimental)
def test_what_is_experimental_answers_only_those_who_opt_in(played: Played, face: str, route: AnyRoute) -> None:
    for place in places(played, face):
        for parameters in route.samples(place.shown):
            answer = played.session.get(place.address(route, parameters), auth=place.welcome, timeout=10)

            assert answer.status_code == 412


def test_every_refusal_of_a_scenario_is_met(played: Played) -> None:
    for face in ("admin", "site"):
        for place in places(played, face):
            asked = {path_of(route, each) for route in ROUTES[face] for each in route.samples(place.shown)}

            assert place.refused.keys() <= asked


def test_an_agent_sees_a_part_of_the_projects(played: Played) -> None:
    search = next(route for route in site.ROUTES if route.template.endswith("/project/search"))
    for place in places(played, "site"):
        assert isinstance(place.shown, Site)
        seen = [key for body in all_pages(place, search, {}, AGENT) for key in keys_of(body)]

        assert seen == [project.key for project in place.shown.projects_seen_by(agent_of(place.shown))]
        assert 0 < len(seen) < len(place.shown.projects)


@pytest.mark.parametrize("template", [route.template for route in site.ROUTES if "{projectKey}" in route.template])
def test_a_service_desk_that_there_is_not_is_not_found(played: Played, template: str) -> None:
    for place in places(played, "site"):
        url = place.url + template.format(projectKey="NOPE")
        answer = played.session.get(url, auth=ADMINISTRATOR, timeout=10)

        assert answer.status_code == 404
        assert answer.json().keys() == {"errorMessages", "errors"}


def test_each_face_says_in_its_own_words_that_a_path_is_unknown(played: Played) -> None:
    at_admin = played.session.get(f"{played.at.api_url}/admin/v9/nothing", auth=ORG_KEY, timeout=10)
    at_site = played.session.get(f"{next(iter(played.at.sites.values()))}/nothing", auth=ADMINISTRATOR, timeout=10)

    assert (at_admin.status_code, at_site.status_code) == (404, 404)
    assert "X-RateLimit-Reset" in at_admin.headers
    assert at_admin.json()["errors"][0]["code"] == "ADMIN-404-1"
    assert at_site.json().keys() == {"errorMessages", "errors"}


def test_the_faces_do_not_answer_for_each_other(played: Played) -> None:
    site_url = next(iter(played.at.sites.values()))

    assert played.session.get(f"{site_url}/admin/v1/orgs", auth=ORG_KEY, timeout=10).status_code == 404
    assert played.session.get(f"{played.at.api_url}/rest/api/3/serverInfo", timeout=10).status_code == 404


def test_permissions_are_told_for_the_account_that_asks(played: Played) -> None:
    told = {who: permissions_of(played, auth) for who, auth in (("admin", ADMINISTRATOR), ("agent", AGENT), ("none", STRANGER))}

    assert told == {
        "admin": {"ADMINISTER": True, "BROWSE_PROJECTS": True},
        "agent": {"ADMINISTER": False, "BROWSE_PROJECTS": True},
        "none": {"ADMINISTER": False, "BROWSE_PROJECTS": bool(played.scenario.sites[0].projects_seen_by(None))},
    }


def test_the_undocumented_answer_has_the_names_that_public_code_reads(played: Played) -> None:
    example = json.loads((EXAMPLES / "SYNTHETIC_undocumented_jsm_requestsecurity.json").read_text(encoding="utf-8"))
    route = next(route for route in site.ROUTES if route.template.endswith("/requestsecurity"))
    for place in places(played, "site"):
        assert isinstance(place.shown, Site)
        for parameters in route.samples(place.shown):
            body = place.ask_rightly(route, parameters).json()
            if path_of(route, parameters) in place.refused:
                continue

            assert body.keys() == example.keys()
            assert body.items() >= place.shown.desks[parameters["projectKey"]].request_security.items()


def test_a_workspace_names_the_site_that_is_played(played: Played) -> None:
    route = next(route for route in admin.ROUTES if route.template.endswith("/workspaces"))
    place = only(places(played, "admin"))
    bodies = all_pages(place, route, {"orgId": played.scenario.org.id})
    hosts = {each["attributes"]["hostUrl"] for body in bodies for each in body["data"]}

    assert hosts == set(played.at.sites.values())


class TestTheJudgeItself:
    """A validator that never says no proves nothing."""

    @pytest.mark.parametrize(
        "body",
        [
            {"domain": "acme.example", "enabled": "yes", "adminNotifications": False, "products": []},
            {"domain": "acme.example", "products": [{"accessMode": "OPEN"}]},
            {"domain": "acme.example", "enabled": True, "invented": 1},
            [],
        ],
        ids=["a wrong type", "an unknown word", "an invented property", "a list for an object"],
    )
    def test_an_answer_that_breaks_the_promise_is_rejected(self, body: object) -> None:
        promise, answer = access_domain_answer(body)

        with pytest.raises(OpenAPIError):
            promise.check_answer(answer)

    def test_an_answer_that_keeps_it_is_accepted(self) -> None:
        promise, answer = access_domain_answer({"domain": "acme.example", "enabled": True, "products": []})

        promise.check_answer(answer)

    def test_an_error_in_the_words_of_another_api_is_rejected(self) -> None:
        promise, answer = access_domain_answer({"errorMessages": ["No."], "errors": {}})
        answer.status_code = 404

        with pytest.raises(OpenAPIError):
            promise.check_answer(answer)

    def test_a_status_that_is_not_promised_is_rejected(self) -> None:
        promise, answer = access_domain_answer({})
        answer.status_code = 418

        with pytest.raises(OpenAPIError):
            promise.check_answer(answer)

    @pytest.mark.parametrize(
        "request_",
        [
            requests.Request("GET", "http://stand-in/v2/orgs/o/app-access-settings/domains?limit=1000", auth=ORG_KEY),
            requests.Request("GET", "http://stand-in/v2/orgs/o/app-access-settings/domains"),
            requests.Request("DELETE", "http://stand-in/v2/orgs/o/app-access-settings/domains", auth=ORG_KEY),
            requests.Request("GET", "http://stand-in/v2/orgs/o/app-access-settings", auth=ORG_KEY),
            requests.Request("POST", "http://stand-in/v2/orgs/o/workspaces", auth=ORG_KEY, json={"limit": "ten"}),
        ],
        ids=["parameter", "credentials", "method", "path", "body"],
    )
    def test_a_request_that_asks_otherwise_is_rejected(self, request_: requests.Request) -> None:
        templates = [route.template for route in admin.ROUTES if route.promised_by == admin.DOCUMENT]
        promise = promises.Promise(admin.DOCUMENT, templates, "http://stand-in")

        with pytest.raises(OpenAPIError):
            promise.check_request(request_.prepare())


@pytest.mark.parametrize("patch", spec_patches.PATCHES, ids=lambda patch: "/".join((*patch.within[-2:], patch.key)))
def test_a_patch_repairs_something_and_says_why(patch: spec_patches.Patch) -> None:
    original = promises.read(patch.document)

    assert spec_patches.patched(original, [patch]) != original
    assert patch.reason


def test_a_patch_whose_fault_is_gone_is_an_error() -> None:
    gone = spec_patches.Patch(document="d.json", within=("info",), key="title", was="old", reason="it was old")

    with pytest.raises(spec_patches.PatchError, match="info/title is not 'old' any more"):
        spec_patches.patched({"info": {"title": "new"}}, [gone])


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("cloud_id:", "cloud:", "unknown field `cloud` - at `$.sites[0]`"),
        ("enabled: true", "enabled: maybe", "Expected `bool`, got `str` - at `$.access_domains[0].enabled`"),
        ("sees: [WEB,", "sees: [NOPE,", "site 'acme': account agent@acme.example sees 'NOPE', which there is not"),
        ("      IT:\n", "      ITS:\n", "service desk project 'IT' has no entry in desks"),
        ("site: acme", "site: other", "is on site 'other', which there is not"),
        ("project_schemes: {HR: 10001", "project_schemes: {HR: 99", "permission scheme '99' is named, which there is not"),
        (
            "shares: [{type: authenticated}]",
            "shares: [{type: user, user: X}]",
            "site 'acme': user 'X' is named, which there is not",
        ),
    ],
)
def test_a_scenario_with_a_mistake_says_where(tmp_path: Path, before: str, after: str, message: str) -> None:
    text = (SCENARIOS / "open.yaml").read_text(encoding="utf-8")
    path = tmp_path / "broken.yaml"
    path.write_text(text.replace(before, after, 1), encoding="utf-8")

    with pytest.raises(ScenarioError) as caught:
        load(str(path))
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_scenario_that_there_is_not_names_those_there_are() -> None:
    command = [sys.executable, "-m", "tests.fake_atlassian", "--scenario", "closed"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - our own program

    assert ended.returncode == 1
    assert ended.stdout == ""
    assert "no such scenario; there are demo, locked, open" in ended.stderr


def test_the_stand_in_stops_when_it_is_told_to_and_says_nothing_more() -> None:
    command = [sys.executable, "-m", "tests.fake_atlassian", "--scenario", "open"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own program
        assert process.stdout
        ready = StandIn(**json.loads(process.stdout.readline()))
        requests.get(f"{ready.sites['acme']}/_edge/tenant_info", timeout=10)
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=10)

    assert rest == ""


def all_pages(place: Place, route: AnyRoute, parameters: Parameters, auth: AuthBase | None = None) -> Iterator[Any]:
    body = place.ask(route, parameters, auth or place.welcome).json()
    yield body
    read = len(body)
    while onward := after(body, route, read):
        body = place.ask(route, parameters, auth or place.welcome, onward).json()
        yield body
        read += len(body)


def wanted_on(route: AnyRoute, place: Place, parameters: Parameters) -> Iterable[str]:
    if route.expected:
        return route.expected(place.shown)
    return route.expected_of(place.shown, parameters) if route.expected_of else ()


def after(body: Any, route: AnyRoute, read: int) -> Onward | None:  # noqa: ANN401 - any JSON
    """Find how to ask for the page after this one, in each of Atlassian's ways; a bare list ends where nothing more comes."""
    if isinstance(body, list):
        return Onward(query={**(route.sample_query or {}), "startAt": str(read)}) if body else None
    if {"offset", "total"} <= body.keys() and route.listed:
        end = body["offset"] + len(route.listed(body))
        return Onward(query={"offset": str(end)}) if end < body["total"] else None
    onward = body.get("nextPage") or body.get("_links", {}).get("next") or body.get("links", {}).get("next")
    if onward is None:
        return None
    if onward.startswith("/"):
        # Confluence: its first version says where it lies below the base, its second where it lies on the host.
        base = body["_links"]["base"]
        return Onward(url=base.removesuffix("/wiki") + onward if onward.startswith("/wiki/") else base + onward)
    if route.method == "POST":
        return Onward(body={"cursor": onward})
    return Onward(url=onward) if "?" in onward else Onward(query={"cursor": onward})


def keys_of(body: JsonObject) -> list[str]:
    return [project["key"] for project in body["values"]]


def agent_of(shown: Site) -> Account:
    return next(account for account in shown.accounts if not account.administer)


def permissions_of(played: Played, auth: AuthBase) -> dict[str, bool]:
    route = next(route for route in site.ROUTES if route.template.endswith("/mypermissions"))
    told = places(played, "site")[0].ask(route, {}, auth).json()["permissions"]
    return {key: each["havePermission"] for key, each in told.items()}


def access_domain_answer(body: object) -> tuple[promises.Promise, requests.Response]:
    template = "/v2/orgs/{orgId}/app-access-settings/domains/{domain}"
    url = "http://stand-in" + template.format(orgId="o", domain="acme.example")
    answer = requests.Response()
    answer.status_code = 200
    answer.headers["Content-Type"] = "application/json"
    answer._content = json.dumps(body).encode()
    answer.request = requests.Request("GET", url, auth=ORG_KEY).prepare()
    return promises.Promise(admin.DOCUMENT, [template], "http://stand-in"), answer


def _admin_place(played: Played) -> Place:
    url = played.at.api_url + faces.ADMIN_PREFIX
    refused = {each.path: each.status for each in played.scenario.refuse}
    return Place(url, played.scenario, ORG_KEY, refused, _promised("admin", url), played.session)


def _site_place(played: Played, shown: Site, face: str) -> Place:
    own = played.at.sites[shown.name]
    url = own if face == "site" else f"{played.at.api_url}{GATEWAYS[face]}/{shown.cloud_id}"
    refused = {each.path: each.status for each in shown.refuse}
    return Place(url, shown, ADMINISTRATOR, refused, _promised(face, url), played.session)


@cache
def _promised(face: str, url: str) -> dict[str, promises.Promise]:
    routes = ROUTES[face]
    documents = {route.promised_by for route in routes if route.promised_by}
    return {
        document: promises.Promise(document, [route.template for route in routes if route.promised_by == document], url)
        for document in documents
    }
