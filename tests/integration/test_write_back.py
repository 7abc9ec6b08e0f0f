"""Many writes to the sandbox, on both destinations: each at most once, each with its outcome in the ledger."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from pipelines.environment import Target
from pipelines.erasure import erase_person
from pipelines.leases import lease
from pipelines.sync import sync_connection
from pipelines.write_back.applying import Applied
from pipelines.write_back.approval import NotApproved, plan_id
from pipelines.write_back.requests import Request, from_table, make_request
from pipelines.write_back.running import (
    WORK,
    apply_requests,
    approve_plan,
    ledger_rows,
    plan_requests,
    unsettled,
)
from sources.unified_lms.errors import WorkTaken
from sources.unified_lms.sandbox import SandboxServer
from sources.unified_lms.sandbox.faults import CutConnection, Reply, Rule
from sources.unified_lms.writing import Intent
from tests.integration.conftest import ON_BOTH, Tables

COURSE, FREE_COURSE, PERSON = "101", "104", "5"
"""A course, one in which the person is not enrolled, and the person."""

Ask = Callable[..., Request]


def enrol(key: str, user: str = PERSON, course: str = FREE_COURSE) -> Request:
    """A request to enrol somebody."""
    return make_request(
        Intent("course_enrollments", "create", None, {"user": {"id": user}, "course": {"id": course}}), key
    )


def rename(key: str | None, name: str, user: str = PERSON) -> Request:
    """A request to change somebody's first name."""
    return make_request(Intent("users", "update", user, {"first_name": name}), key)


def statuses(applied: Applied) -> list[tuple[str, str | None]]:
    """Status and fault of each outcome."""
    return [(one.status, one.fault) for one in applied.outcomes]


def writes(server: SandboxServer, name: str) -> int:
    """How many requests of a kind the provider has received."""
    return len(server.faults.log.matching(name))


@ON_BOTH
def test_what_is_asked_for_is_done_and_read_again(
    writable: str, warehouse: Target, server: SandboxServer, tables: Tables
) -> None:
    """The provider has it, and the ledger has what was done, verified, and no payload any more."""
    applied = apply_requests(writable, warehouse, [enrol("a"), rename("b", "Adaora")])
    assert statuses(applied) == [("done", None), ("done", None)]
    assert server.world.person(5).first_name == "Adaora"
    assert server.world.record(104, 5).removed_at is None
    assert tables.query(
        "select request_id, action, result_id, status, attempts, payload is null, verified_at is not null "
        "from lms.write_back_log order by request_id"
    ) == [
        ("a", "create", "104:5", "done", 1, True, True),
        ("b", "update", "5", "done", 1, True, True),
    ]


@ON_BOTH
def test_a_request_with_an_id_is_done_once(writable: str, warehouse: Target, server: SandboxServer) -> None:
    """What was done before is not asked for again, although somebody has changed the record since."""
    apply_requests(writable, warehouse, [rename("a", "Adaora")])
    server.world.update_person(5, first_name="Emeka")
    assert statuses(apply_requests(writable, warehouse, [rename("a", "Adaora")])) == [("skipped", None)]
    assert server.world.person(5).first_name == "Emeka"


def test_a_request_without_an_id_is_held_against_the_present(
    writable: str, warehouse: Target, server: SandboxServer
) -> None:
    """The same once more is done once more where it is not so (any more), and skipped where it is."""
    apply_requests(writable, warehouse, [rename(None, "Adaora")])
    assert statuses(apply_requests(writable, warehouse, [rename(None, "Adaora")])) == [("skipped", None)]
    server.world.update_person(5, first_name="Emeka")
    assert statuses(apply_requests(writable, warehouse, [rename(None, "Adaora")])) == [("done", None)]


def test_an_id_is_not_used_for_another_request(
    writable: str, warehouse: Target, server: SandboxServer
) -> None:
    """The same id with another payload is refused, and not taken for done."""
    apply_requests(writable, warehouse, [rename("a", "Adaora")])
    applied = apply_requests(writable, warehouse, [rename("a", "Somebody")])
    assert statuses(applied) == [("failed", "fix_the_data")]
    assert "used for another request" in str(applied.outcomes[0].message)
    assert server.world.person(5).first_name == "Adaora"


@ON_BOTH
def test_an_answer_that_is_lost_is_found_out(writable: str, warehouse: Target, server: SandboxServer) -> None:
    """The provider does the work and cuts the connection: it is asked, and nothing is sent twice."""
    server.faults.add(Rule(CutConnection(), path="/addusertocourse", hits=(1,)))
    assert statuses(apply_requests(writable, warehouse, [enrol("a")])) == [("done", None)]
    assert writes(server, "/addusertocourse") == 1


