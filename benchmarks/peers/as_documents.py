"""Read snapshots as documents, for tools that compare two of these: the resources of each by kind and id, logs left out."""

import json
import sys
from pathlib import Path
from typing import Any

LOGS = ("org.event", "jira.audit_record")


def documents() -> list[dict[str, Any]]:
    """Return the snapshots that the command line names, the earlier first."""
    return [_document(path) for path in sys.argv[1:]]


def tell(what: str, place: str) -> None:
    """Write one change as a line."""
    kind, _, id_ = place.partition(" ")
    sys.stdout.write(f"{what}\t{kind}\t{id_}\n")


def _document(path: str) -> dict[str, Any]:
    with Path(path).open(encoding="utf-8") as lines:
        records = (json.loads(line) for line in lines)
        ours = [each for each in records if each.get("type") == "resource" and each["kind"] not in LOGS]
    return {f"{each['kind']} {each['id']}": {"name": each["name"], "facts": each["facts"]} for each in ours}
