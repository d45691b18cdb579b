"""A trace as plain text, for a terminal, a pipe or a log: the story first, then what it rests on."""

from collections.abc import Iterable, Iterator, Sequence

from scanner.render.text import Line, Page, Part, plain, visible
from scanner.render.tracing.told import (
    CONFIDENCE,
    SENSES,
    Reached,
    day,
    gap,
    happened,
    minute,
    route,
    ruled_out,
    span,
    state,
    story,
    subtitle,
    title,
    verdict,
    with_account,
    without_account,
)
from scanner.tracing import Clue, Confidence, Doorway, Hypothesis, LogGap, Occurrence, Sense, Todo, Trace

# So much is shown of a kind: what somebody did inside is in the JSON as a whole.
MOST = 40


def render(trace: Trace, *, width: int = 100) -> str:
    """Return a trace as text without colours, in lines of `width` where words allow."""
    return plain(page(trace), width=width)


def page(trace: Trace) -> Page:
    """Return what a terminal shows of a trace."""
    return Page(tuple(_lines(trace)))


# ---------------------------------------------------------------------------------------------------------------- private

_PLAIN, _TITLE, _ASIDE, _HEADING = "", "bold", "dim", "bold underline"
_STYLES = {
    Confidence.PROVEN: "bold red",
    Confidence.LIKELY: "red",
    Confidence.POSSIBLE: "magenta",
}
_OF_SENSES = {Sense.CAME: "bold red", Sense.LEFT: "green", Sense.OTHER: _PLAIN}
_OF_STATES = {True: "bold red", False: "green", None: "magenta"}


def _lines(trace: Trace) -> Iterator[Line]:
    yield Line((_part(title(trace), _TITLE),))
    yield Line((_part(subtitle(trace), _ASIDE),))
    yield Line()
    yield from (Line((_part(each),), indent=2) for each in story(trace))
    yield from _section("Who", _who(trace))
    yield from _section("Access now", _access(trace))
    yield from _section("History", _history(trace))
    yield from _section("How they got in", _stays(trace))
    yield from _section("Is the door open still", _doors(trace.doorways))
    yield from _section("Who else", _others(trace))
    yield from _section("What to do", _todo(trace.todo))


def _section(heading: str, lines: Iterable[Line]) -> Iterator[Line]:
    yield Line()
    yield Line(((heading, _HEADING),))
    yield Line()
    yield from lines


def _who(trace: Trace) -> Iterator[Line]:
    width = max((len(each.name) for each in trace.known), default=0) + 2
    for each in trace.known:
        source = f"  ({each.source.value})" if each.source else ""
        yield Line((_part(each.says), _part(source, _ASIDE)), (visible(f"{each.name:<{width}}"), _ASIDE), indent=2)


def _access(trace: Trace) -> Iterator[Line]:
    told = with_account(trace)
    if not told:
        yield Line((_part("nothing that was read leads from this account to anything", _ASIDE),), indent=2)
    yield from _tree(told)
    if public := without_account(trace):
        yield Line()
        yield Line((_part("Anybody sees this without an account, this person too:"),), indent=2)
        yield from _tree(public)
    for each in trace.unread:
        yield Line((_part(f"not known, for it was not read whole: {each}", _ASIDE),), indent=2)


def _tree(targets: Sequence[Reached]) -> Iterator[Line]:
    for target in targets[:MOST]:
        yield Line((_part(target.name, _TITLE),), indent=2)
        for number, path in enumerate(target.paths, start=1):
            branch = "└─ " if number == len(target.paths) else "├─ "
            yield Line((_part(route(path)), _part(f"  ({path.source.value})", _ASIDE)), (branch, _ASIDE), indent=2)
    if len(targets) > MOST:
        yield Line((_part(f"and {len(targets) - MOST:,} more; -f json has them all", _ASIDE),), indent=2)


