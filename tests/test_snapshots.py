"""Snapshots on disk: what is written is read back the same, and what was cut off or edited is refused with its line."""

import os
import re
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from itertools import zip_longest
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner import snapshots
from scanner.errors import AtlascanError, InputError, WorkError
from scanner.model import Coverage, Gap, Header, Reason, Record, Resource, Source, Target, sort_key

AGAIN = "take a new snapshot, or get an unchanged copy of this one"
MAKE_ONE = "make one with `atlascan snapshot`"
HEADER = Header(
    id="7d9f",
    taken_at=datetime(2026, 6, 15, 12, tzinfo=UTC),
    tool="atlascan test",
    target=Target(org=None, sites={"acme": "https://acme.atlassian.net"}),
    coverage=(Coverage(kind="jira.project", requests=1, resources=2, gaps=1, complete=False),),
)
RECORDS: tuple[Record, ...] = (
    Gap(kind="jira.project", reason=Reason.FORBIDDEN, detail="403", hint="ask for more", parent="jira.site/acme"),
    Resource(kind="jira.project", id="acme/HR", name="Grüße", facts={"archived": False, "style": None}, source=Source.API),
    Resource(kind="jira.project", id="acme/NO", name="NO", facts={"type": "off"}, source=Source.API, parent="jira.site/acme"),
)
SUFFIXES = pytest.mark.parametrize("name", ["snapshot.ndjson", "snapshot.ndjson.zst"])

texts = st.text(max_size=12)
plain = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False), texts
)
json_values = st.recursive(
    plain, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)), max_leaves=6
)
resources = st.builds(
    Resource,
    kind=texts,
    id=texts,
    name=texts,
    facts=st.dictionaries(texts, json_values, max_size=4),
    source=st.sampled_from(Source),
    parent=st.none() | texts,
)
gaps = st.builds(
    Gap, kind=texts, reason=st.sampled_from(Reason), detail=texts, hint=texts, parent=st.none() | texts, id=st.none() | texts
)
record_lists = st.lists(st.one_of(resources, gaps), unique_by=sort_key, max_size=6).map(lambda found: sorted(found, key=sort_key))
moments = st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  the strategy adds the zone
coverages = st.builds(
    Coverage, kind=texts, requests=st.integers(0, 9), resources=st.integers(0, 9), gaps=st.integers(0, 9), complete=st.booleans()
)
headers = st.builds(
    Header,
    id=texts,
    taken_at=moments,
    tool=texts,
    target=st.builds(Target, org=st.none() | texts, sites=st.dictionaries(texts, texts, max_size=2)),
    coverage=st.lists(coverages, max_size=2).map(tuple),
    recorded=st.none() | texts,
)
on_a_shared_folder = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def written(path: Path, records: tuple[Record, ...] = RECORDS) -> list[bytes]:
    """Write the sample snapshot and return its lines."""
    snapshots.write(str(path), HEADER, records)
    return path.read_bytes().splitlines(keepends=True)


def refused(path: Path, content: bytes | None = None) -> tuple[str, str | None]:
    """Return how a snapshot is refused; the message without the path before it."""
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        snapshots.load(str(path))
    return str(caught.value).removeprefix(str(path)), caught.value.hint


# ------------------------------------------------------------------------------------------------------------ there and back


@SUFFIXES
@on_a_shared_folder
@given(header=headers, records=record_lists)
def test_what_is_written_is_read_back_the_same(tmp_path: Path, name: str, header: Header, records: list[Record]) -> None:
    path = str(tmp_path / name)
    snapshots.write(path, header, records)
    snapshot = snapshots.load(path)
    assert snapshot.header == header
    # Held against each other as text, in which 1, 1.0 and true are three things.
    encoded = msgspec.json.Encoder(order="sorted").encode
    assert list(map(encoded, snapshot)) == list(map(encoded, records))


@SUFFIXES
def test_a_snapshot_can_be_read_again_and_again_and_side_by_side(tmp_path: Path, name: str) -> None:
    written(tmp_path / name)
    snapshot = snapshots.load(str(tmp_path / name))
    assert tuple(snapshot) == tuple(snapshot) == RECORDS
    assert list(zip_longest(snapshot, snapshot)) == list(zip(RECORDS, RECORDS, strict=True))


@SUFFIXES
def test_two_writes_of_the_same_are_the_same_bytes(tmp_path: Path, name: str) -> None:
    assert written(tmp_path / f"one-{name}") == written(tmp_path / f"other-{name}")


