"""`atlascan report`: render a saved result again."""

from pathlib import Path

import click

from scanner import results
from scanner.cli import options, output


@click.command("report")
@click.argument("result", type=click.Path(path_type=Path))
@options.formats
def command(*, result: Path, outputs: tuple[options.Output, ...]) -> None:
    """Render RESULT, a file that `-f json=RESULT` wrote, in other formats. Needs no snapshot and no configuration."""
    output.write(results.load(result), outputs)
