"""Sample reports for the tests of every format: a realistic one, a hostile one and an empty one."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import cache
from itertools import count, islice
from typing import Any

import msgspec

from scanner import policies
from scanner.cli import proof
from scanner.conditions import Clause
from scanner.gate import gate
from scanner.kinds import KINDS
from scanner.model import (
    AppliedWaiver,
    AttestationUse,
    Baseline,
    BaselineState,
    ChangedPolicy,
    Coverage,
    Desk,
    EndpointCoverage,
    Evidence,
    Fate,
    Finding,
    Gap,
    Header,
    Judged,
    LeftOut,
    Policy,
    Reason,
    Relaxed,
    Report,
    Rule,
    Severity,
    Source,
    Target,
    Vanished,
    Verdict,
    WaiverState,
    WaiverUse,
)

AS_OF = datetime(2026, 6, 15, 6, 4, 12, tzinfo=UTC)
TOOL = "atlascan 0.1.0"

INVITES = "access/no-invites-allowed"
SIGNUP = "access/no-open-domain-signup"
IN_DATE = "attestation/in-date"
PUBLIC_SIGNUP = "jsm/public-signup-off"
MAIL_DOMAIN = "jsm/separate-support-email-domain"

# What the sources of hostile text try: to run, to end an element or a CDATA section, to be a formula, to reorder, to be invisible.
HOSTILE = (
    "<script>alert(1)</script>",
    "</script></style></title><img src=x onerror=alert(1)>",
    "\"'><svg onload=alert(1)>",
    "]]>&amp;<!--",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)",
    "=cmd|' /C calc'!A0",
    "\U0001f6d2 \U0001f468\u200d\U0001f469\u200d\U0001f467",
    "\u202emoc.elpmaxe\u202c \u2066a\u2069\u2069 \u200fمشروع\u200f",
    "nul\x00 bell\x07 escape\x1b[31m delete\x7f next\x85",
    "line\u2028paragraph\u2029zero\u200bwidth\ufeff\ufffe",
)
LONG = "long " + "x" * 5_000


def report() -> Report:
    """Return what a company half way would see: some doors closed, some open, some that nobody could look at."""
    findings = (*_invites(), *_signup(), *_in_date(), *_public_signup(), *_mail_domain())
    return Report(
        tool=TOOL,
        profile="it-controlled",
        snapshot=_header(),
        policies=_policies(),
        findings=findings,
        gaps=_gaps(),
        waivers=_waivers(),
        attestations=_attestations(),
        gate=gate(findings, Severity.HIGH, allow_unknown=False),
    )


def hostile_report() -> Report:
    """Return a report in which everything that others may name is an attack."""
    every = " ".join(HOSTILE)
    policy = msgspec.structs.replace(
        _policies()[0],
        title=every,
        rationale=f"`{every}`",
        remediation=HOSTILE,
        console="javascript:alert('{org}')",
        references=("javascript:alert(1)", "data:text/html,<script>alert(1)</script>", "https://evil.example/\"onclick='alert(1)"),
        params={"company_domains": list(HOSTILE), every: None},
        relaxed=(Relaxed(param=every, value=list(HOSTILE), bound=every),),
    )
    of_site = msgspec.structs.replace(
        policy, id="other/../<script>alert(2)</script>", console="{site_url}/x/{local_id}", controls={every: HOSTILE}, relaxed=()
    )
    findings = tuple(
        Finding(
            policy=each.id,
            address=f"jira.project/acme/{text}",
            name=LONG if text is HOSTILE[0] else text,
            verdict=verdict,
            severity=Severity.CRITICAL,
            message=text,
            severity_because=text,
            clauses=(_saw(text, text, text, address=text), _saw_not(text, text, text)),
            evidence=(Evidence(path=text, value={text: [text, None, 1.5]}, source=Source.UNDOCUMENTED),),
            source=Source.UNDOCUMENTED,
            reason=Reason.MALFORMED if verdict is Verdict.UNKNOWN else None,
            hint=text,
            waiver=AppliedWaiver(reason=text, owner=text, approved_by=text, expires=date(2026, 6, 20), ticket=text)
            if verdict is Verdict.FAIL and index % 2
            else None,
            baseline=BaselineState.NEW if verdict is Verdict.UNKNOWN else None,
        )
        for each in (policy, of_site)
        for index, text in enumerate(HOSTILE)
        for verdict in Verdict
    )
    return Report(
        tool=every,
        profile=every,
        snapshot=Header(
            id=every,
            taken_at=AS_OF,
            tool=every,
            target=Target(org=every, sites={"acme": "javascript:alert(1)//", every: "https://acme.example"}),
            coverage=(Coverage(kind=every, requests=1, resources=2, gaps=3, complete=False),),
            endpoints=(
                _asked(every, every, requests=1, pages=2, resources=3, gaps=4, retries=5, seconds=6.0),
                _asked(LONG, *HOSTILE, requests=1, pages=1, resources=1, seconds=31_536_000.5),
            ),
            recorded=every,
        ),
        policies=(policy, of_site),
        findings=findings,
        gaps=tuple(Gap(kind=every, reason=reason, detail=every, hint=every, parent=LONG, id=every) for reason in Reason),
        waivers=tuple(
            WaiverUse(
                policy=every,
                address=LONG,
                state=state,
                reason=every,
                owner=every,
                approved_by=every,
                expires=AS_OF.date(),
                ticket=every,
                expiring=state is WaiverState.APPLIED,
                because=every,
            )
            for state in WaiverState
        ),
        attestations=tuple(
            AttestationUse(
                address=every, attested_by=every, attested_on=AS_OF.date(), expires=AS_OF.date(), counted=True, evidence=evidence
            )
            for evidence in (*HOSTILE, None)
        ),
        gate=msgspec.structs.replace(gate(findings, Severity.LOW, allow_unknown=False), because=every),
        baseline=_baseline(every, *(_vanished(every, LONG, fate, every) for fate in Fate)),
        left_out=tuple(
            LeftOut(id=f"left/out-{because}", title=every, severity=Severity.LOW, controls={every: HOSTILE}, because=because)
            for because in (*HOSTILE, None)
        ),
        desks=tuple(Desk(id=text, kind="closed", declared=False) for text in HOSTILE),
    )


def compared_report() -> Report:
    """Return the realistic report once more, compared with an earlier one: one failure is known, all else is new."""
    findings = tuple(
        msgspec.structs.replace(
            each, baseline=BaselineState.KNOWN if each.address == "org.access_domain/ANYONE" else BaselineState.NEW
        )
        if each.counts
        else each
        for each in report().findings
    )
    vanished = (
        _vanished(INVITES, "org.user_invites/jira-service-management", Fate.PASSES, "user_invites is not_allowed"),
        _vanished(PUBLIC_SIGNUP, "jsm.customer_permissions/acme/SUP", Fate.NOTAPPLICABLE, "not judged here: desk_kind is public"),
        _vanished(PUBLIC_SIGNUP, "jsm.customer_permissions/acme-support/LEGAL", Fate.UNKNOWN, "answered 503 five times in a row"),
    )
    return msgspec.structs.replace(
        report(),
        findings=findings,
        gate=gate(findings, None, new=Severity.HIGH, allow_unknown=False),
        baseline=_baseline("4b7a", *vanished),
    )


def empty_report() -> Report:
    """Return a report of a snapshot that nothing was read into, judged by no policy."""
    return Report(
        tool=TOOL,
        profile="baseline",
        snapshot=Header(id="0" * 64, taken_at=AS_OF, tool=TOOL, target=Target(org=None, sites={})),
        policies=(),
        findings=(),
        gaps=(),
        waivers=(),
        attestations=(),
        gate=gate((), Severity.HIGH, allow_unknown=False),
    )


@cache
def many_report(number: int) -> Report:
    """Return a report with so many findings: what the examples of every shipped policy find, over and over in a large tenant.

    Accounts, projects and spaces come from pools, so that several policies find something in the same one, as in life.
    """
    dice = random.Random(7)  # noqa: S311  no secret
    known = policies.load().values()
    rules = [Rule(policy, policy.severity, policies.effective_params(policy, {}, {})) for policy in known]
    findings = tuple(islice(_found_in_many([_shown(policy) for policy in known], _Subjects(dice), dice), number))
    sites = {name: f"https://{name}.atlassian.net" for name in _SITES}
    return msgspec.structs.replace(
        report(),
        snapshot=msgspec.structs.replace(_header(), target=msgspec.structs.replace(_header().target, sites=sites)),
        policies=tuple(policies.judged(rule) for rule in rules),
        findings=findings,
        gate=gate(findings, Severity.HIGH, allow_unknown=False),
    )


# ---------------------------------------------------------------------------------------------------------------- private

_SITES = ("acme", "acme-support", "acme-labs")
_FIRST = [
    "Ada",
    "Ben",
    "Chi",
    "Dana",
    "Eva",
    "Finn",
    "Gaël",
    "Hugo",
    "Ines",
    "Jana",
    "Kim",
    "Lee",
    "Mara",
    "Noor",
    "Omar",
    "Pia",
    "Quinn",
    "Rosa",
    "Sami",
    "Tara",
    "Uma",
    "Vito",
    "Wanda",
    "Yara",
    "Zoë",
]
_LAST = [
    "Abe",
    "Baker",
    "Costa",
    "Dietrich",
    "Evans",
    "Fischer",
    "García",
    "Hansen",
    "Ito",
    "Jensen",
    "Kovács",
    "Lopez",
    "Müller",
    "Novák",
    "Okafor",
    "Peters",
    "Rossi",
    "Schmidt",
]
_WORK = ("platform", "requests", "operations", "archive")
_TEAMS = [
    "Billing",
    "Claims",
    "Design",
    "Field",
    "Finance",
    "Gateway",
    "HR",
    "IT",
    "Legal",
    "Logistics",
    "Mobile",
    "Network",
    "Office",
    "Payroll",
    "Quality",
    "Research",
    "Sales",
]


class _Subjects:
    """The accounts, domains and places of a large tenant, as (id, name), by number."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.people: list[tuple[str, str]] = []

    def one(self, kind: str, number: int, *, in_site: bool) -> tuple[str, str] | None:
        """Return the resource of a kind with that number; None if there are not so many."""
        if kind == "org" or (KINDS[kind].single and number >= len(_SITES)):
            return None if number else ("0b5d1a52-7c1e-4a7e-9f0c-5d2f6a1e0003", "Acme Industries")
        site = _SITES[number % len(_SITES)]
        if KINDS[kind].single:
            return site, site
        if in_site:
            team = _TEAMS[number * 7 % len(_TEAMS)]
            return f"{site}/{team.upper()}{number}", f"{team} {_WORK[number % len(_WORK)]} {number}"
        if "domain" in kind:
            return f"partner{number}.example", f"partner{number}.example"
        return self._person(number)

    def _person(self, number: int) -> tuple[str, str]:
        while len(self.people) <= number:
            name = f"{self.dice.choice(_FIRST)} {self.dice.choice(_LAST)}"
            self.people.append((f"{self.dice.getrandbits(96):024x}", name))
        return self.people[number]


