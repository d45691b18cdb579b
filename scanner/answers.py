"""What conditions ask of other resources, and the answers: folded as the resources stream by, so that few are kept.

A question is a part of a condition: the values of a fact (Reference), how many resources match ours and meet a condition (Related,
Count). Answers of stretches of a snapshot can be put together, in the order of the stretches.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from scanner.conditions import (
    MISSING,
    AllOf,
    AnyOf,
    Condition,
    Count,
    Each,
    FirstKnown,
    Item,
    Not,
    Param,
    Readable,
    Reference,
    Related,
    Test,
    Truth,
    Wanted,
)
from scanner.domains import domain_of

Question = Reference | Related | Count
Key = tuple[Any, ...]
# So many resources of each truth are kept in one place to show what decided.
SAMPLES_OF_EACH = 5


@dataclass(frozen=True, slots=True)
class Missing:
    """Something of a kind that could not be read: why, what is known of it (its id, site, project), and whether it was refused."""

    why: str
    values: Mapping[str, str] = field(default_factory=dict)
    refused: bool = False


class Tally(msgspec.Struct):
    """How many resources meet a condition, do not, or may, and a few of each."""

    yes: int = 0
    no: int = 0
    unsure: int = 0
    samples: dict[Truth, list[Item]] = msgspec.field(default_factory=dict)

    @property
    def number(self) -> int:
        """Return how many there are."""
        return self.yes + self.no + self.unsure

    def quantified(self, quantifier: str, *, complete: bool) -> Truth:
        """Return what a quantifier makes of them, of all that there are or of some of them."""
        undecided = self.unsure > 0 or not complete
        match quantifier:
            case "every":
                return False if self.no else None if undecided else True
            case "some":
                return True if self.yes else None if undecided else False
            case _:
                return False if self.yes else None if undecided else True

    def count(self, truth: Truth) -> None:
        """Count one more."""
        if truth:
            self.yes += 1
        elif truth is None:
            self.unsure += 1
        else:
            self.no += 1

    def extend(self, later: "Tally", room: int) -> int:
        """Add what was counted further on, with samples as far as there is room; return how many were added."""
        self.yes, self.no, self.unsure = self.yes + later.yes, self.no + later.no, self.unsure + later.unsure
        added = 0
        for truth, samples in later.samples.items():
            kept = self.samples.setdefault(truth, [])
            more = samples[: max(0, min(SAMPLES_OF_EACH - len(kept), room - added))]
            kept.extend(more)
            added += len(more)
        return added


class Room(NamedTuple):
    """How much more is kept only to be shown: places where nothing decides, and samples."""

    spare: int = 100
    samples: int = 1000


class Kept(msgspec.Struct):
    """The answer to a question about resources that match ours: a tally for each value of what has to match.

    Only resources of a decisive truth have to be remembered; of the others a few are, to be shown.
    """

    paths: tuple[str, ...]
    decisive: frozenset[Truth] = frozenset({True, None})
    tallies: dict[Key, Tally] = msgspec.field(default_factory=dict)
    lacking: list[Missing] = msgspec.field(default_factory=list)
    # Where something may belong, or not, about which suppliers disagree: its address.
    disputed: dict[Key, str] = msgspec.field(default_factory=dict)
    room: Room = Room()
    _index: dict[tuple[int, ...], dict[Key, str]] | None = None

    def skips(self, truth: Truth) -> bool:
        """Tell whether a resource of this truth is of no more interest."""
        return truth not in self.decisive and not self.room.spare

    def of(self, key: Key | None) -> Tally:
        """Return the tally of the resources with these values."""
        return self.tallies.get(key, _NONE) if key is not None else _NONE

    def why_incomplete(self, key: Key | None) -> str | None:
        """Say why there may be more with these values, or None if nothing that is missing could have them."""
        if not self.lacking:
            return None
        if key is None:
            return self.lacking[0].why
        for places, whys in self._indexed().items():
            if why := whys.get(tuple(key[place] for place in places)):
                return why
        return None

    def why_disputed(self, key: Key | None) -> str | None:
        """Say about which resource with these values suppliers disagree, or None if they agree."""
        return disagree([self.disputed[key]]) if key is not None and key in self.disputed else None

    def add(self, key: Key, truth: Truth, sample: Callable[[], Item]) -> None:
        """Count one more resource; `sample` makes it, if it is to be shown."""
        tally = self._tally(key, is_decisive=truth in self.decisive)
        if tally is not None:
            tally.count(truth)
            if self.room.samples and len(tally.samples.get(truth, ())) < SAMPLES_OF_EACH:
                tally.samples.setdefault(truth, []).append(sample())
                self.room = Room(self.room.spare, self.room.samples - 1)

    def extend(self, later: "Kept | Found") -> None:
        """Add what was found further on."""
        if isinstance(later, Found):
            return
        for key, more in later.tallies.items():
            decisive = more.unsure > 0 or (more.yes if True in self.decisive else more.no) > 0
            tally = self._tally(key, is_decisive=decisive)
            if tally is not None:
                added = tally.extend(more, self.room.samples)
                self.room = Room(self.room.spare, self.room.samples - added)
        self.lacking.extend(later.lacking)
        self.disputed = later.disputed | self.disputed

    def close(self, missing: list[Missing]) -> None:
        """Add what of the kind could not be read."""
        self.lacking = [*missing, *self.lacking]

    def _tally(self, key: Key, *, is_decisive: bool) -> Tally | None:
        """Return where to count, or None where that is of no more interest."""
        tally = self.tallies.get(key)
        if tally is None and (is_decisive or self.room.spare):
            self.room = Room(self.room.spare - (not is_decisive), self.room.samples)
            tally = self.tallies[key] = Tally()
        return tally

    def _indexed(self) -> dict[tuple[int, ...], dict[Key, str]]:
        """Return why something is missing, by which of the values are known of it, and by these."""
        if self._index is None:
            self._index = {}
            for each in self.lacking:
                places = tuple(place for place, path in enumerate(self.paths) if path in each.values)
                known = key_of([each.values[self.paths[place]] for place in places]) or ()
                self._index.setdefault(places, {}).setdefault(known, each.why)
        return self._index


class Found(msgspec.Struct):
    """The answer to a reference: the values, each once, why these may not be all, and what only some suppliers say."""

    values: dict[Any, None] = msgspec.field(default_factory=dict)
    why: str | None = None
    # Of which resource they say it.
    disputed: dict[Any, str] = msgspec.field(default_factory=dict)
    room: Room = Room()

    def extend(self, later: "Kept | Found") -> None:
        """Add what was found further on."""
        if isinstance(later, Kept):
            return
        self.values.update(later.values)
        self.disputed = later.disputed | self.disputed
        self.why = self.why or later.why

    def skips(self, truth: Truth) -> bool:
        """Tell whether a resource of this truth has no value here."""
        return truth is False

    def close(self, missing: list[Missing]) -> None:
        """Add what of the kind could not be read."""
        self.why = missing[0].why if missing else self.why


_NONE = Tally()
_NOT_ASKED = "nothing of this kind was collected"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with the parameters that it depends on: of two policies that ask the same, one answer will do."""

    question: Question
    params: bytes


