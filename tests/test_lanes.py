"""Lanes: what may be sent next, of all that waits."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from scanner.collect.lanes import Lane, Lanes
from scanner.collect.pace import Bucket
from scanner.collect.status import HostStatus
from tests.test_pace import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lanes(clock: Clock) -> Lanes:
    return Lanes(clock)


def lane(clock: Clock, depth: int = 0, host: str = "acme", held: float = 0) -> Lane:
    """Return a lane that is open, or held for so many seconds."""
    bucket = Bucket(clock=clock)
    if held:
        bucket.accepted(held)
    return Lane(bucket, host, depth)


def sent(lanes: Lanes) -> list[int]:
    """Send all that may be sent now, and return it in order."""
    tasks = []
    while found := lanes.send():
        tasks.append(found[0])
    return tasks


def test_without_anything_to_do_there_is_nothing_to_send_or_to_wait_for(lanes: Lanes) -> None:
    assert not lanes
    assert lanes.send() is None
    assert lanes.wait() is None
    assert not [*lanes.statuses()]


def test_a_lane_is_sent_in_its_order_and_what_is_to_go_first_goes_first(lanes: Lanes, clock: Clock) -> None:
    only = lane(clock)
    for task in (1, 2, 3):
        lanes.queue(only, task)
    lanes.queue(only, 4, first=True)
    assert sent(lanes) == [4, 1, 2, 3]


def test_what_lies_higher_up_goes_first_whenever_it_came(lanes: Lanes, clock: Clock) -> None:
    for task, depth in enumerate((2, 0, 1, 0)):
        lanes.queue(lane(clock, depth), task)
    assert sent(lanes) == [1, 3, 2, 0]


def test_lanes_of_one_depth_take_turns(lanes: Lanes, clock: Clock) -> None:
    first, second = lane(clock), lane(clock)
    for task in (1, 2, 3):
        lanes.queue(first, task)
    for task in (11, 12, 13):
        lanes.queue(second, task)
    assert sent(lanes) == [1, 11, 2, 12, 3, 13]


def test_the_lane_with_fewest_under_way_is_next(lanes: Lanes, clock: Clock) -> None:
    slow, quick = lane(clock), lane(clock)
    for task in (1, 2, 3):
        lanes.queue(slow, task)
    assert sent(lanes) == [1, 2, 3]
    lanes.queue(slow, 4)
    lanes.queue(quick, 5)
    assert sent(lanes) == [5, 4]


def test_what_is_held_back_keeps_nobody_else_waiting(lanes: Lanes, clock: Clock) -> None:
    lanes.queue(lane(clock, held=5), 1)
    lanes.queue(lane(clock, depth=3), 2)
    assert sent(lanes) == [2]
    assert lanes.wait() == 5
    clock.now += 5
    assert sent(lanes) == [1]


def test_a_task_that_pauses_comes_back_before_the_others_when_its_time_has_come(lanes: Lanes, clock: Clock) -> None:
    only = lane(clock)
    lanes.queue(only, 1)
    lanes.pause(only, 2, seconds=3)
    lanes.pause(only, 3, seconds=9)
    assert sent(lanes) == [1]
    assert lanes.wait() == 3
    lanes.queue(only, 4)
    clock.now += 3
    assert sent(lanes) == [2, 4]
    assert lanes.wait() == 6


def test_there_is_work_left_until_the_last_answer_came(lanes: Lanes, clock: Clock) -> None:
    only = lane(clock)
    lanes.pause(only, 1, seconds=1)
    assert lanes
    clock.now += 1
    assert sent(lanes) == [1]
    assert lanes.running == 1
    assert lanes
    lanes.answered(only)
    assert lanes.running == 0
    assert not lanes


def test_each_host_has_its_numbers_and_the_time_until_which_it_is_held(lanes: Lanes, clock: Clock) -> None:
    acme, api = lane(clock, host="acme", held=60), lane(clock, host="api")
    for task in (1, 2):
        lanes.queue(acme, task)
    for task in (3, 4, 5):
        lanes.queue(api, task)
    lanes.pause(api, 6, seconds=1)
    lanes.send()
    lanes.send()
    lanes.answered(api)
    before = datetime.now(UTC)
    held, free = lanes.statuses()
    assert free == HostStatus(host="api", done=1, running=1, waiting=2, held_until=None)
    assert held == HostStatus(host="acme", done=0, running=0, waiting=2, held_until=held.held_until)
    assert held.held_until
    assert timedelta(seconds=60) <= held.held_until - before < timedelta(seconds=70)


class Traffic(RuleBasedStateMachine):
    """Whatever happens, each task is sent once, and once more for each pause."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.lanes = Lanes(self.clock)
        self.all = [lane(self.clock, depth) for depth in (0, 1, 1, 2)]
        self.wanted, self.found = Counter[int](), Counter[int]()
        self.under_way: list[tuple[int, Lane]] = []

    @rule(which=st.integers(0, 3), first=st.booleans())
    def queue(self, which: int, *, first: bool) -> None:
        task = len(self.wanted)
        self.lanes.queue(self.all[which], task, first=first)
        self.wanted[task] = 1

    @rule()
    def send(self) -> None:
        if one := self.lanes.send():
            self.under_way.append(one)
            self.found[one[0]] += 1

    @precondition(lambda self: bool(self.under_way))
    @rule(which=st.integers(0), pause=st.none() | st.integers(0, 9))
    def answer(self, which: int, pause: int | None) -> None:
        task, of = self.under_way.pop(which % len(self.under_way))
        self.lanes.answered(of)
        if pause is not None:
            self.lanes.pause(of, task, pause)
            self.wanted[task] += 1

    @rule(which=st.integers(0, 3), seconds=st.integers(0, 9))
    def hold(self, which: int, seconds: int) -> None:
        self.all[which].bucket.accepted(seconds)

    @rule(seconds=st.integers(0, 9))
    def wait(self, seconds: int) -> None:
        self.clock.now += seconds

    @invariant()
    def numbers_add_up(self) -> None:
        statuses = list(self.lanes.statuses())
        assert sum(status.running for status in statuses) == self.lanes.running == len(self.under_way)
        assert sum(status.waiting for status in statuses) == self.wanted.total() - self.found.total()
        assert bool(self.lanes) == bool(self.under_way or self.found != self.wanted)

    def teardown(self) -> None:
        while (seconds := self.lanes.wait()) is not None:
            self.clock.now += seconds
            self.send()
        assert self.found == self.wanted


TestTraffic = Traffic.TestCase
