"""A Docebo portal: OAuth 2.0 tokens, services each under its own path, lists in envelopes.

Error bodies, and which HTTP status belongs to which error, are UNCONFIRMED.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import time
from typing import Any
from urllib.parse import parse_qs, parse_qsl

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from sources.unified_lms.sandbox.dialects.docebo_tokens import Account, GrantError, TokenOffice
from sources.unified_lms.sandbox.dialects.docebo_wire import DoceboWire
from sources.unified_lms.sandbox.dialects.docebo_writes import DoceboWrites, PortalError
from sources.unified_lms.sandbox.entities import CourseRole, LearningRecord, Person
from sources.unified_lms.sandbox.faults import credentials_expired
from sources.unified_lms.sandbox.limits import CallLimits, CallWindow
from sources.unified_lms.sandbox.world import NotFoundError, World

Json = dict[str, Any]
Query = Mapping[str, list[str]]
Handler = Callable[[Sequence[str], Query], Json]


@dataclass(frozen=True)
class DoceboOptions:
    """What differs from portal to portal."""

    grant: str = "client_credentials"
    """The grant that a connection to this sandbox uses: client_credentials, password or refresh_token."""
    client_id: str = "sandbox-client"
    client_secret: str = "sandbox-client-secret"  # noqa: S105
    username: str = "api.reader"
    password: str = "sandbox-password"  # noqa: S105
    refresh_token: str = "sandbox-refresh-token"  # noqa: S105
    rotates_refresh_tokens: bool = False
    token_seconds: int = 3600
    domain: str = "academy.example.org"
    most_in_a_page: int = 200
    calls_per_hour: int = 1_000
    over_limit_status: int = 429
    """429, or 503 as an overloaded portal answers."""
    tells_new_ids: bool = True
    """Whether the answer to a new user has its id, as some clients read it."""
    nests_successes: bool = False
    """Whether who was enrolled stands among the errors, as one published answer has it."""
    empties_unsent: bool = False
    """Whether a change of a user empties the names and the address that it is not sent."""
    clock: Callable[[], float] = time
    """Unix seconds, for tokens and limits only: the client that waits for them goes by the machine's clock."""


