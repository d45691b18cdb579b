"""What the tests of formats for other people's programs share: reports that try everything, and the published schemas."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest

from scanner.model import Finding, Report
from tests import samples

SCHEMAS = Path(__file__).with_name("schemas")
MEGABYTE = "long name " * 100_000
HALVES = "half \ud800 of a pair \udfff"


def odd_report() -> Report:
    """Return a report in which everything that others may name is a megabyte long, or no text that UTF-8 can hold."""
    report = samples.hostile_report()
    replace = msgspec.structs.replace
    return replace(
        report,
        profile=HALVES,
        snapshot=replace(report.snapshot, id=HALVES, recorded=MEGABYTE),
        policies=tuple(replace(each, title=MEGABYTE, rationale=HALVES, remediation=(HALVES, MEGABYTE)) for each in report.policies),
        findings=tuple(_odd(each, _odd_text(number)) for number, each in enumerate(report.findings)),
        gaps=tuple(replace(each, detail=MEGABYTE, hint=HALVES, id=HALVES) for each in report.gaps),
        attestations=tuple(replace(each, address=HALVES, attested_by=MEGABYTE, evidence=HALVES) for each in report.attestations),
        gate=replace(report.gate, because=HALVES),
    )


SAMPLES = [samples.report, samples.compared_report, samples.hostile_report, odd_report, samples.empty_report]

every_sample = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.__name__)


def many_report() -> Report:
    return samples.many_report(100_000)


@cache
def complaints(schema: str) -> Callable[[Any], list[str]]:
    """Return what tells in which places a document does not conform to one of the published schemas."""
    validator = jsonschema_rs.validator_for(json.loads((SCHEMAS / schema).read_text(encoding="utf-8")), validate_formats=True)
    return lambda document: [f"{error.instance_path}: {error.message}"[:300] for error in validator.iter_errors(document)]


# ---------------------------------------------------------------------------------------------------------------- private


def _odd_text(number: int) -> str:
    """Return a long text for the first eight findings, in which each verdict is, and what is waived."""
    return MEGABYTE if number < 8 else (HALVES, "")[number // 4 % 2]


def _odd(finding: Finding, text: str) -> Finding:
    waiver = finding.waiver and msgspec.structs.replace(finding.waiver, reason=text, owner=text, approved_by=text, ticket=text)
    return msgspec.structs.replace(
        finding,
        address=f"{finding.address}{text}",
        name=text,
        message=text,
        hint=text,
        waiver=waiver,
        severity_because=text,
        evidence=tuple(msgspec.structs.replace(each, path=text, value=text) for each in finding.evidence),
        clauses=tuple(msgspec.structs.replace(each, path=text, actual=text, wanted=text) for each in finding.clauses),
    )
