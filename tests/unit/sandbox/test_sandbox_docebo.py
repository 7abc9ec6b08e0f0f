"""How the Docebo portal is asked and what it answers: tokens, envelopes, pages, names, errors, limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from sources.unified_lms.sandbox import SandboxServer, World


class Portal:
    """A client of one Docebo sandbox that gets itself a token."""

    def __init__(self, server: SandboxServer) -> None:
        self.server = server
        self.http = httpx.Client(base_url=server.base_url, trust_env=False)

    def ask_token(self, **fields: str) -> httpx.Response:
        """The answer to a request for a token, by the app's credentials unless others are given."""
        app = {"client_id": "sandbox-client", "client_secret": "sandbox-client-secret"}
        return self.http.post("/oauth2/token", data={"grant_type": "client_credentials"} | app | fields)

    def get(self, path: str, token: str | None = None, **query: Any) -> httpx.Response:
        """The answer, whatever its status."""
        bearer = token or self.ask_token().json()["access_token"]
        return self.http.get(path, params=query, headers={"Authorization": f"Bearer {bearer}"})

    def data(self, path: str, **query: Any) -> Any:
        """`data` of an answer that must be a good one."""
        answer = self.get(path, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]


MakePortal = Callable[..., Portal]


@pytest.fixture
def make_portal() -> Iterator[MakePortal]:
    """A function that starts a portal with options of the dialect."""
    with ExitStack() as stack:

        def make(world: World | None = None, **options: Any) -> Portal:
            running = Portal(stack.enter_context(SandboxServer(world, "docebo", **options)))
            stack.enter_context(running.http)
            return running

        yield make


@pytest.fixture(scope="module")
def portal() -> Iterator[Portal]:
    """A portal over the core world, for reading only."""
    with SandboxServer(World(), "docebo", calls_per_hour=10**6) as server:
        running = Portal(server)
        with running.http:
            yield running


# -- tokens ----------------------------------------------------------------------------------------


def test_a_token_by_client_credentials(portal: Portal) -> None:
    """The answer has the token, its life in seconds, and no refresh token (RFC 6749, 4.4.3)."""
    found = portal.ask_token().json()
    assert found.keys() == {"access_token", "expires_in", "token_type", "scope"}
    assert (found["expires_in"], found["token_type"]) == (3600, "Bearer")


def test_a_token_asked_for_in_json(portal: Portal) -> None:
    """A JSON body is taken as well as a form."""
    fields = {"grant_type": "client_credentials"} | portal.server.credentials
    assert portal.http.post("/oauth2/token", json=fields).status_code == 200


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"grant_type": "implicit"}, "unsupported_grant_type"),
        ({"grant_type": "password", "username": "api.reader", "password": "wrong"}, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "wrong"}, "invalid_grant"),
    ],
)
def test_a_token_that_is_refused(portal: Portal, fields: dict[str, str], error: str) -> None:
    """Wrong credentials of each kind are answered 400 with the name of the error (RFC 6749, 5.2)."""
    answer = portal.ask_token(**fields)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


