"""The condition language of policies: small, declarative, three-valued.

`parse` turns the plain values of a policy file into a tree and refuses what it does not know, with file and line. `bind` ties that
tree to parameters and to the resources it refers to. A bound condition tells the `truth` about a resource (True, False, or None for
unknown: Kleene's logic) and names the `clauses` that decided it. Nothing here runs code, reads a file or looks at the clock.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from scanner import kinds
from scanner.domains import domain_of, is_subdomain
from scanner.errors import did_you_mean
from scanner.kinds import KINDS, Fact, FactType, Kind, fits

if TYPE_CHECKING:
    from scanner.documents import Document, Path_

Truth = bool | None
Item = Mapping[str, Any]
MAX_LIST = 10_000


class Clause(msgspec.Struct, frozen=True, kw_only=True):
    """One test that decided a verdict: what was looked at, what was seen, what was wanted, and why it could not be told."""

    path: str
    actual: Any
    known: bool
    wanted: str
    address: str | None = None
    why: str | None = None


class _Missing:
    """The value at a path that leads nowhere."""


MISSING = _Missing()


# --------------------------------------------------------------------------------------------------------------- the tree


@dataclass(frozen=True, slots=True)
class Reference:
    """Values taken from the facts of other resources."""

    kind: str
    path: str
    where: "Condition | None" = None


@dataclass(frozen=True, slots=True)
class Param:
    """A value taken from a parameter of the policy."""

    name: str


@dataclass(frozen=True, slots=True)
class Constant:
    """A value written in the policy."""

    value: Any


Value = Reference | Param | Constant


@dataclass(frozen=True, slots=True)
class AllOf:
    """True when every part is."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """True when some part is."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class FirstKnown:
    """As true as the first part that is known. Only a severity may depend on it: knowing more can turn it round."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """True when its part is false."""

    part: "Condition"


@dataclass(frozen=True, slots=True)
class Test:
    """One operator applied to the fact at a path."""

    __test__ = False  # not a test of pytest's

    path: str
    operator: str
    values: tuple[Value, ...]
    relation: str = "exact"


@dataclass(frozen=True, slots=True)
class Each:
    """A quantifier (`some`, `every`, `none`) over the objects of a list."""

    path: str
    quantifier: str
    part: "Condition"
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Related:
    """A quantifier over the resources of another kind; `match` pairs a path of theirs with one of ours."""

    kind: str
    match: tuple[tuple[str, str], ...]
    quantifier: str
    part: "Condition"


@dataclass(frozen=True, slots=True)
class Count:
    """A bound on how many objects of a list, or resources of another kind, meet a condition."""

    path: str | None
    kind: str | None
    where: "Condition | None"
    at_least: int | None
    at_most: int | None


Condition = AllOf | AnyOf | FirstKnown | Not | Test | Each | Related | Count


def referred_kinds(condition: Condition | None) -> frozenset[str]:
    """Return the other kinds whose resources a condition needs."""
    match condition:
        case None:
            return frozenset()
        case AllOf(parts) | AnyOf(parts) | FirstKnown(parts):
            return frozenset().union(*map(referred_kinds, parts))
        case Not(part) | Each(part=part):
            return referred_kinds(part)
        case Test(values=values):
            references = [value for value in values if isinstance(value, Reference)]
            return frozenset().union(*({value.kind} | referred_kinds(value.where) for value in references))
        case Related(kind=kind, part=part):
            return frozenset({kind}) | referred_kinds(part)
        case Count(kind=kind, where=where):
            return (frozenset({kind}) if kind else frozenset()) | referred_kinds(where)


def facts_read(condition: Condition | None, kind: str) -> frozenset[tuple[str, str]]:
    """Return the facts that a condition on resources of a kind looks at, as (kind, fact); what is only counted has no fact."""
    match condition:
        case None:
            return frozenset()
        case AllOf(parts) | AnyOf(parts) | FirstKnown(parts):
            return frozenset().union(*(facts_read(part, kind) for part in parts))
        case Not(part):
            return facts_read(part, kind)
        case Test(path, values=values):
            references = [value for value in values if isinstance(value, Reference)]
            theirs = ({(each.kind, each.path)} | facts_read(each.where, each.kind) for each in references)
            return frozenset({(kind, path)}).union(*theirs)
        case Each(path):
            return frozenset({(kind, path)})
        case Related(other, match, _, part):
            return facts_read(part, other).union({(other, path) for path, _ in match}, {(kind, path) for _, path in match})
        case Count(path, other, where):
            return frozenset({(kind, path)}) if path else facts_read(where, other or kind) | {(other or kind, "")}


# -------------------------------------------------------------------------------------------------------------- operators


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a fact is held against: the values known, and whether these are all there are."""

    values: tuple[Any, ...]
    complete: bool = True
    why: str | None = None


