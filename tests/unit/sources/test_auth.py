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
    with pytest.raises(ConnectionConfigError, match="give key, or user and word"):
        auth.choose(manifest_of(TWO_WAYS).auth, {"credentials": {"user": "u"}})


@pytest.mark.parametrize(
    "way",
    [
        'type: header, name: X-Key, value: "{credentials.key}"',
        'type: query, name: token, value: "{credentials.key}"',
        'type: bearer, token: "{credentials.key}"',
    ],
)
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
    [entry] = manifest_of(f"auth: [{{{way}}}]").auth
    request = next(auth.flow(entry, variables, ORIGIN).auth_flow(httpx.Request("GET", url)))
    assert ("planted-key" in f"{request.url} {dict(request.headers)}") is carries


def test_a_query_credential_is_not_doubled() -> None:
    """A next page's address that holds the parameter already holds it once afterwards."""
    [entry] = manifest_of('auth: [{type: query, name: token, value: "{credentials.key}"}]').auth
    flow = auth.flow(entry, {"credentials": {"key": "new"}}, ORIGIN)
    request = next(flow.auth_flow(httpx.Request("GET", "https://lms.example.com/a?token=old&page=2")))
    assert sorted(request.url.params.multi_items()) == [("page", "2"), ("token", "new")]


FORM = """
auth: [{type: form, name: wstoken, value: "{credentials.key}"}]
endpoints: {users: {method: POST, path: /users, form: {search: "a b"}}}
"""


@pytest.mark.parametrize(
    ("content", "sent"), [(b"search=a", b"search=a&wstoken=k%26"), (b"", b"wstoken=k%26")]
)
def test_a_form_credential_stands_behind_the_other_fields(content: bytes, sent: bytes) -> None:
    """The field is added to the form, encoded, and the length fits."""
    [entry] = manifest_of(FORM).auth
    flow = auth.flow(entry, {"credentials": {"key": "k&"}}, ORIGIN)
    request = next(flow.auth_flow(httpx.Request("POST", "https://lms.example.com/a", content=content)))
    assert (request.content, request.headers["content-length"]) == (sent, str(len(sent)))


def test_a_bearer_token_after_its_scheme() -> None:
    """The scheme is Bearer (RFC 6750) unless the manifest says another."""
    [entry] = manifest_of('auth: [{type: bearer, token: "{credentials.key}", scheme: JWT}]').auth
    flow = auth.flow(entry, {"credentials": {"key": "k"}}, ORIGIN)
    request = next(flow.auth_flow(httpx.Request("GET", "https://lms.example.com/a")))
    assert request.headers["authorization"] == "JWT k"
