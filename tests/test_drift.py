"""Drift: what became of a verdict is told by what was known of it on both sides, and what was not looked at is never closed."""

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner import drift
from scanner.gate import gate
from scanner.model import (
    AttestationUse,
    Change,
    Coverage,
    Drift,
    Effect,
    Finding,
    Gap,
    Header,
    Judged,
    Reason,
    Report,
    Resource,
    Severity,
    Snapshot,
    Source,
    Target,
    Verdict,
    What,
)
from scanner.render.drift import told
from tests import samples

SCHEME = "jira.permission_scheme"
POLICY, OTHER = "jira/no-anonymous-permissions", "jira/other"
ONE, TWO = f"{SCHEME}/acme/1", f"{SCHEME}/acme/2"
BASE = samples.report()


def policy(id_: str = POLICY, version: int = 1) -> Judged:
    return msgspec.structs.replace(BASE.policies[0], id=id_, version=version, kind=SCHEME)


def finding(verdict: Verdict, address: str = ONE, **more: Any) -> Finding:  # noqa: ANN401
    told = {"policy": POLICY, "address": address, "name": address, "severity": Severity.HIGH, "message": f"it is {verdict}"}
    return Finding(**{**told, "verdict": verdict, **more})


def blind(reason: Reason = Reason.FORBIDDEN, address: str = "jira.site/acme") -> Finding:
    return finding(Verdict.UNKNOWN, address, reason=reason, message="answered 403")


def report(*findings: Finding, policies: Iterable[Judged] = (policy(),), **more: Any) -> Report:  # noqa: ANN401
    header = Header(
        id="x",
        taken_at=samples.AS_OF,
        tool="t",
        target=Target(org="o", sites=more.pop("sites", {"acme": "https://acme.atlassian.net"})),
        coverage=tuple(
            Coverage(kind=kind, requests=1, resources=1, gaps=0, complete=True) for kind in more.pop("kinds", (SCHEME, "jira.site"))
        ),
    )
    gated = gate(findings, Severity.HIGH, allow_unknown=False)
    return msgspec.structs.replace(
        BASE, snapshot=header, policies=tuple(policies), findings=findings, gaps=more.pop("gaps", ()), gate=gated, **more
    )


def change(what: What, address: str = ONE, **more: Any) -> Change:  # noqa: ANN401
    kind, _, id_ = address.partition("/")
    return Change(**{"kind": kind, "id": id_, "name": id_, "what": what, "source": Source.API, **more})


def drifted(old: Report, new: Report, *changes: Change) -> Drift:
    return drift.drift(old, new, changes, {POLICY: frozenset({"jira.project"})})


def effects(old: Report, new: Report, *changes: Change) -> dict[str, str]:
    return {turn.address: turn.effect.value for turn in drifted(old, new, *changes).turns}


FAIL, PASS, UNKNOWN = finding(Verdict.FAIL), finding(Verdict.PASS), finding(Verdict.UNKNOWN)
NOT_APPLICABLE = finding(Verdict.NOTAPPLICABLE)


@pytest.mark.parametrize(
    ("before", "after", "effect"),
    [
        ([PASS], [FAIL], "opened"),
        ([], [FAIL], "opened"),  # one of very many that pass is not listed
        ([FAIL], [PASS], "closed"),
        ([FAIL], [NOT_APPLICABLE], "closed"),
        ([FAIL], [], "closed"),
        ([FAIL], [FAIL], "still-open"),
        ([FAIL], [UNKNOWN], "sight-lost"),
        ([PASS], [UNKNOWN], "sight-lost"),
        ([UNKNOWN], [PASS], "sight-gained"),
        ([UNKNOWN], [FAIL], "sight-gained"),
        ([UNKNOWN], [UNKNOWN], None),
        ([PASS], [NOT_APPLICABLE], None),
    ],
)
def test_what_became_of_a_verdict(before: list[Finding], after: list[Finding], effect: str | None) -> None:
    assert effects(report(*before), report(*after)) == ({ONE: effect} if effect else {})


def test_what_failed_and_was_deleted_is_gone_and_not_closed() -> None:
    whole = drifted(report(FAIL), report(), change(What.REMOVED))
    assert [(turn.effect, turn.after, turn.changes) for turn in whole.turns] == [(Effect.GONE, None, (ONE,))]


