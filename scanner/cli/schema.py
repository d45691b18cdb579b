"""`atlascan schema`: the JSON Schemas of the files."""

import click
import msgspec

from scanner import documents
from scanner.cli import output

NAMES = (
    "config",
    "attestations",
    "waivers",
    "policy",
    "profile",
    "result",
    "drift",
    "history",
    "strangers",
    "trace",
    "whatif",
    "diagnosis",
)


# For an editor conditions are spelled out; the loader checks them itself, and says more exactly what is wrong.
FOR_EDITORS = {"policy": "policy.editor"}


@click.command("schema")
@click.argument("name", type=click.Choice(NAMES))
def command(*, name: str) -> None:
    """Print the JSON Schema of a file, so that an editor completes and checks it."""
    output.to_stdout(msgspec.json.format(msgspec.json.encode(documents.schema(FOR_EDITORS.get(name, name))), indent=2).decode())
