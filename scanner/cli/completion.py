"""What a shell that completes is offered where a policy is to be named; the rest it learns from the options themselves."""

import click

from scanner.config import Config
from scanner.errors import AtlascanError


def policy_ids(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Return the ids of the policies that ship or are configured: their files are only named, not read."""
    from scanner.cli.policies import files  # noqa: PLC0415  only completing needs it

    try:
        config = files.configured(ctx.params.get("config_file"))
    except AtlascanError:  # a wrong configuration is for the command itself to complain of
        config = Config(sites=())
    return sorted(id_ for id_ in files.others(config) if id_.startswith(incomplete))