def test_what_vanished_behind_a_gap_is_not_gone() -> None:
    gaps = (Gap(kind=SCHEME, reason=Reason.FORBIDDEN, detail="answered 403", parent="jira.site/acme"),)
    whole = drifted(report(FAIL), report(blind(), gaps=gaps), change(What.REMOVED))
    assert {turn.address: turn.effect for turn in whole.turns} == {ONE: Effect.SIGHT_LOST, "jira.site/acme": Effect.SIGHT_LOST}
    assert [each.effect for each in whole.changes] == [Effect.SIGHT_LOST]


def test_a_gap_of_another_site_hides_nothing_here() -> None:
    sites = {"acme": "https://acme.atlassian.net", "beta": "https://beta.atlassian.net"}
    gap = Gap(kind=SCHEME, reason=Reason.FORBIDDEN, detail="answered 403", parent="jira.site/beta")
    there = report(blind(address="jira.site/beta"), gaps=(gap,), sites=sites)
    assert effects(report(FAIL, sites=sites), there, change(What.REMOVED))[ONE] == "gone"


def test_what_was_not_looked_at_on_one_side_cannot_be_compared() -> None:
    elsewhere = report(sites={"beta": "https://beta.atlassian.net"})
    uncovered = report(blind(Reason.UNSUPPORTED, SCHEME), kinds=())
    for other in (elsewhere, uncovered, report(policies=())):
        assert effects(report(FAIL), other)[ONE] == "incomparable"
        assert effects(other, report(FAIL))[ONE] == "incomparable"


def test_another_version_of_a_policy_cannot_be_compared() -> None:
    whole = drifted(report(FAIL), report(PASS, policies=[policy(version=2)]))
    assert [turn.effect for turn in whole.turns] == [Effect.INCOMPARABLE]
    assert whole.limits == (f"{POLICY} is of version 2 now, and was of 1",)


def test_a_resource_that_is_told_of_by_another_gap_may_have_been_there() -> None:
    missing = finding(Verdict.UNKNOWN, "jira.site/acme", missing=ONE, reason=Reason.GAVE_UP)
    assert effects(report(missing), report(FAIL)) == {ONE: "sight-gained"}
    assert effects(report(FAIL), report(missing)) == {ONE: "sight-lost"}


def test_a_waived_failure_is_still_open() -> None:
    waived = msgspec.structs.replace(FAIL, waiver=next(each.waiver for each in BASE.findings if each.waiver))
    [turn] = drifted(report(FAIL), report(waived)).turns
    assert (turn.effect, turn.before, turn.after) == (Effect.STILL_OPEN, "fail", "waived")


def test_a_change_has_the_worst_effect_on_what_it_changed() -> None:
    other = finding(Verdict.FAIL, policy=OTHER)
    both = (policy(), policy(OTHER))
    whole = drifted(
        report(FAIL, policies=both),
        report(other, policies=both),
        change(What.CHANGED),
        change(What.CHANGED, "jira.project/acme/HR"),
    )
    assert [(each.address, each.effect) for each in whole.changes] == [
        (ONE, Effect.OPENED),
        ("jira.project/acme/HR", Effect.NEUTRAL),
    ]
    assert [turn.changes for turn in whole.turned(Effect.CLOSED)] == [(ONE, "jira.project/acme/HR")]


def test_what_came_because_more_was_read_is_not_new() -> None:
    gap = Gap(kind=SCHEME, reason=Reason.FORBIDDEN, detail="answered 403", parent="jira.site/acme")
    [made] = drifted(report(gaps=(gap,)), report(), change(What.ADDED)).changes
    assert made.effect is Effect.SIGHT_GAINED
    [made] = drifted(report(), report(kinds=()), change(What.REMOVED)).changes
    assert made.effect is Effect.INCOMPARABLE


VERDICTS = st.lists(st.sampled_from([FAIL, PASS, UNKNOWN, NOT_APPLICABLE, finding(Verdict.FAIL, TWO), blind()]), max_size=3)


@given(VERDICTS, VERDICTS, st.sampled_from([(), (change(What.REMOVED),), (change(What.ADDED),)]))
def test_a_gap_more_never_closes_anything(before: list[Finding], after: list[Finding], changes: tuple[Change, ...]) -> None:
    old, new = report(*before), report(*after)
    with_gap = report(*after, blind(), gaps=(Gap(kind=SCHEME, reason=Reason.FORBIDDEN, detail="x", parent="jira.site/acme"),))
    good = {Effect.CLOSED, Effect.GONE, Effect.SIGHT_GAINED}
    fewer = {turn.address for turn in drifted(old, with_gap, *changes).turns if turn.effect in good}
    assert fewer <= {turn.address for turn in drifted(old, new, *changes).turns if turn.effect in good}


