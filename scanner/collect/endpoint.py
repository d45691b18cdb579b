"""What there is to know about one REST resource of Atlassian's, and how its answers become facts."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from scanner.collect.api import Refusal, Surface
from scanner.kinds import KINDS, FactType, fits
from scanner.model import Gap, Reason, Record, Resource, Source


class Pager(StrEnum):
    """How an answer says that there is more."""

    SINGLE = "one answer, no pages"
    LINK_CURSOR = "links.next: an address with a cursor, or the bare cursor"
    BODY_CURSOR = "links.next: a bare cursor, sent back in the body"
    START_AT = "startAt, total, isLast"
    OFFSET = "offset, total"
    START = "start, size, isLastPage"
    START_LINK = "start; the last page has no _links.next"
    ARRAY = "a bare list; the last page is empty"
    META_CURSOR = "meta.next: a cursor"
    NEXT_LINK = "_links.next: an address with a cursor"


@dataclass(frozen=True, slots=True)
class About:
    """What a request is about: the values for its path, what it is asked for, and what is known already.

    What is not in an answer that shows its subject only `partly` may be there all the same. `since` and `until` are the window that
    is looked at in audit logs.
    """

    org: str | None
    site: str | None
    parent: Resource | None
    has_sibling: Callable[[str], bool] = lambda _kind: False
    partly: bool = False
    since: datetime | None = None
    until: datetime | None = None

    @property
    def parent_address(self) -> str | None:
        """Return the address of the resource it is asked for."""
        return self.parent.address if self.parent else None

    @property
    def subject(self) -> Resource:
        """Return the resource it is asked for, where an endpoint has one by its table."""
        if self.parent is None:
            raise TypeError("this endpoint is asked for nothing in particular")
        return self.parent

    def below_site(self, id_: str | None) -> str | None:
        """Return the id of a resource of the site, or None if the answer gave none."""
        return f"{self.site}/{id_}" if id_ else None


@dataclass(frozen=True, slots=True)
class Given:
    """A fact of the site that decides whether an endpoint is the way to ask. The fact is of a kind of which a site has one.

    With one of `values` the endpoint shows everything; with one of `partly` what it shows is true, and no more.
    """

    kind: str
    fact: str
    values: tuple[str, ...]
    partly: tuple[str, ...] = ()


_APPS = {"confluence": "Confluence", "jira-servicedesk": "Jira Service Management"}
_TELLS_APPS = "an organization key with the scope read:workspaces:admin tells so"

Shape = Callable[[Any, About], Iterable[Record]]
Missing = tuple[str, str | None, str | None]
Lookup = Callable[[str], Iterable[Resource]]
"""Gives the resources of a kind."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One REST resource: where it is, what it is asked for, how it pages, and what its answers mean.

    `kinds` are what it supplies, the main one first; it `omits` facts of these, as (kind, fact), that no other endpoint tells
    either. `hint` says what would lift a refusal, but for the `scope` that a token or key
    has to have; `role` is what the account has to be allowed.

    What is sent: `values` fill the path, and `query` adds to `params` what depends on the parent.

    When: for each `parent` that it `applies` to. One that only `adds` facts to the resources of another is asked where these facts
    are needed. Of several ways to ask for the same, each is asked on the sites of which its `given` holds. One that heeds what
    another endpoint of its parent gave is asked `after_siblings`; one that `awaits` facts of other kinds is asked last, and may by
    then know something `instead` of asking about a parent.

    What an answer means: `shape` turns one record into resources. With `detail`, each record of the list is read again at that
    path, and so are the ids in `always`. Where it `gathers`, the records of all pages together make one resource: `shape` is given
    the list. Where a site has no such `app`, that nothing answers is no gap. Where a refusal is an answer in itself, `refused` says
    what it means; None if it is a refusal like any other. With `whole_with`, only an account that holds this permission is known to
    see all of the list; and whatever `expects` a record of each resource of the kind `beside` tells what the list leaves out.
    """

    kinds: tuple[str, ...]
    path: str
    surface: Surface
    shape: Shape
    source: Source
    documented: str
    hint: str
    scope: str | None = None
    role: str | None = None
    method: str = "GET"
    parent: str | None = None
    values: Callable[[About], Mapping[str, str]] = lambda _about: {}
    applies: Callable[[Resource], bool] = lambda _parent: True
    adds: tuple[str, ...] = ()
    omits: tuple[tuple[str, str], ...] = ()
    given: Given | None = None
    app: str | None = None
    gathers: bool = False
    params: Mapping[str, str] = field(default_factory=dict)
    query: Callable[[About], Mapping[str, str]] = lambda _about: {}
    body: Mapping[str, Any] = field(default_factory=dict)
    cursor_alone: bool = True
    experimental: bool = False
    pager: Pager = Pager.SINGLE
    records: str | None = None
    detail: str | None = None
    detail_id: Callable[[Any], str | None] = lambda _record: None
    always: tuple[str, ...] = ()
    opt_in: str | None = None
    whole_with: str | None = None
    beside: str | None = None
    expects: Callable[[Resource], str | None] = lambda _resource: None
    after_siblings: bool = False
    awaits: tuple[tuple[str, str], ...] = ()
    instead: Callable[[Lookup], Callable[[Resource], Resource | None]] = lambda _lookup: lambda _parent: None
    refused: Callable[[Refusal, About], Iterable[Record] | None] = lambda _refusal, _about: None
    absent: Callable[["Endpoint", About], Iterable[Missing]] = lambda endpoint, about: [
        (kind, None, about.parent_address) for kind in endpoint.kinds
    ]

    @property
    def name(self) -> str:
        """Return what tells it from the others: method and path, and where a path serves several, what is asked for or by whom."""
        asked = f"?type={self.params['type']}" if "type" in self.params else ""
        return f"{self.method} {self.path}{asked}" + (" (without an account)" if self.surface is Surface.ANYONE else "")

    @property
    def remedy(self) -> str:
        """Return what would lift a refusal, with the scope."""
        joint = " with the scope" if self.surface is Surface.ADMIN else "; a scoped token needs"
        scope = f"{joint} {self.scope}" if self.scope else ""
        app = f"; if the site has no {_APPS[self.app]}, {_TELLS_APPS}" if self.app else ""
        return f"{self.hint}{scope}{app}"

    def missing(self, about: About) -> tuple[Missing, ...]:
        """Return (kind, id, parent) of what is missing when this request gives nothing."""
        return tuple(self.absent(self, about))


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A kind that no interface reads: what it belongs to, and the id of each resource that is missing, if that much is known."""

    kind: str
    parent: str
    id_of: Callable[[Resource], str | None]


