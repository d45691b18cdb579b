"""Whether the ways that somebody may have come are open still, and what to do now, in an order that keeps the evidence."""

from collections.abc import Iterable, Iterator, Sequence

from scanner.access import Account
from scanner.domains import domain_of
from scanner.model import Finding, Judged, Report, Verdict
from scanner.trace.hypotheses import ANYONE
from scanner.tracing import LOGS, Candidate, Companion, Confidence, Doorway, Guard, LogGap, Path, Stay, Through, Todo
from scanner.ways import ENTRANCES, Entrance

_ADMIN = "https://admin.atlassian.com/o/{org}"
_OPEN = frozenset({"fail", "waived"})


def watched(account: Account) -> frozenset[tuple[str, str]]:
    """Return the verdicts about the person that have to be among the findings, by policy and address."""
    addresses = {record.address for record in account.records} | _desks(account)
    return frozenset((policy, address) for each in ENTRANCES.values() for policy in each.guards for address in addresses)


def doorways(
    stays: Iterable[Stay], account: Account, email: str | None, named: frozenset[str], report: Report
) -> tuple[Doorway, ...]:
    """Return the ways that are proven or likely, or else the best there are, as they are in the snapshot.

    `named` is what the events about the person name.
    """
    ways = dict.fromkeys(
        each.way for stay in stays for each in stay.hypotheses if each in stay.best or each.confidence.rank <= _LIKELY
    )
    relevant = _relevant(account, email, named, report)
    return tuple(_doorway(ENTRANCES[way], relevant, report) for way in ways)


def todo(
    person: Candidate, paths: Sequence[Path], ways: Iterable[Doorway], others: Sequence[Companion], gaps: Sequence[LogGap]
) -> tuple[Todo, ...]:
    """Return what to do: keep the evidence, stop the access, take it away, close what is open, look at the others, prove it."""
    return (*_keep(gaps), _stop(paths), *_take_away(person, paths), *_close(ways), *_look(others), _prove(person))


# ------------------------------------------------------------------------------------------------------ is it open still

_NOTHING = "nothing to judge"
_LIKELY = Confidence.LIKELY.rank
# Kinds of which only what concerns the person matters for the ways in. Default groups are no such kind: all who come land in them.
_CONCERNING = frozenset({"jsm.customer_permissions", "org.access_domain"})


def _relevant(account: Account, email: str | None, named: frozenset[str], report: Report) -> frozenset[str]:
    """Return the addresses, of kinds of which there are many, that concern the person: all, where it is not known which do."""
    judged = {each.address for policy in _GUARDS for each in report.of(policy)}
    domain = domain_of(email) if email else None
    domains = {f"org.access_domain/{domain}"} if domain else set[str]()
    return frozenset(
        (
            f"org.access_domain/{ANYONE}",
            *_of_kind(judged, "org.access_domain", domains, named),
            *_of_kind(judged, "jsm.customer_permissions", _desks(account), named),
        )
    )


def _desks(account: Account) -> set[str]:
    return {f"jsm.customer_permissions/{desk}" for record in account.of("jsm.customer") for desk in record.facts.get("desks") or ()}


_GUARDS = frozenset(policy for each in ENTRANCES.values() for policy in each.guards)


def _of_kind(judged: Iterable[str], kind: str, known: set[str], named: frozenset[str]) -> set[str]:
    """Return what is known to concern the person and what events name, by its key; of neither, all that was judged of a kind."""
    told = {each for each in judged if each.startswith(f"{kind}/")}
    return known | {each for each in told if each.rpartition("/")[2].casefold() in named} or told


def _doorway(entrance: Entrance, relevant: frozenset[str], report: Report) -> Doorway:
    judged = {policy.id: policy for policy in report.policies}
    if entrance.id == "approved-domain":
        relevant -= {f"org.access_domain/{ANYONE}"}  # which is a way of its own
    guards = tuple(_guard(id_, judged.get(id_), relevant, report) for id_ in entrance.guards)
    words = {guard.verdict for guard in guards}
    if words & _OPEN:
        is_open: bool | None = True
    else:
        is_open = False if words and words <= {"pass", _NOTHING} else None
    return Doorway(
        way=entrance.id, title=entrance.title, door=entrance.door, is_open=is_open, guards=guards, decided=entrance.decided
    )


def _guard(id_: str, policy: Judged | None, relevant: frozenset[str], report: Report) -> Guard:
    if policy is None:
        return Guard(policy=id_, title="", severity=None, verdict=None)
    findings = [each for each in report.of(id_) if _concerns(each, relevant)]
    worst = max(findings, key=lambda each: each.verdict.rank, default=None)
    told = tuple(f"{each.address}: {each.message}" for each in findings if each.verdict.value not in ("pass", "notapplicable"))
    return Guard(
        policy=id_,
        title=policy.title,
        severity=policy.severity,
        verdict=_word(worst, findings, policy, report),
        findings=told,
        remediation=policy.remediation,
        console=policy.console,
    )


def _word(worst: Finding | None, findings: Iterable[Finding], policy: Judged, report: Report) -> str:
    if worst is None:
        return _NOTHING if policy.kind in _read_whole(report) else "unknown"
    # A desk of which a policy does not speak may be open on purpose: that others pass closes no door.
    is_of_desks = policy.kind == "jsm.customer_permissions" and worst.verdict is Verdict.PASS
    return min(findings, key=lambda each: each.verdict.rank).word if is_of_desks else worst.word


