"""How somebody came in: each way in, with what speaks for it and against it, and how sure that leaves it."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from functools import cached_property
from typing import Any

from msgspec.structs import replace

from scanner.access import Account, Index
from scanner.domains import domain_of
from scanner.model import Resource, Snapshot
from scanner.trace.stays import Told
from scanner.trace.timeline import Logs, Turned
from scanner.tracing import Clue, Confidence, Hypothesis, Occurrence, Stay
from scanner.ways import ENTRANCES, Entrance


class Weight(IntEnum):
    """How much a clue says.

    How a setting is today rules nothing out while nobody could look whether it was so then. What a person's own record says holds
    even where an event says otherwise: both are shown.
    """

    WEAK = 1
    TODAY = 2
    STRONG = 3
    OF_RECORD = 4


@dataclass(frozen=True, slots=True)
class Weighed:
    """A clue, whether it speaks for or against, and how much."""

    speaks_for: bool
    weight: Weight
    clue: Clue


ANYONE = "ANYONE"
# As they are ranked among those that are as sure: the way to an account before the way to an app.
_ORDER = (
    "synced",
    "approved-domain",
    "any-domain",
    "access-request",
    "invited",
    "link",
    "added-by-admin",
    "made-customer",
    "portal-signup",
    "by-mail",
    "participant",
    "default-group",
)


@dataclass(frozen=True)
class Circumstances:
    """All that clues are taken from: the account, what it has access through, the settings, the logs; and when the person came."""

    account: Account
    email: str | None
    index: Index
    logs: Logs
    settings: Mapping[str, Sequence[Resource]]
    # Kinds of which there may be more than was read.
    unread: frozenset[str]
    since: datetime | None = None

    @classmethod
    def of(cls, account: Account, email: str | None, index: Index, logs: Logs, snapshot: Snapshot) -> "Circumstances":
        """Read the settings in a snapshot."""
        settings: dict[str, list[Resource]] = {kind: [] for kind in SETTINGS}
        whole = {each.kind for each in snapshot.header.coverage if each.complete}
        for record in snapshot.of(*SETTINGS):
            if isinstance(record, Resource):
                settings[record.kind].append(record)
        missing = {kind for kind in (*SETTINGS, *_MEMBERSHIPS) if kind not in whole} | {gap.kind for gap in snapshot.gaps()}
        return cls(account, email, index, logs, settings, frozenset(missing))

    @cached_property
    def domain(self) -> str | None:
        """Return the domain of the person's address."""
        return domain_of(self.email) if self.email else None

    @cached_property
    def record(self) -> Resource | None:
        """Return what the organization says of the person."""
        return next(iter(self.account.of("org.user")), None)

    @cached_property
    def desks(self) -> tuple[str, ...]:
        """Return the desks that the person is a customer of."""
        return tuple(desk for record in self.account.of("jsm.customer") for desk in record.facts.get("desks") or ())

    @cached_property
    def is_user(self) -> bool:
        """Tell whether the person is, or was, more than a customer."""
        types = {record.facts.get("account_type") for record in self.account.records}
        return self.record is not None or (not self.account.of("jsm.customer") and "customer" not in types)

    @cached_property
    def is_customer(self) -> bool:
        """Tell whether the person is, or was, a customer."""
        types = {record.facts.get("account_type") for record in self.account.records}
        return bool(self.account.of("jsm.customer")) or "customer" in types

    def fact(self, name: str) -> Any:  # noqa: ANN401  JSON border
        """Return a fact of the organization about the person."""
        return self.record.facts.get(name) if self.record else None


SETTINGS = ("jsm.customer_access", "jsm.customer_permissions", "jsm.email_channel", "org.access_domain", "org.user_invites")
# What tells where somebody is in, and what new people land in.
_DEFAULTS = ("jira.application_role", "org.group")
_MEMBERSHIPS = (*_DEFAULTS, "jsm.customer", "org.user")