TestFunction = Callable[[Any], Truth]


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator: how it reads in a sentence, what may stand behind it, and what it does (its docstring is its manual)."""

    phrase: str
    takes: str
    fact_types: tuple[FactType, ...]
    bind: Callable[[Wanted, str, datetime], TestFunction]


def _equals(wanted: Wanted, _relation: str, _as_of: datetime) -> TestFunction:
    """The fact is this value. Equality is strict: `true` is not `1`, and a fact of another type is unknown."""
    if not wanted.complete:
        return _unknown
    return lambda fact: _same(fact, wanted.values[0])


def _not_equals(wanted: Wanted, relation: str, as_of: datetime) -> TestFunction:
    """The fact is known and is not this value."""
    return _negated(_equals(wanted, relation, as_of))


def _in(wanted: Wanted, _relation: str, _as_of: datetime) -> TestFunction:
    """The fact is one of these values."""
    return lambda fact: _any((_same(fact, value) for value in wanted.values), complete=wanted.complete)


def _not_in(wanted: Wanted, relation: str, as_of: datetime) -> TestFunction:
    """The fact is known and is none of these values."""
    return _negated(_in(wanted, relation, as_of))


def _contains(wanted: Wanted, _relation: str, _as_of: datetime) -> TestFunction:
    """The list holds every one of these values."""

    def test(fact: Any) -> Truth:  # noqa: ANN401
        if not isinstance(fact, list):
            return None
        if not all(value in fact for value in wanted.values):
            return False
        return True if wanted.complete else None

    return test


def _excludes(wanted: Wanted, _relation: str, _as_of: datetime) -> TestFunction:
    """The list holds none of these values."""

    def test(fact: Any) -> Truth:  # noqa: ANN401
        if not isinstance(fact, list):
            return None
        if any(value in fact for value in wanted.values):
            return False
        return True if wanted.complete or not fact else None

    return test


def _null(wanted: Wanted, _relation: str, _as_of: datetime) -> TestFunction:
    """The fact is known to be null (`true`) or known not to be (`false`). A missing fact is neither."""
    return lambda fact: (fact is None) is wanted.values[0]


def _empty(wanted: Wanted, _relation: str, _as_of: datetime) -> TestFunction:
    """The list or text is empty (`true`) or not (`false`)."""
    return lambda fact: (len(fact) == 0) is wanted.values[0] if isinstance(fact, list | str) else None


def _at_least(wanted: Wanted, _relation: str, _as_of: datetime) -> TestFunction:
    """The number is this or more."""
    return _unknown if not wanted.complete else lambda fact: fact >= wanted.values[0] if _is_number(fact) else None


def _at_most(wanted: Wanted, _relation: str, _as_of: datetime) -> TestFunction:
    """The number is this or less."""
    return _unknown if not wanted.complete else lambda fact: fact <= wanted.values[0] if _is_number(fact) else None


def _older_than(wanted: Wanted, _relation: str, as_of: datetime) -> TestFunction:
    """The date lies further back than this (`90 d`, `12 h`), counted from the moment of the snapshot."""
    if not wanted.complete:
        return _unknown
    limit = as_of - parse_duration(wanted.values[0])

    def test(fact: Any) -> Truth:  # noqa: ANN401
        moment = parse_time(fact)
        return None if moment is None else moment < limit

    return test


def _newer_than(wanted: Wanted, _relation: str, as_of: datetime) -> TestFunction:
    """The date lies less far back than this, counted from the moment of the snapshot; a date to come is newer than any."""
    if not wanted.complete:
        return _unknown
    limit = as_of - parse_duration(wanted.values[0])

    def test(fact: Any) -> Truth:  # noqa: ANN401
        moment = parse_time(fact)
        return None if moment is None else moment > limit

    return test


def _domain_in(wanted: Wanted, relation: str, _as_of: datetime) -> TestFunction:
    """The host, or the domain of the e-mail address, is one of these (`as: exact`) or lies properly below one (`as: subdomain`)."""
    known = {name for value in wanted.values if (name := domain_of(value)) is not None}
    readable = None not in map(domain_of, wanted.values)

    def test(fact: Any) -> Truth:  # noqa: ANN401
        name = domain_of(fact) if isinstance(fact, str) else None
        if name is None:
            return None
        found = name in known if relation == "exact" else any(is_subdomain(name, other) for other in known)
        return True if found else _false_if(complete=wanted.complete and readable)

    return test


def _domain_not_in(wanted: Wanted, relation: str, as_of: datetime) -> TestFunction:
    """The host name, or the domain of the e-mail address, is known and is none of these (nor below one, `as: subdomain`)."""
    return _negated(_domain_in(wanted, relation, as_of))


_ANY_TYPE = tuple(FactType)
_TEXT = (FactType.TEXT,)
_NUMBER = (FactType.NUMBER,)
_DATE = (FactType.DATE,)
_LIST = (FactType.TEXTS,)

OPERATORS: dict[str, Operator] = {
    "equals": Operator("{}", "scalar", (FactType.TEXT, FactType.NUMBER, FactType.BOOL, FactType.DATE), _equals),
    "not_equals": Operator(
        "anything but {}", "scalar", (FactType.TEXT, FactType.NUMBER, FactType.BOOL, FactType.DATE), _not_equals
    ),
    "in": Operator("one of {}", "list", (FactType.TEXT, FactType.NUMBER), _in),
    "not_in": Operator("none of {}", "list", (FactType.TEXT, FactType.NUMBER), _not_in),
    "contains": Operator("a list with {}", "list", _LIST, _contains),
    "excludes": Operator("a list without {}", "list", _LIST, _excludes),
    "null": Operator("null: {}", "bool", _ANY_TYPE, _null),
    "empty": Operator("empty: {}", "bool", (FactType.TEXT, FactType.TEXTS, FactType.OBJECTS), _empty),
    "at_least": Operator("at least {}", "number", _NUMBER, _at_least),
    "at_most": Operator("at most {}", "number", _NUMBER, _at_most),
    "older_than": Operator("more than {} ago", "duration", _DATE, _older_than),
    "newer_than": Operator("less than {} ago", "duration", _DATE, _newer_than),
    "domain_in": Operator("a domain {}", "list", _TEXT, _domain_in),
    "domain_not_in": Operator("no domain {}", "list", _TEXT, _domain_not_in),
}

# What an operator takes -> the types of parameters that may stand for it.
PARAM_TYPES = {
    "scalar": ("text", "number"),
    "list": ("text", "number", "list"),
    "bool": (),
    "number": ("number",),
    "duration": ("duration",),
}
QUANTIFIERS = ("some", "every", "none")
# Relation of two domains -> how it reads.
RELATIONS = {"exact": "among ", "subdomain": "below "}


def parse_duration(text: str) -> timedelta:
    """Turn `90 d`, `12 h` or `2 w` into a time span. Raises ValueError."""
    number, unit = text.strip()[:-1].strip(), text.strip()[-1:]
    spans = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
    if unit not in spans or not number.isdecimal() or len(number) > len("100000"):
        raise ValueError(text)
    return int(number) * spans[unit]


def parse_time(value: object) -> datetime | None:
    """Turn an ISO date or time into a moment (UTC where it names no zone), or None."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _unknown(_fact: Any) -> Truth:  # noqa: ANN401
    return None


