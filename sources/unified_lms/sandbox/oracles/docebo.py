"""What Docebo can tell of a world.

What it cannot, in any list: further e-mail addresses, telephones, job titles, branches of people (no list that is read
names them), suspension as against inactivity (both are 0), instructors by account (they are users), passed and failed
(a course is completed or it is not), when a learner started or was last active, due dates, attempts, what time was not
measured (it is 0), what a learning object requires, how long it takes, and which of page, link and discussion or of
document and audio it is. A section is a folder.

The newer list of enrolments has no progress and no address; the older one has no word on who must learn. The older
list of courses has no state of publication, no date of creation and no custom fields.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

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
from sources.unified_lms.sandbox.oracles.rows import Row, composite_id, instant, link, own_email, row, text
from sources.unified_lms.sandbox.world import World

_DOMAIN = "academy.example.org"

# The portal's word and the unified role.
_ROLES = {
    Role.ADMIN: ("godadmin", "admin"),
    Role.MANAGER: ("poweruser", "manager"),
    Role.INSTRUCTOR: ("user", "learner"),
    Role.LEARNER: ("user", "learner"),
}
_KNOWN_LANGUAGES = frozenset({"en", "de", "fr", "es", "ja"})
"""Languages that the portal shows under a name that leaves no doubt."""
_ITEM_TYPES = {
    ItemKind.SECTION: (None, "folder"),
    ItemKind.PAGE: ("htmlpage", "page"),
    ItemKind.LINK: ("htmlpage", "page"),
    ItemKind.DISCUSSION: ("htmlpage", "page"),
    ItemKind.DOCUMENT: ("file", "document"),
    ItemKind.AUDIO: ("file", "document"),
    ItemKind.VIDEO: ("video", "video"),
    ItemKind.SCORM: ("scormorg", "scorm"),
    ItemKind.XAPI: ("tincan", "xapi"),
    ItemKind.TEST: ("test", "quiz"),
    ItemKind.SURVEY: ("poll", "survey"),
    ItemKind.ASSIGNMENT: ("deliverable", "assignment"),
    ItemKind.LIVE_SESSION: ("lti", "other"),
    ItemKind.FLASHCARDS: ("elucidat", "other"),
}
_STATES = {
    CourseState.PUBLISHED: ("published", "published"),
    CourseState.DRAFT: ("draft", "draft"),
    CourseState.DISABLED: ("in_maintenance", "disabled"),
}
# Of the newer list, of the older one, and unified.
_STATUSES = {
    Progress.NOT_STARTED: ("subscribed", "enrolled", "enrolled"),
    Progress.IN_PROGRESS: ("in_progress", "in_progress", "in_progress"),
    Progress.COMPLETED: ("completed", "completed", "completed"),
    Progress.PASSED: ("completed", "completed", "completed"),
    Progress.FAILED: ("in_progress", "in_progress", "in_progress"),
}


def users(world: World, **_: object) -> list[Row]:
    """Everybody who is not deleted."""
    return [_user(world, person) for person in world.people.values()]


def _user(world: World, person: Person) -> Row:
    active = person.state is PersonState.ACTIVE
    word, role = _ROLES[person.role]
    manager = world.people.get(person.manager_id or 0)
    return row(
        "users",
        id=str(person.id),
        first_name=text(person.first_name),
        last_name=text(person.last_name),
        name=_full_name(person),
        username=person.login if person.login != person.email else None,
        emails=own_email(person.email),
        status="active" if active else "suspended",
        status_source="1" if active else "0",
        role=role,
        role_source=word,
        locale=person.language if person.language in _KNOWN_LANGUAGES else None,
        timezone=person.timezone,
        manager={"id": None, "name": _full_name(manager)} if manager else None,
        created_at=instant(person.created_at),
        updated_at=instant(person.updated_at),
        custom_fields=_custom_of(world, person),
    )


def _full_name(person: Person) -> str:
    return " ".join(filter(None, (person.first_name, person.last_name)))


def _custom_of(world: World, person: Person) -> Row | None:
    """The custom fields, and the instant from which the account is closed."""
    shown = _custom(world.person_fields, person.custom_fields) or {}
    ends = instant(person.deactivates_at)
    return (shown | {"expires_at": ends} if ends else shown) or None


def _custom(definitions: tuple[FieldDefinition, ...], values: dict[int, str]) -> Row | None:
    """Under the portal's keys; what was left empty says nothing."""
    return {
        f"field_{one.number}": values[one.number] for one in definitions if values.get(one.number)
    } or None


def _period(course: Course) -> Row:
    """From when until when a course is held, as far as that is limited."""
    ends = {"starts_at": instant(course.starts_at), "ends_at": instant(course.ends_at)}
    return {name: value for name, value in ends.items() if value}


