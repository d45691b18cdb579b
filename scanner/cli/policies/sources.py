"""Where the facts that a policy judges come from at best."""

from scanner import evaluate
from scanner.cli import hinges
from scanner.collect.tables import ENDPOINTS, OMITTED
from scanner.model import Policy, Rule, Source


def of(policy: Policy) -> Source:
    """Return the best source of the facts that a policy judges.

    That is the best source of its kind. A policy that looks at nothing of its own kind and only counts others is as good as the
    worst of theirs. Where it hinges on a fact that no endpoint tells, it takes an attestation.
    """
    if hinges.of(policy, OMITTED):
        return Source.ATTESTED
    facts = {(kind, fact) for kind, fact in evaluate.needs([Rule(policy, policy.severity, {})]) if fact}
    kinds = {kind for kind, _ in facts if kind == policy.kind} or evaluate.referred(policy) or {policy.kind}
    return max((of_kind(kind) for kind in kinds), key=_rank)


def of_kind(kind: str) -> Source:
    """Return the best source that supplies a kind; what no endpoint does, only a person can attest."""
    return min((endpoint.source for endpoint in ENDPOINTS if kind in endpoint.kinds), key=_rank, default=Source.ATTESTED)


def _rank(source: Source) -> int:
    return list(Source).index(source)