def test_a_request_that_was_lost_is_sent_again(
    writable: str, warehouse: Target, server: SandboxServer
) -> None:
    """The provider fails before it does anything: nothing is there, so that it is asked once more."""
    server.faults.add(Rule(Reply(502, "bad gateway"), path="/usersignup", hits=(1,)))
    person = {"first_name": "Neu", "last_name": "Ling", "emails": [{"email": "neu@example.org"}]}
    request = make_request(Intent("users", "create", None, person), "a")
    assert statuses(apply_requests(writable, warehouse, [request])) == [("done", None)]
    assert writes(server, "/usersignup") == 2
    assert server.world.person_by_email("neu@example.org").last_name == "Ling"


@ON_BOTH
def test_what_nobody_knows_is_asked_by_the_next_apply(
    writable: str, warehouse: Target, server: SandboxServer
) -> None:
    """The provider does the work and then does not answer at all; later it says that it is done."""
    server.faults.add(
        Rule(CutConnection(), path="/addusertocourse", hits=(1,)),
        Rule(Reply(503), path="/users/id:5", after=1),
    )
    [outcome] = apply_requests(writable, warehouse, [enrol("a")]).outcomes
    assert (outcome.status, outcome.fault) == ("failed", "retry_later")
    assert [row["status"] for row in ledger_rows(writable, warehouse)] == ["sending"]
    server.faults.clear()
    again = apply_requests(writable, warehouse, unsettled(writable, warehouse))
    assert statuses(again) == [("done", None)]
    assert writes(server, "/addusertocourse") == 1


def test_a_provider_that_says_that_it_is_so_already_is_believed(
    writable: str, warehouse: Target, server: SandboxServer
) -> None:
    """Somebody enrols the person between the look and the request: it is a success."""
    server.faults.add(
        Rule(Reply(400, {"error": {"message": "The requested user is already enrolled in this course"}}),
             path="/addusertocourse", hits=(1,))
    )  # fmt: skip
    server.world.enrol(104, 6)
    assert statuses(apply_requests(writable, warehouse, [enrol("a", "6")])) == [("skipped", None)]
    assert statuses(apply_requests(writable, warehouse, [enrol("b", "5")]))[0][0] == "done"


def test_one_bad_request_does_not_sink_the_rest(
    writable: str, warehouse: Target, server: SandboxServer
) -> None:
    """What the provider refuses is kept with its words, and the next one is done."""
    applied = apply_requests(writable, warehouse, [enrol("a", course="9999"), rename("b", "Adaora")])
    assert statuses(applied) == [("failed", "fix_the_data"), ("done", None)]
    assert "The requested course does not exist" in str(applied.outcomes[0].message)


