"""Play what a site shows to strangers and to others alike: the search for people and groups, and the page to sign up on."""

from collections.abc import Iterator

from . import problems
from .paging import whole_number
from .problems import JsonObject, Problem
from .routes import Login, Parameters, Route, SiteCall
from .scenario import JiraGroup, JiraUser, Site

JIRA = "jira-v3.json"
USUAL_LIMIT = 50
AVATAR = "https://avatar-management--avatars.server-location.prod.public.atl-paas.net/initials/A-5.png?size=16&s=16"


def people_and_groups(call: SiteCall) -> JsonObject:
    """Find people by their names and addresses, and groups by their names; for strangers only where they may browse them."""
    if "query" not in call.query:
        raise Problem(400, "The query parameter is required.")
    may = call.account is not None or call.site.strangers_browse_users
    users = [each for each in call.site.jira.users if may and each.active and _matches(call, each.name, each.email or "")]
    groups = [each for each in call.site.jira.groups if may and _has(call, each.name)]
    limit = whole_number(call.query, "maxResults", USUAL_LIMIT)
    return {
        "users": _found("users", [_user(each) for each in users], limit),
        "groups": _found("groups", [_group(each) for each in groups], limit),
    }


def signup_page(call: SiteCall) -> str:
    """Show the page on which strangers make themselves customers.

    Undocumented by Atlassian: what it shows, and what is there instead where nobody may sign up, is made up.
    """
    if not call.site.lets_strangers_sign_up:
        raise Problem(404, "No such resource.")
    return "<!DOCTYPE html><html><head><title>Sign up - Jira Service Management</title></head><body></body></html>\n"


def permissions_of_strangers(site: Site) -> frozenset[str]:
    """Return the permissions that a stranger holds in any project, or everywhere."""
    everywhere = {"USER_PICKER"} if site.strangers_browse_users else set[str]()
    return frozenset(everywhere.union(*site.permissions_of_strangers.values()))


def _where_it_is(site: Site) -> Iterator[Parameters]:
    if site.lets_strangers_sign_up:
        yield {}


ROUTES: tuple[Route[SiteCall], ...] = (
    Route(
        template="/rest/api/3/groupuserpicker",
        answer=people_and_groups,
        dialect=problems.jira,
        promised_by=JIRA,
        scope="read:jira-work",
        login=Login.OPTIONAL,
        query=("query", "maxResults", "caseInsensitive"),
        sample_query={"query": "a"},
    ),
    Route(
        template="/servicedesk/customer/user/signup",
        answer=signup_page,
        dialect=problems.jira,
        promised_by=None,
        unpromised_because="a page for people",
        login=Login.UNREAD,
        samples=_where_it_is,
    ),
)


def _matches(call: SiteCall, *texts: str) -> bool:
    return any(call.query["query"].lower() in text.lower() for text in texts)


def _has(call: SiteCall, name: str) -> bool:
    return _matches(call, name) if call.query.get("caseInsensitive") == "true" else call.query["query"] in name


def _found(what: str, each: list[JsonObject], limit: int) -> JsonObject:
    return {"header": f"Showing {len(each[:limit])} of {len(each)} matching {what}", "total": len(each), what: each[:limit]}


def _user(user: JiraUser) -> JsonObject:
    shown = {"accountId": user.id, "accountType": user.type, "avatarUrl": AVATAR, "displayName": user.name}
    return {**shown, "html": user.name, "key": "", "name": ""}


def _group(group: JiraGroup) -> JsonObject:
    return {"name": group.name, "html": group.name, "groupId": group.id}
