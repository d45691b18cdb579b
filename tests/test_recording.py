"""A recorded scan plays back as it went, holds no secret, and a recording that is not in order is one clear error."""

import base64
import http.client
import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
import urllib3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner import config as configuration
from scanner import documents, snapshots
from scanner.cli import collection
from scanner.collect import pace, recording
from scanner.collect.api import Credentials
from scanner.collect.recording import ABOUT, TRAFFIC, Recording
from scanner.errors import InputError, WorkError
from scanner.model import Resource
from tests.fake_atlassian.scenario import load, names
from tests.fake_atlassian.server import ROOT, StandIn
from tests.faulty import Answer, Asked, Table, faulty, said
from tests.sites import credentials
from tests.test_collect import ADMIN, AGENT, COMPANY, DOMAINS, INFO, ORGS, WRONG, Collected, Played, collected, wanted

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DEMO = ROOT / "cassettes" / "demo"
NOWHERE_API, NOWHERE_SITE = "https://api.atlassian.invalid", "https://acme.atlassian.invalid"
NOWHERE = StandIn(NOWHERE_API, {"acme": NOWHERE_SITE})


def recorded(folder: Path, site: StandIn, secrets: Credentials = ADMIN) -> Collected:
    about = Recording(recorded_at=NOW, tool="atlascan", of="a test", org=bool(secrets.org_key), sites=tuple(secrets.sites))
    with recording.record(folder, about, secrets):
        return collected(site, secrets)


def replayed(folder: Path, site: StandIn) -> Collected:
    secrets = recording.about(folder).credentials()
    with recording.replay(folder):
        return collected(site, secrets)


def moved(folder: Path, site: StandIn) -> None:
    """Let a recording speak of hosts that there are not."""
    text = (folder / TRAFFIC).read_text(encoding="utf-8")
    text = text.replace(site.api_url, NOWHERE_API).replace(site.sites["acme"], NOWHERE_SITE)
    (folder / TRAFFIC).write_text(text, encoding="utf-8")


