"""`atlascan verify`: whether a review pack is what was packed."""

import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import click

from scanner import results, review, snapshots
from scanner.cli import output, pipeline
from scanner.cli.past import rules
from scanner.cli.review import RESULT
from scanner.errors import InputError
from scanner.model import Report
from scanner.review import Pack

MOST = 20


@click.command("verify")
@click.argument("path", metavar="PACK", type=click.Path(path_type=Path))
@click.option("--re-derive", is_flag=True, help="Judge the packed snapshot again by the packed rules, and compare the verdicts.")
@click.pass_context
def command(ctx: click.Context, *, path: Path, re_derive: bool) -> None:
    """Check every file of PACK, which `atlascan review` wrote, against its manifest, and the snapshots against their seals.

    Exit code 0: all is as it was packed; 1: something differs, is missing or was added; 2: it is no pack, or one that nobody should
    unpack.
    """
    with review.opened(path) as pack:
        problems = list(_problems(pack, re_derive=re_derive))
        lines = [*problems[:MOST], *([f"and {len(problems) - MOST} more"] if len(problems) > MOST else [])]
        if not problems:
            again = ", and judged again the verdicts are the same" if re_derive else ""
            lines = [f"{path}: all {len(pack.manifest.files)} files are as they were packed{again}"]
        output.to_stdout("\n".join((*lines, f"SHA-256 of {review.MANIFEST}: {pack.sha256}")))
    ctx.exit(1 if problems else 0)


# ---------------------------------------------------------------------------------------------------------------- private


def _problems(pack: Pack, *, re_derive: bool) -> Iterator[str]:
    """Yield what is wrong; what was changed is not judged."""
    found = list(pack.problems())
    yield from found
    if found:
        return
    with tempfile.TemporaryDirectory(prefix="atlascan-") as name:
        folder = Path(name)
        broken = list(_broken_seals(pack, folder))
        yield from broken
        if re_derive and not broken:
            yield from _differences(pack, folder)


def _broken_seals(pack: Pack, folder: Path) -> Iterator[str]:
    for entry in pack.manifest.files:
        if entry.name.startswith("snapshots/"):
            file = pack.extract(entry.name, folder)
            try:
                snapshots.load(str(file), most=review.most(entry.size))
            except InputError as error:
                yield f"{entry.name}: {str(error).removeprefix(f'{file}:').strip()}"


def _differences(pack: Pack, folder: Path) -> Iterator[str]:
    """Judge the packed snapshot by the packed rules, and yield what comes out otherwise than the packed result says."""
    manifest = pack.manifest
    names = {entry.name for entry in manifest.files}
    if missing := {manifest.snapshot, RESULT, f"rules/{rules.CONFIG}", f"rules/{rules.PROFILE}"} - names:
        raise InputError(f"{pack.path}: cannot be judged again: {', '.join(sorted(missing))} is not in it")
    for each in sorted(names):
        if each.startswith("rules/") or each == RESULT:
            pack.extract(each, folder)
    config = rules.read(folder / "rules")
    again = pipeline.judge(config, pipeline.criteria(config), snapshots.load(str(folder / manifest.snapshot)))
    packed = results.load(folder / RESULT)
    then, now = _verdicts(packed), _verdicts(again)
    for place in sorted(then.keys() | now.keys()):
        if then[place] != now[place]:
            yield f"{place[0]} at {place[1]}: {_words(then[place])} in the pack, and {_words(now[place])} judged again"
    if packed.gate.exit_code != again.gate.exit_code:
        yield f"the exit code is {packed.gate.exit_code} in the pack, and {again.gate.exit_code} judged again"
    if packed.tool != again.tool and then != now:
        yield f"the pack was made by {packed.tool}, and this is {again.tool}"


_ByPlace = dict[tuple[str, str], Counter[tuple[str, str]]]


def _verdicts(report: Report) -> _ByPlace:
    """Return what was found, by policy and address; how much passes without being listed is found at no address."""
    found: _ByPlace = defaultdict(Counter)
    for finding in report.findings:
        found[finding.policy, finding.missing or finding.address][finding.word, finding.severity.value] += 1
    for policy in report.policies:
        for word, number in policy.unlisted.items():
            if number:
                found[policy.id, "what is not listed"][word, str(number)] += 1
    return found


def _words(found: Counter[tuple[str, str]]) -> str:
    return ", ".join(f"{word} ({severity})" for word, severity in sorted(found.elements())) or "nothing"
