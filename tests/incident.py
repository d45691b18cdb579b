"""An incident on the stand-in site (`scenarios/incident/README.md`), collected over HTTP: a stranger, removed, was back."""

import shutil
import tempfile
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Literal
from uuid import UUID

import msgspec

from scanner import snapshots
from scanner.cli import collection
from scanner.config import Collect, Config, Site
from scanner.model import Gap, Resource
from tests.fake_atlassian.scenario import SCENARIOS, Refusal, Scenario, load
from tests.fake_atlassian.server import running
from tests.sites import credentials

FOLDER = SCENARIOS / "incident"
TAKEN_AT = datetime(2026, 11, 21, 6, tzinfo=UTC)

Log = Literal["whole", "refused", "short"]
Catalogue = Literal["a", "b"]
DAYS: dict[Log, int] = {"whole": 180, "refused": 180, "short": 7}


class Way(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Be a way in: what a trace is to say of it while the whole log can be read, and the event by which it is proven.

    `by` is the account that let the person in: who invited, approved, added or shared; `out` is the day on which the person was
    removed again. When an untold customer came, nothing says.
    """

    way: str
    confidence: Literal["proven", "likely", "possible"]
    came: date | None = None
    event: str | None = None
    by: str | None = None
    out: date | None = None


class Expected(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Be a person of the incident: the ways in one after another, and other ways that nothing rules out."""

    id: str
    name: str
    email: str
    ways: tuple[Way, ...]
    not_ruled_out: tuple[str, ...] = ()


@cache
def expected() -> tuple[Expected, ...]:
    """Read who came how."""
    return msgspec.yaml.decode((FOLDER / "expected.yaml").read_bytes(), type=tuple[Expected, ...])


def snapshot(folder: Path, log: Log = "whole", catalogue: Catalogue = "a") -> Path:
    """Put a snapshot of the incident into a folder: the audit logs whole, refused, or of the last days only."""
    file = folder / f"incident-{log}-{catalogue}.ndjson"
    file.write_bytes(collected(log, catalogue))
    return file


def configuration(folder: Path) -> Path:
    """Put what the company judges by into a folder, and return the configuration."""
    for name in ("atlascan.yaml", "attestations.yaml"):
        shutil.copy(FOLDER / name, folder)
    return folder / "atlascan.yaml"


@cache
def scenario(log: Log = "whole", catalogue: Catalogue = "a") -> Scenario:
    """Return what the company is like: with the ids of one tenant's catalogue or another's, and the logs refused or not."""
    played = load(str(FOLDER / "scenario.yaml"))
    if catalogue == "b":
        played = _renamed(played)
    return _refusing(played) if log == "refused" else played


def ids_of_b() -> dict[str, str]:
    """Return the ids of catalogue b by those of catalogue a."""
    return msgspec.yaml.decode((FOLDER / "catalogue-b.yaml").read_bytes(), type=dict[str, str])


# ------------------------------------------------------------------------------------------------------------ how it is done


def _renamed(played: Scenario) -> Scenario:
    """Give each kind of event the id that it has in catalogue b."""
    ids = ids_of_b()
    return msgspec.structs.replace(
        played,
        event_actions=tuple(msgspec.structs.replace(each, id=ids[each.id]) for each in played.event_actions),
        events=tuple(msgspec.structs.replace(each, action=ids[each.action]) for each in played.events),
    )


def _refusing(played: Scenario) -> Scenario:
    """Refuse the logs: the key may not read events, and the account may not see the log of Jira."""
    org = f"/v1/orgs/{played.org.id}"
    of_org = tuple(Refusal(path=f"{org}/{each}", status=403) for each in ("events", "event-actions"))
    of_site = (Refusal(path="/rest/api/3/auditing/record", status=403),)
    sites = tuple(msgspec.structs.replace(each, refuse=of_site) for each in played.sites)
    return msgspec.structs.replace(played, refuse=of_org, sites=sites)


@cache
def collected(log: Log, catalogue: Catalogue) -> bytes:
    """Collect the incident over HTTP: the same bytes each time."""
    with tempfile.TemporaryDirectory() as folder:
        played, target = Path(folder) / "scenario.yaml", Path(folder) / "snapshot.ndjson"
        played.write_bytes(msgspec.yaml.encode(scenario(log, catalogue)))
        with running(str(played)) as at, credentials():
            sites = tuple(Site(name, url) for name, url in at.sites.items())
            collect = Collect(undocumented=True, probe=True, audit_days=DAYS[log])
            collection.take(Config(sites=sites, api_url=at.api_url, collect=collect), str(target), now=TAKEN_AT)
        _settle(target, {url: f"https://{name}.atlassian.net" for name, url in at.sites.items()})
        return target.read_bytes()


def _settle(file: Path, addresses: Mapping[str, str]) -> None:
    """Take out of a snapshot what differs from one collection to the next: ports of this machine, its id, how long it took."""
    found = snapshots.load(str(file))
    text = msgspec.json.encode(list(found)).decode()
    for ours, theirs in addresses.items():
        text = text.replace(ours, theirs)
    header = msgspec.structs.replace(
        found.header,
        id=str(UUID(int=0)),
        target=msgspec.structs.replace(
            found.header.target, sites={name: addresses[url] for name, url in found.header.target.sites.items()}
        ),
        endpoints=tuple(msgspec.structs.replace(each, seconds=0.0) for each in found.header.endpoints),
    )
    snapshots.write(str(file), header, msgspec.json.decode(text, type=list[Resource | Gap]))
