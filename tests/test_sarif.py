"""The SARIF file conforms to the standard, keeps GitHub's rules, and knows each finding again in the next run."""

import gzip
import json
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec
import pytest

from scanner.model import BaselineState, Finding, Report, Severity, Verdict
from scanner.render import sarif
from scanner.render.sarif import MAX_RESULTS, MAX_TAGS, SCORES, render
from tests import samples
from tests.interchange import complaints, every_sample, many_report

SCHEMA = "sarif-2.1.0.json"

# Microsoft's validator knows the rules of GitHub's code scanning: `npm install --global @microsoft/sarif-multitool`.
MULTITOOL = shutil.which("sarif-multitool") or shutil.which("Sarif.Multitool")


def log(report: Report) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(render(report).encode())
    return found


def run(report: Report) -> dict[str, Any]:
    [found] = log(report)["runs"]
    assert isinstance(found, dict)
    return found


def results(report: Report) -> list[dict[str, Any]]:
    return list(run(report)["results"])


def notifications(report: Report, id_: str) -> list[dict[str, Any]]:
    [invocation] = run(report)["invocations"]
    return [each for each in invocation["toolExecutionNotifications"] if each["descriptor"]["id"] == id_]


def rules(report: Report) -> list[dict[str, Any]]:
    return list(run(report)["tool"]["driver"]["rules"])


def with_findings(*findings: Finding) -> Report:
    return msgspec.structs.replace(samples.report(), findings=findings)


def counted(report: Report) -> Counter[str]:
    counts: Counter[str] = Counter()
    for each in results(report):
        counts["waived" if each["suppressions"] else "fail"] += each["properties"].get("count", 1)
    for each in notifications(report, "unknown"):
        counts["unknown"] += each["properties"].get("count", 1)
    return counts


def expected(report: Report) -> Counter[str]:
    counts = sum(report.counts().values(), Counter())
    return Counter({word: counts[word] for word in ("fail", "unknown", "waived") if counts[word]})


# ------------------------------------------------------------------------------------------------------------ the validators


@every_sample
def test_the_file_conforms_to_the_published_schema(sample: Callable[[], Report]) -> None:
    assert complaints(SCHEMA)(log(sample())) == []


def test_a_result_without_a_message_does_not_conform() -> None:
    document = log(samples.report())
    del document["runs"][0]["results"][-1]["message"]
    assert complaints(SCHEMA)(document)


