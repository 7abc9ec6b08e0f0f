from __future__ import annotations

import pytest

from sources.unified_lms.ways import split_id


@pytest.mark.parametrize(
    ("pattern", "record_id", "parts"),
    [
        ("{id}", "5", {"id": "5"}),
        ("{id}", "a:b%3A", {"id": "a:b%3A"}),
        ("{id}", "", None),
        ("{course}:{user}", "101:7", {"course": "101", "user": "7"}),
        ("{course}:{user}", "a%3Ab:50%25", {"course": "a:b", "user": "50%"}),
        ("{course}:{user}", "101", None),
        ("{course}:{user}", "101:7:1", None),
        ("{course}:{user}", "101:", None),
        ("quiz:{id}", "quiz:9", {"id": "9"}),
        ("quiz:{id}", "page:9", None),
    ],
)
def test_split(pattern: str, record_id: str, parts: dict[str, str] | None) -> None:
    """A unified id comes apart as the manifest writes it, the parts of a composite one percent-decoded."""
    assert split_id(pattern, record_id) == parts
