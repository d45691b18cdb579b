"""What the logs tell of an account, who else they say came in, and where they are silent because nobody could look."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from scanner.logs import CATALOGUE, JIRA_LOG, ORG_LOG, Catalogue, speaks
from scanner.model import Gap, Header, Resource, Snapshot
from scanner.trace.people import is_person, same_address, tail
from scanner.tracing import Candidate, LogGap, Occurrence, Party, Sense
from scanner.ways import entrance_of, tells_of_leaving, tells_of_return

# https://support.atlassian.com/security-and-access-policies/docs/track-organization-activities-from-the-audit-log/
# For how long Jira keeps its own log is not documented.
_KEPT = timedelta(days=180)
# Ways that somebody goes alone: an event of these may name whom it is about as the one who did it.
_ALONE = frozenset({"any-domain", "approved-domain", "invited", "link", "portal-signup"})
# Ways at somebody's hand: which one it is depends on whether that is an admin.
_BY_SOMEBODY = ("invited", "added-by-admin")
READ = (CATALOGUE, JIRA_LOG, ORG_LOG)
# Who was taken out of a group or a desk was in it before; what befell others does not matter there.
_MEMBERSHIPS = frozenset({"jira.application_role", "jsm.customer", "org.group"})
SETTINGS = (*sorted(_MEMBERSHIPS), "jsm.customer_access", "jsm.customer_permissions", "org.access_domain", "org.user_invites")


@dataclass(frozen=True, slots=True)
class Arrival:
    """That somebody came, as an event says; `way` is None where it does not say by which."""

    account: str
    name: str
    email: str | None
    way: str | None
    at: datetime
    by: Party | None


@dataclass(frozen=True, slots=True)
class Turned:
    """That a setting that decides who may come in was touched: of which kinds, and about what, such as a domain."""

    kinds: frozenset[str]
    about: frozenset[str]
    event: Occurrence


@dataclass(frozen=True, slots=True)
class Logs:
    """What the logs tell: of the account, of all who came, of settings that decide who may; and where they are silent.

    From `starts` on the organization's log is whole; None if it is not. `ways` are those that its catalogue has words for.
    `named` is what else the events about the account name, such as desks and domains, by id and by name.
    """

    timeline: tuple[Occurrence, ...]
    arrivals: tuple[Arrival, ...]
    turned: tuple[Turned, ...]
    gaps: tuple[LogGap, ...]
    starts: datetime | None
    ways: frozenset[str]
    named: frozenset[str]


def read(snapshot: Snapshot, person: Candidate, admins: Mapping[str, bool]) -> Logs:
    """Read the logs once each."""
    org = _Org(person, Catalogue.of(snapshot), admins)
    for record in snapshot.of(ORG_LOG):
        org.look_at(record)
    jira = tuple(_of_jira(snapshot, person))
    starts, gaps = _org_gaps(snapshot, org)
    return Logs(
        timeline=tuple(sorted((*org.timeline, *jira), key=lambda each: (each.time, each.event))),
        arrivals=tuple(org.arrivals),
        turned=tuple(sorted(org.turned, key=lambda each: each.event.time)),
        gaps=(*gaps, *_jira_gaps(snapshot), *_confluence_gaps(snapshot)),
        starts=starts,
        ways=frozenset(entrance.id for entrance in map(entrance_of, map(org.said, org.catalogue.deeds)) if entrance),
        named=frozenset(org.named),
    )


# ------------------------------------------------------------------------------------------------- the organization's log


class _Org:
    """Goes through the events of the organization, and keeps what matters."""

    def __init__(self, person: Candidate, catalogue: Catalogue, admins: Mapping[str, bool]) -> None:
        self.person, self.catalogue, self.admins = person, catalogue, admins
        self.email = same_address(person.email) if person.email else None
        self.timeline: list[Occurrence] = []
        self.arrivals: list[Arrival] = []
        self.turned: list[Turned] = []
        self.named: set[str] = set()
        self.gaps: list[Gap] = []
        self.earliest: datetime | None = None
        self.undated = False

    def said(self, action: str) -> str:
        """Return what the catalogue calls an action; nothing where it does not know it."""
        deed = self.catalogue.deeds.get(action)
        return deed.words[0] if deed and deed.words else ""

    def look_at(self, record: Resource | Gap) -> None:
        """Keep an event if it names the person, tells of somebody coming in, or of a setting that decides who may."""
        if isinstance(record, Gap):
            self.gaps.append(record)
            return
        time = moment(record.facts.get("time"))
        if time is None:
            self.undated = True
            return
        self.earliest = min(time, self.earliest or time)
        things = _objects(record.facts.get("context"))
        named = [each for each in things if is_person(each)]
        actor = _party(record.facts.get("actor"))
        ways = self._ways(self.said(_text(record.facts.get("action"))), actor, named)
        self._keep_own(record, time, actor, things, ways)
        if ways:
            self.arrivals.extend(_arrivals(time, actor, named, ways))
        self._keep_setting(record, time, actor, named)

    def _ways(self, words: str, actor: Party | None, named: list[dict[str, Any]]) -> tuple[str, ...]:
        """Return the way in that words tell of: of the same words, an admin adds whom an ordinary user invites.

        These are several where it is not known who let the person in, or whether that is an admin.
        """
        is_admin = self._is_admin(actor, named)
        if tells_of_return(words):
            return ("added-by-admin",) if is_admin else ()
        entrance = entrance_of(words)
        if entrance is None:
            return ()
        if entrance.id not in _BY_SOMEBODY:
            return (entrance.id,)
        if is_admin:
            return ("added-by-admin",)
        if entrance.id == "invited":
            return ("invited",) if is_admin is False else _BY_SOMEBODY
        # A program gives what follows from something else; and who is no admin today may have been one then.
        return _BY_SOMEBODY if named and actor and actor.email else ()

    def _is_admin(self, actor: Party | None, named: list[dict[str, Any]]) -> bool | None:
        """Tell whether an admin let somebody in; who accepts is named as the one who did it, and does not say who invited."""
        if actor is None or actor.id is None:
            return None
        is_admin = self.admins.get(actor.id)
        is_alone = all(tail(_text(each.get("id"))) == actor.id for each in named)
        return None if is_alone and (named or not is_admin) else is_admin

    def _keep_own(
        self, record: Resource, time: datetime, actor: Party | None, things: list[dict[str, Any]], ways: tuple[str, ...]
    ) -> None:
        named = [each for each in things if is_person(each)]
        is_named = self._is_among(named)
        own = actor is not None and self._is_meant(actor.id or "", actor.email or "")
        if not is_named and not own:
            return
        words = self.said(_text(record.facts.get("action")))
        comes = ways if is_named or (not named and not _ALONE.isdisjoint(ways)) else ()
        returns, leaves = is_named and tells_of_return(words), is_named and tells_of_leaving(words)
        sense = Sense.CAME if comes or returns else Sense.LEFT if leaves else Sense.OTHER
        self.timeline.append(self._occurrence(record, time, actor, own=own, sense=sense, ways=comes))
        if is_named or comes:
            others = [each for each in things if each not in named]
            self.named.update(tail(_text(each.get(part))).casefold() for each in others for part in ("id", "name"))

    def _occurrence(
        self,
        record: Resource,
        time: datetime,
        actor: Party | None,
        *,
        own: bool,
        sense: Sense = Sense.OTHER,
        ways: tuple[str, ...] = (),
    ) -> Occurrence:
        facts = record.facts
        action = _text(facts.get("action"))
        return Occurrence(
            event=record.address,
            log=ORG_LOG,
            time=time,
            action=self.said(action) or action,
            actor=actor,
            own=own,
            sense=sense,
            way=ways[0] if len(ways) == 1 else None,
            ways=ways if len(ways) > 1 else (),
            place=_place(facts.get("location")),
            used=_used(facts.get("actor")),
            site=", ".join(filter(None, (_text(each.get("name")) for each in _objects(facts.get("container"))))) or None,
        )

    def _keep_setting(self, record: Resource, time: datetime, actor: Party | None, named: list[dict[str, Any]]) -> None:
        deed = self.catalogue.deeds.get(_text(record.facts.get("action")))
        kinds = frozenset(kind for kind in SETTINGS if deed and speaks(deed, kind, ""))
        if named and not self._is_among(named):
            kinds -= _MEMBERSHIPS
        if kinds and deed and entrance_of(deed.words[0]) is None:
            about = frozenset(_text(each.get("id")).casefold() for each in _objects(record.facts.get("context")))
            self.turned.append(Turned(kinds, about, self._occurrence(record, time, actor, own=False)))

    def _is_among(self, named: list[dict[str, Any]]) -> bool:
        return any(self._is_meant(_text(each.get("id")), _text(each.get("email"))) for each in named)

    def _is_meant(self, id_: str, email: str) -> bool:
        """Tell whether an event speaks of the person; several accounts may have the same address, so an id comes first."""
        return tail(id_) == self.person.id if id_ else bool(email) and bool(self.email) and same_address(email) == self.email


def _arrivals(time: datetime, actor: Party | None, named: list[dict[str, Any]], ways: Collection[str]) -> Iterator[Arrival]:
    way = next(iter(ways)) if len(ways) == 1 else None
    for each in named:
        id_, name, email = tail(_text(each.get("id"))), _text(each.get("name")), _text(each.get("email"))
        yield Arrival(id_, name or id_, email or None, way, time, None if actor and actor.id == id_ else actor)
    if not named and not _ALONE.isdisjoint(ways) and actor and actor.id:
        yield Arrival(actor.id, actor.name or actor.id, actor.email, way, time, None)


def _org_gaps(snapshot: Snapshot, org: _Org) -> tuple[datetime | None, list[LogGap]]:
    """Return since when the log is whole, and where it is not."""
    gaps = [LogGap(log=ORG_LOG, since=None, until=None, because=_unread(gap), fetch=gap.hint or _FETCH) for gap in org.gaps]
    if not _is_covered(snapshot.header, ORG_LOG) and not org.gaps and org.earliest is None:
        gaps.append(LogGap(log=ORG_LOG, since=None, until=None, because="it was not collected", fetch=_COLLECT))
    if org.undated:
        gaps.append(LogGap(log=ORG_LOG, since=None, until=None, because="an event does not say when it was", fetch=_FETCH))
    if not org.catalogue.deeds and not gaps:
        because = org.catalogue.lack("how people come in")
        gaps.append(LogGap(log=CATALOGUE, since=None, until=None, because=because, fetch=_COLLECT))
    if gaps:
        return None, gaps
    asked, taken = snapshot.header.audit_since, snapshot.header.taken_at
    starts = min(filter(None, (max(asked, taken - _KEPT) if asked else None, org.earliest)), default=None)
    because = f"it reaches back to {starts:%Y-%m-%d %H:%M} UTC" if starts else "nothing says how far back it reaches"
    fetch = _WIDER if starts and starts > taken - _KEPT + timedelta(days=1) else _OLDER
    return starts, [LogGap(log=ORG_LOG, since=None, until=starts, because=because, fetch=fetch)]


_FETCH = "export the log in Atlassian Administration > Insights > Audit log, and keep the file"
_COLLECT = "collect it: `atlascan snapshot --all`, with a key that may read events (read:events:admin)"
_WIDER = "collect more of it: set `collect: {audit_days: 180}` in the configuration and take the snapshot again"
_OLDER = "look for an earlier snapshot or an earlier export of the log: Atlassian keeps 180 days"


def _unread(gap: Gap) -> str:
    return f"an event could not be read: {gap.detail}" if gap.id else f"it could not be read: {gap.detail}"


def _is_covered(header: Header, kind: str) -> bool:
    return any(each.kind == kind for each in header.coverage)


# ------------------------------------------------------------------------------------------------------------- Jira's log


def _of_jira(snapshot: Snapshot, person: Candidate) -> Iterator[Occurrence]:
    """Yield what Jira's log says of the person; its words are in the language of the site, and prove no way in."""
    for record in snapshot.of(JIRA_LOG):
        if isinstance(record, Gap):
            continue
        facts, time = record.facts, moment(record.facts.get("created"))
        object_ = facts.get("object")
        said = [each for each in (object_, *_objects(facts.get("associated"))) if isinstance(each, dict)]
        author = _text(facts.get("author"))
        is_named = any(_text(each.get("id")) == person.id for each in said)
        if time and (is_named or author == person.id):
            others = ", ".join(_text(each.get("name")) for each in said if _text(each.get("id")) != person.id)
            action = _text(facts.get("summary")) or _text(facts.get("category"))
            yield Occurrence(
                event=record.address,
                log=JIRA_LOG,
                time=time,
                action=f"{action} ({others})" if others else action,
                actor=Party(id=author) if author else None,
                own=author == person.id,
                site=record.id.partition("/")[0],
            )


