"""OAuth 2.0 (RFC 6749): tokens asked for, kept, and renewed once when the provider no longer takes them."""

from __future__ import annotations

import threading
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx
import orjson

from mappings import engine
from sources.unified_lms.errors import (
    Failure,
    Forbidden,
    NothingSent,
    ProviderError,
    RateLimited,
    Redirected,
    Unauthorized,
    Unexpected,
)
from sources.unified_lms.limits import Timing, retry_after
from sources.unified_lms.manifest.authorization import OAuth2
from sources.unified_lms.redaction import Redactor, shorten
from sources.unified_lms.templates import Variables, form_pairs, parse, render
from sources.unified_lms.tokens import MemoryTokens, Token, TokenStore

_EARLY = 60.0
"""Seconds before its end from which a token is renewed: an answer may take as long."""
_TIMEOUT = httpx.Timeout(30.0, connect=10.0).as_dict()
_NEW_CREDENTIALS = "The connection needs new credentials."

Flow = Generator[httpx.Request, httpx.Response, None]
Exchange = Generator[httpx.Request, httpx.Response, Token]


@dataclass(frozen=True)
class Surroundings:
    """What a flow needs of the client that it serves."""

    store: TokenStore = field(default_factory=MemoryTokens)
    redactor: Redactor = field(default_factory=Redactor)
    timing: Timing = field(default_factory=Timing)


