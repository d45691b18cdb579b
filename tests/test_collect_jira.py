"""From Jira's answers to records: permissions, licences, groups, accounts, and what is shared with whom."""

import json
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner.collect import pace, paging, walk
from scanner.collect.api import Credentials
from scanner.kinds import KINDS, fits
from scanner.model import Gap, Reason, Record, Resource, Source, sort_key
from tests.fake_atlassian.scenario import PermissionScheme, Scenario, Share, Site, load, names
from tests.fake_atlassian.server import StandIn
from tests.fake_atlassian.site_jira import seen_by
from tests.faulty import Answer, Asked, Faulty, Table, faulty, said
from tests.test_collect import ADMIN, AGENT, WRONG, Collected, collected, compared, listed

KINDS_HERE = (
    "jira.application_role",
    "jira.dashboard",
    "jira.filter",
    "jira.group",
    "jira.permission_scheme",
    "jira.project",
    "jira.user",
)
NEEDS = frozenset((kind, fact) for kind in KINDS_HERE for fact in KINDS[kind].facts)
ACCOUNT = "give an account that may administer Jira (ATLASCAN_EMAIL and ATLASCAN_API_TOKEN)"
BROWSER = "give an account with the global permission Browse users and groups (ATLASCAN_EMAIL and ATLASCAN_API_TOKEN)"


def seen_of(found: Collected) -> list[Record]:
    return [record for record in found.records if record.kind in KINDS_HERE]


# ------------------------------------------------------------------------------------- what a scenario's collection must be


@pytest.fixture(params=names())
def played(request: pytest.FixtureRequest) -> tuple[Scenario, StandIn]:
    return load(request.param), request.getfixturevalue(f"{request.param}_site")


def wanted(site: Site) -> Iterator[Record]:
    """Return what a scenario says there is, seen by an administrator."""
    yield from _wanted_projects(site)
    yield from _wanted_roles_and_schemes(site)
    yield from _wanted_shared(site)
    yield from _wanted_groups_and_users(site)


def _uses(site: Site, scheme: PermissionScheme) -> dict[str, Any]:
    """Return whether projects use a scheme, as far as these may be asked."""
    refused = {each.path.split("/")[-2] for each in site.refuse if each.path.endswith("/permissionscheme")}
    classic = [each.key for each in site.projects if each.style == "classic"]
    users = [key for key in classic if key not in refused and site.jira.scheme_of(key) == scheme]
    if refused.isdisjoint(classic):
        return {"in_use": bool(users), "project_count": len(users)}
    return {"in_use": True} if users else {}


def _wanted_projects(site: Site) -> Iterator[Record]:
    for project in site.projects:
        facts: dict[str, Any] = {"project_id": project.id, "name": project.name, "type": project.type, "style": project.style}
        facts["is_private"] = project.is_private
        if any(refusal.path == f"/rest/api/3/project/{project.key}/permissionscheme" for refusal in site.refuse):
            yield Gap(
                kind="jira.project",
                reason=Reason.FORBIDDEN,
                detail="refused (403): The scenario refuses this.",
                hint=f"{ACCOUNT}, or one that administers this project; a scoped token needs read:jira-work",
                parent=f"jira.project/{site.name}/{project.key}",
            )
        elif project.style == "classic":
            facts["permission_scheme"] = f"{site.name}/{site.jira.scheme_of(project.key).id}"
        yield _resource(site, "jira.project", project.key, project.name, facts)


def _wanted_roles_and_schemes(site: Site) -> Iterator[Record]:
    for role in site.jira.application_roles:
        facts = {
            "name": role.name,
            "selected_by_default": role.selected_by_default,
            "default_groups": list(role.default_groups),
            "groups": list(role.groups),
            "seats": role.seats,
            "users": role.users,
            "remaining_seats": role.seats - role.users,
            "unlimited": role.unlimited,
        }
        yield _resource(site, "jira.application_role", role.key, role.name, facts)
    for scheme in site.jira.permission_schemes:
        grants = [
            {
                "key": f"{each.permission}:{each.holder_type}:{each.holder_value or '-'}",
                "permission": each.permission,
                "holder_type": each.holder_type,
                "holder_value": each.holder_value,
            }
            for each in scheme.grants
        ]
        facts = {"name": scheme.name, "grants": grants, **_uses(site, scheme)}
        yield _resource(site, "jira.permission_scheme", str(scheme.id), scheme.name, facts)


def _wanted_shared(site: Site) -> Iterator[Record]:
    [admin] = [account for account in site.accounts if account.administer]
    [admin_id] = [user.id for user in site.jira.users if user.email == admin.email]
    for filter_ in site.jira.filters:
        facts: dict[str, Any] = {
            "name": filter_.name,
            "owner": filter_.owner,
            "shares": [_share(site, each) for each in filter_.shares],
        }
        if filter_.shares or filter_.owner == admin_id:
            yield _resource(site, "jira.filter", filter_.id, filter_.name, facts)
    for dashboard in site.jira.dashboards:
        facts = {"name": dashboard.name, "owner": dashboard.owner, "shares": [_share(site, each) for each in dashboard.shares]}
        if seen_by(admin, site, dashboard):
            yield _resource(site, "jira.dashboard", dashboard.id, dashboard.name, facts)


