"""One budget for all who ask an account: processes draw shares of the provider's limits, not single requests.

A share is some requests and some places for requests in flight. What of it is not used after two seconds is handed
back, and so is the rest when the process ends. What is drawn grows while shares are used up sooner, so that a fast
process asks the place where budgets are kept about once in two seconds, and a slow one takes little from the others.
docs/adr/0020-one-budget.md says why it is so.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
import uuid
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dlt
from dlt.common.configuration.container import Container
from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext
from dlt.destinations.impl.postgres.configuration import PostgresCredentials

from pipelines.budget_places import FilePlace, Place, PostgresPlace
from pipelines.budget_state import LEASE, SOON, Asking, Drawn, State
from pipelines.processes import is_dead, machine
from sources.unified_lms.errors import BudgetUnreachable, ConfigurationError
from sources.unified_lms.limits import share_limits

log = logging.getLogger(__name__)

SHARE_SECONDS = 2.0
"""How long a share may be used; about how many seconds' worth a process draws."""
_CROWDED = 0.01
"""Seconds until a thread looks again for a place that another thread of this process has."""
_MOST = 1_000
"""Requests in a share where no window bounds it."""

Windows = tuple[tuple[int, float], ...]
PLACES = ("postgres", "machine")


class SharedBudget:
    """The part of one process in the budget of an account. For any thread; what `limits.Budget` asks for."""

    def __init__(
        self,
        place: Place,
        account: str,
        windows: Windows,
        concurrency: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.account = account
        self._place, self._windows, self._concurrency, self._clock = place, windows, concurrency, clock
        self._token = f"{machine()}:{os.getpid()}:{uuid.uuid4().hex}"
        self._lock = threading.Lock()
        self._unused = self._in_flight = self._ended = self._slots = 0
        self._wanted = concurrency
        self._drawn_at = self._heard_at = self._look_at = self._ready_at = -LEASE
        self._known = False
        """Whether the budget counts anything as ours."""
        self._keeper: threading.Thread | None = None
        _ALL.add(self)

    def start(self) -> float:
        """Begins one request: 0.0 where it may start now, else the seconds to wait before asking again."""
        with self._lock:
            now = self._clock()
            live = now - self._drawn_at < SHARE_SECONDS
            if live and 0 < self._slots <= self._in_flight:
                return _CROWDED
            if not (live and self._unused):
                if now < self._look_at:
                    return max(self._ready_at - now, _CROWDED)
                wait = self._draw(now)
                if wait > 0:
                    return wait
            self._unused -= 1
            self._in_flight += 1
            return 0.0

    def end(self) -> None:
        """A request that was begun has ended."""
        with self._lock:
            self._in_flight -= 1
            self._ended += 1

    def pause(self, seconds: float) -> None:
        """Lets nobody start a request for so many seconds; others hear of it within two."""
        self._place.change(self.account, lambda state, now: state.pause(now, seconds))
        with self._lock:
            self._unused = 0

    def seed(self, limit: int, used: int, resets_in: float) -> None:
        """Takes over the provider's own count of the longest window, and its limit."""
        longest = max(seconds for _, seconds in self._windows)
        self._place.change(self.account, lambda state, now: state.take_over(now, longest, used, resets_in))
        with self._lock:
            self._windows = tuple((limit if s == longest else n, s) for n, s in self._windows)
            self._unused = 0

    def hand_back(self) -> None:
        """Gives back what is not used; what is in flight is kept."""
        with self._lock:
            if self._known:
                self._report(0)

    def _draw(self, now: float) -> float:
        self._adapt(now)
        drawn = self._report(self._wanted)
        self._drawn_at, self._slots, self._unused = now, drawn.slots, drawn.requests
        self._look_at, self._ready_at = now + min(drawn.wait, SOON), now + drawn.wait
        if self._keeper is None:
            self._keeper = threading.Thread(target=self._keep, name="limits", daemon=True)
            self._keeper.start()
        return drawn.wait

    def _adapt(self, now: float) -> None:
        """Wants twice as much where a share did not last two seconds, and half where much of it was left."""
        if self._unused > self._wanted // 2:
            self._wanted = max(self._concurrency, self._wanted // 2)
        elif not self._unused and self._slots and now - self._drawn_at < SHARE_SECONDS:
            self._wanted = min(2 * self._wanted, _MOST)

    def _report(self, wanted: int) -> Drawn:
        asking = Asking(self._token, self._ended, self._in_flight, wanted)

        def draw(state: State, now: float) -> Drawn:
            for token in [token for token in state.holders if is_dead(*token.split(":")[:2])]:
                state.bury(token, now)
            return state.draw(now, asking, self._windows, self._concurrency)

        drawn = self._place.change(self.account, draw)
        self._ended, self._unused, self._heard_at = 0, 0, self._clock()
        self._known = bool(wanted or self._in_flight)
        return drawn

    def _keep(self) -> None:
        """Hands back what was not used in time, and lets the others know that what is in flight is not lost."""
        quiet = threading.Event()
        while not quiet.wait(SHARE_SECONDS / 2):
            with self._lock:
                now = self._clock()
                if now - self._drawn_at < SHARE_SECONDS:
                    continue
                if self._in_flight and not self._unused and now - self._heard_at < LEASE / 3:
                    continue
                self._hand_back()
                if not self._known:
                    self._keeper = None
                    return

    def _hand_back(self) -> None:
        try:
            if self._known:
                self._report(0)
        except BudgetUnreachable as error:
            log.warning("%s: its share cannot be handed back and runs out: %s", self.account, error)
            self._unused, self._known = 0, bool(self._in_flight)


_ALL: weakref.WeakSet[SharedBudget] = weakref.WeakSet()
_PLACES: dict[str, Place] = {}
_BUDGETS: dict[tuple[object, ...], SharedBudget] = {}
_MAKING = threading.Lock()


def share() -> None:
    """Lets every client of this process draw on the budget of its account, wherever that is configured to be kept."""
    share_limits(shared_budget)


def shared_budget(key: tuple[str, ...], windows: Windows, concurrency: int) -> SharedBudget:
    """This process's part in the budget of an account. Raises `ConfigurationError`."""
    address = _address()
    account = "/".join(key)
    with _MAKING:
        place = _PLACES.get(address) or _PLACES.setdefault(address, _place(address))
        same = (address, account, windows, concurrency)
        if same not in _BUDGETS:
            _BUDGETS[same] = SharedBudget(place, account, windows, concurrency)
        return _BUDGETS[same]


def _place(address: str) -> Place:
    return PostgresPlace(address) if "://" in address else FilePlace(Path(address))


def _address() -> str:
    """PostgreSQL where it is configured, whatever warehouse a single run goes to; else a folder of this machine."""
    named: str | None = dlt.config.get("limits.shared", str)
    if named is not None and named not in PLACES:
        raise ConfigurationError(
            f"[limits] shared: {named!r} is no place to keep budgets in; use one of {', '.join(PLACES)}"
        )
    found: Any = dlt.secrets.get("destination.postgres.credentials")
    if named == "machine" or (named is None and found is None):
        return str(_folder())
    if found is None:
        raise ConfigurationError(
            "[limits] shared is postgres, and PostgreSQL has no credentials; set DESTINATION__POSTGRES__CREDENTIALS"
        )
    return PostgresCredentials(found).to_native_representation()


def _folder() -> Path:
    """`folder` in the section `limits`, else beside the working folders of dlt's pipelines."""
    named = dlt.config.get("limits.folder", str)
    if named:
        return Path(named).expanduser()
    return Path(Container()[PluggableRunContext].context.data_dir) / "unified_lms" / "limits"


@atexit.register
def _hand_back_all() -> None:
    for budget in list(_ALL):
        try:
            budget.hand_back()
        except BudgetUnreachable as error:
            log.warning("%s: its share cannot be handed back and runs out: %s", budget.account, error)
