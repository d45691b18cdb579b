"""Policy files: what is mistyped is an error in its place and never silently false, and what ships is complete."""

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from scanner import documents, policies
from scanner.documents import Document
from scanner.errors import InputError
from scanner.kinds import KINDS
from scanner.model import Param, Policy, Raise, Severity
from scanner.shipped import shipped

FRAMEWORKS = {"iso-27001-2022", "nist-800-53-r5", "soc-2", "cis-v8"}
SHIPPED = policies.load()
EACH_SHIPPED = pytest.mark.parametrize("policy", SHIPPED.values(), ids=SHIPPED)
TEXT = """\
version: 1
title: Ordinary users invite nobody
severity: high
kind: org.user_invites
where: {path: invitation_links, not_equals: disabled}
require: {path: user_invites, equals: not_allowed}
failure: "anyone may be invited ({user_invites})"
params: {days: {type: number, meaning: how many days, default: 30}}
rationale: Whoever is invited is in.
remediation: [Switch it off.]
console: https://admin.atlassian.com
evidence: [user_invites]
controls: {iso-27001-2022: [A.5.15], nist-800-53-r5: false, soc-2: false, cis-v8: false}
references: [https://support.atlassian.com]
examples:
  - {name: nobody may, verdict: pass, facts: {user_invites: not_allowed}, params: {days: 7}}
  - {name: it is not known, verdict: unknown, gap: forbidden}
"""
ENTRY: Mapping[str, Any] = documents.parse(TEXT, "policy").value


def changed(**changes: Any) -> str:  # noqa: ANN401  JSON border
    """Return the sample policy with some keys changed; None takes a key out."""
    entry = {**deepcopy(dict(ENTRY)), **changes}
    return documents.dump({key: value for key, value in entry.items() if value is not None})


def require(**test: Any) -> str:  # noqa: ANN401  JSON border
    return changed(require=test)


