"""Read a scenario: what the played organization and its sites look like."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

SCENARIOS = Path(__file__).parent / "scenarios"
LARGE = "large"


class ScenarioError(Exception):
    """Say what is wrong with a scenario, and where."""


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Be one mapping of a scenario file, refusing keys nobody reads."""


class Org(Record, frozen=True):
    id: str
    name: str


class OrgKey(Record, frozen=True):
    token: str
    scopes: tuple[str, ...] | Literal["all"]

    def may(self, scope: str) -> bool:
        return self.scopes == "all" or scope in self.scopes


class Domain(Record, frozen=True):
    name: str
    claim_status: str
    claim_type: str


class Product(Record, frozen=True):
    product_id: str
    access_mode: str  # not an enum: a scenario may play a mode that Atlassian's documents do not know yet
    default_role: str


class AccessDomain(Record, frozen=True):
    domain: str
    enabled: bool
    admin_notifications: bool = False
    products: tuple[Product, ...] = ()


class Workspace(Record, frozen=True):
    id: str
    name: str
    type_key: str
    site: str
    status: Literal["online", "offline", "deprecated"]
    plan: str | None = None  # None is not told


class Directory(Record, frozen=True):
    id: str
    name: str


class ProductUse(Record, frozen=True):
    key: str
    site: str
    last_active: str | None = None  # None is never


class DirectRole(Record, frozen=True):
    resource_id: str
    role: str


class OrgUser(Record, frozen=True):
    id: str
    name: str
    email: str
    directory: str
    added_to_org: str
    status: Literal["active", "suspended", "not_invited", "deactivated", "for_deletion"] = "active"
    account_status: Literal["active", "inactive", "closed"] = "active"
    membership_status: Literal["active", "suspended", "no_membership"] = "active"
    claim_status: Literal["managed", "unmanaged"] = "managed"
    email_verified: bool = True
    mfa_enabled: bool | None = None  # told of managed accounts
    management_source: Literal["invited", "synced"] | None = None
    platform_roles: tuple[str, ...] = ()
    products: tuple[ProductUse, ...] = ()
    groups: tuple[str, ...] = ()
    direct_roles: tuple[DirectRole, ...] = ()  # given to the person, and not through a group


class GroupRole(Record, frozen=True):
    resource_id: str
    roles: tuple[str, ...]
    default_role: str | None = None


class OrgGroup(Record, frozen=True):
    id: str
    name: str
    directory: str
    external_synced: bool = False
    managed_by: Literal["external", "admins", "team-members", "open"] = "admins"
    roles: tuple[GroupRole, ...] = ()


class OrgPolicy(Record, frozen=True):
    id: str
    name: str
    type: Literal["ip-allowlist", "data-residency", "data-security"]
    status: Literal["enabled", "disabled"]
    lets_in: tuple[str, ...] | None = None  # None where the rule is of another shape
    resources: dict[str, Literal["applying", "removing", "applied", "failed", "scheduled"]] = {}  # how far it got with each


class ApiToken(Record, frozen=True):
    id: str
    label: str
    status: Literal["ALLOWED", "BLOCKED"]
    user: str
    created_at: str
    expires_at: str | None = None  # None is not told
    last_active_at: str | None = None


class ApiKey(Record, frozen=True):
    id: str
    label: str
    created_at: str
    expires_at: str | None = None
    revoked_at: str | None = None  # None is not revoked


class ServiceAccount(Record, frozen=True):
    id: str
    name: str
    status: str


class EventAction(Record, frozen=True):
    id: str
    display_name: str
    group_display_name: str


class Event(Record, frozen=True):
    id: str
    time: str
    action: str
    actor: dict[str, Any]  # this and what follows as the interface says it, raw
    context: tuple[dict[str, Any], ...] = ()
    container: tuple[dict[str, Any], ...] = ()
    location: dict[str, Any] | None = None


class Refusal(Record, frozen=True):
    """Answer one path with an error, whoever asks."""

    path: str  # below the address of its face: /v1/orgs/... or /rest/...
    status: int


