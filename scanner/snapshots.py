"""Snapshots on disk: one JSON object a line, sorted, sealed with a digest. Written once and atomically, read as a stream.

First line the header, last line the seal: how many records there are, and the SHA-256 of all the bytes before it. A file that was
cut off or edited is refused. A name that ends in `.zst` is compressed; `-` is standard input or output.
"""

import hashlib
import os
import sys
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC
from io import BytesIO, FileIO
from itertools import chain
from pathlib import Path
from typing import IO, TypeVar

import msgspec

from scanner.errors import InputError, WorkError
from scanner.model import Gap, Header, Part, Parts, Record, Resource, Snapshot, Source, sort_key

FORMAT = "atlascan/snapshot"
VERSION = 1
MAX_LINE = 16 * 1024 * 1024


class _Format(msgspec.Struct, frozen=True, tag="header", tag_field="type", kw_only=True):
    format: str
    version: int


class _Head(_Format, frozen=True, tag="header", tag_field="type", kw_only=True):
    header: Header


class _Seal(msgspec.Struct, frozen=True, tag="seal", tag_field="type", kw_only=True, forbid_unknown_fields=True):
    count: int
    sha256: str


class _Object(msgspec.Struct, gc=False):
    """Some facts, none of which is looked at."""


class _Placed(msgspec.Struct, frozen=True, tag="resource", tag_field="type", kw_only=True, gc=False):
    """A resource as far as its place in the file needs it; all else is skipped."""

    kind: str
    id: str
    facts: _Object
    source: Source


_SomeHead = TypeVar("_SomeHead", bound=_Format)

_encode = msgspec.json.Encoder(order="sorted").encode
_decode_format = msgspec.json.Decoder(_Format).decode
_decode_head = msgspec.json.Decoder(_Head).decode
_decode_line: Callable[[bytes], Record | _Seal] = msgspec.json.Decoder(Resource | Gap | _Seal).decode
_places = msgspec.json.Decoder(_Placed | Gap | _Seal)
_decode_place: Callable[[bytes], _Placed | Gap | _Seal] = _places.decode


def write(path: str, header: Header, records: Iterable[Record]) -> None:
    """Write a snapshot; the records come sorted. The file appears whole or not at all, readable by its owner only.

    Raises:
        WorkError: It could not be written.
    """
    with _replacing(path) as file:
        digest = hashlib.sha256()

        def line(thing: msgspec.Struct) -> None:
            content = _encode(thing) + b"\n"
            digest.update(content)
            file.write(content)

        line(_Head(format=FORMAT, version=VERSION, header=header))
        count = 0
        for record in records:
            line(record)
            count += 1
        file.write(_encode(_Seal(count=count, sha256=digest.hexdigest())) + b"\n")


def refuse_what_is_no_file(path: str) -> None:
    """Refuse a target that a snapshot cannot take the place of; whoever asks before collecting has lost nothing.

    Raises:
        WorkError: It is a folder or a device.
    """
    try:
        is_something_else = path != "-" and Path(path).exists() and not Path(path).is_file()
    except OSError as error:
        raise WorkError(f"{path}: cannot be written: {error.strerror}") from error
    if is_something_else:
        # Moving a file over /dev/stdout would take the device away from everybody.
        raise WorkError(f"{path}: cannot be written: it is not a file", hint="- writes to standard output")


def load(path: str, *, jobs: int = 1, most: int | None = None) -> Snapshot:
    """Open a snapshot after checking the whole of it: shape, order, count and digest; of more jobs, one works out the digest.

    A compressed one is refused if it holds more than so many bytes, or else more than any snapshot that was written here.

    Raises:
        InputError: It cannot be read, is no snapshot, was cut off, or was changed after it was written.
    """
    [snapshot] = load_all([path], jobs=jobs, most=most)
    return snapshot


def load_all(paths: Iterable[str], *, jobs: int = 1, most: int | None = None) -> list[Snapshot]:
    """Open several snapshots as `load` does. Raises as that does."""
    with opened(paths, jobs=jobs, most=most) as snapshots:
        return snapshots


