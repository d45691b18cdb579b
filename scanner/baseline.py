"""Baseline: what is new against an earlier result, and what became of its failures. What nobody looked at is not mended."""

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from scanner.errors import InputError
from scanner.kinds import KINDS, Scope
from scanner.model import (
    Baseline,
    BaselineState,
    ChangedPolicy,
    Fate,
    Finding,
    Gap,
    Header,
    Report,
    Target,
    Vanished,
    Verdict,
)

Identity = tuple[str, str, Verdict]


def compared(report: Report, earlier: Report) -> Report:
    """Return a report with what is new and known against an earlier one, and what has vanished. The gate stays what it was.

    Raises:
        InputError: The earlier one is of another organization, of other sites, or later.
    """
    versions = {policy.id: policy.version for policy in report.policies}
    partly = frozenset(policy.id for policy in report.policies if any(policy.unlisted.values()))
    against = Comparison(earlier, report.snapshot, versions, partly)
    findings = tuple(map(against, report.findings))
    return msgspec.structs.replace(report, findings=findings, baseline=against.outcome(report.gaps))


class Comparison:
    """Marks findings as new or known as they pass by, and says at the end what vanished.

    Args:
        earlier: The result to compare with.
        header: Of the snapshot that is judged now.
        versions: The policies that are applied now, and their versions.
        partly: The policies of which not all findings pass by: some that pass, or are not applicable, are not listed.

    Raises:
        InputError: The earlier result is of another organization, of other sites, or later.
    """

    def __init__(self, earlier: Report, header: Header, versions: Mapping[str, int], partly: frozenset[str] = frozenset()) -> None:
        check_target(earlier.snapshot.target, header.target)
        if earlier.snapshot.taken_at > header.taken_at:
            raise InputError("the result to compare with is the later one of the two", hint="compare with an earlier one")
        self._earlier, self._target, self._versions, self._partly = earlier, header.target, versions, partly
        before = {policy.id: policy.version for policy in earlier.policies}
        self._changed = {id_: version for id_, version in before.items() if versions.get(id_, version) != version}
        counted = [finding for finding in earlier.findings if finding.counts and finding.policy not in self._changed]
        self._known = {_identity(finding) for finding in counted}
        self._failures = {_place(finding): finding for finding in counted if finding.verdict is Verdict.FAIL}
        self._now: dict[tuple[str, str], Finding] = {}
        self._blind: set[str] = set()

    @property
    def failed(self) -> frozenset[tuple[str, str]]:
        """Return what failed before, as (policy, address): its findings have to be seen, whatever they are now."""
        return frozenset(self._failures)

    def __call__(self, finding: Finding) -> Finding:
        """Return a finding, marked if it is one that a gate looks at."""
        place = _place(finding)
        if place in self._failures:
            worst = self._now.get(place, finding)
            self._now[place] = max(worst, finding, key=lambda each: each.verdict.rank)
        if finding.verdict is Verdict.UNKNOWN and finding.reason and not finding.missing:
            self._blind.add(finding.policy)
        if not finding.counts:
            return finding
        state = BaselineState.KNOWN if _identity(finding) in self._known else BaselineState.NEW
        return msgspec.structs.replace(finding, baseline=state)

    def outcome(self, gaps: Iterable[Gap]) -> Baseline:
        """Return what is to be said of the baseline, when all findings have passed; `gaps` are those of the snapshot."""
        hidden = {f"{gap.kind}/{gap.id}" for gap in gaps if gap.id}
        ignored = Counter(each.policy for each in self._earlier.findings if each.counts and each.policy in self._changed)
        return Baseline(
            snapshot=self._earlier.snapshot.id,
            taken_at=self._earlier.snapshot.taken_at,
            profile=self._earlier.profile,
            vanished=tuple(self._vanished(hidden)),
            changed=tuple(
                ChangedPolicy(policy=id_, before=self._changed[id_], after=self._versions[id_], findings=number)
                for id_, number in sorted(ignored.items())
            ),
        )

    def _vanished(self, hidden: set[str]) -> Iterable[Vanished]:
        for place, failure in self._failures.items():
            fate, because = self._fate(failure, self._now.get(place), hidden)
            if fate:
                yield Vanished(
                    policy=failure.policy,
                    address=failure.address,
                    name=failure.name,
                    severity=failure.severity,
                    fate=fate,
                    because=because,
                )

    def _fate(self, failure: Finding, now: Finding | None, hidden: set[str]) -> tuple[Fate | None, str]:
        if failure.policy not in self._versions:
            return Fate.NOT_JUDGED, "the policy is not applied now"
        if now is None:
            return self._fate_of_absent(failure, hidden)
        match now.verdict:
            case Verdict.FAIL:
                return (Fate.WAIVED, f"waived until {now.waiver.expires}") if now.waiver else (None, "")
            case Verdict.UNKNOWN:
                return Fate.UNKNOWN, now.message
            case Verdict.NOTAPPLICABLE:
                return Fate.NOTAPPLICABLE, now.message
            case Verdict.PASS:
                return Fate.PASSES, now.message

    def _fate_of_absent(self, failure: Finding, hidden: set[str]) -> tuple[Fate, str]:
        site = _site(failure.address)
        if site is not None and site not in self._target.sites:
            return Fate.NOT_JUDGED, f"the site {site} was not scanned now"
        if failure.address in hidden or failure.policy in self._blind:
            return Fate.UNKNOWN, "not all of its kind could be read"
        if failure.policy in self._partly:
            return Fate.UNKNOWN, "not all that passes is listed in the result; `atlascan check --baseline` tells"
        return Fate.GONE, "it is not there now, and all of its kind was read"


_SAME_PLACE = "compare two of the same organization and sites"


def check_target(
    before: Target, now: Target, earlier: str = "the baseline", later: str = "this snapshot", hint: str = _SAME_PLACE
) -> None:
    """Refuse to compare what has nothing in common; `earlier` and `later` are what a message calls the two.

    Raises:
        InputError: They are of other organizations, or of other sites.
    """
    if before.org and now.org and before.org != now.org:
        raise InputError(f"{earlier} is of the organization {before.org}, and {later} of {now.org}", hint=hint)
    for name in sorted(before.sites.keys() & now.sites.keys()):
        if _host(before.sites[name]) != _host(now.sites[name]):
            message = f"the site {name} is {before.sites[name]} in {earlier}, and {now.sites[name]} in {later}"
            raise InputError(message, hint=hint)
    same = before.org and before.org == now.org
    if not same and not before.sites.keys() & now.sites.keys():
        raise InputError(f"{earlier} and {later} have neither organization nor site in common", hint=hint)


# ---------------------------------------------------------------------------------------------------------------- private


def _place(finding: Finding) -> tuple[str, str]:
    return finding.policy, finding.missing or finding.address


def _identity(finding: Finding) -> Identity:
    return *_place(finding), finding.verdict


def _site(address: str) -> str | None:
    """Return the site that a resource lies on, or None if it is the organization's."""
    kind, _, id_ = address.partition("/")
    return None if kind not in KINDS or KINDS[kind].scope is Scope.ORG else id_.partition("/")[0]


def _host(url: str) -> str:
    return url.rstrip("/").casefold()
