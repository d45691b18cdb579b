"""Reports arrive whole where they were asked for, what cannot is refused first, and the last line says why the code is so."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scanner import snapshots
from scanner.cli.output import to_file
from scanner.errors import WorkError
from scanner.render import formats
from tests.conftest import Atlascan
from tests.fake_atlassian.server import StandIn
from tests.test_baseline import desk, snapshot
from tests.test_scan import configured

ROOT = Path(__file__).parent.parent
FAILING = ("check", "s.ndjson")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a configuration and a snapshot in which a desk is open."""
    (tmp_path / "atlascan.yaml").write_text("sites: [{url: https://acme.atlassian.net}]\ncompany_domains: [acme.example]\n")
    desks = [desk("acme/HR", is_open=True)]
    snapshots.write(str(tmp_path / "s.ndjson"), snapshot(*desks).header, desks)
    return tmp_path


# -------------------------------------------------------------------------------------------------------------- where it goes


def test_every_format_at_once(folder: Path, atlascan: Atlascan) -> None:
    asked = [word for name in formats.FORMATS for word in ("-f", f"{name}=out/report.{name}")]
    done = atlascan(*FAILING, *asked)
    assert done.code == 1
    assert {each.name for each in (folder / "out").iterdir()} == {f"report.{name}" for name in formats.FORMATS}
    assert all(each.stat().st_mode & 0o777 == 0o600 for each in (folder / "out").iterdir()), "a report names people and open doors"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("-f", "html=a", "-f", "json=a"), "html and json cannot both go to the same file, a"),
        (("-f", "html=a", "-f", "json=./x/../a"), "html and json cannot both go to the same file, ./x/../a"),
        (("-f", "html=a", "-f", "json=link"), "html and json cannot both go to the same file, link"),
        (("-f", "json=a", "-f", "json=a"), "json and json cannot both go to the same file, a"),
        (("-f", "csv", "-f", "junit=-"), "csv and junit cannot both go to standard output"),
        (("-f", "html=x"), "html cannot go to x, which is a folder"),
        (("-f", "html=s.ndjson"), "html cannot go to s.ndjson, which the command is about"),
        (("-f", "jnuit=a"), "there is no format 'jnuit'; did you mean 'junit'?"),
        (("-f", "actionplan=a"), "there is no format 'actionplan'; did you mean 'action-plan'?"),
        (("-f", ""), "there is no format ''"),
    ],
)
def test_what_cannot_be_written_as_asked_is_refused_before_anything_is_judged(
    folder: Path, atlascan: Atlascan, args: tuple[str, ...], said: str
) -> None:
    (folder / "link").symlink_to("a")
    (folder / "x").mkdir()
    before = (folder / "s.ndjson").read_bytes()
    done = atlascan(*FAILING, *args)
    assert (done.code, done.out) == (2, "")
    assert said in " ".join(done.err.split())
    assert not (folder / "a").exists()
    assert (folder / "s.ndjson").read_bytes() == before


def test_a_scan_does_not_put_a_report_where_its_snapshot_goes(folder: Path, atlascan: Atlascan) -> None:
    done = atlascan("scan", "-o", "new.ndjson", "-f", "html=new.ndjson")
    assert done.code == 2
    assert "html cannot go to new.ndjson, which the command is about" in " ".join(done.err.split())
    assert not (folder / "new.ndjson").exists()


def test_when_one_cannot_be_written_it_says_which_were(folder: Path, atlascan: Atlascan) -> None:
    (folder / "file").write_text("in the way")
    done = atlascan(*FAILING, "-f", "json=r.json", "-f", "html=file/below.html", "-f", "csv=r.csv")
    assert (done.code, done.out) == (1, "")
    error, hint = done.err.splitlines()
    assert error == "error: file/below.html: cannot be written: File exists"
    assert hint.startswith(" hint: written before that: r.json; the gate: exit code 1: ")
    assert json.loads((folder / "r.json").read_text())["gate"]["exit_code"] == 1
    assert not (folder / "r.csv").exists()


def test_a_file_that_was_there_stays_until_the_new_one_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "r.csv"
    file.write_text("before")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", full)
        with pytest.raises(WorkError, match="No space left on device"):
            to_file(file, "after")
    assert file.read_text() == "before"
    assert [each.name for each in tmp_path.iterdir()] == ["r.csv"]
    to_file(file, "after\r\n")
    assert file.read_bytes() == b"after\r\n"


# ------------------------------------------------------------------------------------------------------- why the code is what it is


@pytest.mark.parametrize("args", [(), ("-f", "json=r.json"), ("-f", "text=-"), ("-f", "text", "-f", "html=r.html")])
def test_text_on_standard_output_ends_with_why(folder: Path, atlascan: Atlascan, args: tuple[str, ...]) -> None:
    assert folder.exists()
    done = atlascan(*FAILING, *args)
    assert done.out.splitlines()[-1].startswith("exit code 1: ")
    assert (done.code, "exit code" in done.err) == (1, False)


@pytest.mark.parametrize("name", [name for name in formats.FORMATS if name != "text"])
def test_another_format_on_standard_output_leaves_the_last_word_to_standard_error(
    folder: Path, atlascan: Atlascan, name: str
) -> None:
    done = atlascan(*FAILING, "-f", name, "-f", "json=r.json")
    gate = json.loads((folder / "r.json").read_text())["gate"]
    assert done.err.splitlines()[-1] == f"exit code 1: {gate['because']}"
    assert done.err.count("exit code") == 1
    assert done.code == gate["exit_code"] == 1


