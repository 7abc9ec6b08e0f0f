"""What the Canvas manifest says, held against the facts of its REST API, over real HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl

import pytest

from mappings import engine
from sources.unified_lms.client import Client
from sources.unified_lms.connection import Connection, Secret
from sources.unified_lms.errors import (
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
MANIFEST = load_manifest("canvas")
TOKEN = {"access_token": Secret("planted-token")}
KEY = {
    "client_id": Secret("210000000000012345"),
    "client_secret": Secret("planted-secret"),
    "refresh_token": Secret("planted-refresh"),
}
BEARER = {"WWW-Authenticate": 'Bearer realm="canvas-lms"'}
UNDER = {"parent": {"id": "378"}, "args": {}}


@pytest.fixture
def canvas(provider: Provider, fake_time: FakeTime) -> Iterator[Connect]:
    """Makes clients of an account."""
    made: list[Client] = []

    def make(credentials: dict[str, Secret] = TOKEN, **settings: Any) -> Client:
        connection = Connection("acme", "canvas", provider.url, credentials, settings)
        made.append(Client(MANIFEST, connection, timing=fake_time.timing))
        return made[-1]

    yield make
    for client in made:
        client.close()


def messages(text: str) -> dict[str, Any]:
    """The usual body of an error."""
    return {"errors": [{"message": text}]}


def test_every_call_has_the_token_and_asks_for_string_ids(provider: Provider, canvas: Connect) -> None:
    """Bearer token and the media type that turns ids into text, under /api/v1."""
    canvas().call("users")
    [asked] = provider.asked
    assert asked.path == "/api/v1/accounts/self/users"
    assert asked.headers["authorization"] == "Bearer planted-token"
    assert asked.headers["accept"] == "application/json+canvas-string-ids"


def test_a_sub_account_is_read_where_the_connection_says_so(provider: Provider, canvas: Connect) -> None:
    """`account` stands in the place of the root account."""
    canvas(account="21070000000000003").call("courses")
    assert provider.asked[0].path == "/api/v1/accounts/21070000000000003/courses"


def test_every_state_of_enrolments_is_asked_for(provider: Provider, canvas: Connect) -> None:
    """Without `state[]` completed and deleted ones would vanish; students only, unless configured."""
    canvas().call("enrollments", UNDER)
    asked = provider.asked[0].query
    assert {value for name, value in asked if name == "state[]"} == {
        "active",
        "invited",
        "creation_pending",
        "completed",
        "inactive",
        "rejected",
        "deleted",
    }
    assert [value for name, value in asked if name == "type[]"] == ["StudentEnrollment"]
    assert "user_id" not in dict(asked)


@pytest.mark.parametrize(
    ("configured", "asked"),
    [(("TaEnrollment", "StudentEnrollment"), ["TaEnrollment", "StudentEnrollment"]), ((), [])],
)
def test_other_types_of_enrolments(
    configured: tuple[str, ...], asked: list[str], provider: Provider, canvas: Connect
) -> None:
    """`enrollment_types` says which; an empty list asks for all."""
    canvas(enrollment_types=configured).call("enrollments", UNDER)
    assert [value for name, value in provider.asked[0].query if name == "type[]"] == asked


def test_courses_in_every_state_but_deleted(provider: Provider, canvas: Connect) -> None:
    """Nothing can be read of a deleted course."""
    canvas().call("courses")
    assert [value for name, value in provider.asked[0].query if name == "state[]"] == [
        "created",
        "claimed",
        "available",
        "completed",
    ]


def test_one_course_is_asked_for_like_the_list(provider: Provider, canvas: Connect) -> None:
    """The same `include[]`, so that a course is the same record both ways."""
    client = canvas()
    client.call("courses")
    client.call("course", {"args": {"id": "378"}})
    listed, single = ([v for n, v in asked.query if n == "include[]"] for asked in provider.asked)
    assert listed == single


def test_pages_follow_the_link_whatever_it_is(provider: Provider, canvas: Connect) -> None:
    """The next page's address is taken as it comes, an empty page with one is no end, and no last page is needed."""
    address = f"{provider.url}/api/v1/accounts/self/users?page=bookmark:W10&per_page=100"
    further = f"{provider.url}/api/v1/accounts/self/users?page=bookmark:WzVd"
    answers = {
        "W10&per_page=100": (200, {"link": f'<{further}>; rel="next"'}, []),
        "WzVd": (200, {"Link": f'<{address}>; rel="first"'}, [{"id": "2"}]),
    }

    def answer(asked: Asked) -> Any:
        first = (200, {"Link": f'<{address}>; rel="next",<{address}>; rel="current"'}, [{"id": "1"}])
        return answers.get(asked.target.partition("bookmark:")[2], first)

    provider.answer = answer
    assert [page.count for page in canvas().pages("users")] == [1, 0, 1]