def _jira_gaps(snapshot: Snapshot) -> Iterator[LogGap]:
    header, gaps = snapshot.header, [each for each in snapshot.of(JIRA_LOG) if isinstance(each, Gap)]
    for gap in gaps:
        yield LogGap(log=JIRA_LOG, since=None, until=None, because=_unread(gap), fetch=gap.hint or _JIRA)
    if gaps or not header.target.sites:
        return
    if not _is_covered(header, JIRA_LOG):
        yield LogGap(log=JIRA_LOG, since=None, until=None, because="it was not collected", fetch="`atlascan snapshot --all`")
    elif header.audit_since:
        because = f"it was asked for from {header.audit_since:%Y-%m-%d %H:%M} UTC on"
        yield LogGap(log=JIRA_LOG, since=None, until=header.audit_since, because=because, fetch=_JIRA)


_JIRA = "look in Jira settings > System > Audit log, and export it"


def _confluence_gaps(snapshot: Snapshot) -> Iterator[LogGap]:
    """Say that nobody looked into Confluence's log, where there is a Confluence."""
    if any(isinstance(each, Resource) and each.facts.get("type_key") == "confluence" for each in snapshot.of("org.workspace")):
        fetch = "look in Confluence settings > Audit log, and export it"
        yield LogGap(log="confluence", since=None, until=None, because="atlascan does not read it", fetch=fetch)


