"""The JSON result says everything, says it by its schema, and is read back as the same report, or refused as what it is."""

import json
import math
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from scanner import documents, results
from scanner.errors import InputError
from scanner.model import Evidence, Finding, Gap, Reason, Report, Severity, Source, Verdict
from scanner.render import formats
from scanner.render.json import FORMAT, VERSION, render
from tests import samples

SAMPLES = [samples.report, samples.compared_report, samples.hostile_report, samples.empty_report]
Break = Callable[[Any], object]

every_sample = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.__name__)


def document(report: Report) -> Any:  # noqa: ANN401  JSON border
    return json.loads(render(report))


def parsed(value: object) -> Report:
    return results.parse(json.dumps(value).encode(), "result.json")


# --------------------------------------------------------------------------------------------------------------- writing


@every_sample
def test_a_result_is_what_its_schema_promises(sample: Callable[[], Report]) -> None:
    schema = documents.schema("result")
    Draft202012Validator.check_schema(schema)
    assert list(Draft202012Validator(schema).iter_errors(document(sample()))) == []


def test_the_schema_knows_every_word_of_the_model() -> None:
    words = documents.schema("result")["$defs"]
    assert words["severity"]["enum"] == [*Severity]
    assert words["source"]["enum"] == [*Source]
    assert words["reason"]["enum"] == [*Reason]
    finding = documents.schema("result")["properties"]["findings"]["items"]["properties"]
    assert sorted(finding["verdict"]["enum"]) == sorted(Verdict)


def test_the_schema_lets_no_unknown_key_in_anywhere() -> None:
    def open_objects(schema: object, at: str) -> list[str]:
        children = schema.items() if isinstance(schema, dict) else enumerate(schema) if isinstance(schema, list) else ()
        found = [each for key, child in children for each in open_objects(child, f"{at}/{key}")]
        is_open = isinstance(schema, dict) and schema.get("type") == "object" and "additionalProperties" not in schema
        return [*found, at] if is_open else found

    assert open_objects(documents.schema("result"), "") == []


@every_sample
def test_the_summary_agrees_with_the_findings(sample: Callable[[], Report]) -> None:
    report = sample()
    summary = document(report)["summary"]
    by_policy = summary.pop("policies")
    verdicts = Counter(finding.verdict for finding in report.findings)
    waived = sum(finding.waiver is not None for finding in report.findings)
    assert summary == {
        "findings": len(report.findings),
        "judged": verdicts[Verdict.FAIL] + verdicts[Verdict.PASS],
        "fail": verdicts[Verdict.FAIL] - waived,
        "waived": waived,
        "unknown": verdicts[Verdict.UNKNOWN],
        "pass": verdicts[Verdict.PASS],
        "notapplicable": verdicts[Verdict.NOTAPPLICABLE],
    }
    assert list(by_policy) == [policy.id for policy in report.policies]
    assert {policy: counts["findings"] for policy, counts in by_policy.items()} == {
        policy.id: len(report.of(policy.id)) for policy in report.policies
    }
    for word, number in summary.items():
        assert sum(counts[word] for counts in by_policy.values()) == number


def test_keys_stand_in_a_fixed_order_and_none_is_left_out() -> None:
    result = document(samples.report())
    assert list(result) == list(documents.schema("result")["properties"])
    wanted = list(documents.schema("result")["properties"]["findings"]["items"]["properties"])
    assert {tuple(finding) for finding in result["findings"]} == {tuple(wanted)}
    snapshot = documents.schema("result")["properties"]["snapshot"]["properties"]
    assert list(result["snapshot"]) == list(snapshot)
    assert {tuple(each) for each in result["snapshot"]["endpoints"]} == {tuple(snapshot["endpoints"]["items"]["properties"])}


def test_a_result_is_indented_utf_8_that_ends_its_last_line() -> None:
    text = render(samples.report())
    assert text.startswith('{\n  "format": "atlascan/result",\n  "version": 1,\n')
    assert text.endswith("\n}\n")
    assert "خدمة الميدان" in text


