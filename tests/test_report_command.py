"""`atlascan report` renders a saved result in any format, and compares it with an earlier one, without a snapshot."""

import json
import re
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from scanner import baseline, results
from scanner.cli.output import to_file
from scanner.errors import InputError
from scanner.model import Fate, Report, Verdict
from scanner.render import formats
from scanner.render import json as json_format
from tests import samples
from tests.conftest import Atlascan
from tests.test_baseline import desk, judged, snapshot

DAY = timedelta(days=1)


def saved(report: Report, file: Path) -> Report:
    to_file(file, formats.load("json")(report))
    return report


def dated(report: Report, after: timedelta) -> Report:
    header = msgspec.structs.replace(report.snapshot, taken_at=report.snapshot.taken_at + after)
    return msgspec.structs.replace(report, snapshot=header)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the results of two days: in between a door was closed and another one opened."""
    saved(judged(snapshot(desk("acme/HR", is_open=True), desk("acme/IT", is_open=True))), tmp_path / "old.json")
    now = judged(snapshot(desk("acme/HR", is_open=False), desk("acme/IT", is_open=True), desk("acme/PR", is_open=True)))
    saved(dated(now, DAY), tmp_path / "new.json")
    return tmp_path


# ------------------------------------------------------------------------------------------------------------------- rendering


def test_a_saved_result_is_rendered_in_every_format_without_anything_else(tmp_path: Path, atlascan: Atlascan) -> None:
    report = saved(samples.compared_report(), tmp_path / "r.json")
    done = atlascan("report", "r.json", *(word for name in formats.FORMATS for word in ("-f", f"{name}=again.{name}")))
    assert done.code == 0, "it is no gate"
    for name in formats.FORMATS:
        assert (tmp_path / f"again.{name}").read_bytes().decode() == formats.load(name)(report), name


def test_a_result_is_not_overwritten_by_a_report_of_it(tmp_path: Path, atlascan: Atlascan) -> None:
    saved(samples.report(), tmp_path / "r.json")
    before = (tmp_path / "r.json").read_bytes()
    done = atlascan("report", "r.json", "-f", "html=r.json")
    assert done.code == 2
    assert "html cannot go to r.json, which the command is about" in " ".join(done.err.split())
    assert (tmp_path / "r.json").read_bytes() == before


# ------------------------------------------------------------------------------------------------------------------- comparing


def test_a_result_compared_later_says_what_the_check_would_have_said(folder: Path, atlascan: Atlascan) -> None:
    before = judged(snapshot(desk("acme/HR", is_open=True), desk("acme/IT", is_open=True)))
    after = snapshot(desk("acme/HR", is_open=False), desk("acme/IT", is_open=True), desk("acme/PR", is_open=True))
    at_once = dated(judged(after, before), DAY)
    assert atlascan("report", "new.json", "--since", "old.json", "-f", "json=compared.json").code == 0
    later = json.loads((folder / "compared.json").read_text())
    wanted = json.loads(formats.load("json")(at_once))
    assert later["findings"] == wanted["findings"]
    assert later["baseline"] == wanted["baseline"]
    assert (later["baseline"]["new"]["fail"], later["baseline"]["known"]["fail"]) == (1, 1)
    assert [each["fate"] for each in later["baseline"]["vanished"]] == ["passes"]


def test_comparing_leaves_the_gate_as_it_was(folder: Path, atlascan: Atlascan) -> None:
    plain = json.loads((folder / "new.json").read_text())
    atlascan("report", "new.json", "--since", "old.json", "-f", "json=compared.json")
    assert json.loads((folder / "compared.json").read_text())["gate"] == plain["gate"]


# Where each format says that one failure is new, one known, and one has vanished. The action plan has no word of the last.
SAYS = {
    "text": ("acme/PR  acme/PR  (new)", "acme/IT  acme/IT  (known)", "passes now"),
    "html": ("acme/PR", "Against the baseline", "passes now"),
    "json": ('"baseline": "new"', '"baseline": "known"', '"fate": "passes"'),
    "junit": ("Baseline: new", "Baseline: known", "acme/HR: passes now;"),
    "junit-strict": ("Baseline: new", "Baseline: known", "acme/HR: passes now;"),
    "markdown": ("- **new** `jsm.customer_permissions/acme/PR`", "- `jsm.customer_permissions/acme/IT`", "vanished: 1 passes now"),
    "csv": (",new,", ",known,", ",vanished,"),
    "action-plan": (",new,", ",known,"),
    "sarif": ('"baselineState": "new"', '"baselineState": "unchanged"', '"vanished": "1 passes now"'),
    "oscal": ('"value": "new"', '"value": "known"', '"value": "1 passes now"'),
    "gitlab": (),  # compares by itself, with the report of the target branch
    "github": ("1 fail and 0 unknown that are new, 1 fail and 0 unknown that are known; vanished: 1 passes now",),
}


@pytest.mark.parametrize("name", formats.FORMATS)
def test_every_format_says_what_is_new_known_and_vanished(folder: Path, atlascan: Atlascan, name: str) -> None:
    if name not in SAYS:
        pytest.fail(f"nobody looks how {name} tells what is new: add to SAYS what it says of it")
    done = atlascan("report", "new.json", "--since", "old.json", "-f", f"{name}=compared")
    assert done.code == 0, done.err
    text = (folder / "compared").read_bytes().decode()
    assert [words for words in SAYS[name] if words not in text] == []


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("old.json", "--since", "new.json"), "the result to compare with is the later one of the two"),
        (("new.json", "--since", "none.json"), "none.json: cannot be read"),
        (("new.json", "--since", "other.json"), "the site acme is https://other.example in the baseline"),
    ],
)
def test_what_cannot_be_compared_is_refused(folder: Path, atlascan: Atlascan, args: tuple[str, ...], said: str) -> None:
    other = dated(judged(snapshot()), -DAY)
    target = msgspec.structs.replace(other.snapshot.target, sites={"acme": "https://other.example"})
    saved(msgspec.structs.replace(other, snapshot=msgspec.structs.replace(other.snapshot, target=target)), folder / "other.json")
    done = atlascan("report", *args)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_of_what_a_result_does_not_list_it_is_not_said_that_it_is_gone() -> None:
    """Of very many that pass only the first are listed: what failed before may be among the others, or gone."""
    before = judged(snapshot(desk("acme/HR", is_open=True)))
    after = dated(judged(snapshot(desk("acme/IT", is_open=False))), DAY)
    [gone] = (baseline.compared(after, before).baseline or pytest.fail("not compared")).vanished
    assert gone.fate is Fate.GONE
    policies = tuple(msgspec.structs.replace(each, unlisted={"pass": 9}) for each in after.policies)
    partly = baseline.compared(msgspec.structs.replace(after, policies=policies), before).baseline
    assert partly
    assert [(each.fate, each.because) for each in partly.vanished] == [
        (Fate.UNKNOWN, "not all that passes is listed in the result; `atlascan check --baseline` tells")
    ]


@pytest.mark.parametrize("moment", ["2026-06-15T06:04:12", "9999-12-31T23:59:59-12:00"])
def test_a_glance_refuses_a_moment_that_is_none(tmp_path: Path, moment: str) -> None:
    edited = re.sub('"taken_at": "[^"]+"', f'"taken_at": "{moment}"', json_format.render(samples.report()), count=1)
    (tmp_path / "r.json").write_text(edited, encoding="utf-8")
    with pytest.raises(InputError, match="taken_at"):
        results.glance(tmp_path / "r.json")


def test_comparing_again_forgets_what_was_compared_before() -> None:
    first = judged(snapshot(desk("acme/HR", is_open=True)))
    second = judged(snapshot(desk("acme/HR", is_open=True)), first)
    nothing = dated(judged(snapshot()), -DAY)
    assert [each.baseline for each in second.findings if each.verdict is Verdict.FAIL] == ["known"]
    again = baseline.compared(second, nothing)
    assert [each.baseline for each in again.findings if each.verdict is Verdict.FAIL] == ["new"]
    with pytest.raises(InputError, match="the later one"):
        baseline.compared(nothing, second)
