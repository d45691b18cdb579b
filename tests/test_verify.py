"""A pack that is not what was packed is told in a sentence, and one that nobody should unpack is not unpacked."""

import io
import json
import stat
import struct
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZipFile, ZipInfo

import pytest
import zstandard

from scanner import review, snapshots
from scanner.errors import InputError, WorkError
from scanner.model import Header, Target
from scanner.review import Manifest
from tests.conftest import Atlascan

MOMENT = datetime(2026, 9, 30, 6, 0, 1, tzinfo=UTC)
SNAPSHOT = "snapshots/2026-09-30T060001Z-0.ndjson.zst"
FILES = {"cover.html": b"<!doctype html>", "report/result.json": b"{}" * 5_000}


def filled(folder: Path) -> Path:
    """Fill a folder with what might be in a pack, and a manifest of it."""
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    header = Header(id="0", taken_at=MOMENT, tool="t", target=Target(org="o", sites={}))
    snapshots.write(str(folder / SNAPSHOT), header, [])
    return sealed(folder)


def sealed(folder: Path) -> Path:
    """Write the manifest of what is in a folder."""
    (folder / review.MANIFEST).unlink(missing_ok=True)
    manifest = Manifest(
        format=review.FORMAT,
        version=review.VERSION,
        tool="t",
        since=date(2026, 7, 1),
        until=date(2026, 9, 30),
        reviewer=None,
        snapshot=SNAPSHOT,
        files=review.entries(folder),
    )
    (folder / review.MANIFEST).write_bytes(review.text(manifest))
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return filled(tmp_path / "in")


@pytest.fixture
def packed(tmp_path: Path, folder: Path) -> Path:
    review.pack(folder, tmp_path / "p.zip", MOMENT)
    return tmp_path / "p.zip"


def problems(path: Path) -> list[str]:
    with review.opened(path) as pack:
        return list(pack.problems())


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as refused, review.opened(path):
        pass
    return str(refused.value)


# ------------------------------------------------------------------------------------------------------------------ as it is


def test_what_was_packed_is_found_as_it_was(packed: Path, tmp_path: Path) -> None:
    assert problems(packed) == []
    with review.opened(packed) as pack:
        assert [entry.name for entry in pack.manifest.files] == sorted([*FILES, SNAPSHOT])
        assert pack.extract("report/result.json", tmp_path / "out").read_bytes() == FILES["report/result.json"]
    assert stat.S_IMODE(packed.stat().st_mode) == 0o600


def test_the_same_files_make_the_same_pack_whenever_they_are_packed(folder: Path, packed: Path, tmp_path: Path) -> None:
    again = filled(tmp_path / "again")
    (again / "cover.html").touch()
    review.pack(again, tmp_path / "again.zip", MOMENT)
    assert (tmp_path / "again.zip").read_bytes() == packed.read_bytes()
    with ZipFile(packed) as archive:
        assert [info.filename for info in archive.infolist()] == sorted(each.name for each in review.entries(folder))
        assert {info.date_time for info in archive.infolist()} == {(2026, 9, 30, 6, 0, 0)}


