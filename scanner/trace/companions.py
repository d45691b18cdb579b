"""Who else came: the same way, at the hand of the same person, from the same domain, in the same days."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from scanner.domains import domain_of
from scanner.model import Resource, Snapshot
from scanner.trace.people import account_of, same_address
from scanner.trace.timeline import Arrival, moment
from scanner.tracing import Candidate, Companion, Confidence, Stay
from scanner.ways import ENTRANCES

MOST = 50
_DAYS = timedelta(days=3)


@dataclass(slots=True)
class _Other:
    name: str
    email: str | None
    came: datetime | None
    because: dict[str, None]


def companions(
    person: Candidate, stays: Sequence[Stay], arrivals: Iterable[Arrival], snapshot: Snapshot, ours: frozenset[str]
) -> tuple[tuple[Companion, ...], int]:
    """Return the others, those first who have most in common, and how many more there are; `ours` are domains of the company."""
    found: dict[str, _Other] = {}
    _by_events(found, person, stays, arrivals)
    _by_records(found, person, stays, snapshot, ours)
    ordered = sorted(found.items(), key=lambda each: (-len(each[1].because), _late(each[1].came), each[0]))
    return tuple(_companion(*each) for each in ordered[:MOST]), max(0, len(ordered) - MOST)


# ---------------------------------------------------------------------------------------------------------------- private


def _by_events(found: dict[str, _Other], person: Candidate, stays: Sequence[Stay], arrivals: Iterable[Arrival]) -> None:
    proven = [each for stay in stays for each in stay.hypotheses if each.confidence is Confidence.PROVEN]
    ways, hands = {each.way for each in proven}, {each.by.id: each.by for each in proven if each.by and each.by.id}
    for each in arrivals:
        is_meant = each.account == person.id if each.account else _has_address(person, each.email)
        if is_meant:
            continue
        because = [f"the same way: {ENTRANCES[each.way].title}"] if each.way in ways else []
        if each.by and each.by.id in hands:
            because.append(f"at the hand of {each.by.called}, too")
        if each.by and each.by.id == person.id:
            because.append("at the hand of this very person")
        if because:
            told = dict.fromkeys((*because, *_near(each.at, stays)))
            _add(found, each.account, _Other(each.name, each.email, each.at, told))


def _has_address(person: Candidate, email: str | None) -> bool:
    return bool(person.email and email) and same_address(person.email or "") == same_address(email or "")


def _by_records(
    found: dict[str, _Other], person: Candidate, stays: Sequence[Stay], snapshot: Snapshot, ours: frozenset[str]
) -> None:
    domain = domain_of(person.email) if person.email else None
    for record in snapshot.of("jsm.customer", "org.user"):
        if not isinstance(record, Resource) or account_of(record) == person.id:
            continue
        email = str(record.facts.get("email") or "")
        came = moment(record.facts.get("added_to_org"))
        is_of_domain = domain is not None and domain not in ours and bool(email) and domain_of(email) == domain
        because = [f"the same domain: {domain}"] if is_of_domain else []
        if because or account_of(record) in found:
            told = dict.fromkeys((*because, *_near(came, stays)))
            _add(found, account_of(record), _Other(record.name, email or None, came, told))


def _near(came: datetime | None, stays: Sequence[Stay]) -> Iterator[str]:
    if came and any(stay.since and abs(came - stay.since) <= _DAYS for stay in stays):
        yield f"within {_DAYS.days} days"


def _add(found: dict[str, _Other], account: str, told: _Other) -> None:
    """Add what is told of somebody to what was told before."""
    other = found.setdefault(account, told)
    other.name, other.email, other.came = told.name or other.name, told.email or other.email, other.came or told.came
    other.because |= told.because


def _late(came: datetime | None) -> float:
    return -came.timestamp() if came else 0.0


def _companion(account: str, other: _Other) -> Companion:
    return Companion(account=account, name=other.name, email=other.email, came=other.came, because=tuple(other.because))
