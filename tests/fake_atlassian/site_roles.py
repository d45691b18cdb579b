"""Play the roles of projects, and who acts in them."""

from collections.abc import Iterator, Sequence

from . import problems
from .problems import JsonObject, Problem
from .routes import Parameters, Route, SiteCall
from .scenario import Account, Project, ProjectRole, Site

JIRA = "jira-v3.json"


def role_details(call: SiteCall) -> list[JsonObject]:
    """List the roles of a project: no pages."""
    project = _project(call)
    return [{**_role(call, project, role), "type": "DEFAULT"} for role in roles_of(call.site, project)]


def role_with_actors(call: SiteCall) -> JsonObject:
    """Show a role of a project and who acts in it."""
    project = _project(call)
    for role in roles_of(call.site, project):
        if str(role.id) == call.parameters["id"]:
            actors = [*_groups(call.site, project, role), *_users(call.site, project, role)]
            return {**_role(call, project, role), "actors": actors}
    raise Problem(404, "The project role could not be found.")


def roles_of(site: Site, project: Project) -> Sequence[ProjectRole]:
    """Return the roles that a project has: company-managed ones share theirs, a team-managed one has its own."""
    of = None if project.style == "classic" else project.key
    return [role for role in site.jira.project_roles if role.project == of]


def _of_each_project(site: Site) -> Iterator[Parameters]:
    for project in site.projects:
        yield {"projectIdOrKey": project.key}


def _of_each_role(site: Site) -> Iterator[Parameters]:
    for project in site.projects:
        for role in roles_of(site, project):
            yield {"projectIdOrKey": project.key, "id": str(role.id)}


def _refuses(_site: Site, account: Account, _parameters: Parameters) -> int | None:
    return None if account.administer else 404  # as the document says of an account without the permission


ROUTES: tuple[Route[SiteCall], ...] = (
    Route(
        template="/rest/api/3/project/{projectIdOrKey}/roledetails",
        answer=role_details,
        dialect=problems.jira,
        promised_by=JIRA,
        scope="read:jira-work",
        refuses=_refuses,
        samples=_of_each_project,
    ),
    Route(
        template="/rest/api/3/project/{projectIdOrKey}/role/{id}",
        answer=role_with_actors,
        dialect=problems.jira,
        promised_by=JIRA,
        scope="read:jira-work",
        refuses=_refuses,
        samples=_of_each_role,
    ),
)


def _project(call: SiteCall) -> Project:
    project = call.site.project_by_key.get(call.parameters["projectIdOrKey"])
    if project is None:
        raise Problem(404, "No project could be found.")
    return project


def _role(call: SiteCall, project: Project, role: ProjectRole) -> JsonObject:
    scope = {"scope": {"type": "PROJECT", "project": {"id": project.id}}} if role.project else {}
    return {
        "self": f"{call.base_url}/rest/api/3/project/{project.id}/role/{role.id}",
        "id": role.id,
        "name": role.name,
        "translatedName": role.name,
        "admin": role.admin,
        "default": False,
        "roleConfigurable": True,
        **scope,
    }


def _groups(site: Site, project: Project, role: ProjectRole) -> Iterator[JsonObject]:
    for number, id_ in enumerate(role.groups.get(project.key, ()), start=10240):
        name = site.jira.group_by_id[id_].name
        group = {"groupId": id_, "name": name, "displayName": name}
        yield {"id": number, "type": "atlassian-group-role-actor", "displayName": name, "actorGroup": group}


def _users(site: Site, project: Project, role: ProjectRole) -> Iterator[JsonObject]:
    for number, id_ in enumerate(role.users.get(project.key, ()), start=10340):
        name = site.jira.user_by_id[id_].name
        yield {"id": number, "type": "atlassian-user-role-actor", "displayName": name, "actorUser": {"accountId": id_}}
