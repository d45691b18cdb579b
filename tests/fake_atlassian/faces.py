"""Let requests in or refuse them, for each of the faces that Atlassian shows: the admin API, and a site."""

import base64
import binascii
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Generic

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute
from starlette.routing import Route as Served

from . import admin, oauth, problems, site
from .oauth import Tokens
from .problems import Dialect, JsonObject, Problem
from .routes import AdminCall, CallT, Login, Route, SiteCall
from .scenario import Account, OrgKey, Refusal, Scenario, Site

ADMIN_PREFIX = "/admin"
GATEWAY_PREFIX = "/ex/jira"
CONFLUENCE_GATEWAY_PREFIX = "/ex/confluence"
REQUESTS_A_MINUTE = 10_000  # announced in the headers, never reached: play 429 with `refuse`


def api(scenario: Scenario, api_url: str, site_urls: Mapping[str, str], tokens: Tokens) -> Starlette:
    """Play api.atlassian.com: the admin API, and the gateway to what is documented of the sites; and auth.atlassian.com."""
    admin_face = AdminFace(scenario, api_url + ADMIN_PREFIX, site_urls)
    gateways = [gateway for each in scenario.sites for gateway in _gateways(scenario, each, api_url, tokens)]
    application = _application(admin_face, *gateways)
    application.routes.append(oauth.served(scenario, tokens))
    return application


def site_alone(scenario: Scenario, played: Site, url: str) -> Starlette:
    """Play a site at its own address."""
    return _application(SiteFace(scenario, played, url))


class Face(ABC, Generic[CallT]):
    """Be what is common to all faces: a table of routes, refusals, and one way to answer."""

    def __init__(self, routes: Sequence[Route[CallT]], prefix: str, refuse: Sequence[Refusal], usual: Dialect) -> None:
        self._routes = routes
        self._prefix = prefix
        self._refused = {refusal.path: refusal.status for refusal in refuse}
        self._usual_dialect = usual

    @abstractmethod
    def let_in(self, route: Route[CallT], request: Request, body: JsonObject) -> CallT:
        """Check credentials and make the call that the route answers."""

    def headers(self) -> Mapping[str, str]:
        """Say what goes with every answer."""
        return {}

    def served(self) -> list[BaseRoute]:
        """Turn the table into what Starlette serves."""
        return [self._served(route) for route in self._routes]

    async def elsewhere(self, request: Request, error: Exception) -> Response:
        """Answer where there is no route, or none for the method."""
        status = error.status_code if isinstance(error, HTTPException) else 500
        message = "Method not allowed." if status == 405 else "No such resource."
        return self._said_no(Problem(status, message), self._usual_dialect, request)

    def _served(self, route: Route[CallT]) -> Served:
        async def answer(request: Request) -> Response:
            try:
                answered = await self._answer(route, request)
                respond = HTMLResponse if isinstance(answered, str) else _Json
                return respond(answered, headers=self.headers())
            except Problem as problem:
                return self._said_no(problem, route.dialect, request)

        return Served(self._prefix + route.template, answer, methods=[route.method])

    async def _answer(self, route: Route[CallT], request: Request) -> JsonObject | list[JsonObject] | str:
        if (problem := request.scope.get("problem")) is not None:  # the weather has it said
            raise problem
        if request.method != route.method:  # Starlette lets HEAD through where there is GET
            raise Problem(405, "Method not allowed.")
        call = self.let_in(route, request, _body(await request.body()))
        if (status := self._refused.get(request.url.path.removeprefix(self._prefix))) is not None:
            raise Problem(status, "The scenario refuses this.")
        if unplayed := request.query_params.keys() - route.query:
            raise Problem(400, f"The stand-in does not play the parameter {', '.join(sorted(unplayed))}.")
        if route.experimental and request.headers.get("X-ExperimentalApi") != "opt-in":
            raise Problem(412, "This is an experimental API. Pass the header X-ExperimentalApi: opt-in to use it.")
        return route.answer(call)

    def _said_no(self, problem: Problem, dialect: Dialect, request: Request) -> Response:
        body = (problem.said_by or dialect)(problem, request.url.path)
        return _Json(body, problem.status, headers={**self.headers(), **problem.headers})


class AdminFace(Face[AdminCall]):
    """Let in whoever has a key of the organization."""

    def __init__(self, scenario: Scenario, base_url: str, site_urls: Mapping[str, str]) -> None:
        super().__init__(admin.ROUTES, ADMIN_PREFIX, scenario.refuse, problems.organization)
        self._scenario = scenario
        self._base_url = base_url
        self._site_urls = site_urls
        self._meter = Meter()

    def let_in(self, route: Route[AdminCall], request: Request, body: JsonObject) -> AdminCall:
        key = self._key(request.headers.get("Authorization", ""))
        org_id = request.path_params.get("orgId", self._scenario.org.id)
        if org_id != self._scenario.org.id:
            raise Problem(route.unknown_org, f"The key does not know organization {org_id}.", "ADMIN-404-2")
        if route.scope and not key.may(route.scope):
            raise Problem(403, f"The key lacks the scope {route.scope}.")
        return AdminCall(
            scenario=self._scenario,
            base_url=self._base_url,
            site_urls=self._site_urls,
            parameters=request.path_params,
            query=request.query_params,
            body=body,
        )

    def headers(self) -> Mapping[str, str]:
        return self._meter.count()

    def _key(self, authorization: str) -> OrgKey:
        kind, _, token = authorization.partition(" ")
        for key in self._scenario.org_keys:
            if kind.lower() == "bearer" and token == key.token:
                return key
        raise Problem(401, "Unauthorized")


