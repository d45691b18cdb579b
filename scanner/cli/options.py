"""Options that several commands share, with the same words."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from scanner import results
from scanner.errors import did_you_mean
from scanner.gate import Gating
from scanner.model import Severity
from scanner.render.formats import FORMATS

Command = TypeVar("Command", bound=Callable[..., Any])
SNAPSHOT = "atlascan-snapshot.ndjson"
NEW = "new"


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
    """Add `--fail-on`, `--baseline` and `--allow-unknown`, and hand the command a `gating` made of them."""

    @wraps(command)
    def gated(*args: Any, fail_on: tuple[str, ...], baseline: Path | None, allow_unknown: bool, **others: Any) -> Any:  # noqa: ANN401
        return command(*args, gating=_gating(fail_on, baseline, allow_unknown=allow_unknown), **others)

    with_options: Any = click.option(
        "--allow-unknown", is_flag=True, help="Let the gate pass although something could not be judged."
    )(gated)
    with_options = click.option(
        "--baseline",
        type=click.Path(path_type=Path),
        metavar="RESULT",
        help="Compare with an earlier result (of -f json): what is new, what is known, what has vanished.",
    )(with_options)
    return click.option(  # type: ignore[no-any-return]  # it is the command, with options
        "--fail-on",
        multiple=True,
        type=click.Choice([*(severity.value for severity in Severity), NEW]),
        help=(
            "The lowest severity that makes the gate fail; `new`: only what is not in the baseline does, from the configured "
            "severity on. With both, what is new does, and all of that severity.  [default: as configured, else high]"
        ),
    )(with_options)


def jobs(command: Command) -> Command:
    """Add `--jobs`."""
    return click.option(
        "-j",
        "--jobs",
        type=click.IntRange(1, 64),
        default=1,
        show_default=True,
        help="How many processes judge. More than one pays for snapshots of 100 MB and more.",
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


# ---------------------------------------------------------------------------------------------------------------- private


def _gating(fail_on: tuple[str, ...], baseline: Path | None, *, allow_unknown: bool) -> Gating:
    severities = {Severity(word) for word in fail_on if word != NEW}
    if len(severities) > 1:
        raise click.UsageError(f"--fail-on takes one severity (and {NEW!r}), not {' and '.join(sorted(severities))}")
    if NEW in fail_on and baseline is None:
        raise click.UsageError("--fail-on new needs to know what is old: name an earlier result with --baseline")
    earlier = results.load(baseline) if baseline else None
    return Gating(next(iter(severities), None), NEW in fail_on, allow_unknown, earlier)