def _read_whole(report: Report) -> frozenset[str]:
    """Return the kinds of which there is nothing more than was read."""
    attested = {each.address.partition("/")[0] for each in report.attestations}
    return frozenset(each.kind for each in report.snapshot.coverage if each.complete) | attested


def _concerns(finding: Finding, relevant: frozenset[str]) -> bool:
    """Tell whether a finding speaks of the person, or of what is the same for all; what could not be read may do so."""
    kind = finding.address.partition("/")[0]
    if kind not in _CONCERNING or finding.reason is not None:
        return True
    return finding.address in relevant


# --------------------------------------------------------------------------------------------------------- what to do now


def _keep(gaps: Sequence[LogGap]) -> Iterator[Todo]:
    yield Todo(
        title="Keep the evidence before anything else: logs end, and removing an account changes what they show",
        clicks=(
            "Open Atlassian Administration, select the organization, and choose Insights > Audit log.",
            "Filter by the person, choose Export log, and keep the file where nobody can change it.",
            "In Jira choose Settings > System > Audit log, and export it, too.",
            "Keep a copy of the snapshot that this trace was made from.",
        ),
        console=_ADMIN,
    )
    wanted = tuple(dict.fromkeys(f"{LOGS[gap.log]}: {gap.because}. To know more, {gap.fetch}." for gap in gaps))
    if wanted:
        yield Todo(title="Fetch what nobody could look at", clicks=wanted)


def _stop(paths: Sequence[Path]) -> Todo:
    """Return how the access is stopped in a way that can be undone, and leaves the account where it can be looked at."""
    customer = (
        "Of a customer: open the service project, choose Customers, and remove the person from each desk named above.",
        "Of a portal-only account: choose Portal-only accounts in Jira Service Management, and Deactivate account.",
    )
    user = (
        "Open Atlassian Administration, select the organization, and choose Directory > Users.",
        "Open the person, and from the menu with three dots choose Suspend access.",
        "Do not delete the account yet: its record says how it came.",
    )
    is_customer, is_user = (
        _has(paths, Through.CUSTOMER),
        any(each.through not in (Through.CUSTOMER, Through.PUBLIC) for each in paths),
    )
    clicks = (*(user if is_user or not is_customer else ()), *(customer if is_customer else ()))
    return Todo(title="Stop the access in a way that can be undone", clicks=clicks, console=_ADMIN)


def _take_away(person: Candidate, paths: Sequence[Path]) -> Iterator[Todo]:
    """Yield how what the person has is taken away, one path after another."""
    clicks = tuple(dict.fromkeys(filter(None, map(_undo, paths))))
    if clicks:
        yield Todo(
            title=f"Take away what {person.name} has, so that nothing comes back when the account does",
            clicks=(
                *clicks,
                "Revoke the API tokens of the account, where Atlassian Administration > Security > API tokens lists them.",
            ),
            console=_ADMIN,
        )


def _undo(path: Path) -> str | None:
    match path:
        case Path(through=Through.GROUP, stops=(group, *_)):
            return f"Remove the person from the group {group.name}, which gives {path.gives} of {path.name}."
        case Path(through=Through.DIRECT):
            return f"Remove the role {path.gives} of {path.name}, which was given to the person directly."
        case Path(through=Through.PROJECT_ROLE, stops=(_,)):
            return f"Remove the person from {path.gives} of the project {path.name}."
        case Path(through=Through.PROJECT_ROLE, stops=(group, _)):
            return f"Remove the person from the group {group.name}, which has {path.gives} of the project {path.name}."
        case Path(through=Through.SCHEME, stops=(scheme,)):
            return f"Take the grant of {path.gives} to the person out of the permission scheme {scheme.name}."
        case Path(through=Through.SCHEME, stops=(group, scheme)) if group.address.startswith("org.group/"):
            return (
                f"Remove the person from the group {group.name}, to which the permission scheme {scheme.name} grants {path.gives}."
            )
        case Path(through=Through.UNEXPLAINED):
            return f"Find out through what the person uses {path.name}: nothing that was read explains it."
    return None


def _close(ways: Iterable[Doorway]) -> Iterator[Todo]:
    for way in ways:
        for guard in way.guards:
            if guard.verdict in _OPEN:
                yield Todo(title=f"Close the way in: {way.title} ({guard.policy})", clicks=guard.remediation, console=guard.console)
            elif guard.verdict in (None, "unknown"):
                why = "is not applied by this profile" if guard.verdict is None else "could not be judged"
                yield Todo(
                    title=f"Look whether the way in is open: {way.title}",
                    clicks=(f"The policy {guard.policy} {why}. {' '.join(guard.findings)}".strip(), *guard.remediation),
                    console=guard.console,
                )


def _look(others: Sequence[Companion]) -> Iterator[Todo]:
    if others:
        names = ", ".join(each.email or each.account for each in others[:_NAMED])
        more = f", and {len(others) - _NAMED} more above" if len(others) > _NAMED else ""
        yield Todo(
            title="Look at those who came the same way",
            clicks=(f"Trace each, and ask who needs them inside: {names}{more}.",),
        )


_NAMED = 5


def _prove(person: Candidate) -> Todo:
    return Todo(
        title="Prove it: look again when all is done",
        clicks=(
            "Take a new snapshot: `atlascan snapshot --all`.",
            f"Trace again: `atlascan trace {person.id}`. No access should be left, and each way in should be closed.",
            "File both traces with the exported logs.",
        ),
    )


def _has(paths: Iterable[Path], through: Through) -> bool:
    return any(path.through is through for path in paths)
