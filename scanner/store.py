"""Where the snapshots and results of many scans are kept: a folder, or a bucket by its URL, under names that sort by time.

Nothing is ever overwritten. What lies there under other names is left alone, but may be read.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from scanner.errors import InputError, WorkError, did_you_mean
from scanner.model import Header

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

SNAPSHOT, RESULT = ".ndjson.zst", ".result.json"
# What a URL begins with, and the extra of the distribution that brings what reads it.
SCHEMES = {"file": None, "s3": "s3", "gs": "gs", "az": "az"}
_MOMENT = "%Y-%m-%dT%H%M%SZ"
_NAME = re.compile(rf"(\d{{4}}-\d\d-\d\dT\d{{6}}Z)-([0-9A-Za-z]{{1,8}})({re.escape(SNAPSHOT)}|{re.escape(RESULT)})")
_NOT_IN_NAMES = re.compile("[^0-9A-Za-z]")


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of one scan, by the names of its files: the snapshot, the result, or both. `id` is how the snapshot's begins."""

    taken_at: datetime
    id: str
    snapshot: str | None = None
    result: str | None = None

    @property
    def stem(self) -> str:
        """Return what the names of its files begin with here."""
        return f"{self.taken_at:{_MOMENT}}-{self.id}"

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the files there are."""
        return tuple(filter(None, (self.snapshot, self.result)))


@dataclass(frozen=True, slots=True)
class Store:
    """A folder of a file system; `name` is what errors call it."""

    name: str
    files: "AbstractFileSystem"
    root: str

    def names(self) -> tuple[str, ...]:
        """Return the names of the files that lie there, sorted; none if there is no such folder.

        Raises:
            InputError: It is a file.
            WorkError: It cannot be read.
        """
        try:
            with _told(self.name, "read"):
                found = self.files.ls(self.root, detail=True, refresh=True)
        except FileNotFoundError:
            return ()
        if [each["name"].rstrip("/") for each in found if each["type"] == "file"] == [self.root.rstrip("/")]:
            raise InputError(f"{self.name}: a store is a folder, and this is a file", hint="name the folder it lies in")
        return tuple(sorted(each["name"].rpartition("/")[2] for each in found if each["type"] == "file"))

    @contextmanager
    def local(self, name: str) -> Iterator[Path]:
        """Give a file as one of this machine, for as long as it is needed.

        Raises:
            WorkError: It cannot be read.
        """
        if self._folder:
            yield self._folder / name
            return
        with tempfile.TemporaryDirectory(prefix="atlascan-") as folder:
            copy = Path(folder) / name
            with _told(self._at(name), "read"):
                self.files.get_file(self._at(name), str(copy))
            yield copy

    def make(self) -> None:
        """Make the folder, if it is one of this machine; whoever asks before collecting has lost nothing.

        Raises:
            WorkError: It cannot be made.
        """
        if self._folder:
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise WorkError(f"{self.name}: cannot be written: {error.strerror}") from error

    def add(self, header: Header, snapshot: Path, result: str) -> Kept:
        """Keep a snapshot and its result: each whole or not at all, and never in the place of another.

        Raises:
            WorkError: They cannot be written, or are there already.
        """
        kept = named(header)
        with tempfile.TemporaryDirectory(prefix="atlascan-") as folder:
            packed, written = Path(folder) / kept.names[0], Path(folder) / kept.names[1]
            _compress(snapshot, packed)
            written.write_text(result, encoding="utf-8", newline="\n")
            self._put(packed)
            self._put(written)
        return kept

    def remove(self, name: str) -> None:
        """Delete a file.

        Raises:
            WorkError: It cannot be deleted.
        """
        with _told(self._at(name), "deleted"):
            self.files.rm_file(self._at(name))

    @property
    def _folder(self) -> Path | None:
        """Return the folder of this machine that it is; None if it is elsewhere."""
        return Path(self.root) if "file" in _protocols(self.files) else None

    def _at(self, name: str) -> str:
        return f"{self.root.rstrip('/')}/{name}"

    def _put(self, file: Path) -> None:
        target = self._at(file.name)
        try:
            with _told(target, "written"):
                if self._folder:
                    _put_beside(file, self._folder)
                else:
                    _refuse_existing(self.files, target)
                    # Where the store can tell, it refuses to overwrite even what came a moment ago.
                    self.files.put_file(str(file), target, mode="create")
        except FileExistsError as error:
            raise WorkError(f"{target}: is there already, and nothing is overwritten") from error
        except FileNotFoundError as error:
            raise WorkError(f"{target}: cannot be written: there is no such bucket or folder") from error


def opened(place: str) -> Store:
    """Return the store at a path or URL; whether it is there shows when it is read.

    Raises:
        InputError: The place is empty, its URL is of a kind that is not known or holds a credential, or an extra is missing.
    """
    if not place:
        raise InputError("the name of the store is empty", hint="give a folder, or a bucket such as s3://bucket/folder")
    # Imported here, as wherever a store is used: it takes longer than most commands.
    import fsspec  # noqa: PLC0415

    scheme, separator, rest = place.partition("://")
    if not separator or scheme == "file":
        return Store(place, fsspec.filesystem("file"), str(Path(rest or place).absolute()))
    _check_url(place, scheme)
    try:
        files = fsspec.filesystem(scheme, use_listings_cache=False)
    except ValueError as error:
        raise InputError(f"{place}: cannot be opened: {error}", hint="set what its own tools take from the environment") from error
    except ImportError as error:
        extra = f"atlascan[{SCHEMES[scheme]}]"
        raise InputError(f"{place}: what reads {scheme}:// is not installed", hint=f"pip install '{extra}'") from error
    return Store(place, files, rest.rstrip("/"))


def named(header: Header) -> Kept:
    """Return under which names the snapshot of this header, and its result, are kept."""
    mark = _NOT_IN_NAMES.sub("", header.id)[:8] or "0"
    bare = Kept(header.taken_at.astimezone(UTC).replace(microsecond=0), mark)
    return replace(bare, snapshot=f"{bare.stem}{SNAPSHOT}", result=f"{bare.stem}{RESULT}")


def kept(names: Iterator[str] | tuple[str, ...]) -> tuple[Kept, ...]:
    """Return what is kept under names that were given here, the oldest first; other names tell nothing."""
    found: dict[tuple[datetime, str], Kept] = {}
    for match in filter(None, map(_NAME.fullmatch, names)):
        try:
            taken_at = datetime.strptime(match[1], _MOMENT).replace(tzinfo=UTC)
        except ValueError:  # the 30th of February
            continue
        scan = found.get((taken_at, match[2]), Kept(taken_at, match[2]))
        is_snapshot = match[3] == SNAPSHOT
        found[taken_at, match[2]] = replace(scan, snapshot=match[0]) if is_snapshot else replace(scan, result=match[0])
    return tuple(found[place] for place in sorted(found))


# ---------------------------------------------------------------------------------------------------------------- private


# What no bucket answers: a mistake in the program.
_BUGS = (AssertionError, AttributeError, NameError, TypeError)


@contextmanager
def _told(name: str, done: str) -> Iterator[None]:
    """Say of which file something could not be done; each kind of bucket fails with exceptions of its own."""
    try:
        yield
    except (FileNotFoundError, FileExistsError, *_BUGS):
        raise
    except Exception as error:
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0] or type(error).__name__
        raise WorkError(f"{name}: cannot be {done}: {reason}") from error


def _check_url(place: str, scheme: str) -> None:
    if scheme not in SCHEMES:
        # Of the place no more is said: it may hold a password.
        raise InputError(f"{scheme}:// is no place to keep snapshots in", hint=did_you_mean(scheme, SCHEMES))
    _, _, rest = place.partition("://")
    if "@" in rest.partition("/")[0] or any(sign in rest for sign in ("::", "?", "#")):
        hint = f"such as {scheme}://bucket/folder; credentials come from the environment, as its own tools take them"
        raise InputError(f"the URL of a store names a bucket and a folder, and nothing else ({scheme}://…)", hint=hint)


def _protocols(files: "AbstractFileSystem") -> tuple[str, ...]:
    return (files.protocol,) if isinstance(files.protocol, str) else tuple(files.protocol)


def _compress(snapshot: Path, packed: Path) -> None:
    if snapshot.suffix == ".zst":
        shutil.copyfile(snapshot, packed)
        return
    import zstandard  # noqa: PLC0415  see scanner.snapshots

    with snapshot.open("rb") as plain, packed.open("wb") as file:
        zstandard.ZstdCompressor(level=3).copy_stream(plain, file)


def _put_beside(file: Path, folder: Path) -> None:
    """Put a copy of a file into a folder, whole or not at all, and readable by its owner only."""
    folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=folder)
    os.close(handle)
    copy, target = Path(name), folder / file.name
    try:
        shutil.copyfile(file, copy)
        try:
            target.hardlink_to(copy)  # a link never takes the place of another file
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            if target.exists():
                raise FileExistsError from None
            copy.replace(target)
    finally:
        copy.unlink(missing_ok=True)


def _refuse_existing(files: "AbstractFileSystem", target: str) -> None:
    if files.exists(target):
        raise FileExistsError(target)
