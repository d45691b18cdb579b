"""The cover of a review pack: one page to print and to sign, with what is in the pack and the digest of each file."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from scanner.model import Drift, Effect, History, Report, Timeline
from scanner.render.drift.told import LABELS, counted, entries
from scanner.render.history import told
from scanner.render.history.html import filled

TEMPLATE = "cover.html.j2"
# So many of what is open are on the cover, and of what was when it could last be compared; the history has all.
MOST = 25


@dataclass(frozen=True, slots=True)
class Listed:
    """A file of the pack: its name, what it is, its size and its digest."""

    name: str
    what: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Cover:
    """Everything that the cover shows."""

    subject: str
    since: date
    until: date
    reviewer: str | None
    report: Report
    counts: Counter[str]
    looks: str
    taken_at: str
    drift: tuple[tuple[str, str, int], ...] | None
    changes: int
    ended: int
    open: tuple[tuple[str, str, str, str], ...]
    more_open: int
    nothing_open: str
    left: tuple[tuple[str, str, str, str, str], ...]
    more_left: int
    waivers: Counter[str]
    attested: int
    gaps: int
    notes: tuple[str, ...]
    files: tuple[Listed, ...]


def render(
    report: Report,
    history: History,
    drift: Drift | None,
    *,
    window: tuple[date, date],
    reviewer: str | None,
    files: Sequence[Listed],
    notes: Sequence[str],
) -> str:
    """Return the cover as one HTML document."""
    last = history.looks[-1].taken_at
    opened = [(each.severity.value, each.policy, each.name, _how_long(each, last)) for each in history.open]
    left = [
        (each.severity.value, each.policy, each.name, _how_long(each, last), each.moments[-1].because)
        for each in told.left_open(history)
    ]
    return filled(
        TEMPLATE,
        Cover(
            subject=told.subject(history),
            since=window[0],
            until=window[1],
            reviewer=reviewer,
            report=report,
            counts=sum(report.counts().values(), Counter()),
            looks=told.span(history),
            taken_at=told.minute(report.snapshot.taken_at),
            drift=_effects(drift) if drift else None,
            changes=len(drift.changes) if drift else 0,
            ended=told.ended(history),
            open=tuple(opened[:MOST]),
            more_open=max(0, len(opened) - MOST),
            nothing_open=told.nothing_open(history),
            left=tuple(left[:MOST]),
            more_left=max(0, len(left) - MOST),
            waivers=Counter(each.state.value for each in report.waivers),
            attested=sum(each.counted for each in report.attestations),
            gaps=len(report.gaps),
            notes=tuple(notes),
            files=tuple(files),
        ),
    )


# ---------------------------------------------------------------------------------------------------------------- private


def _how_long(timeline: Timeline, last: datetime) -> str:
    also = told.found(timeline) if timeline.open_since else ""
    return f"{told.stood(timeline.openings[-1], last)}{f' ({also})' if also else ''}"


def _effects(drift: Drift) -> tuple[tuple[str, str, int], ...]:
    """Return how much there is of each effect, as the pack's page of the drift counts it; what is neutral is no verdict's."""
    numbers = counted(entries(drift))
    return tuple((*LABELS[effect], number) for effect, number in numbers.items() if number and effect is not Effect.NEUTRAL)
