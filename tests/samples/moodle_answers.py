"""A Moodle site's recorded answers, and what the manifest and the mappings make of them.

The folder that holds them (`<folder>/moodle/samples/*`) is named by LMS_VENDOR_SAMPLES; they are not part of the
project. They come from a Moodle 4.5.6 whose clock is London's.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

import mappings
from mappings import engine
from sources.unified_lms.manifest import Join, load_manifest

SAMPLES = os.environ.get("LMS_VENDOR_SAMPLES")
SITE: dict[str, Any] = {"timezone": "Europe/London", "roles": ["student"]}
FOLDER = Path(next(iter(mappings.__path__))) / "moodle"
MANIFEST = load_manifest("moodle")
ENROLMENTS = MANIFEST.resources["course_enrollments"]

RECORDED = pytest.mark.skipif(
    not SAMPLES or not (Path(SAMPLES) / "moodle").is_dir(),
    reason="LMS_VENDOR_SAMPLES names no folder with the vendor's samples of Moodle",
)


def content(name: str) -> bytes:
    """One of the site's answers as it came."""
    folder = Path(SAMPLES or "") / "moodle" / "samples"
    [file] = [folder / f"{name}.{kind}" for kind in ("json", "txt") if (folder / f"{name}.{kind}").is_file()]
    return file.read_bytes()


def sample(name: str) -> Any:
    """The same as a value."""
    return json.loads(content(name))


def both(source: str, value: Any) -> Any:
    """The value of an expression, on which both engines must agree."""
    found = engine.compile(source).evaluate(value)
    assert engine.reference_evaluate(source, value) == found
    return found


def unified(resource: str, record: Any, *, parent: Any = None, joined: Any = None, site: Any = None) -> Any:
    """The record as both engines map it."""
    value = {"record": record, "parent": parent, "joined": joined or {}, "settings": site or SITE}
    return both((FOLDER / f"{resource}.jsonata").read_text(), value)


def entries(join: Join, name: str) -> list[Any]:
    """What a join finds in an answer."""
    found = both(join.records, sample(name))
    return found if isinstance(found, list) else [] if found is None else [found]
