"""A trace tells how somebody came in as far as that is known, and never more: only an event that names the account proves it."""

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from scanner.model import Gap, Reason, Record, Resource, Source, sort_key
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
ADA, PIA, INA, PIET, DORA, DIRK, NILS = (
    f"712020:1c000000-0000-4000-8000-0000000000{number}" for number in ("01", "03", "11", "16", "25", "26", "47")
)
PETRA_NAMED = {"id": "qm:acme:30", "name": "Petra Portal", "type": "users", "email": "petra@buyer.example"}
PETRA, MAX_ID = "qm:acme:30", "712020:1c000000-0000-4000-8000-000000000044"


def hypotheses(trace: Trace, way: str) -> list[tuple[Stay, Hypothesis]]:
    return [(stay, each) for stay in trace.stays for each in stay.hypotheses if each.way == way]


def hypothesis(trace: Trace, way: str, stay: int = 0) -> Hypothesis:
    return next(each for each in trace.stays[stay].hypotheses if each.way == way)


def is_open(trace: Trace, way: str) -> bool | None:
    return next(each.is_open for each in trace.doorways if each.way == way)


def all_of(*changes: traces.Change) -> traces.Change:
    def change(records: Iterable[Record]) -> Iterable[Record]:
        for each in changes:
            records = each(records)
        return records

    return change


def gone(account: str) -> traces.Change:
    """Take an account away: the log alone tells of it."""
    return lambda records: (each for each in records if account not in (each.id or "") or each.kind == "org.event")


def written(pattern: str, other: str) -> traces.Change:
    """Write something in another way, wherever it stands."""
    return lambda records: msgspec.json.decode(
        re.sub(pattern, other, msgspec.json.encode(list(records)).decode()), type=list[Resource | Gap]
    )


WITHOUT_ADDRESSES = written('"email":"[^"]*"', '"email":null')


def refused(kind: str, *, read: Iterable[str | None] = ()) -> traces.Change:
    """Refuse a kind, but for what was `read` of it before."""
    gap = Gap(kind=kind, reason=Reason.FORBIDDEN, detail="refused (403)", parent="org/1")
    return lambda records: sorted((*(each for each in records if each.kind != kind or each.id in read), gap), key=sort_key)


def happened(action: str, actor: str, who: str, *, day: str = "2026-11-02", **about: str) -> traces.Change:
    """Add an event of the organization: somebody did something to somebody."""
    people = {each.id: {"id": each.id, "name": each.name, "email": each.email, "type": "users"} for each in incident.expected()}
    facts = {
        "action": action,
        "time": f"{day}T09:59:00.000Z",
        "actor": people[actor],
        "context": [people[who], *([{"id": about["id"], "name": about["name"], "type": "apps"}] if about else [])],
    }
    event = Resource(kind="org.event", id=f"evt-{action}", name=action, facts=facts, source=Source.API)
    return lambda records: sorted((*records, event), key=sort_key)


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


def test_of_a_customer_of_no_desk_any_more_the_desk_that_the_log_names_is_judged() -> None:
    named = [PETRA_NAMED, {"id": "project/10005", "name": "HR", "type": "projects"}]
    at_hr = traces.with_facts("org.event/evt-incident-21", context=named)

    trace = traces.of(traces.changed(all_of(gone(PETRA), at_hr, OPEN_HR)), "petra@buyer.example")

    assert is_open(trace, "portal-signup") is True


def test_where_no_desk_is_known_every_desk_is_judged() -> None:
    nameless = traces.with_facts("org.event/evt-incident-21", context=[PETRA_NAMED])

    trace = traces.of(traces.changed(all_of(gone(PETRA), nameless, OPEN_HR)), "petra@buyer.example")

    assert is_open(trace, "portal-signup") is True


OPEN_HR = traces.with_facts("jsm.customer_permissions/acme/HR", public_signup=True)


def test_a_desk_that_may_be_open_on_purpose_is_not_called_closed() -> None:
    trace = traces.of(traces.changed(traces.with_facts(f"jsm.customer/acme/{PETRA}", desks=["acme/IT", "acme/SUP"])), PETRA)

    assert is_open(trace, "portal-signup") is None


@pytest.mark.parametrize("groups", [[], ["276f955c-63d7-42c8-9520-92d01dca0101"]])
def test_who_was_taken_out_of_a_default_group_closes_no_door(groups: list[str]) -> None:
    out = traces.with_facts(f"org.user/{DORA}", groups=groups)
    role = traces.with_facts("jira.application_role/acme/jira-software", selected_by_default=False)

    assert is_open(traces.of(traces.changed(all_of(out, role)), DORA), "default-group") is True


def test_of_somebody_whose_address_is_hidden_the_domain_that_the_log_names_is_judged() -> None:
    trace = traces.of(traces.changed(WITHOUT_ADDRESSES), OTTO)

    assert hypothesis(trace, "approved-domain", stay=1).confidence is PROVEN
    assert is_open(trace, "approved-domain") is True


