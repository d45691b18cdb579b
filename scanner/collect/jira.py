"""Jira: the site and its projects, who may do what in them, what is shared with whom, and who administers."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC
from typing import Any

import msgspec

from scanner.collect.api import Refusal, Surface
from scanner.collect.endpoint import (
    About,
    Derived,
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
from scanner.kinds import KINDS
from scanner.model import Gap, Reason, Record, Resource, Source

_REFERENCE = "https://developer.atlassian.com/cloud/jira/platform/rest/v3/"
_ACCOUNT = "an account that may administer Jira (ATLASCAN_EMAIL and ATLASCAN_API_TOKEN)"
_BROWSER = "an account with the global permission Browse users and groups (ATLASCAN_EMAIL and ATLASCAN_API_TOKEN)"
# What the account has to be allowed, in the words of Atlassian's documentation.
_ADMINISTER = "Administer Jira (global permission)"
_BROWSE = "Browse users and groups (global permission)"
_USE = "access to Jira"

# The holders of a permission of which Atlassian's documentation says that a value tells which one is meant.
_TOLD_BY_VALUE = frozenset({"group", "groupCustomField", "projectRole", "user", "userCustomField"})
# How Jira calls an account that is no more, and whose id was lost.
_LOST_ACCOUNT = "unknown"


def _site(record: Any, about: About) -> Iterator[Record]:  # noqa: ANN401  JSON border
    reading = Reading("jira.site", whole(record))
    reading.take("base_url", "baseUrl")
    reading.take("version", "version")
    reading.take("deployment_type", "deploymentType")
    title = reading.take("title", "serverTitle")
    yield from reading.results(about.site, title, Source.API, None)


def _account_permissions(record: Any, about: About) -> Iterator[Record]:  # noqa: ANN401
    site = about.subject
    reading = Reading("jira.site", record)
    held = {name: at(record, "permissions", name, "havePermission") for name in _ASKED_OF_THE_ACCOUNT}
    unsaid = [name for name, answer in held.items() if not isinstance(answer, bool)]
    if unsaid:
        detail = f"the answer does not say whether the account holds the permission {' and '.join(unsaid)}"
        yield malformed("jira.site", detail, site.address)
        return
    reading.facts["account_permissions"] = [name for name, answer in held.items() if answer]
    yield from reading.results(site.id, site.name, Source.API, None)


# Whoever holds it sees all projects, filters and request types.
_ASKED_OF_THE_ACCOUNT = ("ADMINISTER",)


def _project(record: Any, about: About) -> Iterator[Record]:  # noqa: ANN401
    reading = Reading("jira.project", record)
    key = text_at(record, "key")
    name = reading.take("name", "name")
    reading.take("project_id", "id")
    reading.take("type", "projectTypeKey")
    reading.take("style", "style")
    reading.take("is_private", "isPrivate")
    reading.take("archived", "archived")
    yield from reading.results(f"{about.site}/{key}" if key else None, name, Source.API, about.parent_address)


def _permission_scheme(record: Any, about: About) -> Iterator[Record]:  # noqa: ANN401
    reading = Reading("jira.permission_scheme", record)
    name = reading.take("name", "name")
    reading.take_each("grants", _grant, "permissions")
    yield from reading.results(about.below_site(text_at(record, "id")), name, Source.API, about.parent_address)


def _grant(record: Any, problems: list[str]) -> dict[str, Any]:  # noqa: ANN401
    permission = _told(record, problems, "permission")
    type_ = _told(record, problems, "holder", "type")
    value = _told(record, problems, "holder", "value") or _told(record, problems, "holder", "parameter")
    facts: dict[str, Any] = {"permission": permission, "holder_type": type_, "holder_value": value}
    facts = {name: fact for name, fact in facts.items() if fact is not None}
    if permission is None or type_ is None or (value is None and type_ in _TOLD_BY_VALUE):
        problems.append(f"a grant that does not say what it grants to whom: {shown(record)}")
    elif all(at(record, "holder", name) in (None, "") for name in ("value", "parameter")):
        facts["holder_value"] = None  # documented: some types have none
    return {"key": ":".join(each or "?" for each in (permission, type_, value or "-")), **facts}


def _scheme_of_project(record: Any, about: About) -> Iterator[Record]:  # noqa: ANN401
    project = about.subject
    reading = Reading("jira.project", whole(record))
    scheme = _told(record, reading.problems, "id")
    if scheme:
        reading.facts["permission_scheme"] = f"{about.site}/{scheme}"
    else:
        reading.problems.append("the answer about its permission scheme does not say which it is")
    yield from reading.results(project.id, project.name, Source.API, project.address)


def _uses(lookup: Lookup, gaps: Callable[[str], Iterable[Gap]]) -> Iterator[Resource]:
    """Tell of each scheme whether projects use it: which do is known if every company-managed project told its scheme."""
    unread = {(gap.id or (gap.parent or "").partition("/")[2]).partition("/")[0] for gap in gaps("jira.project")}
    uses: Counter[str] = Counter()
    for project in lookup("jira.project"):
        scheme = project.facts.get("permission_scheme")
        if scheme:
            uses[scheme] += 1
        elif project.facts.get("style") != _TEAM_MANAGED:
            unread.add(project.id.partition("/")[0])
    for known in lookup("jira.permission_scheme"):
        number = uses[known.id]
        if known.id.partition("/")[0] not in unread:
            yield msgspec.structs.replace(known, facts={"in_use": number > 0, "project_count": number})
        elif number:
            yield msgspec.structs.replace(known, facts={"in_use": True})


# Projects of this style have permissions of their own, and no scheme.
_TEAM_MANAGED = "next-gen"


def _application_roles(answer: Any, about: About) -> Iterator[Record]:  # noqa: ANN401
    if not isinstance(answer, list):
        raise Refusal(Reason.MALFORMED, "the answer is no list")
    for record in answer:
        reading = Reading("jira.application_role", record)
        name = reading.take("name", "name")
        reading.take("selected_by_default", "selectedByDefault")
        reading.take_each("default_groups", _group_id, "defaultGroupsDetails")
        reading.take_each("groups", _group_id, "groupDetails")
        reading.take("seats", "numberOfSeats")
        reading.take("users", "userCount")
        reading.take("remaining_seats", "remainingSeats")
        reading.take("unlimited", "hasUnlimitedSeats")
        yield from reading.results(about.below_site(text_at(record, "key")), name, Source.API, about.parent_address)


def _group_id(group: Any, problems: list[str]) -> str | None:  # noqa: ANN401
    id_ = text_at(group, "groupId")
    if id_ is None:
        problems.append(f"a group without its id: {shown(group)}")
    return id_


def _filter(record: Any, about: About) -> Iterator[Record]:  # noqa: ANN401
    reading = Reading("jira.filter", record)
    name = reading.take("name", "name")
    reading.take("owner", "owner", "accountId")
    reading.take_each("shares", _share_on(about), "sharePermissions")
    yield from reading.results(about.below_site(text_at(record, "id")), name, Source.API, about.parent_address)


def _dashboard(record: Any, about: About) -> Iterator[Record]:  # noqa: ANN401
    reading = Reading("jira.dashboard", record)
    name = reading.take("name", "name")
    reading.take("owner", "owner", "accountId")
    if at(record, "systemDashboard") is True and at(record, "owner") is None:
        reading.facts["owner"] = None  # documented: it is the system's own
    reading.take_each("shares", _share_on(about), "sharePermissions")
    yield from reading.results(about.below_site(text_at(record, "id")), name, Source.API, about.parent_address)


def _share_on(about: About) -> Callable[[Any, list[str]], dict[str, Any]]:
    """Return how a share is read: on which site decides what a project's key means."""

    def share(record: Any, problems: list[str]) -> dict[str, Any]:  # noqa: ANN401
        type_ = _told(record, problems, "type")
        if type_ not in KINDS["jira.filter"].facts["shares"].items["type"].values:
            problems.append(f"a share of no known type: {shown(record)}")
            return {"key": type_ or "?"}
        target, role = None, None
        match type_:
            case "user":
                target = _told(record, problems, "user", "accountId")
            case "group":
                target = _told(record, problems, "group", "groupId") or _told(record, problems, "group", "name")
            case "project" | "projectRole":
                target = about.below_site(_told(record, problems, "project", "key"))
                role = _told(record, problems, "role", "id")
        if target is None and type_ in _AIMED:
            problems.append(f"a share that does not say with which {_AIMED[type_]}: {shown(record)}")
        facts = {"type": type_, "target": target, "role": role}
        told = {name: fact for name, fact in facts.items() if fact is not None}
        # Documented: a role is named where it is shared with one; without any it is shared with the whole project.
        whole = {"role": None} if type_ == "project" and at(record, "role") is None else {}
        return {"key": ":".join(told.values()), **told, **whole}

    return share


