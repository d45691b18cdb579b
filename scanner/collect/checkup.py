"""Ask each endpoint once, to tell before a scan what the credentials can read.

One page at most: of a list the first, and of what is asked for each parent the first parent's. So a checkup costs some dozen
requests, and says nothing of what comes after the first page.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any
from urllib.parse import urlsplit

from scanner.collect.api import Api, Refusal, Request, Surface
from scanner.collect.endpoint import (
    MALFORMED_HINT,
    PERMISSIONS_SCOPE,
    About,
    Endpoint,
    Given,
    Missing,
    Pager,
    Unreadable,
    at,
    text_at,
)
from scanner.collect.walk import ENDPOINTS, UNREADABLE, Options, demanded
from scanner.kinds import KINDS
from scanner.model import Examined, Gap, Lack, LeastPrivilege, Outcome, Reason, Record, Resource, Source

Needs = frozenset[tuple[str, str]]
Filled = Collection[tuple[str, str]]


def examine(api: Api, options: Options, named: Mapping[str | None, str]) -> tuple[Examined, ...]:
    """Ask each endpoint that is needed, once for the organization or each site.

    Args:
        api: Whom to ask.
        options: What would be collected, and how.
        named: By which names the credential of each site is known, and that of the organization (None).
    """
    checkup = _Checkup(api, options, named)
    kinds = demanded(options.needs)
    examined = [each for endpoint in asked(options.needs) for each in checkup.endpoint(endpoint)]
    examined += [checkup.unreadable(each) for each in UNREADABLE if each.kind in kinds]
    examined += [_attestable(kind) for kind in sorted({kind for kind, _ in options.needs or ()} - kinds - {"attestation"})]
    accepted = {(each.credential, each.site) for each in examined if each.outcome is Outcome.READABLE}
    return tuple(_told_apart(each, accepted=(each.credential, each.site) in accepted) for each in examined)


def asked(needs: Needs | None) -> tuple[Endpoint, ...]:
    """Return the endpoints that a collection of these facts (None: all) would ask."""
    kinds = demanded(needs)
    return tuple(endpoint for endpoint in ENDPOINTS if _is_asked(endpoint, kinds, needs))


def concerning(examined: Iterable[Examined], needs: Needs) -> tuple[Examined, ...]:
    """Return what was examined for these facts."""
    names = {(endpoint.surface.value, endpoint.name) for endpoint in asked(needs)}
    kinds = demanded(needs) | {kind for kind, _ in needs}
    return tuple(
        each for each in examined if ((each.interface, each.endpoint) in names if each.endpoint else each.kinds[0] in kinds)
    )


def is_attested(examined: Examined, needs: Needs, filled: Filled) -> bool:
    """Tell whether people attested all that is missing here of the kinds needed: (kind, id or parent) is among what is filled."""
    kinds = {kind for kind, _ in needs}
    wanted = [(kind, id_ or parent) for kind, id_, parent in examined.misses or () if kind in kinds]
    return bool(wanted) and all(each in filled for each in wanted)


def least(endpoints: Iterable[Endpoint], surface: Surface, credential: str) -> LeastPrivilege:
    """Return the least that a credential has to be allowed, to read these endpoints of an interface whole."""
    mine = [endpoint for endpoint in endpoints if endpoint.surface is surface]
    return LeastPrivilege(
        credential,
        endpoints=tuple(endpoint.name for endpoint in mine),
        scopes=tuple(sorted({scope for endpoint in mine for scope in endpoint.scopes})),
        roles=(_MAKES_KEYS,) if surface is Surface.ADMIN else tuple(dict.fromkeys(each.role for each in mine if each.role)),
        unscoped=tuple(endpoint.name for endpoint in mine if _opens_without_scopes_only(endpoint)),
    )


# ---------------------------------------------------------------------------------------------------------------- private


# https://support.atlassian.com/organization-administration/docs/manage-an-organization-with-the-admin-apis/
_MAKES_KEYS = "Organization admin, who makes the key"


def _is_asked(endpoint: Endpoint, kinds: Collection[str], needs: Needs | None) -> bool:
    """Tell whether an endpoint supplies something that is needed; one that only adds facts is asked where these are."""
    if needs is None or not endpoint.adds:
        return any(kind in kinds for kind in endpoint.kinds)
    return any((endpoint.kinds[0], fact) in needs for fact in endpoint.adds)


def _opens_without_scopes_only(endpoint: Endpoint) -> bool:
    """Tell whether no scope is documented; one of a site's documented endpoints that names none needs none."""
    return endpoint.scope is None and (endpoint.surface is Surface.ADMIN or endpoint.source is Source.UNDOCUMENTED)


