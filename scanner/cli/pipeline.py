"""The straight pipe, put together: configuration to rules, snapshot to report."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from scanner import __version__, attestations, evaluate, gate, policies, waivers
from scanner import config as configuration
from scanner.config import Config
from scanner.errors import InputError
from scanner.model import Attestation, Gap, Report, Resource, Rule, Severity, Snapshot, Waiver

TOOL = f"atlascan {__version__}"


def load_config(file: Path | None) -> Config:
    """Read the configuration that was named, or the one in this folder.

    Raises:
        InputError: There is none, or it is wrong.
    """
    path = file or Path(configuration.FILE)
    if file is None and not path.exists():
        raise InputError(
            f"there is no {configuration.FILE} in this folder", hint="write one with `atlascan init`, or name one with --config"
        )
    return configuration.load(path)


@dataclass(frozen=True, slots=True)
class Criteria:
    """What a snapshot is judged by: the rules, what people attest, and what was excused."""

    rules: tuple[Rule, ...]
    attestations: tuple[Attestation, ...]
    waivers: tuple[Waiver, ...]


def criteria(config: Config) -> Criteria:
    """Read all that the configuration judges by; a scan does so first, so that a typo costs no collection.

    Raises:
        InputError: A policy, the profile, a parameter, or the file of attestations or waivers is wrong.
    """
    known = policies.load(config.policies)
    return Criteria(
        policies.select(known, config.profile, config.settings, config.params, config.document),
        attestations.load(config.attestations) if config.attestations else (),
        waivers.load(config.waivers, known) if config.waivers else (),
    )


def judge(config: Config, by: Criteria, snapshot: Snapshot, *, fail_on: str | None = None, allow_unknown: bool = False) -> Report:
    """Judge a snapshot; `fail_on` takes the place of the configured severity."""
    as_of = snapshot.header.taken_at
    desks, spaces = _ids(snapshot, "jsm.service_desk"), _ids(snapshot, "confluence.space") if config.spaces else []
    for warning in (*configuration.undeclared_typos(config, desks, spaces), *_sites_left_out(snapshot)):
        say(f"warning: {warning}")
    supplied = attestations.supply(snapshot, by.attestations)
    declare = configuration.declaration(config, desks, spaces)
    findings, uses = waivers.apply(evaluate.evaluate(by.rules, supplied, declare), by.waivers, as_of)
    ordered = tuple(sorted(findings, key=lambda each: (each.policy, -each.verdict.rank, each.address)))
    return Report(
        tool=TOOL,
        profile=config.profile,
        snapshot=snapshot.header,
        policies=tuple(policies.judged(rule) for rule in by.rules),
        findings=ordered,
        gaps=tuple(record for record in supplied if isinstance(record, Gap)),
        waivers=uses,
        attestations=attestations.uses(by.attestations, as_of),
        gate=gate.gate(ordered, Severity(fail_on or config.fail_on), allow_unknown=allow_unknown),
    )


def say(line: str) -> None:
    """Say something to whoever runs the program; standard output is for the product."""
    sys.stderr.write(f"{line}\n")


def utc_now() -> datetime:
    """Return this moment, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


# ---------------------------------------------------------------------------------------------------------------- private


def _ids(snapshot: Snapshot, kind: str) -> list[str]:
    return [record.id for record in snapshot if isinstance(record, Resource) and record.kind == kind]


def _sites_left_out(snapshot: Snapshot) -> Iterator[str]:
    """Yield a warning for each site of the organization that was not scanned: nothing in the report speaks of it."""
    scanned = {urlsplit(url).hostname for url in snapshot.header.target.sites.values()}
    workspaces = (record for record in snapshot if isinstance(record, Resource) and record.kind == "org.workspace")
    ours = (each for each in workspaces if str(each.facts.get("type_key")).startswith(("jira", "confluence")))
    hosts = {urlsplit(str(workspace.facts.get("host_url") or "")).hostname for workspace in ours}
    for host in sorted(filter(None, hosts - scanned)):
        yield f"{host} belongs to the organization and was not scanned; add it under `sites:` if it should be"
