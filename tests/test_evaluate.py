"""Judging: gaps, disagreement, severity, and the one thing that must never happen."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner import policies
from scanner.config import Declaration
from scanner.evaluate import evaluate
from scanner.model import (
    Coverage,
    Evidence,
    Finding,
    Gap,
    Header,
    Reason,
    Record,
    Resource,
    Rule,
    Severity,
    Snapshot,
    Source,
    Target,
    Verdict,
    sort_key,
)

POLICIES = policies.load()
RULES = tuple(Rule(policy, policy.severity, {"company_domains": ["acme.example"]}) for policy in POLICIES.values())
KINDS = (
    "jsm.customer_access",
    "jsm.customer_permissions",
    "jsm.email_channel",
    "org.access_domain",
    "org.domain",
    "org.user",
    "org.user_invites",
)
SIGNUP, MAIL, DOMAINS = "jsm/public-signup-off", "jsm/separate-support-email-domain", "access/no-open-domain-signup"


def snapshot(records: Iterable[Record], kinds: Iterable[str] = KINDS) -> Snapshot:
    coverage = tuple(Coverage(kind=kind, requests=1, resources=0, gaps=0, complete=True) for kind in kinds)
    taken_at = datetime(2026, 6, 15, 12, tzinfo=UTC)
    header = Header(id="0", taken_at=taken_at, tool="test", target=Target(org=None, sites={}), coverage=coverage)
    ordered = sorted(records, key=sort_key)
    return Snapshot(header, lambda: ordered)


def judged(records: Iterable[Record], policy: str | None = None, *, kinds: Iterable[str] = KINDS, **desks: str) -> list[Finding]:
    declare = Declaration({f"acme/{key}": kind for key, kind in desks.items()})
    found = evaluate(RULES, snapshot(records, kinds), declare)
    return [finding for finding in found if policy in (None, finding.policy)]


def desk(key: str = "HR", source: Source = Source.UNDOCUMENTED, **facts: Any) -> Resource:  # noqa: ANN401
    return Resource(kind="jsm.customer_permissions", id=f"acme/{key}", name=key, facts=facts, source=source)


def channel(domain: str = "acme.example", key: str = "HR") -> Resource:
    facts = {"project_key": key, "address": f"help@{domain}", "domain": domain}
    return Resource(kind="jsm.email_channel", id=f"acme/help@{domain}", name=domain, facts=facts, source=Source.UNDOCUMENTED)


def gap(kind: str, **more: Any) -> Gap:  # noqa: ANN401
    return Gap(kind=kind, reason=Reason.FORBIDDEN, detail="refused (403)", hint="grant the scope", **more)


def test_a_gap_is_a_finding_of_its_own_and_leaves_what_was_read_to_be_judged() -> None:
    desk_gap = gap("jsm.customer_permissions", parent="jsm.service_desk/acme/FIN", id="acme/FIN")
    found = judged([desk(public_signup=False), desk_gap], SIGNUP)
    assert [(each.verdict, each.address, each.missing, each.reason) for each in found] == [
        (Verdict.UNKNOWN, "jsm.service_desk/acme/FIN", "jsm.customer_permissions/acme/FIN", Reason.FORBIDDEN),
        (Verdict.PASS, "jsm.customer_permissions/acme/HR", None, None),
    ]
    assert (found[0].message, found[0].hint) == ("refused (403)", "grant the scope")


def test_a_gap_without_a_parent_is_reported_under_its_kind() -> None:
    assert [each.address for each in judged([gap("org.access_domain")], DOMAINS)] == ["org.access_domain"]


def test_a_gap_that_the_policy_does_not_speak_of_is_not_its_matter() -> None:
    elsewhere = gap("org.access_domain", parent="org/1", id="partner.example")
    anyone = Resource(
        kind="org.access_domain", id="ANYONE", name="ANYONE", facts={"enabled": False}, source=Source.API_EXPERIMENTAL
    )
    assert [each.verdict for each in judged([elsewhere, anyone], DOMAINS)] == [Verdict.PASS]
    about_anyone = gap("org.access_domain", parent="org/1", id="ANYONE")
    assert [each.verdict for each in judged([about_anyone], DOMAINS)] == [Verdict.UNKNOWN]


def test_a_desk_declared_public_is_not_judged_as_closed_even_if_it_could_not_be_read() -> None:
    unread = gap("jsm.customer_permissions", parent="jsm.service_desk/acme/SUP", id="acme/SUP")
    assert [each.verdict for each in judged([desk("SUP", public_signup=True)], SIGNUP, SUP="public")] == [Verdict.NOTAPPLICABLE]
    assert judged([unread], SIGNUP, SUP="public") == []
    assert [each.verdict for each in judged([unread], SIGNUP)] == [Verdict.UNKNOWN]


def test_a_kind_that_the_snapshot_does_not_cover_is_unknown_and_one_that_is_empty_is_notapplicable() -> None:
    [uncovered] = judged([], SIGNUP, kinds=())
    assert (uncovered.verdict, uncovered.message) == (Verdict.UNKNOWN, "the snapshot does not cover jsm.customer_permissions")
    stated = msgspec.structs.replace(desk("HR", public_signup=False), source=Source.ATTESTED)
    found = judged([stated], SIGNUP, kinds=())
    # What people state is some of it.
    assert [each.message for each in found if each.verdict is Verdict.UNKNOWN] == [uncovered.message]
    assert len(found) == 2
    [empty] = judged([], SIGNUP)
    assert (empty.verdict, empty.message) == (Verdict.NOTAPPLICABLE, "there is no customer permissions here to judge")


def test_a_reference_to_a_kind_that_the_snapshot_does_not_cover_is_unknown() -> None:
    kinds = [kind for kind in KINDS if kind != "org.domain"]
    assert [each.verdict for each in judged([channel("other.example")], MAIL, kinds=kinds)] == [Verdict.UNKNOWN]


def test_where_suppliers_disagree_the_worse_verdict_holds() -> None:
    for good, bad in ((Source.UNDOCUMENTED, Source.ATTESTED), (Source.ATTESTED, Source.UNDOCUMENTED)):
        [found] = judged([desk(source=good, public_signup=False), desk(source=bad, public_signup=True)], SIGNUP)
        assert found.verdict is Verdict.FAIL


def test_an_attestation_that_an_interface_contradicts_makes_no_domain_a_verified_one() -> None:
    def claim(status: str, source: Source) -> Resource:
        facts = {"name": "partner.example", "claim_status": status}
        return Resource(kind="org.domain", id="partner.example", name="partner.example", facts=facts, source=source)

    approved = Resource(
        kind="org.access_domain",
        id="partner.example",
        name="partner.example",
        facts={"domain": "partner.example", "enabled": True},
        source=Source.API_EXPERIMENTAL,
    )
    read, stated = claim("unverified", Source.API), claim("verified", Source.ATTESTED)
    [alone] = judged([approved, read], "access/approved-domains-verified")
    [contradicted] = judged([approved, read, stated], "access/approved-domains-verified")
    assert (alone.verdict, contradicted.verdict) == (Verdict.FAIL, Verdict.UNKNOWN)
    assert contradicted.message == "cannot be judged: suppliers disagree about org.domain/partner.example"


def test_suppliers_complete_each_other_and_each_fact_keeps_its_source() -> None:
    [found] = judged([desk(open_access=True), desk(source=Source.ATTESTED, public_signup=False)], SIGNUP)
    assert found.verdict is Verdict.PASS
    assert set(found.evidence) == {
        Evidence(path="open_access", value=True, source=Source.UNDOCUMENTED),
        Evidence(path="public_signup", value=False, source=Source.ATTESTED),
    }
    assert found.source is Source.ATTESTED


def test_a_failure_is_worse_where_its_condition_holds_and_where_that_is_not_known() -> None:
    [shut] = judged([channel(), desk(public_signup=False, channel_access="restricted")], MAIL)
    [wide] = judged([channel(), desk(public_signup=True)], MAIL)
    [unread] = judged([channel(), gap("jsm.customer_permissions", id="acme/HR", parent="jsm.service_desk/acme/HR")], MAIL)
    nobody_read = gap("jsm.customer_permissions", id="acme/HR", parent="jsm.service_desk/acme/HR")
    [declared] = judged([channel(), nobody_read], MAIL, HR="closed")
    assert (declared.severity, declared.severity_because) == (Severity.MEDIUM, None)
    assert [(each.severity, each.severity_because) for each in (shut, wide, unread)] == [
        (Severity.MEDIUM, None),
        (Severity.CRITICAL, "anyone may raise requests in this desk, as far as is known"),
        (Severity.CRITICAL, "anyone may raise requests in this desk, as far as is known"),
    ]


def test_a_failure_says_what_is_wrong_in_the_policys_words() -> None:
    [found] = judged([channel()], MAIL)
    assert found.message == "requests arrive at help@acme.example, on a domain that is the company's own"


def test_what_could_not_be_decided_says_why_and_what_would_make_it_known() -> None:
    [found] = judged([desk(open_access=True)], SIGNUP)
    assert found.message == "cannot be judged: public_signup is not known; channel_access is not known"
    assert found.hint == (
        "look at Project settings > Access > Customer permissions and state what you see of acme/HR with `atlascan attest`"
    )


def test_a_gap_of_another_desk_or_site_leaves_what_was_read_to_be_judged() -> None:
    shut = desk(public_signup=False, channel_access="restricted")
    for elsewhere in (
        gap("jsm.customer_permissions", id="acme/FIN", parent="jsm.service_desk/acme/FIN"),
        gap("jsm.customer_permissions", parent="jira.site/beta"),
    ):
        [found] = [each for each in judged([channel(), shut, elsewhere], MAIL) if each.verdict is Verdict.FAIL]
        assert found.severity is Severity.MEDIUM
    in_todays_words = desk(public_signup=None, channel_access="open")
    nobody = Resource(
        kind="jsm.customer_access", id="acme", name="acme", facts={"external_accounts": "nobody"}, source=Source.ATTESTED
    )
    records: list[Record] = [in_todays_words, nobody, gap("jsm.customer_access", id="beta", parent="jira.site/beta")]
    assert [each.verdict for each in judged(records, SIGNUP)] == [Verdict.PASS]


def test_what_nobody_was_to_look_at_may_be_settled_by_the_site_and_what_refused_may_not() -> None:
    nobody = Resource(
        kind="jsm.customer_access", id="acme", name="acme", facts={"external_accounts": "nobody"}, source=Source.ATTESTED
    )
    unread = gap("jsm.customer_permissions", id="acme/HR", parent="jsm.service_desk/acme/HR")
    not_asked = msgspec.structs.replace(unread, reason=Reason.OPT_IN_OFF)
    [found] = judged([nobody, not_asked], SIGNUP)
    assert (found.verdict, found.address) == (Verdict.PASS, "jsm.customer_permissions/acme/HR")
    assert found.message == "settled by external_accounts of jsm.customer_access/acme is nobody"
    assert [each.verdict for each in judged([nobody, unread], SIGNUP)] == [Verdict.UNKNOWN]
    assert [each.verdict for each in judged([not_asked], SIGNUP)] == [Verdict.UNKNOWN]


def test_null_of_one_supplier_gives_way_to_what_another_knows() -> None:
    """Who attests in today's words says that the older switch is gone; an interface that still answers it knows more."""
    [found] = judged([desk(public_signup=False), desk(source=Source.ATTESTED, public_signup=None, channel_access="open")], SIGNUP)
    assert found.verdict is Verdict.PASS
    [found] = judged(
        [desk(public_signup=True), desk(source=Source.ATTESTED, public_signup=None, channel_access="restricted")], SIGNUP
    )
    assert found.verdict is Verdict.FAIL


