"""What waits to be asked, and which of it may be sent next."""

import heapq
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from scanner.collect.pace import Bucket
from scanner.collect.status import HostStatus


@dataclass(slots=True, eq=False)
class Lane:
    """The tasks that wait for one endpoint of one site. What lies higher up goes first, since more follows from it."""

    bucket: Bucket
    host: str
    depth: int
    running: int = 0
    tasks: deque[int] = field(default_factory=deque)


@dataclass(slots=True)
class _Host:
    done: int = 0
    running: int = 0
    waiting: int = 0


class Lanes:
    """All lanes, and the tasks that pause before they go back into theirs. Used by one thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._waiting: dict[Lane, None] = {}
        self._paused: list[tuple[float, int, int, Lane]] = []
        self._sequence = count()
        self._hosts: dict[str, _Host] = {}
        self.running = 0

    def __bool__(self) -> bool:
        """Tell whether anything is left to do."""
        return bool(self.running or self._waiting or self._paused)

    def queue(self, lane: Lane, task: int, *, first: bool = False) -> None:
        """Let a task wait in its lane, before all others if it is to go `first`."""
        (lane.tasks.appendleft if first else lane.tasks.append)(task)
        self._waiting[lane] = None
        self._host(lane).waiting += 1

    def pause(self, lane: Lane, task: int, seconds: float) -> None:
        """Let a task wait for so many seconds before it goes back into its lane."""
        heapq.heappush(self._paused, (self._clock() + seconds, next(self._sequence), task, lane))
        self._host(lane).waiting += 1

    def send(self) -> tuple[int, Lane] | None:
        """Take the task that is to be sent now; None if all have to wait."""
        now = self._clock()
        while self._paused and self._paused[0][0] <= now:
            _, _, task, rested = heapq.heappop(self._paused)
            self._host(rested).waiting -= 1
            self.queue(rested, task, first=True)
        opened = (lane for lane in self._waiting if lane.bucket.opens_at() <= now)
        lane = min(opened, key=lambda each: (each.depth, each.running), default=None)
        if lane is None:
            return None
        task = lane.tasks.popleft()
        if not lane.tasks:
            del self._waiting[lane]
        lane.bucket.take()
        lane.running += 1
        self.running += 1
        self._host(lane).waiting -= 1
        self._host(lane).running += 1
        return task, lane

    def answered(self, lane: Lane) -> None:
        """Count a task that came back."""
        lane.running -= 1
        self.running -= 1
        self._host(lane).running -= 1
        self._host(lane).done += 1

    def wait(self) -> float | None:
        """Return for how many seconds nothing can be sent; None if nothing waits."""
        moments = [lane.bucket.opens_at() for lane in self._waiting]
        if self._paused:
            moments.append(self._paused[0][0])
        return max(0.0, min(moments) - self._clock()) if moments else None

    def statuses(self) -> Iterator[HostStatus]:
        """Yield how far the requests to each host are."""
        now = self._clock()
        for name, host in sorted(self._hosts.items()):
            held = [lane.bucket.held_until - now for lane in self._waiting if lane.host == name]
            longest = max(held, default=0.0)
            until = datetime.now(UTC) + timedelta(seconds=longest) if longest > 0 else None
            yield HostStatus(host=name, done=host.done, running=host.running, waiting=host.waiting, held_until=until)

    def _host(self, lane: Lane) -> _Host:
        return self._hosts.setdefault(lane.host, _Host())
