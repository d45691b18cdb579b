"""Find who is inside and, by the organization's own rules, should not be. Pure, but for a file of its own that sorts what it finds.

People are read one by one. What is found of them is sorted in a temporary database, so that memory does not grow with their number.
A fact that is not known makes a sign untold, never absent: what is false decides, then what is unknown (Kleene), as in policies.
"""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any

import msgspec

from scanner.conditions import Truth, parse_time
from scanner.domains import domain_of, normal_domain
from scanner.doors import DOORS
from scanner.model import Gap, Gate, Resource, Snapshot
from scanner.people import SIGNS, Person, Shown, Strangers
from scanner.stretches import could_not, subjects

KINDS_READ = (USER, DOMAIN, GROUP, ROLES, TOKEN, CUSTOMER) = (
    "org.user",
    "org.domain",
    "org.group",
    "org.user_role_assignments",
    "org.api_token",
    "jsm.customer",
)
LEFT = frozenset({"suspended", "deactivated", "for_deletion"})
_GUEST, _USER = "atlassian/guest", "atlassian/user"


@dataclass(frozen=True, slots=True)
class Terms:
    """The organization's own rules: its domains, those of its partners, and the addresses kept outside the identity provider."""

    company_domains: frozenset[str] = frozenset()
    trusted_domains: frozenset[str] = frozenset()
    break_glass_accounts: frozenset[str] = frozenset()


@contextmanager
def found(
    tool: str, snapshot: Snapshot, terms: Terms, since: date | None = None, *, allow_unknown: bool = False
) -> Iterator[Strangers]:
    """Look at everybody in a snapshot, or at those who came since a day, and yield what was found; it can be read until the end."""
    surroundings = _surroundings(snapshot, terms)
    with closing(_Spool()) as spool:
        tally = _Tally()
        for person, is_counted in _people(snapshot, surroundings, since):
            tally.looked_at += is_counted
            if person.signs or person.untold:
                tally.count(person)
                spool.add(person)
        yield Strangers(
            tool=tool,
            snapshot=snapshot.header,
            since=since,
            looked_at=tally.looked_at,
            strangers=tally.strangers,
            uncertain=tally.uncertain,
            signs={id_: tally.signs[id_] for id_ in SIGNS},
            untold={id_: tally.untold[id_] for id_ in SIGNS},
            doors={id_: tally.doors[id_] for id_ in DOORS if tally.doors[id_]},
            limits=tuple(surroundings.sight.limits()),
            gate=_gate(tally, since, is_whole=surroundings.sight.is_whole(USER), allow_unknown=allow_unknown),
            at=spool.at,
            everybody=spool.everybody,
        )


# ---------------------------------------------------------------------------------------------------------- what is around them


@dataclass(slots=True)
class _Sight:
    """What of some kinds could not be read: which resources, or some that nobody can name, and how often."""

    missing: dict[str, set[str]]
    cut_short: dict[str, list[str]] = field(default_factory=dict)

    def lose(self, gap: Gap) -> None:
        """Note a gap. What was asked about one person or group is missing of that one."""
        parent_kind, _, parent_id = (gap.parent or "").partition("/")
        if id_ := gap.id or (parent_id if parent_kind in (USER, GROUP) else None):
            self.missing[gap.kind].add(id_)
        else:
            self.lose_some(gap.kind, could_not(gap))

    def lose_some(self, kind: str, why: str) -> None:
        """Note that some are missing that nobody can name."""
        self.cut_short.setdefault(kind, []).append(why)

    def misses(self, kind: str, id_: str) -> bool:
        """Tell whether something of a resource could not be read."""
        return id_ in self.missing[kind]

    def is_whole(self, kind: str) -> bool:
        """Tell whether all resources of a kind are known by their ids."""
        return kind not in self.cut_short

    def is_gone(self, kind: str, id_: str) -> Truth:
        """Return what is known of a resource that was not read: that there is none, if all of its kind were read."""
        return True if self.is_whole(kind) and not self.misses(kind, id_) else None

    def limits(self) -> Iterator[str]:
        """Say kind by kind what could not be read."""
        for first, *others in self.cut_short.values():
            yield f"{first}, and {len(others):,} more like it" if others else first