def written(folder: Path, text: str, name: str = "mine/invites.yaml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def refused(folder: Path, text: str) -> tuple[str, str | None]:
    """Return how a policy is refused: the message without file and line, and the hint."""
    path = written(folder, text)
    with pytest.raises(InputError) as caught:
        policies.read(path, folder)
    where, _, message = str(caught.value).partition(": ")
    assert where.startswith(f"{path}:")
    return message, caught.value.hint


# ------------------------------------------------------------------------------------------------------------------ reading


def test_a_policy_is_read_as_it_says(tmp_path: Path) -> None:
    path = written(tmp_path, TEXT)
    policy = policies.read(path, tmp_path)
    assert (policy.id, policy.area, policy.file, policy.line) == ("mine/invites", "mine", path, 2)
    assert (policy.version, policy.title, policy.severity, policy.raises) == (1, "Ordinary users invite nobody", Severity.HIGH, ())
    assert policy.params == {"days": Param("number", "how many days", 30)}
    assert policy.controls == {"iso-27001-2022": ("A.5.15",), "nist-800-53-r5": (), "soc-2": (), "cis-v8": ()}
    assert [example.params for example in policy.examples] == [{"days": 7}, {}]


def test_an_error_names_file_and_line(tmp_path: Path) -> None:
    path = written(tmp_path, TEXT.replace("equals: not_allowed}", "equals: not_alowed}"))
    with pytest.raises(InputError) as caught:
        policies.read(path, tmp_path)
    assert (str(caught.value), caught.value.hint) == (
        f'{path}:6: require.equals: "not_alowed" can never be: the fact is one of anyone, approval, not_allowed',
        "did you mean 'not_allowed'?",
    )


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (changed(kind="org.user_invite"), "kind: unknown kind 'org.user_invite'", "did you mean 'org.user_invites'?"),
        (
            changed(where={"path": "invitation_link", "equals": "enabled"}),
            "where.path: org.user_invites has no fact 'invitation_link'",
            "did you mean 'invitation_links'?",
        ),
        (
            require(path="user_invite", equals="anyone"),
            "require.path: org.user_invites has no fact 'user_invite'",
            "did you mean 'user_invites'?",
        ),
        (
            changed(evidence=["user_invite"]),
            "evidence[0]: org.user_invites has no fact 'user_invite'",
            "did you mean 'user_invites'?",
        ),
        (
            changed(failure="{user_invite} may"),
            "failure: org.user_invites has no fact 'user_invite'",
            "did you mean 'user_invites'?",
        ),
        (changed(failure="{"), "failure: org.user_invites has no fact ''", "known: invitation_links, user_invites"),
        (require(path="user_invites", equal="anyone"), "require: unknown operator 'equal'", "did you mean 'equals'?"),
        (
            require(path="user_invites", **{"in": ["anyone", "aproval"]}),
            'require.in[1]: "aproval" can never be: the fact is one of anyone, approval, not_allowed',
            "did you mean 'approval'?",
        ),
        (require(path="user_invites", at_least=3), "require: `at_least` does not fit user_invites, which is text", None),
        (require(path="user_invites", older_than="90 d"), "require: `older_than` does not fit user_invites, which is text", None),
        (require(path="user_invites", some={}), "require: `some` wants a list of objects; user_invites is text", None),
        (require(path="user_invites", equals={"param": "day"}), "require.equals: unknown parameter 'day'", "did you mean 'days'?"),
        (require(al=[]), "require.al: unknown key 'al' in a condition", "did you mean 'all'?"),
        (require(all=[]), "require.all: wants a list of conditions, one at least", None),
        (changed(require={}), "require: a condition is a map", "for example {path: enabled, equals: false}"),
        (
            require(facts="org.domains", some={"path": "name", "equals": "x"}),
            "require: unknown kind 'org.domains'",
            "did you mean 'org.domain'?",
        ),
        (
            changed(severity={"default": "low", "raise": [{"to": "high", "because": "x", "when": {"path": "x", "equals": 1}}]}),
            "severity.raise[0].when.path: org.user_invites has no fact 'x'",
            None,
        ),
        (changed(severity="hihg"), 'severity: "hihg" does not fit here', "did you mean 'high'?"),
        (
            changed(severity=5),
            "severity: 5 does not fit here",
            "info, low, medium, high or critical; or a default and conditions that raise it.",
        ),
        (changed(severity={"default": "low"}), "severity: the key 'raise' is missing", None),
        (changed(title="x" * 121), "title: longer than 120 characters", "The state of the world that is wanted."),
        (changed(version=0), "version: 0 is less than the minimum of 1", "Raised whenever a verdict may change."),
        (changed(version="1"), 'version: "1" is not a whole number', "Raised whenever a verdict may change."),
        (changed(version=1.0), "version: 1.0 is not a whole number", "Raised whenever a verdict may change."),
        (changed(titel="x"), "titel: unknown key 'titel'", "did you mean 'title'?"),
        (changed(references=["http://a.example"]), 'references[0]: "http://a.example" does not look right', "An https address."),
        (
            changed(remediation=[]),
            "remediation: wants at least 1 of them, and there are 0",
            "Numbered clicks in today's console words, or one API call.",
        ),
        (changed(controls={}), "controls: the key 'iso-27001-2022' is missing", None),
        (
            changed(controls={**ENTRY["controls"], "cis-v8": True}),
            "controls.cis-v8: true does not fit here",
            None,
        ),
        (
            changed(params={"days": {"type": "numbr", "meaning": "x"}}),
            'params.days.type: "numbr" is not one of text, number, list, duration',
            "did you mean 'number'?",
        ),
        (
            changed(params={"days": {"type": "number", "meaning": "how many", "default": "30"}}),
            'params.days.default: "30" is not a number',
            "days: how many",
        ),
        (
            changed(examples=ENTRY["examples"][:1]),
            "examples: wants at least 2 of them, and there are 1",
            "Facts, and the verdict on them.",
        ),
    ],
)
def test_what_is_mistyped_is_said_in_its_place(tmp_path: Path, text: str, message: str, hint: str | None) -> None:
    found = refused(tmp_path, text)
    assert found[0] == message
    # Where nothing is near, the few facts that there are may be listed; which, is not this test's matter.
    assert found[1] == hint or (hint is None and (found[1] or "").startswith("known: "))


@pytest.mark.parametrize("key", [key for key in ENTRY if key not in ("where", "params", "evidence")])
def test_a_key_that_every_policy_needs_is_missed_with_its_meaning(tmp_path: Path, key: str) -> None:
    message, hint = refused(tmp_path, changed(**{key: None}))
    assert message == f"the key {key!r} is missing"
    assert hint == f"{key}: {documents.schema('policy')['properties'][key]['description']}"


