"""How a verdict came about, step by step, as text."""

from collections.abc import Iterable, Iterator

from scanner.conditions import Step, shown
from scanner.model import Explanation, Rule
from scanner.render.text import Line, Page, visible

_WORDS = {True: ("true", "green"), False: ("false", "red"), None: ("unknown", "magenta")}


def page(rule: Rule, explanations: Iterable[Explanation]) -> Page:
    """Return what a terminal shows of how verdicts of one rule came about."""
    return Page(tuple(_lines(rule, tuple(explanations))))


# ---------------------------------------------------------------------------------------------------------------- private


def _lines(rule: Rule, explanations: tuple[Explanation, ...]) -> Iterator[Line]:
    yield Line(((f"{rule.policy.id}: {rule.policy.title}", "bold"),))
    for name, value in rule.params.items():
        yield Line(((f"{name} = {visible(shown(value))}", "dim"),), indent=2)
    for explanation in explanations:
        finding = explanation.finding
        yield Line()
        yield Line(((f"{visible(finding.address)}: {finding.verdict}, {finding.severity}", "bold"),))
        yield Line(((visible(finding.message), ""),), indent=2)
        for title, steps in explanation.steps:
            yield Line(((title, "bold"),), indent=2)
            yield from map(_line, steps)


def _line(step: Step) -> Line:
    word, style = _WORDS[step.truth]
    seen = ((f": {visible(step.seen)}", "dim"),) if step.seen else ()
    return Line(((visible(step.asked), ""), *seen), lead=(f"{word:<8}", style), indent=4 + 2 * step.depth)
