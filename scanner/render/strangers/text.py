"""Strangers as plain text, for a terminal, a pipe or a log: by door, the oldest first, and the exit code last."""

from collections.abc import Iterator

from scanner.doors import DOORS
from scanner.people import SIGNS, Person, Shown, Strangers
from scanner.render.text import Line, Page, Part, plain, visible

# How many are shown of each door; the other formats have all.
MOST = 20

_PLAIN, _TITLE, _ASIDE, _HEADING = "", "bold", "dim", "bold underline"


def render(strangers: Strangers) -> Iterator[str]:
    """Yield strangers as text without colours."""
    yield plain(page(strangers))


def page(strangers: Strangers) -> Page:
    """Return strangers as something that a Rich console prints, in colour where it has colours."""
    return Page(tuple(_lines(strangers)))


# ---------------------------------------------------------------------------------------------------------------- private


def _lines(strangers: Strangers) -> Iterator[Line]:
    yield from _header(strangers)
    for door, number in strangers.doors.items():
        yield from _door(strangers, door, number)
    yield from _uncertain(strangers)
    yield from _limits(strangers)
    yield Line((_part(f"exit code {strangers.gate.exit_code}: {strangers.gate.because}", _TITLE),))


def _header(strangers: Strangers) -> Iterator[Line]:
    header = strangers.snapshot
    names = filter(None, (header.target.org_name or header.target.org, *header.target.sites))
    yield Line((_part(strangers.tool, _TITLE), _part(", strangers inside")))
    yield Line()
    yield _entry("scanned", ", ".join(names) or "nothing")
    yield _entry("snapshot", f"{header.id}, taken {header.taken_at:%Y-%m-%d %H:%M %Z}")
    if strangers.since:
        yield _entry("since", f"{strangers.since}; who was added before is left out")
    yield _entry("people", f"{strangers.looked_at:,} looked at, {strangers.strangers:,} who by the rules should not be here")
    yield Line()
    for sign in SIGNS.values():
        untold = f", and {strangers.untold[sign.id]:,} of whom that is not known" if strangers.untold[sign.id] else ""
        yield Line((_part(sign.title), _part(untold, _ASIDE)), (f"{strangers.signs[sign.id]:>8,}  ", _TITLE))
    yield Line()


def _door(strangers: Strangers, door: str, number: int) -> Iterator[Line]:
    yield Line((_part(f"{DOORS[door].title}: {number:,}", _HEADING), _part(f"  {DOORS[door].meaning}", _ASIDE)))
    yield Line()
    for person in strangers.at(door, MOST):
        yield from _person(person, tuple(each for each in person.signs if SIGNS[each.sign].door == door))
    yield from _more(number - MOST)
    yield Line()


def _uncertain(strangers: Strangers) -> Iterator[Line]:
    if not strangers.uncertain:
        return
    about = "nothing is known against them, and something that would tell is not known"
    yield Line((_part(f"Could not be told: {strangers.uncertain:,}", _HEADING), _part(f"  {about}", _ASIDE)))
    yield Line()
    for person in strangers.at(None, MOST):
        yield from _person(person, person.untold)
    yield from _more(strangers.uncertain - MOST)
    yield Line()


def _person(person: Person, all_shown: tuple[Shown, ...]) -> Iterator[Line]:
    added = f"{person.added_to_org:%Y-%m-%d}" if person.added_to_org else "when?"
    address = f"  {person.email}" if person.email else ""
    yield Line((_part(person.name, _TITLE), _part(f"{address}  {person.id}")), (f"{added:<12}", _ASIDE), indent=2)
    for shown in all_shown:
        yield Line((_part(f"{SIGNS[shown.sign].title}: {shown.because}"),), indent=14)


def _more(number: int) -> Iterator[Line]:
    if number > 0:
        yield Line((_part(f"… and {number:,} more; -f csv=FILE writes them all", _ASIDE),), indent=2)


def _limits(strangers: Strangers) -> Iterator[Line]:
    if not strangers.limits:
        return
    yield Line((_part("What could not be read", _HEADING),))
    yield Line()
    for limit in strangers.limits:
        yield Line((_part(limit),), ("- ", _PLAIN), indent=2)
    yield Line()


def _entry(word: str, text: str) -> Line:
    return Line((_part(text),), (f"{word:<10}", _ASIDE))


def _part(text: str, style: str = _PLAIN) -> Part:
    return visible(text), style