def _told_apart(examined: Examined, *, accepted: bool) -> Examined:
    """Tell a wrong credential from a narrow one, which opens something else."""
    if examined.lack is not Lack.CREDENTIAL:
        return examined
    if not accepted:
        return replace(examined, wants=None)
    return replace(examined, lack=Lack.SCOPE if examined.site is None and examined.wants else Lack.PERMISSION)


def _attestable(kind: str, misses: tuple[Missing, ...] | None = None) -> Examined:
    """Return what to say of a kind that nothing supplies but attestations."""
    console = KINDS[kind].console
    detail = f"no public interface reads the {KINDS[kind].noun}"
    lack, hint = (Lack.ATTESTATION, _attest(console)) if console else (Lack.ANSWER, "look for a newer version of atlascan")
    return Examined(None, (kind,), Outcome.NO_ENDPOINT, lack=lack, wants=console, detail=detail, hint=hint, misses=misses)


def _attest(console: str | None) -> str:
    return f"look at {console} and state what you see with `atlascan attest`"


@dataclass(frozen=True, slots=True)
class _Page:
    """The first page of what an endpoint lists, and whether that was all."""

    resources: tuple[Resource, ...]
    is_whole: bool


_Untold = str
"""Why there is nobody to ask about."""


@dataclass(slots=True)
class _Checkup:
    api: Api
    options: Options
    named: Mapping[str | None, str]
    # By kind and site. What is not there could not be read.
    pages: dict[tuple[str, str | None], _Page] = field(default_factory=dict)
    not_here: set[tuple[str, str | None]] = field(default_factory=set)
    told: set[tuple[str, str | None]] = field(default_factory=set)
    silent: dict[str | None, Refusal] = field(default_factory=dict)
    permissions: dict[tuple[str | None, str], Any] = field(default_factory=dict)
    org: str | Refusal | None = None

    def endpoint(self, endpoint: Endpoint) -> Iterator[Examined]:
        """Yield what one call gives, for each place that has such an endpoint."""
        places: tuple[str | None, ...] = (None,) if endpoint.surface is Surface.ADMIN else self.options.sites
        for site in places:
            yield from self._at(endpoint, site)
        if not places:
            detail = "the configuration names no site"
            yield Examined(endpoint.name, endpoint.kinds, Outcome.UNTOLD, endpoint.surface.value, detail=detail)

    def unreadable(self, unreadable: Unreadable) -> Examined:
        """Return what to say of a kind that no interface reads."""
        pages = [self.pages.get((unreadable.parent, site)) for site in self._places(unreadable.parent)]
        whole = [page for page in pages if page and page.is_whole]
        parents = [parent for page in whole for parent in page.resources]
        misses = tuple((unreadable.kind, unreadable.id_of(parent), parent.address) for parent in parents)
        return _attestable(unreadable.kind, misses if len(whole) == len(pages) else None)

    # ------------------------------------------------------------------------------------------------------- one place

    def _at(self, endpoint: Endpoint, site: str | None) -> Iterator[Examined]:
        of = Examined(
            endpoint.name, endpoint.kinds, Outcome.READABLE, endpoint.surface.value, site, self._credential(endpoint, site)
        )
        about = self._about(endpoint, site)
        if settled := self._settled(endpoint, site, of):
            yield settled
        elif isinstance(about, _Untold):
            yield replace(of, outcome=Outcome.UNTOLD, lack=self._lack_of_nobody(endpoint, site), detail=about)
        else:
            yield from dict.fromkeys(self._asked(endpoint, about, of))

    def _settled(self, endpoint: Endpoint, site: str | None, of: Examined) -> Examined | None:
        """Return what can be said without asking, or None."""
        if (endpoint.parent, site) in self.not_here:
            return replace(of, outcome=Outcome.NOT_HERE, detail=_NO_SUCH_APP)
        if site and (detail := self.options.unsupported_sites.get(site)):
            return _refused(of, Refusal(Reason.UNSUPPORTED, detail), endpoint)
        if endpoint.opt_in and endpoint.opt_in not in self.options.opt_ins:
            return replace(_opted_out(of, endpoint), misses=self._misses(endpoint, site))
        return self._other_way(endpoint.given, site, of) if endpoint.given else None

    def _other_way(self, given: Given, site: str | None, of: Examined) -> Examined | None:
        """Return why this is not the way to ask on a site, or None if it is."""
        page = self.pages.get((given.kind, site))
        value = next((each.facts.get(given.fact) for each in page.resources), None) if page else None
        ways = [way for each in ENDPOINTS if (way := each.given) and (way.kind, way.fact) == (given.kind, given.fact)]
        if value in given.values:
            return None
        if any(value in way.values for way in ways):
            return replace(of, outcome=Outcome.NOT_HERE, detail=f"not the way to ask here: {given.fact} is {value}")
        # Where the page that tells it could not be read, that is what lacks.
        detail = f"no way is known to see all of a site of which {given.fact} is {value or 'not known'}"
        return replace(of, outcome=Outcome.UNTOLD, lack=Lack.ANSWER if page else None, detail=detail, hint=_BY_HAND)

    def _asked(self, endpoint: Endpoint, about: About, of: Examined) -> Iterator[Examined]:
        try:
            self._read(endpoint, about)
            self._compare(endpoint, about.site)
        except Refusal as refusal:
            if self._is_no_wonder(endpoint, about, refusal):
                self.not_here.update((kind, about.site) for kind in endpoint.kinds)
                yield replace(of, outcome=Outcome.NOT_HERE, detail=_NO_SUCH_APP)
                return
            yield replace(_refused(of, refusal, endpoint), misses=self._misses(endpoint, about.site))
        else:
            yield of
        if endpoint.whole_with and (partial := self._partial(endpoint.whole_with, about.site)):
            yield replace(_refused(of, partial, endpoint, PERMISSIONS_SCOPE), misses=self._misses(endpoint, about.site))

    def _read(self, endpoint: Endpoint, about: About) -> None:
        """Read one page, and keep what it lists.

        Raises:
            Refusal: It gives nothing.
        """
        if isinstance(self.org, Refusal) and endpoint.surface is Surface.ADMIN:
            raise self.org
        try:
            page = self._ask(_first(endpoint, about))
            found = _records(endpoint, page)
            records = list(self._shaped(endpoint, about, found))
            is_whole = not _has_more(endpoint, page, found) and self._is_of_all(endpoint, about.site)
        except Refusal as refusal:
            meant = endpoint.refused(refusal, about)
            if meant is None:
                raise
            records, is_whole = list(meant), True
        resources = tuple(record for record in records if isinstance(record, Resource))
        for gap in (record for record in records if isinstance(record, Gap)):
            # One odd record among others is the scan's matter.
            if gap.reason is Reason.FORBIDDEN or not resources:
                raise Refusal(gap.reason, gap.detail)
        self.told.update((resource.kind, resource.parent) for resource in resources)
        if not endpoint.adds:
            for kind in endpoint.kinds:
                mine = tuple(resource for resource in resources if resource.kind == kind)
                self.pages.setdefault((kind, about.site), _Page(mine, is_whole))

    def _shaped(self, endpoint: Endpoint, about: About, found: list[Any]) -> Iterator[Record]:
        if not endpoint.detail:
            yield from chain.from_iterable(endpoint.shape(record, about) for record in ([found] if endpoint.gathers else found))
            return
        ids = (*endpoint.always, *filter(None, map(endpoint.detail_id, found)))
        for id_ in ids[:1]:
            values = {**endpoint.values(about), "domain": id_}
            yield from endpoint.shape(self._ask(Request(endpoint.surface, "GET", endpoint.detail, about.site, values)), about)

    def _compare(self, endpoint: Endpoint, site: str | None) -> None:
        """Refuse a whole list that leaves out what another kind says must be there."""
        page, other = self.pages.get((endpoint.kinds[0], site)), self.pages.get((endpoint.beside or "", site))
        if not page or not page.is_whole or not other:
            return
        known = {resource.id for resource in page.resources}
        for resource in other.resources:
            id_ = endpoint.expects(resource)
            if id_ and id_ not in known:
                noun = KINDS[endpoint.kinds[0]].noun
                raise Refusal(Reason.FORBIDDEN, f"the project {resource.name!r} has a {noun}, but the list leaves it out")

    def _partial(self, needed: str, site: str | None) -> Refusal | None:
        """Return why it cannot be said that the account sees the whole list, or None; a site is asked once."""
        if (site, needed) not in self.permissions:
            request = Request(Surface.SITE, "GET", "/rest/api/3/mypermissions", site, {}, {"permissions": needed})
            try:
                self.permissions[site, needed] = at(self._ask(request), "permissions", needed, "havePermission")
            except Refusal as refusal:
                self.permissions[site, needed] = refusal
        match self.permissions[site, needed]:
            case Refusal() as refused:
                return refused
            case True:
                return None
            case False:
                detail = f"the account does not hold the permission {needed}, so the list may leave some out"
                return Refusal(Reason.FORBIDDEN, detail)
            case _:
                return Refusal(Reason.MALFORMED, f"the answer does not say whether the account holds the permission {needed}")

    def _ask(self, request: Request) -> Any:  # noqa: ANN401  JSON border
        """Ask, but no place a second time that did not answer at all."""
        place = None if request.surface is Surface.ADMIN else request.site
        if place in self.silent:
            raise self.silent[place]
        try:
            return self.api.ask(request)
        except Refusal as refusal:
            if refusal.reason is Reason.GAVE_UP and refusal.status is None:
                self.silent[place] = refusal
            raise

    # --------------------------------------------------------------------------------------------- whom it is asked for

    def _about(self, endpoint: Endpoint, site: str | None) -> About | _Untold:
        """Return what the endpoint is asked about: the first parent there is, or why there is none."""
        org = self._org_id() if endpoint.surface is Surface.ADMIN else None
        if isinstance(org, Refusal) and endpoint.parent:
            return f"the organization could not be read: {org.detail}"
        known = org if isinstance(org, str) else None
        since, until = self.options.since, self.options.until
        if not endpoint.parent:
            return About(known, site, None, since=since, until=until)
        parents = self._parents(endpoint.parent, site)
        if parents is None:
            return f"the {KINDS[endpoint.parent].noun} to ask about could not be read"
        parent = next((each for each in parents if endpoint.applies(each)), None)
        if parent is None:
            return f"there is no {KINDS[endpoint.parent].noun} to ask about"
        return About(known, site, parent, self._has_sibling(parent), since=since, until=until)

    def _parents(self, kind: str, site: str | None) -> tuple[Resource, ...] | None:
        """Return the parents that the first page shows; of what there is just one, it need not be read to be known."""
        page = self.pages.get((kind, site))
        if page:
            return page.resources
        id_ = self.org if kind == "org" else site if KINDS[kind].id == "site name" else None
        return (Resource(kind=kind, id=id_, name=id_, facts={}, source=Source.API),) if isinstance(id_, str) else None

    def _has_sibling(self, parent: Resource) -> Callable[[str], bool]:
        return lambda kind: (kind, parent.address) in self.told

    def _lack_of_nobody(self, endpoint: Endpoint, site: str | None) -> Lack | None:
        """Return what lacks where there is nobody to ask about: nothing, if that was the whole list."""
        page = self.pages.get((endpoint.parent or "", site))
        return None if page is None or page.is_whole else Lack.ANSWER

    def _org_id(self) -> str | Refusal:
        """Return the organization's id: as configured, or the only one that the key sees."""
        if self.org is None:
            try:
                self.org = self.options.org_id or _only_org(self._ask(Request(Surface.ADMIN, "GET", "/v1/orgs")))
            except Refusal as refusal:
                self.org = refusal
        return self.org

    def _places(self, kind: str) -> tuple[str | None, ...]:
        return (None,) if kind.startswith("org") else self.options.sites

    def _credential(self, endpoint: Endpoint, site: str | None) -> str | None:
        return None if endpoint.surface is Surface.ANYONE else self.named.get(site)

    # ------------------------------------------------------------------------------------------- what a page tells of others

    def _is_of_all(self, endpoint: Endpoint, site: str | None) -> bool:
        """Tell whether the one parent that is asked for is the only one."""
        page = self.pages.get((endpoint.parent or "", site))
        return page is None or (page.is_whole and len(page.resources) == 1)

    def _is_no_wonder(self, endpoint: Endpoint, about: About, refusal: Refusal) -> bool:
        """Tell whether nothing answers because the site has no such app: the organization's list of apps, whole, says so too."""
        page = self.pages.get(("org.workspace", None))
        if not endpoint.app or not about.site or refusal.reason is not Reason.NOT_FOUND or not page or not page.is_whole:
            return False
        host = urlsplit(self.api.address(about.site)).hostname
        apps = [each.facts.get("type_key") for each in page.resources if _host_of(each) in (host, None)]
        return any(_host_of(each) == host for each in page.resources) and all(app and endpoint.app not in app for app in apps)

    def _misses(self, endpoint: Endpoint, site: str | None) -> tuple[Missing, ...] | None:
        """Return (kind, id, parent) of all that is missing where this endpoint gives nothing; None where one page does not tell."""
        if not endpoint.parent:
            return None
        page = self.pages.get((endpoint.parent, site))
        if not page or not page.is_whole:
            return None
        abouts = [About(None, site, parent) for parent in page.resources if endpoint.applies(parent)]
        return tuple(chain.from_iterable(map(endpoint.missing, abouts)))


