"""Authorisation: which way is used, and that it keeps to its origin."""

from __future__ import annotations

import httpx
import pytest

from sources.unified_lms import auth
from sources.unified_lms.errors import ConnectionConfigError
from tests.unit.sources.conftest import manifest_of

TWO_WAYS = """
credentials: {key: {title: Key, required: false}, user: {title: User, required: false}, word: {title: Password}}
auth:
  - {type: header, name: X-Api-Key, value: "{credentials.key}"}
  - {type: basic, username: "{credentials.user}", password: "{credentials.word}"}
"""
ORIGIN = auth.origin_of(httpx.URL("https://lms.example.com"))


@pytest.mark.parametrize(
    ("given", "used"),
    [({"key": "k", "user": "u", "word": "w"}, "header"), ({"user": "u", "word": "w"}, "basic")],
)
def test_the_first_way_that_is_complete(given: dict[str, str], used: str) -> None:
    """The first entry whose credentials are all given is used."""
    assert auth.choose(manifest_of(TWO_WAYS).auth, {"credentials": given}).type == used


def test_no_way_is_complete() -> None:
    """The error names what each way needs."""
    with pytest.raises(ConnectionConfigError, match="give key or user and word"):
        auth.choose(manifest_of(TWO_WAYS).auth, {"credentials": {"user": "u"}})


@pytest.mark.parametrize("way", ["type: header, name: X-Key", "type: query, name: token"])
@pytest.mark.parametrize(
    ("url", "carries"),
    [
        ("https://lms.example.com/a", True),
        ("https://LMS.example.com:443/a", True),
        ("http://lms.example.com/a", False),
        ("https://lms.example.com:8443/a", False),
        ("https://other.example.com/a", False),
    ],
)
def test_credentials_keep_to_their_origin(way: str, url: str, carries: bool) -> None:
    """A request that went elsewhere by whatever mistake would carry no credential."""
    variables = {"credentials": {"key": "planted-key"}}
    [entry] = manifest_of(f'auth: [{{{way}, value: "{{credentials.key}}"}}]').auth
    request = next(auth.flow(entry, variables, ORIGIN).auth_flow(httpx.Request("GET", url)))
    assert ("planted-key" in f"{request.url} {request.headers.get('X-Key')}") is carries


def test_a_query_credential_is_not_doubled() -> None:
    """A next page's address that holds the parameter already holds it once afterwards."""
    [entry] = manifest_of('auth: [{type: query, name: token, value: "{credentials.key}"}]').auth
    flow = auth.flow(entry, {"credentials": {"key": "new"}}, ORIGIN)
    request = next(flow.auth_flow(httpx.Request("GET", "https://lms.example.com/a?token=old&page=2")))
    assert sorted(request.url.params.multi_items()) == [("page", "2"), ("token", "new")]
