"""YAML from people: read strictly, refused with the line, and written so that it reads back the same."""

import codecs
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scanner import documents
from scanner.documents import MAX_BYTES, MAX_VALUES, dump, parse, read
from scanner.errors import InputError

T = TypeVar("T")
FILE = "atlascan.yaml"
# Text that some reader of YAML takes for something else.
TRICKY = (
    *("on", "off", "yes", "NO", "y", "n", "true", "True", "TRUE", "false", "null", "Null", "~", "", " ", "-", "?", ":", "=", "<<"),
    *("1", "-1", "+1", "09", "010", "0o17", "0x1f", "0b1", "1_000", "1e3", "1.5e3", "1.5E+3", ".5", "+.5", "-.5", "1.", "1.0"),
    *(".inf", "-.INF", ".nan", "1:30", "190:20:30.15", "2026-01-01", "2026-01-01T00:00:00Z", "99999999999999999999"),
    *(" leading", "trailing ", "\ttab", "two\nlines", "ends\n", "\n", "\n\n leading", "a: b", "a #b", "#", "&a", "*a", "!a", "@a"),
    *("%a", "`a", "'", '"', "\\", "{}", "[]", "- a", "---", "...", "\x00", "\x1b[31m", "\x7f", "\x85", "\xa0", "\u2028", "\ufeff"),
    *("Grüße", "日本語", "\U0001f600", "x" * 300, "word " * 60),
)
texts = st.one_of(st.sampled_from(TRICKY), st.text())
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(min_value=-(10**18) + 1, max_value=10**18 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    texts,
)
values = st.recursive(scalars, lambda inner: st.one_of(st.lists(inner), st.dictionaries(texts, inner)), max_leaves=20)


def refused(text: str | bytes) -> tuple[str, str | None]:
    """Return the message and the hint with which a text is refused."""
    with pytest.raises(InputError) as caught:
        parse(text if isinstance(text, str) else text.decode(), FILE)
    return str(caught.value), caught.value.hint


def value(text: str) -> Any:  # noqa: ANN401  JSON border
    return parse(text, FILE).value


def outcome(work: Callable[[], T]) -> tuple[T | None, str]:
    """Return what some work gives, or how it is refused; anything else it raises is a bug."""
    try:
        return work(), ""
    except InputError as error:
        return None, str(error)


def same(one: object, other: object) -> bool:
    """Tell whether two values are equal and of the same types all through: `1`, `1.0` and `true` are three things."""
    return repr(one) == repr(other)


# ---------------------------------------------------------------------------------------------------------------- scalars


@pytest.mark.parametrize("text", ["NO", "no", "off", "on", "yes", "y", "n", "True", "TRUE", "False", "FALSE", "Off"])
def test_only_true_and_false_are_booleans(text: str) -> None:
    assert value(f"answer: {text}\n{text}: answer\n") == {"answer": text, text: "answer"}
    assert value("[true, false]") == [True, False]


def test_a_key_is_always_text() -> None:
    assert value("NO: 1\ntrue: 2\n1: 3\n1.5: 4\n~: 5\n2026-01-01: 6\n<<: {a: 7}\n=: 8\n'': 9\n") == {
        "NO": 1,
        "true": 2,
        "1": 3,
        "1.5": 4,
        "~": 5,
        "2026-01-01": 6,
        "<<": {"a": 7},
        "=": 8,
        "": 9,
    }


@pytest.mark.parametrize(
    "text",
    ["2026-01-01", "2026-01-01T10:00:00Z", "1:30", "12:30:45", "0x1f", "0o17", "0b11", "1_000", "1e3", ".inf", ".nan", "=", "<<"],
)
def test_what_only_other_readers_take_for_a_number_or_date_stays_text(text: str) -> None:
    assert value(f"[{text}]") == [text]


@pytest.mark.parametrize(
    ("text", "number"), [("0", 0), ("010", 10), ("-7", -7), ("+7", 7), ("1.5", 1.5), (".5", 0.5), ("1.", 1.0), ("1.5e3", 1500.0)]
)
def test_a_number_is_decimal(text: str, number: float) -> None:
    assert same(value(f"[{text}]"), [number])


def test_a_number_too_long_for_any_counter_stays_text() -> None:
    assert value(f"[{'9' * 18}, {'9' * 19}, {'9' * 5000}]") == [int("9" * 18), "9" * 19, "9" * 5000]


def test_null_is_written_in_four_ways_or_left_out() -> None:
    assert value("[null, Null, NULL, ~]\n") == [None] * 4
    assert value("a:\nb: ''\n") == {"a": None, "b": ""}