def _wanted_groups_and_users(site: Site) -> Iterator[Record]:
    for group in site.jira.groups:
        members = [
            {"account_id": user.id, "account_type": user.type}
            for user in site.jira.users
            if user.active and user.id in group.members
        ]
        if group.access == "admin":
            facts: dict[str, Any] = {"name": group.name, "access": "admin", "members": members}
            yield _resource(site, "jira.group", group.id, group.name, facts)
    for user in site.jira.users:
        facts = {"account_type": user.type, "active": user.active} | ({"email": user.email} if user.email else {})
        yield _resource(site, "jira.user", user.id, user.name, facts)


def _share(site: Site, share: Share) -> dict[str, str | None]:
    target = share.user or share.group or (f"{site.name}/{share.project}" if share.project else None)
    role = None if share.role is None else str(share.role)
    told = {name: value for name, value in (("type", share.type), ("target", target), ("role", role)) if value}
    return {"key": ":".join(told.values()), **told} | ({"role": None} if share.type == "project" and role is None else {})


def _resource(site: Site, kind: str, id_: str, name: str, facts: dict[str, Any]) -> Resource:
    return Resource(kind=kind, id=f"{site.name}/{id_}", name=name, facts=facts, source=Source.API, parent=f"jira.site/{site.name}")


# ---------------------------------------------------------------------------------------------------- against the stand-in


def test_all_that_a_scenario_holds_is_collected_and_nothing_else(played: tuple[Scenario, StandIn]) -> None:
    scenario, site = played
    [acme] = scenario.sites

    assert seen_of(collected(site, needs=NEEDS)) == sorted(wanted(acme), key=sort_key)


def test_the_scenarios_hold_what_the_test_above_is_to_prove() -> None:
    sites = {name: load(name).sites[0].jira for name in names()}
    demo = sites["demo"]

    assert all(getattr(jira, field) for jira in sites.values() for field in jira.__struct_fields__ if field != "project_schemes")
    assert {share.type for each in demo.filters for share in each.shares} == set(
        KINDS["jira.filter"].facts["shares"].items["type"].values
    ) - {"authenticated"}
    assert any(len(group.members) > load("demo").page_size for group in demo.groups if group.access == "admin"), "two pages"
    assert len(sites["open"].users) > load("open").page_size
    assert [scheme for scheme in demo.permission_schemes if not scheme.grants], "granting nothing is known, not absent"


def test_what_adds_facts_is_asked_only_where_these_are_needed(demo_site: StandIn) -> None:
    found = collected(demo_site, needs=frozenset({("jira.project", "style"), ("jira.group", "name")}))

    assert [each for each in found.log if "permissionscheme" in each or "group/member" in each] == []
    assert [each for each in found.resources if "permission_scheme" in each.facts or "members" in each.facts] == []
    assert found.coverage["jira.group"].complete


def test_team_managed_projects_are_not_asked_for_a_scheme(played: tuple[Scenario, StandIn]) -> None:
    scenario, site = played
    found = collected(site, needs=NEEDS)
    asked = {
        each.split("/rest/api/3/project/")[1].split("/")[0]
        for each in found.log
        if "/permissionscheme:" in each and "/project/" in each
    }

    assert asked == {project.key for project in scenario.sites[0].projects if project.style == "classic"}


def test_an_account_that_is_no_administrator_leaves_gaps_that_say_what_it_needs(demo_site: StandIn) -> None:
    found = collected(demo_site, AGENT, needs=NEEDS)
    partial = "the account does not hold the permission ADMINISTER, so the list may leave some out"
    administer = "refused (403): You do not have permission to administer this project."

    assert found.gaps_of(*KINDS_HERE) == [
        f"jira.application_role/* of jira.site/acme forbidden: {administer}",
        f"jira.filter/* of jira.site/acme forbidden: {partial}",
        f"jira.project/* of jira.project/acme/IT forbidden: {administer}",
        f"jira.project/* of jira.project/acme/SUP forbidden: {administer}",
        f"jira.project/* of jira.site/acme forbidden: {partial}",
    ]
    assert {gap.hint for gap in found.gaps if gap.kind in KINDS_HERE} == {
        f"{ACCOUNT}; a scoped token needs manage:jira-configuration",
        f"{ACCOUNT}; a scoped token needs read:jira-work",
        f"{ACCOUNT}, or one that administers this project; a scoped token needs read:jira-work",
    }
    # Filters of others are overridden for administrators only; of dashboards everybody sees the public ones.
    assert found.ids("jira.filter") == ["acme/10100", "acme/10101", "acme/10104"]
    assert found.ids("jira.dashboard") == ["acme/10000", "acme/10200", "acme/10201", "acme/10202"]
    assert found.ids("jira.project") == ["acme/IT", "acme/MKT", "acme/SUP", "acme/WEB"]


