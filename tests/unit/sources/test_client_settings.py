"""What the client asks of the provider by itself: settings that are discovered, and the state of the limit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sources.unified_lms.client import Client
from sources.unified_lms.errors import (
    BudgetExhausted,
)
from tests.unit.sources.conftest import FakeTime, Provider

Connect = Callable[..., Client]
PLAIN = "endpoints: {users: {path: /users}}"
DISCOVER = """
settings:
  order:
    title: Order
    type: string
    choices: [dmy, mdy]
    discover: {endpoint: info, value: order}
    without: {note: n, fields: {users: [created_at]}}
  size: {title: Size, type: integer, default: 7}
endpoints: {users: {path: /users, query: {order: "{settings.order}"}}, info: {path: /info}}
"""


def test_a_setting_is_discovered_once(provider: Provider, connect: Connect) -> None:
    """A setting that is not configured is read from the provider, at the first need and only then."""
    provider.answer = lambda asked: (200, {}, {"order": "mdy"})
    client = connect(DISCOVER)
    assert provider.asked == []
    client.call("users")
    assert client.settings == {"order": "mdy", "size": 7}
    assert [asked.target for asked in provider.asked] == ["/info", "/users?order=mdy"]


def test_a_configured_setting_is_not_discovered(provider: Provider, connect: Connect) -> None:
    """What the connection says goes before what the provider says."""
    client = connect(DISCOVER, settings={"order": "dmy"})
    assert client.settings["order"] == "dmy"
    assert provider.asked == []


@pytest.mark.parametrize("given", [(403, {}, {}), (200, {}, {"order": "ymd"}), (200, {}, {})])
def test_a_setting_that_cannot_be_discovered_is_missing(
    given: Any, provider: Provider, connect: Connect
) -> None:
    """Without permission, or with a value nobody knows, the setting is null and what that costs is told."""
    provider.script(given)
    client = connect(DISCOVER)
    assert client.settings["order"] is None
    assert client.missing()["order"].fields == {"users": ("created_at",)}


STATUS = """
limits:
  windows: [{requests: 2, seconds: 5}, {requests: 100, seconds: 3600}]
  status: {endpoint: state, limit: $number(limit), remaining: remaining, reset_at: $number(reset)}
endpoints: {users: {path: /users}, state: {path: /state}, one: {path: "/users/{parent.id}"}}
"""


def test_the_limits_state_is_asked_before_a_fan_out(
    provider: Provider, connect: Connect, fake_time: FakeTime
) -> None:
    """The first request under a parent asks for the state; what others used up counts, until the provider's reset."""
    state = {"limit": "100", "remaining": 1, "reset": str(int(fake_time.now + 60))}
    provider.answer = lambda asked: (200, {}, state if asked.path == "/state" else [])
    client = connect(STATUS)
    client.call("one", {"parent": {"id": "1"}})
    assert fake_time.slept == []
    client.call("one", {"parent": {"id": "2"}})
    assert sum(fake_time.slept) == pytest.approx(60)
    assert [asked.path for asked in provider.asked] == ["/state", "/users/1", "/users/2"]


def test_a_state_that_is_not_to_be_had_does_not_stop(provider: Provider, connect: Connect) -> None:
    """Not knowing the limit's state is no reason to fail."""
    provider.answer = lambda asked: (403, {}, {}) if asked.path == "/state" else (200, {}, [1])
    assert connect(STATUS).call("one", {"parent": {"id": "1"}}).text == "[1]"


def test_a_refusal_without_a_time_asks_the_state(
    provider: Provider, connect: Connect, fake_time: FakeTime
) -> None:
    """TalentLMS refuses without saying for how long: its status endpoint does, and the run says when to go on."""
    state = {"limit": "100", "remaining": 0, "reset": str(int(fake_time.now + 900))}
    provider.answer = lambda asked: (200, {}, state) if asked.path == "/state" else (429, {}, {})
    with pytest.raises(BudgetExhausted) as raised:
        connect(STATUS).call("users")
    assert raised.value.wait == pytest.approx(900)


def test_windows_hold_requests_back(provider: Provider, connect: Connect, fake_time: FakeTime) -> None:
    """Two requests in five seconds: the third waits for the first to leave the window."""
    client = connect("limits: {windows: [{requests: 2, seconds: 5}]}\n" + PLAIN)
    for _ in range(3):
        client.call("users")
    assert fake_time.slept == [5.0]
