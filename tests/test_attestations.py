"""Attestations: what people state is checked as it is read, fills exactly the gaps it speaks of, and counts until its last day."""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner import attestations, documents
from scanner.errors import InputError
from scanner.model import Attestation, AttestationUse, Gap, Header, Reason, Record, Resource, Snapshot, Source, Target, sort_key

ENTRY: dict[str, Any] = {
    "kind": "jsm.customer_permissions",
    "id": "acme/HR",
    "facts": {"channel_access": "restricted"},
    "attested_by": "kim@acme.example",
    "attested_on": "2026-06-01",
    "expires": "2026-09-01",
}
DESK = Attestation(
    "jsm.customer_permissions", "acme/HR", {"channel_access": "restricted"}, "kim@acme.example", date(2026, 6, 1), date(2026, 9, 1)
)
CHANNEL = replace(DESK, kind="jsm.email_channel", id="acme/help@acme.example", facts={"project_key": "HR"})
HEADER = Header(id="0", taken_at=datetime(2026, 6, 15, 12, tzinfo=UTC), tool="test", target=Target(org=None, sites={}))


def loaded(path: Path, *entries: dict[str, Any]) -> tuple[Attestation, ...]:
    path.write_text(documents.dump({"attestations": list(entries)}), encoding="utf-8")
    return attestations.load(path)


def refused(path: Path, *entries: dict[str, Any]) -> tuple[str, str | None]:
    """Return how a file with these entries is refused; the message without the path before it."""
    with pytest.raises(InputError) as caught:
        loaded(path, *entries)
    return str(caught.value).removeprefix(str(path)), caught.value.hint


def gap(kind: str, id_: str | None = None, parent: str | None = None) -> Gap:
    return Gap(kind=kind, reason=Reason.NO_PUBLIC_API, detail="no interface shows it", id=id_, parent=parent)


def resource(kind: str, id_: str, source: Source = Source.API, **facts: Any) -> Resource:  # noqa: ANN401  JSON border
    return Resource(kind=kind, id=id_, name=id_, facts=facts, source=source)


def supplied(records: Iterable[Record], *stated: Attestation, at: datetime = HEADER.taken_at) -> list[Record]:
    """Return the records of a snapshot to which the attestations were added, after looking that they are in order."""
    ordered = sorted(records, key=sort_key)
    snapshot = attestations.supply(Snapshot(msgspec.structs.replace(HEADER, taken_at=at), lambda: ordered), stated)
    found = list(snapshot)
    assert found == sorted(found, key=sort_key)
    assert found == list(snapshot), "a second reading differs"
    return found


def gaps_left(records: Iterable[Record], *stated: Attestation, at: datetime = HEADER.taken_at) -> list[Gap]:
    return [record for record in supplied(records, *stated, at=at) if isinstance(record, Gap)]


# ------------------------------------------------------------------------------------------------------------------ reading


def test_a_file_is_read_as_it_says(tmp_path: Path) -> None:
    proven = ENTRY | {"kind": "org.user_invites", "id": "jira", "facts": {"user_invites": "anyone"}, "evidence": "a.png"}
    hashed = ENTRY | {"id": "acme/NO", "evidence": {"file": "b.png", "sha256": "0" * 64}}
    assert loaded(tmp_path / "a.yaml", ENTRY, proven, hashed) == (
        DESK,
        replace(DESK, kind="org.user_invites", id="jira", facts={"user_invites": "anyone"}, evidence="a.png"),
        replace(DESK, id="acme/NO", evidence="b.png", sha256="0" * 64),
    )
    assert loaded(tmp_path / "a.yaml") == ()


def test_dates_need_no_quotes(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "attestations:\n"
        "  - {kind: jsm.customer_permissions, id: acme/HR, facts: {channel_access: restricted}, attested_by: kim@acme.example,"
        " attested_on: 2026-06-01, expires: 2026-09-01}\n"
    )
    assert attestations.load(tmp_path / "a.yaml") == (DESK,)


