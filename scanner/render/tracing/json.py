"""A trace for programs: version 1 of `atlascan/trace`, promised by `schemas/trace.schema.json`; all of it, field by field."""

from scanner.model import Severity
from scanner.render.json import Object, moment, written
from scanner.tracing import (
    Clue,
    Companion,
    Doorway,
    Guard,
    Hypothesis,
    Known,
    LogGap,
    Occurrence,
    Party,
    Path,
    Stay,
    Todo,
    Trace,
)

FORMAT = "atlascan/trace"
VERSION = 1


def render(trace: Trace) -> str:
    """Return the trace as JSON. A key is never left out: what there is not is null or empty."""
    return written(_document(trace))


# ---------------------------------------------------------------------------------------------------------------- private


def _document(trace: Trace) -> Object:
    person, target = trace.person, trace.snapshot.target
    return {
        "format": FORMAT,
        "version": VERSION,
        "tool": trace.tool,
        "snapshot": {"id": trace.snapshot.id, "taken_at": moment(trace.snapshot.taken_at)},
        "target": {"org": target.org, "org_name": target.org_name, "sites": dict(target.sites)},
        "asked": trace.asked,
        "person": {"id": person.id, "name": person.name, "email": person.email, "kinds": list(person.kinds)},
        "known": [_known(each) for each in trace.known],
        "paths": [_path(each) for each in trace.paths],
        "unread": list(trace.unread),
        "timeline": [_occurrence(each) for each in trace.timeline],
        "gaps": [_gap(each) for each in trace.gaps],
        "stays": [_stay(each) for each in trace.stays],
        "doorways": [_doorway(each) for each in trace.doorways],
        "companions": [_companion(each) for each in trace.companions],
        "more_companions": trace.more_companions,
        "todo": [_todo(each) for each in trace.todo],
    }


def _known(each: Known) -> Object:
    return {"name": each.name, "says": each.says, "source": each.source and each.source.value}


def _path(each: Path) -> Object:
    return {
        "through": each.through.value,
        "stops": [{"address": stop.address, "name": stop.name, "notes": list(stop.notes)} for stop in each.stops],
        "target": each.target,
        "name": each.name,
        "gives": each.gives,
        "source": each.source.value,
    }


def _occurrence(each: Occurrence) -> Object:
    return {
        "event": each.event,
        "log": each.log,
        "time": moment(each.time),
        "action": each.action,
        "actor": _party(each.actor),
        "own": each.own,
        "sense": each.sense.value,
        "way": each.way,
        "place": each.place,
        "used": each.used,
        "site": each.site,
    }


def _party(each: Party | None) -> Object | None:
    return {"id": each.id, "name": each.name, "email": each.email} if each else None


def _gap(each: LogGap) -> Object:
    return {
        "log": each.log,
        "since": moment(each.since) if each.since else None,
        "until": moment(each.until) if each.until else None,
        "because": each.because,
        "fetch": each.fetch,
    }


def _stay(each: Stay) -> Object:
    return {
        "since": moment(each.since) if each.since else None,
        "until": moment(each.until) if each.until else None,
        "ended_by": _party(each.ended_by),
        "hypotheses": [_hypothesis(hypothesis) for hypothesis in each.hypotheses],
    }


def _hypothesis(each: Hypothesis) -> Object:
    return {
        "way": each.way,
        "title": each.title,
        "door": each.door,
        "confidence": each.confidence.value,
        "because": each.because,
        "for": [_clue(clue) for clue in each.speaks_for],
        "against": [_clue(clue) for clue in each.speaks_against],
        "by": _party(each.by),
        "at": moment(each.at) if each.at else None,
    }


def _clue(each: Clue) -> Object:
    return {"says": each.says, "address": each.address, "source": each.source and each.source.value}


def _doorway(each: Doorway) -> Object:
    return {
        "way": each.way,
        "title": each.title,
        "door": each.door,
        "open": each.is_open,
        "decided": each.decided,
        "guards": [_guard(guard) for guard in each.guards],
    }


def _guard(each: Guard) -> Object:
    return {
        "policy": each.policy,
        "title": each.title,
        "severity": _severity(each.severity),
        "verdict": each.verdict,
        "findings": list(each.findings),
        "remediation": list(each.remediation),
        "console": each.console,
    }


def _severity(each: Severity | None) -> str | None:
    return each.value if each else None


def _companion(each: Companion) -> Object:
    return {
        "account": each.account,
        "name": each.name,
        "email": each.email,
        "came": moment(each.came) if each.came else None,
        "because": list(each.because),
    }


def _todo(each: Todo) -> Object:
    return {"title": each.title, "clicks": list(each.clicks), "console": each.console}
