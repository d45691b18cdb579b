"""Profiles choose policies and set them differently; who sets what is said in its place, and what is not applied is shown."""

from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from scanner import config as configuration
from scanner import documents, policies
from scanner.cli import pipeline
from scanner.collect.walk import ENDPOINTS
from scanner.errors import InputError
from scanner.model import Choice, Policy, Relaxed, Rule, Severity
from scanner.policies import Chosen
from scanner.shipped import shipped
from tests.conftest import Atlascan

SHIPPED = policies.load()
SIGNUP, INVITES, MAIL = "jsm/public-signup-off", "access/no-invites-allowed", "jsm/separate-support-email-domain"
TOKENS = "identity/api-tokens-expire"
SITES = "sites: [{url: https://acme.atlassian.net}]\n"
DESKS = "title: Desks\npolicies: [jsm/*]\n"
# Kinds that a public interface reads, without opting in to anything.
OPEN_KINDS = {kind for endpoint in ENDPOINTS if not endpoint.opt_in for kind in endpoint.kinds}


def chosen(folder: Path, config: str, **files: str) -> Chosen:
    """Choose by a configuration, in a folder with profiles of one's own: `ours` is in ours.yaml."""
    for name, text in {"atlascan": SITES + config, **files}.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return policies.choose(SHIPPED, configuration.load(folder / "atlascan.yaml").choice)


def refused(folder: Path, config: str, **files: str) -> tuple[str, str | None]:
    with pytest.raises(InputError) as caught:
        chosen(folder, config, **files)
    return str(caught.value).replace(f"{folder}/", ""), caught.value.hint


def ids(choice: Chosen) -> set[str]:
    return {rule.policy.id for rule in choice.rules}


def rule_of(policy: str, choice: Chosen) -> Rule:
    [rule] = [rule for rule in choice.rules if rule.policy.id == policy]
    return rule


def disabled(choice: Chosen) -> dict[str, str]:
    return {policy.id: policy.because for policy in choice.left_out if policy.because is not None}


# ------------------------------------------------------------------------------------------------------------------- shipped


def test_it_controlled_applies_every_policy() -> None:
    assert ids(policies.choose(SHIPPED, Choice("it-controlled"))) == set(SHIPPED)


def test_baseline_is_what_is_grave_and_can_be_read_without_opting_in() -> None:
    grave = {policy.id for policy in SHIPPED.values() if policy.severity.rank >= Severity.HIGH.rank and policy.kind in OPEN_KINDS}
    # Read from the log, and inferred: who invites whom is nowhere said outright.
    assert ids(policies.choose(SHIPPED, Choice("baseline"))) == grave - {"access/no-invites-by-non-admins"}


def test_public_support_wants_the_defences_against_the_ticket_trick_above_all() -> None:
    found = policies.choose(SHIPPED, Choice("public-support"))
    defences = ("jsm/separate-support-email-domain", "jsm/automatic-email-filtered")
    assert [rule_of(each, found).severity for each in defences] == [Severity.CRITICAL, Severity.CRITICAL]
    assert [SHIPPED[each].severity for each in defences] == [Severity.MEDIUM, Severity.MEDIUM]


def test_public_support_says_why_it_leaves_out_what_contradicts_it() -> None:
    found = policies.choose(SHIPPED, Choice("public-support"))
    assert set(disabled(found)) == {"jsm/help-center-needs-login", "confluence/nothing-visible-to-outsiders"}
    assert {policy.id for policy in found.left_out} == set(disabled(found))


@pytest.mark.parametrize("profile", policies.profiles())
def test_every_policy_is_either_applied_or_left_out(profile: str) -> None:
    found = policies.choose(SHIPPED, Choice(profile))
    left_out = [policy.id for policy in found.left_out]
    assert sorted([*ids(found), *left_out]) == sorted(SHIPPED)


@pytest.mark.parametrize("profile", policies.profiles())
def test_no_shipped_profile_relaxes_a_parameter(profile: str) -> None:
    rules = policies.choose(SHIPPED, Choice(profile)).rules
    assert [policies.judged(rule).id for rule in rules if policies.judged(rule).relaxed] == []


# ----------------------------------------------------------------------------------------------------------------- one's own


def test_a_profile_of_ones_own_is_a_file_that_the_configuration_names(tmp_path: Path) -> None:
    found = chosen(tmp_path, "profile: ./ours.yaml\n", ours="title: Ours\npolicies: [jsm/public-*, access/no-invites-allowed]\n")
    assert ids(found) == {SIGNUP, INVITES}
    assert len(found.left_out) == len(SHIPPED) - 2
    assert disabled(found) == {}


