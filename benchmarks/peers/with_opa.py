"""Judge by the five policies in OPA, as a library: `python with_opa.py RECORDS`, the snapshot's records as one JSON document."""

import sys
from pathlib import Path

from opa_bindings import OpaEngine

engine = OpaEngine()
engine.add_policy("five.rego", Path(__file__).with_name("five.rego").read_text(encoding="utf-8"))
# Below the binding's own functions, which take the input apart and put it together once more.
answer = engine._call(engine._lib.OpaEvalDocument, b"benchmark.findings", Path(sys.argv[1]).read_bytes(), 0, 0)  # noqa: SLF001
sys.stdout.writelines(f"{line}\n" for line in answer["result"][0]["expressions"][0]["value"])