CATALOG: list[tuple[int, dict[str, str], Any, type[ProviderError], str | None]] = [
    (401, BEARER, messages("Invalid access token."), Unauthorized, "Invalid access token."),
    (401, BEARER, messages("Revoked access token."), Unauthorized, "Revoked access token."),
    (
        401,
        BEARER,
        {"status": "unauthenticated", **messages("user authorization required")},
        Unauthorized,
        "user authorization required",
    ),
    (
        401,
        {},
        messages("Insufficient scopes on access token."),
        Forbidden,
        "Insufficient scopes on access token.",
    ),
    (
        403,
        {},
        {"status": "unauthorized", **messages("user not authorized to perform that action")},
        Forbidden,
        "user not authorized to perform that action",
    ),
    (403, {}, messages("Rate Limit Exceeded is what this message says"), Forbidden, None),
    (
        404,
        {},
        messages("The specified resource does not exist."),
        NotFound,
        "The specified resource does not exist.",
    ),
    (400, {}, {"message": "Invalid type"}, Invalid, "Invalid type"),
    (400, {}, {"error": "enrollment not inactive"}, Invalid, "enrollment not inactive"),
    (400, {}, {"errors": {"pseudonym": {"unique_id": [{"message": "taken"}]}}}, Invalid, None),
    (
        500,
        {},
        {"errors": [{"message": "An error occurred.", "error_code": "internal_server_error"}]},
        Transient,
        "An error occurred.",
    ),
]


@pytest.mark.parametrize(("status", "headers", "body", "kind", "words"), CATALOG)
def test_errors(
    status: int,
    headers: dict[str, str],
    body: Any,
    kind: type[ProviderError],
    words: str | None,
    provider: Provider,
    canvas: Connect,
) -> None:
    """Each shape of an error body, its kind, and the provider's own words."""
    provider.script((status, headers, body))
    with pytest.raises(kind) as raised:
        canvas().call("users")
    assert type(raised.value) is kind
    assert words is None or raised.value.provider_message == words


@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize(
    "words", ["403 Forbidden (Rate Limit Exceeded)\n", "429 Too Many Requests (Rate Limit Exceeded)\n"]
)
def test_throttling_is_waited_out(
    status: int, words: str, provider: Provider, canvas: Connect, fake_time: FakeTime
) -> None:
    """A text with either status and without `Retry-After`: pauses that grow from a second or two."""
    refusal = (status, {"Content-Type": "text/plain", "X-Rate-Limit-Remaining": "0.0"}, words.encode())
    provider.script(refusal, refusal, (200, {}, []))
    canvas().call("users")
    assert len(provider.asked) == 3
    assert fake_time.slept
    assert fake_time.slept[0] >= 1


