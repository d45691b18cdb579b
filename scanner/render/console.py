"""Links into Atlassian's consoles: a policy's template, filled with what a finding knows of its resource.

A link that cannot be filled whole gives way to the page above it: that of the organization or of the site.
"""

import re
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from scanner.kinds import KINDS, own_values
from scanner.model import Finding, Target

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_ADMIN = "https://admin.atlassian.com"


def link(console: str, finding: Finding, target: Target) -> str | None:
    """Return where a person looks at what was found; None if that cannot be told."""
    return filled(console, target, _values(finding), site_of(finding.address))


def filled(console: str, target: Target, values: Mapping[str, str], site: str | None) -> str | None:
    """Return a template with its placeholders filled, or the nearest page above it that can be.

    `values` are facts, and are quoted; `{org}` and `{site_url}` come from the target. Of several sites, one has to be named.
    """
    if site is None and len(target.sites) == 1:
        [site] = target.sites
    known = {name: value for name, value in values.items() if value not in _STEPS}
    if target.org:
        known["org"] = target.org
    roots = {"site_url": target.sites[site].rstrip("/")} if site in target.sites else {}
    for template in (console, *_above(console)):
        names = _PLACEHOLDER.findall(template)
        if all(name in known or name in roots for name in names):
            parts = {name: roots.get(name) or quote(known[name], safe="", errors="replace") for name in names}
            href = _with(template, parts)
            return href if is_link(href) else None
    return None


def site_of(address: str) -> str | None:
    """Return the site that an address lies on, where its kind is one of a site's."""
    name, _, id_ = address.partition("/")
    return own_values(KINDS[name], id_).get("site") if name in KINDS and id_ else None


def is_link(text: str) -> bool:
    """Tell whether a text may become a link: http and https only, with a host and nothing invisible."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and text.isprintable() and " " not in text


# ---------------------------------------------------------------------------------------------------------------- private

# As a step of a path these lead elsewhere, and quoting leaves them as they are.
_STEPS = frozenset({"", ".", ".."})


def _values(finding: Finding) -> dict[str, str]:
    """Return what a finding knows of its resource: what its id holds, and the facts it shows."""
    facts = {each.path: str(each.value) for each in finding.evidence if type(each.value) in (str, int)}
    return facts | _own(finding.address) | _own(finding.missing or "")


def _with(template: str, parts: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda match: parts[match[1]], template)


def _own(address: str) -> dict[str, str]:
    name, _, id_ = address.partition("/")
    return own_values(KINDS[name], id_) if name in KINDS and id_ else {}


def _above(console: str) -> tuple[str, ...]:
    """Return the pages above a template, the nearest first."""
    if console.startswith("{site_url}"):
        return ("{site_url}",)
    return (f"{_ADMIN}/o/{{org}}", _ADMIN) if console.startswith(_ADMIN) else ()
