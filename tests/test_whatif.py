"""What would be if a policy had its way: it agrees with collecting and judging again after the setting was really changed."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from scanner import access, documents, evaluate, policies, snapshots
from scanner.cli import collection, pipeline
from scanner.cli import whatif as command
from scanner.config import Collect, Config, Site
from scanner.errors import InputError
from scanner.model import Coverage, Gap, Header, Reason, Record, Resource, Snapshot, Source, Target, sort_key
from scanner.people import WhatIf
from scanner.render.whatif import json as as_json
from scanner.render.whatif import text as as_text
from scanner.tracing import Through
from tests.conftest import Atlascan
from tests.fake_atlassian.scenario import SCENARIOS
from tests.fake_atlassian.server import running
from tests.sites import credentials

AS_OF = datetime(2026, 11, 22, tzinfo=UTC)
Raw = dict[str, Any]
CONFIG = Config(sites=(Site("acme", "https://acme.atlassian.net"),), company_domains=("acme.example",))
CLOUD = "7c9e6679-7425-40de-944b-e07fc1f90001"
APP_ROLES = {"atlassian/user", "atlassian/admin", "atlassian/guest", "atlassian/contributor"}


# --------------------------------------------------------------------------------------------------- the same, really changed


def approval_for_any_domain(company: Raw) -> None:
    for product in company["access_domains"][0]["products"]:
        product["access_mode"] = "REQUEST_ACCESS"


def no_public_mail_domain(company: Raw) -> None:
    company["access_domains"] = [each for each in company["access_domains"] if each["domain"] != "gmail.com"]


def no_anonymous_permission(company: Raw) -> None:
    for scheme in company["sites"][0]["jira"]["permission_schemes"]:
        scheme["grants"] = [each for each in scheme["grants"] if each["holder_type"] != "anyone"]


def no_public_signup(company: Raw) -> None:
    for desk in company["sites"][0]["desks"].values():
        desk["request_security"]["serviceDeskPublicSignup"] = False


def no_default_role(company: Raw) -> None:
    for role in company["sites"][0]["jira"]["application_roles"]:
        role["selected_by_default"] = False


def no_default_group(company: Raw) -> None:
    for group in company["groups"]:
        for role in group["roles"]:
            role.pop("default_role", None)


def no_direct_role(company: Raw) -> None:
    """People keep what one of their groups gives them."""
    before = _explained(company)
    for user in company["users"]:
        user["direct_roles"] = []
    _take_away(company, before)


def no_app_through_a_group(company: Raw) -> None:
    """No group here is the identity provider's; people keep what they were given by name."""
    before = _explained(company)
    for group in company["groups"]:
        for role in group["roles"]:
            role["roles"] = [each for each in role["roles"] if each not in APP_ROLES]
            if role.get("default_role") in APP_ROLES:
                del role["default_role"]
        group["roles"] = [role for role in group["roles"] if role["roles"]]
    _take_away(company, before)


def _explained(company: Raw) -> dict[str, set[str]]:
    """Return the apps that a group or a role of their own gives people."""
    gives = {group["id"]: _apps(*((role["resource_id"], role["roles"]) for role in group["roles"])) for group in company["groups"]}
    own = {
        each["id"]: [(role["resource_id"], [role["role"]]) for role in each.get("direct_roles", ())] for each in company["users"]
    }
    return {each["id"]: _apps(*own[each["id"]]).union(*(gives[id_] for id_ in each["groups"])) for each in company["users"]}


def _apps(*roles: tuple[str, list[str]]) -> set[str]:
    return {resource_id for resource_id, names in roles if not APP_ROLES.isdisjoint(names)}


def _take_away(company: Raw, before: dict[str, set[str]]) -> None:
    """Take from people the apps that something gave them before, and nothing does any more, as Atlassian would."""
    after = _explained(company)
    for user in company["users"]:
        lost = before[user["id"]] - after[user["id"]]
        there = user.get("products", [])
        user["products"] = [each for each in there if f"ari:cloud:{each['key']}::site/{each['site']}" not in lost]


