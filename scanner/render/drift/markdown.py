"""The drift in short as GitHub Flavored Markdown, for a comment on a pull request or a chat, below GitHub's limit for a comment.

What opened comes first, then what went out of sight; whatever others named is text, as in the report's Markdown.
"""

from collections.abc import Iterable, Iterator, Sequence

from scanner.model import Change, Drift, Effect
from scanner.render.drift.told import (
    LABELS,
    Entry,
    cause,
    counted,
    entries,
    facts,
    path,
    summed,
    unexplained,
    utc,
    value,
    verdicts,
    what,
)
from scanner.render.markdown import MAX_BYTES, Block, code, prose, resource, section, size

MOST_FACTS = 5
# What is kept free for the parts after what opened, and the most that each of these takes.
_KEPT, _ROOM = 12_000, 8_000


def render(drift: Drift) -> str:
    """Return what opened, then what else became of verdicts, then what else changed, as far as there is room."""
    told = tuple(entries(drift))
    head, foot = "\n".join(_head(drift, told)), "\n".join(_foot(drift))
    room = MAX_BYTES - size(head) - size(foot)
    parts = [_opened([entry for entry in told if entry.effect is Effect.OPENED], drift, room - _KEPT)]
    for noun, title, blocks in _others(drift, told):
        left = room - sum(size(part) + 2 for part in parts)
        parts.append(section(title, noun, blocks, min(left - _KEPT // 6, _ROOM)))
    return "\n\n".join(part.strip() for part in (head, *parts, foot) if part) + "\n"


# ---------------------------------------------------------------------------------------------------------------- private


def _head(drift: Drift, told: Iterable[Entry]) -> Iterator[str]:
    target = drift.new.target
    yield f"## atlascan: what changed at {prose(target.org_name or ', '.join(target.sites) or target.org or 'nothing')}"
    yield ""
    yield f"**Exit code {drift.gate.exit_code}: {prose(drift.gate.because)}**"
    yield ""
    yield f"From {utc(drift.old.taken_at)} to {utc(drift.new.taken_at)}: {summed(counted(told))}."
    yield ""


def _foot(drift: Drift) -> Iterator[str]:
    snapshots = f"{code(drift.old.id)} and {code(drift.new.id)}"
    yield f"{prose(drift.tool)}, profile {prose(drift.profile)}, snapshots {snapshots}."


def _opened(opened: Iterable[Entry], drift: Drift, room: int) -> str:
    titles = {policy.id: policy.title for policy in drift.policies}
    return section("Opened", "door", (Block("\n".join((*_verdict(entry, titles), ""))) for entry in opened), room)


def _others(drift: Drift, told: Sequence[Entry]) -> Iterator[tuple[str, str, Iterable[Block]]]:
    """Yield the parts after what opened: how a thing in it is called, its title, and a line for each."""
    yield "limit", "What cannot be compared", (Block(f"- {prose(limit)}") for limit in drift.limits)
    for effect, (label, _) in LABELS.items():
        if effect is not Effect.OPENED:
            yield "thing", label.capitalize(), [_line(entry) for entry in told if entry.effect is effect]


def _verdict(entry: Entry, titles: dict[str, str]) -> Iterator[str]:
    if turn := entry.turn:
        yield f"#### {turn.severity}: {prose(titles.get(turn.policy, turn.policy))}"
        yield ""
        yield f"{code(turn.policy)}, {resource(turn.address, turn.name)}: **{prose(verdicts(turn))}**, {prose(turn.because)}"
        yield ""
    for change in (*entry.changes, *entry.others)[:MOST_FACTS]:
        yield from _change(change)
    if (more := len(entry.changes) + len(entry.others) - MOST_FACTS) > 0:
        yield f"- and {more:,} more changes"


def _change(change: Change) -> Iterator[str]:
    yield f"- {code(change.address)} {prose(what(change))}"
    shown = facts(change)
    yield from (
        f"  - {code(path(change.kind, each.path))}: {code(value(each.before))} -> {code(value(each.after))}"
        for each in shown[:MOST_FACTS]
    )
    if len(shown) > MOST_FACTS:
        yield f"  - and {len(shown) - MOST_FACTS:,} more facts"
    yield from (f"  - who: {prose(each)}" for each in _who(change))


def _who(change: Change) -> Sequence[str]:
    reason = unexplained(change)
    return (reason,) if reason else tuple(map(cause, (change.causes or ())[:MOST_FACTS]))


def _line(entry: Entry) -> Block:
    if turn := entry.turn:
        return Block(f"- {turn.severity}: {code(turn.policy)} {resource(turn.address, turn.name)}: {prose(turn.because)}")
    [change] = entry.changes
    names = ", ".join(code(path(change.kind, each.path)) for each in facts(change)[:MOST_FACTS])
    return Block(f"- {resource(change.address, change.name)} {prose(what(change))}{f': {names}' if names else ''}")
