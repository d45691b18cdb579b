"""From Atlassian's answers to records: all that there is, and a gap with a reason for all that could not be seen."""

import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner import evaluate, policies
from scanner.collect import pace, paging, walk
from scanner.collect.api import Api, Credentials
from scanner.collect.journal import Journal
from scanner.kinds import KINDS, fits
from scanner.model import Coverage, EndpointCoverage, Gap, Reason, Record, Resource, Source, sort_key
from tests.fake_atlassian.scenario import AccessDomain, Scenario, Site, load, names
from tests.fake_atlassian.server import StandIn
from tests.faulty import Answer, Asked, Faulty, Table, faulty, said

ADMIN = Credentials("stand-in-org-key", {"acme": ("admin@acme.example", "stand-in-api-token")})
AGENT = Credentials("stand-in-org-key", {"acme": ("agent@acme.example", "stand-in-agent-token")})
NARROW = Credentials("stand-in-narrow-key", ADMIN.sites)
WRONG = Credentials("wrong", {"acme": ("admin@acme.example", "wrong")})

UNDOCUMENTED_KINDS = {"jsm.customer_permissions", "jsm.customer_access", "jsm.email_channel"}
# What the headline policies need but for people, and so everything that these tests look at; other files look at the rest.
_HEADLINES = (
    "access/no-invites-allowed",
    "access/no-open-domain-signup",
    "jsm/public-signup-off",
    "jsm/separate-support-email-domain",
)
_RULES = [rule for rule in policies.select(policies.load(), "it-controlled", {}, {}, None) if rule.policy.id in _HEADLINES]
HEADLINES = frozenset((kind, fact) for kind, fact in evaluate.needs(_RULES) if kind != "org.user")
SLICE = walk.demanded(HEADLINES)
PARENTS = {kind: endpoint.parent for endpoint in walk.ENDPOINTS if not endpoint.adds for kind in endpoint.kinds}
CONSOLE_ONLY = {unreadable.kind for unreadable in walk.UNREADABLE} & SLICE
ORG_KINDS = {kind for kind in SLICE if kind.startswith("org")}
KINDS_COLLECTED = set(SLICE)
APPS = {"jira-software": "jira", "jira-servicedesk": "jira-service-management", "confluence": "confluence"}


@dataclass(frozen=True, slots=True)
class Collected:
    """What a collection gave."""

    records: tuple[Record, ...]
    coverage: Mapping[str, Coverage]
    endpoints: Mapping[str, EndpointCoverage]
    log: tuple[str, ...]

    @property
    def resources(self) -> list[Resource]:
        return [record for record in self.records if isinstance(record, Resource)]

    @property
    def gaps(self) -> list[Gap]:
        return [record for record in self.records if isinstance(record, Gap)]

    @property
    def lines(self) -> list[str]:
        return [line(record) for record in self.records]

    def gaps_of(self, *kinds: str) -> list[str]:
        return [line(gap) for gap in self.gaps if gap.kind in kinds]

    def ids(self, kind: str) -> list[str]:
        return [resource.id for resource in self.resources if resource.kind == kind]


def line(record: Record) -> str:
    """Return a record in one line, but for a gap's hint."""
    match record:
        case Gap():
            return f"{record.kind}/{record.id or '*'} of {record.parent or '-'} {record.reason}: {record.detail}"
        case Resource():
            return f"{record.address} {json.dumps(record.facts, sort_keys=True)}"


def collected(
    site: StandIn,
    credentials: Credentials = ADMIN,
    *,
    undocumented: bool = True,
    probe: bool = False,
    concurrency: int = 1,
    org_id: str | None = None,
    scoped: tuple[str, ...] = (),
    needs: frozenset[tuple[str, str]] | None = HEADLINES,
    window: tuple[datetime | None, datetime | None] = (None, None),
) -> Collected:
    """Collect what the headline policies need from a site."""
    log: list[str] = []
    asks = Api(site.api_url, site.sites, credentials, concurrency=concurrency, scoped=scoped, log=log.append, detailed=True)
    opt_ins = frozenset(name for name, is_on in {"undocumented": undocumented, "probe": probe}.items() if is_on)
    options = walk.Options(org_id, tuple(site.sites), opt_ins, concurrency, needs, *window)
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder) / "a.journal")
        try:
            coverage = walk.collect(asks, options, journal)
            return Collected(
                tuple(journal.sorted()),
                {each.kind: each for each in coverage.kinds},
                {each.endpoint: each for each in coverage.endpoints},
                tuple(line.rpartition(",")[0] for line in log),
            )
        finally:
            journal.close()
            asks.close()


# ------------------------------------------------------------------------------------- what a scenario's collection must be


@dataclass(frozen=True, slots=True)
class Played:
    scenario: Scenario
    site: StandIn


@pytest.fixture(params=names())
def played(request: pytest.FixtureRequest) -> Played:
    return Played(load(request.param), request.getfixturevalue(f"{request.param}_site"))


@pytest.fixture
def demo(demo_site: StandIn) -> Played:
    return Played(load("demo"), demo_site)


def wanted(played: Played) -> list[Record]:
    """Return what a scenario says there is, seen by those who may see everything."""
    scenario = played.scenario
    records: list[Record] = [*_wanted_of_the_org(scenario, played.site)]
    for site in scenario.sites:
        records += _wanted_of_a_site(site, played.site.sites[site.name])
    return sorted(records, key=sort_key)


def _wanted_of_the_org(scenario: Scenario, site: StandIn) -> Iterator[Record]:
    org = Resource(kind="org", id=scenario.org.id, name=scenario.org.name, facts={"name": scenario.org.name}, source=Source.API)
    yield org
    for workspace in scenario.workspaces:
        facts: dict[str, Any] = {
            "name": workspace.name,
            "type_key": workspace.type_key,
            "host_url": site.sites[workspace.site],
            "status": workspace.status,
        } | ({"plans": [workspace.plan]} if workspace.plan else {})
        yield _resource(f"org.workspace/{workspace.id}", workspace.name, facts, org.address)
        yield Gap(
            kind="org.user_invites",
            id=APPS[workspace.type_key],
            parent=f"org.workspace/{workspace.id}",
            reason=Reason.NO_PUBLIC_API,
            detail="no public interface reads the user invites setting",
            hint="look at Atlassian Administration > Apps > App access settings > User invites"
            " and state what you see with `atlascan attest`",
        )
    for domain in scenario.domains:
        facts = {"name": domain.name, "claim_status": domain.claim_status, "claim_type": domain.claim_type}
        yield _resource(f"org.domain/{domain.name}", domain.name, facts, org.address)
    access_domains = {"ANYONE": AccessDomain(domain="ANYONE", enabled=False)}
    access_domains |= {each.domain: each for each in scenario.access_domains}
    for each in access_domains.values():
        products = [
            {"product_id": product.product_id, "access_mode": product.access_mode, "default_role": product.default_role}
            for product in each.products
        ]
        facts = {"domain": each.domain, "enabled": each.enabled, "admin_notifications": each.admin_notifications}
        facts["products"] = products
        name = "Any domain" if each.domain == "ANYONE" else each.domain
        yield _resource(f"org.access_domain/{each.domain}", name, facts, org.address, Source.API_EXPERIMENTAL)