@dataclass(slots=True)
class _Roles:
    """Where somebody is a guest, and where a user: resources by what gives the role, a group or the account's own name."""

    guest: dict[str, frozenset[str]] = field(default_factory=dict)
    user: dict[str, frozenset[str]] = field(default_factory=dict)
    # What gives roles that were not told whole.
    unclear: set[str] = field(default_factory=set)
    # Many groups give the same; each set is kept once.
    _sets: dict[frozenset[str], frozenset[str]] = field(default_factory=dict)

    def take(self, id_: str, given: list[tuple[Any, Any]]) -> None:
        """Note the roles that a group or a name gives, as pairs of resource and role; what of a pair is None was not told."""
        if any(role is None or (resource is None and role in (_GUEST, _USER)) for resource, role in given):
            self.unclear.add(id_)
        for known, role in ((self.guest, _GUEST), (self.user, _USER)):
            at = known.get(id_, frozenset()).union(resource for resource, each in given if each == role and resource is not None)
            if at:
                known[id_] = self._sets.setdefault(at, at)


@dataclass(slots=True)
class _Surroundings:
    """What has to be known of everything else to look at a person."""

    terms: Terms
    sight: _Sight
    as_of: datetime
    own_domains: set[str] = field(default_factory=set)
    by_group: _Roles = field(default_factory=_Roles)
    by_name: _Roles = field(default_factory=_Roles)
    # Accounts, and whether they hold a live token, or are customers of a desk; who is not is not among them.
    holders: dict[str, Truth] = field(default_factory=dict)
    customers: dict[str, Truth] = field(default_factory=dict)

    def tell(self, kind: str, roles: _Roles, id_: str) -> bool:
        """Tell whether all roles are known that a group or a name gives; what is not noted, though all was read, gives none."""
        is_noted = id_ in roles.guest or id_ in roles.user
        return id_ not in roles.unclear and not self.sight.misses(kind, id_) and (is_noted or self.sight.is_whole(kind))


def _surroundings(snapshot: Snapshot, terms: Terms) -> _Surroundings:
    sight = _Sight({kind: set() for kind in KINDS_READ})
    around = _Surroundings(terms, sight, snapshot.header.taken_at, own_domains=set(terms.company_domains))
    collected = {each.kind for each in snapshot.header.coverage}
    for kind in KINDS_READ:
        if kind not in collected:
            sight.lose_some(kind, f"the snapshot does not cover {kind}")
    for gap in snapshot.gaps():
        if gap.kind in KINDS_READ:
            sight.lose(gap)
    take = {DOMAIN: _take_domain, GROUP: _take_group, ROLES: _take_roles, TOKEN: _take_token, CUSTOMER: _take_customer}
    for kind, function in take.items():
        for subject in subjects(kind, snapshot.of(kind), lambda _kind, _id, facts: facts):
            if subject.gap is None:
                sight.missing[kind].discard(subject.id)
                function(around, subject.id, [variant.facts for variant in subject.variants])
    # These are told of by another id than that of the person.
    if sight.missing[TOKEN]:
        sight.lose_some(TOKEN, f"{len(sight.missing[TOKEN]):,} API tokens could not be read")
    sight.missing[CUSTOMER] = {id_.partition("/")[2] for id_ in sight.missing[CUSTOMER]}
    return around


def _take_domain(around: _Surroundings, id_: str, variants: list[dict[str, Any]]) -> None:
    """Note a verified domain. Where suppliers disagree it is not trusted."""
    domain = normal_domain(id_)
    claims = {facts.get("claim_status") for facts in variants}
    if domain and claims == {"verified"}:
        around.own_domains.add(domain)
    elif domain and None in claims:
        around.sight.missing[DOMAIN].add(domain)


def _take_group(around: _Surroundings, id_: str, variants: list[dict[str, Any]]) -> None:
    """Note what a group makes its people."""
    for facts in variants:
        assignments = facts.get("role_assignments")
        if not isinstance(assignments, list):
            around.by_group.unclear.add(id_)
            continue
        around.by_group.take(id_, [(each.get("resource_id"), role) for each in assignments for role in _roles(each)])


def _roles(assignment: dict[str, Any]) -> list[str | None]:
    roles = assignment.get("roles")
    return roles if isinstance(roles, list) else [None]


def _take_roles(around: _Surroundings, id_: str, variants: list[dict[str, Any]]) -> None:
    """Note what a person is by name. Of those whose groups explain all that they can use nobody asks for more."""
    for facts in variants:
        assignments = facts.get("assignments")
        if isinstance(assignments, list):
            around.by_name.take(id_, [(each.get("resource_id"), each.get("role")) for each in assignments])
        elif facts.get("explained_by_groups") is not True:
            around.by_name.unclear.add(id_)