def test_where_no_domain_is_known_every_approved_domain_is_judged() -> None:
    alone = [{"id": OTTO, "name": "Otto Outsider", "type": "users"}]
    nameless = traces.with_facts("org.event/evt-incident-36", context=alone)

    assert is_open(traces.of(traces.changed(all_of(WITHOUT_ADDRESSES, nameless)), OTTO), "approved-domain") is True


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


def test_all_that_leads_inside_is_taken_away() -> None:
    trace = traces.of(traces.changed(with_a_group_of_partners), PIET)

    [clicks] = [each.clicks for each in trace.todo if each.title.startswith("Take away")]

    assert "Remove the person from the group Partners, which has the role Administrators of the project Mobile app." in clicks
    assert (
        "Remove the person from the group Partners, to which the permission scheme Company scheme grants BROWSE_PROJECTS." in clicks
    )
    assert "Take the grant of BROWSE_PROJECTS to the person out of the permission scheme Company scheme." in clicks


def with_a_group_of_partners(records: Iterable[Record]) -> Iterable[Record]:
    """Put Piet into a group that administers a project and may see others, and let him see these by name."""
    group = Resource(kind="org.group", id="partners", name="Partners", facts={"role_assignments": []}, source=Source.API)
    yield group
    for each in records:
        match each:
            case Resource(kind="org.user", id=id_, facts=facts) if id_ == PIET:
                yield msgspec.structs.replace(each, facts={**facts, "groups": [*facts["groups"], "partners"]})
            case Resource(kind="jira.project_role", name="Administrators", facts={"actors": list(actors)} as facts):
                added = [*actors, {"id": "partners", "name": "Partners", "type": "group"}]
                yield msgspec.structs.replace(each, facts={**facts, "actors": added})
            case Resource(kind="jira.permission_scheme", name="Company scheme", facts=facts):
                holders = (("user", PIET), ("group", "partners"))
                browse = [{"permission": "BROWSE_PROJECTS", "holder_type": type_, "holder_value": id_} for type_, id_ in holders]
                yield msgspec.structs.replace(each, facts={**facts, "grants": [*facts["grants"], *browse]})
            case _:
                yield each


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


def test_a_list_that_was_not_read_whole_rules_no_approved_domain_out() -> None:
    cut = refused("org.access_domain", read=["ANYONE", "supplier.example"])

    assert hypothesis(traces.of(traces.changed(cut), MAX), "approved-domain").confidence is POSSIBLE


def test_where_customers_could_not_be_read_nobody_is_said_to_be_none() -> None:
    trace = traces.of(traces.changed(refused("jsm.customer")), MAX)

    assert {hypothesis(trace, way).confidence for way, each in ENTRANCES.items() if each.customers} == {POSSIBLE}


def test_where_people_could_not_be_read_no_customer_is_said_to_be_nobody_else() -> None:
    trace = traces.of(traces.changed(refused("org.user")), "carl@buyer.example")

    against = [clue.says for stay in trace.stays for each in stay.hypotheses for clue in each.speaks_against]
    assert not [each for each in against if "customer only" in each]


@pytest.mark.parametrize("kind", ["org.group", "jira.application_role"])
def test_where_groups_could_not_be_read_the_default_group_is_not_ruled_out(kind: str) -> None:
    trace = traces.of(traces.changed(refused(kind)), DIRK)

    assert hypothesis(trace, "default-group").confidence is LIKELY


def test_a_default_that_is_switched_off_today_is_not_ruled_out_of_a_time_that_no_log_tells_of() -> None:
    told = hypothesis(traces.of(traces.changed(no_defaults), DIRK), "default-group")

    assert told.confidence is POSSIBLE
    assert "whether it was so then, no log tells" in told.because


def test_who_was_taken_out_of_a_group_since_may_have_landed_in_it() -> None:
    out, other = (happened("group_left", ADA, who, day="2026-11-04") for who in (MAX_ID, INA))
    none = traces.with_facts(f"org.user/{MAX_ID}", groups=[])

    assert hypothesis(traces.of(traces.changed(all_of(none, other)), MAX), "default-group").confidence is RULED_OUT
    assert hypothesis(traces.of(traces.changed(all_of(none, out)), MAX), "default-group").confidence is POSSIBLE


def no_defaults(records: Iterable[Record]) -> Iterable[Record]:
    for each in records:
        match each:
            case Resource(kind="jira.application_role", facts=facts):
                yield msgspec.structs.replace(each, facts={**facts, "default_groups": [], "selected_by_default": False})
            case Resource(kind="org.group", facts={"role_assignments": list(given)} as facts):
                plain = [{**one, "default_role": None} for one in given]
                yield msgspec.structs.replace(each, facts={**facts, "role_assignments": plain})
            case _:
                yield each


UNKNOWN_ADMINS = {
    "her roles are not told": traces.with_facts(f"org.user/{ADA}", platform_roles=None),
    "she is not among those who were read": gone(ADA),
}