class Docebo:
    """The dialect; options are those of `DoceboOptions`, as keywords."""

    def __init__(self, world: World, **options: Any) -> None:
        """Starts with no call counted and no token given."""
        self._world = world
        self._options = DoceboOptions(**options)
        self._wire = DoceboWire(world, self._options.domain)
        self._tokens = self._office()
        self._limits = CallLimits(CallWindow(self._options.calls_per_hour, 3600, self._options.clock))
        self._routes: list[tuple[re.Pattern[str], Handler]] = [
            (re.compile(pattern), handler) for pattern, handler in self._handlers().items()
        ]
        self._writes = DoceboWrites(
            world,
            tells_new_ids=self._options.tells_new_ids,
            nests_successes=self._options.nests_successes,
            empties_unsent=self._options.empties_unsent,
        )

    def _office(self) -> TokenOffice:
        options = self._options
        account = Account(options.client_id, options.client_secret, options.username, options.password)
        return TokenOffice(
            account,
            options.clock,
            options.token_seconds,
            options.rotates_refresh_tokens,
            {options.refresh_token},
        )

    @property
    def app(self) -> ASGIApp:
        """The portal as an ASGI app."""
        return self._serve

    @property
    def credentials(self) -> Mapping[str, str]:
        """What the chosen grant needs."""
        options = self._options
        client = {"client_id": options.client_id, "client_secret": options.client_secret}
        account = {"username": options.username, "password": options.password}
        more = {"password": account, "refresh_token": {"refresh_token": options.refresh_token}}
        return client | more.get(options.grant, {})

    @property
    def settings(self) -> Mapping[str, Any]:
        """The portal's limit, which no answer tells."""
        return {"calls_per_hour": self._options.calls_per_hour}

    # -- one request -------------------------------------------------------------------------------

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = await request.body()
        await self._answer(request, body)(scope, receive, send)

    def _answer(self, request: Request, body: bytes) -> Response:
        try:
            if (request.method, request.url.path) == ("POST", "/oauth2/token"):
                return _json(200, self._token(request, body))
            self._admit(request)
            return _json(200, self._handle(request, body), {"X-Docebo-Api-Version": "1.0"})
        except GrantError as error:
            return _json(400, error.body)
        except PortalError as error:
            return _json(error.status, error.body)
        except NotFoundError:
            return _json(404, PortalError(404, "NotFoundException", "Not found").body)

    def _token(self, request: Request, body: bytes) -> Json:
        if credentials_expired(request.scope):
            raise GrantError("invalid_client", "The client credentials are invalid")
        if request.headers.get("content-type", "").startswith("application/json"):
            return self._tokens.answer(orjson.loads(body))
        return self._tokens.answer(dict(parse_qsl(body.decode(), keep_blank_values=True)))

    def _admit(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        good = scheme == "Bearer" and self._tokens.is_good(token)
        if not good or credentials_expired(request.scope):
            raise PortalError(401, "UnauthorizedException", "The access token provided is invalid")
        if not self._limits.admit():
            raise PortalError(self._options.over_limit_status, "TooManyRequests", "Rate limit exceeded")

    def _handle(self, request: Request, body: bytes) -> Json:
        query = parse_qs(request.url.query, keep_blank_values=True)
        if request.method != "GET":
            with self._world.lock:
                return _envelope(self._writes.answer(request.method, request.url.path, body))
        for pattern, handler in self._routes:
            if found := pattern.fullmatch(request.url.path):
                with self._world.lock:
                    return _envelope(handler(found.groups(), query))
        raise PortalError(404, "NotFoundException", "Not found")

    # -- the services ------------------------------------------------------------------------------

    def _handlers(self) -> dict[str, Handler]:
        number = r"(\d+)"
        return {
            "/manage/v1/user": self._users,
            f"/manage/v1/user/{number}": lambda found, _: self._wire.user_detail(self._person(found[0])),
            "/learn/v1/courses": self._courses,
            f"/learn/v1/courses/{number}": lambda found, _: self._wire.course_detail(
                self._world.course(int(found[0]))
            ),
            "/course/v1/courses": self._courses_newer,
            "/course/v1/courses/enrollments": self._enrollments,
            f"/course/v1/courses/{number}/enrollments": self._enrollments_of_course,
            "/learn/v1/enrollments": self._enrollment_list,
        }

    def _person(self, number: str) -> Person:
        return self._world.person(int(number))

    def _users(self, _: Sequence[str], query: Query) -> Json:
        """Everybody, or whose login, name or address has a text in it (which fields are searched is UNCONFIRMED)."""
        text = query.get("search_text", [""])[-1].lower()
        found = [
            one
            for one in self._world.people.values()
            if any(text in part.lower() for part in (one.login, one.first_name, one.last_name, one.email))
        ]
        return self._page([self._wire.user(one) for one in found], query, 200)

    def _courses(self, _: Sequence[str], query: Query) -> Json:
        return self._page([self._wire.course(one) for one in self._world.courses.values()], query, 20)

    def _courses_newer(self, _: Sequence[str], query: Query) -> Json:
        return self._page([self._wire.course_newer(one) for one in self._world.courses.values()], query, 20)

    def _enrollments_of_course(self, found: Sequence[str], query: Query) -> Json:
        course = self._world.course(int(found[0]))
        return self._newer(self._world.records_in(course.id), query)

    def _enrollments(self, _: Sequence[str], query: Query) -> Json:
        courses, people = query.get("course_id[]"), query.get("user_id[]")
        return self._newer(
            [
                record
                for record in self._records()
                if (courses is None or str(record.course_id) in courses)
                and (people is None or str(record.person_id) in people)
            ],
            query,
        )

    def _newer(self, records: list[LearningRecord], query: Query) -> Json:
        timed = "enrollment_time_spent" in query.get("extra_fields[]", [])
        items = [
            self._wire.enrollment(record) | ({"enrollment_time_spent": record.seconds or 0} if timed else {})
            for record in records
        ]
        return self._page(items, query, 200)

    def _enrollment_list(self, _: Sequence[str], query: Query) -> Json:
        """The older list: learning plans stand among the courses."""
        people = query.get("id_user[]")
        items = [
            item
            for person in self._world.people.values()
            if people is None or str(person.id) in people
            for item in self._learning_of(person)
        ]
        return self._page(items, query, 20)

    def _page(self, items: list[Json], query: Query, usual_size: int) -> Json:
        """Pages count from 1 (0 is taken for 1: UNCONFIRMED)."""
        size = max(1, _number(query, "page_size", usual_size))
        return _page(
            items,
            max(1, _number(query, "page", 1)),
            min(self._options.most_in_a_page, size),
            counted=bool(_number(query, "get_total_count", 0)),
        )

    def _learning_of(self, person: Person) -> list[Json]:
        records = self._world.records_of(person.id)
        items = [self._wire.enrollment_of_list(record) for record in records]
        learns = sum(record.role is CourseRole.LEARNER for record in records)
        return items if learns < 2 else [self._wire.enrollment_in_plan(person), *items]

    def _records(self) -> list[LearningRecord]:
        return [record for person in self._world.people for record in self._world.records_of(person)]


def _page(items: list[Json], number: int, size: int, *, counted: bool) -> Json:
    """`data` of a list: one page of it, and how many there are in all where that was asked for."""
    shown = items[(number - 1) * size : number * size]
    totals = {"total_count": len(items), "total_page_count": -(-len(items) // size)}
    return {
        "count": len(shown),
        "has_more_data": number * size < len(items),
        "current_page": number,
        "current_page_size": size,
        **(totals if counted else {}),
        "items": shown,
    }


def _number(query: Query, name: str, usual: int) -> int:
    text = query.get(name, [str(usual)])[-1]
    if not (text.isascii() and text.isdigit()):
        raise PortalError(400, "BadRequestException", f"Invalid value for {name}")
    return int(text)


def _envelope(data: Json) -> Json:
    return {"data": data, "version": "1.0.0", "extra_data": [], "_links": []}


def _json(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(body), status, headers, media_type="application/json")
