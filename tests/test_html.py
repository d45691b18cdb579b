"""The HTML report: everything is text, nothing is fetched, and what a reader may press works in a real browser."""

import base64
import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from lxml import html as lxml_html
from playwright.sync_api import Browser, Dialog, Page, Route, expect

from scanner.model import Reason, Source, Verdict
from scanner.render.console import is_link
from scanner.render.html import render, shown, until, utc, visible
from scanner.shipped import shipped
from tests import samples
from tests.screenshot import browser as started_browser
from tests.screenshot import chromium

REPORTS = {
    "report": samples.report(),
    "compared": samples.compared_report(),
    "hostile": samples.hostile_report(),
    "empty": samples.empty_report(),
}
PAGES = {name: render(report) for name, report in REPORTS.items()}


@pytest.fixture(params=PAGES, name="name")
def _name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def parsed(page: str) -> lxml_html.HtmlElement:
    return lxml_html.document_fromstring(page)


def text_of(page: str) -> str:
    return " ".join(parsed(page).text_content().split())


# ---------------------------------------------------------------------------------------------------------------- the markup


def test_nothing_but_links_leads_out(name: str) -> None:
    document = parsed(PAGES[name])
    for element in document.iter("*"):
        for attribute in ("src", "href", "srcset", "action", "data", "poster", "{http://www.w3.org/1999/xlink}href"):
            value = element.get(attribute, "")
            assert element.tag == "a" or not value or value.startswith(("#", "data:image/svg+xml,")), (element.tag, value)
    style = document.findtext(".//style") or ""
    assert "url(" not in style
    assert "@import" not in style


def test_links_are_http_and_tell_nobody(name: str) -> None:
    for link in parsed(PAGES[name]).iter("a"):
        href = str(link.get("href"))
        assert href.startswith(("#", "https://", "http://")), href
        assert href.startswith("#") or link.get("rel") == "noopener noreferrer"


def test_links_within_the_page_lead_somewhere(name: str) -> None:
    document = parsed(PAGES[name])
    ids = [element.get("id") for element in document.iter("*") if element.get("id")]
    assert len(ids) == len(set(ids))
    for link in document.iter("a", "use"):
        href = str(link.get("href"))
        assert not href.startswith("#") or href[1:] in ids, href
    for element in document.xpath("//*[@aria-labelledby]"):
        assert element.get("aria-labelledby") in ids


def test_the_policy_for_content_allows_our_style_and_script_only(name: str) -> None:
    document = parsed(PAGES[name])
    [policy] = document.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    for element in ("style", "script"):
        [ours] = re.findall(rf"<{element}>(.*?)</{element}>", PAGES[name], re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(ours.encode()).digest()).decode()
        assert f"{element}-src 'sha256-{digest}';" in policy
    assert policy.startswith("default-src 'none'; ")
    assert policy.endswith("img-src data:; base-uri 'none'; form-action 'none'")
    assert "unsafe" not in policy


def test_hostile_text_is_only_ever_text(name: str) -> None:
    document = parsed(PAGES[name])
    assert [element.tag for element in document.iter("script", "style", "iframe", "object", "embed", "base", "form", "img")] == [
        "style",
        "script",
    ]
    for element in document.iter("*"):
        assert not [attribute for attribute in element.attrib if str(attribute).startswith("on") or attribute == "style"]


def test_hostile_text_adds_no_element_that_a_harmless_report_lacks() -> None:
    harmless = {element.tag for element in parsed(PAGES["report"]).iter("*")} | {
        element.tag for element in parsed(PAGES["empty"]).iter("*")
    }
    assert {element.tag for element in parsed(PAGES["hostile"]).iter("*")} <= harmless


def test_hostile_text_is_shown_in_full() -> None:
    text = text_of(PAGES["hostile"])
    for hostile in (*samples.HOSTILE, samples.LONG):
        assert " ".join(visible(hostile).split()) in text


def test_no_character_that_html_forbids_or_that_reorders_is_left(name: str) -> None:
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe]", PAGES[name])
    PAGES[name].encode()


def test_names_are_kept_apart_from_the_direction_of_what_is_around_them() -> None:
    document = parsed(PAGES["hostile"])
    for name in document.xpath("//*[contains(@class, 'name')]"):
        assert name.tag == "bdi"
    for code in document.xpath("//code[contains(@class, 'text')]"):
        assert code.get("dir") == "ltr"


