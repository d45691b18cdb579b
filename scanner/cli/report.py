"""`atlascan report`: render a saved result again."""

from pathlib import Path

import click

from scanner import baseline, results
from scanner.cli import options, output


@click.command("report")
@click.argument("result", type=click.Path(path_type=Path))
@options.formats
@click.option(
    "--since",
    type=click.Path(path_type=Path),
    metavar="RESULT",
    help="Compare with an earlier result: what is new, what is known, what has vanished. The gate stays what it was.",
)
def command(*, result: Path, outputs: tuple[options.Output, ...], since: Path | None) -> None:
    """Render RESULT, a file that `-f json=RESULT` wrote, in other formats. Needs no snapshot and no configuration.

    It is no gate: where the report can be written, the exit code is 0, whatever stands in it.
    """
    options.keep(str(result), outputs)
    report = results.load(result)
    output.write(baseline.compared(report, results.load(since)) if since else report, outputs)
