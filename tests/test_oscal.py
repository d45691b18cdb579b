"""The OSCAL file conforms to NIST's schema and its references lead somewhere; what is not proven is never satisfied."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from trestle.oscal.assessment_results import Model

from scanner import frameworks
from scanner.model import Finding, Relaxed, Report, Verdict
from scanner.render import oscal
from scanner.render.oscal import MAX_OBSERVATIONS, control_id, render, token
from tests import samples
from tests.interchange import complaints, every_sample, many_report

SCHEMA = "oscal-assessment-results-1.2.1.json"
WORDS = ("fail", "waived", "unknown", "pass", "notapplicable")


def document(report: Report) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(render(report).encode())
    return found


def result(report: Report) -> dict[str, Any]:
    [found] = document(report)["assessment-results"]["results"]
    assert isinstance(found, dict)
    return found


def props(of: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["value"] for each in of["props"]}


def of_policy(report: Report, policy: str) -> dict[str, Any]:
    [found] = [each for each in result(report)["findings"] if props(each).get("policy") == policy]
    assert isinstance(found, dict)
    return found


def of_control(report: Report, framework: str, control: str) -> dict[str, Any]:
    wanted = {"framework": framework, "control-id": control}
    [found] = [each for each in result(report)["findings"] if props(each) == wanted]
    assert isinstance(found, dict)
    return found


def status(report: Report, policy: str) -> tuple[str, str]:
    found = of_policy(report, policy)["target"]["status"]
    return found["state"], found["reason"]


def only(report: Report, policy: str, *verdicts: Verdict) -> Report:
    kept = tuple(each for each in report.findings if each.policy == policy and each.verdict in verdicts)
    return msgspec.structs.replace(report, findings=kept)


def values(of: object, name: str) -> Iterator[str]:
    """Yield all values that a member of that name has, wherever it stands."""
    match of:
        case dict():
            for key, value in of.items():
                if key == name:
                    yield value
                yield from values(value, name)
        case list():
            for each in of:
                yield from values(each, name)


# ------------------------------------------------------------------------------------------------------------ the validators


@every_sample
def test_the_file_conforms_to_nists_schema(sample: Callable[[], Report]) -> None:
    assert complaints(SCHEMA)(document(sample())) == []


@every_sample
def test_compliance_trestle_reads_the_file(sample: Callable[[], Report]) -> None:
    read = Model.model_validate_json(render(sample())).assessment_results
    assert read.metadata.oscal_version.root.root == oscal.VERSION
    assert len(read.results[0].findings or []) == len(result(sample()).get("findings", []))


def test_a_name_with_a_space_is_no_token() -> None:
    found = document(samples.report())
    found["assessment-results"]["results"][0]["findings"][-1]["target"]["target-id"] = "a b"
    assert complaints(SCHEMA)(found)


@every_sample
def test_every_reference_leads_somewhere(sample: Callable[[], Report]) -> None:
    found = document(sample())
    known = [*values(found, "uuid")]
    assert len(known) == len(set(known))
    references = {
        *(each for name in ("observation-uuid", "risk-uuid", "subject-uuid", "actor-uuid") for each in values(found, name))
    }
    assert references <= {*known}
    assert found["assessment-results"]["import-ap"]["href"].removeprefix("#") in known


@every_sample
def test_two_renders_are_the_same_to_the_byte(sample: Callable[[], Report]) -> None:
    assert render(sample()) == render(sample())


def test_another_result_is_another_document_about_the_same_resources() -> None:
    report = samples.report()
    kept = tuple(each for each in report.findings if each.address != "org.access_domain/ANYONE")
    fewer = msgspec.structs.replace(report, findings=kept)
    assert document(report)["assessment-results"]["uuid"] != document(fewer)["assessment-results"]["uuid"]
    [all_, others] = ({*values(result(each)["observations"], "subject-uuid")} for each in (report, fewer))
    assert len(all_ - others) == 1
    assert others < all_


def test_the_time_is_the_snapshots() -> None:
    found = document(samples.report())["assessment-results"]
    assert found["metadata"]["last-modified"] == found["results"][0]["start"] == "2026-06-15T06:04:12Z"


# --------------------------------------------------------------------------------------------------------------- the policies


@every_sample
def test_the_counts_are_those_of_the_report(sample: Callable[[], Report]) -> None:
    report = sample()
    found = result(report)
    counts = sum(report.counts().values(), Counter())
    assert {word: int(props(found)[word]) for word in WORDS} == {word: counts[word] for word in WORDS}
    policies = [props(each) for each in found.get("findings", []) if "policy" in props(each)]
    assert {word: sum(int(each[word]) for each in policies) for word in WORDS} == {word: counts[word] for word in WORDS}


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ((Verdict.PASS,), ("satisfied", "pass")),
        ((Verdict.PASS, Verdict.NOTAPPLICABLE), ("satisfied", "pass")),
        ((Verdict.PASS, Verdict.UNKNOWN), ("not-satisfied", "other")),
        ((Verdict.PASS, Verdict.UNKNOWN, Verdict.FAIL), ("not-satisfied", "fail")),
        ((Verdict.NOTAPPLICABLE,), ("not-satisfied", "other")),
        ((), ("not-satisfied", "other")),
    ],
)
def test_a_policy_is_satisfied_only_if_it_was_judged_and_passes(verdicts: tuple[Verdict, ...], expected: tuple[str, str]) -> None:
    assert status(only(samples.report(), samples.PUBLIC_SIGNUP, *verdicts), samples.PUBLIC_SIGNUP) == expected


def test_a_waiver_does_not_make_a_policy_satisfied() -> None:
    report = samples.report()
    waived = tuple(
        each for each in report.findings if each.waiver or (each.policy == samples.INVITES and each.verdict is Verdict.PASS)
    )
    assert status(msgspec.structs.replace(report, findings=waived), samples.INVITES) == ("not-satisfied", "fail")


def test_a_relaxed_policy_is_not_satisfied_and_claims_no_control() -> None:
    report = only(samples.report(), samples.PUBLIC_SIGNUP, Verdict.PASS)
    relaxed = tuple(msgspec.structs.replace(each, relaxed=(Relaxed(param="p", value=1, bound="0"),)) for each in report.policies)
    report = msgspec.structs.replace(report, policies=relaxed)
    assert status(report, samples.PUBLIC_SIGNUP) == ("not-satisfied", "other")
    assert "control" not in props(of_policy(report, samples.PUBLIC_SIGNUP))


def test_a_finding_names_the_controls_that_its_policy_serves() -> None:
    found = [each for each in of_policy(samples.report(), samples.PUBLIC_SIGNUP)["props"] if each["name"] == "control"]
    assert {each["value"] for each in found if each["class"] == "nist-800-53-r5"} == {"ac-2", "ac-3", "ia-8"}


# --------------------------------------------------------------------------------------------------------------- the controls


def test_every_control_that_is_claimed_was_reviewed_and_has_a_finding() -> None:
    report = samples.report()
    selections = result(report)["reviewed-controls"]["control-selections"]
    view = frameworks.view(report)
    assert [props(each)["framework"] for each in selections] == [each.id for each in view]
    assert [len(each["include-controls"]) for each in selections] == [each.covered for each in view]
    controls = [each for each in result(report)["findings"] if "control-id" in props(each)]
    assert len(controls) == sum(each.covered for each in view)


@pytest.mark.parametrize("framework", [each.id for each in frameworks.view(samples.report())])
def test_a_control_is_as_satisfied_as_the_frameworks_view_says(framework: str) -> None:
    expected = {
        "satisfied": ("satisfied", "pass"),
        "not-satisfied": ("not-satisfied", "fail"),
        "not-verified": ("not-satisfied", "other"),
    }
    [view] = [each for each in frameworks.view(samples.report()) if each.id == framework]
    for control in view.controls:
        if control.state.value in expected:
            found = of_control(samples.report(), framework, control.id)["target"]["status"]
            assert (found["state"], found["reason"]) == expected[control.state.value]


def test_where_no_control_was_reviewed_none_is_said_to_be() -> None:
    [selection] = result(samples.empty_report())["reviewed-controls"]["control-selections"]
    assert selection == {"description": "No control was reviewed.", "include-controls": [{"control-id": "_none"}]}


@pytest.mark.parametrize(
    ("framework", "control", "id_"),
    [
        ("nist-800-53-r5", "AC-2", "ac-2"),
        ("nist-800-53-r5", "AC-2(11)", "ac-2.11"),
        ("iso-27001-2022", "A.5.15", "A.5.15"),
        ("soc-2", "CC6.1", "CC6.1"),
        ("cis-v8", "6.1", "cis-v8-6.1"),
    ],
)
def test_a_control_goes_by_the_id_of_its_catalog_where_that_is_a_token(framework: str, control: str, id_: str) -> None:
    assert control_id(framework, control) == id_


@pytest.mark.parametrize("text", [*samples.HOSTILE, "", "1", "-", ".", "a" * 1_000, "\ud800"])
def test_any_text_makes_a_token(text: str) -> None:
    assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9._-]{0,200}", token(text))


# ----------------------------------------------------------------------------------------------------- observations and risks


def observation(report: Report, address: str) -> dict[str, Any]:
    items = result(report)["local-definitions"]["inventory-items"]
    [item] = [each["uuid"] for each in items if props(each)["asset-id"] == address]
    [found] = [
        each
        for each in result(report)["observations"]
        if "verdict" in props(each) and [subject["subject-uuid"] for subject in each.get("subjects", [])] == [item]
    ]
    assert isinstance(found, dict)
    return found


def test_what_fails_is_observed_with_its_evidence() -> None:
    found = observation(samples.report(), "jsm.customer_permissions/acme/HR")
    assert found["description"] == "People (HR): anyone can make themselves a customer here (jsm.customer_permissions/acme/HR)."
    assert found["methods"] == ["TEST"]
    assert [each["description"] for each in found["relevant-evidence"]] == [
        "desk_kind = closed (undocumented)",
        "public_signup = true (undocumented)",
        "open_access = true (undocumented)",
    ]


@pytest.mark.parametrize(
    ("address", "method"),
    [("org.user_invites/jira", "INTERVIEW"), ("org.access_domain/ANYONE", "TEST"), ("org.user_invites", "UNKNOWN")],
)
def test_the_method_tells_who_looked(address: str, method: str) -> None:
    assert observation(samples.report(), address)["methods"] == [method]


def test_an_attestation_is_an_interview_until_it_expires() -> None:
    found = [each for each in result(samples.report())["observations"] if "attestation" in each["types"]]
    assert len(found) == len(samples.report().attestations)
    assert {(each["methods"][0], each["collected"]) for each in found} == {("INTERVIEW", "2026-03-02T00:00:00Z")}
    assert Counter((each["expires"], props(each)["counted"]) for each in found) == {
        ("2026-09-30T23:59:59Z", "yes"): 3,
        ("2026-06-01T23:59:59Z", "no"): 1,
    }


def test_gaps_are_observed_by_kind_and_reason() -> None:
    found = [props(each) for each in result(samples.report())["observations"] if "gap" in each["types"]]
    assert sum(int(each["count"]) for each in found) == len(samples.report().gaps)
    assert {(each["kind"], each["reason"]) for each in found} == {(gap.kind, gap.reason.value) for gap in samples.report().gaps}


def test_what_fails_is_an_open_risk_with_what_to_do() -> None:
    [risk] = [each for each in result(samples.report())["risks"] if props(each)["policy"] == samples.PUBLIC_SIGNUP]
    assert (risk["status"], risk["statement"]) == ("open", "1 fail.")
    [advice] = risk["remediations"]
    assert advice["lifecycle"] == "recommendation"
    assert advice["description"].startswith("1. Open the service project")
    assert {"risk-uuid": risk["uuid"]} in of_policy(samples.report(), samples.PUBLIC_SIGNUP)["related-risks"]


def test_a_waiver_is_an_approved_deviation_until_it_expires() -> None:
    [risk] = [each for each in result(samples.report())["risks"] if each["status"] == "deviation-approved"]
    assert risk["deadline"] == "2026-07-31T23:59:59Z"
    assert props(risk) == {
        "policy": samples.INVITES,
        "owner": "platform@acme.example",
        "approved-by": "dana@acme.example",
        "ticket": "SEC-412",
        "count": "1",
    }
    assert {"risk-uuid": risk["uuid"]} in of_policy(samples.report(), samples.INVITES)["related-risks"]


def test_very_many_findings_are_observed_one_by_one_only_as_far_as_that_is_useful() -> None:
    report = many_report()
    found = document(report)
    assert complaints(SCHEMA)(found) == []
    assert Model.model_validate_json(json.dumps(found)).assessment_results.results
    observations = [props(each) for each in found["assessment-results"]["results"][0]["observations"] if "verdict" in props(each)]
    assert len(observations) <= MAX_OBSERVATIONS
    observed: Counter[str] = Counter()
    for each in observations:
        observed[each["verdict"]] += int(each.get("count", "1"))
    counts = sum(report.counts().values(), Counter())
    assert observed == {word: counts[word] for word in ("fail", "waived", "unknown")}


def test_the_same_thing_twice_is_observed_twice() -> None:
    failing: Finding = next(each for each in samples.report().findings if each.word == "fail")
    found = result(msgspec.structs.replace(samples.report(), findings=(failing, failing)))
    assert sum("verdict" in props(each) for each in found["observations"]) == 2