REALLY: dict[str, Callable[[Raw], None]] = {
    "access/no-open-domain-signup": approval_for_any_domain,
    "access/no-public-mail-domains": no_public_mail_domain,
    "access/no-default-application-roles": no_default_role,
    "access/no-default-access-groups": no_default_group,
    "access/product-access-through-groups-only": no_direct_role,
    "access/product-access-through-idp-groups": no_app_through_a_group,
    "jira/no-anonymous-permissions": no_anonymous_permission,
    "jsm/public-signup-off": no_public_signup,
}


@dataclass(frozen=True)
class Company:
    """What was collected of a company, and what it judges by."""

    folder: Path
    by: pipeline.Criteria

    def after(self, change: Callable[[Raw], None] | None) -> Snapshot:
        """Collect the company as it is once something was really changed."""
        raw = msgspec.yaml.decode((SCENARIOS / "open.yaml").read_bytes())
        if change:
            change(raw)
        name = change.__name__ if change else "as-it-is"
        scenario, file = self.folder / f"{name}.yaml", self.folder / f"{name}.ndjson"
        if not file.exists():
            scenario.write_bytes(msgspec.yaml.encode(raw))
            with running(str(scenario)) as site, credentials():
                sites = tuple(Site(each, url) for each, url in site.sites.items())
                config = Config(sites=sites, api_url=site.api_url, collect=Collect(undocumented=True, probe=True))
                collection.take(config, str(file), now=AS_OF)
        return snapshots.load(str(file))

    def told(self, policy: str) -> WhatIf:
        """Return what would be if a policy had its way in the company as it is."""
        return command.told(CONFIG, self.by, self.after(None), policy)

    def verdicts(self, snapshot: Snapshot) -> dict[str, dict[str, int]]:
        """Judge, and count the verdicts of each policy."""
        report = pipeline.judge(CONFIG, self.by, snapshot)
        return {id_: {word: number for word, number in counts.items() if number} for id_, counts in report.counts().items()}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    return Company(tmp_path_factory.mktemp("company"), pipeline.criteria(CONFIG))


def targets(snapshot: Snapshot, *, whom_public_concerns: Callable[[access.Account], bool]) -> dict[str, set[str]]:
    """Return what leads anywhere for each person who can log in, as it was collected: no path was cut by hand.

    What is public is among it for those whom it concerns.
    """
    index = access.Index.of(snapshot)
    records: dict[str, list[Resource]] = {}
    for record in snapshot.of("org.user", "org.user_role_assignments"):
        if isinstance(record, Resource):
            records.setdefault(record.id, []).append(record)
    found = {}
    for id_, each in records.items():
        account = access.Account(id_, tuple(each))
        if account.fact("org.user", "status") == "active":
            there = {path.target for path in access.paths(account, index) if path.through is not Through.PUBLIC}
            public = {path.target for path in access.public_paths(index) if path.target.startswith("jira.project/")}
            found[id_] = {target for target in there if not target.startswith("ari:") or target in _used(each)}
            found[id_] |= public if whom_public_concerns(account) else set()
    return found


def _used(records: list[Resource]) -> set[str]:
    return {app["resource_id"] for record in records for app in record.facts.get("product_access", ())}


@pytest.mark.parametrize("policy", sorted(REALLY))
def test_what_is_told_is_what_collecting_and_judging_again_finds(company: Company, policy: str) -> None:
    told, before, after = company.told(policy), company.after(None), company.after(REALLY[policy])
    was, is_ = company.verdicts(before), company.verdicts(after)
    assert was[policy]["fail"] > 0
    assert is_[policy].get("fail", 0) == 0
    turned = {each.policy: each for each in told.verdicts}
    assert policy in turned
    changed = {change.address.partition("/")[0] for change in told.changes}
    for rule in company.by.rules:
        id_ = rule.policy.id
        if {rule.policy.kind, *evaluate.referred(rule.policy)} & changed:
            assert is_[id_] == (turned[id_].after if id_ in turned else was[id_]), id_
            assert was[id_] == (turned[id_].before if id_ in turned else was[id_]), id_
    had = targets(before, whom_public_concerns=lambda account: any(app.startswith("jira") for app in account.apps))
    has = targets(after, whom_public_concerns=lambda _: True)
    lost = {id_: had[id_] - has[id_] for id_ in had if had[id_] - has[id_]}
    assert {loss.id: {address for address, _ in loss.lost} for loss in told.losses} == lost


