"""What the Docebo manifest says, held against the facts of its services, over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl

import pytest

from mappings import engine
from sources.unified_lms.client import Client
from sources.unified_lms.connection import Connection, Secret
from sources.unified_lms.errors import (
    BudgetExhausted,
    Forbidden,
    Invalid,
    NotFound,
    ProviderError,
    Transient,
    Unauthorized,
)
from sources.unified_lms.manifest import load_manifest
from tests.unit.sources.conftest import Asked, FakeTime, Provider

Connect = Callable[..., Client]
MANIFEST = load_manifest("docebo")
APP = {"client_id": "app", "client_secret": "planted-secret"}
TOKEN = {"access_token": "planted-token", "expires_in": 3600, "token_type": "Bearer", "scope": "api"}


def over(answer: Any) -> Callable[[Asked], Any]:
    """A portal that gives tokens, and to everything else this answer, or what it makes of the request."""

    def answered(asked: Asked) -> Any:
        if asked.path == "/oauth2/token":
            return 200, {}, TOKEN
        return answer(asked) if callable(answer) else answer

    return answered


@pytest.fixture
def portal(provider: Provider, fake_time: FakeTime) -> Iterator[Connect]:
    """Makes clients of the portal, in fake time."""
    made: list[Client] = []
    provider.answer = over((200, {}, {"data": {"items": [], "has_more_data": False}}))

    def make(credentials: dict[str, str] | None = None, **settings: Any) -> Client:
        given = {name: Secret(value) for name, value in (APP | (credentials or {})).items()}
        connection = Connection("acme", "docebo", provider.url, given, settings)
        made.append(Client(MANIFEST, connection, timing=fake_time.timing))
        return made[-1]

    yield make
    for client in made:
        client.close()


def asked_for(provider: Provider) -> list[Asked]:
    """What was asked for beside tokens."""
    return [asked for asked in provider.asked if asked.path != "/oauth2/token"]


@pytest.mark.parametrize(
    ("credentials", "form"),
    [
        ({}, {"grant_type": "client_credentials", "scope": "api"}),
        (
            {"username": "reader", "password": "planted-pass"},
            {"grant_type": "password", "scope": "api", "username": "reader", "password": "planted-pass"},
        ),
        (
            {"refresh_token": "planted-refresh"},
            {"grant_type": "refresh_token", "refresh_token": "planted-refresh"},
        ),
    ],
)
def test_the_credentials_that_are_given_decide_the_grant(
    credentials: dict[str, str], form: dict[str, str], provider: Provider, portal: Connect
) -> None:
    """A form to /oauth2/token with what the grant needs, and the token as bearer of every request."""
    portal(credentials).call("users_count")
    token, call = provider.asked
    assert (token.method, token.path, dict(parse_qsl(token.body))) == ("POST", "/oauth2/token", APP | form)
    assert call.headers["authorization"] == "Bearer planted-token"
    assert call.headers["accept"] == "application/json"


@pytest.mark.parametrize(
    ("endpoint", "variables", "path"),
    [
        ("users", {}, "/manage/v1/user?page=1&page_size=200"),
        ("user", {"args": {"id": "7"}}, "/manage/v1/user/7"),
        ("courses", {}, "/learn/v1/courses?page=1&page_size=200"),
        ("courses_newer", {}, "/course/v1/courses?page=1&page_size=200"),
        ("course", {"parent": {"id": "9"}, "args": {}}, "/learn/v1/courses/9"),
        ("enrollments", {}, "/learn/v1/enrollments?page=1&page_size=200"),
        (
            "enrollments_of_course",
            {"parent": {"id": "9"}},
            "/course/v1/courses/9/enrollments?extra_fields%5B%5D=enrollment_time_spent&page=1&page_size=200",
        ),
        (
            "enrollment",
            {"args": {"course": "9", "user": "7"}},
            (
                "/course/v1/courses/enrollments?course_id%5B%5D=9&user_id%5B%5D=7"
                "&extra_fields%5B%5D=enrollment_time_spent"
            ),
        ),
    ],
)
def test_addresses(
    endpoint: str, variables: dict[str, Any], path: str, provider: Provider, portal: Connect
) -> None:
    """Each service under its own path; pages count from 1 and hold the 200 that the vendor allows."""
    next(iter(portal().pages(endpoint, variables)))
    assert [asked.target for asked in asked_for(provider)] == [path]


def page(number: int, **changes: Any) -> Any:
    """A page of one user, as the portal wraps it."""
    data = {"count": 1, "current_page": number, "items": [{"user_id": str(number)}]} | changes
    return 200, {}, {"data": data, "version": "1.0.0", "_links": []}


def number_of(asked: Asked) -> int:
    """The number of the page that was asked for."""
    return int(dict(asked.query)["page"])


@pytest.mark.parametrize(("more", "last"), [(True, False), (1, 0), ("1", "0"), ("true", "false")])
def test_pages_end_where_there_is_no_more_data(
    more: Any, last: Any, provider: Provider, portal: Connect
) -> None:
    """`has_more_data` ends the reading, however it is written, though the pages are short."""
    provider.answer = over(
        lambda asked: page(number_of(asked), has_more_data=more if number_of(asked) < 3 else last)
    )
    assert sum(each.count for each in portal().pages("users")) == 3


@pytest.mark.parametrize("nothing", [{}, {"has_more_data": None}])
def test_without_a_word_only_an_empty_page_is_the_last(
    nothing: dict[str, Any], provider: Provider, portal: Connect
) -> None:
    """Where a portal leaves `has_more_data` out, a short page is not taken for the end."""
    provider.answer = over(
        lambda asked: page(number_of(asked), **nothing, **({} if number_of(asked) < 3 else {"items": []}))
    )
    assert sum(each.count for each in portal().pages("users")) == 2


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Invalid),
        (403, Forbidden),
        (404, NotFound),
        (422, Invalid),
        (500, Transient),
    ],
)
@pytest.mark.parametrize("message", ["Not for you", ["Not for you"]])
def test_errors(
    status: int, kind: type[ProviderError], message: Any, provider: Provider, portal: Connect
) -> None:
    """The status decides; the portal's message, a text or a list of them, is passed on."""
    provider.answer = over((status, {}, {"name": "E", "message": message, "code": 1, "status": status}))
    with pytest.raises(kind) as raised:
        portal().call("users_count")
    assert type(raised.value) is kind
    assert "Not for you" in (raised.value.provider_message or "")


