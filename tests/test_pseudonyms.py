"""Pseudonyms hide people and nothing else: verdicts and drift stay what they were, for whoever has the key."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner import diff, drift, policies, snapshots
from scanner.cli import collection, pipeline
from scanner.config import Collect, Config, Site
from scanner.errors import InputError
from scanner.kinds import KINDS, Fact
from scanner.model import Gap, Header, Reason, Record, Report, Resource, Rule, Snapshot, Source, Target, Waiver, sort_key
from scanner.pseudonyms import ROLES, Pseudonyms, check_same
from scanner.render import csv, html, markdown, text
from scanner.render import json as result_json
from tests import trees
from tests.conftest import Atlascan
from tests.fake_atlassian.scenario import SCENARIOS
from tests.fake_atlassian.server import StandIn
from tests.sites import ADMIN, credentials
from tests.test_scan import configured

KEY, OTHER_KEY = "k" * 32, "o" * 32
MASK = Pseudonyms(KEY)
NOW = datetime(2026, 11, 22, tzinfo=UTC)
ADA, BEN = "712020:aaaaaaaa-0000-4000-8000-000000000001", "557058:bbbbbbbb-0000-4000-8000-000000000002"
HEADER = Header(id="0", taken_at=NOW, tool="t", target=Target(org="o", sites={"acme": "https://acme.atlassian.net"}))


def resource(kind: str, id_: str, called: str = "", /, **facts: Any) -> Resource:  # noqa: ANN401
    return Resource(kind=kind, id=id_, name=called or id_, facts=facts, source=Source.API)


def ada(**facts: Any) -> Resource:  # noqa: ANN401
    return resource("org.user", ADA, "Ada Admin", email="ada@acme.example", name="Ada Admin", **facts)


def masked(*records: Record, by: Pseudonyms = MASK) -> list[Any]:
    ordered = sorted(records, key=sort_key)
    return list(by.snapshot(HEADER, lambda: ordered)[1])


# ------------------------------------------------------------------------------------------------------------- what they are


def test_a_person_is_the_same_everywhere_and_only_for_the_same_key() -> None:
    [board, user] = masked(ada(), resource("jira.filter", "acme/1", "Ada Admin's board", owner=ADA))
    assert board.facts["owner"] == user.id == MASK.account(ADA)
    assert board.name == f"{user.name}'s board"
    assert user.name == user.facts["name"] == MASK.name("Ada Admin")
    assert user.facts["email"] == MASK.email("ada@acme.example")
    assert re.fullmatch(r"p-[0-9a-f]{16}@acme\.example", user.facts["email"])
    assert re.fullmatch(r"account-[0-9a-f]{24}", user.id)
    [_, other] = masked(ada(), resource("jira.filter", "acme/1", owner=ADA), by=Pseudonyms(OTHER_KEY))
    assert {other.id, other.name, other.facts["email"]}.isdisjoint({user.id, user.name, user.facts["email"]})
    assert Pseudonyms(OTHER_KEY).mark != MASK.mark == Pseudonyms(KEY).mark


def test_what_belongs_to_no_person_stays() -> None:
    kept = [
        resource("jsm.email_channel", "acme/help@acme.example", "help@acme.example", address="help@acme.example"),
        resource("jsm.email_filter", "acme", blocklist=["no-reply@service.example", "help@acme.example", "spam.example"]),
        resource("org.group", "5f0e", "jira-administrators", name="jira-administrators"),
        resource("jira.project", "acme/HR", "Human Resources", name="Human Resources"),
        resource("confluence.space", "acme/KB", "Knowledge", name="Knowledge"),
    ]
    assert masked(*kept) == sorted(kept, key=sort_key)


def test_people_in_texts_in_composed_keys_and_in_gaps_are_found() -> None:
    scheme = resource(
        "jira.permission_scheme",
        "acme/1",
        grants=[{"key": f"BROWSE_PROJECTS:user:{ADA}", "holder_type": "user", "holder_value": ADA}],
    )
    roles = resource(
        "jira.project_role",
        "acme/HR/1",
        actors=[
            {"key": f"atlassian-user-role-actor:{BEN}", "type": "atlassian-user-role-actor", "id": BEN, "name": "Ben Backup"},
            {"key": "atlassian-group-role-actor:staff", "type": "atlassian-group-role-actor", "id": "staff", "name": "staff"},
        ],
    )
    record = resource(
        "jira.audit_record",
        "acme/7",
        summary="Ada Admin added (ada@acme.example), 'ben@acme.example'.",
        changed_values=[{"field": "name", "before": "Ben Backup", "after": "Ben Backupper"}],
    )
    gap = Gap(kind="org.user_role_assignments", reason=Reason.FORBIDDEN, detail=f"{ADA} refused", id=ADA, parent=f"org.user/{ADA}")
    personal = resource("confluence.space", "acme/~ada", "Ada Admin", name="Ada Admin", type="personal")
    said = msgspec.json.encode(masked(ada(), scheme, roles, record, gap, personal)).decode()
    for hidden in (ADA, BEN, "Ada Admin", 'Ben Backup"', "ada@", "ben@", "~ada"):
        assert hidden not in said
    assert f"BROWSE_PROJECTS:user:{MASK.account(ADA)}" in said
    assert f"'{MASK.email('ben@acme.example')}'" in said
    assert '"id":"staff","name":"staff"' in said
    assert "Ben Backupper" in said  # somebody else, as far as anybody knows


def test_what_is_made_of_pseudonyms_is_not_made_again() -> None:
    once = masked(ada(groups=["g"]), resource("jsm.customer", f"acme/{BEN}", "Cem", email="x@y.example", display_name="Cem"))
    assert masked(*once) == once


def test_a_snapshot_stays_in_order_and_can_be_written_and_read(tmp_path: Path) -> None:
    people = [
        resource("org.user", f"712020:{number:08}-0000-4000-8000-000000000001", f"Person No {number}") for number in range(500)
    ]
    header, records = MASK.snapshot(HEADER, lambda: people)
    snapshots.write(str(tmp_path / "s.ndjson"), header, records)
    loaded = snapshots.load(str(tmp_path / "s.ndjson"))
    assert loaded.header.pseudonyms == MASK.mark
    assert len(list(loaded)) == 500


@pytest.mark.parametrize("key", ["", "short", "k" * 31])
def test_a_short_key_is_refused(key: str) -> None:
    with pytest.raises(InputError, match="fewer than 32 characters") as refused:
        Pseudonyms(key)
    assert "openssl rand -hex 32" in str(refused.value.hint)
    assert key == "" or key not in f"{refused.value}"


def test_what_calls_people_otherwise_is_not_compared() -> None:
    other = msgspec.structs.replace(HEADER, pseudonyms=MASK.mark)
    check_same(other, other)
    with pytest.raises(InputError, match="called by other names"):
        check_same(HEADER, other)


# -------------------------------------------------------------------------------------------------------------- declarations

# Facts of these names hold something of a person wherever they are.
TELLING = {"email", "owner", "author", "user_id", "account_id", "display_name", "attested_by", "on_behalf_of", "holder_value"}


def all_facts() -> Iterator[tuple[str, str, Fact]]:
    def below(kind: str, path: str, facts: dict[str, Fact]) -> Iterator[tuple[str, str, Fact]]:
        for name, fact in facts.items():
            yield kind, f"{path}{name}", fact
            yield from below(kind, f"{path}{name}.", fact.items)

    for kind in KINDS.values():
        yield from below(kind.name, "", kind.facts)


def test_a_fact_that_is_named_like_one_of_a_person_is_declared_as_one() -> None:
    undeclared = [(kind, path) for kind, path, fact in all_facts() if path.rpartition(".")[2] in TELLING and not fact.person]
    undeclared.remove(("org.event_action", "display_name"))  # of a kind of event
    assert undeclared == []
    # The words that declarations use for people; an id of any other kind is named for what it is.
    spoken_of = re.compile(r"\b(account('s)? id|id of (the|an) account|person's name|e-mail address)", re.IGNORECASE)
    unsaid = [(kind, path) for kind, path, fact in all_facts() if spoken_of.search(fact.meaning) and not fact.person]
    assert unsaid == []


def test_resources_whose_id_is_an_accounts_are_people() -> None:
    assert {kind.name for kind in KINDS.values() if kind.id == "account id"} == {
        kind.name for kind in KINDS.values() if kind.person
    }


def test_what_a_fact_of_a_person_depends_on_stands_beside_it() -> None:
    for kind in KINDS.values():
        groups = [kind.facts, *(fact.items for fact in kind.facts.values())]
        for facts in groups:
            for fact in facts.values():
                assert fact.person_if is None or fact.person_if[0] in facts


# ------------------------------------------------------------------------------------------------------------- the stand-ins


def scenario(name: str) -> dict[str, Any]:
    raw: dict[str, Any] = yaml.safe_load((SCENARIOS / f"{name}.yaml").read_text(encoding="utf-8"))
    return raw


def people_in(value: Any) -> Iterator[str]:  # noqa: ANN401
    """Yield what a scenario tells of people: in what it says of a user, a customer, an actor or an author."""
    if isinstance(value, dict):
        is_person = "email" in value or "accountType" in value or value.get("type") == "USER"
        for key, each in value.items():
            if isinstance(each, str) and (
                key in ("email", "author", "owner") or (is_person and key in ("id", "name", "display_name"))
            ):
                yield each
            yield from people_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from people_in(each)


def hidden(raw: Any) -> list[str]:  # noqa: ANN401
    """Return what must not be found: account ids, names, and what stands before the @ of addresses."""
    found = {each for each in people_in(raw) if each != "system" and each.partition("@")[0] not in ROLES}
    return sorted({f"{each.rpartition('@')[0]}@" if "@" in each else each for each in found if len(each) > 3})


def collected(site: StandIn, folder: Path, *, by: Pseudonyms | None) -> str:
    config = Config(
        sites=tuple(Site(name, url) for name, url in site.sites.items()),
        api_url=site.api_url,
        collect=Collect(undocumented=True, probe=True),
    )
    target = str(folder / f"{'masked' if by else 'plain'}.ndjson")
    with credentials():
        collection.take(config, target, how=collection.How(pseudonyms=by), now=NOW)
    return target


def verdicts(report: Report) -> dict[str, Counter[str]]:
    return {policy: Counter(+counts) for policy, counts in report.counts().items()}


@pytest.fixture(params=["open", "locked", "demo"], name="both")
def _both(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Snapshot, Snapshot]:
    """Return the name of a scenario, and a snapshot of it with and without names."""
    site: StandIn = request.getfixturevalue(f"{request.param}_site")
    plain, other = (snapshots.load(collected(site, tmp_path, by=by)) for by in (None, MASK))
    return str(request.param), plain, other


CONFIG = Config(
    sites=(Site("acme", "https://acme.atlassian.net"),),
    company_domains=("acme.example",),
    desks={"HR": "closed", "IT": "employees", "SUP": "public"},
    params={"audit/no-impersonation": {"support_staff": ["ben@acme.example"]}},
)


def test_nothing_of_a_person_of_the_stand_in_is_left_and_the_verdicts_are_the_same(
    both: tuple[str, Snapshot, Snapshot], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, plain, other = both
    monkeypatch.setenv("ATLASCAN_PSEUDONYM_KEY", KEY)
    wanted = hidden(scenario(name))
    content = (tmp_path / "masked.ndjson").read_text(encoding="utf-8")
    before = (tmp_path / "plain.ndjson").read_text(encoding="utf-8")
    assert len([each for each in wanted if each in before]) > 8  # there was something to hide
    assert [each for each in wanted if each in content] == []

    by = pipeline.criteria(CONFIG)
    people = (Waiver("*", "org.user/*", "Kim Keeper agreed", "Kim Keeper", "lee@acme.example", NOW.date()),)
    by = replace(by, waivers=tuple(replace(each, policy="identity/two-step-verification") for each in people))
    judged, judged_other = pipeline.judge(CONFIG, by, plain), pipeline.judge(CONFIG, by, other)
    assert verdicts(judged_other) == verdicts(judged)
    assert judged_other.gate == judged.gate

    for report in (MASK.report(judged), MASK.report(judged_other)):
        assert verdicts(report) == verdicts(judged)
        rendered = [each.render(report) for each in (result_json, html, csv, markdown, text)]
        for page in rendered:
            assert [each for each in (*wanted, "Kim Keeper", "lee@") if each in page] == []
        assert msgspec.json.decode(rendered[0])["snapshot"]["pseudonyms"] == MASK.mark
    places = [{(each.policy, each.address) for each in MASK.report(each).findings} for each in (judged, judged_other)]
    assert places[0] == places[1]  # whichever way it is made


def test_drift_works_across_snapshots_of_one_key(both: tuple[str, Snapshot, Snapshot]) -> None:
    _, plain, _ = both
    everybody = list(plain)
    changed = [
        msgspec.structs.replace(each, facts=each.facts | {"mfa_enabled": None, "claim_status": "unmanaged"})
        if isinstance(each, Resource) and each.kind == "org.user"
        else each
        for each in everybody
    ]

    def snapshot(records: list[Record], by: Pseudonyms | None) -> Snapshot:
        header, made = by.snapshot(plain.header, lambda: records) if by else (plain.header, iter(records))
        inside = list(made)
        return Snapshot(header, lambda: iter(inside))

    plainly = list(diff.changes(snapshot(everybody, None), snapshot(changed, None)))
    otherwise = list(diff.changes(snapshot(everybody, MASK), snapshot(changed, MASK)))
    assert plainly
    assert sorted((each.kind, MASK.account(each.id), each.facts) for each in plainly) == sorted(
        (each.kind, each.id, each.facts) for each in otherwise
    )
    assert drift.site_of(otherwise[0].address) is None


# --------------------------------------------------------------------------------------------------------------- generated


@cache
def rules() -> tuple[Rule, ...]:
    settings_ = {"company_domains": ["acme.example", "acme"]}
    return policies.select(policies.load(), "it-controlled", settings_, {}, None)


KINDS_OF_PEOPLE = (
    "org.user",
    "jira.user",
    "jsm.customer",
    "org.event",
    "jira.filter",
    "jira.dashboard",
    "jira.project_role",
    "jira.group",
)


def someones(kind: str) -> st.SearchStrategy[Resource]:
    scope = "" if KINDS[kind].scope.value == "org" else "acme/"
    ids = st.sampled_from(("a", "b", ADA, BEN)).map(lambda id_: f"{scope}{id_}")
    names = st.sampled_from(("Ada Admin", "Cher", "ada@acme.example", "pass", "x y"))
    return st.builds(lambda id_, name, facts: resource(kind, id_, name, **facts), ids, names, trees.resources(kind))


def several() -> st.SearchStrategy[list[Resource]]:
    drawn = st.lists(st.sampled_from(KINDS_OF_PEOPLE).flatmap(someones), max_size=6)
    return drawn.map(lambda each: list({sort_key(one): one for one in each}.values()))


@settings(max_examples=100, deadline=None)
@given(several())
def test_verdicts_on_generated_people_are_the_same(records: Iterable[Resource]) -> None:
    ordered = sorted(records, key=sort_key)
    coverage = tuple({"kind": kind, "requests": 1, "resources": 1, "gaps": 0, "complete": True} for kind in sorted(KINDS))
    header = msgspec.convert(msgspec.to_builtins(HEADER) | {"coverage": coverage}, Header)
    other, made = MASK.snapshot(header, lambda: ordered)
    inside = list(made)
    assert len(inside) == len(ordered)
    by = pipeline.Criteria(rules(), (), ())
    judged = [pipeline.judge(CONFIG, by, each) for each in (Snapshot(header, lambda: ordered), Snapshot(other, lambda: inside))]
    assert verdicts(judged[0]) == verdicts(judged[1])
    assert verdicts(MASK.report(judged[0])) == verdicts(judged[0])


# -------------------------------------------------------------------------------------------------------------- the command


def test_the_program_hides_people_in_snapshots_scans_and_reports(tmp_path: Path, open_site: StandIn, atlascan: Atlascan) -> None:
    configured(tmp_path, open_site)
    mine = {**ADMIN, "ATLASCAN_PSEUDONYM_KEY": KEY}
    assert atlascan("scan", "-f", "json=plain.json").code == 1
    scanned = atlascan("scan", "--pseudonymize", "--store", "kept", "-f", "json=scan.json", credentials=mine)
    assert scanned.code == 1, scanned.err
    again = atlascan("report", "plain.json", "--pseudonymize", "-f", "json=report.json", credentials=mine)
    assert again.code == 0, again.err
    assert atlascan("snapshot", "--pseudonymize", "--all", "-o", "all.ndjson", credentials=mine).code == 0
    wanted = hidden(scenario("open"))
    for name in ("scan.json", "report.json", "all.ndjson", "atlascan-snapshot.ndjson"):
        assert [each for each in wanted if each in (tmp_path / name).read_text(encoding="utf-8")] == [], name
    first, second = (json.loads((tmp_path / name).read_text(encoding="utf-8")) for name in ("scan.json", "report.json"))
    assert first["summary"] == second["summary"]
    assert KEY not in "".join((tmp_path / name).read_text(encoding="utf-8") for name in ("scan.json", "all.ndjson"))
    mixed = atlascan("report", "scan.json", "--since", "plain.json")
    assert (mixed.code, mixed.out) == (2, "")
    assert "people are called by other names" in mixed.err


def test_without_a_key_or_with_a_short_one_nothing_is_asked_or_written(
    tmp_path: Path, open_site: StandIn, atlascan: Atlascan
) -> None:
    configured(tmp_path, open_site)
    for key, said in ((None, "there is no key for pseudonyms"), ("short", "fewer than 32 characters")):
        mine = {**ADMIN, **({"ATLASCAN_PSEUDONYM_KEY": key} if key else {})}
        for command in (("scan",), ("snapshot",)):
            done = atlascan(*command, "--pseudonymize", credentials=mine)
            assert (done.code, done.out) == (2, "")
            assert said in done.err
            assert "openssl rand -hex 32" in done.err
    assert not (tmp_path / "atlascan-snapshot.ndjson").exists()
    recorded = atlascan("scan", "--pseudonymize", "--record", "r", credentials={**ADMIN, "ATLASCAN_PSEUDONYM_KEY": KEY})
    assert recorded.code == 2
    assert "excludes --record" in recorded.err
