"""Authorisation as generator flows (httpx.Auth), each bound to the connection's origin.

The first entry of the manifest's `auth` whose credentials are all given is used. A flow yields the request and is sent
the answer, so that one that gets tokens (`sources.unified_lms.oauth`) can ask for one and yield the request again.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from urllib.parse import urlencode

import httpx

from sources.unified_lms.errors import ConnectionConfigError
from sources.unified_lms.manifest.authorization import (
    Auth,
    BasicAuth,
    BearerAuth,
    FormAuth,
    HeaderAuth,
    OAuth2,
    QueryAuth,
    templates,
)
from sources.unified_lms.oauth import TokenFlow
from sources.unified_lms.templates import Variables, parse, texts
from sources.unified_lms.token_requests import Surroundings

Origin = tuple[str, str, int | None]
"""Scheme, host and port of an address, the port spelled out where it is the scheme's own."""

_PORTS = {"http": 80, "https": 443}


def origin_of(url: httpx.URL) -> Origin:
    """The origin of an address (RFC 6454)."""
    return url.scheme, url.host, url.port or _PORTS.get(url.scheme)


class HeaderFlow(httpx.Auth):
    """Sets one header."""

    def __init__(self, name: str, value: str) -> None:
        self._name = name
        self._value = value

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """The request with the header."""
        request.headers[self._name] = self._value
        yield request


class QueryFlow(httpx.Auth):
    """Sets one query parameter, over one of the same name that a next page's address may hold."""

    def __init__(self, name: str, value: str) -> None:
        self._name = name
        self._value = value

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """The request with the parameter."""
        request.url = request.url.copy_set_param(self._name, self._value)
        yield request


class FormFlow(httpx.Auth):
    """Adds one field to the form that a request sends."""

    requires_request_body = True

    def __init__(self, name: str, value: str) -> None:
        self._field = urlencode({name: value}).encode()

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """The request with the field behind the others."""
        headers = {name: value for name, value in request.headers.items() if name.lower() != "content-length"}
        headers["content-type"] = "application/x-www-form-urlencoded"
        content = b"&".join(filter(None, (request.content, self._field)))
        yield httpx.Request(
            request.method, request.url, headers=headers, content=content, extensions=request.extensions
        )


class BoundToOrigin(httpx.Auth):
    """Another flow, for one origin: a request to any other goes without what it would add."""

    def __init__(self, inner: httpx.Auth, origin: Origin) -> None:
        self._inner = inner
        self._origin = origin
        self.requires_request_body = inner.requires_request_body
        self.requires_response_body = inner.requires_response_body

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """The inner flow on the connection's origin, the bare request elsewhere."""
        if origin_of(request.url) == self._origin:
            yield from self._inner.auth_flow(request)
        else:
            yield request


def choose(auths: Sequence[Auth], variables: Variables) -> Auth:
    """The first whose credentials are all given; `ConnectionConfigError` names what each one needs."""
    chosen = complete(auths, variables.get("credentials") or {})
    if chosen is None:
        raise ConnectionConfigError([f"the connection's credentials are incomplete; give {ways(auths)}"])
    return chosen


def complete(auths: Sequence[Auth], given: Mapping[str, object]) -> Auth | None:
    """The first whose credentials are all given, if there is one."""
    return next((auth for auth in auths if all(given.get(name) for name in needed(auth))), None)


def ways(auths: Sequence[Auth]) -> str:
    """The credentials that each entry needs, in words."""
    return ", or ".join(" and ".join(needed(auth)) for auth in auths)


def needed(auth: Auth) -> list[str]:
    """The credentials that an entry of `auth` uses, in their order."""
    found = texts(templates(auth))
    names = [name for text in found for each in parse(text).placeholders for name in each.names]
    return list(dict.fromkeys(name for namespace, name in names if namespace == "credentials"))


def flow(auth: Auth, variables: Variables, origin: Origin, around: Surroundings | None = None) -> httpx.Auth:
    """The flow of an entry of `auth` for one connection; `around` is what one that gets tokens needs."""
    return BoundToOrigin(_flow(auth, variables, around or Surroundings()), origin)


def _flow(auth: Auth, variables: Variables, around: Surroundings) -> httpx.Auth:
    if isinstance(auth, OAuth2):
        return TokenFlow(auth, variables, around)
    if isinstance(auth, BasicAuth):
        return httpx.BasicAuth(parse(auth.username).text(variables), parse(auth.password).text(variables))
    if isinstance(auth, BearerAuth):
        return HeaderFlow("Authorization", f"{auth.scheme} {parse(auth.token).text(variables)}")
    flows = {HeaderAuth: HeaderFlow, QueryAuth: QueryFlow, FormAuth: FormFlow}
    return flows[type(auth)](auth.name, parse(auth.value).text(variables))
