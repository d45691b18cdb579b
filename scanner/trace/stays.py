"""The times that somebody was inside, by what the log tells: who was removed and is back has come in twice."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from scanner.tracing import Occurrence, Party, Sense

# What lies closer together is one coming in: an invitation and its acceptance, a request and its approval.
_TOGETHER = timedelta(days=2)
# What gives somebody more who may be inside already, and is no new coming in by itself.
_MORE = frozenset({"added-by-admin", "default-group", "made-customer", "participant"})


@dataclass(slots=True)
class Told:
    """A stay as the log tells it: from when until when, who ended it, and the events by which it began."""

    since: datetime | None
    until: datetime | None = None
    ended_by: Party | None = None
    began: list[Occurrence] = field(default_factory=list)


def told(timeline: Iterable[Occurrence], added: datetime | None, *, inside: bool = False) -> tuple[Told, ...]:
    """Return the stays in their order: at least one, perhaps one of which nothing is known. By the record it began when `added`.

    Who was put out and is `inside` has come back, though no log says when.
    """
    found: list[Told] = []
    for event in timeline:
        if event.sense is Sense.CAME:
            _come(found, event)
        elif event.sense is Sense.LEFT and (not found or found[-1].until is None):
            _leave(found, event)
    stays = _with_record(found, added)
    return (*stays, Told(None)) if inside and stays[-1].until else tuple(stays)


# ---------------------------------------------------------------------------------------------------------------- private


def _come(found: list[Told], event: Occurrence) -> None:
    """Begin a stay with an event, or take it to the one that it belongs to."""
    last = found[-1] if found and found[-1].until is None else None
    if last is None or last.since is None:
        found.append(Told(event.time, began=[event]))
    elif event.time - last.since <= _TOGETHER or any(_ways(event) & _ways(each) for each in last.began):
        last.began.append(event)
    elif _MORE.isdisjoint(_ways(event)):
        # Whoever comes in again was out, though no log says when.
        found.append(Told(event.time, began=[event]))


def _leave(found: list[Told], event: Occurrence) -> None:
    """End a stay; one that began before the log did was there."""
    if not found:
        found.append(Told(None))
    found[-1].until, found[-1].ended_by = event.time, event.actor


def _with_record(found: Sequence[Told], added: datetime | None) -> list[Told]:
    """Fit in when the person's record says that they were first added."""
    if not found:
        return [Told(added)]
    first = found[0]
    if added is None or (first.since and added >= first.since):
        return list(found)
    if first.since is None or first.since - added <= _TOGETHER:
        first.since = added
        return list(found)
    if not any(_MORE.isdisjoint(_ways(each)) for each in first.began):
        # What the log tells came to somebody who was inside already.
        first.since, first.began = added, []
        return list(found)
    return [Told(added), *found]


def _ways(event: Occurrence) -> frozenset[str]:
    return frozenset((event.way,) if event.way else event.ways)