@pytest.mark.parametrize("unknown", [pytest.param(change, id=name) for name, change in UNKNOWN_ADMINS.items()])
def test_an_invitation_by_somebody_of_whom_it_is_not_known_whether_they_are_an_admin_proves_neither_way(
    unknown: traces.Change,
) -> None:
    trace = traces.of(traces.changed(all_of(unknown, happened("user_invited", ADA, MAX_ID))), MAX)

    assert {each.way for each in trace.stays[0].hypotheses if each.confidence is LIKELY} == {"invited", "added-by-admin"}
    assert PROVEN not in confidences(trace)
    assert "Invited by a user or Added by an admin" in hypothesis(trace, "link").because
    assert {each.way for each in trace.doorways} == {"invited", "added-by-admin"}
    told = " ".join(text.render(trace).split())
    assert "Nothing is proven: the event that names this account fits more than one way." in told
    assert ": likely, by " in told
    assert ", or " in told


def test_an_adding_by_somebody_who_is_no_admin_today_is_no_proven_adding_by_an_admin() -> None:
    trace = traces.of(traces.changed(happened("user_added", PIA, MAX_ID)), MAX)

    assert PROVEN not in confidences(trace)
    assert hypothesis(trace, "added-by-admin").confidence is hypothesis(trace, "invited").confidence is LIKELY


def test_who_accepts_an_invitation_does_not_say_who_invited() -> None:
    trace = traces.of(traces.changed(lambda records: (each for each in records if each.id != "evt-incident-27")), INA)

    assert PROVEN not in confidences(trace)
    assert hypothesis(trace, "added-by-admin").confidence is hypothesis(trace, "invited").confidence is LIKELY


def test_an_acceptance_adds_no_other_way_to_an_invitation_by_an_admin() -> None:
    ada = {"id": ADA, "name": "Ada Admin", "email": "admin@acme.example"}

    trace = traces.of(traces.changed(traces.with_facts("org.event/evt-incident-27", actor=ada)), INA)

    assert [each.way for each in trace.stays[0].hypotheses if each.confidence is PROVEN] == ["added-by-admin"]


def test_an_event_that_names_an_account_tells_nothing_of_another_with_the_same_address() -> None:
    trace = traces.of(traces.changed(written("otto@partner.example", "piet@partner.example")), PIET)

    assert PROVEN not in confidences(trace)
    assert trace.timeline == traces.trace(PIET).timeline


def test_an_event_that_names_no_account_is_told_by_the_address() -> None:
    by_mail = [{"type": "users", "name": "Ina", "email": "INA@freemail.example"}]

    trace = traces.of(traces.changed(traces.with_facts("org.event/evt-incident-27", context=by_mail)), INA)

    assert hypothesis(trace, "invited").confidence is PROVEN


def test_who_adds_somebody_whom_the_event_does_not_name_has_not_come_in() -> None:
    added = happened("user_added", PIA, INA)
    nameless = traces.with_facts("org.event/evt-user_added", context=[])

    assert traces.of(traces.changed(all_of(added, nameless)), PIA).stays == traces.trace(PIA).stays


@pytest.mark.parametrize(("by", "confidence"), [(ADA, PROVEN), (PIA, POSSIBLE)])
def test_who_was_let_in_again_came_back_and_an_admin_did_it_where_that_is_known(by: str, confidence: Confidence) -> None:
    words = Resource(
        kind="org.event_action", id="restored", name="", facts={"display_name": "Restored user access"}, source=Source.API
    )
    removed, back = happened("user_removed", ADA, INA), happened("restored", by, INA, day="2026-11-04")

    trace = traces.of(traces.changed(all_of(removed, back, lambda records: sorted((*records, words), key=sort_key))), INA)

    assert [each.until is None for each in trace.stays] == [False, True]
    assert trace.stays[1].since == datetime(2026, 11, 4, 9, 59, tzinfo=UTC)
    assert hypothesis(trace, "added-by-admin", stay=1).confidence is confidence


def test_nobody_is_their_own_company() -> None:
    by_mail = [{"type": "users", "name": "Ina", "email": "INA@freemail.example"}]

    trace = traces.of(traces.changed(traces.with_facts("org.event/evt-incident-27", context=by_mail)), INA)

    assert "INA@freemail.example" not in {each.email for each in trace.companions}


def test_who_loses_one_app_has_not_been_away() -> None:
    revoked = happened("app_access_revoked", ADA, INA, id="confluence", name="Confluence")

    trace = traces.of(traces.changed(revoked), INA)

    assert len(trace.stays) == 1
    assert trace.stays[0].until is None
    assert "Revoked app access" in {each.action for each in trace.timeline}


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
    trace = traces.of(traces.changed(gone(NILS)), "nils@freemail.example")

    assert trace.person.kinds == ("org.event",)
    assert hypothesis(trace, "invited").confidence is PROVEN
    assert trace.paths == tuple(each for each in trace.paths if each.through == "public")


@pytest.mark.parametrize("who", [OTTO, "Otto Outsider"])
def test_an_account_that_only_the_log_remembers_is_found_without_an_address(who: str) -> None:
    trace = traces.of(traces.changed(all_of(gone(OTTO), WITHOUT_ADDRESSES)), who)

    assert trace.person.id == OTTO
    assert hypothesis(trace, "invited").confidence is PROVEN


def test_a_thing_that_an_event_names_is_no_person() -> None:
    assert people.find(traces.collected(), "APP-142") == ()


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
