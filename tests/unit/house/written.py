"""What of a manifest writes, for the tests of the providers' pages."""

from __future__ import annotations

from sources.unified_lms.manifest import Manifest


def written_by(manifest: Manifest) -> set[str]:
    """The endpoints that write."""
    resources = manifest.resources.values()
    return {call for one in resources for write in one.writes.operations.values() for call in write.calls}
