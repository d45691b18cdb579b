"""`atlascan snapshot`: collect, and judge nothing."""

from pathlib import Path

import click

from scanner import snapshots
from scanner.cli import options, pipeline


@click.command("snapshot")
@options.config
@click.option(
    "-o", "--output", "target", default=options.SNAPSHOT, show_default=True, help="The file (.zst: compressed), or - for a pipe."
)
@options.recordings
@options.verbose
def command(*, config_file: Path | None, target: str, record: Path | None, replay: Path | None, verbose: bool) -> None:
    """Collect the settings of what the configuration names into a snapshot."""
    if record and replay:
        raise click.UsageError("--record and --replay exclude each other")
    config = pipeline.load_config(config_file)
    pipeline.take(config, target, record=record, replay=replay, verbose=verbose, now=pipeline.utc_now())
    if target != "-":
        coverage = snapshots.load(target).header.coverage
        resources, gaps = sum(each.resources for each in coverage), sum(each.gaps for each in coverage)
        pipeline.say(f"snapshot: {target} ({resources} resources, {gaps} gaps)")