@pytest.fixture(params=names())
def site(request: pytest.FixtureRequest) -> StandIn:
    found: StandIn = request.getfixturevalue(f"{request.param}_site")
    return found


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every way to a network end in a failure of the test."""

    def refuse(*_args: object, **_more: object) -> None:
        pytest.fail("somebody tried to reach a network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)


@pytest.fixture(autouse=True)
def undisturbed() -> Iterator[None]:
    """See that vcrpy, which replaces classes of the HTTP libraries, has put back what there was."""
    before = _http_classes()
    yield
    assert _http_classes() == before


def _http_classes() -> list[object]:
    pool, secure = urllib3.connectionpool.HTTPConnectionPool, urllib3.connectionpool.HTTPSConnectionPool
    return [http.client.HTTPConnection, http.client.HTTPSConnection, pool.ConnectionCls, secure.ConnectionCls]


# ------------------------------------------------------------------------------------------------------------ there and back


@pytest.mark.parametrize("secrets", [ADMIN, AGENT, WRONG, Credentials(None, ADMIN.sites), Credentials()])
def test_a_recording_plays_back_the_same_records_and_coverage(tmp_path: Path, site: StandIn, secrets: Credentials) -> None:
    first = recorded(tmp_path / "recording", site, secrets)
    again = replayed(tmp_path / "recording", site)

    assert again.records == first.records == collected(site, secrets).records
    assert again.coverage == first.coverage


def test_playing_back_reaches_no_network(tmp_path: Path, demo_site: StandIn, request: pytest.FixtureRequest) -> None:
    first = recorded(tmp_path, demo_site)
    moved(tmp_path, demo_site)
    request.getfixturevalue("no_network")

    assert replayed(tmp_path, NOWHERE).records == tuple(at_nowhere(record, demo_site) for record in first.records)


def at_nowhere(record: Any, site: StandIn) -> Any:  # noqa: ANN401  a resource or a gap, and the same comes back
    if not isinstance(record, Resource):
        return record
    addresses = {site.sites["acme"]: NOWHERE_SITE}
    return msgspec.structs.replace(record, facts={name: addresses.get(str(fact), fact) for name, fact in record.facts.items()})


def test_answers_of_trouble_play_back_as_they_came(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "RETRIES", 1)
    monkeypatch.setattr(pace, "WAITS", 1)
    trouble: Table = {
        INFO: [said({}, 429), *COMPANY[INFO]],
        DOMAINS: [Answer(b'{"data": [{"attributes": {"name": "\xff"}}]}')],
        "/rest/api/3/project/search": [said({"values": []}, X_Seraph_LoginReason="AUTHENTICATED_FAILED")],
        "/rest/servicedeskapi/servicedesk": [said({}, 401, x_authentication_denied_reason="CAPTCHA_CHALLENGE")],
        "/admin/v2/orgs/o-1/workspaces": [Answer(b"<html>")],
    }
    with faulty({**COMPANY, **trouble}) as server:
        there = StandIn(server.url, {"acme": server.url})
        first = recorded(tmp_path, there)
    again = replayed(tmp_path, there)

    assert again.lines == first.lines
    assert [gap.reason for gap in first.gaps if gap.kind == "org.domain"] == ["malformed"]


def test_a_scan_plays_back_as_the_same_snapshot_but_for_its_id(tmp_path: Path, demo_site: StandIn) -> None:
    text = (
        f"sites: [{{name: acme, url: '{demo_site.sites['acme']}'}}]\napi_url: {demo_site.api_url}\ncollect: {{undocumented: true}}"
    )
    config = configuration.from_document(documents.checked(documents.parse(text, "test"), "config"), tmp_path)
    first, again = tmp_path / "first.ndjson", tmp_path / "again.ndjson"
    with credentials():
        collection.take(config, str(first), how=collection.How(record=tmp_path / "recording"), now=NOW)
    with credentials({}):
        collection.take(config, str(again), how=collection.How(replay=tmp_path / "recording"), now=datetime(2030, 1, 1, tzinfo=UTC))

    one, two = snapshots.load(str(first)), snapshots.load(str(again))
    assert list(one) == list(two)
    timeless = tuple(msgspec.structs.replace(each, seconds=0.0) for each in one.header.endpoints)
    of = demo_site.sites["acme"]
    assert two.header == msgspec.structs.replace(one.header, id=two.header.id, recorded=of, endpoints=timeless)
    assert one.header.endpoints != timeless
    assert one.header.taken_at == NOW
    assert one.header.recorded is None


def test_a_scan_with_client_credentials_plays_back_and_holds_neither_secret_nor_token(tmp_path: Path, demo_site: StandIn) -> None:
    text = (
        f"sites: [{{name: acme, url: '{demo_site.sites['acme']}', auth: oauth}}]\n"
        f"api_url: {demo_site.api_url}\nlogin_url: {demo_site.api_url}"
    )
    config = configuration.from_document(documents.checked(documents.parse(text, "test"), "config"), tmp_path)
    first, again, folder = tmp_path / "first.ndjson", tmp_path / "again.ndjson", tmp_path / "recording"
    with credentials({"ATLASCAN_CLIENT_ID": "stand-in-client-id", "ATLASCAN_CLIENT_SECRET": "stand-in-client-secret"}):
        collection.take(config, str(first), how=collection.How(record=folder), now=NOW)
    with credentials({}):
        collection.take(config, str(again), how=collection.How(replay=folder), now=NOW)

    assert list(snapshots.load(str(first))) == list(snapshots.load(str(again)))
    assert any(record.kind == "jira.project" for record in snapshots.load(str(first)) if isinstance(record, Resource))
    traffic = (folder / TRAFFIC).read_text(encoding="utf-8")
    assert "/ex/jira/" in traffic
    assert "/oauth/token" not in traffic
    assert "stand-in-client" not in traffic
    assert "Bearer" not in traffic


def test_the_shipped_recording_is_what_the_demo_scenario_says(no_network: None) -> None:
    del no_network
    shown = StandIn("https://api.atlassian.com", {"acme": "https://acme.atlassian.net"})

    assert list(replayed(DEMO, shown).records) == wanted(Played(load("demo"), shown))
    assert "stand-in" in recording.about(DEMO).of


def test_a_recording_is_utf_8_wherever_it_is_played(tmp_path: Path, demo_site: StandIn) -> None:
    recorded(tmp_path, demo_site)
    assert "مشروع" in (tmp_path / TRAFFIC).read_text(encoding="utf-8")
    played = (
        "import sys; from pathlib import Path; from tests.test_recording import *;"
        f" there = StandIn({demo_site.api_url!r}, {demo_site.sites!r});"
        " sys.exit(len(replayed(Path(sys.argv[1]), there).ids('jira.project')))"
    )
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(  # noqa: S603  our own program
        [sys.executable, "-c", played, str(tmp_path)], cwd=ROOT, env={**os.environ, **plain}, check=False, capture_output=True
    )

    assert (done.returncode, done.stderr.decode()) == (14, "")


# ----------------------------------------------------------------------------------------------------------------- secrets

SECRET = Credentials("org+key/of=the tests", {"acme": ("kim@acme.example", "api+token/of=the tests")})


def forms(secrets: Credentials) -> list[str]:
    accounts = [f"{email}:{token}" for email, token in secrets.sites.values()]
    every = [secrets.org_key or "", *(token for _, token in secrets.sites.values()), *accounts]
    return [
        form
        for secret in every
        for form in (secret, quote(secret), quote(secret, safe=""), base64.b64encode(secret.encode()).decode())
    ]


def found_in(folder: Path, secrets: Credentials) -> list[tuple[str, str]]:
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert files
    return [(file.name, form) for file in files for form in forms(secrets) if form.encode() in file.read_bytes()]


def test_no_file_of_a_recording_holds_a_secret(tmp_path: Path, site: StandIn) -> None:
    recorded(tmp_path, site)

    assert found_in(tmp_path, ADMIN) == []
    assert sorted(file.name for file in tmp_path.iterdir()) == [ABOUT, TRAFFIC]


def echo(asked: Asked) -> Answer:
    """Say back all that was sent, in each form in which it might come back."""
    sent = asked.authorization
    everything = " ".join([sent, *forms(SECRET)])
    headers = {"x-authentication-denied-reason": sent, "Set-Cookie": f"session={quote(sent)}", "X-Echo": sent}
    return Answer(json.dumps({"data": [], "message": everything}).encode(), 403, headers)


def test_what_a_server_says_back_is_scrubbed(tmp_path: Path) -> None:
    with faulty({**COMPANY, INFO: [echo], ORGS: [echo]}) as server:
        there = StandIn(server.url, {"acme": server.url})
        found = recorded(tmp_path, there, SECRET)
        assert {asked.authorization.partition(" ")[0] for asked in server.asked} == {"Basic", "Bearer"}

    assert found_in(tmp_path, SECRET) == []
    assert "SCRUBBED" in (tmp_path / TRAFFIC).read_text(encoding="utf-8")
    assert [line for line in found.lines for form in forms(SECRET) if form in line] == []
    assert replayed(tmp_path, there).lines == found.lines


def test_the_shipped_recording_holds_no_secret_of_the_stand_in() -> None:
    assert found_in(DEMO, ADMIN) == []


def test_only_its_owner_may_read_a_recording(tmp_path: Path, demo_site: StandIn) -> None:
    tmp_path.chmod(0o755)
    recorded(tmp_path / "new", demo_site)
    (tmp_path / "old").mkdir(mode=0o755)
    recorded(tmp_path / "old", demo_site)

    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.glob("*/*.json")} == {0o600}


# ------------------------------------------------------------------------------------------------------ not in order


def refused(folder: Path, site: StandIn = NOWHERE) -> str:
    with pytest.raises(InputError) as error:
        replayed(folder, site)
    assert "\n" not in str(error.value)
    return str(error.value).replace(str(folder), "FOLDER")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a recording of a company that is nowhere."""
    with faulty(dict(COMPANY)) as server:
        there = StandIn(server.url, {"acme": f"{server.url}"})
        recorded(tmp_path / "recording", there)
        moved(tmp_path / "recording", StandIn(server.url, {"acme": "nobody says this"}))
    text = (tmp_path / "recording" / TRAFFIC).read_text(encoding="utf-8")
    (tmp_path / "recording" / TRAFFIC).write_text(text.replace(f"{NOWHERE_API}/rest", f"{NOWHERE_SITE}/rest"), encoding="utf-8")
    return tmp_path / "recording"