@pytest.mark.parametrize(
    ("change", "message", "hint"),
    [
        (
            {"kind": "jsm.customer_permission"},
            ":2: attestations[0].kind: 'jsm.customer_permission' is not a kind that can be attested",
            "did you mean 'jsm.customer_permissions'?",
        ),
        (
            {"facts": {"channel_acces": "open"}},
            ":5: attestations[0].facts.channel_acces: jsm.customer_permissions has no fact 'channel_acces'",
            "did you mean 'channel_access'?",
        ),
        (
            {"facts": {"channel_access": "opn"}},
            ':5: attestations[0].facts.channel_access: "opn" is not one of restricted, open',
            "channel_access: who may raise requests, in today's console",
        ),
        (
            {"facts": {"channel_access": None}},
            ":5: attestations[0].facts.channel_access: null is not one of restricted, open",
            "channel_access: who may raise requests, in today's console",
        ),
        (
            {"facts": {"public_signup": "off"}},
            ':5: attestations[0].facts.public_signup: "off" is not true or false',
            "public_signup: anyone may create a customer account here, in the older console's words",
        ),
        (
            {"kind": "jsm.customer_access", "id": "acme", "facts": {"external_domains": ["acme.com", 1]}},
            ':5: attestations[0].facts.external_domains: ["acme.com",1] is not a list of text',
            "external_domains: the domains, where only some may",
        ),
        (
            {"kind": "jsm.email_channel", "id": "acme/help@acme.com", "facts": {"project_key": 5}},
            ":5: attestations[0].facts.project_key: 5 is not text",
            "project_key: the desk's project",
        ),
        ({"facts": {}}, ":4: attestations[0].facts: {} should be non-empty", "What was seen in the console, fact by fact."),
        ({"attested_by": ""}, ":6: attestations[0].attested_by: '' should be non-empty", "Who looked."),
        (
            {"evidence": {"file": "a", "sha256": "abc"}},
            ':11: attestations[0].evidence.sha256: "abc" does not look right',
            "The SHA-256 of the file, 64 hexadecimal digits.",
        ),
        (
            {"evidence": 5},
            ":9: attestations[0].evidence: 5 does not fit here",
            "Where the proof lies: a path or a link, or a map of file and sha256.",
        ),
        ({"expire": "2026-01-01"}, ":9: attestations[0].expire: unknown key 'expire'", "did you mean 'expires'?"),
    ],
)
def test_what_is_wrong_is_said_in_its_place(tmp_path: Path, change: dict[str, Any], message: str, hint: str) -> None:
    assert refused(tmp_path / "a.yaml", ENTRY | change) == (message, hint)


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("kind", "kind: What kind of thing it is about, such as org.user_invites."),
        ("id", "id: Which one, such as jira, acme, acme/HR or acme/help@acme.com."),
        ("facts", "facts: What was seen in the console, fact by fact."),
        ("attested_by", "attested_by: Who looked."),
        ("attested_on", "attested_on: When they looked."),
        ("expires", "expires: The last day on which it counts (UTC)."),
    ],
)
def test_nobody_and_forever_are_no_attestation(tmp_path: Path, key: str, hint: str) -> None:
    entry = {name: value for name, value in ENTRY.items() if name != key}
    assert refused(tmp_path / "a.yaml", entry) == (f":2: attestations[0]: the key {key!r} is missing", hint)


@pytest.mark.parametrize(
    "text", ["2026-02-30", "tomorrow", "20260101", "2026-1-1", "2026-W01-1", "2026-01-01T00:00:00", "01.01.2026", "2026-13-01", ""]
)
def test_a_date_that_is_no_date_is_refused(tmp_path: Path, text: str) -> None:
    assert refused(tmp_path / "a.yaml", ENTRY | {"expires": text}) == (
        f':8: attestations[0].expires: "{text}" is not a date (YYYY-MM-DD)',
        "The last day on which it counts (UTC).",
    )


def test_a_date_without_hyphens_is_a_number_and_refused(tmp_path: Path) -> None:
    assert refused(tmp_path / "a.yaml", ENTRY | {"attested_on": 20260101}) == (
        ":7: attestations[0].attested_on: 20260101 is not text",
        "When they looked.",
    )


