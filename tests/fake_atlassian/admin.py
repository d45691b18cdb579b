"""Play the organization's admin API: /admin on api.atlassian.com."""

from collections.abc import Iterator, Sequence
from typing import TypeVar
from urllib.parse import quote

from . import audit, directories, problems
from .paging import Page, by_cursor, whole_number
from .problems import JsonObject, Problem
from .routes import AdminCall, Parameters, Route
from .scenario import AccessDomain, ApiKey, ApiToken, Domain, Org, OrgPolicy, Scenario, Workspace

T = TypeVar("T")

DOCUMENT = "admin-organization.json"
MOST_WORKSPACES = 1000
MOST_ACCESS_DOMAINS = 100
USUAL_LIMIT = 20


def orgs(call: AdminCall) -> JsonObject:
    """List the organizations of the key: it has one."""
    page = _v1_page(call, [call.scenario.org])
    return {"data": [_org(call, org) for org in page.items], "links": _v1_links(call, "/v1/orgs", page)}


def org(call: AdminCall) -> JsonObject:
    """Show the organization."""
    return {"data": _org(call, call.scenario.org)}


def domains(call: AdminCall) -> JsonObject:
    """List the domains that the organization claims."""
    path = f"/v1/orgs/{call.scenario.org.id}/domains"
    page = _v1_page(call, call.scenario.domains)
    return {"data": [_domain(call, path, each) for each in page.items], "links": _v1_links(call, path, page)}


def workspaces(call: AdminCall) -> JsonObject:
    """List the products of the organization's sites."""
    page = by_cursor(call.scenario.workspaces, *_workspaces_wanted(call), bad_cursor="ADMIN-400-4")
    self_url = f"{call.base_url}/v2/orgs/{call.scenario.org.id}/workspaces"
    return {
        "data": [_workspace(call, each) for each in page.items],
        "links": _without_none({"self": self_url, "next": page.next_cursor, "prev": page.previous_cursor}),
        "meta": {"pageSize": len(page.items), "startIndex": page.start, "endIndex": page.end, "total": page.total},
    }


def access_domains(call: AdminCall) -> JsonObject:
    """List the approved domains, in alphabetical order."""
    page = by_cursor(
        _listed_access_domains(call.scenario),
        call.query.get("cursor"),
        _access_limit(call),
        bad_cursor="ADMIN-UAM-400-1",
    )
    url = f"{call.base_url}/v2/orgs/{call.scenario.org.id}/app-access-settings/domains"
    links = {
        "self": url,
        "next": _cursor_url(url, page.next_cursor, page.limit),
        "prev": _cursor_url(url, page.previous_cursor, page.limit),
    }
    return {"data": [_access_summary(each) for each in page.items], "links": links}


def access_domain(call: AdminCall) -> JsonObject:
    """Show an approved domain; one that nobody approved is shown as not enabled, it is not an error."""
    name = call.parameters["domain"]
    found = (each for each in call.scenario.access_domains if each.domain == name)
    return _access_detail(next(found, AccessDomain(domain=name, enabled=False)))


def policies(call: AdminCall) -> JsonObject:
    """List the organization's policies, of one type or of all."""
    path = f"/v1/orgs/{call.scenario.org.id}/policies"
    wanted = call.query.get("type")
    page = _v1_page(call, [each for each in call.scenario.policies if wanted in (None, each.type)])
    return {
        "data": [_policy(each) for each in page.items],
        "meta": {"next": page.next_cursor, "page_size": len(page.items)},
        "links": _v1_links(call, path, page),
    }


def event_actions(call: AdminCall) -> JsonObject:
    """Name all that the audit log can tell of."""
    return {
        "data": [
            {
                "id": each.id,
                "type": "eventActions",
                "attributes": {"displayName": each.display_name, "groupDisplayName": each.group_display_name},
            }
            for each in call.scenario.event_actions
        ]
    }


