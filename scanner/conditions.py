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
from scanner.domains import domain_of, is_subdomain, registrable
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
    """One operator applied to the fact at a path, or to what that fact is beside another (`of`, `percent_of`)."""

    __test__ = False  # not a test of pytest's

    path: str
    operator: str
    values: tuple[Value, ...]
    relation: str = "exact"
    beside: str | None = None


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
    """A bound on how many items of a list, or resources of another kind, meet a condition; `match` as in Related."""

    path: str | None
    kind: str | None
    match: tuple[tuple[str, str], ...]
    where: "Condition | None"
    at_least: "Constant | Param | None"
    at_most: "Constant | Param | None"


@dataclass(frozen=True, slots=True)
class Readable:
    """True if a kind was read whole, false if Atlassian refused it."""

    kind: str


Condition = AllOf | AnyOf | FirstKnown | Not | Test | Each | Related | Count | Readable


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
        case Readable(kind):
            return frozenset({kind})
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
        case Test(path, values=values, beside=beside):
            references = [value for value in values if isinstance(value, Reference)]
            theirs = ({(each.kind, each.path)} | facts_read(each.where, each.kind) for each in references)
            return frozenset({(kind, path)} | ({(kind, beside)} if beside else set())).union(*theirs)
        case Each(path):
            return frozenset({(kind, path)})
        case Related(other, match, _, part):
            return facts_read(part, other).union({(other, path) for path, _ in match}, {(kind, path) for _, path in match})
        case Count(path, other, match, where):
            pairs = {(other or kind, theirs) for theirs, _ in match} | {(kind, ours) for _, ours in match}
            return frozenset({(kind, path)}) if path else facts_read(where, other or kind) | {(other or kind, "")} | pairs
        case Readable(other):
            return frozenset({(other, "")})


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


def _subset_of(wanted: Wanted, _relation: str, _as_of: datetime) -> TestFunction:
    """The list holds nothing besides these values."""

    def test(fact: Any) -> Truth:  # noqa: ANN401
        if not isinstance(fact, list):
            return None
        return all(value in wanted.values for value in fact) or _false_if(complete=wanted.complete)

    return test


def _matches(wanted: Wanted, _relation: str, _as_of: datetime) -> TestFunction:
    """The text fits this regular expression (RE2's, which take linear time), anywhere unless it says where with `^` and `$`."""
    if not wanted.complete:
        return _unknown
    pattern = compiled_pattern(wanted.values[0])
    return lambda fact: pattern.search(fact) is not None if isinstance(fact, str) else None


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


def _within(wanted: Wanted, _relation: str, _as_of: datetime) -> TestFunction:
    """The date lies no further than this (`365 d`) after the date that `of` names."""
    if not wanted.complete:
        return _unknown
    longest = parse_duration(wanted.values[0])
    return lambda span: span <= longest if isinstance(span, timedelta) else None


def _domain_in(wanted: Wanted, relation: str, _as_of: datetime) -> TestFunction:
    """The host, or the domain of the e-mail address, is one of these.

    `as: exact` (so it is unless said): the very domain. `as: subdomain`: it lies properly below one. `as: registrable`: both belong
    to one registrable domain, by the public suffix list (help.acme.co.uk and acme.co.uk; not acme.co.uk and other.co.uk).
    """
    domains = [domain_of(value) if isinstance(value, str) else None for value in wanted.values]
    known = {name for name in domains if name is not None}
    complete = wanted.complete and None not in domains
    if relation == "registrable":
        known = {registrable(name) for name in known}

    def test(fact: Any) -> Truth:  # noqa: ANN401
        name = domain_of(fact) if isinstance(fact, str) else None
        if name is None:
            return None
        match relation:
            case "exact":
                found = name in known
            case "registrable":
                found = registrable(name) in known
            case _:
                found = any(is_subdomain(name, other) for other in known)
        return True if found else _false_if(complete=complete)

    return test


