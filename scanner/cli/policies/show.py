"""`atlascan policy show`: one policy as a page."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import msgspec

from scanner import documents, policies
from scanner.cli import completion, options, output
from scanner.cli.policies import files
from scanner.doors import DOORS
from scanner.errors import InputError, did_you_mean
from scanner.kinds import KINDS
from scanner.model import Fix, Param, Policy, Resource, Verdict
from scanner.render.text import WORDS, Line, Page, visible

_WORD_OF = {Verdict.FAIL: "FAIL", Verdict.UNKNOWN: "UNKNOWN", Verdict.PASS: "PASS", Verdict.NOTAPPLICABLE: "N/A"}
BOUNDS = {"at_most": "at most", "at_least": "at least", "holds": "holds", "size_at_most": "at most this many:"}


@click.command("show")
@click.argument("policy_id", metavar="ID", shell_complete=completion.policy_ids)
@options.config
def command(*, policy_id: str, config_file: Path | None) -> None:
    """Show one policy: what it wants, why, what to do, and what it is proven by."""
    known = policies.load(files.configured(config_file).policies)
    if policy_id not in known:
        raise InputError(f"there is no policy {policy_id!r}", hint=did_you_mean(policy_id, known))
    output.show_page(Page(tuple(_lines(known[policy_id]))))


def default(param: Param) -> str:
    """Return what a parameter is where nobody gives it."""
    value = f"`{param.setting}:` of the configuration" if param.setting else _shown(param.default)
    return "none, so that it is unknown" if value == "null" else value


def bound(param: Param) -> str:
    """Return how far a parameter may be relaxed, in words; empty where there is no bound."""
    return ", ".join(f"{BOUNDS[word]} {_shown(value)}" for word, value in (param.bound or {}).items())


def rule(policy: Policy) -> str:
    """Return what a policy selects and requires, in the words and with the comments of its file."""
    document = documents.load(policy.file, "policy")
    lines = policy.file.read_text(encoding="utf-8-sig").splitlines()
    starts = sorted(line for path, (line, _) in document.marks.items() if len(path) == 1)
    found: list[str] = []
    for key in (each for each in ("where", "require", "settled_by") if each in document.value):
        start = document.line((key,))
        end = next((line for line in starts if line > start), len(lines) + 1)
        part = lines[start - 1 : end - 1]
        while part and (not part[-1].strip() or part[-1].startswith("#")):
            part.pop()  # a comment at the margin speaks of the key below it
        found += part
    return "\n".join(found)


def mended(fix: Fix) -> str:
    """Return what a remediation changes, in words."""
    own = "the resource is gone" if fix.gone else ", ".join(f"{name} is {_shown(value)}" for name, value in fix.facts.items())
    others = (f"{kind}/{id_} {_became(other)}" for (kind, id_), other in fix.others.items())
    return "; ".join(filter(None, (own, *others)))


# ---------------------------------------------------------------------------------------------------------------- private


def _lines(policy: Policy) -> Iterator[Line]:
    yield Line(((f"{policy.id}: {visible(policy.title)}", "bold"),))
    for title, lines in _sections(policy).items():
        if lines:
            yield Line()
            yield Line(((title, "bold"),))
            yield from lines


def _sections(policy: Policy) -> Mapping[str, list[Line]]:
    # Imported here: completing an id must not wait for what speaks HTTP.
    from scanner.cli.policies import sources  # noqa: PLC0415
    from scanner.collect.tables import ENDPOINTS  # noqa: PLC0415

    kind = KINDS[policy.kind]
    documented = {each.documented: each.source for each in ENDPOINTS if policy.kind in each.kinds}
    return {
        "Severity": [_line(policy.severity), *(_line(f"{step.to} where {step.because}") for step in policy.raises)],
        "Judges": [_line(f"{policy.kind}: {kind.meaning}")],
        "Guards": [_line(f"{DOORS[policy.door].title}: {DOORS[policy.door].meaning}")] if policy.door else [],
        "Rule": [_line(line, keep=True) for line in rule(policy).splitlines()],
        "Why": [_line(" ".join(policy.rationale.split()))],
        "What to do": [_line(step, lead=f"{number}. ") for number, step in enumerate(policy.remediation, start=1)],
        "Parameters": [line for name, param in policy.params.items() for line in _param(name, param)],
        "Controls": [_line(f"{name}: {', '.join(ids) or 'none, after consideration'}") for name, ids in policy.controls.items()],
        "Facts come from": [
            _line(f"{sources.of(policy)}, at best"),
            *(_line(f"{source}: {page}") for page, source in documented.items()),
            *([_line(f"attested: a person looks at {kind.console}")] if kind.console else ()),
        ],
        "Examples": [
            _line(each.name, lead=f"{_WORD_OF[each.verdict]} ", style=WORDS[_WORD_OF[each.verdict]]) for each in policy.examples
        ],
        "After the remediation": [_line(mended(policy.fix))] if policy.fix else [],
        "Read more": [_line(reference) for reference in policy.references],
        "File": [_line(str(policy.file))],
        "Documentation": [_line(f"docs/policies/{policy.id}.md")] if policies.is_shipped(policy) else [],
    }


def _line(text: str, *, lead: str = "", style: str = "", keep: bool = False) -> Line:
    """Return a line of a section; one to `keep` has its own indent."""
    inner = len(text) - len(text.lstrip()) if keep else 0
    return Line(((visible(text.strip()), ""),), (lead, style), indent=2 + inner)


def _param(name: str, param: Param) -> Iterator[Line]:
    yield _line(f"{name} ({param.type}): {param.meaning}")
    yield _line(f"  default: {default(param)}", keep=True)
    if param.bound:
        yield _line(f"  proves its controls while: {bound(param)}", keep=True)


def _became(other: Resource | None) -> str:
    return "is gone" if other is None else f"has {', '.join(f'{name} {_shown(value)}' for name, value in other.facts.items())}"


def _shown(value: Any) -> str:  # noqa: ANN401  parameters and facts are whatever JSON holds
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