def test_the_encoding_stands_first() -> None:
    assert re.match(r'<!doctype html>\s*<html lang="en">\s*<head>\s*<meta charset="utf-8">', PAGES["report"])


def test_headings_leave_out_no_level(name: str) -> None:
    levels = [int(element.tag[1]) for element in parsed(PAGES[name]).iter("h1", "h2", "h3", "h4", "h5", "h6")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels)), levels


def test_everything_the_report_knows_is_in_the_markup() -> None:
    report, text = REPORTS["report"], text_of(PAGES["report"])
    said = [report.gate.because[1:], report.profile, report.tool, report.snapshot.id, "2026-06-15 06:04 UTC"]
    for policy in report.policies:
        said += [policy.title, policy.id, policy.file, *policy.references]
        said += [control for controls in policy.controls.values() for control in controls]
        said += [step.replace("`", "") for step in (*policy.remediation, " ".join(policy.rationale.split()))]
    for finding in report.findings:
        said += [
            finding.name,
            finding.address,
            finding.message,
            (finding.hint or "").replace("`", ""),
            finding.severity_because or "",
        ]
        said += [clause.wanted for clause in finding.clauses]
        said += [" ".join(shown(evidence.value).split()) for evidence in finding.evidence]
    for coverage in report.snapshot.endpoints:
        said += [coverage.endpoint, f"{coverage.seconds:.1f}"]
    for gap in report.gaps:
        said += [gap.kind, gap.detail, gap.hint.replace("`", "")]
    for waiver in report.waivers:
        said += [waiver.state, waiver.reason, waiver.owner, waiver.approved_by, waiver.expires.isoformat(), waiver.ticket or ""]
        said += [waiver.because or ""]
    for attestation in report.attestations:
        said += [attestation.address, attestation.attested_by, attestation.attested_on.isoformat(), attestation.evidence or ""]
    assert [words for words in said if words not in text] == []
    assert "None" not in text.replace("None of this", "")


def test_counters_count_every_finding_once() -> None:
    numbers = parsed(PAGES["report"]).xpath("//*[@class='number']")
    assert [int(number.text_content()) for number in numbers] == [6, 5, 1, 6, 3]
    assert sum(int(number.text_content()) for number in numbers) == len(REPORTS["report"].findings)


def test_the_worst_comes_first() -> None:
    report = REPORTS["report"]
    only_passes = msgspec.structs.replace(
        report,
        findings=tuple(
            finding for finding in report.findings if finding.policy != samples.SIGNUP or finding.verdict is not Verdict.FAIL
        ),
    )
    titles = [" ".join(each.text_content().split()) for each in parsed(render(only_passes)).xpath("//article/header/h3")]
    assert titles[0] == "failing: Strangers cannot make themselves customers of a service desk"
    assert titles[-1] == "not applicable: Nobody joins by merely having an e-mail address"


def test_only_what_is_fine_is_folded() -> None:
    for group in parsed(PAGES["report"]).xpath("//details[contains(@class, 'group')]"):
        outcome = group.get("class").split()[1]
        assert ("open" in group.attrib) == (outcome in ("fail", "unknown", "waived"))


def test_consoles_are_those_of_the_organization_or_of_the_sites_that_findings_name() -> None:
    links = [link.get("href") for link in parsed(PAGES["report"]).xpath("//a[@class='button']")]
    assert f"https://admin.atlassian.com/o/{REPORTS['report'].snapshot.target.org}" in links
    assert "https://acme.atlassian.net/jira/projects" in links
    assert "https://acme-support.atlassian.net/jira/projects" in links
    assert not parsed(PAGES["hostile"]).xpath("//a[@class='button'][contains(@href, 'javascript')]")


def test_a_recording_says_so_near_the_title() -> None:
    report = REPORTS["report"]
    assert "recording" not in text_of(PAGES["report"]).partition("Policies at a glance")[0]
    recorded = msgspec.structs.replace(report, snapshot=msgspec.structs.replace(report.snapshot, recorded="the stand-in site"))
    assert "from a recording of the stand-in site" in text_of(render(recorded)).partition("As a gate")[0]


@pytest.mark.parametrize(
    ("code", "words"),
    [(0, "would let the pipeline go on"), (1, "would stop the pipeline."), (3, "what was not verified does not pass")],
)
def test_the_exit_code_is_said_in_words(code: int, words: str) -> None:
    report = REPORTS["report"]
    page = render(msgspec.structs.replace(report, gate=msgspec.structs.replace(report.gate, exit_code=code)))
    assert words in text_of(page)


