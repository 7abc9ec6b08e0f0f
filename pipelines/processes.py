"""Which processes of this machine live: what a dead one held need not be waited for."""

from __future__ import annotations

import hashlib
import uuid
from functools import cache
from pathlib import Path


def is_dead(where: str, pid: str) -> bool:
    """Whether a process is known to be no more: one of this machine (`machine`) that is not there."""
    return where == machine() and not Path("/proc", pid).exists()


@cache
def machine() -> str:
    """This boot of this machine and its process numbers: a container has its own, whatever its host is called."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    if not boot.exists():  # no Linux: every process counts as another machine's
        return uuid.uuid4().hex
    processes = Path("/proc/self/ns/pid").stat().st_ino
    return hashlib.blake2b(f"{boot.read_text()}/{processes}".encode(), digest_size=8).hexdigest()
