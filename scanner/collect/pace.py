"""When the next request may be sent: what Atlassian announces, what it publishes, and what its refusals teach.

Atlassian counts bursts for each site, endpoint and method, so each of these has a `Bucket` of its own, which all threads share. A
bucket that was told to wait holds back everything that would go there, and then learns from how much was let through how fast it
may go on. Times are in seconds of a monotonic clock.
"""

import random
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from urllib3.exceptions import MaxRetryError
from urllib3.util.retry import Retry

RETRIES = 4
# Whoever is told to wait did nothing wrong, and is asked again more often than whoever met a fault.
WAITS = 10
LONGEST_PAUSE = 60
# The retries that an endpoint has from the start, and how many answers earn one more.
BUDGET, ANSWERS_A_RETRY = 100, 5

# So many answers tell how fast an endpoint may be asked; fewer allow a guess. By how much it is tried, step by step, whether it may
# be faster: more than boldly after a guess, boldly at first, since bursts hide the rate, and more slowly once two refusals agree.
_TELLING = 10
_GROWTH = (2.00, 1.20, 1.02)
_STEP_BACK = 0.75
# A step is a second, but where answers come seldom it is so many of them; and there is an end to what a number can hold.
_ANSWERS_A_STEP, _MOST_STEPS = 3, 1000
# The least that a clock may tell apart.
_TICK = 0.001


@dataclass(slots=True)
class Bucket:
    """The requests to one endpoint of one site by one method.

    `ceiling` is what Atlassian publishes: so many requests in so many seconds.
    """

    ceiling: tuple[int, float] | None = None
    clock: Callable[[], float] = time.monotonic
    retries_left: float = BUDGET
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _held_until: float = 0.0
    _next_at: float = 0.0
    _sent: deque[float] = field(default_factory=deque)
    _rate: float | None = None
    _lessons: int = 0
    _since: float | None = None
    _accepted: int = 0
    _futile: int = 0

    @property
    def held_until(self) -> float:
        """Return until when nothing is sent, because an answer said so."""
        return self._held_until

    def opens_at(self) -> float:
        """Return when the next request may be sent; what is past means now."""
        with self._lock:
            return max(self._held_until, self._next_at, self._below_ceiling_at())

    def take(self) -> None:
        """Count a request that is sent now."""
        with self._lock:
            now = self.clock()
            self._since = now if self._since is None else self._since
            if pace := self._pace(now):
                self._next_at = max(self._next_at, now - 1 / pace) + 1 / pace
            if self.ceiling:
                self._sent.append(now)

    def accepted(self, hold: float | None = None) -> None:
        """Count an answer; `hold` seconds, if it said that no more are allowed until then."""
        with self._lock:
            self._accepted += 1
            self.retries_left = min(self.retries_left + 1 / ANSWERS_A_RETRY, BUDGET)
            if hold is not None:
                self._held_until = max(self._held_until, self.clock() + hold)

    def refused(self, sent_at: float, wait: float | None) -> None:
        """Hold everything back for so many seconds (None: nobody said how many), and learn from how much came through before.

        The requests that were under way when the first of them was refused tell nothing new but how long to wait.
        """
        with self._lock:
            now = self.clock()
            is_news = self._since is not None and sent_at >= self._since
            if wait is None:
                wait = self._untold_wait() if is_news else 0.0
            self._held_until = max(self._held_until, now + wait)
            if self._since is None or not is_news:
                return
            self._learn(max(self._held_until - self._since, _TICK), self._pace(now))
            self._futile = 0 if self._accepted else self._futile + 1
            self._next_at = self._since = self._held_until
            self._accepted = 0

    def spend_retry(self) -> bool:
        """Take one retry from what the endpoint has left; False if there is none."""
        with self._lock:
            if self.retries_left < 1:
                return False
            self.retries_left -= 1
            return True

    def _learn(self, seconds: float, tried: float | None) -> None:
        """Choose how fast to go on, by what came through in so many seconds, and how fast it was tried at last."""
        if self._accepted >= _TELLING:
            # What came through while it waited too is slow enough for certain; a little less than what was refused may be.
            self._rate = max(self._accepted / seconds, _STEP_BACK * (tried or 0.0))
            self._lessons += 1
        elif self._rate is None:
            self._rate = max(self._accepted, 1) / seconds
        elif self._accepted:  # else the wait was too short, which says nothing of the pace
            self._rate /= 2

    def _untold_wait(self) -> float:
        """Return how long to wait where nobody says: twice as long each time that waiting did not help."""
        return float(min(2**self._futile, LONGEST_PAUSE) * random.uniform(1.0, 1.5))  # noqa: S311  no secret

    def _pace(self, now: float) -> float | None:
        """Return how many requests a second are tried at this moment, if anything was learned of it."""
        if self._rate is None or self._since is None:
            return None
        growth = _GROWTH[min(self._lessons, len(_GROWTH) - 1)]
        steps = min(max(0.0, now - self._since), self._accepted / _ANSWERS_A_STEP, _MOST_STEPS)
        return float(self._rate * growth**steps)

    def _below_ceiling_at(self) -> float:
        if not self.ceiling:
            return 0.0
        most, seconds = self.ceiling
        while self._sent and self._sent[0] <= self.clock() - seconds:
            self._sent.popleft()
        return self._sent[-most] + seconds if len(self._sent) >= most else 0.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How often one request has been sent again, and how long it waits before the next time."""

    faults: Retry = field(default_factory=lambda: _policy(RETRIES))
    waits: Retry = field(default_factory=lambda: _policy(WAITS))

    def after_fault(self, most: int | None = None) -> "Patience | None":
        """Return what is left after a fault; None if it was one too many, or one more than `most`."""
        again = _again(self.faults)
        return replace(self, faults=again) if again and (most is None or len(again.history) <= most) else None

    def after_wait(self) -> "Patience | None":
        """Return what is left after being told to wait; None if it was once too often."""
        again = _again(self.waits)
        return replace(self, waits=again) if again else None

    @property
    def pause(self) -> float:
        """Return how many seconds to let pass after the latest fault: more each time, and never the same for two."""
        return self.faults.get_backoff_time()


def _policy(most: int) -> Retry:
    return Retry(total=most, backoff_factor=0.5, backoff_jitter=0.5, backoff_max=LONGEST_PAUSE)


def _again(retry: Retry) -> Retry | None:
    try:
        return retry.increment(method="GET", url="/")
    except MaxRetryError:
        return None