def test_a_path_is_relative_to_the_file_it_stands_in(tmp_path: Path) -> None:
    (tmp_path / "team").mkdir()
    (tmp_path / "team" / "desks.yaml").write_text(DESKS, encoding="utf-8")
    (tmp_path / "team" / "ours.yaml").write_text("title: Ours\nextends: desks.yaml\n", encoding="utf-8")
    assert ids(chosen(tmp_path, "profile: team/ours.yaml\n")) == {id_ for id_ in SHIPPED if id_.startswith("jsm/")}


def test_a_profile_in_a_folder_of_policies_has_a_name(tmp_path: Path) -> None:
    (tmp_path / "mine" / "profiles").mkdir(parents=True)
    (tmp_path / "mine" / "profiles" / "desks.yaml").write_text(DESKS, encoding="utf-8")
    assert SIGNUP in ids(chosen(tmp_path, "profile: desks\npolicies: [mine]\n"))
    assert refused(tmp_path, "profile: desk\npolicies: [mine]\n") == (
        "atlascan.yaml:2: profile: there is no profile 'desk'",
        "did you mean 'desks'?",
    )


def test_a_profile_cannot_take_the_name_of_another(tmp_path: Path) -> None:
    (tmp_path / "mine" / "profiles").mkdir(parents=True)
    (tmp_path / "mine" / "profiles" / "baseline.yaml").write_text(DESKS, encoding="utf-8")
    message, hint = refused(tmp_path, "policies: [mine]\n")
    assert message.startswith("mine/profiles/baseline.yaml: there is a profile 'baseline' already, in ")
    assert hint == "rename the file"


def test_what_extends_several_has_the_policies_of_all_and_its_own(tmp_path: Path) -> None:
    found = chosen(
        tmp_path, "profile: ours.yaml\n", ours=f"title: Ours\nextends: [baseline, desks.yaml]\npolicies: [{INVITES}]\n", desks=DESKS
    )
    baseline = ids(policies.choose(SHIPPED, Choice("baseline")))
    assert ids(found) == baseline | {id_ for id_ in SHIPPED if id_.startswith("jsm/")} | {INVITES}


def test_policies_of_ones_own_are_applied_whatever_the_profile_unless_they_are_disabled(tmp_path: Path) -> None:
    text = (shipped("policies") / f"{INVITES}.yaml").read_text(encoding="utf-8")
    own = policies.parse(documents.parse(text, str(tmp_path / "ours.yaml")), "ours/invites")
    known = {**SHIPPED, own.id: own}
    assert own.id in ids(policies.choose(known, Choice("baseline")))
    found = policies.choose(known, Choice("baseline", disable={own.id: "not yet"}))
    assert own.id not in ids(found)
    assert disabled(found) == {own.id: "not yet"}


# ------------------------------------------------------------------------------------------------------------ who sets what

BELOW = f"""\
title: Below
policies: ["*"]
severity: {{{SIGNUP}: low, {INVITES}: low, {MAIL}: low}}
params: {{{TOKENS}: {{longest: 30 d}}, identity/org-admins-few: {{fewest: 3, most: 4}}}}
disable: {{jira/no-public-filters: below, jira/no-public-dashboards: below}}
"""
ABOVE = f"""\
title: Above
extends: below.yaml
severity: {{{INVITES}: medium, {MAIL}: medium}}
params: {{identity/org-admins-few: {{most: 5}}}}
disable: {{jira/no-public-dashboards: above}}
"""


def test_the_configuration_holds_before_the_profile_and_that_before_what_it_extends(tmp_path: Path) -> None:
    config = f"""\
profile: above.yaml
severity: {{{MAIL}: critical}}
params: {{identity/org-admins-few: {{fewest: 2}}}}
disable: {{jira/administrators-few: ours}}
"""
    found = chosen(tmp_path, config, below=BELOW, above=ABOVE)
    severities = [rule_of(policy, found).severity for policy in (SIGNUP, INVITES, MAIL, TOKENS)]
    assert severities == [Severity.LOW, Severity.MEDIUM, Severity.CRITICAL, SHIPPED[TOKENS].severity]
    assert rule_of(TOKENS, found).params == {"longest": "30 d"}
    assert rule_of("identity/org-admins-few", found).params == {"fewest": 2, "most": 5}
    assert disabled(found) == {
        "jira/no-public-filters": "below",
        "jira/no-public-dashboards": "above",
        "jira/administrators-few": "ours",
    }
    assert not ids(found) & disabled(found).keys()


