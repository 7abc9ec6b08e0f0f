"""Ending a run early and cleanly: whoever works looks now and then whether that was asked for."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from sources.unified_lms.errors import Stopped

_LOOK = 0.2
"""Seconds between looks at whether the run was asked to end, while something waits."""


@dataclass
class Stop:
    """Whether a run was asked to end. Setting it takes no lock, so that a signal handler may."""

    reason: str | None = None
    """Who or what asked, such as `SIGTERM`; None where nobody did."""

    def request(self, reason: str) -> None:
        """Asks the run to end at the next safe point; the first reason stays."""
        self.reason = self.reason or reason

    def check(self) -> None:
        """Raises `Stopped` where the run was asked to end."""
        if self.reason is not None:
            raise Stopped(self.reason)

    def wait(self, event: threading.Event, seconds: float) -> None:
        """Waits for an event at most so long, and no longer than until the run is asked to end."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and self.reason is None:
            if event.wait(min(left, _LOOK)):
                return
