"""The only module that speaks HTTP: addresses, credentials, waiting, and what may be asked at all.

Read-only by construction: a request is a method and a path template from `ALLOWED`, with values that cannot change the path.
Redirects and links to other places are never followed, so a credential goes to the host it was configured for and nowhere else.
"""

import base64
import os
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import msgspec
import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase, HTTPBasicAuth
from urllib3.exceptions import InvalidHeader
from urllib3.util.retry import Retry

from scanner.collect.pace import Bucket, Patience
from scanner.model import Reason


class Surface(StrEnum):
    """Which of Atlassian's interfaces: each has an address and a credential of its own."""

    ADMIN = "admin"
    SITE = "site"
    ANYONE = "anyone"  # a site, as somebody without an account sees it: no credential is shown
    LOGIN = "login"  # where client credentials are exchanged for a token


LOGIN_PATH = "/oauth/token"

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
        (Surface.LOGIN, "POST", LOGIN_PATH),
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

# How many requests Atlassian takes in how many seconds, where it publishes that.
CEILINGS = {
    "/v1/orgs/{orgId}/events": (10, 60.0),
    "/v1/orgs/{orgId}/event-actions": (10, 60.0),
}

# What answers with a page for people, where all else answers in JSON.
PAGES = frozenset({"/servicedesk/customer/user/signup"})

