"""A collection, put together: whom to ask and with what, where it is written down, and what becomes of an interrupted one."""

import signal
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import click

from scanner import causes, evaluate, snapshots
from scanner.cli import pipeline
from scanner.config import Config
from scanner.errors import InputError, WorkError
from scanner.model import Header, Rule, Target
from scanner.pseudonyms import Pseudonyms

if TYPE_CHECKING:
    from scanner.collect.api import Api, Credentials
    from scanner.collect.journal import Journal
    from scanner.collect.status import Watch
    from scanner.collect.walk import Options

OPT_INS = ("undocumented", "probe")
# What was read so long ago does not go into one snapshot with what is read now.
LONGEST_INTERRUPTION = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class How:
    """How it is done: recorded, from a recording, or as the rest of an interrupted collection; and how much is said of it."""

    record: Path | None = None
    replay: Path | None = None
    resume: bool = False
    verbosity: int = 0
    pseudonyms: Pseudonyms | None = None

    def __post_init__(self) -> None:
        """Refuse what makes no sense together.

        Raises:
            click.UsageError: It excludes each other.
        """
        chosen = [f"--{name}" for name in ("record", "replay", "resume") if getattr(self, name)]
        if len(chosen) > 1:
            raise click.UsageError(f"{' and '.join(chosen)} exclude each other")
        if self.record and self.pseudonyms:
            raise click.UsageError("a recording holds what Atlassian answered, names and all, so --pseudonymize excludes --record")


def needs(rules: Iterable[Rule], *, everything: bool, logs: bool) -> frozenset[tuple[str, str]] | None:
    """Return what has to be collected for rules to be judged (None: all there is), and with `logs` for changes to be explained."""
    if everything:
        return None
    return evaluate.needs(rules) | (causes.NEEDS if logs else frozenset())


def take(config: Config, target: str, *, needs: frozenset[tuple[str, str]] | None = None, how: How = How(), now: datetime) -> None:
    """Collect a snapshot of what the configuration names into the target file: the facts that are needed (None: all there are).

    Raises:
        InputError: A recording cannot be used, or there is nothing to go on with.
        WorkError: The snapshot could not be written, or the collection was interrupted.
    """
    # Imported here: only collecting needs an HTTP client, and it costs more than everything else.
    from scanner.collect import walk  # noqa: PLC0415

    snapshots.refuse_what_is_no_file(target)
    with _interruptible(_kept_journal(target, how)), ExitStack() as stack:
        wire = _wire(config, how, now)
        journal, began = stack.enter_context(_journal(config, target, needs, how, wire))
        stack.enter_context(wire.traffic)
        asking = stack.enter_context(closing(api(config, wire.secrets, how, concurrency=wire.concurrency)))
        choices = options(config, needs, began, concurrency=wire.concurrency)
        with _progress() as watch:
            went = walk.collect(asking, choices, journal, watch)
        org = next(journal.resources("org"), None)
        sites = {site.name: site.url for site in config.sites}
        header = Header(
            id=str(uuid4()),
            taken_at=began,
            tool=pipeline.TOOL,
            target=Target(org=org.id if org else config.org_id, sites=sites, org_name=org.name if org else None),
            coverage=went.kinds,
            endpoints=went.endpoints,
            recorded=wire.of,
            audit_since=choices.since,
        )
        if how.pseudonyms:
            snapshots.write(target, *how.pseudonyms.snapshot(header, journal.sorted))
        else:
            snapshots.write(target, header, journal.sorted())
        journal.remove()


def api(config: Config, secrets: "Credentials", how: How = How(), *, concurrency: int | None = None) -> "Api":
    """Return what asks the organization and the sites of the configuration."""
    from scanner.collect.api import Api  # noqa: PLC0415  see `take`

    return Api(
        config.api_url,
        {site.name: site.url for site in config.sites},
        secrets,
        concurrency=concurrency or config.collect.concurrency,
        scoped=[site.name for site in config.sites if site.auth != "basic"],
        login_url=config.login_url,
        patient=how.replay is None,
        log=_log if how.verbosity else _silent,
        detailed=how.verbosity > 1,
    )


def options(
    config: Config, needs: frozenset[tuple[str, str]] | None, now: datetime, *, concurrency: int | None = None
) -> "Options":
    """Return what is collected for the configuration."""
    from scanner.collect.walk import Options  # noqa: PLC0415  see `take`

    return Options(
        org_id=config.org_id,
        sites=tuple(site.name for site in config.sites),
        opt_ins=frozenset(name for name in OPT_INS if getattr(config.collect, name)),
        concurrency=concurrency or config.collect.concurrency,
        needs=needs,
        since=now - timedelta(days=config.collect.audit_days),
        until=now,
    )


# ---------------------------------------------------------------------------------------------------------------- private


