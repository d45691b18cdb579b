"""Play one site, such as acme.atlassian.net: Jira and Jira Service Management."""

from collections.abc import Iterator
from datetime import UTC, datetime

from . import audit, problems, site_anonymous, site_confluence, site_jira, site_jsm, site_roles
from .paging import by_offset, whole_number
from .problems import JsonObject, Problem
from .routes import Login, Parameters, Route, SiteCall
from .scenario import DeskOf, Project, Site

JIRA = "jira-v3.json"
JSM = "jsm.json"
MOST_PROJECTS = 100
USUAL_LIMIT = 50
BUILT = datetime(2026, 1, 5, 12, tzinfo=UTC)

# Each of them is built in and documented; the numbers of those that nobody asks for are made up.
OTHER_PERMISSIONS = (
    "ADD_COMMENTS ASSIGN_ISSUES CLOSE_ISSUES CREATE_ATTACHMENTS DELETE_ALL_ATTACHMENTS DELETE_ALL_COMMENTS DELETE_ALL_WORKLOGS"
    " DELETE_ISSUES EDIT_ALL_COMMENTS EDIT_ALL_WORKLOGS LINK_ISSUES MANAGE_WATCHERS MODIFY_REPORTER MOVE_ISSUES RESOLVE_ISSUES"
    " SCHEDULE_ISSUES SET_ISSUE_SECURITY TRANSITION_ISSUES VIEW_VOTERS_AND_WATCHERS WORK_ON_ISSUES"
)
PERMISSIONS = {
    **{key: (str(id_), key.replace("_", " ").title(), "PROJECT") for id_, key in enumerate(OTHER_PERMISSIONS.split(), start=30)},
    "ADMINISTER": ("0", "Administer Jira", "GLOBAL"),
    "USER_PICKER": ("27", "Browse users and groups", "GLOBAL"),
    "BROWSE_PROJECTS": ("10", "Browse Projects", "PROJECT"),
    "CREATE_ISSUES": ("11", "Create Issues", "PROJECT"),
    "EDIT_ISSUES": ("12", "Edit Issues", "PROJECT"),
    "ADMINISTER_PROJECTS": ("23", "Administer Projects", "PROJECT"),
}
PERMISSIONS_OF_ADMINISTRATORS = {"ADMINISTER", "ADMINISTER_PROJECTS"}


def tenant_info(call: SiteCall) -> JsonObject:
    """Tell the cloud id."""
    return {"cloudId": call.site.cloud_id}


def server_info(call: SiteCall) -> JsonObject:
    """Tell what the site runs."""
    about = call.site.server_info
    return {
        "baseUrl": call.base_url,
        "displayUrl": call.base_url,
        "version": about.version,
        "versionNumbers": [int(number) for number in about.version.split("-")[0].split(".")],
        "deploymentType": "Cloud",
        "buildNumber": about.build_number,
        "buildDate": _jira_time(BUILT),
        "serverTime": _jira_time(datetime.now(UTC)),
        "serverTitle": about.title,
        "serverTimeZone": "Etc/UTC",
    }


def my_permissions(call: SiteCall) -> JsonObject:
    """Tell which of the permissions asked about the account has."""
    asked = [key for key in call.query.get("permissions", "").split(",") if key]
    if not asked:
        raise Problem(400, "The 'permissions' query parameter is required.")
    if unknown := [key for key in asked if key not in PERMISSIONS]:
        raise Problem(400, f"Unrecognized permission keys: {', '.join(unknown)}.")
    return {"permissions": {key: _permission(call, key) for key in asked}}


def project_search(call: SiteCall) -> JsonObject:
    """List the projects that the account sees."""
    start = whole_number(call.query, "startAt", 0)
    asked = whole_number(call.query, "maxResults", USUAL_LIMIT)
    page = by_offset(
        call.site.projects_seen_by(call.account),
        start,
        max(1, min(asked, MOST_PROJECTS, call.scenario.page_size)),
    )
    url = f"{call.base_url}/rest/api/3/project/search"
    onward = {} if page.is_last else {"nextPage": f"{url}?startAt={page.end}&maxResults={page.limit}"}
    return {
        "self": f"{url}?startAt={page.start}&maxResults={page.limit}",
        **onward,
        "startAt": page.start,
        "maxResults": page.limit,
        "total": page.total,
        "isLast": page.is_last,
        "values": [_project(call, project) for project in page.items],
    }


