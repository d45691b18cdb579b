"""The report for programs: version 1 of `atlascan/result`, promised by `schemas/result.schema.json`.

It is written field by field, so that a change of a class never changes the format by accident. All of the report is in it:
`scanner.results.load` reads it back whole.
"""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from scanner.conditions import Clause
from scanner.model import (
    AppliedWaiver,
    AttestationUse,
    Coverage,
    EndpointCoverage,
    Evidence,
    Finding,
    Gap,
    Gate,
    Header,
    Judged,
    Report,
    Verdict,
    WaiverUse,
)

FORMAT = "atlascan/result"
VERSION = 1

Object = dict[str, Any]


def render(report: Report) -> str:
    """Return the report as JSON. A key is never left out: what there is not is null or empty."""
    text = json.dumps(_document(report), ensure_ascii=False, allow_nan=False, indent=2)
    # Half a surrogate pair is no text that UTF-8 can hold; as an escape it passes through JSON.
    return text.encode("utf-8", "backslashreplace").decode("utf-8") + "\n"


# ---------------------------------------------------------------------------------------------------------------- private


def _document(report: Report) -> Object:
    return {
        "format": FORMAT,
        "version": VERSION,
        "tool": report.tool,
        "profile": report.profile,
        "snapshot": _snapshot(report.snapshot),
        "gate": _gate(report.gate),
        "summary": _summary(report),
        "policies": [_policy(policy) for policy in report.policies],
        "findings": [_finding(finding) for finding in report.findings],
        "gaps": [_gap(gap) for gap in report.gaps],
        "waivers": [_waiver_use(use) for use in report.waivers],
        "attestations": [_attestation_use(use) for use in report.attestations],
    }


def _snapshot(header: Header) -> Object:
    return {
        "id": header.id,
        "taken_at": _moment(header.taken_at),
        "tool": header.tool,
        "recorded": header.recorded,
        "target": {"org": header.target.org, "org_name": header.target.org_name, "sites": dict(header.target.sites)},
        "coverage": [_coverage(coverage) for coverage in header.coverage],
        "endpoints": [_endpoint(coverage) for coverage in header.endpoints],
    }


def _coverage(coverage: Coverage) -> Object:
    return {
        "kind": coverage.kind,
        "requests": coverage.requests,
        "resources": coverage.resources,
        "gaps": coverage.gaps,
        "complete": coverage.complete,
    }


def _endpoint(coverage: EndpointCoverage) -> Object:
    return {
        "endpoint": coverage.endpoint,
        "kinds": list(coverage.kinds),
        "requests": coverage.requests,
        "pages": coverage.pages,
        "resources": coverage.resources,
        "gaps": coverage.gaps,
        "retries": coverage.retries,
        "seconds": coverage.seconds,
        "complete": coverage.complete,
    }


def _gate(gate: Gate) -> Object:
    return {
        "exit_code": gate.exit_code,
        "because": gate.because,
        "fail_on": gate.fail_on.value,
        "allow_unknown": gate.allow_unknown,
    }


def _summary(report: Report) -> Object:
    """Count the findings, in all and for each policy: `waived` are the failures that somebody excused, `fail` the others."""
    by_policy: dict[str, list[Finding]] = {policy.id: [] for policy in report.policies}
    for finding in report.findings:
        by_policy.setdefault(finding.policy, []).append(finding)
    return {**_counts(report.findings), "policies": {policy: _counts(findings) for policy, findings in by_policy.items()}}


def _counts(findings: Iterable[Finding]) -> dict[str, int]:
    numbers = Counter(map(_word, findings))
    words = (Verdict.FAIL.value, "waived", Verdict.UNKNOWN.value, Verdict.PASS.value, Verdict.NOTAPPLICABLE.value)
    return {"findings": numbers.total(), **{word: numbers[word] for word in words}}


def _word(finding: Finding) -> str:
    return "waived" if finding.waiver and finding.verdict is Verdict.FAIL else finding.verdict.value


def _policy(policy: Judged) -> Object:
    return {
        "id": policy.id,
        "version": policy.version,
        "title": policy.title,
        "severity": policy.severity.value,
        "kind": policy.kind,
        "params": _plain(policy.params),
        "rationale": policy.rationale,
        "remediation": list(policy.remediation),
        "console": policy.console,
        "controls": {framework: list(controls) for framework, controls in policy.controls.items()},
        "references": list(policy.references),
        "file": policy.file,
        "line": policy.line,
    }


def _finding(finding: Finding) -> Object:
    return {
        "policy": finding.policy,
        "address": finding.address,
        "name": finding.name,
        "verdict": finding.verdict.value,
        "severity": finding.severity.value,
        "severity_because": finding.severity_because,
        "message": finding.message,
        "reason": finding.reason and finding.reason.value,
        "hint": finding.hint,
        "source": finding.source and finding.source.value,
        "missing": finding.missing,
        "waiver": finding.waiver and _applied_waiver(finding.waiver),
        "clauses": [_clause(clause) for clause in finding.clauses],
        "evidence": [_evidence(evidence) for evidence in finding.evidence],
    }


def _applied_waiver(waiver: AppliedWaiver) -> Object:
    return {
        "reason": waiver.reason,
        "owner": waiver.owner,
        "approved_by": waiver.approved_by,
        "expires": waiver.expires.isoformat(),
        "ticket": waiver.ticket,
    }


def _clause(clause: Clause) -> Object:
    return {
        "address": clause.address,
        "path": clause.path,
        "known": clause.known,
        "actual": _plain(clause.actual),
        "wanted": clause.wanted,
        "why": clause.why,
    }


def _evidence(evidence: Evidence) -> Object:
    return {"path": evidence.path, "value": _plain(evidence.value), "source": evidence.source.value}


def _gap(gap: Gap) -> Object:
    return {
        "kind": gap.kind,
        "reason": gap.reason.value,
        "detail": gap.detail,
        "hint": gap.hint,
        "parent": gap.parent,
        "id": gap.id,
    }


def _waiver_use(use: WaiverUse) -> Object:
    return {
        "policy": use.policy,
        "address": use.address,
        "state": use.state.value,
        "reason": use.reason,
        "owner": use.owner,
        "approved_by": use.approved_by,
        "expires": use.expires.isoformat(),
        "ticket": use.ticket,
    }


def _attestation_use(use: AttestationUse) -> Object:
    return {
        "address": use.address,
        "attested_by": use.attested_by,
        "attested_on": use.attested_on.isoformat(),
        "expires": use.expires.isoformat(),
        "counted": use.counted,
        "evidence": use.evidence,
    }


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _plain(value: Any) -> Any:  # noqa: ANN401  facts and parameters are whatever JSON holds
    match value:
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case float() if not math.isfinite(value):
            return None  # JSON has no word for it, and no interface answers it
        case _:
            return value
