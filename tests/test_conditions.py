"""The condition language: three-valued, explained, and strict about what it is given."""

import itertools
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner import conditions, documents
from scanner.answers import Answers, Missing
from scanner.conditions import OPERATORS, Condition, explained
from scanner.errors import InputError
from scanner.gather import Gatherer, rounds
from scanner.judging import Bound, Surroundings, bind
from scanner.model import Header, Resource, Source, Target
from scanner.stretches import Stretch

if TYPE_CHECKING:
    from collections.abc import Callable

AS_OF = datetime(2026, 6, 15, 12, tzinfo=UTC)
KIND = "jsm.customer_permissions"
TRUE, FALSE, UNKNOWN = (
    {"path": "public_signup", "equals": True},
    {"path": "public_signup", "equals": False},
    {"path": "open_access", "equals": True},
)
FACTS = {"public_signup": True}
TRUTHS = {True: TRUE, False: FALSE, None: UNKNOWN}


def parsed(value: Any, kind: str = KIND, params: tuple[str, ...] = ()) -> Condition:  # noqa: ANN401
    return conditions.parse(value, documents.parse(json.dumps(value), "p.yaml"), (), kind, dict.fromkeys(params, "list"))


class Gathered(NamedTuple):
    """The resources of another kind, and what of it is missing."""

    items: tuple[dict[str, Any], ...]
    missing: tuple[Missing, ...] = ()


def bound(value: Any, kind: str, params: dict[str, Any], gathered: dict[str, Gathered]) -> Bound:  # noqa: ANN401
    condition = parsed(value, kind, tuple(params))
    return bind(condition, Surroundings(AS_OF, params, answers(condition, params, gathered)))


def answers(condition: Condition, params: dict[str, Any], gathered: dict[str, Gathered]) -> Answers:
    known = Answers(missing={kind: list(each.missing) for kind, each in gathered.items()})
    header = Header(id="0", taken_at=AS_OF, tool="test", target=Target(org=None, sites={}))
    for puts in rounds([(condition, params)]):
        for put in puts:
            records = [resource(put.kind, dict(item)) for item in gathered[put.kind].items]
            gatherer = Gatherer(put.kind, [put], header, known, lambda _kind, _id, facts: facts)
            [known.by_question[put.asked]] = gatherer.gathered(Stretch(put.kind, records=records), None).answers
            known.by_question[put.asked].close(known.missing[put.kind])
    return known


def resource(kind: str, facts: dict[str, Any]) -> Resource:
    id_ = str(facts.pop("id"))
    return Resource(kind=kind, id=id_, name=id_, facts=facts, source=Source.API)


def truth(
    value: Any,  # noqa: ANN401
    facts: dict[str, Any] = FACTS,
    kind: str = KIND,
    params: dict[str, Any] | None = None,
    gathered: dict[str, Gathered] | None = None,
) -> bool | None:
    return bound(value, kind, params or {}, gathered or {}).truth(facts)


def why(
    value: Any,  # noqa: ANN401
    facts: dict[str, Any],
    kind: str = KIND,
    gathered: dict[str, Gathered] | None = None,
) -> tuple[str, ...]:
    judged = bound(value, kind, {}, gathered or {})
    return explained(judged.clauses(facts, judged.truth(facts)))


def kleene(word: str, values: tuple[bool | None, ...]) -> bool | None:
    """Tell what Kleene's tables say: the smallest of `all`, the greatest of `any`, with unknown in the middle."""
    order = [False, None, True]
    pick: Callable[..., bool | None] = min if word == "all" else max
    return pick(values, key=order.index)


@pytest.mark.parametrize("word", ["all", "any"])
@pytest.mark.parametrize("values", list(itertools.product(TRUTHS, repeat=3)))
def test_all_and_any_follow_kleene(word: str, values: tuple[bool | None, ...]) -> None:
    assert truth({word: [TRUTHS[value] for value in values]}) is kleene(word, values)


@pytest.mark.parametrize("value", TRUTHS)
def test_not_of_unknown_is_unknown(value: bool | None) -> None:
    assert truth({"not": TRUTHS[value]}) is (None if value is None else not value)


