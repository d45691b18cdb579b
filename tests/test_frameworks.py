"""The frameworks view never says more than was judged, and every report shows it, with what is relaxed, disabled and not listed."""

import json
import re
from collections.abc import Mapping
from itertools import chain
from typing import Any
from xml.etree import ElementTree as ET

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html as lxml_html

from scanner import documents, frameworks, policies, results
from scanner.errors import InputError
from scanner.frameworks import Control, NoClaim, State, Why, titles, view
from scanner.model import AppliedWaiver, Finding, Judged, LeftOut, Policy, Relaxed, Report, Severity, Verdict
from scanner.render import html, junit, text
from scanner.render import json as json_
from scanner.render.counts import near_miss, not_listed
from tests import samples

SAMPLE = samples.report()
ISO, SOC = "iso-27001-2022", "soc-2"
EXCUSE = AppliedWaiver(reason="until the move", owner="kim", approved_by="dana", expires=samples.AS_OF.date())
RELAXED = Relaxed(param="longest", value="730 d", bound="at most 365 d")
# What was found of a policy, one letter for each resource.
Found = tuple[tuple[Judged, str], ...]
LETTERS = {"f": Verdict.FAIL, "w": Verdict.FAIL, "u": Verdict.UNKNOWN, "p": Verdict.PASS, "n": Verdict.NOTAPPLICABLE}


def policy(number: int, unlisted: Mapping[str, int] = {}, *, relaxed: bool = False) -> Judged:
    """Return a policy that serves A.5.15 and, if its number is even, A.5.16."""
    controls = {ISO: ("A.5.15", "A.5.16") if number % 2 == 0 else ("A.5.15",), SOC: ()}
    judged = SAMPLE.policies[0]
    return msgspec.structs.replace(
        judged, id=f"area/p{number}", controls=controls, relaxed=(RELAXED,) if relaxed else (), unlisted=dict(unlisted)
    )


def finding(id_: str, letter: str, number: int) -> Finding:
    return Finding(
        policy=id_,
        address=f"jira.project/acme/{number}",
        name=f"Project {number}",
        verdict=LETTERS[letter],
        severity=Severity.HIGH,
        message="it is so",
        waiver=EXCUSE if letter == "w" else None,
    )


def left_out(because: str | None = None) -> LeftOut:
    return LeftOut(
        id=f"area/{because or 'unnamed'}", title="Some state", severity=Severity.LOW, controls={ISO: ("A.5.15",)}, because=because
    )


def report(found: "str | Found", *others: LeftOut) -> Report:
    """Return a report of policies with what was found of each: of `pp f`, two pass of the first and one fails of the second."""
    pairs = tuple((policy(n), letters) for n, letters in enumerate(found.split())) if isinstance(found, str) else found
    findings = [finding(each.id, letter, n) for each, letters in pairs for n, letter in enumerate(letters.strip("-"))]
    policies = tuple(each for each, _ in pairs)
    return msgspec.structs.replace(SAMPLE, policies=policies, findings=tuple(findings), left_out=others)


def page(of: Report) -> Any:  # noqa: ANN401  lxml's elements
    return lxml_html.fromstring(html.render(of))


def controls(of: Report) -> dict[str, Control]:
    return {control.id: control for framework in view(of) for control in framework.controls}


def state(of: Report) -> State:
    return controls(of)["A.5.15"].state


# ------------------------------------------------------------------------------------------------------------- what is proven


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        ("p", State.SATISFIED),
        ("ppp p", State.SATISFIED),
        ("pn n", State.SATISFIED),
        ("f", State.NOT_SATISFIED),
        ("ppp pf", State.NOT_SATISFIED),
        ("p w", State.NOT_SATISFIED),
        ("p uf", State.NOT_SATISFIED),
        ("u", State.NOT_VERIFIED),
        ("pu", State.NOT_VERIFIED),
        ("p u", State.NOT_VERIFIED),
        ("n", State.NOT_VERIFIED),
        ("p -", State.NOT_VERIFIED),
    ],
)
def test_a_control_is_satisfied_only_if_every_policy_was_judged_one_passes_and_none_fails(found: str, wanted: State) -> None:
    assert state(report(found)) is wanted


def test_a_control_is_judged_by_the_policies_that_serve_it_and_no_others() -> None:
    found = controls(report("p f"))
    assert (found["A.5.15"].state, found["A.5.16"].state) == (State.NOT_SATISFIED, State.SATISFIED)


