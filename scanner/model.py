"""The nouns that the stages speak in. Everything here is a value: nothing reads, writes, or knows where it came from."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from heapq import merge
from itertools import chain, takewhile
from typing import TYPE_CHECKING, Any

import msgspec

from scanner.conditions import Clause, Condition, Step
from scanner.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from scanner.documents import Document


class Severity(StrEnum):
    """How bad a failure is (XCCDF's words, and `critical`)."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Return 0 for info, up to 4 for critical."""
        return list(Severity).index(self)


class Verdict(StrEnum):
    """What was found about one resource, best first (XCCDF's words)."""

    NOTAPPLICABLE = "notapplicable"
    PASS = "pass"  # noqa: S105  not a password
    UNKNOWN = "unknown"
    FAIL = "fail"

    @property
    def rank(self) -> int:
        """Return how bad it is: fail is worse than unknown, unknown worse than pass."""
        return list(Verdict).index(self)


class Source(StrEnum):
    """Where a fact comes from, most trustworthy first."""

    API = "api"
    API_EXPERIMENTAL = "api-experimental"
    UNDOCUMENTED = "undocumented"
    PROBE = "probe"
    INFERRED = "inferred"
    ATTESTED = "attested"


class Reason(StrEnum):
    """Why something could not be read."""

    FORBIDDEN = "forbidden"
    NOT_FOUND = "not-found"
    NO_CREDENTIAL = "no-credential"
    NO_PUBLIC_API = "no-public-api"
    OPT_IN_OFF = "opt-in-off"
    UNSUPPORTED = "unsupported"
    GAVE_UP = "gave-up"
    MALFORMED = "malformed"


# ------------------------------------------------------------------------------------------------------------ the snapshot


class Resource(
    msgspec.Struct, frozen=True, tag="resource", tag_field="type", kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """One thing that was read: its facts and who supplied them. A fact that was not answered is absent, never null."""

    kind: str
    id: str
    name: str
    facts: dict[str, Any]
    source: Source
    parent: str | None = None

    @property
    def address(self) -> str:
        """Return `kind/id`, the name by which everything else refers to it."""
        return f"{self.kind}/{self.id}"


class Gap(msgspec.Struct, frozen=True, tag="gap", tag_field="type", kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Something of a kind that could not be read, why, and what would lift that.

    `parent` is the address of what refused to show it; `id` the resource that is missing, where that much is known.
    """

    kind: str
    reason: Reason
    detail: str
    hint: str = ""
    parent: str | None = None
    id: str | None = None

    @property
    def address(self) -> str:
        """Return the address under which it is reported: the parent that refused, or the kind."""
        return self.parent or self.kind


Record = Resource | Gap


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """How the collection of one kind went."""

    kind: str
    requests: int
    resources: int
    gaps: int
    complete: bool


class EndpointCoverage(msgspec.Struct, frozen=True, kw_only=True):
    """How the collection went at one endpoint.

    `resources` and `gaps` are what its answers made, `retries` those of its requests that were sent again, and `seconds` the time
    that its requests took, added up. It is complete if all that was to be asked was asked and gave something.
    """

    endpoint: str
    kinds: tuple[str, ...]
    requests: int
    pages: int
    resources: int
    gaps: int
    retries: int
    seconds: float
    complete: bool


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What was scanned: the organization, and the sites by name with their addresses."""

    org: str | None
    sites: dict[str, str]
    org_name: str | None = None


class Header(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a snapshot is of, when it was taken, and how far the collection got.

    `recorded` says that it was collected from a recording, and of what; `taken_at` is then the moment of the recording. From
    `audit_since` on audit logs were asked for; None if that is not known. `pseudonyms` is the mark of the key by which people in it
    are called otherwise; None: they are called by their names.
    """

    id: str
    taken_at: datetime
    tool: str
    target: Target
    coverage: tuple[Coverage, ...] = ()
    endpoints: tuple[EndpointCoverage, ...] = ()
    recorded: str | None = None
    audit_since: datetime | None = None
    pseudonyms: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a snapshot file with records of one kind: where it starts and ends, in bytes, and the number of its first line.

    All that was read of one resource lies in one part. `name` is what errors call the file, `stamp` tells whether it was changed.
    """

    path: str
    name: str
    stamp: tuple[int, int, int]
    kind: str
    start: int
    end: int
    line: int


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a snapshot file in their order, and what reads them: a few whole lines at a time, and what a line says."""

    all: tuple[Part, ...]
    blocks: Callable[[Part], Iterable[bytes]]
    record: Callable[[bytes, Part, int], Record]

    def records(self, part: Part) -> Iterator[Record]:
        """Stream the records of a part."""
        lines = chain.from_iterable(block.splitlines() for block in self.blocks(part))
        return in_order(part, (self.record(line, part, number) for number, line in enumerate(lines, start=part.line)))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A header, and a stream of records sorted by kind, gaps of a kind first, that can be read again and again.

    A file has parts, which can be read by themselves. What people supply besides is `supplied`, sorted too; `amend` is what becomes
    of a gap thereby, and `touched` are the kinds that this concerns.
    """

    header: Header
    read: Callable[[], Iterable[Record]]
    parts: Parts | None = None
    supplied: tuple[Record, ...] = ()
    amend: Callable[[Gap], Gap | None] | None = None
    touched: frozenset[str] = frozenset()

    def __iter__(self) -> Iterator[Record]:
        """Stream the records."""
        return self._with_supplied(self.read(), self.supplied)

    def of(self, *kinds: str) -> Iterator[Record]:
        """Stream the records of some kinds; of a file nothing else is read."""
        if self.parts is None:
            return (record for record in self if record.kind in kinds)
        parts = self.parts
        read = chain.from_iterable(parts.records(part) for part in parts.all if part.kind in kinds)
        return self._with_supplied(read, tuple(record for record in self.supplied if record.kind in kinds))

    def gaps(self) -> Iterator[Gap]:
        """Stream the gaps; of a file only these are read."""
        if self.parts is None:
            return (record for record in self if isinstance(record, Gap))
        kinds = dict.fromkeys(part.kind for part in self.parts.all)
        firsts = (takewhile(_is_gap, self._of_file(kind)) for kind in kinds)
        return (gap for gap in self._with_supplied(chain.from_iterable(firsts), ()) if isinstance(gap, Gap))

    def _of_file(self, kind: str) -> Iterator[Record]:
        parts = self.parts
        return chain.from_iterable(parts.records(part) for part in parts.all if part.kind == kind) if parts else iter(())

    def _with_supplied(self, read: Iterable[Record], supplied: tuple[Record, ...]) -> Iterator[Record]:
        amend = self.amend
        if amend is None:
            return iter(read)
        amended = (amend(record) if isinstance(record, Gap) else record for record in read)
        return merge(filter(None, amended), supplied, key=sort_key)


def _is_gap(record: Record) -> bool:
    return isinstance(record, Gap)


def in_order(part: Part, records: Iterable[Record]) -> Iterator[Record]:
    """Stream the records of a part, and refuse one that stands in the wrong place.

    Raises:
        InputError: The file is not in order.
    """
    before: tuple[str, bool, str, str, str] | None = None
    for record in records:
        place = sort_key(record)
        if before is not None and place <= before:
            raise out_of_order(part)
        before = place
        yield record


def out_of_order(part: Part) -> InputError:
    """Return the error about a part whose records are not in order."""
    hint = "take a new snapshot, or get an unchanged copy of this one"
    return InputError(f"{part.name}: out of order, so it was changed after it was written", hint=hint)


def sort_key(record: Record) -> tuple[str, bool, str, str, str]:
    """Return the order of records in a snapshot: by kind, its gaps before its resources, then by id."""
    match record:
        case Gap(kind=kind, id=id_, parent=parent, reason=reason):
            return kind, False, id_ or "", parent or "", reason
        case Resource(kind=kind, id=id_, source=source):
            return kind, True, id_, "", source


# -------------------------------------------------------------------------------------------------------------- the rules


@dataclass(frozen=True, slots=True)
class Raise:
    """A condition under which a failure is worse than the policy's default severity."""

    to: Severity
    when: Condition
    because: str


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter of a policy: its type, meaning and default; `setting` names the configuration key it is taken from."""

    type: str
    meaning: str
    default: Any = None
    setting: str | None = None
    bound: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Fix:
    """What remediation makes of a failing resource: facts laid over its own, or it is gone; and of other resources.

    Of others (kind, id) tells which are replaced, or taken away by None.
    """

    facts: Mapping[str, Any]
    gone: bool = False
    others: Mapping[tuple[str, str], Resource | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Example:
    """Facts, and the verdict that the policy must give on them; what remediation makes of these facts where that is special."""

    name: str
    verdict: Verdict
    records: tuple[Record, ...]
    params: Mapping[str, Any]
    severity: Severity | None = None
    fix: Fix | None = None
    line: int = 1


@dataclass(frozen=True, slots=True)
class Policy:
    """What must be true of every resource of a kind (XCCDF's Rule)."""

    id: str
    version: int
    title: str
    severity: Severity
    raises: tuple[Raise, ...]
    kind: str
    where: Condition | None
    require: Condition
    settled_by: Condition | None
    failure: str
    params: Mapping[str, Param]
    rationale: str
    remediation: tuple[str, ...]
    console: str
    controls: Mapping[str, tuple[str, ...]]
    references: tuple[str, ...]
    evidence: tuple[str, ...]
    examples: tuple[Example, ...]
    file: "Path"
    line: int = 1
    fix: Fix | None = None
    # The door that it guards (`scanner.doors`); None of what only watches.
    door: str | None = None

    @property
    def area(self) -> str:
        """Return the folder it lies in: access, jsm, ..."""
        return self.id.partition("/")[0]


@dataclass(frozen=True, slots=True)
class Rule:
    """A policy as it is applied: with the severity and the parameters that the profile and the configuration settle on."""

    policy: Policy
    severity: Severity
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Choice:
    """What a configuration chooses to judge by: a profile, and what it sets differently, by policy.

    `settings` are the values that parameters are taken from, `folders` hold profiles of the user's own, `base` is the folder in the
    place of the shipped policies, and errors point into `document`.
    """

    profile: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    severity: Mapping[str, Severity] = field(default_factory=dict)
    disable: Mapping[str, str] = field(default_factory=dict)
    folders: "tuple[Path, ...]" = ()
    document: "Document | None" = None
    base: "Path | None" = None


@dataclass(frozen=True, slots=True)
class Waiver:
    """Somebody's decision to live with a failure for a while. It excuses the failure; it does not change it."""

    policy: str
    address: str
    reason: str
    owner: str
    approved_by: str
    expires: date
    ticket: str | None = None


@dataclass(frozen=True, slots=True)
class WaiverLimits:
    """For how many days at most a waiver is honoured, and from how many days before its end that is said."""

    longest: int = 366
    expiring_within: int = 30


@dataclass(frozen=True, slots=True)
class Attestation:
    """What a person stated about a setting that no interface gives."""

    kind: str
    id: str
    facts: Mapping[str, Any]
    attested_by: str
    attested_on: date
    expires: date
    evidence: str | None = None
    sha256: str | None = None


def in_date(expires: date, as_of: datetime) -> bool:
    """Tell whether a date of expiry is not yet over: valid through the end of that day, UTC. Nothing else decides this."""
    return as_of.astimezone(UTC).date() <= expires


# ------------------------------------------------------------------------------------------------------------- the outcome


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """One fact that a verdict rests on."""

    path: str
    value: Any
    source: Source


class AppliedWaiver(msgspec.Struct, frozen=True, kw_only=True):
    """The waiver that excuses a finding."""

    reason: str
    owner: str
    approved_by: str
    expires: date
    ticket: str | None = None


class BaselineState(StrEnum):
    """Whether a failure, or something that could not be judged, is in the baseline too (SARIF's word)."""

    NEW = "new"
    KNOWN = "known"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict of one policy on one resource, or on a gap.

    A gap is reported under the address of what refused; `missing` is the address of what it hides, where that much is known.
    """

    policy: str
    address: str
    name: str
    verdict: Verdict
    severity: Severity
    message: str
    severity_because: str | None = None
    clauses: tuple[Clause, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    source: Source | None = None
    reason: Reason | None = None
    hint: str | None = None
    waiver: AppliedWaiver | None = None
    missing: str | None = None
    baseline: BaselineState | None = None

    @property
    def word(self) -> str:
        """Return the verdict in a word; a failure that somebody excused is `waived`."""
        return "waived" if self.verdict is Verdict.FAIL and self.waiver else self.verdict.value

    @property
    def counts(self) -> bool:
        """Tell whether the gate looks at it: a failure that nobody excused, or something that could not be judged."""
        return self.verdict is Verdict.UNKNOWN or (self.verdict is Verdict.FAIL and self.waiver is None)


class Relaxed(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter that was set beyond its bound, its value, and the bound in words."""

    param: str
    value: Any
    bound: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a verdict came about: the finding, and the steps of the policy's conditions, each under its key in the policy file."""

    finding: Finding
    steps: tuple[tuple[str, tuple[Step, ...]], ...]


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A policy as it was applied: what a report shows of it."""

    id: str
    version: int
    title: str
    severity: Severity
    kind: str
    rationale: str
    remediation: tuple[str, ...]
    console: str
    controls: dict[str, tuple[str, ...]]
    references: tuple[str, ...]
    params: dict[str, Any]
    file: str
    line: int
    # How many pass, or are not applicable, besides those among the findings: of very many, only the first are listed.
    unlisted: dict[str, int] = {}
    # Parameters set beyond their bounds. With any, the policy no longer claims its controls.
    relaxed: tuple[Relaxed, ...] = ()
    # The door that it guards.
    door: str | None = None


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """A policy that was not applied: `because` says why somebody disabled it; null where the profile does not name it."""

    id: str
    title: str
    severity: Severity
    controls: dict[str, tuple[str, ...]]
    because: str | None = None
    door: str | None = None


class WaiverState(StrEnum):
    """What became of a waiver."""

    APPLIED = "applied"
    EXPIRED = "expired"
    UNUSED = "unused"
    INVALID = "invalid"


class WaiverUse(msgspec.Struct, frozen=True, kw_only=True):
    """A waiver and what became of it: how many `findings` it excuses, whether it ends soon, and why it is invalid or unused."""

    policy: str
    address: str
    state: WaiverState
    reason: str
    owner: str
    approved_by: str
    expires: date
    ticket: str | None = None
    findings: int = 0
    expiring: bool = False
    because: str | None = None


class AttestationUse(msgspec.Struct, frozen=True, kw_only=True):
    """An attestation and whether it counted."""

    address: str
    attested_by: str
    attested_on: date
    expires: date
    counted: bool
    evidence: str | None = None


class Fate(StrEnum):
    """What became of a failure of the baseline that is none any more; the last two were not looked at."""

    PASSES = "passes"
    NOTAPPLICABLE = "notapplicable"
    GONE = "gone"
    WAIVED = "waived"
    UNKNOWN = "unknown"
    NOT_JUDGED = "not-judged"


class Vanished(msgspec.Struct, frozen=True, kw_only=True):
    """A failure of the baseline that is none any more, what became of it, and how that is known."""

    policy: str
    address: str
    name: str
    severity: Severity
    fate: Fate
    because: str


class ChangedPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """A policy of another version than in the baseline: so many of its findings there do not count as known."""

    policy: str
    before: int
    after: int
    findings: int


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """An earlier result that this one is compared with, and what of it has vanished."""

    snapshot: str
    taken_at: datetime
    profile: str
    vanished: tuple[Vanished, ...]
    changed: tuple[ChangedPolicy, ...]


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """A service desk, and the kind of people it is judged to serve: as declared, or as a closed circle if nobody declared it."""

    id: str
    kind: str
    declared: bool


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """What the outcome means for a pipeline: the exit code, and in one sentence why.

    What stands at `fail_on` or above matters, and what is new against the baseline at `fail_on_new` or above.
    """

    fail_on: Severity | None
    allow_unknown: bool
    exit_code: int
    because: str
    fail_on_new: Severity | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a renderer sees."""

    tool: str
    profile: str
    snapshot: Header
    policies: tuple[Judged, ...]
    findings: tuple[Finding, ...]
    gaps: tuple[Gap, ...]
    waivers: tuple[WaiverUse, ...]
    attestations: tuple[AttestationUse, ...]
    gate: Gate
    baseline: Baseline | None = None
    left_out: tuple[LeftOut, ...] = ()
    desks: tuple[Desk, ...] = ()

    def of(self, policy: str) -> tuple[Finding, ...]:
        """Return the findings of one policy."""
        return tuple(finding for finding in self.findings if finding.policy == policy)

    def counts(self) -> dict[str, Counter[str]]:
        """Count what was found by policy, listed or not, under fail, waived, unknown, pass and notapplicable."""
        numbers = {policy.id: Counter(policy.unlisted) for policy in self.policies}
        for finding in self.findings:
            numbers.setdefault(finding.policy, Counter())[finding.word] += 1
        return numbers


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst of some verdicts; of none, notapplicable."""
    return max(verdicts, key=lambda verdict: verdict.rank, default=Verdict.NOTAPPLICABLE)


# ---------------------------------------------------------------------------------------------------------------- the drift


class What(StrEnum):
    """What became of a resource, or of a gap."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class Effect(StrEnum):
    """What a change does to a verdict, the worst first. What was not looked at on both sides is incomparable, never closed."""

    OPENED = "opened"
    SIGHT_LOST = "sight-lost"
    INCOMPARABLE = "incomparable"
    STILL_OPEN = "still-open"
    SIGHT_GAINED = "sight-gained"
    CLOSED = "closed"
    GONE = "gone"
    NEUTRAL = "neutral"

    @property
    def rank(self) -> int:
        """Return its place in the order from harmless to bad."""
        return -list(Effect).index(self)


class FactChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One fact before and after; what was not there is UNSET, not null.

    The path names the fact, of a list the thing in it, and what of that; `@name`, `@parent` and `@source` are the resource's own.
    """

    path: tuple[str, ...]
    before: Any = msgspec.UNSET
    after: Any = msgspec.UNSET


class Certainty(StrEnum):
    """How sure it is that an event explains a change, the surest first."""

    EXACT = "exact"
    OBJECT = "object"
    TIME = "time"


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """An event of an audit log that may explain a change: never more than the log says. `event` is its address."""

    event: str
    time: datetime
    action: str
    actor: str | None
    certainty: Certainty


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one resource, or of a gap, between two snapshots.

    `was` is the name it had; `reach` is how many others it concerns, where that is known. Of the causes, None says that no log
    could be read, for the reason in `unlogged`.
    """

    kind: str
    id: str
    name: str
    what: What
    facts: tuple[FactChange, ...] = ()
    source: Source | None = None
    was: str | None = None
    gap: Gap | None = None
    effect: Effect = Effect.NEUTRAL
    reach: int | None = None
    causes: tuple[Cause, ...] | None = None
    unlogged: str | None = None

    @property
    def address(self) -> str:
        """Return the address of what changed."""
        return self.gap.address if self.gap else f"{self.kind}/{self.id}"


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a verdict: the word for it before and after (None: nothing was judged there), and how that is known.

    `changes` are addresses of what changed of the resource itself, or of what its policy looks at besides.
    """

    policy: str
    address: str
    name: str
    severity: Severity
    effect: Effect
    before: str | None
    after: str | None
    because: str
    changes: tuple[str, ...] = ()


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """What changed between two snapshots, and what that did: all that a renderer of drift sees.

    `limits` say in sentences what cannot be compared: other sites, kinds that one of them does not cover, other policies.
    """

    tool: str
    profile: str
    old: Header
    new: Header
    policies: tuple[Judged, ...]
    turns: tuple[Turn, ...]
    changes: tuple[Change, ...]
    limits: tuple[str, ...]
    gate: "DriftGate"

    def turned(self, effect: Effect) -> tuple[Turn, ...]:
        """Return the verdicts of which that became."""
        return tuple(turn for turn in self.turns if turn.effect is effect)


class DriftGate(msgspec.Struct, frozen=True, kw_only=True):
    """What drift means for a pipeline: the effects that stop it, from which severity on, the exit code, and why."""

    fail_on: tuple[str, ...]
    severity: Severity
    exit_code: int
    because: str


# --------------------------------------------------------------------------------------------------------------- the history


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """One scan in a history: when it looked, at what, judged by which profile, and what that meant for a pipeline."""

    taken_at: datetime
    snapshot: str
    tool: str
    profile: str
    exit_code: int


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What a look found by one policy: its version, how much fails, is waived, is unknown, and how much was judged."""

    version: int
    fail: int
    waived: int
    unknown: int
    judged: int


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """A policy through all looks of a history: what each found, or None where the policy was not applied."""

    policy: str
    title: str
    severity: Severity
    door: str | None
    standings: tuple[Standing | None, ...]


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a verdict by the look at a moment; it happened after the one before, or None if that is the first."""

    at: datetime
    after: datetime | None
    effect: Effect
    was: str | None
    became: str | None
    because: str


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """A time for which something failed: seen from one look on until another; None: it does still, or nobody saw it end.

    With `at_least` it may have begun earlier, or ended later, than it was seen. `unseen` says that part of it was out of sight.
    """

    since: datetime
    until: datetime | None = None
    end: Effect | None = None
    at_least: bool = False
    unseen: bool = False


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one policy's verdict on one resource over time, and for how long it failed.

    `now` is the verdict's word in the last look; None if there was none.
    """

    policy: str
    address: str
    name: str
    severity: Severity
    moments: tuple[Moment, ...]
    openings: tuple[Opening, ...]
    now: str | None

    @property
    def open_since(self) -> datetime | None:
        """Return since when it has been seen to fail, if it does still as far as anybody knows."""
        return self.openings[-1].since if self.openings and self.openings[-1].until is None else None


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """Something that cannot be compared between a look and the one before."""

    at: datetime
    because: str


class History(msgspec.Struct, frozen=True, kw_only=True):
    """What the looks of a time tell: all that a renderer of a history sees. What is open comes first, the oldest before all."""

    tool: str
    target: Target
    looks: tuple[Look, ...]
    courses: tuple[Course, ...]
    timelines: tuple[Timeline, ...]
    limits: tuple[Limit, ...]

    @property
    def open(self) -> tuple[Timeline, ...]:
        """Return what fails in the last look, or did when it was last seen."""
        return tuple(each for each in self.timelines if each.open_since)


# ------------------------------------------------------------------------------------------------------------- the forecast


class Basis(StrEnum):
    """What a number of requests is taken from."""

    EARLIER = "an earlier snapshot"
    LEAST = "the least that is known"
    NOT_ASKED = "not asked"


@dataclass(frozen=True, slots=True)
class Expected:
    """How many requests an endpoint will take, and for how many seconds, one after another; with what else there is to say of it.

    The least that is known grows with what is found, as the notes say; of what is not asked they say why.
    """

    endpoint: str
    basis: Basis
    notes: tuple[str, ...] = ()
    requests: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a collection will ask: `seconds` is how long it takes at least, with so many requests at a time.

    `each` are the seconds of one request: the mean of the earlier snapshot, or an assumption.
    """

    earlier: Header | None
    each: float
    is_assumed: bool
    concurrency: int
    expected: tuple[Expected, ...]
    seconds: float

    @property
    def requests(self) -> int:
        """Count the requests that are known of."""
        return sum(each.requests for each in self.expected)

    def of(self, basis: Basis) -> tuple[Expected, ...]:
        """Return what is taken from one basis."""
        return tuple(each for each in self.expected if each.basis is basis)


# ------------------------------------------------------------------------------------------------------------ the diagnosis


class Outcome(StrEnum):
    """What came of asking an endpoint once."""

    READABLE = "readable"
    REFUSED = "refused"
    OPT_IN_OFF = "needs-opt-in"
    NO_ENDPOINT = "needs-attestation"
    UNTOLD = "cannot-be-told"
    NOT_HERE = "not-here"


class Lack(StrEnum):
    """What stands between a policy and its proof."""

    CREDENTIAL = "credential"
    SCOPE = "scope"
    PERMISSION = "permission"
    OPT_IN = "opt-in"
    ATTESTATION = "attestation"
    ANSWER = "answer"


@dataclass(frozen=True, slots=True)
class Examined:
    """What one call at an endpoint gave, for the organization or for one site.

    Of what lacks, `wants` is the scope, the permission, the opt-in or the page of the console; `credential` says by which names the
    credential is known. Where no interface reads a kind, or a `fact` of it, there is no endpoint. `misses` are (kind, id, parent)
    of what an attestation would have to state; None where one page does not tell.
    """

    endpoint: str | None
    kinds: tuple[str, ...]
    outcome: Outcome
    interface: str | None = None
    site: str | None = None
    credential: str | None = None
    lack: Lack | None = None
    wants: str | None = None
    detail: str = ""
    hint: str = ""
    misses: tuple[tuple[str, str | None, str | None], ...] | None = None
    fact: str | None = None


@dataclass(frozen=True, slots=True)
class Prospect:
    """What can be expected of one policy: all that was examined for it, and what of that it lacks."""

    policy: str
    title: str
    severity: Severity
    examined: tuple[Examined, ...]
    needs: tuple[Examined, ...]
    attested: bool = False

    @property
    def is_provable(self) -> bool:
        """Tell whether nothing is lacking."""
        return not self.needs


@dataclass(frozen=True, slots=True)
class LeastPrivilege:
    """The least that a credential has to be allowed for some endpoints; `unscoped` are those that no scope is known to open."""

    credential: str
    endpoints: tuple[str, ...]
    scopes: tuple[str, ...]
    roles: tuple[str, ...]
    unscoped: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Which policies some credentials can prove, what is missing, and the least that would do."""

    tool: str
    profile: str
    prospects: tuple[Prospect, ...]
    examined: tuple[Examined, ...]
    least: tuple[LeastPrivilege, ...]

    @property
    def provable(self) -> int:
        """Count the policies that can be proven."""
        return sum(prospect.is_provable for prospect in self.prospects)

    @property
    def exit_code(self) -> int:
        """Return 0 if there are policies and every one can be proven, else 3."""
        return 0 if self.prospects and self.provable == len(self.prospects) else 3
