"""Repair Atlassian's OpenAPI documents where they contradict themselves: the one list of it, each entry with its reason."""

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .problems import JsonObject


class PatchError(Exception):
    """Say that a patch repairs what is no longer as it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """Replace one value in a document, or take it out; `was` holds the patch to what its reviewer saw."""

    document: str
    within: tuple[str, ...]
    key: str
    was: Any
    becomes: Any = None  # None takes it out
    reason: str


_JIRA_TIME = (
    "the document's own example says 2020-03-26T22:20:59.000+0000, which has no colon in its offset "
    "and so is not a date-time of RFC 3339; live sites answer like the example"
)

_JSM_BASIC = (
    "the document declares the security scheme basicAuth and then lets no operation use it, "
    "while its examples and all public code log in with an e-mail address and an API token"
)

PATCHES: tuple[Patch, ...] = (
    Patch(
        document="jira-v3.json",
        within=("components", "schemas", "ServerInformation", "properties", "buildDate"),
        key="format",
        was="date-time",
        reason=_JIRA_TIME,
    ),
    Patch(
        document="jira-v3.json",
        within=("components", "schemas", "ServerInformation", "properties", "serverTime"),
        key="format",
        was="date-time",
        reason=_JIRA_TIME,
    ),
    Patch(
        document="jsm.json",
        within=("paths", "/rest/servicedeskapi/servicedesk", "get"),
        key="security",
        was=[{"OAuth2": ["read:servicedesk-request"]}],
        becomes=[{"OAuth2": ["read:servicedesk-request"]}, {"basicAuth": []}],
        reason=_JSM_BASIC,
    ),
)


def patched(document: JsonObject, patches: Iterable[Patch]) -> JsonObject:
    """Apply patches to a copy of a document."""
    repaired = copy.deepcopy(document)
    for patch in patches:
        _apply(repaired, patch)
    return repaired


def _apply(document: JsonObject, patch: Patch) -> None:
    target = document
    for key in patch.within:
        target = target.get(key, {})
    if target.get(patch.key) != patch.was:
        where = "/".join((*patch.within, patch.key))
        raise PatchError(f"{patch.document}: {where} is not {patch.was!r} any more: look again, and drop its patch")
    if patch.becomes is None:
        del target[patch.key]
    else:
        target[patch.key] = patch.becomes
