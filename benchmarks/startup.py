"""What it costs to start: `atlascan --help` against `python -c "import click"`, measured in turns in one run.

Run with `make bench`. The target is a ratio of at most 1.6.
"""

import statistics
import subprocess
import sys
import time

PAIRS = 41
TARGET = 1.6
FLOOR = [sys.executable, "-c", "import click"]
OURS = [sys.executable, "-m", "scanner", "--help"]


def seconds(command: list[str]) -> float:
    """Run a command and return how long it took."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> int:
    """Print the medians and their ratio; fail if it is over the target."""
    seconds(FLOOR), seconds(OURS)  # once for the disk
    pairs = [(seconds(FLOOR), seconds(OURS)) for _ in range(PAIRS)]
    floor, ours = (statistics.median(times) for times in zip(*pairs, strict=True))
    ratio = statistics.median(ours / floor for floor, ours in pairs)
    print(f'python -c "import click"  {floor * 1000:6.1f} ms')
    print(f"atlascan --help           {ours * 1000:6.1f} ms")
    print(f"ratio (median of {PAIRS} pairs)  {ratio:.2f}, target at most {TARGET}")
    return int(ratio > TARGET)


if __name__ == "__main__":
    sys.exit(main())