def test_what_is_quoted_is_text() -> None:
    assert value("""["true", 'null', "1", '1.5', "", '~']""") == ["true", "null", "1", "1.5", "", "~"]


def test_an_empty_file_is_null() -> None:
    assert [value(text) for text in ("", "\n", "# only a comment\n", "---\n")] == [None] * 4


# ---------------------------------------------------------------------------------------------------------------- hostile


def test_a_bomb_of_aliases_is_refused_before_anything_is_built() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 30)
    )
    tracemalloc.start()
    assert refused(bomb) == ("atlascan.yaml:1: anchors (&name) are not allowed", "write the value out where it is used")
    assert tracemalloc.get_traced_memory()[1] < 1024**2
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: *a\n", "atlascan.yaml:2: aliases (*name) are not allowed"),
        ("a: 1\nb: &a 1\n", "atlascan.yaml:2: anchors (&name) are not allowed"),
        ("a: 1\nb: &a\n  c: 1\n", "atlascan.yaml:2: anchors (&name) are not allowed"),
    ],
)
def test_an_alias_or_anchor_is_refused_with_its_line(text: str, message: str) -> None:
    assert refused(text) == (message, "write the value out where it is used")


@pytest.mark.parametrize(
    ("tag", "shown"),
    [
        ("!!python/object/apply:os.system", "tag:yaml.org,2002:python/object/apply:os.system"),
        ("!!python/name:os.system", "tag:yaml.org,2002:python/name:os.system"),
        ("!!str", "tag:yaml.org,2002:str"),
        ("!!set", "tag:yaml.org,2002:set"),
        ("!mine", "!mine"),
        ("!two%0Alines", r"!two\nlines"),
        ("!", "!"),
    ],
)
def test_a_tag_is_refused(tag: str, shown: str) -> None:
    for content in ("x", "[x]", "{x: y}"):
        assert refused(f"a: 1\nb: {tag} {content}\n") == (
            f'atlascan.yaml:2: the tag "{shown}" is not allowed',
            "plain values only: text, numbers, true, false, lists, maps",
        )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "atlascan.yaml:3: the key 'a' is given twice"),
        ("a: 1\n'a': 2\n", "atlascan.yaml:2: the key 'a' is given twice"),
        ("x:\n  - y:\n      z: 1\n      z: 2\n", "atlascan.yaml:4: x[0].y: the key 'z' is given twice"),
        ("{x: {y: 1, y: 1}}", "atlascan.yaml:1: x: the key 'y' is given twice"),
        ("<<: 1\n<<: 2\n", "atlascan.yaml:2: the key '<<' is given twice"),
        ("1: a\n'1': b\n", "atlascan.yaml:2: the key '1' is given twice"),
    ],
)
def test_a_duplicate_key_is_refused_with_its_line(text: str, message: str) -> None:
    assert refused(text) == (message, "keep one of them")


def test_a_key_that_is_no_text_is_refused() -> None:
    assert refused("a: 1\n? [b]\n: 1\n") == ("atlascan.yaml:2: a key must be text", None)
    assert refused("{{a: 1}: 1}") == ("atlascan.yaml:1: a key must be text", None)


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ("{a: ", "}"), ("- ", "")])
def test_forty_deep_is_read_and_deeper_is_refused(opening: str, closing: str) -> None:
    parse(opening * 39 + "[]" + closing * 39, FILE)
    assert refused(opening * 41 + closing * 41) == ("atlascan.yaml:1: nested more than 40 deep", "flatten it")
    assert refused(opening * 500_000) == ("atlascan.yaml:1: nested more than 40 deep", "flatten it")


def test_more_values_than_any_such_file_has_are_refused_before_they_cost_memory() -> None:
    assert refused("[" + "1," * MAX_VALUES + "]") == (
        f"atlascan.yaml:1: more than {MAX_VALUES} values",
        "no file of this kind has so many; is it the right one?",
    )


def test_a_second_document_is_refused_with_its_line() -> None:
    assert refused("a: 1\n---\nb: 2\n") == (
        "atlascan.yaml:2: a second document begins here (---)",
        "write one document a file",
    )
    assert value("--- {a: 1}\n...\n") == {"a": 1}


@pytest.mark.parametrize(
    ("character", "code"), [("\0", "0000"), ("\a", "0007"), ("\x1b", "001b"), ("\x7f", "007f"), ("\x80", "0080")]
)
def test_a_control_character_is_refused_with_its_line(character: str, code: str) -> None:
    text = f"a: Grüße\n# 日本語\nb: {character}\n"
    assert refused(text) == (f"atlascan.yaml:3: not valid YAML: control characters are not allowed (#x{code})", None)


