"""What the client gives: answers, pages, and the state of a limit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from mappings import engine
from sources.unified_lms.pagination import Step


@dataclass(frozen=True)
class Answer:
    """A provider's answer. `text` is its JSON, secrets cut and integers of more than 15 digits as strings.

    Header names are in lower case; the URL is redacted. Text and headers show in no repr: they hold learners' data.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    text: str = field(repr=False)
    url: str
    received_at: datetime


@dataclass(frozen=True)
class Page:
    """One page of an endpoint, counted from 1. `expression` finds the raw records in the answer."""

    answer: Answer
    number: int
    expression: str = field(default="$", repr=False)
    step: Step = field(default_factory=Step, repr=False)
    """What it was asked for with; a reading can begin with it again."""
    after: Callable[[Page], Step | None] = field(default=lambda page: None, repr=False, compare=False)

    @cached_property
    def following(self) -> Step | None:
        """The page after this one, None if this was the last; found out when it is wanted. Raises `PagingError`."""
        return self.after(self)

    @cached_property
    def records(self) -> str:
        """The raw records as JSON text, a list; a single one is a list of one."""
        if self.expression == "$" and self.answer.text.lstrip().startswith("["):
            return self.answer.text
        found = engine.compile(self.expression).evaluate_json(self.answer.text)
        if found is None or found == "null":
            return "[]"
        return found if found.startswith("[") else f"[{found}]"

    @cached_property
    def count(self) -> int:
        """How many raw records the page holds."""
        return int(engine.compile("$count($)").evaluate_json(self.records) or 0)


@dataclass(frozen=True)
class LimitState:
    """What the provider says of its longest window."""

    limit: int | None
    remaining: int
    resets_at: datetime


def number_in(source: str, text: str) -> float | None:
    """The number that an expression finds in a JSON text; None where it is none."""
    found = engine.compile(source).evaluate_json(text)
    return None if found is None else decimal(found.strip('"'))


def decimal(text: str | None) -> float | None:
    """A text as a number; None where it is none."""
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
