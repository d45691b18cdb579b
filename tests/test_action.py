"""The GitHub Action: its steps, run as the runner would, against the stand-in site."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import recipes
from tests.fake_atlassian.server import StandIn
from tests.recipes import ROOT, STRICT
from tests.sites import ADMIN, NO_KEYRING
from tests.test_recipes import ATTESTED, shellcheck
from tests.test_scan import configured

ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
SCRIPTS = [step for step in STEPS if "run" in step]
REFERENCE = re.compile(r"\$\{\{ ([\w.-]+) \}\}")
TOLD = re.compile(r"^([\w-]+)=(.*)$", re.MULTILINE)

# The step that installs: what it does is tried with the image, and done here in another way.
INSTALL = """\
"$PYTHON" -m venv "$RUNNER_TEMP/atlascan"
"$RUNNER_TEMP/atlascan/bin/python" -m pip install --quiet --disable-pip-version-check \\
  --constraint "$GITHUB_ACTION_PATH/constraints.txt" "$GITHUB_ACTION_PATH"
"""


@dataclass(slots=True)
class Job:
    """A job with one step, the action: what came of it."""

    folder: Path
    code: int = 0
    log: str = ""
    summary: str = ""
    done: list[str] = field(default_factory=list)
    told: dict[str, str] = field(default_factory=dict)

    @property
    def outputs(self) -> dict[str, str]:
        return {name: self.filled(output["value"]) for name, output in ACTION["outputs"].items()}

    def filled(self, text: str) -> str:
        """Return a text with the values of its expressions in it."""
        return REFERENCE.sub(lambda found: self.told.get(found[1], ""), text)

    def wants(self, step: Mapping[str, Any]) -> bool:
        """Decide whether a step runs. Without a condition it does only while nothing has failed."""
        conditions = step.get("if", "success()").removeprefix("${{ ").removesuffix(" }}").split(" && ")
        after_all = "always()" in conditions
        compared = [re.fullmatch(r"(\S+) (==|!=) '(\w*)'", each) for each in conditions if not each.endswith("()")]
        holds = all(each and (self.told.get(each[1], "") == each[3]) is (each[2] == "==") for each in compared)
        return holds and (after_all or not self.code)


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the runner's temporary folder, with the program installed in it."""
    temporary = tmp_path_factory.mktemp("runner")
    (temporary / "atlascan").mkdir()
    programs = recipes.install(temporary / "atlascan" / "bin")
    (programs / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n', encoding="utf-8")
    (programs / "python").chmod(0o755)
    return temporary


def run(folder: Path, runner: Path, inputs: Mapping[str, str] | None = None, credentials: Mapping[str, str] = ADMIN) -> Job:
    """Run the action in a folder. Other people's actions are only noted."""
    job = Job(folder)
    given = {name: each["default"] for name, each in ACTION["inputs"].items()} | dict(inputs or {})
    job.told = {f"inputs.{name}": value for name, value in given.items()} | {"steps.python.outputs.python-path": sys.executable}
    for step in filter(job.wants, STEPS):
        job.done.append(step.get("name", step.get("uses", "")).partition("@")[0])
        if "run" in step and step["run"] != INSTALL:
            _run(job, step, runner, credentials)
    return job


def _run(job: Job, step: Mapping[str, Any], runner: Path, credentials: Mapping[str, str]) -> None:
    files = {name: runner / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    for file in files.values():
        file.write_text("", encoding="utf-8")
    fixed = {"RUNNER_TEMP": str(runner), "GITHUB_ACTION_PATH": str(ROOT), **{name: str(file) for name, file in files.items()}}
    given = {name: job.filled(value) for name, value in step.get("env", {}).items()}
    done = subprocess.run(  # noqa: S603  our own scripts
        [*STRICT, step["run"]],
        cwd=job.folder,
        env={"PATH": os.environ["PATH"], "HOME": str(runner), **NO_KEYRING, **credentials, **fixed, **given},
        capture_output=True,
        timeout=120,
        check=False,
    )
    job.code = job.code or done.returncode
    job.log += done.stdout.decode() + done.stderr.decode()
    job.summary += files["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8")
    written = TOLD.findall(files["GITHUB_OUTPUT"].read_text(encoding="utf-8"))
    job.told |= {f"steps.{step.get('id')}.outputs.{name}": value for name, value in written}


UPLOADS = ["Upload the failures to code scanning", "Keep the reports"]


# ------------------------------------------------------------------------------------------------------------- what it does


@pytest.mark.parametrize("code", ATTESTED)
def test_the_job_ends_with_the_gates_exit_code_after_everything_was_uploaded(
    code: int, tmp_path: Path, locked_site: StandIn, runner: Path
) -> None:
    configured(tmp_path, locked_site, attestations=ATTESTED[code])
    job = run(tmp_path, runner)

    assert job.code == code, job.log
    assert job.outputs["exit-code"] == str(code)
    assert job.done[-3:] == [*UPLOADS, "Gate"]
    reports = {"report.html", "result.json", "junit.xml", "atlascan.sarif", "summary.md"}
    assert {file.name for file in (tmp_path / "atlascan-reports").iterdir()} == reports
    assert job.summary == (tmp_path / "atlascan-reports" / "summary.md").read_text(encoding="utf-8")
    counted = json.loads((tmp_path / "atlascan-reports" / "result.json").read_text(encoding="utf-8"))["summary"]
    words = {"failed": "fail", "unknown": "unknown", "waived": "waived", "passed": "pass"}
    assert {name: job.outputs[name] for name in words} == {name: str(counted[word]) for name, word in words.items()}


def test_where_nothing_was_judged_nothing_is_uploaded_though_earlier_reports_lie_there(tmp_path: Path, runner: Path) -> None:
    (tmp_path / "atlascan.yaml").write_text("sites: 3\n", encoding="utf-8")
    (tmp_path / "atlascan-reports").mkdir()
    (tmp_path / "atlascan-reports" / "result.json").write_text("{}", encoding="utf-8")
    job = run(tmp_path, runner)

    assert job.code == 2
    assert "error: atlascan.yaml" in job.log
    assert not {*UPLOADS, "Summarize"} & {*job.done}
    assert job.outputs == {"exit-code": "2", "failed": "", "unknown": "", "waived": "", "passed": ""}


@pytest.fixture(scope="module")
def first_scan(tmp_path_factory: pytest.TempPathFactory, locked_site: StandIn, runner: Path) -> Path:
    """Return a folder in which a scan was run that found failures, as its baseline and its snapshot."""
    folder = tmp_path_factory.mktemp("repository")
    configured(folder, locked_site, attestations=ATTESTED[1])
    assert run(folder, runner).code == 1
    (folder / "atlascan-reports" / "result.json").rename(folder / "baseline.json")
    (runner / "atlascan-snapshot.ndjson").rename(folder / "our snapshot.ndjson")
    return folder


@pytest.fixture
def scanned(first_scan: Path, tmp_path: Path) -> Path:
    """Return a folder of one's own like that of the first scan."""
    return shutil.copytree(first_scan, tmp_path, dirs_exist_ok=True)


SNAPSHOT = {"snapshot": "our snapshot.ndjson"}


def test_a_snapshot_is_judged_again_without_credentials(scanned: Path, runner: Path) -> None:
    job = run(scanned, runner, SNAPSHOT, credentials={})
    assert job.code == 1, job.log
    assert job.outputs["failed"] != "0"


@pytest.mark.parametrize(
    ("inputs", "code"),
    [
        ({"fail-on": "new"}, 2),
        ({"fail-on": "new", "baseline": "baseline.json"}, 0),
        ({"fail-on": "new high", "baseline": "baseline.json"}, 1),
        ({"fail-on": "low critical"}, 2),
        ({"config": "other.yaml"}, 2),
    ],
)
def test_an_input_means_what_the_option_means(scanned: Path, runner: Path, inputs: dict[str, str], code: int) -> None:
    assert run(scanned, runner, SNAPSHOT | inputs, credentials={}).code == code


def test_what_could_not_be_judged_can_be_allowed(tmp_path: Path, locked_site: StandIn, runner: Path) -> None:
    configured(tmp_path, locked_site)
    assert run(tmp_path, runner, {"allow-unknown": "true"}).code == 0


def test_more_formats_are_written_where_they_are_asked_for(scanned: Path, runner: Path) -> None:
    job = run(scanned, runner, SNAPSHOT | {"formats": "csv=all findings.csv\n\ntext=report.txt\n", "reports": "out/our reports"})
    assert job.code == 1, job.log
    assert (scanned / "all findings.csv").stat().st_size
    assert (scanned / "report.txt").stat().st_size
    assert (scanned / "out" / "our reports" / "atlascan.sarif").stat().st_size


def test_uploads_can_be_left_out(scanned: Path, runner: Path) -> None:
    job = run(scanned, runner, SNAPSHOT | {"upload-sarif": "false", "artifact": ""})
    assert job.code == 1
    assert not {*UPLOADS} & {*job.done}


def test_the_gate_decides_though_an_upload_failed() -> None:
    job = Job(
        Path(), code=1, told={"steps.scan.outputs.exit-code": "3", "steps.scan.outputs.reported": "true", "inputs.artifact": "x"}
    )
    assert [step["name"] for step in STEPS[3:] if job.wants(step)] == ["Keep the reports", "Gate"]


# ------------------------------------------------------------------------------------------------------------- what it obeys

HOSTILE = (
    '$(touch pwned)"; touch pwned; #',
    "`touch pwned`",
    "'; touch pwned; '",
    "--help",
    "-",
    "x\nexit 0",
    "${{ github.token }}",
)
READ = sorted(
    {name for step in SCRIPTS for value in step.get("env", {}).values() for name in re.findall(r"inputs\.([\w-]+)", value)}
)


@pytest.mark.parametrize("text", HOSTILE)
def test_no_input_is_read_as_shell(text: str, scanned: Path, runner: Path) -> None:
    job = run(scanned, runner, dict.fromkeys(READ, text), credentials={})
    assert job.code in (1, 2, 3), job.log
    assert list(scanned.rglob("pwned")) == []


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize("text", ["--help", "--allow-unknown"])
def test_no_input_is_read_as_an_option_or_opens_the_gate(name: str, text: str, scanned: Path, runner: Path) -> None:
    job = run(scanned, runner, SNAPSHOT | {name: text}, credentials={})
    assert job.code in (1, 2, 3), job.log
    assert "Show this message and exit" not in job.log


def test_no_script_holds_an_expression() -> None:
    assert [step["name"] for step in SCRIPTS if "${{" in step["run"]] == []


def test_every_script_is_one_of_bash_in_which_shellcheck_finds_nothing() -> None:
    assert {step["shell"] for step in SCRIPTS} == {"bash"}
    assert [shellcheck("bash", step["run"]) for step in SCRIPTS] == [""] * len(SCRIPTS)


def test_zizmor_finds_nothing_but_the_place_where_a_reader_names_their_own_commit() -> None:
    files = ["action.yml", "docs/ci/github-action.yml", "docs/ci/github-steps.yml"]
    command = [str(Path(sys.executable).with_name("zizmor")), "--offline", "--persona", "pedantic", "--format", "json", *files]
    found = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=False).stdout)  # noqa: S603  a linter
    features = [(each["ident"], each["locations"][-1]["concrete"]["feature"].strip()) for each in found]
    assert features == [("unpinned-uses", f"your-org/atlascan@v{recipes.VERSION}")]


def test_commands_in_the_report_are_not_obeyed(scanned: Path, runner: Path) -> None:
    log = run(scanned, runner, SNAPSHOT, credentials={}).log.splitlines()
    [stop] = [number for number, line in enumerate(log) if line.startswith("::stop-commands::")]
    token = log[stop].removeprefix("::stop-commands::")
    assert re.fullmatch(r"[0-9a-f]{32}", token)
    assert stop == 0
    assert log[log.index(f"::{token}::") - 1].startswith("exit code 1: ")


def test_the_page_names_every_input_with_its_default_and_every_output() -> None:
    page = (ROOT / "docs" / "ci" / "github.md").read_text(encoding="utf-8")
    words = {"": "none", "fail-on": "as configured"}
    for name, each in ACTION["inputs"].items():
        default = words.get(name) or words.get(each["default"]) or f"`{each['default']}`"
        assert f"| `{name}` | {default} |" in page
    assert [name for name in ACTION["outputs"] if f"`{name}`" not in page] == []


def test_the_install_step_is_the_one_that_is_known() -> None:
    assert INSTALL in [step["run"] for step in SCRIPTS]
