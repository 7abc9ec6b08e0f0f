"""OAuth 2.0 (RFC 6749): tokens asked for, kept, and renewed once when the provider no longer takes them."""

from __future__ import annotations

import threading
from collections.abc import Generator

import httpx

from mappings import engine
from sources.unified_lms.manifest.authorization import OAuth2
from sources.unified_lms.templates import Variables
from sources.unified_lms.token_requests import Surroundings, TokenRequests
from sources.unified_lms.tokens import Token

_EARLY = 60.0
"""Seconds before its end from which a token is renewed: an answer may take as long."""

Flow = Generator[httpx.Request, httpx.Response, None]
Exchange = Generator[httpx.Request, httpx.Response, Token]


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
        self._requests = TokenRequests(auth, around)
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
                self._requests.hide(stored)
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
        response = yield self._requests.request(self._variables_with(kept))
        return self._requests.token(response, kept)

    def _variables_with(self, refresh_token: str | None) -> Variables:
        if refresh_token is None:
            return self._variables
        credentials = {**(self._variables.get("credentials") or {}), "refresh_token": refresh_token}
        return {**self._variables, "credentials": credentials}
