"""Spaces and who may look into them: by permissions or by roles, as the site keeps it, never "nobody" where nothing was read."""

from collections.abc import Iterator
from typing import Any

import pytest

from scanner.collect import walk
from scanner.kinds import KINDS
from scanner.model import Gap, Reason, Record, Resource, Source, sort_key
from tests.fake_atlassian.scenario import Site, load, names
from tests.fake_atlassian.server import StandIn
from tests.faulty import Answer, Asked, Table, faulty, said
from tests.test_collect import COMPANY, WORKSPACES, Collected, Played, collected, line

ACCESS = frozenset({("confluence.space", "anonymous_access"), ("confluence.space", "unlicensed_access")})
NAMES = frozenset({("confluence.space", "name")})
ACCOUNT = "give an account that may use Confluence and see every space"
NO_APP = "if the site has no Confluence, an organization key with the scope read:workspaces:admin tells so"


@pytest.fixture(params=names())
def played(request: pytest.FixtureRequest) -> Played:
    return Played(load(request.param), request.getfixturevalue(f"{request.param}_site"))


def wanted(site: Site) -> Iterator[Record]:
    assert site.confluence
    mode, at = site.confluence.role_mode, f"confluence.site/{site.name}"
    yield resource("confluence.site", site.name, site.name, {"role_mode": mode}, None)
    for space in site.confluence.spaces:
        if space.status == "archived":
            continue
        id_ = f"{site.name}/{space.key}"
        facts: dict[str, Any] = {"name": space.name, "space_id": space.id, "type": space.type, "status": space.status}
        unlicensed = {"unlicensed_access": space.unlicensed}
        known = facts | {"anonymous_access": space.anonymous} | (unlicensed if mode == "PRE_ROLES" else {})
        yield resource("confluence.space", id_, space.name, known, at)
        if mode == "ROLES":
            yield resource("confluence.space", id_, space.name, unlicensed, at, source=Source.INFERRED)


def resource(kind: str, id_: str, name: str, facts: dict[str, Any], parent: str | None, *, source: Source = Source.API) -> Resource:
    return Resource(kind=kind, id=id_, name=name, facts=facts, source=source, parent=parent)


def of_confluence(found: Collected) -> list[Record]:
    return [record for record in found.records if record.kind in {"confluence.site", "confluence.space"}]


# ---------------------------------------------------------------------------------------------------- against the stand-in


def test_every_space_in_use_and_who_may_look_into_it_is_collected_whichever_way_the_site_keeps_it(played: Played) -> None:
    [site] = played.scenario.sites

    assert of_confluence(collected(played.site, needs=ACCESS)) == sorted(wanted(site), key=sort_key)


def test_the_scenarios_play_both_ways_and_lists_of_several_pages() -> None:
    """The test above would prove little otherwise."""
    sites = {name: load(name).sites[0].confluence for name in names()}
    modes = {confluence.role_mode for confluence in sites.values() if confluence}
    opened = [space for name in ("open", "demo") if (confluence := sites[name]) for space in confluence.spaces]

    assert modes == {"PRE_ROLES", "ROLES"}
    assert {(space.anonymous, space.unlicensed) for space in opened} >= {(True, False), (False, True), (False, False)}
    # The anonymous of this space are on the second page of its role assignments.
    assert [space.key for space in opened if space.anonymous and len(space.groups) > load("demo").page_size] == ["PRESS"]


def test_a_space_is_counted_once_however_many_sources_tell_of_it(demo_site: StandIn) -> None:
    coverage = collected(demo_site, needs=ACCESS).coverage["confluence.space"]

    assert (coverage.resources, coverage.gaps, coverage.complete) == (3, 0, True)


def test_who_may_look_in_is_asked_only_where_that_is_needed_and_only_in_the_way_of_the_site(played: Played) -> None:
    [site] = played.scenario.sites
    assert site.confluence

    def asked(needs: frozenset[tuple[str, str]]) -> list[str]:
        return [each for each in collected(played.site, needs=needs).log if "/wiki/" in each]

    assert not [each for each in asked(NAMES) if "/wiki/api/v2/spaces:" not in each]
    access, roles = asked(ACCESS), site.confluence.role_mode == "ROLES"
    assert any("/role-assignments:" in each for each in access) is roles
    assert any("/wiki/rest/api/space:" in each for each in access) is not roles


def test_all_of_confluence_is_asked_for_when_everything_is_needed(locked_site: StandIn) -> None:
    assert {"confluence.site", "confluence.space"} <= walk.demanded(None)
    assert walk.demanded(ACCESS) == {"confluence.site", "confluence.space"}
    assert walk.demanded(NAMES) == {"confluence.space"}
    assert of_confluence(collected(locked_site, needs=None)) == of_confluence(collected(locked_site, needs=ACCESS))


