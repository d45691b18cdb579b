"""`atlascan diff` as a user meets it: two files, what changed and what that did, and an exit code that says why."""

import json
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from scanner import attestations, results, snapshots
from scanner.cli import pipeline
from scanner.cli.demo import command as demo
from scanner.model import Effect, Gap, Reason, Record, Resource, Target, What, sort_key
from tests.conftest import Atlascan, Outcome
from tests.pages import DOCS, blocks

CONFIG = Path(__file__).parent.parent / "cassettes" / "demo" / "atlascan.yaml"
PERMISSIONS = "jsm.customer_permissions"

Edit = Callable[[Record], Iterable[Record]]


@pytest.fixture(scope="session")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the snapshot of the made-up company."""
    folder = tmp_path_factory.mktemp("demo")
    done = CliRunner().invoke(demo, ["--output", str(folder)], catch_exceptions=False)
    assert done.exit_code == 0
    return folder / "atlascan-snapshot.ndjson"


class Pair:
    """Two snapshots of the made-up company in a folder, a week apart, and the command that compares them."""

    def __init__(self, taken: Path, folder: Path, atlascan: Atlascan) -> None:
        self._taken, self._folder, self._atlascan = taken, folder, atlascan
        self.write("old.ndjson")

    def write(self, name: str, *edits: Edit, **header: Any) -> None:  # noqa: ANN401
        snapshot = snapshots.load(str(self._taken))
        records: list[Record] = list(snapshot)
        for edit in edits:
            records = [made for record in records for made in edit(record)]
        changed = msgspec.structs.replace(snapshot.header, **header)
        snapshots.write(str(self._folder / name), changed, sorted(records, key=sort_key))

    def later(self, *edits: Edit, **header: Any) -> None:  # noqa: ANN401
        taken_at = snapshots.load(str(self._taken)).header.taken_at + timedelta(days=7)
        self.write("new.ndjson", *edits, **{"id": "later", "taken_at": taken_at, **header})

    def diff(self, *more: str, old: str = "old.ndjson", new: str = "new.ndjson", stdin: str = "") -> Outcome:
        return self._atlascan("diff", old, new, "-c", str(CONFIG), *more, stdin=stdin)

    def file(self, name: str) -> Path:
        return self._folder / name


@pytest.fixture
def pair(taken: Path, tmp_path: Path, atlascan: Atlascan) -> Pair:
    return Pair(taken, tmp_path, atlascan)


def facts(kind: str, id_: str, **changed: object) -> Edit:
    """Return an edit that changes facts of one resource."""

    def edit(record: Record) -> Iterable[Record]:
        if isinstance(record, Resource) and (record.kind, record.id) == (kind, id_):
            yield msgspec.structs.replace(record, facts={**record.facts, **changed})
        else:
            yield record

    return edit


def renamed(kind: str, id_: str, name: str) -> Edit:
    def edit(record: Record) -> Iterable[Record]:
        is_it = isinstance(record, Resource) and (record.kind, record.id) == (kind, id_)
        yield msgspec.structs.replace(record, name=name) if is_it else record

    return edit


def deleted(kind: str, id_: str) -> Edit:
    return lambda record: () if (record.kind, record.id) == (kind, id_) else (record,)


def hidden(kind: str, id_: str, parent: str) -> Edit:
    """Return an edit that puts a gap in the place of one resource."""

    def edit(record: Record) -> Iterable[Record]:
        is_it = (record.kind, record.id) == (kind, id_)
        yield Gap(kind=kind, id=id_, parent=parent, reason=Reason.FORBIDDEN, detail="answered 403") if is_it else record

    return edit


OPENED = facts(PERMISSIONS, "acme/IT", public_signup=True)
CLOSED = facts(PERMISSIONS, "acme/SUP", public_signup=False, open_access=False)
LOST = hidden(PERMISSIONS, "acme/IT", "jsm.service_desk/acme/IT")
RENAMED = renamed("jira.project", "acme/HR", "Culture")


def last(text: str) -> str:
    return text.rstrip().split("\n")[-1]


def test_what_was_attested_nearer_to_the_later_one_says_nothing_of_the_earlier(pair: Pair) -> None:
    """Somebody looked again, and saw what had changed by then."""
    before, staff, after = CONFIG.with_name("attestations.yaml").read_text(encoding="utf-8").partition("id: Staff")
    after = after.replace("enforces_sso: true", "enforces_sso: false", 1).replace("2026-11-02", "2026-11-28", 1)
    renewed = f"{before}{staff}{after}"
    for name in ("atlascan.yaml", "waivers.yaml"):
        pair.file(name).write_bytes(CONFIG.with_name(name).read_bytes())
    pair.file("attestations.yaml").write_text(renewed, encoding="utf-8")
    pair.later()
    done = pair.diff("-c", "atlascan.yaml", "-f", "json=drift.json")
    turns = json.loads(pair.file("drift.json").read_text(encoding="utf-8"))["turns"]
    opened = [each["address"] for each in turns if each["effect"] == "opened" and each["policy"] == "identity/sso-enforced"]
    assert (done.code, opened) == (1, ["org.authentication_policy/Staff"])


# ---------------------------------------------------------------------------------------------------------------- what it says


def test_a_door_that_opened_is_told_first_with_what_opened_it(pair: Pair) -> None:
    pair.later(OPENED, RENAMED, deleted("org.access_domain", "ANYONE"))
    done = pair.diff()
    assert done.code == 1
    assert last(done.out) == "exit code 1: 2 doors opened at severity high or above"
    opened, _, rest = done.out.partition("\nGone: ")
    assert "Opened: 2" in opened
    assert "jsm.customer_permissions/acme/IT  IT help" in opened
    assert "pass -> fail: anyone can make themselves a customer here" in opened
    assert "public_signup: false -> true" in opened
    assert "org.access_domain/ANYONE  Any domain" in rest
    assert "jira.project/acme/HR  Culture: changed, was People" in rest


def test_the_page_shows_what_is_said(pair: Pair) -> None:
    pair.later(OPENED, RENAMED)
    said = pair.diff().out
    shown = [block.text for block in blocks(DOCS / "drift.md") if block.language == "text"]
    assert len(shown) == 2
    assert [text for text in shown if text not in said] == []


def test_a_snapshot_does_not_differ_from_itself(pair: Pair) -> None:
    done = pair.diff(new="old.ndjson")
    assert done.code == 0
    assert last(done.out) == "exit code 0: nothing opened at severity high or above"
    sections = [line.partition(":")[0] for line in done.out.splitlines() if line[:1].isupper()]
    assert sections == ["Still open"]


def test_what_closed_is_told_and_stops_nothing(pair: Pair) -> None:
    pair.later(facts("jira.filter", "acme/10101", shares=[]))
    done = pair.diff("-f", "json=drift.json")
    drift = results.load_drift(pair.file("drift.json"))
    assert done.code == 0
    assert [(turn.policy, turn.address) for turn in drift.turned(Effect.CLOSED)] == [
        ("jira/no-public-filters", "jira.filter/acme/10101")
    ]


def test_who_may_have_done_it_is_told_or_why_that_is_not_known(pair: Pair) -> None:
    pair.later(OPENED)
    pair.diff("-f", "json=drift.json")
    for change in results.load_drift(pair.file("drift.json")).changes:
        assert (change.causes is None) is (change.unlogged is not None)


def test_counters_and_logs_are_told_of_only_if_asked(pair: Pair) -> None:
    pair.later(facts("org.group", "staff-demo", user_count=4711), deleted("org.event", "evt-demo-1"))
    assert "nothing opened" in pair.diff().out
    assert [change.address for change in _changes(pair)] == []
    assert {change.address for change in _changes(pair, "--all")} >= {"org.group/staff-demo", "org.event/evt-demo-1"}


def _changes(pair: Pair, *more: str) -> tuple[Any, ...]:
    pair.diff("-f", "json=drift.json", *more)
    return results.load_drift(pair.file("drift.json")).changes


def test_an_attestation_counts_as_of_the_time_of_each_snapshot(pair: Pair) -> None:
    """One that expired in between takes away what it attested."""
    by = pipeline.criteria(pipeline.load_config(CONFIG))
    header = snapshots.load(str(pair.file("old.ndjson"))).header
    expires = min(each.expires for each in by.attestations if each.expires > header.taken_at.date())
    moment = header.taken_at + (expires - header.taken_at.date()) + timedelta(days=2)
    expired = [use.address for use in attestations.uses(by.attestations, moment) if not use.counted]
    pair.later(taken_at=moment)
    removed = [change.address for change in _changes(pair) if change.what is What.REMOVED and change.gap is None]
    assert set(removed) & set(expired)


# --------------------------------------------------------------------------------------------------------------------- the gate


@pytest.mark.parametrize(
    ("edits", "options", "code", "because"),
    [
        ([OPENED], ["--fail-on", "sight-lost"], 0, "2 doors opened at severity high or above"),
        ([OPENED], ["--severity", "critical"], 1, "1 door opened at severity critical or above"),
        ([LOST], [], 3, "nothing opened at severity high or above, but sight was lost of 3 things"),
        ([LOST], ["--allow-unknown"], 0, "nothing opened at severity high or above, sight was lost of 3 things (allowed)"),
        ([LOST], ["--fail-on", "opened", "--fail-on", "sight-lost"], 1, "sight was lost of 3 things at severity high or above"),
        ([RENAMED], [], 0, "nothing opened at severity high or above"),
        ([RENAMED], ["--fail-on", "any"], 1, None),
        ([], ["--fail-on", "any"], 0, "nothing opened at severity high or above"),
    ],
)
def test_the_exit_code_says_what_happened(
    pair: Pair, edits: list[Edit], options: list[str], code: int, because: str | None
) -> None:
    pair.later(*edits)
    done = pair.diff(*options)
    assert done.code == code, done.err
    assert last(done.out).startswith(f"exit code {code}: ")
    assert because is None or last(done.out) == f"exit code {code}: {because}"


def test_the_configured_severity_is_the_default(pair: Pair) -> None:
    pair.later(OPENED)
    text = CONFIG.read_text(encoding="utf-8")
    for name in ("attestations.yaml", "waivers.yaml"):
        pair.file(name).write_text((CONFIG.parent / name).read_text(encoding="utf-8"), encoding="utf-8")
    pair.file("mild.yaml").write_text(text.replace("fail_on: high", "fail_on: low"), encoding="utf-8")
    assert "at severity low or above" in last(pair._atlascan("diff", "old.ndjson", "new.ndjson", "-c", "mild.yaml").out)


# ------------------------------------------------------------------------------------------------------------------ the files


def test_every_format_is_written_at_once_and_the_terminal_still_says_why(pair: Pair) -> None:
    pair.later(OPENED)
    names = {"html": "d.html", "json": "d.json", "markdown": "d.md", "junit": "d.xml", "sarif": "d.sarif", "text": "d.txt"}
    done = pair.diff(*(part for name, file in names.items() for part in ("-f", f"{name}={file}")))
    assert done.code == 1
    assert all("acme/IT" in pair.file(file).read_text(encoding="utf-8") for file in names.values() if file != "d.html")
    assert last(done.out).startswith("exit code 1: ")


def test_a_format_on_standard_output_is_alone_there_and_the_reason_is_on_the_other(pair: Pair) -> None:
    pair.later(OPENED)
    done = pair.diff("-f", "json")
    assert json.loads(done.out)["format"] == "atlascan/drift"
    assert last(done.err) == "exit code 1: 2 doors opened at severity high or above"


def test_one_snapshot_may_come_from_a_pipe(pair: Pair) -> None:
    pair.later(OPENED)
    piped = pair.diff(new="-", stdin=pair.file("new.ndjson").read_text(encoding="utf-8"))
    assert (piped.code, piped.out) == (1, pair.diff().out)
    both = pair.diff(old="-", new="-")
    assert both.code == 2
    assert "one snapshot can come from a pipe, not both" in both.err


def test_a_snapshot_is_not_overwritten(pair: Pair) -> None:
    pair.later()
    done = pair.diff("-f", "json=new.ndjson")
    assert done.code == 2
    assert "which the command is about" in done.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"new": "missing.ndjson"}, "error: missing.ndjson: cannot be read: No such file or directory\n"),
        ({"old": "new.ndjson", "new": "old.ndjson"}, "error: the snapshot that is given first is the later one of the two\n"),
        ({"new": "other.ndjson"}, "error: the earlier snapshot is of the organization 0b5d1a52-7c1e-4a7e-9f0c-5d2f6a1e0003, and"),
        ({"new": "cut.ndjson"}, "error: cut.ndjson"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_a_sentence(pair: Pair, options: dict[str, str], message: str) -> None:
    pair.later()
    pair.write("other.ndjson", target=Target(org="another", sites={}))
    pair.file("cut.ndjson").write_bytes(pair.file("new.ndjson").read_bytes()[:-100])
    done = pair.diff(**options)
    assert (done.code, done.out) == (2, "")
    assert message in done.err


def test_a_format_that_there_is_not_says_which_there_are(pair: Pair) -> None:
    done = pair.diff("-f", "oscal=x")
    assert done.code == 2
    assert "there is no format 'oscal'" in done.err
