"""The configuration `atlascan.yaml`: what is scanned, and by which rules. It never holds a credential."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from os.path import isfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from scanner import documents
from scanner.documents import Document
from scanner.domains import normal_domain
from scanner.errors import did_you_mean
from scanner.model import Choice, Desk, Severity, WaiverLimits

FILE = "atlascan.yaml"
API_URL = "https://api.atlassian.com"
LOGIN_URL = "https://auth.atlassian.com"
CLOSED = "closed"
INTERNAL = "internal"
_DESK_KINDS = frozenset({"jsm.service_desk", "jsm.customer_permissions"})


@dataclass(frozen=True, slots=True)
class Site:
    """A site to scan."""

    name: str
    url: str
    auth: str = "basic"


@dataclass(frozen=True, slots=True)
class Collect:
    """How to collect."""

    undocumented: bool = False
    probe: bool = False
    audit_days: int = 30
    concurrency: int = 8


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that the configuration says, with defaults filled in and paths resolved.

    `base` is no key of it: a folder of policies in the place of the shipped ones.
    """

    sites: tuple[Site, ...]
    org_id: str | None = None
    profile: str = "it-controlled"
    company_domains: tuple[str, ...] | None = None
    desks: Mapping[str, str] = field(default_factory=dict)
    spaces: Mapping[str, str] = field(default_factory=dict)
    collect: Collect = Collect()
    waivers: Path | None = None
    waiver_limits: WaiverLimits = field(default_factory=WaiverLimits)
    attestations: Path | None = None
    policies: tuple[Path, ...] = ()
    params: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    severity: Mapping[str, Severity] = field(default_factory=dict)
    disable: Mapping[str, str] = field(default_factory=dict)
    fail_on: Severity = Severity.HIGH
    api_url: str = API_URL
    login_url: str = LOGIN_URL
    document: Document | None = None
    base: Path | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """Return what parameters of policies may be taken from."""
        return {} if self.company_domains is None else {"company_domains": list(self.company_domains)}

    @property
    def choice(self) -> Choice:
        """Return what to judge by."""
        return Choice(
            profile=self.profile,
            settings=self.settings,
            params=self.params,
            severity=self.severity,
            disable=self.disable,
            folders=self.policies,
            document=self.document,
            base=self.base,
        )


def load(path: Path) -> Config:
    """Read the configuration.

    Raises:
        InputError: The file is not as the schema wants, or an address in it is not to be trusted with credentials.
    """
    return from_document(documents.read(path, "config"), path.parent)


def from_document(document: Document, folder: Path) -> Config:
    """Return what a configuration says that was read from a folder. Raises as `load` does."""
    entry = document.value
    return Config(
        sites=_sites(document),
        org_id=entry.get("org", {}).get("id"),
        profile=entry.get("profile", "it-controlled"),
        company_domains=_company_domains(document),
        desks=entry.get("desks", {}),
        spaces=entry.get("spaces", {}),
        collect=Collect(**entry.get("collect", {})),
        waivers=_file(document, ("waivers", "file") if _has_waiver_limits(entry) else ("waivers",), folder),
        waiver_limits=_waiver_limits(entry),
        attestations=_file(document, ("attestations",), folder),
        policies=tuple(folder / item for item in entry.get("policies", [])),
        params=entry.get("params", {}),
        severity={policy: Severity(value) for policy, value in entry.get("severity", {}).items()},
        disable=entry.get("disable", {}),
        fail_on=Severity(entry.get("fail_on", "high")),
        api_url=_safe_url(document, ("api_url",), entry.get("api_url", API_URL)),
        login_url=_safe_url(document, ("login_url",), entry.get("login_url", LOGIN_URL)),
        document=document,
    )


@dataclass(frozen=True, slots=True)
class Declaration:
    """The facts that the configuration states about resources."""

    desk_kinds: Mapping[str, str]
    space_kinds: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, kind: str, id_: str, facts: dict[str, Any]) -> dict[str, Any]:
        """Return the facts with those added that the configuration states: whom a desk serves, for whom a space is."""
        if kind in _DESK_KINDS:
            return facts | self._of_desk(id_)
        if kind == "jsm.email_channel" and "project_key" in facts:
            return facts | self._of_desk(f"{id_.partition('/')[0]}/{facts['project_key']}")
        if kind == "confluence.space":
            return facts | {"space_kind": self.space_kinds.get(id_, INTERNAL), "space_declared": id_ in self.space_kinds}
        return facts

    def desks(self, ids: Iterable[str]) -> tuple[Desk, ...]:
        """Return the desks there are, with the kind that each is judged as."""
        return tuple(
            Desk(id=id_, kind=self.desk_kinds.get(id_, CLOSED), declared=id_ in self.desk_kinds) for id_ in sorted(set(ids))
        )

    def _of_desk(self, desk: str) -> dict[str, Any]:
        return {"desk_kind": self.desk_kinds.get(desk, CLOSED), "desk_declared": desk in self.desk_kinds}