@dataclass(frozen=True, slots=True)
class Derived:
    """Facts of a kind that no endpoint tells and that follow from facts of others: `derive` is given what is known and the gaps."""

    kind: str
    facts: tuple[str, ...]
    needs: tuple[tuple[str, str], ...]
    derive: Callable[[Lookup, Callable[[str], Iterable[Gap]]], Iterable[Resource]]


class Reading:
    """Takes facts out of one record. What is not there stays absent; what does not fit its declaration becomes a gap."""

    def __init__(self, kind: str, record: Any) -> None:  # noqa: ANN401  JSON border
        self.kind = KINDS[kind]
        self.record = record
        self.facts: dict[str, Any] = {}
        self.problems: list[str] = []

    def take(self, fact: str, *path: str) -> Any:  # noqa: ANN401
        """Take a fact from a path of the record, and return its value or None."""
        value = at(self.record, *path)
        if value is None:
            return None
        if not fits(value, self.kind.facts[fact]):
            self.problems.append(f"{'.'.join(path)} is {shown(value)}, which is not {_declared(self.kind.facts[fact])}")
            return None
        self.facts[fact] = value
        return value

    def take_each(self, fact: str, item: Callable[[Any, list[str]], Any], *path: str) -> None:
        """Take a list from a path of the record as `item` understands each; of objects that are the same, one.

        A list that lacks an item which nobody understood at all would look whole, so it stays absent.
        """
        values = at(self.record, *path)
        if values is None:
            return
        if not isinstance(values, list):
            self.problems.append(f"{'.'.join(path)} is {shown(values)}, which is not a list")
            return
        items = [item(value, self.problems) for value in values]
        if None not in items:
            is_of_objects = self.kind.facts[fact].type is FactType.OBJECTS
            self.facts[fact] = list({msgspec.json.encode(each): each for each in items}.values()) if is_of_objects else items

    def results(self, id_: str | None, name: str | None, source: Source, parent: str | None) -> Iterator[Record]:
        """Yield the resource, and a gap for the values that could not be understood."""
        if not id_:
            yield malformed(self.kind.name, "a record without the id it should have", parent)
            return
        if self.problems:
            yield malformed(self.kind.name, f"{self.kind.name}/{id_}: {'; '.join(self.problems)}", parent, id_)
        yield Resource(kind=self.kind.name, id=id_, name=name or id_, facts=self.facts, source=source, parent=parent)


def at(value: Any, *path: str) -> Any:  # noqa: ANN401
    """Return what lies at a path of nested objects, or None."""
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def text_at(value: Any, *path: str) -> str | None:  # noqa: ANN401
    """Return the text at a path, or None; numbers that stand for ids become text."""
    found = at(value, *path)
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)
    return found if isinstance(found, str) and found else None


def texts_at(value: Any, problems: list[str], what: str, paths: Mapping[str, tuple[str, ...]]) -> dict[str, str]:  # noqa: ANN401
    """Return the texts at some paths, by name. What is not there stays absent; what is there and no text is a problem."""
    found = {name: at(value, *path) for name, path in paths.items()}
    problems += [
        f"{what}.{'.'.join(paths[name])} is {shown(each)}, which is not text"
        for name, each in found.items()
        if each is not None and not isinstance(each, str)
    ]
    return {name: each for name, each in found.items() if isinstance(each, str)}


def whole(answer: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return an answer that has to be an object.

    Raises:
        Refusal: It is something else.
    """
    if not isinstance(answer, dict):
        raise Refusal(Reason.MALFORMED, "the answer is no object")
    return answer


MALFORMED_HINT = "Atlassian may have changed this answer: look for a newer version of atlascan, or report it"


def malformed(kind: str, detail: str, parent: str | None, id_: str | None = None) -> Gap:
    """Return the gap for an answer that is not as it should be."""
    return Gap(kind=kind, reason=Reason.MALFORMED, detail=detail, hint=MALFORMED_HINT, parent=parent, id=id_)


def shown(value: Any) -> str:  # noqa: ANN401
    """Return a value as a person may be shown it, cut short."""
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"


_LONGEST_SHOWN = 80


def _declared(fact: Any) -> str:  # noqa: ANN401
    return f"one of {', '.join(fact.values)}" if fact.values else str(fact.type)
