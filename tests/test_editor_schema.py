"""The schema for editors: current, a superset of what the loader takes, and of use with other tools."""

import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from scanner import conditions, documents, policies
from scanner.conditions import BESIDE, OPERATORS, QUANTIFIERS
from scanner.documents import Document
from scanner.errors import InputError
from scanner.kinds import KINDS
from scanner.shipped import shipped
from tests import editor_schema
from tests.conftest import Atlascan
from tests.test_conditions import CASES
from tests.test_policy_lint import TEXT

SCHEMA = editor_schema.schema()
VALIDATOR = Draft202012Validator(SCHEMA)
CONDITION = Draft202012Validator({"$ref": "#/$defs/condition", "$defs": SCHEMA["$defs"]})
FILES = policies.files(shipped("policies"))
PARAMS = {"p": "list", "n": "number", "d": "duration"}


def in_policies() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the conditions of the policies that ship, each with the kind that it is on."""
    for file in FILES:
        entry = documents.load(file).value
        yield from ((entry["kind"], entry[key]) for key in ("where", "require", "settled_by") if key in entry)


SAMPLES = [*in_policies(), *((kind, test) for kind, test, _, _ in CASES)]


def accepted(kind: str, entry: Any) -> bool:  # noqa: ANN401  JSON border
    """Tell whether the parser takes a condition, whatever its parameters are called."""
    try:
        conditions.parse(entry, Document("p.yaml", entry), (), kind, PARAMS)
    except InputError:
        return False
    return True


# --------------------------------------------------------------------------------------------------------------- current


def test_the_file_is_what_the_tables_say_today() -> None:
    assert editor_schema.FILE.read_text(encoding="utf-8") == editor_schema.rendered(), "stale: run `python -m tests.reference`"
    Draft202012Validator.check_schema(SCHEMA)


def test_the_program_prints_it(atlascan: Atlascan) -> None:
    assert atlascan("schema", "policy").out == editor_schema.rendered()


def test_every_word_of_the_language_is_in_it_with_its_manual() -> None:
    test = SCHEMA["$defs"]["test"]["properties"]
    assert set(test) == {"path", "as", *BESIDE, *OPERATORS, *QUANTIFIERS}
    assert all(test[name]["description"] == " ".join((each.bind.__doc__ or "").split()) for name, each in OPERATORS.items())
    assert {kind["const"]: kind["description"] for kind in SCHEMA["$defs"]["kind"]["anyOf"]} == {
        kind.name: kind.meaning for kind in KINDS.values()
    }
    described = [each for each in SCHEMA["properties"].values() if "description" in each]
    assert len(described) == len(SCHEMA["properties"])


# ------------------------------------------------------------------------------------------------------------- agreement


@pytest.mark.parametrize("number", range(len(SAMPLES)))
def test_a_condition_that_is_right_is_right_by_the_schema(number: int) -> None:
    _, entry = SAMPLES[number]
    assert [each.message for each in CONDITION.iter_errors(entry)] == []


WORDS = st.sampled_from(
    sorted({*OPERATORS, *QUANTIFIERS, *BESIDE, "all", "any", "not", "as", "path", "facts", "count", "match", "where"})
)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.sampled_from(["closed", "90 d", "x", "subdomain", "id", "user_invites"]),
    st.lists(st.sampled_from(["closed", "x"]), max_size=2),
    st.sampled_from([{"param": name} for name in PARAMS]),
    st.sampled_from([entry for _, entry in SAMPLES]),
)


@settings(max_examples=500, deadline=None)
@given(data=st.data())
def test_whatever_the_parser_takes_the_schema_takes(data: st.DataObject) -> None:
    kind, entry = deepcopy(data.draw(st.sampled_from(SAMPLES)))
    maps = list(_maps(entry))
    for _ in range(data.draw(st.integers(1, 3))):
        inner = data.draw(st.sampled_from(maps))
        if inner and data.draw(st.booleans()):
            value = inner.pop(data.draw(st.sampled_from(sorted(inner))))
            inner[data.draw(WORDS)] = data.draw(st.one_of(st.just(value), VALUES))
        else:
            inner[data.draw(WORDS)] = data.draw(VALUES)
    if accepted(kind, entry):
        assert [each.message for each in CONDITION.iter_errors(entry)] == []


def _maps(entry: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401  JSON border
    if isinstance(entry, dict):
        yield entry
    for part in entry.values() if isinstance(entry, dict) else entry if isinstance(entry, list) else ():
        yield from _maps(part)


@pytest.mark.parametrize(
    "wrong",
    [
        {"path": "desk_knd", "equals": "closed"},
        {"path": "desk_kind", "equal": "closed"},
        {"path": "desk_kind"},
        {"path": "desk_kind", "equals": "closed", "in": ["closed"]},
        {"path": "desk_kind", "equals": "closed", "as": "exact"},
        {"path": "created_at", "within": "90 d"},
        {"path": "created_at", "older_than": "90 days"},
        {"path": "desk_kind", "null": "yes"},
        {"all": []},
        {"all": [{"path": "desk_kind", "equals": "closed"}], "any": []},
        {"count": {"facts": "org.domain"}},
        {"count": {"facts": "org.domain", "path": "name"}, "at_least": 1},
        {"facts": "org.domains", "some": {"path": "name", "equals": "x"}},
        {"facts": "org.domain"},
        {"readable": "org.domains"},
    ],
)
def test_typical_mistakes_are_shown_by_an_editor(wrong: dict[str, Any]) -> None:
    assert list(CONDITION.iter_errors(wrong))
    assert not accepted("jsm.customer_permissions", wrong)


def test_a_whole_policy_is_checked() -> None:
    right = documents.parse(TEXT, "p.yaml").value
    assert list(VALIDATOR.iter_errors(right)) == []
    for key, wrong in {"kind": "jsm.customer_permission", "severity": "hihg", "require": {"path": "x"}, "evidence": ["x"]}.items():
        assert list(VALIDATOR.iter_errors({**right, key: wrong})), key


# ------------------------------------------------------------------------------------------------------------ other tools


def test_another_tool_finds_every_shipped_policy_right() -> None:
    assert checked_elsewhere(*FILES) == (0, "ok -- validation done\n")


def test_another_tool_finds_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text(TEXT.replace("equals: false}", "equal: false}"), encoding="utf-8")
    code, said = checked_elsewhere(tmp_path / "wrong.yaml")
    assert code == 1
    assert "$.require" in said


def checked_elsewhere(*files: Path) -> tuple[int, str]:
    command = [sys.executable, "-m", "check_jsonschema", "--schemafile", str(editor_schema.FILE), *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603  a tool of ours
    return done.returncode, done.stdout