@dataclass(frozen=True, slots=True)
class _Wire:
    """What is at the other end: the network, the network with a recorder, or a recording (and of what it is)."""

    now: datetime
    secrets: "Credentials"
    traffic: AbstractContextManager[None]
    concurrency: int | None = None
    of: str | None = None


def _wire(config: Config, how: How, now: datetime) -> _Wire:
    # Imported here, as in `take`; and most scans neither record nor replay.
    from scanner.cli import credentials  # noqa: PLC0415

    # One request at a time makes a recording that reads well, and vcrpy is not made for threads.
    if how.replay:
        from scanner.collect import recording  # noqa: PLC0415

        about = recording.about(how.replay)
        return _Wire(about.recorded_at, about.credentials(), recording.replay(how.replay), concurrency=1, of=about.of)
    secrets = credentials.found(config.sites)
    if not how.record:
        return _Wire(now, secrets, nullcontext())
    from scanner.collect import recording  # noqa: PLC0415

    what = recording.Recording(
        recorded_at=now,
        tool=pipeline.TOOL,
        of=", ".join(site.url for site in config.sites),
        org=bool(secrets.org_key),
        sites=(*secrets.sites, *secrets.clients),
    )
    return _Wire(now, secrets, recording.record(how.record, what, secrets), concurrency=1)


@contextmanager
def _interruptible(journal: Path | None) -> Iterator[None]:
    """Let whoever ends the collection be told how to go on with it. To be asked to end is the same as Ctrl-C."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        hint = "go on with the same command and --resume" if journal and journal.exists() else None
        raise WorkError("interrupted", hint=hint) from None
    finally:
        signal.signal(signal.SIGTERM, before)


def _kept_journal(target: str, how: How) -> Path | None:
    """Return the journal beside the target; None if it is a temporary one, since the collection could not be gone on with."""
    from scanner.collect.journal import SUFFIX  # noqa: PLC0415  see `take`

    return None if target == "-" or how.record or how.replay else Path(f"{target}{SUFFIX}")


@contextmanager
def _journal(
    config: Config, target: str, needs: frozenset[tuple[str, str]] | None, how: How, wire: _Wire
) -> Iterator[tuple["Journal", datetime]]:
    """Open the journal of a collection, beside its target if it can be gone on with; and tell when it began."""
    from scanner.collect.journal import Journal  # noqa: PLC0415  see `take`
    from scanner.collect.walk import fingerprint  # noqa: PLC0415

    path = _kept_journal(target, how)
    if path is None:
        if how.resume:
            raise click.UsageError("--resume goes on with a collection into a file")
        with tempfile.TemporaryDirectory(prefix="atlascan-") as folder, Journal(Path(folder) / "journal") as journal:
            yield journal, wire.now
        return
    mark = fingerprint(options(config, needs, wire.now), _ways(config, wire.secrets), pipeline.TOOL)
    is_thrown_away = path.is_file() and not how.resume
    with Journal(path, resume=how.resume) as journal:
        if is_thrown_away:
            pipeline.say("warning: an interrupted collection was thrown away; --resume would have gone on with it")
        if how.resume:
            began = _resumed(journal, path, mark, wire.now)
        else:
            began = wire.now
            with journal.step():
                journal.note("mark", mark)
                journal.note("began", began.isoformat())
        yield journal, began


def _ways(config: Config, secrets: "Credentials") -> dict[str, str]:
    """Return where everything is asked, and by whom: what one account cannot see must not go for what another saw."""
    accounts = {name: account for name, (account, _) in (*secrets.sites.items(), *secrets.clients.items())}
    ways = {site.name: f"{site.url} {site.auth} {accounts.get(site.name)}" for site in config.sites}
    return {**ways, "": f"{config.api_url} {bool(secrets.org_key)}"}


def _resumed(journal: "Journal", path: Path, mark: str, now: datetime) -> datetime:
    """Return when an interrupted collection began, if this one can go on with it."""
    noted = journal.noted("began")
    if noted is None:
        raise InputError(f"{path}: holds nothing to go on with", hint=_ANEW)
    began = datetime.fromisoformat(noted)
    if journal.noted("mark") != mark:
        detail = "it was begun with another configuration, other policies or accounts, or another version"
        raise InputError(f"{path}: cannot be gone on with: {detail}", hint=_ANEW)
    if now - began > LONGEST_INTERRUPTION:
        raise InputError(f"{path}: cannot be gone on with: it was begun on {began:%Y-%m-%d}", hint=_ANEW)
    pipeline.say(f"going on with the collection of {began:%Y-%m-%d %H:%M} UTC")
    return began


_ANEW = "start anew, without --resume"


def _log(line: str) -> None:
    pipeline.say(f"  {line}")


def _silent(_line: str) -> None:
    pass


@contextmanager
def _progress() -> "Iterator[Watch]":
    """Show how far it has got."""
    import sys  # noqa: PLC0415

    from scanner.cli import progress  # noqa: PLC0415  see `take`

    with progress.shown(sys.stderr) as watch:
        yield watch
