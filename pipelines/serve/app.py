"""The ASGI application: routes, each of which finds out what is wanted and hands it to a thread."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from mappings.model import RESOURCES
from pipelines.connection_state import ConnectionState, glance_at_states
from pipelines.environment import target
from pipelines.output import to_json
from pipelines.serve import proxy, reading, writing
from pipelines.serve.access import allow, allow_proxy
from pipelines.serve.cursors import Cursors
from pipelines.serve.document import document
from pipelines.serve.errors import ApiError, body, refusal
from pipelines.serve.guard import Guard
from pipelines.serve.keys import Key, KeyStore
from pipelines.serve.options import Wanted, connection_of, wanted
from pipelines.serve.pool import Opened, Pool, describe
from pipelines.serve.settings import ServeSettings
from pipelines.serve.workers import Workers
from pipelines.serve.writing import Repeats, Write
from sources.unified_lms.client import Answer, Client
from sources.unified_lms.errors import LmsError

_JSON, _LINES = "application/json", "application/x-ndjson"
_WRITES = {"POST": "create", "PATCH": "update", "DELETE": "delete"}


class Service:
    """What the routes share, from the start of the server to its end."""

    def __init__(self, settings: ServeSettings) -> None:
        self.settings = settings
        self.keys = KeyStore(settings.folder)
        self.cursors = Cursors(settings.folder)
        self.repeats = Repeats()
        self.workers = Workers(settings)
        self.pool = Pool(
            lambda manifest, connection: Client(
                manifest, connection, tries=settings.tries, max_wait=settings.max_wait
            )
        )

    def close(self) -> None:
        """Ends what is open."""
        self.keys.flush()
        self.pool.close()
        self.workers.close()

    async def answer(self, connection: str, make: Callable[[Opened], Response]) -> Response:
        """What a call makes of an open connection, on a thread, with what the provider's limit still allows."""

        def call() -> Response:
            allowed: dict[str, str] = {}
            try:
                with self.pool.use(connection) as opened:
                    try:
                        answer = make(opened)
                    finally:
                        allowed = limits(opened)
            except Exception as error:
                raise _Refused(error, allowed) from error
            answer.headers.update(allowed)
            return answer

        return await self.workers.run(connection, call)


class _Refused(Exception):
    """An error, and the headers that its answer has."""

    def __init__(self, error: Exception, headers: dict[str, str]) -> None:
        super().__init__()
        self.error, self.headers = error, headers


def create_app(settings: ServeSettings) -> Guard:
    """The application, its guard around it."""
    service = Service(settings)
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, lifespan=_lifespan(service))
    app.router.redirect_slashes = False
    for resource in RESOURCES:
        path = f"/unified/lms/{resource.replace('_', '-')}"
        app.add_route(path, _route(service, resource, {"GET": _list, "POST": _write}), ["GET", "POST"])
        handlers: dict[str, _Handler] = {"GET": _get, "PATCH": _write, "DELETE": _write}
        app.add_route(f"{path}/{{id:path}}", _route(service, resource, handlers), [*handlers])
    app.add_route("/proxy/{path:path}", partial(_proxy, service), list(proxy.METHODS))
    app.add_route("/connections", partial(_connections, service), ["GET"])
    app.add_route("/openapi.json", _document, ["GET"])
    app.add_route("/health", _health, ["GET"])
    app.add_route("/ready", partial(_ready, service), ["GET"])
    for kind in (ApiError, LmsError, _Refused, HTTPException, Exception):
        app.add_exception_handler(kind, _refuse)
    return Guard(app, service.keys, settings)


_Handler = Callable[[Service, Request, str], Awaitable[Response]]


def _lifespan(service: Service) -> Any:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        service.close()

    return lifespan


def _route(service: Service, resource: str, handlers: dict[str, _Handler]) -> Any:
    async def route(request: Request) -> Response:
        return await handlers[_verb(request)](service, request, resource)

    return route


def _verb(request: Request) -> str:
    """The method; HEAD is GET, whose body the server keeps to itself."""
    return "GET" if request.method == "HEAD" else request.method


async def _refuse(_: Request, error: Exception) -> Response:
    headers: dict[str, str] = {}
    if isinstance(error, _Refused):
        headers, error = error.headers, error.error
    if isinstance(error, HTTPException):
        content, status = body(error.status_code, str(error.detail)), error.status_code
        return _json(content, status, {**headers, **dict(error.headers or {})})
    status, content, own = refusal(error)
    return _json(content, status, {**headers, **own})


