"""Make the scenario `large`: an organization of a size at which only the frugal arrive. It is the same each time."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Annotated, Literal

import msgspec

from .scenario import (
    AccessDomain,
    Account,
    ApiKey,
    ApiToken,
    ApplicationRole,
    Audited,
    AuditRecord,
    Client,
    Confluence,
    Customer,
    CustomerOrganization,
    Dashboard,
    Desk,
    Directory,
    DirectRole,
    Domain,
    Event,
    EventAction,
    Filter,
    Grant,
    GroupRole,
    Jira,
    JiraGroup,
    JiraUser,
    Org,
    OrgGroup,
    OrgKey,
    OrgPolicy,
    OrgUser,
    PermissionScheme,
    Product,
    ProductUse,
    Project,
    ProjectRole,
    RequestType,
    Scenario,
    ServerInfo,
    ServiceAccount,
    Share,
    Site,
    Space,
    Workspace,
)

AtLeastOne = Annotated[int, msgspec.Meta(ge=1)]

ADMINISTRATORS = "276f955c-63d7-42c8-9520-92d01dca0001"
ADMINISTRATOR, AGENT = "admin@acme.example", "agent@acme.example"
APPS = ("jira-software", "jira-servicedesk", "confluence")
PRIMARY, CONTRACTORS = "dir-large-1", "dir-large-2"
SCHEMES, DOMAINS, ACCESS_DOMAINS, POLICIES, KEYS, SERVICE_ACCOUNTS, ACTIONS = 40, 12, 24, 40, 30, 60, 120
USER = "atlassian/user"
PERMISSIONS = (
    "BROWSE_PROJECTS",
    "CREATE_ISSUES",
    "EDIT_ISSUES",
    "ASSIGN_ISSUES",
    "ADD_COMMENTS",
    "CREATE_ATTACHMENTS",
    "TRANSITION_ISSUES",
    "LINK_ISSUES",
    "DELETE_ISSUES",
    "ADMINISTER_PROJECTS",
)


class Size(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Say how much there is: of the organization in all, or on each site."""

    sites: AtLeastOne = 10
    users: AtLeastOne = 50_000
    groups: AtLeastOne = 3_000
    tokens: int = 5_000
    events: int = 5_000
    projects: AtLeastOne = 2_000  # on each site, as all that follows
    spaces: int = 500
    filters: int = 1_000
    dashboards: int = 200
    audit_records: int = 2_000


def size(text: str) -> Size:
    """Read how large: `sites=1,projects=200`; what is not said is of full size."""
    said = dict(part.partition("=")[::2] for part in text.split(",") if part)
    return msgspec.convert(said, Size, strict=False)


def scenario(size: Size) -> Scenario:
    """Make an organization of a size."""
    people = People(size)
    sites = [_site(size, people, number) for number in range(size.sites)]
    draw = Random("organization")  # noqa: S311 - it has to be the same each time
    return Scenario(
        org=Org(id="0b5d1a52-7c1e-4a7e-9f0c-5d2f6a1e0099", name="Acme (large)"),
        org_keys=(
            OrgKey(token="stand-in-org-key", scopes="all"),
            OrgKey(token="stand-in-narrow-key", scopes=("read:domains:admin",)),
        ),
        domains=tuple(_domain(number) for number in range(DOMAINS)),
        access_domains=tuple(_access_domain(number) for number in range(ACCESS_DOMAINS)),
        workspaces=tuple(_workspace(site, app) for site in sites for app in APPS),
        directories=(Directory(id=PRIMARY, name="Primary directory"), Directory(id=CONTRACTORS, name="Contractors")),
        users=people.users,
        groups=people.groups,
        policies=tuple(_policy(number, sites) for number in range(POLICIES)),
        api_tokens=tuple(_api_token(number, draw.choice(people.users), draw) for number in range(size.tokens)),
        api_keys=tuple(_api_key(number) for number in range(KEYS)),
        service_accounts=tuple(_service_account(number) for number in range(SERVICE_ACCOUNTS)),
        event_actions=tuple(_event_action(number) for number in range(ACTIONS)),
        events=tuple(_event(number, draw.choice(people.users), draw) for number in range(size.events)),
        sites=tuple(sites),
        page_size=1_000,  # so that the most that each interface documents is the most that a page holds
    )