def _negated(test: TestFunction) -> TestFunction:
    return lambda fact: _flip(test(fact))


def _flip(truth: Truth) -> Truth:
    return None if truth is None else not truth


def _false_if(*, complete: bool) -> Truth:
    return False if complete else None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _same(fact: Any, value: Any) -> Truth:  # noqa: ANN401
    if fact is None or value is None:
        return fact is value
    if _type_of(fact) is not _type_of(value):
        return None
    return bool(fact == value)


def _type_of(value: object) -> type:
    return float if _is_number(value) else type(value)


def _any(truths: Iterator[Truth], *, complete: bool = True) -> Truth:
    unknown = not complete
    for truth in truths:
        if truth:
            return True
        unknown = unknown or truth is None
    return None if unknown else False


def _all(truths: Iterator[Truth], *, complete: bool = True) -> Truth:
    return _flip(_any(map(_flip, truths), complete=complete))


# ---------------------------------------------------------------------------------------------------------------- parsing


def parse(value: Any, document: "Document", path: "Path_", kind: str, params: Mapping[str, str]) -> Condition:  # noqa: ANN401
    """Turn the condition at `path` of a policy file into a tree; `params` are the policy's parameters with their types.

    Raises:
        InputError: A key, operator, fact, kind or parameter is not known, or a value is not what its operator takes.
    """
    return _Parser(document, params).condition(value, path, _Facts(kinds.paths(KINDS[kind]), kind))


@dataclass(frozen=True, slots=True)
class _Facts:
    """The facts that a path may lead to, at one depth of a condition."""

    facts: Mapping[str, Fact]
    of: str


