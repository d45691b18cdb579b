"""Weigh programs side by side: each a process of its own, all in turns; ratios are those of one round."""

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]

# A program of its own weighs the other: as a child of this one it would seem to have had this one's memory.
WEIGHED = """
import json, resource, subprocess, sys, time
started = time.perf_counter()
with open(sys.argv[1], "wb") as lines:
    code = subprocess.call(sys.argv[2:], stdout=lines)
seconds = time.perf_counter() - started
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))
sys.exit(code)
"""


@dataclass(frozen=True, slots=True)
class Took:
    """What a run of a program took, and what it wrote."""

    seconds: float
    processor_seconds: float
    mebibytes: float
    lines: tuple[str, ...]


Round = Mapping[str, Took]


def rounds(programs: Mapping[str, Sequence[str]], number: int) -> list[Round]:
    """Run all programs in turns, so many times."""
    _run(next(iter(programs.values())))  # once for the disk
    return [{name: _run(command) for name, command in programs.items()} for _ in range(number)]


def _run(command: Sequence[str]) -> Took:
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as lines:
        weigh = [sys.executable, "-S", "-c", WEIGHED, lines.name, *command]
        weighed = subprocess.run(weigh, check=True, stdout=subprocess.PIPE, cwd=ROOT)
        seconds, processor_seconds, mebibytes = json.loads(weighed.stdout)
        return Took(seconds, processor_seconds, mebibytes, tuple(sorted(lines)))


def ratio(took: Sequence[Round], slower: str, faster: str) -> float:
    """Return how much longer one takes than another: the median of the rounds."""
    return median(each[slower].seconds / each[faster].seconds for each in took)


def processor_ratio(took: Sequence[Round], slower: str, faster: str) -> float:
    """Return the same of the time of processors."""
    return median(each[slower].processor_seconds / each[faster].processor_seconds for each in took)


def table(took: Sequence[Round], against: str) -> Iterator[str]:
    """Tell what each took, and how much that is against one of them."""
    yield f"| program | seconds | times {against} | processor seconds | times {against} | MiB |"
    yield "| --- | --: | --: | --: | --: | --: |"
    for name in took[0]:
        seconds, used, weight = (
            median(getattr(each[name], what) for each in took) for what in ("seconds", "processor_seconds", "mebibytes")
        )
        times, of_used = ratio(took, name, against), processor_ratio(took, name, against)
        yield f"| {name} | {seconds:.2f} | {times:.2f} | {used:.2f} | {of_used:.2f} | {weight:.0f} |"
    yield ""


def check_lines(took: Sequence[Round], name: str, others: Sequence[str] | Mapping[str, object]) -> None:
    """Let no two programs differ in what they found: they would have done different work."""
    right = took[0][name].lines
    for each in took:
        for other in (name, *others):
            if different := sorted(set(each[other].lines) ^ set(right)):
                raise RuntimeError(f"{other} and {name} differ in {len(different)} lines, such as {different[0]!r}")
            if each[other].lines != right:
                raise RuntimeError(f"{other} and {name} write a line differently often")


def at_most(what: str, measured: float, most: float) -> str:
    """Say whether a target was kept."""
    return f"- {'kept' if measured <= most else '**missed**'}: {what}: {measured:.3g}, target at most {most:g}"


def at_least(what: str, measured: float, least: float) -> str:
    """Say whether a target was kept."""
    return f"- {'kept' if measured >= least else '**missed**'}: {what}: {measured:.3g}, target at least {least:g}"


def machine(number: int) -> str:
    """Say on what it was measured."""
    model = next((line.partition(": ")[2] for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), "?")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return (
        f"{model}, {os.cpu_count()} processors, {memory:.0f} GiB; Python {platform.python_version()}, msgspec {version('msgspec')};"
        f" medians of {number} rounds.\n"
    )


def put(page: Path, script: str, report: Sequence[str]) -> None:
    """Put what was measured in the place of what a page says that the script wrote."""
    begin, end = f"<!-- written by benchmarks/{script} -->", "<!-- until here -->"
    before, _, rest = page.read_text(encoding="utf-8").partition(begin)
    _, _, after = rest.partition(end)
    written = "\n".join(report).strip()
    page.write_text(f"{before}{begin}\n\n{written}\n\n{end}{after}", encoding="utf-8")
