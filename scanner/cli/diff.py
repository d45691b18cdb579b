"""`atlascan diff`: what changed between two snapshots, and which doors that opened."""

from pathlib import Path

import click

from scanner import drift, snapshots
from scanner.cli import options, output, pipeline
from scanner.model import Effect, Severity
from scanner.render.drift.formats import FORMATS


@click.command("diff")
@click.argument("old")
@click.argument("new")
@options.config
@options.formats_of(FORMATS, "drift")
@click.option(
    "--fail-on",
    multiple=True,
    type=click.Choice([*(effect.value for effect in drift.STOPS), drift.ANY]),
    help="What makes the gate fail: a door that opened, sight that was lost, or any change. May be repeated.  [default: opened]",
)
@click.option(
    "--severity",
    type=click.Choice([severity.value for severity in Severity]),
    help="The lowest severity of a policy that matters for it.  [default: as configured, else high]",
)
@click.option("--allow-unknown", is_flag=True, help="Let the gate pass although sight was lost, or something cannot be compared.")
@click.option("--all", "whole", is_flag=True, help="Tell of what changes all the time, and of logs, too; and cut no text short.")
@options.jobs
@click.pass_context
def command(
    ctx: click.Context,
    *,
    old: str,
    new: str,
    config_file: Path | None,
    outputs: tuple[options.Output, ...],
    fail_on: tuple[str, ...],
    severity: str | None,
    allow_unknown: bool,
    whole: bool,
    jobs: int,
) -> None:
    """Say what changed from OLD to NEW, two snapshots (files; one may be - for a pipe), and what that did to each verdict.

    Both are judged by the configuration's policies, attestations and waivers, each as of its own time.

    Exit codes: 0 nothing of that happened, 1 what --fail-on names happened, 2 a file or the command line is wrong, 3 sight was
    lost, or something cannot be compared.
    """
    if old == new == options.STDOUT:
        raise click.UsageError("one snapshot can come from a pipe, not both")
    for path in (old, new):
        options.keep(path, outputs)
    config = pipeline.load_config(config_file)
    by = pipeline.criteria(config)
    earlier, later = snapshots.load_all((old, new), jobs=jobs)
    whole_drift = pipeline.drift(config, by, earlier, later, volatile=whole, jobs=jobs)
    lowest = Severity(severity) if severity else config.fail_on
    result = drift.gated(whole_drift, fail_on or (Effect.OPENED.value,), lowest, allow_unknown=allow_unknown)
    output.write_drift(result, outputs, whole=whole)
    output.conclude(result, outputs)
    ctx.exit(result.gate.exit_code)