@given(VERDICTS)
def test_nothing_drifts_from_itself_but_what_is_still_open(found: list[Finding]) -> None:
    same = report(*found)
    assert {turn.effect for turn in drifted(same, same).turns} <= {Effect.STILL_OPEN}


# ------------------------------------------------------------------------------------------------------------------ the gate


@pytest.mark.parametrize(
    ("before", "after", "fail_on", "allow_unknown", "code", "because"),
    [
        (PASS, FAIL, ["opened"], False, 1, "1 door opened at severity high or above"),
        (UNKNOWN, FAIL, ["opened"], False, 1, "1 door opened at severity high or above"),
        (FAIL, UNKNOWN, ["opened"], False, 3, "nothing opened at severity high or above, but sight was lost of 1 thing"),
        (FAIL, UNKNOWN, ["opened"], True, 0, "nothing opened at severity high or above, sight was lost of 1 thing (allowed)"),
        (FAIL, UNKNOWN, ["sight-lost"], False, 1, "sight was lost of 1 thing at severity high or above"),
        (FAIL, PASS, ["opened", "sight-lost"], False, 0, "nothing opened at severity high or above"),
        (FAIL, PASS, ["any"], False, 1, "0 changes (1 closed)"),
        (PASS, PASS, ["any"], False, 0, "nothing opened at severity high or above"),
    ],
)
def test_what_drift_means_for_a_pipeline(
    before: Finding, after: Finding, fail_on: list[str], *, allow_unknown: bool, code: int, because: str
) -> None:
    gated = drift.gated(drifted(report(before), report(after)), fail_on, Severity.HIGH, allow_unknown=allow_unknown).gate
    assert (gated.exit_code, gated.because) == (code, because)


def test_what_is_less_severe_does_not_stop_it() -> None:
    low = finding(Verdict.FAIL, severity=Severity.LOW)
    assert drift.gated(drifted(report(PASS), report(low)), ["opened"], Severity.HIGH).gate.exit_code == 0


# ------------------------------------------------------------------------------------------------------- nobody looked again


LOG, EVENT = "audit/no-impersonation", "org.event/e1"
LOGGED = msgspec.structs.replace(BASE.policies[0], id=LOG, version=1, kind="org.event")


def seen(*there: str, asked: str = ONE) -> tuple[drift.Presence, drift.Presence]:
    return drift.Presence(), drift.Presence(frozenset({asked}), frozenset(there))


def turned(old: Report, new: Report, present: tuple[drift.Presence, drift.Presence]) -> dict[str, tuple[str, str]]:
    whole = drift.drift(old, new, (), {}, present)
    return {turn.address: (turn.effect.value, turn.because) for turn in whole.turns}


def test_an_event_is_never_closed() -> None:
    failed = finding(Verdict.FAIL, EVENT, policy=LOG)
    refused = finding(Verdict.UNKNOWN, "org/o", policy=LOG, reason=Reason.FORBIDDEN, message="answered 403")
    old, present = report(failed, policies=[LOGGED]), seen(asked=EVENT)
    gone = "the log was read from a later day on, and does not hold it any more"
    assert turned(old, report(policies=[LOGGED]), present) == {EVENT: ("gone", gone)}
    hidden = turned(old, report(refused, policies=[LOGGED]), present)
    assert hidden[EVENT] == ("sight-lost", "not all of its kind could be read: answered 403")


def test_a_thing_that_two_supplied_and_neither_does_is_not_there() -> None:
    removed = change(What.REMOVED), change(What.REMOVED, source=Source.ATTESTED)
    assert effects(report(FAIL), report(blind()), *removed)[ONE] == "sight-lost"
    assert effects(report(FAIL), report(), *removed)[ONE] == "gone"
    assert effects(report(FAIL), report(), removed[0], change(What.ADDED, source=Source.ATTESTED))[ONE] == "closed"


def test_what_failed_by_a_statement_that_has_expired_is_not_mended() -> None:
    failed, removed = finding(Verdict.FAIL, source=Source.ATTESTED), change(What.REMOVED, source=Source.ATTESTED)
    day = samples.AS_OF.date()
    use = AttestationUse(address=ONE, attested_by="kim", attested_on=day, expires=day, counted=True)
    assert effects(report(failed), report(), removed) == {ONE: "sight-lost"}
    assert effects(report(failed), report(PASS), removed) == {ONE: "sight-lost"}
    assert effects(report(failed), report(PASS, attestations=(use,))) == {ONE: "closed"}
    assert effects(report(failed), report(PASS), removed, change(What.ADDED)) == {ONE: "closed"}


