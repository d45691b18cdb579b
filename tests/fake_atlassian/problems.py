"""Say no in the words of the API that is asked: Atlassian has many shapes of error body."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

JsonObject = dict[str, Any]


@dataclass(slots=True, eq=False)
class Problem(Exception):  # noqa: N818 - the word of RFC 9457
    """Stop answering, with a status and a reason."""

    status: int
    message: str
    code: str = ""  # Atlassian's own, where an API has several for one status
    headers: Mapping[str, str] = field(default_factory=dict)
    said_by: "Dialect | None" = None  # somebody before the API that was asked


Dialect = Callable[[Problem, str], JsonObject]
"""Word a problem with the path that was asked."""


def organization(problem: Problem, path: str) -> JsonObject:
    """Speak as /v1/orgs does."""
    if problem.status in _SAID_BY_THE_PROXY:
        return _proxy(problem)
    if problem.status == HTTPStatus.FORBIDDEN:
        return _no_permission(problem, path)
    return {"errors": [_application(problem, f"ADMIN-{problem.status}-1")]}


def app_access(problem: Problem, path: str) -> JsonObject:
    """Speak as /v2/orgs/{orgId}/app-access-settings does."""
    if problem.status in _SAID_BY_THE_PROXY:
        return _proxy(problem)
    if problem.status == HTTPStatus.NOT_FOUND:
        return organization(problem, path)
    return {"errors": [_application(problem, f"ADMIN-UAM-{problem.status}-1")]}


def directories(problem: Problem, _path: str) -> JsonObject:
    """Speak as /v2/orgs/{orgId}/directories does: whatever is wrong, in a list of errors."""
    return {"errors": [_application(problem, f"ADMIN-{problem.status}-1")]}


def workspaces(problem: Problem, _path: str) -> JsonObject:
    """Speak as /v2/orgs/{orgId}/workspaces does: one error, not a list of them."""
    if problem.status in _SAID_BY_THE_PROXY:
        return _proxy(problem)
    return _application(problem, f"ADMIN-{problem.status}-1")


def jira(problem: Problem, _path: str) -> JsonObject:
    """Speak as a site does."""
    return {"errorMessages": [problem.message], "errors": {}}


def service_management(problem: Problem, _path: str) -> JsonObject:
    """Speak as /rest/servicedeskapi does."""
    return {"errorMessage": problem.message, "i18nErrorMessage": {"i18nKey": "sd.error", "parameters": []}}


def confluence(problem: Problem, _path: str) -> JsonObject:
    """Speak as /wiki/api/v2 does."""
    title = HTTPStatus(problem.status).phrase
    return {"errors": [{"status": problem.status, "code": problem.code, "title": title, "detail": problem.message}]}


def classic_confluence(problem: Problem, _path: str) -> JsonObject:
    """Speak as /wiki/rest/api does."""
    return {"statusCode": problem.status, "message": problem.message, "errors": []}


def gateway(problem: Problem, _path: str) -> JsonObject:
    """Speak as the gateway to the sites does, whatever lies behind it (seen in https://jira.atlassian.com/browse/CONFCLOUD-75668)."""
    return _proxy(problem)


_SAID_BY_THE_PROXY = {HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS}


def _proxy(problem: Problem) -> JsonObject:
    return {"code": problem.status, "message": problem.message}


def _no_permission(problem: Problem, path: str) -> JsonObject:
    return {
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "status": problem.status,
        "error": HTTPStatus(problem.status).phrase,
        "message": problem.message,
        "path": path,
        "requestId": _OCCURRENCE,
    }


def _application(problem: Problem, code: str) -> JsonObject:
    return {
        "id": _OCCURRENCE,
        "status": str(problem.status),
        "code": problem.code or code,
        "title": HTTPStatus(problem.status).phrase,
        "detail": problem.message,
    }


_OCCURRENCE = "6f1d1c52-2f0e-4f0e-9d53-1b8f3c1f7f5a"
"""The id of every error that happens here: the same each time, so that recordings do not differ."""