class Account(Record, frozen=True):
    email: str
    token: str
    administer: bool = False
    sees: tuple[str, ...] = ()  # project keys; an administrator sees all of them
    scopes: tuple[str, ...] | Literal["all"] = "all"  # of its token; one with scopes is taken at the gateway only

    def may(self, scope: str) -> bool:
        return self.scopes == "all" or scope in self.scopes


class Client(Record, frozen=True):
    """Log in as OAuth 2.0 client credentials do: at the gateway, and as one of the site's accounts."""

    id: str
    secret: str
    acts_as: str  # the e-mail address of the account
    scopes: tuple[str, ...] | Literal["all"] = "all"


class ServerInfo(Record, frozen=True):
    title: str
    version: str
    build_number: int


class Project(Record, frozen=True):
    id: str
    key: str
    name: str
    type: Literal["software", "service_desk", "business"]
    style: Literal["classic", "next-gen"]
    is_private: bool


class Customer(Record, frozen=True):
    id: str
    name: str
    email: str | None = None  # None: hidden by the privacy settings
    active: bool = True


class CustomerOrganization(Record, frozen=True):
    id: str
    name: str


class RequestType(Record, frozen=True):
    id: str
    name: str
    restriction_status: Literal["OPEN", "RESTRICTED"] | None = None  # None: it is not told


class Desk(Record, frozen=True):
    id: str
    request_security: dict[str, Any]  # as the undocumented endpoint would say it, raw
    incoming_email: tuple[str, ...]
    customers: tuple[str, ...] = ()  # ids of the site's customers
    organizations: tuple[str, ...] = ()  # ids of the site's organizations
    request_types: tuple[RequestType, ...] = ()


class Space(Record, frozen=True):
    id: str
    key: str
    name: str
    type: str
    status: Literal["current", "archived"] = "current"
    groups: tuple[str, ...] = ("confluence-users",)  # whose members may look into it, besides administrators
    anonymous: bool = False
    unlicensed: bool = False


class Confluence(Record, frozen=True):
    role_mode: Literal["PRE_ROLES", "ROLES_TRANSITION", "ROLES"]
    spaces: tuple[Space, ...] = ()


class Grant(Record, frozen=True):
    permission: str
    holder_type: str
    holder_value: str | None = None  # an id; of a type that has none, None


class PermissionScheme(Record, frozen=True):
    id: int
    name: str
    grants: tuple[Grant, ...]


class ApplicationRole(Record, frozen=True):
    key: str
    name: str
    seats: int
    users: int
    groups: tuple[str, ...]  # ids
    default_groups: tuple[str, ...] = ()
    selected_by_default: bool = False
    unlimited: bool = False


class JiraGroup(Record, frozen=True):
    id: str
    name: str
    access: Literal["user", "admin", "site-admin"] = "user"
    members: tuple[str, ...] = ()  # account ids


class JiraUser(Record, frozen=True):
    id: str
    name: str
    email: str | None = None  # None is hidden
    type: Literal["atlassian", "app", "customer", "unknown"] = "atlassian"
    active: bool = True


class Share(Record, frozen=True):
    type: Literal["user", "group", "project", "projectRole", "global", "loggedin", "authenticated", "project-unknown"]
    user: str | None = None  # account id
    group: str | None = None  # id
    project: str | None = None  # key
    role: int | None = None


class Filter(Record, frozen=True):
    id: str
    name: str
    owner: str  # account id
    shares: tuple[Share, ...] = ()


class Dashboard(Record, frozen=True):
    id: str
    name: str
    owner: str | None = None  # account id; None is the system's own
    shares: tuple[Share, ...] = ()


class ProjectRole(Record, frozen=True):
    id: int
    name: str
    admin: bool = False
    project: str | None = None  # key; a role of one team-managed project alone
    groups: dict[str, tuple[str, ...]] = {}  # ids of those who act in it, by project key
    users: dict[str, tuple[str, ...]] = {}


class Audited(Record, frozen=True):
    id: str
    name: str
    type: str


