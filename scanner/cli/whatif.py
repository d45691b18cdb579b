"""`atlascan whatif`: who would lose what, and who could no longer come in, if a policy had its way."""

from collections import Counter
from itertools import islice
from pathlib import Path

import click

from scanner import attestations, diff, evaluate, snapshots, whatif
from scanner import config as configuration
from scanner.cli import completion, options, output, pipeline
from scanner.config import Config, Declaration
from scanner.errors import InputError, did_you_mean
from scanner.model import Resource, Rule, Snapshot, Verdict
from scanner.people import Turned, WhatIf
from scanner.render.whatif.formats import FORMATS, load

# Of what could not be judged, so much is repeated.
_MOST_UNREAD = 5
_FROM_OUTSIDE = "what a visitor without an account sees is known for sure only from another look from outside (collect.probe)"


@click.command("whatif")
@click.argument("snapshot", default=options.SNAPSHOT)
@click.option(
    "--close", "--policy", "policy", required=True, metavar="POLICY", shell_complete=completion.policy_ids, help="The policy."
)
@options.config
@options.formats_of(FORMATS, "answer")
def command(*, snapshot: str, policy: str, config_file: Path | None, outputs: tuple[options.Output, ...]) -> None:
    """Say from SNAPSHOT (a file, or - for a pipe) what would be if the settings were as POLICY wants.

    Who would lose what, who could no longer come in, and what the snapshot does not tell. Nothing is changed anywhere. It is no
    gate: the exit code is 0, or 2 if a file or the command line is wrong.
    """
    options.keep(snapshot, outputs)
    config = pipeline.load_config(config_file)
    answer = told(config, pipeline.criteria(config), snapshots.load(snapshot), policy)
    for each in outputs:
        output.write_pieces(each, [load(each.format)(answer)])
    if all(each.path != options.STDOUT for each in outputs):
        from scanner.render.whatif import text  # noqa: PLC0415  see scanner.render.formats

        output.show_page(text.page(answer))


def told(config: Config, by: pipeline.Criteria, taken: Snapshot, policy: str) -> WhatIf:
    """Return what would be if a policy had its way.

    Raises:
        InputError: The policy is not applied.
    """
    rule = _rule(by.rules, policy)
    before = attestations.supply(taken, by.attestations)
    declare = configuration.declaration(config, _ids(before, "jsm.service_desk"), _ids(before, "confluence.space"))
    change = _closing(rule, before, declare)
    after = change.applied(before)
    public, verdicts = whatif.public(change, before, after), _turned(by.rules, change, (before, after), declare)
    return WhatIf(
        tool=pipeline.TOOL,
        snapshot=taken.header,
        policy=policy,
        title=rule.policy.title,
        door=rule.policy.door,
        changes=tuple(diff.changes(*change.both(before))),
        losses=whatif.losses(change, before, after),
        public=public,
        newcomers=whatif.newcomers(change, before),
        kept=whatif.kept(change, before),
        unknown=(*whatif.untold(change, before), *([_FROM_OUTSIDE] if public else []), *_left(policy, verdicts)),
        verdicts=verdicts,
    )


# ---------------------------------------------------------------------------------------------------------------- private


def _rule(rules: tuple[Rule, ...], policy: str) -> Rule:
    for rule in rules:
        if rule.policy.id == policy:
            return rule
    raise InputError(f"the policy {policy!r} is not applied here", hint=did_you_mean(policy, [rule.policy.id for rule in rules]))


def _ids(snapshot: Snapshot, kind: str) -> list[str]:
    return [record.id for record in snapshot.of(kind) if isinstance(record, Resource)]


def _closing(rule: Rule, snapshot: Snapshot, declare: Declaration) -> whatif.Closing:
    """Judge by the one rule, and return what would change of what fails."""
    failed, unread = set(), dict[str, None]()
    for finding in evaluate.evaluate([rule], snapshot, declare):
        if finding.verdict is Verdict.FAIL:
            failed.add(finding.address)
        elif finding.verdict is Verdict.UNKNOWN:
            unread[f"{finding.address}: {finding.message}"] = None
    more = [f"{len(unread) - _MOST_UNREAD:,} more could not be judged"] if len(unread) > _MOST_UNREAD else []
    return whatif.closing(rule, frozenset(failed), (*islice(unread, _MOST_UNREAD), *more), snapshot)


def _left(policy: str, verdicts: tuple[Turned, ...]) -> tuple[str, ...]:
    """Say how much would fail still: its remediation is more than one setting."""
    number = next((each.after.get(Verdict.FAIL, 0) for each in verdicts if each.policy == policy), 0)
    return (f"{number:,} that fail this policy would fail still: what else has to change is not known",) if number else ()


def _turned(
    rules: tuple[Rule, ...], change: whatif.Closing, snapshots_: tuple[Snapshot, Snapshot], declare: Declaration
) -> tuple[Turned, ...]:
    """Judge before and after by all rules that look at what changes, and return those that come out otherwise."""
    looking = [rule for rule in rules if {rule.policy.kind, *evaluate.referred(rule.policy)} & change.kinds]
    before, after = (_counts(looking, snapshot, declare) if looking else {} for snapshot in snapshots_)
    return tuple(
        Turned(policy=id_, title=rule.policy.title, before=before[id_], after=after[id_])
        for rule in looking
        if before[id_ := rule.policy.id] != after[id_]
    )


def _counts(rules: list[Rule], snapshot: Snapshot, declare: Declaration) -> dict[str, dict[str, int]]:
    evaluation = evaluate.evaluate(rules, snapshot, declare)
    counts = Counter((finding.policy, finding.verdict.value) for finding in evaluation)
    counts.update(evaluation.unlisted)
    return {rule.policy.id: {word: number for (id_, word), number in counts.items() if id_ == rule.policy.id} for rule in rules}
