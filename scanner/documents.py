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
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

import msgspec
import yaml

from scanner.errors import InputError, Place, did_you_mean

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 40
MAX_VALUES = 300_000
# Schema -> how many values such a file holds at most. Whoever reads a policy builds a condition of it, and judges its examples.
_MAX_VALUES = {"policy": 20_000}
MAX_COMPLAINTS = 100
# So many complaints are looked at for those that matter most: a hostile file has one for each of its values.
_MAX_LOOKED_AT = 1000
_MAX_MESSAGE = 400

Path_ = tuple[str | int, ...]
Mark = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML file as plain values, and where in the file each of them stands."""

    name: str
    value: Any
    marks: dict[Path_, Mark] = field(repr=False, default_factory=dict)

    def place(self, path: Path_) -> Place:
        """Return where the value at `path` stands, or its nearest parent."""
        nearest = path
        while nearest not in self.marks and nearest:
            nearest = nearest[:-1]
        line, column = self.marks.get(nearest, (1, 1))
        return Place(self.name, line, column, path)

    def line(self, path: Path_) -> int:
        """Return the line (from 1) of the value at `path`, or of its nearest parent."""
        return self.place(path).line

    def error(self, message: str, path: Path_ = (), *, hint: str | None = None) -> InputError:
        """Return the error to raise about the value at `path`."""
        return InputError(_line(f"{_dotted(path)}{message}"), hint=_line(hint) if hint else None, place=self.place(path))


def read(path: Path, schema: str) -> Document:
    """Read a YAML file and check it against the shipped schema of that name.

    Raises:
        InputError: The file is missing, not YAML, hostile, or not what the schema wants.
    """
    return checked(load(path, schema), schema)


def checked(document: Document, schema: str) -> Document:
    """Return the document, or raise what is wrong with it by the shipped schema of that name."""
    for complaint in complaints(document, schema):
        raise complaint
    return document


def complaints(document: Document, schema: str) -> Iterator[InputError]:
    """Yield all that is wrong with a document by the shipped schema of that name, what matters most first."""
    said: set[str] = set()
    for violation in _violations(_validator(schema), document.value):
        for complaint in _complaints(document, violation):
            if str(complaint) not in said:
                said.add(str(complaint))
                yield complaint


def load(path: Path, schema: str | None = None) -> Document:
    """Read a YAML file that is to be checked against the schema of that name later, or against none.

    Raises:
        InputError: The file is missing, not YAML, or hostile.
    """
    return parse(_text(path), str(path), _MAX_VALUES.get(schema or "", MAX_VALUES))


def parse(text: str, name: str, max_values: int = MAX_VALUES) -> Document:
    """Turn YAML text into a document without checking it against any schema."""
    try:
        _refuse_hostile(text, name, max_values)
        node = _Loader(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(name) if mark is None else Place(name, mark.line + 1, mark.column + 1)
        raise InputError(f"not valid YAML: {error.problem or error.context}", place=place) from error
    except yaml.reader.ReaderError as error:
        place = Place(name, text.encode()[: error.position].count(b"\n") + 1)
        raise InputError(f"not valid YAML: {error.reason} (#x{error.character:04x})", place=place) from error
    except UnicodeEncodeError as error:
        raise InputError(f"{name}: not valid Unicode text (character {error.start})") from error
    marks: dict[Path_, Mark] = {}
    value = None if node is None else _Builder(name, marks).build(node, ())
    return Document(name, value, marks)


def dump(value: object) -> str:
    """Write plain values as YAML that `parse` reads back the same."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def dump_line(value: dict[str, Any] | list[Any]) -> str:
    """Write a map or a list as one line of YAML, such as `{path: enabled, equals: false}`."""
    text = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=float("inf"), default_flow_style=True)
    return text.rstrip("\n")


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


def _refuse_hostile(text: str, name: str, max_values: int) -> None:
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
        if values > max_values:
            raise _hostile(name, event, f"more than {max_values} values", "no file of this kind has so many; is it the right one?")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise _hostile(name, event, f"nested more than {MAX_DEPTH} deep", "flatten it")


def _hostile(name: str, event: yaml.Event, message: str, hint: str) -> InputError:
    mark = event.start_mark
    line, column = mark.line + 1, mark.column + 1  # type: ignore[union-attr]  # events of the parser always have a mark
    return InputError(message, hint=hint, place=Place(name, line, column))


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
            line, column = key_node.start_mark.line + 1, key_node.start_mark.column + 1
            place = Place(self.name, line, column, path)
            if not isinstance(key_node, yaml.ScalarNode):
                raise InputError("a key must be text", place=place)
            key = str(key_node.value)
            if key in seen:
                raise InputError(_line(f"{_dotted(path)}the key {key!r} is given twice"), hint="keep one of them", place=place)
            seen.add(key)
            value = self.build(value_node, (*path, key))
            self.marks[(*path, key)] = (line, column)
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


def _violations(validator: "Draft202012Validator", value: object) -> Iterator[_Violation]:
    from jsonschema.exceptions import best_match, relevance  # noqa: PLC0415  see _validator

    errors: list[Any] = sorted(islice(validator.iter_errors(value), _MAX_LOOKED_AT), key=relevance, reverse=True)
    for error in errors[:MAX_COMPLAINTS]:
        # Of a choice that fits in no form, what is wrong with the nearest form.
        nearest: Any = best_match([error])
        subschema = nearest.schema if isinstance(nearest.schema, dict) else {}
        yield _Violation(
            tuple(nearest.absolute_path),
            nearest.validator,
            nearest.validator_value,
            nearest.instance,
            subschema,
            nearest.message,
        )


def _complaints(document: Document, violation: _Violation) -> Iterator[InputError]:
    """Yield what is to be said of a violation: for each key that is unknown or missing, its own."""
    match violation.rule:
        case "additionalProperties" if isinstance(violation.value, dict):
            known = violation.subschema.get("properties", {})
            for unknown in (key for key in violation.value if key not in known):
                yield document.error(f"unknown key {unknown!r}", (*violation.path, unknown), hint=did_you_mean(unknown, known))
        case "required":
            for missing in (key for key in violation.wants if key not in violation.value):
                meaning = violation.subschema.get("properties", {}).get(missing, {}).get("description")
                hint = f"{missing}: {meaning}" if meaning else None
                yield document.error(f"the key {missing!r} is missing", violation.path, hint=hint)
        case _:
            yield _complaint(document, violation)


def _complaint(document: Document, violation: _Violation) -> InputError:
    path, value, wants = violation.path, violation.value, violation.wants
    hint = violation.subschema.get("description")
    match violation.rule:
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


def _line(text: str) -> str:
    """Return a text as one line of a length that can be read, whatever the file has put into it."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in _shortened(text, _MAX_MESSAGE))


def _dotted(path: Path_) -> str:
    text = ""
    for step in path:
        # A message is one line, whatever a key holds.
        text += f"[{step}]" if isinstance(step, int) else f".{step if step.isprintable() else repr(step)}"
    return f"{text.lstrip('.')}: " if text else ""