def _wanted_of_a_site(site: Site, url: str) -> Iterator[Record]:
    about = site.server_info
    at = f"jira.site/{site.name}"
    facts: dict[str, Any] = {"base_url": url, "version": about.version, "deployment_type": "Cloud", "title": about.title}
    facts["account_permissions"] = ["ADMINISTER"]  # whoever asks may administer
    yield _resource(f"jira.site/{site.name}", about.title, facts, None)
    for project in site.projects:
        facts = {
            "project_id": project.id,
            "name": project.name,
            "type": project.type,
            "style": project.style,
            "is_private": project.is_private,
        }
        yield _resource(f"jira.project/{site.name}/{project.key}", project.name, facts, at)
        if desk := site.desks.get(project.key):
            facts = {"project_id": project.id, "service_desk_id": desk.id, "name": project.name}
            yield _resource(f"jsm.service_desk/{site.name}/{project.key}", project.name, facts, at)
            yield from _wanted_of_a_desk(site, project.key, project.name)
    switches = {desk.request_security["globalPublicSignup"] for desk in site.desks.values()}
    assert len(switches) == 1, "the desks of a site disagree: say here what is to come of it"
    yield _resource(f"jsm.customer_access/{site.name}", site.name, {"public_signup": switches.pop()}, at, Source.UNDOCUMENTED)


def _wanted_of_a_desk(site: Site, key: str, name: str) -> Iterator[Record]:
    desk, id_ = site.desks[key], f"{site.name}/{key}"
    at = f"jsm.service_desk/{id_}"
    for address in desk.incoming_email:
        domain = address.rpartition("@")[2]
        default = domain.endswith(".atlassian.net")
        facts = {"project_key": key, "address": address, "domain": domain, "is_default": default}
        yield _resource(f"jsm.email_channel/{site.name}/{address}", address, facts, at, Source.UNDOCUMENTED)
    if any(refusal.path.endswith(f"/{key}/settings/requestsecurity") for refusal in site.refuse):
        yield _refused("jsm.customer_permissions", id_, at)
        yield _refused("jsm.email_channel", None, at)
        return
    raw = desk.request_security
    sharing = {(False, False): "organization", (False, True): "organization", (True, False): "by_email", (True, True): "by_search"}
    permissions = {
        "public_signup": raw["serviceDeskPublicSignup"],
        "open_access": raw["serviceDeskOpenAccess"],
        "knowledge_base_anonymous": raw["anonymousAccessLinkedConfluenceSpace"],
        "sharing": sharing[raw["manageEnabled"], raw["autocompleteEnabled"]],
    }
    yield _resource(f"jsm.customer_permissions/{id_}", name, permissions, at, Source.UNDOCUMENTED)


def _refused(kind: str, id_: str | None, parent: str) -> Gap:
    return Gap(
        kind=kind,
        id=id_,
        parent=parent,
        reason=Reason.FORBIDDEN,
        detail="refused (403): The scenario refuses this.",
        hint="give an account that administers this service project,"
        " or look at the console and state what you see with `atlascan attest`",
    )


def _resource(address: str, name: str, facts: dict[str, Any], parent: str | None, source: Source = Source.API) -> Resource:
    kind, _, id_ = address.partition("/")
    return Resource(kind=kind, id=id_, name=name, facts=facts, source=source, parent=parent)


# ---------------------------------------------------------------------------------------------------- against the stand-in


def test_all_that_a_scenario_holds_is_collected_and_nothing_else(played: Played) -> None:
    assert list(collected(played.site).records) == wanted(played)


