"""`atlascan init`: a configuration to start from."""

from pathlib import Path
from typing import Any

import click

from scanner import config as configuration
from scanner import documents, waivers
from scanner.cli import output, pipeline
from scanner.documents import Document
from scanner.errors import InputError


@click.command("init")
@click.option("--site", "sites", multiple=True, metavar="URL", help="A site to scan. May be repeated.")
@click.option(
    "--company-domain", "domains", multiple=True, metavar="DOMAIN", help="A domain of the company's own mail. May be repeated."
)
@click.option("--undocumented", is_flag=True, help="Also read settings that only undocumented endpoints give.")
@click.option(
    "-o", "--output", "target", type=click.Path(path_type=Path), default=configuration.FILE, show_default=True, help="The file."
)
def command(*, sites: tuple[str, ...], domains: tuple[str, ...], undocumented: bool, target: Path) -> None:
    """Write a configuration; asks for what the options leave out."""
    _refuse_existing(target)
    sites = sites or _asked("Site (such as https://acme.atlassian.net)")
    domains = domains or _asked("Domains of the company's own mail, such as acme.com (separated by spaces)")
    text = _text(sites, domains, undocumented=undocumented)
    document = documents.checked(documents.parse(text, str(target)), "config")
    beside = {target.with_name("attestations.yaml"): _ATTESTATIONS, target.with_name("waivers.yaml"): waivers.EMPTY}
    configuration.from_document(Document(document.name, _without_files(document.value), document.marks), target.parent)
    for file, content in {target: text, **{file: content for file, content in beside.items() if not file.exists()}}.items():
        output.to_file(file, content)
        pipeline.say(f"wrote {file}")
    pipeline.say("next: set ATLASCAN_ORG_API_KEY, ATLASCAN_EMAIL and ATLASCAN_API_TOKEN, then run `atlascan doctor`")


def _refuse_existing(target: Path) -> None:
    try:
        is_there = target.exists()
    except OSError as error:  # a name that is too long
        raise InputError(f"{target}: cannot be written: {error.strerror}") from error
    if is_there:
        raise InputError(f"{target} is there already", hint="edit it, or name another file with --output")


def _without_files(entry: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration without the files that are yet to be written."""
    return {key: value for key, value in entry.items() if key not in ("attestations", "waivers")}


def _asked(question: str) -> tuple[str, ...]:
    answer: str = click.prompt(question, err=True)
    return tuple(answer.replace(",", " ").split())


def _text(sites: tuple[str, ...], domains: tuple[str, ...], *, undocumented: bool) -> str:
    urls = [site if "://" in site else f"https://{site}" for site in sites]
    listed = documents.dump({"sites": [{"url": url} for url in urls]}) + documents.dump({"company_domains": list(domains)})
    return f"""\
# What atlascan scans, and by which rules. Credentials never stand here: they come from the environment or the keyring.
# For an editor that completes and checks it: atlascan schema config > atlascan.schema.json
# yaml-language-server: $schema=atlascan.schema.json

{listed}
profile: it-controlled
fail_on: high

# Whom each service desk serves, by project key: closed, employees or public. One that is not named counts as closed.
desks: {{}}

collect:
  # Public signup and mail addresses of service desks are read by undocumented endpoints only, which may stop working any day.
  undocumented: {"true" if undocumented else "false"}

# What no interface shows, a person states: `atlascan attest` asks and writes the file.
attestations: attestations.yaml
# Failures that somebody decided to live with for a while.
waivers: waivers.yaml
"""


_ATTESTATIONS = """\
# What people state about settings that no interface shows. `atlascan attest` asks and writes it down here.
attestations: []
"""
