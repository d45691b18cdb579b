"""A trace as an incident note in GitHub Flavored Markdown, to paste in a ticket; it stays below GitHub's limit for a comment.

What others named is text: it makes no markup, no link and no mention.
"""

from collections.abc import Iterable, Iterator

from scanner.render.console import filled
from scanner.render.markdown import MAX_BYTES, Block, code, prose, section, sentence, size
from scanner.render.tracing.told import (
    CONFIDENCE,
    SENSES,
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
from scanner.tracing import Confidence, Doorway, Hypothesis, Stay, Todo, Trace

# The most room that each of these parts takes.
_ROOM = 8_000


def render(trace: Trace) -> str:
    """Return the story, then how they came in and what to do, then all else as far as there is room."""
    head = "\n".join(_head(trace))
    parts = [head]
    for name, noun, blocks in _sections(trace):
        left = MAX_BYTES - sum(size(part) + 2 for part in parts)
        parts.append(section(name, noun, blocks, min(left, _ROOM)))
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


# ---------------------------------------------------------------------------------------------------------------- private


def _head(trace: Trace) -> Iterator[str]:
    yield f"## {prose(title(trace))}"
    yield ""
    yield f"{prose(subtitle(trace))}, {prose(trace.tool)}, snapshot {code(trace.snapshot.id)}"
    yield ""
    yield from (f"- {prose(each)}" for each in story(trace))
    yield ""


def _sections(trace: Trace) -> Iterator[tuple[str, str, Iterable[Block]]]:
    """Yield the parts: the title, how a thing in it is called, and a block for each."""
    yield "How they got in", "stay", (Block(_stay(stay, number)) for number, stay in enumerate(trace.stays))
    yield "What to do", "step", [Block(_todo(each, number, trace)) for number, each in enumerate(trace.todo, start=1)]
    yield "Is the door open still", "way in", (Block(_door(way)) for way in trace.doorways)
    yield "Who", "fact", (Block(f"- {prose(each.name)}: {prose(each.says)}") for each in trace.known)
    yield "Access now", "path", _access(trace)
    yield "History", "event", [*(Block(f"- *no sight: {prose(gap(each))}*") for each in trace.gaps), *_events(trace)]
    yield "Who else", "person", _others(trace)


def _stay(stay: Stay, number: int) -> str:
    lines = [f"**{prose(span(stay, number))}**", ""]
    lines += [line for each in stay.hypotheses if each.confidence is not Confidence.RULED_OUT for line in _hypothesis(each)]
    lines += [f"- ruled out: {prose(ways)}: {prose(because)}" for because, ways in ruled_out(stay).items()]
    return "\n".join((*lines, ""))


def _hypothesis(each: Hypothesis) -> Iterator[str]:
    yield f"- **{CONFIDENCE[each.confidence]}: {prose(each.title)}**, {prose(each.because)}"
    for sign, clues in (("for", each.speaks_for), ("against", each.speaks_against)):
        yield from (f"  - {sign}: {prose(clue.says)}{f' ({code(clue.address)})' if clue.address else ''}" for clue in clues)


def _todo(each: Todo, number: int, trace: Trace) -> str:
    link = filled(each.console, trace.snapshot.target, {}, None) if each.console else None
    lines = [f"{number}. **{prose(each.title)}**{f' (<{link}>)' if link else ''}"]
    return "\n".join((*lines, *(f"   {step}. {sentence(click)}" for step, click in enumerate(each.clicks, start=1))))


def _door(way: Doorway) -> str:
    lines = [f"- **{prose(way.title)}**: {prose(state(way))}"]
    for guard in way.guards:
        lines.append(f"  - {code(guard.policy)}: {prose(verdict(guard))}")
        lines += [f"    - {prose(each)}" for each in guard.findings[:5]]
    return "\n".join(lines)


def _access(trace: Trace) -> Iterator[Block]:
    for reached, public in ((with_account(trace), False), (without_account(trace), True)):
        for each in reached:
            lines = [f"- {prose(each.name)}{', without any account' if public else ''}"]
            yield Block("\n".join((*lines, *(f"  - {prose(route(path))}" for path in each.paths))))


def _events(trace: Trace) -> Iterator[Block]:
    for each in trace.timeline:
        sense = f"**{SENSES[each.sense]}**: " if SENSES[each.sense] else ""
        yield Block(f"- {minute(each.time)} UTC {sense}{prose(happened(each))} ({code(each.event)})")


def _others(trace: Trace) -> Iterator[Block]:
    for each in trace.companions:
        yield Block(f"- {prose(each.name)} ({code(each.email or each.account)}): {prose('; '.join(each.because))}")
    if trace.more_companions:
        yield Block(f"- and {trace.more_companions:,} more")
