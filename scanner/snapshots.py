"""Snapshots on disk: one JSON object a line, sorted, sealed with a digest. Written once and atomically, read as a stream.

First line the header, last line the seal: how many records there are, and the SHA-256 of all the bytes before it. A file that was
cut off or edited is refused. A name that ends in `.zst` is compressed; `-` is standard input or output.
"""

import hashlib
import os
import shutil
import sys
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar

import msgspec

from scanner.errors import InputError, WorkError
from scanner.model import Gap, Header, Record, Resource, Snapshot, sort_key

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


_SomeHead = TypeVar("_SomeHead", bound=_Format)

_encode = msgspec.json.Encoder(order="sorted").encode
_decode_format = msgspec.json.Decoder(_Format).decode
_decode_head = msgspec.json.Decoder(_Head).decode
_decode_line: Callable[[bytes], Record | _Seal] = msgspec.json.Decoder(Resource | Gap | _Seal).decode


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


def load(path: str) -> Snapshot:
    """Open a snapshot after checking the whole of it: shape, order, count and digest.

    Raises:
        InputError: It cannot be read, is no snapshot, was cut off, or was changed after it was written.
    """
    name = "standard input" if path == "-" else path
    opened = _opener(path)
    header, seal = _verified(name, opened)

    def read() -> Iterator[Record]:
        thing: Record | _Seal | None = None
        with opened() as file:
            for number, line in enumerate(_lines(name, file), start=1):
                thing = _decoded(name, number, line) if number > 1 else None
                if isinstance(thing, Resource | Gap):
                    yield thing
        if thing != seal:
            raise InputError(f"{name}: changed while it was being read", hint=_AGAIN)

    return Snapshot(header, read)


# ---------------------------------------------------------------------------------------------------------------- reading


def _verified(name: str, opened: Callable[[], Any]) -> tuple[Header, _Seal]:
    """Check the seal and everything under it, and return it with the header."""
    digest = hashlib.sha256()
    count, before = 0, None
    header: Header | None = None
    with opened() as file:
        lines = enumerate(_lines(name, file), start=1)
        for number, line in lines:
            if header is None:
                header = _header(name, line)
                digest.update(line)
                continue
            thing = _decoded(name, number, line)
            if isinstance(thing, _Seal):
                _check_seal(name, number, line, thing, _Seal(count=count, sha256=digest.hexdigest()))
                if next(lines, None) is not None:
                    raise InputError(f"{name}:{number + 1}: there is more after the seal", hint=_AGAIN)
                return header, thing
            key = sort_key(thing)
            if before is not None and key <= before:
                raise InputError(f"{name}:{number}: out of order, so it was changed after it was written", hint=_AGAIN)
            before, count = key, count + 1
            digest.update(line)
    if header is None:
        raise InputError(f"{name}: empty, not a snapshot", hint="make one with `atlascan snapshot`")
    raise InputError(f"{name}:{count + 1}: ends without its seal, so it was cut off", hint=_AGAIN)


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


def _lines(name: str, file: IO[bytes]) -> Iterator[bytes]:
    number = 0
    while True:
        number += 1
        try:
            line = file.readline(MAX_LINE + 1)
        except (OSError, EOFError) as error:
            raise InputError(f"{name}:{number}: cannot be read: {error}", hint=_AGAIN) from error
        if not line:
            return
        if len(line) > MAX_LINE:
            raise InputError(f"{name}:{number}: a line longer than {MAX_LINE // 1024**2} MiB", hint="is it the right file?")
        if not line.endswith(b"\n"):
            raise InputError(f"{name}:{number}: cut off in the middle of the line", hint=_AGAIN)
        yield line


def _opener(path: str) -> Callable[[], Any]:
    if path == "-":
        if sys.stdin is None:
            raise InputError("standard input: closed", hint="send a snapshot through a pipe, or name a file")
        return _spooled(sys.stdin.buffer)

    def opened() -> Any:  # noqa: ANN401
        try:
            return _decompressed(path) if path.endswith(".zst") else Path(path).open("rb")
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}") from error

    with opened() as file:
        # `check <(...)`: a pipe can be read but once.
        return opened if path.endswith(".zst") or file.seekable() else _spooled(file)


def _spooled(pipe: IO[bytes]) -> Callable[[], Any]:
    spooled = tempfile.TemporaryFile()  # noqa: SIM115  it lives as long as the snapshot is read
    shutil.copyfileobj(pipe, spooled)

    def opened() -> Any:  # noqa: ANN401
        return _rewound(spooled)

    weakref.finalize(opened, spooled.close)
    return opened


@contextmanager
def _rewound(file: IO[bytes]) -> Iterator[IO[bytes]]:
    file.seek(0)
    yield file


@contextmanager
def _decompressed(path: str) -> Iterator[IO[bytes]]:
    # Imported here: most snapshots are plain.
    import io  # noqa: PLC0415

    import zstandard  # noqa: PLC0415

    try:
        with Path(path).open("rb") as raw, zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True) as plain:
            yield io.BufferedReader(plain)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except zstandard.ZstdError as error:
        raise InputError(f"{path}: not a compressed snapshot ({error})", hint=_AGAIN) from error


# ---------------------------------------------------------------------------------------------------------------- writing


@contextmanager
def _replacing(path: str) -> Iterator[IO[bytes]]:
    """Open a file beside the target that takes its place when all is written."""
    if path == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
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
def _plain(raw: IO[bytes]) -> Iterator[IO[bytes]]:
    yield raw


@contextmanager
def _compressed(raw: IO[bytes]) -> Iterator[IO[bytes]]:
    import zstandard  # noqa: PLC0415  see _decompressed

    with zstandard.ZstdCompressor(level=3).stream_writer(raw, closefd=False) as file:
        yield file
