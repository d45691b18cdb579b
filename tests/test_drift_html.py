"""Drift as a page: everything is text, nothing is fetched, it reads without a script, and in a browser it filters."""

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from lxml import html as lxml_html
from playwright.sync_api import expect

from scanner.model import Effect
from scanner.render.drift.html import SHOWN, render
from scanner.render.drift.told import counted, entries
from tests import drifts
from tests.opened import Opened, Opener, opening

DRIFTS = {"drift": drifts.drift(), "empty": drifts.empty(), "hostile": drifts.hostile(), "many": drifts.many(10_000)}
PAGES = {name: render(whole) for name, whole in DRIFTS.items()}


@pytest.fixture(params=PAGES, name="name")
def _name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def parsed(page: str) -> lxml_html.HtmlElement:
    return lxml_html.document_fromstring(page)


def data_of(page: str) -> Any:  # noqa: ANN401  JSON
    [data] = [each for each in parsed(page).iter("script") if each.get("id") == "data"]
    return json.loads(zlib.decompress(base64.b64decode(str(data.text))))


def read(element: lxml_html.HtmlElement) -> str:
    """Return what a reader reads, a space between any two things."""
    return " ".join(" ".join(map(str, element.itertext())).split())


def elements(page: str) -> Iterator[lxml_html.HtmlElement]:
    """Yield every element of a page, those of the cards that the script will show too."""
    yield from parsed(page).iter("*")
    for card in data_of(page)["cards"][:1_000]:
        yield from lxml_html.fragment_fromstring(card).iter("*")


# ---------------------------------------------------------------------------------------------------------------- the markup


def test_hostile_text_is_only_ever_text(name: str) -> None:
    tags = {"script", "style", "iframe", "object", "embed", "base", "form", "img", "a"}
    found = [each for each in elements(PAGES[name]) if each.tag in tags]
    assert [each.tag for each in found] == ["style", "a", "script", "script"]
    assert found[1].get("href") == "#changes"
    for each in elements(PAGES[name]):
        assert not [attribute for attribute in each.attrib if str(attribute).startswith("on") or attribute in ("style", "src")]


def test_the_policy_for_content_allows_our_style_and_script_only(name: str) -> None:
    [policy] = [str(each.get("content")) for each in parsed(PAGES[name]).iter("meta") if each.get("http-equiv")]
    for element in ("style", "script"):
        [ours] = re.findall(rf"<{element}>(.*?)</{element}>", PAGES[name], re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(ours.encode()).digest()).decode()
        assert f"{element}-src 'sha256-{digest}';" in policy
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy


def test_hostile_text_is_shown() -> None:
    text = " ".join(map(read, parsed(PAGES["hostile"]).iter("article")))
    assert "<script>alert(1)</script>" in text
    assert "[U+202E]moc.elpmaxe" in text


def test_both_dates_coverages_and_limits_are_in_the_markup() -> None:
    text = read(parsed(PAGES["drift"]))
    for said in (
        "Before 2026-05-16 06:04 UTC",
        "After 2026-06-15 06:04 UTC",
        "4 read, not the whole , 1 gap",
        *DRIFTS["drift"].limits,
    ):
        assert said in text


def test_every_card_is_in_the_data_once_and_the_first_are_in_the_markup_too(name: str) -> None:
    cards = data_of(PAGES[name])["cards"]
    assert len(cards) == len(list(entries(DRIFTS[name])))
    in_markup = list(parsed(PAGES[name]).iter("article"))
    assert len(in_markup) == min(len(cards), SHOWN)
    if len(cards) > SHOWN:
        assert f"{len(cards) - SHOWN:,} more are shown where scripts may run" in PAGES[name]


def test_a_card_shows_both_sides_of_a_fact_and_who_may_have_changed_it() -> None:
    first = read(next(parsed(PAGES["drift"]).iter("article")))
    for said in (
        "pass -> fail",
        "approval_required true null",
        "products empty list jira-software",
        "Mallory Ito, 2026-06-12 06:04 UTC",
    ):
        assert said in first


def test_ten_thousand_changes_make_a_page_of_less_than_a_megabyte() -> None:
    assert len(PAGES["many"].encode()) < 1_000_000


# --------------------------------------------------------------------------------------------------------------- in a browser


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opener]:
    with opening(tmp_path_factory.mktemp("pages"), PAGES) as opener:
        yield opener


def names(page: Opened) -> list[str]:
    return page.page.locator("#list .name").all_text_contents()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_it_fits_and_nothing_goes_wrong(opened: Opener, name: str, width: int, scheme: str) -> None:
    page = opened(name, width=width, scheme=scheme)
    assert page.page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert page.status().endswith(" changes")


def test_nothing_stands_in_anybodys_way(opened: Opener) -> None:
    for name in ("drift", "empty"):
        assert opened(name).barriers() == []


def test_what_opened_comes_first_and_a_counter_filters(opened: Opener) -> None:
    page = opened("drift")
    assert names(page)[:3] == ["Any domain", "People (HR)", "FIN"]
    page.page.locator(".counter.closed").click()
    assert page.status() == "1 of 11 changes"
    assert names(page) == ["confluence"]
    expect(page.page).to_have_url(f"{page.page.url.partition('#')[0]}#effect=closed")
    page.page.locator("#clear").click()
    assert page.status() == "11 changes"


def test_each_chip_counts_what_it_leaves(opened: Opener) -> None:
    page = opened("drift")
    numbers = {effect: number for effect, number in counted(entries(DRIFTS["drift"])).items() if number}
    assert [*numbers] == [effect for effect in numbers if effect in Effect]
    for effect, number in numbers.items():
        chip = page.page.locator(f".chip.{effect}")
        assert chip.inner_text().endswith(str(number))
        chip.click()
        assert len(names(page)) == number
        chip.click()


def test_a_kind_a_policy_and_a_severity_filter_together_and_an_address_keeps_them(opened: Opener) -> None:
    page = opened("drift", "#kind=jsm.customer_permissions&policy=jsm%2Fpublic-signup-off&severity=high&effect=opened,gone")
    assert names(page) == ["People (HR)", "FIN", "OLD"]
    page.page.locator("[data-select=policy]").select_option(label="any")
    assert page.status() == "3 of 11 changes"


def test_a_slash_starts_a_search_and_escape_ends_it(opened: Opener) -> None:
    page = opened("drift")
    page.page.keyboard.press("/")
    page.page.keyboard.type("mallory APPROVAL")
    assert names(page) == ["Any domain"]
    page.page.locator("#search").fill("no such thing")
    assert page.page.locator("#no-match").is_visible()
    page.page.keyboard.press("Escape")
    assert page.status() == "11 changes"


def test_ten_thousand_changes_open_filter_and_follow_as_one_reads(opened: Opener) -> None:
    page = opened("many")
    assert page.page.evaluate("performance.getEntriesByName('ready')[0].startTime") < 10_000
    drawn = page.page.locator("#list article")
    before = drawn.count()
    assert before < 1_000
    page.page.evaluate("scrollTo(0, document.body.scrollHeight)")
    expect(drawn).not_to_have_count(before)
    page.page.locator("#search").fill("desk number 777")
    assert page.status() == "19 of 10,000 changes"
    assert all("777" in each for each in names(page))


def test_it_reads_without_a_script(opened: Opener) -> None:
    page = opened("many", script=False)
    assert page.page.locator("article").count() == SHOWN
    assert not page.page.locator("#search").is_visible()
    assert page.page.locator("#more").is_visible()
