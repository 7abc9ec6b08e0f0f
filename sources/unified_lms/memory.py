"""What keeps a run's highest memory low: allocators keep what was freed, and the steps of a run would add up."""

from __future__ import annotations

import ctypes

import pyarrow as pa

_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8
"""Options of glibc's mallopt(3)."""


def give_back() -> None:
    """Returns freed memory to the system: both allocators keep it, and comparing and loading would come on top."""
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc only
    if trim is not None:
        trim(0)


def keep_large_blocks_apart() -> None:
    """Lets glibc map blocks of a megabyte and more by themselves, so that each goes back as soon as it is freed.

    Left alone it raises that bound up to 32 MB, mixes batches of pages with what stays, and cannot return the space
    between: 20 MB of a run's highest memory.
    """
    _option(_M_MMAP_THRESHOLD, 1 << 20)


def share_arenas() -> None:
    """Lets all threads of the process share two of glibc's arenas, where each would keep what it has freed: 15 MB.

    For processes of our own alone; a user's may have threads that another choice serves better.
    """
    _option(_M_ARENA_MAX, 2)


def _option(name: int, value: int) -> None:
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(name, value)
