"""The documentation site: it builds without a warning, loads nothing from elsewhere, and every command in it runs."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from lxml import html

from tests import reference
from tests.conftest import Outcome
from tests.fake_atlassian.server import StandIn
from tests.pages import DOCS, GENERATED, PAGES, ROOT, Block, blocks, name
from tests.sites import ADMIN, NO_KEYRING

pytestmark = pytest.mark.long

# ------------------------------------------------------------------------------------------------------------ the built site


def build(checkout: Path, into: Path) -> Outcome:
    """Build the site as `make docs` does. Not with `--quiet`: that silences the warnings at which `--strict` stops."""
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(into)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}  # Material speaks of its successor: no warning about our pages
    done = subprocess.run(  # noqa: S603  our own site
        command, cwd=checkout, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = build(ROOT, folder)
    assert done.code == 0, done.err
    assert "WARNING" not in done.err
    return folder


def test_the_site_has_every_page_and_its_navigation_leads_to_each(site: Path) -> None:
    built = {file.parent.relative_to(site).as_posix() for file in site.rglob("index.html")}
    pages = [page.relative_to(DOCS) for page in DOCS.rglob("*.md")]
    assert built == {(page.parent if page.stem == "index" else page.with_suffix("")).as_posix() for page in pages}


def test_a_page_that_is_not_in_the_navigation_and_links_that_lead_nowhere_stop_the_build(tmp_path: Path) -> None:
    shutil.copytree(DOCS, tmp_path / "docs")
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    (tmp_path / "docs" / "stray.md").write_text("[no page](nowhere.md) [no place](limits.md#nowhere) [not ours](../README.md)\n")
    done = build(tmp_path, tmp_path / "site")
    assert done.code == 1
    for complaint in ('not included in the "nav"', "'nowhere.md'", "'limits.md#nowhere'", "'../README.md'"):
        assert complaint in done.err


def test_no_page_loads_anything_from_another_host(site: Path) -> None:
    loaded = {
        (page.relative_to(site).as_posix(), address)
        for page in site.rglob("*.html")
        for address in html.parse(page).xpath("//script/@src | //img/@src | //iframe/@src | //link[not(@rel='canonical')]/@href")
    }
    styles = {
        (sheet.name, address)
        for sheet in site.rglob("*.css")
        for address in re.findall(r"""url\(["']?((?!data:)[^)"']+)""", sheet.read_text(encoding="utf-8"))
    }
    assert loaded
    assert {(where, address) for where, address in loaded | styles if urlsplit(address).netloc} == set()


def test_the_navigation_lists_the_policies_that_there_are() -> None:
    assert reference.SITE.read_text(encoding="utf-8") == reference.site(), "mkdocs.yml is stale: run `python -m tests.reference`"


# -------------------------------------------------------------------------------------------------------------- its commands

# Pages that a reader follows from nothing. On all others a configuration and a first scan are there already.
FROM_NOTHING = {"README.md", "docs/getting-started.md"}
# Pages about what happened on a day that is long gone, and where they are run as of that day.
OF_A_DAY = {
    "docs/a-stranger-in-jira.md": "tests/test_stranger_in_jira.py",
    "docs/trace.md": "tests/test_stranger_in_jira.py",
}
# What a line may start with besides `atlascan`, and is run.
ORDINARY = ("grep ", "mkdir ")
# What a line may start with, and is not run here, with the reason.
NOT_RUN = {
    ". .venv/bin/activate": "the program is on the path already",
    ".venv/bin/pip install ": "the program is installed already",
    "build/peers/bin/pip install ": "a benchmark's peers: CONTRIBUTING says who measures",
    "cp atlascan/": "there is no clone: tests/test_recipes.py runs the scripts in it",
    "docker ": "there may be no Docker: tests/test_dockerfile.py holds the image against what it says",
    "duckdb ": "another program, which not everybody has",
    'eval "$(_ATLASCAN_COMPLETE=': "for the startup file of a shell: tests/test_completion.py starts one",
    "export ATLASCAN_": "the credentials of the stand-in are set already",
    "git clone ": "the program is installed already",
    "install -m 600 ": "the credentials of the stand-in are set already",
    "jq ": "another program, which not everybody has",
    "keyring set ": "asks for a secret, and writes it into the keyring of whoever runs the tests",
    "make ": "needs a checkout, and runs these very tests",
    "python -m benchmarks.": "takes many minutes",
    "python -m venv ": "the program is installed already",
    "python3 -m venv ": "the program is installed already",
}
# What a person types where a command asks.
TYPED = {
    "atlascan attest": "kim@acme.example\n",
    # The page gives the same policy a second time, by options: two files cannot have one id.
    "atlascan policy new": "jsm/kb-asked\njsm.customer_permissions\nknowledge_base_anonymous\nequals\nfalse\n"
    "Nobody reads a desk's knowledge base without an account\nhigh\nIt names systems and people.\nOpen the service project.\n\n",
}
# The stand-in leaves doors open and has nothing attested: these end so, unless the page says otherwise.
STOPPED = {r"atlascan (scan|check)\b(?!.* --explain )": 1, r"atlascan doctor\b": 3}
END = 1_000  # characters of what a command that went wrong said
SAYS_CODE = re.compile(r"\s+# exit code (\d)\b.*$")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of shell that a page shows, the exit code that it is to have, and what it is to print, line by line."""

    text: str
    code: int
    printed: tuple[str, ...] = ()


def lines(block: Block) -> Iterator[Line]:
    """Yield the lines of shell of a block; in one of a console, what follows `$ ` is typed, and all else printed."""
    if block.language == "sh":
        for each in block.text.replace("\\\n", "").splitlines():
            if each.strip() and not each.startswith("#"):
                yield line(each)
    elif block.language == "console":
        parts = block.text.replace("\\\n", "").splitlines()
        starts = [number for number, each in enumerate(parts) if each.startswith("$ ")]
        for start, end in pairwise([*starts, len(parts)]):
            yield line(parts[start].removeprefix("$ "), tuple(parts[start + 1 : end]))


def line(shown: str, printed: tuple[str, ...] = ()) -> Line:
    text = re.sub(r"\s+#\s.*$", "", shown)
    stated = SAYS_CODE.search(shown)
    usual = next((code for command, code in STOPPED.items() if re.match(command, text)), 0)
    return Line(text, int(stated[1]) if stated else usual, printed)


def to_run(text: str) -> str:
    """Return a line of shell without the parts of which `NOT_RUN` says why they are not run."""
    parts = [part for part in text.split(" && ") if not part.startswith(tuple(NOT_RUN))]
    strange = [part for part in parts if not re.match(r"(\.venv/bin/)?atlascan\b", part) and not part.startswith(ORDINARY)]
    assert not strange, f"nobody said how to test {strange}: add it to ORDINARY, or to NOT_RUN with the reason"
    return " && ".join(parts)


def shown(page: Path) -> Iterator[Block]:
    """Yield the blocks that matter here: shell, and files that a reader writes."""
    for block in blocks(page):
        if block.language in {"sh", "console"} or is_file(block):
            yield block


def is_file(block: Block) -> bool:
    return block.title.endswith(".yaml")


WITH_COMMANDS = [page for page in PAGES if page not in GENERATED and any(each for block in blocks(page) for each in lines(block))]


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who follows a page in a folder of their own, whose company is the stand-in."""

    folder: Path
    stand_in: StandIn

    def writes(self, file: str, text: str) -> None:
        path = self.folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def runs(self, text: str) -> Outcome:
        """Run a line of shell as it is written, where https://acme.atlassian.net is the stand-in."""
        self._points_at_the_stand_in()
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("ATLASCAN_")}
        path = os.pathsep.join([str(self.folder / ".venv" / "bin"), os.environ["PATH"]])
        done = subprocess.run(  # noqa: S602  the documentation's own words
            text,
            shell=True,
            cwd=self.folder,
            env={**inherited, **NO_KEYRING, **ADMIN, "PATH": path, "PYTHONPATH": str(ROOT), "HOME": str(self.folder)},
            input=TYPED.get(text, ""),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    def _points_at_the_stand_in(self) -> None:
        file = self.folder / "atlascan.yaml"
        if file.exists() and "acme.atlassian.net" in (text := file.read_text(encoding="utf-8")):
            entry = yaml.safe_load(text)
            entry["sites"] = [{"name": "acme", "url": self.stand_in.sites["acme"]}]
            file.write_text(json.dumps(entry | {"api_url": self.stand_in.api_url}), encoding="utf-8")


@pytest.fixture
def newcomer(tmp_path: Path, demo_site: StandIn) -> Reader:
    """Return somebody in a checkout who has installed the program, and done nothing else."""
    (tmp_path / "cassettes").symlink_to(ROOT / "cassettes")
    return installed(tmp_path, demo_site)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, demo_site: StandIn) -> Path:
    """Return the folder of somebody who has done the tutorial: a configuration, a snapshot and a result."""
    reader = installed(tmp_path_factory.mktemp("prepared"), demo_site)
    reader.runs("atlascan init --site https://acme.atlassian.net --company-domain acme.example --undocumented")
    done = reader.runs("atlascan scan -f json=result.json")
    assert done.code == 1, done.err
    return reader.folder


