"""The mutation test of the pack: whatever small mistake a policy had, one of its own examples would notice."""

from dataclasses import replace

import pytest

from scanner import documents, policies
from scanner.model import Policy, Verdict
from tests.mutants import GONE, Edit, Mutant, edited, edits, mutants

SHIPPED = policies.load()
# Policy -> mistake that no example notices -> why none can. Reviewed: an entry that is needed no longer is an error.
SURVIVORS: dict[str, dict[str, str]] = {}
# The share of all mutants that has to be noticed, however good the reasons above are.
KILL_RATE = 0.95
ENTRY = """\
severity:
  default: low
  raise:
    - to: high
      because: it is open
      when: {first_known: [{path: a, equals: true}, {path: b, null: false}]}
where: {not: {path: c, in: [x, {param: some}]}}
require:
  all:
    - {path: d, none: {path: e, domain_in: {facts: org.domain, path: name, where: {path: f, matches: g}}, as: subdomain}}
    - {count: {facts: org.user, match: {id: id, site: site}, where: {readable: org}}, at_most: 3}
    - any: [{path: h, at_least: 5, percent_of: i}]
settled_by: {path: j, within: 90 d, of: k}
params:
  some: {type: list, default: [y], bound: {holds: [y]}}
  other: {type: text, meaning: nothing}
"""
MISTAKES = """\
where: left out
where: without its not
where.not: not_in for in
where.not.in[0]: x left out
where.not.in[1]: left out
require: any for all
require.all[0]: left out
require.all[0]: some for none
require.all[0]: every for none
require.all[0].none: domain_not_in for domain_in
require.all[0].none.as: exact
require.all[0].none.as: registrable
require.all[0].none.domain_in.where: left out
require.all[0].none.domain_in.where: not matches
require.all[1]: left out
require.all[1]: at_least for at_most
require.all[1].at_most: 2
require.all[1].at_most: 4
require.all[1].count.match.id: left out
require.all[1].count.match.site: left out
require.all[1].count.where: left out
require.all[1].count.where: not readable
require.all[2]: left out
require.all[2]: all for any
require.all[2].any[0]: left out
require.all[2].any[0].percent_of: left out
require.all[2].any[0]: at_most for at_least
require.all[2].any[0].at_least: 4
require.all[2].any[0].at_least: 6
settled_by: left out
settled_by: not within
settled_by.within: 89 d
settled_by.within: 91 d
severity.raise[0]: left out
severity.raise[0].when: any for first_known
severity.raise[0].when: in the other order
severity.raise[0].when.first_known[0]: left out
severity.raise[0].when.first_known[0]: not_equals for equals
severity.raise[0].when.first_known[0].equals: false
severity.raise[0].when.first_known[1]: left out
severity.raise[0].when.first_known[1].null: true
params.some.default[0]: y left out
"""


@pytest.mark.parametrize("policy", SHIPPED.values(), ids=SHIPPED)
def test_the_examples_of_a_policy_notice_every_mistake_in_it(policy: Policy) -> None:
    survivors = {mutant.mistake for mutant in mutants(policy) if mutant.survives()}
    assert survivors == SURVIVORS.get(policy.id, {}).keys()


def test_the_table_of_survivors_stays_small_and_says_why() -> None:
    made = sum(1 for policy in SHIPPED.values() for _ in mutants(policy))
    reasons = [reason for survivors in SURVIVORS.values() for reason in survivors.values()]
    assert all(reasons)
    assert SURVIVORS.keys() <= SHIPPED.keys()
    assert len(reasons) <= (1 - KILL_RATE) * made


def test_every_way_to_be_mistaken_is_tried() -> None:
    tried = [f"{edit}\n" for edit in edits(documents.parse(ENTRY, "p.yaml").value)]
    assert sorted(tried) == sorted(MISTAKES.splitlines(keepends=True))


def test_a_mistake_that_no_example_shows_survives() -> None:
    policy = SHIPPED["jira/nothing-visible-to-outsiders"]
    first_of = {example.verdict: example for example in reversed(policy.examples)}
    few = (first_of[Verdict.PASS], first_of[Verdict.FAIL])
    poor = [Mutant(mutant.mistake, replace(mutant.policy, examples=few)) for mutant in mutants(policy)]
    assert "require.all[1]: left out" in {mutant.mistake for mutant in poor if mutant.survives()}


def test_an_edit_leaves_the_original_as_it_is() -> None:
    value = {"a": [{"b": 1}, {"c": 2}]}
    assert edited(value, Edit(("a", 1), "", GONE)) == {"a": [{"b": 1}]}
    assert edited(value, Edit(("a", 0, "b"), "", 3)) == {"a": [{"b": 3}, {"c": 2}]}
    assert edited(value, Edit(("d",), "", 4)) == {"a": [{"b": 1}, {"c": 2}], "d": 4}
    assert value == {"a": [{"b": 1}, {"c": 2}]}
