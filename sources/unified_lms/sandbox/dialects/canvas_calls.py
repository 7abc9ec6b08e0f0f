"""Calls of the Canvas API: what a handler sees of one, where it is found, and the errors that it ends in."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson

Json = dict[str, Any]


class CanvasError(Exception):
    """An answer that is an error: status, body and headers."""

    def __init__(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        """A text is sent as plain text, anything else as JSON."""
        super().__init__(status)
        self.status = status
        self.body = body
        self.headers = dict(headers or {})


def messages(text: str) -> Json:
    """The most usual body of an error."""
    return {"errors": [{"message": text}]}


NOT_FOUND = (404, messages("The specified resource does not exist."))
NOT_ALLOWED = (403, {"status": "unauthorized", **messages("user not authorized to perform that action")})
NO_SCOPE = (401, messages("Insufficient scopes on access token."))


def wrong(text: str) -> CanvasError:
    """What is answered to a call that makes no sense."""
    return CanvasError(400, {"message": text})


@dataclass(frozen=True)
class Call:
    """One request as a handler sees it: what stands in the path, the query with its lists, and the body."""

    path: Mapping[str, str]
    query: list[tuple[str, str]] = field(default_factory=list)
    host: str = ""
    body: Json = field(default_factory=dict)

    def all(self, name: str) -> list[str]:
        """Every value of a parameter; `[]` at the end of its name makes it a list."""
        return [value for key, value in self.query if key in (name, f"{name}[]")]

    def one(self, name: str) -> Any:
        """A parameter of the query, or else of the body; None without it."""
        found = self.all(name)
        return found[-1] if found else self.body.get(name)

    def within(self, name: str) -> Json:
        """The parameters under a name of the body, such as those of `user[name]`."""
        found = self.body.get(name)
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True)
class Route:
    """An address with `:names`, and what is needed to call it."""

    template: str
    permission: str | None
    handler: Callable[[Call], Any]
    bookmarks: bool = False
    """Whether the list's pages have bookmarks instead of numbers."""
    method: str = "GET"

    @property
    def pattern(self) -> re.Pattern[str]:
        """The address as a regular expression."""
        return re.compile(re.sub(r":([a-z_]+)", r"(?P<\1>[^/]+)", self.template))

    @property
    def scope(self) -> str:
        """The scope of a developer key that allows the call; `self` is a user like any other."""
        return f"url:{self.method}|{self.template.replace('/self', '/:id')}"


def parse_body(text: str, kind: str) -> Json:
    """A body of JSON, or a form whose names nest: `user[name]=x` is the same as `{"user": {"name": "x"}}`."""
    if kind.startswith("application/json"):
        try:
            found = orjson.loads(text or "{}")
        except orjson.JSONDecodeError:
            raise wrong("The request could not be parsed") from None
        return found if isinstance(found, dict) else {}
    nested: Json = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        outer, *inner = re.findall(r"[^\[\]]+", name) or [name]
        if inner:
            nested.setdefault(outer, {})[inner[0]] = value
        else:
            nested[outer] = value
    return nested


def is_true(value: Any) -> bool:
    """Whether a parameter says yes, as JSON or as text."""
    return value is True or str(value).lower() in ("true", "1")