def test_a_snapshot_is_lines_with_sorted_keys(tmp_path: Path) -> None:
    head, gap, resource, *_, seal = written(tmp_path / "s.ndjson")
    assert head == msgspec.json.encode(msgspec.json.decode(head), order="sorted") + b"\n"
    assert head.startswith(b'{"format":"atlascan/snapshot","header":{"audit_since":null,"coverage":[{"complete":false,"gaps":1,')
    assert gap.decode() == (
        '{"detail":"403","hint":"ask for more","kind":"jira.project","parent":"jira.site/acme","reason":"forbidden","type":"gap"}\n'
    )
    assert resource.decode() == (
        '{"facts":{"archived":false,"style":null},"id":"acme/HR","kind":"jira.project","name":"Grüße","source":"api","type":"resource"}\n'
    )
    assert msgspec.json.decode(seal)["count"] == 3


@SUFFIXES
def test_an_empty_snapshot_is_a_snapshot(tmp_path: Path, name: str) -> None:
    written(tmp_path / name, ())
    assert list(snapshots.load(str(tmp_path / name))) == []


@SUFFIXES
def test_only_the_owner_may_read_a_snapshot(tmp_path: Path, name: str) -> None:
    before = os.umask(0)
    try:
        written(tmp_path / "new" / name)
        (tmp_path / name).touch(mode=0o666)
        written(tmp_path / name)
    finally:
        os.umask(before)
    assert [stat.S_IMODE((tmp_path / at).stat().st_mode) for at in (f"new/{name}", name)] == [0o600, 0o600]


# -------------------------------------------------------------------------------------------------------------------- whole


@SUFFIXES
@pytest.mark.parametrize("error", [InputError("stop"), KeyboardInterrupt(), ZeroDivisionError()], ids=repr)
def test_a_write_that_fails_half_way_leaves_the_old_file_and_nothing_else(tmp_path: Path, name: str, error: BaseException) -> None:
    path = tmp_path / name
    written(path)
    before = path.read_bytes()

    def failing() -> Iterator[Record]:
        yield RECORDS[0]
        raise error

    with pytest.raises(type(error)):
        snapshots.write(str(path), HEADER, failing())
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def unwritable(path: str) -> tuple[str, str | None]:
    with pytest.raises(WorkError) as caught:
        snapshots.write(path, HEADER, RECORDS)
    return str(caught.value), caught.value.hint


