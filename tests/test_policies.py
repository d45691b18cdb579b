"""Every policy file proves itself: its examples are discovered and must come out as they say."""

from datetime import UTC, datetime

import pytest

from scanner import policies
from scanner.conditions import referred_kinds
from scanner.config import Declaration
from scanner.evaluate import evaluate
from scanner.model import Coverage, Example, Finding, Header, Policy, Resource, Rule, Snapshot, Target, Verdict, sort_key, worst

POLICIES = policies.load()
EXAMPLES = [
    pytest.param(policy, example, id=f"{policy.id}: {example.name}") for policy in POLICIES.values() for example in policy.examples
]
AS_OF = datetime(2026, 6, 15, 12, tzinfo=UTC)


def judged(policy: Policy, example: Example) -> list[Finding]:
    kinds = {policy.kind} | referred_kinds(policy.where) | referred_kinds(policy.require) | referred_kinds(policy.settled_by)
    kinds = kinds.union(*(referred_kinds(step.when) for step in policy.raises))
    coverage = tuple(Coverage(kind=kind, requests=1, resources=1, gaps=0, complete=True) for kind in kinds)
    header = Header(id="0", taken_at=AS_OF, tool="test", target=Target(org=None, sites={}), coverage=coverage)
    records = sorted(example.records, key=sort_key)
    rule = Rule(policy, policy.severity, policies.effective_params(policy, {}, example.params))
    resources = [record for record in example.records if isinstance(record, Resource) and "desk_kind" in record.facts]
    declared = {f"acme/{each.facts.get('project_key', each.id.partition('/')[2])}": each.facts["desk_kind"] for each in resources}
    found = evaluate([rule], Snapshot(header, lambda: records), Declaration(declared))
    subject = example.records[0]
    return [
        finding
        for finding in found
        if policy.kind != subject.kind or finding.address in (subject.address, f"{subject.kind}/{subject.id}")
    ]


@pytest.mark.parametrize(("policy", "example"), EXAMPLES)
def test_an_example_comes_out_as_it_says(policy: Policy, example: Example) -> None:
    findings = judged(policy, example)
    assert worst(finding.verdict for finding in findings) is example.verdict, findings
    if example.severity:
        assert [finding.severity for finding in findings] == [example.severity]


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_a_policy_shows_a_pass_a_fail_and_an_unknown(policy: Policy) -> None:
    assert {example.verdict for example in policy.examples} >= {Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN}
