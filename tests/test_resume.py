"""Interruption: whenever and however a collection ends too early, going on with it gives what it would have given."""

import base64
import json
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
import requests

from scanner.cli.collection import LONGEST_INTERRUPTION
from scanner.collect import walk
from scanner.collect.api import Api, Credentials
from scanner.collect.journal import Journal
from scanner.model import Record
from tests.conftest import Atlascan, Outcome
from tests.fake_atlassian.server import StandIn, running
from tests.fake_atlassian.weather import Weather
from tests.faulty import Answer, Asked, Faulty, faulty, said
from tests.sites import ADMIN, NO_KEYRING
from tests.test_collect import ADMIN as ADMINISTRATOR
from tests.test_collect import AGENT

pytestmark = pytest.mark.long

SNAPSHOT = "atlascan-snapshot.ndjson"
JOURNAL = f"{SNAPSHOT}.journal"
CONFIG = "atlascan.yaml"
CONCURRENCY = 8
LARGE = "large:sites=2,projects=15,users=120,groups=12,tokens=300,events=300,spaces=40,filters=60,dashboards=20,audit_records=100"
PAIR = f"{ADMIN['ATLASCAN_EMAIL']}:{ADMIN['ATLASCAN_API_TOKEN']}"
SECRET_BYTES = [
    ADMIN["ATLASCAN_ORG_API_KEY"].encode(),
    ADMIN["ATLASCAN_API_TOKEN"].encode(),
    *(base64.b64encode(each.encode()) for each in (PAIR, ADMIN["ATLASCAN_API_TOKEN"], ADMIN["ATLASCAN_ORG_API_KEY"])),
]


def configured(folder: Path, site: StandIn, **collect: object) -> None:
    """Write a configuration for all sites of a stand-in."""
    settings = {
        "api_url": site.api_url,
        "sites": [{"name": name, "url": url} for name, url in site.sites.items()],
        "collect": {"undocumented": True, "probe": True, "concurrency": CONCURRENCY, **collect},
    }
    (folder / CONFIG).write_text(json.dumps(settings), encoding="utf-8")


@contextmanager
def started(folder: Path, *args: str, stdin: int | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """Run the program in a folder for no longer than the block lasts."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ATLASCAN_")}
    with subprocess.Popen(  # noqa: S603  our own program
        [sys.executable, "-m", "scanner", *args],
        cwd=folder,
        env={**inherited, **NO_KEYRING, **ADMIN, "PYTHONPATH": str(Path(__file__).parent.parent)},
        stdin=stdin,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def killed(folder: Path, *args: str, after: int) -> int:
    """Run the program, kill it after so many answers, and return how many there were; it may have ended before."""
    answers = 0
    with started(folder, *args, "-v") as process:
        while answers < after and (line := process.stderr.readline() if process.stderr else b""):
            answers += line.startswith(b"  ")
    return answers


def left_by(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"{JOURNAL}*"))


# -------------------------------------------------------------------------------------------------------------- any moment


@dataclass(frozen=True, slots=True)
class Clean:
    """What one run gives that nobody interrupts, and how many requests it takes."""

    site: StandIn
    lines: list[str]
    coverage: Any
    requests: int


def taken(path: Path) -> tuple[list[str], Any]:
    """Return a snapshot's records, and how its collection went but for times."""
    header, *lines, _ = path.read_text(encoding="utf-8").splitlines()
    went = json.loads(header)["header"]
    return lines, (went["coverage"], [{**each, "seconds": None} for each in went["endpoints"]])


def asked_of(site: StandIn) -> int:
    """Return how many requests a stand-in was sent, and begin anew."""
    urls = [site.api_url, *site.sites.values()]
    asked = [requests.get(f"{url}/__stand_in__/requests", timeout=10).json()["requests"] for url in urls]
    for url in urls:
        requests.post(f"{url}/__stand_in__/reset", timeout=10)
    return sum(sum(each.values()) for each in asked)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clean]:
    folder = tmp_path_factory.mktemp("clean")
    with running(LARGE, Weather(latency_ms=40)) as site:
        configured(folder, site)
        with started(folder, "snapshot", "--all") as process:
            assert process.wait(60) == 0
        assert not left_by(folder)
        yield Clean(site, *taken(folder / SNAPSHOT), asked_of(site))


