"""How the TalentLMS portal is asked: key, arguments in the path, pages, errors and limits."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from sources.unified_lms.sandbox import World
from tests.unit.sandbox.conftest import MakePortal, Portal

NO_KEY = {"error": {"type": "invalid_request_error", "message": "The API key is not valid"}}


@pytest.mark.parametrize(
    "auth",
    [None, ("wrong", ""), ("sandbox-api-key", "with a password"), ("", "sandbox-api-key")],
)
def test_only_the_key_as_user_name_with_no_password_is_let_in(
    portal: Portal, auth: tuple[str, str] | None
) -> None:
    """Anything but basic auth with the key and an empty password is answered 401."""
    answer = httpx.get(f"{portal.server.base_url}/api/v1/users", auth=auth, trust_env=False)
    assert (answer.status_code, answer.json()) == (401, NO_KEY)


@pytest.mark.parametrize("header", ["Bearer sandbox-api-key", "Basic !!!", "Basic", "Basic /w=="])
def test_a_malformed_header_is_refused(portal: Portal, header: str) -> None:
    """Other schemes, and what is not base64 of text, are answered 401 and not 500."""
    headers = {"Authorization": header}
    answer = httpx.get(f"{portal.server.base_url}/api/v1/users", headers=headers, trust_env=False)
    assert answer.status_code == 401


def test_the_api_may_be_switched_off(make_portal: MakePortal) -> None:
    """A portal whose API is not enabled answers 403."""
    assert make_portal(api_enabled=False).error("users")[0] == 403


@pytest.mark.parametrize(
    "path",
    [
        "users/username:odd%3Alogin%2Cwith%20100%25",
        "users/email:Mixed.Case%2BLMS@Example.ORG",
        "users/email:mixed.case%2Blms%40example.org",
        "Users/id:17",
        "users/id:17/",
    ],
)
def test_arguments_are_read_from_the_path(portal: Portal, path: str) -> None:
    """Percent-encoded values may hold the separators; method names are taken in any case of letters."""
    assert portal.json(path)["id"] == "17"


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("users/id:27", 404, "The requested user is no longer available"),
        ("users/id:4711", 404, "The requested user does not exist"),
        ("users/email:nobody@example.org", 404, "The requested user does not exist"),
        ("users/username:nobody", 404, "The requested user does not exist"),
        ("courses/id:4711", 404, "The requested course does not exist"),
        ("categories/id:4711", 404, "The requested category does not exist"),
        ("branches/id:4711", 404, "The requested branch does not exist"),
        ("groups/id:4711", 404, "The requested group does not exist"),
        (
            "getuserstatusincourse/course_id:101,user_id:26",
            400,
            "The requested user is not enrolled in this course",
        ),
        ("getuserstatusincourse/course_id:101,user_id:4711", 404, "The requested user does not exist"),
        ("getuserstatusincourse/course_id:101", 400, "Invalid arguments provided"),
        ("users/id:six", 400, "Invalid arguments provided"),
        ("users/id:", 400, "Invalid arguments provided"),
        ("users/6", 400, "Invalid arguments provided"),
        ("users/colour:red", 400, "Invalid arguments provided"),
        ("users/page_size:0", 400, "Invalid arguments provided"),
        ("users/page_number:2,page_size:x", 400, "Invalid arguments provided"),
        ("nosuchmethod", 404, "The requested API action does not exist"),
        ("", 404, "The requested API action does not exist"),
    ],
)
def test_an_error_has_its_message(portal: Portal, path: str, status: int, message: str) -> None:
    """Errors are told by the message that the provider is known to use."""
    assert portal.error(path) == (status, "invalid_request_error", message)


def test_a_path_beside_the_api_is_an_error_too(portal: Portal) -> None:
    """Outside of `/api/v1/` there is nothing."""
    answer = portal.http.get(f"{portal.server.base_url}/api/v2/users")
    assert answer.json()["error"]["message"] == "The requested API action does not exist"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_reads_are_get_requests(portal: Portal, method: str) -> None:
    """Another verb does not find the method."""
    assert portal.http.request(method, "users").status_code == 404


def test_pages_cover_the_list_once_and_end_with_an_empty_one(portal: Portal) -> None:
    """`page_size` and `page_number` from 1 cut the list; past its end there is an empty list and no error."""
    pages = [portal.json(f"users/page_size:10,page_number:{number}") for number in (1, 2, 3, 4)]
    assert [len(page) for page in pages] == [10, 10, 6, 0]
    assert [one["id"] for page in pages for one in page] == [one["id"] for one in portal.json("users")]


def test_a_page_size_alone_means_the_first_page(portal: Portal) -> None:
    """Without a page number the first page is given."""
    assert [one["id"] for one in portal.json("courses/page_size:2")] == ["101", "102"]


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        """Starts at a fixed instant, 2020-08-23T05:00:00Z."""
        self.now = 1598158800.0

    def __call__(self) -> float:
        """The time."""
        return self.now


@pytest.fixture
def clock() -> Iterator[Clock]:
    """A fresh clock."""
    return Clock()  # type: ignore[return-value]


def test_the_rate_limit_tells_what_is_left(make_portal: MakePortal, clock: Clock) -> None:
    """Limit and reset are text, what is left is a number, and the question itself is counted."""
    portal = make_portal(calls_per_hour=100, clock=clock)
    portal.json("siteinfo")
    assert portal.json("ratelimit") == {
        "limit": "100",
        "remaining": 98,
        "reset": "1598162400",
        "formatted_reset": "23/08/2020, 07:00",
    }


@pytest.mark.parametrize("status", [429, 403])
def test_over_the_hourly_limit_calls_are_refused_until_the_hour_is_over(
    make_portal: MakePortal, clock: Clock, status: int
) -> None:
    """The answer over the limit is 429 or 403, as set; an hour after the first call all is well again."""
    portal = make_portal(calls_per_hour=2, over_limit_status=status, clock=clock)
    assert [portal.get("siteinfo").status_code for _ in range(3)] == [200, 200, status]
    clock.now += 3599
    assert portal.error("siteinfo") == (status, "invalid_request_error", "API rate limit exceeded")
    clock.now += 1
    assert portal.get("siteinfo").status_code == 200


def test_the_burst_limit_is_counted_apart(make_portal: MakePortal, clock: Clock) -> None:
    """So many calls in five seconds and no more, whatever the hour allows; refused calls are not counted."""
    portal = make_portal(calls_per_burst=3, clock=clock)
    assert [portal.get("siteinfo").status_code for _ in range(4)] == [200, 200, 200, 429]
    clock.now += 5
    assert portal.json("ratelimit")["remaining"] == 10_000 - 4


def test_bad_credentials_do_not_use_the_limit_up(make_portal: MakePortal, clock: Clock) -> None:
    """Only who has the key can use the limit up."""
    portal = make_portal(calls_per_hour=1, clock=clock)
    httpx.get(f"{portal.server.base_url}/api/v1/siteinfo", trust_env=False)
    assert portal.get("siteinfo").status_code == 200


def test_what_is_deleted_is_no_longer_listed(make_portal: MakePortal) -> None:
    """Deleted users vanish from the list and from the users of their courses."""
    world = World()
    portal = make_portal(world)
    world.delete_person(24)
    assert "24" not in [one["id"] for one in portal.json("users")]
    assert "24" not in [one["id"] for one in portal.json("courses/id:101")["users"]]
    assert portal.error("users/id:24")[2] == "The requested user is no longer available"
