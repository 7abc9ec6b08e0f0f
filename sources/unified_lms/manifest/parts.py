"""What every part of a manifest is made of: the base model, expressions, and texts with placeholders.

Expressions are JSONata, compiled when the manifest is read. Placeholders are those of `sources.unified_lms.templates`.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict

from mappings import engine
from sources.unified_lms.templates import TemplateError, parse, texts

STOPS = ("empty", "short")
"""The ways to tell the last page that need no expression."""


def _expression(source: str) -> str:
    try:
        engine.compile(source)
    except engine.ExpressionError as error:
        raise ValueError(f"is no valid JSONata: {error}") from None
    return source


def _template(value: Any) -> Any:
    for text in texts(value):
        try:
            parse(text)
        except TemplateError as error:
            raise ValueError(str(error)) from None
    return value


def _whole(value: Any) -> int | str:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return value
    if isinstance(value, str) and _is_placeholder(value):
        return value
    raise ValueError("is neither a whole number from 1 nor one placeholder such as {settings.page_size}")


def _body(value: Any) -> Any:
    if isinstance(value, dict) or (isinstance(value, str) and _is_placeholder(value)):
        return _template(value)
    raise ValueError("is neither a mapping nor one placeholder such as {args.body}")


def _is_placeholder(value: str) -> bool:
    parsed = parse(_template(value))
    return len(parsed.pieces) == 1 and bool(parsed.placeholders)


Jsonata = Annotated[str, AfterValidator(_expression)]
"""An expression; what it sees is said where it stands."""
Text = Annotated[str, AfterValidator(_template)]
"""A text with placeholders."""
Tree = Annotated[dict[str, Any], AfterValidator(_template)]
"""Nested values whose texts may hold placeholders."""
Body = Annotated[Any, AfterValidator(_body)]
"""A tree, or one placeholder that gives the whole of it."""
Whole = Annotated[Any, AfterValidator(_whole)]
"""A whole number from 1, or one placeholder that gives it."""
Stop = Annotated[str, AfterValidator(lambda value: value if value in STOPS else _expression(value))]
"""When a page was the last: `empty` (no records), `short` (fewer than asked for), or JSONata over `{body, headers}`."""


class Part(BaseModel):
    """The base of every part: nothing unknown is allowed, nothing changes after it was read."""

    model_config = ConfigDict(frozen=True, extra="forbid")