class SiteFace(Face[SiteCall]):
    """Let in whoever has an account, and for some routes strangers."""

    def __init__(
        self,
        scenario: Scenario,
        played: Site,
        base_url: str,
        *,
        routes: Sequence[Route[SiteCall]] = site.ROUTES,
        prefix: str = "",
        tokens: Tokens | None = None,
    ) -> None:
        super().__init__(routes, prefix, played.refuse, problems.jira)
        self._scenario = scenario
        self._site = played
        self._base_url = base_url
        self._tokens = tokens  # of OAuth 2.0, which are good at the gateway only

    def let_in(self, route: Route[SiteCall], request: Request, body: JsonObject) -> SiteCall:
        del body  # nothing is sent to a site
        account = self._account(route.login, request.headers.get("Authorization"))
        if account is not None and route.scope and not account.may(route.scope):
            # As seen in https://github.com/kovetskiy/mark/issues/917.
            header = {"X-Failure-Category": "FAILURE_CLIENT_SCOPE_CHECK"}
            raise Problem(401, "Unauthorized; scope does not match", headers=header, said_by=problems.gateway)
        if account is not None and (status := route.refuses(self._site, account, request.path_params)):
            raise Problem(status, "The account has no permission to see this.")
        return SiteCall(
            scenario=self._scenario,
            site=self._site,
            base_url=self._base_url,
            account=account,
            parameters=request.path_params,
            query=request.query_params,
        )

    def _account(self, login: Login, authorization: str | None) -> Account | None:
        if login is Login.UNREAD:
            return None
        account = self._owner(authorization) if authorization is not None else None
        if account is None and login is not Login.OPTIONAL:
            raise Problem(401, "You are not authenticated. Authentication required to perform this operation.")
        if login is Login.ADMINISTER and account is not None and not account.administer:
            raise Problem(403, "You do not have permission to administer this project.")
        return account

    def _owner(self, authorization: str) -> Account:
        for account in self._site.accounts:
            # Atlassian takes a token with scopes at the gateway only:
            # https://support.atlassian.com/atlassian-cloud/kb/401-unauthorized-error-when-service-account-accesses-jira-or-confluence-api
            is_taken_here = account.scopes == "all" or self._prefix
            if is_taken_here and basic(authorization) == (account.email, account.token):
                return account
        if (acted_for := self._acted_for(authorization)) is not None:
            return acted_for
        message = "Client must be authenticated to access this resource."
        raise Problem(401, message, headers={"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"})

    def _acted_for(self, authorization: str) -> Account | None:
        kind, _, token = authorization.partition(" ")
        client_id = self._tokens.owner(token) if self._tokens and kind.lower() == "bearer" else None
        for client in self._site.clients:
            if client.id == client_id:
                acted_for = next(account for account in self._site.accounts if account.email == client.acts_as)
                return msgspec.structs.replace(acted_for, scopes=client.scopes)
        return None


class Meter:
    """Count the requests of this minute, for the headers that announce a limit."""

    def __init__(self) -> None:
        self._ends = datetime.now(UTC)
        self._used = 0

    def count(self) -> Mapping[str, str]:
        """Count one request and say what is left."""
        now = datetime.now(UTC)
        if now >= self._ends:
            self._ends, self._used = now + timedelta(minutes=1), 0
        self._used += 1
        return {
            "X-RateLimit-Limit": str(REQUESTS_A_MINUTE),
            "X-RateLimit-Remaining": str(max(REQUESTS_A_MINUTE - self._used, 0)),
            "X-RateLimit-Reset": self._ends.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }


def _gateways(scenario: Scenario, played: Site, api_url: str, tokens: Tokens) -> Iterator[SiteFace]:
    for product, routes in ((GATEWAY_PREFIX, site.GATEWAY_ROUTES), (CONFLUENCE_GATEWAY_PREFIX, site.CONFLUENCE_GATEWAY_ROUTES)):
        prefix = f"{product}/{played.cloud_id}"
        yield SiteFace(scenario, played, api_url + prefix, routes=routes, prefix=prefix, tokens=tokens)


class _Json(JSONResponse):
    """Be an answer in JSON, written ten times as fast as by the standard library: large lists are asked for often."""

    def render(self, content: object) -> bytes:
        return msgspec.json.encode(content)


def _application(face: Face[AdminCall] | SiteFace, *others: SiteFace) -> Starlette:
    routes = face.served() + [route for other in others for route in other.served()]
    application = Starlette(routes=routes, exception_handlers={HTTPException: face.elsewhere})
    application.router.redirect_slashes = False  # Atlassian does not
    return application


def _body(content: bytes) -> JsonObject:
    try:
        body = json.loads(content or b"{}")
    except ValueError as error:
        raise Problem(400, "The body is not JSON.") from error
    if not isinstance(body, dict):
        raise Problem(400, "The body has to be an object.")
    return body


def basic(authorization: str) -> tuple[str, str] | None:
    """Read who logs in, and with what."""
    kind, _, credentials = authorization.partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        email, _, token = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return email, token
