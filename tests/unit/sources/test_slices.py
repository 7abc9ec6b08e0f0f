"""Lists that are read piece by piece: what is asked for, and what such a reading can tell of what has vanished."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from mappings.library import Mapping
from mappings.merging import merge
from sources.unified_lms.client import Client
from sources.unified_lms.errors import ConfigurationError
from sources.unified_lms.reader import Outcome, Reader
from sources.unified_lms.run import make_mapper
from tests.unit.sources.conftest import Asked, FakeTime, Provider

Connect = Callable[..., Client]
SLICED = """
settings: {{letters: {{title: Letters, type: list}}}}
endpoints:
  users: {{path: /users, query: {{name: "{{args.name}}"}}}}
  items: {{path: "/users/{{parent.id}}"}}
resources:
  users:
    read: [{{endpoint: users, slices: {{of: settings.letters, args: {{name: '$ & "*"'}}, complete: {complete}}}}}]
  courses: {{read: [{{parents: {{resource: users, id: id}}, endpoint: items}}]}}
"""


def read(client: Client, resource: str = "users") -> tuple[set[str], Outcome]:
    """The ids that a reading gives, and what it covered."""
    source = '{"id": record.id, "title": "a"}' if resource == "courses" else '{"id": record.id}'
    mapping = Mapping("example", resource, merge(source, "example", ()), "digest", None)  # type: ignore[arg-type]
    reader = Reader(client, client.manifest, resource, make_mapper(mapping, client.manifest, {}))
    found = {name for batch in reader.batches() for name in batch.table["id"].to_pylist()}
    return found, reader.outcome


def people(provider: Provider) -> None:
    """Ann and Bob are found by their letters, and each has one course."""

    def answer(asked: Asked) -> Any:
        if asked.path != "/users":
            return 200, {}, [{"id": asked.path.rsplit("/", 1)[1]}]
        return (
            200,
            {},
            [{"id": name} for name in ("ann", "bob") if f"{name[0]}*" == dict(asked.query)["name"]],
        )

    provider.answer = answer


@pytest.mark.parametrize("complete", [True, False])
def test_each_slice_is_read_and_all_make_the_list(
    complete: bool, provider: Provider, connect: Connect
) -> None:
    """The endpoint is asked once for each entry; only complete slices can tell what has vanished."""
    people(provider)
    client = connect(SLICED.format(complete=str(complete).lower()), settings={"letters": ("a", "b", "c")})
    found, outcome = read(client)
    assert found == {"ann", "bob"}
    assert sorted(dict(asked.query)["name"] for asked in provider.asked) == ["a*", "b*", "c*"]
    assert outcome.whole is complete


@pytest.mark.parametrize("complete", [True, False])
def test_fan_out_under_slices_knows_its_parents_only_if_they_are_complete(
    complete: bool, provider: Provider, connect: Connect
) -> None:
    """What lies under a parent that no slice gave may still be there, unless the slices leave nothing out."""
    people(provider)
    client = connect(SLICED.format(complete=str(complete).lower()), settings={"letters": ("a", "b")})
    found, outcome = read(client, "courses")
    assert found == {"ann", "bob"}
    assert (outcome.parents is None, outcome.whole) == (not complete, complete)
    assert sorted(outcome.scopes) == ["ann", "bob"]


def test_no_slice_is_no_empty_list(provider: Provider, connect: Connect) -> None:
    """Where the settings give no slice nothing was asked for, which must not look like an empty portal."""
    with pytest.raises(
        ConfigurationError, match="users is read in slices, and the connection's settings give none"
    ):
        read(connect(SLICED.format(complete="true")))
    assert provider.asked == []


def test_windows_of_time_are_counted_from_the_present(
    provider: Provider, connect: Connect, fake_time: FakeTime
) -> None:
    """`now` is the clock's whole seconds, so that a manifest can cut time into windows."""
    client = connect(
        """
endpoints: {users: {path: /users, query: {until: "{args.until}"}}}
resources:
  users: {read: [{endpoint: users, slices: {of: "($end := now; [0..2].($end - $ * 100))", args: {until: $}}}]}
"""
    )
    provider.answer = lambda asked: (200, {}, [])
    read(client)
    now = int(fake_time.now)
    asked = {int(dict(each.query)["until"]) for each in provider.asked}
    assert asked == {now, now - 100, now - 200}


def test_a_slice_that_fails_fails_the_reading(provider: Provider, connect: Connect) -> None:
    """A list that lacks a slice is no list."""
    provider.answer = lambda asked: (403 if "a*" in json.dumps(asked.query) else 200, {}, [])
    with pytest.raises(Exception, match="the provider answered 403"):
        read(connect(SLICED.format(complete="true"), settings={"letters": ("a", "b")}))
