"""`atlascan snapshot --plan` says what will be asked, sends nothing, and what it goes by an earlier snapshot for comes true."""

import os
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
import requests

from scanner import snapshots
from scanner.cli import snapshot
from scanner.cli.pipeline import load_config
from scanner.collect.api import CEILINGS, Api, Credentials
from scanner.collect.forecast import ASSUMED_SECONDS, forecast
from scanner.collect.tables import ENDPOINTS
from scanner.collect.walk import Options
from scanner.model import Basis, EndpointCoverage, Expected, Forecast, Header, Target
from scanner.render import forecast as rendered
from scanner.render.text import plain
from tests.conftest import Atlascan
from tests.fake_atlassian.outdoors import OWN
from tests.fake_atlassian.server import StandIn
from tests.sites import ADMIN, credentials

GOLDEN = Path(__file__).parent / "golden"
TARGET = "atlascan-snapshot.ndjson"
OF_ACME = {name.replace("ATLASCAN_", "ATLASCAN_ACME_"): ADMIN[name] for name in ("ATLASCAN_EMAIL", "ATLASCAN_API_TOKEN")}
CLIENT = {
    "ATLASCAN_ORG_API_KEY": ADMIN["ATLASCAN_ORG_API_KEY"],
    "ATLASCAN_CLIENT_ID": "stand-in-client-id",
    "ATLASCAN_CLIENT_SECRET": "stand-in-client-secret",
}
EVENTS, PROJECTS = "GET /v1/orgs/{orgId}/events", "GET /rest/api/3/project/search"
SITES = {"acme": "https://acme.atlassian.net", "eu": "https://eu.atlassian.net"}
ALL = Credentials("a-key", dict.fromkeys(SITES, ("kim@acme.example", "a-token")))
OPT_INS = frozenset({"undocumented", "probe"})
NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)


def written(folder: Path, site: StandIn, *, auth: str = "basic", others: Mapping[str, str] | None = None, **collect: bool) -> Path:
    config = {
        "api_url": site.api_url,
        "login_url": site.api_url,
        "sites": [{"name": name, "url": url, "auth": auth} for name, url in {**site.sites, **(others or {})}.items()],
        "company_domains": ["acme.example"],
        "collect": collect,
    }
    path = folder / "atlascan.yaml"
    path.write_bytes(msgspec.yaml.encode(config))
    return path


def visited(site: StandIn) -> int:
    """Return how many requests a stand-in has had, and let it count anew."""
    number = 0
    for url in (site.api_url, *site.sites.values()):
        number += Counter(requests.get(f"{url}{OWN}requests", timeout=10).json()["requests"]).total()
        requests.post(f"{url}{OWN}reset", timeout=10)
    return number


def planned(folder: Path, of: Mapping[str, str] = ADMIN) -> Forecast:
    """Return what is planned for everything there is."""
    with credentials(of):
        return snapshot.forecast(load_config(folder / "atlascan.yaml"), str(folder / TARGET), None)


def forecast_of(
    earlier: Header | None = None,
    *,
    secrets: Credentials = ALL,
    opt_ins: frozenset[str] = OPT_INS,
    concurrency: int = 4,
    org_id: str | None = "acme-org",
) -> Forecast:
    with closing(Api("https://api.atlassian.com", SITES, secrets, concurrency=concurrency)) as api:
        return forecast(api, Options(org_id, tuple(SITES), opt_ins, concurrency), earlier)


def header(*endpoints: EndpointCoverage, sites: Mapping[str, str] = SITES, recorded: str | None = None) -> Header:
    target = Target(org="acme-org", sites=dict(sites))
    return Header(id="earlier", taken_at=NOON, tool="atlascan", target=target, endpoints=endpoints, recorded=recorded)


def counted(endpoint: str, requests: int, *, retries: int = 0, seconds: float = 0.0, complete: bool = True) -> EndpointCoverage:
    return EndpointCoverage(
        endpoint=endpoint,
        kinds=("org",),
        requests=requests,
        pages=requests,
        resources=requests,
        gaps=0,
        retries=retries,
        seconds=seconds,
        complete=complete,
    )


def row(found: Forecast, endpoint: str) -> Expected:
    return next(each for each in found.expected if each.endpoint == endpoint)


