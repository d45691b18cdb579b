"""Jira Service Management: desks, their customers, who may become one, and where requests arrive by mail.

The public interface lists the desks and whom they serve, and knows no settings. The reads below `/rest/servicedesk/1/` are
undocumented, found in public code that calls them; they are opt-in, and what their fields mean is inferred from their names and
from the older server documentation.
"""

from collections.abc import Iterator
from typing import Any

from scanner.collect.api import Surface
from scanner.collect.endpoint import About, Endpoint, Missing, Pager, Reading, Unreadable, at, malformed, shown, text_at, whole
from scanner.domains import is_subdomain, normal_address
from scanner.model import Record, Resource, Source

_REFERENCE = "https://developer.atlassian.com/cloud/jira/service-desk/rest/api-group-servicedesk/"
_ATTEST = "or look at the console and state what you see with `atlascan attest`"
_UNDOCUMENTED = "undocumented; seen in the adapter that salto-io publishes for Jira"
# What the account has to be allowed. That the undocumented reads want an administrator is inferred: they serve the settings' pages.
_AGENT = "agent of every service project"
_ADMINISTRATOR = "administrator of every service project"


def _desk(record: Any, about: About) -> Iterator[Record]:  # noqa: ANN401  JSON border
    reading = Reading("jsm.service_desk", record)
    key = text_at(record, "projectKey")
    name = reading.take("name", "projectName")
    reading.take("project_id", "projectId")
    reading.take("service_desk_id", "id")
    yield from reading.results(f"{about.site}/{key}" if key else None, name, Source.API, about.parent_address)


def _customer(record: Any, about: About) -> Iterator[Record]:  # noqa: ANN401
    reading = Reading("jsm.customer", record)
    reading.take("email", "emailAddress")
    name = reading.take("display_name", "displayName")
    reading.take("active", "active")
    yield from _of_a_desk(reading, "accountId", name, Source.API_EXPERIMENTAL, about)


def _organization(record: Any, about: About) -> Iterator[Record]:  # noqa: ANN401
    reading = Reading("jsm.organization", record)
    yield from _of_a_desk(reading, "id", reading.take("name", "name"), Source.API, about)


def _of_a_desk(reading: Reading, key: str, name: str | None, source: Source, about: About) -> Iterator[Record]:
    """Give what several desks may have: it belongs to the site, and each desk's answer tells one of its desks."""
    desk, id_ = about.subject, text_at(reading.record, key)
    reading.facts["desks"] = [desk.id]
    # What cannot even be named is missing from this desk.
    parent = f"jira.site/{about.site}" if id_ else desk.address
    yield from reading.results(f"{about.site}/{id_}" if id_ else None, name, source, parent)


def _request_type(record: Any, about: About) -> Iterator[Record]:  # noqa: ANN401
    reading = Reading("jsm.request_type", record)
    id_ = text_at(record, "id")
    name = reading.take("name", "name")
    reading.take("restriction_status", "restrictionStatus")
    yield from reading.results(f"{about.site}/{id_}" if id_ else None, name, Source.API, about.parent_address)


def _portal(record: Any, about: About) -> Iterator[Record]:  # noqa: ANN401
    desk = about.subject
    reading = Reading("jsm.service_desk", whole(record))
    if portal_id := text_at(record, "portalId"):
        reading.facts["portal_id"] = portal_id
    reading.take("portal_url", "portalUrl")
    if not reading.facts and not reading.problems:
        reading.problems.append("the answer about its portal does not say which it is")
    yield from reading.results(desk.id, desk.name, Source.UNDOCUMENTED, desk.parent)


