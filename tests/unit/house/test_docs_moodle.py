"""docs/providers/moodle.md: what is not made from the code is held against it."""

from __future__ import annotations

import re

from sources.unified_lms.manifest import load_manifest
from tests.unit.house.documents import DOCS, quoted, sections

PAGE = sections(DOCS / "providers" / "moodle.md")
MANIFEST = load_manifest("moodle")


def test_the_page_lists_the_functions_that_are_asked_for() -> None:
    """The service needs each function in the table, and no other."""
    listed = re.findall(r"^\| `(\w+)` \|", PAGE["Functions"], re.MULTILINE)
    assert set(listed) == {endpoint.form["wsfunction"] for endpoint in MANIFEST.endpoints.values()}
    assert set(MANIFEST.secrets) & quoted(PAGE["Functions"])


def test_the_page_lists_the_capabilities_that_errors_name() -> None:
    """A capability that the connector tells to give stands in the table of capabilities."""
    told = {
        name
        for endpoint in MANIFEST.endpoints.values()
        for name in re.findall(r"\b\w+/\w+:\w+", endpoint.permission or "")
    }
    assert told
    assert told <= quoted(PAGE["Capabilities"])
    gaps = [gap.note for resource in MANIFEST.resources.values() for gap in resource.gaps]
    assert set(re.findall(r"\b\w+/\w+:\w+", " ".join(gaps))) <= quoted(PAGE["Capabilities"])


def test_the_page_lists_the_columns_that_the_report_needs() -> None:
    """The columns without which a report is refused are those that the page says."""
    rule = next(rule for rule in MANIFEST.errors if rule.contains == '"totalrowcount"')
    for column in re.findall(r'"([A-Z][\w ]+)"', rule.when or ""):
        assert column in PAGE["A custom report"].replace("\n", " ")
