"""What the Moodle manifest says, held against the facts of Moodle's web services, over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl

import pytest

from mappings import engine
from sources.unified_lms.client import Client
from sources.unified_lms.connection import Connection, Secret
from sources.unified_lms.manifest import load_manifest
from tests.unit.sources.conftest import Asked, FakeTime, Provider

Connect = Callable[..., Client]
MANIFEST = load_manifest("moodle")
ENROLMENTS = MANIFEST.resources["course_enrollments"]


@pytest.fixture
def site(provider: Provider, fake_time: FakeTime) -> Iterator[Connect]:
    """Makes clients of the site."""
    made: list[Client] = []

    def make(**settings: Any) -> Client:
        connection = Connection("acme", "moodle", provider.url, {"token": Secret("planted-token")}, settings)
        made.append(Client(MANIFEST, connection, timing=fake_time.timing, tries=1))
        return made[-1]

    yield make
    for client in made:
        client.close()


def form(asked: Asked) -> dict[str, str]:
    """The form of a request."""
    return dict(parse_qsl(asked.body, keep_blank_values=True))


COMMON = {"wstoken": "planted-token", "moodlewsrestformat": "json", "moodlewssettingraw": "1"}
COURSE = {"parent": {"id": "2"}}


@pytest.mark.parametrize(
    ("endpoint", "variables", "sent"),
    [
        ("site_info", {}, {"wsfunction": "core_webservice_get_site_info"}),
        (
            "users",
            {},
            {"wsfunction": "core_user_get_users", "criteria[0][key]": "email", "criteria[0][value]": "%"},
        ),
        (
            "users_by_email",
            {"args": {"email": "a%"}},
            {"wsfunction": "core_user_get_users", "criteria[0][key]": "email", "criteria[0][value]": "a%"},
        ),
        (
            "user",
            {"args": {"id": "7"}},
            {"wsfunction": "core_user_get_users", "criteria[0][key]": "id", "criteria[0][value]": "7"},
        ),
        ("courses", {}, {"wsfunction": "core_course_get_courses_by_field"}),
        (
            "course",
            {"args": {"id": "2"}},
            {"wsfunction": "core_course_get_courses_by_field", "field": "id", "value": "2"},
        ),
        (
            "contents",
            COURSE,
            {
                "wsfunction": "core_course_get_contents",
                "courseid": "2",
                "options[0][name]": "excludecontents",
                "options[0][value]": "1",
            },
        ),
        (
            "suspended",
            COURSE,
            {
                "wsfunction": "core_enrol_get_enrolled_users",
                "courseid": "2",
                "options[0][name]": "userfields",
                "options[0][value]": "id",
                "options[1][name]": "onlysuspended",
                "options[1][value]": "1",
            },
        ),
        (
            "completion",
            {**COURSE, "args": {"user": 21}},
            {"wsfunction": "core_completion_get_course_completion_status", "courseid": "2", "userid": "21"},
        ),
        (
            "activities",
            {**COURSE, "args": {"user": 21}},
            {
                "wsfunction": "core_completion_get_activities_completion_status",
                "courseid": "2",
                "userid": "21",
            },
        ),
        ("grades", COURSE, {"wsfunction": "gradereport_user_get_grade_items", "courseid": "2"}),
    ],
)
def test_every_call_is_a_form_with_nested_names(
    endpoint: str, variables: dict[str, Any], sent: dict[str, str], provider: Provider, site: Connect
) -> None:
    """One address, POST; token, format and raw names in every call, and nothing that the function does not know."""
    provider.script((200, {}, {}))
    site().call(endpoint, variables)
    [asked] = provider.asked
    assert (asked.method, asked.target) == ("POST", "/webservice/rest/server.php")
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    assert form(asked) == COMMON | sent


def test_members_are_read_until_a_page_is_empty(provider: Provider, site: Connect) -> None:
    """The limit is applied before members are hidden: a short page is not the last one, an empty one is."""
    answers: Iterator[Any] = iter([[{"id": 1}, {"id": 2}], [{"id": 5}], []])
    provider.answer = lambda asked: (200, {}, next(answers))
    assert sum(page.count for page in site(page_size=2).pages("members", COURSE)) == 3
    options = [list(form(asked).items()) for asked in provider.asked]
    places = [dict(one)["options[2][value]"] for one in options]
    assert places == ["0", "2", "4"]
    assert dict(options[0])["options[2][name]"] == "limitfrom"
    assert dict(options[0])["options[3][value]"] == "2"


def test_a_report_comes_in_numbered_pages(provider: Provider, site: Connect) -> None:
    """Pages count from 0; one with fewer rows than asked for is the last."""
    headers = ["Course short name", "Username", "Status", "Completed"]
    rows = [{"columns": ["A", f"u{number}", "Active", "No"]} for number in range(1500)]

    def answer(asked: Asked) -> Any:
        first = int(form(asked)["page"]) * 1000
        data = {"headers": headers, "rows": rows[first : first + 1000], "totalrowcount": 1500}
        return 200, {}, {"data": data, "warnings": []}

    provider.answer = answer
    assert [page.count for page in site(enrolment_report=7).pages("report")] == [1000, 500]
    assert {(form(asked)["reportid"], form(asked)["perpage"]) for asked in provider.asked} == {("7", "1000")}


def test_reads_may_be_repeated_and_writes_may_not() -> None:
    """A POST that only reads is sent again where its outcome is unknown; one that writes might do so twice."""
    written = {
        call
        for resource in MANIFEST.resources.values()
        for write in resource.writes.operations.values()
        for call in write.calls
    }
    assert {name for name, endpoint in MANIFEST.endpoints.items() if not endpoint.may_repeat} == written


def test_every_endpoint_names_the_function_that_it_needs() -> None:
    """What `lms check` looks for in the token's service is what the form asks for, and so does the permission."""
    for endpoint in MANIFEST.endpoints.values():
        assert list(endpoint.needs) == [endpoint.form["wsfunction"]]
        assert f"to call {endpoint.form['wsfunction']} in the token's service" in (endpoint.permission or "")


