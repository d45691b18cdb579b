"""The findings as SARIF 2.1.0 (OASIS), in the shape that GitHub code scanning takes.

GitHub (docs.github.com, "SARIF support for code scanning") shows a result only at a line of a file of the repository, so each
stands at its policy, and the resource is its logical location. It groups results by `primaryLocationLineHash` alone, takes the
severity of an alert from its rule, keeps the 5,000 most severe of at most 25,000 results, and turns down a file of more than 10 MB
when zipped, and a run that was not successful ("unsuccessful execution" in the source of github/codeql-action).

Only failures are results. What could not be judged is a notification. Where that kept the gate from verifying (exit code 3), the
run was not successful: whoever takes such a file would close the alerts of all that nobody could look at.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC
from typing import Any
from urllib.parse import quote

import msgspec

from scanner import frameworks
from scanner.conditions import explained
from scanner.model import AppliedWaiver, BaselineState, Finding, Gap, Judged, Report, Severity, Verdict
from scanner.render import console
from scanner.render.annotations import (
    MAX_NAME,
    MAX_TEXT,
    Fold,
    Place,
    Places,
    brief,
    fingerprint,
    folded,
    told,
    waived,
)
from scanner.render.text import fates

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

MAX_RESULTS = 25_000
MAX_NOTIFICATIONS = 10_000
MAX_TAGS = 10
MAX_SEEN = 5

NOT_VERIFIED = 3  # the exit code

LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}

# A score as in CVSS: GitHub calls above 9.0 critical, from 7.0 high, from 4.0 medium, and anything above 0.0 low.
SCORES = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.0",
    Severity.INFO: "0.1",
}

STATES = {BaselineState.NEW: "new", BaselineState.KNOWN: "unchanged"}

NOTIFICATIONS = {
    "unknown": "Something could not be judged.",
    "gap": "Something could not be read.",
    "folded": "There are more findings than this format can hold, so some are told together.",
}

Object = dict[str, Any]

# What stays as it is in a URI (RFC 3986): reserved characters, and the percent sign of what is quoted already.
_URI = ":/?#[]@!$&'()*+,;=%"

# Semantic Versioning 2.0.0, without build metadata.
_VERSION = re.compile(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?")


def render(report: Report, *, category: str = "atlascan") -> str:
    """Return the report as SARIF with one run. A reader holds results of one category, and the same sites, against each other.

    `properties.count` of a result or a notification says how many findings it stands for, where these are more than one. The run's
    `properties.summary` counts all that was found.
    """
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [_Run(report, category).written()]}
    return msgspec.json.format(msgspec.json.encode(log), indent=1).decode() + "\n"


# ---------------------------------------------------------------------------------------------------------------- private


class _Run:
    """Writes a run: what a result needs besides its finding is looked up once."""

    def __init__(self, report: Report, category: str) -> None:
        self._report, self._category = report, category
        self._places = Places(report)
        self._consoles = {policy.id: policy.console for policy in report.policies}
        self._indices = {policy.id: index for index, policy in enumerate(report.policies)}
        self._known: Counter[str] = Counter()

    def written(self) -> Object:
        report = self._report
        failures, more = folded((each for each in report.findings if each.verdict is Verdict.FAIL), MAX_RESULTS)
        return {
            "tool": {"driver": _driver(report)},
            "automationDetails": {"id": _category(self._category, report)},
            "columnKind": "utf16CodeUnits",
            "invocations": [
                {
                    "executionSuccessful": report.gate.exit_code != NOT_VERIFIED,
                    "exitCode": report.gate.exit_code,
                    "exitCodeDescription": brief(report.gate.because),
                    "toolExecutionNotifications": [*self._unknown(), *_gaps(report.gaps), *map(self._said_folded, more)],
                }
            ],
            "results": [*map(self._result, failures), *map(self._folded_result, more)],
            "properties": _properties(report),
        }

    def _result(self, finding: Finding) -> Object:
        link = console.link(self._consoles.get(finding.policy, ""), finding, self._report.snapshot.target)
        return {
            **self._rule(finding.policy),
            "kind": "fail",
            "level": LEVELS[finding.severity],
            "message": {"text": _message(finding)},
            "locations": [_location(self._places.of(finding.policy), finding.address, finding.name)],
            "partialFingerprints": self._fingerprints(finding.policy, finding.address),
            "suppressions": [_suppression(finding.waiver, waived(finding))] if finding.waiver else [],
            **({"baselineState": STATES[finding.baseline]} if finding.baseline else {}),
            "properties": _without_none(
                severity=finding.severity.value,
                severityBecause=finding.severity_because and brief(finding.severity_because),
                source=finding.source and finding.source.value,
                console=link and brief(link),
            ),
        }

    def _folded_result(self, fold: Fold) -> Object:
        suppressed = {"kind": "external", "status": "accepted", "justification": fold.told}
        return {
            **self._rule(fold.policy),
            "kind": "fail",
            "level": LEVELS[fold.severity],
            "message": {"text": fold.told},
            "locations": [_location(self._places.of(fold.policy), f"{fold.word} of {fold.policy}", "what is not listed")],
            "partialFingerprints": self._fingerprints(fold.policy, fold.word),
            "suppressions": [suppressed] if fold.word == "waived" else [],
            "properties": {"severity": fold.severity.value, "count": fold.count},
        }

    def _unknown(self) -> Iterator[Object]:
        """Say what could not be judged."""
        findings, more = folded((each for each in self._report.findings if each.verdict is Verdict.UNKNOWN), MAX_NOTIFICATIONS)
        level = "error" if self._report.gate.exit_code == NOT_VERIFIED else "warning"
        for each in findings:
            about = each.missing or each.address
            yield {
                **_notification("unknown", level, told(each)),
                "associatedRule": self._associated(each.policy),
                "locations": [_location(self._places.of(each.policy), about, each.name)],
                "properties": _without_none(
                    severity=each.severity.value,
                    reason=each.reason and each.reason.value,
                    baselineState=each.baseline and STATES[each.baseline],
                ),
            }
        for fold in more:
            yield {
                **_notification("unknown", level, fold.told),
                "associatedRule": self._associated(fold.policy),
                "properties": {"severity": fold.severity.value, "count": fold.count},
            }

    def _said_folded(self, fold: Fold) -> Object:
        return {**_notification("folded", "note", fold.told), "associatedRule": self._associated(fold.policy)}

    def _rule(self, policy: str) -> Object:
        known = self._associated(policy)
        return {"ruleId": known["id"]} | ({"ruleIndex": known["index"]} if "index" in known else {})

    def _associated(self, policy: str) -> Object:
        index = {"index": self._indices[policy]} if policy in self._indices else {}
        return {"id": brief(policy, MAX_NAME), **index}

    def _fingerprints(self, policy: str, address: str) -> Object:
        """Return what tells the results of a run apart: `atlascan/v1` for the resource, the other, as GitHub wants it, for each."""
        known = fingerprint(policy, address)
        self._known[known] += 1
        return {"atlascan/v1": known, "primaryLocationLineHash": f"{known[:16]}:{self._known[known]}"}


# ------------------------------------------------------------------------------------------------------------------ the tool


def _driver(report: Report) -> Object:
    version = report.tool.rpartition(" ")[2]
    failing: dict[str, list[Severity]] = {}
    for each in report.findings:
        if each.verdict is Verdict.FAIL:
            failing.setdefault(each.policy, []).append(each.severity)
    return {
        "name": "atlascan",
        **({"semanticVersion": version} if _VERSION.fullmatch(version) else {}),
        "rules": [_rule(policy, failing.get(policy.id, [])) for policy in report.policies],
        "notifications": [_descriptor(id_, text) for id_, text in NOTIFICATIONS.items()],
    }


def _descriptor(id_: str, text: str) -> Object:
    """Return what a kind of notification means; Microsoft's validator wants all three for GitHub (GH2012)."""
    return {"id": id_, "shortDescription": {"text": text}, "fullDescription": {"text": text}, "help": {"text": text}}


