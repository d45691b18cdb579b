"""The recipes for pipelines: valid for their platform, and what they run does what the page says, against the stand-in site."""

import fcntl
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml

from tests import recipes
from tests.fake_atlassian.server import StandIn
from tests.pages import blocks
from tests.recipes import FOLDER, INSTEAD, RECIPES, ROOT, VERSION, Ran, Recipe
from tests.sites import ADMIN
from tests.test_scan import configured, stated

# Validated against the schemas that each vendor publishes, as check-jsonschema carries them.
SCHEMAS = {
    "action.yml": "github-actions",
    "docs/ci/github-action.yml": "github-workflows",
    "docs/ci/github-steps.yml": "github-workflows",
    "docs/ci/gitlab-ci.yml": "gitlab-ci",
    "docs/ci/azure-pipelines.yml": "azure-pipelines",
    "docs/ci/bitbucket-pipelines.yml": "bitbucket-pipelines",
}
FILES = sorted(file for file in FOLDER.iterdir() if file.suffix != ".md")
SHOWN = {block.title: block for page in FOLDER.glob("*.md") for block in blocks(page) if block.title}
# What people state of the locked site, by the exit code that this leads to.
ATTESTED = {0: stated("not_allowed"), 1: stated("anyone"), 3: ""}
SECRETS = ("ATLASCAN_ORG_API_KEY", "ATLASCAN_API_TOKEN")
USES = re.compile(r"uses: (\S+)(?: # (v[\d.]+))?$", re.MULTILINE)


# --------------------------------------------------------------------------------------------------------- what is written


@pytest.mark.parametrize("file", SCHEMAS)
def test_a_file_is_valid_by_its_platforms_schema(file: str) -> None:
    assert objections(ROOT / file, SCHEMAS[file]) == "ok -- validation done\n"


def objections(file: Path, schema: str) -> str:
    """Return what check-jsonschema says of a file."""
    # Azure's schema holds an escape that ECMAScript allows only outside its Unicode mode.
    variant = "nonunicode" if schema == "azure-pipelines" else "default"
    command = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        f"vendor.{schema}",
        "--regex-variant",
        variant,
        str(file),
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603  a validator


def test_every_file_of_a_recipe_is_validated_or_run() -> None:
    assert {file.name for file in FILES} == RECIPES.keys() | {Path(file).name for file in SCHEMAS if "/" in file}
    assert {Path(file) for file in SCHEMAS} >= {file.relative_to(ROOT) for file in FILES if file.suffix == ".yml"}


def test_a_file_that_is_not_valid_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "gitlab-ci.yml"
    file.write_text((FOLDER / "gitlab-ci.yml").read_text(encoding="utf-8").replace("junit:", "junitt:"), encoding="utf-8")
    assert "junitt" in objections(file, "gitlab-ci")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_page_shows_the_file_as_it_is(file: Path) -> None:
    assert SHOWN[file.name].text == file.read_text(encoding="utf-8"), (
        f"copy docs/ci/{file.name} to docs/ci/{SHOWN[file.name].page.name}"
    )


