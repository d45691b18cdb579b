"""Walk the tables of endpoints: each answer is written down as it comes, and what it names is asked about in turn."""

import hashlib
import queue
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any

import msgspec

from scanner.collect import paging, settle
from scanner.collect.api import Api, Busy, Refusal, Request, Surface
from scanner.collect.endpoint import About, Endpoint, at, malformed, text_at
from scanner.collect.journal import Counts, Journal, State, Task
from scanner.collect.lanes import Lane, Lanes
from scanner.collect.pace import Patience
from scanner.collect.status import Watch
from scanner.collect.tables import ENDPOINTS, UNREADABLE, Demand, Needs, demand, demanded
from scanner.model import Coverage, EndpointCoverage, Reason, Record, Resource

__all__ = ["ENDPOINTS", "UNREADABLE", "Collection", "Options", "collect", "demanded", "fingerprint"]


@dataclass(frozen=True, slots=True)
class Options:
    """What is collected, and how. `needs` are the facts (kind, fact) that somebody looks at; None means all."""

    org_id: str | None
    sites: tuple[str, ...]
    opt_ins: frozenset[str]
    concurrency: int
    needs: Needs | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Collection:
    """How it went: for each kind, and at each endpoint."""

    kinds: tuple[Coverage, ...]
    endpoints: tuple[EndpointCoverage, ...]


def collect(api: Api, options: Options, journal: Journal, watch: Watch = lambda _statuses: None) -> Collection:
    """Collect the kinds that are needed and those these depend on, and return how it went.

    A journal that was interrupted is gone on with.
    """
    wanted = demand(options.needs)
    org_id = _org(api, options, journal, wanted)
    _Walk(api, options, journal, wanted, org_id).run(watch)
    with journal.step():
        if not journal.noted("settled"):
            settle.settle(journal, wanted, org_id, {site: api.address(site) for site in options.sites})
            journal.note("settled", "yes")
    return Collection(tuple(_by_kind(journal, wanted)), tuple(_by_endpoint(journal, wanted)))


def only_org(api: Api) -> str:
    """Return the id of the organization that the key sees.

    Raises:
        Refusal: It sees none or several, or it cannot be told.
    """
    page = api.ask(Request(Surface.ADMIN, "GET", "/v1/orgs"))
    records = at(page, "data")
    if not isinstance(records, list):
        raise Refusal(Reason.MALFORMED, "the answer has no list of data")
    if len(records) != 1 or at(page, "links", "next"):
        seen = "more than one organization" if records else "no organization"
        hint = "name the organization in atlascan.yaml: org: {id: ...}"
        raise Refusal(Reason.NOT_FOUND, f"the key sees {seen}", hint=hint)
    id_ = text_at(records[0], "id")
    if id_ is None:
        raise Refusal(Reason.MALFORMED, "a record without the id it should have")
    return id_


def fingerprint(options: Options, addresses: Mapping[str, str], tool: str) -> str:
    """Return what has to be the same for one run to go on with what another began."""
    same = (
        tool,
        options.org_id,
        sorted(addresses.items()),
        sorted(options.opt_ins),
        None if options.needs is None else sorted(options.needs),
        options.until - options.since if options.until and options.since else None,
        [endpoint.name for endpoint in ENDPOINTS],
    )
    return hashlib.sha256(msgspec.json.encode(same)).hexdigest()


# -------------------------------------------------------------------------------------------------------- the organization


_ORG = next(number for number, endpoint in enumerate(ENDPOINTS) if endpoint.kinds == ("org",))


def _org(api: Api, options: Options, journal: Journal, wanted: Demand) -> str | None:
    """Return the organization's id: as configured, or the only one that the key sees."""
    if options.org_id or not any(ENDPOINTS[number].surface is Surface.ADMIN for number in wanted.endpoints):
        return options.org_id
    known = journal.noted("org")
    if known is not None:
        return known or None
    id_, gaps = "", []
    try:
        id_ = only_org(api)
    except Refusal as refusal:
        gaps = [settle.gap("org", refusal, ENDPOINTS[_ORG].remedy)]
    with journal.step():
        journal.note("org", id_)
        journal.add(gaps)
        journal.count(_ORG, Counts(requests=int(api.can_ask(Surface.ADMIN, None)), gaps=len(gaps)))
    return id_ or None


# ---------------------------------------------------------------------------------------------------------------- asking