def api_tokens(call: AdminCall) -> JsonObject:
    """List the API tokens of the organization's people."""
    page = _access_page(call, call.scenario.api_tokens)
    return {"data": [_api_token(call.scenario, each) for each in page.items], "links": _without_none({"next": page.next_cursor})}


def api_keys(call: AdminCall) -> JsonObject:
    """List the organization's API keys."""
    page = _access_page(call, call.scenario.api_keys)
    return {"data": [_api_key(each) for each in page.items], "links": _without_none({"next": page.next_cursor})}


def service_accounts(call: AdminCall) -> JsonObject:
    """List the accounts for programs. Their shape is not known: it is made up of what public code reads elsewhere."""
    page = _access_page(call, call.scenario.service_accounts)
    accounts = [{"id": each.id, "displayName": each.name, "status": each.status} for each in page.items]
    return {"data": accounts, "links": _without_none({"next": page.next_cursor})}


def _of_the_org(scenario: Scenario) -> Iterator[Parameters]:
    yield {"orgId": scenario.org.id}


def _of_each_access_domain(scenario: Scenario) -> Iterator[Parameters]:
    for name in ("ANYONE", "nobody-approved.example", *(each.domain for each in scenario.access_domains)):
        yield {"orgId": scenario.org.id, "domain": name}


def _listed_access_domains(scenario: Scenario) -> list[AccessDomain]:
    listed = [each for each in scenario.access_domains if each.enabled or each.domain != "ANYONE"]
    return sorted(listed, key=lambda each: each.domain)


_ACCESS_UNSEEN = "Atlassian documents it on a page of its own, whose OpenAPI document is not at hand; as public code reads it"

ROUTES: tuple[Route[AdminCall], ...] = (
    Route(
        template="/v1/orgs",
        answer=orgs,
        dialect=problems.organization,
        promised_by=DOCUMENT,
        query=("cursor",),
        listed=lambda body: [each["id"] for each in body["data"]],
        expected=lambda scenario: [scenario.org.id],
    ),
    Route(
        template="/v1/orgs/{orgId}",
        answer=org,
        dialect=problems.organization,
        promised_by=DOCUMENT,
        scope="read:orgs:admin",
        samples=_of_the_org,
    ),
    Route(
        template="/v1/orgs/{orgId}/domains",
        answer=domains,
        dialect=problems.organization,
        promised_by=DOCUMENT,
        scope="read:domains:admin",
        unknown_org=403,  # the document has no 404 here
        query=("cursor",),
        samples=_of_the_org,
        listed=lambda body: [each["attributes"]["name"] for each in body["data"]],
        expected=lambda scenario: [each.name for each in scenario.domains],
    ),
    Route(
        method="POST",
        template="/v2/orgs/{orgId}/workspaces",
        answer=workspaces,
        dialect=problems.workspaces,
        promised_by=DOCUMENT,
        scope="read:workspaces:admin",
        samples=_of_the_org,
        listed=lambda body: [each["id"] for each in body["data"]],
        expected=lambda scenario: [each.id for each in scenario.workspaces],
    ),
    Route(
        template="/v2/orgs/{orgId}/app-access-settings/domains",
        answer=access_domains,
        dialect=problems.app_access,
        promised_by=DOCUMENT,
        scope="read:app-access-settings:admin",
        query=("cursor", "limit"),
        samples=_of_the_org,
        listed=lambda body: [each["domain"] for each in body["data"]],
        expected=lambda scenario: [each.domain for each in _listed_access_domains(scenario)],
    ),
    Route(
        template="/v2/orgs/{orgId}/app-access-settings/domains/{domain}",
        answer=access_domain,
        dialect=problems.app_access,
        promised_by=DOCUMENT,
        scope="read:app-access-settings:admin",
        samples=_of_each_access_domain,
    ),
    Route(
        template="/v1/orgs/{orgId}/policies",
        answer=policies,
        dialect=problems.organization,
        promised_by=DOCUMENT,
        scope="read:policies:admin",  # named by public code, not by the document
        unknown_org=403,  # the document has no 404 here
        query=("cursor", "type"),
        samples=_of_the_org,
        listed=lambda body: [each["id"] for each in body["data"]],
        expected=lambda scenario: [each.id for each in scenario.policies],
    ),
    Route(
        template="/v1/orgs/{orgId}/event-actions",
        answer=event_actions,
        dialect=problems.organization,
        promised_by=DOCUMENT,
        scope="read:events:admin",
        samples=_of_the_org,
    ),
    Route(
        template="/api-access/v1/orgs/{orgId}/api-tokens",
        answer=api_tokens,
        dialect=problems.organization,
        promised_by=None,
        unpromised_because="Atlassian documents it with an example answer; the OpenAPI document is not at hand",
        scope="read:tokens:admin",
        query=("cursor", "pageSize"),
        samples=_of_the_org,
        listed=lambda body: [each["id"] for each in body["data"]],
        expected=lambda scenario: [each.id for each in scenario.api_tokens],
    ),
    Route(
        template="/api-access/v1/orgs/{orgId}/api-keys",
        answer=api_keys,
        dialect=problems.organization,
        promised_by=None,
        unpromised_because=_ACCESS_UNSEEN,
        scope="read:keys:admin",
        query=("cursor", "pageSize"),
        samples=_of_the_org,
        listed=lambda body: [each["id"] for each in body["data"]],
        expected=lambda scenario: [each.id for each in scenario.api_keys],
    ),
    Route(
        template="/api-access/v1/orgs/{orgId}/service-accounts",
        answer=service_accounts,
        dialect=problems.organization,
        promised_by=None,
        unpromised_because=_ACCESS_UNSEEN,
        scope="read:service-accounts:admin",
        query=("cursor",),
        samples=_of_the_org,
        listed=lambda body: [each["id"] for each in body["data"]],
        expected=lambda scenario: [each.id for each in scenario.service_accounts],
    ),
    *audit.ORG_ROUTES,
    *directories.ROUTES,
)