@pytest.mark.parametrize("key", ["where", "params", "evidence"])
def test_a_key_that_not_every_policy_needs_may_be_left_out(tmp_path: Path, key: str) -> None:
    text = changed(**{key: None}, examples=[{**example, "params": {}} for example in ENTRY["examples"]])
    policies.read(written(tmp_path, text), tmp_path)


@pytest.mark.parametrize(
    ("example", "message", "hint"),
    [
        ({}, "examples[0]: an example gives either `facts` or a `gap`", None),
        ({"facts": {}, "gap": "forbidden"}, "examples[0]: an example gives either `facts` or a `gap`", None),
        (
            {"facts": {"user_invite": "anyone"}},
            "examples[0].facts.user_invite: org.user_invites has no fact 'user_invite'",
            "did you mean 'user_invites'?",
        ),
        (
            {"facts": {}, "with": [{"kind": "org.domian"}]},
            "examples[0].with[0].kind: unknown kind 'org.domian'",
            "did you mean 'org.domain'?",
        ),
        (
            {"facts": {}, "with": [{"kind": "org.domain", "facts": {"nam": "x"}}]},
            "examples[0].with[0].facts.nam: org.domain has no fact 'nam'",
            "did you mean 'name'?",
        ),
        ({"facts": {}, "params": {"day": 1}}, "examples[0].params.day: unknown parameter 'day'", "did you mean 'days'?"),
        (
            {"facts": {}, "verdict": "failed"},
            'examples[0].verdict: "failed" is not one of pass, fail, unknown, notapplicable',
            "did you mean 'fail'?",
        ),
    ],
)
def test_a_mistyped_example_proves_nothing_and_is_refused(tmp_path: Path, example: dict[str, Any], message: str, hint: str) -> None:
    text = changed(examples=[{"name": "x", "verdict": "pass", **example}, ENTRY["examples"][1]])
    assert refused(tmp_path, text) == (message, hint)


def test_a_severity_may_have_conditions_that_raise_it(tmp_path: Path) -> None:
    step = {"to": "critical", "because": "links let anyone in", "when": {"path": "invitation_links", "equals": "enabled"}}
    policy = policies.read(written(tmp_path, changed(severity={"default": "low", "raise": [step]})), tmp_path)
    [raised] = policy.raises
    assert (policy.severity, raised) == (Severity.LOW, Raise(Severity.CRITICAL, raised.when, "links let anyone in"))


# ------------------------------------------------------------------------------------------------------------------ folders


def test_a_folder_of_ones_own_stands_beside_the_shipped_policies(tmp_path: Path) -> None:
    written(tmp_path, TEXT, "jsm/invites-of-ours.yaml")
    written(tmp_path, TEXT, "NO/off.yaml")
    written(tmp_path, "title: not a policy", "profiles/ours.yaml")
    written(tmp_path, "not a policy", "README.md")
    known = policies.load([tmp_path])
    assert set(known) - set(SHIPPED) == {"jsm/invites-of-ours", "NO/off"}
    rules = policies.select(known, "it-controlled", {}, {"NO/off": {"days": 7}}, None)
    assert "jsm/invites-of-ours" in {rule.policy.id for rule in rules}, "the profile takes jsm/*"


def test_two_policies_of_one_id_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, TEXT, "jsm/public-signup-off.yaml")
    with pytest.raises(InputError) as caught:
        policies.load([tmp_path])
    shipped_one = shipped("policies") / "jsm/public-signup-off.yaml"
    assert (str(caught.value), caught.value.hint) == (
        f"{path}: there is a policy 'jsm/public-signup-off' already, in {shipped_one}",
        "rename the file",
    )


@pytest.mark.parametrize("name", ["missing", "file", "x" * 300])
def test_a_folder_that_is_not_there_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError) as caught:
        policies.load([tmp_path / name])
    assert (str(caught.value), caught.value.hint) == (
        f"{tmp_path / name}: there is no such folder of policies",
        "look at `policies:` in the configuration",
    )


def test_a_folder_under_a_policys_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine" / "x.yaml").mkdir(parents=True)
    with pytest.raises(InputError, match=r"x\.yaml: cannot be read: Is a directory$"):
        policies.load([tmp_path])


# ----------------------------------------------------------------------------------------------------------------- choosing