def _domain_not_in(wanted: Wanted, relation: str, as_of: datetime) -> TestFunction:
    """The host name, or the domain of the e-mail address, is known and is none of these (`as` as with `domain_in`)."""
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
    "subset_of": Operator("a list of nothing but {}", "list", _LIST, _subset_of),
    "matches": Operator("text that fits {}", "pattern", _TEXT, _matches),
    "null": Operator("null: {}", "bool", _ANY_TYPE, _null),
    "empty": Operator("empty: {}", "bool", (FactType.TEXT, FactType.TEXTS, FactType.OBJECTS), _empty),
    "at_least": Operator("at least {}", "number", _NUMBER, _at_least),
    "at_most": Operator("at most {}", "number", _NUMBER, _at_most),
    "older_than": Operator("more than {} ago", "duration", _DATE, _older_than),
    "newer_than": Operator("less than {} ago", "duration", _DATE, _newer_than),
    "within": Operator("at most {} later", "duration", _DATE, _within),
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
    "pattern": (),
}
QUANTIFIERS = ("some", "every", "none")
# Relation of two domains -> how it reads.
RELATIONS = {"exact": "among ", "subdomain": "below ", "registrable": "of the same owner as "}
# Key that names a second fact -> the operators it goes with.
BESIDE = {"of": ("within",), "percent_of": ("at_least", "at_most")}
MAX_PATTERN = 500


