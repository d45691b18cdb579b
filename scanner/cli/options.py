"""Options that several commands share, with the same words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from scanner import results
from scanner.cli import names
from scanner.errors import did_you_mean
from scanner.gate import Gating
from scanner.model import Severity
from scanner.render.formats import FORMATS, Format
from scanner.render.history.formats import FORMATS as HISTORY_FORMATS
from scanner.shipped import shipped

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

Command = TypeVar("Command", bound=Callable[..., Any])
SNAPSHOT = "atlascan-snapshot.ndjson"
NEW = "new"
STDOUT = "-"


@dataclass(frozen=True, slots=True)
class Output:
    """A format, where it is written, and the folder of one's own templates if the format is made of templates."""

    format: str
    path: str
    templates: Path | None = None

    @property
    def file(self) -> Path | None:
        """Return the file that it is written to, whatever the path to it; None is standard output."""
        return None if self.path == STDOUT else Path(self.path).resolve()


class _OutputType(click.ParamType[Output]):
    name = "FORMAT=FILE"

    def __init__(self, table: Mapping[str, Format]) -> None:
        self._table = table

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Output:  # noqa: ANN401  click's interface
        if isinstance(value, Output):
            return value
        name, _, path = str(value).partition("=")
        if name not in self._table:
            near = did_you_mean(name, self._table) or f"known: {', '.join(self._table)}"
            self.fail(f"there is no format {name!r}; {near}", param, ctx)
        return Output(name, path or STDOUT)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem]":  # noqa: ARG002
        """Offer the formats, each with what it is good for."""
        from click.shell_completion import CompletionItem  # noqa: PLC0415  only completing needs it

        return [CompletionItem(name, help=each.description) for name, each in self._table.items() if name.startswith(incomplete)]


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
    """Add `--format` and `--templates`, and hand the command `outputs` made of them, no two of which go to the same place."""

    @wraps(command)
    def formatted(*args: Any, outputs: tuple[Output, ...], templates: Path | None, **others: Any) -> Any:  # noqa: ANN401
        return command(*args, outputs=_outputs(outputs, templates), **others)

    with_templates: Any = templates(formatted)
    return _formats(with_templates, FORMATS, "report")  # type: ignore[no-any-return]  # it is the command, with options


def history_formats(command: Command) -> Command:
    """Add `--format` of a history, and hand the command `outputs` made of it, no two of which go to the same place."""

    @wraps(command)
    def formatted(*args: Any, outputs: tuple[Output, ...], **others: Any) -> Any:  # noqa: ANN401
        return command(*args, outputs=_outputs(outputs, None), **others)

    return _formats(formatted, HISTORY_FORMATS, "history")  # type: ignore[return-value]  # it is the command, with an option


def formats_of(table: Mapping[str, Format], noun: str) -> Callable[[Command], Command]:
    """Return what adds `--format` of a noun's own formats, and hands a command `outputs`, no two of which go to the same place."""

    def with_formats(command: Command) -> Command:
        @wraps(command)
        def formatted(*args: Any, outputs: tuple[Output, ...], **others: Any) -> Any:  # noqa: ANN401
            return command(*args, outputs=_outputs(outputs, None), **others)

        return _formats(formatted, table, noun)  # type: ignore[return-value]  # it is the command, with an option

    return with_formats


def templates(command: Command) -> Command:
    """Add `--templates`, and hand the command a folder in which there is something to take."""

    @wraps(command)
    def templated(*args: Any, templates: Path | None, **others: Any) -> Any:  # noqa: ANN401
        return command(*args, templates=_replacing(templates), **others)

    with_option: Any = click.option(
        "--templates",
        type=click.Path(path_type=Path),
        metavar="FOLDER",
        help="A folder whose files take the place of the HTML report's own templates, style and script.",
    )(templated)
    return with_option  # type: ignore[no-any-return]  # it is the command, with an option