def test_in_the_company_people_do_lose_something_so_that_the_comparison_means_something(company: Company) -> None:
    losing = {policy for policy in REALLY if company.told(policy).losses}
    through = {"access/product-access-through-groups-only", "access/product-access-through-idp-groups"}
    assert losing == through | {"jira/no-anonymous-permissions"}
    lost = {loss.name: {name for _, name in loss.lost} for loss in company.told("access/product-access-through-idp-groups").losses}
    assert "confluence on acme" in lost["Ivy Invited"]
    assert {"jira-software on acme", "People", "IT help"} <= lost["Otto Outsider"]


def test_what_is_public_no_more_is_what_a_visitor_really_sees_no_more(company: Company) -> None:
    told = company.told("jira/no-anonymous-permissions")
    seen = []
    for snapshot in (company.after(None), company.after(no_anonymous_permission)):
        [view] = [each for each in snapshot.of("jira.anonymous_view") if isinstance(each, Resource)]
        seen.append(view.facts["projects"])
    assert [each for each in told.public if each[0].startswith("jira.project/")]
    assert seen[0] - seen[1] == len(told.public)
    assert any("look from outside" in each for each in told.unknown)


def test_whoever_came_through_a_door_keeps_what_they_have_and_newcomers_are_told_of(company: Company) -> None:
    signup = company.told("access/no-open-domain-signup")
    assert signup.newcomers == (
        "whoever has an address in no approved domain can no longer join jira-software alone: an admin has to approve",
    )
    mail = company.told("access/no-public-mail-domains")
    assert mail.newcomers == ()
    assert mail.kept == (
        "people inside with an address at gmail.com, who keep what they have: 0",
        "whoever has an address at gmail.com can still ask to join confluence, as any address can",
    )
    verified = company.told("access/approved-domains-verified")
    assert "people inside with an address at partner.example, who keep what they have: 1" in verified.kept


# ------------------------------------------------------------------------------------------------------------- every policy


@cache
def every_policy() -> tuple[str, ...]:
    return tuple(policies.load())


@pytest.mark.parametrize("policy", every_policy())
def test_of_every_policy_it_is_told_what_would_change_or_that_it_is_not_known(company: Company, policy: str) -> None:
    """Where something changes, the policy no longer fails: else what is told were not what it wants."""
    told = company.told(policy)
    before = company.verdicts(company.after(None))[policy]
    if told.changes:
        [turned] = [each for each in told.verdicts if each.policy == policy]
        assert turned.after.get("fail", 0) < turned.before["fail"]
        assert turned.after.get("fail", 0) == 0 or told.unknown
    else:
        assert bool(told.unknown) == (before.get("fail", 0) + before.get("unknown", 0) > 0)


def test_the_remediation_that_is_no_setting_is_not_known(company: Company) -> None:
    told = company.told("jsm/separate-support-email-domain")
    assert told.changes == ()
    assert any("is no setting" in each for each in told.unknown)


# ---------------------------------------------------------------------------------------------------------------- by hand


def of(kind: str, id_: str, **facts: Any) -> Resource:  # noqa: ANN401
    return Resource(kind=kind, id=id_, name=id_, facts=facts, source=Source.API)


