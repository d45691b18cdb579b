"""Confluence: its spaces, and who may look into them without an account or without a licence.

Where access to spaces is kept in roles, only the assignments of roles tell who has it; the older list of permissions tells it where
there are none yet. While a site passes from one to the other, each of the two shows a part.
"""

from collections.abc import Iterator
from typing import Any

from scanner.collect.api import Surface
from scanner.collect.endpoint import About, Endpoint, Given, Pager, Reading, at, shown, text_at, whole
from scanner.model import Record, Source

_REFERENCE = "https://developer.atlassian.com/cloud/confluence/rest/v2/"
_ACCOUNT = "give an account that may use Confluence and see every space"
# What the account has to be allowed, in the words of Atlassian's documentation.
_USE = "Can use (global permission of Confluence)"
_SEES_ALL = "permission to view every space of Confluence"

_ANONYMOUS, _UNLICENSED = "anonymous_access", "unlicensed_access"
_SAID_BY_PERMISSION = {_ANONYMOUS: "anonymousAccess", _UNLICENSED: "unlicensedAccess"}
# How role assignments name everybody on the web, and everybody with an account.
_ANYBODY, _ANY_ACCOUNT = "anonymous-users", "authenticated-users"
_CLASSES = frozenset({_ANYBODY, _ANY_ACCOUNT, "jsm-project-admins", "all-licensed-users", "all-product-admins"})


def _site(record: Any, about: About) -> Iterator[Record]:  # noqa: ANN401  JSON border
    reading = Reading("confluence.site", whole(record))
    reading.take("role_mode", "mode")
    yield from reading.results(about.site, about.site, Source.API, None)


def _space(record: Any, about: About) -> Iterator[Record]:  # noqa: ANN401
    reading = Reading("confluence.space", record)
    key = text_at(record, "key")
    name = reading.take("name", "name")
    reading.take("space_id", "id")
    if at(record, "id") is None:
        reading.problems.append("id is not in the answer, so who may look into it cannot be asked for everywhere")
    reading.take("type", "type")
    reading.take("status", "status")
    yield from reading.results(about.below_site(key), name, Source.API, _site_address(about))


def _permissions(record: Any, about: About) -> Iterator[Record]:  # noqa: ANN401
    """Read from a space's permissions whether any of them is for strangers, or for people without a licence."""
    reading = Reading("confluence.space", record)
    key, name = text_at(record, "key"), text_at(record, "name")
    permissions = at(record, "permissions")
    if isinstance(permissions, list) and permissions:
        for fact, said in _SAID_BY_PERMISSION.items():
            answers = [at(permission, said) for permission in permissions]
            odd = [answer for answer in answers if not isinstance(answer, bool)]
            if odd:
                reading.problems.append(f"{said} of a permission is {shown(odd[0])}, which is not true or false")
            _tell(reading, fact, found=any(answer is True for answer in answers), rest_is_known=not odd and not about.partly)
    else:
        # Somebody administers every space, so there is a permission at least.
        reading.problems.append("permissions were asked for and did not come")
    yield from reading.results(about.below_site(key), name, Source.API, _site_address(about))


def _role_assignments(records: Any, about: About) -> Iterator[Record]:  # noqa: ANN401
    """Read from all of a space's role assignments whether strangers hold a role, or everybody with an account does."""
    space = about.subject
    reading = Reading("confluence.space", records)
    classes = {text_at(each, "principal", "principalId") for each in records if _type(each) == "ACCESS_CLASS"}
    odd = [each for each in records if not _is_understood(each)]
    if odd:
        reading.problems.append(f"a role assignment that cannot be understood: {shown(odd[0])}")
    if not records and not about.partly:
        # Somebody administers every space, so there is an assignment at least.
        reading.problems.append("no role assignment came")
    rest_is_known = bool(records) and not odd and not about.partly
    _tell(reading, _ANONYMOUS, found=_ANYBODY in classes, rest_is_known=rest_is_known)
    yield from reading.results(space.id, space.name, Source.API, space.parent)

    # That a role for everybody with an account lets in people without a licence is not documented.
    inferred = Reading("confluence.space", records)
    _tell(inferred, _UNLICENSED, found=_ANY_ACCOUNT in classes, rest_is_known=rest_is_known)
    if inferred.facts:
        yield from inferred.results(space.id, space.name, Source.INFERRED, space.parent)


