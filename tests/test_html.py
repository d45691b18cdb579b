"""The HTML report as it is written: everything is text, nothing is fetched, and what has to be read stands in the markup."""

import base64
import hashlib
import json
import re
import zlib
from collections import Counter
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from lxml import html as lxml_html

from scanner.doors import DOORS
from scanner.model import Reason, Source, Verdict
from scanner.render.console import is_link
from scanner.render.html import render
from scanner.render.html_words import shown, until, utc, visible
from scanner.shipped import shipped
from tests import samples

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
    """Return what a reader reads: neither style nor script."""
    document = parsed(page)
    for element in document.xpath("//style | //script"):
        element.drop_tree()
    return " ".join(document.text_content().split())


def data_of(page: str) -> Any:  # noqa: ANN401  JSON
    [packed] = parsed(page).xpath("//script[@id='data']/text()")
    return json.loads(zlib.decompress(base64.b64decode(packed)))


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
        [ours] = re.findall(rf"<{element}>(.*?)</{element}>", PAGES[name], re.DOTALL)  # the data has a type, and is not run
        digest = base64.b64encode(hashlib.sha256(ours.encode()).digest()).decode()
        assert f"{element}-src 'sha256-{digest}';" in policy
    assert policy.startswith("default-src 'none'; ")
    assert policy.endswith("img-src data:; base-uri 'none'; form-action 'none'")
    assert "unsafe" not in policy


def test_hostile_text_is_only_ever_text(name: str) -> None:
    document = parsed(PAGES[name])
    told = [element.tag for element in document.iter("script", "style", "iframe", "object", "embed", "base", "form", "img")]
    assert told == ["style", "script", "script"]
    [data, ours] = document.iter("script")
    assert data.get("type") == "application/octet-stream"  # which no browser runs
    assert re.fullmatch(r"[A-Za-z0-9+/]+=*", data.text)
    assert not ours.attrib
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
        if finding.verdict in (Verdict.FAIL, Verdict.UNKNOWN):
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


# ----------------------------------------------------------------------------------------------- the doors and what was scanned


def with_verdicts(policy: str, *verdicts: Verdict, waived: bool = False) -> str:
    """Render the realistic report with nothing but such findings of one policy."""
    report = REPORTS["report"]
    first = next(finding for finding in report.findings if finding.policy == policy)
    waiver = next(finding.waiver for finding in report.findings if finding.waiver) if waived else None
    findings = tuple(
        msgspec.structs.replace(
            first, verdict=verdict, waiver=waiver if verdict is Verdict.FAIL else None, address=f"{first.address}{number}"
        )
        for number, verdict in enumerate(verdicts)
    )
    return render(msgspec.structs.replace(report, findings=findings))


def standing(page: str, door: str) -> str:
    [place] = parsed(page).xpath(f"//li[contains(@class, 'door')][.//*[@data-value='{door}']]")
    [words] = place.xpath(".//*[@class='standing']/text()")
    [picture] = place.xpath(".//use[starts-with(@href, '#door-')]/@href")
    assert place.get("class") == f"door {picture.removeprefix('#door-')}"
    return str(words)


PASS, FAIL, UNKNOWN, NOTAPPLICABLE = Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN, Verdict.NOTAPPLICABLE


@pytest.mark.parametrize(
    ("verdicts", "waived", "words"),
    [
        ((PASS, PASS), False, "closed"),
        ((PASS, NOTAPPLICABLE), False, "closed"),
        ((PASS, UNKNOWN), False, "not known"),
        ((PASS, UNKNOWN, FAIL), False, "open"),
        ((PASS, FAIL), True, "open, excused"),
        ((UNKNOWN, FAIL), True, "not known"),
        ((NOTAPPLICABLE,), False, "not looked at"),
        ((), False, "not looked at"),
    ],
)
def test_a_door_is_never_drawn_closed_over_what_fails_or_is_not_known(
    verdicts: tuple[Verdict, ...], waived: bool, words: str
) -> None:
    assert standing(with_verdicts(samples.PUBLIC_SIGNUP, *verdicts, waived=waived), "customers") == words


def test_there_is_a_picture_of_each_door_in_the_order_of_the_doors() -> None:
    places = parsed(PAGES["report"]).xpath("//li[starts-with(@class, 'door ')]")
    assert [place.xpath("string(.//*[@class='title'])") for place in places] == [door.title for door in DOORS.values()]
    assert "1 more policy guards no door" in text_of(PAGES["report"])


def test_what_passes_but_is_not_listed_still_counts_for_its_door() -> None:
    report = REPORTS["report"]
    policies = tuple(msgspec.structs.replace(each, unlisted={"pass": 79_000}) for each in report.policies)
    page = render(msgspec.structs.replace(report, policies=policies, findings=()))
    assert standing(page, "customers") == "closed"
    assert "and 395000 more that pass, not listed" in text_of(page).lower()


def test_a_door_says_who_stands_in_it_and_how_many_more() -> None:
    report = REPORTS["report"]
    first = next(finding for finding in report.findings if finding.policy == samples.PUBLIC_SIGNUP)
    findings = tuple(msgspec.structs.replace(first, name=f"desk {number}", address=f"a/{number}") for number in range(1_234))
    text = text_of(render(msgspec.structs.replace(report, findings=findings)))
    assert "In it: desk 0, desk 1, desk 10 and 1,231 more" in text