def courses(world: World, *, course_list: str = "learn", **_: object) -> list[Row]:
    """All courses; `course_list` is the connection's setting."""
    tell = _course if course_list == "learn" else _course_of_newer_list
    return [tell(world, course) for course in world.courses.values()]


def _course(world: World, course: Course) -> Row:
    category = world.categories.get(course.category_id or 0)
    return _told_of_course(
        course,
        categories=[{"id": str(category.id), "name": category.name}] if category else None,
        custom_fields=_period(course) or None,
    )


def _course_of_newer_list(world: World, course: Course) -> Row:
    category = world.categories.get(course.category_id or 0)
    word, status = _STATES[course.state]
    return _told_of_course(
        course,
        status=status,
        status_source=word,
        categories=[{"id": None, "name": category.name}] if category else None,
        created_at=instant(course.created_at),
        custom_fields=(_custom(world.course_fields, course.custom_fields) or {}) | _period(course) or None,
    )


def _told_of_course(course: Course, **known: object) -> Row:
    live = any(item.kind is ItemKind.LIVE_SESSION for item in course.walk())
    return row(
        "courses",
        id=str(course.id),
        title=text(course.title),
        description=text(course.description),
        code=text(course.code),
        type="course",
        type_source="classroom" if live else "elearning",
        language=course.language,
        updated_at=instant(course.updated_at),
        **known,
    )


def course_items(world: World, **_: object) -> list[Row]:
    """All learning objects and folders, as deep as they lie."""
    return [found for course in world.courses.values() for found in _items(course, course.items, None)]


def _items(course: Course, siblings: tuple[Item, ...], folder: Item | None) -> Iterator[Row]:
    for position, item in enumerate(siblings, 1):
        yield _item(course, item, folder, position)
        yield from _items(course, item.children, item)


def _item(course: Course, item: Item, folder: Item | None, position: int) -> Row:
    word, kind = _ITEM_TYPES[item.kind]
    return row(
        "course_items",
        id=str(item.id),
        course={"id": str(course.id), "title": text(course.title)},
        parent={"id": str(folder.id), "title": text(folder.title)} if folder else None,
        type=kind,
        type_source=word,
        title=text(item.title),
        description=text(item.description),
        position=position,
    )


def course_enrollments(
    world: World, *, enrollment_list: str = "course", domain: str = _DOMAIN, **_: object
) -> list[Row]:
    """The records of learners; `enrollment_list` is the connection's setting.

    The newer list is read course by course, the older one has them person by person.
    """
    if enrollment_list == "course":
        records = [record for course in world.courses for record in world.records_in(course)]
        return [_enrollment(world, record) for record in _learners(records)]
    records = [record for person in world.people for record in world.records_of(person)]
    return [_enrollment_of_older_list(world, record, domain) for record in _learners(records)]


def _learners(records: list[LearningRecord]) -> list[LearningRecord]:
    return [record for record in records if record.role is CourseRole.LEARNER]


def _enrollment(world: World, record: LearningRecord) -> Row:
    return _told_of_record(
        world,
        record,
        status_source=_STATUSES[record.progress][0],
        is_mandatory=True if record.mandatory else None,
        created_at=instant(record.enrolled_at),
    )


def _enrollment_of_older_list(world: World, record: LearningRecord, domain: str) -> Row:
    course = record.course_id
    return _told_of_record(
        world,
        record,
        status_source=_STATUSES[record.progress][1],
        progress_percent=float(record.percent),
        urls=link(f"https://{domain}/learn/course/{course}/course-{course}"),
    )


def _told_of_record(world: World, record: LearningRecord, **known: object) -> Row:
    course = world.course(record.course_id)
    expires = instant(record.expires_at)
    by = str(course.owner_id) if course.owner_id != record.person_id else None
    return row(
        "course_enrollments",
        id=composite_id(course.id, record.person_id),
        user={"id": str(record.person_id), "name": None, "emails": None},
        course={"id": str(course.id), "title": text(course.title)},
        status=_STATUSES[record.progress][2],
        enrolled_at=instant(record.enrolled_at),
        completed_at=instant(record.completed_at),
        time_spent_seconds=record.seconds or 0,
        score=record.score,
        assigned_by={"id": by, "name": None} if by else None,
        updated_at=instant(record.updated_at),
        custom_fields={"expires_at": expires} if expires else None,
        **known,
    )


ORACLES: dict[str, Callable[..., list[Row]]] = {
    "users": users,
    "courses": courses,
    "course_items": course_items,
    "course_enrollments": course_enrollments,
}
