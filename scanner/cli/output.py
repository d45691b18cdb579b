"""Write reports: to files that appear whole or not at all, and to the terminal."""

import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from scanner.cli import pipeline
from scanner.cli.options import STDOUT, Output
from scanner.errors import WorkError
from scanner.model import Drift, Report
from scanner.render import formats

if TYPE_CHECKING:
    from scanner.render.text import Page


class _ShutError(WorkError):
    """Something could not be written, and the gate is shut: of the two exit codes, 1 wins over 3."""

    exit_code = 1


def write(report: Report, outputs: Sequence[Output], *, is_gate: bool = True) -> None:
    """Write the report in each format; on the terminal too, unless a format goes there.

    Raises:
        WorkError: A file could not be written. If this is the gate, and it is shut, the exit code is 1.
    """
    with shut_first(report) if is_gate else nullcontext():
        _write(report, [(output, formats.load(output.format, output.templates)(report)) for output in outputs])
        if all(output.path != STDOUT for output in outputs):
            show(report)


def write_drift(drift: Drift, outputs: Sequence[Output], *, whole: bool) -> None:
    """Write drift in each format; on the terminal too, unless a format goes there. Text is cut short unless it is to be `whole`.

    Raises:
        WorkError: A file could not be written.
    """
    from scanner.render.drift import formats, text  # noqa: PLC0415  see scanner.render.formats

    with shut_first(drift):
        _write(drift, [(output, formats.load(output.format, whole=whole)(drift)) for output in outputs])
        if all(output.path != STDOUT for output in outputs):
            show_page(text.page(drift, whole=whole))


@contextmanager
def shut_first(result: Report | Drift) -> Iterator[None]:
    """If the gate is shut, let its exit code be that of an error, too: what could not be written does not hide it."""
    try:
        yield
    except WorkError as error:
        if result.gate.exit_code != _ShutError.exit_code:
            raise
        raise _ShutError(str(error), hint=error.hint or f"the gate: {_conclusion(result)}") from error


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

    if not is_terminal():
        to_stdout(text.plain(page))
        return
    from rich.console import Console  # noqa: PLC0415

    Console().print(page)


def is_terminal() -> bool:
    """Tell whether standard output is a terminal; one that is closed is not."""
    return sys.stdout is not None and sys.stdout.isatty()


def to_stdout(text: str) -> None:
    """Write text to standard output as UTF-8, whatever the locale.

    Whoever reads it may stop when they have seen enough, as `head` does. That changes no exit code: a gate stays closed.

    Raises:
        WorkError: It is closed, or takes nothing.
    """
    if sys.stdout is None:
        raise WorkError("standard output: cannot be written: it is closed")
    content = text.encode("utf-8", "replace")
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(content if content.endswith(b"\n") else content + b"\n")
        sys.stdout.buffer.flush()
    except OSError as error:
        # So that the interpreter does not fail at flushing the rest when it ends (Python's documentation, "Note on SIGPIPE").
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise WorkError(f"standard output: cannot be written: {error.strerror}") from error


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


def rewrite(file: Path, text: str) -> None:
    """Write a file that somebody keeps: whole or not at all, where a link leads, and readable for whom it was.

    Raises:
        WorkError: It could not be written.
    """
    target = file.resolve()
    mode = target.stat().st_mode if target.exists() else None
    to_file(target, text)
    if mode is not None:
        target.chmod(mode)


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
