"""Whoever waits sees how far it got, in words that promise nothing; and whatever becomes of the display, the collection goes on."""

import os
import re
import select
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from io import FileIO, StringIO
from typing import TextIO

import pytest
from rich.console import Console

from scanner.cli.progress import Forgiving, Hosts, Live, Log, shown
from scanner.collect.status import HostStatus

ADMIN, SITE = "api.atlassian.com", "acme-support.atlassian.net"
NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
CURSOR_SHOWN = "\x1b[?25h"
REDRAWN = re.compile(r"(?:\x1b\[\?25[lh]|\r|\x1b\[2K|\x1b\[1A)+")


class FakeClock:
    def __init__(self) -> None:
        self.now = NOON
        self.looks = 0

    def __call__(self) -> datetime:
        self.looks += 1
        return self.now

    def after(self, seconds: float) -> datetime:
        self.now += timedelta(seconds=seconds)
        return self.now


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def hosts(clock: FakeClock) -> Hosts:
    return Hosts(clock)


def at(host: str, done: int, running: int = 0, waiting: int = 0, held_until: datetime | None = None) -> HostStatus:
    return HostStatus(host, done, running, waiting, held_until)


def words(hosts: Hosts) -> list[str]:
    return [said for _, said in hosts.words()]


def frames(text: str) -> list[str]:
    """Return what stood on a terminal, one after the other."""
    return ["\n".join(map(str.rstrip, frame.splitlines())) for frame in REDRAWN.split(text) if frame.strip()]


def terminal(file: StringIO, width: int = 80) -> Console:
    return Console(file=file, force_terminal=True, width=width, color_system=None, legacy_windows=False)


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 10
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.005)
    return holds()


# ------------------------------------------------------------------------------------------------------------ what is said


def test_a_host_is_said_to_be_held_until_it_is_not(hosts: Hosts, clock: FakeClock) -> None:
    hosts.watch((at(SITE, 7, 0, 3, NOON + timedelta(seconds=42)),))
    assert words(hosts) == ["7 done, 3 waiting, held until 12:00:42 UTC, at least 42 s left"]
    clock.after(41.5)
    assert words(hosts) == ["7 done, 3 waiting, held until 12:00:42 UTC"]
    clock.after(1)
    assert words(hosts) == ["7 done, 3 waiting"]


def test_nothing_is_estimated_before_there_is_a_pace(hosts: Hosts, clock: FakeClock) -> None:
    hosts.watch((at(SITE, 0, 16, 1000),))
    assert words(hosts) == ["0 done, 16 running, 1000 waiting"]
    clock.after(1)
    hosts.watch((at(SITE, 10, 16, 990),))
    assert words(hosts) == ["10 done, 16 running, 990 waiting"]
    clock.after(1)
    hosts.watch((at(SITE, 20, 16, 984),))
    assert words(hosts) == ["20 done, 16 running, 984 waiting, at least 1 min left"]


def test_an_estimate_grows_with_what_is_found(hosts: Hosts, clock: FakeClock) -> None:
    hosts.watch((at(SITE, 0, 1),))
    words(hosts)
    clock.after(10)
    hosts.watch((at(SITE, 100, 10, 90),))
    assert words(hosts) == ["100 done, 10 running, 90 waiting, at least 10 s left"]
    hosts.watch((at(SITE, 100, 10, 60_000),))
    assert words(hosts) == ["100 done, 10 running, 60000 waiting, at least 1 h 40 min left"]


def test_a_pace_leaves_out_when_nothing_was_under_way(hosts: Hosts, clock: FakeClock) -> None:
    hosts.watch((at(SITE, 0, 10, 200),))
    words(hosts)
    hold = clock.after(10) + timedelta(seconds=600)
    hosts.watch((at(SITE, 100, 0, 110, hold),))
    assert words(hosts) == ["100 done, 110 waiting, held until 12:10:10 UTC, at least 10 min left"]
    clock.after(600)
    hosts.watch((at(SITE, 100, 10, 100, hold),))
    assert words(hosts) == ["100 done, 10 running, 100 waiting, at least 11 s left"]


def test_what_was_done_before_anybody_looked_says_nothing_about_the_pace(hosts: Hosts, clock: FakeClock) -> None:
    hosts.watch((at(SITE, 50_000, 10, 100),))
    words(hosts)
    clock.after(10)
    hosts.watch((at(SITE, 50_010, 10, 90),))
    assert words(hosts) == ["50010 done, 10 running, 90 waiting, at least 1 min left"]


def test_a_clock_that_is_set_back_breaks_nothing(hosts: Hosts, clock: FakeClock) -> None:
    hosts.watch((at(SITE, 0, 10, 100),))
    words(hosts)
    clock.after(-3600)
    hosts.watch((at(SITE, 10, 10, 100),))
    assert words(hosts) == ["10 done, 10 running, 100 waiting"]


# ------------------------------------------------------------------------------------------------------------- on a terminal


