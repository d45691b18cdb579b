"""The customers of desks, their organizations and what they may ask for: one resource each, however many desks speak of it."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scanner import kinds
from scanner.collect.journal import Journal
from scanner.kinds import Fact, FactType, Kind, Scope
from scanner.model import Gap, Reason, Record, Resource, Source, sort_key
from tests.fake_atlassian.scenario import Site, load, names
from tests.fake_atlassian.server import StandIn
from tests.faulty import Answer, Faulty, Table, faulty, said
from tests.test_collect import AGENT, COMPANY, PERMISSIONS, Collected, Played, collected, line, listed

WHOM = frozenset({"jsm.customer", "jsm.organization", "jsm.request_type"})
NEEDS = frozenset((kind, "") for kind in WHOM)
HINTS = {
    "jsm.customer": "give an account that may see the customers of this service project;"
    " a scoped token needs manage:servicedesk-customer",
    "jsm.organization": "give an account that is an agent of this service project;"
    " a scoped token needs manage:servicedesk-customer",
    "jsm.request_type": "give an account that administers this service project; a scoped token needs read:servicedesk-request",
}


@pytest.fixture(params=names())
def played(request: pytest.FixtureRequest) -> Played:
    return Played(load(request.param), request.getfixturevalue(f"{request.param}_site"))


def wanted(site: Site) -> Iterator[Record]:
    at = f"jira.site/{site.name}"
    for customer in site.customers:
        facts: dict[str, Any] = {"display_name": customer.name, "active": customer.active}
        facts |= {"email": customer.email} if customer.email else {}
        facts["desks"] = [f"{site.name}/{key}" for key, desk in sorted(site.desks.items()) if customer.id in desk.customers]
        yield Resource(
            kind="jsm.customer",
            id=f"{site.name}/{customer.id}",
            name=customer.name,
            facts=facts,
            source=Source.API_EXPERIMENTAL,
            parent=at,
        )
    for each in site.organizations:
        desks = [f"{site.name}/{key}" for key, desk in sorted(site.desks.items()) if each.id in desk.organizations]
        facts = {"name": each.name, "desks": desks}
        yield Resource(
            kind="jsm.organization", id=f"{site.name}/{each.id}", name=each.name, facts=facts, source=Source.API, parent=at
        )
    for key, desk in site.desks.items():
        for type_ in desk.request_types:
            facts = {"name": type_.name} | ({"restriction_status": type_.restriction_status} if type_.restriction_status else {})
            yield Resource(
                kind="jsm.request_type",
                id=f"{site.name}/{type_.id}",
                name=type_.name,
                facts=facts,
                source=Source.API,
                parent=f"jsm.service_desk/{site.name}/{key}",
            )


def of_whom(found: Collected) -> list[Record]:
    return [record for record in found.records if record.kind in WHOM]


# ---------------------------------------------------------------------------------------------------- against the stand-in


def test_whom_the_desks_serve_is_collected_whole_and_nobody_twice(played: Played) -> None:
    [site] = played.scenario.sites

    assert of_whom(collected(played.site, needs=NEEDS)) == sorted(wanted(site), key=sort_key)


def test_the_scenarios_have_customers_of_several_desks_and_lists_of_several_pages() -> None:
    """The test above would prove little otherwise."""
    for name in names():
        [site] = load(name).sites
        assert max(sum(each.id in desk.customers for desk in site.desks.values()) for each in site.customers) > 1
    assert max(len(desk.customers) for desk in load("demo").sites[0].desks.values()) > load("demo").page_size


def test_many_requests_at_a_time_give_the_same_desks_in_the_same_order(played: Played) -> None:
    one, many = (collected(played.site, needs=NEEDS, concurrency=number) for number in (1, 8))

    assert one.records == many.records


def test_an_account_that_is_no_agent_of_a_desk_leaves_a_gap_for_that_desk(locked_site: StandIn) -> None:
    table: Table = {**SERVED, CUSTOMERS.format("2IT"): [said({"errorMessage": "Not you."}, 403)]}

    found = asked(table)
    assert found.gaps_of("jsm.customer") == ["jsm.customer/* of jsm.service_desk/acme/IT forbidden: refused (403): Not you."]
    assert found.coverage["jsm.customer"].complete is False
    # The desks that the account does not see at all are gaps of the list of desks, and of all that lies below it.
    agent = collected(locked_site, AGENT, needs=NEEDS)
    assert [gap.parent for gap in agent.gaps if gap.kind == "jsm.customer"] == ["jira.site/acme"]


@pytest.mark.parametrize("kind", sorted(WHOM))
@pytest.mark.parametrize(("status", "reason"), [(403, Reason.FORBIDDEN), (404, Reason.NOT_FOUND)])
def test_each_refusal_says_what_lifts_it(kind: str, status: int, reason: Reason) -> None:
    found = asked({**SERVED, PATHS[kind].format("2HR"): [said({}, status)]})

    [gap] = [gap for gap in found.gaps if gap.kind == kind]
    assert (gap.reason, gap.parent, gap.id) == (reason, "jsm.service_desk/acme/HR", None)
    assert gap.hint == HINTS[kind]


def test_restricted_request_types_may_be_left_out_for_who_administers_nothing() -> None:
    found = asked({**SERVED, PERMISSIONS: [said({"permissions": {"ADMINISTER": {"havePermission": False}}})]})

    why = "forbidden: the account does not hold the permission ADMINISTER, so the list may leave some out"
    assert found.gaps_of("jsm.request_type")[1:] == [
        f"jsm.request_type/* of jsm.service_desk/acme/{key} {why}" for key in ("HR", "IT")
    ]


# ------------------------------------------------------------------------------------------------------------- odd answers

CUSTOMERS = "/rest/servicedeskapi/servicedesk/{}/customer"
ORGANIZATIONS = "/rest/servicedeskapi/servicedesk/{}/organization"
REQUEST_TYPES = "/rest/servicedeskapi/servicedesk/{}/requesttype"
PATHS = {"jsm.customer": CUSTOMERS, "jsm.organization": ORGANIZATIONS, "jsm.request_type": REQUEST_TYPES}


def customer(id_: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401  JSON border
    return {"accountId": id_, "emailAddress": f"{id_}@x.example", "displayName": id_, "active": True, **more}


SERVED: Table = {
    **COMPANY,
    CUSTOMERS.format("2HR"): [listed(customer("ann"))],
    CUSTOMERS.format("2IT"): [listed(customer("ann"))],
    **{path.format(desk): [listed()] for path in (ORGANIZATIONS, REQUEST_TYPES) for desk in ("2HR", "2IT")},
}


def asked(table: Table) -> Collected:
    with faulty(table) as server:
        return asked_of(server)


def asked_of(server: Faulty) -> Collected:
    return collected(StandIn(server.url, {"acme": server.url}), needs=NEEDS)


def told(*customers: Answer) -> list[str]:
    """Return what is known of customers when the first desk answers so."""
    found = asked({**SERVED, CUSTOMERS.format("2HR"): customers})
    return [line(record) for record in found.records if record.kind == "jsm.customer"]


ANN_OF_IT = 'jsm.customer/acme/ann {"active": true, "desks": ["acme/IT"], "display_name": "ann", "email": "ann@x.example"}'
ANN_OF_NOBODY_KNOWS_WHICH = 'jsm.customer/acme/ann {"active": true, "display_name": "ann", "email": "ann@x.example"}'
ANN_OF_BOTH = ANN_OF_IT.replace("[", '["acme/HR", ')


def test_a_customer_of_two_desks_is_one_with_both() -> None:
    assert told(listed(customer("ann"))) == [ANN_OF_BOTH]


def test_only_what_is_experimental_is_asked_for_as_such() -> None:
    with faulty(dict(SERVED)) as server:
        asked_of(server)

        opted = {each.path for each in server.asked if each.headers.get("x-experimentalapi") == "opt-in"}
    assert opted == {CUSTOMERS.format("2HR"), CUSTOMERS.format("2IT")}


def test_what_the_privacy_settings_hide_is_absent_not_null() -> None:
    assert told(listed(customer("eve", emailAddress=None))) == [
        ANN_OF_IT,
        'jsm.customer/acme/eve {"active": true, "desks": ["acme/HR"], "display_name": "eve"}',
    ]


def test_what_two_desks_say_otherwise_of_one_customer_is_not_known() -> None:
    assert told(listed(customer("ann", active=False))) == [
        ("jsm.customer/acme/ann of jira.site/acme malformed: two answers about jsm.customer/acme/ann disagree on active"),
        ANN_OF_BOTH.replace('"active": true, ', ""),
    ]


def test_a_customer_without_an_id_is_a_gap_for_its_desk() -> None:
    assert told(listed({"displayName": "Nobody"}, customer("ann"))) == [
        "jsm.customer/* of jsm.service_desk/acme/HR malformed: a record without the id it should have",
        ANN_OF_NOBODY_KNOWS_WHICH,
    ]


def test_values_of_the_wrong_type_are_gaps_and_the_rest_stays() -> None:
    assert told(listed(customer("eve", active="yes", emailAddress=5))) == [
        (
            "jsm.customer/acme/eve of jira.site/acme malformed: jsm.customer/acme/eve: emailAddress is 5, which is not text;"
            ' active is "yes", which is not true or false'
        ),
        ANN_OF_IT,
        'jsm.customer/acme/eve {"desks": ["acme/HR"], "display_name": "eve"}',
    ]


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ([listed(customer("ann"), is_last=False), said({}, 403)], "forbidden: refused (403)"),
        ([listed(customer("ann"), is_last=False), listed(is_last=False)], "malformed: an empty page that is not the last"),
        ([said({"values": None, "isLastPage": True})], "malformed: the answer has no list of values"),
    ],
)
def test_a_list_that_ends_early_is_a_gap_and_what_came_is_kept(answers: list[Answer], why: str) -> None:
    """Of which desks somebody is a customer is then known of nobody: the rest of the list might have told of one more."""
    assert told(*answers) == [f"jsm.customer/* of jsm.service_desk/acme/HR {why}", ANN_OF_NOBODY_KNOWS_WHICH]


@pytest.mark.parametrize("status", ["HIDDEN", 5, []])
def test_a_restriction_that_atlassian_does_not_document_cannot_be_judged(status: object) -> None:
    found = asked({**SERVED, REQUEST_TYPES.format("2HR"): [listed({"id": "7", "name": "Leave", "restrictionStatus": status})]})

    [gap, type_] = [line(record) for record in found.records if record.kind == "jsm.request_type"]
    assert type_ == 'jsm.request_type/acme/7 {"name": "Leave"}'
    assert gap.startswith(
        "jsm.request_type/acme/7 of jsm.service_desk/acme/HR malformed: jsm.request_type/acme/7: restrictionStatus"
    )
    assert gap.endswith("which is not one of OPEN, RESTRICTED")


def test_desks_that_cannot_be_listed_leave_their_customers_unknown() -> None:
    found = asked({**SERVED, "/rest/servicedeskapi/servicedesk": [said({}, 403)]})

    assert {gap.kind for gap in found.gaps if gap.reason is Reason.FORBIDDEN} >= WHOM
    assert not [record for record in of_whom(found) if isinstance(record, Resource)]


# ----------------------------------------------------------------------------------------------------------------- portals

PORTAL = "/rest/servicedesk/1/servicedesk-data/{}"
ODD_PORTAL = "jsm.service_desk/acme/HR of jira.site/acme malformed: jsm.service_desk/acme/HR:"
PORTALS = frozenset({("jsm.service_desk", "portal_url")})


def portals(found: Collected) -> dict[str, dict[str, Any]]:
    """Return what is known of each desk from the undocumented answer."""
    return {
        each.id: each.facts for each in found.resources if each.kind == "jsm.service_desk" and each.source is Source.UNDOCUMENTED
    }


def told_of_portals(*answers: Answer) -> tuple[dict[str, dict[str, Any]], list[str]]:
    table: Table = {
        **COMPANY,
        PORTAL.format("HR"): answers,
        PORTAL.format("IT"): [said({"portalId": 2, "portalUrl": "https://p/2"})],
    }
    with faulty(table) as server:
        found = collected(StandIn(server.url, {"acme": server.url}), needs=PORTALS)
    return portals(found), found.gaps_of("jsm.service_desk")


def test_every_desk_knows_its_portal(played: Played) -> None:
    [site] = played.scenario.sites
    url = f"{played.site.sites[site.name]}/servicedesk/customer/portal"
    found = collected(played.site, needs=PORTALS)

    assert portals(found) == {
        f"{site.name}/{key}": {"portal_id": desk.id, "portal_url": f"{url}/{desk.id}"} for key, desk in site.desks.items()
    }
    assert found.gaps_of("jsm.service_desk") == []


def test_portals_are_asked_for_only_where_they_are_needed_and_wanted(open_site: StandIn) -> None:
    unneeded = collected(open_site, needs=frozenset({("jsm.service_desk", "name")}))
    unwanted = collected(open_site, needs=PORTALS, undocumented=False)

    assert [each for each in (*unneeded.log, *unwanted.log) if "servicedesk-data" in each] == []
    assert unneeded.gaps_of("jsm.service_desk") == []
    assert {(gap.parent, gap.reason) for gap in unwanted.gaps if gap.kind == "jsm.service_desk"} == {
        (f"jsm.service_desk/acme/{key}", Reason.OPT_IN_OFF) for key in load("open").sites[0].desks
    }


@pytest.mark.parametrize(
    ("answer", "known", "gap"),
    [
        (said({}, 403), None, "jsm.service_desk/* of jsm.service_desk/acme/HR forbidden: refused (403)"),
        (
            said({}),
            {},
            f"{ODD_PORTAL} the answer about its portal does not say which it is",
        ),
        (
            said({"portalId": "7", "portalUrl": 5}),
            {"portal_id": "7"},
            f"{ODD_PORTAL} portalUrl is 5, which is not text",
        ),
    ],
)
def test_a_portal_that_is_not_told_is_a_gap_of_its_desk(answer: Answer, known: dict[str, Any] | None, gap: str) -> None:
    of_it = {"acme/IT": {"portal_id": "2", "portal_url": "https://p/2"}}

    assert told_of_portals(answer) == ({**of_it, **({} if known is None else {"acme/HR": known})}, [gap])


# ------------------------------------------------------------------------------------------------------ lists put together

PARTS = Kind(
    "test.parts",
    "thing",
    "A thing that several answers speak of.",
    Scope.ORG,
    {
        "names": Fact(FactType.TEXTS, "put together", united=True),
        "things": Fact(FactType.OBJECTS, "put together", united=True, key="id"),
        "whole": Fact(FactType.TEXTS, "told whole by each"),
    },
    "id",
)


def folded(monkeypatch: pytest.MonkeyPatch, *answers: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    monkeypatch.setitem(kinds.KINDS, PARTS.name, PARTS)
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder) / "a.journal")
        for facts in answers:
            journal.add([Resource(kind=PARTS.name, id="1", name="1", facts=facts, source=Source.API)])
        records = list(journal.sorted())
        journal.close()
    [resource] = [record for record in records if isinstance(record, Resource)]
    return resource.facts, [record.detail for record in records if isinstance(record, Gap)]


def test_lists_declared_as_united_are_put_together_each_item_once(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[dict[str, Any]] = [{"names": ["b", "a"]}, {"names": ["c", "a"]}, {"names": []}]

    assert folded(monkeypatch, *answers) == ({"names": ["a", "b", "c"]}, [])
    assert folded(monkeypatch, *reversed(answers)) == ({"names": ["a", "b", "c"]}, [])


def test_lists_of_objects_are_put_together_too(monkeypatch: pytest.MonkeyPatch) -> None:
    assert folded(monkeypatch, {"things": [{"id": 2, "b": 1}]}, {"things": [{"b": 1, "id": 2}, {"id": 1}]}) == (
        {"things": [{"b": 1, "id": 2}, {"id": 1}]},
        [],
    )


def test_an_answer_that_leaves_the_list_out_takes_nothing_away(monkeypatch: pytest.MonkeyPatch) -> None:
    assert folded(monkeypatch, {"names": ["a"]}, {"whole": ["x"]}) == ({"names": ["a"], "whole": ["x"]}, [])


def test_lists_that_each_answer_tells_whole_are_held_against_each_other_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    assert folded(monkeypatch, {"whole": ["x"], "names": ["a"]}, {"whole": ["y"], "names": ["b"]}) == (
        {"names": ["a", "b"]},
        ["two answers about test.parts/1 disagree on whole"],
    )


def test_a_united_list_that_is_null_in_one_answer_is_a_disagreement(monkeypatch: pytest.MonkeyPatch) -> None:
    assert folded(monkeypatch, {"names": ["a"]}, {"names": None}) == ({}, ["two answers about test.parts/1 disagree on names"])
