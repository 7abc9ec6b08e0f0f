"""What a connection may write: nothing, unless its section `writes` allows it."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from mappings.model import RESOURCES
from sources.unified_lms.manifest.sentences import suggestion

WRITES = ("create", "update", "delete")


@dataclass(frozen=True)
class WritePolicy:
    """What may be written, and how much of it at once."""

    allow: tuple[str, ...] = ()
    """Operations such as `users.update`, `users.*`, `*.create` or `*`."""
    require_approval: bool = False
    """Whether many writes need a plan that somebody has approved."""
    max_writes: int = 1000
    """How many things one apply may write."""
    max_failures: int | None = None
    """How many may fail before an apply stops; None: only the share counts."""
    max_failure_share: float = 0.1
    """Which share of what was tried may fail, from the tenth failure on."""

    def allows(self, resource: str, operation: str) -> bool:
        """Whether the operation is allowed."""
        return any(fnmatchcase(f"{resource}.{operation}", pattern) for pattern in self.allow)


READ_ONLY = WritePolicy()


def policy_problem(pattern: str) -> str | None:
    """Why an entry of `allow` allows nothing that there is; None for a good one."""
    if any(fnmatchcase(f"{name}.{operation}", pattern) for name in RESOURCES for operation in WRITES):
        return None
    known = [f"{name}.{operation}" for name in RESOURCES for operation in WRITES]
    return f"{pattern!r} is no operation; {suggestion(pattern, known)}"
