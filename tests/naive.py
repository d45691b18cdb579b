"""A naive interpreter of the condition language: slow, plain, and written from the manual alone.

It reads the values of a policy file as they stand there and looks at resources held in memory, so that whatever the program makes
of a condition (a tree, folded answers, a compiled function) can be held against it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import re2

from scanner.domains import domain_of, registrable

Truth = bool | None
Facts = Mapping[str, Any]


class Nothing:
    """What stands at a path that leads nowhere."""


NOTHING = Nothing()
QUANTIFIERS = ("some", "every", "none")


@dataclass(frozen=True)
class World:
    """What there is besides the resource: others by kind, the kinds that were not read whole, those refused, and the moment."""

    as_of: datetime
    others: Mapping[str, tuple[Facts, ...]] = field(default_factory=dict)
    lacking: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()


def truth(value: dict[str, Any], item: Any, world: World) -> Truth:  # noqa: ANN401  one line for each word
    match value:
        case {"all": parts}:
            return least([truth(part, item, world) for part in parts])
        case {"any": parts}:
            return greatest([truth(part, item, world) for part in parts])
        case {"not": part}:
            return turned(truth(part, item, world))
        case {"readable": kind}:
            return False if kind in world.refused else None if kind in world.lacking else True
        case {"count": counted}:
            return bounded(value, counted, item, world)
        case {"facts": kind}:
            return related(value, kind, item, world)
        case _:
            return tested(value, item, world)


def least(truths: Iterable[Truth]) -> Truth:
    """Kleene's `and`."""
    truths = list(truths)
    return False if False in truths else None if None in truths else True


def greatest(truths: Iterable[Truth]) -> Truth:
    """Kleene's `or`."""
    truths = list(truths)
    return True if True in truths else None if None in truths else False


def turned(one: Truth) -> Truth:
    """Kleene's `not`."""
    return None if one is None else not one


def at(item: Any, path: str) -> Any:  # noqa: ANN401
    for step in path.split("."):
        if not isinstance(item, dict) or step not in item:
            return NOTHING
        item = item[step]
    return item


def of_all(quantifier: str, truths: list[Truth]) -> Truth:
    if quantifier == "every":
        return least(truths)
    return greatest(truths) if quantifier == "some" else turned(greatest(truths))


def related(value: dict[str, Any], kind: str, item: Any, world: World) -> Truth:  # noqa: ANN401
    quantifier = next(word for word in QUANTIFIERS if word in value)
    others = matching(kind, value.get("match", {}), item, world)
    if others is None:
        return None
    undecided = [None] if kind in world.lacking else []
    return of_all(quantifier, [*(truth(value[quantifier], other, world) for other in others), *undecided])


def matching(kind: str, match: Mapping[str, str], item: Any, world: World) -> list[Facts] | None:  # noqa: ANN401
    ours = {theirs: at(item, path) for theirs, path in match.items()}
    if NOTHING in ours.values():
        return None
    return [other for other in world.others[kind] if all(alike(at(other, theirs), wanted) for theirs, wanted in ours.items())]


def bounded(value: dict[str, Any], counted: dict[str, Any], item: Any, world: World) -> Truth:  # noqa: ANN401
    if "facts" in counted:
        things: Any = matching(counted["facts"], counted.get("match", {}), item, world)
        whole = counted["facts"] not in world.lacking
    else:
        things, whole = at(item, counted["path"]), True
    if not isinstance(things, list):
        return None
    truths = [truth(counted["where"], thing, world) if "where" in counted else True for thing in things]
    fewest, most = truths.count(True), (len(truths) - truths.count(False)) if whole else float("inf")
    floor, ceiling = value.get("at_least"), value.get("at_most")
    reaches: Truth = True if floor is None or fewest >= floor else None if most >= floor else False
    stays: Truth = True if ceiling is None or most <= ceiling else None if fewest <= ceiling else False
    return least([reaches, stays])


def tested(value: dict[str, Any], item: Any, world: World) -> Truth:  # noqa: ANN401
    fact = at(item, value["path"])
    [word] = [key for key in value if key not in ("path", "as", "of", "percent_of")]
    if word in QUANTIFIERS:
        return of_all(word, [truth(value[word], each, world) for each in fact]) if isinstance(fact, list) else None
    if "of" in value:
        first, last = moment(at(item, value["of"])), moment(fact)
        return None if first is None or last is None else bool(last - first <= span(value[word]))
    if "percent_of" in value:
        whole = at(item, value["percent_of"])
        fact = 100 * fact / whole if number(fact) and number(whole) and whole else NOTHING
    if fact is NOTHING:
        return None
    wanted, complete = values(value[word], world)
    operation: Callable[..., Truth] = OPERATIONS[word]
    return operation(fact, wanted, complete, value.get("as", "exact"), world.as_of)


