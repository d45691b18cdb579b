"""Waivers: failures that somebody decided to live with for a while. The verdict stays `fail`; only the gate forgives."""

from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path

import msgspec

from scanner import documents
from scanner.errors import did_you_mean
from scanner.model import AppliedWaiver, Finding, Verdict, Waiver, WaiverState, WaiverUse, in_date


def load(path: Path, policies: Iterable[str]) -> tuple[Waiver, ...]:
    """Read a waivers file; `policies` are the ids that a waiver may name.

    Raises:
        InputError: The file is not as the schema wants, or names a policy that does not exist.
    """
    document = documents.read(path, "waivers")
    known = set(policies)
    for index, entry in enumerate(document.value["waivers"]):
        if entry["policy"] not in known:
            hint = did_you_mean(entry["policy"], known)
            raise document.error(f"there is no policy {entry['policy']!r}", ("waivers", index, "policy"), hint=hint)
    return tuple(_waiver(entry) for entry in document.value["waivers"])


def apply(
    findings: Iterable[Finding], waivers: Iterable[Waiver], as_of: datetime
) -> tuple[tuple[Finding, ...], tuple[WaiverUse, ...]]:
    """Return the findings with the waivers that excuse them, and what became of each waiver."""
    waivers = tuple(waivers)
    current = [waiver for waiver in waivers if in_date(waiver.expires, as_of)]
    used: set[Waiver] = set()
    excused: list[Finding] = []
    for finding in findings:
        waiver = next((each for each in current if finding.verdict is Verdict.FAIL and _covers(each, finding)), None)
        if waiver:
            used.add(waiver)
        excused.append(msgspec.structs.replace(finding, waiver=_applied(waiver)) if waiver else finding)
    return tuple(excused), tuple(_use(each, _state(each, used, as_of)) for each in waivers)


# ---------------------------------------------------------------------------------------------------------------- private


def _waiver(entry: dict[str, str]) -> Waiver:
    return Waiver(
        policy=entry["policy"],
        address=entry["address"],
        reason=entry["reason"],
        owner=entry["owner"],
        approved_by=entry["approved_by"],
        expires=date.fromisoformat(entry["expires"]),
        ticket=entry.get("ticket"),
    )


def _covers(waiver: Waiver, finding: Finding) -> bool:
    return waiver.policy == finding.policy and glob_matches(waiver.address, finding.address)


def glob_matches(pattern: str, text: str) -> bool:
    """Tell whether `text` fits a pattern in which `*` stands for anything. Linear, unlike the regular expressions of `fnmatch`."""
    first, *rest = pattern.split("*")
    if not rest:
        return text == pattern
    if not text.startswith(first) or not text.endswith(rest[-1]) or len(text) < len(first) + len(rest[-1]):
        return False
    end = len(text) - len(rest[-1])
    at = len(first)
    for part in rest[:-1]:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def _state(waiver: Waiver, used: set[Waiver], as_of: datetime) -> WaiverState:
    if not in_date(waiver.expires, as_of):
        return WaiverState.EXPIRED
    return WaiverState.APPLIED if waiver in used else WaiverState.UNUSED


def _applied(waiver: Waiver) -> AppliedWaiver:
    return AppliedWaiver(
        reason=waiver.reason, owner=waiver.owner, approved_by=waiver.approved_by, expires=waiver.expires, ticket=waiver.ticket
    )


def _use(waiver: Waiver, state: WaiverState) -> WaiverUse:
    return WaiverUse(
        policy=waiver.policy,
        address=waiver.address,
        state=state,
        reason=waiver.reason,
        owner=waiver.owner,
        approved_by=waiver.approved_by,
        expires=waiver.expires,
        ticket=waiver.ticket,
    )