# ------------------------------------------------------------------------------------------------------------- odd answers

MODE, SPACES, CLASSIC = "/wiki/api/v2/space-role-mode", "/wiki/api/v2/spaces", "/wiki/rest/api/space"
ROLES = "/wiki/api/v2/spaces/{}/role-assignments"
AT = "of confluence.site/acme"


def space(key: str, number: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401  JSON border
    return {"id": number, "key": key, "name": key, "type": "global", "status": "current", **more}


def permission(*, anonymous: Any = False, unlicensed: Any = False) -> dict[str, Any]:  # noqa: ANN401
    operation = {"operation": "read", "targetType": "space"}
    return {"operation": operation, "anonymousAccess": anonymous, "unlicensedAccess": unlicensed}


def classic(*permissions: Any, key: str = "KB", **more: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"id": 1, "key": key, "name": key, "permissions": list(permissions), **more}


def role(type_: Any, id_: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"principal": {"principalType": type_, "principalId": id_}, "roleId": "r"}


STAFF = role("GROUP", "staff")
ANYBODY = role("ACCESS_CLASS", "anonymous-users")
ANY_ACCOUNT = role("ACCESS_CLASS", "authenticated-users")


def results(*values: Any, onward: str | None = None) -> Answer:  # noqa: ANN401
    return said({"results": values, "_links": {"base": "x"} | ({"next": onward} if onward else {})})


CLASSIC_SITE: Table = {
    **COMPANY,
    MODE: [said({"mode": "PRE_ROLES"})],
    SPACES: [results(space("KB", "1"))],
    CLASSIC: [results(classic(permission()))],
}
ROLES_SITE: Table = {
    **COMPANY,
    MODE: [said({"mode": "ROLES"})],
    SPACES: [results(space("KB", "1"))],
    ROLES.format("1"): [results(STAFF)],
}
TRANSITION_SITE: Table = {**CLASSIC_SITE, **ROLES_SITE, MODE: [said({"mode": "ROLES_TRANSITION"})]}


def asked(table: Table, needs: frozenset[tuple[str, str]] = ACCESS) -> Collected:
    with faulty(table) as server:
        return collected(StandIn(server.url, {"acme": server.url}), needs=needs)


def access(found: Collected) -> dict[str, Any]:
    """Return what is known of who may look into the space KB."""
    known: dict[str, Any] = {}
    for each in found.resources:
        if each.address == "confluence.space/acme/KB":
            known |= {fact: each.facts[fact] for _, fact in sorted(ACCESS) if fact in each.facts}
    return known


def both(*, anonymous: bool, unlicensed: bool) -> dict[str, bool]:
    return {"anonymous_access": anonymous, "unlicensed_access": unlicensed}


NOBODY = both(anonymous=False, unlicensed=False)


def test_the_healthy_sites_are_closed_without_a_gap() -> None:
    for table in (CLASSIC_SITE, ROLES_SITE):
        found = asked(table)
        assert (access(found), found.gaps) == (NOBODY, [])


@pytest.mark.parametrize(
    ("permissions", "known"),
    [
        ([permission(), permission(anonymous=True)], both(anonymous=True, unlicensed=False)),
        ([permission(unlicensed=True), permission()], both(anonymous=False, unlicensed=True)),
    ],
)
def test_one_permission_is_enough_to_open_a_space(permissions: list[Any], known: dict[str, bool]) -> None:
    found = asked({**CLASSIC_SITE, CLASSIC: [results(classic(*permissions))]})

    assert (access(found), found.gaps) == (known, [])


@pytest.mark.parametrize(
    ("permissions", "known", "problem"),
    [
        ([], {}, "permissions were asked for and did not come"),
        ([permission(anonymous=None)], {"unlicensed_access": False}, "anonymousAccess of a permission is null"),
        ([permission(anonymous="true")], {"unlicensed_access": False}, 'anonymousAccess of a permission is "true"'),
        ([permission(anonymous=1)], {"unlicensed_access": False}, "anonymousAccess of a permission is 1"),
        # What is known to be open stays so, whatever else there is.
        ([permission(anonymous=True), {}], {"anonymous_access": True}, "anonymousAccess of a permission is null"),
        (["x"], {}, "anonymousAccess of a permission is null"),
    ],
)
def test_permissions_that_cannot_be_understood_prove_nothing_closed(
    permissions: list[Any], known: dict[str, bool], problem: str
) -> None:
    found = asked({**CLASSIC_SITE, CLASSIC: [results(classic(*permissions))]})

    assert access(found) == known
    [gap] = found.gaps_of("confluence.space")
    assert gap.startswith(f"confluence.space/acme/KB {AT} malformed: confluence.space/acme/KB: {problem}")


@pytest.mark.parametrize("answer", [None, "none", {}])
def test_permissions_that_were_asked_for_and_did_not_come_prove_nothing(answer: object) -> None:
    found = asked({**CLASSIC_SITE, CLASSIC: [results({"key": "KB", "permissions": answer})]})

    assert access(found) == {}
    assert found.gaps_of("confluence.space") == [
        f"confluence.space/acme/KB {AT} malformed: confluence.space/acme/KB: permissions were asked for and did not come"
    ]


def test_a_space_that_the_list_of_permissions_leaves_out_is_not_known_to_be_closed() -> None:
    found = asked({**CLASSIC_SITE, SPACES: [results(space("KB", "1"), space("HR", "2"))]})

    assert found.ids("confluence.space") == ["acme/HR", "acme/KB"]
    [left_out, _] = [each for each in found.resources if each.kind == "confluence.space"]
    assert not {fact for _, fact in ACCESS} & left_out.facts.keys()
    assert found.gaps_of("confluence.space") == [
        (
            "confluence.space/* of confluence.space/acme/HR forbidden:"
            " the list that tells anonymous_access and unlicensed_access leaves it out"
        )
    ]


def test_a_list_of_permissions_that_ends_early_is_a_gap_and_what_came_is_kept() -> None:
    first = results(classic(permission(anonymous=True)), onward="/rest/api/space?start=1")
    found = asked({**CLASSIC_SITE, CLASSIC: [first, said({}, 403)]})

    assert access(found) == both(anonymous=True, unlicensed=False)
    assert found.gaps_of("confluence.space") == [f"confluence.space/* {AT} forbidden: refused (403)"]


@pytest.mark.parametrize(
    ("assignments", "known"),
    [
        ([STAFF, ANYBODY], both(anonymous=True, unlicensed=False)),
        ([ANY_ACCOUNT, STAFF], both(anonymous=False, unlicensed=True)),
        ([role("ACCESS_CLASS", "all-licensed-users"), role("USER", "anonymous-users")], NOBODY),
    ],
)
def test_a_role_for_a_class_of_people_opens_a_space_to_them(assignments: list[Any], known: dict[str, bool]) -> None:
    found = asked({**ROLES_SITE, ROLES.format("1"): [results(*assignments)]})

    assert (access(found), found.gaps) == (known, [])
    sources = {each.source: set(each.facts) & {fact for _, fact in ACCESS} for each in found.resources if each.id == "acme/KB"}
    assert sources == {Source.API: {"anonymous_access"}, Source.INFERRED: {"unlicensed_access"}}


@pytest.mark.parametrize(
    ("assignments", "known", "problem"),
    [
        ([], {}, "no role assignment came"),
        ([STAFF, role("ACCESS_CLASS", "everybody-on-earth")], {}, "a role assignment that cannot be understood"),
        ([ANYBODY, role("ROBOT", "x")], {"anonymous_access": True}, "a role assignment that cannot be understood"),
        ([STAFF, {"roleId": "r"}], {}, "a role assignment that cannot be understood"),
        ([STAFF, "x"], {}, 'a role assignment that cannot be understood: "x"'),
        ([role("ACCESS_CLASS", None)], {}, "a role assignment that cannot be understood"),
    ],
)
def test_role_assignments_that_cannot_be_understood_prove_nothing_closed(
    assignments: list[Any], known: dict[str, bool], problem: str
) -> None:
    found = asked({**ROLES_SITE, ROLES.format("1"): [results(*assignments)]})

    assert access(found) == known
    [gap] = found.gaps_of("confluence.space")
    assert gap.startswith(f"confluence.space/acme/KB {AT} malformed: confluence.space/acme/KB: {problem}")


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ([said({}, 403)], "forbidden: refused (403)"),
        ([said({}, 404)], "not-found: not found (404)"),
        ([results(STAFF, onward="/wiki/x?cursor=2"), said({}, 403)], "forbidden: refused (403)"),
        ([results(ANYBODY, onward="/wiki/x")], "malformed: the link to the next page is no address"),
        ([said({"results": {}})], "malformed: the answer has no list of results"),
    ],
)
def test_role_assignments_that_were_not_read_to_the_end_prove_nothing(answers: list[Answer], why: str) -> None:
    found = asked({**ROLES_SITE, ROLES.format("1"): answers})

    assert access(found) == {}
    [gap] = [each for each in found.gaps if each.kind == "confluence.space"]
    assert gap.parent == "confluence.space/acme/KB"
    assert line(gap).partition(" ")[2].partition(": ")[0].endswith(why.partition(":")[0])
    if gap.reason is not Reason.MALFORMED:
        assert gap.hint == f"{ACCOUNT}; a scoped token needs read:space.permission:confluence"


