"""The Markdown says the worst first, fits into a comment whatever it tells of, and holds nothing that others can make act."""

import re
from collections.abc import Callable, Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from scanner.model import BaselineState, Finding, Report, Severity, Verdict
from scanner.render.markdown import code, prose, render, sentence
from tests import samples

SAMPLES = [samples.report, samples.compared_report, samples.hostile_report, samples.empty_report]
LIMIT = 65_536  # GitHub's, in characters, for a comment
# What GitHub or GitLab make a link of, or notify somebody by, in text that is no code.
REFERENCE = re.compile(r"(?<![\w`])[@#!%~$&^][\w\"]|\w@\w|://|\bwww\.|\bGH-\d", re.IGNORECASE)

every_sample = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.__name__)


def tokens(text: str) -> Iterator[Token]:
    """Yield what a reader of GitHub Flavored Markdown sees, blocks and what is in them."""
    for block in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text):
        yield block
        yield from block.children or ()


def types(text: str) -> set[str]:
    return {token.type for token in tokens(text)}


def shown(text: str) -> str:
    """Return what a reader sees of text that is in one line."""
    return "".join(token.content for token in tokens(text) if token.type in {"text", "text_special", "code_inline"})


def of(*findings: Finding) -> str:
    return render(msgspec.structs.replace(samples.report(), findings=findings))


# ----------------------------------------------------------------------------------------------------------------- what it says


def test_it_begins_with_the_verdict_and_the_counts() -> None:
    lines = render(samples.report()).splitlines()
    assert lines[:11] == [
        "## atlascan: Acme Industries",
        "",
        "**Exit code 1: 5 failures at severity high or above, 1 waived; 5 could not be judged**",
        "",
        "| | fail | unknown | waived | pass | not applicable |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        "| **all** | 6 | 5 | 1 | 6 | 3 |",
        "| access | 2 | 1 | 1 | 1 | 2 |",
        "| attestation | 1 | 0 | 0 | 3 | 0 |",
        "| jsm | 3 | 4 | 0 | 2 | 1 |",
        "",
    ]


def test_policies_that_fail_come_worst_first() -> None:
    titles = [line for line in render(samples.report()).splitlines() if line.startswith("#### ")]
    assert titles == [
        "#### critical: Nobody joins by merely having an e-mail address",
        "#### critical: Strangers cannot make themselves customers of a service desk",
        "#### critical: Support mail arrives at a domain of its own",
        "#### high: Ordinary users cannot invite anybody",
        "#### high: What people attest is current, proven and not contradicted",
    ]


def test_what_is_new_comes_before_what_is_known_however_bad() -> None:
    text = render(samples.compared_report())
    titles = [line for line in text.splitlines() if line.startswith("#### ")]
    assert titles[-1] == "#### critical: Nobody joins by merely having an e-mail address"
    assert "- **new** `org.user_invites/jira` User invites of Jira: ordinary users may bring people in" in text
    assert "\n- `org.access_domain/ANYONE` Any domain: " in text


def test_against_a_baseline_it_says_what_is_new_known_and_vanished() -> None:
    text = render(samples.compared_report())
    assert (
        "Against the baseline of 2026-03-15 06:00 UTC: 5 fail and 5 unknown that are new, 1 fail and 0 unknown that are known; "
        "vanished: 1 passes now, 1 not applicable now, 1 unknown now, and may fail still.\n"
    ) in text
    assert "- passes now: `access/no-invites-allowed` `org.user_invites/jira-service-management`: " in text
    assert "baseline" not in render(samples.report())


def test_a_failure_says_where_and_what_to_do() -> None:
    text = render(samples.report())
    section = text[text.index("#### critical: Strangers") :].partition("####")[2].partition("####")[0]
    assert "`jsm/public-signup-off`: 1 of 2 fails\n" in section
    assert (
        "- `jsm.customer_permissions/acme/HR` People (HR): anyone can make themselves a customer here "
        "([open](https://acme.atlassian.net/jira/projects))\n"
    ) in section
    assert "What to do:\n\n1. Open the service project" in section