def test_the_recording_that_is_spoiled_below_is_in_order(folder: Path) -> None:
    assert len(replayed(folder, NOWHERE).ids("jira.project")) == 3


def test_an_answer_that_is_missing_is_one_clear_error(folder: Path) -> None:
    traffic = json.loads((folder / TRAFFIC).read_bytes())
    traffic["interactions"] = [each for each in traffic["interactions"] if "/domains" not in each["request"]["uri"]]
    (folder / TRAFFIC).write_text(json.dumps(traffic), encoding="utf-8")

    assert refused(folder) == f"FOLDER: the recording has no answer to GET {NOWHERE_API}/admin/v1/orgs/o-1/domains"


def test_a_recording_of_another_site_has_no_answer(folder: Path) -> None:
    another = StandIn(NOWHERE_API, {"acme": "https://another.invalid"})

    assert refused(folder, another) == "FOLDER: the recording has no answer to GET https://another.invalid/rest/api/3/serverInfo"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"  ",
        b"{",
        b"5",
        b"null",
        b"[]",
        b"{}",
        b'[{"request": {}}]',
        b'{"version": 1}',
        b'{"version": 1, "interactions": 5}',
        b'{"version": 1, "interactions": [5]}',
        b'{"version": 1, "interactions": [{}]}',
        b'{"version": 1, "interactions": "\xff"}',
        b"[" * 100_000,
        b'{"interactions": ' + b"[" * 100_000,
        b"!!python/object/apply:os.system ['true']",
    ],
)
def test_traffic_that_is_none_is_one_clear_error(folder: Path, content: bytes) -> None:
    (folder / TRAFFIC).write_bytes(content)

    assert refused(folder) == "FOLDER/traffic.json: not a recording of traffic"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("request",), None),
        (("request",), "GET /"),
        (("request", "method"), 5),
        (("request", "uri"), 5),
        (("request", "uri"), "http://[bad"),
        (("request", "uri"), "http://x:99999999/"),
        (("request", "headers"), 5),
        (("request", "body"), 5),
        (("response",), None),
        (("response", "status"), 200),
        (("response", "status", "code"), "200"),
        (("response", "status", "code"), 10**12),
        (("response", "status", "code"), -1),
        (("response", "status", "message"), {}),
        (("response", "headers"), None),
        (("response", "headers"), {"content-type": "text/plain"}),
        (("response", "headers"), {"content-type": [5]}),
        (("response", "body"), "{}"),
        (("response", "body"), {}),
        (("response", "body", "string"), None),
        (("response", "body", "string"), {"data": []}),
    ],
)
def test_traffic_of_another_shape_is_one_clear_error(folder: Path, path: tuple[str, ...], value: object) -> None:
    traffic = json.loads((folder / TRAFFIC).read_bytes())
    place = traffic["interactions"][-1]
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    (folder / TRAFFIC).write_text(json.dumps(traffic), encoding="utf-8")

    assert refused(folder) == "FOLDER/traffic.json: not a recording of traffic"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / TRAFFIC).unlink(),
        lambda folder: (folder / ABOUT).unlink(),
        lambda folder: (folder / ABOUT).write_text("{"),
        lambda folder: (folder / ABOUT).write_text("[]"),
        lambda folder: (folder / ABOUT).write_bytes(b'{"tool": "\xff"}'),
        lambda folder: (folder / ABOUT).write_text('{"tool": "x"}'),
        lambda folder: (folder / ABOUT).write_text('{"x": ' + "[" * 100_000),
        lambda folder: (folder / ABOUT).write_text((folder / ABOUT).read_text().replace("Z", "")),
        lambda folder: (folder / ABOUT).write_text((folder / ABOUT).read_text().replace('"tool"', '"surprise": 1, "tool"')),
    ],
)
def test_a_recording_that_does_not_say_what_it_is_is_one_clear_error(folder: Path, spoil: Callable[[Path], object]) -> None:
    spoil(folder)

    assert refused(folder) in (
        "FOLDER: not a recording of atlascan",
        "FOLDER/recording.json: cannot be read: No such file or directory",
        "FOLDER/traffic.json: cannot be read: No such file or directory",
    )


