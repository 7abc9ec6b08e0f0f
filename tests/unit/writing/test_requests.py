"""Requests from files: what is read of them, and what is refused with its place."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.write_back.requests import Request, WrongRequest, from_file, make_request
from sources.unified_lms.writing import Intent

LINE = (
    '{"request_id": "a", "resource": "users", "operation": "update", "record_id": "5", '
    '"payload": {"job_title": null}}'
)


def read(tmp_path: Path, name: str, text: str) -> list[Request]:
    """The requests of a file with this text, for the connection acme."""
    file = tmp_path / name
    file.write_text(text, "utf-8")
    return from_file(file, "acme")


def test_json_lines(tmp_path: Path) -> None:
    """An explicit null stays, and blank lines are none."""
    [found] = read(tmp_path, "r.jsonl", f"{LINE}\n\n")
    assert found == Request("a", Intent("users", "update", "5", {"job_title": None}), given=True)


def test_columns_of_a_csv_file_are_fields(tmp_path: Path) -> None:
    """A dot leads into a ref, `email` is the primary address, an empty cell is absent, JSON is what it says."""
    text = (
        "resource,operation,user.id,course.id,email,score,first_name,custom_fields\n"
        "course-enrollments,create,5,101,,7.5,,\n"
        'users,create,,,ana@example.org,,Ana,"{""a"": 1}"\n'
    )
    first, second = read(tmp_path, "r.csv", text)
    assert first.intent == Intent(
        "course_enrollments", "create", None, {"user": {"id": "5"}, "course": {"id": "101"}, "score": 7.5}
    )
    address = {"email": "ana@example.org", "is_primary": True}
    assert second.intent.payload == {"emails": [address], "first_name": "Ana", "custom_fields": {"a": 1}}


def test_parquet(tmp_path: Path) -> None:
    """The payload is an object or its JSON text."""
    rows = [
        {
            "resource": "users",
            "operation": "delete",
            "record_id": "5",
            "payload": None,
            "connection_id": "acme",
        }
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "r.parquet")
    assert from_file(tmp_path / "r.parquet", "acme")[0].intent == Intent("users", "delete", "5", {})


def test_requests_of_other_connections_are_left_out(tmp_path: Path) -> None:
    """One file may be for several."""
    other = LINE.replace('"resource"', '"connection_id": "globex", "resource"')
    assert read(tmp_path, "r.jsonl", other) == []


def test_the_same_without_an_id_is_one_request(tmp_path: Path) -> None:
    """Its key is the digest of what it asks for."""
    line = LINE.replace('"request_id": "a", ', "")
    [found] = read(tmp_path, "r.jsonl", f"{line}\n{line}\n")
    assert not found.given
    assert found == make_request(found.intent)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("r.jsonl", "[]", "r.jsonl, line 1: is no JSON object"),
        ("r.jsonl", f"{LINE}\n{LINE}", "line 2: has the request_id of .*line 1"),
        ("r.jsonl", '{"resource": "users"}', "line 1: lacks operation"),
        ("r.jsonl", LINE.replace("payload", "data"), "line 1: has data, which are none of"),
        ("r.jsonl", LINE.replace('{"job_title": null}', '"x"'), "line 1: payload is no JSON object"),
        ("r.csv", "resource,operation\nusers\n", "line 2: has another number of cells"),
        ("r.csv", "resource,resource\nusers,users\n", "has the columns resource twice"),
        ("r.xlsx", "", "is none of .jsonl, .ndjson, .csv, .parquet"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place(tmp_path: Path, name: str, text: str, said: str) -> None:
    """File and line, and no value: it may be a learner's."""
    with pytest.raises(WrongRequest, match=said):
        read(tmp_path, name, text)