# The types of a share that say with which one, and what that is.
_AIMED = {"user": "account", "group": "group", "project": "project", "projectRole": "project"}


def _group(record: Any, about: About) -> Iterator[Record]:  # noqa: ANN401
    reading = Reading("jira.group", record)
    name = reading.take("name", "name")
    reading.facts["access"] = "admin"  # what was asked for
    yield from reading.results(about.below_site(text_at(record, "groupId")), name, Source.API, about.parent_address)


def _members(records: Any, about: About) -> Iterator[Record]:  # noqa: ANN401
    group = about.subject
    reading = Reading("jira.group", {"values": records})
    reading.take_each("members", _member, "values")
    yield from reading.results(group.id, group.name, Source.API, group.address)


def _member(record: Any, problems: list[str]) -> dict[str, Any]:  # noqa: ANN401
    account_id, type_ = _told(record, problems, "accountId"), _told(record, problems, "accountType")
    if account_id is None:
        problems.append(f"a member without an account id: {shown(record)}")
    facts = {"account_id": account_id or "?", "account_type": type_}
    return {name: fact for name, fact in facts.items() if fact is not None}


def _user(record: Any, about: About) -> Iterator[Record]:  # noqa: ANN401
    id_ = text_at(record, "accountId")
    if id_ == _LOST_ACCOUNT:
        yield malformed("jira.user", "an account of which Jira lost the id", about.parent_address)
        return
    reading = Reading("jira.user", record)
    reading.take("account_type", "accountType")
    reading.take("active", "active")
    if at(record, "emailAddress") != "":  # blank is how it is hidden
        reading.take("email", "emailAddress")
    yield from reading.results(about.below_site(id_), text_at(record, "displayName"), Source.API, about.parent_address)