@pytest.mark.parametrize(
    ("kind", "facts", "wanted", "wrong"),
    [
        (
            "jsm.customer_permissions",
            {"channel_access": "open"},
            ("project key with its site", "acme/HR"),
            ["acme", "HR", "/HR", "acme/", "/", "acme/HR/more"],
        ),
        ("jsm.customer_access", {"login_required": True}, ("site name", "acme"), ["acme/HR", "acme/", "/acme"]),
        (
            "jsm.email_channel",
            {"project_key": "HR"},
            ("e-mail address with its site", "acme/help@acme.com"),
            ["help@acme.com", "acme/help", "acme/", "/help@acme.com", "acme/HR/help@@acme.com"],
        ),
    ],
)
def test_an_id_of_another_form_is_refused(
    tmp_path: Path, kind: str, facts: dict[str, Any], wanted: tuple[str, str], wrong: list[str]
) -> None:
    noun, right = wanted
    for id_ in wrong:
        assert refused(tmp_path / "a.yaml", ENTRY | {"kind": kind, "id": id_, "facts": facts}) == (
            f":3: attestations[0].id: {id_!r} is not an id of this kind, which is the {noun}",
            f"for example {right}",
        )
    assert loaded(tmp_path / "a.yaml", ENTRY | {"kind": kind, "id": right, "facts": facts})[0].id == right


def test_one_thing_stated_twice_is_refused_with_both_lines(tmp_path: Path) -> None:
    assert refused(tmp_path / "a.yaml", ENTRY, ENTRY | {"id": "acme/IT"}, ENTRY | {"attested_by": "lee"}) == (
        ":16: attestations[2]: jsm.customer_permissions/acme/HR is already attested in line 2",
        "keep one of them",
    )


def test_one_address_in_two_spellings_is_one_thing(tmp_path: Path) -> None:
    channel = ENTRY | {"kind": "jsm.email_channel", "id": "acme/Help@ACME.com", "facts": {"project_key": "HR"}}
    assert loaded(tmp_path / "a.yaml", channel)[0].id == "acme/help@acme.com"
    message, _ = refused(tmp_path / "a.yaml", channel, channel | {"id": "acme/help@acme.com"})
    assert message == ":9: attestations[1]: jsm.email_channel/acme/help@acme.com is already attested in line 2"


# ------------------------------------------------------------------------------------------------------------------ writing

dates = st.dates()
said = st.text(min_size=1)
desk_facts = st.fixed_dictionaries(
    {"channel_access": st.sampled_from(["restricted", "open"])},
    optional={"public_signup": st.booleans(), "open_access": st.booleans()},
)
access_facts = st.fixed_dictionaries({"external_domains": st.lists(st.text())}, optional={"login_required": st.booleans()})
keys = st.text(st.characters(codec="utf-8", exclude_characters="/"), min_size=1)
subjects = st.one_of(
    st.tuples(st.just("jsm.customer_permissions"), st.tuples(keys, keys).map("/".join), desk_facts),
    st.tuples(st.just("jsm.customer_access"), keys, access_facts),
    st.tuples(
        st.just("jsm.email_channel"), st.tuples(keys, st.just("help@acme.example")).map("/".join), st.just({"project_key": "NO"})
    ),
)
proofs = st.one_of(st.just((None, None)), st.tuples(said, st.none()), st.tuples(said, st.just("a" * 64)))


@st.composite
def stated(draw: st.DrawFn) -> Attestation:
    kind, id_, facts = draw(subjects)
    evidence, sha256 = draw(proofs)
    return Attestation(kind, id_, facts, draw(said), draw(dates), draw(dates), evidence, sha256)


stated_lists = st.lists(stated(), unique_by=lambda each: (each.kind, each.id), max_size=5)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stated_lists)
def test_what_is_written_is_read_back_the_same(tmp_path: Path, written: list[Attestation]) -> None:
    (tmp_path / "a.yaml").write_text(attestations.text(written), encoding="utf-8", newline="")
    assert attestations.load(tmp_path / "a.yaml") == tuple(written)


def test_what_is_written_reads_as_a_person_would_write_it() -> None:
    assert attestations.text([replace(DESK, evidence="a.png")]) == (
        "attestations:\n"
        "- kind: jsm.customer_permissions\n"
        "  id: acme/HR\n"
        "  facts:\n"
        "    channel_access: restricted\n"
        "  attested_by: kim@acme.example\n"
        "  attested_on: '2026-06-01'\n"
        "  expires: '2026-09-01'\n"
        "  evidence: a.png\n"
    )


