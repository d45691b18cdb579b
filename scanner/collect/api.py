"""The only module that speaks HTTP: addresses, credentials, limits, and what may be asked at all.

Read-only by construction: a request is a method and a path template from `ALLOWED`, with values that cannot change the path.
Redirects and links to other places are never followed, so a credential goes to the host it was configured for and nowhere else.
"""

import base64
import os
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import msgspec
import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase, HTTPBasicAuth
from urllib3.util.retry import Retry

from scanner.model import Reason


class Surface(StrEnum):
    """Which of Atlassian's interfaces: each has an address and a credential of its own."""

    ADMIN = "admin"
    SITE = "site"
    ANYONE = "anyone"  # a site, as somebody without an account sees it: no credential is shown


# What may be asked. Everything here reads; the POSTs carry a search in their bodies.
ALLOWED = frozenset(
    {
        (Surface.ADMIN, "GET", "/v1/orgs"),
        (Surface.ADMIN, "GET", "/v1/orgs/{orgId}"),
        (Surface.ADMIN, "GET", "/v1/orgs/{orgId}/domains"),
        (Surface.ADMIN, "POST", "/v2/orgs/{orgId}/workspaces"),
        (Surface.ADMIN, "GET", "/v2/orgs/{orgId}/app-access-settings/domains"),
        (Surface.ADMIN, "GET", "/v2/orgs/{orgId}/app-access-settings/domains/{domain}"),
        (Surface.ADMIN, "GET", "/v2/orgs/{orgId}/directories"),
        (Surface.ADMIN, "POST", "/v2/orgs/{orgId}/directories/-/users/search"),
        (Surface.ADMIN, "GET", "/v2/orgs/{orgId}/directories/-/users/stats"),
        (Surface.ADMIN, "GET", "/v2/orgs/{orgId}/directories/-/users/{accountId}/role-assignments"),
        (Surface.ADMIN, "POST", "/v2/orgs/{orgId}/directories/-/groups/search"),
        (Surface.ADMIN, "GET", "/v2/orgs/{orgId}/directories/-/groups/{groupId}/role-assignments"),
        (Surface.ADMIN, "GET", "/v1/orgs/{orgId}/policies"),
        (Surface.ADMIN, "GET", "/v1/orgs/{orgId}/event-actions"),
        (Surface.ADMIN, "GET", "/v1/orgs/{orgId}/events"),
        (Surface.ADMIN, "GET", "/api-access/v1/orgs/{orgId}/api-tokens"),
        (Surface.ADMIN, "GET", "/api-access/v1/orgs/{orgId}/api-keys"),
        (Surface.ADMIN, "GET", "/api-access/v1/orgs/{orgId}/service-accounts"),
        (Surface.SITE, "GET", "/_edge/tenant_info"),
        (Surface.SITE, "GET", "/rest/api/3/serverInfo"),
        (Surface.SITE, "GET", "/rest/api/3/mypermissions"),
        (Surface.SITE, "GET", "/rest/api/3/project/search"),
        (Surface.SITE, "GET", "/rest/api/3/project/{projectKey}/permissionscheme"),
        (Surface.SITE, "GET", "/rest/api/3/permissionscheme"),
        (Surface.SITE, "GET", "/rest/api/3/applicationrole"),
        (Surface.SITE, "GET", "/rest/api/3/filter/search"),
        (Surface.SITE, "GET", "/rest/api/3/dashboard/search"),
        (Surface.SITE, "GET", "/rest/api/3/group/bulk"),
        (Surface.SITE, "GET", "/rest/api/3/group/member"),
        (Surface.SITE, "GET", "/rest/api/3/users/search"),
        (Surface.SITE, "GET", "/rest/api/3/auditing/record"),
        (Surface.SITE, "GET", "/rest/api/3/project/{projectKey}/roledetails"),
        (Surface.SITE, "GET", "/rest/api/3/project/{projectKey}/role/{roleId}"),
        (Surface.SITE, "GET", "/rest/servicedeskapi/servicedesk"),
        (Surface.SITE, "GET", "/rest/servicedeskapi/servicedesk/{serviceDeskId}/customer"),
        (Surface.SITE, "GET", "/rest/servicedeskapi/servicedesk/{serviceDeskId}/organization"),
        (Surface.SITE, "GET", "/rest/servicedeskapi/servicedesk/{serviceDeskId}/requesttype"),
        (Surface.SITE, "GET", "/rest/servicedesk/1/servicedesk/{projectKey}/settings/requestsecurity"),
        (Surface.SITE, "GET", "/rest/servicedesk/1/servicedesk/{projectKey}/incomingemail"),
        (Surface.SITE, "GET", "/rest/servicedesk/1/servicedesk-data/{projectKey}"),
        (Surface.SITE, "GET", "/wiki/api/v2/space-role-mode"),
        (Surface.SITE, "GET", "/wiki/api/v2/spaces"),
        (Surface.SITE, "GET", "/wiki/api/v2/spaces/{id}/role-assignments"),
        (Surface.SITE, "GET", "/wiki/rest/api/space"),
        (Surface.ANYONE, "GET", "/rest/api/3/serverInfo"),
        (Surface.ANYONE, "GET", "/rest/api/3/mypermissions"),
        (Surface.ANYONE, "GET", "/rest/api/3/project/search"),
        (Surface.ANYONE, "GET", "/rest/api/3/filter/search"),
        (Surface.ANYONE, "GET", "/rest/api/3/dashboard/search"),
        (Surface.ANYONE, "GET", "/rest/api/3/groupuserpicker"),
        (Surface.ANYONE, "GET", "/rest/servicedeskapi/info"),
        (Surface.ANYONE, "GET", "/servicedesk/customer/user/signup"),
        (Surface.ANYONE, "GET", "/wiki/api/v2/spaces"),
        (Surface.ANYONE, "GET", "/wiki/rest/api/space"),
    }
)