@pytest.mark.skipif(MULTITOOL is None, reason="NOT TESTED with Microsoft's validator: there is no sarif-multitool on the path")
@pytest.mark.parametrize("kind", ["Sarif", "Ghas"])
@every_sample
def test_microsofts_validator_finds_nothing_wrong(sample: Callable[[], Report], kind: str, tmp_path: Path) -> None:
    """The rules of kind `Ghas` are those of GitHub's code scanning."""
    (tmp_path / "report.sarif").write_text(render(sample()), encoding="utf-8")
    arguments = ("validate", "report.sarif", "--rule-kind", kind, "--output", "found.sarif")
    done = subprocess.run([str(MULTITOOL), *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)  # noqa: S603
    found = json.loads((tmp_path / "found.sarif").read_text(encoding="utf-8-sig"))["runs"][0]
    errors = [(each["ruleId"], each["message"]) for each in found["results"] if each.get("level") == "error"]
    assert errors == [], done.stdout


# -------------------------------------------------------------------------------------------------------------- GitHub's rules


@every_sample
def test_every_result_has_what_github_requires(sample: Callable[[], Report]) -> None:
    report = sample()
    ids = [rule["id"] for rule in rules(report)]
    for each in results(report):
        assert ids[each["ruleIndex"]] == each["ruleId"]
        assert each["message"]["text"].strip()
        [location] = each["locations"]
        region = location["physicalLocation"]["region"]
        assert {"startLine", "startColumn", "endLine", "endColumn"} == {*region}
        assert region["startLine"] >= 1
        assert region["endColumn"] > region["startColumn"] >= 1


@every_sample
def test_every_result_stands_in_a_file_of_the_repository(sample: Callable[[], Report]) -> None:
    for each in results(sample()):
        uri = each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert uri.isascii()
        parts = urlsplit(uri)
        assert (parts.scheme, parts.netloc, parts.query, parts.fragment) == ("", "", "", "")
        assert not uri.startswith("/")
        assert ".." not in uri.split("/")


@every_sample
def test_no_two_results_are_the_same_to_github(sample: Callable[[], Report]) -> None:
    hashes = [each["partialFingerprints"]["primaryLocationLineHash"] for each in results(sample())]
    assert len(hashes) == len(set(hashes))


@every_sample
def test_every_rule_has_what_github_requires(sample: Callable[[], Report]) -> None:
    for rule in rules(sample()):
        assert len(rule["id"]) > 0
        assert len(rule.get("name", "")) <= 255
        assert 0 < len(rule["shortDescription"]["text"]) <= 1024
        assert 0 < len(rule["fullDescription"]["text"]) <= 1024
        assert rule["help"]["text"]
        assert rule["help"]["markdown"]
        assert rule["properties"]["precision"] == "high"
        assert rule["properties"]["problem.severity"] in ("error", "warning", "recommendation")
        assert 0.0 < float(rule["properties"]["security-severity"]) <= 10.0
        assert "security" in rule["properties"]["tags"]
        assert len(rule["properties"]["tags"]) == len({*rule["properties"]["tags"]}) <= MAX_TAGS
        assert rule.get("helpUri", "https://").startswith("https://")


@pytest.mark.parametrize(
    ("severity", "lowest", "highest"),
    [
        (Severity.CRITICAL, 9.1, 10.0),
        (Severity.HIGH, 7.0, 8.9),
        (Severity.MEDIUM, 4.0, 6.9),
        (Severity.LOW, 0.1, 3.9),
        (Severity.INFO, 0.1, 3.9),
    ],
)
def test_github_calls_a_severity_what_we_call_it(severity: Severity, lowest: float, highest: float) -> None:
    assert lowest <= float(SCORES[severity]) <= highest


def test_a_rule_is_as_severe_as_the_worst_that_fails_of_it() -> None:
    """GitHub takes the severity of an alert from its rule: it must not play down what is worse than usual."""
    [rule] = [rule for rule in rules(samples.report()) if rule["id"] == samples.MAIL_DOMAIN]
    assert rule["properties"]["severity"] != "critical"
    assert rule["properties"]["security-severity"] == SCORES[Severity.CRITICAL]


def test_the_category_is_that_of_the_sites_and_the_same_in_each_run() -> None:
    report = samples.report()
    target = report.snapshot.target
    turned = msgspec.structs.replace(target, sites=dict(reversed(target.sites.items())))
    again = msgspec.structs.replace(report, snapshot=msgspec.structs.replace(report.snapshot, target=turned))
    assert [run(each)["automationDetails"]["id"] for each in (report, again)] == ["atlascan/acme+acme-support/"] * 2


# ------------------------------------------------------------------------------------------------------------ what it says


def test_a_failure_is_a_result_at_its_policy() -> None:
    report = samples.report()
    [failing] = [each for each in report.findings if each.address == "jsm.customer_permissions/acme/HR"]
    [found] = results(with_findings(failing))
    assert found.pop("partialFingerprints").keys() == {"atlascan/v1", "primaryLocationLineHash"}
    index, line = next((index, each.line) for index, each in enumerate(report.policies) if each.id == failing.policy)
    assert found == {
        "ruleId": "jsm/public-signup-off",
        "ruleIndex": index,
        "kind": "fail",
        "level": "error",
        "message": {
            "text": "People (HR): anyone can make themselves a customer here (jsm.customer_permissions/acme/HR). "
            "Seen: public_signup is true, wanted anything but true."
        },
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "policies/jsm/public-signup-off.yaml"},
                    "region": {"startLine": line, "startColumn": 1, "endLine": line, "endColumn": 2},
                },
                "logicalLocations": [
                    {"name": "People (HR)", "fullyQualifiedName": "jsm.customer_permissions/acme/HR", "kind": "resource"}
                ],
            }
        ],
        "suppressions": [],
        "properties": {"severity": "critical", "source": "undocumented", "console": "https://acme.atlassian.net/jira/projects"},
    }