def _request_security(record: Any, about: About) -> Iterator[Record]:  # noqa: ANN401
    """Read customer permissions, the older site-wide switch, and the desk's address from one answer."""
    desk = about.subject
    reading = Reading("jsm.customer_permissions", whole(record))
    reading.take("public_signup", "serviceDeskPublicSignup")
    reading.take("open_access", "serviceDeskOpenAccess")
    reading.take("knowledge_base_anonymous", "anonymousAccessLinkedConfluenceSpace")
    sharing = _sharing(at(record, "manageEnabled"), at(record, "autocompleteEnabled"))
    if sharing:
        reading.facts["sharing"] = sharing
    if at(record, "serviceDeskPublicSignup") is None:
        reading.problems.append("serviceDeskPublicSignup is not in the answer")
    yield from reading.results(desk.id, desk.name, Source.UNDOCUMENTED, desk.address)

    site = Reading("jsm.customer_access", record)
    site.take("public_signup", "globalPublicSignup")
    yield from site.results(about.site, about.site, Source.UNDOCUMENTED, f"jira.site/{about.site}")

    address = text_at(record, "emailAddress")
    if address:
        yield _channel(address, desk, about)


def _sharing(manage: Any, autocomplete: Any) -> str | None:  # noqa: ANN401
    """Map the two switches to the console's words (inferred)."""
    match manage, autocomplete:
        case False, _:
            return "organization"
        case True, False:
            return "by_email"
        case True, True:
            return "by_search"
        case _:
            return None


def _incoming_email(record: Any, about: About) -> Iterator[Record]:  # noqa: ANN401
    """Read the addresses that can be recognised; the shape of this answer is not known (decision 24)."""
    desk = about.subject
    addresses = list(dict.fromkeys(_addresses(record)))
    for address in addresses:
        yield _channel(address, desk, about)
    if not addresses and not about.has_sibling("jsm.email_channel"):
        yield malformed(
            "jsm.email_channel", f"no address could be recognised in the incoming mail settings of {desk.id}", desk.address
        )


def _addresses(value: Any) -> Iterator[str]:  # noqa: ANN401
    match value:
        case list():
            for item in value:
                yield from _addresses(item)
        case dict():
            for key, item in value.items():
                if isinstance(item, str) and key.lower() in _ADDRESS_KEYS and normal_address(item):
                    yield item
                else:
                    yield from _addresses(item)


_ADDRESS_KEYS = frozenset({"email", "emailaddress", "address", "incomingemailaddress"})


def _channel(address: str, desk: Resource, about: About) -> Record:
    normal = normal_address(address)
    if normal is None:
        return malformed("jsm.email_channel", f"{shown(address)} is not an e-mail address", desk.address)
    domain = normal.rpartition("@")[2]
    facts = {
        "project_key": desk.id.partition("/")[2],
        "address": normal,
        "domain": domain,
        "is_default": is_subdomain(domain, "atlassian.net"),
    }
    id_ = f"{about.site}/{normal}"
    return Resource(kind="jsm.email_channel", id=id_, name=normal, facts=facts, source=Source.UNDOCUMENTED, parent=desk.address)


def _project_key(about: About) -> dict[str, str]:
    return {"projectKey": about.subject.id.partition("/")[2]}


def _desk_id(about: About) -> dict[str, str]:
    # The interface takes the project's key in place of the desk's number, should a desk ever come without one.
    desk = about.subject
    return {"serviceDeskId": str(desk.facts.get("service_desk_id") or desk.id.partition("/")[2])}


def _absent_security(_endpoint: Endpoint, about: About) -> list[Missing]:
    desk = about.subject
    return [
        ("jsm.customer_permissions", desk.id, desk.address),
        ("jsm.customer_access", about.site, f"jira.site/{about.site}"),
        ("jsm.email_channel", None, desk.address),
    ]


# More than it gives: the most is not documented, but that asking for more gives that most.
_MOST = "1000"

_ONLY_IN_THE_CONSOLE = (
    "accounts_from_mail_headers",
    "external_accounts",
    "external_domains",
    "internal_accounts",
    "login_required",
    "signup_by_email",
    "signup_in_portal",
)

