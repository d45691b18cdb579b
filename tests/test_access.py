"""What leads from a person to apps, projects, desks and spaces; nothing that is there is left out, and nothing is made up."""

from datetime import UTC, datetime
from typing import Any

import pytest

from scanner.access import Account, Index, paths, unclear
from scanner.model import Header, Resource, Snapshot, Source, Target, sort_key
from scanner.tracing import Through
from tests import traces

HEADER = Header(id="1", taken_at=datetime(2026, 11, 21, tzinfo=UTC), tool="", target=Target(org="o", sites={"acme": "https://a"}))
JIRA = "ari:cloud:jira-software::site/1"


def resource(kind: str, id_: str, name: str = "", **facts: Any) -> Resource:  # noqa: ANN401
    return Resource(kind=kind, id=id_, name=name or id_, facts=facts, source=Source.API)


def found(*records: Resource, user: str = "u1") -> list[tuple[str, list[str], str, str]]:
    """Return the paths of a user: through what, by which stops, to where, giving what."""
    people = tuple(each for each in records if each.kind in ("org.user", "org.user_role_assignments", "jsm.customer"))
    index = Index.of(Snapshot(HEADER, lambda: sorted(records, key=sort_key)))
    return [
        (each.through, [stop.name for stop in each.stops], each.target, each.gives) for each in paths(Account(user, people), index)
    ]


def group(id_: str = "g1", **facts: Any) -> Resource:  # noqa: ANN401
    roles = [{"resource_id": JIRA, "roles": ["atlassian/user"], "default_role": None}]
    return resource("org.group", id_, "staff", **{"role_assignments": roles, **facts})


def user(**facts: Any) -> Resource:  # noqa: ANN401
    return resource("org.user", "u1", "Otto", **facts)


ACCESS = [{"key": "jira-software", "resource_id": JIRA}]
SCHEME = resource("jira.project", "acme/APP", "Mobile app", permission_scheme="acme/1")


def scheme(holder_type: str, value: str | None = None, permission: str = "BROWSE_PROJECTS") -> Resource:
    grant = {"permission": permission, "holder_type": holder_type, "holder_value": value}
    return resource("jira.permission_scheme", "acme/1", "Scheme", grants=[grant])


def test_a_group_gives_an_app() -> None:
    assert found(user(groups=["g1"], product_access=ACCESS), group()) == [(Through.GROUP, ["staff"], JIRA, "atlassian/user")]


def test_an_app_that_nothing_explains_is_told_as_that() -> None:
    assert found(user(groups=[], product_access=ACCESS)) == [(Through.UNEXPLAINED, [], JIRA, "atlassian/user")]


def test_a_role_given_by_name_is_direct_and_one_through_a_group_is_not() -> None:
    each = {"resource_id": JIRA, "role": "atlassian/user"}
    direct = resource("org.user_role_assignments", "u1", assignments=[{**each, "methods": ["direct"]}])
    through = resource("org.user_role_assignments", "u1", assignments=[{**each, "methods": ["group_direct"]}])

    assert found(direct) == [(Through.DIRECT, [], JIRA, "atlassian/user")]
    assert found(through) == []


def test_a_role_of_the_organization_is_told() -> None:
    assert found(user(platform_roles=["atlassian/org-admin"])) == [(Through.DIRECT, [], "org", "atlassian/org-admin")]


@pytest.mark.parametrize(("actor", "stops"), [("u1", ["Developers"]), ("g1", ["staff", "Developers"])])
def test_a_role_in_a_project_is_held_by_name_or_through_a_group(actor: str, stops: list[str]) -> None:
    role = resource("jira.project_role", "acme/APP/1", "Developers", project="acme/APP", actors=[{"id": actor, "type": ""}])

    assert (Through.PROJECT_ROLE, stops, "jira.project/acme/APP", "the role Developers") in found(
        user(groups=["g1"]), group(), role
    )


@pytest.mark.parametrize(
    ("holder", "value", "stops"),
    [
        ("applicationRole", None, ["everybody who may use a Jira app", "Scheme"]),
        ("applicationRole", "jira-software", ["everybody who may use jira-software", "Scheme"]),
        ("group", "g1", ["staff", "Scheme"]),
        ("user", "u1", ["Scheme"]),
    ],
)
def test_a_scheme_grants_a_project_to_whom_it_names(holder: str, value: str | None, stops: list[str]) -> None:
    told = found(user(groups=["g1"], product_access=ACCESS), group(), SCHEME, scheme(holder, value))

    assert (Through.SCHEME, stops, "jira.project/acme/APP", "BROWSE_PROJECTS") in told


