"""How Canvas writes things down (REST API v1): people, courses and modules.

Every key follows the vendor's documents, source and recorded answers. Ids are integers here; whoever asks for texts
gets them (`stringified`). A key that the token may not see is absent, not null.

The world in Canvas's terms: the organisation 1 is the root account and the others its sub-accounts; a section at the
root of a course is a module, one within it a heading among the module's items, and what stands outside of all sections
is in no module, where the API for modules does not show it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from typing import Any

from sources.unified_lms.sandbox.dialects.canvas_options import CanvasOptions
from sources.unified_lms.sandbox.entities import (
    Course,
    CourseState,
    Item,
    ItemKind,
    Person,
    PersonState,
    Role,
)
from sources.unified_lms.sandbox.world import World

Json = dict[str, Any]

CALENDAR_MARKER = "SECRET-FEED-CODE"
"""Stands in every `calendar.ics`, an address that shows a whole calendar to its bearer.

Found anywhere but on the wire, something has leaked.
"""
ROOT = 1
"""The organisation that is the root account."""
TERMS = {1: "Default Term", 2: "Autumn term"}
"""The terms of the root account, the first of them for courses without another."""
_SHARD = 10**13

_STATES = {
    CourseState.DRAFT: "unpublished",
    CourseState.PUBLISHED: "available",
    CourseState.DISABLED: "completed",
}
_ITEM_TYPES = {
    ItemKind.SECTION: "SubHeader",
    ItemKind.PAGE: "Page",
    ItemKind.DOCUMENT: "File",
    ItemKind.VIDEO: "File",
    ItemKind.AUDIO: "File",
    ItemKind.SCORM: "ExternalTool",
    ItemKind.XAPI: "ExternalTool",
    ItemKind.LIVE_SESSION: "ExternalTool",
    ItemKind.FLASHCARDS: "ExternalTool",
    ItemKind.TEST: "Quiz",
    ItemKind.SURVEY: "Quiz",
    ItemKind.ASSIGNMENT: "Assignment",
    ItemKind.DISCUSSION: "Discussion",
    ItemKind.LINK: "ExternalUrl",
}
_REQUIREMENTS: dict[str, Json] = {
    "Quiz": {"type": "min_score", "min_score": 5},
    "Assignment": {"type": "must_submit"},
    "Discussion": {"type": "must_contribute"},
}
_WITHOUT_CONTENT_ID = frozenset({"Page", "SubHeader", "ExternalUrl"})
_GRADED = frozenset({"Quiz", "Assignment"})


class CanvasWire:
    """Renders the world's people, courses and modules. The caller holds the world's lock."""

    def __init__(self, world: World, options: CanvasOptions) -> None:
        """Renders for one Canvas."""
        self._world = world
        self._options = options
        self._site = f"https://{options.domain}"

    # -- ids, dates --------------------------------------------------------------------------------

    def id(self, number: int) -> int:
        """The id of a thing of the world."""
        return self._options.shard * _SHARD + number

    def number(self, text: str) -> int:
        """The number in the world of an id in an address, which may be without its shard; -1 for what is none."""
        if not (text.isascii() and text.isdigit()):
            return -1
        shard, local = divmod(int(text), _SHARD)
        return local if shard in (0, self._options.shard) else -1

    def may(self, permission: str) -> bool:
        """Whether the token's user has a permission."""
        return permission in self._options.permissions

    def page_url(self, path: str) -> str:
        """The address of a page for people."""
        return f"{self._site}{path}"

    # -- people ------------------------------------------------------------------------------------

    def user(self, person: Person, includes: Collection[str] = ()) -> Json:
        """A user as in the account's list, or alone."""
        shown = self.user_within(person) | {"created_at": stamp(person.created_at)}
        if self._options.names_apart:
            shown |= {"first_name": person.first_name, "last_name": person.last_name}
        extra: Json = {
            "avatar_url": f"{self._site}/images/messages/avatar-50.png",
            "last_login": stamp(person.last_login_at),
            "locale": person.language,
            "time_zone": person.timezone,
        }
        if self.may("read_email_addresses"):
            extra["email"] = person.email
        return shown | {name: value for name, value in extra.items() if name in includes}

    def user_within(self, person: Person) -> Json:
        """A user as other records hold one."""
        name, sortable = self.names(person)
        shown: Json = {"id": self.id(person.id), "name": name, "sortable_name": sortable, "short_name": name}
        if self.may("view_user_logins"):
            shown["login_id"] = person.login
        if self.may("read_sis"):
            shown |= {"sis_user_id": self.sis_id(person), "integration_id": person.aliases.get("integration")}
        return shown

    def names(self, person: Person) -> tuple[str, str]:
        """The name of a person in one piece, and with the family name first."""
        name = " ".join(part for part in (person.first_name, person.last_name) if part)
        sortable = ", ".join(part for part in (person.last_name, person.first_name) if part)
        return person.full_name or name, sortable

    def sis_id(self, person: Person) -> str | None:
        """The id in the student information system: one that was given, or that of those in an organisation."""
        own = f"S-{person.id:05d}" if person.organization_ids else None
        return person.aliases.get("sis", own)

    def searchable(self, person: Person) -> tuple[str | None, ...]:
        """The texts in which an administrator's search looks for a person."""
        return (*self.names(person), person.login, person.email, self.sis_id(person))

    def login(self, person: Person) -> Json:
        """The one login of a person; people who are inactive or suspended have it suspended."""
        state = "active" if person.state is PersonState.ACTIVE else "suspended"
        return {
            "id": self.id(person.id),
            "user_id": self.id(person.id),
            "account_id": self.id(ROOT),
            "workflow_state": state,
            "unique_id": person.login,
        }

    def admins(self) -> list[Json]:
        """The administrators of the root account; a role has the customer's own name where there is one."""
        found = [person for person in self._world.people.values() if person.role is Role.ADMIN]
        return [
            {
                "id": self.id(person.id),
                "role": person.role_name or "AccountAdmin",
                "role_id": self.id(1),
                "user": self.user_within(person),
                "workflow_state": "active",
            }
            for person in found
        ]

    # -- courses -----------------------------------------------------------------------------------

    def course(self, course: Course, includes: Collection[str]) -> Json:
        """A course as in the account's list, or alone: both take the same `include[]`."""
        account = course.organization_ids[0] if course.organization_ids else ROOT
        shown: Json = {
            "id": self.id(course.id),
            "name": course.title,
            "course_code": course.code,
            "account_id": self.id(account),
            "root_account_id": self.id(ROOT),
            "enrollment_term_id": self.id(course.term_id),
            "uuid": f"uuid-of-course-{course.id}",
            "workflow_state": _STATES[course.state],
            "created_at": stamp(course.created_at),
            "start_at": stamp(course.starts_at),
            "end_at": stamp(course.ends_at),
            "locale": course.language,
            "default_view": "modules",
            "is_public": course.shared_key is not None,
            "calendar": {"ics": f"{self._site}/feeds/calendars/course_{CALENDAR_MARKER}{course.id}.ics"},
            "time_zone": "Europe/London",
            "restrict_enrollments_to_course_dates": is_restricted(course),
        }
        if self.may("read_sis"):
            own = f"C-{course.code}" if course.code else None
            integration = course.aliases.get("integration")
            shown |= {"sis_course_id": course.aliases.get("sis", own), "integration_id": integration}
        extra = self._course_extra(course, account)
        return shown | {name: value for name, value in extra.items() if name in includes}

    def _course_extra(self, course: Course, account: int) -> Json:
        organization = self._world.organizations.get(account)
        return {
            "term": {
                "id": self.id(course.term_id),
                "name": TERMS[course.term_id],
                "start_at": None,
                "end_at": None,
            },
            "account_name": organization.name if organization else "Sandbox",
            "concluded": course.state is CourseState.DISABLED,
            "html_url": self.page_url(f"/courses/{self.id(course.id)}"),
            "public_description": course.description or None,
            "syllabus_body": None,
        }

    # -- modules -----------------------------------------------------------------------------------

    def modules(self, course: Course, includes: Collection[str], host: str) -> list[Json]:
        """The modules of a course; one with many items leaves them out."""
        return [
            self._module(course, module, place, includes, host)
            for place, module in enumerate(modules_of(course), 1)
        ]

    def _module(self, course: Course, module: Item, place: int, includes: Collection[str], host: str) -> Json:
        address = f"{host}/api/v1/courses/{self.id(course.id)}/modules/{self.id(module.id)}/items"
        items = self.module_items(course, module, includes, host)
        shown = {
            "id": self.id(module.id),
            "name": module.title,
            "position": place,
            "unlock_at": None,
            "require_sequential_progress": False,
            "requirement_type": "all",
            "publish_final_grade": False,
            "prerequisite_module_ids": [],
            "published": True,
            "items_count": len(items),
            "items_url": address,
        }
        inline = "items" in includes and len(items) <= self._options.inline_items
        return shown | ({"items": items} if inline else {})

    def module_items(self, course: Course, module: Item, includes: Collection[str], host: str) -> list[Json]:
        """The items of a module in their order; a section within it is a heading."""
        return [
            self._item(course, module, item, place, indent, includes, host)
            for place, (item, indent) in enumerate(flattened(module), 1)
        ]

    def _item(
        self,
        course: Course,
        module: Item,
        item: Item,
        place: int,
        indent: int,
        includes: Collection[str],
        host: str,
    ) -> Json:
        kind, number, within = _ITEM_TYPES[item.kind], self.id(item.id), f"/courses/{self.id(course.id)}"
        shown: Json = {
            "id": number,
            "module_id": self.id(module.id),
            "position": place,
            "title": item.title,
            "indent": indent,
            "type": kind,
            "published": True,
        }
        if kind != "SubHeader":
            shown["html_url"] = self.page_url(f"{within}/modules/items/{number}")
        if kind not in _WITHOUT_CONTENT_ID:
            shown |= {"content_id": number, "url": f"{host}/api/v1{within}/{kind.lower()}s/{number}"}
        if kind == "ExternalUrl":
            shown |= {"external_url": f"{self._site}/away/{item.id}", "new_tab": True}
        if is_requirement(item):
            shown["completion_requirement"] = _REQUIREMENTS.get(kind, {"type": "must_view"})
        if "content_details" in includes:
            shown["content_details"] = _details(kind)
        return shown


