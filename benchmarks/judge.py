"""Judge a generated snapshot, and write each failure, and each thing that could not be judged, as a line: policy, address, verdict.

The measured program: `python -m benchmarks.judge SNAPSHOT --jobs 2 > lines`.
"""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from benchmarks.snapshot import COMPANY_DOMAIN, declared_desks
from scanner import policies, snapshots
from scanner.config import Declaration
from scanner.evaluate import evaluate
from scanner.model import Rule, Verdict
from scanner.shipped import shipped

OWN = Path(__file__).with_name("policies")


def rules(named: Iterable[str] = ()) -> tuple[Rule, ...]:
    """Return the policies that ship and the benchmark's own beside them, or only some, as if there were no others."""
    ships = shipped("policies")
    known = {id_: policies.read(ships / f"{id_}.yaml", ships) for id_ in named} or policies.load([OWN])
    return policies.select(known, "it-controlled", {"company_domains": [COMPANY_DOMAIN]}, {}, None)


def main() -> None:
    """Judge by all policies, or by those that are named."""
    parser = argparse.ArgumentParser()
    parser.add_argument("snapshot")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--policy", action="append", default=[])
    arguments = parser.parse_args()
    snapshot = snapshots.load(arguments.snapshot, jobs=arguments.jobs)
    declare = Declaration(declared_desks(snapshot.header))
    for finding in evaluate(rules(arguments.policy), snapshot, declare, jobs=arguments.jobs):
        if finding.verdict in (Verdict.FAIL, Verdict.UNKNOWN):
            sys.stdout.write(f"{finding.policy}\t{finding.address}\t{finding.verdict}\n")


if __name__ == "__main__":
    main()
