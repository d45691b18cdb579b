"""From two audit logs to records: what happened in the organization, and what was changed in Jira."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from scanner.collect import walk
from scanner.kinds import KINDS, fits, paths
from scanner.model import Record, Resource, Source, sort_key
from tests.fake_atlassian.scenario import Audited, AuditRecord, Event, Scenario, Site, load, names
from tests.fake_atlassian.server import StandIn
from tests.faulty import Answer, Asked, Faulty, Table, faulty, said
from tests.test_collect import AGENT, NARROW, ORG, ORGS, Collected, Played, collected

EVENT, RECORD = "org.event", "jira.audit_record"
NEEDS = frozenset({(EVENT, ""), (RECORD, "")})
KEY = "give an organization admin API key (ATLASCAN_ORG_API_KEY) with the scope read:events:admin"
ACCOUNT = (
    "give an account that may administer Jira (ATLASCAN_EMAIL and ATLASCAN_API_TOKEN);"
    " a scoped token needs manage:jira-configuration"
)
SINCE, UNTIL = datetime(2026, 11, 10, tzinfo=UTC), datetime(2026, 11, 17, tzinfo=UTC)


def of_logs(found: Collected) -> list[Record]:
    return [record for record in found.records if record.kind in (EVENT, RECORD)]


# ------------------------------------------------------------------------------------- what a scenario's collection must be


@pytest.fixture(params=names())
def played(request: pytest.FixtureRequest) -> Played:
    return Played(load(request.param), request.getfixturevalue(f"{request.param}_site"))


def wanted(scenario: Scenario) -> Iterator[Resource]:
    for event in scenario.events:
        yield Resource(
            kind=EVENT,
            id=event.id,
            name=event.action,
            facts=_event_facts(event),
            source=Source.API,
            parent=f"org/{scenario.org.id}",
        )
    for site in scenario.sites:
        yield from _wanted_records(site)


def _event_facts(event: Event) -> dict[str, Any]:
    auth, actor = event.actor.get("auth", {}), event.actor
    by = {
        "id": actor["id"],
        "name": actor.get("name"),
        "email": actor.get("email"),
        "auth_type": auth.get("authType"),
        "token_id": auth.get("tokenId"),
        "token_label": auth.get("tokenLabel"),
        "app_id": actor.get("app", {}).get("id"),
        "on_behalf_of": actor.get("onBehalfOf", {}).get("id"),
    }
    context = [_thing(each, name="name", email="email") for each in event.context]
    facts: dict[str, Any] = {"time": event.time, "action": event.action, "actor": _told(by), "context": context}
    if event.container:
        facts["container"] = [_thing(each, name="siteName") for each in event.container]
    if place := event.location:
        names_ = {"ip": "ip", "country": "countryName", "region": "regionName", "city": "city"}
        facts["location"] = {fact: place[name] for fact, name in names_.items()}
    return facts


def _thing(thing: dict[str, Any], **attributes: str) -> dict[str, str]:
    told = {fact: thing.get("attributes", {}).get(name) for fact, name in attributes.items()}
    return _told({"id": thing["id"], "type": thing.get("type"), **told})


def _wanted_records(site: Site) -> Iterator[Resource]:
    for record in site.jira.audit_records:
        yield Resource(
            kind=RECORD,
            id=f"{site.name}/{record.id}",
            name=record.summary,
            facts=_record_facts(record),
            source=Source.API,
            parent=f"jira.site/{site.name}",
        )


def _record_facts(record: AuditRecord) -> dict[str, Any]:
    changes = [_told({"field": field, "before": was, "after": became}) for field, (was, became) in record.changed.items()]
    lists = {"associated": [_audited(each) for each in record.associated], "changed_values": changes}
    return {
        "created": record.created,
        "category": record.category,
        "summary": record.summary,
        "object": _audited(record.object),
        **_told({"author": record.author}),
        **{name: list_ for name, list_ in lists.items() if list_},
    }


def _audited(thing: Audited) -> dict[str, str]:
    return {"id": thing.id, "name": thing.name, "type": thing.type}


def _told(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value is not None}


# ---------------------------------------------------------------------------------------------------- against the stand-in


def test_all_that_the_logs_hold_is_collected_and_nothing_else(played: Played) -> None:
    assert of_logs(collected(played.site, needs=NEEDS)) == sorted(wanted(played.scenario), key=sort_key)


def test_the_scenarios_tell_every_fact_on_more_than_one_page() -> None:
    """The test above would prove little otherwise."""
    scenario = load("open")
    resources = list(wanted(scenario))

    for kind in (EVENT, RECORD):
        together = [each.facts for each in resources if each.kind == kind]
        declared = KINDS[kind]
        assert {name for facts in together for name in facts} == declared.facts.keys()
        inside = {
            f"{name}.{part}" for facts in together for name, value in facts.items() if isinstance(value, dict) for part in value
        }
        assert inside == {path for path in paths(declared) if "." in path}
        assert len(together) > scenario.page_size


def test_only_what_lies_in_the_window_is_there(open_site: StandIn) -> None:
    found = collected(open_site, needs=NEEDS, window=(SINCE, UNTIL))
    times = {(each.kind, each.id): str(each.facts.get("time", each.facts.get("created"))) for each in wanted(load("open"))}
    inside = {key for key, time in times.items() if SINCE <= datetime.fromisoformat(time) <= UNTIL}

    assert {(kind, id_) for kind in (EVENT, RECORD) for id_ in found.ids(kind)} == inside
    assert {kind for kind, _ in inside} == {kind for kind, _ in times.keys() - inside} == {EVENT, RECORD}


def test_logs_that_are_refused_are_a_gap_each_that_says_what_would_lift_it(played: Played) -> None:
    """Whether the log can be read is judged by just this gap."""
    found = collected(played.site, NARROW, needs=frozenset({(EVENT, "")}))
    [gap] = found.gaps
    assert (gap.kind, gap.parent, gap.id, gap.reason, gap.hint) == (EVENT, f"org/{played.scenario.org.id}", None, "forbidden", KEY)

    found = collected(played.site, AGENT, needs=frozenset({(RECORD, "")}))
    [gap] = found.gaps
    assert (gap.kind, gap.parent, gap.id, gap.reason, gap.hint) == (RECORD, "jira.site/acme", None, "forbidden", ACCOUNT)


def test_the_logs_are_asked_for_only_where_they_are_needed(open_site: StandIn) -> None:
    found = collected(open_site, needs=frozenset({("org.event_action", ""), ("jira.project", "")}))

    assert [line for line in found.log if "/events" in line or "auditing" in line] == []


# ------------------------------------------------------------------------------------------------------------------ faults

EVENTS, RECORDS = "/admin/v1/orgs/o-1/events", "/rest/api/3/auditing/record"


def event(**more: Any) -> dict[str, Any]:  # noqa: ANN401  JSON border
    attributes = {
        "time": "2026-11-12T00:00:00Z",
        "action": "did",
        "actor": {"id": "u-1", "name": "Ada"},
        "context": [{"id": "u-2", "type": "users"}],
        "container": [{"id": "s-1", "type": "sites"}],
        "location": {"ip": "198.51.100.7"},
        **more,
    }
    return {"id": "e-1", "type": "events", "attributes": attributes, "links": {"self": "x"}}


def record(**more: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "id": 7,
        "created": "2026-11-12T00:00:00.000+0000",
        "category": "user management",
        "summary": "User created",
        "authorAccountId": "u-1",
        "objectItem": {"id": "u-2", "name": "Ben", "typeName": "USER"},
        "associatedItems": [{"id": "g-1", "name": "staff", "typeName": "GROUP"}],
        "changedValues": [{"fieldName": "email", "changedTo": "ben@acme.example"}],
        **more,
    }


def events(*data: Any, **meta: Any) -> Answer:  # noqa: ANN401
    return said({"data": data, "meta": meta})


def records(*values: Any, total: Any = None) -> Answer:  # noqa: ANN401
    return said({"records": values, "offset": 0, "limit": 1000} | ({} if total is None else {"total": total}))


LOGGED: Table = {
    ORGS: [said({"data": [{"id": "o-1"}]})],
    ORG: [said({"data": {"id": "o-1", "attributes": {"name": "Acme"}}})],
    "/rest/api/3/serverInfo": [said({"baseUrl": "https://x", "version": "1", "deploymentType": "Cloud", "serverTitle": "Acme"})],
    EVENTS: [events(event())],
    RECORDS: [records(record(), total=1), records(total=1)],
}
AT = {EVENT: ("org.event/e-1", "org/o-1"), RECORD: ("jira.audit_record/acme/7", "jira.site/acme")}


def asked_of(server: Faulty, since: datetime | None = None, until: datetime | None = None) -> Collected:
    return collected(StandIn(server.url, {"acme": server.url}), needs=NEEDS, window=(since, until))


def told(kind: str, *answers: Answer) -> tuple[dict[str, Any], list[str]]:
    """Return what is known of the one thing in a log, and the gaps."""
    path = EVENTS if kind == EVENT else RECORDS
    with faulty({**LOGGED, path: answers}) as server:
        found = asked_of(server)
    [resource] = [each for each in found.resources if each.kind == kind]
    assert all(fits(value, KINDS[kind].facts[name]) for name, value in resource.facts.items())
    return resource.facts, found.gaps_of(kind)


def of_event(**more: Any) -> tuple[dict[str, Any], list[str]]:  # noqa: ANN401
    return told(EVENT, events(event(**more)))


def of_record(**more: Any) -> tuple[dict[str, Any], list[str]]:  # noqa: ANN401
    return told(RECORD, records(record(**more)), records())


def problem(kind: str, detail: str) -> str:
    address, parent = AT[kind]
    return f"{address} of {parent} malformed: {address}: {detail}"


def test_the_window_is_asked_for_on_every_page_in_the_words_of_each_log() -> None:
    east = timezone(timedelta(hours=2))
    since, until = datetime(2026, 11, 1, 2, tzinfo=east), datetime(2026, 11, 20, 0, 0, 0, 250_000, tzinfo=UTC)
    table = {EVENTS: [events(event(), next="two"), events()], RECORDS: [records(record(), total=1), records(total=1)]}
    with faulty({**LOGGED, **table}) as server:
        asked_of(server, since, until)
        queries = {path: [each.query for each in server.asked if each.path == path] for path in (EVENTS, RECORDS)}

    milliseconds = {"limit": "500", "from": "1793491200000", "to": "1795132800250"}
    written = {"limit": "1000", "from": "2026-11-01T00:00:00.000+0000", "to": "2026-11-20T00:00:00.000+0000"}
    assert queries == {EVENTS: [milliseconds, {**milliseconds, "cursor": "two"}], RECORDS: [written, {**written, "offset": "1"}]}


def test_without_a_window_none_is_asked_for() -> None:
    with faulty(dict(LOGGED)) as server:
        asked_of(server)

        assert [each.query for each in server.asked if each.path == EVENTS] == [{"limit": "500"}]


@pytest.mark.parametrize("status", [401, 403, 404])
@pytest.mark.parametrize("kind", [EVENT, RECORD])
def test_a_refused_log_is_one_gap_of_whom_it_belongs_to(kind: str, status: int) -> None:
    path = EVENTS if kind == EVENT else RECORDS
    with faulty({**LOGGED, path: [said({}, status)]}) as server:
        [gap] = asked_of(server).gaps

    assert (gap.kind, gap.parent, gap.id) == (kind, AT[kind][1], None)
    assert gap.hint == (KEY if kind == EVENT else ACCOUNT)


@pytest.mark.parametrize(
    ("kind", "answers", "why"),
    [
        (EVENT, [events(event(), next="two"), said({}, 403)], "forbidden: refused (403)"),
        (EVENT, [events(event(), next="two"), events(event(), next="two")], "malformed: the pages go round in a circle"),
        (EVENT, [events(event(), next=5)], "malformed: the link to the next page is no text"),
        (RECORD, [records(record(), total=2), records(total=2)], "malformed: 2 were announced, but 1 came"),
        (RECORD, [records(record(), total=2), said({}, 403)], "forbidden: refused (403)"),
    ],
)
def test_a_log_that_ends_early_is_a_gap_and_what_came_is_kept(kind: str, answers: list[Answer], why: str) -> None:
    facts, gaps = told(kind, *answers)

    assert facts
    assert gaps == [f"{kind}/* of {AT[kind][1]} {why}"]


@pytest.mark.parametrize("thing", [{}, None, 5, "x", [], {"id": None, "attributes": {}}])
@pytest.mark.parametrize("kind", [EVENT, RECORD])
def test_what_has_no_id_is_a_gap_and_the_rest_is_there(kind: str, thing: object) -> None:
    answers = [events(event(), thing)] if kind == EVENT else [records(record(), thing), records()]
    _, gaps = told(kind, *answers)

    assert gaps == [f"{kind}/* of {AT[kind][1]} malformed: a record without the id it should have"]


@pytest.mark.parametrize("body", [{}, {"data": {}, "records": {}}, {"data": None, "records": "x"}, {"data": 5, "records": 5}])
@pytest.mark.parametrize("kind", [EVENT, RECORD])
def test_a_log_that_is_no_list_is_a_gap(kind: str, body: object) -> None:
    path = EVENTS if kind == EVENT else RECORDS
    with faulty({**LOGGED, path: [said(body)]}) as server:
        gaps = asked_of(server).gaps_of(kind)

    assert gaps == [f"{kind}/* of {AT[kind][1]} malformed: the answer has no list of {'data' if kind == EVENT else 'records'}"]


# ------------------------------------------------------------------------------------------------------- odd answers: events


@pytest.mark.parametrize("fact", KINDS[EVENT].facts)
@pytest.mark.parametrize("null", [True, False])
def test_what_is_not_told_of_an_event_stays_absent(fact: str, *, null: bool) -> None:
    whole = event()
    if null:
        whole["attributes"][fact] = None
    else:
        del whole["attributes"][fact]
    facts, gaps = told(EVENT, events(whole))

    assert facts.keys() == KINDS[EVENT].facts.keys() - {fact}
    assert gaps == []


@pytest.mark.parametrize(
    ("fact", "value", "detail"),
    [
        ("time", 1793491200000, "attributes.time is 1793491200000, which is not date"),
        ("action", {}, "attributes.action is {}, which is not text"),
        ("actor", "Ada", 'actor is "Ada", which is no object'),
        ("location", ["x"], 'location is ["x"], which is no object'),
        ("context", {}, "attributes.context is {}, which is not a list"),
        ("context", [{"id": "u-2"}, {"type": "users"}], 'the event speaks of {"type":"users"}, which has no id'),
        ("container", ["s-1"], 'the event speaks of "s-1", which has no id'),
    ],
)
def test_what_is_told_of_an_event_otherwise_is_a_gap(fact: str, value: object, detail: str) -> None:
    facts, gaps = of_event(**{fact: value})

    assert fact not in facts
    assert gaps == [problem(EVENT, detail)]


def test_of_an_actor_what_cannot_be_understood_is_left_out_and_said() -> None:
    facts, gaps = of_event(actor={"id": "u-1", "email": 5, "auth": {"authType": "api-token", "tokenId": ["t"]}})

    assert facts["actor"] == {"id": "u-1", "auth_type": "api-token"}
    assert gaps == [problem(EVENT, 'actor.email is 5, which is not text; actor.auth.tokenId is ["t"], which is not text')]


def test_the_message_that_comes_with_an_event_is_left_out() -> None:
    with faulty({**LOGGED, EVENTS: [events({**event(), "message": {"content": "encrypted secret"}})]}) as server:
        assert "encrypted secret" not in json.dumps([each.facts for each in asked_of(server).resources])


def test_an_event_that_comes_twice_is_one() -> None:
    with faulty({**LOGGED, EVENTS: [events(event(), next="two"), events(event(), {**event(), "id": "e-2"})]}) as server:
        found = asked_of(server)

    assert (found.ids(EVENT), found.gaps_of(EVENT)) == (["e-1", "e-2"], [])


# ------------------------------------------------------------------------------------------------------ odd answers: records

NAMES = {
    "created": "created",
    "category": "category",
    "summary": "summary",
    "author": "authorAccountId",
    "object": "objectItem",
    "associated": "associatedItems",
    "changed_values": "changedValues",
}


def test_every_fact_of_a_record_is_tried_below() -> None:
    assert NAMES.keys() == KINDS[RECORD].facts.keys()


@pytest.mark.parametrize("fact", NAMES)
def test_what_is_not_told_of_a_record_stays_absent(fact: str) -> None:
    facts, gaps = of_record(**{NAMES[fact]: None})

    assert facts.keys() == NAMES.keys() - {fact}
    assert gaps == []


@pytest.mark.parametrize(
    ("field", "value", "left", "detail"),
    [
        ("created", 5, None, "created is 5, which is not date"),
        ("category", [], None, "category is [], which is not text"),
        ("authorAccountId", 5, None, "authorAccountId is 5, which is not text"),
        ("objectItem", "Ben", {}, 'what it speaks of is "Ben", which is no object'),
        ("objectItem", {"id": 5, "name": "Ben"}, {"name": "Ben"}, "what it speaks of.id is 5, which is not text"),
        ("associatedItems", {}, None, "associatedItems is {}, which is not a list"),
        ("changedValues", [{"changedTo": "x"}], [{"after": "x"}], 'a change that does not say of what: {"changedTo":"x"}'),
        ("changedValues", [5], [{}], "a change that does not say of what: 5"),
    ],
)
def test_what_is_told_of_a_record_otherwise_is_a_gap(field: str, value: object, left: object, detail: str) -> None:
    [fact] = [fact for fact, name in NAMES.items() if name == field]
    facts, gaps = of_record(**{field: value})

    assert facts.get(fact) == left
    assert gaps == [problem(RECORD, detail)]


def test_a_value_that_became_empty_is_told_as_such() -> None:
    facts, gaps = of_record(changedValues=[{"fieldName": "email", "changedFrom": "ben@acme.example", "changedTo": ""}])

    assert facts["changed_values"] == [{"field": "email", "before": "ben@acme.example", "after": ""}]
    assert gaps == []


def test_a_log_that_grows_while_it_is_read_is_read_to_its_end() -> None:
    def grows(asked: Asked) -> Answer:
        start = int(asked.query.get("offset", "0"))
        return said({"records": [record(id=start)] if start < 3 else [], "total": start + 1 if start < 3 else 3})

    with faulty({**LOGGED, RECORDS: [grows]}) as server:
        found = asked_of(server)

    assert found.ids(RECORD) == ["acme/0", "acme/1", "acme/2"]
    assert found.gaps_of(RECORD) == []


def test_every_endpoint_of_the_logs_names_its_scope_and_where_it_is_documented() -> None:
    of_the_logs = [each for each in walk.ENDPOINTS if each.kinds[0] in (EVENT, RECORD)]

    assert [each.scope for each in of_the_logs] == ["read:events:admin", "manage:jira-configuration"]
    assert all(each.documented.startswith("https://developer.atlassian.com/cloud/") for each in of_the_logs)
