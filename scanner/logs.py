"""What audit logs tell: their events, and by which words one knows what was done. Pure.

What an event of the organization did is told by the tenant's own catalogue (`org.event_action`): its words are matched, never the
ids of actions. What a record of Jira did is told by its category, by the type of what it names, and by the values that changed; its
summary is in the language of the site, and is not matched.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from functools import cache
from typing import Any

from scanner.model import Gap, Header, Resource, Snapshot

ORG_LOG, CATALOGUE, JIRA_LOG = "org.event", "org.event_action", "jira.audit_record"
_TIMES = {ORG_LOG: "time", JIRA_LOG: "created"}
# https://support.atlassian.com/security-and-access-policies/docs/track-organization-activities-from-the-audit-log/
# For how long Jira keeps its own log is not documented.
_KEPT = {ORG_LOG: timedelta(days=180)}
MOST_WORDS = 200


class Way(Enum):
    """Which way something went: there is more than before, there is less, or it is another."""

    MORE = "more"
    LESS = "less"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Deed:
    """What was done: in words of a catalogue, or in a category of Jira's; and which way that went."""

    log: str
    words: tuple[str, ...]
    ways: frozenset[Way]


def way(before: object, after: object) -> Way:
    """Return which way a value went: a list that only grew, a number that rose, and what was not there before, are more."""
    match before, after:
        case (list(), list()):
            lost, won = [each for each in before if each not in after], [each for each in after if each not in before]
            return Way.OTHER if lost and won else Way.MORE if won else Way.LESS
        case (int() | float(), int() | float()):
            return Way.MORE if after > before else Way.LESS
    return Way.OTHER if bool(before) is bool(after) else Way.MORE if after else Way.LESS


_VERBS = {
    Way.MORE: (
        r"add(ed|s|ing)?\b|allow|approv|assign|activat|creat|enabl|generat|grant|invit|join|provision|reactivat|restor|shar|verif"
    ),
    Way.LESS: r"archiv|block|cancel|deactivat|delet|den[iy]|disabl|expir|leav|left|remov|revok|suspend|unassign|unshar",
    Way.OTHER: r"chang|claim|edit|enforc|modif|mov|renam|replac|set\b|sync|transfer|turn|updat",
}
_DOES = {way: re.compile(rf"\b({verbs})", re.IGNORECASE) for way, verbs in _VERBS.items()}

_PERSON = r"\b(user|account|member|person|people)s?\b"
_COMES_OR_GOES = rf"^(?!.*\bgroup)(?=.*({_PERSON}|\binvit|\bjoin)).*\b(add|creat|delet|invit|join|provision|remov|sync)"
_MAY_USE = r"\b(access|admin|app|group|invit|licen[cs]e|product|role)"