def _shown(policy: Policy) -> tuple[Finding, ...]:
    """Return what the examples of a policy find."""
    return tuple(finding for example in policy.examples for finding in proof.judged(policy, example))


def _found_in_many(shown: list[tuple[Finding, ...]], subjects: _Subjects, dice: random.Random) -> Iterator[Finding]:
    for number in count():
        for examples in shown:
            example = dice.choice([each for each in examples if not number or "/" in each.address or each.address == "org"])
            kind, _, id_ = example.address.partition("/")
            subject = subjects.one(kind, number, in_site="/" in id_)
            if subject:
                yield _another(example, *subject, waived=example.verdict is Verdict.FAIL and dice.random() < 0.03)


def _another(example: Finding, subject: str, name: str, *, waived: bool) -> Finding:
    """Return what an example finds, found of something else of its kind: its id and its name are exchanged wherever they stand."""
    kind, _, id_ = example.address.partition("/")

    def told(value: Any) -> Any:  # noqa: ANN401  a fact is any JSON
        return name if value == example.name else subject if value == id_ else value

    return msgspec.structs.replace(
        example,
        address=f"{kind}/{subject}" if id_ else kind,
        name=name,
        message=example.message.replace(example.name, name) if example.name else example.message,
        clauses=tuple(msgspec.structs.replace(each, actual=told(each.actual)) for each in example.clauses),
        evidence=tuple(msgspec.structs.replace(each, value=told(each.value)) for each in example.evidence),
        waiver=_applied(_waivers()[0]) if waived else None,
    )