def _json(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(to_json(content).encode(), status, headers, _JSON)


def _key(request: Request) -> Key:
    found: Key = request.scope["state"]["key"]
    return found


def limits(opened: Opened) -> dict[str, str]:
    """The headers that say what the connection's limits still allow; none where nothing is known."""
    left = opened.client.headroom()
    if left is None:
        return {}
    found = {
        "ratelimit-remaining": str(left.remaining),
        "ratelimit-reset": str(math.ceil(left.resets_in)),
    }
    if left.limit is None:
        return found
    window = "" if left.seconds is None else f";w={max(1, round(left.seconds))}"
    return {"ratelimit-limit": f"{left.limit}{window}", **found}


# -- unified -----------------------------------------------------------------------------------------


async def _list(service: Service, request: Request, resource: str) -> Response:
    asked = wanted(resource, request.query_params.multi_items())
    _allow_read(_key(request), asked)
    as_lines = _LINES in request.headers.get("accept", "")
    if as_lines or asked.whole:
        return await _stream(service, asked, as_lines)
    seconds = service.settings.page_seconds
    return await service.answer(
        asked.connection,
        lambda opened: Response(reading.page(opened, asked, service.cursors, seconds), 200, None, _JSON),
    )


def _allow_read(key: Key, asked: Wanted) -> None:
    allow(key, "read", asked.connection, asked.resource)
    if asked.remote:  # nobody looks at what they make the provider do
        allow(key, "proxy", asked.connection, asked.resource)


async def _stream(service: Service, asked: Wanted, as_lines: bool) -> Response:
    if asked.key_by is not None:
        raise ApiError(400, "key_by is for pages; a streamed list has no place for it")
    open_until = ExitStack()
    opened = await service.workers.run(
        asked.connection, lambda: open_until.enter_context(service.pool.use(asked.connection))
    )
    make = reading.lines if as_lines else reading.whole
    pieces = reading.in_pieces(make(opened, asked, service.cursors))
    try:
        stream = await service.workers.stream(asked.connection, pieces, open_until.close)
    except Exception as error:
        raise _Refused(error, limits(opened)) from error
    return StreamingResponse(stream, 200, limits(opened), _LINES if as_lines else _JSON)


async def _get(service: Service, request: Request, resource: str) -> Response:
    asked = wanted(resource, request.query_params.multi_items(), one=True)
    _allow_read(_key(request), asked)
    record_id = str(request.path_params["id"])
    return await service.answer(
        asked.connection, lambda opened: Response(reading.one(opened, asked, record_id), 200, None, _JSON)
    )


async def _write(service: Service, request: Request, resource: str) -> Response:
    connection, rest = connection_of(request.query_params.multi_items())
    if rest:
        raise ApiError(400, f"a write takes no parameter {rest[0][0]!r}")
    operation, key = _WRITES[request.method], _key(request)
    request.scope["state"]["connection"] = connection
    allow(key, operation, connection, resource)
    repeat = writing.idempotency_key(request.headers.get("idempotency-key"))
    request.scope["state"]["idempotency_key"] = repeat
    payload = None if operation == "delete" else writing.payload_of(await request.body())
    write = Write(operation, connection, resource, request.path_params.get("id"), payload, repeat)

    def make(opened: Opened) -> Response:
        do = partial(writing.perform, opened, write)
        status, content, headers = service.repeats.once(key.id, write, do)
        return _json(content, status, headers)

    return await service.answer(connection, make)


# -- beside it ---------------------------------------------------------------------------------------


async def _proxy(service: Service, request: Request) -> Response:
    connection, rest = connection_of(request.query_params.multi_items())
    request.scope["state"]["connection"] = connection
    method = _verb(request)
    allow_proxy(_key(request), method, connection)
    target = proxy.target(request.scope["raw_path"], rest)
    content = await request.body() if method not in ("GET", "DELETE") else None
    sent = request.headers.get("content-type")
    return await service.answer(
        connection,
        lambda opened: _forwarded(opened, opened.client.forward(method, target, content or None, sent)),
    )


def _forwarded(opened: Opened, answer: Answer) -> Response:
    if answer.status in (204, 205):
        return Response(status_code=answer.status)
    link = proxy.next_page(answer, opened.connection, opened.manifest.api.path)
    return Response(answer.text.encode(), answer.status, {"link": link} if link else None, _JSON)


async def _connections(service: Service, request: Request) -> Response:
    key = _key(request)

    def call() -> Response:
        names = [name for name in service.pool.names() if key.connections is None or name in key.connections]
        known = glance_at_states(target())
        return _json({"result": [_connection(service.pool, name, known.get(name)) for name in names]})

    return await service.workers.run("", call)


def _connection(pool: Pool, name: str, known: ConnectionState | None) -> dict[str, Any]:
    """A connection with the latest that is known of it: by requests of this server, or by the warehouse."""
    state, at = pool.state(name)
    when = None if at is None else datetime.fromtimestamp(at, UTC)
    if known is not None and (when is None or known.checked_at > when):
        state, when = known.state, known.checked_at
    try:
        found = pool.look(name, describe)
    except LmsError:
        return {"id": name, "state": "validation_error", "checked_at": None}
    return {"id": name, "state": state or "configured", "checked_at": when, **found}


async def _document(_: Request) -> Response:
    return _json(document(version("unified-lms")))


async def _health(_: Request) -> Response:
    return _json({"status": "ok"})


async def _ready(service: Service, _: Request) -> Response:
    def call() -> Response:
        service.keys.all()
        if not service.pool.names():
            raise ApiError(503, "no connection is configured")
        return _json({"status": "ready"})

    return await service.workers.run("", call)
