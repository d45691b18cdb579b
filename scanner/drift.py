"""Drift: what became of verdicts between two snapshots. Nothing is called closed because it was no longer looked at.

Both snapshots are judged by the same policies; each failure, and each thing that could not be judged, on either side, is held
against what was known of it on the other. Pure.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby, islice

import msgspec

from scanner.kinds import KINDS, Scope
from scanner.model import (
    Change,
    Drift,
    DriftGate,
    Effect,
    Finding,
    Gap,
    Header,
    Reason,
    Report,
    Resource,
    Severity,
    Snapshot,
    Source,
    Turn,
    Verdict,
    What,
)

ANY = "any"
# What a pipeline may be stopped by, besides any change at all.
STOPS = (Effect.OPENED, Effect.SIGHT_LOST)
MAX_REFERRED = 5

LookedAt = Mapping[str, frozenset[str]]


class Stand(StrEnum):
    """How a policy stood to an address in one of the two snapshots."""

    FAIL = "fail"
    UNKNOWN = "unknown"
    FINE = "fine"
    ABSENT = "absent"
    NOT_LOOKED_AT = "not looked at"


@dataclass(frozen=True, slots=True)
class Presence:
    """Of some things, looked up in a snapshot: which of them are there."""

    asked: frozenset[str] = frozenset()
    there: frozenset[str] = frozenset()

    def of(self, address: str, *, changed: bool) -> bool:
        """Tell whether a thing is there: as was looked up, else as the changes say."""
        return address in self.there if address in self.asked else changed


_NOT_LOOKED_UP = (Presence(), Presence())


def presence(reports: tuple[Report, Report], snapshots: tuple[Snapshot, Snapshot]) -> tuple[Presence, Presence]:
    """Look up what is found on one side only, where changes do not tell whether it is on the other.

    That is what logs hold, what more than one supplies, and what was hidden by a gap of its own.
    """
    found = [_doubtful(report, snapshot) for report, snapshot in zip(reports, snapshots, strict=True)]
    places = [frozenset((each.policy, each.missing or each.address) for each in report.findings) for report in reports]
    asked = [frozenset(address for place in found[1 - side] - places[side] for address in place[1:]) for side in (0, 1)]
    return _present(snapshots[0], asked[0]), _present(snapshots[1], asked[1])


def _doubtful(report: Report, snapshot: Snapshot) -> frozenset[tuple[str, str]]:
    kinds = {policy.id: policy.kind for policy in report.policies}
    return frozenset(
        (each.policy, each.missing or each.address)
        for each in report.findings
        if each.verdict in (Verdict.FAIL, Verdict.UNKNOWN)
        and (
            (kind := each.address.partition("/")[0]) in snapshot.touched
            or _is_log(kind)
            or (each.reason and kind == kinds[each.policy])
        )
    )


def _present(snapshot: Snapshot, addresses: frozenset[str]) -> Presence:
    kinds = {address.partition("/")[0] for address in addresses}
    there = (f"{each.kind}/{each.id}" for each in snapshot.of(*kinds) if isinstance(each, Resource)) if kinds else ()
    return Presence(addresses, addresses & frozenset(there))


def drift(
    old: Report,
    new: Report,
    changes: Iterable[Change],
    looked_at: LookedAt,
    present: tuple[Presence, Presence] = _NOT_LOOKED_UP,
) -> Drift:
    """Return what changed, and what that did.

    Args:
        old: What the earlier snapshot came to, with the later one's policies.
        new: What the later one came to; what failed earlier is listed in it whatever it is now.
        changes: What changed, as `diff` tells it.
        looked_at: The kinds that each policy looks at besides its own.
        present: What `presence` looked up in the one and the other.
    """
    made = tuple(changes)
    sides = _Side(old, present[0]), _Side(new, present[1])
    turns = tuple(sorted(_turns(*sides, _Changed(made), looked_at), key=_turn_order))
    return Drift(
        tool=new.tool,
        profile=new.profile,
        old=old.snapshot,
        new=new.snapshot,
        policies=new.policies,
        turns=turns,
        changes=tuple(sorted(_with_effects(made, turns, old, new), key=_change_order)),
        limits=tuple(_limits(old, new)),
        gate=DriftGate(fail_on=(), severity=Severity.INFO, exit_code=0, because="nothing was asked of the gate"),
    )


def gated(whole: Drift, fail_on: Sequence[str], severity: Severity, *, allow_unknown: bool = False) -> Drift:
    """Return drift with what it means for a pipeline: 1 if what was named happened, else 3 if sight was lost, else 0.

    What was out of sight and turns out to fail counts as opened: nobody knows since when. What is waived stops nothing.
    """
    heeded = [turn for turn in whole.turns if turn.severity.rank >= severity.rank]
    found = Counter(turn.after for turn in heeded if turn.effect in (Effect.OPENED, Effect.SIGHT_GAINED))
    opened, waived = found[Verdict.FAIL.value], found["waived"]
    lost = sum(turn.effect is Effect.SIGHT_LOST for turn in heeded)
    incomparable = sum(turn.effect is Effect.INCOMPARABLE for turn in heeded)
    # What passed on a site that is not scanned any more turns nothing, and yet nobody looked.
    incomparable += len(_dropped_sites(whole) - {site_of(turn.address) for turn in heeded})
    turned = sum(turn.effect is not Effect.STILL_OPEN for turn in whole.turns)
    stopping = {Effect.OPENED.value: opened, Effect.SIGHT_LOST.value: lost, ANY: len(whole.changes) + turned}
    scope = f"at severity {severity} or above{f', {waived} waived' if waived else ''}"
    standing, unseen = f"{_told(opened, 0, 0) or 'nothing opened'} {scope}", _told(0, lost, incomparable)
    if any(stopping[word] for word in fail_on):
        code, because = 1, f"{_told(opened, lost, incomparable)} {scope}" if opened or lost else _any(whole)
    elif unseen and not allow_unknown:
        code, because = 3, f"{standing}, but {unseen}"
    else:
        code, because = 0, f"{standing}, {unseen} (allowed)" if unseen else standing
    return msgspec.structs.replace(
        whole, gate=DriftGate(fail_on=tuple(fail_on), severity=severity, exit_code=code, because=because)
    )


def _dropped_sites(whole: Drift) -> set[str]:
    return set(whole.old.target.sites) - set(whole.new.target.sites)


def reaching(changes: Iterable[Change], snapshots: Sequence[Snapshot]) -> Iterator[Change]:
    """Yield changes with how many others each concerns, as the first of the snapshots that has it tells."""
    for kind, of_kind in groupby(changes, key=lambda change: change.kind):
        reach = KINDS[kind].reach if kind in KINDS else None
        if reach is None:
            yield from of_kind
            continue
        held = list(of_kind)
        wanted = {change.id for change in held}
        numbers: dict[str, int] = {}
        for snapshot in snapshots:
            for record in snapshot.of(kind):
                if record.id in wanted and not isinstance(record, Gap) and isinstance(number := record.facts.get(reach), int):
                    numbers.setdefault(record.id, number)
        yield from (msgspec.structs.replace(change, reach=numbers.get(change.id)) for change in held)


# ---------------------------------------------------------------------------------------------------------------- one side


class _Side:
    """What was known in one of the two snapshots, by policy and address."""

    def __init__(self, report: Report, present: Presence) -> None:
        self._sites, self.policies = report.snapshot.target.sites, {policy.id: policy for policy in report.policies}
        self.present, self._logged_since = present, report.snapshot.audit_since
        self._hidden = {f"{gap.kind}/{gap.id}" for gap in report.gaps if gap.id}
        self._attested = {use.address for use in report.attestations if use.counted}
        self.findings: dict[tuple[str, str], Finding] = {}
        self._blind: dict[str, list[Finding]] = {}
        for finding in report.findings:
            place = (finding.policy, finding.missing or finding.address)
            worst = self.findings.get(place, finding)
            self.findings[place] = max(worst, finding, key=lambda each: each.verdict.rank)
            if finding.verdict is Verdict.UNKNOWN and finding.reason and not finding.missing:
                self._blind.setdefault(finding.policy, []).append(finding)

    def stand(self, policy: str, address: str, *, is_there: bool) -> tuple[Stand, str]:
        """Return how a policy stood to an address, and how that is known."""
        if policy not in self.policies:
            return Stand.NOT_LOOKED_AT, "the policy was not applied"
        if (site := site_of(address)) is not None and site not in self._sites:
            return Stand.NOT_LOOKED_AT, f"the site {site} was not scanned"
        finding = self.findings.get((policy, address))
        if finding is not None:
            return _stand_of(finding), finding.message
        blind = [each for each in self._blind.get(policy, ()) if site_of(each.address) in (None, site)]
        for each in blind:
            if each.reason is Reason.UNSUPPORTED and each.address in KINDS:
                return Stand.NOT_LOOKED_AT, each.message
        if not is_there:
            if blind:
                return Stand.UNKNOWN, f"not all of its kind could be read: {blind[0].message}"
            if _is_log(address.partition("/")[0]):
                return (
                    Stand.ABSENT,
                    f"the log was read from {self._logged_since or 'a later day'} on, and does not hold it any more",
                )
            return Stand.ABSENT, "it is not there, and all of its kind was read"
        return Stand.FINE, "it passes, or the policy does not speak of it"

    def unseen(self, address: str, failed: Finding, *, supplied: bool) -> str | None:
        """Say why what failed, and seems to be mended, was not looked at again; `supplied`: somebody says something new of it."""
        if address in self._hidden:
            return "it cannot be read now, and what settles it otherwise did not settle it before"
        if failed.source is Source.ATTESTED and address not in self._attested and not supplied:
            return "it was attested, and that does not count any more"
        return None


def _is_log(kind: str) -> bool:
    return kind in KINDS and KINDS[kind].log


def _stand_of(finding: Finding) -> Stand:
    match finding.verdict:
        case Verdict.FAIL:
            return Stand.FAIL
        case Verdict.UNKNOWN if finding.reason is Reason.UNSUPPORTED and finding.address in KINDS:
            return Stand.NOT_LOOKED_AT
        case Verdict.UNKNOWN:
            return Stand.UNKNOWN
        case _:
            return Stand.FINE


def site_of(address: str) -> str | None:
    """Return the site that an address lies on, or None if it is the organization's, or a whole kind."""
    kind, _, id_ = address.partition("/")
    return None if not id_ or kind not in KINDS or KINDS[kind].scope is Scope.ORG else id_.partition("/")[0]


