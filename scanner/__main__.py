"""The program: one boundary between errors for people and bugs."""

import os
import sys
from pathlib import Path


def main() -> None:
    """Run the command line. Errors that somebody can mend are two lines on stderr; only bugs show a traceback."""
    from scanner.cli import cli  # noqa: PLC0415  so that `python -m scanner` fails here, inside the boundary
    from scanner.errors import AtlascanError  # noqa: PLC0415

    if sys.stderr is None:  # closed: nobody wants to hear anything
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  it stays open to the end
    try:
        cli(prog_name="atlascan")
    except AtlascanError as error:
        sys.stderr.write(f"error: {_harmless(str(error))}\n")
        if error.hint:
            sys.stderr.write(f" hint: {_harmless(error.hint)}\n")
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # Whoever read our output has seen enough.
        sys.stderr.close()
        sys.exit(0)


def _harmless(text: str) -> str:
    """Return text that a terminal only shows: a message may quote a file, and a file may hold escapes."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


if __name__ == "__main__":
    main()
