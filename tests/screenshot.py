"""Take the picture of a report that the README shows: `python -m tests.screenshot`."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from scanner.render.html import render
from tests import samples

PICTURE = Path(__file__).parent.parent / "docs" / "report.png"
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium() -> str | None:
    """Return where Chromium is."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")


@contextmanager
def browser() -> Iterator[Browser]:
    """Start Chromium, and end it."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium(), args=QUIET)
        try:
            yield started
        finally:
            started.close()


def take(picture: Path) -> None:
    """Write the picture: the first screen, and a little of what follows."""
    with tempfile.TemporaryDirectory() as folder, browser() as started:
        file = Path(folder) / "report.html"
        file.write_text(render(samples.report()), encoding="utf-8")
        page = started.new_page(viewport={"width": 1280, "height": 1480}, color_scheme="light")
        page.goto(file.as_uri())
        page.screenshot(path=picture)


if __name__ == "__main__":
    take(PICTURE)
