"""The findings as GitLab's Code Quality report: what a merge request adds and resolves, in its widget and in its changes.

GitLab documents the shape under "Code Quality report format" (docs.gitlab.com/ci/testing/code_quality) and takes no other property.
It has no word for what could not be judged or is waived: both are entries of severity `info`, told apart by what their check is
called, so that a setting that nobody could look at is never missing from the list. Each entry goes by a fingerprint of what it says
of which resource: a failure that nobody can see any more shows as resolved and, in the same breath, as something not judged.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec

from scanner.model import Finding, Report, Severity, Verdict
from scanner.render.annotations import MAX_NAME, Fold, Place, Places, brief, fingerprint, folded, told

# Every merge request compares two whole files, and a person reads what comes of it.
MAX_ENTRIES = 10_000

SEVERITIES = {
    Severity.CRITICAL: "blocker",
    Severity.HIGH: "critical",
    Severity.MEDIUM: "major",
    Severity.LOW: "minor",
    Severity.INFO: "info",
}

Entry = dict[str, Any]


def render(report: Report) -> str:
    """Return what fails, what could not be judged and what is waived, as JSON.

    An entry is one finding; one that stands for several says in its description how many, and in `count`, which GitLab ignores.
    """
    return msgspec.json.format(msgspec.json.encode(list(_entries(report)))).decode() + "\n"


# ---------------------------------------------------------------------------------------------------------------- private


def _entries(report: Report) -> Iterator[Entry]:
    places, given = Places(report), Counter[str]()
    findings, folds = folded((each for each in report.findings if each.verdict in (Verdict.FAIL, Verdict.UNKNOWN)), MAX_ENTRIES)
    for finding in findings:
        yield _entry(finding, places.of(finding.policy), given)
    for fold in folds:
        yield _folded(fold, places.of(fold.policy))
    if not findings and report.gate.exit_code:
        yield _nothing_judged(report)


def _entry(finding: Finding, place: Place, given: Counter[str]) -> Entry:
    check = _check(finding.policy, finding.word)
    known = fingerprint(check, finding.address, finding.missing or "")
    given[known] += 1
    return {
        "description": f"Unknown: {told(finding)}" if finding.verdict is Verdict.UNKNOWN else told(finding),
        "check_name": check,
        # GitLab keeps one entry for each fingerprint.
        "fingerprint": known if given[known] == 1 else fingerprint(known, str(given[known])),
        "severity": _severity(finding.word, finding.severity),
        "location": _location(place),
    }


def _folded(fold: Fold, place: Place) -> Entry:
    check = _check(fold.policy, fold.word)
    return {
        "description": fold.told,
        "check_name": check,
        "fingerprint": fingerprint(check),
        "severity": _severity(fold.word, fold.severity),
        "location": _location(place),
        "count": fold.count,
    }


def _nothing_judged(report: Report) -> Entry:
    """Say that the gate does not pass although nothing is listed: an empty list looks like success."""
    return {
        "description": brief(report.gate.because),
        "check_name": "gate",
        "fingerprint": fingerprint("gate"),
        "severity": "blocker",
        "location": _location(Place("atlascan.yaml", 1)),
    }


def _location(place: Place) -> Entry:
    return {"path": place.path, "lines": {"begin": place.line}}


def _check(policy: str, word: str) -> str:
    """Return what a check is called: the policy's id, and unless it fails what became of it."""
    known = brief(policy, MAX_NAME)
    return known if word == Verdict.FAIL else f"{known}/{word}"


def _severity(word: str, severity: Severity) -> str:
    return SEVERITIES[severity] if word == Verdict.FAIL else "info"
