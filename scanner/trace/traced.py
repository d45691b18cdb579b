"""The whole trace of one account."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec.structs import replace

from scanner.access import NEEDS, Account, Index, paths
from scanner.kinds import KINDS
from scanner.model import Report, Resource, Snapshot
from scanner.trace import closing, hypotheses, people, stays, timeline
from scanner.trace.companions import companions
from scanner.tracing import Candidate, Occurrence, Party, Trace


def traced(
    asked: str, person: Candidate, account: Account, snapshot: Snapshot, report: Report, *, company: Iterable[str] = ()
) -> Trace:
    """Return all that the snapshot and its report tell of how a person came in; `company` are domains of the company's own."""
    index, logs = Index.of(snapshot, account), timeline.read(snapshot, person, people.admins(snapshot))
    what = hypotheses.Circumstances.of(account, person.email, index, logs, snapshot)
    stayed = tuple(hypotheses.stay(told, what) for told in stays.told(logs.timeline, _added(account), inside=_is_inside(account)))
    doorways = closing.doorways(stayed, account, person.email, logs.named, report)
    ours = frozenset((*company, *_verified(snapshot)))
    others, more = companions(person, stayed, logs.arrivals, snapshot, ours)
    access = paths(account, index)
    return Trace(
        tool=report.tool,
        snapshot=snapshot.header,
        asked=asked,
        person=person,
        known=people.known(account, snapshot),
        paths=access,
        unread=tuple(_unread(snapshot)),
        timeline=_with_names(logs.timeline, people.names(snapshot, _nameless(logs.timeline))),
        gaps=logs.gaps,
        stays=stayed,
        doorways=doorways,
        companions=others,
        more_companions=more,
        todo=closing.todo(person, access, doorways, others, logs.gaps),
    )


def needs() -> frozenset[tuple[str, str]]:
    """Return what has to be collected for a trace, as (kind, fact)."""
    return frozenset((kind, fact) for kind in _READ for fact in ("", *KINDS[kind].facts))


# ---------------------------------------------------------------------------------------------------------------- private


def _added(account: Account) -> datetime | None:
    return timeline.moment(account.fact("org.user", "added_to_org"))


def _is_inside(account: Account) -> bool:
    """Tell whether the account gives anything today, as far as its records say."""
    users = (record.facts for record in account.of("org.user"))
    in_org = any(facts.get("product_access") and facts.get("status", "active") == "active" for facts in users)
    customers = (record.facts for record in account.of("jsm.customer"))
    return in_org or any(facts.get("desks") and facts.get("active", True) for facts in customers)


def _verified(snapshot: Snapshot) -> list[str]:
    found = (record for record in snapshot.of("org.domain") if isinstance(record, Resource))
    return [record.id for record in found if record.facts.get("claim_status") == "verified"]


def _unread(snapshot: Snapshot) -> list[str]:
    """Return what paths may lead through that was not read."""
    gaps = {gap.kind: gap for gap in snapshot.gaps() if gap.kind in _THROUGH}
    covered = {each.kind for each in snapshot.header.coverage}
    return [
        f"{kind}: {gaps[kind].detail}" if kind in gaps else f"{kind}: not collected"
        for kind in sorted(_THROUGH)
        if kind in gaps or kind not in covered
    ]


_THROUGH = frozenset(kind for kind, _ in NEEDS)
_READ = frozenset(
    (
        *(kind for kind, _ in NEEDS),
        *hypotheses.SETTINGS,
        *people.PEOPLE,
        *timeline.READ,
        "org.api_token",
        "org.domain",
    )
)


def _nameless(events: Iterable[Occurrence]) -> frozenset[str]:
    return frozenset(each.actor.id for each in events if each.actor and each.actor.id and not each.actor.name)


def _with_names(events: Iterable[Occurrence], names: Mapping[str, Party]) -> tuple[Occurrence, ...]:
    """Return events whose log names accounts only, with the names that these have elsewhere."""
    return tuple(
        replace(each, actor=names.get(each.actor.id, each.actor)) if each.actor and each.actor.id and not each.actor.name else each
        for each in events
    )