def asked(question: Question, params: Mapping[str, Any]) -> Asked:
    """Return the question as it is asked under these parameters."""
    used = {name: params.get(name) for name in sorted(_params_of(question))}
    return Asked(question, msgspec.json.encode(used) if used else b"")


@dataclass(slots=True)
class Answers:
    """All that was gathered: the answers by question, and what of each kind is missing."""

    by_question: dict[Asked, Kept | Found] = field(default_factory=dict)
    missing: dict[str, list[Missing]] = field(default_factory=dict)

    def kept(self, question: Related | Count, params: Mapping[str, Any]) -> Kept:
        """Return the answer to a question about resources that match."""
        answer = self.by_question.get(asked(question, params))
        return answer if isinstance(answer, Kept) else Kept(_theirs(question), lacking=[Missing(_NOT_ASKED)])

    def values(self, question: Reference, params: Mapping[str, Any]) -> Wanted:
        """Return the values that a reference leads to."""
        answer = self.by_question.get(asked(question, params))
        if not isinstance(answer, Found):
            return Wanted((), complete=False, why=_NOT_ASKED)
        doubts = {value: address for value, address in answer.disputed.items() if value not in answer.values}
        if answer.why or not doubts:
            return Wanted(tuple(answer.values), complete=answer.why is None, why=answer.why)
        return Wanted(tuple(answer.values), complete=False, why=disagree(doubts.values()), possible=(*answer.values, *doubts))

    def readable(self, kind: str) -> Truth:
        """Tell whether a kind was read whole (True) or refused (False)."""
        missing = self.missing.get(kind, [Missing(_NOT_ASKED)])
        if any(each.refused for each in missing):
            return False
        return None if missing else True

    def why_incomplete(self, kind: str) -> str | None:
        """Say why not all of a kind was read, or None."""
        missing = self.missing.get(kind, [Missing(_NOT_ASKED)])
        return next((each.why for each in missing), None)


