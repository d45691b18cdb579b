"""What every format of a history says in the same words: since when, for how long, and how it ended."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from scanner.model import Course, Effect, History, Opening, Standing, Timeline, Verdict

# What became of a verdict, as a word in a row of dates.
WORDS = {
    Effect.OPENED: "opened",
    Effect.SIGHT_LOST: "out of sight",
    Effect.INCOMPARABLE: "cannot be compared from here",
    Effect.STILL_OPEN: "open",
    Effect.SIGHT_GAINED: "in sight again",
    Effect.CLOSED: "closed",
    Effect.GONE: "gone",
}

# How an opening ended, after its days.
_ENDS = {
    None: "and is open",
    Effect.CLOSED: "then closed",
    Effect.GONE: "then gone with what was open",
    Effect.SIGHT_GAINED: "closed when it came into sight again",
    Effect.INCOMPARABLE: "not comparable from there",
}

NOT_APPLIED, UNKNOWN, NOTHING = "·", "?", "▁"
_BLOCKS = "▂▃▄▅▆▇█"
KEY = (
    f"Each sign is a look: {NOTHING} nothing fails, {_BLOCKS[0]} to {_BLOCKS[-1]} the more fails, "
    f"{UNKNOWN} nothing fails and something is unknown, {NOT_APPLIED} not applied."
)


def subject(history: History) -> str:
    """Return what it is a history of."""
    return history.target.org_name or ", ".join(sorted(history.target.sites)) or "nothing"


def span(history: History) -> str:
    """Return how many looks there were, and from when to when."""
    first, last = history.looks[0].taken_at, history.looks[-1].taken_at
    number = "1 look" if len(history.looks) == 1 else f"{len(history.looks)} looks"
    return f"{number}, {minute(first)}" if first == last else f"{number}, from {minute(first)} to {minute(last)}"


def minute(moment: datetime) -> str:
    """Return a moment as UTC, to the minute."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def day(moment: datetime) -> str:
    """Return a moment as a day, UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d}"


def lasted(time: timedelta) -> str:
    """Return a span of time as a person would say it."""
    hours = round(time.total_seconds() / 3600)
    if hours < _TWO_DAYS:
        return f"{hours} h" if hours else f"{round(time.total_seconds() / 60)} min"
    return f"{round(hours / 24)} d"


def stood(opening: Opening, last: datetime) -> str:
    """Return for how long something failed, from when to when, and how that ended; `last` is the last look."""
    if opening.since == last and opening.until is None:
        return f"open, seen in the last look only: {day(last)}"
    least = "at least " if opening.at_least else ""
    length = lasted((opening.until or last) - opening.since)
    until = (
        f"{day(opening.since)} to {day(opening.until)}, {_ENDS[opening.end]}" if opening.until else f"since {day(opening.since)}"
    )
    return f"open for {least}{length}: {until}{', a part of it out of sight' if opening.unseen else ''}"


def found(timeline: Timeline) -> str:
    """Return what is to be said of something open besides its age: that it is waived, or was not seen in the last look."""
    return {"fail": "", "waived": "waived"}.get(timeline.now or "", "not seen in the last look")


def groups(history: History) -> tuple[Sequence[Timeline], Sequence[Timeline], Sequence[Timeline]]:
    """Return what is open, what cannot be compared any more and was not seen to be fine since, and all else."""
    left = [each for each in history.timelines if _is_left(each)]
    return history.open, left, [each for each in history.timelines if not each.open_since and not _is_left(each)]


def left_open(history: History) -> Sequence[Timeline]:
    """Return what was open until it could not be compared any more: nobody saw it closed."""
    return [each for each in history.timelines if _is_left_open(each)]


def ended(history: History) -> int:
    """Return how much failed once, and did not when it was looked at later."""
    return sum(bool(each.openings) and not each.open_since and not _is_left_open(each) for each in history.timelines)


def nothing_open(history: History) -> str:
    """Return what is said where nothing is open: that is not said of what nobody saw."""
    unknown = sum(course.standings[-1].unknown for course in history.courses if course.standings[-1])
    return f"nothing is seen to fail in the last look, and {unknown} unknown" if unknown else "nothing fails in the last look"


def spark(course: Course) -> str:
    """Return a policy's looks in one word, a sign each: the more fails, the higher."""
    most = max((_failing(each) for each in course.standings if each), default=0)
    return "".join(_sign(each, most) for each in course.standings)


def latest(course: Course) -> str:
    """Return what the last look found by a policy, in words."""
    last = course.standings[-1]
    if last is None:
        return "not applied"
    words = [f"{last.fail} failing"] if last.fail else []
    words += [f"{last.waived} waived"] if last.waived else []
    words += [f"{last.unknown} unknown"] if last.unknown else []
    return ", ".join(words) or ("nothing fails" if last.judged else "nothing to judge")


def bumps(history: History, course: Course) -> str:
    """Return when a policy got another version; nothing if it never did."""
    known = [(look, each) for look, each in zip(history.looks, course.standings, strict=True) if each]
    changed = [(now, look) for (_, was), (look, now) in pairwise(known) if was.version != now.version]
    return ", ".join(f"version {standing.version} from {day(look.taken_at)}" for standing, look in changed)


def is_eventful(course: Course) -> bool:
    """Tell whether anything ever failed or was unknown, or the version or the application of the policy changed."""
    applied = {each and each.version for each in course.standings}
    return len(applied) > 1 or any(_failing(each) or each.unknown for each in course.standings if each)


def worst_first(courses: Iterable[Course]) -> list[Course]:
    """Return policies, those that fail now first, then those that ever did or were unknown."""
    return sorted(courses, key=lambda course: (-_interest(course), -course.severity.rank, course.policy))


# ---------------------------------------------------------------------------------------------------------------- private

_TWO_DAYS = 48


def _is_left(timeline: Timeline) -> bool:
    last = timeline.moments[-1]
    is_fine = last.became in (Verdict.PASS, Verdict.NOTAPPLICABLE)
    return not timeline.open_since and last.effect is Effect.INCOMPARABLE and not is_fine


def _is_left_open(timeline: Timeline) -> bool:
    return _is_left(timeline) and bool(timeline.openings) and timeline.openings[-1].end is Effect.INCOMPARABLE


def _failing(standing: Standing) -> int:
    return standing.fail + standing.waived


def _sign(standing: Standing | None, most: int) -> str:
    if standing is None:
        return NOT_APPLIED
    if number := _failing(standing):
        return _BLOCKS[(number * len(_BLOCKS) - 1) // most]
    return UNKNOWN if standing.unknown else NOTHING


def _interest(course: Course) -> int:
    last = course.standings[-1]
    known = [each for each in course.standings if each]
    if last and (last.fail or last.unknown):
        return 3 if last.fail else 2
    return int(any(_failing(each) or each.unknown for each in known))
