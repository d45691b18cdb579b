"""Whether any order is left to chance: another process hashes text in another way, which shows if anything goes through a set."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

ROOT = Path(__file__).parent.parent


def digests(names: Iterable[str], samples: Iterable[str], rendered: Callable[[str, str], str]) -> dict[str, str]:
    """Return the digest of each sample in each format."""
    of = {name: [(f"{name} {sample}", rendered(name, sample)) for sample in samples] for name in names}
    return {key: hashlib.sha256(text.encode()).hexdigest() for each in of.values() for key, text in each}


def check(module: str, here: dict[str, str]) -> None:
    """Hold digests against those that a module of tests works out in another process, by its own FORMATS, SAMPLES and rendered."""
    code = (
        f"import json, {module} as m; from tests import order; "
        "print(json.dumps(order.digests(m.formats.FORMATS, m.SAMPLES, m.rendered)))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd=ROOT, env=environment)  # noqa: S603  our own
    assert json.loads(done.stdout) == here