@cache
def _policies() -> tuple[Judged, ...]:
    known = policies.load()
    configured = {MAIL_DOMAIN: {"company_domains": ["acme.example"]}}
    chosen = [known[id_] for id_ in (INVITES, SIGNUP, IN_DATE, PUBLIC_SIGNUP, MAIL_DOMAIN)]
    return tuple(policies.judged(Rule(policy, policy.severity, configured.get(policy.id, {}))) for policy in chosen)


def _header() -> Header:
    return Header(
        id="5f0c2d9be1a84c27a6f31c0e77b4d1528a0f9c36e2b7415d93c8fa6b20d47e11",
        taken_at=AS_OF,
        tool=TOOL,
        target=Target(
            org_name="Acme Industries",
            org="0b5d1a52-7c1e-4a7e-9f0c-5d2f6a1e0003",
            sites={"acme": "https://acme.atlassian.net", "acme-support": "https://acme-support.atlassian.net"},
        ),
        coverage=(
            _read("jsm.customer_access", 0, 1, 1),
            _read("jsm.customer_permissions", 16, 3, 2),
            _read("jsm.email_channel", 16, 4, 1),
            _read("org.access_domain", 5, 3, 0),
            _read("org.domain", 1, 3, 0),
            _read("org.user_invites", 0, 3, 1),
        ),
        endpoints=(
            _asked("GET /v1/orgs/{orgId}/domains", "org.domain", requests=1, pages=1, resources=3, seconds=0.21),
            _asked(
                "GET /v2/orgs/{orgId}/app-access-settings/domains",
                "org.access_domain",
                requests=5,
                pages=2,
                resources=3,
                retries=1,
                seconds=3.4567,
            ),
            _asked("GET /rest/servicedeskapi/servicedesk", "jsm.service_desk", requests=3, pages=3, resources=16, seconds=1.08),
            _asked(
                "GET /rest/servicedesk/1/servicedesk/{projectKey}/settings/requestsecurity",
                "jsm.customer_permissions",
                "jsm.customer_access",
                "jsm.email_channel",
                requests=21,
                pages=14,
                resources=18,
                gaps=2,
                retries=5,
                seconds=42.0,
            ),
            _asked(
                "GET /rest/servicedesk/1/servicedesk/{projectKey}/incomingemail",
                "jsm.email_channel",
                gaps=1,
            ),
        ),
    )