@pytest.mark.parametrize("file", [ROOT / "action.yml", *FILES], ids=lambda file: file.name)
def test_everything_that_is_used_or_cloned_is_pinned(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    ours, others = f"your-org/atlascan@v{VERSION}", re.compile(r"[\w-]+/[\w/-]+@[0-9a-f]{40}")
    loose = [used for used, version in USES.findall(text) if used != ours and not (others.fullmatch(used) and version)]
    assert loose == []
    assert set(re.findall(r"(?:--branch|ref:) (\S+)", text)) <= {f"v{VERSION}"}


def test_an_action_is_used_in_one_version_everywhere() -> None:
    used = {each for file in (ROOT / "action.yml", *FILES) for each in USES.findall(file.read_text(encoding="utf-8"))}
    versions = Counter(name.partition("@")[0] for name, _ in used)
    assert {name for name, number in versions.items() if number > 1} == set()
    assert "actions/checkout" in versions


def test_the_braces_of_the_jenkinsfile_are_balanced() -> None:
    depth = 0
    for line in (FOLDER / "Jenkinsfile").read_text(encoding="utf-8").splitlines():
        code = re.sub(r"'[^']*'|//.*", "", line)
        depth += code.count("{") - code.count("}")
        assert depth >= 0, line
    assert depth == 0


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_shellcheck_finds_nothing_in_a_script(recipe: Recipe) -> None:
    texts = [(script.shell[0], script.text) for script in recipe.scripts]
    texts += [("bash", recipe.file.read_text(encoding="utf-8"))] if recipe.file.suffix == ".sh" else []
    said = [shellcheck(shell, text) for shell, text in texts]
    assert said == [""] * len(texts)


def test_shellcheck_finds_something_where_there_is_something() -> None:
    assert "SC2086" in shellcheck("bash", "cat $1")


def shellcheck(shell: str, text: str) -> str:
    """Return what shellcheck says of a script."""
    command = [str(Path(sys.executable).with_name("shellcheck")), "--shell", shell, "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False).stdout  # noqa: S603  a linter


def test_what_is_done_in_another_way_here_is_done_somewhere() -> None:
    assert {line for recipe in RECIPES.values() for line in recipes.used(recipe)} == INSTEAD.keys()


# ------------------------------------------------------------------------------------------------------------- what it does


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recipes.install(tmp_path_factory.mktemp("machine") / "bin")


def followed(recipe: Recipe, folder: Path, programs: Path) -> list[Ran]:
    """Run the scripts of a recipe one after the other, up to the first that fails."""
    ran: list[Ran] = []
    for script in recipe.scripts:
        ran.append(recipes.run(script, folder, programs))
        if ran[-1].code:
            break
    return ran


@pytest.mark.parametrize("code", ATTESTED)
@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_a_recipe_ends_with_the_gates_exit_code_and_leaves_what_it_publishes_and_no_credential(
    recipe: Recipe, code: int, tmp_path: Path, locked_site: StandIn, programs: Path
) -> None:
    configured(tmp_path, locked_site, attestations=ATTESTED[code])
    ran = followed(recipe, tmp_path, programs)

    assert ran[-1].code == code, ran[-1].err
    assert len(ran) == len(recipe.scripts)
    assert [path for path in recipe.published if not found(tmp_path, path)] == []
    assert [name for name in SECRETS if any(ADMIN[name] in text for text in left(ran, tmp_path))] == []


def left(ran: list[Ran], folder: Path) -> list[str]:
    """Return what was said and written, but for what a person wrote."""
    files = [file for file in folder.rglob("*") if file.is_file() and file.name != "credentials.env"]
    return [each.out + each.err for each in ran] + [file.read_text(encoding="latin-1") for file in files]


def found(folder: Path, path: str) -> list[Path]:
    """Return the files at a path of an artifact that hold something; a folder stands for all in it."""
    files = [inner for each in folder.glob(path) for inner in ([each] if each.is_file() else each.iterdir())]
    return [file for file in files if file.stat().st_size]


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_a_recipe_with_a_wrong_configuration_ends_with_2_and_says_why(recipe: Recipe, tmp_path: Path, programs: Path) -> None:
    (tmp_path / "atlascan.yaml").write_text("sites: 3\n", encoding="utf-8")
    ran = followed(recipe, tmp_path, programs)
    assert ran[-1].code == 2
    assert "error: atlascan.yaml" in ran[-1].out + ran[-1].err


@pytest.mark.parametrize("name", ["github-steps.yml", "azure-pipelines.yml"])
def test_where_a_log_obeys_commands_only_the_closing_line_goes_there(
    name: str, tmp_path: Path, open_site: StandIn, programs: Path
) -> None:
    configured(tmp_path, open_site, attestations=stated("anyone"))
    scan = followed(RECIPES[name], tmp_path, programs)[-1]
    [line] = scan.out.splitlines()
    assert line.startswith("exit code 1: ")


def test_credentials_reach_no_script_but_the_one_that_scans() -> None:
    told = {
        (recipe.file.name, "atlascan scan" in script.text)
        for recipe in RECIPES.values()
        for script in recipe.scripts
        if script.environment
    }
    assert told == {(name, True) for name in RECIPES if name != "nightly.sh"}


def test_all_of_gitlabs_reports_are_kept_however_the_job_ends() -> None:
    job = yaml.safe_load((FOLDER / "gitlab-ci.yml").read_text(encoding="utf-8"))["access"]
    assert job["artifacts"]["when"] == "always"
    assert job["artifacts"]["access"] == "developer"


# --------------------------------------------------------------------------------------------------------------------- cron


def test_cron_mails_nothing_while_the_gate_passes_and_else_the_report(tmp_path: Path, locked_site: StandIn, programs: Path) -> None:
    configured(tmp_path, locked_site, attestations=stated("not_allowed"))
    *before, night = followed(RECIPES["nightly.sh"], tmp_path, programs)
    assert (night.code, night.out, night.err) == (0, "", "")

    configured(tmp_path, locked_site, attestations=stated("anyone"))
    worse = recipes.run(RECIPES["nightly.sh"].scripts[-1], tmp_path, programs)
    assert worse.code == 1
    assert "access/no-invites-allowed" in worse.out
    assert before


def test_what_cron_keeps_is_for_its_owner_only(tmp_path: Path, locked_site: StandIn, programs: Path) -> None:
    configured(tmp_path, locked_site)
    followed(RECIPES["nightly.sh"], tmp_path, programs)
    kept = [*(tmp_path / "results").rglob("*"), tmp_path / "credentials.env"]
    assert {each.name for each in kept if each.stat().st_mode & 0o077} == set()


def test_cron_leaves_a_scan_that_still_runs_alone(tmp_path: Path, locked_site: StandIn, programs: Path) -> None:
    configured(tmp_path, locked_site)
    *once, night = RECIPES["nightly.sh"].scripts
    for script in once:
        assert recipes.run(script, tmp_path, programs).code == 0
    with (tmp_path / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ran = recipes.run(night, tmp_path, programs)
    assert (ran.code, ran.out, ran.err) == (3, "", "the scan before this one is still running\n")
    assert not (tmp_path / "results").exists()
