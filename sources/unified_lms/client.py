"""The HTTP client of one connection: calls and pages of a manifest's endpoints, within its limits.

Thread-safe. Everything that decides what an answer means is in the manifest; everything here is the same for every
provider.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import orjson

from mappings import engine
from sources.unified_lms.answers import Answer, LimitState, Page, decimal, number_in
from sources.unified_lms.body import BodyReader
from sources.unified_lms.configured import Problem, setting_value
from sources.unified_lms.connection import Connection
from sources.unified_lms.errors import (
    BudgetExhausted,
    ClientClosed,
    ConfigurationError,
    Forbidden,
    Invalid,
    NoData,
    NotFound,
    NothingSent,
    PagingError,
    ProviderError,
    RateLimited,
    Retriable,
)
from sources.unified_lms.held import secrets_of, with_defaults
from sources.unified_lms.limits import Headroom, Limiter, Timing, backoff, exhausted, shared_limiter
from sources.unified_lms.manifest import Manifest, Without
from sources.unified_lms.manifest.model import Discover, Endpoint, LimitStatus
from sources.unified_lms.manifest.paging import Offsets, PageNumbers
from sources.unified_lms.pagination import PagingProblem, Seen, Step, pager
from sources.unified_lms.redaction import Redactor
from sources.unified_lms.stopping import Stop
from sources.unified_lms.templates import Variables, parse, setting_names, texts, windows_of
from sources.unified_lms.transport import Reply, Request, Transport
from sources.unified_lms.verdicts import Attempt, Judge

__all__ = ["Answer", "Client", "LimitState", "Page"]

log = logging.getLogger(__name__)

_NO_VARIABLES: Mapping[str, Any] = {}


class Client:
    """The client of one connection; a context manager.

    Threads of one process share the limiter of a provider and connection, unless one is given, or a `timing` of tests.
    """

    def __init__(
        self,
        manifest: Manifest,
        connection: Connection,
        *,
        limiter: Limiter | None = None,
        timing: Timing | None = None,
        tries: int = 5,
        max_wait: float = 120.0,
        stop: Stop | None = None,
    ) -> None:
        self.manifest = manifest
        self.connection = connection
        self._timing = timing or Timing()
        self._tries = tries
        self._max_wait = max_wait
        self._closed = threading.Event()
        self._stop = stop or Stop()
        self._configured = with_defaults(manifest, connection)
        self._redactor = Redactor(secrets_of(manifest, connection))
        self._body = BodyReader(manifest.secrets)
        self._judge = Judge(manifest, self._redactor, self._timing)
        self._limiter = limiter or self._make_limiter(shared=timing is None)
        self._transport = Transport(
            manifest,
            connection,
            self._variables(_NO_VARIABLES, self._configured),
            redactor=self._redactor,
            timing=self._timing,
        )
        self._lock = threading.Lock()
        self._settings: dict[str, Any] | None = None
        self._seeding = threading.Lock()
        self._seeded = manifest.limits.status is None
        self._counting = threading.Lock()
        self.requests_made = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections; requests that wait raise `ClientClosed`."""
        self._closed.set()
        self._transport.close()

    def now(self) -> float:
        """The present, in Unix seconds, by the clock that waits go by."""
        return self._timing.wall()

    @property
    def settings(self) -> dict[str, Any]:
        """Every setting: configured, else discovered (once, by asking the provider), else its default, else null."""
        with self._lock:
            if self._settings is None:
                self._settings = self._all_settings()
            return dict(self._settings)

    def _all_settings(self) -> dict[str, Any]:
        found = dict(self._configured)
        for name, setting in self.manifest.settings.items():
            if setting.discover and name not in self.connection.settings:
                found[name] = self._discovered(name, setting.discover)
        return found

    def missing(self) -> dict[str, Without]:
        """The settings without a value, and what the connection goes without for that."""
        declared = self.manifest.settings.items()
        return {
            name: setting.without
            for name, setting in declared
            if setting.without is not None and self.settings.get(name) is None
        }

    def call(self, endpoint: str, variables: Mapping[str, Any] = _NO_VARIABLES) -> Answer:
        """The answer of one request, sent again where that may help.

        `variables` are namespaces of placeholders: `parent`, `args`, `page`. Raises `ProviderError`,
        `BudgetExhausted`, `ConfigurationError` for a placeholder without a value, `ClientClosed` and `Stopped`.
        """
        return self._call(endpoint, variables, None)

    def preview(self, endpoint: str, variables: Mapping[str, Any] = _NO_VARIABLES) -> dict[str, Any]:
        """The request that `call` would send, as `method`, `url` and `body`, with secrets masked; nothing is sent.

        What the connection authorises itself with is added when a request is sent, and is not shown.
        """
        spec = self._endpoint(endpoint)
        filled = self._variables(variables, self._settings_for(spec))
        attempt = Attempt(endpoint, spec, self._redactor.text(self._transport.shown(spec, filled, None)))
        request = self._transport.request(spec, filled, None, attempt)
        body = None if request.content is None else self._redactor.credentials(request.content.decode())
        return {"method": spec.method, "url": self._redactor.credentials(str(request.url)), "body": body}

    def pages(
        self, endpoint: str, variables: Mapping[str, Any] = _NO_VARIABLES, start: Step | None = None
    ) -> Iterator[Page]:
        """The pages of an endpoint, each asked for when it is wanted. An answer that says "no data" ends them.

        They begin with `start`, the step of a page that was met before, else with the first.
        """
        spec = self._endpoint(endpoint)
        paging = pager(spec.paging, self._page_size(spec))
        step: Step | None = start or paging.first()
        number = 0
        while step is not None:
            number += 1
            try:
                answer = self._call(endpoint, {**variables, "page": dict(step.page)}, step.url)
            except NoData:
                return
            page = Page(answer, number, spec.records, step, lambda page: self._next(paging, page, endpoint))
            yield page
            step = page.following

    def forward(
        self, method: str, target: str, content: bytes | None = None, content_type: str | None = None
    ) -> Answer:
        """The answer to a request that no endpoint describes; `target` lies below the API's address, with its query.

        It goes to the connection's own origin only, within its limits, and what the manifest calls secret is cut out of
        the answer, which therefore has to be JSON. Raises as `call` does.
        """
        spec = Endpoint(method=method, path="/")
        attempt = Attempt("proxy", spec, self._redactor.text(target.partition("?")[0]))
        variables = self._variables(_NO_VARIABLES, self._configured)
        request = self._transport.forwarded(spec, variables, target, attempt, content, content_type)
        return self._answer(self._repeated(request, attempt), attempt)

    def headroom(self) -> Headroom | None:
        """What the connection's limits still allow; None where nothing is known of them."""
        return self._limiter.headroom()

    def seed_limits(self) -> LimitState | None:
        """Asks the provider for the state of its longest window, and keeps to it; None where it does not tell."""
        status = self.manifest.limits.status
        if status is None:
            return None
        with self._seeding:
            self._seeded = True
            return self._seed(status, self.call(status.endpoint).text)

    def _seed(self, status: LimitStatus, text: str) -> LimitState | None:
        limit = number_in(status.limit, text) if status.limit else None
        remaining, reset_at = number_in(status.remaining, text), number_in(status.reset_at, text)
        if remaining is None or reset_at is None:
            return None
        whole = None if limit is None else int(limit)
        resets_in = reset_at - self._timing.wall()
        self._limiter.seed(remaining=int(remaining), resets_in=resets_in, limit=self._cap(whole))
        return LimitState(whole, int(remaining), datetime.fromtimestamp(reset_at, UTC))

    def _cap(self, limit: int | None) -> int | None:
        """The provider's limit, unless the connection's own settings say one: the rest may be meant for others."""
        longest = max(self.manifest.limits.windows, key=lambda window: window.seconds)
        named = {name for text in texts(longest.requests) for name in setting_names(text)}
        return None if named & self.connection.settings.keys() else limit

    def _seed_once(self, variables: Mapping[str, Any]) -> None:
        """Before the first request of a fan-out, which may be of thousands; goes on where the state is not known."""
        if self._seeded or "parent" not in variables:
            return
        try:
            self.seed_limits()
        except (ProviderError, engine.ExpressionError) as error:
            log.info("%s: the state of the rate limit is not known: %s", self.connection.name, error)

    def _call(self, endpoint: str, variables: Mapping[str, Any], url: str | None) -> Answer:
        self._seed_once(variables)
        spec = self._endpoint(endpoint)
        filled = self._variables(variables, self._settings_for(spec))
        attempt = Attempt(endpoint, spec, self._redactor.text(self._transport.shown(spec, filled, url)))
        request = self._transport.request(spec, filled, url, attempt)
        return self._answer(self._repeated(request, attempt), attempt)

    def _repeated(self, request: Request, attempt: Attempt) -> tuple[Reply, str]:
        tried = 1
        while True:
            try:
                return self._attempt(request, attempt)
            except Retriable as error:
                failed = error
            wait = self._wait_after(failed, attempt, tried)
            if not _may_repeat(failed, attempt.spec) or tried >= self._tries:
                raise failed
            if wait > self._max_wait:
                raise exhausted(wait, self._max_wait, self._timing)
            if not isinstance(failed, RateLimited):  # that one waits with all others, in the limiter
                self.wait(wait)
            tried += 1

    def _attempt(self, request: Request, attempt: Attempt) -> tuple[Reply, str]:
        """One try: within the limits, answered, whole and no error."""
        with self._limiter.slot(self.wait, self._max_wait):
            with self._counting:
                self.requests_made += 1
            reply = self._transport.send(request, attempt)
            if reply.status >= 400:  # while the place is taken: who has it next must know of a pause
                return reply, self._pausing(reply, attempt)
        self._heed_headers(reply)
        return reply, self._judge.verdict(reply, self._body, attempt)

    def _pausing(self, reply: Reply, attempt: Attempt) -> str:
        """The verdict over a refusal, with the pause that it asks for."""
        self._heed_headers(reply)
        try:
            return self._judge.verdict(reply, self._body, attempt)
        except RateLimited as error:
            if error.retry_after is not None:
                self._limiter.pause(error.retry_after)
            raise

    def _wait_after(self, failed: Retriable, attempt: Attempt, tried: int) -> float:
        """Seconds until the next try; after a refusal for the rate limit, of anything on this connection."""
        wait = failed.retry_after
        if not isinstance(failed, RateLimited):
            return backoff(tried, self._timing.chance()) if wait is None else wait
        wait = self._until_reset(attempt) if wait is None else wait
        if wait is None:  # not the full jitter: all would try again at once and spoil it for one another
            wait = backoff(tried + 1, 0.5 + self._timing.chance() / 2)
        self._limiter.pause(wait)
        return wait

    def _until_reset(self, attempt: Attempt) -> float | None:
        """Seconds until the window begins anew, asked of the provider where its refusal does not say; None unknown."""
        status = self.manifest.limits.status
        if status is None or attempt.name == status.endpoint:
            return None
        spec = self._endpoint(status.endpoint)
        filled = self._variables(_NO_VARIABLES, self._configured)
        asking = Attempt(
            status.endpoint, spec, self._redactor.text(self._transport.shown(spec, filled, None))
        )
        try:
            _, text = self._attempt(self._transport.request(spec, filled, None, asking), asking)
            state = self._seed(status, text)
        except (ProviderError, BudgetExhausted, engine.ExpressionError):
            return None
        if state is None or state.remaining > 0:
            return None
        return max(0.0, state.resets_at.timestamp() - self._timing.wall())

    def _heed_headers(self, reply: Reply) -> None:
        """Waits before the next request where the vendor's headers say that nothing is left."""
        names = self.manifest.limits.headers
        remaining = decimal(reply.headers.get((names.remaining or "").lower()))
        if remaining is None:
            return
        wait = self._judge.reset_in(reply.headers)
        self._limiter.told(remaining, wait)
        if remaining < 1:
            self._limiter.pause(1.0 if wait is None else wait)

    def _answer(self, found: tuple[Reply, str], attempt: Attempt) -> Answer:
        reply, text = found
        return Answer(
            reply.status, reply.headers, text, attempt.url, datetime.fromtimestamp(self._timing.wall(), UTC)
        )

    def _next(self, paging: Any, page: Page, endpoint: str) -> Step | None:
        seen = Seen(page.answer.text, page.answer.headers, lambda: page.count)
        try:
            following: Step | None = paging.after(page.step, seen)
            return following
        except (PagingProblem, engine.ExpressionError) as problem:
            what = str(problem)
        attempt = Attempt(endpoint, self._endpoint(endpoint), page.answer.url)
        raise PagingError(
            attempt.failure(
                f"page {page.number} came, but {what}",
                "Correct the endpoint's paging in the manifest, or report it to the provider",
                status=page.answer.status,
            )
        )

    def _endpoint(self, name: str) -> Endpoint:
        try:
            return self.manifest.endpoints[name]
        except KeyError:
            raise ConfigurationError(f"{self.manifest.provider}: there is no endpoint {name!r}") from None

    def _page_size(self, spec: Endpoint) -> int | None:
        if not isinstance(spec.paging, (PageNumbers, Offsets)):
            return None
        size = spec.paging.size
        value = parse(size).value({"settings": self._settings_for(spec)}) if isinstance(size, str) else size
        return None if value is None else int(value)

    def _settings_for(self, spec: Endpoint) -> Mapping[str, Any]:
        """The settings, discovered ones only where the endpoint uses one: discovering calls endpoints itself."""
        dumped = spec.model_dump(include={"path", "query", "form", "json_", "headers", "paging"})
        used = {name for text in texts(dumped) if "{settings." in text for name in setting_names(text)}
        discovered = {name for name, setting in self.manifest.settings.items() if setting.discover}
        return self.settings if used & discovered else self._configured

    def _variables(self, variables: Mapping[str, Any], settings: Mapping[str, Any]) -> Variables:
        connection = {"name": self.connection.name, "base_url": self.connection.base_url}
        own = {"connection": connection, "credentials": self.connection.credentials, "settings": settings}
        return {**variables, **own}

    def _discovered(self, name: str, discover: Discover) -> Any:
        setting = self.manifest.settings[name]
        try:
            text = self.call(discover.endpoint).text
            found = engine.compile(discover.value).evaluate_json(text)
            value = None if found is None else orjson.loads(found)
            return setting.default if value is None else setting_value(setting, value)
        except (Forbidden, NotFound, NoData, Invalid, Problem, engine.ExpressionError) as error:
            log.info(
                "%s: the setting %s cannot be read from the provider: %s", self.connection.name, name, error
            )
            return setting.default

    def _make_limiter(self, *, shared: bool) -> Limiter:
        limits = self.manifest.limits
        windows = windows_of(limits.windows, {"settings": self._configured})
        if shared:
            key = (self.manifest.provider, self.connection.name, self.connection.base_url)
            return shared_limiter(key, windows, limits.concurrency)
        return Limiter(windows, concurrency=limits.concurrency, max_wait=self._max_wait, timing=self._timing)

    def wait(self, seconds: float) -> None:
        """Waits, unless the client is closed (`ClientClosed`) or the run is stopped (`Stopped`)."""
        if self._timing.sleep is not None:
            self._timing.sleep(seconds)
        else:
            self._stop.wait(self._closed, seconds)
        self._stop.check()
        if self._closed.is_set():
            raise ClientClosed(f"{self.connection.name}: the client was closed while a request waited")


def _may_repeat(failed: Retriable, spec: Endpoint) -> bool:
    return spec.may_repeat or isinstance(failed, NothingSent)