def installed(folder: Path, stand_in: StandIn) -> Reader:
    program = folder / ".venv" / "bin" / "atlascan"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m scanner "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return Reader(folder, stand_in)


def test_a_page_that_is_run_elsewhere_is_named_there() -> None:
    for page, test in OF_A_DAY.items():
        assert Path(page).name in (ROOT / test).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", [page for page in WITH_COMMANDS if name(page) not in OF_A_DAY], ids=name)
def test_whoever_follows_a_page_gets_what_it_says(page: Path, newcomer: Reader, prepared: Path) -> None:
    if name(page) not in FROM_NOTHING:
        shutil.copytree(prepared, newcomer.folder, dirs_exist_ok=True)
    for block in shown(page):
        if is_file(block):
            newcomer.writes(block.title, block.text)
        for each in lines(block):
            if text := to_run(each.text):
                done = newcomer.runs(text)
                said = f"{done.out}{done.err}"
                assert done.code == each.code, f"{text}\n{said[-END:]}"
                assert "Traceback" not in done.err, f"{text}\n{said[-END:]}"
                assert list(missing(each.printed, said)) == [], f"{text}\n{said[-END:]}"


def missing(printed: tuple[str, ...], output: str) -> Iterator[str]:
    """Yield what was to be printed and was not, or not in that order; `...` stands for anything, be it lines or a part of one."""
    rest = iter([squeezed(each) for each in output.splitlines()])
    for each in printed:
        wanted = re.compile(".*".join(re.escape(part) for part in squeezed(each).split("...")))
        if squeezed(each) not in {"", "..."} and not any(wanted.fullmatch(one) for one in rest):
            yield each


