"""Judge: rules and a snapshot in, findings out. Pure: the same snapshot gives the same findings, on any day.

First what the rules ask of other resources is gathered (`scanner.gather`), then each resource is judged. A file is read part by
part, by several processes if wanted. Most of its resources pass fast functions (`scanner.compiled`); what is reported, and what is
unusual, is looked at closely (`scanner.judging`).
"""

import gc
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec

from scanner.answers import Answers, Missing, empty
from scanner.compiled import FAIL, NOTAPPLICABLE, PASS, UNKNOWN, UNSELECTED, Compiler
from scanner.conditions import Clause, Condition, Step, facts_read, referred_kinds, seen, shown
from scanner.crew import shared
from scanner.gather import Gathered, Gatherer, Put, rounds
from scanner.judging import Bound, Surroundings, bind
from scanner.kinds import KINDS
from scanner.model import (
    Evidence,
    Explanation,
    Finding,
    Gap,
    Header,
    Part,
    Parts,
    Policy,
    Reason,
    Rule,
    Severity,
    Snapshot,
    Source,
    Verdict,
)
from scanner.stretches import Declare, Facts, Reader, Stretch, Subject, Variant, some, stretches, subjects

# Of what passes, and of what is not applicable, so many findings are listed for each policy; the others are only counted.
LISTED = {Verdict.PASS: 250, Verdict.NOTAPPLICABLE: 25}
# What compiled functions return, as verdicts.
_VERDICTS = {PASS: Verdict.PASS, NOTAPPLICABLE: Verdict.NOTAPPLICABLE, FAIL: Verdict.FAIL, UNKNOWN: Verdict.UNKNOWN}
_TRUTHS = {PASS: True, FAIL: False, UNKNOWN: None}


@dataclass(slots=True)
class Evaluation:
    """The findings of rules about a snapshot, as a stream; what passes and is not listed is counted in `unlisted` as it goes.

    Args:
        rules: What must be true.
        snapshot: What was read.
        declare: Adds the facts that the configuration states (kind, id, facts -> facts).
        jobs: How many processes judge; of a snapshot that is no file, one.
        watched: Findings, as (policy, address), that are listed in any case.
    """

    rules: tuple[Rule, ...]
    snapshot: Snapshot
    declare: Declare
    jobs: int = 1
    watched: frozenset[tuple[str, str]] = frozenset()
    unlisted: Counter[tuple[str, str]] = field(default_factory=Counter)

    def __iter__(self) -> Iterator[Finding]:
        """Stream the findings: one for each rule and each resource or gap of the rule's kind."""
        with _without_collector():
            yield from self._listed()

    def _listed(self) -> Iterator[Finding]:
        self.unlisted.clear()
        left = {(rule.policy.id, verdict.value): number for rule in self.rules for verdict, number in LISTED.items()}
        for finding in self._judged():
            key = (finding.policy, finding.verdict.value)
            if left.get(key, 1):
                yield finding
                if key in left:
                    left[key] -= 1
            elif (finding.policy, finding.address) in self.watched:
                yield finding
            else:
                self.unlisted[key] += 1

    def unlisted_of(self, policy: str) -> dict[str, int]:
        """Return how many findings of a policy are not listed, by verdict."""
        return {verdict: number for (id_, verdict), number in self.unlisted.items() if id_ == policy}

    def _judged(self) -> Iterator[Finding]:
        header = self.snapshot.header
        bench = _Bench(self.rules, header, self.snapshot.parts, self.declare, _answers(self), self.watched)
        kinds = frozenset(rule.policy.kind for rule in self.rules)
        present: set[str] = set()
        for verdicts in shared(self.jobs, _judge, bench, stretches(self.snapshot, kinds)):
            present.add(verdicts.kind)
            self.unlisted.update(verdicts.unlisted)
            yield from verdicts.findings
        # What people attest of a kind that was never read is some of it.
        stated_only = {kind for kind in present & _PARTLY_STATED if not _is_collected(kind, header)}
        for kind in sorted((kinds - present) | stated_only):
            for judge in bench.judges(kind):
                yield judge.nothing(collected=_is_collected(kind, header))