# ------------------------------------------------------------------------------------------------------------------- values


def moment(value: object) -> datetime | None:
    """Return a time of a log; None if it is none, or in no known zone."""
    try:
        found = datetime.fromisoformat(_text(value))
    except ValueError:
        return None
    return found if found.tzinfo else None


def _party(value: object) -> Party | None:
    if not isinstance(value, dict):
        return None
    id_, name, email = (_text(value.get(part)) or None for part in ("id", "name", "email"))
    return Party(id=tail(id_) if id_ else None, name=name, email=email) if id_ or name or email else None


def _place(value: object) -> str | None:
    if not isinstance(value, dict):
        return None
    parts = (_text(value.get(part)) for part in ("ip", "city", "country"))
    return ", ".join(filter(None, parts)) or None


def _used(actor: object) -> str | None:
    """Return with what it was done, besides a person's own hands: a token, an app, in somebody's name."""
    if not isinstance(actor, dict):
        return None
    label = _text(actor.get("token_label")) or _text(actor.get("token_id"))
    auth, app, other = (_text(actor.get(part)) for part in ("auth_type", "app_id", "on_behalf_of"))
    parts = (f"{auth} {label}".strip(), f"app {app}" if app else "", f"on behalf of {other}" if other else "")
    return ", ".join(filter(None, parts)) or None


def _objects(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
