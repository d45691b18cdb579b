"""What the recipes for pipelines do, taken out of their files as each platform would take it; and a place to run it in."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import yaml

from tests.sites import ADMIN, NO_KEYRING

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "ci"
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]

# How each platform runs a script that names no shell of its own, or names bash.
STRICT = ("bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c")
PLAIN = ("bash", "--noprofile", "--norc", "-c")
POSIX = ("sh", "-xe", "-c")

# What reaches beyond this machine or installs, and what is done here in its place. Reviewed: all else runs as it is written.
_UNPACK = "mkdir atlascan && cp {root}/constraints.txt {root}/pyproject.toml atlascan"
_INSTALLED = "test -f atlascan/constraints.txt && test -f ./atlascan/pyproject.toml"
INSTEAD = {
    f'git clone --quiet --depth 1 --branch v{VERSION} "$ATLASCAN_REPOSITORY" atlascan': _UNPACK,
    "pip install --quiet --constraint atlascan/constraints.txt ./atlascan": _INSTALLED,
    ".venv/bin/pip install --quiet --constraint atlascan/constraints.txt ./atlascan": _INSTALLED,
    "python3 -m venv .venv": "mkdir -p .venv/bin && cp {bin}/atlascan .venv/bin",
    "cp atlascan/docs/ci/nightly.sh .": "cp {root}/docs/ci/nightly.sh .",
}


@dataclass(frozen=True, slots=True)
class Script:
    """A script of a pipeline, the shell that runs it, and what is in its environment besides."""

    shell: Sequence[str]
    text: str
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Recipe:
    """A recipe: its scripts in their order, and the files that it hands to the platform afterwards."""

    file: Path
    scripts: tuple[Script, ...]
    published: tuple[str, ...]


def steps() -> Recipe:
    """Return what GitHub runs without the action."""
    file = FOLDER / "github-steps.yml"
    scripts, published = [], []
    for step in _yaml(file)["jobs"]["access"]["steps"]:
        given = step.get("with", {})
        if "run" in step:
            scripts.append(Script(STRICT, step["run"], _filled(step.get("env", {}), r"\$\{\{ secrets\.(\w+) \}\}")))
        elif given.get("path") == "atlascan":  # the second checkout
            scripts.append(
                Script(STRICT, f'git clone --quiet --depth 1 --branch {given["ref"]} "$ATLASCAN_REPOSITORY" atlascan', {})
            )
        elif step["uses"].startswith("actions/upload-artifact@"):
            published.append(given["path"])
    return Recipe(file, tuple(scripts), tuple(published))


def gitlab() -> Recipe:
    """Return what GitLab runs."""
    file = FOLDER / "gitlab-ci.yml"
    job = _yaml(file)["access"]
    artifacts = job["artifacts"]
    script = Script(STRICT, "\n".join([*job["before_script"], *job["script"]]), ADMIN)
    return Recipe(file, (script,), (*artifacts["paths"], *artifacts["reports"].values()))


def azure() -> Recipe:
    """Return what Azure Pipelines runs; variables that are secret reach only the step that maps them."""
    file = FOLDER / "azure-pipelines.yml"
    steps = _yaml(file)["steps"]
    scripts = [Script(PLAIN, step["bash"], _filled(step.get("env", {}), r"\$\((\w+)\)")) for step in steps if "bash" in step]
    published = [step["publish"] for step in steps if "publish" in step]
    published += [step["inputs"]["testResultsFiles"] for step in steps if step.get("task") == "PublishTestResults@2"]
    return Recipe(file, tuple(scripts), tuple(published))


def jenkins() -> Recipe:
    """Return what Jenkins runs; credentials reach only the stage that binds them."""
    file = FOLDER / "Jenkinsfile"
    text = file.read_text(encoding="utf-8")
    scripts = []
    for stage in text.split("stage(")[1:]:
        bound = {name: ADMIN[name] for name in re.findall(r"(\w+) = credentials\('[\w-]+'\)", stage)}
        scripts += [Script(POSIX, dedent(script), bound) for script in re.findall(r"sh '''\n(.*?)'''", stage, re.DOTALL)]
    return Recipe(file, tuple(scripts), tuple(re.findall(r"(?:testResults|artifacts): '([^']+)'", text)))


def bitbucket() -> Recipe:
    """Return what Bitbucket runs; it finds test results by itself, in any folder of that name."""
    file = FOLDER / "bitbucket-pipelines.yml"
    [item] = _yaml(file)["pipelines"]["custom"]["access"]
    step = item["step"]
    published = [path for each in step["artifacts"]["upload"] for path in each["paths"]]
    return Recipe(file, (Script(STRICT, "\n".join(step["script"]), ADMIN),), (*published, "test-results/*.xml"))


def cron() -> Recipe:
    """Return what the page on cron says to do once, and what cron does each night."""
    file = FOLDER / "nightly.sh"
    page = (FOLDER / "cron.md").read_text(encoding="utf-8")
    [once] = re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    [nightly] = re.findall(r"^17 5 \* \* 1-5 (.*)$", page, re.MULTILINE)
    keep = "\n".join(f"{name}={value}" for name, value in ADMIN.items())
    scripts = (
        Script(STRICT, once, {}),
        Script(STRICT, f"cat > credentials.env <<'END'\n{keep}\nEND", {}),
        Script(("sh", "-c"), nightly.replace("/srv/atlascan", "."), {}),
    )
    return Recipe(file, scripts, tuple(f"results/*/{name}" for name in ("report.txt", "report.html", "result.json", "snapshot.*")))


@dataclass(frozen=True, slots=True)
class Ran:
    """What a script said, and how it ended."""

    code: int
    out: str
    err: str


def run(script: Script, folder: Path, programs: Path) -> Ran:
    """Run a script in a folder, as on a fresh machine: nothing is inherited but the way to the programs."""
    done = subprocess.run(  # noqa: S603  our own scripts
        [*script.shell, _mapped(script.text, programs)],
        cwd=folder,
        env={**fresh(folder, programs), **script.environment},
        capture_output=True,
        timeout=120,
        check=False,
    )
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


def fresh(folder: Path, programs: Path) -> dict[str, str]:
    """Return the environment of a machine that knows neither a credential nor this checkout."""
    return {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": str(folder),
        "GITHUB_STEP_SUMMARY": str(folder / "step-summary"),
        **NO_KEYRING,
    }


def install(programs: Path) -> Path:
    """Put the program into a folder, as an installation would; return the folder."""
    programs.mkdir()
    program = programs / "atlascan"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m scanner "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return programs


def used(recipe: Recipe) -> Iterator[str]:
    """Yield the lines of a recipe for which something else is done here."""
    for script in recipe.scripts:
        yield from (line for line in map(str.strip, script.text.splitlines()) if line in INSTEAD)


# ---------------------------------------------------------------------------------------------------------------- private


def _yaml(file: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return loaded


def _filled(environment: Mapping[str, str], reference: str) -> dict[str, str]:
    """Return an environment whose values all refer to a secret, with the stand-in's in their place."""
    return {name: ADMIN[re.fullmatch(reference, value)[1]] for name, value in environment.items()}  # type: ignore[index]  # or fail


def _mapped(text: str, programs: Path) -> str:
    def done(line: str) -> str:
        instead = INSTEAD.get(line.strip())
        return instead.format(root=ROOT, bin=programs) if instead else line

    return "\n".join(done(line) for line in text.splitlines())


RECIPES = {recipe.file.name: recipe for recipe in (steps(), gitlab(), azure(), jenkins(), bitbucket(), cron())}
