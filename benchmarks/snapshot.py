"""Make a snapshot of a made-up tenant, as large as wanted: the same for one size and seed, and never held in memory.

A million resources are about a gigabyte: 128 sites, a third of a million people and as much about their roles, and what such a
tenant has besides. A few in a hundred are as no policy wants them, of fewer a fact is missing, here and there a list was refused.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any

from scanner import snapshots
from scanner.kinds import KINDS, Scope
from scanner.model import Coverage, Gap, Header, Reason, Record, Resource, Source, Target

SEED = 4
TAKEN_AT = datetime(2026, 6, 15, 12, tzinfo=UTC)
ORG = "0b5d1a52-7c1e-4a7e-9f0c-5d2f6a1e0004"
COMPANY_DOMAIN = "acme.example"
# So many resources there are for each site.
PER_SITE = 7_812

Facts = dict[str, Any]


def write(folder: Path, size: int, seed: int = SEED) -> Path:
    """Return a snapshot of so many resources and gaps; it is made unless it is there already."""
    # Another text of this file makes another tenant.
    edition = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:8]
    path = folder / f"tenant-{size}-{seed}-{edition}.ndjson"
    if not path.exists():
        tenant = Tenant(size, seed)
        snapshots.write(str(path), tenant.header, tenant.records())
    return path


def declared_desks(header: Header) -> dict[str, str]:
    """Return what a configuration says of a tenant's desks: every tenth serves the public, every fifth all employees."""
    _, size, seed = header.id.split("-")
    tenant = Tenant(int(size), int(seed))
    kinds = {0: "public", 3: "employees", 8: "employees"}
    desks = range(tenant.many("jsm.service_desk"))
    return {f"{site}/{_desk_key(number)}": kinds[number % 10] for site in tenant.sites for number in desks if number % 10 in kinds}