@dataclass(frozen=True, slots=True)
class _Parser:
    document: "Document"
    params: Mapping[str, str]

    def condition(self, value: Any, path: "Path_", facts: _Facts) -> Condition:  # noqa: ANN401
        if not isinstance(value, dict) or not value:
            raise self.document.error("a condition is a map", path, hint="for example {path: enabled, equals: false}")
        match value:
            case {"all": parts}:
                self._only(value, path, "all")
                return AllOf(self._parts(parts, (*path, "all"), facts))
            case {"any": parts}:
                self._only(value, path, "any")
                return AnyOf(self._parts(parts, (*path, "any"), facts))
            case {"first_known": parts}:
                self._only(value, path, "first_known")
                if path[:1] != ("severity",):
                    hint = "a verdict must not turn round when more is known"
                    raise self.document.error("`first_known` belongs to a severity's `when` only", path, hint=hint)
                return FirstKnown(self._parts(parts, (*path, "first_known"), facts))
            case {"not": part}:
                self._only(value, path, "not")
                return Not(self.condition(part, (*path, "not"), facts))
            case {"count": counted}:
                return self._count(value, counted, path, facts)
            case {"facts": _}:
                return self._related(value, path, facts)
            case {"path": _}:
                return self._test(value, path, facts)
            case _:
                unknown = next(iter(value))
                known = ("all", "any", "not", "path", "facts", "count")
                raise self.document.error(
                    f"unknown key {unknown!r} in a condition", (*path, unknown), hint=did_you_mean(unknown, known)
                )

    def _parts(self, values: Any, path: "Path_", facts: _Facts) -> tuple[Condition, ...]:  # noqa: ANN401
        if not isinstance(values, list) or not values:
            raise self.document.error("wants a list of conditions, one at least", path)
        return tuple(self.condition(value, (*path, index), facts) for index, value in enumerate(values))

    def _test(self, value: dict[str, Any], path: "Path_", facts: _Facts) -> Condition:
        words = [key for key in value if key not in ("path", "as")]
        known = (*OPERATORS, *QUANTIFIERS)
        if len(words) != 1 or words[0] not in known:
            unknown = next((word for word in words if word not in known), None)
            problem = f"unknown operator {unknown!r}" if unknown else "wants exactly one operator beside `path`"
            raise self.document.error(problem, path, hint=did_you_mean(unknown, known) if unknown else f"known: {', '.join(known)}")
        word = words[0]
        fact = self._fact(value["path"], (*path, "path"), facts)
        if word in QUANTIFIERS:
            self._only(value, path, "path", word)
            if fact.type is not FactType.OBJECTS:
                raise self.document.error(f"`{word}` wants a list of objects; {value['path']} is {fact.type}", path)
            inner = _Facts(fact.items, f"{facts.of} {value['path']}")
            return Each(value["path"], word, self.condition(value[word], (*path, word), inner), fact.key)
        return self._operator_test(value, word, fact, path)

    def _operator_test(self, value: dict[str, Any], word: str, fact: Fact, path: "Path_") -> Test:
        operator = OPERATORS[word]
        if fact.type not in operator.fact_types:
            raise self.document.error(f"`{word}` does not fit {value['path']}, which is {fact.type}", path)
        relation = value.get("as", "exact")
        if "as" in value and not word.startswith("domain_"):
            raise self.document.error(
                f"`as` does not go with `{word}`", (*path, "as"), hint="it belongs to domain_in and domain_not_in"
            )
        if relation not in RELATIONS:
            raise self.document.error(f"unknown relation {relation!r}", (*path, "as"), hint=did_you_mean(str(relation), RELATIONS))
        return Test(value["path"], word, self._values(value[word], (*path, word), operator, fact), relation)

    def _values(self, value: Any, path: "Path_", operator: Operator, fact: Fact) -> tuple[Value, ...]:  # noqa: ANN401
        if operator.takes != "list":
            return (self._value(value, path, operator, fact),)
        items = value if isinstance(value, list) else [value]
        if not isinstance(value, list | dict):
            raise self.document.error("wants a list", path, hint=f"[{value}]")
        if len(items) > MAX_LIST:
            raise self.document.error(f"more than {MAX_LIST} values", path)
        return tuple(self._value(item, (*path, index), operator, fact) for index, item in enumerate(items))

    def _value(self, value: Any, path: "Path_", operator: Operator, fact: Fact) -> Value:  # noqa: ANN401
        match value:
            case {"param": name}:
                self._only(value, path, "param")
                self._check_param(name, path, operator)
                return Param(name)
            case {"facts": kind_name, "path": their_path} if operator.takes == "list":
                self._only(value, path, "facts", "path", "where")
                kind = self._kind(kind_name, path)
                theirs = _Facts(kinds.paths(kind), kind.name)
                self._fact(their_path, (*path, "path"), theirs)
                where = value.get("where")
                return Reference(kind.name, their_path, None if where is None else self.condition(where, (*path, "where"), theirs))
            case dict() | list():
                raise self.document.error("not a value that this operator takes", path, hint="a plain value or {param: name}")
        self._check_constant(value, path, operator, fact)
        return Constant(value)

    def _check_param(self, name: Any, path: "Path_", operator: Operator) -> None:  # noqa: ANN401
        if not isinstance(name, str) or name not in self.params:
            raise self.document.error(f"unknown parameter {name!r}", path, hint=did_you_mean(str(name), self.params))
        if self.params[name] not in PARAM_TYPES[operator.takes]:
            raise self.document.error(f"the parameter {name} is a {self.params[name]}, which does not fit here", path)

    def _check_constant(self, value: Any, path: "Path_", operator: Operator, fact: Fact) -> None:  # noqa: ANN401
        found = msgspec.json.encode(value).decode()
        match operator.takes:
            case "bool" if not isinstance(value, bool):
                raise self.document.error(f"{found} is not true or false", path)
            case "number" if not _is_number(value):
                raise self.document.error(f"{found} is not a number", path)
            case "duration":
                try:
                    parse_duration(value)
                except (ValueError, TypeError, AttributeError):
                    raise self.document.error(f"{found} is not a time span", path, hint="for example 90 d, 12 h, 2 w") from None
            case "scalar" | "list" if fact.type is not FactType.TEXTS and not fits(value, fact):
                choices = f"one of {', '.join(fact.values)}" if fact.values else fact.type
                raise self.document.error(
                    f"{found} can never be: the fact is {choices}", path, hint=did_you_mean(str(value), fact.values)
                )

    def _related(self, value: dict[str, Any], path: "Path_", facts: _Facts) -> Related:
        kind = self._kind(value["facts"], path)
        words = [word for word in QUANTIFIERS if word in value]
        if len(words) != 1:
            raise self.document.error("wants exactly one of some, every, none beside `facts`", path)
        self._only(value, path, "facts", "match", words[0])
        theirs = _Facts(kinds.paths(kind), kind.name)
        pairs = value.get("match", {})
        if not isinstance(pairs, dict):
            raise self.document.error("wants a map of their path to ours", (*path, "match"), hint="{id: site}")
        for their_path, our_path in pairs.items():
            self._fact(their_path, (*path, "match", their_path), theirs)
            self._fact(our_path, (*path, "match", their_path), facts)
        part = self.condition(value[words[0]], (*path, words[0]), theirs)
        return Related(kind.name, tuple(pairs.items()), words[0], part)

    def _count(self, value: dict[str, Any], counted: Any, path: "Path_", facts: _Facts) -> Count:  # noqa: ANN401
        self._only(value, path, "count", "at_least", "at_most")
        bounds = {word: value[word] for word in ("at_least", "at_most") if word in value}
        if not bounds or not all(isinstance(bound, int) and not isinstance(bound, bool) for bound in bounds.values()):
            raise self.document.error("wants at_least or at_most with a whole number beside `count`", path)
        if not isinstance(counted, dict) or ("path" in counted) == ("facts" in counted):
            raise self.document.error("counts `path` (a list of objects) or `facts` (a kind)", (*path, "count"))
        self._only(counted, (*path, "count"), "path", "facts", "where")
        if "facts" in counted:
            kind = self._kind(counted["facts"], (*path, "count"))
            inner = _Facts(kinds.paths(kind), kind.name)
        else:
            fact = self._fact(counted["path"], (*path, "count", "path"), facts)
            inner = _Facts(fact.items, f"{facts.of} {counted['path']}")
        where = self.condition(counted["where"], (*path, "count", "where"), inner) if "where" in counted else None
        return Count(counted.get("path"), counted.get("facts"), where, bounds.get("at_least"), bounds.get("at_most"))

    def _kind(self, name: Any, path: "Path_") -> Kind:  # noqa: ANN401
        if not isinstance(name, str) or name not in KINDS:
            raise self.document.error(f"unknown kind {name!r}", path, hint=did_you_mean(str(name), KINDS))
        return KINDS[name]

    def _fact(self, fact_path: Any, path: "Path_", facts: _Facts) -> Fact:  # noqa: ANN401
        fact = facts.facts.get(fact_path) if isinstance(fact_path, str) else None
        if fact is None:
            raise self.document.error(f"{facts.of} has no fact {fact_path!r}", path, hint=did_you_mean(str(fact_path), facts.facts))
        return fact

    def _only(self, value: dict[str, Any], path: "Path_", *known: str) -> None:
        if unknown := [key for key in value if key not in known]:
            raise self.document.error(f"unknown key {unknown[0]!r}", (*path, unknown[0]), hint=did_you_mean(unknown[0], known))


