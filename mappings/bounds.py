"""How much an evaluation may take, and all evaluations of a run together: an expression may be a customer's."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Bounds:
    """How much one evaluation may take; beyond it the evaluation fails with an `ExpressionError`."""

    timeout: float = 5.0
    """Seconds."""
    max_depth: int = 200
    """Calls within calls."""
    max_steps: int = 1_000_000
    """Evaluated parts of the expression."""
    max_string_length: int = 8_000_000
    """Bytes of any text made on the way."""
    max_array_length: int = 1_000_000
    """Items of any list made on the way."""
    max_result_size: int = 16_000_000
    """Bytes of the result as JSON."""


RECORD = Bounds()
"""For one record or one small answer."""
PAGE = Bounds(60.0, 200, 500_000_000, 64_000_000, 10_000_000, 1_000_000_000)
"""For an expression of the provider's over a page, which may be a whole portal in one list (TalentLMS)."""

_CHARACTERS_A_SECOND = 200_000
"""A hundredth of what a mapping really does: slower is not slow, but wrong."""


def bounds_for(characters: int) -> Bounds:
    """What mapping so many characters of JSON may take: a little, and more in proportion.

    The engine bounds no memory as such. These bounds hold the worst that was found, lists upon lists, to some hundred
    megabytes for a page (docs/overlays.md has the measurements).
    """
    return Bounds(
        timeout=1.0 + characters / _CHARACTERS_A_SECOND,
        max_steps=500_000 + 20 * characters,
        max_string_length=1_000_000 + characters,
        max_array_length=50_000 + characters,
        max_result_size=10_000_000 + 20 * characters,
    )


BOUND_CODES = frozenset(["D1011", "D1012", "U1001", "U1006", "panic"])
"""The codes of an evaluation that was ended by its bounds."""


class TooSlow(Exception):
    """A run's mapping has taken longer than its `Allowance`; nothing more of it will be evaluated."""


class Allowance:
    """The processor time that a run's mapping may take on all its threads: a minute, and more as more is mapped.

    Each evaluation is bounded by itself; this is what keeps a thousand of them that are ended by their bounds, or just
    not, from adding up to hours.
    """

    def __init__(self, seconds: float = 60.0) -> None:
        self._left = seconds
        self._lock = threading.Lock()

    @contextmanager
    def spend(self, characters: int) -> Iterator[None]:
        """Counts the time of what is done inside; raises `TooSlow` where nothing was left before it."""
        if self._left < 0:
            raise TooSlow
        # The thread's own time: a busy machine, or waiting for the interpreter's lock, is no fault of an expression's.
        began = time.thread_time()
        try:
            yield
        finally:
            with self._lock:
                self._left += characters / _CHARACTERS_A_SECOND - (time.thread_time() - began)
