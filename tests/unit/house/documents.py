"""Reading the project's Markdown: its sections, its fenced blocks, and the parts that are made from the code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^(#{1,6}) (.+)$", re.MULTILINE)
_GENERATED = re.compile(r"(<!-- made from the code: (.+?) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and the document and line where it stands."""

    language: str
    text: str
    document: Path
    line: int

    def __str__(self) -> str:
        return f"{self.document.name}:{self.line}"


def documents() -> list[Path]:
    """The README, CONTRIBUTING and everything in docs/."""
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]


def blocks(document: Path, *languages: str) -> list[Block]:
    """The fenced blocks of a document in the given languages, in their order."""
    text = document.read_text("utf-8")
    return [
        Block(match[1], match[2], document, text[: match.start()].count("\n") + 1)
        for match in _FENCE.finditer(text)
        if match[1] in languages
    ]


def all_blocks(*languages: str) -> list[Block]:
    """The fenced blocks of all documents in the given languages."""
    return [block for document in documents() for block in blocks(document, *languages)]


def sections(document: Path) -> dict[str, str]:
    """The text under each heading, up to the next heading of any level; headings in fences are none."""
    text = document.read_text("utf-8")
    plain = _FENCE.sub(lambda match: " " * len(match[0]), text)
    found = list(_HEADING.finditer(plain))
    ends = [match.start() for match in found[1:]] + [len(text)]
    return {match[2]: text[match.end() : end] for match, end in zip(found, ends, strict=True)}


def quoted(text: str) -> set[str]:
    """What stands in backticks in a text, outside of fences."""
    return set(re.findall(r"`([^`\n]+)`", _FENCE.sub("", text)))


def generated(text: str) -> Iterator[tuple[str, str]]:
    """The name and the present text of each part of a document that is made from the code."""
    for match in _GENERATED.finditer(text):
        yield match[2], match[3]


def regenerated(text: str, made: dict[str, str]) -> str:
    """The document's text with each such part as it should be."""
    return _GENERATED.sub(lambda match: f"{match[1]}{made[match[2]]}{match[4]}", text)
