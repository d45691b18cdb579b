"""The doors: what ways in there are, and who guards them."""

import msgspec
import pytest

from scanner import documents, policies
from scanner.doors import DOORS
from scanner.model import LeftOut, Severity, Verdict
from scanner.render.html_doors import Standing, doorways
from tests import samples

KNOWN = policies.load()


def test_a_policy_may_name_each_door_and_no_other() -> None:
    assert documents.schema("policy")["properties"]["door"]["enum"] == list(DOORS)


@pytest.mark.parametrize("door", DOORS)
def test_each_door_is_guarded(door: str) -> None:
    assert any(policy.door == door for policy in KNOWN.values())


def test_what_guards_no_door_watches_whether_we_would_know() -> None:
    assert {policy.area for policy in KNOWN.values() if policy.door is None} == {"audit", "attestation"}


def test_a_door_is_not_known_to_be_closed_while_a_guard_is_not_applied() -> None:
    policy = msgspec.structs.replace(samples.report().policies[0], door="invites")
    passes = next(each for each in samples.report().findings if each.verdict is Verdict.PASS)
    all_pass = msgspec.structs.replace(passes, policy=policy.id)
    left_out = LeftOut(id="a/b", title="", severity=Severity.LOW, controls={}, door="invites")
    for guards, standing in (((), Standing.CLOSED), ((left_out,), Standing.UNKNOWN)):
        report = msgspec.structs.replace(samples.report(), policies=(policy,), findings=(all_pass,), left_out=guards)
        assert doorways(report, report.findings, report.counts())[0].standing is standing