# ------------------------------------------------------------------------------------------------------------------- turns


class _Changed:
    """What changed, by address and by kind."""

    def __init__(self, changes: Iterable[Change]) -> None:
        self._what: dict[str, What] = {}
        self.of_kind: dict[str, list[str]] = {}
        for change in changes:
            if change.gap is None:
                # Of two suppliers one may come while the other goes.
                before = self._what.get(change.address, change.what)
                self._what[change.address] = change.what if change.what is before else What.CHANGED
            self.of_kind.setdefault(change.kind, []).append(change.address)

    def was_there(self, address: str) -> bool:
        return self._what.get(address) is not What.ADDED

    def is_there(self, address: str) -> bool:
        return self._what.get(address) is not What.REMOVED

    def is_supplied(self, address: str) -> bool:
        """Tell whether somebody says something new of it."""
        return self._what.get(address, What.REMOVED) is not What.REMOVED

    def __contains__(self, address: str) -> bool:
        return address in self._what


def _turns(old: _Side, new: _Side, changed: _Changed, looked_at: LookedAt) -> Iterator[Turn]:
    for policy, address in dict.fromkeys((*old.findings, *new.findings)):
        found = (old.findings.get((policy, address)), new.findings.get((policy, address)))
        if not any(each and each.verdict in (Verdict.FAIL, Verdict.UNKNOWN) for each in found):
            continue
        is_gap = all(each is None or each.reason is not None for each in found)
        was_there = old.present.of(address, changed=not is_gap and changed.was_there(address))
        is_there = new.present.of(address, changed=not is_gap and changed.is_there(address))
        before, because_before = old.stand(policy, address, is_there=was_there)
        after, because_after = new.stand(policy, address, is_there=is_there)
        if before is Stand.FAIL and after in (Stand.FINE, Stand.ABSENT) and found[0]:
            unseen = new.unseen(address, found[0], supplied=changed.is_supplied(address))
            after, because_after = (Stand.UNKNOWN, unseen) if unseen else (after, because_after)
        effect = _effect(before, after)
        if effect is Effect.SIGHT_GAINED and after is Stand.ABSENT and address in new.present.asked:
            effect = Effect.GONE
        if _was_bumped(policy, old, new):
            effect, because_after = Effect.INCOMPARABLE, "the policy has another version"
        elif Stand.NOT_LOOKED_AT in (before, after) and before is not after:
            because_after = because_before if before is Stand.NOT_LOOKED_AT else because_after
        if effect is None:
            continue
        finding = found[1] or found[0]
        assert finding  # noqa: S101  for mypy: one of both is there
        yield Turn(
            policy=policy,
            address=address,
            name=finding.name,
            severity=finding.severity,
            effect=effect,
            before=found[0].word if found[0] else None,
            after=found[1].word if found[1] else None,
            because=because_after,
            changes=tuple(_explaining(policy, address, changed, looked_at)),
        )


