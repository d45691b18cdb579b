"""The HTML report with 100,000 findings: small, quick and exact. The seconds are measured in `benchmarks/report.py`."""

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest
from playwright.sync_api import expect

from benchmarks.report import ACTS, timed
from scanner.model import Finding
from scanner.render.html import render
from tests import samples
from tests.opened import Opened, Opener, opening

NUMBER = 100_000
REPORT = samples.many_report(NUMBER)
FINDINGS = REPORT.findings
PAGE = render(REPORT)


@pytest.fixture(scope="module")
def opener(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opener]:
    with opening(tmp_path_factory.mktemp("pages"), {"many": PAGE}) as started:
        yield started


@pytest.fixture(scope="module")
def page(opener: Opener) -> Opened:
    """Return the page that all tests here share: each leaves it without a filter."""
    return opener("many")


@pytest.fixture(autouse=True)
def _unfiltered(page: Opened) -> Iterator[None]:
    yield
    clear = page.page.locator("#clear")
    if clear.is_visible():
        clear.click()


def test_the_file_is_small() -> None:
    assert len(PAGE.encode()) < 3_000_000


def test_the_page_has_few_elements_however_many_findings_there_are(page: Opened) -> None:
    assert page.page.evaluate("document.querySelectorAll('*').length") < 30_000
    assert page.page.locator("#grid .row").count() < 60
    assert page.shown() <= 250


def test_the_numbers_are_those_of_the_report(page: Opened) -> None:
    total = sum(REPORT.counts().values(), Counter())
    chips = page.page.locator(".chip[data-filter=verdict]").all()
    told = {each.get_attribute("data-value"): int(each.locator(".n").inner_text().replace(",", "")) for each in chips}
    assert told == dict(total)
    assert page.status() == "100,000 findings"
    assert page.rows() == NUMBER


def test_the_end_of_the_table_can_be_reached(page: Opened) -> None:
    opener = page.page.locator("#grid [tabindex='0'].opener")
    opener.focus()
    page.page.keyboard.press("End")
    expect(page.page.locator("#grid .row:has(.opener:focus)")).to_have_attribute("aria-rowindex", str(NUMBER + 1))
    page.page.keyboard.press("Home")
    expect(page.page.locator("#grid .row:has(.opener:focus)")).to_have_attribute("aria-rowindex", "2")


def test_a_filter_leaves_what_it_should(page: Opened) -> None:
    page.page.locator(".chip.unknown").click()
    page.page.locator(".door a", has_text="Identity").click()
    doors = {policy.id: policy.door for policy in REPORT.policies}
    assert page.rows() == sum(each.word == "unknown" and doors[each.policy] == "identity" for each in FINDINGS)
    sections = {each.policy for each in FINDINGS if each.word == "unknown" and doors[each.policy] == "identity"}
    assert page.shown(".policy") == len(sections)


def test_a_policy_says_what_matches_and_has_no_card_here(page: Opened) -> None:
    policy = "identity/two-step-verification"
    page.page.locator("[data-select=policy]").select_option(index=1 + [each.id for each in REPORT.policies].index(policy))
    page.page.locator(".chip.fail").click()
    number = sum(each.policy == policy and each.word == "fail" for each in FINDINGS)
    assert page.rows() == number
    cards = page.shown()
    assert page.page.locator(".elsewhere:visible").inner_text() == f"{number - cards:,} more that match are in the table above."


def test_a_search_finds_what_stands_anywhere_in_a_finding(page: Opened) -> None:
    page.page.locator("#search").fill("Novák acme-labs")
    wanted = sum(all(word in said_of(each) for word in ("novák", "acme-labs")) for each in FINDINGS)
    assert page.rows() == wanted


def said_of(finding: Finding) -> str:
    """Return all that a finding says, in small letters."""
    seen = (str(each.value) for each in finding.evidence)
    clauses = (f"{each.actual} {each.wanted} {each.address} {each.why}" for each in finding.clauses)
    return "\n".join((finding.address, finding.name, finding.message, finding.hint or "", *seen, *clauses)).lower()


def test_the_csv_of_a_view_holds_all_of_it(page: Opened) -> None:
    page.page.locator(".chip.waived").click()
    with page.page.expect_download() as download:
        page.page.locator("#csv").click()
    rows = list(csv.DictReader(Path(download.value.path()).read_text(encoding="utf-8").splitlines(), strict=True))
    wanted = [each for each in FINDINGS if each.word == "waived"]
    assert Counter((row["policy"], row["address"]) for row in rows) == Counter((each.policy, each.address) for each in wanted)


def test_a_finding_opens_by_its_address_though_a_filter_hides_it(page: Opened) -> None:
    finding = next(each for each in reversed(FINDINGS) if each.word == "pass" and each.address.startswith("jsm."))
    page.page.locator(".chip.fail").click()
    here = page.page.url.partition("#")[0]
    page.page.goto(f"{here}#finding/{finding.policy}/{finding.address}")
    expect(page.page.locator("#grid .card .address code")).to_have_text(finding.address)
    assert page.rows() == NUMBER


@pytest.mark.parametrize("act", ACTS)
def test_what_a_reader_does_takes_less_than_to_open_the_page(page: Opened, act: str) -> None:
    """Beside work of others on the machine, a ratio is what holds; each is a fifth or less on an idle one."""
    opening_took = page.page.evaluate("performance.getEntriesByName('ready')[0].startTime")
    assert median(timed(page.page, ACTS[act]) for _ in range(3)) < opening_took


def test_axe_finds_no_serious_barrier(page: Opened) -> None:
    page.page.locator("#search").fill("novák")
    page.page.locator("#grid .opener").first.click()
    assert page.barriers("#findings") == []