def _v1_page(call: AdminCall, items: Sequence[T]) -> Page[T]:
    return by_cursor(items, call.query.get("cursor"), call.scenario.page_size, bad_cursor="ADMIN-400-1")


def _v1_links(call: AdminCall, path: str, page: Page[T]) -> JsonObject:
    url = call.base_url + path
    links = {"self": url, "next": _cursor_url(url, page.next_cursor), "prev": _cursor_url(url, page.previous_cursor)}
    return _without_none(links)


def _cursor_url(url: str, cursor: str | None, limit: int | None = None) -> str | None:
    if cursor is None:
        return None
    return f"{url}?cursor={quote(cursor)}" + (f"&limit={limit}" if limit else "")


def _without_none(links: JsonObject) -> JsonObject:
    return {name: link for name, link in links.items() if link is not None}


def _org(call: AdminCall, org: Org) -> JsonObject:
    url = f"{call.base_url}/v1/orgs/{org.id}"
    return {
        "id": org.id,
        "type": "orgs",
        "attributes": {"name": org.name},
        "relationships": {"domains": {"links": {"related": f"{url}/domains"}}, "users": {"links": {"related": f"{url}/users"}}},
        "links": {"self": url},
    }


def _domain(call: AdminCall, path: str, domain: Domain) -> JsonObject:
    claim = {"status": domain.claim_status, "type": domain.claim_type}
    return {
        "id": domain.name,
        "type": "domains",
        "attributes": {"name": domain.name, "claim": claim},
        "links": {"self": f"{call.base_url}{path}/{domain.name}"},
    }


def _access_page(call: AdminCall, items: Sequence[T]) -> Page[T]:
    limit = min(whole_number(call.query, "pageSize", USUAL_LIMIT), call.scenario.page_size)
    return by_cursor(items, call.query.get("cursor"), limit, bad_cursor="ADMIN-400-1")