@contextmanager
def opened(paths: Iterable[str], *, jobs: int = 1, most: int | None = None) -> Iterator[list[Snapshot]]:
    """Open several snapshots as `load` does; of more jobs, others check all but the first, and all digests while they are read.

    What was made of them holds only if this ends without an error: until then, nothing may be shown, and no process forked.

    Raises:
        InputError: As `load` does, at the beginning or at the end.
    """
    with ExitStack() as if_refused:
        files = [_File.of(path, most, if_refused) for path in paths]
        with _checked_by_several(files, jobs - 1) if jobs > 1 else nullcontext(map(_checked_at_once, files)) as checked:
            yield [_opened(each) for each in checked]
        if_refused.pop_all()


@contextmanager
def _checked_by_several(files: "Sequence[_File]", others: int) -> "Iterator[list[_Checked]]":
    """Check the first file here, the others elsewhere, and then, meanwhile, all digests."""
    # Imported here: most snapshots are small.
    from concurrent.futures import ProcessPoolExecutor  # noqa: PLC0415

    with ProcessPoolExecutor(min(others, len(files))) as elsewhere:
        rest = [elsewhere.submit(_checked, file) for file in files[1:]]
        digests = [elsewhere.submit(_digest, file.path) for file in files]
        checked = [_checked(files[0]), *(each.result() for each in rest)]
        yield checked
        for each, digest in zip(checked, digests, strict=True):
            each.confirm(digest.result())


def _checked_at_once(file: "_File") -> "_Checked":
    digest = hashlib.sha256()
    checked = _Check(file, digest).checked()
    checked.confirm(digest.hexdigest())
    return checked


def _checked(file: "_File") -> "_Checked":
    """Check all of a file but its digest."""
    return _Check(file).checked()


def _opened(checked: "_Checked") -> Snapshot:
    parts = Parts(checked.parts, blocks, record)

    def read() -> Iterator[Record]:
        return chain.from_iterable(map(parts.records, parts.all))

    if checked.file.stands_in:
        weakref.finalize(read, Path(checked.file.path).unlink, missing_ok=True)
    return Snapshot(checked.header, read, parts)


def blocks(part: Part) -> Iterator[bytes]:
    """Stream a part, some whole lines at a time.

    Raises:
        InputError: The file is not what it was when it was opened.
    """
    at = part.start
    try:
        with Path(part.path).open("rb", buffering=0) as file:
            if _stamp_of(os.fstat(file.fileno())) != part.stamp:
                raise _changed(part)
            while at < part.end and (block := _block(file, at, part.end)):
                at += len(block)
                yield block
    except OSError as error:
        raise InputError(f"{part.name}: cannot be read: {error.strerror}") from error
    if at != part.end:
        raise _changed(part)


def record(line: bytes, part: Part, number: int) -> Record:
    """Return the record that a line of a part says, which is the line of that number in the file.

    Raises:
        InputError: It says none of that part.
    """
    thing = _decoded(part.name, number, line)
    if isinstance(thing, _Seal) or thing.kind != part.kind:
        raise _changed(part)
    return thing


# ---------------------------------------------------------------------------------------------------------------- reading

# A part is about this long, in bytes.
PART = 4 * 1024 * 1024
# So much is looked at in one go: what is decoded is looked at while it is at hand; of what is copied, more.
_BLOCK = 64 * 1024
_STRIDE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class _File:
    """A file of plain lines: what errors call it, where it is, and what tells whether it was changed.

    What stands in for a pipe, or for a compressed file, is taken away if it is refused, else with the last who reads it.
    """

    name: str
    path: str
    stamp: tuple[int, int, int]
    stands_in: bool

    @classmethod
    def of(cls, path: str, most: int | None, if_refused: ExitStack) -> "_File":
        plain = _plain_file(path, most)
        stands_in = str(plain) != path
        if stands_in:
            if_refused.callback(plain.unlink, missing_ok=True)
        return cls("standard input" if path == "-" else path, str(plain), _stamp(plain), stands_in)