ENDPOINTS = (
    Endpoint(
        kinds=("jsm.service_desk",),
        path="/rest/servicedeskapi/servicedesk",
        surface=Surface.SITE,
        parent="jira.site",
        params={"limit": _MOST},
        pager=Pager.START,
        records="values",
        shape=_desk,
        source=Source.API,
        documented=_REFERENCE,
        hint="give an account that works in every service project",
        scope="read:servicedesk-request",
        role=_AGENT,
        # The list holds only the desks that the account may see: the projects tell which there are.
        beside="jira.project",
        expects=lambda project: project.id if project.facts.get("type", "service_desk") == "service_desk" else None,
    ),
    Endpoint(
        kinds=("jsm.customer",),
        path="/rest/servicedeskapi/servicedesk/{serviceDeskId}/customer",
        surface=Surface.SITE,
        parent="jsm.service_desk",
        values=_desk_id,
        params={"limit": _MOST},
        pager=Pager.START,
        records="values",
        shape=_customer,
        source=Source.API_EXPERIMENTAL,
        experimental=True,
        documented=_REFERENCE,
        hint="give an account that may see the customers of this service project",
        scope="manage:servicedesk-customer",
        role="permission to view the customers of every service project",
    ),
    Endpoint(
        kinds=("jsm.organization",),
        path="/rest/servicedeskapi/servicedesk/{serviceDeskId}/organization",
        surface=Surface.SITE,
        parent="jsm.service_desk",
        values=_desk_id,
        params={"limit": _MOST},
        pager=Pager.START,
        records="values",
        shape=_organization,
        source=Source.API,
        documented="https://developer.atlassian.com/cloud/jira/service-desk/rest/api-group-organization/",
        hint="give an account that is an agent of this service project",
        scope="manage:servicedesk-customer",
        role=_AGENT,
    ),
    Endpoint(
        kinds=("jsm.request_type",),
        path="/rest/servicedeskapi/servicedesk/{serviceDeskId}/requesttype",
        surface=Surface.SITE,
        parent="jsm.service_desk",
        values=_desk_id,
        params={"limit": _MOST},
        pager=Pager.START,
        records="values",
        shape=_request_type,
        source=Source.API,
        documented="https://developer.atlassian.com/cloud/jira/service-desk/rest/api-group-requesttype/",
        hint="give an account that administers this service project",
        scope="read:servicedesk-request",
        role="Administer Jira (global permission)",
        # Request types that only some people may use are left out for those who administer nothing.
        whole_with="ADMINISTER",
    ),
    Endpoint(
        kinds=("jsm.customer_permissions", "jsm.customer_access", "jsm.email_channel"),
        path="/rest/servicedesk/1/servicedesk/{projectKey}/settings/requestsecurity",
        surface=Surface.SITE,
        parent="jsm.service_desk",
        values=_project_key,
        shape=_request_security,
        source=Source.UNDOCUMENTED,
        documented=_UNDOCUMENTED,
        hint=f"give an account that administers this service project, {_ATTEST}",
        role=_ADMINISTRATOR,
        opt_in="undocumented",
        absent=_absent_security,
        # What today's console has in place of the older switches.
        omits=(
            ("jsm.customer_permissions", "channel_access"),
            *(("jsm.customer_access", fact) for fact in _ONLY_IN_THE_CONSOLE),
        ),
    ),
    Endpoint(
        kinds=("jsm.email_channel",),
        path="/rest/servicedesk/1/servicedesk/{projectKey}/incomingemail",
        surface=Surface.SITE,
        parent="jsm.service_desk",
        values=_project_key,
        shape=_incoming_email,
        source=Source.UNDOCUMENTED,
        documented="undocumented; seen in the PowerShell module AtlassianCloudPS",
        after_siblings=True,
        hint=f"give an account that administers this service project, {_ATTEST}",
        role=_ADMINISTRATOR,
        opt_in="undocumented",
    ),
    Endpoint(
        kinds=("jsm.service_desk",),
        path="/rest/servicedesk/1/servicedesk-data/{projectKey}",
        surface=Surface.SITE,
        parent="jsm.service_desk",
        values=_project_key,
        adds=("portal_id", "portal_url"),
        shape=_portal,
        source=Source.UNDOCUMENTED,
        documented=_UNDOCUMENTED,
        hint="give an account that administers this service project",
        role=_ADMINISTRATOR,
        opt_in="undocumented",
    ),
)

UNREADABLE = (Unreadable(kind="jsm.email_filter", parent="jira.site", id_of=lambda site: site.id),)