def test_what_another_kind_hides_is_said_with_what_would_lift_it() -> None:
    [found] = judged([channel("other.example"), gap("org.domain", parent="org/1")], MAIL)
    assert (found.verdict, found.hint) == (Verdict.UNKNOWN, None)
    assert found.message == "cannot be judged: domain org/1 could not be read: refused (403) (grant the scope)"


facts = st.fixed_dictionaries(
    {},
    optional={
        "public_signup": st.sampled_from([True, False, None]),
        "channel_access": st.sampled_from(["open", "restricted"]),
        "open_access": st.booleans(),
    },
)
resources = st.one_of(
    st.builds(lambda key, known, source: desk(key, source, **known), st.sampled_from("AB"), facts, st.sampled_from(list(Source))),
    st.builds(channel, st.sampled_from(["acme.example", "help.acme.example", "other.example"]), st.sampled_from("AB")),
    st.builds(
        lambda name, status: Resource(
            kind="org.domain",
            id=name,
            name=name,
            facts={"name": name, **({"claim_status": status} if status else {})},
            source=Source.API,
        ),
        st.sampled_from(["acme.example", "help.acme.example", "other.example"]),
        st.sampled_from(["verified", "unverified", None]),
    ),
    st.builds(
        lambda answer: Resource(
            kind="jsm.customer_access", id="acme", name="acme", facts={"external_accounts": answer}, source=Source.ATTESTED
        ),
        st.sampled_from(["anyone", "domains", "nobody"]),
    ),
    st.builds(
        lambda enabled, modes: Resource(
            kind="org.access_domain",
            id="ANYONE",
            name="ANYONE",
            facts={"enabled": enabled, "products": [{"product_id": str(n), **mode} for n, mode in enumerate(modes)]},
            source=Source.API_EXPERIMENTAL,
        ),
        st.booleans(),
        st.lists(st.sampled_from([{}, {"access_mode": "DIRECT_ACCESS"}, {"access_mode": "DENIED_ACCESS"}]), max_size=3),
    ),
)
gaps = st.builds(
    lambda kind, where: gap(kind, **where),
    st.sampled_from(KINDS),
    st.sampled_from([{}, {"parent": "jira.site/acme"}, {"parent": "jsm.service_desk/acme/A", "id": "acme/A"}]),
)
unique = st.lists(resources, max_size=6, unique_by=lambda each: (each.kind, each.id, each.source))
# What one supplier loses another may still state: the law about facts is about those that nobody states any more.
of_one_supplier = st.lists(resources, max_size=6, unique_by=lambda each: (each.kind, each.id))


