"""The findings of an HTML report as its script reads them: in columns, each text and each fact once, deflated, as base64.

`report.js` reads what this writes, in the same order. A number in a column stands for a text, a fact or a list of facts: 0 for the
next one that was not told before, n for the n-th that was. What is new runs in sequence, so that almost nothing is left of the
numbers when they are deflated.
"""

import json
import re
import zlib
from base64 import b64encode
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.parse import quote

from scanner.conditions import Clause
from scanner.doors import DOORS
from scanner.frameworks import Framework
from scanner.model import AppliedWaiver, BaselineState, Finding, Judged, Reason, Report, Severity, Source
from scanner.render import console
from scanner.render.html_doors import WATCHING, area_of, door_of
from scanner.render.html_words import REASONS, SOURCES, Outcome, anchor, shown, until, visible

_LONGEST_PLACE = 300


class Row(NamedTuple):
    """One fact of a finding: what was wanted of it (nothing, if it is only context), what was seen, and who says so."""

    fact: str
    of: str | None
    wanted: str
    seen: str
    known: bool
    why: str | None
    source: Source | None


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings as the table shows them at first: by verdict and severity, then by policy and address."""
    outcomes = {outcome.value: rank for rank, outcome in enumerate(Outcome)}
    severities = {severity: -rank for rank, severity in enumerate(Severity)}
    return tuple(sorted(findings, key=lambda each: (outcomes[each.word], severities[each.severity], each.policy, each.address)))


class Places(NamedTuple):
    """The name of the place of each finding, and by row those that its policy and address alone do not tell."""

    all: tuple[str, ...]
    untold: dict[int, str]


def places(findings: Iterable[Finding]) -> Places:
    """Name the place of each finding by policy and address, and a number if these are not alone; a very long one by a digest."""
    named, untold = [], {}
    seen: Counter[str] = Counter()
    for row, finding in enumerate(findings):
        # The script makes the same of each step between slashes, by its `encodeURIComponent`.
        told = place = f"finding/{quote(f'{visible(finding.policy)}/{visible(finding.address)}', safe=_UNQUOTED)}"
        if len(place) > _LONGEST_PLACE:
            place = f"finding/{sha256(place.encode()).hexdigest()[:16]}"
        seen[place] += 1
        if seen[place] > 1:
            place = f"{place}~{seen[place]}"
        if place != told:
            untold[row] = place
        named.append(place)
    return Places(tuple(named), untold)


def rows(finding: Finding) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    """Return the clauses with the sources of what they saw, and the evidence that no clause speaks of."""
    sources = {evidence.path: evidence.source for evidence in finding.evidence}
    told = {clause.path for clause in finding.clauses if clause.address is None}
    return (
        tuple(_clause(clause, sources) for clause in finding.clauses),
        tuple(
            Row(evidence.path, None, "", shown(evidence.value), known=True, why=None, source=evidence.source)
            for evidence in finding.evidence
            if evidence.path not in told
        ),
    )


def island(report: Report, findings: Iterable[Finding], untold: Mapping[int, str], view: Iterable[Framework]) -> str:
    """Return all that the script needs to show the findings, in the order in which they come."""
    writer = _Writer(report)
    for finding in findings:
        writer.write(finding)
    whole = {**_about(report, view), **writer.written(), "anchors": untold}
    text = json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
    return b64encode(zlib.compress(text.encode(), 9)).decode()


# ---------------------------------------------------------------------------------------------------------------- private

_NUMBERS = ("policy", "outcome", "severity", "source", "reason", "baseline", "waiver")
_TEXTS = ("address", "name", "message", "because", "hint", "site", "console")
_LISTS = ("clauses", "context")
_FACTS = ("fact", "of", "wanted", "seen", "why")
_OUTCOMES, _SEVERITIES, _SOURCES, _REASONS, _BASELINES = map(tuple, (Outcome, Severity, Source, Reason, BaselineState))
_OF_RESOURCE = re.compile(r"\{(?!(?:org|site_url)\})")
_UNQUOTED = "/!~*'()"


class _Told:
    """What was told before, numbered from 1 on."""

    def __init__(self) -> None:
        self.numbers: dict[Hashable, int] = {}

    def __call__(self, value: Hashable) -> int:
        """Return the number of a value that was told before, or 0 for one that is new."""
        if number := self.numbers.get(value):
            return number
        self.numbers[value] = len(self.numbers) + 1
        return 0


class _Writer:
    """The columns as they grow."""

    def __init__(self, report: Report) -> None:
        self.target = report.snapshot.target
        self.policies = {policy.id: (number, policy.console) for number, policy in enumerate(report.policies)}
        self.links: dict[tuple[str, str | None], str | None] = {}
        self.texts, self.facts, self.lists, self.waivers = _Told(), _Told(), _Told(), _Told()
        self.findings: dict[str, list[int]] = {name: [] for name in (*_NUMBERS, *_TEXTS, *_LISTS)}
        self.fact_columns: dict[str, list[int]] = {name: [] for name in (*_FACTS, "source", "known")}
        self.lengths: list[int] = []
        self.members: list[int] = []

    def write(self, finding: Finding) -> None:
        """Add a finding."""
        policy, template = self.policies[finding.policy]
        site = console.site_of(finding.address)
        numbers = (
            policy,
            _OUTCOMES.index(finding.word),
            _SEVERITIES.index(finding.severity),
            _number(_SOURCES, finding.source),
            _number(_REASONS, finding.reason),
            _number(_BASELINES, finding.baseline),
            self._waiver(finding.waiver),
        )
        texts = (
            finding.address,
            finding.name,
            finding.message,
            finding.severity_because,
            finding.hint,
            site,
            self._link(template, finding, site),
        )
        for name, number in zip(_NUMBERS, numbers, strict=True):
            self.findings[name].append(number)
        for name, text in zip(_TEXTS, texts, strict=True):
            self.findings[name].append(self.texts(text or ""))
        for name, facts in zip(_LISTS, rows(finding), strict=True):
            self.findings[name].append(self._list(facts))

    def written(self) -> dict[str, Any]:
        """Return all of it, as JSON has it."""
        return {
            "texts": [visible(str(text)) for text in self.texts.numbers],
            "facts": self.fact_columns,
            "lengths": self.lengths,
            "members": self.members,
            "findings": self.findings,
            "waivers": list(self.waivers.numbers),
        }

    def _link(self, template: str, finding: Finding, site: str | None) -> str | None:
        """Return where a person looks; worked out once for each site where the template holds nothing of the resource itself."""
        if not _OF_RESOURCE.search(template):
            if (template, site) not in self.links:
                self.links[template, site] = console.filled(template, self.target, {}, site)
            return self.links[template, site]
        return console.link(template, finding, self.target)

    def _waiver(self, waiver: AppliedWaiver | None) -> int:
        """Return the number of a waiver, from 1 on; 0 if there is none."""
        if waiver is None:
            return 0
        values = (waiver.reason, waiver.owner, waiver.approved_by, waiver.expires.isoformat(), waiver.ticket or "")
        return self.waivers(tuple(map(visible, values))) or len(self.waivers.numbers)

    def _list(self, rows: tuple[Row, ...]) -> int:
        number = self.lists(rows)
        if not number:
            self.lengths.append(len(rows))
            self.members.extend(map(self._fact, rows))
        return number

    def _fact(self, row: Row) -> int:
        number = self.facts(row)
        if not number:
            for name, text in zip(_FACTS, (row.fact, row.of, row.wanted, row.seen, row.why), strict=True):
                self.fact_columns[name].append(self.texts(text or ""))
            self.fact_columns["source"].append(_number(_SOURCES, row.source))
            self.fact_columns["known"].append(int(row.known))
        return number


def _number(values: tuple[str, ...], value: str | None) -> int:
    """Return the number of a value, from 1 on; 0 if there is none."""
    return 0 if value is None else values.index(value) + 1


def _clause(clause: Clause, sources: Mapping[str, Source]) -> Row:
    source = None if clause.address else sources.get(clause.path, sources.get(_root(clause.path)))
    return Row(clause.path, clause.address, clause.wanted, shown(clause.actual), clause.known, clause.why, source)


def _about(report: Report, view: Iterable[Framework]) -> dict[str, Any]:
    expiries = sorted({finding.waiver.expires for finding in report.findings if finding.waiver})
    return {
        "outcomes": [[outcome, outcome.label] for outcome in Outcome],
        "severities": list(Severity),
        "sources": [[source, *SOURCES[source]] for source in Source],
        "reasons": [REASONS[reason][0] for reason in Reason],
        "baselines": list(BaselineState),
        "doors": [[door.id, door.title] for door in (*DOORS.values(), WATCHING)],
        "frameworks": [
            [
                visible(framework.id),
                visible(framework.title),
                [visible(control.id) for control in framework.controls if control.claims],
            ]
            for framework in view
        ],
        "policies": [_policy(policy) for policy in report.policies],
        "until": {day.isoformat(): until(day, report.snapshot.taken_at) for day in expiries},
        "compared": report.baseline is not None,
    }


def _policy(policy: Judged) -> dict[str, Any]:
    """Return what the filters and the table need; one that was relaxed claims no control."""
    controls = [f"{framework}:{control}" for framework, ids in policy.controls.items() for control in ids]
    return {
        "id": visible(policy.id),
        "title": visible(policy.title),
        "anchor": anchor(policy.id),
        "area": visible(area_of(policy.id)),
        "door": door_of(policy),
        "controls": [] if policy.relaxed else list(map(visible, controls)),
    }


@lru_cache(maxsize=1000)
def _root(path: str) -> str:
    """Return the fact that a path starts with."""
    return re.split(r"[.\[]", path, maxsplit=1)[0]
