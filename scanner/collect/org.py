"""The organization: who it is, its apps, its domains, and who may join by themselves."""

from collections.abc import Iterator
from typing import Any

from scanner.collect.api import Surface
from scanner.collect.endpoint import About, Endpoint, Pager, Reading, Unreadable, at, shown, text_at, whole
from scanner.kinds import KINDS
from scanner.model import Record, Resource, Source

_REFERENCE = "https://developer.atlassian.com/cloud/admin/organization/rest/"
# How the interface names every address on earth.
ANYONE = "ANYONE"
_KEY = "an organization admin API key (ATLASCAN_ORG_API_KEY)"


def _org(record: Any, _about: About) -> Iterator[Record]:  # noqa: ANN401  JSON border
    reading = Reading("org", at(whole(record), "data"))
    name = reading.take("name", "attributes", "name")
    yield from reading.results(text_at(record, "data", "id"), name, Source.API, None)


def _workspace(record: Any, about: About) -> Iterator[Record]:  # noqa: ANN401
    reading = Reading("org.workspace", record)
    name = reading.take("name", "attributes", "name")
    reading.take("type_key", "attributes", "typeKey")
    reading.take("host_url", "attributes", "hostUrl")
    reading.take("status", "attributes", "status")
    yield from reading.results(text_at(record, "id"), name, Source.API, about.parent_address)


def _domain(record: Any, about: About) -> Iterator[Record]:  # noqa: ANN401
    reading = Reading("org.domain", record)
    name = reading.take("name", "attributes", "name")
    reading.take("claim_status", "attributes", "claim", "status")
    reading.take("claim_type", "attributes", "claim", "type")
    yield from reading.results(name, name, Source.API, about.parent_address)


def _access_domain(record: Any, about: About) -> Iterator[Record]:  # noqa: ANN401
    reading = Reading("org.access_domain", record)
    domain = reading.take("domain", "domain")
    enabled = reading.take("enabled", "enabled")
    reading.take("admin_notifications", "adminNotifications")
    products = at(record, "products")
    # Enabled for no app at all has no documented meaning: the list stays absent, so that nobody takes it for "nothing is open".
    if isinstance(products, list) and (products or enabled is False):
        reading.facts["products"] = [_product(product, reading.problems) for product in products]
    name = "Any domain" if domain == ANYONE else domain
    yield from reading.results(domain, name, Source.API_EXPERIMENTAL, about.parent_address)


def _product(product: Any, problems: list[str]) -> dict[str, Any]:  # noqa: ANN401
    mode = text_at(product, "accessMode")
    known = KINDS["org.access_domain"].facts["products"].items["access_mode"].values
    if mode is not None and mode not in known:
        problems.append(f"accessMode {shown(mode)} is not in Atlassian's specification, so what it allows cannot be judged")
        mode = None
    role = text_at(product, "defaultRole")
    facts = {"product_id": text_at(product, "productId") or "?", "access_mode": mode, "default_role": role}
    return {name: value for name, value in facts.items() if value is not None}


def _org_id(about: About) -> dict[str, str]:
    return {"orgId": about.org or ""}


def app_key(workspace: Resource) -> str:
    """Return the app a workspace is of, in the words of `org.user_invites`.

    Atlassian's type keys are free text in its specification; those not in the table stand for themselves.
    """
    type_key = str(workspace.facts.get("type_key", workspace.id))
    return _APPS.get(type_key, type_key)


_APPS = {
    "jira-software": "jira",
    "jira-core": "jira",
    "jira-work-management": "jira",
    "jira-servicedesk": "jira-service-management",
    "jira-service-desk": "jira-service-management",
}

ENDPOINTS = (
    Endpoint(
        kinds=("org",),
        path="/v1/orgs/{orgId}",
        surface=Surface.ADMIN,
        values=_org_id,
        shape=_org,
        source=Source.API,
        documented=_REFERENCE + "api-group-orgs/",
        hint=f"give {_KEY} of this organization",
        absent=lambda _endpoint, about: [("org", about.org, None)],
    ),
    Endpoint(
        kinds=("org.workspace",),
        method="POST",
        path="/v2/orgs/{orgId}/workspaces",
        surface=Surface.ADMIN,
        parent="org",
        values=_org_id,
        pager=Pager.BODY_CURSOR,
        records="data",
        shape=_workspace,
        source=Source.API,
        documented=_REFERENCE + "api-group-workspaces/",
        hint=f"give {_KEY} with the scope read:workspaces:admin",
    ),
    Endpoint(
        kinds=("org.domain",),
        path="/v1/orgs/{orgId}/domains",
        surface=Surface.ADMIN,
        parent="org",
        values=_org_id,
        pager=Pager.LINK_CURSOR,
        records="data",
        shape=_domain,
        source=Source.API,
        documented=_REFERENCE + "api-group-domains/",
        hint=f"give {_KEY} with the scope read:domains:admin",
    ),
    Endpoint(
        kinds=("org.access_domain",),
        path="/v2/orgs/{orgId}/app-access-settings/domains",
        surface=Surface.ADMIN,
        parent="org",
        values=_org_id,
        params={"limit": "100"},
        pager=Pager.LINK_CURSOR,
        records="data",
        detail="/v2/orgs/{orgId}/app-access-settings/domains/{domain}",
        detail_id=lambda record: text_at(record, "domain"),
        # Asked for even when the list leaves it out: an unknown domain is answered as not enabled.
        always=(ANYONE,),
        shape=_access_domain,
        source=Source.API_EXPERIMENTAL,
        documented=_REFERENCE + "api-group-app-access-settings/",
        # The scope's name is from a third party's documentation; Atlassian's specification names none.
        hint=f"give {_KEY} with the scope read:app-access-settings:admin",
    ),
)

UNREADABLE = (Unreadable(kind="org.user_invites", parent="org.workspace", id_of=app_key),)
