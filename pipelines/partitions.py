"""What a backfill is divided into: windows of time, ranges of parents, or the whole where there is neither."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from sources.unified_lms.parents import ParentCache, Range
from sources.unified_lms.selection import Selection

PARENTS = 100
"""Parents in one part: what is read again at most when a process is killed, against a load of a second or two each."""
WINDOW = timedelta(days=7)


@dataclass(frozen=True)
class Partition:
    """One part. Its bounds are text as the ledger keeps them: ids of parents, or instants."""

    number: int
    kind: str
    """`window`, `parents` or `whole`."""
    lower: str | None = None
    upper: str | None = None

    def selection(self, parents: ParentCache) -> Selection:
        """What is read of the resource for this part."""
        if self.kind == "window":
            return Selection(since=_instant(self.lower), until=_instant(self.upper), parents=parents)
        if self.kind == "parents":
            return Selection(between=Range(self.lower, self.upper), parents=parents)
        return Selection()


def windows(since: datetime, until: datetime, length: timedelta = WINDOW) -> list[Partition]:
    """Windows that meet without a gap or an overlap; the last one may be shorter."""
    return [
        Partition(number, "window", lower.isoformat(), upper.isoformat())
        for number, (lower, upper) in enumerate(_steps(since, until, length), 1)
    ]


def _steps(since: datetime, until: datetime, length: timedelta) -> Iterator[tuple[datetime, datetime]]:
    lower = since.astimezone(UTC)
    while lower < until:
        upper = min(lower + length, until.astimezone(UTC))
        yield lower, upper
        lower = upper


def ranges(parents: Iterable[str], size: int = PARENTS) -> list[Partition]:
    """Ranges of at most `size` of these parents.

    The first and the last are open, so that a parent that is added later falls into one of them as well.
    """
    ordered = sorted(set(parents))
    cuts: list[str | None] = [None, *ordered[size - 1 : -1 : size], None]
    return [Partition(number, "parents", *bounds) for number, bounds in enumerate(pairwise(cuts), 1)]


def whole() -> list[Partition]:
    """The one part of a list that cannot be divided."""
    return [Partition(1, "whole")]


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