def test_a_cursor_leads_to_the_next_page_of_spaces() -> None:
    def page(asked: Asked) -> Answer:
        number = asked.query.get("cursor", "1")
        assert asked.query["status"] == "current"
        assert asked.query["limit"] == "250"
        onward = f"{SPACES}?limit=250&cursor={int(number) + 1}" if number != "3" else None
        return results(space(f"S{number}", number), onward=onward)

    found = asked({**CLASSIC_SITE, SPACES: [page]}, NAMES)

    assert (found.ids("confluence.space"), found.gaps) == (["acme/S1", "acme/S2", "acme/S3"], [])


@pytest.mark.parametrize(
    ("odd", "facts", "problem"),
    [
        ({"type": "planet"}, "name space_id status", 'type is "planet", which is not one of global, '),
        ({"status": "lost"}, "name space_id type", 'status is "lost", which is not one of current, archived'),
        ({"name": 5}, "space_id status type", "name is 5, which is not text"),
        ({"id": {}}, "name status type", "id is {}, which is not text"),
        ({"id": None}, "name status type", "id is not in the answer"),
    ],
)
def test_values_of_a_space_that_are_not_as_documented_are_gaps_and_the_rest_stays(
    odd: dict[str, Any], facts: str, problem: str
) -> None:
    found = asked({**ROLES_SITE, SPACES: [results(space("KB", "1", **odd))]}, NAMES)

    [kept] = found.resources
    assert sorted(kept.facts) == facts.split()
    [gap] = found.gaps_of("confluence.space")
    assert gap.startswith(f"confluence.space/acme/KB {AT} malformed: confluence.space/acme/KB: {problem}")


