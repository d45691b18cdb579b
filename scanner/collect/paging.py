"""Read a list page by page, whatever way an interface says that there is more. A list that ends oddly is never taken for whole."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from scanner.collect.api import Api, Refusal, Request
from scanner.collect.endpoint import About, Endpoint, Pager, at
from scanner.model import Reason

MAX_PAGES = 100_000


def records(api: Api, ask: Callable[[Request], Any], endpoint: Endpoint, about: About) -> Iterator[Any]:
    """Yield the records of all pages that an endpoint answers with.

    Raises:
        Refusal: A page gives nothing, or the pages do not end as they should; what came before has been yielded.
    """
    request = _first(endpoint, about)
    seen: set[str] = set()
    read = 0
    for _ in range(MAX_PAGES):
        page = ask(request)
        found = _records(endpoint, page)
        yield from found
        read += len(found)
        following = _following(api, endpoint, request, page, size=len(found), read=read)
        if following is None:
            return
        mark = str(following.params) + str(following.body)
        if mark in seen:
            raise Refusal(Reason.MALFORMED, "the pages go round in a circle")
        seen.add(mark)
        request = following
    raise Refusal(Reason.GAVE_UP, f"more than {MAX_PAGES} pages")


# ---------------------------------------------------------------------------------------------------------------- private


def _first(endpoint: Endpoint, about: About) -> Request:
    return Request(
        endpoint.surface,
        endpoint.method,
        endpoint.path,
        about.site,
        endpoint.values(about),
        {**endpoint.params, **endpoint.query(about)},
        endpoint.body if endpoint.pager is Pager.BODY_CURSOR else None,
        endpoint.experimental,
    )


def _records(endpoint: Endpoint, page: Any) -> list[Any]:  # noqa: ANN401  JSON border
    if endpoint.records is None and endpoint.pager is not Pager.ARRAY:
        return [page]
    found = page if endpoint.records is None else at(page, endpoint.records)
    if not isinstance(found, list):
        raise Refusal(Reason.MALFORMED, f"the answer has no list of {endpoint.records or 'records'}")
    return found


def _following(api: Api, endpoint: Endpoint, request: Request, page: Any, *, size: int, read: int) -> Request | None:  # noqa: ANN401
    """Return the request for the next page, or None after the last."""
    match endpoint.pager:
        case Pager.SINGLE:
            return None
        case Pager.BODY_CURSOR:
            cursor = _cursor(api, request, page, "links", "next")
            kept = {} if endpoint.cursor_alone else endpoint.body
            return replace(request, body={**kept, "cursor": cursor}) if cursor else None
        case Pager.LINK_CURSOR | Pager.META_CURSOR | Pager.NEXT_LINK:
            cursor = _cursor(api, request, page, *_NEXT[endpoint.pager])
            return replace(request, params={**request.params, "cursor": cursor}) if cursor else None
        case Pager.START_AT:
            return _next_start(request, "startAt", is_last=at(page, "isLast"), total=at(page, "total"), size=size, read=read)
        case Pager.OFFSET:
            return _next_start(request, "offset", is_last=None, total=at(page, "total"), size=size, read=read)
        case Pager.START:
            return _next_start(request, "start", is_last=at(page, "isLastPage"), total=None, size=size, read=read)
        case Pager.START_LINK:
            is_last = at(page, "_links", "next") is None
            return _next_start(request, "start", is_last=is_last, total=None, size=size, read=read)
        case Pager.ARRAY:
            return _next_start(request, "startAt", is_last=None, total=None, size=size, read=read)


# Where an answer keeps the link or cursor to the next page.
_NEXT = {Pager.LINK_CURSOR: ("links", "next"), Pager.META_CURSOR: ("meta", "next"), Pager.NEXT_LINK: ("_links", "next")}


def _cursor(api: Api, request: Request, page: Any, holder: str, name: str) -> str | None:  # noqa: ANN401
    """Return the cursor of the next page, or None after the last. A link that cannot be understood is not taken for none."""
    links = at(page, holder)
    if links is not None and not isinstance(links, dict):
        raise Refusal(Reason.MALFORMED, f"the answer's {holder} are no object")
    link = at(links, name)
    if link is not None and not isinstance(link, str):
        raise Refusal(Reason.MALFORMED, "the link to the next page is no text")
    return api.cursor(request, link) if link else None


def _next_start(request: Request, name: str, *, is_last: Any, total: Any, size: int, read: int) -> Request | None:  # noqa: ANN401
    if is_last is True or (is_last is None and size == 0):
        if isinstance(total, int) and read < total:
            raise Refusal(Reason.MALFORMED, f"{total} were announced, but {read} came")
        return None
    if size == 0:
        raise Refusal(Reason.MALFORMED, "an empty page that is not the last")
    return replace(request, params={**request.params, name: str(read)})
