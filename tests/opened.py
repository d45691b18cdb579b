"""HTML reports opened in a browser that has no network, and all that should not have happened there."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Dialog, Page, Route

from tests.screenshot import browser, chromium

# WCAG 2.2, 1.4.3: every text against what is painted behind it; colours that are mixed by the browser come as color(srgb ...).
CONTRAST = """() => {
  const parse = (text) => {
    const numbers = text.match(/[\\d.]+/g).map(Number);
    if (text.startsWith("color(")) return [...numbers.slice(0, 3).map((part) => part * 255), numbers[3] ?? 1];
    return [...numbers.slice(0, 3), numbers[3] ?? 1];
  };
  const over = (front, back) => front.slice(0, 3).map((part, index) => part * front[3] + back[index] * (1 - front[3]));
  const behind = (element) => {
    const layers = [];
    for (let each = element; each; each = each.parentElement) layers.push(parse(getComputedStyle(each).backgroundColor));
    return layers.reverse().reduce((back, front) => over(front, back), [255, 255, 255]);
  };
  const luminance = (colour) => colour.slice(0, 3)
    .map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
  const poor = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !element.getClientRects().length || element.closest("script, .sr")) continue;
    const style = getComputedStyle(element);
    const back = behind(element);
    const front = over(parse(style.color), back);
    const [light, dark] = [luminance(front), luminance(back)].sort((a, b) => b - a);
    const ratio = (light + 0.05) / (dark + 0.05);
    if (ratio < 4.5) poor.add(`${element.tagName}.${element.className} ${ratio.toFixed(2)}`);
  }
  return [...poor];
}"""


@dataclass
class Opened:
    """A page that was opened with the network off, and all that should not have happened there."""

    page: Page
    trouble: list[str] = field(default_factory=list)

    def shown(self, selector: str = ".policy .finding") -> int:
        """Return how many there are to be seen."""
        return self.page.locator(f"{selector}:visible").count()

    def status(self) -> str:
        """Return what the page says of how many findings match."""
        return self.page.locator("#status").inner_text()

    def rows(self) -> int:
        """Return how many rows the table says it has, besides its head."""
        return int(self.page.locator("#grid").get_attribute("aria-rowcount") or 0) - 1

    def names(self) -> list[str]:
        """Return the names in the rows that are drawn."""
        return self.page.locator("#grid .opener").all_inner_texts()

    def barriers(self, within: str = "html") -> list[str]:
        """Return what axe-core calls serious or critical, and where."""
        rules = {"rules": {"target-size": {"enabled": True}}}  # WCAG 2.2, which axe leaves out unless it is asked for
        violations = Axe().run(self.page, context=within, options=rules).response["violations"]
        return [
            f"{each['id']}: {node['html'][:200]}"
            for each in violations
            if each["impact"] in ("serious", "critical")
            for node in each["nodes"][:5]
        ]

    def poor_contrasts(self) -> list[str]:
        """Return what has less contrast than WCAG asks for. Axe leaves out what lies over something else."""
        poor: list[str] = self.page.evaluate(CONTRAST)
        return poor


@dataclass
class Opener:
    """Opens pages; in the end none of them may have asked for anything or complained of anything."""

    browser: Browser
    folder: Path
    pages: dict[str, str]
    all: list[Opened] = field(default_factory=list)

    def __call__(
        self,
        name: str,
        fragment: str = "",
        *,
        width: int = 1280,
        scheme: str = "light",
        script: bool = True,
        before: str = "",
    ) -> Opened:
        """Open a page, and wait until its table is there; `before` is a script that runs before its own."""
        file = self.folder / f"{name}.html"
        if not file.exists():
            file.write_text(self.pages[name], encoding="utf-8")
        options: dict[str, Any] = {"color_scheme": scheme, "java_script_enabled": script, "reduced_motion": "reduce"}
        context = self.browser.new_context(viewport={"width": width, "height": 900}, **options)
        context.set_offline(True)
        opened = Opened(context.new_page())
        self.all.append(opened)
        if before:
            context.add_init_script(before)
        self._watch(opened, file)
        opened.page.goto(file.as_uri() + fragment)
        if script and not before:
            opened.page.locator("html.ready").wait_for(state="attached", timeout=60_000)
        return opened

    def close(self) -> None:
        """Close all, and say what should not have happened."""
        closed, self.all = self.all, []
        for each in closed:
            each.page.context.close()
        assert [trouble for each in closed for trouble in each.trouble] == []

    def _watch(self, opened: Opened, file: Path) -> None:
        def only_the_file(route: Route) -> None:
            if route.request.url.partition("#")[0] == file.as_uri():
                route.continue_()
            else:
                opened.trouble.append(f"asked for {route.request.url}")
                route.abort()

        def refuse(dialog: Dialog) -> None:
            opened.trouble.append(f"dialog: {dialog.message}")
            dialog.dismiss()

        opened.page.context.route("**/*", only_the_file)
        opened.page.on("console", lambda message: opened.trouble.append(f"console: {message.text}"))
        opened.page.on("pageerror", lambda error: opened.trouble.append(f"error: {error}"))
        opened.page.on("dialog", refuse)


@contextmanager
def opening(folder: Path, pages: dict[str, str]) -> Iterator[Opener]:
    """Start a browser that opens these pages. Where there is none the test is skipped, but never in CI."""
    if not chromium():
        reason = "THE HTML REPORT IS NOT TESTED IN A BROWSER: there is no chromium on PATH; install it, or set CHROMIUM"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with browser() as started:
        opener = Opener(started, folder, pages)
        yield opener
        opener.close()
