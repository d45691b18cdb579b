"""Every format renders every report, always the same, and all of them count the same: what stands in the table is tested here."""

import csv
import json
import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from io import StringIO
from pathlib import Path

import msgspec
import pytest
from lxml import etree
from lxml import html as lxml_html
from markdown_it import MarkdownIt

from scanner import results
from scanner.cli.output import to_file
from scanner.model import Report
from scanner.render import formats
from tests import order, samples

pytestmark = pytest.mark.long

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "formats.md"
SAMPLES: dict[str, Callable[[], Report]] = {
    "report": samples.report,
    "compared": samples.compared_report,
    "empty": samples.empty_report,
    "hostile": samples.hostile_report,
    "surrogates": lambda: _named("a\ud800b\udfffc ]]> </script> =cmd() \u202e\x00"),
    "megabyte": lambda: _named("é" * 1_000_000, only=1),
    "unlisted": lambda: _unlisted(),  # noqa: PLW0108  defined below
}


def _named(name: str, only: int | None = None) -> Report:
    """Return the realistic report with that in each place where others choose the words; or only in so many findings."""
    report = samples.compared_report()
    findings = tuple(
        msgspec.structs.replace(
            each,
            name=name,
            address=f"{each.address}/{name}",
            message=name,
            hint=each.hint and name,
            evidence=tuple(msgspec.structs.replace(one, value=[name]) for one in each.evidence[:1]),
        )
        for each in report.findings[:only]
    )
    target = msgspec.structs.replace(report.snapshot.target, org_name=name)
    return msgspec.structs.replace(report, findings=findings, snapshot=msgspec.structs.replace(report.snapshot, target=target))


def _unlisted() -> Report:
    """Return the realistic report of a larger tenant, of which not all that passes is listed."""
    report = samples.report()
    policies = tuple(msgspec.structs.replace(each, unlisted={"pass": 4_000, "notapplicable": 7}) for each in report.policies)
    return msgspec.structs.replace(report, policies=policies)


@cache
def rendered(name: str, sample: str) -> str:
    return formats.load(name)(SAMPLES[sample]())


@pytest.fixture(params=formats.FORMATS, name="name")
def _name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=SAMPLES, name="sample")
def _sample(request: pytest.FixtureRequest) -> str:
    return str(request.param)


# ----------------------------------------------------------------------------------------------------------- what all are held to


def test_it_renders_as_utf_8_into_a_file_that_is_there_whole(name: str, sample: str, tmp_path: Path) -> None:
    file = tmp_path / "report"
    file.write_text("before", encoding="utf-8")
    to_file(file, rendered(name, sample))
    written = file.read_bytes().decode("utf-8")
    assert written == rendered(name, sample).encode("utf-8", "replace").decode("utf-8")
    assert written.endswith("\n")
    assert [each.name for each in tmp_path.iterdir()] == ["report"]


def test_what_others_named_cannot_be_lost_in_writing(name: str) -> None:
    """Half a surrogate pair is no text that UTF-8 holds: a format shows something in its place, so writing changes nothing."""
    assert rendered(name, "surrogates").encode("utf-8")
    assert rendered(name, "hostile").encode("utf-8")


def test_a_saved_result_renders_as_the_report_did(name: str, sample: str) -> None:
    saved = results.parse(rendered("json", sample).encode("utf-8"), "result.json")
    assert formats.load(name)(saved) == rendered(name, sample)


def test_no_order_is_left_to_chance() -> None:
    order.check("tests.test_formats", order.digests(formats.FORMATS, SAMPLES, rendered))


# -------------------------------------------------------------------------------------------------------------- and all agree


def test_every_format_counts_the_same(name: str, sample: str) -> None:
    _check_counts(name, rendered(name, sample), SAMPLES[sample]())


def test_every_format_tells_of_a_hundred_thousand_findings(name: str, tmp_path: Path) -> None:
    report = samples.many_report(100_000)
    to_file(tmp_path / "report", formats.load(name)(report))
    _check_counts(name, (tmp_path / "report").read_bytes().decode("utf-8"), report)


def _check_counts(name: str, text: str, report: Report) -> None:
    if name not in READERS:
        pytest.fail(f"nobody counts what stands in {name}: add a reader to READERS in {Path(__file__).name}")
    counted = READERS[name](text)
    assert set(counted) >= {"fail", "unknown", "waived"}, "a reader says 0 of what there is none of"
    total = sum(report.counts().values(), Counter[str]())
    assert counted == {word: total[word] for word in counted}


def test_what_is_waived_is_called_so_in_every_format(name: str) -> None:
    assert "waived" in rendered(name, "report").lower()


Counts = dict[str, int]


def in_text(text: str) -> Counts:
    """Count the lines of single findings; nothing else has such a word there."""
    words = Counter(re.findall(r"^ {9}(FAIL|UNKNOWN|WAIVED) +\S", text, re.MULTILINE))
    return {"fail": words["FAIL"], "unknown": words["UNKNOWN"], "waived": words["WAIVED"]}


def in_html(text: str) -> Counts:
    """Read the counters at the top, which are buttons that filter."""
    counts: Counts = {}
    for button in lxml_html.document_fromstring(text).iter("button"):
        if "counter" in (button.get("class") or "").split():
            [number] = ["".join(map(str, each.itertext())) for each in button.iter() if each.get("class") == "number"]
            counts[button.get("data-value") or ""] = int(number.strip().replace(",", ""))
    return counts