@pytest.mark.parametrize(
    ("credentials", "reason"), [(WRONG, Reason.FORBIDDEN), (Credentials(ADMIN.org_key, {}), Reason.NO_CREDENTIAL)]
)
def test_without_a_good_credential_every_kind_is_a_gap(demo_site: StandIn, credentials: Credentials, reason: Reason) -> None:
    found = collected(demo_site, credentials, needs=NEEDS)

    assert {(gap.kind, gap.parent, gap.reason) for gap in found.gaps if gap.kind in KINDS_HERE} == {
        (kind, "jira.site/acme", reason) for kind in KINDS_HERE
    }
    assert len([gap for gap in found.gaps if gap.kind in KINDS_HERE]) == len(KINDS_HERE)
    assert seen_of(found) == [gap for gap in found.gaps if gap.kind in KINDS_HERE]


# ------------------------------------------------------------------------------------------------------------------ faults

ROLES = "/rest/api/3/applicationrole"
SCHEMES = "/rest/api/3/permissionscheme"
PROJECTS = "/rest/api/3/project/search"
SCHEME_OF_APP = "/rest/api/3/project/APP/permissionscheme"
SCHEME_OF_OPS = "/rest/api/3/project/OPS/permissionscheme"
FILTERS = "/rest/api/3/filter/search"
DASHBOARDS = "/rest/api/3/dashboard/search"
GROUPS = "/rest/api/3/group/bulk"
MEMBERS = "/rest/api/3/group/member"
USERS = "/rest/api/3/users/search"
PERMISSIONS = "/rest/api/3/mypermissions"


def scheme(*grants: Any, **more: Any) -> dict[str, Any]:  # noqa: ANN401  JSON border
    return {"id": 10000, "name": "Default", "permissions": list(grants), **more}


def grant(permission: Any, **holder: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"permission": permission, "holder": holder}


def project(key: str, style: str = "classic") -> dict[str, Any]:
    return {"id": f"1{key}", "key": key, "name": key, "projectTypeKey": "software", "style": style, "isPrivate": False}


def group(id_: str, name: str = "x") -> dict[str, Any]:
    return {"groupId": id_, "name": name}


def user(id_: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"accountId": id_, "accountType": "atlassian", "active": True, "displayName": id_, **more}


ROLE = {
    "key": "jira-software",
    "name": "Jira",
    "selectedByDefault": False,
    "defaultGroupsDetails": [],
    "groupDetails": [group("g-1")],
    "numberOfSeats": 10,
    "userCount": 4,
    "remainingSeats": 6,
    "hasUnlimitedSeats": False,
}
FILTER = {"id": "1", "name": "Bugs", "owner": user("u-1"), "sharePermissions": [{"type": "loggedin"}]}
DASHBOARD = {"id": "2", "name": "Sales", "owner": user("u-1"), "sharePermissions": [{"type": "group", "group": group("g-1")}]}

COMPANY: Table = {
    "/rest/api/3/serverInfo": [said({"baseUrl": "https://x", "version": "1", "deploymentType": "Cloud", "serverTitle": "Acme"})],
    PERMISSIONS: [said({"permissions": {"ADMINISTER": {"havePermission": True}}})],
    PROJECTS: [listed(project("APP"), project("OPS"), project("WEB", "next-gen"), total=3)],
    ROLES: [said([ROLE])],
    SCHEMES: [said({"permissionSchemes": [scheme(grant("BROWSE_PROJECTS", type="anyone"))]})],
    SCHEME_OF_APP: [said({"id": 10000, "name": "Default"})],
    SCHEME_OF_OPS: [said({"id": 10001, "name": "Other"})],
    FILTERS: [listed(FILTER)],
    DASHBOARDS: [listed(DASHBOARD)],
    GROUPS: [listed(group("g-1"))],
    MEMBERS: [listed(user("u-1"))],
    USERS: [said([user("u-1", emailAddress="u1@acme.example")]), said([])],
}


def asked_of(server: Faulty) -> Collected:
    return collected(StandIn(server.url, {"acme": server.url}), needs=NEEDS)


@cache
def healthy() -> Collected:
    with faulty(dict(COMPANY)) as server:
        return asked_of(server)


def spoiled(table: Table) -> list[str]:
    """Return what is otherwise than in the healthy company: `-` is lost, `~` is changed, `+` is new."""
    with faulty({**COMPANY, **table}) as server:
        return compared(healthy(), asked_of(server))


def test_the_healthy_company_has_everything_and_no_gap() -> None:
    found = healthy()

    assert found.gaps == []
    assert {kind for kind, coverage in found.coverage.items() if coverage.resources} >= set(KINDS_HERE)