def test_throttling_without_end_is_given_up(provider: Provider, canvas: Connect) -> None:
    """Five tries in all."""
    provider.script((403, {"Content-Type": "text/plain"}, b"403 Forbidden (Rate Limit Exceeded)\n"))
    with pytest.raises(RateLimited):
        canvas().call("users")
    assert len(provider.asked) == 5


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_course_that_requires_nothing_has_no_progress(
    status: int, provider: Provider, canvas: Connect
) -> None:
    """The error object of bulk progress is no data, whatever its status."""
    words = "no progress available because this course is not module based"
    provider.script((status, {}, {"error": {"message": words}}))
    assert list(canvas().pages("bulk_user_progress", UNDER)) == []


def test_the_calendar_goes_nowhere(provider: Provider, canvas: Connect) -> None:
    """The address of a feed is cut out of every answer."""
    provider.script((200, {}, [{"id": "1", "calendar": {"ics": "https://example.org/feeds/planted.ics"}}]))
    assert canvas().call("courses").text == '[{"id":"1","calendar":{}}]'


def test_without_string_ids_no_digit_is_lost(provider: Provider, canvas: Connect) -> None:
    """Should an answer have numbers after all, neighbours stay apart."""
    provider.script((200, {}, b'[{"id": 21070000000000079}, {"id": 21070000000000080}]'))
    found = engine.compile("id").evaluate_json(canvas().call("users").text)
    assert found == '["21070000000000079","21070000000000080"]'


# -- developer keys --------------------------------------------------------------------------------


class Authority:
    """An account whose access tokens come from its token endpoint, which gives no new refresh token."""

    def __init__(self, provider: Provider) -> None:
        self.issued = 0
        self.expired = False
        self.refusal: Any = None
        self.provider = provider
        provider.answer = self.answer

    def answer(self, asked: Asked) -> Any:
        """What it answers."""
        if asked.path == "/login/oauth2/token":
            self.issued, self.expired = self.issued + 1, False
            token = f"planted-access-{self.issued}"
            return 200, {}, {"access_token": token, "token_type": "Bearer", "expires_in": 3600}
        if self.refusal is not None:
            return self.refusal
        good = (
            not self.expired and asked.headers.get("authorization") == f"Bearer planted-access-{self.issued}"
        )
        return (200, {}, []) if good else (401, BEARER, messages("Expired access token."))

    @property
    def forms(self) -> list[dict[str, str]]:
        """What was sent for each token."""
        return [dict(parse_qsl(one.body)) for one in self.provider.asked if one.path == "/login/oauth2/token"]


def test_a_refresh_token_gets_an_access_token(provider: Provider, canvas: Connect) -> None:
    """Key and refresh token are sent as a form to the account's own token endpoint."""
    authority = Authority(provider)
    canvas(KEY).call("users")
    assert authority.forms == [
        {
            "grant_type": "refresh_token",
            "client_id": "210000000000012345",
            "client_secret": "planted-secret",
            "refresh_token": "planted-refresh",
        }
    ]


def test_an_expired_token_is_renewed_once_by_the_same_refresh_token(
    provider: Provider, canvas: Connect
) -> None:
    """A 401 with the header means a new token; the reply had no refresh token, and the old one stays good."""
    authority = Authority(provider)
    client = canvas(KEY)
    client.call("users")
    authority.expired = True
    client.call("users")
    assert [form["refresh_token"] for form in authority.forms] == ["planted-refresh"] * 2


def test_a_missing_scope_is_no_reason_for_a_new_token(provider: Provider, canvas: Connect) -> None:
    """A 401 without the header is a missing permission: nothing is renewed, nothing repeated."""
    authority = Authority(provider)
    client = canvas(KEY)
    client.call("users")
    authority.refusal = (401, {}, messages("Insufficient scopes on access token."))
    with pytest.raises(Forbidden, match="scope"):
        client.call("courses")
    assert (len(authority.forms), len(provider.asked)) == (1, 3)


def test_the_developer_key_goes_before_an_access_token(provider: Provider, canvas: Connect) -> None:
    """Where a connection has both, the token that can be renewed is used."""
    authority = Authority(provider)
    canvas({**TOKEN, **KEY}).call("users")
    assert len(authority.forms) == 1
