"""Lint: what is odd in a policy that loads, such as a test that can never fail. Pure: files and the clock are the caller's."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from scanner import kinds, reach
from scanner.conditions import (
    AllOf,
    AnyOf,
    Condition,
    Constant,
    Count,
    Each,
    FirstKnown,
    Not,
    Param,
    Readable,
    Reference,
    Related,
    Test,
    Truth,
    facts_read,
)
from scanner.documents import Document, Path_
from scanner.errors import Place
from scanner.kinds import KINDS, OWN_PATHS, Fact
from scanner.model import Policy, Verdict

# How long somebody's look at a page counts.
CHECKED_FOR = timedelta(days=365)
# Hosts that no longer hold pages on the Cloud -> where these are now.
RETIRED_HOSTS = {
    "answers.atlassian.com": "community.atlassian.com",
    "confluence.atlassian.com": "support.atlassian.com",
    "docs.atlassian.com": "developer.atlassian.com",
}
MIN_WORDS = 5
# Each test is held against those beside it, and with more of them this would take long.
MAX_TESTS = 100
MAX_BESIDE = 5
MAX_WEIGHT = 40

_PLACEHOLDER = re.compile(r"\b(TODO|FIXME|TBD|XXX)\b|\blorem ipsum\b|^\W*$", re.IGNORECASE)


class Level(StrEnum):
    """How bad a problem is: an error makes `policy lint` fail, a warning only with `--strict`."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, where, and what to do about it."""

    place: Place
    level: Level
    message: str
    hint: str | None = None


def lint(policy: Policy, document: Document, today: date) -> Iterator[Problem]:
    """Yield what is odd in a policy, in the order of its file.

    Args:
        policy: A policy that loads.
        document: The file that it was read from, for its places.
        today: The day on which it is asked whether somebody has looked at a reference lately.
    """
    found = (
        *_texts(document),
        *_examples(policy, document),
        *_references(document, today),
        *_params(policy, document),
        *_raises(policy, document),
        *_conditions(policy, document),
    )
    yield from sorted(found, key=lambda problem: (problem.place.line, problem.place.column))


# ------------------------------------------------------------------------------------------------------------------ texts


def _texts(document: Document) -> Iterator[Problem]:
    for at in _text_paths(document):
        text = str(_value(document, at)).strip()
        if _PLACEHOLDER.search(text):
            yield _error(document, at, f"{_named(at)} says nothing yet", "write what a reader needs to know")
        elif at == ("title",) and text.endswith("."):
            yield _warning(document, at, "title ends in a full stop", "a title is no sentence: leave it out")
        elif at == ("failure",) and text.endswith("."):
            yield _warning(document, at, "failure ends in a full stop", "it stands within a sentence: leave it out")
        elif at == ("rationale",) and (len(text.split()) < MIN_WORDS or not text.endswith((".", "!", "?"))):
            yield _warning(document, at, "rationale is shorter than a sentence", "say what an attacker does with it")


def _text_paths(document: Document) -> Iterator[Path_]:
    entry = document.value
    yield from (("title",), ("failure",), ("rationale",))
    yield from (("remediation", index) for index in range(len(entry["remediation"])))
    yield from (("params", name, "meaning") for name in entry.get("params", {}))
    yield from (("examples", index, "name") for index in range(len(entry["examples"])))
    if isinstance(entry["severity"], dict):
        yield from (("severity", "raise", index, "because") for index in range(len(entry["severity"]["raise"])))


def _value(document: Document, at: Path_) -> object:
    value = document.value
    for step in at:
        value = value[step]
    return value


def _named(at: Path_) -> str:
    return " ".join(str(step + 1) if isinstance(step, int) else step for step in at)


# --------------------------------------------------------------------------------------------------------------- examples


def _examples(policy: Policy, document: Document) -> Iterator[Problem]:
    shown = {example.verdict for example in policy.examples}
    if Verdict.UNKNOWN not in shown and _can_be_unknown(policy):
        hint = "add one with `gap: forbidden`, or without a fact that is needed"
        yield _warning(document, ("examples",), "no example shows what is unknown", hint)
    for index, example in enumerate(policy.examples):
        if example.verdict is Verdict.FAIL and not (example.fix or policy.fix):
            hint = "say under `fix` which facts the remediation changes"
            yield _warning(document, ("examples", index), f"nothing says how {example.name!r} looks after the remediation", hint)


def _can_be_unknown(policy: Policy) -> bool:
    """Tell whether a policy looks at anything besides the id of a resource, which is always known."""
    own = OWN_PATHS[KINDS[policy.kind].scope]
    return any(kind != policy.kind or path not in own for kind, path in facts_read(policy.require, policy.kind))