@settings(deadline=None)
@given(unique, gaps)
def test_adding_a_gap_never_turns_a_verdict_into_pass(known: list[Resource], missing: Gap) -> None:
    before = {(each.policy, each.address): each.verdict for each in judged(known)}
    for each in judged([*known, missing]):
        was = before.get((each.policy, each.address))
        assert each.verdict is not Verdict.PASS or was is Verdict.PASS


@settings(deadline=None)
@given(of_one_supplier, st.integers(0, 5), st.randoms(use_true_random=False))
def test_losing_a_fact_never_turns_a_verdict_into_pass(known: list[Resource], index: int, chance: Any) -> None:  # noqa: ANN401
    if index >= len(known) or not known[index].facts:
        return
    lost = chance.choice(sorted(known[index].facts))
    left = {name: value for name, value in known[index].facts.items() if name != lost}
    fewer = [*known[:index], msgspec.structs.replace(known[index], facts=left), *known[index + 1 :]]
    before = {(each.policy, each.address): each.verdict for each in judged(known)}
    for each in judged(fewer):
        assert each.verdict is not Verdict.PASS or before[(each.policy, each.address)] is Verdict.PASS


@settings(deadline=None)
@given(unique, st.randoms(use_true_random=False))
def test_the_order_of_the_rules_changes_nothing(known: list[Resource], chance: Any) -> None:  # noqa: ANN401
    shuffled = list(RULES)
    chance.shuffle(shuffled)

    def found(rules: Iterable[Rule]) -> list[bytes]:
        return sorted(msgspec.json.encode(each) for each in evaluate(rules, snapshot(known), Declaration({})))

    assert found(shuffled) == found(RULES)
