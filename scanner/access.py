"""What leads from a person to apps, projects, desks and spaces: every path that the snapshot shows, each with its source. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from scanner.model import Resource, Snapshot, Source
from scanner.tracing import Path, Stop, Through

# What has to be collected, as (kind, fact), for paths to be told.
NEEDS = frozenset(
    (kind, "")
    for kind in (
        "confluence.space",
        "jira.anonymous_view",
        "jira.application_role",
        "jira.group",
        "jira.permission_scheme",
        "jira.project",
        "jira.project_role",
        "jsm.customer",
        "jsm.customer_permissions",
        "jsm.service_desk",
        "org.group",
        "org.user",
        "org.user_role_assignments",
        "org.workspace",
    )
)
_BROWSE = "BROWSE_PROJECTS"
_Value = TypeVar("_Value")
_PEOPLE = frozenset({"jira.user", "jsm.customer", "org.user", "org.user_role_assignments"})
# What paths are made of, by kind: the facts, and of those that are lists of objects what each has to say.
_MADE_OF: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "jira.group": {"members": ("account_id",)},
    "jira.permission_scheme": {"grants": ("permission", "holder_type", "holder_value")},
    "jira.project_role": {"actors": ("id",)},
    "org.group": {"role_assignments": ("resource_id", "roles")},
    "org.user": {"groups": (), "product_access": ("resource_id",)},
    "org.user_role_assignments": {"assignments": ("resource_id", "role", "methods")},
}
NO_NAME = "an app that is not named"


@dataclass(frozen=True, slots=True)
class Account:
    """An account, and all that was read about it: as a person of the organization, its roles, and on each site."""

    id: str
    records: tuple[Resource, ...]

    def of(self, kind: str) -> tuple[Resource, ...]:
        """Return what was read about it as one kind."""
        return tuple(record for record in self.records if record.kind == kind)

    def fact(self, kind: str, name: str) -> Any:  # noqa: ANN401  JSON border
        """Return a fact of a kind; None where it was not read."""
        return next((record.facts[name] for record in self.of(kind) if name in record.facts), None)

    @property
    def groups(self) -> tuple[str, ...]:
        """Return the ids of its groups, as far as they are told."""
        return tuple(self.fact("org.user", "groups") or ())

    @property
    def apps(self) -> frozenset[str]:
        """Return the keys of the apps that it can use."""
        return frozenset(str(each.get("key")) for record in self.of("org.user") for each in _parts(record, "product_access"))


@dataclass(frozen=True, slots=True)
class Index:
    """What people get access through, by what it is looked up by. No people are in it, so that it is small beside them."""

    workspaces: Mapping[str, Resource]
    groups: Mapping[str, Resource]
    # Why new people land in a group, by group.
    defaults: Mapping[str, tuple[str, ...]]
    # Groups that administer Jira by member, projects by permission scheme, roles in projects by actor.
    administering: Mapping[str, Sequence[Resource]]
    projects: Mapping[str, Sequence[Resource]]
    acting: Mapping[str, Sequence[Resource]]
    names: Mapping[str, str]
    grants: Sequence[tuple[Resource, Mapping[str, Any]]]
    desks: Mapping[str, Resource]
    spaces: Sequence[Resource]
    views: Sequence[Resource]

    @classmethod
    def of(cls, snapshot: Snapshot, account: Account | None = None) -> "Index":
        """Read it in a snapshot; for one account, only what may concern it."""
        read: defaultdict[str, list[Resource]] = defaultdict(list)
        for record in snapshot.of(*{kind for kind, _ in NEEDS} - _PEOPLE):
            if isinstance(record, Resource) and (account is None or _concerns(record, account)):
                read[record.kind].append(record)
        schemes = read["jira.permission_scheme"]
        return cls(
            workspaces={each.id: each for each in read["org.workspace"]},
            groups={each.id: each for each in read["org.group"]},
            defaults=_grouped(_defaults(read["org.group"], read["jira.application_role"])),
            administering=_grouped(
                (str(each["account_id"]), group)
                for group in read["jira.group"]
                for each in _parts(group, "members")
                if "account_id" in each
            ),
            projects=_grouped(
                (f"jira.permission_scheme/{each.facts.get('permission_scheme')}", each) for each in read["jira.project"]
            ),
            acting=_grouped(
                (str(each["id"]), role) for role in read["jira.project_role"] for each in _parts(role, "actors") if "id" in each
            ),
            names={each.address: each.name for each in read["jira.project"]},
            grants=[(each, grant) for each in schemes for grant in _parts(each, "grants") if grant.get("permission") == _BROWSE],
            desks={each.id: each for each in read["jsm.service_desk"]},
            spaces=read["confluence.space"],
            views=read["jira.anonymous_view"],
        )

    def app(self, resource_id: str) -> str:
        """Return what an app of a site is called; its ARI where that is not known."""
        workspace = self.workspaces.get(resource_id)
        if workspace is None:
            return resource_id
        key = str(workspace.facts.get("type_key") or "")
        return f"{key} on {workspace.name}" if key and workspace.name else workspace.name or resource_id

    def group(self, id_: str) -> Stop:
        """Return a group as a stop, with what matters about it."""
        record = self.groups.get(id_)
        if record is None:
            return Stop(address=f"org.group/{id_}", name=id_, notes=("not read", *self.defaults.get(id_, ())))
        synced = record.facts.get("external_synced")
        notes = ("synced from the identity provider",) if synced else ("not synced",) if synced is False else ()
        return Stop(address=record.address, name=record.name, notes=(*notes, *map(self._named, self.defaults.get(id_, ()))))

    def _named(self, note: str) -> str:
        """Return a note with an app's name in the place of its ARI."""
        return " ".join(self.app(word) for word in note.split(" "))


