"""docs/providers/talentlms.md: what is not made from the code is held against it."""

from __future__ import annotations

import re

from pipelines.check import rotation
from sources.unified_lms.manifest import load_manifest
from tests.unit.house.documents import DOCS, quoted, sections
from tests.unit.house.written import written_by

PAGE = sections(DOCS / "providers" / "talentlms.md")
MANIFEST = load_manifest("talentlms")


def test_the_page_names_what_is_asked_for() -> None:
    """The addresses on the page are those of the manifest; what only reads is asked for by GET."""
    named = {word for word in quoted(PAGE["Getting a key"]) if word.startswith("/")}
    assert named == {"/" + endpoint.path.split("/")[1] for endpoint in MANIFEST.endpoints.values()}
    reading = MANIFEST.endpoints.keys() - written_by(MANIFEST)
    assert {MANIFEST.endpoints[name].method for name in reading} == {"GET"}
    assert set(MANIFEST.secrets) <= quoted(PAGE["Getting a key"])


def test_the_arithmetic_of_rotation_is_that_of_the_check() -> None:
    """Each row of the table follows from the sum above it; an integration test holds the sum."""
    rows = re.findall(
        r"^\| ([\d,]+) \| ([\d,]+) \| (\d+) \| ([\d,]+) \| (\d+) \|$", PAGE["Limits"], re.MULTILINE
    )
    assert len(rows) == 4
    assert "users + courses + branches + 12 calls" in PAGE["Limits"]
    for row in rows:
        users, courses, branches, limit, runs = (int(cell.replace(",", "")) for cell in row)
        assert rotation(users + courses + branches + 12, max(users, courses), limit) == runs, row
