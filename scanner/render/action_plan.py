"""What is to be done, as CSV for a sheet that people fill in: what fails, what could not be judged, and what is waived.

The file begins with a byte order mark, by which Excel knows UTF-8.
"""

from collections.abc import Iterator

from scanner.model import BaselineState, Finding, Judged, Report, Target
from scanner.render import console
from scanner.render.csv import Row, written

BOM = "\ufeff"
COLUMNS = (
    "Verdict",
    "Severity",
    "Since",
    "Policy",
    "Title",
    "Resource",
    "Address",
    "Finding",
    "What to do",
    "Where",
    "Owner",
    "Due date",
    "Status",
    "Comment",
    "Justification",
)
_WORDS = ("fail", "unknown", "waived")  # in the order in which they need somebody


def render(report: Report) -> str:
    """Return what needs somebody, worst first. What passes or is not applicable is not in it, nor what has vanished.

    A waiver has settled who owns a failure, until when and why, so it fills these columns; all others are for people.
    """
    policies = {policy.id: policy for policy in report.policies}
    findings = sorted((finding for finding in report.findings if finding.word in _WORDS), key=_order)
    rows = (_row(finding, policies[finding.policy], report.snapshot.target) for finding in findings)
    return BOM + written(COLUMNS, rows)


# ---------------------------------------------------------------------------------------------------------------- private


def _order(finding: Finding) -> tuple[int, bool, int, str, str]:
    known = finding.baseline is BaselineState.KNOWN
    return _WORDS.index(finding.word), known, -finding.severity.rank, finding.policy, finding.address


def _row(finding: Finding, policy: Judged, target: Target) -> Row:
    return {
        "Verdict": finding.word,
        "Severity": finding.severity.value,
        "Since": finding.baseline or "",
        "Policy": policy.id,
        "Title": policy.title,
        "Resource": finding.name,
        "Address": finding.address,
        "Finding": finding.message,
        "What to do": tuple(_steps(finding, policy)),
        "Where": console.link(policy.console, finding, target) or "",
        **_settled(finding),
    }


def _steps(finding: Finding, policy: Judged) -> Iterator[str]:
    """Yield the steps that mend a failure; of what could not be judged, what would make it known."""
    if finding.word == "unknown":
        yield finding.hint or "find out why it could not be judged"
    elif len(policy.remediation) == 1:
        yield from policy.remediation
    else:
        yield from (f"{number}. {step}" for number, step in enumerate(policy.remediation, start=1))


def _settled(finding: Finding) -> Row:
    waiver = finding.waiver
    if waiver is None:
        return {}
    ticket = f" ({waiver.ticket})" if waiver.ticket else ""
    return {
        "Owner": waiver.owner,
        "Due date": waiver.expires.isoformat(),
        "Status": "waived",
        "Justification": f"{waiver.reason}{ticket}; approved by {waiver.approved_by}",
    }
