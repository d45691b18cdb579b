"""The organization: who it is, its apps, its domains, who may join by themselves, its people and their groups, its policies."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from scanner.collect.api import Surface
from scanner.collect.endpoint import (
    About,
    Endpoint,
    Lookup,
    Pager,
    Reading,
    Unreadable,
    at,
    malformed,
    shown,
    text_at,
    texts_at,
    whole,
)
from scanner.kinds import KINDS, fits
from scanner.model import Gap, Reason, Record, Resource, Source

_REFERENCE = "https://developer.atlassian.com/cloud/admin/organization/rest/"
_ACCESS_REFERENCE = "https://developer.atlassian.com/cloud/admin/api-access/rest/"
# How the interface names every address on earth.
ANYONE = "ANYONE"
_KEY = "an organization admin API key (ATLASCAN_ORG_API_KEY)"


def _org(record: Any, _about: About) -> Iterator[Record]:  # noqa: ANN401  JSON border
    reading = Reading("org", at(whole(record), "data"))
    name = reading.take("name", "attributes", "name")
    yield from reading.results(text_at(record, "data", "id"), name, Source.API, None)


def _workspace(record: Any, about: About) -> Iterator[Record]:  # noqa: ANN401
    reading = Reading("org.workspace", record)
    name = reading.take("name", "attributes", "name")
    reading.take("type_key", "attributes", "typeKey")
    reading.take("host_url", "attributes", "hostUrl")
    reading.take("status", "attributes", "status")
    if plans := _plans(at(record, "relationships")):
        reading.facts["plans"] = plans
    yield from reading.results(text_at(record, "id"), name, Source.API, about.parent_address)


def _plans(relationships: Any) -> list[str]:  # noqa: ANN401
    """Return the plans that are told. They are attributes of entitlements, under a name that is not documented."""
    lists = relationships.values() if isinstance(relationships, dict) else ()
    related = [each for list_ in lists if isinstance(list_, list) for each in list_]
    return sorted({plan for each in related if (plan := text_at(each, "attributes", "plan"))})


def _domain(record: Any, about: About) -> Iterator[Record]:  # noqa: ANN401
    reading = Reading("org.domain", record)
    name = reading.take("name", "attributes", "name")
    reading.take("claim_status", "attributes", "claim", "status")
    reading.take("claim_type", "attributes", "claim", "type")
    yield from reading.results(name, name, Source.API, about.parent_address)


def _access_domain(record: Any, about: About) -> Iterator[Record]:  # noqa: ANN401
    reading = Reading("org.access_domain", record)
    domain = reading.take("domain", "domain")
    enabled = reading.take("enabled", "enabled")
    reading.take("admin_notifications", "adminNotifications")
    products = at(record, "products")
    # Enabled for no app at all has no documented meaning: the list stays absent, so that nobody takes it for "nothing is open".
    if isinstance(products, list) and (products or enabled is False):
        reading.facts["products"] = [_product(product, reading.problems) for product in products]
    name = "Any domain" if domain == ANYONE else domain
    yield from reading.results(domain, name, Source.API_EXPERIMENTAL, about.parent_address)


def _product(product: Any, problems: list[str]) -> dict[str, Any]:  # noqa: ANN401
    mode = text_at(product, "accessMode")
    known = KINDS["org.access_domain"].facts["products"].items["access_mode"].values
    if mode is not None and mode not in known:
        problems.append(f"accessMode {shown(mode)} is not in Atlassian's specification, so what it allows cannot be judged")
        mode = None
    role = text_at(product, "defaultRole")
    facts = {"product_id": text_at(product, "productId") or "?", "access_mode": mode, "default_role": role}
    return {name: value for name, value in facts.items() if value is not None}


def _directory(record: Any, about: About) -> Iterator[Record]:  # noqa: ANN401
    reading = Reading("org.directory", record)
    name = reading.take("name", "name")
    yield from reading.results(text_at(record, "directoryId"), name, Source.API, about.parent_address)


def _user(record: Any, about: About) -> Iterator[Record]:  # noqa: ANN401
    reading = Reading("org.user", record)
    name = reading.take("name", "name")
    email = reading.take("email", "email")
    reading.take("account_type", "accountType")
    reading.take("status", "status")
    reading.take("account_status", "accountStatus")
    reading.take("membership_status", "membershipStatus")
    reading.take("claim_status", "claimStatus")
    reading.take("email_verified", "emailVerified")
    reading.take("mfa_enabled", "mfaEnabled")
    # A null is documented here as "could not be determined", so it stays absent like what was not answered.
    reading.take("management_source", "managementSource")
    reading.take("added_to_org", "addedToOrg")
    reading.take("platform_roles", "platformRoles")
    reading.take_each("product_access", _product_access, "productAccess")
    reading.take_each("groups", _group_id, "groups")
    yield from reading.results(text_at(record, "accountId"), name or email, Source.API, about.parent_address)


def _product_access(access: Any, problems: list[str]) -> dict[str, Any] | None:  # noqa: ANN401
    key = text_at(access, "key")
    if key is None:
        problems.append(f"productAccess holds {shown(access)}, which names no app")
        return None
    resource_id, last_active = text_at(access, "id"), at(access, "lastActiveTimestamp")
    facts = {"key": key, "resource_id": resource_id} if resource_id else {"key": key}
    if not fits(last_active, KINDS["org.user"].facts["product_access"].items["last_active"]):
        problems.append(f"lastActiveTimestamp of {key} is {shown(last_active)}, which is not a date")
        return facts
    return {**facts, "last_active": last_active}


def _group_id(group: Any, problems: list[str]) -> str | None:  # noqa: ANN401
    """Return a group's id as `org.group` has it: where people are listed it comes as an ARI."""
    id_ = text_at(group, "id")
    if id_ is None:
        problems.append(f"groups holds {shown(group)}, which has no id")
    return id_.removeprefix("ari:cloud:identity::group/") if id_ else None


