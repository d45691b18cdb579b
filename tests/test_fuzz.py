"""A slice of the fuzzing, the same each time: `python -m tests.fuzz` goes on for as long as it is told to."""

import os
from collections import Counter

import pytest
from hypothesis import seed

from tests import fuzz

ROUND = 30


@pytest.mark.parametrize("number", range(4))
def test_a_random_policy_file_is_refused_or_judged(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _handle: None)  # little files need not reach the disk
    counts = Counter[str]()
    seed(number)(fuzz.rounds(ROUND, counts))()
    assert counts.keys() == {"refused", "read and judged"}
    assert counts.total() >= ROUND