# Kind -> fact -> words by which a catalogue calls what changes it. "" stands for all other facts, and for what comes and goes.
WORDS: Mapping[str, Mapping[str, str]] = {
    "org": {"org_admin_count": r"\badmin", "": r"\borgani[sz]ation\b.*\b(name|detail|profile)|renam\w* organi[sz]ation"},
    "org.directory": {"": r"\bdirector(y|ies)\b"},
    "org.workspace": {"": r"\b(app|plan|product|site|subscription|workspace)s?\b"},
    "org.domain": {"": r"(?<!approved )\bdomains?\b(?! access)"},
    "org.access_domain": {"": r"approved domain|domain access|self.?sign.?up|site access"},
    "org.user_invites": {"": r"user invites|invitation link|invit\w* (setting|polic)"},
    "org.user": {
        "": _COMES_OR_GOES,
        "@name": r"\b(detail|name|profile)",
        "account_status": r"activat|clos|delet",
        "claim_status": r"\b(claim|domain|manag)",
        "email": r"e-?mail",
        "email_verified": r"verif",
        "groups": r"\bgroups?\b",
        "management_source": r"\b(claim|manag|provision|sync)",
        "mfa_enabled": r"two.?step|two.?factor|\b(2sv|2fa|mfa)\b",
        "name": r"\b(detail|name|profile)",
        "platform_roles": r"\b(admin|role)",
        "product_access": _MAY_USE,
        "status": rf"activat|restor|suspend|{_COMES_OR_GOES}",
        "membership_status": rf"restor|suspend|{_COMES_OR_GOES}",
    },
    "org.user_role_assignments": {"": _MAY_USE},
    "org.group": {"": r"\bgroups?\b"},
    "org.policy": {"": r"(?<!authentication )\bpolic|allow.?list"},
    "org.authentication_policy": {"": r"authentication polic|single sign|\bsso\b|two.?step|session"},
    "org.external_user_policy": {"": r"external user"},
    "org.token_policy": {"": r"authentication polic|token\w* (setting|polic|expir)"},
    "org.api_token": {"": r"\btokens?\b"},
    "org.api_key": {"": r"\bapi keys?\b"},
    "org.service_account": {"": r"service account"},
    "jira.project": {"": r"\bprojects?\b(?! role)"},
    "jira.project_role": {"": r"project role"},
    "jira.application_role": {"": r"\b(app|product) access|default group|licen[cs]e"},
    "jira.permission_scheme": {"": r"permission scheme"},
    "jira.filter": {"": r"\bfilters?\b"},
    "jira.dashboard": {"": r"\bdashboards?\b"},
    "jira.group": {"": r"\bgroups?\b"},
    "jira.user": {"": _COMES_OR_GOES, "active": r"activat|restor|suspend", "email": r"e-?mail", "@name": r"\b(name|profile)"},
    "jira.team_managed_access": {"": r"team.managed"},
    "jsm.service_desk": {"": r"service (desk|project|space)"},
    "jsm.customer_permissions": {"": r"customer permission|raise requests|public sign.?up"},
    "jsm.customer_access": {"": r"customer (access|account)|portal.only|public sign.?up"},
    "jsm.email_channel": {"": r"e-?mail (channel|address|request)"},
    "jsm.email_filter": {"": r"block.?list"},
    "jsm.customer": {"": r"\bcustomers?\b(?! organi[sz]ation)|portal.only"},
    "jsm.organization": {"": r"customer organi[sz]ation"},
    "jsm.request_type": {"": r"request type"},
    "confluence.site": {"": r"\bspace roles?\b"},
    "confluence.space": {"": r"\bspaces?\b(?! role)"},
}


def speaks(deed: Deed, kind: str, fact: str) -> bool:
    """Tell whether what was done is done to a fact of a kind, by the words of the catalogue."""
    words = WORDS.get(kind)
    return words is not None and any(_compiled(words.get(fact, words[""])).search(each) for each in deed.words)