# ----------------------------------------------------------------------------------------------------------------- supplying


def test_an_attestation_becomes_a_resource_and_an_account_of_itself() -> None:
    assert supplied([], replace(DESK, evidence="a.png")) == [
        resource(
            "attestation",
            "jsm.customer_permissions/acme/HR",
            Source.ATTESTED,
            attested_by="kim@acme.example",
            attested_on="2026-06-01",
            expires="2026-09-01",
            evidence="a.png",
            agrees=True,
        ),
        Resource(
            kind="jsm.customer_permissions",
            id="acme/HR",
            name="HR",
            facts={"channel_access": "restricted", "public_signup": None},
            source=Source.ATTESTED,
            parent="jsm.service_desk/acme/HR",
        ),
    ]


def test_a_channel_knows_its_address_domain_and_desk() -> None:
    assert supplied([], CHANNEL)[1] == Resource(
        kind="jsm.email_channel",
        id="acme/help@acme.example",
        name="help@acme.example",
        facts={"project_key": "HR", "address": "help@acme.example", "domain": "acme.example"},
        source=Source.ATTESTED,
        parent="jsm.service_desk/acme/HR",
    )


@pytest.mark.parametrize(
    ("facts", "signup"),
    [
        ({"channel_access": "open"}, None),
        ({"channel_access": "open", "public_signup": True}, True),
        ({"sharing": "by_email"}, "absent"),
    ],
)
def test_todays_console_has_no_public_signup_and_that_is_known(facts: dict[str, Any], signup: object) -> None:
    stated = supplied([], replace(DESK, facts=facts))[1]
    assert isinstance(stated, Resource)
    assert stated.facts.get("public_signup", "absent") is signup or stated.facts.get("public_signup", "absent") == signup


@pytest.mark.parametrize(
    ("facts", "signup"),
    [
        ({"external_accounts": "nobody"}, None),
        ({"external_accounts": "anyone", "public_signup": True}, True),
        ({"login_required": True}, "absent"),
    ],
)
def test_todays_console_has_no_public_signup_for_a_site_either(facts: dict[str, Any], signup: object) -> None:
    stated = supplied([], replace(DESK, kind="jsm.customer_access", id="acme", facts=facts))[1]
    assert isinstance(stated, Resource)
    assert stated.facts.get("public_signup", "absent") == signup


def test_the_gap_of_the_thing_attested_is_lifted_and_no_other() -> None:
    lifted = gap("jsm.customer_permissions", "acme/HR", "jsm.service_desk/acme/HR")
    others = [
        gap("jsm.customer_permissions", "acme/IT", "jsm.service_desk/acme/IT"),
        gap("jsm.customer_permissions", "beta/HR", "jsm.service_desk/beta/HR"),
        gap("jsm.customer_permissions"),
        gap("jsm.customer_access", "acme"),
        gap("jsm.email_channel", parent="jsm.service_desk/acme/HR"),
    ]
    assert gaps_left([lifted, *others], DESK) == sorted(others, key=sort_key)


def test_a_channel_lifts_the_gap_of_its_desk_and_no_other() -> None:
    lifted = gap("jsm.email_channel", parent="jsm.service_desk/acme/HR")
    others = [
        gap("jsm.email_channel", parent="jsm.service_desk/acme/IT"),
        gap("jsm.email_channel", parent="jsm.service_desk/beta/HR"),
        gap("jsm.email_channel"),
        gap("jsm.customer_permissions", "acme/HR", "jsm.service_desk/acme/HR"),
    ]
    assert gaps_left([lifted, *others], CHANNEL) == sorted(others, key=sort_key)


def test_a_channel_that_names_no_desk_lifts_nothing() -> None:
    left = gap("jsm.email_channel", parent="jsm.service_desk/acme/HR")
    assert gaps_left([left], replace(CHANNEL, facts={"address": "help@acme.example"})) == [left]


def test_a_resource_is_never_taken_away() -> None:
    read = resource("jsm.customer_permissions", "acme/HR", Source.UNDOCUMENTED, public_signup=True)
    assert read in supplied([read], DESK)


