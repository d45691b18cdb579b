"""Policy files from somebody who means harm: within a second they are refused in one line, or they do none."""

import codecs
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scanner import policies
from scanner.cli.proof import proofs
from scanner.documents import MAX_BYTES
from scanner.errors import InputError
from scanner.policies import MAX_PATTERNS, MAX_ROUNDS, MAX_TESTS
from tests.conftest import Atlascan

# Of processor time, not of the clock: other tests run at the same time.
# A second of a processor that has nothing else to do; of a shared one, and under the tracer of coverage, more. What grows without
# bound takes minutes.
SECOND = 10.0 if sys.gettrace() else 3.0
LONGEST_LINE = 500
MILLION = 1_000_000
TOO_MANY_VALUES = ":1: more than 20000 values"
TEST = {"path": "status", "equals": "BLOCKED"}
DATED = {"status": "BLOCKED", "created_at": "0001-01-01T00:00:00+14:00", "expires_at": "9999-12-31T23:59:59-14:00"}
ENTRY: dict[str, Any] = {
    "version": 1,
    "title": "Tokens are blocked",
    "severity": "high",
    "kind": "org.api_token",
    "require": TEST,
    "failure": "the token works",
    "rationale": "Whoever has it is in.",
    "remediation": ["Block it."],
    "console": "https://admin.atlassian.com",
    "controls": {"iso-27001-2022": ["A.5.15"], "nist-800-53-r5": False, "soc-2": False, "cis-v8": False},
    "references": ["https://support.atlassian.com"],
    "examples": [
        {"name": "blocked", "verdict": "pass", "facts": {"status": "BLOCKED"}},
        {"name": "not blocked", "verdict": "fail", "facts": {"status": "ALLOWED"}},
    ],
}
Content = Callable[[], str | bytes]


def changed(**changes: Any) -> str:  # noqa: ANN401  JSON border
    return json.dumps({**ENTRY, **changes}, ensure_ascii=False)


def require(**test: Any) -> str:  # noqa: ANN401  JSON border
    return changed(require=test)


def matching(pattern: str) -> str:
    return require(path="label", matches=pattern)


def replaced(old: str, new: str, **changes: Any) -> str:  # noqa: ANN401  JSON border
    """Return the policy with a piece of its text replaced, for what JSON cannot hold."""
    text = changed(**changes)
    assert text.count(old) == 1
    return text.replace(old, new)


def seats(bound: str) -> str:
    return replaced(
        '"BOUND"',
        bound,
        kind="jira.application_role",
        require={"path": "seats", "at_least": "BOUND"},
        examples=[{**example, "facts": {"seats": 5}} for example in ENTRY["examples"]],
    )


def nested(word: str, depth: int) -> dict[str, Any]:
    inner: dict[str, Any] = TEST
    for _ in range(depth):
        inner = {word: inner if word == "not" else [inner]}
    return inner


def wide(depth: int, width: int) -> dict[str, Any]:
    inner: dict[str, Any] = TEST
    for level in range(depth):
        inner = {("all", "any")[level % 2]: [inner] * width}
    return inner


def within_each_other(rounds: int) -> dict[str, Any]:
    inner: dict[str, Any] = {"path": "name", "equals": "x"}
    for _ in range(rounds):
        inner = {"facts": "org.domain", "every": inner}
    return inner


def alias_bomb() -> str:
    return "a0: &a0 [x]\n" + "".join(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 30))


def with_a_param(**param: Any) -> str:  # noqa: ANN401  JSON border
    declared = {"p": {"meaning": "what it is", **param}}
    return changed(params=declared, require={"path": "created_at", "newer_than": {"param": "p"}})


