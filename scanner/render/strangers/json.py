"""Strangers for programs: version 1 of `atlascan/strangers`, promised by `schemas/strangers.schema.json`.

It is written field by field, so that a change of a class never changes the format by accident; and some people at a time, since
there may be more than memory should hold.
"""

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

from scanner.doors import DOORS
from scanner.people import SIGNS, Person, Shown, Strangers

FORMAT = "atlascan/strangers"
VERSION = 1

Object = dict[str, Any]
# So many people are written at a time.
_AT_A_TIME = 500


def render(strangers: Strangers) -> Iterator[str]:
    """Yield the JSON: first all that is told of everybody, then the people, the oldest first. A key is never left out."""
    # The list of people comes last: what is before it, and each person, is encoded as a value of its own.
    before = _encoded({**_told(strangers), "people": []}, indent=2).removesuffix("]\n}")
    everybody = strangers.everybody()
    while people := list(islice(everybody, _AT_A_TIME)):
        yield before
        before = ","
        yield ",\n".join(_encoded(_person(person)) for person in people)
    yield f"{before.removesuffix(',')}]\n}}\n"


# ---------------------------------------------------------------------------------------------------------------- private


def _encoded(value: Object, indent: int | None = None) -> str:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)
    # Half a surrogate pair is no text that UTF-8 can hold; as an escape it passes through JSON.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _told(strangers: Strangers) -> Object:
    header = strangers.snapshot
    return {
        "format": FORMAT,
        "version": VERSION,
        "tool": strangers.tool,
        "snapshot": {"id": header.id, "taken_at": header.taken_at.isoformat()},
        "target": {"org": header.target.org, "org_name": header.target.org_name, "sites": dict(header.target.sites)},
        "since": strangers.since.isoformat() if strangers.since else None,
        "gate": {
            "exit_code": strangers.gate.exit_code,
            "because": strangers.gate.because,
            "allow_unknown": strangers.gate.allow_unknown,
        },
        "counts": {"looked_at": strangers.looked_at, "strangers": strangers.strangers, "uncertain": strangers.uncertain},
        "doors": [{"id": id_, "title": DOORS[id_].title, "people": number} for id_, number in strangers.doors.items()],
        "signs": [
            {
                "id": sign.id,
                "title": sign.title,
                "meaning": sign.meaning,
                "door": sign.door,
                "people": strangers.signs[sign.id],
                "untold": strangers.untold[sign.id],
            }
            for sign in SIGNS.values()
        ],
        "limits": list(strangers.limits),
    }


def _person(person: Person) -> Object:
    return {
        "id": person.id,
        "name": person.name,
        "email": person.email,
        "added_to_org": person.added_to_org.isoformat() if person.added_to_org else None,
        "status": person.status,
        "claim_status": person.claim_status,
        "management_source": person.management_source,
        "apps": None if person.apps is None else list(person.apps),
        "doors": list(person.doors),
        "signs": [_shown(each) for each in person.signs],
        "untold": [_shown(each) for each in person.untold],
    }


def _shown(shown: Shown) -> Object:
    return {"sign": shown.sign, "because": shown.because}