def test_a_number_that_json_cannot_say_is_null() -> None:
    evidence = Evidence(path="ratio", value=[math.inf, math.nan, 0.5], source=Source.API)
    finding = msgspec.structs.replace(samples.report().findings[0], evidence=(evidence,))
    report = msgspec.structs.replace(samples.report(), findings=(finding,))
    assert document(report)["findings"][0]["evidence"][0]["value"] == [None, None, 0.5]


# ------------------------------------------------------------------------------------------------------------ and reading


@every_sample
def test_a_result_is_read_back_as_the_same_report(sample: Callable[[], Report], tmp_path: Path) -> None:
    file = tmp_path / "result.json"
    file.write_text(render(sample()), encoding="utf-8")
    assert results.load(file) == sample()


def test_a_result_from_before_endpoints_were_counted_is_read_as_naming_none() -> None:
    older = document(samples.report())
    del older["snapshot"]["endpoints"]
    header = msgspec.structs.replace(samples.report().snapshot, endpoints=())
    assert parsed(older) == msgspec.structs.replace(samples.report(), snapshot=header)


@every_sample
def test_every_format_can_be_made_of_a_result(sample: Callable[[], Report]) -> None:
    again = parsed(document(sample()))
    for name in ("text", "json", "junit"):
        assert formats.load(name)(again) == formats.load(name)(sample())


def test_writer_and_reader_mean_the_same_format() -> None:
    assert (FORMAT, VERSION) == (results.FORMAT, results.VERSION)


