"""The formats that drift can be rendered in. Each module is imported when it is used."""

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import cast

from scanner.model import Drift
from scanner.render.formats import Format

Render = Callable[[Drift], str]

FORMATS: dict[str, Format] = {
    "text": Format("scanner.render.drift.text", "plain text for a terminal, a pipe or a log"),
    "html": Format("scanner.render.drift.html", "one page for people, which needs no network"),
    "json": Format("scanner.render.drift.json", "everything, for programs"),
    "markdown": Format("scanner.render.drift.markdown", "the drift in short, for a comment on a pull request or a chat"),
    "junit": Format("scanner.render.drift.junit", "test results: what opened fails, what went out of sight is an error"),
    "sarif": Format("scanner.render.drift.sarif", "what opened and what is open still, for code scanning"),
}


def load(name: str, *, whole: bool = False) -> Render:
    """Return the function that renders drift in the format of that name; `whole` is text that is not cut short."""
    render = import_module(FORMATS[name].module).render
    return partial(render, whole=True) if whole and name == "text" else cast("Render", render)