trees = st.recursive(
    st.sampled_from([TRUE, FALSE, UNKNOWN, {"path": "channel_access", "in": ["open"]}, {"path": "sharing", "null": True}]),
    lambda inner: st.one_of(
        st.fixed_dictionaries({"all": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"not": inner}),
    ),
    max_leaves=8,
)
facts = st.fixed_dictionaries(
    {},
    optional={
        "public_signup": st.sampled_from([True, False, None, 1, "true"]),
        "open_access": st.sampled_from([True, False, None]),
        "channel_access": st.sampled_from(["open", "restricted", None, 3]),
        "sharing": st.sampled_from(["organization", None]),
    },
)


@given(trees, facts, st.sampled_from(["public_signup", "open_access", "channel_access", "sharing"]))
def test_a_fact_that_goes_missing_never_turns_a_verdict_round(tree: Any, known: dict[str, Any], lost: str) -> None:  # noqa: ANN401
    """Knowing less may make a truth unknown, and nothing else: absence is never a pass."""
    before = truth(tree, known)
    after = truth(tree, {name: value for name, value in known.items() if name != lost})
    assert after in (before, None)


@given(trees, facts)
def test_every_truth_names_what_decided_it(tree: Any, known: dict[str, Any]) -> None:  # noqa: ANN401
    assert why(tree, known)