def test_lists_of_many_pages_were_read_whole(played: Played) -> None:
    """The test above would prove little if everything fitted on one page."""
    assert load("open").page_size < len(load("open").sites[0].projects)
    coverage = collected(played.site).coverage
    pages = -(-len(played.scenario.sites[0].projects) // played.scenario.page_size)

    assert coverage["jira.project"].requests == pages
    assert coverage["jira.site"].requests == 2, "and one for the permission"


def test_as_many_requests_at_a_time_as_one_likes_give_the_same_records(played: Played) -> None:
    one, many = collected(played.site, concurrency=1), collected(played.site, concurrency=8)

    assert one.records == many.records
    assert one.coverage == many.coverage
    assert sorted(one.log) == sorted(many.log)


ACCOUNTS = {"admin": ADMIN, "agent": AGENT, "narrow": NARROW, "wrong": WRONG, "none": Credentials()}


@pytest.mark.parametrize("undocumented", [True, False])
@pytest.mark.parametrize("credentials", ACCOUNTS.values(), ids=ACCOUNTS)
def test_coverage_adds_up_with_the_records(played: Played, credentials: Credentials, *, undocumented: bool) -> None:
    found = collected(played.site, credentials, undocumented=undocumented)

    assert set(found.coverage) == KINDS_COLLECTED
    for kind, coverage in found.coverage.items():
        assert coverage.resources == len(found.ids(kind))
        assert coverage.gaps == len(found.gaps_of(kind))
        assert coverage.complete == (coverage.gaps == 0)
        assert coverage.complete is False or coverage.resources or coverage.requests, f"nobody looked for {kind}"
    assert sum(coverage.requests for coverage in found.coverage.values()) == len(found.log)
    assert list(found.records) == sorted(found.records, key=sort_key)
    assert len({sort_key(record) for record in found.records}) == len(found.records)


def test_nothing_lies_below_itself_whoever_supplies_it(played: Played) -> None:
    found = collected(played.site, needs=None, probe=True)

    assert [resource.address for resource in found.resources if resource.parent == resource.address] == []


@pytest.mark.parametrize("undocumented", [True, False])
@pytest.mark.parametrize("credentials", ACCOUNTS.values(), ids=ACCOUNTS)
def test_every_fact_is_declared_and_every_gap_says_why_and_what_lifts_it(
    played: Played, credentials: Credentials, *, undocumented: bool
) -> None:
    found = collected(played.site, credentials, undocumented=undocumented)

    for resource in found.resources:
        declared = KINDS[resource.kind].facts
        assert [name for name, value in resource.facts.items() if not fits(value, declared[name])] == []
    assert [gap for gap in found.gaps if not gap.detail or not gap.hint] == []
    for gap in found.gaps:
        named = re.findall(r"(\S+) could not be read", gap.detail)
        assert len(named) == len(set(named)), "said once is enough"


def test_wrong_credentials_make_every_kind_forbidden(played: Played) -> None:
    found = collected(played.site, WRONG)

    assert found.resources == []
    assert {(gap.kind, gap.reason) for gap in found.gaps} == {(kind, Reason.FORBIDDEN) for kind in KINDS_COLLECTED}
    assert not any(coverage.complete for coverage in found.coverage.values())
    assert found.gaps_of("org", "org.domain", "jira.site", "jira.project", "jsm.service_desk") == [
        (
            "jira.project/* of jira.site/acme forbidden: jira.site/acme could not be read: the credentials were not accepted:"
            " Client must be authenticated to access this resource."
        ),
        "jira.site/acme of - forbidden: the credentials were not accepted: Client must be authenticated to access this resource.",
        (
            "jsm.service_desk/* of jira.site/acme forbidden: jira.site/acme could not be read: the credentials were not accepted:"
            " Client must be authenticated to access this resource."
        ),
        "org/* of - forbidden: the credentials were not accepted (401): Unauthorized",
        "org.domain/* of org forbidden: org could not be read: the credentials were not accepted (401): Unauthorized",
    ]


def test_without_a_credential_every_kind_says_so_and_nothing_is_sent(played: Played) -> None:
    found = collected(played.site, Credentials())

    assert found.resources == []
    assert {(gap.kind, gap.reason) for gap in found.gaps} == {(kind, Reason.NO_CREDENTIAL) for kind in KINDS_COLLECTED}
    assert found.log == ()
    assert {coverage.requests for coverage in found.coverage.values()} == {0}
    assert {gap.hint for gap in found.gaps if gap.kind in ORG_KINDS} == {
        "give an organization admin API key (ATLASCAN_ORG_API_KEY) of this organization with the scope read:orgs:admin"
    }
    assert {gap.hint for gap in found.gaps if gap.kind not in ORG_KINDS} == {
        "give an account that may administer Jira (ATLASCAN_EMAIL and ATLASCAN_API_TOKEN)"
    }


@pytest.mark.parametrize(("credentials", "seen"), [(Credentials(ADMIN.org_key, {}), "org"), (Credentials(None, ADMIN.sites), "j")])
def test_one_credential_opens_its_own_half(played: Played, credentials: Credentials, seen: str) -> None:
    whole, half = collected(played.site), collected(played.site, credentials)

    assert half.resources == [resource for resource in whole.resources if resource.kind.startswith(seen)]
    mine = [gap for gap in half.gaps if gap.kind.startswith(seen)]
    assert mine == [gap for gap in whole.gaps if gap.kind.startswith(seen)]
    others = {(gap.kind, gap.reason) for gap in half.gaps if not gap.kind.startswith(seen)}
    assert others == {(kind, Reason.NO_CREDENTIAL) for kind in KINDS_COLLECTED if not kind.startswith(seen)}


def test_a_narrow_key_leaves_gaps_for_just_the_kinds_whose_scope_it_lacks_and_names_the_scope(played: Played) -> None:
    whole, narrow = collected(played.site), collected(played.site, NARROW)
    lacking = {"org.workspace": "read:workspaces:admin", "org.access_domain": "read:app-access-settings:admin"}

    assert narrow.resources == [resource for resource in whole.resources if resource.kind not in lacking]
    for kind, scope in lacking.items():
        gaps = [gap for gap in narrow.gaps if gap.kind == kind]
        assert {(gap.reason, gap.hint) for gap in gaps} == {
            (Reason.FORBIDDEN, f"give an organization admin API key (ATLASCAN_ORG_API_KEY) with the scope {scope}")
        }
        assert all(f"The key lacks the scope {scope}." in gap.detail for gap in gaps)
    assert [gap.id for gap in narrow.gaps if gap.kind == "org.access_domain"] == [None, "ANYONE"]
    others = [gap for gap in narrow.gaps if gap.kind not in {*lacking, "org.user_invites"}]
    assert others == [gap for gap in whole.gaps if gap.kind != "org.user_invites"]
    # Which apps there are was refused, so the reason for their invites is that one.
    assert narrow.gaps_of("org.user_invites") == [
        (
            f"org.user_invites/* of org/{played.scenario.org.id} forbidden: no public interface reads the user invites setting, and"
            " which there are could not be read: refused (403): Forbidden: The key lacks the scope read:workspaces:admin."
        )
    ]


def test_an_account_that_is_no_administrator_sees_a_part_and_the_rest_is_a_gap(demo: Played) -> None:
    found = collected(demo.site, AGENT)

    assert found.ids("jira.project") == ["acme/IT", "acme/MKT", "acme/SUP", "acme/WEB"]
    assert found.gaps_of("jira.project") == [
        (
            "jira.project/* of jira.site/acme forbidden:"
            " the account does not hold the permission ADMINISTER, so the list may leave some out"
        )
    ]
    assert found.coverage["jira.project"].complete is False
    assert found.ids("jsm.service_desk") == ["acme/IT", "acme/SUP"]
    assert {gap.reason for gap in found.gaps if gap.kind in UNDOCUMENTED_KINDS} == {Reason.FORBIDDEN}
    assert found.ids("jsm.customer_permissions") == found.ids("jsm.customer_access") == found.ids("jsm.email_channel") == []


def test_without_the_opt_in_each_desk_has_a_gap_and_nothing_undocumented_is_asked(played: Played) -> None:
    found = collected(played.site, undocumented=False)
    desks = found.ids("jsm.service_desk")

    assert len(desks) == len(played.scenario.sites[0].desks)
    assert not [each for each in found.log if "/rest/servicedesk/1/" in each]
    assert {gap.kind: {gap.reason} for gap in found.gaps if gap.kind in UNDOCUMENTED_KINDS} == {
        key: {Reason.OPT_IN_OFF} for key in UNDOCUMENTED_KINDS
    }
    assert [gap.id for gap in found.gaps if gap.kind == "jsm.customer_permissions"] == desks
    assert [gap.id for gap in found.gaps if gap.kind == "jsm.customer_access"] == ["acme"]
    assert [gap.parent for gap in found.gaps if gap.kind == "jsm.email_channel"] == [f"jsm.service_desk/{id_}" for id_ in desks]
    assert all("collect: {undocumented: true}" in gap.hint for gap in found.gaps if gap.kind in UNDOCUMENTED_KINDS)
    assert [record for record in found.records if record.kind not in UNDOCUMENTED_KINDS] == [
        record for record in wanted(played) if record.kind not in UNDOCUMENTED_KINDS
    ]


def test_one_desk_refused_leaves_gaps_for_that_desk_only(demo: Played) -> None:
    found = collected(demo.site)

    assert found.gaps_of(*UNDOCUMENTED_KINDS) == [
        "jsm.customer_permissions/acme/FIN of jsm.service_desk/acme/FIN forbidden: refused (403): The scenario refuses this.",
        "jsm.email_channel/* of jsm.service_desk/acme/FIN forbidden: refused (403): The scenario refuses this.",
    ]
    assert found.ids("jsm.customer_permissions") == ["acme/HR", "acme/IT", "acme/LEGAL", "acme/SUP"]
    assert found.coverage["jsm.customer_access"].complete


def test_another_organization_than_that_of_the_key_is_a_gap_for_all_of_it(demo: Played) -> None:
    found = collected(demo.site, org_id="another")

    assert {(gap.kind, gap.reason) for gap in found.gaps if gap.kind in ORG_KINDS} == {
        (kind, Reason.NOT_FOUND) for kind in ORG_KINDS
    }
    assert found.gaps_of("org", "org.domain") == [
        "org/another of - not-found: not found (404): Not Found: The key does not know organization another.",
        (
            "org.domain/* of org/another not-found: org/another could not be read:"
            " not found (404): Not Found: The key does not know organization another."
        ),
    ]


def test_an_organization_that_is_configured_is_not_looked_for(demo: Played) -> None:
    assert collected(demo.site, org_id=demo.scenario.org.id).records == collected(demo.site).records


# ---------------------------------------------------------------------------------------------------------------- faults

ORGS = "/admin/v1/orgs"
ORG = "/admin/v1/orgs/o-1"
WORKSPACES = "/admin/v2/orgs/o-1/workspaces"
DOMAINS = "/admin/v1/orgs/o-1/domains"
ACCESS = "/admin/v2/orgs/o-1/app-access-settings/domains"
PARTNER, ANYONE = f"{ACCESS}/partner.example", f"{ACCESS}/ANYONE"
INFO = "/rest/api/3/serverInfo"
PERMISSIONS = "/rest/api/3/mypermissions"
PROJECTS = "/rest/api/3/project/search"
DESKS = "/rest/servicedeskapi/servicedesk"
HR, IT = "/rest/servicedesk/1/servicedesk/HR", "/rest/servicedesk/1/servicedesk/IT"
SECURITY, MAIL = "/settings/requestsecurity", "/incomingemail"


def domain(name: str, status: str = "verified") -> dict[str, Any]:
    return {"id": name, "attributes": {"name": name, "claim": {"status": status, "type": "dns"}}}


def workspace(id_: str) -> dict[str, Any]:
    return {"id": id_, "attributes": {"name": "acme", "typeKey": "jira-software", "hostUrl": "https://x", "status": "online"}}


def product(access_mode: Any = "REQUEST_ACCESS") -> dict[str, Any]:  # noqa: ANN401  JSON border
    return {"productId": "jira", "accessMode": access_mode, "defaultRole": "member"}


def access(name: str, *products: dict[str, Any], enabled: Any = True) -> dict[str, Any]:  # noqa: ANN401
    return {"domain": name, "enabled": enabled, "adminNotifications": False, "products": list(products)}


def project(key: str, type_: str = "service_desk") -> dict[str, Any]:
    return {"id": f"1{key}", "key": key, "name": key, "projectTypeKey": type_, "style": "classic", "isPrivate": False}


def desk(key: str) -> dict[str, Any]:
    return {"id": f"2{key}", "projectId": f"1{key}", "projectKey": key, "projectName": key}


def security(key: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "serviceDeskPublicSignup": False,
        "serviceDeskOpenAccess": False,
        "globalPublicSignup": True,
        "manageEnabled": False,
        "autocompleteEnabled": False,
        "anonymousAccessLinkedConfluenceSpace": False,
        "emailAddress": f"{key.lower()}@acme.atlassian.net",
        **more,
    }


def mail(*addresses: str) -> dict[str, Any]:
    return {"emailSettings": [{"emailAddress": address} for address in addresses]}


def listed(*values: dict[str, Any], is_last: bool = True, total: int | None = None) -> Answer:
    """Return a page of either of Jira's two ways of paging."""
    return said(
        {"values": values, "isLast": is_last, "isLastPage": is_last} | ({} if total is None else {"total": total}),
    )


COMPANY: Table = {
    ORGS: [said({"data": [{"id": "o-1"}]})],
    ORG: [said({"data": {"id": "o-1", "attributes": {"name": "Acme"}}})],
    WORKSPACES: [said({"data": [workspace("w-1")]})],
    DOMAINS: [said({"data": [domain("acme.example")], "links": {"self": "x", "next": None}})],
    ACCESS: [said({"data": [{"domain": "partner.example"}], "links": {"next": ""}})],
    PARTNER: [said(access("partner.example", product()))],
    ANYONE: [said(access("ANYONE", enabled=False))],
    INFO: [said({"baseUrl": "https://x", "version": "1", "deploymentType": "Cloud", "serverTitle": "Acme"})],
    PERMISSIONS: [said({"permissions": {"ADMINISTER": {"havePermission": True}}})],
    PROJECTS: [listed(project("APP", "software"), project("HR"), project("IT"), total=3)],
    DESKS: [listed(desk("HR"), desk("IT"))],
    HR + SECURITY: [said(security("HR"))],
    IT + SECURITY: [said(security("IT"))],
    HR + MAIL: [said(mail("hr@acme.atlassian.net"))],
    IT + MAIL: [said(mail("it@acme.atlassian.net"))],
}


def asked_of(server: Faulty, *, undocumented: bool = True, scoped: tuple[str, ...] = ()) -> Collected:
    return collected(StandIn(server.url, {"acme": server.url}), undocumented=undocumented, scoped=scoped)


def spoiled(table: Table) -> list[str]:
    """Return what is otherwise than in the healthy company: `-` is lost, `~` is changed, `+` is new."""
    with faulty({**COMPANY, **table}) as server:
        return compared(healthy(), asked_of(server))


@cache
def healthy() -> Collected:
    with faulty(dict(COMPANY)) as server:
        return asked_of(server)


def compared(before: Collected, after: Collected) -> list[str]:
    for kind, coverage in after.coverage.items():
        assert (coverage.resources, coverage.gaps) == (len(after.ids(kind)), len(after.gaps_of(kind)))
        assert coverage.complete == (coverage.gaps == 0)
    old, new = ({each.address: each.facts for each in found.resources} for found in (before, after))
    kinds = {gap.kind for gap in before.gaps} | {gap.kind for gap in after.gaps}
    old_gaps, new_gaps = before.gaps_of(*kinds), after.gaps_of(*kinds)
    return [
        *(f"-{address}" for address in old if address not in new),
        *(f"+{address}" for address in new if address not in old),
        *(
            f"~{address} {fact}: {json.dumps(was)} -> {json.dumps(became)}"
            for address in old
            for fact in sorted(old[address].keys() | new.get(address, {}).keys())
            if address in new and (was := old[address].get(fact, "(absent)")) != (became := new[address].get(fact, "(absent)"))
        ),
        *(f"-{each}" for each in old_gaps if each not in new_gaps),
        *(f"+{each}" for each in new_gaps if each not in old_gaps),
    ]


INVITES_UNKNOWN = (
    "+org.user_invites/* of {} {}: no public interface reads the user invites setting, and which there are could not be read: {}"
)
INVITES_KNOWN = "-org.user_invites/jira of org.workspace/w-1 no-public-api: no public interface reads the user invites setting"


def test_the_healthy_company_has_no_gap_but_for_what_no_interface_reads() -> None:
    found = healthy()

    assert found.gaps_of(*KINDS_COLLECTED) == [INVITES_KNOWN.removeprefix("-")]
    assert {kind for kind, coverage in found.coverage.items() if not coverage.resources} == CONSOLE_ONLY


def test_nothing_undocumented_is_sent_without_the_opt_in() -> None:
    with faulty(dict(COMPANY)) as server:
        asked_of(server, undocumented=False)

        assert [asked.path for asked in server.asked if asked.path.startswith("/rest/servicedesk/1/")] == []
        assert DESKS in [asked.path for asked in server.asked]


def test_the_organization_key_goes_only_below_admin_and_the_account_never_there() -> None:
    with faulty(dict(COMPANY)) as server:
        asked_of(server)

        assert {(asked.path.startswith("/admin/"), asked.authorization.partition(" ")[0]) for asked in server.asked} == {
            (True, "Bearer"),
            (False, "Basic"),
        }


# ----------------------------------------------------------------------------------------------------------------- paging


def test_a_cursor_that_comes_again_ends_the_list_as_malformed() -> None:
    circle = said({"data": [domain("acme.example")], "links": {"next": "again"}})
    with faulty({**COMPANY, DOMAINS: [circle]}) as server:
        found = asked_of(server)

        assert [asked.query for asked in server.asked if asked.path == DOMAINS] == [{}, {"cursor": "again"}]
    assert found.gaps_of("org.domain") == ["org.domain/* of org/o-1 malformed: the pages go round in a circle"]
    assert found.ids("org.domain") == ["acme.example"]


def test_a_cursor_in_the_body_that_comes_again_ends_the_list_as_malformed() -> None:
    circle = said({"data": [workspace("w-1")], "links": {"next": "again"}})
    with faulty({**COMPANY, WORKSPACES: [circle]}) as server:
        found = asked_of(server)

        assert [asked.body for asked in server.asked if asked.path == WORKSPACES] == [b'{"limit":1000}', b'{"cursor":"again"}']
    assert found.gaps_of("org.workspace") == ["org.workspace/* of org/o-1 malformed: the pages go round in a circle"]


def test_pages_without_end_are_given_up_and_what_came_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "MAX_PAGES", 4)

    def more(asked: Asked) -> Answer:
        number = int(asked.query.get("cursor", "1"))
        return said({"data": [domain(f"d{number}.example")], "links": {"next": str(number + 1)}})

    assert spoiled({DOMAINS: [more]}) == [
        "-org.domain/acme.example",
        *(f"+org.domain/d{number}.example" for number in (1, 2, 3, 4)),
        "+org.domain/* of org/o-1 gave-up: more than 4 pages",
    ]


