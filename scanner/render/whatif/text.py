"""What would be if a policy had its way, as plain text for a terminal, a pipe or a log."""

from collections.abc import Iterator, Mapping, Sequence

from scanner.model import Change, Verdict, What
from scanner.people import Loss, Turned, WhatIf
from scanner.render.drift.told import facts, path, sides
from scanner.render.text import Line, Page, Part, plain, visible

# How many are shown of a kind, of one thing's facts, and of one person's losses; JSON has all.
MOST, MOST_FACTS, MOST_LOST = 30, 8, 8
MOST_TEXT = 200

_PLAIN, _TITLE, _ASIDE, _HEADING = "", "bold", "dim", "bold underline"


def render(whatif: WhatIf, *, width: int = 100) -> str:
    """Return it as text without colours."""
    return plain(page(whatif), width=width)


def page(whatif: WhatIf) -> Page:
    """Return it as something that a Rich console prints, in colour where it has colours."""
    return Page(tuple(_lines(whatif)))


# ---------------------------------------------------------------------------------------------------------------- private


def _lines(whatif: WhatIf) -> Iterator[Line]:
    header = whatif.snapshot
    yield Line((_part(whatif.tool, _TITLE), _part(f", what if {whatif.policy} had its way")))
    yield Line()
    yield _entry("policy", whatif.title)
    yield _entry("snapshot", f"{header.id}, taken {header.taken_at:%Y-%m-%d %H:%M %Z}")
    yield Line()
    if not whatif.changes and not whatif.unknown:
        yield Line((_part("Nothing would change: nothing fails this policy."),))
        return
    yield from _section(
        "What would change", len(whatif.changes), (line for each in whatif.changes[:MOST] for line in _change(each))
    )
    yield from _losses(whatif)
    public = [Line((_part(name, _TITLE), _part(f"  {address}", _ASIDE)), indent=2) for address, name in whatif.public]
    yield from _section("No longer seen without an account", len(public), iter(public[:MOST]))
    yield from _sentences("Who could no longer come in", whatif.newcomers)
    yield from _sentences("Who keeps what they have", whatif.kept)
    yield from _sentences("Not known", whatif.unknown)
    yield from _verdicts(whatif.verdicts)


def _section(title: str, number: int, lines: Iterator[Line]) -> Iterator[Line]:
    if not number:
        return
    yield Line((_part(f"{title}: {number:,}", _HEADING),))
    yield Line()
    yield from lines
    yield from _more(number - MOST)
    yield Line()


def _sentences(title: str, sentences: Sequence[str]) -> Iterator[Line]:
    yield from _section(title, len(sentences), (Line((_part(each),), ("- ", _PLAIN), indent=2) for each in sentences[:MOST]))


def _change(change: Change) -> Iterator[Line]:
    yield Line((_part(change.name, _TITLE), _part(f"  {change.address}", _ASIDE)), indent=2)
    if change.what is What.REMOVED:
        yield Line((_part("it would be gone"),), indent=4)
        return
    told = facts(change)
    for each in told[:MOST_FACTS]:
        yield Line((_part(f"{path(change.kind, each.path)}: {sides(each, MOST_TEXT)}"),), indent=4)
    if len(told) > MOST_FACTS:
        yield Line((_part(f"… and {len(told) - MOST_FACTS:,} more", _ASIDE),), indent=4)


def _losses(whatif: WhatIf) -> Iterator[Line]:
    if not whatif.changes:
        return
    if not whatif.losses:
        yield Line((_part("Nobody inside would lose anything that the snapshot tells of.", _TITLE),))
        yield Line()
        return
    yield from _section("Who would lose what", len(whatif.losses), (line for each in whatif.losses[:MOST] for line in _loss(each)))


def _loss(loss: Loss) -> Iterator[Line]:
    address = f"  {loss.email}" if loss.email else ""
    yield Line((_part(loss.name, _TITLE), _part(f"{address}  {loss.id}")), indent=2)
    for _, name in loss.lost[:MOST_LOST]:
        yield Line((_part(name),), indent=4)
    if len(loss.lost) > MOST_LOST:
        yield Line((_part(f"… and {len(loss.lost) - MOST_LOST:,} more things", _ASIDE),), indent=4)


def _verdicts(verdicts: Sequence[Turned]) -> Iterator[Line]:
    lines = (
        Line((_part(each.policy, _TITLE), _part(f"  {_counts(each.before)} would be {_counts(each.after)}")), indent=2)
        for each in verdicts[:MOST]
    )
    yield from _section("Verdicts that would change", len(verdicts), lines)


def _counts(counts: Mapping[str, int]) -> str:
    words = (f"{counts[verdict]:,} {verdict}" for verdict in reversed(Verdict) if counts.get(verdict))
    return ", ".join(words) or "nothing judged"


def _more(number: int) -> Iterator[Line]:
    if number > 0:
        yield Line((_part(f"… and {number:,} more; -f json=FILE writes them all", _ASIDE),), indent=2)


def _entry(word: str, text: str) -> Line:
    return Line((_part(text),), (f"{word:<10}", _ASIDE))


def _part(text: str, style: str = _PLAIN) -> Part:
    return visible(text), style