def test_an_expired_token_is_renewed_once(provider: Provider, portal: Connect) -> None:
    """A 401 asks for a new token and repeats the request; a second one ends the run."""
    provider.answer = over((401, {}, {"message": "The access token provided is invalid"}))
    with pytest.raises(Unauthorized):
        portal().call("users_count")
    assert [asked.path for asked in provider.asked] == ["/oauth2/token", "/manage/v1/user"] * 2


@pytest.mark.parametrize("status", [429, 503])
def test_an_overloaded_portal_is_left_alone(
    status: int, provider: Provider, portal: Connect, fake_time: FakeTime
) -> None:
    """Both statuses ask for a pause, as long as the portal says."""
    answers = iter([(status, {"Retry-After": "7"}, {"message": "busy"}), page(1)])
    provider.answer = over(lambda _: next(answers))
    portal().call("users_count")
    assert fake_time.slept == [7.0]


def test_the_calls_of_an_hour(provider: Provider, portal: Connect) -> None:
    """`calls_per_hour` is kept to: the next call would wait for an hour, which is said instead."""
    client = portal(calls_per_hour=2)
    for _ in range(2):
        client.call("users_count")
    with pytest.raises(BudgetExhausted):
        client.call("users_count")
    assert len(asked_for(provider)) == 2


def test_what_opens_a_course_without_a_login_goes_nowhere(provider: Provider, portal: Connect) -> None:
    """The deep link's signature and the address of a certificate are cut out of the single course."""
    course = {"id": 9, "deeplink": "hash=planted", "certificate_url": "https://x.example.com/planted"}
    provider.answer = over((200, {}, {"data": course}))
    assert json.loads(portal().call("course", {"args": {"id": "9"}}).text) == {"data": {"id": 9}}


def rows(tree: Any) -> Any:
    """What the manifest makes of the tree of a course, on which both engines must agree."""
    source = MANIFEST.resources["course_items"].read[0].rows
    assert source is not None
    seen = {"body": {"data": tree}, "parent": {}, "settings": {}, "fetched": {}}
    found = engine.compile(source).evaluate(seen)
    assert engine.reference_evaluate(source, seen) == found
    return found


def node(identifier: str, *children: Any) -> dict[str, Any]:
    """A node of the tree; a folder if there is anything in it."""
    return {
        "id": identifier,
        "name": f"N{identifier}",
        "is_folder": bool(children),
        "children": list(children),
    }


def test_folders_are_the_parents_of_what_lies_in_them() -> None:
    """Nodes count from 1 among their siblings, at every depth, and come without their children."""
    tree = [node("1", node("2"), node("3", node("4"))), node("5")]
    found = rows({"tree": tree})
    assert [
        (row["record"]["id"], row["joined"]["position"], row["joined"].get("folder", {}).get("id"))
        for row in found
    ] == [("1", 1, None), ("2", 1, "1"), ("3", 2, "1"), ("4", 1, "3"), ("5", 2, None)]
    assert not any("children" in row["record"] for row in found)


