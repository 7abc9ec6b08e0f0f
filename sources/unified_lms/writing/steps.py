"""What an intent comes to against the present: a call of the provider, nothing to do, or a refusal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sources.unified_lms.passthrough import LiveRecord
from sources.unified_lms.writing.comparison import Change
from sources.unified_lms.writing.intents import Intent, Refused

SKIP, REFUSE = "skip", "refuse"


@dataclass(frozen=True)
class Step:
    """One intent as it is to be done.

    `action` is `create`, `update`, `delete`, `skip` (already so) or `refuse`; `reason` says why for the last two.
    `record` is what the provider is asked for: of an update what differs.
    """

    intent: Intent
    action: str
    reason: str | None = None
    refusal: Refused | None = field(default=None, repr=False)
    """The error that says why it is refused."""
    record_id: str | None = None
    changes: tuple[Change, ...] = ()
    record: dict[str, Any] = field(default_factory=dict, repr=False)
    present: LiveRecord | None = field(default=None, repr=False)

    @property
    def writes(self) -> bool:
        """Whether the provider is to be asked for anything."""
        return self.action not in (SKIP, REFUSE)
