"""The pages that people read, and what is fenced in them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests import reference

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
GENERATED = sorted(reference.PAGES)
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
FENCED = re.compile(r'^```(\w*)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a page."""

    page: Path
    language: str
    title: str
    text: str


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> Iterator[Block]:
    for language, title, text in FENCED.findall(page.read_text(encoding="utf-8")):
        yield Block(page, language, title, text)
