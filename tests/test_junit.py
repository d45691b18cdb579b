"""The JUnit file passes the published schemas, and says to each reader what that reader shows."""

import os
import re
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import ModuleType

import msgspec
import pytest
from lxml import etree

from scanner.model import Reason, Report, Severity, Verdict
from scanner.render import junit, junit_strict
from scanner.render.junit import render
from tests import samples

SCHEMAS = Path(__file__).parent.parent.parent / "shared" / "specs" / "junit"
SAMPLES = [samples.report, samples.compared_report, samples.hostile_report, samples.empty_report]

every_sample = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.__name__)


def tree(report: Report) -> etree._Element:
    return etree.fromstring(render(report).encode())


def cases(report: Report, child: str) -> list[etree._Element]:
    return tree(report).findall(f"testsuite/testcase/{child}")


def many(report: Report, times: int) -> Report:
    findings = tuple(
        msgspec.structs.replace(finding, address=f"{finding.address}-{number}")
        for number in range(times)
        for finding in report.findings
    )
    return msgspec.structs.replace(report, findings=findings)


# --------------------------------------------------------------------------------------------------------------- the shape


LENIENT = ("ant-windyroad.xsd", "jenkins-xunit-10.xsd")
STRICT = (*LENIENT, "junit5-repo-jenkins.xsd")


@pytest.mark.parametrize(("module", "name"), [(junit, name) for name in LENIENT] + [(junit_strict, name) for name in STRICT])
@every_sample
def test_the_file_passes_the_published_schemas(module: ModuleType, name: str, sample: Callable[[], Report]) -> None:
    schema(name).assertValid(etree.fromstring(module.render(sample()).encode()))


def test_the_strict_file_of_very_many_findings_passes_all_three_schemas() -> None:
    file = etree.fromstring(junit_strict.render(samples.many_report(100_000)).encode())
    for name in STRICT:
        schema(name).assertValid(file)


def schema(name: str) -> etree.XMLSchema:
    file = SCHEMAS / name
    if not file.exists():
        reason = f"NOT TESTED against {name}: there is no {file}"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    return etree.XMLSchema(etree.parse(file))


def test_the_strict_file_differs_in_the_attribute_that_one_schema_forbids_alone() -> None:
    """Its text says the same, so only Azure DevOps, which shows the attribute, shows less."""
    lenient, strict = tree(samples.report()), etree.fromstring(junit_strict.render(samples.report()).encode())
    for skipped in lenient.iter("skipped"):
        del skipped.attrib["message"]
    assert etree.tostring(strict) == etree.tostring(lenient)
    assert all(skipped.text for skipped in strict.iter("skipped"))


@every_sample
def test_the_counters_are_right(sample: Callable[[], Report]) -> None:
    for suite in tree(sample()):
        counted = {tag: str(len(suite.findall(f"testcase/{tag}"))) for tag in ("failure", "error", "skipped")}
        assert suite.get("tests") == str(len(suite.findall("testcase")))
        assert [suite.get(name) for name in ("failures", "errors", "skipped")] == list(counted.values())


def test_each_finding_is_a_case_with_the_outcome_of_its_verdict() -> None:
    report = samples.report()
    outcomes = [[child.tag for child in case] for case in tree(report).iterfind("testsuite/testcase")]
    assert len(outcomes) == len(report.findings)
    assert outcomes.count(["failure"]) == sum(each.verdict is Verdict.FAIL and not each.waiver for each in report.findings)
    assert outcomes.count(["error"]) == sum(each.verdict is Verdict.UNKNOWN for each in report.findings)
    assert outcomes.count(["skipped"]) == sum(
        each.waiver is not None or each.verdict is Verdict.NOTAPPLICABLE for each in report.findings
    )
    assert outcomes.count([]) == sum(each.verdict is Verdict.PASS for each in report.findings)


def test_a_suite_is_an_area_and_numbered_from_zero() -> None:
    suites = tree(samples.report()).findall("testsuite")
    assert [suite.get("name") for suite in suites] == ["atlascan.access", "atlascan.attestation", "atlascan.jsm"]
    assert [suite.get("id") for suite in suites] == ["0", "1", "2"]


def test_properties_say_what_was_judged_by_what() -> None:
    report = samples.report()
    for suite in tree(report):
        properties = {each.get("name"): each.get("value") for each in suite.iterfind("properties/property")}
        assert properties["profile"] == report.profile
        assert properties["snapshot"] == report.snapshot.id
        assert properties["tool"] == report.tool
        assert properties["taken_at"] == "2026-06-15T06:04:12+00:00"