def _read(kind: str, requests: int, resources: int, gaps: int) -> Coverage:
    return Coverage(kind=kind, requests=requests, resources=resources, gaps=gaps, complete=not gaps)


def _asked(endpoint: str, *kinds: str, gaps: int = 0, **effort: float) -> EndpointCoverage:
    nothing = {"requests": 0, "pages": 0, "resources": 0, "retries": 0, "seconds": 0.0}
    made: dict[str, Any] = {**nothing, **effort, "endpoint": endpoint, "kinds": kinds, "gaps": gaps, "complete": not gaps}
    return EndpointCoverage(**made)


def _invites() -> tuple[Finding, ...]:
    waived = _applied(_waivers()[0])
    return (
        _invite("jira", "Jira", Verdict.FAIL, "anyone", "enabled"),
        _invite("confluence", "Confluence", Verdict.FAIL, "approval", "disabled", waiver=waived),
        _invite("jira-service-management", "Jira Service Management", Verdict.PASS, "not_allowed", "disabled"),
        _unknown(INVITES, _gaps()[0], "User invites of loom", Severity.HIGH),
    )


def _invite(app: str, name: str, verdict: Verdict, invites: str, links: str, **more: Any) -> Finding:  # noqa: ANN401
    return Finding(
        policy=INVITES,
        address=f"org.user_invites/{app}",
        name=f"User invites of {name}",
        verdict=verdict,
        severity=Severity.HIGH,
        message="ordinary users may bring people in" if verdict is Verdict.FAIL else f"user_invites is {invites}",
        clauses=(_saw("user_invites", invites, "not_allowed"),),
        evidence=_evidence(Source.ATTESTED, user_invites=invites, invitation_links=links),
        source=Source.ATTESTED,
        **more,
    )


