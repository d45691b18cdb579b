"""YAML files from people: read strictly, checked against a schema, and every complaint knows its line.

A file is untrusted input. Aliases, tags, duplicate keys and deep nesting are refused by looking at the stream of events, before
anything is built. Scalars follow the YAML 1.2 core schema: only `true` and `false` are booleans, so a project called NO stays text,
and a date stays text until the reader of that file says what it is.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

import msgspec
import yaml

from scanner.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 40
MAX_VALUES = 300_000

Path_ = tuple[str | int, ...]
Mark = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML file as plain values, and where in the file each of them stands."""

    name: str
    value: Any
    marks: dict[Path_, Mark] = field(repr=False, default_factory=dict)

    def line(self, path: Path_) -> int:
        """Return the line (from 1) of the value at `path`, or of its nearest parent."""
        while path not in self.marks and path:
            path = path[:-1]
        return self.marks.get(path, (1, 1))[0]

    def error(self, message: str, path: Path_ = (), *, hint: str | None = None) -> InputError:
        """Return the error to raise about the value at `path`."""
        where = f"{self.name}:{self.line(path)}"
        return InputError(f"{where}: {_dotted(path)}{message}", hint=hint)


def read(path: Path, schema: str) -> Document:
    """Read a YAML file and check it against the shipped schema of that name.

    Raises:
        InputError: The file is missing, not YAML, hostile, or not what the schema wants.
    """
    return checked(parse(_text(path), str(path)), schema)


def checked(document: Document, schema: str) -> Document:
    """Return the document, or raise what is wrong with it by the shipped schema of that name."""
    violation = _violation(_validator(schema), document.value)
    if violation is not None:
        raise _complaint(document, violation)
    return document


def parse(text: str, name: str) -> Document:
    """Turn YAML text into a document without checking it against any schema."""
    try:
        _refuse_hostile(text, name)
        node = _Loader(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = 1 if mark is None else mark.line + 1
        raise InputError(f"{name}:{line}: not valid YAML: {error.problem or error.context}") from error
    except yaml.reader.ReaderError as error:
        line = text.encode()[: error.position].count(b"\n") + 1
        raise InputError(f"{name}:{line}: not valid YAML: {error.reason} (#x{error.character:04x})") from error
    except UnicodeEncodeError as error:
        raise InputError(f"{name}: not valid Unicode text (character {error.start})") from error
    marks: dict[Path_, Mark] = {}
    value = None if node is None else _Builder(name, marks).build(node, ())
    return Document(name, value, marks)


def dump(value: object) -> str:
    """Write plain values as YAML that `parse` reads back the same."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


@cache
def schema(name: str) -> dict[str, Any]:
    """Return the shipped JSON Schema of that name (`config`, `policy`, ...)."""
    file = Path(__file__).parent / "schemas" / f"{name}.schema.json"
    return cast("dict[str, Any]", msgspec.json.decode(file.read_bytes()))


# ---------------------------------------------------------------------------------------------------------------- reading


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    if len(content) > MAX_BYTES:
        raise InputError(f"{path}: larger than {MAX_BYTES // 1024**2} MiB", hint="no file of this kind is; is it the right one?")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text (byte {error.start})") from error


def _refuse_hostile(text: str, name: str) -> None:
    depth = documents = values = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            raise _hostile(name, event, "aliases (*name) are not allowed", "write the value out where it is used")
        if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            raise _hostile(name, event, "anchors (&name) are not allowed", "write the value out where it is used")
        if (tag := getattr(event, "tag", None)) is not None:
            raise _hostile(
                name, event, f"the tag {_shown(tag)} is not allowed", "plain values only: text, numbers, true, false, lists, maps"
            )
        documents += isinstance(event, yaml.DocumentStartEvent)
        if documents > 1:
            raise _hostile(name, event, "a second document begins here (---)", "write one document a file")
        values += isinstance(event, yaml.NodeEvent)
        if values > MAX_VALUES:
            raise _hostile(name, event, f"more than {MAX_VALUES} values", "no file of this kind has so many; is it the right one?")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise _hostile(name, event, f"nested more than {MAX_DEPTH} deep", "flatten it")


def _hostile(name: str, event: yaml.Event, message: str, hint: str) -> InputError:
    line = event.start_mark.line + 1  # type: ignore[union-attr]  # events of the parser always have a mark
    return InputError(f"{name}:{line}: {message}", hint=hint)


class _Loader(yaml.CSafeLoader):
    """The C parser with the resolvers of the YAML 1.2 core schema."""

    yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, re.Pattern[str]]]]] = {}  # type: ignore[misc]  # as in the library


class _Dumper(yaml.SafeDumper):
    """Quotes what a YAML 1.1 reader would take for something else, so that other tools read our files the same."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002  the library's interface
        """Write a value out wherever it is used: `parse` refuses aliases."""
        return True


def _represent_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    # The library takes a rare line break for a space, unless it is escaped.
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if set(text) & set("\x85\u2028\u2029") else None)


_Dumper.add_representer(str, _represent_text)

