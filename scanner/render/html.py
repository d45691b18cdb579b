"""The report that people read: one HTML file that stands alone, asks the network for nothing and needs no script to be read."""

import json
from base64 import b64encode
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from scanner import frameworks
from scanner.frameworks import Framework
from scanner.model import (
    AttestationUse,
    BaselineState,
    EndpointCoverage,
    Finding,
    Gap,
    Header,
    Judged,
    LeftOut,
    Reason,
    Report,
    Severity,
    Source,
    Target,
    Vanished,
    WaiverUse,
)
from scanner.render import console
from scanner.render.console import is_link
from scanner.render.counts import near_miss, not_listed, proven, served
from scanner.render.html_data import Row, island, places, rows, worst_first
from scanner.render.html_doors import Area, Doorway, areas, bar, door_of, doorways
from scanner.render.html_words import REASONS, SOURCES, Outcome, anchor, noun, prose, shown, steps, until, utc, visible
from scanner.render.text import FATES
from scanner.shipped import shipped

TEMPLATE, STYLE, SCRIPT = "report.html.j2", "report.css", "report.js"

# How many findings the markup shows of each policy and verdict: so many, or fewer, so that they are so many in all.
_SHOWN, _SHOWN_IN_ALL = 20, 250


def render(report: Report, templates: Path | None = None) -> str:
    """Return the report as one HTML document; files in the folder `templates` take the place of the shipped ones."""
    return standing_alone(environment(templates), TEMPLATE, (STYLE,), SCRIPT, _page(report))


def standing_alone(made_by: Environment, template: str, styles: Sequence[str], script: str, page: object) -> str:
    """Return one HTML document made of a template, with its styles and its script inside, beside which nothing may run."""
    style, code = Markup("").join(_source(made_by, name) for name in styles), _source(made_by, script)
    return made_by.get_template(template).render(page=page, style=style, script=code, csp=_csp(style, code))


def environment(templates: Path | None = None) -> Environment:
    """Return what makes a page of a template: all text is escaped and visible, and an undefined name is an error."""
    folders = [folder for folder in (templates, shipped("reports")) if folder]
    made = Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {
        "anchor": anchor,
        "noun": noun,
        "prose": prose,
        "shown": shown,
        "steps": steps,
        "utc": utc,
        "until": until,
    }
    made.tests["link"] = is_link
    return made


# ------------------------------------------------------------------------------------------------------ what a template sees


@dataclass(frozen=True, slots=True)
class Item:
    """A finding, ready to be shown, and its `row` in the table; `console` leads to it, unless its policy's section does."""

    row: int
    finding: Finding
    anchor: str
    console: str | None
    outcome: Outcome
    clauses: tuple[Row, ...]
    context: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """What came out the same way of one policy, worst severity first; so many `more` are in the table, and others nowhere."""

    outcome: Outcome
    members: tuple[Item, ...]
    count: int
    more: int
    unlisted: str


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
class Tally:
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
class Inventory:
    """What was read of one product: the kinds, how many resources of each, and whether these are all."""

    product: str
    kinds: tuple[tuple[str, int, bool], ...]


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
    counters: tuple[Tally, ...]
    doors: tuple[Doorway, ...]
    watching: Doorway
    areas: tuple[Area, ...]
    blind: tuple[Blind, ...]
    sight: str
    sections: tuple[Section, ...]
    by_door: tuple[tuple[Doorway, tuple[Section, ...]], ...]
    unlisted: str
    data: Markup
    inventory: tuple[Inventory, ...]
    digest: str
    frameworks: tuple[Framework, ...]
    proven: Mapping[str, str]
    labels: Mapping[Outcome, str]
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

_MEANINGS = {
    0: "As a gate, this would let the pipeline go on.",
    1: "As a gate, this would stop the pipeline.",
    3: "As a gate, this would stop the pipeline: what was not verified does not pass.",
}

_PRODUCTS = {"org": "Organization", "jira": "Jira", "jsm": "Jira Service Management", "confluence": "Confluence"}

_LIFTS_SHOWN = 4


