"""The report in short as GitHub Flavored Markdown, for a comment on a pull request or the summary of a CI step.

GitHub takes no comment above 65,536 characters, so what is worst and newest comes first, and the rest is counted. Whatever others
named is text: no markup, no link, and nobody is notified, by `@name`, `#1` or whatever else GitHub and GitLab refer by.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC

from scanner.model import Baseline, BaselineState, Finding, Judged, Report, Severity, Target, WaiverState, WaiverUse
from scanner.render import console
from scanner.render.counts import near_miss
from scanner.render.text import FATES, compared, standing, visible

# In bytes of UTF-8, which are never fewer than characters; what is left is for what a pipeline adds.
MAX_BYTES = 64_000
MAX_LISTED = 10
MAX_ADDRESSES = 5
MAX_AREAS = 20
MAX_TEXT = 500
# The most that the parts after the failures take of it.
_ROOM = 10_000

_WORDS = ("fail", "unknown", "waived", "pass", "notapplicable")
_REFERENCE = r"[@#!%^~$&](?=[\w\"])|://|\bwww(?=\.)|\bGH(?=-)"
_SPECIAL = re.compile(rf"{_REFERENCE}|[\\`*_\[\]<>|~$&]|^[#+=-]|^\d+(?=[.)])", re.IGNORECASE)
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_ENDS = frozenset("<>()[]\\|`*")
_CODE = re.compile(r"`([^`]+)`")
_NOTHING = "&#8203;"  # a space of no width, which parts what would be a reference


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of Markdown that is shown whole or not at all, and how many things it tells of."""

    text: str
    tells: int = 1


def render(report: Report) -> str:
    """Return the verdict, the counts, and what needs somebody: worst and newest first, below GitHub's limit for a comment."""
    head, foot = "\n".join(_head(report)), "\n".join(_foot(report))
    after = [
        section("Could not be judged", "unknown", _unknown(report), _ROOM),
        section("Waivers", "waiver", _waivers(report), _ROOM),
        section("Vanished since the baseline", "failure", _vanished(report.baseline), _ROOM),
    ]
    room = MAX_BYTES - sum(size(part) for part in (head, *after, foot))
    parts = (head, section("Failures", "failure", _failures(report), room), *after, foot)
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def prose(text: str) -> str:
    """Return text so that Markdown shows it as it is: in one line, of bounded length, without markup, links or references."""
    return _escaped(_short(text)) or "(empty)"


def sentence(text: str) -> str:
    """Return a sentence of a policy or a hint, in which what stands between backticks is code."""
    parts = _CODE.split(_short(text))
    return "".join(code(part) if index % 2 else _escaped(part) for index, part in enumerate(parts)) or prose("")


def code(text: str) -> str:
    """Return text as inline code, in which nothing is a link or a reference."""
    shown = _short(text) or " "
    fence = "`" * (max(map(len, re.findall("`+", shown)), default=0) + 1)
    room = " " if "`" in (shown[0], shown[-1]) else ""
    return f"{fence}{room}{shown}{room}{fence}"


def section(title: str, noun: str, blocks: Iterable[Block], room: int) -> str:
    """Return a section with as many blocks as there is room for, and how much the others tell of; nothing without blocks."""
    lines, left_out = [f"### {title}", ""], 0
    room -= size("\n".join(lines)) + 200  # for what is said of the others
    for block in blocks:
        room -= size(block.text) + 1
        if room < 0:
            left_out += block.tells
        else:
            lines.append(block.text)
    if left_out:
        lines += ["", f"**{_number(left_out, noun, more=True)} in the report**, for which there was no room here.", ""]
    return "\n".join(lines) if len(lines) > 2 else ""  # noqa: PLR2004  the title and the line below


def size(text: str) -> int:
    """Return how much room text takes."""
    return len(text.encode("utf-8", "replace"))


def resource(address: str, name: str) -> str:
    """Return the address and the name of something; a name that the address ends with is not said twice."""
    return code(address) if address.endswith(name) else f"{code(address)} {prose(name)}"


