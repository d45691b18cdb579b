"""What is missing although nobody refused it: found out when all answers are there."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
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
        for gaps in settling.gaps(number):
            found = list(gaps)
            journal.add(found)
            journal.count(number, Counts(gaps=len(found)))
    for unreadable in demand.unreadable:
        journal.add(settling.unreadable(unreadable))
    for derived in demand.derived:
        journal.add(derived.derive(journal.resources, journal.gaps))
    for kind in demand.kinds:
        _forget_parts(journal, kind)
    journal.settle()


def refused(endpoint: Endpoint, about: About, refusal: Refusal) -> Iterator[Gap]:
    """Yield a gap for all that is missing when a request gives nothing."""
    for kind, id_, parent in endpoint.missing(about):
        yield gap(kind, refusal, endpoint.remedy, id_=id_, parent=parent)


def gap(kind: str, refusal: Refusal, remedy: str, *, id_: str | None = None, parent: str | None = None) -> Gap:
    """Return the gap that a refusal leaves."""
    hint = hint_for(refusal, remedy)
    return Gap(kind=kind, reason=refusal.reason, detail=refusal.detail, hint=hint, id=id_, parent=parent)


def hint_for(refusal: Refusal, remedy: str) -> str:
    """Return what would lift a refusal: the endpoint's own remedy, where a better credential does."""
    return refusal.hint or _HINTS.get(refusal.reason, remedy)


_HINTS = {
    Reason.MALFORMED: MALFORMED_HINT,
    Reason.GAVE_UP: "run it again; if it stays so, look at the address and the network",
}


# ------------------------------------------------------------------------------- what is missing though nobody was refused it


def not_to_ask(endpoint: Endpoint, opt_ins: Collection[str]) -> Refusal | None:
    """Return why an endpoint is not asked at all, or None if it is."""
    if endpoint.opt_in is None or endpoint.opt_in in opt_ins:
        return None
    consoles = " and ".join(dict.fromkeys(console for kind in endpoint.kinds if (console := KINDS[kind].console)))
    switch = f"set collect: {{{endpoint.opt_in}: true}} in atlascan.yaml"
    hint = f"{switch}, or {_look_at(consoles)}" if consoles else switch
    return Refusal(Reason.OPT_IN_OFF, _OFF[endpoint.opt_in], sent=False, hint=hint)


_OFF = {
    "undocumented": "only an undocumented endpoint reads it, and those are off",
    "probe": "only a look from outside shows it, and that is off",
}


def no_interface(kind: str) -> Refusal:
    """Return what there is to say of a kind that no interface reads."""
    of = KINDS[kind]
    hint = _look_at(of.console) if of.console else "look for a newer version of atlascan"
    return Refusal(Reason.NO_PUBLIC_API, f"no public interface reads the {of.noun}", sent=False, hint=hint)


def undecided(endpoint: Endpoint, value: Any) -> Refusal | None:  # noqa: ANN401  a fact's value
    """Return why, with this value of the given fact, no way to ask shows everything; None if one does."""
    given = endpoint.given
    ways = [each.given for each in ENDPOINTS if each.given and each.kinds == endpoint.kinds]
    if given is None or any((way.kind, way.fact) == (given.kind, given.fact) and value in way.values for way in ways):
        return None
    noun, facts = KINDS[endpoint.kinds[0]].noun, " and ".join(endpoint.adds)
    why = f"{given.fact} {value}" if value else f"no known {given.fact}"
    return Refusal(
        Reason.UNSUPPORTED, f"no interface is known to show {facts} of every {noun} of a site with {why}", sent=False, hint=_BY_HAND
    )


_BY_HAND = "look at the settings in the console; this version of atlascan cannot read them"


def partial(endpoint: Endpoint, held: Collection[str]) -> Refusal | None:
    """Return why an account that holds these permissions may see only a part of a list; None if it sees all."""
    needed = endpoint.whole_with
    if needed is None or needed in held:
        return None
    detail = f"the account does not hold the permission {needed}, so the list may leave some out"
    return Refusal(Reason.FORBIDDEN, detail, sent=False)


def unlisted(endpoint: Endpoint, known: Collection[str], other: Resource) -> tuple[str, Refusal] | None:
    """Return the id that another resource says must be in a list, and that it is not among those known; None if it says none."""
    id_ = endpoint.expects(other)
    if not id_ or id_ in known:
        return None
    detail = f"the project {other.name!r} has a {KINDS[endpoint.kinds[0]].noun}, but the list leaves it out"
    return id_, Refusal(Reason.FORBIDDEN, detail, sent=False)


