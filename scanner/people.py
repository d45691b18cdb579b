"""The nouns of who is inside: the signs that somebody should not be, those who show one, and what people would lose."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime

import msgspec

from scanner.model import Change, Gate, Header


@dataclass(frozen=True, slots=True)
class Sign:
    """A sign that somebody inside should not be: what it is called, what it means, and the door (`scanner.doors`) it points to."""

    id: str
    title: str
    meaning: str
    door: str


SIGNS: Mapping[str, Sign] = {
    sign.id: sign
    for sign in (
        Sign(
            "invited",
            "invited instead of synced",
            "the organization manages the account, and it came by an invitation instead of from the identity provider",
            "invites",
        ),
        Sign("guest", "a guest", "the account uses an app in the role of a guest", "invites"),
        Sign(
            "outside-domain",
            "of a domain that is not trusted",
            "its address is in no verified domain, in none of company_domains and in none of trusted_domains",
            "signup",
        ),
        Sign(
            "customer-with-licence",
            "a customer with a licence",
            "a customer of a service desk, from a domain that is not trusted, who can use an app besides the portal",
            "customers",
        ),
        Sign(
            "unmanaged",
            "an account that nobody manages",
            "it can use an app, the company does not manage it, and its domain is not trusted",
            "identity",
        ),
        Sign(
            "unsynced",
            "never seen by the identity provider",
            "the company does not manage the account, so no identity provider closes it, and its domain is no partner's",
            "identity",
        ),
        Sign(
            "leaver-with-token",
            "a leaver with a live token",
            "the account is closed to its owner, and a token of it works",
            "identity",
        ),
    )
}


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A sign that somebody shows, or of which it could not be told, and why."""

    sign: str
    because: str


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who shows a sign, or of whom that could not be told. What was not answered is None."""

    id: str
    name: str
    email: str | None = None
    status: str | None = None
    claim_status: str | None = None
    management_source: str | None = None
    added_to_org: datetime | None = None
    apps: tuple[str, ...] | None = None
    signs: tuple[Shown, ...] = ()
    untold: tuple[Shown, ...] = ()

    @property
    def doors(self) -> tuple[str, ...]:
        """Return the doors that the signs point to, in the order of the signs."""
        return tuple(dict.fromkeys(SIGNS[each.sign].door for each in self.signs))


@dataclass(frozen=True, slots=True)
class Strangers:
    """Everything that a renderer sees of the strangers inside: numbers, and people as a stream that can be read again and again.

    `looked_at` counts the people who were read, `strangers` those who show a sign, `uncertain` those who show none and of whom one
    could not be told; `signs`, `untold` and `doors` count people by sign and by door. `limits` says what could not be read.
    """

    tool: str
    snapshot: Header
    since: date | None
    looked_at: int
    strangers: int
    uncertain: int
    signs: Mapping[str, int]
    untold: Mapping[str, int]
    doors: Mapping[str, int]
    limits: tuple[str, ...]
    gate: Gate
    # The people in the order in which they came, the oldest first: at a door, or with None those who show no sign; so many.
    at: Callable[[str | None, int], Iterator[Person]]
    everybody: Callable[[], Iterator[Person]]


# ---------------------------------------------------------------------------------------------------------------- what if


class Loss(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody inside would lose: the person, by id, and each thing by its address and name."""

    id: str
    name: str
    email: str | None
    lost: tuple[tuple[str, str], ...]


class Turned(msgspec.Struct, frozen=True, kw_only=True):
    """How many verdicts of each kind a policy has given, and would give."""

    policy: str
    title: str
    before: dict[str, int]
    after: dict[str, int]


class WhatIf(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a renderer sees of what would be if a policy had its way.

    `changes` are those of settings, `losses` those of people inside. `public` is what anybody sees without an account and would
    not, `newcomers` says who could not come in any more, `kept` who keeps what they have or could come in still, `unknown` what the
    data does not tell.
    `verdicts` are those that would change.
    """

    tool: str
    snapshot: Header
    policy: str
    title: str
    door: str | None
    changes: tuple[Change, ...]
    losses: tuple[Loss, ...]
    public: tuple[tuple[str, str], ...]
    newcomers: tuple[str, ...]
    kept: tuple[str, ...]
    unknown: tuple[str, ...]
    verdicts: tuple[Turned, ...]