def test_everything_is_asked_for_in_full() -> None:
    with faulty(dict(COMPANY)) as server:
        asked_of(server)
        queries = {asked.path: asked.query for asked in server.asked}

    assert queries[SCHEMES] == {"expand": "permissions"}
    assert queries[FILTERS] == {"maxResults": "1000", "expand": "sharePermissions,owner", "overrideSharePermissions": "true"}
    assert queries[DASHBOARDS] == {"maxResults": "1000", "expand": "sharePermissions,owner"}
    assert queries[GROUPS] == {"maxResults": "1000", "accessType": "admin"}
    assert queries[MEMBERS] == {"maxResults": "50", "groupId": "g-1"}


# Where each kind is listed, and an answer that is a record of it without its id.
LISTS: dict[str, tuple[str, Callable[[Any], Answer]]] = {
    "jira.application_role": (ROLES, lambda record: said([record])),
    "jira.permission_scheme": (SCHEMES, lambda record: said({"permissionSchemes": [record]})),
    "jira.filter": (FILTERS, listed),
    "jira.dashboard": (DASHBOARDS, listed),
    "jira.group": (GROUPS, listed),
    "jira.user": (USERS, lambda record: said([record])),
}


def test_every_list_is_tried_below() -> None:
    of_sites = {
        endpoint.path
        for endpoint in walk.ENDPOINTS
        if endpoint.kinds[0] in KINDS_HERE and endpoint.parent == "jira.site" and endpoint.path != PROJECTS
    }

    assert {path for path, _ in LISTS.values()} == of_sites


def _lost(kind: str) -> list[str]:
    return [f"-{resource.address}" for resource in healthy().resources if resource.kind == kind]


NOT_KNOWN_TO_BE_USED = [
    '~jira.permission_scheme/acme/10000 in_use: true -> "(absent)"',
    '~jira.permission_scheme/acme/10000 project_count: 1 -> "(absent)"',
]


def used(*projects: Answer, listed_: Answer | None = None) -> dict[str, Any]:
    """Return whether the scheme of a company of so many projects is known to be used, from what each says of its scheme."""
    keys = [f"P{number}" for number in range(len(projects))]
    schemes: Table = {f"/rest/api/3/project/{key}/permissionscheme": [each] for key, each in zip(keys, projects, strict=True)}
    whole = listed(*(project(key) for key in keys), total=len(keys))
    with faulty({**COMPANY, PROJECTS: [listed_ or whole], **schemes}) as server:
        [scheme_] = [each for each in asked_of(server).resources if each.address == DEFAULT]
    return {name: scheme_.facts.get(name) for name in ("in_use", "project_count")}


def test_a_scheme_is_known_to_be_unused_only_if_every_project_told_its_scheme() -> None:
    this, other, refused_ = said({"id": 10000}), said({"id": 10009}), said({}, 403)

    assert used(this, other, this) == {"in_use": True, "project_count": 2}
    assert used(other, other) == {"in_use": False, "project_count": 0}
    assert used() == {"in_use": False, "project_count": 0}
    assert used(this, refused_) == {"in_use": True, "project_count": None}
    assert used(other, refused_) == {"in_use": None, "project_count": None}
    cut_off = listed(project("P0"), total=2)
    assert used(other, listed_=cut_off) == {"in_use": None, "project_count": None}


@pytest.mark.parametrize(("status", "reason", "said_"), [(403, "forbidden", "refused"), (404, "not-found", "not found")])
@pytest.mark.parametrize("kind", LISTS)
def test_a_list_that_is_refused_is_a_gap_for_its_kind_only(kind: str, status: int, reason: str, said_: str) -> None:
    path, _ = LISTS[kind]

    assert spoiled({path: [said({}, status)]}) == [*_lost(kind), f"+{kind}/* of jira.site/acme {reason}: {said_} ({status})"]


HINTS = {
    "jira.application_role": f"{ACCOUNT}; a scoped token needs manage:jira-configuration",
    "jira.permission_scheme": f"{ACCOUNT}; a scoped token needs read:jira-work",
    "jira.filter": f"{ACCOUNT}; a scoped token needs read:jira-work",
    "jira.dashboard": f"{ACCOUNT}; a scoped token needs read:jira-work",
    "jira.group": f"{BROWSER}; a scoped token needs read:jira-user",
    "jira.user": f"{BROWSER}; a scoped token needs read:jira-user",
}


@pytest.mark.parametrize("kind", LISTS)
def test_a_refusal_says_what_would_lift_it(kind: str) -> None:
    path, _ = LISTS[kind]
    with faulty({**COMPANY, path: [said({}, 403)]}) as server:
        assert [gap.hint for gap in asked_of(server).gaps] == [HINTS[kind]]


