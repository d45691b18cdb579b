"""The how-to about a stranger does what it says: its commands, as written, lead from the suspicion to the closed door."""

import shlex
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from scanner import snapshots
from scanner.model import Record, Resource
from tests import incident, traces
from tests.conftest import Atlascan
from tests.fake_atlassian.server import running
from tests.pages import ROOT, blocks

HOW_TO, REFERENCE = (ROOT / "docs" / page for page in ("a-stranger-in-jira.md", "trace.md"))
LATER = incident.TAKEN_AT.replace(day=22)


def commands(page: Path) -> Iterator[list[str]]:
    """Yield what a page runs, but for taking snapshots."""
    for block in blocks(page):
        for line in block.text.splitlines() if block.language == "sh" else ():
            words = shlex.split(line)
            if words[:1] == ["atlascan"] and words[1] != "snapshot":
                yield words[1:]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the configuration, the snapshot of the incident, and one of when all was done that the page says."""
    incident.configuration(tmp_path)
    incident.snapshot(tmp_path).rename(tmp_path / "incident.ndjson")
    taken = traces.collected()
    header = msgspec.structs.replace(taken.header, id="after", taken_at=LATER)
    gone = {f"org.user/{traces.OTTO}", f"jira.user/acme/{traces.OTTO}", "org.access_domain/partner.example"}
    snapshots.write(
        str(tmp_path / "after.ndjson"), header, (each for each in map(left_the_role, taken) if each.address not in gone)
    )
    return tmp_path


def left_the_role(record: Record) -> Record:
    if not isinstance(record, Resource) or record.kind != "jira.project_role":
        return record
    actors = [each for each in record.facts.get("actors", []) if each["id"] != traces.OTTO]
    return msgspec.structs.replace(record, facts={**record.facts, "actors": actors})


def test_its_commands_lead_from_the_suspicion_to_the_closed_door(folder: Path, atlascan: Atlascan) -> None:
    outcomes = [(command, atlascan(*command)) for command in commands(HOW_TO)]

    assert [command[0] for command, _ in outcomes] == ["trace", "strangers", "whatif", "trace", "diff", "strangers", "check"]
    assert [outcome.code for _, outcome in outcomes if outcome.code == 2] == []
    first, people, would, second, *_ = [outcome.out for _, outcome in outcomes]
    assert "Approved domain: OPEN still." in first
    assert "Otto Outsider" in people
    assert "partner.example" in would
    assert "Approved domain: closed." in second
    assert "nothing that was read leads from this account to anything" in second
    assert (folder / "otto.html").stat().st_size > 10_000
    assert "came back" in (folder / "otto.md").read_text(encoding="utf-8")


def test_live_it_collects_first_and_leaves_what_is_there_alone(tmp_path: Path, atlascan: Atlascan) -> None:
    incident.configuration(tmp_path)
    with running(str(incident.FOLDER / "scenario.yaml")) as site:
        text = (tmp_path / "atlascan.yaml").read_text(encoding="utf-8").replace("https://acme.atlassian.net", site.sites["acme"])
        (tmp_path / "atlascan.yaml").write_text(f"{text}\napi_url: {site.api_url}\n", encoding="utf-8")
        done = atlascan("trace", "otto@partner.example", "now.ndjson", "--live")
        again = atlascan("trace", "otto@partner.example", "now.ndjson", "--live")

    assert done.code == 0, done.err
    assert "Approved domain: OPEN still." in done.out
    assert "through the group jira-users-acme" in done.out
    assert "snapshot: now.ndjson" in done.err
    assert again.code == 2
    assert "not there yet" in again.err


@pytest.mark.usefixtures("folder")
def test_the_reference_page_traces_as_it_says(atlascan: Atlascan) -> None:
    outcomes = [(command, atlascan(*command)) for command in commands(REFERENCE)]
    assert {command[0] for command, _ in outcomes} == {"trace"}
    assert [command for command, outcome in outcomes if outcome.code == 2] == []
