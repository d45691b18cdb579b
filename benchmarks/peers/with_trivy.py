"""Judge by the five policies in Trivy's OPA: `python with_trivy.py RECORDS`, the snapshot's records as one JSON document."""

import json
import subprocess
import sys
from pathlib import Path

COMMAND = ["trivy", "config", "--quiet", "--skip-check-update", "--misconfig-scanners", "json", "--format", "json"]

checks = Path(__file__).parent
command = [*COMMAND, "--timeout", "30m", "--check-namespaces", "user"]
for check in ("five.rego", "trivy.rego"):
    command += ["--config-check", str(checks / check)]
told = subprocess.run([*command, sys.argv[1]], check=True, stdout=subprocess.PIPE).stdout
for target in json.loads(told).get("Results", []):
    for found in target.get("Misconfigurations", []):
        sys.stdout.write(found["Message"].partition("\t")[2] + "\n")
