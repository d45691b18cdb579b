"""The condition language of policies: small, declarative, three-valued.

`parse` turns the plain values of a policy file into a tree and refuses what it does not know, with file and line. `bind` ties that
tree to parameters and to the resources it refers to. A bound condition tells the `truth` about a resource (True, False, or None for
unknown: Kleene's logic) and names the `clauses` that decided it. Nothing here runs code, reads a file or looks at the clock.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

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
MAX_CLAUSES = 1_000


class Clause(msgspec.Struct, frozen=True, kw_only=True):
    """One test that decided a verdict: what was looked at, what was seen, what was wanted, and why it could not be told."""

    path: str
    actual: Any
    known: bool
    wanted: str
    address: str | None = None
    why: str | None = None


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a trace: what was asked, how deep it stands in the condition, what came out, and what was seen."""

    depth: int
    asked: str
    truth: Truth
    seen: str = ""


class _Missing:
    """The value at a path that leads nowhere."""


MISSING = _Missing()


# --------------------------------------------------------------------------------------------------------------- the tree


@dataclass(frozen=True, slots=True)
class Reference:
    """Values taken from the facts of other resources; of e-mail addresses only the domains, where that is all that is asked."""

    kind: str
    path: str
    where: "Condition | None" = None
    of_domains: bool = False


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
        case Each(path, part=part):
            return frozenset({(kind, path)}) | _read_elsewhere(part)
        case Related(other, match, _, part):
            return facts_read(part, other).union({(other, path) for path, _ in match}, {(kind, path) for _, path in match})
        case Count(path, other, match, where):
            if other is None:
                return frozenset({(kind, path or "")}) | _read_elsewhere(where)
            pairs = {(other, theirs) for theirs, _ in match} | {(kind, ours) for _, ours in match}
            return facts_read(where, other) | {(other, "")} | pairs
        case Readable(other):
            return frozenset({(other, "")})


def _read_elsewhere(condition: Condition | None) -> frozenset[tuple[str, str]]:
    """Return the facts of other kinds that a condition on the items of a list looks at."""
    return frozenset(each for each in facts_read(condition, "") if each[0])


# -------------------------------------------------------------------------------------------------------------- operators


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a fact is held against: the values known for certain, whether these are all there are, and if not, all there may be."""

    values: tuple[Any, ...]
    complete: bool = True
    why: str | None = None
    possible: tuple[Any, ...] | None = None


TestFunction = Callable[[Any], Truth]


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator: how it reads in a sentence, what may stand behind it, and what it does (its docstring is its manual)."""

    phrase: str
    takes: str
    fact_types: tuple[FactType, ...]
    bind: Callable[[Wanted, str, datetime], TestFunction]
    of_domains: bool = False


def _equals(wanted: Wanted, _relation: str, _as_of: datetime) -> TestFunction:
    """The fact is this value. Equality is strict: `true` is not `1`, and a fact of another type is unknown."""
    if not wanted.complete:
        return _unknown
    value = wanted.values[0]
    if value is None:
        return lambda fact: fact is None
    type_ = _type_of(value)

    def test(fact: Any) -> Truth:  # noqa: ANN401
        if fact is None:
            return False
        return bool(fact == value) if _type_of(fact) is type_ else None

    return test


def _not_equals(wanted: Wanted, relation: str, as_of: datetime) -> TestFunction:
    """The fact is known and is not this value."""
    return _negated(_equals(wanted, relation, as_of))


def _in(wanted: Wanted, _relation: str, _as_of: datetime) -> TestFunction:
    """The fact is one of these values."""
    known = {(_type_of(value), value) for value in wanted.values}
    types = {type_ for type_, _ in known}

    def test(fact: Any) -> Truth:  # noqa: ANN401
        if isinstance(fact, list | dict):
            return None
        type_ = _type_of(fact)
        if (type_, fact) in known:
            return True
        # What is of another type cannot be compared; null can, and is none of them.
        comparable = fact is None or types <= {type_, type(None)}
        return False if wanted.complete and comparable else None

    return test


def _not_in(wanted: Wanted, relation: str, as_of: datetime) -> TestFunction:
    """The fact is known and is none of these values."""
    return _negated(_in(wanted, relation, as_of))