def stay(told: Told, what: Circumstances) -> Stay:
    """Return a stay with all ways in, the surest first."""
    then = dataclasses.replace(what, since=told.since)
    begun = {way: _Begun.of(way, told.began) for way in ENTRANCES}
    scored = [_hypothesis(entrance, begun, then) for entrance in ENTRANCES.values()]
    scored.sort(key=lambda each: (each[1].at.timestamp() if each[1].at else 0.0, -each[0], _ORDER.index(each[1].way)))
    judged = sorted(_by_elimination(scored), key=lambda each: each.confidence.rank)
    return Stay(since=told.since, until=told.until, ended_by=told.ended_by, hypotheses=tuple(judged))


# ------------------------------------------------------------------------------------------------------------ the weighing


@dataclass(frozen=True, slots=True)
class _Begun:
    """The events that name a way by which a stay began; not `surely` where they may mean another way as well."""

    events: Sequence[Occurrence]
    surely: bool

    @classmethod
    def of(cls, way: str, began: Sequence[Occurrence]) -> "_Begun":
        """Take those of a way; an event that fits several ways tells of the one that another event names."""
        sure = {each.way for each in began if each.way}
        events = [each for each in began if each.way == way or (way in each.ways and (way in sure or sure.isdisjoint(each.ways)))]
        return cls(events, way in sure)


def _hypothesis(entrance: Entrance, begun: Mapping[str, _Begun], what: Circumstances) -> tuple[int, Hypothesis]:
    """Return a hypothesis, and by how much more speaks for it than against it."""
    events, surely = begun[entrance.id].events, begun[entrance.id].surely
    clues = [*_clues(entrance, what), *_silence(entrance, events, what)]
    speaks_for = [each for each in clues if each.speaks_for]
    against = [each for each in clues if not each.speaks_for]
    others = [] if events else _titles(begun)
    confidence, because = _named(events, surely=surely) if events else _weighed(speaks_for, against, others)
    by = next((each.actor for each in events if not each.own), None)
    told = (Clue(says=_event_says(each), address=each.event) for each in events)
    named = (Clue(says=f"an event names another way: {title}") for title in others)
    score = sum(each.weight for each in speaks_for) - sum(each.weight for each in against)
    return score, Hypothesis(
        way=entrance.id,
        title=entrance.title,
        door=entrance.door,
        confidence=confidence,
        because=because,
        speaks_for=(*told, *(each.clue for each in sorted(speaks_for, key=lambda each: -each.weight))),
        speaks_against=(*named, *(each.clue for each in sorted(against, key=lambda each: -each.weight))),
        by=by,
        at=events[0].time if events else None,
    )


def _titles(begun: Mapping[str, _Begun]) -> list[str]:
    """Return what the ways are called that events name, those together of which it is not known which one is meant."""
    sure = [ENTRANCES[way].title for way, each in begun.items() if each.surely]
    unsure = [ENTRANCES[way].title for way, each in begun.items() if each.events and not each.surely]
    return [*sure, " or ".join(unsure)] if unsure else sure


def _named(events: Sequence[Occurrence], *, surely: bool) -> tuple[Confidence, str]:
    """Return how sure a way is that an event names, perhaps among others."""
    first = events[0]
    by = f", by {first.actor.called}" if first.actor and not first.own else ""
    says = f"the log names the account in “{first.action}” of {first.time:%Y-%m-%d %H:%M} UTC{by}"
    return (Confidence.PROVEN, says) if surely else (Confidence.LIKELY, f"{says}; whether an admin did it then is not known")