@dataclass(frozen=True, slots=True)
class _Checked:
    """A file that is as it was written, if its digest is, too."""

    file: _File
    header: Header
    parts: tuple[Part, ...]
    # The last line, its number, and what it says.
    line: bytes
    number: int
    seal: _Seal

    def confirm(self, sha256: str) -> None:
        """Hold the seal against what was found."""
        _check_seal(self.file.name, self.number, self.line, self.seal, _Seal(count=self.number - 2, sha256=sha256))


@dataclass(slots=True)
class _Check:
    """Reads a whole file once: whether it is as it was written, and where its parts are."""

    of: _File
    digest: "hashlib._Hash | None" = None
    parts: list[Part] = field(default_factory=list)
    # Where it stands: the record before, its line, where the next one starts; and where the part began, with which line.
    last: _Placed | Gap | None = None
    number: int = 1
    at: int = 0
    start: int = 0
    first: int = 2

    @property
    def name(self) -> str:
        return self.of.name

    def checked(self) -> _Checked:
        """Read it all."""
        try:
            with Path(self.of.path).open("rb", buffering=0) as file:
                header = self._header(file)
                line, seal = self._follow(file)
        except (OSError, EOFError) as error:
            raise InputError(f"{self.name}:{self.number}: cannot be read: {error}", hint=_AGAIN) from error
        return _Checked(self.of, header, tuple(self.parts), line, self.number, seal)

    def _header(self, file: FileIO) -> Header:
        head = b"".join(_block(file, 0).partition(b"\n")[:2])
        if not head:
            raise InputError(f"{self.name}: empty, not a snapshot", hint="make one with `atlascan snapshot`")
        self._refuse_no_line(head)
        header = _header(self.name, head)
        self._take(head)
        self.start = self.at
        return header

    def _follow(self, file: FileIO) -> tuple[bytes, _Seal]:
        """Follow the records in their order up to the seal; return its line, and the seal."""
        at = self.at
        while block := _block(file, at):
            at += len(block)
            if self._is_run(block):
                continue
            lines = BytesIO(block)
            for line in lines:
                if seal := self._sealed(line):
                    self._refuse_more(lines.readline() or _block(file, at))
                    return line, seal
        raise InputError(f"{self.name}:{self.number}: ends without its seal, so it was cut off", hint=_AGAIN)

    def _is_run(self, block: bytes) -> bool:
        """Take a block in one go that begins and ends with resources of the kind before, in their order, as most do.

        What lies between is as it was written, by the digest; whoever reads it sees that it is in order, too.
        """
        last_line = block.rfind(b"\n", 0, -1) + 1
        try:
            first, last = _decode_place(block[: block.find(b"\n")]), _decode_place(block[last_line:])
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            return False
        if not (isinstance(self.last, _Placed) and isinstance(first, _Placed) and isinstance(last, _Placed)):
            return False
        if {first.kind, last.kind} != {self.last.kind} or not self.last.id < first.id <= last.id or not block.endswith(b"\n"):
            return False
        if self.at - self.start > PART:
            self._begin_part()
        self.last, self.number = last, self.number + block.count(b"\n")
        self._take(block)
        return True

    def _take(self, block: bytes) -> None:
        """Go on behind some lines that were found right."""
        self.at += len(block)
        if self.digest is not None:
            self.digest.update(block)

    def _sealed(self, line: bytes) -> _Seal | None:
        """Take one line; return the seal if it is that."""
        self.number += 1
        try:
            thing = _decode_place(line)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            self._refuse_no_line(line)
            raise InputError(f"{self.name}:{self.number}: not a record ({error})", hint=_AGAIN) from error
        self._refuse_no_line(line)
        if isinstance(thing, _Seal):
            self._begin_part()
            return thing
        last = self.last
        if last is not None and _place(thing) <= _place(last):
            raise InputError(f"{self.name}:{self.number}: out of order, so it was changed after it was written", hint=_AGAIN)
        is_full = self.at - self.start > PART and last is not None and _place(thing)[:3] != _place(last)[:3]
        if is_full or (last is not None and thing.kind != last.kind):
            self._begin_part()
            self.first = self.number
        self.last = thing
        self._take(line)
        return None

    def _begin_part(self) -> None:
        """Note the part that ends here; the next one begins with the next line."""
        if self.last is not None:
            self.parts.append(Part(self.of.path, self.name, self.of.stamp, self.last.kind, self.start, self.at, self.first))
        self.start, self.first = self.at, self.number + 1

    def _refuse_no_line(self, line: bytes) -> None:
        """Refuse what is longer than a line may be, or has no end."""
        if len(line) > MAX_LINE:
            size = MAX_LINE // 1024**2
            raise InputError(f"{self.name}:{self.number}: a line longer than {size} MiB", hint="is it the right file?")
        if not line.endswith(b"\n"):
            raise InputError(f"{self.name}:{self.number}: cut off in the middle of the line", hint=_AGAIN)

    def _refuse_more(self, more: bytes) -> None:
        if more:
            self.number += 1
            self._refuse_no_line(more)
            raise InputError(f"{self.name}:{self.number}: there is more after the seal", hint=_AGAIN)


