"""All shipped policies against the stand-in site: doors that stand open, doors that are shut, and what nobody may look at."""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from scanner import attestations, evaluate, policies
from scanner.cli import pipeline
from scanner.collect.api import Surface
from scanner.collect.tables import ENDPOINTS
from scanner.config import Config, Declaration, Site
from scanner.model import Attestation, Finding, Gap, Header, Reason, Rule, Severity, Snapshot, Target, Verdict
from tests.fake_atlassian.server import running
from tests.fake_atlassian.weather import Status
from tests.turning import Turning, hurried

__all__ = ["hurried"]

POLICIES = policies.load()
SCENARIOS = ("locked", "open")
# The day after the last event of the scenarios, and a window that holds them all.
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
WINDOW = (NOW - timedelta(days=180), NOW)

CONFIG = Config(
    sites=(Site("acme", "https://acme.atlassian.net"),),
    company_domains=("acme.example",),
    desks={"acme/HR": "closed", "acme/IT": "employees", "acme/SUP": "closed"},
    params={"audit/no-impersonation": {"support_staff": ["ben@acme.example"]}},
    fail_on=Severity.INFO,
)
RULES = tuple(
    Rule(policy, policy.severity, policies.effective_params(policy, CONFIG.settings, CONFIG.params.get(id_, {})))
    for id_, policy in POLICIES.items()
)
LOG = "org.event"

# Reviewed: policy -> why it does not fail in `open`, does not pass in `locked`, is not unknown where its kind is refused.
FAILS_ELSEWHERE = {"audit/log-readable": "the open company's log can be read; a refused one is tried by itself"}
PASSES_ELSEWHERE = {
    "jsm/customers-hold-no-licence": "the locked company has no customers from outside; the open one has, and some pass"
}
KNOWN_WITHOUT_SIGHT = {
    "attestation/in-date": "it judges what people state, which nobody can refuse to show",
    "confluence/nothing-visible-to-outsiders": "a site that refuses strangers shows them nothing, as it should",
}
# What a policy judges or refers to, if it can be refused.
KINDS_LOOKED_AT = {kind for rule in RULES for kind in (rule.policy.kind, *evaluate.referred(rule.policy))}
REFUSABLE = sorted(KINDS_LOOKED_AT - {POLICIES[id_].kind for id_ in KNOWN_WITHOUT_SIGHT})


# ---------------------------------------------------------------------------------------------- where everything can be read


def test_every_policy_fails_where_doors_stand_open(judged: "Judged") -> None:
    assert with_verdict(Verdict.FAIL, judged("open")) == POLICIES.keys() - FAILS_ELSEWHERE.keys()


def test_every_policy_passes_where_doors_are_shut(judged: "Judged") -> None:
    assert with_verdict(Verdict.PASS, judged("locked")) == POLICIES.keys() - PASSES_ELSEWHERE.keys()


@pytest.mark.parametrize("policy", POLICIES)
def test_every_policy_shows_a_pass_and_a_fail(judged: "Judged", policy: str) -> None:
    findings = (*judged("open"), *judged("locked"), *(judged("locked", LOG) if policy in FAILS_ELSEWHERE else ()))
    assert {finding.verdict for finding in findings if finding.policy == policy} >= {Verdict.PASS, Verdict.FAIL}


def test_where_doors_are_shut_and_the_rest_is_attested_nothing_fails_and_nothing_is_unknown(judged: "Judged") -> None:
    rest = [finding for finding in judged("locked") if finding.verdict in (Verdict.FAIL, Verdict.UNKNOWN)]
    assert [f"{each.policy} {each.address}: {each.message}" for each in rest] == []


@pytest.mark.parametrize(("scenario", "code"), [("locked", 0), ("open", 1)])
def test_the_gate_goes_by_all_of_it(sites: dict[str, Turning], scenario: str, code: int) -> None:
    by = pipeline.Criteria(RULES, stated(scenario), ())
    assert pipeline.judge(CONFIG, by, snapshot(sites[scenario], RULES)).gate.exit_code == code


# ----------------------------------------------------------------------------------------------------- where sight is refused