@pytest.mark.parametrize(
    ("stated", "open_"),
    [
        (DESK, gap("jsm.customer_permissions", "acme/HR", "jsm.service_desk/acme/HR")),
        (CHANNEL, gap("jsm.email_channel", parent="jsm.service_desk/acme/HR")),
    ],
)
def test_an_expired_attestation_lifts_nothing_and_the_gap_says_so(stated: Attestation, open_: Gap) -> None:
    late = datetime(2026, 9, 2, tzinfo=UTC)
    records = supplied([open_, gap("jsm.customer_access", "acme")], stated, at=late)
    detail = "no interface shows it; the attestation by kim@acme.example expired after 2026-09-01"
    assert [record for record in records if record.kind != "attestation"] == sorted(
        [msgspec.structs.replace(open_, detail=detail, hint="attest it again"), gap("jsm.customer_access", "acme")], key=sort_key
    )
    assert [record.id for record in records if record.kind == "attestation"] == [f"{stated.kind}/{stated.id}"]


def test_what_is_left_of_an_unlisted_kind_is_not_all_of_it_when_some_has_expired() -> None:
    """Nobody but a person tells which authentication policies there are: of one whose statement has expired nothing is known."""
    policy = replace(DESK, kind="org.authentication_policy", id="Staff", facts={"enforces_sso": True})
    open_ = gap("org.authentication_policy", None, "org/o")
    assert gaps_left([open_], policy) == []
    expired = replace(policy, id="Contractors", expires=date(2026, 6, 10))
    [left] = gaps_left([open_], policy, expired)
    assert "the attestation by kim@acme.example expired after 2026-06-10" in left.detail


def test_of_two_days_a_statement_speaks_for_that_which_is_nearer() -> None:
    one, other = (datetime(2026, 6, day, 12, tzinfo=UTC) for day in (1, 15))
    days = (date(2026, 5, 1), date(2026, 6, 8), date(2026, 6, 9), date(2026, 7, 1))
    said = [replace(DESK, attested_on=day) for day in days]
    assert [each.attested_on for each in attestations.nearer(said, one, other)] == list(days[:2])
    assert attestations.nearer(said, one, one) == tuple(said)


def test_the_hint_of_a_gap_is_kept_when_its_attestation_expired() -> None:
    open_ = msgspec.structs.replace(gap("jsm.customer_permissions", "acme/HR"), hint="turn on `undocumented`")
    [left] = gaps_left([open_], DESK, at=datetime(2027, 1, 1, tzinfo=UTC))
    assert left.hint == "attest it again: turn on `undocumented`"


@pytest.mark.parametrize(
    ("moment", "counts"),
    [
        (datetime(2026, 9, 1, 0, 0, tzinfo=UTC), True),
        (datetime(2026, 9, 1, 23, 59, 59, tzinfo=UTC), True),
        (datetime(2026, 9, 1, 23, 59, 59, 999999, tzinfo=UTC), True),
        (datetime(2026, 9, 2, 0, 0, tzinfo=UTC), False),
    ],
)
def test_an_attestation_counts_through_the_end_of_its_last_day(moment: datetime, counts: bool) -> None:
    open_ = gap("jsm.customer_permissions", "acme/HR")
    assert bool(gaps_left([open_], DESK, at=moment)) is not counts
    assert [use.counted for use in attestations.uses([DESK], moment)] == [counts]


@pytest.mark.parametrize(
    ("read", "agrees"),
    [
        ({}, True),
        ({"channel_access": "restricted"}, True),
        ({"channel_access": "open"}, False),
        ({"channel_access": None}, True),
        ({"public_signup": True}, True),
    ],
)
def test_an_attestation_agrees_unless_an_interface_says_otherwise(read: dict[str, Any], agrees: bool) -> None:
    other = resource("jsm.customer_permissions", "acme/IT", channel_access="open")
    records = supplied([resource("jsm.customer_permissions", "acme/HR", Source.UNDOCUMENTED, **read), other], DESK)
    assert [record.facts["agrees"] for record in records if isinstance(record, Resource) and record.kind == "attestation"] == [
        agrees
    ]


