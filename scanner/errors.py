"""What can go wrong and is somebody's to mend; anything else is a bug and keeps its traceback.

AtlascanError
├── InputError      exit 2: a command line, a configuration, policy, waiver, attestation, snapshot or result file is wrong
└── WorkError       exit 3: the work could not be done (disk full, no network to record, ...)
"""

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file something stands: line and column from 1, and the path of the value, such as ("require", "equals")."""

    file: str
    line: int = 1
    column: int = 1
    path: tuple[str | int, ...] = ()


class AtlascanError(Exception):
    """An error for a person: what happened, to which thing; `hint` says what to do now."""

    exit_code: ClassVar[int] = 3

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class InputError(AtlascanError):
    """Something the user gave is wrong. Not a violation: bad input is never mistaken for a failing policy.

    Where the place is known, the message begins with it; `problem` is the message without.
    """

    exit_code = 2

    def __init__(self, problem: str, *, hint: str | None = None, place: Place | None = None) -> None:
        super().__init__(f"{place.file}:{place.line}: {problem}" if place else problem, hint=hint)
        self.problem = problem
        self.place = place


class WorkError(AtlascanError):
    """The input was right but the work could not be done."""


def did_you_mean(word: str, known: "Iterable[str]") -> str | None:
    """Return a hint that names the known word nearest to `word`, or lists the few that there are."""
    words = sorted(known)
    if near := get_close_matches(word, words, n=1, cutoff=0.6):
        return f"did you mean {near[0]!r}?"
    return f"known: {', '.join(words)}" if words and len(words) <= 12 else None  # noqa: PLR2004  a longer list helps nobody