def snapshot(*records: Record) -> Snapshot:
    kinds = {"org.access_domain", "org.domain", *(kind for kind, _ in access.NEEDS)}
    coverage = tuple(Coverage(kind=kind, requests=1, resources=1, gaps=0, complete=True) for kind in sorted(kinds))
    header = Header(id="s", taken_at=AS_OF, tool="test", target=Target(org="o", sites={}), coverage=coverage)
    ordered = sorted(records, key=sort_key)
    return Snapshot(header, lambda: ordered)


JIRA = f"ari:cloud:jira-software::site/{CLOUD}"


def user(id_: str, *groups: str) -> Resource:
    apps = [{"key": "jira-software", "resource_id": JIRA, "last_active": None}]
    return of("org.user", id_, status="active", email=f"{id_}@acme.example", product_access=apps, groups=list(groups))


def group(id_: str, *, synced: bool) -> Resource:
    roles = [{"resource_id": JIRA, "roles": ["atlassian/user"], "default_role": None}]
    return of("org.group", id_, external_synced=synced, grants_product_access=True, role_assignments=roles)


def test_whoever_has_an_app_through_another_group_too_keeps_it() -> None:
    taken = snapshot(group("old", synced=False), group("scim", synced=True), user("both", "old", "scim"), user("one", "old"))
    told = command.told(CONFIG, pipeline.criteria(CONFIG), taken, "access/product-access-through-idp-groups")
    assert [loss.id for loss in told.losses] == ["one"]


@pytest.mark.parametrize("kind", ["org.group", "org.user", "jira.project_role"])
def test_where_something_was_not_read_the_losses_are_not_said_to_be_all(kind: str) -> None:
    gap = Gap(kind=kind, reason=Reason.FORBIDDEN, detail="403")
    taken = snapshot(group("old", synced=False), user("one", "old"), gap)
    told = command.told(CONFIG, pipeline.criteria(CONFIG), taken, "access/product-access-through-idp-groups")
    assert [each for each in told.unknown if "may lose more" in each and kind in each]


# Facts of which each, or what is in it, is taken away: nothing that ships may stumble over that.
FACTS: tuple[Resource, ...] = (
    of("org.access_domain", "ANYONE", enabled=True, products=[{"product_id": JIRA, "access_mode": "DIRECT_ACCESS"}]),
    of(
        "org.access_domain",
        "x.example",
        domain="x.example",
        enabled=True,
        products=[{"product_id": JIRA, "access_mode": "DIRECT_ACCESS"}],
    ),
    of(
        "org.group",
        "g",
        external_synced=False,
        grants_product_access=True,
        role_assignments=[{"resource_id": JIRA, "roles": ["atlassian/user"], "default_role": "atlassian/user"}],
    ),
    of(
        "org.user",
        "u",
        status="active",
        email="u@x.example",
        claim_status="unmanaged",
        groups=["g"],
        product_access=[{"key": "jira-software", "resource_id": JIRA}],
    ),
    of(
        "org.user_role_assignments",
        "u",
        explained_by_groups=False,
        assignments=[{"key": "k", "resource_id": JIRA, "role": "atlassian/user", "methods": ["direct"]}],
    ),
    of("org.workspace", JIRA, type_key="jira-software", name="acme"),
    of("jira.application_role", "acme/jira-software", name="Jira", selected_by_default=True, default_groups=["g"]),
    of("jira.dashboard", "acme/1", owner="u", shares=[{"key": "global", "type": "global"}]),
    of("jira.filter", "acme/1", owner="u", shares=[{"key": "global", "type": "global"}]),
    of("jira.group", "acme/1", access="admin", members=[{"account_id": "u"}]),
    of(
        "jira.permission_scheme",
        "acme/1",
        in_use=True,
        grants=[
            {"key": "1", "permission": "BROWSE_PROJECTS", "holder_type": "anyone", "holder_value": None},
            {"key": "2", "permission": "BROWSE_PROJECTS", "holder_type": "applicationRole", "holder_value": None},
        ],
    ),
    of("jira.project", "acme/APP", permission_scheme="acme/1"),
    of(
        "jira.project_role", "acme/APP/1", project="acme/APP", actors=[{"key": "k", "id": "u", "type": "atlassian-user-role-actor"}]
    ),
)


