"""Merging: what a mapping gives under overlays, on both engines, and where each field comes from."""

from __future__ import annotations

from typing import Any

import pytest

from mappings import engine
from mappings.library import load_mapping
from mappings.merging import Merged, merge
from mappings.model import RESOURCES, USERS
from mappings.overlays import parse_overlay

BASE = """{
  "id": record.id, "name": record.name, "job_title": record.title,
  "organization": record.org ? {"id": record.org, "name": "Org " & record.org},
  "custom_fields": record.extra
}"""
PERSON = {
    "id": "7",
    "name": "Ada",
    "title": "Engineer",
    "org": "1",
    "cc": "A-1",
    "extra": {"floor": 2, "old": "x"},
}


def merged(*levels: str, base: str = BASE) -> Merged:
    """The mapping under overlays: of the environment first, then of the connection."""
    names = ("environment", "connection")
    overlays = [parse_overlay(text, f"{names[n]}.yaml", names[n], USERS) for n, text in enumerate(levels)]
    return merge(base, "acme/users.jsonata", overlays)


def value(*levels: str, record: dict[str, Any] | None = None, base: str = BASE) -> Any:
    """What a record becomes, on which both engines must agree."""
    seen = {"record": PERSON if record is None else record, "parent": None, "joined": {}, "settings": {}}
    source = merged(*levels, base=base).source
    found = engine.compile(source).evaluate(seen)
    assert engine.reference_evaluate(source, seen) == found
    return found


def test_without_overlays_the_mapping_is_as_it_was() -> None:
    """Nothing is put around it."""
    assert merged().source == BASE


def test_a_field_is_changed_and_the_rest_stays() -> None:
    """The overlay's expression sees what the mapping sees."""
    assert value("job_title: record.cc") == value() | {"job_title": "A-1"}


def test_a_field_is_removed() -> None:
    """It is null, which is what the model calls missing."""
    assert value("job_title: null")["job_title"] is None


def test_an_expression_that_gives_nothing_leaves_nothing_of_what_was_below() -> None:
    """What is below is taken by asking for `$value` only."""
    assert value("job_title: record.nothing")["job_title"] is None
    assert value("job_title: 'record.nothing ? record.nothing : $value'")["job_title"] == "Engineer"


def test_a_custom_field_is_added() -> None:
    """Those of the provider stay beside it."""
    found = value("custom_fields.cost_center: record.cc")["custom_fields"]
    assert found == {"floor": 2, "old": "x", "cost_center": "A-1"}


@pytest.mark.parametrize("extra", [None, {}, "text", [], [{"floor": 2}]])
def test_a_custom_field_is_added_to_whatever_is_there(extra: Any) -> None:
    """Where the mapping gives no object there is one then."""
    found = value("custom_fields.cost_center: record.cc", record=PERSON | {"extra": extra})["custom_fields"]
    assert found["cost_center"] == "A-1"


def test_a_custom_field_is_removed() -> None:
    """Its key is gone, whatever its name is."""
    assert value("custom_fields.old: null")["custom_fields"] == {"floor": 2}
    spaced = PERSON | {"extra": {"Cost Center": 1, "b": 2}}
    assert value("custom_fields.Cost Center: null", record=spaced)["custom_fields"] == {"b": 2}


def test_a_property_of_a_ref_is_changed() -> None:
    """The others stay."""
    assert value("organization.name: record.cc")["organization"] == {"id": "1", "name": "A-1"}


def test_the_value_so_far_can_be_used() -> None:
    """`$value` is what the levels below give for the same key: a field, a property, a custom field."""
    found = value(
        "job_title: $uppercase($value)\norganization.name: $value & '!'\ncustom_fields.floor: $value + 1"
    )
    assert found["job_title"] == "ENGINEER"
    assert found["organization"]["name"] == "Org 1!"
    assert found["custom_fields"]["floor"] == 3


def test_the_whole_can_be_replaced() -> None:
    """The key `$` stands for the whole record; further lines are applied to the new one."""
    found = value("$: '{\"id\": record.id}'\nname: record.cc")
    assert found == {"id": "7", "name": "A-1"}


def test_the_whole_can_build_on_the_whole() -> None:
    """`$value` is then the whole record so far."""
    found = value("job_title: record.cc", "$: '$merge([$value, {\"name\": $value.job_title}])'")
    assert (found["name"], found["job_title"]) == ("A-1", "A-1")


