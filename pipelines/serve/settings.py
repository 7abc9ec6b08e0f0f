"""How a server is bounded; every number has a default that suits one machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ServeSettings:
    """The bounds of one server."""

    folder: Path
    """Where the keys are, and the secret that cursors are sealed with."""
    body_bytes: int = 1_000_000
    """A larger body is refused."""
    threads: int = 40
    """Calls of providers under way at once, in all."""
    per_connection: int = 4
    """Calls under way for one connection: one that hangs does not stop the others."""
    waiting: int = 200
    """Requests that may be in work or wait for a thread; beyond them is 503."""
    streams: int = 16
    """Answers that are streamed at once."""
    seconds: float = 60.0
    """An answer that takes longer is 504."""
    page_seconds: float = 20.0
    """After so long a page of a list ends with what it has; its cursor goes on."""
    stall_seconds: float = 30.0
    """A caller that neither sends nor takes anything for so long is cut off."""
    tries: int = 3
    """How often the provider is asked where that may help."""
    max_wait: float = 10.0
    """A rate limit that asks for a longer wait is 429, with the seconds."""