def _refused(of: Examined, refusal: Refusal, endpoint: Endpoint, of_question: str | None = None) -> Examined:
    """Say what lacks, as far as the answer tells: to the endpoint, or to a question about it that has a scope of its own."""
    scope = of_question or endpoint.scope
    of = replace(of, outcome=Outcome.REFUSED, detail=refusal.detail, hint=_HINTS.get(refusal.reason, endpoint.remedy))
    says_scope = "scope" in refusal.detail.lower()
    match refusal.reason:
        case Reason.NO_CREDENTIAL:
            return replace(of, lack=Lack.CREDENTIAL)
        case Reason.FORBIDDEN if scope and (says_scope or (refusal.status == _FORBIDDEN and endpoint.surface is Surface.ADMIN)):
            return replace(of, lack=Lack.SCOPE, wants=scope)
        case Reason.FORBIDDEN if refusal.status in (None, _FORBIDDEN) or endpoint.surface is Surface.ANYONE:
            return replace(of, lack=Lack.PERMISSION, wants=endpoint.role)
        case Reason.FORBIDDEN:
            # Not let in: the credential is wrong, unless it opens something else.
            return replace(of, lack=Lack.CREDENTIAL, wants=scope if endpoint.surface is Surface.ADMIN else endpoint.role)
        case _:
            return replace(of, lack=Lack.ANSWER)


