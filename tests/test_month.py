"""A scripted month on the stand-in site: each diff tells what happened, what that did, and who did it when, and nothing else."""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from scanner import causes, diff, drift, evaluate, logs, snapshots
from scanner.cli import pipeline
from scanner.kinds import KINDS
from scanner.model import Change, Drift, Effect, Gap, Record, Report, Severity, Snapshot, What, sort_key
from tests import month

DAYS = [f"{step.taken_at:%Y-%m-%d}" for step in month.month().steps]
FIRST, LAST = DAYS[0], DAYS[-1]
LOST = "the audit log of Jira on acme could not be read: refused (403): The scenario refuses this."

# Day -> what the diff with the day before tells.
STORY = {
    "2026-10-05": """
opened: access/approved-domains-need-approval of org.access_domain/acme.example: pass -> fail
changed org.access_domain/acme.example: acme.example
  products ari:cloud:jira-software::app/all access_mode: REQUEST_ACCESS -> DIRECT_ACCESS
  exact: Updated approved domain, by Ben Backup (ben@acme.example), 2026-10-02 15:12
exit code 1
""",
    "2026-10-08": """
closed: access/approved-domains-need-approval of org.access_domain/acme.example: fail -> pass
changed org.access_domain/acme.example: acme.example
  products ari:cloud:jira-software::app/all access_mode: DIRECT_ACCESS -> REQUEST_ACCESS
  exact: Updated approved domain, by Ada Admin (ada@acme.example), 2026-10-07 10:30
changed jira.project/acme/OPS: Facilities
  @name: Operations -> Facilities
  name: Operations -> Facilities
  exact: Project updated, by Agnes Agent (5b10a2844c20165700ede002), 2026-10-06 13:00
exit code 0
""",
    "2026-10-12": """
opened: jira/no-anonymous-permissions of jira.permission_scheme/acme/10000: pass -> fail
opened: jira/no-public-filters of jira.filter/acme/10100: pass -> fail
opened: jira/no-public-filters of jira.filter/acme/10101: pass -> fail
changed jira.filter/acme/10100: Team board
  shares global: - -> global
  no kind of event in the organization's audit log is about this: filter
changed jira.permission_scheme/acme/10000: Company scheme, of 4 projects
  grants BROWSE_PROJECTS:anyone:-: - -> BROWSE_PROJECTS:anyone:-
  exact: Permission scheme updated, by Agnes Agent (5b10a2844c20165700ede002), 2026-10-09 16:45
exit code 1
""",
    "2026-10-15": """
still-open: jira/no-anonymous-permissions of jira.permission_scheme/acme/10000: fail -> fail
still-open: jira/no-public-filters of jira.filter/acme/10101: fail -> fail
gone: jira/no-public-filters of jira.filter/acme/10100: fail -> -
removed jira.filter/acme/10100: Team board
  no kind of event in the organization's audit log is about this: filter
removed jira.project/acme/WEB: Web shop
  exact: Project deleted, by Ada Admin (5b10a2844c20165700ede001), 2026-10-13 08:20
removed jira.project_role/acme/WEB/10102: Member
  object: Project deleted, by Ada Admin (5b10a2844c20165700ede001), 2026-10-13 08:20
changed org/0b5d1a52-7c1e-4a7e-9f0c-5d2f6a1e0002: Acme (locked)
  org_admin_count: 2 -> 3
  exact: Granted organization admin role, by Ben Backup (ben@acme.example), 2026-10-14 11:00
changed org.user/712020:dddddddd-0000-4000-8000-000000000014: Dora Developer
  platform_roles: none -> atlassian/org-admin
  exact: Granted organization admin role, by Ben Backup (ben@acme.example), 2026-10-14 11:00
  object: Logged in to account, by Dora Developer (712020:dddddddd-0000-4000-8000-000000000014), 2026-10-14 12:00
exit code 0
""",
    "2026-10-19": f"""
sight-lost: jira/no-anonymous-permissions of jira.permission_scheme/acme/10000: fail -> -
sight-lost: jira/no-anonymous-permissions of jira.site/acme: - -> unknown
sight-lost: jira/no-public-filters of jira.filter/acme/10101: fail -> unknown
sight-lost: jira/no-any-user-permissions of jira.site/acme: - -> unknown
added jira.site/acme: jira.permission_scheme
  no log tells what can be read
removed jira.permission_scheme/acme/10000: Company scheme, of 4 projects
  it may be there as before, out of sight
changed jira.project/acme/IT: Help desk
  @name: IT help -> Help desk
  name: IT help -> Help desk
  {LOST}
changed jsm.customer_permissions/acme/IT: Help desk
  @name: IT help -> Help desk
  {LOST}
changed jsm.service_desk/acme/IT: Help desk
  @name: IT help -> Help desk
  name: IT help -> Help desk
  {LOST}
changed jsm.service_desk/acme/IT: Help desk
  @name: IT help -> Help desk
  {LOST}
exit code 3
""",
    "2026-10-22": """
sight-gained: jira/no-anonymous-permissions of jira.permission_scheme/acme/10000: - -> fail
sight-gained: jira/no-anonymous-permissions of jira.site/acme: unknown -> -
sight-gained: jira/no-public-filters of jira.filter/acme/10101: unknown -> fail
sight-gained: jira/no-any-user-permissions of jira.site/acme: unknown -> -
removed jira.site/acme: jira.permission_scheme
  no log tells what can be read
added jira.permission_scheme/acme/10000: Company scheme, of 4 projects
  it may have been there, out of sight
exit code 1
""",
    "2026-10-26": """
closed: jira/no-anonymous-permissions of jira.permission_scheme/acme/10000: fail -> pass
closed: jira/no-public-filters of jira.filter/acme/10101: fail -> pass
changed jira.permission_scheme/acme/10000: Company scheme, of 4 projects
  grants BROWSE_PROJECTS:anyone:-: BROWSE_PROJECTS:anyone:- -> -
  exact: Permission scheme updated, by Ada Admin (5b10a2844c20165700ede001), 2026-10-23 14:05
changed jira.project_role/acme/HR/10003: Service desk team
  actors atlassian-user-role-actor:5b10a2844c20165700ede002: - -> atlassian-user-role-actor:5b10a2844c20165700ede002
  no event
exit code 0
""",
    "2026-10-29": """
exit code 0
""",
}
# What is different at the end: the doors that opened and closed in between are not to be seen.
WHOLE = """
removed jira.filter/acme/10100: Team board
  no kind of event in the organization's audit log is about this: filter
changed jira.project/acme/IT: Help desk
  @name: IT help -> Help desk
  name: IT help -> Help desk
  exact: Project updated, by Ada Admin (5b10a2844c20165700ede001), 2026-10-16 09:15
changed jira.project/acme/OPS: Facilities
  @name: Operations -> Facilities
  name: Operations -> Facilities
  exact: Project updated, by Agnes Agent (5b10a2844c20165700ede002), 2026-10-06 13:00
removed jira.project/acme/WEB: Web shop
  exact: Project deleted, by Ada Admin (5b10a2844c20165700ede001), 2026-10-13 08:20
changed jira.project_role/acme/HR/10003: Service desk team
  actors atlassian-user-role-actor:5b10a2844c20165700ede002: - -> atlassian-user-role-actor:5b10a2844c20165700ede002
  no event
removed jira.project_role/acme/WEB/10102: Member
  object: Project deleted, by Ada Admin (5b10a2844c20165700ede001), 2026-10-13 08:20
changed jsm.customer_permissions/acme/IT: Help desk
  @name: IT help -> Help desk
  exact: Project updated, by Ada Admin (5b10a2844c20165700ede001), 2026-10-16 09:15
changed jsm.service_desk/acme/IT: Help desk
  @name: IT help -> Help desk
  name: IT help -> Help desk
  exact: Project updated, by Ada Admin (5b10a2844c20165700ede001), 2026-10-16 09:15
changed jsm.service_desk/acme/IT: Help desk
  @name: IT help -> Help desk
  exact: Project updated, by Ada Admin (5b10a2844c20165700ede001), 2026-10-16 09:15
changed org/0b5d1a52-7c1e-4a7e-9f0c-5d2f6a1e0002: Acme (locked)
  org_admin_count: 2 -> 3
  exact: Granted organization admin role, by Ben Backup (ben@acme.example), 2026-10-14 11:00
changed org.user/712020:dddddddd-0000-4000-8000-000000000014: Dora Developer
  platform_roles: none -> atlassian/org-admin
  exact: Granted organization admin role, by Ben Backup (ben@acme.example), 2026-10-14 11:00
  object: Logged in to account, by Dora Developer (712020:dddddddd-0000-4000-8000-000000000014), 2026-10-14 12:00
exit code 0
"""
BUMPED = """
limit: acme/hardly-any-org-admins is of version 2 now, and was of 1
incomparable: acme/hardly-any-org-admins of org/0b5d1a52-7c1e-4a7e-9f0c-5d2f6a1e0002: pass -> fail
exit code 0
"""


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Snapshot]:
    """Return the snapshots of the month by their days."""
    paths = month.snapshots(tmp_path_factory.mktemp("month"))
    return {path.name.partition("T")[0]: snapshots.load(str(path)) for path in paths}


