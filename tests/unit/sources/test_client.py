"""The client against a real HTTP server: what it sends, what it makes of the answers, when it tries again."""

from __future__ import annotations

import base64
import email.utils
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from sources.unified_lms.client import Client
from sources.unified_lms.errors import (
    BudgetExhausted,
    ClientClosed,
    Invalid,
    NothingSent,
    RateLimited,
    Transient,
)
from sources.unified_lms.limits import Timing
from sources.unified_lms.templates import TemplateError
from tests.unit.sources.conftest import CUT, SECRET, FakeTime, Provider

Connect = Callable[..., Client]
PLAIN = "endpoints: {users: {path: /users}}"
WRITE = "endpoints: {users: {path: /users}, write: {method: POST, path: /write, json: {a: 1}}}"


def test_header_auth_and_the_api_path_arrive(provider: Provider, connect: Connect) -> None:
    """A request goes to base URL, API path and endpoint, with the manifest's headers and the credential."""
    client = connect("api: {path: /api/v9, headers: {Accept: application/x}}\n" + PLAIN)
    answer = client.call("users")
    asked = provider.asked[0]
    assert (asked.path, asked.headers["accept"], asked.headers["x-api-key"]) == (
        "/api/v9/users",
        "application/x",
        SECRET,
    )
    assert (answer.status, answer.text, answer.url) == (200, "[]", provider.url + "/api/v9/users")


def test_basic_auth_with_an_empty_password(provider: Provider, connect: Connect) -> None:
    """TalentLMS's form of basic authentication: the key as user and no password (RFC 7617)."""
    client = connect('auth: [{type: basic, username: "{credentials.key}"}]\n' + PLAIN)
    client.call("users")
    assert (
        provider.asked[0].headers["authorization"]
        == "Basic " + base64.b64encode(f"{SECRET}:".encode()).decode()
    )


def test_query_auth_is_added_and_masked(provider: Provider, connect: Connect) -> None:
    """A credential in the query is sent, and is not in the answer's address."""
    client = connect('auth: [{type: query, name: token, value: "{credentials.key}"}]\n' + PLAIN)
    answer = client.call("users")
    assert provider.asked[0].query == [("token", SECRET)]
    assert SECRET not in answer.url


def test_what_goes_with_every_request(provider: Provider, connect: Connect) -> None:
    """`api.query` and `api.form` are added, the form to what sends one; an endpoint's own value goes before."""
    client = connect(
        """
api: {query: {source: app, format: json}, form: {raw: 1}}
endpoints:
  users: {path: /users, query: {format: xml}}
  find: {method: POST, path: /find, form: {name: a}}
"""
    )
    client.call("users")
    client.call("find")
    asked = [(each.target, each.body) for each in provider.asked]
    assert asked == [("/users?source=app&format=xml", ""), ("/find?source=app&format=json", "raw=1&name=a")]


def test_path_values_are_percent_encoded_but_for_at(provider: Provider, connect: Connect) -> None:
    """A value in the path cannot change the address; `@` stays, as TalentLMS wants it."""
    client = connect(
        """
endpoints: {users: {path: /users}, user: {path: "/users/email:{args.id}"}}
resources: {users: {read: [{endpoint: users}], get: {endpoint: user}}}
"""
    )
    client.call("user", {"args": {"id": "a b/c?d,e:f@example.org"}})
    assert provider.asked[0].target == "/users/email:a%20b%2Fc%3Fd%2Ce%3Af@example.org"


@pytest.mark.parametrize("value", [".", ".."])
def test_a_path_value_cannot_climb(value: str, provider: Provider, connect: Connect) -> None:
    """A value that HTTP takes for a step in the path is refused before anything is sent."""
    client = connect(
        """
endpoints: {users: {path: /users}, user: {path: "/users/{args.id}/x"}}
resources: {users: {read: [{endpoint: users}], get: {endpoint: user}}}
"""
    )
    with pytest.raises(TemplateError, match="cannot stand in an address"):
        client.call("user", {"args": {"id": value}})
    assert provider.asked == []


