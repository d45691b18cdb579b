"""The workflow commands are read by GitHub's runner as what they say, whatever others named."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec
import pytest

from scanner.model import Finding, Report, Severity, Verdict
from scanner.render.github import MAX_ANNOTATIONS, render
from tests import samples
from tests.interchange import every_sample, many_report

LEVELS = ("error", "warning", "notice")


@dataclass(frozen=True)
class Command:
    name: str
    properties: dict[str, str]
    text: str


def commands(report: Report) -> Iterator[Command]:
    """Read the lines as the runner does (actions/runner, src/Runner.Common/ActionCommand.cs)."""
    for line in re.split("\r\n|\r|\n", render(report)):
        match = re.match(r"\s*::(.*?)::(.*)", line, re.DOTALL)
        assert match or "##[" not in line, "the older syntax is read anywhere in a line"
        if match:
            name, _, properties = match[1].partition(" ")
            pairs = (pair.partition("=") for pair in properties.split(",") if pair)
            yield Command(name, {key: unescaped(value) for key, _, value in pairs}, unescaped(match[2]))


def unescaped(text: str) -> str:
    for escape, meant in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(escape, meant)
    return text


def annotations(report: Report, *levels: str) -> list[Command]:
    return [command for command in commands(report) if command.name in (levels or LEVELS)]


def of(*findings: Finding) -> list[Command]:
    return annotations(msgspec.structs.replace(samples.report(), findings=findings))[1:]


def first(word: str) -> Finding:
    return next(finding for finding in samples.report().findings if finding.word == word)


@every_sample
def test_nothing_is_a_command_but_ours(sample: Callable[[], Report]) -> None:
    names = [command.name for command in commands(sample())]
    assert names[:2] == ["group", "endgroup"]
    assert set(names[2:]) <= set(LEVELS)


@every_sample
def test_no_level_has_more_than_github_keeps(sample: Callable[[], Report]) -> None:
    levels = Counter(command.name for command in annotations(sample()))
    assert max(levels.values()) <= MAX_ANNOTATIONS


@every_sample
def test_no_message_is_longer_than_github_keeps(sample: Callable[[], Report]) -> None:
    assert all(len(command.text) <= 4_096 and command.text.isprintable() for command in annotations(sample()))


@every_sample
def test_an_annotation_stands_at_a_line_of_a_file_or_at_none(sample: Callable[[], Report]) -> None:
    for command in annotations(sample()):
        assert set(command.properties) in ({"title"}, {"title", "file", "line"})
        if "file" in command.properties:
            assert int(command.properties["line"]) >= 1
            assert not command.properties["file"].startswith(("/", ".."))


def test_the_first_annotation_is_what_the_gate_says() -> None:
    report = samples.report()
    assert annotations(report)[0] == Command("error", {"title": "atlascan: exit code 1"}, report.gate.because)


def test_the_gate_is_a_notice_where_it_passes() -> None:
    report = samples.report()
    gate = msgspec.structs.replace(report.gate, exit_code=0, because="everything passes")
    [command] = annotations(msgspec.structs.replace(report, findings=(), gate=gate))
    assert command == Command("notice", {"title": "atlascan: exit code 0"}, "everything passes")


def test_where_nothing_was_judged_that_is_an_error() -> None:
    [command] = annotations(samples.empty_report())
    assert (command.name, command.text) == ("error", samples.empty_report().gate.because)


def test_the_group_counts_all_that_was_found() -> None:
    report = samples.report()
    group = next(commands(report))
    assert group.text == "6 fail, 5 unknown, 1 waived, 6 pass, 3 notapplicable (it-controlled)"


def test_a_failure_that_counts_is_an_error() -> None:
    [failing] = [each for each in samples.report().findings if each.address == "jsm.customer_permissions/acme/HR"]
    line = next(policy.line for policy in samples.report().policies if policy.id == failing.policy)
    assert of(failing) == [
        Command(
            "error",
            {
                "file": "policies/jsm/public-signup-off.yaml",
                "line": str(line),
                "title": "critical: jsm/public-signup-off",
            },
            "People (HR): anyone can make themselves a customer here (jsm.customer_permissions/acme/HR).",
        )
    ]


@pytest.mark.parametrize(
    ("word", "severity", "level"),
    [
        ("fail", Severity.HIGH, "error"),
        ("fail", Severity.MEDIUM, "warning"),
        ("unknown", Severity.HIGH, "warning"),
        ("unknown", Severity.MEDIUM, "notice"),
    ],
)
def test_how_loud_it_is_depends_on_what_the_gate_fails_on(word: str, severity: Severity, level: str) -> None:
    assert samples.report().gate.fail_on is Severity.HIGH
    [command] = of(msgspec.structs.replace(first(word), severity=severity))
    assert command.name == level


@pytest.mark.parametrize("word", ["waived", "pass", "notapplicable"])
def test_what_asks_for_nothing_is_only_counted(word: str) -> None:
    assert of(first(word)) == []


def test_against_a_baseline_what_is_new_is_an_error_and_what_is_known_a_warning() -> None:
    levels = {command.text: command.name for command in annotations(samples.compared_report())}
    [known] = [text for text in levels if "org.access_domain/ANYONE" in text]
    [new] = [text for text in levels if "jsm.customer_permissions/acme/HR" in text]
    assert (levels[known], levels[new]) == ("warning", "error")


def test_no_name_breaks_out_of_its_place() -> None:
    evil = "x\r\n::add-mask::y%0A::error::z ##[add-path]/evil ::stop-commands::t"
    report = samples.report()
    policy = msgspec.structs.replace(report.policies[0], id=f"a,line=1::{evil}", file=f"ours/a,b:c::{evil}.yaml")
    finding = msgspec.structs.replace(first("fail"), policy=policy.id, name=evil, message=evil, address=evil)
    evil_report = msgspec.structs.replace(
        report,
        profile=evil,
        policies=(policy,),
        findings=(finding,),
        gate=msgspec.structs.replace(report.gate, because=evil),
    )
    assert [command.name for command in commands(evil_report)] == ["group", "endgroup", "error", "error"]
    [_, shown] = annotations(evil_report)
    assert shown.properties["file"].startswith("ours/a,b:c::x  ::add-mask::y%0A")
    assert shown.properties["title"].startswith("high: a,line=1::x  ::")
    assert shown.text.startswith("x  ::add-mask::y%0A::error::z ##[add-path]/evil")


def test_of_very_many_the_worst_are_shown_and_the_others_counted_by_policy() -> None:
    report = many_report()
    errors = annotations(report, "error")
    assert len(errors) == MAX_ANNOTATIONS
    assert all(command.properties["title"].startswith("critical: ") for command in errors[1:-1])
    counts = [each for each in report.findings if each.word == Verdict.FAIL and each.severity.rank >= Severity.HIGH.rank]
    assert errors[-1].properties == {"title": f"atlascan: {len(counts) - len(errors[1:-1])} more"}
    assert len(render(report)) < 50_000
