"""Walk the tables of endpoints, parents before children, and write down what is there and what could not be seen."""

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import msgspec

from scanner.collect import confluence, jira, jsm, org, paging, probe
from scanner.collect.api import Api, Refusal, Request, Surface
from scanner.collect.endpoint import MALFORMED_HINT, About, Endpoint, Given, Missing, Unreadable, at, malformed, text_at
from scanner.collect.journal import Journal
from scanner.kinds import KINDS
from scanner.model import Coverage, Gap, Reason, Record, Resource

ENDPOINTS: tuple[Endpoint, ...] = (*org.ENDPOINTS, *jira.ENDPOINTS, *jsm.ENDPOINTS, *confluence.ENDPOINTS, *probe.ENDPOINTS)
UNREADABLE: tuple[Unreadable, ...] = (*org.UNREADABLE, *jira.UNREADABLE, *jsm.UNREADABLE)


@dataclass(frozen=True, slots=True)
class Options:
    """What is collected, and how. `needs` are the facts (kind, fact) that somebody looks at; None means all."""

    org_id: str | None
    sites: tuple[str, ...]
    unsupported_sites: Mapping[str, str]
    opt_ins: frozenset[str]
    concurrency: int
    needs: frozenset[tuple[str, str]] | None = None
    since: datetime | None = None
    until: datetime | None = None


def collect(
    api: Api, options: Options, journal: Journal, progress: Callable[[str], None] = lambda _kind: None
) -> tuple[Coverage, ...]:
    """Collect the kinds that are needed and those these depend on, and return how it went for each."""
    requests: Counter[str] = Counter()
    kinds = demanded(options.needs)
    endpoints = [endpoint for endpoint in ENDPOINTS if _is_asked(endpoint, kinds, options.needs)]
    org_ = _found_org(api, options, requests) if any(each.surface is Surface.ADMIN for each in endpoints) else ""
    if isinstance(org_, Gap):
        journal.add([org_])
    collector = _Collector(api, options, journal, requests, org_)
    with ThreadPoolExecutor(options.concurrency) as pool:
        for endpoint in endpoints:
            progress(endpoint.kinds[0])
            for records in pool.map(partial(collector.fetch, endpoint), collector.abouts(endpoint)):
                journal.add(records)
            journal.add(collector.orphans(endpoint))
            journal.add(collector.unlisted(endpoint))
            journal.add(collector.undecided(endpoint))
            journal.add(collector.left_out(endpoint))
    for unreadable in UNREADABLE:
        if unreadable.kind in kinds:
            journal.add(collector.unreadable(unreadable))
    journal.settle()
    return _coverage(journal, requests, {kind for endpoint in endpoints for kind in endpoint.kinds} | kinds)


def demanded(needs: frozenset[tuple[str, str]] | None) -> frozenset[str]:
    """Return the kinds to collect for these facts (None: all): with their parents, and what tells whether they are whole."""
    everything = {kind for endpoint in ENDPOINTS for kind in endpoint.kinds} | {unreadable.kind for unreadable in UNREADABLE}
    needed = set(everything if needs is None else everything & {kind for kind, _ in needs})
    while True:
        above = {
            other
            for endpoint in ENDPOINTS
            for other in (endpoint.parent, endpoint.beside, endpoint.given and endpoint.given.kind)
            if other and _is_asked(endpoint, needed, needs)
        } | {unreadable.parent for unreadable in UNREADABLE if unreadable.kind in needed}
        if above <= needed:
            return frozenset(needed)
        needed |= above


# ---------------------------------------------------------------------------------------------------------------- private


def _is_asked(endpoint: Endpoint, kinds: Collection[str], needs: frozenset[tuple[str, str]] | None) -> bool:
    """Tell whether an endpoint supplies something that is needed; one that only adds facts is asked where these are."""
    if needs is None or not endpoint.adds:
        return any(kind in kinds for kind in endpoint.kinds)
    return any((endpoint.kinds[0], fact) in needs for fact in endpoint.adds)


