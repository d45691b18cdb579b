"""A trace says the same in every format; what others named is text, and nothing is fetched."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from jsonschema import Draft202012Validator
from lxml import html as lxml_html
from markdown_it import MarkdownIt

from scanner import documents
from scanner.model import Source
from scanner.render.markdown import MAX_BYTES
from scanner.render.tracing import formats
from scanner.tracing import Candidate, Companion, Party, Sense, Stop, Through, Trace
from scanner.tracing import Path as Access
from tests import incident, samples, traces
from tests.conftest import Atlascan
from tests.opened import Opener, opening

SCHEMA = documents.schema("trace")


def hostile() -> Trace:
    """Return a trace in which every name that others give is hostile."""
    whole, every = traces.trace(), " ".join(samples.HOSTILE)
    [*events] = whole.timeline
    named = msgspec.structs.replace(events[0], action=every, actor=Party(id="x", name=every, email=every), place=every, used=every)
    path = Access(
        through=Through.GROUP,
        stops=(Stop(address=every, name=every, notes=samples.HOSTILE),),
        target=every,
        name=every,
        gives=every,
        source=Source.API,
    )
    other = Companion(account=every, name=every, email=every, came=None, because=samples.HOSTILE)
    return msgspec.structs.replace(
        whole,
        asked=every,
        person=Candidate(id=every, name=every, email=every, kinds=("org.user",)),
        timeline=(named, *events[1:]),
        paths=(path,),
        companions=(other,),
    )


def long() -> Trace:
    """Return a trace of somebody who did and reaches very much."""
    whole = traces.trace()
    event = next(each for each in whole.timeline if each.sense is Sense.OTHER)
    [path, *_] = whole.paths
    return msgspec.structs.replace(
        whole,
        timeline=tuple(msgspec.structs.replace(event, event=f"org.event/{number}") for number in range(5_000)),
        paths=tuple(msgspec.structs.replace(path, target=f"app-{number}", name=f"App {number}") for number in range(5_000)),
    )


TRACES = {"otto": traces.trace(), "refused": traces.trace(log="refused"), "hostile": hostile(), "long": long()}
PAGES = {name: formats.load("html")(trace) for name, trace in TRACES.items()}


@pytest.fixture(params=TRACES, name="name")
def _name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def parsed(page: str) -> lxml_html.HtmlElement:
    return lxml_html.document_fromstring(page)


def read(page: str) -> str:
    return " ".join(" ".join(map(str, parsed(page).itertext())).split())


# ------------------------------------------------------------------------------------------------------------------- every


@pytest.mark.parametrize("format_", formats.FORMATS)
def test_each_format_tells_the_story(format_: str) -> None:
    told = formats.load(format_)(TRACES["otto"])
    text = read(told) if format_ == "html" else told

    for word in (
        "Pia Project",
        "Ada Admin",
        "evt-incident-24",
        "evt-incident-36",
        "access/approved-domains-need-approval",
        "Zoe Zweite",
    ):
        assert word in text, word


def test_the_command_writes_each_format_to_its_file(atlascan: Atlascan, tmp_path: Path) -> None:
    incident.configuration(tmp_path)
    incident.snapshot(tmp_path)
    wanted = [f"{name}={name}.out" for name in formats.FORMATS]

    done = atlascan("trace", traces.OTTO, "incident-whole-a.ndjson", *(part for each in wanted for part in ("-f", each)))

    assert done.code == 0
    assert all((tmp_path / f"{name}.out").stat().st_size > 1_000 for name in formats.FORMATS)


# ------------------------------------------------------------------------------------------------------------------- json


@pytest.mark.parametrize("person", [pytest.param(each, id=each.name) for each in incident.expected()])
@pytest.mark.parametrize("log", ["whole", "refused"])
def test_the_json_is_as_its_schema_promises(person: incident.Expected, log: incident.Log) -> None:
    Draft202012Validator(SCHEMA).validate(json.loads(formats.load("json")(traces.trace(person.id, log))))


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


# --------------------------------------------------------------------------------------------------------------- markdown


def test_a_hostile_name_is_no_markup_in_the_note(name: str) -> None:
    note = formats.load("markdown")(TRACES[name])
    made = lxml_html.fragment_fromstring(
        MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(note), create_parent="div"
    )

    assert {each.tag for each in made.iter() if isinstance(each.tag, str)} <= {
        "a", "code", "div", "em", "h2", "h3", "li", "ol", "p", "strong", "ul",
    }  # fmt: skip
    assert all(str(each.get("href")).startswith("https://admin.atlassian.com") for each in made.iter("a"))


def test_the_note_fits_into_a_comment(name: str) -> None:
    assert len(formats.load("markdown")(TRACES[name]).encode()) <= MAX_BYTES


# ------------------------------------------------------------------------------------------------------------------- text


def test_a_terminal_is_sent_nothing_but_text(name: str) -> None:
    assert not re.findall(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", formats.load("text")(TRACES[name]))


def test_what_is_long_is_cut_short_and_that_is_said() -> None:
    text = formats.load("text")(TRACES["long"])

    assert len(text.splitlines()) < 500
    assert "4,960 earlier events of other kinds are in the JSON only" in text
    assert "and 4,960 more; -f json has them all" in text


# ------------------------------------------------------------------------------------------------------------------- html


def test_hostile_text_is_only_ever_text(name: str) -> None:
    page = parsed(PAGES[name])

    assert not list(page.iter("script", "iframe", "object", "embed", "base", "form", "img", "link"))
    assert all(str(each.get("href")).startswith("https://admin.atlassian.com") for each in page.iter("a"))
    for each in page.iter("*"):
        assert not [attribute for attribute in each.attrib if str(attribute).startswith("on") or attribute in ("style", "src")]


def test_the_policy_for_content_allows_our_style_only(name: str) -> None:
    [policy] = [str(each.get("content")) for each in parsed(PAGES[name]).iter("meta") if each.get("http-equiv")]
    [ours] = re.findall(r"<style>(.*?)</style>", PAGES[name], re.DOTALL)

    digest = base64.b64encode(hashlib.sha256(ours.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"


def test_the_picture_has_a_box_for_the_person_and_for_what_is_reached() -> None:
    [graph] = [each for each in parsed(PAGES["otto"]).iter("svg") if each.get("class") == "graph"]
    boxes = [str(each.findtext("title")) for each in graph.iter("g")]

    assert boxes[0] == "Otto Outsider"
    assert {each.name for each in TRACES["otto"].paths} <= set(boxes)
    assert len(boxes) == len(set(boxes))


def test_gaps_of_the_logs_are_drawn_as_gaps() -> None:
    drawn = [str(each.findtext("title")) for each in parsed(PAGES["refused"]).iter("rect") if each.get("class") == "gap"]

    assert len(drawn) == len(TRACES["refused"].gaps) == 3
    assert all("tells nothing" in each for each in drawn)


# Our page runs no script; that something runs before it keeps the opener from waiting for one.
NOTHING = "void 0"


@pytest.fixture(scope="module", name="opened")
def _opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opener]:
    with opening(tmp_path_factory.mktemp("pages"), PAGES) as opener:
        yield opener


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_asks_for_nothing_and_stands_in_nobodys_way(scheme: str, opened: Opener) -> None:
    for page in ("otto", "hostile"):
        assert opened(page, scheme=scheme, before=NOTHING).barriers() == []


def test_the_page_fits_on_a_telephone(name: str, opened: Opener) -> None:
    page = opened(name, width=360, before=NOTHING).page

    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