_ORG_ADMIN = "atlassian/org-admin"


def _org_admin_count(record: Any, about: About) -> Iterator[Record]:  # noqa: ANN401
    reading = Reading("org", record)
    roles = at(whole(record), "roles")
    counts = [at(role, "count") for role in roles if at(role, "roleId") == _ORG_ADMIN] if isinstance(roles, list) else []
    if not isinstance(roles, list):
        yield malformed("org", "the answer has no list of roles", about.parent_address)
    elif not counts or counts == [0]:
        # Every organization has one, so whoever counts none was not shown them.
        yield Gap(
            kind="org",
            reason=Reason.FORBIDDEN,
            detail="the answer counts no organization admin, and there always is one: their number could not be audited",
            hint=f"give {_KEY} of somebody who administers the whole organization",
            parent=about.parent_address,
        )
    elif len(counts) > 1 or not isinstance(counts[0], int) or isinstance(counts[0], bool) or counts[0] < 0:
        told = ", ".join(map(shown, counts))
        yield malformed("org", f"the number of organization admins is told as {told}", about.parent_address)
    else:
        reading.facts["org_admin_count"] = counts[0]
        yield from _to_the_parent(reading, about)


def _user_roles(records: Any, about: About) -> Iterator[Record]:  # noqa: ANN401
    """Read the roles of one person, and how each was given."""
    user = about.subject
    reading = Reading("org.user_role_assignments", records)
    if not about.partly:  # else a group of which that could not be read may explain it
        reading.facts["explained_by_groups"] = False
    found = [_assigned(record, reading.problems) for record in records]
    if None not in found:
        reading.facts["assignments"] = [each for roles in found for each in roles or ()]
    yield from reading.results(user.id, user.name, Source.API, user.address)