def test_members_that_are_refused_say_what_would_lift_it() -> None:
    """Atlassian lets more accounts list the groups than it says it lets read their members."""
    with faulty({**COMPANY, MEMBERS: [said({}, 403)]}) as server:
        assert [gap.hint for gap in asked_of(server).gaps] == [f"{ACCOUNT}; a scoped token needs manage:jira-configuration"]


@pytest.mark.parametrize("kind", LISTS)
def test_a_list_that_is_no_list_is_a_gap_for_its_kind_only(kind: str) -> None:
    path, _ = LISTS[kind]
    [*changes, gap] = spoiled({path: [said({"values": "x", "permissionSchemes": 5})]})

    assert changes == _lost(kind)
    assert gap.startswith(f"+{kind}/* of jira.site/acme malformed: the answer ")


@pytest.mark.parametrize("record", [{}, None, 5, "x", [], {"id": None, "key": "", "groupId": None, "accountId": {}}])
@pytest.mark.parametrize("kind", LISTS)
def test_a_record_without_an_id_is_a_gap(kind: str, record: object) -> None:
    path, page = LISTS[kind]

    assert spoiled({path: [page(record), said([])]}) == [
        *_lost(kind),
        f"+{kind}/* of jira.site/acme malformed: a record without the id it should have",
    ]


@pytest.mark.parametrize(
    ("path", "kind", "record"),
    [(FILTERS, "jira.filter", FILTER), (DASHBOARDS, "jira.dashboard", DASHBOARD), (GROUPS, "jira.group", group("g-1"))],
)
def test_a_list_that_ends_early_is_a_gap_and_what_came_is_kept(path: str, kind: str, record: dict[str, Any]) -> None:
    assert spoiled({path: [listed(record, total=2)]}) == [f"+{kind}/* of jira.site/acme malformed: 2 were announced, but 1 came"]


# ------------------------------------------------------------------------------------------------------ application roles


def test_what_an_application_role_does_not_tell_stays_absent() -> None:
    assert spoiled({ROLES: [said([{"key": "jira-software", "name": "Jira"}])]}) == [
        '~jira.application_role/acme/jira-software default_groups: [] -> "(absent)"',
        '~jira.application_role/acme/jira-software groups: ["g-1"] -> "(absent)"',
        '~jira.application_role/acme/jira-software remaining_seats: 6 -> "(absent)"',
        '~jira.application_role/acme/jira-software seats: 10 -> "(absent)"',
        '~jira.application_role/acme/jira-software selected_by_default: false -> "(absent)"',
        '~jira.application_role/acme/jira-software unlimited: false -> "(absent)"',
        '~jira.application_role/acme/jira-software users: 4 -> "(absent)"',
    ]


@pytest.mark.parametrize(
    ("field", "fact", "value", "problem"),
    [
        ("selectedByDefault", "selected_by_default", "no", 'selectedByDefault is "no", which is not true or false'),
        ("remainingSeats", "remaining_seats", True, "remainingSeats is true, which is not number"),
        ("groupDetails", "groups", [{"name": "x"}], 'a group without its id: {"name":"x"}'),
        ("groupDetails", "groups", ["x"], 'a group without its id: "x"'),
        ("groupDetails", "groups", "x", 'groupDetails is "x", which is not a list'),
    ],
)
def test_what_an_application_role_tells_otherwise_is_a_gap(field: str, fact: str, value: object, problem: str) -> None:
    address = "jira.application_role/acme/jira-software"
    [before] = [each for each in healthy().resources if each.address == address]

    assert spoiled({ROLES: [said([{**ROLE, field: value}])]}) == [
        f'~{address} {fact}: {json.dumps(before.facts[fact])} -> "(absent)"',
        f"+{address} of jira.site/acme malformed: {address}: {problem}",
    ]


# ----------------------------------------------------------------------------------------------------- permission schemes

DEFAULT = "jira.permission_scheme/acme/10000"


def grants_of(*grants: Any, **more: Any) -> tuple[Any, list[str]]:  # noqa: ANN401
    """Return the grants that are known of a scheme, and the gaps."""
    with faulty({**COMPANY, SCHEMES: [said({"permissionSchemes": [scheme(*grants, **more)]})]}) as server:
        found = asked_of(server)
    [resource] = [each for each in found.resources if each.address == DEFAULT]
    return resource.facts.get("grants", "(absent)"), found.gaps_of("jira.permission_scheme")


@pytest.mark.parametrize("permissions", [None, {}, "x"])
def test_a_scheme_that_was_not_expanded_has_no_grants_rather_than_none(permissions: object) -> None:
    grants, gaps = grants_of(permissions=permissions)

    assert grants == "(absent)"
    shown = json.dumps(permissions)
    gap = f"{DEFAULT} of jira.site/acme malformed: {DEFAULT}: permissions is {shown}, which is not a list"
    assert gaps == ([] if permissions is None else [gap])


