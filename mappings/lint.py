"""What is doubtful about a mapping and its overlays, read off their text before any record is mapped.

What only data show (a value of the wrong type, a field that is never there) is the business of the check, and of
`lms mapping test`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import orjson

from mappings import engine
from mappings.anatomy import Anatomy, take_apart
from mappings.merging import Merged, Origin
from mappings.model import Field, Kind, Resource
from mappings.overlays import WHOLE, Overlay, known_paths, nearest
from mappings.rows import parse_instant

_Token = tuple[str, str, int]


@dataclass(frozen=True)
class Finding:
    """One doubt: the code, the field, where it is written, and a sentence."""

    code: str
    field: str
    place: str
    sentence: str


def lint(resource: Resource, merged: Merged, overlays: Sequence[Overlay] = ()) -> list[Finding]:
    """What is doubtful: unknown fields, dead fallbacks and entries, ids, words, times without a zone."""
    found = list(_dead_entries(merged, overlays))
    fields = dict(resource.paths())
    for origin in merged.origins:
        if origin.expression is None:
            continue
        found += _dead_fallbacks(origin)
        if origin.path == WHOLE:
            found += _of_whole(resource, origin)
        elif origin.path in fields:
            found += _of_field(origin.path, fields[origin.path], origin.expression, origin.place)
    return found


def _dead_entries(merged: Merged, overlays: Iterable[Overlay]) -> Iterator[Finding]:
    """Lines of an overlay that a later level replaces."""
    in_force = {origin.place for origin in merged.origins}
    for overlay in overlays:
        for entry in overlay.entries:
            if entry.place not in in_force:
                sentence = "a later level replaces it without using $value, so that it is never evaluated"
                yield Finding("dead_entry", entry.path, entry.place, sentence)


def _of_whole(resource: Resource, origin: Origin) -> Iterator[Finding]:
    anatomy = take_apart(origin.expression or "")
    if anatomy.entries is None:
        sentence = (
            "the expression does not end in an object, so that its fields cannot be looked at one by one"
        )
        yield Finding("not_followed", WHOLE, origin.place, sentence)
        return
    yield from _unknown_fields(resource, anatomy, origin.place)
    for path, field in resource.paths():
        text = _own_text(anatomy, path)
        if text is not None:
            yield from _of_field(path, field, text, origin.place)


def _own_text(anatomy: Anatomy, path: str) -> str | None:
    """The text of a field's own entry, without the variables that it uses."""
    name, _, rest = path.partition(".")
    text = (anatomy.entries or {}).get(name)
    if text is None or not rest:
        return text
    return (take_apart(text).entries or {}).get(rest)


def _unknown_fields(resource: Resource, anatomy: Anatomy, place: str) -> Iterator[Finding]:
    known = known_paths(resource)
    for name in anatomy.entries or {}:
        if name not in known:
            near = nearest(name, known)
            meant = f"did you mean {near}?" if near else "put it into custom_fields"
            yield Finding("unknown_field", name, place, f"{resource.name} have no such field; {meant}")


def _dead_fallbacks(origin: Origin) -> Iterator[Finding]:
    """Conditions and `??` on what is always the same: one of the two ways is never taken."""
    tokens = list(engine.tokens(origin.expression or ""))
    for index, (_, text, offset) in enumerate(tokens):
        asked = text == "?" and not _follows_question(tokens, index)
        if (asked or _is_coalescing(tokens, index)) and index and _is_literal(tokens, index - 1):
            line = (origin.expression or "")[:offset].count("\n") + 1
            sentence = f"line {line}: what is asked is always the same, so that one of the two is never used"
            yield Finding("dead_fallback", origin.path, origin.place, sentence)


def _follows_question(tokens: Sequence[_Token], index: int) -> bool:
    """Whether a question mark is a half of `??`."""
    halves = [tokens[place][1] for place in (index - 1, index + 1) if 0 <= place < len(tokens)]
    return "?" in halves


def _is_coalescing(tokens: Sequence[_Token], index: int) -> bool:
    return tokens[index][1] == "?" and index + 1 < len(tokens) and tokens[index + 1][1] == "?"


def _is_literal(tokens: Sequence[_Token], index: int) -> bool:
    """Whether a token is a value written out, and nothing compares or joins it with another."""
    before = tokens[index - 1][1] if index else "("
    text = tokens[index][1]
    written = text[0] in "\"'" or text in ("true", "false", "null") or text.isdigit()
    return written and before in ("(", "{", ",", ":", ";", "?", "=") and not _compared(tokens, index)


def _compared(tokens: Sequence[_Token], index: int) -> bool:
    """Whether `=` before a literal is the comparison, and not the end of `:=`."""
    return index > 1 and tokens[index - 1][1] == "=" and tokens[index - 2][1] != ":"


def _of_field(path: str, field: Field, text: str, place: str) -> Iterator[Finding]:
    tokens = list(engine.tokens(text))
    if path == "id" or path.endswith(".id"):
        yield from _id(path, tokens, place)
    words = list(_written_results(tokens))
    if field.kind is Kind.ENUM:
        for word in words:
            if word not in field.choices:
                sentence = f"{word!r} is none of the model's words: {', '.join(field.choices)}"
                yield Finding("not_in_enum", path, place, sentence)
    if field.kind is Kind.TIMESTAMP:
        yield from _zones(path, words, tokens, place)


def _id(path: str, tokens: Sequence[_Token], place: str) -> Iterator[Finding]:
    first = tokens[0][1] if tokens else ""
    if first in ("$number", "$sum", "$count", "$round", "$floor") or first.isdigit():
        yield Finding("id_not_text", path, place, "gives a number, and an id is text; write $string(...)")


def _zones(path: str, words: Iterable[str], tokens: Sequence[_Token], place: str) -> Iterator[Finding]:
    sentence = "gives a time without a zone, which the check makes null; a timestamp ends in Z or an offset"
    pictures = [text[1:-1] for text in _pictures(tokens) if text[0] in "\"'"]
    zoned = all("[Z" in picture or "[z" in picture or picture.endswith("Z") for picture in pictures)
    if not zoned or any(parse_instant(word) is None for word in words):
        yield Finding("no_zone", path, place, sentence)


def _pictures(tokens: Sequence[_Token]) -> Iterator[str]:
    """The second argument of each call of `$fromMillis`, where it is written out."""
    for index, (_, text, _) in enumerate(tokens):
        if text != "$fromMillis":
            continue
        depth = 0
        for place in range(index + 1, len(tokens) - 1):
            depth += (tokens[place][1] in "([{") - (tokens[place][1] in ")]}")
            if tokens[place][1] == "," and depth == 1:
                yield tokens[place + 1][1]
                break
            if depth == 0:
                break


def _written_results(tokens: Sequence[_Token]) -> Iterator[str]:
    """The texts written out that can be the value: alone, or a branch of a condition."""
    for index, (_, text, _) in enumerate(tokens):
        before = tokens[index - 1][1] if index else "("
        after = tokens[index + 1][1] if index + 1 < len(tokens) else ")"
        called = before == "(" and index > 1 and tokens[index - 2][0] == "variable"
        if text[0] in "\"'" and before in "(?:" and after in ");:" and not called:
            yield str(orjson.loads(text)) if text[0] == '"' else text[1:-1]