def _signup() -> tuple[Finding, ...]:
    products = [
        {"product_id": "jira-software", "access_mode": "REQUEST_ACCESS", "default_role": "member"},
        {"product_id": "confluence", "access_mode": "DIRECT_ACCESS", "default_role": "member"},
        {"product_id": "jira-servicedesk", "access_mode": "DENIED_ACCESS"},
    ]
    return (
        Finding(
            policy=SIGNUP,
            address="org.access_domain/ANYONE",
            name="Any domain",
            verdict=Verdict.FAIL,
            severity=Severity.CRITICAL,
            message="whoever has an e-mail address may join without anybody's approval",
            clauses=(
                _saw("enabled", actual=True, wanted="false"),
                _saw("products[confluence].access_mode", "DIRECT_ACCESS", "not DIRECT_ACCESS"),
            ),
            evidence=_evidence(Source.API_EXPERIMENTAL, enabled=True, products=products),
            source=Source.API_EXPERIMENTAL,
        ),
        _elsewhere(SIGNUP, "org.access_domain/contoso.example", "contoso.example", "not judged here: id is contoso.example"),
        _elsewhere(SIGNUP, "org.access_domain/partner.example", "partner.example", "not judged here: id is partner.example"),
    )


def _in_date() -> tuple[Finding, ...]:
    return (
        _attested("org.user_invites/confluence", Verdict.PASS, "2026-09-30"),
        _attested("org.user_invites/jira", Verdict.PASS, "2026-09-30"),
        _attested("org.user_invites/jira-service-management", Verdict.PASS, "2026-09-30"),
        _attested("jsm.customer_access/acme-support", Verdict.FAIL, "2026-06-01"),
    )


def _attested(address: str, verdict: Verdict, expires: str) -> Finding:
    wrong = "what kim@acme.example attested is out of date, not proven, or contradicted"
    return Finding(
        policy=IN_DATE,
        address=f"attestation/{address}",
        name=address,
        verdict=verdict,
        severity=Severity.HIGH,
        message=wrong if verdict is Verdict.FAIL else f"expires is {expires}",
        clauses=(_saw("expires", expires, "less than 1 d ago"),),
        evidence=_evidence(Source.ATTESTED, attested_by="kim@acme.example", expires=expires, agrees=True),
        source=Source.ATTESTED,
    )


def _public_signup() -> tuple[Finding, ...]:
    why = "customer access jsm.customer_access could not be read: the attestation expired on 2026-06-01"
    return (
        Finding(
            policy=PUBLIC_SIGNUP,
            address="jsm.customer_permissions/acme/HR",
            name="People (HR)",
            verdict=Verdict.FAIL,
            severity=Severity.CRITICAL,
            message="anyone can make themselves a customer here",
            clauses=(_saw("public_signup", actual=True, wanted="anything but true"),),
            evidence=_evidence(Source.UNDOCUMENTED, desk_kind="closed", public_signup=True, open_access=True),
            source=Source.UNDOCUMENTED,
        ),
        Finding(
            policy=PUBLIC_SIGNUP,
            address="jsm.customer_permissions/acme/IT",
            name="IT help",
            verdict=Verdict.PASS,
            severity=Severity.CRITICAL,
            message="public_signup is null; channel_access is restricted",
            clauses=(
                _saw("public_signup", None, "anything but true"),
                _saw("channel_access", "restricted", "restricted"),
            ),
            evidence=_evidence(Source.UNDOCUMENTED, desk_kind="employees", public_signup=None, channel_access="restricted"),
            source=Source.UNDOCUMENTED,
        ),
        Finding(
            policy=PUBLIC_SIGNUP,
            address="jsm.customer_permissions/acme-support/FIELD",
            name="خدمة الميدان",
            verdict=Verdict.UNKNOWN,
            severity=Severity.CRITICAL,
            message=f"cannot be judged: {why}",
            clauses=(
                _saw("channel_access", "open", "restricted"),
                _saw_not("jsm.customer_access", "known", why),
            ),
            evidence=_evidence(Source.UNDOCUMENTED, desk_kind="closed", public_signup=None, channel_access="open"),
            source=Source.UNDOCUMENTED,
        ),
        _unknown(PUBLIC_SIGNUP, _gaps()[2], "Customer permissions of PARTS", Severity.CRITICAL),
        _unknown(PUBLIC_SIGNUP, _gaps()[4], "Customer permissions of LEGAL", Severity.CRITICAL),
        _elsewhere(PUBLIC_SIGNUP, "jsm.customer_permissions/acme/SUP", "Shop support", "not judged here: desk_kind is public"),
    )


