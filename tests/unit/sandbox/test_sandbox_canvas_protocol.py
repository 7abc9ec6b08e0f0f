"""How the Canvas sandbox is asked: tokens, string ids, pages, throttling, permissions and scopes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from sources.unified_lms.sandbox import Faults, SandboxServer, World
from sources.unified_lms.sandbox.dialects.canvas_options import PERMISSIONS

MakeCanvas = Callable[..., "Canvas"]
TEXT_IDS = {"Accept": "application/json+canvas-string-ids"}
REALM = 'Bearer realm="canvas-lms"'


class Canvas:
    """A client of one Canvas sandbox that knows its access token."""

    def __init__(self, server: SandboxServer) -> None:
        """Asks under `/api/v1/`."""
        self.server = server
        token = server.credentials.get("access_token", "")
        self.http = httpx.Client(
            base_url=f"{server.base_url}/api/v1/",
            headers={"Authorization": f"Bearer {token}"},
            trust_env=False,
        )

    def get(self, path: str, **headers: str) -> httpx.Response:
        """The answer, whatever its status."""
        return self.http.get(path, headers=headers)

    def all(self, path: str) -> list[list[Any]]:
        """The pages of a list, by the links between them."""
        pages, address = [], path
        while address:
            answer = self.get(address)
            assert answer.status_code == 200, answer.text
            pages.append(answer.json())
            address = answer.links.get("next", {}).get("url", "")
        return pages

    def token(self, **form: str) -> httpx.Response:
        """The answer of the token endpoint."""
        return httpx.post(f"{self.server.base_url}/login/oauth2/token", data=form, trust_env=False)


@pytest.fixture
def make_canvas() -> Iterator[MakeCanvas]:
    """A function that starts a Canvas: (world, faults, options of the dialect)."""
    with ExitStack() as stack:

        def make(world: World | None = None, faults: Faults | None = None, **options: Any) -> Canvas:
            running = Canvas(stack.enter_context(SandboxServer(world, "canvas", faults, **options)))
            stack.enter_context(running.http)
            return running

        yield make


@pytest.fixture(scope="module")
def canvas() -> Iterator[Canvas]:
    """A Canvas over the core world, for reading only."""
    with SandboxServer(World(), "canvas", request_cost=0.0) as server:
        running = Canvas(server)
        with running.http:
            yield running


# -- who asks --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("Bearer wrong", "Invalid access token."),
        ("Basic sandbox-access-token", "user authorization required"),
        ("", "user authorization required"),
    ],
)
def test_a_wrong_token_is_answered_with_the_realm(canvas: Canvas, header: str, words: str) -> None:
    """401, the message, and the header that speaks of the token."""
    answer = canvas.get("users/self", Authorization=header)
    assert (answer.status_code, answer.json()["errors"][0]["message"]) == (401, words)
    assert answer.headers["www-authenticate"] == REALM


def test_a_refresh_token_brings_an_access_token_and_no_other(make_canvas: MakeCanvas) -> None:
    """The reply of the token endpoint is without a refresh token, and its access token is good."""
    canvas = make_canvas(oauth=True)
    form = {**canvas.server.credentials, "grant_type": "refresh_token"}
    issued = canvas.token(**form).json()
    assert issued.keys() == {"access_token", "token_type", "user", "expires_in"}
    bearer = f"Bearer {issued['access_token']}"
    assert canvas.get("users/self", Authorization=bearer).status_code == 200
    assert canvas.get("users/self", Authorization="Bearer sandbox-access-token").status_code == 401


@pytest.mark.parametrize("wrong", ["client_id", "client_secret", "refresh_token", "grant_type"])
def test_a_wrong_part_brings_no_token(make_canvas: MakeCanvas, wrong: str) -> None:
    """Key, secret, token and grant all have to be right."""
    canvas = make_canvas(oauth=True)
    form = {**canvas.server.credentials, "grant_type": "refresh_token", wrong: "other"}
    answer = canvas.token(**form)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_an_issued_token_expires(make_canvas: MakeCanvas) -> None:
    """After so many calls it is refused as expired, with the realm."""
    canvas = make_canvas(oauth=True, token_calls=1)
    form = {**canvas.server.credentials, "grant_type": "refresh_token"}
    bearer = f"Bearer {canvas.token(**form).json()['access_token']}"
    assert canvas.get("users/self", Authorization=bearer).status_code == 200
    answer = canvas.get("users/self", Authorization=bearer)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, REALM)
    assert answer.json() == {"errors": [{"message": "Expired access token."}]}


def test_a_scope_that_is_missing_is_answered_without_the_realm(make_canvas: MakeCanvas) -> None:
    """401 all the same, and only the header tells the two apart."""
    canvas = make_canvas(scopes=frozenset({"url:GET|/api/v1/users/:id"}))
    assert canvas.get("users/self").status_code == 200
    answer = canvas.get("accounts/self/users")
    assert (answer.status_code, answer.json()) == (
        401,
        {"errors": [{"message": "Insufficient scopes on access token."}]},
    )
    assert "www-authenticate" not in answer.headers


@pytest.mark.parametrize(
    ("permission", "path"),
    [
        ("read_roster", "accounts/self/users"),
        ("read_roster", "courses/101/enrollments"),
        ("read_course_list", "accounts/self/courses"),
        ("read_course_content", "courses/101/modules"),
        ("view_all_grades", "courses/101/bulk_user_progress"),
        ("view_user_logins", "users/6/logins"),
        ("manage_account_memberships", "accounts/self/admins"),
    ],
)
def test_a_permission_that_is_missing(make_canvas: MakeCanvas, permission: str, path: str) -> None:
    """403 with an object."""
    answer = make_canvas(permissions=PERMISSIONS - {permission}).get(path)
    assert (answer.status_code, answer.json()) == (
        403,
        {
            "status": "unauthorized",
            "errors": [{"message": "user not authorized to perform that action"}],
        },
    )


@pytest.mark.parametrize(
    "path",
    [
        "users/27",
        "users/4711",
        "users/abc",
        "courses/4711",
        "courses/101/modules/4711/items",
        "accounts/2/users",
        "accounts/self/enrollments/5",
        "nonsense",
        "users/99990000000000006",
    ],
)
def test_what_is_not_there(canvas: Canvas, path: str) -> None:
    """Unknown, deleted, of another shard, or no address at all: 404 and the one message."""
    answer = canvas.get(path)
    assert (answer.status_code, answer.json()) == (
        404,
        {"errors": [{"message": "The specified resource does not exist."}]},
    )


# -- how much --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "text"),
    [(403, "403 Forbidden (Rate Limit Exceeded)\n"), (429, "429 Too Many Requests (Rate Limit Exceeded)\n")],
)
def test_a_full_bucket_is_told_in_text(make_canvas: MakeCanvas, status: int, text: str) -> None:
    """Plain text, nothing remaining, and no word of when to come again."""
    canvas = make_canvas(bucket=1.0, request_cost=1.0, outflow=1.0, clock=lambda: 0.0, throttle_status=status)
    assert canvas.get("users/self").status_code == 200
    answer = canvas.get("users/self")
    assert (answer.status_code, answer.text) == (status, text)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-rate-limit-remaining"] == "0.0"
    assert "retry-after" not in answer.headers


def test_the_bucket_empties(make_canvas: MakeCanvas) -> None:
    """By so much a second."""
    now = [0.0]
    canvas = make_canvas(bucket=1.0, request_cost=1.0, outflow=0.5, clock=lambda: now[0])
    assert canvas.get("users/self").headers["x-rate-limit-remaining"] == "0.0"
    assert canvas.get("users/self").status_code == 429
    now[0] = 1.0
    assert canvas.get("users/self").status_code == 200


def test_costs_stand_in_the_headers(make_canvas: MakeCanvas) -> None:
    """What the request cost, and what is left."""
    answer = make_canvas(bucket=600.0, request_cost=0.25, clock=lambda: 0.0).get("users/self")
    assert answer.headers["x-request-cost"] == "0.25"
    assert answer.headers["x-rate-limit-remaining"] == "599.75"


# -- ids and pages ---------------------------------------------------------------------------------


def test_ids_are_numbers_unless_texts_are_asked_for(canvas: Canvas) -> None:
    """Beyond 2^53, which only text survives everywhere; `*_id` and `*_ids` as well."""
    assert canvas.get("courses/101").json()["id"] == 21070000000000101 > 2**53
    course = canvas.get("courses/101", **TEXT_IDS).json()
    assert (course["id"], course["account_id"]) == ("21070000000000101", "21070000000000001")
    enrollment = canvas.get("courses/101/enrollments", **TEXT_IDS).json()[0]
    assert isinstance(enrollment["user"]["id"], str)
    assert enrollment["associated_user_id"] is None


def test_an_id_may_be_given_without_its_shard(canvas: Canvas) -> None:
    """The local number means the same course."""
    assert canvas.get("courses/101").json() == canvas.get("courses/21070000000000101").json()


def test_ten_records_by_default_and_never_more_than_the_maximum(make_canvas: MakeCanvas) -> None:
    """`per_page` counts up to a limit."""
    canvas = make_canvas(max_per_page=12)
    sizes = [
        len(canvas.get(f"accounts/self/users{query}").json()) for query in ("", "?per_page=5", "?per_page=99")
    ]
    assert sizes == [10, 5, 12]


@pytest.mark.parametrize("path", ["accounts/self/users", "accounts/self/courses", "courses/101/enrollments"])
def test_links_lead_through_the_whole_list(canvas: Canvas, path: str) -> None:
    """Each record once, and the same as on one page; no link has a token."""
    pages = canvas.all(f"{path}?per_page=4&access_token=planted")
    whole = canvas.get(f"{path}?per_page=100")
    assert [record for page in pages for record in page] == whole.json()
    assert "next" not in whole.links
    assert "planted" not in canvas.get(f"{path}?per_page=4&access_token=planted").headers["link"]


def test_bookmarks_are_opaque(canvas: Canvas) -> None:
    """Users and enrolments have no page numbers."""
    following = canvas.get("accounts/self/users").links["next"]["url"]
    assert "page=bookmark" in following
    assert "page=2" in canvas.get("accounts/self/courses?per_page=5").links["next"]["url"]


def test_an_empty_page_may_have_a_next_one(make_canvas: MakeCanvas) -> None:
    """Once in each list with bookmarks, where the option says so."""
    pages = make_canvas(empty_pages=True).all("accounts/self/users?per_page=10")
    assert [len(page) for page in pages] == [10, 0, 10, 6]
