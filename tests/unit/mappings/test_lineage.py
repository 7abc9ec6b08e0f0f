"""Taking mappings apart: where each field comes from, what it reads, and what is doubtful about it."""

from __future__ import annotations

import pytest

from mappings.anatomy import read_paths, reads_of, take_apart
from mappings.library import SHIPPED, load_mapping
from mappings.lineage import FieldLineage, lineage
from mappings.lint import Finding, lint
from mappings.merging import merge
from mappings.model import RESOURCES, USERS
from mappings.overlays import Overlay, parse_overlay

BASE = """(
  $kind := record.type;  /* ; in a comment, and "{" */
  $word := $lowercase($kind);
  {
    "id": $string(record.id), "name": record.names[0] & ", " & settings.title,
    "role": $word in ["a;b", "c"] ? "admin" : $contains($word, /[,;]/) ? "learner",
    "organization": {"id": parent.org.id, "name": joined.branch.name},
    "custom_fields": {"all": $keys(record)}
  }
)"""


def overlays(*texts: str) -> list[Overlay]:
    """Overlays of users, the environment's first."""
    levels = ("environment", "connection")
    return [parse_overlay(text, f"{levels[n]}.yaml", levels[n], USERS) for n, text in enumerate(texts)]


def of(*texts: str, base: str = BASE) -> dict[str, FieldLineage]:
    """The lineage of each field."""
    return {one.path: one for one in lineage(USERS, merge(base, "acme/users.jsonata", overlays(*texts)))}


def test_each_field_reads_what_it_is_made_of() -> None:
    """Variables are followed, others' are not; a property of a ref has a lineage of its own."""
    found = {path: one.reads for path, one in of().items() if one.reads}
    assert found == {
        "id": ("record.id",),
        "name": ("record.names", "settings.title"),
        "role": ("record.type",),
        "organization.id": ("parent.org.id",),
        "organization.name": ("joined.branch.name",),
        "custom_fields": ("record",),
    }


def test_a_field_that_nothing_fills_has_no_expression() -> None:
    """Neither in the mapping nor where an overlay removes it."""
    found = of("role: null")
    assert found["locale"].expression is None
    assert (found["role"].expression, found["role"].level, found["role"].reads) == (None, "environment", ())


def test_an_overlay_has_its_own_reads_and_those_of_the_value_it_builds_on() -> None:
    """Only where it uses `$value`."""
    found = of('role: \'$value = "admin" ? record.boss : "learner"\'\nname: record.full')
    assert found["role"].reads == ("record.boss", "record.type")
    assert found["name"].reads == ("record.full",)


def test_a_custom_field_of_an_overlay_is_a_field_with_a_type() -> None:
    """It stands after those of the model."""
    found = of("custom_fields.cost_center: {expression: record.cc, type: string}")
    assert list(found)[-1] == "custom_fields.cost_center"
    assert (found["custom_fields.cost_center"].type, found["custom_fields.cost_center"].reads) == (
        "string",
        ("record.cc",),
    )


def test_of_a_mapping_that_cannot_be_taken_apart_every_field_reads_the_whole() -> None:
    """Nothing is guessed away."""
    found = of(base='$merge([{"id": record.id}, {"name": record.name}])')
    assert found["id"].reads == found["locale"].reads == ("record.id", "record.name")


@pytest.mark.parametrize(
    "source", ["1", "(1)", "()", "record", "(record.a).b", "{}.a", "($a := 1; $a := 2; {})"]
)
def test_other_shapes_have_no_entries(source: str) -> None:
    """What does not end in an object is kept whole."""
    assert take_apart(source).expression("id") in (source, None)


def test_reads_of_lists_and_wholes() -> None:
    """A value that is read whole stands for what is below it."""
    assert read_paths(reads_of("record.a[0].b & record.c.d")) == ("record.a.b", "record.c.d")
    assert read_paths(reads_of("1")) == ()


def findings(*texts: str, base: str = '{"id": record.id}') -> list[Finding]:
    """What is doubtful."""
    levels = overlays(*texts)
    return lint(USERS, merge(base, "acme/users.jsonata", levels), levels)


@pytest.mark.parametrize(
    ("base", "code", "field"),
    [
        ('{"id": record.id, "nmae": record.n}', "unknown_field", "nmae"),
        ('{"id": $number(record.id)}', "id_not_text", "id"),
        ('{"id": record.id, "organization": {"id": 5}}', "id_not_text", "organization.id"),
        ('{"id": record.id, "role": record.a ? "boss" : "admin"}', "not_in_enum", "role"),
        ('{"id": record.id, "created_at": "2020-01-01"}', "no_zone", "created_at"),
        ('{"id": record.id, "created_at": $fromMillis(record.a, "[Y]-[M]")}', "no_zone", "created_at"),
        ('{"id": record.id, "name": "x" ?? record.b}', "dead_fallback", "$"),
        ('{"id": record.id, "name": (true ? record.a : record.b)}', "dead_fallback", "$"),
        ('$merge([{"id": record.id}])', "not_followed", "$"),
    ],
)
def test_what_is_doubtful_about_a_mapping(base: str, code: str, field: str) -> None:
    """Each with its field and where it is written."""
    [found] = findings(base=base)
    assert (found.code, found.field, found.place) == (code, field, "acme/users.jsonata")


@pytest.mark.parametrize(
    "base",
    [
        '{"id": record.id, "role": record.a = "boss" ? "admin" : $lookup({"x": "boss"}, record.a)}',
        '{"id": record.id, "created_at": $fromMillis(record.a, "[Y0001]-[M01]-[D01]T[H01]:[m01]:[s01]Z")}',
        '{"id": record.id, "created_at": record.day & "T00:00:00Z", "updated_at": "2020-01-01T00:00:00Z"}',
        '{"id": record.id, "name": record.a = "x" ? record.b : record.c ?? "none"}',
    ],
)
def test_what_is_fine_is_not_complained_about(base: str) -> None:
    """Texts that are compared or looked up are no results."""
    assert findings(base=base) == []


def test_a_line_that_a_later_level_replaces_is_dead() -> None:
    """Unless that one builds on it."""
    [found] = findings("name: record.a", "name: record.b")
    assert (found.code, found.place) == ("dead_entry", "environment.yaml: name")
    assert findings("name: record.a", "name: $value") == []


def test_overlays_are_looked_at_as_the_mapping_is() -> None:
    """In the file where they are written."""
    [found] = findings("role: '\"boss\"'")
    assert (found.code, found.place) == ("not_in_enum", "environment.yaml: role")


@pytest.mark.parametrize(
    ("provider", "resource"), sorted((file.parent.name, file.stem) for file in SHIPPED.glob("*/*.jsonata"))
)
def test_no_shipped_mapping_is_doubtful(provider: str, resource: str) -> None:
    """Nor is there one that cannot be taken apart, so that its lineage is exact."""
    assert lint(RESOURCES[resource], load_mapping(provider, resource).merged) == []
