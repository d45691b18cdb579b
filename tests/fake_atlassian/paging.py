"""Cut lists into pages, in the four ways that Atlassian does."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from .problems import Problem

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Be a part of a list, knowing where it begins and what comes after."""

    items: Sequence[T]
    start: int
    limit: int
    total: int

    @property
    def end(self) -> int:
        return self.start + len(self.items)

    @property
    def is_last(self) -> bool:
        return self.end >= self.total

    @property
    def cursor(self) -> str:
        return _cursor(self.start, self.limit)

    @property
    def next_cursor(self) -> str | None:
        return None if self.is_last else _cursor(self.end, self.limit)

    @property
    def previous_cursor(self) -> str | None:
        return _cursor(max(self.start - self.limit, 0), self.limit) if self.start else None


def by_offset(items: Sequence[T], start: int, limit: int) -> Page[T]:
    """Cut the page that begins at an offset."""
    return Page(items[start : start + limit], start, limit, len(items))


def by_cursor(items: Sequence[T], cursor: str | None, limit: int, *, bad_cursor: str) -> Page[T]:
    """Cut the page that a cursor stands for; it carries its own limit, as the documents say."""
    if cursor is None:
        return by_offset(items, 0, limit)
    try:
        start, limit = (int(number) for number in base64.urlsafe_b64decode(cursor).decode().split(":"))
    except (ValueError, binascii.Error) as error:
        raise Problem(400, "The page cursor is invalid.", bad_cursor) from error
    return by_offset(items, start, limit)


def whole_number(query: Mapping[str, str], name: str, default: int) -> int:
    """Read a number of a query, which must not be negative."""
    text = query.get(name, str(default))
    if not text.isdecimal():
        raise Problem(400, f"The value of {name} has to be a number: {text!r}.")
    return int(text)


def _cursor(start: int, limit: int) -> str:
    return base64.urlsafe_b64encode(f"{start}:{limit}".encode()).decode()
