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

import msgspec

from scanner import frameworks
from scanner.conditions import Clause
from scanner.frameworks import Control, Framework, State
from scanner.model import (
    AppliedWaiver,
    AttestationUse,
    Baseline,
    BaselineState,
    ChangedPolicy,
    Coverage,
    EndpointCoverage,
    Evidence,
    Finding,
    Gap,
    Gate,
    Header,
    Judged,
    LeftOut,
    Relaxed,
    Report,
    Target,
    Vanished,
    Verdict,
    WaiverUse,
)
from scanner.render import console
from scanner.render.counts import judged

FORMAT = "atlascan/result"
VERSION = 1

Object = dict[str, Any]


def render(report: Report) -> str:
    """Return the report as JSON. A key is never left out: what there is not is null or empty."""
    return written(_document(report))


def written(document: Object) -> str:
    """Return a document as the text of a file."""
    try:
        compact = json.dumps(document, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except UnicodeEncodeError:
        # Half a surrogate pair is no text that UTF-8 can hold; as an escape it passes through JSON.
        text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2)
        return text.encode("utf-8", "backslashreplace").decode("utf-8") + "\n"
    return msgspec.json.format(compact, indent=2).decode("utf-8") + "\n"


def of_snapshot(header: Header) -> Object:
    """Return a header as JSON has it."""
    return {
        "id": header.id,
        "taken_at": moment(header.taken_at),
        "tool": header.tool,
        "recorded": header.recorded,
        "audit_since": header.audit_since and moment(header.audit_since),
        "pseudonyms": header.pseudonyms,
        "target": {"org": header.target.org, "org_name": header.target.org_name, "sites": dict(header.target.sites)},
        "coverage": [_coverage(coverage) for coverage in header.coverage],
        "endpoints": [_endpoint(coverage) for coverage in header.endpoints],
    }


def of_policy(policy: Judged) -> Object:
    """Return a policy as JSON has it."""
    return {
        "id": policy.id,
        "version": policy.version,
        "title": policy.title,
        "severity": policy.severity.value,
        "kind": policy.kind,
        "params": plain(policy.params),
        "rationale": policy.rationale,
        "remediation": list(policy.remediation),
        "console": policy.console,
        "controls": _controls(policy.controls),
        "references": list(policy.references),
        "file": policy.file,
        "line": policy.line,
        "unlisted": dict(policy.unlisted),
        "relaxed": [_relaxed(each) for each in policy.relaxed],
        "door": policy.door,
    }


def of_gap(gap: Gap) -> Object:
    """Return a gap as JSON has it."""
    return {
        "kind": gap.kind,
        "reason": gap.reason.value,
        "detail": gap.detail,
        "hint": gap.hint,
        "parent": gap.parent,
        "id": gap.id,
    }


def moment(when: datetime) -> str:
    """Return a moment as UTC."""
    return when.astimezone(UTC).isoformat().replace("+00:00", "Z")


def plain(value: Any) -> Any:  # noqa: ANN401  facts and parameters are whatever JSON holds
    """Return a value that JSON can say."""
    match value:
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case float() if not math.isfinite(value):
            return None  # JSON has no word for it, and no interface answers it
        case _:
            return value


# ---------------------------------------------------------------------------------------------------------------- private


def _document(report: Report) -> Object:
    consoles = {policy.id: policy.console for policy in report.policies}
    return {
        "format": FORMAT,
        "version": VERSION,
        "tool": report.tool,
        "profile": report.profile,
        "snapshot": of_snapshot(report.snapshot),
        "gate": _gate(report.gate),
        "summary": _summary(report),
        "frameworks": {each.id: _framework(each) for each in frameworks.view(report)},
        "policies": [of_policy(policy) for policy in report.policies],
        "left_out": [_left_out(policy) for policy in report.left_out],
        "desks": [{"id": desk.id, "kind": desk.kind, "declared": desk.declared} for desk in report.desks],
        "findings": [_finding(each, consoles.get(each.policy, ""), report.snapshot.target) for each in report.findings],
        "gaps": [of_gap(gap) for gap in report.gaps],
        "waivers": [_waiver_use(use) for use in report.waivers],
        "attestations": [_attestation_use(use) for use in report.attestations],
        "baseline": report.baseline and _baseline(report.baseline, report.findings),
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
        "fail_on": gate.fail_on and gate.fail_on.value,
        "allow_unknown": gate.allow_unknown,
        "fail_on_new": gate.fail_on_new and gate.fail_on_new.value,
    }