class Judge:
    """Judges snapshots by a configuration."""

    def __init__(self, file: Path) -> None:
        self.config = pipeline.load_config(file)
        self.by = pipeline.criteria(self.config)

    def report(self, snapshot: Snapshot) -> Report:
        return pipeline.judge(self.config, self.by, snapshot)

    def drift(self, old: Snapshot, new: Snapshot) -> Drift:
        return pipeline.drift(self.config, self.by, old, new)


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Judge:
    return Judge(month.configuration(tmp_path_factory.mktemp("configuration")))


@pytest.fixture(scope="module")
def later_judge(tmp_path_factory: pytest.TempPathFactory) -> Judge:
    return Judge(month.configuration(tmp_path_factory.mktemp("bumped"), bumped=True))


# ------------------------------------------------------------------------------------------------------------------ the story


@pytest.mark.parametrize(("before", "day"), list(pairwise(DAYS)))
def test_each_diff_tells_what_happened_between_two_days(taken: dict[str, Snapshot], judge: Judge, before: str, day: str) -> None:
    assert told(judge.drift(taken[before], taken[day])) == STORY[day].strip()


def test_every_day_has_its_story() -> None:
    assert list(STORY) == DAYS[1:]


def test_the_month_as_a_whole_tells_what_is_different_at_its_end(taken: dict[str, Snapshot], judge: Judge) -> None:
    assert told(judge.drift(taken[FIRST], taken[LAST])) == WHOLE.strip()


