"""A Canvas, REST API v1: bearer tokens, pages behind links, a bucket of costs, permissions and scopes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from sources.unified_lms.sandbox.dialects.canvas_authorize import AREA, CanvasAuthorization
from sources.unified_lms.sandbox.dialects.canvas_calls import (
    NO_SCOPE,
    NOT_ALLOWED,
    NOT_FOUND,
    Call,
    CanvasError,
    Route,
    messages,
    parse_body,
)
from sources.unified_lms.sandbox.dialects.canvas_enrollments import (
    LISTED_BY_DEFAULT,
    CanvasEnrollments,
)
from sources.unified_lms.sandbox.dialects.canvas_options import CanvasOptions
from sources.unified_lms.sandbox.dialects.canvas_pages import CanvasPages
from sources.unified_lms.sandbox.dialects.canvas_searches import matching
from sources.unified_lms.sandbox.dialects.canvas_tokens import CanvasTokens
from sources.unified_lms.sandbox.dialects.canvas_wire import CanvasWire, modules_of, stringified
from sources.unified_lms.sandbox.dialects.canvas_writes import CanvasWrites
from sources.unified_lms.sandbox.entities import Course, Person
from sources.unified_lms.sandbox.faults import credentials_expired
from sources.unified_lms.sandbox.limits import LeakyBucket
from sources.unified_lms.sandbox.world import NotFoundError, World

STRING_IDS = "application/json+canvas-string-ids"
_REALM = {"WWW-Authenticate": 'Bearer realm="canvas-lms"'}


NO_PROGRESS = (
    "no progress available because this course is not module based (has modules and module completion requirements) "
    "or the user is not enrolled as a student in this course"
)


class Canvas:
    """The dialect; options are those of `CanvasOptions`, as keywords."""

    def __init__(self, world: World, **options: Any) -> None:
        """Starts with no call counted."""
        self._world = world
        self._options = CanvasOptions(**options)
        self._wire = CanvasWire(world, self._options)
        self._enrollments = CanvasEnrollments(world, self._wire)
        self._tokens = CanvasTokens(self._options)
        self._authorization = CanvasAuthorization(self._options, self._tokens)
        self._pages = CanvasPages(self._options)
        self._bucket = LeakyBucket(self._options.bucket, self._options.outflow, self._options.clock)
        routes = [*self._all_routes(), *CanvasWrites(world, self._wire, self._enrollments).routes]
        self._routes = [(route.pattern, route) for route in routes]

    @property
    def app(self) -> ASGIApp:
        """The Canvas as an ASGI app."""
        return self._serve

    @property
    def credentials(self) -> Mapping[str, str]:
        """An access token, or what gets one."""
        return self._tokens.credentials

    @property
    def settings(self) -> Mapping[str, Any]:
        """None are needed."""
        return {}

    def _all_routes(self) -> list[Route]:
        accounts, courses = "/api/v1/accounts/:account_id", "/api/v1/courses/:course_id"
        return [
            Route("/api/v1/users/self", None, self._self),
            Route("/api/v1/users/:id", "read_roster", self._user),
            Route("/api/v1/users/:user_id/logins", "view_user_logins", self._logins),
            Route(f"{accounts}/users", "read_roster", self._users, bookmarks=True),
            Route(f"{accounts}/admins", "manage_account_memberships", lambda call: self._wire.admins()),
            Route(f"{accounts}/courses", "read_course_list", self._courses),
            Route(f"{accounts}/enrollments/:id", "read_roster", self._enrollment),
            Route("/api/v1/courses/:id", "read_course_list", self._course),
            Route(f"{courses}/modules", "read_course_content", self._modules),
            Route(f"{courses}/modules/:module_id/items", "read_course_content", self._items),
            Route(f"{courses}/enrollments", "read_roster", self._course_enrollments, bookmarks=True),
            Route(f"{courses}/bulk_user_progress", "view_all_grades", self._progress),
        ]

    # -- one request -------------------------------------------------------------------------------

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = (await request.body()).decode()
        await self._answer(request, body)(scope, receive, send)

    def _answer(self, request: Request, body: str) -> Response:
        try:
            if request.url.path.startswith(AREA):
                return self._authorization.answer(request, body)
            self._authenticate(request)
            self._throttle()
            return self._handle(request, body)
        except PermissionError as error:
            return _respond(400, {"error": "invalid_grant", "error_description": str(error)})
        except NotFoundError:
            return _refuse(CanvasError(*NOT_FOUND))
        except CanvasError as error:
            return _refuse(error)

    def _authenticate(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer":
            body = {"status": "unauthenticated", **messages("user authorization required")}
            raise CanvasError(401, body, _REALM)
        if credentials_expired(request.scope):
            raise CanvasError(401, messages("Expired access token."), _REALM)
        if (refusal := self._tokens.refusal(token)) is not None:
            raise CanvasError(401, messages(refusal), _REALM)

    def _throttle(self) -> None:
        """The refusal is text, and without `Retry-After`."""
        if not self._bucket.admit(self._options.request_cost):
            status = self._options.throttle_status
            words = {403: "403 Forbidden", 429: "429 Too Many Requests"}[status]
            raise CanvasError(status, f"{words} (Rate Limit Exceeded)\n", {"X-Rate-Limit-Remaining": "0.0"})

    def _handle(self, request: Request, content: str) -> Response:
        path = request.url.path
        for pattern, route in self._routes:
            if request.method == route.method and (match := pattern.fullmatch(path)):
                self._permit(route)
                query = parse_qsl(request.url.query, keep_blank_values=True)
                sent = parse_body(content, request.headers.get("content-type", ""))
                call = Call(match.groupdict(), query, str(request.base_url).rstrip("/"), sent)
                with self._world.lock:
                    body = route.handler(call)
                return self._page(request, call, route, body)
        raise CanvasError(*NOT_FOUND)

    def _permit(self, route: Route) -> None:
        if self._options.scopes is not None and route.scope not in self._options.scopes:
            raise CanvasError(*NO_SCOPE)
        if route.permission is not None and not self._wire.may(route.permission):
            raise CanvasError(*NOT_ALLOWED)

    # -- pages -------------------------------------------------------------------------------------

    def _page(self, request: Request, call: Call, route: Route, body: Any) -> Response:
        headers = {
            "X-Request-Cost": str(self._options.request_cost),
            "X-Rate-Limit-Remaining": str(self._bucket.remaining),
        }
        if isinstance(body, list):
            body, links = self._pages.cut(body, call.query, bookmarks=route.bookmarks)
            address = f"{call.host}{request.url.path}"
            headers["Link"] = ",".join(f'<{address}?{query}>; rel="{rel}"' for rel, query in links.items())
        texts = STRING_IDS in request.headers.get("accept", "")
        return _respond(200, stringified(body) if texts else body, headers)

    # -- the calls ---------------------------------------------------------------------------------

    def _account(self, call: Call) -> None:
        """The root account is the only one whose lists there are."""
        if call.path["account_id"] not in ("self", str(self._wire.id(1)), "1"):
            raise CanvasError(*NOT_FOUND)

    def _find_course(self, call: Call, name: str = "course_id") -> Course:
        return self._world.course(self._wire.number(call.path[name]))

    def _find_person(self, call: Call, name: str) -> Person:
        return self._world.person(self._wire.number(call.path[name]))

    def _self(self, call: Call) -> Any:
        first = min(self._world.people)
        return self._wire.user(self._world.person(first), {"locale", "avatar_url"})

    def _users(self, call: Call) -> Any:
        self._account(call)
        known = sorted(self._world.people.values(), key=lambda person: person.id)
        people = matching(
            known, call, lambda one: (*self._wire.names(one), one.login, one.email, self._wire.sis_id(one))
        )
        return [self._wire.user(person, call.all("include")) for person in people]

    def _user(self, call: Call) -> Any:
        always = {"locale", "email", "avatar_url"}
        return self._wire.user(self._find_person(call, "id"), always | set(call.all("include")))

    def _logins(self, call: Call) -> Any:
        return [self._wire.login(self._find_person(call, "user_id"))]

    def _courses(self, call: Call) -> Any:
        self._account(call)
        courses = matching(list(self._world.courses.values()), call, lambda one: (one.title, one.code))
        return [self._wire.course(course, call.all("include")) for course in courses]

    def _course(self, call: Call) -> Any:
        return self._wire.course(self._find_course(call, "id"), call.all("include"))

    def _modules(self, call: Call) -> Any:
        return self._wire.modules(self._find_course(call), call.all("include"), call.host)

    def _items(self, call: Call) -> Any:
        course, number = self._find_course(call), self._wire.number(call.path["module_id"])
        for module in modules_of(course):
            if module.id == number:
                return self._wire.module_items(course, module, call.all("include"), call.host)
        raise CanvasError(*NOT_FOUND)

    def _course_enrollments(self, call: Call) -> Any:
        states = set(call.all("state")) or LISTED_BY_DEFAULT
        types, people = set(call.all("type")), {self._wire.number(one) for one in call.all("user_id")}
        return [
            one
            for one in self._enrollments.of_course(self._find_course(call))
            if one["enrollment_state"] in states
            and (not types or one["type"] in types)
            and (not people or self._wire.number(str(one["user_id"])) in people)
        ]

    def _enrollment(self, call: Call) -> Any:
        self._account(call)
        found = self._enrollments.find(self._wire.number(call.path["id"]))
        if found is None:
            raise CanvasError(*NOT_FOUND)
        return found

    def _progress(self, call: Call) -> Any:
        found = self._enrollments.progress(self._find_course(call))
        if found is None:
            raise CanvasError(self._options.progress_error_status, {"error": {"message": NO_PROGRESS}})
        return found


def _refuse(error: CanvasError) -> Response:
    return _respond(error.status, error.body, error.headers)


def _respond(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Response:
    kind = "text/plain" if isinstance(body, str) else "application/json"
    content = body if isinstance(body, str) else orjson.dumps(body)
    return Response(content, status, headers=dict(headers or {}), media_type=kind)