class AuditRecord(Record, frozen=True):
    id: int
    created: str
    category: str
    summary: str
    object: Audited
    author: str | None = None  # account id; None is the system
    associated: tuple[Audited, ...] = ()
    changed: dict[str, tuple[str | None, str | None]] = {}  # before and after, by field


class Jira(Record, frozen=True, dict=True):
    """Be what Jira holds beside projects."""

    application_roles: tuple[ApplicationRole, ...] = ()
    permission_schemes: tuple[PermissionScheme, ...] = ()
    project_schemes: dict[str, int] = {}  # by project key; the others have the first scheme
    groups: tuple[JiraGroup, ...] = ()
    users: tuple[JiraUser, ...] = ()
    filters: tuple[Filter, ...] = ()
    dashboards: tuple[Dashboard, ...] = ()
    project_roles: tuple[ProjectRole, ...] = ()
    audit_records: tuple[AuditRecord, ...] = ()

    @cached_property
    def scheme_by_id(self) -> Mapping[int, PermissionScheme]:
        return {scheme.id: scheme for scheme in self.permission_schemes}

    @cached_property
    def group_by_id(self) -> Mapping[str, JiraGroup]:
        return {group.id: group for group in self.groups}

    @cached_property
    def user_by_id(self) -> Mapping[str, JiraUser]:
        return {user.id: user for user in self.users}

    @cached_property
    def id_by_email(self) -> Mapping[str, str]:
        return {user.email: user.id for user in reversed(self.users) if user.email is not None}

    @cached_property
    def _place_of_user(self) -> Mapping[str, int]:
        return {user.id: place for place, user in enumerate(self.users)}

    def scheme_of(self, project_key: str) -> PermissionScheme:
        return self.scheme_by_id[self.project_schemes.get(project_key, self.permission_schemes[0].id)]

    def active_members(self, group: JiraGroup) -> list[JiraUser]:
        members = (self.user_by_id[id_] for id_ in sorted(set(group.members), key=self._place_of_user.__getitem__))
        return [user for user in members if user.active]


class DeskOf(NamedTuple):
    """Pair a service desk with the project it belongs to."""

    project: Project
    desk: Desk


class Site(Record, frozen=True, dict=True):
    name: str
    cloud_id: str
    server_info: ServerInfo
    accounts: tuple[Account, ...]
    projects: tuple[Project, ...]
    desks: dict[str, Desk]  # by project key
    jira: Jira = Jira()
    refuse: tuple[Refusal, ...] = ()
    customers: tuple[Customer, ...] = ()
    organizations: tuple[CustomerOrganization, ...] = ()
    confluence: Confluence | None = None
    clients: tuple[Client, ...] = ()
    strangers_browse_users: bool = False  # Browse users and groups is granted to the public

    @cached_property
    def project_by_key(self) -> Mapping[str, Project]:
        return {project.key: project for project in self.projects}

    @cached_property
    def desk_by_id(self) -> Mapping[str, Desk]:
        return {desk.id: desk for desk in self.desks.values()}

    def sees(self, account: Account | None, project_key: str | None) -> bool:
        if account is None or project_key not in self.project_by_key:
            return project_key in self.projects_open_to_strangers
        return account.administer or project_key in account.sees

    def projects_seen_by(self, account: Account | None) -> Sequence[Project]:
        if account is not None and account.administer:
            return self.projects
        return [project for project in self.projects if self.sees(account, project.key)]

    def desks_seen_by(self, account: Account | None) -> Sequence[DeskOf]:
        return [each for each in self._desks_of_projects if self.sees(account, each.project.key)]

    @cached_property
    def permissions_of_strangers(self) -> Mapping[str, Sequence[str]]:
        """Tell by project what is granted to anyone; team-managed projects have no scheme."""
        schemes = {each.key: self.jira.scheme_of(each.key) for each in self._governed_by_schemes}
        return {
            key: [grant.permission for grant in scheme.grants if grant.holder_type == "anyone"] for key, scheme in schemes.items()
        }

    @cached_property
    def projects_open_to_strangers(self) -> frozenset[str]:
        return frozenset(key for key, held in self.permissions_of_strangers.items() if "BROWSE_PROJECTS" in held)

    @property
    def lets_strangers_sign_up(self) -> bool:
        switches = ("globalPublicSignup", "serviceDeskPublicSignup")
        return any(all(desk.request_security.get(each) for each in switches) for desk in self.desks.values())

    @property
    def _governed_by_schemes(self) -> Sequence[Project]:
        return [project for project in self.projects if project.style == "classic" and self.jira.permission_schemes]

    @cached_property
    def _desks_of_projects(self) -> Sequence[DeskOf]:
        return [DeskOf(project, self.desks[project.key]) for project in self.projects if project.key in self.desks]


