"""A mapping's text taken apart: the variables that it binds, and the expression of each field.

Most mappings are an object, or a block that binds variables and ends in one. Of any other it is only known what it
reads as a whole. Nothing is evaluated here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from mappings import engine
from mappings.overlays import VALUE

_OPEN, _CLOSE = "([{", ")]}"
_Token = tuple[str, str, int]
Reads = dict[str, Any] | bool
"""As `engine.Expression.reads` gives them."""


@dataclass(frozen=True)
class Anatomy:
    """The parts of a mapping; `entries` are None where the text cannot be followed."""

    source: str
    bindings: dict[str, str] = field(default_factory=dict)
    entries: dict[str, str] | None = None

    def expression(self, path: str) -> str | None:
        """The expression of a field or of a property of it, with the variables that it uses; None: not to be found."""
        if self.entries is None:
            return self.source
        name, _, rest = path.partition(".")
        text = self.entries.get(name)
        if text is not None and rest:
            inner = take_apart(text)
            text = inner.entries.get(rest) if inner.entries is not None and not inner.bindings else text
        return None if text is None else self._closed(text)

    def _closed(self, text: str) -> str:
        """The text with the bindings that it needs, in their order."""
        needed: set[str] = set()
        wanted = engine.variables(text)
        while new := (wanted & self.bindings.keys()) - needed:
            needed |= new
            wanted = frozenset().union(*(engine.variables(self.bindings[name]) for name in new))
        bound = "".join(f"${name} := {self.bindings[name]};\n" for name in self.bindings if name in needed)
        return f"({bound}({text}\n))"


def take_apart(source: str) -> Anatomy:
    """The parts of an expression that compiles."""
    tokens = list(engine.tokens(source))
    statements = list(_split(tokens[1:-1], ";")) if _encloses(tokens, "(") else [tokens]
    statements = [statement for statement in statements if statement]
    if not statements:
        return Anatomy(source)
    *before, last = statements
    bindings: dict[str, str] = {}
    for statement in before:
        if not _is_binding(statement) or statement[0][1][1:] in bindings:
            return Anatomy(source)
        bindings[statement[0][1][1:]] = _text(source, statement[3:])
    return Anatomy(source, bindings, _entries(source, last))


def _entries(source: str, tokens: Sequence[_Token]) -> dict[str, str] | None:
    if not _encloses(tokens, "{"):
        return None
    found: dict[str, str] = {}
    for entry in filter(None, _split(tokens[1:-1], ",")):
        if len(entry) < 3 or entry[0][1][0] not in "\"'" or entry[1][1] != ":":
            return None
        found[entry[0][1][1:-1]] = _text(source, entry[2:])
    return found


def _is_binding(tokens: Sequence[_Token]) -> bool:
    words = [text for _, text, _ in tokens[:3]]
    return len(tokens) > 3 and tokens[0][0] == "variable" and words[1:] == [":", "="]


def _encloses(tokens: Sequence[_Token], bracket: str) -> bool:
    """Whether the first token is a bracket that the last one closes."""
    if len(tokens) < 2 or tokens[0][1] != bracket:
        return False
    depths = list(_depths(tokens))
    return depths[-1] == 0 and all(depths[:-1])


def _depths(tokens: Sequence[_Token]) -> Iterator[int]:
    """How deep in brackets one is after each token."""
    depth = 0
    for _, text, _ in tokens:
        depth += (text in _OPEN) - (text in _CLOSE)
        yield depth


def _split(tokens: Sequence[_Token], sign: str) -> Iterator[list[_Token]]:
    part: list[_Token] = []
    for token, depth in zip(tokens, _depths(tokens), strict=True):
        if token[1] == sign and depth == 0:
            yield part
            part = []
        else:
            part.append(token)
    yield part


def _text(source: str, tokens: Sequence[_Token]) -> str:
    _, last, start = tokens[-1]
    return source[tokens[0][2] : start + len(last)]


def reads_of(expression: str) -> Reads:
    """What an expression reads of the mapping's input; `$value` is not part of it."""
    return engine.compile(expression, bound=(VALUE,)).reads()


def read_paths(reads: Reads) -> tuple[str, ...]:
    """The paths that are read, such as `record.user.id`; one that is read whole stands for all below it."""
    if not isinstance(reads, dict):
        return ()
    return tuple(sorted(_paths(reads, "")))


def _paths(reads: dict[str, Any], prefix: str) -> Iterator[str]:
    for name, inner in reads.items():
        if isinstance(inner, dict) and inner:
            yield from _paths(inner, f"{prefix}{name}.")
        elif inner is not False:
            yield f"{prefix}{name}"
