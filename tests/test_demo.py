"""The demo: what a stranger sees first, and what a wheel carries."""

import json
import re
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from scanner import policies
from scanner.collect import recording
from scanner.shipped import shipped
from tests.conftest import Atlascan

ROOT = Path(__file__).parent.parent


def test_the_demo_prints_verdicts_reasons_and_files_and_exits_0(tmp_path: Path, atlascan: Atlascan) -> None:
    done = atlascan("demo", credentials={})
    assert (done.code, done.err) == (0, "")
    for policy in ("no-invites-allowed", "no-open-domain-signup", "public-signup-off", "separate-support-email-domain"):
        assert f"/{policy}  " in done.out
    for file in ("report.html", "junit.xml", "result.json", "atlascan-snapshot.ndjson"):
        assert (tmp_path / "atlascan-demo" / file).is_file()
        assert f"atlascan-demo/{file}" in done.out
    assert done.out.endswith("As a gate in a pipeline, this scan would exit 1.\n")


def test_the_demo_shows_every_verdict(tmp_path: Path, atlascan: Atlascan) -> None:
    atlascan("demo", credentials={})
    result = json.loads((tmp_path / "atlascan-demo" / "result.json").read_text(encoding="utf-8"))
    assert {finding["verdict"] for finding in result["findings"]} == {"pass", "fail", "unknown", "notapplicable"}
    assert any(finding["waiver"] for finding in result["findings"])
    assert "made-up company" in result["snapshot"]["recorded"]


def test_the_demo_is_the_same_every_time(atlascan: Atlascan) -> None:
    first = atlascan("demo", "-o", "one", credentials={})
    second = atlascan("demo", "-o", "two", credentials={})
    lines = [outcome.out.replace("one/", "two/").splitlines() for outcome in (first, second)]
    assert [line for line in lines[0] if "snapshot  " not in line] == [line for line in lines[1] if "snapshot  " not in line]


def test_a_scan_of_the_recording_gives_what_the_demo_shows(tmp_path: Path, atlascan: Atlascan) -> None:
    demo = shipped("cassettes") / "demo"
    atlascan("demo", credentials={})
    scanned = atlascan("scan", "-c", str(demo / "atlascan.yaml"), "--replay", str(demo), "-f", "json=scan.json", credentials={})
    assert scanned.code == 1
    results = [json.loads((tmp_path / name).read_text(encoding="utf-8")) for name in ("scan.json", "atlascan-demo/result.json")]
    assert results[0]["findings"] == results[1]["findings"]


def test_the_recording_says_that_it_is_of_the_stand_in_and_holds_no_credential() -> None:
    demo = shipped("cassettes") / "demo"
    assert "stand-in" in recording.about(demo).of
    traffic = (demo / recording.TRAFFIC).read_text(encoding="utf-8")
    for word in ("stand-in-org-key", "stand-in-api-token", "uthorization", "127.0.0.1"):
        assert word not in traffic


def test_the_recording_is_what_the_stand_in_answers_today(tmp_path: Path) -> None:
    """`make record` would change nothing but times: the demo cannot drift from the stand-in."""
    from tests.record import record_demo  # noqa: PLC0415  imports the collector

    fresh = tmp_path / "demo"
    record_demo(fresh)
    assert _timeless(fresh / recording.TRAFFIC) == _timeless(shipped("cassettes") / "demo" / recording.TRAFFIC)


def test_the_demo_fits_a_few_screens_and_names_every_policy_once(atlascan: Atlascan) -> None:
    lines = atlascan("demo", credentials={}).out.splitlines()
    assert len(lines) <= 150
    for policy in policies.load():
        assert (
            sum(f" {policy}  " in line and not line.startswith("  expired") and not line.startswith("  applied") for line in lines)
            == 1
        )


def test_the_demo_shows_each_kind_of_policy_open_and_closed_and_something_unknown(tmp_path: Path, atlascan: Atlascan) -> None:
    atlascan("demo", credentials={})
    result = json.loads((tmp_path / "atlascan-demo" / "result.json").read_text(encoding="utf-8"))
    seen = {(each["policy"].partition("/")[0], each["verdict"]) for each in result["findings"]}
    for area in ("access", "identity", "jira", "jsm", "confluence"):
        assert {verdict for of, verdict in seen if of == area} >= {"pass", "fail", "unknown"}
    assert {each["state"] for each in result["waivers"]} == {"applied", "expired"}
    assert any(each["because"] for each in result["left_out"])


def test_the_readme_counts_the_policies_of_each_area() -> None:
    counted = Counter(policy.area for policy in policies.load().values())
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[?(\w+)(?:\]\(\S+\))? \| (\d+) \|", readme, re.MULTILINE)
    assert {area: int(number) for area, number in rows} == counted
    for page in (
        readme,
        *((ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("index.md", "limits.md", "getting-started.md")),
    ):
        assert f"{counted.total()} policies" in page


def test_the_readme_tells_what_the_picture_of_the_demo_shows(tmp_path: Path, atlascan: Atlascan) -> None:
    atlascan("demo", credentials={})
    findings = json.loads((tmp_path / "atlascan-demo" / "result.json").read_text(encoding="utf-8"))["findings"]
    counts = Counter("waived" if each["waiver"] else each["verdict"] for each in findings)
    unknown = f"{counts['unknown']} that could not be judged, with what would make them known"
    told = f"{counts['fail']} failing, {unknown}, {counts['waived']} waived"
    assert f"![The demo's report: {told}](docs/report.png)" in (ROOT / "README.md").read_text(encoding="utf-8")


def _timeless(file: Path) -> object:
    content = json.loads(file.read_text(encoding="utf-8"))
    for each in content["interactions"]:
        for header in ("x-ratelimit-reset", "x-ratelimit-remaining"):
            each["response"]["headers"].pop(header, None)
        for time in ("serverTime", "buildDate"):
            body = json.loads(each["response"]["body"]["string"])
            if isinstance(body, dict) and body.pop(time, None):
                each["response"]["body"]["string"] = json.dumps(body)
    return content


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel that is built from the sdist, as an index would have it."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)  # noqa: S603  our own build
    assert done.returncode == 0, done.stdout + done.stderr
    [built] = folder.glob("*.whl")
    return built


def test_a_wheel_runs_the_demo_from_another_folder(wheel: Path, tmp_path: Path) -> None:
    installed = tmp_path / "installed"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)  # what pip does with a wheel, less the script
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    command = [sys.executable, "-c", "import scanner, scanner.__main__ as m; print(scanner.__file__); m.main()", "demo"]
    environment = {"PYTHONPATH": str(installed), "PATH": ""}
    done = subprocess.run(  # noqa: S603  our own program
        command, cwd=elsewhere, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(installed))
    assert (elsewhere / "atlascan-demo" / "report.html").is_file()


def test_a_wheel_carries_no_tests_and_every_shipped_file(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name.partition("/")[0] for name in names} == {"scanner", "atlascan-0.1.0.dist-info"}
    for folder, into in (("policies", "policies"), ("reports", "reports"), ("cassettes/demo", "cassettes/demo")):
        for file in (ROOT / folder).rglob("*"):
            if file.is_file():
                assert f"scanner/_data/{into}/{file.relative_to(ROOT / folder).as_posix()}" in names
    assert {f"scanner/schemas/{file.name}" for file in (ROOT / "scanner/schemas").glob("*.json")} <= names
