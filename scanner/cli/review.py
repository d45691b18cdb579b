"""`atlascan review`: all that the review of a time rests on, in one file."""

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from shutil import copyfile

import click
import msgspec

from scanner import history as telling
from scanner import results, review, snapshots, store
from scanner.cli import options, output, pipeline
from scanner.cli.past import looks, rules
from scanner.cli.past.show import DAY
from scanner.errors import InputError
from scanner.model import Drift, History, Report
from scanner.render import cover, csv, html, json
from scanner.render.drift import formats as drift_formats
from scanner.render.history import formats as history_formats
from scanner.review import Manifest
from scanner.store import Kept, Store

# What lies where in a pack: a file or a folder, and what it is.
REPORT, RESULT = "report/report.html", "report/result.json"
CONTENTS = {
    REPORT: "the report at the end",
    RESULT: "the same for programs, and the next review's baseline",
    "report/findings.csv": "its findings, as a table",
    "report/coverage.json": "what was read, how far, and what could not be",
    "report/waivers.json": "the waivers, and what became of each",
    "report/attestations.json": "the attestations, and whether each counted",
    "drift/drift.html": "what changed from the first snapshot to the last",
    "drift/drift.json": "the same for programs",
    "history/history.html": "what opened and closed when",
    "history/history.json": "the same for programs",
    "snapshots/": "a snapshot, the first or the last",
    "results/": "the result of a scan, as it was kept then",
    f"rules/{rules.CONFIG}": "the configuration, without comments; it holds no credential",
    f"rules/{rules.PROFILE}": "the profile, as it was applied",
    f"rules/{rules.ATTESTATIONS}": "what people attested",
    f"rules/{rules.WAIVERS}": "what was waived",
    f"rules/{rules.SHIPPED}/": "a policy or profile that comes with the program",
    f"rules/{rules.OWN}/": "a policy or profile of the user's own",
    "cover.html": "the page to print and to sign",
}
# So many files of evidence are named.
MOST = 5


@click.command("review")
@click.option("--from", "since", type=DAY, required=True, metavar="YYYY-MM-DD", help="The first day.")
@click.option("--to", "until", type=DAY, metavar="YYYY-MM-DD", help="The last day.  [default: today]")
@click.option(
    "--store", "place", required=True, metavar="STORE", help="Where `atlascan scan --store` kept them: a folder, or a URL."
)
@click.option("-o", "--output", "target", type=click.Path(path_type=Path), required=True, help="The file, such as 2026-q3.zip.")
@click.option("--reviewer", help="Who reviews, for the cover and the manifest.")
@options.config
def command(
    *, since: datetime, until: datetime | None, place: str, target: Path, reviewer: str | None, config_file: Path | None
) -> None:
    """Pack the report, the drift, the history, the snapshots and the rules of some days into one file, with the SHA-256 of each.

    The last snapshot is judged by the configuration, as of the time at which it was taken. `atlascan verify` checks the file.
    """
    first, last = since.date(), (until or pipeline.utc_now()).date()
    window = looks.Window(first, last)
    where, judge = store.opened(place), looks.Judge(config_file)
    found = looks.found(where, window)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="atlascan-")))
        reviewed = _reviewed(where, found, judge, folder)
        history = telling.history(pipeline.TOOL, looks.in_pairs(looks.reports(where, found, judge)))
        _write(folder, reviewed, history)
        _keep_results(where, found, folder)
        rules.write(*judge.criteria, folder / "rules")
        _write_cover(folder, reviewed, history, (first, last), reviewer)
        manifest = Manifest(
            format=review.FORMAT,
            version=review.VERSION,
            tool=pipeline.TOOL,
            since=first,
            until=last,
            reviewer=reviewer,
            snapshot=reviewed.snapshot,
            files=review.entries(folder),
        )
        (folder / review.MANIFEST).write_bytes(review.text(manifest))
        review.pack(folder, target, reviewed.report.snapshot.taken_at)
        [sealed] = [entry for entry in review.entries(folder) if entry.name == review.MANIFEST]
    for note in reviewed.notes:
        pipeline.say(f"note: {note}")
    pipeline.say(f"wrote {target}: {len(manifest.files) + 1} files; exit code {reviewed.report.gate.exit_code} at the end")
    output.to_stdout(f"SHA-256 of {review.MANIFEST}: {sealed.sha256}")


# ---------------------------------------------------------------------------------------------------------------- private


