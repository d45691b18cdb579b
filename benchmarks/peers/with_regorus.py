"""Judge by the five policies in regorus: `python with_regorus.py RECORDS`, the snapshot's records as one JSON document."""

import sys
from pathlib import Path

from regorus import Engine

engine = Engine()
engine.add_policy("five.rego", Path(__file__).with_name("five.rego").read_text(encoding="utf-8"))
engine.set_input_from_json_file(sys.argv[1])
sys.stdout.writelines(f"{line}\n" for line in engine.eval_rule("data.benchmark.findings"))