def _api_token(scenario: Scenario, token: ApiToken) -> JsonObject:
    times = {"createdAt": token.created_at, "expiresAt": token.expires_at, "lastActiveAt": token.last_active_at}
    owner = scenario.user_by_id.get(token.user)
    known = {"orgId": scenario.org.id, "name": owner.name, "email": owner.email} if owner else {}
    user = {"id": token.user, **known}
    return {"id": token.id, "label": token.label, "status": token.status, "user": user, **_without_none(times)}


def _api_key(key: ApiKey) -> JsonObject:
    times = {"createdAt": key.created_at, "expiresAt": key.expires_at}
    return {"id": key.id, "label": key.label, "createdBy": None, "revocationDate": key.revoked_at, **_without_none(times)}


def _policy(policy: OrgPolicy) -> JsonObject:
    rule = {} if policy.lets_in is None else {"rule": {"in": list(policy.lets_in)}}
    resources = [{"id": id_, "applicationStatus": status} for id_, status in policy.resources.items()]
    attributes = {"type": policy.type, "name": policy.name, "status": policy.status, **rule, "resources": resources}
    return {"id": policy.id, "type": "policy", "attributes": attributes}


def _workspaces_wanted(call: AdminCall) -> tuple[str | None, int]:
    cursor, limit = call.body.get("cursor"), call.body.get("limit", USUAL_LIMIT)
    if cursor is not None and len(call.body) > 1:
        raise Problem(400, "When a cursor is provided, no other properties may be present.", "ADMIN-400-4")
    if unplayed := call.body.keys() - {"cursor", "limit"}:
        raise Problem(400, f"The stand-in does not play {', '.join(sorted(unplayed))}.", "ADMIN-400-4")
    if not isinstance(limit, int) or not 1 <= limit <= MOST_WORKSPACES:
        raise Problem(400, f"The limit has to be between 1 and {MOST_WORKSPACES}.", "ADMIN-400-4")
    return cursor, min(limit, call.scenario.page_size)


def _workspace(call: AdminCall, workspace: Workspace) -> JsonObject:
    return {
        "id": workspace.id,
        "type": "workspace",
        "attributes": {
            "name": workspace.name,
            "typeKey": workspace.type_key,
            "type": workspace.type_key,
            "owner": f"ari:cloud:platform::org/{call.scenario.org.id}",
            "status": workspace.status,
            "statusDetails": [],
            "hostUrl": call.site_urls[workspace.site],
            "realm": "us-east-1",
            "regions": [],
            "labels": [],
            "sandbox": {"type": "NONE"},
        },
        "links": {"self": f"{call.base_url}/v2/orgs/{call.scenario.org.id}/workspaces/{quote(workspace.id, safe='')}"},
        "relationships": _entitlements(workspace),
    }


def _entitlements(workspace: Workspace) -> JsonObject:
    if workspace.plan is None:
        return {}
    attributes = {"key": workspace.type_key, "plan": workspace.plan, "planKey": workspace.plan.lower()}
    return {"entitlements": [{"id": f"{workspace.id}/entitlement", "type": "entitlement", "attributes": attributes}]}


def _access_limit(call: AdminCall) -> int:
    limit = whole_number(call.query, "limit", USUAL_LIMIT)
    if not 1 <= limit <= MOST_ACCESS_DOMAINS:
        raise Problem(400, f"The limit has to be between 1 and {MOST_ACCESS_DOMAINS}.")
    return min(limit, call.scenario.page_size)


def _access_summary(access: AccessDomain) -> JsonObject:
    return {"domain": access.domain, "enabled": access.enabled, "numberOfProductsAppliesTo": len(access.products)}


def _access_detail(access: AccessDomain) -> JsonObject:
    products = [
        {"productId": each.product_id, "accessMode": each.access_mode, "defaultRole": each.default_role} for each in access.products
    ]
    return {
        "domain": access.domain,
        "enabled": access.enabled,
        "adminNotifications": access.admin_notifications,
        "products": products,
    }