def test_a_pack_that_cannot_be_written_leaves_nothing(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(review, "_add", full)
    with pytest.raises(WorkError, match="No space left"):
        review.pack(folder, tmp_path / "x" / "p.zip", MOMENT)
    assert list((tmp_path / "x").iterdir()) == []


# --------------------------------------------------------------------------------------------------------- what was tampered with


def repacked(path: Path, change: Callable[[str, bytes], tuple[str, bytes] | None]) -> Path:
    """Pack again what is in a pack, changed."""
    with ZipFile(path) as archive:
        members = [(info, archive.read(info)) for info in archive.infolist()]
    with ZipFile(path, "w") as archive:
        for info, content in members:
            if changed := change(info.filename, content):
                archive.writestr(ZipInfo(changed[0]), changed[1], ZIP_DEFLATED)
    return path


def with_more(path: Path, info: ZipInfo | str, content: bytes = b"x", **how: int) -> Path:
    with ZipFile(path, "a") as archive:
        archive.writestr(info, content, **how)
    return path


def test_a_changed_byte_is_told(packed: Path) -> None:
    repacked(packed, lambda name, content: (name, content.replace(b"doctype", b"DOCTYPE")))
    assert problems(packed) == ["cover.html is not what was packed: its SHA-256 differs"]


def test_a_missing_and_an_extra_file_are_told(packed: Path) -> None:
    repacked(packed, lambda name, content: None if name == "cover.html" else (name, content))
    with_more(packed, "report/more.html")
    assert problems(packed) == ["cover.html is missing", "report/more.html is in the pack, and not in its manifest"]


def test_a_damaged_file_is_told(packed: Path) -> None:
    content = bytearray(packed.read_bytes())
    at = content.index(FILES["cover.html"][:5]) if FILES["cover.html"][:5] in content else content.index(b"cover.html") + 12
    content[at] ^= 0xFF
    packed.write_bytes(content)
    [problem] = problems(packed)
    assert problem.startswith("cover.html cannot be read: ")


def test_a_size_that_the_manifest_makes_up_is_told(packed: Path) -> None:
    def resized(name: str, content: bytes) -> tuple[str, bytes]:
        if name != review.MANIFEST:
            return name, content
        manifest = json.loads(content)
        manifest["files"][0]["size"] += 1
        return name, json.dumps(manifest).encode()

    assert problems(repacked(packed, resized)) == ["cover.html is not as long as the manifest says"]


def test_a_snapshot_that_was_cut_off_is_told_even_if_the_manifest_fits(folder: Path, tmp_path: Path, atlascan: Atlascan) -> None:
    plain = zstandard.ZstdDecompressor().decompress((folder / SNAPSHOT).read_bytes(), max_output_size=10_000)
    (folder / SNAPSHOT).write_bytes(zstandard.ZstdCompressor().compress(plain[:-40]))
    review.pack(sealed(folder), tmp_path / "p.zip", MOMENT)
    done = atlascan("verify", "p.zip")
    assert done.code == 1
    assert done.out.splitlines()[0] == f"{SNAPSHOT}: 2: cut off in the middle of the line"


def test_a_bomb_in_the_place_of_a_snapshot_is_told_and_not_unpacked(folder: Path, tmp_path: Path, atlascan: Atlascan) -> None:
    bomb = zstandard.ZstdCompressor().compress(bytes(64 * 1024**2))
    assert len(bomb) < 10_000
    (folder / SNAPSHOT).write_bytes(bomb)
    review.pack(sealed(folder), tmp_path / "p.zip", MOMENT)
    done = atlascan("verify", "p.zip")
    assert done.code == 1
    assert "holds more than" in done.out


# -------------------------------------------------------------------------------------------------------- what is not unpacked


@pytest.mark.parametrize(
    ("name", "because"),
    [
        ("../evil", "leads out of the pack"),
        ("report/../../evil", "leads out of the pack"),
        ("report/./x", "leads out of the pack"),
        ("report//x", "leads out of the pack"),
        ("/etc/passwd", "is absolute"),
        ("C:/Windows/x", "is absolute"),
        ("report\\..\\x", "is absolute"),
        ("new\nline", "or is none"),
        ("report/\u202egnp.exe", "or is none"),
        ("folder/", "leads out of the pack"),
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(packed: Path, tmp_path: Path, name: str, because: str) -> None:
    info = ZipInfo("x")
    info.filename = info.orig_filename = name
    message = refusal(with_more(packed, info))
    assert because in message
    assert "\n" not in message
    assert not (tmp_path / "evil").exists()


def test_a_name_with_an_end_in_its_middle_is_refused(packed: Path) -> None:
    with_more(packed, "cover.htmlX.exe")
    packed.write_bytes(packed.read_bytes().replace(b"cover.htmlX.exe", b"cover.html\0.exe"))
    assert "or is none" in refusal(packed)


@pytest.mark.parametrize(
    ("names", "because"), [(("a", "A/b"), "is in a folder that is a file"), (("x" * 241,), "is longer than any in a pack")]
)
def test_names_that_no_folder_can_hold_are_refused(packed: Path, names: tuple[str, ...], because: str) -> None:
    for name in names:
        with_more(packed, name)
    assert because in refusal(packed)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", ["cover.html", "COVER.html"])
def test_a_name_that_is_there_twice_is_refused(packed: Path, name: str) -> None:
    assert f"{name!r} is in it twice" in refusal(with_more(packed, name))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFDIR])
def test_what_is_no_plain_file_is_refused(packed: Path, kind: int) -> None:
    info = ZipInfo("link")
    info.create_system, info.external_attr = 3, (kind | 0o777) << 16
    assert "'link' is no plain file, but a link or something else" in refusal(with_more(packed, info, b"/etc/passwd"))


def test_what_is_encrypted_is_refused(packed: Path) -> None:
    with_more(packed, "secret.html")
    content = bytearray(packed.read_bytes())
    entry = content.rindex(b"PK\1\2")
    content[entry + 8] |= 0x1
    packed.write_bytes(content)
    assert "'secret.html' is encrypted" in refusal(packed)


def test_what_is_compressed_in_another_way_is_refused(packed: Path) -> None:
    assert "compressed in a way" in refusal(with_more(packed, "x", compress_type=ZIP_BZIP2))


def test_a_file_that_unpacks_to_far_more_is_refused(packed: Path) -> None:
    bomb = with_more(packed, "bomb", bytes(100 * 1024**2), compress_type=ZIP_DEFLATED, compresslevel=9)
    assert bomb.stat().st_size < 200_000
    assert "'bomb' would unpack from" in refusal(bomb)


def test_many_files_that_unpack_to_far_more_together_are_refused(packed: Path) -> None:
    for number in range(300):
        with_more(packed, f"{number}", bytes(1024**2), compress_type=ZIP_DEFLATED, compresslevel=9)
    assert "would unpack to" in refusal(packed)


def test_a_size_that_lies_is_not_believed(packed: Path) -> None:
    """A reader that believes the directory stops there, and then the checksum does not fit."""
    content = bytearray(packed.read_bytes())
    entry = content.index(b"PK\1\2", content.index(b"PK\1\2") + 1)
    while content[entry + 46 : entry + 46 + 18] != b"report/result.json":
        entry = content.index(b"PK\1\2", entry + 1)
    content[entry + 24 : entry + 28] = struct.pack("<L", 100)
    packed.write_bytes(content)
    assert problems(packed)[0].startswith("report/result.json cannot be read: ")


def test_more_files_than_any_pack_has_are_refused(packed: Path) -> None:
    with ZipFile(packed, "a") as archive:
        for number in range(review.MAX_FILES):
            archive.writestr(f"x/{number}", b"")
    assert "more than 10,000 files" in refusal(packed)


def test_files_that_overlap_or_hide_between_others_are_refused(packed: Path) -> None:
    whole = packed.read_bytes()
    start = whole.index(b"PK\1\2")
    for hidden in (b"hello" + whole, whole[:start] + b"hello" + whole[start:], whole + b"hello"):
        packed.write_bytes(hidden)
        assert refusal(packed)
    offsets = [at for at in range(start, len(whole)) if whole[at : at + 4] == b"PK\1\2"]
    overlapping = bytearray(whole)
    overlapping[offsets[1] + 42 : offsets[1] + 46] = bytes(4)  # the second file is said to begin where the first does
    packed.write_bytes(overlapping)
    assert "that is none of its files" in refusal(packed)


def test_a_zip_file_that_was_cut_off_is_no_pack_wherever_it_was(packed: Path) -> None:
    whole = packed.read_bytes()
    for length in range(0, len(whole), 97):
        packed.write_bytes(whole[:length])
        assert "no pack: not a whole ZIP file" in refusal(packed)


def test_what_has_no_manifest_or_a_strange_one_is_no_pack(packed: Path) -> None:
    whole = packed.read_bytes()
    repacked(packed, lambda name, content: None if name == review.MANIFEST else (name, content))
    assert "there is no manifest.json in it" in refusal(packed)
    for strange in (b"", b"[]", b"\xff", b"[" * 100_000, json.dumps({"format": "x"}).encode()):
        packed.write_bytes(whole)
        repacked(packed, lambda name, content, strange=strange: (name, strange if name == review.MANIFEST else content))  # type: ignore[misc]
        assert "its manifest is none" in refusal(packed)


ENTRY = {"name": "cover.html", "size": 1, "sha256": "0"}
STRANGE = [
    ("version", 2, "not atlascan/review version 1"),
    ("format", "other\x1b[31m", "not atlascan/review version 1"),
    ("files", [ENTRY, ENTRY], "names a file twice, or itself"),
    ("files", [{**ENTRY, "name": review.MANIFEST}], "names a file twice, or itself"),
]


@pytest.mark.parametrize(("key", "value", "because"), STRANGE)
def test_a_manifest_that_is_of_another_version_or_contradicts_itself_is_refused(
    packed: Path, key: str, value: object, because: str
) -> None:
    def changed(name: str, content: bytes) -> tuple[str, bytes]:
        return name, json.dumps({**json.loads(content), key: value}).encode() if name == review.MANIFEST else content

    message = refusal(repacked(packed, changed))
    assert because in message
    assert message.isprintable()


def test_what_is_no_file_is_no_pack(tmp_path: Path) -> None:
    assert "cannot be read" in refusal(tmp_path / "none.zip")
    assert "cannot be read" in refusal(tmp_path)


# -------------------------------------------------------------------------------------------------------------- the command


def test_the_exit_code_tells_a_difference_from_what_is_no_pack(packed: Path, atlascan: Atlascan) -> None:
    right = atlascan("verify", "p.zip")
    assert (right.code, right.err) == (0, "")
    assert right.out.startswith("p.zip: all 3 files are as they were packed\nSHA-256 of manifest.json: ")
    with_more(packed, "more")
    wrong = atlascan("verify", "p.zip")
    assert (wrong.code, wrong.out.splitlines()[0]) == (1, "more is in the pack, and not in its manifest")
    with_more(packed, "../../evil")
    evil = atlascan("verify", "p.zip")
    assert (evil.code, evil.out) == (2, "")
    assert evil.err.startswith("error: p.zip: not unpacked: the name '../../evil' leads out of the pack")
    assert atlascan("verify", "none.zip").code == 2
    assert zipfile.is_zipfile(io.BytesIO(packed.read_bytes()))
