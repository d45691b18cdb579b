"""Waivers: failures that somebody decided to live with for a while. The verdict stays `fail`; only the gate forgives."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from textwrap import indent
from typing import Any
from unicodedata import normalize

import msgspec

from scanner import documents
from scanner.errors import InputError, did_you_mean
from scanner.model import AppliedWaiver, Finding, Verdict, Waiver, WaiverLimits, WaiverState, WaiverUse, in_date

EMPTY = """\
# Failures that somebody decided to live with for a while. `atlascan waive` adds one.
# Each entry has: policy, address, reason, owner, approved_by, expires (a date), and may have a ticket.
waivers: []
"""


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


def added(text: str, name: str, waiver: Waiver) -> str:
    """Return the text of a waivers file with one waiver more at its end; all else stays as it is, comments too.

    Raises:
        InputError: The file or the waiver is wrong, or the file is written in a way that nothing can be appended to.
    """
    before = documents.checked(documents.parse(text.removeprefix("\ufeff"), name), "waivers").value["waivers"]
    entry = documents.dump([_entry(waiver)])
    documents.checked(documents.parse(f"waivers:\n{entry}", f"{name}, the new waiver"), "waivers")
    head = text if before else _NONE.sub(r"\1", text, count=1)
    item, newline = _ITEM.search(head), "\r\n" if "\r\n" in head else "\n"
    indented = indent(entry, item.group(1) if item else "  ").replace("\n", newline)
    after = f"{head}{'' if head.endswith(newline) else newline}{indented}"
    # Whatever way the file is written in: what is read of it afterwards decides.
    if _entries(after, name) != [*before, _entry(waiver)]:
        raise InputError(f"{name}: written in a way that nothing can be appended to", hint=f"add it by hand: {_flow(waiver)}")
    return after


@dataclass(frozen=True, slots=True)
class Terms:
    """What a waiver is held against: the moment of the snapshot, the kind that each applied policy judges, and the limits."""

    as_of: datetime
    kinds: Mapping[str, str]
    limits: WaiverLimits = field(default_factory=WaiverLimits)

    @property
    def today(self) -> date:
        """Return the day of the snapshot, UTC."""
        return self.as_of.astimezone(UTC).date()


def is_in_force(waiver: Waiver, terms: Terms) -> bool:
    """Tell whether a waiver is to be honoured. Nothing else decides this."""
    return in_date(waiver.expires, terms.as_of) and objection(waiver, terms) is None


def objection(waiver: Waiver, terms: Terms) -> str | None:
    """Return why a waiver, though well-formed, is never to be honoured, or None."""
    kind = terms.kinds.get(waiver.policy)
    if kind and not _can_begin(waiver.address, f"{kind}/"):
        return f"{waiver.policy} judges {kind}, and this address never names one"
    for role, name in (("owner", waiver.owner), ("approved_by", waiver.approved_by)):
        if not _person(name):
            return f"its {role} names nobody"
    if _person(waiver.owner) == _person(waiver.approved_by):
        return f"{waiver.owner} approves it for themselves"
    if (days := (waiver.expires - terms.today).days) > terms.limits.longest:
        return f"it ends {days} days after the snapshot, and {terms.limits.longest} are allowed"
    return None


class Excuses:
    """Excuses findings as they pass by, and says at the end what became of each waiver. Of two that fit, the first is applied."""

    def __init__(self, waivers: Iterable[Waiver], terms: Terms) -> None:
        self._waivers, self._terms = tuple(waivers), terms
        self._excused = Counter[int]()
        self._too_late: set[int] = set()
        self._exact: dict[tuple[str, str], list[int]] = {}
        self._patterns: dict[str, list[int]] = {}
        for index, waiver in enumerate(self._waivers):
            if is_in_force(waiver, terms):
                if "*" in waiver.address:
                    self._patterns.setdefault(waiver.policy, []).append(index)
                else:
                    self._exact.setdefault((waiver.policy, waiver.address), []).append(index)

    def __call__(self, finding: Finding) -> Finding:
        """Return a finding with the waiver that excuses it, if it is a failure and there is one."""
        if finding.verdict is not Verdict.FAIL:
            return finding
        covering = self._covering(finding)
        if not covering:
            return finding
        first, *others = covering
        self._excused[first] += 1
        self._too_late.update(others)
        return msgspec.structs.replace(finding, waiver=_applied(self._waivers[first]))

    def uses(self) -> tuple[WaiverUse, ...]:
        """Return what became of each waiver; ask when all findings have passed."""
        return tuple(map(self._use, range(len(self._waivers))))

    def _covering(self, finding: Finding) -> list[int]:
        patterns = self._patterns.get(finding.policy, ())
        fitting = [index for index in patterns if glob_matches(self._waivers[index].address, finding.address)]
        return sorted([*self._exact.get((finding.policy, finding.address), ()), *fitting])

    def _use(self, index: int) -> WaiverUse:
        waiver = self._waivers[index]
        state, because = self._state(index, waiver)
        left = (waiver.expires - self._terms.today).days
        return WaiverUse(
            policy=waiver.policy,
            address=waiver.address,
            state=state,
            reason=waiver.reason,
            owner=waiver.owner,
            approved_by=waiver.approved_by,
            expires=waiver.expires,
            ticket=waiver.ticket,
            findings=self._excused[index],
            expiring=state in _IN_FORCE and left <= self._terms.limits.expiring_within,
            because=because,
        )

    def _state(self, index: int, waiver: Waiver) -> tuple[WaiverState, str | None]:
        if because := objection(waiver, self._terms):
            return WaiverState.INVALID, because
        if not is_in_force(waiver, self._terms):
            return WaiverState.EXPIRED, None
        if self._excused[index]:
            return WaiverState.APPLIED, None
        if waiver.policy not in self._terms.kinds:
            return WaiverState.UNUSED, "the policy is not applied: the profile or the configuration leaves it out"
        return WaiverState.UNUSED, "an earlier waiver excuses the same" if index in self._too_late else "nothing fails there"


# ---------------------------------------------------------------------------------------------------------------- private


_IN_FORCE = (WaiverState.APPLIED, WaiverState.UNUSED)


def _entries(text: str, name: str) -> Any:  # noqa: ANN401  whatever stands in a file
    try:
        return documents.parse(text.removeprefix("\ufeff"), name).value["waivers"]
    except InputError:
        return None


def _flow(waiver: Waiver) -> str:
    return msgspec.json.encode(_entry(waiver)).decode()


# What may stand before the first waiver of a list, and a list that has none.
_ITEM = re.compile(r"^( *)-(?: |$)", re.MULTILINE)
_NONE = re.compile(r"^(waivers *:) *\[ *\]", re.MULTILINE)


def _entry(waiver: Waiver) -> dict[str, str]:
    return {
        "policy": waiver.policy,
        "address": waiver.address,
        "reason": waiver.reason,
        "owner": waiver.owner,
        "approved_by": waiver.approved_by,
        "expires": waiver.expires.isoformat(),
        **({"ticket": waiver.ticket} if waiver.ticket else {}),
    }


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


def _can_begin(pattern: str, prefix: str) -> bool:
    """Tell whether any text that begins with `prefix` fits the pattern."""
    begin, star, _ = pattern.partition("*")
    return begin.startswith(prefix) or bool(star and prefix.startswith(begin))


def _person(name: str) -> str:
    """Return a name in the form in which two spellings of it are the same: without case, blanks and what cannot be seen."""
    return "".join(each for each in normalize("NFKC", name).casefold() if each.isprintable() and not each.isspace())


def _applied(waiver: Waiver) -> AppliedWaiver:
    return AppliedWaiver(
        reason=waiver.reason, owner=waiver.owner, approved_by=waiver.approved_by, expires=waiver.expires, ticket=waiver.ticket
    )
