"""Gather the answers to what rules ask of other resources: a round over the kinds asked about, more for questions within."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from scanner import answers as asking
from scanner.answers import Answers, Asked, Found, Kept, Missing, Question
from scanner.compiled import Compiler
from scanner.conditions import MISSING, Condition, Reference, Truth, value_at
from scanner.judging import Bound, Surroundings, bind
from scanner.kinds import KINDS, OWN_PATHS, own_values
from scanner.model import Gap, Header, Part, Parts, Reason
from scanner.stretches import Declare, Facts, Piece, Reader, Stretch, Subject, could_not, subjects

# Atlassian said no, or that there is none.
REFUSED = frozenset({Reason.FORBIDDEN, Reason.NOT_FOUND})


@dataclass(frozen=True, slots=True)
class Put:
    """A question as a policy puts it: with its parameters."""

    question: Question
    params: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """Return the kind that it is about."""
        return self.question.kind or ""

    @property
    def asked(self) -> Asked:
        """Return what its answer is kept under."""
        return asking.asked(self.question, self.params)


def rounds(asked_by: Iterable[tuple[Condition | None, Mapping[str, Any]]]) -> list[list[Put]]:
    """Return what conditions ask, in rounds: each needs the answers of those before it. What two ask alike stands once."""
    puts: dict[Asked, Put] = {}
    for condition, params in asked_by:
        for question in asking.questions(condition):
            put = Put(question, params)
            puts.setdefault(put.asked, put)
    number = 1 + max((asking.depth(put.question) for put in puts.values()), default=-1)
    return [[put for put in puts.values() if asking.depth(put.question) == depth] for depth in range(number)]


@dataclass(frozen=True, slots=True)
class Gathered:
    """What one stretch gave: the answers to the questions in part, and what of its kind is missing."""

    answers: list[Kept | Found]
    missing: list[Missing]


class Gatherer:
    """Puts questions to the resources of one kind, stretch after stretch."""

    def __init__(self, kind: str, puts: list[Put], header: Header, known: Answers, declare: Declare) -> None:
        self._kind, self._declare = kind, declare
        compiler = Compiler(kind)
        self._folds = [_Fold.of(put, Surroundings(header.taken_at, put.params, known), compiler) for put in puts]
        self._truths = compiler.truths(fold.condition for fold in self._folds)
        self._decode = compiler.decoder()

    def gathered(self, stretch: Stretch, parts: Parts | None) -> Gathered:
        """Return what a stretch answers."""
        folds = self._folds
        for fold in folds:
            fold.begin()
        if stretch.part is None or parts is None:
            missing = self._in_full(subjects(self._kind, stretch.records, self._declare))
        else:
            missing = self._of_part(stretch.part, Reader(parts, self._decode, self._declare))
        return Gathered([fold.answer for fold in folds], missing)

    def _of_part(self, part: Part, reader: Reader) -> list[Missing]:
        missing: list[Missing] = []
        folds, truths_of = self._folds, self._truths
        dull = (False,) * len(folds)
        for piece in reader.pieces(part):
            if piece.seen is None:
                missing += self._in_full(reader.subjects(part, piece))
            elif not folds:
                break  # gaps stand first
            dropped = all(fold.drops_false for fold in folds)
            for index, seen in enumerate(piece.seen or ()):
                truths = truths_of(seen)
                if dropped and truths == dull:
                    continue
                for fold, truth in zip(folds, truths, strict=True):
                    if truth is not False or not fold.drops_false:
                        fold.add_seen(truth, seen, partial(_facts_of, reader, part, piece, index))
        return missing

    def _in_full(self, whole: Iterable[Subject]) -> list[Missing]:
        missing: list[Missing] = []
        for subject in whole:
            if subject.gap:
                missing.append(Missing(could_not(subject.gap), _known_of(subject.gap), subject.gap.reason in REFUSED))
                continue
            if not self._folds:
                break  # gaps stand first, and nothing is asked of the resources
            for fold in self._folds:
                fold.add_subject(subject)
        return missing


@dataclass(slots=True)
class _Fold:
    """One question put to one resource after another, and the answer so far."""

    put: Put
    condition: Bound | None
    paths: tuple[str, ...]
    answer: Kept | Found
    of_domains: bool
    values: Callable[[Any], list[Any]]
    drops_false: bool = False
    # Domains as they were written, so that each is looked at once.
    written: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, put: Put, around: Surroundings, compiler: Compiler) -> "_Fold":
        question = put.question
        condition = asking.condition_of(question)
        paths = (question.path,) if isinstance(question, Reference) else tuple(path for path, _ in question.match)
        bound = bind(condition, around) if condition else None
        of_domains = isinstance(question, Reference) and question.of_domains
        return cls(put, bound, paths, asking.empty(question), of_domains, compiler.values(paths))

    def begin(self) -> None:
        """Start a new answer, with no more to be shown than is still wanted after those before."""
        room = self.answer.room
        self.answer = asking.empty(self.put.question)
        self.answer.room = room
        self.drops_false = self.answer.skips(False)
        self.written.clear()

    def add_subject(self, subject: Subject) -> None:
        said = [self._said(variant.facts) for variant in subject.variants]
        if len(said) == 1:
            [one] = said
            self._add(one.truth, one.values, subject.id, partial(dict, one.facts))
        elif isinstance(self.answer, Found):
            self._add_disputed_values(self.answer, said, subject)
        else:
            self._add_to_places(self.answer, said, subject)

    def _said(self, facts: Facts) -> "_Said":
        return _Said(facts, True if self.condition is None else self.condition.truth(facts), self._values_of(facts))

    def _add_disputed_values(self, found: Found, said: "list[_Said]", subject: Subject) -> None:
        """Add the values that all suppliers give; those that only some give are in dispute."""
        each = [Found() for _ in said]
        for one, supplier in zip(each, said, strict=True):
            self._add_value(one, supplier.truth, supplier.values[0], subject.id)
        found.why = found.why or next((one.why for one in each if one.why), None)
        for value in {value: None for one in each for value in one.values}:
            if all(value in one.values for one in each):
                found.values[value] = None
            else:
                found.disputed.setdefault(value, subject.address)

    def _add_to_places(self, kept: Kept, said: "list[_Said]", subject: Subject) -> None:
        """Count a resource in each place where a supplier has it; for a supplier who has it elsewhere, it decides nothing there."""
        dull = False in kept.decisive
        for place in {repr(supplier.values): supplier for supplier in said}.values():
            truths = [supplier.truth if repr(supplier.values) == repr(place.values) else dull for supplier in said]
            truth = asking.agreed_truth(truths)
            sample = partial(_agreed_facts, said) if truth is None else partial(dict, place.facts)
            self._add(truth, place.values, subject.id, sample)
            key = asking.key_of(place.values)
            if key is not None and len(set(truths)) > 1:
                kept.disputed.setdefault(key, subject.address)

    def _values_of(self, facts: Mapping[str, Any]) -> list[Any]:
        return [value_at(facts, path) for path in self.paths]

    def add_seen(self, truth: Truth, seen: Any, full: Callable[[], dict[str, Any]]) -> None:  # noqa: ANN401  of the compiler
        values = self.values(seen)
        if isinstance(self.answer, Kept):
            self._add(truth, values, seen.id, full)
            self.drops_false = self.answer.skips(False)
        elif not (self.of_domains and truth and self._was_written(values[0])):
            self._add_value(self.answer, truth, values[0], seen.id)

    def _was_written(self, value: Any) -> bool:  # noqa: ANN401  JSON border
        """Tell whether a domain was seen before as it is written here."""
        if not isinstance(value, str):
            return False
        written = value.rpartition("@")[2]
        was = written in self.written
        self.written.add(written)
        return was

    def _add(self, truth: Truth, values: list[Any], id_: str, sample: Callable[[], dict[str, Any]]) -> None:
        if isinstance(self.answer, Found):
            self._add_value(self.answer, truth, values[0], id_)
        elif (key := asking.key_of(values)) is not None:
            self.answer.add(key, truth, sample)
        elif truth in self.answer.decisive:
            known = {path: value for path, value in zip(self.paths, values, strict=True) if isinstance(value, str)}
            self.answer.lacking.append(Missing(self._not_known(id_), known))

    def _add_value(self, found: Found, truth: Truth, value: Any, id_: str) -> None:  # noqa: ANN401  JSON border
        question = self.put.question
        if truth is False or not isinstance(question, Reference):
            return
        kept = None if truth is None or value is MISSING else asking.folded(question, value)
        if kept is None:
            found.why = found.why or self._not_known(id_)
        else:
            found.values.update(dict.fromkeys(kept))

    def _not_known(self, id_: str) -> str:
        return f"not all of {self.put.question.kind}/{id_} is known"


# ---------------------------------------------------------------------------------------------------------------- private


@dataclass(frozen=True, slots=True)
class _Said:
    """What one supplier of a resource says: the facts, and what these come to."""

    facts: Facts
    truth: Truth
    values: list[Any]


def _agreed_facts(said: list[_Said]) -> Facts:
    """Return the facts of a resource on which its suppliers agree: the others are not known."""
    first, *others = (supplier.facts for supplier in said)
    return {name: value for name, value in first.items() if all(name in other and other[name] == value for other in others)}


def _facts_of(reader: Reader, part: Part, piece: Piece, index: int) -> dict[str, Any]:
    return reader.subject(part, piece, index).variants[0].facts


def _known_of(gap: Gap) -> dict[str, str]:
    """Return what is known of what a gap hides: its own id, or the site and project of what refused to show it."""
    if gap.id:
        return own_values(KINDS[gap.kind], gap.id)
    parent, _, id_ = (gap.parent or "").partition("/")
    if parent not in KINDS or not id_:
        return {}
    above = own_values(KINDS[parent], id_)
    hides = OWN_PATHS[KINDS[gap.kind].scope]
    return {name: value for name, value in above.items() if name not in ("id", "local_id") and name in hides}