@pytest.mark.parametrize("tree", [[], [node("1")], [node("1", node("2"))]])
def test_short_trees(tree: list[Any]) -> None:
    """A course with one learning object, or none, is a list as well (JSONata collapses lists of one)."""
    found = rows({"tree": tree})
    assert isinstance(found, list)
    assert len(found) == len(tree) + sum(len(each["children"]) for each in tree)


def test_an_answer_without_a_tree_is_no_empty_course() -> None:
    """A tree that is missing gives nothing, so that it is not taken for a course whose content was deleted."""
    assert rows({"id": 9}) is None


def skipped(record: dict[str, Any], levels: list[str]) -> str | None:
    """Why a record is left out; None if it is not."""
    for rule in MANIFEST.resources["course_enrollments"].skip:
        if engine.compile(rule.when).evaluate({"record": record, "settings": {"levels": levels}}):
            return rule.reason
    return None


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"enrollment_level": "student"}, None),
        ({"level": "learner"}, None),
        ({"level": 3}, None),
        ({"level": "3"}, None),
        ({"enrollment_level": "Student"}, None),
        ({"level": None}, None),
        ({"level": ""}, None),
        ({}, None),
        ({"enrollment_level": "tutor"}, "not a level that is kept"),
        ({"level": 6}, "not a level that is kept"),
        ({"level": "coach"}, "not a level that is kept"),
        ({"type": "learning_plan", "level": "learner"}, "a learning plan and no course"),
        ({"type": "classroom", "level": "learner"}, None),
    ],
)
def test_what_is_left_out(record: dict[str, Any], reason: str | None) -> None:
    """Learning plans, and whoever is no learner; an enrolment without a level stays."""
    assert skipped(record, ["learner"]) == reason


def test_other_levels_by_setting() -> None:
    """A connection may keep tutors and instructors as well, or instead."""
    levels = ["tutor", "instructor"]
    records: list[dict[str, Any]] = [{"level": "instructor"}, {"level": 4}, {"enrollment_level": "student"}]
    assert [skipped(record, levels) for record in records] == [None, None, "not a level that is kept"]


def test_deleted_courses_are_left_out() -> None:
    """The newer list may have them, marked."""
    [rule] = MANIFEST.resources["courses"].skip
    holds = engine.compile(rule.when)
    found = [
        holds.evaluate({"record": record}) for record in ({"is_deleted": True}, {"is_deleted": False}, {})
    ]
    assert found == [True, False, False]


def test_one_enrolment_by_its_id() -> None:
    """`{course}:{user}` is looked for in the answer, should the portal ignore the filters."""
    get = MANIFEST.resources["course_enrollments"].get
    assert get is not None
    items = [{"course_id": 9, "user_id": 6}, {"course_id": "9", "user_id": 7}, {"course_id": 8, "user_id": 7}]
    seen = {"body": {"data": {"items": items}}, "args": {"course": "9", "user": "7"}}
    assert engine.compile(get.record).evaluate(seen) == items[1]
    assert (get.endpoint, get.id) == ("enrollment", "{course}:{user}")


def test_one_user_by_its_id() -> None:
    """The two halves of the single record come together; without a user there is no record."""
    get = MANIFEST.resources["users"].get
    assert get is not None
    find = engine.compile(get.record)
    fields = [{"id": 1, "value": "x"}]
    data = {"user_data": {"user_id": 7}, "additional_fields": fields}
    assert find.evaluate({"body": {"data": data}, "args": {}}) == {"user_id": 7, "additional_fields": fields}
    assert find.evaluate({"body": {"data": {}}, "args": {}}) is None


def test_a_rejected_record_keeps_its_id() -> None:
    """A record that cannot be mapped is told by the id of either list."""
    courses = engine.compile(MANIFEST.resources["courses"].identify or "")
    assert [courses.evaluate({"record": record}) for record in ({"id_course": 5}, {"id": 5})] == [5, 5]
    records = engine.compile(MANIFEST.resources["course_enrollments"].identify or "")
    found = [
        records.evaluate({"record": record})
        for record in ({"course_id": 9, "user_id": 7}, {"id": 9, "user_id": 7})
    ]
    assert found == ["9:7", "9:7"]


def test_what_is_not_confirmed_is_marked_and_configurable() -> None:
    """The provider is provisional, and its doubtful choices are settings with the defaults that are advised."""
    assert MANIFEST.provisional
    assert {name: setting.default for name, setting in MANIFEST.settings.items()} == {
        "enrollment_list": "course",
        "course_list": "learn",
        "levels": ("learner",),
        "page_size": 200,
        "calls_per_hour": 1000,
    }


def test_the_four_resources_and_what_can_be_done() -> None:
    """All four are listed; learning objects have no address of their own, and none to be written at."""
    assert MANIFEST.operations == {
        "users": ("list", "get", "create", "update", "delete"),
        "courses": ("list", "get", "create", "update", "delete"),
        "course_items": ("list",),
        "course_enrollments": ("list", "get", "create", "update", "delete"),
    }
