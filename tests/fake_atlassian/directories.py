"""Play the people and groups of the admin API: /admin/v2/orgs/{orgId}/directories on api.atlassian.com."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from . import problems
from .paging import Page, by_cursor, whole_number
from .problems import JsonObject, Problem
from .routes import AdminCall, Parameters, Route
from .scenario import Directory, GroupRole, OrgGroup, OrgUser, ProductUse, Scenario

T = TypeVar("T")

DOCUMENT = "admin-organization.json"
DIRECTORIES = "/v2/orgs/{orgId}/directories"
ALL = "-"
MOST = 100
USUAL_USERS, USUAL_OTHERS = 50, 20


def directories(call: AdminCall) -> JsonObject:
    """List the directories."""
    page = _asked_page(call, call.scenario.directories)
    return _answer([_directory(each) for each in page.items], page)


def users(call: AdminCall) -> JsonObject:
    """List the people of a directory, each with as much as is expanded."""
    page, expanded = _searched(call, _users(call), {"platformRoles", "productAccess", "groups"}, USUAL_USERS)
    return _answer([_user(each, call.scenario.group_by_id, expanded) for each in page.items], page)


def user_stats(call: AdminCall) -> JsonObject:
    """Count the people of a directory, by what their accounts are and by their roles."""
    found = _users(call)
    accounts = Counter(each.account_status for each in found)
    roles = Counter(role for each in found for role in each.platform_roles)
    return {
        "accountStatus": [{"status": status, "count": count} for status, count in accounts.items()],
        "roles": [{"roleId": role, "count": count} for role, count in roles.items()],
    }


def groups(call: AdminCall) -> JsonObject:
    """List the groups of a directory, each with as much as is expanded."""
    scenario = call.scenario
    found = _of_directory(call, scenario.groups, scenario.groups_by_directory)
    page, expanded = _searched(call, found, {"counts.users"}, USUAL_OTHERS)
    return _answer([_group(each, scenario.group_sizes.get(each.id, 0), expanded) for each in page.items], page)


def group_roles(call: AdminCall) -> JsonObject:
    """List the roles that a group gives, resource by resource."""
    group = call.scenario.group_by_id.get(call.parameters["groupId"])
    if group is None or not _is_in(call, group.directory):
        raise Problem(404, "There is no such group.")
    page = _asked_page(call, group.roles)
    return _answer([_role(each) for each in page.items], page)


def user_roles(call: AdminCall) -> JsonObject:
    """List the roles of a person resource by resource, and how each was given."""
    user = call.scenario.user_by_id.get(call.parameters["accountId"])
    if user is None or not _is_in(call, user.directory):
        raise Problem(404, "There is no such user.")
    page = _asked_page(call, list(given_roles(call.scenario, user).items()))
    return _answer([_assigned(user, resource_id, roles) for resource_id, roles in page.items], page)


def given_roles(scenario: Scenario, user: OrgUser) -> Mapping[str, Mapping[str, Sequence[str]]]:
    """Tell how a person was given which role, by resource and role."""
    given: dict[str, dict[str, list[str]]] = {}
    org = f"ari:cloud:platform::org/{scenario.org.id}"
    ways = [
        *((org, role, "direct") for role in user.platform_roles),
        *((each.resource_id, each.role, "direct") for each in user.direct_roles),
        *(
            (each.resource_id, role, "group_direct")
            for id_ in user.groups
            for each in scenario.group_by_id[id_].roles
            for role in each.roles
        ),
    ]
    for resource_id, role, method in dict.fromkeys(ways):
        given.setdefault(resource_id, {}).setdefault(role, []).append(method)
    return given


def _of_the_org(scenario: Scenario) -> Iterator[Parameters]:
    yield {"orgId": scenario.org.id}


def _of_all_directories(scenario: Scenario) -> Iterator[Parameters]:
    yield {"orgId": scenario.org.id, "directoryId": ALL}


def _of_each_group(scenario: Scenario) -> Iterator[Parameters]:
    for group in scenario.groups:
        for directory in (ALL, group.directory):
            yield {"orgId": scenario.org.id, "directoryId": directory, "groupId": group.id}


def _of_each_user(scenario: Scenario) -> Iterator[Parameters]:
    for user in scenario.users:
        for directory in (ALL, user.directory):
            yield {"orgId": scenario.org.id, "directoryId": directory, "accountId": user.id}


ROUTES: tuple[Route[AdminCall], ...] = (
    Route(
        template=DIRECTORIES,
        answer=directories,
        dialect=problems.directories,
        promised_by=DOCUMENT,
        scope="read:directories:admin",
        unknown_org=403,  # the document has no 404 here
        query=("cursor", "limit"),
        samples=_of_the_org,
        listed=lambda body: [each["directoryId"] for each in body["data"]],
        expected=lambda scenario: [each.id for each in scenario.directories],
    ),
    Route(
        method="POST",
        template=DIRECTORIES + "/{directoryId}/users/search",
        answer=users,
        dialect=problems.directories,
        promised_by=DOCUMENT,
        # The document names no scope.
        samples=_of_all_directories,
        listed=lambda body: [each["accountId"] for each in body["data"]],
        expected=lambda scenario: [each.id for each in scenario.users],
    ),
    Route(
        template=DIRECTORIES + "/{directoryId}/users/stats",
        answer=user_stats,
        dialect=problems.directories,
        promised_by=DOCUMENT,
        scope="read:directories:admin",
        samples=_of_all_directories,
    ),
    Route(
        template=DIRECTORIES + "/{directoryId}/users/{accountId}/role-assignments",
        answer=user_roles,
        dialect=problems.directories,
        promised_by=DOCUMENT,
        scope="read:directories:admin",
        query=("cursor", "limit"),
        samples=_of_each_user,
        listed=lambda body: [each["resourceId"] for each in body["data"]],
        expected_of=lambda scenario, parameters: given_roles(scenario, scenario.user_by_id[parameters["accountId"]]),
    ),
    Route(
        method="POST",
        template=DIRECTORIES + "/{directoryId}/groups/search",
        answer=groups,
        dialect=problems.directories,
        promised_by=DOCUMENT,
        # The document names no scope.
        samples=_of_all_directories,
        listed=lambda body: [each["id"] for each in body["data"]],
        expected=lambda scenario: [each.id for each in scenario.groups],
    ),
    Route(
        template=DIRECTORIES + "/{directoryId}/groups/{groupId}/role-assignments",
        answer=group_roles,
        dialect=problems.directories,
        promised_by=DOCUMENT,
        scope="read:groups:admin",
        query=("cursor", "limit"),
        samples=_of_each_group,
    ),
)


def _users(call: AdminCall) -> Sequence[OrgUser]:
    return _of_directory(call, call.scenario.users, call.scenario.users_by_directory)


def _of_directory(call: AdminCall, everywhere: Sequence[T], by_directory: Mapping[str, Sequence[T]]) -> Sequence[T]:
    asked = call.parameters["directoryId"]
    if asked not in {ALL, *by_directory}:
        raise Problem(404, "There is no such directory.")
    return everywhere if asked == ALL else by_directory[asked]


def _is_in(call: AdminCall, directory: str) -> bool:
    asked = call.parameters["directoryId"]
    if asked not in {ALL, *(each.id for each in call.scenario.directories)}:
        raise Problem(404, "There is no such directory.")
    return asked in (ALL, directory)


def _asked_page(call: AdminCall, items: Sequence[T]) -> Page[T]:
    limit = whole_number(call.query, "limit", USUAL_OTHERS)
    return _page(call, items, call.query.get("cursor"), limit)


def _searched(call: AdminCall, items: Sequence[T], expandable: Iterable[str], usual: int) -> tuple[Page[T], frozenset[str]]:
    """Cut the page that a search asks for, and say what it expands.

    That a cursor stands for more than a place is not documented: what a page is to have expanded has to be said with it.
    """
    if unplayed := call.body.keys() - {"cursor", "limit", "expand"}:
        raise Problem(400, f"The stand-in does not play {', '.join(sorted(unplayed))}.")
    expanded = frozenset(call.body.get("expand", ()))
    if unheard := expanded - set(expandable):
        raise Problem(400, f"The stand-in does not expand {', '.join(sorted(unheard))}.")
    return _page(call, items, call.body.get("cursor"), call.body.get("limit", usual)), expanded


def _page(call: AdminCall, items: Sequence[T], cursor: str | None, limit: int) -> Page[T]:
    if not 1 <= limit <= MOST:
        raise Problem(400, f"The limit has to be between 1 and {MOST}.")
    return by_cursor(items, cursor, min(limit, call.scenario.page_size), bad_cursor="ADMIN-400-1")


def _answer(data: Sequence[JsonObject], page: Page[T]) -> JsonObject:
    links = {"self": page.cursor, "next": page.next_cursor, "prev": page.previous_cursor}
    return {"data": data, "links": {name: cursor for name, cursor in links.items() if cursor is not None}}


def _directory(directory: Directory) -> JsonObject:
    return {"directoryId": directory.id, "name": directory.name, "icon": "https://icon.example/directory.png"}


def _user(user: OrgUser, groups: Mapping[str, OrgGroup], expanded: frozenset[str]) -> JsonObject:
    more = {
        "platformRoles": list(user.platform_roles),
        "productAccess": [_product_use(each) for each in user.products],
        "groups": [
            {"id": f"ari:cloud:identity::group/{each}", "name": groups[each].name, "description": None} for each in user.groups
        ],
    }
    return {
        "accountId": user.id,
        "accountType": "atlassian",
        "accountStatus": user.account_status,
        "status": user.status,
        "membershipStatus": user.membership_status,
        "claimStatus": user.claim_status,
        "name": user.name,
        "nickname": user.name,
        "email": user.email,
        "emailVerified": user.email_verified,
        "managementSource": user.management_source,
        "addedToOrg": user.added_to_org,
        **({} if user.mfa_enabled is None else {"mfaEnabled": user.mfa_enabled}),
        **{name: value for name, value in more.items() if name in expanded},
    }


def _product_use(use: ProductUse) -> JsonObject:
    told = {} if use.last_active is None else {"lastActiveTimestamp": use.last_active}
    return {"id": f"ari:cloud:{use.key}::site/{use.site}", "key": use.key, **told}


def _assigned(user: OrgUser, resource_id: str, roles: Mapping[str, Sequence[str]]) -> JsonObject:
    owner = resource_id.split(":")[2]
    of_the_platform = owner == "platform"
    return {
        "resourceId": resource_id,
        "resourceOwner": owner,
        "directoryId": None if of_the_platform else user.directory,
        "userDirectoryStatus": None if of_the_platform else user.membership_status,
        "roles": list(roles),
        "roleAssignments": [{"role": role, "roleAssignmentMethods": list(methods)} for role, methods in roles.items()],
    }


def _group(group: OrgGroup, size: int, expanded: frozenset[str]) -> JsonObject:
    return {
        "id": group.id,
        "name": group.name,
        "directoryId": group.directory,
        "externalSynced": group.external_synced,
        "managedBy": group.managed_by,
        "managementAccess": {"deletable": not group.external_synced, "modifiable": not group.external_synced, "readable": True},
        **({"counts": {"users": size}} if "counts.users" in expanded else {}),
    }


def _role(role: GroupRole) -> JsonObject:
    return {
        "resourceId": role.resource_id,
        "resourceOwner": role.resource_id.split(":")[2],
        "roles": list(role.roles),
        "defaultRole": role.default_role,
    }
