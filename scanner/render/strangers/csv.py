"""Strangers as CSV: a row for each sign that somebody shows, and for each of which that could not be told; the oldest first.

Cells are made harmless as in `scanner.render.csv`.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from itertools import islice

from scanner.people import SIGNS, Person, Shown, Strangers
from scanner.render.csv import cell

COLUMNS = (
    "account_id",
    "name",
    "email",
    "verdict",
    "door",
    "sign",
    "because",
    "added_to_org",
    "status",
    "claim_status",
    "management_source",
    "apps",
)
# So many people are written at a time.
_AT_A_TIME = 500


def render(strangers: Strangers) -> Iterator[str]:
    """Yield the rows, with a header; `verdict` is `fail` for a sign that somebody shows, and `unknown` where that is not known."""
    yield _written([COLUMNS])
    everybody = strangers.everybody()
    while people := list(islice(everybody, _AT_A_TIME)):
        yield _written(row for person in people for row in _rows(person))


# ---------------------------------------------------------------------------------------------------------------- private


def _written(rows: Iterable[Sequence[str]]) -> str:
    file = StringIO(newline="")
    csv.writer(file, lineterminator="\r\n").writerows([cell(each) for each in row] for row in rows)
    return file.getvalue()


def _rows(person: Person) -> Iterator[tuple[str, ...]]:
    for verdict, all_shown in (("fail", person.signs), ("unknown", person.untold)):
        for shown in all_shown:
            yield _row(person, shown, verdict)


def _row(person: Person, shown: Shown, verdict: str) -> tuple[str, ...]:
    return (
        person.id,
        person.name,
        person.email or "",
        verdict,
        SIGNS[shown.sign].door,
        shown.sign,
        shown.because,
        person.added_to_org.isoformat() if person.added_to_org else "",
        person.status or "",
        person.claim_status or "",
        person.management_source or "",
        "; ".join(person.apps or ()),
    )