# What answers with a page for people, where all else answers in JSON.
PAGES = frozenset({"/servicedesk/customer/user/signup"})

MAX_ANSWER = 64 * 1024 * 1024
MAX_DEPTH = 50
CONNECT_SECONDS, READ_SECONDS = 10, 60
RETRIES = 4
RETRIED = (429, 502, 503, 504)
LONGEST_WAIT_SECONDS = 60
SCRUBBED = "SCRUBBED"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Secrets, kept out of every representation."""

    org_key: str | None = field(default=None, repr=False)
    sites: Mapping[str, tuple[str, str]] = field(default_factory=dict, repr=False)

    def scrubbed(self, text: str) -> str:
        """Return a text without the secrets, in any form in which an answer might give them back."""
        accounts = [f"{email}:{token}" for email, token in self.sites.values()]
        tokens = [token for _, token in self.sites.values()]
        for secret in filter(None, (self.org_key, *accounts, *tokens)):
            for form in (secret, quote(secret), quote(secret, safe=""), base64.b64encode(secret.encode()).decode()):
                text = text.replace(form, SCRUBBED)
        return text


@dataclass(frozen=True, slots=True)
class Request:
    """One question: what, where, and with which values."""

    surface: Surface
    method: str
    path: str
    site: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    experimental: bool = False


class Refusal(Exception):  # noqa: N818  it is an answer, not an error
    """An answer that gives nothing: why, in the words of a gap."""

    def __init__(self, reason: Reason, detail: str, *, status: int | None = None) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.status = status


class ForbiddenRequestError(RuntimeError):
    """A bug: somebody tried to send what is not on the list of what may be asked."""


class Api:
    """Asks Atlassian, within what is allowed."""

    def __init__(
        self,
        api_url: str,
        sites: Mapping[str, str],
        credentials: Credentials,
        *,
        concurrency: int,
        scoped: Collection[str] = (),
        log: Callable[[str], None] = lambda _line: None,
    ) -> None:
        """Prepare to ask; nothing is sent yet.

        Args:
            api_url: The address of Atlassian's API.
            sites: The addresses of the sites, by name.
            credentials: What there is to show.
            concurrency: How many may ask at once.
            scoped: The sites whose token has scopes. Atlassian takes such tokens at its gateway only, not at the site.
            log: Is told of every request, in a line without secrets.
        """
        self._api_url = api_url
        self._sites = dict(sites)
        self._gateways: dict[str, str | Refusal] = {}
        self._scoped = frozenset(scoped)
        self._finding = threading.Lock()
        # The environment's proxies, looked up once for each address.
        self._proxies = cache(requests.utils.get_environ_proxies)
        self._auth: dict[str | None, AuthBase] = {
            site: HTTPBasicAuth(email.encode(), token.encode()) for site, (email, token) in credentials.sites.items()
        }
        if credentials.org_key:
            self._auth[None] = _Bearer(credentials.org_key)
        self._scrubbed = credentials.scrubbed
        self._session = _session(concurrency)
        self._log = log

    def can_ask(self, surface: Surface, site: str | None) -> bool:
        """Tell whether there is a credential for this interface."""
        return surface is Surface.ANYONE or (None if surface is Surface.ADMIN else site) in self._auth

    def address(self, site: str) -> str:
        """Return the address of a site."""
        return self._sites[site]

    def ask(self, request: Request) -> Any:  # noqa: ANN401  JSON border
        """Send a request and return the JSON of its answer; the text, where that is a page.

        Raises:
            Refusal: The answer gives nothing; with the reason in the words of a gap.
            ForbiddenRequestError: It is not among what may be asked.
        """
        if (request.surface, request.method, request.path) not in ALLOWED:
            raise ForbiddenRequestError(f"{request.method} {request.path} is not among what may be asked")
        face = None if request.surface is Surface.ADMIN else request.site
        auth = _Nobody() if request.surface is Surface.ANYONE else self._auth.get(face)
        if auth is None:
            raise Refusal(Reason.NO_CREDENTIAL, "there is no credential for it")
        return self._answer(request, self._base(request), auth)

    def cursor(self, request: Request, link: str) -> str:
        """Return the cursor in a link to the next page, or a bare cursor as it is.

        Raises:
            Refusal: The link leads to another place than the page it came with, and is not followed; or it holds no cursor.
        """
        try:
            parts = urlsplit(link)
        except ValueError as error:
            raise Refusal(Reason.MALFORMED, "the link to the next page is no address") from error
        if not parts.netloc and "?" not in link:
            return link
        base = urlsplit(self._base(request))
        if parts.netloc and (parts.scheme, parts.netloc) != (base.scheme, base.netloc):
            raise Refusal(Reason.MALFORMED, f"the next page is on another host ({parts.hostname}), which is not followed")
        found = parse_qs(parts.query).get("cursor")
        if not found:
            raise Refusal(Reason.MALFORMED, "the link to the next page holds no cursor")
        return found[0]

    def close(self) -> None:
        """Let go of the connections."""
        self._session.close()

    def _base(self, request: Request) -> str:
        """Return the address below which a request's path lies, for the kind of credential there is."""
        if request.surface is Surface.ADMIN or request.site is None:
            return f"{self._api_url}/admin"
        if request.surface is Surface.ANYONE or request.site not in self._scoped:
            return self._sites[request.site]
        if request.path.startswith(_UNDOCUMENTED):
            raise Refusal(Reason.UNSUPPORTED, "an undocumented endpoint takes no token with scopes, as far as is known")
        product = "confluence" if request.path.startswith("/wiki/") else "jira"
        return f"{self._api_url}/ex/{product}/{self._cloud_id(request.site)}"

    def _cloud_id(self, site: str) -> str:
        """Return the id by which the gateway knows a site; anybody may ask the site for it."""
        with self._finding:
            if site not in self._gateways:
                try:
                    self._gateways[site] = self._found_cloud_id(site)
                except Refusal as refusal:
                    self._gateways[site] = refusal
        found = self._gateways[site]
        if isinstance(found, Refusal):
            raise found
        return found

    def _found_cloud_id(self, site: str) -> str:
        answer = self._answer(Request(Surface.SITE, "GET", "/_edge/tenant_info", site), self._sites[site], _Nobody())
        cloud_id = answer.get("cloudId") if isinstance(answer, dict) else None
        if not isinstance(cloud_id, str) or not cloud_id.replace("-", "").isalnum():
            raise Refusal(Reason.MALFORMED, "the site does not say by which id the gateway knows it")
        return cloud_id

    def _answer(self, request: Request, base: str, auth: AuthBase) -> Any:  # noqa: ANN401
        url = base + _filled(request.path, request.values)
        try:
            response = self._session.request(
                request.method,
                url,
                params=dict(request.params),
                data=msgspec.json.encode(request.body) if request.body is not None else None,
                headers=_headers(request),
                auth=auth,
                proxies=self._proxies(base),
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                allow_redirects=False,
                stream=True,
            )
            content = _bounded(response)
        except requests.RequestException as error:
            self._log(f"{request.method} {url}: {type(error).__name__}")
            raise Refusal(Reason.GAVE_UP, f"no answer from {urlsplit(url).netloc}: {_plain(error)}") from error
        self._log(f"{request.method} {url}: {response.status_code}, {len(content)} bytes")
        _refuse(response, content, self._scrubbed)
        if request.path in PAGES:
            return content.decode(errors="replace")
        try:
            answer = msgspec.json.decode(content)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise Refusal(Reason.MALFORMED, "the answer is not JSON") from error
        if not isinstance(answer, dict | list):
            raise Refusal(Reason.MALFORMED, "the answer is neither an object nor a list")
        # Nothing of Atlassian's is half as deep; what comes after may then go down into an answer without fear.
        if not _within(MAX_DEPTH, answer):
            raise Refusal(Reason.MALFORMED, f"an answer that is nested more than {MAX_DEPTH} levels deep")
        return answer


