"""Ask each endpoint once, to tell before a scan what the credentials can read.

One page at most: of a list the first, and of what is asked for each parent the first parent's. So a checkup costs some dozen
requests, and says nothing of what comes after the first page.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

from scanner.collect import paging, settle
from scanner.collect.api import Api, Refusal, Request, Surface
from scanner.collect.endpoint import About, Endpoint, Given, Missing, Unreadable
from scanner.collect.tables import ENDPOINTS, OMITTED, Needs, demand, demanded
from scanner.collect.walk import Options, only_org
from scanner.kinds import KINDS, OWN_PATHS
from scanner.model import Examined, Gap, Lack, LeastPrivilege, Outcome, Reason, Record, Resource, Source

ALL_THERE_IS = "*"
"""What stands for the ids of a kind of which only people tell which there are: whoever names some was to name all."""

Filled = Mapping[tuple[str, str], Collection[str]]
"""Which facts people attest, by kind and id, or by kind and the address of what it belongs to."""


def examine(api: Api, options: Options, named: Mapping[str | None, str]) -> tuple[Examined, ...]:
    """Ask each endpoint that is needed, once for the organization or each site.

    Args:
        api: Whom to ask.
        options: What would be collected, and how.
        named: By which names the credential of each site is known, and that of the organization (None).
    """
    checkup, wanted = _Checkup(api, options, named), demand(options.needs)
    examined = [each for endpoint in asked(options.needs) for each in checkup.endpoint(endpoint)]
    examined += [checkup.unreadable(each) for each in wanted.unreadable]
    examined += checkup.omitted(OMITTED if options.needs is None else OMITTED & options.needs)
    examined += [_by_hand(kind) for kind in sorted({kind for kind, _ in options.needs or ()} - wanted.kinds - {"attestation"})]
    accepted = {(each.credential, each.site) for each in examined if each.outcome is Outcome.READABLE}
    return tuple(_told_apart(each, accepted=(each.credential, each.site) in accepted) for each in examined)


def asked(needs: Needs | None) -> tuple[Endpoint, ...]:
    """Return the endpoints that a collection of these facts (None: all) would ask."""
    return tuple(ENDPOINTS[number] for number in demand(needs).endpoints)


def concerning(examined: Iterable[Examined], needs: Needs, hinging: Needs) -> tuple[Examined, ...]:
    """Return what was examined for these facts; of facts that no endpoint tells, for those only on which something hinges."""
    told = _told(needs)
    names = {endpoint.name for endpoint in asked(told)}
    kinds = demanded(told) | {kind for kind, _ in told}
    return tuple(each for each in examined if _concerns(each, names, kinds, hinging))


def is_attested(examined: Examined, needs: Needs, filled: Filled) -> bool:
    """Tell whether people attested all that is missing here of the kinds needed."""
    kinds = {kind for kind, _ in needs}
    if examined.site and kinds.isdisjoint(examined.kinds) and all(KINDS[kind].single for kind in kinds):
        # It would be asked for the sake of what lies below it only, and of that there is just one.
        return all((kind, examined.site) in filled for kind in kinds)
    wanted = [
        (kind, ALL_THERE_IS if KINDS[kind].unlisted else id_ or parent or "")
        for kind, id_, parent in examined.misses or ()
        if kind in kinds
    ]
    return bool(wanted) and all(each in filled and (not examined.fact or examined.fact in filled[each]) for each in wanted)


def least(endpoints: Iterable[Endpoint], surface: Surface, credential: str) -> LeastPrivilege:
    """Return the least that a credential has to be allowed, to read these endpoints of an interface whole."""
    mine = [endpoint for endpoint in endpoints if endpoint.surface is surface]
    return LeastPrivilege(
        credential,
        endpoints=tuple(endpoint.name for endpoint in mine),
        scopes=tuple(sorted({endpoint.scope for endpoint in mine if endpoint.scope})),
        roles=(_MAKES_KEYS,) if surface is Surface.ADMIN else tuple(dict.fromkeys(each.role for each in mine if each.role)),
        unscoped=tuple(endpoint.name for endpoint in mine if _opens_without_scopes_only(endpoint)),
    )


# ---------------------------------------------------------------------------------------------------------------- private


# https://support.atlassian.com/organization-administration/docs/manage-an-organization-with-the-admin-apis/
_MAKES_KEYS = "Organization admin, who makes the key"


def _opens_without_scopes_only(endpoint: Endpoint) -> bool:
    """Tell whether no scope is documented; one of a site's documented endpoints that names none needs none."""
    return endpoint.scope is None and (endpoint.surface is Surface.ADMIN or endpoint.source is Source.UNDOCUMENTED)


