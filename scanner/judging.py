"""Conditions bound to what they look at: the truth about a resource, and what made it so.

What conditions ask of other resources is a question; `scanner.answers` has the answers. Here everything is a plain walk over the
tree, for what is reported and for what is unusual; `scanner.compiled` makes fast functions of the same trees for all the others.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, Protocol

import msgspec

from scanner.answers import Answers, Kept, agreed_truth, key_of, negated_truth
from scanner.conditions import (
    MISSING,
    OPERATORS,
    RELATIONS,
    AllOf,
    AnyOf,
    Clause,
    Condition,
    Constant,
    Count,
    Each,
    FirstKnown,
    Item,
    Not,
    Param,
    Readable,
    Reference,
    Related,
    Step,
    Test,
    TestFunction,
    Truth,
    Value,
    Wanted,
    beside,
    shown,
    value_at,
)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a condition may look at besides the resource: parameters, other resources, and the snapshot's own time."""

    as_of: datetime
    params: Mapping[str, Any] = field(default_factory=dict)
    answers: Answers = field(default_factory=Answers)


class Bound(Protocol):
    """A condition ready to judge."""

    def truth(self, item: Item) -> Truth:
        """Tell whether the condition holds; None is unknown."""

    def clauses(self, item: Item, truth: Truth) -> Iterator[Clause]:
        """Name the tests that make the truth what it is."""

    def trace(self, item: Item, depth: int = 0) -> Iterator[Step]:
        """Say step by step what was asked and what came out."""


def bind(condition: Condition, around: Surroundings) -> Bound:
    """Tie a condition to what it looks at."""
    match condition:
        case AllOf(parts):
            return BoundAll(tuple(bind(part, around) for part in parts))
        case FirstKnown(parts):
            return BoundFirstKnown(tuple(bind(part, around) for part in parts))
        case AnyOf(parts):
            return BoundAny(tuple(bind(part, around) for part in parts))
        case Not(part):
            return BoundNot(bind(part, around))
        case Test():
            return _bound_test(condition, around)
        case Each(path, quantifier, part, key):
            return BoundEach(path, quantifier, bind(part, around), key)
        case Related(kind, match, quantifier):
            return BoundRelated(
                kind, match, quantifier, bind(condition.part, around), around.answers.kept(condition, around.params)
            )
        case Count():
            where = bind(condition.where, around) if condition.where else None
            floor, ceiling = (_resolved(bound, around) if bound else None for bound in (condition.at_least, condition.at_most))
            kept = around.answers.kept(condition, around.params) if condition.kind else None
            return BoundCount(condition, floor, ceiling, where, kept)
        case Readable(kind):
            return BoundReadable(kind, around.answers.readable(kind), around.answers.why_incomplete(kind))


# ----------------------------------------------------------------------------------------------------------- all, any, not


@dataclass(frozen=True, slots=True)
class BoundAll:
    """True when every part is."""

    parts: tuple[Bound, ...]

    def truth(self, item: Item) -> Truth:
        whole: Truth = True
        for part in self.parts:
            truth = part.truth(item)
            if truth is False:
                return False
            whole = whole and truth
        return whole

    def clauses(self, item: Item, truth: Truth) -> Iterator[Clause]:
        return _sharing(self.parts, truth, item)

    def trace(self, item: Item, depth: int = 0) -> Iterator[Step]:
        return _steps("all of", self, self.parts, item, depth)


@dataclass(frozen=True, slots=True)
class BoundAny:
    """True when some part is."""

    parts: tuple[Bound, ...]

    def truth(self, item: Item) -> Truth:
        whole: Truth = False
        for part in self.parts:
            truth = part.truth(item)
            if truth:
                return True
            whole = None if truth is None else whole
        return whole

    def clauses(self, item: Item, truth: Truth) -> Iterator[Clause]:
        return _sharing(self.parts, truth, item)

    def trace(self, item: Item, depth: int = 0) -> Iterator[Step]:
        return _steps("any of", self, self.parts, item, depth)


