"""What every format of drift says in the same words: verdicts that turned with the changes that go with them, who and when."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from scanner.kinds import KINDS, Fact, FactType
from scanner.model import Cause, Certainty, Change, Drift, Effect, FactChange, Severity, Source, Turn, Verdict, What

# What an effect is called, and what it means; what is bad news first, what is no news last.
LABELS = {
    Effect.OPENED: ("opened", "It passed, was not there or could not be judged, and fails now."),
    Effect.SIGHT_LOST: ("sight lost", "It was judged, read or not there before, and cannot be judged or read now."),
    Effect.INCOMPARABLE: ("cannot be compared", "It was not looked at on both sides, or not by the same rule."),
    Effect.CLOSED: ("closed", "It failed, and does no longer."),
    Effect.GONE: ("gone", "It failed, or was out of sight, and is not there any more: nobody closed it."),
    Effect.SIGHT_GAINED: ("sight gained", "It could not be judged, or read, and can be now."),
    Effect.STILL_OPEN: ("still open", "It failed before, and fails."),
    Effect.NEUTRAL: ("neutral", "It changed, and no verdict on it."),
}

CERTAINTIES = {
    Certainty.EXACT: "this object and this action",
    Certainty.OBJECT: "this object, another action",
    Certainty.TIME: "only action and time fit",
}

# What of a resource is no fact of it (`scanner.diff`).
_OWN = {"@name": "its name", "@parent": "what it belongs to", "@source": "who says so"}
_FROM = "not there"


@dataclass(frozen=True, slots=True)
class Entry:
    """A verdict that turned, with what changed of the thing itself and of others that its policy looks at; or a change alone.

    What is found open when sight is gained is told as opened: nobody knows since when, and a gate heeds it as well.
    """

    effect: Effect
    turn: Turn | None = None
    changes: tuple[Change, ...] = ()
    others: tuple[Change, ...] = ()

    @property
    def address(self) -> str:
        """Return the address of what it is about."""
        return self.turn.address if self.turn else self.changes[0].address

    @property
    def name(self) -> str:
        """Return the name of what it is about."""
        return self.turn.name if self.turn else self.changes[0].name

    @property
    def kind(self) -> str:
        """Return the kind of what it is about."""
        return self.address.partition("/")[0] if self.turn else self.changes[0].kind

    @property
    def severity(self) -> Severity | None:
        """Return how bad it is; of a change alone nobody says."""
        return self.turn.severity if self.turn else None


def entries(drift: Drift) -> Iterator[Entry]:
    """Yield all of it once, in the order of `LABELS`: what became of verdicts, then the changes that no verdict is about."""
    kinds = {policy.id: policy.kind for policy in drift.policies}
    by_address: dict[str, list[Change]] = {}
    for change in drift.changes:
        for address in {change.address, f"{change.kind}/{change.id}"}:
            by_address.setdefault(address, []).append(change)
    about = {(kind, turn.address) for turn in drift.turns for kind in (None, kinds.get(turn.policy))}
    told = [
        Entry(
            _standing(turn),
            turn,
            tuple(
                change for change in by_address.get(turn.address, ()) if change.gap is None or change.kind == kinds.get(turn.policy)
            ),
            tuple(change for each in turn.changes if each != turn.address for change in by_address.get(each, ())),
        )
        for turn in drift.turns
    ]
    alone = [
        Entry(change.effect, None, (change,))
        for change in drift.changes
        if not {(change.kind if change.gap else None, each) for each in (change.address, f"{change.kind}/{change.id}")} & about
    ]
    order = list(LABELS).index
    yield from sorted((*told, *alone), key=lambda entry: (order(entry.effect), -entry.severity.rank if entry.severity else 1))


def _standing(turn: Turn) -> Effect:
    """Return the effect that it is shown under: what is found open when sight is gained is no better than what opened."""
    found_open = turn.effect is Effect.SIGHT_GAINED and turn.after in (Verdict.FAIL, "waived")
    return Effect.OPENED if found_open else turn.effect


def counted(told: Iterable[Entry]) -> dict[Effect, int]:
    """Return how many there are of each effect, none left out."""
    numbers = Counter(entry.effect for entry in told)
    return {effect: numbers[effect] for effect in LABELS}


def summed(numbers: dict[Effect, int]) -> str:
    """Return such numbers as a sentence's worth, without what there is none of."""
    return ", ".join(f"{number:,} {LABELS[effect][0]}" for effect, number in numbers.items() if number) or "nothing changed"


