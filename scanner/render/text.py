"""The report as plain text, for a terminal, a pipe or a log.

What is said is one stream of lines; Rich only wraps and colours them, and only when somebody looks. Names come from a site that
others write to: whatever a terminal would not show as itself is shown as an escape.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC
from io import StringIO
from itertools import chain
from textwrap import wrap
from typing import TYPE_CHECKING

from scanner import frameworks
from scanner.conditions import explained, shown
from scanner.frameworks import Control, Outcome, State, Why
from scanner.model import (
    AppliedWaiver,
    Baseline,
    BaselineState,
    EndpointCoverage,
    Fate,
    Finding,
    Gap,
    Header,
    Judged,
    Report,
    Severity,
    Vanished,
    WaiverState,
    WaiverUse,
)
from scanner.render.counts import near_miss, proven, served

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

MAX_GAPS = 10
MAX_NAMES = 3
MAX_VANISHED = 50
MIN_WIDTH = 20

Part = tuple[str, str]

# Verdicts as a reader meets them, worst first, each with its colour.
WORDS = {"FAIL": "bold red", "UNKNOWN": "bold magenta", "WAIVED": "cyan", "PASS": "green", "N/A": "dim"}
_WORD_OF = {"fail": "FAIL", "unknown": "UNKNOWN", "waived": "WAIVED", "pass": "PASS", "notapplicable": "N/A"}
# What became of the failures of a baseline; of the last two nobody knows.
FATES = {
    Fate.PASSES: "passes now",
    Fate.NOTAPPLICABLE: "not applicable now",
    Fate.GONE: "gone",
    Fate.WAIVED: "waived now",
    Fate.UNKNOWN: "unknown now, and may fail still",
    Fate.NOT_JUDGED: "not judged now, and may fail still",
}
# Waivers as a reader meets them: what needs doing first.
_STATES = (WaiverState.INVALID, WaiverState.EXPIRED, WaiverState.UNUSED, WaiverState.APPLIED)
_PLAIN = ""
_TITLE = "bold"
_ASIDE = "dim"


@dataclass(frozen=True, slots=True)
class Line:
    """A line before it is wrapped: what it begins with, its parts with their styles, and how far in it stands.

    What is `beside` its parts stands under them where the line has no room for both: numbers never break the name they belong to.
    """

    parts: tuple[Part, ...] = ()
    lead: Part = ("", "")
    indent: int = 0
    beside: Part = ("", "")

    def fitted(self, width: int) -> "Iterator[Line]":
        """Yield it as the one line or the two that it is in this width."""
        text, (more, _) = "".join(part for part, _ in self.parts), self.beside
        if not more:
            yield self
        elif self.indent + len(f"{self.lead[0]}{text}  {more}") <= width:
            yield Line((*self.parts, ("  ", _PLAIN), self.beside), self.lead, self.indent)
        else:
            yield Line(self.parts, self.lead, self.indent)
            yield Line((self.beside,), indent=self.indent + 2)


@dataclass(frozen=True, slots=True)
class Page:
    """The lines of a report, as something that a Rich console can print."""

    lines: tuple[Line, ...]

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "RenderResult":
        """Wrap each line under its own beginning; a word too long for a line is broken only if the console wants words broken."""
        from rich.text import Text  # noqa: PLC0415  Rich is imported when there is something to print

        for line in chain.from_iterable(each.fitted(options.max_width) for each in self.lines):
            lead = Text.assemble(" " * line.indent, line.lead)
            text = Text.assemble(*line.parts)
            room = max(options.max_width - lead.cell_len, MIN_WIDTH)
            if options.overflow == "ignore":
                room = max(room, *(Text(word).cell_len for word in text.plain.split()), 0)
            for number, part in enumerate(text.wrap(console, room, overflow="fold")):
                begin = Text(" " * lead.cell_len) if number else lead
                part.rstrip()
                yield from (begin + part).render(console, end="\n")


def render(report: Report, *, width: int = 100) -> str:
    """Return the report as text without colours, in lines of `width` where words allow."""
    return plain(renderable(report), width=width)


def plain(page: Page, *, width: int = 100) -> str:
    """Return a page as text without colours, in lines of `width` where words allow."""
    lines = chain.from_iterable(each.fitted(width) for each in page.lines)
    return "".join(_plain_ascii(line, width) or _plain_by_rich(line, width) for line in lines)


def _plain_ascii(line: Line, width: int) -> str:
    """Return a line as Rich would wrap it, in a fraction of the time; nothing if it takes Rich to know how wide characters are."""
    lead, text = f"{' ' * line.indent}{line.lead[0]}", "".join(part for part, _ in line.parts)
    if not f"{lead}{text}".isascii():
        return ""
    room = max(width - len(lead), MIN_WIDTH)
    if len(text) <= room and text.isprintable():
        return f"{lead}{text.rstrip()}\n"
    room = max(room, *map(len, text.split()))
    wrapped = wrap(text, room, break_long_words=False, break_on_hyphens=False) or [""]
    below = "\n" + " " * len(lead)
    return f"{lead}{below.join(wrapped)}\n"


def _plain_by_rich(line: Line, width: int) -> str:
    from rich.console import Console  # noqa: PLC0415  see Page

    console = Console(file=StringIO(), width=width, color_system=None, force_terminal=False, legacy_windows=False)
    with console.capture() as capture:
        console.print(Page((line,)), overflow="ignore", crop=False)
    return capture.get()


def renderable(report: Report) -> Page:
    """Return the report as something that a Rich console prints, in colour where it has colours."""
    return Page(tuple(lines(report)))


def digest(report: Report) -> Page:
    """Return what fails at the highest severity in full and a line for each other policy, for those who see a report first."""
    return Page(tuple(_digest(report)))


def lines(report: Report) -> Iterator[Line]:
    """Yield all that is said about a report, worst first, the exit code last."""
    yield from _header(report)
    yield from _policies(report)
    yield from _remediation(report)
    yield from _baseline(report)
    yield from _waivers(report)
    yield from _left_out(report)
    yield from _attestations(report)
    yield from _frameworks(report)
    yield from _gaps(report.gaps)
    yield from _coverage(report.snapshot)
    yield _exit_code(report)


def compared(report: Report, baseline: Baseline) -> str:
    """Return how much is new and known against a baseline, and what has vanished."""
    numbers = Counter((finding.baseline, finding.word) for finding in report.findings)
    both = (f"{numbers[each, 'fail']} fail and {numbers[each, 'unknown']} unknown that are {each.value}" for each in BaselineState)
    return f"{', '.join(both)}; vanished: {fates(baseline)}"


def fates(baseline: Baseline) -> str:
    """Return how many failures of a baseline have vanished, by what became of them."""
    numbers = Counter(each.fate for each in baseline.vanished)
    return ", ".join(f"{numbers[fate]} {words}" for fate, words in FATES.items() if numbers[fate]) or "nothing"


def standing(use: WaiverUse, left: int) -> str:
    """Say what became of a waiver, of which so many days are left."""
    soon = f" (expiring: {_number(left, 'day')} left)" if use.expiring else ""
    match use.state:
        case WaiverState.INVALID:
            return f"not honoured: {use.because}"
        case WaiverState.EXPIRED:
            return f"expired after {use.expires}"
        case WaiverState.APPLIED:
            return f"excuses {_number(use.findings, 'failure')} until {use.expires}{soon}"
        case WaiverState.UNUSED:
            return f"excuses nothing, until {use.expires}{soon}{f': {use.because}' if use.because else ''}"


# ---------------------------------------------------------------------------------------------------------------- private


def _digest(report: Report) -> Iterator[Line]:
    yield from _header(report)
    outcomes = _outcomes(report)
    worst = [outcome for outcome in outcomes if outcome.word == "FAIL" and outcome.severity is Severity.CRITICAL]
    for outcome in worst:
        yield from _policy(outcome)
    for outcome in outcomes[len(worst) :]:
        title = (_part(f"{outcome.severity.value:<10}"), _part(outcome.policy.id, _TITLE))
        yield Line(title, _lead(outcome.word), beside=_part(_counted(outcome.counts), _ASIDE))
    yield Line()
    yield from _waivers(report)
    yield from _left_out(report)
    yield _exit_code(report)


def _exit_code(report: Report) -> Line:
    return Line((_part(f"exit code {report.gate.exit_code}: {report.gate.because}", _TITLE),))


def _header(report: Report) -> Iterator[Line]:
    header = report.snapshot
    sites = [f"{name} ({url})" for name, url in header.target.sites.items()]
    scanned = [f"organization {header.target.org_name or ''} {header.target.org}".replace("  ", " ")] * bool(
        header.target.org
    ) + sites
    yield Line((_part(report.tool, _TITLE), (", ", _PLAIN), _part(f"profile {report.profile}")))
    yield Line()
    yield _entry("scanned", ", ".join(scanned) or "nothing")
    yield _entry("taken", f"{header.taken_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC")
    yield _entry("snapshot", header.id)
    if header.recorded:
        yield _entry("recorded", header.recorded)
    if report.desks:
        yield _entry("desks", served(report.desks))
    yield _entry("findings", _counted(sum(report.counts().values(), Counter())) or "none")
    yield Line()


def _entry(word: str, text: str) -> Line:
    return Line((_part(text),), (f"{word:<10}", _ASIDE))


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{counts[key]} {word}" for key, word in _WORD_OF.items() if counts[key])


def _word(finding: Finding) -> str:
    return _WORD_OF[finding.word]


# --------------------------------------------------------------------------------------------------- policies and findings


@dataclass(frozen=True, slots=True)
class _Outcome:
    """A policy with its findings, and the word for the worst of them."""

    policy: Judged
    findings: tuple[Finding, ...]
    counts: Counter[str]
    word: str

    @property
    def severity(self) -> Severity:
        """Return the severity of the worst finding: facts may have raised it above the policy's own."""
        worst = (finding.severity for finding in self.findings if _word(finding) == self.word and self.word in ("FAIL", "UNKNOWN"))
        return max(worst, key=lambda severity: severity.rank, default=self.policy.severity)