def _weighed(speaks_for: Sequence[Weighed], against: Sequence[Weighed], others: Sequence[str]) -> tuple[Confidence, str]:
    """Return how sure a way is of which no event tells."""
    best = max(speaks_for, key=lambda each: each.weight, default=None)
    worst = max(against, key=lambda each: each.weight, default=None)
    if others and (best is None or best.weight < Weight.OF_RECORD):
        return Confidence.RULED_OUT, f"an event names another way: {others[0]}"
    if best and best.weight >= Weight.STRONG and (worst is None or worst.weight < best.weight):
        return Confidence.LIKELY, best.clue.says
    if worst and worst.weight >= Weight.STRONG and (best is None or best.weight < worst.weight):
        return Confidence.RULED_OUT, worst.clue.says
    if best:
        return Confidence.POSSIBLE, best.clue.says
    if worst and worst.weight is Weight.TODAY:
        return Confidence.POSSIBLE, f"{worst.clue.says}; whether it was so then, no log tells"
    return Confidence.POSSIBLE, "nothing that was read speaks for it, and nothing rules it out"


def _by_elimination(scored: Sequence[tuple[int, Hypothesis]]) -> list[Hypothesis]:
    """Make the only way likely that is possible and has not more against it than for it, where no way is surer."""
    judged = [each for _, each in scored]
    left = [each for score, each in scored if each.confidence is Confidence.POSSIBLE and score >= 0]
    if len(left) != 1 or any(each.confidence.rank < Confidence.POSSIBLE.rank for each in judged):
        return judged
    [only] = left
    certain = replace(only, confidence=Confidence.LIKELY, because="more speaks against every other way than for it")
    return [certain if each is only else each for each in judged]


def _event_says(event: Occurrence) -> str:
    actor = f", by {event.actor.called}" if event.actor else ""
    place = f", from {event.place}" if event.place else ""
    return f"the organization's log: “{event.action}” on {event.time:%Y-%m-%d %H:%M} UTC{actor}{place}"


def _silence(entrance: Entrance, events: Sequence[Occurrence], what: Circumstances) -> Iterator[Weighed]:
    """Yield that a log that reaches back to the day tells of nothing."""
    starts = what.logs.starts
    if not events and what.since and starts and what.since >= starts and entrance.id in what.logs.ways:
        yield _against(
            Weight.WEAK, "the log reaches back to that day, has words for this way, and names nobody of this account in it"
        )


# ---------------------------------------------------------------------------------------------------------------- the clues


def _clues(entrance: Entrance, what: Circumstances) -> Iterator[Weighed]:
    """Yield what speaks for and against a way in."""
    if entrance.customers and not what.is_customer:
        if "jsm.customer" not in what.unread:
            yield _against(_then(what, "jsm.customer"), "the account is a customer of no desk that was read")
        return
    if not entrance.customers and not what.is_user:
        if "org.user" not in what.unread:
            yield _against(Weight.STRONG, "the account is a customer only: it is not among the people of the organization")
        return
    yield from _CLUES[entrance.id](what)


def _synced(what: Circumstances) -> Iterator[Weighed]:
    source, record = what.fact("management_source"), what.record
    if source == "synced":
        yield _for(Weight.OF_RECORD, "the organization's record says that the account was synced", record)
    if source == "invited":
        yield _against(Weight.STRONG, "the organization's record says that the account was invited", record)
    if what.fact("claim_status") == "unmanaged":
        yield _against(Weight.STRONG, "the organization does not manage the account, and no record says that it was synced", record)
    for group in what.account.groups:
        found = what.index.groups.get(group)
        if found and found.facts.get("external_synced") is True:
            yield _for(Weight.WEAK, f"it is in the group {found.name}, which comes from the identity provider", found)


def _invited(what: Circumstances) -> Iterator[Weighed]:
    yield from _by_record(what, speaks_for="invited")
    for setting in _invites(what):
        if (value := setting.facts.get("user_invites")) is not None:
            says = {"anyone": "may invite anybody", "approval": "may invite, and an admin approves"}.get(value, "may not invite")
            weigh = _against if value == "not_allowed" else _for
            yield weigh(Weight.WEAK, f"ordinary users {says} to {setting.id}, as the setting is today", setting)
    yield from _turned(what, "org.user_invites", lambda each: not _is_of_link(each), early=None, late=_for)


