"""What was found and what is proven, counted: the words that all formats share."""

from collections import Counter
from collections.abc import Collection, Mapping

from scanner.frameworks import Framework, State
from scanner.model import Desk

_LABELS = {"pass": "passes", "notapplicable": "is not applicable"}
_PLURALS = {"pass": "pass", "notapplicable": "are not applicable"}


def judged(counts: Counter[str]) -> int:
    """Return how many pass or fail; a failure that is waived is one."""
    return counts["pass"] + counts["fail"] + counts["waived"]


def near_miss(counts: Counter[str]) -> str:
    """Return how many of how many fail, such as `2 of 341 fail`; nothing if none does."""
    waived = counts["waived"]
    failing = counts["fail"] + waived
    if not failing:
        return ""
    verb = "fails" if failing == 1 else "fail"
    return f"{failing} of {judged(counts)} {verb}{_excused(failing, waived)}"


def not_listed(unlisted: Mapping[str, int]) -> tuple[str, ...]:
    """Return what is said of the findings of a policy that are not listed, such as `and 7 more that pass, not listed`."""
    return tuple(f"and {number} more that {_verb(word, number)}, not listed" for word, number in unlisted.items() if number)


def proven(framework: Framework) -> str:
    """Return how many controls are covered, and what is proven of them."""
    states = (State.SATISFIED, State.NOT_SATISFIED, State.NOT_VERIFIED)
    numbers = ", ".join(f"{len(framework.of(state))} {state.label}" for state in states)
    unclaimed = len(framework.of(State.NOT_CLAIMED))
    noun = "control" if framework.covered == 1 else "controls"
    return f"{framework.covered} {noun} covered: {numbers}{f'; {unclaimed} more not claimed' if unclaimed else ''}"


def served(desks: Collection[Desk]) -> str:
    """Return how many desks are judged as serving whom, and how many of those nobody declared."""
    numbers = Counter(desk.kind for desk in desks)
    undeclared = sum(not desk.declared for desk in desks)
    said = ", ".join(f"{number} {kind}" for kind, number in sorted(numbers.items()))
    return f"{said}; {undeclared} not declared, and judged as closed" if undeclared else said


# ---------------------------------------------------------------------------------------------------------------- private


def _excused(failing: int, waived: int) -> str:
    if not waived:
        return ""
    if failing == 1:
        return ", and is waived"
    return ", all waived" if waived == failing else f", {waived} of them waived"


def _verb(word: str, number: int) -> str:
    return (_LABELS if number == 1 else _PLURALS).get(word, word)
