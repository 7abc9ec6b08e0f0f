"""Requests and replies over httpx: addresses, encoding, origin, redirects, and what goes wrong on the way."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import orjson

from sources.unified_lms import auth
from sources.unified_lms.connection import Connection, is_loopback
from sources.unified_lms.errors import (
    ClientClosed,
    ConfigurationError,
    ConnectionConfigError,
    Failure,
    ForeignOrigin,
    LmsError,
    NothingSent,
    Redirected,
    Transient,
)
from sources.unified_lms.limits import Timing
from sources.unified_lms.manifest import Endpoint, Manifest
from sources.unified_lms.redaction import Redactor, quiet_http_loggers
from sources.unified_lms.templates import TemplateError, Variables, parse, php_pairs, query_pairs, render
from sources.unified_lms.token_requests import Surroundings
from sources.unified_lms.tokens import TokenStore, token_store
from sources.unified_lms.verdicts import Attempt

_CONNECT_SECONDS = 10.0
_REDIRECTS = 3
_REDIRECT = (301, 302, 303, 307, 308)
_REMEDY_NETWORK = "Check the network, `network.proxy` and `base_url` of the connection, then run again"


@dataclass(frozen=True)
class Request:
    """A request, ready to be sent any number of times. Its repr shows nothing of it."""

    method: str
    url: httpx.URL = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    content: bytes | None = field(repr=False)
    timeout: float


@dataclass(frozen=True)
class Reply:
    """What came back, whole; header names in lower case, without cookies."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)


class Transport:
    """The pool of HTTP connections of one connection, which sends credentials to that origin only.

    `redactor` learns the tokens that the provider issues.
    """

    def __init__(
        self,
        manifest: Manifest,
        connection: Connection,
        variables: Variables,
        *,
        redactor: Redactor | None = None,
        timing: Timing | None = None,
    ) -> None:
        quiet_http_loggers()
        self._api = manifest.api
        self._base = connection.base_url + manifest.api.path.rstrip("/")
        self._root = httpx.URL(self._base + "/")
        self._headers = {name: parse(text).text(variables) for name, text in manifest.api.headers.items()}
        self._origin = auth.origin_of(httpx.URL(connection.base_url))
        around = Surroundings(_tokens(connection), redactor or Redactor(), timing or Timing())
        flow = auth.flow(auth.choose(manifest.auth, variables), variables, self._origin, around)
        self._client = open_client(connection, flow, manifest.limits.concurrency)

    def close(self) -> None:
        """Closes every connection."""
        self._client.close()

    def shown(self, spec: Endpoint, variables: Variables, url: str | None) -> str:
        """The address of a request for people, without its query where the manifest makes it; not yet redacted."""
        try:
            return url or self._base + parse(spec.path).text(variables, encode=True)
        except TemplateError:
            return self._base + spec.path

    def request(self, spec: Endpoint, variables: Variables, url: str | None, attempt: Attempt) -> Request:
        """The request of an endpoint, or of the next page that the provider gave the address of.

        Raises `TemplateError` for a placeholder without a value, and `ForeignOrigin`.
        """
        try:
            target = self._target(spec, variables) if url is None else self._next_page(url, attempt)
            headers, content = self._body(spec, variables)
            own = {name: parse(text).text(variables) for name, text in spec.headers.items()}
        except TemplateError as error:
            raise TemplateError(f"endpoint {attempt.name}: {error}") from None
        return Request(spec.method, target, {**self._headers, **headers, **own}, content, spec.timeout)

    def forwarded(
        self,
        spec: Endpoint,
        variables: Variables,
        target: str,
        attempt: Attempt,
        content: bytes | None,
        content_type: str | None,
    ) -> Request:
        """A request that the caller wrote, to an address below the API's; raises `ForeignOrigin` for any other."""
        request = self.request(spec, variables, target, attempt)
        if content is None:
            return request
        kind = content_type or "application/json"
        return replace(request, content=content, headers={**request.headers, "Content-Type": kind})

    def _target(self, spec: Endpoint, variables: Variables) -> httpx.URL:
        pairs = query_pairs({**self._api.query, **spec.query}, variables)
        pairs += list((variables.get("remote") or {}).items())
        query = urlencode(pairs, quote_via=quote, safe="@:,")
        return httpx.URL(
            self._base + parse(spec.path).text(variables, encode=True) + (f"?{query}" if query else "")
        )

    def _body(self, spec: Endpoint, variables: Variables) -> tuple[dict[str, str], bytes | None]:
        """The headers and the content of what a request sends; no content where it sends nothing."""
        if spec.json_:
            rendered: Any = render(spec.json_, variables)
            return {"Content-Type": "application/json"}, orjson.dumps(rendered, default=str)
        own = render(spec.form, variables) or {}
        form = {**render(self._api.form, variables), **own} if spec.sends_form else own
        if not form:
            return {}, None
        text = urlencode(php_pairs(form), quote_via=quote)
        return {"Content-Type": "application/x-www-form-urlencoded"}, text.encode()

    def _next_page(self, given: str, attempt: Attempt) -> httpx.URL:
        """The address on the connection's origin; behind a proxy some providers write http:// where it is https://."""
        try:
            url = self._root.join(given)
        except (httpx.InvalidURL, ValueError):
            raise ForeignOrigin(
                attempt.failure("the next page is no address", "Report it to the provider")
            ) from None
        if url.scheme == "http" and self._origin[0] == "https" and url.port in (None, 80, self._origin[2]):
            url = url.copy_with(scheme="https", port=None if url.port in (None, 80) else url.port)
        if auth.origin_of(url) != self._origin:
            raise ForeignOrigin(
                attempt.failure(
                    f"the next page is said to be on {_spelled(auth.origin_of(url))}, which gets no credentials",
                    f"If that is the provider's host, set base_url to it instead of {_spelled(self._origin)}",
                )
            )
        return url

    def send(self, request: Request, attempt: Attempt) -> Reply:
        """The reply; redirects to the same origin are followed for requests that only read.

        Raises `NothingSent`, `Transient` and `Redirected`.
        """
        url = request.url
        for _ in range(_REDIRECTS + 1):
            response = self._send_once(request, url, attempt)
            if response.status_code not in _REDIRECT or "location" not in response.headers:
                return _reply(response)
            url = self._redirected(url, response, attempt)
        raise Redirected(
            attempt.failure(
                f"it was redirected more than {_REDIRECTS} times", "Correct the connection's base_url"
            )
        )

    def _redirected(self, url: httpx.URL, response: httpx.Response, attempt: Attempt) -> httpx.URL:
        try:
            target = url.join(response.headers["location"])
        except (httpx.InvalidURL, ValueError):
            target = httpx.URL("")
        follows = attempt.spec.method in ("GET", "HEAD") and attempt.spec.may_repeat
        if follows and auth.origin_of(target) == self._origin:
            return target
        where = _spelled(auth.origin_of(target))
        raise Redirected(
            attempt.failure(
                f"the answer {response.status_code} points to {where}, where credentials are not sent",
                f"If the API has moved there, set the connection's base_url to {where}",
                status=response.status_code,
            )
        )

    def _send_once(self, request: Request, url: httpx.URL, attempt: Attempt) -> httpx.Response:
        """One exchange. What httpx raises holds the request, so that it ends here and is no context of ours."""
        timeout = httpx.Timeout(request.timeout, connect=_CONNECT_SECONDS)
        try:
            return self._client.request(
                request.method, url, headers=dict(request.headers), content=request.content, timeout=timeout
            )
        except (httpx.HTTPError, httpx.InvalidURL, RuntimeError) as error:
            problem = _network_problem(error, attempt)
        raise problem