def keep(path: str, outputs: tuple[Output, ...]) -> None:
    """Refuse an output that would overwrite the snapshot or the result that the command is about."""
    for output in outputs:
        if path != STDOUT and output.file == Path(path).resolve():
            raise click.UsageError(f"{output.format} cannot go to {output.path}, which the command is about")


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
        help="How many processes judge, where the system can fork. More than one pays for snapshots of 100 MB and more.",
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


def pseudonymize(command: Command) -> Command:
    """Add `--pseudonymize`, and hand the command `pseudonyms`: what makes them, or None."""

    @wraps(command)
    def masked(*args: Any, pseudonymize: bool, **others: Any) -> Any:  # noqa: ANN401
        return command(*args, pseudonyms=names.pseudonyms() if pseudonymize else None, **others)

    with_option: Any = click.option(
        "--pseudonymize", is_flag=True, help="Call people otherwise, by a key in ATLASCAN_PSEUDONYM_KEY or the keyring."
    )(masked)
    return with_option  # type: ignore[no-any-return]  # it is the command, with an option


def breadth(command: Command) -> Command:
    """Add `--all` and `--logs`: what is collected besides what the policies need, as `everything` and `logs`."""
    command = click.option(
        "--logs", is_flag=True, help="Collect the audit logs, too, so that a comparison can say who changed something, and when."
    )(command)
    return click.option(
        "--all", "everything", is_flag=True, help="Collect every kind there is, not only what the profile's policies need."
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


def _formats(command: Command, table: Mapping[str, Format], noun: str) -> Command:
    return click.option(
        "-f",
        "--format",
        "outputs",
        type=_OutputType(table),
        multiple=True,
        help=f"Write the {noun} in a format ({', '.join(table)}) to a file, or to - for standard output. May be repeated.",
    )(command)


def _replacing(folder: Path | None) -> Path | None:
    """Refuse a folder of templates that replaces nothing: its files would be passed over in silence."""
    if folder is None:
        return None
    if not _is_folder(folder, "--templates"):
        raise click.UsageError(f"--templates: {folder} is no folder")
    known = sorted(each.name for each in shipped("reports").iterdir())
    if not any((folder / name).is_file() for name in known):
        raise click.UsageError(f"--templates: {folder} holds none of the files that can be replaced: {', '.join(known)}")
    return folder


def _is_folder(path: Path, asked: str) -> bool:
    try:
        return path.is_dir()
    except OSError as error:  # a name that is too long
        raise click.UsageError(f"{asked}: {path}: {error.strerror}") from error


def _outputs(outputs: tuple[Output, ...], templates: Path | None) -> tuple[Output, ...]:
    """Refuse two formats in one place, and templates that nothing is made of."""
    first: dict[Path | None, Output] = {}
    for output in outputs:
        other = first.setdefault(output.file, output)
        if other is not output:
            where = "standard output" if output.file is None else f"the same file, {output.path}"
            raise click.UsageError(f"{other.format} and {output.format} cannot both go to {where}")
        if output.file and _is_folder(output.file, output.format):
            raise click.UsageError(f"{output.format} cannot go to {output.path}, which is a folder")
    if templates is None:
        return outputs
    if not any(FORMATS[output.format].has_templates for output in outputs):
        raise click.UsageError("--templates is for the HTML report; ask for it, such as with -f html=report.html")
    return tuple(replace(each, templates=templates) if FORMATS[each.format].has_templates else each for each in outputs)


def _gating(fail_on: tuple[str, ...], baseline: Path | None, *, allow_unknown: bool) -> Gating:
    severities = {Severity(word) for word in fail_on if word != NEW}
    if len(severities) > 1:
        raise click.UsageError(f"--fail-on takes one severity (and {NEW!r}), not {' and '.join(sorted(severities))}")
    if NEW in fail_on and baseline is None:
        raise click.UsageError("--fail-on new needs to know what is old: name an earlier result with --baseline")
    earlier = results.load(baseline) if baseline else None
    return Gating(next(iter(severities), None), NEW in fail_on, allow_unknown, earlier)
