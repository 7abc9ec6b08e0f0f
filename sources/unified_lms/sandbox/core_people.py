"""The hand-written people of the world, each of whom is awkward in a way that the comment names."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sources.unified_lms.sandbox.entities import Person, PersonState, Role

LONG_TEXT = "Long texts must survive whole: äöü & <b>markup</b>, \"quotes\" and 'apostrophes'.\n" * 70
"""About 5,600 characters."""


def at(text: str) -> datetime:
    """An instant from `YYYY-MM-DD HH:MM:SS`, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _person(
    number: int, login: str, first: str, last: str, email: str, created: str, **fields: Any
) -> Person:
    created_at = at(created)
    return Person(
        number, login, first, last, email, created_at, fields.pop("updated_at", created_at), **fields
    )


def core_people() -> list[Person]:
    """All of them, number 27 among them, who is deleted before the world begins."""
    return [*_staff(), *_odd_names(), *_odd_accounts(), *_plain_learners()]


# The people stand close together on purpose: one look tells them apart.
# fmt: off


def _staff() -> list[Person]:
    return [
        # The owner of the portal; in no course.
        _person(
            1, "ada.okafor", "Ada", "Okafor", "ada.okafor@example.org", "2019-01-07 08:00:00",
            role=Role.ADMIN, role_name="SuperAdmin", organization_ids=(1,), job_title="Head of learning",
            custom_fields={1: "Example Learning Ltd", 2: "on", 3: "R&D", 4: "2018-11-30"},
        ),
        # An instructor with no record as a learner; created in summer time.
        _person(
            2, "bjorn", "Björn", "Åström", "bjorn.astrom@example.org", "2019-07-01 12:34:56",
            role=Role.INSTRUCTOR, organization_ids=(2,), language="de", timezone="Europe/Berlin",
            manager_id=1,
        ),
        # An instructor in one course who learns in another.
        _person(
            3, "chidi", "Chidi", "Eze", "chidi.eze@example.org", "2020-02-29 23:59:59",
            role=Role.INSTRUCTOR, organization_ids=(1, 3), manager_id=1, phone="+44 20 7946 0958",
        ),
        # An administrator who is not the owner, with two e-mail addresses.
        _person(
            4, "dora", "Dora", "Nagy", "dora.nagy@example.org", "2020-03-01 00:00:00",
            role=Role.ADMIN, role_name="Administrator", other_emails=("dora@example.com",), language="fr",
        ),
        # A manager under a name that the customer made up, which no table of roles knows.
        _person(
            5, "emeka", "Emeka", "Obi", "emeka.obi@example.org", "2020-05-15 03:25:35",
            role=Role.MANAGER, role_name="Regional supervisors", organization_ids=(3,),
            job_title="Supervisor",
        ),
    ]


def _odd_names() -> list[Person]:
    return [
        # Apostrophe, hyphen, diaeresis.
        _person(6, "zoe", "Zoë", "O'Brien-Müller", "zoe@example.org", "2021-01-04 09:00:00",
                organization_ids=(2, 3), group_ids=(1,), manager_id=5, points=120,
                custom_fields={1: "Example Ltd", 2: "off"}),
        # Chinese characters; a zone that the portal's list does not have.
        _person(7, "li.ming", "明", "李", "li.ming@example.com", "2021-01-05 09:00:00",
                organization_ids=(3,), language="ja", timezone="Asia/Kathmandu"),
        # Right to left.
        _person(8, "mona", "منى", "الفارسي", "mona@example.com", "2021-01-06 09:00:00", language=None),
        # Quotes, angle brackets, an ampersand, an entity that is none.
        _person(9, "bob", 'Robert "Bob"', "<b>Tables</b> & Sons &amp; Co", "bob@example.org",
                "2021-01-07 09:00:00",
                custom_fields={1: "A & B <C> \"D\" 'E'", 3: "R&D"}),
        # Composed of combining characters (NFD): two code points where others have one.
        _person(10, "jose", "Jose\u0301", "Garci\u0301a", "jose@example.org", "2021-01-08 09:00:00",
                language="es"),
        # No family name.
        _person(11, "sukarmini", "Sukarmini", "", "sukarmini@example.org", "2021-01-09 09:00:00"),
        # Beyond the basic plane, and white space at both ends.
        _person(12, "rocket", " Ru\U0001f680by ", "Née  Two-Spaces", "ruby@example.org",
                "2021-01-10 09:00:00"),
        # What a spreadsheet would run, a backslash, a tab, a line break.
        _person(13, "formula", '=HYPERLINK("x")', "Back\\slash\tTab\nBreak", "formula@example.org",
                "2021-01-11 09:00:00"),
        # A namesake of 15.
        _person(14, "sam.lee", "Sam", "Lee", "sam.lee@example.org", "2021-01-12 09:00:00",
                organization_ids=(1,)),
        _person(15, "sam.lee2", "Sam", "Lee", "sam.lee@example.com", "2021-01-12 09:00:00",
                organization_ids=(2,)),
    ]


def _odd_accounts() -> list[Person]:
    return [
        # The login is the address.
        _person(16, "gita@example.org", "Gita", "Rao", "gita@example.org", "2021-06-30 22:59:59",
                language="en"),
        # Upper case and a plus sign in the address; colon and comma in the login.
        _person(17, "odd:login,with 100%", "Plus", "Sign", "Mixed.Case+LMS@Example.ORG",
                "2021-07-01 09:00:00"),
        # Left the company: inactive, with completed courses.
        _person(18, "hanna", "Hanna", "Virtanen", "hanna@example.org", "2021-07-02 09:00:00",
                state=PersonState.INACTIVE, updated_at=at("2025-12-31 23:59:59")),
        # Suspended in the middle of a course.
        _person(19, "ivan", "Ivan", "Petrov", "ivan@example.org", "2021-07-03 09:00:00",
                state=PersonState.SUSPENDED, language="en"),
        # To be deactivated at a known instant.
        _person(20, "jana", "Jana", "Nováková", "jana@example.org", "2021-07-04 09:00:00",
                deactivates_at=at("2026-06-30 21:59:00")),
        # A very long biography; every custom field filled in or left empty.
        _person(21, "kofi", "Kofi", "Mensah", "kofi@example.org", "2021-07-05 09:00:00", bio=LONG_TEXT,
                custom_fields={1: "", 2: "on", 3: "", 4: "2020-02-29"}),
        # Created in the hour that the clocks of Europe/London show twice: the second 01:30 of that night.
        _person(22, "night.owl", "Nyx", "Strix", "owl@example.org", "2024-10-27 01:30:00"),
        # Created and changed in the last minute of a year, by UTC and by London.
        _person(23, "midnight", "Miri", "Cohen", "miri@example.org", "2024-12-31 23:59:59",
                updated_at=at("2025-12-31 23:59:59"), bio=""),
    ]


def _plain_learners() -> list[Person]:
    return [
        # Will be deleted by the script's first step.
        _person(24, "leaver", "Lea", "Ver", "lea@example.org", "2022-01-01 09:00:00", organization_ids=(1,)),
        # Will be renamed by it.
        _person(25, "nina", "Nina", "Before-Wedding", "nina@example.org", "2022-01-02 09:00:00",
                language="en"),
        # In no course, new, never logged in.
        _person(26, "unused", "Uma", "Unused", "uma@example.org", "2026-03-02 08:59:59", role=Role.LEARNER),
        # Deleted before the world begins.
        _person(27, "deleted", "Del", "Eted", "deleted@example.org", "2022-01-03 09:00:00"),
    ]
