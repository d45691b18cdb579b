"""The proof of a policy: its examples come out as they say, and its documented fix mends each failing one."""

from collections.abc import Iterator
from dataclasses import dataclass

from scanner import policies, reach
from scanner.config import Declaration
from scanner.evaluate import evaluate, referred
from scanner.model import (
    Coverage,
    Example,
    Finding,
    Fix,
    Header,
    Policy,
    Record,
    Resource,
    Rule,
    Snapshot,
    Target,
    Verdict,
    sort_key,
    worst,
)

# The moment at which examples are judged.
AS_OF = reach.AS_OF


@dataclass(frozen=True, slots=True)
class Proof:
    """One example put to the test: where it stands, and what is wrong with it, or None."""

    policy: Policy
    name: str
    line: int
    problem: str | None = None


def proofs(policy: Policy) -> Iterator[Proof]:
    """Yield the outcome of each example, of the fix of each failing one, and whether there are examples enough."""
    shown = {example.verdict for example in policy.examples}
    lacking = [verdict.value for verdict in (Verdict.PASS, Verdict.FAIL) if verdict not in shown]
    first = min((example.line for example in policy.examples), default=policy.line)
    yield Proof(policy, "examples", first, f"no example shows {' or '.join(lacking)}" if lacking else None)
    for example in policy.examples:
        yield Proof(policy, example.name, example.line, _problem(policy, example))
    for example in policy.examples:
        if example.verdict is Verdict.FAIL and (fix := example.fix or policy.fix):
            yield Proof(policy, f"{example.name}, after the fix", example.line, _problem_of_fix(policy, example, fix))


def judged(policy: Policy, example: Example, records: tuple[Record, ...] | None = None) -> list[Finding]:
    """Judge an example, or the records that it became, and return what is found of its subject."""
    records = example.records if records is None else records
    coverage = tuple(
        Coverage(kind=kind, requests=1, resources=1, gaps=0, complete=True) for kind in sorted({policy.kind} | referred(policy))
    )
    header = Header(id="0", taken_at=AS_OF, tool="example", target=Target(org=None, sites={}), coverage=coverage)
    rule = Rule(policy, policy.severity, policies.effective_params(policy, {}, example.params))
    ordered = sorted(records, key=sort_key)
    subject = example.records[0]
    return [
        finding
        for finding in evaluate([rule], Snapshot(header, lambda: ordered), _declared(records))
        if policy.kind != subject.kind or finding.address in (subject.address, f"{subject.kind}/{subject.id}")
    ]


# ---------------------------------------------------------------------------------------------------------------- private


def _problem(policy: Policy, example: Example) -> str | None:
    findings = judged(policy, example)
    verdict = worst(finding.verdict for finding in findings)
    if verdict is not example.verdict:
        messages = "; ".join(finding.message for finding in findings) or "nothing was found"
        return f"wanted {example.verdict}, and it is {verdict}: {messages}"
    severities = {finding.severity for finding in findings}
    if example.severity and severities != {example.severity}:
        return f"wanted severity {example.severity}, and it is {', '.join(sorted(severities))}"
    return None


def _problem_of_fix(policy: Policy, example: Example, fix: Fix) -> str | None:
    findings = judged(policy, example, _fixed(example.records, fix))
    bad = [finding for finding in findings if finding.verdict in (Verdict.FAIL, Verdict.UNKNOWN)]
    return f"still {bad[0].verdict}: {bad[0].message}" if bad else None


def _fixed(records: tuple[Record, ...], fix: Fix) -> tuple[Record, ...]:
    """Return the records of an example as they are after the remediation."""
    subject, *others = records
    kept = [record for record in others if (record.kind, record.id) not in fix.others]
    added = [record for record in fix.others.values() if record]
    own = [] if fix.gone or not isinstance(subject, Resource) else [_with(subject, fix)]
    return (*own, *kept, *added)


def _with(subject: Resource, fix: Fix) -> Resource:
    return Resource(
        kind=subject.kind, id=subject.id, name=subject.name, facts=subject.facts | dict(fix.facts), source=subject.source
    )


def _declared(records: tuple[Record, ...]) -> Declaration:
    """Return what the examples say of desks and spaces that a configuration would state."""
    resources = [record for record in records if isinstance(record, Resource)]
    desks = {_desk(each): str(each.facts["desk_kind"]) for each in resources if "desk_kind" in each.facts}
    spaces = {each.id: str(each.facts["space_kind"]) for each in resources if "space_kind" in each.facts}
    return Declaration(desks, spaces)


def _desk(resource: Resource) -> str:
    site, _, key = resource.id.partition("/")
    return f"{site}/{resource.facts.get('project_key', key)}"
