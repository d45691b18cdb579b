"""History: what the looks of a time tell of each verdict, when it turned and for how long something failed.

What became of a verdict between two looks is for `drift` to say; here it is put in a row. Pure, and of the results only two are
needed at a time.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from scanner.kinds import KINDS, Scope
from scanner.model import (
    Change,
    Course,
    Drift,
    Effect,
    Finding,
    History,
    Judged,
    Limit,
    Look,
    Moment,
    Opening,
    Report,
    Severity,
    Source,
    Standing,
    Target,
    Timeline,
    Turn,
    Verdict,
    What,
)

Place = tuple[str, str]


def history(tool: str, looks: Iterable[tuple[Report, Drift | None]]) -> History:
    """Return what the results of some looks tell, the oldest first; each comes with the drift since the one before."""
    rows = _Rows()
    for report, drift in looks:
        rows.add(report, drift)
    return rows.history(tool)


def presence(old: Report, new: Report) -> Iterator[Change]:
    """Yield what came, what went and what is attested anew, as far as two results tell without their snapshots, for `drift`.

    A result lists what fails and what is unknown; of what passes, it may list a part. So what is not listed is gone only if
    everything of its policy is listed.
    """
    for here, there, what in ((old, new, What.REMOVED), (new, old, What.ADDED)):
        listed = _Listed(there)
        missing = {_place(finding): finding for finding in here.findings if _is_of_a_thing(finding) and _matters(finding)}
        away = {address: finding for (policy, address), finding in missing.items() if listed.lacks(policy, address)}
        for address, finding in sorted(away.items()):
            kind, _, id_ = address.partition("/")
            yield Change(kind=kind, id=id_, name=finding.name, what=what)
    yield from _attested_again(old, new)


def unseen(report: Report) -> frozenset[str]:
    """Return the addresses of what could not be judged or read; the gap of a whole kind has none of its own."""
    return frozenset(
        _place(finding)[1] for finding in report.findings if finding.verdict is Verdict.UNKNOWN and _is_of_a_thing(finding)
    )


def remembered(report: Report, before: Report, drift: Drift) -> Report:
    """Return a result in which what went out of sight, or was not looked at, is unknown: it is missed until it is seen again.

    Args:
        report: The later of two results.
        before: The earlier one, in which that is so already.
        drift: What became of its verdicts since.
    """
    turned = {(turn.policy, turn.address): turn for turn in drift.turns}
    # What was not looked at, and passes by what else is known, fails until it is looked at.
    doubtful = {place for place, turn in turned.items() if turn.effect is Effect.SIGHT_LOST and turn.after in _FINE}
    told = [
        *(finding for finding in report.findings if _place(finding) not in doubtful),
        *(finding for finding in before.findings if _place(finding) in doubtful),
    ]
    still = [
        replace(finding, address=_place(finding)[1], reason=None, missing=None)
        for finding in before.findings
        if finding.verdict is Verdict.UNKNOWN and _is_of_a_thing(finding) and _place(finding) not in turned
    ]
    listed = {_place(finding) for finding in told}
    return replace(report, findings=(*told, *(each for each in (*_lost(drift), *still) if _place(each) not in listed)))


# ---------------------------------------------------------------------------------------------------------------- presence


def _lost(drift: Drift) -> Iterator[Finding]:
    """Yield as unknown what was known, and is not listed any more because nobody could look, or did."""
    for turn in drift.turns:
        if turn.effect in (Effect.SIGHT_LOST, Effect.INCOMPARABLE) and turn.after is None:
            yield Finding(
                policy=turn.policy,
                address=turn.address,
                name=turn.name,
                verdict=Verdict.UNKNOWN,
                severity=turn.severity,
                message=turn.because,
            )


def _attested_again(old: Report, new: Report) -> Iterator[Change]:
    failed = {_place(finding) for finding in old.findings if finding.verdict is Verdict.FAIL and finding.source is Source.ATTESTED}
    for finding in new.findings:
        if finding.source is Source.ATTESTED and finding.verdict is not Verdict.FAIL and _place(finding) in failed:
            kind, _, id_ = finding.address.partition("/")
            yield Change(kind=kind, id=id_, name=finding.name, what=What.CHANGED)


class _Listed:
    """What a result lists, of which policies that is all there is, and on which sites some of it was not seen."""

    def __init__(self, report: Report) -> None:
        self._addresses = {_place(finding)[1] for finding in report.findings}
        self._wholly = {policy.id for policy in report.policies if not any(policy.unlisted.values())}
        self._blind = {
            (finding.policy, _site(finding.address))
            for finding in report.findings
            if finding.verdict is Verdict.UNKNOWN and not _is_of_a_thing(finding)
        }

    def lacks(self, policy: str, address: str) -> bool:
        is_hidden = not self._blind.isdisjoint({(policy, None), (policy, _site(address))})
        return address not in self._addresses and (policy in self._wholly or is_hidden)


def _place(finding: Finding) -> Place:
    return finding.policy, finding.missing or finding.address


def _site(address: str) -> str | None:
    """Return the site that an address lies on, or None if it is the organization's, or a whole kind."""
    kind, _, id_ = address.partition("/")
    return None if not id_ or kind not in KINDS or KINDS[kind].scope is Scope.ORG else id_.partition("/")[0]