@pytest.mark.parametrize("rotates", [False, True])
def test_refresh_tokens(make_portal: MakePortal, rotates: bool) -> None:
    """One that stays is not repeated in the answer; one that rotates is good once and brings the next."""
    portal = make_portal(rotates_refresh_tokens=rotates)
    first = portal.ask_token(grant_type="password", username="api.reader", password="sandbox-password").json()
    second = portal.ask_token(grant_type="refresh_token", refresh_token=first["refresh_token"])
    again = portal.ask_token(grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert ("refresh_token" in second.json()) is rotates
    assert again.status_code == (400 if rotates else 200)


@pytest.mark.parametrize("header", ["", "Bearer wrong", "Basic abc", "bearer"])
def test_without_a_good_token_nothing_is_told(portal: Portal, header: str) -> None:
    """Anything but a token that was given is answered 401, in the shape of the portal's errors."""
    answer = portal.http.get("/manage/v1/user", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.json().keys() == {"name", "message", "code", "status"}


def test_a_token_ends(make_portal: MakePortal) -> None:
    """After its life it is refused; what it was used for does not matter."""
    now = [0.0]
    portal = make_portal(token_seconds=60, clock=lambda: now[0])
    token = portal.ask_token().json()["access_token"]
    found = []
    for second in (0.0, 59.0, 60.0):
        now[0] = second
        found.append(portal.get("/manage/v1/user", token).status_code)
    assert found == [200, 200, 401]


@pytest.mark.parametrize(
    ("grant", "more"),
    [
        ("client_credentials", set()),
        ("password", {"username", "password"}),
        ("refresh_token", {"refresh_token"}),
    ],
)
def test_the_connection_gets_what_the_grant_needs(
    make_portal: MakePortal, grant: str, more: set[str]
) -> None:
    """The credentials of the sandbox are those of one grant."""
    assert set(make_portal(grant=grant).server.credentials) == {"client_id", "client_secret"} | more


# -- lists -----------------------------------------------------------------------------------------


def test_an_envelope(portal: Portal) -> None:
    """A list stands in data.items, with where one is; totals only where they are asked for."""
    answer = portal.get("/manage/v1/user", page=2, page_size=10)
    body = answer.json()
    assert body.keys() == {"data", "version", "extra_data", "_links"}
    assert {key: value for key, value in body["data"].items() if key != "items"} == {
        "count": 10,
        "has_more_data": True,
        "current_page": 2,
        "current_page_size": 10,
    }
    counted = portal.data("/manage/v1/user", page_size=1, get_total_count=1)
    assert (counted["total_count"], counted["total_page_count"]) == (26, 26)
    assert "x-docebo-api-version" in answer.headers


@pytest.mark.parametrize(
    ("path", "usual"),
    [("/manage/v1/user", 26), ("/learn/v1/courses", 9), ("/learn/v1/enrollments", 20)],
)
def test_pages_have_a_usual_size(portal: Portal, path: str, usual: int) -> None:
    """200 users and 20 of other things, of which the world has 26 users and 9 courses."""
    assert len(portal.data(path)["items"]) == usual


def test_pages_cover_a_list_once(portal: Portal) -> None:
    """Page after page gives the whole list; beyond it there is an empty page and no error."""
    pages = [portal.data("/manage/v1/user", page=number, page_size=10) for number in (1, 2, 3, 4)]
    assert [page["has_more_data"] for page in pages] == [True, True, False, False]
    ids = [item["user_id"] for page in pages for item in page["items"]]
    assert ids == [item["user_id"] for item in portal.data("/manage/v1/user")["items"]]


def test_page_nought_is_the_first(portal: Portal) -> None:
    """A client that counts from 0 gets the first page twice."""
    first, second = (portal.data("/learn/v1/courses", page=number, page_size=4) for number in (0, 1))
    assert first == second


@pytest.mark.parametrize("size", ["x", "-1"])
def test_a_size_that_is_none_is_refused(portal: Portal, size: str) -> None:
    """Anything but digits is answered 400."""
    assert portal.get("/manage/v1/user", page_size=size).status_code == 400


def test_no_page_is_larger_than_allowed(make_portal: MakePortal) -> None:
    """However much is asked for, 200 is what a page holds."""
    portal = make_portal(World.generate(people=250))
    assert len(portal.data("/manage/v1/user", page_size=1000)["items"]) == 200


# -- names and shapes ------------------------------------------------------------------------------


def test_a_user_has_other_names_in_the_list_than_alone(portal: Portal) -> None:
    """`status` and `valid`, `expiration_date` and `expiration`; ids are text in the list and a number alone."""
    [listed] = [item for item in portal.data("/manage/v1/user")["items"] if item["user_id"] == "20"]
    alone = portal.data("/manage/v1/user/20")
    assert (listed["status"], listed["expiration_date"]) == ("1", "2026-06-30 21:59:00")
    assert alone.keys() == {"user_data", "additional_fields"}
    assert (alone["user_data"]["user_id"], alone["user_data"]["valid"]) == (20, 1)
    assert alone["user_data"]["expiration"] == "2026-06-30 21:59:00"
    assert not alone["user_data"].keys() & {"status", "creation_date", "last_update", "fullname"}


def test_dates_are_naive_and_may_be_zeros(portal: Portal) -> None:
    """UTC without a zone; nothing is a row of zeros in some fields and null in others."""
    first = portal.data("/manage/v1/user")["items"][0]
    assert (first["creation_date"], first["expiration_date"]) == (
        "2019-01-07 08:00:00",
        "0000-00-00 00:00:00",
    )
    assert first["last_access_date"] is None


def test_a_dropdown_has_its_label_in_the_list_and_its_number_alone(portal: Portal) -> None:
    """The option's number is to be looked up among the options."""
    listed = portal.data("/manage/v1/user")["items"][0]
    [team] = [one for one in portal.data("/manage/v1/user/1")["additional_fields"] if one["id"] == 3]
    assert listed["field_3"] == "R&D"
    assert (team["value"], team["options"][2]) == (3, {"id": 3, "label": "R&D"})


def test_a_course_has_three_shapes(portal: Portal) -> None:
    """Id, title and type are called otherwise in the older list, in the newer one and alone."""
    older = portal.data("/learn/v1/courses")["items"][0]
    newer = portal.data("/course/v1/courses")["items"][0]
    alone = portal.data("/learn/v1/courses/101")
    assert older["id_course"] == newer["id"] == alone["id"] == 101
    assert older["name"] == newer["title"] == alone["name"]
    assert older["course_type"] == newer["type"] == alone["type"] == "elearning"
    assert alone["deeplink"].startswith("hash=SECRET-")


def test_a_course_without_a_category_has_an_empty_list(portal: Portal) -> None:
    """PHP writes an empty object as a list."""
    by_id = {item["id_course"]: item for item in portal.data("/learn/v1/courses")["items"]}
    assert by_id[105]["category"] == []
    assert by_id[101]["category"] == {"id": 2, "name": "Health & safety"}


def test_the_tree_is_as_deep_as_the_world(portal: Portal) -> None:
    """Folders hold folders; they have no type, and what is none has no children."""
    [outer, _] = portal.data("/learn/v1/courses/107")["tree"]
    inner = outer["children"][2]
    assert (outer["is_folder"], inner["is_folder"], inner["level"]) == (True, True, 2)
    assert [child["type"] for child in inner["children"]] == ["file", "htmlpage"]
    assert "type" not in inner
    assert inner["children"][0]["children"] == []


def test_learning_plans_stand_among_the_enrolments(portal: Portal) -> None:
    """In the older list only; the plan's number is a course's as well."""
    items = portal.data("/learn/v1/enrollments", page_size=200)["items"]
    plans = [item for item in items if item["type"] == "learning_plan"]
    assert {plan["id"] for plan in plans} == {101}
    assert len(items) - len(plans) == 26
    assert not [item for item in portal.data("/course/v1/courses/101/enrollments")["items"] if "type" in item]


def test_the_newer_lists_of_enrolments_are_one(portal: Portal) -> None:
    """By course in the path, or all of them with filters; time only where it is asked for."""
    by_path = portal.data("/course/v1/courses/101/enrollments")["items"]
    by_filter = portal.data("/course/v1/courses/enrollments", **{"course_id[]": 101})["items"]
    [one] = portal.data("/course/v1/courses/enrollments", **{"course_id[]": 101, "user_id[]": 6})["items"]
    timed = portal.data("/course/v1/courses/101/enrollments", **{"extra_fields[]": "enrollment_time_spent"})

    def keyed(items: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
        return {item["user_id"]: item for item in items}

    assert keyed(by_path) == keyed(by_filter)
    assert one == keyed(by_path)[6]
    assert "enrollment_time_spent" not in one
    assert keyed(timed["items"])[6]["enrollment_time_spent"] == 197


# -- errors and limits -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    ["/manage/v1/user/27", "/learn/v1/courses/4711", "/course/v1/courses/4711/enrollments", "/nowhere", "/"],
)
def test_what_is_not_there_is_not_found(portal: Portal, path: str) -> None:
    """Deleted people, unknown courses and unknown addresses are answered 404."""
    answer = portal.get(path)
    assert (answer.status_code, answer.json()["message"]) == (404, ["Not found"])


def test_a_verb_that_an_address_does_not_have(portal: Portal) -> None:
    """It is refused."""
    token = portal.ask_token().json()["access_token"]
    answer = portal.http.patch("/manage/v1/user", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 405


@pytest.mark.parametrize("status", [429, 503])
def test_over_the_hourly_limit(make_portal: MakePortal, status: int) -> None:
    """Calls beyond the limit are refused until the hour is over; tokens are not counted."""
    now = [0.0]
    portal = make_portal(calls_per_hour=2, over_limit_status=status, clock=lambda: now[0])
    assert [portal.get("/manage/v1/user").status_code for _ in range(3)] == [200, 200, status]
    now[0] = 3600.0
    assert portal.get("/manage/v1/user").status_code == 200


def test_what_is_deleted_is_no_longer_listed(make_portal: MakePortal) -> None:
    """Deleted users vanish from their list and from those of enrolments."""
    world = World()
    portal = make_portal(world)
    world.delete_person(24)
    assert "24" not in [item["user_id"] for item in portal.data("/manage/v1/user")["items"]]
    enrolled = portal.data("/course/v1/courses/101/enrollments")["items"]
    assert 24 not in [item["user_id"] for item in enrolled]
