"""Where the boxes and lines of a trace's pictures are: what leads from the person to what, and what the logs tell of when."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from scanner.render.tracing.told import gap, happened, minute
from scanner.tracing import LOGS, LogGap, Occurrence, Path, Sense, Through, Trace

# So many paths are drawn; the list below the picture has them all.
MOST = 60
_COLUMNS, _WIDTH, _HEIGHT, _STEP, _ROW = 4, 210, 30, 270, 42
_LONGEST = 30


@dataclass(frozen=True, slots=True)
class Box:
    """A thing in the picture, and what it is called in full."""

    x: int
    y: int
    label: str
    said: str
    css: str
    width: int = _WIDTH
    height: int = _HEIGHT


@dataclass(frozen=True, slots=True)
class Edge:
    """A line from one box to another, as the path of an SVG, and what it means."""

    d: str
    said: str
    css: str


@dataclass(frozen=True, slots=True)
class Graph:
    """What leads from the person to what."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    edges: tuple[Edge, ...]
    more: int


def graph(trace: Trace) -> Graph:
    """Return the picture of the access, column by column from the person to what is reached."""
    shown, columns = trace.paths[:MOST], _Columns(trace.person.name)
    for path in shown:
        columns.add(path)
    boxes = columns.boxes()
    height = max((box.y for box in boxes.values()), default=0) + _HEIGHT + 6
    edges = tuple(_edge(boxes[start], boxes[end], said, css) for (start, end), (said, css) in columns.edges.items())
    return Graph((_COLUMNS - 1) * _STEP + _WIDTH + 4, height, tuple(boxes.values()), edges, len(trace.paths) - len(shown))


class _Columns:
    """Puts each thing into its column once."""

    def __init__(self, person: str) -> None:
        self.person = person
        self.columns: list[dict[str, tuple[str, str]]] = [{} for _ in range(_COLUMNS)]
        self.edges: dict[tuple[tuple[int, str], tuple[int, str]], tuple[str, str]] = {}

    def add(self, path: Path) -> None:
        is_public = path.through is Through.PUBLIC
        css = path.through.value
        points = [(0, "anybody" if is_public else "person", "Anybody" if is_public else self.person, "who")]
        points += [(number, stop.address, stop.name, "stop") for number, stop in enumerate(path.stops[: _COLUMNS - 2], start=1)]
        points.append((_COLUMNS - 1, path.target, path.name, "target"))
        for column, key, name, kind in points:
            self.columns[column].setdefault(key, (name, kind))
        for start, end in pairwise(points):
            self.edges.setdefault((start[:2], end[:2]), (path.gives, css))

    def boxes(self) -> dict[tuple[int, str], Box]:
        return {
            (column, key): Box(column * _STEP + 2, row * _ROW + 2, _short(name), name, kind)
            for column, things in enumerate(self.columns)
            for row, (key, (name, kind)) in enumerate(things.items())
        }


def _edge(start: Box, end: Box, said: str, css: str) -> Edge:
    x, y, to_x, to_y = start.x + start.width, start.y + _HEIGHT // 2, end.x, end.y + _HEIGHT // 2
    middle = (x + to_x) // 2
    return Edge(f"M{x} {y}C{middle} {y} {middle} {to_y} {to_x} {to_y}", said, css)


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


# ---------------------------------------------------------------------------------------------------------- the logs in time


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch or a moment in the picture of a log, which is a hundred wide."""

    x: float
    width: float
    css: str
    said: str


@dataclass(frozen=True, slots=True)
class Row:
    """A log in time: where it is silent because nobody could look, and what it tells of the person."""

    name: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Course:
    """All logs in time."""

    first: str
    last: str
    rows: tuple[Row, ...]


def course(trace: Trace) -> Course:
    """Return the picture of what the logs tell of when."""
    last = trace.snapshot.taken_at
    moments = [*(each.time for each in trace.timeline), *(each.until for each in trace.gaps if each.until)]
    moments += [stay.since for stay in trace.stays if stay.since]
    first = min(moments, default=last - timedelta(days=180))
    first -= (last - first) * 0.08
    logs = dict.fromkeys((*(each.log for each in trace.gaps), *(each.log for each in trace.timeline)))
    rows = tuple(
        Row(LOGS.get(log, log), tuple(_marks(_of(trace.gaps, log), _of(trace.timeline, log), first, last))) for log in logs
    )
    return Course(minute(first), minute(last), rows)


def _matters(each: LogGap | Occurrence) -> bool:
    return isinstance(each, Occurrence) and each.sense is not Sense.OTHER


def _of(things: Sequence[LogGap] | Sequence[Occurrence], log: str) -> list[LogGap | Occurrence]:
    return [each for each in things if each.log == log]


def _marks(
    gaps: Sequence[LogGap | Occurrence], events: Sequence[LogGap | Occurrence], first: datetime, last: datetime
) -> Iterator[Mark]:
    whole = (last - first).total_seconds() or 1.0

    def at(moment: datetime) -> float:
        return round(min(100.0, max(0.0, 100 * (moment - first).total_seconds() / whole)), 2)

    # What matters most is drawn last, so that nothing hides it.
    for each in (*gaps, *sorted(events, key=_matters)):
        match each:
            case LogGap(since=since, until=until):
                start, end = at(since or first), at(until or last)
                yield Mark(start, round(end - start, 2), "gap", gap(each))
            case Occurrence(time=time, sense=sense):
                css = {Sense.CAME: "came", Sense.LEFT: "left"}.get(sense, "other")
                yield Mark(at(time), 0.5, css, f"{minute(time)} UTC: {happened(each)}")
