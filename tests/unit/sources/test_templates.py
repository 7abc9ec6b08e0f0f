"""Placeholders: how they are written, and what they become."""

from __future__ import annotations

from typing import Any

import pytest

from sources.unified_lms.templates import TemplateError, form_pairs, parse, query_pairs, render

VARIABLES: dict[str, Any] = {
    "settings": {"size": 5, "roles": ["a", "b"], "flag": True, "none": None, "whole": 3.0},
    "args": {"id": "x y"},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{settings.size}", 5),
        ("{settings.roles}", ["a", "b"]),
        ("{settings.none}", None),
        ("{settings.unknown}", None),
        ("n={settings.size}", "n=5"),
        ("{settings.flag}!", "true!"),
        ("{settings.whole}!", "3!"),
        ("{parent.id|args.id}", "x y"),
        ("{{literal}}", "{literal}"),
        ("", ""),
    ],
)
def test_values(text: str, value: Any) -> None:
    """A lone placeholder is its value, the first of its alternatives that is not null; in a text it is text."""
    assert parse(text).value(VARIABLES) == value


def test_a_null_in_a_text_is_refused() -> None:
    """An address with a hole in it is never asked for."""
    with pytest.raises(TemplateError, match=r"^\{parent\.id\|args\.user\} has no value$"):
        parse("/users/{parent.id|args.user}").text(VARIABLES)


@pytest.mark.parametrize(
    "text", ["{", "}", "{a}", "{args}", "{args.}", "{ args.id }", "{Args.id}", "{args.id|}"]
)
def test_stray_braces(text: str) -> None:
    """What is nearly a placeholder is an error and no literal."""
    with pytest.raises(TemplateError):
        parse(text)


def test_nulls_leave_nested_values_out() -> None:
    """A null placeholder takes its key or item with it, at any depth; a literal stays as it is."""
    tree = {"a": "{settings.none}", "b": [{"c": "{settings.none}", "d": 1}, "{settings.none}"], "e": False}
    assert render(tree, VARIABLES) == {"b": [{"d": 1}], "e": False}


def test_query_pairs() -> None:
    """A list repeats its key, whether written or the value of a placeholder."""
    pairs = query_pairs({"role[]": "{settings.roles}", "n": 1, "x": ["{args.id}", "z"]}, VARIABLES)
    assert pairs == [("role[]", "a"), ("role[]", "b"), ("n", "1"), ("x", "x y"), ("x", "z")]


def test_a_configured_list_repeats_its_key() -> None:
    """A setting of the type list is a tuple, which is a list to a query as well; an empty one leaves the key out."""
    settings = {"settings": {"types": ("a", "b"), "none": ()}}
    assert query_pairs({"type[]": "{settings.types}", "x[]": "{settings.none}"}, settings) == [
        ("type[]", "a"),
        ("type[]", "b"),
    ]


def test_form_pairs() -> None:
    """Lists are numbered unless their key ends in brackets, objects name their keys."""
    pairs = form_pairs({"ids": [7, 8], "ids[]": [7, 8], "u": [{"n": {"m": "{args.id}"}}]}, VARIABLES)
    assert pairs == [("ids[0]", "7"), ("ids[1]", "8"), ("ids[]", "7"), ("ids[]", "8"), ("u[0][n][m]", "x y")]