def _effect(before: Stand, after: Stand) -> Effect | None:
    """Return what became of a verdict; None if it is as it was, and no failure."""
    match before, after:
        case (Stand.NOT_LOOKED_AT, Stand.NOT_LOOKED_AT):
            return None
        case (Stand.NOT_LOOKED_AT, _) | (_, Stand.NOT_LOOKED_AT):
            return Effect.INCOMPARABLE
        case (Stand.FAIL, Stand.FAIL):
            return Effect.STILL_OPEN
        case (Stand.UNKNOWN, Stand.UNKNOWN):
            return None
        case (Stand.UNKNOWN, _):
            return Effect.SIGHT_GAINED
        case (_, Stand.UNKNOWN):
            return Effect.SIGHT_LOST
        case (_, Stand.FAIL):
            return Effect.OPENED
        case (Stand.FAIL, Stand.ABSENT):
            return Effect.GONE
        case (Stand.FAIL, _):
            return Effect.CLOSED
        case _:
            return None


def _was_bumped(policy: str, old: _Side, new: _Side) -> bool:
    before, after = old.policies.get(policy), new.policies.get(policy)
    return before is not None and after is not None and before.version != after.version


def _explaining(policy: str, address: str, changed: _Changed, looked_at: LookedAt) -> Iterator[str]:
    if address in changed:
        yield address
    for kind in sorted(looked_at.get(policy, ())):
        yield from islice((each for each in changed.of_kind.get(kind, ()) if each != address), MAX_REFERRED)


