"""The doors: what ways in there are, and who guards them."""

import pytest

from scanner import documents, policies
from scanner.doors import DOORS

KNOWN = policies.load()


def test_a_policy_may_name_each_door_and_no_other() -> None:
    assert documents.schema("policy")["properties"]["door"]["enum"] == list(DOORS)


@pytest.mark.parametrize("door", DOORS)
def test_each_door_is_guarded(door: str) -> None:
    assert any(policy.door == door for policy in KNOWN.values())


def test_what_guards_no_door_watches_whether_we_would_know() -> None:
    assert {policy.area for policy in KNOWN.values() if policy.door is None} == {"audit", "attestation"}