def test_a_scan_has_the_last_word_too(tmp_path: Path, atlascan: Atlascan, locked_site: StandIn) -> None:
    configured(tmp_path, locked_site)
    done = atlascan("scan", "-f", "json")
    assert done.code == 3
    assert done.err.splitlines()[-1] == f"exit code 3: {json.loads(done.out)['gate']['because']}"


@pytest.mark.parametrize("args", [(), ("-f", "json")])
def test_whoever_reads_only_the_beginning_does_not_open_the_gate(folder: Path, args: tuple[str, ...]) -> None:
    """A pipe into `head` ends early; with `set -o pipefail` the gate's code is what a pipeline sees."""
    program = subprocess.Popen(  # noqa: S603  our own program
        [sys.executable, "-m", "scanner", *FAILING, *args],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with program:
        assert program.stdout
        assert program.stderr
        program.stdout.close()
        said = program.stderr.read().decode()
    assert program.returncode == 1
    assert "Traceback" not in said
    assert "Exception ignored" not in said


def told(folder: Path, command: str) -> tuple[int, str]:
    """Run the program by a shell, which can close what it writes to; return its exit code, and what it says."""
    program = subprocess.run(  # noqa: S602  our own program
        f"{sys.executable} -m scanner {command}",
        shell=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        check=False,
    )
    return program.returncode, program.stderr.decode()


@pytest.mark.parametrize(("to", "said"), [(">/dev/full", "No space left on device"), (">&-", "it is closed")])
@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("check s.ndjson", 1),
        ("check s.ndjson -f json", 1),
        ("check none.ndjson --allow-unknown", 3),
        ("report r.json", 3),
        ("policy list", 3),
        ("schema config", 3),
        ("diff s.ndjson s.ndjson", 3),
    ],
)
def test_standard_output_that_takes_nothing_is_said_and_never_hides_that_the_gate_is_shut(
    folder: Path, command: str, code: int, to: str, said: str
) -> None:
    snapshots.write(str(folder / "none.ndjson"), snapshot().header, [])
    told(folder, "check s.ndjson -f json=r.json >/dev/null")
    found, err = told(folder, f"{command} {to}")
    assert (found, err.splitlines()[-2:][0 if code == 1 else -1]) == (code, f"error: standard output: cannot be written: {said}")
    assert "Traceback" not in err
    assert "Exception ignored" not in err


@pytest.mark.parametrize("to", ["2>&-", "2>/dev/null"])
def test_nobody_who_listens_changes_no_exit_code(folder: Path, to: str) -> None:
    assert told(folder, f"check s.ndjson -f json >/dev/null {to}") == (1, "")
    assert told(folder, f"check none.ndjson {to}") == (2, "")


# ------------------------------------------------------------------------------------------------------------------- templates


def test_templates_of_ones_own_make_the_page(folder: Path, atlascan: Atlascan) -> None:
    own = folder / "own"
    own.mkdir()
    (own / "report.html.j2").write_text("<p>{{ page.report.profile }}</p>\n")
    done = atlascan(*FAILING, "--templates", "own", "-f", "html=r.html", "-f", "json=r.json")
    assert done.code == 1, done.err
    assert (folder / "r.html").read_text() == "<p>it-controlled</p>\n"
    again = atlascan("report", "r.json", "--templates", "own", "-f", "html")
    assert (again.code, again.out) == (0, "<p>it-controlled</p>\n")


def test_the_demo_takes_templates_too(tmp_path: Path, atlascan: Atlascan) -> None:
    (tmp_path / "report.html.j2").write_text("ours\n")
    assert atlascan("demo", "--templates", ".").code == 0
    assert (tmp_path / "atlascan-demo" / "report.html").read_text() == "ours\n"


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("ok\n{% if %}\n", "own/report.html.j2:2: Expected an expression, got 'end of statement block'"),
        ("ok\n\n{{ page.nonsense }}\n", "own/report.html.j2:3: "),
        ("{% include 'missing.j2' %}\n", "own/report.html.j2:1: "),
        ("one\n{{ 1 / 0 }}\n", "own/report.html.j2:2: division by zero"),
        ("one\n{{ page.report.profile + 1 }}\n", "own/report.html.j2:2: "),
        ("{% include 'part.j2' %}\n", "own/part.j2:2: "),
        (b"\xff\xfe", "own: a template is not UTF-8 text"),
    ],
)
def test_a_broken_template_is_an_error_with_its_place(folder: Path, atlascan: Atlascan, template: str | bytes, said: str) -> None:
    own = folder / "own"
    own.mkdir()
    (own / "report.html.j2").write_bytes(template.encode() if isinstance(template, str) else template)
    (own / "part.j2").write_text("fine\n{{ nonsense }}\n")
    done = atlascan(*FAILING, "--templates", "own", "-f", "html=r.html")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"error: {said}")
    assert "Traceback" not in done.err
    assert not (folder / "r.html").exists()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--templates", "none", "-f", "html=r.html"), "--templates: none is no folder"),
        (("--templates", "s.ndjson", "-f", "html=r.html"), "--templates: s.ndjson is no folder"),
        (("--templates", "own", "-f", "html=r.html"), "own holds none of the files that can be replaced: "),
        (("--templates", "own", "-f", "json=r.json"), "--templates is for the HTML report; ask for it"),
    ],
)
def test_templates_that_would_be_passed_over_are_refused(
    folder: Path, atlascan: Atlascan, args: tuple[str, ...], said: str
) -> None:
    (folder / "own").mkdir()
    (folder / "own" / ("report.css" if "json" in args[-1] else "report.html.jinja")).write_text("")
    done = atlascan(*FAILING, *args)
    assert (done.code, done.out) == (2, "")
    assert said in " ".join(done.err.split())
