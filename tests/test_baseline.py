"""The baseline: what is new, what is known and what has vanished; and what nobody looked at is never said to be mended."""

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner import documents, results, snapshots
from scanner.baseline import Comparison
from scanner.cli import pipeline
from scanner.config import Config
from scanner.errors import InputError
from scanner.gate import Gating
from scanner.model import (
    AppliedWaiver,
    Baseline,
    BaselineState,
    Coverage,
    Fate,
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
    WaiverState,
)
from scanner.policies import judged as judged_policy
from scanner.policies import load
from scanner.render import formats
from tests import samples
from tests.conftest import Atlascan

SIGNUP = samples.PUBLIC_SIGNUP
POLICY = load()[SIGNUP]
JUDGED, EMPTY = judged_policy(Rule(POLICY, POLICY.severity, {})), samples.empty_report()
PERMISSIONS = "jsm.customer_permissions"
EXCUSE = AppliedWaiver(reason="r", owner="o", approved_by="a", expires=date(2027, 1, 1))
TARGET = Target(org="o-1", sites={"acme": "https://acme.atlassian.net"})
HEADER = Header(id="new", taken_at=datetime(2026, 6, 15, tzinfo=UTC), tool="test", target=TARGET)
NEW, KNOWN = BaselineState.NEW, BaselineState.KNOWN


def finding(verdict: Verdict, id_: str = "acme/HR", **more: object) -> Finding:
    made = Finding(
        policy=SIGNUP, address=f"{PERMISSIONS}/{id_}", name=id_, verdict=verdict, severity=Severity.HIGH, message=f"it is {verdict}"
    )
    return msgspec.structs.replace(made, **more)


def hidden(id_: str | None = None) -> Finding:
    """Return the finding of a gap, which knows what it hides or does not."""
    missing = f"{PERMISSIONS}/{id_}" if id_ else None
    address = f"jsm.service_desk/{id_}" if id_ else PERMISSIONS
    return finding(Verdict.UNKNOWN, address=address, missing=missing, reason=Reason.FORBIDDEN)


def earlier(*findings: Finding, target: Target = TARGET, version: int = 1) -> Report:
    return msgspec.structs.replace(
        EMPTY,
        snapshot=msgspec.structs.replace(HEADER, id="old", target=target),
        policies=(msgspec.structs.replace(JUDGED, version=version),),
        findings=findings,
    )


def compared(
    old: Iterable[Finding], now: Iterable[Finding], *, gaps: Iterable[Gap] = (), versions: tuple[int, int] = (1, 1)
) -> tuple[list[BaselineState | None], Baseline]:
    """Return how the findings of now stand, and what is said of the baseline."""
    comparison = Comparison(earlier(*old, version=versions[0]), HEADER, {SIGNUP: versions[1]})
    states = [comparison(each).baseline for each in now]
    return states, comparison.outcome(gaps)


def test_what_is_later_is_no_baseline_and_what_is_as_old_is_one() -> None:
    later = msgspec.structs.replace(earlier().snapshot, taken_at=HEADER.taken_at + timedelta(seconds=1))
    Comparison(earlier(), HEADER, {})
    with pytest.raises(InputError, match="the later one of the two"):
        Comparison(msgspec.structs.replace(earlier(), snapshot=later), HEADER, {})


def fates(baseline: Baseline) -> list[Fate]:
    return [each.fate for each in baseline.vanished]


FAIL, PASS, UNKNOWN = finding(Verdict.FAIL), finding(Verdict.PASS), finding(Verdict.UNKNOWN)
WAIVED = finding(Verdict.FAIL, waiver=EXCUSE)


# --------------------------------------------------------------------------------------------------------- new and known


@pytest.mark.parametrize(
    ("old", "now", "state"),
    [
        (FAIL, FAIL, KNOWN),
        (PASS, FAIL, NEW),
        (UNKNOWN, FAIL, NEW),
        (WAIVED, FAIL, NEW),
        (finding(Verdict.FAIL, "acme/IT"), FAIL, NEW),
        (finding(Verdict.FAIL, severity=Severity.LOW, message="m", name="n"), FAIL, KNOWN),
        (UNKNOWN, UNKNOWN, KNOWN),
        (FAIL, UNKNOWN, NEW),
        (hidden("acme/HR"), hidden("acme/HR"), KNOWN),
        (hidden("acme/HR"), UNKNOWN, KNOWN),
        (hidden("acme/IT"), hidden("acme/HR"), NEW),
        (hidden(), hidden("acme/HR"), NEW),
        (hidden(), hidden(), KNOWN),
        (FAIL, PASS, None),
        (FAIL, finding(Verdict.NOTAPPLICABLE), None),
        (FAIL, WAIVED, None),
    ],
)
def test_what_a_gate_looks_at_is_new_or_known(old: Finding, now: Finding, state: BaselineState | None) -> None:
    assert compared([old], [now])[0] == [state]


