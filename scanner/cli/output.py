"""Write reports: to files that appear whole or not at all, and to the terminal."""

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scanner.cli.options import Output
from scanner.errors import WorkError
from scanner.model import Report
from scanner.render import formats

if TYPE_CHECKING:
    from scanner.render.text import Page


def write(report: Report, outputs: Sequence[Output]) -> None:
    """Write the report in each format; on the terminal too, unless a format goes there.

    Raises:
        WorkError: A file could not be written.
    """
    rendered = [(output, formats.load(output.format)(report)) for output in outputs]
    for output, text in rendered:
        if output.path == "-":
            to_stdout(text)
        else:
            to_file(Path(output.path), text)
    if all(output.path != "-" for output in outputs):
        show(report)


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
    """Write text to standard output as UTF-8, whatever the locale."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    if not text.endswith("\n"):
        sys.stdout.buffer.write(b"\n")
    sys.stdout.buffer.flush()


def to_file(path: Path, text: str) -> None:
    """Write text to a file that takes the place of an older one only when it is whole.

    Raises:
        WorkError: It could not be written.
    """
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            path.write_text(text, encoding="utf-8", errors="replace")  # a pipe or a device takes it as it comes
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        # mkstemp makes a file that only its owner may read: a report names people and open doors.
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise WorkError(f"{path}: cannot be written: {error.strerror}") from error
    unfinished = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace", newline="\n") as file:
            file.write(text)
        unfinished.replace(path)
    except OSError as error:
        raise WorkError(f"{path}: cannot be written: {error.strerror}") from error
    finally:
        unfinished.unlink(missing_ok=True)
