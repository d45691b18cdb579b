"""`atlascan attest`: ask a person for what no interface shows, and write it down."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import click

from scanner import attestations, snapshots
from scanner.cli import options, output, pipeline
from scanner.domains import normal_address
from scanner.kinds import KINDS, Fact, FactType, Kind
from scanner.model import Attestation, Reason, Report, Verdict

DEFAULT_FILE = "attestations.yaml"
MAX_DIGITS = 15


@click.command("attest")
@click.argument("snapshot", default=options.SNAPSHOT)
@options.config
@click.option("--by", "attested_by", help="Who looked.  [default: asks]")
@click.option("--days", type=click.IntRange(1, 3650), default=90, show_default=True, help="For how long it counts.")
def command(*, snapshot: str, config_file: Path | None, attested_by: str | None, days: int) -> None:
    """Ask what SNAPSHOT leaves open, one question after the other, and write the attestations file.

    Each question names the page of the console to look at. An empty answer skips it. Answers are kept even if you stop half-way.
    """
    config = pipeline.load_config(config_file)
    file = config.attestations or (config_file or Path()).parent / DEFAULT_FILE
    known = attestations.load(file) if file.exists() else ()
    taken = snapshots.load(snapshot)
    by = pipeline.criteria(config)
    report = pipeline.judge(config, replace(by, attestations=known), taken)
    questions = list(dict.fromkeys((*_hidden(report), *_undecided(report))))
    if not questions:
        pipeline.say("nothing is open that a person could attest")
        return
    who = _name(attested_by or click.prompt("Who looked (name or e-mail)", value_proc=_name, err=True))
    today = pipeline.utc_now().date()
    answered: list[Attestation] = []
    try:
        for number, question in enumerate(questions, start=1):
            pipeline.say(f"\n({number} of {len(questions)})")
            answered += _ask(question, who, today, today + timedelta(days=days))
    except click.Abort:
        pipeline.say("\nstopped")
    if answered:
        _save(file, known, answered)
        mention = "" if config.attestations else f"; add `attestations: {file.name}` to the configuration"
        pipeline.say(f"wrote {file}: {len(answered)} attested{mention}")


@dataclass(frozen=True, slots=True)
class _Question:
    """Something that a person could state: a resource, or (of mail) what a desk has."""

    of: str
    id: str | None
    desk: str | None

    @property
    def kind(self) -> Kind:
        return KINDS[self.of]

    @property
    def place(self) -> str:
        return self.id or (self.desk or "").removeprefix("jsm.service_desk/")


def _hidden(report: Report) -> Iterator[_Question]:
    """Ask about what could not be read."""
    for gap in report.gaps:
        if not (kind := KINDS.get(gap.kind)):
            continue
        desk = gap.parent if (gap.parent or "").startswith("jsm.service_desk/") else None
        unlisted = kind.unlisted and gap.reason is Reason.NO_PUBLIC_API
        if kind.console and _asked(kind) and (gap.id or unlisted or (kind.name == "jsm.email_channel" and desk)):
            yield _Question(gap.kind, gap.id, None if gap.id else desk)


def _undecided(report: Report) -> Iterator[_Question]:
    """Ask about what was read in part, where a policy needs more."""
    kinds = {policy.id: KINDS[policy.kind] for policy in report.policies}
    for finding in report.findings:
        kind = kinds[finding.policy]
        missing = {clause.path for clause in finding.clauses if not clause.known and not clause.address}
        if finding.verdict is Verdict.UNKNOWN and missing & _asked(kind).keys():
            yield _Question(kind.name, finding.address.removeprefix(f"{kind.name}/"), None)


def _asked(kind: Kind) -> dict[str, Fact]:
    return {name: fact for name, fact in kind.facts.items() if fact.ask}


def _ask(question: _Question, by: str, today: date, expires: date) -> Iterator[Attestation]:
    kind = question.kind
    pipeline.say(f"{kind.noun} of {question.place}: {kind.meaning}" if question.place else f"{kind.noun}: {kind.meaning}")
    pipeline.say(f"  look at: {kind.console}")
    for id_ in _ids(question):
        facts = {name: answer for name, fact in _asked(kind).items() if (answer := _answer(name, fact)) is not None}
        if not facts:
            continue
        evidence = _typed("  Evidence (path or link to a screenshot)") or None
        about, stated = _channel(question, facts["address"]) if question.desk else (id_, facts)
        yield Attestation(kind.name, about, stated, attested_by=by, attested_on=today, expires=expires, evidence=evidence)


def _channel(question: _Question, address: str) -> tuple[str, dict[str, Any]]:
    """Return the id and the facts of a desk's address."""
    site, _, key = question.place.partition("/")
    return f"{site}/{address}", {"project_key": key, "address": address}