# ---------------------------------------------------------------------------------------------------------------- binding


@dataclass(frozen=True, slots=True)
class Missing:
    """Something of a kind that could not be read: why, and what is known of it (its id, site, project)."""

    why: str
    values: Mapping[str, str] = field(default_factory=dict)

    def could_have(self, pairs: Iterable[tuple[str, Any]]) -> bool:
        """Tell whether it could have these values, as far as anybody knows."""
        return all(path not in self.values or self.values[path] == value for path, value in pairs)


@dataclass(frozen=True, slots=True)
class Gathered:
    """The resources of one kind that conditions refer to, and what of it is missing."""

    items: tuple[Item, ...] = ()
    missing: tuple[Missing, ...] = ()

    def why_incomplete(self, pairs: Iterable[tuple[str, Any]] = ()) -> str | None:
        """Say why these may not be all of those with these values, or None if nothing that is missing could be one of them."""
        wanted = list(pairs)
        return next((each.why for each in self.missing if each.could_have(wanted)), None)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a condition may look at besides the resource: parameters, other resources, and the snapshot's own time."""

    as_of: datetime
    params: Mapping[str, Any] = field(default_factory=dict)
    gathered: Mapping[str, Gathered] = field(default_factory=dict)


class Bound(Protocol):
    """A condition ready to judge."""

    def truth(self, item: Item) -> Truth:
        """Tell whether the condition holds; None is unknown."""

    def clauses(self, item: Item) -> Iterator[Clause]:
        """Name the tests that make the truth what it is."""