@pytest.mark.parametrize("name", ["userprivateaccesskey", "privatetoken", "enrolmentkey"])
def test_keys_go_nowhere(name: str, provider: Provider, site: Connect) -> None:
    """What lets its bearer in is cut out of every answer."""
    provider.script((200, {}, {"sitename": "A", name: "planted"}))
    assert json.loads(site().call("site_info").text) == {"sitename": "A"}


def test_guest_and_front_page_are_left_out_with_a_reason() -> None:
    """The guest account is nobody, and the site is no course, nor a parent of items and enrolments."""
    [guest] = MANIFEST.resources["users"].skip
    [front] = MANIFEST.resources["courses"].skip
    assert engine.compile(guest.when).evaluate({"record": {"id": 1, "username": "guest"}})
    assert not engine.compile(guest.when).evaluate({"record": {"id": 1, "username": "ada"}})
    assert engine.compile(front.when).evaluate({"record": {"id": 1, "format": "site"}})
    assert not engine.compile(front.when).evaluate({"record": {"id": 2, "format": "topics"}})
    assert (guest.reason, front.reason) == ("the guest account", "the site's front page")
    for name in ("course_items", "course_enrollments"):
        parents = MANIFEST.resources[name].read[0].parents
        assert parents is not None
        wanted = engine.compile(parents.when or "")
        assert [wanted.evaluate({"format": kind}) for kind in ("site", "topics")] == [False, True]
        assert wanted.evaluate({"id": 2}) is True