def test_nothing_is_said_of_what_was_judged_by_another_version_of_a_policy(
    taken: dict[str, Snapshot], judge: Judge, later_judge: Judge
) -> None:
    old, new = taken[DAYS[-2]], taken[LAST]
    changes = causes.explained(diff.changes(old, new), old.header, new)
    looked_at = {rule.policy.id: evaluate.referred(rule.policy) for rule in later_judge.by.rules}
    assert told(drift.drift(judge.report(old), later_judge.report(new), changes, looked_at)) == BUMPED.strip()


def test_a_day_with_the_same_day_tells_nothing(taken: dict[str, Snapshot], judge: Judge) -> None:
    assert told(judge.drift(taken[FIRST], taken[FIRST])) == "exit code 0"


# --------------------------------------------------------------------------------------------------------- who, by what words


def test_what_the_tenant_calls_its_actions_inside_changes_nothing(taken: dict[str, Snapshot]) -> None:
    named = 0
    for old, new in (*pairwise(taken.values()), (taken[FIRST], taken[LAST])):
        changes = list(diff.changes(old, new))
        as_told = list(causes.explained(changes, old.header, new))
        assert list(causes.explained(changes, old.header, renamed(new))) == as_told
        named += sum(each.event.startswith("org.event/") for change in as_told for each in change.causes or ())
    assert named


def renamed(snapshot: Snapshot) -> Snapshot:
    """Return a snapshot in which each kind of event has the id of another."""
    ids = sorted(record.id for record in snapshot.of(logs.CATALOGUE) if not isinstance(record, Gap))
    others = dict(zip(ids, (*ids[1:], ids[0]), strict=True))

    def other(record: Record) -> Record:
        if isinstance(record, Gap) or record.kind not in (logs.CATALOGUE, logs.ORG_LOG):
            return record
        if record.kind == logs.CATALOGUE:
            return msgspec.structs.replace(record, id=others[record.id])
        return msgspec.structs.replace(record, facts={**record.facts, "action": others[record.facts["action"]]})

    inside = sorted(map(other, snapshot), key=sort_key)
    return Snapshot(snapshot.header, lambda: inside)


# ------------------------------------------------------------------------------------------------------------------ how it is told


def told(whole: Drift) -> str:
    """Return drift as a short text."""
    return "\n".join(_lines(drift.gated(whole, [Effect.OPENED.value], Severity.HIGH)))


def _lines(whole: Drift) -> Iterator[str]:
    yield from (f"limit: {limit}" for limit in whole.limits)
    for turn in whole.turns:
        yield f"{turn.effect}: {turn.policy} of {turn.address}: {turn.before or '-'} -> {turn.after or '-'}"
    for change in whole.changes:
        reach = f", of {change.reach} {KINDS[change.kind].reached}" if change.reach else ""
        yield f"{change.what} {change.address}: {change.gap.kind if change.gap else change.name}{reach}"
        yield from (f"  {each}" for each in (*_facts(change), *_who(change)))
    yield f"exit code {whole.gate.exit_code}"


def _facts(change: Change) -> Iterator[str]:
    for each in change.facts if change.what is What.CHANGED else ():
        yield f"{' '.join(each.path)}: {_value(each.before)} -> {_value(each.after)}"


def _value(value: object) -> str:
    match value:
        case msgspec.UNSET:
            return "-"
        case dict():
            return str(value["key"])
        case list():
            return ", ".join(map(_value, value)) or "none"
        case _:
            return str(value)


def _who(change: Change) -> Iterable[str]:
    if not change.causes:
        return [change.unlogged or "no event"]
    return [f"{each.certainty}: {each.action}, by {each.actor}, {each.time:%Y-%m-%d %H:%M}" for each in change.causes]