class Scenario(Record, frozen=True, dict=True):
    org: Org
    org_keys: tuple[OrgKey, ...]
    domains: tuple[Domain, ...]
    access_domains: tuple[AccessDomain, ...]
    workspaces: tuple[Workspace, ...]
    sites: tuple[Site, ...]
    directories: tuple[Directory, ...] = ()
    users: tuple[OrgUser, ...] = ()
    groups: tuple[OrgGroup, ...] = ()
    policies: tuple[OrgPolicy, ...] = ()
    event_actions: tuple[EventAction, ...] = ()
    events: tuple[Event, ...] = ()
    service_accounts: tuple[ServiceAccount, ...] = ()
    api_tokens: tuple[ApiToken, ...] = ()
    api_keys: tuple[ApiKey, ...] = ()
    refuse: tuple[Refusal, ...] = ()  # on the admin face; a site has its own list
    page_size: int = 50  # the most that a page of any list holds, however much is asked for
    token_seconds: int = 3600  # how long an access token of OAuth 2.0 is good for

    @cached_property
    def group_by_id(self) -> Mapping[str, OrgGroup]:
        return {group.id: group for group in self.groups}

    @cached_property
    def user_by_id(self) -> Mapping[str, OrgUser]:
        return {user.id: user for user in self.users}

    @cached_property
    def group_sizes(self) -> Mapping[str, int]:
        return Counter(id_ for user in self.users for id_ in user.groups)

    @cached_property
    def users_by_directory(self) -> Mapping[str, Sequence[OrgUser]]:
        return {each.id: [user for user in self.users if user.directory == each.id] for each in self.directories}

    @cached_property
    def groups_by_directory(self) -> Mapping[str, Sequence[OrgGroup]]:
        return {each.id: [group for group in self.groups if group.directory == each.id] for each in self.directories}


def names() -> list[str]:
    """Name the scenarios that are kept here."""
    return sorted(path.stem for path in SCENARIOS.glob("*.yaml"))


def load(name_or_path: str) -> Scenario:
    """Read a scenario by its name or its path; `large` is made, in other sizes too: `large:sites=1,projects=200`."""
    name, _, sizes = name_or_path.partition(":")
    if name == LARGE:
        return _checked(_large(sizes), name_or_path)
    path = Path(name_or_path) if name_or_path.endswith(".yaml") else SCENARIOS / f"{name_or_path}.yaml"
    try:
        scenario = msgspec.yaml.decode(path.read_bytes(), type=Scenario)
    except FileNotFoundError as error:
        raise ScenarioError(f"{path}: no such scenario; there are {', '.join(names())}, and {LARGE}") from error
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise ScenarioError(f"{path}: {error}") from error
    return _checked(scenario, str(path))


def _large(sizes: str) -> Scenario:
    from . import large  # noqa: PLC0415 - it is made of what is declared here

    try:
        return large.scenario(large.size(sizes))
    except ValueError as error:
        raise ScenarioError(f"{LARGE}:{sizes}: {error}") from error


def _checked(scenario: Scenario, where: str) -> Scenario:
    if faults := _faults(scenario):
        raise ScenarioError("\n".join(f"{where}: {fault}" for fault in faults))
    return scenario


