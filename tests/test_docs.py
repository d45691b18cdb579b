"""The documentation is true where a machine can tell: pages, links, files and commands."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from scanner import attestations, conditions, documents, policies, waivers
from scanner import config as configuration
from scanner.cli import cli, pipeline
from scanner.cli.proof import judged
from scanner.model import worst
from tests import reference
from tests.pages import FENCED, GENERATED, PAGES, ROOT, Block, blocks, name

CONDITION = "condition on "


def named(block: Block) -> str:
    return f"{name(block.page)}: {block.title}"


BLOCKS = [block for page in PAGES for block in blocks(page)]
CONFIGS = [block for block in BLOCKS if block.title == configuration.FILE]
ATTESTATIONS = [block for block in BLOCKS if block.title == "attestations.yaml"]
WAIVERS = [block for block in BLOCKS if block.title == "waivers.yaml"]
PROFILES = [block for block in BLOCKS if block.title == "our-profile.yaml"]
CONDITIONS = [block for block in BLOCKS if block.title.startswith(CONDITION)]
# A title such as our-policies/jsm/one.yaml: the folder that a configuration names, then the policy's id.
POLICIES = [block for block in BLOCKS if block.language == "yaml" and "/" in block.title]


# ---------------------------------------------------------------------------------------------------------- generated pages


@pytest.mark.parametrize("page", GENERATED, ids=name)
def test_a_generated_page_is_what_the_program_says_today(page: Path) -> None:
    written = page.read_text(encoding="utf-8") if page.exists() else ""
    assert written == reference.PAGES[page](), f"{name(page)} is stale: run `python -m tests.reference`"


def test_every_reference_page_and_every_page_of_a_policy_is_generated_and_says_so() -> None:
    assert sorted([*reference.FOLDER.iterdir(), *reference.POLICIES.rglob("*.md")]) == GENERATED
    assert all(reference.GENERATED in page.read_text(encoding="utf-8").splitlines()[:3] for page in GENERATED)


# ------------------------------------------------------------------------------------------------------------------- links


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_relative_link_leads_to_a_file(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    missing = [each for each in targets if ":" not in each and not (page.parent / each).exists()]
    assert not missing, f"{name(page)} links to what is not there: {', '.join(missing)}"


# ------------------------------------------------------------------------------------------------------------------- files


def test_the_pages_show_every_kind_of_file() -> None:
    assert CONFIGS
    assert ATTESTATIONS
    assert WAIVERS
    assert PROFILES
    assert POLICIES
    assert CONDITIONS


def test_a_block_of_yaml_is_titled_so_that_it_is_tested() -> None:
    """Other programs' files are in `docs/ci` only, where `test_recipes.py` tests them."""
    known = [*CONFIGS, *ATTESTATIONS, *WAIVERS, *PROFILES, *POLICIES, *CONDITIONS]
    others = [block for block in BLOCKS if block.language == "yaml" and block not in known]
    assert [named(block) for block in others if not name(block.page).startswith("docs/ci/")] == []


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """Return a folder with the policies and profiles that the pages show, and empty files of attestations and waivers."""
    for block in (*POLICIES, *PROFILES):
        file = tmp_path / block.title
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block.text, encoding="utf-8")
    for key in ("attestations", "waivers"):
        (tmp_path / f"{key}.yaml").write_text(f"{key}: []\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("block", CONFIGS, ids=named)
def test_a_configuration_loads_with_all_that_it_names(block: Block, written: Path) -> None:
    file = written / configuration.FILE
    file.write_text(block.text, encoding="utf-8")
    assert pipeline.criteria(configuration.load(file)).rules


@pytest.mark.parametrize("block", ATTESTATIONS, ids=named)
def test_an_attestations_file_loads(block: Block, tmp_path: Path) -> None:
    file = tmp_path / block.title
    file.write_text(block.text, encoding="utf-8")
    assert attestations.load(file)


@pytest.mark.parametrize("block", WAIVERS, ids=named)
def test_a_waivers_file_loads(block: Block, tmp_path: Path) -> None:
    file = tmp_path / block.title
    file.write_text(block.text, encoding="utf-8")
    assert waivers.load(file, policies.load())


@pytest.mark.parametrize("block", POLICIES, ids=named)
def test_a_policy_loads_its_examples_hold_and_a_profile_applies_it(block: Block, written: Path) -> None:
    folder = block.title.partition("/")[0]
    policy = policies.read(written / block.title, written / folder)
    for example in policy.examples:
        findings = judged(policy, example)
        assert worst(finding.verdict for finding in findings) is example.verdict, example.name
        assert example.severity in (None, *(finding.severity for finding in findings)), example.name
    known = policies.load([written / folder])
    assert policy.id in [rule.policy.id for rule in policies.select(known, "it-controlled", {}, {}, None)]


@pytest.mark.parametrize("block", CONDITIONS, ids=named)
def test_a_condition_parses(block: Block) -> None:
    kind = block.title.removeprefix(CONDITION)
    document = documents.parse(block.text, named(block))
    conditions.parse(document.value, document, (), kind, {"company_domains": "list"})


# ------------------------------------------------------------------------------------------------------------------ layers


def test_the_layers_that_the_architecture_shows_are_those_that_the_build_holds() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    held = [[name.strip() for name in layer.split("|")] for layer in contracts[0]["layers"]]
    [shown] = [block.text.splitlines() for block in blocks(ROOT / "docs" / "architecture.md") if "__main__" in block.text]
    assert [line.split()[: len(names)] for names, line in zip(held, shown, strict=True)] == held, (
        "the block in docs/architecture.md is stale"
    )


# ---------------------------------------------------------------------------------------------------------------- commands


def commands(text: str) -> Iterator[list[str]]:
    """Yield the arguments of each call of atlascan in a line of shell."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, ";"]:
        if set(word) <= set("();<>|&"):
            if words and words[0].rpartition("/")[2] == "atlascan":
                yield words[1:]
            words = []
        elif words or "=" not in word:  # what stands before a command sets its environment
            words.append(word)


def in_blocks(page: Path) -> Iterator[list[str]]:
    for block in blocks(page):
        for line in block.text.replace("\\\n", "").splitlines() if block.language != "text" else ():
            if re.search(r"(^|[\s/])atlascan ", line) and not line.startswith("#"):
                yield from commands(line.strip().removeprefix("- ").removeprefix("$ "))


def in_sentences(page: Path) -> Iterator[list[str]]:
    for call in re.findall(r"`(atlascan [^`]+)`", FENCED.sub("", page.read_text(encoding="utf-8"))):
        yield from commands(call)


def complaint(args: list[str], *, whole: bool) -> str | None:
    """Return what the program has against a command line; one that is not whole may leave out what belongs to it."""
    try:
        context = cli.make_context("atlascan", list(args))
        command: click.Command = cli
        while isinstance(command, click.Group) and (rest := [*context._protected_args, *context.args]):
            found, inner, rest = command.resolve_command(context, rest)
            command = inner or command
            context = command.make_context(found, rest, parent=context)
    except click.exceptions.Exit:
        return None  # --help
    except (click.MissingParameter, click.BadOptionUsage, click.exceptions.NoArgsIsHelpError) as error:
        return error.format_message() if whole else None
    except click.UsageError as error:
        return error.format_message()
    return None


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_on_a_page_is_one_that_the_program_takes(page: Path) -> None:
    wrong = [(call, why) for call in in_blocks(page) if (why := complaint(call, whole=True))]
    wrong += [(call, why) for call in in_sentences(page) if (why := complaint(call, whole=False))]
    assert not wrong, f"{name(page)}: " + "; ".join(f"atlascan {shlex.join(call)}: {why}" for call, why in wrong)


def test_a_command_that_does_not_exist_is_noticed() -> None:
    assert complaint(["scna"], whole=False)
    assert complaint(["scan", "--fail-onn", "high"], whole=False)
    assert complaint(["scan", "-f", "pdf=report.pdf"], whole=False)
    assert complaint(["policy", "shwo", "x"], whole=False)
    assert complaint(["policy", "show"], whole=True)
    assert complaint(["policy", "show"], whole=False) is None
    assert complaint(["check", "-", "--fail-on", "low", "-f", "html=report.html"], whole=True) is None
    assert list(commands("A=1 .venv/bin/atlascan snapshot -o - | atlascan check - > out")) == [
        ["snapshot", "-o", "-"],
        ["check", "-"],
    ]
