"""What a condition can come to: found by trying values of the fact that it looks at, with the operators as they judge.

Only conditions on one fact, with values written in the policy, are tried; of any other nothing is claimed.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any

import msgspec

from scanner.conditions import (
    AllOf,
    AnyOf,
    Condition,
    Constant,
    Item,
    Not,
    Test,
    Truth,
    parse_duration,
    parse_time,
)
from scanner.judging import Surroundings, bind
from scanner.kinds import Fact, FactType

# The moment from which ages are counted while values are tried.
AS_OF = datetime(2026, 6, 15, 12, tzinfo=UTC)

_OTHER = "something else"
_ELSEWHERE = "elsewhere.example"
_UNTRIED = ("matches", "within")
# Trying values costs their number squared: of longer lists nothing is claimed.
_MAX_VALUES = 40
_MANY = 5


def path_of(condition: Condition) -> str | None:
    """Return the one path that a condition looks at, or None if it looks at more, or at what cannot be tried."""
    match condition:
        case Test(path, operator, values, beside=None) if operator not in _UNTRIED and len(values) <= _MAX_VALUES:
            return path if all(isinstance(value, Constant) for value in values) else None
        case Not(part):
            return path_of(part)
        case AllOf(parts) | AnyOf(parts):
            paths = {path_of(part) for part in parts}
            return paths.pop() if len(paths) == 1 else None
        case _:
            return None


def weight(condition: Condition) -> int:
    """Return how many values a condition is written with: what it costs to try it."""
    return sum(len(test.values) for test in _tests(condition))


def samples(fact: Fact, conditions: Iterable[Condition]) -> list[Any]:
    """Return values of a fact, each side of every bound that conditions on it draw; null is the last."""
    tests = [test for condition in conditions for test in _tests(condition)]
    constants = [value.value for test in tests for value in test.values if isinstance(value, Constant)]
    return list({msgspec.json.encode(value): value for value in (*_samples(fact, tests, constants), None)}.values())


def truths(condition: Condition, path: str, values: Iterable[Any]) -> list[Truth]:
    """Tell for each value whether a condition on one path holds with it there."""
    bound = bind(condition, Surroundings(AS_OF))
    return [bound.truth(_item(path, value)) for value in values]


# ---------------------------------------------------------------------------------------------------------------- private


def _item(path: str, value: Any) -> Item:  # noqa: ANN401  JSON border
    for step in reversed(path.split(".")):
        value = {step: value}
    item: Item = value
    return item


def _tests(condition: Condition) -> Iterator[Test]:
    match condition:
        case Test():
            yield condition
        case Not(part):
            yield from _tests(part)
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from _tests(part)
        case _:
            return


def _samples(fact: Fact, tests: list[Test], constants: list[Any]) -> Iterator[Any]:
    match fact.type:
        case FactType.BOOL:
            yield from (True, False)
        case FactType.NUMBER:
            numbers = [each for each in constants if isinstance(each, int | float) and not isinstance(each, bool)]
            yield from (number + step for number in numbers or [0] for step in (0, 1, -1, 0.5, -0.5))
        case FactType.TEXT if fact.values:
            yield from fact.values
        case FactType.TEXT:
            yield from _texts(tests, constants)
        case FactType.DATE:
            yield from _dates(tests, constants)
        case FactType.TEXTS:
            yield from _lists(fact, constants)
        case FactType.OBJECT:
            yield {}
        case FactType.OBJECTS:
            yield from ([], [{}])


def _texts(tests: list[Test], constants: list[Any]) -> Iterator[str]:
    texts = [each for each in constants if isinstance(each, str)]
    yield from texts
    yield from (f"sub.{text}" for text in texts if any(test.operator.startswith("domain_") for test in tests))
    yield from (_ELSEWHERE, _OTHER, "")


def _dates(tests: list[Test], constants: list[Any]) -> Iterator[str]:
    spans = [parse_duration(str(value.value)) for test in tests for value in _spans(test)]
    moments = [AS_OF - span + timedelta(hours=step) for span in spans for step in (1, -1)]
    yield from (moment.isoformat() for moment in moments)
    yield from (each for each in constants if parse_time(each))
    yield from (AS_OF.isoformat(), (AS_OF + timedelta(days=36500)).isoformat(), (AS_OF - timedelta(days=36500)).isoformat())


def _spans(test: Test) -> Iterator[Constant]:
    if test.operator in ("older_than", "newer_than"):
        yield from (value for value in test.values if isinstance(value, Constant))


def _lists(fact: Fact, constants: list[Any]) -> Iterator[list[Any]]:
    values = list(dict.fromkeys(each for each in constants if isinstance(each, str)))
    sizes = range(len(values) + 1) if len(values) <= _MANY else (0, 1, len(values) - 1, len(values))
    others = [next((each for each in fact.values if each not in values), _OTHER)]
    for size in sizes:
        for chosen in combinations(values, size):
            yield from (list(chosen), [*chosen, *others])
