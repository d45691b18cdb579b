"""`atlascan snapshot`: collect, and judge nothing."""

from pathlib import Path

import click

from scanner import evaluate, snapshots
from scanner.cli import collection, options, pipeline


@click.command("snapshot")
@options.config
@click.option(
    "-o", "--output", "target", default=options.SNAPSHOT, show_default=True, help="The file (.zst: compressed), or - for a pipe."
)
@click.option("--all", "everything", is_flag=True, help="Collect every kind there is, not only what the profile's policies need.")
@options.collecting
@options.verbose
def command(
    *,
    config_file: Path | None,
    target: str,
    everything: bool,
    record: Path | None,
    replay: Path | None,
    resume: bool,
    verbosity: int,
) -> None:
    """Collect what the chosen policies need to know of what the configuration names."""
    how = collection.How(record, replay, resume, verbosity)
    config = pipeline.load_config(config_file)
    needs = None if everything else evaluate.needs(pipeline.criteria(config).rules)
    collection.take(config, target, needs=needs, how=how, now=pipeline.utc_now())
    if target != "-":
        coverage = snapshots.load(target).header.coverage
        resources, gaps = sum(each.resources for each in coverage), sum(each.gaps for each in coverage)
        pipeline.say(f"snapshot: {target} ({resources} resources, {gaps} gaps)")