def test_a_terminal_shows_each_host_in_its_place(hosts: Hosts, clock: FakeClock) -> None:
    file = StringIO()
    live = Live(terminal(file), hosts, clock)
    with live.progress:
        hosts.watch((at(ADMIN, 0, 8), at(SITE, 0, 16, 300)))
        live.draw()
        clock.after(10)
        hosts.watch((at(ADMIN, 41), at(SITE, 100, 16, 284, clock.now + timedelta(seconds=42))))
        live.draw()
    last = frames(file.getvalue())[-1]
    assert last == (
        "  api.atlassian.com          41 done\n"
        "- acme-support.atlassian.net 100 done, 16 running, 284 waiting, held until\n"
        "                             12:00:52 UTC, at least 1 min left"
    )
    assert (
        "- api.atlassian.com          0 done, 8 running\n- acme-support.atlassian.net 0 done, 16 running, 300 waiting"
    ) in frames(file.getvalue())


def test_a_terminal_is_left_as_it_was(hosts: Hosts, clock: FakeClock) -> None:
    file = StringIO()
    live = Live(terminal(file), hosts, clock)
    with live.progress:
        hosts.watch((at(ADMIN, 1, 1), at(SITE, 1, 1)))
        live.draw()
    assert file.getvalue().endswith("\n\x1b[?25h\r\x1b[1A\x1b[2K\x1b[1A\x1b[2K"), "cursor shown, and both lines gone"


@pytest.mark.parametrize("width", [40, 80])
def test_no_line_is_wider_than_the_terminal(hosts: Hosts, clock: FakeClock, width: int) -> None:
    file = StringIO()
    live = Live(terminal(file, width), hosts, clock)
    with live.progress:
        hosts.watch((at(SITE, 123_456, 16, 654_321, NOON + timedelta(hours=5)),))
        live.draw()
    shown_lines = [line for frame in frames(file.getvalue()) for line in frame.splitlines()]
    assert max(map(len, shown_lines)) <= width
    assert "held" in file.getvalue()


@dataclass
class Terminal:
    """A terminal as the system has them: what is written to the file, a person would read at the other end."""

    end: FileIO
    file: TextIO

    def read(self, until: str) -> str:
        """Return what arrives, up to some words that have to."""
        text = ""
        while until not in text:
            assert select.select([self.end], [], [], 10)[0], f"{until!r} never came, only {text!r}"
            text += self.end.read(65536).decode()
        return text


@contextmanager
def written(descriptor: int) -> Iterator[TextIO]:
    """Open a file that may have nobody left to read it."""
    file = os.fdopen(descriptor, "w", encoding="utf-8", buffering=1)
    yield file
    with suppress(OSError):
        file.close()


