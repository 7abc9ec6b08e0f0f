from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import orjson
import pytest

from pipelines.output import age, cell, print_json, print_line, print_table, to_json


def test_json_instants_are_utc() -> None:
    """An instant in another zone is written in UTC with Z."""
    instant = datetime(2026, 3, 3, 14, 45, tzinfo=timezone(timedelta(hours=5, minutes=45)))
    assert orjson.loads(to_json({"at": instant})) == {"at": "2026-03-03T09:00:00Z"}


def test_line_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A line of JSON holds no line break, whatever the text in it."""
    print_line({"text": "a\nb"})
    assert capsys.readouterr().out == '{"text":"a\\nb"}\n'


def test_document_is_for_people_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    """A document is indented."""
    print_json({"a": 1})
    assert capsys.readouterr().out == '{\n  "a": 1\n}\n'


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "-"),
        ("", "-"),
        (0, "0"),
        (12345, "12,345"),
        (1.25, "1.2"),
        (True, "yes"),
        (datetime(2026, 3, 3, 9, tzinfo=UTC), "2026-03-03 09:00:00"),
        ("two\nlines", "two lines"),
    ],
)
def test_cell(value: object, shown: str) -> None:
    """Values are shown for readers, on one line each."""
    assert cell(value) == shown


def test_table_is_never_cut_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    """A cell wider than any terminal is printed whole, and brackets are no markup."""
    print_table(["name", "filter"], [["x" * 300, "course[id]"]])
    lines = capsys.readouterr().out.splitlines()
    assert "x" * 300 + "   course[id]" in lines


def test_table_has_no_trailing_space(capsys: pytest.CaptureFixture[str]) -> None:
    """Lines end where their text ends."""
    print_table(["a", "b"], [["long text", "x"], ["y", "long text"]])
    assert all(line == line.rstrip() for line in capsys.readouterr().out.splitlines())


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-3, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3_599, "59 min"),
        (3_900, "1 h 5 min"),
        (180_000, "2 d 2 h"),
    ],
)
def test_age(seconds: float, words: str) -> None:
    """A span of time is told in its two largest units."""
    assert age(seconds) == words
