"""`atlascan policy`: what is judged, and why."""

from pathlib import Path

import click

from scanner import policies
from scanner.cli import options, output, pipeline
from scanner.config import FILE as CONFIG_FILE
from scanner.config import Config
from scanner.errors import InputError, did_you_mean
from scanner.model import Policy


@click.group("policy")
def command() -> None:
    """List and show policies."""


@command.command("list")
@options.config
def list_(*, config_file: Path | None) -> None:
    """List the policies there are; those of the chosen profile are marked."""
    config = _config(config_file)
    known = policies.load(config.policies)
    chosen = {rule.policy.id for rule in policies.select(known, config.profile, config.settings, config.params, config.document)}
    width = max(map(len, known))
    lines = [
        f"{'*' if policy.id in chosen else ' '} {policy.id:<{width}}  {policy.severity:<8}  {policy.title}"
        for policy in known.values()
    ]
    output.to_stdout("\n".join([*lines, "", f"* in the profile {config.profile}"]))


@command.command("show")
@click.argument("policy_id", metavar="ID")
@options.config
def show(*, policy_id: str, config_file: Path | None) -> None:
    """Show one policy: what it wants, why, and what to do."""
    known = policies.load(_config(config_file).policies)
    if policy_id not in known:
        raise InputError(f"there is no policy {policy_id!r}", hint=did_you_mean(policy_id, known))
    output.to_stdout(_shown(known[policy_id]))


def _config(file: Path | None) -> Config:
    """Return the configuration if there is one; policies can be looked at without."""
    return pipeline.load_config(file) if file or Path(CONFIG_FILE).exists() else Config(sites=())


def _shown(policy: Policy) -> str:
    steps = [f"  {number}. {step}" for number, step in enumerate(policy.remediation, start=1)]
    controls = [f"  {framework}: {', '.join(ids) or 'none, after consideration'}" for framework, ids in policy.controls.items()]
    raises = [f"  {step.to} where {step.because}" for step in policy.raises]
    params = [f"  {name} ({param.type}): {param.meaning}" for name, param in policy.params.items()]
    sections = [
        ("Severity", [f"  {policy.severity}", *raises]),
        ("Judges", [f"  {policy.kind}"]),
        ("Why", [f"  {line}" for line in policy.rationale.splitlines()]),
        ("What to do", steps),
        ("Parameters", params),
        ("Controls", controls),
        ("Read more", [f"  {reference}" for reference in policy.references]),
        ("File", [f"  {policy.file}"]),
    ]
    body = [line for title, lines in sections if lines for line in ("", title, *lines)]
    return "\n".join([f"{policy.id}: {policy.title}", *body])
