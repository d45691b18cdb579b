"""Judge: rules and a snapshot in, findings out. Pure: the same snapshot gives the same findings, on any day."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any

from scanner.conditions import (
    Bound,
    Clause,
    Condition,
    Gathered,
    Missing,
    Surroundings,
    bind,
    facts_read,
    referred_kinds,
    seen,
    shown,
)
from scanner.kinds import KINDS, OWN_PATHS, own_values
from scanner.model import Evidence, Finding, Gap, Policy, Reason, Record, Resource, Rule, Severity, Snapshot, Source, Verdict

Facts = dict[str, Any]
Declare = Callable[[str, str, Facts], Facts]


def evaluate(rules: Iterable[Rule], snapshot: Snapshot, declare: Declare) -> Iterator[Finding]:
    """Yield a finding for each rule and each resource or gap of the rule's kind.

    Args:
        rules: What must be true.
        snapshot: What was read; it is read twice, once for what the rules refer to and once to judge.
        declare: Adds the facts that the configuration states (kind, id, facts -> facts).
    """
    rules = list(rules)
    gathered = _gather(frozenset().union(*(referred(rule.policy) for rule in rules)), snapshot, declare)
    judges: dict[str, list[_Judge]] = {}
    for rule in rules:
        around = Surroundings(snapshot.header.taken_at, rule.params, gathered)
        judges.setdefault(rule.policy.kind, []).append(_Judge.of(rule, around))
    present: set[str] = set()
    for kind, subjects in _subjects_by_kind(snapshot, set(judges), declare):
        for subject in subjects:
            present.add(kind)
            for judge in judges[kind]:
                yield from judge.findings(subject)
    for kind in judges.keys() - present:
        for judge in judges[kind]:
            yield judge.nothing(collected=_is_collected(kind, snapshot))


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


@dataclass(frozen=True, slots=True)
class _Variant:
    """One set of facts, and who supplied each."""

    facts: Facts
    sources: Mapping[str, Source]


@dataclass(frozen=True, slots=True)
class _Subject:
    """A resource as all its suppliers together give it: one set of facts, or several where they disagree."""

    kind: str
    id: str
    name: str
    variants: tuple["_Variant", ...]
    gap: Gap | None = None

    @property
    def address(self) -> str:
        return self.gap.address if self.gap else f"{self.kind}/{self.id}"


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

    def findings(self, subject: _Subject) -> Iterator[Finding]:
        if subject.gap:
            yield from self._of_gap(subject, subject.gap)
        else:
            yield max(
                (self._of_variant(subject, variant) for variant in subject.variants), key=lambda finding: finding.verdict.rank
            )

    def nothing(self, *, collected: bool) -> Finding:
        kind = KINDS[self.rule.policy.kind]
        if collected:
            return self._finding(kind.name, kind.noun, Verdict.NOTAPPLICABLE, f"there is no {kind.noun} here to judge")
        hint = "take a new snapshot with this version of atlascan"
        return self._finding(
            kind.name, kind.noun, Verdict.UNKNOWN, f"the snapshot does not cover {kind.name}", hint=hint, reason=Reason.UNSUPPORTED
        )

    def _of_gap(self, subject: _Subject, gap: Gap) -> Iterator[Finding]:
        """Report a gap, unless what is known of the missing resource already puts it outside the policy."""
        facts = subject.variants[0].facts
        if gap.id and self.where and self.where.truth(facts) is False:
            return
        if gap.id and gap.reason in _NOT_LOOKED_AT and self.settled_by and self.settled_by.truth(facts):
            clauses = tuple(self.settled_by.clauses(facts))
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

    def _of_variant(self, subject: _Subject, variant: _Variant) -> Finding:
        facts = variant.facts
        if self.where and (selected := self.where.truth(facts)) is not True:
            clauses = tuple(self.where.clauses(facts))
            if selected is False:
                return self._finding(subject.address, subject.name, Verdict.NOTAPPLICABLE, f"not judged here: {_seen(clauses)}")
            return self._judged(subject, variant, Verdict.UNKNOWN, clauses)
        truth = self.require.truth(facts)
        verdict = Verdict.UNKNOWN if truth is None else Verdict.PASS if truth else Verdict.FAIL
        return self._judged(subject, variant, verdict, tuple(self.require.clauses(facts)))

    def _judged(self, subject: _Subject, variant: _Variant, verdict: Verdict, clauses: tuple[Clause, ...]) -> Finding:
        evidence = self._evidence(variant, clauses)
        severity, because = self._severity(variant.facts)
        return self._finding(
            subject.address,
            subject.name,
            verdict,
            self._message(verdict, variant.facts, clauses),
            severity=severity,
            severity_because=because if verdict is not Verdict.PASS else None,
            hint=_hint(subject, clauses) if verdict is Verdict.UNKNOWN else None,
            clauses=clauses,
            evidence=evidence,
            source=max((each.source for each in evidence), key=list(Source).index, default=None),
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

    def _evidence(self, variant: _Variant, clauses: tuple[Clause, ...]) -> tuple[Evidence, ...]:
        decided = [clause.path.partition("[")[0].partition(".")[0] for clause in clauses if clause.address is None]
        paths = dict.fromkeys((*self.rule.policy.evidence, *decided))
        return tuple(
            Evidence(path=path, value=variant.facts[path], source=variant.sources[path])
            for path in paths
            if path in variant.sources
        )

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


# A gap for these reasons says that nobody was to look, not that somebody tried and could not.
_NOT_LOOKED_AT = frozenset({Reason.OPT_IN_OFF, Reason.NO_PUBLIC_API})


# Atlassian said no, or that there is none.
_REFUSED = frozenset({Reason.FORBIDDEN, Reason.NOT_FOUND})


def _conditions(policy: Policy) -> tuple[Condition | None, ...]:
    return policy.where, policy.require, policy.settled_by, *(step.when for step in policy.raises)


def _gather(kinds: frozenset[str], snapshot: Snapshot, declare: Declare) -> dict[str, Gathered]:
    items: dict[str, list[Facts]] = {kind: [] for kind in kinds}
    missing: dict[str, list[Missing]] = {
        kind: [] if _is_collected(kind, snapshot) else [Missing(f"the snapshot does not cover {kind}")] for kind in kinds
    }
    for kind, subjects in _subjects_by_kind(snapshot, set(kinds), declare):
        for subject in subjects:
            if subject.gap:
                missing[kind].append(Missing(_could_not(subject.gap), _known_of(subject.gap), subject.gap.reason in _REFUSED))
            else:
                items[kind].extend(variant.facts for variant in subject.variants)
    return {kind: Gathered(tuple(items[kind]), tuple(missing[kind])) for kind in kinds}


def _known_of(gap: Gap) -> dict[str, str]:
    """Return what is known of what a gap hides: its own id, or the site and project of what refused to show it."""
    if gap.id:
        return own_values(KINDS[gap.kind], gap.id)
    parent, _, id_ = (gap.parent or "").partition("/")
    if parent not in KINDS or not id_:
        return {}
    above = own_values(KINDS[parent], id_)
    return {name: value for name, value in above.items() if name != "id" and name in OWN_PATHS[KINDS[gap.kind].scope]}


def _is_collected(kind: str, snapshot: Snapshot) -> bool:
    return kind == "attestation" or any(coverage.kind == kind for coverage in snapshot.header.coverage)


def _subjects_by_kind(snapshot: Snapshot, kinds: set[str], declare: Declare) -> Iterator[tuple[str, Iterator[_Subject]]]:
    for kind, records in groupby(snapshot, key=attrgetter("kind")):
        if kind in kinds and kind in KINDS:
            yield kind, _subjects(kind, records, declare)


def _subjects(kind: str, records: Iterable[Record], declare: Declare) -> Iterator[_Subject]:
    for (is_gap, _), group in groupby(records, key=lambda record: (isinstance(record, Gap), record.id)):
        if is_gap:
            for gap in group:
                if isinstance(gap, Gap):
                    yield _missing(kind, gap, declare)
        else:
            yield _merged(kind, [record for record in group if isinstance(record, Resource)], declare)


def _missing(kind: str, gap: Gap, declare: Declare) -> _Subject:
    id_ = gap.id or ""
    facts = declare(kind, id_, dict[str, Any](own_values(KINDS[kind], id_))) if id_ else {}
    return _Subject(kind, id_, id_ or KINDS[kind].noun, (_Variant(facts, {}),), gap)


def _merged(kind: str, suppliers: list[Resource], declare: Declare) -> _Subject:
    """Put the suppliers of one resource together; where they disagree, each in turn has the last word in a variant of its own.

    Null, known to be none, gives way to what another supplier knows more of.
    """
    id_ = suppliers[0].id
    variants: list[_Variant] = []
    for last in suppliers:
        facts, sources = dict[str, Any](own_values(KINDS[kind], id_)), dict[str, Source]()
        for supplier in (*(each for each in suppliers if each is not last), last):
            for path, value in supplier.facts.items():
                if value is not None or facts.get(path) is None:
                    facts[path], sources[path] = value, supplier.source
        if facts not in [variant.facts for variant in variants]:
            variants.append(_Variant(facts, sources))
    declared = tuple(_Variant(declare(kind, id_, variant.facts), variant.sources) for variant in variants)
    return _Subject(kind, id_, suppliers[0].name, declared)


def _could_not(gap: Gap) -> str:
    lift = f" ({gap.hint})" if gap.hint else ""
    return f"{KINDS[gap.kind].noun} {gap.address} could not be read: {gap.detail}{lift}"


def _hint(subject: _Subject, clauses: tuple[Clause, ...]) -> str | None:
    """Say how a person could state what is missing of the resource itself."""
    kind = KINDS[subject.kind]
    if not kind.console or not any(clause.path in kind.facts and not clause.known and not clause.address for clause in clauses):
        return None
    return f"look at {kind.console} and state what you see of {subject.id} with `atlascan attest`"


def _filled(sentence: str, facts: Facts) -> str:
    for name, value in facts.items():
        sentence = sentence.replace(f"{{{name}}}", shown(value))
    return sentence


def _seen(clauses: tuple[Clause, ...]) -> str:
    return "; ".join(dict.fromkeys(seen(clause) for clause in clauses))
