"""What the TalentLMS manifest says, held against the facts of API v1, over real HTTP."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mappings import engine
from sources.unified_lms.client import Client
from sources.unified_lms.connection import Connection, Secret
from sources.unified_lms.errors import (
    AlreadyDone,
    BudgetExhausted,
    Forbidden,
    Invalid,
    NotFound,
    ProviderError,
    RateLimited,
    Transient,
    Unauthorized,
)
from sources.unified_lms.manifest import load_manifest
from tests.unit.sources.conftest import Asked, FakeTime, Provider

Connect = Callable[..., Client]
MANIFEST = load_manifest("talentlms")


@pytest.fixture
def portal(provider: Provider, fake_time: FakeTime) -> Iterator[Connect]:
    """Makes clients of the portal."""
    made: list[Client] = []

    def make(**settings: Any) -> Client:
        connection = Connection(
            "acme", "talentlms", provider.url, {"api_key": Secret("planted-key")}, settings
        )
        made.append(Client(MANIFEST, connection, timing=fake_time.timing))
        return made[-1]

    yield make
    for client in made:
        client.close()


def error(message: str) -> dict[str, Any]:
    """An error's body."""
    return {"error": {"type": "invalid_request_error", "message": message}}


def test_the_key_is_the_user_of_basic_authentication(provider: Provider, portal: Connect) -> None:
    """`Authorization: Basic base64("<key>:")`, under /api/v1."""
    portal().call("users")
    assert provider.asked[0].path == "/api/v1/users"
    assert provider.asked[0].headers["authorization"] == "Basic " + base64.b64encode(b"planted-key:").decode()


@pytest.mark.parametrize(
    ("endpoint", "variables", "path"),
    [
        ("user", {"args": {"id": "40457"}}, "/users/id:40457"),
        ("user", {"args": {"user": "7", "course": "9"}}, "/users/id:7"),
        ("user", {"parent": {"id": "7"}, "args": {}}, "/users/id:7"),
        ("course", {"args": {"id": "123"}}, "/courses/id:123"),
        ("course", {"parent": {"id": "123"}}, "/courses/id:123"),
        ("branch", {"args": {"id": "3"}}, "/branches/id:3"),
    ],
)
def test_arguments_stand_in_the_path(
    endpoint: str, variables: dict[str, Any], path: str, provider: Provider, portal: Connect
) -> None:
    """`/{method}/{key}:{value}`, never a query string."""
    provider.script((200, {}, {}))
    portal().call(endpoint, variables)
    assert provider.asked[-1].target == f"/api/v1{path}"


def test_users_come_whole_or_in_pages(provider: Provider, portal: Connect) -> None:
    """Without `page_size` one answer, with it pages that end with a short one."""
    everyone = [{"id": str(number)} for number in range(5)]

    def answer(asked: Asked) -> Any:
        if asked.path == "/api/v1/users":
            return 200, {}, everyone
        number = int(asked.path.rsplit("page_number:", 1)[1])
        return 200, {}, everyone[(number - 1) * 2 : number * 2]

    provider.answer = answer
    reads = MANIFEST.resources["users"].read
    assert [read.endpoint for read in reads] == ["users_paged", "users"]
    assert sum(page.count for page in portal().pages("users")) == 5
    assert sum(page.count for page in portal(page_size=2).pages("users_paged")) == 5
    assert [asked.path for asked in provider.asked[1:]] == [
        f"/api/v1/users/page_size:2,page_number:{number}" for number in (1, 2, 3)
    ]


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (400, "The requested user does not exist", NotFound),
        (404, "The requested course does not exist", NotFound),
        (400, "The requested user is no longer available", NotFound),
        (400, "The requested user is already enrolled in this course", AlreadyDone),
        (401, "Invalid API key", Unauthorized),
        (403, "API is not enabled", Forbidden),
        (400, "Invalid arguments provided", Invalid),
        (200, "Invalid arguments provided", Invalid),
        (500, "Something went wrong", Transient),
    ],
)
def test_errors_are_told_apart_by_their_message(
    status: int, message: str, kind: type[ProviderError], provider: Provider, portal: Connect
) -> None:
    """There is no error code; the message decides, and is passed on."""
    provider.script((status, {}, error(message)))
    with pytest.raises(kind) as raised:
        portal().call("user", {"args": {"id": "1"}})
    assert type(raised.value) is kind
    assert raised.value.provider_message == message


