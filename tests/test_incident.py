"""The incident on the stand-in site is what its README says, and can be collected: what is built on it stands on this."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import requests

from scanner import snapshots
from scanner.cli import pipeline
from scanner.model import Gap, Record, Resource, Verdict
from scanner.ways import ENTRANCES
from tests import incident
from tests import test_contract as contract
from tests.fake_atlassian import promises
from tests.fake_atlassian.server import running

LOGS = frozenset({"org.event", "org.event_action", "jira.audit_record"})
OTTO = "712020:1c000000-0000-4000-8000-000000000010"
PIA = "712020:1c000000-0000-4000-8000-000000000003"


def records(folder: Path, log: incident.Log = "whole", catalogue: incident.Catalogue = "a") -> list[Record]:
    return list(snapshots.load(str(incident.snapshot(folder, log, catalogue))))


def resources(found: list[Record], *kinds: str) -> Iterator[Resource]:
    return (each for each in found if isinstance(each, Resource) and each.kind in kinds)


def account(resource: Resource) -> str:
    return resource.id if resource.kind.startswith("org.") else resource.id.partition("/")[2]


def named_by(event: Resource) -> set[str]:
    return {each["id"] for each in event.facts["context"]}


# ------------------------------------------------------------------------------------------------------------- the people


def test_everybody_of_whom_an_answer_is_expected_is_in_the_snapshot(tmp_path: Path) -> None:
    people: dict[str, set[tuple[Any, Any]]] = {}
    for each in resources(records(tmp_path), "org.user", "jira.user", "jsm.customer"):
        called = each.facts.get("display_name") or each.facts.get("name") or each.name
        people.setdefault(account(each), set()).add((called, each.facts["email"]))

    assert people == {each.id: {(each.name, each.email)} for each in incident.expected()}


def test_of_each_way_in_an_event_tells_of_one_person_and_none_of_another() -> None:
    told = {way.way for each in incident.expected() for way in each.ways if way.confidence == "proven"}
    untold = {way.way for each in incident.expected() for way in each.ways if way.confidence != "proven"}

    assert told == untold == set(ENTRANCES)


def test_more_than_thirty_others_came_beside_the_stranger() -> None:
    assert len(incident.expected()) > 31


def test_ways_in_that_are_not_ruled_out_are_ways_in() -> None:
    assert {way for each in incident.expected() for way in each.not_ruled_out} <= set(ENTRANCES)


# ------------------------------------------------------------------------------------------------------------- the events


def test_an_event_that_proves_a_way_in_names_the_person_the_day_and_who_let_them_in(tmp_path: Path) -> None:
    events = {each.id: each for each in resources(records(tmp_path), "org.event")}
    for person in incident.expected():
        for way in person.ways:
            if way.confidence != "proven":
                assert way.event is None
                continue
            facts = events[way.event or ""].facts

            assert person.id in named_by(events[way.event or ""])
            assert facts["time"].startswith(str(way.came))
            assert way.by in {None, facts["actor"]["id"]}


def test_no_event_tells_how_those_came_of_whom_none_is_expected_to(tmp_path: Path) -> None:
    untold = {each.id for each in incident.expected() if all(way.confidence != "proven" for way in each.ways)}
    found = records(tmp_path)
    words = {each.id: each.facts["display_name"] for each in resources(found, "org.event_action")}
    told = {words[each.facts["action"]] for each in resources(found, "org.event") if named_by(each) & untold}

    assert told == {"Logged in to account"}


def test_every_action_of_an_event_is_in_the_catalogue(tmp_path: Path) -> None:
    for catalogue in ("a", "b"):
        found = records(tmp_path, catalogue=catalogue)
        known = {each.id for each in resources(found, "org.event_action")}

        assert {each.facts["action"] for each in resources(found, "org.event")} <= known


def test_the_stranger_is_invited_removed_and_back_a_day_later_with_the_same_account(tmp_path: Path) -> None:
    found = records(tmp_path)
    words = {each.id: each.facts["display_name"] for each in resources(found, "org.event_action")}
    story = [
        (each.facts["time"][:10], words[each.facts["action"]], each.facts["actor"]["name"])
        for each in sorted(resources(found, "org.event"), key=lambda event: event.facts["time"])
        if OTTO in named_by(each)
    ]

    assert story == [
        ("2026-10-05", "Invited user to organization", "Pia Project"),
        ("2026-10-05", "Accepted invitation", "Otto Outsider"),
        ("2026-10-05", "Logged in to account", "Otto Outsider"),
        ("2026-10-09", "Removed user from organization", "Ada Admin"),
        ("2026-10-10", "Joined through approved domain", "Otto Outsider"),
        ("2026-10-10", "Granted app access", "System"),
        ("2026-10-20", "Created API token", "Otto Outsider"),
        ("2026-11-18", "Logged in to account", "Otto Outsider"),
    ]


def test_whoever_invited_the_stranger_is_no_admin(tmp_path: Path) -> None:
    pia = next(each for each in resources(records(tmp_path), "org.user") if each.id == PIA)

    assert pia.facts["platform_roles"] == []


def test_one_of_the_doors_that_the_stranger_came_through_is_closed_and_the_other_is_open(tmp_path: Path) -> None:
    config = pipeline.load_config(incident.configuration(tmp_path))
    report = pipeline.judge(config, pipeline.criteria(config), snapshots.load(str(incident.snapshot(tmp_path))))
    verdicts = {(each.policy, each.address): each.verdict for each in report.findings}

    assert verdicts["access/no-invites-allowed", "org.user_invites/jira"] is Verdict.PASS
    assert verdicts["access/approved-domains-need-approval", "org.access_domain/partner.example"] is Verdict.FAIL


# -------------------------------------------------------------------------------------------------------------- the tenants


def test_in_the_other_catalogue_every_id_is_another_one() -> None:
    ids = incident.ids_of_b()

    assert all(before != after for before, after in ids.items())
    assert len(set(ids.values())) == len(ids)


def test_some_ids_of_the_other_catalogue_would_mislead_whoever_knows_this_one() -> None:
    ids = incident.ids_of_b()

    assert set(ids) & set(ids.values())


def test_another_catalogue_changes_the_ids_of_actions_and_nothing_else(tmp_path: Path) -> None:
    ids = incident.ids_of_b()

    def renamed(record: Record) -> Record:
        match record:
            case Resource(kind="org.event_action"):
                return msgspec.structs.replace(record, id=ids[record.id])
            case Resource(kind="org.event", facts=facts):
                action = ids[facts["action"]]
                return msgspec.structs.replace(record, name=action, facts={**facts, "action": action})
        return record

    here, there = records(tmp_path), records(tmp_path, catalogue="b")

    assert sorted(map(msgspec.json.encode, map(renamed, here))) == sorted(map(msgspec.json.encode, there))


# ----------------------------------------------------------------------------------------------------------------- the logs


def test_logs_that_are_refused_are_gaps_and_all_else_is_the_same(tmp_path: Path) -> None:
    whole, refused = records(tmp_path), records(tmp_path, "refused")

    assert {each.kind for each in refused if isinstance(each, Gap)} >= LOGS
    assert not list(resources(refused, *LOGS))
    assert [each for each in whole if each.kind not in LOGS] == [each for each in refused if each.kind not in LOGS]


def test_a_short_log_tells_of_the_last_days_and_of_no_way_in(tmp_path: Path) -> None:
    file = incident.snapshot(tmp_path, "short")
    since = snapshots.load(str(file)).header.audit_since
    whole, short = records(tmp_path), records(tmp_path, "short")
    left = {each.id for each in resources(short, "org.event")}

    assert since is not None
    assert left == {each.id for each in resources(whole, "org.event") if each.facts["time"] >= f"{since:%Y-%m-%dT%H:%M:%S}"}
    assert left
    assert not left & {way.event for each in incident.expected() for way in each.ways}
    assert [each for each in whole if each.kind not in LOGS] == [each for each in short if each.kind not in LOGS]


def test_what_is_collected_again_is_the_same_to_the_byte() -> None:
    assert incident.collected.__wrapped__("whole", "a") == incident.collected("whole", "a")


# ------------------------------------------------------------------------------------------------------------- the contract


@pytest.fixture(scope="module")
def played() -> Iterator[contract.Played]:
    with running(str(incident.FOLDER / "scenario.yaml")) as at, requests.Session() as session:
        session.trust_env = False  # no proxy and no .netrc between us
        yield contract.Played(incident.scenario(), at, session)


@pytest.mark.skipif(
    not promises.SPECS.is_dir() and "CI" not in os.environ, reason=f"Atlassian's OpenAPI documents are not in {promises.SPECS}"
)
@contract.every_route()
def test_every_route_answers_what_its_document_promises(played: contract.Played, face: str, route: contract.AnyRoute) -> None:
    contract.test_every_route_answers_what_its_document_promises(played, face, route)
