"""The formats that a trace can be rendered in. Each module is imported when it is used."""

from collections.abc import Callable
from importlib import import_module
from typing import cast

from scanner.render.formats import Format
from scanner.tracing import Trace

Render = Callable[[Trace], str]

FORMATS: dict[str, Format] = {
    "text": Format("scanner.render.tracing.text", "plain text for a terminal, a pipe or a log"),
    "html": Format("scanner.render.tracing.html", "one page for people, with a picture of the access, which needs no network"),
    "json": Format("scanner.render.tracing.json", "everything, for programs"),
    "markdown": Format("scanner.render.tracing.markdown", "an incident note, to paste in a ticket"),
}


def load(name: str) -> Render:
    """Return the function that renders a trace in the format of that name."""
    return cast("Render", import_module(FORMATS[name].module).render)