def test_a_space_without_a_key_is_a_gap() -> None:
    found = asked({**ROLES_SITE, SPACES: [results({"id": "1"})]}, NAMES)

    assert found.gaps_of("confluence.space") == [f"confluence.space/* {AT} malformed: a record without the id it should have"]


# ----------------------------------------------------------------------------------------------- which way is the right one


def test_while_a_site_passes_to_roles_what_is_seen_open_is_open_and_nothing_is_proved_closed() -> None:
    by_permission = {**TRANSITION_SITE, CLASSIC: [results(classic(permission(anonymous=True)))]}
    by_role = {**TRANSITION_SITE, ROLES.format("1"): [results(ANY_ACCOUNT)]}
    no_roles_yet = {**TRANSITION_SITE, ROLES.format("1"): [results()]}

    assert access(asked(TRANSITION_SITE)) == {}
    assert access(asked(by_permission)) == {"anonymous_access": True}
    assert access(asked(by_role)) == {"unlicensed_access": True}
    for table in (TRANSITION_SITE, by_permission, by_role, no_roles_yet):
        assert asked(table).gaps_of("confluence.space") == [
            (
                f"confluence.space/* {AT} unsupported: no interface is known to show anonymous_access and unlicensed_access"
                " of every space of a site with role_mode ROLES_TRANSITION"
            )
        ]


@pytest.mark.parametrize("mode", [{}, {"mode": None}, {"mode": "SOMETHING_NEW"}, {"mode": 1}])
def test_a_mode_that_is_not_known_leaves_unknown_who_may_look_in(mode: dict[str, Any]) -> None:
    with faulty({**CLASSIC_SITE, **ROLES_SITE, MODE: [said(mode)]}) as server:
        found = collected(StandIn(server.url, {"acme": server.url}), needs=ACCESS)

        assert {each.path for each in server.asked if each.path.startswith("/wiki")} == {MODE, SPACES}
    assert found.ids("confluence.space") == ["acme/KB"]
    assert access(found) == {}
    assert found.gaps_of("confluence.space") == [
        (
            f"confluence.space/* {AT} unsupported: no interface is known to show anonymous_access and unlicensed_access"
            " of every space of a site with no known role_mode"
        )
    ]


