"""Every policy file proves itself: its examples are discovered and must come out as they say."""

import pytest

from scanner import policies
from scanner.cli import proof
from scanner.model import Policy, Verdict

POLICIES = policies.load()
EACH = pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)


@EACH
def test_the_examples_come_out_as_they_say_and_the_fix_mends_what_fails(policy: Policy) -> None:
    problems = [f"{each.name}: {each.problem}" for each in proof.proofs(policy) if each.problem]
    assert not problems, "\n".join(problems)


@EACH
def test_a_policy_shows_a_pass_a_fail_and_an_unknown(policy: Policy) -> None:
    assert {example.verdict for example in policy.examples} >= {Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN}


@EACH
def test_a_policy_says_what_its_remediation_makes_of_each_failure(policy: Policy) -> None:
    failing = [example for example in policy.examples if example.verdict is Verdict.FAIL]
    assert [example.name for example in failing if not (example.fix or policy.fix)] == []
