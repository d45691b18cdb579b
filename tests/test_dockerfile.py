"""The image, as far as it can be tried without building one: what the Dockerfile says, and its installation in a folder."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from tests.recipes import ROOT, STRICT, VERSION
from tests.sites import NO_KEYRING


@dataclass(frozen=True, slots=True)
class Instruction:
    """An instruction of a Dockerfile, and its arguments as they are written."""

    word: str
    arguments: str

    @property
    def words(self) -> list[str]:
        return [word for word in self.arguments.split() if not word.startswith("--")]


def instructions() -> list[Instruction]:
    """Return the instructions of the Dockerfile, each on one line (docs.docker.com/reference/dockerfile)."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", "")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [Instruction(word, arguments) for word, _, arguments in (line.partition(" ") for line in lines)]


ALL = instructions()
LAST = max(number for number, each in enumerate(ALL) if each.word == "FROM")
BUILD, FINAL = ALL[:LAST], ALL[LAST:]
COPIED = [each for each in BUILD if each.word == "COPY"]


def of(word: str, stage: list[Instruction]) -> list[str]:
    return [each.arguments for each in stage if each.word == word]


def ignored(path: str) -> bool:
    """Decide whether .dockerignore keeps a path from the builder: the last pattern that fits decides."""
    kept = False
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        if line.startswith("!") and (path == line[1:] or path.startswith(f"{line[1:]}/")):
            kept = True
        elif line.startswith("**/") and any(Path(part).match(line[3:]) for part in path.split("/")):
            kept = False
    return not kept


# ------------------------------------------------------------------------------------------------------------- what it says


def test_both_stages_start_from_the_same_slim_image_in_an_exact_version() -> None:
    images = {line.split()[0] for line in of("FROM", ALL)}
    assert len(of("FROM", ALL)) == 2
    [image] = images
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-[a-z]+", image)


def test_nothing_is_fetched_but_packages_within_the_constraints() -> None:
    assert of("ADD", ALL) == []
    commands = " ".join(of("RUN", ALL))
    assert commands.count("pip install") == commands.count("--constraint constraints.txt") == 1
    assert not re.search(r"curl|wget|apt-get|https?:", commands)


def test_the_program_runs_as_a_user_without_rights_in_a_folder_of_its_own() -> None:
    [user] = of("USER", FINAL)
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)
    assert of("WORKDIR", FINAL) == of("VOLUME", FINAL) == ["/scan"]
    assert of("ENTRYPOINT", FINAL) == ['["atlascan"]']
    assert [each.word for each in FINAL].index("USER") > max(number for number, each in enumerate(FINAL) if each.word == "RUN")


def test_the_last_stage_takes_the_installation_and_nothing_to_build_with() -> None:
    assert of("COPY", FINAL) == ["--from=build /opt/atlascan /opt/atlascan"]
    assert "pip uninstall" in " ".join(of("RUN", FINAL))
    assert "/opt/atlascan/bin/pip uninstall" in " ".join(of("RUN", BUILD))


def test_no_credential_is_in_the_image() -> None:
    assert of("ARG", ALL) == []
    assert not re.search(r"ATLASCAN_|TOKEN|SECRET|PASSWORD", " ".join(of("ENV", ALL)))


def test_what_is_copied_is_there_and_reaches_the_builder_and_nothing_else_does() -> None:
    sources = [source for each in COPIED for source in each.words[:-1]]
    assert [source for source in sources if not (ROOT / source).exists() or ignored(source)] == []
    secret = (
        ".git/config",
        ".env",
        "credentials.env",
        "atlascan-snapshot.ndjson",
        "result.json",
        "tests/sites.py",
        "docs/ci/cron.md",
    )
    assert [path for path in (*secret, "scanner/__pycache__/x.pyc") if not ignored(path)] == []


def test_the_page_and_the_file_name_the_version_that_is_built() -> None:
    for file in (ROOT / "Dockerfile", ROOT / "docs" / "ci" / "docker.md"):
        versions = set(re.findall(r"atlascan:([\w.]+)", file.read_text(encoding="utf-8")))
        assert versions == {VERSION}


# -------------------------------------------------------------------------------------------------------------- what it does


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the first stage installs, run in a folder of its own in place of /.

    What the program needs is not fetched but found, in the versions of the constraints, in the environment of the tests.
    """
    root = tmp_path_factory.mktemp("image")
    (root / "src").mkdir()
    for each in BUILD:
        if each.word == "COPY":
            *sources, to = each.words
            for name in sources:
                _copy(ROOT / name, root / "src" / to / name if to.endswith("/") else root / "src" / to)
        elif each.word == "RUN":
            _run(each.arguments.replace("/opt/", f"{root}/opt/"), root / "src")
            for packages in root.glob("opt/*/lib/python3*/site-packages"):
                (packages / "found.pth").write_text(f"{Path(click.__file__).parents[1]}\n", encoding="utf-8")
    shutil.rmtree(root / "src")  # the last stage has it no more
    return root / "opt" / "atlascan"


def _run(command: str, folder: Path) -> None:
    offline = {
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "false",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    done = subprocess.run([*STRICT, command], cwd=folder, env=offline, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stdout + done.stderr


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


def test_what_is_installed_runs_the_demo_without_the_source(installation: Path, tmp_path: Path) -> None:
    command = [str(installation / "bin" / "atlascan"), "demo"]
    done = subprocess.run(command, cwd=tmp_path, env=NO_KEYRING, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "atlascan-demo" / "report.html").stat().st_size


def test_what_is_installed_has_nothing_to_install_with(installation: Path) -> None:
    [packages] = installation.glob("lib/python3*/site-packages")
    assert (packages / "scanner").is_dir()
    assert not (packages / "pip").exists()


def test_the_image_and_the_recipes_install_the_same_version(installation: Path) -> None:
    said = subprocess.run([str(installation / "bin" / "atlascan"), "--version"], capture_output=True, text=True, check=True)  # noqa: S603
    assert said.stdout == f"atlascan, version {VERSION}\n"