def _explained_by_groups(lookup: Lookup) -> Callable[[Resource], Resource | None]:
    """Return what is known of people without asking: of those whom a group gives each app that they can use, nothing adds access.

    That the id of an app in a person's product access is the resource of a group's role is inferred: both are the app's ARI.
    """
    givers: dict[str, set[str]] = {}
    for group in lookup("org.group"):
        for assignment in group.facts.get("role_assignments", ()):
            if _ACCESS_ROLES.intersection(assignment.get("roles", ())):
                givers.setdefault(assignment["resource_id"], set()).add(group.id)

    def explained(user: Resource) -> Resource | None:
        groups, access = user.facts.get("groups", ()), user.facts.get("product_access", ())
        if not access or any(givers.get(each.get("resource_id", ""), set()).isdisjoint(groups) for each in access):
            return None
        facts = {"explained_by_groups": True}
        kind = "org.user_role_assignments"
        return Resource(kind=kind, id=user.id, name=user.name, facts=facts, source=Source.INFERRED, parent=user.address)

    return explained


def _assigned(record: Any, problems: list[str]) -> list[dict[str, Any]] | None:  # noqa: ANN401
    """Return the roles on one resource, or None if they cannot be told whole."""
    resource_id, roles = text_at(record, "resourceId"), at(record, "roleAssignments")
    if resource_id is None or not isinstance(roles, list):
        problems.append(f"a role assignment is {shown(record)}, which does not say which roles of what")
        return None
    methods = KINDS["org.user_role_assignments"].facts["assignments"].items["methods"]
    assigned = []
    for each in roles:
        role, how = text_at(each, "role"), at(each, "roleAssignmentMethods")
        if role is None or how is None or not fits(how, methods):
            problems.append(f"a role on {resource_id} is {shown(each)}, which does not say how it was given in known words")
            return None
        assigned.append({"key": f"{resource_id}:{role}", "resource_id": resource_id, "role": role, "methods": how})
    return assigned


def _may_use_apps(user: Resource) -> bool:
    """Tell whether a person may use any app, as far as the person's own facts can rule that out."""
    return user.facts.get("product_access") != [] and user.facts.get("membership_status", "active") == "active"


def _group(record: Any, about: About) -> Iterator[Record]:  # noqa: ANN401
    reading = Reading("org.group", record)
    name = reading.take("name", "name")
    reading.take("external_synced", "externalSynced")
    reading.take("managed_by", "managedBy")
    reading.take("user_count", "counts", "users")
    yield from reading.results(text_at(record, "id"), name, Source.API, about.parent_address)


def _group_roles(records: Any, about: About) -> Iterator[Record]:  # noqa: ANN401
    reading = Reading("org.group", records)
    reading.take_each("role_assignments", _role_assignment)
    granted = _grants_product_access(reading.facts.get("role_assignments"), reading.problems)
    if granted is not None:
        reading.facts["grants_product_access"] = granted
    yield from _to_the_parent(reading, about)


def _role_assignment(assignment: Any, problems: list[str]) -> dict[str, Any] | None:  # noqa: ANN401
    resource_id = text_at(assignment, "resourceId")
    if resource_id is None:
        problems.append(f"a role assignment is {shown(assignment)}, which names no resource")
        return None
    facts: dict[str, Any] = {"resource_id": resource_id}
    items = KINDS["org.group"].facts["role_assignments"].items
    for fact, name in (("roles", "roles"), ("default_role", "defaultRole")):
        # A null for the default role is documented as none; a null for the roles is not documented.
        if name not in assignment or (fact == "roles" and assignment[name] is None):
            continue
        if fits(assignment[name], items[fact]):
            facts[fact] = assignment[name]
        else:
            problems.append(f"{name} of {resource_id} is {shown(assignment[name])}, which is not {items[fact].type}")
    return facts


# The canonical roles of Atlassian's documentation: those that let people use an app, and those that do not.
_ACCESS_ROLES = frozenset(f"atlassian/{role}" for role in ("user", "admin", "guest", "contributor", "basic", "stakeholder"))
_OTHER_ROLES = frozenset(f"atlassian/{role}" for role in ("customer", "org-admin", "site-admin", "user-access-admin", "ai-access"))


def _grants_product_access(assignments: list[dict[str, Any]] | None, problems: list[str]) -> bool | None:
    """Tell whether any role lets people use an app; None where that hangs on a role nobody knows."""
    if assignments is None:
        return None
    roles = {role for assignment in assignments for role in assignment.get("roles", ())}
    if roles & _ACCESS_ROLES:
        return True
    if unknown := sorted(roles - _OTHER_ROLES):
        problems.append(f"whether the role {' or '.join(map(shown, unknown))} grants access to an app is not documented")
        return None
    return False if all("roles" in assignment for assignment in assignments) else None