def _link(what: Circumstances) -> Iterator[Weighed]:
    yield from _by_record(what, speaks_for="link")
    for setting in _invites(what):
        if (value := setting.facts.get("invitation_links")) is not None:
            weigh, state = (_for, "enabled") if value == "enabled" else (_against, "disabled")
            yield weigh(Weight.WEAK, f"invitation links to {setting.id} are {state}, as the setting is today", setting)
    yield from _turned(what, "org.user_invites", _is_of_link, early=_for, late=None)


def _approved_domain(what: Circumstances) -> Iterator[Weighed]:
    yield from _by_record(what)
    yield from _signup(what, what.domain, "DIRECT_ACCESS", "joins without anybody's approval")
    yield from _turned(what, "org.access_domain", lambda each: what.domain in each.about, early=_for, late=_against)


def _any_domain(what: Circumstances) -> Iterator[Weighed]:
    yield from _by_record(what)
    yield from _signup(what, ANYONE, "DIRECT_ACCESS", "joins without anybody's approval")


def _access_request(what: Circumstances) -> Iterator[Weighed]:
    yield from _by_record(what)
    own = tuple(_signup(what, what.domain, "REQUEST_ACCESS", "may ask to be let in"))
    others = tuple(_signup(what, ANYONE, "REQUEST_ACCESS", "may ask to be let in"))
    open_ones = tuple(each for each in (*own, *others) if each.speaks_for)
    yield from open_ones or own or others


def _added_by_admin(what: Circumstances) -> Iterator[Weighed]:
    yield from _by_record(what, speaks_for="added-by-admin")
    for record in what.account.of("org.user_role_assignments"):
        for each in record.facts.get("assignments") or ():
            if "direct" in (each.get("methods") or ()):
                app = what.index.app(str(each.get("resource_id")))
                yield _for(Weight.WEAK, f"it was given {each.get('role')} of {app} by name, not through a group", record)
    for group in what.account.groups:
        found = what.index.groups.get(group)
        is_no_default = group not in what.index.defaults and what.unread.isdisjoint(_DEFAULTS)
        if found and is_no_default and found.facts.get("external_synced") is not True:
            yield _for(Weight.WEAK, f"somebody put it into the group {found.name}, which nobody lands in by default", found)


def _default_group(what: Circumstances) -> Iterator[Weighed]:
    defaults = [each for each in what.account.groups if each in what.index.defaults]
    if not defaults:
        if what.record is not None and "groups" in what.record.facts and what.unread.isdisjoint(_DEFAULTS):
            yield _against(_then(what, *_DEFAULTS), "it is in no group that new people land in", what.record)
        return
    # An outsider's account does not turn up by itself: something else brought it, and the group gave it the app.
    company = what.fact("claim_status") == "managed" and what.fact("management_source") is None
    for group in map(what.index.group, defaults):
        says = f"it is in the group {group.name}: {'; '.join(group.notes)}"
        record = what.index.groups.get(group.address.partition("/")[2])
        yield _for(Weight.STRONG if company else Weight.WEAK, says, record or what.record)


def _portal_signup(what: Circumstances) -> Iterator[Weighed]:
    yield from _public_signup(what, "sign up in the portal")
    yield from _accounts(what, "signup_in_portal", "accounts can be created in the portal")


def _by_mail(what: Circumstances) -> Iterator[Weighed]:
    yield from _public_signup(what, "write to it")
    yield from _accounts(what, "signup_by_email", "accounts are created for whoever writes to a desk")
    if "jsm.email_channel" in what.unread:
        return
    with_mail = {f"{each.id.partition('/')[0]}/{each.facts.get('project_key')}" for each in what.settings["jsm.email_channel"]}
    for desk in what.desks:
        if desk not in with_mail:
            yield _against(Weight.WEAK, f"the desk {desk} has no address for requests that was read")