def _project_roles(answer: Any, about: About) -> Iterator[Record]:  # noqa: ANN401
    if not isinstance(answer, list):
        raise Refusal(Reason.MALFORMED, "the answer is no list")
    project = about.subject
    for record in answer:
        reading = Reading("jira.project_role", record)
        name, role_id = reading.take("name", "name"), text_at(record, "id")
        reading.take("is_admin", "admin")
        reading.facts |= {"project": project.id, "role_id": role_id}
        yield from reading.results(f"{project.id}/{role_id}" if role_id else None, name, Source.API, project.address)


def _actors(record: Any, about: About) -> Iterator[Record]:  # noqa: ANN401
    role = about.subject
    reading = Reading("jira.project_role", whole(record))
    reading.take_each("actors", _actor, "actors")
    if at(record, "actors") is None:
        reading.problems.append("the answer does not say who acts in it")
    yield from reading.results(role.id, role.name, Source.API, role.address)


def _actor(record: Any, problems: list[str]) -> dict[str, Any]:  # noqa: ANN401
    type_ = _told(record, problems, "type")
    id_ = _told(record, problems, *_ACTORS[type_]) if type_ in _ACTORS else None
    if id_ is None or id_ == _LOST_ACCOUNT:
        problems.append(f"an actor that is no known group or account: {shown(record)}")
    facts = {"type": type_ if type_ in _ACTORS else None, "id": id_, "name": _told(record, problems, "displayName")}
    return {"key": f"{type_ or '?'}:{id_ or '?'}", **{name: fact for name, fact in facts.items() if fact is not None}}


# The types of actors, and where each says which one it is.
_ACTORS = {"atlassian-group-role-actor": ("actorGroup", "groupId"), "atlassian-user-role-actor": ("actorUser", "accountId")}


def _audit_record(record: Any, about: About) -> Iterator[Record]:  # noqa: ANN401
    reading = Reading("jira.audit_record", record)
    reading.take("created", "created")
    reading.take("category", "category")
    summary = reading.take("summary", "summary")
    reading.take("author", "authorAccountId")
    if at(record, "objectItem") is not None:
        reading.facts["object"] = _audited(at(record, "objectItem"), reading.problems)
    reading.take_each("associated", _audited, "associatedItems")
    reading.take_each("changed_values", _change, "changedValues")
    yield from reading.results(about.below_site(text_at(record, "id")), summary, Source.API, about.parent_address)


def _audited(record: Any, problems: list[str]) -> dict[str, Any]:  # noqa: ANN401
    if not isinstance(record, dict):
        problems.append(f"what it speaks of is {shown(record)}, which is no object")
    return texts_at(record, problems, "what it speaks of", {"id": ("id",), "name": ("name",), "type": ("typeName",)})