MAX_ANSWER = 64 * 1024 * 1024
MAX_DEPTH = 50
CONNECT_SECONDS, READ_SECONDS = 10, 60
LIMITED = 429
RETRIED = (LIMITED, 502, 503, 504)
# Atlassian answers 500 to some requests every time, so these are read once more and not again.
ONCE_MORE = 1
LONGEST_WAIT_SECONDS = 600
LOGIN_URL = "https://auth.atlassian.com"
# A token is renewed this long before it ends.
EARLY_SECONDS = 60
SCRUBBED = "SCRUBBED"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Secrets, kept out of every representation.

    The organization's key; by site, an account's e-mail and token, or a client's id and secret; and the tokens that were issued for
    these on the way.
    """

    org_key: str | None = field(default=None, repr=False)
    sites: Mapping[str, tuple[str, str]] = field(default_factory=dict, repr=False)
    clients: Mapping[str, tuple[str, str]] = field(default_factory=dict, repr=False)
    issued: set[str] = field(default_factory=set, repr=False, compare=False)

    def scrubbed(self, text: str) -> str:
        """Return a text without the secrets, in any form in which an answer might give them back."""
        pairs = [*self.sites.values(), *self.clients.values()]
        joined = [f"{name}:{secret}" for name, secret in pairs]
        for secret in filter(None, (self.org_key, *joined, *(secret for _, secret in pairs), *self.issued)):
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
    """An answer that gives nothing: why, in the words of a gap. It may be ours, and nothing was `sent`.

    `hint` is what would lift it, where it is known without knowing what was asked.
    """

    def __init__(
        self, reason: Reason, detail: str, *, status: int | None = None, sent: bool = True, hint: str | None = None
    ) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.status = status
        self.sent = sent
        self.hint = hint


class Busy(Refusal):
    """A refusal that may be lifted by asking again, at most so often.

    With a `limit`, it says that too much was asked: `wait` seconds if it said how long to wait.
    """

    def __init__(
        self,
        what: str,
        said: str = "",
        *,
        status: int | None = None,
        limit: bool = False,
        wait: float | None = None,
        most: int | None = None,
        reason: Reason = Reason.GAVE_UP,
    ) -> None:
        super().__init__(reason, f"{what}{said}", status=status)
        self.what, self.said = what, said
        self.limit = limit or wait is not None
        self.wait = wait
        self.most = most

    def again(self, patience: Patience) -> Patience | None:
        """Return the patience that is left when this is asked again; None if that was the last time."""
        if self.wait is not None and self.wait > LONGEST_WAIT_SECONDS:
            return None
        return patience.after_wait() if self.limit else patience.after_fault(self.most)

    def for_good(self, progress: str = "") -> Refusal:
        """Return the refusal that it is when nobody asks again; `progress` says how far it got before."""
        how = " every time" if self.status and self.reason is Reason.GAVE_UP else ""
        if self.wait is not None and self.wait > LONGEST_WAIT_SECONDS:
            how = f", and is not to be asked again for {self.wait:.0f} seconds"
        return Refusal(self.reason, f"{self.what}{how}{progress}{self.said}", status=self.status)


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
        login_url: str = LOGIN_URL,
        patient: bool = True,
        log: Callable[[str], None] = lambda _line: None,
        detailed: bool = False,
    ) -> None:
        """Prepare to ask; nothing is sent yet.

        Args:
            api_url: The address of Atlassian's API.
            sites: The addresses of the sites, by name.
            credentials: What there is to show.
            concurrency: How many may ask at once.
            scoped: The sites whose token has scopes. Atlassian takes such tokens at its gateway only, not at the site.
            login_url: Where client credentials are exchanged for a token.
            patient: Whether time matters: to wait when told to. A recording has no limits.
            log: Is told of every request, in a line without secrets.
            detailed: Whether these lines name what was asked about, and how long it took.
        """
        self._api_url = api_url
        self._login_url = login_url
        self._sites = dict(sites)
        self._gateways: dict[str, str | Refusal] = {}
        self._at_gateway = frozenset(scoped) | credentials.clients.keys()
        self._finding, self._opening = threading.Lock(), threading.Lock()
        # The environment's proxies, looked up once for each address.
        self._proxies = cache(requests.utils.get_environ_proxies)
        self._auth: dict[str | None, AuthBase] = {
            site: HTTPBasicAuth(email.encode(), token.encode()) for site, (email, token) in credentials.sites.items()
        }
        if credentials.org_key:
            self._auth[None] = _Bearer(credentials.org_key)
        self._credentials = credentials
        self._logins = {site: _Login() for site in credentials.clients}
        self._session = _session(concurrency, hosts=len(sites) + 2)
        self._buckets: dict[tuple[Surface, str | None, str, str], Bucket] = {}
        self.patient = patient
        self._log = log
        self._detailed = detailed

    def can_ask(self, surface: Surface, site: str | None) -> bool:
        """Tell whether there is a credential for this interface."""
        return surface is Surface.ANYONE or (None if surface is Surface.ADMIN else site) in self._auth or site in self._logins

    def withheld(self, request: Request) -> Refusal | None:
        """Return why a request is not sent although it may be asked, or None if it is."""
        if not self.can_ask(request.surface, request.site):
            return Refusal(Reason.NO_CREDENTIAL, "there is no credential for it", sent=False)
        if request.surface is Surface.SITE and request.site in self._at_gateway and request.path.startswith(_UNDOCUMENTED):
            detail = "an undocumented endpoint takes no token with scopes, as far as is known"
            return Refusal(Reason.UNSUPPORTED, detail, sent=False)
        return None

    def preparing(self, site: str) -> tuple[str, ...]:
        """Return what is asked besides before the first request to a site: by which id the gateway knows it, and a token."""
        at_gateway, is_client = site in self._at_gateway, site in self._logins
        return ("GET /_edge/tenant_info",) * at_gateway + ("POST /oauth/token",) * is_client

    def address(self, site: str) -> str:
        """Return the address of a site."""
        return self._sites[site]

    def host(self, request: Request) -> str:
        """Return the host that a request goes to."""
        at_api = request.site is None or (request.surface is Surface.SITE and request.site in self._at_gateway)
        return urlsplit(self._api_url if at_api else self._sites[request.site or ""]).hostname or ""

    def bucket(self, request: Request) -> Bucket:
        """Return what Atlassian counts a request among: one site, endpoint and method."""
        key = (request.surface, request.site, request.method, request.path)
        with self._opening:
            if key not in self._buckets:
                self._buckets[key] = Bucket(CEILINGS.get(request.path) if self.patient else None)
            return self._buckets[key]

    def pause(self, busy: Busy, patience: Patience) -> float:
        """Return how many seconds to let pass before asking again; what an answer said about waiting its bucket knows."""
        return patience.pause if self.patient and not busy.limit else 0.0

    def ask(self, request: Request) -> Any:  # noqa: ANN401  JSON border
        """Send a request, again if need be, and return the JSON of its answer; the text, where that is a page.

        Raises:
            Refusal: The answer gives nothing; with the reason in the words of a gap.
            ForbiddenRequestError: It is not among what may be asked.
        """
        patience, bucket = Patience(), self.bucket(request)
        while True:
            time.sleep(max(0.0, bucket.opens_at() - time.monotonic()))
            bucket.take()
            try:
                return self.attempt(request)
            except Busy as busy:
                left = busy.again(patience)
                if left is None or not bucket.spend_retry():
                    raise busy.for_good() from busy
                patience = left
                time.sleep(self.pause(busy, patience))

    def attempt(self, request: Request) -> Any:  # noqa: ANN401  JSON border
        """Send a request once, now, and return the JSON of its answer. Whoever calls this has taken it from its bucket.

        Raises:
            Busy: It may give something when it is asked again.
            Refusal: The answer gives nothing; with the reason in the words of a gap.
            ForbiddenRequestError: It is not among what may be asked.
        """
        _check(request)
        if withheld := self.withheld(request):
            raise withheld
        bucket, sent_at, auth = self.bucket(request), time.monotonic(), None
        login = self._logins.get(request.site or "") if request.surface is Surface.SITE else None
        try:
            auth = self._credential(request)
            answer = self._answer(request, self._base(request), auth, bucket)
        except Busy as busy:
            if busy.limit and self.patient:
                bucket.refused(sent_at, busy.wait)
            raise
        except Refusal as refusal:
            if refusal.status == requests.codes.unauthorized and login and login.forget(auth, request.path):
                # It may have ended before its time.
                raise Busy(refusal.detail, status=refusal.status, most=ONCE_MORE, reason=refusal.reason) from refusal
            raise
        if login:
            login.refusing.discard(request.path)
        return answer

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

    def _credential(self, request: Request) -> AuthBase:
        """Return the credential for a request."""
        if request.surface is Surface.ANYONE:
            return _Nobody()
        if request.surface is Surface.SITE and request.site in self._logins:
            return self._token(request.site)
        return self._auth[None if request.surface is Surface.ADMIN else request.site]

    def _token(self, site: str) -> "_Bearer":
        """Return the token of a site's client, a new one if there is none that holds."""
        login = self._logins[site]
        with login.lock:
            if login.token is None or time.monotonic() >= login.ends_at:
                login.token, login.ends_at = self._new_token(*self._credentials.clients[site])
            return login.token

    def _new_token(self, client_id: str, secret: str) -> tuple["_Bearer", float]:
        """Exchange client credentials for a token, and return it with the moment at which to renew it.

        https://developer.atlassian.com/cloud/admin/service-accounts and RFC 6749, section 4.4.
        """
        body = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
        asked_at = time.monotonic()
        answer = self._answer(Request(Surface.LOGIN, "POST", LOGIN_PATH, body=body), self._login_url, _Nobody())
        token, seconds = (answer.get("access_token"), answer.get("expires_in")) if isinstance(answer, dict) else (None, None)
        if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable():
            raise Refusal(Reason.MALFORMED, "the answer to the client credentials holds no token")
        self._credentials.issued.add(token)
        lasts = seconds if isinstance(seconds, int | float) and not isinstance(seconds, bool) else 0
        return _Bearer(token), asked_at + max(lasts - EARLY_SECONDS, lasts / 2)

    def _base(self, request: Request) -> str:
        """Return the address below which a request's path lies, for the kind of credential there is."""
        if request.surface is Surface.ADMIN or request.site is None:
            return f"{self._api_url}/admin"
        if request.surface is Surface.ANYONE or request.site not in self._at_gateway:
            return self._sites[request.site]
        product = "confluence" if request.path.startswith("/wiki/") else "jira"
        return f"{self._api_url}/ex/{product}/{self._cloud_id(request.site)}"

    def _cloud_id(self, site: str) -> str:
        """Return the id by which the gateway knows a site; anybody may ask the site for it."""
        with self._finding:
            if site not in self._gateways:
                try:
                    self._gateways[site] = self._found_cloud_id(site)
                except Busy:
                    raise  # another time it may be there
                except Refusal as refusal:
                    self._gateways[site] = refusal
        found = self._gateways[site]
        if isinstance(found, Refusal):
            raise Refusal(found.reason, found.detail, status=found.status)
        return found

    def _found_cloud_id(self, site: str) -> str:
        answer = self._answer(Request(Surface.SITE, "GET", "/_edge/tenant_info", site), self._sites[site], _Nobody())
        cloud_id = answer.get("cloudId") if isinstance(answer, dict) else None
        if not isinstance(cloud_id, str) or not cloud_id.replace("-", "").isalnum():
            raise Refusal(Reason.MALFORMED, "the site does not say by which id the gateway knows it")
        return cloud_id

    def _answer(self, request: Request, base: str, auth: AuthBase, bucket: Bucket | None = None) -> Any:  # noqa: ANN401
        _check(request)
        url = base + _filled(request.path, request.values)
        started = time.monotonic()
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
            self._note(request, base, type(error).__name__, started)
            detail = f"no answer from {urlsplit(url).netloc}: {_plain(error)}"
            if isinstance(error, requests.exceptions.SSLError):
                raise Refusal(Reason.GAVE_UP, detail) from error
            raise Busy(detail) from error
        self._note(request, base, f"{response.status_code}, {len(content)} bytes", started)
        _refuse(response, content, self._credentials.scrubbed)
        if bucket:
            bucket.accepted(_hold(response) if self.patient else None)
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

    def _note(self, request: Request, base: str, outcome: str, started: float) -> None:
        """Tell the log of a request: what it was about only if that was wanted, and never who."""
        if self._detailed:
            nobody = dict.fromkeys(request.values.keys() & _PERSONAL, "somebody")
            path = _filled(request.path, {**request.values, **nobody})
            self._log(f"{request.method} {base}{path}: {outcome}, {time.monotonic() - started:.2f} s")
        else:
            place = request.site or request.surface
            self._log(f"{request.method} {request.path} ({place}): {outcome}")