def _found_org(api: Api, options: Options, requests: Counter[str]) -> str | Gap:
    """Return the organization's id: as configured, or the only one that the key sees."""
    if options.org_id:
        return options.org_id
    hint = "name the organization in atlascan.yaml: org: {id: ...}"
    try:
        requests["org"] += 1
        page = api.ask(Request(Surface.ADMIN, "GET", "/v1/orgs"))
    except Refusal as refusal:
        requests["org"] -= refusal.reason is Reason.NO_CREDENTIAL
        return _gap("org", refusal, org.ENDPOINTS[0].remedy)
    records = at(page, "data")
    if not isinstance(records, list):
        return malformed("org", "the answer has no list of data", None)
    if len(records) != 1 or at(page, "links", "next"):
        seen = "more than one organization" if records else "no organization"
        return Gap(kind="org", reason=Reason.NOT_FOUND, detail=f"the key sees {seen}", hint=hint)
    return text_at(records[0], "id") or malformed("org", "a record without the id it should have", None)


@dataclass(frozen=True, slots=True)
class _Collector:
    api: Api
    options: Options
    journal: Journal
    requests: Counter[str]
    org: str | Gap
    permissions: dict[tuple[str | None, str], Any] = field(default_factory=dict)
    asking: threading.Lock = field(default_factory=threading.Lock)

    def abouts(self, endpoint: Endpoint) -> list[About]:
        """Return what the endpoint is asked for."""
        if endpoint.given:
            given, values = endpoint.given, self._given(endpoint.given)
            apart = [replace(each, partly=values.get(each.site or "") in given.partly) for each in self._children(endpoint)]
            return [each for each in apart if each.partly or values.get(each.site or "") in given.values]
        return self._children(endpoint)

    def _children(self, endpoint: Endpoint) -> list[About]:
        if endpoint.parent:
            parents = self.journal.resources(endpoint.parent)
            return [self._about(endpoint, parent) for parent in parents if endpoint.applies(parent)]
        if endpoint.surface is Surface.ADMIN:
            return [] if isinstance(self.org, Gap) else [self._about(endpoint, None)]
        return [replace(self._about(endpoint, None), site=site) for site in self.options.sites]

    def fetch(self, endpoint: Endpoint, about: About) -> list[Record]:
        """Ask for one parent's records, all pages of them."""
        if about.site and (detail := self.options.unsupported_sites.get(about.site)):
            return list(_gaps(endpoint, about, Refusal(Reason.UNSUPPORTED, detail), "use auth: basic for this site"))
        if endpoint.opt_in and endpoint.opt_in not in self.options.opt_ins:
            refusal = Refusal(Reason.OPT_IN_OFF, "only an undocumented endpoint reads it, and those are off")
            return list(_gaps(endpoint, about, refusal, _opt_in_hint(endpoint)))
        records: list[Record] = []
        try:
            pages = paging.records(self.api, partial(self._ask, endpoint), endpoint, about)
            for record in [list(pages)] if endpoint.gathers else pages:
                records.extend(self._detailed(endpoint, about, record) if endpoint.detail else endpoint.shape(record, about))
        except Refusal as refusal:
            meant = None if records else endpoint.refused(refusal, about)
            if meant is not None:
                records.extend(meant)
            elif records or not self._is_no_wonder(endpoint, about, refusal):
                records.extend(_gaps(endpoint, about, refusal, endpoint.remedy))
        for id_ in endpoint.always:
            if not any(isinstance(record, Resource) and record.id == id_ for record in records):
                records.extend(self._detail(endpoint, about, id_))
        records.extend(self._partial(endpoint, about))
        return records

    def orphans(self, endpoint: Endpoint) -> Iterator[Gap]:
        """Yield a gap for each parent that could not be read: what it holds cannot be seen either."""
        for gap in self._unread_parents(endpoint):
            detail = gap.detail if _tells_whole_story(gap) else f"{_which(gap)} could not be read: {gap.detail}"
            for kind, id_, parent in self._orphaned(endpoint, gap):
                yield Gap(kind=kind, reason=gap.reason, detail=detail, hint=gap.hint, parent=parent, id=id_)

    def unlisted(self, endpoint: Endpoint) -> Iterator[Gap]:
        """Yield a gap for each resource that another kind says must be there and that the list left out.

        Where the other kind could not be read whole, nothing says whether this list is.
        """
        if not endpoint.beside:
            return
        kind = endpoint.kinds[0]
        known = {resource.id for resource in self.journal.resources(kind)}
        refused = {gap.parent for gap in self.journal.gaps(kind) if gap.id is None}
        for gap in self._unread(endpoint.beside):
            if gap.id is None and gap.parent not in refused:
                detail = f"whether the list is whole cannot be told: {gap.detail}"
                yield Gap(kind=kind, reason=gap.reason, detail=detail, hint=gap.hint, parent=gap.parent)
        for other in self.journal.resources(endpoint.beside):
            id_ = endpoint.expects(other)
            if id_ and id_ not in known and other.parent not in refused:
                detail = f"the project {other.name!r} has a {KINDS[kind].noun}, but the list leaves it out"
                yield Gap(kind=kind, reason=Reason.FORBIDDEN, detail=detail, hint=endpoint.remedy, parent=other.address, id=id_)

    def undecided(self, endpoint: Endpoint) -> Iterator[Gap]:
        """Yield a gap for each site of which no way to ask shows everything, or nothing tells which does."""
        if not endpoint.given:
            return
        kind, given = endpoint.kinds[0], endpoint.given
        ways = [each.given for each in ENDPOINTS if each.given and each.kinds == endpoint.kinds]
        shown_whole = {value for way in ways if (way.kind, way.fact) == (given.kind, given.fact) for value in way.values}
        noun, facts = KINDS[kind].noun, " and ".join(endpoint.adds)
        for resource in self.journal.resources(given.kind):
            value = resource.facts.get(given.fact)
            why = f"{given.fact} {value}" if value else f"no known {given.fact}"
            if value not in shown_whole:
                detail = f"no interface is known to show {facts} of every {noun} of a site with {why}"
                yield Gap(kind=kind, reason=Reason.UNSUPPORTED, detail=detail, hint=_BY_HAND, parent=resource.address)

    def left_out(self, endpoint: Endpoint) -> Iterator[Gap]:
        """Yield a gap for each resource to which a list had facts to add, and of which it does not speak."""
        if not endpoint.adds or not endpoint.parent or endpoint.parent in endpoint.kinds:
            return
        kind, gaps = endpoint.kinds[0], self.journal.gaps(endpoint.kinds[0])
        read = {about.parent_address for about in self.abouts(endpoint) if not about.partly}
        read -= {gap.parent for gap in gaps if gap.id is None}
        told = {gap.id for gap in gaps}
        for resource in self.journal.resources(kind):
            if resource.parent in read and resource.id not in told and not resource.facts.keys() & set(endpoint.adds):
                detail = f"the list that tells {' and '.join(endpoint.adds)} leaves it out"
                yield Gap(kind=kind, reason=Reason.FORBIDDEN, detail=detail, hint=endpoint.remedy, parent=resource.address)

    def unreadable(self, unreadable: Unreadable) -> Iterator[Gap]:
        """Yield a gap for each resource that no interface reads."""
        kind = KINDS[unreadable.kind]
        hint = f"look at {kind.console} and state what you see with `atlascan attest`"
        detail = f"no public interface reads the {kind.noun}"
        parents = self.journal.resources(unreadable.parent)
        for parent in parents:
            id_ = unreadable.id_of(parent)
            yield Gap(kind=kind.name, reason=Reason.NO_PUBLIC_API, detail=detail, hint=hint, parent=parent.address, id=id_)
        for gap in self.journal.gaps(unreadable.parent):
            why = f"{detail}, and which there are could not be read: {gap.detail}"
            yield Gap(kind=kind.name, reason=gap.reason, detail=why, hint=gap.hint, parent=gap.parent)
        if not parents and not self.journal.gaps(unreadable.parent):
            yield Gap(kind=kind.name, reason=Reason.NO_PUBLIC_API, detail=detail, hint=hint)

    def _about(self, endpoint: Endpoint, parent: Resource | None) -> About:
        org_id = None if isinstance(self.org, Gap) else self.org
        site = parent.id.partition("/")[0] if parent and endpoint.surface is not Surface.ADMIN else None
        known = partial(self.journal.has_child, parent=parent.address) if parent else (lambda _kind: False)
        return About(org_id, site, parent, known, since=self.options.since, until=self.options.until)

    def _given(self, given: Given) -> dict[str, Any]:
        """Return the value of the fact for each site of which it is known."""
        return {
            resource.id: resource.facts[given.fact]
            for resource in self.journal.resources(given.kind)
            if given.fact in resource.facts
        }

    def _is_no_wonder(self, endpoint: Endpoint, about: About, refusal: Refusal) -> bool:
        """Tell whether nothing answers because the site has no such app, as the organization's list of apps says too."""
        if not endpoint.app or not about.site or refusal.reason is not Reason.NOT_FOUND or self.journal.gaps("org.workspace"):
            return False
        host, places = _host(self.api.address(about.site)), dict[str | None, set[str | None]]()
        for workspace in self.journal.resources("org.workspace"):
            places.setdefault(_host(workspace.facts.get("host_url")), set()).add(workspace.facts.get("type_key"))
        # Of a site that is not in the list, the list says nothing; nor does it where it does not name an app or its place.
        apps = places.get(host, set())
        return bool(apps) and all(app and endpoint.app not in app for app in apps | places.get(None, set()))

    def _unread_parents(self, endpoint: Endpoint) -> list[Gap]:
        """Return the gaps of parents that are not there; what only adds facts to these says nothing of its own."""
        return [] if not endpoint.parent or endpoint.parent in endpoint.kinds else self._unread(endpoint.parent)

    def _unread(self, kind: str) -> list[Gap]:
        """Return the gaps of resources that are not there, and not those about a part of one that is."""
        known = {resource.id for resource in self.journal.resources(kind)}
        addresses = {f"{kind}/{id_}" for id_ in known}
        return [gap for gap in self.journal.gaps(kind) if gap.id not in known and gap.parent not in addresses]

    def _orphaned(self, endpoint: Endpoint, gap: Gap) -> tuple[Missing, ...]:
        """Return (kind, id, parent) of what is missing below a parent that could not be read."""
        if gap.id is None:
            site = (gap.parent or "").removeprefix("jira.site/")
            return tuple((kind, site if KINDS[kind].single else None, gap.parent or gap.kind) for kind in endpoint.kinds)
        unread = Resource(kind=gap.kind, id=gap.id, name=gap.id, facts={}, source=endpoint.source)
        return endpoint.missing(self._about(endpoint, unread))

    def _ask(self, endpoint: Endpoint, request: Request) -> Any:  # noqa: ANN401
        if self.api.can_ask(request.surface, request.site):
            self.requests[endpoint.kinds[0]] += 1
        return self.api.ask(request)

    def _detailed(self, endpoint: Endpoint, about: About, record: Any) -> Iterator[Record]:  # noqa: ANN401
        id_ = endpoint.detail_id(record)
        if id_ is None:
            return iter([malformed(endpoint.kinds[0], "a record without the id it should have", about.parent_address)])
        return self._detail(endpoint, about, id_)

    def _detail(self, endpoint: Endpoint, about: About, id_: str) -> Iterator[Record]:
        """Read one record of a list whole."""
        values = {**endpoint.values(about), "domain": id_}
        try:
            record = self._ask(endpoint, Request(endpoint.surface, "GET", endpoint.detail or "", about.site, values))
        except Refusal as refusal:
            gap = _gap(endpoint.kinds[0], refusal, endpoint.remedy)
            yield msgspec.structs.replace(gap, id=id_, parent=about.parent_address)
        else:
            records = list(endpoint.shape(record, about))
            yield from records
            if not any(each.id == id_ for each in records):
                detail = f"the answer for {id_} is about something else"
                yield malformed(endpoint.kinds[0], detail, about.parent_address, id_)

    def _partial(self, endpoint: Endpoint, about: About) -> Iterator[Gap]:
        """Yield a gap if the account sees only a part of the list."""
        if not endpoint.whole_with:
            return
        needed = endpoint.whole_with
        answer = self._permissions(endpoint, about.site, needed)
        if isinstance(answer, Refusal):
            yield msgspec.structs.replace(_gap(endpoint.kinds[0], answer, endpoint.remedy), parent=about.parent_address)
            return
        held = at(answer, "permissions", needed, "havePermission")
        if not isinstance(held, bool):
            detail = f"the answer does not say whether the account holds the permission {needed}"
            yield malformed(endpoint.kinds[0], detail, about.parent_address)
        elif not held:
            detail = f"the account does not hold the permission {needed}, so the list may leave some out"
            yield Gap(
                kind=endpoint.kinds[0], reason=Reason.FORBIDDEN, detail=detail, hint=endpoint.remedy, parent=about.parent_address
            )

    def _permissions(self, endpoint: Endpoint, site: str | None, needed: str) -> Any:  # noqa: ANN401
        """Return what a site says of the account's permission, or its refusal; it is asked once."""
        with self.asking:
            if (site, needed) not in self.permissions:
                request = Request(Surface.SITE, "GET", "/rest/api/3/mypermissions", site, {}, {"permissions": needed})
                try:
                    self.permissions[site, needed] = self._ask(endpoint, request)
                except Refusal as refusal:
                    self.permissions[site, needed] = refusal
            return self.permissions[site, needed]