def _take_token(around: _Surroundings, id_: str, variants: list[dict[str, Any]]) -> None:
    """Note whose token works: it is allowed, and does not end or has not ended."""
    for facts in variants:
        status, holder = facts.get("status"), facts.get("user_id")
        if isinstance(holder, str):
            _note(around.holders, holder, _all(None if status is None else status == "ALLOWED", _lasts(facts, around.as_of)))
        elif status != "BLOCKED":
            around.sight.lose_some(TOKEN, f"the API token {id_} names no account")


def _lasts(facts: dict[str, Any], as_of: datetime) -> Truth:
    if "expires_at" in facts and facts["expires_at"] is None:
        return True
    end = parse_time(facts.get("expires_at"))
    return None if end is None else end > as_of


def _take_customer(around: _Surroundings, id_: str, variants: list[dict[str, Any]]) -> None:
    """Note a customer of a desk by the account, whatever the site."""
    for facts in variants:
        active = facts.get("active")
        _note(around.customers, id_.partition("/")[2], active if isinstance(active, bool) else None)


def _note(known: dict[str, Truth], id_: str, truth: Truth) -> None:
    """Note what is true, and of whom that is not known; the one wins over the other."""
    if truth or (truth is None and not known.get(id_)):
        known[id_] = truth


# -------------------------------------------------------------------------------------------------------------------- people


def _people(snapshot: Snapshot, around: _Surroundings, since: date | None) -> Iterator[tuple[Person, bool]]:
    """Yield all people who came since a day, or of whom that is not known, and whether each was read; who was not, comes last."""
    unread = set(around.sight.missing.get(USER, ()))
    for record in snapshot.of(USER):
        if isinstance(record, Resource):
            unread.discard(record.id)
            if record.facts.get("account_type") != "app" and _is_in_time(record.facts, since):
                yield _person(record, around), True
    for id_ in sorted(unread):
        untold = tuple(Shown(sign=sign, because="the account could not be read") for sign in SIGNS)
        yield Person(id=id_, name=id_, untold=untold), False


def _is_in_time(facts: dict[str, Any], since: date | None) -> bool:
    added = parse_time(facts.get("added_to_org"))
    return since is None or added is None or added.astimezone(UTC).date() >= since


def _person(resource: Resource, around: _Surroundings) -> Person:
    """Look at one person: which signs the account shows, and of which that cannot be told."""
    facts, look = resource.facts, _Look(resource, around)
    answers = {sign: look.answers(*parts) for sign, parts in _PARTS.items()}
    truths = {sign: _all(*parts.values()) for sign, parts in answers.items()}
    apps = facts.get("product_access")
    return Person(
        id=resource.id,
        name=resource.name,
        email=facts.get("email"),
        status=facts.get("status"),
        claim_status=facts.get("claim_status"),
        management_source=facts.get("management_source"),
        added_to_org=parse_time(facts.get("added_to_org")),
        apps=None if apps is None else tuple(dict.fromkeys(each["key"] for each in apps if "key" in each)),
        signs=tuple(Shown(sign=sign, because=look.because(sign)) for sign in SIGNS if truths[sign]),
        untold=tuple(Shown(sign=sign, because=_lack(answers[sign])) for sign in SIGNS if truths[sign] is None),
    )


# A sign is shown if all of this is true.
_PARTS = {
    "invited": ("is_inside", "is_managed", "is_invited", "is_not_kept"),
    "guest": ("uses_apps", "is_guest"),
    "outside-domain": ("is_inside", "is_outside"),
    "customer-with-licence": ("uses_apps", "is_outside", "is_customer"),
    "unmanaged": ("uses_apps", "is_unmanaged", "is_outside"),
    "unsynced": ("is_inside", "is_unmanaged", "is_no_partner"),
    "leaver-with-token": ("has_left", "holds_token"),
}
_QUESTIONS = {
    "is_inside": "whether it is active and can use or administer anything",
    "uses_apps": "whether it is active and can use an app",
    "is_managed": "whether the organization manages it",
    "is_unmanaged": "whether the organization manages it",
    "is_invited": "whether it was invited or synced",
    "is_not_kept": "its address",
    "is_outside": "whether its domain is trusted",
    "is_no_partner": "whether its domain is a partner's",
    "is_guest": "whether it is a guest",
    "is_customer": "whether a service desk lists it",
    "has_left": "whether it is active",
    "holds_token": "whether a token of it works",
}


