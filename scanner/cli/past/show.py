"""`atlascan history show`: what is kept of the past, as a timeline."""

from datetime import datetime
from pathlib import Path

import click

from scanner import history, store
from scanner.cli import options, output, pipeline
from scanner.cli.past import looks
from scanner.model import History
from scanner.render.history import formats, text

DAY = click.DateTime(["%Y-%m-%d"])


@click.command("show")
@click.argument("place", metavar="STORE")
@click.option("--since", type=DAY, metavar="YYYY-MM-DD", help="The first day that is looked at.  [default: the first there is]")
@click.option("--until", type=DAY, metavar="YYYY-MM-DD", help="The last day that is looked at.  [default: the last there is]")
@click.option("--rejudge", is_flag=True, help="Judge every snapshot by today's configuration, instead of going by the results.")
@options.config
@options.history_formats
def command(
    *,
    place: str,
    since: datetime | None,
    until: datetime | None,
    rejudge: bool,
    config_file: Path | None,
    outputs: tuple[options.Output, ...],
) -> None:
    """Tell from the results in STORE when each door opened and closed, and for how long it stood open.

    STORE is a folder, or a bucket as s3://, gs:// or az://. A snapshot without a result is judged by the configuration. This is no
    gate: the exit code is 0, whatever is open.
    """
    window = looks.Window(since.date() if since else None, until.date() if until else None)
    write(told(place, window, looks.Judge(config_file), rejudge=rejudge), outputs)


def told(place: str, window: looks.Window, judge: looks.Judge, *, rejudge: bool = False) -> History:
    """Return what a store tells of a time.

    Raises:
        InputError: There is nothing, or something cannot be read.
    """
    where = store.opened(place)
    found = looks.reports(where, looks.found(where, window), judge, rejudge=rejudge)
    return history.history(pipeline.TOOL, looks.in_pairs(found))


def write(whole: History, outputs: tuple[options.Output, ...]) -> None:
    """Write a history in each format; on the terminal too, unless a format goes there.

    Raises:
        WorkError: A file could not be written.
    """
    for each, rendered in [(each, formats.load(each.format)(whole)) for each in outputs]:
        if each.path == options.STDOUT:
            output.to_stdout(rendered)
        else:
            output.to_file(Path(each.path), rendered)
    if all(each.path != options.STDOUT for each in outputs):
        output.show_page(text.page(whole))
