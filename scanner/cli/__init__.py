"""The composition root. A command imports what it needs when it runs, so that `--help` costs little."""

import click

from scanner import __version__
from scanner.cli.lazy import LazyGroup

# name -> module and the one line that `--help` shows.
COMMANDS = {
    "demo": ("scanner.cli.demo", "See a whole scan of a made-up company, without credentials or network."),
    "init": ("scanner.cli.init", "Write a configuration to start from."),
    "doctor": ("scanner.cli.doctor", "Say which policies these credentials can prove, and what is missing."),
    "scan": ("scanner.cli.scan", "Take a snapshot and check it."),
    "snapshot": ("scanner.cli.snapshot", "Collect settings into a file, and judge nothing."),
    "check": ("scanner.cli.check", "Judge a snapshot by the policies."),
    "diff": ("scanner.cli.diff", "Say what changed between two snapshots, and which doors that opened."),
    "history": ("scanner.cli.history", "Say when each door opened and closed, from what is kept of the past."),
    "review": ("scanner.cli.review", "Pack all that the review of a quarter rests on into one file."),
    "verify": ("scanner.cli.verify", "Check that a review pack is what was packed."),
    "trace": ("scanner.cli.trace", "Say how somebody got in, whether that door is open, and who else came through it."),
    "strangers": ("scanner.cli.strangers", "Say who is inside and, by the organization's own rules, should not be."),
    "whatif": ("scanner.cli.whatif", "Say who would lose what, and who could no longer come in, if a policy had its way."),
    "report": ("scanner.cli.report", "Render a saved JSON result in other formats."),
    "attest": ("scanner.cli.attest", "State what no interface shows, question by question."),
    "waive": ("scanner.cli.waive", "Write a waiver: live with a failure until a day."),
    "policy": ("scanner.cli.policy", "List, show, test, lint and write policies."),
    "schema": ("scanner.cli.schema", "Print the JSON Schema of a file that atlascan reads or writes."),
}


@click.group(cls=LazyGroup, table=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="atlascan")
def cli() -> None:
    """Scan Atlassian Cloud: who can get in, and how do we know?

    Exit codes: 0 all judged and passing (or waived), 1 something fails, 2 a file or the command line is wrong, 3 nothing fails but
    something could not be judged.
    """
