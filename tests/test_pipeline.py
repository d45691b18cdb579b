"""What the pipe says by the way: what a reader would otherwise not think of."""

from datetime import UTC, datetime

import pytest

from scanner.cli import pipeline
from scanner.config import Config, Site
from scanner.model import Coverage, Header, Resource, Snapshot, Source, Target

APPS = [
    ("jira-software", "https://acme.atlassian.net"),
    ("confluence", "https://acme.atlassian.net"),
    ("jira-servicedesk", "https://beta.atlassian.net"),
    ("bitbucket", "https://bitbucket.org"),
    ("jira-software", None),
]


def snapshot() -> Snapshot:
    coverage = tuple(Coverage(kind=kind, requests=1, resources=1, gaps=0, complete=True) for kind in ("org", "org.workspace"))
    target = Target(org="1", sites={"acme": "https://acme.atlassian.net"})
    header = Header(id="0", taken_at=datetime(2026, 6, 15, tzinfo=UTC), tool="test", target=target, coverage=coverage)
    records = [
        Resource(kind="org.workspace", id=str(number), name="x", facts={"type_key": key, "host_url": host}, source=Source.API)
        for number, (key, host) in enumerate(APPS)
    ]
    return Snapshot(header, lambda: records)


def test_a_site_of_the_organization_that_was_not_scanned_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    config = Config(sites=(Site("acme", "https://acme.atlassian.net"),))
    pipeline.judge(config, pipeline.Criteria((), (), ()), snapshot())
    assert capsys.readouterr().err == (
        "warning: beta.atlassian.net belongs to the organization and was not scanned; add it under `sites:` if it should be\n"
    )
