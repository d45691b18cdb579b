"""The vocabulary: every kind of resource and its facts, declared once.

From these declarations come the lint of policies (a mistyped path is an error, never silently false), the checks and the questions
of attestations, the scope of an id, and the reference page of kinds.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class FactType(StrEnum):
    """What a fact's value is."""

    TEXT = "text"
    NUMBER = "number"
    BOOL = "true or false"
    DATE = "date"
    TEXTS = "list of text"
    OBJECTS = "list of objects"


class Scope(StrEnum):
    """What the id of a kind's resources starts with."""

    ORG = "org"
    SITE = "site"
    DESK = "desk"


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact: its type, what it means, the values it may take, and how a person is asked for it."""

    type: FactType
    meaning: str
    values: tuple[str, ...] = ()
    items: dict[str, "Fact"] = field(default_factory=dict)
    key: str | None = None
    ask: str | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of resource.

    `console` is where a person looks; with it the kind can be attested. Of a `single` kind a site has just one, under its own name.
    """

    name: str
    noun: str
    meaning: str
    scope: Scope
    facts: dict[str, Fact]
    id: str
    console: str | None = None
    single: bool = False


def _text(meaning: str, *values: str, ask: str | None = None) -> Fact:
    return Fact(FactType.TEXT, meaning, values, ask=ask)


def _yes(meaning: str, *, ask: str | None = None) -> Fact:
    return Fact(FactType.BOOL, meaning, ask=ask)


def _number(meaning: str) -> Fact:
    return Fact(FactType.NUMBER, meaning)


def _date(meaning: str) -> Fact:
    return Fact(FactType.DATE, meaning)


def _texts(meaning: str, *, ask: str | None = None) -> Fact:
    return Fact(FactType.TEXTS, meaning, ask=ask)


def _objects(meaning: str, key: str, **items: Fact) -> Fact:
    return Fact(FactType.OBJECTS, meaning, items=items, key=key)


_DESK_KIND = _text(
    "whom the desk serves, by the configuration; an undeclared desk counts as closed", "closed", "employees", "public"
)

