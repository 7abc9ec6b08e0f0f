"""Records that are made of an answer which further calls have completed (`fetch` in a manifest)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from pipelines.check import check_connection
from sources.unified_lms.client import Client
from sources.unified_lms.errors import NotFound, Unexpected
from sources.unified_lms.records import RecordFinder
from tests.unit.sources.conftest import Asked, Provider

TREE = """
errors: [{kind: no_data, status: [204, 410]}]
endpoints:
  courses: {path: /courses}
  chapters: {path: "/courses/{parent.id}/chapters"}
  contents:
    path: "/courses/{parent.id}/chapters/{args.id}/contents"
    records: contents
    paging: {type: next_url, next: next}
  notes: {path: "/contents/{args.id}/notes"}
resources:
  courses: {read: [{endpoint: courses}]}
  course_items:
    read:
      - parents: {resource: courses, id: id}
        endpoint: chapters
        fetch:
          contents: {endpoint: contents, each: body.chapters, id: id}
          notes: {endpoint: notes, each: "fetched.contents.*[noted]", id: id}
        rows: |
          [body.chapters.($chapter := $; [
            {"record": $chapter},
            $lookup($$.fetched.contents, $string(id)).{"record": $, "joined": {
              "chapter": $chapter.id, "notes": $lookup($$.fetched.notes, $string(id))}}
          ])]
"""
UNDER = {"parent": {"id": "9"}, "args": {}}


def routes(provider: Provider, answers: dict[str, Any]) -> None:
    """Answers by path and query; 404 elsewhere."""

    def answer(asked: Asked) -> Any:
        found = answers.get(asked.target, (404, {}, {}))
        return found if isinstance(found, tuple) else (200, {}, found)

    provider.answer = answer


def find(client: Client, **options: Any) -> list[tuple[Any, Any]]:
    """The records of the chapters of course 9, each with what the answer joins to it."""
    [read] = client.manifest.resources["course_items"].read
    answer = client.call("chapters", UNDER)
    records, joined = RecordFinder(client, "course_items", read).find(answer, "null", UNDER, **options)
    return list(zip(json.loads(records), joined, strict=True))


@pytest.fixture
def tree(provider: Provider, connect: Callable[..., Client]) -> Client:
    """A client of a provider whose course 9 has two chapters, the first with contents on two pages."""
    routes(
        provider,
        {
            "/courses/9/chapters": {"chapters": [{"id": 1}, {"id": 2}]},
            "/courses/9/chapters/1/contents": {
                "contents": [{"id": 11}],
                "next": "/courses/9/chapters/1/contents?page=2",
            },
            "/courses/9/chapters/1/contents?page=2": {"contents": [{"id": 12, "noted": True}]},
            "/courses/9/chapters/2/contents": {"contents": []},
            "/contents/12/notes": ["a note"],
        },
    )
    return connect(TREE)


def test_each_element_is_completed_by_all_pages_of_its_call(tree: Client) -> None:
    """One call for each chapter, read to its last page, and `rows` finds the contents under the chapter's id."""
    assert [record for record, _ in find(tree)] == [
        {"id": 1},
        {"id": 11},
        {"id": 12, "noted": True},
        {"id": 2},
    ]


def test_a_later_fetch_sees_what_an_earlier_one_brought(tree: Client) -> None:
    """The third level of a tree is asked for by elements of the second."""
    found = {record["id"]: joined for record, joined in find(tree)}
    assert found[12] == {"chapter": 1, "notes": ["a note"]}
    assert found[11] == {"chapter": 1}


def test_an_element_that_stands_twice_is_asked_for_once(provider: Provider, tree: Client) -> None:
    """Calls are made by id."""
    routes(
        provider,
        {
            "/courses/9/chapters": {"chapters": [{"id": 2}, {"id": 2}]},
            "/courses/9/chapters/2/contents": {"contents": []},
        },
    )
    find(tree)
    assert [asked.path for asked in provider.asked].count("/courses/9/chapters/2/contents") == 1


def test_no_element_needs_no_call(provider: Provider, tree: Client) -> None:
    """An answer that is complete by itself costs one request."""
    routes(provider, {"/courses/9/chapters": {"chapters": []}})
    assert find(tree) == []
    assert len(provider.asked) == 1


def test_further_calls_can_be_limited(provider: Provider, tree: Client) -> None:
    """For a look at what may be read, one call of each kind is enough."""
    find(tree, calls=1)
    asked = [asked.path for asked in provider.asked]
    assert "/courses/9/chapters/1/contents" in asked
    assert "/courses/9/chapters/2/contents" not in asked


def test_an_element_without_data_has_none(provider: Provider, tree: Client) -> None:
    """A call that the manifest's rules take for "no data" gives an empty list."""
    routes(
        provider,
        {
            "/courses/9/chapters": {"chapters": [{"id": 1}]},
            "/courses/9/chapters/1/contents": (410, {}, {}),
        },
    )
    assert [record for record, _ in find(tree)] == [{"id": 1}]


def test_a_further_call_that_fails_fails_the_reading(provider: Provider, tree: Client) -> None:
    """Contents that cannot be read are not taken for none: the parent fails, and retires nothing."""
    routes(provider, {"/courses/9/chapters": {"chapters": [{"id": 1}]}})
    with pytest.raises(NotFound):
        find(tree)


def test_a_further_answer_without_records_fails_the_reading(provider: Provider, tree: Client) -> None:
    """An answer that has no list where the endpoint's `records` looks for it is no empty one, and is named."""
    routes(
        provider,
        {
            "/courses/9/chapters": {"chapters": [{"id": 1}]},
            "/courses/9/chapters/1/contents": {"items": []},
        },
    )
    with pytest.raises(Unexpected, match=r"chapters/1/contents: the answer has no records"):
        find(tree)


COUNTED = """
check: {endpoint: info, counts: {contents: chapters}}
"""


def test_a_check_counts_further_calls_under_their_endpoints_name(
    provider: Provider, connect: Callable[..., Client]
) -> None:
    """The list of three courses, an answer with chapters for each of them, and a call for each of seven chapters."""
    courses = [{"id": number} for number in (9, 10, 11)]
    routes(
        provider,
        {"/info": {"chapters": 7}, "/courses": courses, "/courses/9/chapters": {"chapters": []}},
    )
    text = TREE.replace("endpoints:", "endpoints:\n  info: {path: /info}") + COUNTED
    client = connect(text)
    result = check_connection(client.connection, client.manifest)
    assert {each.resource: each.requests for each in result.resources}["course_items"] == 1 + 3 + 7


def test_a_check_cannot_tell_the_pages_behind_links(
    provider: Provider, connect: Callable[..., Client]
) -> None:
    """Of a list whose pages lead from one to the next nobody knows how many there are."""
    routes(provider, {"/courses": [{"id": 9}], "/courses/9/chapters": {"chapters": []}})
    client = connect(TREE.replace("{path: /courses}", "{path: /courses, paging: {type: link}}"))
    result = check_connection(client.connection, client.manifest)
    assert [each.requests for each in result.resources] == [None, None]
