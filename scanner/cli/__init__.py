"""The composition root. A command imports what it needs when it runs, so that `--help` costs little."""

from importlib import import_module

import click

from scanner import __version__

# name -> module and the one line that `--help` shows.
COMMANDS = {
    "demo": ("scanner.cli.demo", "See a whole scan of a made-up company, without credentials or network."),
    "init": ("scanner.cli.init", "Write a configuration to start from."),
    "doctor": ("scanner.cli.doctor", "Say which policies these credentials can prove, and what is missing."),
    "scan": ("scanner.cli.scan", "Take a snapshot and check it."),
    "snapshot": ("scanner.cli.snapshot", "Collect settings into a file, and judge nothing."),
    "check": ("scanner.cli.check", "Judge a snapshot by the policies."),
    "report": ("scanner.cli.report", "Render a saved JSON result in other formats."),
    "attest": ("scanner.cli.attest", "State what no interface shows, question by question."),
    "policy": ("scanner.cli.policy", "List and show policies."),
    "schema": ("scanner.cli.schema", "Print the JSON Schema of a file that atlascan reads or writes."),
}


class _LazyGroup(click.Group):
    """Knows its commands by name and imports one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's interface
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(COMMANDS[cmd_name][0]).command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from scanner.errors import did_you_mean  # noqa: PLC0415

            raise click.UsageError(f"there is no command {args[0]!r}; {did_you_mean(args[0], COMMANDS)}", ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Run a command. Ctrl-C is no failing policy, so it does not leave with that exit code as click would have it."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            from scanner.errors import WorkError  # noqa: PLC0415

            raise WorkError("interrupted") from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="atlascan")
def cli() -> None:
    """Scan Atlassian Cloud: who can get in, and how do we know?

    Exit codes: 0 all judged and passing (or waived), 1 something fails, 2 a file or the command line is wrong, 3 nothing fails but
    something could not be judged.
    """
