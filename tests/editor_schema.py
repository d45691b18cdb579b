"""The JSON Schema of policies for editors: the one that the loader checks by, with kinds, facts and conditions spelled out.

The loader says more exactly what is wrong with a condition than a schema can; an editor can only complete and check by a schema.
`python -m tests.reference` writes it, and a test compares it.
"""

from collections.abc import Iterable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import msgspec

from scanner import documents, kinds
from scanner.conditions import BESIDE, MAX_LIST, MAX_PATTERN, OPERATORS, PARAM_TYPES, QUANTIFIERS, RELATIONS, Operator
from scanner.kinds import KINDS, Fact

FILE = Path(__file__).parent.parent / "scanner" / "schemas" / "policy.editor.schema.json"

Schema = dict[str, Any]
CONDITION: Schema = {"$ref": "#/$defs/condition"}
KIND: Schema = {"$ref": "#/$defs/kind"}
PATH: Schema = {"$ref": "#/$defs/path"}
PARAM: Schema = {"$ref": "#/$defs/param"}
PARTS: Schema = {"type": "array", "minItems": 1, "items": CONDITION}
SCALAR: Schema = {"type": ["string", "number", "boolean", "null"]}
MATCH: Schema = {
    "description": "Which of them belong to the resource: a path of theirs, and one of ours that has the same value.",
    "type": "object",
    "propertyNames": PATH,
    "additionalProperties": PATH,
}
QUANTIFIED = {
    "some": "One at least meets this condition.",
    "every": "All meet this condition.",
    "none": "None meets this condition.",
}
SECOND_FACT = {"of": "The date that is counted from.", "percent_of": "The number of which the percentage is taken."}


def rendered() -> str:
    """Return the schema as the file has it."""
    return msgspec.json.format(msgspec.json.encode(schema()), indent=2).decode() + "\n"


def schema() -> Schema:
    """Return the loader's schema with kinds, facts and conditions spelled out."""
    whole = deepcopy(documents.schema("policy"))
    keys = whole["properties"]
    for key in ("where", "require", "settled_by"):
        keys[key] = _described(CONDITION, keys[key])
    steps = keys["severity"]["anyOf"][1]["properties"]["raise"]["items"]["properties"]
    steps["when"] = {**CONDITION, "description": "It is raised where this holds, and where that is not known."}
    keys["kind"] = _described(KIND, keys["kind"])
    keys["evidence"]["items"] = PATH
    example = keys["examples"]["items"]["properties"]
    for others in (example["with"], example["fix"]["properties"]["with"], keys["fix"]["properties"]["with"]):
        others["items"]["properties"]["kind"] = KIND
    whole["$defs"] = dict(_definitions())
    return whole


# ---------------------------------------------------------------------------------------------------------------- private


def _definitions() -> Iterator[tuple[str, Schema]]:
    yield "kind", {"anyOf": [{"const": kind.name, "title": kind.noun, "description": kind.meaning} for kind in KINDS.values()]}
    yield "path", {"description": "A fact of the kind, or a part of one.", "enum": sorted(_paths())}
    yield "param", _map({"param": {"type": "string", "description": "The name of a parameter of this policy."}}, ["param"])
    yield (
        "reference",
        _map(
            {"facts": KIND, "path": PATH, "where": CONDITION},
            ["facts", "path"],
            "Values of a fact of other resources: of all, or of some.",
        ),
    )
    yield from _conditions()
    names = ("all", "any", "not", "first_known", "test", "related", "count", "readable")
    yield "condition", {"anyOf": [{"$ref": f"#/$defs/{name}"} for name in names]}


