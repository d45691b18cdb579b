"""Drift as JUnit XML, in the shape of the report's: what opened is a failure, what went out of sight is an error.

What is still open failed before, too, and is skipped: it is for the gate of a scan to hold it. One case more is the gate itself,
which fails by itself if no other case does, as with `--fail-on any`.
"""

from xml.etree import ElementTree as ET

import msgspec

from scanner.model import BaselineState, Drift, Finding, Verdict
from scanner.render import junit
from scanner.render.drift import compared

_GATE = "drift/gate"
_VERDICTS = {0: Verdict.PASS, 1: Verdict.FAIL, 3: Verdict.UNKNOWN}


def render(drift: Drift) -> str:
    """Return drift as JUnit XML: a suite for each area, a case for each verdict that fails or that nobody knows."""
    report = compared.report(drift)
    findings = tuple(map(_skipped, report.findings))
    root = junit.tree(msgspec.structs.replace(report, findings=(_gate(drift, findings), *findings)))
    for suite in root:
        _name_apart(suite)
    return junit.written(root)


# ---------------------------------------------------------------------------------------------------------------- private


def _skipped(finding: Finding) -> Finding:
    if finding.baseline is not BaselineState.KNOWN:
        return finding
    return msgspec.structs.replace(finding, verdict=Verdict.NOTAPPLICABLE, message=f"still open: {finding.message}")


def _gate(drift: Drift, findings: tuple[Finding, ...]) -> Finding:
    gate = drift.gate
    verdict = _VERDICTS[gate.exit_code]
    told = any(finding.verdict is verdict for finding in findings)
    return Finding(
        policy=_GATE,
        address="org",
        name="the gate",
        verdict=Verdict.PASS if told else verdict,
        severity=gate.severity,
        message=gate.because,
    )


def _name_apart(suite: ET.Element) -> None:
    """Give suites and classes names of their own: the results of a scan of the same sites may stand beside them."""
    for attribute in ("name", "package"):
        suite.set(attribute, f"{suite.get(attribute)}.drift")
    for case in suite.iterfind("testcase"):
        case.set("classname", f"drift.{case.get('classname')}")
