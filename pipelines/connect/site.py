"""The local page: the steps from a provider's name to a connection, for one browser, in one process.

The address that opens it is good once and gives the browser a cookie; whoever has no cookie sees nothing, and whatever
changes something needs the form's own token as well. What was entered stays in this process.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from threading import Event, Lock
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from pipelines.connect import page
from pipelines.connect.attempt import Attempt, Outcome
from pipelines.connect.guard import Guard, come_back
from pipelines.connect.loopback import CALLBACK, Loopback
from pipelines.connect.questions import Way
from sources.unified_lms.authorization_code import Authorization
from sources.unified_lms.connection import Connection
from sources.unified_lms.errors import LmsError
from sources.unified_lms.tokens import Token

BODY_LIMIT = 64 * 1024
"""Bytes that a form may have."""

Form = Mapping[str, str]


class Site:
    """The page for the connection `name`; `begin` starts the attempt once the provider is known.

    `done` is set when the last page was sent; `outcome` is what came of it, None where it was given up.
    """

    def __init__(
        self,
        name: str,
        providers: Mapping[str, str],
        begin: Callable[[str], Attempt],
        loopback: Loopback,
        way: str | None = None,
    ) -> None:
        self.outcome: Outcome | None = None
        self.done = Event()
        self._name = name
        self._providers = providers
        self._begin = begin
        self._loopback = loopback
        self._first_way = way
        self._opening = secrets.token_urlsafe(32)
        self._session = secrets.token_urlsafe(32)
        self._csrf = secrets.token_urlsafe(32)
        self._opened = False
        self._lock = Lock()
        self._attempt: Attempt | None = None
        self._restart()
        if len(providers) == 1:
            self._choose_provider(next(iter(providers)))

    def _begun_again(self, form: Form) -> None:
        self._restart()

    def _restart(self) -> None:
        """Forgets what was entered, but for the provider."""
        self._way: Way | None = None
        self._answers: dict[str, str] = {}
        self._problems: dict[str, str] = {}
        self._notice: str | None = None
        self._pending: tuple[Authorization, Connection, dict[str, object]] | None = None
        if self._attempt:
            self._choose_only_way(self._attempt)

    @property
    def address(self) -> str:
        """What opens the page, once."""
        return f"{self._loopback.origin}/open/{self._opening}"

    @property
    def app(self) -> ASGIApp:
        """The page as an ASGI app."""
        routes = [
            Route("/open/{token}", self._open),
            Route("/", self._show),
            Route("/", self._post, methods=["POST"]),
            Route(CALLBACK, self._come_back),
        ]
        return Guard(Starlette(routes=routes), self._loopback.origin)

    # -- who may -----------------------------------------------------------------------------------

    @property
    def _cookie(self) -> str:
        return f"lms_connect_{self._loopback.origin.rpartition(':')[2]}"

    def _open(self, request: Request) -> Response:
        """Gives the first browser that has the address its cookie. `lax`: it has to come along from the provider."""
        given = request.path_params["token"]
        with self._lock:
            good = not self._opened and secrets.compare_digest(given.encode(), self._opening.encode())
            self._opened = self._opened or good
        if not good:
            return _refuse("The address is good once; run `lms connect` again for another.")
        response = RedirectResponse("/", 303)
        response.set_cookie(self._cookie, self._session, httponly=True, samesite="lax", path="/")
        return response

    def _is_ours(self, request: Request) -> bool:
        given = request.cookies.get(self._cookie, "")
        return secrets.compare_digest(given.encode(), self._session.encode())

    # -- the steps ---------------------------------------------------------------------------------

    def _show(self, request: Request) -> Response:
        if not self._is_ours(request):
            return _refuse("Open the address that `lms connect` has printed.")
        with self._lock:
            return self._page(422 if self._problems else 200)

    async def _post(self, request: Request) -> Response:
        if not self._is_ours(request):
            return _refuse("Open the address that `lms connect` has printed.")
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > BODY_LIMIT:
                return _refuse("That is too much for a form.", 413)
        form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        if not secrets.compare_digest(form.get("csrf", "").encode(), self._csrf.encode()):
            return _refuse("The form is not of this page.")
        return await run_in_threadpool(self._step, form)

    def _step(self, form: Form) -> Response:
        steps: dict[str, Callable[[Form], None]] = {
            "provider": self._provider_chosen,
            "way": self._way_chosen,
            "values": self._answered,
            "restart": self._begun_again,
        }
        with self._lock:
            if self.outcome is not None:
                return RedirectResponse("/", 303)
            if form.get("step") == "cancel":
                return self._last("Given up", "Nothing was stored. You may close this page.")
            self._problems, self._notice = {}, None
            try:
                if step := steps.get(form.get("step", "")):
                    step(form)
            except LmsError as error:
                self._notice = str(error)
            return self._page(422) if self._problems or self._notice else RedirectResponse("/", 303)

    def _provider_chosen(self, form: Form) -> None:
        if self._attempt is None and form.get("provider") in self._providers:
            self._choose_provider(form["provider"])

    def _choose_provider(self, provider: str) -> None:
        self._attempt = self._begin(provider)
        self._choose_only_way(self._attempt)

    def _choose_only_way(self, attempt: Attempt) -> None:
        if self._first_way or len(attempt.ways) == 1:
            self._way = attempt.way(self._first_way)

    def _way_chosen(self, form: Form) -> None:
        if self._attempt:
            self._way = self._attempt.way(form.get("way"))

    def _answered(self, form: Form) -> None:
        """Takes the answers; what was entered before stays where a secret's field is empty."""
        if self._attempt is None or self._way is None:
            return
        asked = self._attempt.asked(self._way)
        for question in asked:
            given = form.get(question.key, "")
            if given or not question.secret:
                self._answers[question.key] = given
        values, self._problems = self._attempt.values(self._way, self._answers)
        if self._problems:
            return
        connection = self._attempt.connection(self._way, values)
        if self._way.authorizes:
            authorization = self._attempt.authorization(connection, self._loopback.redirect_uri)
            self._pending = (authorization, connection, values)
        else:
            self._finish(connection, values)

    def _finish(
        self, connection: Connection, values: Mapping[str, object], token: Token | None = None
    ) -> None:
        assert self._attempt is not None  # noqa: S101 - for the type checker
        outcome = self._attempt.finish(connection, values, token)
        if outcome.stored:
            self.outcome = outcome
        else:
            self._notice = f"The provider was asked, and nothing was stored: {outcome.message}"

    def _come_back(self, request: Request) -> Response:
        """The browser comes back from the provider; a second one finds the attempt used up."""
        pending = self._pending

        def granted(token: Token) -> Response:
            with self._lock:
                self._pending = None
                try:
                    if pending:
                        self._finish(pending[1], pending[2], token)
                except LmsError as error:
                    self._notice = str(error)
            return RedirectResponse("/", 303)

        def failed(error: LmsError) -> Response:
            with self._lock:
                self._pending, self._notice = None, str(error)
            return RedirectResponse("/", 303)

        return come_back(request, pending[0] if pending else None, granted, failed)

    # -- the pages ---------------------------------------------------------------------------------

    def _page(self, status: int) -> Response:
        if self.outcome is not None:
            text = f"{self._name} is {self.outcome.state}, and stored. You may close this page."
            return self._last("Connected", text if self.outcome.message is None else self.outcome.message)
        title, content = self._content()
        failed = bool(self._problems or self._notice)
        shown = page.alert(self._problems, self._notice) + content
        return HTMLResponse(page.document(f"Error: {title}" if failed else title, shown), status)

    def _content(self) -> tuple[str, str]:
        attempt = self._attempt
        if attempt is None:
            options = list(self._providers.items())
            chosen = page.choice("provider", "Which provider?", options)
            return f"Connect {self._name}", page.form("provider", self._csrf, chosen, "Go on")
        title = f"Connect {self._name} to {attempt.manifest.title}"
        if self._way is None:
            return title, page.form("way", self._csrf, page.ways(attempt.ways), "Go on")
        if self._pending:
            return title, page.grant(
                self._csrf, attempt.manifest.title, self._pending[0].address, self._loopback.redirect_uri
            )
        asked = attempt.asked(self._way)
        answers = {**attempt.given, **self._answers}
        held = [
            one.key for one in asked if one.secret and (self._answers.get(one.key) or attempt.is_kept(one))
        ]
        held += [one.key for one in asked if not one.secret and attempt.is_kept(one)]
        drawn = page.fields(asked, answers, self._problems, held)
        action = "Go on" if self._way.authorizes else "Check and store"
        return title, page.form("values", self._csrf, drawn, action)

    def _last(self, title: str, text: str) -> Response:
        """The page after which there is none: the server ends once it was sent."""
        return HTMLResponse(page.simple(title, text), background=BackgroundTask(self.done.set))


def _refuse(text: str, status: int = 403) -> Response:
    return HTMLResponse(page.simple("Not allowed", text), status)