def _contains(wanted: Wanted, _relation: str, _as_of: datetime) -> TestFunction:
    """The list holds every one of these values."""
    values = frozenset(wanted.values)

    def test(fact: Any) -> Truth:  # noqa: ANN401
        if not _is_texts(fact):
            return None
        return _true_if(complete=wanted.complete) if values.issubset(fact) else False

    return test


def _excludes(wanted: Wanted, _relation: str, _as_of: datetime) -> TestFunction:
    """The list holds none of these values."""
    values = frozenset(wanted.values)

    def test(fact: Any) -> Truth:  # noqa: ANN401
        if not _is_texts(fact):
            return None
        return _true_if(complete=wanted.complete or not fact) if values.isdisjoint(fact) else False

    return test


def _subset_of(wanted: Wanted, _relation: str, _as_of: datetime) -> TestFunction:
    """The list holds nothing besides these values."""
    values = frozenset(wanted.values)

    def test(fact: Any) -> Truth:  # noqa: ANN401
        if not _is_texts(fact):
            return None
        return True if values.issuperset(fact) else _false_if(complete=wanted.complete)

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
    limit = _before(as_of, parse_duration(wanted.values[0]))

    def test(fact: Any) -> Truth:  # noqa: ANN401
        moment = parse_time(fact)
        return None if moment is None else moment < limit

    return test


def _newer_than(wanted: Wanted, _relation: str, as_of: datetime) -> TestFunction:
    """The date lies less far back than this, counted from the moment of the snapshot; a date to come is newer than any."""
    if not wanted.complete:
        return _unknown
    limit = _before(as_of, parse_duration(wanted.values[0]))

    def test(fact: Any) -> Truth:  # noqa: ANN401
        moment = parse_time(fact)
        return None if moment is None else moment > limit

    return test


def _before(as_of: datetime, span: timedelta) -> datetime:
    """Return the moment that lies so far back, or the first there is."""
    try:
        return as_of - span
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)


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
    "domain_in": Operator("a domain {}", "list", _TEXT, _domain_in, of_domains=True),
    "domain_not_in": Operator("no domain {}", "list", _TEXT, _domain_not_in, of_domains=True),
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


def _true_if(*, complete: bool) -> Truth:
    return True if complete else None


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _type_of(value: object) -> type:
    type_ = type(value)
    return float if type_ is int else type_


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
    clauses: "Iterator[int]" = field(default_factory=lambda: iter(range(MAX_CLAUSES)))

    def condition(self, value: Any, path: "Path_", facts: _Facts) -> Condition:  # noqa: ANN401
        self._refuse_what_is_none(value, path)
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

    def _refuse_what_is_none(self, value: Any, path: "Path_") -> None:  # noqa: ANN401
        if next(self.clauses, None) is None:
            raise self.document.error(f"more than {MAX_CLAUSES} conditions in one", path[:1], hint="make two policies of it")
        if not isinstance(value, dict) or not value:
            raise self.document.error("a condition is a map", path, hint="for example {path: enabled, equals: false}")

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
        if not isinstance(relation, str) or relation not in RELATIONS:
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
                if self._fact(their_path, (*path, "path"), theirs).type in (FactType.OBJECT, FactType.OBJECTS):
                    raise self.document.error(f"{their_path} of {kind.name} holds objects, which are no values", (*path, "path"))
                where = value.get("where")
                condition = None if where is None else self.condition(where, (*path, "where"), theirs)
                return Reference(kind.name, their_path, condition, operator.of_domains)
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


# ------------------------------------------------------------------------------------------------------------------ values


def value_at(item: Item, path: str) -> Any:  # noqa: ANN401
    """Return the value at a dotted path, or MISSING."""
    if "." not in path:
        return item.get(path, MISSING) if isinstance(item, dict) else MISSING
    value: Any = item
    for step in path.split("."):
        if not isinstance(value, dict) or step not in value:
            return MISSING
        value = value[step]
    return value


def beside(fact: Any, other: Any) -> Any:  # noqa: ANN401
    """Return what a fact is beside another: of two numbers the percentage, of two dates the time from the other to it."""
    if _is_number(fact) and _is_number(other):
        return 100 * fact / other if other else MISSING
    moment, start = parse_time(fact), parse_time(other)
    return MISSING if moment is None or start is None else moment - start


# ------------------------------------------------------------------------------------------------------------------ words


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