def test_half_a_character_from_a_command_line_is_refused() -> None:
    assert refused("url: \udcff") == ("atlascan.yaml: not valid Unicode text (character 5)", None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1, 2\nb: 3\n", "atlascan.yaml:2: not valid YAML: did not find expected ',' or ']'"),
        ("a: 1\nb: 'x\n", "atlascan.yaml:3: not valid YAML: found unexpected end of stream"),
        ("a:\n\t- b\n", "atlascan.yaml:2: not valid YAML: found character that cannot start any token"),
        ("a: 1\nb: c: d\n", "atlascan.yaml:2: not valid YAML: mapping values are not allowed in this context"),
        ("a: 1\n- b\n", "atlascan.yaml:2: not valid YAML: did not find expected key"),
        ("a: 1\nb: @c\n", "atlascan.yaml:2: not valid YAML: found character that cannot start any token"),
    ],
)
def test_what_is_not_yaml_is_refused_with_its_line(text: str, message: str) -> None:
    assert refused(text) == (message, None)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(), st.text(alphabet="ab:-?[]{}&*!|>'\"%@`#,. \n\t~<=019")))
@example("\ud800")
@example("? ? ?")
@example("%TAG ! x")
@example("%YAML 9.9\n---\n")
@example("!<x> y")
@example("a: |99\n x")
@example('"\\ud800"')
@example('"\\UFFFFFFFF"')
def test_whatever_the_text_it_is_read_or_refused(text: str) -> None:
    document, problem = outcome(lambda: parse(text, FILE))
    if document:
        assert () in document.marks or document.value is None
    else:
        assert problem.startswith(FILE)
        assert "\n" not in problem


@settings(max_examples=300, deadline=None)
@given(st.binary())
@example(codecs.BOM_UTF16_LE + "a: 1".encode("utf-16-le"))
@example(b"\xed\xa0\x80")
def test_whatever_the_bytes_they_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "waivers.yaml"
    path.write_bytes(content)
    text, problem = outcome(lambda: documents._text(path))
    if text is None:
        assert problem.startswith(f"{path}: not UTF-8 text (byte ")
    else:
        assert text.encode() == content.removeprefix(codecs.BOM_UTF8)


# ------------------------------------------------------------------------------------------------------------------ files


def message_of(path: Path) -> tuple[str, str | None]:
    with pytest.raises(InputError) as caught:
        read(path, "waivers")
    return str(caught.value), caught.value.hint


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_bytes(codecs.BOM_UTF8 + b"waivers: []\n")
    assert read(path, "waivers").value == {"waivers": []}


def test_lines_may_end_as_on_windows(tmp_path: Path) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_bytes(b"# one\r\n# two\r\nwaiver: []\r\n")
    assert message_of(path) == (f"{path}:3: waiver: unknown key 'waiver'", "did you mean 'waivers'?")


@pytest.mark.parametrize(("content", "byte"), [(b"a: \xff", 3), (b"\xfe\xffa", 0), ("a: Grüße".encode("latin-1"), 5)])
def test_what_is_not_utf8_is_refused(tmp_path: Path, content: bytes, byte: int) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_bytes(content)
    assert message_of(path) == (f"{path}: not UTF-8 text (byte {byte})", None)


def test_a_missing_file_a_folder_and_an_endless_name_are_refused(tmp_path: Path) -> None:
    assert message_of(tmp_path / "none.yaml") == (f"{tmp_path}/none.yaml: cannot be read: No such file or directory", None)
    assert message_of(tmp_path) == (f"{tmp_path}: cannot be read: Is a directory", None)
    endless = tmp_path / ("x" * 300)
    assert message_of(endless) == (f"{endless}: cannot be read: File name too long", None)


def test_a_file_that_is_too_large_is_refused_without_reading_all_of_it(tmp_path: Path) -> None:
    path = tmp_path / "waivers.yaml"
    with path.open("wb") as file:
        file.truncate(16 * 1024**3)  # a hole: it takes no room on the disk, but would in memory
    assert message_of(path) == (f"{path}: larger than 4 MiB", "no file of this kind is; is it the right one?")


def test_a_file_of_just_the_largest_size_is_read(tmp_path: Path) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_bytes(b"waivers: []\n".ljust(MAX_BYTES, b"#"))
    assert read(path, "waivers").value == {"waivers": []}
    path.write_bytes(b"waivers: []\n".ljust(MAX_BYTES + 1, b"#"))
    assert message_of(path)[0] == f"{path}: larger than 4 MiB"


# ------------------------------------------------------------------------------------------------------------------ lines


