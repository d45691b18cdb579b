"""`atlascan waive`: write down that a failure is lived with until a day."""

import sys
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from pathlib import Path

import click

from scanner import policies, results, waivers
from scanner.cli import completion, options, output, pipeline
from scanner.errors import InputError, did_you_mean
from scanner.model import Report, Verdict, Waiver

DEFAULT_FILE = "waivers.yaml"
DEFAULT_DAYS = 30
MAX_NEAR = 5
_QUESTIONS = {"reason": "Why is the failure acceptable?", "owner": "Who answers for it?", "approved_by": "Who agreed?"}


@click.command("waive")
@click.argument("policy", shell_complete=completion.policy_ids)
@click.argument("address")
@options.config
@click.option("--reason", help="Why the failure is acceptable.  [default: asks]")
@click.option("--owner", help="Who answers for it.  [default: asks]")
@click.option("--approved-by", help="Who agreed; somebody else than the owner.  [default: asks]")
@click.option(
    "--expires",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help=f"The last day on which it counts.  [default: in {DEFAULT_DAYS} days]",
)
@click.option("--ticket", help="Where it was decided.")
@click.option("--result", type=click.Path(path_type=Path), help="A result (of -f json) in which the failure must stand.")
def command(
    *,
    policy: str,
    address: str,
    config_file: Path | None,
    reason: str | None,
    owner: str | None,
    approved_by: str | None,
    expires: datetime | None,
    ticket: str | None,
    result: Path | None,
) -> None:
    """Excuse the failures of POLICY at ADDRESS (* stands for anything) in the waivers file.

    The verdict stays a failure; the gate forgives it until the waiver expires. On a terminal it asks for what is missing.
    """
    config = pipeline.load_config(config_file)
    file = config.waivers or (config_file or Path()).parent / DEFAULT_FILE
    kinds = {id_: each.kind for id_, each in policies.load(config.policies).items()}
    if policy not in kinds:
        raise InputError(f"there is no policy {policy!r}", hint=did_you_mean(policy, kinds))
    excused = _excused(results.load(result), str(result), policy, address) if result else ""
    terms = waivers.Terms(pipeline.utc_now(), kinds, config.waiver_limits)
    _refuse_known(waivers.load(file, kinds) if file.exists() else (), policy, address, terms)
    answers = _answered({"reason": reason, "owner": owner, "approved_by": approved_by})
    last = expires.date() if expires else _last_day(terms.today + timedelta(days=DEFAULT_DAYS))
    waiver = Waiver(policy, address, **answers, expires=last, ticket=ticket)
    _refuse_void(waiver, terms)
    _write(file, waiver)
    days = (waiver.expires - terms.today).days
    mention = "" if config.waivers else f"; add `waivers: {file.name}` to the configuration"
    pipeline.say(f"wrote {file}: {policy} at {address} is waived until {waiver.expires} ({days} days){excused}{mention}")


def _excused(report: Report, name: str, policy: str, address: str) -> str:
    """Say how many failures of a result would be excused.

    Raises:
        InputError: There are none; what else fails is named.
    """
    there = [each for each in report.findings if waivers.glob_matches(address, each.address)]
    failures = [each for each in there if each.policy == policy and each.verdict is Verdict.FAIL]
    if failures:
        return f"; in {name} that is {len(failures)} {'failure' if len(failures) == 1 else 'failures'}"
    if unknown := [each for each in there if each.policy == policy and each.verdict is Verdict.UNKNOWN]:
        message = f"{unknown[0].address} could not be judged by {policy} in {name}"
        raise InputError(message, hint="only a failure can be waived: nobody can accept what nobody has seen")
    raise InputError(f"{policy} has no failure at {address} in {name}", hint=_near(report, policy, address))


def _near(report: Report, policy: str, address: str) -> str:
    """Return what fails under a name like this, or else what fails by this policy, or which policies fail at this address."""
    failing = {(each.policy, each.address) for each in report.findings if each.verdict is Verdict.FAIL}
    here = sorted(where for by, where in failing if by == policy)
    others = sorted(by for by, where in failing if waivers.glob_matches(address, where))
    if near := get_close_matches(address, here, n=MAX_NEAR):
        more = f" Near it fail too: {', '.join(near[1:])}" if near[1:] else ""
        return f"did you mean {near[0]!r}?{more}"
    if others:
        return f"what fails there is {_few(others)}"
    return f"by this policy fails: {_few(here)}" if here else "nothing fails by this policy"


def _few(names: list[str]) -> str:
    more = f" and {len(names) - MAX_NEAR} more" if len(names) > MAX_NEAR else ""
    return f"{', '.join(names[:MAX_NEAR])}{more}"


def _refuse_known(known: Iterable[Waiver], policy: str, address: str, terms: waivers.Terms) -> None:
    for each in known:
        if each.policy == policy and waivers.glob_matches(each.address, address) and waivers.is_in_force(each, terms):
            message = f"{policy} at {each.address} is waived already, until {each.expires} (owner {each.owner})"
            raise InputError(message, hint="to renew it, change that waiver's `expires`; to replace it, take it out first")


def _refuse_void(waiver: Waiver, terms: waivers.Terms) -> None:
    """Refuse a waiver that would never be honoured."""
    if because := waivers.objection(waiver, terms):
        raise InputError(f"this waiver would not be honoured: {because}")
    if not waivers.is_in_force(waiver, terms):
        raise InputError(f"this waiver would have expired already, after {waiver.expires}")


def _answered(answers: dict[str, str | None]) -> dict[str, str]:
    """Return the answers to the questions, asked for if somebody is there to give them."""
    missing = [name for name in answers if not answers[name]]
    if missing and not sys.stdin.isatty():
        raise click.UsageError(f"give {', '.join(f'--{name}'.replace('_', '-') for name in missing)}")
    return {name: answer or str(click.prompt(_QUESTIONS[name], err=True)) for name, answer in answers.items()}


def _last_day(in_days: date) -> date:
    if not sys.stdin.isatty():
        return in_days
    answer: date = click.prompt("Last day on which it counts", default=in_days, value_proc=_day, err=True)
    return answer


def _day(text: str | date) -> date:
    """Return a day; what is none is asked for again."""
    try:
        return text if isinstance(text, date) else date.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a date (YYYY-MM-DD)") from None


def _write(file: Path, waiver: Waiver) -> None:
    """Append a waiver to the file."""
    before = file.read_bytes().decode() if file.exists() else waivers.EMPTY
    output.rewrite(file, waivers.added(before, str(file), waiver))