# The patterns are ours, not a file's: `re` is safe here.
_RESOLVERS = (
    ("tag:yaml.org,2002:null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("tag:yaml.org,2002:bool", r"^(?:true|false)$", list("tf")),
    ("tag:yaml.org,2002:int", r"^[-+]?[0-9]{1,18}$", list("-+0123456789")),
    ("tag:yaml.org,2002:float", r"^[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?$", list("-+.0123456789")),
)
for _tag, _pattern, _first in _RESOLVERS:
    _Loader.add_implicit_resolver(_tag, re.compile(_pattern), _first)
    # The dumper knows YAML 1.1 and ours too: `09` and `1.5e3` are text to the one and numbers to the other.
    _Dumper.add_implicit_resolver(_tag, re.compile(_pattern), _first)


@dataclass(frozen=True, slots=True)
class _Builder:
    """Builds plain values from YAML nodes and notes where each stands."""

    name: str
    marks: dict[Path_, Mark]

    def build(self, node: yaml.Node, path: Path_) -> Any:  # noqa: ANN401  JSON border
        self.marks[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
        if isinstance(node, yaml.MappingNode):
            return dict(self._items(node, path))
        if isinstance(node, yaml.SequenceNode):
            return [self.build(child, (*path, index)) for index, child in enumerate(node.value)]
        return _scalar(node.tag, str(node.value))

    def _items(self, node: yaml.MappingNode, path: Path_) -> Iterator[tuple[str, Any]]:
        seen: set[str] = set()
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise InputError(f"{self.name}:{line}: a key must be text")
            key = str(key_node.value)
            if key in seen:
                raise InputError(f"{self.name}:{line}: {_dotted(path)}the key {key!r} is given twice", hint="keep one of them")
            seen.add(key)
            value = self.build(value_node, (*path, key))
            self.marks[(*path, key)] = (line, key_node.start_mark.column + 1)
            yield key, value


def _scalar(tag: str, text: str) -> str | float | bool | None:
    match tag:
        case "tag:yaml.org,2002:null":
            return None
        case "tag:yaml.org,2002:bool":
            return text == "true"
        case "tag:yaml.org,2002:int":
            return int(text)
        case "tag:yaml.org,2002:float":
            return float(text)
        case _:
            return text


# ------------------------------------------------------------------------------------------------------------- validation


@cache
def _validator(name: str) -> "Draft202012Validator":
    # Imported here: `--help` and the like need no schema, and this costs more than the rest of the start-up.
    from jsonschema import Draft202012Validator, FormatChecker  # noqa: PLC0415
    from jsonschema.validators import extend  # noqa: PLC0415

    formats = FormatChecker(formats=())
    formats.checks("date")(_is_date)
    # JSON Schema takes 8.0 for a whole number; Python does not wherever one is wanted.
    types = Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int)
    strict: type[Draft202012Validator] = extend(Draft202012Validator, type_checker=types)  # type: ignore[no-untyped-call]  # the library's
    return strict(schema(name), format_checker=formats)


def _is_date(value: object) -> bool:
    if not isinstance(value, str):
        return True  # its type is another rule's matter
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class _Violation:
    """What a schema has against a value: the rule, what the rule says, and the part of the schema it stands in."""

    path: Path_
    rule: str
    wants: Any
    value: Any
    subschema: dict[str, Any]
    message: str


def _violation(validator: "Draft202012Validator", value: object) -> _Violation | None:
    from jsonschema.exceptions import best_match  # noqa: PLC0415  see _validator

    error: Any = best_match(validator.iter_errors(value))
    if error is None:
        return None
    subschema = error.schema if isinstance(error.schema, dict) else {}
    return _Violation(tuple(error.absolute_path), error.validator, error.validator_value, error.instance, subschema, error.message)


def _complaint(document: Document, violation: _Violation) -> InputError:
    path, value, wants = violation.path, violation.value, violation.wants
    hint = violation.subschema.get("description")
    match violation.rule:
        case "additionalProperties" if isinstance(value, dict):
            known = violation.subschema.get("properties", {})
            unknown = next(key for key in value if key not in known)
            return document.error(f"unknown key {unknown!r}", (*path, unknown), hint=did_you_mean(unknown, known))
        case "required":
            missing = next(key for key in wants if key not in value)
            meaning = violation.subschema.get("properties", {}).get(missing, {}).get("description")
            return document.error(f"the key {missing!r} is missing", path, hint=f"{missing}: {meaning}" if meaning else None)
        case "type":
            return document.error(f"{_shown(value)} is not {_wanted(wants)}", path, hint=hint)
        case "enum":
            known = [str(choice) for choice in wants]
            return document.error(f"{_shown(value)} is not one of {', '.join(known)}", path, hint=did_you_mean(str(value), known))
        case "format":
            return document.error(f"{_shown(value)} is not a {wants} (YYYY-MM-DD)", path, hint=hint)
        case "pattern":
            return document.error(f"{_shown(value)} does not look right", path, hint=hint)
        case "maxLength":
            return document.error(f"longer than {wants} characters", path, hint=hint)
        case "minItems" | "maxItems":
            bound = "at least" if violation.rule == "minItems" else "at most"
            return document.error(f"wants {bound} {wants} of them, and there are {len(value)}", path, hint=hint)
        case "anyOf":
            known = [str(choice) for form in wants for choice in form.get("enum", ())]
            near = did_you_mean(value, known) if isinstance(value, str) and known else None
            return document.error(f"{_shown(value)} does not fit here", path, hint=near or hint)
        case _:
            return document.error(_shortened(violation.message), path, hint=hint)


def _wanted(types: str | list[str]) -> str:
    words = {
        "object": "a map",
        "array": "a list",
        "string": "text",
        "integer": "a whole number",
        "number": "a number",
        "null": "null",
    }
    names = [types] if isinstance(types, str) else types
    return " or ".join(words.get(name, "true or false") for name in names)


def _shown(value: object) -> str:
    return _shortened(json.dumps(value, ensure_ascii=False))


def _shortened(text: str, limit: int = 120) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _dotted(path: Path_) -> str:
    text = ""
    for step in path:
        # A message is one line, whatever a key holds.
        text += f"[{step}]" if isinstance(step, int) else f".{step if step.isprintable() else repr(step)}"
    return f"{text.lstrip('.')}: " if text else ""
