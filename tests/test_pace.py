"""Pace: as fast as an endpoint lets us, and no faster; told so by a clock that only moves when somebody waits."""

import heapq
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.collect.lanes import Lane, Lanes
from scanner.collect.pace import ANSWERS_A_RETRY, BUDGET, LONGEST_PAUSE, RETRIES, WAITS, Bucket, Patience

MINUTE, HOUR = 60.0, 3600.0


@dataclass(slots=True)
class Clock:
    """A clock that moves when it is told to."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def _the_same_jitter_each_time() -> Iterator[None]:
    state = random.getstate()
    random.seed("pace")
    yield
    random.setstate(state)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def bucket(clock: Clock) -> Bucket:
    return Bucket(clock=clock)


def answered(bucket: Bucket, times: int = 1) -> None:
    """Have so many requests sent and answered at once."""
    for _ in range(times):
        bucket.take()
        bucket.accepted()


def refused(bucket: Bucket, clock: Clock, wait: float | None = None) -> float:
    """Have a request sent and refused, and return for how long nothing may be sent now."""
    bucket.take()
    bucket.refused(clock.now, wait)
    return bucket.held_until - clock.now


# ---------------------------------------------------------------------------------------------------------------- holds


def test_a_bucket_of_which_nothing_is_known_is_open(bucket: Bucket, clock: Clock) -> None:
    assert bucket.opens_at() <= clock.now


def test_an_answer_that_was_the_last_for_now_holds_the_others_back(bucket: Bucket, clock: Clock) -> None:
    bucket.take()
    bucket.accepted(hold=5)
    assert bucket.opens_at() == bucket.held_until == clock.now + 5


def test_the_longest_hold_counts(bucket: Bucket, clock: Clock) -> None:
    for seconds in (5, 9, 2):
        bucket.take()
        bucket.accepted(seconds)
    assert bucket.held_until == clock.now + 9


def test_a_refusal_holds_for_as_long_as_it_says(bucket: Bucket, clock: Clock) -> None:
    assert refused(bucket, clock, 7) == 7
    assert bucket.opens_at() == clock.now + 7


@given(st.lists(st.floats(0, 30), max_size=80), st.integers(1, 12))
def test_however_it_is_asked_a_published_ceiling_is_kept(delays: list[float], most: int) -> None:
    clock, sent = Clock(), []
    bucket = Bucket((most, MINUTE), clock)
    for delay in delays:
        clock.now = max(clock.now + delay, bucket.opens_at())
        bucket.take()
        sent.append(clock.now)
    assert all(later - earlier >= MINUTE - 1e-9 for earlier, later in zip(sent, sent[most:], strict=False))


def test_a_ceiling_costs_no_more_than_it_must(clock: Clock) -> None:
    bucket, began = Bucket((10, MINUTE), clock), clock.now
    for _ in range(35):
        clock.now = max(clock.now, bucket.opens_at())
        answered(bucket)
    assert clock.now - began == 3 * MINUTE


# ---------------------------------------------------------------------------------------------------- what refusals teach


@dataclass(slots=True)
class Server:
    """A server that lets so many a second through, with so many at once when it was idle."""

    per_second: float
    burst: int
    left: float = field(init=False)
    at: float = 0.0

    def __post_init__(self) -> None:
        self.left = self.burst

    def wait(self, now: float) -> float:
        """Return in how many seconds it takes the next request; 0 if it takes this one."""
        self.left, self.at = min(self.burst, self.left + (now - self.at) * self.per_second), now
        if self.left < 1:
            return (1 - self.left) / self.per_second
        self.left -= 1
        return 0.0


@dataclass(frozen=True, slots=True)
class Went:
    """How many were refused, and how long it took, also as a multiple of the least that it can take."""

    refused: int
    seconds: float
    times: float


def went(
    server: Server,
    requests: int,
    *,
    concurrency: int,
    latency: tuple[float, float] = (0.02, 0.1),
    is_told: bool = True,
) -> Went:
    """Send requests to a server, each as soon as may be, until all are answered."""
    clock, draw = Clock(0.0), random.Random(1)  # noqa: S311  no secret
    lanes, lane = Lanes(clock), Lane(Bucket(clock=clock), "acme", 0)
    under_way: list[tuple[float, int, int, float, float | None]] = []
    refusals = 0
    for number in range(requests):
        lanes.queue(lane, number)
    turn = 0
    while lanes:
        while lanes.running < concurrency and (sent := lanes.send()):
            turn += 1
            heapq.heappush(under_way, (clock.now + draw.uniform(*latency) / 2, turn, sent[0], clock.now, None))
        pause = lanes.wait() if lanes.running < concurrency else None
        clock.now = min(under_way[0][0] if under_way else math.inf, math.inf if pause is None else clock.now + pause)
        while under_way and under_way[0][0] <= clock.now:
            at, _, number, sent_at, wait = heapq.heappop(under_way)
            if wait is None:  # it has arrived, and the answer is as long on its way
                turn += 1
                heapq.heappush(under_way, (2 * at - sent_at, turn, number, sent_at, server.wait(at)))
                continue
            lanes.answered(lane)
            if wait:
                refusals += 1
                lane.bucket.refused(sent_at, max(math.ceil(wait), 1) if is_told else None)
                assert lane.bucket.spend_retry(), "gave up"
                lanes.pause(lane, number, 0)
            else:
                lane.bucket.accepted()
    ideal = max((requests - server.burst) / server.per_second, requests * sum(latency) / 2 / concurrency)
    return Went(refusals, clock.now, clock.now / ideal)


@pytest.mark.parametrize("is_told", [True, False], ids=["told", "untold"])
@pytest.mark.parametrize("concurrency", [8, 16, 64])
@pytest.mark.parametrize("burst", [10, 50, 100])
@pytest.mark.parametrize("per_second", [0.2, 2, 10, 50, 100])
def test_few_are_refused_and_little_time_is_lost_at_whatever_limit(
    per_second: float, burst: int, concurrency: int, *, is_told: bool
) -> None:
    found = went(Server(per_second, burst), 2000, concurrency=concurrency, is_told=is_told)
    assert found.refused <= concurrency + 0.05 * 2000  # of those that go out before the first refusal nobody knows better
    assert found.times <= 1.75


@pytest.mark.parametrize("per_second", [0.2, 2, 20, 100])
@pytest.mark.parametrize("burst", [1, 2, 5])
def test_a_server_that_takes_hardly_any_at_once_is_not_given_up(per_second: float, burst: int) -> None:
    found = went(Server(per_second, burst), 1000, concurrency=32)
    assert found.refused <= 32 + 0.06 * 1000
    assert found.times <= 6


def test_a_limit_of_100_a_second_costs_a_quarter_of_the_time_at_most_and_3_in_100_refusals() -> None:
    found = went(Server(100, 100), 2000, concurrency=16, latency=(0.07, 0.08))
    assert found.refused < 0.03 * 2000
    assert found.times <= 1.25


@pytest.mark.parametrize("concurrency", [8, 64])
def test_a_server_without_limit_is_never_slowed(concurrency: int) -> None:
    found = went(Server(math.inf, 10**9), 30 * concurrency, concurrency=concurrency, latency=(0.05, 0.05))
    assert found.refused == 0
    assert found.times == pytest.approx(1)


def test_one_refusal_and_then_a_day_without_any_is_no_overflow(bucket: Bucket, clock: Clock) -> None:
    answered(bucket, 20)
    clock.now += 1
    refused(bucket, clock, 1)
    for _ in range(24):
        clock.now += HOUR
        assert bucket.opens_at() <= clock.now
        answered(bucket, 1000)


def test_what_was_under_way_when_another_was_refused_is_no_second_lesson(bucket: Bucket, clock: Clock) -> None:
    began = clock.now
    answered(bucket, 40)
    for _ in range(8):
        bucket.take()
    clock.now += 1
    for _ in range(8):
        bucket.refused(began, 3)
    clock.now = bucket.opens_at()
    bucket.take()
    assert bucket.opens_at() - clock.now == pytest.approx(4 / 40)  # 40 came through in the second before and the 3 of waiting


def test_a_late_refusal_of_what_was_sent_before_the_hold_is_no_news(bucket: Bucket, clock: Clock) -> None:
    answered(bucket, 40)
    clock.now += 1
    refused(bucket, clock, 10)
    for _ in range(20):
        bucket.accepted()
    clock.now += 1
    bucket.refused(clock.now, 0)
    assert bucket.opens_at() == clock.now + 9


def test_where_nothing_came_through_it_was_the_wait_that_was_too_short_and_not_the_pace_too_fast(
    bucket: Bucket, clock: Clock
) -> None:
    answered(bucket, 10)
    clock.now += 1
    for _ in range(6):
        clock.now += refused(bucket, clock, 1)
    bucket.take()
    assert bucket.opens_at() - clock.now == pytest.approx(2 / 10)


# -------------------------------------------------------------------------------------------------------------- patience


def test_waits_of_which_nobody_says_how_long_grow_as_long_as_they_do_not_help(bucket: Bucket, clock: Clock) -> None:
    waits = []
    for _ in range(12):
        waits.append(refused(bucket, clock))
        clock.now = bucket.held_until
    for number, wait in enumerate(waits):
        shortest = min(2**number, LONGEST_PAUSE)
        assert shortest <= wait <= 1.5 * shortest


def test_an_untold_wait_is_short_again_after_one_that_helped(bucket: Bucket, clock: Clock) -> None:
    for _ in range(5):
        refused(bucket, clock)
        clock.now = bucket.held_until
    answered(bucket)
    refused(bucket, clock)
    clock.now = bucket.held_until
    answered(bucket)
    assert refused(bucket, clock) < 2


def test_those_refused_together_do_not_make_an_untold_wait_longer(bucket: Bucket, clock: Clock) -> None:
    for _ in range(16):
        bucket.take()
    sent_at = clock.now
    clock.now += 0.1
    for _ in range(16):
        bucket.refused(sent_at, None)
    assert bucket.held_until - clock.now <= 1.5


def test_an_endpoint_has_so_many_retries_and_earns_more_by_answering(bucket: Bucket) -> None:
    assert [bucket.spend_retry() for _ in range(BUDGET + 1)] == [True] * BUDGET + [False]
    answered(bucket, ANSWERS_A_RETRY)
    assert [bucket.spend_retry() for _ in range(2)] == [True, False]


@given(st.lists(st.booleans()))
def test_no_endpoint_ever_has_more_retries_than_at_first_nor_less_than_none(steps: list[bool]) -> None:
    bucket = Bucket(clock=Clock())
    for is_answer in steps:
        answered(bucket, 25) if is_answer else [bucket.spend_retry() for _ in range(10)]
        assert 0 <= bucket.retries_left <= BUDGET


def patiences(first: Patience, *, waiting: bool, most: int | None = None) -> Iterator[Patience]:
    """Yield what is left of a patience until there is none."""
    left = first.after_wait() if waiting else first.after_fault(most)
    if left:
        yield left
        yield from patiences(left, waiting=waiting, most=most)


def test_a_request_is_sent_again_so_often_after_faults_and_more_often_after_waits() -> None:
    assert len([*patiences(Patience(), waiting=False)]) == RETRIES
    assert len([*patiences(Patience(), waiting=True)]) == WAITS > RETRIES


def test_a_fault_may_be_met_less_often_than_others() -> None:
    assert len([*patiences(Patience(), waiting=False, most=1)]) == 1


def test_faults_and_waits_are_counted_each_by_itself() -> None:
    *_, out_of_waits = patiences(Patience(), waiting=True)
    *earlier, out_of_both = patiences(out_of_waits, waiting=False)
    assert len(earlier) == RETRIES - 1
    assert not [*patiences(out_of_both, waiting=True), *patiences(out_of_both, waiting=False)]


def test_pauses_after_faults_grow_and_no_two_are_the_same() -> None:
    pauses = [each.pause for each in patiences(Patience(), waiting=False)]
    others = [each.pause for each in patiences(Patience(), waiting=False)]
    assert all(2 * earlier >= later - 0.5 for earlier, later in pairwise(pauses[1:]))
    assert pauses[1:] == sorted(pauses[1:])
    assert pauses[1:] != others[1:]
    assert max(pauses) <= LONGEST_PAUSE