def test_offsets_without_end_are_given_up_and_what_came_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "MAX_PAGES", 3)
    three = (project("APP", "software"), project("HR"), project("IT"))
    pages = [listed(*three[turn:], *three[:turn], is_last=False) for turn in range(3)]

    assert spoiled({PROJECTS: pages}) == _projects_lost("gave-up", "more than 3 pages")


def test_a_numbered_page_that_comes_again_ends_the_list_as_malformed() -> None:
    """Were it not seen, it would come again for ever: the number of the next page is always another."""
    page = listed(project("APP", "software"), project("HR"), project("IT"), is_last=False)

    assert spoiled({PROJECTS: [page]}) == _projects_lost("malformed", "the pages go round in a circle")


def test_a_next_page_on_another_host_is_refused_and_never_asked_for() -> None:
    with faulty() as other:
        link = f"{other.url}{DOMAINS}?cursor=2"
        page = said({"data": [domain("acme.example")], "links": {"next": link}})

        assert spoiled({DOMAINS: [page]}) == [
            "+org.domain/* of org/o-1 malformed: the next page is on another host (127.0.0.1), which is not followed"
        ]
        assert other.asked == []


@pytest.mark.parametrize(
    "link", [5, True, {"href": "https://x/?cursor=2"}, ["2"], "{here}/admin/v1/orgs/o-1/domains?page=2", "http://["]
)
def test_a_next_page_that_cannot_be_found_is_not_taken_for_the_end(link: object) -> None:
    def page(asked: Asked) -> Answer:
        here = f"http://{asked.headers['host']}"
        return said(
            {"data": [domain("acme.example")], "links": {"next": link.format(here=here) if isinstance(link, str) else link}}
        )

    [gap] = spoiled({DOMAINS: [page]})
    assert gap.startswith("+org.domain/* of org/o-1 malformed: the link to the next page ")


