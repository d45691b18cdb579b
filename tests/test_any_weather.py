"""Whatever the weather, a scan says nothing that the scan in good weather does not say, but that it does not know."""

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from scanner import evaluate, policies
from scanner.collect import walk
from scanner.collect.api import Surface
from scanner.collect.endpoint import Pager
from scanner.conditions import Condition, Constant, Count, Each, Test
from scanner.config import Declaration
from scanner.kinds import KINDS, Fact, FactType
from scanner.model import Finding, Gap, Header, Policy, Resource, Rule, Snapshot, Target, Verdict
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
    WrongTotal,
)
from tests.test_collect import Collected
from tests.turning import Turning, hurried

pytestmark = pytest.mark.long

__all__ = ["hurried"]

# What nobody asks as long as something else tells enough: then a fault may let more be known.
ASKED_INSTEAD = {("org.user_role_assignments", "assignments")}
# Of each scenario. ATLASCAN_EXAMPLES asks for more, for somebody who has the time.
EXAMPLES = int(os.environ.get("ATLASCAN_EXAMPLES", "20"))
NOW = datetime(2026, 11, 22, tzinfo=UTC)
SCENARIOS = (
    "open",
    "locked",
    "large:sites=2,projects=6,users=9,groups=4,spaces=5,filters=5,dashboards=4,tokens=3,events=4,audit_records=4",
)


@dataclass(frozen=True)
class Known:
    """Be what a collection in good weather tells, and how it is judged."""

    collected: Collected
    rules: tuple[Rule, ...]
    verdicts: Mapping[tuple[str, str], Verdict]
    resources: Mapping[str, Resource]

    @classmethod
    def of(cls, calm: Collected) -> "Known":
        rules = tuple(_rules(calm))
        return cls(calm, rules, _verdicts(_judged(rules, calm)), {each.address: each for each in calm.resources})

    def wrongs(self, met: Collected) -> Iterator[str]:
        """Yield what another collection says that this one does not, and what it keeps silent about."""
        yield from (f"{each.address} is not there" for each in met.resources if each.address not in self.resources)
        findings = _judged(self.rules, met)
        verdicts = _verdicts(findings)
        for (policy, address), verdict in verdicts.items():
            was = self.verdicts.get((policy, address))
            if verdict not in (was, Verdict.UNKNOWN):
                yield f"{policy} on {address}: {was} -> {verdict}"
        reported = {(finding.policy, finding.address) for finding in findings if finding.reason}
        for policy, address in self.verdicts.keys() - verdicts.keys():
            verdict, kind = self.verdicts[policy, address], address.partition("/")[0]
            hiding = [gap for gap in met.gaps if gap.kind == kind and self._hides(gap, address)]
            if not hiding:
                yield f"{policy} on {address}: {verdict} -> nothing, and no gap speaks of it"
            elif verdict is not Verdict.NOTAPPLICABLE and not any((policy, gap.address) in reported for gap in hiding):
                yield f"{policy} on {address}: {verdict} -> nothing, and the policy does not report the gap"
        for kind, coverage in met.coverage.items():
            if coverage.complete and set(met.ids(kind)) != set(self.collected.ids(kind)):
                yield f"{kind} is said to be complete, and is not"

    def _hides(self, gap: Gap, address: str) -> bool:
        """Tell whether a gap speaks of what has this address: of itself, or of all of its kind below what it is below."""
        if gap.id is not None:
            return f"{gap.kind}/{gap.id}" == address
        return gap.parent is None or address == gap.kind or gap.parent in self._above(address)

    def _above(self, address: str) -> Iterator[str]:
        """Yield the addresses of what a resource is listed by, and their kinds: a gap names these where it knows of no address."""
        if resource := self.resources.get(address):
            yield from (f"jsm.service_desk/{desk}" for desk in resource.facts.get("desks", ()))
        while (resource := self.resources.get(address)) and resource.parent:
            address = resource.parent
            yield address
            yield address.partition("/")[0]