def _outcomes(report: Report) -> list[_Outcome]:
    findings: dict[str, list[Finding]] = {policy.id: [] for policy in report.policies}
    for finding in report.findings:
        findings.setdefault(finding.policy, []).append(finding)
    counts = report.counts()
    outcomes = [_outcome(policy, findings[policy.id], counts[policy.id]) for policy in report.policies]
    return sorted(outcomes, key=lambda outcome: (_rank(outcome.word), -outcome.severity.rank, outcome.policy.id))


def _outcome(policy: Judged, findings: list[Finding], counts: Counter[str]) -> _Outcome:
    findings = sorted(findings, key=lambda finding: (_rank(_word(finding)), -finding.severity.rank))
    word = min((_WORD_OF[key] for key in counts.keys() & _WORD_OF.keys() if counts[key]), key=_rank, default="N/A")
    return _Outcome(policy, tuple(findings), counts, word)


def _rank(word: str) -> int:
    return list(WORDS).index(word)


def _policies(report: Report) -> Iterator[Line]:
    if not report.policies:
        yield Line((_part("No policy was applied."),))
        yield Line()
    for outcome in _outcomes(report):
        yield from _policy(outcome)


def _policy(outcome: _Outcome) -> Iterator[Line]:
    policy = outcome.policy
    title = (_part(f"{outcome.severity.value:<10}"), _part(policy.id, _TITLE), _part(f"  {policy.title}"))
    yield Line(title, _lead(outcome.word))
    tally = "; ".join(filter(None, (near_miss(outcome.counts), _counted(outcome.counts))))
    yield Line((_part(tally or "nothing to judge", _ASIDE),), indent=9)
    for each in policy.relaxed:
        said = f"relaxed: {each.param} is {shown(each.value)}, and its bound is {each.bound}; no control is claimed"
        yield Line((_part(said),), indent=9)
    for finding in outcome.findings:
        yield from _finding(finding)
    yield Line()


