"""A review pack: one ZIP file with all that the review of a time rests on, and a manifest with the SHA-256 of everything in it.

A pack is made the same, byte for byte, of the same files. One that is read is untrusted input: nothing is extracted before its
names, kinds, sizes and places are found harmless, and nothing lies in it that its manifest does not name.
"""

import hashlib
import os
import shutil
import stat
import struct
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path, PurePosixPath
from unicodedata import normalize
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import msgspec

from scanner.errors import InputError, WorkError

FORMAT = "atlascan/review"
VERSION = 1
MANIFEST = "manifest.json"
# Of untrusted packs: so many files, so many bytes in one, in all, and for each byte in the pack.
MAX_FILES = 10_000
MAX_BYTES = 8 * 1024**3
MAX_WHOLE = 16 * 1024**3
MAX_RATIO = 200
MAX_NAME = 240
MAX_MANIFEST = 8 * 1024**2
# What is as small as this may be compressed as well as it can be.
_SMALL = 1024**2
_STRIDE = 1024**2


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of a pack."""

    name: str
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a pack is of, who made it with what, and the files in it.

    The report in it is that of the `snapshot`, judged by the rules in it.
    """

    format: str
    version: int
    tool: str
    since: date
    until: date
    reviewer: str | None
    snapshot: str
    files: tuple[Entry, ...]


def entries(folder: Path) -> tuple[Entry, ...]:
    """Return the files in a folder, by their names below it, sorted."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    found = (_entry(file.relative_to(folder).as_posix(), file) for file in files)
    return tuple(sorted(found, key=lambda entry: entry.name))


def text(manifest: Manifest) -> bytes:
    """Return a manifest as JSON."""
    return msgspec.json.format(msgspec.json.encode(manifest, order="deterministic"), indent=2) + b"\n"


def pack(folder: Path, target: Path, moment: datetime) -> None:
    """Put the files in a folder into a pack, all as of one moment. It appears whole or not at all, readable by its owner only.

    Raises:
        WorkError: It could not be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as error:
        raise WorkError(f"{target}: cannot be written: {error.strerror}") from error
    unfinished = Path(name)
    try:
        with os.fdopen(handle, "wb") as raw:
            with ZipFile(raw, "w") as archive:
                for entry in entries(folder):
                    _add(archive, entry, folder / entry.name, moment)
            raw.flush()
            os.fsync(raw.fileno())
        unfinished.replace(target)
    except OSError as error:
        raise WorkError(f"{target}: cannot be written: {error.strerror}") from error
    finally:
        unfinished.unlink(missing_ok=True)


class Pack:
    """A pack whose structure is found harmless; whether it is what its manifest says is for `problems` to tell."""

    def __init__(self, path: Path, archive: ZipFile, manifest: Manifest, sha256: str) -> None:
        self.path, self.manifest, self.sha256 = path, manifest, sha256
        self._archive = archive

    def problems(self) -> Iterator[str]:
        """Yield in a sentence each what is not as the manifest says."""
        named = {entry.name: entry for entry in self.manifest.files}
        there = {info.filename for info in self._archive.infolist()} - {MANIFEST}
        yield from (f"{name} is missing" for name in sorted(named.keys() - there))
        yield from (f"{name} is in the pack, and not in its manifest" for name in sorted(there - named.keys()))
        for name in sorted(named.keys() & there):
            yield from self._problems_of(named[name])

    def extract(self, name: str, target: Path) -> Path:
        """Write a file of the pack below a folder, and return where it is.

        Raises:
            InputError: It is damaged.
        """
        file = target / name
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            with self._archive.open(name) as packed, file.open("wb") as plain:
                shutil.copyfileobj(packed, plain, _STRIDE)
        except (BadZipFile, zlib.error, EOFError, OSError) as error:
            raise InputError(f"{self.path}: {name} cannot be read: {error}") from error
        return file

    def _problems_of(self, entry: Entry) -> Iterator[str]:
        digest, size = hashlib.sha256(), 0
        try:
            with self._archive.open(entry.name) as packed:
                while block := packed.read(_STRIDE):
                    digest.update(block)
                    size += len(block)
        except (BadZipFile, zlib.error, EOFError, OSError) as error:
            yield f"{entry.name} cannot be read: {error}"
            return
        if digest.hexdigest() != entry.sha256:
            yield f"{entry.name} is not what was packed: its SHA-256 differs"
        elif size != entry.size:
            yield f"{entry.name} is not as long as the manifest says"


def most(size: int) -> int:
    """Return how many bytes so many compressed ones may hold at most."""
    return min(MAX_BYTES, max(_SMALL, MAX_RATIO * size))


@contextmanager
def opened(path: Path) -> Iterator[Pack]:
    """Open a pack.

    Raises:
        InputError: It is no pack, or nothing that anybody should unpack.
    """
    with ExitStack() as stack:
        try:
            raw = stack.enter_context(path.open("rb"))
            archive = stack.enter_context(ZipFile(raw))
            _check_structure(str(path), archive, os.fstat(raw.fileno()).st_size)
            content = archive.read(MANIFEST)
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
        except (BadZipFile, zlib.error, EOFError, NotImplementedError, struct.error, UnicodeDecodeError) as error:
            raise InputError(f"{path}: no pack: not a whole ZIP file ({error})", hint=_AGAIN) from error
        yield Pack(path, archive, _manifest(str(path), content), hashlib.sha256(content).hexdigest())


# ---------------------------------------------------------------------------------------------------------------- writing


def _entry(name: str, file: Path) -> Entry:
    with file.open("rb") as opened_file:
        digest = hashlib.file_digest(opened_file, "sha256")
    return Entry(name=name, size=file.stat().st_size, sha256=digest.hexdigest())


