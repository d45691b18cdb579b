"""The words of a trace, the same in every format."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from scanner.logs import CATALOGUE
from scanner.tracing import (
    LOGS,
    Confidence,
    Doorway,
    Guard,
    Hypothesis,
    LogGap,
    Occurrence,
    Path,
    Sense,
    Stay,
    Stop,
    Through,
    Trace,
)
from scanner.ways import ENTRANCES

SENSES: Mapping[Sense, str] = {Sense.CAME: "came in", Sense.LEFT: "was put out", Sense.OTHER: ""}
CONFIDENCE: Mapping[Confidence, str] = {
    Confidence.PROVEN: "proven",
    Confidence.LIKELY: "likely",
    Confidence.POSSIBLE: "possible",
    Confidence.RULED_OUT: "ruled out",
}
_THROUGH: Mapping[Through, str] = {
    Through.DIRECT: "given directly",
    Through.GROUP: "through the group",
    Through.PROJECT_ROLE: "through",
    Through.SCHEME: "by the permission scheme",
    Through.CUSTOMER: "as a customer",
    Through.UNEXPLAINED: "nothing that was read explains how",
}


def minute(moment: datetime) -> str:
    """Return a moment to the minute."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"


def day(moment: datetime) -> str:
    """Return the day of a moment."""
    return f"{moment.astimezone(UTC):%Y-%m-%d}"


def title(trace: Trace) -> str:
    """Return whom it is about."""
    email = f" ({trace.person.email})" if trace.person.email else ""
    return f"How {trace.person.name}{email} got in"


def subtitle(trace: Trace) -> str:
    """Return what it was made from."""
    target = trace.snapshot.target
    where = target.org_name or ", ".join(target.sites) or target.org or "nothing"
    return f"account {trace.person.id}; {where} as of {minute(trace.snapshot.taken_at)} UTC"


# ------------------------------------------------------------------------------------------------------------- the story


def story(trace: Trace) -> Iterator[str]:
    """Yield the story in a few sentences: each coming in, each going out, and what is open."""
    for number, stay in enumerate(trace.stays):
        yield _coming_in(stay, again=number > 0)
        if stay.until:
            by = f" by {stay.ended_by.called}" if stay.ended_by else ""
            yield f"On {day(stay.until)} the access was ended{by}."
    for way in trace.doorways:
        yield f"{way.title}: {state(way)}."
    if trace.companions:
        number = len(trace.companions) + trace.more_companions
        yield f"{number} other {'person has' if number == 1 else 'people have'} something in common with this coming in; see below."
    if not any(each.confidence is Confidence.PROVEN for stay in trace.stays for each in stay.hypotheses):
        is_named = any(each.sense is Sense.CAME for each in trace.timeline)
        why = "the event that names this account fits more than one way" if is_named else _NO_EVENT
        yield f"Nothing is proven: {why}. What to fetch is said below."


_NO_EVENT = "no event that could be read names this account as coming in"


def _coming_in(stay: Stay, *, again: bool) -> str:
    when = f"On {day(stay.since)}" if stay.since else "On a day that no log tells"
    best = stay.best
    if not best:
        return f"{when} this person came in{' again' if again else ''}, and every way that is known is ruled out."
    first = best[0].confidence
    if first is Confidence.POSSIBLE:
        ways = ", ".join(each.title for each in best if each.speaks_for) or "none of the ways below"
        return f"{when} this person came in{' again' if again else ''}. How is not known; something speaks for: {ways}."
    # More than one proven way holds; of likely ones, one.
    finishes = (", and " if first is Confidence.PROVEN else ", or ").join(_finish(each) for each in best)
    others = [each for each in stay.hypotheses if each.confidence is Confidence.LIKELY and first is Confidence.PROVEN]
    doubt = "".join(f" That contradicts what else is known: {each.because} ({each.title}, likely)." for each in others)
    return f"{when} this person {'came back: ' if again else ''}{finishes}.{doubt}"


def _finish(each: Hypothesis) -> str:
    by = f", by {each.by.called}" if each.by else ""
    return f"{ENTRANCES[each.way].finish}: {CONFIDENCE[each.confidence]}{by}"


def ruled_out(stay: Stay) -> Mapping[str, str]:
    """Return what rules ways out, and which: what rules out several stands once."""
    found: dict[str, list[str]] = {}
    for each in stay.hypotheses:
        if each.confidence is Confidence.RULED_OUT:
            found.setdefault(each.because, []).append(each.title)
    return {because: ", ".join(titles) for because, titles in found.items()}


def span(stay: Stay, number: int) -> str:
    """Return from when until when somebody was inside."""
    since = day(stay.since) if stay.since else "a day that no log tells"
    until = f"until {day(stay.until)}" if stay.until else "on"
    return f"{'Came in' if number == 0 else 'Came back'}: from {since} {until}"


def state(way: Doorway) -> str:
    """Return whether a way in is open."""
    if not way.guards:
        return way.decided
    if all(guard.verdict == "notapplicable" for guard in way.guards):
        return "not judged, for the policy does not apply here: it may be meant to be open"
    if way.is_open:
        return "OPEN still"
    return "closed" if way.is_open is False else "whether it is open is not known"


def verdict(guard: Guard) -> str:
    """Return what became of a policy."""
    return "not applied by this profile" if guard.verdict is None else guard.verdict


# ------------------------------------------------------------------------------------------------------------- the access


@dataclass(frozen=True, slots=True)
class Reached:
    """Something that is reached, and by which paths."""

    name: str
    target: str
    paths: tuple[Path, ...]


def reached(paths: Sequence[Path]) -> tuple[Reached, ...]:
    """Return what is reached, each with its paths."""
    targets: dict[str, list[Path]] = {}
    for path in paths:
        targets.setdefault(path.target, []).append(path)
    return tuple(Reached(found[0].name, target, tuple(found)) for target, found in targets.items())


def with_account(trace: Trace) -> tuple[Reached, ...]:
    """Return what the account gives."""
    return reached([path for path in trace.paths if path.through is not Through.PUBLIC])


def without_account(trace: Trace) -> tuple[Reached, ...]:
    """Return what is seen without any account."""
    return reached([path for path in trace.paths if path.through is Through.PUBLIC])


def route(path: Path) -> str:
    """Return what a path gives, and through what."""
    stops = ", ".join(map(stop, path.stops))
    through = " ".join(filter(None, (_THROUGH.get(path.through), stops)))
    return f"{path.gives}, {through}" if through else path.gives


def stop(each: Stop) -> str:
    """Return what a path goes through, with what matters about it."""
    notes = "; ".join(each.notes)
    return f"{each.name} ({notes})" if notes else each.name


# ------------------------------------------------------------------------------------------------------------ the history


def gap(each: LogGap) -> str:
    """Return a time in which a log is silent."""
    if each.log == CATALOGUE:
        return f"what events mean is not known: {each.because}"
    when = f"before {minute(each.until)} UTC" if each.until else "at any time"
    return f"{LOGS.get(each.log, each.log)} tells nothing of what was {when}: {each.because}"


def happened(event: Occurrence) -> str:
    """Return what happened, by whom, with what, from where."""
    parts = [event.action]
    if event.actor:
        parts.append("by the person" if event.own else f"by {event.actor.called}")
    if event.used:
        parts.append(f"with {event.used}")
    if event.place:
        parts.append(f"from {event.place}")
    return ", ".join(parts)
