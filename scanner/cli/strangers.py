"""`atlascan strangers`: who is inside and, by the organization's own rules, should not be."""

from datetime import datetime
from pathlib import Path

import click

from scanner import attestations, snapshots, strangers
from scanner.cli import options, output, pipeline
from scanner.config import Config
from scanner.domains import normal_domain
from scanner.render.strangers.formats import FORMATS, load


@click.command("strangers")
@click.argument("snapshot", default=options.SNAPSHOT)
@options.config
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="Look only at who was added from that day on, and be a gate: exit code 1 if one of them should not be here.",
)
@click.option("--allow-unknown", is_flag=True, help="Let the gate pass although something could not be read or told.")
@options.formats_of(FORMATS, "strangers")
@click.pass_context
def command(
    ctx: click.Context,
    *,
    snapshot: str,
    config_file: Path | None,
    since: datetime | None,
    allow_unknown: bool,
    outputs: tuple[options.Output, ...],
) -> None:
    """Say who in SNAPSHOT (a file, or - for a pipe) is inside and, by the organization's own rules, should not be.

    The rules are the verified domains, company_domains, and the parameters of access/no-unmanaged-users and
    access/no-invited-users.

    Without --since it is a list and no gate. Exit codes: 0 all people could be read, and with --since all who are new may be here,
    1 with --since somebody new should not be here, 2 a file or the command line is wrong, 3 not all people could be read, or with
    --since it could not be told of somebody new.
    """
    options.keep(snapshot, outputs)
    config = pipeline.load_config(config_file)
    by, taken = pipeline.criteria(config), snapshots.load(snapshot)
    day = since.date() if since else None
    supplied = attestations.supply(taken, by.attestations)
    with strangers.found(pipeline.TOOL, supplied, _terms(config, by), day, allow_unknown=allow_unknown) as found:
        for each in outputs:
            output.write_pieces(each, load(each.format)(found))
        if all(each.path != options.STDOUT for each in outputs):
            from scanner.render.strangers import text  # noqa: PLC0415  see scanner.render.formats

            output.show_page(text.page(found))
        elif any(each.path == options.STDOUT and each.format != "text" for each in outputs):
            pipeline.say(f"exit code {found.gate.exit_code}: {found.gate.because}")
        ctx.exit(found.gate.exit_code)


# ---------------------------------------------------------------------------------------------------------------- private


def _terms(config: Config, by: pipeline.Criteria) -> strangers.Terms:
    """Return the organization's own rules: as policies apply them, or as they are configured for policies that are not applied."""
    applied = {rule.policy.id: rule.params for rule in by.rules}
    unmanaged = applied.get("access/no-unmanaged-users", config.params.get("access/no-unmanaged-users", {}))
    invited = applied.get("access/no-invited-users", config.params.get("access/no-invited-users", {}))
    company = unmanaged.get("company_domains") or config.company_domains or ()
    return strangers.Terms(
        frozenset(filter(None, map(normal_domain, company))),
        frozenset(filter(None, map(normal_domain, unmanaged.get("trusted_domains") or ()))),
        frozenset(invited.get("break_glass_accounts") or ()),
    )
