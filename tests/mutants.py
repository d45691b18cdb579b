"""Mutants of the shipped policies: each has one small mistake in it, which the policy's own examples have to notice.

`python -m tests.mutants` prints how many they notice, and which they do not.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Final, NamedTuple

from scanner import documents, kinds, policies
from scanner.cli.proof import proofs
from scanner.conditions import QUANTIFIERS, RELATIONS
from scanner.documents import Document, Path_
from scanner.errors import InputError
from scanner.kinds import KINDS
from scanner.model import Policy


class _Gone:
    """What stands at a place after it was left out."""


GONE: Final = _Gone()


class Edit(NamedTuple):
    """A change to a policy file: what is replaced, how the change reads, and by what."""

    at: Path_
    change: str
    new: Any

    def __str__(self) -> str:
        return f"{_dotted(self.at)}: {self.change}"


@dataclass(frozen=True, slots=True)
class Mutant:
    """A policy with one mistake in it."""

    mistake: str
    policy: Policy

    def survives(self) -> bool:
        """Tell whether all examples come out as they say and all fixes mend, mistake or no mistake."""
        return not any(proof.problem for proof in proofs(self.policy))


def mutants(policy: Policy) -> Iterator[Mutant]:
    """Yield all mutants of a policy that can be read."""
    document = documents.load(policy.file)
    entry = _bare(document.value)
    for edit in edits(entry):
        try:
            mutant = policies.parse(Document(document.name, edited(entry, edit), document.marks), policy.id)
        except InputError:
            continue
        yield Mutant(str(edit), replace(mutant, examples=policy.examples))


def edits(entry: Mapping[str, Any]) -> Iterator[Edit]:
    """Yield the mistakes that there could be in the conditions and the defaults of a policy file."""
    for key in ("where", "require", "settled_by"):
        if key in entry:
            yield from _of_condition(entry[key], (key,))
    yield from (Edit((key,), "left out", GONE) for key in ("where", "settled_by") if key in entry)
    steps = entry["severity"]["raise"] if isinstance(entry["severity"], dict) else []
    for index, step in enumerate(steps):
        yield Edit(("severity", "raise", index), "left out", GONE)
        yield from _of_condition(step["when"], ("severity", "raise", index, "when"))
    for name, param in entry.get("params", {}).items():
        yield from _of_value(param.get("default"), ("params", name, "default"))


def edited(value: Any, edit: Edit) -> Any:  # noqa: ANN401  whatever YAML holds
    """Return a value with an edit made; what the edit does not touch is shared with the original."""
    if not edit.at:
        return edit.new
    step, *rest = edit.at
    changed = value.copy()
    if rest:
        changed[step] = edited(value[step], edit._replace(at=tuple(rest)))
    elif edit.new is GONE:
        del changed[step]
    else:
        changed[step] = edit.new
    return changed


# ---------------------------------------------------------------------------------------------------------------- private

_OPPOSITES = {
    "equals": "not_equals",
    "in": "not_in",
    "contains": "excludes",
    "at_least": "at_most",
    "older_than": "newer_than",
    "domain_in": "domain_not_in",
}
_OPPOSITES |= {opposite: word for word, opposite in _OPPOSITES.items()}
# What has no opposite, and is negated instead.
_NEGATED = ("matches", "subset_of", "within", "readable")
# What takes true or false.
_FLIPPED = ("null", "empty")

# Value -> the other values of the facts that may have it.
_FACTS = [fact for kind in KINDS.values() for each in kinds.paths(kind).values() for fact in (each, *each.items.values())]
_SIBLINGS = {
    value: sorted({*chain(*(fact.values for fact in _FACTS if value in fact.values))} - {value})
    for value in chain(*(fact.values for fact in _FACTS))
}


def _bare(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return a policy file without its examples, which no edit touches, and without bounds, which would refuse other defaults."""
    params = {
        name: {key: value for key, value in param.items() if key != "bound"} for name, param in entry.get("params", {}).items()
    }
    return {**entry, "params": params, "examples": []}


