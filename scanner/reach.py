"""What a condition can come to: found by trying values of the fact that it looks at, with the operators as they judge.

Only conditions on one fact, with values written in the policy, are tried; of any other nothing is claimed.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise, product
from math import prod
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
from scanner.domains import domain_of, registrable
from scanner.judging import Surroundings, bind
from scanner.kinds import Fact, FactType

# The moment from which ages are counted while values are tried.
AS_OF = datetime(2026, 6, 15, 12, tzinfo=UTC)

_FIRST = datetime.min.replace(tzinfo=UTC)
_OTHER = "something else"
_ELSEWHERE = "elsewhere.example"
_UNTRIED = ("matches", "within")
# Trying values costs their number squared: of longer lists nothing is claimed.
_MAX_VALUES = 40
_MAX_LISTS = 512


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
    """Return values of a fact, at every bound that conditions on it draw and on each side of it; null is the last.

    There are none where nothing can be claimed: it would be too many lists, or hang on the day on which a fixed date is held
    against one that is counted back.
    """
    tests = [test for condition in conditions for test in _tests(condition)]
    if fact.type is FactType.TEXTS and prod(map(len, _choices(tests))) > _MAX_LISTS:
        return []
    if fact.type is FactType.DATE and any(_limits(tests)) and any(_days(tests)):
        return []
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
            yield from _numbers(constants)
        case FactType.TEXT if fact.values:
            yield from fact.values
        case FactType.TEXT:
            yield from _texts(tests, constants)
        case FactType.DATE:
            yield from _dates(tests)
        case FactType.TEXTS:
            yield from _lists(fact, tests)
        case FactType.OBJECT:
            yield {}
        case FactType.OBJECTS:
            yield from ([], [{}])


def _numbers(constants: list[Any]) -> Iterator[float]:
    numbers = sorted({each for each in constants if isinstance(each, int | float) and not isinstance(each, bool)} or {0})
    yield from (number + step for number in numbers for step in (0, 1, -1, 0.5, -0.5))
    yield from (low + (high - low) / 2 for low, high in pairwise(numbers))


def _texts(tests: list[Test], constants: list[Any]) -> Iterator[str]:
    texts = [each for each in constants if isinstance(each, str)]
    yield from texts
    if any(test.operator.startswith("domain_") for test in tests):
        owned = any(test.relation == "registrable" for test in tests)
        names = list(_domains([domain for text in texts if (domain := domain_of(text))], owned=owned))
        # An address has a domain, and is another text than the domain.
        yield from (*names, *(_unlike(f"somebody@{name}", texts) for name in names))
    else:
        yield _ELSEWHERE
    yield from (_unlike(_OTHER, texts), "")


def _domains(domains: list[str], *, owned: bool) -> Iterator[str]:
    """Yield domains, and one below each; where owners are compared, the same of their owners; and one that has to do with none."""
    for domain in domains:
        for name in (domain, registrable(domain)) if owned else (domain,):
            yield from (name, _unlike(f"sub.{name}", domains))
    last_two = [".".join(domain.split(".")[-2:]) for domain in domains]
    yield _unlike(f"elsewhere.{_unlike('example', domains)}", last_two)


def _unlike(text: str, others: list[str]) -> str:
    """Return a text, with something before it if it is one of others."""
    return next(new for number in count() if (new := "x" * number + text) not in others)


def _dates(tests: list[Test]) -> Iterator[str]:
    limits = sorted(_limits(tests))
    yield from ((limit + timedelta(hours=1)).isoformat() for limit in limits)
    yield from ((limit - min(timedelta(hours=1), limit - _FIRST)).isoformat() for limit in limits)
    yield from ((early + (late - early) / 2).isoformat() for early, late in pairwise(limits))
    yield from (limit.isoformat() for limit in limits)
    days = list(_days(tests))
    # One more than there are is one that none of them is.
    yield from (*days, *((AS_OF + timedelta(days=number)).isoformat() for number in range(len(days) + 1)))


def _days(tests: list[Test]) -> Iterator[str]:
    """Yield the dates that are written out."""
    for test in tests:
        yield from (each.value for each in test.values if isinstance(each, Constant) and parse_time(each.value))


def _limits(tests: list[Test]) -> Iterator[datetime]:
    """Yield the moments that are counted back to."""
    for test in tests:
        if test.operator in ("older_than", "newer_than"):
            spans = (parse_duration(str(value.value)) for value in test.values if isinstance(value, Constant))
            yield from (AS_OF - min(span, AS_OF - _FIRST) for span in spans)


def _lists(fact: Fact, tests: list[Test]) -> Iterator[list[str]]:
    values = [value for values in _named(tests) for value in values]
    other = next((each for each in fact.values if each not in values), _unlike(_OTHER, values))
    for parts in product(*_choices(tests)):
        chosen = [value for part in parts for value in part]
        yield from (chosen, [*chosen, other])


def _choices(tests: list[Test]) -> list[tuple[list[str], ...]]:
    """Return what a list may hold of the values that the same tests name: none of them, one, or all. No test tells more apart."""
    named = _named(tests)
    alike: dict[tuple[bool, ...], list[str]] = {}
    for value in dict.fromkeys(value for values in named for value in values):
        alike.setdefault(tuple(value in values for values in named), []).append(value)
    return [([], group[:1], group) if len(group) > 1 else ([], group) for group in alike.values()]


def _named(tests: list[Test]) -> list[list[str]]:
    return [[each.value for each in test.values if isinstance(each, Constant) and isinstance(each.value, str)] for test in tests]
