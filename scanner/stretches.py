"""What is read of a snapshot at a time: stretches of one kind, and the subjects in them.

A subject is a resource as all its suppliers together give it, or a gap. Of a part of a file most resources are read just as far as
compiled functions look; the others are read in full.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby, islice
from operator import attrgetter, ge
from typing import Any

import msgspec

from scanner.kinds import DECLARED, KINDS, own_values
from scanner.model import Gap, Part, Parts, Record, Resource, Snapshot, Source, in_order, out_of_order

Facts = dict[str, Any]
Declare = Callable[[str, str, Facts], Facts]


class Variant(msgspec.Struct, frozen=True):
    """One set of facts, and who supplied each."""

    facts: Facts
    sources: Mapping[str, Source]


class Subject(msgspec.Struct, frozen=True):
    """A resource as all its suppliers together give it: one set of facts, or several where they disagree; or a gap."""

    kind: str
    id: str
    name: str
    variants: tuple[Variant, ...]
    gap: Gap | None = None

    @property
    def address(self) -> str:
        """Return the address under which it is reported."""
        return self.gap.address if self.gap else f"{self.kind}/{self.id}"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Records of one kind: a part of a file, or a stream that is read once."""

    kind: str
    part: Part | None = None
    records: Iterable[Record] = ()


@dataclass(slots=True)
class Piece:
    """Some lines of a part, with the number of the first; what was seen at a glance, or None where they are to be read in full."""

    content: bytes
    number: int
    seen: list[Any] | None
    _lines: list[bytes] | None = None

    def lines(self) -> list[bytes]:
        """Return all lines."""
        if self._lines is None:
            self._lines = self.content.removesuffix(b"\n").split(b"\n")
        return self._lines


class Reader:
    """Reads parts of a file piece by piece: decoded just as far as compiled functions look, or in full.

    What `read` reads of a line is all that is wanted of a resource that is looked at closely; without it, that is everything.
    """

    def __init__(
        self,
        parts: Parts,
        decode_lines: Callable[[bytes], list[Any]],
        declare: Declare,
        read: Callable[[bytes], Resource] | None = None,
    ) -> None:
        self._parts, self._decode_lines, self._declare, self._read = parts, decode_lines, declare, read

    def pieces(self, part: Part) -> Iterator[Piece]:
        """Yield the pieces of a part; all that was read of one resource lies in one."""
        add_declared = _declaring(part.kind, self._declare)
        held: Piece | None = None
        number = part.line
        for content in self._parts.blocks(part):
            piece = Piece(content, number, self._glance(content))
            number += len(piece.lines() if piece.seen is None else piece.seen)
            if held is not None:
                last, first = self._id(part, held, -1), self._id(part, piece, 0)
                if last is not None and (first is None or last > first):
                    raise out_of_order(part)
                if last is not None and last == first:
                    held = Piece(held.content + content, held.number, None)
                    continue
                yield held
            held = piece
            if add_declared:
                for each in piece.seen or ():
                    add_declared(each)
        if held is not None:
            yield held

    def subjects(self, part: Part, piece: Piece) -> Iterator[Subject]:
        """Read a piece in full."""
        lines = enumerate(piece.lines(), start=piece.number)
        records = (self._parts.record(line, part, number) for number, line in lines)
        return subjects(part.kind, in_order(part, records), self._declare)

    def subject(self, part: Part, piece: Piece, index: int) -> Subject:
        """Read one resource of a piece, as far as is wanted."""
        if self._read:
            return _merged(part.kind, [self._read(piece.lines()[index])], self._declare)
        record = self._parts.record(piece.lines()[index], part, piece.number + index)
        if isinstance(record, Gap):
            raise TypeError(record)
        return _merged(part.kind, [record], self._declare)

    def _glance(self, content: bytes) -> list[Any] | None:
        """Return what is seen of some lines, or None for gaps, odd facts, several suppliers of one resource, or a wrong order."""
        try:
            seen = self._decode_lines(content)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        return None if any(map(ge, map(_ID, seen), map(_ID, islice(seen, 1, None)))) else seen

    def _id(self, part: Part, piece: Piece, index: int) -> str | None:
        """Return the id of the first or last resource of a piece; what is said of gaps is never one thing."""
        if piece.seen:
            return str(piece.seen[index].id)
        record = self._parts.record(piece.lines()[index], part, piece.number)
        return record.id if isinstance(record, Resource) else None