@pytest.mark.parametrize("found", ["p", "p p", "pn n"])
def test_a_policy_that_is_left_out_or_disabled_leaves_its_control_not_verified(found: str) -> None:
    assert state(report(found, left_out())) is State.NOT_VERIFIED
    assert state(report(found, left_out("no need"))) is State.NOT_VERIFIED
    assert controls(report(f"{found} p", left_out()))["A.5.16"].state is State.SATISFIED


def test_a_relaxed_policy_claims_nothing_whether_it_passes_or_fails() -> None:
    for letters in ("p", "f"):
        found = controls(report(((policy(0, relaxed=True), letters), (policy(1), "p"))))
        assert (found["A.5.15"].state, found["A.5.16"].state) == (State.NOT_VERIFIED, State.NOT_CLAIMED)
        assert found["A.5.16"].no_claims == (NoClaim("area/p0", Why.RELAXED),)


def test_what_nobody_claims_is_not_covered() -> None:
    [framework] = view(report(((policy(0, relaxed=True), "p"), (policy(1), "p"))))
    assert (framework.covered, len(framework.controls)) == (1, 2)


def test_a_waiver_excuses_a_control_only_if_it_excuses_all_that_fails() -> None:
    assert controls(report("w p"))["A.5.15"].is_excused
    assert not controls(report("w f"))["A.5.15"].is_excused
    assert not controls(report("wf"))["A.5.15"].is_excused
    assert not controls(report("p"))["A.5.15"].is_excused


def test_what_passes_and_is_not_listed_counts() -> None:
    only = policy(0, {"pass": 900})
    assert state(report(((only, "-"),))) is State.SATISFIED
    assert state(report(((only, "f"),))) is State.NOT_SATISFIED


def pairs(found: list[str]) -> Found:
    return tuple((policy(n), letters) for n, letters in enumerate(found))


LETTERS_OF_ALL = st.lists(st.text("fwupn", max_size=4), min_size=1, max_size=4)


@given(LETTERS_OF_ALL, st.booleans(), st.data())
def test_taking_away_what_is_known_never_satisfies_a_control(found: list[str], is_left_out: bool, data: st.DataObject) -> None:
    others = (left_out(),) if is_left_out else ()
    before = state(report(pairs(found), *others))
    at = data.draw(st.integers(0, len(found) - 1))
    unknown = [letters if n != at else "u" * max(len(letters), 1) for n, letters in enumerate(found)]
    after = state(report(pairs(unknown), *others))
    assert after is not State.SATISFIED
    assert before is not State.SATISFIED or not set("".join(found)) & set("fwu")


@given(LETTERS_OF_ALL)
def test_the_order_of_policies_does_not_matter(found: list[str]) -> None:
    assert state(report(pairs(found))) is state(report(tuple(reversed(pairs(found)))))


def test_controls_stand_in_the_order_of_their_framework() -> None:
    ids = ("A.8.2", "A.5.15", "A.5.9", "X.1")
    of = msgspec.structs.replace(policy(0), controls={"zzz": ("1",), ISO: ids})
    assert [(each.id, each.title) for each in view(report(((of, "p"),)))] == [(ISO, "ISO/IEC 27001:2022, Annex A"), ("zzz", "zzz")]
    assert [each.id for each in view(report(((of, "p"),)))[0].controls] == ["A.5.9", "A.5.15", "A.8.2", "X.1"]


@pytest.mark.parametrize("policy", policies.load().values(), ids=lambda policy: policy.id)
def test_every_control_of_a_shipped_policy_has_a_title(policy: Policy) -> None:
    known = {framework: each.controls for framework, each in titles().items()}
    assert policy.controls.keys() <= known.keys()
    assert [id_ for framework, ids in policy.controls.items() for id_ in ids if not known[framework].get(id_)] == []


def test_titles_are_short_and_of_one_line() -> None:
    every = list(chain.from_iterable(each.controls.values() for each in titles().values()))
    assert max(map(len, every)) <= 120
    assert [title for title in every if title != " ".join(title.split()) or "\N{EM DASH}" in title] == []


