"""docs/providers/docebo.md: what is not made from the code is held against it."""

from __future__ import annotations

import re

from pipelines.check import rotation
from sources.unified_lms.manifest import load_manifest
from tests.unit.house.documents import DOCS, quoted, sections

PAGE = sections(DOCS / "providers" / "docebo.md")
MANIFEST = load_manifest("docebo")
TOKEN = "/oauth2/token"


def test_the_page_names_what_is_asked_for() -> None:
    """What is asked for lies under the addresses on the page, what is read by GET alone, and secrets are named."""
    named = {word for word in quoted(PAGE["Getting credentials"]) if word.startswith("/")}
    paths = {endpoint.path for endpoint in MANIFEST.endpoints.values()} | {TOKEN}
    assert {next((base for base in named if path.startswith(base)), path) for path in paths} == named
    written = {
        call
        for resource in MANIFEST.resources.values()
        for write in resource.writes.operations.values()
        for call in write.calls
    }
    others = {name for name, endpoint in MANIFEST.endpoints.items() if endpoint.method != "GET"}
    assert others == written
    assert set(MANIFEST.secrets) <= quoted(PAGE["Getting credentials"])


def test_every_doubtful_setting_is_explained() -> None:
    """Whoever chooses a list, or a number of calls, reads what it costs."""
    assert {"enrollment_list", "course_list"} <= quoted(PAGE["Settings"])
    assert "calls_per_hour" in quoted(PAGE["Limits"]) & quoted(PAGE["Not confirmed"])


def test_the_arithmetic_of_a_run_is_that_of_the_check() -> None:
    """Each row of the table follows from the sum above it; a contract test holds the sum."""
    rows = re.findall(
        r"^\| ([\d,]+) \| (\d+) \| ([\d,]+) \| ([\d,]+) \| (\d+) \|$", PAGE["Limits"], re.MULTILINE
    )
    assert len(rows) == 4
    for row in rows:
        users, courses, limit, calls, runs = (int(cell.replace(",", "")) for cell in row)
        assert users // 200 + 1 + 3 * (courses // 200 + 1) + 2 * courses == calls, row
        assert rotation(calls, courses, limit) == runs, row
