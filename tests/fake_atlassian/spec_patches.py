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

_NO_SCOPE = (
    "the document says nothing of what a key without the scope is answered, though every operation beside this one answers 403"
)

_AUDITED_BY = "the schema allows no property that it does not name, and its own example has this one"

_USERS_UNAUTHORIZED = (
    "the document names 400, 403 and 409 for this operation and leaves 401 out, "
    "while a site answers wrong credentials with 401 wherever it is asked, as the document says of its other operations"
)

_CONFLUENCE_SILENT = (
    "the document names no media type for what is refused, while a site answers in JSON there too; "
    "without a content it promises nothing of the body"
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
        document="jira-v3.json",
        within=("components", "schemas", "AuditRecordBean", "properties", "created"),
        key="format",
        was="date-time",
        reason=_JIRA_TIME,
    ),
    Patch(
        document="jira-v3.json",
        within=("components", "schemas", "AuditRecordBean", "properties"),
        key="authorAccountId",
        was=None,
        becomes={"type": "string"},
        reason=_AUDITED_BY,
    ),
    Patch(
        document="jira-v3.json",
        within=("paths", "/rest/api/3/users/search", "get", "responses"),
        key="401",
        was=None,
        becomes={"description": "Returned if the authentication credentials are incorrect or missing."},
        reason=_USERS_UNAUTHORIZED,
    ),
    Patch(
        document="jsm.json",
        within=("paths", "/rest/servicedeskapi/servicedesk", "get"),
        key="security",
        was=[{"OAuth2": ["read:servicedesk-request"]}],
        becomes=[{"OAuth2": ["read:servicedesk-request"]}, {"basicAuth": []}],
        reason=_JSM_BASIC,
    ),
    *(
        Patch(
            document="jsm.json",
            within=("paths", f"/rest/servicedeskapi/servicedesk/{{serviceDeskId}}/{what}", "get"),
            key="security",
            was=[{"OAuth2": [scope]}],
            becomes=[{"OAuth2": [scope]}, {"basicAuth": []}],
            reason=_JSM_BASIC,
        )
        for what, scope in (
            ("customer", "manage:servicedesk-customer"),
            ("organization", "manage:servicedesk-customer"),
            ("requesttype", "read:servicedesk-request"),
        )
    ),
    Patch(
        document="jsm.json",
        within=("components", "schemas", "UserDTO", "properties", "emailAddress"),
        key="nullable",
        was=None,
        becomes=True,
        reason="its own description says that privacy settings may make it null",
    ),
    *(
        Patch(
            document=document,
            within=("paths", path, "get", "responses", status),
            key="content",
            was={},
            reason=_CONFLUENCE_SILENT,
        )
        for document, path, statuses in (
            ("confluence-v1.json", "/wiki/rest/api/space", ("400", "401")),
            ("confluence-v2.json", "/space-role-mode", ("400", "401", "404")),
            ("confluence-v2.json", "/spaces", ("400", "401")),
            ("confluence-v2.json", "/spaces/{id}/role-assignments", ("400", "401", "404")),
        )
        for status in statuses
    ),
    Patch(
        document="admin-organization.json",
        within=("components", "schemas", "MultiDirectoryUser", "properties", "managementSource"),
        key="enum",
        was=["invited", "synced"],
        becomes=["invited", "synced", None],
        reason="the document says nullable, and what null means, but its enum has no null",
    ),
    Patch(
        document="admin-organization.json",
        within=("components", "schemas", "MultiDirectoryUserRoleAssignment", "properties", "userDirectoryStatus"),
        key="$ref",
        was="#/components/schemas/MultiDirectoryMembershipStatus",
        reason="it is said to be nullable, and what null means, beside a $ref that lets nothing beside it count",
    ),
    Patch(
        document="admin-organization.json",
        within=("components", "schemas", "PolicyModel", "properties", "attributes", "properties", "rule"),
        key="type",
        was="object",
        reason="a type beside oneOf makes an object without properties of its own, which a strict reader lets nothing into",
    ),
    Patch(
        document="admin-organization.json",
        within=("paths", "/v2/orgs/{orgId}/directories", "get", "responses"),
        key="403",
        was=None,
        becomes={
            "description": "Forbidden",
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Errors"}}},
        },
        reason=_NO_SCOPE,
    ),
    Patch(
        document="admin-organization.json",
        within=("paths", "/v1/orgs/{orgId}/policies", "get", "responses"),
        key="403",
        was=None,
        becomes={"$ref": "#/components/responses/Error.NoPerms"},
        reason=_NO_SCOPE,
    ),
    Patch(
        document="admin-organization.json",
        within=("paths", "/v1/orgs/{orgId}/policies", "get", "responses"),
        key="400",
        was=None,
        becomes={"$ref": "#/components/responses/Error.InvalidPageCursor"},
        reason="the document takes a cursor and says nothing of one that is invalid, unlike the lists beside this one",
    ),
    *(
        Patch(
            document="admin-organization.json",
            within=("paths", f"/v1/orgs/{{orgId}}/{what}", "get", "responses"),
            key="403",
            was=None,
            becomes={"$ref": "#/components/responses/Error.NoPerms"},
            reason=_NO_SCOPE,
        )
        for what in ("event-actions", "events")
    ),
    Patch(
        document="admin-organization.json",
        within=("paths", "/v2/orgs/{orgId}/directories/{directoryId}/users/{accountId}/role-assignments", "get", "responses"),
        key="403",
        was=None,
        becomes={
            "description": "Forbidden",
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Errors"}}},
        },
        reason=_NO_SCOPE,
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
