"""The page of a history and the cover of a review in a browser: they ask for nothing, and everybody can read them."""

from collections.abc import Iterator
from datetime import date

import pytest

from scanner.render import cover
from scanner.render.history import html
from tests import samples
from tests.opened import Opener, opening
from tests.test_history import HISTORIES

LISTED = [cover.Listed(f"report/{text}", text, 7, "0" * 64) for text in ("report.html", *samples.HOSTILE)]
PAGES = {
    **{name: html.render(history) for name, history in HISTORIES.items()},
    "cover": cover.render(
        samples.hostile_report(),
        HISTORIES["hostile"],
        None,
        window=(date(2026, 7, 1), date(2026, 9, 30)),
        reviewer=samples.HOSTILE[0],
        files=LISTED,
        notes=samples.HOSTILE,
    ),
}


@pytest.fixture(scope="module")
def opener(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opener]:
    with opening(tmp_path_factory.mktemp("pages"), {name.replace(" ", "-"): page for name, page in PAGES.items()}) as opener:
        yield opener


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (380, "dark")])
def test_a_page_is_whole_without_network_and_has_no_barrier(opener: Opener, name: str, width: int, scheme: str) -> None:
    opened = opener(name.replace(" ", "-"), width=width, scheme=scheme, before="void 0")
    assert opened.page.locator("h1:visible").count() == 1
    assert opened.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "wider than the window"
    assert opened.barriers() == []
