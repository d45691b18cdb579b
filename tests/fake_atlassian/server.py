"""Start and stop the stand-in site from a test."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from .weather import Weather

ROOT = Path(__file__).parents[2]
SECONDS_TO_STOP = 10


@dataclass(frozen=True, slots=True)
class StandIn:
    """Know where a running stand-in answers."""

    api_url: str
    sites: dict[str, str]


@contextmanager
def running(scenario: str, weather: Weather | None = None) -> Iterator[StandIn]:
    """Run the stand-in in a process of its own for as long as the block lasts."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tests.fake_atlassian", "--scenario", scenario]
        if weather is not None:
            path = Path(folder) / "weather.json"
            path.write_bytes(msgspec.json.encode(weather))
            command += ["--weather", str(path)]
        with _started(command) as stand_in:
            yield stand_in


@contextmanager
def _started(command: list[str]) -> Iterator[StandIn]:
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:  # noqa: S603 - our own program
        try:
            yield _announced(process)
        finally:
            _stop(process)


def _announced(process: subprocess.Popen[str]) -> StandIn:
    line = process.stdout.readline() if process.stdout else ""
    if not line:  # it ended before it was ready, and has said why on stderr
        raise RuntimeError(f"the stand-in did not start: exit code {process.wait()}")
    return StandIn(**json.loads(line))


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