_FORBIDDEN = 403
_NO_SUCH_APP = "the site has no such app, as the organization's list of apps says too"
_BY_HAND = "look at the settings in the console; this version of atlascan cannot read them"

# Where a better credential would lift nothing.
_HINTS = {
    Reason.MALFORMED: MALFORMED_HINT,
    Reason.GAVE_UP: "run it again; if it stays so, look at the address and the network",
}


def _opted_out(of: Examined, endpoint: Endpoint) -> Examined:
    consoles = " and ".join(dict.fromkeys(console for kind in endpoint.kinds if (console := KINDS[kind].console)))
    switch = f"set collect: {{{endpoint.opt_in}: true}} in atlascan.yaml"
    hint = f"{switch}, or {_attest(consoles)}" if consoles else switch
    detail = "nothing else reads it, and it is off"
    return replace(of, outcome=Outcome.OPT_IN_OFF, lack=Lack.OPT_IN, wants=endpoint.opt_in, detail=detail, hint=hint)


def _only_org(page: Any) -> str:  # noqa: ANN401  JSON border
    records = at(page, "data")
    if not isinstance(records, list):
        raise Refusal(Reason.MALFORMED, "the answer has no list of data")
    if len(records) == 1 and not at(page, "links", "next") and (id_ := text_at(records[0], "id")):
        return id_
    seen = "more than one organization" if records else "no organization"
    raise Refusal(Reason.NOT_FOUND, f"the key sees {seen}; name it in atlascan.yaml: org: {{id: ...}}")


