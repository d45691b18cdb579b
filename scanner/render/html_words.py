"""The words of the HTML report: what verdicts, reasons and sources are called, and how values, times and hostile text read."""

import re
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import quote

import msgspec
from markupsafe import Markup, escape

from scanner.kinds import KINDS
from scanner.model import Reason, Source


class Outcome(StrEnum):
    """A verdict as a reader meets it, worst first: a failure that somebody excused stands apart from one that nobody did."""

    FAIL = "fail"
    UNKNOWN = "unknown"
    WAIVED = "waived"
    PASS = "pass"  # noqa: S105  not a password
    NOTAPPLICABLE = "notapplicable"

    @property
    def label(self) -> str:
        """Return its words."""
        return _LABELS[self]

    @property
    def is_news(self) -> bool:
        """Tell whether a reader should see it without asking."""
        return self in (Outcome.FAIL, Outcome.UNKNOWN, Outcome.WAIVED)


_LABELS = {
    Outcome.FAIL: "failing",
    Outcome.UNKNOWN: "could not be judged",
    Outcome.WAIVED: "waived",
    Outcome.PASS: "passing",
    Outcome.NOTAPPLICABLE: "not applicable",
}

# Label, what it means, and what would lift it where a gap itself gives no hint.
REASONS = {
    Reason.FORBIDDEN: (
        "access refused",
        "The credential is not allowed to look.",
        "use a credential with the permission that is missing",
    ),
    Reason.NOT_FOUND: ("not found", "It is not there, or hidden from this credential.", "look whether it exists under this name"),
    Reason.NO_CREDENTIAL: ("no credential", "No credential was given for it.", "give the credential that `atlascan doctor` names"),
    Reason.NO_PUBLIC_API: (
        "no public interface",
        "Only a console shows it.",
        "a person looks, and states it with `atlascan attest`",
    ),
    Reason.OPT_IN_OFF: (
        "not opted in",
        "Reading it is opt-in, and was not switched on.",
        "switch it on in the configuration, or attest it",
    ),
    Reason.UNSUPPORTED: ("not supported", "This site, or this version of the tool, does not offer it.", "attest it"),
    Reason.GAVE_UP: ("gave up", "It answered with errors or too slowly, again and again.", "scan again later"),
    Reason.MALFORMED: (
        "not understood",
        "The answer had a shape that is not known.",
        "update the tool, or report the answer's shape",
    ),
}

SOURCES = {
    Source.API: ("api", "Atlassian's public interface said so."),
    Source.API_EXPERIMENTAL: ("api, experimental", "a public interface that Atlassian calls experimental said so; it may change."),
    Source.UNDOCUMENTED: ("undocumented", "an endpoint that Atlassian does not document said so; its meaning is inferred."),
    Source.PROBE: ("probe", "it was seen from outside, as an anonymous visitor sees it."),
    Source.INFERRED: ("inferred", "it follows from something else that was seen, such as the audit log."),
    Source.ATTESTED: ("attested", "a person's dated statement; nothing but that person vouches for it."),
}

# -------------------------------------------------------------------------------------------------- what a template may call


def noun(kind: str) -> str:
    """Return what a kind is called in a sentence."""
    return KINDS[kind].noun if kind in KINDS else kind


def shown(value: Any) -> str:  # noqa: ANN401  a fact is any JSON
    """Return a fact for a person to read: lists of objects a line each, everything else in one line."""
    match value:
        case str():
            return value or "(empty text)"
        case []:
            return "(empty list)"
        case [*values] if any(isinstance(each, list | dict) for each in values):
            return "\n".join(map(shown, values))
        case [*values]:
            return ", ".join(map(shown, values))
        case {**pairs}:
            return ", ".join(f"{key}: {shown(each)}" for key, each in pairs.items()) or "(nothing)"
        case _:
            return msgspec.json.encode(value).decode()


def anchor(policy: str) -> str:
    """Return the name of the place where a policy stands on the page."""
    return f"policy/{quote(policy)}"


def prose(text: str) -> Markup:
    """Return text in which what stands between backticks is code."""
    parts = re.split(r"`([^`]+)`", visible(text))
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if index % 2 else escape(part) for index, part in enumerate(parts)
    )


def steps(path: str) -> Markup:
    """Return a path that a narrow column may break before a slash, and nowhere within a step that fits."""
    return Markup("<wbr>/").join(visible(path).split("/"))


def utc(moment: datetime) -> str:
    """Return a moment as UTC, to the minute."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return f"{aware.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def until(expires: date, taken_at: datetime) -> str:
    """Return how far a date of expiry is from the snapshot: a report reads the same on any day."""
    days = (expires - taken_at.astimezone(UTC).date()).days
    unit = "day" if abs(days) == 1 else "days"
    if days < 0:
        return f"ended {-days} {unit} earlier"
    return f"{days} {unit} left" if days else "last day"


# C0, C1, line and paragraph separators, what reorders or hides text, surrogates and noncharacters. Joiners (emoji, Persian) and the
# plain direction marks stay: within <bdi> they do no harm.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2060-\u206f\u200b\ufeff\ufff9-\uffff\ud800-\udfff\U000e0000-\U000e001f]"
)


# A name of a megabyte is shown in many places, and a browser has to lay out each.
_LONGEST = 20_000


def visible(text: str) -> str:
    """Return text with a name in the place of every character that HTML forbids, or that reorders or hides what is around it.

    Of a very long one only the beginning is returned, and how much is left out.
    """
    more = len(text) - _LONGEST
    if more > 0:
        return f"{visible(text[:_LONGEST])}… ({more:,} more characters, which are in the JSON result)"
    return _UNSEEN.sub(lambda match: f"[U+{ord(match.group()):04X}]", text)
