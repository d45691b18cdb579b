"""Read a list page by page, whatever way an interface says that there is more. A list that ends oddly is never taken for whole."""

from typing import Any

import msgspec

from scanner.collect.api import Api, Refusal, Request
from scanner.collect.endpoint import About, Endpoint, Pager, at
from scanner.model import Reason

MAX_PAGES = 100_000


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far a list has been read, and what asks for its next page: `more` are the parameters, `body` the body."""

    pages: int = 0
    records: int = 0
    more: dict[str, str] | None = None
    body: dict[str, Any] | None = None


def request(endpoint: Endpoint, about: About, place: Place) -> Request:
    """Return the request for the page at a place of a list."""
    return Request(
        endpoint.surface,
        endpoint.method,
        endpoint.path,
        about.site,
        endpoint.values(about),
        {**endpoint.params, **endpoint.query(about), **(place.more or {})},
        place.body if place.body is not None else _first_body(endpoint),
        endpoint.experimental,
    )


def first(endpoint: Endpoint, about: About) -> Request:
    """Return the request for the first page."""
    return request(endpoint, about, Place())


def detail(endpoint: Endpoint, about: About, id_: str) -> Request:
    """Return the request that reads one record of a list again, whole."""
    values = {**endpoint.values(about), "domain": id_}
    return Request(endpoint.surface, "GET", endpoint.detail or "", about.site, values)


def records(endpoint: Endpoint, page: Any) -> list[Any]:  # noqa: ANN401  JSON border
    """Return the records on a page.

    Raises:
        Refusal: It has no list where there should be one.
    """
    if endpoint.records is None and endpoint.pager is not Pager.ARRAY:
        return [page]
    found = page if endpoint.records is None else at(page, endpoint.records)
    if not isinstance(found, list):
        raise Refusal(Reason.MALFORMED, f"the answer has no list of {endpoint.records or 'records'}")
    return found


def following(api: Api, endpoint: Endpoint, asked: Request, page: Any, place: Place) -> Place | None:  # noqa: ANN401
    """Return the place after a page, or None after the last.

    Raises:
        Refusal: The pages do not go on, or do not end, as they should.
    """
    size = len(records(endpoint, page))
    read = place.records + size
    onward = _onward(api, endpoint, asked, page, size=size, read=read)
    if onward is None:
        return None
    if place.pages + 1 >= MAX_PAGES:
        raise Refusal(Reason.GAVE_UP, f"more than {MAX_PAGES} pages")
    return msgspec.structs.replace(onward, pages=place.pages + 1, records=read)


# ---------------------------------------------------------------------------------------------------------------- private


def _first_body(endpoint: Endpoint) -> dict[str, Any] | None:
    return dict(endpoint.body) if endpoint.pager is Pager.BODY_CURSOR else None


def _onward(api: Api, endpoint: Endpoint, asked: Request, page: Any, *, size: int, read: int) -> Place | None:  # noqa: ANN401
    match endpoint.pager:
        case Pager.SINGLE:
            return None
        case Pager.BODY_CURSOR:
            cursor = _cursor(api, asked, page, "links", "next", size=size)
            kept = {} if endpoint.cursor_alone else endpoint.body
            return Place(body={**kept, "cursor": cursor}) if cursor else None
        case Pager.LINK_CURSOR | Pager.META_CURSOR | Pager.NEXT_LINK:
            cursor = _cursor(api, asked, page, *_NEXT[endpoint.pager], size=size)
            return Place(more={"cursor": cursor}) if cursor else None
        case Pager.START_AT:
            return _next_start("startAt", is_last=at(page, "isLast"), total=at(page, "total"), size=size, read=read)
        case Pager.OFFSET:
            return _next_start("offset", is_last=None, total=at(page, "total"), size=size, read=read)
        case Pager.START:
            return _next_start("start", is_last=at(page, "isLastPage"), total=None, size=size, read=read)
        case Pager.START_LINK:
            is_last = at(page, "_links", "next") is None
            return _next_start("start", is_last=is_last, total=None, size=size, read=read)
        case Pager.ARRAY:
            return _next_start("startAt", is_last=None, total=None, size=size, read=read)


# Where an answer keeps the link or cursor to the next page.
_NEXT = {Pager.LINK_CURSOR: ("links", "next"), Pager.META_CURSOR: ("meta", "next"), Pager.NEXT_LINK: ("_links", "next")}


_EMPTY = "an empty page that is not the last"


def _cursor(api: Api, asked: Request, page: Any, holder: str, name: str, *, size: int) -> str | None:  # noqa: ANN401
    """Return the cursor of the next page, or None after the last. A link that cannot be understood is not taken for none."""
    links = at(page, holder)
    if links is not None and not isinstance(links, dict):
        raise Refusal(Reason.MALFORMED, f"the answer's {holder} are no object")
    link = at(links, name)
    if link is not None and not isinstance(link, str):
        raise Refusal(Reason.MALFORMED, "the link to the next page is no text")
    if link and size == 0:
        raise Refusal(Reason.MALFORMED, _EMPTY)
    return api.cursor(asked, link) if link else None


def _next_start(name: str, *, is_last: Any, total: Any, size: int, read: int) -> Place | None:  # noqa: ANN401
    if is_last is True or (is_last is None and size == 0):
        if isinstance(total, int) and read < total:
            raise Refusal(Reason.MALFORMED, f"{total} were announced, but {read} came")
        return None
    if size == 0:
        raise Refusal(Reason.MALFORMED, _EMPTY)
    return Place(more={name: str(read)})
