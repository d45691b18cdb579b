"""The CSV has a row for each finding, adds up to all that was found, and holds nothing that a sheet would compute."""

import csv
from collections import Counter
from collections.abc import Callable
from io import StringIO

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner import frameworks
from scanner.model import Finding, Report
from scanner.render.csv import COLUMNS, MAX_CELL, cell, render
from tests import samples

SAMPLES = [samples.report, samples.compared_report, samples.hostile_report, samples.empty_report]
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")

every_sample = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.__name__)


def rows(report: Report) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(render(report), newline=""), strict=True))


def of(*findings: Finding) -> list[dict[str, str]]:
    return rows(msgspec.structs.replace(samples.report(), findings=findings))


# ------------------------------------------------------------------------------------------------------------------- the rows


def test_the_columns_are_promised() -> None:
    """Whoever reads the file by its columns relies on these: more may come at the end, and none may go."""
    promised = (
        *("policy", "title", "severity", "verdict", "count", "area", "door", "address", "name", "message", "reason", "hint"),
        *("source", "baseline"),
        *("waiver_reason", "waiver_owner", "waiver_approved_by", "waiver_expires", "waiver_ticket"),
        *("controls_iso-27001-2022", "controls_nist-800-53-r5", "controls_soc-2", "controls_cis-v8", "controls_other"),
        "console",
    )
    assert promised == COLUMNS


def test_each_framework_that_ships_has_a_column() -> None:
    assert {f"controls_{framework}" for framework in frameworks.titles()} < set(COLUMNS)


@every_sample
def test_every_finding_has_a_row_in_the_reports_order(sample: Callable[[], Report]) -> None:
    report = sample()
    found = [row for row in rows(report) if row["count"] == "1"]
    assert [(row["policy"], row["verdict"], row["severity"]) for row in found] == [
        (each.policy, each.word, each.severity) for each in report.findings
    ]


def test_a_row_says_all_that_there_is_to_a_finding() -> None:
    [row] = [row for row in rows(samples.report()) if row["verdict"] == "waived"]
    assert row == {
        "policy": "access/no-invites-allowed",
        "title": "Ordinary users cannot invite anybody",
        "severity": "high",
        "verdict": "waived",
        "count": "1",
        "area": "access",
        "door": "invites",
        "address": "org.user_invites/confluence",
        "name": "User invites of Confluence",
        "message": "ordinary users may bring people in",
        "reason": "",
        "hint": "",
        "source": "attested",
        "baseline": "",
        "waiver_reason": "Invites wait for an admin until the editorial team has moved to the identity provider",
        "waiver_owner": "platform@acme.example",
        "waiver_approved_by": "dana@acme.example",
        "waiver_expires": "2026-07-31",
        "waiver_ticket": "SEC-412",
        **{f"controls_{each}": ", ".join(samples.report().policies[0].controls[each]) for each in frameworks.titles()},
        "controls_other": "",
        "console": "https://admin.atlassian.com/o/0b5d1a52-7c1e-4a7e-9f0c-5d2f6a1e0003",
    }


def test_controls_of_other_frameworks_share_a_column() -> None:
    report = samples.report()
    ours = msgspec.structs.replace(report.policies[0], controls={"ours": ("A", "B"), "soc-2": ("CC6.1",), "theirs": ("C",)})
    [row] = rows(msgspec.structs.replace(report, policies=(ours,), findings=report.findings[:1]))
    assert (row["controls_soc-2"], row["controls_other"], row["controls_cis-v8"]) == ("CC6.1", "ours: A, B; theirs: C", "")


def test_what_is_not_listed_is_a_row_that_counts() -> None:
    report = samples.report()
    policies = (
        msgspec.structs.replace(report.policies[0], unlisted={"pass": 4_000, "notapplicable": 7}),
        *report.policies[1:],
    )
    report = msgspec.structs.replace(report, policies=policies)
    summing = [row for row in rows(report) if not row["address"]]
    assert [(row["policy"], row["verdict"], row["count"], row["message"]) for row in summing] == [
        ("access/no-invites-allowed", "pass", "4000", "4000 that are not listed one by one"),
        ("access/no-invites-allowed", "notapplicable", "7", "7 that are not listed one by one"),
    ]
    added = Counter[str]()
    for row in rows(report):
        added[row["verdict"]] += int(row["count"])
    assert added == sum(report.counts().values(), Counter())


