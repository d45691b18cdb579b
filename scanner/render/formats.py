"""The formats that a report can be rendered in. Each module is imported when it is used: Jinja2 and Rich cost start-up time."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from traceback import extract_tb
from typing import cast

from scanner.errors import InputError, Place
from scanner.model import Report

Render = Callable[[Report], str]


@dataclass(frozen=True, slots=True)
class Format:
    """A format: the module whose `render` makes it, what it is good for, and whether `render` takes a folder of templates too."""

    module: str
    description: str
    has_templates: bool = False


FORMATS: dict[str, Format] = {
    "text": Format("scanner.render.text", "plain text for a terminal, a pipe or a log"),
    "html": Format("scanner.render.html", "one page for people, which needs no network", has_templates=True),
    "json": Format("scanner.render.json", "everything, for programs; any other format can be made of it later"),
    "junit": Format("scanner.render.junit", "test results for GitLab, Jenkins, Azure DevOps"),
    "junit-strict": Format("scanner.render.junit_strict", "test results for readers that check the file by a schema"),
    "markdown": Format("scanner.render.markdown", "the report in short, for a comment on a pull request or a CI step's summary"),
    "csv": Format("scanner.render.csv", "the findings as a table, for programs and sheets"),
    "action-plan": Format("scanner.render.action_plan", "what is to be done, as a sheet that people fill in"),
    "sarif": Format("scanner.render.sarif", "failures for code scanning, as on GitHub, and for other readers of SARIF"),
    "oscal": Format("scanner.render.oscal", "assessment results for the tools of auditors"),
    "gitlab": Format("scanner.render.gitlab", "a Code Quality report for merge requests in GitLab"),
    "github": Format("scanner.render.github", "annotations for the log of a step in GitHub Actions"),
}


def load(name: str, templates: Path | None = None) -> Render:
    """Return the function that renders a report in the format of that name; with one's own templates where it has any."""
    render = import_module(FORMATS[name].module).render
    return partial(_with, templates, render) if templates and FORMATS[name].has_templates else cast("Render", render)


# ---------------------------------------------------------------------------------------------------------------- private


def _with(templates: Path, render: Callable[[Report, Path], str], report: Report) -> str:
    """Render with somebody's own templates.

    Raises:
        InputError: Something went wrong in one of them.
    """
    try:
        return render(report, templates)
    except UnicodeDecodeError as error:
        raise InputError(f"{templates}: a template is not UTF-8 text") from error
    except Exception as error:  # a template is a program, and may fail in any way; our own failures are none of its
        place = _place(error, templates)
        if place is None:
            raise
        hint = "mend the template, or take it out of the folder to use the one that ships"
        raise InputError(f"{error}", hint=hint, place=place) from error


def _place(error: Exception, templates: Path) -> Place | None:
    """Return where in a template an error arose: Jinja puts the template's own lines into the traceback."""
    for frame in reversed(extract_tb(error.__traceback__)):
        if Path(frame.filename).resolve().is_relative_to(templates.resolve()):
            return Place(frame.filename, frame.lineno or 1)
    return None
