"""Placeholders in a manifest's texts: `{namespace.name}`, and `{a.b|c.d}` for the first that has a value.

A text that is exactly one placeholder stands for the value itself, so that a list stays a list and a null leaves the
parameter out. Everywhere else values become text: true and false in lower case, numbers without an exponent. `{{`
and `}}` stand for the braces themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from sources.unified_lms.errors import ConfigurationError

NAMESPACES = ("connection", "credentials", "settings", "parent", "args", "page")
"""Where values come from. `parent` has `id`, `connection` has `name` and `base_url`."""

Variables = Mapping[str, Any]
"""Namespace to its values, which are a mapping."""

_NAME = r"[a-z]+\.[A-Za-z_][A-Za-z0-9_]*"
_PIECE = re.compile(
    rf"(?P<open>{{{{)|(?P<close>}}}})|{{(?P<names>{_NAME}(?:\|{_NAME})*)}}|(?P<stray>[{{}}])|[^{{}}]+"
)


class TemplateError(ConfigurationError):
    """A text with placeholders is wrong, or a value that it needs is missing. The message holds no value."""


@dataclass(frozen=True)
class Placeholder:
    """What stands in braces: alternatives, each a namespace and a name."""

    names: tuple[tuple[str, str], ...]

    def value(self, variables: Variables) -> Any:
        """The first alternative that is not null; None where all are."""
        for namespace, name in self.names:
            value = (variables.get(namespace) or {}).get(name)
            if value is not None:
                return value
        return None

    def __str__(self) -> str:
        return "{" + "|".join(".".join(name) for name in self.names) + "}"


@dataclass(frozen=True)
class Template:
    """A parsed text: literal pieces and placeholders in turn."""

    pieces: tuple[str | Placeholder, ...]

    @property
    def placeholders(self) -> tuple[Placeholder, ...]:
        """The placeholders in their order."""
        return tuple(piece for piece in self.pieces if isinstance(piece, Placeholder))

    def value(self, variables: Variables) -> Any:
        """The value itself for a lone placeholder, text otherwise; `TemplateError` if a value inside a text is null."""
        if len(self.pieces) == 1 and isinstance(self.pieces[0], Placeholder):
            return self.pieces[0].value(variables)
        return self.text(variables)

    def text(self, variables: Variables, *, encode: bool = False) -> str:
        """The text with values filled in, percent-encoded but for `@` if `encode`; `TemplateError` if one is null."""
        return "".join(self._piece(piece, variables, encode) for piece in self.pieces)

    def _piece(self, piece: str | Placeholder, variables: Variables, encode: bool) -> str:
        if isinstance(piece, str):
            return piece
        value = piece.value(variables)
        if value is None:
            raise TemplateError(f"{piece} has no value")
        if not encode:
            return as_text(value)
        if as_text(value) in (".", ".."):  # HTTP clients and servers take these for a step in the address
            raise TemplateError(f"{piece} has a value that cannot stand in an address")
        return quote(as_text(value), safe="@")


@lru_cache(maxsize=4096)
def parse(text: str) -> Template:
    """The template of a text; raises `TemplateError` for a brace that is no placeholder and for a namespace unknown."""
    pieces: list[str | Placeholder] = []
    for match in _PIECE.finditer(text):
        if match["names"]:
            pieces.append(_placeholder(match["names"]))
        elif match["stray"]:
            raise TemplateError(
                f"{shown(text)} has a brace that is no placeholder; write {{namespace.name}} or {{{{"
            )
        else:
            pieces.append({"{{": "{", "}}": "}"}.get(match.group(), match.group()))
    return Template(tuple(pieces))


def _placeholder(names: str) -> Placeholder:
    pairs = tuple((name.split(".")[0], name.split(".")[1]) for name in names.split("|"))
    for namespace, name in pairs:
        if namespace not in NAMESPACES:
            known = ", ".join(NAMESPACES)
            raise TemplateError(
                f"{{{namespace}.{name}}} names nothing; placeholders begin with one of {known}"
            )
    return Placeholder(pairs)


def shown(text: str) -> str:
    """A piece of a manifest as an error quotes it."""
    return repr(text if len(text) <= 60 else text[:57] + "...")


def as_text(value: Any) -> str:
    """A value as it stands in an address or a form: lower-case booleans, whole numbers without a fraction."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def setting_names(text: str) -> list[str]:
    """The settings that a text has placeholders for."""
    pairs = [pair for placeholder in parse(text).placeholders for pair in placeholder.names]
    return [name for namespace, name in pairs if namespace == "settings"]


def texts(value: Any) -> Iterator[str]:
    """Every text in a nested value, its keys left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from texts(item)


def render(value: Any, variables: Variables) -> Any:
    """A nested value with its placeholders filled in, types kept; a key or an item whose value is null is left out."""
    if isinstance(value, str):
        return parse(value).value(variables)
    if isinstance(value, Mapping):
        rendered = {key: render(item, variables) for key, item in value.items()}
        return {key: item for key, item in rendered.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [item for item in (render(item, variables) for item in value) if item is not None]
    return value


def query_pairs(query: Mapping[str, Any], variables: Variables) -> list[tuple[str, str]]:
    """Query parameters with placeholders filled in; a list repeats its key."""
    pairs: list[tuple[str, str]] = []
    for key, value in render(query, variables).items():
        items = value if isinstance(value, (list, tuple)) else [value]
        pairs += [(key, as_text(item)) for item in items if item is not None]
    return pairs


def form_pairs(form: Mapping[str, Any], variables: Variables) -> list[tuple[str, str]]:
    """Form fields with placeholders filled in, in the notation of `php_pairs`."""
    return php_pairs(render(form, variables))


def php_pairs(form: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Form fields in PHP's notation: `users[0][name]`; a list under a key that ends in `[]` repeats the key."""
    return [pair for key, value in form.items() for pair in _php(key, value)]


def _php(key: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _php(f"{key}[{name}]", item)
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _php(key if key.endswith("[]") else f"{key}[{index}]", item)
    elif value is not None:
        yield key, as_text(value)
