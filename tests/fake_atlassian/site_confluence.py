"""Play Confluence on a site: its spaces, and who may look into them, in permissions or in roles."""

from collections.abc import Iterator, Mapping
from urllib.parse import urlencode

from . import problems
from .paging import by_cursor, by_offset, whole_number
from .problems import JsonObject, Problem
from .routes import Login, Parameters, Route, SiteCall
from .scenario import Confluence, Site, Space

V1 = "confluence-v1.json"
V2 = "confluence-v2.json"
MOST = 250
USUAL_LIMIT = 25
VIEWER = "7d1f2c44-5b0e-4c1b-9a51-0e7c3a1f0001"


def role_mode(call: SiteCall) -> JsonObject:
    """Tell whether access to spaces is kept in permissions or in roles."""
    return {"mode": _confluence(call).role_mode}


def spaces(call: SiteCall) -> JsonObject:
    """List the spaces, by their numbers."""
    shown = sorted(_with_status(call), key=lambda space: int(space.id))
    page = by_cursor(shown, call.query.get("cursor"), _limit(call), bad_cursor="INVALID_CURSOR")
    kept = {name: call.query[name] for name in ("status",) if name in call.query}
    links = _v2_links(call, "/wiki/api/v2/spaces", page.next_cursor, kept)
    return {"results": [_space(space) for space in page.items], "_links": links}


def role_assignments(call: SiteCall) -> JsonObject:
    """List who holds a role in a space."""
    confluence = _confluence(call)
    if confluence.role_mode == "PRE_ROLES":
        raise Problem(400, "Space roles are not available on this site.")
    space = next((each for each in confluence.spaces if each.id == call.parameters["id"]), None)
    if space is None:
        raise Problem(404, "There is no such space.")
    page = by_cursor(_principals(space), call.query.get("cursor"), _limit(call), bad_cursor="INVALID_CURSOR")
    return {
        "results": [{"principal": {"principalType": type_, "principalId": id_}, "roleId": VIEWER} for type_, id_ in page.items],
        "_links": _v2_links(call, f"/wiki/api/v2/spaces/{space.id}/role-assignments", page.next_cursor, {}),
    }


def classic_spaces(call: SiteCall) -> JsonObject:
    """List the spaces as the first version does, by their keys, with their permissions where these are asked for."""
    confluence = _confluence(call)
    shown = sorted(_with_status(call), key=lambda space: space.key)
    page = by_offset(shown, whole_number(call.query, "start", 0), _limit(call))
    path = "/rest/api/space"
    kept = {name: call.query[name] for name in ("status", "expand") if name in call.query}
    links = {"base": f"{call.base_url}/wiki", "context": "/wiki", "self": f"{call.base_url}/wiki{path}?{urlencode(kept)}"}
    if not page.is_last:
        links["next"] = f"{path}?{urlencode({**kept, 'start': page.end, 'limit': page.limit})}"
    return {
        "results": [_classic_space(call, confluence, space) for space in page.items],
        "start": page.start,
        "limit": page.limit,
        "size": len(page.items),
        "_links": links,
    }


def _here(site: Site) -> Iterator[Parameters]:
    if site.confluence:
        yield {}


def _of_each_space_with_roles(site: Site) -> Iterator[Parameters]:
    if site.confluence and site.confluence.role_mode != "PRE_ROLES":
        for space in site.confluence.spaces:
            yield {"id": space.id}


def _current(site: Site, *, only_anonymous: bool = False) -> list[str]:
    every = site.confluence.spaces if site.confluence else ()
    return [space.key for space in every if space.status == "current" and (space.anonymous or not only_anonymous)]


def _principals_of(site: Site, parameters: Parameters) -> list[str]:
    every = site.confluence.spaces if site.confluence else ()
    return [id_ for space in every if space.id == parameters["id"] for _, id_ in _principals(space)]


