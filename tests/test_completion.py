"""What a shell that completes is offered: commands, formats, policies. Asked as the shells' own scripts ask."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from scanner import policies
from scanner.cli import COMMANDS, policy
from scanner.render.formats import FORMATS
from tests import recipes
from tests.recipes import ROOT, Script

POLICIES = sorted(policies.load())
PAGE = ROOT / "docs" / "completion.md"
SLOW = {"requests", "jinja2", "rich", "lxml", "vcr", "keyring"}


def asked(line: str, folder: Path, shell: str = "bash") -> subprocess.CompletedProcess[str]:
    """Ask for what may stand at the end of a line."""
    words = line.split(" ")
    current = words[-1] if shell == "fish" else str(len(words) - 1)
    return subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "scanner"],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "_ATLASCAN_COMPLETE": f"{shell}_complete",
            "COMP_WORDS": line,
            "COMP_CWORD": current,
        },
        capture_output=True,
        text=True,
        check=True,
    )


def offered(line: str, folder: Path) -> list[str]:
    return [offer.removeprefix("plain,") for offer in asked(line, folder).stdout.split()]


def test_every_command_is_offered(tmp_path: Path) -> None:
    assert offered("atlascan ", tmp_path) == [*COMMANDS]
    assert offered("atlascan policy ", tmp_path) == [*policy.COMMANDS]
    assert offered("atlascan sc", tmp_path) == [name for name in COMMANDS if name.startswith("sc")]


@pytest.mark.parametrize("command", ["scan", "check", "report"])
@pytest.mark.parametrize("option", ["-f", "--format"])
def test_every_format_is_offered(command: str, option: str, tmp_path: Path) -> None:
    assert offered(f"atlascan {command} {option} ", tmp_path) == [*FORMATS]
    assert offered(f"atlascan {command} {option} html=x -f js", tmp_path) == ["json"]


@pytest.mark.parametrize("line", ["policy show", "check --explain", "waive", "check -c nowhere.yaml --explain"])
def test_every_policy_is_offered_where_one_is_to_be_named(line: str, tmp_path: Path) -> None:
    assert offered(f"atlascan {line} ", tmp_path) == POLICIES
    assert offered(f"atlascan {line} jira/no-p", tmp_path) == [id_ for id_ in POLICIES if id_.startswith("jira/no-p")]


def test_policies_of_ones_own_are_offered_too(tmp_path: Path) -> None:
    mine = tmp_path / "ours" / "jira" / "mine.yaml"
    mine.parent.mkdir(parents=True)
    mine.write_text("nothing of a policy is read for its name", encoding="utf-8")
    (tmp_path / "other.yaml").write_text("sites: [{url: https://acme.atlassian.net}]\npolicies: [ours]\n", encoding="utf-8")
    assert offered("atlascan policy show jira/m", tmp_path) == []
    assert offered("atlascan policy show -c other.yaml jira/m", tmp_path) == ["jira/mine"]


def test_a_configuration_that_is_wrong_takes_no_offer_away(tmp_path: Path) -> None:
    (tmp_path / "atlascan.yaml").write_text("sites: 3\n", encoding="utf-8")
    assert offered("atlascan policy show ", tmp_path) == POLICIES


def test_after_a_mistyped_command_nothing_is_complained_of(tmp_path: Path) -> None:
    said = asked("atlascan scna ", tmp_path)
    assert said.returncode == 0
    assert "Traceback" not in said.stderr


@pytest.mark.parametrize("line", ["atlascan ", "atlascan policy show ", "atlascan check -f ", "atlascan check --explain "])
def test_completing_loads_nothing_that_takes_long(line: str, tmp_path: Path) -> None:
    loaded = set(re.findall(r"\| +(\w+)", asked(line, tmp_path).stderr))
    assert "click" in loaded
    assert loaded & SLOW == set()


def test_the_commands_are_offered_without_loading_one(tmp_path: Path) -> None:
    loaded = set(re.findall(r"\| +(scanner\.cli\.\w+)", asked("atlascan ", tmp_path).stderr))
    assert loaded == {"scanner.cli.lazy"}


@pytest.mark.parametrize(
    ("shell", "offer"), [("zsh", "plain\nscan\nTake a snapshot and check it."), ("fish", "plain,scan\tTake a")]
)
def test_shells_that_can_are_told_what_a_command_is_for(shell: str, offer: str, tmp_path: Path) -> None:
    assert offer in asked("atlascan sc", tmp_path, shell).stdout


def test_bash_completes_after_what_the_page_says_to_put_into_its_startup_file(tmp_path: Path) -> None:
    programs = recipes.install(tmp_path / "bin")
    [line] = re.findall(r'^eval "\$\(_ATLASCAN_COMPLETE=bash_source atlascan\)"$', PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    asks = 'COMP_WORDS=(atlascan policy sh); COMP_CWORD=2; _atlascan_completion atlascan; echo "${COMPREPLY[@]}"'
    done = recipes.run(Script(("bash", "-c"), f"{line}\n{asks}", {}), tmp_path, programs)
    assert (done.code, done.out, done.err) == (0, "show\n", "")
