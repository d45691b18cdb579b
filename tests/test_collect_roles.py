"""Who holds which role: people in the organization's apps, people and groups in projects."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from scanner.collect import org
from scanner.kinds import KINDS, fits
from scanner.model import Record, Resource, Source, sort_key
from tests.fake_atlassian.directories import given_roles
from tests.fake_atlassian.scenario import OrgUser, Project, ProjectRole, Scenario, Site, load, names
from tests.fake_atlassian.server import StandIn
from tests.fake_atlassian.site_roles import roles_of
from tests.faulty import Answer, Asked, Faulty, Table, faulty, said
from tests.test_collect import AGENT, NARROW, ORG, ORGS, PERMISSIONS, Collected, Played, collected, line, listed

ASSIGNED, ROLE = "org.user_role_assignments", "jira.project_role"
NEEDS = frozenset((kind, fact) for kind in (ASSIGNED, ROLE) for fact in KINDS[kind].facts)
ACCOUNT = (
    "give an account that may administer Jira (ATLASCAN_EMAIL and ATLASCAN_API_TOKEN), or one that administers this project;"
    " a scoped token needs read:jira-work"
)
KEY = "give an organization admin API key (ATLASCAN_ORG_API_KEY) with the scope read:directories:admin"


def of_roles(found: Collected) -> list[Record]:
    return [record for record in found.records if record.kind in (ASSIGNED, ROLE)]


# ------------------------------------------------------------------------------------- what a scenario's collection must be


@pytest.fixture(params=names())
def played(request: pytest.FixtureRequest) -> Played:
    return Played(load(request.param), request.getfixturevalue(f"{request.param}_site"))


def uses_apps(user: OrgUser) -> bool:
    return bool(user.products) and user.membership_status == "active"


def explained(scenario: Scenario, user: OrgUser) -> bool:
    """Tell whether the person's groups give each app that the person can use."""
    given = {
        role.resource_id
        for id_ in user.groups
        for role in scenario.group_by_id[id_].roles
        if set(role.roles) & {"atlassian/user", "atlassian/admin", "atlassian/guest"}
    }
    return all(f"ari:cloud:{use.key}::site/{use.site}" in given for use in user.products)


def wanted(scenario: Scenario) -> Iterator[Resource]:
    for user in filter(uses_apps, scenario.users):
        if explained(scenario, user):
            facts = {"explained_by_groups": True}
            known = _resource(ASSIGNED, user.id, user.name, facts, f"org.user/{user.id}")
            yield msgspec.structs.replace(known, source=Source.INFERRED)
            continue
        assignments = [
            {"key": f"{resource_id}:{role}", "resource_id": resource_id, "role": role, "methods": list(methods)}
            for resource_id, roles in given_roles(scenario, user).items()
            for role, methods in roles.items()
        ]
        yield _resource(
            ASSIGNED, user.id, user.name, {"explained_by_groups": False, "assignments": assignments}, f"org.user/{user.id}"
        )
    for site in scenario.sites:
        for project in site.projects:
            for role in roles_of(site, project):
                yield _project_role(site, project, role)


def _project_role(site: Site, project: Project, role: ProjectRole) -> Resource:
    groups = [("atlassian-group-role-actor", id_, site.jira.group_by_id[id_].name) for id_ in role.groups.get(project.key, ())]
    users = [("atlassian-user-role-actor", id_, site.jira.user_by_id[id_].name) for id_ in role.users.get(project.key, ())]
    facts = {
        "name": role.name,
        "role_id": str(role.id),
        "project": f"{site.name}/{project.key}",
        "is_admin": role.admin,
        "actors": [{"key": f"{type_}:{id_}", "type": type_, "id": id_, "name": name} for type_, id_, name in (*groups, *users)],
    }
    id_ = f"{site.name}/{project.key}/{role.id}"
    return _resource(ROLE, id_, role.name, facts, f"jira.project/{site.name}/{project.key}")


def _resource(kind: str, id_: str, name: str, facts: dict[str, Any], parent: str) -> Resource:
    return Resource(kind=kind, id=id_, name=name, facts=facts, source=Source.API, parent=parent)


# ---------------------------------------------------------------------------------------------------- against the stand-in


def test_all_roles_of_a_scenario_are_collected_and_nothing_else(played: Played) -> None:
    assert of_roles(collected(played.site, needs=NEEDS)) == sorted(wanted(played.scenario), key=sort_key)