def test_an_empty_report_claims_nothing() -> None:
    text = text_of(PAGES["empty"])
    assert "Nothing was judged at severity high or above." in text
    assert "nothing is proven" in text
    assert "The snapshot does not say what was read" in text


def test_a_snapshot_read_whole_says_so_and_a_list_that_ended_early_too() -> None:
    report = REPORTS["report"]
    whole = tuple(msgspec.structs.replace(each, complete=True, gaps=0) for each in report.snapshot.coverage)
    cut = (msgspec.structs.replace(whole[0], complete=False), *whole[1:])
    for coverage, words in ((whole, "every kind was read whole"), (cut, "Some lists ended early")):
        snapshot = msgspec.structs.replace(report.snapshot, coverage=coverage, endpoints=())
        assert words in text_of(render(msgspec.structs.replace(report, snapshot=snapshot, gaps=())))


def test_every_endpoint_is_listed_with_its_outcome_and_the_incomplete_ones_first() -> None:
    [table] = parsed(PAGES["report"]).xpath("//table[contains(@class, 'endpoints')]")
    rows = [[" ".join(cell.text_content().split()) for cell in row] for row in table.xpath("tbody/tr")]
    wanted = sorted(REPORTS["report"].snapshot.endpoints, key=lambda each: each.complete)
    assert [row[0].split(" ")[1] for row in rows] == [each.endpoint.split(" ")[1] for each in wanted]
    assert [row[1:] for row in rows] == [
        ["21", "14", "18", "2", "5", "42.0", "no"],
        ["0", "0", "0", "1", "0", "0.0", "no"],
        ["1", "1", "3", "0", "0", "0.2", "yes"],
        ["5", "2", "3", "0", "1", "3.5", "yes"],
        ["3", "3", "16", "0", "0", "1.1", "yes"],
    ]
    assert "3 of 5 were read whole; the others come first." in text_of(PAGES["report"])
    header = REPORTS["report"].snapshot
    whole = msgspec.structs.replace(header, endpoints=tuple(each for each in header.endpoints if each.complete))
    assert "All were read whole." in text_of(render(msgspec.structs.replace(REPORTS["report"], snapshot=whole)))


def test_an_endpoint_that_was_not_read_whole_is_never_called_in_sight() -> None:
    report = REPORTS["report"]
    kinds = tuple(msgspec.structs.replace(each, complete=True, gaps=0) for each in report.snapshot.coverage)
    snapshot = msgspec.structs.replace(report.snapshot, coverage=kinds)
    text = text_of(render(msgspec.structs.replace(report, snapshot=snapshot, gaps=())))
    assert "Some lists ended early" in text
    assert "every kind was read whole" not in text


def test_a_snapshot_from_before_endpoints_were_counted_says_that_it_names_none() -> None:
    report = REPORTS["report"]
    older = msgspec.structs.replace(report, snapshot=msgspec.structs.replace(report.snapshot, endpoints=()))
    assert "The snapshot names no endpoint that was asked." in text_of(render(older))


def test_every_reason_and_source_has_words() -> None:
    assert f"{len(Reason)} things could not be read" in text_of(PAGES["hostile"])
    for source in Source:
        assert f'class="source {source}"' in PAGES["report"].partition('id="sources"')[2]


def test_the_same_report_renders_the_same() -> None:
    assert render(REPORTS["hostile"]) == PAGES["hostile"]


def test_templates_of_a_user_come_first(tmp_path: Path) -> None:
    (tmp_path / "report.css").write_text("h1 { color: teal }\n", encoding="utf-8")
    page = render(REPORTS["report"], tmp_path)
    assert "<style>h1 { color: teal }\n</style>" in page
    assert shipped("reports").joinpath("report.js").read_text(encoding="utf-8") in page


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://acme.example/a?b=c#d", True),
        ("http://acme.example", True),
        ("HTTPS://acme.example", True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("//acme.example", False),
        ("https:", False),
        ("https://[", False),
        ("java\nscript:alert(1)", False),
        ("https://acme.example/\u202egpj.exe", False),
        ("evidence/invites.png", False),
    ],
)
def test_only_whole_web_addresses_become_links(text: str, expected: bool) -> None:
    assert is_link(text) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", "(empty text)"),
        ([], "(empty list)"),
        ({}, "(nothing)"),
        (None, "null"),
        (True, "true"),
        (1.5, "1.5"),
        (["a", "b"], "a, b"),
        ([{"a": 1, "b": None}, {"a": [2, 3]}], "a: 1, b: null\na: 2, 3"),
    ],
)
def test_a_fact_reads_as_one_would_say_it(value: object, expected: str) -> None:
    assert shown(value) == expected


