"""`atlascan check`: judge a snapshot."""

from pathlib import Path

import click

from scanner import snapshots
from scanner.cli import completion, options, output, pipeline
from scanner.gate import Gating
from scanner.render import trace


@click.command("check")
@click.argument("snapshot", default=options.SNAPSHOT)
@options.config
@options.formats
@options.gate
@options.jobs
@click.option(
    "--explain",
    "explained",
    nargs=2,
    metavar="POLICY ADDRESS",
    shell_complete=completion.policy_ids,
    help="Show step by step how the verdict of a policy on a resource (kind/id) comes about, and write no report.",
)
@click.pass_context
def command(
    ctx: click.Context,
    *,
    snapshot: str,
    config_file: Path | None,
    outputs: tuple[options.Output, ...],
    gating: Gating,
    jobs: int,
    explained: tuple[str, str] | None,
) -> None:
    """Judge SNAPSHOT (a file, or - for a pipe) by the configuration's policies, attestations and waivers."""
    options.keep(snapshot, outputs)
    config = pipeline.load_config(config_file)
    by, taken = pipeline.criteria(config), snapshots.load(snapshot, jobs=jobs)
    pipeline.check_scope(config, taken)
    if explained:
        output.show_page(trace.page(*pipeline.explain(config, by, taken, *explained)))
        return
    report = pipeline.judge(config, by, taken, gating, jobs=jobs)
    output.write(report, outputs)
    output.conclude(report, outputs)
    ctx.exit(report.gate.exit_code)
