"""Bound conditions made into fast functions: Python is written for them, of our own words only.

Nothing of a policy file becomes source: values are passed by reference, under names given here, and the only names taken over are
those of facts, which `scanner.kinds` declares. A line of a snapshot is decoded just as far as the functions of its kind look.
What they tell is what `scanner.judging` tells of the same resource; a line whose facts are not of their types is left to that.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from scanner.conditions import MISSING, TestFunction, Truth, beside
from scanner.judging import (
    Bound,
    BoundAll,
    BoundAny,
    BoundCount,
    BoundEach,
    BoundFirstKnown,
    BoundNot,
    BoundReadable,
    BoundRelated,
    BoundTest,
)
from scanner.kinds import KINDS, OWN_PATHS, Fact, FactType

if TYPE_CHECKING:
    from types import CodeType

# What a verdict function returns; of what is UNSELECTED it is not known whether the policy speaks of it.
PASS, NOTAPPLICABLE, FAIL, UNKNOWN, UNSELECTED = range(5)

Function = Callable[[Any], Any]
_TYPES: Mapping[FactType, Any] = {
    FactType.TEXT: str,
    FactType.DATE: str,
    FactType.BOOL: bool,
    FactType.NUMBER: int | float,
    FactType.TEXTS: list[str],
}
# Operators that are written out, each with the types of facts for which that is right.
_WRITTEN = {"equals": "==", "not_equals": "!=", "in": "in", "not_in": "not in", "at_least": ">=", "at_most": "<="}
_OF_LISTS = {"contains": "issubset", "excludes": "isdisjoint", "subset_of": "issuperset"}
_PLAIN: Mapping[FactType, type | tuple[type, ...]] = {
    FactType.TEXT: str,
    FactType.BOOL: bool,
    FactType.NUMBER: (int, float),
    FactType.TEXTS: str,
}


@dataclass(slots=True)
class _Shape:
    """Which facts are looked at, of a resource or of the objects in it."""

    facts: Mapping[str, Fact]
    looked_at: dict[str, "_Shape | None"] = field(default_factory=dict)

    def inner(self, name: str) -> "_Shape":
        """Return the shape of the objects that a fact holds."""
        inner = self.looked_at.setdefault(name, _Shape(self.facts[name].items))
        if inner is None:  # the list as such was looked at before
            inner = self.looked_at[name] = _Shape(self.facts[name].items)
        return inner

    def struct(self) -> type[msgspec.Struct]:
        """Return the type that such facts are decoded to; what is absent is UNSET."""
        fields = [
            (name, self._type(name, inner) | None | msgspec.UnsetType, msgspec.UNSET) for name, inner in self.looked_at.items()
        ]
        return msgspec.defstruct("Facts", fields, gc=False)

    def _type(self, name: str, inner: "_Shape | None") -> Any:  # noqa: ANN401  a type
        match self.facts[name].type:
            case FactType.OBJECT:
                return (inner or _Shape(self.facts[name].items)).struct()
            case FactType.OBJECTS:
                return _list_of((inner or _Shape(self.facts[name].items)).struct())
            case plain:
                return _TYPES[plain]


@dataclass(slots=True)
class Compiler:
    """Makes functions for the resources of one kind, and the decoder of the lines that they take."""

    kind: str
    shape: _Shape = field(init=False)

    def __post_init__(self) -> None:
        self.shape = _Shape(KINDS[self.kind].facts)

    def verdicts(self, policies: Iterable[tuple[Bound | None, Bound]]) -> Function:
        """Return the function that judges a line by policies, each given as `where` and `require`.

        It returns a tuple of PASS, NOTAPPLICABLE, FAIL, UNKNOWN or UNSELECTED.
        """
        writer = self._writer()
        return writer.returning(writer.verdict(where, require) for where, require in policies)

    def truths(self, conditions: Iterable[Bound | None]) -> Function:
        """Return the function that tells the truths of conditions about a line, as a tuple; what there is not holds."""
        writer = self._writer()
        return writer.returning(writer.truth(each, writer.top, 1) if each else "True" for each in conditions)

    def values(self, paths: tuple[str, ...]) -> Function:
        """Return the function that gives the values at some paths of a line; MISSING where there is none."""
        writer = self._writer()
        names = [writer.value(path, writer.top, 1) for path in paths]
        unset = writer.constant(MISSING)
        writer.line(1, f"return [{', '.join(f'{unset} if {name} is UNSET else {name}' for name in names)}]")
        return writer.function()

    def decoder(self) -> Callable[[bytes], list[Any]]:
        """Return what decodes lines for the functions made so far; it raises msgspec's errors for what is to be read in full."""
        fields: list[tuple[str, Any]] = [("id", str), ("kind", Literal[self.kind]), ("facts", self.shape.struct())]
        line = msgspec.defstruct("Line", fields, tag="resource", tag_field="type", gc=False)
        return msgspec.json.Decoder(line).decode_lines

    def _writer(self) -> "_Writer":
        return _Writer(_Scope("f", self.shape, own=frozenset(OWN_PATHS[KINDS[self.kind].scope])))


