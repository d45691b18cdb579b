"""What a site shows to somebody without an account: asked for as anybody could, with GET only, and without a credential.

Opt-in. Nothing is taken for closed before the site has answered a stranger at all: one that cannot be reached shows nothing either.
Then an empty list is "nothing", and so is not being let in (401, 403), or what Atlassian's documents give for it. Whatever else
comes, a redirect, a page where data should be, an error of the server, leaves it unknown.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from scanner.collect.api import Refusal, Surface
from scanner.collect.endpoint import About, Endpoint, Missing, at, shown, text_at
from scanner.kinds import KINDS
from scanner.model import Reason, Record, Resource, Source

_JIRA_REFERENCE = "https://developer.atlassian.com/cloud/jira/platform/rest/v3/"
_NOT_LET_IN = (401, 403)

# What is asked about: the built-in permissions that let somebody see, change or run something, and that every Jira has. A key that
# a site does not know spoils the whole answer, so those of single apps are left out.
# https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-permission-schemes/ lists them, but for the global ones:
# https://docs.atlassian.com/jira/latest/com/atlassian/jira/permission/GlobalPermissionKey.html, of the server product, has these.
PERMISSIONS = (
    "ADD_COMMENTS",
    "ADMINISTER",
    "ADMINISTER_PROJECTS",
    "ASSIGN_ISSUES",
    "BROWSE_PROJECTS",
    "CLOSE_ISSUES",
    "CREATE_ATTACHMENTS",
    "CREATE_ISSUES",
    "DELETE_ALL_ATTACHMENTS",
    "DELETE_ALL_COMMENTS",
    "DELETE_ALL_WORKLOGS",
    "DELETE_ISSUES",
    "EDIT_ALL_COMMENTS",
    "EDIT_ALL_WORKLOGS",
    "EDIT_ISSUES",
    "LINK_ISSUES",
    "MANAGE_WATCHERS",
    "MODIFY_REPORTER",
    "MOVE_ISSUES",
    "RESOLVE_ISSUES",
    "SCHEDULE_ISSUES",
    "SET_ISSUE_SECURITY",
    "TRANSITION_ISSUES",
    "USER_PICKER",
    "VIEW_VOTERS_AND_WATCHERS",
    "WORK_ON_ISSUES",
)

# The words by which public scanners tell the page of the portal from others: weak evidence.
_OF_THE_PORTAL = "Service Management"
# The number that Atlassian's example gives the dashboard that every Jira has.
_DEFAULT_DASHBOARD = "10000"


def _view(record: Any, about: About) -> list[Record]:  # noqa: ANN401  JSON border
    """Make the view of a site that answers strangers; what they see is added."""
    if text_at(record, "baseUrl") is None:
        raise Refusal(Reason.MALFORMED, "the answer does not say which site it is from")
    return _looked_at("jira.anonymous_view", about)


def _portal(record: Any, about: About) -> list[Record]:  # noqa: ANN401
    if text_at(record, "version") is None:
        raise Refusal(Reason.MALFORMED, "the answer does not say which version it is from")
    return _looked_at("jsm.signup_page", about)


def _spaces(record: Any, about: About) -> list[Record]:  # noqa: ANN401
    """Make the view of Confluence. That this way shows no space proves nothing yet: it is looked for in the other way, too."""
    number = _spaces_seen(record)
    return _looked_at("confluence.anonymous_view", about, **({"spaces": number} if number else {}))


def _permissions_held(answer: Any) -> list[str]:  # noqa: ANN401
    held = {key: at(answer, "permissions", key, "havePermission") for key in PERMISSIONS}
    untold = [key for key, has in held.items() if not isinstance(has, bool)]
    if untold:
        raise Refusal(Reason.MALFORMED, f"the answer does not say who holds {', '.join(untold)}")
    return [key for key, has in held.items() if has]


def _number_seen(page: Any) -> int:  # noqa: ANN401
    """Return how many records a list has in all, of which this is the first page."""
    values, total, is_last = _list_at(page, "values"), at(page, "total"), at(page, "isLast")
    if total is None and is_last is True:
        return len(values)
    fits = isinstance(total, int) and not isinstance(total, bool) and total >= len(values)
    if not fits or (total == 0 and is_last is False):
        raise Refusal(Reason.MALFORMED, f"the answer says that there are {shown(total)}, and shows {len(values)}")
    return int(total)


def _dashboards_seen(page: Any) -> int:  # noqa: ANN401
    """Return how many dashboards there are, but for the system's own, which everybody sees everywhere.

    It is among the first by number, so one page is enough; were it not, one of more than a page would be counted too many.
    """
    return _number_seen(page) - sum(map(_is_systems, page["values"]))


def _is_systems(dashboard: Any) -> bool:  # noqa: ANN401
    told = at(dashboard, "systemDashboard")
    return told is True or (told is None and text_at(dashboard, "id") == _DEFAULT_DASHBOARD and at(dashboard, "owner") is None)


def _anybody_shown(answer: Any) -> bool:  # noqa: ANN401
    shows = bool(_list_at(answer, "users", "users") or _list_at(answer, "groups", "groups"))
    found = [at(answer, each, "total") for each in ("users", "groups")]
    if not shows and any(found):
        raise Refusal(Reason.MALFORMED, f"the answer says that it found {shown(found)}, and shows none")
    return shows


def _spaces_seen(page: Any) -> int:  # noqa: ANN401
    """Return how many spaces a page shows; there may be more on others."""
    spaces = _list_at(page, "results")
    if not spaces and at(page, "_links", "next") is not None:
        raise Refusal(Reason.MALFORMED, "an empty page that is not the last")
    return len(spaces)


def _signup_answers(page: Any) -> bool:  # noqa: ANN401
    """Tell a page of the portal from nothing. The portal is one page for all addresses, so it may well be there and refuse."""
    if not isinstance(page, str) or _OF_THE_PORTAL not in page:
        raise Refusal(Reason.MALFORMED, "a page came that is not known to be one of the portal")
    return True


def _list_at(value: Any, *path: str) -> list[Any]:  # noqa: ANN401
    found = at(value, *path)
    if not isinstance(found, list):
        raise Refusal(Reason.MALFORMED, f"the answer has no list of {path[-1]}")
    return found


def _looked_at(kind: str, about: About, **facts: Any) -> list[Record]:  # noqa: ANN401
    """Return what a site has one of, under its own name, with as much as was seen."""
    site = str(about.site)
    return [Resource(kind=kind, id=site, name=site, facts=facts, source=Source.PROBE, parent=_site_address(about))]


def _absent(endpoint: Endpoint, about: About) -> list[Missing]:
    return [(endpoint.kinds[0], about.site, _site_address(about))]


def _site_address(about: About) -> str:
    return f"jira.site/{about.site}"


def _attest(kind: str) -> str:
    return f"look at {KINDS[kind].console} and state what you see with `atlascan attest`"


# As all of these are asked.
_as_anyone = partial(Endpoint, surface=Surface.ANYONE, source=Source.PROBE, opt_in="probe")


def _adds(
    kind: str,
    fact: str,
    *,
    path: str,
    params: Mapping[str, str],
    read: Callable[[Any], Any],
    nothing: Any,  # noqa: ANN401  as the fact's type wants
    documented: str,
    refused: tuple[int, ...] = _NOT_LET_IN,
    applies: Callable[[Resource], bool] = lambda _view: True,
) -> Endpoint:
    """Return the endpoint that adds one fact: what is read in an answer, and nothing where that was refused with such a status."""

    def seen(value: Any, about: About) -> list[Record]:  # noqa: ANN401
        return _looked_at(kind, about, **{fact: value})

    return _as_anyone(
        kinds=(kind,),
        path=path,
        parent=kind,
        applies=applies,
        adds=(fact,),
        params=params,
        shape=lambda answer, about: seen(read(answer), about),
        refused=lambda refusal, about: seen(nothing, about) if refusal.status in refused else None,
        documented=documented,
        hint=_attest(kind),
    )


ENDPOINTS = (
    # The proof that a stranger reaches the site from here, without which nothing below is asked.
    _as_anyone(
        kinds=("jira.anonymous_view",),
        path="/rest/api/3/serverInfo",
        shape=_view,
        documented=_JIRA_REFERENCE + "api-group-server-info/",
        hint=_attest("jira.anonymous_view"),
        absent=_absent,
    ),
    _adds(
        "jira.anonymous_view",
        "permissions",
        path="/rest/api/3/mypermissions",
        params={"permissions": ",".join(PERMISSIONS)},
        read=_permissions_held,
        nothing=[],
        documented=_JIRA_REFERENCE + "api-group-permissions/",
    ),
    _adds(
        "jira.anonymous_view",
        "projects",
        path="/rest/api/3/project/search",
        params={"maxResults": "1"},
        read=_number_seen,
        nothing=0,
        documented=_JIRA_REFERENCE + "api-group-projects/",
        # Documented here, and only here: 404 where no project is found.
        refused=(*_NOT_LET_IN, 404),
    ),
    _adds(
        "jira.anonymous_view",
        "filters",
        path="/rest/api/3/filter/search",
        params={"maxResults": "1"},
        read=_number_seen,
        nothing=0,
        documented=_JIRA_REFERENCE + "api-group-filters/",
    ),
    _adds(
        "jira.anonymous_view",
        "dashboards",
        path="/rest/api/3/dashboard/search",
        params={"maxResults": "100", "orderBy": "id", "expand": "owner"},
        read=_dashboards_seen,
        nothing=0,
        documented=_JIRA_REFERENCE + "api-group-dashboards/",
    ),
    # It finds people as /user/picker does, with the same permission, and groups too. How many it shows is left to it: /user/picker
    # is documented to look for people among as many as it may show.
    _adds(
        "jira.anonymous_view",
        "user_picker",
        path="/rest/api/3/groupuserpicker",
        params={"query": "a", "caseInsensitive": "true"},
        read=_anybody_shown,
        nothing=False,
        documented=_JIRA_REFERENCE + "api-group-group-and-user-picker/",
    ),
    # Neither way of listing spaces is documented to answer strangers, so one that shows none is not believed alone.
    _as_anyone(
        kinds=("confluence.anonymous_view",),
        path="/wiki/api/v2/spaces",
        parent="jira.anonymous_view",
        app="confluence",
        params={"limit": "250"},
        shape=_spaces,
        refused=lambda refusal, about: _looked_at("confluence.anonymous_view", about) if refusal.status in _NOT_LET_IN else None,
        documented="https://developer.atlassian.com/cloud/confluence/rest/v2/api-group-space/",
        hint=_attest("confluence.anonymous_view"),
        absent=_absent,
    ),
    _adds(
        "confluence.anonymous_view",
        "spaces",
        path="/wiki/rest/api/space",
        params={"limit": "100"},
        read=_spaces_seen,
        nothing=0,
        documented="https://developer.atlassian.com/cloud/confluence/rest/v1/api-group-space/",
        applies=lambda view: "spaces" not in view.facts,
    ),
    # Documented to answer anybody, where there is a portal.
    _as_anyone(
        kinds=("jsm.signup_page",),
        path="/rest/servicedeskapi/info",
        parent="jira.anonymous_view",
        app="jira-servicedesk",
        shape=_portal,
        documented="https://developer.atlassian.com/cloud/jira/service-desk/rest/api-group-info/",
        hint=_attest("jsm.signup_page"),
        absent=_absent,
    ),
    # Only ever read. What the page sends when somebody fills it in makes an account.
    _adds(
        "jsm.signup_page",
        "answers",
        path="/servicedesk/customer/user/signup",
        params={},
        read=_signup_answers,
        nothing=False,
        documented="undocumented; public scanners look at it",
        # No document says what a closed one answers. That there is no such page is no answer, which is all that this fact says.
        refused=(*_NOT_LET_IN, 404),
    ),
)
