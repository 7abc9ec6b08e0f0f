from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from click.testing import CliRunner, Result

from mappings.mapper import Mapper
from mappings.model import COURSE_ENROLLMENTS, RESOURCES
from mappings.schemas import columns, pydantic_model
from pipelines.cli import main
from sources.unified_lms.manifest import SHIPPED
from sources.unified_lms.sandbox import Rule, SandboxServer, expected
from sources.unified_lms.sandbox.faults import Reply

pytestmark = pytest.mark.usefixtures("acme", "warehouse")
SECRET = "SECRET-LOGIN-KEY"
"""Stands in every login key that the sandbox tells."""


def lms(*words: str) -> Result:
    """What a command says and how it ends."""
    return CliRunner().invoke(main, list(words))


def lines(result: Result) -> list[dict[str, Any]]:
    """The records of a list."""
    return [orjson.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def own_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Any], None]], None]:
    """A function that makes the connection use the shipped manifest, changed by the function that it is given."""

    def change(edit: Callable[[Any], None]) -> None:
        manifest = yaml.safe_load((SHIPPED / "talentlms.yaml").read_text("utf-8"))
        edit(manifest)
        (tmp_path / "own").mkdir()
        (tmp_path / "own" / "talentlms.yaml").write_text(yaml.safe_dump(manifest), "utf-8")
        monkeypatch.setenv("CONNECTIONS__ACME__FOLDERS", str(tmp_path / "own"))

    return change