def golden(name: str, text: str) -> str:
    """Return the text that was reviewed. Run with UPDATE_GOLDEN=1 to write it anew, and read the difference."""
    if os.environ.get("UPDATE_GOLDEN"):
        (GOLDEN / name).write_text(text, encoding="utf-8")
    return (GOLDEN / name).read_text(encoding="utf-8")


# ------------------------------------------------------------------------------------------------------- before there is any


def test_the_whole_plan_is_as_reviewed_and_nothing_is_sent(tmp_path: Path, open_site: StandIn, atlascan: Atlascan) -> None:
    written(tmp_path, open_site, others={"eu": SITES["eu"]})
    visited(open_site)
    done = atlascan("snapshot", "--plan", credentials={"ATLASCAN_ORG_API_KEY": "a-key", **OF_ACME})

    assert (done.code, done.err) == (0, "")
    assert done.out == golden("plan.txt", done.out)
    assert visited(open_site) == 0
    assert sorted(file.name for file in tmp_path.iterdir()) == ["atlascan.yaml"]


@pytest.mark.parametrize("scenario", ["open_site", "locked_site"])
def test_no_endpoint_is_asked_less_than_the_plan_calls_the_least(
    tmp_path: Path, request: pytest.FixtureRequest, atlascan: Atlascan, scenario: str
) -> None:
    written(tmp_path, request.getfixturevalue(scenario), undocumented=True, probe=True)
    plan = planned(tmp_path)
    assert atlascan("snapshot", "--all").code == 0

    took = {each.endpoint: each.requests for each in snapshots.load(str(tmp_path / TARGET)).header.endpoints}
    least = {each.endpoint: each.requests for each in plan.of(Basis.LEAST)}
    assert least.keys() == took.keys() == {each.name for each in ENDPOINTS}
    assert {name: number for name, number in least.items() if number > took[name]} == {}


def test_what_depends_on_what_is_found_says_so() -> None:
    found = forecast_of()

    assert row(found, "GET /rest/api/3/project/{projectKey}/permissionscheme").notes == ("1 for each jira.project",)
    assert row(found, PROJECTS) == Expected(PROJECTS, Basis.LEAST, (), len(SITES), len(SITES) * ASSUMED_SECONDS)


def test_to_find_the_only_organization_takes_a_request_more() -> None:
    numbers = [row(forecast_of(org_id=org_id), "GET /v1/orgs/{orgId}").requests for org_id in ("acme-org", None)]

    assert numbers == [1, 2]


# -------------------------------------------------------------------------------------------------------- with an earlier one


@pytest.mark.parametrize(("auth", "secrets"), [("basic", ADMIN), ("oauth", CLIENT)])
def test_what_an_earlier_snapshot_took_the_next_one_sends(
    tmp_path: Path, open_site: StandIn, atlascan: Atlascan, auth: str, secrets: Mapping[str, str]
) -> None:
    written(tmp_path, open_site, auth=auth, undocumented=True, probe=True)
    assert atlascan("snapshot", "--all", credentials=secrets).code == 0
    plan = planned(tmp_path, secrets)
    visited(open_site)
    assert atlascan("snapshot", "--all", credentials=secrets).code == 0

    took = {each.endpoint: each.requests for each in snapshots.load(str(tmp_path / TARGET)).header.endpoints}
    assert {each.endpoint: each.requests for each in plan.expected if each.endpoint in took} == took
    assert visited(open_site) == plan.requests


def test_the_whole_plan_by_an_earlier_snapshot_is_as_reviewed() -> None:
    earlier = header(
        counted("GET /v1/orgs/{orgId}", 1, seconds=0.1),
        counted(EVENTS, 25, seconds=5.0),
        counted(PROJECTS, 2400, retries=30, seconds=720.0, complete=False),
        counted("GET /rest/api/3/project/{projectKey}/permissionscheme", 190_000, seconds=50_000.0),
    )
    text = plain(rendered.page(forecast_of(earlier, opt_ins=frozenset())))

    assert text == golden("plan-earlier.txt", text)


def test_requests_that_were_sent_again_are_not_counted_on() -> None:
    found = forecast_of(header(counted(PROJECTS, 10, retries=3, seconds=2.0)))

    assert (row(found, PROJECTS).requests, found.each) == (7, 0.2)