def values(value: Any, world: World) -> tuple[list[Any], bool]:  # noqa: ANN401
    """Return what a fact is held against, and whether that is all of it."""
    found: list[Any] = []
    complete = True
    for each in value if isinstance(value, list) else [value]:
        if not isinstance(each, dict):
            found.append(each)
            continue
        kind = each["facts"]
        complete = complete and kind not in world.lacking
        for other in world.others[kind]:
            selected = truth(each["where"], other, world) if "where" in each else True
            theirs = at(other, each["path"])
            if selected is False:
                continue
            if selected is None or theirs is NOTHING or isinstance(theirs, dict):
                complete = False
            else:
                found.extend(theirs if isinstance(theirs, list) else [theirs])
    return found, complete


# -------------------------------------------------------------------------------------------------------------- operations


def number(value: Any) -> bool:  # noqa: ANN401
    return isinstance(value, int | float) and not isinstance(value, bool)


def alike(one: Any, other: Any) -> Truth:  # noqa: ANN401
    if one is None or other is None:
        return one is other
    if (number(one), type(one)) != (number(other), type(other)) and not (number(one) and number(other)):
        return None
    return bool(one == other)


def moment(value: Any) -> datetime | None:  # noqa: ANN401
    try:
        read = datetime.fromisoformat(value)
    except (ValueError, TypeError):
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def span(text: str) -> timedelta:
    amount, unit = text.split()
    return int(amount) * {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}[unit]


def equals(fact: Any, wanted: list[Any], complete: bool, _as: str, _now: datetime) -> Truth:  # noqa: ANN401
    return alike(fact, wanted[0]) if complete else None


def one_of(fact: Any, wanted: list[Any], complete: bool, _as: str, _now: datetime) -> Truth:  # noqa: ANN401
    if isinstance(fact, list | dict):
        return None
    return greatest([*(alike(fact, each) for each in wanted), *([] if complete else [None])])


def texts(fact: Any) -> bool:  # noqa: ANN401
    return isinstance(fact, list) and all(isinstance(each, str) for each in fact)


def contains(fact: Any, wanted: list[Any], complete: bool, _as: str, _now: datetime) -> Truth:  # noqa: ANN401
    return least([*(each in fact for each in wanted), *([] if complete else [None])]) if texts(fact) else None


def excludes(fact: Any, wanted: list[Any], complete: bool, _as: str, _now: datetime) -> Truth:  # noqa: ANN401
    if not texts(fact):
        return None
    return least([*(each not in fact for each in wanted), *([] if complete or not fact else [None])])


def subset_of(fact: Any, wanted: list[Any], complete: bool, _as: str, _now: datetime) -> Truth:  # noqa: ANN401
    if not texts(fact):
        return None
    return least([True if each in wanted else (False if complete else None) for each in fact])


def empty(fact: Any, wanted: list[Any], _complete: bool, _as: str, _now: datetime) -> Truth:  # noqa: ANN401
    return (len(fact) == 0) is wanted[0] if isinstance(fact, list | str) else None


def domain_in(fact: Any, wanted: list[Any], complete: bool, as_: str, _now: datetime) -> Truth:  # noqa: ANN401
    name = domain_of(fact) if isinstance(fact, str) else None
    if name is None:
        return None
    return greatest([*(same_domain(name, each, as_) for each in wanted), *([] if complete else [None])])


def same_domain(name: str, other: Any, as_: str) -> Truth:  # noqa: ANN401
    of = domain_of(other) if isinstance(other, str) else None
    if of is None:
        return None
    if as_ == "subdomain":
        return name.endswith(f".{of}")
    return name == of if as_ == "exact" else registrable(name) == registrable(of)


def since(fact: Any, wanted: list[Any], now: datetime) -> tuple[datetime, datetime] | None:  # noqa: ANN401
    when = moment(fact)
    return None if when is None else (when, now - span(wanted[0]))


def older_than(fact: Any, wanted: list[Any], _complete: bool, _as: str, now: datetime) -> Truth:  # noqa: ANN401
    both = since(fact, wanted, now)
    return None if both is None else both[0] < both[1]


def newer_than(fact: Any, wanted: list[Any], _complete: bool, _as: str, now: datetime) -> Truth:  # noqa: ANN401
    both = since(fact, wanted, now)
    return None if both is None else both[0] > both[1]


def matches(fact: Any, wanted: list[Any], _complete: bool, _as: str, _now: datetime) -> Truth:  # noqa: ANN401
    return bool(re2.search(wanted[0], fact)) if isinstance(fact, str) else None


OPERATIONS: dict[str, Any] = {
    "equals": equals,
    "not_equals": lambda *all_: turned(equals(*all_)),
    "in": one_of,
    "not_in": lambda *all_: turned(one_of(*all_)),
    "contains": contains,
    "excludes": excludes,
    "subset_of": subset_of,
    "null": lambda fact, wanted, *_: (fact is None) is wanted[0],
    "empty": empty,
    "at_least": lambda fact, wanted, *_: fact >= wanted[0] if number(fact) else None,
    "at_most": lambda fact, wanted, *_: fact <= wanted[0] if number(fact) else None,
    "older_than": older_than,
    "newer_than": newer_than,
    "matches": matches,
    "domain_in": domain_in,
    "domain_not_in": lambda *all_: turned(domain_in(*all_)),
}
