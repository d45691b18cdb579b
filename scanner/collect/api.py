"""The only module that speaks HTTP: addresses, credentials, limits, and what may be asked at all.

Read-only by construction: a request is a method and a path template from `ALLOWED`, with values that cannot change the path.
Redirects and links to other places are never followed, so a credential goes to the host it was configured for and nowhere else.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
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


# decisions 27: what may be asked. Everything here reads; the two POSTs carry a search in their body.
ALLOWED = frozenset(
    {
        (Surface.ADMIN, "GET", "/v1/orgs"),
        (Surface.ADMIN, "GET", "/v1/orgs/{orgId}"),
        (Surface.ADMIN, "GET", "/v1/orgs/{orgId}/domains"),
        (Surface.ADMIN, "POST", "/v2/orgs/{orgId}/workspaces"),
        (Surface.ADMIN, "GET", "/v2/orgs/{orgId}/app-access-settings/domains"),
        (Surface.ADMIN, "GET", "/v2/orgs/{orgId}/app-access-settings/domains/{domain}"),
        (Surface.SITE, "GET", "/rest/api/3/serverInfo"),
        (Surface.SITE, "GET", "/rest/api/3/mypermissions"),
        (Surface.SITE, "GET", "/rest/api/3/project/search"),
        (Surface.SITE, "GET", "/rest/servicedeskapi/servicedesk"),
        (Surface.SITE, "GET", "/rest/servicedesk/1/servicedesk/{projectKey}/settings/requestsecurity"),
        (Surface.SITE, "GET", "/rest/servicedesk/1/servicedesk/{projectKey}/incomingemail"),
    }
)

MAX_ANSWER = 64 * 1024 * 1024
CONNECT_SECONDS, READ_SECONDS = 10, 60
RETRIES = 4
LONGEST_WAIT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Credentials:
    """Secrets, kept out of every representation."""

    org_key: str | None = field(default=None, repr=False)
    sites: Mapping[str, tuple[str, str]] = field(default_factory=dict, repr=False)


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
        log: Callable[[str], None] = lambda _line: None,
    ) -> None:
        """Prepare to ask; nothing is sent yet."""
        self._bases: dict[str | None, str] = {None: f"{api_url}/admin"}
        self._bases.update(sites)
        self._proxies = {base: requests.utils.get_environ_proxies(base) for base in self._bases.values()}
        self._auth: dict[str | None, AuthBase] = {
            site: HTTPBasicAuth(email.encode(), token.encode()) for site, (email, token) in credentials.sites.items()
        }
        if credentials.org_key:
            self._auth[None] = _Bearer(credentials.org_key)
        self._session = _session(concurrency)
        self._log = log

    def can_ask(self, surface: Surface, site: str | None) -> bool:
        """Tell whether there is a credential for this interface."""
        return (None if surface is Surface.ADMIN else site) in self._auth

    def ask(self, request: Request) -> Any:  # noqa: ANN401  JSON border
        """Send a request and return the JSON of its answer.

        Raises:
            Refusal: The answer gives nothing; with the reason in the words of a gap.
            ForbiddenRequestError: It is not among what may be asked.
        """
        if (request.surface, request.method, request.path) not in ALLOWED:
            raise ForbiddenRequestError(f"{request.method} {request.path} is not among what may be asked")
        face = None if request.surface is Surface.ADMIN else request.site
        auth = self._auth.get(face)
        if auth is None:
            raise Refusal(Reason.NO_CREDENTIAL, "there is no credential for it")
        return self._answer(request, self._bases[face], auth)

    def cursor(self, request: Request, link: str) -> str | None:
        """Return the cursor in a link to the next page, or a bare cursor as it is.

        Raises:
            Refusal: The link leads to another place than the page it came with; it is not followed.
        """
        parts = urlsplit(link)
        if not parts.scheme and not parts.netloc:
            return _cursor_of(parts.query) if "cursor=" in link else link
        base = urlsplit(self._bases[None if request.surface is Surface.ADMIN else request.site])
        if (parts.scheme, parts.netloc) != (base.scheme, base.netloc):
            raise Refusal(Reason.MALFORMED, f"the next page is on another host ({parts.hostname}), which is not followed")
        return _cursor_of(parts.query)

    def close(self) -> None:
        """Let go of the connections."""
        self._session.close()

    def _answer(self, request: Request, base: str, auth: AuthBase) -> Any:  # noqa: ANN401
        url = base + _filled(request.path, request.values)
        try:
            response = self._session.request(
                request.method,
                url,
                params=dict(request.params),
                data=msgspec.json.encode(request.body) if request.body is not None else None,
                headers={"Content-Type": "application/json"} if request.body is not None else None,
                auth=auth,
                proxies=self._proxies[base],
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                allow_redirects=False,
                stream=True,
            )
            content = _bounded(response)
        except requests.RequestException as error:
            self._log(f"{request.method} {url}: {type(error).__name__}")
            raise Refusal(Reason.GAVE_UP, f"no answer from {urlsplit(url).netloc}: {_plain(error)}") from error
        self._log(f"{request.method} {url}: {response.status_code}, {len(content)} bytes")
        _refuse(response, content)
        try:
            return msgspec.json.decode(content)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise Refusal(Reason.MALFORMED, "the answer is not JSON") from error


# ---------------------------------------------------------------------------------------------------------------- private


class _Bearer(AuthBase):
    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _session(concurrency: int) -> requests.Session:
    session = requests.Session()
    retry = Retry(
        total=RETRIES,
        status_forcelist=(429, 502, 503, 504),
        allowed_methods=("GET", "POST"),  # the POSTs only search
        backoff_factor=0.5,
        backoff_jitter=0.5,
        backoff_max=LONGEST_WAIT_SECONDS,
        retry_after_max=LONGEST_WAIT_SECONDS,
        raise_on_status=False,
    )
    adapter = HTTPAdapter(pool_maxsize=concurrency, pool_block=True, max_retries=retry)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.headers.update({"Accept": "application/json", "X-Atlassian-Token": "no-check", "User-Agent": "atlascan"})
    # Proxies and certificates of the environment hold, looked up once; ~/.netrc does not.
    session.trust_env = False
    session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
    return session


def _cursor_of(query: str) -> str | None:
    found = parse_qs(query).get("cursor")
    return found[0] if found else None


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


def _refuse(response: requests.Response, content: bytes) -> None:
    """Raise what an answer refuses; return if it gives something."""
    status = response.status_code
    said = _said(content)
    # Jira answers some requests with wrong credentials as if nobody had asked, with this header.
    if "AUTHENTICATED_FAILED" in response.headers.get("X-Seraph-LoginReason", ""):
        raise Refusal(Reason.FORBIDDEN, f"the credentials were not accepted{said}", status=status)
    match status:
        case 200:
            return
        case 401:
            why = response.headers.get("x-authentication-denied-reason", "")
            raise Refusal(
                Reason.FORBIDDEN, f"the credentials were not accepted (401{f', {why[:80]}' if why else ''}){said}", status=status
            )
        case 403:
            raise Refusal(Reason.FORBIDDEN, f"refused (403){said}", status=status)
        case 404:
            raise Refusal(Reason.NOT_FOUND, f"not found (404){said}", status=status)
        case _ if 300 <= status < 400:  # noqa: PLR2004
            raise Refusal(Reason.MALFORMED, f"redirected ({status}), which is not followed", status=status)
        case 400 | 405 | 410 | 501:
            raise Refusal(Reason.UNSUPPORTED, f"not supported here ({status}){said}", status=status)
        case _:
            raise Refusal(Reason.GAVE_UP, f"answered {status} every time{said}", status=status)


def _said(content: bytes) -> str:
    """Return what Atlassian said in an error body, cut short: `errorMessages`, `errors[].title`, `message` or `errorMessage`."""
    try:
        body = msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return ""
    if not isinstance(body, dict):
        return ""
    errors = body.get("errors")
    titles = (
        [error.get("title") or error.get("detail") for error in errors if isinstance(error, dict)]
        if isinstance(errors, list)
        else []
    )
    messages = body.get("errorMessages")
    said = next(
        (
            text
            for text in (*(messages if isinstance(messages, list) else []), *titles, body.get("message"), body.get("errorMessage"))
            if isinstance(text, str)
        ),
        "",
    )
    return f": {said[:200]}" if said else ""


def _plain(error: requests.RequestException) -> str:
    """Name an error of the network without the address, whose query may hold more than a log should."""
    match error:
        case requests.ConnectTimeout() | requests.ReadTimeout():
            return "it took too long"
        case requests.exceptions.SSLError():
            return "its certificate was not accepted"
        case requests.exceptions.ProxyError():
            return "the proxy refused"
        case requests.ConnectionError():
            return "the connection failed"
        case _:
            return type(error).__name__
