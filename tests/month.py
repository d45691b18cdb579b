"""A scripted month on the stand-in site (`scenarios/month/steps.yaml`), collected over HTTP: a snapshot of each of its days."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from threading import Thread
from typing import Any

import jsonpatch
import msgspec
import uvicorn

from scanner.cli import collection
from scanner.config import Collect, Config, Site
from tests.fake_atlassian import __main__ as stand_in
from tests.fake_atlassian.outdoors import API
from tests.fake_atlassian.scenario import SCENARIOS, Scenario, load
from tests.fake_atlassian.weather import Weather
from tests.sites import credentials

FOLDER = SCENARIOS / "month"
ATTESTATIONS = Path(__file__).parent / "data" / "locked-attestations.yaml"


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Be a day of the month: when the snapshot is taken, what there is to tell, and what is different from the day before."""

    taken_at: datetime
    told: str
    patch: list[dict[str, Any]]


class Month(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"scenario": "from"}):
    """Be the scenario that a month begins with, and its days."""

    scenario: str
    steps: tuple[Step, ...]


@cache
def month() -> Month:
    """Read the month."""
    return msgspec.yaml.decode((FOLDER / "steps.yaml").read_bytes(), type=Month)


def snapshots(folder: Path) -> list[Path]:
    """Put the snapshots of the month into a folder, under names that sort by time."""
    for name, content in _collected().items():
        (folder / name).write_bytes(content)
    return [folder / name for name in _collected()]


def configuration(folder: Path, *, bumped: bool = False) -> Path:
    """Put what the company judges by into a folder, and return the configuration.

    It has a policy of its own, of which there is another version on the last day.
    """
    shutil.copytree(FOLDER / "configuration", folder, dirs_exist_ok=True)
    shutil.copy(ATTESTATIONS, folder / "attestations.yaml")
    if bumped:
        shutil.copytree(FOLDER / "bumped", folder, dirs_exist_ok=True)
    return folder / "atlascan.yaml"


# ------------------------------------------------------------------------------------------------------------ how it is done


@cache
def _collected() -> dict[str, bytes]:
    """Collect what the company is like on each day: the snapshots by their names."""
    played = list(scenarios())
    found = {}
    with tempfile.TemporaryDirectory() as folder, _stage(played[0]) as (asked, show), credentials():
        for step, scenario in zip(month().steps, played, strict=True):
            show(scenario)
            file = Path(folder) / f"{step.taken_at:%Y-%m-%dT%H%M%SZ}.ndjson"
            collection.take(asked, str(file), now=step.taken_at)
            found[file.name] = file.read_bytes()
    return found


def scenarios() -> Iterator[Scenario]:
    """Yield what the company is like on each day."""
    raw = msgspec.yaml.decode((SCENARIOS / f"{month().scenario}.yaml").read_bytes())
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "day.yaml"
        for step in month().steps:
            raw = jsonpatch.apply_patch(raw, step.patch)
            file.write_bytes(msgspec.yaml.encode(raw))
            yield load(str(file))


@contextmanager
def _stage(first: Scenario) -> Iterator[tuple[Config, Callable[[Scenario], None]]]:
    """Play one scenario after another at the same addresses: yield what asks there, and a function that shows the next."""
    sockets = {name: stand_in.listening() for name in stand_in.names_of_faces(first)}
    served = stand_in.applications(first, Weather(), sockets)
    server = uvicorn.Server(stand_in.config(served))
    thread = Thread(target=server.run, args=(list(sockets.values()),))
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the stand-in did not start"
            time.sleep(0.01)
        sites = tuple(Site(site.name, stand_in.url(sockets[site.name])) for site in first.sites)
        asked = Config(sites=sites, api_url=stand_in.url(sockets[API]), collect=Collect(undocumented=True))
        yield asked, lambda scenario: served.update(stand_in.applications(scenario, Weather(), sockets))
    finally:
        server.should_exit = True
        thread.join()