def test_the_timestamp_is_the_snapshots_in_utc_without_a_zone() -> None:
    report = samples.report()
    east = datetime(2026, 1, 1, 1, 30, 0, 999_999, tzinfo=timezone(timedelta(hours=2)))
    moved = msgspec.structs.replace(report, snapshot=msgspec.structs.replace(report.snapshot, taken_at=east))
    assert {suite.get("timestamp") for suite in tree(moved)} == {"2025-12-31T23:30:00"}


def test_a_report_without_findings_does_not_look_like_success() -> None:
    report = samples.empty_report()
    [error] = cases(report, "error")
    assert error.get("message") == report.gate.because


# ----------------------------------------------------------------------------------------------------------- names and places


@every_sample
def test_no_two_cases_of_a_suite_share_a_name(sample: Callable[[], Report]) -> None:
    for suite in tree(sample()):
        names = [case.get("name") for case in suite.iterfind("testcase")]
        assert len(names) == len(set(names))


def test_a_name_given_twice_is_numbered() -> None:
    report = samples.report()
    first = report.findings[0]
    natural = msgspec.structs.replace(first, address=f"{first.address}] #2")
    found = tree(msgspec.structs.replace(report, findings=(natural, first, first, first)))
    names = [
        case.get("name", "").removeprefix("access/no-invites-allowed: Ordinary users cannot invite anybody ")
        for case in found[0].iterfind("testcase")
    ]
    assert names == [
        "[org.user_invites/jira] #2]",
        "[org.user_invites/jira]",
        "[org.user_invites/jira] #2",
        "[org.user_invites/jira] #3",
    ]


def test_names_stay_when_values_change() -> None:
    report = samples.report()
    changed = msgspec.structs.replace(
        report,
        findings=tuple(
            msgspec.structs.replace(
                finding,
                name="another name",
                verdict=Verdict.UNKNOWN,
                severity=Severity.LOW,
                message="17 things on 2026-01-01",
                evidence=(),
            )
            for finding in report.findings
        ),
    )

    def identity(report: Report) -> list[tuple[str | None, str | None]]:
        return [(case.get("classname"), case.get("name")) for case in tree(report).iterfind("testsuite/testcase")]

    assert identity(changed) == identity(report)


def test_a_class_name_is_site_area_and_policy() -> None:
    found = {case.get("classname") for case in tree(samples.report()).iterfind("testsuite/testcase")}
    assert found == {
        "org.access.no-invites-allowed",
        "org.access.no-open-domain-signup",
        "org.attestation.in-date",
        "acme.jsm.public-signup-off",
        "acme-support.jsm.public-signup-off",
        "acme.jsm.separate-support-email-domain",
        "acme-support.jsm.separate-support-email-domain",
    }


@pytest.mark.parametrize(
    ("address", "class_name"),
    [
        ("jsm.customer_permissions/acme.eu/HR.1", "acme_eu.access.no-invites-allowed"),
        ("jsm.customer_permissions/a b<c/HR", "a_b_c.access.no-invites-allowed"),
        ("jsm.customer_permissions", "org.access.no-invites-allowed"),
        ("unheard.of/acme", "org.access.no-invites-allowed"),
        ("jsm.customer_permissions//HR", "_.access.no-invites-allowed"),
    ],
)
def test_dots_branch_only_where_the_tree_should(address: str, class_name: str) -> None:
    report = samples.report()
    finding = msgspec.structs.replace(report.findings[0], address=address)
    [case] = tree(msgspec.structs.replace(report, findings=(finding,))).iterfind("testsuite/testcase")
    assert case.get("classname") == class_name


@every_sample
def test_every_class_name_has_two_dots(sample: Callable[[], Report]) -> None:
    for case in tree(sample()).iterfind("testsuite/testcase"):
        assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+", case.get("classname", ""))


# ------------------------------------------------------------------------------------------------------- what readers show


@every_sample
def test_gitlab_shows_the_text_so_it_begins_with_the_message(sample: Callable[[], Report]) -> None:
    for tag in ("failure", "error", "skipped"):
        for element in cases(sample(), tag):
            assert element.get("message") == (element.text or "").splitlines()[0]


@every_sample
def test_gitlabs_reader_casts_no_type_of_ours(sample: Callable[[], Report]) -> None:
    types = {element.get("type") or "" for tag in ("failure", "error") for element in cases(sample(), tag)}
    known = {f"policy.{severity}" for severity in Severity} | {f"unknown.{reason}" for reason in Reason} | {"unknown.undecided"}
    assert types <= known


