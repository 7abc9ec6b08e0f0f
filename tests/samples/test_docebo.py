"""The Docebo mappings on what is published of the vendor's answers, which is not part of the project.

The folder that holds them (`<folder>/docebo/samples/*.json`) is named by LMS_VENDOR_SAMPLES. None is a recorded answer:
one list of courses fits a resource, shortened by its author. What is expected is written by hand from the notes.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

import mappings
from mappings import engine
from sources.unified_lms.manifest import load_manifest

SAMPLES = os.environ.get("LMS_VENDOR_SAMPLES")
FOLDER = Path(next(iter(mappings.__path__))) / "docebo"

pytestmark = pytest.mark.skipif(
    not SAMPLES or not (Path(SAMPLES) / "docebo").is_dir(),
    reason="LMS_VENDOR_SAMPLES names no folder with samples of Docebo",
)


def sample(name: str) -> Any:
    """One of the answers."""
    return json.loads((Path(SAMPLES or "") / "docebo" / "samples" / f"{name}.json").read_text())


def unified(resource: str, record: Any, parent: Any = None) -> Any:
    """The record as both engines map it."""
    source = (FOLDER / f"{resource}.jsonata").read_text()
    value = {"record": record, "parent": parent, "joined": {}, "settings": {}}
    found = engine.compile(source, name=resource).evaluate(value)
    assert engine.reference_evaluate(source, value) == found
    return found


def test_a_course_of_the_list() -> None:
    """The manifest finds the list in its envelope, and the few fields that were left in it are mapped."""
    found = engine.compile(load_manifest("docebo").endpoints["courses"].records).evaluate(
        sample("thirdparty_readme_courses_list_truncated")
    )
    [course] = found if isinstance(found, list) else [found]
    assert unified("courses", course) == {
        "id": "563",
        "title": "Course Name",
        "updated_at": "2025-01-22T13:27:13Z",
    }


def test_the_list_that_counts() -> None:
    """`total_count` stands where the manifest's check looks for it."""
    check = load_manifest("docebo").check
    assert check is not None
    counted = sample("thirdparty_readme_courses_list_truncated")
    assert engine.compile(check.counts["users"]).evaluate(counted) == 1266


def test_words_of_an_enrolment_in_a_webhook() -> None:
    """The webhook's event is no list's record, but its word for a status and its days are those of the mapping."""
    payload = sample("thirdparty_readme_webhook_course_enrollment_completed")["event"]["body"]["payload"]
    record = {
        "course_id": payload["course_id"],
        "user_id": payload["user_id"],
        "enrollment_status": payload["status"],
        "enrollment_created_at": payload["enrollment_date"],
        "enrollment_completion_date": payload["completion_date"],
    }
    assert unified("course_enrollments", record) == {
        "id": "67890:12345",
        "user": {"id": "12345"},
        "course": {"id": "67890"},
        "status": "completed",
        "status_source": "completed",
        "enrolled_at": "2025-10-01T00:00:00Z",
        "created_at": "2025-10-01T00:00:00Z",
        "completed_at": "2025-10-03T00:00:00Z",
    }
