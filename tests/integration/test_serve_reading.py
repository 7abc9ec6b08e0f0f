"""Unified reads over HTTP: envelope, options, filters, cursors, streams and errors, against the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from mappings.model import COURSE_ENROLLMENTS, RESOURCES, USERS
from mappings.schemas import columns
from sources.unified_lms.sandbox import Rule, SandboxServer, expected
from sources.unified_lms.sandbox.faults import Reply
from tests.integration.serving import Api

ACME = {"integrated_account_id": "acme"}
SECRET = "SECRET-LOGIN-KEY"


@pytest.fixture
def caller(api: Api) -> Iterator[httpx.Client]:
    """A caller that may read everything."""
    with api.caller() as client:
        yield client


def _list(caller: httpx.Client, resource: str = "users", **options: Any) -> Any:
    answer = caller.get(f"/unified/lms/{resource.replace('_', '-')}", params={**ACME, **options})
    assert answer.status_code == 200, answer.text
    return answer.json()


def _refusal(caller: httpx.Client, path: str = "users", **options: Any) -> Any:
    answer = caller.get(f"/unified/lms/{path}", params={**ACME, **options})
    assert answer.json()["statusCode"] == answer.status_code
    return answer.json()


@pytest.mark.parametrize("resource", RESOURCES)
def test_list_is_the_world(caller: httpx.Client, resource: str, server: SandboxServer) -> None:
    """A list of each resource gives the unified records of the world, each once, in the envelope."""
    found = _list(caller, resource, ignore_remote_data="true")
    rows = expected(server.world, "talentlms", resource)
    wanted = {row["id"]: {f.name: row[f.name] for f in RESOURCES[resource].fields} for row in rows}
    assert {record["id"]: record for record in found.pop("result")} == wanted
    assert found == {"next_cursor": None, "prev_cursor": None, "result_count": len(wanted)}


@pytest.mark.parametrize("resource", RESOURCES)
def test_pages_make_up_the_list(caller: httpx.Client, resource: str) -> None:
    """Pages of four, each with the cursor of the one before, are the list, each record once."""
    whole = [record["id"] for record in _list(caller, resource)["result"]]
    found: list[str] = []
    options: dict[str, Any] = {"limit": 4}
    while True:
        page = _list(caller, resource, **options)
        assert page["result_count"] == len(page["result"]) <= 4
        found += [record["id"] for record in page["result"]]
        if page["next_cursor"] is None:
            break
        options["next_cursor"] = page["next_cursor"]
    assert found == whole


def test_a_cursor_goes_on_where_the_page_ended(caller: httpx.Client, server: SandboxServer) -> None:
    """The second page of enrolments asks for the list of users and for users behind the first page alone."""
    first = _list(caller, "course_enrollments", limit=5)
    seen = {record["user"]["id"] for record in first["result"]}
    server.requests.clear()
    _list(caller, "course_enrollments", limit=5, next_cursor=first["next_cursor"])
    asked = [one.path.rpartition(":")[2] for one in server.requests if "/users/id:" in one.path]
    last = first["result"][-1]["user"]["id"]
    assert asked
    assert set(asked) & seen <= {last}


def test_a_limit_asks_for_no_more_than_needed(caller: httpx.Client, server: SandboxServer) -> None:
    """A page of one enrolment stops at the first user who has one."""
    _list(caller, "course_enrollments", limit=1)
    asked = [one.path for one in server.requests if "/users/id:" in one.path]
    assert asked == [f"/api/v1/users/id:{number}" for number in (1, 2, 3)]


def test_a_cursor_of_another_list(caller: httpx.Client) -> None:
    """A cursor belongs to the list that it came with."""
    cursor = _list(caller, "users", limit=1)["next_cursor"]
    assert "belongs to another list" in _refusal(caller, "courses", next_cursor=cursor)["message"]


@pytest.mark.parametrize(
    "change", [lambda text: text[:-3] + "AAA", lambda text: "x", lambda text: text + "é"]
)
def test_a_forged_cursor(caller: httpx.Client, change: Any) -> None:
    """Nobody makes up where to read."""
    cursor = _list(caller, "users", limit=1)["next_cursor"]
    refusal = _refusal(caller, next_cursor=change(cursor))
    assert (refusal["statusCode"], refusal["message"]) == (400, "next_cursor is no cursor of this server")


def test_a_cursor_tells_nothing(caller: httpx.Client, server: SandboxServer) -> None:
    """What the provider writes into addresses of pages is not to be read in a cursor."""
    cursor = _list(caller, "users", limit=1)["next_cursor"]
    assert server.base_url not in cursor
    assert all(secret not in cursor for secret in server.credentials.values())


@pytest.mark.parametrize("prefix", ["", "truto_"])
def test_normalized(caller: httpx.Client, prefix: str) -> None:
    """The normalized form is the row of the warehouse, under either spelling of the option."""
    found = _list(caller, "course_enrollments", limit=1, **{f"{prefix}response_format": "normalized"})
    assert list(found["result"][0]) == [column.name for column in columns(COURSE_ENROLLMENTS)]


def test_unified_has_the_record_beside_it(caller: httpx.Client) -> None:
    """The model's fields, and the provider's own record without its secrets."""
    [record] = _list(caller, limit=1)["result"]
    raw = record.pop("remote_data")
    assert list(record) == [field.name for field in USERS.fields]
    assert {"login", "user_type"} <= raw.keys()
    assert "login_key" not in raw


@pytest.mark.parametrize("form", ["unified", "raw", "normalized"])
def test_secrets_are_in_no_form(caller: httpx.Client, form: str) -> None:
    """The key that logs its bearer in is in no answer."""
    listed = caller.get("/unified/lms/users", params={**ACME, "response_format": form})
    got = caller.get("/unified/lms/users/6", params={**ACME, "response_format": form})
    assert (listed.status_code, got.status_code) == (200, 200)
    assert SECRET not in listed.text + got.text


def test_key_by(caller: httpx.Client) -> None:
    """The result under the values of a field, nothing lost."""
    found = _list(caller, key_by="id", ignore_remote_data="true")
    assert len(found["result"]) == found["result_count"] > 10
    assert all(record["id"] == key for key, record in found["result"].items())


def test_key_by_a_field_that_is_not_unique(caller: httpx.Client) -> None:
    """No record is lost behind another one."""
    assert "have the same status" in _refusal(caller, key_by="status")["message"]


def test_exclude_fields(caller: httpx.Client) -> None:
    """Fields that are not wanted are not there, also of a single record."""
    listed = caller.get("/unified/lms/users", params={**ACME, "exclude_fields[]": ["emails", "remote_data"]})
    assert listed.status_code == 200
    got = caller.get("/unified/lms/users/6", params={**ACME, "truto_exclude_fields[]": "emails"})
    assert {"emails"} == {f.name for f in USERS.fields} - listed.json()["result"][0].keys()
    assert "emails" not in got.json()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"limit": "0"}, "limit has to be a number from 1 to 1000"),
        ({"limit": "x"}, "limit has to be a number from 1 to 1000"),
        ({"response_format": "xml"}, "response_format has to be one of unified, raw, normalized"),
        ({"ignore_remote_data": "yes"}, "ignore_remote_data has to be true or false"),
        ({"key_by": "nothing"}, "users have no field 'nothing'"),
        ({"exclude_fields[]": "nothing"}, "users have no field 'nothing'"),
        ({"limit": "1", "truto_limit": "2"}, "the parameter 'truto_limit' is given twice"),
        ({"integrated_account_id": ""}, "integrated_account_id has to be the name of a connection"),
        ({"nonsense": "1"}, "talentlms cannot filter users by 'nonsense'"),
        ({"created_at[gte]": "2026-01-01T00:00:00Z"}, "talentlms cannot filter users by 'created_at[gte]'"),
        ({"status[in]": "active"}, "talentlms cannot filter users by 'status[in]'"),
    ],
)
def test_wrong_options(
    caller: httpx.Client, server: SandboxServer, options: dict[str, str], message: str
) -> None:
    """What is wrong, or cannot be done, is a 400 that says so, before anything is asked of the provider."""
    refusal = _refusal(caller, **options)
    assert (refusal["statusCode"], refusal["error"], len(server.requests)) == (400, "Bad Request", 0)
    assert message in refusal["message"]


def test_filter_by_parent(caller: httpx.Client, server: SandboxServer) -> None:
    """The enrolments of one user are asked for under that user alone."""
    found = _list(caller, "course_enrollments", **{"user[id]": "6"})
    assert {record["user"]["id"] for record in found["result"]} == {"6"}
    assert {one.path for one in server.requests if "/users" in one.path} == {"/api/v1/users/id:6"}


def test_untouched_parameters(api: Api, server: SandboxServer) -> None:
    """Parameters for the provider arrive as they are, for a key that may pass things through."""
    with api.caller(("read", "proxy")) as caller:
        _list(caller, **{"remote_query[colour]": "blue & green"})
    assert [one.query for one in server.requests if "/users" in one.path] == ["colour=blue%20%26%20green"]


def test_untouched_parameters_need_the_right_to(caller: httpx.Client, server: SandboxServer) -> None:
    """A key that only reads unified records cannot make the provider do what nobody looks at."""
    assert _refusal(caller, **{"remote_query[colour]": "blue"})["statusCode"] == 403
    assert len(server.requests) == 0


@pytest.mark.parametrize("resource", ["users", "courses", "course_enrollments"])
def test_get_is_as_in_the_list(caller: httpx.Client, resource: str) -> None:
    """A record asked for by its id is the bare record of the list."""
    name = resource.replace("_", "-")
    for record in _list(caller, resource, limit=4)["result"]:
        got = caller.get(f"/unified/lms/{name}/{record['id']}", params=ACME)
        if resource != "courses":  # one course is told with more than the list has
            assert got.json().keys() == record.keys()
        assert got.json()["id"] == record["id"]


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("users/999?integrated_account_id=acme", 404, "acme has no record '999' in users"),
        (
            "course-items/1011?integrated_account_id=acme",
            400,
            "cannot be asked for one record of course_items",
        ),
        ("users?integrated_account_id=nobody", 404, "there is no connection 'nobody'"),
        ("users/5?limit=1&integrated_account_id=acme", 400, "a single record takes no other parameters"),
    ],
)
def test_what_is_not_there(caller: httpx.Client, path: str, status: int, message: str) -> None:
    """What is not there is an error with the one body that every error has."""
    answer = caller.get(f"/unified/lms/{path}")
    assert answer.status_code == status
    assert {"statusCode", "error", "message"} <= answer.json().keys()
    assert message in answer.json()["message"]


def test_the_providers_error_is_passed_on(caller: httpx.Client, server: SandboxServer) -> None:
    """An error that the provider raised says so, with its raw answer, secrets cut."""
    said = {"error": {"type": "forbidden", "message": "Not for this key", "login_key": SECRET}}
    server.faults.add(Rule(Reply(403, said), path="/users"))
    refusal = _refusal(caller)
    assert (refusal["statusCode"], refusal["is_remote_error"], refusal["truto_is_remote_error"]) == (
        403,
        True,
        True,
    )
    assert refusal["raw_response"] == {"error": {"type": "forbidden", "message": "Not for this key"}}


def test_a_refused_connection_needs_new_credentials(
    caller: httpx.Client, server: SandboxServer, api: Api
) -> None:
    """After the provider has refused the credentials, the connection's state says so; a success mends it."""
    server.faults.add(Rule(Reply(401, {"error": {"message": "Invalid key"}}), path="/users", hits=(1,)))
    assert _refusal(caller)["statusCode"] == 401
    assert caller.get("/connections").json()["result"][0]["state"] == "needs_reauth"
    _list(caller)
    assert caller.get("/connections").json()["result"][0]["state"] == "active"