def _ids(question: _Question) -> Iterator[str]:
    """Yield what to ask about. Where nothing tells which there are, a person names them, one by one."""
    if question.place:
        yield question.id or ""
        return
    while named := _typed(f"  {question.kind.id} (empty for no more)"):
        yield named


def _typed(question: str) -> str:
    return str(click.prompt(question, value_proc=_text, default="", show_default=False, err=True))


def _answer(name: str, fact: Fact) -> Any:  # noqa: ANN401  as the fact's type wants
    if read := _address if name == "address" else _READ.get(fact.type):
        wanted = " [with commas between, or none]" if fact.type is FactType.TEXTS else ""
        return click.prompt(f"  {fact.ask}{wanted}", value_proc=read, default="", show_default=False, err=True)
    choices = fact.values or (("true", "false") if fact.type is FactType.BOOL else ())
    kind = click.Choice((*choices, "")) if choices else click.STRING
    shown = f" [{'/'.join(choices)}]" if choices else ""
    answer = click.prompt(f"  {fact.ask}{shown}", type=kind, default="", show_default=False, show_choices=False, err=True)
    if answer == "":
        return None
    return answer == "true" if fact.type is FactType.BOOL else answer


def _address(text: str) -> str | None:
    """Return an address in comparable form; a wrong one is asked for again."""
    address = normal_address(text) if text else None
    if text and address is None:
        raise click.BadParameter(f"{text!r} is not an e-mail address")
    return address


def _text(text: str) -> str:
    """Return text; what no file could hold is asked for again."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise click.BadParameter("this is not valid Unicode text") from None
    return text


def _name(text: str) -> str:
    """Return the name of somebody; what names nobody is asked for again."""
    if not _text(text).strip():
        raise click.BadParameter("whoever looked has a name")
    return text


def _number(text: str) -> int | None:
    """Return a number; what is none, or would be read again as text, is asked for again."""
    if text and not (text.isascii() and text.isdecimal()):
        raise click.BadParameter(f"{text!r} is not a number")
    if len(text) > MAX_DIGITS:
        raise click.BadParameter(f"{text} is too large a number")
    return int(text) if text else None


def _texts(text: str) -> list[str] | None:
    """Return the parts of a list; that there are none has to be said."""
    if text == "none":
        return []
    return [part.strip() for part in _text(text).split(",") if part.strip()] or None


_READ: dict[FactType, Callable[[str], Any]] = {FactType.NUMBER: _number, FactType.TEXTS: _texts}


def _save(file: Path, known: tuple[Attestation, ...], answered: list[Attestation]) -> None:
    """Write old and new attestations; the new ones take the place of older ones about the same."""
    renewed = {(each.kind, each.id) for each in answered}
    kept = [each for each in known if (each.kind, each.id) not in renewed]
    if file.exists() and "#" in (before := file.read_text(encoding="utf-8")):
        output.to_file(file.with_suffix(".yaml.bak"), before)
        pipeline.say(f"the old file with its comments is kept as {file.with_suffix('.yaml.bak')}")
    output.rewrite(file, attestations.text([*kept, *answered]))