@pytest.mark.parametrize(
    ("roles", "kept", "left_out"),
    [
        (["student"], ["student"], False),
        (["editingteacher"], ["student"], True),
        ([], ["student"], True),
        (["teacher", "student"], ["student"], False),
        (["editingteacher"], ["student", "editingteacher"], False),
    ],
)
def test_who_is_enrolled_by_role(roles: list[str], kept: list[str], left_out: bool) -> None:
    """Learners by default, other roles by setting; who has none of them is left out, and asked nothing about."""
    record = {"id": 1, "roles": [{"roleid": 1, "shortname": name} for name in roles]}
    seen = {"record": record, "parent": {"enablecompletion": 1}, "settings": {"roles": kept}}
    [rule] = ENROLMENTS.skip
    assert engine.compile(rule.when).evaluate(seen) is left_out
    for join in ("completion", "activities"):
        assert engine.compile(ENROLMENTS.joins[join].where or "").evaluate(seen) is not left_out


def test_a_course_without_completion_is_not_asked_about_it() -> None:
    """`enablecompletion` is 0 there; who may not see it asks."""
    where = engine.compile(ENROLMENTS.joins["completion"].where or "")
    seen = {"record": {"roles": [{"shortname": "student"}]}, "settings": {"roles": ["student"]}}
    assert [where.evaluate({**seen, "parent": {"enablecompletion": flag}}) for flag in (0, 1)] == [
        False,
        True,
    ]
    assert where.evaluate({**seen, "parent": {}}) is True


@pytest.mark.parametrize(
    ("settings", "joined"),
    [
        ({}, {"suspended", "completion", "activities", "grade"}),
        ({"completion": False, "progress": False, "scores": False}, {"suspended"}),
        ({"enrolment_report": 7}, {"suspended", "grade", "report"}),
    ],
)
def test_settings_decide_what_is_joined(settings: dict[str, Any], joined: set[str], site: Connect) -> None:
    """Calls for single learners are switched off by a setting each, and by a report that has it all."""
    seen = {"settings": site(**settings).settings}
    found = {
        name
        for name, join in ENROLMENTS.joins.items()
        if join.when is None or engine.compile(join.when).evaluate(seen)
    }
    assert found == joined


def test_rows_of_a_report_are_found_by_course_and_user() -> None:
    """By short name and login, escaped or not; rows of a method without users belong to nobody."""
    join = ENROLMENTS.joins["report"]
    body = {
        "data": {
            "headers": ["Course short name", "Username", "Status", "Time started", "Time started"],
            "rows": [
                {"columns": ["R&amp;D: 1", "ada", "Active", "a", "b"]},
                {"columns": ["R&amp;D: 1", "", None, "", ""]},
            ],
        }
    }
    rows = engine.compile(join.records).evaluate(body)
    assert rows == [
        {"Course short name": "R&amp;D: 1", "Username": "ada", "Status": "Active"},
        {"Course short name": "R&amp;D: 1", "Username": ""},
    ]
    keys = [engine.compile(join.key or "").evaluate(row) for row in rows]
    match = engine.compile(join.match or "")
    assert match.evaluate({"record": {"username": "ada"}, "parent": {"shortname": "R&D: 1"}}) == keys[0]
    assert match.evaluate({"record": {"id": 1}, "parent": {"shortname": "R&D: 1"}}) is None
    assert keys[1] == "no user"


def test_progress_counts_what_is_tracked() -> None:
    """Complete and passed count, failed does not; of those who are not tracked nothing is counted."""
    records = engine.compile(ENROLMENTS.joins["activities"].records)
    states = [{"state": state, "istrackeduser": True} for state in (0, 1, 2, 3)]
    assert records.evaluate({"statuses": states}) == {"tracked": 4, "done": 2}
    untracked = [{"state": 0, "istrackeduser": False}]
    assert records.evaluate({"statuses": untracked}) == {"tracked": 0, "done": 0}
    assert records.evaluate({"statuses": []}) == {"tracked": 0, "done": 0}


def test_the_score_is_the_course_total() -> None:
    """Of all grades the one of the course; null where there is none yet."""
    records = engine.compile(ENROLMENTS.joins["grade"].records)
    items = [{"itemtype": "mod", "graderaw": 7}, {"itemtype": "course", "graderaw": 87.5}]
    body = {"usergrades": [{"userid": 4, "gradeitems": items}]}
    assert records.evaluate(body) == {"user": 4, "score": 87.5}


