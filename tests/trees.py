"""Random conditions, and random facts for them to look at, made of the declared kinds and operators: new ones are in at once."""

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from scanner.conditions import BESIDE, OPERATORS, QUANTIFIERS, RELATIONS
from scanner.kinds import KINDS, Fact, FactType, paths

Strategy = st.SearchStrategy[Any]
Facts = dict[str, Any]

TEXTS = ("", "acme", "acme.example", "Ada@ACME.example", "help.acme.example", "x@other.co.uk", "café.example", "2026-06-01", "1")
DATES = ("2026-06-15", "2026-05-01T10:00:00Z", "2025-01-01T00:00:00+02:00", "once", "9999-12-31")
NUMBERS = (0, 1, 2, 5, 100, 0.5)
SPANS = ("1 d", "90 d", "12 h", "52 w")
PATTERNS = ("acme", "^a", "(?i)ACME$", "[0-9]{4}")
# Kinds with facts of every type, some of which the others are looked for in.
JUDGED = (
    "org.user",
    "org.access_domain",
    "org.api_token",
    "jira.application_role",
    "jira.permission_scheme",
    "org.event",
    "org.group",
)
OTHERS = ("org.user", "org.domain", "jira.group")
IDS = ("a", "b", "c")


def resources(kind: str, *, odd: bool = True) -> Strategy:
    """Return facts of a resource, any of which may be missing, null, or (`odd`) of the wrong type."""
    return _objects(KINDS[kind].facts, odd=odd)


def conditions(kind: str, *, depth: int = 3, others: tuple[str, ...] = OTHERS) -> Strategy:
    """Return conditions on a kind, as they stand in a policy file."""
    return _condition(paths(KINDS[kind]), depth, others)


# ---------------------------------------------------------------------------------------------------------------- private


def _objects(facts: Mapping[str, Fact], *, odd: bool) -> Strategy:
    return st.fixed_dictionaries({}, optional={name: _value(fact, odd=odd) for name, fact in facts.items()})


def _value(fact: Fact, *, odd: bool) -> Strategy:
    right = _right(fact, odd=odd)
    wrong = st.sampled_from([None, None, True, 1, "1", [], ["x", 1], {}, [{}], [None]]) if odd else st.none()
    return st.integers(0, 9).flatmap(lambda chance: wrong if chance == 0 else right)


def _right(fact: Fact, *, odd: bool) -> Strategy:
    match fact.type:
        case FactType.BOOL:
            return st.booleans()
        case FactType.NUMBER:
            return st.sampled_from(NUMBERS)
        case FactType.DATE:
            return st.sampled_from(DATES)
        case FactType.TEXTS:
            return st.lists(st.sampled_from(fact.values or TEXTS), max_size=3)
        case FactType.OBJECT:
            return _objects(fact.items, odd=odd)
        case FactType.OBJECTS:
            return st.lists(_objects(fact.items, odd=odd), max_size=3)
        case _:
            return st.sampled_from(fact.values or TEXTS)


def _condition(facts: Mapping[str, Fact], depth: int, others: tuple[str, ...]) -> Strategy:
    leaves = [_test(facts), _count_of_list(facts, depth, others)]
    if others:
        leaves += [
            _related(facts, depth, others),
            _count_of_kind(facts, depth, others),
            st.builds(_readable, st.sampled_from(others)),
        ]
    if not depth:
        return _test(facts)
    inner = st.deferred(lambda: _condition(facts, depth - 1, others))
    several = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        *leaves,
        _each(facts, depth, others),
        st.builds(lambda parts: {"all": parts}, several),
        st.builds(lambda parts: {"any": parts}, several),
        st.builds(lambda part: {"not": part}, inner),
    )


def _readable(kind: str) -> Facts:
    return {"readable": kind}


def _test(facts: Mapping[str, Fact]) -> Strategy:
    fitting = [(path, word) for path, fact in facts.items() for word, each in OPERATORS.items() if fact.type in each.fact_types]
    return st.sampled_from(fitting).flatmap(lambda both: _operator_test(facts, *both))