@cache
def _compiled(words: str) -> re.Pattern[str]:
    return re.compile(words, re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class InJira:
    """How Jira's own log tells of a kind: what it calls such a thing, and the categories of what is done to it, by fact."""

    type: str
    categories: Mapping[str, frozenset[str]]

    def of(self, fact: str) -> frozenset[str]:
        """Return the categories of what changes a fact; none if the log is not known to tell of that."""
        return self.categories.get(fact, self.categories.get("", frozenset()))


# Seen in Jira's specification, and in the functional tests of Jira itself. (Of project roles only the project is certain.)
_PERMISSIONS, _PROJECTS = frozenset({"permissions"}), frozenset({"projects"})
_OF_GROUPS = frozenset({"group management"})
IN_JIRA = {
    "jira.project": InJira("PROJECT", {"": _PROJECTS, "permission_scheme": _PERMISSIONS}),
    "jira.project_role": InJira("PROJECT", {"": _PROJECTS}),
    "jsm.service_desk": InJira("PROJECT", {"": _PROJECTS}),
    "jsm.customer_permissions": InJira("PROJECT", {"@name": _PROJECTS}),
    "jira.permission_scheme": InJira("SCHEME", {"": _PERMISSIONS}),
    "jira.group": InJira("GROUP", {"": _PERMISSIONS | _OF_GROUPS, "members": _OF_GROUPS}),
    "jira.user": InJira("USER", {"": frozenset({"user management"})}),
}
# Schemes of several kinds have the same type, and the same numbers: the category tells which is meant.
_TOLD_BY_CATEGORY = frozenset({"SCHEME"})
# The place of all global permissions, which is no object of its own.
_GLOBAL = "PERMISSIONS"
# Where something was done, and not to what.
_PLACES = re.compile("^(org|site|workspace)", re.IGNORECASE)
# Whatever has a name that nothing else has, and is told of by that.
_NAMED = re.compile("domain|polic", re.IGNORECASE)


# ---------------------------------------------------------------------------------------------------------- what happened


@dataclass(frozen=True, slots=True)
class Named:
    """A thing that an event names: by which keys, of what type."""

    keys: frozenset[str]
    type: str


@dataclass(frozen=True, slots=True)
class Event:
    """An event of a log; `values` are what Jira says that something was, and what it became."""

    address: str
    time: datetime
    action: str
    deed: Deed
    things: tuple[Named, ...]
    sites: frozenset[str]
    actor: str | None = None
    author: str | None = None
    values: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What the tenant says of the kinds of event that there are in the organization's log; `kinds` are those they are about."""

    deeds: Mapping[str, Deed]
    kinds: frozenset[str]
    gap: Gap | None

    @classmethod
    def of(cls, snapshot: Snapshot) -> "Catalogue":
        """Read it in a snapshot."""
        deeds, gap = {}, None
        for record in snapshot.of(CATALOGUE):
            match record:
                case Gap():
                    gap = record
                case Resource(id=id_, facts=facts):
                    deeds[id_] = _deed(_text(facts.get("display_name")), _text(facts.get("group_display_name")))
        done = frozenset(deeds.values())
        about = (kind for kind, facts in WORDS.items() if any(speaks(deed, kind, fact) for fact in facts for deed in done))
        return cls(deeds, frozenset(about), gap)

    def lack(self, noun: str) -> str:
        """Say why it does not tell of a kind."""
        if self.gap:
            return f"the kinds of event in the organization's audit log could not be read: {self.gap.detail}"
        if not self.deeds:
            return "the kinds of event in the organization's audit log were not collected (--logs does it)"
        return f"no kind of event in the organization's audit log is about this: {noun}"

    def event(self, record: Resource, time: datetime) -> Event:
        """Return what an event of the organization says."""
        facts, action = record.facts, _text(record.facts.get("action"))
        deed = self.deeds.get(action, Deed(ORG_LOG, (), frozenset()))
        context, actor = _objects(facts.get("context")), facts.get("actor")
        places = [each for each in context if _PLACES.match(_text(each.get("type")))]
        sites = frozenset(_text(each.get("name")).casefold() for each in (*places, *_objects(facts.get("container"))))
        things = tuple(_thing(each, sites) for each in context if each not in places)
        who = actor if isinstance(actor, dict) else {}
        contact = _text(who.get("email")) or _text(who.get("id"))
        return Event(
            address=record.address,
            time=time,
            action=deed.words[0] if deed.words else action,
            deed=deed,
            things=things,
            sites=sites,
            actor=called(_text(who.get("name")), contact),
        )


def _deed(words: str, group: str) -> Deed:
    words, group = words[:MOST_WORDS], group[:MOST_WORDS]  # whoever names an action does not decide how long it is looked at
    ways = frozenset(way for way, verb in _DOES.items() if verb.search(words))
    return Deed(ORG_LOG, tuple(filter(None, (words, group and f"{group}: {words}"))), ways)


def _thing(said: Mapping[str, Any], sites: frozenset[str]) -> Named:
    """Return a thing that an event of the organization names: some ids come as ARIs, and some things are on a site."""
    type_, id_ = _text(said.get("type")), _text(said.get("id")).casefold()
    tail, sort = id_.rpartition("/")[2], re.sub("[^a-z]|s$", "", type_.casefold())
    keys = {id_, tail, *(f"{site}/{sort}/{tail}" for site in sites)}
    keys |= {_text(said.get("name")).casefold()} if _NAMED.search(type_) else set()
    return Named(frozenset(keys - {""}), type_)


def record_of_jira(record: Resource, time: datetime) -> Event:
    """Return what a record of Jira's log says."""
    facts, site = record.facts, record.id.partition("/")[0]
    category = _text(facts.get("category")).casefold()
    object_ = facts.get("object")
    said = [each for each in (object_, *_objects(facts.get("associated"))) if isinstance(each, dict)]
    values = frozenset((_text(each.get("before")), _text(each.get("after"))) for each in _objects(facts.get("changed_values")))
    things = [_thing_of_jira(each, site, category) for each in said if _text(each.get("type")) != _GLOBAL]
    if any(_text(each.get("type")) == _GLOBAL for each in said):
        things += [_thing_of_jira({"type": "GROUP", "name": value}, site, category) for pair in values for value in pair if value]
    author = _text(facts.get("author"))
    return Event(
        address=record.address,
        time=time,
        action=_text(facts.get("summary")) or category,
        deed=Deed(JIRA_LOG, (category,), frozenset(way(*pair) for pair in values if any(pair))),
        things=tuple(thing for thing in things if thing.keys),
        sites=frozenset({site.casefold()}),
        author=f"{site}/{author}" if author else None,
        values=values,
    )


def _thing_of_jira(said: Mapping[str, Any], site: str, category: str) -> Named:
    type_, id_, name = (_text(said.get(part)) for part in ("type", "id", "name"))
    # A name counts where there is no id, or where the log uses the name as one, as it does for groups.
    keys = {jira_key(site, type_, category, id_)} if id_ else set()
    keys |= {jira_key(site, type_, category, f"={name}")} if name and id_ in ("", name) else set()
    return Named(frozenset(keys), type_)


def jira_key(site: str, type_: str, category: str, id_: str) -> str:
    """Return the key by which a record of Jira's log names a thing; a name has a `=` before it."""
    sort = f"{type_}:{category}" if type_ in _TOLD_BY_CATEGORY else type_
    return f"{site}/{sort}/{id_}".casefold()


def called(name: str | None, contact: str) -> str | None:
    """Return how a person is called, of whom a name is known, or an address or account."""
    return f"{name} ({contact})" if name and contact else name or contact or None


# ------------------------------------------------------------------------------------------------------------------- the logs


class Log:
    """A log in the later of two snapshots; how much of it there is, one knows when it was read."""

    def __init__(self, kind: str, read: Callable[[Resource, datetime], Event], old: Header, new: Snapshot) -> None:
        self._kind, self._read, self._old, self._new = kind, read, old, new
        self._is_there = any(each.kind == kind for each in new.header.coverage)
        self._gaps: list[Gap] = []
        # By site; None stands for the organization.
        self._earliest: dict[str | None, datetime] = {}
        self._undated: set[str | None] = set()

    def __iter__(self) -> Iterator[Event]:
        """Stream what happened after the earlier snapshot, and not after the later one."""
        for record in self._new.of(self._kind):
            self._is_there = True
            if isinstance(record, Gap):
                self._gaps.append(record)
                continue
            site = _site(self._kind, record.id)
            time = _moment(record.facts.get(_TIMES[self._kind]))
            if time is None:
                self._undated.add(site)
                continue
            self._earliest[site] = min(time, self._earliest.get(site, time))
            if self._old.taken_at < time <= self._new.header.taken_at:
                yield self._read(record, time)

    def blind(self, site: str | None) -> str | None:
        """Say why it cannot be said that nothing happened; None if it can."""
        name = f"the audit log of Jira on {site}" if site else "the organization's audit log"
        if self._new.header.taken_at <= self._old.taken_at:
            return "the second snapshot is not later than the first"
        if site and site not in self._new.header.target.sites:
            return f"the site {site} was not scanned"
        for gap in self._gaps:
            if _site(self._kind, (gap.parent or "").partition("/")[2]) == site or gap.parent is None:
                what = f"an event of {name}" if gap.id else name
                return f"{what} could not be read: {gap.detail}"
        if not self._is_there:
            return f"{name} was not collected (--logs does it)"
        if site in self._undated:
            return f"an event of {name} does not say when it was"
        return self._short(site, name)

    def _short(self, site: str | None, name: str) -> str | None:
        """Say that it does not reach back to the earlier snapshot, or that nobody knows."""
        asked, taken, earliest = self._new.header.audit_since, self._new.header.taken_at, self._earliest.get(site)
        if asked is not None and self._kind in _KEPT:
            asked = max(asked, taken - _KEPT[self._kind])
        since = min(filter(None, (asked, earliest)), default=None)
        if since is None:
            return f"nothing says how far back {name} reaches"
        if since > self._old.taken_at:
            return f"{name} reaches back to {since:%Y-%m-%d %H:%M} UTC only"
        return None


# ------------------------------------------------------------------------------------------------------------------- values


def _site(kind: str, id_: str) -> str | None:
    return id_.partition("/")[0] if kind == JIRA_LOG else None


def _moment(value: object) -> datetime | None:
    """Return a time of a log; None if it is none, or in no known zone."""
    try:
        moment = datetime.fromisoformat(_text(value))
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _objects(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