def test_what_is_unknown_is_grouped_by_what_would_lift_it() -> None:
    first, *_ = unknown = [each for each in samples.report().findings if each.hint]
    again = [msgspec.structs.replace(first, address=f"org.user_invites/{number}") for number in range(7)]
    text = of(*unknown, *again)
    assert text.count(f"**{sentence(first.hint or '')}**") == 1
    assert f"- high, 8 unknown: **{sentence(first.hint or '')}** `{first.address}`, `org.user_invites/0`" in text
    assert " and 3 more\n" in text


def test_waivers_that_need_somebody_are_named_and_others_are_not() -> None:
    text = render(samples.report()).partition("### Waivers")[2]
    assert "expired after 2026-05-31; owner support" in text
    assert "not honoured: " in text
    assert "EVENTS" not in text


def test_a_report_of_nothing_says_so() -> None:
    text = render(samples.empty_report())
    assert "**Exit code 3: nothing was judged at severity high or above**" in text
    assert "| **all** | 0 | 0 | 0 | 0 | 0 |" in text
    assert "### " not in text


# ------------------------------------------------------------------------------------------------------------------- how much


@every_sample
def test_it_fits_into_a_comment(sample: Callable[[], Report]) -> None:
    assert len(render(sample()).encode()) < LIMIT


def test_very_many_findings_fit_into_a_comment() -> None:
    assert len(render(samples.many_report(100_000)).encode()) < LIMIT


def test_what_has_no_room_is_counted() -> None:
    report = samples.many_report(100_000)
    text = render(report)
    failing = sum(counts["fail"] for counts in report.counts().values())
    listed = len(re.findall(r"^- (?!\*\*\d)", section(text, "Failures"), re.MULTILINE))
    more = [int(number) for number in re.findall(r"\*\*(\d+) more failures?", section(text, "Failures"))]
    assert listed + sum(more) == failing
    unknown = section(text, "Could not be judged")
    told = [int(number) for number in re.findall(r"(?:, |\*\*)(\d+) (?:unknown|more unknown)", unknown)]
    assert sum(told) == sum(counts["unknown"] for counts in report.counts().values())


def section(text: str, title: str) -> str:
    return text.partition(f"\n### {title}\n")[2].partition("\n### ")[0]


def test_names_of_a_megabyte_fit_too() -> None:
    long = "é`|@" * 250_000
    findings = tuple(
        msgspec.structs.replace(each, name=long, address=f"{each.address}/{long}", message=long, hint=each.hint and long)
        for each in samples.report().findings
    )
    report = msgspec.structs.replace(samples.report(), findings=findings, tool=long, profile=long)
    policies = tuple(msgspec.structs.replace(each, title=long, remediation=(long,) * 1_000) for each in report.policies)
    target = msgspec.structs.replace(report.snapshot.target, org_name=long)
    report = msgspec.structs.replace(
        report, policies=policies, snapshot=msgspec.structs.replace(report.snapshot, target=target, id=long, recorded=long)
    )
    assert len(render(report).encode()) < LIMIT


def test_very_many_areas_and_disabled_policies_are_counted() -> None:
    report = samples.report()
    policies = tuple(msgspec.structs.replace(report.policies[0], id=f"area{number}/x") for number in range(1_000))
    text = render(msgspec.structs.replace(report, policies=policies, findings=()))
    assert "980 more areas are in the report.\n" in text


# ------------------------------------------------------------------------------------------------------------------ hostile text


@every_sample
def test_nothing_is_html_and_no_link_but_ours_leads_anywhere(sample: Callable[[], Report]) -> None:
    for token in tokens(render(sample())):
        assert token.type not in {"html_inline", "html_block", "image", "fence", "code_block", "blockquote_open", "hr"}
        if token.type == "link_open":
            assert str(token.attrs["href"]).startswith("https://")


