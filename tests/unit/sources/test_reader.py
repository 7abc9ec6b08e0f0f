"""What a reading asks for, and how often."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mappings.library import Mapping
from mappings.merging import merge
from sources.unified_lms.client import Client
from sources.unified_lms.reader import Reader
from sources.unified_lms.run import make_mapper
from tests.unit.sources.conftest import Asked, Provider

JOINED_PER_PARENT = """
endpoints:
  courses: {path: /courses}
  learners:
    path: "/courses/{parent.id}/learners"
    query: {page: "{page.number}"}
    paging: {type: page}
  progress: {path: "/courses/{parent.id}/progress"}
resources:
  courses: {read: [{endpoint: courses}]}
  course_enrollments:
    read: [{parents: {resource: courses, id: id}, endpoint: learners}]
    joins: {progress: {endpoint: progress, per: parent, key: user, match: record.user}}
"""


def answer(asked: Asked) -> Any:
    """Two courses with two pages of learners each."""
    if asked.path == "/courses":
        return 200, {}, [{"id": "1"}, {"id": "2"}]
    if asked.path.endswith("progress"):
        return 200, {}, [{"user": "a", "done": 1}]
    page = dict(asked.query)["page"]
    return 200, {}, {"1": [{"user": "a"}], "2": [{"user": "b"}]}.get(page, [])


def test_a_join_of_a_parent_is_asked_for_once(provider: Provider, connect: Callable[..., Client]) -> None:
    """However many pages the records under a parent take, what is joined for the parent is one call."""
    provider.answer = answer
    client = connect(JOINED_PER_PARENT)
    source = '{"id": $key(parent.id, record.user), "user": {"id": record.user}, "course": {"id": parent.id}}'
    merged = merge(source, "example", ())
    mapping = Mapping("example", "course_enrollments", merged, "digest", None)  # type: ignore[arg-type]
    reader = Reader(client, client.manifest, "course_enrollments", make_mapper(mapping, client.manifest, {}))
    assert sum(batch.table.num_rows for batch in reader.batches()) == 4
    asked = sorted(each.path for each in provider.asked if each.path.endswith("progress"))
    assert asked == ["/courses/1/progress", "/courses/2/progress"]