def _to_the_parent(reading: Reading, about: About) -> Iterator[Record]:
    """Yield what adds facts to the resource that was asked about."""
    if about.parent:
        yield from reading.results(about.parent.id, about.parent.name, Source.API, about.parent_address)


def _policy(record: Any, about: About) -> Iterator[Record]:  # noqa: ANN401
    reading = Reading("org.policy", record)
    name = reading.take("name", "attributes", "name")
    reading.take("type", "attributes", "type")
    reading.take("status", "attributes", "status")
    # What a rule of another type looks like is not documented.
    reading.take("rule", "attributes", "rule", "in")
    reading.take_each("application_statuses", _application_status, "attributes", "resources")
    yield from reading.results(text_at(record, "id"), name, Source.API, about.parent_address)


def _application_status(resource: Any, problems: list[str]) -> str | None:  # noqa: ANN401
    status = at(resource, "applicationStatus")
    known = KINDS["org.policy"].facts["application_statuses"].values
    if status in known:
        return str(status)
    problems.append(f"applicationStatus is {shown(status)}, which is not one of {', '.join(known)}")
    return None


def _event_action(record: Any, about: About) -> Iterator[Record]:  # noqa: ANN401
    reading = Reading("org.event_action", record)
    name = reading.take("display_name", "attributes", "displayName")
    reading.take("group_display_name", "attributes", "groupDisplayName")
    yield from reading.results(text_at(record, "id"), name, Source.API, about.parent_address)


def _event(record: Any, about: About) -> Iterator[Record]:  # noqa: ANN401
    """Read what happened. The message that comes with it is encrypted, and is left out."""
    reading = Reading("org.event", record)
    reading.take("time", "attributes", "time")
    action = reading.take("action", "attributes", "action")
    _take_object(reading, "actor", _ACTOR)
    reading.take_each("context", _affected, "attributes", "context")
    reading.take_each("container", _place, "attributes", "container")
    _take_object(reading, "location", _LOCATION)
    yield from reading.results(text_at(record, "id"), action, Source.API, about.parent_address)


_ACTOR = {
    "id": ("id",),
    "name": ("name",),
    "email": ("email",),
    "auth_type": ("auth", "authType"),
    "token_id": ("auth", "tokenId"),
    "token_label": ("auth", "tokenLabel"),
    "app_id": ("app", "id"),
    "on_behalf_of": ("onBehalfOf", "id"),
}
_LOCATION = {"ip": ("ip",), "country": ("countryName",), "region": ("regionName",), "city": ("city",)}


def _take_object(reading: Reading, fact: str, paths: Mapping[str, tuple[str, ...]]) -> None:
    """Take an object, part by part; one that is not there stays absent."""
    value = at(reading.record, "attributes", fact)
    if isinstance(value, dict):
        reading.facts[fact] = texts_at(value, reading.problems, fact, paths)
    elif value is not None:
        reading.problems.append(f"{fact} is {shown(value)}, which is no object")


def _affected(thing: Any, problems: list[str]) -> dict[str, str] | None:  # noqa: ANN401
    return _named(thing, problems, {"name": ("attributes", "name"), "email": ("attributes", "email")})


def _place(thing: Any, problems: list[str]) -> dict[str, str] | None:  # noqa: ANN401
    # What the attributes are is not documented; a site's are seen in a sample that is published with detection rules.
    return _named(thing, problems, {"name": ("attributes", "siteName")})


def _named(thing: Any, problems: list[str], names: Mapping[str, tuple[str, ...]]) -> dict[str, str] | None:  # noqa: ANN401
    """Return what an event speaks of, or None if it cannot be told what that is."""
    facts = texts_at(thing, problems, "an object of the event", {"id": ("id",), "type": ("type",), **names})
    if facts.get("id"):
        return facts
    problems.append(f"the event speaks of {shown(thing)}, which has no id")
    return None


