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
    OBJECT = "object"
    OBJECTS = "list of objects"


class Person(StrEnum):
    """What of a person a fact holds; `scanner.pseudonyms` puts something else in its place where that is asked for."""

    EMAIL = "email"
    NAME = "name"
    ACCOUNT = "account-id"


class Scope(StrEnum):
    """What the id of a kind's resources starts with."""

    ORG = "org"
    SITE = "site"
    DESK = "desk"


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact: its type, what it means, the values it may take, and how a person is asked for it.

    Of a list that is `united` each answer tells a part: two answers about one resource are put together, not held against each
    other. What is `volatile` changes all the time, and opens nothing by that: a diff leaves it out. What holds something of a
    `person` does so where another fact of the same thing has the value that `person_if` says.
    """

    type: FactType
    meaning: str
    values: tuple[str, ...] = ()
    items: dict[str, "Fact"] = field(default_factory=dict)
    key: str | None = None
    ask: str | None = None
    united: bool = False
    volatile: bool = False
    person: Person | None = None
    person_if: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of resource.

    `console` is where a person looks; with it the kind can be attested. Of a `single` kind a site has just one, under its own name;
    of an `unlisted` one nobody but a person tells which there are. A `log` tells what happened, not how things are. The fact
    `reach` tells how many others a resource concerns, which are `reached`. Resources of a kind that is a `person` have an account's
    id in theirs, and a person's name.
    """

    name: str
    noun: str
    meaning: str
    scope: Scope
    facts: dict[str, Fact]
    id: str
    console: str | None = None
    single: bool = False
    unlisted: bool = False
    log: bool = False
    reach: str | None = None
    reached: str | None = None
    person: bool = False


def _text(
    meaning: str,
    *values: str,
    ask: str | None = None,
    person: Person | None = None,
    person_if: tuple[str, str] | None = None,
) -> Fact:
    return Fact(FactType.TEXT, meaning, values, ask=ask, person=person, person_if=person_if)


def _email(meaning: str) -> Fact:
    return _text(meaning, person=Person.EMAIL)


def _name(meaning: str, *, only_if: tuple[str, str] | None = None) -> Fact:
    return _text(meaning, person=Person.NAME, person_if=only_if)


def _account(meaning: str, *, only_if: tuple[str, str] | None = None) -> Fact:
    return _text(meaning, person=Person.ACCOUNT, person_if=only_if)


def _yes(meaning: str, *, ask: str | None = None) -> Fact:
    return Fact(FactType.BOOL, meaning, ask=ask)


def _number(meaning: str, *, ask: str | None = None, volatile: bool = False) -> Fact:
    return Fact(FactType.NUMBER, meaning, ask=ask, volatile=volatile)


def _date(meaning: str, *, volatile: bool = False) -> Fact:
    return Fact(FactType.DATE, meaning, volatile=volatile)


def _texts(meaning: str, *values: str, ask: str | None = None, united: bool = False) -> Fact:
    return Fact(FactType.TEXTS, meaning, values, ask=ask, united=united)


def _object(meaning: str, /, **items: Fact) -> Fact:
    return Fact(FactType.OBJECT, meaning, items=items)


def _objects(meaning: str, key: str, /, **items: Fact) -> Fact:
    return Fact(FactType.OBJECTS, meaning, items=items, key=key)


# Facts that the configuration states, and nobody else.
DECLARED = frozenset({"desk_kind", "desk_declared", "space_kind", "space_declared"})

_DESK_DECLARED = _yes("whether the configuration says whom the desk serves")
_DESK_KIND = _text(
    "whom the desk serves, by the configuration; an undeclared desk counts as closed", "closed", "employees", "public"
)

_SPACE_DECLARED = _yes("whether the configuration says for whom the space is")
_SPACE_KIND = _text(
    "for whom the space is, by the configuration; an undeclared space counts as internal", "internal", "knowledge-base", "public"
)