def test_two_things_hidden_by_one_parent_are_two() -> None:
    both = [msgspec.structs.replace(hidden(id_), address="jsm.service_desk/acme/X") for id_ in ("acme/HR", "acme/IT")]
    assert compared(both[:1], both)[0] == [KNOWN, NEW]


def test_a_policy_of_another_version_knows_nothing_and_that_is_said() -> None:
    states, baseline = compared([FAIL, UNKNOWN, PASS, WAIVED], [FAIL], versions=(1, 2))
    assert states == [NEW]
    assert baseline.vanished == ()
    [changed] = baseline.changed
    assert (changed.policy, changed.before, changed.after, changed.findings) == (SIGNUP, 1, 2, 2)


def test_a_policy_that_failed_nowhere_may_change_without_a_word() -> None:
    assert compared([PASS], [FAIL], versions=(1, 2))[1].changed == ()


# --------------------------------------------------------------------------------------------------------------- vanished


@pytest.mark.parametrize(
    ("now", "fate", "because"),
    [
        (PASS, Fate.PASSES, "it is pass"),
        (finding(Verdict.NOTAPPLICABLE), Fate.NOTAPPLICABLE, "it is notapplicable"),
        (WAIVED, Fate.WAIVED, "waived until 2027-01-01"),
        (UNKNOWN, Fate.UNKNOWN, "it is unknown"),
        (hidden("acme/HR"), Fate.UNKNOWN, "it is unknown"),
        (hidden(), Fate.UNKNOWN, "not all of its kind could be read"),
        (hidden("acme/IT"), Fate.GONE, "it is not there now, and all of its kind was read"),
        (finding(Verdict.FAIL, "acme/IT"), Fate.GONE, "it is not there now, and all of its kind was read"),
    ],
)
def test_of_a_failure_that_is_none_any_more_it_is_said_what_became_of_it(now: Finding, fate: Fate, because: str) -> None:
    [vanished] = compared([FAIL], [now])[1].vanished
    assert (vanished.policy, vanished.address, vanished.severity) == (FAIL.policy, FAIL.address, FAIL.severity)
    assert (vanished.fate, vanished.because) == (fate, because)


def test_what_fails_still_has_not_vanished() -> None:
    assert compared([FAIL], [FAIL])[1].vanished == ()


def test_only_failures_that_nobody_excused_can_vanish() -> None:
    assert compared([UNKNOWN, PASS, WAIVED], [])[1].vanished == ()


def test_of_two_verdicts_on_one_resource_the_worse_holds() -> None:
    assert fates(compared([FAIL], [PASS, UNKNOWN])[1]) == [Fate.UNKNOWN]
    assert fates(compared([FAIL], [UNKNOWN, PASS])[1]) == [Fate.UNKNOWN]


def test_what_a_gap_hides_without_a_finding_is_not_gone() -> None:
    gap = Gap(kind=PERMISSIONS, id="acme/HR", reason=Reason.OPT_IN_OFF, detail="not asked")
    assert fates(compared([FAIL], [], gaps=[gap])[1]) == [Fate.UNKNOWN]


def test_a_policy_that_is_not_applied_now_mends_nothing() -> None:
    comparison = Comparison(earlier(FAIL), HEADER, {})
    [vanished] = comparison.outcome(()).vanished
    assert (vanished.fate, vanished.because) == (Fate.NOT_JUDGED, "the policy is not applied now")


def test_a_site_that_was_not_scanned_mends_nothing() -> None:
    both = Target(org="o-1", sites=TARGET.sites | {"beta": "https://beta.atlassian.net"})
    comparison = Comparison(earlier(finding(Verdict.FAIL, "beta/HR"), target=both), HEADER, {SIGNUP: 1})
    [vanished] = comparison.outcome(()).vanished
    assert (vanished.fate, vanished.because) == (Fate.NOT_JUDGED, "the site beta was not scanned now")


_ids = st.sampled_from(["acme/A", "acme/B", "acme/C"])
_found = st.lists(
    st.builds(finding, st.sampled_from(Verdict), _ids, waiver=st.sampled_from([None, EXCUSE]))
    | st.builds(hidden, st.none() | _ids),
    max_size=6,
)