def _finding(finding: Finding) -> Iterator[Line]:
    """Say what is wrong, not known or excused; what passes or is not applicable was counted."""
    word = _word(finding)
    more: tuple[str, ...]
    match word:
        case "FAIL":
            more = (*explained(finding.clauses), _provenance(finding))
        case "UNKNOWN":
            more = (_provenance(finding), f"what would make it known: {finding.hint}" if finding.hint else "")
        case "WAIVED":
            more = (*explained(finding.clauses), _provenance(finding), _excuse(finding.waiver))
        case _:
            return
    since = _part(f"  ({finding.baseline})" if finding.baseline else "", _ASIDE)
    yield Line((_part(finding.address, _TITLE), _part(f"  {finding.name}"), since), _lead(word), indent=9)
    yield Line((_part(finding.message),), indent=18)
    for text in filter(None, more):
        yield Line((_part(text, _ASIDE),), indent=18)


def _lead(word: str) -> Part:
    return f"{word:<9}", WORDS[word]


def _provenance(finding: Finding) -> str:
    because = f"{finding.severity.value}, because {finding.severity_because}" if finding.severity_because else ""
    return "; ".join(filter(None, (f"source: {finding.source.value}" if finding.source else "", because)))


def _excuse(waiver: AppliedWaiver | None) -> str:
    return f"waived until {waiver.expires}, {_responsible(waiver)}" if waiver else ""