def test_a_published_ceiling_takes_its_time_however_many_ask_at_once() -> None:
    most, window = CEILINGS[EVENTS.partition(" ")[2]]
    found = forecast_of(header(counted(EVENTS, 2 * most + 1, seconds=0.1)), concurrency=64)

    assert (row(found, EVENTS).seconds, found.seconds) == (2 * window, 2 * window)


def test_more_at_a_time_take_less_time() -> None:
    earlier = header(counted(PROJECTS, 1000, seconds=500.0))
    one, eight = (forecast_of(earlier, concurrency=concurrency) for concurrency in (1, 8))

    assert one.requests == eight.requests
    assert one.seconds == pytest.approx(8 * eight.seconds)


def test_what_was_not_asked_then_is_not_taken_for_nothing() -> None:
    off_then = counted(PROJECTS, 0, complete=False)
    nothing_to_ask_then = counted("GET /rest/api/3/group/member", 0)
    found = forecast_of(header(off_then, nothing_to_ask_then))

    assert row(found, PROJECTS).basis is Basis.LEAST
    assert (row(found, "GET /rest/api/3/group/member").basis, found.of(Basis.EARLIER)[0].requests) == (Basis.EARLIER, 0)


def test_a_recording_tells_how_many_requests_and_not_how_long_they_take() -> None:
    found = forecast_of(header(counted(PROJECTS, 10, seconds=0.001), recorded="https://acme.atlassian.net"))

    assert (row(found, PROJECTS).requests, found.each, found.is_assumed) == (10, ASSUMED_SECONDS, True)


@pytest.mark.parametrize("others", [{"acme": SITES["acme"]}, {**SITES, "eu": "https://elsewhere.atlassian.net"}])
def test_a_snapshot_of_other_sites_is_not_gone_by(others: Mapping[str, str]) -> None:
    found = forecast_of(header(counted(PROJECTS, 10), sites=others))

    assert (found.earlier, found.of(Basis.EARLIER)) == (None, ())


def test_an_earlier_snapshot_of_no_use_is_warned_of(tmp_path: Path, open_site: StandIn, atlascan: Atlascan) -> None:
    written(tmp_path, open_site)
    snapshots.write(str(tmp_path / "other.ndjson"), header(), ())
    (tmp_path / "broken.ndjson").write_text("{}\n", encoding="utf-8")
    other, broken, none = (atlascan("snapshot", "--plan", "-o", f"{name}.ndjson") for name in ("other", "broken", "none"))

    assert other.err == "warning: other.ndjson is a snapshot of something else, and tells nothing of this\n"
    assert broken.err == "warning: broken.ndjson:1: not a snapshot of atlascan, so it is not gone by\n"
    assert {(done.code, done.out) for done in (other, broken)} == {(none.code, none.out)} == {(0, none.out)}


# --------------------------------------------------------------------------------------------------------- what is not asked


def test_without_any_credential_only_what_needs_none_is_asked() -> None:
    found = forecast_of(secrets=Credentials())

    asked = {each.endpoint for each in found.of(Basis.LEAST)}
    assert asked == {each.name for each in ENDPOINTS if each.opt_in == "probe"}
    assert {each.requests for each in found.of(Basis.NOT_ASKED)} == {0}


def test_what_is_opt_in_and_off_is_not_asked_whatever_an_earlier_snapshot_took() -> None:
    names = {each.name for each in ENDPOINTS if each.opt_in}
    found = forecast_of(header(*(counted(name, 5) for name in names)), opt_ins=frozenset())

    assert {each.endpoint for each in found.of(Basis.NOT_ASKED)} == names
    assert found.of(Basis.EARLIER) == ()


def test_a_plan_goes_with_nothing_that_sends(atlascan: Atlascan) -> None:
    for other in ("--record=a", "--replay=a", "--resume"):
        done = atlascan("snapshot", "--plan", other)
        assert (done.code, "--plan sends nothing" in done.err) == (2, True)


@pytest.mark.parametrize("opt_ins", [OPT_INS, frozenset[str]()])
def test_a_plan_can_be_read_in_80_columns(opt_ins: frozenset[str]) -> None:
    text = plain(rendered.page(forecast_of(header(counted(PROJECTS, 10)), opt_ins=opt_ins)), width=80)

    assert [line for line in text.splitlines() if len(line) > 80] == []