def test_a_folder_in_place_of_the_traffic_is_one_clear_error(folder: Path) -> None:
    (folder / TRAFFIC).unlink()
    (folder / TRAFFIC).mkdir()

    assert refused(folder) == "FOLDER/traffic.json: not a recording of traffic"


def test_a_folder_that_is_not_there_is_one_clear_error(tmp_path: Path) -> None:
    assert refused(tmp_path / "nowhere") == "FOLDER/recording.json: cannot be read: No such file or directory"


def test_a_recording_that_is_too_large_is_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "MAX_BYTES", 1024)

    assert refused(folder) == "FOLDER/traffic.json: larger than 0 MiB"


@pytest.mark.parametrize("left", [(ABOUT, TRAFFIC), (ABOUT,), (TRAFFIC,)])
def test_a_folder_that_holds_a_recording_or_the_start_of_one_is_not_written_to(
    folder: Path, demo_site: StandIn, left: tuple[str, ...]
) -> None:
    for name in {ABOUT, TRAFFIC} - set(left):
        (folder / name).unlink()
    before = {file.name: file.read_bytes() for file in folder.iterdir()}

    with pytest.raises(InputError, match="there is a recording already") as error:
        recorded(folder, demo_site)
    assert error.value.hint == "name another folder, or remove it"
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_a_folder_that_cannot_be_made_is_one_clear_error(tmp_path: Path, demo_site: StandIn) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(WorkError) as error:
        recorded(tmp_path / "file" / "recording", demo_site)
    assert str(error.value) == f"{tmp_path}/file/recording: cannot be written: Not a directory"


