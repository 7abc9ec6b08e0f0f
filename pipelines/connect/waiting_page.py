"""Waiting, in a terminal, for the browser that comes back from the provider."""

from __future__ import annotations

from queue import Empty, Queue

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from pipelines.connect.guard import Guard, come_back
from pipelines.connect.loopback import CALLBACK, Loopback
from pipelines.connect.page import simple
from sources.unified_lms.authorization_code import Authorization
from sources.unified_lms.errors import AuthorizationFailed, LmsError
from sources.unified_lms.tokens import Token


def wait_for_grant(loopback: Loopback, authorization: Authorization, seconds: float) -> Token:
    """The token that a person grants in the browser.

    Raises `AuthorizationFailed` where the answer is no or none comes in time, and what the exchange of the code raises.
    """
    found: Queue[Token | LmsError] = Queue()

    def granted(token: Token) -> Response:
        page = simple("Access was granted", "The terminal goes on. You may close this page.")
        return HTMLResponse(page, background=BackgroundTask(found.put, token))

    def failed(error: LmsError) -> Response:
        return HTMLResponse(simple("Not connected", str(error)), background=BackgroundTask(found.put, error))

    def answer(request: Request) -> Response:
        return come_back(request, authorization, granted, failed)

    app = Guard(Starlette(routes=[Route(CALLBACK, answer)]), loopback.origin)
    with loopback.serve(app):
        try:
            result = found.get(timeout=seconds)
        except Empty:
            raise AuthorizationFailed(
                f"Nobody granted access within {seconds:g} seconds. Run the command again."
            ) from None
    if isinstance(result, LmsError):
        raise result
    return result