_CUSTOMER_ACCESS = "Jira settings > Jira Service Management > Customer access"
_CUSTOMER_PERMISSIONS = "Project settings > Access > Customer permissions"

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("org", "organization", "The organization above the sites.", Scope.ORG, {"name": _text("its name")}, "organization id"),
        Kind(
            "org.workspace",
            "app",
            "One app (Jira, Confluence, ...) of one site.",
            Scope.ORG,
            {
                "name": _text("its name"),
                "type_key": _text("which app it is, in Atlassian's key"),
                "host_url": _text("the site it runs on"),
                "status": _text("whether it is in service", "online", "offline", "deprecated"),
            },
            "workspace id",
        ),
        Kind(
            "org.domain",
            "domain",
            "A domain that the organization claims as its own.",
            Scope.ORG,
            {
                "name": _text("the domain"),
                "claim_status": _text("how far the claim got", "verified", "deleted", "unverified", "superseded", "missing_token"),
                "claim_type": _text("how it was proven", "http", "dns"),
            },
            "domain name",
            console="Atlassian Administration > Security > Domains",
        ),
        Kind(
            "org.access_domain",
            "approved domain",
            "A domain whose people may join apps by themselves, or ask to; `ANYONE` stands for every address on earth.",
            Scope.ORG,
            {
                "domain": _text("the domain, or ANYONE"),
                "enabled": _yes("whether the entry is in force"),
                "admin_notifications": _yes("whether admins are told when somebody joins"),
                "products": _objects(
                    "what its people may do, app by app",
                    "product_id",
                    product_id=_text("the app (an ARI)"),
                    access_mode=_text("how they get in", "DIRECT_ACCESS", "REQUEST_ACCESS", "DENIED_ACCESS"),
                    default_role=_text("the role they are given (an ARI)"),
                ),
            },
            "domain, or ANYONE",
            console="Atlassian Administration > Apps > App access settings > Approved domains",
        ),
        Kind(
            "org.user_invites",
            "user invites setting",
            "Who may invite people into an app.",
            Scope.ORG,
            {
                "user_invites": _text(
                    "what ordinary users may do",
                    "anyone",
                    "approval",
                    "not_allowed",
                    ask="User invites: what may ordinary users do?",
                ),
                "invitation_links": _text(
                    "links that let in whoever holds them", "enabled", "disabled", ask="Invitation links: are they enabled?"
                ),
            },
            "app (jira, jira-service-management, confluence, ...)",
            console="Atlassian Administration > Apps > App access settings > User invites",
        ),
        Kind(
            "jira.site",
            "site",
            "A Jira site.",
            Scope.SITE,
            {
                "base_url": _text("its address"),
                "version": _text("the version that answered"),
                "deployment_type": _text("Cloud, or something else"),
                "title": _text("the title an administrator gave it"),
            },
            "site name",
        ),
        Kind(
            "jira.project",
            "project",
            "A project.",
            Scope.SITE,
            {
                "project_id": _text("its number"),
                "name": _text("its name"),
                "type": _text("what it is for: software, service_desk, business, ..."),
                "style": _text("company-managed or team-managed", "classic", "next-gen"),
                "is_private": _yes("private to the asking account; proves nothing about others"),
                "archived": _yes("whether it is archived"),
            },
            "project key",
        ),
        Kind(
            "jsm.service_desk",
            "service desk",
            "A service desk: the portal of one project.",
            Scope.DESK,
            {
                "project_id": _text("the project's number"),
                "service_desk_id": _text("the desk's number"),
                "name": _text("its name"),
                "desk_kind": _DESK_KIND,
            },
            "project key",
        ),
        Kind(
            "jsm.customer_permissions",
            "customer permissions",
            "Who may raise requests in a desk, and whom its customers may share them with.",
            Scope.DESK,
            {
                "desk_kind": _DESK_KIND,
                "channel_access": _text(
                    "who may raise requests, in today's console", "restricted", "open", ask="Channel access: Restricted or Open?"
                ),
                "public_signup": _yes("anyone may create a customer account here, in the older console's words"),
                "open_access": _yes("everybody with an account on the site may raise requests, in the older console's words"),
                "sharing": _text(
                    "whom customers may share requests with",
                    "organization",
                    "by_email",
                    "by_search",
                    ask="Customer sharing: within their organization, by typing an address, or by searching?",
                ),
                "knowledge_base_anonymous": _yes("the linked knowledge base can be read without an account"),
            },
            "project key",
            console=_CUSTOMER_PERMISSIONS,
        ),
        Kind(
            "jsm.customer_access",
            "customer access setting",
            "Who may become a customer on a site.",
            Scope.SITE,
            {
                "external_accounts": _text(
                    "who may create a customer account",
                    "anyone",
                    "domains",
                    "nobody",
                    ask="External customer accounts: who may create one?",
                ),
                "external_domains": _texts("the domains, where only some may"),
                "signup_in_portal": _yes("accounts can be created in the portal"),
                "signup_by_email": _yes("accounts are created for whoever writes to a desk"),
                "internal_accounts": _text("who may get an internal account by themselves", "approved_domains", "nobody"),
                "login_required": _yes("the help center asks for a log-in"),
                "accounts_from_mail_headers": _text("whose To and Cc create accounts", "agents", "customers", "anyone"),
                "public_signup": _yes("the older site-wide switch: desks may let anyone sign up"),
            },
            "site name",
            console=_CUSTOMER_ACCESS,
            single=True,
        ),
        Kind(
            "jsm.email_channel",
            "e-mail channel",
            "An address at which a desk receives requests.",
            Scope.SITE,
            {
                "desk_kind": _DESK_KIND,
                "project_key": _text("the desk's project"),
                "address": _text("the address", ask="Which address receives this desk's requests?"),
                "domain": _text("its domain, in comparable form"),
                "is_default": _yes("the built-in address on atlassian.net"),
            },
            "e-mail address",
            console="Project settings > Channels > Email",
        ),
        Kind(
            "attestation",
            "attestation",
            "What a person stated about a setting that no interface gives.",
            Scope.ORG,
            {
                "attested_by": _text("who stated it"),
                "attested_on": _date("when"),
                "expires": _date("the last day on which it counts"),
                "evidence": _text("where the proof lies: a path or a link"),
                "agrees": _yes("no interface says otherwise"),
            },
            "kind/id of what it states",
        ),
    )
}

_ID, _SITE, _PROJECT = _text("its id"), _text("the name of the site it belongs to"), _text("the key of the project it belongs to")

# What a path may lead to besides the facts, by how far the ids of a kind reach.
OWN_PATHS: dict[Scope, dict[str, Fact]] = {
    Scope.ORG: {"id": _ID},
    Scope.SITE: {"id": _ID, "site": _SITE},
    Scope.DESK: {"id": _ID, "site": _SITE, "project": _PROJECT},
}


def own_values(kind: Kind, id_: str) -> dict[str, str]:
    """Return the values of a resource's own paths, which its id holds."""
    site, _, project = id_.partition("/")
    values = {"id": id_, "site": site, "project": project}
    return {name: values[name] for name in OWN_PATHS[kind.scope]}


def paths(kind: Kind) -> dict[str, Fact]:
    """Return all that a path may lead to in a resource of a kind."""
    return kind.facts | OWN_PATHS[kind.scope]


def wanted(fact: Fact) -> str:
    """Return what a fact's value may be, for a message."""
    article = "" if fact.type in (FactType.TEXT, FactType.BOOL) else "a "
    return f"one of {', '.join(fact.values)}" if fact.values else f"{article}{fact.type}"


def fits(value: Any, fact: Fact) -> bool:  # noqa: ANN401  JSON border
    """Tell whether a value is of the fact's type and among its values; null is known and fits every fact."""
    match fact.type:
        case _ if value is None:
            return True
        case FactType.BOOL:
            return isinstance(value, bool)
        case FactType.NUMBER:
            return isinstance(value, int | float) and not isinstance(value, bool)
        case FactType.TEXT | FactType.DATE:
            return isinstance(value, str) and (not fact.values or value in fact.values)
        case FactType.TEXTS:
            return isinstance(value, list) and all(isinstance(item, str) for item in value)
        case FactType.OBJECTS:
            return isinstance(value, list) and all(isinstance(item, dict) for item in value)