def test_links_of_another_shape_are_not_taken_for_the_end() -> None:
    assert spoiled({DOMAINS: [said({"data": [domain("acme.example")], "links": "https://x/?cursor=2"})]}) == [
        "+org.domain/* of org/o-1 malformed: the answer's links are no object"
    ]


@pytest.mark.parametrize(
    ("link", "wanted_query"),
    [("{here}/admin/v1/orgs/o-1/domains?cursor=b%3D%2B&x=1", {"cursor": "b=+"}), ("b=+", {"cursor": "b=+"})],
)
def test_a_next_page_may_be_a_link_or_a_bare_cursor(link: str, wanted_query: dict[str, str]) -> None:
    def page(asked: Asked) -> Answer:
        here = f"http://{asked.headers['host']}"
        return said({"data": [domain("acme.example")], "links": {"next": link.format(here=here)}})

    last = said({"data": [domain("acme.test")], "links": {}})
    with faulty({**COMPANY, DOMAINS: [page, last]}) as server:
        assert asked_of(server).ids("org.domain") == ["acme.example", "acme.test"]
        assert [asked.query for asked in server.asked if asked.path == DOMAINS] == [{}, wanted_query]


def test_a_list_shorter_than_announced_is_a_gap() -> None:
    page = listed(project("APP", "software"), project("HR"), project("IT"), total=5)

    assert spoiled({PROJECTS: [page]}) == _projects_lost("malformed", "5 were announced, but 3 came")


@pytest.mark.parametrize(
    ("path", "kind", "values"),
    [
        (PROJECTS, "jira.project", [project("APP", "software"), project("HR"), project("IT")]),
        (DESKS, "jsm.service_desk", [desk("HR"), desk("IT")]),
    ],
)
def test_an_empty_page_that_is_not_the_last_is_a_gap(path: str, kind: str, values: list[dict[str, Any]]) -> None:
    why = "an empty page that is not the last"
    desks = [*_desks_lost("malformed", why), f"+{kind}/* of jira.site/acme malformed: {why}"]

    changes = spoiled({path: [listed(*values, is_last=False), listed(is_last=False)]})
    assert changes == (desks if kind == "jsm.service_desk" else _projects_lost("malformed", why))


def test_a_list_that_does_not_say_whether_it_ends_is_read_until_nothing_comes() -> None:
    pages = [said({"values": [each]}) for each in (desk("HR"), desk("IT"))]
    with faulty({**COMPANY, DESKS: [*pages, said({"values": []})]}) as server:
        found = asked_of(server)

        assert [asked.query.get("start") for asked in server.asked if asked.path == DESKS] == [None, "1", "2"]
    assert found.ids("jsm.service_desk") == ["acme/HR", "acme/IT"]
    assert found.coverage["jsm.service_desk"].complete


LISTS = {
    WORKSPACES: ("org.workspace", "data", "org/o-1"),
    DOMAINS: ("org.domain", "data", "org/o-1"),
    ACCESS: ("org.access_domain", "data", "org/o-1"),
    PROJECTS: ("jira.project", "values", "jira.site/acme"),
    DESKS: ("jsm.service_desk", "values", "jira.site/acme"),
}


def test_every_list_is_tried_below() -> None:
    assert {kind for kind, _, _ in LISTS.values()} == {
        endpoint.kinds[0] for endpoint in walk.ENDPOINTS if endpoint.records and endpoint.kinds[0] in SLICE
    }


@pytest.mark.parametrize("records", [None, {}, "x", 5, True])
@pytest.mark.parametrize("path", LISTS)
def test_records_that_are_no_list_are_a_gap(path: str, records: object) -> None:
    kind, key, parent = LISTS[path]
    gap = f"+{kind}/* of {parent} malformed: the answer has no list of {key}"

    changes = spoiled({path: [said({key: records})]})
    assert gap in changes
    assert [each for each in changes if each.startswith("~")] == []
    lost = {each.removeprefix("-").partition("/")[0] for each in changes if each.startswith("-")} - CONSOLE_ONLY
    assert lost == {kind} | (UNDOCUMENTED_KINDS if kind == "jsm.service_desk" else set())
    gaps = {each.removeprefix("+").partition("/")[0] for each in changes if each.startswith("+")}
    assert lost <= gaps, "what is lost is a gap"


@pytest.mark.parametrize("record", [{}, None, 5, "x", [], {"id": None}, {"id": ""}, {"id": {}, "key": [], "attributes": 5}])
@pytest.mark.parametrize("path", LISTS)
def test_a_record_without_an_id_is_a_gap_and_the_others_are_there(path: str, record: object) -> None:
    kind, key, parent = LISTS[path]
    [healthy] = COMPANY[path]
    assert isinstance(healthy, Answer)
    page = json.loads(healthy.body)
    page[key].insert(0, record)
    expected = [f"+{kind}/* of {parent} malformed: a record without the id it should have"]
    # No app without its id, so none whose invites could be named.
    if kind == "org.workspace":
        expected.append(INVITES_UNKNOWN.format("org/o-1", "malformed", "a record without the id it should have"))
    if kind == "jsm.service_desk":
        expected += _desks_lost("malformed", "a record without the id it should have")
    if kind == "jira.project":
        expected = _projects_lost("malformed", "a record without the id it should have")

    assert sorted(spoiled({path: [said(page)]})) == sorted(expected)


def _desks_lost(reason: str, detail: str) -> list[str]:
    """Return the gaps below a list of desks; of customer access a site has just one, so its gap knows which."""
    places = ("jsm.customer_access/acme", "jsm.customer_permissions/*", "jsm.email_channel/*")
    above = "" if reason == "unsupported" else "jsm.service_desk of jira.site/acme could not be read: "
    return [f"+{place} of jira.site/acme {reason}: {above}{detail}" for place in places]


def _projects_lost(reason: str, detail: str) -> list[str]:
    """Return the gaps of a list of projects that is not whole: nothing says then whether the list of desks is."""
    why = f"whether the list is whole cannot be told: {detail}"
    below = _desks_lost(reason, why)
    return [
        f"+jira.project/* of jira.site/acme {reason}: {detail}",
        # A desk that was read gave the site's switch all the same; only a malformed answer leaves a doubt.
        *(below if reason == "malformed" else below[1:]),
        f"+jsm.service_desk/* of jira.site/acme {reason}: {why}",
    ]


# ----------------------------------------------------------------------------------------------------- the organization