REFUSED: dict[str, tuple[Content, str]] = {
    # What YAML can do.
    "aliases that multiply": (alias_bomb, ":1: anchors (&name) are not allowed"),
    "an alias": (lambda: "title: *title", ":1: aliases (*name) are not allowed"),
    "a tag that runs code": (lambda: "title: !!python/object/apply:os.system [id]", ":1: the tag "),
    "a tag without end": (lambda: "!" + "x" * 3 * MILLION + " y", ":1: the tag "),
    "an anchor without end": (lambda: "&" + "x" * 3 * MILLION + " y", ":1: anchors (&name) are not allowed"),
    "a second document": (lambda: changed() + "\n---\n{}", ":2: a second document begins here"),
    "the same key twice": (lambda: "title: a\ntitle: b\n", ":2: the key 'title' is given twice"),
    "the same key over and over": (lambda: "title: a\n" * 100_000, ":10000: more than 20000 values"),
    "a key of control characters twice": (lambda: '"\\e[31m\\n": 1\n"\\e[31m\\n": 2\n', r":2: the key '\x1b[31m\n' is given twice"),
    "a key of three megabytes": (lambda: f'? "{"x" * 3 * MILLION}"\n: 1', ":1: xxxxx"),
    "a key that YAML takes for none": (lambda: "x" * 3 * MILLION + ": 1", ":1: not valid YAML"),
    "a key that is a list": (lambda: "[a]: b", ":1: a key must be text"),
    "another version of YAML": (lambda: "%YAML 9.9\n---\n{}", ":1: not valid YAML"),
    "a directive without end": (lambda: "%TAG !" + "x" * MILLION + "\n---\n", ":1: not valid YAML"),
    "a quote that never ends": (lambda: 'title: "' + "x" * 3 * MILLION, ":1: not valid YAML"),
    "colons only": (lambda: "a: " * MILLION, ":1: not valid YAML"),
    "a merge": (lambda: "<<: {title: x}", ":1: <<: unknown key '<<'"),
    # Size and depth.
    "ten megabytes": (lambda: "#" * 10 * MILLION, ": larger than 4 MiB"),
    "a byte too many": (lambda: changed().ljust(MAX_BYTES + 1), ": larger than 4 MiB"),
    "brackets": (lambda: "[" * 2 * MILLION, ":1: nested more than 40 deep"),
    "braces": (lambda: "{a: " * MILLION, ":1: nested more than 40 deep"),
    "dashes": (lambda: "- " * MILLION, ":1: nested more than 40 deep"),
    "question marks": (lambda: "? " * MILLION, ":1: nested more than 40 deep"),
    "a condition in a condition": (lambda: changed(require=nested("not", 60)), ":1: nested more than 40 deep"),
    "a list of a million": (lambda: "title: [" + "a, " * MILLION + "]", TOO_MANY_VALUES),
    "a map of a hundred thousand": (lambda: "{" + ", ".join(f"k{i}: {i}" for i in range(100_000)) + "}", TOO_MANY_VALUES),
    "a condition of fifty thousand tests": (lambda: changed(require=wide(6, 6)), TOO_MANY_VALUES),
    "a condition of a thousand tests": (lambda: changed(require=wide(3, 10)), f":1: require: more than {MAX_TESTS} tests"),
    "a test too many": (
        lambda: changed(require=wide(1, MAX_TESTS - 1), where=wide(1, 2)),
        f":1: where: more than {MAX_TESTS} tests",
    ),
    "values without number": (lambda: require(path="label", **{"in": ["x"] * 100_000}), TOO_MANY_VALUES),
    "values too many": (lambda: require(path="label", **{"in": ["x"] * 10_001}), ":1: require.in: more than 10000 values"),
    "parameters without number": (
        lambda: changed(params={f"p{i}": {"type": "number", "meaning": "x", "default": i} for i in range(5000)}),
        TOO_MANY_VALUES,
    ),
    "parameters of nothing": (lambda: changed(params={f"p{i}": {} for i in range(9000)}), ":1: params.p"),
    "unknown keys": (lambda: changed(**{f"k{i}": 1 for i in range(9000)}), ":1: k0: unknown key 'k0'"),
    "examples without number": (lambda: changed(examples=[ENTRY["examples"][0]] * 1500), ":1: examples: wants at most 100"),
    "steps that are no text": (lambda: changed(remediation=[1] * 19_000), ":1: remediation["),
    "references to nothing": (lambda: changed(references=[{}] * 19_000), ":1: references["),
    "a match of everything": (
        lambda: require(facts="org.domain", match={f"k{i}": "id" for i in range(9000)}, some=TEST),
        ":1: require.match.k0: org.domain has no fact 'k0'",
    ),
    "other resources within each other": (
        lambda: changed(kind="org.domain", require=within_each_other(MAX_ROUNDS + 1)),
        f":1: require: more than {MAX_ROUNDS} kinds looked at in one another",
    ),
    # Characters.
    "a NUL byte": (lambda: changed() + "\0", ":1: not valid YAML: control characters are not allowed (#x0000)"),
    "half a character": (lambda: '"\\ud800": 1', ":1: not valid YAML"),
    "Latin 1": (lambda: "title: é".encode("latin-1"), ": not UTF-8 text (byte 7)"),
    "UTF-16": (lambda: changed().encode("utf-16"), ": not UTF-8 text (byte 0)"),
    # Numbers.
    "a version of a million digits": (lambda: replaced('"version": 1', '"version": ' + "9" * MILLION), ":1: version: "),
    "a version without bound": (
        lambda: replaced('"version": 1', '"version": 1.0e999'),
        ":1: version: Infinity is not a whole number",
    ),
    "a bound of a hundred digits": (lambda: seats(str(10**100)), ":1: require.at_least: "),
    "a bound that is no number": (lambda: seats(".nan"), ':1: require.at_least: ".nan" is not a number'),
    "a count of a hundred digits": (
        lambda: changed(kind="org", require={"count": {"facts": "org.user"}, "at_least": 10**100}),
        ":1: require.at_least: wants a whole number",
    ),
    "a count that is no number": (
        lambda: replaced('"BOUND"', "NaN", kind="org", require={"count": {"facts": "org.user"}, "at_least": "BOUND"}),
        ":1: require.at_least: wants a whole number",
    ),
    "a billion days": (lambda: require(path="created_at", older_than="1000000000 d"), ":1: require.older_than: "),
    "three million digits of days": (
        lambda: require(path="created_at", older_than="9" * 3 * MILLION + " d"),
        ":1: require.older_than: ",
    ),
    "an example that sets a parameter of another type": (
        lambda: changed(
            params={"p": {"type": "number", "meaning": "x", "default": 1}},
            examples=[{**example, "params": {"p": {"a": ["b"]}}} for example in ENTRY["examples"]],
        ),
        ':1: examples[0].params.p: {"a":["b"]} is not a number',
    ),
    "a bound of another type": (
        lambda: with_a_param(type="duration", default="5 d", bound={"at_most": 5}),
        ":1: params.p.bound.at_most: ",
    ),
    # Patterns.
    "a pattern that repeats a repetition": (lambda: matching("a{1000}{1000}"), ":1: require.matches: not a pattern"),
    "a pattern that grows": (lambda: matching("((a{100}){100}){100}"), ":1: require.matches: not a pattern"),
    "a pattern that takes memory": (lambda: matching(r"\pL{400}"), ":1: require.matches: not a pattern: pattern too large"),
    "a pattern that looks around": (lambda: matching("(?=a)b"), ":1: require.matches: not a pattern"),
    "a pattern that looks back": (lambda: matching(r"(a)\1"), ":1: require.matches: not a pattern"),
    "a long pattern": (lambda: matching("a" * 501), ":1: require.matches: a pattern is text of at most 500 characters"),
    "a pattern too many": (
        lambda: require(all=[{"path": "label", "matches": rf"\pL{{40}}{i}"} for i in range(MAX_PATTERNS + 1)]),
        f":1: require: more than {MAX_PATTERNS} patterns",
    ),
    # Text where a name is wanted.
    "a kind of a megabyte": (lambda: changed(kind="org.api_token" * 80_000), ":1: kind: unknown kind 'org.api_token"),
    "a path of a megabyte": (lambda: require(path="status" * 160_000, equals="x"), ":1: require.path: org.api_token has no fact "),
    "a severity of a megabyte": (lambda: changed(severity="high" * 250_000), ":1: severity: "),
    "a parameter of a megabyte": (
        lambda: require(path="label", **{"in": [{"param": "x" * MILLION}]}),
        ":1: require.in[0]: unknown parameter 'xxxxx",
    ),
    "a fact made of conditions": (
        lambda: changed(examples=[{**example, "facts": {"status": nested("all", 15)}} for example in ENTRY["examples"]]),
        ":1: examples[0].facts.status: ",
    ),
    "a hint that colours the terminal": (
        lambda: changed(
            params={"\x1b[31m\n": {"type": "text", "meaning": "x"}}, require={"path": "label", "in": [{"param": "x"}]}
        ).replace("\x1b", "\\u001b"),
        ":1: require.in[0]: unknown parameter 'x'",
    ),
    "an empty file": (lambda: "", ":1: null is not a map"),
    "a list": (lambda: "[]", ":1: [] is not a map"),
}
HARMLESS: dict[str, Content] = {
    "a byte order mark": lambda: codecs.BOM_UTF8 + changed().encode(),
    "four megabytes of comments": lambda: changed() + "\n" + "#\n" * 2 * (MILLION - 1000),
    "three megabytes of text": lambda: changed(rationale="x " * (MILLION + MILLION // 2)),
    "a value of a megabyte": lambda: require(path="status", equals="BLOCKED" * 140_000),
    "twenty conditions deep": lambda: changed(require=nested("all", 19)),
    "thirty-eight times not": lambda: changed(require=nested("not", 38)),
    "as many tests as there may be": lambda: changed(require=wide(1, MAX_TESTS)),
    "as many values as there may be": lambda: require(path="label", **{"in": [f"x{i}" for i in range(10_000)]}),
    "as many patterns as there may be": lambda: require(
        all=[{"path": "label", "matches": rf"\pL{{30}}{i}"} for i in range(MAX_PATTERNS)]
    ),
    "other resources as far within each other as there may be": lambda: changed(
        kind="org.domain",
        require=within_each_other(MAX_ROUNDS),
        examples=[
            {
                **example,
                "facts": {"name": "x"},
                "with": [{"kind": "org.domain", "id": f"d{i}", "facts": {"name": "y"}} for i in range(500)],
            }
            for example in ENTRY["examples"]
        ],
    ),
    "a pattern that backtracks elsewhere": lambda: changed(
        require={"path": "label", "matches": "^(a+)+$"},
        examples=[{**example, "facts": {"label": "a" * 100_000 + "!"}} for example in ENTRY["examples"]],
    ),
    "five hundred suppliers of one resource": lambda: changed(
        examples=[
            {**example, "with": [{"kind": "org.api_token", "id": "x", "facts": {"label": f"l{i}"}} for i in range(500)]}
            for example in ENTRY["examples"]
        ]
    ),
    "a bound beyond any number": lambda: seats("1.0e999"),
    "the first and the last date": lambda: changed(
        require={
            "all": [
                {"path": "expires_at", "within": "90 d", "of": "created_at"},
                {"path": "created_at", "older_than": "90 d"},
                {"path": "expires_at", "newer_than": "90 d"},
            ]
        },
        examples=[{**example, "facts": DATED} for example in ENTRY["examples"]],
    ),
    "dates that are none": lambda: changed(
        require={"path": "created_at", "older_than": "90 d"},
        examples=[{**example, "facts": {"created_at": "10000-13-99T99:99:99Z"}} for example in ENTRY["examples"]],
    ),
    "domains of a megabyte": lambda: changed(
        kind="org.user",
        require={"path": "email", "domain_in": ["ü" * (MILLION // 2)]},
        examples=[{**example, "facts": {"email": "a@" + "x." * (MILLION // 3)}} for example in ENTRY["examples"][:1]] * 2,
    ),
    "a list to hold and as long a default": lambda: changed(
        params={
            "p": {
                "type": "list",
                "meaning": "x",
                "default": [f"x{i}" for i in range(9000)],
                "bound": {"holds": [f"X{i}" for i in range(9000)]},
            }
        }
    ),
}


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "mine" / "x.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(("content", "message"), REFUSED.values(), ids=REFUSED)
def test_it_is_refused_in_one_line_within_a_second(tmp_path: Path, content: Content, message: str) -> None:
    path = written(tmp_path, content())
    start = time.process_time()
    with pytest.raises(InputError) as caught:
        policies.read(path, tmp_path)
    assert time.process_time() - start < SECOND
    for line in (str(caught.value), caught.value.hint or "none"):
        assert line.isprintable()
        assert len(line) < LONGEST_LINE + len(str(path))
    assert str(caught.value).startswith(f"{path}{message}")


@pytest.mark.parametrize("content", HARMLESS.values(), ids=HARMLESS)
def test_it_is_read_and_judged_within_a_second(tmp_path: Path, content: Content) -> None:
    path = written(tmp_path, content())
    start = time.process_time()
    assert list(proofs(policies.read(path, tmp_path)))
    assert time.process_time() - start < SECOND


@pytest.mark.parametrize("operator", ["older_than", "newer_than"])
@pytest.mark.parametrize("is_param", [True, False])
def test_a_time_span_from_before_all_dates_is_judged(tmp_path: Path, operator: str, is_param: bool) -> None:
    span: Any = {"param": "span"} if is_param else "999999 w"
    examples = [
        {"name": "blocked", "verdict": "fail" if operator == "older_than" else "pass", "facts": {"created_at": "2020-01-01"}},
    ]
    params = {"span": {"type": "duration", "meaning": "x", "default": "999999 w"}}
    path = written(tmp_path, changed(params=params, require={"path": "created_at", operator: span}, examples=examples * 2))
    assert [proof.problem for proof in proofs(policies.read(path, tmp_path)) if proof.name == "blocked"] == [None, None]


@pytest.mark.parametrize("relation", [{"exact": True}, ["exact"]])
def test_a_relation_that_is_no_text_is_refused(tmp_path: Path, relation: Any) -> None:  # noqa: ANN401  JSON border
    test = {"path": "email", "domain_in": ["acme.example"], "as": relation}
    with pytest.raises(InputError, match=r"require\.as: unknown relation"):
        policies.read(written(tmp_path, changed(kind="org.user", require=test)), tmp_path)


@pytest.mark.parametrize("command", [("policy", "show", "mine/x"), ("policy", "list"), ("check", "s.ndjson")])
@pytest.mark.parametrize(
    "name", ["aliases that multiply", "a tag that runs code", "ten megabytes", "parameters of nothing", "a kind of a megabyte"]
)
def test_the_program_says_so_and_exits_2(tmp_path: Path, atlascan: Atlascan, command: tuple[str, ...], name: str) -> None:
    content, message = REFUSED[name]
    written(tmp_path, content())
    (tmp_path / "atlascan.yaml").write_text("sites: [{url: 'https://acme.atlassian.net'}]\npolicies: [mine]\n")
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    outcome = atlascan(*command)
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 3 * SECOND  # with the start of the program
    error, *hints = outcome.err.splitlines()
    assert (outcome.code, outcome.out) == (2, "")
    assert error.startswith(f"error: mine/x.yaml{message}")
    assert len(error) < LONGEST_LINE
    assert all(hint.startswith(" hint: ") for hint in hints)
    assert len(hints) <= 1
