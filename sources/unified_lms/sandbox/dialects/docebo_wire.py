"""The world's things in the JSON of a Docebo portal.

No real answer is known whole: field names are those of the vendor's API description of 2017 and of published code
that reads real portals.

Datetimes are UTC without a zone, and where there is none some fields have zeros and others null. Ids are text in the
list of users and numbers elsewhere.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sources.unified_lms.sandbox.entities import (
    Course,
    CourseRole,
    CourseState,
    FieldDefinition,
    Item,
    ItemKind,
    LearningRecord,
    Person,
    PersonState,
    Progress,
    Role,
)
from sources.unified_lms.sandbox.world import World

Json = dict[str, Any]

ZERO_DATE = "0000-00-00 00:00:00"
SECRET_LINK = "SECRET-DEEPLINK"  # noqa: S105 - a marker that tests look for
PLAN_ID = 101
"""The id of the one learning plan; plans and courses are numbered apart, and here they collide on purpose."""

_LEVELS = {
    Role.ADMIN: "godadmin",
    Role.MANAGER: "poweruser",
    Role.INSTRUCTOR: "user",
    Role.LEARNER: "user",
}
# Word and label. Languages of the customer's own making have words of their own.
_LANGUAGES = {
    "en": ("english", "English"),
    "de": ("german", "German"),
    "fr": ("french", "French"),
    "es": ("spanish", "Spanish"),
    "ja": ("japanese", "Japanese"),
}
_OWN_LANGUAGE = ("klingon", "tlhIngan Hol")
_OBJECT_TYPES = {
    ItemKind.PAGE: "htmlpage",
    ItemKind.DOCUMENT: "file",
    ItemKind.VIDEO: "video",
    ItemKind.AUDIO: "file",
    ItemKind.SCORM: "scormorg",
    ItemKind.XAPI: "tincan",
    ItemKind.TEST: "test",
    ItemKind.SURVEY: "poll",
    ItemKind.ASSIGNMENT: "deliverable",
    ItemKind.DISCUSSION: "htmlpage",
    ItemKind.LIVE_SESSION: "lti",
    ItemKind.LINK: "htmlpage",
    ItemKind.FLASHCARDS: "elucidat",
}
# The words of the newer list and of the older one. Courses are neither passed nor failed.
_STATUSES = {
    Progress.NOT_STARTED: ("subscribed", "enrolled"),
    Progress.IN_PROGRESS: ("in_progress", "in_progress"),
    Progress.COMPLETED: ("completed", "completed"),
    Progress.PASSED: ("completed", "completed"),
    Progress.FAILED: ("in_progress", "in_progress"),
}
_ENROLMENT_LEVELS = {CourseRole.LEARNER: ("student", "learner"), CourseRole.INSTRUCTOR: ("instructor",) * 2}
_COURSE_STATES = {
    CourseState.PUBLISHED: "published",
    CourseState.DRAFT: "draft",
    CourseState.DISABLED: "in_maintenance",
}


def moment(instant: datetime | None, empty: str | None = None) -> str | None:
    """`2025-01-22 13:27:13`, UTC without a zone."""
    return empty if instant is None else instant.strftime("%Y-%m-%d %H:%M:%S")


class DoceboWire:
    """Renders the world's things. The caller holds the world's lock."""

    def __init__(self, world: World, domain: str) -> None:
        """Renders for one portal."""
        self._world = world
        self._site = f"https://{domain}"

    # -- people ------------------------------------------------------------------------------------

    def user(self, person: Person) -> Json:
        """A user as in the list."""
        word, label = _LANGUAGES.get(person.language or "", _OWN_LANGUAGE)
        return {
            "user_id": str(person.id),
            "username": person.login,
            "first_name": person.first_name,
            "last_name": person.last_name,
            "fullname": _full_name(person),
            "email": person.email,
            "uuid": f"7b506534-67e1-11f0-ac2f-{person.id:012d}",
            "is_manager": self._manages(person),
            "status": _status(person),
            "level": _LEVELS[person.role],
            "language": label,
            "lang_code": word,
            "timezone": person.timezone,
            "creation_date": moment(person.created_at),
            "last_update": moment(person.updated_at),
            "last_access_date": moment(person.last_login_at),
            "expiration_date": moment(person.deactivates_at, ZERO_DATE),
            "expired": bool(person.deactivates_at and person.deactivates_at <= self._world.now),
            **self._rest_of_user(person),
            **{f"field_{one.number}": self._field(one, person) for one in self._world.person_fields},
        }

    def _rest_of_user(self, person: Person) -> Json:
        manager = self._world.people.get(person.manager_id or 0)
        kinds = {
            "1": ("Direct Manager", _full_name(manager) if manager else None),
            "2": ("Mentor", None),
        }
        return {
            "avatar": "",
            "email_validation_status": "1",
            "send_notification": "0",
            "newsletter_optout": "0",
            "newsletter_optout_date": None,
            "encoded_username": person.login,
            "date_format": None,
            "multidomains": [],
            "manager_names": {
                key: {
                    "manager_title": title,
                    "manager_name": name,
                    "manager_username": manager.login if manager and name else None,
                }
                for key, (title, name) in kinds.items()
            },
            "managers": [],
            "active_subordinates_count": 0,
            "actions": ["edit", "delete"],
        }

    def _manages(self, person: Person) -> bool:
        return any(one.manager_id == person.id for one in self._world.people.values())

    def _field(self, definition: FieldDefinition, person: Person) -> str | None:
        return person.custom_fields.get(definition.number)

    def user_detail(self, person: Person) -> Json:
        """A user as when asked for singly: other names, no full name, no creation and no last change."""
        manager = self._world.people.get(person.manager_id or 0)
        word, _ = _LANGUAGES.get(person.language or "", _OWN_LANGUAGE)
        return {
            "user_data": {
                "user_id": person.id,
                "username": person.login,
                "email": person.email,
                "first_name": person.first_name,
                "last_name": person.last_name,
                "valid": int(person.state is PersonState.ACTIVE),
                "timezone": person.timezone,
                "language": word,
                "level": _LEVELS[person.role],
                "manager_first_name": manager.first_name if manager else None,
                "manager_last_name": manager.last_name if manager else None,
                "manager_username": manager.login if manager else None,
                "expiration": moment(person.deactivates_at),
                "email_validation_status": 1,
                "date_format": "",
                "force_change": 0,
                "avatar": "",
            },
            "additional_fields": [self._additional(one, person) for one in self._world.person_fields],
        }

    def _additional(self, definition: FieldDefinition, person: Person) -> Json:
        """A custom field of the single user: of a dropdown, the number of the option (UNCONFIRMED)."""
        value = self._field(definition, person)
        options = [{"id": place, "label": text} for place, text in enumerate(definition.choices, 1)]
        chosen = next((option["id"] for option in options if option["label"] == value), value)
        return {
            "id": definition.number,
            "title": definition.name,
            "value": chosen,
            "mandatory": int(definition.mandatory),
            "invisible_to_user": 0,
            **({"options": options} if options else {}),
        }

    # -- courses -----------------------------------------------------------------------------------

    def _of_both(self, course: Course) -> Json:
        """What the older list and the single course have under the same names."""
        category = self._world.categories.get(course.category_id or 0)
        word, label = _LANGUAGES.get(course.language or "", ("", ""))
        return {
            "name": course.title,
            "uidCourse": f"E-{course.id:06d}",
            "code": course.code,
            "description": course.description,
            "date_last_updated": moment(course.updated_at),
            "start_date": moment(course.starts_at, ZERO_DATE),
            "end_date": moment(course.ends_at, ZERO_DATE),
            "language": word,
            "language_label": label,
            "duration": 0,
            "price": f"{course.price_cents / 100:.2f}",
            "selling": course.price_cents > 0,
            "category": {"id": category.id, "name": category.name} if category else [],
            "slug_name": f"course-{course.id}",
            "can_rate": False,
            "can_self_unenroll": False,
        }

    def course(self, course: Course) -> Json:
        """A course as in the older list."""
        return {
            "id_course": course.id,
            "course_type": _course_type(course),
            **self._of_both(course),
            "is_new": False,
            "img_url": "",
            "credits": 0,
        }

    def course_newer(self, course: Course) -> Json:
        """A course as in the newer list: other names, the state of publication and the date of creation."""
        category = self._world.categories.get(course.category_id or 0)
        owner = self._world.people.get(course.owner_id)
        return {
            "id": course.id,
            "code": course.code,
            "uidCourse": f"E-{course.id:06d}",
            "title": course.title,
            "type": _course_type(course),
            "language": course.language,
            "language_label": _LANGUAGES.get(course.language or "", ("", ""))[1],
            "is_deleted": False,
            "course_status": _COURSE_STATES[course.state],
            "published": course.state is CourseState.PUBLISHED,
            "creation_date": moment(course.created_at),
            "last_update": moment(course.updated_at),
            "created_by": _full_name(owner) if owner else None,
            "category_name": category.name if category else None,
            "start_date": moment(course.starts_at),
            "end_date": moment(course.ends_at),
            "average_completion_time": "0",
            "enrolled_count": len(self._world.records_in(course.id)),
            "slug_name": f"course-{course.id}",
            "description": course.description,
            "actions": ["enroll", "edit", "delete"],
            **{
                f"field_{one.number}": course.custom_fields.get(one.number)
                for one in self._world.course_fields
            },
        }

    def course_detail(self, course: Course) -> Json:
        """A course as when asked for singly. Its status is that of the account that asks."""
        return {
            "id": course.id,
            "type": _course_type(course),
            **self._of_both(course),
            "status": "completed",
            "level": "student",
            "deadline": None,
            "completion_date": ZERO_DATE,
            "lang_code": course.language,
            "thumbnail": "",
            "deeplink": f"hash={SECRET_LINK}-{course.id}",
            "instructors": [],
            "sessions": [],
            "learningplans": [{"id": PLAN_ID}],
            "tree": [_node(item, 1) for item in course.items],
        }

    # -- learning records --------------------------------------------------------------------------

    def enrollment(self, record: LearningRecord) -> Json:
        """An enrolment as in the newer lists."""
        course = self._world.course(record.course_id)
        return {
            "user_id": record.person_id,
            "username": self._world.person(record.person_id).login,
            "course_id": course.id,
            "course_uid": f"E-{course.id:06d}",
            "course_code": course.code,
            "course_name": course.title,
            "course_type": _course_type(course),
            "course_begin_date": moment(course.starts_at),
            "course_end_date": moment(course.ends_at),
            "enrollment_level": _ENROLMENT_LEVELS[record.role][0],
            "enrollment_status": "suspended" if record.suspended else _STATUSES[record.progress][0],
            "enrollment_created_by": course.owner_id,
            "enrollment_created_at": moment(record.enrolled_at, ZERO_DATE),
            "enrollment_validity_begin_date": None,
            "enrollment_validity_end_date": moment(record.expires_at),
            "enrollment_date_last_updated": moment(record.updated_at),
            "enrollment_completion_date": moment(record.completed_at),
            "enrollment_score": record.score,
            "assignment_type": "mandatory" if record.mandatory else None,
        }

    def enrollment_of_list(self, record: LearningRecord) -> Json:
        """An enrolment as in the older list: its id is the course's."""
        course = self._world.course(record.course_id)
        return {
            "id": course.id,
            "user_id": record.person_id,
            "username": self._world.person(record.person_id).login,
            "subscribed_by": course.owner_id,
            "name": course.title,
            "code": course.code,
            "type": _course_type(course),
            "status": "suspended" if record.suspended else _STATUSES[record.progress][1],
            "level": _ENROLMENT_LEVELS[record.role][1],
            "complete_percent": record.percent,
            "score": record.score,
            "total_time": record.seconds or 0,
            "date_last_updated": moment(record.updated_at),
            "enroll_date_of_enrollment": moment(record.enrolled_at, ZERO_DATE),
            "enroll_begin_date": ZERO_DATE,
            "enroll_end_date": moment(record.expires_at, ZERO_DATE),
            "course_complete_date": moment(record.completed_at, ZERO_DATE),
            "duration": 0,
            "url": f"{self._site}/learn/course/{course.id}/course-{course.id}",
            "can_enter": True,
        }

    def enrollment_in_plan(self, person: Person) -> Json:
        """An enrolment in the learning plan, as it stands among those in courses."""
        return {
            "id": PLAN_ID,
            "user_id": person.id,
            "username": person.login,
            "name": "Onboarding",
            "code": "PLAN",
            "type": "learning_plan",
            "status": "in_progress",
            "courses_count": 2,
            "total_time": 0,
            "enroll_begin_date": moment(person.created_at),
            "url": f"{self._site}/learn/learning_plan/{PLAN_ID}/onboarding",
        }


def _full_name(person: Person) -> str:
    return " ".join(filter(None, (person.first_name, person.last_name)))


def _status(person: Person) -> str:
    """1, or 0 for whoever may not log in: Docebo knows no third state."""
    return "1" if person.state is PersonState.ACTIVE else "0"


def _course_type(course: Course) -> str:
    live = any(item.kind is ItemKind.LIVE_SESSION for item in course.walk())
    return "classroom" if live else "elearning"


def _node(item: Item, level: int) -> Json:
    common = {"id": str(item.id), "name": item.title, "level": level, "slug_name": f"item-{item.id}"}
    if item.kind is ItemKind.SECTION:
        children = [_node(child, level + 1) for child in item.children]
        return common | {"is_folder": True, "children": children}
    return common | {
        "is_folder": False,
        "type": _OBJECT_TYPES[item.kind],
        "status": "not_started",
        "duration": 0,
        "short_description": item.description,
        "can_enter": True,
        "children": [],
    }