@dataclass(frozen=True, slots=True)
class BoundFirstKnown:
    """As true as the first part that is known."""

    parts: tuple[Bound, ...]

    def truth(self, item: Item) -> Truth:
        return next((truth for part in self.parts if (truth := part.truth(item)) is not None), None)

    def clauses(self, item: Item, truth: Truth) -> Iterator[Clause]:
        known = next((part for part in self.parts if part.truth(item) is not None), None)
        return known.clauses(item, truth) if known else _sharing(self.parts, None, item)

    def trace(self, item: Item, depth: int = 0) -> Iterator[Step]:
        return _steps("the first known of", self, self.parts, item, depth)


@dataclass(frozen=True, slots=True)
class BoundNot:
    """True when its part is false."""

    part: Bound

    def truth(self, item: Item) -> Truth:
        return negated_truth(self.part.truth(item))

    def clauses(self, item: Item, truth: Truth) -> Iterator[Clause]:
        for clause in self.part.clauses(item, negated_truth(truth)):
            yield msgspec.structs.replace(clause, wanted=_negated_phrase(clause.wanted))

    def trace(self, item: Item, depth: int = 0) -> Iterator[Step]:
        return _steps("not", self, (self.part,), item, depth)


# ------------------------------------------------------------------------------------------------------------------- facts


@dataclass(frozen=True, slots=True)
class BoundTest:
    """One operator applied to one fact, or to what it is beside another."""

    path: str
    # What it does follows from the other fields: they tell whether two tests are the same.
    test: TestFunction = field(compare=False)
    wanted: str
    why: str | None
    beside: str | None
    operator: str
    values: Wanted

    def truth(self, item: Item) -> Truth:
        fact = value_at(item, self.path)
        if self.beside and fact is not MISSING:
            fact = beside(fact, value_at(item, self.beside))
        return None if fact is MISSING else self.test(fact)

    def clauses(self, item: Item, truth: Truth) -> Iterator[Clause]:
        fact = value_at(item, self.path)
        known = fact is not MISSING
        why = self._why(item, known=known) if truth is None else None
        yield Clause(path=self.path, actual=fact if known else None, known=known, wanted=self.wanted, why=why)

    def trace(self, item: Item, depth: int = 0) -> Iterator[Step]:
        fact = value_at(item, self.path)
        what = f"it is {shown(fact)}" if fact is not MISSING else "it is not known"
        truth = self.truth(item)
        because = f" ({self.why})" if truth is None and self.why and fact is not MISSING else ""
        yield Step(depth=depth, asked=f"{self.path}: {self.wanted}", truth=truth, seen=what + because)

    def _why(self, item: Item, *, known: bool) -> str:
        if not known:
            return f"{self.path} is not known"
        if self.beside and value_at(item, self.beside) is MISSING:
            return f"{self.beside} is not known"
        return self.why or "it is not of the right type"


@dataclass(frozen=True, slots=True)
class BoundEach:
    """A quantifier over the objects of a list."""

    path: str
    quantifier: str
    part: Bound
    key: str | None

    def truth(self, item: Item) -> Truth:
        objects = value_at(item, self.path)
        if not isinstance(objects, list):
            return None
        return quantified(self.quantifier, (self.part.truth(each) for each in objects))

    def clauses(self, item: Item, truth: Truth) -> Iterator[Clause]:
        objects = value_at(item, self.path)
        if not isinstance(objects, list):
            yield Clause(path=self.path, actual=None, known=False, wanted="a list", why=f"{self.path} is not known")
            return
        if not objects:
            yield Clause(path=self.path, actual=[], known=True, wanted=f"{self.quantifier} of them to meet a condition")
        sought = negated_truth(truth) if self.quantifier == "none" else truth
        deciding = ((index, each) for index, each in enumerate(objects) if self.part.truth(each) is sought)
        for index, each in islice(deciding, MAX_SHOWN):
            for clause in self.part.clauses(each, sought):
                path = f"{self.path}[{self._label(each, index)}].{clause.path}"
                yield _renamed(clause, self.quantifier, path=path, address=clause.address)

    def trace(self, item: Item, depth: int = 0) -> Iterator[Step]:
        objects = value_at(item, self.path)
        there = f"{len(objects)} of them" if isinstance(objects, list) else "not known"
        yield Step(depth=depth, asked=f"{self.quantifier} of {self.path}", truth=self.truth(item), seen=there)
        for index, each in enumerate(objects[:MAX_TRACED] if isinstance(objects, list) else ()):
            yield Step(depth=depth + 1, asked=f"{self.path}[{self._label(each, index)}]", truth=self.part.truth(each))
            yield from self.part.trace(each, depth + 2)

    def _label(self, each: Any, index: int) -> Any:  # noqa: ANN401  JSON border
        return each.get(self.key, index) if self.key and isinstance(each, dict) else index


