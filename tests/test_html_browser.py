"""The HTML report in a real browser: what a reader may press works, nothing is fetched, and nothing stands in anybody's way."""

import csv
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Locator, expect
from pypdf import PdfReader

from scanner.model import Finding, Verdict
from scanner.render.html import render
from scanner.render.html_words import visible
from tests import samples
from tests.opened import Opener, opening

REPORTS = {
    "report": samples.report(),
    "compared": samples.compared_report(),
    "hostile": samples.hostile_report(),
    "empty": samples.empty_report(),
}
PAGES = {name: render(report) for name, report in REPORTS.items()}
# Seen in the sample report without any filter: what fails, is not known or is waived.
NEWS = 12


@pytest.fixture(scope="module", name="opener")
def _opener(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opener]:
    with opening(tmp_path_factory.mktemp("pages"), PAGES) as opener:
        yield opener


@pytest.fixture
def opened(opener: Opener) -> Iterator[Opener]:
    yield opener
    opener.close()


@pytest.mark.parametrize(
    ("name", "width", "scheme"), [*((name, 360, "light") for name in PAGES), ("report", 900, "dark"), ("hostile", 1280, "dark")]
)
def test_it_fits_and_nothing_goes_wrong(opened: Opener, name: str, width: int, scheme: str) -> None:
    report = opened(name, width=width, scheme=scheme)
    assert report.page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert report.page.locator("h1").is_visible()


# -------------------------------------------------------------------------------------------------------------- the filters


def test_a_counter_filters_and_the_address_keeps_it(opened: Opener) -> None:
    report = opened("report")
    report.page.locator(".counter.waived").click()
    expect(report.page).to_have_url(f"{report.page.url.partition('#')[0]}#verdict=waived")
    assert report.shown() == report.shown(".policy .finding.waived") == report.rows() == 1
    assert report.shown(".policy") == 1
    assert report.status() == "1 of 21 findings"
    assert report.page.locator(".chip.waived").get_attribute("aria-pressed") == "true"
    report.page.locator(".chip.unknown").click()
    assert report.shown() == report.rows() == 6
    report.page.locator("#clear").click()
    expect(report.page).to_have_url(report.page.url.partition("#")[0])
    assert report.shown() == NEWS
    assert report.rows() == len(REPORTS["report"].findings)


def test_each_filter_counts_what_it_would_leave(opened: Opener) -> None:
    report = opened("report")
    report.page.locator(".chip", has_text="critical").click()
    numbers = {each.split()[0]: int(each.split()[-1]) for each in report.page.locator(".chip").all_inner_texts()}
    for word in ("failing", "waived", "passing"):
        chip = report.page.locator(".chip", has_text=word)
        if numbers[word]:
            chip.click()
            assert report.rows() == numbers[word]
            chip.click()
        else:
            assert chip.is_disabled()


def test_a_door_filters(opened: Opener) -> None:
    report = opened("report")
    report.page.locator(".door a", has_text="Self-service customers").click()
    assert report.rows() == 6
    assert report.shown(".policy") == 1
    assert report.page.locator("[data-select=door]").input_value() != ""


def test_a_policy_a_control_an_area_and_a_source_filter_together(opened: Opener) -> None:
    report = opened("report", "#area=jsm&source=undocumented&control=cis-v8:6.1&site=acme")
    wanted = [
        finding
        for finding in REPORTS["report"].findings
        if finding.policy.startswith("jsm/") and finding.source == "undocumented" and "/acme/" in finding.address
    ]
    claims = {policy.id for policy in REPORTS["report"].policies if "6.1" in policy.controls.get("cis-v8", ())}
    assert report.rows() == len([finding for finding in wanted if finding.policy in claims]) > 0
    report.page.locator("[data-select=policy]").select_option(index=1)
    assert 0 < report.rows() <= len(wanted)


def test_a_whole_framework_filters(opened: Opener) -> None:
    report = opened("report", "#control=cis-v8")
    claims = {policy.id for policy in REPORTS["report"].policies if policy.controls.get("cis-v8")}
    assert report.rows() == sum(finding.policy in claims for finding in REPORTS["report"].findings)
    assert 0 < len(claims) < len(REPORTS["report"].policies)
    assert "any control" in report.page.locator("[data-select=control] option:checked").inner_text()