def test_a_result_from_before_policies_named_doors_draws_none() -> None:
    report = REPORTS["report"]
    older = tuple(msgspec.structs.replace(each, door=None) for each in report.policies)
    page = render(msgspec.structs.replace(report, policies=older))
    assert not parsed(page).xpath("//*[@id='doors']")
    assert "Nobody joins by merely having an e-mail address" in text_of(page)


def test_areas_are_drawn_by_their_shares() -> None:
    [bar] = parsed(PAGES["report"]).xpath("//table[@class='areas']/tbody/tr[th//a/@data-value='attestation']//svg")
    shares = [(each.get("class"), float(each.get("x")), float(each.get("width"))) for each in bar]
    assert shares == [("fail", 0.0, 25.0), ("pass", 25.0, 75.0)]


def test_what_was_scanned_is_listed_and_what_is_not_whole_says_so() -> None:
    [section] = parsed(PAGES["report"]).xpath("//section[@id='inventory']")
    numbers = {
        " ".join(each.findtext("dt/bdi").split()): " ".join(each.find("dd").text_content().split())
        for each in section.xpath(".//dl/div")
    }
    assert numbers == {
        "approved domain": "3",
        "domain": "3",
        "user invites setting": "≥ 3",
        "customer access setting": "≥ 1",
        "customer permissions": "≥ 3",
        "e-mail channel": "≥ 4",
    }


def test_the_digest_of_the_policies_changes_with_a_parameter_and_with_a_version_only() -> None:
    report = REPORTS["report"]

    def digest(**changes: Any) -> str:  # noqa: ANN401  of a policy
        policies = (msgspec.structs.replace(report.policies[0], **changes), *report.policies[1:])
        [told] = parsed(render(msgspec.structs.replace(report, policies=policies))).xpath(
            "//footer//div[dt[contains(., 'SHA-256')]]/dd//text()[normalize-space()]"
        )
        return str(told)

    assert re.fullmatch("[0-9a-f]{64}", digest())
    assert digest() == digest(title="another")
    assert len({digest(), digest(version=9), digest(params={"days": 30}), digest(params={"days": 31})}) == 4


# ------------------------------------------------------------------------------------------------------- the data of the table


def test_the_data_counts_what_the_report_counts(name: str) -> None:
    data, report = data_of(PAGES[name]), REPORTS[name]
    words = [data["outcomes"][number][0] for number in data["findings"]["outcome"]]
    ids = [data["policies"][number]["id"] for number in data["findings"]["policy"]]
    found = Counter(zip(ids, words, strict=True))
    assert found == Counter(
        {(visible(id_), word): number for id_, counts in report.counts().items() for word, number in counts.items()}
    )


def test_the_data_tells_each_text_once() -> None:
    texts = data_of(PAGES["report"])["texts"]
    assert len(texts) == len(set(texts))
    assert {finding.name for finding in REPORTS["report"].findings} <= set(texts)


def test_the_data_holds_no_character_that_reorders_or_half_a_surrogate_pair() -> None:
    text = json.dumps(data_of(PAGES["hostile"]), ensure_ascii=False)
    assert not re.search("[\x00-\x1f\u2028\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text)


def test_half_a_surrogate_pair_and_a_name_of_a_megabyte_do_no_harm() -> None:
    report = REPORTS["report"]
    names = ("half \ud800", "é" * 1_000_000)
    findings = tuple(
        msgspec.structs.replace(finding, name=names[number % 2], address=f"a/{names[number % 2]}", message=names[number % 2])
        for number, finding in enumerate(report.findings)
    )
    page = render(msgspec.structs.replace(report, findings=findings))
    assert len(page.encode()) < 6_000_000
    assert "half [U+D800]" in text_of(page)
    assert "(980,000 more characters, which are in the JSON result)" in text_of(page)


def test_the_place_of_a_finding_is_its_policy_and_address_and_each_is_another() -> None:
    report = REPORTS["report"]
    first = report.findings[0]
    findings = (first, first, msgspec.structs.replace(first, address="a/" + "x" * 5_000))
    ids = parsed(render(msgspec.structs.replace(report, findings=findings))).xpath("//article[contains(@class, 'finding')]/@id")
    place = f"finding/{first.policy}/{first.address}"
    assert ids[1:] == [place, f"{place}~2"]
    assert re.fullmatch("finding/[0-9a-f]{16}", ids[0])


def test_of_many_findings_the_markup_shows_some_and_says_where_the_others_are() -> None:
    report = REPORTS["report"]
    first = next(finding for finding in report.findings if finding.policy == samples.PUBLIC_SIGNUP)
    findings = tuple(msgspec.structs.replace(first, address=f"{first.address}{number}") for number in range(1_500))
    page = render(msgspec.structs.replace(report, findings=findings))
    assert len(parsed(page).xpath("//article[contains(@class, 'finding')]")) == 20
    assert "And 1,480 more, in the table of all findings and in the JSON result." in text_of(page)