# --------------------------------------------------------------------------------------------------------- other resources


@dataclass(frozen=True, slots=True)
class BoundRelated:
    """A quantifier over the resources of another kind that match ours."""

    kind: str
    match: tuple[tuple[str, str], ...]
    quantifier: str
    part: Bound
    kept: Kept

    def truth(self, item: Item) -> Truth:
        return self.truth_of([value_at(item, ours) for _, ours in self.match])

    def truth_of(self, ours: Sequence[Any]) -> Truth:
        """Tell it of a resource with these values at our side of the match."""
        key = key_of(ours)
        if key is None:
            return None
        tally = self.kept.of(key)
        return tally.quantified(self.quantifier, complete=self.kept.why_incomplete(key) is None)

    def clauses(self, item: Item, truth: Truth) -> Iterator[Clause]:
        key = key_of([value_at(item, ours) for _, ours in self.match])
        tally, why = self.kept.of(key), self.kept.why_incomplete(key) or self.kept.why_disputed(key)
        sought = negated_truth(truth) if self.quantifier == "none" else truth
        others = tally.samples.get(sought, ())
        for other in others:
            for clause in self.part.clauses(other, self.part.truth(other)):
                yield _renamed(clause, self.quantifier, path=clause.path, address=clause.address or f"{self.kind}/{other['id']}")
        if truth is None and why:
            yield Clause(path=self.kind, actual=None, known=False, wanted="known", why=why)
        elif not others:
            yield Clause(path=self.kind, actual=tally.number, known=True, wanted=f"{self.quantifier} of them to meet a condition")

    def trace(self, item: Item, depth: int = 0) -> Iterator[Step]:
        key = key_of([value_at(item, ours) for _, ours in self.match])
        tally, why = self.kept.of(key), self.kept.why_incomplete(key)
        yield Step(
            depth=depth,
            asked=f"{self.quantifier} of {self.kind}{_matched(self.match)}",
            truth=self.truth(item),
            seen=_there(tally.number, why, self.kept.why_disputed(key)),
        )
        for other in [each for samples in tally.samples.values() for each in samples][:MAX_TRACED]:
            yield Step(depth=depth + 1, asked=f"{self.kind}/{other['id']}", truth=self.part.truth(other))
            yield from self.part.trace(other, depth + 2)


