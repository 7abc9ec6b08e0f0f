"""The connector for learning management systems: one schema of four resources, read from any provider.

import dlt
from sources.unified_lms import unified_lms

dlt.pipeline("learning", destination="duckdb", dataset_name="lms").run(unified_lms("acme"))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sources.unified_lms.source import unified_lms

__all__ = ["unified_lms"]


def __getattr__(name: str) -> Any:
    """The source, imported when it is asked for: dlt takes two seconds to import, and manifests need none of it."""
    if name == "unified_lms":
        from sources.unified_lms.source import unified_lms  # noqa: PLC0415 - see above

        return unified_lms
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
