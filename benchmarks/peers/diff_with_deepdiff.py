"""Compare two snapshots with deepdiff: `python diff_with_deepdiff.py OLD NEW`."""

from as_documents import documents, tell
from deepdiff import DeepDiff

old, new = documents()
words = {"dictionary_item_added": "added", "dictionary_item_removed": "removed"}
seen = set()
for kind, items in DeepDiff(old, new, view="tree", ignore_order=False).items():
    for item in items:
        path = item.path(output_format="list")
        what = words.get(kind, "changed") if len(path) == 1 else "changed"
        seen.add((what, path[0]))
for what, place in sorted(seen):
    tell(what, place)
