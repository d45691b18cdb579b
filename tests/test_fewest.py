"""What the fewest requests are is worked out for every endpoint, with the page that is really asked for."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from scanner.collect.endpoint import Endpoint, Pager
from scanner.collect.tables import ENDPOINTS

PAGE = Path(__file__).parent.parent / "docs" / "collection.md"
SIZES = ("maxResults", "limit", "pageSize")


class Row(NamedTuple):
    asked: str
    largest: str
    formula: str


ROWS = [
    Row(*found) for found in re.findall(r"^\| `([^`]+)` \| ([^|]*)\| `([^`]+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
]
# Whoever asks for more than there is to have must not go on as if it had come.
GOES_ON_AFTER_WHAT_CAME = {Pager.START_AT, Pager.START, Pager.START_LINK}
# What is looked at from outside lists nothing.
LISTED = [endpoint for endpoint in ENDPOINTS if endpoint.opt_in != "probe"]


def names(endpoint: Endpoint) -> Iterator[str]:
    yield endpoint.name
    if endpoint.detail:
        yield f"GET {endpoint.detail}"


def size(endpoint: Endpoint) -> str:
    sizes = [str(value) for name, value in {**endpoint.params, **endpoint.body}.items() if name in SIZES]
    return f"{int(sizes[0]):,}" if sizes else ""


def test_the_fewest_requests_are_worked_out_for_all_that_can_be_asked_and_for_nothing_else() -> None:
    assert sorted(row.asked for row in ROWS) == sorted(name for endpoint in LISTED for name in names(endpoint))


@pytest.mark.parametrize("endpoint", LISTED, ids=lambda endpoint: endpoint.name)
def test_the_page_that_is_asked_for_is_the_largest_there_is(endpoint: Endpoint) -> None:
    row = next(row for row in ROWS if row.asked == endpoint.name)
    if row.largest.startswith("as much as it gives"):
        assert size(endpoint) in ("1,000", "250")
        assert endpoint.pager in GOES_ON_AFTER_WHAT_CAME
    else:
        largest = re.match(r"\(?(\d[\d,]*\d)", row.largest)
        assert size(endpoint) == (largest.group(1) if largest else "")
