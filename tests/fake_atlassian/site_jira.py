"""Play what Jira says of permissions, licences, groups, accounts, and of what is shared with whom."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar
from urllib.parse import urlencode

from . import problems
from .paging import by_offset, whole_number
from .problems import JsonObject, Problem
from .routes import Login, Parameters, Route, SiteCall
from .scenario import Account, ApplicationRole, Dashboard, Filter, Grant, JiraGroup, JiraUser, PermissionScheme, Share, Site

T = TypeVar("T", Filter, Dashboard, JiraGroup, JiraUser)

JIRA = "jira-v3.json"
USUAL_LIMIT = 50
MOST_MEMBERS = 50
MOST_USERS = 1000
# In every scenario the group of those who administer Jira.
ADMINISTRATORS = "276f955c-63d7-42c8-9520-92d01dca0001"
PUBLIC = "global"
LOGGED_IN = frozenset({"loggedin", "authenticated"})


def application_roles(call: SiteCall) -> list[JsonObject]:
    """List the licences: no pages."""
    return [_application_role(call, role) for role in call.site.jira.application_roles]


def permission_schemes(call: SiteCall) -> JsonObject:
    """List the permission schemes: no pages."""
    return {"permissionSchemes": [_scheme(call, scheme) for scheme in call.site.jira.permission_schemes]}


def scheme_of_project(call: SiteCall) -> JsonObject:
    """Show the permission scheme of a company-managed project."""
    key = call.parameters["projectKeyOrId"]
    if call.site.sees(call.account, key) and call.site.project_by_key[key].style == "classic":
        return _scheme(call, call.site.jira.scheme_of(key))
    raise Problem(404, f"No project could be found with key '{key}'.")


def filters(call: SiteCall) -> JsonObject:
    """List the filters that the account sees; an administrator may see those of others, if they are shared with anybody."""
    overridden = call.query.get("overrideSharePermissions") == "true" and call.account is not None and call.account.administer
    seen = [each for each in call.site.jira.filters if (overridden and each.shares) or _sees(call, each)]
    return _page(call, "/rest/api/3/filter/search", seen, _filter)


def dashboards(call: SiteCall) -> JsonObject:
    """List the dashboards that the account sees."""
    seen = [each for each in call.site.jira.dashboards if _sees(call, each)]
    match call.query.get("orderBy"):
        case None:
            pass
        case "id":
            seen.sort(key=lambda each: int(each.id))
        case other:
            raise Problem(400, f"The stand-in does not order by {other!r}.")
    return _page(call, "/rest/api/3/dashboard/search", seen, _dashboard)


def groups(call: SiteCall) -> JsonObject:
    """List the groups, or those that give a certain access."""
    access = call.query.get("accessType")
    if access not in {None, "user", "admin", "site-admin"}:
        raise Problem(400, f"There is no access type '{access}'.")
    found = [each for each in call.site.jira.groups if access in {None, each.access}]
    return _page(call, "/rest/api/3/group/bulk", found, lambda _, each: {"name": each.name, "groupId": each.id})


def members(call: SiteCall) -> JsonObject:
    """List the active members of a group."""
    if "groupId" not in call.query:
        raise Problem(400, "The group name is not specified.")
    found = _members(call.site, call.query["groupId"])
    if found is None:
        raise Problem(404, "The group is not found.")
    return _page(call, "/rest/api/3/group/member", found, _user, most=MOST_MEMBERS)


def users(call: SiteCall) -> list[JsonObject]:
    """List all accounts, in pages that say nothing of how many there are."""
    asked = whole_number(call.query, "maxResults", USUAL_LIMIT)
    start = whole_number(call.query, "startAt", 0)
    page = by_offset(call.site.jira.users, start, max(1, min(asked, MOST_USERS, call.scenario.page_size)))
    return [_user(call, each) for each in page.items]


def _of_each_company_managed_project(site: Site) -> Iterator[Parameters]:
    for project in site.projects:
        if project.style == "classic" and site.jira.permission_schemes:
            yield {"projectKeyOrId": project.key}


def _administrator(site: Site) -> Account:
    return next(account for account in site.accounts if account.administer)


def _ids_of(body: JsonObject) -> list[str]:
    return [each["id"] for each in body["values"]]


_PAGES = ("startAt", "maxResults")

ROUTES: tuple[Route[SiteCall], ...] = (
    Route(
        template="/rest/api/3/applicationrole",
        answer=application_roles,
        dialect=problems.jira,
        promised_by=JIRA,
        scope="manage:jira-configuration",
        login=Login.ADMINISTER,
    ),
    Route(
        template="/rest/api/3/permissionscheme",
        answer=permission_schemes,
        dialect=problems.jira,
        promised_by=JIRA,
        scope="read:jira-work",
        query=("expand",),
        sample_query={"expand": "permissions"},
    ),
    Route(
        template="/rest/api/3/project/{projectKeyOrId}/permissionscheme",
        answer=scheme_of_project,
        dialect=problems.jira,
        promised_by=JIRA,
        scope="read:jira-work",
        login=Login.ADMINISTER,
        query=("expand",),
        samples=_of_each_company_managed_project,
    ),
    Route(
        template="/rest/api/3/filter/search",
        answer=filters,
        dialect=problems.jira,
        promised_by=JIRA,
        scope="read:jira-work",
        login=Login.OPTIONAL,
        query=(*_PAGES, "expand", "overrideSharePermissions"),
        sample_query={"expand": "sharePermissions,owner", "overrideSharePermissions": "true"},
        listed=_ids_of,
        expected=lambda site: [each.id for each in site.jira.filters if each.shares or _owns(_administrator(site), site, each)],
        public=lambda site: [each.id for each in site.jira.filters if seen_by(None, site, each)],
    ),
    Route(
        template="/rest/api/3/dashboard/search",
        answer=dashboards,
        dialect=problems.jira,
        promised_by=JIRA,
        scope="read:jira-work",
        login=Login.OPTIONAL,
        query=(*_PAGES, "expand", "orderBy"),
        sample_query={"expand": "sharePermissions,owner"},
        listed=_ids_of,
        expected=lambda site: [each.id for each in site.jira.dashboards if seen_by(_administrator(site), site, each)],
        public=lambda site: [each.id for each in site.jira.dashboards if seen_by(None, site, each)],
    ),
    Route(
        template="/rest/api/3/group/bulk",
        answer=groups,
        dialect=problems.jira,
        promised_by=JIRA,
        scope="read:jira-user",
        query=(*_PAGES, "accessType"),
        sample_query={"accessType": "admin"},
        listed=lambda body: [each["groupId"] for each in body["values"]],
        expected=lambda site: [each.id for each in site.jira.groups if each.access == "admin"],
    ),
    Route(
        template="/rest/api/3/group/member",
        answer=members,
        dialect=problems.jira,
        promised_by=JIRA,
        scope="manage:jira-configuration",
        query=(*_PAGES, "groupId"),
        sample_query={"groupId": ADMINISTRATORS},
        listed=lambda body: [each["accountId"] for each in body["values"]],
        expected=lambda site: [each.id for each in _members(site, ADMINISTRATORS) or ()],
    ),
    Route(
        template="/rest/api/3/users/search",
        answer=users,
        dialect=problems.jira,
        promised_by=JIRA,
        scope="read:jira-user",
        query=_PAGES,
        listed=lambda body: [each["accountId"] for each in body],
        expected=lambda site: [each.id for each in site.jira.users],
    ),
)


def seen_by(account: Account | None, site: Site, shared: Filter | Dashboard) -> bool:
    """Tell whether an account sees a filter or dashboard, by the rules of Atlassian's documents."""
    if _is_public(shared) or (account is not None and _owns(account, site, shared)):
        return True
    if account is None:
        return any(share.type == "project" and site.sees(None, share.project) for share in shared.shares)
    id_ = _account_id(account, site)
    return any(
        share.type in LOGGED_IN
        or site.sees(account, share.project)
        or (share.group is not None and id_ in site.jira.group_by_id[share.group].members)
        or (share.user is not None and share.user == id_)
        for share in shared.shares
    )


