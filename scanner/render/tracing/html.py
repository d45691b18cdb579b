"""A trace as one HTML file: the story, and pictures of the access and of the logs; it runs no script and needs no network."""

from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256

from markupsafe import Markup

from scanner.render.console import filled
from scanner.render.html import environment
from scanner.render.tracing import told
from scanner.render.tracing.picture import Course, Graph, course, graph
from scanner.render.tracing.told import Reached
from scanner.shipped import shipped
from scanner.tracing import Stay, Todo, Trace

TEMPLATE, STYLES = "tracing.html.j2", ("report.css", "tracing.css")
# So much is shown of a kind; the JSON has it all.
MOST = 200


@dataclass(frozen=True, slots=True)
class Told:
    """A stay, worded: how likely each way is, and what rules others out."""

    span: str
    stay: Stay
    ruled_out: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Event:
    """An event, worded; with `css` for what it means."""

    time: str
    sense: str
    css: str
    happened: str
    address: str


@dataclass(frozen=True, slots=True)
class Page:
    """Everything that the template shows, worded."""

    trace: Trace
    title: str
    subtitle: str
    story: tuple[str, ...]
    stays: tuple[Told, ...]
    states: tuple[tuple[str, str], ...]
    reached: tuple[Reached, ...]
    public: tuple[Reached, ...]
    more_reached: int
    graph: Graph
    course: Course
    gaps: tuple[str, ...]
    events: tuple[Event, ...]
    more: int
    links: tuple[str | None, ...]


def render(trace: Trace) -> str:
    """Return the trace as one HTML document."""
    style = "\n".join((shipped("reports") / name).read_text(encoding="utf-8") for name in STYLES)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    csp = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    made_by = environment()
    made_by.filters |= {"route": told.route, "day": told.day, "verdict": told.verdict}
    rendered: str = made_by.get_template(TEMPLATE).render(page=_page(trace), style=Markup(style), csp=csp)  # noqa: S704  our own style
    return rendered


# ---------------------------------------------------------------------------------------------------------------- private


def _page(trace: Trace) -> Page:
    events, reached, public = trace.timeline[-MOST:], told.with_account(trace), told.without_account(trace)
    return Page(
        trace=trace,
        title=told.title(trace),
        subtitle=told.subtitle(trace),
        story=tuple(told.story(trace)),
        stays=tuple(_stay(stay, number) for number, stay in enumerate(trace.stays)),
        states=tuple((told.state(way), {True: "fail", False: "pass", None: "unknown"}[way.is_open]) for way in trace.doorways),
        reached=reached[:MOST],
        public=public[:MOST],
        more_reached=max(0, len(reached) - MOST) + max(0, len(public) - MOST),
        graph=graph(trace),
        course=course(trace),
        gaps=tuple(map(told.gap, trace.gaps)),
        events=tuple(
            Event(told.minute(each.time), told.SENSES[each.sense], each.sense.value, told.happened(each), each.event)
            for each in events
        ),
        more=len(trace.timeline) - len(events),
        links=tuple(_link(each, trace) for each in trace.todo),
    )


def _stay(stay: Stay, number: int) -> Told:
    return Told(told.span(stay, number), stay, tuple(told.ruled_out(stay).items()))


def _link(each: Todo, trace: Trace) -> str | None:
    return filled(each.console, trace.snapshot.target, {}, None) if each.console else None
