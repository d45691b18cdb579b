"""What changed between two snapshots: a merge of two sorted streams, in which equal lines are passed over as bytes.

Lists of things with an identity are compared thing by thing, lists of text as sets, and null is not the same as absent. What
changes all the time and opens nothing (`Fact.volatile`), and logs (`Kind.log`), are left out unless asked for. Pure: the same two
snapshots give the same changes, and these applied to the first give the second.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from typing import Any

import msgspec

from scanner.kinds import KINDS, Fact, FactType
from scanner.model import Change, FactChange, Gap, Record, Resource, Snapshot, What, sort_key

Facts = Mapping[str, Any]
# What of a resource is no fact of it, as a path.
NAME, PARENT, SOURCE = "@name", "@parent", "@source"


def changes(old: Snapshot, new: Snapshot, *, volatile: bool = False) -> Iterator[Change]:
    """Yield what changed, sorted by kind and id; with `volatile`, what changes all the time and logs too."""
    for kind in sorted(_kinds(old) | _kinds(new)):
        if volatile or not (kind in KINDS and KINDS[kind].log):
            yield from _of_kind(kind, old, new, _Comparer.of(kind, volatile=volatile))


def identity(thing: Facts, names: Sequence[str]) -> str:
    """Return what tells a thing in a list from the others: one text of its own, or several with their names."""
    if len(names) == 1 and isinstance(only := thing.get(names[0]), str):
        return only
    return _encode({name: thing[name] for name in names if name in thing}).decode()


# ---------------------------------------------------------------------------------------------------------------- the merge

_encode = msgspec.json.Encoder(order="sorted").encode


_Place = tuple[str, bool, str, str, str]
_Pair = tuple[Record | None, Record | None]


class _Side:
    """The lines of a kind in one snapshot: some whole ones at a time, and where it stands in them."""

    def __init__(self, snapshot: Snapshot, kind: str) -> None:
        self._read, self._blocks = _lines(snapshot, kind)
        self.lines = b""
        self.at = 0

    def more(self) -> bool:
        """Tell whether there is a line left; read on if need be."""
        while self.at >= len(self.lines):
            block = next(self._blocks, None)
            if block is None:
                return False
            self.lines, self.at = block, 0
        return True

    def record(self) -> tuple[_Place, Record]:
        """Return what the line at hand says, and its place in the order."""
        record = self._read(self.lines[self.at : self._end()])
        return sort_key(record), record

    def pass_over(self) -> None:
        """Go on behind the line at hand."""
        self.at = self._end()

    def _end(self) -> int:
        return self.lines.find(b"\n", self.at) + 1 or len(self.lines)


def _of_kind(kind: str, old: Snapshot, new: Snapshot, comparer: "_Comparer") -> Iterator[Change]:
    pairs = _pairs(_Side(old, kind), _Side(new, kind))
    for _, group in groupby(pairs, key=_same_thing):
        yield from comparer.changes(list(group))


def _pairs(old: _Side, new: _Side) -> Iterator[_Pair]:
    """Yield what is in one only, or differs, as (before, after)."""
    while old.more() and new.more():
        if alike := _alike(old, new):
            old.at, new.at = old.at + alike, new.at + alike
            continue
        (its_place, before), (our_place, after) = old.record(), new.record()
        if its_place <= our_place:
            old.pass_over()
        if our_place <= its_place:
            new.pass_over()
        yield (before if its_place <= our_place else None), (after if our_place <= its_place else None)
    while old.more():
        yield old.record()[1], None
        old.pass_over()
    while new.more():
        yield None, new.record()[1]
        new.pass_over()


_STEP = 4096


def _alike(old: _Side, new: _Side) -> int:
    """Return how many bytes at hand are the same whole lines on both sides: comparing memory is faster than finding lines."""
    length = min(len(old.lines) - old.at, len(new.lines) - new.at)
    same, step, growing = 0, min(_STEP, length), True
    while step:
        here, there = old.at + same, new.at + same
        if old.lines[here : here + step] == new.lines[there : there + step]:
            same += step
            step = min(2 * step if growing else step // 2, length - same)
        else:
            step, growing = step // 2, False
    return max(0, old.lines.rfind(b"\n", old.at, old.at + same) + 1 - old.at)


def _same_thing(pair: _Pair) -> tuple[bool, str]:
    record = pair[0] or pair[1]
    return isinstance(record, Gap), (record and record.id) or ""


def _kinds(snapshot: Snapshot) -> set[str]:
    if snapshot.parts is None:
        return {record.kind for record in snapshot}
    return {part.kind for part in snapshot.parts.all} | {record.kind for record in snapshot.supplied}


def _lines(snapshot: Snapshot, kind: str) -> tuple[Callable[[bytes], Record], Iterator[bytes]]:
    """Return what reads a line of a kind, and the lines, some at a time."""
    parts = snapshot.parts
    if parts is None or kind in snapshot.touched:
        return _decode, (_encode(record) + b"\n" for record in snapshot.of(kind))
    ours = [part for part in parts.all if part.kind == kind]
    return (lambda line: parts.record(line, ours[0], ours[0].line)), chain.from_iterable(map(parts.blocks, ours))


_decode: Callable[[bytes], Record] = msgspec.json.Decoder(Resource | Gap).decode


# ---------------------------------------------------------------------------------------------------------- one against one


@dataclass(frozen=True, slots=True)
class _Comparer:
    """Compares resources of one kind."""

    facts: Mapping[str, Fact]
    volatile: bool

    @classmethod
    def of(cls, kind: str, *, volatile: bool) -> "_Comparer":
        return cls(KINDS[kind].facts if kind in KINDS else {}, volatile)

    def changes(self, pairs: Sequence[_Pair]) -> Iterator[Change]:
        """Yield the changes of one resource, whose suppliers stand together; one supplier in the place of another is a change."""
        gone = [before for before, after in pairs if isinstance(before, Resource) and after is None]
        come = [after for before, after in pairs if isinstance(after, Resource) and before is None]
        if len(gone) == len(come) == 1:
            pairs = [(before, after) for before, after in pairs if before is not gone[0] and after is not come[0]]
            pairs = [*pairs, (gone[0], come[0])]
        for before, after in pairs:
            yield from self._changes(before, after)

    def _changes(self, before: Record | None, after: Record | None) -> Iterator[Change]:
        if isinstance(before, Gap) or isinstance(after, Gap):
            yield from (_of_gap(what, gap) for what, gap in ((What.REMOVED, before), (What.ADDED, after)) if isinstance(gap, Gap))
            return
        what = What.ADDED if before is None else What.REMOVED if after is None else What.CHANGED
        facts = tuple(self._facts(before, after))
        main = after or before
        if main is not None and (facts or what is not What.CHANGED):
            was = before.name if before and after and before.name != after.name else None
            yield Change(
                kind=main.kind, id=main.id, name=main.name, what=what, facts=facts, source=(before or main).source, was=was
            )

    def _facts(self, before: Resource | None, after: Resource | None) -> Iterator[FactChange]:
        yield from _of_values((NAME,), _own(before, "name"), _own(after, "name"))
        yield from _of_values((PARENT,), _own(before, "parent"), _own(after, "parent"))
        if before and after:
            yield from _of_values((SOURCE,), before.source.value, after.source.value)
        old, new = before.facts if before else {}, after.facts if after else {}
        yield from self._inner((), self.facts, old, new)

    def _fact(self, path: tuple[str, ...], fact: Fact | None, old: Any, new: Any) -> Iterator[FactChange]:  # noqa: ANN401  JSON
        if fact is not None and fact.volatile and not self.volatile:
            return
        match fact:
            case Fact(type=FactType.OBJECT, items=items) if isinstance(old, dict) and isinstance(new, dict):
                yield from self._inner(path, items, old, new)
            case Fact(type=FactType.OBJECTS) if (things := _by_identity(fact, old, new)) is not None:
                yield from self._things(path, fact, *things)
            case _:
                yield from _of_values(path, old, new)

    def _inner(self, path: tuple[str, ...], items: Mapping[str, Fact], old: Facts, new: Facts) -> Iterator[FactChange]:
        for name in sorted(old.keys() | new.keys()):
            before, after = old.get(name, msgspec.UNSET), new.get(name, msgspec.UNSET)
            if not _is_equal(before, after):
                yield from self._fact((*path, name), items.get(name), before, after)

    def _things(
        self, path: tuple[str, ...], fact: Fact, old: Mapping[str, Facts], new: Mapping[str, Facts]
    ) -> Iterator[FactChange]:
        for key in sorted(old.keys() | new.keys()):
            before, after = old.get(key), new.get(key)
            if before is not None and after is not None:
                yield from self._inner((*path, key), fact.items, before, after)
            else:
                yield FactChange(
                    path=(*path, key),
                    before=msgspec.UNSET if before is None else before,
                    after=msgspec.UNSET if after is None else after,
                )


def _own(resource: Resource | None, name: str) -> Any:  # noqa: ANN401
    return msgspec.UNSET if resource is None else getattr(resource, name)


def _of_values(path: tuple[str, ...], old: Any, new: Any) -> Iterator[FactChange]:  # noqa: ANN401  JSON
    if not _same(old, new):
        yield FactChange(path=path, before=old, after=new)


def _of_gap(what: What, gap: Gap) -> Change:
    return Change(kind=gap.kind, id=gap.id or "", name=gap.id or gap.address, what=what, gap=gap)


def _is_equal(old: Any, new: Any) -> bool:  # noqa: ANN401  JSON
    """Tell fast whether two values are written alike; most are."""
    if type(old) is not type(new):
        return False
    return _encode(old) == _encode(new) if isinstance(old, list | dict) else bool(old == new)


def _same(old: Any, new: Any) -> bool:  # noqa: ANN401  JSON
    """Tell whether two values say the same: lists whose order means nothing are compared without it, and true is not 1."""
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and (old == new or Counter(map(_canonical, old)) == Counter(map(_canonical, new)))
    if isinstance(old, dict) and isinstance(new, dict):
        return old.keys() == new.keys() and all(_same(value, new[name]) for name, value in old.items())
    return bool(old == new) and isinstance(old, bool) is isinstance(new, bool)


def _canonical(value: Any) -> bytes:  # noqa: ANN401  JSON
    """Return a value as text that is the same for the same value."""
    match value:
        case list():
            return b"[" + b",".join(sorted(map(_canonical, value))) + b"]"
        case dict():
            return b"{" + b",".join(_encode(name) + b":" + _canonical(value[name]) for name in sorted(value)) + b"}"
        case float() if value.is_integer():
            return _encode(int(value))
        case _:
            return _encode(value)


def _by_identity(fact: Fact, *lists: Any) -> list[dict[str, Facts]] | None:  # noqa: ANN401  JSON
    """Return the things of two lists by what tells one from another, or None if nothing does so on both sides."""
    if not all(isinstance(each, list) and all(isinstance(thing, dict) for thing in each) for each in lists):
        return None
    texts = [name for name, item in fact.items.items() if item.type is FactType.TEXT]
    for names in ([fact.key] if fact.key else [], texts):
        keyed = [{identity(thing, names): thing for thing in each} for each in lists]
        if names and all(len(ours) == len(each) for ours, each in zip(keyed, lists, strict=True)):
            return keyed
    return None
