"""The other half of a diff: a snapshot with changes applied, and a change taken back; tests hold the two halves together."""

from collections.abc import Iterable
from typing import Any

import msgspec

from scanner.diff import NAME, PARENT, SOURCE, identity
from scanner.kinds import KINDS, Fact, FactType
from scanner.model import Change, FactChange, Record, Resource, Source, What, sort_key


def applied(records: Iterable[Record], made: Iterable[Change]) -> list[Record]:
    """Return the records of a snapshot after changes: those of the other, but for the order of what has none."""
    there = {sort_key(record): record for record in records}
    for change in made:
        before = there.pop(_place(change), None)
        if change.gap and change.what is What.ADDED:
            there[_place(change)] = change.gap
        elif change.gap is None and change.what is not What.REMOVED:
            after = _mended(before if isinstance(before, Resource) else None, change)
            there[sort_key(after)] = after
    return [there[place] for place in sorted(there)]


def reverse(change: Change) -> Change:
    """Return the change that takes one back."""
    turned = {What.ADDED: What.REMOVED, What.REMOVED: What.ADDED, What.CHANGED: What.CHANGED}
    facts = tuple(FactChange(path=each.path, before=each.after, after=each.before) for each in change.facts)
    swapped = next((each.after for each in change.facts if each.path == (SOURCE,)), None)
    return msgspec.structs.replace(
        change,
        what=turned[change.what],
        facts=facts,
        name=change.name if change.was is None else change.was,
        was=None if change.was is None else change.name,
        source=Source(swapped) if swapped else change.source,
    )


def _place(change: Change) -> tuple[str, bool, str, str, str]:
    if change.gap:
        return sort_key(change.gap)
    return change.kind, True, change.id, "", change.source or ""


def _mended(before: Resource | None, change: Change) -> Resource:
    own = {fact.path[0]: fact.after for fact in change.facts}
    facts: dict[str, Any] = dict(before.facts) if before else {}
    for fact in change.facts:
        if not fact.path[0].startswith("@"):
            _put(facts, fact, KINDS[change.kind].facts.get(fact.path[0]))
    assert change.source
    start = before or Resource(kind=change.kind, id=change.id, name=change.name, facts={}, source=change.source)
    return msgspec.structs.replace(
        start,
        facts=facts,
        name=own.get(NAME, start.name),
        parent=own.get(PARENT, start.parent),
        source=Source(own.get(SOURCE, start.source)),
    )


def _put(facts: dict[str, Any], made: FactChange, fact: Fact | None) -> None:
    name, *inner = made.path
    if not inner:
        _set(facts, name, made.after)
    elif fact is not None and fact.type is FactType.OBJECT:
        facts[name] = dict(facts[name])
        _set(facts[name], inner[0], made.after)
    else:
        assert fact
        facts[name] = _with_thing(facts[name], made, fact)


def _with_thing(things: list[dict[str, Any]], made: FactChange, fact: Fact) -> list[dict[str, Any]]:
    key, *inner = made.path[1:]
    texts = [name for name, item in fact.items.items() if item.type is FactType.TEXT]
    kept = [dict(thing) for thing in things]
    ids = [{identity(each, [fact.key] if fact.key else texts), identity(each, texts)} for each in kept]
    at = next((index for index, names in enumerate(ids) if key in names), None)
    if inner and at is not None:
        _set(kept[at], inner[0], made.after)
        return kept
    others = kept if at is None else [*kept[:at], *kept[at + 1 :]]
    return others if made.after is msgspec.UNSET else [*others, made.after]


def _set(facts: dict[str, Any], name: str, value: Any) -> None:  # noqa: ANN401
    if value is msgspec.UNSET:
        facts.pop(name, None)
    else:
        facts[name] = value