@pytest.mark.parametrize(
    ("status", "reason", "said_of_it"), [(403, "forbidden", "refused (403)"), (404, "not-found", "not found (404)")]
)
def test_a_mode_that_is_refused_hides_who_may_look_in_but_not_the_spaces(status: int, reason: str, said_of_it: str) -> None:
    found = asked({**CLASSIC_SITE, MODE: [said({}, status)]})

    assert found.ids("confluence.space") == ["acme/KB"]
    assert access(found) == {}
    assert [line(gap) for gap in found.gaps] == [
        f"confluence.site/acme of - {reason}: {said_of_it}",
        f"confluence.space/* {AT} {reason}: confluence.site/acme could not be read: {said_of_it}",
    ]
    assert {gap.hint for gap in found.gaps} == {f"{ACCOUNT}; a scoped token needs read:configuration:confluence; {NO_APP}"}


# ------------------------------------------------------------------------------------- a site without Confluence, or refusing


def app(type_key: str | None, host_url: str | None) -> dict[str, Any]:
    return {"id": f"{type_key} {host_url}", "attributes": {"name": "acme", "typeKey": type_key, "hostUrl": host_url}}


def without(*apps: tuple[str | None, str | None], status: int = 404, more: Table | None = None) -> list[Gap]:
    """Return the gaps of a site whose Confluence does not answer, where the organization lists these apps; `here` is the site."""
    with faulty({**COMPANY, **{path: [said({}, status)] for path in (MODE, SPACES, CLASSIC)}}) as server:
        listed = [app(key, server.url if host == "here" else host) for key, host in apps]
        server.table[WORKSPACES] = [said({"data": listed})]
        server.table.update(more or {})
        found = collected(StandIn(server.url, {"acme": server.url}), needs=ACCESS | {("org.workspace", "name")})
    assert not [each for each in found.resources if each.kind.startswith("confluence.")]
    for kind in ("confluence.site", "confluence.space"):
        assert found.coverage[kind].complete == (not found.gaps_of(kind))
    return [gap for gap in found.gaps if gap.kind.startswith("confluence.")]


JIRA_HERE = ("jira-software", "here")
ELSEWHERE = ("confluence", "https://elsewhere.example")


def test_a_site_without_confluence_has_no_spaces_and_no_gap_when_the_list_of_apps_says_so() -> None:
    assert without(JIRA_HERE) == []
    assert without(JIRA_HERE, ELSEWHERE) == []


@pytest.mark.parametrize(
    "apps",
    [
        [JIRA_HERE, ("confluence", "here")],
        [ELSEWHERE],  # the site is another organization's
        [JIRA_HERE, ("confluence", None)],
        [JIRA_HERE, (None, "here")],
        [],
    ],
)
def test_confluence_that_is_not_found_is_a_gap_unless_the_list_of_apps_rules_it_out(
    apps: list[tuple[str | None, str | None]],
) -> None:
    assert [(gap.kind, gap.reason) for gap in without(*apps)] == [
        ("confluence.site", Reason.NOT_FOUND),
        ("confluence.space", Reason.NOT_FOUND),
    ]


@pytest.mark.parametrize("status", [401, 403, 500])
def test_confluence_that_refuses_is_there_whatever_the_list_of_apps_says(status: int) -> None:
    assert {gap.reason for gap in without(JIRA_HERE, status=status)} == {
        Reason.GAVE_UP if status == 500 else Reason.FORBIDDEN,
    }


def test_a_list_of_apps_that_was_not_read_whole_rules_nothing_out() -> None:
    assert {gap.reason for gap in without(JIRA_HERE, more={WORKSPACES: [said({}, 403)]})} == {Reason.NOT_FOUND}


def test_a_list_of_spaces_that_breaks_off_with_a_404_is_a_gap_though_the_list_of_apps_knows_no_confluence() -> None:
    broken = [results(space("KB", "1"), onward=f"{SPACES}?cursor=2"), said({}, 404)]
    with faulty({**ROLES_SITE, SPACES: broken}) as server:
        server.table[WORKSPACES] = [said({"data": [app("jira-software", server.url)]})]
        found = collected(StandIn(server.url, {"acme": server.url}), needs=NAMES | {("org.workspace", "name")})

    assert found.ids("confluence.space") == ["acme/KB"]
    assert found.gaps_of("confluence.space") == [f"confluence.space/* {AT} not-found: not found (404)"]


def test_every_way_to_ask_names_a_fact_of_a_kind_that_a_site_has_one_of() -> None:
    ways = [endpoint for endpoint in walk.ENDPOINTS if endpoint.given]

    assert ways
    for endpoint in ways:
        assert endpoint.given
        given = KINDS[endpoint.given.kind]
        assert given.single
        assert {*endpoint.given.values, *endpoint.given.partly} <= set(given.facts[endpoint.given.fact].values)
