"""Play https://auth.atlassian.com/oauth/token: access tokens for those who have OAuth 2.0 client credentials.

As documented for service accounts: https://support.atlassian.com/user-management/docs/create-oauth-2-0-credential-for-service-accounts/.
What a refusal looks like is not documented there: its shape is that of RFC 6749, section 5.2.
"""

import time
from collections.abc import Callable, Iterator
from http import HTTPStatus

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as Served

from . import site
from .problems import JsonObject, Problem
from .scenario import Client, Scenario

PATH = "/oauth/token"


class Wanted(msgspec.Struct):
    """Be what is sent to get a token."""

    grant_type: str
    client_id: str
    client_secret: str


class Tokens:
    """Remember the access tokens that were handed out: to whom, and until when they are good."""

    def __init__(self, seconds: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._clock = clock
        self._handed_out: dict[str, tuple[str, float]] = {}

    def hand_out(self, client_id: str) -> str:
        """Make a token."""
        token = f"oauth-{len(self._handed_out)}-{client_id}"
        self._handed_out[token] = client_id, self._clock() + self.seconds
        return token

    def owner(self, token: str) -> str | None:
        """Return the id of the client whose token it is, or None if it is no longer good, or never was."""
        client_id, until = self._handed_out.get(token, (None, 0.0))
        return client_id if self._clock() < until else None


def served(scenario: Scenario, tokens: Tokens) -> Served:
    """Serve the token endpoint."""

    async def answer(request: Request) -> Response:
        try:
            if (problem := request.scope.get("problem")) is not None:
                raise problem
            granted = _granted(scenario, tokens, await request.body())
        except Problem as problem:
            return JSONResponse(_said(problem), problem.status, headers=problem.headers)
        return JSONResponse(granted, headers={"Cache-Control": "no-store"})

    return Served(PATH, answer, methods=["POST"])


def _granted(scenario: Scenario, tokens: Tokens, body: bytes) -> JsonObject:
    try:
        wanted = msgspec.json.decode(body, type=Wanted)
    except msgspec.MsgspecError as error:
        raise Problem(400, str(error), "invalid_request") from error
    if wanted.grant_type != "client_credentials":
        raise Problem(400, f"The stand-in does not play the grant {wanted.grant_type}.", "unsupported_grant_type")
    known = [client for each in scenario.sites for client in each.clients if _is_meant(client, wanted)]
    if not known:
        raise Problem(401, "Unauthorized", "access_denied")
    return {
        "access_token": tokens.hand_out(wanted.client_id),
        "expires_in": tokens.seconds,
        "token_type": "Bearer",
        "scope": " ".join(sorted({scope for client in known for scope in _scopes(client)})),
    }


def _is_meant(client: Client, wanted: Wanted) -> bool:
    return (client.id, client.secret) == (wanted.client_id, wanted.client_secret)


def _scopes(client: Client) -> Iterator[str]:
    if client.scopes == "all":
        yield from (route.scope for route in site.ROUTES if route.scope)
    else:
        yield from client.scopes


def _said(problem: Problem) -> JsonObject:
    word = problem.code or HTTPStatus(problem.status).phrase.lower().replace(" ", "_")
    return {"error": word, "error_description": problem.message}
