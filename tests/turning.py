"""A stand-in whose weather a test turns, and a collection that meets it without waiting."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import msgspec
import pytest
import requests

from scanner.collect import api, pace, paging
from scanner.collect.tables import Needs
from tests.fake_atlassian.server import StandIn
from tests.fake_atlassian.weather import Fault, Weather
from tests.test_collect import ADMIN, Collected, collected


@dataclass(frozen=True)
class Turning:
    """Be a stand-in whose weather a test turns."""

    at: StandIn

    @cached_property
    def calm(self) -> Collected:
        """Return what is collected in good weather."""
        return self.met()

    def met(
        self,
        *faults: Fault,
        probe: bool = True,
        concurrency: int = 1,
        needs: Needs | None = None,
        window: tuple[datetime | None, datetime | None] = (None, None),
    ) -> Collected:
        """Collect what is needed, or else all that there is, in this weather."""
        self._turn(Weather(faults=faults))
        return collected(self.at, ADMIN, probe=probe, concurrency=concurrency, needs=needs, window=window)

    def _turn(self, weather: Weather) -> None:
        address = f"{self.at.api_url}/__stand_in__/weather"
        answer = requests.post(address, msgspec.json.encode(weather), timeout=10)
        assert answer.status_code == 204, answer.text


@pytest.fixture(autouse=True, scope="module")
def hurried() -> Iterator[None]:
    """Let nobody wait before asking again, but where an answer says for how long."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pace.Patience, "pause", 0.0)
        patch.setattr(pace.Bucket, "_untold_wait", lambda _bucket: 0.0)
        patch.setattr(api, "_until_reset", lambda _answer: None)
        patch.setattr(api, "CEILINGS", {})
        patch.setattr(api, "READ_SECONDS", 5)
        patch.setattr(paging, "MAX_PAGES", 50)
        yield