# ------------------------------------------------------------------------------------------------------------- references


def _references(document: Document, today: date) -> Iterator[Problem]:
    for index, entry in enumerate(document.value["references"]):
        at: Path_ = ("references", index)
        url, checked = (entry, None) if isinstance(entry, str) else (entry["url"], entry.get("checked"))
        host = urlsplit(url).hostname or ""
        if host in RETIRED_HOSTS:
            hint = f"look for the page at {RETIRED_HOSTS[host]}"
            yield _warning(document, at, f"{host} no longer holds pages on the Cloud", hint)
        if checked and date.fromisoformat(checked) + CHECKED_FOR < today:
            hint = "open it, see whether it still says so, and write today's date"
            yield _warning(document, at, f"nobody looked at this page since {checked}", hint)


# ------------------------------------------------------------------------------------------------- parameters and severity


def _params(policy: Policy, document: Document) -> Iterator[Problem]:
    used = {name for condition, _ in _all_conditions(policy) for name in _params_in(condition)}
    for name in policy.params:
        if name not in used:
            yield _warning(document, ("params", name), f"no condition uses the parameter {name!r}", "use it, or take it out")


def _params_in(condition: Condition | None) -> Iterator[str]:
    match condition:
        case AllOf(parts) | AnyOf(parts) | FirstKnown(parts):
            for part in parts:
                yield from _params_in(part)
        case Not(part) | Each(part=part) | Related(part=part):
            yield from _params_in(part)
        case Test(values=values):
            yield from (value.name for value in values if isinstance(value, Param))
            for value in values:
                yield from _params_in(value.where) if isinstance(value, Reference) else ()
        case Count(where=where, at_least=floor, at_most=ceiling):
            yield from (bound.name for bound in (floor, ceiling) if isinstance(bound, Param))
            yield from _params_in(where)
        case Readable() | None:
            return


def _raises(policy: Policy, document: Document) -> Iterator[Problem]:
    for index, step in enumerate(policy.raises):
        if step.to.rank <= policy.severity.rank:
            hint = f"the severity is {policy.severity} already"
            yield _error(document, ("severity", "raise", index, "to"), f"{step.to} never raises it", hint)


def _all_conditions(policy: Policy) -> Iterator[tuple[Condition, Path_]]:
    yield policy.require, ("require",)
    if policy.where:
        yield policy.where, ("where",)
    if policy.settled_by:
        yield policy.settled_by, ("settled_by",)
    yield from ((step.when, ("severity", "raise", index, "when")) for index, step in enumerate(policy.raises))


# ------------------------------------------------------------------------------------------------------------- conditions


@dataclass(frozen=True, slots=True)
class _Part:
    """A condition and where it stands; `selects` if it stands in `where`, so that only what meets it is judged at all."""

    condition: Condition
    at: Path_
    selects: bool = False


@dataclass(frozen=True, slots=True)
class _Around:
    """What surrounds a part: the file, the facts that paths lead to there, and what holds beside it."""

    document: Document
    facts: Mapping[str, Fact]
    given: tuple[_Part, ...] = field(default=())

    def within(self, facts: Mapping[str, Fact]) -> "_Around":
        """Return what surrounds a condition on the items of a list, or on another kind."""
        return _Around(self.document, facts)

    def beside(self, parts: Sequence[_Part]) -> "_Around":
        """Return what surrounds a part that has these others beside it."""
        return _Around(self.document, self.facts, (*self.given, *parts))


def _conditions(policy: Policy, document: Document) -> Iterator[Problem]:
    if (number := sum(path[-1] == "path" for path in document.marks if path)) > MAX_TESTS:
        yield _warning(document, ("require",), f"{number} tests are too many to look for some that never hold", "make two policies")
        return
    around = _Around(document, kinds.paths(KINDS[policy.kind]))
    selected = around.beside(tuple(_selecting(policy.where))) if policy.where else around
    for condition, at in _all_conditions(policy):
        surrounding = around if at[0] in ("where", "settled_by") else selected
        yield from _walk(_Part(condition, at), surrounding)


def _selecting(where: Condition) -> Iterator[_Part]:
    if isinstance(where, AllOf):
        yield from (_Part(part, ("where", "all", index), selects=True) for index, part in enumerate(where.parts))
    else:
        yield _Part(where, ("where",), selects=True)


def _walk(part: _Part, around: _Around) -> Iterator[Problem]:
    """Yield what is odd in a part; inside one that is odd as a whole nothing more is said."""
    if isinstance(part.condition, AllOf | AnyOf):
        yield from _joined(part, part.condition, around)
    elif isinstance(part.condition, FirstKnown):
        # A part of it counts where those before it are unknown, which says nothing of what else holds there.
        for index, each in enumerate(part.condition.parts):
            yield from _walk(_Part(each, (*part.at, "first_known", index)), around)
    elif problem := _reached(part, around, ()):
        yield problem
    else:
        yield from _inside(part, around)


