"""The straight pipe, put together: configuration to rules, snapshot to report."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from scanner import __version__, attestations, causes, diff, evaluate, policies, waivers
from scanner import config as configuration
from scanner import drift as drifting
from scanner.baseline import Comparison, check_target
from scanner.cli import names
from scanner.config import Config
from scanner.errors import InputError, did_you_mean
from scanner.gate import Gating
from scanner.model import Attestation, Drift, Explanation, LeftOut, Report, Resource, Rule, Snapshot, Target, Verdict, Waiver
from scanner.pseudonyms import check_same

TOOL = f"atlascan {__version__}"
_AS_CONFIGURED = Gating()
_OTHER_ORDER = "the snapshot that is given first is the later one of the two"


def load_config(file: Path | None) -> Config:
    """Read the configuration that was named, or the one in this folder.

    Raises:
        InputError: There is none, or it is wrong.
    """
    path = file or Path(configuration.FILE)
    if file is None and not path.exists():
        raise InputError(
            f"there is no {configuration.FILE} in this folder", hint="write one with `atlascan init`, or name one with --config"
        )
    return configuration.load(path)


@dataclass(frozen=True, slots=True)
class Criteria:
    """What a snapshot is judged by: the rules, what people attest, and what was excused; and the policies that are left out."""

    rules: tuple[Rule, ...]
    attestations: tuple[Attestation, ...]
    waivers: tuple[Waiver, ...]
    left_out: tuple[LeftOut, ...] = ()


def criteria(config: Config) -> Criteria:
    """Read all that the configuration judges by; a scan does so first, so that a typo costs no collection.

    Raises:
        InputError: A policy, the profile, a parameter, or the file of attestations or waivers is wrong.
    """
    known = policies.load(config.policies, config.base)
    chosen = policies.choose(known, config.choice)
    return Criteria(
        chosen.rules,
        attestations.load(config.attestations) if config.attestations else (),
        waivers.load(config.waivers, known) if config.waivers else (),
        chosen.left_out,
    )


def judge(
    config: Config,
    by: Criteria,
    snapshot: Snapshot,
    gating: Gating = _AS_CONFIGURED,
    *,
    jobs: int = 1,
    watched: frozenset[tuple[str, str]] = frozenset(),
) -> Report:
    """Judge a snapshot, excuse what is waived, compare with a baseline if there is one, and gate.

    What is `watched`, by policy and address, is among the findings whatever it is.
    """
    by = names.criteria(by, snapshot.header)
    if gating.baseline:
        check_same(gating.baseline.snapshot, snapshot.header)
    as_of = snapshot.header.taken_at
    desks, spaces = _ids(snapshot, "jsm.service_desk"), _ids(snapshot, "confluence.space") if config.spaces else []
    missing = [f"the snapshot holds nothing of {site}; take a new one" for site in _not_scanned(config, snapshot.header.target)]
    for warning in (*missing, *configuration.undeclared_typos(config, desks, spaces), *_sites_left_out(snapshot)):
        say(f"warning: {warning}")
    supplied = attestations.supply(snapshot, by.attestations)
    declare = configuration.declaration(config, desks, spaces)
    applied = {rule.policy.id: rule.policy for rule in by.rules}
    kinds = {id_: policy.kind for id_, policy in applied.items()}
    excuses = waivers.Excuses(by.waivers, waivers.Terms(as_of, kinds, config.waiver_limits))
    versions = {id_: policy.version for id_, policy in applied.items()}
    against = Comparison(gating.baseline, snapshot.header, versions) if gating.baseline else None
    evaluation = evaluate.evaluate(
        by.rules, supplied, declare, jobs=jobs, watched=watched | (against.failed if against else frozenset())
    )
    findings = map(excuses, evaluation)
    tally = gating.tally(config.fail_on)
    counted = map(tally, map(against, findings) if against else findings)
    ordered = tuple(sorted(counted, key=lambda each: (each.policy, -each.verdict.rank, each.address)))
    gaps = tuple(supplied.gaps())
    return Report(
        tool=TOOL,
        profile=config.profile,
        snapshot=snapshot.header,
        policies=tuple(policies.judged(rule, evaluation.unlisted_of(rule.policy.id)) for rule in by.rules),
        findings=ordered,
        gaps=gaps,
        waivers=excuses.uses(),
        attestations=attestations.uses(by.attestations, as_of),
        left_out=by.left_out,
        desks=declare.desks(desks),
        gate=tally.gate(allow_unknown=gating.allow_unknown, not_scanned=_not_scanned(config, snapshot.header.target)),
        baseline=against.outcome(gaps) if against else None,
    )


def check_scope(config: Config, snapshot: Snapshot) -> None:
    """Refuse a snapshot of something else than the configuration names.

    Raises:
        InputError: It is of another organization, or of other sites.
    """
    named = Target(org=config.org_id, sites={site.name: site.url for site in config.sites})
    hint = "name the right configuration with --config, or take a new snapshot"
    check_target(named, snapshot.header.target, "the configuration", "the snapshot", hint)


def drift(config: Config, by: Criteria, old: Snapshot, new: Snapshot, *, volatile: bool = False, jobs: int = 1) -> Drift:
    """Judge two snapshots by the same criteria, each as of its own time, and tell what changed and what that did.

    What was attested nearer to the later one says nothing of the earlier: somebody may have seen what had changed by then.
    With `volatile`, what changes all the time and logs are told of too.

    Raises:
        InputError: They are of other organizations or sites, or the later one is given first.
    """
    if old.header.taken_at > new.header.taken_at:
        raise InputError(_OTHER_ORDER, hint="give the earlier snapshot first")
    check_target(old.header.target, new.header.target, "the earlier snapshot", "the later one")
    check_same(old.header, new.header)
    of_old = replace(by, attestations=attestations.nearer(by.attestations, old.header.taken_at, new.header.taken_at))
    before = judge(config, of_old, old, jobs=jobs)
    failed = frozenset((each.policy, each.missing or each.address) for each in before.findings if each.verdict is Verdict.FAIL)
    after = judge(config, by, new, jobs=jobs, watched=failed)
    earlier, later = attestations.supply(old, of_old.attestations), attestations.supply(new, by.attestations)
    changes = drifting.reaching(diff.changes(earlier, later, volatile=volatile), (later, earlier))
    explained = causes.explained(changes, old.header, later)
    looked_at = {rule.policy.id: evaluate.referred(rule.policy) for rule in by.rules}
    present = drifting.presence((before, after), (earlier, later))
    return drifting.drift(before, after, explained, looked_at, present)


def explain(config: Config, by: Criteria, snapshot: Snapshot, policy: str, address: str) -> tuple[Rule, tuple[Explanation, ...]]:
    """Return a rule, and how its verdict on a resource comes about.

    Raises:
        InputError: The policy is not applied, it judges another kind, or there is no such resource.
    """
    rule = next((rule for rule in by.rules if rule.policy.id == policy), None)
    if rule is None:
        known = [each.policy.id for each in by.rules]
        raise InputError(f"the policy {policy!r} is not applied here", hint=did_you_mean(policy, known))
    kind, slash, id_ = address.partition("/")
    if kind != rule.policy.kind or not slash:
        raise InputError(f"{policy} judges {rule.policy.kind}, not {kind}", hint=f"an address is such as {rule.policy.kind}/<id>")
    supplied = attestations.supply(snapshot, by.attestations)
    declare = configuration.declaration(config, _ids(snapshot, "jsm.service_desk"), _ids(snapshot, "confluence.space"))
    explanations = tuple(evaluate.explain(rule, id_, supplied, declare))
    if not explanations:
        known = [each.id for each in supplied.of(kind) if each.id]
        raise InputError(f"there is no {address} in the snapshot", hint=did_you_mean(id_, known))
    return rule, explanations


def say(line: str) -> None:
    """Say something to whoever runs the program; standard output is for the product."""
    sys.stderr.write(f"{line}\n")


def utc_now() -> datetime:
    """Return this moment, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


# ---------------------------------------------------------------------------------------------------------------- private


def _ids(snapshot: Snapshot, kind: str) -> list[str]:
    return [record.id for record in snapshot.of(kind) if isinstance(record, Resource)]


def _not_scanned(config: Config, target: Target) -> list[str]:
    """Return the sites that the configuration names and of which the snapshot holds nothing."""
    return [site.name for site in config.sites if site.name not in target.sites]


def _sites_left_out(snapshot: Snapshot) -> Iterator[str]:
    """Yield a warning for each site of the organization that was not scanned: nothing in the report speaks of it."""
    scanned = {urlsplit(url).hostname for url in snapshot.header.target.sites.values()}
    workspaces = (record for record in snapshot.of("org.workspace") if isinstance(record, Resource))
    ours = (each for each in workspaces if str(each.facts.get("type_key")).startswith(("jira", "confluence")))
    hosts = {urlsplit(str(workspace.facts.get("host_url") or "")).hostname for workspace in ours}
    for host in sorted(filter(None, hosts - scanned)):
        yield f"{host} belongs to the organization and was not scanned; add it under `sites:` if it should be"
