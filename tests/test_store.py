"""A store keeps snapshots and results under names that sort by time, whole or not at all, and overwrites nothing."""

import json
import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from scanner import snapshots, store
from scanner.cli.past import looks
from scanner.cli.past.prune import before, outlived
from scanner.errors import InputError, WorkError
from scanner.model import Header, Target, Verdict
from scanner.render import json as result_json
from scanner.store import Kept, Store
from tests import samples
from tests.conftest import Atlascan
from tests.fake_atlassian.server import StandIn
from tests.test_scan import configured

MOMENT = datetime(2026, 11, 22, 10, 15, 30, tzinfo=UTC)
HEADER = Header(id="0a1b2c3d-e4f5-4000-8000-000000000000", taken_at=MOMENT, tool="t", target=Target(org="o", sites={}))
NAMES = ("2026-11-22T101530Z-0a1b2c3d.ndjson.zst", "2026-11-22T101530Z-0a1b2c3d.result.json")


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    file = tmp_path / "plain.ndjson"
    snapshots.write(str(file), HEADER, [])
    return file


@pytest.fixture(params=["folder", "bucket"], name="where")
def _where(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "folder":
        yield store.opened(str(tmp_path / "store"))
        return
    memory = MemoryFileSystem()
    yield Store("memory://bucket", memory, f"/{uuid4()}")
    memory.store.clear()


def test_what_is_kept_is_read_back_as_it_was(where: Store, snapshot: Path) -> None:
    kept = where.add(HEADER, snapshot, "{}")
    assert where.names() == NAMES == kept.names
    assert store.kept(where.names()) == (kept,) == (Kept(MOMENT, "0a1b2c3d", *NAMES),)
    with where.local(NAMES[0]) as file:
        assert snapshots.load(str(file)).header == HEADER
    with where.local(NAMES[1]) as file:
        assert file.read_text(encoding="utf-8") == "{}"


def test_nothing_is_overwritten(where: Store, snapshot: Path) -> None:
    where.add(HEADER, snapshot, "first")
    with pytest.raises(WorkError, match="is there already, and nothing is overwritten"):
        where.add(HEADER, snapshot, "second")
    with where.local(NAMES[1]) as file:
        assert file.read_text(encoding="utf-8") == "first"
    assert where.names() == NAMES


def test_what_is_removed_is_gone(where: Store, snapshot: Path) -> None:
    where.add(HEADER, snapshot, "{}")
    where.remove(NAMES[0])
    assert where.names() == NAMES[1:]


def test_a_store_that_nobody_filled_is_empty(where: Store) -> None:
    assert where.names() == ()


def test_a_file_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="a store is a folder, and this is a file"):
        store.opened(str(tmp_path / "result.json")).names()