def _is_of_a_thing(finding: Finding) -> bool:
    """Tell whether it is about one thing: of all of a kind that was not read, nobody knows what there is."""
    return finding.reason is None or finding.missing is not None


def _matters(finding: Finding) -> bool:
    return finding.verdict in (Verdict.FAIL, Verdict.UNKNOWN)


# -------------------------------------------------------------------------------------------------------------------- rows


class _Rows:
    """What was told so far: a row for each policy, and one for each of its verdicts that ever was of interest."""

    def __init__(self) -> None:
        self._looks: list[Look] = []
        self._limits: list[Limit] = []
        self._policies: dict[str, Judged] = {}
        self._standings: dict[str, dict[int, Standing]] = {}
        self._rows: dict[Place, _Row] = {}
        self._sites: dict[str, str] = {}
        self._org: tuple[str | None, str | None] = (None, None)

    def add(self, report: Report, drift: Drift | None) -> None:
        header = report.snapshot
        before = self._looks[-1].taken_at if self._looks else None
        self._looks.append(
            Look(
                taken_at=header.taken_at,
                snapshot=header.id,
                tool=report.tool,
                profile=report.profile,
                exit_code=report.gate.exit_code,
            )
        )
        self._sites |= header.target.sites
        self._org = (header.target.org or self._org[0], header.target.org_name or self._org[1])
        self._count(report)
        if drift is None:
            self._begin(report)
        else:
            self._limits += [Limit(at=header.taken_at, because=because) for because in drift.limits]
            for turn in drift.turns:
                is_of_a_thing = turn.address.startswith(f"{self._policies[turn.policy].kind}/")
                self._row(turn).turn(turn, header.taken_at, before, _because(turn, is_of_a_thing=is_of_a_thing))

    def history(self, tool: str) -> History:
        timelines = [row.timeline(place) for place, row in self._rows.items() if row.is_told]
        return History(
            tool=tool,
            target=Target(org=self._org[0], org_name=self._org[1], sites=self._sites),
            looks=tuple(self._looks),
            courses=tuple(self._course(policy) for _, policy in sorted(self._policies.items())),
            timelines=tuple(sorted(timelines, key=_timeline_order)),
            limits=tuple(self._limits),
        )

    def _count(self, report: Report) -> None:
        counts = report.counts()
        for policy in report.policies:
            self._policies[policy.id] = policy
            number = counts[policy.id]
            self._standings.setdefault(policy.id, {})[len(self._looks) - 1] = Standing(
                version=policy.version,
                fail=number["fail"],
                waived=number["waived"],
                unknown=number["unknown"],
                judged=number["fail"] + number["waived"] + number["pass"],
            )

    def _begin(self, report: Report) -> None:
        """Take what the first look finds: what fails may have failed for long."""
        for finding in report.findings:
            if _matters(finding):
                row = self._rows.setdefault(_place(finding), _Row(finding.name, finding.severity))
                row.begin(finding, report.snapshot.taken_at)

    def _row(self, turn: Turn) -> "_Row":
        return self._rows.setdefault((turn.policy, turn.address), _Row(turn.name, turn.severity))

    def _course(self, policy: Judged) -> Course:
        found = self._standings[policy.id]
        return Course(
            policy=policy.id,
            title=policy.title,
            severity=policy.severity,
            door=policy.door,
            standings=tuple(found.get(index) for index in range(len(self._looks))),
        )


