"""Traces of the people of the incident, for the tests: of the snapshot as it was collected, or with something changed in it."""

import tempfile
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import msgspec

from scanner import attestations, snapshots
from scanner.cli import pipeline
from scanner.config import Config
from scanner.model import Record, Report, Snapshot
from scanner.trace import closing, people, traced
from scanner.tracing import Trace
from tests import incident

Change = Callable[[Iterable[Record]], Iterable[Record]]

OTTO = "712020:1c000000-0000-4000-8000-000000000010"


@cache
def criteria() -> tuple[Config, pipeline.Criteria]:
    with tempfile.TemporaryDirectory() as folder:
        config = pipeline.load_config(incident.configuration(Path(folder)))
        return config, pipeline.criteria(config)


@cache
def collected(log: incident.Log = "whole", catalogue: incident.Catalogue = "a") -> Snapshot:
    with tempfile.TemporaryDirectory() as folder:
        found = snapshots.load(str(incident.snapshot(Path(folder), log, catalogue)))
        records = list(found)
    return Snapshot(found.header, lambda: records)


def changed(change: Change, log: incident.Log = "whole") -> Snapshot:
    taken = collected(log)
    records = list(change(taken))
    return Snapshot(taken.header, lambda: records)


@cache
def judged(log: incident.Log, catalogue: incident.Catalogue) -> Report:
    return pipeline.judge(*criteria(), collected(log, catalogue))


def trace(who: str = OTTO, log: incident.Log = "whole", catalogue: incident.Catalogue = "a") -> Trace:
    return of(collected(log, catalogue), who, judged(log, catalogue))


def of(taken: Snapshot, who: str = OTTO, report: Report | None = None) -> Trace:
    config, by = criteria()
    supplied = attestations.supply(taken, by.attestations)
    [person] = people.find(supplied, who)
    account = people.account(supplied, person)
    report = report or pipeline.judge(config, by, taken, watched=closing.watched(account))
    return traced.traced(who, person, account, supplied, report, company=config.company_domains or ())


def without(*kinds: str) -> Change:
    return lambda records: (each for each in records if each.kind not in kinds)


def with_facts(address: str, **facts: object) -> Change:
    def change(records: Iterable[Record]) -> Iterable[Record]:
        for each in records:
            named = getattr(each, "facts", None) is not None and each.address == address
            yield msgspec.structs.replace(each, facts={**each.facts, **facts}) if named else each  # type: ignore[union-attr]

    return change
