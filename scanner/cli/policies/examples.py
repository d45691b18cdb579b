"""`atlascan policy test`: the proof of policies by their own examples."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import click

from scanner import documents, policies
from scanner.cli import options, output, proof
from scanner.cli.policies import files
from scanner.cli.policies.files import PolicyFile
from scanner.cli.proof import Proof
from scanner.errors import InputError
from scanner.render.text import visible

_NO_TIME = "0.000"  # an example takes microseconds


@click.command("test")
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--junit", "junit_file", type=click.Path(path_type=Path), metavar="FILE", help="Write the outcome as JUnit XML too.")
@options.config
@click.pass_context
def command(ctx: click.Context, *, paths: tuple[Path, ...], junit_file: Path | None, config_file: Path | None) -> None:
    """Judge the examples of the policies at PATH, and see whether the fixes mend those that fail.

    PATH is a file or a folder; without any, all policies that ship and that the configuration names are tested. A policy without an
    example that passes and one that fails is not proven. Exits 1 if an example is wrong, and 2 if a file is.
    """
    named = files.named(paths, files.configured(config_file))
    proofs, broken = _proven(named)
    if junit_file:
        output.to_file(junit_file, _junit(proofs, broken))
    wrong = [each for each in proofs if each.problem]
    lines = [str(error) for error in broken]
    lines += [f"{each.policy.file}:{each.line}: {each.policy.id}: {each.name}: {each.problem}" for each in wrong]
    output.to_stdout("\n".join([*map(visible, lines), _summary(named, proofs, wrong, broken)]))
    ctx.exit(2 if broken else 1 if wrong else 0)


# ---------------------------------------------------------------------------------------------------------------- private


def _proven(named: Iterable[PolicyFile]) -> tuple[list[Proof], list[InputError]]:
    """Return the proofs of all policies that can be read, and why the others cannot."""
    proofs: list[Proof] = []
    broken: list[InputError] = []
    for file in named:
        try:
            proofs += proof.proofs(policies.parse(documents.read(file.path, "policy"), file.id))
        except InputError as error:
            broken.append(error)
    return proofs, broken


def _summary(named: Sequence[PolicyFile], proofs: Sequence[Proof], wrong: Sequence[Proof], broken: Sequence[InputError]) -> str:
    outcome = f"{len(wrong)} fail" if wrong else "all pass"
    unread = f"; {_counted(broken, 'file')} could not be read" if broken else ""
    return f"{_counted(named, 'file')}, {_counted(proofs, 'test')}: {outcome}{unread}"


def _counted(things: Sequence[object], noun: str) -> str:
    return f"{len(things)} {noun}{'' if len(things) == 1 else 's'}"


def _junit(proofs: Iterable[Proof], broken: Iterable[InputError]) -> str:
    root = ET.Element("testsuites")
    by_policy: dict[str, list[Proof]] = {}
    for each in proofs:
        by_policy.setdefault(each.policy.id, []).append(each)
    for id_, own in by_policy.items():
        cases = [(f"{each.name} (line {each.line})", each.problem, "failure") for each in own]
        _add_suite(root, id_, str(own[0].policy.file), cases)
    for error in broken:
        file = error.place.file if error.place else "policies"
        _add_suite(root, file, file, [("can be read", str(error), "error")])
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _add_suite(root: ET.Element, name: str, file: str, cases: Iterable[tuple[str, str | None, str]]) -> None:
    suite = ET.SubElement(root, "testsuite", {"name": visible(name), "file": visible(file), "time": _NO_TIME})
    for case_name, problem, outcome in _numbered(cases):
        case = ET.SubElement(suite, "testcase", {"name": visible(case_name), "classname": visible(name), "time": _NO_TIME})
        if problem:
            ET.SubElement(case, outcome, {"message": visible(problem)}).text = visible(problem)
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("errors", str(len(suite.findall("testcase/error"))))


def _numbered(cases: Iterable[tuple[str, str | None, str]]) -> Iterator[tuple[str, str | None, str]]:
    """Yield cases with names that are all different: readers ignore the second of two of one name."""
    given: dict[str, int] = {}
    for name, problem, outcome in cases:
        given[name] = given.get(name, 0) + 1
        yield (name if given[name] == 1 else f"{name} #{given[name]}", problem, outcome)
