"""A history for programs: version 1 of `atlascan/history`, promised by `schemas/history.schema.json`.

It is written field by field, so that a change of a class never changes the format by accident.
"""

import json
from datetime import UTC, datetime
from typing import Any

from scanner.model import Course, History, Limit, Look, Moment, Opening, Standing, Timeline

FORMAT = "atlascan/history"
VERSION = 1

Object = dict[str, Any]


def render(history: History) -> str:
    """Return the history as JSON. A key is never left out: what there is not is null or empty."""
    text = json.dumps(_document(history), ensure_ascii=False, allow_nan=False, indent=2)
    # Half a surrogate pair is no text that UTF-8 can hold; as an escape it passes through JSON.
    return text.encode("utf-8", "backslashreplace").decode("utf-8") + "\n"


# ---------------------------------------------------------------------------------------------------------------- private


def _document(history: History) -> Object:
    target = history.target
    return {
        "format": FORMAT,
        "version": VERSION,
        "tool": history.tool,
        "target": {"org": target.org, "org_name": target.org_name, "sites": dict(target.sites)},
        "looks": [_look(look) for look in history.looks],
        "policies": [_course(course) for course in history.courses],
        "timelines": [_timeline(timeline) for timeline in history.timelines],
        "limits": [_limit(limit) for limit in history.limits],
    }


def _look(look: Look) -> Object:
    return {
        "taken_at": _moment_of(look.taken_at),
        "snapshot": look.snapshot,
        "tool": look.tool,
        "profile": look.profile,
        "exit_code": look.exit_code,
    }


def _course(course: Course) -> Object:
    return {
        "id": course.policy,
        "title": course.title,
        "severity": course.severity.value,
        "door": course.door,
        "looks": [standing and _standing(standing) for standing in course.standings],
    }


def _standing(standing: Standing) -> Object:
    return {
        "version": standing.version,
        "fail": standing.fail,
        "waived": standing.waived,
        "unknown": standing.unknown,
        "judged": standing.judged,
    }


def _timeline(timeline: Timeline) -> Object:
    return {
        "policy": timeline.policy,
        "address": timeline.address,
        "name": timeline.name,
        "severity": timeline.severity.value,
        "now": timeline.now,
        "open_since": timeline.open_since and _moment_of(timeline.open_since),
        "openings": [_opening(opening) for opening in timeline.openings],
        "moments": [_moment(moment) for moment in timeline.moments],
    }


def _opening(opening: Opening) -> Object:
    return {
        "since": _moment_of(opening.since),
        "until": opening.until and _moment_of(opening.until),
        "end": opening.end and opening.end.value,
        "at_least": opening.at_least,
        "unseen": opening.unseen,
    }


def _moment(moment: Moment) -> Object:
    return {
        "at": _moment_of(moment.at),
        "after": moment.after and _moment_of(moment.after),
        "effect": moment.effect.value,
        "was": moment.was,
        "became": moment.became,
        "because": moment.because,
    }


def _limit(limit: Limit) -> Object:
    return {"at": _moment_of(limit.at), "because": limit.because}


def _moment_of(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
