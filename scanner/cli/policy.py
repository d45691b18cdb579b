"""`atlascan policy`: what is judged, and why; and what helps to write more of it."""

import click

from scanner.cli.lazy import LazyGroup

COMMANDS = {
    "list": ("scanner.cli.policies.list_", "List the policies there are."),
    "show": ("scanner.cli.policies.show", "Show one policy: what it wants, why, and what to do."),
    "test": ("scanner.cli.policies.examples", "Judge the examples of policies, and see whether the fixes mend them."),
    "lint": ("scanner.cli.policies.lint", "Say what is wrong or odd in policy files, with line and column."),
    "new": ("scanner.cli.policies.new", "Write a policy to start from."),
}


@click.group("policy", cls=LazyGroup, table=COMMANDS)
def command() -> None:
    """List, show, test, lint and write policies."""