ROUTES: tuple[Route[SiteCall], ...] = (
    Route(
        template="/wiki/api/v2/space-role-mode",
        answer=role_mode,
        dialect=problems.confluence,
        promised_by=V2,
        scope="read:configuration:confluence",
        samples=_here,
    ),
    Route(
        template="/wiki/api/v2/spaces",
        answer=spaces,
        dialect=problems.confluence,
        promised_by=V2,
        scope="read:space:confluence",
        login=Login.OPTIONAL,
        query=("status", "limit", "cursor"),
        sample_query={"status": "current"},
        samples=_here,
        listed=lambda body: [each["key"] for each in body["results"]],
        expected=_current,
        public=lambda site: _current(site, only_anonymous=True),
    ),
    Route(
        template="/wiki/api/v2/spaces/{id}/role-assignments",
        answer=role_assignments,
        dialect=problems.confluence,
        promised_by=V2,
        scope="read:space.permission:confluence",
        query=("limit", "cursor"),
        samples=_of_each_space_with_roles,
        listed=lambda body: [each["principal"]["principalId"] for each in body["results"]],
        expected_of=_principals_of,
    ),
    Route(
        template="/wiki/rest/api/space",
        answer=classic_spaces,
        dialect=problems.classic_confluence,
        promised_by=V1,
        scope="read:confluence-space.summary",
        login=Login.OPTIONAL,
        query=("status", "expand", "start", "limit"),
        sample_query={"status": "current", "expand": "permissions"},
        samples=_here,
        listed=lambda body: [each["key"] for each in body["results"]],
        expected=lambda site: sorted(_current(site)),
        public=lambda site: sorted(_current(site, only_anonymous=True)),
    ),
)


def _confluence(call: SiteCall) -> Confluence:
    if call.site.confluence is None:
        raise Problem(404, "No such resource.")
    return call.site.confluence


def _with_status(call: SiteCall) -> list[Space]:
    wanted = call.query.get("status")
    if wanted not in (None, "current", "archived"):
        raise Problem(400, f"There is no status {wanted!r}.")
    shown = [space for space in _confluence(call).spaces if wanted in (None, space.status)]
    return shown if call.account else [space for space in shown if space.anonymous]


def _limit(call: SiteCall) -> int:
    limit = whole_number(call.query, "limit", USUAL_LIMIT)
    if not 1 <= limit <= MOST:
        raise Problem(400, f"The limit has to be between 1 and {MOST}.")
    return min(limit, call.scenario.page_size)


def _v2_links(call: SiteCall, path: str, cursor: str | None, kept: Mapping[str, str]) -> JsonObject:
    onward = {"next": f"{path}?{urlencode({**kept, 'cursor': cursor})}"} if cursor else {}
    return {**onward, "base": f"{call.base_url}/wiki"}


def _space(space: Space) -> JsonObject:
    return {
        "id": space.id,
        "key": space.key,
        "name": space.name,
        "type": space.type,
        "status": space.status,
        "authorId": "70121:admin",
        "createdAt": "2026-01-05T12:00:00.000Z",
        "homepageId": f"{space.id}1",
        "currentActiveAlias": space.key,
        "_links": {"webui": f"/spaces/{space.key}"},
    }


def _principals(space: Space) -> list[tuple[str, str]]:
    classes = ["all-product-admins", *(["authenticated-users"] if space.unlicensed else [])]
    classes += ["anonymous-users"] if space.anonymous else []
    return [("GROUP", group) for group in space.groups] + [("ACCESS_CLASS", each) for each in classes]


def _classic_space(call: SiteCall, confluence: Confluence, space: Space) -> JsonObject:
    asked = call.query.get("expand") == "permissions"
    return {
        "id": int(space.id),
        "key": space.key,
        "name": space.name,
        "type": "personal" if space.type == "personal" else "global",
        "status": space.status,
        **({"permissions": _permissions(confluence, space)} if asked else {}),
        "_expandable": {} if asked else {"permissions": ""},
        "_links": {"webui": f"/spaces/{space.key}"},
    }


def _permissions(confluence: Confluence, space: Space) -> list[JsonObject]:
    permissions: list[tuple[str, JsonObject | None, bool, bool]] = [
        ("read", {"group": _group(name)}, False, False) for name in ("confluence-administrators", *space.groups)
    ]
    if confluence.role_mode == "PRE_ROLES":  # roles leave no trace here: whoever reads this on a site with roles is deceived
        permissions += [("read", None, True, False)] if space.anonymous else []
        permissions += [("read", None, False, True)] if space.unlicensed else []
    return [
        {
            "id": number,
            **({"subjects": subjects} if subjects else {}),
            "operation": {"operation": operation, "targetType": "space"},
            "anonymousAccess": anonymous,
            "unlicensedAccess": unlicensed,
        }
        for number, (operation, subjects, anonymous, unlicensed) in enumerate(permissions, start=1)
    ]


def _group(name: str) -> JsonObject:
    return {"results": [{"type": "group", "name": name, "id": name}], "size": 1}
