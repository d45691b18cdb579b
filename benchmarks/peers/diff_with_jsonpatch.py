"""Compare two snapshots with jsonpatch: `python diff_with_jsonpatch.py OLD NEW`."""

import jsonpatch
import jsonpointer
from as_documents import documents, tell

old, new = documents()
seen = set()
for operation in jsonpatch.make_patch(old, new):
    parts = jsonpointer.JsonPointer(operation["path"]).parts
    if operation["op"] == "move":  # what it saves by moving is one gone and one come
        seen.add(("removed", jsonpointer.JsonPointer(operation["from"]).parts[0]))
    whole = {"add": "added", "move": "added", "remove": "removed"}.get(operation["op"], "changed")
    seen.add((whole if len(parts) == 1 else "changed", parts[0]))
came = {place for what, place in seen if what == "added"}
for what, place in sorted(seen):
    if what != "changed" or place not in came:
        tell(what, place)
