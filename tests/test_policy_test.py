"""`atlascan policy test`: a policy is what its examples prove, and a wrong example is found where it stands."""

from pathlib import Path

import pytest
from lxml import etree

from scanner import documents, policies
from scanner.cli import proof
from scanner.shipped import shipped
from tests.conftest import Atlascan
from tests.test_policy_lint import TEXT, write


def problems(text: str) -> list[tuple[int, str]]:
    policy = policies.parse(documents.checked(documents.parse(text, "p.yaml"), "policy"), "jsm/p")
    return [(each.line, each.problem) for each in proof.proofs(policy) if each.problem]


def test_right_examples_prove_a_policy(tmp_path: Path, atlascan: Atlascan) -> None:
    assert problems(TEXT) == []
    write(tmp_path, "mine/jsm/right.yaml", TEXT)
    done = atlascan("policy", "test", "mine")
    assert (done.code, done.out, done.err) == (0, "1 file, 5 tests: all pass\n", "")


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"),
    [
        ("name: off, verdict: pass", "name: off, verdict: unknown", 14, "wanted unknown, and it is pass: public_signup is false"),
        ("name: on, verdict: fail", "name: on, verdict: fail, severity: low", 15, "wanted severity low, and it is high"),
        ("fix: {facts: {public_signup: false}}", "fix: {facts: {public_signup: true}}", 15, "still fail: anyone may come in"),
        ("  - {name: on, verdict: fail, facts: {public_signup: true}}\n", "", 14, "no example shows fail"),
        ("  - {name: off, verdict: pass, facts: {public_signup: false}}\n", "", 14, "no example shows pass"),
    ],
)
def test_what_is_not_proven_is_said_with_the_line_of_the_example(old: str, new: str, line: int, problem: str) -> None:
    assert old in TEXT
    assert (line, problem) in problems(TEXT.replace(old, new))


def test_a_wrong_example_fails_the_command(tmp_path: Path, atlascan: Atlascan) -> None:
    write(
        tmp_path,
        "mine/jsm/wrong.yaml",
        TEXT.replace("public_signup: false}}\n  - {name: on", "public_signup: true}}\n  - {name: on"),
    )
    done = atlascan("policy", "test", "mine/jsm/wrong.yaml")
    assert (done.code, done.err) == (1, "")
    assert done.out == (
        "mine/jsm/wrong.yaml:14: jsm/wrong: off: wanted pass, and it is fail: anyone may come in\n1 file, 5 tests: 1 fail\n"
    )


def test_a_file_that_cannot_be_read_hides_no_other(tmp_path: Path, atlascan: Atlascan) -> None:
    write(tmp_path, "mine/jsm/broken.yaml", "title: [\n")
    write(tmp_path, "mine/jsm/right.yaml", TEXT)
    done = atlascan("policy", "test", "mine", "--junit", "out/junit.xml")
    assert (done.code, done.err) == (2, "")
    assert done.out == (
        "mine/jsm/broken.yaml:2: not valid YAML: did not find expected node content\n"
        "2 files, 5 tests: all pass; 1 file could not be read\n"
    )
    root = etree.parse(tmp_path / "out/junit.xml").getroot()
    assert [(suite.get("name"), suite.get("tests"), suite.get("errors")) for suite in root] == [
        ("jsm/right", "5", "0"),
        ("mine/jsm/broken.yaml", "1", "1"),
    ]


def test_the_outcome_can_be_had_as_junit(tmp_path: Path, atlascan: Atlascan) -> None:
    twice = "  - {name: on, verdict: pass, facts: {public_signup: true}}\n"
    escape = twice.replace("on,", '"\\x1b<on>",')
    write(tmp_path, "mine/jsm/wrong.yaml", f"{TEXT}{twice}{escape}")
    assert atlascan("policy", "test", "mine", "--junit", "junit.xml").code == 1
    [suite] = etree.parse(tmp_path / "junit.xml").getroot()
    cases = suite.findall("testcase")
    assert suite.get("tests") == str(len(cases)) == "7"
    assert suite.get("failures") == "2"
    assert len({case.get("name") for case in cases}) == len(cases)
    [first, second] = [case for case in cases if case.find("failure") is not None]
    assert (first.get("classname"), first.get("name")) == ("jsm/wrong", "on (line 17)")
    assert first.findtext("failure") == "wanted pass, and it is fail: anyone may come in"
    assert second.get("name") == "\\x1b<on> (line 18)"


def test_without_a_path_all_that_ships_and_all_that_is_configured_is_tested(tmp_path: Path, atlascan: Atlascan) -> None:
    write(tmp_path, "atlascan.yaml", "sites: [{url: 'https://acme.atlassian.net'}]\npolicies: [mine]\n")
    write(tmp_path, "mine/jsm/right.yaml", TEXT)
    done = atlascan("policy", "test")
    assert done.code == 0, done.out
    assert done.out.startswith(f"{len(policies.files(shipped('policies'))) + 1} files, ")


@pytest.mark.parametrize("command", ["test", "lint"])
def test_a_folder_that_is_not_there_is_exit_2(atlascan: Atlascan, command: str) -> None:
    done = atlascan("policy", command, "none")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: none: there is no such folder of policies\n")
