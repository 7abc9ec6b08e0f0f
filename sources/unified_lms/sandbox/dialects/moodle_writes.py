"""What a Moodle site can be told: accounts, courses and manual enrolments, as its web services write them (4.5).

Whether one record sinks the others differs from function to function: creating, deleting accounts and enrolling are all
or nothing, changing and deleting courses are not, and say in warnings what they left.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from sources.unified_lms.sandbox.dialects.moodle_call import (
    INVALID,
    MOODLE,
    NO_USER,
    Call,
    MoodleError,
    missing,
    whole,
)
from sources.unified_lms.sandbox.dialects.moodle_fields import (
    COURSE_FIELDS,
    USER_FIELDS,
    course_changes,
    user_changes,
)
from sources.unified_lms.sandbox.dialects.moodle_learning import ROLES
from sources.unified_lms.sandbox.dialects.moodle_wire import UNCATEGORISED, course_code
from sources.unified_lms.sandbox.entities import Course, CourseRole, Role
from sources.unified_lms.sandbox.world import World

Json = dict[str, Any]

_USERNAME = re.compile(r"[a-z0-9_.@-]+")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PASSWORD_RULES = (
    (r".{8}", "Passwords must be at least 8 characters long."),
    (r"[0-9]", "Passwords must have at least 1 digit(s)."),
    (r"[A-Z]", "Passwords must have at least 1 upper case letter(s)."),
    (r"[^A-Za-z0-9]", "The password must have at least 1 special character(s) such as *, -, or #."),
)
_ROLES_BY_NUMBER = {number: role for role, (number, _) in ROLES.items()}


# -- accounts --------------------------------------------------------------------------------------


def _create_users(call: Call) -> Any:
    """All or none. Without debugging every mistake but a weak password is the same error without a reason."""
    needed = {"username", "firstname", "lastname", "email"}
    users = call.entries("users", needed, USER_FIELDS | {"createpassword", "password", "auth"})
    taken = {name for one in call.world.people.values() for name in (one.login.lower(), one.email.lower())}
    for user in users:
        _check_new_user(user, taken)
        taken |= {user["username"], user["email"].lower()}
    return [_create_user(call.world, user) for user in users]


def _check_new_user(user: Json, taken: set[str]) -> None:
    wrong = (
        not _USERNAME.fullmatch(user["username"])
        or not _EMAIL.fullmatch(user["email"])
        or not user["firstname"].strip()
        or {user["username"], user["email"].lower()} & taken
        or not ("password" in user or user.get("createpassword") == "1")
    )
    if wrong:
        raise MoodleError(*INVALID)
    if "password" in user:
        _check_password(user["password"])


def _check_password(password: str) -> None:
    """The site's default policy. Its sentences are the code of the error, in HTML."""
    broken = [said for pattern, said in _PASSWORD_RULES if not re.search(pattern, password)]
    if broken:
        said = "".join(f"<div>{one}</div>" for one in broken)
        raise MoodleError(MOODLE, said, f"error/{said}")


def _create_user(world: World, user: Json) -> Json:
    changes = user_changes(world, user)
    names = [changes.pop(name) for name in ("login", "first_name", "last_name", "email")]
    person = world.create_person(*names, **changes)
    return {"id": person.id, "username": person.login}


def _update_users(call: Call) -> Any:
    """Each by itself: what cannot be changed is a warning, and everybody else is changed."""
    users = call.entries("users", {"id"}, USER_FIELDS | {"suspended", "password", "auth"})
    return {"warnings": [warning for user in users for warning in _update_user(call.world, user)]}


def _update_user(world: World, user: Json) -> Iterator[Json]:
    number = whole(user["id"])
    if number in world.deleted_people:
        yield _warning("user", number, "usernotupdateddeleted", "error/usernotupdateddeleted")
    elif number not in world.people:
        yield _warning("user", number, "invaliduserid", "Invalid user ID")
    elif _taken(world, number, "email", user):
        yield _warning("user", number, "useremailduplicate", "Duplicate address")
    elif _taken(world, number, "login", {"login": user.get("username")}):  # its code is UNCONFIRMED
        yield _warning("user", number, "usernameexists", "error/usernameexists")
    else:
        world.update_person(number, **user_changes(world, user, world.person(number)))


def _taken(world: World, number: int, name: str, user: Mapping[str, Any]) -> bool:
    value = (user.get(name) or "").lower()
    others = (one for one in world.people.values() if one.id != number)
    return value != "" and any(getattr(one, name).lower() == value for one in others)


def _delete_users(call: Call) -> None:
    """All or none."""
    numbers = [whole(value) for value in call.arguments.get("userids", {}).values()]
    for number in numbers:
        if number not in call.world.people:
            raise MoodleError(*NO_USER)
        if call.world.person(number).role is Role.ADMIN:
            raise MoodleError(MOODLE, "useradminodelete", "Administrator accounts cannot be deleted.")
    for number in numbers:
        call.world.delete_person(number)


def _warning(item: str, number: int, code: str, message: str) -> Json:
    return {"item": item, "itemid": number, "warningcode": code, "message": message}


# -- courses ---------------------------------------------------------------------------------------


def _create_courses(call: Call) -> Any:
    """All or none: the first mistake ends the call."""
    courses = call.entries("courses", {"fullname", "shortname", "categoryid"}, COURSE_FIELDS)
    for course in courses:
        _check_course(call.world, course, None)
    return [_create_course(call.world, course) for course in courses]