def evaluate(
    rules: Iterable[Rule],
    snapshot: Snapshot,
    declare: Declare,
    *,
    jobs: int = 1,
    watched: frozenset[tuple[str, str]] = frozenset(),
) -> Evaluation:
    """Return the findings of rules about a snapshot, as a stream. Arguments as of Evaluation."""
    return Evaluation(tuple(rules), snapshot, declare, jobs if snapshot.parts else 1, watched)


def explain(rule: Rule, id_: str, snapshot: Snapshot, declare: Declare) -> Iterator[Explanation]:
    """Yield how the verdict on a resource comes about, or those on the gaps that hide it. Of no such resource there is none."""
    bench = _Bench((rule,), snapshot.header, snapshot.parts, declare, _answers(evaluate([rule], snapshot, declare)))
    kind = rule.policy.kind
    [judge] = bench.judges(kind)
    for subject in subjects(kind, (record for record in snapshot.of(kind) if record.id == id_), declare):
        for finding in judge.findings(subject):
            yield Explanation(finding, tuple(step for variant in subject.variants for step in judge.traced(variant)))


def needs(rules: Iterable[Rule]) -> frozenset[tuple[str, str]]:
    """Return the facts that rules look at, as (kind, fact), so that nothing else need be collected."""
    needed: set[tuple[str, str]] = set()
    for rule in rules:
        policy = rule.policy
        needed |= {(policy.kind, ""), *((policy.kind, path) for path in policy.evidence)}
        for condition in _conditions(policy):
            needed |= facts_read(condition, policy.kind)
    return frozenset(needed)


def referred(policy: Policy) -> frozenset[str]:
    """Return the other kinds that a policy looks at."""
    return frozenset().union(*map(referred_kinds, _conditions(policy)))


# ---------------------------------------------------------------------------------------------------------------- private


