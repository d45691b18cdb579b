"""What a collection costs: its requests against the fewest that Atlassian permits, its time against the ideal, and its memory.

Run with `make bench`. The other end is the stand-in site, in a process of its own. What the fewest are is worked out in
`docs/collection.md`: its table of endpoints and formulas is read here, and filled with the numbers of the scenario.
"""

import json
import math
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import requests
from requests.adapters import HTTPAdapter

from scanner import evaluate, policies
from scanner.collect import walk
from scanner.collect.api import Api, Credentials
from scanner.collect.endpoint import Endpoint
from scanner.collect.journal import Journal
from scanner.collect.tables import ENDPOINTS, Needs, demand
from tests.fake_atlassian.scenario import Dashboard, Filter, Scenario, Site, load
from tests.fake_atlassian.server import StandIn, running
from tests.fake_atlassian.site_jira import seen_by
from tests.fake_atlassian.site_roles import roles_of
from tests.fake_atlassian.weather import Limit, Weather
from tests.sites import ADMIN, NO_KEYRING

PAGE = Path(__file__).parent.parent / "docs" / "collection.md"
ROW = re.compile(r"^\| `([^`]+)` \|[^|]*\| `([^`]+)` \|", re.MULTILINE)
AUDIT_DAYS = 30
CONCURRENCY = 16
MOST_REQUESTS, MOST_MEMORY = 1.05, 150
# A child's peak counts what its parent held when it was started, so a small process starts the program, and tells how large it got.
WEIGHED = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""

# Few lists and, below them, about two thousand single things to ask for, all of one endpoint of one site: so the ideal can be told.
SCHEMES: Needs = frozenset({("jira.project", "permission_scheme")})
ONE_SITE = "large:sites=1,projects=3000,users=1000,groups=50,spaces=1,filters=1,dashboards=1,audit_records=1,events=1,tokens=1"
LATENCY_MS, PAIRS, MOST_PACE = 75, 3, 1.15
# Counted for each site, endpoint and method, as Atlassian counts bursts.
LIMIT = Limit(per_second=100, burst=50, retry_after=1)
MOST_UNDER_LIMIT, MOST_REFUSED = 1.25, 0.03


def main() -> int:
    """Print what was measured against each target; fail if one was missed."""
    kept = [*frugality(), *pace(), *limit()]
    return int(not all(kept))


# ------------------------------------------------------------------------------------------------------ requests and memory


def frugality() -> Iterator[bool]:
    """Run the program on the large scenario, and compare what it asked with the fewest, and its memory with the target."""
    scenario = load("large")
    users, projects = len(scenario.users), sum(len(site.projects) for site in scenario.sites)
    print(f"large: {len(scenario.sites)} sites, {projects:,} projects, {users:,} users, {len(scenario.groups):,} groups")
    print(f"  {'':14}{'requests':>9}{'fewest':>9}{'ratio':>7}{'/1,000 projects':>17}{'/1,000 users':>14}{'seconds':>9}{'MiB':>6}")
    with running("large") as site:
        for name in (*policies.profiles(), "--all"):
            took = _scanned(site, scenario, name)
            needs = None if name == "--all" else evaluate.needs(policies.select(policies.load(), name, {}, {}, None))
            fewest = _fewest(needs, _counted(scenario))
            ratio = took.requests / sum(fewest.values())
            of_sites, of_org = took.of_sites / projects * 1000, (took.requests - took.of_sites) / users * 1000
            row = f"  {name:14}{took.requests:9,}{sum(fewest.values()):9,}{ratio:7.3f}{of_sites:17.1f}{of_org:14.1f}"
            print(f"{row}{took.seconds:9.1f}{took.mebibytes:6.0f}")
            for asked, were, few in _unlike(took.asked, fewest):
                print(f"    {asked}: {were:,} for {few:,}")
            if name != "--all":
                yield _kept("requests, times the fewest", ratio, MOST_REQUESTS)
            yield _kept("memory, MiB", took.mebibytes, MOST_MEMORY)


@dataclass(frozen=True, slots=True)
class Took:
    """What a run of the program asked, as the stand-in counted it, and what it took."""

    asked: Counter[str]
    of_sites: int
    seconds: float
    mebibytes: float

    @property
    def requests(self) -> int:
        """Return how many requests there were in all."""
        return self.asked.total()


def _scanned(site: StandIn, scenario: Scenario, name: str) -> Took:
    with tempfile.TemporaryDirectory() as folder:
        config = {
            "profile": "it-controlled" if name == "--all" else name,
            "org": {"id": scenario.org.id},
            "api_url": site.api_url,
            "sites": [{"name": each, "url": url} for each, url in site.sites.items()],
            "collect": {"undocumented": True, "audit_days": AUDIT_DAYS, "concurrency": CONCURRENCY},
        }
        (Path(folder) / "atlascan.yaml").write_text(json.dumps(config), encoding="utf-8")
        program = [sys.executable, "-m", "scanner", "snapshot", "--config", f"{folder}/atlascan.yaml", "-o", f"{folder}/a.ndjson"]
        command = [sys.executable, "-c", WEIGHED, *program, *(["--all"] if name == "--all" else [])]
        started = time.perf_counter()
        weighed = subprocess.run(command, env={**os.environ, **ADMIN, **NO_KEYRING}, check=True, capture_output=True)
        seconds = time.perf_counter() - started
    of_org, *of_sites = (_visits(url) for url in (site.api_url, *site.sites.values()))
    there = sum(of_sites, Counter[str]())
    return Took(of_org + there, there.total(), seconds, int(weighed.stdout) / 1024)