def test_query_values(provider: Provider, connect: Connect) -> None:
    """Lists repeat their key, booleans are lower case, and a parameter whose placeholder is null is left out."""
    client = connect(
        """
endpoints: {users: {path: /users, query: {"include[]": [email, a b], active: true, since: "{parent.id}"}}}
"""
    )
    client.call("users")
    assert provider.asked[0].query == [("include[]", "email"), ("include[]", "a b"), ("active", "true")]


def test_forms_nest_as_php_reads_them(provider: Provider, connect: Connect) -> None:
    """Nested form values are spelled `users[0][name]` (Moodle's web services read them so)."""
    client = connect(
        """
endpoints:
  users: {path: /users}
  write:
    method: POST
    path: /write
    form: {token: "{credentials.key}", users: [{name: Jo & Co, fields: [{type: x}]}], none: "{parent.id}"}
"""
    )
    client.call("write")
    asked = provider.asked[0]
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    assert asked.body.split("&") == [
        "token=sk-7Q%2Fplanted%2Bsecret",
        "users%5B0%5D%5Bname%5D=Jo%20%26%20Co",
        "users%5B0%5D%5Bfields%5D%5B0%5D%5Btype%5D=x",
    ]


def test_json_bodies_keep_types(provider: Provider, connect: Connect) -> None:
    """A JSON body keeps numbers, lists and truth values, and fills placeholders in at any depth."""
    client = connect(
        """
endpoints:
  users: {path: /users}
  write: {method: POST, path: /w, json: {n: 1, deep: {k: ["{connection.name}"]}, f: false}}
"""
    )
    client.call("write")
    assert json.loads(provider.asked[0].body) == {"n": 1, "deep": {"k": ["acme"]}, "f": False}


def test_cookies_are_not_kept(provider: Provider, connect: Connect) -> None:
    """A session that one answer opens does not travel with the next request."""
    provider.answer = lambda asked: (200, {"Set-Cookie": "session=1"}, [])
    client = connect(PLAIN)
    client.call("users")
    answer = client.call("users")
    assert "cookie" not in provider.asked[1].headers
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_may_be_over_in_a_moment_is_tried_again(
    status: int, provider: Provider, connect: Connect
) -> None:
    """The retriable statuses are asked again on an endpoint that only reads."""
    provider.script((status, {}, {}), (200, {}, [1]))
    assert connect(PLAIN).call("users").text == "[1]"
    assert len(provider.asked) == 2


def test_a_cut_connection_is_tried_again(provider: Provider, connect: Connect) -> None:
    """A connection that closes without an answer is a passing fault."""
    provider.script(CUT, (200, {}, [1]))
    assert connect(PLAIN).call("users").text == "[1]"


def test_a_torn_body_is_tried_again(provider: Provider, connect: Connect) -> None:
    """A body that is not whole JSON is a passing fault, whatever its status and length say."""
    provider.script((200, {}, b'[{"id": 1}, {"id"'), (200, {}, [1]))
    assert connect(PLAIN).call("users").text == "[1]"


def test_a_body_cut_in_the_middle_is_tried_again(provider: Provider, connect: Connect) -> None:
    """Fewer bytes than announced are a cut connection."""
    provider.script((200, {"Content-Length": "400", "Connection": "close"}, b'[{"id": 1}'), (200, {}, [1]))
    client = connect("endpoints: {users: {path: /users, timeout: 0.2}}")
    assert client.call("users").text == "[1]"


def test_tries_are_bounded_and_back_off(provider: Provider, connect: Connect, fake_time: FakeTime) -> None:
    """Five tries, waiting up to 1, 2, 4 and 8 seconds between them (chance gives the most here)."""
    provider.script((500, {}, {}))
    with pytest.raises(Transient):
        connect(PLAIN).call("users")
    assert len(provider.asked) == 5
    assert fake_time.slept == [1.0, 2.0, 4.0, 8.0]


