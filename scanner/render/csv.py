"""The findings as CSV (RFC 4180: a header, a comma between cells, CRLF after each row), for programs and sheets.

A sheet computes what looks like a formula, and names come from a site that others write to: whatever could begin one is led by an
apostrophe. That holds after a semicolon too, where a sheet in much of Europe begins a new cell.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from io import StringIO

from scanner.frameworks import titles
from scanner.model import AppliedWaiver, Finding, Judged, Report, Vanished
from scanner.render import console
from scanner.render.text import FATES, visible

# What a cell of Excel holds; it breaks a longer one up (Microsoft, "Excel specifications and limits").
MAX_CELL = 32_767
_MORE = "… (the whole of it is in the JSON result)"

# Where a cell may begin, and with what: =, +, - and @, in the wide form of Japan too, or a tab or line end (OWASP, "CSV
# Injection"). Quotation marks and spaces are passed over, as a sheet drops them.
_FORMULA = re.compile(r'^(?=[\t\r\n])|(^|;)(?=["\s]*[=+\-@\uff1d\uff0b\uff0d\uff20])')

COLUMNS = (
    "policy",
    "title",
    "severity",
    "verdict",
    "count",
    "area",
    "door",
    "address",
    "name",
    "message",
    "reason",
    "hint",
    "source",
    "baseline",
    "waiver_reason",
    "waiver_owner",
    "waiver_approved_by",
    "waiver_expires",
    "waiver_ticket",
    *(f"controls_{framework}" for framework in titles()),
    "controls_other",
    "console",
)

# The cells of a row by column; several lines of one cell as a tuple.
Row = Mapping[str, str | tuple[str, ...]]


def render(report: Report) -> str:
    """Return the findings as CSV. The column `count` adds up to all that was found.

    It is 1 in the row of a finding. A row without an address stands for the findings of a policy that came out the same way and are
    not listed. Of what has vanished since the baseline there is a row with the baseline `vanished`, no verdict and the count 0.
    """
    return written(COLUMNS, _rows(report))


def written(columns: tuple[str, ...], rows: Iterable[Row]) -> str:
    """Return rows as CSV with a header; what a row lacks is empty."""
    file = StringIO(newline="")
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(columns)
    shown = lru_cache(1_000)(cell)  # most cells stand in many rows
    for row in rows:
        writer.writerow([shown(row.get(column, "")) for column in columns])
    return file.getvalue()


def cell(text: str | tuple[str, ...]) -> str:
    """Return text, or lines of it, as a cell that a sheet only shows: no formula, nothing invisible, no more than a cell holds."""
    lines = (text,) if isinstance(text, str) else text
    shown = "\n".join(visible(_FORMULA.sub(r"\1'", line[: MAX_CELL + 1])) for line in lines)
    return shown if len(shown) <= MAX_CELL else shown[: MAX_CELL - len(_MORE)] + _MORE


# ---------------------------------------------------------------------------------------------------------------- private


def _rows(report: Report) -> Iterator[Row]:
    known = {policy.id: _policy(policy) for policy in report.policies}
    consoles = {policy.id: policy.console for policy in report.policies}
    for finding in report.findings:
        link = console.link(consoles[finding.policy], finding, report.snapshot.target)
        yield {**known[finding.policy], **_finding(finding), "console": link or ""}
    for policy in report.policies:
        for word, number in policy.unlisted.items():
            message = f"{number} that are not listed one by one"
            yield {**known[policy.id], "verdict": word, "count": str(number), "message": message}
    for vanished in report.baseline.vanished if report.baseline else ():
        yield {**known.get(vanished.policy, {}), **_vanished(vanished)}


def _policy(policy: Judged) -> Row:
    return {
        "policy": policy.id,
        "title": policy.title,
        "severity": policy.severity.value,
        "area": policy.id.partition("/")[0],
        "door": policy.door or "",
        **_controls(policy),
    }


def _controls(policy: Judged) -> Row:
    """Return the controls that a policy serves: a column for each framework that ships, and one for all others."""
    columns = {f"controls_{framework}": ", ".join(policy.controls.get(framework, ())) for framework in titles()}
    others = (f"{framework}: {', '.join(ids)}" for framework, ids in policy.controls.items() if framework not in titles())
    return columns | {"controls_other": "; ".join(others)}


def _finding(finding: Finding) -> Row:
    return {
        "severity": finding.severity.value,
        "verdict": finding.word,
        "count": "1",
        "address": finding.address,
        "name": finding.name,
        "message": finding.message,
        "reason": finding.reason or "",
        "hint": finding.hint or "",
        "source": finding.source or "",
        "baseline": finding.baseline or "",
        **(_waiver(finding.waiver) if finding.waiver else {}),
    }


def _waiver(waiver: AppliedWaiver) -> Row:
    return {
        "waiver_reason": waiver.reason,
        "waiver_owner": waiver.owner,
        "waiver_approved_by": waiver.approved_by,
        "waiver_expires": waiver.expires.isoformat(),
        "waiver_ticket": waiver.ticket or "",
    }


def _vanished(vanished: Vanished) -> Row:
    return {
        "policy": vanished.policy,
        "severity": vanished.severity.value,
        "count": "0",
        "area": vanished.policy.partition("/")[0],
        "address": vanished.address,
        "name": vanished.name,
        "message": f"{FATES[vanished.fate]}: {vanished.because}",
        "baseline": "vanished",
    }