def in_json(text: str) -> Counts:
    result = json.loads(text)
    counts = Counter("waived" if each["waiver"] else each["verdict"] for each in result["findings"])
    for policy in result["policies"]:
        counts.update(policy["unlisted"])
    words = ("fail", "unknown", "waived", "pass", "notapplicable")
    assert {word: counts[word] for word in words} == {word: result["summary"][word] for word in words}
    return {word: counts[word] for word in words}


def in_junit(text: str) -> Counts:
    """Count the cases; one into which many are folded says how many."""
    counts = Counter({"fail": 0, "unknown": 0, "waived": 0})
    for case in etree.fromstring(text.encode(), etree.XMLParser(huge_tree=True)).iterfind("testsuite/testcase"):
        for outcome in case:
            body = outcome.text or ""
            if outcome.tag == "skipped" and not body.startswith("waived until"):
                continue  # not applicable
            words = {"failure": "fail", "error": "unknown", "skipped": "waived"}
            many = re.search(r"^(?:The failure: )?(\d+) folded into one case", body, re.MULTILINE)
            if case.get("classname") != "org.gate.judged":  # that nothing was judged is no finding
                counts[words[str(outcome.tag)]] += int(many[1]) if many else 1
    return dict(counts)


def in_markdown(text: str) -> Counts:
    """Read the row of the table that counts all."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    cells = [tokens[number + 1].content for number, token in enumerate(tokens) if token.type in {"th_open", "td_open"}]
    assert cells[:6] == ["", "fail", "unknown", "waived", "pass", "not applicable"]
    assert cells[6] == "**all**"
    return dict(zip(("fail", "unknown", "waived", "pass", "notapplicable"), map(int, cells[7:12]), strict=True))


def in_csv(text: str) -> Counts:
    counts = Counter({"fail": 0, "unknown": 0, "waived": 0, "pass": 0, "notapplicable": 0})
    for row in csv.DictReader(StringIO(text, newline=""), strict=True):
        if row["verdict"]:  # what has vanished has none
            counts[row["verdict"]] += int(row["count"])
    return dict(counts)


def in_action_plan(text: str) -> Counts:
    counts = Counter({"fail": 0, "unknown": 0, "waived": 0})
    counts.update(row["Verdict"] for row in csv.DictReader(StringIO(text.removeprefix("\ufeff"), newline=""), strict=True))
    return dict(counts)


def in_sarif(text: str) -> Counts:
    """Count results that are not suppressed, those that are, and notifications of what could not be judged."""
    counts = Counter({"fail": 0, "unknown": 0, "waived": 0})
    [run] = json.loads(text)["runs"]
    for result in run["results"]:
        counts["waived" if result["suppressions"] else "fail"] += result["properties"].get("count", 1)
    for each in run["invocations"][0]["toolExecutionNotifications"]:
        if each["descriptor"]["id"] == "unknown":
            counts["unknown"] += each["properties"].get("count", 1)
    return dict(counts)


def in_oscal(text: str) -> Counts:
    """Add up the findings of policies, and hold them against the whole."""
    [result] = json.loads(text)["assessment-results"]["results"]
    words = ("fail", "unknown", "waived", "pass", "notapplicable")
    added = Counter(dict.fromkeys(words, 0))
    for finding in result.get("findings", ()):
        properties = {each["name"]: each["value"] for each in finding["props"]}
        if "policy" in properties:
            added.update({word: int(properties[word]) for word in words})
    whole = {each["name"]: each["value"] for each in result["props"]}
    assert {word: int(whole[word]) for word in words} == dict(added)
    return dict(added)


def in_gitlab(text: str) -> Counts:
    counts = Counter({"fail": 0, "unknown": 0, "waived": 0})
    for entry in json.loads(text):
        word = entry["check_name"].rpartition("/")[2]
        if entry["check_name"] != "gate":  # that nothing was judged is no finding
            counts[word if word in ("unknown", "waived") else "fail"] += entry.get("count", 1)
    return dict(counts)


def in_github(text: str) -> Counts:
    """Read the head of the group, which counts all."""
    [head] = re.findall(r"^::group::(.*)$", text, re.MULTILINE)
    return {
        word: int(number)
        for number, word in re.findall(r"(\d+) (fail|unknown|waived|pass|notapplicable)\b", head.partition("(")[0])
    }


READERS: dict[str, Callable[[str], Counts]] = {
    "text": in_text,
    "html": in_html,
    "json": in_json,
    "junit": in_junit,
    "junit-strict": in_junit,
    "markdown": in_markdown,
    "csv": in_csv,
    "action-plan": in_action_plan,
    "sarif": in_sarif,
    "oscal": in_oscal,
    "gitlab": in_gitlab,
    "github": in_github,
}


# ------------------------------------------------------------------------------------------------------------- and is documented


def test_the_page_says_of_every_format_what_it_is_for_who_reads_it_and_what_it_leaves_out() -> None:
    rows = re.findall(r"^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert [name for name, *_ in rows] == list(formats.FORMATS), f"the table of {PAGE.name} lists the formats in their order"
    assert [described for _, described, *_ in rows] == [each.description for each in formats.FORMATS.values()]


def test_every_format_has_a_section_or_a_page(name: str) -> None:
    titles = re.findall(r"^## (.+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert name in {each for title in titles for each in title.split(" and ")}, f"{PAGE.name} has no section on {name}"