def _lack(parts: dict[str, Truth]) -> str:
    return f"not known: {', '.join(_QUESTIONS[part] for part, truth in parts.items() if truth is None)}"


@dataclass
class _Look:
    """A look at one person: each question is answered true, false, or None where that is not known."""

    resource: Resource
    around: _Surroundings

    def answers(self, *questions: str) -> dict[str, Truth]:
        """Return the answers to some questions, as far as the first that is false: it decides."""
        answers: dict[str, Truth] = {}
        for question in questions:
            answers[question] = getattr(self, question)
            if answers[question] is False:
                break
        return answers

    @cached_property
    def is_inside(self) -> Truth:
        return _all(self._is_active, _any(self._has_apps, _told(self._fact("platform_roles"), bool)))

    @cached_property
    def uses_apps(self) -> Truth:
        return _all(self._is_active, self._has_apps)

    @cached_property
    def is_managed(self) -> Truth:
        return _told(self._fact("claim_status"), lambda claim: claim == "managed")

    @cached_property
    def is_unmanaged(self) -> Truth:
        return _told(self.is_managed, lambda is_managed: not is_managed)

    @cached_property
    def is_invited(self) -> Truth:
        return _told(self._fact("management_source"), lambda source: source != "synced")

    @cached_property
    def is_not_kept(self) -> Truth:
        return _told(self._fact("email"), lambda email: email not in self.around.terms.break_glass_accounts)

    @cached_property
    def is_outside(self) -> Truth:
        if self._domain is None:
            return None
        is_trusted = self._domain in self.around.own_domains or self._domain in self.around.terms.trusted_domains
        return False if is_trusted else self.around.sight.is_gone(DOMAIN, self._domain)

    @cached_property
    def is_no_partner(self) -> Truth:
        trusted = self.around.terms.trusted_domains - self.around.terms.company_domains
        return _told(self._domain, lambda domain: domain not in trusted or domain in self.around.own_domains)

    @cached_property
    def is_guest(self) -> Truth:
        """Tell whether there is something in which one role is a guest's and none a user's, whatever gives them."""
        return bool(self._only_guest_at) if self._are_roles_told else None

    @cached_property
    def is_customer(self) -> Truth:
        return self._noted(self.around.customers, CUSTOMER)

    @cached_property
    def has_left(self) -> Truth:
        return _told(self._fact("status"), lambda status: status in LEFT)

    @cached_property
    def holds_token(self) -> Truth:
        return self._noted(self.around.holders, TOKEN)

    def because(self, sign: str) -> str:
        """Say which facts make a sign."""
        match sign:
            case "invited":
                return f"management_source is {self._fact('management_source')}"
            case "guest":
                by_group = any(at & self._only_guest_at for at in self._by_group(self.around.by_group.guest))
                return "a group gives the role of a guest" if by_group else "the account has the role of a guest"
            case "outside-domain":
                return f"{self._domain} is not trusted"
            case "customer-with-licence":
                return f"a service desk lists it, and {self._domain} is not trusted"
            case "unmanaged":
                return f"claim_status is unmanaged, and {self._domain} is not trusted"
            case "unsynced":
                return "claim_status is unmanaged"
            case _:
                return f"status is {self._fact('status')}, and a token of it works"

    @cached_property
    def _is_active(self) -> Truth:
        return _told(self._fact("status"), lambda status: status == "active")

    @cached_property
    def _has_apps(self) -> Truth:
        return _told(self._fact("product_access"), bool)

    @cached_property
    def _domain(self) -> str | None:
        email = self._fact("email")
        return domain_of(email) if isinstance(email, str) else None

    @cached_property
    def _only_guest_at(self) -> frozenset[str]:
        guest = self._at(self.around.by_name.guest, self.around.by_group.guest)
        return guest - self._at(self.around.by_name.user, self.around.by_group.user) if guest else guest

    def _at(self, by_name: Mapping[str, frozenset[str]], by_group: Mapping[str, frozenset[str]]) -> frozenset[str]:
        return by_name.get(self.resource.id, frozenset()).union(*self._by_group(by_group))

    def _by_group(self, known: Mapping[str, frozenset[str]]) -> list[frozenset[str]]:
        return [known[each] for each in self._fact("groups") or () if each in known]

    @property
    def _are_roles_told(self) -> bool:
        """Tell whether all is known that gives roles: what is not may make a guest, or a user of who is taken for a guest."""
        groups, around = self._fact("groups"), self.around
        by_group = groups is not None and all(around.tell(GROUP, around.by_group, each) for each in groups)
        return by_group and around.tell(ROLES, around.by_name, self.resource.id)

    def _noted(self, known: dict[str, Truth], kind: str) -> Truth:
        """Return what was noted of the account; of whom nothing was noted it is false, if all was read that could tell."""
        id_ = self.resource.id
        if id_ in known:
            return known[id_]
        return False if self.around.sight.is_gone(kind, id_) else None

    def _fact(self, name: str) -> Any:  # noqa: ANN401  JSON border
        """Return a fact; None where it was not answered, or Atlassian could not tell."""
        return self.resource.facts.get(name)


