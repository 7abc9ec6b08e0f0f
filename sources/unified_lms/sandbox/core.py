"""Fills a world with its hand-written core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sources.unified_lms.sandbox.core_courses import core_courses, core_records
from sources.unified_lms.sandbox.core_people import at, core_people
from sources.unified_lms.sandbox.entities import Category, FieldDefinition, Group, Organization

if TYPE_CHECKING:
    from sources.unified_lms.sandbox.world import World


def populate_core(world: World) -> None:
    """Fills an empty world with the core: people, courses and learning records.

    There are 27 people, one of them deleted, and 9 courses.
    """
    _add_frame(world)
    for person in core_people():
        world.add_person(person)
    _delete_long_ago(world)
    for course in core_courses():
        world.add_course(course)
    for record in core_records():
        world.add_record(record)


def _add_frame(world: World) -> None:
    world.organizations = {
        1: Organization(1, "Head office"),
        2: Organization(2, "Zweigstelle Köln & Umgebung", 'Branch with "quotes" and <tags>', 1),
        3: Organization(3, "東京支店", parent_id=1),
        4: Organization(4, "Nobody's branch"),
    }
    world.groups = {1: Group(1, "Sales & service", "JOIN-SALES-1", "Everybody who meets customers")}
    world.categories = {
        1: Category(1, "Compliance"),
        2: Category(2, "Health & safety", parent_id=1),
        3: Category(3, "Språk / Languages"),
        4: Category(4, "An empty category"),
    }
    world.person_fields = (
        FieldDefinition(1, "Company", mandatory=True),
        FieldDefinition(2, "Newsletter", "checkbox"),
        FieldDefinition(3, "Team", "dropdown", ("North", "South", "R&D")),
        FieldDefinition(4, "Hired on", "date"),
    )
    world.course_fields = (FieldDefinition(1, "Cost centre"), FieldDefinition(2, "Audited", "checkbox"))


def _delete_long_ago(world: World) -> None:
    world.delete_person(27)
    ghost = world.deleted_people[27]
    ghost.deleted_at = ghost.updated_at = at("2025-05-05 05:05:05")
    world.tick(-1)