def squeezed(text: str) -> str:
    return " ".join(text.split())


def test_everything_that_is_not_run_is_on_some_page() -> None:
    parts = [part for page in WITH_COMMANDS for block in blocks(page) for each in lines(block) for part in each.text.split(" && ")]
    assert [start for start in NOT_RUN if not any(part.startswith(start) for part in parts)] == []
    assert TYPED.keys() <= set(parts)


def test_no_fenced_block_is_overlooked() -> None:
    for page in PAGES:
        fences = re.findall(r"^ *(?:```|~~~)", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert len(fences) == 2 * len(list(blocks(page))), (
            f"{name(page)}: a fence is indented, or says more than language and title"
        )


def test_what_a_page_shows_to_be_typed_is_in_a_block_that_is_run() -> None:
    """A file has a title, and `test_docs.py` or `test_recipes.py` loads it."""
    others = [block for page in PAGES for block in blocks(page) if block.language not in {"sh", "console"} and not block.title]
    assert {block.language for block in others} <= {"text"}
    typed = re.compile(r"^(\$ |(\S+/)?atlascan )", re.MULTILINE)
    assert [name(block.page) for block in others if typed.search(block.text)] == []


def test_a_page_that_is_wrong_is_noticed() -> None:
    assert line("atlascan scan --resume").code == 1
    assert line("atlascan doctor").code == 3
    assert line("atlascan check x --explain a b").code == 0
    assert line("atlascan doctor  # exit code 0: all is proven") == Line("atlascan doctor", 0)
    assert to_run("python3 -m venv .venv && atlascan demo") == "atlascan demo"
    with pytest.raises(AssertionError, match="nobody said how to test"):
        to_run("curl https://acme.example")
    assert list(missing(("one", "...", "three"), "one\n two\n  three\n")) == []
    assert list(missing(("until ...",), "until 2026-12-31\n")) == []
    assert list(missing(("three", "one"), "one\nthree\n")) == ["one"]
    assert list(missing(("until",), "until 2026-12-31\n")) == ["until"]