# Of filters and dashboards alike.
_SHARES = _objects(
    "whom it is shared with",
    "key",
    key=_text("type, target and role, in one"),
    type=_text(
        "how wide: global is everybody on earth",
        "user",
        "group",
        "project",
        "projectRole",
        "global",
        "loggedin",
        "authenticated",
        "project-unknown",
    ),
    target=_account("with which one: the id of an account or group, or the site and key of a project", only_if=("type", "user")),
    role=_text("which role in the project (an id), where it is shared with just that; null for the whole project"),
)

# What an audit record speaks of.
_A_USER = ("type", "USER")
_AUDITED = {
    "id": _account("its id", only_if=_A_USER),
    "name": _name("its name", only_if=_A_USER),
    "type": _text("what it is: USER, GROUP, ..."),
}

_OUTSIDE = "the site in a private browser window (not logged in)"
_CUSTOMER_ACCESS = "Jira settings > Jira Service Management > Customer access"
_CUSTOMER_PERMISSIONS = "Project settings > Access > Customer permissions"

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "org",
            "organization",
            "The organization above the sites.",
            Scope.ORG,
            {
                "name": _text("its name"),
                "org_admin_count": _number("how many people are organization admins"),
            },
            "organization id",
        ),
        Kind(
            "org.directory",
            "directory",
            "A directory of the organization's people and groups.",
            Scope.ORG,
            {"name": _text("its name")},
            "directory id",
        ),
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
                "plans": _texts("the plans it is paid for, in Atlassian's words"),
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
            "org.user",
            "user",
            "A person with an account that the organization manages, or that is in one of its directories.",
            Scope.ORG,
            {
                "email": _email("the e-mail address of the account"),
                "name": _name("the person's name"),
                "account_type": _text("what kind of account", "atlassian", "customer", "app"),
                "status": _text(
                    "account and membership in one", "active", "suspended", "not_invited", "deactivated", "for_deletion"
                ),
                "account_status": _text("whether the account can be used", "active", "inactive", "closed"),
                "membership_status": _text("whether it belongs to a directory", "active", "suspended", "no_membership"),
                "claim_status": _text("whether the organization manages the account", "managed", "unmanaged"),
                "email_verified": _yes("whether the address was verified"),
                "mfa_enabled": _yes("whether two-step verification is on; told of managed accounts"),
                "management_source": _text(
                    "how a managed account came: by an invitation, or from an identity provider", "invited", "synced"
                ),
                "added_to_org": _date("when it was first added to a directory"),
                # Not held to Atlassian's list, which is not whole: its own words speak of unit admins, who are not on it.
                "platform_roles": _texts("its administrative roles: atlassian/org-admin, atlassian/site-admin, ..."),
                "product_access": _objects(
                    "the apps it can use, site by site: an app that two sites have is there twice",
                    "key",
                    key=_text("which app, in Atlassian's key"),
                    resource_id=_text("which app of which site (an ARI)"),
                    last_active=_date("when it was last used; null for never", volatile=True),
                ),
                "groups": _texts("the ids of the groups it is in"),
            },
            "account id",
            person=True,
        ),
        Kind(
            "org.user_role_assignments",
            "user's roles",
            "The roles of a person, and how they came to each. Asked of people whose use of an app no group of theirs explains.",
            Scope.ORG,
            {
                "explained_by_groups": _yes(
                    "whether groups of the person give all apps that they can use; then nobody asks for more"
                ),
                "assignments": _objects(
                    "the roles, resource by resource",
                    "key",
                    key=_text("resource and role, in one"),
                    resource_id=_text("of what (an ARI)"),
                    role=_text("the role: atlassian/user, atlassian/admin, atlassian/customer, ..."),
                    methods=_texts(
                        "how it was given: to the person, to a group the person is in, or as it follows from something else",
                        "direct",
                        "group_direct",
                        "inferred",
                    ),
                ),
            },
            "account id",
            person=True,
        ),
        Kind(
            "org.group",
            "group",
            "A group of people in a directory of the organization.",
            Scope.ORG,
            {
                "name": _text("its name"),
                "external_synced": _yes("whether an identity provider created it"),
                "managed_by": _text("who manages it: external, admins, team-members or open"),
                "user_count": _number("how many people are in it", volatile=True),
                "role_assignments": _objects(
                    "which roles it gives its people, resource by resource",
                    "resource_id",
                    resource_id=_text("of what (an ARI)"),
                    roles=_texts("the roles: atlassian/user, atlassian/admin, atlassian/customer, ..."),
                    default_role=_text("the role that new people get through this group; null for none"),
                ),
                "grants_product_access": _yes("whether one of its roles lets people use an app, other than as a customer"),
            },
            "group id",
            reach="user_count",
            reached="people",
        ),
        Kind(
            "org.policy",
            "security policy",
            "A rule of the organization for its apps: from where they may be reached, or what may be done with their content.",
            Scope.ORG,
            {
                "type": _text("what it rules", "ip-allowlist", "data-residency", "data-security"),
                "name": _text("its name"),
                "status": _text("whether it is in force", "enabled", "disabled"),
                "rule": _texts("the addresses and networks that an IP allowlist lets in"),
                "application_statuses": _texts(
                    "how far it got, one for each app it is for", "applying", "removing", "applied", "failed", "scheduled"
                ),
            },
            "policy id",
        ),
        Kind(
            "org.authentication_policy",
            "authentication policy",
            "How a set of the organization's managed people have to log in.",
            Scope.ORG,
            {
                "is_default": _yes("the one for people who are in no other", ask="Is it the default policy?"),
                "members": _text("whom it is for", "everyone", "subset", ask="Members: everyone, or a subset?"),
                "enforces_sso": _yes("they have to log in with single sign-on", ask="Single sign-on: is it enforced?"),
                "two_step_verification": _text(
                    "whether they have to use a second step", "required", "optional", ask="Two-step verification: is it required?"
                ),
                "idle_session_minutes": _number(
                    "how long they may be idle before they are logged out", ask="Idle session duration: how many minutes?"
                ),
                "api_tokens": _text(
                    "whether they may use API tokens", "allowed", "blocked", ask="User API tokens: allowed or blocked?"
                ),
                "third_party_login": _text(
                    "whether they may log in with an account of somebody else's",
                    "allowed",
                    "blocked",
                    ask="Third-party login: allowed or blocked?",
                ),
            },
            "policy name",
            # https://support.atlassian.com/security-and-access-policies/docs/authentication-policy-settings-for-your-organizations
            console="Atlassian Administration > Security > User security > Authentication policies > Edit",
            unlisted=True,
        ),
        Kind(
            "org.external_user_policy",
            "external user policy",
            "How people have to log in whom the organization does not manage.",
            Scope.ORG,
            {
                "two_step_verification": _text(
                    "whether they have to use a second step", "required", "off", ask="Two-step verification: required, or off?"
                ),
                "session_days": _number(
                    "after how many days they have to verify again", ask="Session expiration: after how many days?"
                ),
                "api_tokens": _text(
                    "whether they may use API tokens", "allowed", "blocked", ask="API token access: allowed or blocked?"
                ),
            },
            "word org: there is one",
            # https://support.atlassian.com/security-and-access-policies/docs/set-api-token-access/
            console="Atlassian Administration > Security > User security > External users > External user policy",
        ),
        Kind(
            "org.token_policy",
            "API token policy",
            "Whether ordinary people may make API tokens, and for how long these last.",
            Scope.ORG,
            {
                "user_tokens": _text(
                    "whether they may make and use any",
                    "allowed",
                    "blocked",
                    ask="User API tokens of ordinary people: allowed or blocked?",
                ),
                "max_days": _number("after how many days one ends at the latest", ask="User API token expiration: how many days?"),
            },
            "word org: there is one",
            # Kept in each authentication policy:
            # https://support.atlassian.com/security-and-access-policies/docs/authentication-policy-settings-for-your-organizations
            console="Atlassian Administration > Security > User security > Authentication policies > Edit > User API tokens",
        ),
        Kind(
            "org.api_token",
            "API token",
            "A token with which programs act as a person.",
            Scope.ORG,
            {
                "label": _text("what its owner calls it"),
                "status": _text("whether it may be used: ALLOWED or BLOCKED"),
                "created_at": _date("when it was made"),
                "expires_at": _date("when it ends"),
                "last_active_at": _date("when it was last used", volatile=True),
                "user_id": _account("the account it acts as"),
            },
            "token id",
        ),
        Kind(
            "org.api_key",
            "API key",
            "A key with which programs administer the organization. How it is told of is known from public code only.",
            Scope.ORG,
            {
                "label": _text("what its maker calls it"),
                "status": _text("whether it may still be used", "active", "revoked"),
                "created_at": _date("when it was made"),
                "expires_at": _date("when it ends"),
            },
            "key id",
        ),
        Kind(
            "org.service_account",
            "service account",
            "An account for programs, not for a person. How it is told of is not confirmed.",
            Scope.ORG,
            {"name": _text("its name"), "status": _text("whether it may be used, in Atlassian's word")},
            "service account id",
        ),
        Kind(
            "org.event",
            "event",
            "Something that happened, by the organization's audit log.",
            Scope.ORG,
            {
                "time": _date("when"),
                "action": _text("what happened: the id of a kind of event"),
                "actor": _object(
                    "who did it",
                    id=_account("the id of the account or app"),
                    name=_name("the name"),
                    email=_email("the e-mail address"),
                    auth_type=_text("with what kind of token: api-token, auth-token-for-3LO, ..."),
                    token_id=_text("with which token"),
                    token_label=_text("what that token is called"),
                    app_id=_text("the app that set it off"),
                    on_behalf_of=_account("the account for which it was done"),
                ),
                "context": _objects(
                    "to what or whom it was done",
                    "id",
                    id=_account("its id", only_if=("type", "users")),
                    type=_text("what it is: users, groups, ..."),
                    name=_name("its name", only_if=("type", "users")),
                    email=_email("its e-mail address, of a person"),
                ),
                "container": _objects(
                    "where it was done",
                    "id",
                    id=_text("its id"),
                    type=_text("what it is: sites, ..."),
                    name=_text("its name"),
                ),
                "location": _object(
                    "from where it was done",
                    ip=_text("the address"),
                    country=_text("the country of that address"),
                    region=_text("the region of that address"),
                    city=_text("the city of that address"),
                ),
            },
            "event id",
            log=True,
        ),
        Kind(
            "org.event_action",
            "kind of event",
            "What the organization's audit log can tell of.",
            Scope.ORG,
            {
                "display_name": _text("what happens, in words"),
                "group_display_name": _text("what it belongs to, in words"),
            },
            "action id",
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
                "account_permissions": _texts(
                    "the global permissions that the asking account holds, of those that tell what it sees"
                ),
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
                "permission_scheme": _text("the id of its permission scheme, with the site; company-managed projects only"),
            },
            "project key",
        ),
        Kind(
            "jira.project_role",
            "project role",
            "A role in one project, and who acts in it.",
            Scope.SITE,
            {
                "name": _text("its name"),
                "role_id": _text("its number, which all projects share, but for team-managed ones"),
                "project": _text("the id of the project, with the site"),
                "is_admin": _yes("whether it is the one that administers the project"),
                "actors": _objects(
                    "who acts in it",
                    "key",
                    key=_text("type and id, in one"),
                    type=_text("a group or a person", "atlassian-group-role-actor", "atlassian-user-role-actor"),
                    id=_account("the id of the group or account", only_if=("type", "atlassian-user-role-actor")),
                    name=_name("the name shown", only_if=("type", "atlassian-user-role-actor")),
                ),
            },
            "project key, a slash and the role's number",
        ),
        Kind(
            "jira.application_role",
            "application role",
            "The licences of a Jira app, and the groups whose members hold one.",
            Scope.SITE,
            {
                "name": _text("its name"),
                "selected_by_default": _yes("whether new accounts are given it"),
                "default_groups": _texts("the ids of the groups that new holders join"),
                "groups": _texts("the ids of the groups whose members hold it"),
                "seats": _number("how many the licence is for"),
                "users": _number("how many count against it", volatile=True),
                "remaining_seats": _number("how many are left", volatile=True),
                "unlimited": _yes("whether the licence has no limit"),
            },
            "role key",
            reach="users",
            reached="people",
        ),
        Kind(
            "jira.permission_scheme",
            "permission scheme",
            "Who may do what, in the company-managed projects that use the scheme.",
            Scope.SITE,
            {
                "name": _text("its name"),
                "grants": _objects(
                    "what it grants, and to whom",
                    "key",
                    key=_text("permission, type and value of the holder, in one"),
                    permission=_text("what may be done, in Atlassian's key"),
                    holder_type=_text("what kind of holder: anyone, applicationRole, group, projectRole, user, ..."),
                    holder_value=_account("which one (an id); null where the type has none", only_if=("holder_type", "user")),
                ),
                "in_use": _yes("whether a project uses it; known where one does, or where every project told its scheme"),
                "project_count": _number("how many projects use it; known where every project told its scheme", volatile=True),
            },
            "scheme id",
            reach="project_count",
            reached="projects",
        ),
        Kind(
            "jira.filter",
            "filter",
            "A filter that is shared with somebody, or that the asking account owns.",
            Scope.SITE,
            {"name": _text("its name"), "owner": _account("the owner's account id"), "shares": _SHARES},
            "filter id",
        ),
        Kind(
            "jira.dashboard",
            "dashboard",
            "A dashboard that the asking account sees. Those that everybody sees are always among them.",
            Scope.SITE,
            {
                "name": _text("its name"),
                "owner": _account("the owner's account id; null for the system's own dashboard"),
                "shares": _SHARES,
            },
            "dashboard id",
        ),
        Kind(
            "jira.group",
            "group",
            "A group whose members administer Jira.",
            Scope.SITE,
            {
                "name": _text("its name"),
                "access": _text("what it gives access to", "user", "admin", "site-admin"),
                "members": _objects(
                    "its members, but for inactive ones",
                    "account_id",
                    account_id=_account("the account's id"),
                    account_type=_text("what kind of account, in Atlassian's word: atlassian, app, customer"),
                ),
            },
            "group id",
        ),
        Kind(
            "jira.user",
            "account",
            "An account on a site, active or not.",
            Scope.SITE,
            {
                "account_type": _text("what kind of account", "atlassian", "app", "customer", "unknown"),
                "active": _yes("whether it is active"),
                "email": _email("its e-mail address, where that is shown"),
            },
            "account id",
            person=True,
        ),
        Kind(
            "jira.audit_record",
            "audit record",
            "Something that was changed in Jira, by its audit log.",
            Scope.SITE,
            {
                "created": _date("when"),
                "category": _text("what it belongs to, in words: user management, group management, ..."),
                "summary": _text("what happened, in words of the site's language"),
                "author": _account("the account id of whoever did it"),
                "object": _object("what was changed", **_AUDITED),
                "associated": _objects("what else it concerns, such as the group that a person was added to", "id", **_AUDITED),
                "changed_values": _objects(
                    "what it was before and became",
                    "field",
                    field=_text("of what"),
                    before=_text("the value before"),
                    after=_text("the value after"),
                ),
            },
            "record id",
            log=True,
        ),
        Kind(
            "jira.team_managed_access",
            "access to team-managed projects",
            "Who may create team-managed projects on a site, and how open these are.",
            Scope.SITE,
            {
                "default_access": _text(
                    "how open they are to everybody who may use Jira",
                    "open",
                    "limited",
                    "private",
                    ask="Access of team-managed projects: the most open level that any has?",
                ),
                "creation": _text("who may create them", "anyone", "admins", ask="Create team-managed projects: who may?"),
            },
            "site name",
            console="Jira settings > System > Global permissions (Create team-managed projects),"
            " and Project settings > Access of the team-managed projects",
            single=True,
        ),
        Kind(
            "jira.anonymous_view",
            "anonymous view of Jira",
            "What somebody without an account sees of Jira on a site.",
            Scope.SITE,
            {
                "permissions": _texts(
                    "what they may do somewhere, in Atlassian's keys, of the built-in permissions that were asked about",
                    ask="What may a visitor do there, in Atlassian's keys (BROWSE_PROJECTS, CREATE_ISSUES, ...)?",
                ),
                "projects": _number("how many projects they see", ask="How many projects does a visitor see?"),
                "filters": _number("how many filters they see", ask="How many filters does a visitor see?"),
                "dashboards": _number(
                    "how many dashboards they see, but for the system's own",
                    ask="How many dashboards does a visitor see, but for the system's own?",
                ),
                "user_picker": _yes(
                    "a search for people and groups finds somebody", ask="Does a search for people or groups find anybody?"
                ),
            },
            "site name",
            console=_OUTSIDE,
            single=True,
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
                "portal_id": _text("the number of its portal"),
                "portal_url": _text("the address of its portal"),
                "desk_kind": _DESK_KIND,
                "desk_declared": _DESK_DECLARED,
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
                "desk_declared": _DESK_DECLARED,
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
                "login_required": _yes("the help center asks for a log-in", ask="Help center: is a log-in required to see it?"),
                "accounts_from_mail_headers": _text(
                    "whose To and Cc create accounts",
                    "agents",
                    "customers",
                    "anyone",
                    ask="Account creation by To and Cc of an e-mail (Jira Service Management > Email requests): who may?",
                ),
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
                "desk_declared": _DESK_DECLARED,
                "project_key": _text("the desk's project"),
                "address": _text("the address", ask="Which address receives this desk's requests?"),
                "domain": _text("its domain, in comparable form"),
                "is_default": _yes("the built-in address on atlassian.net"),
            },
            "e-mail address",
            console="Project settings > Channels > Email",
        ),
        Kind(
            "jsm.email_filter",
            "e-mail filter",
            "Whose mail creates no request in any desk of a site, and whose is never filtered out.",
            Scope.SITE,
            {
                "blocked_local_parts": _texts(
                    "what stands before the @ of addresses that are blocked in every desk, whatever their domain",
                    ask="Addresses blocked in every desk: what stands before the @ (no-reply, postmaster, ...)?",
                ),
                "blocklist": _texts(
                    "the domains and addresses on the blocklist of every desk", ask="Blocklist: which domains and addresses?"
                ),
                "allowlist": _texts("the domains on the allowlist of any desk", ask="Allowlist: which domains?"),
            },
            "site name",
            # Cloud keeps the lists desk by desk:
            # https://support.atlassian.com/jira-service-management-cloud/docs/manage-your-blocklist/
            console="Project settings > Channels and self-service > Email > More > Manage blocklist and Manage allowlist"
            " of each service project",
            single=True,
        ),
        Kind(
            "jsm.customer",
            "customer",
            "Somebody who may raise requests in a desk.",
            Scope.SITE,
            {
                "email": _email("the address, unless the privacy settings hide it"),
                "display_name": _name("the name shown to others"),
                "active": _yes("whether the account is active"),
                "desks": _texts("the desks it is a customer of, by their ids", united=True),
            },
            "account id",
            person=True,
        ),
        Kind(
            "jsm.organization",
            "customer organization",
            "A group of customers, who may share their requests with each other.",
            Scope.SITE,
            {
                "name": _text("its name"),
                "desks": _texts("the desks it is a customer of, by their ids", united=True),
            },
            "organization id",
        ),
        Kind(
            "jsm.request_type",
            "request type",
            "What a customer may ask for in a desk.",
            Scope.SITE,
            {
                "name": _text("its name"),
                "restriction_status": _text("whether only some people may use it", "OPEN", "RESTRICTED"),
            },
            "request type id",
        ),
        Kind(
            "jsm.signup_page",
            "sign-up page",
            "The page of a site's portal on which strangers may make themselves customers.",
            Scope.SITE,
            {
                "answers": _yes(
                    "the page answers; that it lets anybody sign up is then possible, and not proven",
                    ask="Does /servicedesk/customer/user/signup offer to create an account?",
                ),
            },
            "site name",
            console=_OUTSIDE,
            single=True,
        ),
        Kind(
            "confluence.site",
            "Confluence site",
            "Confluence on a site.",
            Scope.SITE,
            {
                "role_mode": _text(
                    "whether access to its spaces is kept in permissions or in roles", "PRE_ROLES", "ROLES_TRANSITION", "ROLES"
                ),
            },
            "site name",
            single=True,
        ),
        Kind(
            "confluence.space",
            "space",
            "A space in use: pages that are kept and opened together.",
            Scope.SITE,
            {
                "name": _text("its name"),
                "space_id": _text("its number"),
                "type": _text(
                    "what it is for",
                    "global",
                    "collaboration",
                    "knowledge_base",
                    "personal",
                    "system",
                    "onboarding",
                    "xflow_sample_space",
                ),
                "status": _text("whether it is in use", "current", "archived"),
                "anonymous_access": _yes("anybody may look into it without an account"),
                "unlicensed_access": _yes("people who may not use Confluence may look into it, such as customers of a desk"),
                "space_kind": _SPACE_KIND,
                "space_declared": _SPACE_DECLARED,
            },
            "space key",
        ),
        Kind(
            "confluence.anonymous_view",
            "anonymous view of Confluence",
            "What somebody without an account sees of Confluence on a site.",
            Scope.SITE,
            {"spaces": _number("how many spaces they see, at least", ask="How many spaces does a visitor to /wiki see?")},
            "site name",
            console=_OUTSIDE,
            single=True,
        ),
        Kind(
            "attestation",
            "attestation",
            "What a person stated about a setting that no interface gives.",
            Scope.ORG,
            {
                "attested_by": _name("who stated it"),
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
_LOCAL_ID = _text("its id on that site, without the name of the site")

# What a path may lead to besides the facts, by how far the ids of a kind reach.
OWN_PATHS: dict[Scope, dict[str, Fact]] = {
    Scope.ORG: {"id": _ID},
    Scope.SITE: {"id": _ID, "site": _SITE, "local_id": _LOCAL_ID},
    Scope.DESK: {"id": _ID, "site": _SITE, "local_id": _LOCAL_ID, "project": _PROJECT},
}


def own_values(kind: Kind, id_: str) -> dict[str, str]:
    """Return the values of a resource's own paths, which its id holds."""
    site, _, local_id = id_.partition("/")
    values = {"id": id_, "site": site, "local_id": local_id, "project": local_id}
    return {name: values[name] for name in OWN_PATHS[kind.scope]}


def paths(kind: Kind) -> dict[str, Fact]:
    """Return all that a path may lead to in a resource of a kind: its facts, the parts of those that are objects, its own."""
    parts = {
        f"{name}.{part}": item
        for name, fact in kind.facts.items()
        if fact.type is FactType.OBJECT
        for part, item in fact.items.items()
    }
    return kind.facts | parts | OWN_PATHS[kind.scope]


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
            return isinstance(value, list) and all(
                isinstance(item, str) and (not fact.values or item in fact.values) for item in value
            )
        case FactType.OBJECT:
            return isinstance(value, dict)
        case FactType.OBJECTS:
            return isinstance(value, list) and all(isinstance(item, dict) for item in value)