@pytest.mark.parametrize("status", [403, 429])
def test_over_the_limit(status: int, provider: Provider, portal: Connect, fake_time: FakeTime) -> None:
    """Both a 429 and a 403 that speaks of the rate limit wait for the portal's reset, here longer than allowed."""
    state = {"limit": "2000", "remaining": 0, "reset": str(int(fake_time.now + 1800)), "formatted_reset": "-"}
    refusal: Any = (status, {}, error("Rate limit exceeded"))
    provider.answer = lambda asked: (200, {}, state) if asked.path.endswith("/ratelimit") else refusal
    with pytest.raises(BudgetExhausted) as raised:
        portal().call("users")
    assert raised.value.wait == pytest.approx(1800)


def test_over_the_limit_of_five_seconds(provider: Provider, portal: Connect, fake_time: FakeTime) -> None:
    """Where the hour has calls left it is the short window that is full, and a moment is enough."""
    state = {"limit": "2000", "remaining": 900, "reset": str(int(fake_time.now + 1800))}
    answers: Iterator[Any] = iter([(429, {}, error("Rate limit exceeded")), (200, {}, [])])
    provider.answer = lambda asked: (200, {}, state) if asked.path.endswith("/ratelimit") else next(answers)
    portal().call("users")
    assert fake_time.slept == [2.0]


def test_the_limit_never_ends_in_an_endless_loop(provider: Provider, portal: Connect) -> None:
    """A portal that refuses everything, its own limit's state as well, is given up on."""
    provider.script((429, {}, error("Rate limit exceeded")))
    with pytest.raises(RateLimited):
        portal().call("users")
    assert len([asked for asked in provider.asked if asked.path.endswith("/users")]) == 5


def test_no_more_than_200_in_five_seconds(provider: Provider, portal: Connect, fake_time: FakeTime) -> None:
    """The hard limit of every plan."""
    client = portal()
    for _ in range(201):
        client.call("courses")
    assert fake_time.slept == [5.0]


def test_the_plans_calls_an_hour(provider: Provider, portal: Connect) -> None:
    """`calls_per_hour` is kept to: the next call would wait for an hour, which is said instead."""
    client = portal(calls_per_hour=3)
    for _ in range(3):
        client.call("courses")
    with pytest.raises(BudgetExhausted):
        client.call("courses")
    assert len(provider.asked) == 3


def test_the_login_key_goes_nowhere(provider: Provider, portal: Connect) -> None:
    """The address that logs a user in without a password is cut out of lists and single users."""
    user = {"id": "1", "login": "jo", "login_key": "https://x.example.com/index/gotodata/key:planted"}
    provider.script((200, {}, [user]))
    assert json.loads(portal().call("users").text) == [{"id": "1", "login": "jo"}]


def test_the_date_format_is_the_portals(provider: Provider, portal: Connect) -> None:
    """`date_format` is read from siteinfo unless configured; the time zone has to be configured, or is missing."""
    provider.script((200, {}, {"date_format": "MMDDYYYY", "domain_map": ""}))
    client = portal()
    assert client.settings["date_format"] == "MMDDYYYY"
    assert client.settings["calls_per_hour"] == 2000
    assert list(client.missing()) == ["timezone"]
    assert client.missing()["timezone"].fields == {
        "users": ("created_at",),
        "courses": ("created_at", "updated_at"),
    }
    assert portal(date_format="DDMMYYYY").settings["date_format"] == "DDMMYYYY"


def items(units: list[dict[str, str]]) -> list[tuple[str, int, str | None]]:
    """Id, position and section of the course items of a course."""
    rows = MANIFEST.resources["course_items"].read[0].rows
    assert rows is not None
    found = engine.compile(rows).evaluate({"body": {"units": units}, "parent": {}, "settings": {}})
    return [
        (row["record"]["id"], row["joined"]["position"], (row["joined"].get("section") or {}).get("id"))
        for row in found
    ]