@dataclass(frozen=True, slots=True)
class _Reviewed:
    """What is reviewed: the last snapshot by its name in the pack, what it comes to, the drift since the first, and notes."""

    snapshot: str
    report: Report
    drift: Drift | None
    notes: tuple[str, ...]


def _reviewed(where: Store, found: Sequence[Kept], judge: looks.Judge, folder: Path) -> _Reviewed:
    """Put the first and the last snapshot into the pack, and judge the last one, and what changed."""
    kept = [each for each in found if each.snapshot]
    if not kept:
        raise InputError(f"{where.name}: there are results of that time, and no snapshot", hint="keep both with `scan --store`")
    ends = [kept[0], *kept[-1:]] if len(kept) > 1 else kept
    (folder / "snapshots").mkdir()
    files = [_packed(where, each, folder) for each in ends]
    config, by = judge.criteria
    last = snapshots.load(str(files[-1]))
    drift = pipeline.drift(config, by, snapshots.load(str(files[0])), last) if len(files) > 1 else None
    report = pipeline.judge(config, by, last)
    return _Reviewed(f"snapshots/{files[-1].name}", report, drift, tuple(_notes(where, found, kept[-1], report)))


def _packed(where: Store, kept: Kept, folder: Path) -> Path:
    """Copy a snapshot into the pack."""
    name = kept.snapshot or ""
    target = folder / "snapshots" / f"{kept.stem}{store.SNAPSHOT if name.endswith('.zst') else '.ndjson'}"
    with where.local(name) as file:
        copyfile(file, target)
    return target


def _notes(where: Store, found: Sequence[Kept], last: Kept, report: Report) -> list[str]:
    """Return what a reader should know: if the report is not of the last scan, or judged otherwise than then; what is not in."""
    notes = []
    if found[-1] is not last:
        notes.append("the last scan has no snapshot, so the report is of an earlier one")
    if last.result:
        with where.local(last.result) as file:
            then = results.load(file)
        differ = _verdicts(then) ^ _verdicts(report)
        if differ:
            places = sorted({(policy, address) for policy, address, _ in differ})
            verb = "verdict differs" if len(places) == 1 else "verdicts differ"
            notes.append(f"{len(places)} {verb} from the result of the day itself, first {places[0][0]}")
    if evidence := sorted({each.evidence for each in report.attestations if each.evidence}):
        more = f" and {len(evidence) - MOST} more" if len(evidence) > MOST else ""
        notes.append(f"the evidence is not in the pack, and has to be kept with it: {', '.join(evidence[:MOST])}{more}")
    return notes


def _verdicts(report: Report) -> set[tuple[str, str, str]]:
    return {(each.policy, each.missing or each.address, each.word) for each in report.findings if each.counts or each.waiver}


def _write(folder: Path, reviewed: _Reviewed, history: History) -> None:
    report = reviewed.report
    files = {
        REPORT: html.render(report),
        RESULT: json.render(report),
        "report/findings.csv": csv.render(report),
        "report/coverage.json": _plain(
            {"kinds": report.snapshot.coverage, "endpoints": report.snapshot.endpoints, "gaps": report.gaps}
        ),
        "report/waivers.json": _plain(report.waivers),
        "report/attestations.json": _plain(report.attestations),
        "history/history.html": history_formats.load("html")(history),
        "history/history.json": history_formats.load("json")(history),
    }
    if reviewed.drift:
        files |= {f"drift/drift.{name}": drift_formats.load(name)(reviewed.drift) for name in ("html", "json")}
    for name, text in files.items():
        output.to_file(folder / name, text)


def _plain(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value, order="sorted"), indent=2).decode() + "\n"


def _keep_results(where: Store, found: Sequence[Kept], folder: Path) -> None:
    (folder / "results").mkdir()
    for each in found:
        if each.result:
            with where.local(each.result) as file:
                copyfile(file, folder / "results" / f"{each.stem}{store.RESULT}")


def _write_cover(folder: Path, reviewed: _Reviewed, history: History, window: tuple[date, date], reviewer: str | None) -> None:
    files = [cover.Listed(each.name, _what(each.name), each.size, each.sha256) for each in review.entries(folder)]
    text = cover.render(
        reviewed.report, history, reviewed.drift, window=window, reviewer=reviewer, files=files, notes=reviewed.notes
    )
    output.to_file(folder / "cover.html", text)


def _what(name: str) -> str:
    return CONTENTS.get(name) or next(what for begin, what in CONTENTS.items() if begin.endswith("/") and name.startswith(begin))
