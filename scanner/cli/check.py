"""`atlascan check`: judge a snapshot."""

from pathlib import Path

import click

from scanner import snapshots
from scanner.cli import options, output, pipeline
from scanner.gate import Gating


@click.command("check")
@click.argument("snapshot", default=options.SNAPSHOT)
@options.config
@options.formats
@options.gate
@click.pass_context
def command(
    ctx: click.Context,
    *,
    snapshot: str,
    config_file: Path | None,
    outputs: tuple[options.Output, ...],
    gating: Gating,
) -> None:
    """Judge SNAPSHOT (a file, or - for a pipe) by the configuration's policies, attestations and waivers."""
    config = pipeline.load_config(config_file)
    report = pipeline.judge(config, pipeline.criteria(config), snapshots.load(snapshot), gating)
    output.write(report, outputs)
    ctx.exit(report.gate.exit_code)
