"""Records that say that something was deleted, told apart from the others."""

from __future__ import annotations

import orjson

from sources.unified_lms.tombstones import Tombstones
from tests.unit.sources.conftest import manifest_of

SPEC = """
endpoints: {users: {path: /users}}
resources:
  users:
    read: [{endpoint: users}]
    identify: parent.id & ":" & record.id
    deleted: record.gone = true or joined.state = "removed"
"""


def part(
    text: str, *records: object, joined: list[dict[str, object]] | None = None
) -> tuple[object, object, object]:
    """The records that are there, what is joined to them, and the deleted ids."""
    tombstones = Tombstones(manifest_of(text).resources["users"], {})
    there, beside, gone = tombstones.part(orjson.dumps(records).decode(), joined or [], '{"id": "p"}')
    return orjson.loads(there), beside, gone


def test_deleted_records_are_taken_out_by_their_unified_id() -> None:
    """A deleted record is known by the id that its mapping would give it; the others keep their order."""
    one, two, three = {"id": "1"}, {"id": "2", "gone": True}, {"id": "3"}
    assert part(SPEC, one, two, three) == ([one, three], [], ["p:2"])


def test_what_is_joined_stays_with_its_record() -> None:
    """What a join says may decide, and what it adds stays beside the record that it belongs to."""
    one, two = {"id": "1"}, {"id": "2"}
    assert part(SPEC, one, two, joined=[{"state": "removed"}, {"state": "here"}]) == (
        [two],
        [{"state": "here"}],
        ["p:1"],
    )


def test_a_single_record_is_a_page_as_well() -> None:
    """A page of one record, deleted or not, is taken apart like any other."""
    assert part(SPEC, {"id": "1", "gone": True}) == ([], [], ["p:1"])
    assert part(SPEC, {"id": "1"}) == ([{"id": "1"}], [], [])


def test_deleted_record_without_an_id_is_left_to_be_rejected() -> None:
    """What has no id cannot be retired; it goes on to the mapper, which says what is wrong with it."""
    spec = SPEC.replace('parent.id & ":" & record.id', "record.id")
    assert part(spec, {"gone": True}) == ([{"gone": True}], [], [])


def test_without_such_an_expression_nothing_is_deleted() -> None:
    """A manifest that says nothing of deletions leaves every page as it is."""
    assert part("endpoints: {users: {path: /users}}", {"id": "1", "gone": True})[2] == []