def test_what_cannot_be_written_is_no_fault_of_the_input(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    endless = str(tmp_path / ("x" * 300))
    assert unwritable(f"{tmp_path}/file/s.ndjson") == (f"{tmp_path}/file/s.ndjson: cannot be written: File exists", None)
    assert unwritable(endless) == (f"{endless}: cannot be written: File name too long", None)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(("to", "said"), [(">/dev/full", "No space left on device"), (">&-", "it is closed")])
def test_a_standard_output_that_takes_nothing_is_said(to: str, said: str) -> None:
    program = "from tests.test_snapshots import HEADER; from scanner import snapshots; snapshots.write('-', HEADER, [])"
    done = subprocess.run(  # noqa: S602  our own program
        f'{sys.executable} -c "{program}" {to}', shell=True, cwd=Path(__file__).parent.parent, capture_output=True, check=False
    )
    assert f"WorkError: standard output: cannot be written: {said}" in done.stderr.decode()


def test_a_folder_or_a_device_is_never_replaced_by_a_snapshot(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        assert unwritable(str(path)) == (f"{path}: cannot be written: it is not a file", "- writes to standard output")
    assert (tmp_path / "pipe").is_fifo()


# -------------------------------------------------------------------------------------------------------------------- edited


@SUFFIXES
@on_a_shared_folder
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_snapshot_cut_at_any_byte_is_refused(tmp_path: Path, name: str, share: float) -> None:
    path = tmp_path / name
    whole = b"".join(written(path))
    message, hint = refused(path, whole[: int(share * len(whole))])
    assert message.startswith(":")
    assert hint in (AGAIN, MAKE_ONE)


def test_where_it_was_cut_is_said(tmp_path: Path) -> None:
    path = tmp_path / "s.ndjson"
    lines = written(path)
    assert refused(path, b"") == (": empty, not a snapshot", MAKE_ONE)
    assert refused(path, lines[0][:-1]) == (":1: cut off in the middle of the line", AGAIN)
    assert refused(path, lines[0]) == (":1: ends without its seal, so it was cut off", AGAIN)
    assert refused(path, b"".join(lines[:3])) == (":3: ends without its seal, so it was cut off", AGAIN)
    assert refused(path, b"".join(lines)[:-1]) == (":5: cut off in the middle of the line", AGAIN)


@SUFFIXES
def test_one_byte_less_than_all_is_too_little(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    many = tuple(
        Resource(kind="jira.project", id=f"acme/{i:06}", name=str(hash(str(i))), facts={}, source=Source.API) for i in range(5000)
    )
    whole = b"".join(written(path, many))
    for cut in range(1, 12):
        refused(path, whole[:-cut])


def test_a_changed_line_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.ndjson"
    lines = written(path)
    for number, line in enumerate(lines[:-1]):
        changed = line.replace(b"acme", b"evil", 1)
        message, hint = refused(path, b"".join([*lines[:number], changed, *lines[number + 1 :]]))
        assert (message, hint) in (
            (":5: the digest does not fit, so the file was changed after it was written", AGAIN),
            (":4: out of order, so it was changed after it was written", AGAIN),
        ), (number, message)


@on_a_shared_folder
@given(place=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255))
def test_any_changed_byte_is_noticed(tmp_path: Path, place: float, byte: int) -> None:
    path = tmp_path / "s.ndjson"
    whole = b"".join(written(path))
    at = int(place * len(whole))
    changed = whole[:at] + bytes([byte]) + whole[at + 1 :]
    if changed != whole:
        refused(path, changed)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda ls: [*ls, b"\n"], ":6: there is more after the seal"),
        (lambda ls: [*ls, ls[1]], ":6: there is more after the seal"),
        (lambda ls: [*ls, ls[-1]], ":6: there is more after the seal"),
        (lambda ls: [*ls, b"x"], ":6: cut off in the middle of the line"),
        (lambda ls: [ls[0], ls[2], ls[1], *ls[3:]], ":3: out of order, so it was changed after it was written"),
        (lambda ls: [ls[0], ls[1], ls[1], *ls[2:]], ":3: out of order, so it was changed after it was written"),
        (lambda ls: [*ls[:2], *ls[3:]], ":4: the seal speaks of 3 records, but there are 2"),
        (lambda ls: [*ls[:2], b"\n", *ls[2:]], ":3: not a record (Input data was truncated)"),
        (lambda ls: [*ls[:2], b"{}\n", *ls[2:]], ":3: not a record (Object missing required field `type`)"),
        (
            lambda ls: [*ls[:2], b'{"type":"waiver"}\n', *ls[2:]],
            ":3: not a record (Invalid value 'waiver' - at `$.type`)",
        ),
        (lambda ls: [*ls[:2], b"\xff\xfe\n", *ls[2:]], ":3: not a record (JSON is malformed: invalid character (byte 0))"),
        (lambda ls: [*ls[:2], b"[" * 100_000 + b"\n", *ls[2:]], None),
        (lambda ls: [ls[0], *ls], ":2: not a record (Invalid value 'header' - at `$.type`)"),
        (lambda ls: [*ls[:-1], ls[-1].replace(b'"count":3', b'"count":4')], ":5: the seal speaks of 4 records, but there are 3"),
        (
            lambda ls: [*ls[:-1], ls[-1][:-80] + b"0" * 10 + ls[-1][-70:]],
            ":5: the digest does not fit, so the file was changed after it was written",
        ),
        (lambda ls: [*ls[:-1], ls[-1].replace(b",", b", ")], ":5: the seal is not as it was written"),
        (
            lambda ls: [line.replace(b"\n", b"\r\n") for line in ls],
            ":5: the digest does not fit, so the file was changed after it was written",
        ),
        (
            lambda ls: [ls[0].replace(b'"version":1', b'"version":1,"more":1'), *ls[1:]],
            ":5: the digest does not fit, so the file was changed after it was written",
        ),
    ],
)
def test_every_edit_is_refused_with_its_line(
    tmp_path: Path, edit: Callable[[list[bytes]], list[bytes]], message: str | None
) -> None:
    path = tmp_path / "s.ndjson"
    found, hint = refused(path, b"".join(edit(written(path))))
    assert hint == AGAIN
    assert found == message or (message is None and found.startswith(":3: not a record ("))