# --------------------------------------------------------------------------------------------------------------- near misses


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ("f", "1 of 1 fails"),
        ("ffpppuunn", "2 of 5 fail"),
        ("wp", "1 of 2 fails, and is waived"),
        ("wwp", "2 of 3 fail, all waived"),
        ("wfp", "2 of 3 fail, 1 of them waived"),
        ("pun", ""),
        ("-", ""),
    ],
)
def test_a_near_miss_says_how_many_of_how_many_fail(found: str, words: str) -> None:
    of = report(found)
    assert near_miss(of.counts()["area/p0"]) == words
    assert [line.strip() for line in text.render(of).splitlines() if re.search(r"\d of \d+ fails?\b", line)] == (
        [f"{words}; {text._counted(of.counts()['area/p0'])}"] if words else []
    )
    [tally] = page(of).xpath("//p[@class='tally']")
    assert [each.text_content() for each in tally.xpath(".//b")] == ([words] if words else [])
    summary = json.loads(json_.render(of))["summary"]
    letters = found.strip("-")
    assert summary["judged"] == summary["policies"]["area/p0"]["judged"] == sum(letter in "fwp" for letter in letters)


def test_what_is_not_listed_is_counted_and_said_in_every_format() -> None:
    of = report(((policy(0, {"pass": 339, "notapplicable": 1}), "fp"),))
    assert "1 of 341 fails; 1 FAIL, 340 PASS, 1 N/A" in text.render(of)
    assert "findings  1 FAIL, 340 PASS, 1 N/A" in text.render(of)
    found = page(of)
    assert [
        " ".join(each.text_content().split()) for each in found.xpath("//details[contains(@class, 'group')]//p[@class='empty']")
    ] == [
        "And 339 more that pass, not listed.",
        "And 1 more that is not applicable, not listed.",
    ]
    assert [int(each.text_content()) for each in found.xpath("//*[@class='number']")] == [1, 0, 0, 340, 1]
    summary = json.loads(json_.render(of))["summary"]
    assert [summary[word] for word in ("findings", "judged", "fail", "pass", "notapplicable")] == [342, 341, 1, 340, 1]
    assert properties(of)["unlisted.area/p0"] == "and 1 more that is not applicable, not listed"
    assert not_listed({"pass": 1, "notapplicable": 0}) == ("and 1 more that passes, not listed",)


def test_what_fails_stands_before_what_passes() -> None:
    found = page(report("npfuw"))
    assert [str(each).removeprefix("group ") for each in found.xpath("//details[contains(@class, 'group')]/@class")] == [
        "fail",
        "unknown",
        "waived",
        "pass",
        "notapplicable",
    ]


# -------------------------------------------------------------------------------------------------------------- every report


def properties(of: Report) -> dict[str, str]:
    """Return what the first suite of JUnit says of itself."""
    suite = ET.fromstring(junit.render(of))[0]  # noqa: S314  our own
    return {each.get("name", ""): each.get("value", "") for each in suite.iterfind("properties/property")}


def test_the_text_has_a_line_for_a_framework_and_one_for_each_control_that_is_not_satisfied() -> None:
    said = text.render(report("p f", left_out()), width=200).partition("\nFrameworks\n")[2].partition("\nNot seen\n")[0]
    assert said == (
        "\n"
        "  ISO/IEC 27001:2022, Annex A  2 controls covered: 1 satisfied, 1 not satisfied, 0 not verified\n"
        "    not satisfied: A.5.15 Access control  area/p1\n"
        "  claim nothing, left out by the profile: area/unnamed\n"
    )


def test_the_text_says_that_what_fails_is_excused_and_names_only_the_first() -> None:
    said = text.render(report("w w w w w"), width=200)
    assert "not satisfied: A.5.15 Access control (excused)  area/p0, area/p1, area/p2 and 2 more\n" in said


def test_the_page_has_a_row_for_every_control_with_its_policies() -> None:
    found = page(report("p w u", left_out("no need"), left_out()))
    [table] = found.xpath("//table[contains(@class, 'frameworks')]")
    rows = [[" ".join(cell.text_content().split()) for cell in row.xpath("./th|./td")] for row in table.xpath(".//tbody/tr")]
    assert rows == [
        [
            "A.5.15 Access control",
            "not satisfied excused",
            "waived: area/p1 could not be judged: area/p2 passing: area/p0 area/no need, disabled 1 left out by the profile",
        ],
        ["A.5.16 Identity management", "not verified", "could not be judged: area/p2 passing: area/p0"],
    ]
    links = table.xpath(".//a/@href")
    assert links
    assert all(found.xpath(f"//*[@id='{link[1:]}']") for link in links)