@dataclass(frozen=True, slots=True)
class BoundCount:
    """A bound on how many items of a list, or resources of another kind, meet a condition."""

    count: Count
    floor: Wanted | None
    ceiling: Wanted | None
    where: Bound | None
    kept: Kept | None

    def truth(self, item: Item) -> Truth:
        return self.within(self.numbers(item))

    def within(self, numbers: tuple[int, float] | None) -> Truth:
        """Tell whether so many for certain, and so many at most, lie within the bounds."""
        if numbers is None:
            return None
        return all_of((_reaches(self.floor, numbers), _stays_below(self.ceiling, numbers)))

    def truth_of(self, ours: Sequence[Any]) -> Truth:
        """Tell it of a resource with these values at our side of the match."""
        return self.within(self._numbers_of(ours))

    def numbers(self, item: Item) -> tuple[int, float] | None:
        """Return how many there are for certain, and how many there may be."""
        if self.kept is not None:
            return self._numbers_of([value_at(item, ours) for _, ours in self.count.match])
        things = value_at(item, self.count.path or "")
        if not isinstance(things, list):
            return None
        truths = [True if self.where is None else self.where.truth(thing) for thing in things]
        certain = truths.count(True)
        return certain, certain + truths.count(None)

    def clauses(self, item: Item, truth: Truth) -> Iterator[Clause]:
        numbers = self.numbers(item)
        what = f"count of {self.count.kind or self.count.path}"
        why = self._why(item) if truth is None else None
        yield Clause(path=what, actual=numbers[0] if numbers else None, known=numbers is not None, wanted=self._wanted(), why=why)

    def trace(self, item: Item, depth: int = 0) -> Iterator[Step]:
        numbers, what = self.numbers(item), self.count.kind or self.count.path
        found = "not known" if numbers is None else f"{numbers[0]} for certain, {shown_number(numbers[1])} at most"
        why = self._why(item) if self.truth(item) is None else ""
        seen = f"{found} ({why})" if why else found
        yield Step(depth=depth, asked=f"count of {what}: {self._wanted()}", truth=self.truth(item), seen=seen)
        if self.kept is not None and self.where is not None:
            tally = self.kept.of(key_of([value_at(item, ours) for _, ours in self.count.match]))
            for other in [*tally.samples.get(True, ()), *tally.samples.get(None, ())][:MAX_TRACED]:
                yield Step(depth=depth + 1, asked=f"{self.count.kind}/{other['id']}", truth=self.where.truth(other))
                yield from self.where.trace(other, depth + 2)

    def _numbers_of(self, ours: Sequence[Any]) -> tuple[int, float] | None:
        key = key_of(ours)
        if key is None or self.kept is None:
            return None
        tally = self.kept.of(key)
        certain = tally.yes
        return certain, certain + tally.unsure if self.kept.why_incomplete(key) is None else float("inf")

    def _wanted(self) -> str:
        words = (("at least", self.floor), ("at most", self.ceiling))
        return " and ".join(f"{word} {shown(bound.values[0]) if bound.values else '?'}" for word, bound in words if bound)

    def _why(self, item: Item) -> str:
        unset = next((bound.why for bound in (self.floor, self.ceiling) if bound and bound.why), None)
        key = key_of([value_at(item, ours) for _, ours in self.count.match])
        why = (self.kept.why_incomplete(key) or self.kept.why_disputed(key)) if self.kept else None
        return unset or why or "some could not be told"


@dataclass(frozen=True, slots=True)
class BoundReadable:
    """True if a kind was read whole, false if Atlassian refused it."""

    kind: str
    known: Truth
    why: str | None

    def truth(self, _item: Item) -> Truth:
        return self.known

    def clauses(self, _item: Item, truth: Truth) -> Iterator[Clause]:
        told = truth is not None
        actual = {True: "whole", False: "refused", None: None}[self.known]
        yield Clause(path=f"reading of {self.kind}", actual=actual, known=told, wanted="whole", why=None if told else self.why)

    def trace(self, _item: Item, depth: int = 0) -> Iterator[Step]:
        yield Step(depth=depth, asked=f"reading of {self.kind}: whole", truth=self.known, seen=self.why or "it was read whole")


# ------------------------------------------------------------------------------------------------------------------ values

# So many of a list, or of other resources, are shown in a trace, and so many of those that decided with a finding.
MAX_TRACED = 20
MAX_SHOWN = 5
_SENTENCE = 5
_ENOUGH = 1_000


def _bound_test(test: Test, around: Surroundings) -> BoundTest:
    operator = OPERATORS[test.operator]
    wanted = _wanted(test.values, around)
    if operator.takes == "list":
        # Of many thousand values, no more are looked at than a sentence holds.
        values = list(dict.fromkeys(map(shown, islice(wanted.values, _ENOUGH))))
        listed = ", ".join(values[:_SENTENCE]) + (", …" if len(values) > _SENTENCE else "")
    else:
        listed = shown(wanted.values[0]) if wanted.values else "?"
    relation = RELATIONS[test.relation] if test.operator.startswith("domain_") else ""
    phrase = operator.phrase.format(relation + (listed or "(none)"))
    if test.beside:
        phrase = f"{phrase} {'percent of' if operator.takes == 'number' else 'than'} {test.beside}"
    function = _function(test, wanted, around.as_of)
    return BoundTest(test.path, function, phrase, wanted.why, test.beside, test.operator, wanted)


def _function(test: Test, wanted: Wanted, as_of: datetime) -> TestFunction:
    """Return what tests a fact; where values are in doubt, it tells what holds without them and with them."""
    operator = OPERATORS[test.operator]
    if wanted.possible is None:
        return operator.bind(wanted, test.relation, as_of)
    fewest, most = (operator.bind(Wanted(values), test.relation, as_of) for values in (wanted.values, wanted.possible))
    return lambda fact: agreed_truth((fewest(fact), most(fact)))