@contextmanager
def _without_collector() -> Iterator[None]:
    """Let the collector of cycles rest: nothing made here refers to itself, and it would look at all of it again and again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _answers(evaluation: Evaluation) -> Answers:
    """Gather what the rules of an evaluation ask of other resources."""
    snapshot, known = evaluation.snapshot, Answers()
    puts = rounds((condition, rule.params) for rule in evaluation.rules for condition in _conditions(rule.policy))
    referred_to = frozenset().union(*(referred(rule.policy) for rule in evaluation.rules))
    for kind in sorted(referred_to):
        known.missing[kind] = [] if _is_collected(kind, snapshot.header) else [Missing(f"the snapshot does not cover {kind}")]
    for number, one in enumerate(puts or [[]]):
        kinds = frozenset(put.kind for put in one) | (referred_to if number == 0 else frozenset())
        table = _Table(one, snapshot.header, snapshot.parts, evaluation.declare, known)
        known.by_question.update({put.asked: empty(put.question) for put in one})
        for kind, gathered in shared(evaluation.jobs, _gather, table, stretches(snapshot, kinds)):
            _add(known, table.of(kind), gathered)
            known.missing[kind].extend(gathered.missing if number == 0 else ())
        for put in one:
            answer = known.by_question[put.asked]
            answer.close(known.missing[put.kind])
    return known


@dataclass(slots=True)
class _Table:
    """What a process needs to gather the answers of one round."""

    puts: list[Put]
    header: Header
    parts: Parts | None
    declare: Declare
    known: Answers

    gatherers: dict[str, Gatherer] = field(default_factory=dict)

    def of(self, kind: str) -> list[Put]:
        """Return the questions about a kind."""
        return [put for put in self.puts if put.kind == kind]

    def gatherer(self, kind: str) -> Gatherer:
        """Return who puts them, made when the first resource of the kind comes."""
        if kind not in self.gatherers:
            self.gatherers[kind] = Gatherer(kind, self.of(kind), self.header, self.known, self.declare)
        return self.gatherers[kind]


def _gather(table: _Table, stretch: Stretch) -> tuple[str, Gathered]:
    return stretch.kind, table.gatherer(stretch.kind).gathered(stretch, table.parts)


def _add(known: Answers, puts: list[Put], gathered: Gathered) -> None:
    for put, answer in zip(puts, gathered.answers, strict=True):
        known.by_question[put.asked].extend(answer)


@dataclass(slots=True)
class _Bench:
    """What a process needs to judge, with the judges of each kind made when the first resource of it comes."""

    rules: tuple[Rule, ...]
    header: Header
    parts: Parts | None
    declare: Declare
    answers: Answers
    watched: frozenset[tuple[str, str]] = frozenset()
    seated: "dict[str, tuple[_Judge, ...]]" = field(default_factory=dict)
    juries: "dict[str, _Jury]" = field(default_factory=dict)

    def judges(self, kind: str) -> "tuple[_Judge, ...]":
        """Return the judges of a kind, one for each of its rules."""
        if kind not in self.seated:
            rules = [rule for rule in self.rules if rule.policy.kind == kind]
            around = ((rule, Surroundings(self.header.taken_at, rule.params, self.answers)) for rule in rules)
            self.seated[kind] = tuple(_Judge.of(rule, each) for rule, each in around)
        return self.seated[kind]

    def jury(self, kind: str, parts: Parts) -> "_Jury":
        """Return who judges parts of a kind at a glance."""
        if kind not in self.juries:
            compiler, judges = Compiler(kind), self.judges(kind)
            function = compiler.verdicts([(judge.where, judge.require) for judge in judges])
            reader = Reader(parts, compiler.decoder(), self.declare, some(kind, _facts_shown(judges, kind)))
            self.juries[kind] = _Jury(reader, judges, function, self.watched)
        return self.juries[kind]


@dataclass(frozen=True, slots=True)
class _Verdicts:
    """What came of a stretch: its kind, the findings, and how many pass or are not applicable that are not listed."""

    kind: str
    findings: list[Finding]
    unlisted: Counter[tuple[str, str]] = field(default_factory=Counter)

    def __reduce__(self) -> tuple[Callable[..., "_Verdicts"], tuple[str, bytes, Counter[tuple[str, str]]]]:
        """Travel between processes in one piece: there are very many findings."""
        return _verdicts, (self.kind, msgspec.msgpack.encode(self.findings), self.unlisted)


def _verdicts(kind: str, findings: bytes, unlisted: Counter[tuple[str, str]]) -> _Verdicts:
    return _Verdicts(kind, msgspec.msgpack.decode(findings, type=list[Finding]), unlisted)


def _judge(bench: _Bench, stretch: Stretch) -> _Verdicts:
    """Judge a stretch."""
    if stretch.part is None or bench.parts is None:
        whole, judges = subjects(stretch.kind, stretch.records, bench.declare), bench.judges(stretch.kind)
        return _Verdicts(stretch.kind, [finding for subject in whole for judge in judges for finding in judge.findings(subject)])
    return bench.jury(stretch.kind, bench.parts).verdicts(stretch.part)


class _Jury:
    """The judges of a kind, and the function that tells the outcomes of all of them fast.

    What passes, or is not applicable, is listed while there is room: what one process lists of the parts it sees, in their order,
    is never less than what is wanted of all.
    """

    def __init__(
        self,
        reader: Reader,
        judges: "tuple[_Judge, ...]",
        outcomes: Callable[[Any], tuple[int, ...]],
        watched: frozenset[tuple[str, str]],
    ) -> None:
        self._reader, self._judges, self._outcomes, self._watched = reader, judges, outcomes, watched
        self._rooms = [list(LISTED.values()) for _ in judges]
        # Outcomes of all judges that are settled, with who lists a finding, and how many of a part came out so: there are few.
        self._settled: dict[tuple[int, ...], _Settled] = {}

    def verdicts(self, part: Part) -> _Verdicts:
        """Judge a part."""
        findings: list[Finding] = []
        unlisted: Counter[tuple[str, str]] = Counter()
        outcomes_of, settled = self._outcomes, self._settled
        for piece in self._reader.pieces(part):
            if piece.seen is None:
                whole = self._reader.subjects(part, piece)
                findings.extend(finding for subject in whole for judge in self._judges for finding in judge.findings(subject))
                continue
            for index, glance in enumerate(piece.seen):
                outcomes = outcomes_of(glance)
                known = settled.get(outcomes)
                if known is None:
                    listed = self._listed(outcomes, f"{part.kind}/{glance.id}", unlisted)
                else:
                    known.number += 1
                    listed = known.listed
                if listed:
                    subject = self._reader.subject(part, piece, index)
                    findings.extend(judge.finding(subject, outcome) for judge, outcome in listed)
        self._count_settled(unlisted)
        return _Verdicts(part.kind, findings, unlisted)

    def _listed(self, outcomes: tuple[int, ...], address: str, unlisted: Counter[tuple[str, str]]) -> "list[tuple[_Judge, int]]":
        """Return which judges' findings about a resource are listed; count the others."""
        listed, is_settled = [], not self._watched
        for judge, outcome, room in zip(self._judges, outcomes, self._rooms, strict=True):
            if outcome < FAIL:
                if room[outcome]:
                    room[outcome] -= 1
                    is_settled = False
                elif (judge.rule.policy.id, address) not in self._watched:
                    unlisted[judge.rule.policy.id, _VERDICTS[outcome].value] += 1
                    continue
            listed.append((judge, outcome))
        if is_settled:
            self._settled[outcomes] = _Settled(listed)
        return listed

    def _count_settled(self, unlisted: Counter[tuple[str, str]]) -> None:
        for outcomes, known in self._settled.items():
            for judge, outcome in zip(self._judges, outcomes, strict=True):
                if outcome < FAIL:
                    unlisted[judge.rule.policy.id, _VERDICTS[outcome].value] += known.number
            known.number = 0


