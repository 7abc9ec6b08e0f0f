"""Requests for OAuth 2.0 tokens (RFC 6749) as a manifest describes them, and what the answers say."""

from __future__ import annotations

from collections.abc import Mapping
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

_TIMEOUT = httpx.Timeout(30.0, connect=10.0).as_dict()
_NEW_CREDENTIALS = "The connection needs new credentials."


@dataclass(frozen=True)
class Surroundings:
    """What a flow needs of the client that it serves."""

    store: TokenStore = field(default_factory=MemoryTokens)
    redactor: Redactor = field(default_factory=Redactor)
    timing: Timing = field(default_factory=Timing)


class TokenRequests:
    """Makes requests for tokens, by the grant of an entry of `auth` or by another, and reads the answers."""

    def __init__(self, auth: OAuth2, around: Surroundings, grant: str | None = None) -> None:
        self._auth = auth
        self._around = around
        self._grant = grant or auth.grant

    def request(self, variables: Variables, fields: Mapping[str, Any] | None = None) -> httpx.Request:
        """The request for a token; `fields` take the place of the manifest's `form` or `json`."""
        auth = self._auth
        headers = {"Accept": "application/json"}
        headers |= {name: parse(text).text(variables) for name, text in auth.headers.items()}
        tree = {"grant_type": self._grant} | dict(auth.fields if fields is None else fields)
        if auth.json_:
            body = orjson.dumps(render(tree, variables))
            headers["Content-Type"] = "application/json"
        else:
            body = urlencode(form_pairs(tree, variables)).encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        url = parse(auth.token_url).text(variables)
        request = httpx.Request("POST", url, headers=headers, content=body, extensions={"timeout": _TIMEOUT})
        return self._with_basic(request, variables)

    def token(self, response: httpx.Response, kept: str | None = None) -> Token:
        """The token that an answer holds, with `kept` for the refresh token where the answer has none.

        Raises a `ProviderError` for a refusal and for an answer without a token.
        """
        body = self._body(response)
        access, refresh = self._text(self._auth.token, body), self._text(self._auth.refresh_token, body)
        if not access:
            raise Unexpected(
                self._failure(response, "the answer holds no token", "Correct `token` in the manifest.")
            )
        token = Token(access, self._ends(body), refresh or kept)
        self.hide(token)
        return token

    def hide(self, token: Token) -> None:
        """Lets no message show a token."""
        self._around.redactor.learn(filter(None, (token.access_token, token.refresh_token)))

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
        attempted = f"getting a token by {self._grant} (POST {shorten(url, 200)})"
        return Failure(attempted, came_back, remedy, status=response.status_code, endpoint="token", **known)
