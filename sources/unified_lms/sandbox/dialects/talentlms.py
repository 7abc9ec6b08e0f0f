"""A TalentLMS portal, API v1: basic auth, arguments in the path, calls counted."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from sources.unified_lms.sandbox.dialects.talentlms_errors import (
    DISABLED,
    INVALID,
    OVER_LIMIT,
    UNAUTHORIZED,
    UNKNOWN_ACTION,
    Arguments,
    PortalError,
    missing,
    taken,
    whole_number,
)
from sources.unified_lms.sandbox.dialects.talentlms_site import (
    branch,
    category,
    custom_field,
    group,
    siteinfo,
)
from sources.unified_lms.sandbox.dialects.talentlms_wire import TalentLmsOptions, TalentLmsWire
from sources.unified_lms.sandbox.dialects.talentlms_writes import TalentLmsWrites
from sources.unified_lms.sandbox.entities import Course, Person
from sources.unified_lms.sandbox.faults import credentials_expired
from sources.unified_lms.sandbox.limits import CallLimits, CallWindow
from sources.unified_lms.sandbox.world import ConflictError, NotFoundError, World

PREFIX = "/api/v1/"
Handler = Callable[[Arguments], Any]


class TalentLms:
    """The dialect; options are those of `TalentLmsOptions`, as keywords."""

    def __init__(self, world: World, **options: Any) -> None:
        """Starts with no call counted."""
        self._world = world
        self._options = TalentLmsOptions(**options)
        self._wire = TalentLmsWire(world, self._options)
        self._hour = CallWindow(self._options.calls_per_hour, 3600, self._options.clock)
        burst = CallWindow(self._options.calls_per_burst, self._options.burst_seconds, self._options.clock)
        self._limits = CallLimits(self._hour, burst)
        writes = TalentLmsWrites(world, self._wire, self._options)
        self._methods = {"GET": self._read_handlers() | writes.gets, "POST": writes.posts}

    @property
    def app(self) -> ASGIApp:
        """The portal as an ASGI app."""
        return self._serve

    @property
    def credentials(self) -> Mapping[str, str]:
        """The API key."""
        return {"api_key": self._options.api_key}

    @property
    def settings(self) -> Mapping[str, Any]:
        """The portal's time zone, which no answer tells, and what its plan allows."""
        return {"timezone": self._options.timezone, "calls_per_hour": self._options.calls_per_hour}

    # -- one request -------------------------------------------------------------------------------

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        await self._answer(request, form)(scope, receive, send)

    def _answer(self, request: Request, form: Mapping[str, Any]) -> Response:
        try:
            self._admit(request)
            body = self._handle(request, form)
        except PortalError as error:
            return _error(error)
        except NotFoundError as error:
            return _error(missing(error))
        except ConflictError as error:
            return _error(taken(error))
        return _json(200, body)

    def _admit(self, request: Request) -> None:
        if not self._options.api_enabled:
            raise PortalError(*DISABLED)
        key = _basic_user(request.headers.get("authorization", ""))
        if key != self._options.api_key or credentials_expired(request.scope):
            raise PortalError(*UNAUTHORIZED)
        if not self._limits.admit():
            raise PortalError(self._options.over_limit_status, OVER_LIMIT)

    def _handle(self, request: Request, form: Mapping[str, Any]) -> Any:
        raw_path: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
        name, arguments = _parse(raw_path.decode("latin-1"))
        handlers = self._methods.get(request.method, {})
        if name not in handlers:
            raise PortalError(*UNKNOWN_ACTION)
        with self._world.lock:
            return handlers[name]({**arguments, **form})

    # -- the methods -------------------------------------------------------------------------------

    def _read_handlers(self) -> dict[str, Handler]:
        """The methods by their names in lower case: portals take them in any."""
        return {
            "users": self._users,
            "courses": self._courses,
            "categories": self._categories,
            "branches": self._branches,
            "groups": self._groups,
            "siteinfo": lambda _: siteinfo(self._world, self._options),
            "ratelimit": lambda _: self._ratelimit(),
            "getuserstatusincourse": self._user_status,
            "getcustomregistrationfields": lambda _: [custom_field(one) for one in self._world.person_fields],
            "getcustomcoursefields": lambda _: [custom_field(one) for one in self._world.course_fields],
        }

    def _users(self, arguments: Arguments) -> Any:
        if found := arguments.keys() & {"id", "username", "email"}:
            return self._wire.user_detail(self._find_user(found.pop(), arguments))
        people = _page(list(self._world.people.values()), arguments)
        return [self._wire.user(person) for person in people]

    def _find_user(self, key: str, arguments: Arguments) -> Person:
        if key == "email":
            return self._world.person_by_email(arguments[key])
        return (
            self._world.person_by_login(arguments[key])
            if key == "username"
            else self._person(arguments, "id")
        )

    def _person(self, arguments: Arguments, key: str) -> Person:
        return self._world.person(whole_number(arguments, key))

    def _course(self, arguments: Arguments, key: str) -> Course:
        return self._world.course(whole_number(arguments, key))

    def _courses(self, arguments: Arguments) -> Any:
        if "id" in arguments:
            return self._wire.course_detail(self._course(arguments, "id"))
        return [self._wire.course(course) for course in _page(list(self._world.courses.values()), arguments)]

    def _categories(self, arguments: Arguments) -> Any:
        if "id" not in arguments:
            return [category(one) for one in _page(list(self._world.categories.values()), arguments)]
        found = _get(self._world.categories, "category", arguments)
        within = [course for course in self._world.courses.values() if course.category_id == found.id]
        return category(found) | {"courses": [self._wire.course_of_category(course) for course in within]}

    def _branches(self, arguments: Arguments) -> Any:
        if "id" not in arguments:
            return [
                branch(one, self._options)
                for one in _page(list(self._world.organizations.values()), arguments)
            ]
        found = _get(self._world.organizations, "branch", arguments)
        people = [one for one in self._world.people.values() if found.id in one.organization_ids]
        courses = [one for one in self._world.courses.values() if found.id in one.organization_ids]
        return branch(found, self._options) | self._members(people, courses)

    def _groups(self, arguments: Arguments) -> Any:
        if "id" not in arguments:
            return [group(one) for one in _page(list(self._world.groups.values()), arguments)]
        found = _get(self._world.groups, "group", arguments)
        people = [one for one in self._world.people.values() if found.id in one.group_ids]
        return group(found) | self._members(people, [])

    def _members(self, people: list[Person], courses: list[Course]) -> dict[str, Any]:
        return {
            "users": [self._wire.short_user(one.id) for one in people],
            "courses": [{"id": str(one.id), "name": one.title} for one in courses],
        }

    def _user_status(self, arguments: Arguments) -> Any:
        course, person = self._course(arguments, "course_id"), self._person(arguments, "user_id")
        return self._wire.user_status(self._world.record(course.id, person.id))

    def _ratelimit(self) -> Any:
        resets_at = self._hour.resets_at
        return {
            "limit": str(self._hour.limit),
            "remaining": self._hour.remaining,
            "reset": str(resets_at),
            "formatted_reset": self._wire.moment_of(resets_at, "%H:%M"),
        }