@pytest.mark.parametrize("tenth", range(10))
def test_what_is_killed_at_any_moment_and_gone_on_with_is_as_if_nothing_had_been(tmp_path: Path, clean: Clean, tenth: int) -> None:
    draw, kills = Random(f"kill {tenth}"), 1  # noqa: S311  no secret
    configured(tmp_path, clean.site)
    asked_of(clean.site)
    answers = killed(tmp_path, "snapshot", "--all", after=int(clean.requests * (tenth + draw.random()) / 10))
    check_what_was_left(tmp_path)
    while draw.random() < 0.5 and answers < clean.requests - CONCURRENCY:
        answers += killed(tmp_path, "snapshot", "--all", "--resume", after=draw.randrange(clean.requests - CONCURRENCY - answers))
        check_what_was_left(tmp_path)
        kills += 1
    with started(tmp_path, "snapshot", "--all", "--resume") as process:
        assert process.wait(60) == 0
    assert taken(tmp_path / SNAPSHOT) == (clean.lines, clean.coverage)
    assert clean.requests <= asked_of(clean.site) <= clean.requests + kills * CONCURRENCY
    assert {path.name for path in tmp_path.iterdir()} == {CONFIG, SNAPSHOT}


def check_what_was_left(folder: Path) -> None:
    """Check that only its owner may read a journal, and that it holds no credential."""
    assert not (folder / SNAPSHOT).exists()
    assert [path.name for path in left_by(folder)] == [JOURNAL, f"{JOURNAL}-wal"]
    for path in left_by(folder):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        content = path.read_bytes()
        assert not [secret for secret in SECRET_BYTES if secret in content]


# --------------------------------------------------------------------------------------------------------------- every step


class Kept(Journal):
    """A journal that keeps what would be left of it if the program were killed after a step, and how much was asked by then."""

    def __init__(self, path: Path, log: list[str]) -> None:
        self.left: list[tuple[Path, int]] = []
        self._log = log
        super().__init__(path)

    @contextmanager
    def step(self) -> Iterator[None]:
        with super().step():
            yield
        folder = self._path.parent / str(len(self.left))
        folder.mkdir()
        for path in left_by(self._path.parent):
            shutil.copy(path, folder)
        self.left.append((folder / self._path.name, len(self._log)))


def gone_through(
    site: StandIn, credentials: Credentials, journal: Journal, log: list[str]
) -> tuple[tuple[Record, ...], walk.Collection]:
    """Collect into a journal, and return what that gave, but for times."""
    api = Api(site.api_url, site.sites, credentials, concurrency=1, log=log.append, detailed=True)
    options = walk.Options(None, tuple(site.sites), frozenset({"undocumented", "probe"}), 1)
    try:
        went = walk.collect(api, options, journal)
    finally:
        api.close()
    timeless = tuple(msgspec.structs.replace(each, seconds=0.0) for each in went.endpoints)
    return tuple(journal.sorted()), replace(went, endpoints=timeless)


def questions(log: list[str]) -> Counter[str]:
    """Return what was asked, without what was answered and how long it took."""
    return Counter(line.partition(": ")[0] for line in log)


@pytest.mark.parametrize("credentials", [ADMINISTRATOR, AGENT], ids=["administrator", "agent"])
def test_after_any_step_just_the_rest_is_asked_for_and_all_is_there(
    tmp_path: Path, demo_site: StandIn, credentials: Credentials
) -> None:
    log: list[str] = []
    with Kept(tmp_path / JOURNAL, log) as journal:
        wanted = gone_through(demo_site, credentials, journal, log)
    assert len(journal.left) > 50
    # What follows from what is decided at the beginning; the settling at the end.
    for path, before in [*journal.left[:20], *journal.left[20::5], *journal.left[-3:]]:
        rest: list[str] = []
        with Journal(path, resume=True) as left:
            assert gone_through(demo_site, credentials, left, rest) == wanted
        assert questions(log[:before]) + questions(rest) == questions(log)


# ------------------------------------------------------------------------------------------------------------ asked to end


@contextmanager
def never_answering() -> Iterator[tuple[Faulty, threading.Event]]:
    """Play a site that keeps one question open until it is let go."""
    let_go = threading.Event()

    def late(_asked: Asked) -> Answer:
        let_go.wait(60)
        return said({"version": "1"})

    with faulty({"/rest/api/3/serverInfo": [late]}) as server:
        try:
            yield server, let_go
        finally:
            let_go.set()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("more", [(), ("-vv",), ("-o", "-")], ids=" ".join)
