"""What there is to know about one endpoint that is played; the tables are in `admin.py` and `site.py`."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, Literal, TypeVar

from .problems import Dialect, JsonObject
from .scenario import Account, Scenario, Site

Parameters = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminCall:
    """Be a request to the admin API that was let in."""

    scenario: Scenario
    base_url: str  # of the admin API, as the asking side knows it
    site_urls: Mapping[str, str]
    parameters: Parameters
    query: Mapping[str, str]
    body: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteCall:
    """Be a request to a site that was let in."""

    scenario: Scenario
    site: Site
    base_url: str
    account: Account | None  # None is a stranger
    parameters: Parameters
    query: Mapping[str, str]


class Login(Enum):
    """Say whom a site's endpoint lets in."""

    UNREAD = "credentials are not looked at"
    OPTIONAL = "strangers may ask, wrong credentials may not"
    REQUIRED = "any account"
    ADMINISTER = "an account that administers the site"


CallT = TypeVar("CallT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route(Generic[CallT]):
    """Be one endpoint: whoever adds one to a table has it served, and tested against the document that promises it."""

    template: str
    answer: Callable[[CallT], JsonObject | list[JsonObject] | str]  # text is a page
    dialect: Dialect
    promised_by: str | None  # a file of Atlassian's OpenAPI documents, None where there is no promise
    method: Literal["GET", "POST"] = "GET"
    scope: str | None = None  # which an organization's key needs, or a token at the gateway
    login: Login = Login.REQUIRED
    unknown_org: int = 404
    experimental: bool = False  # answers only those who opt in to that
    refuses: Callable[[Any, Account, Parameters], int | None] = lambda _site, _account, _parameters: None  # with which status
    unpromised_because: str = ""
    query: tuple[str, ...] = ()  # the parameters that are played; any other is refused, so that no test leans on it
    sample_query: Parameters | None = None
    samples: Callable[[Any], Iterable[Parameters]] = lambda _: ({},)  # path parameters, from a scenario or a site
    listed: Callable[[Any], list[str]] | None = None  # a list: the ids on a page
    expected: Callable[[Any], Iterable[str]] | None = None  # a list: the ids on all pages, from a scenario or a site
    expected_of: Callable[[Any, Parameters], Iterable[str]] | None = None  # the same, where it depends on the path
    public: Callable[[Any], Iterable[str]] = lambda _: ()  # a list that strangers may ask for: the ids that they see
