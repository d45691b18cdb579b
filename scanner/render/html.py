"""The report that people read: one HTML file that stands alone, asks the network for nothing and needs no script to be read."""

import collections
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from scanner import frameworks
from scanner.conditions import Clause
from scanner.frameworks import Framework
from scanner.kinds import KINDS
from scanner.model import (
    AttestationUse,
    BaselineState,
    EndpointCoverage,
    Evidence,
    Finding,
    Gap,
    Judged,
    LeftOut,
    Reason,
    Report,
    Severity,
    Source,
    Target,
    Vanished,
    Verdict,
    WaiverUse,
)
from scanner.render import console
from scanner.render.console import is_link
from scanner.render.counts import near_miss, not_listed, proven, served
from scanner.render.text import FATES
from scanner.shipped import shipped

TEMPLATE, STYLE, SCRIPT = "report.html.j2", "report.css", "report.js"


def render(report: Report, templates: Path | None = None) -> str:
    """Return the report as one HTML document; files in the folder `templates` take the place of the shipped ones."""
    environment = _environment(templates)
    style, script = (_source(environment, name) for name in (STYLE, SCRIPT))
    return environment.get_template(TEMPLATE).render(page=_page(report), style=style, script=script, csp=_csp(style, script))


class Outcome(StrEnum):
    """A verdict as a reader meets it, worst first: a failure that somebody excused stands apart from one that nobody did."""

    FAIL = "fail"
    UNKNOWN = "unknown"
    WAIVED = "waived"
    PASS = "pass"  # noqa: S105  not a password
    NOTAPPLICABLE = "notapplicable"

    @property
    def label(self) -> str:
        """Return its words."""
        return _LABELS[self]

    @property
    def is_news(self) -> bool:
        """Tell whether a reader should see it without asking."""
        return self in (Outcome.FAIL, Outcome.UNKNOWN, Outcome.WAIVED)


# ------------------------------------------------------------------------------------------------------ what a template sees


@dataclass(frozen=True, slots=True)
class Row:
    """One fact of a finding: what was wanted of it (nothing, if it is only context), what was seen, and who says so."""

    fact: str
    of: str | None
    wanted: str
    seen: str
    known: bool
    why: str | None
    source: Source | None


@dataclass(frozen=True, slots=True)
class Item:
    """A finding, ready to be shown; `console` leads to its own page, where the policy's section has no such link."""

    finding: Finding
    anchor: str
    console: str | None
    outcome: Outcome
    clauses: tuple[Row, ...]
    context: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """What came out the same way of one policy, worst severity first; `more` says what of it is not listed."""

    outcome: Outcome
    members: tuple[Item, ...]
    count: int
    more: str


@dataclass(frozen=True, slots=True)
class Link:
    """A link to a console."""

    href: str
    text: str


@dataclass(frozen=True, slots=True)
class Section:
    """A policy with its findings. `severity` is the worst of those that fail or could not be judged, else the policy's own."""

    policy: Judged
    anchor: str
    severity: Severity
    outcome: Outcome
    groups: tuple[Group, ...]
    consoles: tuple[Link, ...]
    near_miss: str

    def count(self, outcome: Outcome) -> int:
        """Return how much came out this way, listed or not."""
        return sum(group.count for group in self.groups if group.outcome is outcome)


@dataclass(frozen=True, slots=True)
class Counter:
    """How many findings came out one way, how bad these are, and where they lie in a bar of a hundred."""

    outcome: Outcome
    count: int
    detail: str
    start: float
    width: float