def _block(file: FileIO, at: int, end: int | None = None) -> bytes:
    """Read some whole lines from a place on; of a line that is too long, or has no end, as much as shows it."""
    size = _BLOCK
    while True:
        file.seek(at)
        block = file.read(size if end is None else min(size, end - at))
        whole = block.rfind(b"\n") + 1
        if whole or len(block) < size or size > MAX_LINE:
            return block[:whole] or block
        size = min(2 * size, MAX_LINE + 1)


def _place(thing: _Placed | Gap) -> tuple[str, bool, str, str, str]:
    """Return what `sort_key` says of the whole record."""
    return (thing.kind, True, thing.id, "", thing.source) if isinstance(thing, _Placed) else sort_key(thing)


def _digest(path: str) -> str:
    """Return the digest of all that stands before the last line of a file."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _LONGEST_SEAL))
        tail = file.read()
        left = size - len(tail) + tail.rfind(b"\n", 0, len(tail) - 1) + 1
        file.seek(0)
        while left > 0 and (block := file.read(min(left, _STRIDE))):
            digest.update(block)
            left -= len(block)
    return digest.hexdigest()


_LONGEST_SEAL = 4096


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        return _stamp_of(path.stat())
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error


def _stamp_of(status: os.stat_result) -> tuple[int, int, int]:
    """Return what tells a file from another, and from itself after a change."""
    return status.st_ino, status.st_size, status.st_mtime_ns


def _changed(part: Part) -> InputError:
    return InputError(f"{part.name}: changed while it was being read", hint=_AGAIN)


_AGAIN = "take a new snapshot, or get an unchanged copy of this one"


def _header(name: str, line: bytes) -> Header:
    written = _decoded_head(name, line, _decode_format)
    if written.format != FORMAT or written.version != VERSION:
        hint = "use a version of atlascan that writes and reads it"
        raise InputError(
            f"{name}:1: {written.format} version {written.version}, but this program reads {FORMAT} version {VERSION}", hint=hint
        )
    header = _decoded_head(name, line, _decode_head).header
    if header.taken_at.tzinfo is None:
        raise InputError(f"{name}:1: taken_at names no time zone", hint=_AGAIN)
    try:
        header.taken_at.astimezone(UTC)
    except OverflowError as error:
        raise InputError(f"{name}:1: taken_at is no moment of the calendar", hint=_AGAIN) from error
    return header


def _decoded_head(name: str, line: bytes, decode: Callable[[bytes], _SomeHead]) -> _SomeHead:
    try:
        return decode(line)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise InputError(f"{name}:1: not a snapshot of atlascan", hint="make one with `atlascan snapshot`") from error


def _decoded(name: str, number: int, line: bytes) -> Record | _Seal:
    try:
        return _decode_line(line)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise InputError(f"{name}:{number}: not a record ({error})", hint=_AGAIN) from error


def _check_seal(name: str, number: int, line: bytes, seal: _Seal, right: _Seal) -> None:
    if seal.count != right.count:
        raise InputError(f"{name}:{number}: the seal speaks of {seal.count} records, but there are {right.count}", hint=_AGAIN)
    if seal != right:
        raise InputError(f"{name}:{number}: the digest does not fit, so the file was changed after it was written", hint=_AGAIN)
    if line != _encode(right) + b"\n":
        raise InputError(f"{name}:{number}: the seal is not as it was written", hint=_AGAIN)


def _plain_file(path: str, most: int | None) -> Path:
    """Return a file of plain lines that can be read at any place: the file itself, or what stands in for it."""
    if path == "-":
        if sys.stdin is None:
            raise InputError("standard input: closed", hint="send a snapshot through a pipe, or name a file")
        return _copied(sys.stdin.buffer)
    try:
        if path.endswith(".zst"):
            return _decompressed(path, most)
        # `check <(...)`: a pipe can be read but once.
        with Path(path).open("rb") as file:
            return Path(path) if file.seekable() else _copied(file)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error


def _copied(stream: IO[bytes], most: int | None = None) -> Path:
    """Copy a stream into a file that only its owner may read; of one that is too long, as much as shows it."""
    with tempfile.NamedTemporaryFile(prefix="atlascan-", delete=False) as file:
        try:
            while (most is None or file.tell() <= most) and (block := stream.read(_STRIDE)):
                file.write(block)
        except BaseException:
            Path(file.name).unlink()
            raise
    return Path(file.name)


# A snapshot shrinks to a twentieth or a fortieth of itself; what claims to have shrunk more than this is no snapshot.
_SMALL, _MAX_RATIO = 256 * 1024**2, 1000


def _decompressed(path: str, most: int | None) -> Path:
    # Imported here: most snapshots are plain.
    import zstandard  # noqa: PLC0415

    most = most or max(_SMALL, _MAX_RATIO * Path(path).stat().st_size)
    try:
        with Path(path).open("rb") as raw, zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True) as plain:
            copy = _copied(plain, most)
    except zstandard.ZstdError as error:
        raise InputError(f"{path}: not a compressed snapshot ({error})", hint=_AGAIN) from error
    if copy.stat().st_size > most:
        copy.unlink()
        raise InputError(
            f"{path}: holds more than {most:,} bytes, which no snapshot does that is compressed to so few", hint=_AGAIN
        )
    return copy


# ---------------------------------------------------------------------------------------------------------------- writing


@contextmanager
def _replacing(path: str) -> Iterator[IO[bytes]]:
    """Open a file beside the target that takes its place when all is written."""
    if path == "-":
        with _standard_output() as file:
            yield file
        return
    target = Path(path)
    refuse_what_is_no_file(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # Made by mkstemp, so only its owner may read it from the start.
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as error:
        raise WorkError(f"{path}: cannot be written: {error.strerror}") from error
    unfinished = Path(name)
    try:
        with os.fdopen(handle, "wb") as raw:
            with _compressed(raw) if path.endswith(".zst") else _plain(raw) as file:
                yield file
            raw.flush()
            os.fsync(raw.fileno())
        unfinished.replace(target)
    except OSError as error:
        raise WorkError(f"{path}: cannot be written: {error.strerror}") from error
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def _standard_output() -> Iterator[IO[bytes]]:
    if sys.stdout is None:
        raise WorkError("standard output: cannot be written: it is closed")
    try:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        # So that the interpreter does not fail at flushing the rest when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise WorkError(f"standard output: cannot be written: {error.strerror}") from error


@contextmanager
def _plain(raw: IO[bytes]) -> Iterator[IO[bytes]]:
    yield raw


@contextmanager
def _compressed(raw: IO[bytes]) -> Iterator[IO[bytes]]:
    import zstandard  # noqa: PLC0415  see _decompressed

    with zstandard.ZstdCompressor(level=3).stream_writer(raw, closefd=False) as file:
        yield file
