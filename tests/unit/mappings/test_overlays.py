"""Overlays: what a file may say, and the sentence for what it may not."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.model import RESOURCES, USERS
from mappings.overlays import Entry, Overlay, OverlayError, column_types, known_paths, parse_overlay


def parsed(text: str, resource: str = "users") -> dict[str, Entry]:
    """The entries of an overlay of users, by their paths."""
    overlay = parse_overlay(text, "users.yaml", "connection", RESOURCES[resource])
    return {entry.path: entry for entry in overlay.entries}


def problems(text: str, resource: str = "users") -> list[str]:
    """What is wrong with an overlay."""
    with pytest.raises(OverlayError) as caught:
        parse_overlay(text, "users.yaml", "connection", RESOURCES[resource])
    return list(caught.value.problems)


def test_a_line_is_a_field_and_its_expression() -> None:
    """The expression is the text as it stands, the place names file and key."""
    found = parsed("job_title: record.position")
    assert found == {"job_title": Entry("job_title", "record.position", "users.yaml: job_title")}


def test_what_yaml_takes_for_a_value_is_an_expression_as_well() -> None:
    """A number or a truth value is JSONata's too."""
    found = parsed("custom_fields.level: 5\ncustom_fields.external: true")
    assert [entry.expression for entry in found.values()] == ["true", "5"]


@pytest.mark.parametrize("written", ["null", "~", "Null"])
def test_null_removes_a_field(written: str) -> None:
    """A plain null is no expression: the field is removed."""
    assert parsed(f"phones: {written}")["phones"].expression is None


def test_null_in_quotes_is_an_expression() -> None:
    """It gives null, and removes nothing."""
    assert parsed('phones: "null"')["phones"].expression == "null"


def test_a_line_that_was_not_finished_removes_nothing() -> None:
    """YAML takes nothing for null; here it is an error."""
    assert problems("phones:") == [
        "users.yaml: phones: has no expression; write one, or `null` to remove the field"
    ]


def test_a_custom_field_may_declare_a_type() -> None:
    """Its column has that type."""
    found = parsed("custom_fields.cost_center: {expression: record.cc, type: string}")
    assert found["custom_fields.cost_center"].type == "string"
    assert found["custom_fields.cost_center"].expression == "record.cc"


def test_every_name_of_the_model_is_known() -> None:
    """Fields, properties of refs and the provider's words beside enums."""
    assert {"organization", "organization.name", "manager.emails", "status_source"} <= set(known_paths(USERS))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("jobtitle: record.x", "jobtitle: users have no such field; did you mean job_title?"),
        ("emails.email: record.x", "emails.email: users have no such field; did you mean emails?"),
        ("cost: record.x", "cost: users have no such field; a field of your own is custom_fields.cost"),
        (
            "custom_fields.a.b: record.x",
            "a custom field has a name without a dot, such as custom_fields.cost_center",
        ),
        ("custom_fields.: record.x", "a custom field has a name without a dot"),
        ("id: null", "id: cannot be removed: without it no record can be told from another"),
        ("$: null", "$: cannot be removed"),
        ("name: [record.x]", "name: has to be an expression, or `{expression: ..., type: ...}`"),
        ("name: {type: string}", "name: has no expression; write `{expression: ..., type: ...}`"),
        (
            "name: {expression: a, typ: x}",
            "name: 'typ' is no key of a field; there are `expression` and `type`",
        ),
        ("name: {expression: a, type: string}", "name: only custom fields have a type of their own"),
        (
            "custom_fields.a: {expression: a, type: [string]}",
            "custom_fields.a: the type has to be one of string,",
        ),
        ("custom_fields.a: {expression: a, type: text}", "'text' is no type; the types are string, integer,"),
        ("custom_fields.A: {expression: a, type: string}", "custom_fields.A: cannot be a column"),
        ("custom_fields.user__id: {expression: a, type: string}", None),
        (
            "custom_fields.job_title: {expression: a, type: string}",
            "custom_fields.job_title: cannot be a column",
        ),
        (
            "custom_fields.a: {expression: null, type: string}",
            "is removed and has a type; leave one of the two out",
        ),
        ("organization: a\norganization.name: b", "organization.name: organization is given as well"),
        ("name: a\nname: b", "users.yaml: name: stands twice"),
        ("name: [", "users.yaml: line 1: is no YAML that can be read"),
        (
            "name: a ? b : c",
            "an expression with a colon and a space has to be in quotes, or on lines of its own",
        ),
        ("- name", "users.yaml: has to be lines of `field: expression`"),
        ("[a]: b", "users.yaml: a key has to be the name of a field"),
        ("name: $foo(", "users.yaml: name, line 1, column 6: "),
        ("name: $nmae", "users.yaml: name, line 1, column 1: $nmae is defined nowhere"),
        (
            "name: $now()",
            "users.yaml: name, line 1, column 1: $now is not allowed: a mapping may not read the clock",
        ),
        ("name: a) + (b", "users.yaml: name, line 1, column 2: "),
        ("name: '" + "a" * 1_000_001 + "'", "users.yaml: is longer than 1,000,000 characters"),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence(text: str, sentence: str | None) -> None:
    """File, key, what is wrong and what would be right."""
    if sentence is None:
        assert parsed(text)
    else:
        assert sentence in "\n".join(problems(text))


def test_what_identifies_a_record_cannot_be_removed() -> None:
    """Neither the user of an enrolment nor its id, whole or in part."""
    found = problems("user: null\ncourse.id: null", "course_enrollments")
    assert [problem.split(": ")[1] for problem in found] == ["user", "course.id"]


def test_every_problem_is_told_at_once() -> None:
    """Nobody has to correct a file line by line."""
    assert len(problems("jobtitle: a\nname: $now()\nphones:")) == 3


@given(st.text(alphabet=list("name:$id.custom_fields{}[]\"'|>&*!?-~, \n\t#%@`\x00\x85"), max_size=60))
def test_any_text_is_an_overlay_or_refused(text: str) -> None:
    """Whatever is written, there are entries or sentences, and nothing else."""
    with contextlib.suppress(OverlayError):
        assert parse_overlay(text, "users.yaml", "connection", USERS).level == "connection"


@pytest.mark.parametrize(
    "text",
    [
        "name: &a\n  x: *a",
        "name: !!python/object/apply:os.getcwd []",
        "a: 1\n---\nb: 2",
        "name: *nowhere",
        "{{a: b}: c}",
    ],
)
def test_yaml_that_does_more_than_lines_is_refused(text: str) -> None:
    """References, tags, several documents: nothing of them is made."""
    assert problems(text)


def test_an_empty_file_changes_nothing() -> None:
    """Nor does one with comments alone."""
    assert parsed("# nothing yet\n") == {}


def _typed(kind: str | None, expression: str | None = "1") -> Overlay:
    return Overlay("connection", "f", (Entry("custom_fields.level", expression, "f", kind),))


def test_the_last_level_decides_the_type_of_a_column() -> None:
    """A level that changes the expression alone keeps the type, one that removes the field ends the column."""
    assert column_types([_typed("integer"), _typed("string")]) == {"level": "string"}
    assert column_types([_typed("integer"), _typed(None)]) == {"level": "integer"}
    assert column_types([_typed("integer"), _typed(None, None)]) == {}