@given(_found, _found)
def test_every_old_failure_is_known_still_or_has_vanished_with_a_reason(old: list[Finding], now: list[Finding]) -> None:
    comparison = Comparison(earlier(*old), HEADER, {SIGNUP: 1})
    marked = [comparison(each) for each in now]
    vanished = {each.address: each for each in comparison.outcome(()).vanished}
    known = {each.address for each in marked if each.baseline is KNOWN and each.verdict is Verdict.FAIL}
    failed = {each.address for each in old if each.verdict is Verdict.FAIL and each.counts}
    assert failed - known <= vanished.keys() <= failed
    for each in vanished.values():
        verdicts = {new.verdict for new in now if (new.missing or new.address) == each.address}
        assert each.because
        assert (each.fate is Fate.PASSES) <= (Verdict.PASS in verdicts and Verdict.UNKNOWN not in verdicts)
        assert (each.fate is Fate.GONE) <= (not verdicts and not any(new.reason and not new.missing for new in now))


@given(_found)
def test_against_itself_nothing_is_new_and_nothing_has_vanished(found: list[Finding]) -> None:
    comparison = Comparison(earlier(*found), HEADER, {SIGNUP: 1})
    assert all(comparison(each).baseline is (KNOWN if each.counts else None) for each in found)
    excused = {each.address for each in found if each.verdict is Verdict.FAIL and not each.counts}
    assert {each.address for each in comparison.outcome(()).vanished} <= excused


# -------------------------------------------------------------------------------------------------------------- the target


@pytest.mark.parametrize(
    ("before", "message"),
    [
        (Target(org="o-2", sites=TARGET.sites), "the baseline is of the organization o-2, and this snapshot of o-1"),
        (
            Target(org="o-1", sites={"acme": "https://other.atlassian.net"}),
            "the site acme is https://other.atlassian.net in the baseline, and https://acme.atlassian.net in this snapshot",
        ),
        (
            Target(org=None, sites={"beta": "https://beta.atlassian.net"}),
            "the baseline and this snapshot have neither organization nor site in common",
        ),
        (Target(org=None, sites={}), "the baseline and this snapshot have neither organization nor site in common"),
    ],
)
def test_a_result_of_another_place_is_refused(before: Target, message: str) -> None:
    with pytest.raises(InputError) as caught:
        Comparison(earlier(FAIL, target=before), HEADER, {SIGNUP: 1})
    assert str(caught.value) == message
    assert caught.value.hint == "compare two of the same organization and sites"


@pytest.mark.parametrize(
    "before",
    [
        TARGET,
        Target(org=None, sites=TARGET.sites),
        Target(org="o-1", sites={}),
        Target(org="o-1", sites={"acme": "https://ACME.atlassian.net/"}),
        Target(org="o-1", sites=TARGET.sites | {"beta": "https://beta.atlassian.net"}),
    ],
)
def test_a_result_of_the_same_place_or_of_a_part_of_it_is_taken(before: Target) -> None:
    comparison = Comparison(earlier(FAIL, target=before), HEADER, {SIGNUP: 1})
    assert comparison(FAIL).baseline is KNOWN


# --------------------------------------------------------------------------------------------------------------- the reports


@pytest.mark.parametrize("name", ["text", "html"])
def test_people_read_what_is_new_known_and_vanished_and_why(name: str) -> None:
    text = " ".join(formats.load(name)(samples.compared_report()).split())
    for said in ("Against the baseline", "passes now", "unknown now, and may fail still", "not applicable now"):
        assert said in text
    assert "mended" not in text


def test_the_text_counts_by_what_became_of_them() -> None:
    lines = formats.load("text")(samples.compared_report()).splitlines()
    begin = lines.index("Against the baseline")
    assert lines[begin + 2 : begin + 9] == [
        "earlier   snapshot 4b7a, taken 2026-03-15 06:00 UTC, profile it-controlled",
        "new       5 FAIL, 5 UNKNOWN",
        "known     1 FAIL",
        "vanished  1 passes now, 1 not applicable now, 1 unknown now, and may fail still",
        "changed   jsm/separate-support-email-domain was version 1, and is 2: 2 findings of the baseline",
        "          cannot be compared",
        "",
    ]


def test_each_failure_says_whether_it_is_new() -> None:
    text = formats.load("text")(samples.compared_report())
    assert "org.access_domain/ANYONE  Any domain  (known)\n" in text
    assert "org.user_invites/jira  User invites of Jira  (new)\n" in text


