"""`atlascan scan`: take a snapshot and check it."""

from pathlib import Path

import click

from scanner import snapshots, store
from scanner.cli import collection, options, output, pipeline
from scanner.cli.past import looks
from scanner.gate import Gating
from scanner.pseudonyms import Pseudonyms
from scanner.render import json


@click.command("scan")
@options.config
@click.option(
    "-o", "--output", "target", default=options.SNAPSHOT, show_default=True, help="Where the snapshot is kept (.zst: compressed)."
)
@click.option("--store", "place", metavar="STORE", help="Keep snapshot and result here as well: a folder, or s3://, gs://, az://.")
@options.formats
@options.gate
@options.jobs
@options.breadth
@options.collecting
@options.pseudonymize
@options.verbose
@click.pass_context
def command(
    ctx: click.Context,
    *,
    config_file: Path | None,
    target: str,
    place: str | None,
    outputs: tuple[options.Output, ...],
    gating: Gating,
    jobs: int,
    everything: bool,
    logs: bool,
    record: Path | None,
    replay: Path | None,
    resume: bool,
    pseudonyms: Pseudonyms | None,
    verbosity: int,
) -> None:
    """Take a snapshot of what the configuration names, judge it, and report.

    Credentials come from the environment (ATLASCAN_ORG_API_KEY, ATLASCAN_EMAIL, ATLASCAN_API_TOKEN; per site
    ATLASCAN_<NAME>_EMAIL and ATLASCAN_<NAME>_API_TOKEN) or from the system keyring. What cannot be read is reported as unknown,
    never as passing.
    """
    how = collection.How(record, replay, resume, verbosity, pseudonyms)
    if target == "-":
        raise click.UsageError("a scan keeps its snapshot in a file; `atlascan snapshot -o -` writes one to standard output")
    options.keep(target, outputs)
    config = pipeline.load_config(config_file)
    by = pipeline.criteria(config)
    needs = collection.needs(by.rules, everything=everything, logs=logs)
    where = store.opened(place) if place is not None else None
    # Whoever cannot reach the store hears so before anything is collected.
    watched = looks.failed_last(where) if where else frozenset[tuple[str, str]]()
    if where:
        where.make()
    collection.take(config, target, needs=needs, how=how, now=pipeline.utc_now())
    pipeline.say(f"snapshot: {target}")
    report = pipeline.judge(config, by, snapshots.load(target, jobs=jobs), gating, jobs=jobs, watched=watched)
    if pseudonyms:
        report = pseudonyms.report(report)
    output.write(report, outputs)
    if where:
        with output.shut_first(report):
            kept = where.add(report.snapshot, Path(target), json.render(report))
        pipeline.say(f"kept in {place}: {' and '.join(kept.names)}")
    output.conclude(report, outputs)
    ctx.exit(report.gate.exit_code)
