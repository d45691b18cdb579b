"""The diff of two snapshots: what it says is what changed, no more and no less."""

from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner import diff, snapshots
from scanner.kinds import KINDS
from scanner.model import Change, FactChange, Gap, Header, Reason, Record, Resource, Snapshot, Source, Target, What, sort_key
from tests.patching import applied, reverse
from tests.samples import AS_OF

HEADER = Header(id="x", taken_at=AS_OF, tool="t", target=Target(org="o", sites={"acme": "https://acme.atlassian.net"}))
SCHEME, USER, GROUP, PROJECT, EVENT = "jira.permission_scheme", "org.user", "org.group", "jira.project", "org.event"


def snapshot(records: Iterable[Record]) -> Snapshot:
    inside = sorted(records, key=sort_key)
    return Snapshot(HEADER, lambda: iter(inside))


def resource(kind: str, id_: str, facts: dict[str, Any], **more: Any) -> Resource:  # noqa: ANN401
    return Resource(**{"kind": kind, "id": id_, "name": id_, "facts": facts, "source": Source.API, **more})


def changed(before: Iterable[Record], after: Iterable[Record], **how: Any) -> list[Change]:  # noqa: ANN401
    return list(diff.changes(snapshot(before), snapshot(after), **how))


def facts_of(before: dict[str, Any], after: dict[str, Any], kind: str = SCHEME) -> tuple[FactChange, ...]:
    made = changed([resource(kind, "acme/1", before)], [resource(kind, "acme/1", after)])
    return made[0].facts if made else ()


def grant(key: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"key": key, **more}


# ------------------------------------------------------------------------------------------------------------------ the laws

TEXTS = st.sampled_from(["a", "b", "", "ü", "a b", "@name"])
VALUES = st.one_of(st.none(), st.booleans(), st.integers(-2, 2), st.just(1.0), TEXTS)


