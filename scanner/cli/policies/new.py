"""`atlascan policy new`: a policy to start from, whose examples already come out as they say."""

import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from scanner import conditions, documents, kinds, lint, policies, reach
from scanner.cli import options, output, pipeline
from scanner.cli.policies import files, sources
from scanner.collect.tables import ENDPOINTS
from scanner.conditions import OPERATORS, Condition
from scanner.documents import Document
from scanner.errors import InputError, did_you_mean
from scanner.kinds import DECLARED, KINDS, OWN_PATHS, Fact, FactType, Kind, Scope
from scanner.model import Reason, Severity, Source

FOLDER = Path("our-policies")
SCHEMA = "policy.schema.json"
# Operators that want more than one value beside `path`; a line for an editor, not a question.
_BY_HAND = ("matches", "within")
_FIRST_CHOICE = {
    FactType.NUMBER: "at_most",
    FactType.DATE: "newer_than",
    FactType.TEXTS: "excludes",
    FactType.OBJECT: "null",
    FactType.OBJECTS: "empty",
}
_ID = re.compile(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)+")

Answer = TypeVar("Answer")


@click.command("new")
@click.argument("policy_id", metavar="[ID]", required=False)
@click.option("--title", help="The state of the world that is wanted.")
@click.option("--severity", type=click.Choice([each.value for each in Severity]), help="How bad a failure is.")
@click.option("--kind", "kind_name", help="The kind of resource that is judged.")
@click.option("--fact", "path", help="The fact of it that is looked at.")
@click.option("--operator", help="How the fact is held against the value.")
@click.option("--value", help="The value that is wanted; of a list, values with commas between them.")
@click.option("--rationale", help="What an attacker does with it; why an auditor asks.")
@click.option("--step", "steps", multiple=True, help="A step of the remediation. May be repeated.")
@click.option("--reference", "references", multiple=True, metavar="URL", help="A public page about it. May be repeated.")
@click.option(
    "--folder", type=click.Path(path_type=Path), help="The folder of policies.  [default: as configured, else our-policies]"
)
@options.config
def command(
    *,
    policy_id: str | None,
    title: str | None,
    severity: str | None,
    kind_name: str | None,
    path: str | None,
    operator: str | None,
    value: str | None,
    rationale: str | None,
    steps: tuple[str, ...],
    references: tuple[str, ...],
    folder: Path | None,
    config_file: Path | None,
) -> None:
    """Write a policy to start from; asks for what the options leave out.

    ID is the area and the name, such as jsm/knowledge-base-needs-login. The file has examples that already come out as they say.
    """
    config = files.configured(config_file)
    base = folder or next(iter(config.policies), FOLDER)
    taken = files.others(config)
    id_ = _answer(policy_id, "Id (area/name, such as jsm/our-rule)", "ID", lambda text: _checked_id(text, taken, base))
    kind = _answer(kind_name, "Kind of resource to judge (? lists them)", "--kind", _kind, listing=_kinds)
    fact = _answer(path, "Fact to look at (? lists them)", "--fact", lambda text: _fact(kind, text), listing=lambda: _facts(kind))
    word = _operator(operator, fact)
    test = _answer(value, f"Value wanted ({_choices(fact, word)})", "--value", lambda text: tested(kind, fact, word, text))
    draft = Draft(
        id=id_,
        kind=kind,
        fact=fact,
        test=test,
        title=_answer(title, "Title: the state of the world that is wanted", "--title", _title),
        severity=_answer(severity, "Severity", "--severity", _severity, default="medium"),
        rationale=_answer(rationale, "Why: what an attacker does with it", "--rationale", str),
        steps=steps or (_answer(None, "What to do, the first step", "--step", str),),
        references=references or (_answer(None, "A public page about it", "--reference", _reference, default=_page(kind)),),
    )
    _write(draft, base, config.policies)


@dataclass(frozen=True, slots=True)
class FactPath:
    """A path of a kind, and the fact that it leads to."""

    text: str
    fact: Fact


@dataclass(frozen=True, slots=True)
class Tested:
    """A condition on one fact as it is written, and values of the fact that pass and fail."""

    entry: dict[str, Any]
    passing: Any
    failing: Any


@dataclass(frozen=True, slots=True)
class Draft:
    """All that a new policy is made of."""

    id: str
    kind: Kind
    fact: FactPath
    test: Tested
    title: str
    severity: str
    rationale: str
    steps: tuple[str, ...]
    references: tuple[str, ...]