def _window(about: About) -> dict[str, str]:
    """Return the window that is looked at, in milliseconds since 1970."""
    bounds = {"from": about.since, "to": about.until}
    return {name: str(round(moment.timestamp() * 1000)) for name, moment in bounds.items() if moment}


def _api_token(record: Any, about: About) -> Iterator[Record]:  # noqa: ANN401
    """Read a token. Its document shows the shape, and not what a time means that is left out.

    So that stays absent: unknown, not never.
    """
    reading = Reading("org.api_token", record)
    label = reading.take("label", "label")
    reading.take("status", "status")
    reading.take("created_at", "createdAt")
    reading.take("expires_at", "expiresAt")
    reading.take("last_active_at", "lastActiveAt")
    reading.take("user_id", "user", "id")
    yield from reading.results(text_at(record, "id"), label, Source.API, about.parent_address)


def _api_key(record: Any, about: About) -> Iterator[Record]:  # noqa: ANN401
    """Read a key. The shape is that which public code reads: no document at hand shows it. For times see `_api_token`."""
    reading = Reading("org.api_key", record)
    label = reading.take("label", "label")
    if isinstance(record, dict) and "revocationDate" in record:
        reading.facts["status"] = "active" if record["revocationDate"] is None else "revoked"
    reading.take("created_at", "createdAt")
    reading.take("expires_at", "expiresAt")
    yield from reading.results(text_at(record, "id"), label, Source.API, about.parent_address)


def _service_account(record: Any, about: About) -> Iterator[Record]:  # noqa: ANN401
    """Read a service account. Its shape is not confirmed.

    Atlassian documents that there is such a list and that each has a display name. Public code reads `id`, `displayName` and
    `status` of it, from another address than the documented one: only these are taken, if they come as text.
    """
    reading = Reading("org.service_account", record)
    name = reading.take("name", "displayName") or reading.take("name", "name")
    reading.take("status", "status")
    yield from reading.results(text_at(record, "id"), name, Source.API, about.parent_address)


def _policies(type_: str) -> Endpoint:
    """Return the endpoint for the policies of a type: which come where none is named is not documented."""
    return Endpoint(
        kinds=("org.policy",),
        path="/v1/orgs/{orgId}/policies",
        surface=Surface.ADMIN,
        parent="org",
        values=_org_id,
        params={"type": type_},
        pager=Pager.META_CURSOR,
        records="data",
        shape=_policy,
        source=Source.API,
        documented=_REFERENCE + "api-group-policies/",
        # The scope's name is from a third party's documentation; Atlassian's specification names none.
        hint=f"give {_KEY}",
        scope="read:policies:admin",
    )


def _org_id(about: About) -> dict[str, str]:
    return {"orgId": about.org or ""}


def app_key(workspace: Resource) -> str:
    """Return the app a workspace is of, in the words of `org.user_invites`.

    Atlassian's type keys are free text in its specification; those not in the table stand for themselves.
    """
    type_key = str(workspace.facts.get("type_key", workspace.id))
    return _APPS.get(type_key, type_key)


_APPS = {
    "jira-software": "jira",
    "jira-core": "jira",
    "jira-work-management": "jira",
    "jira-servicedesk": "jira-service-management",
    "jira-service-desk": "jira-service-management",
}