def declaration(config: Config, desks: Iterable[str], spaces: Iterable[str] = ()) -> Declaration:
    """Return what the configuration states about the desks and spaces there are (`acme/HR`).

    Raises:
        InputError: A bare key is that of desks, or of spaces, on two sites.
    """
    return Declaration(
        _by_id(config, "desks", "a desk", config.desks, desks), _by_id(config, "spaces", "a space", config.spaces, spaces)
    )


def undeclared_typos(config: Config, desks: Iterable[str], spaces: Iterable[str] = ()) -> tuple[str, ...]:
    """Return a warning for each declared desk or space that does not exist."""
    return (*_typos("desks", "service desk", config.desks, desks), *_typos("spaces", "space", config.spaces, spaces))


# ---------------------------------------------------------------------------------------------------------------- private


def _by_id(config: Config, key: str, noun: str, declared: Mapping[str, str], there: Iterable[str]) -> dict[str, str]:
    """Return what is declared by id; a bare key is that of the one site that has it."""
    known = sorted(set(there))
    bare = [name for name in declared if "/" not in name]
    for name in bare:
        if len(sites := [each for each in known if each.partition("/")[2] == name]) > 1:
            document = config.document or Document("configuration", {})
            hint = f"write one of {', '.join(sites)}"
            raise document.error(f"{name!r} is {noun} on more than one site", (key, name), hint=hint)
    everywhere = {f"{site.name}/{name}": declared[name] for name in bare for site in config.sites}
    # The form with the site wins, in whatever order they stand.
    return everywhere | {name: value for name, value in declared.items() if "/" in name}


def _typos(key: str, noun: str, declared: Mapping[str, str], there: Iterable[str]) -> tuple[str, ...]:
    known = {form for each in there for form in (each, each.partition("/")[2])}
    if not known:
        return ()
    missing = [name for name in declared if name not in known]
    return tuple(f"{key}: there is no {noun} {name!r}; {did_you_mean(name, known) or 'look at its key'}" for name in missing)


def _sites(document: Document) -> tuple[Site, ...]:
    sites: list[Site] = []
    for index, entry in enumerate(document.value["sites"]):
        at = ("sites", index)
        url = _safe_url(document, (*at, "url"), entry["url"])
        host = urlsplit(url).hostname or ""
        name = entry.get("name") or host.partition(".")[0]
        if ":" in name:
            raise document.error(f"{host} gives no name for the site", at, hint="give it one: `name:`")
        if name in [site.name for site in sites]:
            raise document.error(f"two sites are named {name!r}", at, hint="give one of them another name")
        sites.append(Site(name, url, entry.get("auth", "basic")))
    return tuple(sites)


def _safe_url(document: Document, at: documents.Path_, text: str) -> str:
    """Return an address to which credentials may be sent."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise document.error("not an address", at, hint="such as https://acme.atlassian.net") from error
    host = parts.hostname
    # Asked first, so that no message repeats a password.
    if "@" in parts.netloc:
        raise document.error(
            "an address must not hold a user name or password", at, hint="credentials come from the environment or the keyring"
        )
    if not host or parts.scheme not in ("http", "https") or not _is_host(host):
        raise document.error(f"{text!r} is not an address", at, hint="such as https://acme.atlassian.net")
    if parts.scheme == "http" and not _is_loopback(host):
        raise document.error(f"credentials would travel to {host} in the clear", at, hint="write https://")
    if parts.query or parts.fragment or parts.path.strip("/"):
        raise document.error("wants the bare address, without a path", at, hint=f"{parts.scheme}://{parts.netloc}")
    return f"{parts.scheme}://{host if ':' not in host else f'[{host}]'}{'' if port is None else f':{port}'}"


def _is_host(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return normal_domain(text) is not None
    return True


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _company_domains(document: Document) -> tuple[str, ...] | None:
    domains: list[str] | None = document.value.get("company_domains")
    if domains is None:
        return None
    normal = [normal_domain(domain) for domain in domains]
    if None in normal:
        index = normal.index(None)
        raise document.error(f"{domains[index]!r} is not a domain", ("company_domains", index), hint="such as acme.com")
    return tuple(domain for domain in normal if domain)


def _has_waiver_limits(entry: dict[str, Any]) -> bool:
    """Tell whether `waivers:` says more than the name of the file."""
    return isinstance(entry.get("waivers"), dict)


def _waiver_limits(entry: dict[str, Any]) -> WaiverLimits:
    limits = entry["waivers"] if _has_waiver_limits(entry) else {}
    return WaiverLimits(**{name: days for name, days in limits.items() if name != "file"})


def _file(document: Document, at: documents.Path_, folder: Path) -> Path | None:
    name = document.value
    for key in at:
        name = name.get(key, {})
    if not name:
        return None
    path = folder / str(name)
    if not isfile(path):  # noqa: PTH113  Path's raises on a name that is too long
        raise document.error(f"there is no file {path}", at, hint=f"create it, or take `{at[0]}:` out")
    return path