def test_of_two_that_are_extended_the_later_holds(tmp_path: Path) -> None:
    other = f"title: Other\npolicies: [{SIGNUP}]\nseverity: {{{SIGNUP}: info}}\n"
    orders = {"[below.yaml, other.yaml]": Severity.INFO, "[other.yaml, below.yaml]": Severity.LOW}
    for order, severity in orders.items():
        found = chosen(tmp_path, "profile: ours.yaml\n", ours=f"title: Ours\nextends: {order}\n", below=BELOW, other=other)
        assert rule_of(SIGNUP, found).severity is severity


@pytest.mark.parametrize(
    ("config", "domains"),
    [
        ("", ["profile.example"]),
        ("company_domains: [setting.example]\n", ["setting.example"]),
        (f"company_domains: [setting.example]\nparams: {{{MAIL}: {{company_domains: [param.example]}}}}\n", ["param.example"]),
    ],
    ids=["the profile", "the setting", "the parameter"],
)
def test_a_setting_of_the_configuration_holds_before_the_parameter_of_a_profile(
    tmp_path: Path, config: str, domains: list[str]
) -> None:
    ours = f"title: Ours\npolicies: [{MAIL}]\nparams: {{{MAIL}: {{company_domains: [profile.example]}}}}\n"
    found = chosen(tmp_path, f"profile: ours.yaml\n{config}", ours=ours)
    assert rule_of(MAIL, found).params["company_domains"] == domains


def test_disabling_what_the_profile_does_not_name_changes_nothing(tmp_path: Path) -> None:
    with_it = chosen(tmp_path, f"profile: baseline\ndisable: {{{SIGNUP}: no desks}}\n")
    assert (ids(with_it), disabled(with_it)) == (ids(policies.choose(SHIPPED, Choice("baseline"))), {})


# ----------------------------------------------------------------------------------------------------------- what is refused

OURS = "profile: ours.yaml\n"
BROKEN: dict[str, tuple[str, str, str | None]] = {
    "no title": ("policies: [jsm/*]\n", "ours.yaml:1: the key 'title' is missing", "title: For whom it is, in one sentence."),
    "nothing named": ("title: x\n", "ours.yaml:1: a profile names `policies`, or others that it `extends`", None),
    "an unknown key": ("title: x\npolicys: [jsm/*]\n", "ours.yaml:2: policys: unknown key 'policys'", "did you mean 'policies'?"),
    "an unknown policy": (
        "title: x\npolicies:\n  - jsm/*\n  - jsm/public-signup-of\n",
        "ours.yaml:4: policies[1]: there is no policy 'jsm/public-signup-of'",
        "did you mean 'jsm/public-signup-off'?",
    ),
    "a severity of an unknown policy": (
        "title: x\nextends: baseline\nseverity:\n  jsm/public-signup-of: low\n",
        "ours.yaml:4: severity.jsm/public-signup-of: there is no policy 'jsm/public-signup-of'",
        "did you mean 'jsm/public-signup-off'?",
    ),
    "a severity that is none": (
        "title: x\nextends: baseline\nseverity: {jsm/public-signup-off: lwo}\n",
        'ours.yaml:3: severity.jsm/public-signup-off: "lwo" is not one of info, low, medium, high, critical',
        "did you mean 'low'?",
    ),
    "an unknown parameter": (
        "title: x\nextends: baseline\nparams:\n  identity/api-tokens-expire:\n    longst: 1 d\n",
        "ours.yaml:5: params.identity/api-tokens-expire.longst: identity/api-tokens-expire has no parameter 'longst'",
        "did you mean 'longest'?",
    ),
    "a parameter of the wrong type": (
        "title: x\nextends: baseline\nparams: {identity/api-tokens-expire: {longest: 90}}\n",
        "ours.yaml:3: params.identity/api-tokens-expire.longest: 90 is not a duration",
        f"longest: {SHIPPED[TOKENS].params['longest'].meaning}",
    ),
    "disabled without a reason": (
        "title: x\nextends: baseline\ndisable: {jsm/public-signup-off: ''}\n",
        'ours.yaml:3: disable.jsm/public-signup-off: "" does not look right',
        "Why the policy is not applied; every report shows it.",
    ),
    "disabled, and unknown": (
        "title: x\nextends: baseline\ndisable: {jsm/public-signup-of: no desks}\n",
        "ours.yaml:3: disable.jsm/public-signup-of: there is no policy 'jsm/public-signup-of'",
        "did you mean 'jsm/public-signup-off'?",
    ),
    "extends a name that is none": (
        "title: x\nextends: baselin\n",
        "ours.yaml:2: extends: there is no profile 'baselin'",
        "did you mean 'baseline'?",
    ),
    "extends a file that is not there": (
        "title: x\nextends:\n  - baseline\n  - other.yaml\n",
        "ours.yaml:4: extends[1]: there is no profile file 'other.yaml'",
        "a path is relative to the file it stands in",
    ),
    "extends itself": ("title: x\nextends: ours.yaml\n", "ours.yaml:2: extends: a profile extends itself", "ours.yaml > ours.yaml"),
}


