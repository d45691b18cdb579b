"""The drift for programs: version 1 of `atlascan/drift`, promised by `schemas/drift.schema.json`.

It is written field by field, and all of it is in it: `scanner.results.load_drift` reads it back whole.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import msgspec

from scanner.model import Cause, Change, Drift, Effect, FactChange, Turn
from scanner.render.json import Object, moment, of_gap, of_policy, of_snapshot, plain, written

FORMAT = "atlascan/drift"
VERSION = 1


def render(drift: Drift) -> str:
    """Return the drift as JSON. What a fact was not there before or after is left out; null is a fact that is null."""
    return written(_document(drift))


# ---------------------------------------------------------------------------------------------------------------- private


def _document(drift: Drift) -> Object:
    return {
        "format": FORMAT,
        "version": VERSION,
        "tool": drift.tool,
        "profile": drift.profile,
        "old": of_snapshot(drift.old),
        "new": of_snapshot(drift.new),
        "gate": {
            "exit_code": drift.gate.exit_code,
            "because": drift.gate.because,
            "fail_on": list(drift.gate.fail_on),
            "severity": drift.gate.severity.value,
        },
        "summary": {
            "turns": _counted(turn.effect for turn in drift.turns),
            "changes": _counted(change.effect for change in drift.changes),
        },
        "limits": list(drift.limits),
        "policies": [of_policy(policy) for policy in drift.policies],
        "turns": [_turn(turn) for turn in drift.turns],
        "changes": [_change(change) for change in drift.changes],
    }


def _counted(effects: Iterable[Effect]) -> dict[str, int]:
    numbers = Counter(effects)
    return {effect.value: numbers[effect] for effect in Effect}


def _turn(turn: Turn) -> Object:
    return {
        "policy": turn.policy,
        "address": turn.address,
        "name": turn.name,
        "severity": turn.severity.value,
        "effect": turn.effect.value,
        "before": turn.before,
        "after": turn.after,
        "because": turn.because,
        "changes": list(turn.changes),
    }


def _change(change: Change) -> Object:
    return {
        "kind": change.kind,
        "id": change.id,
        "address": change.address,
        "name": change.name,
        "was": change.was,
        "what": change.what.value,
        "effect": change.effect.value,
        "source": change.source and change.source.value,
        "reach": change.reach,
        "facts": [_fact(fact) for fact in change.facts],
        "gap": change.gap and of_gap(change.gap),
        "causes": None if change.causes is None else [_cause(cause) for cause in change.causes],
        "unlogged": change.unlogged,
    }


def _fact(fact: FactChange) -> Object:
    sides: dict[str, Any] = {"before": fact.before, "after": fact.after}
    return {"path": list(fact.path), **{side: plain(value) for side, value in sides.items() if value is not msgspec.UNSET}}


def _cause(cause: Cause) -> Object:
    return {
        "event": cause.event,
        "time": moment(cause.time),
        "action": cause.action,
        "actor": cause.actor,
        "certainty": cause.certainty.value,
    }