def compiled_pattern(text: str) -> Any:  # noqa: ANN401  the library is untyped
    """Compile a regular expression of RE2. Raises ValueError with what is wrong with it."""
    # Imported here: few policies have a pattern.
    import re2  # noqa: PLC0415

    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    try:
        return re2.compile(text, options)
    except (re2.error, UnicodeEncodeError) as error:
        reason = error.args[0]
        raise ValueError(reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)) from error


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
                return self._first_known(value, parts, path, facts)
            case {"not": part}:
                self._only(value, path, "not")
                return Not(self.condition(part, (*path, "not"), facts))
            case {"count": counted}:
                return self._count(value, counted, path, facts)
            case {"facts": _}:
                return self._related(value, path, facts)
            case {"readable": kind_name}:
                self._only(value, path, "readable")
                return Readable(self._kind(kind_name, (*path, "readable")).name)
            case {"path": _}:
                return self._test(value, path, facts)
            case _:
                unknown = next(iter(value))
                known = ("all", "any", "not", "path", "facts", "count", "readable")
                raise self.document.error(
                    f"unknown key {unknown!r} in a condition", (*path, unknown), hint=did_you_mean(unknown, known)
                )

    def _first_known(self, value: dict[str, Any], parts: Any, path: "Path_", facts: _Facts) -> FirstKnown:  # noqa: ANN401
        self._only(value, path, "first_known")
        if path[:1] != ("severity",):
            hint = "a verdict must not turn round when more is known"
            raise self.document.error("`first_known` belongs to a severity's `when` only", path, hint=hint)
        return FirstKnown(self._parts(parts, (*path, "first_known"), facts))

    def _parts(self, values: Any, path: "Path_", facts: _Facts) -> tuple[Condition, ...]:  # noqa: ANN401
        if not isinstance(values, list) or not values:
            raise self.document.error("wants a list of conditions, one at least", path)
        return tuple(self.condition(value, (*path, index), facts) for index, value in enumerate(values))

    def _test(self, value: dict[str, Any], path: "Path_", facts: _Facts) -> Condition:
        words = [key for key in value if key not in ("path", "as", *BESIDE)]
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
        return self._operator_test(value, word, fact, path, facts)

    def _operator_test(self, value: dict[str, Any], word: str, fact: Fact, path: "Path_", facts: _Facts) -> Test:
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
        beside = self._beside(value, word, fact, path, facts)
        return Test(value["path"], word, self._values(value[word], (*path, word), operator, fact), relation, beside)

    def _beside(self, value: dict[str, Any], word: str, fact: Fact, path: "Path_", facts: _Facts) -> str | None:
        """Return the path of the second fact that a test looks at."""
        keys = [key for key in BESIDE if key in value]
        if wrong := [key for key in keys if word not in BESIDE[key]]:
            hint = f"it belongs to {' and '.join(BESIDE[wrong[0]])}"
            raise self.document.error(f"`{wrong[0]}` does not go with `{word}`", (*path, wrong[0]), hint=hint)
        if not keys:
            if word in BESIDE["of"]:
                hint = "`of` names the date that is counted from, such as created_at"
                raise self.document.error(f"`{word}` wants `of`", path, hint=hint)
            return None
        other = self._fact(value[keys[0]], (*path, keys[0]), facts)
        if other.type is not fact.type:
            raise self.document.error(f"{value[keys[0]]} is {other.type}, and {value['path']} is {fact.type}", (*path, keys[0]))
        return str(value[keys[0]])

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
            case "pattern":
                self._check_pattern(value, path)
            case "scalar" | "list" if fact.type is not FactType.TEXTS and not fits(value, fact):
                choices = f"one of {', '.join(fact.values)}" if fact.values else fact.type
                raise self.document.error(
                    f"{found} can never be: the fact is {choices}", path, hint=did_you_mean(str(value), fact.values)
                )

    def _check_pattern(self, value: Any, path: "Path_") -> None:  # noqa: ANN401
        if not isinstance(value, str) or len(value) > MAX_PATTERN:
            raise self.document.error(f"a pattern is text of at most {MAX_PATTERN} characters", path)
        try:
            compiled_pattern(value)
        except ValueError as error:
            hint = "patterns are RE2's: no look-around, no back-references"
            raise self.document.error(f"not a pattern: {error}", path, hint=hint) from None

    def _related(self, value: dict[str, Any], path: "Path_", facts: _Facts) -> Related:
        kind = self._kind(value["facts"], path)
        words = [word for word in QUANTIFIERS if word in value]
        if len(words) != 1:
            raise self.document.error("wants exactly one of some, every, none beside `facts`", path)
        self._only(value, path, "facts", "match", words[0])
        theirs = _Facts(kinds.paths(kind), kind.name)
        match = self._match(value, path, theirs, facts)
        return Related(kind.name, match, words[0], self.condition(value[words[0]], (*path, words[0]), theirs))

    def _match(self, value: dict[str, Any], path: "Path_", theirs: _Facts, ours: _Facts) -> tuple[tuple[str, str], ...]:
        pairs = value.get("match", {})
        if not isinstance(pairs, dict):
            raise self.document.error("wants a map of their path to ours", (*path, "match"), hint="{id: site}")
        for their_path, our_path in pairs.items():
            self._fact(their_path, (*path, "match", their_path), theirs)
            self._fact(our_path, (*path, "match", their_path), ours)
        return tuple(pairs.items())

    def _count(self, value: dict[str, Any], counted: Any, path: "Path_", facts: _Facts) -> Count:  # noqa: ANN401
        self._only(value, path, "count", "at_least", "at_most")
        bounds = {word: self._bound(value[word], (*path, word)) for word in ("at_least", "at_most") if word in value}
        if not bounds:
            raise self.document.error("wants at_least or at_most beside `count`", path)
        if not isinstance(counted, dict) or ("path" in counted) == ("facts" in counted):
            raise self.document.error("counts `path` (a list) or `facts` (a kind)", (*path, "count"))
        at = (*path, "count")
        if "facts" in counted:
            self._only(counted, at, "facts", "match", "where")
            kind = self._kind(counted["facts"], at)
            inner = _Facts(kinds.paths(kind), kind.name)
            match = self._match(counted, at, inner, facts)
        else:
            inner, match = self._items(counted, at, facts), ()
        where = self.condition(counted["where"], (*at, "where"), inner) if "where" in counted else None
        return Count(counted.get("path"), counted.get("facts"), match, where, bounds.get("at_least"), bounds.get("at_most"))

    def _items(self, counted: dict[str, Any], path: "Path_", facts: _Facts) -> _Facts:
        fact = self._fact(counted["path"], (*path, "path"), facts)
        known = ("path", "where") if fact.type is FactType.OBJECTS else ("path",)
        if fact.type not in (FactType.OBJECTS, FactType.TEXTS):
            raise self.document.error(f"`count` wants a list; {counted['path']} is {fact.type}", path)
        self._only(counted, path, *known)
        return _Facts(fact.items, f"{facts.of} {counted['path']}")

    def _bound(self, value: Any, path: "Path_") -> Constant | Param:  # noqa: ANN401
        match value:
            case {"param": name}:
                self._only(value, path, "param")
                self._check_param(name, path, OPERATORS["at_least"])
                return Param(name)
            case int() if not isinstance(value, bool):
                return Constant(value)
        raise self.document.error("wants a whole number, or {param: name}", path)

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
    refused: bool = False

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
            others = _Matching(kind, match, around.gathered.get(kind, _NOT_GATHERED))
            return _BoundRelated(others, quantifier, bind(part, around))
        case Count():
            where = bind(condition.where, around) if condition.where else None
            bounds = tuple(_bound_of(bound, around) for bound in (condition.at_least, condition.at_most))
            return _BoundCount(condition, bounds, where, around.gathered.get(condition.kind or "", _NOT_GATHERED))
        case Readable(kind):
            return _BoundReadable(kind, around.gathered.get(kind, _NOT_GATHERED))


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
    beside: str | None = None

    def truth(self, item: Item) -> Truth:
        fact = value_at(item, self.path)
        if self.beside and fact is not MISSING:
            fact = beside(fact, value_at(item, self.beside))
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