@pytest.mark.parametrize(("ours", "message", "hint"), BROKEN.values(), ids=BROKEN)
def test_a_wrong_profile_is_refused_in_its_place(tmp_path: Path, ours: str, message: str, hint: str | None) -> None:
    assert refused(tmp_path, OURS, ours=ours) == (message, hint)


def test_a_circle_of_profiles_is_refused_with_the_way_round(tmp_path: Path) -> None:
    files = {"ours": "a", "a": "b", "b": "c", "c": "a"}
    texts = {name: f"title: x\nextends: {other}.yaml\n" for name, other in files.items()}
    assert refused(tmp_path, OURS, **texts) == (
        "c.yaml:2: extends: a profile extends itself",
        "a.yaml > b.yaml > c.yaml > a.yaml",
    )


def test_profiles_that_are_extended_on_many_ways_are_read_once(tmp_path: Path) -> None:
    texts = {f"p{number}": f"title: x\nextends: [p{number + 1}.yaml, p{number + 1}.yaml]\n" for number in range(60)}
    assert SIGNUP in ids(chosen(tmp_path, "profile: p0.yaml\n", **texts, p60=DESKS))


@pytest.mark.parametrize(("key", "value"), [("severity", "low"), ("disable", "why"), ("params", "{}")])
def test_a_configuration_that_sets_a_policy_that_does_not_exist_is_refused(tmp_path: Path, key: str, value: str) -> None:
    assert refused(tmp_path, f"{key}: {{jsm/public-signup-of: {value}}}\n") == (
        f"atlascan.yaml:2: {key}.jsm/public-signup-of: there is no policy 'jsm/public-signup-of'",
        "did you mean 'jsm/public-signup-off'?",
    )


def test_the_program_ends_with_exit_code_2_on_a_wrong_profile(tmp_path: Path, atlascan: Atlascan) -> None:
    (tmp_path / "atlascan.yaml").write_text(f"{SITES}profile: ours.yaml\n", encoding="utf-8")
    (tmp_path / "ours.yaml").write_text("title: x\nextends: [ours.yaml]\n", encoding="utf-8")
    (tmp_path / "snapshot.ndjson").touch()
    outcome = atlascan("check", "snapshot.ndjson")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == "error: ours.yaml:2: extends[0]: a profile extends itself\n hint: ours.yaml > ours.yaml\n"


def test_what_a_configuration_leaves_out_is_among_the_criteria(tmp_path: Path) -> None:
    (tmp_path / "atlascan.yaml").write_text(f"{SITES}profile: baseline\ndisable: {{identity/domains-verified: why}}\n")
    by = pipeline.criteria(configuration.load(tmp_path / "atlascan.yaml"))
    assert len(by.rules) + len(by.left_out) == len(SHIPPED)
    assert [policy.id for policy in by.left_out if policy.because == "why"] == ["identity/domains-verified"]


# -------------------------------------------------------------------------------------------------------------------- bounds

TEXT = (shipped("policies") / f"{INVITES}.yaml").read_text(encoding="utf-8")


def bounded(param: Mapping[str, Any]) -> Policy:
    entry = documents.parse(TEXT, "policy.yaml").value | {"params": {"it": {"meaning": "x", **param}}}
    return policies.parse(documents.checked(documents.parse(documents.dump(entry), "policy.yaml"), "policy"), "ours/it")


def relaxed(param: Mapping[str, Any], value: object) -> tuple[Relaxed, ...]:
    policy = bounded(param)
    return policies.judged(Rule(policy, policy.severity, {"it": value})).relaxed