@every_sample
def test_nobody_is_notified_and_nothing_is_referred_to(sample: Callable[[], Report]) -> None:
    for token in tokens(render(sample())):
        if token.type in {"text", "text_special"}:
            assert not REFERENCE.search(token.content), token.content


def test_hostile_text_adds_no_kind_of_markup_that_a_harmless_report_lacks() -> None:
    assert types(render(samples.hostile_report())) <= types(render(samples.report())) | types(render(samples.compared_report()))


HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "[click](https://evil.example) ![x](https://evil.example/x.png)",
    "[ref]: https://evil.example",
    "https://evil.example www.evil.example mailto:eve@evil.example",
    "@acme/security @kim #1 acme/repo#123 GH-7 !5 %3 ~bug $9 &12 ^alert#3",
    "**bold** _em_ ~~gone~~ `code` ``two``",
    "a | b | c",
    "# title",
    "- item",
    "1. item",
    "2) item",
    "> quote",
    "---",
    "===",
    "```sh",
    "    indented",
    "line\n\n# title\n",
    "&lt;b&gt; &#64;kim &commat;kim",
    "\\@kim \\<b>",
    "ends with a backslash \\",
    "`",
    "``",
    " ` ",
    "",
    "\u202egpj.exe\u200b\x00\x1b[31m",
    "$x$ $$y$$",
    ":+1:",
    "\ud800",
    *samples.HOSTILE,
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_in_a_sentence_is_text(text: str) -> None:
    markdown = f"- {prose(text)}: end"
    assert types(markdown) <= {"bullet_list_open", "list_item_open", "paragraph_open", "inline", "text", "text_special"} | {
        "paragraph_close",
        "list_item_close",
        "bullet_list_close",
    }
    assert not REFERENCE.search(shown(markdown)), markdown


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_as_code_is_code(text: str) -> None:
    inner = [token.type for token in tokens(f"- x {code(text)} y") if not token.block]
    assert inner == ["text", "code_inline", "text"]


@given(st.text(st.characters(), max_size=40))
def test_whatever_the_text_it_ends_where_it_ends(text: str) -> None:
    table = f"| a | b |\n| --- | --- |\n| {prose(text)} | {prose(text)} |"
    assert [token.type for token in tokens(table)].count("td_open") == 2
    assert "link_open" not in types(table)
    assert [token.type for token in tokens(f"- x {code(text)} y") if not token.block] == ["text", "code_inline", "text"]
    in_bold = [token.type for token in tokens(f"- {prose(text)} **end**")]
    assert in_bold.count("strong_open") == 1


def test_text_reads_as_it_was_written() -> None:
    text = "Support_desk *1* (a|b) <x> & [y] ~ $5. 50% #ok"
    assert shown(prose(text)).replace("\u200b", "") == text
    assert shown(code("a `b` c")) == "a `b` c"
    assert shown(sentence("run `atlascan attest --by <you>` then @kim")).replace("\u200b", "") == (
        "run atlascan attest --by <you> then @kim"
    )


def test_a_link_is_not_ended_by_what_it_leads_to() -> None:
    report = samples.report()
    sites = {"acme": "https://acme.example/a)b<c>|d`e"}
    target = msgspec.structs.replace(report.snapshot.target, sites=sites)
    text = render(msgspec.structs.replace(report, snapshot=msgspec.structs.replace(report.snapshot, target=target)))
    links = {str(token.attrs["href"]) for token in tokens(text) if token.type == "link_open"}
    assert "https://acme.example/a%29b%3Cc%3E%7Cd%60e/jira/projects" in links


def test_the_severity_is_said_where_it_is_not_that_of_the_title() -> None:
    finding = next(each for each in samples.report().findings if each.word == "fail")
    low = msgspec.structs.replace(finding, severity=Severity.LOW, address="x/low", baseline=BaselineState.NEW)
    text = of(finding, low)
    assert "- **new** **low** `x/low`" in text
    assert f"- `{finding.address}`" in text
    assert finding.verdict is Verdict.FAIL