def service_desks(call: SiteCall) -> JsonObject:
    """List the service desks that the account sees."""
    asked = whole_number(call.query, "limit", USUAL_LIMIT)
    page = by_offset(
        call.site.desks_seen_by(call.account),
        whole_number(call.query, "start", 0),
        max(1, min(asked, call.scenario.page_size)),
    )
    base = f"{call.base_url}/rest/servicedeskapi"
    links = {"base": base, "context": "", "self": f"{base}/servicedesk?start={page.start}&limit={page.limit}"}
    if not page.is_last:
        links["next"] = f"{base}/servicedesk?start={page.end}&limit={page.limit}"
    return {
        "_expands": [],
        "size": len(page.items),
        "start": page.start,
        "limit": page.limit,
        "isLastPage": page.is_last,
        "_links": links,
        "values": [_service_desk(base, each) for each in page.items],
    }


def service_management_info(call: SiteCall) -> JsonObject:
    """Tell the version of Jira Service Management."""
    return {
        "version": "5.20.0",
        "platformVersion": call.site.server_info.version,
        "buildDate": {
            "iso8601": BUILT.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "jira": _jira_time(BUILT),
            "friendly": BUILT.strftime("%A %I:%M %p"),
            "epochMillis": int(BUILT.timestamp() * 1000),
        },
        "buildChangeSet": "stand-in",
        "isLicensedForUse": True,
        "_links": {"self": f"{call.base_url}/rest/servicedeskapi/info"},
    }


def request_security(call: SiteCall) -> JsonObject:
    """Tell who may raise requests, as the project's settings page hears it.

    Undocumented by Atlassian: the names are those that public code reads, the values are the scenario's, raw.
    """
    project, desk = _desk(call)
    return {
        "id": int(desk.id),
        "projectName": project.name,
        "emailAddress": next(iter(desk.incoming_email), None),
        "portalUrl": f"{call.base_url}/servicedesk/customer/portal/{desk.id}",
        "portalId": int(desk.id),
        "canAdministerJIRA": True,
        "_links": {},
        **desk.request_security,
    }


def incoming_email(call: SiteCall) -> JsonObject:
    """List the addresses that take requests.

    Undocumented by Atlassian, and the shape of this answer is made up: nobody has published a real one.
    """
    project, desk = _desk(call)
    settings = [
        {"id": number, "emailAddress": address, "enabled": True, "default": number == 1}
        for number, address in enumerate(desk.incoming_email, start=1)
    ]
    return {"projectKey": project.key, "emailSettings": settings, "_links": {}}


def _of_each_desk(site: Site) -> Iterator[Parameters]:
    for key in site.desks:
        yield {"projectKey": key}


_UNDOCUMENTED = "the settings page's own endpoint: Atlassian has not published it"

