"""Drift as a report that is compared with a baseline, for the formats that tell of findings: what opened is a new failure.

What went out of sight, or cannot be compared, is unknown; what closed or is gone has vanished; a change alone is no finding.
"""

from collections.abc import Iterable, Iterator

from scanner.model import Baseline, BaselineState, Drift, Effect, Fate, Finding, Gate, Report, Turn, Vanished, Verdict
from scanner.render.drift.told import Entry, cause, entries, facts, path, unexplained, value, verdicts, what

MOST_FACTS = 5

# What a failure that is none any more was turned into.
_FATES = {
    Effect.CLOSED: Fate.PASSES,
    Effect.GONE: Fate.GONE,
    Effect.SIGHT_LOST: Fate.UNKNOWN,
    Effect.INCOMPARABLE: Fate.NOT_JUDGED,
}
_WAIVED = "waived"
_FAILED = (Verdict.FAIL.value, _WAIVED)
# What it is as a finding. A drift does not know the waiver of what is waived: that is skipped.
_VERDICTS = {
    Effect.OPENED: (Verdict.FAIL, BaselineState.NEW),
    Effect.STILL_OPEN: (Verdict.FAIL, BaselineState.KNOWN),
    Effect.SIGHT_LOST: (Verdict.UNKNOWN, BaselineState.NEW),
    Effect.INCOMPARABLE: (Verdict.UNKNOWN, BaselineState.NEW),
}


def report(drift: Drift) -> Report:
    """Return the report."""
    return Report(
        tool=drift.tool,
        profile=drift.profile,
        snapshot=drift.new,
        policies=drift.policies,
        findings=tuple(_findings(entries(drift))),
        gaps=(),
        waivers=(),
        attestations=(),
        gate=Gate(
            fail_on=None,
            fail_on_new=drift.gate.severity,
            allow_unknown=drift.gate.exit_code == 0,
            exit_code=drift.gate.exit_code,
            because=drift.gate.because,
        ),
        baseline=Baseline(
            snapshot=drift.old.id,
            taken_at=drift.old.taken_at,
            profile=drift.profile,
            vanished=tuple(_vanished(drift.turns)),
            changed=(),
        ),
    )


# ---------------------------------------------------------------------------------------------------------------- private


def _findings(told: Iterable[Entry]) -> Iterator[Finding]:
    """Yield a finding for each verdict that fails, or that nobody knows."""
    for entry in told:
        if entry.turn and entry.effect in _VERDICTS:
            yield _finding(entry, entry.turn, *_VERDICTS[entry.effect])


def _finding(entry: Entry, turn: Turn, verdict: Verdict, state: BaselineState) -> Finding:
    is_waived = turn.after == _WAIVED and verdict is Verdict.FAIL
    return Finding(
        policy=turn.policy,
        address=turn.address,
        name=turn.name,
        verdict=Verdict.NOTAPPLICABLE if is_waived else verdict,
        severity=turn.severity,
        message=f"{'waived: ' if is_waived else ''}{'; '.join(_said(entry, turn))}",
        baseline=state,
    )


def _said(entry: Entry, turn: Turn) -> Iterator[str]:
    """Say what became of the verdict, by what change, and who may have made it."""
    yield f"{verdicts(turn)}: {turn.because}"
    for change in (*entry.changes, *entry.others)[:MOST_FACTS]:
        about = "" if change.address == turn.address else f"{change.address} "
        yield f"{about}{what(change)}"
        for fact in facts(change)[:MOST_FACTS]:
            yield f"{path(change.kind, fact.path)}: {value(fact.before)} -> {value(fact.after)}"
        yield from (f"who: {cause(event)}" for event in (change.causes or ())[:1])
        if reason := unexplained(change):
            yield f"who: {reason}"


def _vanished(turns: Iterable[Turn]) -> Iterator[Vanished]:
    for turn in turns:
        if turn.effect in _FATES and turn.before in _FAILED:
            yield Vanished(
                policy=turn.policy,
                address=turn.address,
                name=turn.name,
                severity=turn.severity,
                fate=_FATES[turn.effect],
                because=turn.because,
            )