def test_the_json_has_it_whole() -> None:
    written = json.loads(formats.load("json")(samples.compared_report()))
    baseline = written["baseline"]
    assert (baseline["new"], baseline["known"]) == ({"fail": 5, "unknown": 5}, {"fail": 1, "unknown": 0})
    assert [each["fate"] for each in baseline["vanished"]] == ["passes", "notapplicable", "unknown"]
    assert (written["gate"]["fail_on"], written["gate"]["fail_on_new"]) == (None, "high")


def test_junit_counts_what_is_known_as_a_failure_and_says_that_it_is_known() -> None:
    suites = ET.fromstring(formats.load("junit")(samples.compared_report()))  # noqa: S314  our own
    texts = [each.text or "" for each in suites.iter("failure")]
    assert (len(texts), sum("\nBaseline: known\n" in text for text in texts)) == (6, 1)
    assert {each.get("value") for each in suites.iter("property") if each.get("name") == "baseline"} == {"4b7a"}


def test_the_schema_knows_every_word_of_the_model() -> None:
    schema = documents.schema("result")
    vanished = schema["$defs"]["baseline"]["properties"]["vanished"]["items"]["properties"]
    assert vanished["fate"]["enum"] == [*Fate]
    assert schema["properties"]["findings"]["items"]["properties"]["baseline"]["enum"] == [*BaselineState, None]
    assert schema["properties"]["waivers"]["items"]["properties"]["state"]["enum"] == [*WaiverState]


def test_a_result_from_before_there_were_baselines_is_read() -> None:
    older = json.loads(formats.load("json")(samples.report()))
    del older["baseline"], older["gate"]["fail_on_new"]
    for each in older["findings"]:
        del each["baseline"]
    for each in older["waivers"]:
        del each["findings"], each["expiring"], each["because"]
    uses = tuple(msgspec.structs.replace(each, findings=0, because=None) for each in samples.report().waivers)
    assert results.parse(json.dumps(older).encode(), "r.json") == msgspec.structs.replace(samples.report(), waivers=uses)


def test_a_report_without_a_baseline_does_not_speak_of_one() -> None:
    assert "baseline" not in formats.load("text")(samples.report())
    assert "Against the baseline" not in formats.load("html")(samples.report())
    assert json.loads(formats.load("json")(samples.report()))["baseline"] is None


# ------------------------------------------------------------------------------------------------------------- the whole pipe


def desk(id_: str, *, is_open: bool) -> Resource:
    facts = {"public_signup": is_open, "channel_access": "open" if is_open else "restricted", "open_access": is_open}
    return Resource(kind=PERMISSIONS, id=id_, name=id_, facts=facts, source=Source.API)


def snapshot(*desks: Resource | Gap, target: Target = TARGET) -> Snapshot:
    coverage = (Coverage(kind=PERMISSIONS, requests=1, resources=len(desks), gaps=0, complete=True),)
    return Snapshot(msgspec.structs.replace(HEADER, coverage=coverage, target=target), lambda: desks)


def judged(of: Snapshot, baseline: Report | None = None, *waivers: Waiver) -> Report:
    rule = Rule(POLICY, POLICY.severity, {})
    gating = Gating(fail_on_new=baseline is not None, baseline=baseline)
    return pipeline.judge(Config(sites=()), pipeline.Criteria((rule,), (), waivers), of, gating)


def test_only_a_new_failure_stops_the_pipeline() -> None:
    old = judged(snapshot(desk("acme/HR", is_open=True), desk("acme/IT", is_open=False)))
    same = judged(snapshot(desk("acme/HR", is_open=True), desk("acme/IT", is_open=False)), old)
    worse = judged(snapshot(desk("acme/HR", is_open=True), desk("acme/IT", is_open=True)), old)
    gap = Gap(kind=PERMISSIONS, id="acme/HR", reason=Reason.FORBIDDEN, detail="refused")
    blind = judged(snapshot(gap, desk("acme/IT", is_open=False)), old)
    better = judged(snapshot(desk("acme/HR", is_open=False), desk("acme/IT", is_open=False)), old)
    assert [each.gate.exit_code for each in (old, same, worse, blind, better)] == [1, 0, 1, 3, 0]
    assert [fates(each.baseline) for each in (same, worse, blind, better) if each.baseline] == [
        [],
        [],
        [Fate.UNKNOWN],
        [Fate.PASSES],
    ]


