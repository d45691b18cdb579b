"""Who and when: what the logs say of a change, how sure that is, and what is said when they say nothing."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner import diff, logs
from scanner.causes import MOST, NEEDS, explained
from scanner.kinds import KINDS
from scanner.model import Change, Coverage, Gap, Header, Reason, Record, Resource, Snapshot, Source, Target, sort_key

OLD, NEW = datetime(2026, 6, 1, 6, tzinfo=UTC), datetime(2026, 6, 8, 6, tzinfo=UTC)
NOON = "2026-06-04T12:00:00.000Z"
ADA, BEN = {"id": "u-ada", "name": "Ada", "email": "ada@acme.example"}, {"id": "u-ben"}
DORA = {"id": "u-dora", "type": "users", "name": "Dora"}
STAFF = {"id": "ari:cloud:identity::group/g-staff", "type": "groups", "name": "staff"}
SITE = {"id": "s-1", "type": "sites", "name": "acme"}
# What the tenant calls its kinds of event.
ADDED, LEFT, LOGIN, PROMOTED, DOMAIN = "a1", "a2", "a3", "a4", "a5"
CATALOGUE = {
    ADDED: ("Added user to group", "Groups"),
    LEFT: ("Removed user from group", "Groups"),
    LOGIN: ("Logged in to account", "Atlassian accounts"),
    PROMOTED: ("Granted organization admin role", "Admin roles"),
    DOMAIN: ("Updated approved domain", "User access settings"),
}


@dataclass(frozen=True)
class Case:
    """Be two snapshots, of which the later one has logs."""

    before: tuple[Record, ...]
    after: tuple[Record, ...]
    logs: tuple[Record, ...] = ()
    since: datetime | None = OLD - timedelta(days=1)
    old: datetime = OLD
    collected: tuple[str, ...] = tuple(kind for kind, _ in NEEDS)
    sites: tuple[str, ...] = ("acme",)

    @property
    def changes(self) -> tuple[Change, ...]:
        return tuple(diff.changes(self.snapshot(self.before), self.snapshot(self.after)))

    @property
    def header(self) -> Header:
        coverage = tuple(Coverage(kind=kind, requests=1, resources=0, gaps=0, complete=True) for kind in self.collected)
        target = Target(org="o-1", sites=dict.fromkeys(self.sites, "https://acme.atlassian.net"))
        return Header(id="new", taken_at=NEW, tool="t", target=target, coverage=coverage, audit_since=self.since)

    def explained(self) -> list[Change]:
        earlier = msgspec.structs.replace(self.header, id="old", taken_at=self.old)
        return list(explained(self.changes, earlier, self.snapshot((*self.after, *self.logs))))

    def snapshot(self, records: Iterable[Record]) -> Snapshot:
        inside = sorted(records, key=sort_key)
        return Snapshot(self.header, lambda: iter(inside))

    def told(self) -> list[str]:
        """Return what is said of the only change: a line for each event, or why there is none."""
        [change] = self.explained()
        if change.causes is None:
            return [f"? {change.unlogged}"]
        assert change.unlogged is None
        return [f"{each.certainty} {each.event.partition('/')[2]} {each.action}: {each.actor}" for each in change.causes]


def resource(kind: str, id_: str, name: str = "x", /, **facts: Any) -> Resource:  # noqa: ANN401  JSON
    return Resource(kind=kind, id=id_, name=name, facts=facts, source=Source.API)


def event(id_: str, action: str, *context: Mapping[str, str], time: str = NOON, actor: Mapping[str, str] = ADA) -> Resource:
    return resource(logs.ORG_LOG, id_, action, time=time, action=action, actor=actor, context=list(context))


def record(number: int, category: str, object_: Mapping[str, str] | None, *, site: str = "acme", **facts: Any) -> Resource:  # noqa: ANN401
    told = {"created": NOON, "category": category, "summary": "Etwas ist geschehen", "author": "u-ada", **facts}
    return resource(logs.JIRA_LOG, f"{site}/{number}", **told, **({"object": object_} if object_ else {}))


def changed(**fields: tuple[str, str]) -> list[dict[str, str]]:
    return [{"field": field, "before": before, "after": after} for field, (before, after) in fields.items()]


def catalogue(ids: Mapping[str, str] = {}) -> tuple[Resource, ...]:
    return tuple(
        resource(logs.CATALOGUE, ids.get(id_, id_), name, display_name=name, group_display_name=group)
        for id_, (name, group) in CATALOGUE.items()
    )


def person(*groups: str, **facts: Any) -> Resource:  # noqa: ANN401
    return resource("org.user", "u-dora", "Dora", groups=list(groups), **facts)


def joined(*events: Record, **more: Any) -> Case:  # noqa: ANN401
    """Return how Dora joined the group staff."""
    return Case((person(),), (person("g-staff"),), (*catalogue(), *events), **more)


# ------------------------------------------------------------------------------------------------------------- how sure it is


def test_an_event_that_names_the_person_and_the_group_explains_it() -> None:
    assert joined(event("e1", ADDED, DORA, STAFF)).told() == ["exact e1 Added user to group: Ada (ada@acme.example)"]


def test_an_event_that_names_the_person_and_tells_of_something_else_is_no_more_than_that() -> None:
    assert joined(event("e1", LOGIN, DORA, actor=BEN)).told() == ["object e1 Logged in to account: u-ben"]


@pytest.mark.parametrize(
    "other",
    [
        event("e1", LEFT, DORA, STAFF),
        event("e1", ADDED, DORA, {"id": "g-other", "type": "groups"}),
        event("e1", PROMOTED, DORA),
        event("e1", "nowhere in the catalogue", DORA),
    ],
)
def test_the_other_way_another_group_and_another_deed_do_not_fit(other: Resource) -> None:
    [line] = joined(other).told()
    assert line.startswith("object e1 ")


@pytest.mark.parametrize("context", [(STAFF,), ({"id": "u-eve", "type": "users"}, STAFF)])
def test_an_event_that_names_others_explains_nothing(context: tuple[Mapping[str, str], ...]) -> None:
    assert joined(event("e1", ADDED, *context)).told() == []


@pytest.mark.parametrize("context", [(), (SITE,)])
def test_an_event_that_names_nothing_is_told_by_its_time_if_it_fits(context: tuple[Mapping[str, str], ...]) -> None:
    events = (event("e1", ADDED, *context), event("e2", LOGIN, *context))
    assert joined(*events).told() == ["time e1 Added user to group: Ada (ada@acme.example)"]


def test_the_surest_comes_first_then_the_latest_and_no_more_than_five() -> None:
    days = [f"2026-06-0{day}T00:00:00Z" for day in (2, 3, 4, 5, 6, 7)]
    events = [event(f"o{day[9]}", LOGIN, DORA, time=day) for day in days]
    events += [event(f"x{day[9]}", ADDED, DORA, STAFF, time=day) for day in days[1:3]]
    events += [event(f"t{day[9]}", ADDED, time=day) for day in days]
    assert [line.split()[1] for line in joined(*events).told()] == ["x4", "x3", "o7", "o6", "o5"]
    assert MOST == 5


@pytest.mark.parametrize(
    ("time", "counts"),
    [
        ("2026-06-01T06:00:00.000Z", False),
        ("2026-06-01T06:00:00.001Z", True),
        ("2026-06-08T06:00:00.000Z", True),
        ("2026-06-08T06:00:00.001Z", False),
        ("2026-06-08T07:30:00.000+0200", True),
    ],
)
def test_the_window_ends_with_the_later_snapshot_and_begins_after_the_earlier(time: str, *, counts: bool) -> None:
    assert bool(joined(event("e1", ADDED, DORA, STAFF, time=time)).told()) is counts


def test_how_many_admins_there_are_is_told_by_each_event_that_makes_one() -> None:
    case = Case((resource("org", "o-1", org_admin_count=2),), (resource("org", "o-1", org_admin_count=3),), catalogue())
    events = (event("e1", PROMOTED, DORA), event("e2", ADDED, DORA, STAFF), event("e3", LOGIN))
    assert replace(case, logs=(*case.logs, *events)).told() == ["exact e1 Granted organization admin role: Ada (ada@acme.example)"]


def test_a_domain_is_known_by_its_name() -> None:
    before, after = (resource("org.access_domain", "acme.example", domain="acme.example", enabled=on) for on in (False, True))
    named = event("e1", DOMAIN, {"id": "7f3a", "type": "domains", "name": "ACME.example"})
    other = event("e2", DOMAIN, {"id": "7f3b", "type": "domains", "name": "other.example"})
    told = Case((before,), (after,), (*catalogue(), named, other)).told()
    assert told == ["exact e1 Updated approved domain: Ada (ada@acme.example)"]


# ---------------------------------------------------------------------------------------------------------- by the catalogue


@given(st.permutations(sorted(CATALOGUE)))
def test_what_the_tenant_calls_its_actions_inside_means_nothing(ids: list[str]) -> None:
    renamed = dict(zip(sorted(CATALOGUE), (f"{id_}-user_removed_from_group" for id_ in ids), strict=True))
    deeds = (ADDED, LEFT, LOGIN, PROMOTED)
    plain = (event(f"e{deed}", deed, DORA, STAFF) for deed in deeds)
    under_other_names = (event(f"e{deed}", renamed[deed], DORA, STAFF) for deed in deeds)
    again = Case((person(),), (person("g-staff"),), (*catalogue(renamed), *under_other_names))
    assert again.told() == joined(*plain).told()


def test_without_a_catalogue_nobody_knows_what_was_done() -> None:
    case = replace(joined(), logs=(event("e1", ADDED, DORA, STAFF), event("e2", ADDED)))
    assert case.told() == ["object e1 a1: Ada (ada@acme.example)"]


@pytest.mark.parametrize(
    ("logs_", "why"),
    [
        ((), "the kinds of event in the organization's audit log were not collected (--logs does it)"),
        (
            (Gap(kind=logs.CATALOGUE, reason=Reason.FORBIDDEN, detail="refused (403)"),),
            "the kinds of event in the organization's audit log could not be read: refused (403)",
        ),
        (
            (resource(logs.CATALOGUE, "a1", display_name="Created project"),),
            "no kind of event in the organization's audit log is about this: user",
        ),
    ],
)
def test_a_log_that_cannot_be_understood_is_no_log_in_which_nothing_happened(logs_: tuple[Record, ...], why: str) -> None:
    assert replace(joined(), logs=logs_).told() == [f"? {why}"]


def test_an_action_with_an_endless_name_is_looked_at_no_longer_than_others() -> None:
    endless = resource(logs.CATALOGUE, ADDED, display_name="organization user " * 500_000 + " added to group")
    assert replace(joined(), logs=(endless, event("e1", ADDED, DORA, STAFF))).told()[0].startswith("object e1 organization user")


# ------------------------------------------------------------------------------------------------------------ in Jira's words

SCHEME, PROJECT = "jira.permission_scheme", "jira.project"
OF_SCHEME, OF_PROJECT = {"id": "10000", "name": "Company", "type": "SCHEME"}, {"id": "10001", "name": "Web", "type": "PROJECT"}
PUBLIC = {"key": "BROWSE:anyone:-", "permission": "BROWSE", "holder_type": "anyone", "holder_value": None}


def opened(*records_: Record) -> Case:
    """Return how a scheme came to grant something to anyone."""
    before, after = (resource(SCHEME, "acme/10000", "Company", grants=grants) for grants in ([], [PUBLIC]))
    return Case((before,), (after, resource("jira.user", "acme/u-ada", "Ada")), records_)


def renamed(*records_: Record) -> Case:
    before, after = (resource(PROJECT, "acme/WEB", name, name=name, project_id="10001") for name in ("Web", "Shop"))
    return Case((before,), (after,), records_)


def first(case: Case) -> str:
    """Return how sure the event is that explains the first change, or that there is none."""
    causes = case.explained()[0].causes
    return str(causes[0].certainty) if causes else "none"


GRANTED = changed(Permission=("", "Browse Projects"), Type=("", "Anyone on the web"))


def test_a_record_of_the_scheme_in_its_category_explains_it_in_any_language() -> None:
    [change, _] = opened(record(3, "permissions", OF_SCHEME, changed_values=GRANTED)).explained()
    assert change.causes is not None
    assert [(each.certainty, each.event, each.action, each.actor) for each in change.causes] == [
        ("exact", "jira.audit_record/acme/3", "Etwas ist geschehen", "Ada (u-ada)")
    ]


@pytest.mark.parametrize(
    ("found", "certainty"),
    [
        (record(3, "permissions", OF_SCHEME), "exact"),
        (record(3, "permissions", OF_SCHEME, changed_values=changed(Permission=("Browse Projects", ""))), "object"),
        (record(3, "permissions", OF_SCHEME, changed_values=changed(Name=("Company", "Firma"))), "object"),
        (record(3, "notifications", OF_SCHEME, changed_values=GRANTED), "none"),
        (record(3, "permissions", {**OF_SCHEME, "id": "10001"}, changed_values=GRANTED), "none"),
        (record(3, "permissions", {**OF_SCHEME, "type": "PROJECT"}, changed_values=GRANTED), "none"),
        (record(3, "permissions", {"name": "Company", "type": "SCHEME"}, changed_values=GRANTED), "exact"),
        (record(3, "permissions", OF_SCHEME, changed_values=GRANTED, site="other"), "none"),
        (record(3, "permissions", None, changed_values=GRANTED), "time"),
        (record(3, "permissions", None, changed_values=GRANTED, site="other"), "none"),
        (record(3, "user management", None), "none"),
    ],
)
def test_a_record_names_a_scheme_by_number_type_category_and_site(found: Resource, certainty: str) -> None:
    assert first(opened(found)) == certainty


@pytest.mark.parametrize(
    ("found", "certainty"),
    [
        (record(3, "projects", {**OF_PROJECT, "name": "Shop"}, changed_values=changed(Name=("Web", "Shop"))), "exact"),
        (record(3, "projects", OF_PROJECT, changed_values=changed(Lead=("Ada", "Ben"))), "object"),
        (record(3, "workflows", {"id": "1", "type": "WORKFLOW"}, associated=[OF_PROJECT]), "object"),
        (record(3, "projects", {**OF_PROJECT, "id": "10002"}, changed_values=changed(Name=("Web", "Shop"))), "none"),
    ],
)
def test_a_project_is_known_by_its_number_and_its_new_name_by_the_values(found: Resource, certainty: str) -> None:
    assert first(renamed(found)) == certainty


def test_another_scheme_of_a_project_is_told_by_what_went_and_what_came() -> None:
    before, after = (
        resource(PROJECT, "acme/WEB", "Web", project_id="10001", permission_scheme=f"acme/{scheme}") for scheme in (1, 2)
    )
    swapped = record(3, "permissions", OF_PROJECT, changed_values=changed(Old=("Company", ""), New=("", "Public")))
    half = record(3, "permissions", OF_PROJECT, changed_values=changed(New=("", "Public")))
    other = record(3, "projects", OF_PROJECT)
    assert [first(Case((before,), (after,), (found,))) for found in (swapped, half, other)] == ["exact", "object", "object"]


def test_a_setting_of_which_a_site_has_one_is_told_by_the_site() -> None:
    before, after = (resource("jsm.customer_access", "acme", external_accounts=who) for who in ("nobody", "anyone"))
    told_of = resource(logs.CATALOGUE, "c1", display_name="Updated customer access")
    settings = event("e1", "c1", {"id": "settings-1", "type": "customer settings"})
    places: tuple[list[dict[str, str]], ...] = ([SITE], [{**SITE, "name": "other"}], [])
    found = [msgspec.structs.replace(settings, facts={**settings.facts, "container": place}) for place in places]
    assert [first(Case((before,), (after,), (told_of, each))) for each in found] == ["exact", "none", "none"]
    nothing = msgspec.structs.replace(settings, facts={**settings.facts, "context": []})
    assert first(Case((before,), (after,), (told_of, nothing))) == "time"


def test_a_deleted_project_is_known_by_the_number_that_it_had_and_so_are_its_roles() -> None:
    gone = (resource(PROJECT, "acme/WEB", "Web", project_id="10001"), resource("jira.project_role", "acme/WEB/7", "Member"))
    project, role = Case(gone, (), (record(3, "projects", OF_PROJECT),)).explained()
    assert [each.certainty for each in project.causes or ()] == ["exact"]
    assert [each.certainty for each in role.causes or ()] == ["object"]


def test_a_role_of_a_project_is_explained_by_a_record_that_names_both() -> None:
    actor = {"key": "atlassian-user-role-actor:u-dora", "type": "atlassian-user-role-actor", "id": "u-dora"}
    roles = (resource("jira.project_role", "acme/WEB/7", "Member", actors=actors) for actors in ([], [actor]))
    before, after = ((resource(PROJECT, "acme/WEB", "Web", project_id="10001"), role) for role in roles)
    both = record(3, "projects", OF_PROJECT, associated=[{"id": "7", "name": "Member", "type": "PROJECT_ROLE"}])
    assert first(Case(before, after, (both,))) == "exact"


@pytest.mark.parametrize(
    ("found", "certainty"),
    [
        (record(3, "group management", {"id": "admins", "name": "admins", "type": "GROUP"}), "exact"),
        (record(3, "group management", {"id": "g-1", "name": "renamed since", "type": "GROUP"}), "exact"),
        (record(3, "group management", {"id": "g-2", "name": "admins", "type": "GROUP"}), "none"),
        (
            record(3, "group management", {"name": "admins", "type": "GROUP"}, associated=[{"id": "u-eve", "type": "USER"}]),
            "object",
        ),
        (
            record(3, "group management", {"id": "u-dora", "type": "USER"}, associated=[{"name": "admins", "type": "GROUP"}]),
            "exact",
        ),
        (
            record(3, "permissions", {"id": "0", "type": "PERMISSIONS"}, changed_values=changed(Group=("", "admins"))),
            "object",
        ),
    ],
)
def test_who_came_into_a_group_is_told_by_a_record_that_names_no_other(found: Resource, certainty: str) -> None:
    members = [{"account_id": "u-dora", "account_type": "atlassian"}]
    before, after = (resource("jira.group", "acme/g-1", "admins", members=who) for who in ([], members))
    assert first(Case((before,), (after,), (found,))) == certainty


def test_a_group_that_was_given_a_global_permission_is_named_by_the_values() -> None:
    came = resource("jira.group", "acme/g-1", "admins", access="admin")
    found = record(
        3, "permissions", {"id": "0", "name": "Global", "type": "PERMISSIONS"}, changed_values=changed(Group=("", "admins"))
    )
    assert first(Case((), (came,), (found,))) == "exact"


# ------------------------------------------------------------------------------------------ none found is not the same as none


def gap(kind: str, parent: str | None, id_: str | None = None) -> Gap:
    return Gap(kind=kind, reason=Reason.FORBIDDEN, detail="refused (403)", parent=parent, id=id_)


def test_of_logs_that_were_read_whole_and_tell_nothing_it_is_said_that_there_is_no_event() -> None:
    assert joined().explained()[0].causes == ()
    assert opened().explained()[0].causes == ()


LOG = "the organization's audit log"


@pytest.mark.parametrize(
    ("case", "why"),
    [
        (joined(gap(logs.ORG_LOG, "org/o-1")), f"{LOG} could not be read: refused (403)"),
        (joined(gap(logs.ORG_LOG, "org/o-1", "e9")), f"an event of {LOG} could not be read: refused (403)"),
        (joined(resource(logs.ORG_LOG, "e9", action=LOGIN)), f"an event of {LOG} does not say when it was"),
        (joined(event("e9", LOGIN, time="2026-06-04T12:00:00")), f"an event of {LOG} does not say when it was"),
        (joined(collected=()), f"{LOG} was not collected (--logs does it)"),
        (joined(since=None), f"nothing says how far back {LOG} reaches"),
        (joined(since=NEW - timedelta(days=5)), f"{LOG} reaches back to 2026-06-03 06:00 UTC only"),
        (joined(event("e9", LOGIN), since=None), f"{LOG} reaches back to 2026-06-04 12:00 UTC only"),
        (
            joined(old=NEW - timedelta(days=200), since=NEW - timedelta(days=300)),
            f"{LOG} reaches back to 2025-12-10 06:00 UTC only",
        ),
        (joined(old=NEW), "the second snapshot is not later than the first"),
        (opened(gap(logs.JIRA_LOG, "jira.site/acme")), "the audit log of Jira on acme could not be read: refused (403)"),
        (opened(gap(logs.JIRA_LOG, None)), "the audit log of Jira on acme could not be read: refused (403)"),
        (replace(opened(), collected=()), "the audit log of Jira on acme was not collected (--logs does it)"),
        (replace(opened(), sites=()), "the site acme was not scanned"),
    ],
)
def test_a_log_that_could_not_be_read_or_not_so_far_back_is_said_to_be_so(case: Case, why: str) -> None:
    assert (case.explained()[0].causes, case.explained()[0].unlogged) == (None, why)


def test_the_gap_of_another_site_does_not_matter() -> None:
    assert opened(gap(logs.JIRA_LOG, "jira.site/other")).explained()[0].causes == ()


def test_an_event_from_before_shows_how_far_the_log_reaches() -> None:
    assert joined(event("e9", LOGIN, time="2026-05-31T00:00:00Z"), since=None).explained()[0].causes == ()


def test_what_a_short_log_tells_is_told_all_the_same() -> None:
    case = joined(event("e1", ADDED, DORA, STAFF), since=NEW - timedelta(days=5))
    assert case.told() == ["exact e1 Added user to group: Ada (ada@acme.example)"]


def test_the_organizations_log_counts_for_jira_too_where_it_tells_of_such_things() -> None:
    told_of = resource(logs.CATALOGUE, "p1", display_name="Updated project")
    refused = gap(logs.ORG_LOG, "org/o-1")
    assert renamed(refused).explained()[0].causes == ()
    assert renamed(refused, told_of).explained()[0].unlogged == f"{LOG} could not be read: refused (403)"
    named = event("e1", "p1", {"id": "ari:cloud:jira:c-1:project/10001", "type": "projects"})
    there = msgspec.structs.replace(named, facts={**named.facts, "container": [SITE]})
    elsewhere = msgspec.structs.replace(named, facts={**named.facts, "container": [{**SITE, "name": "other"}]})
    assert (first(renamed(told_of, there)), first(renamed(told_of, elsewhere))) == ("exact", "none")


def test_of_what_could_not_be_read_no_log_tells() -> None:
    [change] = Case((), (gap(SCHEME, "jira.site/acme"),)).explained()
    assert (change.causes, change.unlogged) == (None, "no log tells what can be read")


def test_what_only_came_into_sight_was_perhaps_there_before() -> None:
    scheme = resource(SCHEME, "acme/10000", "Company", grants=[])
    appeared = Case((gap(SCHEME, "jira.site/acme"),), (scheme,)).explained()
    vanished = Case((scheme,), (gap(SCHEME, "jira.site/acme"),)).explained()
    assert [each.unlogged for each in appeared if not each.gap] == ["it may have been there, out of sight"]
    assert [each.unlogged for each in vanished if not each.gap] == ["it may be there as before, out of sight"]


# ------------------------------------------------------------------------------------------------------------- what is declared

# Reviewed: kinds of which no log is known to tell.
UNLOGGED = {"attestation", "confluence.anonymous_view", "jira.anonymous_view", "jira.site", "jsm.signup_page", "org.event_action"}


def test_every_kind_is_told_of_by_words_or_known_to_be_told_of_by_none() -> None:
    assert {kind.name for kind in KINDS.values() if not kind.log} == logs.WORDS.keys() | UNLOGGED
    assert not logs.WORDS.keys() & UNLOGGED
    assert logs.IN_JIRA.keys() <= logs.WORDS.keys()


def test_words_are_of_facts_that_there_are() -> None:
    told = [(kind, fact) for kind, facts in logs.WORDS.items() for fact in facts]
    told += [(kind, fact) for kind, in_jira in logs.IN_JIRA.items() for fact in in_jira.categories]
    assert [each for each in told if each[1] not in ("", "@name") and each[1] not in KINDS[each[0]].facts] == []
    assert all("" in facts for facts in logs.WORDS.values())


def test_of_a_kind_that_no_log_tells_of_that_is_said() -> None:
    before, after = (resource("jira.anonymous_view", "acme", projects=number) for number in (0, 1))
    assert Case((before,), (after,), catalogue()).told() == ["? no log is known to tell of it"]


# ---------------------------------------------------------------------------------------------------------- against a plain rule

PEOPLE, GROUPS = [f"u-{index}" for index in range(4)], [f"g-{index}" for index in range(3)]


@st.composite
def months(draw: st.DrawFn) -> Case:
    def people() -> tuple[Record, ...]:
        return tuple(
            resource("org.user", id_, id_, groups=sorted(draw(st.sets(st.sampled_from(GROUPS)))))
            for id_ in sorted(draw(st.sets(st.sampled_from(PEOPLE))))
        )

    named = [{"id": id_, "type": "users"} for id_ in PEOPLE] + [{"id": id_, "type": "groups"} for id_ in GROUPS]
    context = st.lists(st.sampled_from(named), max_size=2)
    found = [
        event(
            f"e{index}",
            draw(st.sampled_from(sorted(CATALOGUE))),
            *draw(context),
            time=f"2026-06-0{draw(st.integers(1, 9))}T00:00:00Z",
        )
        for index in range(draw(st.integers(0, 12)))
    ]
    return Case(people(), people(), (*catalogue(), *found))


@given(months())
def test_no_more_is_said_than_the_events_say(case: Case) -> None:
    events = {each.address: each.facts for each in case.logs if isinstance(each, Resource)}
    for change in case.explained():
        assert change.causes is not None
        for cause in change.causes:
            said = events[cause.event]
            named = [each["id"] for each in said["context"]]
            assert OLD < cause.time <= NEW
            assert (change.id in named) is (cause.certainty != "time")
            assert named == [] or cause.certainty != "time"
            assert cause.certainty == "object" or said["action"] in (ADDED, LEFT)
        assert set(_named_by(change, events)) <= {each.event for each in change.causes} or len(change.causes) == MOST


def _named_by(change: Change, events: Mapping[str, dict[str, Any]]) -> Iterator[str]:
    for address, said in events.items():
        is_in_time = "time" in said and OLD < datetime.fromisoformat(said["time"]) <= NEW
        if is_in_time and change.id in [each["id"] for each in said["context"]]:
            yield address


# --------------------------------------------------------------------------------------------------------------------- at scale


def test_the_logs_are_read_once_however_much_changed() -> None:
    number, reads = 500, []

    def inside() -> Iterator[Record]:
        reads.append(1)
        yield from sorted(_many(number), key=sort_key)

    case = Case(tuple(_crowd(number, [])), tuple(_crowd(number, ["g-staff"])))
    found = list(explained(case.changes, msgspec.structs.replace(case.header, taken_at=OLD), Snapshot(case.header, inside)))
    assert [len(each.causes or ()) for each in found] == [MOST] * number
    assert len(reads) == 3  # the catalogue, and each of the two logs


def _crowd(number: int, groups: list[str]) -> Iterator[Resource]:
    return (resource("org.user", f"u-{index:05}", groups=groups) for index in range(number))


def _many(number: int) -> Iterable[Record]:
    events = (
        event(f"e{index}-{turn}", ADDED if turn else LOGIN, {"id": f"u-{index:05}", "type": "users"})
        for index in range(number)
        for turn in range(6)
    )
    return (*catalogue(), *events)
