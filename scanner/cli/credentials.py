"""Credentials, from the environment or the system keyring and from nowhere else."""

import os
from collections.abc import Iterable

from scanner.collect.api import Credentials
from scanner.errors import InputError

SERVICE = "atlascan"
ORG_KEY = "ATLASCAN_ORG_API_KEY"
EMAIL, TOKEN = "ATLASCAN_EMAIL", "ATLASCAN_API_TOKEN"


def found(sites: Iterable[str]) -> Credentials:
    """Return the credentials that there are. A missing one is no error: what needs it becomes a gap.

    Raises:
        InputError: One holds characters that cannot be sent.
    """
    pairs = {site: (_site_value(site, EMAIL), _site_value(site, TOKEN)) for site in sites}
    return Credentials(_value(ORG_KEY), {site: (email, token) for site, (email, token) in pairs.items() if email and token})


def names(site: str) -> str:
    """Return by which names the credential of a site is known: its own where it has some, else those for all sites."""
    return " and ".join(own if _value(own := _own(site, name)) else name for name in (EMAIL, TOKEN))


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