def _faults(scenario: Scenario) -> list[str]:
    sites = {site.name for site in scenario.sites}
    faults = [f"workspace {w.name!r} is on site {w.site!r}, which there is not" for w in scenario.workspaces if w.site not in sites]
    faults += _repeated("site", [site.name for site in scenario.sites])
    faults += _repeated("access domain", [access.domain for access in scenario.access_domains])
    faults += _repeated("group", [group.id for group in scenario.groups])
    faults += _repeated("user", [user.id for user in scenario.users])
    known_groups, known_directories = {group.id for group in scenario.groups}, {each.id for each in scenario.directories}
    for user in scenario.users:
        faults += [f"user {user.id!r} is in group {each!r}, which there is not" for each in user.groups if each not in known_groups]
    placed = [(each.name, each.directory) for each in scenario.users] + [(each.name, each.directory) for each in scenario.groups]
    faults += [f"{name!r} is in directory {id_!r}, which there is not" for name, id_ in placed if id_ not in known_directories]
    if scenario.page_size < 1:
        faults.append("page_size has to be at least 1")
    return faults + [f"site {site.name!r}: {fault}" for site in scenario.sites for fault in _site_faults(site)]


def _site_faults(site: Site) -> list[str]:
    keys = [project.key for project in site.projects]
    service_projects = {project.key for project in site.projects if project.type == "service_desk"}
    faults = _repeated("project", keys)
    faults += [f"service desk project {key!r} has no entry in desks" for key in sorted(service_projects - site.desks.keys())]
    faults += [f"desk {key!r} has no service desk project" for key in sorted(site.desks.keys() - service_projects)]
    for what, known, named in (
        ("customer", {each.id for each in site.customers}, [id_ for desk in site.desks.values() for id_ in desk.customers]),
        (
            "organization",
            {each.id for each in site.organizations},
            [id_ for desk in site.desks.values() for id_ in desk.organizations],
        ),
    ):
        faults += [f"a desk names the {what} {id_!r}, which there is not" for id_ in named if id_ not in known]
    emails = {account.email for account in site.accounts}
    faults += [
        f"client {each.id!r} acts as {each.acts_as!r}, which there is not" for each in site.clients if each.acts_as not in emails
    ]
    faults += _repeated("client", [each.id for each in site.clients])
    for account in site.accounts:
        faults += [f"account {account.email} sees {key!r}, which there is not" for key in account.sees if key not in keys]
    return faults + _jira_faults(site.jira, keys)


def _jira_faults(jira: Jira, projects: list[str]) -> list[str]:
    shared: tuple[Filter | Dashboard, ...] = (*jira.filters, *jira.dashboards)
    shares = [share for each in shared for share in each.shares]
    roles = jira.application_roles
    holders = [grant for scheme in jira.permission_schemes for grant in scheme.grants]
    named: dict[str, tuple[Sequence[str], list[str | None]]] = {
        "project": (projects, [*jira.project_schemes, *(share.project for share in shares)]),
        "permission scheme": (
            [str(each.id) for each in jira.permission_schemes],
            [str(id_) for id_ in jira.project_schemes.values()],
        ),
        "group": (
            [group.id for group in jira.groups],
            [
                *(share.group for share in shares),
                *(id_ for role in roles for id_ in (*role.groups, *role.default_groups)),
                *(grant.holder_value for grant in holders if grant.holder_type == "group"),
            ],
        ),
        "user": (
            [user.id for user in jira.users],
            [
                *(share.user for share in shares),
                *(each.owner for each in shared),
                *(id_ for group in jira.groups for id_ in group.members),
            ],
        ),
    }
    faults = [
        f"{what} {id_!r} is named, which there is not"
        for what, (known, wanted) in named.items()
        for id_ in sorted({*wanted} - {None, *known}, key=str)
    ]
    return [fault for what, (known, _) in named.items() if what != "project" for fault in _repeated(what, known)] + faults


def _repeated(what: str, values: Iterable[str]) -> list[str]:
    return [f"{what} {value!r} is there more than once" for value, times in sorted(Counter(values).items()) if times > 1]
