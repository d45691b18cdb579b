"""All endpoints there are, and which of them are asked for the facts that somebody looks at."""

from collections.abc import Collection
from dataclasses import dataclass

from scanner.collect import confluence, jira, jsm, org, probe
from scanner.collect.endpoint import Derived, Endpoint, Unreadable

ENDPOINTS: tuple[Endpoint, ...] = (*org.ENDPOINTS, *jira.ENDPOINTS, *jsm.ENDPOINTS, *confluence.ENDPOINTS, *probe.ENDPOINTS)
UNREADABLE: tuple[Unreadable, ...] = (*org.UNREADABLE, *jira.UNREADABLE, *jsm.UNREADABLE)

DERIVED: tuple[Derived, ...] = jira.DERIVED

Needs = frozenset[tuple[str, str]]
# The facts that no endpoint tells of the kinds that some endpoint supplies.
OMITTED: Needs = frozenset(fact for endpoint in ENDPOINTS for fact in endpoint.omits)


@dataclass(frozen=True, slots=True)
class Demand:
    """What is collected: kinds, the endpoints that are asked, by their place in the table, and the kinds that no endpoint reads."""

    kinds: frozenset[str]
    endpoints: tuple[int, ...]
    unreadable: tuple[Unreadable, ...]
    derived: tuple[Derived, ...]


def demand(needs: Needs | None) -> Demand:
    """Return what to collect for these facts (None: all): with the parents, and with what tells whether a list is whole."""
    kinds, needs = _demanded(needs)
    return Demand(
        kinds,
        tuple(number for number, endpoint in enumerate(ENDPOINTS) if _is_asked(endpoint, kinds, needs)),
        tuple(each for each in UNREADABLE if each.kind in kinds),
        tuple(each for each in DERIVED if _is_derived(each, needs)),
    )


def demanded(needs: Needs | None) -> frozenset[str]:
    """Return the kinds to collect for these facts."""
    return demand(needs).kinds


# ---------------------------------------------------------------------------------------------------------------- private


def _demanded(needs: Needs | None) -> tuple[frozenset[str], Needs | None]:
    everything = {kind for endpoint in ENDPOINTS for kind in endpoint.kinds} | {unreadable.kind for unreadable in UNREADABLE}
    kinds = frozenset(everything if needs is None else everything & {kind for kind, _ in needs})
    while True:
        asked = [endpoint for endpoint in ENDPOINTS if _is_asked(endpoint, kinds, needs)]
        above = {
            other
            for endpoint in asked
            for other in (endpoint.parent, endpoint.beside, endpoint.given and endpoint.given.kind)
            if other
        } | {unreadable.parent for unreadable in UNREADABLE if unreadable.kind in kinds}
        told = {("jira.site", "account_permissions") for endpoint in asked if endpoint.whole_with}
        told |= {awaited for endpoint in asked for awaited in endpoint.awaits}
        told |= {fact for derived in DERIVED if _is_derived(derived, needs) for fact in derived.needs}
        above |= {kind for kind, _ in told}
        if above <= kinds and (needs is None or told <= needs):
            return kinds, needs
        kinds |= above
        needs = None if needs is None else needs | told


def _is_derived(derived: Derived, needs: Needs | None) -> bool:
    return needs is None or any((derived.kind, fact) in needs for fact in derived.facts)


def _is_asked(endpoint: Endpoint, kinds: Collection[str], needs: Needs | None) -> bool:
    """Tell whether an endpoint supplies something that is needed; one that only adds facts is asked where these are."""
    if needs is None or not endpoint.adds:
        return any(kind in kinds for kind in endpoint.kinds)
    return any((endpoint.kinds[0], fact) in needs for fact in endpoint.adds)
