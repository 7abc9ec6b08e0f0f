"""What every flow has around its work: dlt made ready, the connector's log lines in the run, a signal heeded."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from prefect.logging import get_run_logger

from flows.secret_blocks import use_secret_blocks
from pipelines.cli.signals import stoppable
from pipelines.environment import prepare
from sources.unified_lms.stopping import Stop

RETRIES = 1
"""How often a task is tried again: the client has tried each request five times before a task fails."""
RETRY_DELAY = 60.0
"""Seconds before that."""
_OURS = ("pipelines", "sources", "mappings")


@contextmanager
def working() -> Iterator[Stop]:
    """The surroundings of a flow's work, with the stop that SIGTERM asks for.

    The first SIGTERM, which is what a worker sends to cancel a run or when it ends itself, lets the run end at its next
    safe point, as on the command line. The second is Prefect's own again, and ends the run at once.
    """
    prepare()
    use_secret_blocks()
    with _connector_logs(), stoppable() as stop:
        yield stop


@contextmanager
def _connector_logs() -> Iterator[None]:
    """Lets the connector's log lines, which hold no secret, into the log of the run at hand."""
    handler = _RunLog()
    loggers = [logging.getLogger(name) for name in _OURS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)


class _RunLog(logging.Handler):
    """Hands lines to the run's logger, which is asked for once: the client's threads have no run of their own."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._logger = get_run_logger()

    def emit(self, record: logging.LogRecord) -> None:
        self._logger.log(record.levelno, record.getMessage())