def _mail_domain() -> tuple[Finding, ...]:
    other = "no domain among acme.example"
    return (
        Finding(
            policy=MAIL_DOMAIN,
            address="jsm.email_channel/acme/support@acme.example",
            name="support@acme.example",
            verdict=Verdict.FAIL,
            severity=Severity.CRITICAL,
            severity_because="anyone may raise requests in this desk",
            message="requests arrive at support@acme.example, on a domain that is the company's own",
            clauses=(
                _saw("domain", "acme.example", "a domain below atlassian.net"),
                _saw("domain", "acme.example", other),
            ),
            evidence=_evidence(Source.UNDOCUMENTED, address="support@acme.example", project_key="SUP", domain="acme.example"),
            source=Source.UNDOCUMENTED,
        ),
        Finding(
            policy=MAIL_DOMAIN,
            address="jsm.email_channel/acme/hr@acme.example",
            name="hr@acme.example",
            verdict=Verdict.FAIL,
            severity=Severity.MEDIUM,
            message="requests arrive at hr@acme.example, on a domain that is the company's own",
            clauses=(
                _saw("domain", "acme.example", "a domain below atlassian.net"),
                _saw("domain", "acme.example", other),
            ),
            evidence=_evidence(Source.UNDOCUMENTED, address="hr@acme.example", project_key="HR", domain="acme.example"),
            source=Source.UNDOCUMENTED,
        ),
        Finding(
            policy=MAIL_DOMAIN,
            address="jsm.email_channel/acme/it@help.acme.example",
            name="it@help.acme.example",
            verdict=Verdict.PASS,
            severity=Severity.MEDIUM,
            message="domain is help.acme.example",
            clauses=(
                _saw("domain", "help.acme.example", other),
                _saw("domain", "help.acme.example", "a domain among below acme.example"),
            ),
            evidence=_evidence(Source.UNDOCUMENTED, address="it@help.acme.example", project_key="IT", domain="help.acme.example"),
            source=Source.UNDOCUMENTED,
        ),
        _unknown(MAIL_DOMAIN, _gaps()[3], "mailbox of a service desk", Severity.CRITICAL),
    )


def _unknown(policy: str, gap: Gap, name: str, severity: Severity) -> Finding:
    return Finding(
        policy=policy,
        address=gap.address,
        name=name,
        verdict=Verdict.UNKNOWN,
        severity=severity,
        message=gap.detail,
        reason=gap.reason,
        hint=gap.hint,
    )


def _elsewhere(policy: str, address: str, name: str, message: str) -> Finding:
    return Finding(
        policy=policy, address=address, name=name, verdict=Verdict.NOTAPPLICABLE, severity=Severity.CRITICAL, message=message
    )


def _saw(path: str, actual: Any, wanted: str, address: str | None = None) -> Clause:  # noqa: ANN401
    return Clause(path=path, actual=actual, known=True, wanted=wanted, address=address)


def _saw_not(path: str, wanted: str, why: str) -> Clause:
    return Clause(path=path, actual=None, known=False, wanted=wanted, why=why)


def _evidence(source: Source, **facts: Any) -> tuple[Evidence, ...]:  # noqa: ANN401
    return tuple(Evidence(path=path, value=value, source=source) for path, value in facts.items())


def _applied(use: WaiverUse) -> AppliedWaiver:
    return AppliedWaiver(reason=use.reason, owner=use.owner, approved_by=use.approved_by, expires=use.expires, ticket=use.ticket)