# ------------------------------------------------------------------------------------------------------------------ asking


def questions(condition: Condition | None) -> Iterator[Question]:
    """Yield what a condition asks of other resources, the inner questions before those that need their answers."""
    match condition:
        case AllOf(parts) | AnyOf(parts) | FirstKnown(parts):
            for part in parts:
                yield from questions(part)
        case Not(part) | Each(part=part):
            yield from questions(part)
        case Test(values=values):
            for value in values:
                if isinstance(value, Reference):
                    yield from questions(value.where)
                    yield value
        case Related(part=part):
            yield from questions(part)
            yield condition
        case Count(kind=kind, where=where):
            yield from questions(where)
            if kind:
                yield condition


def condition_of(question: Question) -> Condition | None:
    """Return the condition that a question puts to each resource."""
    return question.part if isinstance(question, Related) else question.where


def empty(question: Question) -> Kept | Found:
    """Return the answer before anything was looked at."""
    if isinstance(question, Reference):
        return Found()
    is_every = isinstance(question, Related) and question.quantifier == "every"
    return Kept(_theirs(question), frozenset({False, None}) if is_every else frozenset({True, None}))


def depth(question: Question) -> int:
    """Return how many rounds of answers have to be there before a question can be put.

    What is missing of all kinds is known after the first: so much does it take to say whether one could be read.
    """
    condition = condition_of(question)
    return max([int(_asks_whether_readable(condition)), *(1 + depth(inner) for inner in questions(condition))])


def key_of(values: Sequence[Any]) -> Key | None:
    """Return what two sides of a match have in common, or None where one is not known; `true` is not `1`."""
    if len(values) == 1 and type(values[0]) is str:
        return (values[0],)
    return None if any(value is MISSING for value in values) else tuple(map(_comparable, values))


def folded(question: Reference, value: Any) -> list[Any] | None:  # noqa: ANN401  JSON border
    """Return what is kept of a value, or None if it cannot be understood: of a list its items, of a mail address its domain."""
    values = value if isinstance(value, list) else [value]
    if any(isinstance(each, list | dict) for each in values):
        return None
    if question.of_domains:
        return [(domain_of(each) or each) if isinstance(each, str) else each for each in values]
    return values


def negated_truth(truth: Truth) -> Truth:
    """Return Kleene's `not`."""
    return None if truth is None else not truth


def agreed_truth(truths: Iterable[Truth]) -> Truth:
    """Return what all agree on. What is worse, a condition further out may turn round: so of what they do not, nothing is known."""
    first, *others = truths
    return first if all(truth is first for truth in others) else None


def disagree(addresses: Iterable[str]) -> str:
    """Say about what suppliers disagree."""
    first, *others = dict.fromkeys(addresses)
    return f"suppliers disagree about {first}" + (f" and {len(others)} more" if others else "")


def _theirs(question: Related | Count) -> tuple[str, ...]:
    return tuple(path for path, _ in question.match)


def _comparable(value: Any) -> Any:  # noqa: ANN401  JSON border
    if isinstance(value, bool | list | dict):
        return (type(value).__name__, msgspec.json.encode(value))
    return value


def _asks_whether_readable(condition: Condition | None) -> bool:
    match condition:
        case Readable():
            return True
        case AllOf(parts) | AnyOf(parts) | FirstKnown(parts):
            return any(map(_asks_whether_readable, parts))
        case Not(part) | Each(part=part):
            return _asks_whether_readable(part)
        case Count(kind=None, where=where):
            return _asks_whether_readable(where)
        case _:
            return False


def _params_of(part: Any) -> frozenset[str]:  # noqa: ANN401  any node of the tree
    match part:
        case Param(name):
            return frozenset({name})
        case Readable() | None | str() | int():
            return frozenset()
        case tuple():
            return frozenset().union(*map(_params_of, part))
        case _ if hasattr(part, "__dataclass_fields__"):
            return frozenset().union(*(_params_of(getattr(part, name)) for name in part.__dataclass_fields__))
    return frozenset()