@dataclass(slots=True)
class _Answer:
    """What came of asking once: the records of a page and the place after it, a refusal, or a bug.

    `raw` are records that are shaped when all are there, `ids` those of which each is read again; by its `mark` a page is known
    when it comes again.
    """

    records: list[Record] = field(default_factory=list)
    raw: list[Any] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    mark: bytes = b""
    following: paging.Place | None = None
    refusal: Refusal | None = None
    bug: BaseException | None = None
    seconds: float = 0.0


def _asked(api: Api, task: Task, about: About) -> _Answer:
    """Ask once, and take out of the answer all that can be understood before something cannot."""
    endpoint, answer, started = ENDPOINTS[task.endpoint], _Answer(), time.monotonic()
    try:
        if task.detail:
            _ask_for_detail(api, endpoint, task, about, answer)
        else:
            _ask_for_page(api, endpoint, task, about, answer)
    except Refusal as refusal:
        answer.refusal = refusal
    except BaseException as bug:  # noqa: BLE001  it goes on where somebody can see it
        answer.bug = bug
    answer.seconds = time.monotonic() - started if api.patient else 0.0
    return answer


def _ask_for_page(api: Api, endpoint: Endpoint, task: Task, about: About, answer: _Answer) -> None:
    request = paging.request(endpoint, about, task.place)
    page = api.attempt(request)
    records = paging.records(endpoint, page)
    answer.mark = hashlib.sha256(msgspec.json.encode(records)).digest() if records else b""
    if endpoint.gathers:
        answer.raw = records
    else:
        for record in records:
            if not endpoint.detail:
                answer.records.extend(endpoint.shape(record, about))
            elif id_ := endpoint.detail_id(record):
                answer.ids.append(id_)
            else:
                detail = "a record without the id it should have"
                answer.records.append(malformed(endpoint.kinds[0], detail, about.parent_address))
    answer.following = paging.following(api, endpoint, request, page, task.place)


def _ask_for_detail(api: Api, endpoint: Endpoint, task: Task, about: About, answer: _Answer) -> None:
    """Read one record of a list whole."""
    page = api.attempt(paging.detail(endpoint, about, task.detail))
    answer.records.extend(endpoint.shape(page, about))
    if not any(each.id == task.detail for each in answer.records):
        detail = f"the answer for {task.detail} is about something else"
        answer.records.append(malformed(endpoint.kinds[0], detail, about.parent_address, task.detail))


_Order = tuple[Task, Lane, About]