def _change(record: Any, problems: list[str]) -> dict[str, Any]:  # noqa: ANN401
    paths = {"field": ("fieldName",), "before": ("changedFrom",), "after": ("changedTo",)}
    facts = texts_at(record, problems, "changedValues", paths)
    if "field" not in facts:
        problems.append(f"a change that does not say of what: {shown(record)}")
    return facts


def _window(about: About) -> dict[str, str]:
    """Return the window that is looked at, in the form in which Jira writes its times: which one it takes is not documented."""
    bounds = {"from": about.since, "to": about.until}
    return {name: f"{each.astimezone(UTC):%Y-%m-%dT%H:%M:%S.000+0000}" for name, each in bounds.items() if each}


def _role_of_project(about: About) -> dict[str, str]:
    _, key, role_id = about.subject.id.split("/", 2)
    return {"projectKey": key, "roleId": role_id}


def _told(record: Any, problems: list[str], *path: str) -> str | None:  # noqa: ANN401
    """Return the text at a path, or None; what is there and no text is a problem."""
    found, value = text_at(record, *path), at(record, *path)
    if found is None and value is not None and value != "":
        problems.append(f"{'.'.join(path)} is {shown(value)}, which is not text")
    return found


# More than Jira gives: where it documents no most for a list, it documents that asking for so many gives as many as it has to give.
_MOST = "1000"

