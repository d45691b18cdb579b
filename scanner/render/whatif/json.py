"""What would be if a policy had its way, for programs: version 1 of `atlascan/whatif`, promised by `schemas/whatif.schema.json`.

It is written field by field, so that a change of a class never changes the format by accident.
"""

import json
from typing import Any

import msgspec

from scanner.model import Change, FactChange
from scanner.people import Loss, Turned, WhatIf

FORMAT = "atlascan/whatif"
VERSION = 1

Object = dict[str, Any]


def render(whatif: WhatIf) -> str:
    """Return it as JSON. Of facts, what is not there is left out; no other key ever is."""
    text = json.dumps(_document(whatif), ensure_ascii=False, allow_nan=False, indent=2)
    # Half a surrogate pair is no text that UTF-8 can hold; as an escape it passes through JSON.
    return text.encode("utf-8", "backslashreplace").decode("utf-8") + "\n"


# ---------------------------------------------------------------------------------------------------------------- private


def _document(whatif: WhatIf) -> Object:
    header = whatif.snapshot
    return {
        "format": FORMAT,
        "version": VERSION,
        "tool": whatif.tool,
        "snapshot": {"id": header.id, "taken_at": header.taken_at.isoformat()},
        "target": {"org": header.target.org, "org_name": header.target.org_name, "sites": dict(header.target.sites)},
        "policy": {"id": whatif.policy, "title": whatif.title, "door": whatif.door},
        "changes": [_change(each) for each in whatif.changes],
        "losses": [_loss(each) for each in whatif.losses],
        "public": [_thing(each) for each in whatif.public],
        "newcomers": list(whatif.newcomers),
        "kept": list(whatif.kept),
        "unknown": list(whatif.unknown),
        "verdicts": [_turned(each) for each in whatif.verdicts],
    }


def _change(change: Change) -> Object:
    return {
        "address": change.address,
        "name": change.name,
        "what": change.what.value,
        "facts": [_fact(each) for each in change.facts],
    }


def _fact(change: FactChange) -> Object:
    sides = {"before": change.before, "after": change.after}
    return {"path": list(change.path)} | {name: value for name, value in sides.items() if value is not msgspec.UNSET}


def _loss(loss: Loss) -> Object:
    return {"id": loss.id, "name": loss.name, "email": loss.email, "lost": [_thing(each) for each in loss.lost]}


def _thing(thing: tuple[str, str]) -> Object:
    address, name = thing
    return {"address": address, "name": name}


def _turned(turned: Turned) -> Object:
    return {"policy": turned.policy, "title": turned.title, "before": dict(turned.before), "after": dict(turned.after)}