@pytest.mark.parametrize(
    ("holder", "value"),
    [
        ({"type": "anyone"}, None),
        ({"type": "applicationRole"}, None),
        ({"type": "applicationRole", "parameter": "jira-software"}, "jira-software"),
        ({"type": "group", "parameter": "name", "value": "g-1"}, "g-1"),
        ({"type": "something new", "parameter": "y"}, "y"),
    ],
)
def test_a_holder_is_read_with_its_id_where_it_has_one(holder: dict[str, str], value: str | None) -> None:
    grants, gaps = grants_of(grant("EDIT_ISSUES", **holder))

    assert grants == [
        {
            "key": f"EDIT_ISSUES:{holder['type']}:{value or '-'}",
            "permission": "EDIT_ISSUES",
            "holder_type": holder["type"],
            "holder_value": value,
        }
    ]
    assert gaps == []


@pytest.mark.parametrize(
    ("broken", "kept"),
    [
        (grant("EDIT_ISSUES", type="group"), {"permission": "EDIT_ISSUES", "holder_type": "group"}),
        (
            grant("EDIT_ISSUES", type="applicationRole", value={}),
            {"permission": "EDIT_ISSUES", "holder_type": "applicationRole"},
        ),
        (grant("EDIT_ISSUES", type="applicationRole", value=[1]), {"permission": "EDIT_ISSUES", "holder_type": "applicationRole"}),
        (grant("EDIT_ISSUES", type=["anyone"]), {"permission": "EDIT_ISSUES"}),
        (grant("EDIT_ISSUES"), {"permission": "EDIT_ISSUES"}),
        (grant(None, type="anyone"), {"holder_type": "anyone"}),
        ({"permission": "EDIT_ISSUES"}, {"permission": "EDIT_ISSUES"}),
        ("EDIT_ISSUES", {}),
        (None, {}),
    ],
)
def test_a_grant_that_cannot_be_understood_is_a_gap_and_keeps_what_it_says(broken: object, kept: dict[str, str]) -> None:
    grants, gaps = grants_of(broken, grant("BROWSE_PROJECTS", type="anyone"))
    [first, second] = grants

    assert {name: value for name, value in first.items() if name != "key"} == kept
    assert second["key"] == "BROWSE_PROJECTS:anyone:-"
    assert len(gaps) == 1
    assert gaps[0].startswith(f"{DEFAULT} of jira.site/acme malformed: {DEFAULT}: ")


# ------------------------------------------------------------------------------------------------ the scheme of a project


@pytest.mark.parametrize(("status", "reason", "said_"), [(403, "forbidden", "refused"), (404, "not-found", "not found")])
def test_a_project_whose_scheme_is_refused_has_none_and_a_gap_of_its_own(status: int, reason: str, said_: str) -> None:
    assert spoiled({SCHEME_OF_APP: [said({}, status)]}) == [
        *NOT_KNOWN_TO_BE_USED,
        '~jira.project/acme/APP permission_scheme: "acme/10000" -> "(absent)"',
        f"+jira.project/* of jira.project/acme/APP {reason}: {said_} ({status})",
    ]


@pytest.mark.parametrize("answer", [{}, {"id": None}, {"id": {}}, {"id": True}])
def test_a_scheme_of_a_project_without_an_id_is_a_gap(answer: dict[str, Any]) -> None:
    [*uses, change, gap] = spoiled({SCHEME_OF_APP: [said(answer)]})

    assert uses == NOT_KNOWN_TO_BE_USED
    assert change == '~jira.project/acme/APP permission_scheme: "acme/10000" -> "(absent)"'
    assert gap.startswith("+jira.project/acme/APP of jira.project/acme/APP malformed: jira.project/acme/APP: ")
    assert gap.endswith("the answer about its permission scheme does not say which it is")


def test_a_project_of_unknown_style_is_asked_for_its_scheme() -> None:
    bare = {name: value for name, value in project("APP").items() if name != "style"}

    assert spoiled({PROJECTS: [listed(bare, project("OPS"), project("WEB", "next-gen"), total=3)]}) == [
        '~jira.project/acme/APP style: "classic" -> "(absent)"'
    ]


# -------------------------------------------------------------------------------------------------- filters and dashboards

SHARED = {"jira.filter": (FILTERS, FILTER, "acme/1"), "jira.dashboard": (DASHBOARDS, DASHBOARD, "acme/2")}


def shared(kind: str, **more: Any) -> tuple[dict[str, Any], list[str]]:  # noqa: ANN401
    """Return what is known of a filter or dashboard, and the gaps."""
    path, record, id_ = SHARED[kind]
    with faulty({**COMPANY, path: [listed({**record, **more})]}) as server:
        found = asked_of(server)
    [resource] = [each for each in found.resources if each.address == f"{kind}/{id_}"]
    return resource.facts, found.gaps_of(kind)