def test_who_ends_it_is_told_how_to_go_on_and_waits_for_no_answer(
    tmp_path: Path, how: signal.Signals, more: tuple[str, ...]
) -> None:
    with never_answering() as (server, let_go):
        site = StandIn(server.url, {"acme": server.url})
        configured(tmp_path, site)
        with started(tmp_path, "snapshot", "--all", *more) as process:
            while not any(asked.path == "/rest/api/3/serverInfo" for asked in server.asked):
                assert process.poll() is None
            process.send_signal(how)
            _, err = process.communicate(timeout=30)
        assert not let_go.is_set()
        said_last = [line for line in err.decode().splitlines() if not line.startswith("  ")]
        goes_on = [" hint: go on with the same command and --resume"] if "-" not in more else []
        assert said_last == ["error: interrupted", *goes_on]
        assert process.returncode == 3
        assert bool(left_by(tmp_path)) == bool(goes_on)


def test_ctrl_c_is_no_failing_policy_whatever_it_ends(tmp_path: Path, open_site: StandIn) -> None:
    configured(tmp_path, open_site)
    with started(tmp_path, "check", "-", stdin=subprocess.PIPE) as process:
        assert process.stdin
        process.stdin.write(b"\n" * 2**20)  # more than a pipe holds, so it is read
        process.stdin.flush()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 3
        assert process.stderr
        assert process.stderr.read() == b"error: interrupted\n"


# ---------------------------------------------------------------------------------------------------- what cannot be gone on


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory, open_site: StandIn) -> Path:
    """Leave an interrupted collection behind, once for all tests that copy it."""
    folder = tmp_path_factory.mktemp("left")
    configured(folder, open_site)
    killed(folder, "snapshot", after=12)
    return folder


@pytest.fixture
def interrupted(left: Path, tmp_path: Path) -> Path:
    shutil.copytree(left, tmp_path, dirs_exist_ok=True)
    return tmp_path


def written(path: Path) -> list[str]:
    """Return all that a journal holds."""
    copy = path.parent / "copy"
    copy.mkdir()
    for each in left_by(path.parent):
        shutil.copy(each, copy)
    base = sqlite3.connect(copy / path.name)
    lines = list(base.iterdump())
    base.close()
    shutil.rmtree(copy)
    return lines


def check_refused(done: Outcome, code: int, error: str, hint: str) -> None:
    assert (done.code, done.err) == (code, f"error: {error}\n hint: {hint}\n")


ANEW = "start anew, without --resume"


def test_what_was_interrupted_can_be_gone_on_with_fewer_at_a_time_too(
    interrupted: Path, open_site: StandIn, atlascan: Atlascan
) -> None:
    configured(interrupted, open_site, concurrency=1)
    done = atlascan("snapshot", "--resume")
    assert done.code == 0
    assert done.err.startswith("going on with the collection of ")
    assert not left_by(interrupted)


def test_there_has_to_be_something_to_go_on_with(tmp_path: Path, open_site: StandIn, atlascan: Atlascan) -> None:
    configured(tmp_path, open_site)
    error = f"{JOURNAL}: there is no interrupted collection to go on with"
    check_refused(atlascan("snapshot", "--resume"), 2, error, "start one without --resume")
    assert not left_by(tmp_path)


OTHER = (
    f"{JOURNAL}: cannot be gone on with: it was begun with another configuration, other policies or accounts, or another version"
)
OTHERWISE: dict[str, dict[str, Any]] = {
    "site": {"sites": [{"name": "acme", "url": "http://127.0.0.1:1"}]},
    "interface": {"api_url": "http://127.0.0.1:1"},
    "organization": {"org": {"id": "another"}},
    "way to log in": {"auth": "scoped"},
    "profile": {"profile": "baseline"},
    "opt-in": {"collect": {"undocumented": False, "probe": True}},
    "window": {"collect": {"undocumented": True, "probe": True, "audit_days": 2}},
}


@pytest.mark.parametrize("what", OTHERWISE)
def test_another_configuration_cannot_go_on(interrupted: Path, atlascan: Atlascan, what: str) -> None:
    before = written(interrupted / JOURNAL)
    settings = json.loads((interrupted / CONFIG).read_text(encoding="utf-8"))
    changes = dict(OTHERWISE[what])
    if "auth" in changes:
        changes = {"sites": [{**settings["sites"][0], **changes}]}
    (interrupted / CONFIG).write_text(json.dumps({**settings, **changes}), encoding="utf-8")
    check_refused(atlascan("snapshot", "--resume"), 2, OTHER, ANEW)
    assert written(interrupted / JOURNAL) == before


