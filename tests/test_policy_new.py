"""`atlascan policy new`: what it writes is proven and clean, and a newcomer is led to the end."""

import re
import shlex
from datetime import date
from pathlib import Path

import pytest

from scanner import conditions, documents, lint, policies
from scanner.cli import proof
from scanner.cli.policies import new
from scanner.conditions import OPERATORS
from scanner.kinds import KINDS, Fact, FactType
from tests.conftest import Atlascan

# What somebody answers, by what the operator takes.
ANSWERS = {"bool": "true", "duration": "90 d", "number": "3", "list": "a.example, b.example"}
ALL = [(kind, path, fact, word) for kind in KINDS for path, fact in new.askable(KINDS[kind]).items() for word in new.fitting(fact)]
GIVEN = (
    "--title",
    "Nobody reads a desk's knowledge base without an account",
    "--severity",
    "high",
    "--rationale",
    "Whoever reads it knows the names of systems and people",
    "--step",
    "Open Project settings > Knowledge base.",
    "--reference",
    "https://support.atlassian.com/",
)
JUDGED = ("--kind", "jsm.customer_permissions", "--fact", "knowledge_base_anonymous", "--value", "false")
FILE = "our-policies/jsm/kb-needs-login.yaml"


def answer(fact: Fact, word: str) -> str:
    """Return a value that somebody may want of a fact."""
    match OPERATORS[word].takes:
        case "scalar" | "list" if fact.values:
            return fact.values[0]
        case "scalar":
            return {FactType.BOOL: "true", FactType.NUMBER: "3", FactType.DATE: "2026-01-01"}.get(fact.type, "something")
        case "list" if fact.type is FactType.NUMBER:
            return "1, 2"
        case takes:
            return ANSWERS[takes]


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_is_asked_of_a_kind_the_policy_is_proven_and_clean(kind: str) -> None:
    mine = [each for each in ALL if each[0] == kind]
    assert mine
    for _, path, fact, word in mine:
        draft = new.Draft(
            id="mine/x",
            kind=KINDS[kind],
            fact=new.FactPath(path, fact),
            test=new.tested(KINDS[kind], new.FactPath(path, fact), word, answer(fact, word)),
            title='It is as it should be: 100 % "safe"',
            severity="low",
            rationale="Whoever finds it otherwise gets in and stays",
            steps=("Do {this}: now", "- and that"),
            references=("https://support.atlassian.com/",),
        )
        document = documents.checked(documents.parse(new.text(draft, "x.json", date(2026, 11, 22)), "x.yaml"), "policy")
        policy = policies.parse(document, "mine/x")
        assert [each.problem for each in proof.proofs(policy) if each.problem] == [], (path, word)
        assert list(lint.lint(policy, document, date(2026, 11, 22))) == [], (path, word)
        assert conditions.facts_read(policy.require, kind) == {(kind, path)}


def test_every_operator_but_those_that_want_more_can_be_asked_for() -> None:
    assert {word for *_, word in ALL} == set(OPERATORS) - {"matches", "within"}


def test_all_can_be_given_without_a_terminal(tmp_path: Path, atlascan: Atlascan) -> None:
    done = atlascan("policy", "new", "jsm/kb-needs-login", *GIVEN, *JUDGED)
    assert (done.code, done.out) == (0, ""), done.err
    first, *_ = (tmp_path / FILE).read_text(encoding="utf-8").splitlines()
    [schema] = re.findall(r"^# yaml-language-server: \$schema=(\S+)$", first)
    assert ((tmp_path / FILE).parent / schema).read_text(encoding="utf-8") == atlascan("schema", "policy").out.rstrip("\n")
    assert f"wrote {FILE}\n" in done.err
    assert done.err.endswith("next: to have it applied, add `policies: [our-policies]` to atlascan.yaml\n")
    assert atlascan("policy", "test", "our-policies").code == 0
    assert atlascan("policy", "lint", "our-policies", "--strict").code == 0


def test_what_is_left_out_is_asked_and_asked_again_until_it_is_understood(tmp_path: Path, atlascan: Atlascan) -> None:
    answers = (
        "jsm/kb needs login",
        "jsm/kb-needs-login",
        "jsm.customer_permission",
        "?",
        "jsm.customer_permissions",
        "knowledge_base_anonymos",
        "?",
        "knowledge_base_anonymous",
        "equal",
        "",
        "falsch",
        "false",
    )
    done = atlascan("policy", "new", *GIVEN, stdin="\n".join((*answers, "")))
    assert done.code == 0, done.err
    for said in (
        "'jsm/kb needs login' is no id; an area and a name of letters, digits and hyphens, such as jsm/our-rule",
        "there is no kind 'jsm.customer_permission'; did you mean 'jsm.customer_permissions'?",
        f"jsm.customer_permissions     {KINDS['jsm.customer_permissions'].meaning}",
        "jsm.customer_permissions has no fact 'knowledge_base_anonymos'; did you mean 'knowledge_base_anonymous'?",
        "channel_access               one of restricted, open: ",
        "'equal' does not go with knowledge_base_anonymous here; did you mean 'equals'?",
        'equals: "falsch" can never be: the fact is true or false',
    ):
        assert said in done.err
    assert (tmp_path / FILE).exists()