@dataclass(frozen=True, slots=True)
class Blind:
    """What could not be seen for one reason, and what would lift that."""

    reason: Reason
    label: str
    meaning: str
    count: int
    kinds: tuple[str, ...]
    lifts: tuple[str, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Against:
    """What the comparison with a baseline says: what is new, what is known, and what has vanished, by what became of it."""

    new: str
    known: str
    vanished: tuple[tuple[str, tuple[Vanished, ...]], ...]


@dataclass(frozen=True, slots=True)
class Page:
    """Everything that the template shows, counted and worded."""

    report: Report
    subject: str
    because: str
    meaning: str
    gate: str
    counters: tuple[Counter, ...]
    blind: tuple[Blind, ...]
    sight: str
    sections: tuple[Section, ...]
    frameworks: tuple[Framework, ...]
    proven: Mapping[str, str]
    labels: Mapping["Outcome", str]
    disabled: tuple[LeftOut, ...]
    unnamed: tuple[LeftOut, ...]
    served: str
    against: Against | None
    waivers: tuple[WaiverUse, ...]
    attestations: tuple[AttestationUse, ...]
    endpoints: tuple[EndpointCoverage, ...]
    asked: str
    gaps: tuple[Gap, ...]
    reasons: Mapping[Reason, "tuple[str, str, str]"]
    sources: Mapping[Source, "tuple[str, str]"]
    severities: tuple[Severity, ...]


# ---------------------------------------------------------------------------------------------------------------- wording

_LABELS = {
    Outcome.FAIL: "failing",
    Outcome.UNKNOWN: "could not be judged",
    Outcome.WAIVED: "waived",
    Outcome.PASS: "passing",
    Outcome.NOTAPPLICABLE: "not applicable",
}

_MEANINGS = {
    0: "As a gate, this would let the pipeline go on.",
    1: "As a gate, this would stop the pipeline.",
    3: "As a gate, this would stop the pipeline: what was not verified does not pass.",
}

# Label, what it means, and what would lift it where a gap itself gives no hint.
_REASONS = {
    Reason.FORBIDDEN: (
        "access refused",
        "The credential is not allowed to look.",
        "use a credential with the permission that is missing",
    ),
    Reason.NOT_FOUND: ("not found", "It is not there, or hidden from this credential.", "look whether it exists under this name"),
    Reason.NO_CREDENTIAL: ("no credential", "No credential was given for it.", "give the credential that `atlascan doctor` names"),
    Reason.NO_PUBLIC_API: (
        "no public interface",
        "Only a console shows it.",
        "a person looks, and states it with `atlascan attest`",
    ),
    Reason.OPT_IN_OFF: (
        "not opted in",
        "Reading it is opt-in, and was not switched on.",
        "switch it on in the configuration, or attest it",
    ),
    Reason.UNSUPPORTED: ("not supported", "This site, or this version of the tool, does not offer it.", "attest it"),
    Reason.GAVE_UP: ("gave up", "It answered with errors or too slowly, again and again.", "scan again later"),
    Reason.MALFORMED: (
        "not understood",
        "The answer had a shape that is not known.",
        "update the tool, or report the answer's shape",
    ),
}

_SOURCES = {
    Source.API: ("api", "Atlassian's public interface said so."),
    Source.API_EXPERIMENTAL: ("api, experimental", "a public interface that Atlassian calls experimental said so; it may change."),
    Source.UNDOCUMENTED: ("undocumented", "an endpoint that Atlassian does not document said so; its meaning is inferred."),
    Source.PROBE: ("probe", "it was seen from outside, as an anonymous visitor sees it."),
    Source.INFERRED: ("inferred", "it follows from something else that was seen, such as the audit log."),
    Source.ATTESTED: ("attested", "a person's dated statement; nothing but that person vouches for it."),
}

_LIFTS_SHOWN = 4


def _page(report: Report) -> Page:
    counts = report.counts()
    items = tuple(_items(report))
    by_policy: dict[str, list[Item]] = {policy.id: [] for policy in report.policies}
    for item in items:
        by_policy[item.finding.policy].append(item)
    target = report.snapshot.target
    sections = [_section(policy, by_policy[policy.id], counts[policy.id], target) for policy in report.policies]
    view = frameworks.view(report)
    return Page(
        report=report,
        subject=_subject(report.snapshot.target),
        because=report.gate.because[:1].upper() + report.gate.because[1:],
        meaning=_MEANINGS.get(report.gate.exit_code, "As a gate, this would stop the pipeline."),
        gate=_gate(report),
        counters=tuple(_counters(items, sum(counts.values(), collections.Counter()))),
        blind=tuple(_blind(report.gaps)),
        sight=_sight(len(report.gaps), sum(item.outcome is Outcome.UNKNOWN for item in items)),
        sections=tuple(sorted(sections, key=_section_order)),
        frameworks=view,
        proven={framework.id: proven(framework) for framework in view},
        labels=_LABELS,
        disabled=tuple(each for each in report.left_out if each.because is not None),
        unnamed=tuple(each for each in report.left_out if each.because is None),
        served=served(report.desks),
        against=_against(report),
        waivers=tuple(sorted(report.waivers, key=lambda waiver: (waiver.expires, waiver.policy, waiver.address))),
        attestations=tuple(sorted(report.attestations, key=lambda each: (each.counted, each.expires, each.address))),
        endpoints=tuple(sorted(report.snapshot.endpoints, key=lambda each: each.complete)),
        asked=_asked(report.snapshot.endpoints),
        gaps=tuple(sorted(report.gaps, key=lambda gap: (list(Reason).index(gap.reason), gap.kind, gap.address, gap.id or ""))),
        reasons=_REASONS,
        sources=_SOURCES,
        severities=tuple(reversed(Severity)),
    )


def _subject(target: Target) -> str:
    if target.org_name:
        return target.org_name
    match sorted(target.sites):
        case []:
            return "an organization" if target.org else "nothing"
        case [only]:
            return only
        case [*most, last] if len(most) < 3:  # noqa: PLR2004  more than a title can bear
            return f"{', '.join(most)} and {last}"
        case [first, *others]:
            return f"{first} and {len(others)} other sites"
        case _:  # pragma: no cover  the patterns above are all there are
            raise AssertionError


def _gate(report: Report) -> str:
    gate = report.gate
    unknown = "goes through" if gate.allow_unknown else "stops it too"
    if_new = "if it is new" if gate.fail_on is None else f"and a new one of severity {gate.fail_on_new} or above"
    severity, new = gate.fail_on or gate.fail_on_new, f" {if_new}" if gate.fail_on_new else ""
    stops = f"A failure of severity {severity} or above stops the pipeline{new}; what could not be judged {unknown}."
    return f"Exit code {gate.exit_code}. {stops}"


def _against(report: Report) -> Against | None:
    if report.baseline is None:
        return None
    by_fate = ((words, tuple(each for each in report.baseline.vanished if each.fate is fate)) for fate, words in FATES.items())
    return Against(
        _standing(report.findings, BaselineState.NEW),
        _standing(report.findings, BaselineState.KNOWN),
        tuple((words, members) for words, members in by_fate if members),
    )


def _standing(findings: Iterable[Finding], state: BaselineState) -> str:
    outcomes = [_outcome(finding) for finding in findings if finding.baseline is state]
    return ", ".join(f"{outcomes.count(each)} {each.label}" for each in Outcome if each in outcomes) or "nothing"


def _items(report: Report) -> Iterator[Item]:
    target = report.snapshot.target
    consoles = {policy.id: policy.console for policy in report.policies}
    seen: dict[str, int] = {}
    for finding in report.findings:
        name = f"{finding.policy}\n{finding.address}"
        seen[name] = seen.get(name, 0) + 1
        digest = sha256(f"{name}\n{seen[name]}".encode("utf-8", "replace")).hexdigest()
        link = console.link(consoles[finding.policy], finding, target)
        yield Item(finding, f"finding/{digest[:12]}", link, _outcome(finding), *_rows(finding))


def _outcome(finding: Finding) -> Outcome:
    match finding.verdict:
        case Verdict.FAIL:
            return Outcome.FAIL if finding.counts else Outcome.WAIVED
        case Verdict.UNKNOWN:
            return Outcome.UNKNOWN
        case Verdict.PASS:
            return Outcome.PASS
        case Verdict.NOTAPPLICABLE:
            return Outcome.NOTAPPLICABLE


def _rows(finding: Finding) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    """Return the clauses with the sources of what they saw, and the evidence that no clause speaks of."""
    sources = {evidence.path: evidence.source for evidence in finding.evidence}
    told = {clause.path for clause in finding.clauses if clause.address is None}
    clauses = tuple(_clause_row(clause, sources) for clause in finding.clauses)
    return clauses, tuple(_evidence_row(evidence) for evidence in finding.evidence if evidence.path not in told)


def _clause_row(clause: Clause, sources: Mapping[str, Source]) -> Row:
    root = re.split(r"[.\[]", clause.path, maxsplit=1)[0]
    source = None if clause.address else sources.get(clause.path, sources.get(root))
    return Row(clause.path, clause.address, clause.wanted, shown(clause.actual), clause.known, clause.why, source)


def _evidence_row(evidence: Evidence) -> Row:
    return Row(evidence.path, None, "", shown(evidence.value), known=True, why=None, source=evidence.source)


def _section(policy: Judged, items: list[Item], counts: collections.Counter[str], target: Target) -> Section:
    consoles = tuple(_consoles(policy.console, [item.finding.address for item in items], target))
    known = {console.href for console in consoles}
    items = [replace(item, console=None) if item.console in known else item for item in sorted(items, key=_item_order)]
    groups = tuple(_group(outcome, items, counts, policy) for outcome in Outcome if counts[outcome.value])
    counting = [item.finding.severity for item in items if item.finding.counts]
    return Section(
        policy=policy,
        anchor=anchor(policy.id),
        severity=max(counting, key=lambda severity: severity.rank, default=policy.severity),
        outcome=groups[0].outcome if groups else Outcome.NOTAPPLICABLE,
        groups=groups,
        consoles=consoles,
        near_miss=near_miss(counts),
    )


def _group(outcome: Outcome, items: list[Item], counts: collections.Counter[str], policy: Judged) -> Group:
    members = tuple(item for item in items if item.outcome is outcome)
    more = not_listed({word: number for word, number in policy.unlisted.items() if word == outcome})
    return Group(outcome, members, counts[outcome.value], "".join(more))


def _item_order(item: Item) -> tuple[int, int, str]:
    return list(Outcome).index(item.outcome), -item.finding.severity.rank, item.finding.address


def _section_order(section: Section) -> tuple[int, int, str]:
    return list(Outcome).index(section.outcome), -section.severity.rank, section.policy.id


def _consoles(template: str, addresses: list[str], target: Target) -> Iterator[Link]:
    """Yield the console of the organization, or those of the sites that the addresses name; of all sites if they name none."""
    if "{site_url}" not in template:
        if href := console.filled(template, target, {}, None):
            yield Link(href, "Open the console")
        return
    named = {site for address in addresses if (site := console.site_of(address)) and site in target.sites}
    for site in sorted(named or target.sites):
        if href := console.filled(template, target, {}, site):
            yield Link(href, f"Open {site}")


def _counters(items: Iterable[Item], counts: collections.Counter[str]) -> Iterator[Counter]:
    by_outcome: dict[Outcome, list[Item]] = {outcome: [] for outcome in Outcome}
    for item in items:
        by_outcome[item.outcome].append(item)
    total = counts.total() or 1
    start = 0.0
    for outcome, members in by_outcome.items():
        count = counts[outcome.value]
        width = round(100 * count / total, 2)
        yield Counter(outcome, count, _by_severity(members) if outcome.is_news else "", round(start, 2), width)
        start += width


def _by_severity(items: Iterable[Item]) -> str:
    severities = [item.finding.severity for item in items]
    return ", ".join(f"{severities.count(severity)} {severity}" for severity in reversed(Severity) if severity in severities)


def _blind(gaps: Iterable[Gap]) -> Iterator[Blind]:
    order = list(Reason)
    for reason, group in groupby(sorted(gaps, key=lambda gap: order.index(gap.reason)), key=lambda gap: gap.reason):
        members = tuple(group)
        label, meaning, lift = _REASONS[reason]
        lifts = tuple(dict.fromkeys(gap.hint or lift for gap in members))
        kinds = tuple(dict.fromkeys(noun(gap.kind) for gap in members))
        more = max(0, len(lifts) - _LIFTS_SHOWN)
        yield Blind(reason, label, meaning, len(members), kinds, lifts[:_LIFTS_SHOWN], more)


def _sight(gaps: int, unknown: int) -> str:
    left = "1 finding" if unknown == 1 else f"{unknown or 'no'} findings"
    return f"{_things(gaps)} could not be read, and {left} could not be judged. None of this counts as passing."


def _asked(endpoints: Iterable[EndpointCoverage]) -> str:
    complete = [each.complete for each in endpoints]
    partly = f"{sum(complete)} of {len(complete)} were read whole; the others come first."
    return f"{'All were read whole.' if all(complete) else partly} Seconds are those of all requests, added up."


def _things(number: int) -> str:
    return "1 thing" if number == 1 else f"{number} things"


# -------------------------------------------------------------------------------------------------- what a template may call


def noun(kind: str) -> str:
    """Return what a kind is called in a sentence."""
    return KINDS[kind].noun if kind in KINDS else kind


def shown(value: Any) -> str:  # noqa: ANN401  a fact is any JSON
    """Return a fact for a person to read: lists of objects a line each, everything else in one line."""
    match value:
        case str():
            return value or "(empty text)"
        case []:
            return "(empty list)"
        case [*values] if any(isinstance(each, list | dict) for each in values):
            return "\n".join(map(shown, values))
        case [*values]:
            return ", ".join(map(shown, values))
        case {**pairs}:
            return ", ".join(f"{key}: {shown(each)}" for key, each in pairs.items()) or "(nothing)"
        case _:
            return msgspec.json.encode(value).decode()


def anchor(policy: str) -> str:
    """Return the name of the place where a policy stands on the page."""
    return f"policy/{quote(policy)}"


def prose(text: str) -> Markup:
    """Return text in which what stands between backticks is code."""
    parts = re.split(r"`([^`]+)`", visible(text))
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if index % 2 else escape(part) for index, part in enumerate(parts)
    )