def things(*names: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(st.fixed_dictionaries({}, optional={name: st.one_of(TEXTS, VALUES) for name in names}), max_size=3)


FACTS = {
    SCHEME: {"name": VALUES, "grants": st.one_of(VALUES, things("key", "permission", "holder_type")), "project_count": VALUES},
    USER: {
        "email": VALUES,
        "groups": st.one_of(VALUES, st.lists(TEXTS, max_size=3)),
        "product_access": st.one_of(VALUES, things("key", "resource_id", "last_active")),
    },
    EVENT: {"action": VALUES, "actor": st.one_of(VALUES, st.fixed_dictionaries({}, optional={"id": VALUES, "name": VALUES}))},
}


@st.composite
def records(draw: st.DrawFn) -> list[Record]:
    found: dict[Any, Record] = {}
    for _ in range(draw(st.integers(0, 5))):
        kind, id_ = draw(st.sampled_from(sorted(FACTS))), draw(st.sampled_from(["acme/1", "acme/2", "acme/3"]))
        if draw(st.booleans()) and draw(st.booleans()):
            record: Record = Gap(kind=kind, reason=draw(st.sampled_from(Reason)), detail=draw(TEXTS), id=id_)
        else:
            facts = draw(st.fixed_dictionaries({}, optional=FACTS[kind]))
            source = draw(st.sampled_from([Source.API, Source.PROBE]))
            record = resource(kind, id_, facts, name=draw(TEXTS), source=source, parent=draw(st.sampled_from([None, "org/o"])))
        found[sort_key(record)] = record
    return list(found.values())


def normal(value: Any) -> Any:  # noqa: ANN401
    """Return a value with lists in an order that does not matter."""
    match value:
        case list():
            return sorted((normal(each) for each in value), key=repr)
        case dict():
            return {name: normal(value[name]) for name in sorted(value)}
        case bool():
            return ("bool", value)
        case int() | float():
            return float(value)
        case _:
            return value


def shuffled(record: Record, chance: Random) -> Record:
    """Return a record with its lists and the names of its facts in another order."""

    def mixed(value: Any) -> Any:  # noqa: ANN401
        match value:
            case list():
                return chance.sample([mixed(each) for each in value], len(value))
            case dict():
                return {name: mixed(value[name]) for name in chance.sample(sorted(value), len(value))}
            case _:
                return value

    return msgspec.structs.replace(record, facts=mixed(record.facts)) if isinstance(record, Resource) else record


def alike(inside: Iterable[Record]) -> list[Any]:
    return [normal(msgspec.to_builtins(record)) for record in sorted(inside, key=sort_key)]


@given(records())
def test_a_snapshot_does_not_differ_from_itself(inside: list[Record]) -> None:
    assert changed(inside, inside, volatile=True) == []


@given(records(), records())
def test_changes_applied_to_the_first_give_the_second(before: list[Record], after: list[Record]) -> None:
    assert alike(applied(before, changed(before, after, volatile=True))) == alike(after)


@given(records(), records())
def test_the_other_way_round_it_is_taken_back(before: list[Record], after: list[Record]) -> None:
    there = sorted(map(reverse, changed(before, after, volatile=True)), key=repr)
    assert there == sorted(changed(after, before, volatile=True), key=repr)


@given(records(), st.randoms(use_true_random=False))
def test_another_order_is_no_change(inside: list[Record], chance: Random) -> None:
    assert changed(inside, [shuffled(record, chance) for record in inside], volatile=True) == []


# ----------------------------------------------------------------------------------------------------------------- the rules


def test_a_grant_is_told_by_its_key_wherever_it_stands() -> None:
    before = {"grants": [grant("A", permission="x"), grant("B"), grant("C")]}
    after = {"grants": [grant("C"), grant("A", permission="y"), grant("D")]}
    assert facts_of(before, after) == (
        FactChange(path=("grants", "A", "permission"), before="x", after="y"),
        FactChange(path=("grants", "B"), before={"key": "B"}),
        FactChange(path=("grants", "D"), after={"key": "D"}),
    )


def test_an_app_that_two_sites_have_is_told_by_both_of_its_names() -> None:
    one, two = {"key": "jira", "resource_id": "1"}, {"key": "jira", "resource_id": "2"}
    [made] = facts_of({"product_access": [one, two]}, {"product_access": [two]}, USER)
    assert (made.before, made.after, made.path[0]) == (one, msgspec.UNSET, "product_access")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"groups": ["a", "b"]}, {"groups": ["b", "a"]}),
        ({"product_access": [{"key": "j", "last_active": "2026-01-01"}]}, {"product_access": [{"key": "j", "last_active": None}]}),
    ],
)
def test_order_and_what_changes_all_the_time_are_no_change(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert facts_of(before, after, USER) == ()


@pytest.mark.parametrize(("before", "after"), [(None, ...), (True, 1), (False, 0), ("1", 1), ([], None), ([], ...), ({}, [])])
def test_what_merely_looks_alike_is_a_change(before: Any, after: Any) -> None:  # noqa: ANN401
    there = [{} if value is ... else {"name": value} for value in (before, after)]
    assert len(facts_of(there[0], there[1])) == 1


def test_something_with_another_name_is_the_same_thing() -> None:
    before, after = resource(PROJECT, "acme/HR", {}, name="People"), resource(PROJECT, "acme/HR", {}, name="Humans")
    [made] = changed([before], [after])
    assert (made.what, made.name, made.was) == (What.CHANGED, "Humans", "People")
    assert made.facts == (FactChange(path=("@name",), before="People", after="Humans"),)


def test_another_supplier_of_the_same_is_a_change_and_no_farewell() -> None:
    before, after = (resource(PROJECT, "acme/HR", {}, source=source) for source in (Source.PROBE, Source.API))
    [made] = changed([before], [after])
    assert made.facts == (FactChange(path=("@source",), before="probe", after="api"),)


def test_a_gap_that_comes_or_goes_is_told() -> None:
    gap = Gap(kind=SCHEME, reason=Reason.FORBIDDEN, detail="answered 403", parent="jira.site/acme")
    [made] = changed([], [gap])
    assert (made.what, made.gap, made.address) == (What.ADDED, gap, "jira.site/acme")


def test_a_log_is_no_state() -> None:
    event = resource(EVENT, "e1", {"action": "x"})
    assert changed([], [event]) == []
    assert [made.what for made in changed([], [event], volatile=True)] == [What.ADDED]


def test_what_leaves_out_is_declared_and_not_listed_here() -> None:
    assert {kind.name for kind in KINDS.values() if kind.log} == {"org.event", "jira.audit_record"}
    assert all(kind.reach is None or kind.facts[kind.reach].volatile for kind in KINDS.values())


# ----------------------------------------------------------------------------------------------------------------- on disk


def people(number: int) -> list[Record]:
    return [resource(USER, f"u{index:05}", {"email": f"u{index}@acme.example", "groups": ["a", "b"]}) for index in range(number)]


def test_files_are_compared_as_what_is_in_them(tmp_path: Path) -> None:
    before, after = people(5_000), people(5_000)
    after[1234] = resource(USER, "u01234", {"email": "u1234@acme.example", "groups": ["a"]})
    del after[4000]
    after.insert(10, resource(USER, "u00009x", {}))
    after.append(resource(PROJECT, "acme/HR", {"name": "x"}))
    files = []
    for name, inside in (("old.ndjson", before), ("new.ndjson", sorted(after, key=sort_key))):
        files.append(str(tmp_path / name))
        snapshots.write(files[-1], HEADER, inside)
    made = list(diff.changes(*map(snapshots.load, files)))
    assert made == changed(before, after)
    assert [(each.address, each.what.value) for each in made] == [
        ("jira.project/acme/HR", "added"),
        ("org.user/u00009x", "added"),
        ("org.user/u01234", "changed"),
        ("org.user/u04000", "removed"),
    ]