def test_everything_cannot_go_on_where_a_part_was_begun(interrupted: Path, atlascan: Atlascan) -> None:
    before = written(interrupted / JOURNAL)
    check_refused(atlascan("snapshot", "--all", "--resume"), 2, OTHER, ANEW)
    assert written(interrupted / JOURNAL) == before


@pytest.mark.parametrize(
    "credentials",
    [
        {**ADMIN, "ATLASCAN_EMAIL": "agent@acme.example"},
        {name: value for name, value in ADMIN.items() if "ORG" not in name},
        {"ATLASCAN_ORG_API_KEY": ADMIN["ATLASCAN_ORG_API_KEY"]},
    ],
    ids=["another account", "no key", "no account"],
)
def test_what_one_account_began_another_cannot_go_on(interrupted: Path, atlascan: Atlascan, credentials: Mapping[str, str]) -> None:
    before = written(interrupted / JOURNAL)
    check_refused(atlascan("snapshot", "--resume", credentials=credentials), 2, OTHER, ANEW)
    assert written(interrupted / JOURNAL) == before


def test_an_account_may_go_on_with_a_new_token(interrupted: Path, atlascan: Atlascan) -> None:
    done = atlascan("snapshot", "--resume", credentials={**ADMIN, "ATLASCAN_API_TOKEN": "a-new-one"})
    assert done.code == 0
    assert not left_by(interrupted)


def test_another_version_makes_another_fingerprint() -> None:
    options = walk.Options("o", ("acme",), frozenset(), 1)
    assert walk.fingerprint(options, {}, "atlascan 1") != walk.fingerprint(options, {}, "atlascan 2")


@pytest.mark.parametrize(("age", "code"), [(timedelta(hours=-1), 0), (timedelta(hours=1), 2)])
def test_what_was_begun_more_than_a_day_ago_cannot_be_gone_on_with(
    interrupted: Path, atlascan: Atlascan, age: timedelta, code: int
) -> None:
    began = datetime.now(UTC) - LONGEST_INTERRUPTION - age
    with Journal(interrupted / JOURNAL, resume=True) as journal:
        journal.note("began", began.isoformat())
    done = atlascan("snapshot", "--resume")
    assert done.code == code
    if code:
        check_refused(done, 2, f"{JOURNAL}: cannot be gone on with: it was begun on {began:%Y-%m-%d}", ANEW)
        assert left_by(interrupted)


def stranger() -> bytes:
    """Return a SQLite file of somebody else's, whose table bears the name of one of ours."""
    base = sqlite3.connect(":memory:")
    base.execute("CREATE TABLE notes (text TEXT)")
    base.execute("INSERT INTO notes VALUES ('buy milk')")
    base.commit()
    content = base.serialize()
    base.close()
    return content


NOT_OURS = (f"{JOURNAL}: not a journal of atlascan", "remove it, or name another file with --output")


@pytest.mark.parametrize("resume", [("--resume",), ()], ids=["resumed", "anew"])
@pytest.mark.parametrize("content", [b"no SQLite at all " * 1000, stranger()], ids=["garbage", "stranger"])
def test_a_file_of_somebody_elses_is_left_alone(
    tmp_path: Path, open_site: StandIn, atlascan: Atlascan, content: bytes, resume: tuple[str, ...]
) -> None:
    configured(tmp_path, open_site)
    (tmp_path / JOURNAL).write_bytes(content)
    check_refused(atlascan("snapshot", *resume), 2, *NOT_OURS)
    assert (tmp_path / JOURNAL).read_bytes() == content
    assert {path.name for path in tmp_path.iterdir()} == {CONFIG, JOURNAL}


def test_an_empty_journal_cannot_be_gone_on_with(tmp_path: Path, open_site: StandIn, atlascan: Atlascan) -> None:
    configured(tmp_path, open_site)
    (tmp_path / JOURNAL).touch()
    check_refused(atlascan("snapshot", "--resume"), 2, f"{JOURNAL}: holds nothing to go on with", ANEW)


