"""The formats that strangers can be rendered in. There may be very many, so each yields whole lines, piece by piece."""

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import cast

from scanner.people import Strangers
from scanner.render.formats import Format

Render = Callable[[Strangers], Iterator[str]]

FORMATS: dict[str, Format] = {
    "text": Format("scanner.render.strangers.text", "plain text for a terminal, a pipe or a log: the oldest of each door"),
    "json": Format("scanner.render.strangers.json", "everybody, for programs"),
    "csv": Format("scanner.render.strangers.csv", "everybody, a row for each sign, for programs and sheets"),
}


def load(name: str) -> Render:
    """Return the function that renders strangers in the format of that name."""
    return cast("Render", import_module(FORMATS[name].module).render)
