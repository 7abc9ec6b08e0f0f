"""What the page of a provider says of writing, and what its manifest does."""

from __future__ import annotations

import re

from sources.unified_lms.manifest import Manifest
from tests.unit.house.documents import quoted

Writes = dict[tuple[str, str], set[str]]
"""Resource and operation, and the fields that can be set."""

_ROW = re.compile(r"^\| (\w+) \| (create|update|delete) \|(.*)\|$", re.MULTILINE)


def table_of_writes(section: str) -> Writes:
    """The rows of the table that has a resource, an operation and its fields."""
    return {(resource, operation): quoted(fields) for resource, operation, fields in _ROW.findall(section)}


def writes_of(manifest: Manifest) -> Writes:
    """The same of a manifest."""
    return {
        (name, operation): set(write.fields)
        for name, resource in manifest.resources.items()
        for operation, write in resource.writes.operations.items()
    }


def written_by(manifest: Manifest) -> set[str]:
    """The endpoints that write."""
    resources = manifest.resources.values()
    return {call for one in resources for write in one.writes.operations.values() for call in write.calls}