@dataclass(frozen=True)
class People:
    """Be the accounts and groups of the organization, each at home on one of its sites."""

    size: Size

    @cached_property
    def groups(self) -> tuple[OrgGroup, ...]:
        everybody = [_everybody(site) for site in range(self.size.sites)]
        teams = [_team(number, self.size.sites) for number in range(self.size.groups - len(everybody) - 1)]
        return (_administrators(self.size.sites), *everybody, *teams)

    @cached_property
    def users(self) -> tuple[OrgUser, ...]:
        draw = Random("people")  # noqa: S311 - it has to be the same each time
        return tuple(self._user(number, draw) for number in range(self.size.users))

    @cached_property
    def users_at(self) -> Mapping[int, Sequence[OrgUser]]:
        """Return who may use Jira on a site."""
        found: dict[int, list[OrgUser]] = defaultdict(list)
        for number, user in enumerate(self.users):
            if any(use.key == "jira-software" for use in user.products):
                found[number % self.size.sites].append(user)
        return found

    @cached_property
    def groups_at(self) -> Mapping[int, Sequence[OrgGroup]]:
        """Return the groups that are at home on a site, that of all its people first."""
        found: dict[int, list[OrgGroup]] = defaultdict(list)
        for number, group in enumerate(self.groups[1:]):
            found[number % self.size.sites].append(group)
        return found

    def _user(self, number: int, draw: Random) -> OrgUser:
        home = number % self.size.sites
        special = number < 2  # the administrator and the agent, who have an account everywhere
        is_managed, is_here = special or draw.random() > 0.04, special or draw.random() > 0.06
        everybody, *teams = self.groups_at[home]
        chosen = draw.sample(teams, min(len(teams), draw.randrange(4)))
        is_one_of_all = is_here and draw.random() > 0.01  # the others have their access as persons, if no team gives it
        groups = [*(each.id for each in chosen), *([everybody.id] if is_one_of_all else [])] if is_here else []
        return OrgUser(
            id=_account_id(number),
            name=f"Person {number}",
            email=(ADMINISTRATOR, AGENT)[number] if special else _email(number, is_managed=is_managed),
            directory=PRIMARY if is_managed else CONTRACTORS,
            added_to_org=f"{draw.randrange(2016, 2026)}-{_day(draw)}T09:00:00.000Z",
            status="active" if is_here else "deactivated",
            account_status="active" if is_here else "inactive",
            membership_status="active" if is_here else "no_membership",
            claim_status="managed" if is_managed else "unmanaged",
            email_verified=is_managed or draw.random() > 0.2,
            mfa_enabled=draw.random() > 0.03 if is_managed else None,
            management_source=_management_source(draw) if is_managed else None,
            platform_roles=("atlassian/org-admin",) if number % (self.size.users // 4 + 1) == 0 else (),
            products=tuple(_use(app, home, draw) for app in ("jira-software", "confluence")) if is_here else (),
            groups=(ADMINISTRATORS, *groups) if number == 0 else tuple(groups),
            direct_roles=()
            if is_one_of_all or not is_here
            else (DirectRole(resource_id=_resource("confluence", home), role=USER),),
        )


def _account_id(number: int) -> str:
    return f"712020:00000000-0000-4000-8000-{number:012x}"


def _email(number: int, *, is_managed: bool) -> str:
    return f"person-{number}@acme.example" if is_managed else f"person-{number}@partner-{number % 50}.example"


def _management_source(draw: Random) -> Literal["invited", "synced"] | None:
    if draw.random() < 0.92:
        return "synced"
    return "invited" if draw.random() < 0.9 else None


def _day(draw: Random) -> str:
    return f"{draw.randrange(1, 12):02}-{draw.randrange(1, 21):02}"


def _use(app: str, site: int, draw: Random) -> ProductUse:
    last_active = f"2026-{_day(draw)}T10:00:00Z" if draw.random() > 0.05 else None
    return ProductUse(key=app, site=_cloud_id(site), last_active=last_active)


def _administrators(sites: int) -> OrgGroup:
    roles = tuple(GroupRole(resource_id=_resource("jira-software", site), roles=("atlassian/admin",)) for site in range(sites))
    return OrgGroup(id=ADMINISTRATORS, name="jira-administrators", directory=PRIMARY, roles=roles)


def _everybody(site: int) -> OrgGroup:
    roles = tuple(_grants(app, site, default_role=USER) for app in ("jira-software", "confluence"))
    return OrgGroup(id=f"everybody-{site}", name=f"everybody of {_site_name(site)}", directory=PRIMARY, roles=roles)


def _team(number: int, sites: int) -> OrgGroup:
    given = ((), (), (), ("jira-software",), ("confluence",), ("jira-software", "confluence"), ("jira-servicedesk",), ())
    is_synced = number % 5 > 0
    return OrgGroup(
        id=f"team-{number}",
        name=f"team {number}",
        directory=CONTRACTORS if number % 20 == 19 else PRIMARY,
        external_synced=is_synced,
        managed_by="external" if is_synced else "admins",
        roles=tuple(_grants(app, number % sites) for app in given[number % len(given)]),
    )


def _grants(app: str, site: int, default_role: str | None = None) -> GroupRole:
    return GroupRole(resource_id=_resource(app, site), roles=(USER,), default_role=default_role)


def _resource(app: str, site: int) -> str:
    return f"ari:cloud:{app}::site/{_cloud_id(site)}"


def _cloud_id(site: int) -> str:
    return f"7c9e6679-7425-40de-944b-{site:012x}"


def _site_name(site: int) -> str:
    return "acme" if site == 0 else f"acme{site + 1}"


def _domain(number: int) -> Domain:
    name = "acme.example" if number == 0 else f"acme-{number}.example"
    return Domain(name=name, claim_status="verified" if number % 6 < 5 else "unverified", claim_type="dns")


def _access_domain(number: int) -> AccessDomain:
    products = tuple(
        Product(
            product_id=f"ari:cloud:{app}::app/all",
            access_mode="DIRECT_ACCESS" if number % 8 == 1 else "REQUEST_ACCESS",
            default_role=f"ari:cloud:{app}::role/product/member",
        )
        for app in APPS[: number % 3 + 1]
    )
    if number == 0:
        return AccessDomain(domain="ANYONE", enabled=False)
    return AccessDomain(domain=f"partner-{number}.example", enabled=True, products=products)


def _workspace(site: Site, app: str) -> Workspace:
    id_ = f"ari:cloud:{app}::site/{site.cloud_id}"
    return Workspace(id=id_, name=site.name, type_key=app, site=site.name, status="online")


def _policy(number: int, sites: Sequence[Site]) -> OrgPolicy:
    is_allowlist = number % 4 < 3
    return OrgPolicy(
        id=f"pol-large-{number}",
        name=f"Policy {number}",
        type="ip-allowlist" if is_allowlist else "data-security",
        status="enabled" if number % 3 else "disabled",
        lets_in=(f"198.51.{number}.0/24",) if is_allowlist else None,
        resources={f"ari:cloud:jira-software::site/{site.cloud_id}": "applied" for site in sites},
    )


def _api_token(number: int, user: OrgUser, draw: Random) -> ApiToken:
    return ApiToken(
        id=f"tok-large-{number}",
        label=f"token {number}",
        status="ALLOWED" if draw.random() > 0.05 else "BLOCKED",
        user=user.id,
        created_at=f"2026-{_day(draw)}T00:00:00Z",
        expires_at=f"2027-{_day(draw)}T00:00:00Z" if draw.random() > 0.05 else None,
        last_active_at=f"2026-{_day(draw)}T00:00:00Z" if draw.random() > 0.1 else None,
    )


def _api_key(number: int) -> ApiKey:
    expires_at = None if number % 10 == 9 else "2027-01-01T00:00:00Z"
    return ApiKey(id=f"key-large-{number}", label=f"key {number}", created_at="2026-10-01T00:00:00Z", expires_at=expires_at)


def _service_account(number: int) -> ServiceAccount:
    return ServiceAccount(id=f"712020:service-{number}", name=f"service {number}", status="active")


def _event(number: int, actor: OrgUser, draw: Random) -> Event:
    return Event(
        id=f"event-large-{number}",
        time=f"2026-{_day(draw)}T{draw.randrange(24):02}:30:00.000Z",
        action=f"action_{number % ACTIONS}",
        actor={"id": actor.id, "name": actor.name, "email": actor.email},
        context=({"id": f"thing-{number}", "type": "things", "attributes": {}},),
        location={"ip": f"198.51.100.{number % 250}", "countryName": "Germany"},
    )


def _event_action(number: int) -> EventAction:
    return EventAction(id=f"action_{number}", display_name=f"Action {number}", group_display_name=f"Group {number % 10}")


# ---------------------------------------------------------------------------------------------------------------- a site


def _site(size: Size, people: People, number: int) -> Site:
    draw = Random(f"site {number}")  # noqa: S311 - it has to be the same each time
    projects = tuple(_project(each, draw) for each in range(size.projects))
    service_projects = [project for project in projects if project.type == "service_desk"]
    customers = tuple(_customer(each) for each in range(20 * len(service_projects)))
    organizations = tuple(CustomerOrganization(id=str(each + 1), name=f"Customer {each}") for each in range(len(service_projects)))
    desks = {
        project.key: _desk(each, project, _some(customers, 30, draw), _some(organizations, 4, draw), draw)
        for each, project in enumerate(service_projects, start=1)
    }
    return Site(
        name=_site_name(number),
        cloud_id=_cloud_id(number),
        server_info=ServerInfo(title=f"Acme {number + 1}", version="1001.0.0-SNAPSHOT", build_number=100300),
        accounts=(
            Account(email=ADMINISTRATOR, token="stand-in-api-token", administer=True),
            Account(email=AGENT, token="stand-in-agent-token", sees=tuple(project.key for project in projects[:10])),
        ),
        clients=(Client(id="stand-in-client-id", secret="stand-in-client-secret", acts_as=ADMINISTRATOR),),
        projects=projects,
        desks=desks,
        jira=_jira(size, people, number, projects, draw),
        customers=customers,
        organizations=organizations,
        confluence=Confluence(
            role_mode="ROLES" if number % 2 else "PRE_ROLES",
            spaces=tuple(_space(each, draw) for each in range(size.spaces)),
        ),
    )


def _project(number: int, draw: Random) -> Project:
    type_ = _project_type(number)
    return Project(
        id=str(10_000 + number),
        key=f"{type_[:2].upper()}{number}",
        name=f"Project {number}",
        type=type_,
        style="next-gen" if draw.random() < 0.35 else "classic",
        is_private=draw.random() < 0.3,
    )


def _project_type(number: int) -> Literal["software", "service_desk", "business"]:
    match number % 20:
        case 7:
            return "service_desk"
        case 3 | 11 | 15:
            return "business"
        case _:
            return "software"


def _customer(number: int) -> Customer:
    email = f"employee-{number}@acme.example" if number % 2 else f"customer-{number}@customer-{number % 30}.example"
    return Customer(id=f"qm:customer-{number}", name=f"Customer {number}", email=email if number % 10 else None)


def _some(items: Sequence[Customer | CustomerOrganization], most: int, draw: Random) -> tuple[str, ...]:
    """Choose some, in the order in which the site lists them."""
    places = draw.sample(range(len(items)), min(len(items), draw.randrange(most + 1)))
    return tuple(items[place].id for place in sorted(places))


def _desk(number: int, project: Project, customers: tuple[str, ...], organizations: tuple[str, ...], draw: Random) -> Desk:
    is_open = draw.random() < 0.05
    request_types = tuple(
        RequestType(id=f"{number}{each:02}", name=f"Request {each}", restriction_status="OPEN")
        for each in range(draw.randrange(3, 13))
    )
    return Desk(
        id=str(number),
        request_security={
            "serviceDeskPublicSignup": is_open,
            "serviceDeskOpenAccess": draw.random() < 0.2,
            "globalPublicSignup": True,
            "manageEnabled": is_open,
            "autocompleteEnabled": False,
            "globalAnonymousAccess": False,
            "anonymousAccessLinkedConfluenceSpace": False,
            "unlicensedAccessLinkedConfluenceSpace": False,
            "customerRoleMisconfigured": False,
        },
        incoming_email=(f"{project.key.lower()}@help.acme.example",),
        customers=customers,
        organizations=organizations,
        request_types=request_types,
    )


def _space(number: int, draw: Random) -> Space:
    is_personal = number % 3 == 2
    return Space(
        id=str(65_536 + number),
        key=f"~person{number}" if is_personal else f"SPACE{number}",
        name=f"Space {number}",
        type="personal" if is_personal else draw.choices(("global", "collaboration", "knowledge_base"), weights=(5, 4, 1))[0],
        status="archived" if draw.random() < 0.05 else "current",
        anonymous=draw.random() < 0.02,
        unlicensed=draw.random() < 0.03,
    )


def _jira(size: Size, people: People, number: int, projects: Sequence[Project], draw: Random) -> Jira:
    users = _jira_users(people, number)
    schemes = tuple(_scheme(each) for each in range(SCHEMES))
    groups = _jira_groups(people, number, {user.id for user in users})
    return Jira(
        application_roles=tuple(_application_role(app, len(users), f"everybody-{number}") for app in APPS[:2]),
        permission_schemes=schemes,
        # A few schemes have most of the projects, and most schemes have few.
        project_schemes={
            each.key: schemes[int(len(schemes) * draw.random() ** 3)].id for each in projects if each.style == "classic"
        },
        groups=groups,
        users=users,
        project_roles=_project_roles(projects, groups, users, draw),
        audit_records=tuple(_audit_record(each, draw.choice(users), draw) for each in range(size.audit_records)),
        filters=tuple(
            Filter(
                id=str(20_000 + each), name=f"Filter {each}", owner=draw.choice(users).id, shares=_shares(projects, groups, draw)
            )
            for each in range(size.filters)
        ),
        dashboards=(
            Dashboard(id="10000", name="Default dashboard", shares=(Share(type="global"),)),
            *(
                Dashboard(
                    id=str(30_000 + each), name=f"Wall {each}", owner=draw.choice(users).id, shares=_shares(projects, groups, draw)
                )
                for each in range(size.dashboards)
            ),
        ),
    )


def _jira_users(people: People, site: int) -> tuple[JiraUser, ...]:
    everywhere = people.users[:2]
    at_home = [user for user in people.users_at[site] if user not in everywhere]
    apps = [JiraUser(id=f"557058:app-{each}", name=f"App {each}", type="app") for each in range(20)]
    return (*(JiraUser(id=user.id, name=user.name, email=user.email) for user in (*everywhere, *at_home)), *apps)


def _jira_groups(people: People, site: int, known: set[str]) -> tuple[JiraGroup, ...]:
    members: dict[str, list[str]] = defaultdict(list)
    for user in (people.users[0], *people.users_at[site]):
        for group in user.groups:
            if user.id in known:
                members[group].append(user.id)
    here = [people.groups[0], *people.groups_at[site]]
    return tuple(
        JiraGroup(
            id=group.id,
            name=group.name,
            access="admin" if place in {0, 5} else "user",
            members=tuple(dict.fromkeys(members[group.id])),
        )
        for place, group in enumerate(here)
    )


def _scheme(number: int) -> PermissionScheme:
    holders = [("projectRole", "10002"), ("group", ADMINISTRATORS), ("applicationRole", "jira-software")]
    grants = [
        Grant(permission=permission, holder_type=type_, holder_value=value)
        for place, permission in enumerate(PERMISSIONS)
        for type_, value in (holders[:2], holders[1:], holders)[(place + number) % 3]
    ]
    if number % 10 == 9:
        grants.append(Grant(permission="BROWSE_PROJECTS", holder_type="anyone"))
    return PermissionScheme(id=10_000 + number, name=f"Scheme {number}", grants=tuple(grants))


def _project_roles(
    projects: Sequence[Project], groups: Sequence[JiraGroup], users: Sequence[JiraUser], draw: Random
) -> tuple[ProjectRole, ...]:
    """Make the roles that all company-managed projects share, and one of each team-managed project's own."""
    shared = [project.key for project in projects if project.style == "classic"]
    own = [project.key for project in projects if project.style == "next-gen"]
    return (
        ProjectRole(id=10_002, name="Administrators", admin=True, groups=dict.fromkeys(shared, (ADMINISTRATORS,))),
        ProjectRole(id=10_003, name="Users", groups={key: (draw.choice(groups).id,) for key in shared}),
        ProjectRole(id=10_004, name="Developers", users={key: (draw.choice(users).id,) for key in shared[::2]}),
        *(
            ProjectRole(id=11_000 + number, name="Member", project=key, users={key: (draw.choice(users).id,)})
            for number, key in enumerate(own)
        ),
    )


def _audit_record(number: int, author: JiraUser, draw: Random) -> AuditRecord:
    return AuditRecord(
        id=number + 1,
        created=f"2026-{_day(draw)}T{draw.randrange(24):02}:{draw.randrange(60):02}:00.000+0000",
        category="permissions",
        summary="Permission scheme updated",
        author=author.id,
        object=Audited(id=str(10_000 + number % SCHEMES), name=f"Scheme {number % SCHEMES}", type="SCHEME"),
        changed={"Permission": (None, "Browse Projects")},
    )


def _application_role(app: str, users: int, everybody: str) -> ApplicationRole:
    return ApplicationRole(
        key=app,
        name=app,
        seats=users + 100,
        users=users,
        groups=(everybody, ADMINISTRATORS),
        default_groups=(everybody,),
        selected_by_default=app == "jira-software",
    )


def _shares(projects: Sequence[Project], groups: Sequence[JiraGroup], draw: Random) -> tuple[Share, ...]:
    match draw.choices(("", "project", "group", "loggedin", "global"), weights=(40, 32, 20, 6, 2))[0]:
        case "project":
            return (Share(type="project", project=draw.choice(projects).key),)
        case "group":
            return (Share(type="group", group=draw.choice(groups).id),)
        case "loggedin":
            return (Share(type="loggedin"),)
        case "global":
            return (Share(type="global"),)
        case _:
            return ()
