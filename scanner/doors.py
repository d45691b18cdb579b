"""The doors: the ways in which somebody gets into an organization's apps. A policy names the door that it guards."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Door:
    """A way in: what it is called, and who comes through it."""

    id: str
    title: str
    meaning: str


DOORS: Mapping[str, Door] = {
    door.id: door
    for door in (
        Door("invites", "Invites by ordinary users", "People ask outsiders in, by name or by a link that admits its holder."),
        Door("signup", "Signup by e-mail domain", "Whoever has an address in an approved domain, or in any, joins."),
        Door("default-access", "Default access", "A mere account lands in groups and roles that make it a licensed user."),
        Door("customers", "Self-service customers", "Strangers make themselves customers of a desk, by portal or e-mail."),
        Door("ticket-trick", "The ticket trick", "A desk's address at the company's own domain reads mail that proves who one is."),
        Door("public", "Anonymous and public access", "Projects, filters, dashboards and spaces are open without an account."),
        Door("identity", "Identity", "Accounts nobody manages, weak logins, too many admins, forgotten tokens, leavers."),
    )
}