def test_times_are_utc_and_days_are_counted_from_the_snapshot() -> None:
    assert utc(datetime(2026, 6, 15, 1, 30, tzinfo=timezone(timedelta(hours=5)))) == "2026-06-14 20:30 UTC"
    taken_at = datetime(2026, 6, 15, 23, tzinfo=UTC)
    assert [until(date(2026, 6, day), taken_at) for day in (13, 14, 15, 16, 20)] == [
        "ended 2 days earlier",
        "ended 1 day earlier",
        "last day",
        "1 day left",
        "5 days left",
    ]


# --------------------------------------------------------------------------------------------------------------- the browser


@pytest.fixture(scope="module", name="browser")
def _browser() -> Iterator[Browser]:
    if not chromium():
        reason = "THE HTML REPORT IS NOT TESTED IN A BROWSER: there is no chromium on PATH; install it, or set CHROMIUM"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with started_browser() as started:
        yield started


@dataclass
class Opened:
    """A page that was opened with the network off, and all that should not have happened there."""

    page: Page
    trouble: list[str] = field(default_factory=list)

    def shown(self, selector: str = ".finding") -> int:
        return self.page.locator(f"{selector}:visible").count()


@pytest.fixture(name="opened")
def _opened(browser: Browser, tmp_path: Path) -> Iterator["Opener"]:
    opener = Opener(browser, tmp_path)
    yield opener
    for each in opener.all:
        each.page.context.close()
        assert each.trouble == []


@dataclass
class Opener:
    browser: Browser
    folder: Path
    all: list[Opened] = field(default_factory=list)

    def __call__(self, name: str, fragment: str = "", width: int = 1280, scheme: str = "light", *, script: bool = True) -> Opened:
        file = self.folder / f"{name}.html"
        file.write_text(PAGES[name], encoding="utf-8")
        context = self.browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if scheme == "dark" else "light",
            java_script_enabled=script,
        )
        context.set_offline(True)
        opened = Opened(context.new_page())
        self.all.append(opened)

        def only_the_file(route: Route) -> None:
            if route.request.url.partition("#")[0] == file.as_uri():
                route.continue_()
            else:
                opened.trouble.append(f"asked for {route.request.url}")
                route.abort()

        context.route("**/*", only_the_file)

        def refuse(dialog: Dialog) -> None:
            opened.trouble.append(f"dialog: {dialog.message}")
            dialog.dismiss()

        page = opened.page
        page.on("console", lambda message: opened.trouble.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: opened.trouble.append(f"error: {error}"))
        page.on("dialog", refuse)
        page.goto(file.as_uri() + fragment)
        return opened


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400, 360])
def test_it_fits_asks_nothing_and_raises_nothing(opened: Opener, name: str, width: int, scheme: str, tmp_path: Path) -> None:
    page = opened(name, width=width, scheme=scheme).page
    picture = tmp_path / f"{name}-{scheme}-{width}.png"
    page.screenshot(path=picture, full_page=True)
    assert picture.stat().st_size > 10_000
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_a_counter_filters_and_the_address_keeps_it(opened: Opener) -> None:
    report = opened("report")
    report.page.locator(".counter.waived").click()
    assert report.page.url.endswith("#verdict=waived")
    assert report.shown() == report.shown(".finding.waived") == 1
    assert report.shown(".policy") == 1
    assert report.page.locator("#status").inner_text() == "1 of 21 findings"
    assert report.page.locator(".chip.waived").get_attribute("aria-pressed") == "true"
    report.page.locator(".chip.unknown").click()
    assert report.page.url.endswith("#verdict=waived,unknown")
    assert report.shown() == 6
    report.page.locator("#clear").click()
    assert "#" not in report.page.url
    assert report.shown() == 12


def test_what_is_folded_opens_for_a_filter_and_folds_again(opened: Opener) -> None:
    report = opened("report")
    assert report.shown(".finding.pass") == 0
    report.page.locator(".chip.pass").click()
    assert report.shown() == report.shown(".finding.pass") == 6
    report.page.locator(".chip.pass").click()
    assert report.shown(".finding.pass") == 0


