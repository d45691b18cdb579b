"""Which policy files a command is about: those that are named, or all that ship and all that are configured."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from os.path import isdir
from pathlib import Path

from scanner import policies
from scanner.cli import pipeline
from scanner.config import FILE as CONFIG_FILE
from scanner.config import Config
from scanner.shipped import shipped


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """A file of a policy, as it was named, and the id that the policy has by its place."""

    path: Path
    id: str


def configured(file: Path | None) -> Config:
    """Return the configuration if there is one; policies can be looked at without."""
    return pipeline.load_config(file) if file or Path(CONFIG_FILE).exists() else Config(sites=())


def named(paths: Sequence[Path], config: Config) -> list[PolicyFile]:
    """Return the policy files at some paths, or all that ship and all that are configured.

    Raises:
        InputError: There is no such folder.
    """
    folders = (shipped("policies"), *config.policies)
    return [file for path in paths or folders for file in _at(path, folders)]


def others(config: Config) -> dict[str, Path]:
    """Return the files of all policies that ship or are configured, by the id of the policy; the first where two have one."""
    found: dict[str, Path] = {}
    for file in named((), config):
        found.setdefault(file.id, file.path)
    return found


# ---------------------------------------------------------------------------------------------------------------- private


def _at(path: Path, folders: Sequence[Path]) -> Iterator[PolicyFile]:
    base = next((folder for folder in folders if path.resolve().is_relative_to(folder.resolve())), None)
    if isdir(path) or path.suffix not in (".yaml", ".yml"):  # noqa: PTH112  Path's raises on a name that is too long
        for file in policies.files(path):
            yield PolicyFile(file, _id(file, base or path))
    else:
        yield PolicyFile(path, _id(path, base or path.parent.parent))


def _id(file: Path, folder: Path) -> str:
    """Return the id of a policy: its path below the folder of its area."""
    return file.resolve().relative_to(folder.resolve()).with_suffix("").as_posix()
