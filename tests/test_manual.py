"""The manual of the commands: whole, and true where a machine can tell."""

import re
from pathlib import Path

import click
import pytest

from scanner.cli import cli
from tests import manual, reference

ROOT = Path(__file__).parent.parent
PAGE = reference.commands()
CONTEXTS = {context.command_path: context for context in manual.contexts(cli, "atlascan", None)}
READ = re.compile(r"""environ(?:\.get\(|\[)"(\w+)\"""")


def section(command: str) -> str:
    return PAGE.split(f"## `{command}`\n")[1].split("\n## ")[0]


def test_every_command_has_a_section_and_more_is_known_of_each_and_of_no_other() -> None:
    assert re.findall(r"^## `(.*)`$", PAGE, re.MULTILINE) == [*CONTEXTS]
    assert manual.MORE.keys() == CONTEXTS.keys(), "say it in MORE of tests/manual.py"


@pytest.mark.parametrize("command", CONTEXTS)
def test_a_section_names_every_argument_and_option_and_what_it_is_where_it_is_left_out(command: str) -> None:
    text = section(command)
    for param in CONTEXTS[command].command.params:
        names = param.opts if isinstance(param, click.Option) else [param.make_metavar(CONTEXTS[command]).strip("[].")]
        assert [each for each in names if each.replace("|", "&#124;") not in text] == []
        if isinstance(param.default, str):
            assert param.default in text


@pytest.mark.parametrize("command", manual.MORE)
def test_an_example_is_of_the_command_that_it_stands_under(command: str) -> None:
    assert manual.MORE[command].examples
    assert [each for each in manual.MORE[command].examples if not each.startswith(command)] == []


def test_every_variable_that_the_program_reads_is_named() -> None:
    read = {name for file in (ROOT / "scanner").rglob("*.py") for name in READ.findall(file.read_text(encoding="utf-8"))}
    assert "REQUESTS_CA_BUNDLE" in read
    assert [name for name in read if f"`{name}`" not in PAGE] == []


@pytest.mark.parametrize("command", manual.MORE)
def test_a_gate_says_what_each_exit_code_means(command: str) -> None:
    codes = re.findall(r"(?:^|; )([0-3])\b", manual.MORE[command].exits)
    is_gate = any("--fail-on" in param.opts for param in CONTEXTS[command].command.params)
    assert codes == ["0", "1", "2", "3"] or not is_gate
