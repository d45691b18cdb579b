"""`atlascan doctor`: which policies the credentials can prove, and what is missing."""

from collections.abc import Collection, Iterable, Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path

import click

from scanner import attestations, evaluate
from scanner.cli import collection, hinges, options, output, pipeline
from scanner.config import Config
from scanner.model import Attestation, Diagnosis, Examined, Prospect, Rule, in_date
from scanner.render import diagnosis

FORMATS = ("text", "json")


@click.command("doctor")
@options.config
@click.option("-f", "--format", "format_", type=click.Choice(FORMATS), default="text", show_default=True, help="For whom.")
@options.verbose
@click.pass_context
def command(ctx: click.Context, *, config_file: Path | None, format_: str, verbosity: int) -> None:
    """Ask each endpoint that the chosen policies need once, and say policy by policy whether it can be proven.

    What is missing is named: a credential, a scope, a permission, an opt-in, or an attestation. Then comes the least that the
    credentials have to be allowed. Exit code 0: everything can be proven; 3: something cannot.
    """
    config = pipeline.load_config(config_file)
    found = diagnose(config, pipeline.criteria(config), verbosity=verbosity)
    if format_ == "json":
        output.to_stdout(diagnosis.render(found))
    else:
        output.show_page(diagnosis.page(found))
        rest = "; what cannot be proven will be reported as unknown" if found.exit_code else ""
        pipeline.say(f"next: run `atlascan scan`{rest}")
    ctx.exit(found.exit_code)


def diagnose(config: Config, by: pipeline.Criteria, *, verbosity: int = 0) -> Diagnosis:
    """Ask each endpoint once, and hold against each policy what came of it."""
    # Imported here, as in `collection.take`: it costs more than everything else.
    from scanner.cli import credentials  # noqa: PLC0415
    from scanner.collect import api, checkup  # noqa: PLC0415

    now, needs = pipeline.utc_now(), evaluate.needs(by.rules)
    choices = collection.options(config, needs, now, concurrency=1)
    named: dict[str | None, str] = {None: credentials.ORG_KEY, **{site.name: credentials.names(site) for site in config.sites}}
    asking = collection.api(config, credentials.found(config.sites), collection.How(verbosity=verbosity), concurrency=1)
    with closing(asking):
        examined = checkup.examine(asking, choices, named)
    endpoints = [each for each in checkup.asked(needs) if each.opt_in is None or each.opt_in in choices.opt_ins]
    least = [checkup.least(endpoints, api.Surface.ADMIN, credentials.ORG_KEY)]
    least += [
        checkup.least(endpoints, api.Surface.SITE, of_site) for of_site in dict.fromkeys(named[site.name] for site in config.sites)
    ]
    return Diagnosis(
        tool=pipeline.TOOL,
        profile=config.profile,
        prospects=tuple(_prospect(rule, examined, _stated(by.attestations, now)) for rule in by.rules),
        examined=examined,
        least=tuple(each for each in least if each.endpoints),
    )


# ---------------------------------------------------------------------------------------------------------------- private


def _prospect(rule: Rule, examined: tuple[Examined, ...], stated: Mapping[tuple[str, str], Collection[str]]) -> Prospect:
    from scanner.collect import checkup, tables  # noqa: PLC0415  see `diagnose`

    needs = evaluate.needs([rule])
    attested = {(each.kinds[0], each.fact) for each in examined if each.fact and checkup.is_attested(each, needs, stated)}
    # An attested fact may be one of several ways to a verdict.
    hinging = hinges.of(rule.policy, tables.OMITTED)
    still = hinges.of(rule.policy, tables.OMITTED - attested) if attested else hinging
    mine = checkup.concerning(examined, needs, still | (hinging & attested))
    lacking = [each for each in mine if each.lack]
    needed = [each for each in lacking if not checkup.is_attested(each, needs, stated)]
    # One word for each thing that is missing, however many endpoints miss it.
    once = {(each.lack, each.wants, each.credential, each.site, each.fact): each for each in reversed(needed)}
    return Prospect(
        policy=rule.policy.id,
        title=rule.policy.title,
        severity=rule.severity,
        examined=mine,
        needs=tuple(each for each in needed if each in once.values()),
        attested=len(needed) < len(lacking),
    )


def _stated(known: Iterable[Attestation], now: datetime) -> dict[tuple[str, str], frozenset[str]]:
    """Return which facts people attest today, by (kind, id), by (kind, address of the desk) where it is about one, and by kind."""
    from scanner.collect import checkup  # noqa: PLC0415  see `diagnose`

    stated: dict[tuple[str, str], frozenset[str]] = {}
    for each in known:
        if in_date(each.expires, now):
            for place in (each.id, attestations.desk_address(each.kind, each.id, each.facts), checkup.ALL_THERE_IS):
                if place:
                    stated[each.kind, place] = stated.get((each.kind, place), frozenset()) | each.facts.keys()
    return stated
