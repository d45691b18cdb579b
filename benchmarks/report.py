"""Measure the HTML report with very many findings in a browser: `python -m benchmarks.report --markdown docs/performance.md`.

The table that it prints, or writes between its two marks in a page, says what was promised of each number.
"""

import argparse
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page

from scanner.model import Report
from scanner.render.html import render
from tests.samples import many_report
from tests.screenshot import browser

MARKS = "<!-- written by benchmarks/report.py -->", "<!-- until here -->"

# From what a reader does until the browser has painted what came of it.
_PAINTED = "new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(performance.now()))))"
ACTS = {
    "filter by verdict": "document.querySelector('.chip.fail').click()",
    "filter by door": "document.querySelector('[data-filter=door][data-value=identity]').click()",
    "search for a name": "search.value = 'ada novák 1'; search.dispatchEvent(new Event('input'))",
    "search for a letter": "search.value = 'e'; search.dispatchEvent(new Event('input'))",
    "sort by resource": "document.querySelector('[data-sort=resource]').click()",
    "open a finding": "document.querySelector('.opener').click()",
}


@dataclass(frozen=True, slots=True)
class Measure:
    """What was measured, the median, and the most that was promised."""

    what: str
    value: float
    unit: str
    most: float | None = None

    @property
    def is_missed(self) -> bool:
        """Tell whether it is more than was promised."""
        return self.most is not None and self.value >= self.most

    @property
    def row(self) -> str:
        """Return it as a row of a Markdown table."""
        promise = "" if self.most is None else f"{'**missed**, ' if self.is_missed else ''}under {self.most:g} {self.unit}"
        return f"| {self.what} | {self.value:.2f} {self.unit} | {promise} |"


def measures(report: Report, rounds: int) -> Iterator[Measure]:
    """Yield what the report costs: to write, to send, to open, and to work with."""
    begin = time.perf_counter()
    page = render(report)
    yield Measure("writing the file", time.perf_counter() - begin, "s")
    yield Measure("its size", len(page.encode()) / 1e6, "MB", 3)
    with tempfile.TemporaryDirectory() as folder, browser() as started:
        file = Path(folder) / "report.html"
        file.write_text(page, encoding="utf-8")
        opened = [_opened(started, file) for _ in range(rounds)]
    for what, most in (("first view", 2), ("the table, from then on", 1)):
        yield Measure(what, statistics.median(each[what] for each in opened) / 1000, "s", most)
    yield Measure("elements on the page", statistics.median(each["elements"] for each in opened) / 1000, "thousand")
    for what in ACTS:
        yield Measure(what, statistics.median(each[what] for each in opened), "ms", 200)


def _opened(started: Browser, file: Path) -> dict[str, float]:
    context = started.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    context.set_offline(True)
    page = context.new_page()
    page.goto(file.as_uri())
    page.locator("html.ready").wait_for(state="attached", timeout=60_000)
    times = {
        "first view": page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"),
        "the table, from then on": page.evaluate(
            "performance.getEntriesByName('ready')[0].startTime - performance.getEntriesByType('navigation')[0].domInteractive"
        ),
        "elements": page.evaluate("document.querySelectorAll('*').length"),
    }
    for what, act in ACTS.items():
        times[what] = timed(page, act)
        if what != "open a finding":
            page.keyboard.press("Escape")
    context.close()
    return times


def timed(page: Page, act: str) -> float:
    """Return the milliseconds from an act until what came of it is painted."""
    script = "async () => { const search = document.querySelector('#search'); const from = performance.now(); "
    return float(page.evaluate(f"{script}{act}; return await {_PAINTED} - from; }}"))


def main() -> None:
    """Print the table, or write it into a page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--findings", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--markdown", type=Path)
    arguments = parser.parse_args()
    measured = list(measures(many_report(arguments.findings), arguments.rounds))
    head = f"| {arguments.findings:,} findings | median of {arguments.rounds} | promised |", "| --- | --: | --- |"
    text = "\n".join((*head, *(each.row for each in measured)))
    if arguments.markdown:
        begin, end = MARKS
        page = arguments.markdown.read_text(encoding="utf-8")
        between = re.compile(f"(?<={re.escape(begin)}).*?(?={re.escape(end)})", re.DOTALL)
        arguments.markdown.write_text(between.sub(lambda _: f"\n\n{text}\n\n", page), encoding="utf-8")
    print(text)
    sys.exit(any(each.is_missed for each in measured))


if __name__ == "__main__":
    main()