def _responsible(waiver: AppliedWaiver | WaiverUse) -> str:
    ticket = f" ({waiver.ticket})" if waiver.ticket else ""
    return f"owner {waiver.owner}, approved by {waiver.approved_by}: {waiver.reason}{ticket}"


# ---------------------------------------------------------------------------------------------------------- after the policies


def _remediation(report: Report) -> Iterator[Line]:
    failing = [outcome.policy for outcome in _outcomes(report) if outcome.word == "FAIL" and outcome.policy.remediation]
    if failing:
        yield from _heading("What to do")
    for policy in failing:
        yield Line((_part(policy.id, _TITLE),), indent=2)
        for number, step in enumerate(policy.remediation, start=1):
            yield Line((_part(step),), (f"{number}. ", _PLAIN), indent=4)
        yield Line()


def _baseline(report: Report) -> Iterator[Line]:
    """Say what is new against the baseline, what is known, and what has vanished and why."""
    if not (baseline := report.baseline):
        return
    yield from _heading("Against the baseline")
    taken = f"{baseline.taken_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    yield _entry("earlier", f"snapshot {baseline.snapshot}, taken {taken}, profile {baseline.profile}")
    for state in BaselineState:
        counts = Counter(finding.word for finding in report.findings if finding.baseline is state)
        yield _entry(state.value, _counted(counts) or "nothing")
    yield _entry("vanished", fates(baseline))
    for changed in baseline.changed:
        versions = f"{changed.policy} was version {changed.before}, and is {changed.after}"
        yield _entry("changed", f"{versions}: {_number(changed.findings, 'finding')} of the baseline cannot be compared")
    yield Line()
    for fate, words in FATES.items():
        yield from _vanished(words, [each for each in baseline.vanished if each.fate is fate])


def _vanished(words: str, together: list[Vanished]) -> Iterator[Line]:
    if not together:
        return
    yield Line((_part(words, _TITLE),), indent=2)
    for each in together[:MAX_VANISHED]:
        yield Line((_part(each.policy, _TITLE), _part(f"  {each.address}  {each.name}")), indent=4)
        yield Line((_part(each.because, _ASIDE),), indent=6)
    if len(together) > MAX_VANISHED:
        yield Line((_part(f"… and {len(together) - MAX_VANISHED} more", _ASIDE),), indent=4)
    yield Line()


def _waivers(report: Report) -> Iterator[Line]:
    if not report.waivers:
        return
    yield from _heading("Waivers")
    today = report.snapshot.taken_at.astimezone(UTC).date()
    for use in sorted(report.waivers, key=lambda use: (_STATES.index(use.state), not use.expiring, use.expires)):
        yield Line((_part(use.policy, _TITLE), _part(f"  {use.address}")), (f"{use.state.value:<9}", _ASIDE), indent=2)
        yield Line((_part(f"{standing(use, (use.expires - today).days)}; {_responsible(use)}"),), indent=11)
    yield Line()


def _left_out(report: Report) -> Iterator[Line]:
    """Say which policies somebody disabled and why, and how many the profile does not name."""
    if not report.left_out:
        return
    yield from _heading("Policies that are not applied")
    for policy in report.left_out:
        if policy.because is not None:
            yield Line((_part(policy.id, _TITLE), _part(f"  {policy.title}")), ("disabled ", _ASIDE), indent=2)
            yield Line((_part(policy.because),), indent=11)
    if unnamed := sum(policy.because is None for policy in report.left_out):
        yield Line((_part(f"the profile {report.profile} leaves out {_number(unnamed, 'policy')}"),), indent=2)
    yield Line()


def _attestations(report: Report) -> Iterator[Line]:
    expired = [use for use in report.attestations if not use.counted]
    if not expired:
        return
    yield from _heading("Attestations that have expired")
    for use in expired:
        yield Line((_part(use.address, _TITLE),), indent=2)
        yield Line((_part(f"expired after {use.expires}; {use.attested_by} looked on {use.attested_on}"),), indent=4)
    yield Line()


