"""Take the picture of the demo's report that the README shows: `python -m tests.screenshot`."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

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
        command = [sys.executable, "-m", "scanner", "demo", "--output", folder]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)  # noqa: S603  our own program
        page = started.new_page(viewport={"width": 1280, "height": 1900}, color_scheme="light")
        page.goto((Path(folder) / "report.html").as_uri())
        page.screenshot(path=picture)


if __name__ == "__main__":
    take(PICTURE)
