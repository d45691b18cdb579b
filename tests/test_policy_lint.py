"""`atlascan policy lint`: every problem of every file, in its place; and what it claims of conditions is so."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import combinations, product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner import conditions, documents, lint, policies
from scanner.errors import InputError
from scanner.judging import Surroundings, bind
from scanner.kinds import KINDS
from scanner.lint import Level, Problem
from scanner.reach import AS_OF
from scanner.shipped import shipped
from tests.conftest import Atlascan

TODAY = date(2026, 11, 22)
TEXT = """\
version: 1
title: Strangers stay out of the desk
severity: high
kind: jsm.customer_permissions
require: {path: public_signup, equals: false}
failure: anyone may come in
rationale: Whoever comes in reads what others wrote.
remediation: [Switch it off.]
console: "{site_url}/jira/projects"
controls: {iso-27001-2022: [A.5.15], nist-800-53-r5: false, soc-2: false, cis-v8: false}
references: [https://support.atlassian.com]
fix: {facts: {public_signup: false}}
examples:
  - {name: off, verdict: pass, facts: {public_signup: false}}
  - {name: on, verdict: fail, facts: {public_signup: true}}
  - {name: refused, verdict: unknown, gap: forbidden}
"""
REQUIRE = "require: {path: public_signup, equals: false}\n"


def linted(text: str) -> list[Problem]:
    document = documents.parse(text, "p.yaml")
    complaints = list(policies.complaints(document))
    assert not complaints, complaints
    return list(lint.lint(policies.parse(document, "jsm/p"), document, TODAY))


def said(text: str) -> list[tuple[int, Level, str]]:
    return [(problem.place.line, problem.level, problem.message) for problem in linted(text)]


def about(*lines: str, kind: str = "jsm.customer_permissions") -> str:
    """Return the sample policy with other conditions, on a kind, and examples that fit every kind."""
    examples = "examples:\n  - {name: a, verdict: pass, facts: {}}\n  - {name: b, verdict: unknown, gap: forbidden}\n"
    head = TEXT.partition("fix:")[0].replace("jsm.customer_permissions", kind)
    return head.replace(REQUIRE, "\n".join(lines) + "\n") + examples


# ---------------------------------------------------------------------------------------------------------------- conditions


def test_a_policy_in_which_nothing_is_odd_has_no_problem() -> None:
    assert said(TEXT) == []


@pytest.mark.parametrize("file", policies.files(shipped("policies")), ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_nothing_is_odd_in_a_shipped_policy(file: Path) -> None:
    document = documents.load(file)
    assert list(policies.complaints(document)) == []
    policy = policies.parse(document, file.stem)
    assert list(lint.lint(policy, document, date.min)) == []


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ("{path: desk_kind, equals: closed}", "{path: desk_kind, equals: public}", "can never hold beside line 7"),
        ("{path: desk_kind, equals: closed}", "{path: desk_kind, in: [public, employees]}", "can never hold beside line 7"),
        ("{path: desk_kind, equals: closed}", "{not: {path: desk_kind, equals: closed}}", "can never hold beside line 7"),
        ("{path: desk_kind, equals: closed}", "{any: [{path: desk_kind, equals: public}]}", "can never hold beside line 7"),
        ("{path: desk_kind, null: true}", "{path: desk_kind, in: [closed]}", "can never hold beside line 7"),
        ("{path: sharing, in: {param: p}}", "{path: sharing, not_in: {param: p}}", "can never hold beside line 7"),
        ("{path: desk_kind, equals: closed}", "{path: desk_kind, equals: closed}", "says the same as line 7"),
        ("{path: desk_kind, equals: closed}", "{path: desk_kind, not_equals: public}", "adds nothing to line 7"),
        ("{path: desk_kind, equals: closed}", "{path: desk_kind, in: []}", "can never hold"),
        ("{path: desk_kind, equals: closed}", "{path: public_signup, equals: false}", None),
    ],
)
def test_what_contradicts_or_repeats_its_neighbour_is_said_with_the_neighbours_line(
    first: str, second: str, message: str | None
) -> None:
    text = about("require:", "  all:", f"    - {first}", f"    - {second}")
    if "param" in first:
        text = text.replace("failure:", "params: {p: {type: list, meaning: whom}}\nfailure:")
    assert text.splitlines()[6].strip() == f"- {first}"
    assert [(line, words) for line, _, words in said(text)] == ([(8, message)] if message else [])


@pytest.mark.parametrize(
    ("kind", "first", "second"),
    [
        ("org", "{path: org_admin_count, at_least: 5}", "{path: org_admin_count, at_most: 2}"),
        ("org.api_key", "{path: created_at, newer_than: 30 d}", "{path: created_at, older_than: 90 d}"),
        ("jsm.email_filter", "{path: blocked_local_parts, contains: [a]}", "{path: blocked_local_parts, excludes: [a]}"),
        ("jsm.email_filter", "{path: blocked_local_parts, contains: [a]}", "{path: blocked_local_parts, empty: true}"),
        ("jsm.email_filter", "{path: blocked_local_parts, contains: [a]}", "{path: blocked_local_parts, subset_of: [b]}"),
        ("jsm.email_channel", "{path: domain, domain_in: [a.com]}", "{path: domain, domain_in: [a.com], as: subdomain}"),
        (
            "jsm.email_channel",
            "{path: domain, domain_in: [a.com], as: subdomain}",
            "{path: domain, domain_not_in: [a.com], as: registrable}",
        ),
        (
            "org.access_domain",
            "{path: products, some: {path: access_mode, equals: DIRECT_ACCESS}}",
            "{path: products, none: {path: access_mode, equals: DIRECT_ACCESS}}",
        ),
    ],
)
def test_operators_of_every_type_can_contradict_each_other(kind: str, first: str, second: str) -> None:
    problems = linted(about("require:", "  all:", f"    - {first}", f"    - {second}", kind=kind))
    assert [(each.place.line, each.message) for each in problems] == [(8, "can never hold beside line 7")]


def test_numbers_and_dates_that_fit_together_are_not_odd() -> None:
    within = about(
        "require:", "  all:", "    - {path: org_admin_count, at_least: 2}", "    - {path: org_admin_count, at_most: 2}", kind="org"
    )
    assert said(within) == []
    ages = about(
        "require:",
        "  all:",
        "    - {path: created_at, older_than: 30 d}",
        "    - {path: created_at, newer_than: 90 d}",
        kind="org.api_key",
    )
    assert said(ages) == []


@pytest.mark.parametrize(
    ("where", "require", "message"),
    [
        ("equals: closed", "equals: public", "can never hold on what `where` selects in line 5"),
        ("equals: closed", "not_equals: public", "can never fail on what `where` selects in line 5"),
        ("not_equals: public", "equals: closed", None),
    ],
)
def test_what_is_required_is_held_against_what_is_selected(where: str, require: str, message: str | None) -> None:
    text = about(f"where: {{path: desk_kind, {where}}}", f"require: {{path: desk_kind, {require}}}")
    assert [words for _, _, words in said(text)] == ([message] if message else [])


def test_a_test_that_turns_what_is_unknown_into_a_failure_adds_something() -> None:
    number = ("    - {path: org_admin_count, at_least: 2}", "    - {path: org_admin_count, null: false}")
    assert said(about("require:", "  all:", *number, kind="org")) == []


def test_alternatives_of_which_one_always_holds_are_an_error() -> None:
    text = about("require:", "  any:", "    - {path: desk_kind, equals: closed}", "    - {path: desk_kind, not_equals: closed}")
    assert said(text) == [(8, Level.ERROR, "one of this and line 7 always holds")]


def test_what_counts_only_where_the_part_before_is_unknown_is_held_against_nothing() -> None:
    parts = "{first_known: [{path: desk_kind, equals: closed}, {path: desk_kind, not_equals: closed}, {path: desk_kind, in: []}]}"
    raised = f"severity: {{default: low, raise: [{{to: high, because: x y, when: {parts}}}]}}"
    assert [words for _, _, words in said(TEXT.replace("severity: high", raised))] == ["can never hold"]


def test_an_alternative_that_its_surroundings_rule_out_is_unreachable() -> None:
    text = about(
        "require:",
        "  all:",
        "    - {path: desk_kind, equals: closed}",
        "    - any:",
        "        - {path: desk_kind, equals: public}",
        "        - {path: public_signup, equals: false}",
    )
    assert said(text) == [(9, Level.ERROR, "can never hold beside line 7")]


@pytest.mark.parametrize(
    "condition",
    [
        "require: {path: products, some: {all: [{path: access_mode, equals: DIRECT_ACCESS}, {path: access_mode, null: true}]}}",
        "require: {facts: org.domain, some: {all: [{path: claim_type, equals: dns}, {path: claim_type, equals: http}]}}",
        (
            "require: {at_least: 1, count: {facts: org.domain, "
            "where: {all: [{path: claim_type, equals: dns}, {path: claim_type, equals: http}]}}}"
        ),
        "require: {not: {all: [{path: enabled, equals: true}, {path: id, equals: x}, {path: enabled, equals: false}]}}",
        (
            "require: {path: domain, in: {facts: org.domain, path: name, "
            "where: {all: [{path: claim_type, equals: dns}, {path: claim_type, equals: http}]}}}"
        ),
    ],
)
def test_conditions_inside_others_are_looked_at_too(condition: str) -> None:
    assert [words for _, _, words in said(about(condition, kind="org.access_domain"))] == ["can never hold beside line 5"]


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ("at_least: 3, at_most: 2", "can never hold: no number is at least 3 and at most 2"),
        ("at_most: -1", "can never hold: there are never -1"),
        ("at_least: 0", "can never fail: there are always 0"),
        ("at_least: 2, at_most: 2", None),
    ],
)
def test_a_count_that_decides_nothing_is_an_error(bounds: str, message: str | None) -> None:
    text = about(f"require: {{count: {{facts: org.domain}}, {bounds}}}", kind="org")
    assert [words for _, _, words in said(text)] == ([message] if message else [])


FACTS: dict[str, list[Any]] = {
    "desk_kind": ["closed", "employees", "public", None],
    "public_signup": [True, False, None],
}
TESTS = st.one_of(
    st.builds(
        lambda word, value: {"path": "desk_kind", word: value},
        st.sampled_from(["equals", "not_equals"]),
        st.sampled_from(FACTS["desk_kind"]),
    ),
    st.builds(
        lambda word, values: {"path": "desk_kind", word: values},
        st.sampled_from(["in", "not_in"]),
        st.lists(st.sampled_from(FACTS["desk_kind"][:3]), max_size=3, unique=True),
    ),
    st.builds(lambda word, value: {"path": "public_signup", word: value}, st.sampled_from(["equals", "not_equals"]), st.booleans()),
    st.builds(lambda path, value: {"path": path, "null": value}, st.sampled_from(sorted(FACTS)), st.booleans()),
)


def truths(entry: dict[str, Any]) -> Iterator[bool | None]:
    """Yield the truth of a condition for all values that its facts can have."""
    document = documents.parse(documents.dump(entry), "p.yaml")
    condition = conditions.parse(entry, document, (), "jsm.customer_permissions", {})
    bound = bind(condition, Surroundings(AS_OF))
    for values in product(*FACTS.values()):
        yield bound.truth(dict(zip(FACTS, values, strict=True)))


@settings(max_examples=300, deadline=None)
@given(parts=st.lists(TESTS, min_size=1, max_size=5))
def test_lint_says_that_tests_can_never_hold_together_exactly_where_they_cannot(parts: list[dict[str, Any]]) -> None:
    entry = {"all": parts}
    problems = linted(about(f"require: {documents.dump_line(entry)}"))
    assert any(each.message.startswith("can never hold") for each in problems) is (True not in truths(entry))


@settings(max_examples=300, deadline=None)
@given(parts=st.lists(TESTS, min_size=1, max_size=4))
def test_where_lint_says_that_alternatives_always_hold_they_never_fail(parts: list[dict[str, Any]]) -> None:
    entry = {"any": parts}
    problems = linted(about(f"require: {documents.dump_line(entry)}"))
    if any("always holds" in each.message or each.message == "can never fail" for each in problems):
        assert False not in truths(entry)


@settings(max_examples=300, deadline=None)
@given(parts=st.lists(TESTS, min_size=2, max_size=4, unique_by=str), word=st.sampled_from(["all", "any"]))
def test_what_adds_nothing_can_be_taken_out(parts: list[dict[str, Any]], word: str) -> None:
    lines = ["require:", f"  {word}:", *(f"    - {documents.dump_line(part)}" for part in parts)]
    found = [each for each in linted(about(*lines)) if each.message.startswith("adds nothing")]
    for problem in found:
        number = problem.place.line - 7
        without = [part for index, part in enumerate(parts) if index != number]
        assert list(truths({word: parts})) == list(truths({word: without}))


# For facts of each type: the kind, the path, tests on it, and values of which each stands for all that these tests treat alike.
HOURS = range(4)
WORDS = list("abcdefg")
DOMAINS = ["a.example", "mail.a.example", "b.mail.a.example", "example", "elsewhere.example", "sub.a.example"]
SPREAD: dict[str, tuple[str, str, st.SearchStrategy[dict[str, Any]], list[Any]]] = {
    "dates": (
        "org.api_token",
        "created_at",
        st.builds(
            lambda word, number: {word: f"{number} h"}, st.sampled_from(["older_than", "newer_than"]), st.sampled_from(HOURS)
        ),
        [(AS_OF - timedelta(minutes=30 * number)).isoformat() for number in range(-2, 2 * len(HOURS))],
    ),
    "numbers": (
        "org",
        "org_admin_count",
        st.builds(
            lambda word, number: {word: number / 10}, st.sampled_from(["at_least", "at_most", "equals"]), st.integers(10, 13)
        ),
        [number / 20 for number in range(18, 29)],
    ),
    "lists": (
        "jsm.email_filter",
        "blocked_local_parts",
        st.builds(
            lambda word, values: {word: values},
            st.sampled_from(["contains", "excludes", "subset_of"]),
            st.lists(st.sampled_from(WORDS), max_size=5, unique=True),
        ),
        [list(values) for size in range(len(WORDS) + 2) for values in combinations([*WORDS, "something else"], size)],
    ),
    "domains": (
        "jsm.email_channel",
        "domain",
        st.builds(
            lambda word, relation, values: {word: values} | relation,
            st.sampled_from(["domain_in", "domain_not_in"]),
            st.sampled_from([{}, {"as": "subdomain"}, {"as": "registrable"}]),
            st.lists(st.sampled_from(DOMAINS), min_size=1, max_size=3, unique=True),
        ),
        [*DOMAINS, *(f"new.{name}" for name in DOMAINS), "new.test"],
    ),
}


@pytest.mark.parametrize("type_", SPREAD)
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_what_lint_says_can_never_be_is_never_so_whatever_the_fact_is(type_: str, data: st.DataObject) -> None:
    kind, path, tests, values = SPREAD[type_]
    whole = tests.map(lambda test: {"path": path, **test})
    parts = data.draw(st.lists(st.one_of(whole, whole.map(lambda test: {"not": test})), min_size=1, max_size=5))
    for word in ("all", "any"):
        entry = {word: parts}
        document = documents.parse(documents.dump(entry), "p.yaml")
        bound = bind(conditions.parse(entry, document, (), kind, {}), Surroundings(AS_OF))
        found = {bound.truth({path: value}) for value in (*values, None)}
        said_of_it = [problem.message for problem in linted(about(f"require: {documents.dump_line(entry)}", kind=kind))]
        if word == "all":
            assert any(message.startswith("can never hold") for message in said_of_it) is (True not in found)
        elif any("always holds" in message or message == "can never fail" for message in said_of_it):
            assert False not in found


@pytest.mark.parametrize(
    ("kind", "condition"),
    [
        ("org.api_token", "all: [{path: created_at, older_than: 1 h}, {path: created_at, newer_than: 2 h}]"),
        ("org.api_token", "any: [{path: created_at, older_than: 10 d}, {path: created_at, newer_than: 10 d}]"),
        # Whether a day lies within the last thirty hangs on the day on which one looks.
        ("org.api_token", "all: [{path: created_at, newer_than: 30 d}, {path: created_at, equals: '2020-01-01'}]"),
        ("org", "all: [{not: {path: org_admin_count, at_most: 1}}, {not: {path: org_admin_count, at_least: 1.25}}]"),
        (
            "jsm.email_filter",
            "all: [{path: blocked_local_parts, contains: [a, b, c]}, {path: blocked_local_parts, excludes: [d, e, f]}]",
        ),
        (
            "jsm.email_channel",
            "all: [{path: domain, domain_not_in: [example], as: subdomain}, {path: domain, not_in: [something else]}]",
        ),
        ("jsm.email_channel", "all: [{path: domain, domain_in: [a.example]}, {not: {path: domain, equals: a.example}}]"),
    ],
)
def test_of_tests_that_can_hold_and_fail_together_nothing_is_claimed(kind: str, condition: str) -> None:
    assert said(about(f"require: {{{condition}}}", kind=kind)) == []


@pytest.mark.parametrize(("number", "messages"), [(3, ["can never hold beside line 5"]), (10, [])])
def test_of_more_lists_than_can_be_tried_nothing_is_claimed(number: int, messages: list[str]) -> None:
    tests = ", ".join(f"{{path: blocked_local_parts, contains: [a{each}]}}" for each in range(number))
    contradicting = f"{{not: {{any: [{tests}]}}}}, {{path: blocked_local_parts, contains: [a0]}}"
    found = said(about(f"require: {{all: [{contradicting}]}}", kind="jsm.email_filter"))
    assert [message for _, _, message in found] == messages


def test_a_span_that_begins_before_all_time_is_one_that_nothing_is_older_than() -> None:
    condition = "require: {path: created_at, older_than: 999999 w}"
    assert [words for _, _, words in said(about(condition, kind="org.api_token"))] == ["can never hold"]


# --------------------------------------------------------------------------------------------------------------- the rest


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("title: Strangers stay out of the desk", "title: 'TODO: a title'", (2, Level.ERROR, "title says nothing yet")),
        ("desk\nseverity", "desk.\nseverity", (2, Level.WARNING, "title ends in a full stop")),
        ("may come in\n", "may come in.\n", (6, Level.WARNING, "failure ends in a full stop")),
        ("failure: anyone may come in", "failure: '...'", (6, Level.ERROR, "failure says nothing yet")),
        ("Whoever comes in reads what others wrote.", "It is bad.", (7, Level.WARNING, "rationale is shorter than a sentence")),
        ("[Switch it off.]", "[Open it., tbd]", (8, Level.ERROR, "remediation 2 says nothing yet")),
        ("name: on,", "name: FIXME,", (15, Level.ERROR, "examples 2 name says nothing yet")),
        (
            "https://support.atlassian.com]",
            "https://confluence.atlassian.com/x]",
            (11, Level.WARNING, "confluence.atlassian.com no longer holds pages on the Cloud"),
        ),
        (
            "https://support.atlassian.com]",
            "{url: https://support.atlassian.com, checked: 2025-11-21}]",
            (11, Level.WARNING, "nobody looked at this page since 2025-11-21"),
        ),
        ("  - {name: refused, verdict: unknown, gap: forbidden}\n", "", (13, Level.WARNING, "no example shows what is unknown")),
        ("fix: {facts: {public_signup: false}}\n", "", (14, Level.WARNING, "nothing says how 'on' looks after the remediation")),
        (
            "failure:",
            "params: {days: {type: number, meaning: how many}}\nfailure:",
            (6, Level.WARNING, "no condition uses the parameter 'days'"),
        ),
        (
            "severity: high",
            "severity: {default: high, raise: [{to: high, because: x y, when: {path: desk_kind, equals: public}}]}",
            (3, Level.ERROR, "high never raises it"),
        ),
    ],
)
def test_what_is_missing_or_past_is_said_in_its_place(old: str, new: str, problem: tuple[int, Level, str]) -> None:
    assert old in TEXT
    assert said(TEXT.replace(old, new)) == [problem]


def test_a_page_that_was_looked_at_within_a_year_is_not_odd() -> None:
    looked_at = "{url: https://support.atlassian.com, checked: 2025-11-22}]"
    assert said(TEXT.replace("https://support.atlassian.com]", looked_at)) == []


def test_a_parameter_counts_as_used_wherever_it_stands() -> None:
    bound = about(
        "require: {count: {facts: org.domain, where: {path: name, in: {param: names}}}, at_least: {param: few}}", kind="org"
    )
    both = "params: {few: {type: number, meaning: how few}, names: {type: list, meaning: which}}\nfailure:"
    assert said(bound.replace("failure:", both)) == []


def test_a_policy_that_looks_only_at_ids_needs_no_example_of_what_is_unknown() -> None:
    text = TEXT.replace(REQUIRE, "require: {path: site, equals: acme}\n")
    assert said(text.replace("  - {name: refused, verdict: unknown, gap: forbidden}\n", "")) == []


def test_of_a_policy_with_very_many_tests_nothing_is_claimed_but_that() -> None:
    tests = ["    - {path: desk_kind, equals: closed}"] * (lint.MAX_TESTS + 1)
    [problem] = linted(about("require:", "  all:", *tests))
    assert problem.message == f"{lint.MAX_TESTS + 1} tests are too many to look for some that never hold"


# ------------------------------------------------------------------------------------------------------------ the command


def write(folder: Path, name: str, text: str) -> None:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def test_all_problems_of_all_files_are_said_with_line_and_column(tmp_path: Path, atlascan: Atlascan) -> None:
    mistakes = (
        TEXT.replace("severity: high", "severity: hihg").replace("title:", "titel:").replace("path: public_signup", "path: signup")
    )
    write(tmp_path, "mine/jsm/mistakes.yaml", mistakes.replace("name: on, verdict: fail", "name: on, verdict: failed"))
    write(tmp_path, "mine/jsm/not-yaml.yaml", "title: [\n")
    write(tmp_path, "mine/jsm/odd.yaml", TEXT.replace("desk\nseverity", "desk.\nseverity"))
    done = atlascan("policy", "lint", "mine")
    assert (done.code, done.err) == (1, "")
    assert done.out.splitlines() == [
        ("mine/jsm/mistakes.yaml:1:1: error: the key 'title' is missing (title: The state of the world that is wanted.)"),
        "mine/jsm/mistakes.yaml:2:1: error: titel: unknown key 'titel' (did you mean 'title'?)",
        "mine/jsm/mistakes.yaml:3:1: error: severity: \"hihg\" does not fit here (did you mean 'high'?)",
        (
            "mine/jsm/mistakes.yaml:5:11: error: require.path: jsm.customer_permissions has no fact 'signup' "
            "(did you mean 'public_signup'?)"
        ),
        (
            'mine/jsm/mistakes.yaml:15:16: error: examples[1].verdict: "failed" is not one of pass, fail, unknown, notapplicable '
            "(did you mean 'fail'?)"
        ),
        (
            "mine/jsm/not-yaml.yaml:2:1: error: not valid YAML: did not find expected node content "
            "(look at the indentation and the quotes of this line and of the one above)"
        ),
        "mine/jsm/odd.yaml:2:1: warning: title ends in a full stop (a title is no sentence: leave it out)",
        "3 policies: 6 errors, 1 warning",
    ]


def test_each_part_of_a_condition_is_complained_of(tmp_path: Path, atlascan: Atlascan) -> None:
    parts = (
        "require: {all: [{path: desk_kind, equals: clsed}, {any: [{path: desk_knd, equals: public}, {path: sharing, equal: x}]}]}\n"
    )
    write(tmp_path, "mine/jsm/x.yaml", TEXT.replace(REQUIRE, parts))
    done = atlascan("policy", "lint", "mine/jsm/x.yaml")
    assert [line.split(": ")[2] for line in done.out.splitlines()[:-1]] == [
        "require.all[0].equals",
        "require.all[1].any[0].path",
        "require.all[1].any[1]",
    ]


def test_a_page_is_an_address_or_an_address_and_a_day() -> None:
    pages = "[http://a.example, {url: https://a.example, checked: yesterday}, {checked: 2026-06-15}, 5]"
    document = documents.parse(TEXT.replace("[https://support.atlassian.com]", pages), "p.yaml")
    assert sorted(each.problem for each in policies.complaints(document)) == [
        'references[0]: "http://a.example" does not look right',
        'references[1].checked: "yesterday" is not a date (YYYY-MM-DD)',
        "references[2]: the key 'url' is missing",
        "references[3]: 5 is not text",
    ]
    right = TEXT.replace("[https://support.atlassian.com]", "[{url: https://a.example, checked: 2026-11-22}, https://b.example]")
    assert policies.parse(documents.parse(right, "p.yaml"), "p").references == ("https://a.example", "https://b.example")


def test_the_complaints_are_what_the_loader_stops_at(tmp_path: Path) -> None:
    write(tmp_path, "jsm/p.yaml", TEXT.replace("severity: high", "severity: hihg").replace("equals: false}", "equals: x}", 1))
    with pytest.raises(InputError) as caught:
        policies.read(tmp_path / "jsm/p.yaml", tmp_path)
    complaints = list(policies.complaints(documents.load(tmp_path / "jsm/p.yaml")))
    assert [each.problem.partition(":")[0] for each in complaints] == ["severity", "require.equals"]
    assert str(caught.value) == str(complaints[0])


def test_warnings_fail_only_where_lint_is_strict(tmp_path: Path, atlascan: Atlascan) -> None:
    write(tmp_path, "mine/jsm/odd.yaml", TEXT.replace("desk\nseverity", "desk.\nseverity"))
    assert atlascan("policy", "lint", "mine").code == 0
    assert atlascan("policy", "lint", "mine", "--strict").code == 1


def test_the_problems_can_be_had_as_json(tmp_path: Path, atlascan: Atlascan) -> None:
    write(tmp_path, "mine/jsm/odd.yaml", TEXT.replace("desk\nseverity", "desk.\nseverity"))
    assert json.loads(atlascan("policy", "lint", "mine", "--format", "json").out) == {
        "errors": 0,
        "warnings": 1,
        "problems": [
            {
                "file": "mine/jsm/odd.yaml",
                "line": 2,
                "column": 1,
                "severity": "warning",
                "message": "title ends in a full stop",
                "hint": "a title is no sentence: leave it out",
            }
        ],
    }


def test_an_id_that_is_taken_is_an_error_in_both_ways(tmp_path: Path, atlascan: Atlascan) -> None:
    write(tmp_path, "mine/jsm/public-signup-off.yaml", TEXT)
    write(tmp_path, "mine/jsm/twice.yaml", TEXT)
    write(tmp_path, "theirs/jsm/twice.yaml", TEXT)
    done = atlascan("policy", "lint", "mine", "theirs")
    assert done.code == 1
    taken, hint = shipped("policies") / "jsm/public-signup-off.yaml", "(rename the file)"
    assert done.out.splitlines()[:2] == [
        f"mine/jsm/public-signup-off.yaml:1:1: error: there is a policy 'jsm/public-signup-off' already, in {taken} {hint}",
        "theirs/jsm/twice.yaml:1:1: error: there is a policy 'jsm/twice' already, in mine/jsm/twice.yaml (rename the file)",
    ]


def test_without_a_path_all_that_ships_and_all_that_is_configured_is_looked_at(tmp_path: Path, atlascan: Atlascan) -> None:
    write(tmp_path, "atlascan.yaml", "sites: [{url: 'https://acme.atlassian.net'}]\npolicies: [mine]\n")
    write(tmp_path, "mine/jsm/odd.yaml", TEXT.replace("desk\nseverity", "desk.\nseverity"))
    done = atlascan("policy", "lint")
    number = len(policies.files(shipped("policies"))) + 1
    assert done.out.splitlines()[-1] == f"{number} policies: 0 errors, 1 warning"


def test_what_is_no_file_of_a_policy_is_an_error_and_never_a_traceback(tmp_path: Path, atlascan: Atlascan) -> None:
    for name, text in {
        "list": "- 1\n",
        "empty": "",
        "text": "x",
        "kind": "kind: 5\n",
        "odd": "kind: org\nexamples: 5\nseverity: {raise: 1}\n",
    }.items():
        write(tmp_path, f"mine/jsm/{name}.yaml", text)
    (tmp_path / "mine/jsm/nul.yaml").write_bytes(b"a: \0")
    done = atlascan("policy", "lint", "mine", "none.yaml")
    assert (done.code, done.err) == (1, "")
    for name in ("list", "empty", "text", "kind", "odd", "nul"):
        assert f"mine/jsm/{name}.yaml:1:" in done.out
    assert "none.yaml:1:1: error: none.yaml: cannot be read: No such file or directory" in done.out


def test_every_kind_can_be_linted_on() -> None:
    for kind in KINDS.values():
        fact = next(iter(kind.facts))
        assert said(about(f"require: {{path: {fact}, null: false}}", kind=kind.name)) == []
