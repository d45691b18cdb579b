"""Record the traffic of a scan, and play it back: evidence, bug reports without an account, and the demo.

A recording is a folder: `traffic.json` (vcrpy's form, scrubbed of credentials) and `recording.json` (when, by what, of what).
JSON and not YAML, because a recording may come from a stranger, and JSON can only be data.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
import vcr
from vcr.errors import CannotOverwriteExistingCassetteException
from vcr.persisters.filesystem import CassetteNotFoundError
from vcr.serialize import deserialize, serialize

from scanner.collect.api import LOGIN_PATH, SCRUBBED, Credentials
from scanner.errors import InputError, WorkError

TRAFFIC = "traffic.json"
ABOUT = "recording.json"
MAX_BYTES = 256 * 1024 * 1024
_KEPT_REQUEST_HEADERS = ("accept", "content-type")
_KEPT_RESPONSE_HEADERS = (
    "content-type",
    "retry-after",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-seraph-loginreason",
    "x-authentication-denied-reason",
)
_MATCH_ON = ("method", "scheme", "host", "port", "path", "query", "body")


class Recording(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a recording is of. `org` and `sites` say which interfaces there was a credential for."""

    recorded_at: Annotated[datetime, msgspec.Meta(tz=True)]
    tool: str
    of: str
    org: bool
    sites: tuple[str, ...]

    def credentials(self) -> Credentials:
        """Return stand-ins for the credentials that there were; they open nothing."""
        return Credentials(SCRUBBED if self.org else None, dict.fromkeys(self.sites, (SCRUBBED, SCRUBBED)))


@contextmanager
def record(folder: Path, about: Recording, credentials: Credentials) -> Iterator[None]:
    """Record all that is asked and answered into a folder.

    Raises:
        InputError: The folder holds a recording already, or the start of one.
        WorkError: The recording could not be written.
    """
    if (folder / ABOUT).exists() or (folder / TRAFFIC).exists():
        raise InputError(f"{folder}: there is a recording already", hint="name another folder, or remove it")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _recorder(_Scrubber(credentials)).use_cassette(str(folder / TRAFFIC), record_mode="all"):
            yield
        if not (folder / TRAFFIC).exists():  # nothing could be asked
            _write(folder / TRAFFIC, _serialize({"interactions": []}))
        _write(folder / ABOUT, msgspec.json.format(msgspec.json.encode(about), indent=2).decode() + "\n")
    except OSError as error:
        raise WorkError(f"{folder}: cannot be written: {error.strerror}") from error


@contextmanager
def replay(folder: Path) -> Iterator[None]:
    """Answer from a recording; nothing goes out to any network.

    Raises:
        InputError: The recording cannot be read, or has no answer to what is asked.
    """
    _bounded(folder / TRAFFIC)
    try:
        # Each answer once, in the order they came: to play one again would turn "wait" and what came then into "wait" for ever.
        with _recorder(_Scrubber(Credentials())).use_cassette(str(folder / TRAFFIC), record_mode="none"):
            yield
    except CannotOverwriteExistingCassetteException as error:
        asked = f"{error.failed_request.method} {error.failed_request.url}"
        hint = "replay with the configuration and the version of atlascan that recorded it"
        raise InputError(f"{folder}: the recording has no answer to {asked}", hint=hint) from error


def about(folder: Path) -> Recording:
    """Return what a recording is of.

    Raises:
        InputError: There is none in the folder.
    """
    try:
        content = _bounded(folder / ABOUT).read_bytes()
        return msgspec.json.decode(content, type=Recording)
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{folder}: not a recording of atlascan", hint="make one with `atlascan scan --record FOLDER`") from error


# ---------------------------------------------------------------------------------------------------------------- private


