"""Waivers: they excuse failures and nothing else, through the end of their last day, and the verdict stays what it is."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scanner import documents, waivers
from scanner.errors import InputError
from scanner.model import AppliedWaiver, Finding, Severity, Verdict, Waiver, WaiverState, WaiverUse
from scanner.waivers import glob_matches

POLICIES = ("jsm/public-signup-off", "access/no-invites-allowed")
ENTRY: dict[str, Any] = {
    "policy": "jsm/public-signup-off",
    "address": "jsm.customer_permissions/acme/HR",
    "reason": "being closed",
    "owner": "sam@acme.example",
    "approved_by": "kim@acme.example",
    "expires": "2026-09-01",
    "ticket": "SEC-1",
}
WAIVER = Waiver(
    "jsm/public-signup-off",
    "jsm.customer_permissions/acme/HR",
    "being closed",
    "sam@acme.example",
    "kim@acme.example",
    date(2026, 9, 1),
    "SEC-1",
)
FAILURE = Finding(
    policy=WAIVER.policy, address=WAIVER.address, name="HR", verdict=Verdict.FAIL, severity=Severity.HIGH, message="open"
)
AS_OF = datetime(2026, 6, 15, 12, tzinfo=UTC)


def loaded(path: Path, *entries: dict[str, Any]) -> tuple[Waiver, ...]:
    path.write_text(documents.dump({"waivers": list(entries)}), encoding="utf-8")
    return waivers.load(path, POLICIES)


def states(uses: tuple[WaiverUse, ...]) -> list[WaiverState]:
    return [use.state for use in uses]


# ------------------------------------------------------------------------------------------------------------------ reading


def test_a_file_is_read_as_it_says(tmp_path: Path) -> None:
    without = {key: value for key, value in ENTRY.items() if key != "ticket"}
    assert loaded(tmp_path / "w.yaml", ENTRY, without) == (WAIVER, replace(WAIVER, ticket=None))
    assert loaded(tmp_path / "w.yaml") == ()


@pytest.mark.parametrize(
    ("change", "message", "hint"),
    [
        (
            {"policy": "jsm/public-signup-of"},
            ":2: waivers[0].policy: there is no policy 'jsm/public-signup-of'",
            "did you mean 'jsm/public-signup-off'?",
        ),
        (
            {"policy": "x"},
            ":2: waivers[0].policy: there is no policy 'x'",
            "known: access/no-invites-allowed, jsm/public-signup-off",
        ),
        (
            {"expires": "2026-02-30"},
            ':7: waivers[0].expires: "2026-02-30" is not a date (YYYY-MM-DD)',
            "The last day on which it counts (UTC).",
        ),
        (
            {"expires": "never"},
            ':7: waivers[0].expires: "never" is not a date (YYYY-MM-DD)',
            "The last day on which it counts (UTC).",
        ),
        ({"reason": ""}, ":4: waivers[0].reason: '' should be non-empty", "Why the failure is acceptable."),
        ({"ticket": 5}, ":8: waivers[0].ticket: 5 is not text", "Where it was decided."),
        ({"adress": "x"}, ":9: waivers[0].adress: unknown key 'adress'", "did you mean 'address'?"),
    ],
)
def test_what_is_wrong_is_said_in_its_place(tmp_path: Path, change: dict[str, Any], message: str, hint: str) -> None:
    path = tmp_path / "w.yaml"
    with pytest.raises(InputError) as caught:
        loaded(path, ENTRY | change)
    assert (str(caught.value), caught.value.hint) == (f"{path}{message}", hint)


@pytest.mark.parametrize("key", ["policy", "address", "reason", "owner", "approved_by", "expires"])
def test_a_waiver_without_reason_owner_or_end_is_none(tmp_path: Path, key: str) -> None:
    path = tmp_path / "w.yaml"
    with pytest.raises(InputError) as caught:
        loaded(path, {name: value for name, value in ENTRY.items() if name != key})
    assert str(caught.value) == f"{path}:2: waivers[0]: the key {key!r} is missing"
    assert (caught.value.hint or "").startswith(f"{key}: ")


# ----------------------------------------------------------------------------------------------------------------- excusing


def test_a_failure_is_excused_and_stays_a_failure() -> None:
    (finding,), uses = waivers.apply([FAILURE], [WAIVER], AS_OF)
    applied = AppliedWaiver(
        reason="being closed", owner="sam@acme.example", approved_by="kim@acme.example", expires=date(2026, 9, 1), ticket="SEC-1"
    )
    assert finding == msgspec.structs.replace(FAILURE, waiver=applied)
    assert (finding.verdict, finding.counts) == (Verdict.FAIL, False)
    assert uses == (
        WaiverUse(
            policy="jsm/public-signup-off",
            address="jsm.customer_permissions/acme/HR",
            state=WaiverState.APPLIED,
            reason="being closed",
            owner="sam@acme.example",
            approved_by="kim@acme.example",
            expires=date(2026, 9, 1),
            ticket="SEC-1",
        ),
    )


@pytest.mark.parametrize("verdict", [Verdict.PASS, Verdict.UNKNOWN, Verdict.NOTAPPLICABLE])
def test_nothing_but_a_failure_is_excused(verdict: Verdict) -> None:
    finding = msgspec.structs.replace(FAILURE, verdict=verdict)
    found, uses = waivers.apply([finding], [WAIVER], AS_OF)
    assert (found, states(uses)) == ((finding,), [WaiverState.UNUSED])


@pytest.mark.parametrize(
    "change", [{"policy": "access/no-invites-allowed"}, {"address": "jsm.customer_permissions/acme/HR2"}, {"address": "x"}]
)
def test_a_waiver_speaks_of_its_policy_and_address_only(change: dict[str, str]) -> None:
    finding = msgspec.structs.replace(FAILURE, **change)
    found, uses = waivers.apply([finding], [WAIVER], AS_OF)
    assert (found, states(uses)) == ((finding,), [WaiverState.UNUSED])


@pytest.mark.parametrize(
    ("moment", "state"),
    [
        (datetime(2026, 9, 1, 0, 0, tzinfo=UTC), WaiverState.APPLIED),
        (datetime(2026, 9, 1, 23, 59, 59, tzinfo=UTC), WaiverState.APPLIED),
        (datetime(2026, 9, 2, 0, 0, tzinfo=UTC), WaiverState.EXPIRED),
    ],
)
def test_a_waiver_counts_through_the_end_of_its_last_day(moment: datetime, state: WaiverState) -> None:
    (finding,), uses = waivers.apply([FAILURE], [WAIVER], moment)
    assert (finding.counts, states(uses)) == (state is WaiverState.EXPIRED, [state])


def test_an_expired_waiver_leaves_the_failure_to_one_that_is_not() -> None:
    expired, wide = replace(WAIVER, expires=date(2026, 6, 14)), replace(WAIVER, address="jsm.*", owner="lee@acme.example")
    (finding,), uses = waivers.apply([FAILURE], [expired, wide], AS_OF)
    assert finding.waiver
    assert finding.waiver.owner == "lee@acme.example"
    assert states(uses) == [WaiverState.EXPIRED, WaiverState.APPLIED]


def test_the_first_of_two_waivers_excuses_and_the_other_is_unused() -> None:
    _, uses = waivers.apply([FAILURE], [WAIVER, replace(WAIVER, address="*")], AS_OF)
    assert states(uses) == [WaiverState.APPLIED, WaiverState.UNUSED]


def test_one_waiver_excuses_many() -> None:
    others = [msgspec.structs.replace(FAILURE, address=f"jsm.customer_permissions/acme/D{number}") for number in range(5)]
    found, uses = waivers.apply(others, [replace(WAIVER, address="jsm.customer_permissions/acme/*")], AS_OF)
    assert not any(finding.counts for finding in found)
    assert states(uses) == [WaiverState.APPLIED]


def test_without_waivers_nothing_changes() -> None:
    assert waivers.apply([FAILURE], [], AS_OF) == ((FAILURE,), ())


# ----------------------------------------------------------------------------------------------------------------- patterns


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("a/b", "a/b", True),
        ("a/b", "a/bc", False),
        ("", "", True),
        ("", "a", False),
        ("*", "", True),
        ("*", "anything/at all", True),
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("ab*ba", "aba", False),
        ("*a*b*", "xbxaxbx", True),
        ("*a*b*", "xbxax", False),
        ("a**b", "ab", True),
        ("a?b", "axb", False),
        ("[ab]", "a", False),
        ("jsm.*/acme/*", "jsm.customer_permissions/acme/HR", True),
        ("jsm.*/acme/*", "jsm.customer_permissions/beta/HR", False),
        ("JSM.*", "jsm.x", False),
        ("a*", "a\nb", True),
    ],
)
def test_a_star_stands_for_anything_and_the_rest_for_itself(pattern: str, text: str, fits: bool) -> None:
    assert glob_matches(pattern, text) is fits


@settings(max_examples=1000)
@given(st.text(alphabet="ab*", max_size=8), st.text(alphabet="ab", max_size=10))
@example("*ab*ab*", "aab")
def test_a_pattern_fits_what_a_plain_regular_expression_fits(pattern: str, text: str) -> None:
    reference = re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, re.DOTALL) is not None
    assert glob_matches(pattern, text) is reference


def test_a_pattern_of_many_stars_is_decided_at_once() -> None:
    assert not glob_matches("a*" * 5000 + "b", "a" * 100_000)


def test_the_last_day_there_is_counts_as_any_other() -> None:
    _, uses = waivers.apply([FAILURE], [replace(WAIVER, expires=date.max)], AS_OF)
    assert states(uses) == [WaiverState.APPLIED]