def _sees(call: SiteCall, shared: Filter | Dashboard) -> bool:
    return seen_by(call.account, call.site, shared)


def _is_public(shared: Filter | Dashboard) -> bool:
    return any(share.type == PUBLIC for share in shared.shares)


def _owns(account: Account, site: Site, shared: Filter | Dashboard) -> bool:
    return shared.owner is not None and shared.owner == _account_id(account, site)


def _account_id(account: Account, site: Site) -> str | None:
    return site.jira.id_by_email.get(account.email)


def _members(site: Site, group_id: str) -> list[JiraUser] | None:
    group = site.jira.group_by_id.get(group_id)
    return site.jira.active_members(group) if group else None


def _page(call: SiteCall, path: str, items: Sequence[T], shown: Callable[[SiteCall, T], JsonObject], most: int = 100) -> JsonObject:
    asked = whole_number(call.query, "maxResults", USUAL_LIMIT)
    limit = max(1, min(asked, most, call.scenario.page_size))
    page = by_offset(items, whole_number(call.query, "startAt", 0), limit)
    url = f"{call.base_url}{path}?"
    kept = {name: value for name, value in call.query.items() if name not in _PAGES}
    onward = {} if page.is_last else {"nextPage": url + urlencode({**kept, "startAt": page.end, "maxResults": limit})}
    return {
        "self": url + urlencode({**kept, "startAt": page.start, "maxResults": limit}),
        **onward,
        "startAt": page.start,
        "maxResults": limit,
        "total": page.total,
        "isLast": page.is_last,
        "values": [shown(call, each) for each in page.items],
    }


