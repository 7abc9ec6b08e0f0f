"""docs/providers/canvas.md: what is not made from the code is held against it."""

from __future__ import annotations

import re

from mappings import engine
from mappings.library import load_mapping
from sources.unified_lms.manifest import load_manifest
from tests.unit.house.documents import DOCS, quoted, sections
from tests.unit.house.written import written_by

PAGE = sections(DOCS / "providers" / "canvas.md")
MANIFEST = load_manifest("canvas")


def _neutral(path: str) -> str:
    """An address whatever its parts are called; `self` is a user, too."""
    return re.sub(r"\{[^}]+\}|:\w+|(?<=/)self", ":", path)


def _scopes(section: str) -> set[tuple[str, str]]:
    """The scopes that a section lists, as method and address."""
    listed = re.findall(r"^url:(\w+)\|(\S+)$", PAGE[section], re.MULTILINE)
    return {(method, _neutral(path)) for method, path in listed}


def test_the_page_lists_the_scopes_of_all_calls() -> None:
    """One for each endpoint of the manifest; those that only read stand by themselves."""
    called = {
        name: (endpoint.method, _neutral(MANIFEST.api.path + endpoint.path))
        for name, endpoint in MANIFEST.endpoints.items()
    }
    writing = written_by(MANIFEST)
    assert _scopes("Writing") == {called[name] for name in writing}
    assert _scopes("Getting a token") == {called[name] for name in called.keys() - writing}
    assert {method for method, _ in _scopes("Getting a token")} == {"GET"}
    assert set(MANIFEST.secrets) <= quoted(PAGE["Getting a token"])


def test_the_table_of_states_is_that_of_the_mapping() -> None:
    """Each row of the table is what the mapping makes of such an enrolment."""
    source = load_mapping("canvas", "course_enrollments").source
    rows = re.findall(
        r"^\| (`[a-z`, _]+`) \| ([a-z ]*?) ?\| `(\w+)` \|$", PAGE["What is covered"], re.MULTILINE
    )
    rows = [row for row in rows if row[0] != "`status_source`"]
    assert len(rows) == 6
    for words, condition, status in rows:
        for word in quoted(words):
            record = {"enrollment_state": word, "last_activity_at": None}
            record |= (
                {"last_activity_at": "2026-01-01T00:00:00Z"} if condition == "progress or activity" else {}
            )
            done = {"completed_at": "2026-01-01T00:00:00Z"} if condition == "all requirements met" else {}
            seen = {
                "record": record,
                "parent": {},
                "joined": {"progress": {"progress": done}},
                "settings": {},
            }
            assert engine.compile(source).evaluate(seen)["status"] == status