# ---------------------------------------------------------------------------------------------------------------- private


# Seen to be called with unscoped tokens on the site, and nowhere else.
_UNDOCUMENTED = "/rest/servicedesk/1/"


class _Nobody(AuthBase):
    """Ask as anybody would: nothing is shown."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class _Bearer(AuthBase):
    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002
        """Know of no redirect: requests would read its body whole, and its address, even where it does not follow."""
        return None


def _session(concurrency: int) -> requests.Session:
    session = _Session()
    retry = Retry(
        total=RETRIES,
        status_forcelist=RETRIED,
        allowed_methods=("GET", "POST"),  # the POSTs only search
        backoff_factor=0.5,
        backoff_jitter=0.5,
        backoff_max=LONGEST_WAIT_SECONDS,
        retry_after_max=LONGEST_WAIT_SECONDS,
        raise_on_status=False,
    )
    # Not blocking: while a recording is made or played, an answer that is asked again keeps its place in the pool.
    adapter = HTTPAdapter(pool_maxsize=concurrency, max_retries=retry)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.headers.update({"Accept": "application/json", "X-Atlassian-Token": "no-check", "User-Agent": "atlascan"})
    # Proxies and certificates of the environment hold, looked up once; ~/.netrc does not.
    session.trust_env = False
    # A cookie is a credential that goes wherever its domain says, and many sites share one.
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
    return session


def _headers(request: Request) -> dict[str, str]:
    typed = {"Content-Type": "application/json"} if request.body is not None else {}
    # Jira Service Management answers what it calls experimental only to those who ask for it so.
    opted_in = {"X-ExperimentalApi": "opt-in"} if request.experimental else {}
    page = {"Accept": "text/html"} if request.path in PAGES else {}
    return typed | opted_in | page


def _filled(path: str, values: Mapping[str, str]) -> str:
    quoted = {name: quote(value, safe="") for name, value in values.items()}
    if any(value in ("", ".", "..") for value in quoted.values()):
        raise Refusal(Reason.MALFORMED, "an id that cannot stand in an address")
    return path.format_map(quoted)


def _bounded(response: requests.Response) -> bytes:
    chunks: list[bytes] = []
    size = 0
    for chunk in response.iter_content(1 << 16):
        size += len(chunk)
        if size > MAX_ANSWER:
            response.close()
            raise Refusal(Reason.MALFORMED, f"an answer of more than {MAX_ANSWER // 1024**2} MiB")
        chunks.append(chunk)
    return b"".join(chunks)


def _within(levels: int, value: Any) -> bool:  # noqa: ANN401
    """Tell whether a value is nested no deeper than so many levels."""
    match value:
        case dict():
            return levels > 0 and all(_within(levels - 1, item) for item in value.values())
        case list():
            return levels > 0 and all(_within(levels - 1, item) for item in value)
        case _:
            return True


def _refuse(response: requests.Response, content: bytes, scrubbed: Callable[[str], str]) -> None:
    """Raise what an answer refuses; return if it gives something."""
    status = response.status_code
    # Jira answers some requests with wrong credentials as if nobody had asked, with this header.
    not_accepted = "AUTHENTICATED_FAILED" in response.headers.get("X-Seraph-LoginReason", "")
    if status == requests.codes.ok and not not_accepted:
        return
    said = _cut(": ", scrubbed(_said(content)), _LONGEST_SAID)
    if not_accepted:
        raise Refusal(Reason.FORBIDDEN, f"the credentials were not accepted{said}", status=status)
    match status:
        case 401:
            why = _cut(", ", scrubbed(response.headers.get("x-authentication-denied-reason", "")), _LONGEST_WHY)
            raise Refusal(Reason.FORBIDDEN, f"the credentials were not accepted (401{why}){said}", status=status)
        case 403:
            raise Refusal(Reason.FORBIDDEN, f"refused (403){said}", status=status)
        case 404:
            raise Refusal(Reason.NOT_FOUND, f"not found (404){said}", status=status)
        case _ if 300 <= status < 400:  # noqa: PLR2004
            raise Refusal(Reason.MALFORMED, f"redirected ({status}), which is not followed", status=status)
        case 400 | 405 | 410 | 501:
            raise Refusal(Reason.UNSUPPORTED, f"not supported here ({status}){said}", status=status)
        case _:
            again = " every time" if status in RETRIED else ""
            raise Refusal(Reason.GAVE_UP, f"answered {status}{again}{said}", status=status)


_LONGEST_SAID, _LONGEST_WHY = 200, 80


def _cut(before: str, text: str, longest: int) -> str:
    return before + text[:longest] if text else ""


def _said(content: bytes) -> str:
    """Return what Atlassian said in an error body, whichever of its shapes that has."""
    try:
        body = msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return ""
    if not isinstance(body, dict):
        return ""
    messages, errors = body.get("errorMessages"), body.get("errors")
    said = [
        *(messages if isinstance(messages, list) else ()),
        *(_titled(error) for error in (errors if isinstance(errors, list) else ())),
        body.get("message"),
        body.get("errorMessage"),
        _titled(body),
    ]
    return next((text for text in said if isinstance(text, str) and text), "")


def _titled(error: Any) -> str:  # noqa: ANN401
    parts = (error.get("title"), error.get("detail")) if isinstance(error, dict) else ()
    return ": ".join(part for part in parts if isinstance(part, str) and part)


def _plain(error: requests.RequestException) -> str:
    """Name an error of the network without the address, whose query may hold more than a log should."""
    match error:
        case requests.ConnectTimeout() | requests.ReadTimeout():
            return "it took too long"
        case requests.exceptions.SSLError():
            return "its certificate was not accepted"
        case requests.exceptions.ProxyError():
            return "the proxy refused"
        case requests.exceptions.ChunkedEncodingError():
            return "the answer broke off"
        case requests.ConnectionError():
            return "the connection failed"
        case _:
            return type(error).__name__