def _host_of(workspace: Resource) -> str | None:
    try:
        return urlsplit(str(workspace.facts.get("host_url") or "")).hostname
    except ValueError:
        return None


# paging.first, paging.found and paging.has_more: what a first page is asked for, what it holds, and whether there are others.


def _first(endpoint: Endpoint, about: About) -> Request:
    return Request(
        endpoint.surface,
        endpoint.method,
        endpoint.path,
        about.site,
        endpoint.values(about),
        {**endpoint.params, **endpoint.query(about)},
        endpoint.body if endpoint.pager is Pager.BODY_CURSOR else None,
        endpoint.experimental,
    )


def _records(endpoint: Endpoint, page: Any) -> list[Any]:  # noqa: ANN401  JSON border
    if endpoint.records is None and endpoint.pager is not Pager.ARRAY:
        return [page]
    found = page if endpoint.records is None else at(page, endpoint.records)
    if not isinstance(found, list):
        raise Refusal(Reason.MALFORMED, f"the answer has no list of {endpoint.records or 'records'}")
    return found


def _has_more(endpoint: Endpoint, page: Any, found: list[Any]) -> bool:  # noqa: ANN401  JSON border
    match endpoint.pager:
        case Pager.SINGLE:
            return False
        case Pager.BODY_CURSOR | Pager.LINK_CURSOR:
            return bool(at(page, "links", "next"))
        case Pager.META_CURSOR:
            return bool(at(page, "meta", "next"))
        case Pager.NEXT_LINK | Pager.START_LINK:
            return bool(at(page, "_links", "next"))
        case Pager.START:
            return at(page, "isLastPage") is not True
        case Pager.START_AT:
            return at(page, "isLast") is not True
        case Pager.OFFSET:
            return bool(at(page, "total") != len(found))
        case Pager.ARRAY:
            return bool(found)