@dataclass(frozen=True, slots=True)
class _Scope:
    """The object that paths start from: the variable that holds it, its shape, and the paths of its own besides facts."""

    variable: str
    shape: _Shape
    own: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Writer:
    """Writes one function, statement by statement; each part of a condition leaves its truth in a variable."""

    top: _Scope
    lines: list[str] = field(default_factory=list)
    names: dict[str, Any] = field(default_factory=lambda: {"UNSET": msgspec.UNSET})
    number: int = 0
    # Conditions, and values at paths, that a variable has in any case.
    told: list[tuple[Bound, str]] = field(default_factory=list)
    taken: dict[str, str] = field(default_factory=dict)

    def function(self) -> Function:
        source = "\n".join(["def function(t):", " f = t.facts", *self.lines])
        code: CodeType = compile(source, "<policy>", "exec", dont_inherit=True, optimize=2)
        exec(code, self.names)  # noqa: S102  source written here, of no text from any file: see the head of this module
        made: Function = self.names["function"]
        return made

    def line(self, depth: int, text: str) -> None:
        self.lines.append(" " * depth + text)

    def returning(self, variables: Iterable[str]) -> Function:
        """Return the function, which gives a tuple of some variables."""
        self.line(1, f"return ({''.join(f'{each}, ' for each in list(variables))})")
        return self.function()

    def verdict(self, where: Bound | None, require: Bound) -> str:
        """Write what judges by one policy; return the variable that has the outcome."""
        outcome = self.variable()
        selected = self.truth(where, self.top, 1) if where else None
        if selected:
            self.line(1, f"if {selected} is not True: {outcome} = {NOTAPPLICABLE} if {selected} is False else {UNSELECTED}")
            self.line(1, "else:")
        depth = 2 if selected else 1
        truth = self.truth(require, self.top, depth)
        self.line(depth, f"{outcome} = {PASS} if {truth} is True else {FAIL} if {truth} is False else {UNKNOWN}")
        return outcome

    def variable(self) -> str:
        self.number += 1
        return f"v{self.number}"

    def constant(self, value: Any) -> str:  # noqa: ANN401
        self.number += 1
        name = f"C{self.number}"
        self.names[name] = value
        return name

    # ----------------------------------------------------------------------------------------------------------- conditions

    def truth(self, condition: Bound, scope: _Scope, depth: int) -> str:
        """Write what tells the truth of a condition, unless it is told already; return the variable that has it."""
        told = next((variable for each, variable in self.told if each == condition), None) if scope is self.top else None
        if told is None:
            told = self._truth(condition, scope, depth)
            if depth == 1:  # nothing skips it
                self.told.append((condition, told))
        return told

    def _truth(self, condition: Bound, scope: _Scope, depth: int) -> str:
        match condition:
            case BoundAll(parts):
                return self._parts(parts, scope, depth, decided="False", neutral="True")
            case BoundAny(parts):
                return self._parts(parts, scope, depth, decided="True", neutral="False")
            case BoundNot(part):
                inner = self.truth(part, scope, depth)
                return self._assigned(depth, f"None if {inner} is None else not {inner}")
            case BoundTest():
                return self._test(condition, scope, depth)
            case BoundEach():
                return self._each(condition, scope, depth)
            case BoundRelated(match=match):
                return self._matching(match, condition.truth_of, scope, depth)
            case BoundCount(kept=None):
                return self._count(condition, scope, depth)
            case BoundCount(count=count):
                return self._matching(count.match, condition.truth_of, scope, depth)
            case _:
                return self._rare(condition, scope, depth)

    def _rare(self, condition: Bound, scope: _Scope, depth: int) -> str:
        match condition:
            case BoundReadable(known=known):
                return self._assigned(depth, repr(known))
            case BoundFirstKnown(parts):
                return self._first_known(parts, scope, depth)
            case _:
                raise TypeError(condition)

    def _parts(self, parts: tuple[Bound, ...], scope: _Scope, depth: int, *, decided: str, neutral: str) -> str:
        first, *others = parts
        whole = self._assigned(depth, self.truth(first, scope, depth))
        for part in others:
            self.line(depth, f"if {whole} is not {decided}:")
            truth = self.truth(part, scope, depth + 1)
            self.line(depth + 1, f"if {truth} is not {neutral}: {whole} = {truth}")
        return whole

    def _first_known(self, parts: tuple[Bound, ...], scope: _Scope, depth: int) -> str:
        whole = self._assigned(depth, "None")
        for part in parts:
            self.line(depth, f"if {whole} is None:")
            truth = self.truth(part, scope, depth + 1)
            self.line(depth + 1, f"{whole} = {truth}")
        return whole

    def _test(self, test: BoundTest, scope: _Scope, depth: int) -> str:
        value = self.value(test.path, scope, depth)
        if test.beside:
            other, function = self.value(test.beside, scope, depth), self.constant(_of_two(test.test))
            return self._assigned(depth, f"None if {value} is UNSET or {other} is UNSET else {function}({value}, {other})")
        if (written := self._written(test, scope, value)) is not None:
            return self._assigned(depth, f"None if {value} is UNSET else {written}")
        return self._assigned(depth, f"None if {value} is UNSET else {self.constant(test.test)}({value})")

    def _written(self, test: BoundTest, scope: _Scope, value: str) -> str | None:
        """Return an operator as an expression, where that tells the same."""
        values = test.values.values
        if test.operator == "null":
            return f"({value} is None) is {bool(values[0])}"
        if test.operator == "empty":
            return f"None if {value} is None else (len({value}) == 0) is {bool(values[0])}"
        fact = scope.shape.facts.get(test.path)
        plain = _PLAIN.get(fact.type) if fact else str
        if test.operator not in (*_WRITTEN, *_OF_LISTS) or plain is None or not test.values.complete or not _all_are(plain, values):
            return None
        if method := _OF_LISTS.get(test.operator):
            return f"None if {value} is None else {self.constant(frozenset(values))}.{method}({value})"
        sign = _WRITTEN[test.operator]
        if test.operator in ("in", "not_in"):
            return f"{value} {sign} {self.constant(frozenset(values))}"
        constant = self.constant(values[0])
        if test.operator in ("at_least", "at_most"):
            return f"None if {value} is None else {value} {sign} {constant}"
        return f"{value} {sign} {constant}"

    def _each(self, each: BoundEach, scope: _Scope, depth: int) -> str:
        """Write a loop that ends when it is decided; `none` is `some`, turned round."""
        sought, neutral = ("False", "True") if each.quantifier == "every" else ("True", "False")
        objects, whole, item = self.value(each.path, scope, depth, as_objects=True), self.variable(), self.variable()
        self.line(depth, f"if {objects} is UNSET or {objects} is None: {whole} = None")
        self.line(depth, "else:")
        self.line(depth + 1, f"{whole} = {neutral}")
        self.line(depth + 1, f"for {item} in {objects}:")
        truth = self.truth(each.part, _Scope(item, scope.shape.inner(each.path)), depth + 2)
        self.line(depth + 2, f"if {truth} is not {neutral}:")
        self.line(depth + 3, f"{whole} = {truth}")
        self.line(depth + 3, f"if {truth} is {sought}: break")
        return self._assigned(depth, f"None if {whole} is None else not {whole}") if each.quantifier == "none" else whole

    def _count(self, count: BoundCount, scope: _Scope, depth: int) -> str:
        within, path = self.constant(count.within), count.count.path or ""
        if count.where is None:
            things = self.value(path, scope, depth)
            return self._assigned(
                depth, f"None if {things} is UNSET or {things} is None else {within}((len({things}), len({things})))"
            )
        things, whole, item = self.value(path, scope, depth, as_objects=True), self.variable(), self.variable()
        certain, possible = self.variable(), self.variable()
        self.line(depth, f"if {things} is UNSET or {things} is None: {whole} = None")
        self.line(depth, "else:")
        self.line(depth + 1, f"{certain} = {possible} = 0")
        self.line(depth + 1, f"for {item} in {things}:")
        truth = self.truth(count.where, _Scope(item, scope.shape.inner(path)), depth + 2)
        self.line(depth + 2, f"if {truth} is not False:")
        self.line(depth + 3, f"{possible} += 1")
        self.line(depth + 3, f"if {truth}: {certain} += 1")
        self.line(depth + 1, f"{whole} = {within}(({certain}, {possible}))")
        return whole

    def _matching(self, match: tuple[tuple[str, str], ...], truth_of: Function, scope: _Scope, depth: int) -> str:
        ours = [self.value(path, scope, depth) for _, path in match]
        known = " or ".join(f"{name} is UNSET" for name in ours) or "False"
        return self._assigned(depth, f"None if {known} else {self.constant(truth_of)}([{', '.join(ours)}])")

    # --------------------------------------------------------------------------------------------------------------- values

    def value(self, path: str, scope: _Scope, depth: int, *, as_objects: bool = False) -> str:
        """Write what takes the value at a path, UNSET where there is none; return the variable that has it."""
        if scope is not self.top:
            return self._value(path, scope, depth, as_objects=as_objects)
        if as_objects:
            scope.shape.inner(path)
        if path not in self.taken:
            variable = self._value(path, scope, depth, as_objects=as_objects)
            if depth > 1:
                return variable
            self.taken[path] = variable
        return self.taken[path]

    def _value(self, path: str, scope: _Scope, depth: int, *, as_objects: bool) -> str:
        if path in scope.own and path not in scope.shape.facts:
            return self._assigned(depth, _OWN[path])
        name, _, part = path.partition(".")
        if part:
            inner = scope.shape.inner(name)
            inner.looked_at.setdefault(part, None)
            whole = self._assigned(depth, f"{scope.variable}.{name}")
            return self._assigned(depth, f"UNSET if {whole} is UNSET or {whole} is None else {whole}.{part}")
        if as_objects:
            scope.shape.inner(name)
        else:
            scope.shape.looked_at.setdefault(name, None)
        return self._assigned(depth, f"{scope.variable}.{name}")

    def _assigned(self, depth: int, expression: str) -> str:
        name = self.variable()
        self.line(depth, f"{name} = {expression}")
        return name


# ---------------------------------------------------------------------------------------------------------------- private

_OWN = {
    "id": "t.id",
    "site": "t.id.partition('/')[0]",
    "local_id": "t.id.partition('/')[2]",
    "project": "t.id.partition('/')[2]",
}


def _list_of(item: Any) -> Any:  # noqa: ANN401  a type made here
    return list[item]


def _of_two(test: TestFunction) -> Callable[[Any, Any], Truth]:
    def function(fact: Any, other: Any) -> Truth:  # noqa: ANN401
        both = beside(fact, other)
        return None if both is MISSING else test(both)

    return function


def _all_are(plain: type | tuple[type, ...], values: tuple[Any, ...]) -> bool:
    """Tell whether values may be compared with a fact of a type as they stand; `true` is not `1`."""
    return bool(values) and all(isinstance(value, plain) and (plain is bool or not isinstance(value, bool)) for value in values)
