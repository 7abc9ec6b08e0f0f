"""Addresses of next pages behind a proxy that speaks https to the world and http to the provider."""

from __future__ import annotations

import pytest

from sources.unified_lms.connection import Connection, Secret
from sources.unified_lms.errors import ForeignOrigin
from sources.unified_lms.transport import Transport
from sources.unified_lms.verdicts import Attempt
from tests.unit.sources.conftest import manifest_of


def next_page(base_url: str, given: str) -> str:
    """The address that is asked for a next page."""
    manifest = manifest_of("")
    connection = Connection("acme", "example", base_url, {"key": Secret("planted-key")})
    transport = Transport(manifest, connection, {"credentials": connection.credentials})
    attempt = Attempt("users", manifest.endpoints["users"], base_url)
    url = transport.request(manifest.endpoints["users"], {}, given, attempt).url
    transport.close()
    return str(url)


@pytest.mark.parametrize(
    ("base_url", "given", "asked"),
    [
        ("https://lms.example.com", "https://lms.example.com/users?p=2", "https://lms.example.com/users?p=2"),
        ("https://lms.example.com", "https://lms.example.com:443/users", "https://lms.example.com/users"),
        ("https://lms.example.com", "https://LMS.example.com/users", "https://lms.example.com/users"),
        ("https://lms.example.com", "http://lms.example.com/users", "https://lms.example.com/users"),
        ("https://lms.example.com", "http://lms.example.com:80/users", "https://lms.example.com/users"),
        ("https://lms.example.com:8443", "http://lms.example.com:8443/u", "https://lms.example.com:8443/u"),
        ("https://lms.example.com", "/users?p=2", "https://lms.example.com/users?p=2"),
    ],
)
def test_next_pages_of_the_same_origin(base_url: str, given: str, asked: str) -> None:
    """The connection's scheme is kept where host and port fit."""
    assert next_page(base_url, given) == asked


@pytest.mark.parametrize(
    "given",
    [
        "https://evil.example.com/users",
        "https://lms.example.com:8443/users",
        "http://lms.example.com:8080/users",
        "//evil.example.com/users",
        "https://lms.example.com@evil.example.com/users",
        "ftp://lms.example.com/users",
        "https://lms.example.com.evil.example/users",
    ],
)
def test_next_pages_of_another_origin(given: str) -> None:
    """Another host, port or scheme is refused."""
    with pytest.raises(ForeignOrigin):
        next_page("https://lms.example.com", given)