def _joined(part: _Part, joined: AllOf | AnyOf, around: _Around) -> Iterator[Problem]:
    joint = isinstance(joined, AllOf)
    parts = [_Part(each, (*part.at, "all" if joint else "any", index)) for index, each in enumerate(joined.parts)]
    unreachable = {index: problem for index in range(len(parts)) if (problem := _unreachable(parts, index, around, joint=joint))}
    for index, each in enumerate(parts):
        others = [other for number, other in enumerate(parts) if number != index and number not in unreachable]
        if problem := unreachable.get(index) or _repeated(each, parts[:index], others, around, joint=joint):
            yield problem
        elif isinstance(each.condition, AllOf | AnyOf):
            yield from _joined(each, each.condition, around.beside(others if joint else ()))
        else:
            yield from _inside(each, around)


def _unreachable(parts: Sequence[_Part], index: int, around: _Around, *, joint: bool) -> Problem | None:
    """Return why a part can never hold or never fail beside those before it, which hold too (`all`) or have failed (`any`)."""
    before = parts[:index]
    return _reached(parts[index], around.beside(before), ()) if joint else _reached(parts[index], around, before)


def _inside(part: _Part, around: _Around) -> Iterator[Problem]:
    """Yield what is odd in the conditions that stand inside another."""
    match part.condition:
        case Not(inner):
            yield from _walk(_Part(inner, (*part.at, "not")), around.within(around.facts))
        case Each(path, quantifier, inner):
            yield from _walk(_Part(inner, (*part.at, quantifier)), around.within(around.facts[path].items))
        case Related(kind, _, quantifier, inner):
            yield from _walk(_Part(inner, (*part.at, quantifier)), around.within(kinds.paths(KINDS[kind])))
        case Count():
            yield from _counted(part.condition, part, around)
        case Test(operator=operator, values=values):
            for index, value in enumerate(values):
                if isinstance(value, Reference) and value.where:
                    at = (*part.at, operator, index, "where")
                    yield from _walk(_Part(value.where, at), around.within(kinds.paths(KINDS[value.kind])))
        case _:
            return


def _counted(count: Count, part: _Part, around: _Around) -> Iterator[Problem]:
    floor, ceiling = (bound.value if isinstance(bound, Constant) else None for bound in (count.at_least, count.at_most))
    if floor is not None and ceiling is not None and floor > ceiling:
        yield _error(around.document, part.at, f"can never hold: no number is at least {floor} and at most {ceiling}")
    elif ceiling is not None and ceiling < 0:
        yield _error(around.document, part.at, f"can never hold: there are never {ceiling}")
    elif floor is not None and floor <= 0 and count.at_most is None:
        yield _error(around.document, part.at, f"can never fail: there are always {floor}")
    if count.where:
        items = kinds.paths(KINDS[count.kind]) if count.kind else around.facts[count.path or ""].items
        yield from _walk(_Part(count.where, (*part.at, "count", "where")), around.within(items))


# ------------------------------------------------------------------------------------------------------------ reachability


def _reached(part: _Part, around: _Around, alternatives: Sequence[_Part]) -> Problem | None:
    """Return why a part can never hold or never fail, by itself, beside what is given, or where its alternatives fail."""
    opposite = next((each for each in around.given if _opposite(each.condition, part.condition)), None)
    if opposite:
        return _error(around.document, part.at, f"can never hold {_where(opposite, around)}", "they contradict each other")
    complement = next((each for each in alternatives if _opposite(each.condition, part.condition)), None)
    if complement:
        return _error(around.document, part.at, f"one of this and {_line(complement, around)} always holds", "test something else")
    path = reach.path_of(part.condition)
    if path is None or path not in around.facts:
        return None
    given, others = _on(path, around.given), _on(path, alternatives)
    tried = _Tried(path, reach.samples(around.facts[path], [each.condition for each in (part, *given, *others)]))
    if not tried.values:
        return None
    return _never(part, given, tried, around) or _always(part, given, others, tried, around)


def _on(path: str, parts: Sequence[_Part]) -> list[_Part]:
    """Return the first few of the parts that look at the same path; with fewer of them less is claimed, and nothing wrong."""
    found: list[_Part] = []
    for part in parts:
        weight = sum(reach.weight(each.condition) for each in (*found, part))
        if reach.path_of(part.condition) == path and len(found) < MAX_BESIDE and weight <= MAX_WEIGHT:
            found.append(part)
    return found


