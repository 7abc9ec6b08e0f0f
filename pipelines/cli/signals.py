"""SIGTERM and Ctrl-C: the run at hand ends at the next safe point."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

from sources.unified_lms.stopping import Stop

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def stoppable() -> Iterator[Stop]:
    """A stop that the first SIGTERM or SIGINT asks for; the second ends the process as it would without this."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():  # only there may handlers be set
        yield stop
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}

    def ask(number: int, _: FrameType | None) -> None:
        stop.request(signal.Signals(number).name)
        _restore(before)
        # Not through sys.stderr, whose buffer the interrupted code may be writing to.
        os.write(
            sys.__stderr__.fileno() if sys.__stderr__ else 2,
            b"stopping at the next safe point; again to end at once\n",
        )

    for number in _SIGNALS:
        signal.signal(number, ask)
    try:
        yield stop
    finally:
        _restore(before)


def _restore(handlers: Mapping[signal.Signals, object]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)  # type: ignore[arg-type]