@pytest.mark.parametrize("given", [(500, {}, {}), (429, {}, {}), CUT, (200, {}, b"{")])
def test_what_is_not_repeatable_is_sent_once(given: Any, provider: Provider, connect: Connect) -> None:
    """A write is never sent twice when its outcome is unknown."""
    provider.script(given)
    with pytest.raises((Transient, RateLimited)):
        connect(WRITE).call("write")
    assert len(provider.asked) == 1


def test_a_get_that_writes_is_sent_once(provider: Provider, connect: Connect) -> None:
    """The manifest says which endpoints may be repeated: TalentLMS writes by GET."""
    provider.script((500, {}, {}))
    client = connect("endpoints: {users: {path: /users}, gone: {path: /gone, repeatable: false}}")
    with pytest.raises(Transient):
        client.call("gone")
    assert len(provider.asked) == 1


def test_a_write_is_repeated_where_nothing_was_sent(
    provider: Provider, connect: Connect, fake_time: FakeTime
) -> None:
    """A refused connection proves that nothing was sent, so that even a write is tried again."""
    client = connect(WRITE, base_url="http://127.0.0.1:1")
    with pytest.raises(NothingSent, match="no connection was made"):
        client.call("write")
    assert len(fake_time.slept) == 4


def test_retry_after_in_seconds(provider: Provider, connect: Connect, fake_time: FakeTime) -> None:
    """The provider's own word goes before any backoff (RFC 9110, 10.2.3)."""
    provider.script((503, {"Retry-After": "7"}, {}), (200, {}, []))
    connect(PLAIN).call("users")
    assert fake_time.slept == [7.0]


def test_retry_after_as_a_date(provider: Provider, connect: Connect, fake_time: FakeTime) -> None:
    """`Retry-After` may be an HTTP date."""
    date = email.utils.formatdate(fake_time.now + 30, usegmt=True)
    provider.script((429, {"Retry-After": date}, {}), (200, {}, []))
    connect(PLAIN).call("users")
    assert fake_time.slept == [30.0]


def test_a_vendors_reset_header(provider: Provider, connect: Connect, fake_time: FakeTime) -> None:
    """A 429 waits until the vendor's header says, here in unix seconds."""
    reset = str(int(fake_time.now + 12))
    provider.script((429, {"X-Reset": reset}, {}), (200, {}, []))
    connect("limits: {headers: {reset: X-Reset, reset_as: unix}}\n" + PLAIN).call("users")
    assert fake_time.slept == [12.0]


def test_nothing_left_pauses_before_the_next_request(
    provider: Provider, connect: Connect, fake_time: FakeTime
) -> None:
    """A header that says that nothing is left is heeded before the provider refuses."""
    provider.script((200, {"X-Left": "0", "X-Reset": "9"}, []))
    client = connect("limits: {headers: {remaining: X-Left, reset: X-Reset}}\n" + PLAIN)
    client.call("users")
    assert fake_time.slept == []
    client.call("users")
    assert fake_time.slept == [9.0]


def test_a_long_wait_is_said_and_not_waited(
    provider: Provider, connect: Connect, fake_time: FakeTime
) -> None:
    """Beyond `max_wait` the run ends with the time at which to go on."""
    provider.script((429, {"Retry-After": "3600"}, {}))
    with pytest.raises(BudgetExhausted, match="2020-09-13 13:26:40 UTC") as raised:
        connect(PLAIN).call("users")
    assert raised.value.wait == 3600
    assert fake_time.slept == []


def test_a_429_pauses_what_others_ask(provider: Provider, connect: Connect, fake_time: FakeTime) -> None:
    """A request that is not sent again holds up the next one all the same: the limit is the connection's."""
    provider.script((429, {"Retry-After": "20"}, {}), (200, {}, []))
    client = connect(WRITE)
    with pytest.raises(RateLimited):
        client.call("write")
    assert fake_time.slept == []
    client.call("users")
    assert fake_time.slept == [20.0]


