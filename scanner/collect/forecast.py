"""What a collection will ask and how long it will take, told before anything is sent."""

from collections.abc import Iterator
from math import ceil

from scanner.collect import settle
from scanner.collect.api import CEILINGS, Api, Request, Surface
from scanner.collect.endpoint import Endpoint
from scanner.collect.tables import ENDPOINTS, demand
from scanner.collect.walk import Options
from scanner.model import Basis, EndpointCoverage, Expected, Forecast, Header, Resource

# Atlassian publishes nowhere how long its answers take.
ASSUMED_SECONDS = 0.3


def forecast(api: Api, options: Options, earlier: Header | None) -> Forecast:
    """Return what a collection will ask: what an earlier one of the same took, else the least that is known."""
    before = earlier if earlier and _is_of_the_same(earlier, api, options) else None
    counted = {each.endpoint: each for each in before.endpoints} if before else {}
    mean = _mean(tuple(counted.values())) if before and not before.recorded else None
    each = ASSUMED_SECONDS if mean is None else mean
    expected = [_expected(api, options, ENDPOINTS[number], counted, each) for number in demand(options.needs).endpoints]
    expected += _logins(api, options, each)
    work = sum(row.requests for row in expected) * each / options.concurrency
    return Forecast(
        earlier=before,
        each=each,
        is_assumed=mean is None,
        concurrency=options.concurrency,
        expected=tuple(expected),
        seconds=max([work, *(_held(row.endpoint, row.requests) for row in expected)]),
    )


# ---------------------------------------------------------------------------------------------------------------- private


def _is_of_the_same(earlier: Header, api: Api, options: Options) -> bool:
    """Tell whether a snapshot is of the sites, and if one is configured the organization, that are collected now."""
    sites = {site: api.address(site) for site in options.sites}
    return earlier.target.sites == sites and options.org_id in (None, earlier.target.org)


def _mean(endpoints: tuple[EndpointCoverage, ...]) -> float | None:
    requests = sum(each.requests for each in endpoints)
    return sum(each.seconds for each in endpoints) / requests if requests else None


def _expected(api: Api, options: Options, endpoint: Endpoint, counted: dict[str, EndpointCoverage], each: float) -> Expected:
    if off := settle.not_to_ask(endpoint, options.opt_ins):
        return Expected(endpoint.name, Basis.NOT_ASKED, (off.detail,))
    asked, why_not = _places(api, options, endpoint)
    if not asked:
        return Expected(endpoint.name, Basis.NOT_ASKED, why_not)
    before = counted.get(endpoint.name)
    if before and _tells(before):
        requests = before.requests - before.retries
        half = () if before.complete else ("it was not read whole then",)
        basis, notes = Basis.EARLIER, (*half, *why_not, *_ceiling(endpoint))
    else:
        requests = len(asked) * _of_a_place(endpoint, options)
        basis, notes = Basis.LEAST, (*_more(endpoint), *why_not, *_ceiling(endpoint))
    return Expected(endpoint.name, basis, notes, requests, max(requests * each, _held(endpoint.name, requests)))


def _places(api: Api, options: Options, endpoint: Endpoint) -> tuple[list[str | None], tuple[str, ...]]:
    """Return the places where an endpoint is asked, and of the others why it is not."""
    places: tuple[str | None, ...] = (None,) if endpoint.surface is Surface.ADMIN else options.sites
    withheld = {place: api.withheld(Request(endpoint.surface, endpoint.method, endpoint.path, place)) for place in places}
    why_not = tuple(f"{place or 'the organization'}: {refusal.detail}" for place, refusal in withheld.items() if refusal)
    return [place for place in places if not withheld[place]], why_not or ("the configuration names no site",) * (not places)


def _tells(before: EndpointCoverage) -> bool:
    """Tell whether it was asked then; that nothing had to be is known where nothing lacked."""
    return before.requests > 0 or before.complete


def _of_a_place(endpoint: Endpoint, options: Options) -> int:
    """Return how many requests it takes at a site or the organization, whatever is found there."""
    if not _is_sure(endpoint):
        return 0
    which_org = endpoint.parent is None and endpoint.surface is Surface.ADMIN and options.org_id is None
    return 1 + len(endpoint.always) + which_org


def _is_sure(endpoint: Endpoint) -> bool:
    """Tell whether it is asked at a place whatever is found there: about the place itself, and without a condition."""
    if endpoint.parent is None:
        return True
    unknown = Resource(kind=endpoint.parent, id="", name="", facts={}, source=endpoint.source)
    return endpoint.parent in _PLACES and endpoint.given is None and endpoint.applies(unknown)


# What is there in any case; of an app, a site may have none.
_PLACES = frozenset(endpoint.kinds[0] for endpoint in ENDPOINTS if endpoint.parent is None and not endpoint.app)


def _more(endpoint: Endpoint) -> Iterator[str]:
    """Yield what else it is asked about, as many of these as there will be."""
    if not _is_sure(endpoint):
        where = f" where {endpoint.given.fact} is {' or '.join(_values(endpoint))}" if endpoint.given else ""
        yield f"1 for each {endpoint.parent}{where}"
    if endpoint.detail:
        yield f"and 1 for each {endpoint.kinds[0]}"


def _ceiling(endpoint: Endpoint) -> Iterator[str]:
    if endpoint.path in CEILINGS:
        most, seconds = CEILINGS[endpoint.path]
        yield f"Atlassian takes {most} in {seconds:.0f} s"


def _values(endpoint: Endpoint) -> tuple[str, ...]:
    return (*endpoint.given.values, *endpoint.given.partly) if endpoint.given else ()


def _logins(api: Api, options: Options, each: float) -> Iterator[Expected]:
    """Yield what is asked to get in, where that takes more than to show a credential."""
    if not any(ENDPOINTS[number].surface is Surface.SITE for number in demand(options.needs).endpoints):
        return
    needed = [name for site in options.sites if api.can_ask(Surface.SITE, site) for name in api.preparing(site)]
    for name in dict.fromkeys(needed):
        yield Expected(name, Basis.LEAST, (), needed.count(name), needed.count(name) * each)


def _held(name: str, requests: int) -> float:
    """Return for how many seconds the ceiling of an endpoint holds back the last of its requests."""
    most, seconds = CEILINGS.get(name.partition(" ")[2], (1, 0.0))
    return max(0, ceil(requests / most) - 1) * seconds