def without_each(resource: Resource) -> Iterator[Resource]:
    """Yield a resource without one fact, and without one thing that its objects say, for each of them."""
    for name, value in resource.facts.items():
        yield replaced(resource, {each: fact for each, fact in resource.facts.items() if each != name})
        if isinstance(value, list) and isinstance(value[0], dict):
            for key in value[0]:
                less = [{each: fact for each, fact in item.items() if each != key} for item in value]
                yield replaced(resource, resource.facts | {name: less})


def replaced(resource: Resource, facts: dict[str, Any]) -> Resource:
    return msgspec.structs.replace(resource, facts=facts)


@pytest.mark.parametrize("number", range(len(FACTS)), ids=[f"{each.kind}-{each.id}" for each in FACTS])
def test_no_fact_is_missed_so_badly_that_nothing_is_told(number: int) -> None:
    by = pipeline.criteria(CONFIG)
    closed = [id_ for id_ in every_policy() if id_.startswith(("access/", "jira/"))]
    for less in without_each(FACTS[number]):
        taken = snapshot(*FACTS[:number], less, *FACTS[number + 1 :])
        for policy in closed:
            assert command.told(CONFIG, by, taken, policy).policy == policy


def test_a_role_in_which_somebody_acts_whom_nobody_knows_is_said_not_to_be_read_whole() -> None:
    role = of("jira.project_role", "acme/APP/1", project="acme/APP", actors=[{"key": "atlassian-addon-role-actor:?", "name": "x"}])
    taken = snapshot(group("old", synced=False), user("one", "old"), role)
    told = command.told(CONFIG, pipeline.criteria(CONFIG), taken, "access/product-access-through-idp-groups")
    assert [loss.id for loss in told.losses] == ["one"]
    assert told.unknown == ("not read whole, so that people may lose more than is told here, or less: jira.project_role",)


def test_how_a_role_was_given_that_is_not_told_stays_as_it_is() -> None:
    told_, untold = (
        {"key": "1", "resource_id": JIRA, "role": "atlassian/user", "methods": ["direct"]},
        {"key": "2", "resource_id": JIRA},
    )
    roles = of("org.user_role_assignments", "one", explained_by_groups=False, assignments=[told_, untold])
    told = command.told(
        CONFIG, pipeline.criteria(CONFIG), snapshot(user("one"), roles), "access/product-access-through-groups-only"
    )
    [changed] = [each for change in told.changes for each in change.facts]
    assert changed.path == ("assignments", "1")


# --------------------------------------------------------------------------------------------- whoever has an address of a domain


ALL_SITES = "ari:cloud:jira-software::app/all"
CONFLUENCE = "ari:cloud:confluence::app/all"


def domain(id_: str, *products: tuple[str | None, str | None], **facts: Any) -> Resource:  # noqa: ANN401
    """Return the entry of a domain: which apps it opens, and how; what is None was not told."""
    listed = [{"product_id": app, "access_mode": mode} for app, mode in products]
    known = [{name: value for name, value in each.items() if value} for each in listed]
    return of("org.access_domain", id_, **{"domain": id_, "enabled": True, "products": known, **facts})


def closed_domain(*others: Record, app: str | None = ALL_SITES, policy: str = "access/approved-domains-need-approval") -> WhatIf:
    """Return what would be if a domain whose people join an app alone were closed, beside other entries."""
    taken = snapshot(domain("partner.example", (app, "DIRECT_ACCESS")), *others)
    return command.told(CONFIG, pipeline.criteria(CONFIG), taken, policy)


APPROVAL = "whoever has an address at partner.example can no longer join jira-software alone: an admin has to approve"
STILL = "whoever has an address at partner.example can still join jira-software alone, as any address can"
NOT_KNOWN = f"whether {STILL.removesuffix('any address can')}any address may be able to, is not known"