def _participant(what: Circumstances) -> Iterator[Weighed]:
    told = [(each, each.facts["sharing"]) for each in _permissions(what) if each.facts.get("sharing")]
    for setting, sharing in told:
        if sharing == "organization":
            says = f"customers of {setting.id} share requests within their organization only"
            closed = all(each == "organization" for _, each in told)
            yield _against(_then(what, "jsm.customer_permissions") if closed else Weight.WEAK, says, setting)
        else:
            yield _for(
                Weight.WEAK, f"customers of {setting.id} may share a request with any address, or with any customer", setting
            )
    for setting in _of_sites(what, "jsm.customer_access"):
        if setting.facts.get("accounts_from_mail_headers") in ("customers", "anyone"):
            yield _for(Weight.WEAK, "an e-mail makes customers of those in To and Cc", setting)


def _made_customer(what: Circumstances) -> Iterator[Weighed]:
    for record in what.account.of("jsm.customer"):
        yield _for(Weight.WEAK, f"it is a customer of {', '.join(what.desks) or 'a desk'}, and an agent may add anybody", record)


_CLUES = {
    "synced": _synced,
    "invited": _invited,
    "link": _link,
    "approved-domain": _approved_domain,
    "any-domain": _any_domain,
    "access-request": _access_request,
    "added-by-admin": _added_by_admin,
    "default-group": _default_group,
    "portal-signup": _portal_signup,
    "by-mail": _by_mail,
    "participant": _participant,
    "made-customer": _made_customer,
}


# ---------------------------------------------------------------------------------------------------------- settings, read


def _by_record(what: Circumstances, *, speaks_for: str = "") -> Iterator[Weighed]:
    """Yield what the record of a managed account says of how it came; an admin's invitation is one, too."""
    source = what.fact("management_source")
    if source == "synced":
        yield _against(Weight.STRONG, "the organization's record says that the account was synced", what.record)
    if source == "invited":
        weigh, weight = {
            "invited": (_for, Weight.OF_RECORD),
            "link": (_for, Weight.WEAK),
            "added-by-admin": (_for, Weight.WEAK),
        }.get(speaks_for, (_against, Weight.STRONG))
        yield weigh(weight, "the organization's record says that the account was invited", what.record)


def _signup(what: Circumstances, domain: str | None, mode: str, may: str) -> Iterator[Weighed]:
    """Yield what the approved domains say of people at a domain, for the apps that the person can use."""
    if domain is None:
        return
    whose = "whoever has an e-mail address" if domain == ANYONE else f"whoever has an address at {domain}"
    entry = next((each for each in what.settings["org.access_domain"] if each.id == domain), None)
    if entry is None and "org.access_domain" in what.unread:
        return
    if entry is None or entry.facts.get("enabled") is False:
        name = "any domain" if domain == ANYONE else domain
        yield _against(_then(what, "org.access_domain"), f"{name} is not among the approved domains, as they are today", entry)
        return
    modes = {each.get("access_mode") for each in _of_apps(entry, what.account.apps)}
    if mode in modes:
        yield _for(Weight.STRONG, f"{whose} {may}, as the approved domains are today", entry)
        are_told = what.account.groups and what.unread.isdisjoint(_DEFAULTS)
        if are_told and not what.index.defaults.keys() & set(what.account.groups):
            yield _against(
                Weight.STRONG, "it is in no group that new people land in, as those are who come by a domain", what.record
            )
    elif modes:
        says = f"{whose} is not let in this way to what the person uses, as the approved domains are today"
        yield _against(_then(what, "org.access_domain"), says, entry)


def _of_apps(entry: Resource, apps: Iterable[str]) -> Sequence[Mapping[str, Any]]:
    """Return what an approved domain says of some apps; of all, where it speaks of none of these."""
    products = [each for each in entry.facts.get("products") or () if isinstance(each, dict)]
    told = [each for each in products if any(f":{app}:" in f"{each.get('product_id')}:" for app in apps)]
    return told or products


