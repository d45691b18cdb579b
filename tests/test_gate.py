"""The gate: the exit codes are few and as promised, with a baseline and without, and the sentence says what was counted."""

from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.gate import Gating, Tally, gate
from scanner.model import AppliedWaiver, BaselineState, Finding, Gate, Severity, Verdict

EXCUSE = AppliedWaiver(reason="r", owner="o", approved_by="a", expires=date(2027, 1, 1))
NEW, KNOWN = BaselineState.NEW, BaselineState.KNOWN


def finding(verdict: Verdict, severity: Severity = Severity.HIGH, **more: object) -> Finding:
    return msgspec.structs.replace(
        Finding(policy="a/b", address="k/1", name="1", verdict=verdict, severity=severity, message="m"), **more
    )


FAIL, PASS, UNKNOWN = finding(Verdict.FAIL), finding(Verdict.PASS), finding(Verdict.UNKNOWN)
WAIVED, LOW = finding(Verdict.FAIL, waiver=EXCUSE), finding(Verdict.FAIL, Severity.LOW)
NEW_FAIL, KNOWN_FAIL = finding(Verdict.FAIL, baseline=NEW), finding(Verdict.FAIL, baseline=KNOWN)
NEW_UNKNOWN, KNOWN_UNKNOWN = finding(Verdict.UNKNOWN, baseline=NEW), finding(Verdict.UNKNOWN, baseline=KNOWN)
KNOWN_CRITICAL = finding(Verdict.FAIL, Severity.CRITICAL, baseline=KNOWN)
NEW_MEDIUM = finding(Verdict.FAIL, Severity.MEDIUM, baseline=NEW)


def code(*findings: Finding, allow_unknown: bool = False) -> int:
    return gate(findings, Severity.HIGH, allow_unknown=allow_unknown).exit_code


def only_new(*findings: Finding, fail_on: Severity | None = None, allow_unknown: bool = False) -> Gate:
    return gate(findings, fail_on, new=Severity.HIGH, allow_unknown=allow_unknown)


# --------------------------------------------------------------------------------------------------------- without a baseline


def test_the_exit_codes_are_as_promised() -> None:
    assert code(PASS) == 0
    assert code(PASS, FAIL) == 1
    assert code(PASS, UNKNOWN) == 3
    assert code(FAIL, UNKNOWN) == 1, "1 wins over 3"
    assert code(FAIL, UNKNOWN, allow_unknown=True) == 1
    assert code(PASS, UNKNOWN, allow_unknown=True) == 0
    assert code(WAIVED, PASS) == 0
    assert code(WAIVED) == 0
    assert code(LOW, PASS) == 0
    assert code(LOW) == 3, "nothing at this severity was judged"
    assert code() == 3
    assert code(UNKNOWN, allow_unknown=True) == 3


def test_a_site_that_was_not_scanned_is_no_success() -> None:
    tally = Gating().tally(Severity.HIGH)
    tally(PASS)
    missing = tally.gate(allow_unknown=False, not_scanned=["emea"])
    because = "nothing fails at severity high or above, but of emea nothing is in the snapshot"
    assert (missing.exit_code, missing.because) == (3, because)
    assert tally.gate(allow_unknown=True, not_scanned=["emea"]).exit_code == 0


def test_the_gate_says_why_in_a_sentence() -> None:
    def because(*findings: Finding, allow_unknown: bool = False) -> str:
        return gate(findings, Severity.HIGH, allow_unknown=allow_unknown).because

    assert because(FAIL, WAIVED, UNKNOWN) == "1 failure at severity high or above, 1 waived; 1 could not be judged"
    assert because(PASS, UNKNOWN) == "nothing fails at severity high or above, but 1 thing could not be judged"
    assert because(PASS) == "everything at severity high or above was judged and passes"
    assert (
        because(PASS, UNKNOWN, allow_unknown=True)
        == "everything at severity high or above was judged and passes, 1 unknown allowed"
    )
    assert because() == "nothing was judged at severity high or above"


def test_what_is_known_counts_as_anything_else_where_only_the_severity_was_named() -> None:
    assert code(PASS, KNOWN_FAIL) == 1
    assert code(PASS, KNOWN_UNKNOWN) == 3


# ------------------------------------------------------------------------------------------------------------- only what is new


def test_only_what_is_new_stops_a_pipeline_that_fails_on_new() -> None:
    assert only_new(PASS, KNOWN_FAIL, KNOWN_UNKNOWN).exit_code == 0
    assert only_new(PASS, NEW_FAIL, NEW_UNKNOWN).exit_code == 1
    assert only_new(PASS, KNOWN_FAIL, NEW_UNKNOWN).exit_code == 3
    assert only_new(PASS, NEW_UNKNOWN, allow_unknown=True).exit_code == 0
    assert only_new(PASS, NEW_MEDIUM).exit_code == 0, "below the configured severity"


def test_that_everything_is_as_unknown_as_before_is_no_success() -> None:
    assert only_new(KNOWN_UNKNOWN).exit_code == 3
    assert only_new(KNOWN_UNKNOWN, allow_unknown=True).exit_code == 3