@pytest.mark.parametrize(
    ("others", "newcomers", "left", "unknown"),
    [
        pytest.param([], [APPROVAL], [], [], id="no other"),
        pytest.param([domain("ANYONE", (ALL_SITES, "DENIED_ACCESS"))], [APPROVAL], [], [], id="any address is denied it"),
        pytest.param([domain("ANYONE", (ALL_SITES, "REQUEST_ACCESS"))], [APPROVAL], [], [], id="any address may ask"),
        pytest.param([domain("ANYONE", (CONFLUENCE, "DIRECT_ACCESS"))], [APPROVAL], [], [], id="any address joins another app"),
        pytest.param([domain("ANYONE", (ALL_SITES, "DIRECT_ACCESS"), enabled=False)], [APPROVAL], [], [], id="not in force"),
        pytest.param([domain("ANYONE", (ALL_SITES, "DIRECT_ACCESS"))], [], [STILL], [], id="any address joins it"),
        pytest.param([domain("ANYONE", (JIRA, "DIRECT_ACCESS"))], [], [STILL], [], id="any address joins it on one site"),
        pytest.param(
            [domain("ANYONE", (CONFLUENCE, None), (ALL_SITES, "DIRECT_ACCESS"))],
            [],
            [STILL],
            [],
            id="joins it, and another unknown",
        ),
        pytest.param([domain("ANYONE", (ALL_SITES, None))], [], [], [NOT_KNOWN], id="how any address joins it is not told"),
        pytest.param([domain("ANYONE", (None, "DIRECT_ACCESS"))], [], [], [NOT_KNOWN], id="what any address joins is not told"),
        pytest.param([domain("ANYONE", ("?", "DIRECT_ACCESS"))], [], [], [NOT_KNOWN], id="what any address joins was not read"),
        pytest.param([domain("ANYONE")], [], [], [NOT_KNOWN], id="any address, and no app is listed"),
        pytest.param([of("org.access_domain", "ANYONE", enabled=True)], [], [], [NOT_KNOWN], id="its apps were not read"),
        pytest.param(
            [domain("ANYONE", (ALL_SITES, "DIRECT_ACCESS"), enabled=None)],
            [],
            [],
            [NOT_KNOWN],
            id="whether it is in force is not told",
        ),
        pytest.param(
            [Gap(kind="org.access_domain", reason=Reason.FORBIDDEN, detail="403")], [], [], [NOT_KNOWN], id="entries were not read"
        ),
    ],
)
def test_a_domain_that_is_closed_closes_nothing_that_any_address_may_come_through(
    others: list[Record], newcomers: list[str], left: list[str], unknown: list[str]
) -> None:
    told = closed_domain(*others)
    assert (list(told.newcomers), list(told.kept[1:])) == (newcomers, left)
    assert [each for each in told.unknown if each.startswith("whether")] == unknown


def test_of_entries_that_were_never_collected_nothing_is_claimed() -> None:
    taken = snapshot(domain("partner.example", (ALL_SITES, "DIRECT_ACCESS")))
    header = msgspec.structs.replace(taken.header, coverage=())
    told = command.told(CONFIG, pipeline.criteria(CONFIG), replace(taken, header=header), "access/approved-domains-need-approval")
    assert told.newcomers == ()
    assert NOT_KNOWN in told.unknown
    assert told.kept == (
        "people inside with an address at partner.example, who keep what they have, as far as people could be read: 0",
    )


def test_where_any_address_may_ask_a_domain_that_is_gone_leaves_that() -> None:
    told = closed_domain(domain("ANYONE", (ALL_SITES, "REQUEST_ACCESS")), policy="access/approved-domains-verified")
    assert told.newcomers == (APPROVAL,)


@pytest.mark.parametrize("app", [None, "?"])
def test_an_app_that_is_not_named_is_told_as_that(app: str | None) -> None:
    told = closed_domain(app=app)
    assert told.newcomers == (APPROVAL.replace("jira-software", "an app that is not named"),)
    assert closed_domain(domain("ANYONE", (JIRA, "DIRECT_ACCESS")), app=app).newcomers == ()