def _told(needs: Needs) -> Needs:
    """Return the facts that some endpoint tells, and of a kind whose facts are all omitted nothing at all."""
    told = needs - OMITTED
    omitted = {kind for kind, _ in needs & OMITTED} - {kind for kind, fact in told if fact and fact not in OWN_PATHS}
    return frozenset((kind, fact) for kind, fact in told if kind not in omitted)


def _concerns(examined: Examined, names: Collection[str], kinds: Collection[str], hinging: Needs) -> bool:
    if examined.fact:
        return (examined.kinds[0], examined.fact) in hinging
    return examined.endpoint in names if examined.endpoint else examined.kinds[0] in kinds


def _by_hand(kind: str, misses: tuple[Missing, ...] | None = None, *, fact: str | None = None) -> Examined:
    """Return what to say of a kind, or a fact of it, that nothing supplies but attestations."""
    console, why = KINDS[kind].console, settle.no_interface(kind)
    lack = Lack.ATTESTATION if console else Lack.ANSWER
    detail, hint = f"{why.detail}{f': {fact}' if fact else ''}", settle.hint_for(why, "")
    return Examined(
        None, (kind,), Outcome.NO_ENDPOINT, lack=lack, wants=console, detail=detail, hint=hint, misses=misses, fact=fact
    )


def _told_apart(examined: Examined, *, accepted: bool) -> Examined:
    """Tell a wrong credential from a narrow one, which opens something else."""
    if examined.lack is not Lack.CREDENTIAL:
        return examined
    if not accepted:
        return replace(examined, wants=None)
    return replace(examined, lack=Lack.SCOPE if examined.site is None and examined.wants else Lack.PERMISSION)


def _refused(of: Examined, refusal: Refusal, endpoint: Endpoint) -> Examined:
    """Say what lacks, as far as the refusal tells."""
    of = replace(of, outcome=Outcome.REFUSED, detail=refusal.detail, hint=settle.hint_for(refusal, endpoint.remedy))
    says_scope = "scope" in refusal.detail.lower()
    is_admin, is_403 = endpoint.surface is Surface.ADMIN, refusal.status == _FORBIDDEN
    match refusal.reason:
        case Reason.OPT_IN_OFF:
            return replace(of, outcome=Outcome.OPT_IN_OFF, lack=Lack.OPT_IN, wants=endpoint.opt_in)
        case Reason.NO_CREDENTIAL:
            return replace(of, lack=Lack.CREDENTIAL)
        case Reason.FORBIDDEN if endpoint.scope and (says_scope or (is_403 and is_admin)):
            return replace(of, lack=Lack.SCOPE, wants=endpoint.scope)
        case Reason.FORBIDDEN if refusal.status is None or is_403 or endpoint.surface is Surface.ANYONE:
            return replace(of, lack=Lack.PERMISSION, wants=endpoint.role)
        case Reason.FORBIDDEN:
            # Not let in: the credential is wrong, unless it opens something else.
            return replace(of, lack=Lack.CREDENTIAL, wants=endpoint.scope if is_admin else endpoint.role)
        case _:
            return replace(of, lack=Lack.ANSWER)


_FORBIDDEN = 403