@pytest.mark.parametrize("tenth", [1, 5, 9])
def test_a_damaged_journal_cannot_be_gone_on_with(interrupted: Path, atlascan: Atlascan, tenth: int) -> None:
    Journal(interrupted / JOURNAL, resume=True).close()  # what was beside it is in it now
    content = (interrupted / JOURNAL).read_bytes()
    (interrupted / JOURNAL).write_bytes(content[: len(content) * tenth // 10])
    hint = "remove it and start anew, without --resume"
    check_refused(atlascan("snapshot", "--resume"), 2, f"{JOURNAL}: damaged, and cannot be gone on with", hint)


def test_what_the_end_of_a_journal_was_lost_of_is_asked_for_again(interrupted: Path, atlascan: Atlascan) -> None:
    beside = interrupted / f"{JOURNAL}-wal"
    content = beside.read_bytes()
    beside.write_bytes(content[: len(content) * 2 // 3])
    assert atlascan("snapshot", "--resume").code == 0
    ended = taken(interrupted / SNAPSHOT)
    assert atlascan("snapshot").code == 0
    assert taken(interrupted / SNAPSHOT) == ended


@pytest.mark.parametrize("resume", [("--resume",), ()], ids=["resumed", "anew"])
def test_two_at_a_time_do_not_write_into_one_journal(interrupted: Path, atlascan: Atlascan, resume: tuple[str, ...]) -> None:
    before = written(interrupted / JOURNAL)
    with Journal(interrupted / JOURNAL, resume=True):
        done = atlascan("snapshot", *resume)
    hint = "wait for it, or name another file with --output"
    check_refused(done, 3, f"{JOURNAL}: another atlascan is collecting into it", hint)
    assert written(interrupted / JOURNAL) == before


@pytest.mark.parametrize(
    ("more", "error"),
    [
        (("-o", "-"), "--resume goes on with a collection into a file"),
        (("--record", "recording"), "--record and --resume exclude each other"),
        (("--replay", "recording"), "--replay and --resume exclude each other"),
    ],
    ids=["pipe", "record", "replay"],
)
def test_only_a_collection_into_a_file_can_be_gone_on_with(
    interrupted: Path, atlascan: Atlascan, more: tuple[str, ...], error: str
) -> None:
    before = written(interrupted / JOURNAL)
    done = atlascan("snapshot", "--resume", *more)
    assert (done.code, done.err.splitlines()[-1]) == (2, f"Error: {error}")
    assert written(interrupted / JOURNAL) == before


def test_a_journal_that_nobody_may_write_is_named(interrupted: Path, atlascan: Atlascan) -> None:
    (interrupted / JOURNAL).unlink()
    (interrupted / JOURNAL).mkdir()
    done = atlascan("snapshot")
    assert done.code == 3
    assert done.err.startswith(f"error: {JOURNAL}: cannot be written: ")


def test_starting_anew_throws_away_what_was_interrupted_and_says_so(interrupted: Path, atlascan: Atlascan) -> None:
    with Journal(interrupted / JOURNAL, resume=True) as journal:
        journal.note("org", "an organization that there is not")
    done = atlascan("snapshot")
    assert done.code == 0
    assert done.err.splitlines()[0] == "warning: an interrupted collection was thrown away; --resume would have gone on with it"
    assert "an organization that there is not" not in (interrupted / SNAPSHOT).read_text(encoding="utf-8")
    assert not left_by(interrupted)


def test_a_journal_is_made_in_a_new_folder_too(tmp_path: Path, open_site: StandIn, atlascan: Atlascan) -> None:
    configured(tmp_path, open_site)
    assert atlascan("snapshot", "-o", "new/folder/a.ndjson").code == 0
    assert [path.name for path in (tmp_path / "new" / "folder").iterdir()] == ["a.ndjson"]


def test_a_journal_that_others_could_read_is_closed_to_them(interrupted: Path) -> None:
    (interrupted / JOURNAL).chmod(0o644)
    with Journal(interrupted / JOURNAL, resume=True):
        assert stat.S_IMODE((interrupted / JOURNAL).stat().st_mode) == 0o600


def test_a_target_that_is_no_file_is_refused_before_anything_is_asked(tmp_path: Path, atlascan: Atlascan) -> None:
    (tmp_path / "folder").mkdir()
    with faulty() as server:
        configured(tmp_path, StandIn(server.url, {"acme": server.url}))
        done = atlascan("snapshot", "-o", "folder")

        assert (done.code, done.err) == (
            3,
            "error: folder: cannot be written: it is not a file\n hint: - writes to standard output\n",
        )
        assert server.asked == []
    assert not (tmp_path / "folder.journal").exists()