def test_how_people_join_that_is_not_known_stays_not_known() -> None:
    entry = domain("partner.example", (ALL_SITES, "DIRECT_ACCESS"), (CONFLUENCE, None))
    told = command.told(CONFIG, pipeline.criteria(CONFIG), snapshot(entry), "access/approved-domains-need-approval")
    [turned] = told.verdicts
    assert turned.after == {"unknown": 1}


def test_a_customer_loses_the_desks_and_the_owner_of_a_token_the_token(company: Company) -> None:
    customers = {loss.email: {name for _, name in loss.lost} for loss in company.told("jsm/customers-from-known-domains").losses}
    assert customers["otto@gmail.example"] == {"Customer support"}
    [owner] = company.told("identity/api-tokens-expire").losses
    assert (owner.name, owner.lost) == ("Otto Outsider", (("org.api_token/tok-open-2", "the API token old script"),))


def test_what_people_attested_is_closed_like_what_was_read() -> None:
    stated = of("org.user_invites", "jira", user_invites="anyone", invitation_links="enabled")
    taken = snapshot(msgspec.structs.replace(stated, source=Source.ATTESTED))
    invites = command.told(CONFIG, pipeline.criteria(CONFIG), taken, "access/no-invites-allowed")
    assert invites.newcomers == ("ordinary users invite nobody to jira any more; admins still can",)
    links = command.told(CONFIG, pipeline.criteria(CONFIG), taken, "access/no-invitation-links")
    assert links.newcomers == ("invitation links to jira that are about let nobody in any more",)


def test_a_policy_that_nobody_applies_is_refused_with_a_hint(company: Company) -> None:
    with pytest.raises(InputError) as refused:
        company.told("access/no-open-domain-singup")
    assert refused.value.hint == "did you mean 'access/no-open-domain-signup'?"


# ----------------------------------------------------------------------------------------------------------------- formats


@pytest.mark.parametrize("policy", sorted(REALLY))
def test_json_keeps_its_promise(company: Company, policy: str) -> None:
    told = company.told(policy)
    document = json.loads(as_json.render(told))
    jsonschema.validate(document, documents.schema("whatif"))
    assert len(document["losses"]) == len(told.losses)
    assert [each["address"] for each in document["changes"]] == [each.address for each in told.changes]


def test_the_text_is_as_reviewed(company: Company) -> None:
    told = msgspec.structs.replace(company.told("access/product-access-through-idp-groups"), tool="atlascan 0.0.0")
    text = as_text.render(msgspec.structs.replace(told, snapshot=msgspec.structs.replace(told.snapshot, id="s")))
    assert text == (Path(__file__).parent / "golden" / "whatif.txt").read_text(encoding="utf-8")


def test_a_hostile_name_is_only_shown() -> None:
    hostile = msgspec.structs.replace(user("one", "old"), name="\x1b[2J\u202eevil")
    taken = snapshot(msgspec.structs.replace(group("old", synced=False), name="\x1b]0;x\x07"), hostile)
    told = command.told(CONFIG, pipeline.criteria(CONFIG), taken, "access/product-access-through-idp-groups")
    assert {each for each in as_text.render(told) if not each.isprintable()} == {"\n"}


def test_the_command_tells_and_writes_a_file(company: Company, atlascan: Atlascan, tmp_path: Path) -> None:
    company.after(None)
    (tmp_path / "atlascan.yaml").write_text("sites: [{url: 'https://acme.atlassian.net'}]\n", encoding="utf-8")
    file = str(company.folder / "as-it-is.ndjson")
    told = atlascan("whatif", file, "--close", "jsm/public-signup-off", "-f", "json=w.json")
    assert told.code == 0
    assert "nobody makes a customer account at the desk acme/HR" in told.out
    assert json.loads((tmp_path / "w.json").read_text(encoding="utf-8"))["policy"]["id"] == "jsm/public-signup-off"
    assert atlascan("whatif", file, "--close", "jsm/nothing").code == 2