def beside(fact: Any, other: Any) -> Any:  # noqa: ANN401
    """Return what a fact is beside another: of two numbers the percentage, of two dates the time from the other to it."""
    if _is_number(fact) and _is_number(other):
        return 100 * fact / other if other else MISSING
    moment, start = parse_time(fact), parse_time(other)
    return MISSING if moment is None or start is None else moment - start


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
class _Matching:
    """The resources of another kind that belong to ours, by pairs of their paths and ours."""

    kind: str
    match: tuple[tuple[str, str], ...]
    gathered: Gathered

    def pairs(self, item: Item) -> list[tuple[str, Any]] | None:
        """Return what a related resource must have, or None where that is not known."""
        pairs = [(their_path, value_at(item, our_path)) for their_path, our_path in self.match]
        return None if any(ours is MISSING for _, ours in pairs) else pairs

    def of(self, pairs: list[tuple[str, Any]]) -> list[Item]:
        return [other for other in self.gathered.items if all(_same(value_at(other, theirs), ours) for theirs, ours in pairs)]


@dataclass(frozen=True, slots=True)
class _BoundRelated:
    others: _Matching
    quantifier: str
    part: Bound

    def truth(self, item: Item) -> Truth:
        pairs = self.others.pairs(item)
        if pairs is None:
            return None
        whole = self.others.gathered.why_incomplete(pairs) is None
        return _quantified(self.quantifier, map(self.part.truth, self.others.of(pairs)), complete=whole)

    def clauses(self, item: Item) -> Iterator[Clause]:
        pairs, kind = self.others.pairs(item) or [], self.others.kind
        others = self.others.of(pairs) if pairs or not self.others.match else []
        truth, why = self.truth(item), self.others.gathered.why_incomplete(pairs)
        for _, other in _deciding_items(self.quantifier, truth, others, self.part):
            for clause in self.part.clauses(other):
                wanted = _negated_phrase(clause.wanted) if self.quantifier == "none" else clause.wanted
                yield msgspec.structs.replace(clause, address=clause.address or f"{kind}/{other['id']}", wanted=wanted)
        if truth is None and why:
            yield Clause(path=kind, actual=None, known=False, wanted="known", why=why)
        elif not others:
            yield Clause(path=kind, actual=0, known=True, wanted=f"{self.quantifier} of them to meet a condition")