@dataclass(slots=True)
class _Settled:
    """Outcomes of which it is settled who lists a finding, whatever the resource, and how many came out so."""

    listed: "list[tuple[_Judge, int]]"
    number: int = 0


@dataclass(frozen=True, slots=True)
class _Judge:
    """A rule, bound to what it looks at."""

    rule: Rule
    where: Bound | None
    require: Bound
    settled_by: Bound | None
    raises: tuple[tuple[Severity, Bound, str], ...]

    @classmethod
    def of(cls, rule: Rule, around: Surroundings) -> "_Judge":
        policy = rule.policy
        raises = tuple((step.to, bind(step.when, around), step.because) for step in policy.raises)
        where, settled_by = (bind(each, around) if each else None for each in (policy.where, policy.settled_by))
        return cls(rule, where, bind(policy.require, around), settled_by, raises)

    def finding(self, subject: Subject, outcome: int) -> Finding:
        """Return the finding about a resource of one supplier, whose verdict the compiled function has told."""
        [variant] = subject.variants
        if outcome == NOTAPPLICABLE:
            return self._not_judged(subject, variant)
        if outcome == UNSELECTED and self.where:
            return self._judged(subject, variant, Verdict.UNKNOWN, tuple(self.where.clauses(variant.facts, None)))
        return self._judged(subject, variant, _VERDICTS[outcome], tuple(self.require.clauses(variant.facts, _TRUTHS[outcome])))

    def findings(self, subject: Subject) -> Iterator[Finding]:
        if subject.gap:
            yield from self._of_gap(subject, subject.gap)
        else:
            found = [self._of_variant(subject, variant) for variant in subject.variants]
            yield found[0] if len(found) == 1 else max(found, key=lambda finding: finding.verdict.rank)

    def traced(self, variant: Variant) -> Iterator[tuple[str, tuple[Step, ...]]]:
        """Yield the steps of each condition, under its key in the policy file."""
        conditions = (("where", self.where), ("require", self.require), ("settled_by", self.settled_by))
        for title, condition in conditions:
            if condition:
                yield title, tuple(condition.trace(variant.facts))
        for to, when, because in self.raises:
            yield f"raised to {to}: {because}", tuple(when.trace(variant.facts))

    def nothing(self, *, collected: bool) -> Finding:
        kind = KINDS[self.rule.policy.kind]
        if collected:
            return self._finding(kind.name, kind.noun, Verdict.NOTAPPLICABLE, f"there is no {kind.noun} here to judge")
        hint = "take a new snapshot with this version of atlascan"
        return self._finding(
            kind.name, kind.noun, Verdict.UNKNOWN, f"the snapshot does not cover {kind.name}", hint=hint, reason=Reason.UNSUPPORTED
        )

    def _of_gap(self, subject: Subject, gap: Gap) -> Iterator[Finding]:
        """Report a gap, unless what is known of the missing resource already puts it outside the policy."""
        facts = subject.variants[0].facts
        if gap.id and self.where and self.where.truth(facts) is False:
            return
        if gap.id and gap.reason in _NOT_LOOKED_AT and self.settled_by and self.settled_by.truth(facts):
            clauses = tuple(self.settled_by.clauses(facts, True))
            yield self._finding(f"{gap.kind}/{gap.id}", subject.name, Verdict.PASS, f"settled by {_seen(clauses)}", clauses=clauses)
            return
        severity, because = self._severity(facts)
        yield self._finding(
            subject.address,
            subject.name,
            Verdict.UNKNOWN,
            gap.detail,
            severity=severity,
            severity_because=because,
            reason=gap.reason,
            hint=gap.hint or None,
            missing=f"{gap.kind}/{gap.id}" if gap.id else None,
        )

    def _of_variant(self, subject: Subject, variant: Variant) -> Finding:
        facts = variant.facts
        if self.where and (selected := self.where.truth(facts)) is not True:
            if selected is False:
                return self._not_judged(subject, variant)
            return self._judged(subject, variant, Verdict.UNKNOWN, tuple(self.where.clauses(facts, None)))
        truth = self.require.truth(facts)
        verdict = Verdict.UNKNOWN if truth is None else Verdict.PASS if truth else Verdict.FAIL
        return self._judged(subject, variant, verdict, tuple(self.require.clauses(facts, truth)))

    def _not_judged(self, subject: Subject, variant: Variant) -> Finding:
        why = _seen(tuple(self.where.clauses(variant.facts, False))) if self.where else ""
        return self._finding(subject.address, subject.name, Verdict.NOTAPPLICABLE, f"not judged here: {why}")

    def _judged(self, subject: Subject, variant: Variant, verdict: Verdict, clauses: tuple[Clause, ...]) -> Finding:
        evidence = self._evidence(variant, clauses)
        severity, because = self._severity(variant.facts) if self.raises else (self.rule.severity, None)
        return Finding(
            policy=self.rule.policy.id,
            address=subject.address,
            name=subject.name,
            verdict=verdict,
            severity=severity,
            message=self._message(verdict, variant.facts, clauses),
            severity_because=because if verdict is not Verdict.PASS else None,
            hint=_hint(subject, clauses) if verdict is Verdict.UNKNOWN else None,
            clauses=clauses,
            evidence=evidence,
            source=max([each.source for each in evidence], key=_TRUST.index) if evidence else None,
        )

    def _message(self, verdict: Verdict, facts: Facts, clauses: tuple[Clause, ...]) -> str:
        match verdict:
            case Verdict.UNKNOWN:
                whys = dict.fromkeys(clause.why for clause in clauses if clause.why)
                return f"cannot be judged: {'; '.join(str(why) for why in whys) or _seen(clauses)}"
            case Verdict.FAIL:
                return _filled(self.rule.policy.failure, facts)
            case _:
                return _seen(clauses)

    def _evidence(self, variant: Variant, clauses: tuple[Clause, ...]) -> tuple[Evidence, ...]:
        """Return the facts that the policy wants shown, and those that decided."""
        facts, sources = variant.facts, variant.sources
        paths = [*self.rule.policy.evidence, *(clause.path for clause in clauses if clause.address is None)]
        names = dict.fromkeys([path if path in sources else path.partition("[")[0].partition(".")[0] for path in paths])
        return tuple([Evidence(path=path, value=facts[path], source=sources[path]) for path in names if path in sources])

    def _severity(self, facts: Facts) -> tuple[Severity, str | None]:
        """Return the severity and what raised it; where that cannot be told, the higher one holds."""
        severity, because = self.rule.severity, None
        for to, when, why in self.raises:
            truth = when.truth(facts)
            if truth is not False and to.rank > severity.rank:
                severity, because = to, why if truth else f"{why}: not known, so the higher severity holds"
        return severity, because

    def _finding(
        self,
        address: str,
        name: str,
        verdict: Verdict,
        message: str,
        **more: Any,  # noqa: ANN401  the rest of a finding's fields
    ) -> Finding:
        severity = more.pop("severity", self.rule.severity)
        return Finding(
            policy=self.rule.policy.id, address=address, name=name, verdict=verdict, message=message, severity=severity, **more
        )