DATED = "attestation"
DOMAIN = "jsm.email_channel"
ROLE = "jira.application_role"
TOKEN = "org.api_token"
HEADROOM = {"path": "remaining_seats", "at_least": 5, "percent_of": "seats"}
LASTING = {"path": "expires_at", "within": "365 d", "of": "created_at"}
CASES: list[tuple[str, dict[str, Any], dict[str, Any], bool | None]] = [
    (KIND, {"path": "public_signup", "equals": True}, {"public_signup": 1}, None),
    (KIND, {"path": "public_signup", "equals": True}, {"public_signup": True}, True),
    (KIND, {"path": "public_signup", "not_equals": True}, {"public_signup": True}, False),
    (KIND, {"path": "channel_access", "in": ["open"]}, {"channel_access": "restricted"}, False),
    (KIND, {"path": "channel_access", "in": ["open"]}, {"channel_access": 5}, None),
    (KIND, {"path": "channel_access", "not_in": ["open"]}, {"channel_access": "open"}, False),
    (DATED, {"path": "attested_on", "older_than": "90 d"}, {"attested_on": "once"}, None),
    (DOMAIN, {"path": "domain", "domain_in": ["acme.example"]}, {"domain": "acme..example"}, None),
    (DOMAIN, {"path": "domain", "domain_not_in": ["acme.example"]}, {"domain": "ACME.example."}, False),
    (DOMAIN, {"path": "domain", "domain_in": ["acme.co.uk"], "as": "registrable"}, {"domain": "help.acme.co.uk"}, True),
    (DOMAIN, {"path": "domain", "domain_in": ["other.co.uk"], "as": "registrable"}, {"domain": "acme.co.uk"}, False),
    (DOMAIN, {"path": "domain", "domain_in": ["help.acme.example"], "as": "registrable"}, {"domain": "mail.acme.example"}, True),
    (KIND, {"path": "public_signup", "equals": True}, {"public_signup": None}, False),
    (KIND, {"path": "public_signup", "not_equals": True}, {"public_signup": None}, True),
    (KIND, {"path": "public_signup", "not_equals": True}, {}, None),
    (KIND, {"path": "channel_access", "in": ["open", "restricted"]}, {"channel_access": "open"}, True),
    (KIND, {"path": "channel_access", "not_in": ["open"]}, {"channel_access": "restricted"}, True),
    (KIND, {"path": "channel_access", "not_in": ["open"]}, {"channel_access": 5}, None),
    (KIND, {"path": "sharing", "null": True}, {"sharing": None}, True),
    (KIND, {"path": "sharing", "null": False}, {"sharing": None}, False),
    (KIND, {"path": "sharing", "null": True}, {}, None),
    ("jsm.customer_access", {"path": "external_domains", "contains": ["a.example"]}, {"external_domains": ["a.example"]}, True),
    ("jsm.customer_access", {"path": "external_domains", "contains": ["a.example"]}, {"external_domains": []}, False),
    ("jsm.customer_access", {"path": "external_domains", "contains": ["a.example"]}, {"external_domains": "a.example"}, None),
    ("jsm.customer_access", {"path": "external_domains", "excludes": ["a.example"]}, {"external_domains": ["a.example"]}, False),
    ("jsm.customer_access", {"path": "external_domains", "excludes": ["a.example"]}, {"external_domains": ["b.example"]}, True),
    ("jsm.customer_access", {"path": "external_domains", "excludes": ["a.example"]}, {"external_domains": None}, None),
    ("jsm.customer_access", {"path": "external_domains", "empty": True}, {"external_domains": []}, True),
    ("jsm.customer_access", {"path": "external_domains", "empty": False}, {"external_domains": []}, False),
    ("jsm.customer_access", {"path": "external_domains", "empty": True}, {"external_domains": None}, None),
    (
        "jsm.customer_access",
        {"path": "external_domains", "subset_of": ["a.example", "b.example"]},
        {"external_domains": ["a.example"]},
        True,
    ),
    ("jsm.customer_access", {"path": "external_domains", "subset_of": ["a.example"]}, {"external_domains": []}, True),
    ("jsm.customer_access", {"path": "external_domains", "subset_of": ["a.example"]}, {"external_domains": ["b.example"]}, False),
    ("jsm.customer_access", {"path": "external_domains", "subset_of": ["a.example"]}, {"external_domains": None}, None),
    (DATED, {"path": "evidence", "matches": "^https://"}, {"evidence": "https://wiki.example/1"}, True),
    (DATED, {"path": "evidence", "matches": "wiki"}, {"evidence": "https://wiki.example/1"}, True),
    (DATED, {"path": "evidence", "matches": "^wiki"}, {"evidence": "https://wiki.example/1"}, False),
    (DATED, {"path": "evidence", "matches": "^(a+)+$"}, {"evidence": "a" * 50_000 + "!"}, False),
    (DATED, {"path": "evidence", "matches": "^wiki"}, {"evidence": None}, None),
    (ROLE, {"path": "seats", "at_least": 10}, {"seats": 10}, True),
    (ROLE, {"path": "seats", "at_least": 10}, {"seats": 9}, False),
    (ROLE, {"path": "seats", "at_least": 10}, {"seats": True}, None),
    (ROLE, {"path": "seats", "at_most": 10}, {"seats": 10}, True),
    (ROLE, {"path": "seats", "at_most": 10}, {"seats": 11}, False),
    (ROLE, {"path": "seats", "at_most": 10}, {"seats": "10"}, None),
    (ROLE, HEADROOM, {"remaining_seats": 5, "seats": 100}, True),
    (ROLE, HEADROOM, {"remaining_seats": 4, "seats": 100}, False),
    (ROLE, HEADROOM, {"remaining_seats": 0, "seats": 0}, None),
    (ROLE, HEADROOM, {"remaining_seats": 5}, None),
    (TOKEN, LASTING, {"created_at": "2026-01-01", "expires_at": "2027-01-01"}, True),
    (TOKEN, LASTING, {"created_at": "2026-01-01", "expires_at": "2027-01-02"}, False),
    (TOKEN, LASTING, {"created_at": "2026-01-01", "expires_at": None}, None),
    (TOKEN, LASTING, {"expires_at": "2027-01-02"}, None),
    (DATED, {"path": "expires", "newer_than": "1 d"}, {"expires": "2026-06-15"}, True),
    (DATED, {"path": "expires", "newer_than": "1 d"}, {"expires": "2026-06-14"}, False),
    (DATED, {"path": "expires", "newer_than": "1 d"}, {"expires": "someday"}, None),
    (DATED, {"path": "expires", "newer_than": "1 d"}, {"expires": None}, None),
    (DATED, {"path": "attested_on", "older_than": "90 d"}, {"attested_on": "2026-03-01"}, True),
    (DATED, {"path": "attested_on", "older_than": "12 h"}, {"attested_on": "2026-06-15T01:00:00+00:00"}, False),
    (DATED, {"path": "attested_on", "older_than": "12 h"}, {"attested_on": "2026-06-14T23:59:00Z"}, True),
    (DOMAIN, {"path": "domain", "domain_in": ["Acme.Example."]}, {"domain": "acme.example"}, True),
    (DOMAIN, {"path": "address", "domain_in": ["acme.example"]}, {"address": "Help+tag@ACME.example"}, True),
    (DOMAIN, {"path": "domain", "domain_in": ["acme.example"]}, {"domain": "help.acme.example"}, False),
    (DOMAIN, {"path": "domain", "domain_in": ["acme.example"], "as": "subdomain"}, {"domain": "help.acme.example"}, True),
    (DOMAIN, {"path": "domain", "domain_in": ["acme.example"], "as": "subdomain"}, {"domain": "acme.example"}, False),
    (DOMAIN, {"path": "domain", "domain_in": ["acme.example"], "as": "subdomain"}, {"domain": "notacme.example"}, False),
    (DOMAIN, {"path": "domain", "domain_in": ["bücher.example"]}, {"domain": "xn--bcher-kva.example"}, True),
    (DOMAIN, {"path": "domain", "domain_not_in": ["acme.example"]}, {"domain": "other.example"}, True),
    (DOMAIN, {"path": "domain", "domain_not_in": ["acme.example"]}, {"domain": ".."}, None),
    (DOMAIN, {"path": "domain", "domain_not_in": ["not a domain"]}, {"domain": "other.example"}, None),
    ("org.access_domain", {"count": {"path": "products"}, "at_least": 1}, {"products": []}, False),
    ("org.access_domain", {"count": {"path": "products"}, "at_most": 1}, {"products": [{}]}, True),
    ("org.access_domain", {"count": {"path": "products"}, "at_most": 1}, {}, None),
    (
        "org.access_domain",
        {"path": "products", "every": {"path": "access_mode", "equals": "DENIED_ACCESS"}},
        {"products": []},
        True,
    ),
    (
        "org.access_domain",
        {"path": "products", "some": {"path": "access_mode", "equals": "DENIED_ACCESS"}},
        {"products": [{}]},
        None,
    ),
    (
        "org.access_domain",
        {"path": "products", "none": {"path": "access_mode", "equals": "DENIED_ACCESS"}},
        {"products": None},
        None,
    ),
]


