"""What strangers see of a site: everything that a scenario shows them, and never "nothing" because nobody could look."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from scanner import attestations, snapshots
from scanner import config as configuration
from scanner.cli import collection
from scanner.collect import pace, probe, walk
from scanner.collect.api import ALLOWED, PAGES, Credentials, Surface
from scanner.kinds import KINDS
from scanner.model import Attestation, Gap, Header, Reason, Record, Resource, Snapshot, Source, Target
from tests.conftest import Atlascan
from tests.fake_atlassian import promises, site_anonymous
from tests.fake_atlassian.scenario import Site, load, names
from tests.fake_atlassian.server import StandIn
from tests.faulty import Answer, Faulty, Table, faulty, said
from tests.sites import credentials
from tests.test_collect import ADMIN, HEADLINES, WORKSPACES, Collected, Played, collected, line

JIRA, CONFLUENCE, SIGNUP = "jira.anonymous_view", "confluence.anonymous_view", "jsm.signup_page"
VIEWS = frozenset({JIRA, CONFLUENCE, SIGNUP})
FACTS = {kind: sorted(KINDS[kind].facts) for kind in VIEWS}
NEEDS = frozenset((kind, fact) for kind, facts in FACTS.items() for fact in facts)
AT = "jira.site/acme"


@pytest.fixture(autouse=True)
def no_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "RETRIES", 0)
    monkeypatch.setattr(pace, "WAITS", 0)


@pytest.fixture(params=names())
def played(request: pytest.FixtureRequest) -> Played:
    return Played(load(request.param), request.getfixturevalue(f"{request.param}_site"))


def wanted(site: Site, page_size: int) -> Iterator[Record]:
    projects = [project.key for project in site.projects if project.key in site.projects_open_to_strangers]
    shown = [
        [each for each in every if any(is_open(share.type, share.project, projects) for share in each.shares)]
        for every in (site.jira.filters, [each for each in site.jira.dashboards if each.owner])
    ]
    held = site_anonymous.permissions_of_strangers(site) & set(probe.PERMISSIONS)
    facts: dict[str, Any] = {"permissions": sorted(held), "projects": len(projects), "filters": len(shown[0])}
    facts |= {"dashboards": len(shown[1]), "user_picker": site.strangers_browse_users}
    assert site.confluence
    spaces = sum(space.anonymous for space in site.confluence.spaces)
    yield view(CONFLUENCE, site, {"spaces": min(spaces, page_size)})
    yield view(JIRA, site, facts)
    yield view(SIGNUP, site, {"answers": site.lets_strangers_sign_up})


def is_open(type_: str, project: str | None, open_projects: list[str]) -> bool:
    return type_ == "global" or (type_ == "project" and project in open_projects)


def view(kind: str, site: Site, facts: dict[str, Any]) -> Resource:
    return Resource(kind=kind, id=site.name, name=site.name, facts=facts, source=Source.PROBE, parent=f"jira.site/{site.name}")


def of_views(found: Collected) -> list[Record]:
    return [record for record in found.records if record.kind in VIEWS]


def seen(found: Collected) -> dict[str, Any]:
    """Return what is known of what strangers see."""
    known = {record.kind: record.facts for record in of_views(found) if isinstance(record, Resource)}
    return {fact: known[kind][fact] for kind in known for fact in sorted(known[kind])}


# ---------------------------------------------------------------------------------------------------- against the stand-in


def test_all_that_a_scenario_shows_strangers_is_seen(played: Played) -> None:
    [site] = played.scenario.sites

    assert of_views(collected(played.site, needs=NEEDS, probe=True)) == list(wanted(site, played.scenario.page_size))


def test_the_scenarios_have_every_door_open_every_door_closed_and_some_of_each() -> None:
    """The test above would prove little otherwise."""
    facts = {name: seen_in(name) for name in names()}

    assert all(facts["open"].values())
    assert not any(facts["locked"].values())
    assert {bool(value) for value in facts["demo"].values()} == {True, False}


def seen_in(name: str) -> dict[str, Any]:
    scenario = load(name)
    views = wanted(scenario.sites[0], scenario.page_size)
    return {fact: value for each in views if isinstance(each, Resource) for fact, value in each.facts.items()}


def test_strangers_see_the_same_whoever_runs_the_program(played: Played) -> None:
    one, another = (
        collected(played.site, credentials, needs=NEEDS, probe=True, concurrency=number, scoped=scoped)
        for credentials, number, scoped in ((ADMIN, 1, ()), (Credentials(), 8, ("acme",)))
    )

    assert of_views(one) == of_views(another)


def test_only_what_is_needed_is_looked_at_after_the_proof_that_the_site_is_there(locked_site: StandIn) -> None:
    def asked(*needs: tuple[str, str]) -> list[str]:
        log = collected(locked_site, needs=frozenset(needs), probe=True).log
        return [re.sub(r".*?(/[a-z_]\S*): .*", r"\1", each.replace(locked_site.sites["acme"], "")) for each in log]

    assert asked((JIRA, "filters")) == ["/rest/api/3/serverInfo", "/rest/api/3/filter/search"]
    assert asked((SIGNUP, "answers")) == [
        "/rest/api/3/serverInfo",
        "/rest/servicedeskapi/info",
        "/servicedesk/customer/user/signup",
    ]


def test_no_headline_policy_asks_for_a_probe() -> None:
    assert not walk.demanded(HEADLINES) & VIEWS


# -------------------------------------------------------------------------------------------------------------- off and on


def test_without_the_opt_in_nothing_is_asked_and_each_view_says_what_to_do(played: Played) -> None:
    found = collected(played.site, needs=NEEDS)

    assert found.log == ()
    gaps = {gap.kind: (gap.id, gap.parent, gap.reason) for gap in found.gaps}
    assert gaps == dict.fromkeys(VIEWS, ("acme", AT, Reason.OPT_IN_OFF))
    for gap in found.gaps:
        assert gap.hint == (
            "set collect: {probe: true} in atlascan.yaml, or look at the site in a private browser window (not logged in)"
            " and state what you see with `atlascan attest`"
        )


def test_the_other_opt_in_does_not_turn_the_probes_on(locked_site: StandIn) -> None:
    assert collected(locked_site, needs=NEEDS, undocumented=True).log == ()


def test_every_view_can_be_attested_fact_by_fact() -> None:
    for kind in VIEWS:
        assert KINDS[kind].console
        assert all(fact.ask for fact in KINDS[kind].facts.values())


# ------------------------------------------------------------------------------------------------------- nothing but GET

PROBES = [row for row in ALLOWED if row[0] is Surface.ANYONE]


def test_strangers_only_ever_get() -> None:
    assert {method for _, method, _ in PROBES} == {"GET"}
    assert {endpoint.surface for endpoint in probe.ENDPOINTS} == {Surface.ANYONE}
    assert {endpoint.opt_in for endpoint in probe.ENDPOINTS} == {"probe"}


def test_no_table_can_sign_anybody_up_or_have_a_policy_validated() -> None:
    paths = [(method, path) for _, method, path in ALLOWED]
    paths += [(each.method, path) for each in walk.ENDPOINTS for path in (each.path, each.detail) if path]

    assert {method for method, path in paths if "signup" in path} == {"GET"}
    assert {path for _, path in paths if "signup" in path} == {"/servicedesk/customer/user/signup"}
    assert not [path for _, path in paths if "validate" in path]


def test_only_the_page_that_is_one_is_taken_for_a_page() -> None:
    assert {path for _, _, path in ALLOWED if path in PAGES} == PAGES == {"/servicedesk/customer/user/signup"}


def test_no_credential_and_no_cookie_is_shown_and_nothing_is_sent_elsewhere() -> None:
    with faulty(dict(CLOSED)) as server, faulty() as elsewhere:
        for path, answers in CLOSED.items():
            [answer] = answers
            assert isinstance(answer, Answer)
            server.table[path] = [Answer(answer.body, answer.status, {"Set-Cookie": "tenant.session.token=secret; Path=/"})]
        found = collected(StandIn(elsewhere.url, {"acme": server.url}), ADMIN, needs=NEEDS, probe=True, scoped=("acme",))

        assert seen(found) == NOTHING
        assert {asked.path for asked in server.asked} == set(CLOSED)
        assert {asked.method for asked in server.asked} == {"GET"}
        for asked in server.asked:
            assert not asked.headers.keys() & {"authorization", "cookie", "proxy-authorization"}
            assert not asked.body
        assert elsewhere.asked == []


def test_the_permissions_that_are_asked_about_are_documented() -> None:
    if not promises.SPECS.is_dir():
        pytest.skip("Atlassian's documents are not here")
    text = promises.read("jira-v3.json")["paths"]["/rest/api/3/permissionscheme"]["get"]["description"]
    built_in = {key for key, rest in re.findall(r"`([A-Z_]+)`(.*)", text) if "only)" not in rest}

    assert set(probe.PERMISSIONS) - built_in == {"ADMINISTER", "USER_PICKER"}
    assert list(probe.PERMISSIONS) == sorted(set(probe.PERMISSIONS))


# ------------------------------------------------------------------------------------------------------------- odd answers

INFO, PERMISSIONS, PROJECTS = "/rest/api/3/serverInfo", "/rest/api/3/mypermissions", "/rest/api/3/project/search"
FILTERS, DASHBOARDS, PICKER = "/rest/api/3/filter/search", "/rest/api/3/dashboard/search", "/rest/api/3/groupuserpicker"
SPACES, CLASSIC = "/wiki/api/v2/spaces", "/wiki/rest/api/space"
PORTAL, PAGE = "/rest/servicedeskapi/info", "/servicedesk/customer/user/signup"
SERVED_AT = {
    "permissions": PERMISSIONS,
    "projects": PROJECTS,
    "filters": FILTERS,
    "dashboards": DASHBOARDS,
    "user_picker": PICKER,
    "spaces": CLASSIC,
    "answers": PAGE,
}
KIND_OF = {fact: kind for kind, facts in FACTS.items() for fact in facts}
NOTHING = {"permissions": [], "projects": 0, "filters": 0, "dashboards": 0, "user_picker": False, "spaces": 0, "answers": False}


def held(*keys: str) -> dict[str, Any]:
    return {"permissions": {key: {"havePermission": key in keys} for key in probe.PERMISSIONS}}


def listed(*values: Any, total: Any = None, is_last: Any = True) -> Answer:  # noqa: ANN401  JSON border
    return said({"values": values, "total": len(values) if total is None else total, "isLast": is_last})


def found_by_picker(users: Any = (), groups: Any = (), total: int = 0) -> Answer:  # noqa: ANN401
    return said({"users": {"users": users, "total": total}, "groups": {"groups": groups, "total": 0}})


def spaces(*keys: str, onward: str | None = None) -> Answer:
    return said({"results": [{"key": key} for key in keys], "_links": {"base": "x"} | ({"next": onward} if onward else {})})


def page(text: str = "<html><title>Jira Service Management</title></html>", status: int = 200) -> Answer:
    return Answer(text.encode(), status, {"Content-Type": "text/html"})


CLOSED: Table = {
    INFO: [said({"baseUrl": "https://acme.atlassian.net"})],
    PERMISSIONS: [said(held())],
    PROJECTS: [listed()],
    FILTERS: [listed()],
    DASHBOARDS: [listed({"id": "10000", "systemDashboard": True})],
    PICKER: [found_by_picker()],
    SPACES: [spaces()],
    CLASSIC: [spaces()],
    PORTAL: [said({"version": "5.20.0"})],
    PAGE: [said({}, 404)],
}


def asked(table: Table) -> Collected:
    with faulty(table) as server:
        return asked_of(server)


def asked_of(server: Faulty, needs: frozenset[tuple[str, str]] = NEEDS) -> Collected:
    return collected(StandIn(server.url, {"acme": server.url}), needs=needs, probe=True)


def spoiled(path: str, answer: Answer) -> tuple[dict[str, Any], list[str]]:
    """Return what one odd answer changes of a closed site: what is no longer known or otherwise, and the gaps."""
    found = asked({**CLOSED, path: [answer]})
    known = seen(found)
    return {fact: known.get(fact, "?") for fact in NOTHING if known.get(fact, "?") != NOTHING[fact]}, [*map(line, found.gaps)]


def test_the_closed_site_is_closed_without_a_gap() -> None:
    found = asked(CLOSED)

    assert (seen(found), found.gaps) == (NOTHING, [])


LOST = [
    (said({}, 401), "forbidden: the credentials were not accepted (401)"),
    (said({}, 403), "forbidden: refused (403)"),
    (said({}, 404), "not-found: not found (404)"),
    (said({}, 429), "gave-up: answered 429"),
    (said({}, 500), "gave-up: answered 500 every time"),
    (said({}, 503), "gave-up: answered 503"),
    (said({}, 302, Location="/login"), "malformed: redirected (302), which is not followed"),
    (said({}, 400), "unsupported: not supported here (400)"),
    (Answer(b"<html>Log in</html>"), "malformed: the answer is not JSON"),
    (said([]), "malformed: "),
    (said({}), "malformed: "),
]
STATUSES = [str(answer.status) for answer, _ in LOST[:-3]] + ["html", "list", "empty"]


@pytest.mark.parametrize(("answer", "why"), LOST, ids=STATUSES)
def test_a_site_that_does_not_answer_strangers_is_a_gap_for_every_view_and_is_asked_no_more(answer: Answer, why: str) -> None:
    with faulty({**CLOSED, INFO: [answer]}) as server:
        found = asked_of(server)

        assert {each.path for each in server.asked} == {INFO}
    assert found.resources == []
    assert len(found.gaps) == len(VIEWS)
    for gap in found.gaps:
        assert (gap.kind in VIEWS, gap.id, gap.parent) == (True, "acme", AT)
        assert f"{gap.reason}: {gap.detail.removeprefix('jira.anonymous_view/acme could not be read: ')}".startswith(why)


def test_a_site_that_is_not_there_is_a_gap_for_every_view() -> None:
    with faulty() as server:
        url = server.url
    found = collected(StandIn(url, {"acme": url}), needs=NEEDS, probe=True)

    assert found.resources == []
    assert {(gap.kind, gap.reason) for gap in found.gaps} == {(kind, Reason.GAVE_UP) for kind in VIEWS}


# What each fact's endpoint takes for "you see nothing"; anything else is not known.
MEANS_NOTHING = {fact: {401, 403} for fact in SERVED_AT} | {"projects": {401, 403, 404}, "answers": {401, 403, 404}}


@pytest.mark.parametrize("fact", SERVED_AT)
@pytest.mark.parametrize(("answer", "why"), LOST, ids=STATUSES)
def test_only_not_being_let_in_means_that_nothing_is_seen(fact: str, answer: Answer, why: str) -> None:
    changes, gaps = spoiled(SERVED_AT[fact], answer)

    if answer.status in MEANS_NOTHING[fact]:
        assert (changes, gaps) == ({}, [])
        return
    kind = KIND_OF[fact]
    assert changes == {fact: "?"}
    [gap] = gaps
    wanted_why = "malformed: a page came that is not known" if fact == "answers" and answer.status == 200 else why
    assert gap.startswith(f"{kind}/* of {kind}/acme {wanted_why}")


@pytest.mark.parametrize(("answer", "why"), LOST, ids=STATUSES)
def test_the_first_way_to_list_spaces_is_not_taken_for_nothing_either(answer: Answer, why: str) -> None:
    changes, gaps = spoiled(SPACES, answer)

    lost = ({"spaces": "?"}, True)
    assert (changes, bool(gaps)) == (({}, False) if answer.status in {401, 403} else lost)
    assert all(gap.startswith(f"{CONFLUENCE}/acme of {AT} {why}") for gap in gaps)


def test_two_facts_that_cannot_be_read_for_one_reason_are_both_unknown() -> None:
    found = asked({**CLOSED, FILTERS: [said({}, 503)], PROJECTS: [said({}, 503)]})

    assert seen(found) == {fact: value for fact, value in NOTHING.items() if fact not in {"filters", "projects"}}
    assert {(gap.kind, gap.reason) for gap in found.gaps} == {(JIRA, Reason.GAVE_UP)}


# ----------------------------------------------------------------------------------------------------------------- Jira


def test_permissions_are_named_as_far_as_they_are_held() -> None:
    assert spoiled(PERMISSIONS, said(held("CREATE_ISSUES", "BROWSE_PROJECTS"))) == (
        {"permissions": ["BROWSE_PROJECTS", "CREATE_ISSUES"]},
        [],
    )


@pytest.mark.parametrize("has", [None, "true", 0, 1, []])
def test_a_permission_of_which_nothing_is_told_leaves_all_unknown(has: object) -> None:
    answer = held("BROWSE_PROJECTS")
    answer["permissions"]["ADMINISTER"] = {"havePermission": has}

    assert spoiled(PERMISSIONS, said(answer)) == (
        {"permissions": "?"},
        [f"{JIRA}/* of {JIRA}/acme malformed: the answer does not say who holds ADMINISTER"],
    )


@pytest.mark.parametrize("path", [PROJECTS, FILTERS])
@pytest.mark.parametrize(
    ("content", "number"),
    [
        ({"values": [{}], "total": 7, "isLast": False}, 7),
        ({"values": [{}], "total": 7}, 7),
        ({"values": [], "total": 7, "isLast": True}, 7),
        ({"values": [{}, {}], "isLast": True}, 2),
        ({"values": [], "isLast": True}, 0),
        ({"values": [], "total": 0}, 0),
        ({"values": [{}]}, "?"),
        ({"values": []}, "?"),
        ({"values": [], "isLast": False}, "?"),
        ({"values": [], "total": 0, "isLast": False}, "?"),
        ({"values": [{}], "total": 0, "isLast": True}, "?"),
        ({"values": [], "total": "0", "isLast": True}, "?"),
        ({"values": [], "total": False, "isLast": True}, "?"),
        ({"values": [], "total": -1, "isLast": True}, "?"),
        ({"values": {}, "total": 0, "isLast": True}, "?"),
        ({"total": 0, "isLast": True}, "?"),
    ],
    ids=json.dumps,
)
def test_a_number_is_taken_from_a_list_only_where_it_tells_one(path: str, content: dict[str, Any], number: object) -> None:
    changes, gaps = spoiled(path, said(content))

    fact = "projects" if path == PROJECTS else "filters"
    assert changes == ({} if number == 0 else {fact: number})
    assert bool(gaps) is (number == "?")


OWNER = {"accountId": "1"}


@pytest.mark.parametrize(
    ("answer", "number"),
    [
        (listed(), 0),
        (listed({"id": "10000"}), 0),  # as in the example of the older interface
        (listed({"id": "10007", "systemDashboard": True}), 0),
        (listed({"id": "10000", "owner": OWNER}), 1),
        (listed({"id": "10000", "systemDashboard": False}), 1),
        (listed({"id": "10001"}), 1),  # without an owner, perhaps because strangers are not told of owners
        (listed({"id": "10001", "systemDashboard": False}, {"id": "10000", "systemDashboard": True}), 1),
        (listed({"id": "10000", "systemDashboard": True}, {"id": "10001"}, total=250, is_last=False), 249),
    ],
)
def test_the_systems_own_dashboard_is_not_counted_and_no_other_is_taken_for_it(answer: Answer, number: int) -> None:
    assert spoiled(DASHBOARDS, answer) == ({"dashboards": number} if number else {}, [])


def test_dashboards_are_asked_for_in_the_order_that_puts_the_systems_own_first() -> None:
    with faulty(dict(CLOSED)) as server:
        asked_of(server)

        [query] = [each.query for each in server.asked if each.path == DASHBOARDS]
    assert query["orderBy"] == "id"


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (found_by_picker(users=[{"accountId": "1"}]), True),
        (found_by_picker(groups=[{"name": "staff"}]), True),
        (found_by_picker(total=25), "?"),
        (found_by_picker(users={}), "?"),
        (found_by_picker(groups=None), "?"),
        (said({"users": {"users": []}}), "?"),
    ],
)
def test_the_picker_is_open_if_it_shows_a_person_or_a_group_and_closed_only_if_it_shows_none_of_either(
    answer: Answer, result: object
) -> None:
    changes, gaps = spoiled(PICKER, answer)

    assert changes == {"user_picker": result}
    assert bool(gaps) is (result == "?")


# ----------------------------------------------------------------------------------------------------------- Confluence


def test_spaces_are_believed_to_be_none_only_if_both_ways_show_none() -> None:
    assert spoiled(SPACES, spaces("KB", "DOC")) == ({"spaces": 2}, [])
    assert spoiled(CLASSIC, spaces("KB")) == ({"spaces": 1}, [])
    for refused in (401, 403):
        found = asked({**CLOSED, SPACES: [said({}, refused)], CLASSIC: [spaces("KB")]})
        assert (seen(found)["spaces"], found.gaps) == (1, [])


def test_spaces_that_are_seen_in_one_way_are_not_looked_for_in_the_other() -> None:
    with faulty({**CLOSED, SPACES: [spaces("KB")]}) as server:
        asked_of(server)

        assert CLASSIC not in {each.path for each in server.asked}


@pytest.mark.parametrize("path", [SPACES, CLASSIC])
def test_no_more_than_one_page_of_spaces_is_read(path: str) -> None:
    with faulty({**CLOSED, path: [spaces("KB", "DOC", onward=f"{path}?cursor=2")]}) as server:
        found = asked_of(server)

        assert len([each for each in server.asked if each.path == path]) == 1
    assert (seen(found)["spaces"], found.gaps) == (2, [])


@pytest.mark.parametrize("path", [SPACES, CLASSIC])
def test_an_empty_page_of_spaces_with_another_after_it_proves_nothing(path: str) -> None:
    changes, gaps = spoiled(path, spaces(onward=f"{path}?cursor=2"))

    assert changes == {"spaces": "?"}
    assert ["an empty page that is not the last" in gap for gap in gaps] == [True]


@pytest.mark.parametrize(("path", "kind"), [(SPACES, CONFLUENCE), (PORTAL, SIGNUP)])
def test_an_app_that_the_site_does_not_have_shows_nothing_and_is_no_gap_if_the_organization_says_so(path: str, kind: str) -> None:
    def workspaces(server: Faulty) -> Answer:
        attributes = {"name": "acme", "typeKey": "jira-software", "hostUrl": server.url, "status": "online"}
        return said({"data": [{"id": "w", "type": "workspace", "attributes": attributes}], "links": {}})

    needs = NEEDS | {("org.workspace", "")}
    with faulty({**CLOSED, path: [said({}, 404)]}) as server:
        untold = asked_of(server, needs)
        server.table |= {
            "/admin/v1/orgs": [said({"data": [{"id": "o-1"}], "links": {}})],
            "/admin/v1/orgs/o-1": [said({"data": {"id": "o-1", "attributes": {"name": "Acme"}}})],
            WORKSPACES: [workspaces(server)],
        }
        told = asked_of(server, needs)

    assert [gap.reason for gap in untold.gaps if gap.kind == kind] == [Reason.NOT_FOUND]
    assert [record for record in told.records if record.kind == kind] == []
    assert told.coverage[kind].complete


# ------------------------------------------------------------------------------------------------------------- the portal


def test_a_page_of_the_portal_answers_and_any_other_page_says_nothing() -> None:
    assert spoiled(PAGE, page()) == ({"answers": True}, [])
    assert spoiled(PAGE, page("<html>Log in with Atlassian</html>"))[0] == {"answers": "?"}
    assert spoiled(PAGE, Answer(b"\xff Service Management"))[0] == {"answers": True}


def test_the_page_is_asked_for_as_a_page_and_the_rest_as_data() -> None:
    with faulty(dict(CLOSED)) as server:
        asked_of(server)

        accepted = {each.path: each.headers["accept"] for each in server.asked}
    assert accepted == {path: "text/html" if path == PAGE else "application/json" for path in CLOSED}


def test_where_there_is_no_portal_nobody_looks_for_its_page() -> None:
    with faulty({**CLOSED, PORTAL: [said({"odd": True})]}) as server:
        found = asked_of(server)

        assert PAGE not in {each.path for each in server.asked}
    assert [line(gap) for gap in found.gaps] == [
        f"{SIGNUP}/acme of {AT} malformed: the answer does not say which version it is from"
    ]


# ---------------------------------------------------------------------------------------------------- as a user meets it


def test_the_configuration_turns_the_probes_on(tmp_path: Path, open_site: StandIn, atlascan: Atlascan) -> None:
    configure(tmp_path, open_site, "collect: {probe: true}")
    done = atlascan("snapshot", "--all", "--output", "s.ndjson")

    assert (done.code, "probe" in done.err) == (0, False), done.err
    sources = {record.kind: record.source for record in snapshots.load(str(tmp_path / "s.ndjson")) if isinstance(record, Resource)}
    assert {kind: sources.get(kind) for kind in VIEWS} == dict.fromkeys(VIEWS, Source.PROBE)


def test_a_recording_of_what_strangers_see_plays_the_same(tmp_path: Path, open_site: StandIn) -> None:
    configure(tmp_path, open_site, "collect: {probe: true}")
    config = configuration.load(tmp_path / "atlascan.yaml")
    once, again = str(tmp_path / "once.ndjson"), str(tmp_path / "again.ndjson")
    with credentials():
        collection.take(config, once, needs=NEEDS, how=collection.How(record=tmp_path / "recording"), now=MOMENT)
    collection.take(config, again, needs=NEEDS, how=collection.How(replay=tmp_path / "recording"), now=MOMENT)

    assert list(snapshots.load(once)) == list(snapshots.load(again))
    assert len(list(snapshots.load(again))) == len(VIEWS)


def test_what_strangers_see_can_be_looked_at_and_attested_instead(tmp_path: Path, locked_site: StandIn, atlascan: Atlascan) -> None:
    configure(tmp_path, locked_site)
    found = collected(locked_site, needs=NEEDS)
    snapshots.write(str(tmp_path / "s.ndjson"), HEADER, found.records)
    spaces, permissions, signup = "many\n0\n", "BROWSE_PROJECTS, CREATE_ISSUES\n", "false\n"
    rest = "1\n2\n\nfalse\n"  # of filters, dashboards and people: the second is not answered, the third is
    proof = "window.png\n"
    done = atlascan("attest", "s.ndjson", "--by", "kim", stdin=spaces + proof + permissions + rest + proof + signup + proof)

    assert "'many' is not a number" in done.err
    stated = attestations.load(tmp_path / "attestations.yaml")
    assert {each.kind: each.facts for each in stated} == {
        CONFLUENCE: {"spaces": 0},
        JIRA: {"permissions": ["BROWSE_PROJECTS", "CREATE_ISSUES"], "projects": 1, "filters": 2, "user_picker": False},
        SIGNUP: {"answers": False},
    }
    supplied = list(attestations.supply(Snapshot(HEADER, partial(iter, found.records)), stated))
    assert not [record for record in supplied if isinstance(record, Gap)]


@pytest.mark.parametrize(("answer", "stated"), [("none", []), ("", None)])
def test_that_strangers_may_do_nothing_has_to_be_said(
    tmp_path: Path, locked_site: StandIn, atlascan: Atlascan, answer: str, stated: object
) -> None:
    configure(tmp_path, locked_site)
    gaps = [gap for gap in collected(locked_site, needs=NEEDS).gaps if gap.kind == JIRA]
    snapshots.write(str(tmp_path / "s.ndjson"), HEADER, gaps)
    atlascan("attest", "s.ndjson", "--by", "kim", stdin=f"{answer}\n0\n\n\n\n\n")

    [attested] = attestations.load(tmp_path / "attestations.yaml")
    assert attested.facts.get("permissions") == stated


def test_an_attestation_fills_the_gap_of_a_part_as_well_as_that_of_the_whole() -> None:
    stated = Attestation(JIRA, "acme", {"filters": 0}, "kim", MOMENT.date(), MOMENT.date())
    for path in (FILTERS, INFO):
        found = asked({**CLOSED, path: [said({}, 503)]})
        supplied = list(attestations.supply(Snapshot(HEADER, partial(iter, found.records)), [stated]))

        assert [gap for gap in found.gaps if gap.kind == JIRA]
        assert not [record for record in supplied if isinstance(record, Gap) and record.kind == JIRA]


MOMENT = datetime(2026, 6, 1, tzinfo=UTC)
HEADER = Header(id="s", taken_at=MOMENT, tool="atlascan", target=Target(org=None, sites={}))


def configure(folder: Path, site: StandIn, more: str = "") -> None:
    lines = (f"api_url: {site.api_url}", f"sites: [{{name: acme, url: '{site.sites['acme']}'}}]", more)
    (folder / "atlascan.yaml").write_text("\n".join(lines), encoding="utf-8")
