"""Whatever file is wrong: exit code 2, an error and at most a hint on stderr, nothing on stdout, never a traceback."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from scanner import snapshots
from scanner.model import Coverage, Header, Record, Resource, Source, Target
from tests.conftest import Atlascan

CONFIG = "sites: [{url: 'https://acme.atlassian.net'}]\n"
FILES = "waivers: waivers.yaml\nattestations: attestations.yaml\npolicies: [mine]\n"
WAIVER = "- policy: jsm/public-signup-off\n  address: '*'\n  reason: a\n  owner: b\n  approved_by: c\n  expires: 2026-09-01\n"
STATED = (
    "- kind: jsm.customer_permissions\n  id: acme/NO\n  facts: {channel_access: restricted}\n  attested_by: kim\n"
    "  attested_on: 2026-06-01\n  expires: 2026-09-01\n"
)
HEADER = Header(
    id="0",
    taken_at=datetime(2026, 6, 15, 12, tzinfo=UTC),
    tool="test",
    target=Target(org=None, sites={"acme": "https://acme.atlassian.net"}),
    coverage=tuple(
        Coverage(kind=kind, requests=1, resources=1, gaps=0, complete=True)
        for kind in ("jsm.customer_permissions", "jsm.service_desk")
    ),
)
RECORDS: tuple[Record, ...] = (
    Resource(kind="jsm.customer_permissions", id="acme/NO", name="NO", facts={"public_signup": False}, source=Source.UNDOCUMENTED),
    Resource(kind="jsm.service_desk", id="acme/NO", name="off", facts={"name": "off"}, source=Source.API),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder in which everything is right."""
    (tmp_path / "atlascan.yaml").write_text(CONFIG + FILES)
    (tmp_path / "waivers.yaml").write_text(f"waivers:\n{WAIVER}")
    (tmp_path / "attestations.yaml").write_text(f"attestations:\n{STATED}")
    (tmp_path / "mine").mkdir()
    snapshots.write(str(tmp_path / "s.ndjson"), HEADER, RECORDS)
    return tmp_path


def test_a_project_called_no_and_the_value_off_stay_text(folder: Path, atlascan: Atlascan) -> None:
    (folder / "atlascan.yaml").write_text(CONFIG + "desks: {NO: public, off: closed}\n")
    outcome = atlascan("check", "s.ndjson", "-f", "json", "--allow-unknown")
    assert outcome.err.splitlines()[0] == "warning: desks: there is no service desk 'off'; known: NO, acme/NO"
    assert '"address": "jsm.customer_permissions/acme/NO"' in outcome.out
    assert "desk_kind is public" in outcome.out


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("atlascan.yaml", CONFIG + "fail_on: [\n", "atlascan.yaml:3: not valid YAML: did not find expected node content\n"),
        ("atlascan.yaml", b"\xff\xfe", "atlascan.yaml: not UTF-8 text (byte 0)\n"),
        (
            "atlascan.yaml",
            CONFIG + "profil: x\n",
            "atlascan.yaml:2: profil: unknown key 'profil'\n hint: did you mean 'profile'?\n",
        ),
        (
            "atlascan.yaml",
            "sites: [{url: 'https://kim:secret@acme.atlassian.net'}]\n",
            (
                "atlascan.yaml:1: sites[0].url: an address must not hold a user name or password\n"
                " hint: credentials come from the environment or the keyring\n"
            ),
        ),
        (
            "atlascan.yaml",
            CONFIG + "waivers: none.yaml\n",
            "atlascan.yaml:2: waivers: there is no file none.yaml\n hint: create it, or take `waivers:` out\n",
        ),
        (
            "atlascan.yaml",
            CONFIG + "policies: [none]\n",
            "none: there is no such folder of policies\n hint: look at `policies:` in the configuration\n",
        ),
        (
            "atlascan.yaml",
            CONFIG + "params: {jsm/public-signup-of: {}}\n",
            (
                "atlascan.yaml:2: params.jsm/public-signup-of: there is no policy 'jsm/public-signup-of'\n"
                " hint: did you mean 'jsm/public-signup-off'?\n"
            ),
        ),
        (
            "waivers.yaml",
            f"waivers:\n{WAIVER}".replace("signup-off", "signup-of"),
            (
                "waivers.yaml:2: waivers[0].policy: there is no policy 'jsm/public-signup-of'\n"
                " hint: did you mean 'jsm/public-signup-off'?\n"
            ),
        ),
        (
            "waivers.yaml",
            f"waivers:\n{WAIVER}".replace("2026-09-01", "never"),
            (
                'waivers.yaml:7: waivers[0].expires: "never" is not a date (YYYY-MM-DD)\n'
                " hint: The last day on which it counts (UTC).\n"
            ),
        ),
        (
            "attestations.yaml",
            "attestations: &a [*a]\n",
            "attestations.yaml:1: anchors (&name) are not allowed\n hint: write the value out where it is used\n",
        ),
        (
            "attestations.yaml",
            f"attestations:\n{STATED}".replace("restricted", "off"),
            (
                'attestations.yaml:4: attestations[0].facts.channel_access: "off" is not one of restricted, open\n'
                " hint: channel_access: who may raise requests, in today's console\n"
            ),
        ),
        (
            "attestations.yaml",
            f"attestations:\n{STATED}".replace("acme/NO", "NO"),
            (
                "attestations.yaml:3: attestations[0].id: 'NO' is not an id of this kind, which is the project key with its site\n"
                " hint: for example acme/HR\n"
            ),
        ),
        (
            "mine/x.yaml",
            "title: !!python/object/apply:os.system [id]\n",
            (
                'mine/x.yaml:1: the tag "tag:yaml.org,2002:python/object/apply:os.system" is not allowed\n'
                " hint: plain values only: text, numbers, true, false, lists, maps\n"
            ),
        ),
        (
            "mine/x.yaml",
            "title: x\n",
            "mine/x.yaml:1: the key 'version' is missing\n hint: version: Raised whenever a verdict may change.\n",
        ),
        ("s.ndjson", b"", "s.ndjson: empty, not a snapshot\n hint: make one with `atlascan snapshot`\n"),
        ("s.ndjson", bytes(range(256)), "s.ndjson:1: not a snapshot of atlascan\n hint: make one with `atlascan snapshot`\n"),
        (
            "s.ndjson",
            b'{"type":"header","format":"atlascan/snapshot","version":2}\n',
            (
                "s.ndjson:1: atlascan/snapshot version 2, but this program reads atlascan/snapshot version 1\n"
                " hint: use a version of atlascan that writes and reads it\n"
            ),
        ),
    ],
)
def test_a_check_with_a_wrong_file_exits_2(folder: Path, atlascan: Atlascan, name: str, content: str | bytes, error: str) -> None:
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    outcome = atlascan("check", "s.ndjson")
    assert (outcome.code, outcome.out, outcome.err) == (2, "", f"error: {error}")


