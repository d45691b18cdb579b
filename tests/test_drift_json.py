"""Drift as JSON is what its schema promises, and reads back as the drift that it was written from."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scanner import documents, results
from scanner.errors import InputError
from scanner.model import Certainty, Drift, Effect, FactChange, Header, Reason, Severity, Source, What
from scanner.render.drift.json import FORMAT, VERSION, render
from tests import drifts

SAMPLES = [drifts.drift, drifts.empty, drifts.hostile]
SCHEMA = documents.schema("drift")

every_sample = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.__name__)


def written(whole: Drift) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(render(whole))
    return found


def parsed(document: object) -> Drift:
    return results.parse_drift(json.dumps(document).encode(), "drift.json")


@every_sample
def test_it_reads_back_as_the_same_drift(sample: Callable[[], Drift]) -> None:
    assert results.parse_drift(render(sample()).encode("utf-8"), "drift.json") == sample()


def test_a_file_reads_back_too(tmp_path: Path) -> None:
    (tmp_path / "drift.json").write_text(render(drifts.drift()), encoding="utf-8")
    assert results.load_drift(tmp_path / "drift.json") == drifts.drift()


def test_what_was_not_there_is_left_out_and_null_is_null() -> None:
    facts = written(drifts.drift())["changes"][0]["facts"]
    assert facts[0] == {"path": ["approval_required"], "before": True, "after": None}
    assert written(drifts.drift())["changes"][1]["facts"][1] == {"path": ["public_signup"], "after": True}


def test_all_of_a_drift_is_in_it() -> None:
    """A field that is new in the model has to be written, or it is lost."""
    whole = written(drifts.drift())
    fields = {field.name for field in msgspec.structs.fields(Drift)}
    assert fields <= whole.keys()
    for key in ("old", "new"):
        assert {field.name for field in msgspec.structs.fields(Header)} == whole[key].keys()
    for key in ("turns", "changes"):
        [type_] = {type(each) for each in getattr(drifts.drift(), key)}
        assert {field.name for field in msgspec.structs.fields(type_)} <= whole[key][0].keys()
    assert {field.name for field in msgspec.structs.fields(FactChange)} == whole["changes"][0]["facts"][0].keys()


def test_the_words_of_the_schema_are_those_of_the_program() -> None:
    change, words = SCHEMA["properties"]["changes"]["items"]["properties"], SCHEMA["$defs"]
    assert words["effect"]["enum"] == [*Effect] == [*words["numbers"]["properties"]]
    assert change["what"]["enum"] == [*What]
    assert change["causes"]["items"]["properties"]["certainty"]["enum"] == [*Certainty]
    assert (words["severity"]["enum"], words["source"]["enum"], words["reason"]["enum"]) == ([*Severity], [*Source], [*Reason])


def test_what_a_result_has_as_well_is_promised_in_the_same_words() -> None:
    result, ours = documents.schema("result"), SCHEMA["$defs"]
    assert ours["snapshot"] == result["properties"]["snapshot"]
    assert ours["policy"] == result["properties"]["policies"]["items"]
    assert ours["gap"] == result["properties"]["gaps"]["items"]
    assert [ours[word] for word in ("severity", "source", "reason")] == [
        result["$defs"][word] for word in ("severity", "source", "reason")
    ]


def test_the_version_that_is_written_is_the_one_that_is_read() -> None:
    assert (FORMAT, VERSION) == (results.DRIFT, results.VERSION)
    assert (SCHEMA["properties"]["format"]["const"], SCHEMA["properties"]["version"]["const"]) == (FORMAT, VERSION)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("format", "atlascan/result", "$: this is no drift of atlascan"),
        ("version", 2, "$.version: this atlascan reads version 1, not 2"),
        ("turns", [{}], "$.turns[0]"),
        ("more", 1, "more"),
    ],
)
def test_a_file_of_another_kind_or_an_edited_one_is_refused(key: str, value: object, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parsed({**written(drifts.drift()), key: value})
    assert message in str(caught.value)


def test_an_effect_that_nobody_knows_is_refused() -> None:
    document = written(drifts.drift())
    document["turns"][0]["effect"] = "mended"
    with pytest.raises(InputError, match=r"\$\.turns\[0\]\.effect"):
        parsed(document)
