"""The hand-written courses and learning records of the world, each awkward in a way of its own."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sources.unified_lms.sandbox.core_people import LONG_TEXT, at
from sources.unified_lms.sandbox.entities import (
    Course,
    CourseRole,
    CourseState,
    Item,
    ItemKind,
    LearningRecord,
    Progress,
)

K = ItemKind

EMPTY_COURSES = frozenset({104})
"""Core courses that must stay without learners."""


def core_courses() -> list[Course]:
    """The nine courses of the core."""
    return [*_rich_courses(), *_poor_courses()]


def _course(number: int, title: str, created: str, updated: str, **fields: Any) -> Course:
    return Course(number, title, at(created), at(updated), **fields)


def _section(number: int, title: str, *children: Item) -> Item:
    return Item(number, K.SECTION, title, children=children)


# The courses and records stand close together on purpose: one look tells them apart.
# fmt: off


def _rich_courses() -> list[Course]:
    return [
        # Two sections, one of them with a name used twice; every plain field filled in.
        _course(
            101, "Safety & Health <2026> “für alle”", "2019-03-31 00:59:59", "2025-07-13 10:29:44",
            code="SH-2026", description="<p>What everybody must know &amp; do.</p>", category_id=2,
            owner_id=2,
            price_cents=1999, custom_fields={1: "CC-42", 2: "on"}, certification="Classic",
            certification_months=24,
            language="en", organization_ids=(1,),
            items=(
                _section(1001, "Start", Item(1002, K.SCORM, "Introduction"), Item(1003, K.VIDEO,
                         "A film & a talk")),
                _section(1004, "Start", Item(1005, K.TEST, "Final test"), Item(1006, K.SURVEY,
                         "Was it useful?")),
            ),
        ),
        # Units before the first section, an empty section at the end; changed in summer time.
        _course(
            102, "Loose ends", "2020-06-01 09:00:00", "2025-06-01 09:00:00", code="LOOSE", category_id=1,
            description="Units come before the first section.",
            items=(
                Item(1010, K.PAGE, "Read me first"), Item(1011, K.LINK, "Our intranet"),
                _section(1012, "Part one", Item(1013, K.ASSIGNMENT, "Write a page"),
                         Item(1014, K.LIVE_SESSION, "Meet your trainer", duration_seconds=5400)),
                _section(1015, "Nothing here yet"),
            ),
        ),
        # Every kind of item, and sections within sections for the providers that nest.
        _course(
            107, "Everything there is", "2021-09-01 08:00:00", "2026-02-28 23:59:59", code="ALL",
            category_id=3,
            language="de", prerequisite_ids=(101, 102), rules=(), owner_id=3,
            items=(
                _section(1020, "Outer",
                         Item(1021, K.XAPI, "Statement by statement"), Item(1022, K.AUDIO, "Listen"),
                         _section(1023, "Inner", Item(1024, K.DOCUMENT, "Handbook.pdf"),
                                  Item(1025, K.DISCUSSION, "What do you think?", required=False))),
                _section(1026, "日本語", Item(1027, K.FLASHCARDS, "漢字"), Item(1028, K.PAGE, "A page <1>")),
            ),
        ),
    ]


def _poor_courses() -> list[Course]:
    return [
        # No units at all, yet with learners.
        _course(103, "Without units", "2022-01-01 00:00:00", "2022-01-01 00:00:00", category_id=1),
        # Not published, nobody in it, not even its owner.
        _course(104, "Switched off", "2022-02-02 02:02:02", "2022-02-02 02:02:02", state=CourseState.DISABLED,
                items=(Item(1030, K.PAGE, "Only page"),)),
        # Very long description, a code beyond ASCII, no category.
        _course(105, "Übung: " + "very long title " * 12, "2022-03-03 03:03:03", "2024-10-27 00:30:00",
                code="ÜB/105 #1", description=LONG_TEXT, items=(Item(1031, K.PAGE, LONG_TEXT[:255]),)),
        # Shared with the public; learners have a limited time.
        _course(106, "Shared", "2022-04-04 04:04:04", "2023-04-04 04:04:04", code="SHARED",
                shared_key="pub-106", time_limit_days=90, hidden=True,
                items=(Item(1032, K.SCORM, "Package"),)),
        # Will be deleted by the script's second step; a number in the code; nested nothing.
        _course(108, "To be deleted", "2023-05-05 05:05:05", "2023-05-05 05:05:05", code="00108",
                category_id=3, custom_fields={2: "off"}, items=(_section(1033, "Only a section"),)),
        # A draft where the provider has drafts; starts later.
        _course(109, "Next year", "2026-01-01 00:00:00", "2026-01-01 00:00:00", state=CourseState.DRAFT,
                starts_at=at("2027-01-01 09:00:00"), category_id=2),
    ]


def _record(course: int, person: int, enrolled: str | None, **fields: Any) -> LearningRecord:
    """A record; instants may be given as text. Last change: the latest instant that is not in the future."""
    values: dict[str, Any] = {
        name: at(value) if name.endswith("_at") else value for name, value in fields.items()
    }
    known = [at(enrolled)] if enrolled else []
    known += [values[name] for name in ("started_at", "last_activity_at", "completed_at") if name in values]
    updated: datetime = max(known, default=at("2021-01-01 00:00:00"))
    return LearningRecord(course, person, updated, enrolled_at=at(enrolled) if enrolled else None, **values)


def core_records() -> list[LearningRecord]:
    """The learning records of the core; a comment says what is awkward about each."""
    return [*_instructors(), *_safety(), *_elsewhere()]


def _instructors() -> list[LearningRecord]:
    teach = CourseRole.INSTRUCTOR
    return [
        _record(101, 2, "2019-03-31 00:59:59", role=teach),
        _record(102, 2, "2020-06-01 09:00:00", role=teach, percent=0, seconds=600),
        _record(103, 3, "2022-01-01 00:00:00", role=teach),
        _record(107, 3, "2021-09-01 08:00:00", role=teach),
        # A learner by account who is an instructor in this course only.
        _record(105, 14, "2022-03-03 03:03:03", role=teach),
    ]


def _safety() -> list[LearningRecord]:
    done, busy = Progress.COMPLETED, Progress.IN_PROGRESS
    return [
        # The instructor of another course as a learner; over a day of time.
        _record(101, 3, "2021-02-01 09:00:00", progress=done, percent=100, seconds=93_784, attempts=1,
                score=88.5,
                started_at="2021-02-02 09:00:00", last_activity_at="2021-03-01 10:00:00",
                completed_at="2021-03-01 10:00:00", last_item_id=1005),
        # Under way (the script's first step carries it on).
        _record(101, 6, "2026-01-10 09:00:00", progress=busy, percent=40, seconds=197, attempts=1,
                mandatory=True,
                started_at="2026-01-11 09:00:00", last_activity_at="2026-02-11 09:00:00",
                due_at="2026-03-31 22:59:59", last_item_id=1003),
        # Nothing done, but time spent: under way.
        _record(101, 7, "2026-01-10 09:00:00", progress=busy, percent=0, seconds=111, attempts=1,
                started_at="2026-01-12 09:00:00", last_activity_at="2026-01-12 09:01:51"),
        # The provider says under way, and there is neither progress nor time.
        _record(101, 8, "2026-01-10 09:00:00", progress=busy, percent=0, seconds=0),
        # Never started.
        _record(101, 9, "2026-01-10 09:00:00"),
        # Completed without any time measured, in the second of the enrolment.
        _record(101, 10, "2025-03-30 01:00:00", progress=done, percent=100, attempts=1,
                started_at="2025-03-30 01:00:00", last_activity_at="2025-03-30 01:00:00",
                completed_at="2025-03-30 01:00:00"),
        # Failed at 66 percent, after three attempts.
        _record(101, 12, "2025-10-01 09:00:00", progress=Progress.FAILED, percent=66, seconds=3_600,
                attempts=3,
                score=41.25, started_at="2025-10-02 09:00:00", last_activity_at="2025-10-26 00:30:00"),
        # Passed.
        _record(101, 13, "2025-10-01 09:00:00", progress=Progress.PASSED, percent=100, seconds=7_384,
                attempts=2,
                score=100.0, started_at="2025-10-02 09:00:00", last_activity_at="2025-10-26 01:30:00",
                completed_at="2025-10-26 01:30:00"),
        # Under way when the account was suspended.
        _record(101, 19, "2025-11-01 09:00:00", progress=busy, percent=50, seconds=60, attempts=1,
                started_at="2025-11-02 09:00:00", last_activity_at="2025-11-03 09:00:00"),
        # Will be deleted with the person.
        _record(101, 24, "2024-01-01 09:00:00", progress=done, percent=100, seconds=1, attempts=1,
                started_at="2024-01-01 09:00:00", last_activity_at="2024-02-29 12:00:00",
                completed_at="2024-02-29 12:00:00"),
    ]


def _elsewhere() -> list[LearningRecord]:
    done, busy = Progress.COMPLETED, Progress.IN_PROGRESS
    return [
        # Of somebody inactive.
        _record(102, 18, "2021-08-01 09:00:00", progress=done, percent=100, seconds=1_800, attempts=1,
                started_at="2021-08-02 09:00:00", last_activity_at="2021-09-01 09:00:00",
                completed_at="2021-09-01 09:00:00"),
        # Almost done (the script's first step completes it).
        _record(102, 16, "2026-02-01 09:00:00", progress=busy, percent=90, seconds=3_599, attempts=1,
                started_at="2026-02-02 09:00:00", last_activity_at="2026-02-20 09:00:00"),
        # To be unenrolled by the script's first step.
        _record(102, 15, "2026-02-01 09:00:00", progress=busy, percent=10, seconds=60, attempts=1,
                started_at="2026-02-02 09:00:00", last_activity_at="2026-02-02 09:01:00"),
        # In the course that has no units.
        _record(103, 6, "2025-01-01 00:00:00", seconds=0),
        # Without a date of enrolment.
        _record(103, 17, None),
        # A year that no clock change touches, in a course of long texts.
        _record(105, 21, "2025-06-30 23:30:00", progress=busy, percent=1, seconds=5, attempts=1,
                started_at="2025-06-30 23:30:00", last_activity_at="2025-06-30 23:30:05"),
        # Not completed, and access has ended.
        _record(106, 11, "2025-01-01 09:00:00", progress=busy, percent=30, seconds=61, attempts=1,
                started_at="2025-01-02 09:00:00", last_activity_at="2025-01-03 09:00:00",
                expires_at="2025-04-01 08:00:00"),
        # Completed, and access ended later.
        _record(106, 6, "2025-01-01 09:00:00", progress=done, percent=100, seconds=3_661, attempts=1,
                started_at="2025-01-02 09:00:00", last_activity_at="2025-01-04 09:00:00",
                completed_at="2025-01-04 09:00:00", expires_at="2025-04-01 08:00:00"),
        # Access will end.
        _record(106, 20, "2026-02-01 09:00:00", expires_at="2026-05-02 08:00:00"),
        # In a course that will be deleted; the person is in no other.
        _record(108, 23, "2025-12-31 23:59:59", progress=busy, percent=99, seconds=86_399, attempts=1,
                started_at="2025-12-31 23:59:59", last_activity_at="2026-01-01 23:59:58"),
        # A learner where there are sections within sections.
        _record(107, 25, "2026-02-27 09:00:00", progress=busy, percent=25, seconds=36_000, attempts=1,
                started_at="2026-02-27 09:00:00", last_activity_at="2026-02-27 19:00:00", last_item_id=1024),
    ]