def test_what_failed_and_cannot_be_read_is_not_mended_by_what_settles_it_otherwise() -> None:
    gap = Gap(kind=SCHEME, id="acme/1", reason=Reason.OPT_IN_OFF, detail="off", parent="jira.site/acme")
    assert effects(report(FAIL), report(PASS, gaps=(gap,))) == {ONE: "sight-lost"}


def test_what_was_hidden_and_is_deleted_is_gone() -> None:
    hidden = finding(Verdict.UNKNOWN, reason=Reason.FORBIDDEN, message="answered 403")
    assert turned(report(hidden), report(), seen())[ONE][0] == "gone"
    assert turned(report(hidden), report(), seen(ONE))[ONE][0] == "sight-gained"


def test_a_gap_with_another_reason_hides_what_it_hid() -> None:
    gaps = [Gap(kind=SCHEME, reason=reason, detail="d", parent="jira.site/acme") for reason in (Reason.FORBIDDEN, Reason.GAVE_UP)]
    changes = [change(what, gap=gap) for what, gap in zip((What.REMOVED, What.ADDED), gaps, strict=True)]
    whole = drifted(report(blind(), gaps=gaps[:1]), report(blind(), gaps=gaps[1:]), *changes)
    assert [each.effect for each in whole.changes] == [Effect.NEUTRAL, Effect.NEUTRAL]


def test_a_gap_is_told_of_its_own_kind_only() -> None:
    gaps = {kind: Gap(kind=kind, reason=Reason.FORBIDDEN, detail="d", parent="jira.site/acme") for kind in (SCHEME, "jira.filter")}
    changes = (
        change(What.ADDED, f"{SCHEME}/", gap=gaps[SCHEME]),
        change(What.REMOVED, "jira.filter/", gap=gaps["jira.filter"]),
    )
    whole = drifted(report(), report(blind(), gaps=(gaps[SCHEME],)), *changes)
    assert {each.kind: each.effect for each in whole.changes} == {SCHEME: Effect.SIGHT_LOST, "jira.filter": Effect.SIGHT_GAINED}
    told_ = {(entry.turn is not None, each.kind) for entry in told.entries(whole) for each in entry.changes}
    assert told_ == {(True, SCHEME), (False, "jira.filter")}


def test_a_site_that_is_not_scanned_any_more_stops_the_gate_though_all_on_it_passed() -> None:
    sites = {"acme": "https://acme.atlassian.net", "beta": "https://beta.atlassian.net"}
    whole = drifted(report(sites=sites), report())
    gated = drift.gated(whole, ["opened"], Severity.HIGH)
    assert (gated.gate.exit_code, gated.gate.because) == (3, "nothing opened at severity high or above, but 1 cannot be compared")
    assert drift.gated(whole, ["opened"], Severity.HIGH, allow_unknown=True).gate.exit_code == 0
    assert drift.gated(drifted(report(), report(sites=sites)), ["opened"], Severity.HIGH).gate.exit_code == 0


def test_what_a_log_holds_and_what_several_supply_is_looked_up() -> None:
    event = Resource(kind="org.event", id="e1", name="e1", facts={}, source=Source.API)
    failed = finding(Verdict.FAIL, EVENT, policy=LOG)
    reports = report(failed, FAIL, policies=[LOGGED, policy()]), report(policies=[LOGGED, policy()])
    empty, full = Snapshot(reports[0].snapshot, tuple), Snapshot(reports[0].snapshot, lambda: (event,))
    assert drift.presence(reports, (full, full))[1] == drift.Presence(frozenset({EVENT}), frozenset({EVENT}))
    assert drift.presence(reports, (full, empty)) == (drift.Presence(), drift.Presence(frozenset({EVENT}), frozenset()))


# ----------------------------------------------------------------------------------------------------------------- the reach


def test_a_change_of_what_many_share_tells_how_many() -> None:
    scheme = Resource(kind=SCHEME, id="acme/1", name="x", facts={"project_count": 400}, source=Source.API)
    snapshot = Snapshot(report().snapshot, lambda: iter([scheme]))
    changes = [change(What.CHANGED), change(What.CHANGED, TWO), change(What.CHANGED, "jira.project/acme/HR")]
    assert [each.reach for each in drift.reaching(changes, [snapshot])] == [400, None, None]
    fewer = Snapshot(report().snapshot, lambda: iter([msgspec.structs.replace(scheme, facts={"project_count": 2})]))
    assert [each.reach for each in drift.reaching(changes[:1], [snapshot, fewer])] == [400]
