"""One expression made of a mapping and the overlays over it, and where each field of its result comes from.

What comes out is one JSONata expression, so that a page is mapped in one pass whatever lies over the shipped mapping.
The same levels give the same text, and with it the same digest.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from mappings import engine
from mappings.engine import Place
from mappings.overlays import CUSTOM, VALUE, WHOLE, Entry, Overlay, covers

SHIPPED = "shipped"
"""The level of the mapping itself."""
BELOW = "$below"
"""The variable of a merged expression that holds the record without the overlay."""


@dataclass(frozen=True)
class Origin:
    """Where a field comes from: the level and the file or key, and the expression; None: the level removed it."""

    path: str
    level: str
    place: str
    expression: str | None
    type: str | None = None

    @property
    def builds_on_value(self) -> bool:
        """Whether the expression uses what the levels below give."""
        return (
            self.expression is not None
            and self.level != SHIPPED
            and VALUE in engine.variables(self.expression)
        )


@dataclass(frozen=True)
class Merged:
    """A mapping with its overlays: the text, the places of its parts, and what is in force, the lowest first."""

    source: str
    places: tuple[Place, ...]
    origins: tuple[Origin, ...]
    """Several of the same path where one builds on the `$value` of the one before it."""

    def origin(self, path: str) -> Origin:
        """What gives a field in the end."""
        return [origin for origin in self.origins if covers(origin.path, path)][-1]


@dataclass(frozen=True)
class _Leveled:
    """An entry and the level that it is from."""

    level: str
    entry: Entry

    @property
    def origin(self) -> Origin:
        entry = self.entry
        return Origin(entry.path, self.level, entry.place, entry.expression, entry.type)


def merge(source: str, place: str, overlays: Sequence[Overlay]) -> Merged:
    """The mapping `source` (called `place` in errors) under overlays, the first of them the lowest."""
    layers = _Layers(Origin(WHOLE, SHIPPED, place, source))
    for overlay in overlays:
        layers.add([_Leveled(overlay.level, entry) for entry in overlay.entries])
    return layers.merged()


class _Stage:
    """Entries that are merged over what is below in one step: no two of them concern the same field."""

    def __init__(self) -> None:
        self.entries: dict[str, _Leveled] = {}

    def admits(self, new: Iterable[_Leveled]) -> bool:
        """Whether none of the entries needs what this stage makes: `$value` of it, or an object that it gives."""
        return not any(
            (one.entry.builds_on_value and covers(one.entry.path, path))
            or (path != one.entry.path and covers(path, one.entry.path))
            for one in new
            for path in self.entries
        )

    def forget(self, new: Iterable[_Leveled]) -> None:
        """Drops entries that a later level replaces."""
        for one in new:
            if not one.entry.builds_on_value:
                self.entries = {p: kept for p, kept in self.entries.items() if not covers(one.entry.path, p)}

    def put(self, new: Iterable[_Leveled]) -> None:
        """Adds entries that it admits."""
        self.entries |= {one.entry.path: one for one in new}


class _Layers:
    """Expressions for the whole record, each with the stages over it; the last one goes before, and sees the others."""

    def __init__(self, base: Origin) -> None:
        self._layers: list[tuple[Origin, list[_Stage]]] = [(base, [])]

    def add(self, entries: list[_Leveled]) -> None:
        """Puts a level over what is there."""
        whole = next((one for one in entries if one.entry.path == WHOLE), None)
        if whole is not None:
            kept = self._layers if whole.entry.builds_on_value else []
            self._layers = [*kept, (whole.origin, [])]
        if rest := [one for one in entries if one.entry.path != WHOLE]:
            self._stage_for(rest).put(rest)

    def _stage_for(self, entries: list[_Leveled]) -> _Stage:
        base, stages = self._layers.pop()
        for stage in stages:
            stage.forget(entries)
        stages = [stage for stage in stages if stage.entries]
        if not stages or not stages[-1].admits(entries):
            stages.append(_Stage())
        self._layers.append((base, stages))
        return stages[-1]

    def merged(self) -> Merged:
        """The expression and what it is made of."""
        pieces: list[str | Origin] = []
        for base, stages in self._layers:
            pieces = [f"(${VALUE} := ", *pieces, ";\n", base, "\n)"] if pieces else [base]
            for stage in stages:
                pieces = [f"({BELOW} := (\n", *pieces, "\n);\n", *_merge_call(stage), ")"]
        source, places = _joined(pieces)
        return Merged(source, places, tuple(self._origins()))

    def _origins(self) -> Iterator[Origin]:
        for base, stages in self._layers:
            yield base
            for stage in stages:
                yield from (stage.entries[path].origin for path in sorted(stage.entries))


def _merge_call(stage: _Stage) -> list[str | Origin]:
    """`$merge` of the record below with the fields of a stage, each under its key."""
    groups: dict[str, list[Origin]] = {}
    for path in sorted(stage.entries):
        groups.setdefault(path.partition(".")[0], []).append(stage.entries[path].origin)
    pieces: list[str | Origin] = [f"$merge([{BELOW}, {{\n"]
    for number, (name, origins) in enumerate(groups.items()):
        pieces += [",\n" if number else "", f"  {json.dumps(name)}: "]
        nested = any("." in origin.path for origin in origins)
        pieces += _object(name, origins) if nested else _value(origins[0], f"{BELOW}.{name}")
    return [*pieces, "\n}])"]


def _value(origin: Origin, below: str) -> list[str | Origin]:
    """A field's value: null where the overlay's expression gives nothing, and not what is below."""
    if origin.expression is None:
        return ["null"]
    if origin.builds_on_value:
        return [f"(${VALUE} := {below}; (", origin, "\n)) ?? null"]
    return ["(", origin, "\n) ?? null"]


def _object(name: str, origins: list[Origin]) -> list[str | Origin]:
    """An object with some of its properties changed; one that is not there, or null, counts as empty."""
    # A path that finds null finds no object: $merge fails on null, and takes nothing for nothing.
    below = f'{BELOW}.{name}[$type($) = "object"]'
    dropped = [_key(origin) for origin in origins if origin.expression is None and name == CUSTOM]
    if dropped:
        below = f"$sift({below}, function($v, $k) {{ $not($k in {json.dumps(dropped)}) }})"
    pieces: list[str | Origin] = [f"$merge([{below}, {{"]
    given = [origin for origin in origins if _key(origin) not in dropped]
    for number, origin in enumerate(given):
        key = json.dumps(_key(origin))
        pieces += [", " if number else "", f"{key}: ", *_value(origin, f"{BELOW}.{name}.{key}")]
    return [*pieces, "}])"]


def _key(origin: Origin) -> str:
    return origin.path.partition(".")[2]


def _joined(pieces: Iterable[str | Origin]) -> tuple[str, tuple[Place, ...]]:
    """The text of the pieces, and where in it each expression stands."""
    text, places = "", []
    for piece in pieces:
        if isinstance(piece, Origin):
            start = len(text)
            text += piece.expression or ""
            places.append(Place(start, len(text), piece.place))
        else:
            text += piece
    return text, tuple(places)
