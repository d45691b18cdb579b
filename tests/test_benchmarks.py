"""The benchmark measures what it says: a tenant that a collection could give, and policies that find something in it."""

from collections import Counter
from pathlib import Path

import pytest

from benchmarks import diff as drifting
from benchmarks import evaluate as benchmark
from benchmarks import judge
from benchmarks import snapshot as generator
from scanner import diff, policies, snapshots
from scanner.cli.proof import proofs
from scanner.config import Declaration
from scanner.evaluate import evaluate
from scanner.kinds import KINDS, Fact, fits
from scanner.model import Gap, Resource, Snapshot, Verdict, What

# The fewest with which each kind that a site may refuse is refused by one.
SIZE = 80_000
OWN = policies.files(judge.OWN)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tenants")


@pytest.fixture(scope="module")
def tenant(folder: Path) -> Snapshot:
    return snapshots.load(str(generator.write(folder, SIZE)))


def test_a_tenant_is_a_whole_snapshot_of_the_size_that_was_asked_for(tenant: Snapshot) -> None:
    assert sum(1 for _ in tenant) == SIZE


def test_the_header_of_a_tenant_counts_what_there_is(tenant: Snapshot) -> None:
    found = Counter((record.kind, isinstance(record, Gap)) for record in tenant if record.kind != "attestation")
    told = Counter({(each.kind, False): each.resources for each in tenant.header.coverage})
    told += Counter({(each.kind, True): each.gaps for each in tenant.header.coverage})
    assert told == found


def test_a_tenant_has_resources_of_every_kind_and_lacks_some(tenant: Snapshot) -> None:
    assert {record.kind for record in tenant if isinstance(record, Resource)} == set(KINDS)
    assert {"confluence.space", "jsm.email_filter", "org.group"} <= {record.kind for record in tenant if isinstance(record, Gap)}


def test_each_fact_of_a_tenant_is_one_that_its_kind_declares(tenant: Snapshot) -> None:
    for record in tenant:
        if isinstance(record, Resource):
            _check(record.facts, KINDS[record.kind].facts, record.address)


def _check(facts: dict[str, object], declared: dict[str, Fact], of: str) -> None:
    for name, value in facts.items():
        fact = declared[name]
        assert fits(value, fact), f"{of}: {name} is {value}"
        items = value if isinstance(value, list) else [value]
        for item in items if fact.items else ():
            assert isinstance(item, dict)
            _check(item, fact.items, f"{of} {name}")


def test_a_tenant_is_the_same_for_one_size_and_seed_only(tmp_path: Path, folder: Path) -> None:
    once, again, other = (generator.write(place, 1_500, seed) for place, seed in ((tmp_path, 1), (folder, 1), (tmp_path, 2)))
    assert once.read_bytes() == again.read_bytes()
    assert once.read_bytes() != other.read_bytes()


def test_too_few_resources_make_no_tenant(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="100 resources are too few"):
        generator.write(tmp_path, 100)


def test_the_policies_that_are_measured_are_sixty() -> None:
    assert len(judge.rules()) == benchmark.POLICIES


@pytest.mark.parametrize("file", OWN, ids=[file.stem for file in OWN])
def test_the_examples_of_the_benchmarks_own_policies_come_out_as_they_say(file: Path) -> None:
    assert [each for each in proofs(policies.read(file, judge.OWN)) if each.problem] == []


def test_the_five_policies_that_all_engines_judge_by_find_failures_and_unknowns(tenant: Snapshot) -> None:
    declare = Declaration(generator.declared_desks(tenant.header))
    found = Counter((each.policy, each.verdict) for each in evaluate(judge.rules(benchmark.FIVE), tenant, declare))
    for policy in benchmark.FIVE:
        for verdict in (Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN):
            assert found[policy, verdict] > 0, f"{policy}: no {verdict}"


def test_a_later_snapshot_differs_from_the_earlier_as_much_as_is_said(folder: Path) -> None:
    made = Counter(change.what for change in diff.changes(*(snapshots.load(str(path)) for path in drifting.later(folder, SIZE))))
    for what, share in ((What.CHANGED, drifting.CHANGED), (What.ADDED, drifting.COME), (What.REMOVED, drifting.GONE)):
        assert 0.7 * share * SIZE < made[what] < 1.1 * share * SIZE
