"""Counting calls against a provider's limits, by a clock that tests can set."""

from __future__ import annotations

import math
from collections.abc import Callable
from threading import Lock


class CallWindow:
    """At most `limit` calls in `seconds`.

    The window opens with the first call, and the next one with the first call after it has closed.
    """

    def __init__(self, limit: int, seconds: float, clock: Callable[[], float]) -> None:
        """Starts with nothing counted."""
        self.limit = limit
        self.seconds = seconds
        self._clock = clock
        self._opened: float | None = None
        self._used = 0

    def _roll(self) -> None:
        now = self._clock()
        if self._opened is None or now >= self._opened + self.seconds:
            self._opened, self._used = now, 0

    @property
    def remaining(self) -> int:
        """Calls left in the present window."""
        self._roll()
        return max(0, self.limit - self._used)

    @property
    def resets_at(self) -> int:
        """When the window closes, in whole seconds of the clock, rounded up."""
        self._roll()
        return math.ceil((self._opened or 0) + self.seconds)

    def count(self) -> None:
        """Counts one call, within the limit or not."""
        self._roll()
        self._used += 1


class CallLimits:
    """Several windows at once, for all threads. A refused call counts against none of them."""

    def __init__(self, *windows: CallWindow) -> None:
        """Starts with nothing counted."""
        self._windows = windows
        self._lock = Lock()

    def admit(self) -> bool:
        """Whether the call is within every limit; if so, it is counted."""
        with self._lock:
            if any(window.remaining == 0 for window in self._windows):
                return False
            for window in self._windows:
                window.count()
            return True


class LeakyBucket:
    """A bucket that every call fills by its cost and that empties by itself; a call is let in while it is not full."""

    def __init__(self, size: float, outflow: float, clock: Callable[[], float]) -> None:
        """Starts empty; `outflow` is what leaves it in a second."""
        self._size = size
        self._outflow = outflow
        self._clock = clock
        self._level = 0.0
        self._at = clock()
        self._lock = Lock()

    def admit(self, cost: float) -> bool:
        """Whether a call is let in, and costs."""
        with self._lock:
            self._leak()
            if self._level >= self._size:
                return False
            self._level += cost
            return True

    @property
    def remaining(self) -> float:
        """What may be spent before calls are refused."""
        with self._lock:
            self._leak()
            return max(0.0, self._size - self._level)

    def _leak(self) -> None:
        now = self._clock()
        self._level = max(0.0, self._level - (now - self._at) * self._outflow)
        self._at = now