def _operator_test(facts: Mapping[str, Fact], path: str, word: str) -> Strategy:
    fact = facts[path]
    parts: dict[str, Strategy] = {"path": st.just(path), word: _wanted(OPERATORS[word].takes, fact)}
    optional: dict[str, Strategy] = {}
    if word.startswith("domain_"):
        optional["as"] = st.sampled_from(sorted(RELATIONS))
    of_one_type = st.sampled_from([name for name, each in facts.items() if each.type is fact.type])
    if word in BESIDE["of"]:
        parts["of"] = of_one_type
    if word in BESIDE["percent_of"]:
        optional["percent_of"] = of_one_type
    return st.fixed_dictionaries(parts, optional=optional)


def _wanted(takes: str, fact: Fact) -> Strategy:
    match takes:
        case "bool":
            return st.booleans()
        case "number":
            return st.sampled_from(NUMBERS)
        case "duration":
            return st.sampled_from(SPANS)
        case "pattern":
            return st.sampled_from(PATTERNS)
        case "list":
            plain = st.sampled_from(NUMBERS if fact.type is FactType.NUMBER else fact.values or TEXTS)
            return st.lists(st.one_of(plain, _reference()), max_size=3)
        case _:
            return st.one_of(st.none(), _right(fact, odd=False))


def _reference() -> Strategy:
    plain = [
        (kind, path)
        for kind in OTHERS
        for path, fact in paths(KINDS[kind]).items()
        if fact.type not in (FactType.OBJECT, FactType.OBJECTS)
    ]
    return st.sampled_from(plain).flatmap(
        lambda both: st.fixed_dictionaries(
            {"facts": st.just(both[0]), "path": st.just(both[1])}, optional={"where": _condition(paths(KINDS[both[0]]), 1, ())}
        )
    )


def _each(facts: Mapping[str, Fact], depth: int, others: tuple[str, ...]) -> Strategy:
    lists = [path for path, fact in facts.items() if fact.type is FactType.OBJECTS]
    if not lists:
        return _test(facts)
    return st.tuples(st.sampled_from(lists), st.sampled_from(QUANTIFIERS)).flatmap(
        lambda both: st.fixed_dictionaries({"path": st.just(both[0]), both[1]: _condition(facts[both[0]].items, depth - 1, others)})
    )


def _bounds() -> Strategy:
    return st.one_of(
        st.fixed_dictionaries({"at_least": st.integers(0, 3)}, optional={"at_most": st.integers(0, 3)}),
        st.fixed_dictionaries({"at_most": st.integers(0, 3)}),
    )


def _count_of_list(facts: Mapping[str, Fact], depth: int, others: tuple[str, ...]) -> Strategy:
    lists = [path for path, fact in facts.items() if fact.type in (FactType.OBJECTS, FactType.TEXTS)]
    if not lists:
        return _test(facts)

    def counted(path: str) -> Strategy:
        items = facts[path].items
        optional = {"where": _condition(items, depth - 1, others)} if items and depth else {}
        return st.fixed_dictionaries({"path": st.just(path)}, optional=optional)

    return st.builds(lambda count, bounds: {"count": count} | bounds, st.sampled_from(lists).flatmap(counted), _bounds())


def _count_of_kind(facts: Mapping[str, Fact], depth: int, others: tuple[str, ...]) -> Strategy:
    def counted(kind: str) -> Strategy:
        where = _condition(paths(KINDS[kind]), max(depth - 1, 0), ())
        return st.fixed_dictionaries({"facts": st.just(kind)}, optional={"where": where, "match": _match(facts, kind)})

    return st.builds(lambda count, bounds: {"count": count} | bounds, st.sampled_from(others).flatmap(counted), _bounds())


def _related(facts: Mapping[str, Fact], depth: int, others: tuple[str, ...]) -> Strategy:
    def relation(both: tuple[str, str]) -> Strategy:
        kind, quantifier = both
        part = _condition(paths(KINDS[kind]), max(depth - 1, 0), others if depth > 1 else ())
        return st.fixed_dictionaries({"facts": st.just(kind), quantifier: part}, optional={"match": _match(facts, kind)})

    return st.tuples(st.sampled_from(others), st.sampled_from(QUANTIFIERS)).flatmap(relation)


def _match(facts: Mapping[str, Fact], kind: str) -> Strategy:
    """Pair ids, which all resources have."""
    ours = [path for path, fact in facts.items() if path == "id" or (path in ("site", "local_id") and fact.type is FactType.TEXT)]
    theirs = [path for path in paths(KINDS[kind]) if path in ("id", "site", "local_id")]
    return st.dictionaries(st.sampled_from(theirs), st.sampled_from(ours), max_size=2) if ours else st.just({})
