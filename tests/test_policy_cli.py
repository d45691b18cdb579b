"""`atlascan policy list` and `show`, and the hooks for pre-commit."""

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scanner import documents, policies
from scanner.cli.policies import list_, sources
from scanner.collect.tables import ENDPOINTS, UNREADABLE
from scanner.model import Policy, Severity, Source
from tests.conftest import Atlascan
from tests.test_policy_lint import TEXT, write

ROOT = Path(__file__).parent.parent
KNOWN = policies.load()
HOOKS = documents.parse((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"), "hooks").value


def listed(atlascan: Atlascan, *args: str) -> list[dict[str, Any]]:
    done = atlascan("policy", "list", "--format", "json", *args)
    assert (done.code, done.err) == (0, "")
    entries: list[dict[str, Any]] = json.loads(done.out)["policies"]
    return entries


# ------------------------------------------------------------------------------------------------------------------- list


def test_all_policies_are_listed_a_line_each_even_in_a_pipe(atlascan: Atlascan) -> None:
    done = atlascan("policy", "list")
    assert (done.code, done.err) == (0, "")
    head, *lines, empty, foot = done.out.splitlines()
    assert head.split() == ["policy", "severity", "source", "wants"]
    assert (empty, foot) == ("", f"{len(KNOWN)} policies; * applied with the profile it-controlled")
    for line, policy in zip(lines, KNOWN.values(), strict=True):
        assert line.removeprefix("* ").split() == [policy.id, policy.severity, sources.of(policy), *policy.title.split()]


@pytest.mark.parametrize(
    ("args", "belongs"),
    [
        (("--area", "jsm"), lambda policy: policy.area == "jsm"),
        (("--area", "jsm", "--area", "access"), lambda policy: policy.area in ("jsm", "access")),
        (("--severity", "critical"), lambda policy: policy.severity is Severity.CRITICAL),
        (("--framework", "cis-v8"), lambda policy: bool(policy.controls["cis-v8"])),
        (("--source", "attested"), lambda policy: sources.of(policy) is Source.ATTESTED),
        (
            ("--area", "access", "--severity", "high", "--source", "attested"),
            lambda policy: policy.area == "access" and policy.severity is Severity.HIGH and sources.of(policy) is Source.ATTESTED,
        ),
    ],
)
def test_filters_leave_those_that_meet_all_of_them(atlascan: Atlascan, args: tuple[str, ...], belongs: Any) -> None:  # noqa: ANN401
    found = [each["id"] for each in listed(atlascan, *args)]
    assert found == [id_ for id_, policy in KNOWN.items() if belongs(policy)]
    assert 0 < len(found) < len(KNOWN)


def test_json_says_of_each_policy_what_the_filters_go_by(atlascan: Atlascan) -> None:
    [entry] = [each for each in listed(atlascan) if each["id"] == "access/no-invites-allowed"]
    policy = KNOWN["access/no-invites-allowed"]
    assert entry == {
        "id": policy.id,
        "title": policy.title,
        "severity": "high",
        "kind": "org.user_invites",
        "source": "attested",
        "controls": {name: list(ids) for name, ids in policy.controls.items()},
        "applied": True,
        "file": str(policy.file),
    }


def test_what_is_not_applied_is_not_marked(tmp_path: Path, atlascan: Atlascan) -> None:
    (tmp_path / "atlascan.yaml").write_text("sites: [{url: 'https://acme.atlassian.net'}]\nprofile: baseline\n", encoding="utf-8")
    applied = {each["id"] for each in listed(atlascan) if each["applied"]}
    assert applied == {rule.policy.id for rule in policies.select(KNOWN, "baseline", {}, {}, None)}
    assert "  access/no-invites-allowed " in atlascan("policy", "list").out


def test_an_area_that_is_not_there_is_exit_2(atlascan: Atlascan) -> None:
    done = atlascan("policy", "list", "--area", "acess")
    assert (done.code, done.out, done.err) == (2, "", "error: there is no area 'acess'\n hint: did you mean 'access'?\n")


def test_the_frameworks_are_those_that_policies_are_held_against() -> None:
    assert {name for policy in KNOWN.values() for name in policy.controls} == set(list_.FRAMEWORKS)


def test_the_source_of_a_kind_is_the_best_that_supplies_it() -> None:
    for unreadable in UNREADABLE:
        assert sources.of_kind(unreadable.kind) is Source.ATTESTED
    for endpoint in ENDPOINTS:
        supplied = [each.source for each in ENDPOINTS if set(each.kinds) & set(endpoint.kinds)]
        assert sources.of_kind(endpoint.kinds[0]) in supplied
    assert sources.of_kind("jsm.email_channel") is Source.UNDOCUMENTED
    assert sources.of_kind("org.access_domain") is Source.API_EXPERIMENTAL
    assert sources.of_kind("org.user") is Source.API


# ------------------------------------------------------------------------------------------------------------------- show


@pytest.mark.parametrize(
    "policy", [next(iter(KNOWN.values())), KNOWN["jsm/separate-support-email-domain"]], ids=lambda each: each.id
)
def test_a_page_shows_all_there_is_to_know(atlascan: Atlascan, policy: Policy) -> None:
    done = atlascan("policy", "show", policy.id)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"{policy.id}: {policy.title}\n")
    words = " ".join(done.out.split())
    texts = (policy.rationale, *policy.remediation, *(example.name for example in policy.examples), *policy.references)
    for text in (*texts, *(param.meaning for param in policy.params.values()), *(step.because for step in policy.raises)):
        assert " ".join(text.split()) in words
    for ids in policy.controls.values():
        assert all(each in words for each in ids)
    assert f"docs/policies/{policy.id}.md" in words
    assert (ROOT / "docs" / "policies" / f"{policy.id}.md").exists()


def test_a_page_shows_the_rule_as_its_file_says_it(tmp_path: Path, atlascan: Atlascan) -> None:
    rule = "where: {path: desk_kind, not_equals: public}\nrequire:\n  # Why.\n  any: [{path: public_signup, equals: false}]\n"
    text = TEXT.replace("require: {path: public_signup, equals: false}\n", f"{rule}# Of the failure.\n\n")
    given = "params: {days: {type: number, meaning: how many days, default: 30, bound: {at_most: 90}}}\nfailure:"
    write(tmp_path, "atlascan.yaml", "sites: [{url: 'https://acme.atlassian.net'}]\npolicies: [mine]\n")
    write(tmp_path, "mine/jsm/ours.yaml", text.replace("failure:", given))
    shown = atlascan("policy", "show", "jsm/ours").out
    assert "Rule\n" + "".join(f"  {line}\n" for line in rule.splitlines()) + "\nWhy\n" in shown
    assert "  days (number): how many days\n    default: 30\n    proves its controls while: at most 90\n" in shown
    assert "After the remediation\n  public_signup is false\n" in shown
    assert "docs/policies" not in shown, "a policy of one's own has no page"


# ------------------------------------------------------------------------------------------------------------- pre-commit


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_a_hook_runs_on_the_files_that_are_committed(tmp_path: Path, hook: dict[str, Any]) -> None:
    program, *args = shlex.split(hook["entry"])
    assert (program, hook["language"]) == ("atlascan", "python")

    def run() -> int:
        command = [sys.executable, "-m", "scanner", *args, "our-policies/jsm/a.yaml", "our-policies/jsm/b.yaml"]
        done = subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, timeout=60, check=False)  # noqa: S603  our own program
        return done.returncode

    write(tmp_path, "our-policies/jsm/a.yaml", TEXT)
    write(tmp_path, "our-policies/jsm/b.yaml", TEXT)
    assert run() == 0
    write(tmp_path, "our-policies/jsm/b.yaml", TEXT.replace("equals: false}", "equals: true, equals: false}"))
    assert run() != 0


def test_the_hooks_look_at_policies_and_not_at_profiles() -> None:
    re2 = pytest.importorskip("re2")
    assert {hook["id"] for hook in HOOKS} == {"atlascan-policy-lint", "atlascan-policy-test"}
    for hook in HOOKS:
        taken = [
            path
            for path in (
                "our-policies/jsm/a.yaml",
                "policies/jsm/a.yml",
                "our-policies/profiles/p.yaml",
                "atlascan.yaml",
                "policies/a.json",
            )
            if re2.search(hook["files"], path) and not re2.search(hook["exclude"], path)
        ]
        assert taken == ["our-policies/jsm/a.yaml", "policies/jsm/a.yml"]
