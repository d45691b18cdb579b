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


@MANY
@given(cases(odd=False), st.data())
def test_who_contradicts_what_was_read_never_makes_a_pass(
    tmp_path: Path, case: tuple[str, dict[str, Any], list[Record], naive.World], data: st.DataObject
) -> None:
    kind, condition, records, _ = case
    own_too = data.draw(st.booleans())
    read = [each for each in records if isinstance(each, Resource) and each.facts and (own_too or each.kind != kind)]
    both = [*records, *(contradiction(each, data.draw(trees.resources(each.kind, odd=False))) for each in read)]
    before = found([rule(kind, condition)], in_memory(records))
    after = found([rule(kind, condition)], in_memory(both))
    assert found([rule(kind, condition)], on_disk(tmp_path, both)) == after
    assert all(before[key] is Verdict.PASS for key, verdict in after.items() if verdict is Verdict.PASS)
    assert own_too or all(verdict in (before[key], Verdict.UNKNOWN) for key, verdict in after.items())


def contradiction(read: Resource, other: Mapping[str, Any]) -> Resource:
    """Return what another supplier says of the same facts; null would give way."""
    facts = {name: value for name, value in other.items() if name in read.facts and value is not None}
    return replace_source(resource(read.kind, read.id, facts))


@st.composite
def asked_of_domains(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a condition that asks for verified domains in one of the ways there are, with `not` before it or not."""
    where = {"path": "claim_status", draw(st.sampled_from(["equals", "not_equals"])): "verified"}
    bound = {draw(st.sampled_from(["at_least", "at_most"])): draw(st.integers(0, 2))}
    named = {draw(st.sampled_from(["domain_in", "domain_not_in"])): [{"facts": "org.domain", "path": "name", "where": where}]}
    ways: list[dict[str, Any]] = [
        {"facts": "org.domain", draw(st.sampled_from(["some", "every", "none"])): where},
        {"count": {"facts": "org.domain", "where": where}} | bound,
        {"path": "domain"} | named,
    ]
    asked = draw(st.sampled_from(ways))
    return {"not": asked} if draw(st.booleans()) else asked


@MANY
@given(asked_of_domains(), st.lists(st.tuples(st.booleans(), st.sampled_from([True, False, None])), max_size=3))
def test_who_contradicts_a_claim_leaves_a_verdict_or_makes_it_unknown(
    condition: dict[str, Any], claims: list[tuple[bool, bool | None]]
) -> None:
    status = {True: "verified", False: "unverified"}
    records: list[Record] = [resource("org.access_domain", "d0.example", {"domain": "d0.example"})]
    contradicted: list[Record] = []
    for number, (read, attested) in enumerate(claims):
        name = f"d{number}.example"
        records.append(resource("org.domain", name, {"name": name, "claim_status": status[read]}))
        if attested is not None:
            contradicted.append(replace_source(resource("org.domain", name, {"name": name, "claim_status": status[attested]})))
    asked = rule("org.access_domain", condition)
    [before], [after] = (found([asked], in_memory(each)).values() for each in (records, [*records, *contradicted]))
    assert after in (before, Verdict.UNKNOWN)


OPEN, SHUT = {"path": "public_signup", "equals": True}, {"path": "public_signup", "equals": False}
OF_SITE: dict[str, Any] = {"facts": "jsm.customer_permissions", "match": {"site": "id"}}
NOBODY_SIGNS_UP: dict[str, dict[str, Any]] = {
    "none": OF_SITE | {"none": OPEN},
    "every": OF_SITE | {"every": SHUT},
    "not some": {"not": OF_SITE | {"some": OPEN}},
    "not at least": {"not": {"count": OF_SITE | {"where": OPEN}, "at_least": 1}},
    "at most": {"count": OF_SITE | {"where": OPEN}, "at_most": 0},
    "at least": {"count": OF_SITE | {"where": SHUT}, "at_least": 1},
    "not at most": {"not": {"count": OF_SITE | {"where": SHUT}, "at_most": 0}},
    "reference": {"path": "id", "not_in": [{"facts": "jsm.customer_permissions", "path": "site", "where": OPEN}]},
    "not reference": {"not": {"path": "id", "in": [{"facts": "jsm.customer_permissions", "path": "site", "where": OPEN}]}},
}


@pytest.mark.parametrize("said", NOBODY_SIGNS_UP)
def test_what_suppliers_disagree_about_is_not_known_however_it_is_asked(said: str, tmp_path: Path) -> None:
    site = resource("jira.site", "acme", {})
    asked = rule("jira.site", NOBODY_SIGNS_UP[said])
    verdicts = []
    for read, attested in ((True, True), (True, False), (False, True), (False, False)):
        desk = resource("jsm.customer_permissions", "acme/HR", {"public_signup": read})
        says = replace_source(resource("jsm.customer_permissions", "acme/HR", {"public_signup": attested}))
        [in_one] = found([asked], in_memory([site, desk, says])).values()
        [in_other] = found([asked], on_disk(tmp_path, [site, desk, says])).values()
        assert in_one is in_other
        verdicts.append(in_one)
    assert verdicts == [Verdict.FAIL, Verdict.UNKNOWN, Verdict.UNKNOWN, Verdict.PASS]


def test_a_value_that_is_in_doubt_leaves_the_others_as_they_are(tmp_path: Path) -> None:
    verified = [{"facts": "org.domain", "path": "name", "where": {"path": "claim_status", "equals": "verified"}}]
    rules = [
        rule("org.access_domain", {"path": "domain", "domain_in": verified}, id_="made/in"),
        rule("org.access_domain", {"path": "domain", "domain_not_in": verified}, id_="made/out"),
    ]
    names = ("ours.example", "doubted.example", "other.example")
    records = [
        *(resource("org.access_domain", name, {"domain": name}) for name in names),
        resource("org.domain", "ours.example", {"name": "ours.example", "claim_status": "verified"}),
        resource("org.domain", "doubted.example", {"name": "doubted.example", "claim_status": "unverified"}),
        replace_source(resource("org.domain", "doubted.example", {"name": "doubted.example", "claim_status": "verified"})),
    ]
    expected = {
        ("made/in", "ours.example"): Verdict.PASS,
        ("made/in", "doubted.example"): Verdict.UNKNOWN,
        ("made/in", "other.example"): Verdict.FAIL,
        ("made/out", "ours.example"): Verdict.FAIL,
        ("made/out", "doubted.example"): Verdict.UNKNOWN,
        ("made/out", "other.example"): Verdict.PASS,
    }
    for snapshot in (in_memory(records), on_disk(tmp_path, records)):
        told = found(rules, snapshot)
        assert {(policy, address.partition("/")[2]): verdict for (policy, address), verdict in told.items()} == expected


def test_values_in_doubt_beside_values_that_nobody_could_read_are_not_all_there_may_be() -> None:
    def claims(*, whole: bool) -> list[Record]:
        claimed: list[Record] = [
            resource("org.access_domain", "other.example", {"domain": "other.example"}),
            resource("org.access_domain", "one.example", {"domain": "one.example"}),
        ]
        for name in ("one.example", "two.example"):
            claimed.append(resource("org.domain", name, {"name": name, "claim_status": "unverified"}))
            claimed.append(replace_source(resource("org.domain", name, {"name": name, "claim_status": "verified"})))
        return claimed if whole else [*claimed, Gap(kind="org.user", reason=Reason.FORBIDDEN, detail="not read")]

    verified = {"facts": "org.domain", "path": "name", "where": {"path": "claim_status", "equals": "verified"}}
    asked = rule("org.access_domain", {"path": "domain", "domain_in": [verified, {"facts": "org.user", "path": "email"}]})
    told = {
        whole: {
            finding.address.partition("/")[2]: (finding.verdict, finding.message)
            for finding in evaluate.evaluate([asked], in_memory(claims(whole=whole)), lambda _kind, _id, facts: facts)
        }
        for whole in (True, False)
    }
    why = "cannot be judged: suppliers disagree about org.domain/one.example and 1 more"
    assert told[True]["one.example"] == (Verdict.UNKNOWN, why)
    assert "user org.user could not be read" in told[False]["other.example"][1]
    assert {whole: verdicts["other.example"][0] for whole, verdicts in told.items()} == {
        True: Verdict.FAIL,
        False: Verdict.UNKNOWN,
    }


def test_where_suppliers_disagree_to_what_a_resource_belongs_it_may_belong_to_either() -> None:
    desks = [resource("jsm.service_desk", f"acme/{key}", {}) for key in ("HR", "IT", "OPS")]
    ours = {"facts": "jsm.email_channel", "match": {"site": "site", "project_key": "project"}}
    channels = [
        resource("jsm.email_channel", "acme/a@acme.example", {"project_key": "HR", "domain": "acme.example"}),
        replace_source(resource("jsm.email_channel", "acme/a@acme.example", {"project_key": "IT", "domain": "acme.example"})),
    ]
    outside = {"path": "domain", "equals": "elsewhere.example"}
    rules = [
        rule("jsm.service_desk", {"count": ours, "at_most": 0}, id_="made/count"),
        rule("jsm.service_desk", ours | {"every": outside}, id_="made/every"),
        rule("jsm.service_desk", {"not": ours | {"some": outside}}, id_="made/some"),
    ]
    told = found(rules, in_memory([*desks, *channels]))
    verdicts = {
        id_: [told[id_, f"jsm.service_desk/acme/{key}"] for key in ("HR", "IT", "OPS")] for id_ in ("made/count", "made/every")
    }
    in_doubt = [Verdict.UNKNOWN, Verdict.UNKNOWN, Verdict.PASS]
    assert verdicts == {"made/count": in_doubt, "made/every": in_doubt}
    assert {told["made/some", desk.address] for desk in desks} == {Verdict.PASS}


def test_what_does_not_meet_a_condition_for_all_and_belongs_nobody_knows_where_may_belong_anywhere(tmp_path: Path) -> None:
    desk = resource("jsm.service_desk", "acme/HR", {})
    channel = resource("jsm.email_channel", "acme/a@acme.example", {"domain": "acme.example"})
    ours = {"facts": "jsm.email_channel", "match": {"project_key": "project"}}
    asked = rule("jsm.service_desk", ours | {"every": {"path": "domain", "equals": "elsewhere.example"}})
    for snapshot in (in_memory([desk, channel]), on_disk(tmp_path, [desk, channel])):
        assert list(found([asked], snapshot).values()) == [Verdict.UNKNOWN]


def test_a_finding_says_about_what_suppliers_disagree() -> None:
    site = resource("jira.site", "acme", {})
    desk = resource("jsm.customer_permissions", "acme/HR", {"public_signup": True})
    says = replace_source(resource("jsm.customer_permissions", "acme/HR", {"public_signup": False}))
    messages = {}
    for said, condition in NOBODY_SIGNS_UP.items():
        asked = rule("jira.site", condition)
        [finding] = evaluate.evaluate([asked], in_memory([site, desk, says]), lambda _kind, _id, facts: facts)
        messages[said] = finding.message
        [explained] = evaluate.explain(asked, "acme", in_memory([site, desk, says]), lambda _kind, _id, facts: facts)
        assert {step.truth for _, steps in explained.steps for step in steps} == {None}
    why = "suppliers disagree about jsm.customer_permissions/acme/HR"
    assert {said: why in message for said, message in messages.items()} == dict.fromkeys(NOBODY_SIGNS_UP, True)


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