def test_a_severity_beside_new_stops_what_is_known_too() -> None:
    assert only_new(PASS, KNOWN_FAIL, fail_on=Severity.CRITICAL).exit_code == 0
    assert only_new(PASS, KNOWN_CRITICAL, fail_on=Severity.CRITICAL).exit_code == 1
    assert only_new(PASS, NEW_FAIL, fail_on=Severity.CRITICAL).exit_code == 1


def test_new_adds_nothing_to_a_severity_that_takes_in_all_that_is_new() -> None:
    with_new = gate([KNOWN_FAIL, NEW_FAIL], Severity.LOW, new=Severity.HIGH, allow_unknown=False)
    assert with_new == gate([KNOWN_FAIL, NEW_FAIL], Severity.LOW, allow_unknown=False)


@pytest.mark.parametrize(
    ("findings", "fail_on", "because"),
    [
        (
            (NEW_FAIL, KNOWN_FAIL, KNOWN_FAIL, KNOWN_UNKNOWN, WAIVED),
            None,
            "1 new failure at severity high or above, 1 waived; known from the baseline: 2 failures, 1 unknown",
        ),
        (
            (NEW_FAIL, NEW_FAIL, NEW_UNKNOWN),
            Severity.CRITICAL,
            "2 failures at severity critical or above, or new at severity high or above; 1 could not be judged",
        ),
        ((PASS, KNOWN_FAIL), None, "nothing new fails at severity high or above; known from the baseline: 1 failure"),
        ((PASS, NEW_UNKNOWN), None, "nothing new fails at severity high or above, but 1 new thing could not be judged"),
        ((PASS,), Severity.CRITICAL, "nothing fails at severity critical or above and nothing new at severity high or above"),
        ((KNOWN_UNKNOWN,), None, "nothing was judged at severity high or above"),
    ],
)
def test_the_sentence_says_what_is_new_and_what_was_let_through(
    findings: tuple[Finding, ...], fail_on: Severity | None, because: str
) -> None:
    assert only_new(*findings, fail_on=fail_on).because == because


def test_the_gate_names_what_it_was_asked_for() -> None:
    both, severity, new = only_new(fail_on=Severity.CRITICAL), gate([], Severity.LOW, allow_unknown=True), only_new()
    assert (both.fail_on, both.fail_on_new) == (Severity.CRITICAL, Severity.HIGH)
    assert (severity.fail_on, severity.fail_on_new, severity.allow_unknown) == (Severity.LOW, None, True)
    assert (new.fail_on, new.fail_on_new) == (None, Severity.HIGH)


@pytest.mark.parametrize(
    ("gating", "fail_on", "new"),
    [
        (Gating(), Severity.MEDIUM, None),
        (Gating(fail_on=Severity.LOW), Severity.LOW, None),
        (Gating(fail_on_new=True), None, Severity.MEDIUM),
        (Gating(fail_on=Severity.CRITICAL, fail_on_new=True), Severity.CRITICAL, Severity.MEDIUM),
    ],
)
def test_the_command_line_comes_before_the_configuration(gating: Gating, fail_on: Severity | None, new: Severity | None) -> None:
    asked = gating.tally(Severity.MEDIUM).gate(allow_unknown=False)
    assert (asked.fail_on, asked.fail_on_new) == (fail_on, new)


# ------------------------------------------------------------------------------------------------------------------- always


_any = st.builds(
    finding,
    st.sampled_from(Verdict),
    st.sampled_from(Severity),
    waiver=st.sampled_from([None, EXCUSE]),
    baseline=st.sampled_from([None, NEW, KNOWN]),
)
_thresholds = st.tuples(st.none() | st.sampled_from(Severity), st.none() | st.sampled_from(Severity)).filter(any)


@given(st.lists(_any), _thresholds)
def test_findings_pass_by_unchanged(findings: list[Finding], thresholds: tuple[Severity | None, Severity | None]) -> None:
    assert list(map(Tally(*thresholds), findings)) == findings


@given(st.lists(_any), st.sampled_from(Severity), st.booleans())
def test_failing_on_new_never_stops_what_the_severity_alone_lets_through(
    findings: list[Finding], severity: Severity, allow: bool
) -> None:
    alone = gate(findings, severity, allow_unknown=allow).exit_code
    new = gate(findings, None, new=severity, allow_unknown=allow).exit_code
    assert alone or not new


@given(st.lists(_any), _thresholds, st.booleans())
def test_the_exit_code_is_0_only_if_something_was_judged_and_nothing_that_matters_is_left(
    findings: list[Finding], thresholds: tuple[Severity | None, Severity | None], allow: bool
) -> None:
    fail_on, new = thresholds
    matter = [
        each
        for each in findings
        if each.counts
        and ((fail_on and each.severity.rank >= fail_on.rank) or (new and each.baseline is NEW and each.severity.rank >= new.rank))
    ]
    failing = any(each.verdict is Verdict.FAIL for each in matter)
    lowest = min(each.rank for each in thresholds if each)
    judged = any(each.verdict in (Verdict.PASS, Verdict.FAIL) for each in findings if each.severity.rank >= lowest)
    wanted = 1 if failing else 3 if (matter and not allow) or not judged else 0
    assert gate(findings, fail_on, new=new, allow_unknown=allow).exit_code == wanted