class _Scrubber:
    """Takes out of requests and answers whatever is, or may hold, a credential."""

    def __init__(self, credentials: Credentials) -> None:
        self._scrubbed = credentials.scrubbed

    def request(self, request: Any) -> Any:  # noqa: ANN401  vcrpy's own type
        """Return what is kept of a request; None if nothing of it nor of its answer is: where secrets become tokens."""
        if urlsplit(request.uri).path.endswith(LOGIN_PATH):
            return None
        request.headers = _kept(request.headers, _KEPT_REQUEST_HEADERS)
        request.uri = self._scrubbed(request.uri)
        return request

    def response(self, response: dict[str, Any]) -> dict[str, Any]:
        kept = _kept(response["headers"], _KEPT_RESPONSE_HEADERS)
        headers = {name: [self._scrubbed(value) for value in values] for name, values in kept.items()}
        return response | {"headers": headers, "body": {"string": self._scrubbed(_text(response["body"]["string"])).encode()}}


def _text(body: bytes | str) -> str:
    if isinstance(body, str):
        return body
    try:
        return body.decode()
    except UnicodeDecodeError:
        # No JSON as it came: it must not become any by being written down.
        return "\ufffd" + body.decode(errors="replace")


def _kept(headers: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in headers.items() if name.lower() in names}


def _recorder(scrubber: _Scrubber) -> vcr.VCR:
    recorder = vcr.VCR(
        serializer="atlascan",
        match_on=_MATCH_ON,
        decode_compressed_response=True,
        before_record_request=scrubber.request,
        before_record_response=scrubber.response,
    )
    recorder.register_serializer("atlascan", SimpleNamespace(serialize=_serialize, deserialize=_deserialize))
    recorder.register_persister(_File)
    return recorder


class _File:
    """Traffic on disk: UTF-8 wherever it is, for its owner only; a stranger's is checked before anything uses it."""

    @staticmethod
    def load_cassette(path: str, serializer: Any) -> Any:  # noqa: ANN401  vcrpy's own types
        file = Path(path)
        if not file.exists():
            raise CassetteNotFoundError(path)
        try:
            return deserialize(file.read_text(encoding="utf-8"), serializer)
        except (OSError, ValueError, RecursionError) as error:
            raise InputError(f"{file}: not a recording of traffic") from error

    @staticmethod
    def save_cassette(path: str, traffic: dict[str, Any], serializer: Any) -> None:  # noqa: ANN401
        _write(Path(path), serialize(traffic, serializer))


_Headers = dict[str, Annotated[list[str], msgspec.Meta(min_length=1)]]


class _Request(msgspec.Struct):
    method: str
    uri: str
    body: str | None
    headers: _Headers


class _Status(msgspec.Struct):
    code: Annotated[int, msgspec.Meta(ge=100, le=599)]
    message: str | None


class _Body(msgspec.Struct):
    string: str


class _Response(msgspec.Struct):
    status: _Status
    headers: _Headers
    body: _Body


class _Interaction(msgspec.Struct):
    request: _Request
    response: _Response


class _Traffic(msgspec.Struct):
    interactions: list[_Interaction]


def _serialize(traffic: dict[str, Any]) -> str:
    return msgspec.json.format(msgspec.json.encode(traffic), indent=1).decode() + "\n"


def _deserialize(text: str) -> Any:  # noqa: ANN401  vcrpy's own form
    traffic = msgspec.json.decode(text, type=_Traffic)
    for interaction in traffic.interactions:
        _ = urlsplit(interaction.request.uri).port  # raises ValueError where there can be none
    return msgspec.to_builtins(traffic)


def _write(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.write_bytes(text.encode())


def _bounded(file: Path) -> Path:
    try:
        size = file.stat().st_size
    except OSError as error:
        raise InputError(
            f"{file}: cannot be read: {error.strerror}", hint="make one with `atlascan scan --record FOLDER`"
        ) from error
    if size > MAX_BYTES:
        raise InputError(f"{file}: larger than {MAX_BYTES // 1024**2} MiB")
    return file
