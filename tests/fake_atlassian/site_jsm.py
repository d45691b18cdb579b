"""Play what Jira Service Management publishes of a desk: its customers, their organizations, and what they may ask for."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from . import problems
from .paging import by_offset, whole_number
from .problems import JsonObject, Problem
from .routes import Login, Parameters, Route, SiteCall
from .scenario import Account, Customer, CustomerOrganization, Desk, RequestType, Site

T = TypeVar("T")

JSM = "jsm.json"
USUAL_LIMIT = 50


def customers(call: SiteCall) -> JsonObject:
    """List the customers of a desk."""
    chosen = _desk(call).customers
    return _page(call, "customer", [each for each in call.site.customers if each.id in chosen], _customer)


def organizations(call: SiteCall) -> JsonObject:
    """List the customers' organizations of a desk."""
    chosen = _desk(call).organizations
    return _page(call, "organization", [each for each in call.site.organizations if each.id in chosen], _organization)


def request_types(call: SiteCall) -> JsonObject:
    """List what customers may ask for; what only some may is left out for those who administer nothing."""
    desk, administers = _desk(call), call.account is not None and call.account.administer
    shown = [each for each in desk.request_types if administers or each.restriction_status != "RESTRICTED"]
    return _page(call, "requesttype", shown, _request_type)


def portal(call: SiteCall) -> JsonObject:
    """Tell where the portal of a desk is, as the project's settings page hears it.

    Undocumented by Atlassian: the names are those that public code reads.
    """
    key = call.parameters["projectKey"]
    desk = call.site.desks.get(key)
    if desk is None:
        raise Problem(404, f"No service desk project could be found with key '{key}'.")
    project = call.site.project_by_key[key]
    return {
        "projectId": int(project.id),
        "portalId": int(desk.id),
        "portalUrl": f"{call.base_url}/servicedesk/customer/portal/{desk.id}",
        "helpCenterUrl": f"{call.base_url}/servicedesk/customer/portals",
        "name": project.name,
        "desc": "",
        "canAdministerJIRA": True,
    }


def _of_each_key(site: Site) -> Iterator[Parameters]:
    for key in site.desks:
        yield {"projectKey": key}


def _of_each_desk(site: Site) -> Iterator[Parameters]:
    for desk in site.desks.values():
        yield {"serviceDeskId": desk.id}


def _refuses(site: Site, account: Account, parameters: Parameters) -> int | None:
    mine = {each.desk.id for each in site.desks_seen_by(account)}
    return 403 if _found(site, parameters) and parameters["serviceDeskId"] not in mine else None


def _found(site: Site, parameters: Parameters) -> Desk | None:
    return site.desk_by_id.get(parameters["serviceDeskId"])


def _ids_of(ids: Callable[[Desk], Sequence[str]]) -> Callable[[Site, Parameters], Sequence[str]]:
    return lambda site, parameters: ids(desk) if (desk := _found(site, parameters)) else ()


ROUTES: tuple[Route[SiteCall], ...] = (
    Route(
        template="/rest/servicedeskapi/servicedesk/{serviceDeskId}/customer",
        answer=customers,
        dialect=problems.service_management,
        promised_by=JSM,
        scope="manage:servicedesk-customer",
        experimental=True,
        refuses=_refuses,
        query=("start", "limit"),
        samples=_of_each_desk,
        listed=lambda body: [each["accountId"] for each in body["values"]],
        expected_of=_ids_of(lambda desk: desk.customers),
    ),
    Route(
        template="/rest/servicedeskapi/servicedesk/{serviceDeskId}/organization",
        answer=organizations,
        dialect=problems.service_management,
        promised_by=JSM,
        scope="manage:servicedesk-customer",
        refuses=_refuses,
        query=("start", "limit"),
        samples=_of_each_desk,
        listed=lambda body: [each["id"] for each in body["values"]],
        expected_of=_ids_of(lambda desk: desk.organizations),
    ),
    Route(
        template="/rest/servicedeskapi/servicedesk/{serviceDeskId}/requesttype",
        answer=request_types,
        dialect=problems.service_management,
        promised_by=JSM,
        scope="read:servicedesk-request",
        refuses=_refuses,
        query=("start", "limit"),
        samples=_of_each_desk,
        listed=lambda body: [each["id"] for each in body["values"]],
        expected_of=_ids_of(lambda desk: [each.id for each in desk.request_types]),
    ),
    Route(
        template="/rest/servicedesk/1/servicedesk-data/{projectKey}",
        answer=portal,
        dialect=problems.jira,
        promised_by=None,
        unpromised_because="the settings page's own endpoint: Atlassian has not published it",
        login=Login.ADMINISTER,
        samples=_of_each_key,
    ),
)


def _desk(call: SiteCall) -> Desk:
    found = _found(call.site, call.parameters)
    if found is None:
        raise Problem(404, "The service desk does not exist.")
    return found


def _page(call: SiteCall, what: str, items: Sequence[T], shown: Callable[[SiteCall, T], JsonObject]) -> JsonObject:
    limit = max(1, min(whole_number(call.query, "limit", USUAL_LIMIT), call.scenario.page_size))
    page = by_offset(items, whole_number(call.query, "start", 0), limit)
    base = f"{call.base_url}/rest/servicedeskapi"
    url = f"{base}/servicedesk/{call.parameters['serviceDeskId']}/{what}"
    links = {"base": base, "context": "", "self": f"{url}?start={page.start}&limit={limit}"}
    if not page.is_last:
        links["next"] = f"{url}?start={page.end}&limit={limit}"
    return {
        "_expands": [],
        "size": len(page.items),
        "start": page.start,
        "limit": limit,
        "isLastPage": page.is_last,
        "_links": links,
        "values": [shown(call, each) for each in page.items],
    }


def _customer(call: SiteCall, customer: Customer) -> JsonObject:
    return {
        "accountId": customer.id,
        "emailAddress": customer.email,
        "displayName": customer.name,
        "active": customer.active,
        "timeZone": "Europe/Berlin",
        "_links": {"self": f"{call.base_url}/rest/api/2/user?accountId={customer.id}", "avatarUrls": {}},
    }


def _organization(call: SiteCall, organization: CustomerOrganization) -> JsonObject:
    links = {"self": f"{call.base_url}/rest/servicedeskapi/organization/{organization.id}"}
    return {"_links": links, "id": organization.id, "name": organization.name, "scimManaged": False}


def _request_type(call: SiteCall, request_type: RequestType) -> JsonObject:
    desk_id = call.parameters["serviceDeskId"]
    status = request_type.restriction_status
    return {
        "_expands": [],
        "id": request_type.id,
        "_links": {"self": f"{call.base_url}/rest/servicedeskapi/servicedesk/{desk_id}/requesttype/{request_type.id}"},
        "name": request_type.name,
        "description": request_type.name,
        "issueTypeId": "10001",
        "serviceDeskId": desk_id,
        "portalId": desk_id,
        "groupIds": [],
        **({"restrictionStatus": status} if status else {}),
    }