def _told(value: Any, test: Callable[[Any], bool]) -> Truth:  # noqa: ANN401
    return None if value is None else test(value)


def _all(*truths: Truth) -> Truth:
    return False if False in truths else None if None in truths else True


def _any(*truths: Truth) -> Truth:
    return True if True in truths else None if None in truths else False


# ------------------------------------------------------------------------------------------------------- counting and sorting


@dataclass(slots=True)
class _Tally:
    """Counts people as they pass by."""

    looked_at: int = 0
    strangers: int = 0
    uncertain: int = 0
    signs: Counter[str] = field(default_factory=Counter)
    untold: Counter[str] = field(default_factory=Counter)
    doors: Counter[str] = field(default_factory=Counter)

    def count(self, person: Person) -> None:
        """Count somebody who shows a sign, or of whom that cannot be told."""
        self.strangers += bool(person.signs)
        self.uncertain += not person.signs
        self.signs.update(each.sign for each in person.signs)
        self.untold.update(each.sign for each in person.untold)
        self.doors.update(person.doors)


class _Spool:
    """People in the order in which they came, kept in a database that SQLite puts into a temporary file when it grows.

    An empty name stands for such a database (https://www.sqlite.org/inmemorydb.html, "Temporary Databases").
    """

    def __init__(self) -> None:
        self._database = sqlite3.connect("")
        self._database.execute("CREATE TABLE person (number INTEGER PRIMARY KEY, added TEXT, id TEXT, content BLOB)")
        self._database.execute("CREATE TABLE door (id TEXT, person INTEGER, PRIMARY KEY (id, person)) WITHOUT ROWID")
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(Person).decode

    def add(self, person: Person) -> None:
        """Keep somebody; whose day is not known comes last."""
        added = person.added_to_org.astimezone(UTC).isoformat() if person.added_to_org else "unknown"
        row = (added, person.id, self._encode(person))
        number = self._database.execute("INSERT INTO person (added, id, content) VALUES (?, ?, ?)", row).lastrowid
        self._database.executemany("INSERT INTO door VALUES (?, ?)", [(door, number) for door in person.doors or (_NO_DOOR,)])

    def at(self, door: str | None, most: int) -> Iterator[Person]:
        """Yield the oldest people at a door, or of those who show no sign."""
        by_door = "SELECT content FROM door JOIN person ON number = person WHERE door.id = ? ORDER BY added, person.id LIMIT ?"
        return self._people(by_door, (door or _NO_DOOR, most))

    def everybody(self) -> Iterator[Person]:
        """Yield all, the oldest first."""
        return self._people("SELECT content FROM person ORDER BY added, id", ())

    def close(self) -> None:
        """Throw all away."""
        self._database.close()

    def _people(self, query: str, values: tuple[str | int, ...]) -> Iterator[Person]:
        return (self._decode(content) for (content,) in self._database.execute(query, values))


_NO_DOOR = ""


def _gate(tally: _Tally, since: date | None, *, is_whole: bool, allow_unknown: bool) -> Gate:
    """Return what was found means for a pipeline: without a day to count from it is a list, and no gate."""
    code, because = 0, _list_because(tally, since, is_whole=is_whole)
    if since is not None and tally.strangers:
        code = 1
    elif not is_whole or (since is not None and tally.uncertain):
        code = 0 if allow_unknown else 3
    return Gate(fail_on=None, allow_unknown=allow_unknown, exit_code=code, because=because)


def _list_because(tally: _Tally, since: date | None, *, is_whole: bool) -> str:
    came = f" came since {since}" if since else ""
    number = f"{tally.strangers:,} {'stranger' if tally.strangers == 1 else 'strangers'}{came}"
    uncertain = f"; of {tally.uncertain:,} more it could not be told" if tally.uncertain else ""
    unread = "" if is_whole else "; not all people could be read"
    return f"{number}{uncertain}{unread}{'' if since else '; without --since this is no gate'}"
