"""`atlascan history prune`: delete the oldest of what is kept."""

import re
from calendar import monthrange
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import click

from scanner import store
from scanner.cli import output, pipeline
from scanner.store import Kept

_AGE = re.compile("([1-9][0-9]{0,3})([dwmy])")


class Age(click.ParamType[tuple[int, str]]):
    """A number of days, weeks, months or years."""

    name = "AGE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, str]:  # noqa: ANN401  click's interface
        """Return the number, and the letter of its unit."""
        if isinstance(value, tuple):
            return value
        match = _AGE.fullmatch(str(value))
        if match is None:
            self.fail(f"{value!r} is no age such as 90d, 26w, 12m or 2y", param, ctx)
        return int(match[1]), match[2]


@click.command("prune")
@click.argument("place", metavar="STORE")
@click.option("--keep", "age", type=Age(), required=True, help="How long is kept: 90d, 26w, 12m or 2y. The newest is kept always.")
@click.option("--yes", is_flag=True, help="Delete without asking.")
def command(*, place: str, age: tuple[int, str], yes: bool) -> None:
    """Delete what in STORE is older than an age: snapshots and results that `--store` put there, and nothing else."""
    where = store.opened(place)
    old = outlived(store.kept(where.names()), before(pipeline.utc_now(), *age))
    names = [name for each in old for name in each.names]
    if not names:
        pipeline.say("nothing is as old as that; nothing was deleted")
        return
    output.to_stdout("\n".join(names))
    if not yes and not _agreed(len(names), place):
        pipeline.say("nothing was deleted")
        return
    for name in names:
        where.remove(name)
    pipeline.say(f"deleted {len(names)} files from {place}")


def outlived(kept: Sequence[Kept], moment: datetime) -> tuple[Kept, ...]:
    """Return what was kept before a moment, but for the newest of all and the newest that has a snapshot."""
    last = {*kept[-1:], *[each for each in kept if each.snapshot][-1:]}
    return tuple(each for each in kept if each.taken_at < moment and each not in last)


def before(now: datetime, number: int, unit: str) -> datetime:
    """Return the moment that lies so long before another; a month ago is the same day of that month, or its last."""
    if unit in "dw":
        return now - timedelta(days=number * (7 if unit == "w" else 1))
    months = now.year * 12 + now.month - 1 - number * (12 if unit == "y" else 1)
    year, month = max(months // 12, 1), months % 12 + 1
    return now.replace(year=year, month=month, day=min(now.day, monthrange(year, month)[1]))


# ---------------------------------------------------------------------------------------------------------------- private


def _agreed(number: int, place: str) -> bool:
    try:
        return click.confirm(f"delete these {number} files from {place}?", err=True)
    except click.Abort:
        pipeline.say("")
        return False