def test_the_result_says_it_field_by_field() -> None:
    found = json.loads(json_.render(report(((policy(0), "pw"), (policy(2, relaxed=True), "p")), left_out())))["frameworks"]
    assert found == {
        ISO: {
            "title": "ISO/IEC 27001:2022, Annex A",
            "covered": 2,
            "satisfied": 0,
            "not_satisfied": 2,
            "not_verified": 0,
            "not_claimed": 0,
            "controls": [
                {
                    "id": "A.5.15",
                    "title": "Access control",
                    "state": "not-satisfied",
                    "excused": True,
                    "claims": [{"policy": "area/p0", "outcome": "waived"}],
                    "no_claims": [{"policy": "area/p2", "why": "relaxed"}, {"policy": "area/unnamed", "why": "left-out"}],
                },
                {
                    "id": "A.5.16",
                    "title": "Identity management",
                    "state": "not-satisfied",
                    "excused": True,
                    "claims": [{"policy": "area/p0", "outcome": "waived"}],
                    "no_claims": [{"policy": "area/p2", "why": "relaxed"}],
                },
            ],
        }
    }


def test_junit_says_it_in_properties() -> None:
    found = properties(report(((policy(0), "p"), (policy(2, relaxed=True), "p")), left_out("no need")))
    assert found["framework.iso-27001-2022"] == "2 controls covered: 0 satisfied, 0 not satisfied, 2 not verified"
    assert found["relaxed.area/p2.longest"] == '"730 d", and its bound is at most 365 d'
    assert found["disabled.area/no need"] == "no need"


def test_what_is_relaxed_is_said_beside_the_policy() -> None:
    of = report(((policy(0, relaxed=True), "p"),))
    assert "relaxed: longest is 730 d, and its bound is at most 365 d; no control is claimed\n" in text.render(of)
    [said] = page(of).xpath("//article[contains(@class, 'policy')]//p[@class='relaxed']")
    assert " ".join(said.text_content().split()) == (
        "Relaxed: longest is 730 d, and its bound is at most 365 d. The policy claims no control."
    )
    [policy_] = json.loads(json_.render(of))["policies"]
    assert policy_["relaxed"] == [{"param": "longest", "value": "730 d", "bound": "at most 365 d"}]


def test_what_is_disabled_is_shown_with_the_reason_and_the_rest_is_named() -> None:
    of = report("p", left_out("nobody uses it"), left_out())
    said = text.render(of).partition("Policies that are not applied\n")[2]
    assert said.startswith(
        "\n  disabled area/nobody uses it  Some state\n           nobody uses it\n  the profile it-controlled leaves out 1 policy\n"
    )
    [section] = page(of).xpath("//section[@id='left-out']")
    words = " ".join(section.text_content().split())
    assert "Some state area/nobody uses it severity low nobody uses it" in words
    assert "1 left out by the profile it-controlled Some state area/unnamed" in words
    assert [(each["id"], each["because"]) for each in json.loads(json_.render(of))["left_out"]] == [
        ("area/nobody uses it", "nobody uses it"),
        ("area/unnamed", None),
    ]


def test_a_report_that_applies_everything_says_nothing_of_leaving_out() -> None:
    of = report("p")
    assert "not applied" not in text.render(of)
    assert "left-out" not in page(of).xpath("//section/@id")


def test_all_of_it_is_read_back() -> None:
    of = report(((policy(0, {"pass": 7}, relaxed=True), "p"), (policy(1), "f")), left_out("no need"), left_out())
    assert results.parse(json_.render(of).encode(), "result.json") == of


def test_a_result_from_before_there_was_a_view_is_read_as_leaving_nothing_out() -> None:
    older = json.loads(json_.render(report("p")))
    for key in ("frameworks", "left_out"):
        del older[key]
    for key in ("unlisted", "relaxed"):
        del older["policies"][0][key]
    del older["findings"][0]["console"]
    del older["summary"]["judged"]
    assert results.parse(json.dumps(older).encode(), "result.json") == report("p")


def test_a_policy_that_is_applied_and_left_out_is_refused() -> None:
    edited = json.loads(json_.render(report("p", left_out())))
    edited["left_out"][0]["id"] = "area/p0"
    with pytest.raises(InputError, match=r"\$\.policies\[0\]\.id: the policy 'area/p0' is given twice"):
        results.parse(json.dumps(edited).encode(), "result.json")


def test_the_schema_knows_every_word_of_the_view() -> None:
    schema = documents.schema("result")["properties"]["frameworks"]["additionalProperties"]["properties"]["controls"]
    control = schema["items"]["properties"]
    assert control["state"]["enum"] == [*State]
    assert control["claims"]["items"]["properties"]["outcome"]["enum"] == [*frameworks.Outcome]
    assert control["no_claims"]["items"]["properties"]["why"]["enum"] == [*Why]