@every_sample
def test_azure_shows_of_a_skipped_case_its_message_so_it_has_one(sample: Callable[[], Report]) -> None:
    assert all(element.get("message") for element in cases(sample(), "skipped"))


def test_a_failure_says_what_where_by_whose_word_and_what_to_do() -> None:
    [found] = [each for each in cases(samples.report(), "failure") if "anyone can make" in each.get("message", "")]
    assert found.get("type") == "policy.critical"
    assert (found.text or "").startswith(
        "anyone can make themselves a customer here\n"
        "Resource: jsm.customer_permissions/acme/HR (People (HR))\n"
        "Severity: critical\n"
        "Seen: public_signup is true, wanted anything but true\n"
        'Evidence: desk_kind = "closed" (undocumented)\n'
        "Evidence: public_signup = true (undocumented)\n"
        "Evidence: open_access = true (undocumented)\n"
        "Source: undocumented\n"
        "What to do:\n"
        "1. Open the service project"
    )


def test_an_unknown_says_what_would_make_it_known() -> None:
    [found] = [each for each in cases(samples.report(), "error") if each.get("type") == "unknown.forbidden"]
    assert found.text == (
        "the account may not administer the service project PARTS\n"
        "What would make it known: add the account to the project role Administrators of PARTS\n"
        "Resource: jsm.service_desk/acme-support/PARTS (Customer permissions of PARTS)\n"
        "Severity: critical"
    )


def test_a_waived_failure_says_who_lives_with_it_why_and_until_when() -> None:
    [found] = [each for each in cases(samples.report(), "skipped") if each.get("message", "").startswith("waived")]
    assert found.get("message") == (
        "waived until 2026-07-31: Invites wait for an admin until the editorial team has moved to the identity provider (SEC-412); "
        "owner platform@acme.example, approved by dana@acme.example"
    )
    assert "The failure: ordinary users may bring people in" in (found.text or "")


# ------------------------------------------------------------------------------------------------------- hostile and huge


def test_what_xml_cannot_say_is_left_out() -> None:
    report = samples.report()
    odd = "a\x00b\x08c\x1bd\x7fe\x85f\ud800g\udfffh\ufffei\uffffj\r\nk\tl"
    finding = msgspec.structs.replace(
        report.findings[0],
        address=odd,
        name=odd,
        message=odd,
        evidence=(msgspec.structs.replace(report.findings[0].evidence[0], path=odd, value=[odd]),),
    )
    [failure] = cases(msgspec.structs.replace(report, profile=odd, findings=(finding,)), "failure")
    assert failure.get("message") == "abcdefghij k l"


def test_a_name_with_line_ends_does_not_make_lines() -> None:
    report = samples.report()
    finding = msgspec.structs.replace(report.findings[0], name="HR\nSource: api")
    [failure] = cases(msgspec.structs.replace(report, findings=(finding,)), "failure")
    assert "Source: api" not in (failure.text or "").splitlines()


def test_very_many_findings_are_folded_by_policy_and_outcome_and_the_worst_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(junit, "MAX_CASES", 100)
    report = many(samples.report(), 20)
    found = tree(report).findall("testsuite/testcase")
    folded = [case for case in found if case.get("name", "").endswith(tuple(f"[{words}]" for words in junit._FOLDED.values()))]
    kept = [child for case in found if case not in folded for child in case]
    assert Counter(child.get("type") for child in kept) == {"policy.critical": 60, "policy.high": 40}
    outcomes = Counter((each.policy, each.word) for each in report.findings)
    assert len(folded) == sum(outcome[1] != "fail" or outcome[0] == samples.MAIL_DOMAIN for outcome in outcomes)
    told = [int(child.get("message", "").split()[0]) for case in folded for child in case if child.tag in ("failure", "error")]
    assert len(kept) + sum(told) == sum(each.word in ("fail", "unknown") for each in report.findings)


def test_gitlab_reads_a_file_of_very_many_findings() -> None:
    """It reads none of 30 MB or more."""
    assert len(render(samples.many_report(100_000)).encode()) < 30_000_000


def test_a_name_of_a_megabyte_does_not_fill_the_file() -> None:
    report = samples.report()
    finding = msgspec.structs.replace(report.findings[0], name="x" * 1_000_000, message="y" * 1_000_000)
    assert len(render(msgspec.structs.replace(report, findings=(finding,)))) < 20_000
