"""What every test file shares: the running stand-in sites, and the program as a user starts it."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fake_atlassian.server import StandIn, running
from tests.sites import ADMIN, NO_KEYRING


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run of the program left behind."""

    code: int
    out: str
    err: str


Atlascan = Callable[..., Outcome]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take long; else all processes but one may have nothing to do at the end."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def _started(scenario: str) -> Iterator[StandIn]:
    with running(scenario) as site:
        yield site


@pytest.fixture(scope="session")
def open_site() -> Iterator[StandIn]:
    yield from _started("open")


@pytest.fixture(scope="session")
def locked_site() -> Iterator[StandIn]:
    yield from _started("locked")


@pytest.fixture(scope="session")
def demo_site() -> Iterator[StandIn]:
    yield from _started("demo")


@pytest.fixture
def atlascan(tmp_path: Path) -> Atlascan:
    """Return a function that runs the program in an empty folder, with the stand-in's credentials unless others are given."""

    def run(*args: str, credentials: Mapping[str, str] = ADMIN, stdin: str = "") -> Outcome:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("ATLASCAN_")}
        done = subprocess.run(  # noqa: S603  our own program
            [sys.executable, "-m", "scanner", *args],
            cwd=tmp_path,
            env={**inherited, **NO_KEYRING, **credentials, "PYTHONPATH": str(Path(__file__).parent.parent)},
            input=stdin.encode(),
            capture_output=True,
            timeout=120,
            check=False,
        )
        return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run