def _parse(raw_path: str) -> tuple[str, dict[str, str]]:
    """The method in lower case and its arguments from `/api/v1/users/page_size:5,page_number:2`."""
    if not raw_path.startswith(PREFIX):
        raise PortalError(*UNKNOWN_ACTION)
    name, _, tail = raw_path.removeprefix(PREFIX).rstrip("/").partition("/")
    pairs = [pair.partition(":") for pair in tail.split(",")] if tail else []
    if any(not colon or not value for _, colon, value in pairs):
        raise PortalError(*INVALID)
    return name.lower(), {unquote(key): unquote(value) for key, _, value in pairs}


def _page(things: list[Any], arguments: Arguments) -> list[Any]:
    """The whole list, or the page asked for by `page_size` and `page_number` (from 1); empty past the end."""
    if arguments.keys() - {"page_size", "page_number"}:
        raise PortalError(*INVALID)
    if "page_size" not in arguments:
        return things
    size, number = (
        whole_number(arguments, "page_size"),
        whole_number({"page_number": "1", **arguments}, "page_number"),
    )
    if size < 1 or number < 1:
        raise PortalError(*INVALID)
    return things[(number - 1) * size : number * size]


def _get(things: Mapping[int, Any], kind: str, arguments: Arguments) -> Any:
    number = whole_number(arguments, "id")
    if number not in things:
        raise NotFoundError(kind, number)
    return things[number]


def _basic_user(header: str) -> str | None:
    """The user name of a Basic header with an empty password; None for anything else."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = b64decode(value, validate=True).decode().partition(":")
    except (Base64Error, UnicodeDecodeError):
        return None
    return user if colon and not password else None


def _error(error: PortalError) -> Response:
    kind = "api_error" if error.status >= 500 else "invalid_request_error"
    return _json(error.status, {"error": {"type": kind, "message": error.message}})


def _json(status: int, body: Any) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")
