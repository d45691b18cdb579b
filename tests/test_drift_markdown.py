"""Drift as Markdown says what opened first, fits into a comment, and holds nothing that others can make act."""

from collections.abc import Callable

import msgspec
import pytest

from scanner.model import Drift, Effect, Severity
from scanner.render.drift.markdown import render
from tests import drifts, samples
from tests.test_markdown import LIMIT, REFERENCE, shown, tokens, types

SAMPLES = [drifts.drift, drifts.empty, drifts.hostile]

every_sample = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.__name__)


def headings(text: str) -> list[str]:
    return [line.lstrip("# ") for line in text.splitlines() if line.startswith("#")]


def test_it_begins_with_the_exit_code_and_what_opened() -> None:
    text = render(drifts.drift())
    counts = "3 opened, 1 sight lost, 1 cannot be compared, 1 closed, 1 gone, 1 sight gained, 1 still open, 2 neutral"
    assert text.splitlines()[:9] == [
        "## atlascan: what changed at Acme Industries",
        "",
        f"**Exit code 1: {drifts.drift().gate.because}**",
        "",
        f"From 2026-05-16 06:04 UTC to 2026-06-15 06:04 UTC: {counts}.",
        "",
        "### Opened",
        "",
        "#### critical: Nobody joins by merely having an e-mail address",
    ]
    parts = [title for title in headings(text) if not title.startswith(("critical", "high"))]
    assert parts[1:] == [
        "Opened",
        "What cannot be compared",
        "Sight lost",
        "Cannot be compared",
        "Closed",
        "Gone",
        "Sight gained",
        "Still open",
        "Neutral",
    ]


def test_what_opened_says_what_changed_and_who_may_have_done_it() -> None:
    text = render(drifts.drift())
    assert "  - `approval_required`: `true` -> `null`\n" in text
    assert "  - who: Mallory Ito, 2026-06-12 06:04 UTC, policy\\_updated (this object and this action)\n" in text
    assert "  - who: no event found\n" in text


def test_the_drift_of_nothing_says_so() -> None:
    assert ": nothing changed." in render(drifts.empty())
    assert headings(render(drifts.empty())) == ["atlascan: what changed at Acme Industries"]


@pytest.mark.parametrize("sample", [*SAMPLES, lambda: drifts.many(10_000), lambda: _all_open(5_000)])
def test_it_fits_into_a_comment(sample: Callable[[], Drift]) -> None:
    assert len(render(sample()).encode()) < LIMIT


def test_what_has_no_room_is_counted_and_the_worst_has_room_first() -> None:
    text = render(_all_open(5_000))
    assert "#### critical" in text
    told = text.count("#### critical")
    assert f"**{5_000 - told} more doors are in the report**" in text
    assert "snapshots `4b7a` and" in text


def _all_open(number: int) -> Drift:
    turns = (drifts.turn(Effect.OPENED, samples.SIGNUP, f"org.access_domain/{each}", "pass", "fail") for each in range(number))
    critical = tuple(msgspec.structs.replace(each, severity=Severity.CRITICAL) for each in turns)
    return drifts.gated(msgspec.structs.replace(drifts.drift(), turns=critical, changes=()))


def test_nothing_that_others_named_is_markup_a_link_or_a_reference() -> None:
    text = render(drifts.hostile())
    assert not types(text) & {"html_block", "html_inline", "link_open", "image"}
    plain = " ".join(token.content for token in tokens(text) if token.type in {"text", "text_special"})
    assert not REFERENCE.search(plain.replace("\u200b", " "))
    assert "<script>alert(1)</script>" in shown(text)