def contents(body: Any) -> Any:
    """What the manifest makes of a course's contents."""
    rows = MANIFEST.resources["course_items"].read[0].rows or ""
    found = engine.compile(rows).evaluate({"body": body, "parent": {}, "settings": {}})
    if found is None:
        return None
    return [(row["record"]["id"], row["joined"]["position"], row["joined"].get("section")) for row in found]


def test_sections_and_their_activities_are_a_tree() -> None:
    """Sections count among themselves, activities within theirs; numbers of the two may be the same."""
    body = [
        {"id": 1, "name": "General", "modules": []},
        {"id": 2, "name": "One", "modules": [{"id": 2, "modname": "page"}, {"id": 9, "modname": "quiz"}]},
        {"id": 3, "name": "Two", "modules": [{"id": 3, "modname": "url"}]},
    ]
    one, two = {"id": 2, "name": "One"}, {"id": 3, "name": "Two"}
    assert contents(body) == [(1, 1, None), (2, 2, None), (2, 1, one), (9, 2, one), (3, 3, None), (3, 1, two)]


@pytest.mark.parametrize("body", [[], [{"id": 1, "name": "General", "modules": []}]])
def test_short_courses(body: list[Any]) -> None:
    """A course of one section, or of none, is a list as well (JSONata collapses lists of one)."""
    assert contents(body) == [(one["id"], 1, None) for one in body]


def test_what_is_no_list_is_no_empty_course() -> None:
    """An answer that is no list of sections gives nothing, so that it is not taken for an empty course."""
    assert contents({"warnings": []}) is None


def test_users_are_read_at_once_or_by_prefix() -> None:
    """A site too large is read by beginnings of addresses, which can never be shown to be all."""
    sliced, whole = MANIFEST.resources["users"].read
    assert sliced.slices is not None
    assert (sliced.when, whole.when) == ("settings.email_prefixes", None)
    assert engine.compile(sliced.slices.args["email"]).evaluate("a") == "a%"
    assert sliced.slices.complete is False


def test_one_record_by_its_id() -> None:
    """A search by number finds an account unless it is deleted; an enrolment is a member of its course."""
    user, course, enrolment = (
        MANIFEST.resources[name].get for name in ("users", "courses", "course_enrollments")
    )
    assert user
    assert course
    assert enrolment
    assert engine.compile(user.record).evaluate({"body": {"users": []}}) == []
    assert engine.compile(course.record).evaluate({"body": {"courses": [{"id": 2}]}}) in (
        [{"id": 2}],
        {"id": 2},
    )
    seen = {"body": [{"id": 4}, {"id": 7}], "args": {"course": "2", "user": "7"}}
    assert engine.compile(enrolment.record).evaluate(seen) == {"id": 7}
    assert engine.compile(enrolment.parent_id or "").evaluate(seen) == "2"


def test_the_check_tells_the_site_and_its_functions() -> None:
    """Name and release, whose token it is, and what the token may call; an administrator's is too much."""
    assert MANIFEST.check
    body = {
        "sitename": "Academy",
        "release": "4.5.6",
        "username": "reader",
        "userissiteadmin": True,
        "functions": [{"name": "core_user_get_users", "version": "1"}],
    }
    told = engine.compile(MANIFEST.check.tells or "").evaluate(body)
    assert told == [
        "Academy, Moodle 4.5.6, read as reader",
        "The account is a site administrator, which is more than reading needs.",
    ]
    assert engine.compile(MANIFEST.check.grants or "").evaluate(body) == "core_user_get_users"


def test_the_four_resources_and_what_can_be_done() -> None:
    """All four are listed; sections and activities have no function for one, and none that changes them."""
    assert MANIFEST.operations == {
        "users": ("list", "get", "create", "update", "delete"),
        "courses": ("list", "get", "create", "update", "delete"),
        "course_items": ("list",),
        "course_enrollments": ("list", "get", "create", "update", "delete"),
    }
