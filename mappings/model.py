"""The unified model: the four resources, every field, sub-property and enum, written once.

Everything that needs a list of fields derives it from here (`mappings.schemas`): the pydantic models, the Arrow
schema, the warehouse columns, JSON Schema and the tables of the documentation. Adding a field means adding one line.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a field holds, on the wire and in the warehouse."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"
    """RFC 3339 in UTC on the wire, `TIMESTAMP WITH TIME ZONE` in the warehouse."""
    ENUM = "enum"
    REF = "ref"
    """A nested object with the fields named in `Field.fields`; flat columns in the warehouse."""
    LIST = "list"
    """A list of objects with the fields named in `Field.fields`; a JSON column in the warehouse."""
    OBJECT = "object"
    """An object whose keys nobody fixes (`custom_fields`); a JSON column in the warehouse."""


@dataclass(frozen=True)
class Field:
    """One field of a resource, or one property of a nested object."""

    name: str
    kind: Kind
    description: str
    required: bool = False
    choices: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()
    minimum: float | None = None
    maximum: float | None = None

    @property
    def fallback(self) -> str:
        """The choice that stands for a word the model lacks: `unknown`, or `other` where there is no `unknown`."""
        return "unknown" if "unknown" in self.choices else "other"

    @property
    def is_json(self) -> bool:
        """Whether the warehouse keeps the field as JSON text."""
        return self.kind in (Kind.LIST, Kind.OBJECT)


@dataclass(frozen=True)
class Resource:
    """One of the four resources: its fields, and the paths without which a record identifies nothing."""

    name: str
    wire_name: str
    description: str
    fields: tuple[Field, ...]
    identity: tuple[str, ...]

    def field(self, name: str) -> Field:
        """The field called `name`; KeyError if the resource has none."""
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(name)

    @property
    def enums(self) -> tuple[Field, ...]:
        """The enum fields, each of which has a `<name>_source` beside it."""
        return tuple(field for field in self.fields if field.kind is Kind.ENUM)

    def paths(self) -> Iterator[tuple[str, Field]]:
        """Every leaf as (dotted path, field): `user.id` for a property of a ref, `emails` for a list."""
        for field in self.fields:
            if field.kind is Kind.REF:
                yield from ((f"{field.name}.{sub.name}", sub) for sub in field.fields)
            else:
                yield field.name, field


def _string(name: str, description: str, *, required: bool = False) -> Field:
    return Field(name, Kind.STRING, description, required=required)


def _instant(name: str, description: str) -> Field:
    return Field(name, Kind.TIMESTAMP, description)


def _whole(name: str, description: str, *, minimum: float | None = 0) -> Field:
    return Field(name, Kind.INTEGER, description, minimum=minimum)


def _enum(name: str, description: str, choices: str) -> Field:
    return Field(name, Kind.ENUM, description, choices=tuple(choices.split()))


def _ref(name: str, description: str, *fields: Field) -> Field:
    return Field(name, Kind.REF, description, fields=fields)


def _list(name: str, description: str, *fields: Field) -> Field:
    return Field(name, Kind.LIST, description, fields=fields)


_ID = _string("id", "The provider's id, always text.", required=True)
_CUSTOM = Field("custom_fields", Kind.OBJECT, "What the provider or the customer defines beyond the model.")
_CREATED = _instant("created_at", "When the record was created at the provider.")
_UPDATED = _instant("updated_at", "When the record was last changed at the provider.")
_REF_ID = _string("id", "The id of the related record.")
_REF_NAME = _string("name", "The name of the related record.")
_REF_TITLE = _string("title", "The title of the related record.")
_EMAILS = _list(
    "emails",
    "E-mail addresses.",
    _string("email", "The address."),
    _string("type", "What the address is for, in the provider's words."),
    Field("is_primary", Kind.BOOLEAN, "Whether it is the address that the provider writes to."),
)
_URLS = _list(
    "urls",
    "Links to the record.",
    _string("url", "The link."),
    _string("type", "What the link leads to."),
)

USERS = Resource(
    "users",
    "users",
    "The people known to the learning management system.",
    (
        _ID,
        _string("first_name", "Given name."),
        _string("last_name", "Family name."),
        _string("name", "Full name, where the provider gives one."),
        _string("username", "The login, where it differs from the e-mail address."),
        _EMAILS,
        _enum("status", "State of the account.", "active inactive invited suspended deleted unknown"),
        _enum("role", "The primary role.", "learner instructor admin manager other"),
        _list(
            "phones",
            "Telephone numbers.",
            _string("number", "The number."),
            _string("extension", "The extension."),
            _string("type", "What the number is for."),
        ),
        _string("locale", "Language, BCP 47, such as `en-US`."),
        _string("timezone", "IANA time zone, such as `Asia/Kolkata`."),
        _string("job_title", "Job title."),
        _ref("organization", "The organisation, tenant, branch or account of the user.", _REF_ID, _REF_NAME),
        _ref("manager", "The user's manager.", _REF_ID, _REF_NAME, _EMAILS),
        _CREATED,
        _UPDATED,
        _CUSTOM,
    ),
    ("id",),
)

COURSES = Resource(
    "courses",
    "courses",
    "What can be learnt: courses, paths, curricula and programmes.",
    (
        _ID,
        _string("title", "Title."),
        _string("description", "Description, in the provider's markup."),
        _string("code", "Course code or SKU."),
        _enum("type", "Kind of course.", "course path curriculum program microlearning other"),
        _enum("status", "State of publication.", "draft published archived disabled unknown"),
        _string("language", "Language, BCP 47."),
        _whole("duration_seconds", "Estimated duration in seconds."),
        _enum("level", "Level of difficulty.", "beginner intermediate advanced mixed unknown"),
        _URLS,
        _list("tags", "Tags.", _REF_ID, _REF_NAME),
        _list("categories", "Categories.", _REF_ID, _REF_NAME),
        _ref("organization", "The organisation that owns the course.", _REF_ID, _REF_NAME),
        _instant("published_at", "When the course was published."),
        _CREATED,
        _UPDATED,
        _CUSTOM,
    ),
    ("id",),
)

COURSE_ITEMS = Resource(
    "course_items",
    "course-items",
    "The content tree of a course: modules, sections, lessons, units, activities.",
    (
        Field(
            "id",
            Kind.STRING,
            "Unique in the connection; prefixed where the provider's id is not.",
            required=True,
        ),
        _ref("course", "The course that the item belongs to.", _REF_ID, _REF_TITLE),
        _ref("parent", "The course item above it; null at the root.", _REF_ID, _REF_TITLE),
        _enum(
            "type",
            "Kind of content.",
            "module section lesson page document video audio scorm xapi quiz assignment survey discussion "
            "live_session link folder other",
        ),
        _string("title", "Title."),
        _string("description", "Description, in the provider's markup."),
        _whole("position", "Order among siblings, starting at 1.", minimum=1),
        _whole("duration_seconds", "Estimated duration in seconds."),
        Field("is_required", Kind.BOOLEAN, "Whether the course cannot be completed without it."),
        _URLS,
        _CREATED,
        _UPDATED,
        _CUSTOM,
    ),
    ("id", "course.id"),
)

COURSE_ENROLLMENTS = Resource(
    "course_enrollments",
    "course-enrollments",
    "The learning record of a user in a course: enrolment, registration, assignment, transcript item.",
    (
        Field(
            "id",
            Kind.STRING,
            "The provider's id, or a stable key of course, user and attempt.",
            required=True,
        ),
        _ref("user", "The learner.", _REF_ID, _REF_NAME, _EMAILS),
        _ref("course", "The course.", _REF_ID, _REF_TITLE),
        _enum(
            "status",
            "State of the enrolment.",
            "assigned enrolled in_progress completed passed failed withdrawn expired overdue unknown",
        ),
        _instant("assigned_at", "When the course was assigned."),
        _instant("due_at", "When it is due."),
        _instant("enrolled_at", "When the learner was enrolled."),
        _instant("started_at", "When the learner started."),
        _instant("last_activity_at", "When the learner was last active in the course."),
        _instant("completed_at", "When the learner completed the course."),
        Field("progress_percent", Kind.NUMBER, "Progress, 0 to 100.", minimum=0, maximum=100),
        _whole("time_spent_seconds", "Time spent in seconds."),
        Field("score", Kind.NUMBER, "The latest or final score, as the provider scales it."),
        Field("is_mandatory", Kind.BOOLEAN, "Whether the learner has to take the course."),
        _ref("assigned_by", "Who assigned the course.", _REF_ID, _REF_NAME),
        _whole("attempt_number", "Number of this attempt."),
        _whole("attempts_count", "Number of attempts so far."),
        _URLS,
        _CREATED,
        _UPDATED,
        _CUSTOM,
    ),
    ("id", "user.id", "course.id"),
)

RESOURCES: dict[str, Resource] = {
    resource.name: resource for resource in (USERS, COURSES, COURSE_ITEMS, COURSE_ENROLLMENTS)
}
"""The resources by name, in the order in which they are read."""
