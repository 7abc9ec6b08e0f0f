"""One record asked for by its id: its parent, what is joined for that, and what is missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sources.unified_lms.client import Client
from sources.unified_lms.passthrough import PassThrough
from sources.unified_lms.singles import Missing, SingleRecords
from tests.unit.sources.conftest import Asked, Provider

Connect = Callable[..., Client]
MANIFEST = """
endpoints:
  courses: {path: /courses}
  course: {path: "/courses/{args.id}"}
  learners:
    path: "/courses/{parent.id}/learners"
    query: {page: "{page.number}"}
    paging: {type: page}
  learner: {path: "/learners/{args.id}"}
  progress: {path: "/courses/{parent.id}/progress"}
resources:
  courses: {read: [{endpoint: courses}], get: {endpoint: course}}
  course_enrollments:
    read: [{parents: {resource: courses, id: id}, endpoint: learners}]
    get: {endpoint: learner, parent_id: body.course}
    joins: {progress: {endpoint: progress, per: parent, key: user, match: record.user}}
"""
MAPPING = '{"id": record.id, "user": {"id": record.user}, "course": {"id": parent.id, "title": parent.name}}'


def answer(asked: Asked) -> Any:
    """Two courses; course 2 has two pages of learners, of whom b is told apart by a record of their own."""
    pages = {"1": [{"id": "a", "user": "u"}], "2": [{"id": "b", "user": "v"}]}
    known: dict[str, Any] = {
        "/courses": [{"id": "2", "name": "Second"}],
        "/courses/2": {"id": "2", "name": "Second"},
        "/courses/2/learners": pages.get(dict(asked.query).get("page", ""), []),
        "/courses/2/progress": [{"user": "v", "done": 1}],
        "/learners/b": {"id": "b", "user": "v", "course": "2"},
        "/learners/astray": {"id": "astray", "user": "v", "course": "9"},
    }
    return (200, {}, known[asked.path]) if asked.path in known else (404, {}, {"message": "gone"})


@pytest.fixture
def client(provider: Provider, connect: Connect) -> Client:
    """A client of the provider."""
    provider.answer = answer
    return connect(MANIFEST)


def test_the_parent_is_read_by_a_call_of_its_own(client: Client) -> None:
    """Where the record only names its parent, that is asked for, and its id is there for the joins."""
    found = SingleRecords(client, {}).one("course_enrollments", "b")
    assert found.parent == {"id": "2", "name": "Second"}
    assert found.variables == {"args": {"id": "b"}, "parent": {"id": "2"}}


@pytest.mark.parametrize(("record", "missing"), [("nobody", "course_enrollments"), ("astray", "courses")])
def test_what_is_missing_is_named(record: str, missing: str, client: Client) -> None:
    """The record itself, or the parent that it names."""
    with pytest.raises(Missing) as caught:
        SingleRecords(client, {}).one("course_enrollments", record)
    assert caught.value.resource == missing


def test_a_live_list_asks_for_what_is_joined_to_a_parent_once(
    client: Client, provider: Provider, tmp_path: Any
) -> None:
    """However many pages the records under a parent take, as in a sync."""
    folder = tmp_path / "example"
    folder.mkdir()
    (folder / "course_enrollments.jsonata").write_text(MAPPING)
    object.__setattr__(client.connection, "folders", (tmp_path,))
    reading = PassThrough(client.connection, client.manifest, "course_enrollments", client)
    assert len(list(reading.records({}))) == 2
    assert [asked.path for asked in provider.asked].count("/courses/2/progress") == 1