@dataclass(frozen=True)
class Tenant:
    """How much there is of each kind, and what it is."""

    size: int
    seed: int = SEED

    @cached_property
    def sites(self) -> tuple[str, ...]:
        """Return the names of the sites."""
        return tuple(f"acme-{number:03}" for number in range(max(1, round(self.size / PER_SITE))))

    @cached_property
    def people(self) -> int:
        """Return how many people there are."""
        # All but the inactive have a second record, of their roles.
        return -(-self._of_people * _ONE_IN // (2 * _ONE_IN - 1))

    @cached_property
    def _of_people(self) -> int:
        """Return how many records are about people: all that the size leaves."""
        others = sum(len(self._homes(kind)) * self.many(kind) + len(self._gaps(kind)) for kind in LISTS if kind not in _OF_PEOPLE)
        if others >= self.size:
            raise ValueError(f"{self.size} resources are too few for a tenant")
        return self.size - others

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """Return the ids of the groups."""
        return tuple(_uuid(number) for number in range(self.many("org.group")))

    @cached_property
    def domains(self) -> tuple[str, ...]:
        """Return the domains that the company claims, most people's first."""
        return (COMPANY_DOMAIN, *(f"acme-{number:04}.example" for number in range(1, self.many("org.domain"))))

    @property
    def header(self) -> Header:
        """Return the header: all kinds were asked for."""
        target = Target(org=ORG, org_name="Acme", sites={site: f"https://{site}.atlassian.net" for site in self.sites})
        coverage = tuple(self._coverage(kind) for kind in sorted(LISTS) if kind != "attestation")
        return Header(
            id=f"tenant-{self.size}-{self.seed}", taken_at=TAKEN_AT, tool="benchmarks.snapshot", target=target, coverage=coverage
        )

    def records(self) -> Iterator[Record]:
        """Yield all there is, sorted as a snapshot is."""
        for kind, listing in sorted(LISTS.items()):
            yield from self._gaps(kind)
            draw = Random(f"{self.seed} {kind}")  # noqa: S311  they have to be the same each time
            for home in self._homes(kind):
                for number in range(self.many(kind)):
                    yield self._resource(kind, listing, home, Draw(self, home, number, draw))

    def many(self, kind: str) -> int:
        """Return how many of a kind each site has, or the organization."""
        listing = LISTS[kind]
        if kind in _OF_PEOPLE:
            return self.people if kind == "org.user" else self._of_people - self.people
        if listing.fixed:
            return listing.number
        sites = 1 if KINDS[kind].scope is Scope.ORG else len(self.sites)
        return max(1, round(listing.number * self.size / PER_SITE / sites))

    def _homes(self, kind: str) -> list[int]:
        """Return the sites that show their resources of a kind; 0 stands for the organization."""
        if KINDS[kind].scope is Scope.ORG:
            return [0]
        return [site for site in range(len(self.sites)) if not self._refuses(kind, site)]

    def _refuses(self, kind: str, site: int) -> bool:
        every = LISTS[kind].refused_by_every
        return every is not None and site % every == every - 1

    def _gaps(self, kind: str) -> list[Gap]:
        if kind == "org.group":
            unread = range(self.many(kind), self.many(kind) + GROUPS_UNREAD)
            return [_gap(kind, Reason.GAVE_UP, f"org/{ORG}", _uuid(number)) for number in unread]
        sites = (
            [] if KINDS[kind].scope is Scope.ORG else [name for site, name in enumerate(self.sites) if self._refuses(kind, site)]
        )
        return [_gap(kind, Reason.FORBIDDEN, f"jira.site/{name}", name if KINDS[kind].single else None) for name in sites]

    def _resource(self, kind: str, listing: "Listing", home: int, draw: "Draw") -> Resource:
        local_id, name, facts = listing.make(draw)
        of_site = KINDS[kind].scope is not Scope.ORG
        site = self.sites[home]
        id_ = local_id if not of_site else f"{site}/{local_id}" if local_id else site
        parent = None if kind in ("org", "jira.site") else f"jira.site/{site}" if of_site else f"org/{ORG}"
        return Resource(kind=kind, id=id_, name=name, facts=facts, source=listing.source, parent=parent)

    def _coverage(self, kind: str) -> Coverage:
        resources, gaps = len(self._homes(kind)) * self.many(kind), len(self._gaps(kind))
        return Coverage(kind=kind, requests=resources // 100 + gaps + 1, resources=resources, gaps=gaps, complete=not gaps)


# How many groups the organization names, and tells nothing more of.
GROUPS_UNREAD = 5
# Of so many people one is inactive.
_ONE_IN = 20
_OF_PEOPLE = ("org.user", "org.user_role_assignments")


def _gap(kind: str, reason: Reason, parent: str, id_: str | None) -> Gap:
    return Gap(kind=kind, reason=reason, detail="no answer", hint="look again", parent=parent, id=id_)


@dataclass(slots=True)
class Draw:
    """What is drawn for one resource: the how manieth of its home it is, and its chances."""

    tenant: Tenant
    site: int
    number: int
    chance: Random

    def rarely(self, share: float) -> bool:
        """Tell whether this is one of so few."""
        return self.chance.random() < share

    def one_of(self, things: tuple[str, ...] | list[str]) -> str:
        """Return one of some things."""
        return things[int(self.chance.random() * len(things))]

    def below(self, most: int) -> int:
        """Return a number below another."""
        return int(self.chance.random() * most)

    def moment(self, *, earliest: int, latest: int = 0) -> str:
        """Return a moment so many days ago; fewer than none are to come."""
        return f"{_DAYS[_TODAY - latest - self.below(earliest - latest)]}T{self.below(24):02}:30:00Z"

    def without(self, facts: Facts, name: str, share: float) -> Facts:
        """Return the facts, rarely without one that was not answered."""
        if self.rarely(share):
            del facts[name]
        return facts


_TODAY = 4_000
_DAYS = [f"{TAKEN_AT + timedelta(days=number - _TODAY):%Y-%m-%d}" for number in range(2 * _TODAY)]


def _uuid(number: int) -> str:
    """Return an id that sorts by its number."""
    mixed = number * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
    return f"{number:08x}-{mixed & 0xFFFF:04x}-4{mixed >> 16 & 0xFFF:03x}-9{mixed >> 28 & 0xFFF:03x}-{mixed >> 16:012x}"


def _account_id(number: int) -> str:
    return f"712020:{_uuid(number)}"


# ------------------------------------------------------------------------------------------------------------ the organization

_APPS = ("jira-software", "confluence", "jira-servicedesk", "jira-product-discovery")
_ROLE = "atlassian/user"
_FIRST = ("Ada", "Ben", "Chloe", "Dmitri", "Elif", "Farah", "Goran", "Hana", "Ines", "Jonas", "Kwame", "Lena", "Milo", "Noor")
_LAST = ("Almeida", "Brandt", "Castillo", "Dubois", "Eriksen", "Fischer", "Garcia", "Haddad", "Ivanova", "Jensen", "Kowalski", "Li")


def _app_of_site(app: str, site: int) -> str:
    return f"ari:cloud:{app}::site/7c9e6679-7425-40de-944b-{site:012x}"


def _org(_draw: Draw) -> tuple[str, str, Facts]:
    return ORG, "Acme", {"name": "Acme", "org_admin_count": 4}


def _directory(draw: Draw) -> tuple[str, str, Facts]:
    name = ("Contractors", "Employees")[draw.number]
    return f"directory-{draw.number}", name, {"name": name}


def _workspace(draw: Draw) -> tuple[str, str, Facts]:
    apps = tuple(sorted(_APPS))
    sites = draw.tenant.sites
    app, site = apps[draw.number // len(sites)], draw.number % len(sites)
    facts = {
        "name": sites[site],
        "type_key": app,
        "host_url": f"https://{sites[site]}.atlassian.net",
        "status": "online",
        "plans": ["Enterprise"],
    }
    return _app_of_site(app, site), sites[site], facts


def _domain(draw: Draw) -> tuple[str, str, Facts]:
    name = sorted(draw.tenant.domains)[draw.number]
    verified = name == COMPANY_DOMAIN or not draw.rarely(0.05)
    return name, name, {"name": name, "claim_status": "verified" if verified else "unverified", "claim_type": "dns"}


def _access_domain(draw: Draw) -> tuple[str, str, Facts]:
    if draw.number == 0:
        return "ANYONE", "Any domain", {"domain": "ANYONE", "enabled": False, "admin_notifications": True, "products": []}
    name = "gmail.com" if draw.number == draw.tenant.many("org.access_domain") - 1 else f"acme-{draw.number:04}.example"
    mode = "DIRECT_ACCESS" if draw.rarely(0.05) else "REQUEST_ACCESS"
    products = [
        {"product_id": f"ari:cloud:{app}::app/all", "access_mode": mode, "default_role": f"ari:cloud:{app}::role/product/member"}
        for app in _APPS[:2]
    ]
    facts = {"domain": name, "enabled": not draw.rarely(0.1), "admin_notifications": not draw.rarely(0.05), "products": products}
    return name, name, draw.without(facts, "products", 0.02)


def _user_invites(draw: Draw) -> tuple[str, str, Facts]:
    name = ("confluence", "jira", "jira-service-management")[draw.number]
    return name, name, {"user_invites": "not_allowed", "invitation_links": "enabled" if name == "jira" else "disabled"}


def _user(draw: Draw) -> tuple[str, str, Facts]:
    tenant, number = draw.tenant, draw.number
    first, last = draw.one_of(_FIRST), draw.one_of(_LAST)
    managed, active = not draw.rarely(0.03), number % _ONE_IN != _ONE_IN - 1
    domain = COMPANY_DOMAIN if draw.rarely(0.7) else draw.one_of(tenant.domains)
    partner = f"partner-{draw.below(500)}.example"
    facts = {
        "email": f"{first}.{last}.{number}@{domain if managed or draw.rarely(0.3) else partner}".lower(),
        "name": f"{first} {last}",
        "account_type": "app" if draw.rarely(0.01) else "atlassian",
        "status": "active" if active else "deactivated",
        "account_status": "active" if active else "inactive",
        "membership_status": "active" if active else "no_membership",
        "claim_status": "managed" if managed else "unmanaged",
        "email_verified": not draw.rarely(0.01),
        "added_to_org": draw.moment(earliest=3_000, latest=10),
        "platform_roles": ["atlassian/org-admin"] if number % 160_000 == 0 else [],
        "product_access": _product_access(draw) if active else [],
        "groups": [tenant.groups[draw.below(len(tenant.groups))] for _ in range(4 + draw.below(8))],
    }
    if managed:
        facts["mfa_enabled"] = not draw.rarely(0.02)
        facts["management_source"] = "invited" if draw.rarely(0.02) else "synced"
        draw.without(facts, "mfa_enabled", 0.005)
        draw.without(facts, "management_source", 0.005)
    return _account_id(number), f"{first} {last}", draw.without(facts, "product_access", 0.002)


def _product_access(draw: Draw) -> list[Facts]:
    """Return a few apps of a few sites, some of them never used; rarely none was used of late."""
    latest = 100 if draw.rarely(0.03) else 0
    count = 2 + draw.below(15)
    home, sites = draw.below(len(draw.tenant.sites)), len(draw.tenant.sites)
    return [
        {
            "key": _APPS[each % 4],
            "resource_id": _app_of_site(_APPS[each % 4], (home + each // 4) % sites),
            "last_active": None if each and draw.rarely(0.1) else draw.moment(earliest=latest + 80, latest=latest),
        }
        for each in range(count)
    ]


def _user_role_assignments(draw: Draw) -> tuple[str, str, Facts]:
    """Return the roles of an active person: how they were given is asked only where no group explains them."""
    person = draw.number + draw.number // (_ONE_IN - 1)
    if not draw.rarely(0.03):
        return _account_id(person), f"Person {person}", {"explained_by_groups": True}
    assignments = []
    for each in range(1 + draw.below(3)):
        resource_id = _app_of_site(_APPS[each], draw.below(len(draw.tenant.sites)))
        methods = ["direct"] if draw.rarely(0.3) else ["group_direct"]
        assignments.append({"key": f"{resource_id}:{_ROLE}", "resource_id": resource_id, "role": _ROLE, "methods": methods})
    facts = {"explained_by_groups": False, "assignments": assignments}
    return _account_id(person), f"Person {person}", draw.without(facts, "assignments", 0.1)


def _group(draw: Draw) -> tuple[str, str, Facts]:
    grants, synced = draw.rarely(0.4), not draw.rarely(0.04)
    assignments = [
        {
            "resource_id": _app_of_site(draw.one_of(_APPS), each),
            "roles": [_ROLE if grants else "atlassian/customer"],
            "default_role": _ROLE if draw.rarely(0.005) else None,
        }
        for each in range(1 + draw.below(5))
    ]
    facts = {
        "name": f"team-{draw.number}",
        "external_synced": synced,
        "managed_by": "external" if synced else "admins",
        "user_count": draw.below(400),
        "role_assignments": assignments,
        "grants_product_access": grants,
    }
    draw.without(facts, "external_synced", 0.003)
    return draw.tenant.groups[draw.number], f"team-{draw.number}", draw.without(facts, "role_assignments", 0.003)


def _policy(draw: Draw) -> tuple[str, str, Facts]:
    allows = draw.number % 2 == 0
    facts: Facts = {
        "type": "ip-allowlist" if allows else "data-security",
        "name": f"Policy {draw.number}",
        "status": "disabled" if draw.number % 8 == 0 else "enabled",
        "application_statuses": ["applied"],
    }
    return f"policy-{draw.number:02}", f"Policy {draw.number}", facts | ({"rule": ["198.51.100.0/24"]} if allows else {})


def _authentication_policy(draw: Draw) -> tuple[str, str, Facts]:
    name = ("contractors", "default", "staff")[draw.number]
    facts = {
        "is_default": name == "default",
        "members": "everyone" if name == "default" else "subset",
        "enforces_sso": name != "contractors",
        "two_step_verification": "required",
        "idle_session_minutes": 600,
        "api_tokens": "blocked",
        "third_party_login": "blocked",
    }
    return name, name, facts


def _external_user_policy(_draw: Draw) -> tuple[str, str, Facts]:
    return "org", "org", {"two_step_verification": "required", "session_days": 30, "api_tokens": "blocked"}


def _token_policy(_draw: Draw) -> tuple[str, str, Facts]:
    return "org", "org", {"user_tokens": "allowed", "max_days": 365}


def _api_token(draw: Draw) -> tuple[str, str, Facts]:
    created = draw.moment(earliest=300, latest=5)
    facts = {
        "label": f"token {draw.number}",
        "status": "BLOCKED" if draw.rarely(0.05) else "ALLOWED",
        "created_at": created,
        "expires_at": None if draw.rarely(0.02) else draw.moment(earliest=60, latest=-120),
        "last_active_at": draw.moment(earliest=200 if draw.rarely(0.05) else 60),
        "user_id": _account_id(draw.below(draw.tenant.people)),
    }
    return f"token-{draw.number:06}", f"token {draw.number}", draw.without(facts, "expires_at", 0.01)


def _api_key(draw: Draw) -> tuple[str, str, Facts]:
    facts = {
        "label": f"key {draw.number}",
        "status": "revoked" if draw.rarely(0.1) else "active",
        "created_at": draw.moment(earliest=90),
        "expires_at": None if draw.rarely(0.05) else draw.moment(earliest=0, latest=-200),
    }
    return f"key-{draw.number:04}", f"key {draw.number}", facts


def _service_account(draw: Draw) -> tuple[str, str, Facts]:
    return f"service-{draw.number:05}", f"service {draw.number}", {"name": f"service {draw.number}", "status": "ACTIVE"}


def _event(draw: Draw) -> tuple[str, str, Facts]:
    action = "user_logged_in_as_user" if draw.rarely(0.002) else f"action_{draw.below(120):03}"
    actor, place = draw.below(draw.tenant.people), draw.below(250)
    facts = {
        "time": draw.moment(earliest=90),
        "action": action,
        "actor": {"id": _account_id(actor), "name": f"Person {actor}", "email": f"person.{actor}@{COMPANY_DOMAIN}"},
        "context": [{"id": _account_id(draw.below(draw.tenant.people)), "type": "users"}],
        "container": [{"id": f"site-{draw.below(len(draw.tenant.sites))}", "type": "sites"}],
        "location": {"ip": f"198.51.100.{place}", "country": "Germany", "city": "Berlin"},
    }
    return f"event-{draw.number:07}", action, facts


def _event_action(draw: Draw) -> tuple[str, str, Facts]:
    id_ = f"action_{draw.number:03}"
    return id_, f"Action {draw.number}", {"display_name": f"Changed thing {draw.number}", "group_display_name": "Things"}


def _attestation(draw: Draw) -> tuple[str, str, Facts]:
    facts = {
        "attested_by": "ada.almeida@acme.example",
        "attested_on": "2026-06-01",
        "expires": "2026-06-10" if draw.rarely(0.03) else "2026-12-01",
        "evidence": f"evidence/{draw.number}.png",
        "agrees": True,
    }
    subject = f"jira.team_managed_access/acme-{draw.number:03}"
    return subject, subject, draw.without(facts, "evidence", 0.02)


# ---------------------------------------------------------------------------------------------------------------------- Jira

_PERMISSIONS = (
    *("ADD_COMMENTS", "ADMINISTER_PROJECTS", "ASSIGNABLE_USER", "ASSIGN_ISSUES", "BROWSE_PROJECTS", "CLOSE_ISSUES"),
    *("CREATE_ATTACHMENTS", "CREATE_ISSUES", "DELETE_ALL_ATTACHMENTS", "DELETE_ALL_COMMENTS", "DELETE_ISSUES", "EDIT_ALL_COMMENTS"),
    *("EDIT_ISSUES", "LINK_ISSUES", "MANAGE_SPRINTS_PERMISSION", "MANAGE_WATCHERS", "MOVE_ISSUES", "RESOLVE_ISSUES"),
    *("SCHEDULE_ISSUES", "SET_ISSUE_SECURITY", "TRANSITION_ISSUES", "VIEW_DEV_TOOLS", "VIEW_VOTERS_AND_WATCHERS", "WORK_ON_ISSUES"),
)
_ROLES = (("10002", "Administrators"), ("10003", "Members"), ("10004", "Viewers"))


def _site(draw: Draw) -> tuple[str, str, Facts]:
    name = draw.tenant.sites[draw.site]
    facts = {
        "base_url": f"https://{name}.atlassian.net",
        "version": "1001.0.0-SNAPSHOT",
        "deployment_type": "Cloud",
        "title": name,
        "account_permissions": ["ADMINISTER"],
    }
    return "", name, facts


def _project_key(number: int) -> str:
    return f"PRJ{number:05}"


def _project(draw: Draw) -> tuple[str, str, Facts]:
    team_managed, number = draw.rarely(0.3), draw.number
    facts: Facts = {
        "project_id": str(10_000 + number),
        "name": f"Project {number}",
        "type": draw.one_of(("software", "software", "service_desk", "business")),
        "style": "next-gen" if team_managed else "classic",
        "is_private": draw.rarely(0.2),
        "archived": draw.rarely(0.04),
    }
    if not team_managed:
        scheme = 10_000 + draw.below(draw.tenant.many("jira.permission_scheme"))
        facts["permission_scheme"] = f"{draw.tenant.sites[draw.site]}/{scheme}"
    return _project_key(number), f"Project {number}", draw.without(facts, "archived", 0.005)


def _permission_scheme(draw: Draw) -> tuple[str, str, Facts]:
    grants = [_grant("projectRole", permission, draw.one_of(("10002", "10003", "10004"))) for permission in _PERMISSIONS]
    grants += [_grant("group", permission, draw.one_of(draw.tenant.groups)) for permission in _PERMISSIONS[::3]]
    if draw.rarely(0.02):
        grants.append(_grant("anyone", "BROWSE_PROJECTS", None))
    if draw.rarely(0.03):
        grants.append(_grant("applicationRole", draw.one_of(_PERMISSIONS), None))
    used = not draw.rarely(0.1)
    facts = {"name": f"Scheme {draw.number}", "grants": grants, "in_use": used, "project_count": 6 if used else 0}
    return str(10_000 + draw.number), f"Scheme {draw.number}", draw.without(facts, "in_use", 0.005)


def _grant(holder: str, permission: str, value: str | None) -> Facts:
    key = f"{permission}:{holder}:{value or '-'}"
    return {"key": key, "permission": permission, "holder_type": holder, "holder_value": value}


def _project_role(draw: Draw) -> tuple[str, str, Facts]:
    project, (role_id, name) = _project_key(draw.number // 3), _ROLES[draw.number % 3]
    facts = {
        "name": name,
        "role_id": role_id,
        "project": f"{draw.tenant.sites[draw.site]}/{project}",
        "is_admin": name == "Administrators",
        "actors": [_actor(draw) for _ in range(1 + draw.below(6))],
    }
    return f"{project}/{role_id}", name, draw.without(facts, "actors", 0.005)


def _actor(draw: Draw) -> Facts:
    if draw.rarely(0.03):
        type_, id_, name = "atlassian-user-role-actor", _account_id(draw.below(draw.tenant.people)), draw.one_of(_FIRST)
    else:
        type_, id_, name = "atlassian-group-role-actor", draw.one_of(draw.tenant.groups), "team"
    return {"key": f"{type_}:{id_}", "type": type_, "id": id_, "name": name}


def _application_role(draw: Draw) -> tuple[str, str, Facts]:
    key, users = sorted(_APPS[::2] + _APPS[3:])[draw.number], 100 + draw.below(800)
    facts = {
        "name": key,
        "selected_by_default": draw.rarely(0.05),
        "default_groups": [draw.one_of(draw.tenant.groups)],
        "groups": [draw.one_of(draw.tenant.groups) for _ in range(4)],
        "seats": 1_000,
        "users": users,
        "remaining_seats": 1_000 - users,
        "unlimited": draw.rarely(0.1),
    }
    return key, key, facts


def _shares(draw: Draw) -> list[Facts]:
    group = draw.one_of(draw.tenant.groups)
    if draw.rarely(0.02):
        return [{"key": "global", "type": "global"}]
    if draw.rarely(0.5):
        return [{"key": f"group:{group}", "type": "group", "target": group}]
    target = f"{draw.tenant.sites[draw.site]}/{_project_key(draw.below(draw.tenant.many('jira.project')))}"
    return [
        {"key": f"project:{target}", "type": "project", "target": target},
        {"key": f"group:{group}", "type": "group", "target": group},
    ]


def _shared(draw: Draw) -> tuple[str, str, Facts]:
    name = f"Shared {draw.number}"
    facts = {"name": name, "owner": _account_id(draw.below(draw.tenant.people)), "shares": _shares(draw)}
    return str(10_000 + draw.number), name, draw.without(facts, "shares", 0.005)


def _administrators(draw: Draw) -> tuple[str, str, Facts]:
    name = f"administrators-{draw.number}"
    members = [
        {"account_id": _account_id(draw.below(draw.tenant.people)), "account_type": "atlassian"} for _ in range(2 + draw.below(9))
    ]
    return draw.tenant.groups[draw.number], name, {"name": name, "access": "admin", "members": members}


def _account(draw: Draw) -> tuple[str, str, Facts]:
    number = draw.number * 40
    facts = {"account_type": "atlassian", "active": not draw.rarely(0.05), "email": f"person.{number}@{COMPANY_DOMAIN}"}
    return _account_id(number), f"Person {number}", draw.without(facts, "email", 0.2)


def _audit_record(draw: Draw) -> tuple[str, str, Facts]:
    facts = {
        "created": draw.moment(earliest=90),
        "category": "group management",
        "summary": "User added to group",
        "author": _account_id(draw.below(draw.tenant.people)),
        "object": {"id": draw.one_of(draw.tenant.groups), "name": "team", "type": "GROUP"},
        "associated": [{"id": _account_id(draw.below(draw.tenant.people)), "name": draw.one_of(_FIRST), "type": "USER"}],
    }
    return f"{draw.number:06}", "User added to group", facts


def _team_managed_access(draw: Draw) -> tuple[str, str, Facts]:
    return "", "team-managed projects", {"default_access": "open" if draw.rarely(0.05) else "private", "creation": "admins"}


def _anonymous_view(draw: Draw) -> tuple[str, str, Facts]:
    seen = 3 if draw.rarely(0.03) else 0
    permissions = ["BROWSE_PROJECTS"] if seen else []
    facts = {"permissions": permissions, "projects": seen, "filters": 0, "dashboards": 0, "user_picker": False}
    return "", "anonymous view", facts


# ------------------------------------------------------------------------------------------ Jira Service Management, Confluence


def _desk_key(number: int) -> str:
    return f"DSK{number:04}"


def _desk_id(draw: Draw) -> str:
    return f"{draw.tenant.sites[draw.site]}/{_desk_key(draw.below(draw.tenant.many('jsm.service_desk')))}"


def _service_desk(draw: Draw) -> tuple[str, str, Facts]:
    key, number = _desk_key(draw.number), str(draw.number + 1)
    facts = {
        "project_id": str(20_000 + draw.number),
        "service_desk_id": number,
        "name": f"Desk {number}",
        "portal_id": number,
        "portal_url": f"https://{draw.tenant.sites[draw.site]}.atlassian.net/servicedesk/customer/portal/{number}",
    }
    return key, f"Desk {number}", facts


def _customer_permissions(draw: Draw) -> tuple[str, str, Facts]:
    facts = {
        "public_signup": draw.rarely(0.03),
        "open_access": draw.rarely(0.03),
        "sharing": "by_search" if draw.rarely(0.03) else "organization",
        "knowledge_base_anonymous": draw.rarely(0.02),
    }
    key = _desk_key(draw.number)
    return key, key, draw.without(facts, "public_signup", 0.01)


def _customer_access(draw: Draw) -> tuple[str, str, Facts]:
    facts = {
        "external_accounts": "anyone" if draw.rarely(0.05) else "nobody",
        "login_required": not draw.rarely(0.05),
        "accounts_from_mail_headers": "agents",
        "public_signup": False,
    }
    return "", "customer access", draw.without(facts, "external_accounts", 0.05)


def _email_channel(draw: Draw) -> tuple[str, str, Facts]:
    domain = COMPANY_DOMAIN if draw.rarely(0.03) else f"help.{COMPANY_DOMAIN}"
    address = f"desk{draw.number:04}@{domain}"
    facts = {"project_key": _desk_id(draw).partition("/")[2], "address": address, "domain": domain, "is_default": False}
    return address, address, draw.without(facts, "domain", 0.005)


def _email_filter(draw: Draw) -> tuple[str, str, Facts]:
    parts = ["no-reply", "noreply", "do-not-reply", "donotreply", "mailer-daemon", "postmaster", "support", "servicedesk"]
    return "", "e-mail filter", {"blocked_local_parts": parts[draw.rarely(0.05) :], "blocklist": [], "allowlist": []}


def _customer(draw: Draw) -> tuple[str, str, Facts]:
    domain = f"stranger-{draw.below(900)}.example" if draw.rarely(0.03) else draw.one_of(draw.tenant.domains[:1])
    name = f"Customer {draw.number}"
    facts = {
        "email": f"customer.{draw.number}@{domain}",
        "display_name": name,
        "active": not draw.rarely(0.03),
        "desks": sorted({_desk_id(draw) for _ in range(1 + draw.below(3))}),
    }
    return f"qm:{_uuid(draw.number)}", name, draw.without(facts, "email", 0.01)


def _organization(draw: Draw) -> tuple[str, str, Facts]:
    name = f"Organization {draw.number}"
    return f"{draw.number:05}", name, {"name": name, "desks": [_desk_id(draw)]}


def _request_type(draw: Draw) -> tuple[str, str, Facts]:
    name = f"Request {draw.number}"
    return f"{draw.number:05}", name, {"name": name, "restriction_status": "OPEN" if draw.rarely(0.5) else "RESTRICTED"}


def _signup_page(draw: Draw) -> tuple[str, str, Facts]:
    return "", "sign-up page", {"answers": draw.rarely(0.05)}


def _confluence_site(draw: Draw) -> tuple[str, str, Facts]:
    return "", "Confluence", {"role_mode": "ROLES" if draw.site % 2 else "PRE_ROLES"}


def _space(draw: Draw) -> tuple[str, str, Facts]:
    name = f"Space {draw.number}"
    facts = {
        "name": name,
        "space_id": str(65_536 + draw.number),
        "type": draw.one_of(("global", "collaboration", "personal", "knowledge_base")),
        "status": "archived" if draw.rarely(0.05) else "current",
        "anonymous_access": draw.rarely(0.02),
        "unlicensed_access": draw.rarely(0.03),
    }
    draw.without(facts, "anonymous_access", 0.005)
    return f"SPC{draw.number:05}", name, draw.without(facts, "unlicensed_access", 0.01)


def _anonymous_spaces(draw: Draw) -> tuple[str, str, Facts]:
    return "", "anonymous view", {"spaces": 2 if draw.rarely(0.03) else 0}


# ---------------------------------------------------------------------------------------------------------------- what there is


@dataclass(frozen=True, slots=True)
class Listing:
    """How many there are of a kind for each site of a large tenant (or, `fixed`, always), what each is, and who refuses them."""

    number: int
    make: Callable[[Draw], tuple[str, str, Facts]]
    source: Source = Source.API
    fixed: bool = False
    refused_by_every: int | None = None


def _one(make: Callable[[Draw], tuple[str, str, Facts]], source: Source = Source.API, every: int | None = None) -> Listing:
    return Listing(1, make, source, fixed=True, refused_by_every=every)


LISTS = {
    "attestation": Listing(1, _attestation, Source.ATTESTED),
    "confluence.anonymous_view": _one(_anonymous_spaces, Source.PROBE),
    "confluence.site": _one(_confluence_site),
    "confluence.space": Listing(300, _space, refused_by_every=10),
    "jira.anonymous_view": _one(_anonymous_view, Source.PROBE),
    "jira.application_role": Listing(3, _application_role, fixed=True),
    "jira.audit_record": Listing(100, _audit_record),
    "jira.dashboard": Listing(60, _shared, refused_by_every=10),
    "jira.filter": Listing(100, _shared),
    "jira.group": Listing(3, _administrators, fixed=True),
    "jira.permission_scheme": Listing(40, _permission_scheme),
    "jira.project": Listing(250, _project),
    "jira.project_role": Listing(750, _project_role),
    "jira.site": _one(_site),
    "jira.team_managed_access": _one(_team_managed_access, Source.ATTESTED, every=16),
    "jira.user": Listing(125, _account),
    "jsm.customer": Listing(300, _customer, Source.API_EXPERIMENTAL, refused_by_every=10),
    "jsm.customer_access": _one(_customer_access, Source.UNDOCUMENTED, every=24),
    "jsm.customer_permissions": Listing(25, _customer_permissions, Source.UNDOCUMENTED),
    "jsm.email_channel": Listing(30, _email_channel, Source.UNDOCUMENTED),
    "jsm.email_filter": _one(_email_filter, Source.ATTESTED, every=8),
    "jsm.organization": Listing(20, _organization),
    "jsm.request_type": Listing(100, _request_type),
    "jsm.service_desk": Listing(25, _service_desk),
    "jsm.signup_page": _one(_signup_page, Source.PROBE),
    "org": _one(_org),
    "org.access_domain": Listing(2, _access_domain, Source.API_EXPERIMENTAL),
    "org.api_key": Listing(1, _api_key),
    "org.api_token": Listing(78, _api_token),
    "org.authentication_policy": Listing(3, _authentication_policy, Source.ATTESTED, fixed=True),
    "org.directory": Listing(2, _directory, fixed=True),
    "org.domain": Listing(2, _domain),
    "org.event": Listing(100, _event),
    "org.event_action": Listing(120, _event_action, fixed=True),
    "org.external_user_policy": _one(_external_user_policy, Source.ATTESTED),
    "org.group": Listing(311, _group),
    "org.policy": Listing(40, _policy, fixed=True),
    "org.service_account": Listing(4, _service_account),
    "org.token_policy": _one(_token_policy, Source.ATTESTED),
    "org.user": Listing(0, _user),
    "org.user_invites": Listing(3, _user_invites, Source.ATTESTED, fixed=True),
    "org.user_role_assignments": Listing(0, _user_role_assignments, Source.INFERRED),
    "org.workspace": Listing(4, _workspace),
}