@pytest.mark.parametrize(
    "sample", [samples.report, samples.compared_report, samples.hostile_report], ids=lambda each: each.__name__
)
def test_only_failures_are_results_and_nothing_else_is_lost(sample: Callable[[], Report]) -> None:
    assert counted(sample()) == expected(sample())


def test_the_summary_counts_all_that_was_found() -> None:
    summary = run(samples.report())["properties"]["summary"]
    assert summary == {"fail": 6, "waived": 1, "unknown": 5, "pass": 6, "notapplicable": 3}


def test_a_waived_failure_is_suppressed_with_its_reason_and_its_end() -> None:
    [found] = [each for each in results(samples.report()) if each["suppressions"]]
    [suppression] = found["suppressions"]
    assert (suppression["kind"], suppression["status"]) == ("external", "accepted")
    assert suppression["justification"].startswith("Waived until 2026-07-31: Invites wait for an admin")
    assert suppression["properties"] == {
        "owner": "platform@acme.example",
        "approvedBy": "dana@acme.example",
        "expires": "2026-07-31",
        "ticket": "SEC-412",
    }


def test_what_is_unknown_is_a_notification_of_its_policy() -> None:
    report = samples.report()
    [found] = [each for each in notifications(report, "unknown") if each["properties"].get("reason") == "forbidden"]
    assert found["level"] == "warning"
    assert rules(report)[found["associatedRule"]["index"]]["id"] == found["associatedRule"]["id"] == samples.PUBLIC_SIGNUP
    assert "add the account to the project role Administrators of PARTS" in found["message"]["text"]


def test_each_gap_is_a_notification() -> None:
    found = [each["properties"]["reason"] for each in notifications(samples.report(), "gap")]
    assert found == [gap.reason.value for gap in samples.report().gaps]


@pytest.mark.parametrize(("code", "successful", "level"), [(0, True, "warning"), (1, True, "warning"), (3, False, "error")])
def test_a_run_that_could_not_verify_is_not_successful(code: int, successful: bool, level: str) -> None:
    """GitHub turns such a file down; taking it, it would close the alerts of all that could not be looked at."""
    report = samples.report()
    gated = msgspec.structs.replace(report, gate=msgspec.structs.replace(report.gate, exit_code=code))
    [invocation] = run(gated)["invocations"]
    assert (invocation["exitCode"], invocation["executionSuccessful"]) == (code, successful)
    assert {each["level"] for each in notifications(gated, "unknown")} == {level}


def test_a_baseline_tells_what_is_new() -> None:
    states = Counter(each.get("baselineState") for each in results(samples.compared_report()))
    assert states == {"new": 5, "unchanged": 1, None: 1}, "a waived failure is compared with nothing"
    assert all("baselineState" not in each for each in results(samples.report()))
    assert {each["properties"]["baselineState"] for each in notifications(samples.compared_report(), "unknown")} == {"new"}


def test_the_help_says_why_and_what_to_do() -> None:
    [rule] = [rule for rule in rules(samples.report()) if rule["id"] == samples.PUBLIC_SIGNUP]
    assert rule["name"] == "JsmPublicSignupOff"
    assert rule["help"]["markdown"].startswith("With public signup, anyone creates a customer account")
    for said in ("## What to do\n\n1. Open the service project", "- NIST SP 800-53, revision 5: AC-2, AC-3, IA-8"):
        assert said in rule["help"]["markdown"]
    assert rule["help"]["text"].count("\n") == rule["help"]["markdown"].count("\n")


# --------------------------------------------------------------------------------------------------------------- again and again


def fingerprints(report: Report) -> list[dict[str, str]]:
    return [each["partialFingerprints"] for each in results(report)]


def test_two_runs_with_the_same_findings_have_the_same_fingerprints() -> None:
    report = samples.report()
    later = msgspec.structs.replace(report.snapshot, id="another", taken_at=report.snapshot.taken_at.replace(year=2027))
    again = msgspec.structs.replace(report, snapshot=later, tool="atlascan 9.9.9")
    assert fingerprints(again) == fingerprints(report)


