"""What only a person can tell: collected as a gap that says where to look, asked about, and lifted by the answer."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest

from scanner import attestations, snapshots
from scanner.cli import attest
from scanner.collect import walk
from scanner.kinds import KINDS, Fact, FactType, Scope
from scanner.model import Attestation, Gap, Header, Reason, Record, Resource, Snapshot, Source, Target
from tests.conftest import Atlascan
from tests.fake_atlassian.server import StandIn
from tests.faulty import faulty, said
from tests.test_collect import ORG, ORGS, Collected, collected
from tests.test_scan import configured

BY_HAND = sorted(each.kind for each in walk.UNREADABLE)
HEADER = Header(id="0", taken_at=datetime(2026, 12, 1, tzinfo=UTC), tool="test", target=Target(org=None, sites={}))
POLICIES = ("Staff", "Bots")


def asked(kind: str) -> dict[str, Fact]:
    return {name: fact for name, fact in KINDS[kind].facts.items() if fact.ask}


def answer(fact: Fact) -> tuple[str, Any]:
    """Return what a person types, and what that is."""
    if fact.values:
        return fact.values[-1], fact.values[-1]
    said_: dict[FactType, tuple[str, Any]] = {
        FactType.BOOL: ("false", False),
        FactType.NUMBER: ("480", 480),
        FactType.TEXTS: ("no-reply, postmaster", ["no-reply", "postmaster"]),
    }
    return said_[fact.type]


def typed(kind: str) -> str:
    """Return what a person types about everything of a kind."""
    once = "\n".join([*(answer(fact)[0] for fact in asked(kind).values()), "proof.png\n"])
    return "".join(f"{name}\n{once}" for name in POLICIES) + "\n" if KINDS[kind].unlisted else once


def of(found: Collected, kind: str) -> list[Gap]:
    return [gap for gap in found.gaps if gap.kind == kind]


@pytest.mark.parametrize("kind", BY_HAND)
def test_each_is_a_gap_that_says_where_to_look(locked_site: StandIn, kind: str) -> None:
    found = collected(locked_site, needs=frozenset({(kind, "")}))
    parents = {each.parent for each in walk.UNREADABLE if each.kind == kind}

    assert of(found, kind)
    for gap in of(found, kind):
        assert gap.reason is Reason.NO_PUBLIC_API
        assert gap.hint == f"look at {KINDS[kind].console} and state what you see with `atlascan attest`"
        assert (gap.parent or "").partition("/")[0] in parents
        assert (gap.id is None) == KINDS[kind].unlisted
    assert found.coverage[kind].complete is False


def test_each_has_the_id_under_which_it_is_attested(locked_site: StandIn) -> None:
    found = collected(locked_site, needs=frozenset((kind, "") for kind in BY_HAND))
    ids = {kind: sorted({gap.id for gap in of(found, kind)}, key=str) for kind in BY_HAND}

    assert ids == {
        "jira.team_managed_access": ["acme"],
        "jsm.email_filter": ["acme"],
        "org.authentication_policy": [None],
        "org.external_user_policy": ["org"],
        "org.token_policy": ["org"],
        "org.user_invites": ["confluence", "jira", "jira-service-management"],
    }


@pytest.mark.parametrize("kind", [kind for kind in BY_HAND if KINDS[kind].scope is Scope.ORG])
def test_of_an_organization_that_cannot_be_read_the_gap_says_that(kind: str) -> None:
    with faulty({ORGS: [said({"data": [{"id": "o-1"}]})], ORG: [said({"message": "No."}, 403)]}) as server:
        [gap] = of(collected(StandIn(server.url, {}), needs=frozenset({(kind, "")})), kind)

    assert gap.reason is Reason.FORBIDDEN
    assert "and which there are could not be read: " in gap.detail


@pytest.mark.parametrize("kind", BY_HAND)
def test_attest_asks_about_each_and_what_it_writes_lifts_the_gap(
    tmp_path: Path, locked_site: StandIn, atlascan: Atlascan, kind: str
) -> None:
    configured(tmp_path, locked_site)
    gaps = of(collected(locked_site, needs=frozenset({(kind, "")})), kind)
    snapshots.write(str(tmp_path / "s.ndjson"), HEADER, gaps)

    done = atlascan("attest", "s.ndjson", "--by", "kim", stdin=typed(kind) * len(gaps))

    assert done.code == 0, done.err
    assert done.err.count(f"look at: {KINDS[kind].console}") == len(gaps)
    assert all(str(fact.ask) in done.err for fact in asked(kind).values())
    stated = attestations.load(tmp_path / "attestations.yaml")
    assert [each.id for each in stated] == (list(POLICIES) if KINDS[kind].unlisted else [gap.id for gap in gaps])
    assert all(each.facts == {name: answer(fact)[1] for name, fact in asked(kind).items()} for each in stated)
    that_day = datetime.combine(stated[0].attested_on, datetime.min.time(), UTC)
    header = msgspec.structs.replace(HEADER, taken_at=that_day)
    supplied = list(attestations.supply(Snapshot(header, lambda: gaps), stated))
    assert [each for each in supplied if isinstance(each, Gap)] == []
    assert {each.id for each in supplied if isinstance(each, Resource) and each.source is Source.ATTESTED} >= {
        each.id for each in stated
    }


def test_attest_asks_about_all_of_them_in_a_snapshot_of_everything(
    tmp_path: Path, locked_site: StandIn, atlascan: Atlascan
) -> None:
    configured(tmp_path, locked_site)
    taken = atlascan("snapshot", "--all")
    assert taken.code == 0, taken.err

    done = atlascan("attest", "--by", "kim", stdin="\n" * 200)

    assert done.code == 0, done.err
    assert {kind for kind in BY_HAND if f"look at: {KINDS[kind].console}" in done.err} == set(BY_HAND)


def test_what_the_file_cannot_hold_is_asked_for_again(tmp_path: Path, locked_site: StandIn, atlascan: Atlascan) -> None:
    configured(tmp_path, locked_site)
    kind = "org.external_user_policy"
    snapshots.write(str(tmp_path / "s.ndjson"), HEADER, of(collected(locked_site, needs=frozenset({(kind, "")})), kind))
    asks = [fact.type is FactType.NUMBER for fact in asked(kind).values()]
    answers = [*("9" * 30 + "\n480" if number else "" for number in asks), "proof.png"]

    done = atlascan("attest", "s.ndjson", "--by", "kim", stdin="\n".join(answers))

    assert done.code == 0, done.err
    assert f"{'9' * 30} is too large a number" in done.err
    [stated] = attestations.load(tmp_path / "attestations.yaml")
    assert (list(stated.facts.values()), stated.evidence) == ([480], "proof.png")


@pytest.mark.parametrize("read", [attest._text, attest._texts, attest._name])
def test_an_answer_that_is_no_unicode_text_is_asked_for_again(read: Callable[[str], object]) -> None:
    with pytest.raises(click.BadParameter, match="not valid Unicode text"):
        read("https://acme.example/\udcff")


def test_who_looked_is_a_name_that_the_file_can_hold(tmp_path: Path, locked_site: StandIn, atlascan: Atlascan) -> None:
    configured(tmp_path, locked_site)
    snapshots.write(str(tmp_path / "s.ndjson"), HEADER, of(collected(locked_site, needs=frozenset({(BY_HAND[0], "")})), BY_HAND[0]))
    for name in ("\udcff", " "):
        done = atlascan("attest", "s.ndjson", "--by", name, stdin=typed(BY_HAND[0]))
        assert done.code == 2, done.err
    assert not (tmp_path / "attestations.yaml").exists()


def test_a_gap_of_a_kind_that_is_not_known_is_not_asked_about(tmp_path: Path, locked_site: StandIn, atlascan: Atlascan) -> None:
    configured(tmp_path, locked_site)
    gap = Gap(kind="org.of_tomorrow", reason=Reason.NO_PUBLIC_API, detail="nobody reads it")
    snapshots.write(str(tmp_path / "s.ndjson"), HEADER, [gap])
    done = atlascan("attest", "s.ndjson", "--by", "kim")
    assert (done.code, "Traceback" in done.err) == (0, False), done.err


def test_a_link_to_the_file_stays_one_and_the_file_is_readable_for_whom_it_was(
    tmp_path: Path, locked_site: StandIn, atlascan: Atlascan
) -> None:
    configured(tmp_path, locked_site)
    kind = "org.external_user_policy"
    snapshots.write(str(tmp_path / "s.ndjson"), HEADER, of(collected(locked_site, needs=frozenset({(kind, "")})), kind))
    (tmp_path / "kept.yaml").write_text("attestations: []\n")
    (tmp_path / "kept.yaml").chmod(0o644)
    (tmp_path / "attestations.yaml").symlink_to("kept.yaml")

    done = atlascan("attest", "s.ndjson", "--by", "kim", stdin=typed(kind))

    assert done.code == 0, done.err
    assert (tmp_path / "attestations.yaml").is_symlink()
    assert (tmp_path / "kept.yaml").stat().st_mode & 0o777 == 0o644
    assert len(attestations.load(tmp_path / "kept.yaml")) == 1


def test_policies_are_named_one_by_one_until_there_are_no_more(tmp_path: Path, locked_site: StandIn, atlascan: Atlascan) -> None:
    configured(tmp_path, locked_site)
    kind = "org.authentication_policy"
    snapshots.write(str(tmp_path / "s.ndjson"), HEADER, of(collected(locked_site, needs=frozenset({(kind, "")})), kind))

    done = atlascan("attest", "s.ndjson", "--by", "kim", stdin="\n")

    assert "authentication policy: How a set of the organization's managed people have to log in." in done.err
    assert "policy name (empty for no more)" in done.err
    assert not (tmp_path / "attestations.yaml").exists()


def test_policies_of_an_organization_that_was_not_seen_are_not_lifted_by_naming_one() -> None:
    refused = Gap(kind="org.authentication_policy", reason=Reason.FORBIDDEN, detail="refused", parent="org/o-1")
    of_person = Gap(kind="org.authentication_policy", reason=Reason.NO_PUBLIC_API, detail="nobody reads it", parent="org/o-1")
    attested = Attestation(
        "org.authentication_policy", "Staff", {"enforces_sso": True}, "kim", HEADER.taken_at.date(), HEADER.taken_at.date()
    )
    gaps: tuple[Record, ...] = (refused, of_person)

    left = attestations.supply(Snapshot(HEADER, lambda: gaps), [attested])
    assert [each for each in left if isinstance(each, Gap)] == [refused]


def test_policies_attested_too_long_ago_lift_nothing_and_the_gap_says_so() -> None:
    of_person = Gap(kind="org.authentication_policy", reason=Reason.NO_PUBLIC_API, detail="nobody reads it", parent="org/o-1")
    past = datetime(2026, 1, 1, tzinfo=UTC).date()
    attested = Attestation("org.authentication_policy", "Staff", {"enforces_sso": True}, "kim", past, past)

    [left] = [each for each in attestations.supply(Snapshot(HEADER, lambda: [of_person]), [attested]) if isinstance(each, Gap)]
    assert left.detail == "nobody reads it; the attestation by kim expired after 2026-01-01"


def test_every_kind_that_nothing_reads_can_be_attested_and_asked_about() -> None:
    assert set(BY_HAND) <= attestations.ATTESTABLE.keys()
    assert [kind for kind in BY_HAND if not asked(kind)] == []
    assert set(BY_HAND).isdisjoint({kind for endpoint in walk.ENDPOINTS for kind in endpoint.kinds})
