"""A trace tells how somebody came in as far as that is known, and never more: only an event that names the account proves it."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scanner.model import Gap, Reason, sort_key
from scanner.render.tracing import text
from scanner.render.tracing.json import render as as_json
from scanner.trace import people
from scanner.tracing import Confidence, Hypothesis, Sense, Stay, Trace
from scanner.ways import ENTRANCES
from tests import incident, traces
from tests.conftest import Atlascan
from tests.incident import Expected, Way

GOLDEN = Path(__file__).parent / "golden" / "trace.txt"
PROVEN, LIKELY, POSSIBLE, RULED_OUT = Confidence
EVERYBODY = [pytest.param(each, id=each.name) for each in incident.expected()]
OTTO, MAX, CORA = traces.OTTO, "max@partner.example", "cora@acme.example"


def hypotheses(trace: Trace, way: str) -> list[tuple[Stay, Hypothesis]]:
    return [(stay, each) for stay in trace.stays for each in stay.hypotheses if each.way == way]


def hypothesis(trace: Trace, way: str, stay: int = 0) -> Hypothesis:
    return next(each for each in trace.stays[stay].hypotheses if each.way == way)


def confidences(trace: Trace) -> set[Confidence]:
    return {each.confidence for stay in trace.stays for each in stay.hypotheses}


# -------------------------------------------------------------------------------------------------------------- the story


def test_the_whole_story_is_told_on_a_terminal(atlascan: Atlascan, tmp_path: Path) -> None:
    incident.configuration(tmp_path)
    incident.snapshot(tmp_path)

    done = atlascan("trace", "Otto@Partner.Example", "incident-whole-a.ndjson")

    assert (done.code, done.err) == (0, "")
    assert done.out == GOLDEN.read_text(encoding="utf-8")


@pytest.mark.parametrize("person", EVERYBODY)
def test_of_everybody_the_trace_says_how_and_when_they_came_and_by_whom(person: Expected) -> None:
    trace = traces.trace(person.id)

    for way in person.ways:
        assert [each for each in hypotheses(trace, way.way) if is_as_expected(way, *each)], way


def is_as_expected(way: Way, stay: Stay, told: Hypothesis) -> bool:
    came = told.at or stay.since
    return (
        told.confidence == way.confidence
        and (way.came is None or (came is not None and came.date() == way.came))
        and (way.by is None or (told.by is not None and told.by.id == way.by))
        and (way.event is None or f"org.event/{way.event}" in {clue.address for clue in told.speaks_for})
        and (way.out is None or (stay.until is not None and stay.until.date() == way.out))
    )


@pytest.mark.parametrize("person", EVERYBODY)
def test_what_nothing_rules_out_is_not_ruled_out(person: Expected) -> None:
    trace = traces.trace(person.id)

    left = {each.way for stay in trace.stays for each in stay.hypotheses if each.confidence is not RULED_OUT}

    assert set(person.not_ruled_out) <= left


@pytest.mark.parametrize("person", EVERYBODY)
def test_every_stay_weighs_every_way_and_says_why(person: Expected) -> None:
    for stay in traces.trace(person.id).stays:
        assert {each.way for each in stay.hypotheses} == set(ENTRANCES)
        assert all(each.because for each in stay.hypotheses)


def test_who_was_removed_and_is_back_came_in_twice() -> None:
    first, second = traces.trace(OTTO).stays

    assert first.ended_by is not None
    assert (first.ended_by.name, first.until) == ("Ada Admin", datetime(2026, 10, 9, 15, 30, tzinfo=UTC))
    assert [each.way for each in first.best] == ["invited"]
    assert [each.way for each in second.best] == ["approved-domain"]
    assert second.until is None


def test_who_is_back_without_an_event_has_come_in_again_on_a_day_that_no_log_tells() -> None:
    untold = {f"evt-incident-{number}" for number in (36, 37)}
    trace = traces.of(traces.changed(lambda records: (each for each in records if getattr(each, "id", "") not in untold)))

    first, second = trace.stays
    assert first.until is not None
    assert second.since is None
    assert second.best[0].way == "approved-domain"
    assert second.best[0].confidence is LIKELY
    assert "On a day that no log tells this person came back" in text.render(trace, width=200)


def test_it_says_which_of_the_doors_is_open_still() -> None:
    assert {way.way: way.is_open for way in traces.trace(OTTO).doorways} == {"invited": False, "approved-domain": True}


def test_of_a_door_that_could_not_be_judged_it_is_not_known_whether_it_is_open() -> None:
    refused = Gap(kind="org.access_domain", reason=Reason.FORBIDDEN, detail="refused (403)", parent="org/1")
    rest = traces.without("org.access_domain")

    trace = traces.of(traces.changed(lambda records: sorted((*rest(records), refused), key=sort_key)), OTTO)

    assert next(way.is_open for way in trace.doorways if way.way == "approved-domain") is None
    assert "refused (403)" in text.render(trace)


def test_a_way_in_that_is_gone_is_closed() -> None:
    trace = traces.of(
        traces.changed(lambda records: (each for each in records if getattr(each, "id", "") != "partner.example")), OTTO
    )

    assert next(way.is_open for way in trace.doorways if way.way == "approved-domain") is False


def test_it_says_who_else_came_the_same_way_and_who_was_let_in_by_the_person() -> None:
    because = {each.email: each.because for each in traces.trace(OTTO).companions}

    assert "the same way: Approved domain" in because["paula@partner.example"]
    assert "at the hand of this very person" in because["zoe@freemail.example"]
    assert "at the hand of Pia Project (pia@acme.example), too" in because["ina@freemail.example"]
    assert because["piet@partner.example"] == ("the same domain: partner.example",)
    assert "admin@acme.example" not in because


def test_the_evidence_is_kept_before_anything_is_taken_away() -> None:
    titles = [each.title.split()[0] for each in traces.trace(OTTO).todo]

    assert titles == ["Keep", "Fetch", "Stop", "Take", "Close", "Look", "Prove"]


# -------------------------------------------------------------------------------------- what is proven, and what cannot be


@pytest.mark.parametrize("log", ["refused", "short"])
@pytest.mark.parametrize("person", EVERYBODY)
def test_without_the_log_of_that_time_nothing_is_proven_and_it_says_what_to_fetch(person: Expected, log: incident.Log) -> None:
    trace = traces.trace(person.id, log)

    assert PROVEN not in confidences(trace)
    assert all(gap.fetch for gap in trace.gaps)
    assert "org.event" in {gap.log for gap in trace.gaps}
    assert "Fetch what nobody could look at" in {each.title for each in trace.todo}
    assert "Nothing is proven" in text.render(trace)


def test_facts_that_contradict_each_other_leave_both_ways() -> None:
    trace = traces.trace(CORA)

    assert hypothesis(trace, "added-by-admin").confidence is PROVEN
    assert hypothesis(trace, "synced").confidence is LIKELY
    assert any("synced" in clue.says for clue in hypothesis(trace, "added-by-admin").speaks_against)
    assert any("Added by an admin" in clue.says for clue in hypothesis(trace, "synced").speaks_against)
    assert "contradicts" in text.render(trace)


@pytest.mark.parametrize("person", EVERYBODY)
def test_another_tenants_ids_of_the_same_events_change_nothing(person: Expected) -> None:
    assert as_json(traces.trace(person.id, catalogue="b")) == as_json(traces.trace(person.id))


def test_events_whose_meaning_is_not_known_prove_nothing() -> None:
    trace = traces.of(traces.changed(traces.without("org.event_action")), OTTO)

    assert PROVEN not in confidences(trace)
    assert "org.event_action" in {gap.log for gap in trace.gaps}
    assert {each.action for each in trace.timeline} > {"user_invited", "joined_approved_domain"}


def test_an_event_that_names_somebody_else_proves_nothing_of_this_person() -> None:
    nora = [{"id": "other", "type": "users", "name": "Nora", "email": "nora@acme.example"}]
    change = traces.with_facts("org.event/evt-incident-36", context=nora, actor={"id": "other", "name": "Nora"})

    trace = traces.of(traces.changed(change), OTTO)

    assert PROVEN not in {each.confidence for _, each in hypotheses(trace, "approved-domain")}


def test_how_a_setting_is_today_rules_nothing_out_of_a_time_that_no_log_tells_of() -> None:
    trace = traces.trace("luca@elsewhere.example")

    told = hypothesis(trace, "approved-domain")

    assert told.confidence is POSSIBLE
    assert "whether it was so then, no log tells" in told.because


def test_a_log_that_is_whole_since_then_and_tells_of_no_change_rules_a_closed_door_out() -> None:
    trace = traces.trace(MAX)

    assert hypothesis(trace, "access-request").confidence is RULED_OUT
    assert hypothesis(trace, "approved-domain").confidence is LIKELY
    assert any("the log reaches back to that day" in clue.says for clue in hypothesis(trace, "approved-domain").speaks_against)


def test_an_invitation_by_an_admin_is_an_adding_by_an_admin() -> None:
    ada = {"id": "712020:1c000000-0000-4000-8000-000000000001", "name": "Ada Admin", "email": "admin@acme.example"}

    trace = traces.of(traces.changed(traces.with_facts("org.event/evt-incident-27", actor=ada)), "ina@freemail.example")

    assert hypothesis(trace, "added-by-admin").confidence is PROVEN


def test_what_a_program_gives_afterwards_is_no_adding_by_an_admin() -> None:
    granted = [each for each in traces.trace(OTTO).timeline if each.action == "Granted app access"]

    assert [each.sense for each in granted] == [Sense.OTHER]


# ------------------------------------------------------------------------------------------------------------ who is meant


@pytest.mark.parametrize("who", [OTTO, "OTTO@PARTNER.EXAMPLE", "otto@partner.example.", "otto outsider", " Otto@partner.example "])
def test_a_person_is_found_by_id_address_or_name(who: str) -> None:
    assert [each.id for each in people.find(traces.collected(), who)] == [OTTO]


@pytest.mark.parametrize("who", ["", " ", "@", "otto@", "@partner.example", "otto@other.example", "Otto"])
def test_what_names_nobody_finds_nobody(who: str) -> None:
    assert people.find(traces.collected(), who) == ()


def test_an_address_is_the_same_in_unicode_and_in_punycode() -> None:
    change = traces.with_facts(f"org.user/{OTTO}", email="otto@xn--mnchen-3ya.example")

    assert [each.id for each in people.find(traces.changed(change), "Otto@München.example")] == [OTTO]


def test_an_account_that_only_the_log_remembers_is_found() -> None:
    gone = traces.changed(traces.without("org.user", "jira.user", "jsm.customer"))

    trace = traces.of(gone, "nils@freemail.example")

    assert trace.person.kinds == ("org.event",)
    assert hypothesis(trace, "invited").confidence is PROVEN
    assert trace.paths == tuple(each for each in trace.paths if each.through == "public")


def test_several_that_match_are_listed_and_nobody_is_chosen(atlascan: Atlascan, tmp_path: Path) -> None:
    incident.configuration(tmp_path)
    incident.snapshot(tmp_path)

    done = atlascan("trace", "Nils Neumann", "incident-whole-a.ndjson")

    assert (done.code, done.out) == (2, "")
    assert "2 accounts match 'Nils Neumann'" in done.err
    assert "nils@freemail.example" in done.err
    assert "nils.neumann@partner.example" in done.err


def test_nobody_that_matches_is_an_error_and_no_empty_trace(atlascan: Atlascan, tmp_path: Path) -> None:
    incident.configuration(tmp_path)
    incident.snapshot(tmp_path)

    done = atlascan("trace", "nobody@partner.example", "incident-whole-a.ndjson")

    assert (done.code, done.out) == (2, "")
    assert "nobody matches 'nobody@partner.example'" in done.err


def test_the_json_has_all_of_it() -> None:
    document = json.loads(as_json(traces.trace(OTTO)))

    assert (document["format"], document["version"]) == ("atlascan/trace", 1)
    assert [[each["way"] for each in stay["hypotheses"] if each["confidence"] == "proven"] for stay in document["stays"]] == [
        ["invited"],
        ["approved-domain"],
    ]
    assert len(document["timeline"]) == len(traces.trace(OTTO).timeline)
