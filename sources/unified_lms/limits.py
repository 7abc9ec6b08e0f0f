"""How often and how many at once: sliding windows, pauses and concurrency, shared by all threads of a connection.

Other processes ask the same account. What they share is a `Budget`, which is kept somewhere that this package knows
nothing of: whoever does hands it over once for the process (`share_limits`).
"""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import Protocol, TypeAlias

from sources.unified_lms.errors import BudgetExhausted


@dataclass(frozen=True)
class Timing:
    """Clocks, sleep and chance, so that tests need none of them. `sleep` is told seconds; None waits on the client."""

    wall: Callable[[], float] = time.time
    """Unix seconds."""
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] | None = None
    chance: Callable[[], float] = random.random
    """From 0 to 1."""

    def after(self, seconds: float) -> datetime:
        """The instant in so many seconds, UTC, whole seconds."""
        return (datetime.fromtimestamp(self.wall(), UTC) + timedelta(seconds=seconds)).replace(microsecond=0)


@dataclass(frozen=True)
class Headroom:
    """What may still be asked: `remaining` requests of `limit` in `seconds`; room for more is in `resets_in` seconds.

    `limit` and `seconds` are None where only the provider's own headers tell.
    """

    limit: int | None
    seconds: float | None
    remaining: int
    resets_in: float


@dataclass
class _Window:
    """At most `limit` requests in any `seconds`. A request counts from its start until `seconds` after its end.

    The provider counted it somewhere between the two, so that it can never see more than `limit` in its own window.
    """

    limit: int
    seconds: float
    ended: deque[float] = field(default_factory=deque)
    boundary: float | None = None
    """Where the provider said that its window begins anew: what ended before it counts no longer than that."""
    used_before: int = 0
    """Requests until the boundary that the provider counted and this process did not."""

    def wait(self, now: float, running: Sequence[float]) -> float:
        """Seconds until one more may start; 0 for now. `running` holds when those in flight were started."""
        self._forget(now)
        excess = self.used_before + len(self.ended) + len(running) - self.limit
        if excess < 0:
            return 0.0
        return max(0.0, self._departure(excess, running) - now)

    def _departure(self, index: int, running: Sequence[float]) -> float:
        """When the counted request number `index`, from 0 in the order of leaving, counts no longer."""
        if index < self.used_before and self.boundary is not None:
            return self.boundary
        index -= self.used_before
        if index < len(self.ended):
            return self._leaves(next(islice(self.ended, index, None)))
        starts = sorted(running)
        return (
            starts[index - len(self.ended)] if index - len(self.ended) < len(starts) else 0.0
        ) + self.seconds

    def _leaves(self, end: float) -> float:
        if self.boundary is not None and end < self.boundary:
            return self.boundary
        return end + self.seconds

    def _forget(self, now: float) -> None:
        if self.boundary is not None and now >= self.boundary:
            while self.ended and self.ended[0] < self.boundary:
                self.ended.popleft()
            self.boundary, self.used_before = None, 0
        while self.ended and self._leaves(self.ended[0]) <= now:
            self.ended.popleft()

    def headroom(self, now: float, running: Sequence[float]) -> Headroom:
        """What is left of the window, and when the request that has counted longest counts no more."""
        self._forget(now)
        used = self.used_before + len(self.ended) + len(running)
        resets_in = max(0.0, self._departure(0, running) - now) if used else 0.0
        return Headroom(self.limit, self.seconds, max(0, self.limit - used), resets_in)

    def seed(self, now: float, remaining: int, resets_in: float) -> None:
        """Takes over the provider's own count; what this process counted so far is part of it."""
        self.ended.clear()
        self.boundary = now + resets_in
        self.used_before = max(0, self.limit - remaining)


class Budget(Protocol):
    """What an account allows to all processes together; for any thread. Raises `BudgetUnreachable`."""

    def start(self) -> float:
        """Begins one request: 0.0 where it may start now, else the seconds to wait before asking again."""

    def end(self) -> None:
        """A request that was begun has ended."""

    def pause(self, seconds: float) -> None:
        """Lets nobody start a request for so many seconds."""

    def seed(self, limit: int, used: int, resets_in: float) -> None:
        """Takes over the provider's own count of the longest window, and its limit."""


_LOOK = 0.2
"""Seconds between two looks at a budget of which others may hand something back."""