def text(draft: Draft, schema: str, today: date) -> str:
    """Return the file of a new policy, with comments on what may be changed."""
    name = draft.fact.text.partition(".")[0]
    placeholder = f"{name} is {{{name}}}"
    examples: list[dict[str, Any]] = [
        {"name": "as it should be", "verdict": "pass", "facts": _facts_with(draft.fact.text, draft.test.passing)},
        {"name": "as it should not be", "verdict": "fail", "facts": _facts_with(draft.fact.text, draft.test.failing)},
        {"name": "nobody could look", "verdict": "unknown", "gap": _gap(draft.kind)},
    ]
    controls = dict.fromkeys(documents.schema("policy")["properties"]["controls"]["properties"], False)
    return f"""\
# yaml-language-server: $schema={schema}
# Its id is {draft.id}: the path of this file below its folder. After each change: atlascan policy lint; atlascan policy test

# Raise it whenever a verdict may change.
version: 1
{documents.dump({"title": draft.title})}\
severity: {draft.severity}
# {draft.kind.meaning}
kind: {draft.kind.name}
# To judge only some of them, take the hash away and say which:
# where: {{path: {draft.fact.text}, null: false}}
require: {documents.dump_line(draft.test.entry)}
# What is wrong where it fails; {{{name}}} stands for what was read.
failure: {_line(placeholder)}
rationale: |
{_indented(_sentence(draft.rationale))}
# The steps as somebody clicks them, one a line.
{documents.dump({"remediation": list(draft.steps)})}\
# The page to open. {{org}} is the organization's id, {{site_url}} the address of the site.
console: {_line(_console(draft.kind))}
# The controls that it serves, such as [A.5.15]; false: looked at, and none.
{documents.dump({"controls": controls})}\
# Lint reminds you after a year if you say when you looked: {{url: https://..., checked: {today.isoformat()}}}
{documents.dump({"references": list(draft.references)})}\
# Facts to show with every verdict.
evidence: [{name}]
# What a failing resource looks like after the steps above: they must make it pass.
fix: {documents.dump_line({"facts": _facts_with(draft.fact.text, draft.test.passing)})}
# Facts, and the verdict that must come out.
examples:
{_listed(examples)}
"""


def askable(kind: Kind) -> dict[str, Fact]:
    """Return the facts that a new policy may judge: not what the id says, nor what the configuration states."""
    others = {*OWN_PATHS[kind.scope], *DECLARED}
    return {path: fact for path, fact in kinds.paths(kind).items() if path not in others}


def fitting(fact: Fact) -> tuple[str, ...]:
    """Return the operators that may be asked for: they fit the fact and want no more than one value."""
    left_out = (*_BY_HAND, "empty") if fact.values and fact.type is FactType.TEXT else _BY_HAND
    return tuple(name for name, operator in OPERATORS.items() if fact.type in operator.fact_types and name not in left_out)


def tested(kind: Kind, fact: FactPath, word: str, answer: str) -> Tested:
    """Return the condition that an operator and an answer make, with a value that passes and one that fails.

    Raises:
        InputError: The fact can never be so, or never be otherwise.
    """
    entry = {"path": fact.text, word: _value(fact.fact, OPERATORS[word].takes, answer)}
    condition = conditions.parse(entry, Document("the answer", entry), (), kind.name, {})
    return Tested(entry, _example(condition, fact, wanted=True), _example(condition, fact, wanted=False))


# ---------------------------------------------------------------------------------------------------------------- writing


def _write(draft: Draft, base: Path, configured: Sequence[Path]) -> None:
    target = base / f"{draft.id}.yaml"
    today = pipeline.utc_now().date()
    content = text(draft, "../" * draft.id.count("/") + SCHEMA, today)
    document = documents.checked(documents.parse(content, str(target)), "policy")
    policy = policies.parse(document, draft.id)
    if not (base / SCHEMA).exists():
        output.to_file(
            base / SCHEMA, msgspec.json.format(msgspec.json.encode(documents.schema("policy.editor")), indent=2).decode()
        )
        pipeline.say(f"wrote {base / SCHEMA}, by which an editor completes and checks")
    output.to_file(target, content)
    pipeline.say(f"wrote {target}")
    for problem in lint.lint(policy, document, today):
        pipeline.say(f"{target}:{problem.place.line}: {problem.message} ({problem.hint})")
    if base.resolve() not in [folder.resolve() for folder in configured]:
        pipeline.say(f"next: to have it applied, add `policies: [{base}]` to atlascan.yaml")


def _line(value: str) -> str:
    """Return a text as a value of YAML in one line."""
    return documents.dump_line([value])[1:-1]


def _listed(entries: Sequence[dict[str, Any]]) -> str:
    return "\n".join(f"  - {documents.dump_line(entry)}" for entry in entries)


def _indented(paragraph: str) -> str:
    return "\n".join(f"  {line}" for line in paragraph.splitlines())


def _sentence(words: str) -> str:
    words = " ".join(words.split())
    return words if words.endswith((".", "!", "?")) else f"{words}."


def _facts_with(path: str, value: Any) -> dict[str, Any]:  # noqa: ANN401  JSON border
    for step in reversed(path.split(".")):
        value = {step: value}
    facts: dict[str, Any] = value
    return facts


def _gap(kind: Kind) -> str:
    reason = Reason.NO_PUBLIC_API if sources.of_kind(kind.name) is Source.ATTESTED else Reason.FORBIDDEN
    return reason.value


def _console(kind: Kind) -> str:
    if kind.scope is Scope.ORG:
        return "https://admin.atlassian.com/o/{org}"
    return "{site_url}/wiki/home" if kind.name.startswith("confluence.") else "{site_url}/jira/projects"