@pytest.mark.parametrize(("kind", "condition", "known", "wanted"), CASES, ids=[f"{case[1]} on {case[2]}" for case in CASES])
def test_an_operator_means_what_its_docstring_says(
    kind: str, condition: dict[str, Any], known: dict[str, Any], wanted: bool | None
) -> None:
    assert truth(condition, known, kind) is wanted


def test_every_operator_is_tried_with_each_truth_it_can_have() -> None:
    tried = {(word, wanted) for _, condition, _, wanted in CASES for word in condition}
    assert not [word for word in OPERATORS for wanted in (True, False, None) if (word, wanted) not in tried]


SITE = {"facts": "jsm.customer_access", "match": {"id": "site"}, "some": {"path": "external_accounts", "equals": "anyone"}}
OPEN = {"id": "acme", "external_accounts": "anyone"}
OTHER = {"id": "beta", "external_accounts": "anyone"}


@pytest.mark.parametrize(
    ("items", "incomplete", "wanted"),
    [((OPEN,), None, True), ((OTHER,), None, False), ((), None, False), ((OPEN,), "refused", True), ((OTHER,), "refused", None)],
)
def test_a_related_resource_that_may_be_missing_leaves_it_unknown_unless_the_known_part_decides(
    items: tuple[dict[str, Any], ...], incomplete: str | None, wanted: bool | None
) -> None:
    gathered = {"jsm.customer_access": Gathered(items, (Missing(incomplete),) if incomplete else ())}
    assert truth(SITE, {"site": "acme"}, gathered=gathered) is wanted


