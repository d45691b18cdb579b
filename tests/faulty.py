"""A small real HTTP server that answers from a table: for the faults that the stand-in site does not play."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, slots=True)
class Asked:
    """Be a request that came."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.url).query))

    @property
    def authorization(self) -> str:
        return self.headers.get("authorization", "")


@dataclass(frozen=True, slots=True)
class Answer:
    """Be a canned answer. One that announces another length than it has is cut off there."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Reply = Answer | Callable[[Asked], Answer]
Table = dict[str, Sequence[Reply]]
"""What is answered at a path, in this order; the last is repeated."""


def said(content: Any, status: int = 200, **headers: str) -> Answer:  # noqa: ANN401  JSON border
    """Return an answer in JSON."""
    return Answer(json.dumps(content).encode(), status, {name.replace("_", "-"): value for name, value in headers.items()})


@dataclass(slots=True)
class Faulty:
    """Know where the server answers, from which table, and what it was asked."""

    url: str
    table: Table = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _told: dict[str, int] = field(default_factory=dict)

    def answer(self, asked: Asked) -> Answer:
        with self._lock:
            self.asked.append(asked)
            replies = self.table.get(asked.path) or [said({"errorMessages": ["No such resource."]}, 404)]
            turn = self._told.get(asked.path, 0)
            self._told[asked.path] = turn + 1
        reply = replies[min(turn, len(replies) - 1)]
        return reply if isinstance(reply, Answer) else reply(asked)


@contextmanager
def faulty(table: Table | None = None) -> Iterator[Faulty]:
    """Answer from a table, on a port of its own, for as long as the block lasts."""
    with _Server(("127.0.0.1", 0), _Answering) as server:
        known = server.known = Faulty(f"http://127.0.0.1:{server.server_port}", table or {})
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield known
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    known: Faulty


class _Answering(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one write an answer: two would wait for each other
    timeout = 10

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_CONNECT(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its name in the standard library
        pass

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.server.known.answer(Asked(self.command, self.path, headers, body))
        length = {"Content-Type": "application/json", "Content-Length": str(len(answer.body))}
        lines = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in {**length, **answer.headers}.items()]
        self.wfile.write("\r\n".join([*lines, "", ""]).encode("latin-1") + answer.body)
        self.wfile.flush()
        self.close_connection = "Content-Length" in answer.headers