def stretches(snapshot: Snapshot, kinds: frozenset[str]) -> Iterator[Stretch]:
    """Yield the stretches of some kinds in the order of the snapshot."""
    if snapshot.parts is None:
        for kind, records in groupby(snapshot, key=attrgetter("kind")):
            if kind in kinds and kind in KINDS:
                yield Stretch(kind, records=records)
        return
    there = {part.kind for part in snapshot.parts.all} | {record.kind for record in snapshot.supplied}
    for kind in sorted(there & kinds & KINDS.keys()):
        if kind in snapshot.touched:
            yield Stretch(kind, records=snapshot.of(kind))
        else:
            yield from (Stretch(kind, part) for part in snapshot.parts.all if part.kind == kind)


def subjects(kind: str, records: Iterable[Record], declare: Declare) -> Iterator[Subject]:
    """Yield the subjects that records of a kind make; what is of one resource stands together."""
    for (is_gap, _), group in groupby(records, key=lambda record: (isinstance(record, Gap), record.id)):
        if is_gap:
            for gap in group:
                if isinstance(gap, Gap):
                    yield _missing(kind, gap, declare)
        else:
            yield _merged(kind, [record for record in group if isinstance(record, Resource)], declare)


def some(kind: str, facts: Iterable[str]) -> Callable[[bytes], Resource]:
    """Return what reads only some facts of a line that says a resource of a kind."""
    inner = msgspec.defstruct("Some", [(name, Any, msgspec.UNSET) for name in sorted(facts)], gc=False)
    fields: list[tuple[str, Any]] = [("id", str), ("name", str), ("source", Source), ("facts", inner)]
    decode = msgspec.json.Decoder(msgspec.defstruct("Line", fields, tag="resource", tag_field="type", gc=False)).decode
    names = inner.__struct_fields__

    def read(line: bytes) -> Resource:
        seen: Any = decode(line)
        values = zip(names, msgspec.structs.astuple(seen.facts), strict=True)
        known = {name: value for name, value in values if value is not msgspec.UNSET}
        return Resource(kind=kind, id=seen.id, name=seen.name, facts=known, source=seen.source)

    return read


def could_not(gap: Gap) -> str:
    """Say in a sentence what could not be read, and what would lift that."""
    lift = f" ({gap.hint})" if gap.hint else ""
    return f"{KINDS[gap.kind].noun} {gap.address} could not be read: {gap.detail}{lift}"


# ---------------------------------------------------------------------------------------------------------------- private


_ID = attrgetter("id")


def _declaring(kind: str, declare: Declare) -> Callable[[Any], None] | None:
    """Return what adds the facts that the configuration states to a glance, or None for a kind about which it states none."""
    if not DECLARED & KINDS[kind].facts.keys():
        return None

    def add(seen: Any) -> None:  # noqa: ANN401
        known = {name: value for name, value in msgspec.structs.asdict(seen.facts).items() if value is not msgspec.UNSET}
        for name, value in declare(kind, seen.id, known).items():
            if name in DECLARED and hasattr(seen.facts, name):
                setattr(seen.facts, name, value)

    return add


def _missing(kind: str, gap: Gap, declare: Declare) -> Subject:
    id_ = gap.id or ""
    facts = declare(kind, id_, dict[str, Any](own_values(KINDS[kind], id_))) if id_ else {}
    return Subject(kind, id_, id_ or KINDS[kind].noun, (Variant(facts, {}),), gap)


def _merged(kind: str, suppliers: list[Resource], declare: Declare) -> Subject:
    """Put the suppliers of one resource together; where they disagree, each in turn has the last word in a variant of its own.

    Null, known to be none, gives way to what another supplier knows more of.
    """
    id_ = suppliers[0].id
    if len(suppliers) == 1:
        [only] = suppliers
        facts: Facts = {**own_values(KINDS[kind], id_), **only.facts}
        return Subject(kind, id_, only.name, (Variant(declare(kind, id_, facts), dict.fromkeys(only.facts, only.source)),))
    variants: list[Variant] = []
    for last in suppliers:
        facts, sources = dict[str, Any](own_values(KINDS[kind], id_)), dict[str, Source]()
        for supplier in (*(each for each in suppliers if each is not last), last):
            for path, value in supplier.facts.items():
                if value is not None or facts.get(path) is None:
                    facts[path], sources[path] = value, supplier.source
        if facts not in [variant.facts for variant in variants]:
            variants.append(Variant(facts, sources))
    declared = tuple(Variant(declare(kind, id_, variant.facts), variant.sources) for variant in variants)
    return Subject(kind, id_, suppliers[0].name, declared)