def test_what_is_missing_elsewhere_leaves_a_related_resource_known() -> None:
    elsewhere, here, anywhere = Missing("refused", {"id": "beta"}), Missing("refused", {"id": "acme"}), Missing("refused")
    for missing, wanted in ((elsewhere, False), (here, None), (anywhere, None)):
        gathered = {"jsm.customer_access": Gathered((OTHER,), (missing,))}
        assert truth(SITE, {"site": "acme"}, gathered=gathered) is wanted


VERIFIED = [{"facts": "org.domain", "path": "name", "where": {"path": "claim_status", "equals": "verified"}}]


@pytest.mark.parametrize(
    ("claim", "incomplete", "wanted"),
    [
        ({"claim_status": "verified"}, None, True),
        ({"claim_status": "unverified"}, None, False),
        ({}, None, None),
        ({"claim_status": "unverified"}, "refused", None),
        ({"claim_status": "verified"}, "refused", True),
    ],
)
def test_a_reference_is_known_as_far_as_what_it_refers_to(
    claim: dict[str, Any], incomplete: str | None, wanted: bool | None
) -> None:
    gathered = {
        "org.domain": Gathered(
            ({"id": "acme.example", "name": "acme.example", **claim},), (Missing(incomplete),) if incomplete else ()
        )
    }
    condition = {"path": "domain", "domain_in": VERIFIED}
    assert truth(condition, {"domain": "acme.example"}, DOMAIN, gathered=gathered) is wanted


def test_a_parameter_that_nobody_set_is_unknown_and_says_so() -> None:
    condition = {"path": "domain", "domain_not_in": {"param": "company_domains"}}
    assert truth(condition, {"domain": "acme.example"}, DOMAIN, params={"company_domains": None}) is None
    assert truth(condition, {"domain": "acme.example"}, DOMAIN, params={"company_domains": []}) is True
    [clause] = bound(condition, DOMAIN, {"company_domains": None}, {}).clauses({"domain": "acme.example"}, None)
    assert clause.why == "company_domains is not configured (set it in atlascan.yaml)"


def test_an_explanation_names_path_actual_and_wanted_of_what_decided() -> None:
    condition = {"path": "products", "none": {"path": "access_mode", "equals": "DIRECT_ACCESS"}}
    products = [
        {"product_id": "jira", "access_mode": "DENIED_ACCESS"},
        {"product_id": "confluence", "access_mode": "DIRECT_ACCESS"},
    ]
    assert why(condition, {"products": products}, "org.access_domain") == (
        "products[confluence].access_mode is DIRECT_ACCESS, wanted not DIRECT_ACCESS",
    )
    gathered = {"jsm.customer_access": Gathered((OPEN,))}
    assert why({"not": SITE}, {"site": "acme"}, gathered=gathered) == (
        "external_accounts of jsm.customer_access/acme is anyone, wanted not anyone",
    )
    assert why(
        {"any": [FALSE, {"path": "channel_access", "equals": "restricted"}]}, {"public_signup": True, "channel_access": "open"}
    ) == (
        "public_signup is true, wanted false",
        "channel_access is open, wanted restricted",
    )


def test_the_first_part_that_is_known_decides_a_severity_and_nothing_else() -> None:
    value = {"first_known": [UNKNOWN, FALSE, TRUE]}
    document = documents.parse(json.dumps(value), "p.yaml")
    severity = conditions.parse(value, document, ("severity", "raise", 0, "when"), KIND, {})
    bound = bind(severity, Surroundings(AS_OF))
    assert bound.truth(FACTS) is False
    assert explained(bound.clauses(FACTS, False)) == ("public_signup is true, wanted false",)
    assert bound.truth({}) is None
    with pytest.raises(InputError, match="`first_known` belongs to a severity's `when` only"):
        conditions.parse(value, document, ("require",), KIND, {})


def test_a_parameter_fits_its_operator_or_is_refused() -> None:
    document = documents.parse("{path: expires, newer_than: {param: days}}", "p.yaml")
    with pytest.raises(InputError, match="the parameter days is a number, which does not fit here"):
        conditions.parse(document.value, document, (), DATED, {"days": "number"})
    assert conditions.parse(document.value, document, (), DATED, {"days": "duration"}) is not None


