"""`atlascan history`: what is kept of the past as a timeline, and what of it is to be kept no longer."""

import click

from scanner.cli.lazy import LazyGroup

# name -> module and the one line that `--help` shows.
COMMANDS = {
    "show": ("scanner.cli.past.show", "Tell when each door opened, when it closed, and for how long it stood open."),
    "prune": ("scanner.cli.past.prune", "Delete the oldest snapshots and results of a store."),
}


class _ShowsByDefault(LazyGroup):
    """Takes a store in the place of a command: then it is to be shown."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put in `show` where no command is named."""
        named = args and (args[0] in self.table or args[0] in ctx.help_option_names)
        return super().parse_args(ctx, args if named or not args else ["show", *args])


@click.group("history", cls=_ShowsByDefault, table=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Tell what a store of snapshots and results knows of the past.

    `atlascan history STORE` is short for `atlascan history show STORE`.
    """