def _frameworks(report: Report) -> Iterator[Line]:
    """Say how many controls of each framework are satisfied, and which are not."""
    view = frameworks.view(report)
    if view:
        yield from _heading("Frameworks")
    for framework in view:
        yield Line((_part(framework.title, _TITLE),), indent=2, beside=_part(proven(framework)))
        for control in framework.of(State.NOT_SATISFIED):
            name = " ".join(filter(None, (control.id, control.title, "(excused)" if control.is_excused else "")))
            yield Line((_part(f"not satisfied: {name}"),), indent=4, beside=_part(_failing(control), _ASIDE))
    dropped = {each for framework in view for control in framework.controls for each in control.no_claims}
    for why in Why:
        if ids := sorted(each.policy for each in dropped if each.why is why):
            yield Line((_part(f"claim nothing, {why.label}: {_listed(ids)}", _ASIDE),), indent=2)
    if view:
        yield Line()


def _failing(control: Control) -> str:
    return _listed([claim.policy for claim in control.claims if claim.outcome in (Outcome.FAIL, Outcome.WAIVED)])


def _listed(names: list[str]) -> str:
    more = len(names) - MAX_NAMES
    return ", ".join(names[:MAX_NAMES]) + (f" and {more} more" if more > 0 else "")


def _gaps(gaps: Iterable[Gap]) -> Iterator[Line]:
    """Say what was not seen, by reason and by what would lift it."""
    groups: dict[tuple[str, str], list[Gap]] = {}
    for gap in gaps:
        groups.setdefault((gap.reason.value, gap.hint), []).append(gap)
    if groups:
        yield from _heading("Not seen")
    for (reason, hint), together in groups.items():
        yield Line((_part(reason, _TITLE), _part(f"  {hint}" if hint else "")), indent=2)
        for gap in together[:MAX_GAPS]:
            yield Line((_part(f"{gap.kind}/{gap.id}" if gap.id else gap.address), _part(f": {gap.detail}", _ASIDE)), indent=4)
        if len(together) > MAX_GAPS:
            yield Line((_part(f"… and {len(together) - MAX_GAPS} more", _ASIDE),), indent=4)
    if groups:
        yield Line()


def _coverage(header: Header) -> Iterator[Line]:
    """Say how far it got at each endpoint, those that were not read whole first."""
    yield from _heading("Coverage")
    if not header.endpoints:
        yield Line((_part("The snapshot names no endpoint that was asked."),), indent=2)
    for word, complete in (("incomplete", False), ("complete", True)):
        together = [each for each in header.endpoints if each.complete is complete]
        if together:
            yield Line((_part(word, _TITLE), _part(f"  {len(together)} of {_number(len(header.endpoints), 'endpoint')}")), indent=2)
        for each in together:
            yield Line((_part(each.endpoint),), indent=4, beside=_part(_effort(each), _ASIDE))
    yield Line()


def _effort(coverage: EndpointCoverage) -> str:
    """Return what was asked and what came of it; what did not happen is not said, but that nothing was asked or came is."""
    counts = (
        (coverage.requests, "request", True),
        (coverage.pages, "page", False),
        (coverage.resources, "resource", True),
        (coverage.gaps, "gap", False),
        (coverage.retries, "retry", False),
    )
    said = [_number(count, noun) for count, noun, always in counts if count or always]
    return ", ".join((*said, f"{coverage.seconds:.1f} s") if coverage.requests else said)


def _number(count: int, noun: str) -> str:
    if count == 1:
        return f"1 {noun}"
    return f"{count} {noun.removesuffix('y')}ies" if noun[-1:] == "y" and noun[-2] not in "aeiou" else f"{count} {noun}s"


def _heading(text: str) -> Iterator[Line]:
    yield Line((_part(text, "bold underline"),))
    yield Line()


def _part(text: str, style: str = _PLAIN) -> Part:
    return visible(text), style


def visible(text: str) -> str:
    """Return the text in one line, with an escape for each character that would not show as itself.

    That is control characters, marks that change the direction of writing or take no room, and halves of surrogate pairs.
    """
    return text if text.isprintable() else "".join(map(_visible_character, text))


def _visible_character(char: str) -> str:
    if char.isprintable():
        return char
    return " " if char.isspace() else char.encode("unicode_escape").decode()