@pytest.mark.parametrize(
    ("holder", "value"), [("applicationRole", "jira-servicedesk"), ("group", "g2"), ("user", "u2"), ("projectRole", "1")]
)
def test_a_scheme_grants_nothing_to_whom_it_does_not_name(holder: str, value: str) -> None:
    told = found(user(groups=["g1"], product_access=ACCESS), group(), SCHEME, scheme(holder, value))

    assert not [each for each in told if each[2] == "jira.project/acme/APP"]


def test_a_role_in_which_somebody_acts_whom_nobody_knows_leads_the_others_somewhere_still() -> None:
    actors = [{"key": "atlassian-addon-role-actor:?", "name": "x"}, {"key": "u1", "id": "u1"}]
    role = resource("jira.project_role", "acme/APP/1", "Developers", project="acme/APP", actors=actors)
    admins = resource("jira.group", "acme/1", "admins", members=[{"account_type": "app"}])

    assert [each[2] for each in found(user(groups=[]), role, admins)] == ["jira.project/acme/APP"]


def test_a_grant_that_does_not_say_to_which_app_is_not_taken_for_one_to_any() -> None:
    grant = {"permission": "BROWSE_PROJECTS", "holder_type": "applicationRole"}
    nameless = resource("jira.permission_scheme", "acme/1", "Scheme", grants=[grant])

    assert [each[2] for each in found(user(groups=[], product_access=ACCESS), SCHEME, nameless)] == [JIRA]


def test_a_default_role_of_an_app_that_is_not_named_is_told_as_that() -> None:
    records = [group(role_assignments=[{"roles": ["atlassian/user"], "default_role": "atlassian/user"}])]

    assert Index.of(Snapshot(HEADER, lambda: records)).group("g1").notes == ("new people of an app that is not named land in it",)


@pytest.mark.parametrize(
    ("record", "is_clear"),
    [
        (resource("jira.project_role", "acme/APP/1", actors=[{"id": "u1"}]), True),
        (resource("jira.project_role", "acme/APP/1", actors=[{"name": "x"}]), False),
        (resource("jira.project_role", "acme/APP/1"), False),
        (resource("jira.group", "acme/1", members=[{}]), False),
        (scheme("anyone"), True),
        (resource("jira.permission_scheme", "acme/1", grants=[{"permission": "BROWSE_PROJECTS", "holder_type": "user"}]), False),
        (group(), True),
        (group(role_assignments=[{"resource_id": JIRA}]), False),
        (user(groups=[], product_access=ACCESS), True),
        (user(groups=[], product_access=[{"key": "jira-software"}]), False),
        (user(product_access=ACCESS), False),
        (user(status="suspended"), True),
        (resource("org.user_role_assignments", "u1", explained_by_groups=True), True),
        (resource("org.user_role_assignments", "u1", explained_by_groups=False), False),
    ],
)
def test_what_does_not_say_all_that_paths_are_made_of_is_known_as_that(record: Resource, *, is_clear: bool) -> None:
    assert unclear(Snapshot(HEADER, lambda: [record])) == (frozenset() if is_clear else {record.kind})


def test_what_is_public_is_told_of_everybody_and_as_public() -> None:
    space = resource("confluence.space", "acme/KB", anonymous_access=True)
    view = resource("jira.anonymous_view", "acme", projects=2)

    told = found(SCHEME, scheme("anyone"), space, view)

    assert {each[0] for each in told} == {Through.PUBLIC}
    assert {each[2] for each in told} == {"jira.project/acme/APP", "confluence.space/acme/KB", "jira.anonymous_view/acme"}


def test_a_customer_has_desks_and_the_spaces_that_need_no_licence() -> None:
    customer = resource("jsm.customer", "acme/u1", "Otto", desks=["acme/SUP"])
    desk, space = (
        resource("jsm.service_desk", "acme/SUP", "Support"),
        resource("confluence.space", "acme/KB", unlicensed_access=True),
    )

    assert [each[2] for each in found(customer, desk, space)] == ["jsm.service_desk/acme/SUP", "confluence.space/acme/KB"]


def test_a_group_says_that_new_people_land_in_it_and_that_it_is_not_synced() -> None:
    role = {"resource_id": JIRA, "roles": ["atlassian/user"], "default_role": "atlassian/user"}
    workspace = resource("org.workspace", JIRA, "acme", type_key="jira-software")
    records = [group(external_synced=False, role_assignments=[role]), workspace]
    index = Index.of(Snapshot(HEADER, lambda: sorted(records, key=sort_key)))

    assert index.group("g1").notes == ("not synced", "new people of jira-software on acme land in it")


def test_nothing_that_the_incident_shows_of_somebody_is_left_out() -> None:
    told = [(each.through, each.name) for each in traces.trace().paths]

    assert told == [
        (Through.GROUP, "jira-software on acme"),
        (Through.PROJECT_ROLE, "Mobile app"),
        (Through.SCHEME, "Mobile app"),
        (Through.PUBLIC, "Operations"),
        (Through.PUBLIC, "projects of acme: 1"),
    ]
