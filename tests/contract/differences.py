"""What each provider's API cannot tell of the one world, or tells otherwise, with the reason: the whole list.

A difference is named by provider, resource and field. Whether it is the one that is known is decided value by value;
what is not here has to be the truth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sources.unified_lms.sandbox.entities import ItemKind
from tests.contract.one_world import Fact, Key, Neutral

Allows = Callable[[Any, Any, Fact], bool]
"""Whether a value may be told, given the true one and what it belongs to."""


@dataclass(frozen=True)
class Difference:
    """Why a field is told otherwise, and which values it is told by."""

    reason: str
    allows: Allows
    never: bool = False
    """Whether it is null in every row."""


def _null(true: Any, told: Any, fact: Fact) -> bool:
    return told is None


def untold(reason: str) -> Difference:
    """The field is null in every row."""
    return Difference(reason, _null, never=True)


def partly(reason: str) -> Difference:
    """The field is null in some rows, and true in the others."""
    return Difference(reason, _null)


def as_word(reason: str, words: dict[Any, Any]) -> Difference:
    """Some true values are told by other words: one, or one of several."""

    def allows(true: Any, told: Any, fact: Fact) -> bool:
        told_as = words.get(true, true)
        return told in told_as if isinstance(told_as, tuple) else bool(told == told_as)

    return Difference(reason, allows)


def otherwise(reason: str, allows: Allows) -> Difference:
    """Anything else that can be said about a value that is told."""
    return Difference(reason, allows)


def _share(true: Any, told: Any, fact: Fact) -> bool:
    return told is None or 0 <= told <= 100


def _deep(true: Any, told: Any, fact: Fact) -> bool:
    return fact.depth > 1 and told is not None


def _first_of_the_hour(true: Any, told: Any, fact: Fact) -> bool:
    return bool(datetime.fromisoformat(told) + timedelta(hours=1) == datetime.fromisoformat(true))


def _without(*names: str) -> Allows:
    def allows(true: Any, told: Any, fact: Fact) -> bool:
        return bool(told == ({name: value for name, value in true.items() if name not in names} or None))

    return allows


_FIRST_ADDRESS = otherwise("one address is told", lambda true, told, fact: told == true[:1])
_NO_PHONES = untold("telephones are in no answer that is read")
_NO_JOBS = untold("job titles are in no answer that is read")
_NO_DURATION = untold("how long content takes is not told, or in no unit that is known")
_NO_ATTEMPTS = untold("attempts are not told")
_NO_DUE = untold("a learner's own due date is not told")
_NO_START = untold("when a learner began is not told")
_NO_WORD_ON_DUTY = untold("whether a learner must is not told")
_SPACED_NAME = otherwise(
    "whoever has no family name has a space for one", lambda true, told, fact: told.strip() == true
)
_NO_TIME_IS_NOUGHT = as_word("time that was never measured is 0", {None: 0})

DIFFERENCES: dict[str, dict[str, dict[str, Difference]]] = {
    "talentlms": {
        "users": {
            "name": untold("names are told in two pieces, and in which order they make one is not"),
            "emails": _FIRST_ADDRESS,
            "status": as_word("suspension is inactivity", {"suspended": "inactive"}),
            "role": as_word("a customer's own name of a type says nothing", {"manager": "other"}),
            "phones": _NO_PHONES,
            "job_title": _NO_JOBS,
            "manager": untold("managers are in no answer"),
            "timezone": partly("zones of the portal's list have names from which no zone follows"),
            "created_at": otherwise(
                "local time; of an hour shown twice the first is taken", _first_of_the_hour
            ),
        },
        "courses": {
            "status": as_word("there are no drafts", {"draft": "disabled"}),
            "language": untold("courses have no language"),
            "organization": untold("told branch by branch, which is asked for the sake of users alone"),
            "custom_fields": otherwise("API v1 has no period of a course", _without("starts_at", "ends_at")),
        },
        "course_items": {
            "type": as_word(
                "several kinds of content are one kind of unit",
                {"document": "page", "audio": "page", "discussion": "page", "xapi": "scorm"},
            ),
            "parent": otherwise(
                "the list is flat: a section lies in none", lambda true, told, fact: told is None
            ),
            "position": otherwise("counted in the flat list", lambda true, told, fact: _section(fact)),
            "duration_seconds": _NO_DURATION,
            "is_required": untold("what a course requires is not told unit by unit"),
        },
        "course_enrollments": {
            "user_name": untold("as in users"),
            "status": otherwise(
                "who has begun is told only by progress or time",
                lambda true, told, fact: (
                    (true, told) == ("in_progress", "enrolled")
                    and not (fact.subject.percent or fact.subject.seconds)
                ),
            ),
            "due_at": _NO_DUE,
            "started_at": _NO_START,
            "last_activity_at": untold("when a learner was last active is not told"),
            "score": untold("the score is in neither answer that has enrolments"),
            "is_mandatory": _NO_WORD_ON_DUTY,
            "attempts_count": _NO_ATTEMPTS,
            "created_at": untold("an enrolment has only its date"),
            "updated_at": untold("when an enrolment changed is not told"),
        },
    },
    "canvas": {
        "users": {
            "emails": _FIRST_ADDRESS,
            "status": as_word(
                "an account that may not log in takes a call for each user",
                {"inactive": "active", "suspended": "active"},
            ),
            "role": otherwise(
                "only administrators have a role in the account",
                lambda true, told, fact: told is None and true != "admin",
            ),
            "phones": _NO_PHONES,
            "job_title": _NO_JOBS,
            "organization": untold("which account a user belongs to is not told"),
            "manager": untold("there are none"),
            "updated_at": untold("when a user changed is not told"),
            "custom_fields": untold("custom data takes a call for each user"),
        },
        "courses": {
            "status": as_word("a course that is over is archived", {"disabled": "archived"}),
            "categories": otherwise(
                "a course has a term and no category", lambda true, told, fact: told == ["Default Term"]
            ),
            "organization": otherwise(
                "every course belongs to an account, if only the root",
                lambda true, told, fact: true is None and told == "Head office",
            ),
            "updated_at": untold("when a course changed is not told"),
            "custom_fields": otherwise("courses have no custom fields", _without("values")),
        },
        "course_items": {
            "type": as_word(
                "a section is a module, or a heading in one; what a file or a tool is, is not told",
                {
                    "section": ("module", "other"),
                    "scorm": "other",
                    "xapi": "other",
                    "live_session": "other",
                    "video": "document",
                    "audio": "document",
                    "survey": "quiz",
                },
            ),
            "parent": otherwise("what lies deeper lies in the module", _deep),
            "position": otherwise(
                "counted among modules, or in the whole module",
                lambda true, told, fact: fact.depth > 1 or _section(fact),
            ),
            "duration_seconds": _NO_DURATION,
            "is_required": otherwise(
                "a heading requires nothing",
                lambda true, told, fact: told is False and _section(fact) and fact.depth > 0,
            ),
        },
        "course_enrollments": {
            "status": as_word(
                "completion follows from the modules' requirements; an ending is neither passed nor failed; whoever "
                "is inactive has left, and whoever has no date of enrolment is invited",
                {
                    "in_progress": ("in_progress", "enrolled"),
                    "completed": ("completed", "in_progress", "withdrawn"),
                    "passed": "completed",
                    "failed": "completed",
                    "enrolled": ("enrolled", "assigned"),
                },
            ),
            "due_at": _NO_DUE,
            "enrolled_at": otherwise(
                "an enrolment always has a date", lambda true, told, fact: told == fact.row["updated_at"]
            ),
            "started_at": _NO_START,
            "completed_at": partly("only where the modules require something"),
            "progress_percent": otherwise("the share of what modules require", _share),
            "time_spent_seconds": _NO_TIME_IS_NOUGHT,
            "is_mandatory": _NO_WORD_ON_DUTY,
            "attempts_count": _NO_ATTEMPTS,
            "created_at": otherwise(
                "an enrolment always has a date", lambda true, told, fact: told == fact.row["updated_at"]
            ),
        },
    },
    "docebo": {
        "users": {
            "emails": _FIRST_ADDRESS,
            "status": as_word("there is suspension alone", {"inactive": "suspended"}),
            "role": as_word("instructors are users like all others", {"instructor": "learner"}),
            "phones": _NO_PHONES,
            "job_title": _NO_JOBS,
            "organization": untold("no list that is read names a user's branches"),
        },
        "courses": {
            "status": untold("the older list of courses does not have it"),
            "organization": untold("no list that is read names a course's branches"),
            "created_at": untold("the older list of courses does not have it"),
            "custom_fields": otherwise("the older list of courses has none", _without("values")),
        },
        "course_items": {
            "type": as_word(
                "sections are folders, and some kinds of content are one kind of learning object",
                {
                    "section": "folder",
                    "live_session": "other",
                    "discussion": "page",
                    "link": "page",
                    "audio": "document",
                },
            ),
            "duration_seconds": _NO_DURATION,
            "is_required": untold("what a course requires is not told"),
        },
        "course_enrollments": {
            "user_name": untold("an enrolment has the login alone"),
            "status": as_word(
                "a course is completed or it is not", {"passed": "completed", "failed": "in_progress"}
            ),
            "due_at": _NO_DUE,
            "started_at": _NO_START,
            "last_activity_at": untold("when a learner was last active is not told"),
            "progress_percent": untold("the newer list does not have it"),
            "time_spent_seconds": _NO_TIME_IS_NOUGHT,
            "is_mandatory": as_word("only a duty is told", {False: None}),
            "attempts_count": _NO_ATTEMPTS,
        },
    },
    "moodle": {
        "users": {
            "name": _SPACED_NAME,
            "emails": _FIRST_ADDRESS,
            "role": untold("there is no role for the whole site"),
            "phones": untold("telephones are told to administrators of the site alone"),
            "timezone": partly("whoever has the site's own zone has none told"),
            "job_title": _NO_JOBS,
            "manager": untold("there are none"),
            "created_at": untold("when an account was made is not told"),
            "updated_at": untold("when an account changed is not told"),
            "custom_fields": otherwise("accounts are closed by no date", _without("expires_at")),
        },
        "courses": {
            "code": otherwise(
                "no course goes without a short name",
                lambda true, told, fact: true is None and told == f"course-{fact.subject.id}",
            ),
            "status": as_word("a course is visible or hidden", {"draft": "disabled"}),
            "categories": otherwise(
                "no course goes without a category",
                lambda true, told, fact: true is None and told == ["Miscellaneous"],
            ),
            "organization": untold("courses belong to no organisation"),
            "created_at": untold("told to those alone who may change courses"),
            "updated_at": untold("told to those alone who may change courses"),
        },
        "course_items": {
            "type": as_word(
                "a file is a file, and an activity of H5P is of any kind",
                {"video": "document", "audio": "document", "xapi": "other"},
            ),
            "parent": otherwise(
                "what stands in no section stands in the first one, and sections lie in none",
                lambda true, told, fact: told == (None if _section(fact) else "General"),
            ),
            "position": otherwise(
                "sections are counted from the first one, however deep they lie",
                lambda true, told, fact: _section(fact),
            ),
            "duration_seconds": _NO_DURATION,
            "is_required": untold("what an activity's completion is needed for is not told"),
        },
        "course_enrollments": {
            "user_name": _SPACED_NAME,
            "status": as_word(
                "a course is completed or it is not; nothing is known of an enrolment that is not in force; who has "
                "begun is told only by a visit or an activity",
                {
                    "in_progress": ("in_progress", "enrolled", "unknown"),
                    "completed": ("completed", "unknown"),
                    "passed": "completed",
                    "failed": "in_progress",
                },
            ),
            "due_at": _NO_DUE,
            "enrolled_at": untold("told by a custom report alone"),
            "started_at": _NO_START,
            "completed_at": untold("told by a custom report alone"),
            "progress_percent": otherwise("the share of activities that are completed", _share),
            "time_spent_seconds": untold("time is not measured"),
            "is_mandatory": _NO_WORD_ON_DUTY,
            "attempts_count": _NO_ATTEMPTS,
            "created_at": untold("an enrolment has only its date"),
            "updated_at": untold("when an enrolment changed is not told"),
            "custom_fields": untold("the end of an enrolment is told by a custom report alone"),
        },
    },
}
"""By provider, resource and field."""


@dataclass(frozen=True)
class Absence:
    """Why things of the world are in no row, and which ones."""

    reason: str
    concerns: Callable[[Fact], bool]


@dataclass(frozen=True)
class Addition:
    """Why there are rows of what is not in the world, and which ones."""

    reason: str
    concerns: Callable[[Key, Neutral], bool]


def _section(fact: Fact) -> bool:
    return fact.subject.kind is ItemKind.SECTION


ABSENCES: dict[tuple[str, str], Absence] = {
    ("canvas", "course_items"): Absence(
        "what stands in no module is in no list of modules",
        lambda fact: fact.depth == 0 and not _section(fact),
    ),
}
"""By provider and resource."""

ADDITIONS: dict[tuple[str, str], Addition] = {
    ("canvas", "course_enrollments"): Addition(
        "who has left a course, or the school, is still told of",
        lambda key, row: row["status"] == "withdrawn",
    ),
    ("moodle", "course_items"): Addition(
        "every course has a first section of its own", lambda key, row: key[1] == "General"
    ),
}
"""By provider and resource."""
