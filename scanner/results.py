"""Results, and drift: the files that `-f json` writes, read back, so that any other format can be rendered of them.

A file is untrusted input: bounded, checked against its schema in `schemas`, and consistent before anything sees it.
"""

import json
import math
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from scanner import documents
from scanner.documents import Document, Path_
from scanner.errors import InputError
from scanner.model import Drift, Report

FORMAT, DRIFT = "atlascan/result", "atlascan/drift"
VERSION = 1
MAX_BYTES = 256 * 1024 * 1024
MAX_DEPTH = 100

_EDITED = "the file was edited or cut after atlascan wrote it; scan again"
_OTHER = "give a file that atlascan wrote with -f json"


def load(path: Path) -> Report:
    """Read a result file.

    Raises:
        InputError: The file is missing, too large, not JSON, not a result of a known version, or contradicts itself.
    """
    return parse(_content(path), str(path))


def parse(content: bytes, name: str) -> Report:
    """Turn the content of a result file into the report it was written from; `name` is what errors call it.

    Raises:
        InputError: As `load` does.
    """
    document, report = _read(content, name, FORMAT, Report)
    _check_consistency(document, report)
    return report


def glance(path: Path) -> Report:
    """Read one result of many, whose verdicts are looked at: held against the nouns, in a fraction of the schema's time.

    Raises:
        InputError: As `load` does.
    """
    content = _content(path)
    try:
        about = msgspec.json.decode(content, type=_About)
        if (about.format, about.version) == (FORMAT, VERSION):
            report = msgspec.json.decode(content, type=Report)
            if _is_moment(report.snapshot.taken_at):
                return report
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    return parse(content, str(path))  # which says what is wrong with it


def load_drift(path: Path) -> Drift:
    """Read a file that `atlascan diff -f json` wrote.

    Raises:
        InputError: As `load` does.
    """
    return parse_drift(_content(path), str(path))


def parse_drift(content: bytes, name: str) -> Drift:
    """Turn the content of a drift file into the drift it was written from; `name` is what errors call it.

    Raises:
        InputError: As `load` does.
    """
    return _read(content, name, DRIFT, Drift)[1]


# ---------------------------------------------------------------------------------------------------------------- private

_Read = TypeVar("_Read", Report, Drift)


class _About(msgspec.Struct):
    format: str
    version: int


def _is_moment(time: datetime) -> bool:
    """Tell whether a time names its zone, and lies in the calendar wherever one is."""
    try:
        return time.tzinfo is not None and time.astimezone(UTC) == time
    except OverflowError:
        return False


def _read(content: bytes, name: str, format_: str, type_: type[_Read]) -> "tuple[_Document, _Read]":
    document = _Document(name, _decoded(content, name))
    _check_version(document, format_)
    _check_depth(document)
    try:
        documents.checked(document, format_.removeprefix("atlascan/"))
        return document, msgspec.convert(document.value, type_)
    except msgspec.ValidationError as error:
        raise InputError(f"{name}: {error}", hint=_EDITED) from error


class _Document(Document):
    """A JSON document, whose complaints name a JSON path in place of a line."""

    __slots__ = ()

    def error(self, message: str, path: Path_ = (), *, hint: str | None = None) -> InputError:
        return InputError(f"{self.name}: {_json_path(path)}: {message}", hint=hint)


def _json_path(path: Path_) -> str:
    text = "$"
    for step in path:
        plain = isinstance(step, str) and step.isascii() and step.isidentifier()
        text += f".{step}" if plain else f"[{json.dumps(step)}]"
    return text


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    if len(content) > MAX_BYTES:
        hint = "atlascan writes no result this large; is it the right file?"
        raise InputError(f"{path}: larger than {MAX_BYTES // 1024**2} MiB", hint=hint)
    return content


def _decoded(content: bytes, name: str) -> Any:  # noqa: ANN401  JSON border
    try:
        return json.loads(content.decode("utf-8-sig"), object_pairs_hook=_object, parse_float=_finite, parse_constant=_not_a_number)
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: not UTF-8 text (byte {error.start})", hint=_OTHER) from error
    except json.JSONDecodeError as error:
        raise InputError(f"{name}:{error.lineno}: not valid JSON: {error.msg}", hint=_OTHER) from error
    except ValueError as error:  # a key given twice, or a number that is none or has thousands of digits
        raise InputError(f"{name}: not acceptable JSON: {error}", hint=_OTHER) from error
    except RecursionError as error:
        raise InputError(f"{name}: nested more than {MAX_DEPTH} deep", hint=_OTHER) from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        [(twice, _)] = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"the key {twice!a} is given twice")
    return value


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {text} is out of range")
    return number


def _not_a_number(text: str) -> float:
    raise ValueError(f"{text} is not a number")


def _check_version(document: Document, format_: str) -> None:
    value = document.value
    if not isinstance(value, dict) or value.get("format") != format_:
        raise document.error(f"this is no {format_.removeprefix('atlascan/')} of atlascan", hint=_OTHER)
    version = value.get("version")
    if version != VERSION or isinstance(version, bool):
        shown = ascii(version) if isinstance(version, int | float | str) else "that"
        hint = "read it with the atlascan that wrote it, or scan again"
        raise document.error(f"this atlascan reads version {VERSION}, not {shown}", ("version",), hint=hint)


def _check_depth(document: Document) -> None:
    """Refuse what would be too deep to be written again. Level by level, because a recursion is what it guards against."""
    level = [document.value]
    for _ in range(MAX_DEPTH):
        level = [child for value in level for child in _children(value)]
        if not level:
            return
    raise document.error(f"nested more than {MAX_DEPTH} deep", hint=_EDITED)


def _children(value: Any) -> Iterator[Any]:  # noqa: ANN401  JSON border
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return (item for item in items if isinstance(item, dict | list))


def _check_consistency(document: Document, report: Report) -> None:
    """Refuse a policy that stands there twice, applied or left out, and a finding of a policy that does not stand there."""
    known: set[str] = set()
    left_out = [policy.id for policy in report.left_out]
    applied = [policy.id for policy in report.policies]
    for key, ids in (("left_out", left_out), ("policies", applied)):
        for index, id_ in enumerate(ids):
            if id_ in known:
                raise document.error(f"the policy {id_!a} is given twice", (key, index, "id"), hint=_EDITED)
            known.add(id_)
    known.difference_update(left_out)
    for index, finding in enumerate(report.findings):
        if finding.policy not in known:
            raise document.error(f"there is no policy {finding.policy!a}", ("findings", index, "policy"), hint=_EDITED)