def test_an_address_with_filters_restores_them(opened: Opener) -> None:
    report = opened("report", "#verdict=fail,nonsense&severity=critical&q=SUPPORT%40acme")
    assert report.page.locator("#search").input_value() == "SUPPORT@acme"
    assert report.shown() == 1
    assert not report.page.locator("#filtered").is_visible()
    report.page.emulate_media(media="print")
    assert report.page.locator("#filtered").is_visible()
    assert "1 of 21 findings are shown" in report.page.locator("#filtered").inner_text()


def test_a_slash_starts_a_search_and_what_matches_nothing_says_so(opened: Opener) -> None:
    report = opened("report")
    report.page.keyboard.press("/")
    report.page.keyboard.type("people (hr)")
    assert report.shown() == 1
    report.page.locator("#search").fill("no such thing")
    assert report.shown() == 0
    assert report.page.locator("#no-match").is_visible()


def test_a_link_to_what_is_hidden_relaxes_the_filters(opened: Opener) -> None:
    report = opened("report", "#verdict=waived")
    assert report.shown() == 1
    report.page.locator(".overview a").first.click()
    assert report.page.url.endswith("#policy/access/no-open-domain-signup")
    assert report.shown() == 12
    assert report.page.evaluate("document.activeElement.id") == "policy/access/no-open-domain-signup"


def test_a_link_to_a_folded_finding_unfolds_it(opened: Opener) -> None:
    finding = parsed(PAGES["report"]).xpath("//article[contains(@class, 'finding pass')]/@id")[0]
    report = opened("report", f"#{finding}")
    assert report.page.locator(f"[id='{finding}']").is_visible()


def test_everything_expands_and_collapses(opened: Opener) -> None:
    report = opened("report")
    report.page.locator("#toggle-all").click()
    assert report.shown() == len(REPORTS["report"].findings)
    report.page.locator("#toggle-all").click()
    assert report.shown() == 0


def test_an_address_is_copied(opened: Opener) -> None:
    report = opened("report")
    report.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    report.page.locator(".copy").first.click()
    expect(report.page.locator("#announce")).to_have_text("Address copied")
    assert report.page.evaluate("navigator.clipboard.readText()") == "org.access_domain/ANYONE"


def test_it_reads_without_a_script(opened: Opener) -> None:
    report = opened("report", script=False)
    assert report.shown() == 12
    assert report.shown(".js-only") == 0


@pytest.mark.parametrize("script", [True, False])
def test_on_paper_everything_is_open(opened: Opener, script: bool, tmp_path: Path) -> None:
    report = opened("report", script=script)
    report.page.emulate_media(media="print")
    assert report.shown(".tools") == 0
    heights = [report.page.locator(".finding.pass").nth(index).bounding_box() for index in range(6)]
    assert all(box and box["height"] > 40 for box in heights)
    report.page.pdf(path=tmp_path / "report.pdf")


def test_colours_have_enough_contrast(opened: Opener, name: str) -> None:
    for scheme in ("light", "dark"):
        page = opened(name, scheme=scheme).page
        page.locator("#toggle-all").click()
        assert page.evaluate(CONTRAST) == []


# WCAG 2.2, 1.4.3: every text against what is painted behind it; colours that are mixed by the browser come as color(srgb ...).
CONTRAST = """() => {
  const parse = (text) => {
    const numbers = text.match(/[\\d.]+/g).map(Number);
    if (text.startsWith("color(")) return [...numbers.slice(0, 3).map((part) => part * 255), numbers[3] ?? 1];
    return [...numbers.slice(0, 3), numbers[3] ?? 1];
  };
  const over = (front, back) => front.slice(0, 3).map((part, index) => part * front[3] + back[index] * (1 - front[3]));
  const behind = (element) => {
    const layers = [];
    for (let each = element; each; each = each.parentElement) layers.push(parse(getComputedStyle(each).backgroundColor));
    return layers.reverse().reduce((back, front) => over(front, back), [255, 255, 255]);
  };
  const luminance = (colour) => colour.slice(0, 3)
    .map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
  const poor = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !element.getClientRects().length || element.closest("script, .sr")) continue;
    const style = getComputedStyle(element);
    const back = behind(element);
    const front = over(parse(style.color), back);
    const [light, dark] = [luminance(front), luminance(back)].sort((a, b) => b - a);
    const ratio = (light + 0.05) / (dark + 0.05);
    if (ratio < 4.5) poor.add(`${element.tagName}.${element.className} ${ratio.toFixed(2)}`);
  }
  return [...poor];
}"""