def _wanted(values: tuple[Value, ...], around: Surroundings) -> Wanted:
    parts = [_resolved(value, around) for value in values]
    certain = tuple(value for part in parts for value in part.values)
    if all(part.complete for part in parts):
        return Wanted(certain)
    if boundless := [part for part in parts if not part.complete and part.possible is None]:
        return Wanted(certain, complete=False, why=boundless[0].why)
    why = next(part.why for part in parts if part.why)
    possible = tuple(value for part in parts for value in part.possible or part.values)
    return Wanted(certain, complete=False, why=why, possible=possible)


def _resolved(value: Value, around: Surroundings) -> Wanted:
    match value:
        case Constant(constant):
            return Wanted((constant,))
        case Param(name):
            setting = around.params.get(name)
            if setting is None:
                return Wanted((), complete=False, why=f"{name} is not configured (set it in atlascan.yaml)")
            return Wanted(tuple(setting)) if isinstance(setting, list | tuple) else Wanted((setting,))
        case Reference():
            return around.answers.values(value, around.params)


# ------------------------------------------------------------------------------------------------------------------- truth


def any_of(truths: Iterable[Truth], *, complete: bool = True) -> Truth:
    """Return Kleene's `or`; of what is not complete, something else might be true."""
    unknown = not complete
    for truth in truths:
        if truth:
            return True
        unknown = unknown or truth is None
    return None if unknown else False


def all_of(truths: Iterable[Truth], *, complete: bool = True) -> Truth:
    """Return Kleene's `and`; of what is not complete, something else might be false."""
    return negated_truth(any_of(map(negated_truth, truths), complete=complete))


def quantified(quantifier: str, truths: Iterable[Truth]) -> Truth:
    """Return what a quantifier makes of the truths about each."""
    match quantifier:
        case "every":
            return all_of(truths)
        case "some":
            return any_of(truths)
        case _:
            return negated_truth(any_of(truths))


def shown_number(number: float) -> str:
    """Return a number as it stands in a sentence."""
    return "any number" if number == float("inf") else str(int(number))


def _reaches(floor: Wanted | None, numbers: tuple[int, float]) -> Truth:
    if floor is None:
        return True
    certain, possible = numbers
    if not floor.values:
        return None
    return True if certain >= floor.values[0] else None if possible >= floor.values[0] else False


def _stays_below(ceiling: Wanted | None, numbers: tuple[int, float]) -> Truth:
    if ceiling is None:
        return True
    certain, possible = numbers
    if not ceiling.values:
        return None
    return True if possible <= ceiling.values[0] else None if certain <= ceiling.values[0] else False


def _sharing(parts: tuple[Bound, ...], whole: Truth, item: Item) -> Iterator[Clause]:
    """Yield the clauses of the parts that share the truth of the whole: those made it so, in `all` and in `any` alike."""
    for part in parts:
        if part.truth(item) is whole:
            yield from part.clauses(item, whole)


def _renamed(clause: Clause, quantifier: str, *, path: str, address: str | None) -> Clause:
    """Return a clause about one of several things, as it reads from outside."""
    wanted = _negated_phrase(clause.wanted) if quantifier == "none" else clause.wanted
    return Clause(path=path, actual=clause.actual, known=clause.known, wanted=wanted, address=address, why=clause.why)


def _steps(asked: str, whole: Bound, parts: tuple[Bound, ...], item: Item, depth: int) -> Iterator[Step]:
    yield Step(depth=depth, asked=asked, truth=whole.truth(item))
    for part in parts:
        yield from part.trace(item, depth + 1)


def _matched(match: tuple[tuple[str, str], ...]) -> str:
    pairs = " and ".join(f"{theirs} is our {ours}" for theirs, ours in match)
    return f" whose {pairs}" if pairs else ""


def _there(number: int, why: str | None, disputed: str | None) -> str:
    more = f", and there may be more: {why}" if why else ""
    return f"{number} of them{more}" + (f"; {disputed}" if disputed else "")


def _negated_phrase(phrase: str) -> str:
    return phrase.removeprefix("not ") if phrase.startswith("not ") else f"not {phrase}"
