"""The formats that a report can be rendered in. Each module is imported when it is used: Jinja2 and Rich cost start-up time."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import cast

from scanner.model import Report

Render = Callable[[Report], str]


@dataclass(frozen=True, slots=True)
class Format:
    """A format: the module whose `render` makes it, and what it is good for."""

    module: str
    description: str


FORMATS: dict[str, Format] = {
    "text": Format("scanner.render.text", "plain text for a terminal, a pipe or a log"),
    "html": Format("scanner.render.html", "one page for people, which needs no network"),
    "json": Format("scanner.render.json", "everything, for programs; any other format can be made of it later"),
    "junit": Format("scanner.render.junit", "test results for GitLab, Jenkins, Azure DevOps"),
}


def load(name: str) -> Render:
    """Return the function that renders a report in the format of that name."""
    return cast("Render", import_module(FORMATS[name].module).render)
