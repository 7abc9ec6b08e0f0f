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
    Unauthorized,
)
from tests.unit.sources.conftest import SECRET, Provider

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
