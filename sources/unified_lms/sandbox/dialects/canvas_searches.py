"""What `search_term` finds in a list: parts of names and codes, and whole ids before all else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from sources.unified_lms.sandbox.dialects.canvas_calls import Call, wrong
from sources.unified_lms.sandbox.entities import Course, Person

_Thing = TypeVar("_Thing", Person, Course)
_SHORTEST = 3


def matching(
    things: list[_Thing], call: Call, texts: Callable[[_Thing], Iterable[str | None]]
) -> list[_Thing]:
    """The things that the call searches for, or all of them where it does not.

    A term that is the id of one of them finds that one alone, whoever else has it for a login. The words that refuse
    a term of less than three signs are UNCONFIRMED.
    """
    given = call.all("search_term")
    if not given:
        return things
    term = given[-1].casefold()
    if len(term) < _SHORTEST:
        raise wrong("search_term of 3 or more characters is required")
    by_id = [one for one in things if term.isdigit() and one.id == int(term)]
    return by_id or [one for one in things if any(term in (text or "").casefold() for text in texts(one))]