def test_a_storm_of_429_pauses_everyone(provider: Provider, connect: Connect, fake_time: FakeTime) -> None:
    """What one thread is told, the others heed: after the first refusal nobody asks before the time is over."""
    until = fake_time.now + 20
    lock = threading.Lock()

    def answer(asked: Any) -> Any:
        with lock:
            return (429, {"Retry-After": "20"}, {}) if fake_time.now < until else (200, {}, [])

    provider.answer = answer
    client = connect("limits: {concurrency: 4}\n" + PLAIN)
    threads = [threading.Thread(target=client.call, args=("users",)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    refused = len(provider.asked) - 12
    assert 1 <= refused <= 4  # those in flight when the first refusal came, and none after it


def test_secrets_are_cut_from_every_answer(provider: Provider, connect: Connect) -> None:
    """What the manifest calls secret is gone at any depth, also where its name is escaped."""
    body = b'{"id": 1, "login_key": "u", "courses": [{"login\\u005fkey": "v", "name": "n"}]}'
    provider.script((200, {}, body))
    answer = connect("secrets: [login_key]\n" + PLAIN).call("users")
    assert json.loads(answer.text) == {"id": 1, "courses": [{"name": "n"}]}


def test_secrets_are_cut_from_the_raw_answer_of_an_error(provider: Provider, connect: Connect) -> None:
    """An error keeps the provider's answer, without secrets and out of its message."""
    provider.script((400, {}, {"login_key": "k", "hint": "planted"}))
    with pytest.raises(Invalid) as raised:
        connect("secrets: [login_key]\n" + PLAIN).call("users")
    assert raised.value.raw_response == '{"hint":"planted"}'
    assert "planted" not in str(raised.value)


def test_long_integers_are_kept(provider: Provider, connect: Connect) -> None:
    """An id beyond 2^53 (Canvas) arrives as text with all its digits."""
    provider.script((200, {}, b'[{"id": 21070000000000079, "n": 5}]'))
    assert json.loads(connect(PLAIN).call("users").text) == [{"id": "21070000000000079", "n": 5}]


def test_an_empty_body_is_null(provider: Provider, connect: Connect) -> None:
    """A 204 has no body; its text is JSON all the same."""
    provider.script((204, {}, b""))
    assert connect(PLAIN).call("users").text == "null"


def test_answers_show_no_data_in_their_repr(provider: Provider, connect: Connect) -> None:
    """Learners' data does not reach a log by way of a repr."""
    provider.script((200, {"X-Note": "planted"}, [{"name": "planted"}]))
    assert "planted" not in repr(connect(PLAIN).call("users"))


def test_requests_are_counted_with_their_repetitions(provider: Provider, connect: Connect) -> None:
    """`requests_made` is what the provider's limit counts."""
    provider.script((500, {}, {}), (200, {}, []))
    client = connect(PLAIN)
    client.call("users")
    assert client.requests_made == 2


def test_closing_frees_who_waits(provider: Provider, connect: Connect) -> None:
    """A request that waits when the client is closed ends at once, with an error that says so."""
    provider.script((503, {"Retry-After": "100"}, {}))
    client = connect(PLAIN, timing=Timing())
    answered = threading.Event()
    raised: list[BaseException] = []

    def run() -> None:
        try:
            client.call("users")
        except ClientClosed as error:
            raised.append(error)
        answered.set()

    before = provider.answer
    asked = threading.Event()

    def answer(request: Any) -> Any:
        asked.set()
        return before(request)

    provider.answer = answer
    threading.Thread(target=run, daemon=True).start()
    assert asked.wait(10)
    client.close()
    assert answered.wait(10)
    assert [type(error) for error in raised] == [ClientClosed]


def test_an_unknown_host_is_said_without_its_address(connect: Connect) -> None:
    """What goes wrong on the network is told in words, with what to look at."""
    with pytest.raises(NothingSent, match=r"it was refused\)\. Check the network"):
        connect(PLAIN, base_url="http://127.0.0.1:1").call("users")
