"""Drift as plain text, for a terminal, a pipe or a log: what opened first, and the exit code last."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from scanner.model import Change, Drift, Effect, Header, What
from scanner.render.drift.told import (
    LABELS,
    Entry,
    brief,
    cause,
    counted,
    entries,
    facts,
    noun,
    path,
    sides,
    summed,
    unexplained,
    utc,
    verdicts,
    what,
)
from scanner.render.text import Line, Page, Part, plain, visible

# How many are shown of each effect, of each kind that changed and opened nothing, and of one thing's facts and events.
MOST, MOST_OF_A_KIND, MOST_FACTS = 20, 5, 8
MOST_TEXT = 200

_STYLES = {
    Effect.OPENED: "bold red",
    Effect.SIGHT_LOST: "bold magenta",
    Effect.INCOMPARABLE: "bold magenta",
    Effect.STILL_OPEN: "red",
    Effect.SIGHT_GAINED: "cyan",
    Effect.CLOSED: "green",
    Effect.GONE: "green",
    Effect.NEUTRAL: "dim",
}
_PLAIN, _TITLE, _ASIDE, _HEADING = "", "bold", "dim", "bold underline"


def render(drift: Drift, *, whole: bool = False, width: int = 100) -> str:
    """Return drift as text without colours; of what opened nothing is left out, of all else only if it is to be `whole`."""
    return plain(page(drift, whole=whole), width=width)


def page(drift: Drift, *, whole: bool = False) -> Page:
    """Return drift as something that a Rich console prints, in colour where it has colours."""
    return Page(tuple(_lines(drift, whole=whole)))


# ---------------------------------------------------------------------------------------------------------------- private


def _lines(drift: Drift, *, whole: bool) -> Iterator[Line]:
    told = tuple(entries(drift))
    titles = {policy.id: policy.title for policy in drift.policies}
    yield from _header(drift, told)
    opened = [entry for entry in told if entry.effect is Effect.OPENED]
    yield from _section(Effect.OPENED, opened, titles, len(opened))
    yield from _limits(drift.limits)
    for effect in (effect for effect in LABELS if effect not in (Effect.OPENED, Effect.NEUTRAL)):
        together = [entry for entry in told if entry.effect is effect]
        yield from _section(effect, together, titles, len(together) if whole else MOST)
    yield from _neutral([entry for entry in told if entry.effect is Effect.NEUTRAL], whole=whole)
    yield Line((_part(f"exit code {drift.gate.exit_code}: {drift.gate.because}", _TITLE),))


def _header(drift: Drift, told: Iterable[Entry]) -> Iterator[Line]:
    target = drift.new.target
    names = filter(None, (target.org_name or target.org, *target.sites))
    yield Line((_part(drift.tool, _TITLE), _part(f", profile {drift.profile}")))
    yield Line()
    yield _entry("scanned", ", ".join(names) or "nothing")
    yield _entry("before", _taken(drift.old))
    yield _entry("after", _taken(drift.new))
    yield _entry("drift", summed(counted(told)))
    yield Line()


def _taken(header: Header) -> str:
    whole = sum(each.complete for each in header.coverage)
    read = f"{whole} of {len(header.coverage)} kinds read whole" if header.coverage else "it does not say what was read"
    return f"{utc(header.taken_at)}, snapshot {header.id}, {read}"


def _section(effect: Effect, together: Sequence[Entry], titles: dict[str, str], most: int) -> Iterator[Line]:
    if not together:
        return
    label, meaning = LABELS[effect]
    yield Line((_part(f"{label.capitalize()}: {len(together):,}", _HEADING), _part(f"  {meaning}", _ASIDE)))
    yield Line()
    for entry in together[:most]:
        yield from _told(entry, titles)
    yield from _more(len(together) - most, 2)
    yield Line()


def _more(number: int, indent: int) -> Iterator[Line]:
    if number > 0:
        yield Line((_part(f"… and {number:,} more; --all shows them", _ASIDE),), indent=indent)


def _limits(limits: Sequence[str]) -> Iterator[Line]:
    """Say what cannot be compared, before anything is called closed."""
    if not limits:
        return
    yield Line((_part("Limits of this comparison", _HEADING),))
    yield Line()
    for limit in limits:
        yield Line((_part(limit),), ("- ", _PLAIN), indent=2)
    yield Line()


def _told(entry: Entry, titles: dict[str, str]) -> Iterator[Line]:
    style = _STYLES[entry.effect]
    if turn := entry.turn:
        yield Line((_part(turn.policy, _TITLE), _part(f"  {titles.get(turn.policy, '')}")), _lead(turn.severity, style), indent=2)
        yield Line((_part(turn.address, _TITLE), _part(f"  {turn.name}")), indent=12)
        yield Line((_part(f"{verdicts(turn)}: {turn.because}"),), indent=12)
    else:
        lead = _lead(entry.changes[0].what, style)
        yield Line((_part(entry.address, _TITLE), _part(f"  {entry.name}")), lead, indent=2)
    for change in entry.changes:
        yield from _change(change)
    for change in entry.others[:MOST_FACTS]:
        yield Line((_part(f"{change.address}  {change.name}"),), ("also: ", _ASIDE), indent=12)
        if entry.effect is Effect.OPENED:
            yield from _change(change, 14)
    yield from _more(len(entry.others) - MOST_FACTS, 12)


def _change(change: Change, indent: int = 12) -> Iterator[Line]:
    yield Line((_part(what(change)),), indent=indent)
    shown = () if change.what is What.REMOVED else facts(change)
    for each in shown[:MOST_FACTS]:
        yield Line((_part(f"{path(change.kind, each.path)}: {sides(each, MOST_TEXT)}"),), indent=indent + 2)
    yield from _more(len(shown) - MOST_FACTS, indent + 2)
    yield from _who(change, indent + 2)


def _who(change: Change, indent: int) -> Iterator[Line]:
    """Say who may have done it and when; that nothing is known of it is said too."""
    for event in (change.causes or ())[:MOST_FACTS]:
        yield Line((_part(cause(event)),), ("who: ", _ASIDE), indent=indent)
    if reason := unexplained(change):
        yield Line((_part(reason, _ASIDE),), ("who: ", _ASIDE), indent=indent)
    yield from _more(len(change.causes or ()) - MOST_FACTS, indent)


def _neutral(together: Sequence[Entry], *, whole: bool) -> Iterator[Line]:
    """Say by kind what else changed."""
    if not together:
        return
    label, meaning = LABELS[Effect.NEUTRAL]
    yield Line((_part(f"{label.capitalize()}: {len(together):,}", _HEADING), _part(f"  {meaning}", _ASIDE)))
    yield Line()
    for kind, group in groupby(sorted(together, key=lambda entry: entry.kind), key=lambda entry: entry.kind):
        changes = [change for entry in group for change in entry.changes]
        most = len(changes) if whole else MOST_OF_A_KIND
        yield Line((_part(noun(kind), _TITLE), _part(f"  {_numbers(changes)}")), indent=2)
        for change in changes[:most]:
            yield Line((_part(f"{change.address}  {change.name}: {brief(change, MOST_FACTS, MOST_TEXT)}"),), indent=4)
        yield from _more(len(changes) - most, 4)
    yield Line()


def _numbers(changes: Sequence[Change]) -> str:
    words = [change.what.value for change in changes]
    return ", ".join(f"{words.count(word):,} {word}" for word in sorted(set(words)))


def _entry(word: str, text: str) -> Line:
    return Line((_part(text),), (f"{word:<10}", _ASIDE))


def _lead(word: str, style: str) -> Part:
    return f"{word:<10}", style


def _part(text: str, style: str = _PLAIN) -> Part:
    return visible(text), style
