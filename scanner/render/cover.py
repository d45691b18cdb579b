"""The cover of a review pack: one page to print and to sign, with what is in the pack and the digest of each file."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from scanner.model import Drift, Effect, History, Report
from scanner.render.drift.told import LABELS
from scanner.render.history import told
from scanner.render.history.html import filled

TEMPLATE = "cover.html.j2"
# So many of what is open are on the cover; the report has all.
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
    opened = [(each.severity.value, each.policy, each.name, told.stood(each.openings[-1], last)) for each in history.open]
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
            ended=sum(each.until is not None for timeline in history.timelines for each in timeline.openings),
            open=tuple(opened[:MOST]),
            more_open=max(0, len(opened) - MOST),
            nothing_open=told.nothing_open(history),
            waivers=Counter(each.state.value for each in report.waivers),
            attested=sum(each.counted for each in report.attestations),
            gaps=len(report.gaps),
            notes=tuple(notes),
            files=tuple(files),
        ),
    )


# ---------------------------------------------------------------------------------------------------------------- private


def _effects(drift: Drift) -> tuple[tuple[str, str, int], ...]:
    return tuple((*LABELS[effect], len(drift.turned(effect))) for effect in Effect if drift.turned(effect))
