"""Every report says whom each service desk is judged to serve, and whether anybody declared it."""

import json
from typing import Any

import msgspec
from lxml import html as lxml_html

from scanner import config as configuration
from scanner import results
from scanner.config import Config, Site
from scanner.model import Desk
from scanner.render import html, text
from scanner.render import json as json_
from tests import samples

DESKS = configuration.declaration(
    Config(sites=(Site("acme", "https://acme.atlassian.net"),), desks={"IT": "employees", "SUP": "public"}),
    ["acme/IT", "acme/SUP", "acme/HR"],
).desks(["acme/SUP", "acme/IT", "acme/HR"])
REPORT = msgspec.structs.replace(samples.report(), desks=DESKS)


def test_a_desk_is_judged_as_declared_and_as_closed_if_nobody_declared_it() -> None:
    assert REPORT.desks == (
        Desk(id="acme/HR", kind="closed", declared=False),
        Desk(id="acme/IT", kind="employees", declared=True),
        Desk(id="acme/SUP", kind="public", declared=True),
    )


def test_the_text_counts_the_desks_by_kind() -> None:
    assert "desks     1 closed, 1 employees, 1 public; 1 not declared, and judged as closed\n" in text.render(REPORT)
    assert "\ndesks" not in text.render(samples.report())


def test_the_page_lists_the_desks() -> None:
    page: Any = lxml_html.fromstring(html.render(REPORT))
    rows = [[" ".join(cell.text_content().split()) for cell in row] for row in page.xpath("//section[@id='desks']//tbody/tr")]
    assert rows == [
        ["acme/HR", "closed", "by nobody"],
        ["acme/IT", "employees", "in the configuration"],
        ["acme/SUP", "public", "in the configuration"],
    ]


def test_the_result_holds_the_desks_and_is_read_back() -> None:
    assert json.loads(json_.render(REPORT))["desks"][0] == {"id": "acme/HR", "kind": "closed", "declared": False}
    assert results.parse(json_.render(REPORT).encode(), "result.json") == REPORT