def test_the_scenarios_have_every_way_to_hold_a_role() -> None:
    """The test above would prove little otherwise."""
    resources = [resource for name in names() for resource in wanted(load(name))]
    assigned = [each for resource in resources for each in resource.facts.get("assignments", ())]
    actors = {each["type"] for resource in resources for each in resource.facts.get("actors", ())}

    assert {tuple(each["methods"]) for each in assigned} >= {("direct",), ("group_direct",), ("direct", "group_direct")}
    assert actors == set(KINDS[ROLE].facts["actors"].items["type"].values)
    assert any(role.project for site in load("open").sites for role in site.jira.project_roles)
    assert any(not uses_apps(user) for user in load("open").users)
    assert max(len(given_roles(load("open"), user)) for user in load("open").users) > load("open").page_size


def test_people_who_may_use_no_app_or_all_of_them_through_groups_are_not_asked_about(played: Played) -> None:
    found = collected(played.site, needs=frozenset({(ASSIGNED, "")}))
    scenario, users = played.scenario, played.scenario.users
    asked = [user for user in users if uses_apps(user) and not explained(scenario, user)]

    pages = sum(max(1, -(-len(given_roles(scenario, user)) // scenario.page_size)) for user in asked)
    assert found.coverage[ASSIGNED].requests == pages
    assert len(asked) < sum(uses_apps(user) for user in users) <= len(users)


def test_who_acts_in_a_role_costs_one_request_a_role_and_only_where_it_is_needed(open_site: StandIn) -> None:
    site = load("open").sites[0]
    pairs = [(project, role) for project in site.projects for role in roles_of(site, project)]
    whole = collected(open_site, needs=frozenset({(ROLE, "actors")})).log
    names_only = collected(open_site, needs=frozenset({(ROLE, "name")})).log

    def asked(log: tuple[str, ...], part: str) -> int:
        return sum(part in each for each in log)

    assert (asked(whole, "/roledetails:"), asked(whole, "/role/")) == (len(site.projects), len(pairs))
    assert (asked(names_only, "/roledetails:"), asked(names_only, "/role/")) == (len(site.projects), 0)


def test_a_key_without_the_scope_leaves_no_role_known() -> None:
    refused: Table = {ASSIGNMENTS: [said({"errors": []}, 403)]}

    assert held(refused) == ["org.user_role_assignments/u-1 of org.user/u-1 forbidden: refused (403)"]
    assert hints(refused) == {KEY}


def test_a_narrow_key_still_lists_the_people_and_each_has_a_gap(played: Played) -> None:
    found = collected(played.site, NARROW, needs=frozenset({(ASSIGNED, "")}))

    assert [(gap.id, gap.parent) for gap in found.gaps if gap.kind == ASSIGNED] == sorted(
        (user.id, f"org.user/{user.id}") for user in played.scenario.users if uses_apps(user)
    ), "what groups give is not known either, so it explains nobody's access"


def test_an_account_that_does_not_administer_a_project_leaves_a_gap_for_it(demo_site: StandIn) -> None:
    found = collected(demo_site, AGENT, needs=frozenset({(ROLE, "actors")}))
    [account] = [each for each in load("demo").sites[0].accounts if not each.administer]

    assert {gap.parent for gap in found.gaps if gap.kind == ROLE} == {
        "jira.site/acme",
        *(f"jira.project/acme/{key}" for key in account.sees),
    }
    assert {gap.hint for gap in found.gaps if gap.kind == ROLE and gap.parent != "jira.site/acme"} == {ACCOUNT}
    assert found.ids(ROLE) == []


# ------------------------------------------------------------------------------------------------------------------ faults

USERS = "/admin/v2/orgs/o-1/directories/-/users/search"
GROUPS = "/admin/v2/orgs/o-1/directories/-/groups/search"
GIVEN = "/admin/v2/orgs/o-1/directories/-/groups/g-1/role-assignments"
ASSIGNMENTS = "/admin/v2/orgs/o-1/directories/-/users/u-1/role-assignments"
PROJECTS, ROLES = "/rest/api/3/project/search", "/rest/api/3/project/APP/roledetails"
ADMINS, MEMBERS = "/rest/api/3/project/APP/role/1", "/rest/api/3/project/APP/role/2"


def user(**more: Any) -> dict[str, Any]:  # noqa: ANN401  JSON border
    access = [{"id": "ari:jira", "key": "jira"}]
    return {"accountId": "u-1", "name": "Ada", "membershipStatus": "active", "productAccess": access, **more}


def given(*roles: Any, resource: Any = "ari:jira") -> dict[str, Any]:  # noqa: ANN401
    return {"resourceId": resource, "resourceOwner": "jira", "roles": ["x"], "roleAssignments": list(roles)}


def way(role: Any, *methods: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"role": role, "roleAssignmentMethods": list(methods)}


def page(*data: Any, **links: Any) -> Answer:  # noqa: ANN401
    return said({"data": data, "links": links})


def acting(*actors: Any) -> Answer:  # noqa: ANN401
    return said({"id": 1, "name": "Admins", "actors": list(actors)})


def group(id_: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"type": "atlassian-group-role-actor", "displayName": "staff", "actorGroup": {"groupId": id_, "name": "staff"}}


def person(id_: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"type": "atlassian-user-role-actor", "displayName": "Ada", "actorUser": {"accountId": id_}}


HELD: Table = {
    ORGS: [said({"data": [{"id": "o-1"}]})],
    ORG: [said({"data": {"id": "o-1", "attributes": {"name": "Acme"}}})],
    USERS: [page(user())],
    GROUPS: [page({"id": "g-1", "name": "staff"})],
    GIVEN: [page()],
    ASSIGNMENTS: [page(given(way("atlassian/user", "direct")))],
    "/rest/api/3/serverInfo": [said({"baseUrl": "https://x", "version": "1", "deploymentType": "Cloud", "serverTitle": "Acme"})],
    PERMISSIONS: [said({"permissions": {"ADMINISTER": {"havePermission": True}}})],
    PROJECTS: [listed({"id": "9", "key": "APP", "name": "App", "style": "classic", "isPrivate": False}, total=1)],
    ROLES: [said([{"id": 1, "name": "Admins", "admin": True}, {"id": 2, "name": "Members", "admin": False}])],
    ADMINS: [acting(group("g-1"))],
    MEMBERS: [acting()],
}
DIRECT = (
    'org.user_role_assignments/u-1 {"assignments": [{"key": "ari:jira:atlassian/user", "methods": ["direct"],'
    ' "resource_id": "ari:jira", "role": "atlassian/user"}], "explained_by_groups": false}'
)
ADMINS_ACT = (
    'jira.project_role/acme/APP/1 {"actors": [{"id": "g-1", "key": "atlassian-group-role-actor:g-1", "name": "staff",'
    ' "type": "atlassian-group-role-actor"}], "is_admin": true, "name": "Admins", "project": "acme/APP", "role_id": "1"}'
)
ADMINS_BARE = 'jira.project_role/acme/APP/1 {"is_admin": true, "name": "Admins", "project": "acme/APP", "role_id": "1"}'
NO_MEMBERS = (
    'jira.project_role/acme/APP/2 {"actors": [], "is_admin": false, "name": "Members", "project": "acme/APP", "role_id": "2"}'
)


def asked_of(server: Faulty) -> Collected:
    return collected(StandIn(server.url, {"acme": server.url}), needs=NEEDS)


def lines(table: Table, kind: str) -> list[str]:
    with faulty({**HELD, **table}) as server:
        found = asked_of(server)
    for resource in found.resources:
        declared = KINDS[resource.kind].facts
        assert all(fits(value, declared[name]) for name, value in resource.facts.items())
    return [line(each) for each in found.records if each.kind == kind]


def held(table: Table) -> list[str]:
    """Return what is known of the roles of the one person."""
    return lines(table, ASSIGNED)


def acted(table: Table) -> list[str]:
    """Return what is known of the roles of the one project."""
    return lines(table, ROLE)


def hints(table: Table) -> set[str]:
    with faulty({**HELD, **table}) as server:
        return {gap.hint for gap in asked_of(server).gaps}


def test_the_healthy_company_is_read_whole() -> None:
    assert held({}) == [DIRECT]
    assert acted({}) == [ADMINS_ACT, NO_MEMBERS]
    assert hints({}) == set()


# --------------------------------------------------------------------------------------------------------- roles of a person


@pytest.mark.parametrize("told", [{}, {"productAccess": None}, {"membershipStatus": None}, {"membershipStatus": "unheard-of"}])
def test_who_may_use_apps_for_all_that_is_known_is_asked_about(told: dict[str, Any]) -> None:
    person_ = {**user(), **told}

    assert held({USERS: [page(person_)]}) == [DIRECT]


@pytest.mark.parametrize("told", [{"productAccess": []}, {"membershipStatus": "suspended"}, {"membershipStatus": "no_membership"}])
def test_who_may_use_none_is_not(told: dict[str, Any]) -> None:
    assert held({USERS: [page(user(**told))]}) == []


def test_the_roles_of_all_pages_are_one_list() -> None:
    first, second = given(way("atlassian/user", "group_direct")), given(way("atlassian/guest", "inferred"), resource="ari:wiki")
    with faulty({**HELD, ASSIGNMENTS: [page(first, next="two"), page(second)]}) as server:
        found = asked_of(server)

        queries = [each.query for each in server.asked if each.path == ASSIGNMENTS]
    assert queries == [{"limit": "100"}, {"limit": "100", "cursor": "two"}]
    [roles] = [each for each in found.resources if each.kind == ASSIGNED]
    assert [(each["resource_id"], each["methods"]) for each in roles.facts["assignments"]] == [
        ("ari:jira", ["group_direct"]),
        ("ari:wiki", ["inferred"]),
    ]


def test_roles_that_end_early_are_not_taken_for_all() -> None:
    first = page(given(way("atlassian/user", "group_direct")), next="two")

    assert held({ASSIGNMENTS: [first, said({}, 404)]}) == [
        "org.user_role_assignments/u-1 of org.user/u-1 not-found: not found (404)"
    ]


@pytest.mark.parametrize(
    "broken",
    [
        {},
        None,
        "x",
        {"resourceId": "ari:wiki", "roles": ["atlassian/user"]},
        given(resource=None),
        given("atlassian/user"),
        given(way(None, "direct")),
        given({"role": "atlassian/user"}),
        given({"role": "atlassian/user", "roleAssignmentMethods": "direct"}),
        given(way("atlassian/user", "by_magic")),
    ],
)
def test_a_role_of_which_it_is_not_known_how_it_was_given_leaves_the_list_unknown(broken: object) -> None:
    """Of the older field `roles` nobody can tell it: it is not taken."""
    [gap, resource] = held({ASSIGNMENTS: [page(given(way("atlassian/user", "group_direct")), broken)]})

    assert resource == 'org.user_role_assignments/u-1 {"explained_by_groups": false}'
    assert gap.startswith("org.user_role_assignments/u-1 of org.user/u-1 malformed: org.user_role_assignments/u-1: a role ")


def test_people_who_cannot_be_listed_leave_their_roles_unknown() -> None:
    [gap] = held({USERS: [said({"message": "No."}, 403)]})

    assert gap.startswith("org.user_role_assignments/* of org/o-1 forbidden: ")


def test_every_word_for_how_a_role_was_given_is_known() -> None:
    methods = KINDS[ASSIGNED].facts["assignments"].items["methods"].values
    [resource] = held({ASSIGNMENTS: [page(given(way("atlassian/user", *methods)))]})

    assert all(f'"{method}"' in resource for method in methods)
    assert [each.path for each in org.ENDPOINTS if each.kinds == (ASSIGNED,)] == [
        "/v2/orgs/{orgId}/directories/-/users/{accountId}/role-assignments"
    ]


# -------------------------------------------------------------------------------------------------------- roles of a project


def test_a_role_that_is_refused_has_no_known_actors_and_the_others_have() -> None:
    refused: Table = {ADMINS: [said({}, 404)]}

    assert acted(refused) == [
        "jira.project_role/* of jira.project_role/acme/APP/1 not-found: not found (404)",
        ADMINS_BARE,
        NO_MEMBERS,
    ]
    assert hints(refused) == {ACCOUNT}


@pytest.mark.parametrize("answer", [said({}, 401), said({"a": 1}), said("x")])
def test_a_project_whose_roles_cannot_be_listed_is_one_gap(answer: Answer) -> None:
    [gap] = acted({ROLES: [answer]})

    assert gap.startswith("jira.project_role/* of jira.project/acme/APP ")


def test_the_address_that_a_role_gives_of_itself_is_not_followed() -> None:
    elsewhere = {"id": 1, "name": "Admins", "admin": True, "self": "https://elsewhere.example/rest/api/3/project/APP/role/99"}
    with faulty({**HELD, ROLES: [said([elsewhere])]}) as server:
        asked_of(server)

        assert [each.path for each in server.asked if "/role/" in each.path] == [ADMINS]


@pytest.mark.parametrize("id_", ["../../../user", "1/../2", "1?x=y"])
def test_an_id_that_would_change_the_path_reaches_nothing_else(id_: str) -> None:
    def never(asked: Asked) -> Answer:
        raise AssertionError(asked.url)

    with faulty({**HELD, ROLES: [said([{"id": id_, "name": "Odd", "admin": False}])], MEMBERS: [never], ADMINS: [never]}) as server:
        found = asked_of(server)

        known = {path for path in HELD if path not in (ADMINS, MEMBERS)}
        assert all(each.path in known or each.path.startswith("/rest/api/3/project/APP/role/") for each in server.asked)
    assert found.gaps_of(ROLE)


@pytest.mark.parametrize("role", [{}, None, 5, {"id": None, "name": "x"}, {"id": {}, "name": "x"}])
def test_a_role_without_an_id_is_a_gap_and_the_others_are_there(role: object) -> None:
    roles = [{"id": 1, "name": "Admins", "admin": True}, role]

    assert acted({ROLES: [said(roles)]}) == [
        "jira.project_role/* of jira.project/acme/APP malformed: a record without the id it should have",
        ADMINS_ACT,
    ]


@pytest.mark.parametrize("body", [{}, {"actors": None}, {"actors": {}}, {"actors": "x"}])
def test_actors_that_are_not_told_are_not_taken_for_nobody(body: object) -> None:
    [gap, *resources] = acted({ADMINS: [said(body)]})

    assert resources == [ADMINS_BARE, NO_MEMBERS]
    assert gap.startswith("jira.project_role/acme/APP/1 of jira.project_role/acme/APP/1 malformed: ")


@pytest.mark.parametrize(
    ("actor", "key"),
    [
        ({}, "?:?"),
        (None, "?:?"),
        ("x", "?:?"),
        ({"type": "somebody-new", "displayName": "x"}, "somebody-new:?"),
        (group(None), "atlassian-group-role-actor:?"),
        (person([]), "atlassian-user-role-actor:?"),
        (person("unknown"), "atlassian-user-role-actor:unknown"),
    ],
)
def test_an_actor_whom_nobody_knows_still_counts_and_is_a_gap(actor: object, key: str) -> None:
    [gap, resource, _] = acted({ADMINS: [acting(person("u-1"), actor)]})

    assert resource.count('"key": ') == 2
    assert f'"key": "{key}"' in resource
    assert gap.startswith("jira.project_role/acme/APP/1 of jira.project_role/acme/APP/1 malformed: ")
    assert "an actor that is no known group or account" in gap


# --------------------------------------------------------------------------------------------------- whom nobody asks about


def gives(role: str, resource: str = "ari:jira") -> Answer:
    return page({"resourceId": resource, "resourceOwner": "jira", "roles": [role], "defaultRole": None})


EXPLAINED = 'org.user_role_assignments/u-1 {"explained_by_groups": true}'


def test_whoever_may_use_an_app_through_a_group_is_not_asked_about() -> None:
    table = {USERS: [page(user(groups=[{"id": "g-1"}]))], GIVEN: [gives("atlassian/user")]}

    assert held({**table, ASSIGNMENTS: [said({}, 500)]}) == [EXPLAINED]


@pytest.mark.parametrize(
    "table",
    [
        {GIVEN: [gives("atlassian/customer")]},
        {GIVEN: [gives("atlassian/user", "ari:confluence")]},
        {USERS: [page(user(groups=[{"id": "another"}]))]},
        {USERS: [page(user(groups=None))]},
        {USERS: [page(user(groups=[{"id": "g-1"}], productAccess=[{"key": "jira"}]))]},
        {
            USERS: [
                page(user(groups=[{"id": "g-1"}], productAccess=[{"id": "ari:jira", "key": "jira"}, {"id": "ari:y", "key": "y"}]))
            ]
        },
    ],
)
def test_access_that_no_group_is_known_to_give_is_asked_about(table: Table) -> None:
    joined: Table = {USERS: [page(user(groups=[{"id": "g-1"}]))], GIVEN: [gives("atlassian/user")]}

    assert held({**joined, **table}) == [DIRECT]


@pytest.mark.parametrize("table", [{GIVEN: [said({}, 403)]}, {GROUPS: [said({}, 403)]}])
def test_where_groups_could_not_be_read_nobody_says_that_none_explains_the_access(table: Table) -> None:
    joined: Table = {USERS: [page(user(groups=[{"id": "g-1"}]))], GIVEN: [gives("atlassian/user")]}

    assert held({**joined, **table}) == [DIRECT.replace(', "explained_by_groups": false', "")]