# ---------------------------------------------------------------------------------------------------------------- private


def _short(text: str) -> str:
    shown = visible(text[: MAX_TEXT + 1]).strip()
    return shown if len(shown) <= MAX_TEXT else f"{shown[:MAX_TEXT]}…"


def _escaped(text: str) -> str:
    return _SPECIAL.sub(_harmless, text)


def _harmless(match: re.Match[str]) -> str:
    """Return what stands for something special: an entity, or a backslash before it, or a space of no width in it."""
    text = match[0]
    if text == "://":
        return f":{_NOTHING}//"
    if text[0].isalnum():
        return f"{text}{_NOTHING}" if text[0].isalpha() else f"{text}\\"
    shown = _ENTITIES.get(text, f"\\{text}")
    return f"{shown}{_NOTHING}" if re.match(_REFERENCE, match.string[match.start() :]) else shown


def _number(number: int, noun: str, *, more: bool = False) -> str:
    plural = noun if number == 1 or noun == "unknown" else f"{noun}s"
    return f"{number}{' more' if more else ''} {plural}" + (f" {'is' if number == 1 else 'are'}" if more else "")


# ---------------------------------------------------------------------------------------------------------- head and foot


def _head(report: Report) -> Iterator[str]:
    target = report.snapshot.target
    yield f"## atlascan: {prose(target.org_name or ', '.join(target.sites) or target.org or 'nothing was scanned')}"
    yield ""
    yield f"**Exit code {report.gate.exit_code}: {prose(report.gate.because)}**"
    yield ""
    if report.snapshot.recorded:
        yield f"Judged from a recording of {prose(report.snapshot.recorded)}."
        yield ""
    yield from _counts(report)
    if report.baseline:
        taken = report.baseline.taken_at.astimezone(UTC)
        yield f"Against the baseline of {taken:%Y-%m-%d %H:%M} UTC: {compared(report, report.baseline)}."
        yield ""


def _counts(report: Report) -> Iterator[str]:
    """Yield the table of what was found, in all and by area."""
    areas: dict[str, Counter[str]] = {}
    for policy, counts in report.counts().items():
        areas.setdefault(policy.partition("/")[0], Counter()).update(counts)
    yield "| | fail | unknown | waived | pass | not applicable |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    yield _counted("**all**", sum(areas.values(), Counter()))
    for area, counts in list(areas.items())[:MAX_AREAS]:
        yield _counted(prose(area), counts)
    yield ""
    if len(areas) > MAX_AREAS:
        yield f"{_number(len(areas) - MAX_AREAS, 'area', more=True)} in the report."
        yield ""


def _counted(title: str, counts: Counter[str]) -> str:
    return f"| {title} | {' | '.join(str(counts[word]) for word in _WORDS)} |"


def _foot(report: Report) -> Iterator[str]:
    header = report.snapshot
    disabled = [policy.id for policy in report.left_out if policy.because is not None]
    yield ""
    if disabled:
        more = f" and {len(disabled) - MAX_LISTED} more" if len(disabled) > MAX_LISTED else ""
        yield f"Disabled by the configuration: {', '.join(map(code, disabled[:MAX_LISTED]))}{more}."
        yield ""
    taken = f"{header.taken_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    yield f"{prose(report.tool)}, profile {prose(report.profile)}, snapshot {code(header.id)}, taken {taken}."
    yield ""


# -------------------------------------------------------------------------------------------------------------- what fails


def _failures(report: Report) -> Iterator[Block]:
    """Yield a block for each policy that fails: what is new before what is known, then the worst."""
    failures: dict[str, list[Finding]] = {}
    for finding in sorted((each for each in report.findings if each.word == "fail"), key=_order):
        failures.setdefault(finding.policy, []).append(finding)
    policies, counts = {policy.id: policy for policy in report.policies}, report.counts()
    for id_, findings in failures.items():
        lines = _policy(policies[id_], findings, near_miss(counts[id_]), report.snapshot.target)
        yield Block("\n".join(lines), len(findings))


