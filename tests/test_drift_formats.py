"""Every format renders every drift, always the same, and all of them count the same: what stands in the table is tested here."""

import json
import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path

import msgspec
import pytest
from lxml import etree
from lxml import html as lxml_html

from scanner import results
from scanner.model import Drift, Effect, Turn
from scanner.render.drift import formats, text
from scanner.render.drift.told import CERTAINTIES, LABELS, counted, entries
from tests import drifts, order, samples

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "drift.md"
SAMPLES: dict[str, Callable[[], Drift]] = {"drift": drifts.drift, "empty": drifts.empty, "hostile": drifts.hostile}


@cache
def rendered(name: str, sample: str) -> str:
    return formats.load(name)(SAMPLES[sample]())


@pytest.fixture(params=formats.FORMATS, name="name")
def _name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=SAMPLES, name="sample")
def _sample(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_it_is_text_that_utf_8_holds_and_that_ends_with_a_line(name: str, sample: str) -> None:
    """Half a surrogate pair is no such text: a format shows something in its place."""
    assert rendered(name, sample).encode("utf-8").endswith(b"\n")


def test_a_saved_drift_renders_as_it_did(name: str, sample: str) -> None:
    saved = results.parse_drift(rendered("json", sample).encode("utf-8"), "drift.json")
    assert formats.load(name)(saved) == rendered(name, sample)


def test_no_order_is_left_to_chance() -> None:
    order.check("tests.test_drift_formats", order.digests(formats.FORMATS, SAMPLES, rendered))


def test_the_page_says_every_format_every_effect_and_how_sure_a_cause_is() -> None:
    page = PAGE.read_text(encoding="utf-8")
    first = [*(f"`{name}`" for name in formats.FORMATS), *(label for label, _ in LABELS.values()), *CERTAINTIES.values()]
    assert [each for each in first if f"\n| {each} |" not in page] == []


# ------------------------------------------------------------------------------------------------------- and all count the same


def test_every_format_counts_what_opened_and_what_went_out_of_sight_the_same(name: str, sample: str) -> None:
    _check_counts(name, rendered(name, sample), SAMPLES[sample]())


def test_every_format_tells_of_ten_thousand_changes(name: str) -> None:
    written = formats.load(name)(drifts.many(10_000))
    assert len(written.encode()) < 10_000_000
    _check_counts(name, written, drifts.many(10_000))


def test_every_change_is_told_once_and_so_is_every_verdict() -> None:
    for sample in SAMPLES.values():
        whole = sample()
        told = list(entries(whole))
        assert Counter(id(entry.turn) for entry in told if entry.turn) == Counter(map(id, whole.turns))
        assert {id(change) for entry in told for change in entry.changes} == set(map(id, whole.changes))


def _check_counts(name: str, written: str, whole: Drift) -> None:
    if name not in READERS:
        pytest.fail(f"nobody counts what stands in {name}: add a reader to READERS in {Path(__file__).name}")
    read = READERS[name](written)
    assert read
    assert read == {each: number for each, number in _expected(name, whole).items() if each in read}


def _expected(name: str, whole: Drift) -> dict[str, int]:
    told = tuple(entries(whole))
    if name in ("junit", "sarif"):  # which tell of verdicts only
        told = tuple(entry for entry in told if entry.turn)
    return {effect.value: number for effect, number in counted(told).items()}


def in_text(written: str) -> dict[str, int]:
    """Read the headings of the sections."""
    labels = {label.capitalize(): effect.value for effect, (label, _) in LABELS.items()}
    headings = re.findall(r"^(\w[\w ]+): ([\d,]+)  \w", written, re.MULTILINE)
    found = {labels[label]: int(number.replace(",", "")) for label, number in headings}
    return {effect.value: found.get(effect.value, 0) for effect in Effect}


def in_html(written: str) -> dict[str, int]:
    buttons = lxml_html.document_fromstring(written).iter("button")
    return {str(each.get("data-value")): int(_number(each)) for each in buttons if "counter" in each.get("class", "").split()}


def _number(counter: lxml_html.HtmlElement) -> str:
    return str(counter.xpath("string(.//*[contains(@class, 'number')])")).strip().replace(",", "")


def in_json(written: str) -> dict[str, int]:
    """Count by the effect, where what was found open is told as it is."""
    whole = results.parse_drift(written.encode(), "drift.json")
    numbers = json.loads(written)["summary"]["turns"]
    assert numbers == {effect.value: len(whole.turned(effect)) for effect in Effect}
    found_open = sum(turn.effect is Effect.SIGHT_GAINED and turn.after in ("fail", "waived") for turn in whole.turns)
    return {"opened": numbers["opened"] + found_open, "closed": numbers["closed"], "gone": numbers["gone"]}


def in_markdown(written: str) -> dict[str, int]:
    [line] = re.findall(r"^From .* UTC to .* UTC: (.*)\.$", written, re.MULTILINE)
    labels = {label: effect.value for effect, (label, _) in LABELS.items()}
    found = {labels[label]: int(number.replace(",", "")) for number, label in re.findall(r"([\d,]+) ([a-z ]+)", line)}
    return {effect.value: found.get(effect.value, 0) for effect in Effect}


def in_junit(written: str) -> dict[str, int]:
    cases = [case for case in etree.fromstring(written.encode()).iter("testcase") if "drift/gate" not in case.get("name", "")]
    skipped = [str(each.text) for case in cases for each in case.iter("skipped")]
    return {
        "opened": sum(len(case.findall("failure")) for case in cases) + sum(text.startswith("waived: ") for text in skipped),
        "still-open": sum(text.startswith("still open: ") for text in skipped),
    }


def in_sarif(written: str) -> dict[str, int]:
    [run] = json.loads(written)["runs"]
    states = Counter(each["baselineState"] for each in run["results"])
    return {"opened": states["new"], "still-open": states["unchanged"]}


READERS: dict[str, Callable[[str], dict[str, int]]] = {
    "text": in_text,
    "html": in_html,
    "json": in_json,
    "markdown": in_markdown,
    "junit": in_junit,
    "sarif": in_sarif,
}


# -------------------------------------------------------------------------------------------------------------------- the text


def test_the_text_is_as_reviewed() -> None:
    assert rendered("text", "drift") == (ROOT / "tests" / "golden" / "drift.txt").read_text(encoding="utf-8")


def test_the_text_leaves_out_nothing_that_opened_and_of_all_else_only_what_it_says() -> None:
    whole = drifts.many(1_000)
    short, long = text.render(whole), text.render(whole, whole=True)
    opened = {turn.address for turn in whole.turned(Effect.OPENED)}
    assert len(opened) > text.MOST
    assert [address for address in opened if address not in short] == []
    assert f"… and {len(whole.turned(Effect.CLOSED)) - text.MOST} more; --all shows them" in short
    assert "--all" not in long
    assert [change.address for change in whole.changes if change.address not in long] == []


def test_the_text_holds_no_character_that_moves_a_terminal() -> None:
    assert all(char.isprintable() for char in rendered("text", "hostile").replace("\n", ""))


def test_what_is_found_open_when_sight_is_gained_is_told_as_opened() -> None:
    found = drifts.turn(Effect.SIGHT_GAINED, samples.PUBLIC_SIGNUP, "jsm.customer_permissions/acme/FIN", "unknown", "fail")
    assert _effect_of(found) is Effect.OPENED
    assert _effect_of(msgspec.structs.replace(found, after="pass")) is Effect.SIGHT_GAINED


def _effect_of(turn: Turn) -> Effect:
    [entry] = entries(msgspec.structs.replace(drifts.empty(), turns=(turn,)))
    return entry.effect