def has_no(app: str, address: str, workspaces: Iterable[Resource]) -> bool:
    """Tell whether the site at an address has no such app, as the organization's list of apps, whole, says."""
    host, keys = _host(address), dict[str | None, set[str | None]]()
    for workspace in workspaces:
        keys.setdefault(_host(workspace.facts.get("host_url")), set()).add(workspace.facts.get("type_key"))
    # Of a site that is not in the list, the list says nothing; nor does it where it does not name an app or its place.
    apps = keys.get(host, set())
    return bool(apps) and all(key and app not in key for key in apps | keys.get(None, set()))


# ---------------------------------------------------------------------------------------------------------------- private


def _look_at(consoles: str) -> str:
    return f"look at {consoles} and state what you see with `atlascan attest`"


@dataclass(frozen=True, slots=True)
class _Settling:
    journal: Journal
    org: str | None
    addresses: Mapping[str, str]

    def gaps(self, number: int) -> Iterator[Iterator[Gap]]:
        """Yield the gaps of one endpoint, of one cause after the other: each looks at what is written down of those before."""
        endpoint = ENDPOINTS[number]
        yield self._not_found(number, endpoint)
        yield self._partial(number, endpoint)
        yield self._orphans(endpoint)
        yield self._unlisted(endpoint)
        yield self._undecided(endpoint)
        yield self._left_out(number, endpoint)

    def unreadable(self, unreadable: Unreadable) -> Iterator[Gap]:
        """Yield a gap for each resource that no interface reads."""
        kind, why = KINDS[unreadable.kind], no_interface(unreadable.kind)
        parents, unread = self.journal.resources(unreadable.parent), self.journal.gaps(unreadable.parent)
        parent = None
        for parent in parents:
            yield gap(kind.name, why, "", id_=unreadable.id_of(parent), parent=parent.address)
        for each in unread:
            detail = f"{why.detail}, and which there are could not be read: {each.detail}"
            id_ = each.id if kind.single else None  # it bears the site's name, whatever can be read of that
            yield Gap(kind=kind.name, reason=each.reason, detail=detail, hint=each.hint, parent=each.parent, id=id_)
        if parent is None and not unread:
            yield gap(kind.name, why, "")

    def _not_found(self, number: int, endpoint: Endpoint) -> Iterator[Gap]:
        """Yield the gaps of what was not found, but for the app that a site has not, as the list of apps says too."""
        if not endpoint.app:
            return
        for task in self.journal.tasks(number):
            if task.refusal and not self._is_no_wonder(endpoint.app, task.site):
                yield from refused(endpoint, self._about(endpoint, task), Refusal(Reason.NOT_FOUND, task.refusal))

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
        refused = {each.parent for each in self.journal.gaps(kind) if each.id is None}
        for each in self._unread(endpoint.beside):
            if each.id is None and each.parent not in refused:
                detail = f"whether the list is whole cannot be told: {each.detail}"
                yield Gap(kind=kind, reason=each.reason, detail=detail, hint=each.hint, parent=each.parent)
        for other in self.journal.resources(endpoint.beside):
            left_out = unlisted(endpoint, known, other)
            if left_out and other.parent not in refused:
                id_, why = left_out
                yield gap(kind, why, endpoint.remedy, id_=id_, parent=other.address)

    def _undecided(self, endpoint: Endpoint) -> Iterator[Gap]:
        """Yield a gap for each site of which no way to ask shows everything, or nothing tells which does."""
        if not endpoint.given:
            return
        for resource in self.journal.resources(endpoint.given.kind):
            if why := undecided(endpoint, resource.facts.get(endpoint.given.fact)):
                yield gap(endpoint.kinds[0], why, endpoint.remedy, parent=resource.address)

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
        kind = endpoint.kinds[0]
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
            elif refusal := partial(endpoint, held):
                yield gap(kind, refusal, endpoint.remedy, parent=parent)

    def _is_no_wonder(self, app: str, site: str) -> bool:
        """Tell whether nothing answers because the site has no such app, as the organization's list of apps says too."""
        apps = self.journal.resources("org.workspace")
        return not self.journal.gaps("org.workspace") and has_no(app, self.addresses[site], apps)

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


def _forget_parts(journal: Journal, kind: str) -> None:
    """Let facts be unknown that are put together from several lists, where one of these lists was not read whole."""
    united = [name for name, fact in KINDS[kind].facts.items() if fact.united]
    sites = {(gap.parent or "").partition("/")[2].partition("/")[0] for gap in journal.gaps(kind) if united and gap.id is None}
    for site in sites:
        for fact in united:
            journal.forget(kind, fact, site)


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