@pytest.mark.parametrize("header", [{"id": "7d9f"}, None, {"taken_at": "2026-06-15", "who": "knows"}])
def test_another_version_is_named_whatever_else_it_holds(tmp_path: Path, header: dict[str, Any] | None) -> None:
    line = msgspec.json.encode({"type": "header", "format": "atlascan/snapshot", "version": 2, "header": header})
    assert refused(tmp_path / "s.ndjson", line + b"\n") == (
        ":1: atlascan/snapshot version 2, but this program reads atlascan/snapshot version 1",
        "use a version of atlascan that writes and reads it",
    )


def test_another_format_is_named(tmp_path: Path) -> None:
    line = b'{"type":"header","format":"other/thing","version":1}\n'
    assert (
        refused(tmp_path / "s.ndjson", line)[0] == ":1: other/thing version 1, but this program reads atlascan/snapshot version 1"
    )


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00"])
def test_a_moment_that_no_calendar_has_is_refused(tmp_path: Path, moment: str) -> None:
    head = b"".join(written(tmp_path / "s.ndjson")[:1])
    edited = re.sub(rb'"taken_at":"[^"]+"', f'"taken_at":"{moment}"'.encode(), head)
    assert refused(tmp_path / "s.ndjson", edited)[0] == ":1: taken_at is no moment of the calendar"


def test_a_moment_without_a_time_zone_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.ndjson"
    lines = written(path)
    assert refused(path, lines[0].replace(b"12:00:00Z", b"12:00:00")) == (":1: taken_at names no time zone", AGAIN)


@pytest.mark.parametrize(
    "content", [b"\n", b"{}\n", b"[1]\n", b"sites: []\n", bytes(range(256)) + b"\n", b"\x1f\x8b\x08\n", b'"' + b"[" * 5000 + b"\n"]
)
def test_what_is_no_snapshot_is_refused(tmp_path: Path, content: bytes) -> None:
    message, hint = refused(tmp_path / "s.ndjson", content.replace(b"\n", b" ").strip() + b"\n")
    assert (message, hint) == (":1: not a snapshot of atlascan", MAKE_ONE)


def test_a_line_without_end_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "s.ndjson"
    with path.open("wb") as file:
        file.truncate(16 * 1024**3)  # a hole in the disk
    assert refused(path) == (":1: a line longer than 16 MiB", "is it the right file?")


# ---------------------------------------------------------------------------------------------------------------- compressed


def test_what_is_not_compressed_is_refused_under_a_compressed_name(tmp_path: Path) -> None:
    path = tmp_path / "s.ndjson.zst"
    message, hint = refused(path, b"".join(written(tmp_path / "s.ndjson")))
    assert (message, hint) == (": not a compressed snapshot (zstd decompress error: Unknown frame descriptor)", AGAIN)
    assert refused(path, b"") == (": empty, not a snapshot", MAKE_ONE)


def test_what_is_compressed_is_refused_under_a_plain_name(tmp_path: Path) -> None:
    message, hint = refused(tmp_path / "s.ndjson", b"".join(written(tmp_path / "s.ndjson.zst")))
    assert message in (":1: not a snapshot of atlascan", ":1: cut off in the middle of the line")
    assert hint in (MAKE_ONE, AGAIN)


def test_whatever_follows_a_compressed_snapshot_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "s.ndjson.zst"
    whole = b"".join(written(path))
    assert refused(path, whole + whole) == (":6: there is more after the seal", AGAIN)
    assert refused(path, whole + b"garbage")[0].startswith(": not a compressed snapshot (zstd decompress error: ")


@on_a_shared_folder
@given(place=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255))
def test_a_changed_byte_in_a_compressed_snapshot_changes_nothing_or_is_refused(tmp_path: Path, place: float, byte: int) -> None:
    path = tmp_path / "s.ndjson.zst"
    whole = b"".join(written(path))
    at = int(place * len(whole))
    path.write_bytes(whole[:at] + bytes([byte]) + whole[at + 1 :])
    try:
        records = tuple(snapshots.load(str(path)))
    except AtlascanError:
        return
    assert records == RECORDS


def test_a_compressed_bomb_is_refused_without_unpacking_all_of_it(tmp_path: Path) -> None:
    bomb = zstandard.ZstdCompressor().compress(b"\0" * 400 * 1024**2)
    message = ": holds more than 268,435,456 bytes, which no snapshot does that is compressed to so few"
    assert refused(tmp_path / "s.ndjson.zst", bomb) == (message, AGAIN)