_text = st.text(st.characters(), max_size=12)
_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=6,
)
_findings = st.builds(
    Finding,
    policy=st.just(samples.INVITES),
    address=_text,
    name=_text,
    verdict=st.sampled_from(Verdict),
    severity=st.sampled_from(Severity),
    message=_text,
    severity_because=st.none() | _text,
    evidence=st.lists(st.builds(Evidence, path=_text, value=_values, source=st.sampled_from(Source)), max_size=2).map(tuple),
    source=st.none() | st.sampled_from(Source),
    reason=st.none() | st.sampled_from(Reason),
    hint=st.none() | _text,
)
_gaps = st.builds(
    Gap, kind=_text, reason=st.sampled_from(Reason), detail=_text, hint=_text, parent=st.none() | _text, id=st.none() | _text
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.lists(_findings, max_size=3).map(tuple),
    st.lists(_gaps, max_size=2).map(tuple),
    st.datetimes(datetime(1990, 1, 1), datetime(2900, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  hypothesis wants bounds without a zone
)
def test_whatever_a_report_holds_survives(findings: tuple[Finding, ...], gaps: tuple[Gap, ...], taken_at: datetime) -> None:
    report = samples.report()
    header = msgspec.structs.replace(report.snapshot, taken_at=taken_at)
    report = msgspec.structs.replace(report, findings=findings, gaps=gaps, snapshot=header)
    assert results.parse(render(report).encode(), "result.json") == report


# ----------------------------------------------------------------------------------------------------------- what is refused


def _set(*path: str | int, to: object) -> Break:
    def change(value: Any) -> None:  # noqa: ANN401  JSON border
        for step in path[:-1]:
            value = value[step]
        value[path[-1]] = to

    return change


def _nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


BROKEN: dict[str, tuple[Break, str]] = {
    "not a result": (_set("format", to="junit"), "$: this is no result of atlascan"),
    "a version to come": (_set("version", to=2), "$.version: this atlascan reads version 1, not 2"),
    "a version that is no number": (_set("version", to=True), "$.version: this atlascan reads version 1, not True"),
    "a version that is a list": (_set("version", to=[1]), "$.version: this atlascan reads version 1, not that"),
    "an unknown key": (_set("findings", 1, "color", to="red"), "$.findings[1].color: unknown key 'color'"),
    "a missing key": (lambda value: value["gate"].pop("because"), "$.gate: the key 'because' is missing"),
    "an unknown verdict": (_set("findings", 0, "verdict", to="maybe"), '$.findings[0].verdict: "maybe" is not one of'),
    "a wrong type": (_set("snapshot", "target", "sites", "a.b", to=1), '$.snapshot.target.sites["a.b"]: 1 is not text'),
    "a day that is none": (_set("waivers", 0, "expires", to="2026-02-30"), '$.waivers[0].expires: "2026-02-30" is not a date'),
    "a moment that is none": (_set("snapshot", "taken_at", to="2026-13-01T00:00:00Z"), "$.snapshot.taken_at"),
    "a moment without a zone": (_set("snapshot", "taken_at", to="2026-06-01T00:00:00"), "$.snapshot.taken_at"),
    "time that runs backwards": (_set("snapshot", "endpoints", 0, "seconds", to=-1), "$.snapshot.endpoints[0].seconds: "),
    "an endpoint that says too much": (_set("snapshot", "endpoints", 1, "url", to="x"), "$.snapshot.endpoints[1].url: unknown key"),
    "an exit code of another program": (_set("gate", "exit_code", to=139), "$.gate.exit_code: 139 is not one of 0, 1, 3"),
    "a policy given twice": (lambda value: value["policies"].append(value["policies"][0]), "$.policies[5].id"),
    "a finding of no policy": (_set("findings", 2, "policy", to="access/x"), "$.findings[2].policy: there is no policy 'access/x'"),
    "half a surrogate pair": (_set("findings", 0, "verdict", to="\ud800"), "$.findings[0].verdict: "),
    "too deep": (_set("findings", 0, "evidence", 0, "value", to=_nested(results.MAX_DEPTH)), "nested more than 100 deep"),
}


@pytest.mark.parametrize(("break_it", "complaint"), BROKEN.values(), ids=BROKEN)
def test_a_broken_result_is_refused_with_its_place(break_it: Break, complaint: str) -> None:
    value = document(samples.report())
    break_it(value)
    with pytest.raises(InputError) as refused:
        parsed(value)
    assert str(refused.value).startswith("result.json: ")
    assert complaint in str(refused.value)


NOT_JSON: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "result.json:1: not valid JSON"),
    "a page": (b"<html>", "result.json:1: not valid JSON"),
    "cut short": (render(samples.report()).encode()[:-10], "not valid JSON"),
    "another encoding": ("größer".encode("latin-1"), "not UTF-8 text (byte 2)"),
    "a list": (b"[]", "$: this is no result of atlascan"),
    "a key given twice": (b'{"format": 1, "format": 2}', "the key 'format' is given twice"),
    "not a number": (b'{"format": NaN}', "NaN is not a number"),
    "a number out of range": (b'{"format": 1e999}', "1e999 is out of range"),
    "a number of many digits": (b'{"format": ' + b"9" * 10_000 + b"}", "not acceptable JSON"),
    "bottomless": (b"[" * 1_000_000, "nested more than 100 deep"),
}


@pytest.mark.parametrize(("content", "complaint"), NOT_JSON.values(), ids=NOT_JSON)
def test_what_is_no_json_is_refused(content: bytes, complaint: str) -> None:
    with pytest.raises(InputError) as refused:
        results.parse(content, "result.json")
    assert complaint in str(refused.value)
    assert refused.value.hint


def test_a_file_that_is_missing_is_an_error_for_a_person(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: No such file"):
        results.load(tmp_path / "result.json")


def test_a_file_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "MAX_BYTES", 1024 * 1024)
    file = tmp_path / "result.json"
    file.write_bytes(b" " * (1024 * 1024 + 1))
    with pytest.raises(InputError, match="larger than 1 MiB") as refused:
        results.load(file)
    assert refused.value.hint
