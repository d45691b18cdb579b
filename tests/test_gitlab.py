"""The Code Quality report has an entry for each finding that a merge request should show, and each keeps its fingerprint."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scanner.model import Finding, Report, Severity, Verdict
from scanner.render import gitlab
from scanner.render.gitlab import MAX_ENTRIES, SEVERITIES, render
from tests import samples
from tests.interchange import complaints, every_sample, many_report

SCHEMA = "gitlab-code-quality.json"


def entries(report: Report) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(render(report).encode())
    return found


def of(*findings: Finding) -> list[dict[str, Any]]:
    return entries(msgspec.structs.replace(samples.report(), findings=findings))


def counted(report: Report) -> Counter[str]:
    counts: Counter[str] = Counter()
    known = {policy.id for policy in report.policies}
    for entry in entries(report):
        word = "fail" if entry["check_name"] in known else entry["check_name"].rpartition("/")[2]
        counts[word] += entry.get("count", 1)
    return counts


def expected(report: Report) -> Counter[str]:
    counts = sum(report.counts().values(), Counter())
    return Counter({word: counts[word] for word in ("fail", "unknown", "waived") if counts[word]})


@every_sample
def test_the_file_is_what_gitlab_documents(sample: Callable[[], Report]) -> None:
    assert complaints(SCHEMA)(entries(sample())) == []


def test_another_severity_is_not_what_gitlab_documents() -> None:
    [first, *_] = entries(samples.report())
    assert complaints(SCHEMA)([first | {"severity": "high"}])


@every_sample
def test_no_byte_order_mark_begins_the_file(sample: Callable[[], Report]) -> None:
    assert render(sample()).startswith("[")


@every_sample
def test_every_fingerprint_is_given_once(sample: Callable[[], Report]) -> None:
    known = [entry["fingerprint"] for entry in entries(sample())]
    assert len(known) == len(set(known))


@pytest.mark.parametrize(
    "sample", [samples.report, samples.compared_report, samples.hostile_report], ids=lambda each: each.__name__
)
def test_all_that_fails_is_waived_or_is_unknown_has_an_entry_and_nothing_else(sample: Callable[[], Report]) -> None:
    assert counted(sample()) == expected(sample())


def test_a_failure_is_shown_at_its_policy() -> None:
    [failing] = [each for each in samples.report().findings if each.address == "jsm.customer_permissions/acme/HR"]
    [entry] = of(failing)
    assert len(entry.pop("fingerprint")) == 64
    assert entry == {
        "description": "People (HR): anyone can make themselves a customer here (jsm.customer_permissions/acme/HR).",
        "check_name": "jsm/public-signup-off",
        "severity": "blocker",
        "location": {"path": "policies/jsm/public-signup-off.yaml", "lines": {"begin": failing_line()}},
    }


def failing_line() -> int:
    return next(policy.line for policy in samples.report().policies if policy.id == "jsm/public-signup-off")


@pytest.mark.parametrize("severity", Severity)
def test_each_severity_has_one_of_gitlabs_own(severity: Severity) -> None:
    [entry] = of(msgspec.structs.replace(samples.report().findings[0], severity=severity))
    assert entry["severity"] == SEVERITIES[severity]
    assert len(set(SEVERITIES.values())) == len(Severity)


def test_what_is_unknown_is_information_and_says_what_would_make_it_known() -> None:
    [unknown] = [each for each in samples.report().findings if each.reason == "forbidden"]
    [entry] = of(unknown)
    assert (entry["severity"], entry["check_name"]) == ("info", "jsm/public-signup-off/unknown")
    assert entry["description"] == (
        "Unknown: Customer permissions of PARTS: the account may not administer the service project PARTS "
        "(jsm.service_desk/acme-support/PARTS). "
        "What would make it known: add the account to the project role Administrators of PARTS."
    )


def test_what_is_waived_is_information_and_says_until_when() -> None:
    [waived] = [each for each in samples.report().findings if each.waiver]
    [entry] = of(waived)
    assert (entry["severity"], entry["check_name"]) == ("info", "access/no-invites-allowed/waived")
    assert "Waived until 2026-07-31: Invites wait for an admin" in entry["description"]


def test_a_list_is_not_empty_where_nothing_was_judged() -> None:
    [entry] = entries(samples.empty_report())
    assert (entry["severity"], entry["description"]) == ("blocker", samples.empty_report().gate.because)


def test_a_list_is_empty_where_everything_passes() -> None:
    report = samples.report()
    passing = tuple(each for each in report.findings if each.verdict is Verdict.PASS)
    assert entries(msgspec.structs.replace(report, findings=passing, gate=msgspec.structs.replace(report.gate, exit_code=0))) == []


def test_a_fingerprint_stays_when_names_values_and_severities_change() -> None:
    def changed(finding: Finding) -> Finding:
        return msgspec.structs.replace(finding, name="another", message="17 on 2026-01-01", severity=Severity.LOW, evidence=())

    def known(*findings: Finding) -> set[str]:
        return {entry["fingerprint"] for entry in of(*findings)}

    findings = samples.report().findings
    assert known(*map(changed, findings)) == known(*findings)


def test_the_same_entry_twice_has_two_fingerprints() -> None:
    failing = next(each for each in samples.report().findings if each.word == "fail")
    assert len({entry["fingerprint"] for entry in of(failing, failing)}) == 2


def test_what_one_parent_refused_goes_by_what_is_missing_and_not_by_its_place() -> None:
    unknown = next(each for each in samples.report().findings if each.word == "unknown")
    [one, other] = (msgspec.structs.replace(unknown, missing=f"jsm.customer_permissions/acme/{key}") for key in ("A", "B"))
    [both] = [{entry["description"]: entry["fingerprint"] for entry in of(one, other)}]
    [alone] = of(other)
    assert both[alone["description"]] == alone["fingerprint"]


def test_the_most_severe_comes_first() -> None:
    low, critical = (
        msgspec.structs.replace(samples.report().findings[0], severity=each) for each in (Severity.LOW, Severity.CRITICAL)
    )
    assert [entry["severity"] for entry in of(low, critical)] == ["blocker", "minor"]


def test_a_long_text_is_cut_and_says_so() -> None:
    [entry] = of(msgspec.structs.replace(samples.report().findings[0], message="x" * 5_000))
    assert f"{'x' * 999}… (" in entry["description"]


def test_a_fingerprint_changes_when_a_failure_is_no_longer_seen() -> None:
    """Otherwise a merge request would show nothing when an unknown setting turns out to fail, or a failing one becomes unknown."""
    failing = next(each for each in samples.report().findings if each.word == "fail")
    unseen = msgspec.structs.replace(failing, verdict=Verdict.UNKNOWN)
    assert of(failing)[0]["fingerprint"] != of(unseen)[0]["fingerprint"]


@pytest.mark.parametrize(
    ("file", "path"),
    [
        ("policies/access/x.yaml", "policies/access/x.yaml"),
        ("{here}/ours/a b%.yaml", "ours/a b%.yaml"),
        ("ours/../ours/./x.yaml", "ours/x.yaml"),
        ("/elsewhere/x.yaml", "policies/access/no-invites-allowed.yaml"),
        ("../x.yaml", "policies/access/no-invites-allowed.yaml"),
        ("", "policies/access/no-invites-allowed.yaml"),
    ],
)
def test_a_path_is_relative_to_where_the_program_runs(file: str, path: str) -> None:
    report = samples.report()
    policy = msgspec.structs.replace(report.policies[0], file=file.format(here=Path.cwd()))
    first = msgspec.structs.replace(report, policies=(policy,), findings=report.findings[:1])
    assert [entry["location"]["path"] for entry in entries(first)] == [path]


def test_of_very_many_the_least_severe_are_told_as_one() -> None:
    report = many_report()
    found = entries(report)
    assert complaints(SCHEMA)(found) == []
    assert len(found) <= MAX_ENTRIES
    assert counted(report) == expected(report)
    assert len({entry["fingerprint"] for entry in found}) == len(found)


def test_what_is_kept_is_the_worst(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = entries(samples.report())
    monkeypatch.setattr(gitlab, "MAX_ENTRIES", 11)
    found = entries(samples.report())
    kept = [entry for entry in found if "count" not in entry]
    assert len(found) <= 11 < len(whole)
    assert kept == whole[: len(kept)] != []
    assert all(entry["description"].startswith(f"{entry['count']} more ") for entry in found[len(kept) :])
    assert counted(samples.report()) == expected(samples.report())