@pytest.mark.parametrize("kind", SHARED)
def test_shares_and_owner_that_were_not_expanded_stay_absent(kind: str) -> None:
    facts, gaps = shared(kind, sharePermissions=None, owner=None)

    assert set(facts) == {"name"}
    assert gaps == []


@pytest.mark.parametrize("kind", SHARED)
def test_shared_with_nobody_is_known(kind: str) -> None:
    assert shared(kind, sharePermissions=[])[0]["shares"] == []


def test_only_a_dashboard_of_the_system_is_known_to_have_no_owner() -> None:
    assert shared("jira.dashboard", owner=None, systemDashboard=True)[0]["owner"] is None
    assert "owner" not in shared("jira.dashboard", owner=None, systemDashboard=False)[0]
    assert "owner" not in shared("jira.dashboard", owner={}, systemDashboard=True)[0]


@pytest.mark.parametrize("kind", SHARED)
@pytest.mark.parametrize(
    ("share", "kept"),
    [
        ({"type": "the whole world"}, {"key": "the whole world"}),
        ({"type": 5}, {"key": "5"}),
        ({"type": None}, {"key": "?"}),
        ({}, {"key": "?"}),
        ("global", {"key": "?"}),
        ({"type": "group"}, {"key": "group", "type": "group"}),
        ({"type": "project", "project": {"id": "1"}}, {"key": "project", "type": "project", "role": None}),
        ({"type": "user", "user": {"accountId": []}}, {"key": "user", "type": "user"}),
    ],
)
def test_a_share_that_cannot_be_understood_is_a_gap_and_is_not_taken_for_none(
    kind: str, share: object, kept: dict[str, str | None]
) -> None:
    facts, gaps = shared(kind, sharePermissions=[share, {"type": "global"}])

    assert facts["shares"] == [kept, {"key": "global", "type": "global"}]
    assert len(gaps) == 1
    assert " of jira.site/acme malformed: " in gaps[0]


@pytest.mark.parametrize("kind", SHARED)
@pytest.mark.parametrize(
    ("more", "kept"),
    [
        ({}, {"key": "project:acme/OPS", "role": None}),
        ({"role": None}, {"key": "project:acme/OPS", "role": None}),
        ({"role": {"id": 10002, "name": "Administrators"}}, {"key": "project:acme/OPS:10002", "role": "10002"}),
        ({"role": {"name": "Administrators"}}, {"key": "project:acme/OPS"}),
        ({"role": "Administrators"}, {"key": "project:acme/OPS"}),
    ],
)
def test_a_share_with_a_project_says_whether_it_is_with_one_role_alone(
    kind: str, more: dict[str, object], kept: dict[str, str | None]
) -> None:
    facts, gaps = shared(kind, sharePermissions=[{"type": "project", "project": {"key": "OPS"}, **more}])

    assert facts["shares"] == [{"type": "project", "target": "acme/OPS", **kept}]
    assert gaps == []


def test_a_group_that_shares_without_an_id_is_known_by_its_name() -> None:
    facts, gaps = shared("jira.filter", sharePermissions=[{"type": "group", "group": {"groupId": None, "name": "staff"}}])

    assert facts["shares"] == [{"key": "group:staff", "type": "group", "target": "staff"}]
    assert gaps == []


@pytest.mark.parametrize("kind", SHARED)
def test_shares_that_are_no_list_are_a_gap(kind: str) -> None:
    facts, gaps = shared(kind, sharePermissions={"type": "global"})

    assert "shares" not in facts
    assert [gap.partition(" malformed: ")[2].partition(": ")[2] for gap in gaps] == [
        'sharePermissions is {"type":"global"}, which is not a list'
    ]


# ------------------------------------------------------------------------------------------------------ groups and members


def test_members_of_two_pages_are_one_fact() -> None:
    pages: list[Any] = [listed(user("u-1"), is_last=False, total=2), listed(user("u-2", accountType="app"), total=2)]
    with faulty({**COMPANY, MEMBERS: pages}) as server:
        found = asked_of(server)
        queries = [asked.query for asked in server.asked if asked.path == MEMBERS]

    [group_] = [each for each in found.resources if each.kind == "jira.group"]
    assert group_.facts["members"] == [
        {"account_id": "u-1", "account_type": "atlassian"},
        {"account_id": "u-2", "account_type": "app"},
    ]
    first = {"maxResults": "50", "groupId": "g-1"}
    assert queries == [first, {**first, "startAt": "1"}]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (said({}, 403), "forbidden: refused (403)"),
        (listed(user("u-1"), total=2), "malformed: 2 were announced, but 1 came"),
        (said({"values": {}}), "malformed: the answer has no list of values"),
    ],
)
def test_members_that_were_not_read_whole_are_not_known_at_all(answer: Answer, reason: str) -> None:
    assert spoiled({MEMBERS: [answer]}) == [
        '~jira.group/acme/g-1 members: [{"account_id": "u-1", "account_type": "atlassian"}] -> "(absent)"',
        f"+jira.group/* of jira.group/acme/g-1 {reason}",
    ]


