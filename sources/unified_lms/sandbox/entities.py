"""What the sandbox's world consists of, in nobody's dialect: people, courses, content and learning records.

Instants are aware datetimes in UTC with whole seconds. Ids are integers, each kind in a number space of
its own (a person and a course may share a number), which a dialect turns into whatever its provider uses.
None means that nobody ever said; the empty string means that somebody left it empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

START = datetime(2026, 3, 2, 9, 0, 0, tzinfo=UTC)
"""When every world begins."""


class PersonState(StrEnum):
    """State of an account. Providers without suspension show a suspended person as inactive."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    SUSPENDED = "suspended"


class Role(StrEnum):
    """What a person is in the whole of the LMS."""

    LEARNER = "learner"
    INSTRUCTOR = "instructor"
    MANAGER = "manager"
    ADMIN = "admin"


class CourseRole(StrEnum):
    """What a person is in one course."""

    LEARNER = "learner"
    INSTRUCTOR = "instructor"


class CourseState(StrEnum):
    """State of publication of a course."""

    DRAFT = "draft"
    PUBLISHED = "published"
    DISABLED = "disabled"


class Progress(StrEnum):
    """How far a learner has come.

    What only follows from a date (expired, overdue) is no state of the world.
    """

    NOT_STARTED = "not_started"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    PASSED = "passed"
    FAILED = "failed"


class ItemKind(StrEnum):
    """Kind of a piece of content; only sections have children."""

    SECTION = "section"
    PAGE = "page"
    DOCUMENT = "document"
    VIDEO = "video"
    AUDIO = "audio"
    SCORM = "scorm"
    XAPI = "xapi"
    TEST = "test"
    SURVEY = "survey"
    ASSIGNMENT = "assignment"
    DISCUSSION = "discussion"
    LIVE_SESSION = "live_session"
    LINK = "link"
    FLASHCARDS = "flashcards"
    """A kind that the unified model has no word for."""


@dataclass(frozen=True, slots=True)
class FieldDefinition:
    """A custom field that the customer defined.

    `number` is its place, from 1; providers derive its key from it.
    """

    number: int
    name: str
    kind: str = "text"
    """text, checkbox (values "on" and "off"), dropdown or date (ISO 8601 day)."""
    choices: tuple[str, ...] = ()
    mandatory: bool = False


@dataclass(frozen=True, slots=True)
class Organization:
    """A branch, tenant or account that people belong to."""

    id: int
    name: str
    description: str = ""
    parent_id: int | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A group of people, with the key by which one joins it."""

    id: int
    name: str
    key: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Category:
    """A course category; categories nest."""

    id: int
    name: str
    parent_id: int | None = None


@dataclass(slots=True)
class Person:
    """An account. `custom_fields` is keyed by the number of the field; what was never filled in is absent."""

    id: int
    login: str
    first_name: str
    last_name: str
    email: str
    created_at: datetime
    updated_at: datetime
    other_emails: tuple[str, ...] = ()
    state: PersonState = PersonState.ACTIVE
    role: Role = Role.LEARNER
    role_name: str | None = None
    """The customer's own name for the role, where it is not one of the provider's."""
    language: str | None = "en"
    """BCP 47; None for a language of the customer's own making."""
    timezone: str = "Europe/London"
    phone: str | None = None
    job_title: str | None = None
    bio: str | None = None
    organization_ids: tuple[int, ...] = ()
    group_ids: tuple[int, ...] = ()
    manager_id: int | None = None
    points: int = 0
    deactivates_at: datetime | None = None
    last_login_at: datetime | None = None
    deleted_at: datetime | None = None
    custom_fields: dict[int, str] = field(default_factory=dict)
    full_name: str | None = None
    """The name in one piece, where it is another than first and last name make."""
    aliases: dict[str, str] = field(default_factory=dict)
    """Ids under which other systems know the person, by the kind of system."""
    details: dict[str, str] = field(default_factory=dict)
    """What only one provider keeps of an account, under that provider's name."""


@dataclass(frozen=True, slots=True)
class Item:
    """A piece of content, or a section with `children`. The order of the tuple is the order in the course."""

    id: int
    kind: ItemKind
    title: str
    description: str = ""
    duration_seconds: int | None = None
    required: bool = True
    children: tuple[Item, ...] = ()

    def walk(self) -> Iterator[Item]:
        """The item and all below it, in reading order."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(slots=True)
class Course:
    """A course and its content tree (`items`: what stands at the root)."""

    id: int
    title: str
    created_at: datetime
    updated_at: datetime
    code: str = ""
    description: str = ""
    state: CourseState = CourseState.PUBLISHED
    language: str | None = None
    category_id: int | None = None
    owner_id: int = 1
    price_cents: int = 0
    hidden: bool = False
    shared_key: str | None = None
    """Set where the course is shown to the public under a link."""
    time_limit_days: int = 0
    certification: str | None = None
    certification_months: int | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    organization_ids: tuple[int, ...] = ()
    prerequisite_ids: tuple[int, ...] = ()
    rules: tuple[str, ...] = ("All units must be completed",)
    items: tuple[Item, ...] = ()
    deleted_at: datetime | None = None
    custom_fields: dict[int, str] = field(default_factory=dict)
    term_id: int = 1
    aliases: dict[str, str] = field(default_factory=dict)
    """Ids under which other systems know the course, by the kind of system."""
    details: dict[str, str] = field(default_factory=dict)
    """As of a person."""

    def walk(self) -> Iterator[Item]:
        """All items in reading order, sections before what they hold."""
        for item in self.items:
            yield from item.walk()


@dataclass(slots=True)
class LearningRecord:
    """What a person is and has done in a course.

    `percent` is 0 to 100, `seconds` None where nothing was measured.
    """

    course_id: int
    person_id: int
    updated_at: datetime
    role: CourseRole = CourseRole.LEARNER
    further_roles: tuple[CourseRole, ...] = ()
    progress: Progress = Progress.NOT_STARTED
    percent: int = 0
    score: float | None = None
    seconds: int | None = None
    attempts: int = 0
    mandatory: bool = False
    enrolled_at: datetime | None = None
    begins_at: datetime | None = None
    """From when the enrolment is in force; None for always."""
    started_at: datetime | None = None
    last_activity_at: datetime | None = None
    completed_at: datetime | None = None
    due_at: datetime | None = None
    expires_at: datetime | None = None
    last_item_id: int | None = None
    removed_at: datetime | None = None
    concluded: bool = False
    """Whether somebody has closed the enrolment, whatever the learner had done by then."""
    inactive: bool = False
    """Whether the enrolment is on hold."""
    suspended: bool = False
    """Whether the enrolment is suspended, which is not what its account is."""
