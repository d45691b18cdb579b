"""Progress: how far the collection has got, host by host; live on a terminal, and one line a minute in a log.

Who collects only hands over what is known, and waits for nothing. A thread of its own draws it a few times a second, however often
it changes and when it does not: a hold of minutes is seen to pass, and a log is not taken for dead.
"""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TextIO, cast

from scanner.render.text import visible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID

    from scanner.collect.status import HostStatus, Watch

BEAT_SECONDS = 0.25
LINE_EVERY = timedelta(minutes=1)
PACE_KNOWN_AFTER = timedelta(seconds=2)

Clock = Callable[[], datetime]


@contextmanager
def shown(stream: TextIO | None, *, clock: Clock = lambda: datetime.now(UTC), beat: float = BEAT_SECONDS) -> "Iterator[Watch]":
    """Show on a stream how far the collection has got, until the end of the context. Nothing that happens to the stream matters."""
    hosts = Hosts(clock)
    with _display(stream, hosts, clock) as draw, _repeated(draw, beat):
        yield hosts.watch


@contextmanager
def _display(stream: TextIO | None, hosts: "Hosts", clock: Clock) -> Iterator[Callable[[], None]]:
    """Open the display that suits the stream, and give what draws on it."""
    if stream is None:
        yield lambda: None
        return
    forgiving = cast("TextIO", Forgiving(stream))
    if console := _console(forgiving):
        live = Live(console, hosts, clock, redirect_stderr=stream is sys.stderr)
        with live.progress:
            yield live.draw
    else:
        yield Log(forgiving, hosts, clock).draw


def _console(stream: TextIO) -> "Console | None":
    """Return a console on the stream if lines can be drawn there in their place. No variable makes a pipe a terminal."""
    if not stream.isatty():
        return None
    from rich.console import Console  # noqa: PLC0415  a pipe needs no display

    console = Console(file=stream, force_terminal=True)
    return console if console.is_interactive else None


@contextmanager
def _repeated(draw: Callable[[], None], seconds: float) -> Iterator[None]:
    """Call a function again and again, in a thread of its own."""
    ended = threading.Event()

    def repeat() -> None:
        while not ended.wait(seconds):
            draw()

    thread = threading.Thread(target=repeat, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


# ------------------------------------------------------------------------------------------------------------ what is known


class Hosts:
    """What is known of the hosts, and how that is said."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._statuses: tuple[HostStatus, ...] = ()
        self._paces: dict[str, Pace] = {}

    def watch(self, statuses: "tuple[HostStatus, ...]") -> None:
        """Take note of how far it has got."""
        self._statuses = statuses

    def words(self) -> "Iterator[tuple[HostStatus, str]]":
        """Yield each host with what is to be said of it at this moment."""
        now = self._clock()
        for status in self._statuses:
            pace = self._paces.setdefault(status.host, Pace(status, now))
            pace.see(status, now)
            yield status, ", ".join(_words(status, pace, now))


@dataclass(slots=True)
class Pace:
    """How fast a host has answered while something was asked of it, without the times when nothing was allowed or to be asked."""

    last: "HostStatus"
    seen_at: datetime
    answered: int = 0
    busy: timedelta = timedelta()

    def see(self, status: "HostStatus", now: datetime) -> None:
        """Take note of what was answered since the last look."""
        if self.last.running:
            self.busy += max(now - self.seen_at, timedelta())
        self.answered += max(status.done - self.last.done, 0)
        self.last, self.seen_at = status, now

    def left(self, now: datetime) -> timedelta:
        """Return how long what is known to be needed takes at this pace, after the hold; before there is a pace, only the hold.

        It is the least that it takes. Any answer may show that there is more to ask for, and another hold may come; so nobody can
        tell the most.
        """
        needed = self.last.running + self.last.waiting
        held = _still_held(self.last, now) if needed else timedelta()
        if not self.answered or self.busy < PACE_KNOWN_AFTER:
            return held
        return held + needed * self.busy / self.answered


def _words(status: "HostStatus", pace: Pace, now: datetime) -> Iterator[str]:
    yield f"{status.done} done"
    if status.running:
        yield f"{status.running} running"
    if status.waiting:
        yield f"{status.waiting} waiting"
    if status.held_until and _still_held(status, now):
        yield f"held until {status.held_until.astimezone(UTC):%H:%M:%S} UTC"
    if (left := pace.left(now)) >= timedelta(seconds=1):
        yield f"at least {_duration(left)} left"


def _still_held(status: "HostStatus", now: datetime) -> timedelta:
    return max(status.held_until - now, timedelta()) if status.held_until else timedelta()


def _duration(time: timedelta) -> str:
    """Return the time in the largest units that matter, rounded down: at least 1 min is still true of 1:59."""
    minutes, seconds = divmod(int(time.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{seconds} s"


# ----------------------------------------------------------------------------------------------------------- where it is shown


class Log:
    """One line a minute, and none for what takes less."""

    def __init__(self, stream: TextIO, hosts: Hosts, clock: Clock) -> None:
        self._stream, self._hosts, self._clock = stream, hosts, clock
        self._started = clock()
        self._next = self._started + LINE_EVERY

    def draw(self) -> None:
        """Write a line if a minute has passed; look at the hosts in any case, to know their pace."""
        said = [visible(f"{status.host} {words}") for status, words in self._hosts.words()]
        now = self._clock()
        if now < self._next:
            return
        self._next = now + LINE_EVERY
        self._stream.write(f"collecting for {_duration(now - self._started)}: {'; '.join(said) or 'nothing asked yet'}\n")
        self._stream.flush()


class Live:
    """A line for each host, drawn anew in its place, and gone at the end."""

    def __init__(self, console: "Console", hosts: Hosts, clock: Clock, *, redirect_stderr: bool = False) -> None:
        from rich.progress import Progress, SpinnerColumn, TextColumn  # noqa: PLC0415  see _console
        from rich.table import Column  # noqa: PLC0415  see _console

        self._hosts = hosts
        self._tasks: dict[str, TaskID] = {}
        self.progress = Progress(
            SpinnerColumn("line", style="none"),
            TextColumn("{task.description}", markup=False),
            TextColumn("{task.fields[words]}", markup=False, table_column=Column()),  # a column that may wrap
            console=console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,  # standard output is for the product
            redirect_stderr=redirect_stderr,
            get_time=lambda: clock().timestamp(),
        )

    def draw(self) -> None:
        """Draw the hosts."""
        for status, words in self._hosts.words():
            if status.host not in self._tasks:
                self._tasks[status.host] = self.progress.add_task(visible(status.host), words=words)
            known = status.done + status.running + status.waiting
            self.progress.update(self._tasks[status.host], completed=status.done, total=known, words=words)
        self.progress.refresh()


class Forgiving:
    """A stream to which writing never fails: what nobody can see any more was not worth ending a collection for."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.encoding = stream.encoding

    def write(self, text: str) -> int:
        """Write, if that can be done."""
        with suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, if that can be done."""
        with suppress(OSError, ValueError):
            self._stream.flush()

    def isatty(self) -> bool:
        """Tell whether it is a terminal."""
        with suppress(OSError, ValueError):
            return self._stream.isatty()
        return False
