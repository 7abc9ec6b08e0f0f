"""Raw requests: below the API's address of a connection, with its authorisation and within its limits."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote, unquote, urlencode, urlsplit

from pipelines.serve.errors import ApiError
from pipelines.serve.options import CONNECTION
from sources.unified_lms.client import Answer
from sources.unified_lms.connection import Connection
from sources.unified_lms.pagination import next_link

PREFIX = "/proxy/"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_UNSAFE = re.compile(r"[\x00-\x20\\\x7f]")


def target(raw_path: bytes, pairs: Sequence[tuple[str, str]]) -> str:
    """The address below the API's, for a path as it was sent; `ApiError` for one that would leave it."""
    path = raw_path.decode("latin-1").partition(PREFIX)[2]
    plain = unquote(path)
    if _UNSAFE.search(plain) or any(part in (".", "..") for part in plain.split("/")):
        raise ApiError(400, "the path has to lie below the API's address")
    query = urlencode(pairs, quote_via=quote)
    return f"./{path.lstrip('/')}" + (f"?{query}" if query else "")


def next_page(answer: Answer, connection: Connection, api_path: str) -> str | None:
    """A `Link` header that leads to the next page through this server, where the provider names one that way.

    `api_path` is the manifest's. None as well for an address outside of the API, or that holds a credential.
    """
    link = next_link(answer.headers.get("link", ""))
    if link is None or any(value in unquote(link) for value in connection.credentials.values()):
        return None
    parts, root = urlsplit(link), urlsplit(connection.base_url).path + api_path.rstrip("/") + "/"
    if not parts.path.startswith(root):
        return None
    named = urlencode({CONNECTION.name: connection.name})
    query = f"{named}&{parts.query}" if parts.query else named
    return f'<{PREFIX}{parts.path.removeprefix(root)}?{query}>; rel="next"'
