"""Waivers: they excuse failures and nothing else, through the end of their last day, and the verdict stays what it is."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scanner import config, documents, policies, waivers
from scanner.cli import pipeline
from scanner.errors import InputError
from scanner.model import (
    AppliedWaiver,
    Coverage,
    Finding,
    Gap,
    Header,
    Reason,
    Report,
    Resource,
    Rule,
    Severity,
    Snapshot,
    Source,
    Target,
    Verdict,
    Waiver,
    WaiverLimits,
    WaiverState,
    WaiverUse,
)
from scanner.render import formats
from scanner.waivers import Excuses, Terms, added, glob_matches, is_in_force, objection

KINDS = {"jsm/public-signup-off": "jsm.customer_permissions", "access/no-invites-allowed": "org.user_invites"}
POLICIES = tuple(KINDS)
LIMITS = WaiverLimits()
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


def applied(
    findings: Iterable[Finding], given: Iterable[Waiver], as_of: datetime = AS_OF, limits: WaiverLimits = LIMITS
) -> tuple[tuple[Finding, ...], tuple[WaiverUse, ...]]:
    """Let findings pass by waivers; return them, and what became of each waiver."""
    excuses = Excuses(given, Terms(as_of, KINDS, limits))
    return tuple(map(excuses, findings)), excuses.uses()


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
    (finding,), uses = applied([FAILURE], [WAIVER])
    excuse = AppliedWaiver(
        reason="being closed", owner="sam@acme.example", approved_by="kim@acme.example", expires=date(2026, 9, 1), ticket="SEC-1"
    )
    assert finding == msgspec.structs.replace(FAILURE, waiver=excuse)
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
            findings=1,
        ),
    )


@pytest.mark.parametrize("verdict", [Verdict.PASS, Verdict.UNKNOWN, Verdict.NOTAPPLICABLE])
def test_nothing_but_a_failure_is_excused(verdict: Verdict) -> None:
    finding = msgspec.structs.replace(FAILURE, verdict=verdict)
    found, uses = applied([finding], [WAIVER])
    assert (found, states(uses)) == ((finding,), [WaiverState.UNUSED])


@pytest.mark.parametrize(
    "change",
    [{"policy": "access/no-invites-allowed"}, {"address": "jsm.customer_permissions/acme/HR2"}, {"address": "x"}],
)
def test_a_waiver_speaks_of_its_policy_and_address_only(change: dict[str, str]) -> None:
    finding = msgspec.structs.replace(FAILURE, **change)
    found, uses = applied([finding], [WAIVER])
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
    (finding,), uses = applied([FAILURE], [WAIVER], moment)
    assert (finding.counts, states(uses)) == (state is WaiverState.EXPIRED, [state])


def test_an_expired_waiver_leaves_the_failure_to_one_that_is_not() -> None:
    expired, wide = replace(WAIVER, expires=date(2026, 6, 14)), replace(WAIVER, address="jsm.*", owner="lee@acme.example")
    (finding,), uses = applied([FAILURE], [expired, wide])
    assert finding.waiver
    assert finding.waiver.owner == "lee@acme.example"
    assert states(uses) == [WaiverState.EXPIRED, WaiverState.APPLIED]


def test_the_first_of_two_waivers_excuses_and_the_other_is_unused() -> None:
    _, uses = applied([FAILURE], [WAIVER, replace(WAIVER, address="*")])
    assert states(uses) == [WaiverState.APPLIED, WaiverState.UNUSED]
    assert [use.because for use in uses] == [None, "an earlier waiver excuses the same"]


def test_one_waiver_excuses_many() -> None:
    others = [msgspec.structs.replace(FAILURE, address=f"jsm.customer_permissions/acme/D{number}") for number in range(5)]
    found, uses = applied(others, [replace(WAIVER, address="jsm.customer_permissions/acme/*")])
    assert not any(finding.counts for finding in found)
    assert [(use.state, use.findings) for use in uses] == [(WaiverState.APPLIED, 5)]


def test_without_waivers_nothing_changes() -> None:
    assert applied([FAILURE], []) == ((FAILURE,), ())


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


# ------------------------------------------------------------------------------------------------- what is not to be honoured


def refused(**change: Any) -> str | None:  # noqa: ANN401  any field of a waiver
    """Return why a waiver is invalid, and assert that it excuses nothing if it is, wherever one may ask."""
    waiver, terms = replace(WAIVER, **change), Terms(AS_OF, KINDS)
    because = objection(waiver, terms)
    ((finding,), (use,)) = applied([msgspec.structs.replace(FAILURE, policy=waiver.policy)], [waiver])
    assert is_in_force(waiver, terms) is (because is None)
    assert (use.state is WaiverState.INVALID, use.because if because else None) == (because is not None, because)
    assert finding.counts or because is None
    return because


@pytest.mark.parametrize(
    "address",
    [
        "org.user_invites/jira",
        "jsm.customer_permission/acme/HR",
        "jsm.email*",
        "jsm.customer_permissions",
        "HR",
        "x*",
        "/",
        "acme/*",
    ],
)
def test_a_waiver_whose_address_can_never_match_is_invalid(address: str) -> None:
    assert refused(address=address) == ("jsm/public-signup-off judges jsm.customer_permissions, and this address never names one")


@pytest.mark.parametrize("address", ["*", "jsm.*", "*/HR", "jsm.customer_permissions/*", "j*/acme/*", "jsm.customer_permissions*"])
def test_a_waiver_whose_address_may_match_is_not(address: str) -> None:
    assert refused(address=address) is None


@pytest.mark.parametrize(
    ("owner", "approved_by"),
    [
        ("sam@acme.example", "sam@acme.example"),
        ("Sam Doe", " sam  DOE "),
        ("sam@acme.example", "SAM@ACME.EXAMPLE"),
        ("sam@acme.example", "sam@acme.exam\u200bple"),
        ("\uff53am", "sam"),
    ],
)
def test_nobody_approves_a_waiver_for_themselves(owner: str, approved_by: str) -> None:
    assert refused(owner=owner, approved_by=approved_by) == f"{owner} approves it for themselves"


@pytest.mark.parametrize("nobody", ["\u200b", "\u00ad \u2060"])
@pytest.mark.parametrize("role", ["owner", "approved_by"])
def test_a_name_of_which_nothing_can_be_seen_is_nobodys(role: str, nobody: str) -> None:
    assert refused(**{role: nobody}) == f"its {role} names nobody"


@pytest.mark.parametrize(("expires", "valid"), [(date(2027, 6, 16), True), (date(2027, 6, 17), False), (date.max, False)])
def test_a_waiver_is_for_a_year_at_most(expires: date, valid: bool) -> None:
    assert (refused(expires=expires) is None) is valid


def test_the_limit_and_what_was_asked_for_are_named() -> None:
    assert refused(expires=date(2027, 6, 17)) == "it ends 367 days after the snapshot, and 366 are allowed"


def test_the_configuration_may_allow_longer_waivers_or_shorter_ones() -> None:
    for longest, state in ((78, WaiverState.APPLIED), (77, WaiverState.INVALID)):
        _, uses = applied([FAILURE], [WAIVER], limits=WaiverLimits(longest=longest))
        assert states(uses) == [state]


def test_an_invalid_waiver_leaves_the_failure_to_one_that_is_valid() -> None:
    own = replace(WAIVER, approved_by=WAIVER.owner)
    (finding,), uses = applied([FAILURE], [own, replace(WAIVER, reason="for a while")])
    assert finding.waiver
    assert finding.waiver.reason == "for a while"
    assert states(uses) == [WaiverState.INVALID, WaiverState.APPLIED]


def test_a_waiver_for_a_policy_that_is_not_applied_is_unused_and_says_so() -> None:
    _, (use,) = applied([FAILURE], [replace(WAIVER, policy="jira/no-public-filters", address="anything")])
    assert (use.state, use.because) == (
        WaiverState.UNUSED,
        "the policy is not applied: the profile or the configuration leaves it out",
    )


def test_a_waiver_of_what_does_not_fail_is_unused_and_says_so() -> None:
    _, (use,) = applied([], [WAIVER])
    assert (use.state, use.because, use.findings) == (WaiverState.UNUSED, "nothing fails there", 0)


@pytest.mark.parametrize(
    ("expires", "within", "expiring"),
    [
        (date(2026, 7, 15), 30, True),
        (date(2026, 7, 16), 30, False),
        (date(2026, 6, 15), 0, True),
        (date(2026, 6, 16), 0, False),
        (date(2026, 6, 14), 30, False),
    ],
)
def test_a_waiver_is_expiring_in_its_last_days_and_not_after(expires: date, within: int, expiring: bool) -> None:
    for findings in ([FAILURE], []):
        _, (use,) = applied(findings, [replace(WAIVER, expires=expires)], limits=WaiverLimits(expiring_within=within))
        assert use.expiring is expiring


def test_findings_stream_by_and_are_not_gathered() -> None:
    asked: list[int] = []

    def endless() -> Iterator[Finding]:
        while True:
            asked.append(1)
            yield FAILURE

    excuses = Excuses([WAIVER], Terms(AS_OF, KINDS))
    streamed = map(excuses, endless())
    assert [next(streamed).counts for _ in range(3)] == [False] * 3
    assert (len(asked), excuses.uses()[0].findings) == (3, 3)


@settings(max_examples=300)
@given(
    st.lists(st.sampled_from(["k/a", "k/b", "k/ab", "k/*", "k/a*", "*b"]), max_size=5), st.lists(st.sampled_from(["a", "b", "ab"]))
)
def test_the_first_that_fits_excuses_and_each_counts_what_it_excuses(addresses: list[str], ids: list[str]) -> None:
    given_ = [replace(WAIVER, address=address, owner=str(index)) for index, address in enumerate(addresses)]
    excuses = Excuses(given_, Terms(AS_OF, {WAIVER.policy: "k"}))
    found = [excuses(msgspec.structs.replace(FAILURE, address=f"k/{id_}")) for id_ in ids]
    first = [next((index for index, each in enumerate(addresses) if glob_matches(each, f"k/{id_}")), None) for id_ in ids]
    assert [each.waiver and int(each.waiver.owner) for each in found] == first
    assert [use.findings for use in excuses.uses()] == [first.count(index) for index in range(len(addresses))]


# -------------------------------------------------------------------------------------------------------- in the whole pipe


def report(*given: Waiver, limits: WaiverLimits = LIMITS) -> Report:
    """Return the report on one desk whose portal is open to everybody, by one policy."""
    desk = Resource(
        kind="jsm.customer_permissions",
        id="acme/HR",
        name="HR",
        facts={"public_signup": True, "channel_access": "open", "open_access": True},
        source=Source.API,
    )
    gap = Gap(
        kind="jsm.customer_permissions", id="acme/IT", parent="jsm.service_desk/acme/IT", reason=Reason.FORBIDDEN, detail="no"
    )
    header = Header(
        id="0",
        taken_at=AS_OF,
        tool="test",
        target=Target(org=None, sites={"acme": "https://acme.atlassian.net"}),
        coverage=(Coverage(kind="jsm.customer_permissions", requests=2, resources=1, gaps=1, complete=False),),
    )
    policy = policies.load()["jsm/public-signup-off"]
    return pipeline.judge(
        config.Config(sites=(), waiver_limits=limits),
        pipeline.Criteria((Rule(policy, policy.severity, {}),), (), given),
        Snapshot(header, lambda: [gap, desk]),
    )


def test_only_a_waiver_in_force_opens_the_gate_and_the_verdict_stays() -> None:
    unwaived, waived = report(), report(WAIVER)
    assert (unwaived.gate.exit_code, waived.gate.exit_code) == (1, 3), "the unknown is not excused"
    assert [each.verdict for each in unwaived.findings] == [each.verdict for each in waived.findings]
    for void in (
        replace(WAIVER, expires=date(2026, 6, 14)),
        replace(WAIVER, approved_by=WAIVER.owner),
        replace(WAIVER, expires=date(2027, 6, 17)),
        replace(WAIVER, address="org.user_invites/*"),
    ):
        assert report(void).gate.exit_code == 1
        assert [each.waiver for each in report(void).findings] == [None, None]


def test_what_is_unknown_cannot_be_waived() -> None:
    (use,) = report(replace(WAIVER, address="*/acme/IT")).waivers
    assert use.state is WaiverState.UNUSED


@pytest.mark.parametrize("name", formats.FORMATS)
def test_every_format_calls_a_waived_failure_waived(name: str) -> None:
    assert "waived" in formats.load(name)(report(WAIVER)).lower().replace("waivers", "")


@pytest.mark.parametrize("name", ["text", "html", "json"])
def test_what_became_of_a_waiver_is_in_every_report_that_people_read(name: str) -> None:
    given = [
        WAIVER,
        replace(WAIVER, address="*", ticket=None),
        replace(WAIVER, expires=date(2026, 6, 14)),
        replace(WAIVER, approved_by=WAIVER.owner),
    ]
    text = formats.load(name)(report(*given, limits=WaiverLimits(expiring_within=90)))
    for said in ("applied", "unused", "expired", "invalid", "expiring", "an earlier waiver", "approves it for themselves"):
        assert said in " ".join(text.split())


def test_the_text_says_what_each_waiver_does_and_how_long_it_lasts() -> None:
    text = formats.load("text")(report(WAIVER, limits=WaiverLimits(expiring_within=90)))
    assert "excuses 1 failure until 2026-09-01 (expiring: 78 days left); owner sam@acme.example" in " ".join(text.split())


# ------------------------------------------------------------------------------------------------------------ configuration


def configured(tmp_path: Path, waivers_key: str) -> config.Config:
    (tmp_path / "w.yaml").write_text("waivers: []\n")
    (tmp_path / "atlascan.yaml").write_text(f"sites: [{{url: https://acme.atlassian.net}}]\nwaivers: {waivers_key}\n")
    return config.load(tmp_path / "atlascan.yaml")


@pytest.mark.parametrize(
    ("key", "limits"),
    [
        ("w.yaml", WaiverLimits()),
        ("{file: w.yaml}", WaiverLimits()),
        ("{file: w.yaml, longest: 90}", WaiverLimits(longest=90)),
        ("{file: w.yaml, longest: 90, expiring_within: 7}", WaiverLimits(longest=90, expiring_within=7)),
    ],
)
def test_the_configuration_names_the_file_and_may_set_the_limits(tmp_path: Path, key: str, limits: WaiverLimits) -> None:
    read = configured(tmp_path, key)
    assert (read.waivers, read.waiver_limits) == (tmp_path / "w.yaml", limits)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("{longest: 90}", "waivers: the key 'file' is missing"),
        ("{file: w.yaml, longest: 0}", "waivers.longest: 0 is less than the minimum of 1"),
        ("{file: w.yaml, longer: 9}", "waivers.longer: unknown key 'longer'"),
        ("{file: none.yaml}", "waivers.file: there is no file "),
    ],
)
def test_what_the_configuration_says_wrongly_of_waivers_is_refused(tmp_path: Path, key: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        configured(tmp_path, key)
    assert message in str(caught.value)


# ------------------------------------------------------------------------------------------------------------------ writing


NEXT = replace(WAIVER, address="jsm.customer_permissions/acme/IT", reason="a: b # c", ticket=None)
ITEM = "policy: jsm/public-signup-off, address: a/b, reason: r, owner: o, approved_by: a, expires: 2026-09-01"
BLOCK = "policy: jsm/public-signup-off\n{0}address: a/b\n{0}reason: r\n{0}owner: o\n{0}approved_by: a\n{0}expires: 2026-09-01\n"


@pytest.mark.parametrize(
    "before",
    [
        "waivers: []\n",
        "# top\nwaivers:   [ ]   # none\n# end\n",
        "waivers: []",
        f"# top\nwaivers:\n  # first\n  - {BLOCK.format('    ')}  # end\n",
        f"waivers:\n- {BLOCK.format('  ')}",
        f"waivers:\n      -   {BLOCK.format('          ')}\n\n",
        f"waivers:\n  - {BLOCK.format('    ')}".rstrip(),
        f"waivers:\r\n  - {{{ITEM}}}\r\n# end\r\n",
        f"\ufeffwaivers:\n  -\n    {BLOCK.format('    ')}",
        "waivers:\n  - {" + ITEM.replace("reason: r", "reason: '- x'") + "}\n",
    ],
)
def test_a_waiver_is_appended_and_all_else_stays_as_it_is(before: str, tmp_path: Path) -> None:
    after = added(before, "w.yaml", NEXT)
    (tmp_path / "old.yaml").write_text(before, newline="")
    (tmp_path / "new.yaml").write_text(after, newline="")
    assert waivers.load(tmp_path / "new.yaml", POLICIES) == (*waivers.load(tmp_path / "old.yaml", POLICIES), NEXT)
    assert after.startswith(before.replace("   [ ]", "").replace(" []", ""))
    assert after.count("\r\n") in (0, after.count("\n"))


@pytest.mark.parametrize("before", [f"waivers: [{{{ITEM}}}]\n", "{waivers: []}\n", f"waivers:\n  - {{{ITEM}}}\n...\n"])
def test_what_cannot_be_appended_to_is_left_alone_and_the_entry_is_given(before: str) -> None:
    with pytest.raises(InputError) as caught:
        added(before, "w.yaml", NEXT)
    assert str(caught.value) == "w.yaml: written in a way that nothing can be appended to"
    assert '"address":"jsm.customer_permissions/acme/IT"' in (caught.value.hint or "")


def test_a_wrong_file_is_not_appended_to() -> None:
    with pytest.raises(InputError, match=re.escape("w.yaml:1: waiver: unknown key 'waiver'")):
        added("waiver: []\n", "w.yaml", NEXT)


@given(st.text(min_size=1).filter(str.strip), st.text(min_size=1).filter(str.strip))
def test_whatever_a_person_writes_is_read_back_or_refused(reason: str, owner: str) -> None:
    said = replace(WAIVER, reason=reason, owner=owner)
    try:
        text = added(waivers.EMPTY, "w.yaml", said)
    except InputError:
        return
    entry = documents.parse(text, "w.yaml").value["waivers"][0]
    assert (entry["reason"], entry["owner"]) == (reason, owner)
