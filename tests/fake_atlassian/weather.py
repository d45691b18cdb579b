"""Say how bad the way to the stand-in is: slow, rationed, and at times broken."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from enum import Enum
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlsplit

import msgspec

from .problems import Problem
from .scenario import Record

EVIL = "evil.example"

Positive = Annotated[int, msgspec.Meta(ge=1)]


class WeatherError(Exception):
    """Say what is wrong with a weather file, and where."""


class Way(Enum):
    """Say how much of an answer arrives."""

    WHOLE = "all of it"
    HALF = "half of it, and then the connection ends"
    RESET = "nothing: the connection is reset"


@dataclass(frozen=True, slots=True)
class Answer:
    """Be an answer, and how it arrives."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    way: Way = Way.WHOLE
    pieces: int = 1
    wait_ms: int = 0


class Limit(Record, frozen=True):
    """Let so many through; each endpoint and method has its own ration, unless it is shared by all there is."""

    per_second: Annotated[float, msgspec.Meta(gt=0)]
    burst: Positive = 1
    retry_after: Positive | None = None  # None: as long as it takes, in whole seconds
    shared: bool = False


class Rule(Record, frozen=True, tag_field="fault"):
    """Say which requests are struck: of those at a path, the first of them and how many, None for all that come."""

    path: str  # as its port knows it, and all below; with * or ?, which stand for any characters, as a whole
    method: Literal["GET", "POST"] | None = None
    face: str | None = None  # "api" or the name of a site
    from_request: Positive = 1
    times: Positive | None = 1

    @property
    def problem(self) -> Problem | None:
        """Return what the face is to say."""
        return None

    def struck(self, answer: Answer) -> Answer:
        """Return what becomes of an answer."""
        return answer


class TooMany(Rule, frozen=True, tag="too_many"):
    """Answer 429."""

    retry_after: Annotated[int, msgspec.Meta(ge=0)] | None = None  # seconds; None: it is not said
    as_date: bool = False

    @property
    def problem(self) -> Problem:
        return too_many(self.retry_after, as_date=self.as_date)


class Status(Rule, frozen=True, kw_only=True, tag="status"):
    """Answer with an error, in JSON as the face says it, or in plain text as what stands before it would."""

    status: int
    plain: bool = False

    def __post_init__(self) -> None:
        if self.status not in {401, 403, 404, 410, *range(500, 600)} or self.status not in list(HTTPStatus):
            raise ValueError(f"{self.status} is no status to fail with")

    @property
    def problem(self) -> Problem:
        return Problem(self.status, "The weather is bad.")

    def struck(self, answer: Answer) -> Answer:
        return _page(self.status, b"text/plain", HTTPStatus(self.status).phrase.encode()) if self.plain else answer


class Reset(Rule, frozen=True, tag="reset"):
    """Answer nothing, and reset the connection."""

    def struck(self, answer: Answer) -> Answer:
        return replace(answer, way=Way.RESET)


class Truncated(Rule, frozen=True, tag="truncated"):
    """Announce the whole answer, send half of it, and hang up."""

    def struck(self, answer: Answer) -> Answer:
        return replace(answer, way=Way.HALF)


class NotJson(Rule, frozen=True, tag="not_json"):
    """Answer 200 with a page for people."""

    def struck(self, answer: Answer) -> Answer:
        del answer
        return _page(200, b"text/html", b"<!DOCTYPE html><title>Log in</title><p>Please log in to continue.")


class Drip(Rule, frozen=True, kw_only=True, tag="drip"):
    """Send the answer in pieces, and wait between them."""

    wait_ms: Positive
    pieces: Positive = 10

    def struck(self, answer: Answer) -> Answer:
        return replace(answer, pieces=self.pieces, wait_ms=self.wait_ms)


class SameCursor(Rule, frozen=True, tag="same_cursor"):
    """Answer what the request before was answered, so that its next page is the same again; the first has none before it."""


class ForeignNext(Rule, frozen=True, tag="foreign_next"):
    """Say that the next page is at somebody else's."""

    to: str = f"https://{EVIL}"

    def struck(self, answer: Answer) -> Answer:
        return _rewritten(answer, partial(_with_foreign_next, self.to))