def test_the_connection_goes_before_the_environment() -> None:
    """Field by field."""
    found = value("job_title: '\"env\"'\nname: '\"env\"'", "name: '\"own\"'")
    assert (found["job_title"], found["name"]) == ("env", "own")


def test_the_connection_can_build_on_the_environment() -> None:
    """By `$value`, by a property of what the environment gives, and by giving whole what it gave in part."""
    assert value("name: '\"env\"'", "name: $value & '+'")["name"] == "env+"
    ref = 'organization: \'{"id": "9", "name": "env"}\''
    assert value(ref, "organization.name: $value & '+'")["organization"] == {"id": "9", "name": "env+"}
    assert value("organization.name: '\"env\"'", "organization: $value")["organization"]["name"] == "env"
    assert value("organization.name: '\"env\"'", "organization: null")["organization"] is None


def test_what_a_later_level_replaces_is_not_evaluated() -> None:
    """An expression that fails is harmless once another takes its place."""
    assert value("name: $error('no')\njob_title: '1'", "name: '\"own\"'\njob_title: $value")["name"] == "own"
    assert "$error" not in merged("name: $error('no')", '$: \'{"id": "1"}\'').source


def test_names_inside_an_expression_are_its_own() -> None:
    """A variable of the mapping or of one overlay cannot be seen by another."""
    base = '($secret := record.title; {"id": record.id, "job_title": $secret})'
    assert value("job_title: ($x := 'a'; $x)\nname: |\n  ($x := $x ? $x : 'b'; $x)", base=base)["name"] == "b"
    with pytest.raises(Exception, match="defined nowhere"):
        merged("name: $secret", base=base)


def test_a_comment_at_the_end_of_an_expression_ends_with_it() -> None:
    """Nor can one reach beyond its line."""
    assert value("name: |\n  record.cc /* why */\njob_title: record.cc")["job_title"] == "A-1"


def test_the_order_of_lines_means_nothing() -> None:
    """The same levels give the same text, and with it the same digest."""
    one, other = "name: record.cc\njob_title: null", "# why\njob_title: null\nname: record.cc"
    assert merged(one).source == merged(other).source


def test_where_a_field_comes_from() -> None:
    """The last level that gives it, whole or in part; else the shipped mapping."""
    found = merged("organization: null\nname: record.cc", "name: $value\ncustom_fields.a: 1")
    levels = {
        path: found.origin(path).level for path in ("name", "organization.id", "job_title", "custom_fields.a")
    }
    assert levels == {
        "name": "connection",
        "organization.id": "environment",
        "job_title": "shipped",
        "custom_fields.a": "connection",
    }
    assert [origin.level for origin in found.origins if origin.path == "name"] == [
        "environment",
        "connection",
    ]


def test_an_error_names_the_file_and_the_line_in_it() -> None:
    """Whoever wrote the expression finds it: in the overlay, or in the shipped mapping."""
    found = merged("name: |\n  1\n  + record.name")
    with pytest.raises(
        engine.ExpressionError, match=r"^environment\.yaml: name, line 1, column 1: "
    ) as caught:
        engine.compile(found.source, name="acme/users.jsonata", places=found.places).evaluate(
            {"record": PERSON}
        )
    assert (caught.value.line, caught.value.code) == (1, "T2002")
    broken = merged("name: record.cc", base='{\n  "id": $number(record.name)}')
    with pytest.raises(engine.ExpressionError, match=r"^acme/users\.jsonata, line 2, column 9: "):
        engine.compile(broken.source, places=broken.places).evaluate({"record": PERSON})


def test_the_digest_follows_what_is_merged_and_nothing_else() -> None:
    """An expression and a type are part of it, a comment and the level are not."""
    texts = {
        "none": "",
        "comment": "# only words",
        "one": "custom_fields.a: record.a",
        "typed": "custom_fields.a: {expression: record.a, type: string}",
        "other": "custom_fields.a: record.b",
    }
    digests = {
        name: load_mapping(
            "talentlms", "users", overlays=[parse_overlay(text, "f", "connection", RESOURCES["users"])]
        ).digest
        for name, text in texts.items()
    }
    assert digests["none"] == digests["comment"] == load_mapping("talentlms", "users").digest
    assert len(set(digests.values())) == 4
