"""The organization's people, groups and policies: all that its interface tells, and a gap for all that it does not."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from scanner.collect import org
from scanner.kinds import KINDS, fits
from scanner.model import Gap, Reason, Record, Resource, Source, sort_key
from tests.fake_atlassian.scenario import OrgGroup, OrgPolicy, OrgUser, Scenario, load, names
from tests.fake_atlassian.server import StandIn
from tests.faulty import Answer, Asked, Faulty, Table, faulty, said
from tests.test_collect import NARROW, ORG, ORGS, Collected, Played, collected

MINE = (
    "org",
    "org.directory",
    "org.user",
    "org.group",
    "org.policy",
    "org.event_action",
    "org.api_token",
    "org.api_key",
    "org.service_account",
)
NEEDS = frozenset((kind, fact) for kind in MINE for fact in KINDS[kind].facts)
ACCESS_ROLES = {"atlassian/user", "atlassian/admin", "atlassian/guest"}
KEY = "give an organization admin API key (ATLASCAN_ORG_API_KEY)"


@pytest.fixture(params=names())
def played(request: pytest.FixtureRequest) -> Played:
    return Played(load(request.param), request.getfixturevalue(f"{request.param}_site"))


# ------------------------------------------------------------------------------------- what a scenario's collection must be


def wanted(scenario: Scenario) -> list[Record]:
    return sorted(_wanted(scenario), key=sort_key)


def _wanted(scenario: Scenario) -> Iterator[Record]:
    at = f"org/{scenario.org.id}"
    admins = sum("atlassian/org-admin" in user.platform_roles for user in scenario.users)
    yield _resource("org", scenario.org.id, scenario.org.name, {"name": scenario.org.name, "org_admin_count": admins}, None)
    for directory in scenario.directories:
        yield _resource("org.directory", directory.id, directory.name, {"name": directory.name}, at)
    for user in scenario.users:
        yield _resource("org.user", user.id, user.name, _user_facts(user), at)
    for group in scenario.groups:
        members = sum(group.id in user.groups for user in scenario.users)
        yield _resource("org.group", group.id, group.name, _group_facts(group, members), at)
    for policy in scenario.policies:
        yield _resource("org.policy", policy.id, policy.name, _policy_facts(policy), at)
    for action in scenario.event_actions:
        facts = {"display_name": action.display_name, "group_display_name": action.group_display_name}
        yield _resource("org.event_action", action.id, action.display_name, facts, at)
    for token in scenario.api_tokens:
        told = {"label": token.label, "status": token.status, "created_at": token.created_at, "user_id": token.user}
        times = {"expires_at": token.expires_at, "last_active_at": token.last_active_at}
        yield _resource("org.api_token", token.id, token.label, told | _told(times), at)
    for key in scenario.api_keys:
        facts = {"label": key.label, "created_at": key.created_at, **_told({"expires_at": key.expires_at})}
        facts["status"] = "revoked" if key.revoked_at else "active"
        yield _resource("org.api_key", key.id, key.label, facts, at)
    for account in scenario.service_accounts:
        facts = {"name": account.name, "status": account.status}
        yield _resource("org.service_account", account.id, account.name, facts, at)


def _told(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value is not None}


def _user_facts(user: OrgUser) -> dict[str, Any]:
    undetermined = {"mfa_enabled": user.mfa_enabled, "management_source": user.management_source}
    return {
        "email": user.email,
        "name": user.name,
        "account_type": "atlassian",
        "status": user.status,
        "account_status": user.account_status,
        "membership_status": user.membership_status,
        "claim_status": user.claim_status,
        "email_verified": user.email_verified,
        "added_to_org": user.added_to_org,
        "platform_roles": list(user.platform_roles),
        "product_access": [
            {"key": each.key, "resource_id": f"ari:cloud:{each.key}::site/{each.site}", "last_active": each.last_active}
            for each in user.products
        ],
        "groups": list(user.groups),
        **_told(undetermined),
    }


def _group_facts(group: OrgGroup, members: int) -> dict[str, Any]:
    return {
        "name": group.name,
        "external_synced": group.external_synced,
        "managed_by": group.managed_by,
        "user_count": members,
        "role_assignments": [
            {"resource_id": each.resource_id, "roles": list(each.roles), "default_role": each.default_role} for each in group.roles
        ],
        "grants_product_access": any(ACCESS_ROLES & {*each.roles} for each in group.roles),
    }


def _policy_facts(policy: OrgPolicy) -> dict[str, Any]:
    rule = {} if policy.lets_in is None else {"rule": list(policy.lets_in)}
    statuses = list(policy.resources.values())
    return {"type": policy.type, "name": policy.name, "status": policy.status, "application_statuses": statuses, **rule}


def _resource(kind: str, id_: str, name: str, facts: dict[str, Any], parent: str | None) -> Resource:
    return Resource(kind=kind, id=id_, name=name, facts=facts, source=Source.API, parent=parent)


# ---------------------------------------------------------------------------------------------------- against the stand-in


def test_all_that_a_scenario_holds_of_people_groups_and_policies_is_collected_and_nothing_else(played: Played) -> None:
    found = collected(played.site, needs=NEEDS)

    assert list(found.records) == wanted(played.scenario)
    assert all(coverage.complete for coverage in found.coverage.values())


def test_the_scenarios_hold_enough_to_prove_something() -> None:
    scenarios = [load(name) for name in names()]
    users = [user for scenario in scenarios for user in scenario.users]
    grants = {bool(_group_facts(each, 0)["grants_product_access"]) for scenario in scenarios for each in scenario.groups}

    assert {user.management_source for user in users} == {"invited", "synced", None}
    assert {user.mfa_enabled for user in users} == {True, False, None}
    assert None in {use.last_active for user in users for use in user.products}
    assert grants == {True, False}
    assert {policy.lets_in is None for scenario in scenarios for policy in scenario.policies} == {True, False}


def test_lists_of_many_pages_are_read_whole(open_site: StandIn) -> None:
    scenario = load("open")
    size = scenario.page_size
    log = collected(open_site, needs=NEEDS).log
    asked = {
        "/directories:": len(scenario.directories),
        "/users/search:": len(scenario.users),
        "/groups/search:": len(scenario.groups),
        "/everybody-open/role-assignments:": len(scenario.groups[0].roles),
        "/api-tokens:": len(scenario.api_tokens),
        "/api-keys:": len(scenario.api_keys),
        "/service-accounts:": len(scenario.service_accounts),
        "/policies:": sum(policy.type == "ip-allowlist" for policy in scenario.policies),
    }

    for path, count in asked.items():
        pages = -(-count // size)
        assert pages > 1, f"all of {path} fits on one page"
        others = 1 if path == "/policies:" else 0  # the other type
        assert len([line for line in log if path in line]) == pages + others


@pytest.mark.parametrize(
    ("needs", "path"),
    [
        (("org", "org_admin_count"), "/users/stats"),
        (("org.group", "role_assignments"), "/role-assignments"),
        (("org.group", "grants_product_access"), "/role-assignments"),
    ],
)
def test_what_costs_requests_of_its_own_is_asked_only_where_it_is_needed(
    open_site: StandIn, needs: tuple[str, str], path: str
) -> None:
    kind, _ = needs
    with_it = collected(open_site, needs=frozenset({needs}))
    without = collected(open_site, needs=frozenset({(kind, "name")}))

    assert [line for line in with_it.log if path in line]
    assert [line for line in without.log if path in line] == []
    assert without.ids(kind) == with_it.ids(kind)


def test_a_key_that_lacks_a_scope_leaves_gaps_that_name_it(played: Played) -> None:
    at = f"org/{played.scenario.org.id}"
    found = collected(played.site, NARROW, needs=NEEDS)
    scopes = {
        "org": "read:directories:admin",
        "org.directory": "read:directories:admin",
        "org.policy": "read:policies:admin",
        "org.event_action": "read:events:admin",
        "org.api_token": "read:tokens:admin",
        "org.api_key": "read:keys:admin",
        "org.service_account": "read:service-accounts:admin",
    }

    assert [gap for gap in found.gaps if gap.kind != "org.group"] == [
        Gap(
            kind=kind,
            parent=at,
            reason=Reason.FORBIDDEN,
            detail=f"refused (403): {'Forbidden: ' if said_in_a_list else ''}The key lacks the scope {scopes[kind]}.",
            hint=f"{KEY} with the scope {scopes[kind]}",
        )
        for kind, said_in_a_list in (
            ("org", True),
            ("org.api_key", False),
            ("org.api_token", False),
            ("org.directory", True),
            ("org.event_action", False),
            ("org.policy", False),
            ("org.service_account", False),
        )
    ]
    assert [(gap.parent, gap.id, gap.reason, gap.hint) for gap in found.gaps if gap.kind == "org.group"] == sorted(
        (f"org.group/{group.id}", None, Reason.FORBIDDEN, f"{KEY} with the scope read:groups:admin")
        for group in played.scenario.groups
    )
    lost = {"org": {"org_admin_count"}, "org.group": {"role_assignments", "grants_product_access"}}
    assert found.resources == [
        _resource(
            each.kind,
            each.id,
            each.name,
            {name: value for name, value in each.facts.items() if name not in lost.get(each.kind, ())},
            each.parent,
        )
        for each in wanted(played.scenario)
        if isinstance(each, Resource) and each.kind in {"org", "org.user", "org.group"}
    ]


# ---------------------------------------------------------------------------------------------------------------- faults

V2 = "/admin/v2/orgs/o-1/directories"
DIRECTORIES, USERS, STATS, GROUPS = V2, f"{V2}/-/users/search", f"{V2}/-/users/stats", f"{V2}/-/groups/search"
ROLES = f"{V2}/-/groups/g-1/role-assignments"
TOKENS, KEYS = "/admin/api-access/v1/orgs/o-1/api-tokens", "/admin/api-access/v1/orgs/o-1/api-keys"
SERVICES = "/admin/api-access/v1/orgs/o-1/service-accounts"
POLICIES, ACTIONS = "/admin/v1/orgs/o-1/policies", "/admin/v1/orgs/o-1/event-actions"


def user(**more: Any) -> dict[str, Any]:  # noqa: ANN401  JSON border
    return {
        "accountId": "u-1",
        "name": "Ada",
        "email": "ada@acme.example",
        "accountType": "atlassian",
        "accountStatus": "active",
        "status": "active",
        "membershipStatus": "active",
        "claimStatus": "managed",
        "emailVerified": True,
        "mfaEnabled": True,
        "managementSource": "synced",
        "addedToOrg": "2024-01-01T00:00:00.000Z",
        "platformRoles": ["atlassian/org-admin"],
        "productAccess": [{"id": "ari:x", "key": "jira", "lastActiveTimestamp": "2026-01-01T00:00:00Z"}],
        "groups": [{"id": "ari:cloud:identity::group/g-1", "name": "staff"}],
        **more,
    }


def group(**more: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"id": "g-1", "name": "staff", "externalSynced": True, "managedBy": "external", "counts": {"users": 3}, **more}


def role(*roles: Any, resource: Any = "ari:jira", **more: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"resourceId": resource, "resourceOwner": "jira", "roles": list(roles), "defaultRole": None, **more}


def policy(**more: Any) -> dict[str, Any]:  # noqa: ANN401
    resources = [{"id": "ari:jira", "applicationStatus": "applied"}]
    rule = {"in": ["198.51.100.0/24"]}
    attributes = {"type": "ip-allowlist", "name": "Office", "status": "enabled", "rule": rule, "resources": resources, **more}
    return {"id": "p-1", "type": "policy", "attributes": attributes}


def api_key(**more: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"id": "k-1", "label": "scan", "createdAt": "2026-01-01T00:00:00Z", "expiresAt": "2027-01-01T00:00:00Z", **more}


def api_token(**more: Any) -> dict[str, Any]:  # noqa: ANN401
    key = api_key(id="t-1", label="script")
    return {**key, "status": "ALLOWED", "lastActiveAt": "2026-02-01T00:00:00Z", "user": {"id": "u-1", "name": "Ada"}, **more}


def page(*data: Any, **links: Any) -> Answer:  # noqa: ANN401
    return said({"data": data, "links": links})


def by_type(*allowlists: Answer) -> Any:  # noqa: ANN401
    """Answer for IP allowlists with these pages, and for other types with none."""
    told = iter(allowlists)
    return lambda asked: next(told) if asked.query["type"] == "ip-allowlist" else said({"data": [], "meta": {"next": None}})


STAFF: Table = {
    ORGS: [said({"data": [{"id": "o-1"}]})],
    ORG: [said({"data": {"id": "o-1", "attributes": {"name": "Acme"}}})],
    DIRECTORIES: [page({"directoryId": "d-1", "name": "Primary"})],
    USERS: [page(user())],
    STATS: [said({"roles": [{"roleId": "atlassian/site-admin", "count": 7}, {"roleId": "atlassian/org-admin", "count": 2}]})],
    GROUPS: [page(group())],
    ROLES: [page(role("atlassian/user"))],
    POLICIES: [said({"data": [policy()], "meta": {"next": None}})],
    TOKENS: [page(api_token())],
    KEYS: [page(api_key())],
    SERVICES: [page({"id": "s-1", "displayName": "Builds", "status": "ACTIVE"})],
    ACTIONS: [said({"data": [{"id": "a-1", "type": "x", "attributes": {"displayName": "Did", "groupDisplayName": "Doing"}}]})],
}
HEALTHY = [
    'org/o-1 {"name": "Acme", "org_admin_count": 2}',
    'org.api_key/k-1 {"created_at": "2026-01-01T00:00:00Z", "expires_at": "2027-01-01T00:00:00Z", "label": "scan"}',
    (
        'org.api_token/t-1 {"created_at": "2026-01-01T00:00:00Z", "expires_at": "2027-01-01T00:00:00Z", "label": "script",'
        ' "last_active_at": "2026-02-01T00:00:00Z", "status": "ALLOWED", "user_id": "u-1"}'
    ),
    'org.directory/d-1 {"name": "Primary"}',
    'org.event_action/a-1 {"display_name": "Did", "group_display_name": "Doing"}',
    (
        'org.group/g-1 {"external_synced": true, "grants_product_access": true, "managed_by": "external", "name": "staff",'
        ' "role_assignments": [{"default_role": null, "resource_id": "ari:jira", "roles": ["atlassian/user"]}], "user_count": 3}'
    ),
    (
        'org.policy/p-1 {"application_statuses": ["applied"], "name": "Office", "rule": ["198.51.100.0/24"], "status": "enabled",'
        ' "type": "ip-allowlist"}'
    ),
    'org.service_account/s-1 {"name": "Builds", "status": "ACTIVE"}',
    (
        'org.user/u-1 {"account_status": "active", "account_type": "atlassian", "added_to_org": "2024-01-01T00:00:00.000Z",'
        ' "claim_status": "managed", "email": "ada@acme.example", "email_verified": true, "groups": ["g-1"],'
        ' "management_source": "synced", "membership_status": "active", "mfa_enabled": true, "name": "Ada",'
        ' "platform_roles": ["atlassian/org-admin"],'
        ' "product_access": [{"key": "jira", "last_active": "2026-01-01T00:00:00Z", "resource_id": "ari:x"}], "status": "active"}'
    ),
]


def asked_of(server: Faulty) -> Collected:
    return collected(StandIn(server.url, {}), needs=NEEDS)


def spoiled(table: Table) -> list[str]:
    """Return what is otherwise than in the healthy organization: `-` is lost, `~` is changed, `+` is new."""
    with faulty({**STAFF, **table}) as server:
        after = asked_of(server)
    with faulty(dict(STAFF)) as server:
        before = asked_of(server)
    for kind, coverage in after.coverage.items():
        assert coverage.complete == (not after.gaps_of(kind))
    for resource in after.resources:
        declared = KINDS[resource.kind].facts
        assert all(fits(value, declared[name]) for name, value in resource.facts.items())
    old, new = ({each.address: each.facts for each in found.resources} for found in (before, after))
    return [
        *(f"-{address}" for address in old if address not in new),
        *(f"+{address}" for address in new if address not in old),
        *(
            f"~{address} {fact}: {json.dumps(facts.get(fact, '(absent)'))}"
            for address, facts in new.items()
            for fact in sorted(old.get(address, {}).keys() | facts.keys())
            if address in old and facts.get(fact, "(absent)") != old[address].get(fact, "(absent)")
        ),
        *(f"+{each}" for each in after.gaps_of(*MINE)),
    ]


def test_the_healthy_organization_is_read_whole() -> None:
    with faulty(dict(STAFF)) as server:
        assert asked_of(server).lines == HEALTHY


def test_a_search_says_on_every_page_what_it_wants_and_how_much() -> None:
    second = page(user(accountId="u-2"))
    with faulty({**STAFF, USERS: [page(user(), next="two"), second], GROUPS: [page(group(), next="2"), page()]}) as server:
        found = asked_of(server)
        bodies = {path: [json.loads(each.body) for each in server.asked if each.path == path] for path in (USERS, GROUPS)}

    people = {"expand": ["platformRoles", "productAccess", "groups"], "limit": 100}
    groups = {"expand": ["counts.users"], "limit": 100}
    assert bodies == {USERS: [people, {**people, "cursor": "two"}], GROUPS: [groups, {**groups, "cursor": "2"}]}
    assert found.ids("org.user") == ["u-1", "u-2"]


def test_policies_are_asked_for_by_type_on_every_page_and_never_validated() -> None:
    more = by_type(said({"data": [policy()], "meta": {"next": "two"}}), said({"data": [], "meta": {}}))
    with faulty({**STAFF, POLICIES: [more]}) as server:
        asked_of(server)

        assert [each.query for each in server.asked if each.path.startswith(POLICIES)] == [
            {"type": "ip-allowlist"},
            {"type": "data-security"},
            {"type": "ip-allowlist", "cursor": "two"},
        ]


NAMES = {
    "name": "name",
    "email": "email",
    "account_type": "accountType",
    "status": "status",
    "account_status": "accountStatus",
    "membership_status": "membershipStatus",
    "claim_status": "claimStatus",
    "email_verified": "emailVerified",
    "mfa_enabled": "mfaEnabled",
    "management_source": "managementSource",
    "added_to_org": "addedToOrg",
    "platform_roles": "platformRoles",
    "product_access": "productAccess",
    "groups": "groups",
}


def test_every_fact_of_a_user_is_tried_below() -> None:
    assert NAMES.keys() == KINDS["org.user"].facts.keys()


@pytest.mark.parametrize("fact", NAMES)
@pytest.mark.parametrize("null", [True, False])
def test_what_is_not_told_of_a_user_stays_absent(fact: str, *, null: bool) -> None:
    """An expansion that was not answered is not an empty one, and an undetermined source is not a third source."""
    told = {**user(), NAMES[fact]: None}
    if not null:
        del told[NAMES[fact]]

    assert spoiled({USERS: [page(told)]}) == [f'~org.user/u-1 {fact}: "(absent)"']


@pytest.mark.parametrize("fact", NAMES)
def test_what_is_told_of_a_user_in_another_type_is_a_gap(fact: str) -> None:
    [change, gap] = spoiled({USERS: [page(user(**{NAMES[fact]: {"so": 5}}))]})

    assert change == f'~org.user/u-1 {fact}: "(absent)"'
    assert gap.startswith("+org.user/u-1 of org/o-1 malformed: org.user/u-1: ")
    assert '{"so":5}' in gap


ENUMERATED = ("account_type", "status", "account_status", "membership_status", "claim_status", "management_source")


@pytest.mark.parametrize("fact", ENUMERATED)
def test_a_word_that_is_not_in_the_documentation_is_a_gap(fact: str) -> None:
    values = ", ".join(KINDS["org.user"].facts[fact].values)

    assert values
    assert spoiled({USERS: [page(user(**{NAMES[fact]: "unheard-of"}))]}) == [
        f'~org.user/u-1 {fact}: "(absent)"',
        f'+org.user/u-1 of org/o-1 malformed: org.user/u-1: {NAMES[fact]} is "unheard-of", which is not one of {values}',
    ]


def test_a_role_that_is_new_is_kept_as_it_is() -> None:
    roles = ["atlassian/org-admin", "atlassian/unit-admin"]

    assert spoiled({USERS: [page(user(platformRoles=roles))]}) == [f"~org.user/u-1 platform_roles: {json.dumps(roles)}"]


@pytest.mark.parametrize("told", [{}, {"lastActiveTimestamp": None}])
def test_an_app_that_was_never_used_is_known_to_be_so(told: dict[str, None]) -> None:
    assert spoiled({USERS: [page(user(productAccess=[{"id": "ari:x", "key": "jira", **told}]))]}) == [
        '~org.user/u-1 product_access: [{"key": "jira", "last_active": null, "resource_id": "ari:x"}]'
    ]


def test_a_time_that_is_none_is_a_gap_and_not_never() -> None:
    assert spoiled({USERS: [page(user(productAccess=[{"key": "jira", "lastActiveTimestamp": 5}]))]}) == [
        '~org.user/u-1 product_access: [{"key": "jira"}]',
        "+org.user/u-1 of org/o-1 malformed: org.user/u-1: lastActiveTimestamp of jira is 5, which is not a date",
    ]


@pytest.mark.parametrize("broken", [{}, None, 5, "jira", [], {"key": None, "id": None}])
@pytest.mark.parametrize(("fact", "whole"), [("product_access", {"key": "jira"}), ("groups", {"id": "g-1"})])
def test_a_list_with_an_item_that_nobody_understands_is_not_taken_for_whole(fact: str, whole: object, broken: object) -> None:
    [change, gap] = spoiled({USERS: [page(user(**{NAMES[fact]: [whole, broken]}))]})

    assert change == f'~org.user/u-1 {fact}: "(absent)"'
    assert gap.startswith(f"+org.user/u-1 of org/o-1 malformed: org.user/u-1: {NAMES[fact]} holds ")


@pytest.mark.parametrize(
    ("roles", "reason", "detail"),
    [
        (
            [{"roleId": "atlassian/org-admin", "count": 0}],
            "forbidden",
            "the answer counts no organization admin, and there always is one: their number could not be audited",
        ),
        (
            [{"roleId": "atlassian/site-admin", "count": 4}],
            "forbidden",
            "the answer counts no organization admin, and there always is one: their number could not be audited",
        ),
        (
            [],
            "forbidden",
            "the answer counts no organization admin, and there always is one: their number could not be audited",
        ),
        ([{"roleId": "atlassian/org-admin"}], "malformed", "the number of organization admins is told as null"),
        ([{"roleId": "atlassian/org-admin", "count": "2"}], "malformed", 'the number of organization admins is told as "2"'),
        ([{"roleId": "atlassian/org-admin", "count": True}], "malformed", "the number of organization admins is told as true"),
        ([{"roleId": "atlassian/org-admin", "count": -1}], "malformed", "the number of organization admins is told as -1"),
        (
            [{"roleId": "atlassian/org-admin", "count": count} for count in (0, 3)],
            "malformed",
            "the number of organization admins is told as 0, 3",
        ),
        (None, "malformed", "the answer has no list of roles"),
        ({"atlassian/org-admin": 3}, "malformed", "the answer has no list of roles"),
    ],
)
def test_a_number_of_admins_that_cannot_be_is_not_known(roles: object, reason: str, detail: str) -> None:
    assert spoiled({STATS: [said({"roles": roles})]}) == [
        '~org/o-1 org_admin_count: "(absent)"',
        f"+org/* of org/o-1 {reason}: {detail}",
    ]


GRANTS = [
    (["atlassian/user"], True),
    (["atlassian/admin"], True),
    (["atlassian/guest"], True),
    (["atlassian/contributor"], True),
    (["atlassian/basic"], True),
    (["atlassian/stakeholder"], True),
    (["atlassian/customer"], False),
    (["atlassian/org-admin", "atlassian/site-admin", "atlassian/user-access-admin", "atlassian/ai-access"], False),
    (["atlassian/customer", "atlassian/user"], True),
    ([], False),
]


@pytest.mark.parametrize(("roles", "grants"), GRANTS)
def test_only_app_roles_other_than_customer_are_access(roles: list[str], *, grants: bool) -> None:
    with faulty({**STAFF, ROLES: [page(role(*roles))]}) as server:
        [found] = [each for each in asked_of(server).resources if each.kind == "org.group"]

    assert found.facts["grants_product_access"] is grants


def test_every_role_of_the_documentation_is_tried_above() -> None:
    documented = org._ACCESS_ROLES | org._OTHER_ROLES
    assert {role for roles, _ in GRANTS for role in roles} == documented


def test_a_group_without_a_role_grants_nothing() -> None:
    assert spoiled({ROLES: [page()]}) == [
        "~org.group/g-1 grants_product_access: false",
        "~org.group/g-1 role_assignments: []",
    ]


def test_a_role_that_nobody_knows_leaves_open_what_it_grants() -> None:
    assert spoiled({ROLES: [page(role("atlassian/customer", "atlassian/owner"))]}) == [
        '~org.group/g-1 grants_product_access: "(absent)"',
        (
            '~org.group/g-1 role_assignments: [{"default_role": null, "resource_id": "ari:jira",'
            ' "roles": ["atlassian/customer", "atlassian/owner"]}]'
        ),
        (
            '+org.group/g-1 of org.group/g-1 malformed: org.group/g-1: whether the role "atlassian/owner" grants access to an app'
            " is not documented"
        ),
    ]


def test_a_role_that_nobody_knows_changes_nothing_beside_one_that_grants() -> None:
    [change] = spoiled({ROLES: [page(role("atlassian/user", "atlassian/owner"))]})

    assert change.startswith("~org.group/g-1 role_assignments: ")


def test_the_role_assignments_of_all_pages_are_one_list() -> None:
    first, second = role("atlassian/customer", resource="ari:jsm"), role("atlassian/user", defaultRole="atlassian/user")
    with faulty({**STAFF, ROLES: [page(first, next="two"), page(second)]}) as server:
        found = asked_of(server)

        assert [each.query for each in server.asked if each.path == ROLES] == [{"limit": "100"}, {"limit": "100", "cursor": "two"}]
    [staff] = [each for each in found.resources if each.kind == "org.group"]
    assert staff.facts["grants_product_access"] is True
    assert staff.facts["role_assignments"] == [
        {"resource_id": "ari:jsm", "roles": ["atlassian/customer"], "default_role": None},
        {"resource_id": "ari:jira", "roles": ["atlassian/user"], "default_role": "atlassian/user"},
    ]
    assert found.gaps == []


def test_role_assignments_that_end_early_are_not_taken_for_all() -> None:
    first = page(role("atlassian/customer"), next="two")

    assert spoiled({ROLES: [first, said({"errors": []}, 403)]}) == [
        '~org.group/g-1 grants_product_access: "(absent)"',
        '~org.group/g-1 role_assignments: "(absent)"',
        "+org.group/* of org.group/g-1 forbidden: refused (403)",
    ]


@pytest.mark.parametrize("broken", [{}, None, 5, "x", [], {"resourceId": None, "roles": ["atlassian/user"]}])
def test_a_role_assignment_of_nothing_leaves_the_list_unknown(broken: object) -> None:
    changes = spoiled({ROLES: [page(role("atlassian/user"), broken)]})

    assert changes[:2] == [
        '~org.group/g-1 grants_product_access: "(absent)"',
        '~org.group/g-1 role_assignments: "(absent)"',
    ]
    [gap] = changes[2:]
    assert gap.startswith("+org.group/g-1 of org.group/g-1 malformed: org.group/g-1: a role assignment is ")


@pytest.mark.parametrize("roles", ["atlassian/user", 5, ["atlassian/user", 5], {}])
def test_roles_of_another_type_are_a_gap_and_grant_nothing_known(roles: object) -> None:
    assert spoiled({ROLES: [page(role(roles=roles))]}) == [
        '~org.group/g-1 grants_product_access: "(absent)"',
        '~org.group/g-1 role_assignments: [{"default_role": null, "resource_id": "ari:jira"}]',
        (
            "+org.group/g-1 of org.group/g-1 malformed: org.group/g-1:"
            f" roles of ari:jira is {json.dumps(roles, separators=(',', ':'))}, which is not list of text"
        ),
    ]


@pytest.mark.parametrize("told", [{}, {"roles": None}])
def test_roles_and_a_default_role_that_are_not_told_are_not_taken_for_none(told: dict[str, None]) -> None:
    assert spoiled({ROLES: [page({"resourceId": "ari:jira", **told})]}) == [
        '~org.group/g-1 grants_product_access: "(absent)"',
        '~org.group/g-1 role_assignments: [{"resource_id": "ari:jira"}]',
    ]


@pytest.mark.parametrize(
    ("attributes", "change", "problem"),
    [
        (
            {"type": "ai-rules"},
            "type",
            'attributes.type is "ai-rules", which is not one of ip-allowlist, data-residency, data-security',
        ),
        ({"status": "on"}, "status", 'attributes.status is "on", which is not one of enabled, disabled'),
        ({"rule": {"in": "0.0.0.0/0"}}, "rule", 'attributes.rule.in is "0.0.0.0/0", which is not list of text'),
        (
            {"resources": [{"id": "x", "applicationStatus": "applied"}, {"id": "y", "applicationStatus": "paused"}]},
            "application_statuses",
            'applicationStatus is "paused", which is not one of applying, removing, applied, failed, scheduled',
        ),
        (
            {"resources": [{"id": "x"}]},
            "application_statuses",
            "applicationStatus is null, which is not one of applying, removing, applied, failed, scheduled",
        ),
        ({"resources": {}}, "application_statuses", "attributes.resources is {}, which is not a list"),
    ],
)
def test_a_policy_that_is_told_otherwise_is_a_gap(attributes: dict[str, object], change: str, problem: str) -> None:
    assert spoiled({POLICIES: [said({"data": [policy(**attributes)]})]}) == [
        f'~org.policy/p-1 {change}: "(absent)"',
        f"+org.policy/p-1 of org/o-1 malformed: org.policy/p-1: {problem}",
    ]


@pytest.mark.parametrize(
    ("attributes", "change"), [({"rule": {}}, "rule"), ({"rule": None}, "rule"), ({"resources": None}, "application_statuses")]
)
def test_what_is_not_told_of_a_policy_stays_absent(attributes: dict[str, object], change: str) -> None:
    assert spoiled({POLICIES: [said({"data": [policy(**attributes)]})]}) == [f'~org.policy/p-1 {change}: "(absent)"']


@pytest.mark.parametrize(("name", "fact"), [("expiresAt", "expires_at"), ("lastActiveAt", "last_active_at")])
@pytest.mark.parametrize("null", [True, False])
def test_a_time_that_is_not_told_of_a_token_is_not_known_to_be_never(name: str, fact: str, *, null: bool) -> None:
    """What it means that there is none is documented nowhere."""
    token = {**api_token(), name: None}
    if not null:
        del token[name]

    assert spoiled({TOKENS: [page(token)]}) == [f'~org.api_token/t-1 {fact}: "(absent)"']


@pytest.mark.parametrize(
    ("path", "record", "at", "fact", "name"),
    [
        (TOKENS, api_token(expiresAt=1893456000), "org.api_token/t-1", "expires_at", "expiresAt"),
        (TOKENS, api_token(createdAt=1893456000), "org.api_token/t-1", "created_at", "createdAt"),
        (TOKENS, api_token(lastActiveAt=1893456000), "org.api_token/t-1", "last_active_at", "lastActiveAt"),
        (KEYS, api_key(expiresAt=1893456000), "org.api_key/k-1", "expires_at", "expiresAt"),
        (KEYS, api_key(createdAt=1893456000), "org.api_key/k-1", "created_at", "createdAt"),
    ],
)
def test_a_time_of_another_type_is_a_gap(path: str, record: dict[str, Any], at: str, fact: str, name: str) -> None:
    assert spoiled({path: [page(record)]}) == [
        f'~{at} {fact}: "(absent)"',
        f"+{at} of org/o-1 malformed: {at}: {name} is 1893456000, which is not date",
    ]


@pytest.mark.parametrize(
    ("relationships", "plans"),
    [
        ({"e": [{"attributes": {"plan": "Premium"}}, {"attributes": {"plan": "Free"}}]}, ["Free", "Premium"]),
        ({"e": [{"attributes": {"plan": "Free"}}], "other": [{"attributes": {"plan": "Free"}}]}, ["Free"]),
        ({"e": [{"attributes": {"plan": None, "planKey": "free"}}, {"attributes": 5}, 5], "other": 5}, None),
        ({}, None),
        (None, None),
        ("x", None),
    ],
)
def test_the_plans_of_an_app_are_those_of_its_entitlements_and_not_known_without(relationships: object, plans: object) -> None:
    workspace = {"id": "w-1", "attributes": {"name": "acme", "typeKey": "jira"}, "relationships": relationships}
    with faulty({**STAFF, "/admin/v2/orgs/o-1/workspaces": [page(workspace)]}) as server:
        found = collected(StandIn(server.url, {}), needs=frozenset({("org.workspace", "plans")}))
    [app] = [each for each in found.resources if each.kind == "org.workspace"]

    assert app.facts.get("plans") == plans
    assert found.gaps == []


@pytest.mark.parametrize(("told", "status"), [({"revocationDate": None}, "active"), ({"revocationDate": "2026-01-01"}, "revoked")])
def test_a_key_that_was_revoked_is_known_to_be_so(told: dict[str, Any], status: str) -> None:
    assert spoiled({KEYS: [page(api_key(**told))]}) == [f'~org.api_key/k-1 status: "{status}"']


def test_a_key_of_which_nothing_is_said_about_revoking_has_no_status() -> None:
    with faulty(dict(STAFF)) as server:
        [key] = [each for each in asked_of(server).resources if each.kind == "org.api_key"]

    assert "status" not in key.facts


@pytest.mark.parametrize("name", ["displayName", "name"])
def test_a_service_account_is_named_in_whichever_of_two_words(name: str) -> None:
    with faulty({**STAFF, SERVICES: [page({"id": "s-1", name: "Builds"})]}) as server:
        [account] = [each for each in asked_of(server).resources if each.kind == "org.service_account"]

    assert (account.name, account.facts) == ("Builds", {"name": "Builds"})


@pytest.mark.parametrize(("field", "fact"), [("displayName", "name"), ("status", "status")])
def test_what_is_told_of_a_service_account_in_another_type_is_a_gap(field: str, fact: str) -> None:
    record = {"id": "s-1", "displayName": "Builds", "status": "ACTIVE", field: 5}

    assert spoiled({SERVICES: [page(record)]}) == [
        f'~org.service_account/s-1 {fact}: "(absent)"',
        f"+org.service_account/s-1 of org/o-1 malformed: org.service_account/s-1: {field} is 5, which is not text",
    ]


def test_service_accounts_in_another_envelope_are_a_gap() -> None:
    """Public code reads them as `items`, at another address than the documented one."""
    assert spoiled({SERVICES: [said({"items": [{"id": "s-1", "displayName": "Builds"}]})]}) == [
        "-org.service_account/s-1",
        "+org.service_account/* of org/o-1 malformed: the answer has no list of data",
    ]


PLACES = {
    DIRECTORIES: ("org.directory", "org/o-1", "-org.directory/d-1", f"{KEY} with the scope read:directories:admin"),
    USERS: ("org.user", "org/o-1", "-org.user/u-1", f"{KEY} without scopes: Atlassian documents none that opens this search"),
    GROUPS: ("org.group", "org/o-1", "-org.group/g-1", f"{KEY} without scopes: Atlassian documents none that opens this search"),
    STATS: ("org", "org/o-1", '~org/o-1 org_admin_count: "(absent)"', f"{KEY} with the scope read:directories:admin"),
    ROLES: (
        "org.group",
        "org.group/g-1",
        '~org.group/g-1 grants_product_access: "(absent)"|~org.group/g-1 role_assignments: "(absent)"',
        f"{KEY} with the scope read:groups:admin",
    ),
    POLICIES: ("org.policy", "org/o-1", "-org.policy/p-1", f"{KEY} with the scope read:policies:admin"),
    TOKENS: ("org.api_token", "org/o-1", "-org.api_token/t-1", f"{KEY} with the scope read:tokens:admin"),
    KEYS: ("org.api_key", "org/o-1", "-org.api_key/k-1", f"{KEY} with the scope read:keys:admin"),
    ACTIONS: ("org.event_action", "org/o-1", "-org.event_action/a-1", f"{KEY} with the scope read:events:admin"),
    SERVICES: (
        "org.service_account",
        "org/o-1",
        "-org.service_account/s-1",
        f"{KEY} with the scope read:service-accounts:admin",
    ),
}


def test_every_endpoint_of_people_groups_and_policies_is_refused_below() -> None:
    mine = {f"/admin{each.path}" for each in org.ENDPOINTS if each.kinds[0] in MINE and each.path != "/v1/orgs/{orgId}"}

    assert {path.replace("o-1", "{orgId}").replace("g-1", "{groupId}") for path in PLACES} == mine


@pytest.mark.parametrize(
    ("status", "reason", "detail"),
    [(403, "forbidden", "refused (403): No."), (404, "not-found", "not found (404): No.")],
)
@pytest.mark.parametrize("path", PLACES)
def test_what_is_refused_is_one_gap_with_what_would_lift_it(path: str, status: int, reason: str, detail: str) -> None:
    kind, parent, lost, hint = PLACES[path]

    assert spoiled({path: [said({"message": "No."}, status)]}) == [*lost.split("|"), f"+{kind}/* of {parent} {reason}: {detail}"]
    with faulty({**STAFF, path: [said({"message": "No."}, status)]}) as server:
        assert [gap.hint for gap in asked_of(server).gaps] == [hint]


LISTS = {path: PLACES[path] for path in PLACES if path != STATS}


@pytest.mark.parametrize("data", [None, {}, "x", 5])
@pytest.mark.parametrize("path", LISTS)
def test_records_that_are_no_list_are_a_gap(path: str, data: object) -> None:
    kind, parent, lost, _ = LISTS[path]

    assert spoiled({path: [said({"data": data})]}) == [
        *lost.split("|"),
        f"+{kind}/* of {parent} malformed: the answer has no list of data",
    ]


@pytest.mark.parametrize("record", [{}, None, 5, "x", [], {"id": None}, {"id": ""}, {"id": {}, "attributes": 5}])
@pytest.mark.parametrize("path", [path for path in LISTS if path != ROLES])
def test_a_record_without_an_id_is_a_gap_and_the_others_are_there(path: str, record: object) -> None:
    kind, parent, _, _ = LISTS[path]
    [healthy] = STAFF[path]
    assert isinstance(healthy, Answer)
    answer = json.loads(healthy.body)
    answer["data"].append(record)

    assert spoiled({path: [said(answer)]}) == [f"+{kind}/* of {parent} malformed: a record without the id it should have"]


@pytest.mark.parametrize("path", [DIRECTORIES, USERS, GROUPS, POLICIES, TOKENS, KEYS, SERVICES])
def test_a_list_that_ends_early_keeps_what_came_and_is_a_gap(path: str) -> None:
    kind, parent, _, _ = LISTS[path]
    [healthy] = STAFF[path]
    assert isinstance(healthy, Answer)
    first = said({**json.loads(healthy.body), "links": {"next": "two"}, "meta": {"next": "two"}})

    def refuses_the_second(asked: Asked) -> Answer:
        sent = asked.query | (json.loads(asked.body) if asked.body else {})
        return said({"message": "No."}, 403) if sent.get("cursor") == "two" else first

    assert spoiled({path: [refuses_the_second]}) == [f"+{kind}/* of {parent} forbidden: refused (403): No."]


def test_a_gap_about_a_part_of_the_organization_is_none_about_what_lies_below() -> None:
    """Once the number of admins was refused, and every kind after it was said to be unread."""
    with faulty({**STAFF, STATS: [said({}, 403)]}) as server:
        found = asked_of(server)

    assert [(gap.kind, gap.parent) for gap in found.gaps] == [("org", "org/o-1")]


def test_an_organization_that_is_refused_leaves_one_gap_for_each_kind_below() -> None:
    with faulty({**STAFF, ORG: [said({"message": "No."}, 403)]}) as server:
        found = asked_of(server)

    assert found.lines == [
        "org/o-1 of - forbidden: refused (403): No.",
        *(f"{kind}/* of org/o-1 forbidden: org/o-1 could not be read: refused (403): No." for kind in sorted(MINE[1:])),
    ]


def test_groups_that_are_refused_are_said_to_be_so_once() -> None:
    with faulty({**STAFF, GROUPS: [said({"message": "No."}, 403)]}) as server:
        found = asked_of(server)

    assert found.gaps_of("org.group") == ["org.group/* of org/o-1 forbidden: refused (403): No."]
