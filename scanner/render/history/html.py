"""A history as one HTML file: pictures of what was open when, made of SVG; it asks the network for nothing and runs no script."""

from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from markupsafe import Markup

from scanner.model import Course, Effect, History, Moment, Opening, Severity, Standing, Timeline
from scanner.render.history.told import (
    WORDS,
    bumps,
    day,
    found,
    groups,
    is_eventful,
    latest,
    minute,
    nothing_open,
    span,
    stood,
    subject,
    worst_first,
)
from scanner.render.html import environment
from scanner.shipped import shipped

TEMPLATE, STYLES = "history.html.j2", ("report.css", "history.css")
# So many verdicts are shown of each group: a page that is printed has an end.
MOST = 250


def render(history: History) -> str:
    """Return the history as one HTML document."""
    return filled(TEMPLATE, _page(history))


def filled(template: str, page: object) -> str:
    """Return one of our pages that run no script; its style is that of the report, and that of a history."""
    style = "\n".join((shipped("reports") / name).read_text(encoding="utf-8") for name in STYLES)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    csp = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    rendered: str = environment().get_template(template).render(page=page, style=Markup(style), csp=csp)  # noqa: S704  our own style
    return rendered


# ------------------------------------------------------------------------------------------------------ what a template sees


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar in a picture that is a hundred wide; `said` is what it means."""

    x: float
    width: float
    css: str
    said: str
    y: float = 0
    height: float = 0


@dataclass(frozen=True, slots=True)
class Row:
    """A verdict over time: for how long it was open, as bars and in words, and what became of it when."""

    policy: str
    address: str
    name: str
    severity: Severity
    bars: tuple[Bar, ...]
    stood: tuple[str, ...]
    also: str
    moments: tuple[tuple[str, str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy over time."""

    id: str
    title: str
    severity: Severity
    bars: tuple[Bar, ...]
    latest: str
    bumps: str


@dataclass(frozen=True, slots=True)
class Page:
    """Everything that the template shows, counted and worded."""

    subject: str
    span: str
    tool: str
    profiles: str
    open: tuple[Row, ...]
    more_open: int
    nothing_open: str
    left: tuple[Row, ...]
    more_left: int
    others: tuple[Row, ...]
    more_others: int
    trend: tuple[Bar, ...]
    most: int
    first: str
    last: str
    looks: tuple[tuple[str, str, int, Counter[str]], ...]
    policies: tuple[Policy, ...]
    quiet: int
    limits: tuple[tuple[str, str], ...]


# ---------------------------------------------------------------------------------------------------------------- private

_WIDTH, _HEIGHT, _SMALL = 100.0, 40.0, 12.0
_PARTS = ("fail", "waived", "unknown")
_LABELS = {"fail": "failing", "waived": "waived", "unknown": "unknown"}


def _page(history: History) -> Page:
    opened, left, others = groups(history)
    told = [course for course in worst_first(history.courses) if is_eventful(course)]
    sums = [_sum(history.courses, index) for index in range(len(history.looks))]
    return Page(
        subject=subject(history),
        span=span(history),
        tool=history.tool,
        profiles=", ".join(dict.fromkeys(look.profile for look in history.looks)),
        open=tuple(_row(each, history) for each in opened[:MOST]),
        more_open=max(0, len(opened) - MOST),
        nothing_open=nothing_open(history),
        left=tuple(_row(each, history) for each in left[:MOST]),
        more_left=max(0, len(left) - MOST),
        others=tuple(_row(each, history) for each in others[:MOST]),
        more_others=max(0, len(others) - MOST),
        trend=tuple(_columns(sums, history, _HEIGHT)),
        most=max((each.total() for each in sums), default=0),
        first=day(history.looks[0].taken_at),
        last=day(history.looks[-1].taken_at),
        looks=tuple(
            (minute(look.taken_at), look.snapshot, look.exit_code, each) for look, each in zip(history.looks, sums, strict=True)
        ),
        policies=tuple(_policy(course, history) for course in told),
        quiet=len(history.courses) - len(told),
        limits=tuple((day(limit.at), limit.because) for limit in history.limits),
    )


def _sum(courses: Sequence[Course], index: int) -> Counter[str]:
    total: Counter[str] = Counter()
    for course in courses:
        total += _counted(course.standings[index])
    return total


def _counted(standing: Standing | None) -> Counter[str]:
    return Counter({part: getattr(standing, part) for part in _PARTS}) if standing else Counter()


def _columns(numbers: Sequence[Counter[str]], history: History, height: float) -> Iterator[Bar]:
    """Yield a column for each look, of what fails at the bottom, and of what is waived and unknown above it."""
    most, step = max((each.total() for each in numbers), default=0) or 1, _WIDTH / len(numbers)
    for index, (look, each) in enumerate(zip(history.looks, numbers, strict=True)):
        said = f"{day(look.taken_at)}: " + (
            ", ".join(f"{each[part]} {_LABELS[part]}" for part in _PARTS if each[part]) or "nothing"
        )
        top = height
        for part in _PARTS:
            if each[part]:
                tall = height * each[part] / most
                top -= tall
                yield Bar(round(index * step, 3), round(step * 0.8, 3), part, said, round(top, 3), round(tall, 3))


def _policy(course: Course, history: History) -> Policy:
    numbers = [_counted(each) for each in course.standings]
    step = _WIDTH / len(numbers)
    absent = (
        Bar(round(index * step, 3), round(step * 0.8, 3), "absent", f"{day(look.taken_at)}: not applied", _SMALL - 1, 1)
        for index, (look, each) in enumerate(zip(history.looks, course.standings, strict=True))
        if each is None
    )
    bars = (*_columns(numbers, history, _SMALL), *absent)
    return Policy(course.policy, course.title, course.severity, bars, latest(course), bumps(history, course))


def _row(timeline: Timeline, history: History) -> Row:
    last = history.looks[-1].taken_at
    bars = [_opening(each, history) for each in timeline.openings]
    return Row(
        timeline.policy,
        timeline.address,
        timeline.name,
        timeline.severity,
        (*bars, *_unseen(timeline.moments, history)),
        tuple(stood(each, last) for each in timeline.openings),
        found(timeline) if timeline.open_since else "",
        tuple((day(each.at), each.effect.value, WORDS[each.effect], _told(each)) for each in timeline.moments),
    )


def _told(moment: Moment) -> str:
    since = "from the first look on" if moment.after is None else f"after {day(moment.after)}"
    return f"{since}: {moment.because}"


def _opening(opening: Opening, history: History) -> Bar:
    return _stretch(opening.since, opening.until, history, "fail", stood(opening, history.looks[-1].taken_at))


def _unseen(moments: Sequence[Moment], history: History) -> Iterator[Bar]:
    """Yield the stretches in which it was out of sight."""
    ends = (*(moment.at for moment in moments[1:]), None)
    for moment, until in zip(moments, ends, strict=True):
        if moment.effect is Effect.SIGHT_LOST:
            yield _stretch(moment.at, until, history, "unknown", f"out of sight since {day(moment.at)}")


def _stretch(since: datetime, until: datetime | None, history: History, css: str, said: str) -> Bar:
    start, end = _x(since, history), _x(until or history.looks[-1].taken_at, history)
    return Bar(round(start, 3), round(max(end - start, 0.8), 3), css, said)


def _x(moment: datetime, history: History) -> float:
    first, last = history.looks[0].taken_at, history.looks[-1].taken_at
    whole = (last - first).total_seconds() or 1.0
    return (_WIDTH - 1) * (moment - first).total_seconds() / whole
