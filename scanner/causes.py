"""Who and when: the events of audit logs that may explain what changed between two snapshots. Never more than they say. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from heapq import heappush, heappushpop
from itertools import chain

import msgspec

from scanner.kinds import KINDS, FactType, Scope
from scanner.logs import (
    CATALOGUE,
    IN_JIRA,
    JIRA_LOG,
    ORG_LOG,
    WORDS,
    Catalogue,
    Deed,
    Event,
    Log,
    Named,
    Way,
    called,
    jira_key,
    record_of_jira,
    speaks,
    way,
)
from scanner.model import Cause, Certainty, Change, Header, Resource, Snapshot, What

# What has to be collected, as (kind, fact), for changes to be explained.
NEEDS = frozenset({(ORG_LOG, ""), (CATALOGUE, ""), (JIRA_LOG, "")})
MOST = 5


def explained(changes: Iterable[Change], old: Header, new: Snapshot) -> Iterator[Change]:
    """Yield changes with the events that may explain each, the surest first, then the latest.

    Where there is none, and a log that would know was not read whole or does not reach back to the earlier snapshot, it says so
    instead. The changes are held, the logs are read once.
    """
    held = tuple(changes)
    subjects = tuple(_subjects(held, new))
    search, catalogue, turned = _Search(subjects), Catalogue.of(new), frozenset(_turned(held))
    logs = {kind: Log(kind, read, old, new) for kind, read in ((ORG_LOG, catalogue.event), (JIRA_LOG, record_of_jira))}
    for event in chain(*logs.values()):
        search.look_at(event)
    names = _names(new, search.authors())
    for subject in subjects:
        causes = tuple(_cause(event, certainty, names) for certainty, event in search.found(subject))
        unlogged = None if causes else _unlogged(subject, logs, catalogue, turned)
        yield msgspec.structs.replace(subject.change, causes=None if unlogged else causes, unlogged=unlogged)


def _cause(event: Event, certainty: Certainty, names: Mapping[str, str]) -> Cause:
    actor = called(names.get(event.author), _split(event.author)[1]) if event.author else event.actor
    return Cause(event=event.address, time=event.time, action=event.action, actor=actor, certainty=certainty)


# --------------------------------------------------------------------------------------------------------------- what changed


# Numbers by which a log knows a thing that has another id here.
_NUMBERS = {"jira.project": "project_id", "confluence.space": "space_id"}
# Kinds that a log tells of by the project which they belong to.
_OF_PROJECT = frozenset({"jira.project_role", "jsm.customer_permissions", "jsm.service_desk"})
# Kinds whose ids are the same on all sites, or mean nothing elsewhere.
_ACCOUNTS_AND_GROUPS = frozenset({"jira.group", "jira.user", "jsm.customer"})
# Facts of which an event names both sides: the person, and the group.
_TWO_SIDED = frozenset({"groups", "members"})
_SIDES = re.compile("account|group|user", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Aim:
    """What an event would have to have done: to which fact of a kind, which way; and of a name, what it was and became."""

    kind: str
    fact: str
    way: Way
    is_list: bool = False
    names: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Subject:
    """A change, and by what an event would name what changed.

    Of a `whole` there is one in its place, and every event there is about it. An event that names both sides has to name one of
    `sides`, and where something lies inside of what is named, one of `inside`, to be about it for certain.
    """

    change: Change
    site: str | None
    aims: frozenset[_Aim]
    keys: frozenset[str]
    sides: frozenset[str]
    inside: frozenset[str]
    whole: bool

    @property
    def alike(self) -> "_Alike":
        """Return what makes one change as good as another for an event that names nothing."""
        return self.site, frozenset(replace(aim, names=None) for aim in self.aims)


def _subjects(changes: tuple[Change, ...], new: Snapshot) -> Iterator[_Subject]:
    known_as = _known_as(changes, new)
    for change in changes:
        kind = KINDS.get(change.kind)
        site, local_id = (None, change.id) if kind is None or kind.scope is Scope.ORG else _split(change.id)
        site = site and site.casefold()
        yield _Subject(
            change=change,
            site=site,
            aims=frozenset() if change.gap else frozenset(_aims(change)),
            keys=frozenset() if change.gap else frozenset(_keys(change, site, local_id, known_as)),
            sides=frozenset(_sides(change, site)),
            inside=frozenset(_inside(change, site)),
            whole=change.kind == "org" or (kind is not None and kind.single),
        )


def _aims(change: Change) -> Iterator[_Aim]:
    if change.what is not What.CHANGED:
        yield _Aim(change.kind, "", Way.MORE if change.what is What.ADDED else Way.LESS)
        return
    facts = KINDS[change.kind].facts if change.kind in KINDS else {}
    for each in change.facts:
        name, before, after = each.path[0], each.before, each.after
        if name in ("@name", "name"):
            yield _Aim(change.kind, name, Way.OTHER, names=(_text(before), _text(after)))
        elif not name.startswith("@"):
            is_list = name in facts and facts[name].type in (FactType.OBJECTS, FactType.TEXTS)
            yield _Aim(change.kind, name, way(before, after), is_list=is_list)


def _known_as(changes: tuple[Change, ...], new: Snapshot) -> dict[tuple[str, str], tuple[str, str]]:
    """Return the number and the name of what logs know by a number, by kind and id."""
    known, wanted = {}, set()
    for change in changes:
        if change.kind in _OF_PROJECT:
            wanted.add(("jira.project", _project(change)))
        elif change.kind in _NUMBERS:
            wanted.add((change.kind, change.id))
            for each in change.facts:
                if each.path == (_NUMBERS[change.kind],):
                    known[change.kind, change.id] = (_text(each.after) or _text(each.before), change.name)
    for record in new.of(*{kind for kind, _ in wanted}) if wanted else ():
        if isinstance(record, Resource) and (record.kind, record.id) in wanted:
            known[record.kind, record.id] = (_text(record.facts.get(_NUMBERS[record.kind])), record.name)
    return known


def _keys(change: Change, site: str | None, local_id: str, known_as: Mapping[tuple[str, str], tuple[str, str]]) -> Iterator[str]:
    if site is None:
        yield change.id.casefold()
        return
    number, name = known_as.get((change.kind, change.id), (local_id, change.name))
    sort = change.kind.rpartition(".")[2].replace("_", "")
    yield from (f"{site}/{sort}/{each}".casefold() for each in {local_id, number})
    if change.kind in _ACCOUNTS_AND_GROUPS:
        yield local_id.casefold()
    told = IN_JIRA.get(change.kind)
    if told is None:
        return
    names = {change.name, change.was or change.name}
    if change.kind in _OF_PROJECT:
        number, name = known_as.get(("jira.project", _project(change)), ("", ""))
        names = {name}
    known = [number, *(f"={each}" for each in names if each)]
    for category in frozenset[str]().union(*told.categories.values()):
        yield from (jira_key(site, told.type, category, each) for each in known if each)


def _project(change: Change) -> str:
    return change.id.rpartition("/")[0] if change.kind == "jira.project_role" else change.id


def _sides(change: Change, site: str | None) -> Iterator[str]:
    """Yield whom an event that names both sides has to name: who joined or left, or which group."""
    for each in change.facts:
        if each.path[0] not in _TWO_SIDED:
            continue
        before, after = (set(map(str, value)) if isinstance(value, list) else set() for value in (each.before, each.after))
        for id_ in before ^ after if len(each.path) == 1 else {each.path[1]}:
            yield from (id_.casefold(), f"{site}/user/{id_}".casefold(), f"{site}/group/{id_}".casefold())


def _inside(change: Change, site: str | None) -> Iterator[str]:
    if change.kind == "jira.project_role":
        yield from (f"{site}/project_role/{each}".casefold() for each in (change.id.rpartition("/")[2], f"={change.name}"))


# ------------------------------------------------------------------------------------------------------------------ the search

_RANKS = {certainty: rank for rank, certainty in enumerate(reversed(Certainty))}
_Found = tuple[int, datetime, str, Certainty, Event]
_Alike = tuple[str | None, frozenset[_Aim]]


class _Search:
    """Finds for each change the events that explain it best; no more of them are kept."""

    def __init__(self, subjects: Iterable[_Subject]) -> None:
        self._by_key: dict[str, list[_Subject]] = {}
        self._whole: dict[str | None, list[_Subject]] = {}
        self._best: dict[_Subject, list[_Found]] = {}
        # What events may explain that name nothing: the same for all changes that are alike.
        self._alike: dict[_Alike, list[_Found]] = {}
        self._fitting: dict[Deed, list[_Alike]] = {}
        for subject in subjects:
            self._best[subject] = []
            self._alike[subject.alike] = []
            for key in subject.keys:
                self._by_key.setdefault(key, []).append(subject)
            if subject.whole:
                self._whole.setdefault(subject.site, []).append(subject)

    def look_at(self, event: Event) -> None:
        """Keep an event with the changes that it explains better than others do."""
        named: dict[_Subject, list[Named]] = {}
        for thing in event.things:
            for subject in {each for key in thing.keys for each in self._by_key.get(key, ())}:
                named.setdefault(subject, []).append(thing)
        for subject, things in named.items():
            _keep(self._best[subject], _certainty(event, subject, things), event)
        if event.deed.log == ORG_LOG:
            for subject in chain.from_iterable(self._whole.get(site, ()) for site in (None, *event.sites)):
                if subject not in named and any(_fits(event, aim) for aim in subject.aims):
                    _keep(self._best[subject], Certainty.EXACT, event)
        if not event.things:
            for alike in self._fitted_by(event):
                if alike[0] is None or not event.sites or alike[0] in event.sites:
                    _keep(self._alike[alike], Certainty.TIME, event)

    def _fitted_by(self, event: Event) -> list[_Alike]:
        if event.deed not in self._fitting:
            self._fitting[event.deed] = [alike for alike in self._alike if any(_fits(event, aim) for aim in alike[1])]
        return self._fitting[event.deed]

    def found(self, subject: _Subject) -> list[tuple[Certainty, Event]]:
        """Return the events for a change, the surest first, then the latest."""
        best = sorted(self._best[subject], key=_first)
        addresses = {address for _, _, address, _, _ in best}
        rest = sorted((each for each in self._alike[subject.alike] if each[2] not in addresses), key=_first)
        return [(certainty, event) for *_, certainty, event in (*best, *rest)[:MOST]]

    def authors(self) -> frozenset[str]:
        """Return the accounts, with their sites, of which the log told no name."""
        kept = chain(*self._best.values(), *self._alike.values())
        return frozenset(event.author for *_, event in kept if event.author)


def _keep(best: list[_Found], certainty: Certainty, event: Event) -> None:
    found = (_RANKS[certainty], event.time, event.address, certainty, event)
    if len(best) < MOST:
        heappush(best, found)
    else:
        heappushpop(best, found)


def _first(found: _Found) -> tuple[int, float, str]:
    rank, time, address, *_ = found
    return -rank, -time.timestamp(), address


def _certainty(event: Event, subject: _Subject, named: list[Named]) -> Certainty:
    """Return how sure it is that an event explains the change of what it names."""
    fitting = [aim for aim in subject.aims if _fits(event, aim)]
    others = [thing for thing in event.things if thing not in named]
    if not fitting or (subject.inside and not any(thing.keys & subject.inside for thing in others)):
        return Certainty.OBJECT
    other_sides = [thing for thing in others if _SIDES.search(thing.type)]
    if other_sides and all(aim.fact in _TWO_SIDED for aim in fitting):
        return Certainty.EXACT if any(thing.keys & subject.sides for thing in other_sides) else Certainty.OBJECT
    return Certainty.EXACT


def _fits(event: Event, aim: _Aim) -> bool:
    """Tell whether what was done would change a fact in this way."""
    return _fits_in_jira(event, aim) if event.deed.log == JIRA_LOG else _fits_in_words(event.deed, aim)


@lru_cache(maxsize=65_536)
def _fits_in_words(deed: Deed, aim: _Aim) -> bool:
    if not deed.ways or not speaks(deed, aim.kind, aim.fact):
        return False
    return aim.way in deed.ways or (aim.fact != "" and (aim.way is Way.OTHER or Way.OTHER in deed.ways))


def _fits_in_jira(event: Event, aim: _Aim) -> bool:
    told, ways = IN_JIRA.get(aim.kind), event.deed.ways
    if told is None or event.deed.words[0] not in told.of(aim.fact):
        return False
    if aim.names:
        return any(said and said == name for pair in event.values for said, name in zip(pair, aim.names, strict=True))
    if not ways or aim.way in ways:
        return True
    if aim.way is Way.OTHER:
        return {Way.MORE, Way.LESS} <= ways
    return aim.fact != "" and not aim.is_list and Way.OTHER in ways


_Turned = tuple[str, str | None, What]


def _unlogged(subject: _Subject, logs: Mapping[str, Log], catalogue: Catalogue, turned: frozenset[_Turned]) -> str | None:
    """Say why no event of a log explains a change, unless it is that there is none."""
    change = subject.change
    kind, told = KINDS.get(change.kind), IN_JIRA.get(change.kind)
    if change.gap:
        return "no log tells what can be read"
    if turned & {(change.kind, site, change.what) for site in (subject.site, None)}:
        return "it may be there as before, out of sight" if change.what is What.REMOVED else "it may have been there, out of sight"
    reasons: list[str | None] = []
    if told and any(told.of(aim.fact) for aim in subject.aims):
        reasons.append(logs[JIRA_LOG].blind(change.id.partition("/")[0]))
    if kind is None or change.kind not in WORDS:
        return "no log is known to tell of it"
    if change.kind in catalogue.kinds:
        reasons.append(logs[ORG_LOG].blind(None))
    elif not reasons:
        reasons.append(logs[ORG_LOG].blind(None) or catalogue.lack(kind.noun))
    return "; ".join(filter(None, reasons)) or None


def _turned(changes: Iterable[Change]) -> Iterator[_Turned]:
    """Yield what may have come, or gone, only because more, or less, of its kind was read."""
    for change in changes:
        if change.gap:
            kind = KINDS.get(change.kind)
            is_on_site = kind is not None and kind.scope is not Scope.ORG
            site, _ = _split((change.gap.parent or "").partition("/")[2]) if is_on_site else ("", "")
            yield change.kind, site.casefold() or None, What.REMOVED if change.what is What.ADDED else What.ADDED


def _names(new: Snapshot, authors: frozenset[str]) -> dict[str, str]:
    """Return the names of accounts of Jira."""
    people = new.of("jira.user") if authors else ()
    return {each.id: each.name for each in people if isinstance(each, Resource) and each.id in authors}


# ------------------------------------------------------------------------------------------------------------------- values


def _split(id_: str) -> tuple[str, str]:
    site, _, local_id = id_.partition("/")
    return site, local_id


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
