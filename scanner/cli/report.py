"""`atlascan report`: render a saved result again."""

from pathlib import Path

import click

from scanner import baseline, results
from scanner.cli import options, output
from scanner.pseudonyms import Pseudonyms, check_same


@click.command("report")
@click.argument("result", type=click.Path(path_type=Path))
@options.formats
@options.pseudonymize
@click.option(
    "--since",
    type=click.Path(path_type=Path),
    metavar="RESULT",
    help="Compare with an earlier result: what is new, what is known, what has vanished. The gate stays what it was.",
)
def command(*, result: Path, outputs: tuple[options.Output, ...], since: Path | None, pseudonyms: Pseudonyms | None) -> None:
    """Render RESULT, a file that `-f json=RESULT` wrote, in other formats. Needs no snapshot and no configuration.

    It is no gate: where the report can be written, the exit code is 0, whatever stands in it.
    """
    options.keep(str(result), outputs)
    report = results.load(result)
    if since:
        earlier = results.load(since)
        check_same(earlier.snapshot, report.snapshot)
        report = baseline.compared(report, earlier)
    output.write(pseudonyms.report(report) if pseudonyms else report, outputs, is_gate=False)