def _of_condition(value: dict[str, Any], at: Path_) -> Iterator[Edit]:
    match value:
        case {"all": parts}:
            yield Edit(at, "any for all", {"any": parts})
            yield from _of_parts(parts, (*at, "all"))
        case {"any": parts}:
            yield Edit(at, "all for any", {"all": parts})
            yield from _of_parts(parts, (*at, "any"))
        case {"first_known": parts}:
            yield Edit(at, "any for first_known", {"any": parts})
            yield Edit(at, "in the other order", {"first_known": parts[::-1]})
            yield from _of_parts(parts, (*at, "first_known"))
        case {"not": part}:
            yield Edit(at, "without its not", part)
            yield from _of_condition(part, (*at, "not"))
        case {"count": counted}:
            yield from _of_choice(counted, (*at, "count"))
            yield from _of_words(value, at)
        case _:
            yield from _of_choice(value, at)
            yield from _of_words(value, at)


def _of_parts(parts: list[dict[str, Any]], at: Path_) -> Iterator[Edit]:
    for index, part in enumerate(parts):
        yield Edit((*at, index), "left out", GONE)
        yield from _of_condition(part, (*at, index))


def _of_choice(value: dict[str, Any], at: Path_) -> Iterator[Edit]:
    """Yield the edits of what narrows down the resources of another kind, or the items of a list."""
    for theirs in value.get("match", {}):
        yield Edit((*at, "match", theirs), "left out", GONE)
    if "where" in value:
        yield Edit((*at, "where"), "left out", GONE)
        yield from _of_condition(value["where"], (*at, "where"))


def _of_words(value: dict[str, Any], at: Path_) -> Iterator[Edit]:
    """Yield the edits of operators, quantifiers and bounds, and of what stands behind them."""
    for word, operand in value.items():
        if word in QUANTIFIERS:
            yield from (_other(value, at, word, other) for other in QUANTIFIERS if other != word)
            yield from _of_condition(operand, (*at, word))
        elif word in _OPPOSITES:
            yield _other(value, at, word, _OPPOSITES[word])
            yield from _of_value(operand, (*at, word))
        elif word in _NEGATED:
            yield Edit(at, f"not {word}", {"not": value})
            yield from _of_value(operand, (*at, word))
        elif word in _FLIPPED:
            yield from _of_value(operand, (*at, word))
        elif word == "percent_of":
            yield Edit((*at, word), "left out", GONE)
        if word.startswith("domain_"):
            others = RELATIONS.keys() - {value.get("as", "exact")}
            yield from (Edit((*at, "as"), relation, relation) for relation in sorted(others))


def _other(value: dict[str, Any], at: Path_, word: str, other: str) -> Edit:
    return Edit(at, f"{other} for {word}", {other if key == word else key: each for key, each in value.items()})


def _of_value(value: Any, at: Path_) -> Iterator[Edit]:  # noqa: ANN401  whatever YAML holds
    match value:
        case bool():
            yield Edit(at, str(not value).lower(), not value)
        case int():
            yield from (Edit(at, str(other), other) for other in (value - 1, value + 1))
        case str():
            number, _, unit = value.partition(" ")
            spans = [f"{int(number) + step} {unit}" for step in (-1, 1)] if number.isdecimal() else []
            yield from (Edit(at, other, other) for other in (*spans, *_SIBLINGS.get(value, ())))
        case {"facts": _}:
            yield from _of_choice(value, at)
        case list():
            for index, each in enumerate(value):
                yield Edit((*at, index), "left out" if isinstance(each, dict) else f"{each} left out", GONE)
                yield from _of_value(each, (*at, index))


def _dotted(at: Path_) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in at).lstrip(".")


def main() -> None:
    """Print how many mutants each policy notices, and which it does not."""
    made = noticed = 0
    for policy in policies.load().values():
        tried = list(mutants(policy))
        survivors = [mutant for mutant in tried if mutant.survives()]
        made, noticed = made + len(tried), noticed + len(tried) - len(survivors)
        sys.stdout.write(f"{policy.id}: {len(tried) - len(survivors)} of {len(tried)}\n")
        sys.stdout.writelines(f"    survives: {mutant.mistake}\n" for mutant in survivors)
    sys.stdout.write(f"{noticed} of {made} mutants are noticed: {100 * noticed / made:.1f} %\n")


if __name__ == "__main__":
    main()
