"""Sample drifts for the tests of every format: one with every effect, a hostile one, one of nothing, and very large ones."""

from datetime import timedelta
from functools import cache

import msgspec

from scanner import drift as drifting
from scanner.model import (
    Cause,
    Certainty,
    Change,
    Coverage,
    Drift,
    DriftGate,
    Effect,
    FactChange,
    Gap,
    Header,
    Reason,
    Severity,
    Source,
    Target,
    Turn,
    What,
)
from tests import samples
from tests.samples import AS_OF, HOSTILE, INVITES, LONG, MAIL_DOMAIN, PUBLIC_SIGNUP, SIGNUP

EVERY = " ".join(HOSTILE)
PERMISSIONS, SCHEME, DOMAIN = "jsm.customer_permissions", "jira.permission_scheme", "org.access_domain"
BASE = samples.report()
BEFORE = msgspec.structs.replace(
    BASE.snapshot, id="4b7a", taken_at=AS_OF - timedelta(days=30), audit_since=AS_OF - timedelta(days=60)
)
UNGATED = DriftGate(fail_on=(), severity=Severity.INFO, exit_code=0, because="nothing was asked of the gate")


def gated(whole: Drift, *fail_on: str, severity: Severity = Severity.HIGH, allow_unknown: bool = False) -> Drift:
    return drifting.gated(whole, fail_on or ("opened",), severity, allow_unknown=allow_unknown)


def fact(*path: str, **sides: object) -> FactChange:
    return FactChange(path=path, **sides)


def cause(certainty: Certainty = Certainty.EXACT, actor: str | None = "Mallory Ito") -> Cause:
    return Cause(event="org.event/e-1", time=AS_OF - timedelta(days=3), action="policy_updated", actor=actor, certainty=certainty)


def turn(effect: Effect, policy: str, address: str, *words: str | None, severity: Severity = Severity.HIGH, **more: object) -> Turn:
    before, after = words
    told = {"name": address.rpartition("/")[2], "because": f"it is {after}", "changes": (address,), **more}
    return Turn(policy=policy, address=address, severity=severity, effect=effect, before=before, after=after, **told)  # type: ignore[arg-type]


def change(effect: Effect, what: What, address: str, *facts: FactChange, **more: object) -> Change:
    kind, _, id_ = address.partition("/")
    told = {"name": id_.rpartition("/")[2], "source": Source.API, **more}
    return Change(kind=kind, id=id_, what=what, effect=effect, facts=facts, **told)  # type: ignore[arg-type]


def drift() -> Drift:
    """Return what a month brings: a door of each effect, and changes that open nothing."""
    gap = Gap(kind=PERMISSIONS, reason=Reason.FORBIDDEN, detail="answered 403", parent="jsm.service_desk/acme/OPS", id="acme/OPS")
    turns = (
        turn(
            Effect.OPENED,
            SIGNUP,
            f"{DOMAIN}/ANYONE",
            "pass",
            "fail",
            severity=Severity.CRITICAL,
            name="Any domain",
            because="anybody may join: products is jira-software",
        ),
        turn(
            Effect.OPENED,
            PUBLIC_SIGNUP,
            f"{PERMISSIONS}/acme/HR",
            None,
            "fail",
            name="People (HR)",
            because="anybody may make themselves a customer",
            changes=(f"{PERMISSIONS}/acme/HR", "jsm.site/acme"),
        ),
        turn(Effect.SIGHT_LOST, PUBLIC_SIGNUP, f"{PERMISSIONS}/acme/OPS", "pass", "unknown", because="answered 403", changes=()),
        turn(Effect.INCOMPARABLE, MAIL_DOMAIN, "jsm.email_channel/beta/x@y", "fail", None, because="the site beta was not scanned"),
        turn(Effect.STILL_OPEN, INVITES, "org.user_invites/jira", "fail", "fail", changes=()),
        turn(Effect.SIGHT_GAINED, PUBLIC_SIGNUP, f"{PERMISSIONS}/acme/FIN", "unknown", "fail", changes=()),
        turn(Effect.SIGHT_GAINED, PUBLIC_SIGNUP, f"{PERMISSIONS}/acme/LAW", "unknown", "pass", changes=()),
        turn(Effect.CLOSED, INVITES, "org.user_invites/confluence", "fail", "pass"),
        turn(Effect.GONE, PUBLIC_SIGNUP, f"{PERMISSIONS}/acme/OLD", "fail", None, because="it is not there, and all was read"),
    )
    changes = (
        change(
            Effect.OPENED,
            What.CHANGED,
            f"{DOMAIN}/ANYONE",
            fact("approval_required", before=True, after=None),
            fact("products", before=[], after=["jira-software"]),
            name="Any domain",
            causes=(cause(), cause(Certainty.TIME, None)),
        ),
        change(
            Effect.OPENED,
            What.ADDED,
            f"{PERMISSIONS}/acme/HR",
            fact("@name", after="People (HR)"),
            fact("public_signup", after=True),
            name="People (HR)",
            causes=(),
        ),
        Change(
            kind=PERMISSIONS,
            id="acme/OPS",
            name="acme/OPS",
            what=What.ADDED,
            gap=gap,
            effect=Effect.SIGHT_LOST,
            unlogged="answered 403",
        ),
        change(
            Effect.CLOSED,
            What.CHANGED,
            "org.user_invites/confluence",
            fact("user_invites", before="anyone", after="not_allowed"),
            unlogged="the credential may not read the log",
        ),
        change(
            Effect.GONE, What.REMOVED, f"{PERMISSIONS}/acme/OLD", fact("@name", before="Old"), fact("public_signup", before=True)
        ),
        change(
            Effect.NEUTRAL,
            What.CHANGED,
            f"{SCHEME}/acme/10000",
            fact("grants", "10102", after={"permission": "BROWSE_PROJECTS", "holder_type": "group"}),
            fact("grants", "10104", "holder_type", before="group", after="user"),
            name="Default scheme",
            reach=400,
        ),
        change(
            Effect.NEUTRAL,
            What.CHANGED,
            "jira.project/acme/HR",
            fact("@name", before="HR", after="People"),
            name="People",
            was="HR",
        ),
    )
    return gated(
        Drift(
            tool=BASE.tool,
            profile=BASE.profile,
            old=BEFORE,
            new=BASE.snapshot,
            policies=BASE.policies,
            turns=turns,
            changes=changes,
            limits=("the site beta was not scanned now", "not read now: mail channel"),
            gate=UNGATED,
        )
    )