class Limiter:
    """The limits of one connection, shared by every thread that asks something of it."""

    def __init__(
        self,
        windows: Sequence[tuple[int, float]] = (),
        *,
        concurrency: int = 4,
        max_wait: float = 120.0,
        timing: Timing | None = None,
        budget: Budget | None = None,
    ) -> None:
        self.concurrency = concurrency
        self.max_wait = max_wait
        self._timing = timing or Timing()
        self._budget = budget
        self._windows = [_Window(requests, seconds) for requests, seconds in windows]
        self._places = threading.BoundedSemaphore(concurrency)
        self._lock = threading.Lock()
        self._running: list[float] = []
        self._paused_until = 0.0
        self._told: tuple[float, float] | None = None

    @contextmanager
    def slot(
        self, sleep: Callable[[float], None] | None = None, max_wait: float | None = None
    ) -> Iterator[None]:
        """A place for one request, waited for; `BudgetExhausted` if that would take longer than `max_wait`."""
        with self._places:
            allowed = self.max_wait if max_wait is None else max_wait
            start = self._start(sleep or self._timing.sleep or time.sleep, allowed)
            try:
                yield
            finally:
                self._end(start)

    def _start(self, sleep: Callable[[float], None], max_wait: float) -> float:
        waited = 0.0
        while True:
            with self._lock:
                now = self._timing.monotonic()
                wait, look = self._wait(now)
                if wait <= 0:
                    self._running.append(now)
                    return now
            if waited + wait > max_wait:
                raise exhausted(wait, max_wait, self._timing)
            sleep(look)
            waited += look

    def _wait(self, now: float) -> tuple[float, float]:
        """Seconds until one may start, 0 for now, and until it is worth while to look again."""
        waits = [window.wait(now, self._running) for window in self._windows]
        own = max([self._paused_until - now, *waits])
        if own > 0 or self._budget is None:
            return own, own
        wait = self._budget.start()
        return wait, min(wait, _LOOK)

    def _end(self, start: float) -> None:
        if self._budget is not None:
            self._budget.end()
        with self._lock:
            self._running.remove(start)
            now = self._timing.monotonic()
            for window in self._windows:
                window.ended.append(now)

    def pause(self, seconds: float) -> None:
        """Lets no request start for so many seconds; a longer pause stays."""
        with self._lock:
            self._paused_until = max(self._paused_until, self._timing.monotonic() + seconds)
        if self._budget is not None:
            self._budget.pause(seconds)

    def told(self, remaining: float, resets_in: float | None) -> None:
        """Remembers what the provider's headers said last."""
        with self._lock:
            self._told = (remaining, self._timing.monotonic() + (resets_in or 0.0))

    def headroom(self) -> Headroom | None:
        """What the tightest window leaves, else what the provider told last; nothing while a pause lasts."""
        with self._lock:
            now = self._timing.monotonic()
            found = [window.headroom(now, self._running) for window in self._windows]
            if not found and self._told:
                found = [Headroom(None, None, max(0, int(self._told[0])), max(0.0, self._told[1] - now))]
            pause = self._paused_until - now
        if not found:
            return None
        tightest = min(found, key=lambda one: (one.remaining, -one.resets_in))
        if pause <= 0:
            return tightest
        return Headroom(tightest.limit, tightest.seconds, 0, max(pause, tightest.resets_in))

    def seed(self, *, remaining: int, resets_in: float, limit: int | None = None) -> None:
        """Takes over the provider's own count for the longest window; `limit` as well where it is given."""
        if not self._windows:
            return
        with self._lock:
            longest = max(self._windows, key=lambda window: window.seconds)
            longest.limit = longest.limit if limit is None else limit
            # One more would be a window of the provider's that began anew meanwhile, or a clock that is wrong.
            resets_in = min(max(0.0, resets_in), longest.seconds)
            longest.seed(self._timing.monotonic(), remaining, resets_in)
        if self._budget is not None:
            self._budget.seed(longest.limit, longest.used_before, resets_in)


def exhausted(wait: float, max_wait: float, timing: Timing) -> BudgetExhausted:
    """The error that says when to go on."""
    resume = timing.after(wait)
    return BudgetExhausted(
        f"The provider's rate limit asks to wait {wait:.0f} s, and at most {max_wait:.0f} s are allowed. "
        f"Go on at {resume:%Y-%m-%d %H:%M:%S} UTC.",
        wait=wait,
        resume_at=resume,
    )


BudgetOf: TypeAlias = Callable[[tuple[str, ...], tuple[tuple[int, float], ...], int], Budget]
"""Gives the budget of an account: of its key, its windows (requests, seconds) and its concurrency."""

_SHARED: dict[tuple[str, ...], tuple[object, Limiter]] = {}
_SHARED_LOCK = threading.Lock()
_BUDGETS: list[BudgetOf] = []


def share_limits(budgets: BudgetOf | None) -> None:
    """Has every limiter of a connection in this process draw on a budget that it shares with others; None ends that."""
    _BUDGETS[:] = [] if budgets is None else [budgets]


def shared_limiter(key: tuple[str, ...], windows: Sequence[tuple[int, float]], concurrency: int) -> Limiter:
    """The one limiter of a provider and connection in this process; a new one where its limits were reconfigured."""
    with _SHARED_LOCK:
        budget = _BUDGETS[0](key, tuple(windows), concurrency) if _BUDGETS else None
        shape = (tuple(windows), concurrency, budget)
        known = _SHARED.get(key)
        if known is None or known[0] != shape:
            known = _SHARED[key] = (shape, Limiter(windows, concurrency=concurrency, budget=budget))
        return known[1]


def retry_after(value: str | None, timing: Timing) -> float | None:
    """Seconds from a `Retry-After` header, a number or an HTTP date (RFC 9110, 10.2.3); None if it is neither."""
    if value is None or not value.strip():
        return None
    try:
        return (
            max(0.0, float(value)) if value.strip().replace(".", "", 1).isdigit() else _until(value, timing)
        )
    except (ValueError, TypeError, OverflowError):
        return None


def _until(date: str, timing: Timing) -> float:
    instant = parsedate_to_datetime(date)
    zoned = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return max(0.0, zoned.timestamp() - timing.wall())


def backoff(attempt: int, chance: float, *, base: float = 1.0, ceiling: float = 60.0) -> float:
    """Seconds before try `attempt` + 1: full jitter, from 0 to `base` doubled with every try and at most `ceiling`."""
    return chance * min(ceiling, base * 2.0 ** (attempt - 1))
