"""Policy files made up at random, valid, nearly valid and not at all: they are refused with an InputError, or they can be judged.

`python -m tests.fuzz --minutes 10` tries as many as it can in that time, and prints how many and what went wrong.
"""

import argparse
import itertools
import json
import os
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from scanner import documents, evaluate, lint, policies, snapshots
from scanner.cli.proof import proofs
from scanner.documents import Path_
from scanner.errors import InputError
from scanner.kinds import DECLARED, KINDS
from scanner.model import Coverage, Gap, Header, Policy, Reason, Record, Resource, Rule, Snapshot, Source, Target, sort_key
from scanner.shipped import shipped
from tests import trees
from tests.mutants import GONE, Edit, edited

Strategy = st.SearchStrategy[Any]
LONGEST_LINE = 500
# What a reader, a compiler or a judge might stumble over.
ODD: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        1,
        0.5,
        10**17,
        -(10**17),
        1.7e308,
        5e-324,
        "",
        " ",
        "x",
        "é",
        "\x1b[31m",
        "a\nb",
        "\u202e",
        "\U0001f600",
    ),
    *(
        "0 d",
        "999999 w",
        "999999 h",
        "٣ d",
        "1d",
        "0001-01-01",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2026-02-30",
    ),
    *("(a+)+$", "[", "a{1000}", r"\pL{99}", "(?i)x|", "*.example", "xn--", "xn--zzzzzz", "a@b@c", "@", ".", "ü" * 70, "x" * 600),
    *(
        "{",
        "}",
        "{}",
        "{id}",
        "{name}",
        "{param}",
        "__class__",
        "f",
        "t",
        "UNSET",
        "None",
        "class",
        "id",
        "site",
        "project",
        "path",
    ),
    *(
        [],
        {},
        [[]],
        [{}],
        [None],
        {"": 1},
        {"a": {"b": []}},
        {"param": "p"},
        {"param": []},
        {"facts": "org"},
        {"facts": "org.user", "path": "id"},
    ),
    *(
        {"path": "id", "equals": "x"},
        {"path": "id", "null": False},
        {"readable": "org.event"},
        {"not": {"path": "id", "empty": True}},
    ),
    *({"count": {"facts": "org.user"}, "at_least": 1}, {"all": []}, {"first_known": [{"path": "id", "null": True}]}),
)
# Keys of a policy that make its verdicts.
JUDGING = ("where", "require", "settled_by", "severity", "params")
WORDS = (
    *(
        "path",
        "facts",
        "match",
        "where",
        "count",
        "all",
        "any",
        "not",
        "first_known",
        "readable",
        "as",
        "of",
        "percent_of",
        "param",
    ),
    *(
        "some",
        "every",
        "none",
        "equals",
        "not_equals",
        "in",
        "not_in",
        "contains",
        "excludes",
        "subset_of",
        "matches",
        "null",
        "empty",
    ),
    *(
        "at_least",
        "at_most",
        "older_than",
        "newer_than",
        "within",
        "domain_in",
        "domain_not_in",
        "type",
        "default",
        "bound",
        "holds",
    ),
    *("gone", "with", "id", "gap", "verdict", "severity", "params", "fix", "kind", "to", "when", "because", "raise", "", "\n"),
)
MARKS = (
    "\0",
    "\t",
    "\r",
    "\n",
    "- ",
    ": ",
    "? ",
    "[",
    "]",
    "{",
    "}",
    "&a ",
    "*a",
    "!!set ",
    "|",
    ">",
    "'",
    '"',
    "#",
    "%",
    "---\n",
    "\ufeff",
    "~",
    ".",
)
MOMENTS = (
    datetime(2026, 6, 15, 12, tzinfo=UTC),
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(2000, 2, 29, tzinfo=UTC),
    datetime(2999, 12, 31, 23, 59, tzinfo=UTC),
)
TODAY = date(2026, 6, 15)
SHIPPED = tuple(sorted(file for file in shipped("policies").rglob("*.yaml") if file.parent.name != "profiles"))


# ------------------------------------------------------------------------------------------------------------------ drawing


@st.composite
def contents(draw: st.DrawFn) -> bytes:
    """Draw the content of a policy file."""
    match draw(st.integers(0, 9)):
        case 0:
            return draw(st.binary(max_size=200))
        case 1 | 2 | 3:
            return _spoiled_text(draw, draw(st.sampled_from(SHIPPED)).read_text()).encode()
        case 4 | 5:
            entry = documents.load(draw(st.sampled_from(SHIPPED))).value
            return json.dumps(_spoiled(draw, entry, draw(st.integers(1, 4))), ensure_ascii=False).encode()
        case _:
            return json.dumps(_spoiled(draw, draw(entries()), draw(st.sampled_from((0, 0, 1, 2)))), ensure_ascii=False).encode()


# Made once: making a strategy takes longer than drawing from it.
_conditions, _resources = cache(trees.conditions), cache(trees.resources)
_OTHERS = tuple(tuple(sorted(KINDS))[first::6] for first in range(6))