def test_what_is_kept_in_a_folder_is_the_owners_alone_and_nothing_lies_beside_it(tmp_path: Path, snapshot: Path) -> None:
    store.opened(str(tmp_path / "store")).add(HEADER, snapshot, "{}")
    files = sorted((tmp_path / "store").iterdir())
    assert [file.name for file in files] == list(NAMES)
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_a_folder_that_cannot_be_written_to_is_said(tmp_path: Path, snapshot: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(WorkError, match="cannot be written: "):
        store.opened(str(tmp_path / "file" / "store")).add(HEADER, snapshot, "{}")


@pytest.mark.parametrize(
    ("error", "raised"), [(RuntimeError("a bucket's own\nand more"), WorkError), (TypeError("a mistake"), TypeError)]
)
def test_what_a_bucket_answers_is_said_and_a_bug_stays_a_bug(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, raised: type[Exception]
) -> None:
    where = store.opened(str(tmp_path))

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(type(where.files), "ls", fail)
    with pytest.raises(raised) as caught:
        where.names()
    expected = {WorkError: f"{tmp_path}: cannot be read: a bucket's own", TypeError: "a mistake"}
    assert str(caught.value) == expected[raised]


def test_a_bucket_that_is_not_there_is_said(snapshot: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise FileNotFoundError("The specified bucket does not exist")

    monkeypatch.setattr(MemoryFileSystem, "put_file", missing)
    with pytest.raises(WorkError, match="cannot be written: there is no such bucket or folder"):
        Store("memory://bucket", MemoryFileSystem(), f"/{uuid4()}").add(HEADER, snapshot, "{}")


def test_a_link_that_the_file_system_does_not_know_is_done_without(
    tmp_path: Path, snapshot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    test_nothing_is_overwritten(store.opened(str(tmp_path / "store")), snapshot)


def test_names_sort_by_time_whatever_the_zone_and_hold_no_path() -> None:
    east = HEADER.taken_at.astimezone(timezone(timedelta(hours=9)))
    assert store.named(msgspec.structs.replace(HEADER, taken_at=east)).names == NAMES
    assert store.named(msgspec.structs.replace(HEADER, id="../../etc/passwd")).id == "etcpassw"
    assert store.named(msgspec.structs.replace(HEADER, id="…")).id == "0"


def test_only_names_that_were_given_here_tell_anything() -> None:
    odd = ("x.json", "2026-13-22T101530Z-0a1b2c3d.result.json", "2026-11-22T101530Z-0a1b2c3d.result.json.bak", "../" + NAMES[0])
    assert store.kept(odd) == ()
    assert store.kept((*odd, NAMES[1])) == (Kept(MOMENT, "0a1b2c3d", None, NAMES[1]),)


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("ftp://host/x", "ftp:// is no place"),
        ("sftp://user:secret@host/x", "sftp:// is no place"),
        ("s3://[key:secret@bucket/x", "and nothing else"),
        ("s3://key:secret@bucket/x", "and nothing else"),
        ("s3://bucket/x?token=secret", "and nothing else"),
        ("s3://zip::bucket/x", "and nothing else"),
    ],
)
def test_a_url_that_is_none_of_a_store_is_refused_and_no_secret_repeated(place: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as refused:
        store.opened(place)
    assert "secret" not in f"{refused.value}{refused.value.hint}"


@pytest.mark.parametrize("scheme", ["s3", "gs", "az"])
def test_a_missing_extra_is_named(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(protocol: str, **_: object) -> None:
        raise ImportError(f"Install {protocol}fs")

    monkeypatch.setattr("fsspec.filesystem", missing)
    with pytest.raises(InputError, match=f"{scheme}://bucket/x: what reads {scheme}:// is not installed") as refused:
        store.opened(f"{scheme}://bucket/x")
    assert refused.value.hint == f"pip install 'atlascan[{scheme}]'"


# ------------------------------------------------------------------------------------------------------------------- prune


def test_the_newest_is_never_outlived() -> None:
    days = [Kept(MOMENT - timedelta(days=age), str(age), f"{age}", f"{age}") for age in (400, 100, 10)]
    late = MOMENT + timedelta(days=1)
    assert outlived(days, MOMENT - timedelta(days=50)) == tuple(days[:2])
    assert outlived(days, late) == tuple(days[:2])
    only_results = [*days[:2], replace(days[2], snapshot=None)]
    assert outlived(only_results, late) == tuple(days[:1])
    assert outlived([], late) == ()


@pytest.mark.parametrize(
    ("number", "unit", "day"),
    [(90, "d", "2026-08-24"), (2, "w", "2026-11-08"), (12, "m", "2025-11-22"), (9, "m", "2026-02-22"), (1, "y", "2025-11-22")],
)
def test_an_age_is_counted_as_people_do(number: int, unit: str, day: str) -> None:
    assert before(MOMENT, number, unit).date().isoformat() == day


def test_a_month_ago_is_the_last_day_of_a_shorter_one() -> None:
    assert before(datetime(2026, 3, 31, tzinfo=UTC), 1, "m") == datetime(2026, 2, 28, tzinfo=UTC)


def filled(folder: Path) -> list[str]:
    """Keep one scan of long ago and one of the future, and something of one's own; return the names."""
    (folder / "store").mkdir()
    names = [f"{day}T000000Z-0a1b2c3d{end}" for day in ("2020-01-01", "2090-01-01") for end in (store.SNAPSHOT, store.RESULT)]
    for name in (*names, "mine.json"):
        (folder / "store" / name).write_text("{}", encoding="utf-8")
    return names


def left(folder: Path, name: str = "store") -> list[str]:
    return sorted(file.name for file in (folder / name).iterdir())


def test_prune_shows_what_it_would_delete_and_asks(tmp_path: Path, atlascan: Atlascan) -> None:
    names = filled(tmp_path)
    for answer in ("n\n", ""):
        refused = atlascan("history", "prune", "store", "--keep", "12m", stdin=answer)
        assert (refused.code, refused.out.splitlines()) == (0, names[:2])
        assert refused.err.endswith("nothing was deleted\n")
        assert left(tmp_path) == sorted([*names, "mine.json"])
    agreed = atlascan("history", "prune", "store", "--keep", "12m", stdin="y\n")
    assert agreed.err.endswith("deleted 2 files from store\n")
    assert left(tmp_path) == sorted([*names[2:], "mine.json"])


def test_prune_without_asking_and_with_nothing_to_do(tmp_path: Path, atlascan: Atlascan) -> None:
    names = filled(tmp_path)
    assert atlascan("history", "prune", "store", "--keep", "1d", "--yes").out.splitlines() == names[:2]
    again = atlascan("history", "prune", "store", "--keep", "1d", "--yes")
    assert (again.code, again.out, again.err) == (0, "", "nothing is as old as that; nothing was deleted\n")


@pytest.mark.parametrize("wrong", ["12", "0m", "m", "-3d", "1.5y", "12mm"])
def test_an_age_that_is_none_is_exit_2_and_deletes_nothing(tmp_path: Path, atlascan: Atlascan, wrong: str) -> None:
    names = filled(tmp_path)
    assert atlascan("history", "prune", "store", f"--keep={wrong}", "--yes").code == 2
    assert atlascan("history", "prune", "store", "--yes").code == 2
    assert left(tmp_path) == sorted([*names, "mine.json"])


# -------------------------------------------------------------------------------------------------------------------- scan


def test_a_scan_keeps_its_snapshot_and_its_result_in_a_store(tmp_path: Path, open_site: StandIn, atlascan: Atlascan) -> None:
    configured(tmp_path, open_site)
    done = atlascan("scan", "--store", "kept", "-f", "json=result.json")
    assert done.code == 1
    header = snapshots.load(str(tmp_path / "atlascan-snapshot.ndjson")).header
    names = store.named(header).names
    assert done.err.endswith(f"kept in kept: {names[0]} and {names[1]}\n")
    assert left(tmp_path, "kept") == list(names)
    assert snapshots.load(str(tmp_path / "kept" / names[0])).header == header
    assert (tmp_path / "kept" / names[1]).read_bytes() == (tmp_path / "result.json").read_bytes()
    assert atlascan("history", "kept").code == 0


def test_what_failed_in_the_scan_before_is_watched(tmp_path: Path) -> None:
    where = store.opened(str(tmp_path))
    assert looks.failed_last(where) == frozenset()
    for days, findings in ((0, samples.report().findings), (1, samples.report().findings[:1])):
        header = msgspec.structs.replace(samples.report().snapshot, taken_at=MOMENT + timedelta(days=days))
        report = msgspec.structs.replace(samples.report(), snapshot=header, findings=findings)
        (tmp_path / str(store.named(header).result)).write_text(result_json.render(report), encoding="utf-8")
    [first] = samples.report().findings[:1]
    assert first.verdict is Verdict.FAIL
    assert looks.failed_last(where) == {(first.policy, first.address)}


@pytest.mark.parametrize(("place", "code"), [("file/below", 3), ("", 2)])
def test_a_folder_that_cannot_be_made_is_said_before_anything_is_collected(
    tmp_path: Path, open_site: StandIn, atlascan: Atlascan, place: str, code: int
) -> None:
    configured(tmp_path, open_site)
    (tmp_path / "file").write_text("in the way")
    done = atlascan("scan", "--store", place)
    assert (done.code, done.out) == (code, "")
    assert done.err.startswith("error: ")
    assert not (tmp_path / "atlascan-snapshot.ndjson").exists()


def test_where_the_gate_is_shut_a_store_that_cannot_be_written_to_does_not_hide_it(
    tmp_path: Path, open_site: StandIn, atlascan: Atlascan
) -> None:
    configured(tmp_path, open_site)
    done = atlascan("scan", "--store", "/proc", "-f", "json")
    assert done.code == 1
    assert "error: /proc/" in done.err
    assert " hint: the gate: exit code 1: " in done.err
    assert json.loads(done.out)["gate"]["exit_code"] == 1


def test_a_store_that_cannot_be_used_is_said_before_anything_is_collected(
    tmp_path: Path, open_site: StandIn, atlascan: Atlascan
) -> None:
    configured(tmp_path, open_site)
    done = atlascan("scan", "--store", "s3://bucket/kept?x=1")
    assert (done.code, done.out) == (2, "")
    assert not (tmp_path / "atlascan-snapshot.ndjson").exists()
