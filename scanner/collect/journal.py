"""Where collection writes as it goes: a SQLite file that survives an interruption.

It holds the records, among which duplicates fold and which come out sorted; and the tasks, each of which is one list or one thing
to ask for. An answer's records, the tasks that follow from them and the mark of how far the list was read are written together or
not at all, so that whoever goes on after a `kill -9` asks again only for what no answer came to.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from scanner.collect.endpoint import malformed
from scanner.collect.paging import Place
from scanner.errors import InputError, WorkError
from scanner.kinds import KINDS
from scanner.model import Gap, Reason, Record, Resource, sort_key

SUFFIX = ".journal"

_decode = msgspec.json.Decoder(Resource | Gap).decode
_encode = msgspec.json.Encoder(order="sorted").encode
_decode_place = msgspec.json.Decoder(Place).decode

_TABLES = """
CREATE TABLE records (kind TEXT, is_resource INT, id TEXT, parent TEXT, what TEXT, of TEXT, line BLOB,
    PRIMARY KEY (kind, is_resource, id, parent, what)) WITHOUT ROWID;
CREATE INDEX children ON records (kind, of);
CREATE TABLE tasks (number INTEGER PRIMARY KEY, endpoint INT, site TEXT, parent TEXT, detail TEXT, partly INT,
    state TEXT, place BLOB, refusal TEXT, UNIQUE (endpoint, site, parent, detail));
CREATE TABLE counts (endpoint INT PRIMARY KEY, requests INT DEFAULT 0, pages INT DEFAULT 0, resources INT DEFAULT 0,
    gaps INT DEFAULT 0, retries INT DEFAULT 0, seconds REAL DEFAULT 0);