def _details(kind: str) -> Json:
    graded = {"points_possible": 10, "due_at": None, "unlock_at": None, "lock_at": None}
    return (graded if kind in _GRADED else {}) | {"locked_for_user": False}


def modules_of(course: Course) -> list[Item]:
    """The sections at the root of a course."""
    return [item for item in course.items if item.kind is ItemKind.SECTION]


def flattened(module: Item) -> Iterator[tuple[Item, int]]:
    """What lies in a module, a section within it before what it holds, each with its indentation."""
    for child in module.children:
        yield child, 0
        yield from ((item, 1) for item in child.walk() if item is not child)


def is_restricted(course: Course) -> bool:
    """Whether people can take part between the dates of the course only."""
    return course.ends_at is not None


def is_requirement(item: Item) -> bool:
    """Whether a course is not completed without the item; a heading asks for nothing."""
    return item.required and item.kind is not ItemKind.SECTION


def stamp(instant: datetime | None) -> str | None:
    """`2014-06-27T16:30:59Z`."""
    return None if instant is None else instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def stringified(value: Any) -> Any:
    """The value with the integers under `id`, `*_id` and `*_ids` as text."""
    if isinstance(value, list):
        return [stringified(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: _id_text(item) if _holds_ids(name) else stringified(item) for name, item in value.items()}


def _holds_ids(name: str) -> bool:
    return name == "id" or name.endswith(("_id", "_ids"))


def _id_text(value: Any) -> Any:
    if isinstance(value, list):
        return [_id_text(item) for item in value]
    return str(value) if isinstance(value, int) else value
