"""A Moodle site's web services over REST: one address, a form with nested names, errors inside of a 200."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from sources.unified_lms.sandbox.dialects.moodle_call import (
    INVALID,
    MOODLE,
    NO_ACCESS,
    NO_REPORT,
    NO_TOKEN,
    NO_USER,
    NOT_ENROLLED,
    SAME_KEY,
    Call,
    MoodleError,
    missing,
    nested,
)
from sources.unified_lms.sandbox.dialects.moodle_learning import HEADINGS
from sources.unified_lms.sandbox.dialects.moodle_wire import MoodleOptions, tracks_completion
from sources.unified_lms.sandbox.dialects.moodle_writes import WRITES
from sources.unified_lms.sandbox.faults import credentials_expired
from sources.unified_lms.sandbox.world import NotFoundError, World

PATH = "/webservice/rest/server.php"
Handler = Callable[[Call], Any]

_COMMON = {"wstoken", "wsfunction", "moodlewsrestformat", "moodlewssettingraw"}
_LIKE = ("email", "firstname", "lastname")
_EXACT = ("id", "idnumber", "username", "auth")


class Moodle:
    """The dialect; options are those of `MoodleOptions`, as keywords."""

    def __init__(self, world: World, **options: Any) -> None:
        """A site over the world."""
        self._world = world
        self._options = MoodleOptions(**options)

    @property
    def app(self) -> ASGIApp:
        """The site as an ASGI app."""
        return self._serve

    @property
    def credentials(self) -> Mapping[str, str]:
        """The web service token."""
        return {"token": self._options.token}

    @property
    def settings(self) -> Mapping[str, Any]:
        """The zone of the token's account, which no answer tells."""
        return {"timezone": self._options.timezone}

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = (await request.body()).decode()
        sent = body if request.headers.get("content-type", "").startswith("application/x-www-form") else ""
        form = parse_qsl(f"{request.url.query}&{sent}", keep_blank_values=True)
        await self._answer(request, dict(form))(scope, receive, send)

    def _answer(self, request: Request, form: Mapping[str, str]) -> Response:
        if self._options.maintenance:
            return Response("<!DOCTYPE html><title>Under maintenance</title>", 503, media_type="text/html")
        if request.url.path != PATH:
            return Response("<!DOCTYPE html><title>Not found</title>", 404, media_type="text/html")
        if not self._options.enabled:
            return Response("", 403, media_type="text/html")
        try:
            value = self._handle(request, form)
        except MoodleError as error:
            value = error.body
        except NotFoundError as error:
            value = (missing("course") if error.kind == "course" else MoodleError(*NO_USER)).body
        if form.get("moodlewsrestformat") != "json":
            return Response(_xml(value), media_type="application/xml")
        return Response(orjson.dumps(value), media_type="application/json")

    def _handle(self, request: Request, form: Mapping[str, str]) -> Any:
        if form.get("wstoken") != self._options.token or credentials_expired(request.scope):
            raise MoodleError(*NO_TOKEN)
        name = form.get("wsfunction")
        if name is None:
            raise MoodleError(*INVALID)
        if name not in _FUNCTIONS:
            raise missing("external_functions")
        if name not in self._options.functions:
            raise MoodleError(*NO_ACCESS)
        handler, parameters = _FUNCTIONS[name]
        arguments = nested({key: value for key, value in form.items() if key not in _COMMON})
        if arguments.keys() - parameters:
            raise MoodleError(*INVALID)
        with self._world.lock:
            raw = form.get("moodlewssettingraw") in ("1", "true")
            return handler(Call(self._world, self._options, arguments, raw=raw))


def _site_info(call: Call) -> Any:
    return call.wire.site_info()


def _users(call: Call) -> Any:
    """All that every criterion finds. A key that is not known is left out, with no more than a warning."""
    criteria = [(one.get("key"), one.get("value", "")) for one in call.arguments.get("criteria", {}).values()]
    keys = [key for key, _ in criteria]
    if not criteria:
        raise MoodleError(*INVALID)
    if len(set(keys)) < len(keys):
        raise MoodleError(*SAME_KEY)
    found = [call.wire.guest(), *(call.wire.user(person) for person in call.people())]
    for key, value in criteria:
        found = [user for user in found if _matches(user, key, value)]
    message = "The search key '{}' is not supported, look at the web service documentation"
    warnings = [
        {"item": key, "warningcode": "invalidfieldparameter", "message": message.format(key)}
        for key in keys
        if key not in _LIKE + _EXACT
    ]
    return {"users": found, "warnings": warnings}


def _matches(user: Mapping[str, Any], key: str, value: str) -> bool:
    if key in _EXACT:
        return str(user.get(key, "")) == value != ""
    if key not in _LIKE:
        return True
    pattern = ".*".join(re.escape(part) for part in value.split("%"))
    return key in user and re.fullmatch(pattern, user[key], re.IGNORECASE | re.DOTALL) is not None


