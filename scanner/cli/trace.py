"""`atlascan trace`: how somebody got in, whether that door is open still, and who else came through it."""

from pathlib import Path

import click

from scanner import attestations, evaluate, snapshots
from scanner.cli import collection, options, output, pipeline
from scanner.cli.pipeline import Criteria
from scanner.config import Config
from scanner.errors import InputError
from scanner.model import Snapshot
from scanner.render.text import visible
from scanner.render.tracing.formats import FORMATS
from scanner.trace import closing, people, traced
from scanner.tracing import Candidate, Trace


@click.command("trace")
@click.argument("who")
@click.argument("snapshot", default=options.SNAPSHOT)
@options.config
@options.formats_of(FORMATS, "trace")
@click.option("--live", is_flag=True, help="First collect what a trace needs into SNAPSHOT, which must not be there yet.")
@options.jobs
def command(
    *, who: str, snapshot: str, config_file: Path | None, outputs: tuple[options.Output, ...], live: bool, jobs: int
) -> None:
    """Say how WHO got in: an e-mail address, an account id or a display name, as SNAPSHOT (a file, or - for a pipe) has it.

    Take the snapshot with `atlascan snapshot --all`, so that the audit logs are in it. Whether a door is open is judged by the
    configuration's policies, attestations and waivers.

    Exit codes: 0 the trace is written, 2 nobody or several people match, or a file or the command line is wrong. It is no gate.
    """
    options.keep(snapshot, outputs)
    config = pipeline.load_config(config_file)
    by = pipeline.criteria(config)
    if live:
        _collect(config, by, snapshot)
    trace = _trace(config, by, snapshots.load(snapshot, jobs=jobs), who, jobs)
    _write(trace, outputs)


# ---------------------------------------------------------------------------------------------------------------- private

_MOST = 20


def _collect(config: Config, by: Criteria, target: str) -> None:
    """Take a snapshot of what a trace needs; what is there already may be evidence, and is left alone."""
    if target == options.STDOUT or Path(target).exists():
        raise click.UsageError(f"--live needs the name of a file that is not there yet, and not {target}")
    collection.take(config, target, needs=evaluate.needs(by.rules) | traced.needs(), now=pipeline.utc_now())
    pipeline.say(f"snapshot: {target}")


def _trace(config: Config, by: Criteria, taken: Snapshot, who: str, jobs: int) -> Trace:
    """Find who is meant, judge the snapshot, and trace.

    Raises:
        InputError: Nobody matches, or several do.
    """
    supplied = attestations.supply(taken, by.attestations)
    person = _only(people.find(supplied, who), who, taken)
    account = people.account(supplied, person)
    report = pipeline.judge(config, by, taken, jobs=jobs, watched=closing.watched(account))
    return traced.traced(who, person, account, supplied, report, company=config.company_domains or ())


def _only(found: tuple[Candidate, ...], who: str, taken: Snapshot) -> Candidate:
    if len(found) == 1:
        return found[0]
    if found:
        names = "; ".join(f"{each.id} ({each.name}, {each.email or 'no address told'})" for each in found[:_MOST])
        more = f"; and {len(found) - _MOST} more" if len(found) > _MOST else ""
        raise InputError(f"{len(found)} accounts match {who!r}", hint=f"name one by its id: {visible(names)}{more}")
    kinds = sorted({gap.kind for gap in taken.gaps() if gap.kind in people.PEOPLE})
    unread = f"; not all people could be read ({', '.join(kinds)})" if kinds else ""
    raise InputError(
        f"nobody matches {who!r}{unread}", hint="give an e-mail address, an account id, or a display name as it is written"
    )


def _write(trace: Trace, outputs: tuple[options.Output, ...]) -> None:
    """Write the trace in each format; on the terminal too, unless a format goes there."""
    from scanner.render.tracing import formats, text  # noqa: PLC0415  see scanner.render.formats

    for out in outputs:
        output.write_pieces(out, [formats.load(out.format)(trace)])
    if all(out.path != options.STDOUT for out in outputs):
        output.show_page(text.page(trace))
