"""Drift as JUnit: what opened fails, what went out of sight is an error, what is open still is skipped, and names stay the same."""

from collections.abc import Callable

import msgspec
import pytest
from lxml import etree

from scanner.model import Drift, Effect
from scanner.render import junit
from scanner.render.drift.junit import render
from tests import drifts, samples
from tests.test_junit import LENIENT, schema

SAMPLES = [drifts.drift, drifts.empty, drifts.hostile]

every_sample = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.__name__)


def tree(whole: Drift) -> etree._Element:
    return etree.fromstring(render(whole).encode())


def outcomes(whole: Drift) -> dict[str, str]:
    """Return what became of each case: the element in it, or pass."""
    return {str(case.get("name")): case[0].tag if len(case) else "pass" for case in tree(whole).iter("testcase")}


def of_turns(*turns: object) -> Drift:
    return drifts.gated(msgspec.structs.replace(drifts.empty(), turns=turns))


@pytest.mark.parametrize("name", LENIENT)
@every_sample
def test_the_file_passes_the_published_schemas(name: str, sample: Callable[[], Drift]) -> None:
    schema(name).assertValid(tree(sample()))


def test_each_effect_has_its_outcome() -> None:
    title = "Strangers cannot make themselves customers of a service desk"
    named = {"jsm/public-signup-off": title, "access/no-open-domain-signup": "Nobody joins by merely having an e-mail address"}
    found = outcomes(drifts.drift())
    assert found[f"access/no-open-domain-signup: {named['access/no-open-domain-signup']} [org.access_domain/ANYONE]"] == "failure"
    assert found[f"jsm/public-signup-off: {title} [jsm.customer_permissions/acme/HR]"] == "failure"
    assert found[f"jsm/public-signup-off: {title} [jsm.customer_permissions/acme/FIN]"] == "failure"  # found open
    assert found[f"jsm/public-signup-off: {title} [jsm.customer_permissions/acme/OPS]"] == "error"
    assert found["access/no-invites-allowed: Ordinary users cannot invite anybody [org.user_invites/jira]"] == "skipped"
    assert sorted(found.values()) == ["error", "error", "failure", "failure", "failure", "pass", "skipped"]


def test_a_failure_says_what_changed_and_who_may_have_done_it() -> None:
    failure = next(tree(drifts.drift()).iter("failure"))
    text = str(failure.text).splitlines()[0]
    assert failure.get("type") == "policy.critical"
    assert "pass -> fail" in text
    assert "approval_required: true -> null" in text
    assert "who: Mallory Ito, 2026-06-12 06:04 UTC, policy_updated" in text


def test_what_is_still_open_says_so_where_readers_look() -> None:
    [skipped] = tree(drifts.drift()).iter("skipped")
    assert str(skipped.get("message")).startswith("still open: ")
    assert str(skipped.text).startswith("still open: ")


def test_what_is_waived_is_skipped() -> None:
    waived = drifts.turn(Effect.OPENED, samples.INVITES, "org.user_invites/jira", "pass", "waived")
    whole = of_turns(waived)
    assert sorted(outcomes(whole).values()) == ["pass", "skipped"]
    assert next(tree(whole).iter("skipped")).get("message", "").startswith("waived: ")
    assert whole.gate.exit_code == 0


@pytest.mark.parametrize(
    ("fail_on", "allow_unknown", "outcome"),
    [(("opened",), False, "pass"), (("any",), False, "failure"), (("opened",), True, "pass")],
)
def test_the_gate_fails_where_no_other_case_says_why(fail_on: tuple[str, ...], outcome: str, *, allow_unknown: bool) -> None:
    whole = msgspec.structs.replace(drifts.empty(), changes=drifts.drift().changes[-1:])
    [(name, found)] = outcomes(drifts.gated(whole, *fail_on, allow_unknown=allow_unknown)).items()
    assert (name, found) == ("drift/gate: [org]", outcome)


def test_a_name_is_the_same_whatever_was_there_before() -> None:
    names = {
        name
        for before in ("pass", None)
        for name in outcomes(of_turns(drifts.turn(Effect.OPENED, samples.INVITES, "org.user_invites/jira", before, "fail")))
    }
    assert len(names) == 2  # and the gate


def test_no_suite_and_no_case_is_mistaken_for_one_of_a_scan() -> None:
    scan = etree.fromstring(junit.render(samples.report()).encode())
    ours, theirs = ({str(each.get("name")) for each in root.iter("testsuite")} for root in (tree(drifts.drift()), scan))
    assert not ours & theirs
    ours, theirs = ({str(each.get("classname")) for each in root.iter("testcase")} for root in (tree(drifts.drift()), scan))
    assert not ours & theirs


@every_sample
def test_no_two_cases_of_a_suite_share_a_name(sample: Callable[[], Drift]) -> None:
    for suite in tree(sample()):
        names = [case.get("name") for case in suite.iterfind("testcase")]
        assert len(names) == len(set(names))


def test_properties_say_what_was_compared_and_what_has_vanished() -> None:
    for suite in tree(drifts.drift()):
        properties = {str(each.get("name")): each.get("value") for each in suite.iterfind("properties/property")}
        assert (properties["snapshot"], properties["baseline"]) == (drifts.drift().new.id, drifts.drift().old.id)
        assert properties["vanished"] == "1 passes now, 1 gone, 1 not judged now, and may fail still"