WRONG: list[tuple[Any, str, str | None]] = [
    ([], "a condition is a map", "for example {path: enabled, equals: false}"),
    ({"al": [TRUE]}, "al: unknown key 'al' in a condition", "did you mean 'all'?"),
    ({"all": []}, "all: wants a list of conditions, one at least", None),
    ({"path": "public_signupp", "equals": True}, f"path: {KIND} has no fact 'public_signupp'", "did you mean 'public_signup'?"),
    ({"path": "public_signup", "equal": True}, "unknown operator 'equal'", "did you mean 'equals'?"),
    ({"path": "public_signup", "equals": "yes"}, 'equals: "yes" can never be: the fact is true or false', None),
    (
        {"path": "channel_access", "equals": "opened"},
        'equals: "opened" can never be: the fact is one of restricted, open',
        "did you mean 'open'?",
    ),
    ({"path": "channel_access", "in": "open"}, "in: wants a list", "[open]"),
    ({"path": "public_signup", "at_least": 1}, "`at_least` does not fit public_signup, which is true or false", None),
    ({"path": "public_signup", "some": TRUE}, "`some` wants a list of objects; public_signup is true or false", None),
    ({"path": "channel_access", "null": "maybe"}, 'null: "maybe" is not true or false', None),
    ({"path": "channel_access", "in": [{"param": "x"}]}, "in[0]: unknown parameter 'x'", None),
    (
        {"path": "channel_access", "equals": "open", "as": "exact"},
        "as: `as` does not go with `equals`",
        "it belongs to domain_in and domain_not_in",
    ),
    ({"facts": "jsm.customer_acess", "some": TRUE}, "unknown kind 'jsm.customer_acess'", "did you mean 'jsm.customer_access'?"),
    ({"facts": "jsm.customer_access"}, "wants exactly one of some, every, none beside `facts`", None),
    ({"count": {"facts": "org.domain"}}, "wants at_least or at_most beside `count`", None),
    ({"count": {"facts": "org.domain"}, "at_least": "2"}, "at_least: wants a whole number, or {param: name}", None),
    (
        {"path": "channel_access", "matches": "(a"},
        "matches: not a pattern: missing ): (a",
        "patterns are RE2's: no look-around, no back-references",
    ),
    ({"path": "channel_access", "equals": "open", "of": "sharing"}, "of: `of` does not go with `equals`", "it belongs to within"),
    ({"readable": "org.evnt"}, "readable: unknown kind 'org.evnt'", "did you mean 'org.event'?"),
    ({"all": [TRUE], "any": [TRUE]}, "any: unknown key 'any'", "did you mean"),
]


@pytest.mark.parametrize(("value", "message", "hint"), WRONG, ids=[case[1] for case in WRONG])
def test_what_cannot_be_meant_is_refused_with_its_place(value: Any, message: str, hint: str | None) -> None:  # noqa: ANN401
    with pytest.raises(InputError) as refused:
        parsed(value)
    assert str(refused.value) == f"p.yaml:1: {message}"
    if hint and hint != "did you mean":
        assert refused.value.hint == hint


# ------------------------------------------------------------------------------------------------------------- facts in facts


@pytest.mark.parametrize(
    ("facts", "holds"),
    [
        ({"actor": {"id": "u-1"}}, True),
        ({"actor": {"id": "u-2"}}, False),
        ({"actor": {}}, None),
        ({}, None),
    ],
)
def test_a_path_leads_into_a_fact_that_is_an_object(facts: dict[str, Any], holds: bool | None) -> None:
    assert truth({"path": "actor.id", "equals": "u-1"}, facts, "org.event") is holds


def test_a_mistyped_part_of_an_object_is_an_error() -> None:
    with pytest.raises(InputError, match=r"org\.event has no fact 'actor\.idd'") as caught:
        parsed({"path": "actor.idd", "equals": "u-1"}, "org.event")
    assert caught.value.hint == "did you mean 'actor.id'?"