def _judged(rules: Sequence[Rule], found: Collected) -> list[Finding]:
    coverage = tuple(found.coverage.values())
    header = Header(id="1", taken_at=NOW, tool="tests", target=Target(org=None, sites={}), coverage=coverage)
    snapshot = Snapshot(header, lambda: found.records)
    return list(evaluate.evaluate(rules, snapshot, Declaration({"acme/HR": "employees"})))


def _verdicts(findings: Sequence[Finding]) -> dict[tuple[str, str], Verdict]:
    return {(finding.policy, finding.address): finding.verdict for finding in findings if finding.reason is None}


# ----------------------------------------------------------------------------------------------------------------- the rules


def _rules(calm: Collected) -> list[Rule]:
    """Return the rules of the shipped profile, and for each fact that is told some that it meets here and there."""
    shipped = policies.select(policies.load(), "it-controlled", {"company_domains": ["acme.example"]}, {}, None)
    return [*shipped, *_made(calm)]


def _made(calm: Collected) -> Iterator[Rule]:
    by_kind: dict[str, list[Resource]] = {}
    for resource in calm.resources:
        by_kind.setdefault(resource.kind, []).append(resource)
    for kind, resources in by_kind.items():
        for name, fact in KINDS[kind].facts.items():
            if (kind, name) in ASKED_INSTEAD:
                continue
            for value in _told(name, fact, resources):
                for word, condition in _tests(name, fact, value):
                    yield _rule(f"{name}-{word}", kind, condition)
        for other in ("org", "jira.site"):
            number = len(resources)
            yield _rule(f"no-fewer-{kind}", other, Count(None, kind, (), None, Constant(number), None))
            yield _rule(f"fewer-{kind}", other, Count(None, kind, (), None, None, Constant(number - 1)))


def _told(name: str, fact: Fact, resources: Sequence[Resource]) -> list[Any]:
    """Return a value or two that resources have for a fact, or items of its lists."""
    values = [each.facts[name] for each in resources if each.facts.get(name) is not None]
    match fact.type:
        case FactType.TEXTS:
            values = [item for value in values for item in value]
        case FactType.OBJECTS:
            values = [item[fact.key or ""] for value in values for item in value if fact.key in item]
    return list(dict.fromkeys(values))[:2] if fact.type is not FactType.OBJECT else []


def _tests(name: str, fact: Fact, value: Any) -> Iterator[tuple[str, Condition]]:  # noqa: ANN401  a fact's value
    wanted = (Constant(value),)
    match fact.type:
        case FactType.TEXTS:
            yield "contains", Test(name, "contains", wanted)
            yield "excludes", Test(name, "excludes", wanted)
        case FactType.OBJECTS:
            one = Test(str(fact.key), "equals", wanted)
            yield "some", Each(name, "some", one, fact.key)
            yield "none", Each(name, "none", one, fact.key)
            yield "many", Count(name, None, (), None, Constant(2), None)
        case _:
            yield "equals", Test(name, "equals", wanted)
            yield "differs", Test(name, "not_equals", wanted)


_NUMBER = Counter[str]()


def _rule(name: str, kind: str, require: Condition) -> Rule:
    id_ = f"made/{kind}-{name}"
    _NUMBER[id_] += 1
    policy = replace(_blank(), id=f"{id_}-{_NUMBER[id_]}", kind=kind, require=require)
    return Rule(policy, policy.severity, {})


@cache
def _blank() -> Policy:
    policy = policies.load()["access/no-invites-allowed"]
    return replace(policy, where=None, settled_by=None, raises=(), failure="it is not so", evidence=(), params={})


# ---------------------------------------------------------------------------------------------------------------- the faults