def test_credentials_that_are_refused_stop_the_apply(
    writable: str, warehouse: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing else could be done either: the rest is left, and says why."""
    monkeypatch.setenv("CONNECTIONS__ACME__CREDENTIALS__API_KEY", "revoked")
    applied = apply_requests(writable, warehouse, [rename("a", "Adaora"), rename("b", "Zoe", "6")])
    assert statuses(applied) == [("failed", "fix_the_connection")]
    assert (applied.left, applied.stopped) == (1, "the connection has to be mended first")


def test_too_many_failures_stop_the_apply(
    writable: str, warehouse: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many may fail as max_failures says; what comes after is left."""
    monkeypatch.setenv("CONNECTIONS__ACME__WRITES__MAX_FAILURES", "1")
    applied = apply_requests(
        writable, warehouse, [enrol(str(number), course=f"99{number}") for number in range(4)]
    )
    assert (len(applied.outcomes), applied.left) == (2, 2)


def test_no_more_is_written_than_one_apply_may(
    writable: str, warehouse: Target, server: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cap leaves the rest for the next apply, which does it."""
    monkeypatch.setenv("CONNECTIONS__ACME__WRITES__MAX_WRITES", "1")
    requests = [rename("a", "Adaora"), enrol("b")]
    first = apply_requests(writable, warehouse, requests)
    assert (statuses(first), first.left) == ([("done", None)], 1)
    assert statuses(apply_requests(writable, warehouse, requests)) == [("skipped", None), ("done", None)]


def test_a_connection_is_read_only_by_default(acme: str, warehouse: Target, server: SandboxServer) -> None:
    """Nothing is sent, and the sentence says what to configure."""
    applied = apply_requests(acme, warehouse, [rename("a", "Adaora")])
    assert statuses(applied) == [("failed", "fix_the_connection")]
    assert "[connections.acme.writes]" in str(applied.outcomes[0].message)
    assert writes(server, "/edituser") == 0


@ON_BOTH
def test_a_plan_is_approved_by_its_name(
    writable: str, warehouse: Target, server: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an approval nothing is sent; one request more is another plan."""
    monkeypatch.setenv("CONNECTIONS__ACME__WRITES__REQUIRE_APPROVAL", "true")
    requests = [rename("a", "Adaora")]
    with pytest.raises(NotApproved, match="is not approved"):
        apply_requests(writable, warehouse, requests)
    approve_plan(writable, warehouse, plan_requests(writable, warehouse, requests).plan_id, "Dana")
    with pytest.raises(NotApproved):
        apply_requests(writable, warehouse, [*requests, enrol("b")])
    assert writes(server, "/edituser") == 0
    assert statuses(apply_requests(writable, warehouse, requests)) == [("done", None)]


def test_a_file_approves_as_well(
    writable: str, warehouse: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan's name stands in a line of its own."""
    monkeypatch.setenv("CONNECTIONS__ACME__WRITES__REQUIRE_APPROVAL", "true")
    requests = [rename("a", "Adaora")]
    file = tmp_path / "approved.txt"
    file.write_text(f"for Monday\n{plan_id(writable, requests)}\n", "utf-8")
    assert statuses(apply_requests(writable, warehouse, requests, approval=file)) == [("done", None)]


@ON_BOTH
def test_two_applies_of_a_connection_do_not_run_at_once(writable: str, warehouse: Target) -> None:
    """The second is told who is at it."""
    apply_requests(writable, warehouse, [rename("a", "Adaora")])
    pipeline = warehouse.pipeline(writable, beside=WORK)
    with lease(pipeline, writable, WORK, run_id="another"), pytest.raises(WorkTaken, match="another"):
        apply_requests(writable, warehouse, [rename("b", "Emeka")])


@ON_BOTH
def test_requests_come_from_a_table(
    writable: str, warehouse: Target, tables: Tables, server: SandboxServer
) -> None:
    """A dbt model may fill it; requests of other connections are left alone."""
    sync_connection(writable, warehouse, resources=["courses"])
    tables.change(
        "insert into lms.write_back_requests values "
        """('a', 'acme', 'users', 'update', '5', '{"first_name": "Adaora"}'),"""
        "('b', 'acme', 'users', 'delete', '7', null), ('c', 'globex', 'users', 'delete', '8', null)"
    )
    requests = from_table(warehouse, "write_back_requests", writable)
    assert [request.key for request in requests] == ["a", "b"]
    assert statuses(apply_requests(writable, warehouse, requests)) == [("done", None), ("done", None)]
    assert server.world.person(5).first_name == "Adaora"
    assert 7 not in server.world.people


@ON_BOTH
def test_the_next_sync_carries_what_was_written(writable: str, warehouse: Target, tables: Tables) -> None:
    """A write is a change like any other."""
    sync_connection(writable, warehouse, resources=["users"])
    apply_requests(writable, warehouse, [rename("a", "Adaora")])
    sync_connection(writable, warehouse, resources=["users"])
    assert tables.query(
        "select first_name, valid_to is null from lms.users_snapshots where id = '5' order by valid_from"
    ) == [("Emeka", False), ("Adaora", True)]


@ON_BOTH
def test_an_erased_person_is_in_no_ledger(writable: str, warehouse: Target, tables: Tables) -> None:
    """Neither what was asked for of the person nor what became of it is left."""
    sync_connection(writable, warehouse, resources=["users"])
    apply_requests(
        writable,
        warehouse,
        [rename("a", "Adaora"), enrol("b"), enrol("c", course="9999"), rename("d", "Zoe", "6")],
    )
    payload = orjson.dumps({"user": {"id": PERSON}, "course": {"id": COURSE}}).decode()
    tables.change(
        "insert into lms.write_back_requests values "
        f"('a', 'acme', 'users', 'update', '{PERSON}', null), "
        f"('b', 'acme', 'course_enrollments', 'create', null, '{payload}')"
    )
    erase_person(writable, warehouse, PERSON)
    assert tables.query("select request_id from lms.write_back_log") == [("d",)]
    assert tables.query("select request_id from lms.write_back_requests") == []


def test_a_plan_sends_nothing(writable: str, warehouse: Target, server: SandboxServer) -> None:
    """It says what would be done, field by field, and leaves the provider and the ledger alone."""
    people: list[Any] = [rename("a", "Adaora"), rename("b", "Emeka"), enrol("c"), rename("d", "X", "9999")]
    plan = plan_requests(writable, warehouse, people)
    assert [one.step.action for one in plan.planned] == ["update", "skip", "create", "refuse"]
    [change] = plan.planned[0].step.changes
    assert (change.field, change.old, change.new) == ("first_name", "Emeka", "Adaora")
    assert server.world.person(5).first_name == "Emeka"
    assert ledger_rows(writable, warehouse) == []