@pytest.mark.parametrize(
    ("answer", "gap"),
    [
        (said({"data": []}), "not-found: the key sees no organization"),
        (said({"data": [{"id": "o-1"}, {"id": "o-2"}]}), "not-found: the key sees more than one organization"),
        (said({"data": [{"id": "o-1"}, {}]}), "not-found: the key sees more than one organization"),
        (said({"data": [{"id": "o-1"}], "links": {"next": "2"}}), "not-found: the key sees more than one organization"),
        (said({"data": [{"name": "o-1"}]}), "malformed: a record without the id it should have"),
        (said({"data": 5}), "malformed: the answer has no list of data"),
        (said({"data": {"id": "o-1"}}), "malformed: the answer has no list of data"),
        (said({}), "malformed: the answer has no list of data"),
        (said([]), "malformed: the answer has no list of data"),
        (Answer(b"<html>"), "malformed: the answer is not JSON"),
        (said({}, 403), "forbidden: refused (403)"),
    ],
)
def test_an_organization_that_cannot_be_told_is_a_gap_for_all_of_it(answer: Answer, gap: str) -> None:
    reason, _, detail = gap.partition(": ")
    inherited = f"org could not be read: {detail}"

    assert spoiled({ORGS: [answer]}) == [
        "-org/o-1",
        "-org.access_domain/ANYONE",
        "-org.access_domain/partner.example",
        "-org.domain/acme.example",
        "-org.workspace/w-1",
        INVITES_KNOWN,
        f"+org/* of - {gap}",
        f"+org.access_domain/* of org {reason}: {inherited}",
        f"+org.domain/* of org {reason}: {inherited}",
        INVITES_UNKNOWN.format("org", reason, inherited),
        f"+org.workspace/* of org {reason}: {inherited}",
    ]


def test_an_organization_that_must_be_named_says_how() -> None:
    with faulty({**COMPANY, ORGS: [said({"data": [{"id": "o-1"}, {"id": "o-2"}]})]}) as server:
        gaps = asked_of(server).gaps

    assert {gap.hint for gap in gaps} == {"name the organization in atlascan.yaml: org: {id: ...}"}


BAD_OBJECTS = [
    (Answer(b"<html>Log in</html>"), "malformed", "the answer is not JSON"),
    (said([]), "malformed", "the answer is no object"),
    (said(5), "malformed", "the answer is neither an object nor a list"),
    (said({}, 404), "not-found", "not found (404)"),
    (said({}, 500), "gave-up", "answered 500 every time"),
    (said({}, 302, Location="/login"), "malformed", "redirected (302), which is not followed"),
]


@pytest.mark.parametrize(("answer", "reason", "detail"), BAD_OBJECTS)
def test_an_organization_that_is_not_shown_is_a_gap_for_all_of_it(answer: Answer, reason: str, detail: str) -> None:
    changes = spoiled({ORG: [answer]})

    inherited = f"org/o-1 could not be read: {detail}"
    assert [each for each in changes if each.startswith("+")] == [
        f"+org/o-1 of - {reason}: {detail}",
        f"+org.access_domain/* of org/o-1 {reason}: {inherited}",
        f"+org.domain/* of org/o-1 {reason}: {inherited}",
        INVITES_UNKNOWN.format("org/o-1", reason, inherited),
        f"+org.workspace/* of org/o-1 {reason}: {inherited}",
    ]


@pytest.mark.parametrize(("answer", "reason", "detail"), BAD_OBJECTS)
def test_a_site_that_is_not_shown_is_a_gap_for_all_of_it(answer: Answer, reason: str, detail: str) -> None:
    changes = spoiled({INFO: [answer]})

    inherited = f"of jira.site/acme {reason}: jira.site/acme could not be read: {detail}"
    assert [each for each in changes if each.startswith("+")] == [
        f"+jira.project/* {inherited}",
        f"+jira.site/acme of - {reason}: {detail}",
        f"+jsm.customer_access/acme {inherited}",
        f"+jsm.customer_permissions/* {inherited}",
        f"+jsm.email_channel/* {inherited}",
        f"+jsm.service_desk/* {inherited}",
    ]


def test_an_unknown_claim_status_is_a_gap_and_the_domain_keeps_none() -> None:
    assert spoiled({DOMAINS: [said({"data": [domain("acme.example", "pending")]})]}) == [
        '~org.domain/acme.example claim_status: "verified" -> "(absent)"',
        (
            '+org.domain/acme.example of org/o-1 malformed: org.domain/acme.example: attributes.claim.status is "pending",'
            " which is not one of verified, deleted, unverified, superseded, missing_token"
        ),
    ]


# ------------------------------------------------------------------------------------------------------ approved domains


def test_an_unknown_access_mode_is_a_gap_and_the_product_keeps_none() -> None:
    products = (product("INVITE_ONLY"), product("DENIED_ACCESS"))

    assert spoiled({PARTNER: [said(access("partner.example", *products))]}) == [
        (
            '~org.access_domain/partner.example products: [{"access_mode": "REQUEST_ACCESS", "default_role": "member",'
            ' "product_id": "jira"}] -> [{"default_role": "member", "product_id": "jira"}, {"access_mode": "DENIED_ACCESS",'
            ' "default_role": "member", "product_id": "jira"}]'
        ),
        (
            "+org.access_domain/partner.example of org/o-1 malformed: org.access_domain/partner.example:"
            ' accessMode "INVITE_ONLY" is not in Atlassian\'s specification, so what it allows cannot be judged'
        ),
    ]


def test_two_problems_of_one_resource_are_both_told() -> None:
    answer = said(access("partner.example", product("INVITE_ONLY"), product("ADMIN_APPROVAL"), enabled="yes"))

    [_, _, gap] = spoiled({PARTNER: [answer]})
    assert [word in gap for word in ("INVITE_ONLY", "ADMIN_APPROVAL", 'enabled is "yes"')] == [True, True, True]


@pytest.mark.parametrize("products", [[], None, {}, "x"])
def test_anyone_enabled_for_no_product_in_sight_keeps_no_list_of_products(products: object) -> None:
    """Nobody may take the absence for "nothing is open"."""
    assert spoiled({ANYONE: [said({**access("ANYONE"), "products": products})]}) == [
        "~org.access_domain/ANYONE enabled: false -> true",
        '~org.access_domain/ANYONE products: [] -> "(absent)"',
    ]


def test_anyone_is_asked_for_even_when_the_list_is_refused_or_leaves_it_out() -> None:
    everyone = said(access("ANYONE", product("DIRECT_ACCESS")))

    assert spoiled({ACCESS: [said({}, 403)], ANYONE: [everyone]}) == [
        "-org.access_domain/partner.example",
        "~org.access_domain/ANYONE enabled: false -> true",
        (
            "~org.access_domain/ANYONE products: [] ->"
            ' [{"access_mode": "DIRECT_ACCESS", "default_role": "member", "product_id": "jira"}]'
        ),
        "+org.access_domain/* of org/o-1 forbidden: refused (403)",
    ]


def test_an_approved_domain_that_is_listed_but_not_shown_is_a_gap_of_its_own() -> None:
    assert spoiled({PARTNER: [said({}, 403)]}) == [
        "-org.access_domain/partner.example",
        "+org.access_domain/partner.example of org/o-1 forbidden: refused (403)",
    ]


@pytest.mark.parametrize("name", ["..", "."])
def test_an_approved_domain_whose_name_is_no_name_is_a_gap(name: str) -> None:
    assert spoiled({ACCESS: [said({"data": [{"domain": name}, {"domain": "partner.example"}]})]}) == [
        f"+org.access_domain/{name} of org/o-1 malformed: an id that cannot stand in an address"
    ]


# ----------------------------------------------------------------------------------------------------------------- a site


