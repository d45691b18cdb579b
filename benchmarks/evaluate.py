"""What it costs to judge: all policies over a large snapshot, against merely parsing it; and five of them, against other engines.

`python -m benchmarks.evaluate --size 20000 --rounds 1` for a quick look. Each program runs as a process of its own, all in turns;
ratios are those of one round, and the medians of these are told.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import judge, snapshot
from benchmarks.measuring import at_least, at_most, check_lines, machine, processor_ratio, put, ratio, rounds, table

PEERS = Path(__file__).with_name("peers")
# What sharing can give on this machine: two at once, each with all of the file.
TWICE = """
import subprocess, sys
each = [subprocess.Popen([sys.executable, "-c", sys.argv[1], sys.argv[2]]) for _ in range(2)]
sys.exit(max(process.wait() for process in each))
"""

# So that few new policies do not change what is measured.
POLICIES = 60
FIVE = (
    "access/no-default-access-groups",
    "access/no-unmanaged-users",
    "identity/api-tokens-expire",
    "identity/two-step-verification",
    "jira/no-anonymous-permissions",
)
MOST_TIME, MOST_MEMORY, LEAST_SPEED_UP, LEAST_BEFORE_OPA = 4.0, 100.0, 1.8, 10.0

FLOOR = """
import sys, msgspec
decode = msgspec.json.Decoder().decode
with open(sys.argv[1], "rb") as file:
    for line in file:
        decode(line)
"""


def main() -> int:
    """Print what was measured against each target; fail if one was missed."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        report = [machine(arguments.rounds), *sixty(folder, arguments.size, arguments.rounds)]
        report += five(folder, arguments.peers_size, arguments.rounds, arguments.peers_python)
    print("\n".join(report))
    if arguments.markdown:
        put(arguments.markdown, "evaluate.py", report)
    return int(any(line.startswith("- **missed**") for line in report))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=1_000_000, help="how many resources are judged by all policies")
    parser.add_argument("--peers-size", type=int, default=78_000, help="how many are judged by five, in all engines")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where generated snapshots are kept, to be used again")
    parser.add_argument("--peers-python", default=sys.executable, help="the Python that has the other engines")
    parser.add_argument("--markdown", type=Path, help="a page to write the tables into")
    return parser.parse_args()


# ----------------------------------------------------------------------------------------------------------------- the programs


def _floor(path: Path) -> list[str]:
    return [sys.executable, "-c", FLOOR, str(path)]


def _ours(path: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "benchmarks.judge", str(path), *arguments]


# ----------------------------------------------------------------------------------------------------------------- all policies


def sixty(folder: Path, size: int, number: int) -> Iterator[str]:
    """Tell what it takes to judge by all policies, with one process and with two."""
    count = len(judge.rules())
    if count != POLICIES:
        raise RuntimeError(f"there are {count} policies: let {judge.OWN} make them {POLICIES}")
    path = snapshot.write(folder, size)
    twice = [sys.executable, "-c", TWICE, FLOOR, str(path)]
    ours = {"atlascan": _ours(path), "atlascan --jobs 2": _ours(path, "--jobs", "2")}
    programs = {"parse only": _floor(path), "parse only, two at once": twice, **ours}
    took = rounds(programs, number)
    check_lines(took, "atlascan", ["atlascan --jobs 2"])
    found = len(took[0]["atlascan"].lines)
    yield f"**{count} policies, {size:,} resources, {path.stat().st_size / 1e6:,.0f} MB**: {found:,} failures and unknowns.\n"
    yield from table(took, "parse only")
    yield at_most("time, times the parsing", ratio(took, "atlascan", "parse only"), MOST_TIME)
    # One processor does all the work of both, so this says the same, whatever else the machine does.
    yield at_most("processor time, times the parsing", processor_ratio(took, "atlascan", "parse only"), MOST_TIME)
    for name in ours:
        yield at_most(f"memory of {name}, MiB", max(each[name].mebibytes for each in took), MOST_MEMORY)
    yield at_least("times faster with two processes", ratio(took, "atlascan", "atlascan --jobs 2"), LEAST_SPEED_UP)
    gain = 2 * ratio(took, "parse only", "parse only, two at once")
    yield f"- to compare: two that only parse gain {gain:.3g} times by running at once"
    yield ""