@dataclass(frozen=True, slots=True)
class _Page:
    """The first page of what an endpoint lists, and whether that was all."""

    resources: tuple[Resource, ...]
    is_whole: bool


_NO_PAGE = _Page((), is_whole=False)
_Untold = str
"""Why there is nobody to ask about."""


@dataclass(slots=True)
class _Checkup:
    api: Api
    options: Options
    named: Mapping[str | None, str]
    # By kind and site. What is not there could not be read, and of what is not here the site has none.
    pages: dict[tuple[str, str | None], _Page] = field(default_factory=dict)
    not_here: set[tuple[str, str | None]] = field(default_factory=set)
    # What the account may do on each site, where that is known, and the places that did not answer at all.
    permissions: dict[str | None, Collection[str]] = field(default_factory=dict)
    silent: dict[str | None, Refusal] = field(default_factory=dict)
    org: str | Refusal | None = None

    def endpoint(self, endpoint: Endpoint) -> Iterator[Examined]:
        """Yield what one call gives, for each place that has such an endpoint."""
        places: tuple[str | None, ...] = (None,) if endpoint.surface is Surface.ADMIN else self.options.sites
        for site in places:
            yield from dict.fromkeys(self._at(endpoint, site))
        if not places:
            detail = "the configuration names no site"
            yield Examined(endpoint.name, endpoint.kinds, Outcome.UNTOLD, endpoint.surface.value, detail=detail)

    def unreadable(self, unreadable: Unreadable) -> Examined:
        """Return what to say of a kind that no interface reads."""
        places = (None,) if unreadable.parent.startswith("org") else self.options.sites
        pages = [self.pages.get((unreadable.parent, place), _NO_PAGE) for place in places]
        parents = [parent for page in pages for parent in page.resources]
        misses = tuple((unreadable.kind, unreadable.id_of(parent), parent.address) for parent in parents)
        return _by_hand(unreadable.kind, misses if all(page.is_whole for page in pages) else None)

    def omitted(self, facts: Needs) -> Iterator[Examined]:
        """Yield what to say of facts that no endpoint tells, of whatever there is to have them."""
        for endpoint in ENDPOINTS:
            here = [site for site in self.options.sites if (endpoint.parent, site) not in self.not_here]
            for kind, fact in (each for each in endpoint.omits if each in facts):
                misses = self._lacking(endpoint, kind, here)
                if misses != ():
                    yield _by_hand(kind, misses, fact=fact)

    def _lacking(self, endpoint: Endpoint, kind: str, sites: Iterable[str]) -> tuple[Missing, ...] | None:
        """Return the resources of a kind to which an endpoint gives not all facts; None where one page does not tell."""
        of_sites = [(site, self._misses(endpoint, site)) for site in sites]
        if KINDS[kind].single:
            return tuple((kind, site, None) for site, misses in of_sites if misses != ())
        if any(misses is None for _, misses in of_sites):
            return None
        return tuple(each for _, misses in of_sites for each in misses or () if each[0] == kind)

    # ------------------------------------------------------------------------------------------------------- one place

    def _at(self, endpoint: Endpoint, site: str | None) -> Iterator[Examined]:
        credential = None if endpoint.surface is Surface.ANYONE else self.named.get(site)
        of = Examined(endpoint.name, endpoint.kinds, Outcome.READABLE, endpoint.surface.value, site, credential)
        about = self._about(endpoint, site)
        if (endpoint.parent, site) in self.not_here:
            yield replace(of, outcome=Outcome.NOT_HERE, detail=_NO_SUCH_APP)
        elif off := settle.not_to_ask(endpoint, self.options.opt_ins):
            yield replace(_refused(of, off, endpoint), misses=self._misses(endpoint, site))
        elif endpoint.given and (other := self._other_way(endpoint, endpoint.given, of)):
            yield other
        elif isinstance(about, _Untold):
            yield replace(of, outcome=Outcome.UNTOLD, lack=self._lack_of_nobody(endpoint, site), detail=about)
        else:
            yield from self._asked(endpoint, about, of)

    def _other_way(self, endpoint: Endpoint, given: Given, of: Examined) -> Examined | None:
        """Return why this is not the way to ask on a site, or None if it is."""
        page = self.pages.get((given.kind, of.site))
        value = next((each.facts.get(given.fact) for each in page.resources), None) if page else None
        if value in given.values:
            return None
        why = settle.undecided(endpoint, value)
        if why is None:
            return replace(of, outcome=Outcome.NOT_HERE, detail=f"not the way to ask here: {given.fact} is {value}")
        # Where the page that tells it could not be read, that is what lacks.
        lack, hint = Lack.ANSWER if page else None, settle.hint_for(why, endpoint.remedy)
        return replace(of, outcome=Outcome.UNTOLD, lack=lack, detail=why.detail, hint=hint)

    def _asked(self, endpoint: Endpoint, about: About, of: Examined) -> Iterator[Examined]:
        try:
            self._read(endpoint, about)
        except Refusal as refusal:
            if self._is_no_wonder(endpoint, about, refusal):
                self.not_here.update((kind, about.site) for kind in endpoint.kinds)
                yield replace(of, outcome=Outcome.NOT_HERE, detail=_NO_SUCH_APP)
                return
            refusals = [refusal]
        else:
            refusals = []
        # Where it could not be read what the account may do, that is what lacks.
        held = self.permissions.get(about.site)
        if held is not None and (partial := settle.partial(endpoint, held)):
            refusals.append(partial)
        misses = self._misses(endpoint, about.site)
        yield from (replace(_refused(of, refusal, endpoint), misses=misses) for refusal in refusals)
        if not refusals:
            yield of

    # -------------------------------------------------------------------------------------------------------- one request

    def _read(self, endpoint: Endpoint, about: About) -> None:
        """Read one page, and keep what it lists.

        Raises:
            Refusal: It gives nothing, or leaves out what another list says must be there.
        """
        if isinstance(self.org, Refusal) and endpoint.surface is Surface.ADMIN:
            raise self.org
        try:
            records, is_whole = self._page(endpoint, about)
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
        if "account_permissions" in endpoint.adds:
            self.permissions[about.site] = resources[0].facts["account_permissions"]
        if endpoint.adds:
            return
        for kind in endpoint.kinds:
            mine = tuple(resource for resource in resources if resource.kind == kind)
            self.pages.setdefault((kind, about.site), _Page(mine, is_whole))
        if is_whole and (left_out := self._left_out(endpoint, about.site, resources)):
            raise left_out

    def _page(self, endpoint: Endpoint, about: About) -> tuple[list[Record], bool]:
        """Return what the first page makes, and whether it is all that there is."""
        request = paging.first(endpoint, about)
        page = self._ask(request)
        found = paging.records(endpoint, page)
        is_last = paging.following(self.api, endpoint, request, page, paging.Place()) is None
        if endpoint.detail:
            ids = (*endpoint.always, *filter(None, map(endpoint.detail_id, found)))
            found = [self._ask(paging.detail(endpoint, about, id_)) for id_ in ids[:1]]
        records = chain.from_iterable(endpoint.shape(each, about) for each in ([found] if endpoint.gathers else found))
        return list(records), is_last and self._is_only_one(about)

    def _left_out(self, endpoint: Endpoint, site: str | None, listed: Iterable[Resource]) -> Refusal | None:
        """Return what a whole list leaves out although another says that it must be there."""
        known, others = {resource.id for resource in listed}, self.pages.get((endpoint.beside or "", site), _NO_PAGE).resources
        return next((left_out[1] for other in others if (left_out := settle.unlisted(endpoint, known, other))), None)

    def _ask(self, request: Request) -> Any:  # noqa: ANN401  JSON border
        """Ask, but no place a second time that did not answer at all."""
        if request.site in self.silent:
            raise self.silent[request.site]
        try:
            return self.api.ask(request)
        except Refusal as refusal:
            if refusal.reason is Reason.GAVE_UP and refusal.status is None:
                self.silent[request.site] = refusal
            raise

    # --------------------------------------------------------------------------------------------- whom it is asked for

    def _about(self, endpoint: Endpoint, site: str | None) -> About | _Untold:
        """Return what the endpoint is asked about: the first parent there is, or why there is none."""
        org = self._org_id() if endpoint.surface is Surface.ADMIN else None
        if isinstance(org, Refusal) and endpoint.parent:
            return f"the organization could not be read: {org.detail}"
        about = About(org if isinstance(org, str) else None, site, None, since=self.options.since, until=self.options.until)
        if not endpoint.parent:
            return about
        parents = self._parents(endpoint.parent, site)
        if parents is None:
            return f"the {KINDS[endpoint.parent].noun} to ask about could not be read"
        parent = next((each for each in parents if endpoint.applies(each)), None)
        if parent is None:
            return f"there is no {KINDS[endpoint.parent].noun} to ask about"
        return replace(about, parent=parent, has_sibling=lambda kind: self._is_known(kind, site, parent))

    def _org_id(self) -> str | Refusal:
        """Return the organization's id: as configured, or the only one that the key sees."""
        if self.org is None:
            try:
                self.org = self.options.org_id or only_org(self.api)
            except Refusal as refusal:
                self.org = refusal
        return self.org

    def _parents(self, kind: str, site: str | None) -> tuple[Resource, ...] | None:
        """Return the parents that the first page shows; of what there is just one, it need not be read to be known."""
        if page := self.pages.get((kind, site)):
            return page.resources
        id_ = self.org if kind == "org" else site if KINDS[kind].id == "site name" else None
        return (Resource(kind=kind, id=id_, name=id_, facts={}, source=Source.API),) if isinstance(id_, str) else None

    def _is_known(self, kind: str, site: str | None, parent: Resource) -> bool:
        return any(each.parent == parent.address for each in self.pages.get((kind, site), _NO_PAGE).resources)

    def _lack_of_nobody(self, endpoint: Endpoint, site: str | None) -> Lack | None:
        """Return what lacks where there is nobody to ask about: nothing, if that was the whole list."""
        page = self.pages.get((endpoint.parent or "", site))
        return None if page is None or page.is_whole else Lack.ANSWER

    # ------------------------------------------------------------------------------------------- what a page tells of others

    def _is_only_one(self, about: About) -> bool:
        """Tell whether the one parent that is asked for is the only one."""
        page = self.pages.get((about.parent.kind, about.site)) if about.parent else None
        return page is None or (page.is_whole and len(page.resources) == 1)

    def _is_no_wonder(self, endpoint: Endpoint, about: About, refusal: Refusal) -> bool:
        """Tell whether nothing answers because the site has no such app, as the organization's list of apps says too."""
        apps = self.pages.get(("org.workspace", None), _NO_PAGE)
        if not endpoint.app or not about.site or refusal.reason is not Reason.NOT_FOUND or not apps.is_whole:
            return False
        return settle.has_no(endpoint.app, self.api.address(about.site), apps.resources)

    def _misses(self, endpoint: Endpoint, site: str | None) -> tuple[Missing, ...] | None:
        """Return (kind, id, parent) of all that is missing where this endpoint gives nothing; None where one page does not tell."""
        page = self.pages.get((endpoint.parent or "", site), _NO_PAGE)
        if not page.is_whole:
            # Of what a site has just one, no page has to tell which there are.
            is_single = site is not None and all(KINDS[kind].single for kind in endpoint.kinds)
            return tuple((kind, site, None) for kind in endpoint.kinds) if is_single else None
        abouts = [About(None, site, parent) for parent in page.resources if endpoint.applies(parent)]
        return tuple(chain.from_iterable(map(endpoint.missing, abouts)))


_NO_SUCH_APP = "the site has no such app, as the organization's list of apps says too"