@dataclass(frozen=True, slots=True)
class _BoundReadable:
    kind: str
    gathered: Gathered

    def truth(self, _item: Item) -> Truth:
        if any(each.refused for each in self.gathered.missing):
            return False
        return None if self.gathered.missing else True

    def clauses(self, item: Item) -> Iterator[Clause]:
        truth, why = self.truth(item), self.gathered.why_incomplete()
        seen_as = {True: "whole", False: "refused", None: None}[truth]
        known = truth is not None
        yield Clause(path=f"reading of {self.kind}", actual=seen_as, known=known, wanted="whole", why=None if known else why)


@dataclass(frozen=True, slots=True)
class _BoundCount:
    count: Count
    bounds: tuple[Wanted | None, ...]
    where: Bound | None
    gathered: Gathered

    def truth(self, item: Item) -> Truth:
        numbers = self._numbers(item)
        if numbers is None:
            return None
        floor, ceiling = (_number_in(bound) for bound in self.bounds)
        return _all(iter((_reaches(floor, numbers), _stays_below(ceiling, numbers))))

    def clauses(self, item: Item) -> Iterator[Clause]:
        words = zip(("at least", "at most"), self.bounds, strict=True)
        wanted = " and ".join(f"{word} {shown(_number_in(bound))}" for word, bound in words if bound is not None)
        numbers = self._numbers(item)
        unset = next((bound.why for bound in self.bounds if bound and bound.why), None)
        why = None if self.truth(item) is not None else unset or self.gathered.why_incomplete() or "some could not be told"
        path = f"count of {self.count.kind or self.count.path}"
        yield Clause(path=path, actual=numbers[0] if numbers else None, known=numbers is not None, wanted=wanted, why=why)

    def _numbers(self, item: Item) -> tuple[int, float] | None:
        """Return how many there are for certain, and how many there may be."""
        things, whole = self._things(item)
        if not isinstance(things, list | tuple):
            return None
        truths = [True if self.where is None else self.where.truth(thing) for thing in things]
        certain = truths.count(True)
        return certain, certain + truths.count(None) if whole else float("inf")

    def _things(self, item: Item) -> tuple[Any, bool]:
        """Return what is counted, and whether that is all of it."""
        if not self.count.kind:
            return value_at(item, self.count.path or ""), True
        others = _Matching(self.count.kind, self.count.match, self.gathered)
        pairs = others.pairs(item)
        return (None, False) if pairs is None else (others.of(pairs), self.gathered.why_incomplete(pairs) is None)


def _bound_of(bound: Constant | Param | None, around: Surroundings) -> Wanted | None:
    return None if bound is None else _resolved(bound, around)


def _number_in(bound: Wanted | None) -> float | None:
    """Return the number that a bound is; infinitely many where there is none, None where it is not configured."""
    if bound is None:
        return float("inf")
    return bound.values[0] if bound.values else None


def _reaches(floor: float | None, numbers: tuple[int, float]) -> Truth:
    certain, possible = numbers
    if floor == float("inf"):
        return True
    return None if floor is None else True if certain >= floor else None if possible >= floor else False


def _stays_below(ceiling: float | None, numbers: tuple[int, float]) -> Truth:
    certain, possible = numbers
    return None if ceiling is None else True if possible <= ceiling else None if certain <= ceiling else False


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
    if test.beside:
        phrase = f"{phrase} {'percent of' if operator.takes == 'number' else 'than'} {test.beside}"
    return _BoundTest(test.path, operator.bind(wanted, test.relation, around.as_of), phrase, wanted.why, test.beside)


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
