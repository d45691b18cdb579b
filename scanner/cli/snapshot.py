"""`atlascan snapshot`: collect, and judge nothing."""

from pathlib import Path

import click

from scanner import evaluate, snapshots
from scanner.cli import options, pipeline


@click.command("snapshot")
@options.config
@click.option(
    "-o", "--output", "target", default=options.SNAPSHOT, show_default=True, help="The file (.zst: compressed), or - for a pipe."
)
@click.option("--all", "everything", is_flag=True, help="Collect every kind there is, not only what the profile's policies need.")
@options.recordings
@options.verbose
def command(
    *, config_file: Path | None, target: str, everything: bool, record: Path | None, replay: Path | None, verbose: bool
) -> None:
    """Collect what the chosen policies need to know of what the configuration names."""
    if record and replay:
        raise click.UsageError("--record and --replay exclude each other")
    config = pipeline.load_config(config_file)
    needs = None if everything else evaluate.needs(pipeline.criteria(config).rules)
    pipeline.take(config, target, needs=needs, record=record, replay=replay, verbose=verbose, now=pipeline.utc_now())
    if target != "-":
        coverage = snapshots.load(target).header.coverage
        resources, gaps = sum(each.resources for each in coverage), sum(each.gaps for each in coverage)
        pipeline.say(f"snapshot: {target} ({resources} resources, {gaps} gaps)")
