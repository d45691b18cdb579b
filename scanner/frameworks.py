"""The frameworks view: what a report proves of the controls of each framework, never more than was judged.

A policy that is applied claims its controls, unless a parameter was set beyond its bound. A control that is not judged in full is
not satisfied: a policy that was relaxed, disabled or left out by the profile leaves it not verified, however many others pass.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import chain
from pathlib import Path

import msgspec

from scanner.model import Report

FILE = Path(__file__).with_name("frameworks.json")


class State(StrEnum):
    """What is proven of a control, worst first."""

    NOT_SATISFIED = "not-satisfied"
    NOT_VERIFIED = "not-verified"
    SATISFIED = "satisfied"
    NOT_CLAIMED = "not-claimed"

    @property
    def label(self) -> str:
        """Return its words."""
        return self.value.replace("-", " ")


class Outcome(StrEnum):
    """What came of one policy as a whole, worst first."""

    FAIL = "fail"
    WAIVED = "waived"
    UNKNOWN = "unknown"
    PASS = "pass"  # noqa: S105  not a password
    NOTAPPLICABLE = "notapplicable"


class Why(StrEnum):
    """Why a policy that serves a control does not claim it."""

    RELAXED = "relaxed"
    DISABLED = "disabled"
    LEFT_OUT = "left-out"

    @property
    def label(self) -> str:
        """Return its words."""
        return _WHYS[self]


_WHYS = {
    Why.RELAXED: "relaxed beyond a bound",
    Why.DISABLED: "disabled",
    Why.LEFT_OUT: "left out by the profile",
}


@dataclass(frozen=True, slots=True)
class Claim:
    """A policy that claims a control, and what came of it."""

    policy: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class NoClaim:
    """A policy that serves a control and does not claim it."""

    policy: str
    why: Why


@dataclass(frozen=True, slots=True)
class Control:
    """A control of a framework: what is proven of it, by which policies, and which of those that serve it do not count."""

    id: str
    title: str
    claims: tuple[Claim, ...]
    no_claims: tuple[NoClaim, ...]

    @property
    def state(self) -> State:
        """Return what is proven: satisfied only if every policy that serves it was judged, one passes and none does otherwise."""
        outcomes = {claim.outcome for claim in self.claims}
        if not outcomes:
            return State.NOT_CLAIMED
        if outcomes & {Outcome.FAIL, Outcome.WAIVED}:
            return State.NOT_SATISFIED
        if self.no_claims or Outcome.UNKNOWN in outcomes or Outcome.PASS not in outcomes:
            return State.NOT_VERIFIED
        return State.SATISFIED

    @property
    def is_excused(self) -> bool:
        """Tell whether waivers excuse all that fails. They do not make it satisfied."""
        outcomes = {claim.outcome for claim in self.claims}
        return Outcome.WAIVED in outcomes and Outcome.FAIL not in outcomes


@dataclass(frozen=True, slots=True)
class Framework:
    """A framework and those of its controls that some policy serves, in its own order."""

    id: str
    title: str
    controls: tuple[Control, ...]

    def of(self, state: State) -> tuple[Control, ...]:
        """Return the controls of which that much is proven."""
        return tuple(control for control in self.controls if control.state is state)

    @property
    def covered(self) -> int:
        """Count the controls that are claimed at all."""
        return len(self.controls) - len(self.of(State.NOT_CLAIMED))


def view(report: Report) -> tuple[Framework, ...]:
    """Return what a report proves, framework by framework: those that ship first, then others that policies name."""
    served: dict[str, dict[str, list[Claim | NoClaim]]] = {}
    for controls, part in chain(_applied(report), _not_applied(report)):
        for framework, ids in controls.items():
            for id_ in dict.fromkeys(ids):
                served.setdefault(framework, {}).setdefault(id_, []).append(part)
    return tuple(_framework(id_, served[id_]) for id_ in _in_order(served, titles()))


class Titles(msgspec.Struct, frozen=True):
    """What a framework and its controls are called."""

    title: str
    controls: dict[str, str] = {}


@cache
def titles() -> Mapping[str, Titles]:
    """Return what frameworks and their controls are called, by their ids."""
    return msgspec.json.decode(FILE.read_bytes(), type=dict[str, Titles])


# ---------------------------------------------------------------------------------------------------------------- private

Controls = Mapping[str, Iterable[str]]


def _applied(report: Report) -> Iterator[tuple[Controls, Claim | NoClaim]]:
    counts = report.counts()
    for policy in report.policies:
        claim = NoClaim(policy.id, Why.RELAXED) if policy.relaxed else Claim(policy.id, _outcome(counts[policy.id]))
        yield policy.controls, claim


def _not_applied(report: Report) -> Iterator[tuple[Controls, Claim | NoClaim]]:
    for policy in report.left_out:
        yield policy.controls, NoClaim(policy.id, Why.LEFT_OUT if policy.because is None else Why.DISABLED)


def _outcome(counts: Counter[str]) -> Outcome:
    """Return the worst that was found; of a policy that found nothing at all, nothing is known."""
    return next((outcome for outcome in Outcome if counts[outcome]), Outcome.UNKNOWN)


def _framework(id_: str, served: Mapping[str, list[Claim | NoClaim]]) -> Framework:
    known = titles().get(id_, Titles(id_))
    controls = (_control(control, known, served[control]) for control in _in_order(served, known.controls))
    return Framework(id_, known.title, tuple(controls))


def _control(id_: str, known: Titles, parts: list[Claim | NoClaim]) -> Control:
    claims = sorted((part for part in parts if isinstance(part, Claim)), key=lambda claim: list(Outcome).index(claim.outcome))
    no_claims = sorted((part for part in parts if isinstance(part, NoClaim)), key=lambda part: list(Why).index(part.why))
    return Control(id_, known.controls.get(id_, ""), tuple(claims), tuple(no_claims))


def _in_order(ids: Iterable[str], known: Iterable[str]) -> list[str]:
    """Return ids in the order in which they are known, then the others."""
    order = {id_: index for index, id_ in enumerate(known)}
    return sorted(ids, key=lambda id_: (order.get(id_, len(order)), id_))
