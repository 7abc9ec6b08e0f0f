"""Which of the provider's fields each field of the model is made of, and at which level that was said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mappings.anatomy import Anatomy, read_paths, reads_of, take_apart
from mappings.merging import Merged, Origin
from mappings.model import Resource
from mappings.overlays import CUSTOM, WHOLE, covers

INPUTS = ("record", "parent", "joined", "settings")


@dataclass(frozen=True)
class FieldLineage:
    """Where one field comes from; `expression` None: nothing fills it."""

    path: str
    level: str
    place: str
    expression: str | None
    reads: tuple[str, ...]
    """Paths of the mapping's input: `record.user.id`, `settings.timezone`; `record` alone is the record whole."""
    type: str | None = None
    """The declared type of a custom field that has a column of its own."""


def lineage(resource: Resource, merged: Merged) -> list[FieldLineage]:
    """The lineage of each field of a resource in the model's order, then of the custom fields of overlays."""
    tracing = _Tracing(merged)
    paths = [path for path, _ in resource.paths()]
    custom = sorted({o.path for o in merged.origins if o.path.startswith(f"{CUSTOM}.")})
    sources = [f"{field.name}_source" for field in resource.enums]
    return [tracing.of(path) for path in [*paths, *sources, *custom]]


class _Tracing:
    """Follows fields to the expressions that give them."""

    def __init__(self, merged: Merged) -> None:
        self._origins = merged.origins
        self._bases: dict[str, Anatomy] = {}

    def of(self, path: str) -> FieldLineage:
        """The lineage of one field."""
        chain = list(self._chain(path))
        last = chain[0]
        expressions = [text for origin in chain if (text := self._expression(origin, path)) is not None]
        reads = sorted({one for text in expressions for one in read_paths(reads_of(text))})
        given = self._expression(last, path)
        kind = next((o.type for o in reversed(self._origins) if o.path == path and o.type), None)
        return FieldLineage(path, last.level, last.place, given, tuple(reads), kind)

    def _chain(self, path: str) -> Iterator[Origin]:
        """What gives a field, the last level first, and below it what it builds on."""
        for origin in reversed(self._origins):
            if covers(origin.path, path):
                yield origin
                if not origin.builds_on_value:
                    return

    def _expression(self, origin: Origin, path: str) -> str | None:
        if origin.expression is None or origin.path == path:
            return origin.expression
        anatomy = self._bases.setdefault(origin.expression, take_apart(origin.expression))
        rest = path if origin.path == WHOLE else path.removeprefix(f"{origin.path}.")
        return anatomy.expression(rest)