def bind(condition: Condition, around: Surroundings) -> Bound:
    """Tie a condition to what it looks at."""
    match condition:
        case AllOf(parts):
            return _BoundAll(tuple(bind(part, around) for part in parts))
        case FirstKnown(parts):
            return _BoundFirstKnown(tuple(bind(part, around) for part in parts))
        case AnyOf(parts):
            return _BoundAny(tuple(bind(part, around) for part in parts))
        case Not(part):
            return _BoundNot(bind(part, around))
        case Test():
            return _bound_test(condition, around)
        case Each(path, quantifier, part, key):
            return _BoundEach(path, quantifier, bind(part, around), key)
        case Related(kind, match, quantifier, part):
            return _BoundRelated(kind, match, quantifier, bind(part, around), around.gathered.get(kind, _NOT_GATHERED))
        case Count():
            where = bind(condition.where, around) if condition.where else None
            return _BoundCount(condition, where, around.gathered.get(condition.kind or "", _NOT_GATHERED))


_NOT_GATHERED = Gathered((), (Missing("nothing of this kind was collected"),))


def value_at(item: Item, path: str) -> Any:  # noqa: ANN401
    """Return the value at a dotted path, or MISSING."""
    value: Any = item
    for step in path.split("."):
        if not isinstance(value, Mapping) or step not in value:
            return MISSING
        value = value[step]
    return value


@dataclass(frozen=True, slots=True)
class _BoundAll:
    parts: tuple[Bound, ...]

    def truth(self, item: Item) -> Truth:
        return _all(part.truth(item) for part in self.parts)

    def clauses(self, item: Item) -> Iterator[Clause]:
        return _deciding(self.parts, self.truth(item), item)


@dataclass(frozen=True, slots=True)
class _BoundAny:
    parts: tuple[Bound, ...]

    def truth(self, item: Item) -> Truth:
        return _any(part.truth(item) for part in self.parts)

    def clauses(self, item: Item) -> Iterator[Clause]:
        return _deciding(self.parts, self.truth(item), item)


@dataclass(frozen=True, slots=True)
class _BoundFirstKnown:
    parts: tuple[Bound, ...]

    def truth(self, item: Item) -> Truth:
        return next((truth for part in self.parts if (truth := part.truth(item)) is not None), None)

    def clauses(self, item: Item) -> Iterator[Clause]:
        known = next((part for part in self.parts if part.truth(item) is not None), None)
        return known.clauses(item) if known else _deciding(self.parts, None, item)


@dataclass(frozen=True, slots=True)
class _BoundNot:
    part: Bound

    def truth(self, item: Item) -> Truth:
        return _flip(self.part.truth(item))

    def clauses(self, item: Item) -> Iterator[Clause]:
        for clause in self.part.clauses(item):
            yield msgspec.structs.replace(clause, wanted=_negated_phrase(clause.wanted))