def _history(trace: Trace) -> Iterator[Line]:
    for each in trace.gaps:
        yield _gap(each)
    events = trace.timeline
    told = [each for each in events if each.sense is not Sense.OTHER]
    others = [each for each in events if each.sense is Sense.OTHER]
    shown = sorted((*told, *others[-MOST:]), key=lambda each: (each.time, each.event))
    if len(others) > MOST:
        yield Line((_part(f"{len(others) - MOST:,} earlier events of other kinds are in the JSON only", _ASIDE),), indent=2)
    if not events:
        yield Line((_part("no event that could be read names this account", _ASIDE),), indent=2)
    yield from map(_event, shown)


def _gap(each: LogGap) -> Line:
    return Line((_part(gap(each), "magenta"),), ("~ ~ ~ ~ ~ ~ ~ ~   ", "magenta"), indent=2)


def _event(event: Occurrence) -> Line:
    sense = SENSES[event.sense]
    parts = (
        _part(f"{sense}: " if sense else "", _OF_SENSES[event.sense]),
        _part(happened(event)),
        _part(f"  {event.event}", _ASIDE),
    )
    return Line(parts, (f"{minute(event.time)}  ", _ASIDE), indent=2)


def _stays(trace: Trace) -> Iterator[Line]:
    for number, stay in enumerate(trace.stays):
        if number:
            yield Line()
        yield Line((_part(span(stay, number), _TITLE),), indent=2)
        yield from (line for each in stay.hypotheses if each.confidence is not Confidence.RULED_OUT for line in _hypothesis(each))
        for because, ways in ruled_out(stay).items():
            yield Line((_part(f"{ways}: "), _part(because, _ASIDE)), (_lead(Confidence.RULED_OUT), _ASIDE), indent=4)


def _hypothesis(each: Hypothesis) -> Iterator[Line]:
    lead = _lead(each.confidence), _STYLES[each.confidence]
    said = {clue.says for clue in (*each.speaks_for, *each.speaks_against)}
    because = "" if each.because in said else f": {each.because}"
    yield Line((_part(each.title, _TITLE), _part(because)), lead, indent=4)
    yield from (_clue("+ ", clue) for clue in each.speaks_for)
    yield from (_clue("- ", clue) for clue in each.speaks_against)


def _lead(confidence: Confidence) -> str:
    return f"{CONFIDENCE[confidence]:<11}"


def _clue(sign: str, clue: Clue) -> Line:
    where = f"  {clue.address}{f' ({clue.source.value})' if clue.source else ''}" if clue.address else ""
    return Line((_part(clue.says), _part(where, _ASIDE)), (sign, _PLAIN), indent=15)


def _doors(ways: Sequence[Doorway]) -> Iterator[Line]:
    for way in ways:
        yield Line((_part(f"{way.title}: ", _TITLE), _part(state(way), _OF_STATES[way.is_open])), indent=2)
        for guard in way.guards:
            severity = f" ({guard.severity.value})" if guard.severity else ""
            yield Line((_part(f"{guard.policy}{severity}: {verdict(guard)}"), _part(f"  {guard.title}", _ASIDE)), indent=4)
            yield from (Line((_part(each),), indent=6) for each in guard.findings[:MOST])
    if not ways:
        yield Line((_part("every way that is known is ruled out", _ASIDE),), indent=2)


def _others(trace: Trace) -> Iterator[Line]:
    for each in trace.companions:
        came = day(each.came) if each.came else "not known "
        parts = (_part(f"{each.name} ({each.email or each.account})", _TITLE), _part(f"  {'; '.join(each.because)}"))
        yield Line(parts, (f"{came}  ", _ASIDE), indent=2)
    if trace.more_companions:
        yield Line((_part(f"and {trace.more_companions:,} more", _ASIDE),), indent=2)
    if not trace.companions:
        yield Line((_part("nobody that is known of", _ASIDE),), indent=2)


def _todo(todo: Sequence[Todo]) -> Iterator[Line]:
    for number, each in enumerate(todo, start=1):
        yield Line((_part(each.title, _TITLE),), (f"{number:>2}. ", _TITLE), indent=2)
        for step, click in enumerate(each.clicks, start=1):
            yield Line((_part(click),), (f"{number}.{step}  ", _ASIDE), indent=6)


def _part(text: str, style: str = _PLAIN) -> Part:
    return visible(text), style
