"""Play the audit logs: the organization's below /admin, and Jira's below /rest/api/3."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from . import problems
from .paging import by_cursor, by_offset, whole_number
from .problems import JsonObject, Problem
from .routes import AdminCall, Login, Parameters, Route, SiteCall
from .scenario import Audited, AuditRecord, Event, Scenario

MOST_EVENTS, USUAL_EVENTS = 500, 30
MOST_RECORDS = 1000
BAD_DATE = "ADMIN-400-3"


def events(call: AdminCall) -> JsonObject:
    """List what happened in a window of time, the latest first."""
    limit = whole_number(call.query, "limit", USUAL_EVENTS)
    if not 1 <= limit <= MOST_EVENTS:
        raise Problem(400, f"The limit has to be between 1 and {MOST_EVENTS}.", "ADMIN-400-19")
    found = [each for each in latest_first(call.scenario) if _is_between(each.time, *_milliseconds(call.query))]
    page = by_cursor(found, call.query.get("cursor"), min(limit, call.scenario.page_size), bad_cursor="ADMIN-400-1")
    url = f"{call.base_url}/v1/orgs/{call.scenario.org.id}/events"
    onward = {"next": f"{url}?cursor={page.next_cursor}"} if page.next_cursor else {}
    meta = {"next": page.next_cursor} if page.next_cursor else {}
    return {
        "data": [_event(url, each) for each in page.items],
        "meta": {**meta, "page_size": len(page.items)},
        "links": {"self": url, **onward},
    }


def audit_records(call: SiteCall) -> JsonObject:
    """List what was changed in Jira in a window of time, the latest first."""
    asked = whole_number(call.query, "limit", MOST_RECORDS)
    bounds = [_moment(call.query[name]) if name in call.query else None for name in ("from", "to")]
    found = [each for each in call.site.jira.audit_records if _is_between(each.created, *bounds)]
    found.sort(key=lambda each: datetime.fromisoformat(each.created), reverse=True)
    limit = max(1, min(asked, MOST_RECORDS, call.scenario.page_size))
    page = by_offset(found, whole_number(call.query, "offset", 0), limit)
    return {"offset": page.start, "limit": limit, "total": page.total, "records": [_record(each) for each in page.items]}


def latest_first(scenario: Scenario) -> Sequence[Event]:
    """Put the events in the order in which they are listed."""
    return sorted(scenario.events, key=lambda each: datetime.fromisoformat(each.time), reverse=True)


def _of_the_org(scenario: Scenario) -> Iterator[Parameters]:
    yield {"orgId": scenario.org.id}


ORG_ROUTES: tuple[Route[AdminCall], ...] = (
    Route(
        template="/v1/orgs/{orgId}/events",
        answer=events,
        dialect=problems.organization,
        promised_by="admin-organization.json",
        scope="read:events:admin",
        unknown_org=403,  # the document has no 404 here
        query=("cursor", "limit", "from", "to"),
        samples=_of_the_org,
        listed=lambda body: [each["id"] for each in body["data"]],
        expected=lambda scenario: [each.id for each in latest_first(scenario)],
    ),
)

SITE_ROUTES: tuple[Route[SiteCall], ...] = (
    Route(
        template="/rest/api/3/auditing/record",
        answer=audit_records,
        dialect=problems.jira,
        promised_by="jira-v3.json",
        scope="manage:jira-configuration",
        login=Login.ADMINISTER,
        query=("offset", "limit", "from", "to"),
        listed=lambda body: [str(each["id"]) for each in body["records"]],
        expected=lambda site: [
            str(each.id)
            for each in sorted(site.jira.audit_records, key=lambda each: datetime.fromisoformat(each.created), reverse=True)
        ],
    ),
)


def _milliseconds(query: Mapping[str, str]) -> list[datetime | None]:
    texts = [query.get(name) for name in ("from", "to")]
    if not all(text is None or text.isdecimal() for text in texts):
        raise Problem(400, "The time is not in milliseconds.", BAD_DATE)
    return [None if text is None else datetime.fromtimestamp(int(text) / 1000, UTC) for text in texts]


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise Problem(400, f"{text!r} is no date and time.") from error


def _is_between(time: str, since: datetime | None, until: datetime | None) -> bool:
    moment = datetime.fromisoformat(time)
    return (since is None or since <= moment) and (until is None or moment <= until)


def _event(url: str, event: Event) -> JsonObject:
    container = {"container": list(event.container)} if event.container else {}
    location = {"location": event.location} if event.location else {}
    attributes = {"time": event.time, "action": event.action, "actor": event.actor, "context": list(event.context)}
    return {
        "id": event.id,
        "type": "events",
        "attributes": {**attributes, **container, **location},
        "message": {"content": "(encrypted)", "format": "simple"},
        "links": {"self": f"{url}/{event.id}"},
    }


def _record(record: AuditRecord) -> JsonObject:
    changes = [
        {"fieldName": field} | _without_none({"changedFrom": before, "changedTo": after})
        for field, (before, after) in record.changed.items()
    ]
    return {
        "id": record.id,
        "created": record.created,
        "category": record.category,
        "summary": record.summary,
        "eventSource": "",
        **({"authorAccountId": record.author, "authorKey": f"ug:{record.author}"} if record.author else {}),
        "objectItem": _audited(record.object),
        **({"associatedItems": [_audited(each) for each in record.associated]} if record.associated else {}),
        **({"changedValues": changes} if changes else {}),
    }


def _without_none(facts: JsonObject) -> JsonObject:
    return {name: value for name, value in facts.items() if value is not None}


def _audited(thing: Audited) -> JsonObject:
    return {"id": thing.id, "name": thing.name, "typeName": thing.type}