@dataclass(frozen=True, slots=True)
class _BoundTest:
    path: str
    test: TestFunction
    wanted: str
    why: str | None

    def truth(self, item: Item) -> Truth:
        fact = value_at(item, self.path)
        return None if fact is MISSING else self.test(fact)

    def clauses(self, item: Item) -> Iterator[Clause]:
        fact = value_at(item, self.path)
        known = fact is not MISSING
        why = (
            None
            if self.truth(item) is not None
            else f"{self.path} is not known"
            if not known
            else self.why or "it is not of the right type"
        )
        yield Clause(path=self.path, actual=fact if known else None, known=known, wanted=self.wanted, why=why)


@dataclass(frozen=True, slots=True)
class _BoundEach:
    path: str
    quantifier: str
    part: Bound
    key: str | None

    def truth(self, item: Item) -> Truth:
        objects = value_at(item, self.path)
        if not isinstance(objects, list):
            return None
        return _quantified(self.quantifier, (self.part.truth(each) for each in objects))

    def clauses(self, item: Item) -> Iterator[Clause]:
        objects = value_at(item, self.path)
        if not isinstance(objects, list):
            yield Clause(path=self.path, actual=None, known=False, wanted="a list", why=f"{self.path} is not known")
            return
        if not objects:
            yield Clause(path=self.path, actual=[], known=True, wanted=f"{self.quantifier} of them to meet a condition")
        for index, each in _deciding_items(self.quantifier, self.truth(item), objects, self.part):
            for clause in self.part.clauses(each):
                wanted = _negated_phrase(clause.wanted) if self.quantifier == "none" else clause.wanted
                label = each.get(self.key, index) if self.key else index
                yield msgspec.structs.replace(clause, path=f"{self.path}[{label}].{clause.path}", wanted=wanted)


@dataclass(frozen=True, slots=True)
class _BoundRelated:
    kind: str
    match: tuple[tuple[str, str], ...]
    quantifier: str
    part: Bound
    gathered: Gathered

    def truth(self, item: Item) -> Truth:
        pairs = self._pairs(item)
        if pairs is None:
            return None
        whole = self.gathered.why_incomplete(pairs) is None
        return _quantified(self.quantifier, map(self.part.truth, self._matching(pairs)), complete=whole)

    def clauses(self, item: Item) -> Iterator[Clause]:
        pairs = self._pairs(item) or []
        others = self._matching(pairs) if pairs or not self.match else []
        truth, why = self.truth(item), self.gathered.why_incomplete(pairs)
        for _, other in _deciding_items(self.quantifier, truth, others, self.part):
            for clause in self.part.clauses(other):
                wanted = _negated_phrase(clause.wanted) if self.quantifier == "none" else clause.wanted
                yield msgspec.structs.replace(clause, address=clause.address or f"{self.kind}/{other['id']}", wanted=wanted)
        if truth is None and why:
            yield Clause(path=self.kind, actual=None, known=False, wanted="known", why=why)
        elif not others:
            yield Clause(path=self.kind, actual=0, known=True, wanted=f"{self.quantifier} of them to meet a condition")

    def _pairs(self, item: Item) -> list[tuple[str, Any]] | None:
        """Return what a related resource must have, or None where that is not known."""
        pairs = [(their_path, value_at(item, our_path)) for their_path, our_path in self.match]
        return None if any(ours is MISSING for _, ours in pairs) else pairs

    def _matching(self, pairs: list[tuple[str, Any]]) -> list[Item]:
        return [other for other in self.gathered.items if all(_same(value_at(other, theirs), ours) for theirs, ours in pairs)]


@dataclass(frozen=True, slots=True)
class _BoundCount:
    count: Count
    where: Bound | None
    gathered: Gathered

    def truth(self, item: Item) -> Truth:
        numbers = self._numbers(item)
        if numbers is None:
            return None
        certain, possible = numbers
        return _all(
            iter(
                (
                    _within(self.count.at_least, certain, possible, floor=True),
                    _within(self.count.at_most, certain, possible, floor=False),
                )
            )
        )

    def clauses(self, item: Item) -> Iterator[Clause]:
        bounds = (("at least", self.count.at_least), ("at most", self.count.at_most))
        wanted = " and ".join(f"{word} {bound}" for word, bound in bounds if bound is not None)
        numbers = self._numbers(item)
        why = None if self.truth(item) is not None else self.gathered.why_incomplete() or "some could not be told"
        path = f"count of {self.count.kind or self.count.path}"
        yield Clause(path=path, actual=numbers[0] if numbers else None, known=numbers is not None, wanted=wanted, why=why)

    def _numbers(self, item: Item) -> tuple[int, float] | None:
        """Return how many there are for certain, and how many there may be."""
        things = self.gathered.items if self.count.kind else value_at(item, self.count.path or "")
        if not isinstance(things, list | tuple):
            return None
        truths = [True if self.where is None else self.where.truth(thing) for thing in things]
        certain = truths.count(True)
        whole = not self.count.kind or self.gathered.why_incomplete() is None
        return certain, certain + truths.count(None) if whole else float("inf")


