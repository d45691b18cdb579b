"""What a trace is made of: who somebody is, what leads where, what happened, and how sure that is. Values, and nothing else."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

import msgspec

from scanner.model import Header, Severity, Source

# ------------------------------------------------------------------------------------------------------------- the access


class Through(StrEnum):
    """By what somebody has access, the narrowest first."""

    DIRECT = "direct"
    GROUP = "group"
    PROJECT_ROLE = "project-role"
    SCHEME = "permission-scheme"
    CUSTOMER = "customer"
    PUBLIC = "public"
    UNEXPLAINED = "unexplained"


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a path goes through, such as a group; `notes` say what else matters about it."""

    address: str
    name: str
    notes: tuple[str, ...] = ()


class Path(msgspec.Struct, frozen=True, kw_only=True):
    """What leads from a person to one app, project, desk or space, and what it gives there.

    A public path needs no account. An unexplained one is known by where it ends only.
    """

    through: Through
    stops: tuple[Stop, ...]
    target: str
    name: str
    gives: str
    source: Source


# ------------------------------------------------------------------------------------------------------------ what happened


class Sense(StrEnum):
    """What an event means for whoever it names."""

    CAME = "came"
    LEFT = "left"
    OTHER = "other"


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """Who did something, as far as a log tells."""

    id: str | None = None
    name: str | None = None
    email: str | None = None

    @property
    def called(self) -> str:
        """Return what the person is called, and by which contact one knows them."""
        contact = self.email or self.id
        return f"{self.name} ({contact})" if self.name and contact else self.name or contact or "somebody"


class Occurrence(msgspec.Struct, frozen=True, kw_only=True):
    """An event of a log that speaks of the person, or that the person caused; `way` is the way in that its words tell of.

    Where these fit several ways, and it depends on what is not known which of them is meant, they are in `ways`, and `way` is None.
    """

    event: str
    log: str
    time: datetime
    action: str
    actor: Party | None
    own: bool
    sense: Sense = Sense.OTHER
    way: str | None = None
    ways: tuple[str, ...] = ()
    place: str | None = None
    used: str | None = None
    site: str | None = None


# What there is to look into, by kind; of Confluence there is none.
LOGS: Mapping[str, str] = {
    "org.event": "the organization's audit log",
    "org.event_action": "the kinds of event in the organization's audit log",
    "jira.audit_record": "the audit log of Jira",
    "confluence": "the audit log of Confluence",
}


class LogGap(msgspec.Struct, frozen=True, kw_only=True):
    """A time in which a log is silent because nobody could look (None: from the beginning, or to the end); `fetch` would help."""

    log: str
    since: datetime | None
    until: datetime | None
    because: str
    fetch: str


# ------------------------------------------------------------------------------------------------------- how they came in


class Confidence(StrEnum):
    """How sure it is that somebody came by a way. It is proven only where an event names the account."""

    PROVEN = "proven"
    LIKELY = "likely"
    POSSIBLE = "possible"
    RULED_OUT = "ruled-out"

    @property
    def rank(self) -> int:
        """Return 0 for proven, up to 3 for ruled out."""
        return list(Confidence).index(self)


class Clue(msgspec.Struct, frozen=True, kw_only=True):
    """Something that speaks for a way in, or against it: what it says, and the address and source of what says it."""

    says: str
    address: str | None = None
    source: Source | None = None


class Hypothesis(msgspec.Struct, frozen=True, kw_only=True):
    """That somebody came by a way: how sure that is and why, what speaks for it and against; where an event tells, who and when."""

    way: str
    title: str
    door: str
    confidence: Confidence
    because: str
    speaks_for: tuple[Clue, ...] = ()
    speaks_against: tuple[Clue, ...] = ()
    by: Party | None = None
    at: datetime | None = None


class Stay(msgspec.Struct, frozen=True, kw_only=True):
    """A time that somebody was inside: from when, until when and by whom it was ended, and how they came in, the surest first.

    None as a time is one that is not known, or, at the end of the last stay, that it lasts.
    """

    since: datetime | None
    until: datetime | None
    ended_by: Party | None
    hypotheses: tuple[Hypothesis, ...]

    @property
    def best(self) -> tuple[Hypothesis, ...]:
        """Return the hypotheses that are as sure as the surest, if that is not ruled out."""
        first = self.hypotheses[0].confidence
        return tuple(each for each in self.hypotheses if each.confidence is first is not Confidence.RULED_OUT)


class Guard(msgspec.Struct, frozen=True, kw_only=True):
    """A policy that guards a way in, and what was found: the verdict's word (None: it is not applied), and what is not well."""

    policy: str
    title: str
    severity: Severity | None
    verdict: str | None
    findings: tuple[str, ...] = ()
    remediation: tuple[str, ...] = ()
    console: str = ""


class Doorway(msgspec.Struct, frozen=True, kw_only=True):
    """A way in as it is in the snapshot: open, closed, or not known (None), by the verdicts of the policies that guard it.

    Without guards `decided` says who decides instead.
    """

    way: str
    title: str
    door: str
    is_open: bool | None
    guards: tuple[Guard, ...]
    decided: str = ""


# ------------------------------------------------------------------------------------------------------------- the trace


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is known of a person: its name, what it is, and the source; without a source it is not known, and why."""

    name: str
    says: str
    source: Source | None = None


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """An account that somebody may be asking for, and where it was found."""

    id: str
    name: str
    email: str | None
    kinds: tuple[str, ...]


class Companion(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody else who came the same way, in the same days, from the same domain, or at the hand of the same person."""

    account: str
    name: str
    email: str | None
    came: datetime | None
    because: tuple[str, ...]


class Todo(msgspec.Struct, frozen=True, kw_only=True):
    """Something to do, click by click; and the page where that is done, as a template of a link."""

    title: str
    clicks: tuple[str, ...]
    console: str = ""


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """All that a renderer sees: who it is, what leads where, what happened, how they came in, who else did, and what to do."""

    tool: str
    snapshot: Header
    asked: str
    person: Candidate
    known: tuple[Known, ...]
    paths: tuple[Path, ...]
    unread: tuple[str, ...]
    timeline: tuple[Occurrence, ...]
    gaps: tuple[LogGap, ...]
    stays: tuple[Stay, ...]
    doorways: tuple[Doorway, ...]
    companions: tuple[Companion, ...]
    more_companions: int
    todo: tuple[Todo, ...]