def _tell(reading: Reading, fact: str, *, found: bool, rest_is_known: bool) -> None:
    """Take a fact that is true if one of many says so, and false only if all the others are known not to."""
    if found or rest_is_known:
        reading.facts[fact] = found


def _is_understood(assignment: Any) -> bool:  # noqa: ANN401
    id_ = text_at(assignment, "principal", "principalId")
    return id_ in _CLASSES if _type(assignment) == "ACCESS_CLASS" else _type(assignment) in ("USER", "GROUP")


def _type(assignment: Any) -> str | None:  # noqa: ANN401
    return text_at(assignment, "principal", "principalType")


def _site_address(about: About) -> str:
    return f"confluence.site/{about.site}"


ENDPOINTS = (
    Endpoint(
        kinds=("confluence.site",),
        path="/wiki/api/v2/space-role-mode",
        surface=Surface.SITE,
        app="confluence",
        shape=_site,
        source=Source.API,
        documented=_REFERENCE + "api-group-space-roles/",
        hint=_ACCOUNT,
        scope="read:configuration:confluence",
        role=_USE,
        absent=lambda _endpoint, about: [("confluence.site", about.site, None)],
    ),
    # Not asked for below the site: that the mode is refused does not hide the spaces.
    Endpoint(
        kinds=("confluence.space",),
        path="/wiki/api/v2/spaces",
        surface=Surface.SITE,
        app="confluence",
        params={"status": "current", "limit": "250"},
        pager=Pager.NEXT_LINK,
        records="results",
        shape=_space,
        source=Source.API,
        documented=_REFERENCE + "api-group-space/",
        hint=_ACCOUNT,
        scope="read:space:confluence",
        role=_SEES_ALL,
        absent=lambda _endpoint, about: [("confluence.space", None, _site_address(about))],
    ),
    Endpoint(
        kinds=("confluence.space",),
        path="/wiki/rest/api/space",
        surface=Surface.SITE,
        parent="confluence.site",
        adds=(_ANONYMOUS, _UNLICENSED),
        given=Given("confluence.site", "role_mode", ("PRE_ROLES",), partly=("ROLES_TRANSITION",)),
        params={"status": "current", "expand": "permissions", "limit": "250"},
        pager=Pager.START_LINK,
        records="results",
        shape=_permissions,
        source=Source.API,
        documented="https://developer.atlassian.com/cloud/confluence/rest/v1/api-group-space/",
        hint=_ACCOUNT,
        scope="read:confluence-space.summary",
        role=_SEES_ALL,
    ),
    Endpoint(
        kinds=("confluence.space",),
        # All assignments, rather than those of one class: then an empty answer cannot be taken for "nobody".
        path="/wiki/api/v2/spaces/{id}/role-assignments",
        surface=Surface.SITE,
        parent="confluence.space",
        applies=lambda space: "space_id" in space.facts,
        adds=(_ANONYMOUS, _UNLICENSED),
        given=Given("confluence.site", "role_mode", ("ROLES",), partly=("ROLES_TRANSITION",)),
        values=lambda about: {"id": str(about.subject.facts["space_id"])},
        params={"limit": "250"},
        pager=Pager.NEXT_LINK,
        records="results",
        gathers=True,
        shape=_role_assignments,
        source=Source.API,
        documented=_REFERENCE + "api-group-space-roles/",
        hint=_ACCOUNT,
        scope="read:space.permission:confluence",
        role=_SEES_ALL,
    ),
)
