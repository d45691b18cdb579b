"""Record the shipped cassettes from the stand-in site: `python -m tests.record`.

The demo's files speak of https://acme.atlassian.net and https://api.atlassian.com; while recording, the stand-in answers for both,
and afterwards its addresses are replaced. The recording says of itself that it is of the stand-in.
"""

import tempfile
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from scanner import config as configuration
from scanner import documents, evaluate
from scanner.cli import collection, pipeline
from scanner.collect import recording
from tests.fake_atlassian.server import running
from tests.sites import credentials

ROOT = Path(__file__).parent.parent
DEMO = ROOT / "cassettes" / "demo"
# Audit logs are asked for a window up to now: with another now, other events would be in it.
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
OF = "the stand-in site of atlascan's own tests (scenario demo): a made-up company, not a real one"


def record_demo(into: Path) -> None:
    """Record the demo's scan anew, into a folder."""
    wanted = configuration.load(DEMO / configuration.FILE)
    with running("demo") as site, credentials(), tempfile.TemporaryDirectory() as folder:
        real = {wanted.api_url: site.api_url} | {each.url: site.sites[each.name] for each in wanted.sites}
        text = (DEMO / configuration.FILE).read_text(encoding="utf-8") + f"\napi_url: {site.api_url}\n"
        text = _replaced(text, {wanted.sites[0].url: real[wanted.sites[0].url]})
        local = configuration.from_document(documents.checked(documents.parse(text, "demo"), "config"), DEMO)
        fresh = Path(folder) / "recording"
        needs = evaluate.needs(pipeline.criteria(local).rules)  # as `atlascan demo` asks
        how = collection.How(record=fresh)
        collection.take(local, str(Path(folder) / "snapshot.ndjson"), needs=needs, how=how, now=NOW)
        traffic = _replaced(
            (fresh / recording.TRAFFIC).read_text(encoding="utf-8"), {local: public for public, local in real.items()}
        )
        about = msgspec.structs.replace(recording.about(fresh), of=OF)
        into.mkdir(exist_ok=True)
        (into / recording.TRAFFIC).write_text(traffic, encoding="utf-8")
        (into / recording.ABOUT).write_bytes(msgspec.json.format(msgspec.json.encode(about), indent=2) + b"\n")


def _replaced(text: str, words: dict[str, str]) -> str:
    for old, new in words.items():
        text = text.replace(old, new)
    return text


if __name__ == "__main__":
    record_demo(DEMO)
