"""`atlascan snapshot`: collect, and judge nothing."""

from contextlib import closing
from pathlib import Path

import click

from scanner import snapshots
from scanner.cli import collection, options, output, pipeline
from scanner.config import Config
from scanner.errors import InputError
from scanner.model import Forecast, Header
from scanner.pseudonyms import Pseudonyms
from scanner.render import forecast as rendered


@click.command("snapshot")
@options.config
@click.option(
    "-o", "--output", "target", default=options.SNAPSHOT, show_default=True, help="The file (.zst: compressed), or - for a pipe."
)
@options.breadth
@click.option("--plan", is_flag=True, help="Say how much would be asked and how long it takes, and send nothing.")
@options.collecting
@options.pseudonymize
@options.verbose
def command(
    *,
    config_file: Path | None,
    target: str,
    everything: bool,
    logs: bool,
    plan: bool,
    record: Path | None,
    replay: Path | None,
    resume: bool,
    pseudonyms: Pseudonyms | None,
    verbosity: int,
) -> None:
    """Collect what the chosen policies need to know of what the configuration names."""
    how = collection.How(record, replay, resume, verbosity, pseudonyms)
    if plan and (record or replay or resume):
        raise click.UsageError("--plan sends nothing, so there is nothing to record, to replay or to resume")
    config = pipeline.load_config(config_file)
    # Whoever wants everything gets it, whatever is wrong with a policy.
    rules = () if everything else pipeline.criteria(config).rules
    needs = collection.needs(rules, everything=everything, logs=logs)
    if plan:
        output.show_page(rendered.page(forecast(config, target, needs)))
        return
    collection.take(config, target, needs=needs, how=how, now=pipeline.utc_now())
    if target != "-":
        coverage = snapshots.load(target).header.coverage
        resources, gaps = sum(each.resources for each in coverage), sum(each.gaps for each in coverage)
        pipeline.say(f"snapshot: {target} ({resources} resources, {gaps} gaps)")


def forecast(config: Config, target: str, needs: frozenset[tuple[str, str]] | None) -> Forecast:
    """Return what a collection of these facts (None: all there are) will ask, going by the snapshot that it would replace."""
    # Imported here, as in `collection.take`: it costs more than everything else.
    from scanner.cli import credentials  # noqa: PLC0415
    from scanner.collect import forecast as forecasting  # noqa: PLC0415

    earlier = _earlier(target)
    with closing(collection.api(config, credentials.found(config.sites))) as asking:
        found = forecasting.forecast(asking, collection.options(config, needs, pipeline.utc_now()), earlier)
    if earlier and not found.earlier:
        pipeline.say(f"warning: {target} is a snapshot of something else, and tells nothing of this")
    return found


def _earlier(target: str) -> Header | None:
    if target == "-" or not Path(target).exists():
        return None
    try:
        return snapshots.load(target).header
    except InputError as error:
        pipeline.say(f"warning: {error}, so it is not gone by")
        return None
