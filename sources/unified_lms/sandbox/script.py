"""What happens in the world between two readings: scripted, so that a demo and a test know what to expect.

Step 1, the day after the world began (2026-03-03T09:00:00Z), in this order and a second apart:

1. person 6 (Zoë) goes on in course 101, from 40 to 70 percent, 1,000 seconds more;
2. person 16 (Gita) completes course 102, 61 seconds more;
3. person 26 (Uma), in no course until now, is enrolled in course 101;
4. person 15 (the second Sam Lee) leaves course 102;
5. person 25 (Nina) marries: the family name becomes "After-Wedding & Co";
6. person 24 (Lea) is deleted, and with her a completed record in course 101;
7. course 103 is renamed to "Without units (still)";
8. a new person arrives, Noé Départ, and is enrolled in course 102;
9. a unit, "What is new", is added to section 1012 of course 102.

Step 2, another day later:

1. person 15 comes back to course 102;
2. person 19 (Ivan), suspended, is active again;
3. person 14 (the first Sam Lee) is suspended;
4. course 108 is deleted, and with it the record of person 23;
5. person 12 (Ruby), who had failed course 101, passes it;
6. the record of person 7 in course 101 is reset.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sources.unified_lms.sandbox.entities import ItemKind, Progress
from sources.unified_lms.sandbox.errors import WorldError

if TYPE_CHECKING:
    from sources.unified_lms.sandbox.world import World

DAY = 86_400.0
"""Seconds between two steps."""


def play(world: World, step: int) -> tuple[str, ...]:
    """Plays one step of the script and says what happened.

    A step happens once: WorldError if it has, or is unknown.
    """
    if step not in _STEPS:
        raise WorldError(f"the script has no step {step}; it has {', '.join(map(str, _STEPS))}")
    if step in world.steps_done:
        raise WorldError(f"step {step} of the script has happened already")
    world.steps_done.append(step)
    world.tick(DAY)
    return _STEPS[step](world)


def _first(world: World) -> tuple[str, ...]:
    world.set_progress(101, 6, 70, seconds=1_000)
    world.complete(102, 16, seconds=61)
    world.enrol(101, 26)
    world.unenrol(102, 15)
    world.update_person(25, last_name="After-Wedding & Co")
    world.delete_person(24)
    world.update_course(103, title="Without units (still)")
    newcomer = world.create_person(
        "noe", "Noé", "Départ", "noe@example.org", language="fr", organization_ids=(2,)
    )
    world.enrol(102, newcomer.id)
    world.add_item(102, ItemKind.PAGE, "What is new", section_id=1012)
    return (
        "Zoë went on in a course, from 40 to 70 percent",
        "Gita completed a course",
        "Uma was enrolled in her first course",
        "the second Sam Lee left a course",
        "Nina's family name changed",
        "Lea was deleted",
        "a course was renamed",
        "Noé arrived and was enrolled in a course",
        "a unit was added to a course",
    )


def _second(world: World) -> tuple[str, ...]:
    world.enrol(102, 15)
    world.activate_person(19)
    world.suspend_person(14)
    world.delete_course(108)
    world.complete(101, 12, outcome=Progress.PASSED, score=77.0, seconds=600)
    world.reset_progress(101, 7)
    return (
        "the second Sam Lee came back to a course",
        "Ivan is active again",
        "the first Sam Lee was suspended",
        "a course was deleted, with the record of one learner",
        "Ruby passed the course that she had failed",
        "a learner's progress was reset",
    )


_STEPS: dict[int, Callable[[World], tuple[str, ...]]] = {1: _first, 2: _second}
