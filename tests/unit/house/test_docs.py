"""The documents: their links lead somewhere, and they name what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

LINK = re.compile(r"\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)")
HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
TARGET = re.compile(r"^([a-z][a-z-]*):.*?## (.+)$", re.MULTILINE)


@pytest.fixture
def documents(files: list[Path]) -> list[Path]:
    """Every Markdown file of the project."""
    return [path for path in files if path.suffix == ".md"]


def _prose(path: Path) -> str:
    return FENCE.sub("", path.read_text())


def _anchors(path: Path) -> set[str]:
    """The anchors that a renderer makes of a document's headings, as GitHub does."""
    words = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(_prose(path)))
    return {text.replace(" ", "-") for text in words}


def _broken(document: Path) -> list[str]:
    broken = []
    for link in LINK.findall(_prose(document)):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (document.parent / name).resolve() if name else document
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            broken.append(f"{document.name}: {link}")
    return broken


def test_every_link_leads_to_a_file_and_a_heading(documents: list[Path]) -> None:
    """A reader who follows a link arrives."""
    assert [path.name for path in documents]
    assert not [link for document in documents for link in _broken(document)]


def test_the_readme_names_every_make_target(root: Path) -> None:
    """What can be typed is written where a newcomer looks."""
    targets = dict(TARGET.findall((root / "Makefile").read_text()))
    readme = (root / "README.md").read_text()
    assert {"install", "demo", "test", "check", "bench"} <= set(targets)
    assert not [
        target for target in targets if f"`make {target}`" not in readme and f"make {target}\n" not in readme
    ]


def test_the_index_names_every_document(root: Path, files: list[Path]) -> None:
    """docs/README.md leads to all that is in docs/."""
    docs = root / "docs"
    index = (docs / "README.md").read_text()
    inside = [
        path.relative_to(docs).as_posix() for path in files if path.suffix == ".md" and docs in path.parents
    ]
    assert not [name for name in inside if name != "README.md" and f"({name})" not in index]


def test_decisions_are_numbered_without_gap_or_double(root: Path) -> None:
    """An ADR is referred to by its number."""
    numbers = sorted(int(path.name[:4]) for path in (root / "docs" / "adr").glob("[0-9]*.md"))
    assert numbers == list(range(len(numbers)))
