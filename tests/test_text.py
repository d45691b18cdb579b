"""The text says everything worth reading, in words that a terminal cannot be tricked with."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from io import StringIO
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from scanner.collect import walk
from scanner.model import AppliedWaiver, Finding, Gap, Reason, Report, Severity, Verdict
from scanner.render import formats
from scanner.render.text import MAX_GAPS, WORDS, _plain_ascii, _plain_by_rich, render, renderable, visible
from tests import samples

GOLDEN = Path(__file__).parent / "golden" / "report.txt"
SAMPLES = [samples.report, samples.compared_report, samples.hostile_report, samples.empty_report]
STYLING = re.compile(r"\x1b\[[0-9;]*m")

every_sample = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.__name__)


def with_findings(*findings: Finding) -> Report:
    return msgspec.structs.replace(samples.report(), findings=findings)


def in_colour(report: Report, width: int = 80) -> str:
    file = StringIO()
    Console(file=file, width=width, force_terminal=True, color_system="truecolor", legacy_windows=False).print(renderable(report))
    return file.getvalue()


def test_the_whole_text_is_as_reviewed() -> None:
    """Run with UPDATE_GOLDEN=1 to write it anew, and read the difference."""
    text = render(samples.report())
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")


# ------------------------------------------------------------------------------------------------------------ what is said


@every_sample
def test_the_last_line_is_the_exit_code_and_why(sample: Callable[[], Report]) -> None:
    report = sample()
    closing = render(report, width=10_000).splitlines()[-1]
    assert closing == f"exit code {report.gate.exit_code}: {visible(report.gate.because)}"


def test_policies_stand_worst_first() -> None:
    report = samples.report()
    first = report.findings[0]
    verdicts = {
        samples.INVITES: (Verdict.PASS, Severity.CRITICAL),
        samples.SIGNUP: (Verdict.UNKNOWN, Severity.HIGH),
        samples.IN_DATE: (Verdict.FAIL, Severity.LOW),
        samples.PUBLIC_SIGNUP: (Verdict.FAIL, Severity.CRITICAL),
        samples.MAIL_DOMAIN: (Verdict.NOTAPPLICABLE, Severity.CRITICAL),
    }
    findings = [
        msgspec.structs.replace(first, policy=policy, verdict=verdict, severity=severity)
        for policy, (verdict, severity) in verdicts.items()
    ]
    heads = [line.split()[:3] for line in render(with_findings(*findings)).splitlines() if line.startswith(tuple(WORDS))]
    assert heads == [
        ["FAIL", "critical", samples.PUBLIC_SIGNUP],
        ["FAIL", "low", samples.IN_DATE],
        ["UNKNOWN", "high", samples.SIGNUP],
        ["PASS", "high", samples.INVITES],
        ["N/A", "medium", samples.MAIL_DOMAIN],
    ]


def test_a_policy_whose_failures_are_all_excused_is_waived_and_asks_for_no_work() -> None:
    excuse = AppliedWaiver(reason="until the move", owner="kim", approved_by="dana", expires=date(2026, 7, 31))
    text = render(with_findings(msgspec.structs.replace(samples.report().findings[0], waiver=excuse)))
    assert f"WAIVED   high      {samples.INVITES}" in text
    assert "waived until 2026-07-31, owner kim, approved by dana: until the move\n" in text
    assert "What to do" not in text


def test_what_passes_or_is_not_applicable_is_only_counted() -> None:
    report = samples.report()
    text = render(report)
    quiet = [each for each in report.findings if each.verdict in (Verdict.PASS, Verdict.NOTAPPLICABLE)]
    assert [each.address for each in quiet if f" {each.address}  " in text] == []
    assert re.search(r"^ +1 of 2 fails; 1 FAIL, \d UNKNOWN, 1 PASS, 1 N/A$", text, re.MULTILINE)


def test_a_failure_that_facts_made_worse_says_by_what() -> None:
    assert "source: undocumented; critical, because anyone may raise requests in this desk\n" in render(samples.report())


def test_many_gaps_of_one_cause_are_folded() -> None:
    gaps = tuple(
        Gap(kind="jira.project", id=f"acme/P{number}", reason=Reason.FORBIDDEN, detail="refused", hint="ask an admin")
        for number in range(MAX_GAPS + 12)
    )
    text = render(msgspec.structs.replace(samples.report(), gaps=gaps))
    assert text.count("ask an admin") == 1
    assert text.count("jira.project/acme/P") == MAX_GAPS
    assert "    … and 12 more\n" in text


def test_every_endpoint_is_listed_with_its_outcome_and_the_incomplete_ones_first() -> None:
    report = samples.report()
    header = msgspec.structs.replace(report.snapshot, endpoints=tuple(reversed(report.snapshot.endpoints)))
    coverage = render(msgspec.structs.replace(report, snapshot=header)).partition("Coverage\n")[2]
    assert coverage.startswith(
        "\n"
        "  incomplete  2 of 5 endpoints\n"
        "    GET /rest/servicedesk/1/servicedesk/{projectKey}/incomingemail  0 requests, 0 resources, 1 gap\n"
        "    GET /rest/servicedesk/1/servicedesk/{projectKey}/settings/requestsecurity\n"
        "      21 requests, 14 pages, 18 resources, 2 gaps, 5 retries, 42.0 s\n"
        "  complete  3 of 5 endpoints\n"
        "    GET /rest/servicedeskapi/servicedesk  3 requests, 3 pages, 16 resources, 1.1 s\n"
        "    GET /v2/orgs/{orgId}/app-access-settings/domains\n"
        "      5 requests, 2 pages, 3 resources, 1 retry, 3.5 s\n"
        "    GET /v1/orgs/{orgId}/domains  1 request, 1 page, 3 resources, 0.2 s\n"
        "\n"
    )


def test_a_snapshot_from_before_endpoints_were_counted_does_not_look_as_if_all_was_complete() -> None:
    report = samples.report()
    text = render(msgspec.structs.replace(report, snapshot=msgspec.structs.replace(report.snapshot, endpoints=())))
    assert "Coverage\n\n  The snapshot names no endpoint that was asked.\n" in text
    assert "complete" not in text


def test_a_recording_is_called_one() -> None:
    report = samples.report()
    header = msgspec.structs.replace(report.snapshot, recorded="a made-up company")
    assert "recorded  a made-up company\n" in render(msgspec.structs.replace(report, snapshot=header))


# --------------------------------------------------------------------------------------------------------------- the shape


@pytest.mark.parametrize("width", [80, 100])
def test_lines_are_as_wide_as_asked(width: int) -> None:
    assert max(map(len, render(samples.report(), width=width).splitlines())) <= width


def test_no_endpoint_and_none_of_its_numbers_is_broken_on_a_terminal_of_80_columns() -> None:
    many = samples.report().snapshot.endpoints[0]
    many = msgspec.structs.replace(many, requests=9999, pages=9999, resources=99_999, gaps=99, retries=99, seconds=999.9)
    endpoints = tuple(msgspec.structs.replace(many, endpoint=each.name) for each in walk.ENDPOINTS)
    header = msgspec.structs.replace(samples.report().snapshot, endpoints=endpoints)
    shown = STYLING.sub("", in_colour(msgspec.structs.replace(samples.report(), snapshot=header)))
    numbers = "9999 requests, 9999 pages, 99999 resources, 99 gaps, 99 retries, 999.9 s"
    assert [each.endpoint for each in endpoints if f"    {each.endpoint}\n      {numbers}\n" not in shown] == []


def test_a_word_too_long_for_a_line_stays_whole_so_that_it_can_be_searched_for() -> None:
    address = "jira.project/acme/" + "x" * 200
    assert f" {address}\n" in render(with_findings(msgspec.structs.replace(samples.report().findings[0], address=address)))


def test_a_terminal_loses_nothing_of_a_word_too_long_for_it() -> None:
    name = "x" * 200
    shown = STYLING.sub("", in_colour(with_findings(msgspec.structs.replace(samples.report().findings[0], name=name)), width=60))
    assert shown.count("x") - render(samples.report()).count("x") > 150
    assert max(map(len, shown.splitlines())) <= 60


@every_sample
def test_no_line_ends_in_blanks(sample: Callable[[], Report]) -> None:
    assert [line for line in render(sample()).splitlines() if line != line.rstrip()] == []


def test_each_verdict_has_a_colour_of_its_own() -> None:
    assert len(set(WORDS.values())) == len(WORDS)
    text = in_colour(samples.report())
    colours = {
        word: {match[1] for match in re.finditer(rf"\x1b\[([0-9;]+)m{word} +", text)} for word in ("FAIL", "UNKNOWN", "WAIVED")
    }
    assert all(len(found) == 1 for found in colours.values())
    assert len(set.union(*colours.values())) == len(colours)


@every_sample
def test_the_terminal_says_the_same(sample: Callable[[], Report]) -> None:
    def words(text: str) -> str:
        return "".join(text.split())

    assert words(STYLING.sub("", in_colour(sample()))) == words(render(sample()))


def test_text_has_no_colours_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    assert "\x1b" not in render(samples.report())
    assert max(map(len, render(samples.report()).splitlines())) > 80


# ------------------------------------------------------------------------------------------------------------ hostile names


@every_sample
def test_nothing_but_what_shows_as_itself_is_printed(sample: Callable[[], Report]) -> None:
    assert [line for line in render(sample()).splitlines() if not line.isprintable()] == []
    assert all(line.isprintable() for line in STYLING.sub("", in_colour(sample())).splitlines())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b]8;;http://x\x07", r"\x1b[31mred\x1b]8;;http://x\x07"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("zero\u200bwidth", r"zero\u200bwidth"),
        ("half \ud800", r"half \ud800"),
        ("tag \U000e0041", r"tag \U000e0041"),
        ("a\nb\r\nc\td\u2028e\u00a0f\x85g", "a b  c d e f g"),
        ("خدمة 支援 Größe 🛒", "خدمة 支援 Größe 🛒"),
        ("[bold]x[/bold] :smile:", "[bold]x[/bold] :smile:"),
    ],
)
def test_odd_characters_are_shown_harmlessly(text: str, shown: str) -> None:
    assert visible(text) == shown
    finding = msgspec.structs.replace(samples.report().findings[0], name=text)
    assert f"org.user_invites/jira  {shown}\n" in render(with_findings(finding))


# -------------------------------------------------------------------------------------------------------------- the formats


@pytest.mark.parametrize("name", formats.FORMATS)
@every_sample
def test_every_format_renders_every_sample_into_text_that_can_be_written(name: str, sample: Callable[[], Report]) -> None:
    assert formats.load(name)(sample()).encode("utf-8")


@pytest.mark.parametrize("width", [20, 60, 100, 300])
@every_sample
def test_plain_lines_are_wrapped_as_rich_wraps_them(sample: Callable[[], Report], width: int) -> None:
    fitted = [line for each in renderable(sample()).lines for line in each.fitted(width)]
    by_us = {number: _plain_ascii(line, width) for number, line in enumerate(fitted)}
    ascii_only = {number: text for number, text in by_us.items() if text}
    assert ascii_only
    assert ascii_only == {number: _plain_by_rich(fitted[number], width) for number in ascii_only}


def test_a_format_is_imported_when_it_is_used() -> None:
    code = "import sys, scanner.render.formats, scanner.render.text; print({'rich', 'jinja2', 'xml.etree'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603  our own words
    assert done.stdout.strip() == "set()"
