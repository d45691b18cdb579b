"""Start and stop the stand-in site from a test."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SECONDS_TO_STOP = 10


@dataclass(frozen=True, slots=True)
class StandIn:
    """Know where a running stand-in answers."""

    api_url: str
    sites: dict[str, str]


@contextmanager
def running(scenario: str) -> Iterator[StandIn]:
    """Run the stand-in in a process of its own for as long as the block lasts."""
    command = [sys.executable, "-m", "tests.fake_atlassian", "--scenario", scenario]
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
