"""Stand between the network and each face: play the weather, and count who came.

Whatever the weather, a face says no in its own words: it finds the `problem` that it is to speak of beside the request.
"""

import asyncio
import math
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from http import HTTPStatus
from typing import NamedTuple

import msgspec
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match
from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from .faces import basic
from .problems import Problem
from .weather import Answer, Fault, Rule, SameCursor, Way, Weather, WeatherError, too_many

API = "api"
OWN = "/__stand_in__/"


class ReachableProtocol(H11Protocol):
    """Let an application reach the connection below HTTP, to break it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as its parent has it
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


@dataclass(frozen=True, slots=True)
class Asked:
    """Be a request, as far as the weather looks at it."""

    face: str
    method: str
    path: str
    template: str


class Sky:
    """Be the weather as it goes on: rations that run out, and faults that strike in turn, over all faces of a process."""

    def __init__(self, weather: Weather, faces: Sequence[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._faces = faces
        self._clock = clock
        self.turn(weather)

    def turn(self, weather: Weather) -> None:
        """Let another weather begin: with full rations, and faults that have struck nobody yet."""
        for fault in weather.faults:
            if fault.face not in {None, *self._faces}:
                there_are = ", ".join(self._faces)
                raise WeatherError(f"a fault strikes the face {fault.face!r}, which there is not; there are {there_are}")
        self.latency = weather.latency_ms / 1000
        self._limit = weather.limit
        self._rations: dict[tuple[str, str, str] | None, Ration] = {}
        self._spells = [Spell(fault) for fault in weather.faults]

    def refused(self, asked: Asked) -> Problem | None:
        """Take from the ration of a request; return what to say where nothing is left."""
        limit = self._limit
        if limit is None:
            return None
        whose = None if limit.shared else (asked.face, asked.template, asked.method)
        ration = self._rations.setdefault(whose, Ration(limit.per_second, limit.burst, limit.burst, self._clock()))
        wait = ration.taken(self._clock())
        return too_many(limit.retry_after or max(math.ceil(wait), 1)) if wait else None

    def strikes(self, asked: Asked) -> list["Strike"]:
        """Return the faults whose path it is, each with whether this is its turn."""
        return [Strike(spell, is_due=spell.turn()) for spell in self._spells if _covers(spell.fault, asked)]


@dataclass(slots=True)
class Ration:
    """Be a bucket of tokens, which fills at a steady rate."""

    per_second: float
    burst: int
    left: float
    at: float

    def taken(self, now: float) -> float:
        """Take one, or return in how many seconds there will be one."""
        self.left = min(self.burst, self.left + (now - self.at) * self.per_second)
        self.at = now
        if self.left < 1:
            return (1 - self.left) / self.per_second
        self.left -= 1
        return 0


@dataclass(slots=True)
class Spell:
    """Be a fault that remembers how often its path was asked, and what the last answer was."""

    fault: Fault
    met: int = 0
    before: Answer | None = None

    def turn(self) -> bool:
        """Count a request, and tell whether it is struck."""
        self.met += 1
        place = self.met - self.fault.from_request
        return place >= 0 and (self.fault.times is None or place < self.fault.times)

    def through(self, answer: Answer, *, is_due: bool) -> Answer:
        """Return what becomes of an answer."""
        if is_due:
            answer = self.before or answer if isinstance(self.fault, SameCursor) else self.fault.struck(answer)
        self.before = answer
        return answer


class Strike(NamedTuple):
    """Be a fault whose path was asked."""

    spell: Spell
    is_due: bool

    @property
    def problem(self) -> Problem | None:
        return self.spell.fault.problem if self.is_due else None


@dataclass(slots=True)
class Visits:
    """Count who came."""

    requests: Counter[str] = field(default_factory=Counter)
    authorizations: Counter[str] = field(default_factory=Counter)
    refused: int = 0


class Outdoors:
    """Be a face as it is met through the weather."""

    def __init__(self, name: str, face: Starlette, sky: Sky) -> None:
        self._name = name
        self._face = face
        self._sky = sky
        self._visits = Visits()
        self._templates: dict[str, str] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith(OWN):
            own = await self._own(Request(scope, receive))
            await own(scope, receive, send)
            return
        asked = Asked(self._name, scope["method"], scope["path"], self._template(scope))
        self._visits.requests[f"{asked.method} {asked.template}"] += 1
        self._visits.authorizations[_shown(Headers(scope=scope).get("Authorization"))] += 1
        refused = self._sky.refused(asked)
        strikes = [] if refused else self._sky.strikes(asked)
        await asyncio.sleep(self._sky.latency)
        scope["problem"] = refused or next((strike.problem for strike in strikes if strike.problem), None)
        if not strikes:
            await self._face(scope, receive, self._counting(send))
            return
        answer = await _answered(self._face, scope, receive)
        for strike in strikes:
            answer = strike.spell.through(answer, is_due=strike.is_due)
        await _delivered(answer, scope, receive, self._counting(send))

    async def _own(self, request: Request) -> Response:
        match request.method, request.url.path.removeprefix(OWN):
            case "GET", "requests":
                return JSONResponse(msgspec.to_builtins(self._visits))
            case "POST", "reset":
                self._visits = Visits()
                return Response(status_code=204)
            case "POST", "weather":
                return self._turned(await request.body())
            case _:
                return Response(status_code=404)

    def _turned(self, body: bytes) -> Response:
        """Let another weather begin, over all faces."""
        try:
            self._sky.turn(_weather(body))
        except (msgspec.MsgspecError, WeatherError) as error:
            return Response(str(error), status_code=400)
        return Response(status_code=204)

    def _template(self, scope: Scope) -> str:
        path: str = scope["path"]
        if path not in self._templates:
            found = (str(getattr(route, "path", path)) for route in self._face.routes if route.matches(scope)[0] is not Match.NONE)
            self._templates[path] = next(found, path)
        return self._templates[path]

    def _counting(self, send: Send) -> Send:
        async def counting(message: Message) -> None:
            self._visits.refused += message.get("status") == HTTPStatus.TOO_MANY_REQUESTS
            await send(message)

        return counting


# ---------------------------------------------------------------------------------------------------------------- private


def _weather(body: bytes) -> Weather:
    weather = msgspec.json.decode(body, type=Weather)
    if weather.token_seconds is not None:
        raise WeatherError("token_seconds cannot change while the stand-in runs")
    return weather


def _covers(rule: Rule, asked: Asked) -> bool:
    return rule.method in (None, asked.method) and rule.face in (None, asked.face) and _leads_to(rule.path, asked.path)


def _leads_to(pattern: str, path: str) -> bool:
    if "*" in pattern or "?" in pattern:
        return fnmatchcase(path, pattern.replace("[", "[[]"))
    return path == pattern or path.startswith(pattern.rstrip("/") + "/")


def _shown(authorization: str | None) -> str:
    """Return who asked, without what proves it."""
    if authorization is None:
        return "none"
    kind, _, token = authorization.partition(" ")
    if login := basic(authorization):
        return f"Basic {login[0]}"
    return f"{kind.capitalize()} {token[:6]}"


async def _answered(face: Starlette, scope: Scope, receive: Receive) -> Answer:
    said: list[Message] = []

    async def keep(message: Message) -> None:
        said.append(message)

    await face(scope, receive, keep)
    start, *rest = said
    return Answer(start["status"], tuple(start["headers"]), b"".join(message["body"] for message in rest))


async def _delivered(answer: Answer, scope: Scope, receive: Receive, send: Send) -> None:
    transport: asyncio.Transport = scope["state"]["transport"]
    if answer.way is Way.RESET:
        # With no time to linger, what is closed is reset.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        await _gone(receive)
        return
    await send({"type": "http.response.start", "status": answer.status, "headers": list(answer.headers)})
    sent = answer.body[: len(answer.body) // 2] if answer.way is Way.HALF else answer.body
    size = max(math.ceil(len(sent) / answer.pieces), 1)
    for start in range(0, len(sent), size):
        await send({"type": "http.response.body", "body": sent[start : start + size], "more_body": True})
        await asyncio.sleep(answer.wait_ms / 1000)
    if answer.way is Way.HALF:
        transport.close()
        await _gone(receive)
    else:
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _gone(receive: Receive) -> None:
    """Wait until the server knows that the connection is no more, and expects nothing to be said."""
    while (await receive())["type"] != "http.disconnect":
        pass