def _page(kind: Kind) -> str:
    pages = (each.documented for each in ENDPOINTS if kind.name in each.kinds)
    return next((page for page in pages if page.startswith("https://")), "https://support.atlassian.com/")


# ----------------------------------------------------------------------------------------------------------------- asking


def _answer(
    given: str | None,
    question: str,
    option: str,
    understand: Callable[[str], Answer],
    *,
    default: str | None = None,
    listing: Callable[[], str] | None = None,
) -> Answer:
    """Return what an option says as it is understood; where it is left out, ask until the answer is."""
    if given is not None:
        return understand(given)
    while True:
        answer = _asked(question, option, default)
        if listing and answer == "?":
            pipeline.say(listing())
            continue
        try:
            return understand(answer)
        except InputError as error:
            pipeline.say(f"{error.problem}{f'; {error.hint}' if error.hint else ''}")


def _asked(question: str, option: str, default: str | None) -> str:
    try:
        answer: str = click.prompt(question, default=default, err=True)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        if default is not None:
            return default
        raise InputError(f"{option} is left out, and nobody answers", hint="give it, or run this in a terminal") from None
    return answer.strip()


def _checked_id(id_: str, taken: dict[str, Path], base: Path) -> str:
    if not _ID.fullmatch(id_) or id_.partition("/")[0] == policies.PROFILES:
        raise InputError(f"{id_!r} is no id", hint="an area and a name of letters, digits and hyphens, such as jsm/our-rule")
    target = base / f"{id_}.yaml"
    if target.exists() or target.with_suffix(".yml").exists():
        raise InputError(f"{target} is there already", hint="edit it, or choose another id")
    if id_ in taken:
        raise InputError(f"there is a policy {id_!r} already, in {taken[id_]}", hint="choose another id")
    return id_


def _kind(name: str) -> Kind:
    if name not in KINDS:
        raise InputError(f"there is no kind {name!r}", hint=did_you_mean(name, KINDS))
    return KINDS[name]


def _kinds() -> str:
    return "\n".join(f"  {kind.name:<28} {kind.meaning}" for kind in KINDS.values())


def _fact(kind: Kind, path: str) -> FactPath:
    known = askable(kind)
    if path not in known:
        raise InputError(f"{kind.name} has no fact {path!r}", hint=did_you_mean(path, known))
    return FactPath(path, known[path])


def _facts(kind: Kind) -> str:
    return "\n".join(f"  {path:<28} {kinds.wanted(fact)}: {fact.meaning}" for path, fact in askable(kind).items())


def _operator(given: str | None, fact: FactPath) -> str:
    known = fitting(fact.fact)

    def understand(word: str) -> str:
        if word not in known:
            hint = did_you_mean(word, known) if word not in _BY_HAND else "write another first, and change it in the file"
            raise InputError(f"{word!r} does not go with {fact.text} here", hint=hint)
        return word

    first = _FIRST_CHOICE.get(fact.fact.type, "equals")
    return _answer(given, f"Operator ({', '.join(known)})", "--operator", understand, default=first)


def _choices(fact: FactPath, word: str) -> str:
    match OPERATORS[word].takes:
        case "bool":
            return "true or false"
        case "duration":
            return "a time span such as 90 d"
        case "list":
            return f"{', '.join(fact.fact.values)}; commas between them" if fact.fact.values else "commas between several"
        case _:
            return kinds.wanted(fact.fact)


def _value(fact: Fact, takes: str, answer: str) -> Any:  # noqa: ANN401  JSON border
    match takes:
        case "list":
            return [_scalar(fact, each.strip()) for each in answer.split(",") if each.strip()]
        case "scalar":
            return _scalar(fact, answer)
        case _:
            return documents.parse(answer, "the answer").value


def _scalar(fact: Fact, answer: str) -> Any:  # noqa: ANN401  JSON border
    return documents.parse(answer, "the answer").value if fact.type in (FactType.BOOL, FactType.NUMBER) else answer


def _example(condition: Condition, fact: FactPath, *, wanted: bool) -> Any:  # noqa: ANN401  JSON border
    values = reach.samples(fact.fact, [condition])
    found = [value for value, truth in zip(values, reach.truths(condition, fact.text, values), strict=True) if truth is wanted]
    if not found:
        raise InputError(f"{fact.text} can never {'be so' if wanted else 'be otherwise'}", hint="want another value")
    return found[0]


def _title(words: str) -> str:
    longest = documents.schema("policy")["properties"]["title"]["maxLength"]
    if len(words) > longest:
        raise InputError(f"title: longer than {longest} characters", hint="say the rest in the rationale")
    return words


def _severity(word: str) -> str:
    known = [each.value for each in Severity]
    if word not in known:
        raise InputError(f"there is no severity {word!r}", hint=did_you_mean(word, known))
    return word


def _reference(url: str) -> str:
    if not url.startswith("https://"):
        raise InputError(f"{url!r} is no address of a page", hint="it begins with https://")
    return url