@dataclass(frozen=True)
class Places:
    """Be the paths that a site is asked at: all, and those of lists that have several pages."""

    all: tuple[str, ...]
    lists: tuple[str, ...]

    @classmethod
    def of(cls, calm: Collected) -> "Places":
        asked = Counter(urlsplit(each.split()[1].rstrip(":")).path for each in calm.log)
        everything = sorted({*asked, "/", "/admin", "/rest/api/3", "/wiki", "/rest/servicedeskapi"})
        is_list = re.compile("(/admin)?(" + "|".join(re.sub(r"\{\w+\}", "[^/]+", path) for path in _paths_of_lists()) + ")")
        lists = sorted(path for path, times in asked.items() if times > 1 and is_list.fullmatch(path))
        return cls(tuple(everything), tuple(lists))

    def put(self, fault: Fault) -> Fault:
        """Let a fault strike at the place that has its number."""
        number = int(fault.path)
        if isinstance(fault, SameCursor | EmptyPage):
            path = self.lists[number % len(self.lists)] if self.lists else "/nowhere"
            return msgspec.structs.replace(fault, path=f"{path[:-1]}?")  # as a pattern, so that nothing below is struck
        return msgspec.structs.replace(fault, path=self.all[number % len(self.all)])


def _paths_of_lists() -> list[str]:
    """Return where a page that comes again, or is empty, can be noticed.

    Nobody can tell the answer to another question from the truth, nor a bare list that is empty.
    """
    inside = [each for each in walk.ENDPOINTS if each.surface is not Surface.ANYONE]
    questions = Counter(each.path for each in inside)
    return [each.path for each in inside if each.pager not in (Pager.SINGLE, Pager.ARRAY) and questions[each.path] == 1]


def _plans() -> st.SearchStrategy[list[Fault]]:
    """Return all plans of faults that somebody could notice; the paths are numbers of places."""
    path = st.integers(0, 500).map(str)
    begins, times = st.integers(1, 4), st.sampled_from([1, None])
    statuses = st.sampled_from([401, 403, 404, 410, 500, 501, 502, 503, 504])
    when: dict[str, st.SearchStrategy[Any]] = {"path": path, "from_request": begins, "times": times}
    one: st.SearchStrategy[Fault] = st.one_of(
        st.builds(TooMany, retry_after=st.sampled_from([None, 0]), **when),
        st.builds(Status, status=statuses, plain=st.booleans(), **when),
        st.builds(Drip, wait_ms=st.just(1), pieces=st.integers(1, 5), **when),
        *(st.builds(fault, **when) for fault in (Reset, Truncated, NotJson, ForeignNext, Redirect, WrongTotal)),
        st.builds(SameCursor, path=path, from_request=st.integers(2, 4), times=times),
        st.builds(EmptyPage, path=path, from_request=st.just(1), times=st.just(1)),
    )
    return st.lists(one, min_size=1, max_size=4)


def _lies_to_strangers(fault: Fault) -> bool:
    """Tell whether a stranger would take the fault for an answer: he is not let in, or shown something else."""
    match fault:
        case Status(status=401 | 403 | 404) | SameCursor() | EmptyPage() | WrongTotal():
            return True
        case _:
            return False


# ------------------------------------------------------------------------------------------------------------ the property


@dataclass(frozen=True)
class Site:
    """Be a stand-in whose weather turns, and what is known of it: with a look from outside, and without."""

    turning: Turning
    known: Mapping[bool, Known]
    places: Places


@pytest.fixture(scope="module", params=SCENARIOS, ids=lambda name: name.partition(":")[0])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    with running(request.param) as at:
        turning = Turning(at)
        calm = {probe: turning.met(probe=probe) for probe in (True, False)}
        yield Site(turning, {probe: Known.of(found) for probe, found in calm.items()}, Places.of(calm[False]))


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a plan is short enough to read; to make it shorter takes minutes
)
@given(plan=_plans())
def test_a_verdict_stays_or_is_unknown_or_is_behind_a_gap(site: Site, plan: list[Fault]) -> None:
    faults = [site.places.put(fault) for fault in plan]
    note(repr(faults))
    is_seen_from_outside = not any(_lies_to_strangers(fault) for fault in faults)
    met = site.turning.met(*faults, probe=is_seen_from_outside)

    assert list(site.known[is_seen_from_outside].wrongs(met)) == []