class Redirect(Rule, frozen=True, tag="redirect"):
    """Send away."""

    to: str = f"http://{EVIL}/"
    status: Annotated[int, msgspec.Meta(ge=301, le=308)] = 302

    def struck(self, answer: Answer) -> Answer:
        del answer
        moved = _page(self.status, b"text/plain", b"")
        return replace(moved, headers=(*moved.headers, (b"location", self.to.encode())))


class WrongTotal(Rule, frozen=True, tag="wrong_total"):
    """Announce one more than will come, where a total is announced."""

    def struck(self, answer: Answer) -> Answer:
        return _rewritten(answer, _with_wrong_total)


class EmptyPage(Rule, frozen=True, tag="empty_page"):
    """Leave out all records of a page, and say of the pages what was true before."""

    def struck(self, answer: Answer) -> Answer:
        return _rewritten(answer, _emptied)


Fault = (
    TooMany
    | Status
    | Reset
    | Truncated
    | NotJson
    | Drip
    | SameCursor
    | ForeignNext
    | Redirect
    | WrongTotal
    | EmptyPage
)  # fmt: skip


class Weather(Record, frozen=True):
    """Be the weather of a whole process.

    Faults that strike the same request do so one after the other. What a limit refuses, no fault strikes: it takes no turn.
    """

    latency_ms: Annotated[float, msgspec.Meta(ge=0)] = 0
    limit: Limit | None = None
    faults: tuple[Fault, ...] = ()
    token_seconds: Positive | None = None  # how long an access token is good for; None: as the scenario has it


def load(path: str) -> Weather:
    """Read a weather file, in JSON or YAML."""
    try:
        return msgspec.yaml.decode(Path(path).read_bytes(), type=Weather)
    except FileNotFoundError as error:
        raise WeatherError(f"{path}: no such file") from error
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise WeatherError(f"{path}: {error}") from error


def too_many(seconds: int | None, *, as_date: bool = False) -> Problem:
    """Make what a face says to those who come too often."""
    if seconds is None:
        return Problem(429, "Too many requests.")
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)
    return Problem(429, "Too many requests.", headers={"Retry-After": until if as_date else str(seconds)})


# ---------------------------------------------------------------------------------------------------------------- private


def _page(status: int, media_type: bytes, body: bytes) -> Answer:
    headers = ((b"content-type", media_type + b"; charset=utf-8"), _length(body))
    return Answer(status, headers, body)


def _length(body: bytes) -> tuple[bytes, bytes]:
    return b"content-length", str(len(body)).encode()


def _rewritten(answer: Answer, rewrite: Callable[[Any], Any]) -> Answer:
    """Change the content of an answer; where it is not in JSON, there is nothing to change."""
    try:
        body = msgspec.json.encode(rewrite(msgspec.json.decode(answer.body)))
    except msgspec.DecodeError:
        return answer
    kept = tuple(header for header in answer.headers if header[0] != b"content-length")
    return replace(answer, headers=(*kept, _length(body)), body=body)


def _with_foreign_next(to: str, content: Any) -> Any:  # noqa: ANN401 - any JSON
    for holder, name in _holders(content, ("nextPage", "next")):
        if isinstance(link := holder[name], str):
            parts = urlsplit(link)
            where = f"{parts.path}?{parts.query}" if parts.query else f"/?cursor={quote(link)}"
            holder[name] = to + where
    return content


def _with_wrong_total(content: Any) -> Any:  # noqa: ANN401
    for holder, name in _holders(content, ("total",)):
        if isinstance(holder[name], int):
            holder[name] += 1
    return content


def _holders(content: Any, names: Sequence[str]) -> Iterator[tuple[dict[str, Any], str]]:  # noqa: ANN401
    """Find what an answer says of its pages: at its top, or in one of the objects that Atlassian keeps such things in."""
    if isinstance(content, dict):
        for holder in (content, *(content.get(name) for name in ("links", "_links", "meta"))):
            yield from ((holder, name) for name in names if isinstance(holder, dict) and name in holder)


def _emptied(content: Any) -> Any:  # noqa: ANN401
    if isinstance(content, list):
        return []
    if not isinstance(content, Mapping):
        return content
    emptied = {name: [] if isinstance(value, list) else value for name, value in content.items()}
    return {**emptied, "size": 0} if "size" in emptied else emptied
