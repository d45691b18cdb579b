"""The straight pipe, put together: configuration to snapshot, snapshot to report."""

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from scanner import __version__, attestations, evaluate, policies, snapshots, waivers
from scanner import config as configuration
from scanner.config import Config
from scanner.errors import InputError
from scanner.model import Gap, Header, Report, Resource, Rule, Severity, Snapshot, Target

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


def rules(config: Config) -> tuple[Rule, ...]:
    """Return the rules that the configuration chooses."""
    return policies.select(policies.load(config.policies), config.profile, config.settings, config.params, config.document)


def take(
    config: Config, target: str, *, record: Path | None = None, replay: Path | None = None, verbose: bool = False, now: datetime
) -> None:
    """Collect a snapshot of what the configuration names into the target file.

    Raises:
        InputError: A recording cannot be used.
        WorkError: The snapshot could not be written.
    """
    # Imported here: only collecting needs an HTTP client, and it costs more than everything else.
    from scanner.cli import credentials  # noqa: PLC0415
    from scanner.collect import api, journal, recording, walk  # noqa: PLC0415

    sites = {site.name: site.url for site in config.sites}
    with ExitStack() as stack:
        traffic: AbstractContextManager[None] = nullcontext()
        of: str | None = None
        if replay:
            about = recording.about(replay)
            now, of, secrets = about.recorded_at, about.of, about.credentials()
            traffic = recording.replay(replay)
        else:
            secrets = credentials.found(sites)
        if record:
            what = recording.Recording(
                recorded_at=now, tool=TOOL, of=", ".join(sites.values()), org=bool(secrets.org_key), sites=tuple(secrets.sites)
            )
            traffic = recording.record(record, what, secrets)
        # One request at a time makes a recording that reads well, and vcrpy is not made for threads.
        concurrency = 1 if record or replay else config.collect.concurrency
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="atlascan-"))
        stack.enter_context(traffic)
        asking = api.Api(config.api_url, sites, secrets, concurrency=concurrency, log=_log if verbose else _silent)
        stack.callback(asking.close)
        notes = journal.Journal(Path(folder) / "journal.sqlite")
        stack.callback(notes.close)
        options = walk.Options(
            org_id=config.org_id,
            sites=tuple(sites),
            unsupported_sites={
                site.name: f"auth: {site.auth} is not supported yet" for site in config.sites if site.auth != "basic"
            },
            opt_ins=frozenset({"undocumented"} if config.collect.undocumented else ()),
            concurrency=concurrency,
        )
        with _progress() as progress:
            coverage = walk.collect(asking, options, notes, progress)
        org = next(iter(notes.resources("org")), None)
        target_of = Target(org=org.id if org else config.org_id, sites=sites, org_name=org.name if org else None)
        header = Header(id=str(uuid4()), taken_at=now, tool=TOOL, target=target_of, coverage=coverage, recorded=of)
        snapshots.write(target, header, notes.sorted())


def judge(config: Config, snapshot: Snapshot, *, fail_on: Severity | None, allow_unknown: bool) -> Report:
    """Judge a snapshot by the configuration's rules, attestations and waivers."""
    chosen = rules(config)
    stated = attestations.load(config.attestations) if config.attestations else ()
    excused = waivers.load(config.waivers, policies.load(config.policies)) if config.waivers else ()
    as_of = snapshot.header.taken_at
    desks = [record.id for record in snapshot if isinstance(record, Resource) and record.kind == "jsm.service_desk"]
    for warning in configuration.undeclared_typos(config, desks):
        say(f"warning: {warning}")
    supplied = attestations.supply(snapshot, stated)
    declare = configuration.declaration(config, desks)
    findings, uses = waivers.apply(evaluate.evaluate(chosen, supplied, declare), excused, as_of)
    ordered = tuple(sorted(findings, key=lambda each: (each.policy, -each.verdict.rank, each.address)))
    return Report(
        tool=TOOL,
        profile=config.profile,
        snapshot=snapshot.header,
        policies=tuple(policies.judged(rule) for rule in chosen),
        findings=ordered,
        gaps=tuple(record for record in supplied if isinstance(record, Gap)),
        waivers=uses,
        attestations=attestations.uses(stated, as_of),
        gate=evaluate.gate(ordered, fail_on or config.fail_on, allow_unknown=allow_unknown),
    )


def say(line: str) -> None:
    """Say something to whoever runs the program; standard output is for the product."""
    sys.stderr.write(f"{line}\n")


def utc_now() -> datetime:
    """Return this moment, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


# ---------------------------------------------------------------------------------------------------------------- private


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