def test_what_has_vanished_has_a_row_that_does_not_count() -> None:
    vanished = [row for row in rows(samples.compared_report()) if row["baseline"] == "vanished"]
    assert [(row["address"], row["verdict"], row["count"], row["message"]) for row in vanished] == [
        ("org.user_invites/jira-service-management", "", "0", "passes now: user_invites is not_allowed"),
        ("jsm.customer_permissions/acme/SUP", "", "0", "not applicable now: not judged here: desk_kind is public"),
        (
            "jsm.customer_permissions/acme-support/LEGAL",
            "",
            "0",
            "unknown now, and may fail still: answered 503 five times in a row",
        ),
    ]
    assert Counter(row["baseline"] for row in rows(samples.compared_report()))["known"] == 1


# ----------------------------------------------------------------------------------------------------------------- the format


@every_sample
def test_the_file_is_what_rfc_4180_says(sample: Callable[[], Report]) -> None:
    text = render(sample())
    assert text.endswith("\r\n")
    assert "\n" not in text.replace("\r\n", "")
    assert {len(row) for row in csv.reader(StringIO(text, newline=""), strict=True)} == {len(COLUMNS)}
    assert not text.startswith("\ufeff"), "a byte order mark would become a part of the first column's name"


def test_quotation_marks_commas_and_line_ends_stay_in_their_cell() -> None:
    [row] = of(msgspec.structs.replace(samples.report().findings[0], name='He said "no", then\r\nleft'))
    assert row["name"] == 'He said "no", then  left'


# -------------------------------------------------------------------------------------------------------------- what acts


@every_sample
def test_no_cell_begins_a_formula(sample: Callable[[], Report]) -> None:
    for row in rows(sample()):
        for text in row.values():
            assert not text.startswith(FORMULA)


@pytest.mark.parametrize("begin", FORMULA)
def test_what_would_be_a_formula_is_led_by_an_apostrophe(begin: str) -> None:
    assert cell(f"{begin}cmd|' /C calc'!A0").startswith("'")


@pytest.mark.parametrize("begin", ["=", "+", "-", "@"])
@pytest.mark.parametrize("before", [" ", '"', ' "', "\t", "\n", "\xa0"])
def test_nor_is_it_one_after_what_a_sheet_may_drop(before: str, begin: str) -> None:
    assert cell(f"{before}{begin}1").startswith("'")


@pytest.mark.parametrize("text", ["", "a", "a=b", "a - b", "1", "'quoted'", "x;y", "kim@acme.example", "HR;"])
def test_what_is_no_formula_stays_as_it_is(text: str) -> None:
    assert cell(text) == text


def read_with(delimiter: str, text: str) -> list[list[str]]:
    return list(csv.reader(StringIO(text, newline=""), delimiter=delimiter))


@pytest.mark.parametrize("name", ["x;=cmd()", 'x;"=cmd()', "x; =cmd()", 'x;""=cmd();y', "a,b;@SUM(1)", "x\t=1", "\n=1", "x;;-1"])
def test_a_sheet_that_takes_semicolons_or_tabs_for_commas_computes_nothing_either(name: str) -> None:
    finding = msgspec.structs.replace(samples.report().findings[0], name=name, message=name, hint=name)
    text = render(msgspec.structs.replace(samples.report(), findings=(finding,)))
    for delimiter in (",", ";", "\t"):
        for row in read_with(delimiter, text):
            assert not [each for each in row if each.lstrip(' "').startswith(FORMULA)], (delimiter, row)


@given(st.text(st.characters(), max_size=30))
def test_whatever_the_name_it_is_one_cell_that_is_only_shown(name: str) -> None:
    [row] = of(msgspec.structs.replace(samples.report().findings[0], name=name))
    assert row["name"] == cell(name)
    assert not row["name"].startswith(FORMULA)
    assert row["name"].isprintable()
    assert not any("\ud800" <= char <= "\udfff" for char in row["name"])


def test_a_text_that_no_cell_holds_is_cut_and_says_so() -> None:
    for long in ("x" * 1_000_000, "\x00" * 1_000_000, "=" * MAX_CELL):
        shown = cell(long)
        assert len(shown) == MAX_CELL
        assert shown.endswith("… (the whole of it is in the JSON result)")
    assert cell("x" * MAX_CELL) == "x" * MAX_CELL


def test_half_a_surrogate_pair_is_shown_as_an_escape() -> None:
    assert cell("a\ud800b") == "a\\ud800b"