def test_a_failure_whose_waiver_ran_out_is_new() -> None:
    waiver = Waiver(SIGNUP, f"{PERMISSIONS}/acme/HR", "r", "o", "a", date(2026, 6, 30))
    of = snapshot(desk("acme/HR", is_open=True))
    old = judged(of, None, waiver)
    assert judged(of, old, waiver).gate.exit_code == 0
    assert judged(of, old, replace(waiver, expires=date(2026, 6, 14))).gate.exit_code == 1


def test_a_result_with_a_baseline_is_itself_a_baseline(tmp_path: Path) -> None:
    of = snapshot(desk("acme/HR", is_open=True))
    second = judged(of, judged(of))
    (tmp_path / "r.json").write_text(formats.load("json")(second))
    assert results.load(tmp_path / "r.json") == second
    assert judged(of, results.load(tmp_path / "r.json")).gate.exit_code == 0


# ---------------------------------------------------------------------------------------------------------- the command line


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a configuration, snapshots before and after a door opened, and the result of the first."""
    (tmp_path / "atlascan.yaml").write_text("sites: [{url: https://acme.atlassian.net}]\ncompany_domains: [acme.example]\n")
    for name, desks in {
        "before": [desk("acme/HR", is_open=True), desk("acme/IT", is_open=True)],
        "after": [desk("acme/HR", is_open=False), desk("acme/IT", is_open=True), desk("acme/PR", is_open=True)],
        "beta": [],
    }.items():
        target = TARGET if name != "beta" else Target(org=None, sites={"beta": "https://beta.atlassian.net"})
        header = snapshot(*desks, target=target).header
        snapshots.write(str(tmp_path / f"{name}.ndjson"), header, desks)
    return tmp_path


def test_a_pipeline_that_fails_on_new_goes_on_until_a_door_opens(folder: Path, atlascan: Atlascan) -> None:
    assert atlascan("check", "before.ndjson", "-f", "json=old.json").code == 1
    new = ("--baseline", "old.json", "--fail-on", "new")
    assert atlascan("check", "before.ndjson", *new).code == 0
    done = atlascan("check", "after.ndjson", *new, "-f", "json=new.json", "-f", "html=new.html", "-f", "junit=new.xml")
    assert done.code == 1
    again = json.loads((folder / "new.json").read_text())
    new_failures = again["baseline"]["new"]["fail"]
    assert f"exit code 1: {new_failures} new failures at severity high or above" in " ".join(done.out.split())
    assert {each["address"] for each in again["findings"] if each["baseline"] == "new"} == {f"{PERMISSIONS}/acme/PR"}
    signup = [each for each in again["baseline"]["vanished"] if each["policy"] == SIGNUP]
    assert [(each["address"], each["fate"]) for each in signup] == [(f"{PERMISSIONS}/acme/HR", "passes")]
    assert atlascan("report", "new.json").out.replace("report", "") == done.out.replace("report", "")
    assert atlascan("check", "before.ndjson", *new, "--fail-on", "critical").code == 1, "what is critical stops it, known or not"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--fail-on", "new"), "--fail-on new needs to know what is old: name an earlier result with --baseline"),
        (("--fail-on", "low", "--fail-on", "high"), "--fail-on takes one severity (and 'new'), not high and low"),
        (("--baseline", "none.json"), "none.json: cannot be read: No such file or directory"),
        (("--baseline", "before.ndjson"), "before.ndjson"),
        (("--fail-on", "old"), "'old' is not one of"),
    ],
)
def test_what_is_asked_wrongly_is_refused(folder: Path, atlascan: Atlascan, args: tuple[str, ...], said: str) -> None:
    assert (folder / "before.ndjson").exists()
    done = atlascan("check", "before.ndjson", *args)
    assert (done.code, done.out) == (2, "")
    assert said in " ".join(done.err.split())


def test_the_result_of_another_site_is_refused(folder: Path, atlascan: Atlascan) -> None:
    (folder / "beta.yaml").write_text("sites: [{url: https://beta.atlassian.net}]\n")
    atlascan("check", "beta.ndjson", "-c", "beta.yaml", "-f", "json=other.json")
    done = atlascan("check", "before.ndjson", "--baseline", "other.json")
    assert done.code == 2
    assert "have neither organization nor site in common" in done.err


def test_a_scan_reads_the_baseline_before_it_collects(folder: Path, atlascan: Atlascan) -> None:
    done = atlascan("scan", "--baseline", "none.json", "-o", "s.ndjson")
    assert done.code == 2
    assert not (folder / "s.ndjson").exists()
