"""What is missing although nobody refused it: found out when all answers are there."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from scanner.collect.api import Refusal, Surface
from scanner.collect.endpoint import MALFORMED_HINT, About, Endpoint, Missing, Unreadable
from scanner.collect.journal import Counts, Journal, Task
from scanner.collect.tables import ENDPOINTS, Demand
from scanner.kinds import KINDS
from scanner.model import Gap, Reason, Resource


def settle(journal: Journal, demand: Demand, org: str | None, addresses: Mapping[str, str]) -> None:
    """Write down a gap for everything that is missing and that no answer spoke of; `addresses` are those of the sites."""
    settling = _Settling(journal, org, addresses)
    for number in demand.endpoints:
        gaps = list(settling.gaps(number))
        journal.add(gaps)
        journal.count(number, Counts(gaps=len(gaps)))
    for unreadable in demand.unreadable:
        journal.add(settling.unreadable(unreadable))
    journal.settle()


def refused(endpoint: Endpoint, about: About, refusal: Refusal, hint: str) -> Iterator[Gap]:
    """Yield a gap for all that is missing when a request gives nothing."""
    for kind, id_, parent in endpoint.missing(about):
        yield gap(kind, refusal, hint, id_=id_, parent=parent)


def not_to_ask(endpoint: Endpoint, unsupported: str | None, opt_ins: Collection[str]) -> tuple[Refusal, str] | None:
    """Return why an endpoint is not asked at all and what would change that, or None if it is asked."""
    if unsupported:
        return Refusal(Reason.UNSUPPORTED, unsupported), "use auth: basic for this site"
    if endpoint.opt_in and endpoint.opt_in not in opt_ins:
        consoles = dict.fromkeys(KINDS[kind].console for kind in endpoint.kinds if KINDS[kind].console)
        look = " and ".join(str(console) for console in consoles)
        by_hand = f", or look at {look} and state what you see with `atlascan attest`" if look else ""
        hint = f"set collect: {{{endpoint.opt_in}: true}} in atlascan.yaml{by_hand}"
        return Refusal(Reason.OPT_IN_OFF, _OFF[endpoint.opt_in]), hint
    return None


_OFF = {
    "undocumented": "only an undocumented endpoint reads it, and those are off",
    "probe": "only a look from outside shows it, and that is off",
}


def gap(kind: str, refusal: Refusal, hint: str, *, id_: str | None = None, parent: str | None = None) -> Gap:
    """Return the gap that a refusal leaves."""
    hint = _HINTS.get(refusal.reason, hint)
    return Gap(kind=kind, reason=refusal.reason, detail=refusal.detail, hint=hint, id=id_, parent=parent)


# ---------------------------------------------------------------------------------------------------------------- private


_BY_HAND = "look at the settings in the console; this version of atlascan cannot read them"

# Where a better credential would lift nothing.
_HINTS = {
    Reason.MALFORMED: MALFORMED_HINT,
    Reason.GAVE_UP: "run it again; if it stays so, look at the address and the network",
}


@dataclass(frozen=True, slots=True)
class _Settling:
    journal: Journal
    org: str | None
    addresses: Mapping[str, str]

    def gaps(self, number: int) -> Iterator[Gap]:
        """Yield the gaps of one endpoint; those of the endpoints before it are in the journal."""
        endpoint = ENDPOINTS[number]
        yield from self._not_found(number, endpoint)
        yield from self._orphans(endpoint)
        yield from self._unlisted(endpoint)
        yield from self._undecided(endpoint)
        yield from self._left_out(number, endpoint)
        yield from self._partial(number, endpoint)

    def unreadable(self, unreadable: Unreadable) -> Iterator[Gap]:
        """Yield a gap for each resource that no interface reads."""
        kind = KINDS[unreadable.kind]
        hint = f"look at {kind.console} and state what you see with `atlascan attest`"
        detail = f"no public interface reads the {kind.noun}"
        parents, gaps = self.journal.resources(unreadable.parent), self.journal.gaps(unreadable.parent)
        parent = None
        for parent in parents:
            id_ = unreadable.id_of(parent)
            yield Gap(kind=kind.name, reason=Reason.NO_PUBLIC_API, detail=detail, hint=hint, parent=parent.address, id=id_)
        for gap in gaps:
            why = f"{detail}, and which there are could not be read: {gap.detail}"
            id_ = gap.id if kind.single else None  # it bears the site's name, whatever can be read of that
            yield Gap(kind=kind.name, reason=gap.reason, detail=why, hint=gap.hint, parent=gap.parent, id=id_)
        if parent is None and not gaps:
            yield Gap(kind=kind.name, reason=Reason.NO_PUBLIC_API, detail=detail, hint=hint)

    def _not_found(self, number: int, endpoint: Endpoint) -> Iterator[Gap]:
        """Yield the gaps of what was not found, but for the app that a site has not, as the list of apps says too."""
        if not endpoint.app:
            return
        for task in self.journal.tasks(number):
            if task.refusal and not self._is_no_wonder(endpoint.app, task.site):
                refusal = Refusal(Reason.NOT_FOUND, task.refusal)
                yield from refused(endpoint, self._about(endpoint, task), refusal, endpoint.remedy)

    def _orphans(self, endpoint: Endpoint) -> Iterator[Gap]:
        """Yield a gap for each parent that could not be read: what it holds cannot be seen either."""
        for gap in self._unread_parents(endpoint):
            detail = gap.detail if _tells_whole_story(gap) else f"{_which(gap)} could not be read: {gap.detail}"
            for kind, id_, parent in self._orphaned(endpoint, gap):
                yield Gap(kind=kind, reason=gap.reason, detail=detail, hint=gap.hint, parent=parent, id=id_)

    def _unlisted(self, endpoint: Endpoint) -> Iterator[Gap]:
        """Yield a gap for each resource that another kind says must be there and that the list left out.

        Where the other kind could not be read whole, nothing says whether this list is.
        """
        if not endpoint.beside:
            return
        kind = endpoint.kinds[0]
        known = self.journal.ids(kind)
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

    def _undecided(self, endpoint: Endpoint) -> Iterator[Gap]:
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

    def _left_out(self, number: int, endpoint: Endpoint) -> Iterator[Gap]:
        """Yield a gap for each resource to which a list had facts to add, and of which it does not speak."""
        if not endpoint.adds or not endpoint.parent or endpoint.parent in endpoint.kinds:
            return
        kind, gaps = endpoint.kinds[0], self.journal.gaps(endpoint.kinds[0])
        read = {f"{endpoint.parent}/{task.parent}" for task in self.journal.tasks(number) if not task.partly}
        read -= {gap.parent for gap in gaps if gap.id is None}
        told = {gap.id for gap in gaps}
        for resource in self.journal.resources(kind):
            if resource.parent in read and resource.id not in told and not resource.facts.keys() & set(endpoint.adds):
                detail = f"the list that tells {' and '.join(endpoint.adds)} leaves it out"
                yield Gap(kind=kind, reason=Reason.FORBIDDEN, detail=detail, hint=endpoint.remedy, parent=resource.address)

    def _partial(self, number: int, endpoint: Endpoint) -> Iterator[Gap]:
        """Yield a gap for each list of which the account may see only a part."""
        if not endpoint.whole_with:
            return
        kind, needed = endpoint.kinds[0], endpoint.whole_with
        for task in self.journal.tasks(number):
            parent = f"{endpoint.parent}/{task.parent}" if task.parent else None
            site = self.journal.resource("jira.site", task.site)
            held = site.facts.get("account_permissions") if site else None
            if held is None:
                why = next((gap for gap in self.journal.gaps("jira.site") if gap.parent == f"jira.site/{task.site}"), None)
                told = f": {why.detail}" if why else ""
                detail = f"whether the account sees all of the list cannot be told{told}"
                reason, hint = (why.reason, why.hint) if why else (Reason.MALFORMED, MALFORMED_HINT)
                yield Gap(kind=kind, reason=reason, detail=detail, hint=hint, parent=parent)
            elif needed not in held:
                detail = f"the account does not hold the permission {needed}, so the list may leave some out"
                yield Gap(kind=kind, reason=Reason.FORBIDDEN, detail=detail, hint=endpoint.remedy, parent=parent)

    def _is_no_wonder(self, app: str, site: str) -> bool:
        """Tell whether nothing answers because the site has no such app, as the organization's list of apps says too."""
        if self.journal.gaps("org.workspace"):
            return False
        host, places = _host(self.addresses[site]), dict[str | None, set[str | None]]()
        for workspace in self.journal.resources("org.workspace"):
            places.setdefault(_host(workspace.facts.get("host_url")), set()).add(workspace.facts.get("type_key"))
        # Of a site that is not in the list, the list says nothing; nor does it where it does not name an app or its place.
        apps = places.get(host, set())
        return bool(apps) and all(key and app not in key for key in apps | places.get(None, set()))

    def _unread_parents(self, endpoint: Endpoint) -> list[Gap]:
        """Return the gaps of parents that are not there; what only adds facts to these says nothing of its own."""
        return [] if not endpoint.parent or endpoint.parent in endpoint.kinds else self._unread(endpoint.parent)

    def _unread(self, kind: str) -> list[Gap]:
        """Return the gaps of resources that are not there, and not those about a part of one that is."""
        known = self.journal.ids(kind)
        return [
            gap
            for gap in self.journal.gaps(kind)
            if gap.id not in known and (gap.parent or "").removeprefix(f"{kind}/") not in known
        ]

    def _orphaned(self, endpoint: Endpoint, gap: Gap) -> tuple[Missing, ...]:
        """Return (kind, id, parent) of what is missing below a parent that could not be read."""
        if gap.id is None:
            site = (gap.parent or "").removeprefix("jira.site/")
            return tuple((kind, site if KINDS[kind].single else None, gap.parent or gap.kind) for kind in endpoint.kinds)
        unread = Resource(kind=gap.kind, id=gap.id, name=gap.id, facts={}, source=endpoint.source)
        return endpoint.missing(about(endpoint, self.org, gap.id.partition("/")[0], unread))

    def _about(self, endpoint: Endpoint, task: Task) -> About:
        parent = self.journal.resource(endpoint.parent, task.parent) if endpoint.parent else None
        return about(endpoint, self.org, task.site, parent)


def about(endpoint: Endpoint, org: str | None, site: str, parent: Resource | None) -> About:
    """Return what an endpoint is asked about."""
    return About(org, None if endpoint.surface is Surface.ADMIN else site, parent)


def _host(url: str | None) -> str | None:
    try:
        return urlsplit(url or "").hostname
    except ValueError:
        return None


def _which(gap: Gap) -> str:
    if gap.id:
        return f"{gap.kind}/{gap.id}"
    return f"{gap.kind} of {gap.parent}" if gap.parent else gap.kind


def _tells_whole_story(gap: Gap) -> bool:
    """Tell whether a gap's words can stand for what lies below it, too."""
    return gap.reason in (Reason.NO_CREDENTIAL, Reason.UNSUPPORTED) or " could not be read: " in gap.detail