def test_no_record_is_mapped_that_nobody_wants(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit bounds the mapping as well: an expression that takes long takes it once, not for a page of records."""
    mapped: list[Any] = []
    map_one = Mapper.map_one

    def counted(mapper: Mapper, record: Any, *beside: Any) -> Any:
        mapped.append(record)
        return map_one(mapper, record, *beside)

    monkeypatch.setattr(Mapper, "map_one", counted)
    assert len(lines(lms("list", "acme", "users", "--limit", "2"))) == 2
    assert len(mapped) == 2


@pytest.mark.parametrize("resource", RESOURCES)
def test_list_is_the_world(resource: str, server: SandboxServer) -> None:
    """A list of each resource gives the unified records of the world, each once, and nothing on standard error."""
    result = lms("list", "acme", resource, "--no-remote-data")
    rows = expected(server.world, "talentlms", resource)
    wanted = {row["id"]: {f.name: row[f.name] for f in RESOURCES[resource].fields} for row in rows}
    assert (result.exit_code, result.stderr) == (0, "")
    assert {record["id"]: record for record in lines(result)} == wanted
    assert len(lines(result)) == len(wanted)


def test_unified_record_is_the_model() -> None:
    """A unified record has every field of the model and no other, and the provider's own beside it."""
    [record] = lines(lms("list", "acme", "course-enrollments", "--limit", "1"))
    raw = record.pop("remote_data")
    assert list(record) == [field.name for field in COURSE_ENROLLMENTS.fields]
    pydantic_model(COURSE_ENROLLMENTS).model_validate(record)
    assert raw["completion_status"] == "completed"


def test_raw_is_the_providers_record_without_its_secrets() -> None:
    """The raw form is what the provider sent, key for key, but for the login key."""
    first = lines(lms("list", "acme", "users", "--format", "raw"))[0]
    assert {"login", "user_type", "created_on", "custom_field_1"} <= first.keys()
    assert "login_key" not in first


@pytest.mark.parametrize("form", ["unified", "raw", "normalized"])
def test_secrets_are_in_no_form(form: str) -> None:
    """The key that logs its bearer in is in no output."""
    listed, got = (
        lms("list", "acme", "users", "--format", form),
        lms("get", "acme", "users", "6", "--format", form),
    )
    assert SECRET not in listed.output + got.output
    assert len(lines(listed)) > 10


def test_normalized_is_the_row_of_the_warehouse() -> None:
    """The normalized form has the model's columns of the warehouse, lists as JSON text."""
    [row] = lines(lms("get", "acme", "course_enrollments", "101:6", "--format", "normalized"))
    assert list(row) == [column.name for column in columns(COURSE_ENROLLMENTS)]
    assert (row["user__id"], row["status_source"]) == ("6", "incomplete")
    assert orjson.loads(row["user__emails"])[0]["email"] == "zoe@example.org"


def test_limit_asks_for_no_more_than_needed(server: SandboxServer) -> None:
    """A list of one enrolment looks at parents one after the other, and stops at the first that has one."""
    result = lms("list", "acme", "course_enrollments", "--limit", "1")
    asked = [request.path for request in server.requests if "/users/id:" in request.path]
    assert len(lines(result)) == 1
    assert asked == [f"/api/v1/users/id:{number}" for number in (1, 2, 3)]


def test_limit_zero_asks_nothing(server: SandboxServer) -> None:
    """A limit of no records costs no request."""
    assert (lms("list", "acme", "users", "--limit", "0").exit_code, len(server.requests)) == (0, 0)


def test_filter_by_parent_reads_that_parent_alone(server: SandboxServer) -> None:
    """The enrolments of one user are asked for under that user, and not under every one."""
    result = lms("list", "acme", "course_enrollments", "--filter", "user[id]=6")
    asked = {request.path for request in server.requests if "/users" in request.path}
    assert {record["user"]["id"] for record in lines(result)} == {"6"}
    assert asked == {"/api/v1/users/id:6"}


def test_filter_that_is_no_parent(own_manifest: Callable[[Callable[[Any], None]], None]) -> None:
    """A filter that the manifest turns into a variable of the endpoint does what it says."""

    def edit(manifest: Any) -> None:
        manifest["resources"]["users"]["read"] = [{"endpoint": "user"}]
        manifest["resources"]["users"]["filters"]["id"] = {"args": {"id": "value"}}

    own_manifest(edit)
    result = lms("list", "acme", "users", "--filter", "id=6")
    assert (result.stderr, [record["id"] for record in lines(result)]) == ("", ["6"])


@pytest.mark.parametrize("given", ["status=active", "course[id]=101", "created_at[gte]=2026-01-01T00:00:00Z"])
def test_filter_that_the_provider_lacks(given: str, server: SandboxServer) -> None:
    """A filter that the provider cannot do is refused with those it can, before anything is asked of it."""
    result = lms("list", "acme", "course_enrollments", "--filter", given)
    assert (result.exit_code, result.stdout, len(server.requests)) == (2, "", 0)
    assert "talentlms cannot filter course_enrollments" in result.stderr
    assert "it can filter by user[id]" in result.stderr


def test_unknown_parent() -> None:
    """Enrolments of a user whom nobody knows are no empty list but an error."""
    result = lms("list", "acme", "course_enrollments", "--filter", "user[id]=999")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "acme has no record '999' in users" in result.stderr


@pytest.mark.parametrize("resource", ["users", "courses", "course_enrollments"])
def test_get_is_as_in_the_list(resource: str) -> None:
    """A record asked for by its id is the one of the list."""
    for record in lines(lms("list", "acme", resource, "--no-remote-data"))[:4]:
        [got] = lines(lms("get", "acme", resource, record["id"], "--no-remote-data"))
        assert got == record


def test_get_as_a_document() -> None:
    """With JSON a record is one indented document."""
    assert lms("get", "acme", "users", "6", "--json").stdout.startswith('{\n  "id": "6",')


@pytest.mark.parametrize(
    ("resource", "record_id", "sentence"),
    [
        (
            "users",
            "999",
            "acme has no record '999' in users (the provider says: The requested user does not exist)",
        ),
        ("course_enrollments", "999:6", "acme has no record '999:6' in course_enrollments"),
        (
            "course_enrollments",
            "101:2",
            "acme has no record '101:2' in course_enrollments (left out: not a learner",
        ),
    ],
)
def test_get_what_is_not_there(resource: str, record_id: str, sentence: str) -> None:
    """A record that is not there, or is left out on purpose, is status 1 with a sentence."""
    result = lms("get", "acme", resource, record_id)
    assert (result.exit_code, result.stdout) == (1, "")
    assert sentence in result.stderr


def test_get_with_an_id_of_another_form() -> None:
    """An id that cannot be one of an enrolment is refused with how one is written."""
    result = lms("get", "acme", "course_enrollments", "101-6")
    assert (result.exit_code, "it is written {course}:{user}" in result.stderr) == (2, True)


def test_get_where_there_is_only_a_list() -> None:
    """A resource that the provider only lists is refused with what works instead."""
    result = lms("get", "acme", "course_items", "1011")
    assert (result.exit_code, "use lms list acme course_items" in result.stderr) == (2, True)


def test_rejected_record_is_named_and_counts(own_mapping: Callable[[str], None]) -> None:
    """A record without its id is left out of the output, named on standard error without its values, and makes 3."""
    own_mapping('{"id": record.id = "6" ? null : record.id, "last_name": record.last_name}')
    result = lms("list", "acme", "users", "--limit", "50")
    assert result.exit_code == 3
    assert "6" not in {record["id"] for record in lines(result)}
    assert result.stderr == (
        "a record of users: is rejected (id): a record without it cannot be told from others (missing_identity)\n"
    )


def test_bad_value_is_named_and_the_record_shown(own_mapping: Callable[[str], None]) -> None:
    """A value that is not what the model wants is null in the record, and named on standard error."""
    own_mapping('{"id": record.id, "status": "zombie", "created_at": record.email}')
    result = lms("get", "acme", "users", "6")
    [record] = lines(result)
    assert (result.exit_code, record["status"], record["created_at"]) == (0, "unknown", None)
    assert "users 6: created_at is wrong: not an RFC 3339 timestamp with a zone" in result.stderr
    assert "zoe@example.org" not in result.stderr


@pytest.fixture
def own_mapping(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A function that gives the connection a mapping of users of its own."""

    def write(source: str) -> None:
        folder = tmp_path / "own" / "talentlms"
        folder.mkdir(parents=True)
        (folder / "users.jsonata").write_text(source, "utf-8")
        monkeypatch.setenv("CONNECTIONS__ACME__FOLDERS", str(tmp_path / "own"))

    return write


def test_parent_that_cannot_be_read(server: SandboxServer) -> None:
    """One user whose record is refused takes nothing from the others: it is named, and makes 3."""
    refusal = {"error": {"type": "invalid_request_error", "message": "Not for this key"}}
    server.faults.add(Rule(Reply(403, refusal), pattern="/users/id:6$"))
    result = lms("list", "acme", "course_enrollments")
    assert result.exit_code == 3
    assert "the records under 6 could not be read" in result.stderr
    assert "6" not in {record["user"]["id"] for record in lines(result)}
    assert len(lines(result)) > 10


def test_wrong_key() -> None:
    """A refused key says that the connection needs new credentials, and what was asked, without the key."""
    result = CliRunner().invoke(
        main, ["list", "acme", "users"], env={"CONNECTIONS__ACME__CREDENTIALS__API_KEY": "wrong-key"}
    )
    assert (result.exit_code, result.stdout) == (1, "")
    assert "needs new credentials" in result.stderr
    assert "wrong-key" not in result.stderr


def test_unknown_connection() -> None:
    """A connection that nobody configured is status 2, with how to make it."""
    result = lms("list", "nobody", "users")
    assert (result.exit_code, "there is no connection 'nobody'" in result.stderr) == (2, True)