@st.composite
def entries(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a policy of any kind that is as it should be, though its examples may not come out as they say."""
    kind = draw(st.sampled_from(sorted(KINDS)))
    condition = _conditions(kind, others=draw(st.sampled_from(_OTHERS)))
    steps = [{"to": "high", "because": "it is open", "when": draw(condition)}]
    facts = [name for name in KINDS[kind].facts if name not in DECLARED]
    entry: dict[str, Any] = {
        "version": 1,
        "title": "As it is wanted",
        "severity": draw(st.sampled_from(["low", {"default": "low", "raise": steps}])),
        "kind": kind,
        "require": draw(condition),
        "failure": "it is otherwise",
        "params": {"p": {"type": "duration", "meaning": "a span", "default": "90 d"}, "q": {"type": "list", "meaning": "words"}},
        "rationale": "Because it matters a lot.",
        "remediation": ["Change it."],
        "console": "https://admin.atlassian.com",
        "controls": {"iso-27001-2022": ["A.5.15"], "nist-800-53-r5": False, "soc-2": False, "cis-v8": False},
        "references": ["https://support.atlassian.com"],
        "evidence": draw(st.lists(st.sampled_from(facts), max_size=2, unique=True)),
        "examples": draw(st.lists(_example(kind), min_size=2, max_size=3)),
    }
    more = {"where": condition, "settled_by": condition, "fix": st.just({"gone": True})}
    return entry | {key: draw(strategy) for key, strategy in more.items() if draw(st.booleans())}


@st.composite
def _example(draw: st.DrawFn, kind: str) -> dict[str, Any]:
    verdict = draw(st.sampled_from(["pass", "fail", "unknown", "notapplicable"]))
    if draw(st.integers(0, 4)) == 0:
        return {"name": "not read", "verdict": verdict, "gap": "forbidden"}
    return {"name": "made up", "verdict": verdict, "id": "acme/A", "facts": draw(_resources(kind, odd=False))}


def _spoiled(draw: st.DrawFn, value: Any, times: int) -> Any:  # noqa: ANN401  whatever YAML holds
    """Return a value with some places in it changed, most of them somewhere deep."""
    for _ in range(times):
        places: list[Path_] = [at for at in _places(value) if at]
        judging: list[Path_] = [at for at in places if at[0] in JUDGING]
        limits: list[Path_] = [at for at in judging if _form(_at(value, at)) in _LIMITS]
        preferred = draw(st.sampled_from([each for each in (limits, judging, judging, places) if each]))
        at = draw(st.sampled_from(preferred))
        there = _at(value, at)
        match draw(st.integers(0, 4)):
            case 0:
                new: Any = GONE
            case 1 if isinstance(there, dict):
                at, new = (*at, draw(st.sampled_from(WORDS))), draw(st.sampled_from(ODD))
            case 2:
                new = _at(value, draw(st.sampled_from(places)))
            case _:
                new = draw(st.sampled_from([each for each in ODD if _form(each) == _form(there)] or ODD))
        value = edited(value, Edit(at, "", new))
    return value


# Forms of what a fact is measured by.
_LIMITS = ((str, True), (int, False), (float, False))


def _form(value: Any) -> tuple[type, bool]:  # noqa: ANN401  whatever YAML holds
    """Return what has to be the same of two values that are alike; dates and time spans begin with a digit."""
    return type(value), isinstance(value, str) and value[:1].isdecimal()


def _places(value: Any, at: Path_ = ()) -> Iterator[Path_]:  # noqa: ANN401  whatever YAML holds
    yield at
    steps: dict[str, Any] | dict[int, Any] = (
        value if isinstance(value, dict) else dict(enumerate(value)) if isinstance(value, list) else {}
    )
    for step, inner in steps.items():
        yield from _places(inner, (*at, step))


def _at(value: Any, at: Path_) -> Any:  # noqa: ANN401  whatever YAML holds
    for step in at:
        value = value[step]
    return value


def _spoiled_text(draw: st.DrawFn, text: str) -> str:
    """Return a text with pieces of it cut, doubled, or replaced."""
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.sampled_from((0, 1, 2, 8, 80))))
        new = draw(st.one_of(st.sampled_from(MARKS), st.just(text[start:end] * 2), st.sampled_from(WORDS), st.text(max_size=3)))
        text = text[:start] + new + text[end:]
    return text


_IDS = st.sampled_from(("acme/A", "acme/B", "x", "ANYONE"))


@st.composite
def records(draw: st.DrawFn, policy: Policy) -> list[Record]:
    """Draw what a snapshot may hold of the kinds that a policy looks at: facts right, wrong or missing, and gaps."""
    drawn: list[Record] = []
    for kind in sorted({policy.kind, *evaluate.referred(policy)}):
        for id_, source in draw(st.lists(st.tuples(_IDS, st.sampled_from(list(Source))), max_size=3, unique=True)):
            facts = draw(_resources(kind, odd=True))
            for name in draw(st.lists(st.sampled_from(sorted(KINDS[kind].facts)), max_size=2)):
                facts[name] = draw(st.sampled_from((*ODD, 10**30)))
            drawn.append(Resource(kind=kind, id=id_, name=id_, facts=facts, source=source))
        if draw(st.integers(0, 3)) == 0:
            reason = draw(st.sampled_from(list(Reason)))
            drawn.append(Gap(kind=kind, reason=reason, detail="not read", id=draw(st.sampled_from((None, "acme/A")))))
    return drawn


# ------------------------------------------------------------------------------------------------------------------- trying


def tried(content: bytes, folder: Path) -> Policy | None:
    """Return what is read of a policy file, or None where it is refused as it should be."""
    file = folder / "mine" / "x.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content)
    policy, refusal = _read(file, folder)
    complaints = _complaints(file)
    for error in (*([refusal] if refusal else []), *complaints):
        _check_error(error)
    assert bool(complaints) == bool(refusal), f"read and linted differently: {refusal}, {complaints}"
    if policy is None:
        return None
    for problem in lint.lint(policy, documents.load(file), TODAY):
        assert problem.message.isprintable()
    return policy


def judge(policy: Policy, found: list[Record], as_of: datetime, folder: Path) -> None:
    """Judge a policy in all ways there are; those that must agree are held against each other."""
    assert list(proofs(policy))
    coverage = tuple(
        Coverage(kind=kind, requests=1, resources=1, gaps=0, complete=True) for kind in {policy.kind, *evaluate.referred(policy)}
    )
    header = Header(id="0", taken_at=as_of, tool="fuzz", target=Target(org=None, sites={}), coverage=coverage)
    ordered = sorted(found, key=sort_key)
    rule = Rule(policy, policy.severity, policies.effective_params(policy, {}, {}))
    msgspec.json.encode(policies.judged(rule))
    evaluate.needs([rule])
    snapshots.write(str(folder / "s.ndjson"), header, ordered)
    in_memory, on_disk = Snapshot(header, lambda: ordered), snapshots.load(str(folder / "s.ndjson"))
    assert _verdicts(rule, in_memory) == _verdicts(rule, on_disk)
    for explanation in evaluate.explain(rule, "acme/A", on_disk, _undeclared):
        msgspec.json.encode(explanation.finding)


def _verdicts(rule: Rule, snapshot: Snapshot) -> list[tuple[str, str, str]]:
    findings = list(evaluate.evaluate([rule], snapshot, _undeclared))
    msgspec.json.encode(findings)
    return sorted((finding.address, finding.verdict.value, finding.severity.value) for finding in findings)


def _undeclared(_kind: str, _id: str, facts: dict[str, Any]) -> dict[str, Any]:
    return facts


def _read(file: Path, folder: Path) -> tuple[Policy | None, InputError | None]:
    try:
        return policies.read(file, folder), None
    except InputError as error:
        return None, error


def _complaints(file: Path) -> list[InputError]:
    try:
        return list(policies.complaints(documents.load(file, "policy")))
    except InputError as error:
        return [error]


def _check_error(error: InputError) -> None:
    for line in (str(error), error.hint or "none"):
        assert line.isprintable(), f"more than one line: {line!r}"
        assert len(line) < LONGEST_LINE, f"a long line: {line!r}"


# ----------------------------------------------------------------------------------------------------------------- counting


def rounds(number: int, counts: Counter[str]) -> Callable[..., None]:
    """Return what tries so many random files, and counts those that were read and those that were refused."""

    @settings(
        max_examples=number,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def run(data: st.DataObject) -> None:
        with tempfile.TemporaryDirectory() as folder:
            policy = tried(data.draw(contents()), Path(folder))
            counts["refused" if policy is None else "read and judged"] += 1
            if policy is not None:
                judge(policy, data.draw(records(policy)), data.draw(st.sampled_from(MOMENTS)), Path(folder))

    return run


def main() -> int:
    """Try random policy files for some minutes; return 1 if any went wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    counts, wrong, end = Counter[str](), Counter[str](), time.monotonic() + 60 * chosen.minutes
    with mock.patch.object(os, "fsync"):  # thousands of little files need not reach the disk
        for number in itertools.count(chosen.seed):
            if time.monotonic() > end:
                break
            wrong.update(_wrong(number, counts))
    sys.stdout.write(f"{dict(counts)}; {len(wrong)} went wrong\n")
    sys.stdout.writelines(f"  {count} times: {what}\n" for what, count in wrong.items())
    return 1 if wrong else 0


def _wrong(number: int, counts: Counter[str]) -> list[str]:
    """Return what goes wrong in a round, if anything does, and print it in full."""
    try:
        seed(number)(rounds(300, counts))()
    except Exception as error:  # noqa: BLE001  whatever it is, it is what is looked for
        traceback.print_exc()
        where = traceback.extract_tb(error.__traceback__)[-1]
        return [f"{type(error).__name__} in {Path(where.filename).name}, {where.name}"]
    return []


if __name__ == "__main__":
    sys.exit(main())
