"""`atlascan policy list`: the policies there are."""

from collections.abc import Collection, Mapping
from io import StringIO
from pathlib import Path

import click
import msgspec

from scanner import documents, policies
from scanner.cli import options, output
from scanner.cli.policies import files, sources
from scanner.errors import InputError, did_you_mean
from scanner.model import Policy, Severity, Source

FRAMEWORKS = tuple(documents.schema("policy")["properties"]["controls"]["properties"])
# In a pipe no line is broken, so that each policy stays a line.
_WIDE = 1000


@click.command("list")
@click.option("--area", "areas", multiple=True, metavar="AREA", help="Only this area (access, jsm, ...). May be repeated.")
@click.option(
    "--severity",
    "severities",
    multiple=True,
    type=click.Choice([each.value for each in Severity]),
    help="Only this severity. May be repeated.",
)
@click.option(
    "--framework",
    "frameworks",
    multiple=True,
    type=click.Choice(FRAMEWORKS),
    help="Only what serves a control of this framework. May be repeated.",
)
@click.option(
    "--source",
    "wanted_sources",
    multiple=True,
    type=click.Choice([each.value for each in Source]),
    help="Only what is judged by facts that come from here at best. May be repeated.",
)
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@options.config
def command(
    *,
    areas: tuple[str, ...],
    severities: tuple[str, ...],
    frameworks: tuple[str, ...],
    wanted_sources: tuple[str, ...],
    form: str,
    config_file: Path | None,
) -> None:
    """List the policies there are; those that the configuration applies are marked."""
    config = files.configured(config_file)
    known = policies.load(config.policies)
    applied = {rule.policy.id for rule in policies.choose(known, config.choice).rules}
    _check_areas(areas, known)
    listed = [
        policy
        for policy in known.values()
        if _among(policy.area, areas)
        and _among(policy.severity, severities)
        and _among(sources.of(policy), wanted_sources)
        and (not frameworks or any(policy.controls.get(name) for name in frameworks))
    ]
    if form == "json":
        _print_json(listed, applied, config.profile)
    else:
        _print_table(listed, applied, config.profile)


def _check_areas(areas: tuple[str, ...], known: Mapping[str, Policy]) -> None:
    there = {policy.area for policy in known.values()}
    for area in areas:
        if area not in there:
            raise InputError(f"there is no area {area!r}", hint=did_you_mean(area, there))


def _among(word: str, wanted: tuple[str, ...]) -> bool:
    return not wanted or word in wanted


def _print_json(listed: list[Policy], applied: Collection[str], profile: str) -> None:
    entries = [
        {
            "id": policy.id,
            "title": policy.title,
            "severity": policy.severity,
            "kind": policy.kind,
            "source": sources.of(policy),
            "controls": policy.controls,
            "applied": policy.id in applied,
            "file": str(policy.file),
        }
        for policy in listed
    ]
    encoded = msgspec.json.encode({"profile": profile, "policies": entries})
    output.to_stdout(msgspec.json.format(encoded, indent=2).decode())


def _print_table(listed: list[Policy], applied: Collection[str], profile: str) -> None:
    from rich.console import Console  # noqa: PLC0415  Rich is imported when there is something to print
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("  policy", "severity", "source", "wants"):
        table.add_column(column, overflow="fold", no_wrap=column != "wants")
    for policy in listed:
        mark = "*" if policy.id in applied else " "
        cells = (f"{mark} {policy.id}", policy.severity, sources.of(policy), policy.title)
        table.add_row(*map(Text, cells))
    count = "1 policy" if len(listed) == 1 else f"{len(listed)} policies"
    foot = f"\n{count}; * applied with the profile {profile}"
    if output.is_terminal():
        Console().print(table, Text(foot), sep="\n")
        return
    console = Console(file=StringIO(), width=_WIDE, color_system=None, legacy_windows=False)
    with console.capture() as capture:
        console.print(table)
    output.to_stdout("\n".join(line.rstrip() for line in (*capture.get().splitlines(), *foot.splitlines())))
