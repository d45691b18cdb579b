"""The picture that an HTML report begins with: how each door stands and who stands in it, and what came out in each area."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from scanner.doors import DOORS, Door
from scanner.model import Finding, Judged, LeftOut, Report
from scanner.render.html_words import Outcome

# What guards no door watches whether anybody would know.
WATCHING = Door("none", "Would we know?", "Whether the log can be read, and whether what people stated is in date.")

_NAMES_SHOWN = 3

Counts = Mapping[str, Counter[str]]


class Standing(StrEnum):
    """How a door stands, worst first. What is not known is never drawn as closed."""

    OPEN = "open"
    UNKNOWN = "unknown"
    EXCUSED = "excused"
    CLOSED = "closed"
    UNWATCHED = "unwatched"

    @property
    def label(self) -> str:
        """Return its words."""
        return _LABELS[self]


_LABELS = {
    Standing.OPEN: "open",
    Standing.UNKNOWN: "not known",
    Standing.EXCUSED: "open, excused",
    Standing.CLOSED: "closed",
    Standing.UNWATCHED: "not looked at",
}

_BY_OUTCOME = {
    Outcome.FAIL: Standing.OPEN,
    Outcome.UNKNOWN: Standing.UNKNOWN,
    Outcome.WAIVED: Standing.EXCUSED,
    Outcome.PASS: Standing.CLOSED,
}


@dataclass(frozen=True, slots=True)
class Doorway:
    """A door, how it stands, and who stands in it: the worst that fails by name, and how much more."""

    door: Door
    standing: Standing
    counts: Mapping[str, int]
    policies: int
    left_out: int
    relaxed: int
    names: tuple[str, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Area:
    """What came out in one area, and the same as a bar."""

    id: str
    counts: Mapping[str, int]
    bar: tuple[tuple[Outcome, float, float], ...]


def doorways(report: Report, findings: Sequence[Finding], counts: Counts) -> tuple[Doorway, ...]:
    """Return the doors in their order, and last what watches; `findings` come worst first."""
    return tuple(_doorway(door, report, findings, counts) for door in (*DOORS.values(), WATCHING))


def door_of(policy: Judged | LeftOut) -> str:
    """Return the door that a policy guards, or what watches."""
    return DOORS.get(policy.door or "", WATCHING).id


def areas(policies: Iterable[Judged], counts: Counts) -> Iterator[Area]:
    """Yield what came out, area by area."""
    totals: dict[str, Counter[str]] = {}
    for policy in policies:
        totals.setdefault(area_of(policy.id), Counter()).update(counts[policy.id])
    for id_, total in sorted(totals.items()):
        yield Area(id_, total, tuple(part for part in bar(total) if part[2]))


def area_of(policy: str) -> str:
    """Return the folder that a policy lies in."""
    return policy.partition("/")[0]


def bar(counts: Mapping[str, int]) -> Iterator[tuple[Outcome, float, float]]:
    """Yield where each outcome starts in a bar of a hundred, and how wide it is."""
    total = sum(counts.values()) or 1
    start = 0.0
    for outcome in Outcome:
        width = 100 * counts.get(outcome.value, 0) / total
        yield outcome, round(start, 2), round(width, 2)
        start += width


# ---------------------------------------------------------------------------------------------------------------- private


def _doorway(door: Door, report: Report, findings: Iterable[Finding], counts: Counts) -> Doorway:
    own = {policy.id: policy for policy in report.policies if door_of(policy) == door.id}
    left_out = sum(door_of(policy) == door.id for policy in report.left_out)
    total = sum((counts[policy] for policy in own), Counter())
    names = list(dict.fromkeys(each.name for each in findings if each.policy in own and each.word == Outcome.FAIL))
    return Doorway(
        door=door,
        standing=_standing(total, left_out),
        counts=total,
        policies=len(own),
        left_out=left_out,
        relaxed=sum(bool(policy.relaxed) for policy in own.values()),
        names=tuple(names[:_NAMES_SHOWN]),
        more=max(0, len(names) - _NAMES_SHOWN),
    )


def _standing(counts: Mapping[str, int], left_out: int) -> Standing:
    """Return how a door stands. One is not known to be closed while a policy that guards it is not applied."""
    standing = next((standing for outcome, standing in _BY_OUTCOME.items() if counts.get(outcome.value)), Standing.UNWATCHED)
    return Standing.UNKNOWN if standing is Standing.CLOSED and left_out else standing