def _visits(url: str) -> Counter[str]:
    """Return which requests came to a face of the stand-in, and have it count anew."""
    counted: dict[str, int] = requests.get(f"{url}/__stand_in__/requests", timeout=60).json()["requests"]
    requests.post(f"{url}/__stand_in__/reset", timeout=60)
    return Counter({_plain(name): number for name, number in counted.items()})


def _unlike(asked: Mapping[str, int], fewest: Mapping[str, int]) -> Iterator[tuple[str, int, int]]:
    for name in sorted(asked.keys() | fewest.keys()):
        if asked.get(name, 0) != fewest.get(name, 0):
            yield name, asked.get(name, 0), fewest.get(name, 0)


# ---------------------------------------------------------------------------------------------------------------- the fewest


def _fewest(needs: Needs | None, counts: Mapping[str, Sequence[int]]) -> Counter[str]:
    """Return the fewest requests for these facts, by what is asked."""
    formulas = dict(ROW.findall(PAGE.read_text(encoding="utf-8")))
    fewest: Counter[str] = Counter()
    for number in demand(needs).endpoints:
        if ENDPOINTS[number].opt_in != "probe":
            for name in _names(ENDPOINTS[number]):
                fewest[_plain(name)] += _filled(formulas[name], counts)
    return fewest


def _names(endpoint: Endpoint) -> tuple[str, ...]:
    return (endpoint.name, f"GET {endpoint.detail}") if endpoint.detail else (endpoint.name,)


def _plain(name: str) -> str:
    """Return what is asked, whatever its parameters are called, and where the admin API lies."""
    return re.sub(r"\{\w+\}", "{}", name.partition("?")[0]).replace(" /admin/", " /").replace("/directories/{}/", "/directories/-/")


def _filled(formula: str, counts: Mapping[str, Sequence[int]]) -> int:
    """Return what a formula comes to: a sum of numbers, of things, and of lists of things / so many on a page."""
    total = 0
    for term in formula.split(" + "):
        things, _, size = term.partition(" / ")
        if things.isdecimal():
            total += int(things)
        elif size:
            total += sum(max(1, math.ceil(count / int(size.replace(",", "")))) for count in counts[things])
        else:
            total += sum(counts[things])
    return total


def _counted(scenario: Scenario) -> dict[str, Sequence[int]]:
    """Return how much there is of everything in a scenario that the formulas speak of: a number for each list."""
    sites, desks = scenario.sites, [desk for site in scenario.sites for desk in site.desks.values()]
    administering = [[group for group in site.jira.groups if group.access == "admin"] for site in sites]
    members = [len(site.jira.active_members(group)) for site, groups in zip(sites, administering, strict=True) for group in groups]
    return {
        "apps": [len(scenario.workspaces)],
        "approved domains": [sum(each.domain != "ANYONE" for each in scenario.access_domains)],
        "directories": [len(scenario.directories)],
        "people": [len(scenario.users)],
        "people whom no group explains": [_unexplained(scenario)],
        "groups": [len(scenario.groups)],
        "events of the window": [sum(_is_recent(event.time) for event in scenario.events)],
        "API tokens": [len(scenario.api_tokens)],
        "API keys": [len(scenario.api_keys)],
        "service accounts": [len(scenario.service_accounts)],
        "sites": [1 for _ in sites],
        "projects": [len(site.projects) for site in sites],
        "company-managed projects": [sum(each.style == "classic" for each in site.projects) for site in sites],
        "filters": [sum(bool(each.shares) or _is_seen(site, each) for each in site.jira.filters) for site in sites],
        "dashboards": [sum(_is_seen(site, each) for each in site.jira.dashboards) for site in sites],
        "groups of administrators": [len(groups) for groups in administering],
        "members of each": members,
        "accounts": [len(site.jira.users) for site in sites],
        "project roles": [sum(len(roles_of(site, project)) for project in site.projects) for site in sites],
        "records of the window": [sum(_is_recent(each.created) for each in site.jira.audit_records) for site in sites],
        "desks": [len(site.desks) for site in sites],
        "customers of each desk": [len(desk.customers) for desk in desks],
        "organizations of each desk": [len(desk.organizations) for desk in desks],
        "request types": [sum(len(desk.request_types) for desk in site.desks.values()) for site in sites],
        "spaces": [_spaces(site) for site in sites],
        "spaces of a site without roles": [_spaces(site) for site in sites if not _has_roles(site)],
        "spaces of a site with roles": [_spaces(site) for site in sites if _has_roles(site)],
    }