def unclear(snapshot: Snapshot) -> frozenset[str]:
    """Return the kinds of which something does not say all that paths are made of, such as who acts in a role."""
    return frozenset(each.kind for each in snapshot.of(*_MADE_OF) if isinstance(each, Resource) and _is_unclear(each))


def paths(account: Account, index: Index) -> tuple[Path, ...]:
    """Return all that leads from an account to something, the narrowest first; then what needs no account."""
    return (*app_paths(account, index), *project_paths(account, index), *desk_paths(account, index), *public_paths(index))


def app_paths(account: Account, index: Index) -> tuple[Path, ...]:
    """Return what leads to apps and to administration; where nothing explains that an app can be used, that."""
    told = (
        *_platform_roles(account),
        *_direct_roles(account, index),
        *_group_roles(account, index),
        *_administered(account, index),
    )
    explained = {path.target for path in told}
    return (*told, *(path for path in _used_apps(account, index) if path.target not in explained))


def project_paths(account: Account, index: Index) -> tuple[Path, ...]:
    """Return what leads to projects: roles in them, and grants of their permission schemes that need an account."""
    return (*_project_roles(account, index), *_scheme_grants(account, index))


def desk_paths(account: Account, index: Index) -> tuple[Path, ...]:
    """Return the desks that the account is a customer of, and the spaces that people without a licence may look into."""
    return (*_customer_desks(account, index), *_unlicensed_spaces(account, index))


def public_paths(index: Index) -> tuple[Path, ...]:
    """Return what anybody sees without an account."""
    return tuple(_public(index))


# ---------------------------------------------------------------------------------------------------------------- private


def _concerns(record: Resource, account: Account) -> bool:
    """Tell whether something may lead an account to something: of what there is very much, most does not."""
    match record.kind:
        case "org.group":
            return record.id in account.groups
        case "jira.project_role":
            return any(each.get("id") == account.id or each.get("id") in account.groups for each in _parts(record, "actors"))
        case "jira.group":
            return any(each.get("account_id") == account.id for each in _parts(record, "members"))
        case "confluence.space":
            return record.facts.get("anonymous_access") is True or record.facts.get("unlicensed_access") is True
    return True


def _is_unclear(record: Resource) -> bool:
    if record.facts.get("explained_by_groups") is True or record.facts.get("status") not in (None, "active"):
        return False
    return any(
        record.facts.get(fact) is None or any(name not in each for each in _parts(record, fact) for name in names)
        for fact, names in _MADE_OF[record.kind].items()
    )


def _defaults(groups: Iterable[Resource], roles: Iterable[Resource]) -> Iterator[tuple[str, str]]:
    """Yield the groups that new people land in, each with why."""
    for group in groups:
        for each in _parts(group, "role_assignments"):
            if each.get("default_role"):
                yield group.id, f"new people of {each.get('resource_id', NO_NAME)} land in it"
    for role in roles:
        for id_ in role.facts.get("default_groups") or ():
            yield id_, f"new holders of {role.name} land in it"


def _platform_roles(account: Account) -> Iterator[Path]:
    for record in account.of("org.user"):
        for role in record.facts.get("platform_roles") or ():
            yield _path(Through.DIRECT, (), ("org", "the organization"), role, record.source)


def _direct_roles(account: Account, index: Index) -> Iterator[Path]:
    for record in account.of("org.user_role_assignments"):
        for each in _parts(record, "assignments"):
            resource_id, role = str(each.get("resource_id")), str(each.get("role"))
            if "direct" in (each.get("methods") or ()):
                yield _path(Through.DIRECT, (), (resource_id, index.app(resource_id)), role, record.source)


def _group_roles(account: Account, index: Index) -> Iterator[Path]:
    for group in filter(None, map(index.groups.get, account.groups)):
        for each in _parts(group, "role_assignments"):
            to = str(each.get("resource_id")), index.app(str(each.get("resource_id")))
            for role in each.get("roles") or ():
                yield _path(Through.GROUP, (index.group(group.id),), to, role, group.source)