@pytest.mark.parametrize("member", [{}, None, "u-1", {"accountId": None}, {"accountId": ["u-2"]}])
def test_a_member_that_cannot_be_understood_still_counts_and_is_a_gap(member: Any) -> None:  # noqa: ANN401
    [change, gap] = spoiled({MEMBERS: [listed(user("u-1"), member)]})

    assert change.endswith('-> [{"account_id": "u-1", "account_type": "atlassian"}, {"account_id": "?"}]')
    assert gap.startswith("+jira.group/acme/g-1 of jira.group/acme/g-1 malformed: jira.group/acme/g-1: ")


def test_one_group_refused_leaves_the_others_whole() -> None:
    def members(asked: Asked) -> Answer:
        return said({}, 403) if asked.query["groupId"] == "g-2" else listed(user("u-1"))

    assert spoiled({GROUPS: [listed(group("g-1"), group("g-2"))], MEMBERS: [members]}) == [
        "+jira.group/acme/g-2",
        "+jira.group/* of jira.group/acme/g-2 forbidden: refused (403)",
    ]


# ---------------------------------------------------------------------------------------------------------------- accounts


def test_accounts_are_read_until_nothing_comes_and_short_pages_are_not_the_end() -> None:
    pages = [said([user("u-1"), user("u-2")]), said([user("u-3")]), said([user("u-4"), user("u-5")]), said([])]
    with faulty({**COMPANY, USERS: pages}) as server:
        found = asked_of(server)
        starts = [asked.query.get("startAt") for asked in server.asked if asked.path == USERS]

    assert found.ids("jira.user") == [f"acme/u-{number}" for number in (1, 2, 3, 4, 5)]
    assert starts == [None, "2", "3", "5"]
    assert found.gaps_of("jira.user") == []


@pytest.mark.parametrize("email", ["", None])
def test_an_address_that_is_hidden_is_not_known(email: str | None) -> None:
    assert spoiled({USERS: [said([user("u-1", emailAddress=email)]), said([])]}) == [
        '~jira.user/acme/u-1 email: "u1@acme.example" -> "(absent)"'
    ]


@pytest.mark.parametrize(
    ("field", "fact", "value", "problem"),
    [
        ("accountType", "account_type", "robot", "which is not one of atlassian, app, customer, unknown"),
        ("active", "active", "yes", "which is not true or false"),
        ("emailAddress", "email", 5, "which is not text"),
    ],
)
def test_what_an_account_tells_otherwise_is_a_gap(field: str, fact: str, value: object, problem: str) -> None:
    account = {**user("u-1", emailAddress="u1@acme.example"), field: value}
    changes = spoiled({USERS: [said([account]), said([])]})

    assert [change.partition(":")[0] for change in changes[:-1]] == [f"~jira.user/acme/u-1 {fact}"]
    assert changes[-1] == (
        f"+jira.user/acme/u-1 of jira.site/acme malformed: jira.user/acme/u-1: {field} is {json.dumps(value)}, {problem}"
    )


def test_an_account_of_which_jira_lost_the_id_is_a_gap() -> None:
    """Several may come under that one word, so it stands for nobody."""
    accounts = [user("u-1", emailAddress="u1@acme.example"), user("unknown"), user("unknown", active=False)]

    assert spoiled({USERS: [said(accounts), said([])]}) == [
        "+jira.user/* of jira.site/acme malformed: an account of which Jira lost the id"
    ]


# --------------------------------------------------------------------------------------------------------- whatever comes

_FIELDS = (
    *("values", "permissionSchemes", "permissions", "permission", "holder", "type", "value", "parameter", "key", "id", "name"),
    *("groupDetails", "groupId", "sharePermissions", "owner", "accountId", "project", "user", "group", "role", "emailAddress"),
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.sampled_from(["global", "group", "project", "user"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_FIELDS), inner, max_size=5),
    max_leaves=16,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(path=st.sampled_from(sorted(COMPANY)), body=_JSON)
def test_whatever_one_answer_holds_the_collection_ends_and_every_fact_fits(path: str, body: object) -> None:
    with pytest.MonkeyPatch.context() as patch, faulty({**COMPANY, path: [said(body)]}) as server:
        patch.setattr(paging, "MAX_PAGES", 3)
        patch.setattr(pace, "RETRIES", 0)
        patch.setattr(pace, "WAITS", 0)
        found = asked_of(server)

    for resource in found.resources:
        declared = KINDS[resource.kind].facts
        assert [name for name, value in resource.facts.items() if not fits(value, declared[name])] == []
    for kind in KINDS_HERE:
        coverage = found.coverage[kind]
        assert coverage.complete == (coverage.gaps == 0)
        assert coverage.resources or coverage.gaps or coverage.requests, f"nobody looked for {kind}"