# Sources, the most trustworthy first.
_TRUST = list(Source)
# A gap for these reasons says that nobody was to look, not that somebody tried and could not.
_NOT_LOOKED_AT = frozenset({Reason.OPT_IN_OFF, Reason.NO_PUBLIC_API})


def _conditions(policy: Policy) -> tuple[Condition | None, ...]:
    return policy.where, policy.require, policy.settled_by, *(step.when for step in policy.raises)


def _facts_shown(judges: "Iterable[_Judge]", kind: str) -> frozenset[str]:
    """Return the facts of a kind that a finding may speak of, or that the configuration's facts depend on."""
    needed = {path for of, path in needs(judge.rule for judge in judges) if of == kind}
    named = {part.partition("}")[0] for judge in judges for part in judge.rule.policy.failure.split("{")[1:]}
    names = {path.partition("[")[0].partition(".")[0] for path in needed | named | {"project_key"}}
    return frozenset(names & KINDS[kind].facts.keys())


# Of these there is more than one, and an interface may tell which.
_PARTLY_STATED = frozenset(name for name, kind in KINDS.items() if not kind.single and not kind.unlisted and name != "attestation")


def _is_collected(kind: str, header: Header) -> bool:
    return kind == "attestation" or any(coverage.kind == kind for coverage in header.coverage)


def _hint(subject: Subject, clauses: tuple[Clause, ...]) -> str | None:
    """Say how a person could state what is missing of the resource itself."""
    kind = KINDS[subject.kind]
    if not kind.console or not any(clause.path in kind.facts and not clause.known and not clause.address for clause in clauses):
        return None
    return f"look at {kind.console} and state what you see of {subject.id} with `atlascan attest`"


def _filled(sentence: str, facts: Facts) -> str:
    """Put facts in the place of their names; what is not known leaves its name."""
    first, *rest = sentence.split("{")
    parts = [first]
    for part in rest:
        name, _, after = part.partition("}")
        parts += (shown(facts[name]) if name in facts else f"{{{name}}}", after)
    return "".join(parts)


def _seen(clauses: tuple[Clause, ...]) -> str:
    return "; ".join(dict.fromkeys(seen(clause) for clause in clauses))
