"""The scripted month as a store keeps it: each day's snapshot with what it came to on that day."""

from pathlib import Path

from scanner import snapshots, store
from scanner.cli import pipeline
from scanner.render import json
from tests import month


def kept(folder: Path) -> Path:
    """Put the month into a store in a folder, and return the configuration of its last day, on which a policy has a new version."""
    days = folder / "days"
    days.mkdir()
    before, after = month.configuration(folder / "before"), month.configuration(folder / "after", bumped=True)
    files = month.snapshots(days)
    where = store.opened(str(folder / "store"))
    for file in files:
        config = pipeline.load_config(after if file is files[-1] else before)
        snapshot = snapshots.load(str(file))
        where.add(snapshot.header, file, json.render(pipeline.judge(config, pipeline.criteria(config), snapshot)))
    return after