@pytest.mark.parametrize(
    ("answer", "gap"),
    [
        (said({}), "malformed: the answer does not say whether the account holds the permission ADMINISTER"),
        (
            said({"permissions": {"ADMINISTER": {"havePermission": "true"}}}),
            "malformed: the answer does not say whether the account holds the permission ADMINISTER",
        ),
        (said({}, 400), "unsupported: not supported here (400)"),
        (Answer(b"<html>"), "malformed: the answer is not JSON"),
    ],
)
def test_projects_are_all_there_only_if_the_account_is_known_to_see_all(answer: Answer, gap: str) -> None:
    reason, _, detail = gap.partition(": ")
    untold = f"whether the account sees all of the list cannot be told: {detail}"

    assert spoiled({PERMISSIONS: [answer]}) == [
        '~jira.site/acme account_permissions: ["ADMINISTER"] -> "(absent)"',
        *sorted([*_projects_lost(reason, untold), f"+jira.site/* of jira.site/acme {reason}: {detail}"], key=_place),
    ]


def _place(line: str) -> str:
    return line.partition(" ")[0]


def test_an_account_that_does_not_see_all_projects_leaves_some_out() -> None:
    detail = "the account does not hold the permission ADMINISTER, so the list may leave some out"

    assert spoiled({PERMISSIONS: [said({"permissions": {"ADMINISTER": {"havePermission": False}}})]}) == [
        '~jira.site/acme account_permissions: ["ADMINISTER"] -> []',
        *_projects_lost("forbidden", detail),
    ]


def _unlisted(key: str) -> list[str]:
    why = f"jsm.service_desk/acme/{key} could not be read: the project {key!r} has a service desk, but the list leaves it out"
    return [
        f"+jsm.customer_permissions/acme/{key} of jsm.service_desk/acme/{key} forbidden: {why}",
        f"+jsm.email_channel/* of jsm.service_desk/acme/{key} forbidden: {why}",
        (
            f"+jsm.service_desk/acme/{key} of jira.project/acme/{key} forbidden: the project {key!r} has a service desk,"
            " but the list leaves it out"
        ),
    ]


def test_a_desk_that_a_project_promises_and_the_list_leaves_out_is_a_gap() -> None:
    assert spoiled({DESKS: [listed(desk("HR"))]}) == [
        "-jsm.customer_permissions/acme/IT",
        "-jsm.email_channel/acme/it@acme.atlassian.net",
        "-jsm.service_desk/acme/IT",
        *_unlisted("IT"),
    ]


def test_a_desk_left_out_is_told_even_when_another_is_malformed() -> None:
    odd = {**desk("HR"), "projectName": 5}

    changes = spoiled({DESKS: [listed(odd)]})
    assert [each for each in changes if each.startswith("+")] == sorted(
        [
            *_unlisted("IT"),
            "+jsm.service_desk/acme/HR of jira.site/acme malformed: jsm.service_desk/acme/HR: projectName is 5, which is not text",
        ]
    )


def test_a_list_of_desks_that_is_refused_is_one_gap_for_each_kind_below_it() -> None:
    changes = spoiled({DESKS: [said({}, 403)]})

    assert [each for each in changes if each.startswith("+")] == [
        *_desks_lost("forbidden", "refused (403)"),
        "+jsm.service_desk/* of jira.site/acme forbidden: refused (403)",
    ]


# ---------------------------------------------------------------------------------------------------------- a desk's answers


def test_public_signup_that_is_not_answered_is_a_gap() -> None:
    answer = security("HR")
    del answer["serviceDeskPublicSignup"]

    assert spoiled({HR + SECURITY: [said(answer)]}) == [
        '~jsm.customer_permissions/acme/HR public_signup: false -> "(absent)"',
        (
            "+jsm.customer_permissions/acme/HR of jsm.service_desk/acme/HR malformed: jsm.customer_permissions/acme/HR:"
            " serviceDeskPublicSignup is not in the answer"
        ),
    ]


def test_public_signup_that_is_not_answered_is_told_beside_another_problem() -> None:
    answer = {**security("HR", serviceDeskOpenAccess="no"), "serviceDeskPublicSignup": None}

    assert spoiled({HR + SECURITY: [said(answer)]})[-1] == (
        "+jsm.customer_permissions/acme/HR of jsm.service_desk/acme/HR malformed: jsm.customer_permissions/acme/HR:"
        ' serviceDeskOpenAccess is "no", which is not true or false; serviceDeskPublicSignup is not in the answer'
    )


@pytest.mark.parametrize("value", ["false", "true", 0, 1, [], {}])
def test_public_signup_that_is_neither_true_nor_false_is_a_gap(value: object) -> None:
    assert spoiled({HR + SECURITY: [said(security("HR", serviceDeskPublicSignup=value))]}) == [
        '~jsm.customer_permissions/acme/HR public_signup: false -> "(absent)"',
        (
            "+jsm.customer_permissions/acme/HR of jsm.service_desk/acme/HR malformed: jsm.customer_permissions/acme/HR:"
            f" serviceDeskPublicSignup is {json.dumps(value)}, which is not true or false"
        ),
    ]


@pytest.mark.parametrize("answer", [said([]), said([security("HR")]), said(5), Answer(b"<html>")])
def test_customer_permissions_of_no_known_shape_are_a_gap_for_that_desk(answer: Answer) -> None:
    changes = spoiled({HR + SECURITY: [answer]})

    assert changes[0] == "-jsm.customer_permissions/acme/HR"
    # The other desk told the switch of the site, but this one might have told another.
    assert [each.partition(": ")[0] for each in changes[1:]] == [
        "+jsm.customer_access/acme of jira.site/acme malformed",
        "+jsm.customer_permissions/acme/HR of jsm.service_desk/acme/HR malformed",
        "+jsm.email_channel/* of jsm.service_desk/acme/HR malformed",
    ]


@pytest.mark.parametrize(
    ("manage", "autocomplete", "sharing"),
    [
        (False, False, "organization"),
        (False, True, "organization"),
        (False, None, "organization"),
        (True, False, "by_email"),
        (True, True, "by_search"),
        (True, None, "(absent)"),
        ("true", True, "(absent)"),
        (None, False, "(absent)"),
        (1, 1, "(absent)"),
    ],
)
def test_whom_customers_share_with_is_inferred_from_both_switches_or_not_known(
    manage: object, autocomplete: object, sharing: str
) -> None:
    answer = security("HR", manageEnabled=manage, autocompleteEnabled=autocomplete)
    change = [f'~jsm.customer_permissions/acme/HR sharing: "organization" -> "{sharing}"'] if sharing != "organization" else []

    assert spoiled({HR + SECURITY: [said(answer)]}) == change


def test_an_address_that_is_none_is_a_gap_cut_short() -> None:
    assert spoiled({HR + SECURITY: [said(security("HR", emailAddress="nobody at all " * 100))]}) == [
        (
            '+jsm.email_channel/* of jsm.service_desk/acme/HR malformed: "nobody at all nobody at all nobody at all nobody at all'
            " nobody at all nobody at…"
            " is not an e-mail address"
        )
    ]


@pytest.mark.parametrize(
    "answer",
    [said({}), said([]), said({"emailSettings": "hr"}), said({"from": "noreply@acme.example"}), said({"email": "hr at acme"})],
)
def test_incoming_mail_of_no_known_shape_is_a_gap_only_where_nothing_else_gave_an_address(answer: Answer) -> None:
    assert spoiled({HR + MAIL: [answer]}) == []
    assert spoiled({HR + MAIL: [answer], HR + SECURITY: [said(security("HR", emailAddress=None))]}) == [
        "-jsm.email_channel/acme/hr@acme.atlassian.net",
        (
            "+jsm.email_channel/* of jsm.service_desk/acme/HR malformed:"
            " no address could be recognised in the incoming mail settings of acme/HR"
        ),
    ]


