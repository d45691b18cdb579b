"""Where collection writes as it goes: a SQLite file that survives an interruption.

It holds the records, among which duplicates fold and which come out sorted; and the tasks, each of which is one list or one thing
to ask for. An answer's records, the tasks that follow from them and the mark of how far the list was read are written together or
not at all, so that whoever goes on after a `kill -9` asks again only for what no answer came to.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import ExitStack, contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from scanner.collect.endpoint import malformed
from scanner.collect.paging import Place
from scanner.errors import InputError, WorkError
from scanner.kinds import KINDS
from scanner.model import Gap, Reason, Record, Resource, sort_key

SUFFIX = ".journal"
# By this SQLite knows a file of ours from any other.
APPLICATION_ID = int.from_bytes(b"atls")

_decode = msgspec.json.Decoder(Resource | Gap).decode
_encode = msgspec.json.Encoder(order="sorted").encode
_decode_place = msgspec.json.Decoder(Place).decode

_TABLES = """
CREATE TABLE records (kind TEXT, is_resource INT, id TEXT, parent TEXT, what TEXT, of TEXT, line BLOB,
    PRIMARY KEY (kind, is_resource, id, parent, what)) WITHOUT ROWID;
CREATE INDEX children ON records (kind, of);
CREATE TABLE tasks (number INTEGER PRIMARY KEY, endpoint INT, site TEXT, parent TEXT, detail TEXT, partly INT,
    state TEXT, place BLOB, refusal TEXT, UNIQUE (endpoint, site, parent, detail));
CREATE TABLE gathered (task INT, record BLOB);
CREATE INDEX gathered_by ON gathered (task);
CREATE TABLE counts (endpoint INT PRIMARY KEY, requests INT DEFAULT 0, pages INT DEFAULT 0, resources INT DEFAULT 0,
    gaps INT DEFAULT 0, retries INT DEFAULT 0, seconds REAL DEFAULT 0);
CREATE TABLE disputes (address TEXT, source TEXT, fact TEXT, PRIMARY KEY (address, source, fact));
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


_COUNT = f"""
INSERT INTO counts (endpoint, {", ".join(Counts.__struct_fields__)}) VALUES (?{", ?" * len(Counts.__struct_fields__)})
    ON CONFLICT (endpoint) DO UPDATE SET {", ".join(f"{name} = {name} + excluded.{name}" for name in Counts.__struct_fields__)}
"""  # noqa: S608  our names