def test_a_check_of_an_edited_snapshot_exits_2(folder: Path, atlascan: Atlascan) -> None:
    path = folder / "s.ndjson"
    path.write_bytes(path.read_bytes().replace(b'"public_signup":false', b'"public_signup":null'))
    outcome = atlascan("check", "s.ndjson")
    assert (outcome.code, outcome.out, outcome.err) == (
        2,
        "",
        (
            "error: s.ndjson:4: the digest does not fit, so the file was changed after it was written\n"
            " hint: take a new snapshot, or get an unchanged copy of this one\n"
        ),
    )


def test_a_check_of_nothing_on_standard_input_exits_2(folder: Path, atlascan: Atlascan) -> None:
    assert folder.is_dir()
    outcome = atlascan("check", "-")
    assert (outcome.code, outcome.out, outcome.err) == (
        2,
        "",
        "error: standard input: empty, not a snapshot\n hint: make one with `atlascan snapshot`\n",
    )


@pytest.mark.parametrize("name", ["none.ndjson", "none.ndjson.zst", "x" * 300])
def test_a_check_of_a_missing_snapshot_exits_2(folder: Path, atlascan: Atlascan, name: str) -> None:
    assert folder.is_dir()
    outcome = atlascan("check", name)
    why = "No such file or directory" if len(name) < 255 else "File name too long"
    assert (outcome.code, outcome.out, outcome.err) == (2, "", f"error: {name}: cannot be read: {why}\n")


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        (
            "atlascan.yaml",
            None,
            "there is no atlascan.yaml in this folder\n hint: write one with `atlascan init`, or name one with --config\n",
        ),
        (
            "atlascan.yaml",
            "sites: [{url: 'http://acme.atlassian.net'}]\n",
            "atlascan.yaml:1: sites[0].url: credentials would travel to acme.atlassian.net in the clear\n hint: write https://\n",
        ),
        (
            "mine/x.yaml",
            "title: x\ntitle: y\n",
            "mine/x.yaml:2: the key 'title' is given twice\n hint: keep one of them\n",
        ),
        (
            "waivers.yaml",
            "waivers: 5\n",
            "waivers.yaml:1: waivers: 5 is not a list\n",
        ),
        (
            "attestations.yaml",
            "attestations: 5\n",
            "attestations.yaml:1: attestations: 5 is not a list\n",
        ),
    ],
)
def test_a_scan_with_a_wrong_file_exits_2(folder: Path, atlascan: Atlascan, name: str, content: str | None, error: str) -> None:
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_text(content)
    outcome = atlascan("scan")
    assert (outcome.code, outcome.out, outcome.err) == (2, "", f"error: {error}")
    assert not (folder / "atlascan-snapshot.ndjson").exists(), "nothing was asked of the site"
