"""Write reports: to files that appear whole or not at all, and to the terminal."""

import os
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scanner.cli import pipeline
from scanner.cli.options import STDOUT, Output
from scanner.errors import WorkError
from scanner.model import Drift, Report
from scanner.render import formats

if TYPE_CHECKING:
    from scanner.render.text import Page


def write(report: Report, outputs: Sequence[Output]) -> None:
    """Write the report in each format; on the terminal too, unless a format goes there.

    Raises:
        WorkError: A file could not be written.
    """
    _write(report, [(output, formats.load(output.format, output.templates)(report)) for output in outputs])
    if all(output.path != STDOUT for output in outputs):
        show(report)


def write_drift(drift: Drift, outputs: Sequence[Output], *, whole: bool) -> None:
    """Write drift in each format; on the terminal too, unless a format goes there. Text is cut short unless it is to be `whole`.

    Raises:
        WorkError: A file could not be written.
    """
    from scanner.render.drift import formats, text  # noqa: PLC0415  see scanner.render.formats

    _write(drift, [(output, formats.load(output.format, whole=whole)(drift)) for output in outputs])
    if all(output.path != STDOUT for output in outputs):
        show_page(text.page(drift, whole=whole))


def conclude(result: Report | Drift, outputs: Sequence[Output]) -> None:
    """Say why the exit code is what it is, where the text on standard output has not said so as its last line."""
    if any(output.path == STDOUT and output.format != "text" for output in outputs):
        pipeline.say(_conclusion(result))


def show(report: Report) -> None:
    """Show the report on the terminal, or as plain text in a pipe."""
    from scanner.render import text  # noqa: PLC0415  see scanner.render.formats

    show_page(text.renderable(report))


def show_page(page: "Page") -> None:
    """Show lines on the terminal, or as plain text in a pipe."""
    from scanner.render import text  # noqa: PLC0415  see scanner.render.formats

    if not sys.stdout.isatty():
        to_stdout(text.plain(page))
        return
    from rich.console import Console  # noqa: PLC0415

    Console().print(page)


def to_stdout(text: str) -> None:
    """Write text to standard output as UTF-8, whatever the locale.

    Whoever reads it may stop when they have seen enough, as `head` does. That changes no exit code: a gate stays closed.
    """
    content = text.encode("utf-8", "replace")
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(content if content.endswith(b"\n") else content + b"\n")
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # So that the interpreter does not fail at flushing the rest when it ends (Python's documentation, "Note on SIGPIPE").
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def write_pieces(output: Output, pieces: Iterable[str]) -> None:
    """Write text, piece by piece, to where an output goes.

    Raises:
        WorkError: It could not be written.
    """
    if output.path != STDOUT:
        to_file(Path(output.path), pieces)
        return
    for lines in pieces:
        to_stdout(lines)


def to_file(path: Path, text: str | Iterable[str]) -> None:
    """Write text, or pieces of it, to a file that takes the place of an older one only when it is whole.

    Raises:
        WorkError: It could not be written.
    """
    pieces = [text] if isinstance(text, str) else text
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            with path.open("w", encoding="utf-8", errors="replace", newline="\n") as device:
                device.writelines(pieces)  # a pipe or a device takes it as it comes
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        # mkstemp makes a file that only its owner may read: a report names people and open doors.
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise WorkError(f"{path}: cannot be written: {error.strerror}") from error
    unfinished = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace", newline="\n") as file:
            file.writelines(pieces)
        unfinished.replace(path)
    except OSError as error:
        raise WorkError(f"{path}: cannot be written: {error.strerror}") from error
    finally:
        unfinished.unlink(missing_ok=True)


# ---------------------------------------------------------------------------------------------------------------- private


def _write(result: Report | Drift, rendered: Sequence[tuple[Output, str]]) -> None:
    for number, (output, text) in enumerate(rendered):
        if output.path == STDOUT:
            to_stdout(text)
            continue
        try:
            to_file(Path(output.path), text)
        except WorkError as error:
            written = ", ".join(each.path for each, _ in rendered[:number]) or "nothing"
            raise WorkError(str(error), hint=f"written before that: {written}; the gate: {_conclusion(result)}") from error


def _conclusion(result: Report | Drift) -> str:
    return f"exit code {result.gate.exit_code}: {result.gate.because}"