def test_every_value_knows_its_line() -> None:
    document = parse("# comment\na:\n  b:\n    - x\n    -\n      c: 1\n\n      d: 2\n", FILE)
    lines = {path: document.line(path) for path in document.marks}
    assert lines == {
        (): 2,
        ("a",): 2,
        ("a", "b"): 3,
        ("a", "b", 0): 4,
        ("a", "b", 1): 6,
        ("a", "b", 1, "c"): 6,
        ("a", "b", 1, "d"): 8,
    }


def test_what_is_not_there_has_the_line_of_its_nearest_parent() -> None:
    document = parse("a:\n  b:\n    c: 1\n", FILE)
    assert document.line(("a", "b", "missing", 3, "x")) == 2
    assert document.line(("nothing",)) == 1
    assert parse("", FILE).line(("a",)) == 1


def test_an_error_names_file_line_and_path() -> None:
    document = parse("a:\n- b: 1\n- b: 2\n", FILE)
    error = document.error("is wrong", ("a", 1, "b"), hint="mend it")
    assert (str(error), error.hint, error.exit_code) == ("atlascan.yaml:3: a[1].b: is wrong", "mend it", 2)


def test_an_error_stays_on_its_line_whatever_a_key_holds() -> None:
    document = parse('"two\\nlines\\e[31m": {b: 1}', FILE)
    assert str(document.error("is wrong", ("two\nlines\x1b[31m", "b"))) == r"atlascan.yaml:1: 'two\nlines\x1b[31m'.b: is wrong"


# ----------------------------------------------------------------------------------------------------------------- schema


def complaint(text: str, schema: str) -> tuple[str, str | None]:
    with pytest.raises(InputError) as caught:
        documents.checked(parse(text, FILE), schema)
    return str(caught.value), caught.value.hint


def test_what_the_schema_has_against_a_file_is_said_in_its_place() -> None:
    entry = "policy: a\n    address: b\n    reason: c\n    owner: d\n    approved_by: e\n    expires: 2026-01-01"
    assert complaint(f"waivers:\n  - {entry}\n  - {entry}0\n", "waivers") == (
        'atlascan.yaml:13: waivers[1].expires: "2026-01-010" is not a date (YYYY-MM-DD)',
        "The last day on which it counts (UTC).",
    )
    assert complaint(f"waivers:\n  - {entry}\n    ticket: ''\n", "waivers") == (
        "atlascan.yaml:8: waivers[0].ticket: '' should be non-empty",
        "Where it was decided.",
    )
    assert complaint("waivers:\n  - reason: a\n", "waivers") == (
        "atlascan.yaml:2: waivers[0]: the key 'policy' is missing",
        "policy: The policy's id, such as jsm/public-signup-off.",
    )
    assert complaint("", "waivers") == (
        "atlascan.yaml:1: null is not a map",
        "Failures that somebody decided to live with for a while.",
    )


def test_a_long_value_is_shortened_in_a_message() -> None:
    message, _ = complaint(f"waivers: {'x' * 1000}", "waivers")
    assert message == f'atlascan.yaml:1: waivers: "{"x" * 118}… is not a list'


def test_eight_point_zero_is_not_a_whole_number() -> None:
    assert complaint("sites: [{url: x}]\ncollect: {concurrency: 8.0}\n", "config") == (
        "atlascan.yaml:2: collect.concurrency: 8.0 is not a whole number",
        "How many requests may be under way at once.",
    )


@pytest.mark.parametrize("name", ["config", "policy", "profile", "attestations", "waivers", "result", "drift"])
def test_a_shipped_schema_is_a_schema(name: str) -> None:
    validator = documents._validator(name)
    validator.check_schema(documents.schema(name))


# ----------------------------------------------------------------------------------------------------------------- writing


@settings(max_examples=400, deadline=None)
@given(values)
@example({text: text for text in TRICKY})
@example(list(TRICKY))
@example(1e300)
@example(-0.0)
@example({"x" * 200: {"y\n" * 100: ["z " * 200]}})
def test_what_is_dumped_is_parsed_back_the_same(written: Any) -> None:  # noqa: ANN401  JSON border
    assert same(value(dump(written)), written)


def test_a_value_used_twice_is_written_twice() -> None:
    shared = ["acme.com"]
    assert dump({"a": shared, "b": shared}) == "a:\n- acme.com\nb:\n- acme.com\n"


def test_what_is_dumped_reads_as_a_person_would_write_it() -> None:
    assert dump({"kind": "org.user_invites", "on": True, "text": "off", "date": "2026-01-01", "name": "Grüße", "none": None}) == (
        "kind: org.user_invites\n'on': true\ntext: 'off'\ndate: '2026-01-01'\nname: Grüße\nnone: null\n"
    )