def test_renaming_a_project_changes_no_fingerprint() -> None:
    def renamed(finding: Finding) -> Finding:
        message = finding.message.replace(finding.name, "renamed")
        return msgspec.structs.replace(finding, name="renamed", message=message, severity=Severity.LOW, evidence=(), clauses=())

    report = samples.report()
    changed = {each["atlascan/v1"] for each in fingerprints(with_findings(*map(renamed, report.findings)))}
    assert changed == {each["atlascan/v1"] for each in fingerprints(report)}
    hashes = {each["primaryLocationLineHash"] for each in fingerprints(with_findings(*map(renamed, report.findings)))}
    assert hashes == {each["primaryLocationLineHash"] for each in fingerprints(report)}


def test_another_resource_or_another_policy_has_another_fingerprint() -> None:
    failing = next(each for each in samples.report().findings if each.word == "fail")
    others = (
        failing,
        msgspec.structs.replace(failing, address=f"{failing.address}-2"),
        msgspec.structs.replace(failing, policy=samples.SIGNUP),
    )
    assert len({each["atlascan/v1"] for each in fingerprints(with_findings(*others))}) == 3


# ------------------------------------------------------------------------------------------------------- hostile and huge


def test_no_name_makes_a_link() -> None:
    failing = next(each for each in samples.report().findings if each.word == "fail")
    [found] = results(with_findings(msgspec.structs.replace(failing, name="[click](https://evil.example)", clauses=())))
    assert found["message"]["text"].startswith("[click] (https://evil.example): ")


def test_no_text_of_a_policy_makes_an_element() -> None:
    assert all("<" not in rule["help"]["markdown"] for rule in rules(samples.hostile_report()))


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("ours/a b%#?.yaml", "ours/a%20b%25%23%3F.yaml"),
        ("ours/c:d.yaml", "ours/c%3Ad.yaml"),
        ("ours/größe.yaml", "ours/gr%C3%B6%C3%9Fe.yaml"),
        (os.path.join(os.getcwd(), "ours", "x.yaml"), "ours/x.yaml"),  # noqa: PTH109, PTH118  as a configuration gives it
        ("/elsewhere/x.yaml", "policies/access/no-invites-allowed.yaml"),
    ],
)
def test_a_file_is_a_relative_uri(file: str, uri: str) -> None:
    report = samples.report()
    policy = msgspec.structs.replace(report.policies[0], file=file)
    found = results(msgspec.structs.replace(report, policies=(policy,), findings=report.findings[:1]))
    assert [each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for each in found] == [uri]
    assert "%" in uri or unquote(uri) == uri


def test_very_many_findings_stay_below_githubs_limits() -> None:
    report = many_report()
    document = log(report)
    assert complaints(SCHEMA)(document) == []
    found = document["runs"][0]["results"]
    assert len(found) <= MAX_RESULTS == 25_000
    assert len(gzip.compress(render(report).encode())) < 10_000_000
    assert counted(report) == expected(report)
    severities = [Severity(each["properties"]["severity"]).rank for each in found if "count" not in each["properties"]]
    assert severities == sorted(severities, reverse=True), "GitHub keeps the first 5,000 of a severity"
    hashes = [each["partialFingerprints"]["primaryLocationLineHash"] for each in found]
    assert len(hashes) == len(set(hashes))


def test_what_is_folded_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sarif, "MAX_RESULTS", 6)
    monkeypatch.setattr(sarif, "MAX_NOTIFICATIONS", 4)
    report = samples.report()
    folds = [each for each in results(report) if "count" in each["properties"]]
    assert folds
    assert [each["message"] for each in folds] == [each["message"] for each in notifications(report, "folded")]
    assert len(results(report)) <= 6
    assert counted(report) == expected(report)


def test_states_of_a_baseline_are_sarifs_own() -> None:
    assert {*sarif.STATES} == {*BaselineState}


def test_every_severity_has_a_level_and_a_score() -> None:
    assert {*sarif.LEVELS} == {*sarif.SCORES} == {*Severity}


def test_a_finding_of_a_policy_that_the_report_does_not_hold_is_still_told() -> None:
    report = msgspec.structs.replace(samples.report(), policies=())
    assert complaints(SCHEMA)(log(report)) == []
    assert len(results(report)) == sum(each.verdict is Verdict.FAIL for each in report.findings)