@pytest.mark.parametrize("spoil", [lambda _: b"", lambda whole: whole[:-1], lambda whole: whole.replace(b"HR", b"IT")])
@pytest.mark.parametrize("jobs", [1, 2])
def test_nothing_is_left_behind_of_what_was_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[bytes], bytes], jobs: int
) -> None:
    good, bad, unpacked = tmp_path / "good.ndjson.zst", tmp_path / "bad.ndjson.zst", tmp_path / "unpacked"
    whole = b"".join(written(tmp_path / "s.ndjson"))
    good.write_bytes(zstandard.ZstdCompressor().compress(whole))
    bad.write_bytes(zstandard.ZstdCompressor().compress(spoil(whole)))
    unpacked.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(unpacked))
    snapshot = snapshots.load(str(good), jobs=jobs)
    assert len(list(unpacked.iterdir())) == 1
    assert tuple(snapshot) == RECORDS
    for paths in ([good, bad], [bad, good]):
        with pytest.raises(InputError):
            snapshots.load_all(map(str, paths), jobs=jobs)
        assert len(list(unpacked.iterdir())) == 1
    del snapshot
    assert not list(unpacked.iterdir())


@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: b"",
        lambda whole: whole[:-1],
        lambda whole: whole.replace(b"HR", b"IT"),
        lambda whole: whole.replace(b'"resource"', b'"thing"'),
        lambda whole: b"{}" + whole,
    ],
)
def test_each_of_several_is_refused_alike_wherever_it_is_checked(tmp_path: Path, spoil: Callable[[bytes], bytes], at: int) -> None:
    whole = b"".join(written(tmp_path / "good.ndjson"))
    bad = tmp_path / "bad.ndjson"
    paths = [str(tmp_path / "good.ndjson")]
    paths.insert(at, str(bad))
    alone = refused(bad, spoil(whole))
    with pytest.raises(InputError) as caught:
        snapshots.load_all(paths, jobs=2)
    assert (str(caught.value).removeprefix(str(bad)), caught.value.hint) == alone


# ------------------------------------------------------------------------------------------------------------- what is no file


@SUFFIXES
def test_a_missing_file_a_folder_and_an_endless_name_are_refused(tmp_path: Path, name: str) -> None:
    assert refused(tmp_path / name) == (": cannot be read: No such file or directory", None)
    (tmp_path / name).mkdir()
    assert refused(tmp_path / name) == (": cannot be read: Is a directory", None)
    assert refused(tmp_path / ("x" * 300 + name)) == (": cannot be read: File name too long", None)


def test_a_pipe_that_can_be_read_but_once_is_still_read_again_and_again(tmp_path: Path) -> None:
    whole = b"".join(written(tmp_path / "s.ndjson"))
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(whole,))
    writer.start()
    snapshot = snapshots.load(str(pipe))
    writer.join()
    assert tuple(snapshot) == tuple(snapshot) == RECORDS


def test_a_closed_standard_input_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)  # as Python does for a program that is started with `<&-`
    with pytest.raises(InputError) as caught:
        snapshots.load("-")
    assert (str(caught.value), caught.value.hint) == ("standard input: closed", "send a snapshot through a pipe, or name a file")


@pytest.mark.parametrize("keep", [0, 1, 3])
def test_a_snapshot_that_changes_while_it_is_read_is_refused(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "s.ndjson"
    lines = written(path)
    snapshot = snapshots.load(str(path))
    path.write_bytes(b"".join(lines[:keep]))
    with pytest.raises(InputError) as caught:
        list(snapshot)
    assert (str(caught.value), caught.value.hint) == (f"{path}: changed while it was being read", AGAIN)


def test_another_time_zone_is_kept_as_the_same_moment(tmp_path: Path) -> None:
    path = tmp_path / "s.ndjson"
    east = msgspec.structs.replace(HEADER, taken_at=datetime(2026, 6, 15, 14, tzinfo=timezone(timedelta(hours=2))))
    snapshots.write(str(path), east, RECORDS)
    assert snapshots.load(str(path)).header.taken_at == HEADER.taken_at


def test_what_is_made_of_changed_files_is_refused_at_the_end(tmp_path: Path) -> None:
    files = [str(tmp_path / name) for name in ("old.ndjson", "new.ndjson")]
    for file in files:
        snapshots.write(file, HEADER, [])
    changed = Path(files[1]).read_bytes().replace(b'"tool":"atlascan', b'"tool":"etlascan', 1)
    assert changed != Path(files[1]).read_bytes()
    Path(files[1]).write_bytes(changed)
    with pytest.raises(InputError, match="the digest does not fit"), snapshots.opened(files, jobs=2) as (old, new):
        assert old.header.id == new.header.id