def _host(url: str | None) -> str | None:
    try:
        return urlsplit(url or "").hostname
    except ValueError:
        return None


def _gaps(endpoint: Endpoint, about: About, refusal: Refusal, hint: str) -> Iterator[Gap]:
    for kind, id_, parent in endpoint.missing(about):
        yield msgspec.structs.replace(_gap(kind, refusal, hint), id=id_, parent=parent)


def _gap(kind: str, refusal: Refusal, hint: str) -> Gap:
    return Gap(kind=kind, reason=refusal.reason, detail=refusal.detail, hint=_HINTS.get(refusal.reason, hint))


_BY_HAND = "look at the settings in the console; this version of atlascan cannot read them"

# Where a better credential would lift nothing.
_HINTS = {
    Reason.MALFORMED: MALFORMED_HINT,
    Reason.GAVE_UP: "run it again; if it stays so, look at the address and the network",
}


def _which(gap: Gap) -> str:
    if gap.id:
        return f"{gap.kind}/{gap.id}"
    return f"{gap.kind} of {gap.parent}" if gap.parent else gap.kind


def _tells_whole_story(gap: Gap) -> bool:
    """Tell whether a gap's words can stand for what lies below it, too."""
    return gap.reason in (Reason.NO_CREDENTIAL, Reason.UNSUPPORTED) or " could not be read: " in gap.detail


def _opt_in_hint(endpoint: Endpoint) -> str:
    consoles = dict.fromkeys(KINDS[kind].console for kind in endpoint.kinds if KINDS[kind].console)
    look = " and ".join(str(console) for console in consoles)
    switch = f"set collect: {{{endpoint.opt_in}: true}} in atlascan.yaml"
    return f"{switch}, or look at {look} and state what you see with `atlascan attest`"


def _coverage(journal: Journal, requests: Counter[str], kinds: set[str] | frozenset[str]) -> tuple[Coverage, ...]:
    return tuple(
        Coverage(
            kind=kind,
            requests=requests[kind],
            resources=len({resource.id for resource in journal.resources(kind)}),  # one may have several sources
            gaps=len(gaps := journal.gaps(kind)),
            complete=not gaps,
        )
        for kind in sorted(kinds)
    )