def open_client(connection: Connection, flow: httpx.Auth | None, at_once: int) -> httpx.Client:
    """A pool of HTTP connections with a connection's proxy and certificates; it keeps no cookie."""
    host = auth.origin_of(httpx.URL(connection.base_url))[1]
    return httpx.Client(
        auth=flow,
        http2=True,
        follow_redirects=False,
        verify=_trust(connection),
        proxy=str(connection.network.proxy) if connection.network.proxy else None,
        trust_env=not is_loopback(host),  # a proxy of the environment's does not reach this machine
        limits=httpx.Limits(max_connections=at_once),
        # A cookie would carry one request's session into another's.
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
    )


def cut_off(error: httpx.HTTPError, attempted: str) -> LmsError:
    """What a network error of httpx's is called here, without what it holds of the request."""
    failure = Failure(attempted, f"no answer came ({_named(error)})", _REMEDY_NETWORK)
    return NothingSent(failure) if isinstance(error, httpx.ConnectError) else Transient(failure)


def _network_problem(error: Exception, attempt: Attempt) -> LmsError:
    if isinstance(error, RuntimeError):  # httpx: the client was closed by another thread
        return ClientClosed(f"{attempt.described}: the client is closed")
    if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)):
        return NothingSent(attempt.failure(f"no connection was made ({_named(error)})", _REMEDY_NETWORK))
    if isinstance(error, httpx.TimeoutException):
        came = f"no answer came within {attempt.spec.timeout:g} s"
        return Transient(
            attempt.failure(came, "Run again later, or raise the endpoint's `timeout` in the manifest")
        )
    if isinstance(error, (httpx.InvalidURL, httpx.UnsupportedProtocol)):
        return ConfigurationError(
            f"{attempt.described}: the address is not valid; correct the connection's base_url"
        )
    return Transient(attempt.failure(f"the connection was cut ({_named(error)})", "Run again later"))


def _named(error: Exception) -> str:
    """The kind of a network error, and whether it is about certificates; its own text may hold addresses."""
    text = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return "the certificate is not trusted; a private authority's goes into `network.ca_bundle`"
    known = {
        "Name or service not known": "the host's name is not known",
        "getaddrinfo failed": "the host's name is not known",
        "nodename nor servname": "the host's name is not known",
        "Temporary failure in name resolution": "the host's name cannot be resolved",
        "Connection refused": "it was refused",
    }
    return next((words for piece, words in known.items() if piece in text), type(error).__name__)


def _reply(response: httpx.Response) -> Reply:
    headers = {
        name.lower(): value for name, value in response.headers.items() if name.lower() != "set-cookie"
    }
    return Reply(response.status_code, headers, response.content)


def _tokens(connection: Connection) -> TokenStore:
    return token_store(connection.token_folder, connection.name, connection.base_url, connection.credentials)


def _trust(connection: Connection) -> ssl.SSLContext:
    """The usual authorities, and the private one of the connection."""
    context = httpx.create_ssl_context()
    bundle = connection.network.ca_bundle
    if bundle is not None:
        try:
            context.load_verify_locations(bundle)
        except (ssl.SSLError, OSError):
            place = f"connections.{connection.name}.network.ca_bundle"
            problem = f"{place} names {str(bundle)!r}, which holds no certificates in PEM form"
            raise ConnectionConfigError([problem]) from None
    return context


def _spelled(origin: auth.Origin) -> str:
    scheme, host, port = origin
    usual = {"http": 80, "https": 443}.get(scheme)
    return f"{scheme}://{host}" + (f":{port}" if port and port != usual else "")