@pytest.fixture(name="tty")
def _tty(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    monkeypatch.setenv("TERM", "xterm")
    end, theirs = os.openpty()
    with FileIO(end) as ours, written(theirs) as file:
        yield Terminal(ours, file)


def test_a_real_terminal_is_drawn_on_without_being_told_to(tty: Terminal, clock: FakeClock) -> None:
    with shown(tty.file, clock=clock, beat=0.001) as watch:
        watch((at(SITE, 3, 1),))
        assert f"- {SITE} 3 done, 1 running" in tty.read(until="running")


def test_what_is_said_meanwhile_stands_in_lines_of_its_own(tty: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", tty.file)
    with shown(tty.file, beat=60):
        sys.stderr.write("warning: something\n")
    assert sys.stderr is tty.file
    assert "warning: something" in [frame.strip() for frame in frames(tty.read(until=CURSOR_SHOWN))]


def test_a_terminal_that_cannot_draw_is_written_to_like_a_log(
    tty: Terminal, monkeypatch: pytest.MonkeyPatch, clock: FakeClock
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    with shown(tty.file, clock=clock, beat=0.001) as watch:
        watch((at(SITE, 3, 1),))
        clock.after(60)
        assert tty.read(until="\n") == f"collecting for 1 min: {SITE} 3 done, 1 running\r\n"


# ------------------------------------------------------------------------------------------------------------------ in a log


def test_a_log_gets_a_line_a_minute(hosts: Hosts, clock: FakeClock) -> None:
    file = StringIO()
    log = Log(file, hosts, clock)
    for second in range(0, 180, 5):
        clock.now = NOON + timedelta(seconds=second)
        hosts.watch((at(ADMIN, min(second, 40), 1 if second < 40 else 0), at(SITE, second * 10, 16, 2384)))
        log.draw()
    assert file.getvalue() == (
        f"collecting for 1 min: {ADMIN} 40 done; {SITE} 600 done, 16 running, 2384 waiting, at least 4 min left\n"
        f"collecting for 2 min: {ADMIN} 40 done; {SITE} 1200 done, 16 running, 2384 waiting, at least 4 min left\n"
    )


def test_a_log_says_the_same_words_as_a_terminal(clock: FakeClock) -> None:
    statuses = (at(ADMIN, 5, 1), at(SITE, 7, 2, 9, NOON + timedelta(minutes=3)))
    logged, drawn = StringIO(), StringIO()
    for_log, for_terminal = Hosts(clock), Hosts(clock)
    log, live = Log(logged, for_log, clock), Live(terminal(drawn, 200), for_terminal, clock)
    with live.progress:
        for each in (for_log, for_terminal):
            each.watch(statuses)
        clock.after(61)
        log.draw()
        live.draw()
    for line in frames(drawn.getvalue())[-1].splitlines():
        assert " ".join(line.removeprefix("-").split()) in logged.getvalue()


def test_a_run_of_less_than_a_minute_logs_nothing(hosts: Hosts, clock: FakeClock) -> None:
    file = StringIO()
    log = Log(file, hosts, clock)
    for second in range(60):
        hosts.watch((at(SITE, second, 1),))
        log.draw()
        clock.now = NOON + timedelta(seconds=second + 0.9)
    assert file.getvalue() == ""


def test_a_machine_that_slept_writes_one_line_not_many(hosts: Hosts, clock: FakeClock) -> None:
    file = StringIO()
    log = Log(file, hosts, clock)
    clock.after(3600)
    log.draw()
    log.draw()
    assert file.getvalue() == "collecting for 1 h 0 min: nothing asked yet\n"


def test_a_log_goes_on_while_no_answer_comes(clock: FakeClock) -> None:
    file = StringIO()
    with shown(file, clock=clock, beat=0.001) as watch:
        watch((at(SITE, 7, 0, 3, NOON + timedelta(minutes=5)),))
        for minute in (1, 2):
            clock.after(60)
            assert eventually(partial(has_lines, file, minute))
    assert file.getvalue() == (
        f"collecting for 1 min: {SITE} 7 done, 3 waiting, held until 12:05:00 UTC, at least 4 min left\n"
        f"collecting for 2 min: {SITE} 7 done, 3 waiting, held until 12:05:00 UTC, at least 3 min left\n"
    )


def test_no_control_character_gets_into_a_log_or_onto_a_terminal(hosts: Hosts, clock: FakeClock) -> None:
    logged, drawn = StringIO(), StringIO()
    log, live = Log(logged, hosts, clock), Live(terminal(drawn, 200), hosts, clock)
    hosts.watch((at("evil\x1b[31m\nhost [bold]", 1),))
    clock.after(60)
    log.draw()
    with live.progress:
        live.draw()
    assert logged.getvalue().removesuffix("\n").isprintable()
    assert r"evil\x1b[31m host [bold]" in drawn.getvalue()


def test_no_variable_makes_a_terminal_of_a_pipe(monkeypatch: pytest.MonkeyPatch, clock: FakeClock) -> None:
    for variable in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.setenv(variable, "1")
    file = StringIO()
    with shown(file, clock=clock, beat=0.001) as watch:
        watch((at(SITE, 1, 1),))
        clock.after(60)
        assert eventually(partial(has_lines, file, 1))
    assert file.getvalue() == f"collecting for 1 min: {SITE} 1 done, 1 running\n"


# ---------------------------------------------------------------------------------------------------------------- in trouble


def goes_on(stream: TextIO | None, clock: FakeClock) -> None:
    """Collect for a minute, and fail if the display ends that or does not look any more."""
    with shown(stream, clock=clock, beat=0.001) as watch:
        watch((at(SITE, 1, 1),))
        clock.after(60)
        looks = clock.looks
        assert stream is None or eventually(lambda: clock.looks > looks + 10)
        watch((at(SITE, 2),))
    assert not drawing()


def test_a_closed_stream_ends_nothing(clock: FakeClock) -> None:
    file = StringIO()
    file.close()
    goes_on(file, clock)


def test_a_pipe_that_nobody_reads_ends_nothing(clock: FakeClock) -> None:
    end, theirs = os.pipe()
    os.close(end)
    with written(theirs) as file:
        with pytest.raises(BrokenPipeError):
            file.write("a line\n")
        goes_on(file, clock)


def test_a_terminal_that_goes_away_ends_nothing(tty: Terminal, clock: FakeClock) -> None:
    with shown(tty.file, clock=clock, beat=0.001) as watch:
        watch((at(SITE, 1, 1),))
        tty.read(until="1 done")
        tty.end.close()
        looks = clock.looks
        assert eventually(lambda: clock.looks > looks + 10)
        with pytest.raises(OSError, match="Input/output error"):
            tty.file.write("a line\n")
    assert not drawing()


def test_no_stream_at_all_ends_nothing(clock: FakeClock) -> None:
    goes_on(None, clock)


def test_an_error_of_the_collection_passes_through_and_ends_the_display() -> None:
    def interrupted() -> None:
        with shown(StringIO(), beat=0.001):
            assert drawing()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not drawing()


def test_what_is_written_to_a_stream_that_takes_it_arrives() -> None:
    file = StringIO()
    assert Forgiving(file).write("abc") == 3
    assert file.getvalue() == "abc"
    assert not Forgiving(file).isatty()


def drawing() -> bool:
    return any(thread.name == "progress" for thread in threading.enumerate())


def has_lines(file: StringIO, number: int) -> bool:
    return file.getvalue().count("\n") == number