class TokenFlow(httpx.Auth):
    """Puts an access token into the header `Authorization`; gets one first where there is none, or none that is good.

    An answer for which `renew_when` holds is asked for once more with a new token. Thread-safe: one thread renews, the
    others wait for what it gets.
    """

    requires_response_body = True

    def __init__(self, auth: OAuth2, variables: Variables, around: Surroundings) -> None:
        self._auth = auth
        self._variables = variables
        self._around = around
        self._lock = threading.Lock()
        self._token: Token | None = None

    def auth_flow(self, request: httpx.Request) -> Flow:
        """The request with a token, and once more with a new one where the first is refused."""
        token = yield from self._good_token(refused=None)
        response = yield self._authorised(request, token)
        if self._refuses(response):
            token = yield from self._good_token(refused=token)
            yield self._authorised(request, token)

    def _authorised(self, request: httpx.Request, token: Token) -> httpx.Request:
        request.headers["Authorization"] = f"{self._auth.scheme} {token.access_token}"
        return request

    def _refuses(self, response: httpx.Response) -> bool:
        headers = {name.lower(): value for name, value in response.headers.items()}
        seen = {"status": response.status_code, "headers": headers}
        return bool(engine.compile(f"$boolean({self._auth.renew_when})", name="renew_when").evaluate(seen))

    def _good_token(self, refused: Token | None) -> Exchange:
        """The token in memory, else the stored one, else a new one: the first that neither ended nor was refused."""
        with self._lock:
            if not self._is_good(self._token, refused):
                self._token = yield from self._stored_or_new(refused)
            assert self._token is not None  # noqa: S101 - for the type checker
            return self._token

    def _stored_or_new(self, refused: Token | None) -> Exchange:
        store = self._around.store
        with store.locked():
            stored = store.read()
            if stored is not None and self._is_good(stored, refused):
                self._hide(stored)
                return stored
            token = yield from self._new(stored)
            store.write(token)
            return token

    def _is_good(self, token: Token | None, refused: Token | None) -> bool:
        if token is None or (refused is not None and token.access_token == refused.access_token):
            return False
        return token.expires_at is None or self._around.timing.wall() < token.expires_at - _EARLY

    def _new(self, stored: Token | None) -> Exchange:
        """A token from the provider. What it rotated before goes before what is configured."""
        kept = stored.refresh_token if stored else None
        variables = self._variables_with(kept)
        response = yield self._request(variables)
        body = self._body(response)
        access, refresh = self._text(self._auth.token, body), self._text(self._auth.refresh_token, body)
        if not access:
            raise Unexpected(
                self._failure(response, "the answer holds no token", "Correct `token` in the manifest.")
            )
        token = Token(access, self._ends(body), refresh or kept)
        self._hide(token)
        return token

    def _variables_with(self, refresh_token: str | None) -> Variables:
        if refresh_token is None:
            return self._variables
        credentials = {**(self._variables.get("credentials") or {}), "refresh_token": refresh_token}
        return {**self._variables, "credentials": credentials}

    def _request(self, variables: Variables) -> httpx.Request:
        auth = self._auth
        headers = {"Accept": "application/json"}
        headers |= {name: parse(text).text(variables) for name, text in auth.headers.items()}
        if auth.json_:
            body = orjson.dumps(render({"grant_type": auth.grant} | auth.json_, variables))
            headers["Content-Type"] = "application/json"
        else:
            body = urlencode(form_pairs({"grant_type": auth.grant} | auth.form, variables)).encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        url = parse(auth.token_url).text(variables)
        request = httpx.Request("POST", url, headers=headers, content=body, extensions={"timeout": _TIMEOUT})
        return self._with_basic(request, variables)

    def _with_basic(self, request: httpx.Request, variables: Variables) -> httpx.Request:
        client = self._auth.basic
        if client is None:
            return request
        user, password = parse(client.username).text(variables), parse(client.password).text(variables)
        return next(httpx.BasicAuth(user, password).auth_flow(request))

    def _body(self, response: httpx.Response) -> Any:
        if response.status_code >= 300:
            raise self._error(response)
        try:
            return orjson.loads(response.content)
        except orjson.JSONDecodeError:
            pass
        raise NothingSent(self._failure(response, "the answer is no JSON", "Run again later."))

    def _text(self, source: str, body: Any) -> str | None:
        found = engine.compile(source, name="auth").evaluate(body)
        return None if found is None or found == "" else str(found)

    def _ends(self, body: Any) -> float | None:
        """When the token ends, in Unix seconds. Some providers write the seconds as text (360Learning)."""
        try:
            return self._around.timing.wall() + float(self._text(self._auth.expires_in, body) or "")
        except ValueError:
            return None

    def _hide(self, token: Token) -> None:
        self._around.redactor.learn(filter(None, (token.access_token, token.refresh_token)))

    def _error(self, response: httpx.Response) -> ProviderError:
        """By status: refused credentials, a wait, a wrong address, or a fault of the provider's."""
        status, said = response.status_code, self._said(response)
        came = f"the provider answered {status}" + (f": {said}" if said else "")
        if status < 400:
            return Redirected(self._failure(response, came, "Correct the connection's base_url."))
        if status == 429:
            wait = retry_after(response.headers.get("retry-after"), self._around.timing)
            return RateLimited(self._failure(response, came, "Run again later.", retry_after=wait))
        if status == 408 or status >= 500:
            return NothingSent(self._failure(response, came, "Run again later."))
        if status in (404, 405):
            return Redirected(
                self._failure(response, came, "Check that `base_url` leads to the right account.")
            )
        if status == 403:
            return Forbidden(self._failure(response, came, "Give the client the right to use this grant."))
        return Unauthorized(self._failure(response, came, _NEW_CREDENTIALS))

    def _said(self, response: httpx.Response) -> str:
        """`error` and `error_description` (RFC 6749, 5.2), as far as the provider keeps to it."""
        try:
            body = orjson.loads(response.content)
        except orjson.JSONDecodeError:
            return ""
        names = ("error", "error_description", "message")
        found = [body.get(name) for name in names] if isinstance(body, Mapping) else []
        return shorten(self._around.redactor.text(", ".join(each for each in found if isinstance(each, str))))

    def _failure(self, response: httpx.Response, came_back: str, remedy: str, **known: Any) -> Failure:
        url = self._around.redactor.text(str(response.request.url.copy_with(query=None)))
        attempted = f"getting a token by {self._auth.grant} (POST {shorten(url, 200)})"
        return Failure(attempted, came_back, remedy, status=response.status_code, endpoint="token", **known)