def _turn_order(turn: Turn) -> tuple[int, int, str, str]:
    return -turn.effect.rank, -turn.severity.rank, turn.policy, turn.address


# ----------------------------------------------------------------------------------------------------------------- changes


def _with_effects(changes: Iterable[Change], turns: Iterable[Turn], old: Report, new: Report) -> Iterator[Change]:
    """Yield each change with the worst that became of a verdict on it."""
    changes, kinds = tuple(changes), {policy.id: policy.kind for policy in (*old.policies, *new.policies)}
    worst: dict[tuple[str | None, str], Effect] = {}
    for turn in turns:
        # A gap has the address of what it belongs to, which others have as well.
        for place in ((None, turn.address), (kinds[turn.policy], turn.address)):
            worst[place] = max(worst.get(place, turn.effect), turn.effect, key=lambda effect: effect.rank)
    hidden = Counter(_hides(change) for change in changes if change.gap)
    for change in changes:
        effect = worst.get((change.kind if change.gap else None, change.address), Effect.NEUTRAL)
        if effect is Effect.NEUTRAL and change.gap and hidden[_hides(change)] == 1:
            effect = Effect.SIGHT_LOST if change.what is What.ADDED else Effect.SIGHT_GAINED
        elif effect is Effect.NEUTRAL and not change.gap and change.what is not What.CHANGED:
            effect = _of_sight(change, old, new)
        yield msgspec.structs.replace(change, effect=effect)