ENDPOINTS = (
    Endpoint(
        kinds=("jira.site",),
        path="/rest/api/3/serverInfo",
        surface=Surface.SITE,
        shape=_site,
        source=Source.API,
        documented=_REFERENCE + "api-group-server-info/",
        hint=f"give {_ACCOUNT}",
        absent=lambda _endpoint, about: [("jira.site", about.site, None)],
    ),
    Endpoint(
        kinds=("jira.site",),
        path="/rest/api/3/mypermissions",
        surface=Surface.SITE,
        parent="jira.site",
        adds=("account_permissions",),
        params={"permissions": ",".join(_ASKED_OF_THE_ACCOUNT)},
        shape=_account_permissions,
        source=Source.API,
        documented=_REFERENCE + "api-group-permissions/",
        hint=f"give {_ACCOUNT}",
        scope="read:jira-work",
        role=_USE,
    ),
    Endpoint(
        kinds=("jira.project",),
        path="/rest/api/3/project/search",
        surface=Surface.SITE,
        parent="jira.site",
        params={"maxResults": "100"},
        pager=Pager.START_AT,
        records="values",
        shape=_project,
        source=Source.API,
        documented=_REFERENCE + "api-group-projects/",
        hint=f"give {_ACCOUNT}",
        scope="read:jira-work",
        role=_ADMINISTER,
        whole_with="ADMINISTER",
    ),
    Endpoint(
        kinds=("jira.application_role",),
        path="/rest/api/3/applicationrole",
        surface=Surface.SITE,
        parent="jira.site",
        shape=_application_roles,
        source=Source.API,
        documented=_REFERENCE + "api-group-application-roles/",
        hint=f"give {_ACCOUNT}",
        scope="manage:jira-configuration",
        role=_ADMINISTER,
    ),
    Endpoint(
        kinds=("jira.permission_scheme",),
        path="/rest/api/3/permissionscheme",
        surface=Surface.SITE,
        parent="jira.site",
        params={"expand": "permissions"},
        records="permissionSchemes",
        shape=_permission_scheme,
        source=Source.API,
        documented=_REFERENCE + "api-group-permission-schemes/",
        hint=f"give {_ACCOUNT}",
        scope="read:jira-work",
        role=_USE,
    ),
    Endpoint(
        kinds=("jira.project",),
        path="/rest/api/3/project/{projectKey}/permissionscheme",
        surface=Surface.SITE,
        parent="jira.project",
        values=lambda about: {"projectKey": about.subject.id.partition("/")[2]},
        applies=lambda project: project.facts.get("style") != _TEAM_MANAGED,
        adds=("permission_scheme",),
        shape=_scheme_of_project,
        source=Source.API,
        documented=_REFERENCE + "api-group-project-permission-schemes/",
        hint=f"give {_ACCOUNT}, or one that administers this project",
        scope="read:jira-work",
        role=_ADMINISTER,
    ),
    Endpoint(
        kinds=("jira.filter",),
        path="/rest/api/3/filter/search",
        surface=Surface.SITE,
        parent="jira.site",
        params={"maxResults": _MOST, "expand": "sharePermissions,owner", "overrideSharePermissions": "true"},
        pager=Pager.START_AT,
        records="values",
        shape=_filter,
        source=Source.API,
        documented=_REFERENCE + "api-group-filters/",
        hint=f"give {_ACCOUNT}",
        scope="read:jira-work",
        role=_ADMINISTER,
        whole_with="ADMINISTER",
    ),
    Endpoint(
        kinds=("jira.dashboard",),
        path="/rest/api/3/dashboard/search",
        surface=Surface.SITE,
        parent="jira.site",
        params={"maxResults": _MOST, "expand": "sharePermissions,owner"},
        pager=Pager.START_AT,
        records="values",
        shape=_dashboard,
        source=Source.API,
        documented=_REFERENCE + "api-group-dashboards/",
        hint=f"give {_ACCOUNT}",
        scope="read:jira-work",
        role=_USE,
    ),
    Endpoint(
        kinds=("jira.group",),
        path="/rest/api/3/group/bulk",
        surface=Surface.SITE,
        parent="jira.site",
        params={"maxResults": _MOST, "accessType": "admin"},
        pager=Pager.START_AT,
        records="values",
        shape=_group,
        source=Source.API,
        documented=_REFERENCE + "api-group-groups/",
        hint=f"give {_BROWSER}",
        scope="read:jira-user",
        role=_BROWSE,
    ),
    Endpoint(
        kinds=("jira.group",),
        path="/rest/api/3/group/member",
        surface=Surface.SITE,
        parent="jira.group",
        query=lambda about: {"groupId": about.subject.id.partition("/")[2]},
        params={"maxResults": "50"},
        adds=("members",),
        gathers=True,
        pager=Pager.START_AT,
        records="values",
        shape=_members,
        source=Source.API,
        documented=_REFERENCE + "api-group-groups/",
        hint=f"give {_ACCOUNT}",
        scope="manage:jira-configuration",
        role=_ADMINISTER,
    ),
    Endpoint(
        kinds=("jira.user",),
        path="/rest/api/3/users/search",
        surface=Surface.SITE,
        parent="jira.site",
        params={"maxResults": "1000"},
        pager=Pager.ARRAY,
        shape=_user,
        source=Source.API,
        documented=_REFERENCE + "api-group-users/",
        hint=f"give {_BROWSER}",
        scope="read:jira-user",
        role=_BROWSE,
    ),
    # Who acts in a role is told for one role of one project at a time, and no list tells more. The fewest requests are one for each
    # pair; which pairs there are, one more a project tells. (The site's own list of roles would save that one, but it mixes the
    # roles of all projects, and team-managed ones have their own.)
    Endpoint(
        kinds=("jira.project_role",),
        path="/rest/api/3/project/{projectKey}/roledetails",
        surface=Surface.SITE,
        parent="jira.project",
        values=lambda about: {"projectKey": about.subject.id.partition("/")[2]},
        shape=_project_roles,
        source=Source.API,
        documented=_REFERENCE + "api-group-project-roles/",
        hint=f"give {_ACCOUNT}, or one that administers this project",
        scope="read:jira-work",
        role=_ADMINISTER,
    ),
    Endpoint(
        kinds=("jira.project_role",),
        path="/rest/api/3/project/{projectKey}/role/{roleId}",
        surface=Surface.SITE,
        parent="jira.project_role",
        values=_role_of_project,
        adds=("actors",),
        shape=_actors,
        source=Source.API,
        documented=_REFERENCE + "api-group-project-roles/",
        hint=f"give {_ACCOUNT}, or one that administers this project",
        scope="read:jira-work",
        role=_ADMINISTER,
    ),
    Endpoint(
        kinds=("jira.audit_record",),
        path="/rest/api/3/auditing/record",
        surface=Surface.SITE,
        parent="jira.site",
        params={"limit": "1000"},
        query=_window,
        pager=Pager.OFFSET,
        records="records",
        shape=_audit_record,
        source=Source.API,
        documented=_REFERENCE + "api-group-audit-records/",
        hint=f"give {_ACCOUNT}",
        scope="manage:jira-configuration",
        role=_ADMINISTER,
    ),
)

UNREADABLE = (Unreadable(kind="jira.team_managed_access", parent="jira.site", id_of=lambda site: site.id),)

DERIVED = (
    Derived(
        kind="jira.permission_scheme",
        facts=("in_use", "project_count"),
        needs=(("jira.project", "permission_scheme"),),
        derive=_uses,
    ),
)