BOUNDS: list[tuple[dict[str, Any], list[Any], list[Any], str]] = [
    ({"type": "number", "bound": {"at_most": 5}}, [5, 4.5, -1], [5.5, 6], "at most 5"),
    ({"type": "number", "bound": {"at_least": 2}}, [2, 9], [1.9, 0], "at least 2"),
    ({"type": "duration", "bound": {"at_most": "2 w"}}, ["14 d", "336 h", "1 d"], ["15 d", "337 h"], "at most 2 w"),
    ({"type": "duration", "bound": {"at_least": "1 d"}}, ["24 h", "1 w"], ["23 h"], "at least 1 d"),
    ({"type": "list", "bound": {"holds": ["a", "b"]}}, [["b", "x", "A"]], [["b"]], "a list with a"),
    ({"type": "list", "bound": {"size_at_most": 1}}, [[], ["a"], ["a", "a"]], [["a", "b"]], "a list of at most 1"),
]


@pytest.mark.parametrize(("param", "kept", "broken", "words"), BOUNDS, ids=[each[3] for each in BOUNDS])
def test_a_value_beyond_the_bound_is_relaxed_and_one_that_keeps_it_is_not(
    param: dict[str, Any], kept: list[Any], broken: list[Any], words: str
) -> None:
    assert [value for value in (*kept, None) if relaxed(param, value)] == []
    assert [relaxed(param, value) for value in broken] == [(Relaxed(param="it", value=value, bound=words),) for value in broken]


def test_a_parameter_without_a_bound_is_never_relaxed() -> None:
    assert relaxed({"type": "number"}, 10**9) == ()


FITTING = {("number", "at_most"), ("number", "at_least"), ("duration", "at_most"), ("duration", "at_least")}
FITTING |= {("list", "holds"), ("list", "size_at_most")}
LIMITS: dict[str, Any] = {"at_most": 1, "at_least": 1, "holds": ["a"], "size_at_most": 1}


@pytest.mark.parametrize(("type_", "bound"), list(product(("number", "duration", "list", "text"), LIMITS)))
def test_a_bound_fits_the_type_of_its_parameter_or_is_refused(type_: str, bound: str) -> None:
    limit = "1 d" if type_ == "duration" and bound.startswith("at_") else LIMITS[bound]
    param = {"type": type_, "bound": {bound: limit}}
    if (type_, bound) in FITTING:
        assert bounded(param).params["it"].bound == {bound: limit}
        return
    with pytest.raises(InputError, match=rf"params\.it\.bound\.{bound}: `{bound}` does not go with a {type_}") as caught:
        bounded(param)
    assert (caught.value.hint or "").startswith(f"a {type_} takes ")


@pytest.mark.parametrize(
    ("param", "complaint"),
    [
        ({"type": "duration", "bound": {"at_most": 5}}, "params.it.bound.at_most: 5 is not a duration"),
        ({"type": "number", "bound": {"at_most": "5 d"}}, 'params.it.bound.at_most: "5 d" is not a number'),
        (
            {"type": "duration", "default": "2 d", "bound": {"at_most": "1 d"}},
            "params.it.bound.at_most: the default lies beyond it: wanted at most 1 d",
        ),
        (
            {"type": "list", "default": ["a"], "bound": {"holds": ["a", "b"]}},
            "params.it.bound.holds: the default lies beyond it: wanted a list with b",
        ),
    ],
)
def test_a_bound_that_says_nothing_sensible_is_refused(param: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InputError) as caught:
        bounded(param)
    assert str(caught.value).partition(": ")[2] == complaint


def test_a_link_to_the_console_names_only_what_a_finding_can_fill() -> None:
    def linked(console: str) -> Policy:
        entry = documents.parse(TEXT, "policy.yaml").value | {"console": console}
        return policies.parse(documents.checked(documents.parse(documents.dump(entry), "policy.yaml"), "policy"), "ours/it")

    assert linked("https://admin.atlassian.com/o/{org}?app={id}&who={user_invites}").console.endswith("{user_invites}")
    with pytest.raises(InputError, match=r"console: nothing fills \{orgg\}") as caught:
        linked("https://admin.atlassian.com/o/{orgg}")
    assert caught.value.hint == "did you mean 'org'?"
    with pytest.raises(InputError, match=r"console: nothing fills \{project\}"):
        linked("{site_url}/jira/{project}")  # an app has no project
