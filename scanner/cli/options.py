"""Options that several commands share, with the same words."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from scanner.errors import did_you_mean
from scanner.model import Severity
from scanner.render.formats import FORMATS

Command = TypeVar("Command", bound=Callable[..., Any])
SNAPSHOT = "atlascan-snapshot.ndjson"


@dataclass(frozen=True, slots=True)
class Output:
    """A format, and where it is written."""

    format: str
    path: str


class _OutputType(click.ParamType[Output]):
    name = "FORMAT=FILE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Output:  # noqa: ANN401  click's interface
        if isinstance(value, Output):
            return value
        name, _, path = str(value).partition("=")
        if name not in FORMATS:
            self.fail(f"there is no format {name!r}; {did_you_mean(name, FORMATS)}", param, ctx)
        return Output(name, path or "-")


def config(command: Command) -> Command:
    """Add `--config`."""
    return click.option(
        "-c",
        "--config",
        "config_file",
        type=click.Path(path_type=Path),
        help="The configuration.  [default: atlascan.yaml]",
    )(command)


def formats(command: Command) -> Command:
    """Add `--format`."""
    choices = ", ".join(FORMATS)
    return click.option(
        "-f",
        "--format",
        "outputs",
        type=_OutputType(),
        multiple=True,
        help=f"Write the report in a format ({choices}) to a file, or to - for standard output. May be repeated.",
    )(command)


def gate(command: Command) -> Command:
    """Add `--fail-on` and `--allow-unknown`."""
    command = click.option("--allow-unknown", is_flag=True, help="Let the gate pass although something could not be judged.")(
        command
    )
    return click.option(
        "--fail-on",
        type=click.Choice([severity.value for severity in Severity]),
        help="The lowest severity that makes the gate fail.  [default: as configured, else high]",
    )(command)


def verbose(command: Command) -> Command:
    """Add `--verbose`."""
    return click.option(
        "-v",
        "--verbose",
        "verbosity",
        count=True,
        help="Say on stderr what is asked of Atlassian; twice: about what, and how long it took.",
    )(command)


def collecting(command: Command) -> Command:
    """Add `--record`, `--replay` and `--resume`."""
    command = click.option(
        "--resume", is_flag=True, help="Go on with the collection into this file that was interrupted, instead of a new one."
    )(command)
    command = click.option(
        "--replay", type=click.Path(path_type=Path, file_okay=False), help="Answer from a recording instead of the network."
    )(command)
    return click.option(
        "--record", type=click.Path(path_type=Path, file_okay=False), help="Record the traffic into a folder, without credentials."
    )(command)