CREATE TABLE disputes (address TEXT, fact TEXT, PRIMARY KEY (address, fact));
CREATE TABLE notes (name TEXT PRIMARY KEY, value TEXT);
"""


class State(StrEnum):
    """How far a task is."""

    OPEN = "open"
    DONE = "done"
    NOT_ASKED = "not asked"


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One list, or one thing of it in `detail`, to be asked of one endpoint; `parent` is the id of what it is asked for.

    The texts are empty where there is no such thing. `refusal` is what came instead of an answer, if that is kept.
    """

    number: int
    endpoint: int
    site: str
    parent: str
    detail: str
    partly: bool
    place: Place
    refusal: str


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What an endpoint was asked, and what it gave; `seconds` is the time of its requests, added up."""

    requests: int = 0
    pages: int = 0
    resources: int = 0
    gaps: int = 0
    retries: int = 0
    seconds: float = 0.0


class Journal:
    """Records by their place in a snapshot, and tasks. Safe to read from several threads while one fills it."""

    def __init__(self, path: Path, *, resume: bool = False) -> None:
        """Open the journal at `path`: an empty one, or the one that was left there.

        Raises:
            InputError: There is none to go on with, or it is no journal.
            WorkError: It cannot be written, or another program is at work on it.
        """
        self._path = path
        self._lock = threading.RLock()
        if resume and not path.is_file():
            raise InputError(f"{path}: there is no interrupted collection to go on with", hint="start one without --resume")
        try:
            path.touch(mode=0o600)
            self._base = self._opened()
            if not resume:
                self._empty()
        except sqlite3.DatabaseError as error:
            if "locked" in str(error):
                raise WorkError(
                    f"{path}: another atlascan is collecting into it", hint="wait for it, or name another file"
                ) from error
            raise InputError(f"{path}: not a journal of atlascan ({error})", hint="remove it and start without --resume") from error
        except OSError as error:
            raise WorkError(f"{path}: cannot be written: {error.strerror}") from error

    # ------------------------------------------------------------------------------------------------------------ records

    def add(self, records: Iterable[Record]) -> None:
        """Write records down; what is there already is folded into one."""
        found = list(records)  # before the lock is taken: whoever makes them may read the journal
        with self._lock:
            for record in found:
                self._fold(record)

    def resources(self, kind: str) -> Iterator[Resource]:
        """Stream the resources of a kind."""
        return (record for record in self._read("WHERE kind = ? AND is_resource", kind) if isinstance(record, Resource))

    def resource(self, kind: str, id_: str) -> Resource | None:
        """Return a resource, if it is known."""
        found = next(self._read("WHERE kind = ? AND is_resource AND id = ?", kind, id_), None)
        return found if isinstance(found, Resource) else None

    def ids(self, kind: str) -> set[str]:
        """Return the ids of the resources of a kind."""
        with self._lock:
            return {id_ for (id_,) in self._base.execute("SELECT id FROM records WHERE kind = ? AND is_resource", (kind,))}

    def gaps(self, kind: str) -> list[Gap]:
        """Return the gaps of a kind."""
        return [record for record in self._read("WHERE kind = ? AND NOT is_resource", kind) if isinstance(record, Gap)]

    def has_child(self, kind: str, parent: str) -> bool:
        """Tell whether a resource of a kind with this parent is known."""
        with self._lock:
            found = self._base.execute("SELECT 1 FROM records WHERE kind = ? AND of = ? AND is_resource LIMIT 1", (kind, parent))
            return found.fetchone() is not None

    def settle(self) -> None:
        """Forget the gaps about resources that another answer gave after all, unless a part of these could not be understood."""
        with self._lock:
            self._base.execute(
                "DELETE FROM records WHERE NOT is_resource AND id != '' AND what != ? AND EXISTS"
                " (SELECT 1 FROM records AS found WHERE found.is_resource AND found.kind = records.kind AND found.id = records.id)",
                (Reason.MALFORMED,),
            )

    def sorted(self) -> Iterator[Record]:
        """Stream everything in the order of a snapshot."""
        return self._read("")

    # -------------------------------------------------------------------------------------------------------------- tasks

    def plan(
        self, endpoint: int, *, site: str = "", parent: str = "", detail: str = "", partly: bool = False, state: State = State.OPEN
    ) -> int | None:
        """Write down what has to be asked, and return its number; None if it is known already."""
        with self._lock:
            done = self._base.execute(
                "INSERT OR IGNORE INTO tasks (endpoint, site, parent, detail, partly, state, place, refusal)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, '')",
                (endpoint, site, parent, detail, partly, state, _encode(Place())),
            )
            return done.lastrowid if done.rowcount else None

    def task(self, number: int) -> Task:
        """Return a task."""
        return next(self._tasks("number = ?", number))

    def tasks(self, endpoint: int) -> Iterator[Task]:
        """Stream the tasks of an endpoint that were asked, and not those that nobody was to ask."""
        return self._tasks("endpoint = ? AND state != ?", endpoint, State.NOT_ASKED)

    def open_tasks(self) -> Iterator[Task]:
        """Stream what is still to be asked."""
        return self._tasks("state = ?", State.OPEN)

    def finished(self, endpoint: int) -> Iterator[Task]:
        """Stream the tasks of an endpoint of which nothing more is to come."""
        return self._tasks("endpoint = ? AND state != ?", endpoint, State.OPEN)

    def advance(self, number: int, place: Place) -> None:
        """Note how far a list was read."""
        with self._lock:
            self._base.execute("UPDATE tasks SET place = ? WHERE number = ?", (_encode(place), number))

    def finish(self, number: int, refusal: str = "") -> None:
        """Note that nothing more is to be asked for a task; and what came instead of an answer, where that is kept."""
        with self._lock:
            self._base.execute("UPDATE tasks SET state = ?, refusal = ? WHERE number = ?", (State.DONE, refusal, number))

    def count(self, endpoint: int, counts: Counts) -> None:
        """Add to what an endpoint was asked and gave."""
        values = msgspec.structs.asdict(counts)
        with self._lock:
            self._base.execute("INSERT OR IGNORE INTO counts (endpoint) VALUES (?)", (endpoint,))
            more = ", ".join(f"{name} = {name} + ?" for name in values)
            self._base.execute(f"UPDATE counts SET {more} WHERE endpoint = ?", (*values.values(), endpoint))  # noqa: S608  our names

    def counts(self, endpoint: int) -> Counts:
        """Return what an endpoint was asked and gave."""
        names = ", ".join(Counts.__struct_fields__)
        with self._lock:
            found = self._base.execute(f"SELECT {names} FROM counts WHERE endpoint = ?", (endpoint,)).fetchone()  # noqa: S608
        return Counts(**dict(zip(Counts.__struct_fields__, found, strict=True))) if found else Counts()

    def note(self, name: str, value: str) -> None:
        """Write down something about the collection as a whole."""
        with self._lock:
            self._base.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (name, value))

    def noted(self, name: str) -> str | None:
        """Return what was written down under a name."""
        with self._lock:
            found = self._base.execute("SELECT value FROM notes WHERE name = ?", (name,)).fetchone()
        return str(found[0]) if found else None

    @contextmanager
    def step(self) -> Iterator[None]:
        """Write down all that happens in the block, or, if it does not come to its end, nothing of it."""
        with self._lock:
            self._base.execute("BEGIN")
            try:
                yield
            except BaseException:
                self._base.execute("ROLLBACK")
                raise
            self._base.execute("COMMIT")

    def close(self) -> None:
        """Let go of the file, which stays."""
        self._base.close()

    def remove(self) -> None:
        """Let go of the file and remove it: what it was kept for is done."""
        self.close()
        for path in (self._path, self._path.with_name(f"{self._path.name}-wal")):
            with suppress(OSError):
                path.unlink(missing_ok=True)

    # ------------------------------------------------------------------------------------------------------------ private

    def _opened(self) -> sqlite3.Connection:
        base = sqlite3.connect(self._path, timeout=0, check_same_thread=False, isolation_level=None)
        # Nothing that was written is lost when the program dies; when the machine does, the journal may be.
        base.execute("PRAGMA locking_mode = EXCLUSIVE")
        base.execute("PRAGMA journal_mode = WAL")
        base.execute("PRAGMA synchronous = OFF")
        base.execute("BEGIN IMMEDIATE")
        base.execute("SELECT count(*) FROM sqlite_master")
        base.execute("COMMIT")
        return base

    def _empty(self) -> None:
        for name in ("records", "tasks", "counts", "disputes", "notes"):
            self._base.execute(f"DROP TABLE IF EXISTS {name}")
        self._base.executescript(_TABLES)

    def _tasks(self, where: str, *values: Any) -> Iterator[Task]:  # noqa: ANN401
        fields = "number, endpoint, site, parent, detail, partly, place, refusal"
        cursor = self._base.execute(f"SELECT {fields} FROM tasks WHERE {where} ORDER BY number", values)  # noqa: S608  ours
        for number, endpoint, site, parent, detail, partly, place, refusal in cursor:
            yield Task(
                number=number,
                endpoint=endpoint,
                site=site,
                parent=parent,
                detail=detail,
                partly=bool(partly),
                place=_decode_place(place),
                refusal=refusal,
            )

    def _read(self, where: str, *values: str) -> Iterator[Record]:
        order = "ORDER BY kind, is_resource, id, parent, what"
        cursor = self._base.execute(f"SELECT line FROM records {where} {order}", values)  # noqa: S608  the conditions are ours
        for (line,) in cursor:
            yield _decode(line)

    def _fold(self, record: Record) -> None:
        kind, is_resource, id_, parent, what = sort_key(record)
        key = (kind, int(is_resource), id_, parent, what)
        known = self._base.execute(
            "SELECT line FROM records WHERE (kind, is_resource, id, parent, what) = (?, ?, ?, ?, ?)", key
        ).fetchone()
        earlier = _decode(known[0]) if known else None
        if isinstance(earlier, Resource) and isinstance(record, Resource):
            disagreements = _disagreements(earlier, record)
            disputed = self._disputes(record.address, disagreements)
            if disagreements:
                detail = f"two answers about {record.address} disagree on {', '.join(sorted(disputed))}"
                self._fold(malformed(record.kind, detail, record.parent, record.id))
            record = _merged(earlier, record, disputed)
        self._base.execute("INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?, ?, ?, ?)", (*key, record.parent, _encode(record)))

    def _disputes(self, address: str, more: AbstractSet[str]) -> set[str]:
        """Note the facts of a resource on which answers disagree, and return all of these."""
        self._base.executemany("INSERT OR IGNORE INTO disputes VALUES (?, ?)", [(address, fact) for fact in more])
        return {fact for (fact,) in self._base.execute("SELECT fact FROM disputes WHERE address = ?", (address,))}


def _disagreements(earlier: Resource, later: Resource) -> set[str]:
    both = earlier.facts.keys() & later.facts.keys() - _united(earlier, later).keys()
    return {name for name in both if earlier.facts[name] != later.facts[name]}


def _merged(earlier: Resource, later: Resource, disputed: AbstractSet[str]) -> Resource:
    """Put two answers about one resource together; a fact on which any two disagreed is known no more."""
    merged = earlier.facts | later.facts | _united(earlier, later)
    return msgspec.structs.replace(earlier, facts={name: value for name, value in merged.items() if name not in disputed})


def _united(earlier: Resource, later: Resource) -> dict[str, list[Any]]:
    """Return the lists of which each answer tells a part, put together: each item once, in an order that no answer decides."""
    together: dict[str, list[Any]] = {}
    for name, fact in KINDS[earlier.kind].facts.items():
        parts = (earlier.facts.get(name), later.facts.get(name))
        if fact.united and all(isinstance(part, list) for part in parts):
            items = {_encode(item): item for part in parts for item in part or ()}
            together[name] = [items[key] for key in sorted(items)]
    return together