def unit(identifier: str, kind: str = "Video") -> dict[str, str]:
    """A unit of a course."""
    return {"id": identifier, "type": kind, "name": f"Unit {identifier}"}


def test_sections_are_the_parents_of_what_follows() -> None:
    """Units count from 1 among their siblings: before the first section with the sections, then inside each."""
    units = [unit("1"), unit("2", "Section"), unit("3"), unit("4", "Test"), unit("5", "Section"), unit("6")]
    assert items(units) == [
        ("1", 1, None),
        ("2", 2, None),
        ("3", 1, "2"),
        ("4", 2, "2"),
        ("5", 3, None),
        ("6", 1, "5"),
    ]


@pytest.mark.parametrize("units", [[], [unit("1")], [unit("1", "Section")]])
def test_short_courses(units: list[dict[str, str]]) -> None:
    """A course of one unit, or of none, is a list as well (JSONata collapses lists of one)."""
    assert items(units) == [(each["id"], 1, None) for each in units]


def test_an_answer_without_units_is_no_empty_course() -> None:
    """A list that is missing gives nothing, so that it is not taken for a course whose units were all deleted."""
    rows = MANIFEST.resources["course_items"].read[0].rows
    assert rows is not None
    assert engine.compile(rows).evaluate({"body": {"id": "1"}, "parent": {}, "settings": {}}) is None


def test_branches_give_users_their_organization() -> None:
    """Each branch lists its users; the entry is found by the user's id and names the branch."""
    join = MANIFEST.resources["users"].joins["branch"]
    entries = engine.compile(join.records).evaluate(
        {"id": "3", "name": "North", "users": [{"id": "1", "name": "J. D."}]}
    )
    assert entries == [{"user_id": "1", "id": "3", "name": "North"}]
    assert engine.compile(join.key or "").evaluate(entries[0]) == "1"
    assert engine.compile(join.match or "").evaluate({"record": {"id": "1"}}) == "1"


def test_only_learners_are_enrolled() -> None:
    """Instructors and the course's creator are listed among its people, and are left out with a reason."""
    [rule] = MANIFEST.resources["course_enrollments"].skip
    holds = engine.compile(rule.when)
    assert [holds.evaluate({"record": {"role": role}}) for role in ("learner", "instructor")] == [False, True]
    assert rule.reason == "not a learner in the course"


def test_one_enrolment_by_its_id() -> None:
    """`{course}:{user}` is read from the user's own courses, with the user as parent."""
    get = MANIFEST.resources["course_enrollments"].get
    assert get is not None
    body = {"id": "7", "courses": [{"id": "1"}, {"id": "2", "role": "learner"}]}
    seen = {"body": body, "args": {"course": "2", "user": "7"}}
    assert engine.compile(get.record).evaluate(seen) == {"id": "2", "role": "learner"}
    assert engine.compile(get.parent or "").evaluate(seen) == body
    assert (get.endpoint, get.id) == ("user", "{course}:{user}")


def test_the_four_resources_and_what_can_be_done() -> None:
    """All four are listed; units have no address of their own. No call changes a course or a learner's progress."""
    assert MANIFEST.operations == {
        "users": ("list", "get", "create", "update", "delete"),
        "courses": ("list", "get", "create", "delete"),
        "course_items": ("list",),
        "course_enrollments": ("list", "get", "create", "delete"),
    }


def test_no_write_is_sent_twice() -> None:
    """Those that are GET requests are no exception."""
    resources = MANIFEST.resources.values()
    calls = {call for one in resources for write in one.writes.operations.values() for call in write.calls}
    assert {MANIFEST.endpoints[name].method for name in calls} == {"GET", "POST"}
    assert not [name for name in calls if MANIFEST.endpoints[name].may_repeat]


@pytest.mark.parametrize("body", [{"id": "7"}, [{"id": "7"}]])
@pytest.mark.parametrize("name", ["username", "emails"])
def test_a_looked_up_user_may_come_alone_or_in_a_list(name: str, body: Any) -> None:
    """Either is one record."""
    records = MANIFEST.resources["users"].filters[name].records or ""
    assert engine.compile(records).evaluate(body) == [{"id": "7"}]
    assert engine.reference_evaluate(records, body) == [{"id": "7"}]
