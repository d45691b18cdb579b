"""What the formats share that annotate the files of a repository: where a finding stands, what it is known by, how it is put.

A setting of a site has no file. What all these readers can show, and what a click then leads to, is the policy that judged it.
"""

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from scanner.model import Finding, Report, Severity, Verdict
from scanner.render.text import visible

MAX_TEXT = 1_000
MAX_NAME = 200

RANKS = {severity: severity.rank for severity in Severity}


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file, whose path is relative to the root of the repository and has no step upwards."""

    path: str
    line: int


class Places:
    """Tells where the policies of a report stand."""

    def __init__(self, report: Report) -> None:
        self._places = {policy.id: Place(_path(policy.id, policy.file), max(policy.line, 1)) for policy in report.policies}

    def of(self, policy: str) -> Place:
        """Return where a policy stands; of one that the report does not hold, where it would."""
        return self._places.get(policy) or Place(_path(policy), 1)


def fingerprint(*parts: str) -> str:
    """Return what tells a finding from all others, run after run: a digest of what never changes about it."""
    return sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def brief(text: str, most: int = MAX_TEXT) -> str:
    """Return text in one line, with nothing invisible in it, and no longer than so many characters."""
    shown = visible(text[: most + 1]).strip()
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def told(finding: Finding) -> str:
    """Return what was found of what; of what is not known also what would lift that, and of what is waived why."""
    about = brief(finding.missing or finding.address, MAX_NAME)
    name = brief(finding.name, MAX_NAME)
    what = f"{name}: {brief(finding.message)}" if name else brief(finding.message)
    return " ".join(filter(None, (f"{what.rstrip('.')} ({about}).", _lifted_by(finding), waived(finding))))


def waived(finding: Finding) -> str:
    """Return why a failure is excused, by whom and until when; nothing if it is not."""
    waiver = finding.waiver
    if finding.verdict is not Verdict.FAIL or waiver is None:
        return ""
    ticket = f" ({brief(waiver.ticket, MAX_NAME)})" if waiver.ticket else ""
    who = f"owner {brief(waiver.owner, MAX_NAME)}, approved by {brief(waiver.approved_by, MAX_NAME)}"
    return f"Waived until {waiver.expires.isoformat()}: {brief(waiver.reason)}{ticket}; {who}."


# ------------------------------------------------------------------------------------------------------------- how many at most


@dataclass(frozen=True, slots=True)
class Fold:
    """Findings of one policy that came out the same way and are told as one: how many, and the worst of their severities."""

    policy: str
    word: str
    severity: Severity
    count: int

    @property
    def told(self) -> str:
        """Return it as a sentence."""
        one, several = _FOLDED[self.word]
        what = f"1 more {one}" if self.count == 1 else f"{self.count} more {several}"
        return f"{what} of {brief(self.policy, MAX_NAME)}, of severity {self.severity} or below."


_FOLDED = {
    "fail": ("failure", "failures"),
    "waived": ("failure that is waived", "failures that are waived"),
    "unknown": ("thing that could not be judged", "things that could not be judged"),
}


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings by severity; among equals what is excused last, and then by policy and address."""
    return sorted(findings, key=lambda each: (-RANKS[each.severity], each.waiver is not None, each.policy, each.address))


def folded(findings: Iterable[Finding], most: int) -> tuple[list[Finding], list[Fold]]:
    """Return findings, worst first, and what has to be folded so that there are no more than so many of both together."""
    ordered = worst_first(findings)
    if len(ordered) <= most:
        return ordered, []
    room = max(most - len({(each.policy, each.word) for each in ordered}), 0)
    severities: dict[tuple[str, str], Severity] = {}
    for each in ordered[room:]:
        severities.setdefault((each.policy, each.word), each.severity)
    counts = Counter((each.policy, each.word) for each in ordered[room:])
    return ordered[:room], [Fold(*key, severity, counts[key]) for key, severity in severities.items()]


# ---------------------------------------------------------------------------------------------------------------- private


def _lifted_by(finding: Finding) -> str:
    if finding.verdict is not Verdict.UNKNOWN or not finding.hint:
        return ""
    return f"What would make it known: {brief(finding.hint).rstrip('.')}."


def _path(policy: str, file: str = "") -> str:
    """Return a file below the folder that the program runs in as it is, another one as if it shipped: the same on every machine."""
    paths = (_below(file), _below(f"policies/{policy}.yaml"))
    return next(filter(None, paths), "policies")


def _below(file: str) -> str | None:
    if not file:
        return None
    try:
        path = os.path.relpath(visible(file)).replace(os.sep, "/")
    except ValueError:  # on another drive, which only Windows has
        return None
    return None if path == "." or path.split("/")[0] == ".." or len(path) > MAX_TEXT else path
