"""Read a scenario: what the played organization and its sites look like."""

from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

SCENARIOS = Path(__file__).parent / "scenarios"


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


class Refusal(Record, frozen=True):
    """Answer one path with an error, whoever asks."""

    path: str  # below the address of its face: /v1/orgs/... or /rest/...
    status: int


class Account(Record, frozen=True):
    email: str
    token: str
    administer: bool = False
    sees: tuple[str, ...] = ()  # project keys; an administrator sees all of them


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


class Desk(Record, frozen=True):
    id: str
    request_security: dict[str, Any]  # as the undocumented endpoint would say it, raw
    incoming_email: tuple[str, ...]


class DeskOf(NamedTuple):
    """Pair a service desk with the project it belongs to."""

    project: Project
    desk: Desk


class Site(Record, frozen=True):
    name: str
    cloud_id: str
    server_info: ServerInfo
    accounts: tuple[Account, ...]
    projects: tuple[Project, ...]
    desks: dict[str, Desk]  # by project key
    refuse: tuple[Refusal, ...] = ()

    def projects_seen_by(self, account: Account | None) -> list[Project]:
        if account is None:
            return []
        return [project for project in self.projects if account.administer or project.key in account.sees]

    def desks_seen_by(self, account: Account | None) -> list[DeskOf]:
        seen = self.projects_seen_by(account)
        return [DeskOf(project, self.desks[project.key]) for project in seen if project.key in self.desks]


class Scenario(Record, frozen=True):
    org: Org
    org_keys: tuple[OrgKey, ...]
    domains: tuple[Domain, ...]
    access_domains: tuple[AccessDomain, ...]
    workspaces: tuple[Workspace, ...]
    sites: tuple[Site, ...]
    refuse: tuple[Refusal, ...] = ()  # on the admin face; a site has its own list
    page_size: int = 50  # the most that a page of any list holds, however much is asked for


def names() -> list[str]:
    """Name the scenarios that are kept here."""
    return sorted(path.stem for path in SCENARIOS.glob("*.yaml"))


def load(name_or_path: str) -> Scenario:
    """Read a scenario by its name or its path."""
    path = Path(name_or_path) if name_or_path.endswith(".yaml") else SCENARIOS / f"{name_or_path}.yaml"
    try:
        scenario = msgspec.yaml.decode(path.read_bytes(), type=Scenario)
    except FileNotFoundError as error:
        raise ScenarioError(f"{path}: no such scenario; there are {', '.join(names())}") from error
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise ScenarioError(f"{path}: {error}") from error
    if faults := _faults(scenario):
        raise ScenarioError("\n".join(f"{path}: {fault}" for fault in faults))
    return scenario


def _faults(scenario: Scenario) -> list[str]:
    sites = {site.name for site in scenario.sites}
    faults = [f"workspace {w.name!r} is on site {w.site!r}, which there is not" for w in scenario.workspaces if w.site not in sites]
    faults += _repeated("site", [site.name for site in scenario.sites])
    faults += _repeated("access domain", [access.domain for access in scenario.access_domains])
    if scenario.page_size < 1:
        faults.append("page_size has to be at least 1")
    return faults + [f"site {site.name!r}: {fault}" for site in scenario.sites for fault in _site_faults(site)]


def _site_faults(site: Site) -> list[str]:
    keys = [project.key for project in site.projects]
    service_projects = {project.key for project in site.projects if project.type == "service_desk"}
    faults = _repeated("project", keys)
    faults += [f"service desk project {key!r} has no entry in desks" for key in sorted(service_projects - site.desks.keys())]
    faults += [f"desk {key!r} has no service desk project" for key in sorted(site.desks.keys() - service_projects)]
    for account in site.accounts:
        faults += [f"account {account.email} sees {key!r}, which there is not" for key in account.sees if key not in keys]
    return faults


def _repeated(what: str, values: list[str]) -> list[str]:
    return [f"{what} {value!r} is there more than once" for value in sorted(set(values)) if values.count(value) > 1]