def _application_role(call: SiteCall, role: ApplicationRole) -> JsonObject:
    return {
        "key": role.key,
        "name": role.name,
        "groups": [_group_of(call, id_).name for id_ in role.groups],
        "groupDetails": _group_names(call, role.groups),
        "defaultGroups": [_group_of(call, id_).name for id_ in role.default_groups],
        "defaultGroupsDetails": _group_names(call, role.default_groups),
        "selectedByDefault": role.selected_by_default,
        "defined": True,
        "numberOfSeats": role.seats,
        "remainingSeats": role.seats - role.users,
        "userCount": role.users,
        "userCountDescription": f"{role.users} users",
        "hasUnlimitedSeats": role.unlimited,
        "platform": role.key == "jira-core",
    }


def _group_of(call: SiteCall, id_: str) -> JiraGroup:
    return call.site.jira.group_by_id[id_]


def _group_names(call: SiteCall, ids: Iterable[str]) -> list[JsonObject]:
    return [_group_name(call, id_) for id_ in ids]


def _group_name(call: SiteCall, id_: str) -> JsonObject:
    return {"name": _group_of(call, id_).name, "groupId": id_, "self": f"{call.base_url}/rest/api/3/group?groupId={id_}"}


def _scheme(call: SiteCall, scheme: PermissionScheme) -> JsonObject:
    url = f"{call.base_url}/rest/api/3/permissionscheme/{scheme.id}"
    shown: JsonObject = {
        "expand": "permissions,user,group,projectRole,field,all",
        "id": scheme.id,
        "self": url,
        "name": scheme.name,
    }
    if "expand" in call.query:  # whatever is asked to be expanded, the grants are
        shown["permissions"] = [_grant(call, url, number, each) for number, each in enumerate(scheme.grants, start=10100)]
    return shown


def _grant(call: SiteCall, url: str, number: int, grant: Grant) -> JsonObject:
    holder = {"type": grant.holder_type}
    if grant.holder_value is not None:
        of_group = grant.holder_type == "group"
        holder["parameter"] = _group_of(call, grant.holder_value).name if of_group else grant.holder_value
        holder["value"] = grant.holder_value
    return {"id": number, "self": f"{url}/permission/{number}", "holder": holder, "permission": grant.permission}


def _filter(call: SiteCall, each: Filter) -> JsonObject:
    expand = call.query.get("expand", "").split(",")
    shown: JsonObject = {
        "id": each.id,
        "name": each.name,
        "self": f"{call.base_url}/rest/api/3/filter/{each.id}",
        "expand": "description,owner,jql,viewUrl,searchUrl,favourite,favouritedCount,sharePermissions,editPermissions,isWritable",
    }
    if "owner" in expand:
        shown["owner"] = _user(call, _user_of(call, each.owner))
    if "sharePermissions" in expand:
        shown["sharePermissions"] = [_share(call, number, share) for number, share in enumerate(each.shares, start=10500)]
    return shown


def _dashboard(call: SiteCall, each: Dashboard) -> JsonObject:
    expand = call.query.get("expand", "").split(",")
    shown: JsonObject = {
        "id": each.id,
        "name": each.name,
        "self": f"{call.base_url}/rest/api/3/dashboard/{each.id}",
        "systemDashboard": each.owner is None,
    }
    if "owner" in expand and each.owner is not None:
        shown["owner"] = _short_user(call, _user_of(call, each.owner))
    if "sharePermissions" in expand:
        shown["sharePermissions"] = [_share(call, number, share) for number, share in enumerate(each.shares, start=10700)]
    return shown


def _share(call: SiteCall, number: int, share: Share) -> JsonObject:
    shown: JsonObject = {"id": number, "type": share.type}
    if share.user is not None:
        shown["user"] = _short_user(call, _user_of(call, share.user))
    if share.group is not None:
        shown["group"] = _group_name(call, share.group)
    if share.project is not None:
        project = call.site.project_by_key[share.project]
        shown["project"] = {"id": project.id, "key": project.key, "name": project.name, "simplified": project.style == "next-gen"}
    if share.role is not None:
        shown["role"] = {"id": share.role, "name": f"Role {share.role}"}
    return shown


def _user_of(call: SiteCall, id_: str) -> JiraUser:
    return call.site.jira.user_by_id[id_]


def _short_user(call: SiteCall, user: JiraUser) -> JsonObject:
    url = f"{call.base_url}/rest/api/3/user?accountId={user.id}"
    return {"self": url, "accountId": user.id, "displayName": user.name, "active": user.active}


def _user(call: SiteCall, user: JiraUser) -> JsonObject:
    hidden = {} if user.email is None else {"emailAddress": user.email}
    return {**_short_user(call, user), **hidden, "accountType": user.type, "timeZone": "Etc/UTC"}
