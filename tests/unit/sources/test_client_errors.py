"""What answers mean: the manifest's rules, the statuses, and what the messages say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sources.unified_lms.client import Client
from sources.unified_lms.errors import (
    AlreadyDone,
    Forbidden,
    Invalid,
    NoData,
    NotFound,
    ProviderError,
    Transient,
    Unauthorized,
)
from tests.unit.sources.conftest import SECRET, FakeTime, Provider

Connect = Callable[..., Client]
PLAIN = "endpoints: {users: {path: /users}}"
RULES = """
errors:
  - {status: [403], contains: Rate Limit Exceeded, kind: rate_limited}
  - {contains: '"exception"', when: body.errorcode = "invalidtoken", kind: unauthorized, message: body.message}
  - {contains: '"exception"', when: body.errorcode = "usernotenroled", kind: no_data, message: body.message}
  - {contains: '"exception"', when: body.errorcode = "done", kind: already}
  - {contains: '"exception"', when: $exists(body.exception), kind: invalid, message: body.message, remedy: Look it up.}
endpoints: {users: {path: /users, permission: moodle/user:viewdetails}}
"""


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ((400, {}, {}), Invalid),
        ((401, {}, {}), Unauthorized),
        ((403, {}, b""), Forbidden),
        ((404, {}, {}), NotFound),
        ((422, {}, {}), Invalid),
        ((200, {}, {"exception": "x", "errorcode": "invalidtoken"}), Unauthorized),
        ((200, {}, {"exception": "x", "errorcode": "usernotenroled"}), NoData),
        ((200, {}, {"exception": "x", "errorcode": "done"}), AlreadyDone),
        ((200, {}, {"exception": "Error"}), Invalid),
    ],
)
def test_errors_are_sorted(
    given: Any, error: type[ProviderError], provider: Provider, connect: Connect
) -> None:
    """The first rule that holds decides, also over a 200; then the status does. None of these is tried again."""
    provider.script(given)
    with pytest.raises(error) as raised:
        connect(RULES).call("users")
    assert type(raised.value) is error
    assert len(provider.asked) == 1


def test_a_403_that_means_wait(provider: Provider, connect: Connect) -> None:
    """Canvas throttles by a 403 in plain text: a rule makes it a wait."""
    provider.script(
        (403, {"Content-Type": "text/plain"}, b"403 Forbidden (Rate Limit Exceeded)\n"), (200, {}, [1])
    )
    assert connect(RULES).call("users").text == "[1]"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
@pytest.mark.parametrize("body", [b'{"exception": "x", "errorc', b"\xef\xbb\xbf\n[{"])
def test_an_error_whose_body_is_torn_is_asked_for_again(
    status: int, body: bytes, provider: Provider, connect: Connect
) -> None:
    """What a rule would have found in it is not there, so that its status alone would say something else."""
    provider.script((status, {}, body), (status, {}, {"exception": "x", "errorcode": "usernotenroled"}))
    with pytest.raises(NoData):
        connect(RULES).call("users")
    assert len(provider.asked) == 2


def test_an_error_that_stays_torn_says_so(provider: Provider, connect: Connect) -> None:
    """After the last try nobody knows what the provider meant, and it is not taken for what its status says."""
    provider.script((404, {"Content-Type": "application/json"}, b'{"errors'))
    with pytest.raises(
        Transient, match=r"answered 404 with 8 bytes that are no whole JSON \(application/json\)"
    ):
        connect(RULES).call("users")


@pytest.mark.parametrize("body", [b"<html><h1>Not Found</h1>", b"Not Found"])
def test_an_error_that_is_no_json_means_what_its_status_says(
    body: bytes, provider: Provider, connect: Connect
) -> None:
    """A page or a sentence of a server in between is whole, and the same when it is asked for again."""
    provider.script((404, {}, body))
    with pytest.raises(NotFound):
        connect(RULES).call("users")
    assert len(provider.asked) == 1


def test_a_torn_429_still_says_how_long_to_wait(
    provider: Provider, connect: Connect, fake_time: FakeTime
) -> None:
    """What is asked for again in any case keeps its kind, and with it the provider's own word."""
    provider.script((429, {"Retry-After": "7"}, b'{"err'), (200, {}, []))
    connect(RULES).call("users")
    assert fake_time.slept == [7.0]


def test_a_401_asks_for_new_credentials(provider: Provider, connect: Connect) -> None:
    """The message says what was attempted, what came back and what to do."""
    provider.script((401, {}, {}))
    with pytest.raises(Unauthorized) as raised:
        connect(PLAIN).call("users")
    assert str(raised.value) == (
        f"users (GET {provider.url}/users): the provider answered 401. The connection needs new credentials."
    )


def test_a_403_names_the_permission(provider: Provider, connect: Connect) -> None:
    """A missing permission is named as the manifest has it."""
    provider.script((403, {}, {}))
    with pytest.raises(Forbidden, match=r"the permission moodle/user:viewdetails\.$"):
        connect(RULES).call("users")


def test_a_full_stop_of_the_providers_is_not_doubled(provider: Provider, connect: Connect) -> None:
    """Canvas ends its sentences ("Invalid access token."), Moodle mostly does not: the message reads alike."""
    provider.script((200, {}, {"exception": "x", "errorcode": "invalidtoken", "message": "Invalid token."}))
    with pytest.raises(Unauthorized, match=r"answered 200: Invalid token\. The connection needs"):
        connect(RULES).call("users")


def test_the_providers_words_are_shown_masked_and_short(provider: Provider, connect: Connect) -> None:
    """A provider's message loses addresses and credentials, and is cut; the rule's remedy follows."""
    said = f"jo@example.org may not use {SECRET} " + "x" * 500
    provider.script((200, {}, {"exception": "x", "message": said}))
    with pytest.raises(Invalid) as raised:
        connect(RULES).call("users")
    message = str(raised.value)
    assert "*** may not use *** xxx" in message
    assert message.endswith("xxx.... Look it up.")
    assert len(message) < 500
    assert SECRET not in message
