"""Record the traffic of a scan, and play it back: evidence, bug reports without an account, and the demo.

A recording is a folder: `traffic.json` (vcrpy's form, scrubbed of credentials) and `recording.json` (when, by what, of what).
JSON and not YAML, because a recording may come from a stranger, and JSON can only be data.
"""

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import vcr
from vcr.errors import CannotOverwriteExistingCassetteException

from scanner.collect.api import Credentials
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
_SCRUBBED = "SCRUBBED"
_MATCH_ON = ("method", "scheme", "host", "port", "path", "query", "body")


class Recording(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a recording is of. `org` and `sites` say which interfaces there was a credential for."""

    recorded_at: datetime
    tool: str
    of: str
    org: bool
    sites: tuple[str, ...]

    def credentials(self) -> Credentials:
        """Return stand-ins for the credentials that there were; they open nothing."""
        return Credentials(_SCRUBBED if self.org else None, dict.fromkeys(self.sites, (_SCRUBBED, _SCRUBBED)))


@contextmanager
def record(folder: Path, about: Recording, credentials: Credentials) -> Iterator[None]:
    """Record all that is asked and answered into a folder.

    Raises:
        InputError: The folder holds a recording already.
        WorkError: The recording could not be written.
    """
    if (folder / ABOUT).exists():
        raise InputError(f"{folder}: there is a recording already", hint="name another folder, or remove it")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _recorder(_Scrubber(credentials)).use_cassette(str(folder / TRAFFIC), record_mode="all"):
            yield
        (folder / ABOUT).write_bytes(msgspec.json.format(msgspec.json.encode(about), indent=2) + b"\n")
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
        with _recorder(_Scrubber(Credentials())).use_cassette(
            str(folder / TRAFFIC), record_mode="none", allow_playback_repeats=True
        ):
            yield
    except CannotOverwriteExistingCassetteException as error:
        asked = f"{error.failed_request.method} {error.failed_request.url}"
        hint = "replay with the configuration and the version of atlascan that recorded it"
        raise InputError(f"{folder}: the recording has no answer to {asked}", hint=hint) from error
    except (msgspec.MsgspecError, KeyError, TypeError, ValueError, UnicodeError) as error:
        if _is_readable(folder / TRAFFIC):
            raise
        raise InputError(f"{folder / TRAFFIC}: not a recording of traffic") from error


def about(folder: Path) -> Recording:
    """Return what a recording is of.

    Raises:
        InputError: There is none in the folder.
    """
    try:
        content = _bounded(folder / ABOUT).read_bytes()
        return msgspec.json.decode(content, type=Recording)
    except (OSError, msgspec.MsgspecError) as error:
        raise InputError(f"{folder}: not a recording of atlascan", hint="make one with `atlascan scan --record FOLDER`") from error


# ---------------------------------------------------------------------------------------------------------------- private


class _Scrubber:
    """Takes out of requests and answers whatever is, or may hold, a credential."""

    def __init__(self, credentials: Credentials) -> None:
        pairs = credentials.sites.values()
        basics = [base64.b64encode(f"{email}:{token}".encode()).decode() for email, token in pairs]
        self._secrets = [secret for secret in (credentials.org_key, *(token for _, token in pairs), *basics) if secret]

    def request(self, request: Any) -> Any:  # noqa: ANN401  vcrpy's own type
        request.headers = _kept(request.headers, _KEPT_REQUEST_HEADERS)
        request.uri = self._scrubbed(request.uri)
        return request

    def response(self, response: dict[str, Any]) -> dict[str, Any]:
        body = response["body"]["string"]
        text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
        headers = _kept(response["headers"], _KEPT_RESPONSE_HEADERS)
        return response | {"headers": headers, "body": {"string": self._scrubbed(text).encode()}}

    def _scrubbed(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, _SCRUBBED)
        return text


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
    return recorder


def _serialize(cassette: dict[str, Any]) -> str:
    return msgspec.json.format(msgspec.json.encode(cassette), indent=1).decode() + "\n"


def _deserialize(text: str) -> dict[str, Any]:
    return msgspec.json.decode(text, type=dict[str, Any])


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


def _is_readable(file: Path) -> bool:
    """Tell whether the traffic itself reads well, so that an error came from elsewhere and is a bug."""
    try:
        content = _deserialize(file.read_text(encoding="utf-8"))
        return all(
            isinstance(each["request"]["uri"], str) and "string" in each["response"]["body"] for each in content["interactions"]
        )
    except (OSError, msgspec.MsgspecError, KeyError, TypeError, UnicodeError):
        return False