def test_what_is_new_is_found_from_what_changed(opened: Opener) -> None:
    report = opened("compared")
    report.page.locator("#baseline a", has_text="Known").click()
    assert report.rows() == 1
    assert report.page.locator("#grid .of-since .state").all_inner_texts() == ["known"]


def test_what_is_folded_opens_for_a_filter_and_folds_again(opened: Opener) -> None:
    report = opened("report")
    assert report.shown(".line") == 0
    report.page.locator(".chip.pass").click()
    assert report.shown(".line") == 6
    assert report.shown() == 0
    report.page.locator(".chip.pass").click()
    assert report.shown(".line") == 0


def test_an_address_with_filters_restores_them(opened: Opener) -> None:
    report = opened("report", "#verdict=fail,nonsense&severity=critical&q=SUPPORT%40acme&sort=-resource")
    assert report.page.locator("#search").input_value() == "SUPPORT@acme"
    assert report.shown() == report.rows() == 1
    assert report.page.locator("[aria-sort=descending]").inner_text() == "Resource"
    report.page.emulate_media(media="print")
    assert "1 of 21 findings match" in report.page.locator("#filtered").inner_text()


def test_a_slash_starts_a_search_and_escape_ends_it(opened: Opener) -> None:
    report = opened("report")
    report.page.keyboard.press("/")
    report.page.keyboard.type("people (hr)")
    assert report.names() == ["People (HR)"]
    assert report.shown() == 1
    report.page.locator("#search").fill("no such thing")
    assert report.shown() == 0
    assert report.page.locator("#no-match").is_visible()
    report.page.keyboard.press("Escape")
    assert report.rows() == 21


def test_every_word_of_a_search_is_looked_for_wherever_it_stands(opened: Opener) -> None:
    report = opened("report", "#q=editorial%20confluence")  # in the waiver, and in the address
    assert report.names() == ["User invites of Confluence"]


def test_a_link_to_what_is_hidden_relaxes_the_filters(opened: Opener) -> None:
    report = opened("report", "#verdict=waived")
    assert report.shown() == 1
    report.page.locator(".by-door a").first.click()
    assert "#policy/access/no-invites-allowed" in report.page.url
    report.page.locator(".by-door a", has_text="Strangers").click()
    assert report.page.url.endswith("#policy/jsm/public-signup-off")
    assert report.shown() == NEWS
    assert report.page.evaluate("document.activeElement.id") == "policy/jsm/public-signup-off"


def test_a_link_to_a_folded_finding_unfolds_it(opened: Opener) -> None:
    passing = next(finding for finding in REPORTS["report"].findings if finding.verdict is Verdict.PASS)
    place = f"finding/{passing.policy}/{passing.address}"
    report = opened("report", f"#{place}")
    assert report.page.locator(f"tr[id='{place}']").is_visible()


def test_everything_expands_and_collapses(opened: Opener) -> None:
    report = opened("report")
    report.page.locator("#toggle-all").click()
    assert report.shown(".policy [data-row]") == len(REPORTS["report"].findings)
    report.page.locator("#toggle-all").click()
    assert report.shown(".policy [data-row]") == 0


def test_an_address_is_copied(opened: Opener) -> None:
    report = opened("report")
    report.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    report.page.locator(".policy .copy").first.click()
    expect(report.page.locator("#announce")).to_have_text("Address copied")
    assert report.page.evaluate("navigator.clipboard.readText()") == "org.access_domain/ANYONE"


# ---------------------------------------------------------------------------------------------------------------- the table


def test_the_table_holds_every_finding_worst_first(opened: Opener) -> None:
    report = opened("report")
    words = report.page.locator("#grid .of-verdict .word").all_inner_texts()
    assert words == ["failing"] * 6 + ["could not be judged"] * 5 + ["waived"] + ["passing"] * 6 + ["not applicable"] * 3


@pytest.mark.parametrize(
    ("column", "first", "last"), [("resource", "Any domain", "خدمة الميدان"), ("severity", "Any domain", None)]
)
def test_a_column_sorts_both_ways(opened: Opener, column: str, first: str, last: str | None) -> None:
    report = opened("report")
    head = report.page.locator(f"[data-sort={column}]")
    head.click()
    names = report.names()
    assert names[0] == first
    assert head.locator("..").get_attribute("aria-sort") == "ascending"
    head.click()
    assert sorted(report.names()) == sorted(names)
    assert last is None or report.names()[0] == last
    assert head.locator("..").get_attribute("aria-sort") == "descending"


