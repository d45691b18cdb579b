"""Credentials, from the environment or the system keyring and from nowhere else."""

import os
from collections.abc import Iterable

from scanner.collect.api import Credentials
from scanner.config import Site
from scanner.errors import InputError
from scanner.pseudonyms import HOW_TO_MAKE_A_KEY

SERVICE = "atlascan"
ORG_KEY = "ATLASCAN_ORG_API_KEY"
EMAIL, TOKEN = "ATLASCAN_EMAIL", "ATLASCAN_API_TOKEN"
CLIENT_ID, CLIENT_SECRET = "ATLASCAN_CLIENT_ID", "ATLASCAN_CLIENT_SECRET"
OAUTH = "oauth"
PSEUDONYM_KEY = "ATLASCAN_PSEUDONYM_KEY"


def found(sites: Iterable[Site]) -> Credentials:
    """Return the credentials that there are, for the way in which each site is logged in to.

    A missing one is no error: what needs it becomes a gap.

    Raises:
        InputError: One holds characters that cannot be sent.
    """
    accounts: dict[str, tuple[str, str]] = {}
    clients: dict[str, tuple[str, str]] = {}
    for site in sites:
        name, secret = (_site_value(site.name, each) for each in _pair(site))
        if name and secret:
            (clients if site.auth == OAUTH else accounts)[site.name] = (name, secret)
    return Credentials(_value(ORG_KEY), accounts, clients)


def pseudonym_key() -> str:
    """Return the key that pseudonyms are made with.

    Raises:
        InputError: There is none, or it cannot be one.
    """
    key = _value(PSEUDONYM_KEY)
    if key is None:
        raise InputError(f"there is no key for pseudonyms: {PSEUDONYM_KEY} is not set", hint=HOW_TO_MAKE_A_KEY)
    return key


def names(site: Site) -> str:
    """Return by which names the credential of a site is known: its own where it has some, else those for all sites."""
    return " and ".join(own if _value(own := _own(site.name, name)) else name for name in _pair(site))


def _pair(site: Site) -> tuple[str, str]:
    return (CLIENT_ID, CLIENT_SECRET) if site.auth == OAUTH else (EMAIL, TOKEN)


def _site_value(site: str, name: str) -> str | None:
    """Return a site's own credential, else the one for all sites."""
    return _value(_own(site, name)) or _value(name)


def _own(site: str, name: str) -> str:
    return f"ATLASCAN_{site.upper().replace('-', '_')}_{name.removeprefix('ATLASCAN_')}"


def _value(name: str) -> str | None:
    value = (os.environ.get(name) or _from_keyring(name) or "").strip()
    if not value.isascii() or not value.isprintable():
        raise InputError(
            f"{name} holds characters that cannot be sent", hint="copy it again; it is plain ASCII without line breaks"
        )
    return value or None


def _from_keyring(name: str) -> str | None:
    # Imported here: looking for a keyring takes longer than most commands.
    import keyring  # noqa: PLC0415
    from keyring.errors import KeyringError  # noqa: PLC0415

    try:
        return keyring.get_password(SERVICE, name)
    except KeyringError:
        return None
