"""How far the collection has got, host by host: what whoever started it may watch."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class HostStatus:
    """How far the collection has got at one host: requests answered, under way, and known to be needed but not sent yet.

    Before `held_until` (UTC) nothing more is sent there; None is no hold. `waiting` grows while lists are still being read.
    """

    host: str
    done: int
    running: int
    waiting: int
    held_until: datetime | None


Watch = Callable[[tuple[HostStatus, ...]], None]
