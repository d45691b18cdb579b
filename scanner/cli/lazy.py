"""A group of commands that knows them by name, and imports one when it is called, so that `--help` costs little."""

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

# Name -> module and the one line that `--help` shows.
Table = Mapping[str, tuple[str, str]]


class LazyGroup(click.Group):
    """Knows its commands by a table and imports one when it is called."""

    def __init__(self, *args: Any, table: Table, **more: Any) -> None:  # noqa: ANN401  click's interface
        super().__init__(*args, **more)
        self.table = table

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's interface
        """Return the names of the commands, in the order of the table."""
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command, and return it."""
        if cmd_name not in self.table:
            return None
        command: click.Command = import_module(self.table[cmd_name][0]).command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is called, or say which one may be meant."""
        if args and args[0] not in self.table and not args[0].startswith("-") and not ctx.resilient_parsing:
            from scanner.errors import did_you_mean  # noqa: PLC0415

            raise click.UsageError(f"there is no command {args[0]!r}; {did_you_mean(args[0], self.table)}", ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Run a command. Ctrl-C is no failing policy, nor is no answer, so it does not leave with that exit code as click would."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise _interrupted() from None
        except click.Abort as error:
            click.echo(err=True)  # the question stands there without an end
            if isinstance(error.__context__, EOFError):
                raise _unanswered() from None
            raise _interrupted() from None

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """Offer the commands as the table has them, so that none is imported for it; and the options."""
        from click.shell_completion import CompletionItem  # noqa: PLC0415  only completing needs it

        commands = [CompletionItem(name, help=line) for name, (_, line) in self.table.items() if name.startswith(incomplete)]
        return [*commands, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the commands as the table has them, so that none is imported for `--help`."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in self.table.items()])


# ---------------------------------------------------------------------------------------------------------------- private


def _interrupted() -> Exception:
    from scanner.errors import WorkError  # noqa: PLC0415

    return WorkError("interrupted")


def _unanswered() -> Exception:
    from scanner.errors import InputError  # noqa: PLC0415

    return InputError("there is a question, and nobody answers it", hint="answer it on a terminal, or by an option (see --help)")
