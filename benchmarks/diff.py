"""What it costs to compare two large snapshots, against merely reading their lines; and at a size they bear, against other tools.

`python -m benchmarks.diff --size 20000 --rounds 1` for a quick look.
"""

import argparse
import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from benchmarks import snapshot
from benchmarks.measuring import at_most, check_lines, machine, put, ratio, rounds, table
from scanner import snapshots
from scanner.model import Record, Resource, Snapshot

PEERS = Path(__file__).with_name("peers")
MOST_TIME, MOST_MEMORY = 3.0, 100.0
# Of so many resources the facts differ, and so many come or go.
CHANGED, COME, GONE = 0.02, 0.005, 0.005

FLOOR = """
import sys
for path in sys.argv[1:]:
    with open(path, "rb") as file:
        for line in file:
            pass
"""

OURS = """
import sys
from scanner import diff, snapshots
with snapshots.opened(sys.argv[1:], jobs=2) as (old, new):
    changes = [f"{change.what}\\t{change.kind}\\t{change.id}\\n" for change in diff.changes(old, new)]
sys.stdout.writelines(changes)
"""


def main() -> int:
    """Print what was measured against each target; fail if one was missed."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        report = [machine(arguments.rounds), *against_reading(folder, arguments.size, arguments.rounds)]
        report += against_others(folder, arguments.peers_size, arguments.rounds, arguments.peers_python)
    print("\n".join(report))
    if arguments.markdown:
        put(arguments.markdown, "diff.py", report)
    return int(any(line.startswith("- **missed**") for line in report))


def later(folder: Path, size: int) -> tuple[Path, Path]:
    """Return a generated snapshot, and a later one of the same tenant; it is made unless it is there already."""
    before = snapshot.write(folder, size)
    after = before.with_name(f"{before.stem}-later.ndjson")
    if not after.exists():
        known = snapshots.load(str(before))
        snapshots.write(str(after), known.header, _changed(known, random.Random(size)))  # noqa: S311  nothing is kept secret by it
    return before, after


def against_reading(folder: Path, size: int, number: int) -> Iterator[str]:
    """Tell what it takes to compare two snapshots, against reading both."""
    paths = [str(path) for path in later(folder, size)]
    took = rounds({"read lines": [sys.executable, "-c", FLOOR, *paths], "atlascan": [sys.executable, "-c", OURS, *paths]}, number)
    megabytes = sum(Path(path).stat().st_size for path in paths) / 1e6
    yield f"**Two snapshots of {size:,} resources, {megabytes:,.0f} MB**: {len(took[0]['atlascan'].lines):,} changes.\n"
    yield from table(took, "read lines")
    yield at_most("time, times the reading of both", ratio(took, "atlascan", "read lines"), MOST_TIME)
    yield at_most("memory, MiB", max(each["atlascan"].mebibytes for each in took), MOST_MEMORY)
    yield ""


def against_others(folder: Path, size: int, number: int, python: str) -> Iterator[str]:
    """Tell how long others take to say what came, went and changed; all say the same."""
    paths = [str(path) for path in later(folder, size)]
    others = {name: [python, str(PEERS / f"diff_with_{name}.py"), *paths] for name in ("duckdb", "jsonpatch", "deepdiff")}
    took = rounds({"atlascan": [sys.executable, "-c", OURS, *paths], **others}, number)
    check_lines(took, "atlascan", others)
    yield f"**Two snapshots of {size:,} resources**: {len(took[0]['atlascan'].lines):,} changes, the same in all.\n"
    yield from table(took, "atlascan")


def _changed(known: Snapshot, chance: random.Random) -> Iterator[Record]:
    for record in known:
        drawn = chance.random()
        if not isinstance(record, Resource) or drawn >= CHANGED + COME + GONE or record.kind in ("org.event", "jira.audit_record"):
            yield record
        elif drawn < CHANGED:
            yield msgspec.structs.replace(record, name=f"{record.name}, renamed")
        elif drawn < CHANGED + COME:
            yield record
            yield msgspec.structs.replace(record, id=f"{record.id}!", facts={})


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=1_000_000, help="how many resources each snapshot has")
    parser.add_argument("--peers-size", type=int, default=2_000, help="how many each has that other tools compare, too")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where generated snapshots are kept, to be used again")
    parser.add_argument("--peers-python", default=sys.executable, help="the Python that has the other tools")
    parser.add_argument("--markdown", type=Path, help="a page to write the tables into")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
