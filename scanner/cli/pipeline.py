"""The straight pipe, put together: configuration to snapshot, snapshot to report."""

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import uuid4

from scanner import __version__, attestations, evaluate, policies, snapshots, waivers
from scanner import config as configuration
from scanner.config import Config
from scanner.errors import InputError
from scanner.model import Attestation, Gap, Header, Report, Resource, Rule, Severity, Snapshot, Target, Waiver

if TYPE_CHECKING:
    from scanner.collect.api import Credentials

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
    config = configuration.load(path)
    idle = {"spaces": bool(config.spaces)}
    for key in (key for key, is_set in idle.items() if is_set):
        say(f"warning: {key} has no effect in this version")
    return config


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


def take(
    config: Config,
    target: str,
    *,
    needs: frozenset[tuple[str, str]] | None = None,
    record: Path | None = None,
    replay: Path | None = None,
    verbose: bool = False,
    now: datetime,
) -> None:
    """Collect a snapshot of what the configuration names into the target file: the facts that are needed, or all there are.

    Raises:
        InputError: A recording cannot be used.
        WorkError: The snapshot could not be written.
    """
    # Imported here: only collecting needs an HTTP client, and it costs more than everything else.
    from scanner.collect import api, journal, walk  # noqa: PLC0415

    sites = {site.name: site.url for site in config.sites}
    wire = _wire(sites, record=record, replay=replay, now=now)
    options = walk.Options(
        org_id=config.org_id,
        sites=tuple(sites),
        unsupported_sites={site.name: f"auth: {site.auth} is not supported yet" for site in config.sites if site.auth == "oauth"},
        opt_ins=frozenset(name for name in ("undocumented", "probe") if getattr(config.collect, name)),
        concurrency=wire.concurrency or config.collect.concurrency,
        needs=needs,
        since=wire.taken_at - timedelta(days=config.collect.audit_days),
        until=wire.taken_at,
    )
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="atlascan-")))
        stack.enter_context(wire.traffic)
        log = _log if verbose else _silent
        scoped = [site.name for site in config.sites if site.auth == "scoped"]
        asking = stack.enter_context(
            closing(api.Api(config.api_url, sites, wire.secrets, concurrency=options.concurrency, scoped=scoped, log=log))
        )
        notes = stack.enter_context(closing(journal.Journal(folder / "a.journal")))
        with _progress():
            went = walk.collect(asking, options, notes)
        org = next(iter(notes.resources("org")), None)
        target_of = Target(org=org.id if org else config.org_id, sites=sites, org_name=org.name if org else None)
        header = Header(
            id=str(uuid4()),
            taken_at=wire.taken_at,
            tool=TOOL,
            target=target_of,
            coverage=went.kinds,
            endpoints=went.endpoints,
            recorded=wire.of,
        )
        snapshots.write(target, header, notes.sorted())


def judge(config: Config, by: Criteria, snapshot: Snapshot, *, fail_on: str | None = None, allow_unknown: bool = False) -> Report:
    """Judge a snapshot; `fail_on` takes the place of the configured severity."""
    as_of = snapshot.header.taken_at
    desks = [record.id for record in snapshot if isinstance(record, Resource) and record.kind == "jsm.service_desk"]
    for warning in (*configuration.undeclared_typos(config, desks), *_sites_left_out(snapshot)):
        say(f"warning: {warning}")
    supplied = attestations.supply(snapshot, by.attestations)
    declare = configuration.declaration(config, desks)
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
        gate=evaluate.gate(ordered, Severity(fail_on or config.fail_on), allow_unknown=allow_unknown),
    )


def say(line: str) -> None:
    """Say something to whoever runs the program; standard output is for the product."""
    sys.stderr.write(f"{line}\n")


def utc_now() -> datetime:
    """Return this moment, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


# ---------------------------------------------------------------------------------------------------------------- private


def _sites_left_out(snapshot: Snapshot) -> Iterator[str]:
    """Yield a warning for each site of the organization that was not scanned: nothing in the report speaks of it."""
    scanned = {urlsplit(url).hostname for url in snapshot.header.target.sites.values()}
    workspaces = (record for record in snapshot if isinstance(record, Resource) and record.kind == "org.workspace")
    ours = (each for each in workspaces if str(each.facts.get("type_key")).startswith(("jira", "confluence")))
    hosts = {urlsplit(str(workspace.facts.get("host_url") or "")).hostname for workspace in ours}
    for host in sorted(filter(None, hosts - scanned)):
        yield f"{host} belongs to the organization and was not scanned; add it under `sites:` if it should be"


@dataclass(frozen=True, slots=True)
class _Wire:
    """What is at the other end: the network, the network with a recorder, or a recording (and of what it is)."""

    taken_at: datetime
    secrets: "Credentials"
    traffic: AbstractContextManager[None]
    concurrency: int | None = None
    of: str | None = None


def _wire(sites: dict[str, str], *, record: Path | None, replay: Path | None, now: datetime) -> _Wire:
    # Imported here, as in `take`; and most scans neither record nor replay.
    from scanner.cli import credentials  # noqa: PLC0415

    # One request at a time makes a recording that reads well, and vcrpy is not made for threads.
    if replay:
        from scanner.collect import recording  # noqa: PLC0415

        about = recording.about(replay)
        return _Wire(about.recorded_at, about.credentials(), recording.replay(replay), concurrency=1, of=about.of)
    secrets = credentials.found(sites)
    if not record:
        return _Wire(now, secrets, nullcontext())
    from scanner.collect import recording  # noqa: PLC0415

    what = recording.Recording(
        recorded_at=now, tool=TOOL, of=", ".join(sites.values()), org=bool(secrets.org_key), sites=tuple(secrets.sites)
    )
    return _Wire(now, secrets, recording.record(record, what, secrets), concurrency=1)


def _log(line: str) -> None:
    say(f"  {line}")


def _silent(_line: str) -> None:
    pass


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Show on a terminal what is being collected."""
    if not sys.stderr.isatty():
        yield _silent
        return
    from rich.console import Console  # noqa: PLC0415  a pipe needs no display

    with Console(stderr=True).status("collecting") as status:
        yield lambda kind: status.update(f"collecting {kind}")