@pytest.mark.parametrize(
    ("type_", "right", "wrong"),
    [
        ("number", [0, 1, -1.5], [True, "1", None, [1]]),
        ("text", ["", "off"], [1, True, None, ["a"]]),
        ("list", [[], ["a", "off"]], ["a", [1], [None], {}, None]),
        ("duration", ["90 d", "12h", "2 w"], ["90", "d", "1 y", 90, None, "-1 d", ["1 d"]]),
    ],
)
def test_a_parameter_is_of_its_type(tmp_path: Path, type_: str, right: list[Any], wrong: list[Any]) -> None:
    text = changed(
        params={"it": {"type": type_, "meaning": "something"}}, examples=[{**each, "params": {}} for each in ENTRY["examples"]]
    )
    known = {"mine/invites": policies.read(written(tmp_path, text), tmp_path), **SHIPPED}
    for value in right:
        policies.select(known, "it-controlled", {}, {"mine/invites": {"it": value}}, None)
    for value in wrong:
        config = Document("atlascan.yaml", {}, {("params", "mine/invites", "it"): (7, 1)})
        with pytest.raises(InputError) as caught:
            policies.select(known, "it-controlled", {}, {"mine/invites": {"it": value}}, config)
        shown = documents._shown(value)
        assert str(caught.value).replace(" ", "") == f"atlascan.yaml:7:params.mine/invites.it:{shown}isnota{type_}".replace(" ", "")
        assert caught.value.hint == "it: something"


def test_a_parameter_is_as_given_else_the_setting_else_the_default(tmp_path: Path) -> None:
    params = {"ours": {"type": "list", "meaning": "x", "default": ["c"], "setting": "company_domains"}}
    policy = policies.read(
        written(tmp_path, changed(params=params, examples=[{**each, "params": {}} for each in ENTRY["examples"]])), tmp_path
    )
    found = [
        policies.effective_params(policy, settings, given)["ours"]
        for settings, given in [({"company_domains": ["b"]}, {"ours": ["a"]}), ({"company_domains": ["b"]}, {}), ({}, {})]
    ]
    assert found == [["a"], ["b"], ["c"]]


def test_a_parameter_of_a_setting_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    params = {"ours": {"type": "list", "meaning": "x", "setting": "company_domain"}}
    with pytest.raises(InputError) as caught:
        policies.read(
            written(tmp_path, changed(params=params, examples=[{**each, "params": {}} for each in ENTRY["examples"]])), tmp_path
        )
    assert str(caught.value).endswith("params.ours.setting: there is no setting 'company_domain'")
    assert caught.value.hint == "did you mean 'company_domains'?"


def test_an_unknown_profile_is_refused_even_without_a_configuration() -> None:
    with pytest.raises(InputError) as caught:
        policies.select(SHIPPED, "baselin", {}, {}, None)
    assert (str(caught.value), caught.value.hint) == (
        "configuration:1: profile: there is no profile 'baselin'",
        "did you mean 'baseline'?",
    )


# ------------------------------------------------------------------------------------------------------------------- shipped


@EACH_SHIPPED
def test_the_id_of_a_shipped_policy_is_its_path(policy: Policy) -> None:
    assert policy.file == shipped("policies") / f"{policy.id}.yaml"
    assert policy.id == policy.id.lower()
    assert policy.id.count("/") == 1


@EACH_SHIPPED
def test_a_shipped_policy_says_what_to_do_and_where_to_read_on(policy: Policy) -> None:
    assert policy.remediation
    assert all(step.strip().endswith((".", ")")) for step in policy.remediation)
    assert policy.rationale
    assert policy.references
    assert all(reference.startswith("https://") for reference in policy.references)
    assert policy.console.startswith(("https://", "{site_url}/"))
    assert not policy.failure.endswith("."), "it stands within a sentence"


@EACH_SHIPPED
def test_a_shipped_policy_was_held_against_four_frameworks(policy: Policy) -> None:
    assert set(policy.controls) == FRAMEWORKS
    assert any(policy.controls.values())


@EACH_SHIPPED
def test_a_shipped_policy_is_in_the_profile_it_controlled(policy: Policy) -> None:
    rules = policies.select(SHIPPED, "it-controlled", {}, {}, None)
    assert policy.id in {rule.policy.id for rule in rules}


@EACH_SHIPPED
def test_a_shipped_policy_judges_a_kind_that_is_declared(policy: Policy) -> None:
    assert policy.kind in KINDS


@pytest.mark.parametrize("profile", policies.profiles())
def test_a_shipped_profile_chooses_policies_that_ship(profile: str) -> None:
    assert policies.select(SHIPPED, profile, {}, {}, None)
