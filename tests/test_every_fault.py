"""Each fault of the weather on one list: recovered, or a gap that says why; never a loop, and no list that only looks whole."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from scanner.collect import pace
from scanner.model import Gap
from tests.conftest import Atlascan
from tests.fake_atlassian.server import running
from tests.fake_atlassian.weather import (
    Drip,
    EmptyPage,
    Fault,
    ForeignNext,
    NotJson,
    Redirect,
    Reset,
    SameCursor,
    Status,
    TooMany,
    Truncated,
    Weather,
    WrongTotal,
)
from tests.test_collect import Collected
from tests.turning import Turning, hurried

pytestmark = pytest.mark.long

__all__ = ["hurried"]

PROJECTS = "/rest/api/3/project/search"
TOKENS = "/admin/api-access/v1/orgs/*/api-tokens"
SPACES = "/wiki/api/v2/spaces"
FOR_EVER = None


@dataclass(frozen=True)
class Site:
    """Be a stand-in whose weather turns, as an account sees it: a look from outside would meet the same fault on other pages."""

    turning: Turning
    calm: Collected

    def met(self, fault: Fault) -> Collected:
        return self.turning.met(fault, probe=False)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with running("open") as at:
        turning = Turning(at)
        yield Site(turning, turning.met(probe=False))


def passing(fault: Fault) -> Fault:
    return msgspec.structs.replace(fault, from_request=2, times=1)


@pytest.mark.parametrize(
    "fault",
    [
        passing(TooMany(path=PROJECTS)),
        passing(TooMany(path=PROJECTS, retry_after=0)),
        passing(TooMany(path=PROJECTS, retry_after=1, as_date=True)),
        passing(Status(path=PROJECTS, status=500)),
        passing(Status(path=PROJECTS, status=502)),
        passing(Status(path=PROJECTS, status=503, plain=True)),
        passing(Status(path=PROJECTS, status=504)),
        passing(Reset(path=PROJECTS)),
        passing(Truncated(path=PROJECTS)),
        passing(Drip(path=PROJECTS, wait_ms=5, pieces=4)),
    ],
    ids=repr,
)
def test_a_fault_that_passes_costs_a_request_and_nothing_else(site: Site, fault: Fault) -> None:
    met = site.met(fault)

    assert met.records == site.calm.records
    more = met.coverage["jira.project"].requests - site.calm.coverage["jira.project"].requests
    assert more == (0 if isinstance(fault, Drip) else 1)
    assert met.coverage["jira.project"].complete


def lasting(fault: Fault) -> Fault:
    return msgspec.structs.replace(fault, from_request=2, times=FOR_EVER)


@pytest.mark.parametrize(
    ("fault", "reason", "detail"),
    [
        (lasting(TooMany(path=PROJECTS, retry_after=0)), "gave-up", "answered 429 every time, after 2 records"),
        (lasting(Status(path=PROJECTS, status=500)), "gave-up", "answered 500 every time, after 2 records"),
        (lasting(Status(path=PROJECTS, status=503)), "gave-up", "answered 503 every time, after 2 records"),
        (lasting(Status(path=PROJECTS, status=401)), "forbidden", "the credentials were not accepted (401)"),
        (lasting(Status(path=PROJECTS, status=403)), "forbidden", "refused (403)"),
        (lasting(Status(path=PROJECTS, status=404)), "not-found", "not found (404)"),
        (lasting(Status(path=PROJECTS, status=410)), "unsupported", "not supported here (410)"),
        (lasting(Reset(path=PROJECTS)), "gave-up", "the connection failed"),
        (lasting(Truncated(path=PROJECTS)), "gave-up", "the answer broke off"),
        (lasting(NotJson(path=PROJECTS)), "malformed", "the answer is not JSON"),
        (lasting(Redirect(path=PROJECTS)), "malformed", "redirected (302), which is not followed"),
        (lasting(EmptyPage(path=PROJECTS)), "malformed", "an empty page that is not the last"),
        (WrongTotal(path=PROJECTS, times=FOR_EVER), "malformed", "were announced, but 6 came"),
        (SameCursor(path=SPACES, from_request=2, times=FOR_EVER), "malformed", "the pages go round in a circle"),
        (SameCursor(path=TOKENS, from_request=2, times=FOR_EVER), "malformed", "the pages go round in a circle"),
        (ForeignNext(path=SPACES, times=FOR_EVER), "malformed", "the next page is on another host"),
        (ForeignNext(path=TOKENS, times=FOR_EVER), "malformed", "the next page is on another host"),
    ],
    ids=repr,
)
def test_a_fault_that_stays_is_a_gap_and_what_came_before_is_kept(site: Site, fault: Fault, reason: str, detail: str) -> None:
    kind = {PROJECTS: "jira.project", SPACES: "confluence.space", TOKENS: "org.api_token"}[fault.path]
    met = site.met(fault)

    told = [gap for gap in met.gaps if gap.kind == kind and gap.id is None and detail in gap.detail]
    assert [gap.reason for gap in told] == [reason], met.gaps_of(kind)
    assert not met.coverage[kind].complete
    assert set(met.ids(kind)) <= set(site.calm.ids(kind))


def test_one_project_that_refuses_is_one_gap_and_the_others_are_known(site: Site) -> None:
    key = site.calm.ids("jira.project")[0].partition("/")[2]
    met = site.met(Status(path=f"/rest/api/3/project/{key}/roledetails", status=403, times=FOR_EVER))

    gaps = [gap for gap in met.gaps if gap.kind == "jira.project_role"]
    assert [(gap.reason, gap.parent) for gap in gaps] == [("forbidden", f"jira.project/acme/{key}")]
    lost = {each for each in site.calm.ids("jira.project_role") if each.startswith(f"acme/{key}/")}
    assert set(met.ids("jira.project_role")) == set(site.calm.ids("jira.project_role")) - lost
    others = [gap for gap in met.records if isinstance(gap, Gap) and gap.kind != "jira.project_role"]
    assert others == [gap for gap in site.calm.records if isinstance(gap, Gap)]


PEOPLE = "/admin/v2/orgs/*/directories/-/users/search"
SEARCH = "POST /v2/orgs/{orgId}/directories/-/users/search"


def test_a_retry_is_counted_where_it_was_needed_and_nowhere_else(site: Site) -> None:
    met = site.met(Status(path=PEOPLE, status=503, from_request=2, times=3))

    assert met.records == site.calm.records
    assert {name: each.retries for name, each in met.endpoints.items() if each.retries} == {SEARCH: 3}
    assert met.endpoints[SEARCH].complete
    assert met.endpoints[SEARCH].pages == site.calm.endpoints[SEARCH].pages


@pytest.mark.parametrize(("path", "kind"), [(PROJECTS, "jira.project"), (PEOPLE, "org.user")])
def test_a_page_that_comes_again_is_asked_for_once_more_and_not_for_ever(site: Site, path: str, kind: str) -> None:
    """The number of the next page is always another: only what is on it tells that it came before."""
    met = site.met(SameCursor(path=path, from_request=2, times=FOR_EVER))

    assert met.gaps_of(kind)[0].endswith("malformed: the pages go round in a circle")
    assert met.endpoints[SEARCH if path == PEOPLE else f"GET {PROJECTS}"].requests == 2


@pytest.mark.parametrize("path", [TOKENS, PEOPLE, SPACES])
def test_an_empty_page_in_the_middle_of_a_list_is_not_passed_over(site: Site, path: str) -> None:
    kind = {TOKENS: "org.api_token", PEOPLE: "org.user", SPACES: "confluence.space"}[path]
    met = site.met(EmptyPage(path=f"{path[:-1]}?"))

    assert any(gap.endswith("malformed: an empty page that is not the last") for gap in met.gaps_of(kind))
    assert not met.coverage[kind].complete


@pytest.mark.parametrize(
    "fault",
    [
        TooMany(path="/", retry_after=0, times=FOR_EVER),
        *(Status(path="/", status=status, times=FOR_EVER) for status in (401, 403, 404, 410, 500, 503, 505)),
        Reset(path="/", times=FOR_EVER),
        Truncated(path="/", times=FOR_EVER),
        NotJson(path="/", times=FOR_EVER),
        Redirect(path="/", times=FOR_EVER),
    ],
    ids=repr,
)
def test_where_nothing_can_be_read_every_kind_says_so_and_the_end_comes_soon(site: Site, fault: Fault) -> None:
    met = site.met(fault)

    assert not met.resources
    assert [kind for kind, coverage in met.coverage.items() if coverage.complete] == []
    assert len(met.log) <= (1 + pace.WAITS) * len(site.calm.log)


def test_the_program_says_what_a_fault_hides_and_does_not_pass(atlascan: Atlascan, tmp_path: Path) -> None:
    faults = (
        NotJson(path=PROJECTS, times=FOR_EVER),
        Status(path="/rest/servicedesk/1/servicedesk/IT/settings/requestsecurity", status=403, times=FOR_EVER),
        Reset(path="/admin/v1/orgs"),
    )
    with running("locked", Weather(faults=faults)) as at:
        text = f"sites: [{{name: acme, url: '{at.sites['acme']}'}}]\napi_url: {at.api_url}\ncollect: {{undocumented: true}}\n"
        text += "params: {audit/no-impersonation: {support_staff: [ben@acme.example]}}\n"
        (tmp_path / "atlascan.yaml").write_text(text, encoding="utf-8")
        done = atlascan("scan")

    assert done.code == 3, done.err
    assert "Traceback" not in done.err
    assert "refused (403)" in done.out
    assert "the answer is not JSON" in done.out
