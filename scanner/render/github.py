"""The findings as workflow commands of GitHub Actions: printed by a step, they become annotations of the run and of files.

The runner (actions/runner: ActionCommand.cs, ExecutionContext.cs) takes a line for a command if it begins with `::`, or else if it
holds `##[`. It unescapes `%25`, `%0D` and `%0A`, in properties `%3A` and `%2C` too, keeps ten annotations of a level for each
step and cuts their messages after 4,096 characters. So there are no more than ten, and no line begins with what others named.
"""

from collections import Counter
from collections.abc import Iterator
from enum import StrEnum

from scanner.model import BaselineState, Finding, Gate, Report, Severity, Verdict
from scanner.render.annotations import MAX_NAME, RANKS, Places, brief, told, worst_first
from scanner.render.text import compared

MAX_ANNOTATIONS = 10
MAX_POLICIES = 10


class Level(StrEnum):
    """How loud an annotation is, loudest first."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


def render(report: Report) -> str:
    """Return a group with the counts, the gate's sentence, and the worst findings of each level."""
    gate, places = report.gate, Places(report)
    lines = [*_group(report), _gate(gate)]
    for level in Level:
        findings = [finding for finding in report.findings if _level(finding, gate) is level]
        most = MAX_ANNOTATIONS - (level is _level_of(gate))
        lines += _annotations(level, worst_first(findings), most, places)
    return "\n".join(lines) + "\n"


# ---------------------------------------------------------------------------------------------------------------- private


def _group(report: Report) -> Iterator[str]:
    """Count what was found, in all and for each policy of which something is to be said."""
    counts = report.counts()
    yield f"::group::{_message(f'{_counted(sum(counts.values(), Counter()))} ({brief(report.profile, MAX_NAME)})')}"
    if report.baseline:
        yield f"Against the baseline: {compared(report, report.baseline)}."
    for policy, each in counts.items():
        if each["fail"] or each["unknown"] or each["waived"]:
            # A line that is no command: nothing that the runner would take for one may stand in it.
            yield f"{_counted(each)}: {brief(policy, MAX_NAME).replace('##[', '## [')}"
    yield "::endgroup::"


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{counts[word]} {word}" for word in ("fail", "unknown", "waived", "pass", "notapplicable"))


def _gate(gate: Gate) -> str:
    return f"::{_level_of(gate)} title={_property(f'atlascan: exit code {gate.exit_code}')}::{_message(brief(gate.because))}"


def _level_of(gate: Gate) -> Level:
    return Level.ERROR if gate.exit_code else Level.NOTICE


def _level(finding: Finding, gate: Gate) -> Level | None:
    """Return how loud a finding is: an error if it makes the gate fail, a notice if it is unknown and the gate does not look."""
    match finding.word:
        case Verdict.FAIL:
            return Level.ERROR if _matters(finding, gate) else Level.WARNING
        case Verdict.UNKNOWN:
            return Level.WARNING if _matters(finding, gate) else Level.NOTICE
        case _:
            return None


def _matters(finding: Finding, gate: Gate) -> bool:
    """Tell whether the gate counts a finding of this severity (see `scanner.gate.Tally`)."""
    new = finding.baseline is BaselineState.NEW
    return _reaches(finding, gate.fail_on) or (new and _reaches(finding, gate.fail_on_new))


def _reaches(finding: Finding, lowest: Severity | None) -> bool:
    return lowest is not None and RANKS[finding.severity] >= RANKS[lowest]


def _annotations(level: Level, findings: list[Finding], most: int, places: Places) -> Iterator[str]:
    shown = len(findings) if len(findings) <= most else most - 1
    for finding in findings[:shown]:
        place = places.of(finding.policy)
        title = f"{finding.severity}: {brief(finding.policy, MAX_NAME)}"
        said = f"Unknown: {told(finding)}" if finding.verdict is Verdict.UNKNOWN else told(finding)
        yield f"::{level} file={_property(place.path)},line={place.line},title={_property(title)}::{_message(said)}"
    if rest := findings[shown:]:
        yield f"::{level} title={_property(f'atlascan: {len(rest)} more')}::{_message(_more(rest))}"


def _more(findings: list[Finding]) -> str:
    """Say of how many findings that are not shown each policy is, and where they all stand."""
    counts = Counter(finding.policy for finding in findings)
    named = [f"{brief(policy, MAX_NAME)} ({number})" for policy, number in counts.most_common(MAX_POLICIES)]
    others = f" and of {len(counts) - MAX_POLICIES} other policies" if len(counts) > MAX_POLICIES else ""
    where = f"{', '.join(named)}{others}"
    return f"{len(findings)} more are not shown here, as GitHub keeps {MAX_ANNOTATIONS}: {where}. The other formats list them."


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
