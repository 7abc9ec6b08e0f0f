"""Where a live list goes on: places that can be written down, so that nobody has to keep a reading open.

A place says which page of the provider's comes next and how many of its records were taken. To go on, the client asks
for that page again, and for nothing that lies before it; in a fan-out, for a page of parents and one under a parent.
What the provider moves between two pages meanwhile is met twice or not at all, as with its own paging.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

import orjson

from mappings import engine
from sources.unified_lms.client import Client, Page
from sources.unified_lms.errors import ConfigurationError
from sources.unified_lms.joins import as_list
from sources.unified_lms.manifest import Manifest, Parents
from sources.unified_lms.manifest.authorization import FormAuth, QueryAuth
from sources.unified_lms.pagination import Step
from sources.unified_lms.slicing import slices
from sources.unified_lms.ways import choose_read

Item = TypeVar("Item")


@dataclass(frozen=True)
class Mark:
    """A page of a list, None for the first, and how many of its records were taken."""

    step: Step | None = None
    taken: int = 0


FIRST = Mark()


@dataclass(frozen=True)
class Place:
    """Where a list goes on: the slice, the parent as its place in the list of parents, and the page under it.

    `began` is when the list was begun, in Unix seconds: slices of time stay the same from one call to the next.
    """

    began: float = 0.0
    piece: int = 0
    above_piece: int = 0
    above: Mark = FIRST
    own: Mark = FIRST

    def dump(self) -> list[Any]:
        """The place as JSON has it."""
        marks = [_dump(mark) for mark in (self.above, self.own)]
        return [self.began, self.piece, self.above_piece, *marks]


def load_place(found: Any) -> Place:
    """The place that `dump` has written; raises `ValueError` for anything else."""
    try:
        began, piece, above_piece, above, own = found
        return Place(float(began), int(piece), int(above_piece), _load(above), _load(own))
    except (TypeError, KeyError, IndexError) as error:
        raise ValueError("no place in a list") from error


def _dump(mark: Mark) -> list[Any]:
    step = None if mark.step is None else [dict(mark.step.page), mark.step.url]
    return [step, mark.taken]


def _load(found: Any) -> Mark:
    step, taken = found
    return Mark(None if step is None else Step(dict(step[0]), step[1]), int(taken))


@dataclass(frozen=True)
class Taken(Generic[Item]):
    """What was taken from a list, and where the list goes on behind it, found out when it is wanted.

    `item` is None where a parent was passed that has no more records, or a page that has none.
    """

    item: Item | None = field(repr=False)
    place: Callable[[], Place | None] = field(repr=False)
    """None at the end of the list. Raises what asking for the next page raises, short of asking."""


def after(page: Page, taken: int, count: int) -> Mark | None:
    """The mark behind so many records of a page that has `count`; None where nothing follows."""
    if taken < count:
        return Mark(page.step, taken)
    return None if page.following is None else Mark(page.following)


@dataclass(frozen=True)
class Above:
    """A parent, and the place behind it, or None where it is the last."""

    identifier: str
    record: Any = field(repr=False)
    here: Place
    """The place of the parent itself."""
    behind: Callable[[], Place | None] = field(repr=False)


def parents_from(
    client: Client, parents: Parents, settings: Mapping[str, Any], place: Place
) -> Iterator[Above]:
    """The parents that the manifest wants read, from a place in their list on."""
    identify = engine.compile(parents.id)
    wanted = engine.compile(parents.when) if parents.when else None
    read = choose_read(client.manifest, parents.resource, settings)
    pieces = slices(read, settings, place.began)
    mark = place.above
    for number in range(place.above_piece, len(pieces)):
        for page in client.pages(read.endpoint, {"args": pieces[number]}, mark.step):
            records = as_list(orjson.loads(page.records))
            for index in range(mark.taken, len(records)):
                record = records[index]
                if wanted is None or wanted.evaluate(record):
                    here = replace(place, above_piece=number, above=Mark(page.step, index), own=FIRST)
                    yield Above(
                        str(identify.evaluate(record)),
                        record,
                        here,
                        _behind(here, page, index + 1, len(records), number + 1 < len(pieces)),
                    )
            mark = FIRST
        mark = FIRST


def _behind(here: Place, page: Page, taken: int, count: int, more: bool) -> Callable[[], Place | None]:
    def place() -> Place | None:
        mark = after(page, taken, count)
        if mark is not None:
            return replace(here, above=mark)
        return replace(here, above_piece=here.above_piece + 1, above=FIRST) if more else None

    return place


def refuse_known(manifest: Manifest, endpoint: str, remote: Mapping[str, str]) -> None:
    """Refuses untouched parameters that the manifest or the authorisation sets itself: the reading rests on those."""
    spec, api = manifest.endpoints[endpoint], manifest.api
    own = {*spec.query, *api.query, *spec.form, *api.form}
    own |= {auth.name for auth in manifest.auth if isinstance(auth, QueryAuth | FormAuth)}
    for name in remote:
        if _base(name) in {_base(one) for one in own}:
            raise ConfigurationError(
                f"the parameter {name!r} cannot be passed on: {manifest.provider}'s manifest sets it itself"
            )


def _base(name: str) -> str:
    return name.partition("[")[0].lower()
