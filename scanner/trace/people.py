"""Who is asked for, and what is known of them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from scanner.access import Account
from scanner.domains import domain_of
from scanner.logs import ORG_LOG
from scanner.model import Gap, Record, Resource, Snapshot
from scanner.tracing import Candidate, Known, Party

PEOPLE = ("jira.user", "jsm.customer", "org.user")
_ADMINS = frozenset({"atlassian/org-admin", "atlassian/site-admin", "atlassian/user-access-admin"})


def find(snapshot: Snapshot, who: str) -> tuple[Candidate, ...]:
    """Return the accounts of that id, e-mail address or display name: among the people, or else among those whom a log names."""
    found: dict[str, _Found] = {}
    for record in snapshot.of(*PEOPLE):
        if isinstance(record, Resource):
            id_, name, email = account_of(record), record.name, _text(record.facts.get("email"))
            if _is_meant(who, id_, name, email):
                found.setdefault(id_, _Found()).add(record.kind, name, email)
    return tuple(each.candidate(id_) for id_, each in sorted((found or _named(snapshot, who)).items()))


def account_of(record: Resource) -> str:
    """Return the account that a record about a person is of: on a site its id has the site before it."""
    return record.id if record.kind.startswith("org.") else record.id.partition("/")[2]


def same_address(text: str) -> str:
    """Return an e-mail address as it may be compared: without case, and its domain in normal form."""
    local, at, _ = text.strip().rpartition("@")
    return f"{local.casefold()}@{domain_of(text)}" if at else text.strip().casefold()


def tail(id_: str) -> str:
    """Return an account's id where it comes as an ARI, too."""
    return id_.rpartition("/")[2]


def is_person(thing: Mapping[str, Any]) -> bool:
    """Tell whether what an event names is a person."""
    kind = _text(thing.get("type")).casefold()
    return kind.startswith(("user", "account", "customer", "member")) or bool(thing.get("email"))


def account(snapshot: Snapshot, person: Candidate) -> Account:
    """Return all that was read of an account."""
    return Account(person.id, tuple(_about(snapshot.of(*PEOPLE, "org.user_role_assignments"), person.id)))


def admins(snapshot: Snapshot) -> dict[str, bool]:
    """Return whether an account may let people in, today; one whose roles nobody told is left out."""
    found: dict[str, bool] = {}
    for record in snapshot.of("org.user"):
        roles = record.facts.get("platform_roles") if isinstance(record, Resource) else None
        if isinstance(record, Resource) and isinstance(roles, list):
            found[record.id] = found.get(record.id, False) or not _ADMINS.isdisjoint(roles)
    return found


def names(snapshot: Snapshot, accounts: frozenset[str]) -> dict[str, Party]:
    """Return how some accounts are called."""
    records = (each for each in snapshot.of(*PEOPLE) if isinstance(each, Resource)) if accounts else ()
    found = ((account_of(each), each) for each in records)
    return {
        id_: Party(id=id_, name=each.name, email=_text(each.facts.get("email")) or None) for id_, each in found if id_ in accounts
    }


def known(account: Account, snapshot: Snapshot) -> tuple[Known, ...]:
    """Return what is known of an account, and what is not."""
    return tuple(each for part in (_of_org(account), _of_tokens(account, snapshot), _of_desks(account)) for each in part)


# ---------------------------------------------------------------------------------------------------------------- private


@dataclass(slots=True)
class _Found:
    kinds: set[str] = field(default_factory=set)
    name: str = ""
    email: str | None = None

    def add(self, kind: str, name: str, email: str) -> None:
        self.kinds.add(kind)
        # The organization comes last in a snapshot, and knows best.
        self.name, self.email = name or self.name, email or self.email

    def candidate(self, id_: str) -> Candidate:
        return Candidate(id=id_, name=self.name, email=self.email, kinds=tuple(sorted(self.kinds)))


def _is_meant(who: str, id_: str, name: str, email: str) -> bool:
    if who == id_ or (who.strip() and who.strip().casefold() == name.strip().casefold()):
        return True
    return "@" in who and bool(email) and same_address(who) == same_address(email)


def _named(snapshot: Snapshot, who: str) -> dict[str, _Found]:
    """Return whom events name: somebody who was removed is in the log only."""
    found: dict[str, _Found] = {}
    for record in snapshot.of(ORG_LOG):
        if not isinstance(record, Resource):
            continue
        for each in filter(is_person, record.facts.get("context") or ()):
            id_, name, email = tail(_text(each.get("id"))), _text(each.get("name")), _text(each.get("email"))
            if _is_meant(who, id_, name, email):
                found.setdefault(id_, _Found()).add(ORG_LOG, name, email)
    return found


def _about(records: Iterable[Record], id_: str) -> Iterator[Resource]:
    return (record for record in records if isinstance(record, Resource) and account_of(record) == id_)


# Fact of org.user -> what it is called, and what its values mean.
_FACTS: dict[str, tuple[str, dict[Any, str]]] = {
    "claim_status": ("managed", {"managed": "by the organization", "unmanaged": "no: the account is somebody else's"}),
    "management_source": ("came, by its record", {"invited": "by an invitation", "synced": "from the identity provider"}),
    "added_to_org": ("first added", {}),
    "status": ("status", {}),
    "mfa_enabled": ("second factor", {True: "on", False: "off"}),
}


def _of_org(account: Account) -> Iterator[Known]:
    if not account.of("org.user"):
        yield Known(name="organization", says="not among the people of its directories")
    for record in account.of("org.user"):
        for fact, (name, meanings) in _FACTS.items():
            value = record.facts.get(fact)
            says = "not told" if value is None else meanings.get(value, str(value))
            yield Known(name=name, says=says, source=None if value is None else record.source)
        roles = record.facts.get("platform_roles")
        says = "not told" if roles is None else ", ".join(roles) or "none"
        yield Known(name="admin roles", says=says, source=None if roles is None else record.source)
        for app in record.facts.get("product_access") or ():
            when = app.get("last_active", "not told")
            yield Known(name=f"last use of {app.get('key')}", says=when or "never", source=record.source)
    for record in account.of("jira.user"):
        active = {True: "active", False: "not active"}.get(record.facts.get("active"), "not told whether active")  # type: ignore[arg-type]
        yield Known(name=f"in Jira on {record.id.partition('/')[0]}", says=active, source=record.source)


def _of_tokens(account: Account, snapshot: Snapshot) -> Iterator[Known]:
    hidden = not any(each.kind == "org.api_token" for each in snapshot.header.coverage)
    number = 0
    for record in snapshot.of("org.api_token"):
        if isinstance(record, Gap):
            hidden = True
        elif record.facts.get("user_id") == account.id:
            number += 1
            says = f"{record.facts.get('status') or 'status not told'}, last used {record.facts.get('last_active_at') or 'never'}"
            yield Known(name=f"API token {record.name}", says=says, source=record.source)
    if not number:
        yield Known(name="API tokens", says="could not be read" if hidden else "none of a managed account")


def _of_desks(account: Account) -> Iterator[Known]:
    for record in account.of("jsm.customer"):
        desks = ", ".join(record.facts.get("desks") or ()) or "none that is told"
        yield Known(name="customer of the desks", says=desks, source=record.source)
    if account.of("jsm.customer"):
        yield Known(name="customer organizations", says="not read: no interface that is read lists their members")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