def test_the_rate_limit_is_passed_on(api: Api, acme: str) -> None:
    """Every answer says in one form what the provider's window allows, what is left, and until when."""
    with api.caller() as caller:
        before = caller.get("/unified/lms/users", params=ACME).headers
        after = caller.get("/unified/lms/users", params=ACME).headers
    limit, _, window = before["ratelimit-limit"].partition(";w=")
    assert int(limit) > 0
    assert int(window) > 0
    assert int(after["ratelimit-remaining"]) < int(before["ratelimit-remaining"]) <= int(limit)
    assert 0 <= int(after["ratelimit-reset"]) <= int(window)


def test_too_many_requests(caller: httpx.Client, server: SandboxServer) -> None:
    """A provider that asks to wait longer than a caller may is a 429 that says how long."""
    server.faults.add(
        Rule(Reply(429, {"error": {"message": "Slow down"}}, {"Retry-After": "600"}), path="/users")
    )
    answer = caller.get("/unified/lms/users", params=ACME)
    assert (answer.status_code, answer.json()["error"]) == (429, "Too Many Requests")
    assert 590 < int(answer.headers["retry-after"]) <= 600
    assert answer.headers["ratelimit-remaining"] == "0"


# -- streams -----------------------------------------------------------------------------------------


def _lines(caller: httpx.Client, resource: str, **options: Any) -> list[Any]:
    headers = {"Accept": "application/x-ndjson"}
    answer = caller.get(f"/unified/lms/{resource}", params={**ACME, **options}, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson")
    return [orjson.loads(line) for line in answer.text.splitlines()]


def test_lines(caller: httpx.Client) -> None:
    """As lines a page has a record on each, and the envelope without them on the last."""
    *records, end = _lines(caller, "course-enrollments", limit=3)
    page = _list(caller, "course_enrollments", limit=3)
    assert records == page["result"]
    assert end["result_count"] == 3
    rest = _list(caller, "course_enrollments", next_cursor=end["next_cursor"])
    assert rest["result_count"] == _list(caller, "course_enrollments")["result_count"] - 3


def test_ignore_limit_is_the_whole_list(caller: httpx.Client) -> None:
    """The whole list comes in one envelope, whatever the limit."""
    found = _list(caller, "course_enrollments", limit=2, ignore_limit="true")
    assert found == _list(caller, "course_enrollments")


def test_an_error_before_the_first_record_has_its_status(caller: httpx.Client, server: SandboxServer) -> None:
    """A stream that cannot begin is refused like anything else."""
    server.faults.add(Rule(Reply(403, {"error": {"message": "No"}}), path="/users"))
    assert _refusal(caller, ignore_limit="true")["statusCode"] == 403


def test_an_error_in_the_middle_of_lines(caller: httpx.Client, server: SandboxServer) -> None:
    """Lines that break off end with the error, so that nobody takes them for the whole."""
    server.faults.add(Rule(Reply(401, {"error": {"message": "Gone"}}), pattern="/users/id:6$"))
    *records, last = _lines(caller, "course-enrollments", ignore_limit="true")
    assert records
    assert (last["statusCode"], last["is_remote_error"]) == (401, True)


# -- what cannot be mapped, what changes --------------------------------------------------------------


@pytest.fixture
def own_mapping(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, acme: str) -> Path:
    """The file of a mapping of users of the connection's own."""
    file = tmp_path / "own" / "talentlms" / "users.jsonata"
    file.parent.mkdir(parents=True)
    file.write_text('{"id": record.id = "6" ? null : record.id, "last_name": record.last_name}', "utf-8")
    monkeypatch.setenv("CONNECTIONS__ACME__FOLDERS", str(tmp_path / "own"))
    return file


def test_a_rejected_record_is_named(own_mapping: Path, caller: httpx.Client) -> None:
    """A record that cannot be mapped is not in the result, and the answer says that there is one."""
    found = _list(caller)
    assert "6" not in {record["id"] for record in found["result"]}
    [problem] = found["problems"]
    assert (problem["field"], problem["code"], problem["rejected"]) == ("id", "missing_identity", True)


def test_a_parent_that_cannot_be_read_is_named(caller: httpx.Client, server: SandboxServer) -> None:
    """One user who is refused takes nothing from the others."""
    server.faults.add(Rule(Reply(403, {"error": {"message": "No"}}), pattern="/users/id:6$"))
    found = _list(caller, "course_enrollments")
    assert [problem["parent"] for problem in found["problems"]] == ["6"]
    assert found["result_count"] > 10


def test_a_changed_mapping_is_seen(
    own_mapping: Path, caller: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What changes in the connection's folders holds from the next request on, in a server that runs."""
    monkeypatch.setattr("pipelines.serve.pool._LOOK_EVERY", 0)
    assert _list(caller, limit=1)["result"][0]["first_name"] is None
    own_mapping.write_text('{"id": record.id, "first_name": "changed"}', "utf-8")
    assert _list(caller, limit=1)["result"][0]["first_name"] == "changed"


def test_a_changed_configuration_is_seen(
    caller: httpx.Client, tmp_path: Path, server: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that is put into the file is there for a server that runs."""
    assert _refusal(caller, integrated_account_id="late")["statusCode"] == 404
    (tmp_path / ".dlt").mkdir(exist_ok=True)
    (tmp_path / ".dlt" / "config.toml").write_text(
        f'[connections.late]\nprovider = "talentlms"\nbase_url = "{server.base_url}"\n'
        f'[connections.late.settings]\ntimezone = "Europe/London"\n'
    )
    (tmp_path / ".dlt" / "secrets.toml").write_text(
        f'[connections.late.credentials]\napi_key = "{server.credentials["api_key"]}"\n'
    )
    found = caller.get("/unified/lms/users", params={"integrated_account_id": "late"})
    assert found.status_code == 200


def test_a_wrong_configuration_is_not_quoted(
    caller: httpx.Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What is wrong with a connection stands in the log, and callers learn only that something is."""
    monkeypatch.setenv("CONNECTIONS__ACME__BASE_URL", "https://user:password@acme.example.com")
    refusal = _refusal(caller)
    assert (refusal["statusCode"], "password" in refusal["message"]) == (503, False)
    assert "base_url" in caplog.text
    assert caller.get("/connections").json()["result"][0]["state"] == "validation_error"