def _administered(account: Account, index: Index) -> Iterator[Path]:
    for group in index.administering.get(account.id, ()):
        site, access = group.id.partition("/")[0], str(group.facts.get("access") or "admin")
        stop = Stop(address=group.address, name=group.name)
        yield _path(Through.GROUP, (stop,), (f"jira.site/{site}", f"the Jira site {site}"), access, group.source)


def _used_apps(account: Account, index: Index) -> Iterator[Path]:
    for record in account.of("org.user"):
        for each in _parts(record, "product_access"):
            key = str(each.get("key"))
            resource_id = str(each.get("resource_id") or key)
            name = index.app(resource_id) if resource_id in index.workspaces else key
            yield _path(Through.UNEXPLAINED, (), (resource_id, name), "atlassian/user", record.source)


def _project_roles(account: Account, index: Index) -> Iterator[Path]:
    for id_, stops in ((account.id, ()), *((group, (index.group(group),)) for group in account.groups)):
        for role in index.acting.get(id_, ()):
            project = f"jira.project/{role.facts.get('project') or role.id.rpartition('/')[0]}"
            stop = Stop(address=role.address, name=role.name)
            name = index.names.get(project, project)
            yield _path(Through.PROJECT_ROLE, (*stops, stop), (project, name), f"the role {role.name}", role.source)


def _scheme_grants(account: Account, index: Index) -> Iterator[Path]:
    for scheme, grant in index.grants:
        for stops in _held_by(account, grant, index):
            yield from _granted(Through.SCHEME, scheme, grant, stops, index)


def _held_by(account: Account, grant: Mapping[str, Any], index: Index) -> Iterator[tuple[Stop, ...]]:
    """Yield through what an account holds a grant, but for grants to roles in projects, which are paths of their own."""
    holder = grant.get("holder_value")
    match grant.get("holder_type"):
        case "group" if holder in account.groups:
            yield (index.group(str(holder)),)
        case "user" if holder == account.id:
            yield ()
        case "applicationRole":
            apps = account.apps
            of_any = "holder_value" in grant and not holder
            if holder in apps or (of_any and any(app.startswith("jira") for app in apps)):
                yield (Stop(address=f"app/{holder or 'any'}", name=f"everybody who may use {holder or 'a Jira app'}"),)


def _granted(through: Through, scheme: Resource, grant: Mapping[str, Any], stops: tuple[Stop, ...], index: Index) -> Iterator[Path]:
    stop = Stop(address=scheme.address, name=scheme.name, notes=(f"grants {grant['permission']} to {_holder(grant)}",))
    for project in index.projects.get(scheme.address, ()):
        yield _path(through, (*stops, stop), (project.address, project.name), str(grant["permission"]), scheme.source)


def _holder(grant: Mapping[str, Any]) -> str:
    return (
        "anyone"
        if grant.get("holder_type") == "anyone"
        else f"{grant.get('holder_type')} {grant.get('holder_value') or ''}".strip()
    )


def _customer_desks(account: Account, index: Index) -> Iterator[Path]:
    for record in account.of("jsm.customer"):
        for desk in record.facts.get("desks") or ():
            known = index.desks.get(desk)
            yield _path(
                Through.CUSTOMER, (), (f"jsm.service_desk/{desk}", known.name if known else desk), "customer", record.source
            )


def _unlicensed_spaces(account: Account, index: Index) -> Iterator[Path]:
    sites = {record.id.partition("/")[0] for record in account.of("jsm.customer")}
    for space in index.spaces if "confluence" not in account.apps else ():
        if space.facts.get("unlicensed_access") is True and space.id.partition("/")[0] in sites:
            yield _path(Through.CUSTOMER, (), (space.address, space.name), "read without a licence", space.source)


def _public(index: Index) -> Iterator[Path]:
    for scheme, grant in index.grants:
        if grant.get("holder_type") == "anyone":
            yield from _granted(Through.PUBLIC, scheme, grant, (), index)
    for space in index.spaces:
        if space.facts.get("anonymous_access") is True:
            yield _path(Through.PUBLIC, (), (space.address, space.name), "read without an account", space.source)
    for view in index.views:
        if isinstance(seen := view.facts.get("projects"), int) and seen > 0:
            yield _path(
                Through.PUBLIC, (), (view.address, f"projects of {view.id}: {seen}"), "seen without an account", view.source
            )


def _path(through: Through, stops: Iterable[Stop], to: tuple[str, str], gives: str, source: Source) -> Path:
    target, name = to
    return Path(through=through, stops=tuple(stops), target=target, name=name, gives=gives, source=source)


def _grouped(pairs: Iterable[tuple[str, _Value]]) -> dict[str, tuple[_Value, ...]]:
    """Return the values of each key."""
    found: defaultdict[str, list[_Value]] = defaultdict(list)
    for key, value in pairs:
        found[key].append(value)
    return {key: tuple(values) for key, values in found.items()}


def _parts(record: Resource, fact: str) -> list[dict[str, Any]]:
    """Return the objects of a fact; none where it was not read."""
    value = record.facts.get(fact)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