def _bound_test(test: Test, around: Surroundings) -> _BoundTest:
    operator = OPERATORS[test.operator]
    wanted = _wanted(test.values, around)
    if operator.takes == "list":
        values = list(dict.fromkeys(map(shown, wanted.values)))
        listed = ", ".join(values[:5]) + (", …" if len(values) > 5 else "")  # noqa: PLR2004  a sentence's worth
    else:
        listed = shown(wanted.values[0]) if wanted.values else "?"
    relation = RELATIONS[test.relation] if test.operator.startswith("domain_") else ""
    phrase = operator.phrase.format(relation + (listed or "(none)"))
    return _BoundTest(test.path, operator.bind(wanted, test.relation, around.as_of), phrase, wanted.why)


def _wanted(values: tuple[Value, ...], around: Surroundings) -> Wanted:
    parts = [_resolved(value, around) for value in values]
    whys = [part.why for part in parts if part.why]
    return Wanted(
        tuple(value for part in parts for value in part.values), all(part.complete for part in parts), whys[0] if whys else None
    )


def _resolved(value: Value, around: Surroundings) -> Wanted:
    match value:
        case Constant(constant):
            return Wanted((constant,))
        case Param(name):
            setting = around.params.get(name)
            if setting is None:
                return Wanted((), complete=False, why=f"{name} is not configured (set it in atlascan.yaml)")
            return Wanted(tuple(setting)) if isinstance(setting, list | tuple) else Wanted((setting,))
        case Reference(kind, path, where):
            return _gathered_values(kind, path, bind(where, around) if where else None, around.gathered.get(kind, _NOT_GATHERED))


def _gathered_values(kind: str, path: str, where: Bound | None, gathered: Gathered) -> Wanted:
    values: list[Any] = []
    why = gathered.why_incomplete()
    for item in gathered.items:
        truth = True if where is None else where.truth(item)
        value = value_at(item, path)
        if truth is False:
            continue
        if truth is None or value is MISSING:
            why = why or f"not all of {kind}/{item['id']} is known"
        else:
            values.append(value)
    return Wanted(tuple(values), complete=why is None, why=why)


def _quantified(quantifier: str, truths: Iterator[Truth], *, complete: bool = True) -> Truth:
    match quantifier:
        case "every":
            return _all(truths, complete=complete)
        case "some":
            return _any(truths, complete=complete)
        case _:
            return _flip(_any(truths, complete=complete))


def _deciding(parts: tuple[Bound, ...], truth: Truth, item: Item) -> Iterator[Clause]:
    """Yield the clauses of the parts that share the truth of the whole: those made it so, in `all` and in `any` alike."""
    for part in parts:
        if part.truth(item) is truth:
            yield from part.clauses(item)


def _deciding_items(quantifier: str, truth: Truth, items: list[Item], part: Bound) -> Iterator[tuple[int, Item]]:
    sought = _flip(truth) if quantifier == "none" else truth
    return ((index, each) for index, each in enumerate(items) if part.truth(each) is sought)


def _within(bound: int | None, certain: int, possible: float, *, floor: bool) -> Truth:
    if bound is None:
        return True
    if floor:
        return True if certain >= bound else None if possible >= bound else False
    return True if possible <= bound else None if certain <= bound else False


def _negated_phrase(phrase: str) -> str:
    return phrase.removeprefix("not ") if phrase.startswith("not ") else f"not {phrase}"


def explained(clauses: Iterable[Clause]) -> tuple[str, ...]:
    """Return what was seen and what was wanted, a sentence for each thing that was looked at."""
    wanted: dict[str, list[str]] = {}
    for clause in clauses:
        wanted.setdefault(seen(clause), []).append(clause.wanted)
    return tuple(f"{what}, wanted {' or '.join(dict.fromkeys(words))}" for what, words in wanted.items())


def seen(clause: Clause) -> str:
    """Return what was seen, such as `public_signup is true`."""
    where = f"{clause.path} of {clause.address}" if clause.address else clause.path
    return f"{where} is {shown(clause.actual)}" if clause.known else f"{where} is not known"


def shown(value: Any) -> str:  # noqa: ANN401
    """Return a value as it stands in a sentence."""
    match value:
        case bool() | None:
            return {True: "true", False: "false", None: "null"}[value]
        case []:
            return "an empty list"
        case list():
            return ", ".join(map(shown, value[:5])) + (", …" if len(value) > 5 else "")  # noqa: PLR2004  a sentence's worth
        case str():
            return value if value.strip() else repr(value)
        case _:
            return str(value)