class _Crew:
    """Threads that ask."""

    def __init__(self, api: Api, size: int) -> None:
        self._api = api
        self._size = size
        self._orders: queue.SimpleQueue[_Order | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[tuple[_Order, _Answer]] = queue.SimpleQueue()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Let the threads run as long as the block lasts. An interruption does not wait for what they are doing."""
        for _ in range(self._size):
            threading.Thread(target=self._work, daemon=True).start()
        try:
            yield
        finally:
            for _ in range(self._size):
                self._orders.put(None)

    def ask(self, order: _Order) -> None:
        """Have something asked."""
        self._orders.put(order)

    def answer(self, seconds: float | None) -> tuple[_Order, _Answer] | None:
        """Return the next answer; None if there is none in so many seconds."""
        try:
            return self._answers.get(timeout=seconds)
        except queue.Empty:
            return None

    def _work(self) -> None:
        while order := self._orders.get():
            task, _, about = order
            self._answers.put((order, _asked(self._api, task, about)))


# --------------------------------------------------------------------------------------------------------------- walking


class _Way(Enum):
    """How much an endpoint shows of what it is asked about."""

    WHOLLY = "wholly"
    PARTLY = "partly"


class _Walk:
    """One thread plans and writes down. A task is one list, or one thing of it; what has to wait goes back into its lane."""

    def __init__(self, api: Api, options: Options, journal: Journal, wanted: Demand, org_id: str | None) -> None:
        self.api, self.options, self.journal, self.org_id = api, options, journal, org_id
        self.asked = wanted.endpoints
        self.elders = {number: elder for number in self.asked if (elder := self._elder(number)) is not None}
        self.lanes = Lanes()
        self.lane_of: dict[tuple[int, str, bool], Lane] = {}
        # The kinds of which it is known for a site all that there is to know; they decide how others are asked for.
        self.decided: set[tuple[str, str]] = set()
        self.patience: dict[int, Patience] = {}
        self.seen: dict[int, set[bytes]] = {}

    def run(self, watch: Watch) -> None:
        """Ask for everything, and return when nothing is left."""
        crew = _Crew(self.api, self.options.concurrency)
        with crew.at_work():
            with self.journal.step():
                self._start()
            while self.lanes or self._plan_last():
                while self.lanes.running < self.options.concurrency and (order := self._order()):
                    crew.ask(order)
                is_full = self.lanes.running >= self.options.concurrency
                if came := crew.answer(None if is_full else self.lanes.wait()):
                    (task, lane, about), answer = came
                    self.lanes.answered(lane)
                    with self.journal.step():
                        self._take_in(task, lane, about, answer)
                watch(tuple(self.lanes.statuses()))

    def _order(self) -> _Order | None:
        sent = self.lanes.send()
        if sent is None:
            return None
        number, lane = sent
        task = self.journal.task(number)
        return task, lane, self._about(task)

    # ------------------------------------------------------------------------------------------------------------ planning

    def _start(self) -> None:
        """Plan what depends on nothing, and what an interrupted run left."""
        for number in self.asked:
            for task in self.journal.finished(number):
                if not task.detail and not ENDPOINTS[number].adds:
                    self.decided.add((ENDPOINTS[number].kinds[0], task.site))
        for task in self.journal.open_tasks():
            self._queue(task.number, task.endpoint, task.site, task.detail)
        for number in self.asked:
            endpoint = ENDPOINTS[number]
            if endpoint.parent is None:
                for site in [""] if endpoint.surface is Surface.ADMIN else self.options.sites:
                    if site or self.org_id:
                        self._plan(number, site, None)

    def _plan(self, number: int, site: str, parent: Resource | None, detail: str = "", *, partly: bool = False) -> None:
        """Plan to ask an endpoint about something, unless that is planned or there is no sense in it."""
        endpoint = ENDPOINTS[number]
        way = self._way(endpoint, site)
        if way is None:
            return
        why = settle.not_to_ask(endpoint, self.options.opt_ins)
        task = self.journal.plan(
            number,
            site=site,
            parent=parent.id if parent else "",
            detail=detail,
            partly=partly or way is _Way.PARTLY,
            state=State.NOT_ASKED if why else State.OPEN,
        )
        if task is None:
            return
        if why:
            self._write(number, settle.refused(endpoint, settle.about(endpoint, self.org_id, site, parent), why))
            self._plan_what_waited(number, site, parent)
            return
        self._queue(task, number, site, detail)
        for id_ in () if detail else endpoint.always:
            self._plan(number, site, parent, id_)

    def _plan_last(self) -> bool:
        """Plan what waited for whole kinds, now that all else is read; tell whether anything is to be asked."""
        if self.journal.noted("last"):
            return False
        with self.journal.step():
            self.journal.note("last", "planned")
            for number in self.asked:
                endpoint = ENDPOINTS[number]
                if endpoint.awaits:
                    known = endpoint.instead(self.journal.resources)
                    partly = any(self.journal.gaps(kind) for kind, _ in endpoint.awaits)
                    for parent in self.journal.resources(endpoint.parent or ""):
                        self._plan_or_know(number, parent, known(parent), partly=partly)
        return bool(self.lanes)

    def _plan_or_know(self, number: int, parent: Resource, known: Resource | None, *, partly: bool) -> None:
        if not ENDPOINTS[number].applies(parent):
            return
        if known:
            self._write(number, [known])
        else:
            self._plan(number, _site(ENDPOINTS[number], parent), parent, partly=partly)

    def _plan_children(self, number: int, parent: Resource) -> None:
        """Plan what is asked about a resource that an endpoint gave."""
        if ENDPOINTS[number].adds:
            return  # it was there already
        for child in self.asked:
            endpoint = ENDPOINTS[child]
            if endpoint.parent == parent.kind and not self._waits(child) and endpoint.applies(parent):
                self._plan(child, _site(endpoint, parent), parent)

    def _plan_what_waited(self, number: int, site: str, parent: Resource | None) -> None:
        """Plan what was to come after an endpoint gave all that it has to give about something."""
        for other in self.asked:
            if parent and self.elders.get(other) == number and ENDPOINTS[other].applies(parent):
                self._plan(other, site, parent)
        if not ENDPOINTS[number].adds:
            kind = ENDPOINTS[number].kinds[0]
            self.decided.add((kind, site))
            for other in self.asked:
                given = ENDPOINTS[other].given
                if given and given.kind == kind:
                    self._plan_for_all(other, site)

    def _plan_for_all(self, number: int, site: str) -> None:
        """Plan to ask about everything of a site that is known by now; the rest follows as it comes."""
        endpoint = ENDPOINTS[number]
        for parent in self.journal.resources(endpoint.parent or ""):
            if _site(endpoint, parent) == site and endpoint.applies(parent):
                self._plan(number, site, parent)

    def _waits(self, number: int) -> bool:
        return number in self.elders or bool(ENDPOINTS[number].awaits)

    def _elder(self, number: int) -> int | None:
        """Return the endpoint that is asked before this one about the same parent, if this one heeds what it gave."""
        endpoint = ENDPOINTS[number]
        siblings = (each for each in self.asked if each != number and ENDPOINTS[each].parent == endpoint.parent)
        return next((each for each in siblings if endpoint.after_siblings and endpoint.kinds[0] in ENDPOINTS[each].kinds), None)

    def _way(self, endpoint: Endpoint, site: str) -> "_Way | None":
        """Tell how much an endpoint shows on a site, by the fact that is given; None where it shows nothing, or not known yet."""
        given = endpoint.given
        if not given:
            return _Way.WHOLLY
        resource = self.journal.resource(given.kind, site) if (given.kind, site) in self.decided else None
        value = resource.facts.get(given.fact) if resource else None
        if value in given.values:
            return _Way.WHOLLY
        return _Way.PARTLY if value in given.partly else None

    def _queue(self, task: int, number: int, site: str, detail: str, *, first: bool = False) -> None:
        self.lanes.queue(self._lane(number, site, detail), task, first=first)

    def _lane(self, number: int, site: str, detail: str) -> Lane:
        key = (number, site, bool(detail))
        if key not in self.lane_of:
            endpoint = ENDPOINTS[number]
            method, path = ("GET", endpoint.detail or "") if detail else (endpoint.method, endpoint.path)
            request = Request(endpoint.surface, method, path, site or None)
            depth = _depth_of(endpoint.parent) + bool(detail)
            self.lane_of[key] = Lane(self.api.bucket(request), self.api.host(request), depth)
        return self.lane_of[key]

    def _about(self, task: Task) -> About:
        endpoint = ENDPOINTS[task.endpoint]
        parent = self.journal.resource(endpoint.parent, task.parent) if endpoint.parent else None
        known = (lambda kind: self.journal.has_child(kind, parent.address)) if parent else (lambda _kind: False)
        about = settle.about(endpoint, self.org_id, task.site, parent)
        return replace(about, has_sibling=known, partly=task.partly, since=self.options.since, until=self.options.until)

    # -------------------------------------------------------------------------------------------------------- writing down

    def _take_in(self, task: Task, lane: Lane, about: About, answer: _Answer) -> None:
        """Write down what came, and plan what follows from it."""
        if answer.bug:
            raise answer.bug
        sent = answer.refusal is None or answer.refusal.sent
        self.journal.count(task.endpoint, Counts(requests=int(sent), seconds=answer.seconds if sent else 0.0))
        if isinstance(answer.refusal, Busy) and self._is_asked_again(task, lane, answer.refusal):
            return
        self.patience.pop(task.number, None)
        self._write(task.endpoint, answer.records, pages=int(answer.refusal is None or bool(answer.records)))
        for id_ in answer.ids:
            self._plan(task.endpoint, task.site, about.parent, id_)
        if ENDPOINTS[task.endpoint].gathers:
            self.journal.gather(task.number, answer.raw)
        if answer.refusal is None and self._was_seen(task, answer):
            self._end(task, about, Refusal(Reason.MALFORMED, "the pages go round in a circle"))
        elif answer.following is None:
            self._end(task, about, answer.refusal)
        else:
            self._go_on(task, lane, answer.following)

    def _is_asked_again(self, task: Task, lane: Lane, busy: Busy) -> bool:
        """Have a task sent again after a pause; False if it was sent often enough."""
        left = busy.again(self.patience.get(task.number, Patience()))
        if left is None or not lane.bucket.spend_retry():
            return False
        self.patience[task.number] = left
        self.journal.count(task.endpoint, Counts(retries=1))
        self.lanes.pause(lane, task.number, self.api.pause(busy, left))
        return True

    def _was_seen(self, task: Task, answer: _Answer) -> bool:
        """Tell whether a page of a list came before, or the next one did: some interfaces go by numbers, which would never end."""
        place = answer.following
        marks = {answer.mark, msgspec.json.encode((place.more, place.body)) if place else b""} - {b""}
        seen = self.seen.setdefault(task.number, set())
        known = not seen.isdisjoint(marks)
        seen |= marks
        return known

    def _go_on(self, task: Task, lane: Lane, place: paging.Place) -> None:
        """Have the next page of a list asked for."""
        self.journal.advance(task.number, place)
        self.lanes.queue(lane, task.number, first=True)

    def _end(self, task: Task, about: About, refusal: Refusal | None) -> None:
        """Write down that a task is over, with what is missing if it ended in a refusal, and plan what waited for it."""
        endpoint, not_found = ENDPOINTS[task.endpoint], ""
        self.seen.pop(task.number, None)
        if isinstance(refusal, Busy):
            refusal = refusal.for_good(f", after {task.place.records} records" if task.place.pages else "")
        if refusal is None and endpoint.gathers:
            self._write(task.endpoint, endpoint.shape(self.journal.gathered(task.number), about))
        elif refusal and self._may_be_no_wonder(endpoint, task, refusal):
            not_found = refusal.detail
        elif refusal:
            self._write(task.endpoint, _meant(endpoint, task, about, refusal))
        self.journal.finish(task.number, not_found)
        if not task.detail:
            self._plan_what_waited(task.endpoint, task.site, about.parent)

    def _may_be_no_wonder(self, endpoint: Endpoint, task: Task, refusal: Refusal) -> bool:
        """Tell whether nothing may be there because the site has no such app, which is known when all answers are there."""
        return bool(endpoint.app) and refusal.reason is Reason.NOT_FOUND and not task.place.pages

    def _write(self, number: int, records: Iterable[Record], *, pages: int = 0) -> None:
        """Write records down, and plan what is asked about them."""
        found = list(records)
        resources = [record for record in found if isinstance(record, Resource)]
        self.journal.add(found)
        self.journal.count(number, Counts(pages=pages, resources=len(resources), gaps=len(found) - len(resources)))
        for resource in resources:
            self._plan_children(number, resource)


def _meant(endpoint: Endpoint, task: Task, about: About, refusal: Refusal) -> Iterable[Record]:
    """Return what a refusal says: what it means where it is an answer, else what is missing."""
    if task.detail:
        return [settle.gap(endpoint.kinds[0], refusal, endpoint.remedy, id_=task.detail, parent=about.parent_address)]
    meant = None if task.place.pages else endpoint.refused(refusal, about)
    if meant is not None:
        return meant
    return settle.refused(endpoint, about, refusal)


def _site(endpoint: Endpoint, parent: Resource) -> str:
    return "" if endpoint.surface is Surface.ADMIN else parent.id.partition("/")[0]


@cache
def _depth_of(kind: str | None) -> int:
    """Return how many kinds have to be read before this one."""
    above = next((each.parent for each in ENDPOINTS if each.kinds[0] == kind and not each.adds), None)
    return 0 if kind is None else 1 + _depth_of(above)


# ------------------------------------------------------------------------------------------------------------- how it went


def _by_kind(journal: Journal, wanted: Demand) -> Iterator[Coverage]:
    asked = [ENDPOINTS[number] for number in wanted.endpoints]
    for kind in sorted(wanted.kinds | {kind for endpoint in asked for kind in endpoint.kinds}):
        own = [number for number in wanted.endpoints if ENDPOINTS[number].kinds[0] == kind]
        gaps = len(journal.gaps(kind))
        yield Coverage(
            kind=kind,
            requests=sum(journal.counts(number).requests for number in own),
            resources=len(journal.ids(kind)),
            gaps=gaps,
            complete=not gaps,
        )


def _by_endpoint(journal: Journal, wanted: Demand) -> Iterator[EndpointCoverage]:
    for number in wanted.endpoints:
        endpoint, counts = ENDPOINTS[number], journal.counts(number)
        yield EndpointCoverage(
            endpoint=endpoint.name,
            kinds=endpoint.kinds,
            requests=counts.requests,
            pages=counts.pages,
            resources=counts.resources,
            gaps=counts.gaps,
            retries=counts.retries,
            seconds=round(counts.seconds, 3),
            complete=not counts.gaps,
        )