def _summary(report: Report) -> Object:
    """Count what was found, in all and for each policy: `waived` are the failures that somebody excused, `fail` the others."""
    counts = report.counts()
    return {**_counts(sum(counts.values(), Counter())), "policies": {policy: _counts(each) for policy, each in counts.items()}}


def _counts(counts: Counter[str]) -> dict[str, int]:
    words = (Verdict.FAIL.value, "waived", Verdict.UNKNOWN.value, Verdict.PASS.value, Verdict.NOTAPPLICABLE.value)
    return {"findings": counts.total(), "judged": judged(counts), **{word: counts[word] for word in words}}


def _framework(framework: Framework) -> Object:
    return {
        "title": framework.title,
        "covered": framework.covered,
        "satisfied": len(framework.of(State.SATISFIED)),
        "not_satisfied": len(framework.of(State.NOT_SATISFIED)),
        "not_verified": len(framework.of(State.NOT_VERIFIED)),
        "not_claimed": len(framework.of(State.NOT_CLAIMED)),
        "controls": [_control(control) for control in framework.controls],
    }


def _control(control: Control) -> Object:
    return {
        "id": control.id,
        "title": control.title,
        "state": control.state.value,
        "excused": control.is_excused,
        "claims": [{"policy": claim.policy, "outcome": claim.outcome.value} for claim in control.claims],
        "no_claims": [{"policy": each.policy, "why": each.why.value} for each in control.no_claims],
    }


def _relaxed(relaxed: Relaxed) -> Object:
    return {"param": relaxed.param, "value": plain(relaxed.value), "bound": relaxed.bound}


def _left_out(policy: LeftOut) -> Object:
    return {
        "id": policy.id,
        "title": policy.title,
        "severity": policy.severity.value,
        "controls": _controls(policy.controls),
        "because": policy.because,
        "door": policy.door,
    }


def _controls(controls: Mapping[str, Iterable[str]]) -> Object:
    return {framework: list(ids) for framework, ids in controls.items()}


def _finding(finding: Finding, template: str, target: Target) -> Object:
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
        "console": console.link(template, finding, target),
        "waiver": finding.waiver and _applied_waiver(finding.waiver),
        "clauses": [_clause(clause) for clause in finding.clauses],
        "evidence": [_evidence(evidence) for evidence in finding.evidence],
        "baseline": finding.baseline and finding.baseline.value,
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
        "actual": plain(clause.actual),
        "wanted": clause.wanted,
        "why": clause.why,
    }


def _evidence(evidence: Evidence) -> Object:
    return {"path": evidence.path, "value": plain(evidence.value), "source": evidence.source.value}


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
        "findings": use.findings,
        "expiring": use.expiring,
        "because": use.because,
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


def _baseline(baseline: Baseline, findings: Iterable[Finding]) -> Object:
    numbers = Counter((finding.baseline, finding.verdict) for finding in findings)
    return {
        "snapshot": baseline.snapshot,
        "taken_at": moment(baseline.taken_at),
        "profile": baseline.profile,
        **{
            state.value: {verdict.value: numbers[state, verdict] for verdict in (Verdict.FAIL, Verdict.UNKNOWN)}
            for state in BaselineState
        },
        "vanished": [_vanished(vanished) for vanished in baseline.vanished],
        "changed": [_changed(changed) for changed in baseline.changed],
    }


def _vanished(vanished: Vanished) -> Object:
    return {
        "policy": vanished.policy,
        "address": vanished.address,
        "name": vanished.name,
        "severity": vanished.severity.value,
        "fate": vanished.fate.value,
        "because": vanished.because,
    }


def _changed(changed: ChangedPolicy) -> Object:
    return {"policy": changed.policy, "before": changed.before, "after": changed.after, "findings": changed.findings}