def _order(finding: Finding) -> tuple[bool, int, str, str]:
    return finding.baseline is BaselineState.KNOWN, -finding.severity.rank, finding.policy, finding.address


def _policy(policy: Judged, findings: list[Finding], tally: str, target: Target) -> Iterator[str]:
    worst = max((finding.severity for finding in findings), key=lambda severity: severity.rank)
    yield f"#### {worst.value}: {prose(policy.title)}"
    yield ""
    yield f"{code(policy.id)}: {tally}"
    yield ""
    for finding in findings[:MAX_LISTED]:
        yield _finding(
            finding, "" if finding.severity is worst else f"**{finding.severity.value}** ", _link(policy, finding, target)
        )
    if len(findings) > MAX_LISTED:
        yield f"- **{_number(len(findings) - MAX_LISTED, 'failure', more=True)} in the report**"
    if policy.remediation:
        yield ""
        yield "What to do:"
        yield ""
        yield from (f"{number}. {sentence(step)}" for number, step in enumerate(policy.remediation[:MAX_LISTED], start=1))
    yield ""


def _finding(finding: Finding, severity: str, link: str) -> str:
    new = "**new** " if finding.baseline is BaselineState.NEW else ""
    return f"- {new}{severity}{resource(finding.address, finding.name)}: {prose(finding.message)}{link}"


def _link(policy: Judged, finding: Finding, target: Target) -> str:
    """Return a link to where a person looks at it, in which no character ends it."""
    link = console.link(policy.console, finding, target)
    if link is None or len(link) > MAX_TEXT:
        return ""
    return f" ([open]({''.join(f'%{ord(char):02X}' if char in _ENDS else char for char in link)}))"


# ------------------------------------------------------------------------------------------------------ and what is besides


def _unknown(report: Report) -> Iterator[Block]:
    """Yield what would make known what could not be judged, the newest and worst first."""
    groups: dict[str, list[Finding]] = {}
    for finding in sorted((each for each in report.findings if each.word == "unknown"), key=_order):
        groups.setdefault(finding.hint or finding.message, []).append(finding)
    for lift, findings in groups.items():
        known = " (known)" if all(each.baseline is BaselineState.KNOWN for each in findings) else ""
        worst = max((each.severity for each in findings), key=lambda severity: severity.rank, default=Severity.INFO)
        addresses = dict.fromkeys(each.missing or each.address for each in findings)
        more = f" and {len(addresses) - MAX_ADDRESSES} more" if len(addresses) > MAX_ADDRESSES else ""
        named = ", ".join(map(code, list(addresses)[:MAX_ADDRESSES]))
        yield Block(f"- {worst.value}, {len(findings)} unknown{known}: **{sentence(lift)}** {named}{more}", len(findings))


def _waivers(report: Report) -> Iterator[Block]:
    """Yield the waivers that end soon, have ended, or are not honoured."""
    today = report.snapshot.taken_at.astimezone(UTC).date()
    for use in sorted(filter(_needs_somebody, report.waivers), key=lambda use: (use.expires, use.policy, use.address)):
        said = f"{standing(use, (use.expires - today).days)}; owner {use.owner}"
        yield Block(f"- {code(use.policy)} {code(use.address)}: {prose(said)}")


def _needs_somebody(use: WaiverUse) -> bool:
    return use.expiring or use.state in (WaiverState.EXPIRED, WaiverState.INVALID)


def _vanished(baseline: Baseline | None) -> Iterator[Block]:
    """Yield the failures of the baseline that are none any more."""
    for each in sorted(baseline.vanished, key=lambda each: list(FATES).index(each.fate)) if baseline else ():
        yield Block(f"- {FATES[each.fate]}: {code(each.policy)} {resource(each.address, each.name)}: {prose(each.because)}")
