"""The formats that what would be can be rendered in. Each module is imported when it is used."""

from collections.abc import Callable
from importlib import import_module
from typing import cast

from scanner.people import WhatIf
from scanner.render.formats import Format

Render = Callable[[WhatIf], str]

FORMATS: dict[str, Format] = {
    "text": Format("scanner.render.whatif.text", "plain text for a terminal, a pipe or a log"),
    "json": Format("scanner.render.whatif.json", "everything, for programs"),
}


def load(name: str) -> Render:
    """Return the function that renders what would be in the format of that name."""
    return cast("Render", import_module(FORMATS[name].module).render)