def test_where_nobody_answers_the_option_that_is_missing_is_named(tmp_path: Path, atlascan: Atlascan) -> None:
    done = atlascan("policy", "new", "jsm/x", *GIVEN, *JUDGED[:-2])
    assert (done.code, done.out) == (2, "")
    assert done.err.endswith("error: --value is left out, and nobody answers\n hint: give it, or run this in a terminal\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("id_", "more", "error"),
    [
        ("jsm/../../x", (), "'jsm/../../x' is no id"),
        ("/etc/x", (), "'/etc/x' is no id"),
        ("x", (), "'x' is no id"),
        ("profiles/x", (), "'profiles/x' is no id"),
        ("jsm/public-signup-off", (), "there is a policy 'jsm/public-signup-off' already, in "),
        ("jsm/x", ("--kind", "jsm.customer"), "jsm.customer has no fact 'knowledge_base_anonymous'"),
        ("jsm/x", ("--operator", "matches"), "'matches' does not go with knowledge_base_anonymous here"),
        ("jsm/x", ("--value", "no"), 'equals: "no" can never be: the fact is true or false'),
        ("jsm/x", ("--operator", "at_most"), "'at_most' does not go with knowledge_base_anonymous here"),
        ("jsm/x", ("--reference", "http://x.example"), 'references[1]: "http://x.example" does not look right'),
        ("jsm/x", ("--title", "x" * 200), "title: longer than 120 characters"),
    ],
)
def test_what_is_given_and_wrong_is_exit_2_and_writes_nothing(
    tmp_path: Path, atlascan: Atlascan, id_: str, more: tuple[str, ...], error: str
) -> None:
    done = atlascan("policy", "new", id_, *GIVEN, *JUDGED, *more)
    assert (done.code, done.out) == (2, "")
    assert error in done.err
    assert "Traceback" not in done.err
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path: Path, atlascan: Atlascan) -> None:
    file = tmp_path / FILE
    file.parent.mkdir(parents=True)
    file.write_text("mine", encoding="utf-8")
    done = atlascan("policy", "new", "jsm/kb-needs-login", *GIVEN, *JUDGED)
    assert (done.code, done.err) == (2, f"error: {FILE} is there already\n hint: edit it, or choose another id\n")
    assert file.read_text(encoding="utf-8") == "mine"


def test_it_goes_into_the_folder_that_is_configured_and_is_applied(tmp_path: Path, atlascan: Atlascan) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "atlascan.yaml").write_text("sites: [{url: 'https://acme.atlassian.net'}]\npolicies: [rules]\n", encoding="utf-8")
    done = atlascan("policy", "new", "jsm/kb-needs-login", *GIVEN, *JUDGED)
    assert (done.code, "next:" in done.err) == (0, False)
    assert "* jsm/kb-needs-login" in atlascan("policy", "list", "--area", "jsm").out


# What a newcomer gets wrong first, in the file that the tutorial writes.
MISTAKES = {
    "a mistyped fact": ("require: {path: knowledge_base_anonymous,", "require: {path: knowlege_base_anonymous,"),
    "a mistyped operator": ("_anonymous, equals:", "_anonymous, equal:"),
    "a value that cannot be": ("severity: high", "severity: hihg"),
    "a wrong indentation": ("severity: high", "  severity: high"),
}
TUTORIAL = Path(__file__).parent.parent / "docs" / "write-a-policy.md"


@pytest.fixture
def written(tmp_path: Path, atlascan: Atlascan) -> Path:
    """Return the policy that the command of the tutorial writes."""
    [command] = re.findall(r"^atlascan (policy new jsm/.*?[^\\])$", TUTORIAL.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    done = atlascan(*shlex.split(command.replace("\\\n", "")))
    assert done.code == 0, done.err
    return tmp_path / FILE


def test_what_the_tutorial_writes_is_proven_and_clean(written: Path, atlascan: Atlascan) -> None:
    assert written.exists()
    assert atlascan("policy", "test", "our-policies").out == "1 file, 5 tests: all pass\n"
    assert atlascan("policy", "lint", "our-policies", "--strict").out == "1 policy: 0 errors, 0 warnings\n"


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_newcomers_mistake_is_said_with_line_and_fix_as_the_tutorial_shows_it(
    written: Path, atlascan: Atlascan, mistake: str
) -> None:
    right, wrong = MISTAKES[mistake]
    text = written.read_text(encoding="utf-8")
    assert text.count(right) == 1
    written.write_text(text.replace(right, wrong), encoding="utf-8")
    done = atlascan("policy", "lint", "our-policies")
    assert (done.code, done.err) == (1, "")
    problem, summary = done.out.splitlines()
    assert problem.startswith(f"{FILE}:{text.partition(right)[0].count(chr(10)) + 1}:")
    assert summary == "1 policy: 1 error, 0 warnings"
    assert problem in TUTORIAL.read_text(encoding="utf-8").splitlines()
    assert atlascan("policy", "test", "our-policies").code == 2


def test_a_wrong_example_is_said_as_the_tutorial_shows_it(written: Path, atlascan: Atlascan) -> None:
    text = written.read_text(encoding="utf-8")
    written.write_text(
        text.replace("facts: {knowledge_base_anonymous: true}", "facts: {knowledge_base_anonymous: false}"), encoding="utf-8"
    )
    done = atlascan("policy", "test", "our-policies")
    assert done.code == 1
    assert done.out.splitlines()[0] in TUTORIAL.read_text(encoding="utf-8").splitlines()