def _unexplained(scenario: Scenario) -> int:
    """Count the people who may use an app that none of their groups gives them."""
    given = {group.id: {role.resource_id for role in group.roles} for group in scenario.groups}
    count = 0
    for user in scenario.users:
        used = {f"ari:cloud:{each.key}::site/{each.site}" for each in user.products}
        count += bool(used - set().union(*(given[group] for group in user.groups)))
    return count


def _is_seen(site: Site, shared: Filter | Dashboard) -> bool:
    return seen_by(site.accounts[0], site, shared)


def _is_recent(moment: str) -> bool:
    now = datetime.now(UTC)
    return now - timedelta(days=AUDIT_DAYS) <= datetime.fromisoformat(moment) <= now


def _spaces(site: Site) -> int:
    return sum(space.status == "current" for space in site.confluence.spaces) if site.confluence else 0


def _has_roles(site: Site) -> bool:
    return site.confluence is not None and site.confluence.role_mode == "ROLES"


# ----------------------------------------------------------------------------------------------------------------------- time


def pace() -> Iterator[bool]:
    """Compare how long a collection takes with the ideal, in turns with a pool of threads that asks for the same and no more."""
    print(f"pace: latency {LATENCY_MS} ms, concurrency {CONCURRENCY}, {PAIRS} pairs")
    with running(ONE_SITE, Weather(latency_ms=LATENCY_MS)) as site:
        urls = _walked(site).urls  # once for the stand-in
        pairs = [(_walked(site).seconds, _floor(urls)) for _ in range(PAIRS)]
    ideal = len(urls) * LATENCY_MS / 1000 / CONCURRENCY
    ours, floor = (median(times) for times in zip(*pairs, strict=True))
    print(f"  {len(urls):,} requests; ideal {ideal:.2f} s, bare pool of threads {floor:.2f} s, ours {ours:.2f} s")
    print(f"  bare pool / ideal {floor / ideal:.3f}, ours / bare pool {ours / floor:.3f}")
    yield _kept("time, times the ideal", ours / ideal, MOST_PACE)


def limit() -> Iterator[bool]:
    """Compare how long a collection takes with the ideal under a limit, and count how often it ran into that."""
    print(f"limit: {LIMIT.per_second:.0f} requests/s, burst {LIMIT.burst}, Retry-After {LIMIT.retry_after} s, for each endpoint")
    with running(ONE_SITE, Weather(latency_ms=LATENCY_MS, limit=LIMIT)) as site:
        walked = _walked(site)
    most = max(Counter(re.sub(r"/project/[^/]+/", "/project/{}/", url) for url in walked.urls).values()) - walked.refused
    ideal = (most - LIMIT.burst) / LIMIT.per_second
    print(f"  {most:,} of one endpoint; ideal {ideal:.2f} s, ours {walked.seconds:.2f} s, refused {walked.refused}")
    yield _kept("time, times the ideal under the limit", walked.seconds / ideal, MOST_UNDER_LIMIT)
    yield _kept("refused, of all requests", walked.refused / len(walked.urls), MOST_REFUSED)


@dataclass(frozen=True, slots=True)
class Walked:
    """What a collection asked, again if need be, and how long that took."""

    urls: tuple[str, ...]
    refused: int
    seconds: float


def _walked(site: StandIn) -> Walked:
    log: list[str] = []
    account = (ADMIN["ATLASCAN_EMAIL"], ADMIN["ATLASCAN_API_TOKEN"])
    credentials = Credentials(sites=dict.fromkeys(site.sites, account))
    api = Api(site.api_url, site.sites, credentials, concurrency=CONCURRENCY, log=log.append, detailed=True)
    options = walk.Options(None, tuple(site.sites), frozenset(), CONCURRENCY, SCHEMES)
    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder) / "a.journal") as journal:
        started = time.perf_counter()
        went = walk.collect(api, options, journal)
        seconds = time.perf_counter() - started
    api.close()
    if gaps := sum(kind.gaps for kind in went.kinds):
        raise RuntimeError(f"{gaps} gaps: what was measured is no whole collection")
    refused = sum(": 429," in line for line in log)
    return Walked(tuple(line.split(" ")[1].removesuffix(":") for line in log), refused, seconds)


def _floor(urls: Sequence[str]) -> float:
    """Return how long it takes to ask for all of these, when nobody has to find out what to ask, or keeps what comes."""
    session = requests.Session()
    session.trust_env = False
    session.auth = (ADMIN["ATLASCAN_EMAIL"], ADMIN["ATLASCAN_API_TOKEN"])
    session.mount("http://", HTTPAdapter(pool_maxsize=CONCURRENCY))
    started = time.perf_counter()
    with session, ThreadPoolExecutor(CONCURRENCY) as pool:
        deque(pool.map(session.get, urls), maxlen=0)
    return time.perf_counter() - started


# -------------------------------------------------------------------------------------------------------------------- verdict


def _kept(what: str, measured: float, most: float) -> bool:
    kept = measured <= most
    print(f"  {'kept  ' if kept else 'MISSED'} {what}: {measured:.3g}, target at most {most:g}")
    return kept


if __name__ == "__main__":
    sys.exit(main())