def _gaps() -> tuple[Gap, ...]:
    return (
        Gap(
            kind="org.user_invites",
            id="loom",
            reason=Reason.NO_PUBLIC_API,
            detail="Atlassian shows who may invite people to loom in its console only",
            hint="look at Apps > App access settings > User invites, and state what you saw with `atlascan attest`",
        ),
        Gap(
            kind="jsm.customer_access",
            id="acme-support",
            reason=Reason.NO_PUBLIC_API,
            detail="the attestation expired on 2026-06-01",
            hint="look at Jira settings > Jira Service Management > Customer access again, and run `atlascan attest`",
        ),
        Gap(
            kind="jsm.customer_permissions",
            id="acme-support/PARTS",
            parent="jsm.service_desk/acme-support/PARTS",
            reason=Reason.FORBIDDEN,
            detail="the account may not administer the service project PARTS",
            hint="add the account to the project role Administrators of PARTS",
        ),
        Gap(
            kind="jsm.email_channel",
            parent="jsm.service_desk/acme-support/FIELD",
            reason=Reason.OPT_IN_OFF,
            detail="incoming mail is read from an undocumented endpoint, which is not switched on",
            hint="set `undocumented: true` in atlascan.yaml, or attest the addresses",
        ),
        Gap(
            kind="jsm.customer_permissions",
            id="acme-support/LEGAL",
            parent="jsm.service_desk/acme-support/LEGAL",
            reason=Reason.GAVE_UP,
            detail="answered 503 five times in a row",
            hint="scan again later",
        ),
    )


def _waivers() -> tuple[WaiverUse, ...]:
    return (
        WaiverUse(
            policy=INVITES,
            address="org.user_invites/confluence",
            state=WaiverState.APPLIED,
            reason="Invites wait for an admin until the editorial team has moved to the identity provider",
            owner="platform@acme.example",
            approved_by="dana@acme.example",
            expires=date(2026, 7, 31),
            ticket="SEC-412",
            findings=1,
        ),
        WaiverUse(
            policy=MAIL_DOMAIN,
            address="jsm.email_channel/acme/support@acme.example",
            state=WaiverState.EXPIRED,
            reason="The shop prints this address on parcels; new labels are ordered",
            owner="support@acme.example",
            approved_by="dana@acme.example",
            expires=date(2026, 5, 31),
            ticket="SEC-377",
        ),
        WaiverUse(
            policy=PUBLIC_SIGNUP,
            address="jsm.customer_permissions/acme/EVENTS*",
            state=WaiverState.UNUSED,
            reason="Guests of the summer fair register by themselves",
            owner="events@acme.example",
            approved_by="dana@acme.example",
            expires=date(2026, 12, 31),
            because="nothing fails there",
        ),
        WaiverUse(
            policy=SIGNUP,
            address="org.access_domain/*",
            state=WaiverState.INVALID,
            reason="Partners join by themselves",
            owner="lee@acme.example",
            approved_by="lee@acme.example",
            expires=date(2026, 9, 30),
            because="lee@acme.example approves it for themselves",
        ),
    )


def _baseline(word: str, *vanished: Vanished) -> Baseline:
    return Baseline(
        snapshot=word,
        taken_at=datetime(2026, 3, 15, 6, tzinfo=UTC),
        profile="it-controlled",
        vanished=vanished,
        changed=(ChangedPolicy(policy=MAIL_DOMAIN, before=1, after=2, findings=2),),
    )


def _vanished(policy: str, address: str, fate: Fate, because: str) -> Vanished:
    return Vanished(policy=policy, address=address, name=address, severity=Severity.HIGH, fate=fate, because=because)


def _attestations() -> tuple[AttestationUse, ...]:
    invites = "https://wiki.acme.example/evidence/2026-03-invites"
    return (
        _statement("org.user_invites/confluence", date(2026, 9, 30), evidence=invites),
        _statement("org.user_invites/jira", date(2026, 9, 30), evidence=invites),
        _statement("org.user_invites/jira-service-management", date(2026, 9, 30), evidence="evidence/invites-jsm.png"),
        _statement("jsm.customer_access/acme-support", date(2026, 6, 1), evidence=None),
    )


def _statement(address: str, expires: date, evidence: str | None) -> AttestationUse:
    return AttestationUse(
        address=address,
        attested_by="kim@acme.example",
        attested_on=date(2026, 3, 2),
        expires=expires,
        counted=expires >= AS_OF.date(),
        evidence=evidence,
    )