def _courses(call: Call) -> Any:
    """All courses or some; one that the account may not enter fails the whole call."""
    closed = [number for number in call.options.closed_courses if number in call.world.courses]
    if closed:
        raise MoodleError(
            MOODLE,
            "errorcoursecontextnotvalid",
            f"You cannot execute functions in the course context (course id:{closed[0]}). The context error message "
            "was: Course or activity not accessible.",
        )
    hidden = () if call.options.course_update else ("visible", "enablecompletion", "lang", "categoryname")
    courses = [call.wire.front_page(), *(call.wire.course(one) for one in call.world.courses.values())]
    return [{key: value for key, value in one.items() if key not in hidden} for one in courses]


def _courses_by_field(call: Call) -> Any:
    """All courses, or those of a number or short name; what the account may not enter is left out."""
    field, value = call.arguments.get("field", ""), call.arguments.get("value", "")
    open_ = [one for one in call.world.courses.values() if one.id not in call.options.closed_courses]
    found = [call.wire.front_page(), *(call.wire.course(one) for one in open_)]
    if field not in ("", "id", "shortname"):
        raise MoodleError(*INVALID)
    return {"courses": [one for one in found if not field or str(one[field]) == value], "warnings": []}


def _contents(call: Call) -> Any:
    course = call.course()
    if call.settings.keys() - {"excludecontents"}:
        raise MoodleError(*INVALID)
    return call.wire.contents(course)


def _members(call: Call) -> Any:
    """The members of a course by number; an option that is not known is passed over."""
    course, settings = call.course(), call.settings
    records = sorted(call.world.records_in(course.id), key=lambda record: record.person_id)
    if settings.get("onlyactive") == "1":
        records = [record for record in records if call.learning.is_active(record)]
    if settings.get("onlysuspended") == "1":
        records = [record for record in records if not call.learning.is_active(record)]
    fields = [name for name in settings.get("userfields", "").split(",") if name]
    first, size = int(settings.get("limitfrom", 0)), int(settings.get("limitnumber", 0))
    records = records[first : first + size] if size else records[first:]
    return [call.learning.member(record, fields) for record in records]


def _completion(call: Call) -> Any:
    course = call.course()
    record = call.record(course)
    if not tracks_completion(course):
        raise MoodleError(*NO_REPORT)
    if record is None or not call.learning.is_tracked(record):
        raise MoodleError(*NOT_ENROLLED)
    return call.learning.completion(course, record)


def _activities(call: Call) -> Any:
    course = call.course()
    return {"statuses": call.learning.activity_states(course, call.record(course)), "warnings": []}


def _grades(call: Call) -> Any:
    course, only = call.course(), call.number("userid", "0")
    learners = [one for one in call.world.records_in(course.id) if one.role == "learner"]
    wanted = [one for one in learners if only in (0, one.person_id)]
    return {"usergrades": [call.learning.grades(course, record) for record in wanted], "warnings": []}


def _report(call: Call) -> Any:
    if call.number("reportid") != call.options.report_id:
        raise missing("reportbuilder_report")
    page, size = call.number("page", "0"), call.number("perpage", "10")
    rows = call.learning.report_rows()
    shown = [{"columns": row} for row in rows[page * size : (page + 1) * size]]
    details = {"name": "Enrolments", "id": call.options.report_id, "sourcename": "Course participants"}
    data = {"headers": list(HEADINGS), "rows": shown, "totalrowcount": len(rows)}
    return {"details": details, "data": data, "warnings": []}


_FUNCTIONS: dict[str, tuple[Handler, set[str]]] = WRITES | {
    "core_webservice_get_site_info": (_site_info, set()),
    "core_user_get_users": (_users, {"criteria"}),
    "core_course_get_courses": (_courses, {"options"}),
    "core_course_get_courses_by_field": (_courses_by_field, {"field", "value"}),
    "core_course_get_contents": (_contents, {"courseid", "options"}),
    "core_enrol_get_enrolled_users": (_members, {"courseid", "options"}),
    "core_completion_get_course_completion_status": (_completion, {"courseid", "userid"}),
    "core_completion_get_activities_completion_status": (_activities, {"courseid", "userid"}),
    "gradereport_user_get_grade_items": (_grades, {"courseid", "userid"}),
    "core_reportbuilder_retrieve_report": (_report, {"reportid", "page", "perpage"}),
}
"""Each function that the site has, and the names of its parameters: any other is refused."""


def _xml(value: Any) -> str:
    """What comes without moodlewsrestformat=json. Of good answers no more than their form is rendered."""
    head = '<?xml version="1.0" encoding="UTF-8" ?>\n'
    if isinstance(value, dict) and "exception" in value:
        code, message = escape(value["errorcode"]), escape(value["message"])
        name = escape(value["exception"])
        inside = f"<ERRORCODE>{code}</ERRORCODE><MESSAGE>{message}</MESSAGE>"
        return f'{head}<EXCEPTION class="{name}">{inside}</EXCEPTION>'
    return f"{head}<RESPONSE></RESPONSE>"