def _add(archive: ZipFile, entry: Entry, file: Path, moment: datetime) -> None:
    utc = moment.astimezone(UTC)
    info = ZipInfo(entry.name, (max(utc.year, 1980), utc.month, utc.day, utc.hour, utc.minute, utc.second))
    info.create_system = 3  # Unix, on every system
    info.external_attr = (stat.S_IFREG | 0o600) << 16
    info.compress_type = ZIP_STORED if file.suffix == ".zst" else ZIP_DEFLATED
    info.file_size = entry.size
    with file.open("rb") as plain, archive.open(info, "w") as packed:
        shutil.copyfileobj(plain, packed, _STRIDE)


# ---------------------------------------------------------------------------------------------------------------- reading

_AGAIN = "get an unchanged copy of it"
_LOCAL = struct.Struct("<4s5H3I2H")  # APPNOTE.TXT 4.3.7
_END = 22  # APPNOTE.TXT 4.3.16, without a comment
_ENCRYPTED, _DESCRIPTOR = 0x1, 0x8


def _check_structure(name: str, archive: ZipFile, size: int) -> None:
    """Refuse what unpacks to something else than some files of a bearable size below the folder they are unpacked into."""
    infos = archive.infolist()
    if len(infos) > MAX_FILES:
        raise _refused(name, f"more than {MAX_FILES:,} files")
    known: set[str] = set()
    for info in infos:
        _check_name(name, info)
        folded = normalize("NFC", info.filename).casefold()
        if folded in known:
            raise _refused(name, f"{info.filename!r} is in it twice")
        known.add(folded)
        _check_kind(name, info)
        _check_size(name, info)
    for each in known:
        if any(str(parent) in known for parent in PurePosixPath(each).parents):
            raise _refused(name, f"{each!r} is in a folder that is a file")
    whole = sum(info.file_size for info in infos)
    if whole > MAX_WHOLE or whole > max(_SMALL, MAX_RATIO * size):
        raise _refused(name, f"its {size:,} bytes would unpack to {whole:,}")
    _check_places(name, archive, infos)
    manifest = next((info for info in infos if info.filename == MANIFEST), None)
    if manifest is None:
        raise InputError(f"{name}: no pack of atlascan: there is no {MANIFEST} in it", hint="make one with `atlascan review`")
    if manifest.file_size > MAX_MANIFEST:
        raise _refused(name, f"its manifest is larger than {MAX_MANIFEST // 1024**2} MiB")


def _check_name(name: str, info: ZipInfo) -> None:
    # What the file says, and not what zipfile makes of it: that cuts at a NUL, and turns separators round.
    told = info.orig_filename
    steps = told.split("/")
    if told.startswith("/") or "\\" in told or (steps and ":" in steps[0]):
        raise _refused(name, f"the name {told!r} is absolute, or of another system")
    if any(step in ("", ".", "..") for step in steps) or not told.isprintable():
        raise _refused(name, f"the name {told!r} leads out of the pack, or is none")
    if len(told.encode("utf-8", "surrogatepass")) > MAX_NAME:
        raise _refused(name, f"the name {told[:40]!r}… is longer than any in a pack")


def _check_kind(name: str, info: ZipInfo) -> None:
    if info.flag_bits & _ENCRYPTED:
        raise _refused(name, f"{info.filename!r} is encrypted")
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG) or info.is_dir():
        raise _refused(name, f"{info.filename!r} is no plain file, but a link or something else")
    if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise _refused(name, f"{info.filename!r} is compressed in a way that atlascan does not use")


def _check_size(name: str, info: ZipInfo) -> None:
    if info.file_size > most(info.compress_size):
        raise _refused(name, f"{info.filename!r} would unpack from {info.compress_size:,} to {info.file_size:,} bytes")


def _check_places(name: str, archive: ZipFile, infos: Sequence[ZipInfo]) -> None:
    """Refuse files that overlap, and anything between them or around them that the directory of the ZIP file does not name."""
    raw, at = archive.fp, 0
    assert raw is not None  # noqa: S101  for mypy: it is open
    for info in sorted(infos, key=lambda each: each.header_offset):
        raw.seek(info.header_offset)
        signature, _, flags, *_, name_length, extra_length = _LOCAL.unpack(raw.read(_LOCAL.size))
        if info.header_offset != at or signature != b"PK\3\4" or flags & (_DESCRIPTOR | _ENCRYPTED):
            raise _refused(name, f"there is something before {info.filename!r} that is none of its files")
        at += _LOCAL.size + name_length + extra_length + info.compress_size
    raw.seek(-_END, os.SEEK_END)
    if at != archive.start_dir or raw.read(4) != b"PK\5\6":
        raise _refused(name, "there is something behind its files that is none of them")


def _manifest(name: str, content: bytes) -> Manifest:
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{name}: no pack of atlascan: its manifest is none ({error})", hint=_AGAIN) from error
    if manifest.format != FORMAT or manifest.version != VERSION:
        hint = "use a version of atlascan that writes and reads it"
        raise InputError(f"{name}: {manifest.format!a} version {manifest.version}, not {FORMAT} version {VERSION}", hint=hint)
    names = [entry.name for entry in manifest.files]
    if len(set(names)) != len(names) or MANIFEST in names:
        raise InputError(f"{name}: its manifest names a file twice, or itself", hint=_AGAIN)
    return manifest


def _refused(name: str, because: str) -> InputError:
    return InputError(f"{name}: not unpacked: {because}", hint=_AGAIN)
