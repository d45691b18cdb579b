"""A link to a console is filled with what is known, quoted, and gives way to the page above it rather than lead astray."""

import json
from typing import Any

import msgspec
import pytest
from lxml import html as lxml_html

from scanner.model import Evidence, Finding, Report, Severity, Source, Target, Verdict
from scanner.render import html
from scanner.render import json as json_
from scanner.render.console import link
from tests import samples

ADMIN = "https://admin.atlassian.com/o/{org}/users/{id}"
DESK = "{site_url}/jira/servicedesk/projects/{project}/settings/{who}"
ACME = Target(org="o-1", sites={"acme": "https://acme.atlassian.net/", "beta": "https://beta.atlassian.net"})


def finding(address: str, *, missing: str | None = None, **facts: object) -> Finding:
    return Finding(
        policy="jsm/public-signup-off",
        address=address,
        name="x",
        verdict=Verdict.FAIL,
        severity=Severity.HIGH,
        message="x",
        evidence=tuple(Evidence(path=path, value=value, source=Source.API) for path, value in facts.items()),
        missing=missing,
    )


@pytest.mark.parametrize(
    ("console", "found", "wanted"),
    [
        (ADMIN, finding("org.user/5b10"), "https://admin.atlassian.com/o/o-1/users/5b10"),
        (
            DESK,
            finding("jsm.customer_permissions/acme/HR", who="kim"),
            "https://acme.atlassian.net/jira/servicedesk/projects/HR/settings/kim",
        ),
        (
            DESK,
            finding("jsm.customer_permissions/beta/HR", who=7),
            "https://beta.atlassian.net/jira/servicedesk/projects/HR/settings/7",
        ),
        ("{site_url}/x/{local_id}", finding("jira.group/acme/site/admins"), "https://acme.atlassian.net/x/site%2Fadmins"),
        ("https://docs.example/a", finding("org.user/1"), "https://docs.example/a"),
    ],
)
def test_a_link_is_filled_with_what_the_finding_knows(console: str, found: Finding, wanted: str) -> None:
    assert link(console, found, ACME) == wanted


@pytest.mark.parametrize(
    ("fact", "quoted"), [("a/b", "a%2Fb"), ("a?b=c&d#e", "a%3Fb%3Dc%26d%23e"), ("ü {org}", "%C3%BC%20%7Borg%7D"), ("%2e", "%252e")]
)
def test_a_fact_is_quoted_so_that_it_stays_one_step(fact: str, quoted: str) -> None:
    assert link(DESK, finding("jsm.customer_permissions/acme/HR", who=fact), ACME) == (
        f"https://acme.atlassian.net/jira/servicedesk/projects/HR/settings/{quoted}"
    )


@pytest.mark.parametrize(
    ("console", "found", "wanted"),
    [
        (DESK, finding("jsm.customer_permissions/acme/HR"), "https://acme.atlassian.net"),
        (DESK, finding("jsm.customer_permissions/acme/HR", who=None), "https://acme.atlassian.net"),
        (DESK, finding("jsm.customer_permissions/acme/HR", who=True), "https://acme.atlassian.net"),
        (DESK, finding("jsm.customer_permissions/acme/HR", who=["a"]), "https://acme.atlassian.net"),
        (DESK, finding("jsm.customer_permissions/acme/HR", who=""), "https://acme.atlassian.net"),
        (DESK, finding("jsm.customer_permissions/acme/HR", who=".."), "https://acme.atlassian.net"),
        (ADMIN, finding("org.user"), "https://admin.atlassian.com/o/o-1"),
        (DESK, finding("jsm.customer_permissions", who="kim"), None),
        (DESK, finding("jsm.customer_permissions/gone/HR", who="kim"), None),
    ],
    ids=["absent", "null", "a truth", "a list", "empty", "a step up", "no id", "which of two sites", "a site that was not scanned"],
)
def test_a_link_that_cannot_be_filled_gives_way_to_the_page_above_it(console: str, found: Finding, wanted: str | None) -> None:
    assert link(console, found, ACME) == wanted


def test_without_an_organization_the_link_leads_to_where_one_chooses_it() -> None:
    assert link(ADMIN, finding("org.user/1"), Target(org=None, sites={})) == "https://admin.atlassian.com"


def test_a_gap_that_names_no_site_is_that_of_the_only_one() -> None:
    only = Target(org=None, sites={"acme": "https://acme.atlassian.net"})
    assert link("{site_url}/jira/projects", finding("jsm.customer_permissions"), only) == "https://acme.atlassian.net/jira/projects"
    assert link("{site_url}/jira/projects", finding("jsm.customer_permissions/gone/HR"), only) is None


def test_what_a_gap_hides_fills_the_link_before_what_refused_to_show_it() -> None:
    found = finding("jira.site/acme", missing="jsm.customer_permissions/acme/HR")
    assert link("{site_url}/p/{project}", found, ACME) == "https://acme.atlassian.net/p/HR"


@pytest.mark.parametrize("url", ["javascript:alert(1)//", "ftp://acme", "https://", "https://a b"])
def test_an_address_that_must_not_become_a_link_makes_none(url: str) -> None:
    assert link("{site_url}/x", finding("jsm.customer_permissions/acme/HR"), Target(org=None, sites={"acme": url})) is None


# ------------------------------------------------------------------------------------------------------------- where they are


def reported(console: str) -> Report:
    report = samples.report()
    policies = tuple(msgspec.structs.replace(each, console=console) for each in report.policies)
    return msgspec.structs.replace(report, policies=policies)


def test_findings_of_a_result_carry_their_links() -> None:
    findings = json.loads(json_.render(reported("{site_url}/projects/{project}")))["findings"]
    links = {each["address"]: each["console"] for each in findings}
    assert links["jsm.customer_permissions/acme/HR"] == "https://acme.atlassian.net/projects/HR"
    assert links["jsm.service_desk/acme-support/PARTS"] == "https://acme-support.atlassian.net/projects/PARTS"
    assert links["org.access_domain/ANYONE"] is None


def test_on_the_page_a_finding_has_a_link_of_its_own_where_it_leads_further_than_that_of_its_policy() -> None:
    def links(console: str) -> list[str]:
        page: Any = lxml_html.fromstring(html.render(reported(console)))
        return [str(href) for href in page.xpath("//p[@class='message']/a/@href")]

    assert "https://acme.atlassian.net/projects/HR" in links("{site_url}/projects/{project}")
    assert links("{site_url}/projects") == []
    assert links("https://admin.atlassian.com/o/{org}") == []
