"""On which facts it hinges whether a policy can be proven."""

from collections.abc import Collection

from scanner.conditions import AllOf, AnyOf, Condition, Count, Each, FirstKnown, Not, Readable, Related, Test, facts_read
from scanner.model import Policy

Facts = frozenset[tuple[str, str]]


def of(policy: Policy, untold: Collection[tuple[str, str]]) -> Facts:
    """Return those of the untold facts, as (kind, fact), without which the policy can never come to a pass; none if it can."""
    where = _to_hold(policy.where, policy.kind, untold) if policy.where else frozenset()
    ways = [where | _to_hold(policy.require, policy.kind, untold)]
    if policy.settled_by:
        ways.append(_to_hold(policy.settled_by, policy.kind, untold))
    return _easiest(ways)


# ---------------------------------------------------------------------------------------------------------------- private


def _to_hold(condition: Condition, kind: str, untold: Collection[tuple[str, str]], *, negated: bool = False) -> Facts:
    """Return the untold facts that a condition (or, negated, its contrary) cannot hold without."""
    match condition:
        case Not(part):
            return _to_hold(part, kind, untold, negated=not negated)
        case AllOf(parts) | AnyOf(parts) | FirstKnown(parts):
            ways = [_to_hold(part, kind, untold, negated=negated) for part in parts]
            takes_all = isinstance(condition, AllOf) is not negated and not isinstance(condition, FirstKnown)
            return frozenset().union(*ways) if takes_all else _easiest(ways)
        case Related(other, part=part, quantifier=quantifier):
            return _to_hold(part, other, untold, negated=negated is not (quantifier == "none"))
        case Test() | Each() | Count() | Readable():
            return facts_read(condition, kind) & frozenset(untold)


def _easiest(ways: list[Facts]) -> Facts:
    return min(ways, key=len)