def _page(report: Report) -> Page:
    counts = report.counts()
    total = sum(counts.values(), Counter())
    findings = worst_first(report.findings)
    named = places(findings)
    sections = tuple(sorted(_sections(report, findings, named.all, counts), key=_section_order))
    doors = doorways(report, findings, counts)
    view = frameworks.view(report)
    return Page(
        report=report,
        subject=_subject(report.snapshot.target),
        because=report.gate.because[:1].upper() + report.gate.because[1:],
        meaning=_MEANINGS.get(report.gate.exit_code, "As a gate, this would stop the pipeline."),
        gate=_gate(report),
        counters=tuple(_tallies(findings, total)),
        doors=doors[:-1],
        watching=doors[-1],
        areas=tuple(areas(report.policies, counts)),
        blind=tuple(_blind(report.gaps)),
        sight=_sight(len(report.gaps), sum(finding.word == Outcome.UNKNOWN for finding in findings)),
        sections=sections,
        by_door=tuple((each, tuple(one for one in sections if door_of(one.policy) == each.door.id)) for each in doors),
        unlisted=", ".join(not_listed(sum((Counter(policy.unlisted) for policy in report.policies), Counter()))),
        data=Markup(island(report, findings, named.untold, view)),  # noqa: S704  letters and digits only
        inventory=tuple(_inventory(report.snapshot)),
        digest=_digest(report.policies),
        frameworks=view,
        proven={framework.id: proven(framework) for framework in view},
        labels={outcome: outcome.label for outcome in Outcome},
        disabled=tuple(each for each in report.left_out if each.because is not None),
        unnamed=tuple(each for each in report.left_out if each.because is None),
        served=served(report.desks),
        against=_against(report),
        waivers=tuple(sorted(report.waivers, key=lambda waiver: (waiver.expires, waiver.policy, waiver.address))),
        attestations=tuple(sorted(report.attestations, key=lambda each: (each.counted, each.expires, each.address))),
        endpoints=tuple(sorted(report.snapshot.endpoints, key=lambda each: each.complete)),
        asked=_asked(report.snapshot.endpoints),
        gaps=tuple(sorted(report.gaps, key=lambda gap: (list(Reason).index(gap.reason), gap.kind, gap.address, gap.id or ""))),
        reasons=REASONS,
        sources=SOURCES,
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
    outcomes = [Outcome(finding.word) for finding in findings if finding.baseline is state]
    return ", ".join(f"{outcomes.count(each)} {each.label}" for each in Outcome if each in outcomes) or "nothing"


def _sections(
    report: Report, findings: Iterable[Finding], anchors: Iterable[str], counts: Mapping[str, Counter[str]]
) -> Iterator[Section]:
    placed: dict[str, dict[Outcome, list[_Placed]]] = {each.id: {outcome: [] for outcome in Outcome} for each in report.policies}
    for row, (finding, place) in enumerate(zip(findings, anchors, strict=True)):
        placed[finding.policy][Outcome(finding.word)].append(_Placed(row, finding, place))
    most = _most([len(group) for by_outcome in placed.values() for group in by_outcome.values()])
    for policy in report.policies:
        yield _section(policy, placed[policy.id], most, counts[policy.id], report.snapshot.target)


class _Placed(NamedTuple):
    """A finding, its row in the table, and its anchor."""

    row: int
    finding: Finding
    anchor: str


def _most(sizes: Collection[int]) -> int:
    """Return how many of each group the markup shows."""
    enough = (most for most in range(_SHOWN, 1, -1) if sum(min(most, size) for size in sizes) <= _SHOWN_IN_ALL)
    return next(enough, 1)


def _section(policy: Judged, placed: Mapping[Outcome, list[_Placed]], most: int, counts: Counter[str], target: Target) -> Section:
    findings = [each.finding for group in placed.values() for each in group]
    consoles = tuple(_consoles(policy.console, {finding.address for finding in findings}, target))
    linked = {each.href for each in consoles}
    groups = []
    for outcome in Outcome:
        if counts[outcome]:
            items = tuple(_item(each, policy, target, linked) for each in placed[outcome][:most])
            groups.append(_group(outcome, items, counts[outcome], policy.unlisted.get(outcome, 0)))
    counting = [finding.severity for finding in findings if finding.counts]
    return Section(
        policy=policy,
        anchor=anchor(policy.id),
        severity=max(counting, key=lambda severity: severity.rank, default=policy.severity),
        outcome=groups[0].outcome if groups else Outcome.NOTAPPLICABLE,
        groups=tuple(groups),
        consoles=consoles,
        near_miss=near_miss(counts),
    )


def _item(placed: _Placed, policy: Judged, target: Target, linked: Collection[str]) -> Item:
    row, finding, place = placed
    link = console.link(policy.console, finding, target)
    return Item(row, finding, place, None if link in linked else link, Outcome(finding.word), *rows(finding))


def _group(outcome: Outcome, items: tuple[Item, ...], count: int, unlisted: int) -> Group:
    return Group(outcome, items, count, count - len(items) - unlisted, "".join(not_listed({outcome.value: unlisted})))


def _section_order(section: Section) -> tuple[int, int, str]:
    return list(Outcome).index(section.outcome), -section.severity.rank, section.policy.id


def _consoles(template: str, addresses: Iterable[str], target: Target) -> Iterator[Link]:
    """Yield the console of the organization, or those of the sites that the addresses name; of all sites if they name none."""
    if "{site_url}" not in template:
        if href := console.filled(template, target, {}, None):
            yield Link(href, "Open the console")
        return
    named = {site for address in addresses if (site := console.site_of(address)) and site in target.sites}
    for site in sorted(named or target.sites):
        if href := console.filled(template, target, {}, site):
            yield Link(href, f"Open {site}")


def _tallies(findings: Iterable[Finding], counts: Counter[str]) -> Iterator[Tally]:
    severities: dict[str, Counter[Severity]] = {outcome: Counter() for outcome in Outcome}
    for finding in findings:
        severities[finding.word][finding.severity] += 1
    for outcome, start, width in bar(counts):
        numbers = severities[outcome]
        detail = ", ".join(f"{numbers[severity]:,} {severity}" for severity in reversed(Severity) if numbers[severity])
        yield Tally(outcome, counts[outcome], detail if outcome.is_news else "", start, width)


def _blind(gaps: Iterable[Gap]) -> Iterator[Blind]:
    order = list(Reason)
    for reason, group in groupby(sorted(gaps, key=lambda gap: order.index(gap.reason)), key=lambda gap: gap.reason):
        members = tuple(group)
        label, meaning, lift = REASONS[reason]
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


def _inventory(header: Header) -> Iterator[Inventory]:
    """Yield what was read, product by product."""
    for product, group in groupby(sorted(header.coverage, key=lambda each: _product(each.kind)), lambda each: _product(each.kind)):
        title = [*_PRODUCTS.values(), "Other"][product]
        yield Inventory(title, tuple((each.kind, each.resources, each.complete) for each in group))


def _product(kind: str) -> int:
    """Return at which place the product of a kind stands, or the place after the last."""
    product = kind.partition(".")[0]
    return list(_PRODUCTS).index(product) if product in _PRODUCTS else len(_PRODUCTS)


def _digest(policies: Iterable[Judged]) -> str:
    """Return the SHA-256 of the policies as they were applied: one for the same ids, versions and parameters."""
    applied = sorted([policy.id, str(policy.version), json.dumps(policy.params, sort_keys=True)] for policy in policies)
    return sha256(json.dumps(applied).encode()).hexdigest()


def _things(number: int) -> str:
    return "1 thing" if number == 1 else f"{number} things"


# ---------------------------------------------------------------------------------------------------------------- the page


def _finalize(value: Any) -> Any:  # noqa: ANN401  whatever a template prints
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _source(made_by: Environment, name: str) -> Markup:
    """Return our own stylesheet or script, which needs no escaping; no word of it comes from a report."""
    assert made_by.loader  # noqa: S101  for mypy: it was given above
    return Markup(made_by.loader.get_source(made_by, name)[0])  # noqa: S704


def _csp(style: str, script: str) -> str:
    return (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