class Journal:
    """Records by their place in a snapshot, and tasks. Safe to read from several threads while one fills it.

    As a context it lets go of the file at the end, and tells what went wrong with that in words for a person.
    """

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
        with self._in_words(), ExitStack() as if_it_fails:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            self._base = sqlite3.connect(path, timeout=0, check_same_thread=False, isolation_level=None)
            if_it_fails.callback(self.close)
            self._open()
            if resume and self._value("PRAGMA quick_check(1)") != "ok":
                raise self._damaged()
            if not resume or not self._has_tables():
                self._empty()
            if_it_fails.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
        if isinstance(error, sqlite3.Error):
            with self._in_words():
                raise error

    # ------------------------------------------------------------------------------------------------------------ records

    def add(self, records: Iterable[Record]) -> None:
        """Write records down; what is there already is folded into one."""
        found = list(records)  # before the lock is taken: whoever makes them may read the journal
        with self._lock:
            for record in found:
                self._fold(record)

    def resources(self, kind: str) -> Iterator[Resource]:
        """Stream the resources of a kind."""
        return (record for record in self._read("WHERE kind = ? AND is_resource = 1", kind) if isinstance(record, Resource))

    def resource(self, kind: str, id_: str) -> Resource | None:
        """Return a resource, if it is known."""
        found = next(self._read("WHERE kind = ? AND is_resource = 1 AND id = ?", kind, id_), None)
        return found if isinstance(found, Resource) else None

    def ids(self, kind: str) -> set[str]:
        """Return the ids of the resources of a kind."""
        with self._lock:
            return {id_ for (id_,) in self._base.execute("SELECT id FROM records WHERE kind = ? AND is_resource = 1", (kind,))}

    def gaps(self, kind: str) -> list[Gap]:
        """Return the gaps of a kind."""
        return [record for record in self._read("WHERE kind = ? AND is_resource = 0", kind) if isinstance(record, Gap)]

    def has_child(self, kind: str, parent: str) -> bool:
        """Tell whether a resource of a kind with this parent is known."""
        with self._lock:
            found = self._base.execute(
                "SELECT 1 FROM records WHERE kind = ? AND of = ? AND is_resource = 1 LIMIT 1", (kind, parent)
            )
            return found.fetchone() is not None

    def forget(self, kind: str, fact: str, site: str) -> None:
        """Let a fact of all resources of a kind be unknown; of one site, if it is named."""
        with self._lock:
            self._base.execute(
                "UPDATE records SET line = CAST(json_remove(CAST(line AS TEXT), ?) AS BLOB)"
                " WHERE kind = ? AND is_resource = 1 AND substr(id, 1, ?) = ?",
                (f"$.facts.{fact}", kind, len(prefix := f"{site}/" if site else ""), prefix),
            )

    def settle(self) -> None:
        """Forget the gaps about resources that another answer gave after all, unless a part of these could not be understood."""
        with self._lock:
            self._base.execute(
                "DELETE FROM records WHERE is_resource = 0 AND id != '' AND what != ? AND EXISTS"
                " (SELECT 1 FROM records AS found"
                " WHERE found.kind = records.kind AND found.is_resource = 1 AND found.id = records.id)",
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

    def gather(self, number: int, records: Iterable[Any]) -> None:
        """Keep what a page of a list holds until all of its pages are there."""
        with self._lock:
            self._base.executemany("INSERT INTO gathered VALUES (?, ?)", [(number, _encode(record)) for record in records])

    def gathered(self, number: int) -> list[Any]:
        """Return what the pages of a list held so far."""
        with self._lock:
            found = self._base.execute("SELECT record FROM gathered WHERE task = ? ORDER BY rowid", (number,))
            return [msgspec.json.decode(record) for (record,) in found]

    def finish(self, number: int, refusal: str = "") -> None:
        """Note that nothing more is to be asked for a task; and what came instead of an answer, where that is kept."""
        with self._lock:
            self._base.execute("DELETE FROM gathered WHERE task = ?", (number,))
            self._base.execute("UPDATE tasks SET state = ?, refusal = ? WHERE number = ?", (State.DONE, refusal, number))

    def count(self, endpoint: int, counts: Counts) -> None:
        """Add to what an endpoint was asked and gave."""
        with self._lock:
            self._base.execute(_COUNT, (endpoint, *msgspec.structs.astuple(counts)))

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

    def _open(self) -> None:
        """Take the file for this program alone, and refuse one that another kind of program wrote."""
        self._base.execute("PRAGMA locking_mode = EXCLUSIVE")
        if self._has_tables() and self._value("PRAGMA application_id") != APPLICATION_ID:
            raise self._foreign()
        self._path.chmod(0o600)  # it may have been a copy
        # Nothing that was written is lost when the program dies. When the machine does, the last steps may be, but each as a whole:
        # with less care, what was done and what was read could part, and a list go for whole that is not.
        self._base.execute("PRAGMA journal_mode = WAL")
        self._base.execute("PRAGMA synchronous = NORMAL")
        self._base.execute("BEGIN IMMEDIATE")
        self._base.execute("COMMIT")

    def _has_tables(self) -> bool:
        return bool(self._value("SELECT count(*) FROM sqlite_master"))

    def _value(self, statement: str) -> Any:  # noqa: ANN401  whatever SQLite says
        return self._base.execute(statement).fetchone()[0]

    def _empty(self) -> None:
        with self.step():
            for name in ("records", "tasks", "gathered", "counts", "disputes", "notes"):
                self._base.execute(f"DROP TABLE IF EXISTS {name}")
            for statement in _TABLES.split(";"):
                self._base.execute(statement)
            self._base.execute(f"PRAGMA application_id = {APPLICATION_ID}")

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        """Tell what is wrong with the file in words for a person; what nobody can mend is a bug, and stays what it is."""
        try:
            yield
        except OSError as error:
            raise WorkError(f"{self._path}: cannot be written: {error.strerror}") from error
        except sqlite3.Error as error:
            match getattr(error, "sqlite_errorname", "").split("_"):
                case [_, "BUSY" | "LOCKED", *_]:
                    hint = "wait for it, or name another file with --output"
                    raise WorkError(f"{self._path}: another atlascan is collecting into it", hint=hint) from error
                case [_, "NOTADB", *_]:
                    raise self._foreign() from error
                case [_, "CORRUPT", *_]:
                    raise self._damaged() from error
                case [_, "FULL" | "IOERR" | "READONLY" | "CANTOPEN", *_]:
                    raise WorkError(f"{self._path}: cannot be written: {error}") from error
            raise

    def _foreign(self) -> InputError:
        return InputError(f"{self._path}: not a journal of atlascan", hint="remove it, or name another file with --output")

    def _damaged(self) -> InputError:
        return InputError(f"{self._path}: damaged, and cannot be gone on with", hint="remove it and start anew, without --resume")

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
        # SQLite looks up `is_resource = 1`; for `is_resource` alone it reads all there is of a kind, each time.
        order = "ORDER BY kind, is_resource, id, parent, what"
        cursor = self._base.execute(f"SELECT line FROM records {where} {order}", values)  # noqa: S608  the conditions are ours
        for (line,) in cursor:
            yield _decode(line)

    def _fold(self, record: Record) -> None:
        kind, is_resource, id_, parent, what = sort_key(record)
        key = (kind, int(is_resource), id_, parent, what)
        line = (*key, record.parent, _encode(record))
        # Most are new: then this is all.
        if self._base.execute("INSERT OR IGNORE INTO records VALUES (?, ?, ?, ?, ?, ?, ?)", line).rowcount:
            return
        (known,) = self._base.execute(
            "SELECT line FROM records WHERE (kind, is_resource, id, parent, what) = (?, ?, ?, ?, ?)", key
        ).fetchone()
        earlier = _decode(known)
        if isinstance(earlier, Resource) and isinstance(record, Resource):
            disagreements = _disagreements(earlier, record)
            disputes = self._disputes(record, disagreements)
            if disagreements:
                facts = sorted({fact for _, fact in disputes})
                detail = f"two answers about {record.address} disagree on {', '.join(facts)}"
                self._fold(malformed(record.kind, detail, record.parent, record.id))
            record = _merged(earlier, record, {fact for source, fact in disputes if source == record.source})
        self._base.execute("INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?, ?, ?, ?)", (*key, record.parent, _encode(record)))

    def _disputes(self, about: Resource, more: AbstractSet[str]) -> list[tuple[str, str]]:
        """Note the facts on which answers of one source disagree, and return (source, fact) for all of these at the address."""
        self._base.executemany(
            "INSERT OR IGNORE INTO disputes VALUES (?, ?, ?)", [(about.address, about.source, fact) for fact in more]
        )
        return self._base.execute("SELECT source, fact FROM disputes WHERE address = ?", (about.address,)).fetchall()


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