def test_incoming_mail_may_give_addresses_in_several_places() -> None:
    answer = {"a": [{"incomingEmailAddress": "HR@Bücher.example"}], "b": {"c": {"address": "hr2@acme.example"}}}

    assert spoiled({HR + MAIL: [said(answer)]}) == [
        "+jsm.email_channel/acme/hr2@acme.example",
        "+jsm.email_channel/acme/hr@xn--bcher-kva.example",
    ]


@pytest.mark.parametrize("depth", [40, 60, 900])
def test_incoming_mail_nested_however_deep_is_no_traceback(depth: int) -> None:
    deep = Answer(b'{"a":' * depth + b'{"address": "hr@acme.example"}' + b"}" * depth)

    found = spoiled({HR + MAIL: [deep]})
    assert found == (
        ["+jsm.email_channel/acme/hr@acme.example"]
        if depth == 40
        else [
            "+jsm.email_channel/* of jsm.service_desk/acme/HR malformed: an answer that is nested more than 50 levels deep",
        ]
    )


def test_two_desks_that_disagree_on_the_switch_of_the_site_leave_it_unknown() -> None:
    assert spoiled({IT + SECURITY: [said(security("IT", globalPublicSignup=False))]}) == [
        '~jsm.customer_access/acme public_signup: true -> "(absent)"',
        (
            "+jsm.customer_access/acme of jira.site/acme malformed:"
            " two answers about jsm.customer_access/acme disagree on public_signup"
        ),
    ]


def test_a_third_desk_does_not_settle_what_two_disagree_on() -> None:
    legal = "/rest/servicedesk/1/servicedesk/LEGAL"
    three: Table = {
        PROJECTS: [listed(project("APP", "software"), project("HR"), project("IT"), project("LEGAL"))],
        DESKS: [listed(desk("HR"), desk("IT"), desk("LEGAL"))],
        IT + SECURITY: [said(security("IT", globalPublicSignup=False))],
        legal + SECURITY: [said(security("LEGAL"))],
        legal + MAIL: [said(mail("legal@acme.atlassian.net"))],
    }

    assert '~jsm.customer_access/acme public_signup: true -> "(absent)"' in spoiled(three)


def test_two_desks_with_one_address_leave_unknown_whose_it_is() -> None:
    assert spoiled({IT + SECURITY: [said(security("IT", emailAddress="hr@acme.atlassian.net"))]}) == [
        '~jsm.email_channel/acme/hr@acme.atlassian.net project_key: "HR" -> "(absent)"',
        (
            "+jsm.email_channel/acme/hr@acme.atlassian.net of jsm.service_desk/acme/IT malformed:"
            " two answers about jsm.email_channel/acme/hr@acme.atlassian.net disagree on project_key"
        ),
    ]


# --------------------------------------------------------------------------------------------------------- whatever comes

_SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
_JSON = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["data", "values", "id", "key", "projectKey", "domain", "links", "next", "attributes", "name", "products"]
            )
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(path=st.sampled_from(sorted(COMPANY)), body=_JSON)
def test_whatever_one_answer_holds_the_collection_ends_and_adds_up(path: str, body: object) -> None:
    with pytest.MonkeyPatch.context() as patch, faulty({**COMPANY, path: [said(body)]}) as server:
        patch.setattr(paging, "MAX_PAGES", 3)
        patch.setattr(pace, "RETRIES", 0)
        patch.setattr(pace, "WAITS", 0)
        found = asked_of(server)

    for resource in found.resources:
        declared = KINDS[resource.kind].facts
        assert [name for name, value in resource.facts.items() if not fits(value, declared[name])] == []
    assert list(found.records) == sorted(found.records, key=sort_key)
    for kind, coverage in found.coverage.items():
        assert coverage.complete == (coverage.gaps == 0)
        parent = PARENTS.get(kind)
        nothing_to_look_for = parent is not None and found.coverage[parent].complete and not found.ids(parent)
        assert coverage.resources or coverage.gaps or coverage.requests or nothing_to_look_for, f"nobody looked for {kind}"


def test_an_answer_about_another_domain_than_was_asked_for_is_a_gap() -> None:
    """Otherwise nobody would have looked at ANYONE, and nothing would say so."""
    changes = spoiled({ANYONE: [said({"domain": "anyone", "enabled": False, "products": []})]})
    assert "+org.access_domain/ANYONE of org/o-1 malformed: the answer for ANYONE is about something else" in changes


# ------------------------------------------------------------------------------------------------------- tokens with scopes


def test_a_token_with_scopes_reads_through_the_gateway_what_one_without_reads_at_the_site(locked_site: StandIn) -> None:
    basic = collected(locked_site, undocumented=False)
    scoped = collected(locked_site, undocumented=False, scoped=("acme",))

    assert [each for each in scoped.lines if not each.startswith("jira.site/")] == [
        each for each in basic.lines if not each.startswith("jira.site/")
    ]
    site = locked_site.sites["acme"]
    asked = [each.partition(":  ")[0].rpartition(": ")[0] for each in scoped.log if site in each]
    assert asked == [f"GET {site}/_edge/tenant_info"], "the site is asked who it is, and no more"
    assert any("/ex/jira/" in each and "/rest/servicedeskapi/servicedesk" in each for each in scoped.log)


def test_a_token_with_scopes_is_not_tried_on_an_undocumented_endpoint(locked_site: StandIn) -> None:
    found = collected(locked_site, scoped=("acme",))

    assert not any("/rest/servicedesk/1/" in each for each in found.log)
    gaps = [gap for gap in found.gaps if gap.kind == "jsm.customer_permissions"]
    assert {(gap.id, gap.reason) for gap in gaps} == {(f"acme/{key}", Reason.UNSUPPORTED) for key in ("HR", "IT", "SUP")}
    assert all("atlascan attest" in gap.hint for gap in gaps)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (said({}), "malformed"),
        (said({"cloudId": "../x"}), "malformed"),
        (said({"cloudId": 5}), "malformed"),
        (said({}, 404), "not-found"),
    ],
)
def test_a_site_that_does_not_say_who_it_is_cannot_be_read_with_a_token_with_scopes(answer: Answer, reason: str) -> None:
    with faulty({**COMPANY, "/_edge/tenant_info": [answer]}) as server:
        found = asked_of(server, scoped=("acme",))

        [asked] = [each for each in server.asked if each.path == "/_edge/tenant_info"]
        assert "authorization" not in asked.headers
        assert not [each for each in server.asked if each.path.startswith("/rest")]
    assert {gap.reason for gap in found.gaps if gap.kind.startswith("j")} == {reason}
    assert not [each for each in found.resources if each.kind.startswith("j")]


# ------------------------------------------------------------------------------------------------------------------ demand


def test_only_what_is_needed_and_what_that_depends_on_is_asked_for(locked_site: StandIn) -> None:
    found = collected(locked_site, needs=frozenset({("org.access_domain", "")}))
    assert set(found.coverage) == {"org", "org.access_domain"}
    assert {record.kind for record in found.records} == {"org", "org.access_domain"}
    assert all("/admin/" in each for each in found.log)


def test_a_key_is_not_asked_for_its_organization_when_nothing_of_it_is_needed(locked_site: StandIn) -> None:
    found = collected(locked_site, needs=frozenset({("jira.project", "")}))
    assert set(found.coverage) == {"jira.site", "jira.project"}
    assert not any("/admin/" in each for each in found.log)


def test_whether_a_list_of_desks_is_whole_is_told_by_the_projects_so_they_are_needed_too() -> None:
    assert walk.demanded(frozenset({("jsm.email_channel", "")})) == {
        "jira.project",
        "jira.site",
        "jsm.email_channel",
        "jsm.service_desk",
    }