def test_an_expired_attestation_is_still_held_against_what_was_read() -> None:
    records = supplied(
        [resource("jsm.customer_permissions", "acme/HR", channel_access="open")], DESK, at=datetime(2027, 1, 1, tzinfo=UTC)
    )
    assert [record.facts["agrees"] for record in records if isinstance(record, Resource) and record.kind == "attestation"] == [
        False
    ]


record_lists = st.lists(
    st.one_of(
        st.builds(
            gap,
            st.sampled_from(["jsm.customer_permissions", "jsm.customer_access", "z"]),
            st.sampled_from(["acme", "acme/HR", None]),
        ),
        st.builds(resource, st.sampled_from(["attestation", "jsm.customer_permissions", "a", "z"]), st.text(max_size=3)),
    ),
    unique_by=sort_key,
    max_size=8,
)


@given(record_lists, stated_lists)
def test_records_stay_sorted_whatever_is_added(records: list[Record], added: list[Attestation]) -> None:
    assert len(supplied(records, *added)) >= sum(isinstance(record, Resource) for record in records) + len(added)


def test_a_report_says_of_each_attestation_whether_it_counted() -> None:
    uses = attestations.uses([DESK, replace(CHANNEL, expires=date(2026, 6, 14), evidence="a.png")], HEADER.taken_at)
    assert uses == (
        AttestationUse(
            address="jsm.customer_permissions/acme/HR",
            attested_by="kim@acme.example",
            attested_on=date(2026, 6, 1),
            expires=date(2026, 9, 1),
            counted=True,
        ),
        AttestationUse(
            address="jsm.email_channel/acme/help@acme.example",
            attested_by="kim@acme.example",
            attested_on=date(2026, 6, 1),
            expires=date(2026, 6, 14),
            counted=False,
            evidence="a.png",
        ),
    )


def test_the_last_day_there_is_counts_as_any_other() -> None:
    assert attestations.uses([replace(DESK, expires=date.max)], HEADER.taken_at)[0].counted


def test_the_last_day_ends_by_utc_wherever_the_snapshot_was_taken() -> None:
    east = timezone(timedelta(hours=14))
    assert attestations.uses([DESK], datetime(2026, 9, 2, 13, 59, tzinfo=east))[0].counted


@pytest.mark.parametrize(
    ("kind", "id_", "facts", "address"),
    [
        ("jsm.customer_permissions", "acme/HR", {}, "jsm.service_desk/acme/HR"),
        ("jsm.email_channel", "acme/help@acme.com", {"project_key": "HR"}, "jsm.service_desk/acme/HR"),
        ("jsm.email_channel", "acme/help@acme.com", {}, None),
        ("jsm.customer_access", "acme", {}, None),
        ("org.user_invites", "jira", {}, None),
    ],
)
def test_what_belongs_to_a_desk_knows_it(kind: str, id_: str, facts: dict[str, Any], address: str | None) -> None:
    assert attestations.desk_address(kind, id_, facts) == address


def test_evidence_that_changed_since_it_was_attested_is_refused_and_what_is_not_there_is_not_checked(tmp_path: Path) -> None:
    proof = tmp_path / "proof.png"
    proof.write_bytes(b"what was seen")
    digest = "abc0ffee" + "0" * 56
    text = documents.dump({"attestations": [ENTRY | {"evidence": {"file": "proof.png", "sha256": digest}}]})
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="is not the file that was attested: its digest differs"):
        attestations.load(tmp_path / "a.yaml")
    (tmp_path / "a.yaml").write_text(text.replace(digest, hashlib.sha256(b"what was seen").hexdigest()), encoding="utf-8")
    assert attestations.load(tmp_path / "a.yaml")
    proof.unlink()
    assert attestations.load(tmp_path / "a.yaml")


def test_whom_a_desk_serves_is_declared_and_not_attested(tmp_path: Path) -> None:
    entry = ENTRY | {"kind": "jsm.customer_permissions", "id": "acme/HR", "facts": {"desk_kind": "closed"}}
    (tmp_path / "a.yaml").write_text(documents.dump({"attestations": [entry]}), encoding="utf-8")
    with pytest.raises(InputError, match="desk_kind is not attested") as refused:
        attestations.load(tmp_path / "a.yaml")
    assert refused.value.hint == "the configuration says it, under `desks:`"
