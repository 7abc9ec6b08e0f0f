"""`lms mapping`: a connection's mapping seen, tried and compared, with a payload and live."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pipelines.cli import main

PAYLOAD = {
    "id": "5",
    "login": "ada",
    "first_name": "Ada",
    "email": "ada@example.org",
    "position": {"title": "Dr"},
}


@pytest.fixture
def overlay(acme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The connection's overlay of users: a changed field and a custom one."""
    monkeypatch.setenv("CONNECTIONS__ACME__MAPPINGS__FOLDER", str(tmp_path / "own"))
    file = tmp_path / "own" / "talentlms" / "users.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(
        "job_title: record.position.title\ncustom_fields.login: {expression: record.login, type: string}"
    )
    (tmp_path / "payload.json").write_text(json.dumps(PAYLOAD))
    monkeypatch.chdir(tmp_path)
    return file


def run(*words: str, given: str | None = None) -> Result:
    """The result of a command."""
    return CliRunner().invoke(main, ["mapping", *words], input=given)


def document(*words: str, given: str | None = None, status: int = 0) -> Any:
    """What a command prints as JSON."""
    found = run(*words, "--json", given=given)
    assert found.exit_code == status, found.output
    return json.loads(found.stdout)


def test_show_prints_the_merged_expression_and_where_fields_come_from(overlay: Path) -> None:
    """The expression is the one that a run uses, with its digest."""
    found = document("show", "acme", "users")
    levels = {one["field"]: one["level"] for one in found["fields"]}
    assert (levels["job_title"], levels["id"]) == ("connection", "shipped")
    assert "record.position.title" in found["expression"]
    assert len(found["mapping_digest"]) == 32
    plain = run("show", "acme", "users").stdout
    assert found["mapping_digest"] in plain
    assert "users.yaml: job_title" in plain


def test_test_says_what_came_of_a_payload(overlay: Path) -> None:
    """The record, what was filled, what nothing reads, and that all is well."""
    [found] = document("test", "acme", "users", "--file", "payload.json")["records"]
    assert found["unified"]["job_title"] == "Dr"
    assert set(found["filled"]) == {"id", "first_name", "username", "emails", "job_title", "custom_fields"}
    assert (found["unread"], found["violations"]) == ([], [])
    [found] = document("test", "acme", "users", "--file", "-", given='{"id": "5", "odd": {"x": 1}}')[
        "records"
    ]
    assert found["unread"] == ["record.odd"]
    assert found["read_whole_by"] == ["custom_fields"]


def test_test_takes_a_whole_input(overlay: Path) -> None:
    """With the parent, joins and settings that a mapping sees."""
    given = json.dumps(
        {"record": {"id": "5", "created_on": "01/02/2020"}, "settings": {"date_format": "DDMMYYYY"}}
    )
    [found] = document("test", "acme", "users", "--file", "-", given=given)["records"]
    assert found["unified"]["created_at"] is None


def test_test_names_each_violation_and_ends_with_status_3(overlay: Path) -> None:
    """With its place: the field, or the overlay's line for a record that is lost."""
    overlay.write_text("role: '\"boss\"'")
    [found] = document("test", "acme", "users", "--file", "payload.json", status=3)["records"]
    assert [(one["field"], one["code"]) for one in found["violations"]] == [("role", "not_in_enum")]
    overlay.write_text("role: $uppercase(5)")
    found = run("test", "acme", "users", "--file", "payload.json")
    assert found.exit_code == 3
    assert "rejected" in found.stdout
    assert "users.yaml: role, line 1" in found.stdout


def test_test_reads_live_where_no_file_is_given(overlay: Path) -> None:
    """As many records as are asked for, and nothing is stored."""
    found = document("test", "acme", "users", "--limit", "3")["records"]
    assert len(found) == 3
    assert all(one["unified"]["custom_fields"]["login"] for one in found)


def test_diff_counts_the_fields_that_two_levels_give_differently(overlay: Path) -> None:
    """The connection's level and the one below it, unless told otherwise."""
    found = document("diff", "acme", "users", "--file", "payload.json")
    assert found["fields"] == {"job_title": 1, "custom_fields": 1}
    assert {"record_id": "5", "field": "job_title", "before": None, "after": "Dr"} in found["differences"]
    assert document("diff", "acme", "users", "--file", "payload.json", "--to", "shipped")["differences"] == []


def test_diff_tries_a_draft_on_live_records(overlay: Path, tmp_path: Path) -> None:
    """What is in force is compared with the same under the draft."""
    (tmp_path / "draft.yaml").write_text("job_title: '\"Trainee\"'")
    found = document("diff", "acme", "users", "--overlay", "draft.yaml", "--limit", "4")
    assert (found["records"], found["fields"]) == (4, {"job_title": 4})


def test_a_draft_that_is_wrong_is_refused(overlay: Path, tmp_path: Path) -> None:
    """As an overlay in force is."""
    (tmp_path / "draft.yaml").write_text("jobtitle: record.a")
    found = run("test", "acme", "users", "--overlay", "draft.yaml", "--file", "payload.json")
    assert found.exit_code == 2
    assert "did you mean job_title?" in found.stderr


def test_lint_and_lineage(overlay: Path) -> None:
    """A shipped mapping is without a doubt; what each field reads is told."""
    assert document("lint", "acme", "users") == {"findings": []}
    reads = {one["field"]: one["reads"] for one in document("lineage", "acme", "users")["fields"]}
    assert reads["job_title"] == ["record.position.title"]
    assert reads["username"] == ["record.email", "record.login"]
    overlay.write_text("role: '\"boss\"'")
    assert document("lint", "acme", "users", status=3)["findings"][0]["code"] == "not_in_enum"
