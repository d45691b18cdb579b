"""`atlascan policy lint`: what is wrong or odd in policy files, all of it at once."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

import click
import msgspec

from scanner import documents, policies
from scanner import lint as linting
from scanner.cli import options, output, pipeline
from scanner.cli.policies import files
from scanner.cli.policies.files import PolicyFile
from scanner.errors import InputError, Place
from scanner.lint import Level, Problem
from scanner.render.text import visible

_NOT_YAML = "look at the indentation and the quotes of this line and of the one above"


@click.command("lint")
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--strict", is_flag=True, help="Let warnings count as errors do.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@options.config
@click.pass_context
def command(ctx: click.Context, *, paths: tuple[Path, ...], strict: bool, form: str, config_file: Path | None) -> None:
    """Say what is wrong or odd in the policies at PATH, with file, line and column.

    PATH is a file or a folder; without any, all policies that ship and that the configuration names are looked at. Exits 1 if
    something is an error, or with --strict a warning.
    """
    config = files.configured(config_file)
    named, taken = files.named(paths, config), files.others(config)
    for file in named:
        taken.setdefault(file.id, file.path)
    today = pipeline.utc_now().date()
    problems = [problem for file in named for problem in _problems(file, taken, today)]
    counts = Counter(problem.level for problem in problems)
    output.to_stdout(_json(problems, counts) if form == "json" else _text(problems, counts, len(named)))
    ctx.exit(1 if counts[Level.ERROR] or (strict and problems) else 0)


# ---------------------------------------------------------------------------------------------------------------- private


def _problems(file: PolicyFile, taken: Mapping[str, Path], today: date) -> Iterator[Problem]:
    other = taken.get(file.id)
    if other and other.resolve() != file.path.resolve():
        place = Place(str(file.path))
        yield Problem(place, Level.ERROR, f"there is a policy {file.id!r} already, in {other}", "rename the file")
    try:
        document = documents.load(file.path, "policy")
    except InputError as error:
        yield _of_error(error, file)
        return
    complaints = [_of_error(complaint, file) for complaint in policies.complaints(document)]
    yield from sorted(complaints, key=lambda problem: (problem.place.line, problem.place.column))
    if not complaints:
        yield from linting.lint(policies.parse(document, file.id), document, today)


def _of_error(error: InputError, file: PolicyFile) -> Problem:
    hint = _NOT_YAML if error.problem.startswith("not valid YAML") else error.hint
    return Problem(error.place or Place(str(file.path)), Level.ERROR, error.problem, hint)


def _text(problems: list[Problem], counts: Mapping[Level, int], looked_at: int) -> str:
    number = {level: f"{counts[level]} {level}{'' if counts[level] == 1 else 's'}" for level in Level}
    summary = f"{looked_at} {'policy' if looked_at == 1 else 'policies'}: {', '.join(number.values())}"
    return "\n".join([*map(_line, problems), summary])


def _line(problem: Problem) -> str:
    place, hint = problem.place, f" ({problem.hint})" if problem.hint else ""
    return visible(f"{place.file}:{place.line}:{place.column}: {problem.level}: {problem.message}{hint}")


def _json(problems: list[Problem], counts: Mapping[Level, int]) -> str:
    entries = [
        {
            "file": problem.place.file,
            "line": problem.place.line,
            "column": problem.place.column,
            "severity": problem.level,
            "message": problem.message,
            "hint": problem.hint,
        }
        for problem in problems
    ]
    encoded = msgspec.json.encode({"errors": counts[Level.ERROR], "warnings": counts[Level.WARNING], "problems": entries})
    return msgspec.json.format(encoded, indent=2).decode()