class _Row:
    """What was told so far of one verdict."""

    def __init__(self, name: str, severity: Severity) -> None:
        self._name, self._severity, self._now = name, severity, ""
        self._moments: list[Moment] = []
        self._openings: list[Opening] = []

    @property
    def is_told(self) -> bool:
        """Tell whether there is anything to tell: what was never seen, and never came into sight, has no story."""
        return bool(self._moments)

    def begin(self, finding: Finding, at: datetime) -> None:
        self._now = max(self._now, finding.word, key=_word_rank)
        if finding.verdict is Verdict.FAIL and not self._openings:
            self._openings.append(Opening(since=at, at_least=True))
            self._moments.append(
                Moment(at=at, after=None, effect=Effect.STILL_OPEN, was=None, became=finding.word, because=finding.message)
            )

    def turn(self, turn: Turn, at: datetime, after: datetime | None, because: str) -> None:
        self._name, self._severity, self._now = turn.name, turn.severity, turn.after or ""
        if not self._is_as_it_was(turn):
            self._moments.append(
                Moment(at=at, after=after, effect=turn.effect, was=turn.before, became=turn.after, because=because)
            )
        fails = turn.after in _FAILING
        match turn.effect:
            case Effect.SIGHT_LOST:
                self._change(unseen=True)
            case Effect.INCOMPARABLE:
                self._change(until=at, end=turn.effect, at_least=True)
            case Effect.CLOSED | Effect.GONE:
                self._change(until=at, end=turn.effect)
            case Effect.SIGHT_GAINED if not fails:
                self._change(until=at, end=turn.effect)
            case _:
                pass
        if fails and not self._is_open:
            self._openings.append(Opening(since=at, at_least=turn.effect is not Effect.OPENED))

    def timeline(self, place: Place) -> Timeline:
        return Timeline(
            policy=place[0],
            address=place[1],
            name=self._name,
            severity=self._severity,
            moments=tuple(self._moments),
            openings=tuple(self._openings),
            now=self._now or None,
        )

    @property
    def _is_open(self) -> bool:
        return bool(self._openings) and self._openings[-1].until is None

    def _is_as_it_was(self, turn: Turn) -> bool:
        if turn.effect is Effect.SIGHT_LOST:
            return bool(self._moments) and self._moments[-1].effect is Effect.SIGHT_LOST
        return turn.effect is Effect.STILL_OPEN and turn.before == turn.after

    def _change(self, **what: Any) -> None:  # noqa: ANN401  fields of an Opening
        if self._is_open:
            self._openings[-1] = replace(self._openings[-1], **what)


_FAILING = (Verdict.FAIL.value, "waived")
_FINE = (Verdict.PASS.value, Verdict.NOTAPPLICABLE.value)


def _word_rank(word: str) -> int:
    return ["", Verdict.UNKNOWN.value, "waived", Verdict.FAIL.value].index(word)


def _because(turn: Turn, *, is_of_a_thing: bool) -> str:
    """Return how a turn is known. What a result does not list any more may pass, or may be gone."""
    if turn.effect is Effect.INCOMPARABLE and turn.after in _FINE:
        return f"{turn.because}; it does not fail now"
    if turn.after is not None or turn.effect not in (Effect.CLOSED, Effect.SIGHT_GAINED):
        return turn.because
    if turn.effect is Effect.CLOSED or is_of_a_thing:
        return "it passes or is gone: not all that passes is listed in the result"
    return "nothing is unknown there any more"


def _timeline_order(timeline: Timeline) -> tuple[bool, float, int, str, str]:
    """Return its place: what is open comes first, the oldest before all; then what turned last."""
    since = timeline.open_since
    at = since.timestamp() if since else -timeline.moments[-1].at.timestamp()
    return since is None, at, -timeline.severity.rank, timeline.policy, timeline.address