ENDPOINTS = (
    Endpoint(
        kinds=("org",),
        path="/v1/orgs/{orgId}",
        surface=Surface.ADMIN,
        values=_org_id,
        shape=_org,
        source=Source.API,
        documented=_REFERENCE + "api-group-orgs/",
        hint=f"give {_KEY} of this organization",
        scope="read:orgs:admin",
        absent=lambda _endpoint, about: [("org", about.org, None)],
    ),
    Endpoint(
        kinds=("org.workspace",),
        method="POST",
        path="/v2/orgs/{orgId}/workspaces",
        surface=Surface.ADMIN,
        parent="org",
        values=_org_id,
        body={"limit": 1000},
        pager=Pager.BODY_CURSOR,
        records="data",
        shape=_workspace,
        source=Source.API,
        documented=_REFERENCE + "api-group-workspaces/",
        hint=f"give {_KEY}",
        scope="read:workspaces:admin",
    ),
    Endpoint(
        kinds=("org.domain",),
        path="/v1/orgs/{orgId}/domains",
        surface=Surface.ADMIN,
        parent="org",
        values=_org_id,
        pager=Pager.LINK_CURSOR,
        records="data",
        shape=_domain,
        source=Source.API,
        documented=_REFERENCE + "api-group-domains/",
        hint=f"give {_KEY}",
        scope="read:domains:admin",
    ),
    Endpoint(
        kinds=("org.access_domain",),
        path="/v2/orgs/{orgId}/app-access-settings/domains",
        surface=Surface.ADMIN,
        parent="org",
        values=_org_id,
        params={"limit": "100"},
        pager=Pager.LINK_CURSOR,
        records="data",
        detail="/v2/orgs/{orgId}/app-access-settings/domains/{domain}",
        detail_id=lambda record: text_at(record, "domain"),
        # Asked for even when the list leaves it out: an unknown domain is answered as not enabled.
        always=(ANYONE,),
        shape=_access_domain,
        source=Source.API_EXPERIMENTAL,
        documented=_REFERENCE + "api-group-app-access-settings/",
        # The scope's name is from a third party's documentation; Atlassian's specification names none.
        hint=f"give {_KEY}",
        scope="read:app-access-settings:admin",
    ),
    Endpoint(
        kinds=("org",),
        path="/v2/orgs/{orgId}/directories/-/users/stats",
        surface=Surface.ADMIN,
        parent="org",
        values=_org_id,
        adds=("org_admin_count",),
        shape=_org_admin_count,
        source=Source.API,
        documented=_REFERENCE + "api-group-users/",
        hint=f"give {_KEY}",
        scope="read:directories:admin",
    ),
    Endpoint(
        kinds=("org.directory",),
        path="/v2/orgs/{orgId}/directories",
        surface=Surface.ADMIN,
        parent="org",
        values=_org_id,
        params={"limit": "100"},
        pager=Pager.LINK_CURSOR,
        records="data",
        shape=_directory,
        source=Source.API,
        documented=_REFERENCE + "api-group-directory/",
        hint=f"give {_KEY}",
        scope="read:directories:admin",
    ),
    Endpoint(
        kinds=("org.user",),
        method="POST",
        path="/v2/orgs/{orgId}/directories/-/users/search",
        surface=Surface.ADMIN,
        parent="org",
        values=_org_id,
        body={"expand": ["platformRoles", "productAccess", "groups"], "limit": 100},
        # That a cursor carries what was asked to be expanded is not documented, and nothing forbids to ask again.
        cursor_alone=False,
        pager=Pager.BODY_CURSOR,
        records="data",
        shape=_user,
        source=Source.API,
        documented=_REFERENCE + "api-group-users/",
        hint=f"give {_KEY} without scopes: Atlassian documents none that opens this search",
    ),
    Endpoint(
        kinds=("org.user_role_assignments",),
        path="/v2/orgs/{orgId}/directories/-/users/{accountId}/role-assignments",
        surface=Surface.ADMIN,
        parent="org.user",
        values=lambda about: {**_org_id(about), "accountId": about.subject.id},
        applies=_may_use_apps,
        awaits=(("org.group", "role_assignments"),),
        instead=_explained_by_groups,
        gathers=True,
        params={"limit": "100"},
        pager=Pager.LINK_CURSOR,
        records="data",
        shape=_user_roles,
        source=Source.API,
        documented=_REFERENCE + "api-group-users/",
        hint=f"give {_KEY}",
        scope="read:directories:admin",
        absent=lambda _endpoint, about: [("org.user_role_assignments", about.subject.id, about.parent_address)],
    ),
    Endpoint(
        kinds=("org.group",),
        method="POST",
        path="/v2/orgs/{orgId}/directories/-/groups/search",
        surface=Surface.ADMIN,
        parent="org",
        values=_org_id,
        body={"expand": ["counts.users"], "limit": 100},
        cursor_alone=False,
        pager=Pager.BODY_CURSOR,
        records="data",
        shape=_group,
        source=Source.API,
        documented=_REFERENCE + "api-group-groups/",
        hint=f"give {_KEY} without scopes: Atlassian documents none that opens this search",
    ),
    Endpoint(
        kinds=("org.group",),
        path="/v2/orgs/{orgId}/directories/-/groups/{groupId}/role-assignments",
        surface=Surface.ADMIN,
        parent="org.group",
        values=lambda about: {**_org_id(about), "groupId": about.parent.id if about.parent else ""},
        adds=("role_assignments", "grants_product_access"),
        gathers=True,
        params={"limit": "100"},
        pager=Pager.LINK_CURSOR,
        records="data",
        shape=_group_roles,
        source=Source.API,
        documented=_REFERENCE + "api-group-groups/",
        hint=f"give {_KEY}",
        scope="read:groups:admin",
    ),
    *map(_policies, ("ip-allowlist", "data-security")),
    Endpoint(
        kinds=("org.event_action",),
        path="/v1/orgs/{orgId}/event-actions",
        surface=Surface.ADMIN,
        parent="org",
        values=_org_id,
        records="data",
        shape=_event_action,
        source=Source.API,
        documented=_REFERENCE + "api-group-events/",
        hint=f"give {_KEY}",
        scope="read:events:admin",
    ),
    Endpoint(
        kinds=("org.event",),
        # Of the two lists of events, this is the one for a window: it is filtered by the time of the event, and ends (its last page
        # having no cursor is inferred from the other lists). /events-stream is for polling: it goes by the time of processing, and
        # its cursor is documented to go on after the last page, so nothing tells that a window was read whole. This one may be
        # asked 10 times a minute: hence the largest pages there are.
        path="/v1/orgs/{orgId}/events",
        surface=Surface.ADMIN,
        parent="org",
        values=_org_id,
        params={"limit": "500"},
        query=_window,
        pager=Pager.META_CURSOR,
        records="data",
        shape=_event,
        source=Source.API,
        documented=_REFERENCE + "api-group-events/",
        hint=f"give {_KEY}",
        scope="read:events:admin",
    ),
    Endpoint(
        kinds=("org.api_token",),
        path="/api-access/v1/orgs/{orgId}/api-tokens",
        surface=Surface.ADMIN,
        parent="org",
        values=_org_id,
        # As public code asks for it; no document tells the most.
        params={"pageSize": "1000"},
        pager=Pager.LINK_CURSOR,
        records="data",
        shape=_api_token,
        source=Source.API,
        documented=_ACCESS_REFERENCE + "api-group-api-token/",
        hint=f"give {_KEY}",
        scope="read:tokens:admin",
    ),
    Endpoint(
        kinds=("org.api_key",),
        path="/api-access/v1/orgs/{orgId}/api-keys",
        surface=Surface.ADMIN,
        parent="org",
        values=_org_id,
        params={"pageSize": "100"},
        pager=Pager.LINK_CURSOR,
        records="data",
        shape=_api_key,
        source=Source.API,
        documented=_ACCESS_REFERENCE + "api-group-api-key/",
        hint=f"give {_KEY}",
        scope="read:keys:admin",
    ),
    Endpoint(
        kinds=("org.service_account",),
        path="/api-access/v1/orgs/{orgId}/service-accounts",
        surface=Surface.ADMIN,
        parent="org",
        values=_org_id,
        # No parameters are documented; pages are followed, should there be any.
        pager=Pager.LINK_CURSOR,
        records="data",
        shape=_service_account,
        source=Source.API,
        documented=_ACCESS_REFERENCE,
        hint=f"give {_KEY}",
        scope="read:service-accounts:admin",
    ),
)

UNREADABLE = (
    Unreadable(kind="org.user_invites", parent="org.workspace", id_of=app_key),
    Unreadable(kind="org.authentication_policy", parent="org", id_of=lambda _org: None),
    Unreadable(kind="org.external_user_policy", parent="org", id_of=lambda _org: "org"),
    Unreadable(kind="org.token_policy", parent="org", id_of=lambda _org: "org"),
)