def test_a_refused_audit_log_is_a_failure_of_its_own(judged: "Judged") -> None:
    verdicts = {finding.policy: finding.verdict for finding in judged("locked", LOG)}
    assert verdicts == {
        "access/no-invites-by-non-admins": Verdict.UNKNOWN,
        "audit/log-readable": Verdict.FAIL,
        "audit/no-impersonation": Verdict.UNKNOWN,
    }


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("policy", POLICIES)
def test_every_policy_is_unknown_where_its_kind_is_refused_and_nobody_attests_it(
    judged: "Judged", scenario: str, policy: str
) -> None:
    findings = judged(scenario, POLICIES[policy].kind)
    verdicts = {finding.verdict for finding in findings if finding.policy == policy}
    assert (verdicts == {Verdict.UNKNOWN}) is (policy not in KNOWN_WITHOUT_SIGHT), verdicts


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("kind", REFUSABLE)
def test_what_is_refused_makes_nothing_pass(judged: "Judged", scenario: str, kind: str) -> None:
    passed = {(each.policy, each.address) for each in judged(scenario) if each.verdict is Verdict.PASS}
    passes = {(each.policy, each.address) for each in judged(scenario, kind) if each.verdict is Verdict.PASS}
    assert passes <= passed
    assert not [address for _, address in passes if address.startswith(f"{kind}/")]


@pytest.mark.parametrize("rule", RULES, ids=POLICIES)
def test_a_scan_by_one_policy_alone_asks_for_all_that_it_looks_at(rule: Rule) -> None:
    asked = {kind for kind, _ in evaluate.needs([rule])}
    assert asked == {rule.policy.kind, *evaluate.referred(rule.policy)}


def test_what_strangers_see_is_unknown_where_nobody_looks_and_nobody_attests_it(sites: dict[str, Turning]) -> None:
    rules = [rule for rule in RULES if rule.policy.id.endswith("/nothing-visible-to-outsiders")]
    findings = evaluate.evaluate(rules, snapshot(sites["locked"], rules, probe=False), Declaration({}))
    assert [(each.policy, each.verdict, each.reason) for each in findings] == [
        ("confluence/nothing-visible-to-outsiders", Verdict.UNKNOWN, Reason.OPT_IN_OFF),
        ("jira/nothing-visible-to-outsiders", Verdict.UNKNOWN, Reason.OPT_IN_OFF),
    ]


# ------------------------------------------------------------------------------------------------------------ how it is done

Judged = Callable[..., tuple[Finding, ...]]


@pytest.fixture(scope="module")
def sites() -> Iterator[dict[str, Turning]]:
    with running("open") as wide_open, running("locked") as locked:
        yield {"open": Turning(wide_open), "locked": Turning(locked)}


@pytest.fixture(scope="module")
def judged(sites: dict[str, Turning]) -> Judged:
    """Return a function that judges a scenario with its attestations: by all policies, or, where a kind is refused and nobody
    attests it, by those that look at it."""

    @cache
    def findings(scenario: str, refused: str | None = None) -> tuple[Finding, ...]:
        rules = [rule for rule in RULES if refused in (None, rule.policy.kind, *evaluate.referred(rule.policy))]
        known = (each for each in stated(scenario) if each.kind != refused)
        seen = attestations.supply(snapshot(sites[scenario], rules, *refusals(refused)), known)
        # In `locked`, groups explain what everybody can use, and nobody asks for a person's roles.
        if scenario == "open" and refused in REFUSABLE:
            assert any(isinstance(each, Gap) and each.kind == refused for each in seen), "the refusal did not reach what was asked"
        return tuple(evaluate.evaluate(rules, seen, Declaration(CONFIG.desks)))

    return findings


@cache
def stated(scenario: str) -> tuple[Attestation, ...]:
    return attestations.load(Path(__file__).parent / "data" / f"{scenario}-attestations.yaml")


def snapshot(site: Turning, rules: Iterable[Rule], *faults: Status, probe: bool = True) -> Snapshot:
    """Collect what the rules look at."""
    met = site.met(*faults, probe=probe, needs=evaluate.needs(rules), window=WINDOW)
    target = Target(org=None, sites={each.name: each.url for each in CONFIG.sites})
    header = Header(id="0", taken_at=NOW, tool="test", target=target, coverage=tuple(met.coverage.values()))
    return Snapshot(header, lambda: met.records)


def refusals(kind: str | None) -> Iterator[Status]:
    """Yield what makes all endpoints of a kind answer 403."""
    for endpoint in ENDPOINTS:
        if kind in endpoint.kinds:
            surface = "/admin" if endpoint.surface is Surface.ADMIN else ""
            yield from (
                Status(path=exactly(surface + path), status=403, times=None) for path in (endpoint.path, endpoint.detail) if path
            )


def exactly(template: str) -> str:
    """Return a pattern for the paths of a template, and for none below them: it has a wildcard, so it stands for whole paths."""
    pattern = re.sub(r"\{\w+\}", "*", template.replace("{orgId}", "?" * 36))
    return pattern if "?" in pattern or "*" in pattern else f"{pattern[:-1]}?"


def with_verdict(verdict: Verdict, findings: Iterable[Finding]) -> set[str]:
    return {finding.policy for finding in findings if finding.verdict is verdict}