def brief(change: Change, most: int, longest: int) -> str:
    """Return what became of it in one line, with so many of its facts; of what came or went with none."""
    shown = facts(change) if change.what is What.CHANGED else ()
    said = [f"{path(change.kind, each.path)} {sides(each, longest)}" for each in shown[:most]]
    more = [f"and {len(shown) - most:,} more"] * (len(shown) > most)
    return ": ".join(filter(None, (what(change), ", ".join((*said, *more)))))


def sides(fact: FactChange, longest: int) -> str:
    """Return a fact before and after, each no longer than so many characters."""
    return " -> ".join(text if len(text) <= longest else f"{text[:longest]}…" for text in (value(fact.before), value(fact.after)))


def verdicts(turn: Turn) -> str:
    """Return the verdict before and after."""
    return f"{turn.before or 'no finding'} -> {turn.after or 'no finding'}"


# ---------------------------------------------------------------------------------------------------------------- one change


def noun(kind: str) -> str:
    """Return what a kind is called in a sentence."""
    return KINDS[kind].noun if kind in KINDS else kind


def what(change: Change) -> str:
    """Return in a few words what became of it."""
    if change.gap:
        verb = "cannot be read now" if change.what is What.ADDED else "could not be read before"
        return f"{verb} ({change.gap.reason}): {change.gap.detail}"
    if change.source is Source.ATTESTED and change.what is not What.CHANGED:
        return "attested" if change.what is What.ADDED else "attested no longer"
    renamed = f", was {change.was}" if change.was is not None else ""
    return f"{change.what}{renamed}{concerned(change)}"


def concerned(change: Change) -> str:
    """Return how many others it concerns, where that is known."""
    if change.reach is None:
        return ""
    reached = (KINDS[change.kind].reached if change.kind in KINDS else None) or "others"
    return f", which concerns {change.reach:,} {reached}"


def facts(change: Change) -> tuple[FactChange, ...]:
    """Return what is to be shown of its facts: that what came or went has a name needs no saying, nor what was renamed twice."""
    known = _OWN if change.what is not What.CHANGED else ("@name",) if change.was is not None else ()
    return tuple(each for each in change.facts if each.path[0] not in known)


def path(kind: str, steps: tuple[str, ...]) -> str:
    """Return the path of a fact as people write it: `grants[10102].permission`."""
    if steps[0] in _OWN:
        return _OWN[steps[0]]
    known: dict[str, Fact] = KINDS[kind].facts if kind in KINDS else {}
    text, fact = steps[0], known.get(steps[0])
    in_list = fact is not None and fact.type is FactType.OBJECTS
    for step in steps[1:]:
        text += f"[{step}]" if in_list else f".{step}"
        if not in_list:
            fact = fact.items.get(step) if fact else None
        else:
            fact = Fact(FactType.OBJECT, "", items=fact.items) if fact else None
        in_list = fact is not None and fact.type is FactType.OBJECTS
    return text


def value(side: Any) -> str:  # noqa: ANN401  a fact is any JSON
    """Return a fact as it stands in a sentence; what was not there is not null."""
    match side:
        case msgspec.UnsetType():
            return _FROM
        case "":
            return "empty text"
        case str():
            return side
        case []:
            return "empty list"
        case list() if all(isinstance(each, str) for each in side):
            return ", ".join(map(value, side))
        case _:
            return _json(side)


def _json(side: Any) -> str:  # noqa: ANN401  JSON
    try:
        return msgspec.json.encode(side, order="sorted").decode()
    except UnicodeEncodeError:  # half a surrogate pair, which JSON in UTF-8 cannot say
        return ascii(side)


# -------------------------------------------------------------------------------------------------------------- who and when


def unexplained(change: Change) -> str:
    """Return why no event is named; nothing if one is."""
    if change.gap and not change.causes:
        return ""  # nobody did that: it is what came of asking
    if change.causes is None:
        return f"not known: {change.unlogged}" if change.unlogged else "not known: no log was looked into"
    return "" if change.causes else "no event found"


def cause(event: Cause) -> str:
    """Return who may have done it, when and how sure that is, in one line."""
    return f"{event.actor or 'nobody is named'}, {utc(event.time)}, {event.action} ({CERTAINTIES[event.certainty]})"


def utc(moment: datetime) -> str:
    """Return a moment as UTC, to the minute."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