ROUTES: tuple[Route[SiteCall], ...] = (
    Route(
        template="/_edge/tenant_info",
        answer=tenant_info,
        dialect=problems.jira,
        promised_by=None,
        unpromised_because="Atlassian describes it on a support page, in no OpenAPI document",
        login=Login.UNREAD,
    ),
    Route(
        template="/rest/api/3/serverInfo",
        answer=server_info,
        dialect=problems.jira,
        promised_by=JIRA,
        login=Login.OPTIONAL,
    ),
    Route(
        template="/rest/api/3/mypermissions",
        answer=my_permissions,
        dialect=problems.jira,
        promised_by=JIRA,
        scope="read:jira-work",
        login=Login.OPTIONAL,
        query=("permissions",),
        sample_query={"permissions": "ADMINISTER,BROWSE_PROJECTS"},
    ),
    Route(
        template="/rest/api/3/project/search",
        answer=project_search,
        dialect=problems.jira,
        promised_by=JIRA,
        scope="read:jira-work",
        login=Login.OPTIONAL,
        query=("startAt", "maxResults", "expand"),
        listed=lambda body: [each["key"] for each in body["values"]],
        expected=lambda site: [project.key for project in site.projects],
        public=lambda site: [project.key for project in site.projects_seen_by(None)],
    ),
    Route(
        template="/rest/servicedeskapi/servicedesk",
        answer=service_desks,
        dialect=problems.service_management,
        promised_by=JSM,
        scope="read:servicedesk-request",
        query=("start", "limit"),
        listed=lambda body: [each["projectKey"] for each in body["values"]],
        expected=lambda site: [project.key for project in site.projects if project.key in site.desks],
    ),
    Route(
        template="/rest/servicedeskapi/info",
        answer=service_management_info,
        dialect=problems.service_management,
        promised_by=JSM,
        login=Login.UNREAD,
    ),
    Route(
        template="/rest/servicedesk/1/servicedesk/{projectKey}/settings/requestsecurity",
        answer=request_security,
        dialect=problems.jira,
        promised_by=None,
        unpromised_because=_UNDOCUMENTED,
        login=Login.ADMINISTER,
        samples=_of_each_desk,
    ),
    Route(
        template="/rest/servicedesk/1/servicedesk/{projectKey}/incomingemail",
        answer=incoming_email,
        dialect=problems.jira,
        promised_by=None,
        unpromised_because=_UNDOCUMENTED,
        login=Login.ADMINISTER,
        samples=_of_each_desk,
    ),
    *site_jira.ROUTES,
    *site_roles.ROUTES,
    *audit.SITE_ROUTES,
    *site_jsm.ROUTES,
    *site_confluence.ROUTES,
    *site_anonymous.ROUTES,
)

GATEWAY_ROUTES = tuple(route for route in ROUTES if route.promised_by and not route.template.startswith("/wiki/"))
"""What is served through api.atlassian.com/ex/jira too: nothing undocumented was ever seen there."""
CONFLUENCE_GATEWAY_ROUTES = tuple(route for route in ROUTES if route.promised_by and route.template.startswith("/wiki/"))
"""What is served through api.atlassian.com/ex/confluence too."""


def _permission(call: SiteCall, key: str) -> JsonObject:
    number, name, kind = PERMISSIONS[key]
    account = call.account
    if account is None:
        have = key in site_anonymous.permissions_of_strangers(call.site)
    else:
        have = account.administer or key not in PERMISSIONS_OF_ADMINISTRATORS
    return {"id": number, "key": key, "name": name, "type": kind, "description": f"{name}.", "havePermission": have}


def _project(call: SiteCall, project: Project) -> JsonObject:
    return {
        "id": project.id,
        "key": project.key,
        "name": project.name,
        "self": f"{call.base_url}/rest/api/3/project/{project.id}",
        "projectTypeKey": project.type,
        "style": project.style,
        "simplified": project.style == "next-gen",
        "isPrivate": project.is_private,
        "properties": {},
        "avatarUrls": {
            f"{edge}x{edge}": f"{call.base_url}/rest/api/3/universal_avatar/view/type/project/avatar/10400?size={size}"
            for edge, size in ((16, "xsmall"), (24, "small"), (32, "medium"), (48, "large"))
        },
    }


def _service_desk(base: str, each: DeskOf) -> JsonObject:
    return {
        "id": each.desk.id,
        "projectId": each.project.id,
        "projectKey": each.project.key,
        "projectName": each.project.name,
        "_links": {"self": f"{base}/servicedesk/{each.desk.id}"},
    }


def _desk(call: SiteCall) -> DeskOf:
    key = call.parameters["projectKey"]
    if key in call.site.desks and call.site.sees(call.account, key):
        return DeskOf(call.site.project_by_key[key], call.site.desks[key])
    raise Problem(404, f"No service desk project could be found with key '{key}'.")


def _jira_time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000%z")