def _check_course(world: World, course: Json, number: int | None) -> None:
    others = [one for one in world.courses.values() if one.id != number]
    name, own = course.get("shortname"), course.get("idnumber")
    if name in [course_code(one) for one in others]:
        raise MoodleError(MOODLE, "shortnametaken", f"Short name is already used for another course ({name})")
    if own and own in [one.details.get("idnumber") for one in others]:
        raise MoodleError(
            MOODLE, "courseidnumbertaken", f"ID number is already used for another course ({own})"
        )
    category = whole(course.get("categoryid", str(UNCATEGORISED[0])))
    if category not in (UNCATEGORISED[0], *world.categories):
        raise MoodleError(
            MOODLE,
            "errorcatcontextnotvalid",
            f"You cannot execute functions in the category context (category id:{category}). The context error "
            "message was: Invalid parameter value detected",
        )


def _create_course(world: World, course: Json) -> Json:
    changes = course_changes(world, course)
    made: Course = world.create_course(changes.pop("title"), **changes)
    return {"id": made.id, "shortname": made.code}


def _update_courses(call: Call) -> Any:
    """Each by itself."""
    courses = call.entries("courses", {"id"}, COURSE_FIELDS | {"fullname", "shortname", "categoryid"})
    return {"warnings": [warning for course in courses for warning in _update_course(call.world, course)]}


def _update_course(world: World, course: Json) -> Iterator[Json]:
    number = whole(course["id"])
    try:
        if number not in world.courses:
            raise missing("course")
        _check_course(world, course, number)
    except MoodleError as error:
        yield _warning("course", number, error.body["errorcode"], error.body["message"])
    else:
        world.update_course(number, **course_changes(world, course))


def _delete_courses(call: Call) -> Any:
    """Each by itself."""
    numbers = [whole(value) for value in call.arguments.get("courseids", {}).values()]
    unknown = [number for number in numbers if number not in call.world.courses]
    for number in numbers:
        if number not in unknown:
            call.world.delete_course(number)
    return {
        "warnings": [
            _warning("course", number, "unknowncourseidnumber", f"Unknown course ID {number}")
            for number in unknown
        ]
    }


# -- manual enrolments -----------------------------------------------------------------------------


def _enrol(call: Call) -> None:
    """Enrols, or sets all that an enrolment has: what is left out of times and suspension is reset."""
    wanted = call.entries("enrolments", {"roleid", "userid", "courseid"}, {"timestart", "timeend", "suspend"})
    for one in wanted:
        _check_enrolment(call.world, one)
    for one in wanted:
        _enrol_one(call.world, one)


def _check_enrolment(world: World, one: Json) -> None:
    role, user, course = (whole(one[name]) for name in ("roleid", "userid", "courseid"))
    if course not in world.courses:
        raise MoodleError(*INVALID)
    if user not in world.people:
        raise MoodleError(*NO_USER)
    if role not in _ROLES_BY_NUMBER:
        raise MoodleError(
            MOODLE,
            "wsusercannotassign",
            f"You don't have the permission to assign this role ({role}) to this user ({user}) in this course "
            f"({course}).",
        )


def _enrol_one(world: World, one: Json) -> None:
    course, user = whole(one["courseid"]), whole(one["userid"])
    role = _ROLES_BY_NUMBER[whole(one["roleid"])]
    if user not in [record.person_id for record in world.records_in(course)]:
        world.enrol(course, user, role)
    world.update_record(
        course,
        user,
        begins_at=_moment(one.get("timestart", "0")),
        expires_at=_moment(one.get("timeend", "0")),
        suspended=one.get("suspend", "0") == "1",
        further_roles=_further_roles(world, course, user, role),
    )


def _further_roles(world: World, course: int, user: int, role: CourseRole) -> tuple[CourseRole, ...]:
    """A role that comes again beside another one is added to it."""
    record = world.record(course, user)
    added = () if role in (record.role, *record.further_roles) else (role,)
    return (*record.further_roles, *added)


def _unenrol(call: Call) -> None:
    """Ends manual enrolments; of somebody who is not enrolled nothing is said."""
    wanted = call.entries("enrolments", {"userid", "courseid"}, {"roleid"})
    for one in wanted:
        course, user = whole(one["courseid"]), whole(one["userid"])
        if course not in call.world.courses:
            raise MoodleError(*INVALID)
        if user not in call.world.people:  # UNCONFIRMED
            raise MoodleError(*NO_USER)
        if user in [record.person_id for record in call.world.records_in(course)]:
            call.world.unenrol(course, user)


def _moment(seconds: str) -> datetime | None:
    return datetime.fromtimestamp(whole(seconds), UTC) if whole(seconds) else None


WRITES: dict[str, tuple[Callable[[Call], Any], set[str]]] = {
    "core_user_create_users": (_create_users, {"users"}),
    "core_user_update_users": (_update_users, {"users"}),
    "core_user_delete_users": (_delete_users, {"userids"}),
    "core_course_create_courses": (_create_courses, {"courses"}),
    "core_course_update_courses": (_update_courses, {"courses"}),
    "core_course_delete_courses": (_delete_courses, {"courseids"}),
    "enrol_manual_enrol_users": (_enrol, {"enrolments"}),
    "enrol_manual_unenrol_users": (_unenrol, {"enrolments"}),
}
"""Each function that writes, and the names of its parameters."""
