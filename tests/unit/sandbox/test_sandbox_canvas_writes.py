"""What can be done to the Canvas sandbox, and what it answers, as the vendor's documents and source have it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from sources.unified_lms.sandbox import SandboxServer, World
from sources.unified_lms.sandbox.dialects.canvas_options import PERMISSIONS
from sources.unified_lms.sandbox.entities import CourseState, PersonState

SHARD = 21070000000000000
OTHER_COURSE = 105


class Account:
    """An account of a test's own, asked in JSON unless a form is given."""

    def __init__(self, server: SandboxServer) -> None:
        """Asks under `/api/v1/`."""
        self.world = server.world
        token = server.credentials["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        self.http = httpx.Client(base_url=f"{server.base_url}/api/v1/", headers=headers, trust_env=False)

    def ask(self, method: str, path: str, **body: Any) -> Any:
        """The body of an answer that must be a good one."""
        answer = self.http.request(method, path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refusal(self, method: str, path: str, **body: Any) -> tuple[int, Any]:
        """Status and body of an answer that must be an error."""
        answer = self.http.request(method, path, json=body)
        assert answer.status_code >= 400
        return answer.status_code, answer.json()


def start(**options: Any) -> Iterator[Account]:
    """An account, with options of the dialect."""
    with SandboxServer(World(), "canvas", request_cost=0.0, **options) as server:
        account = Account(server)
        with account.http:
            yield account


@pytest.fixture
def account() -> Iterator[Account]:
    """An account that nobody else uses."""
    yield from start()


LOGIN = {"unique_id": "grace", "sis_user_id": "S-1"}
CHANNEL = {"type": "email", "address": "grace@example.org", "skip_confirmation": True}


# -- people ----------------------------------------------------------------------------------------


def test_a_user_is_made_with_a_login_and_an_address(account: Account) -> None:
    """The answer is the user; a sortable name gives first and last name."""
    user = {
        "name": "Grace Brewster Hopper",
        "sortable_name": "Hopper, Grace",
        "time_zone": "America/New_York",
    }
    made = account.ask(
        "POST", "accounts/self/users", user=user, pseudonym=LOGIN, communication_channel=CHANNEL
    )
    person = account.world.person_by_login("grace")
    assert made["id"] == SHARD + person.id
    assert (made["name"], made["sortable_name"]) == ("Grace Brewster Hopper", "Hopper, Grace")
    assert (made["login_id"], made["sis_user_id"], made["email"]) == ("grace", "S-1", "grace@example.org")
    assert made["time_zone"] == "America/New_York"


def test_a_form_says_the_same_as_json(account: Account) -> None:
    """`user[name]` is the name of the user; the family name is the last word of a name alone."""
    form = {"user[name]": "Grace Hopper", "pseudonym[unique_id]": "grace@example.org"}
    made = account.http.post("accounts/self/users", data=form).json()
    assert (made["name"], made["sortable_name"]) == ("Grace Hopper", "Hopper, Grace")
    assert (made["login_id"], made["email"]) == ("grace@example.org", "grace@example.org")


def test_a_login_that_is_taken_is_answered_400_with_an_object(account: Account) -> None:
    """Not 409, and the login's own error stands among those of other parts."""
    status, body = account.refusal("POST", "accounts/self/users", pseudonym={"unique_id": "bjorn"})
    assert status == 400
    assert body["errors"]["pseudonym"]["unique_id"] == [
        {
            "attribute": "unique_id",
            "message": "ID already in use for this account and authentication provider",
            "type": "taken",
        }
    ]
    assert body["errors"]["user"]["pseudonyms"][0]["type"] == "invalid"


def test_nobody_is_made_without_a_login(account: Account) -> None:
    """The login is refused where it is empty."""
    status, body = account.refusal("POST", "accounts/self/users", user={"name": "Grace"})
    assert (status, body["errors"]["pseudonym"]["unique_id"][0]["attribute"]) == (400, "unique_id")


def test_only_what_is_named_of_a_user_changes(account: Account) -> None:
    """A sortable name leaves the name as it is; other fields stay."""
    before = account.ask("GET", "users/6?include[]=time_zone")
    after = account.ask("PUT", "users/6", user={"sortable_name": "O'Brien, Zo"})
    assert {key for key in before if before[key] != after[key]} == {
        "sortable_name",
        "first_name",
        "last_name",
    }


def test_a_new_name_brings_a_new_sortable_one(account: Account) -> None:
    """Where it is not named as well."""
    after = account.ask("PUT", "users/6", user={"name": "Zoe Smith", "email": "zoe@example.net"})
    assert (after["sortable_name"], after["email"]) == ("Smith, Zoe", "zoe@example.net")


def test_a_user_is_suspended_and_back(account: Account) -> None:
    """By an event; the state is that of the login."""
    account.ask("PUT", "users/6", user={"event": "suspend"})
    assert account.world.person(6).state is PersonState.SUSPENDED
    assert account.ask("GET", "users/6/logins")[0]["workflow_state"] == "suspended"
    account.ask("PUT", "users/6", user={"event": "unsuspend"})
    assert account.ask("GET", "users/6/logins")[0]["workflow_state"] == "active"


def test_a_login_changes_by_its_own_id(account: Account) -> None:
    """In the root account only."""
    [login] = account.ask("GET", "users/6/logins")
    changed = account.ask("PUT", f"accounts/self/logins/{login['id']}", login={"unique_id": "zoe.new"})
    assert (changed["id"], changed["unique_id"]) == (login["id"], "zoe.new")
    assert account.refusal("PUT", f"accounts/2/logins/{login['id']}", login={"unique_id": "z"})[0] == 404
    status, body = account.refusal("PUT", f"accounts/self/logins/{login['id']}", login={"unique_id": "bjorn"})
    assert (status, body["errors"]["pseudonym"]["unique_id"][0]["type"]) == (400, "taken")


def test_a_deleted_user_is_answered_once_more(account: Account) -> None:
    """Then there is none; a sub-account cannot delete."""
    assert account.refusal("DELETE", "accounts/2/users/6")[0] == 404
    assert account.ask("DELETE", "accounts/self/users/6")["id"] == SHARD + 6
    assert account.refusal("GET", "users/6")[0] == 404
    assert account.refusal("DELETE", "accounts/self/users/6")[0] == 404


# -- searches --------------------------------------------------------------------------------------


@pytest.mark.parametrize("term", ["BJORN", "astrom@example", "Åström"])
def test_users_are_searched_by_name_login_and_address(account: Account, term: str) -> None:
    """A part will do, in any case of letters."""
    found = account.http.get("accounts/self/users", params={"search_term": term}).json()
    assert SHARD + 2 in [one["id"] for one in found]
    assert len(found) < len(account.ask("GET", "accounts/self/users?per_page=100"))


def test_a_term_that_is_an_id_finds_that_user_alone(account: Account) -> None:
    """Whoever has those digits for a login is not found."""
    account.ask("POST", "accounts/self/users", pseudonym={"unique_id": "1000"})
    account.world.add_person(replace(account.world.person(6), id=1000, login="other", email=""))
    found = account.http.get("accounts/self/users", params={"search_term": "1000"}).json()
    assert [(one["id"], one["login_id"]) for one in found] == [(SHARD + 1000, "other")]


@pytest.mark.parametrize("path", ["accounts/self/users", "accounts/self/courses"])
def test_a_term_of_less_than_three_signs_is_refused(account: Account, path: str) -> None:
    """With 400."""
    assert account.refusal("GET", f"{path}?search_term=ab")[0] == 400


def test_courses_are_searched_by_name_and_code(account: Account) -> None:
    """And by nothing else."""
    course = account.world.create_course("Compilers", code="CMP-77")
    for term in ("compil", "cmp-7"):
        found = account.http.get("accounts/self/courses", params={"search_term": term}).json()
        assert [one["id"] for one in found] == [SHARD + course.id]


# -- courses ---------------------------------------------------------------------------------------


def test_a_course_is_made_unpublished_unless_it_is_offered(account: Account) -> None:
    """`offer` stands beside the course."""
    course = {"name": "Compilers", "course_code": "CMP", "public_description": "A-0", "term_id": SHARD + 2}
    made = account.ask("POST", "accounts/self/courses", course=course)
    assert (made["name"], made["course_code"], made["workflow_state"]) == ("Compilers", "CMP", "unpublished")
    assert made["enrollment_term_id"] == SHARD + 2
    offered = account.ask("POST", "accounts/2/courses", course=course, offer=True)
    assert (offered["workflow_state"], offered["account_id"]) == ("available", SHARD + 2)
    assert account.ask("POST", "accounts/self/courses")["name"] == "Unnamed Course"


DATES = {"start_at": "2027-01-01T00:00:00Z", "end_at": "2027-06-30T00:00:00Z"}


def test_dates_of_a_course_are_dropped_without_the_flag(account: Account) -> None:
    """They are kept where enrolments are restricted to them."""
    dropped = account.ask("POST", "accounts/self/courses", course=DATES)
    assert (dropped["start_at"], dropped["end_at"]) == (None, None)
    flag = {"restrict_enrollments_to_course_dates": True}
    kept = account.ask("POST", "accounts/self/courses", course=DATES | flag)
    assert {name: kept[name] for name in DATES} == DATES


def test_the_start_of_a_published_course_needs_no_flag(account: Account) -> None:
    """Its end does."""
    made = account.ask("POST", "accounts/self/courses", offer=True)
    changed = account.ask("PUT", f"courses/{made['id']}", course=DATES)
    assert (changed["start_at"], changed["end_at"]) == (DATES["start_at"], None)


def test_taking_the_flag_away_takes_the_dates_away(account: Account) -> None:
    """Both of them of a course that is not published."""
    flag = {"restrict_enrollments_to_course_dates": True}
    made = account.ask("POST", "accounts/self/courses", course=DATES | flag)
    flag = {"restrict_enrollments_to_course_dates": False}
    changed = account.ask("PUT", f"courses/{made['id']}", course=flag)
    assert (changed["start_at"], changed["end_at"]) == (None, None)


def test_only_what_is_named_of_a_course_changes(account: Account) -> None:
    """An empty description empties it."""
    made = account.ask("POST", "accounts/self/courses", course={"name": "C", "public_description": "D"})
    address = f"courses/{made['id']}?include[]=public_description"
    before = account.ask("GET", address)
    account.ask("PUT", f"courses/{made['id']}", course={"course_code": "X"})
    assert account.ask("GET", address) == before | {"course_code": "X", "sis_course_id": "C-X"}
    account.ask("PUT", f"courses/{made['id']}", course={"public_description": ""})
    assert account.ask("GET", address)["public_description"] is None


@pytest.mark.parametrize(
    ("event", "state"), [("claim", "unpublished"), ("offer", "available"), ("conclude", "completed")]
)
def test_an_event_changes_the_state_of_a_course(account: Account, event: str, state: str) -> None:
    """From whatever it was."""
    assert account.ask("PUT", "courses/101", course={"event": event})["workflow_state"] == state


def test_deleting_a_course_has_to_say_so(account: Account) -> None:
    """Without an event nothing happens; one of the two concludes it only."""
    status, body = account.refusal("DELETE", "courses/101")
    assert (status, body) == (400, {"message": 'Only "delete" and "conclude" events are allowed.'})
    assert account.ask("DELETE", "courses/101?event=conclude") == {"conclude": "true"}
    assert account.world.course(101).state is CourseState.DISABLED
    assert account.ask("DELETE", "courses/101", event="delete") == {"delete": "true"}
    assert account.refusal("GET", "courses/101")[0] == 404


# -- enrolments ------------------------------------------------------------------------------------


@pytest.fixture
def course(account: Account) -> int:
    """A course without anybody in it."""
    return account.world.create_course("Compilers").id


def enrol(account: Account, course: int, **enrollment: Any) -> Any:
    """The answer to an enrolment of person 6 in a course."""
    given = {"user_id": SHARD + 6, **enrollment}
    return account.ask("POST", f"courses/{course}/enrollments", enrollment=given)


def state(account: Account, course: int) -> str:
    """The state of the enrolment of person 6 in a course."""
    number = SHARD + course * 10_000_000 + 6
    return str(account.ask("GET", f"accounts/self/enrollments/{number}")["enrollment_state"])


def test_who_is_enrolled_is_invited_unless_it_says_active(account: Account, course: int) -> None:
    """A student unless it says otherwise; an end is kept."""
    made = enrol(account, course)
    assert (made["enrollment_state"], made["type"], made["end_at"]) == ("invited", "StudentEnrollment", None)
    made = enrol(account, course, enrollment_state="active", end_at="2027-06-30T00:00:00Z")
    assert (made["enrollment_state"], made["end_at"]) == ("active", "2027-06-30T00:00:00Z")


def test_enrolling_somebody_again_is_tolerated(account: Account, course: int) -> None:
    """The answer is the enrolment that is there."""
    first = enrol(account, course, enrollment_state="active")
    assert enrol(account, course, enrollment_state="active")["id"] == first["id"]


@pytest.mark.parametrize(
    ("enrollment", "words"),
    [
        (
            {},
            "Can't create an enrollment without a user. Include enrollment[user_id] to create an enrollment",
        ),
        ({"user_id": "6", "type": "GuestEnrollment"}, "Invalid type"),
    ],
)
def test_a_wrong_enrolment_is_refused_with_a_message(
    account: Account, course: int, enrollment: dict[str, Any], words: str
) -> None:
    """With 400 and a message alone."""
    found = account.refusal("POST", f"courses/{course}/enrollments", enrollment=enrollment)
    assert found == (400, {"message": words})


def test_nobody_is_enrolled_in_a_concluded_course(account: Account, course: int) -> None:
    """With 400 and a message alone."""
    account.ask("PUT", f"courses/{course}", course={"event": "conclude"})
    found = account.refusal("POST", f"courses/{course}/enrollments", enrollment={"user_id": "6"})
    assert found == (400, {"message": "Can't add an enrollment to a concluded course."})


@pytest.mark.parametrize(("course_id", "user_id"), [(4711, "6"), (101, "4711"), (101, "27")])
def test_an_enrolment_needs_a_user_and_a_course_that_there_are(
    account: Account, course_id: int, user_id: str
) -> None:
    """What is not there is answered 404."""
    path = f"courses/{course_id}/enrollments"
    assert account.refusal("POST", path, enrollment={"user_id": user_id})[0] == 404


@pytest.mark.parametrize(
    ("query", "ended"),
    [
        ("", "completed"),
        ("?task=conclude", "completed"),
        ("?task=inactivate", "inactive"),
        ("?task=deactivate", "inactive"),
        ("?task=delete", "deleted"),
    ],
)
def test_an_enrolment_ends_by_its_task(account: Account, course: int, query: str, ended: str) -> None:
    """Without one, it is concluded and not deleted."""
    made = enrol(account, course, enrollment_state="active")
    answer = account.ask("DELETE", f"courses/{course}/enrollments/{made['id']}{query}")
    assert (answer["id"], answer["enrollment_state"]) == (made["id"], ended)
    assert state(account, course) == ended


@pytest.mark.parametrize("task", ["delete", "conclude", "inactivate"])
def test_an_enrolment_that_has_ended_is_brought_back(account: Account, course: int, task: str) -> None:
    """By enrolling once more: it is the same, and active."""
    made = enrol(account, course, enrollment_state="active")
    account.ask("DELETE", f"courses/{course}/enrollments/{made['id']}?task={task}")
    again = enrol(account, course, enrollment_state="active")
    assert (again["id"], again["enrollment_state"]) == (made["id"], "active")
    assert again["created_at"] == made["created_at"]


def test_only_an_inactive_enrolment_is_reactivated(account: Account, course: int) -> None:
    """Any other is refused with a text for an error."""
    made = enrol(account, course, enrollment_state="active")
    path = f"courses/{course}/enrollments/{made['id']}"
    refused = account.refusal("PUT", f"{path}/reactivate")
    assert refused == (400, {"error": "enrollment not inactive"})
    account.ask("DELETE", f"{path}?task=inactivate")
    assert account.ask("PUT", f"{path}/reactivate")["enrollment_state"] == "active"


def test_an_enrolment_is_found_in_its_own_course_only(account: Account, course: int) -> None:
    """Under another course there is none of that number."""
    made = enrol(account, course)
    assert account.refusal("DELETE", f"courses/{OTHER_COURSE}/enrollments/{made['id']}")[0] == 404


# -- rights ----------------------------------------------------------------------------------------

_WRITES = [
    ("POST", "accounts/self/users", "manage_user_logins", "/api/v1/accounts/:account_id/users"),
    ("PUT", "users/6", "manage_user_logins", "/api/v1/users/:id"),
    ("DELETE", "courses/101?event=conclude", "manage_courses_admin", "/api/v1/courses/:id"),
    ("POST", "courses/101/enrollments", "manage_students", "/api/v1/courses/:course_id/enrollments"),
]


@pytest.mark.parametrize(("method", "path", "permission", "template"), _WRITES)
def test_writing_needs_a_right_and_a_scope(method: str, path: str, permission: str, template: str) -> None:
    """A missing permission is a 403, a missing scope of the method a 401 without the realm."""
    for account in start(permissions=PERMISSIONS - {permission}):
        assert account.refusal(method, path)[0] == 403
    for account in start(scopes=frozenset({f"url:GET|{template}"})):
        answer = account.http.request(method, path)
        assert (answer.status_code, "www-authenticate" in answer.headers) == (401, False)