def _rule(policy: Judged, failing: Iterable[Severity]) -> Object:
    """Return a policy as a rule, no less severe than the worst of what fails: GitHub looks at the rule for all its alerts."""
    severity = max((policy.severity, *failing), key=lambda each: each.rank)
    links = [quote(link, safe=_URI) for link in policy.references if console.is_link(link)]
    name = "".join(word[:1].upper() + word[1:] for word in re.findall(r"[A-Za-z0-9]+", policy.id))
    return {
        "id": brief(policy.id, MAX_NAME),
        **({"name": name[:MAX_NAME]} if name else {}),
        "shortDescription": {"text": _sentence(policy.title)},
        "fullDescription": {"text": _sentence(policy.rationale)},
        "help": {"text": _help(policy, "{}:"), "markdown": _help(policy, "## {}").replace("<", "&lt;")},
        **({"helpUri": links[0]} if links else {}),
        "defaultConfiguration": {"level": LEVELS[policy.severity]},
        "properties": {
            "tags": _tags(policy),
            "precision": "high",
            "problem.severity": {"note": "recommendation"}.get(LEVELS[severity], LEVELS[severity]),
            "security-severity": SCORES[severity],
            "severity": policy.severity.value,
            "version": policy.version,
        },
    }


def _tags(policy: Judged) -> list[str]:
    tags = ("security", "atlassian", policy.id.partition("/")[0], policy.door or "", *policy.controls)
    return list(dict.fromkeys(filter(None, (brief(tag, MAX_NAME) for tag in tags))))[:MAX_TAGS]


