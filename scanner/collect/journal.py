"""Where collection writes as it goes: a SQLite file in which duplicates fold and from which records come out sorted."""

import sqlite3
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

import msgspec

from scanner.collect.endpoint import malformed
from scanner.kinds import KINDS
from scanner.model import Gap, Reason, Record, Resource, sort_key

_decode = msgspec.json.Decoder(Resource | Gap).decode
_encode = msgspec.json.Encoder(order="sorted").encode


class Journal:
    """Records by their place in a snapshot. Safe to use from several threads while it is filled."""

    def __init__(self, path: Path) -> None:
        """Open an empty journal at `path`."""
        self._lock = threading.Lock()
        self._disputed: defaultdict[str, set[str]] = defaultdict(set)
        self._base = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._base.execute("PRAGMA journal_mode = OFF")
        self._base.execute("PRAGMA synchronous = OFF")
        self._base.execute(
            "CREATE TABLE records (kind TEXT, is_resource INT, id TEXT, parent TEXT, what TEXT, of TEXT, line BLOB,"
            " PRIMARY KEY (kind, is_resource, id, parent, what)) WITHOUT ROWID"
        )
        self._base.execute("CREATE INDEX children ON records (kind, of)")

    def add(self, records: Iterable[Record]) -> None:
        """Write records down; what is there already is folded into one."""
        found = list(records)  # before the lock is taken: whoever makes them may read the journal
        with self._lock:
            for record in found:
                self._fold(record)

    def resources(self, kind: str) -> list[Resource]:
        """Return the resources of a kind."""
        with self._lock:
            return [record for record in self._read("WHERE kind = ? AND is_resource", kind) if isinstance(record, Resource)]

    def gaps(self, kind: str) -> list[Gap]:
        """Return the gaps of a kind."""
        with self._lock:
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
        return iter(self._read(""))

    def close(self) -> None:
        """Let go of the file."""
        self._base.close()

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
            disputed = self._disputed[record.address]
            if found := _disagreements(earlier, record):
                disputed |= found
                detail = f"two answers about {record.address} disagree on {', '.join(sorted(disputed))}"
                self._fold(malformed(record.kind, detail, record.parent, record.id))
            record = _merged(earlier, record, disputed)
        self._base.execute("INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?, ?, ?, ?)", (*key, record.parent, _encode(record)))


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
