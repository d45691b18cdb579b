"""The formats that a history can be rendered in. Each module is imported when it is used."""

from collections.abc import Callable
from importlib import import_module
from typing import cast

from scanner.model import History
from scanner.render.formats import Format

Render = Callable[[History], str]

FORMATS: dict[str, Format] = {
    "text": Format("scanner.render.history.text", "plain text for a terminal, a pipe or a log"),
    "html": Format("scanner.render.history.html", "one page for people, with pictures, which needs no network"),
    "json": Format("scanner.render.history.json", "everything, for programs"),
}


def load(name: str) -> Render:
    """Return the function that renders a history in the format of that name."""
    return cast("Render", import_module(FORMATS[name].module).render)