def _hides(change: Change) -> tuple[str, str | None, str | None]:
    """Return what a gap hides, which it may do for one reason after the other."""
    return change.kind, change.gap.parent if change.gap else None, change.gap.id if change.gap else None


def _of_sight(change: Change, old: Report, new: Report) -> Effect:
    """Return whether a resource may have come, or gone, only because more, or less, of its kind was read."""
    missed, effect = (new, Effect.SIGHT_LOST) if change.what is What.REMOVED else (old, Effect.SIGHT_GAINED)
    site = site_of(change.address)
    if (site is not None and site not in missed.snapshot.target.sites) or change.kind not in _covered(missed.snapshot):
        return Effect.INCOMPARABLE
    hidden = (gap for gap in missed.gaps if gap.kind == change.kind and gap.id in (None, change.id))
    return effect if any(site_of(gap.address) in (None, site) for gap in hidden) else Effect.NEUTRAL


def _change_order(change: Change) -> tuple[int, str, str]:
    return -change.effect.rank, change.kind, change.id


def _covered(header: Header) -> frozenset[str]:
    return frozenset(coverage.kind for coverage in header.coverage)


# ------------------------------------------------------------------------------------------------------------------- words


def _limits(old: Report, new: Report) -> Iterator[str]:
    """Say what cannot be compared."""
    for first, second, when in ((old, new, "now"), (new, old, "before")):
        for site in sorted(first.snapshot.target.sites.keys() - second.snapshot.target.sites.keys()):
            yield f"the site {site} was not scanned {when}"
        if kinds := sorted(_covered(first.snapshot) - _covered(second.snapshot)):
            yield f"not read {when}: {', '.join(KINDS[kind].noun if kind in KINDS else kind for kind in kinds)}"
        if policies := sorted(_applied(first) - _applied(second)):
            yield f"not applied {when}: {', '.join(policies)}"
    versions = {policy.id: policy for policy in old.policies}
    for policy in new.policies:
        if (before := versions.get(policy.id)) and before.version != policy.version:
            yield f"{policy.id} is of version {policy.version} now, and was of {before.version}"


def _applied(report: Report) -> frozenset[str]:
    return frozenset(policy.id for policy in report.policies)


def _told(opened: int, lost: int, incomparable: int) -> str:
    parts = [
        f"{opened} {'door' if opened == 1 else 'doors'} opened" if opened else "",
        f"sight was lost of {lost} {'thing' if lost == 1 else 'things'}" if lost else "",
        f"{incomparable} cannot be compared" if incomparable else "",
    ]
    return ", ".join(filter(None, parts))


def _any(whole: Drift) -> str:
    numbers = Counter(turn.effect for turn in whole.turns)
    verdicts = ", ".join(f"{number} {effect.value}" for effect, number in numbers.items())
    return f"{len(whole.changes)} changes" + (f" ({verdicts})" if verdicts else "")
