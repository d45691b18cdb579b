"""Domain names and e-mail addresses, in the one form in which they may be compared."""

from functools import cache, lru_cache
from typing import TYPE_CHECKING

import idna

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList


@lru_cache(maxsize=4096)
def normal_domain(text: str) -> str | None:
    """Return a host name in lower-case IDNA form without trailing dot, or None if it is none.

    Two spellings of one domain (case, trailing dot, Unicode or punycode) come out the same.
    """
    name = text.strip().rstrip(".").lower()
    if name.isascii():
        return name if _is_host(name) else None
    try:
        # A full stop of another script becomes a trailing dot only here.
        return idna.encode(name, uts46=True, transitional=False).decode("ascii").rstrip(".")
    except idna.IDNAError:
        return None


def is_subdomain(name: str, of: str) -> bool:
    """Tell whether `name` lies properly below `of`; both in normal form. A domain is no sub-domain of itself."""
    return name.endswith("." + of)


def registrable(name: str) -> str:
    """Return the part of a domain, in normal form, that somebody registered, by the public suffix list; of a suffix itself, all."""
    return _suffixes().privatesuffix(name) or name


@cache
def _suffixes() -> "PublicSuffixList":
    # Imported here: the list is read only where a policy compares registrable domains.
    from publicsuffixlist import PublicSuffixList  # noqa: PLC0415

    # Only what the registries say: that a provider hands out names below its own (github.io) makes no owner of its customers.
    return PublicSuffixList(only_icann=True)


def domain_of(text: str) -> str | None:
    """Return the domain of an e-mail address, or of a host name given bare, in normal form."""
    return normal_domain(text.rpartition("@")[2])


def normal_address(text: str) -> str | None:
    """Return an e-mail address in lower case with its domain in normal form, or None if it is none."""
    # Imported here: it is needed for collected mailboxes only, and costs a third of the start-up time.
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415

    try:
        checked = validate_email(text.strip().rstrip("."), check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError:
        return None
    return f"{checked.local_part.lower()}@{checked.ascii_domain}"


def _is_host(name: str) -> bool:
    labels = name.split(".")
    return len(name) <= _LONGEST_NAME and all(_is_label(label) for label in labels)


def _is_label(label: str) -> bool:
    return (
        0 < len(label) <= _LONGEST_LABEL
        and label.replace("-", "").replace("_", "").isalnum()
        and not label.startswith("-")
        and not label.endswith("-")
    )


# RFC 1035, section 2.3.4.
_LONGEST_NAME = 253
_LONGEST_LABEL = 63
