"""The parents of a fan-out, listed before their records are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from mappings import engine
from sources.unified_lms.client import Client
from sources.unified_lms.joins import as_list
from sources.unified_lms.manifest import Parents
from sources.unified_lms.slicing import slices
from sources.unified_lms.stopping import Stop
from sources.unified_lms.ways import choose_read

Parent = tuple[str, bytes]
"""A parent's id and its raw record; records wait as JSON, which is a fraction of their size as objects."""


@dataclass(frozen=True)
class Range:
    """Parents by their ids, in the order of text: after `after`, up to and including `upto`; None is no bound."""

    after: str | None = None
    upto: str | None = None

    def __contains__(self, identifier: object) -> bool:
        one = str(identifier)
        return (self.after is None or one > self.after) and (self.upto is None or one <= self.upto)


@dataclass
class ParentCache:
    """Parents that were listed once and are used by several readings after one another."""

    found: dict[str, list[Parent]] = field(default_factory=dict)

    def of(self, resource: str, list_them: Callable[[], Iterable[Parent]]) -> list[Parent]:
        """The parents of a resource, listed unless they are known."""
        if resource not in self.found:
            self.found[resource] = list(list_them())
        return self.found[resource]


def list_parents(
    client: Client, parents: Parents, settings: Mapping[str, Any], stop: Stop
) -> Iterator[Parent]:
    """Every parent that the manifest wants read, as the provider lists them; raises `Stopped`."""
    identify = engine.compile(parents.id)
    wanted = engine.compile(parents.when) if parents.when else None
    read = choose_read(client.manifest, parents.resource, settings)
    for piece in slices(read, settings, client.now()):
        for page in client.pages(read.endpoint, {"args": piece}):
            stop.check()
            for record in as_list(orjson.loads(page.records)):
                if wanted is None or wanted.evaluate(record):
                    yield str(identify.evaluate(record)), orjson.dumps(record)
