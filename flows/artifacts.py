"""What a person sees of a run in Prefect: how far it is, what it read and changed, what went wrong and what to do."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.client.schemas.objects import State

from flows.outcomes import Outcome

_COLUMNS = {
    "resource": "resource",
    "status": "status",
    "mode": "mode",
    "read": "records_read",
    "new": "records_new",
    "changed": "records_changed",
    "retired": "records_retired",
    "rejected": "records_rejected",
    "requests": "requests",
    "seconds": "duration_seconds",
}
_INTERVAL = 5.0
"""Seconds between two words of progress: each is a request to Prefect's server."""


class RunProgress:
    """A progress artifact: `done` of `total` steps, and what is being done."""

    def __init__(self, key: str, total: int, description: str) -> None:
        self._total = max(total, 1)
        self._done = 0.0
        self._said = time.monotonic()
        self._id = cast("UUID", create_progress_artifact(0.0, key=artifact_key(key), description=description))

    def step(self, done: int, description: str) -> None:
        """Tells that so many steps are done."""
        self._done = done
        self._tell(description)

    def within(self, description: str, done: float | None = None) -> None:
        """Tells of what goes on within a step, every few seconds at most."""
        self._done = self._done if done is None else done
        if time.monotonic() - self._said >= _INTERVAL:
            self._tell(description)

    def _tell(self, description: str) -> None:
        self._said = time.monotonic()
        percent = min(100.0 * self._done / self._total, 100.0)
        update_progress_artifact(self._id, percent, description)


def publish_sync(connection: str, outcomes: Sequence[Outcome], state: State[Any]) -> None:
    """The table and the summary of a connection's run."""
    rows = [{word: one.report.get(key) for word, key in _COLUMNS.items()} for one in outcomes]
    create_table_artifact(
        rows, key=artifact_key(f"sync-{connection}"), description=f"What was read of {connection}"
    )
    problems = [
        [one.report.get("resource"), one.report.get("status"), one.message] for one in outcomes if one.message
    ]
    publish_summary(f"sync-{connection}-summary", f"Sync of {connection}", state, problems)


def publish_summary(key: str, title: str, state: State[Any], problems: Sequence[Sequence[Any]]) -> None:
    """A page that says how a run ended, and of each part that has something to say, what it is and what to do."""
    lines = [f"# {_cell(title)}: {state.name}", "", _cell(state.message or ""), ""]
    if problems:
        lines += ["| what | status | what happened and what to do |", "|---|---|---|"]
        lines += ["| " + " | ".join(_cell(cell) for cell in problem) + " |" for problem in problems]
    create_markdown_artifact("\n".join(lines), key=artifact_key(key), description=f"{title}: {state.name}")


def artifact_key(text: str) -> str:
    """A key as Prefect has them: lower-case letters, digits and hyphens."""
    return text.replace("_", "-").strip("-")


def _cell(value: Any) -> str:
    """Text that stays text in a table of markdown: a provider's words may be in it."""
    text = " ".join(str(value).split())
    for sign, written in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("|", "&#124;"), ("[", "&#91;")):
        text = text.replace(sign, written)
    return text