def _conditions() -> Iterator[tuple[str, Schema]]:
    yield "all", _map({"all": {**PARTS, "description": "True if every part is."}}, ["all"])
    yield "any", _map({"any": {**PARTS, "description": "True if some part is."}}, ["any"])
    yield "not", _map({"not": {**CONDITION, "description": "True if this is false."}}, ["not"])
    first = "As true as the first part that is known. Only a severity may depend on it."
    yield "first_known", _map({"first_known": {**PARTS, "description": first}}, ["first_known"])
    yield (
        "readable",
        _map({"readable": {**KIND, "description": "True if the kind was read whole, false if it was refused."}}, ["readable"]),
    )
    yield "test", _test()
    quantified = {word: {**CONDITION, "description": QUANTIFIED[word]} for word in QUANTIFIERS}
    yield (
        "related",
        {
            **_map({"facts": KIND, "match": MATCH, **quantified}, ["facts"], "Resources of another kind meet a condition."),
            "oneOf": _one_of(QUANTIFIERS),
        },
    )
    yield "count", _count()


def _test() -> Schema:
    operators = {name: {**_takes(operator), "description": _manual(operator)} for name, operator in OPERATORS.items()}
    quantified = {word: {**CONDITION, "description": QUANTIFIED[word]} for word in QUANTIFIERS}
    relation = {"enum": list(RELATIONS), "description": "How two domains are held against each other; exact unless said."}
    others = {key: {**PATH, "description": SECOND_FACT[key]} for key in BESIDE}
    return {
        **_map({"path": PATH, **operators, **quantified, "as": relation, **others}, ["path"], "One fact is held against a value."),
        "oneOf": _one_of((*OPERATORS, *QUANTIFIERS)),
        "allOf": [
            _only_with("as", [name for name in OPERATORS if name.startswith("domain_")]),
            *(_only_with(key, names) for key, names in BESIDE.items()),
        ],
        "dependentRequired": {"within": ["of"]},
    }


def _count() -> Schema:
    where = {**CONDITION, "description": "Only those are counted that meet this."}
    bound = {"anyOf": [{"type": "integer"}, PARAM]}
    of_list = _map({"path": PATH, "where": where}, ["path"], "The items of a list.")
    of_kind = _map({"facts": KIND, "match": MATCH, "where": where}, ["facts"], "The resources of a kind.")
    bounds = {
        "at_least": {**bound, "description": "There are this many or more."},
        "at_most": {**bound, "description": "There are this many or fewer."},
    }
    counted = {"description": "What is counted.", "anyOf": [of_list, of_kind]}
    return {
        **_map({"count": counted, **bounds}, ["count"], "How many there are."),
        "anyOf": [{"required": ["at_least"]}, {"required": ["at_most"]}],
    }


def _takes(operator: Operator) -> Schema:
    param = [PARAM] if PARAM_TYPES[operator.takes] else []
    reference = {"$ref": "#/$defs/reference"}
    match operator.takes:
        case "list":
            items = {"anyOf": [SCALAR, PARAM, reference]}
            return {"anyOf": [{"type": "array", "maxItems": MAX_LIST, "items": items}, PARAM, reference]}
        case "scalar":
            return {"anyOf": [SCALAR, *param]}
        case "number":
            return {"anyOf": [{"type": "number"}, *param]}
        case "duration":
            return {"anyOf": [{"type": "string", "pattern": r"^\s*[0-9]{1,6}\s*[hdw]\s*$"}, *param]}
        case "pattern":
            return {"type": "string", "maxLength": MAX_PATTERN}
        case "bool":
            return {"type": "boolean"}
        case other:
            raise ValueError(other)


def _manual(operator: Operator) -> str:
    return " ".join((operator.bind.__doc__ or "").split())


def _map(properties: Schema, required: list[str], description: str | None = None) -> Schema:
    said = {"description": description} if description else {}
    return {**said, "type": "object", "additionalProperties": False, "required": required, "properties": properties}


def _one_of(keys: Iterable[str]) -> list[Schema]:
    return [{"required": [key]} for key in keys]


def _only_with(key: str, names: Iterable[str]) -> Schema:
    return {"if": {"required": [key]}, "then": {"anyOf": _one_of(names)}}


def _described(schema: Schema, loaders: Schema) -> Schema:
    return {**schema, "description": loaders["description"]}


def _paths() -> set[str]:
    return {path for kind in KINDS.values() for path in _below(kinds.paths(kind))}


def _below(facts: dict[str, Fact]) -> Iterator[str]:
    for path, fact in facts.items():
        yield path
        yield from _below(fact.items)
