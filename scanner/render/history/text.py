"""A history as plain text, for a terminal, a pipe or a log: what is open first, by its age."""

from collections.abc import Iterator, Sequence

from scanner.model import Course, Effect, History, Moment, Severity, Timeline
from scanner.render.history.told import (
    KEY,
    WORDS,
    bumps,
    day,
    found,
    groups,
    is_eventful,
    latest,
    nothing_open,
    span,
    spark,
    stood,
    subject,
    worst_first,
)
from scanner.render.text import Line, Page, Part, plain, visible

# So many verdicts are shown of each group.
MOST = 50


def render(history: History, *, width: int = 100) -> str:
    """Return a history as text without colours, in lines of `width` where words allow."""
    return plain(page(history), width=width)


def page(history: History) -> Page:
    """Return what a terminal shows of a history."""
    return Page(tuple(_lines(history)))


# ---------------------------------------------------------------------------------------------------------------- private

_PLAIN, _TITLE, _ASIDE, _HEADING = "", "bold", "dim", "bold underline"
_STYLES = {
    Effect.OPENED: "red",
    Effect.STILL_OPEN: "red",
    Effect.SIGHT_LOST: "magenta",
    Effect.INCOMPARABLE: "magenta",
    Effect.SIGHT_GAINED: "cyan",
    Effect.CLOSED: "green",
    Effect.GONE: "green",
}


def _lines(history: History) -> Iterator[Line]:
    yield Line((_part(f"History of {subject(history)}", _TITLE),))
    yield Line((_part(span(history), _ASIDE),))
    yield Line()
    opened, left, others = groups(history)
    yield from _group(f"Open, the oldest first ({len(opened)})", opened, history, nothing_open(history))
    if left:
        yield from _group(f"Open or unknown, as far as it could be compared ({len(left)})", left, history, "none")
    yield from _group(f"Not open any more, or seen again ({len(others)})", others, history, "none")
    yield from _courses(history)
    yield from _limits(history)


def _group(title: str, timelines: Sequence[Timeline], history: History, none: str) -> Iterator[Line]:
    yield Line(((title, _HEADING),))
    yield Line()
    if not timelines:
        yield Line(((none, _ASIDE),), indent=2)
        yield Line()
    for timeline in timelines[:MOST]:
        yield from _timeline(timeline, history)
    if len(timelines) > MOST:
        yield Line(((f"and {len(timelines) - MOST} more; -f json has them all", _ASIDE),), indent=2)
        yield Line()


def _timeline(timeline: Timeline, history: History) -> Iterator[Line]:
    yield Line(
        (
            _part(f"{timeline.severity.value:<10}"),
            _part(timeline.policy, _TITLE),
            _part(f"  {timeline.address}"),
            _part(f"  {timeline.name}", _ASIDE),
        ),
        indent=2,
    )
    for opening in timeline.openings:
        also = f" ({found(timeline)})" if opening.until is None and found(timeline) else ""
        yield Line((_part(f"{stood(opening, history.looks[-1].taken_at)}{also}"),), indent=12)
    for moment in timeline.moments:
        yield _moment(moment)
    yield Line()


def _moment(moment: Moment) -> Line:
    lead = f"{day(moment.at)}  {WORDS[moment.effect]}"
    since = "from the first look on" if moment.after is None else f"after {day(moment.after)}"
    return Line((_part(f"{since}: {moment.because}", _ASIDE),), (f"{lead}  ", _STYLES[moment.effect]), indent=14)


def _courses(history: History) -> Iterator[Line]:
    yield Line((("Policies", _HEADING),))
    yield Line()
    yield Line(((KEY, _ASIDE),), indent=2)
    yield Line()
    told = [course for course in worst_first(history.courses) if is_eventful(course)]
    for course in told:
        yield _course(course, history)
    if quiet := len(history.courses) - len(told):
        yield Line(
            ((f"{'policies' if quiet > 1 else 'policy'} of which nothing ever failed or was unknown: {quiet}", _ASIDE),), indent=2
        )
    yield Line()


def _course(course: Course, history: History) -> Line:
    more = "; ".join(filter(None, (latest(course), bumps(history, course))))
    title = (_part(f"{course.severity.value:<10}"), _part(course.policy, _severity_style(course.severity)))
    return Line(title, (f"{spark(course)}  ", _PLAIN), indent=2, beside=(visible(more), _ASIDE))


def _severity_style(severity: Severity) -> str:
    return _TITLE if severity.rank >= Severity.HIGH.rank else _PLAIN


def _limits(history: History) -> Iterator[Line]:
    if not history.limits:
        return
    yield Line((("Not to be compared", _HEADING),))
    yield Line()
    for limit in history.limits:
        yield Line((_part(limit.because),), (f"{day(limit.at)}  ", _ASIDE), indent=2)


def _part(text: str, style: str = _PLAIN) -> Part:
    return visible(text), style