def steps(path: str) -> Markup:
    """Return a path that a narrow column may break before a slash, and nowhere within a step that fits."""
    return Markup("<wbr>/").join(visible(path).split("/"))


def utc(moment: datetime) -> str:
    """Return a moment as UTC, to the minute."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return f"{aware.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def until(expires: date, taken_at: datetime) -> str:
    """Return how far a date of expiry is from the snapshot: a report reads the same on any day."""
    days = (expires - taken_at.astimezone(UTC).date()).days
    unit = "day" if abs(days) == 1 else "days"
    if days < 0:
        return f"ended {-days} {unit} earlier"
    return f"{days} {unit} left" if days else "last day"


# C0, C1, line and paragraph separators, what reorders or hides text, surrogates and noncharacters. Joiners (emoji, Persian) and the
# plain direction marks stay: within <bdi> they do no harm.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2060-\u206f\u200b\ufeff\ufff9-\uffff\ud800-\udfff\U000e0000-\U000e001f]"
)


def visible(text: str) -> str:
    """Return text with a name in the place of every character that HTML forbids, or that reorders or hides what is around it."""
    return _UNSEEN.sub(lambda match: f"[U+{ord(match.group()):04X}]", text)


# ---------------------------------------------------------------------------------------------------------------- the page


def _environment(templates: Path | None) -> Environment:
    folders = [folder for folder in (templates, shipped("reports")) if folder]
    environment = Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "anchor": anchor,
        "noun": noun,
        "prose": prose,
        "shown": shown,
        "steps": steps,
        "utc": utc,
        "until": until,
    }
    environment.tests["link"] = is_link
    return environment


def _finalize(value: Any) -> Any:  # noqa: ANN401  whatever a template prints
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _source(environment: Environment, name: str) -> Markup:
    """Return our own stylesheet or script, which needs no escaping; no word of it comes from a report."""
    assert environment.loader  # noqa: S101  for mypy: it was given above
    return Markup(environment.loader.get_source(environment, name)[0])  # noqa: S704


def _csp(style: str, script: str) -> str:
    return (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
