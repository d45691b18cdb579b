"""Three ways to the truth about a resource agree: compiled functions, the walk over the tree, and a naive interpreter."""

import json
import multiprocessing
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner import conditions, documents, evaluate, policies, snapshots, stretches
from scanner.errors import InputError, WorkError
from scanner.kinds import KINDS, own_values
from scanner.model import (
    Coverage,
    Gap,
    Header,
    Part,
    Policy,
    Reason,
    Record,
    Resource,
    Rule,
    Snapshot,
    Source,
    Target,
    Verdict,
    sort_key,
)
from tests import naive, trees

AS_OF = datetime(2026, 6, 15, 12, tzinfo=UTC)
HEADER = Header(
    id="0",
    taken_at=AS_OF,
    tool="test",
    target=Target(org=None, sites={}),
    coverage=tuple(Coverage(kind=kind, requests=1, resources=1, gaps=0, complete=True) for kind in KINDS),
)
EXAMPLES = int(os.environ.get("ATLASCAN_EXAMPLES", "50"))
MANY = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
VERDICTS = {True: Verdict.PASS, False: Verdict.FAIL, None: Verdict.UNKNOWN}


@pytest.fixture(autouse=True)
def no_fsync(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of little files need not reach the disk."""
    monkeypatch.setattr(os, "fsync", lambda _handle: None)


@cache
def blank() -> Policy:
    return replace(policies.load()["access/no-invites-allowed"], where=None, settled_by=None, raises=(), evidence=(), params={})


def rule(kind: str, require: dict[str, Any], where: dict[str, Any] | None = None, id_: str = "made/up") -> Rule:
    document = documents.Document("made/up.yaml", {})
    wanted = conditions.parse(require, document, (), kind, {})
    selected = conditions.parse(where, document, (), kind, {}) if where else None
    policy = replace(blank(), id=id_, kind=kind, require=wanted, where=selected)
    return Rule(policy, policy.severity, {})


def resource(kind: str, id_: str, facts: Mapping[str, Any]) -> Resource:
    return Resource(kind=kind, id=id_, name=id_, facts=dict(facts), source=Source.API)


def in_memory(records: Iterable[Record]) -> Snapshot:
    ordered = sorted(records, key=sort_key)
    return Snapshot(HEADER, lambda: ordered)


def on_disk(folder: Path, records: Iterable[Record]) -> Snapshot:
    path = folder / "made.ndjson"
    snapshots.write(str(path), HEADER, sorted(records, key=sort_key))
    return snapshots.load(str(path))


def found(rules: Iterable[Rule], snapshot: Snapshot, **more: Any) -> dict[tuple[str, str], Verdict]:  # noqa: ANN401
    findings = evaluate.evaluate(rules, snapshot, lambda _kind, _id, facts: facts, **more)
    return {(finding.policy, finding.address): finding.verdict for finding in findings}


@st.composite
def cases(draw: st.DrawFn, *, odd: bool = True) -> tuple[str, dict[str, Any], list[Record], naive.World]:
    """Draw a kind, a condition on it, resources of it and of others, and what of the others was not read."""
    kind = draw(st.sampled_from(trees.JUDGED))
    condition = draw(trees.conditions(kind))
    prefix = "acme/" if kind.startswith("jira") else ""
    ours = [resource(kind, f"{prefix}{id_}", draw(trees.resources(kind, odd=odd))) for id_ in draw(ids(1))]
    others: list[Resource] = []
    for other in trees.OTHERS:
        if other != kind:
            place = "acme/" if other.startswith("jira") else ""
            others += [resource(other, f"{place}{id_}", draw(trees.resources(other, odd=False))) for id_ in draw(ids(0))]
    lacking = draw(st.sets(st.sampled_from([other for other in trees.OTHERS if other != kind]), max_size=1))
    reason = draw(st.sampled_from([Reason.FORBIDDEN, Reason.GAVE_UP]))
    gaps: list[Record] = [Gap(kind=other, reason=reason, detail="not read") for other in lacking]
    refused = frozenset(lacking) if reason is Reason.FORBIDDEN else frozenset[str]()
    everything = {other: tuple(whole(each) for each in (*ours, *others) if each.kind == other) for other in KINDS}
    return kind, condition, [*ours, *others, *gaps], naive.World(AS_OF, everything, frozenset(lacking), refused)


def ids(fewest: int) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(trees.IDS), min_size=fewest, max_size=3, unique=True)


def whole(each: Resource) -> dict[str, Any]:
    return own_values(KINDS[each.kind], each.id) | each.facts


@MANY
@given(cases())
def test_compiled_functions_and_the_walk_over_the_tree_agree_with_a_naive_interpreter(
    tmp_path: Path, case: tuple[str, dict[str, Any], list[Record], naive.World]
) -> None:
    kind, condition, records, world = case
    expected = {
        ("made/up", each.address): VERDICTS[naive.truth(condition, whole(each), world)]
        for each in records
        if isinstance(each, Resource) and each.kind == kind
    }
    told = [found([rule(kind, condition)], snapshot) for snapshot in (in_memory(records), on_disk(tmp_path, records))]
    assert [{key: verdict for key, verdict in each.items() if key in expected} for each in told] == [expected, expected], (
        json.dumps(condition)
    )


@MANY
@given(cases(odd=False), st.data())
def test_a_fact_that_goes_missing_never_makes_a_pass(
    case: tuple[str, dict[str, Any], list[Record], naive.World], data: st.DataObject
) -> None:
    kind, condition, records, _ = case
    known = [(number, name) for number, each in enumerate(records) if isinstance(each, Resource) for name in each.facts]
    if not known:
        return
    number, lost = data.draw(st.sampled_from(known))
    poorer = list(records)
    robbed = records[number]
    assert isinstance(robbed, Resource)
    poorer[number] = resource(robbed.kind, robbed.id, {name: value for name, value in robbed.facts.items() if name != lost})
    before, after = (found([rule(kind, condition)], in_memory(each)) for each in (records, poorer))
    assert all(after[key] in (verdict, Verdict.UNKNOWN) for key, verdict in before.items())


@MANY
@given(cases(odd=False), st.randoms(use_true_random=False))
def test_the_order_of_policies_and_of_what_is_gathered_changes_no_verdict(
    case: tuple[str, dict[str, Any], list[Record], naive.World],
    shuffle: Any,  # noqa: ANN401
) -> None:
    kind, condition, records, _ = case
    rules = [
        rule(kind, condition, id_="made/one"),
        rule(kind, {"not": condition}, id_="made/other"),
        rule(kind, condition, condition, "made/third"),
    ]
    expected = found(rules, in_memory(records))
    shuffle.shuffle(rules)
    mixed = list(records)
    shuffle.shuffle(mixed)
    assert found(rules, in_memory(mixed)) == expected


# ------------------------------------------------------------------------------------------------------------------- parts


MFA = {"path": "mfa_enabled", "equals": True}
KNOWN = {"path": "email", "domain_in": [{"facts": "org.domain", "path": "name"}]}


def people(number: int) -> list[Record]:
    """Return people, every seventh of whom fails and every eleventh of whom nobody knows."""
    many: list[Record] = [resource("org.domain", "acme.example", {"name": "acme.example"})]
    for each in range(number):
        facts: dict[str, Any] = {"email": f"p{each}@acme.example", "mfa_enabled": each % 7 != 0}
        many.append(resource("org.user", f"{each:06}", {} if each % 11 == 0 else facts))
    return many


def test_two_processes_find_what_one_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "PART", 20_000)
    snapshot = on_disk(tmp_path, people(3_000))
    assert snapshot.parts is not None
    assert len(snapshot.parts.all) > 5
    rules = [rule("org.user", MFA), rule("org.user", KNOWN, MFA, "made/where")]
    one, two = (evaluate.evaluate(rules, snapshot, lambda _kind, _id, facts: facts, jobs=jobs) for jobs in (1, 2))
    assert list(one) == list(two)
    assert one.unlisted == two.unlisted
    assert one.unlisted["made/up", "pass"] > 0


def test_what_passes_is_listed_up_to_a_number_and_counted_beyond(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(evaluate.LISTED, Verdict.PASS, 10)
    evaluation = evaluate.evaluate([rule("org.user", MFA)], on_disk(tmp_path, people(100)), lambda _kind, _id, facts: facts)
    findings = list(evaluation)
    passing = [finding for finding in findings if finding.verdict is Verdict.PASS]
    failing = [finding for finding in findings if finding.verdict is Verdict.FAIL]
    assert len(passing) == 10
    assert evaluation.unlisted_of("made/up") == {"pass": 100 - 10 - 10 - len(failing)}
    assert [finding.name for finding in findings if finding.verdict is Verdict.UNKNOWN] == [
        f"{each:06}" for each in range(0, 100, 11)
    ]


def test_what_is_watched_is_listed_in_any_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(evaluate.LISTED, Verdict.PASS, 1)
    watched = frozenset({("made/up", "org.user/000099")})
    assert ("made/up", "org.user/000099") in found([rule("org.user", MFA)], on_disk(tmp_path, people(100)), watched=watched)


def test_suppliers_of_one_resource_are_judged_together_wherever_a_part_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "PART", 1)
    says = [resource("org.user", "a", {"mfa_enabled": True}), replace_source(resource("org.user", "a", {"mfa_enabled": False}))]
    snapshot = on_disk(
        tmp_path, [*says, resource("org.user", "b", {"mfa_enabled": True}), resource("org.user", "c", {"mfa_enabled": "?"})]
    )
    assert snapshot.parts is not None
    assert len(snapshot.parts.all) == 3
    assert found([rule("org.user", MFA)], snapshot) == {
        ("made/up", "org.user/a"): Verdict.FAIL,
        ("made/up", "org.user/b"): Verdict.PASS,
        ("made/up", "org.user/c"): Verdict.UNKNOWN,
    }


def replace_source(each: Resource) -> Resource:
    return Resource(kind=each.kind, id=each.id, name=each.name, facts=each.facts, source=Source.UNDOCUMENTED)


def test_what_the_configuration_declares_reaches_the_compiled_functions(tmp_path: Path) -> None:
    def declare(kind: str, id_: str, facts: dict[str, Any]) -> dict[str, Any]:
        return facts | {"space_kind": "public" if id_ == "acme/PRESS" else "internal"} if kind == "confluence.space" else facts

    spaces = [resource("confluence.space", f"acme/{key}", {"name": key}) for key in ("KB", "PRESS")]
    rules = [rule("confluence.space", {"path": "space_kind", "equals": "internal"})]
    findings = evaluate.evaluate(rules, on_disk(tmp_path, spaces), declare)
    assert {finding.address: finding.verdict for finding in findings} == {
        "confluence.space/acme/KB": Verdict.PASS,
        "confluence.space/acme/PRESS": Verdict.FAIL,
    }


def test_most_of_a_file_is_only_glanced_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    in_full = stretches.Reader.subject

    def counted(reader: stretches.Reader, part: Part, piece: stretches.Piece, index: int) -> stretches.Subject:
        read.append(index)
        return in_full(reader, part, piece, index)

    monkeypatch.setattr(stretches.Reader, "subject", counted)
    monkeypatch.setitem(evaluate.LISTED, Verdict.PASS, 0)
    findings = found([rule("org.user", MFA)], on_disk(tmp_path, people(200)))
    assert len(read) == len(findings) < 60


def test_three_processes_do_too_and_one_that_ends_early_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "PART", 20_000)
    snapshot = on_disk(tmp_path, people(3_000))
    assert found([rule("org.user", MFA)], snapshot, jobs=3) == found([rule("org.user", MFA)], snapshot)

    def dying(*_: object) -> Iterator[stretches.Piece]:
        if multiprocessing.parent_process():
            os._exit(9)
        time.sleep(0.05)  # so that the other gets something to do
        return iter(())

    monkeypatch.setattr(stretches.Reader, "pieces", dying)
    with pytest.raises(WorkError, match="a process that judges ended before its work"):
        found([rule("org.user", MFA)], snapshot, jobs=2)


def test_where_a_system_cannot_fork_one_process_does_all_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "PART", 20_000)
    snapshot = on_disk(tmp_path, people(300))
    monkeypatch.setattr(multiprocessing, "get_all_start_methods", lambda: ["spawn"])
    assert found([rule("org.user", MFA)], snapshot, jobs=2) == found([rule("org.user", MFA)], snapshot)


def test_a_snapshot_that_changes_while_it_is_judged_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "PART", 20_000)
    snapshot = on_disk(tmp_path, people(3_000))
    with (tmp_path / "made.ndjson").open("ab") as file:
        file.write(b"\n")
    for jobs in (1, 2):
        with pytest.raises(InputError, match="changed while it was being read"):
            found([rule("org.user", MFA)], snapshot, jobs=jobs)


def test_what_stands_in_the_wrong_place_far_inside_a_file_is_refused_when_it_is_read(tmp_path: Path) -> None:
    """The seal fits: whoever wrote it wrote it so. Too much lies between for all of it to be looked at beforehand."""
    everybody = people(3_000)
    everybody[1_500], everybody[1_501] = everybody[1_501], everybody[1_500]
    snapshots.write(str(tmp_path / "made.ndjson"), HEADER, everybody)
    with pytest.raises(InputError, match="out of order"):
        found([rule("org.user", MFA)], snapshots.load(str(tmp_path / "made.ndjson")))
    with pytest.raises(InputError, match="out of order"):
        list(snapshots.load(str(tmp_path / "made.ndjson")))