def test_an_error_on_the_way_is_not_taken_for_one_of_the_recording(folder: Path) -> None:
    class OtherError(ValueError):
        pass

    with pytest.raises(OtherError), recording.replay(folder):
        raise OtherError


def test_after_a_replay_that_failed_the_network_is_as_before(folder: Path, demo_site: StandIn) -> None:
    before = collected(demo_site).records
    (folder / TRAFFIC).write_text('{"version": 1, "interactions": []}', encoding="utf-8")
    with suppress(InputError):
        replayed(folder, NOWHERE)

    assert collected(demo_site).records == before


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(number=st.integers(0, 15), choices=st.lists(st.integers(0, 9), min_size=1, max_size=4), value=_JSON)
def test_no_traffic_of_a_stranger_is_a_traceback(folder: Path, number: int, choices: list[int], value: object) -> None:
    intact = (folder / TRAFFIC).read_bytes()
    traffic = json.loads(intact)
    place: Any = traffic["interactions"][number % len(traffic["interactions"])]
    for choice in choices[:-1]:
        below = place[sorted(place)[choice % len(place)]] if isinstance(place, dict) and place else None
        place = below if isinstance(below, dict) and below else place
    place[sorted(place)[choices[-1] % len(place)]] = value
    try:
        (folder / TRAFFIC).write_text(json.dumps(traffic), encoding="utf-8")
        with pytest.MonkeyPatch.context() as patch, suppress(InputError):
            patch.setattr(pace, "RETRIES", 0)
            patch.setattr(pace, "WAITS", 0)
            replayed(folder, NOWHERE)
    finally:
        (folder / TRAFFIC).write_bytes(intact)
