"""The action plan lists what needs somebody, worst first, and leaves to people what only people can say."""

import csv
from collections.abc import Callable
from datetime import date
from io import StringIO

import msgspec
import pytest

from scanner.model import BaselineState, Report
from scanner.render.action_plan import COLUMNS, render
from tests import samples

SAMPLES = [samples.report, samples.compared_report, samples.hostile_report, samples.empty_report]
FOR_PEOPLE = ("Owner", "Due date", "Status", "Comment", "Justification")
WHY = "Invites wait for an admin until the editorial team has moved to the identity provider"

every_sample = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.__name__)


def rows(report: Report) -> list[dict[str, str]]:
    text = render(report).removeprefix("\ufeff")
    return list(csv.DictReader(StringIO(text, newline=""), strict=True))


@every_sample
def test_what_fails_is_unknown_or_is_waived_is_in_it_and_nothing_else(sample: Callable[[], Report]) -> None:
    report = sample()
    wanted = sorted(each.word for each in report.findings if each.word in ("fail", "unknown", "waived"))
    assert sorted(row["Verdict"] for row in rows(report)) == wanted


def test_the_worst_comes_first_and_what_is_known_after_what_is_new() -> None:
    found = [(row["Verdict"], row["Severity"], row["Since"]) for row in rows(samples.compared_report())]
    assert found == [
        ("fail", "critical", "new"),
        ("fail", "critical", "new"),
        ("fail", "high", "new"),
        ("fail", "high", "new"),
        ("fail", "medium", "new"),
        ("fail", "critical", BaselineState.KNOWN),
        *[("unknown", "critical", "new")] * 4,
        ("unknown", "high", "new"),
        ("waived", "high", ""),
    ]


def test_excel_knows_it_as_utf_8_and_nobody_has_to_fill_in_the_head() -> None:
    text = render(samples.report())
    assert text.encode().startswith(b"\xef\xbb\xbfVerdict,")
    assert tuple(rows(samples.report())[0]) == COLUMNS
    assert COLUMNS[-5:] == FOR_PEOPLE


def test_people_find_the_columns_empty_that_they_fill_in() -> None:
    for row in rows(samples.report()):
        if row["Verdict"] != "waived":
            assert [row[column] for column in FOR_PEOPLE] == [""] * 5


def test_a_waiver_has_filled_them_in_already() -> None:
    [row] = [row for row in rows(samples.report()) if row["Verdict"] == "waived"]
    assert [row[column] for column in FOR_PEOPLE] == [
        "platform@acme.example",
        date(2026, 7, 31).isoformat(),
        "waived",
        "",
        f"{WHY} (SEC-412); approved by dana@acme.example",
    ]


def test_a_failure_says_what_to_do_step_by_step_and_where() -> None:
    [row] = [row for row in rows(samples.report()) if row["Address"] == "jsm.customer_permissions/acme/HR"]
    steps = row["What to do"].split("\n")
    assert steps == [f"{number}. {step}" for number, step in enumerate(samples.report().policies[3].remediation, start=1)]
    assert row["Where"] == "https://acme.atlassian.net/jira/projects"
    assert row["Finding"] == "anyone can make themselves a customer here"


def test_a_single_step_has_no_number() -> None:
    report = samples.report()
    policies = tuple(msgspec.structs.replace(each, remediation=("Close it.",)) for each in report.policies)
    assert rows(msgspec.structs.replace(report, policies=policies))[0]["What to do"] == "Close it."


def test_of_what_is_unknown_it_says_what_would_make_it_known() -> None:
    unknown = {row["Resource"]: row["What to do"] for row in rows(samples.report()) if row["Verdict"] == "unknown"}
    assert unknown["Customer permissions of PARTS"] == "add the account to the project role Administrators of PARTS"
    assert unknown["خدمة الميدان"] == "find out why it could not be judged"


@every_sample
def test_no_cell_and_no_line_of_one_begins_a_formula(sample: Callable[[], Report]) -> None:
    for row in rows(sample()):
        for text in row.values():
            for line in text.split("\n"):
                assert not line.startswith(("=", "+", "-", "@", "\t", "\r"))