# ------------------------------------------------------------------------------------------------------------------ the engines


def five(folder: Path, size: int, number: int, python: str) -> Iterator[str]:
    """Tell how long five policies take in each engine that is here; all find the same."""
    path = snapshot.write(folder, size)
    engines = {name: command for name, command in _engines(path, _as_one_document(path), python).items() if _is_here(name, python)}
    ours = _ours(path, *(argument for policy in FIVE for argument in ("--policy", policy)))
    took = rounds({"parse only": _floor(path), "atlascan": ours} | engines, number)
    check_lines(took, "atlascan", engines)
    found = len(took[0]["atlascan"].lines)
    megabytes = path.stat().st_size / 1e6
    yield f"**{len(FIVE)} policies, {size:,} resources, {megabytes:,.0f} MB**: {found:,} failures and unknowns, the same in all."
    yield f"{', '.join(_version(name, python) for name in engines) or 'No other engine is here'}.\n"
    yield from table(took, "atlascan")
    for name in engines:
        if "OPA" in name:
            yield at_least(f"times faster than {name}", ratio(took, name, "atlascan"), LEAST_BEFORE_OPA)


def _engines(path: Path, document: Path, python: str) -> dict[str, list[str]]:
    """Return the engines and how they are run; those of Rego read one JSON document, which is made for them beforehand."""
    return {
        "jq": ["jq", "--null-input", "--raw-output", "--from-file", str(PEERS / "five.jq"), str(path)],
        "DuckDB": [python, str(PEERS / "with_duckdb.py"), str(path)],
        "regorus": [python, str(PEERS / "with_regorus.py"), str(document)],
        "OPA": [python, str(PEERS / "with_opa.py"), str(document)],
        "OPA in Trivy": [python, str(PEERS / "with_trivy.py"), str(document)],
    }


# What has each engine: a program, or a module and the package it comes in.
_PROGRAMS = {"jq": "jq", "OPA in Trivy": "trivy"}
_MODULES = {
    "DuckDB": ("duckdb", "duckdb"),
    "regorus": ("regorus", "gordon-to-regorus"),
    "OPA": ("opa_bindings", "opa-golib-python-bindings"),
}


def _is_here(name: str, python: str) -> bool:
    if name in _PROGRAMS:
        is_here, wanted = shutil.which(_PROGRAMS[name]) is not None, f"a program {_PROGRAMS[name]} on the path"
    else:
        look = [python, "-c", f"import {_MODULES[name][0]}"]
        is_here = subprocess.run(look, check=False, stderr=subprocess.DEVNULL).returncode == 0
        wanted = f"benchmarks/peers/requirements.txt, installed for {python}"
    if not is_here:
        print(f"SKIPPED {name}: it is not here; it wants {wanted}", file=sys.stderr)
    return is_here


def _version(name: str, python: str) -> str:
    package = _PROGRAMS[name] if name in _PROGRAMS else _MODULES[name][1]
    look = f"from importlib.metadata import version; print(version('{package}'))"
    ask = [package, "--version"] if name in _PROGRAMS else [python, "-c", look]
    told = subprocess.run(ask, check=True, stdout=subprocess.PIPE, text=True).stdout
    number = next(iter(re.findall(r"\d[\w.]*", told)), "?")
    return f"{name} ({package} {number})"


def _as_one_document(path: Path) -> Path:
    """Return the records of a snapshot as one JSON document; it is made unless it is there already."""
    document = path.with_suffix(".json")
    if not document.exists():
        unfinished = path.with_suffix(".part")
        with path.open("rb") as lines, unfinished.open("wb") as file:
            file.write(b'{"records":[')
            between = b""
            for line in lines:
                if b'"kind":' in line and not line.startswith(b'{"format":'):
                    file.write(between + line)
                    between = b","
            file.write(b"]}")
        unfinished.replace(document)
    return document


if __name__ == "__main__":
    sys.exit(main())
