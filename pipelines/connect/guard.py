"""What holds for every answer on the loopback port: who may ask, and what the browser may do with it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipelines.connect.page import STYLE, simple
from sources.unified_lms.authorization_code import Authorization
from sources.unified_lms.errors import AnswerRefused, LmsError
from sources.unified_lms.tokens import Token

_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""On every answer: no script, nothing from elsewhere, no frame, nothing kept, no address told to another site."""


class Guard:
    """Lets nothing through that was sent to another host's name (DNS rebinding) or by another site's form."""

    def __init__(self, app: ASGIApp, origin: str) -> None:
        self._app = app
        self._origin = origin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        refusal = self._refusal(scope["method"], Headers(scope=scope)) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, guarded)

    def _refusal(self, method: str, headers: Headers) -> Response | None:
        if headers.get("host") != self._origin.removeprefix("http://"):
            return HTMLResponse(simple("Wrong address", f"This page is at {self._origin} only."), 421)
        if method not in ("GET", "HEAD") and headers.get("origin", self._origin) != self._origin:
            return HTMLResponse(simple("Not allowed", "The form was sent by another site."), 403)
        return None


def come_back(
    request: Request,
    authorization: Authorization | None,
    granted: Callable[[Token], Response],
    failed: Callable[[LmsError], Response],
) -> Response:
    """The answer to a browser that comes back from the provider: its code is exchanged, if it is ours, and once."""
    if authorization is None:
        return HTMLResponse(simple("Nothing to do", "Nothing waits for this answer."), 404)
    try:
        token = authorization.exchange(authorization.code(dict(request.query_params)))
    except AnswerRefused as error:
        return HTMLResponse(simple("Not used", str(error)), 400)
    except LmsError as error:
        return failed(error)
    return granted(token)
