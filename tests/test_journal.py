"""The journal: what is written down is there, once, in one order, and whole or not at all."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner.collect.journal import Counts, Journal, State
from scanner.collect.paging import Place
from scanner.errors import AtlascanError, InputError, WorkError
from scanner.kinds import KINDS
from scanner.model import Gap, Reason, Record, Resource, Source, sort_key

KIND = "jira.project"
UNITED = next((kind.name, fact) for kind in KINDS.values() for fact, of in kind.facts.items() if of.united)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.journal"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with Journal(path) as opened:
        yield opened


def resource(id_: str = "A", source: Source = Source.API, kind: str = KIND, **facts: Any) -> Resource:  # noqa: ANN401  JSON
    return Resource(kind=kind, id=id_, name=id_, facts=facts, source=source, parent="jira.site/acme")


def gap(id_: str | None = None, reason: Reason = Reason.FORBIDDEN, detail: str = "refused", parent: str | None = None) -> Gap:
    return Gap(kind=KIND, reason=reason, detail=detail, hint="ask for it", id=id_, parent=parent)


def disputed(*facts: str) -> str:
    return f"two answers about {KIND}/A disagree on {', '.join(facts)}"


# ------------------------------------------------------------------------------------------------------------- records


def test_what_is_added_comes_out_in_the_order_of_a_snapshot(journal: Journal) -> None:
    records: list[Record] = [resource("B"), gap("A"), resource("A"), gap(), resource("A", kind="jira.filter")]
    journal.add(records)
    assert list(journal.sorted()) == sorted(records, key=sort_key)


def test_a_record_is_found_by_kind_and_id(journal: Journal) -> None:
    journal.add([resource("A", key="x"), gap("B")])
    assert journal.resource(KIND, "A") == resource("A", key="x")
    assert journal.resource(KIND, "B") is None
    assert journal.ids(KIND) == {"A"}
    assert journal.gaps(KIND) == [gap("B")]
    assert list(journal.resources(KIND)) == [resource("A", key="x")]


def test_a_child_is_one_of_the_kind_and_of_the_parent_and_no_gap(journal: Journal) -> None:
    journal.add([resource("A"), gap("B", parent="jira.site/other")])
    assert journal.has_child(KIND, "jira.site/acme")
    assert not journal.has_child(KIND, "jira.site/other")
    assert not journal.has_child("jira.filter", "jira.site/acme")


def test_answers_about_one_resource_are_put_together(journal: Journal) -> None:
    journal.add([resource(key="x"), resource(name="y"), resource(key="x")])
    assert list(journal.sorted()) == [resource(key="x", name="y")]


def test_what_one_supplier_says_is_kept_apart_from_what_another_says(journal: Journal) -> None:
    journal.add([resource(key="x"), resource(source=Source.UNDOCUMENTED, key="y")])
    assert len(list(journal.sorted())) == 2


def test_a_list_of_which_each_answer_tells_a_part_is_united(journal: Journal) -> None:
    kind, fact = UNITED
    one, other, both = (resource("A", Source.API, kind, **{fact: list(parts)}) for parts in ("21", "31", "123"))
    journal.add([one, other])
    assert list(journal.sorted()) == [both]


def test_a_fact_on_which_answers_disagree_is_known_no_more_whatever_comes_later_even_after_an_interruption(path: Path) -> None:
    with Journal(path) as journal:
        journal.add([resource(key="x", name="n"), resource(key="y")])
    with Journal(path, resume=True) as journal:
        journal.add([resource(key="x"), resource(key="x")])
        told = gap("A", Reason.MALFORMED, disputed("key"), "jira.site/acme")
        assert list(journal.resources(KIND)) == [resource(name="n")]
        assert [(each.reason, each.detail) for each in journal.gaps(KIND)] == [(told.reason, told.detail)]


def test_all_facts_on_which_answers_disagree_are_named(journal: Journal) -> None:
    journal.add([resource(key="x", name="n"), resource(key="y"), resource(name="m")])
    assert [each.detail for each in journal.gaps(KIND)] == [disputed("key", "name")]
    assert list(journal.resources(KIND)) == [resource()]


def test_a_gap_about_what_came_after_all_is_forgotten_but_not_if_a_part_of_it_was_malformed(journal: Journal) -> None:
    kept: list[Record] = [gap(), gap("B"), gap("A", Reason.MALFORMED)]
    journal.add([gap("A"), *kept, resource("A")])
    journal.settle()
    assert list(journal.sorted()) == sorted([*kept, resource("A")], key=sort_key)


FACTS = st.dictionaries(st.sampled_from(["key", "name"]), st.sampled_from(["x", "y"]))
RECORDS = st.one_of(
    st.builds(resource, st.sampled_from("AB"), st.sampled_from([Source.API, Source.UNDOCUMENTED])).flatmap(
        lambda plain: FACTS.map(lambda facts: msgspec.structs.replace(plain, facts=facts))
    ),
    st.builds(gap, st.sampled_from(["A", None]), st.sampled_from([Reason.FORBIDDEN, Reason.GAVE_UP])),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(RECORDS, max_size=8).flatmap(lambda some: st.tuples(st.just(some), st.permutations(some), st.integers(0, 8))))
def test_in_whatever_order_and_portions_records_come_the_result_is_the_same(
    tmp_path: Path, drawn: tuple[list[Record], list[Record], int]
) -> None:
    records, others, portion = drawn
    with Journal(tmp_path / "one") as one, Journal(tmp_path / "other") as other:
        one.add(records)
        other.add(others[:portion])
        other.add(others[portion:])
        assert list(one.sorted()) == list(other.sorted())
        other.add(others)
        assert list(one.sorted()) == list(other.sorted())


# --------------------------------------------------------------------------------------------------------------- tasks


def test_a_task_is_planned_once(journal: Journal) -> None:
    number = journal.plan(3, site="acme", parent="A", detail="d", partly=True)
    assert number is not None
    assert journal.plan(3, site="acme", parent="A", detail="d") is None
    for other in ({"site": "b", "parent": "A", "detail": "d"}, {"site": "acme", "detail": "d"}, {"site": "acme", "parent": "A"}):
        assert journal.plan(3, **other) not in (None, number)  # type: ignore[arg-type]  # texts only
    assert journal.plan(4, site="acme", parent="A", detail="d") is not None
    task = journal.task(number)
    assert (task.endpoint, task.site, task.parent, task.detail, task.partly) == (3, "acme", "A", "d", True)
    assert task.place == Place()


def test_what_is_open_is_to_be_asked_and_the_rest_is_not(journal: Journal) -> None:
    first, second, third = (journal.plan(1, site=site) or 0 for site in "abc")
    journal.plan(1, site="d", state=State.NOT_ASKED)
    journal.finish(second, "not found (404)")
    assert [task.number for task in journal.open_tasks()] == [first, third]
    assert [task.site for task in journal.finished(1)] == ["b", "d"]
    assert [task.site for task in journal.tasks(1)] == ["a", "b", "c"]
    assert journal.task(second).refusal == "not found (404)"


def test_how_far_a_list_was_read_and_what_it_held_is_there_after_an_interruption(path: Path) -> None:
    place = Place(pages=2, records=3, more={"cursor": "é"}, body={"deep": [1, None]})
    with Journal(path) as journal:
        one, other = journal.plan(1) or 0, journal.plan(2) or 0
        journal.advance(one, place)
        journal.gather(one, [{"b": 1, "a": "é"}, 2])
        journal.gather(other, ["another"])
        journal.gather(one, [[None]])
    with Journal(path, resume=True) as journal:
        assert journal.task(one).place == place
        assert journal.gathered(one) == [{"b": 1, "a": "é"}, 2, [None]]
        journal.finish(one)
        assert journal.gathered(one) == []
        assert journal.gathered(other) == ["another"]


def test_counts_add_up(journal: Journal) -> None:
    assert journal.counts(1) == Counts()
    journal.count(1, Counts(requests=1, pages=1, resources=5, seconds=0.5))
    journal.count(2, Counts(gaps=7))
    journal.count(1, Counts(requests=2, gaps=1, retries=3, seconds=0.25))
    assert journal.counts(1) == Counts(requests=3, pages=1, resources=5, gaps=1, retries=3, seconds=0.75)


def test_a_note_is_the_last_that_was_written(journal: Journal) -> None:
    assert journal.noted("org") is None
    journal.note("org", "a")
    journal.note("org", "")
    assert journal.noted("org") == ""


# ---------------------------------------------------------------------------------------------------- whole or not at all


def filled(journal: Journal) -> int:
    """Write something of everything."""
    number = journal.plan(1, site="acme") or 0
    journal.add([resource(key="x"), resource(key="y"), gap()])
    journal.gather(number, ["a"])
    journal.count(1, Counts(requests=1))
    journal.note("org", "o")
    return number


def held(journal: Journal, number: int) -> tuple[object, ...]:
    """Return something of everything."""
    records, tasks = tuple(journal.sorted()), tuple(journal.open_tasks())
    return records, tasks, journal.gathered(number), journal.counts(1), journal.noted("org")


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt, SystemExit])
def test_a_step_that_does_not_come_to_its_end_never_happened(journal: Journal, error: type[BaseException]) -> None:
    number = filled(journal)
    before = held(journal, number)

    def broken_off() -> None:
        with journal.step():
            journal.add([resource(name="more"), resource("B")])
            journal.plan(1, site="other")
            journal.gather(number, ["b"])
            journal.advance(number, Place(pages=1))
            journal.count(1, Counts(requests=1))
            journal.note("org", "p")
            journal.finish(number)
            raise error

    with pytest.raises(error):
        broken_off()
    assert held(journal, number) == before


def test_all_that_was_written_is_there_after_an_interruption_and_nothing_of_it_when_begun_anew(path: Path) -> None:
    with Journal(path) as journal:
        number = filled(journal)
        before = held(journal, number)
    with Journal(path, resume=True) as journal:
        assert held(journal, number) == before
    with Journal(path) as journal:
        assert held(journal, number) == ((), (), [], Counts(), None)


def test_a_machine_that_dies_cannot_part_what_was_done_from_what_was_read(journal: Journal) -> None:
    # What SQLite promises of these two together: https://sqlite.org/pragma.html#pragma_synchronous
    assert (journal._value("PRAGMA journal_mode"), journal._value("PRAGMA synchronous")) == ("wal", 1)


def test_a_journal_that_is_removed_leaves_nothing(path: Path) -> None:
    with Journal(path) as journal:
        filled(journal)
        assert len(list(path.parent.iterdir())) == 2
        journal.remove()
    assert not list(path.parent.iterdir())


# --------------------------------------------------------------------------------------------------------------- trouble


def refusal(path: Path, *, resume: bool = False) -> AtlascanError:
    with pytest.raises(AtlascanError) as caught:
        Journal(path, resume=resume)
    return caught.value


def test_one_journal_has_one_writer(path: Path, journal: Journal) -> None:
    for resume in (True, False):
        error = refusal(path, resume=resume)
        assert (type(error), str(error)) == (WorkError, f"{path}: another atlascan is collecting into it")
    journal.note("org", "still mine")
    assert journal.noted("org") == "still mine"


def test_without_a_journal_there_is_nothing_to_go_on_with_and_none_is_made(path: Path) -> None:
    assert type(refusal(path, resume=True)) is InputError
    assert not path.exists()


def test_a_full_disk_is_told_in_words(path: Path) -> None:
    def filling() -> None:
        with Journal(path) as journal:
            journal._base.execute("PRAGMA max_page_count = 20")
            for number in range(10_000):
                journal.add([resource(str(number), key="x" * 1000)])

    with pytest.raises(WorkError, match=r"a\.journal: cannot be written: database or disk is full$"):
        filling()


def test_damage_anywhere_is_seen_before_anything_is_gone_on_with(path: Path) -> None:
    with Journal(path) as journal:
        journal.add(resource(str(number), key="x" * 1000) for number in range(500))
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2 // 4096 * 4096)
        file.write(b"\xff" * 4096)
    assert str(refusal(path, resume=True)) == f"{path}: damaged, and cannot be gone on with"


def test_damage_that_shows_only_while_it_is_read_is_told_in_words(path: Path) -> None:
    with Journal(path) as journal:
        journal.add(resource(str(number), key="x" * 1000) for number in range(500))

    def reading() -> None:
        with Journal(path, resume=True) as journal:
            journal._base.execute("PRAGMA shrink_memory")  # it has looked through the whole file when it was opened
            with path.open("r+b") as file:
                file.seek(4096)
                file.write(b"\xff" * 400 * 4096)
            list(journal.sorted())

    with pytest.raises(InputError, match=r"a\.journal: damaged, and cannot be gone on with$"):
        reading()


def test_a_mistake_of_ours_stays_a_bug(path: Path) -> None:
    def mistaken() -> None:
        with Journal(path) as journal:
            journal._base.execute("SELECT 1 FROM nowhere")

    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        mistaken()