def _help(policy: Judged, heading: str) -> str:
    """Return why it matters and what to do. Policies are written in plain words, which read well as Markdown too."""
    titles = frameworks.titles()
    sections = {
        "What to do": [f"{number}. {step}" for number, step in enumerate(policy.remediation, start=1)],
        "Controls": [f"- {titles[id_].title if id_ in titles else id_}: {', '.join(ids)}" for id_, ids in policy.controls.items()],
        "References": [f"- {link}" for link in policy.references if console.is_link(link)],
    }
    parts = [brief(policy.rationale)]
    for title, lines in sections.items():
        if lines:
            parts += [heading.format(title), "\n".join(map(brief, lines))]
    return "\n\n".join(parts)


# ----------------------------------------------------------------------------------------------------------- what was found


def _message(finding: Finding) -> str:
    seen = [brief(line) for line in explained(finding.clauses)[:MAX_SEEN]]
    return _no_link(" ".join((told(finding), *(f"Seen: {line}." for line in seen))))


def _no_link(text: str) -> str:
    """Return text in which no name makes a link: that takes brackets right before parentheses (SARIF 2.1.0, 3.11.6)."""
    return text.replace("](", "] (")


def _location(place: Place, address: str, name: str) -> Object:
    """Return the line of a policy, as GitHub wants a region (all four numbers), and the resource."""
    region = {"startLine": place.line, "startColumn": 1, "endLine": place.line, "endColumn": 2}
    resource = {"name": brief(name, MAX_NAME) or brief(address, MAX_NAME), "fullyQualifiedName": brief(address), "kind": "resource"}
    return {
        "physicalLocation": {"artifactLocation": {"uri": quote(place.path)}, "region": region},
        "logicalLocations": [resource],
    }


def _suppression(waiver: AppliedWaiver, justification: str) -> Object:
    return {
        "kind": "external",
        "status": "accepted",
        "justification": justification,
        "properties": _without_none(
            owner=brief(waiver.owner, MAX_NAME),
            approvedBy=brief(waiver.approved_by, MAX_NAME),
            expires=waiver.expires.isoformat(),
            ticket=waiver.ticket and brief(waiver.ticket, MAX_NAME),
        ),
    }


def _gaps(gaps: Iterable[Gap]) -> Iterator[Object]:
    for gap in gaps:
        about = f"{gap.kind}/{gap.id}" if gap.id else gap.address
        text = f"{brief(about, MAX_NAME)}: {brief(gap.detail)}{f' ({brief(gap.hint)})' if gap.hint else ''}."
        properties = {"reason": gap.reason.value}
        yield {**_notification("gap", "warning", text), "properties": properties}


def _notification(id_: str, level: str, text: str) -> Object:
    index = list(NOTIFICATIONS).index(id_)
    return {"descriptor": {"id": id_, "index": index}, "level": level, "message": {"text": _no_link(text)}}


def _category(category: str, report: Report) -> str:
    """Return the category, up to the last slash: results of other sites must not take the place of these.

    What follows the slash would be what differs from run to run.
    """
    sites = "+".join(sorted(report.snapshot.target.sites)) or report.snapshot.target.org or "none"
    return f"{category}/{quote(brief(sites, MAX_NAME), safe='+')}/"


def _properties(report: Report) -> Object:
    header, gate = report.snapshot, report.gate
    counts = report.counts()
    return _without_none(
        profile=brief(report.profile, MAX_NAME),
        snapshot=brief(header.id, MAX_NAME),
        takenAt=header.taken_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        failOn=gate.fail_on and gate.fail_on.value,
        failOnNew=gate.fail_on_new and gate.fail_on_new.value,
        baseline=report.baseline and brief(report.baseline.snapshot, MAX_NAME),
        vanished=report.baseline and fates(report.baseline),
        summary=_counts(sum(counts.values(), Counter())),
        policies={brief(policy, MAX_NAME): _counts(each) for policy, each in counts.items()},
    )


def _counts(counts: Mapping[str, int]) -> dict[str, int]:
    return {word: counts[word] for word in ("fail", "waived", "unknown", "pass", "notapplicable")}


def _sentence(text: str) -> str:
    return f"{brief(text, MAX_TEXT).rstrip('.')}."


def _without_none(**properties: Any) -> Object:  # noqa: ANN401  whatever JSON holds
    return {name: value for name, value in properties.items() if value is not None}