def empty() -> Drift:
    """Return the drift of a snapshot from itself."""
    whole = drift()
    return gated(msgspec.structs.replace(whole, turns=(), changes=(), limits=()))


def hostile() -> Drift:
    """Return drift in which everything that others may name is an attack."""
    texts = (*HOSTILE, LONG, "", "half \ud800 of a pair \udfff")
    header = Header(
        id=EVERY,
        taken_at=AS_OF,
        tool=EVERY,
        target=Target(org=EVERY, org_name=EVERY, sites={"acme": "javascript:alert(1)//", EVERY: "https://acme.example"}),
        coverage=(Coverage(kind=EVERY, requests=1, resources=2, gaps=3, complete=False),),
        recorded=EVERY,
    )
    policy = samples.hostile_report().policies[0]
    turns, changes = [], []
    for number, text in enumerate(texts):
        for effect in Effect:
            address = f"jira.project/acme/{number}{effect}{text}"
            sides = {} if effect is Effect.OPENED else {"before": {text: [text, None, 1.5]}}
            own = change(
                effect,
                list(What)[number % 3],
                address,
                fact(text, text, text, **sides, after=text),
                fact("@name", before=text, after=text),
                name=text,
                was=text,
                reach=number,
                causes=(Cause(event=text, time=AS_OF, action=text, actor=text, certainty=Certainty.OBJECT),)
                if number % 2
                else None,
                unlogged=text,
            )
            changes.append(own)
            if effect is not Effect.NEUTRAL:
                words = (text, "fail") if effect in (Effect.OPENED, Effect.STILL_OPEN) else (text, text)
                turns.append(turn(effect, policy.id, address, *words, name=text, because=text, changes=(address, text)))
    changes.append(
        Change(
            kind=EVERY,
            id=EVERY,
            name=EVERY,
            what=What.REMOVED,
            gap=Gap(kind=EVERY, reason=Reason.GAVE_UP, detail=EVERY, hint=EVERY, parent=LONG, id=EVERY),
        )
    )
    return gated(
        Drift(
            tool=EVERY,
            profile=EVERY,
            old=header,
            new=header,
            policies=(policy,),
            turns=tuple(turns),
            changes=tuple(changes),
            limits=texts,
            gate=UNGATED,
        )
    )


@cache
def many(number: int) -> Drift:
    """Return drift with so many changes, of which each tenth opened, closed or hid something."""
    effects = (Effect.OPENED, Effect.STILL_OPEN, Effect.CLOSED, Effect.SIGHT_LOST)
    turns, changes = [], []
    for each in range(number):
        effect = effects[each // 10 % 4] if each % 10 == 0 else Effect.NEUTRAL
        address = f"{(PERMISSIONS, SCHEME, 'jira.project')[each % 3]}/acme/P{each}"
        facts = (fact("public_signup", before=False, after=True), fact("@name", before=f"Desk {each}", after=f"Desk number {each}"))
        changes.append(
            change(effect, What.CHANGED, address, *facts, name=f"Desk number {each}", causes=(cause(),) if each % 2 else ())
        )
        if effect is not Effect.NEUTRAL:
            turns.append(turn(effect, PUBLIC_SIGNUP, address, "pass", "fail", name=f"Desk number {each}"))
    whole = drift()
    order = list(Effect).index
    return gated(
        msgspec.structs.replace(
            whole,
            turns=tuple(sorted(turns, key=lambda each: order(each.effect))),
            changes=tuple(sorted(changes, key=lambda each: order(each.effect))),
        )
    )
