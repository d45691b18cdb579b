"""Drift as a page for people: one HTML file that stands alone, asks the network for nothing and needs no script to be read.

Each card is made once, here. The first stand in the markup; all of them, deflated, are what `drift.js` filters and shows.
"""

import json
import zlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from scanner.model import Change, Coverage, Drift, Effect, FactChange, Severity
from scanner.render.drift.told import (
    LABELS,
    Entry,
    cause,
    counted,
    entries,
    facts,
    noun,
    path,
    summed,
    unexplained,
    utc,
    value,
    verdicts,
    what,
)
from scanner.render.html import environment, standing_alone
from scanner.render.html_words import visible

TEMPLATE, CARD, STYLES, SCRIPT = "drift.html.j2", "drift_card.html.j2", ("report.css", "drift.css"), "drift.js"

# How many cards the markup holds, and how much of a change a card does.
SHOWN = 250
MOST_FACTS, MOST_OTHERS, MOST_CAUSES = 50, 10, 10

_MEANINGS = {
    0: "As a gate, this would let the pipeline go on.",
    1: "As a gate, this would stop the pipeline.",
    3: "As a gate, this would stop the pipeline: what went out of sight does not pass.",
}


def render(drift: Drift) -> str:
    """Return drift as one HTML document."""
    made_by = environment()
    told = tuple(entries(drift))
    titles = {policy.id: policy.title for policy in drift.policies}
    card = made_by.get_template(CARD).module.card  # type: ignore[attr-defined]  # a macro of the template
    cards = [str(card(_Card.of(entry, titles))).strip() for entry in told]
    return standing_alone(made_by, TEMPLATE, STYLES, SCRIPT, _page(drift, told, titles, cards))


# ------------------------------------------------------------------------------------------------------ what a template sees


@dataclass(frozen=True, slots=True)
class Changed:
    """A change, worded: what became of what, its facts before and after, who and when."""

    change: Change
    what: str
    rows: tuple[tuple[str, str, str], ...]
    more: int
    causes: tuple[str, ...]
    more_causes: int
    unexplained: str

    @classmethod
    def of(cls, change: Change) -> "Changed":
        """Word a change."""
        shown, causes = facts(change), change.causes or ()
        return cls(
            change=change,
            what=what(change),
            rows=tuple(_row(change.kind, each) for each in shown[:MOST_FACTS]),
            more=max(0, len(shown) - MOST_FACTS),
            causes=tuple(map(cause, causes[:MOST_CAUSES])),
            more_causes=max(0, len(causes) - MOST_CAUSES),
            unexplained=unexplained(change),
        )


@dataclass(frozen=True, slots=True)
class _Card:
    """An entry, worded."""

    entry: Entry
    effect: Effect
    label: str
    title: str
    verdicts: str
    changes: tuple[Changed, ...]
    others: tuple[Changed, ...]
    more_others: int

    @classmethod
    def of(cls, entry: Entry, titles: Mapping[str, str]) -> "_Card":
        return cls(
            entry=entry,
            effect=entry.effect,
            label=LABELS[entry.effect][0],
            title=titles.get(entry.turn.policy, "") if entry.turn else "",
            verdicts=verdicts(entry.turn) if entry.turn else "",
            changes=tuple(map(Changed.of, entry.changes)),
            others=tuple(map(Changed.of, entry.others[:MOST_OTHERS])),
            more_others=max(0, len(entry.others) - MOST_OTHERS),
        )


@dataclass(frozen=True, slots=True)
class Page:
    """Everything that the template shows, counted and worded."""

    drift: Drift
    subject: str
    because: str
    meaning: str
    summary: str
    counters: tuple[tuple[Effect, str, str, int], ...]
    severities: tuple[Severity, ...]
    cards: tuple[Markup, ...]
    more: int
    coverage: tuple[tuple[str, Coverage | None, Coverage | None], ...]
    before: str
    after: str
    data: Markup


# ---------------------------------------------------------------------------------------------------------------- private


def _page(drift: Drift, told: Sequence[Entry], titles: Mapping[str, str], cards: Sequence[str]) -> Page:
    target, numbers = drift.new.target, counted(told)
    return Page(
        drift=drift,
        subject=target.org_name or ", ".join(target.sites) or target.org or "nothing",
        because=drift.gate.because[:1].upper() + drift.gate.because[1:],
        meaning=_MEANINGS[drift.gate.exit_code],
        summary=summed(numbers),
        counters=tuple((effect, *LABELS[effect], number) for effect, number in numbers.items()),
        severities=tuple(reversed(Severity)),
        cards=tuple(map(Markup, cards[:SHOWN])),
        more=max(0, len(cards) - SHOWN),
        coverage=tuple(_coverage(drift)),
        before=utc(drift.old.taken_at),
        after=utc(drift.new.taken_at),
        data=Markup(_island(told, titles, cards)),  # noqa: S704  base64
    )


def _row(kind: str, fact: FactChange) -> tuple[str, str, str]:
    return path(kind, fact.path), value(fact.before), value(fact.after)


def _coverage(drift: Drift) -> list[tuple[str, Coverage | None, Coverage | None]]:
    """Return how far each kind was read before and after."""
    before, after = ({each.kind: each for each in header.coverage} for header in (drift.old, drift.new))
    return [(kind, before.get(kind), after.get(kind)) for kind in sorted(before.keys() | after.keys())]


def _island(told: Sequence[Entry], titles: Mapping[str, str], cards: Sequence[str]) -> str:
    """Return all cards, and what they are filtered by: numbers of the lists beside them, or -1 for none."""
    kinds = sorted({entry.kind for entry in told})
    policies = sorted({entry.turn.policy for entry in told if entry.turn})
    severities = list(reversed(Severity))
    whole: dict[str, Any] = {
        "cards": cards,
        "filters": {
            "effect": _filter([(effect.value, LABELS[effect][0]) for effect in LABELS], [entry.effect.value for entry in told]),
            "severity": _filter([(each.value, each.value) for each in severities], [entry.severity for entry in told]),
            "kind": _filter([(kind, noun(kind)) for kind in kinds], [entry.kind for entry in told]),
            "policy": _filter(
                [(each, f"{each}: {titles.get(each, '')}") for each in policies],
                [entry.turn.policy if entry.turn else None for entry in told],
            ),
        },
    }
    text = json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
    return b64encode(zlib.compress(text.encode(), 9)).decode()


def _filter(values: Sequence[tuple[str, str]], of_cards: Sequence[str | None]) -> dict[str, Any]:
    places = {id_: place for place, (id_, _) in enumerate(values)}
    return {
        "values": [[visible(id_), visible(label)] for id_, label in values],
        "cards": [-1 if each is None else places[each] for each in of_cards],
    }