def test_the_keys_move_open_and_close(opened: Opener) -> None:
    report = opened("report")
    keyboard = report.page.keyboard
    report.page.locator("#grid [tabindex='0'].opener").focus()
    keyboard.press("ArrowDown")
    keyboard.press("ArrowDown")
    focused = report.page.locator(".opener:focus")
    assert focused.inner_text() == report.names()[2]
    keyboard.press("Enter")
    assert focused.get_attribute("aria-expanded") == "true"
    assert report.page.locator("#grid .card .finding").count() == 1
    keyboard.press("Escape")
    assert report.page.locator("#grid .card").count() == 0
    assert focused.inner_text() == report.names()[2]
    keyboard.press("End")
    assert focused.inner_text() == report.names()[-1]
    keyboard.press("Home")
    assert focused.inner_text() == report.names()[0]


def test_a_card_of_the_table_says_what_the_card_in_the_markup_says(opened: Opener) -> None:
    """Of a finding that neither fails nor could be judged there is no card in the markup."""
    for name, number in (("compared", NEWS), ("hostile", 4)):
        report = opened(name)
        cards = report.page.locator(".policy .finding").all()
        assert len(cards) >= number
        for card in cards[:: len(cards) // number]:
            row = card.get_attribute("data-row")
            place = card.get_attribute("id")
            report.page.evaluate("(row) => document.querySelector('#grid').scrollTo(0, row * 48)", int(row or 0))
            opener = report.page.locator(f"#grid .row[aria-rowindex='{int(row or 0) + 2}'] .opener")
            opener.click()
            same = report.page.locator("#grid .card .finding")
            assert same.locator(".address .self").get_attribute("href") == f"#{place}"
            assert said_by(same) == said_by(card)
            opener.press("Escape")


def said_by(card: Locator) -> str:
    """Return what a card says, but for the links that only one of the two needs."""
    text = card.evaluate(
        """(card) => {
          const copy = card.cloneNode(true);
          for (const each of copy.querySelectorAll(".message > a, .leads")) each.remove();
          return copy.textContent;
        }"""
    )
    return squeezed(str(text))


def test_a_card_leads_to_what_else_was_found_of_the_same_resource(opened: Opener) -> None:
    first, second, *_ = REPORTS["report"].findings
    findings = (first, second, msgspec.structs.replace(first, policy=samples.SIGNUP))
    opened.pages["twice"] = render(msgspec.structs.replace(REPORTS["report"], findings=findings))
    report = opened("twice", f"#policy={samples.INVITES}")
    report.page.locator("#grid .opener", has_text=first.name).click()
    report.page.get_by_role("link", name="1 more finding on this resource").click()
    expect(report.page.locator("#status")).to_have_text("2 of 3 findings")
    report.page.locator("#search").fill(second.name)
    report.page.locator("#grid .opener").click()
    assert report.page.locator("#grid .leads a").count() == 1


def test_a_finding_without_a_card_opens_in_the_table_by_its_address(opened: Opener) -> None:
    first = next(finding for finding in REPORTS["report"].findings if finding.policy == samples.PUBLIC_SIGNUP)
    many = ((f"{first.address}{number:03}", f"desk {number}") for number in range(90))
    findings = tuple(msgspec.structs.replace(first, address=address, name=name) for address, name in many)
    opened.pages["ninety"] = render(msgspec.structs.replace(REPORTS["report"], findings=findings))
    report = opened("ninety", f"#finding/{first.policy}/{first.address}077")
    assert report.page.locator("#grid .card h3").inner_text().split("\n")[-1] == "desk 77"
    report.page.goto(report.page.url.partition("#")[0] + f"#finding/{first.policy}/{first.address}088")
    expect(report.page.locator("#grid .card .address code")).to_have_text(f"{first.address}088")


# ------------------------------------------------------------------------------------------------------------------ the CSV


def downloaded(opened: Opener, name: str, fragment: str = "") -> list[dict[str, str]]:
    report = opened(name, fragment)
    with report.page.expect_download() as download:
        report.page.locator("#csv").click()
    text = Path(download.value.path()).read_bytes().decode()
    return list(csv.DictReader(StringIO(text, newline=""), strict=True))


def test_the_csv_holds_the_view_in_its_order(opened: Opener) -> None:
    rows = downloaded(opened, "report", "#verdict=waived,fail&sort=resource")
    assert [row["name"] for row in rows] == [
        "Any domain",
        "hr@acme.example",
        "jsm.customer_access/acme-support",
        "People (HR)",
        "support@acme.example",
        "User invites of Confluence",
        "User invites of Jira",
    ]
    [waived] = [row for row in rows if row["verdict"] == "waived"]
    assert waived["waiver_owner"] == "platform@acme.example"
    assert waived["policy"] == samples.INVITES
    assert waived["door"] == "invites"


def test_no_cell_of_the_csv_is_a_formula(opened: Opener) -> None:
    report = REPORTS["report"]
    names = ("=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)", "a;=1", ' "=1', "\uff1d1", "two\nlines", 'a "quote", a comma')
    findings = tuple(msgspec.structs.replace(report.findings[0], name=name, address=f"a/{name}") for name in names)
    opened.pages["formulas"] = render(msgspec.structs.replace(report, findings=findings))
    told = {row["name"] for row in downloaded(opened, "formulas")}
    assert told == {
        "'=cmd|' /C calc'!A0",
        "'+1",
        "'-1",
        "'@SUM(1)",
        "a;'=1",
        "' \"=1",
        "'\uff1d1",
        "two\nlines",
        'a "quote", a comma',
    }


# ------------------------------------------------------------------------------------------------------------- other readers


def test_it_reads_without_a_script(opened: Opener) -> None:
    report = opened("report", script=False)
    assert report.shown() == NEWS
    assert report.shown(".js-only") == 0
    report.page.locator(".door a").first.click()
    assert report.page.url.endswith("#door/invites")
    assert report.page.locator("tbody[id='door/invites']").is_visible()


def test_a_browser_that_cannot_open_the_data_says_so_and_shows_the_rest(opened: Opener) -> None:
    report = opened("report", before="delete window.DecompressionStream")
    expect(report.page.locator("#trouble")).to_be_visible()
    assert "lacks DecompressionStream" in report.page.locator("#trouble").inner_text()
    assert report.shown() == NEWS
    assert report.shown(".js-only") == 0


def test_on_paper_everything_is_open_and_somebody_signs(opened: Opener, tmp_path: Path) -> None:
    report = opened("report")
    report.page.emulate_media(media="print")
    assert report.shown(":is(.tools, .table, .contents)") == 0
    file = tmp_path / "report.pdf"
    report.page.pdf(path=file)
    text = squeezed("".join(page.extract_text() for page in PdfReader(file).pages))
    for finding in REPORTS["report"].findings:
        if finding.name.isascii():  # of others a PDF holds shapes
            assert squeezed(finding.name) in text
    for word in ("Sign-off", "Signature", "Remarks", "Self-servicecustomers"):
        assert word in text


def test_without_a_script_what_is_folded_is_on_paper_too(opened: Opener) -> None:
    report = opened("report", script=False)
    report.page.emulate_media(media="print")
    boxes = [each.bounding_box() for each in report.page.locator(".line").all()]
    assert len(boxes) == 9
    assert all(box and box["height"] > 15 for box in boxes)


def squeezed(text: str) -> str:
    """Return text without its spaces and line ends."""
    return "".join(text.split())


@pytest.mark.parametrize(
    ("name", "width", "scheme", "within"),
    [("report", 1280, "light", "html"), ("compared", 1280, "dark", "html"), ("hostile", 390, "light", "#findings")],
)
def test_axe_finds_no_serious_barrier(opened: Opener, name: str, width: int, scheme: str, within: str) -> None:
    report = opened(name, "#verdict=fail,unknown,waived", width=width, scheme=scheme)
    report.page.locator("#toggle-all").click()
    report.page.locator("#grid .opener").nth(1).click()
    assert report.barriers(within) == []
    assert report.poor_contrasts() == []


def test_a_hostile_name_is_text_in_the_table_and_in_its_card(opened: Opener) -> None:
    report = opened("hostile")
    texts = {finding.name for finding in REPORTS["hostile"].findings if not is_long(finding)}
    for text in sorted(texts):
        report.page.locator("#search").fill(visible(text))
        names = set(report.names())
        assert " ".join(visible(text).split()) in {" ".join(name.split()) for name in names}
    assert report.page.locator("#grid :is(script, img, iframe, style)").count() == 0


def is_long(finding: Finding) -> bool:
    return len(finding.name) > 200