@dataclass(frozen=True, slots=True)
class _Tried:
    """Values of the fact at a path, tried on conditions."""

    path: str
    values: Sequence[object]

    def truths(self, part: _Part) -> list[Truth]:
        return reach.truths(part.condition, self.path, self.values)

    def all_of(self, parts: Sequence[_Part]) -> list[Truth]:
        """Return for each value whether all of the parts hold."""
        return (
            [min(truths, key=_rank) for truths in zip(*map(self.truths, parts), strict=True)]
            if parts
            else [True] * len(self.values)
        )


def _never(part: _Part, given: Sequence[_Part], tried: _Tried, around: _Around) -> Problem | None:
    own = tried.truths(part)
    if True not in own:
        return _error(around.document, part.at, "can never hold", f"no value of {tried.path} is as it says")
    if not _both(own, tried.all_of(given)) and True in tried.all_of(given):
        culprit = next((each for each in given if not _both(own, tried.truths(each))), given[-1])
        return _error(around.document, part.at, f"can never hold {_where(culprit, around)}", "they contradict each other")
    return None


def _both(one: Sequence[Truth], other: Sequence[Truth]) -> bool:
    return any(first and second for first, second in zip(one, other, strict=True))


def _always(part: _Part, given: Sequence[_Part], others: Sequence[_Part], tried: _Tried, around: _Around) -> Problem | None:
    own = tried.truths(part)
    if all(own):
        return _error(around.document, part.at, "can never fail", f"every value of {tried.path} is as it says")
    selecting = [each for each in given if each.selects]
    chosen = tried.all_of(selecting)
    if selecting and True in chosen and all(truth for truth, seen in zip(own, chosen, strict=True) if seen):
        return _error(around.document, part.at, f"can never fail {_where(selecting[0], around)}", "test something else")
    for other in others:
        if all(first is not False or second is not False for first, second in zip(own, tried.truths(other), strict=True)):
            return _error(around.document, part.at, f"one of this and {_line(other, around)} always holds", "test something else")
    return None


def _repeated(part: _Part, before: Sequence[_Part], others: Sequence[_Part], around: _Around, *, joint: bool) -> Problem | None:
    """Return which neighbour already says what a part says."""
    for other in before:
        if other.condition == part.condition:
            return _warning(around.document, part.at, f"says the same as {_line(other, around)}", "take one of them out")
    path = reach.path_of(part.condition)
    if path is None or path not in around.facts:
        return None
    same = _on(path, others)
    tried = _Tried(path, reach.samples(around.facts[path], [each.condition for each in (part, *same)]))
    if not tried.values:
        return None
    own = list(map(_rank, tried.truths(part)))
    for other in same:
        theirs = list(map(_rank, tried.truths(other)))
        weaker, stronger = (theirs, own) if joint else (own, theirs)
        if all(first <= second for first, second in zip(weaker, stronger, strict=True)) and (own != theirs or other in before):
            return _warning(around.document, part.at, f"adds nothing to {_line(other, around)}", "take it out")
    return None


_OPPOSITES = {"equals": "not_equals", "in": "not_in", "domain_in": "domain_not_in", "some": "none"}


def _opposite(one: Condition, other: Condition) -> bool:
    """Tell whether one is true exactly where the other is false, whatever values they speak of."""
    match one, other:
        case (Not(part), _) if part == other:
            return True
        case (_, Not(part)) if part == one:
            return True
        case Test(), Test():
            words = {one.operator, other.operator}
            same = (one.path, one.values, one.relation, one.beside) == (other.path, other.values, other.relation, other.beside)
        case Each(), Each():
            words = {one.quantifier, other.quantifier}
            same = (one.path, one.part) == (other.path, other.part)
        case Related(), Related():
            words = {one.quantifier, other.quantifier}
            same = (one.kind, one.match, one.part) == (other.kind, other.match, other.part)
        case _:
            return False
    return same and any(words == set(pair) for pair in _OPPOSITES.items())


def _rank(truth: Truth) -> int:
    return {False: 0, None: 1, True: 2}[truth]


def _where(other: _Part, around: _Around) -> str:
    return f"on what `where` selects in {_line(other, around)}" if other.selects else f"beside {_line(other, around)}"


def _line(other: _Part, around: _Around) -> str:
    return f"line {around.document.line(other.at)}"


def _error(document: Document, at: Path_, message: str, hint: str | None = None) -> Problem:
    return Problem(document.place(at), Level.ERROR, message, hint)


def _warning(document: Document, at: Path_, message: str, hint: str | None = None) -> Problem:
    return Problem(document.place(at), Level.WARNING, message, hint)
