"""The authorisation server of the Canvas sandbox: a page where a person says yes or no, and codes for tokens.

`/login/oauth2/auth` and `/login/oauth2/token` are the vendor's; what lies between them is a page of ours. A code is
good once, for a while, for the redirect address and the PKCE challenge that it was made for (RFC 6749, 4.1; RFC 7636;
RFC 8252). That a real Canvas wants a challenge is UNCONFIRMED; it takes one.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from sources.unified_lms.sandbox.dialects.canvas_options import CanvasOptions
from sources.unified_lms.sandbox.dialects.canvas_tokens import CanvasTokens

AREA = "/login/oauth2/"
_LOOPBACK = ("127.0.0.1", "::1")
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Authorize</title>
<link rel="icon" href="data:,"></head>
<body><h1>Authorize the app?</h1>
<form method="post" action="/login/oauth2/accept">
<input type="hidden" name="request" value="{request}">
<button id="authorize" name="answer" value="yes">Authorize</button>
<button id="cancel" name="answer" value="no">Cancel</button>
</form></body></html>
"""


class Refused(Exception):
    """A request for a token, or for the page, that is refused: status, an error's name and its description."""

    def __init__(self, status: int, name: str, description: str) -> None:
        """The name is one of RFC 6749, 5.2."""
        super().__init__(description)
        self.status = status
        self.name = name


@dataclass(frozen=True)
class Asked:
    """What an app asked a person for."""

    redirect_uri: str
    state: str
    challenge: str
    since: float

    def back(self, **parameters: str) -> Response:
        """The answer that sends the browser back to the app."""
        query = urlencode({**parameters, "state": self.state})
        return RedirectResponse(f"{self.redirect_uri}?{query}", 302)


class CanvasAuthorization:
    """Everything under `/login/oauth2/`. For any thread."""

    def __init__(self, options: CanvasOptions, tokens: CanvasTokens) -> None:
        """Starts with nobody asked."""
        self._options = options
        self._tokens = tokens
        self._waiting: dict[str, Asked] = {}
        self._codes: dict[str, Asked] = {}
        self._used: dict[str, str] = {}
        self._lock = Lock()

    def answer(self, request: Request, body: str) -> Response:
        """The answer to a request in the area."""
        form = dict(parse_qsl(body, keep_blank_values=True))
        try:
            with self._lock:
                return self._route(request, form)
        except Refused as refused:
            content = {"error": refused.name, "error_description": str(refused)}
            return _json(refused.status, content)

    def _route(self, request: Request, form: Mapping[str, str]) -> Response:
        match request.method, request.url.path.removeprefix(AREA):
            case "GET", "auth":
                return self._ask(dict(parse_qsl(request.url.query, keep_blank_values=True)))
            case "POST", "accept":
                return self._decide(form)
            case "POST", "token":
                return _json(200, self._token(form))
            case "DELETE", "token":
                self._tokens.revoke(request.headers.get("authorization", "").removeprefix("Bearer "))
                return _json(200, {})
        raise Refused(404, "not_found", "There is nothing at this address")

    # -- the page ----------------------------------------------------------------------------------

    def _ask(self, query: Mapping[str, str]) -> Response:
        """The page; a client or a redirect address that is not known is told here, and never sent back to."""
        if query.get("client_id") != self._options.client_id:
            raise Refused(401, "invalid_client", "unknown client")
        redirect = query.get("redirect_uri", "")
        if not any(_same(redirect, known) for known in self._options.redirect_uris):
            raise Refused(400, "invalid_request", "redirect_uri does not match client settings")
        asked = Asked(
            redirect, query.get("state", ""), query.get("code_challenge", ""), self._options.clock()
        )
        if problem := self._problem(query):
            return asked.back(error=problem)
        identifier = secrets.token_urlsafe(16)
        self._waiting[identifier] = asked
        return HTMLResponse(_PAGE.format(request=escape(identifier)))

    def _problem(self, query: Mapping[str, str]) -> str | None:
        if query.get("response_type") != "code":
            return "unsupported_response_type"
        if not query.get("code_challenge") or query.get("code_challenge_method") != "S256":
            return "invalid_request"
        allowed = self._options.scopes
        wanted = set(query.get("scope", "").split())
        return "invalid_scope" if allowed is not None and not (wanted and wanted <= allowed) else None

    def _decide(self, form: Mapping[str, str]) -> Response:
        asked = self._waiting.pop(form.get("request", ""), None)
        if asked is None:
            raise Refused(400, "invalid_request", "this page was answered already")
        if form.get("answer") != "yes":
            return asked.back(error="access_denied", error_description="The user denied the request")
        code = secrets.token_urlsafe(24)
        self._codes[code] = asked
        return asked.back(code=code)

    # -- tokens ------------------------------------------------------------------------------------

    def _token(self, form: Mapping[str, str]) -> dict[str, Any]:
        if form.get("grant_type") != "authorization_code":
            return self._tokens.issue(form)
        options = self._options
        if (form.get("client_id"), form.get("client_secret")) != (options.client_id, options.client_secret):
            raise Refused(401, "invalid_client", "client authentication failed")
        code = form.get("code", "")
        if code in self._used:  # RFC 6749, 4.1.2: what a code brought is taken back when it comes again
            self._tokens.revoke(self._used[code])
        self._fits(self._codes.pop(code, None), form)
        answer = self._tokens.grant()
        self._used[code] = answer["access_token"]
        return answer

    def _fits(self, asked: Asked | None, form: Mapping[str, str]) -> None:
        """Raises `Refused` unless a code was given, and for this request."""
        if asked is None:
            raise Refused(400, "invalid_grant", "authorization_code not found")
        if self._options.clock() > asked.since + self._options.code_seconds:
            raise Refused(400, "invalid_grant", "authorization_code has expired")
        if form.get("redirect_uri") != asked.redirect_uri:
            raise Refused(400, "invalid_grant", "redirect_uri does not match the one that was asked with")
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != asked.challenge:
            raise Refused(400, "invalid_grant", "code_verifier does not match the challenge")


def _same(given: str, known: str) -> bool:
    """Whether an address is the registered one; on loopback any port will do (RFC 8252, 7.3)."""
    try:
        one, other = urlsplit(given), urlsplit(known)
        ports = (one.port, other.port)
    except ValueError:
        return False
    if (one.scheme, one.hostname, one.path, one.query) != (
        other.scheme,
        other.hostname,
        other.path,
        other.query,
    ):
        return False
    return one.hostname in _LOOPBACK or ports[0] == ports[1]


def _json(status: int, body: Any) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")