# ---------------------------------------------------------------------------------------------------------------- private


# The values of a path that stand for people.
_PERSONAL = frozenset({"accountId"})
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


@dataclass(slots=True)
class _Login:
    """The token that a client has at the moment, if any; and the paths that refused one, and have taken none since."""

    token: _Bearer | None = None
    ends_at: float = 0.0
    refusing: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def forget(self, token: AuthBase | None, path: str) -> bool:
        """Let go of a token that a path refused; False if a new one would not be taken there either."""
        with self.lock:
            if not isinstance(token, _Bearer):
                return False
            if self.token is token:
                if path in self.refusing:
                    return False  # it was new, so what it lacks is a scope
                self.refusing.add(path)
                self.token = None
            return True


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002
        """Know of no redirect: requests would read its body whole, and its address, even where it does not follow."""
        return None


def _session(concurrency: int, hosts: int) -> requests.Session:
    session = _Session()
    # Not blocking: while a recording is made or played, an answer that is asked again keeps its place in the pool.
    adapter = HTTPAdapter(pool_connections=hosts, pool_maxsize=concurrency, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.headers.update({"Accept": "application/json", "X-Atlassian-Token": "no-check", "User-Agent": "atlascan"})
    # Proxies and certificates of the environment hold, looked up once; ~/.netrc does not.
    session.trust_env = False
    # A cookie is a credential that goes wherever its domain says, and many sites share one.
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
    return session


def _check(request: Request) -> None:
    if (request.surface, request.method, request.path) not in ALLOWED:
        raise ForbiddenRequestError(f"{request.method} {request.path} is not among what may be asked")


def _hold(response: requests.Response) -> float | None:
    """Return for how many seconds nothing more is allowed, if an answer says that it was the last."""
    if response.headers.get("X-RateLimit-Remaining", "").strip() != "0":
        return None
    return _until_reset(response)


def _until_reset(response: requests.Response) -> float | None:
    """Return the seconds until a limit is lifted. Atlassian's admin API writes that moment in ISO 8601."""
    try:
        reset = datetime.fromisoformat(response.headers.get("X-RateLimit-Reset", ""))
    except ValueError:
        return None
    seconds = (reset.replace(tzinfo=reset.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return max(0.0, seconds) if seconds <= LONGEST_WAIT_SECONDS else None


_RETRY_AFTER = Retry(retry_after_max=10**9)


def _wait(response: requests.Response) -> float | None:
    """Return the seconds that a refusal says to wait: in seconds, or as a date."""
    told = response.headers.get("Retry-After")
    try:
        return _RETRY_AFTER.parse_retry_after(told) if told else _until_reset(response)
    except (InvalidHeader, ValueError, OverflowError):
        return None


def _headers(request: Request) -> dict[str, str]:
    typed = {"Content-Type": "application/json"} if request.body is not None else {}
    # Jira Service Management answers what it calls experimental only to those who ask for it so.
    opted_in = {"X-ExperimentalApi": "opt-in"} if request.experimental else {}
    page = {"Accept": "text/html"} if request.path in PAGES else {}
    return typed | opted_in | page


def _filled(path: str, values: Mapping[str, str]) -> str:
    quoted = {name: quote(value, safe="") for name, value in values.items()}
    if any(value in ("", ".", "..") for value in quoted.values()):
        raise Refusal(Reason.MALFORMED, "an id that cannot stand in an address", sent=False)
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
        case _ if status in RETRIED:
            raise Busy(f"answered {status}", said, status=status, limit=status == LIMITED, wait=_wait(response))
        case 500:
            raise Busy(f"answered {status}", said, status=status, most=ONCE_MORE)
        case _:
            raise Refusal(Reason.GAVE_UP, f"answered {status}{said}", status=status)


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