_Weigh = Callable[[Weight, str], Weighed]


def _then(what: Circumstances, *kinds: str) -> Weight:
    """Return how much it says how a setting is today: all, if a log that is whole since the person came tells of no change."""
    starts, since = what.logs.starts, what.since
    was_seen = starts is not None and since is not None and since >= starts
    is_same = not any(each.kinds.intersection(kinds) and since and each.event.time > since for each in what.logs.turned)
    return Weight.STRONG if was_seen and is_same else Weight.TODAY


def _turned(
    what: Circumstances, kind: str, matters: Callable[[Turned], bool], *, early: _Weigh | None, late: _Weigh | None
) -> Iterator[Weighed]:
    """Yield that somebody touched a setting: before the person came, or after, when it may have been another until then."""
    for each in what.logs.turned:
        is_late = what.since is not None and each.event.time > what.since
        weigh = late if is_late else early
        if weigh and kind in each.kinds and matters(each):
            by = f" by {each.event.actor.called}" if each.event.actor else ""
            when = f"{each.event.time:%Y-%m-%d %H:%M} UTC{by}, {'after' if is_late else 'before'} the person came"
            found = weigh(Weight.WEAK, f"the setting was touched: “{each.event.action}” on {when}")
            yield dataclasses.replace(found, clue=replace(found.clue, address=each.event.event))


def _is_of_link(turned: Turned) -> bool:
    return "link" in turned.event.action.casefold()


def _invites(what: Circumstances) -> list[Resource]:
    """Return who may invite to the apps that the person can use; of all, where it is told for none of these."""
    told = what.settings["org.user_invites"]
    keys = {key for app in what.account.apps for key in (app, app.removesuffix("-software"), _LONG_KEYS.get(app, app))}
    return [each for each in told if each.id in keys] or list(told)


# By what the settings of invites are known -> by what product access is.
_LONG_KEYS = {"jira-servicedesk": "jira-service-management"}


def _permissions(what: Circumstances) -> list[Resource]:
    """Return who may raise requests in the desks of the person."""
    return [each for each in what.settings["jsm.customer_permissions"] if each.id in what.desks]


def _public_signup(what: Circumstances, how: str) -> Iterator[Weighed]:
    told = {}
    for each in _permissions(what):
        facts = each.facts
        if facts.get("public_signup") is not None or facts.get("channel_access") == "restricted":
            told[each.id] = each, facts.get("public_signup") is True and facts.get("channel_access") != "restricted"
    for setting, is_open in told.values():
        if is_open:
            yield _for(Weight.WEAK, f"anybody may {how} and become a customer of {setting.id}", setting)
        else:
            weight = Weight.WEAK if any(each for _, each in told.values()) else _then(what, "jsm.customer_permissions")
            yield _against(weight, f"nobody becomes a customer of {setting.id} by themselves", setting)


def _accounts(what: Circumstances, fact: str, says: str) -> Iterator[Weighed]:
    for setting in _of_sites(what, "jsm.customer_access"):
        match setting.facts.get(fact):
            case True:
                yield _for(Weight.WEAK, f"{says} of {setting.id}", setting)
            case False:
                yield _against(Weight.WEAK, f"on {setting.id} it is switched off that {says}", setting)


def _of_sites(what: Circumstances, kind: str) -> list[Resource]:
    sites = {desk.partition("/")[0] for desk in what.desks}
    return [each for each in what.settings[kind] if each.id in sites]


def _for(weight: Weight, says: str, record: Resource | None = None) -> Weighed:
    return Weighed(speaks_for=True, weight=weight, clue=_clue(says, record))


def _against(weight: Weight, says: str, record: Resource | None = None) -> Weighed:
    return Weighed(speaks_for=False, weight=weight, clue=_clue(says, record))


def _clue(says: str, record: Resource | None) -> Clue:
    return Clue(says=says, address=record.address if record else None, source=record.source if record else None)
