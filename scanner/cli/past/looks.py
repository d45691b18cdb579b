"""What is kept of the past, read back: the results of earlier scans, and their snapshots judged again."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path

import msgspec

from scanner import baseline, history, results, snapshots, store
from scanner import drift as drifting
from scanner.cli import pipeline
from scanner.config import Config
from scanner.errors import InputError
from scanner.model import Drift, Header, Report, Target, Verdict, What
from scanner.pseudonyms import check_same
from scanner.store import Kept, Store


@dataclass(frozen=True, slots=True)
class Window:
    """The days that are looked at, both included, in UTC; None: from the first on, up to the last."""

    since: date | None = None
    until: date | None = None

    def __contains__(self, moment: datetime) -> bool:
        day = moment.astimezone(UTC).date()
        return (self.since is None or self.since <= day) and (self.until is None or day <= self.until)


@dataclass(frozen=True)
class Judge:
    """Judges snapshots by the configuration, which is read when there is one to judge."""

    file: Path | None

    def __call__(self, snapshot: Path, watched: frozenset[tuple[str, str]] = frozenset()) -> Report:
        """Return what a snapshot comes to; of what is watched, by policy and address, the verdict is listed whatever it is."""
        config, by = self.criteria
        return pipeline.judge(config, by, snapshots.load(str(snapshot)), watched=watched)

    @cached_property
    def criteria(self) -> tuple[Config, pipeline.Criteria]:
        """Return the configuration, and all that it judges by."""
        config = pipeline.load_config(self.file)
        return config, pipeline.criteria(config)


def found(where: Store, window: Window = Window()) -> tuple[Kept, ...]:
    """Return what is kept of a time, the oldest first: under names that were given to it, or under any other.

    Raises:
        InputError: There is nothing.
    """
    names = where.names()
    kept = {_key(each): each for each in store.kept(names)}
    ours = {name for each in kept.values() for name in each.names}
    for name in names:
        if name not in ours and (other := _under_another_name(where, name)):
            known = kept.get(_key(other), other)
            twice = [one for one, two in ((known.snapshot, other.snapshot), (known.result, other.result)) if one and two]
            if known is not other and twice:
                pipeline.say(f"warning: {name} is passed over: {twice[0]} is of the same snapshot")
                continue
            kept[_key(other)] = replace(known, snapshot=known.snapshot or other.snapshot, result=known.result or other.result)
    chosen = tuple(kept[key] for key in sorted(kept) if kept[key].taken_at in window)
    if not chosen:
        raise InputError(
            f"{where.name}: there is neither snapshot nor result of that time", hint="fill it with `atlascan scan --store`"
        )
    return chosen


def failed_last(where: Store) -> frozenset[tuple[str, str]]:
    """Return what fails in the newest result that is kept, by policy and address; what became of it should be listed next time.

    Raises:
        InputError: It is damaged.
        WorkError: The store cannot be read.
    """
    last = next((each.result for each in reversed(store.kept(where.names())) if each.result), None)
    if last is None:
        return frozenset()
    with where.local(last) as file:
        return _failed(results.glance(file))


def reports(where: Store, kept: Iterable[Kept], judge: Judge, *, rejudge: bool = False) -> Iterator[Report]:
    """Yield what each scan came to, one in memory at a time: its result, or what its snapshot comes to by the configuration.

    Raises:
        InputError: A file is not what its name says.
    """
    watched: frozenset[tuple[str, str]] = frozenset()
    for each in kept:
        name = each.snapshot if each.snapshot and (rejudge or not each.result) else each.result
        if name is None:
            continue
        if rejudge and not each.snapshot:
            pipeline.say(f"warning: {name} has no snapshot, and stands as it is")
        with where.local(name) as file:
            report = judge(file, watched) if name == each.snapshot else results.glance(file)
        _check_moment(name, each, report.snapshot)
        watched = _failed(report)
        yield report


def in_pairs(found_reports: Iterable[Report]) -> Iterator[tuple[Report, Drift | None]]:
    """Yield each result with what became of its verdicts since the one before; None with the first.

    Raises:
        InputError: They are not of the same organization or sites.
    """
    before: Report | None = None
    for report in found_reports:
        if before is None:
            before = report
            yield report, None
            continue
        baseline.check_target(before.snapshot.target, report.snapshot.target, "an earlier result", "a later one")
        check_same(before.snapshot, report.snapshot)
        drift = _drift(before, report)
        before = history.remembered(report, before, drift)
        yield report, drift


# ---------------------------------------------------------------------------------------------------------------- private

_SNAPSHOTS = (".ndjson", ".ndjson.zst")


class _About(msgspec.Struct):
    id: str
    taken_at: datetime


class _Result(msgspec.Struct):
    """As much of a result as tells what it is of."""

    format: str
    snapshot: _About


def _drift(before: Report, report: Report) -> Drift:
    changes = tuple(history.presence(before, report))
    unseen, removed = history.unseen(before), frozenset(each.address for each in changes if each.what is What.REMOVED)
    there = drifting.Presence(unseen, unseen - removed)
    return drifting.drift(before, report, changes, {}, (drifting.Presence(), there))


def _failed(report: Report) -> frozenset[tuple[str, str]]:
    return frozenset((each.policy, each.missing or each.address) for each in report.findings if each.verdict is Verdict.FAIL)


def _key(kept: Kept) -> tuple[datetime, str]:
    return kept.taken_at, kept.id


def _under_another_name(where: Store, name: str) -> Kept | None:
    """Return what is kept under a name that says nothing; None if it is neither snapshot nor result."""
    if not name.endswith((".json", *_SNAPSHOTS)):
        return None
    with where.local(name) as file:
        try:
            about = snapshots.load(str(file)).header if name.endswith(_SNAPSHOTS) else _about(file)
        except InputError as error:
            pipeline.say(f"warning: {name} is passed over: {error.problem}")
            return None
    moment = store.named(about)
    is_snapshot = name.endswith(_SNAPSHOTS)
    return Kept(moment.taken_at, moment.id, name if is_snapshot else None, None if is_snapshot else name)


def _about(file: Path) -> Header:
    try:
        result = msgspec.json.decode(file.read_bytes(), type=_Result)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InputError("it is no result of atlascan") from error
    except OSError as error:
        raise InputError(f"it cannot be read: {error.strerror}") from error
    if result.format != results.FORMAT or result.snapshot.taken_at.tzinfo is None:
        raise InputError("it is no result of atlascan")
    return Header(id=result.snapshot.id, taken_at=result.snapshot.taken_at, tool="", target=Target(org=None, sites={}))


def _check_moment(name: str, kept: Kept, header: Header) -> None:
    if _key(store.named(header)) != _key(kept):
        hint = "give it its name back, or take it out"
        raise InputError(
            f"{name}: it is of another snapshot than its name says, taken at {header.taken_at:%Y-%m-%dT%H:%M:%SZ}", hint=hint
        )
