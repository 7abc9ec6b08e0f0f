"""Overlays: what an environment and a connection change about a shipped mapping, field by field.

An overlay is YAML, `field: expression`. Reading one is here, what becomes of several is in `mappings.merging`; where
the files are is the connector's business. The order of lines in a file means nothing.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import yaml

from mappings import engine
from mappings.model import Kind, Resource

WHOLE = "$"
"""The key that stands for the whole record."""
CUSTOM = "custom_fields"
VALUE = "value"
"""The variable, `$value`, that holds what the levels below give for the same key."""
TYPES = ("string", "integer", "number", "boolean", "timestamp")
"""The types that a custom field may declare, as in the model."""

_MOST_CHARACTERS = 1_000_000
_COLUMN = re.compile(r"[a-z][a-z0-9_]{0,62}")
_QUOTE = "; an expression with a colon and a space has to be in quotes, or on lines of its own after `|`"
_NULL = "tag:yaml.org,2002:null"


class OverlayError(Exception):
    """An overlay that cannot be used; `problems` has a sentence for each thing that is wrong."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


@dataclass(frozen=True)
class Entry:
    """What becomes of one field: an expression, or nothing (`expression` None: the field is removed)."""

    path: str
    expression: str | None
    place: str
    """File and key, as errors name them."""
    type: str | None = None
    """The type of the column of its own that a custom field gets."""

    @property
    def builds_on_value(self) -> bool:
        """Whether the expression uses `$value`."""
        return self.expression is not None and VALUE in engine.variables(self.expression)


@dataclass(frozen=True)
class Overlay:
    """The entries of one file, in the order of their paths; `level` is `environment` or `connection`."""

    level: str
    file: str
    entries: tuple[Entry, ...]


def covers(path: str, other: str) -> bool:
    """Whether a path is the other one, or holds it: `organization` covers `organization.name`, `$` everything."""
    return path in (WHOLE, other) or other.startswith(f"{path}.")


def known_paths(resource: Resource) -> list[str]:
    """What an overlay may name beside custom fields: fields, properties of refs, the provider's words beside enums."""
    found = [field.name for field in resource.fields]
    for field in resource.fields:
        if field.kind is Kind.REF:
            found += [f"{field.name}.{sub.name}" for sub in field.fields]
    return [*found, *(f"{field.name}_source" for field in resource.enums)]


def parse_overlay(text: str, file: str, level: str, resource: Resource) -> Overlay:
    """The overlay in a YAML text; raises `OverlayError` with everything that is wrong with it."""
    reading = _Reading(file, resource)
    entries = tuple(sorted(reading.entries(text), key=lambda entry: entry.path))
    reading.refuse_overlaps(entries)
    if reading.problems:
        raise OverlayError(reading.problems)
    return Overlay(level, file, entries)


def yaml_entries(text: str, file: str) -> list[tuple[str, yaml.Node]]:
    """The keys and values of a YAML mapping, as they stand; raises `OverlayError` for a key that stands twice."""
    if len(text) > _MOST_CHARACTERS:
        raise OverlayError([f"{file}: is longer than {_MOST_CHARACTERS:,} characters"])
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise OverlayError([f"{file}: {line}is no YAML that can be read: {error.problem}{_QUOTE}"]) from None
    except (yaml.YAMLError, RecursionError):
        raise OverlayError([f"{file}: holds what YAML does not allow"]) from None
    if root is None:
        return []
    if not isinstance(root, yaml.MappingNode):
        raise OverlayError([f"{file}: has to be lines of `field: expression`"])
    return _pairs(root, file)


def _pairs(root: yaml.MappingNode, file: str) -> list[tuple[str, yaml.Node]]:
    pairs = [(str(key.value), value) for key, value in root.value if isinstance(key, yaml.ScalarNode)]
    twice = sorted({key for key, _ in pairs if [name for name, _ in pairs].count(key) > 1})
    if twice:
        raise OverlayError([f"{file}: {key}: stands twice" for key in twice])
    if len(pairs) != len(root.value):
        raise OverlayError([f"{file}: a key has to be the name of a field"])
    return pairs


class _Reading:
    """Reads one file, and collects what is wrong with it."""

    def __init__(self, file: str, resource: Resource) -> None:
        self._file = file
        self._resource = resource
        self._known = known_paths(resource)
        self.problems: list[str] = []

    def _note(self, path: str, problem: str) -> None:
        self.problems.append(f"{self._file}: {path}: {problem}")

    def entries(self, text: str) -> Iterator[Entry]:
        """The entries that can be used."""
        for path, node in yaml_entries(text, self._file):
            wrong = self._wrong_path(path)
            if wrong:
                self._note(path, wrong)
            elif entry := self._entry(path, node):
                yield entry

    def _wrong_path(self, path: str) -> str | None:
        if path == WHOLE or path in self._known:
            return None
        field, _, rest = path.partition(".")
        if field != CUSTOM:
            near = nearest(path, self._known)
            hint = f"did you mean {near}?" if near else f"a field of your own is {CUSTOM}.{path}"
            return f"{self._resource.name} have no such field; {hint}"
        if not rest or "." in rest or not rest.isprintable() or len(rest) > 200:
            return "a custom field has a name without a dot, such as custom_fields.cost_center"
        return None

    def _entry(self, path: str, node: yaml.Node) -> Entry | None:
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(path, node, None)
        if not isinstance(node, yaml.MappingNode):
            self._note(path, "has to be an expression, or `{expression: ..., type: ...}`")
            return None
        return self._typed(path, node)

    def _typed(self, path: str, node: yaml.MappingNode) -> Entry | None:
        parts = dict(_pairs(node, f"{self._file}: {path}"))
        for key in parts.keys() - {"expression", "type"}:
            self._note(path, f"{key!r} is no key of a field; there are `expression` and `type`")
        expression, kind = parts.get("expression"), parts.get("type")
        if not isinstance(expression, yaml.ScalarNode):
            self._note(path, "has no expression; write `{expression: ..., type: ...}`")
            return None
        return self._scalar(path, expression, self._type(path, kind) if kind else None)

    def _type(self, path: str, node: yaml.Node) -> str | None:
        if not path.startswith(f"{CUSTOM}."):
            self._note(path, "only custom fields have a type of their own; the model says what a field holds")
        elif not isinstance(node, yaml.ScalarNode):
            self._note(path, f"the type has to be one of {', '.join(TYPES)}")
        elif node.value not in TYPES:
            self._note(path, f"{node.value!r} is no type; the types are {', '.join(TYPES)}")
        elif not _COLUMN.fullmatch(path.partition(".")[2]) or path.partition(".")[2] in self._columns():
            self._note(path, "cannot be a column: lower-case letters, digits, _, and no name of the model's")
        else:
            return str(node.value)
        return None

    def _columns(self) -> set[str]:
        """Names that a view of the resource has already."""
        beside = {"connection_id", "provider", "scope", "valid_from", "valid_to", "remote_data"}
        return {path.replace(".", "__") for path in self._known} | beside

    def _scalar(self, path: str, node: yaml.ScalarNode, kind: str | None) -> Entry | None:
        place = f"{self._file}: {path}"
        removed = node.tag == _NULL and node.style is None
        if removed and node.value == "":
            self._note(path, "has no expression; write one, or `null` to remove the field")
            return None
        if removed:
            return self._removed(path, place, kind)
        try:
            engine.compile(node.value, name=place, bound=(VALUE,))
        except engine.ExpressionError as error:
            self.problems.append(str(error))
            return None
        return Entry(path, node.value, place, kind)

    def _removed(self, path: str, place: str, kind: str | None) -> Entry | None:
        if path in (WHOLE, *self._resource.identity) or any(
            name.startswith(f"{path}.") for name in self._resource.identity
        ):
            self._note(path, "cannot be removed: without it no record can be told from another")
            return None
        if kind:
            self._note(path, "is removed and has a type; leave one of the two out")
            return None
        return Entry(path, None, place)

    def refuse_overlaps(self, entries: Iterable[Entry]) -> None:
        """Notes a field that is given whole and in part in one file: which goes first would be a guess."""
        given = [entry.path for entry in entries if entry.path != WHOLE]
        for path in given:
            for other in given:
                if other != path and covers(path, other):
                    self._note(other, f"{path} is given as well; give it whole, or property by property")


def nearest(wrong: str, known: Iterable[str]) -> str | None:
    """The known name that is most alike; None where none is."""
    return next(iter(difflib.get_close_matches(wrong, list(known), 1, 0.6)), None)


def column_types(overlays: Iterable[Overlay]) -> dict[str, str]:
    """The custom fields that have a column of their own, with its type; a later level goes before."""
    found: dict[str, str] = {}
    for overlay in overlays:
        for entry in overlay.entries:
            name = entry.path.partition(".")[2]
            if entry.type:
                found[name] = entry.type
            elif entry.expression is None:
                found = {
                    kept: kind for kept, kind in found.items() if not covers(entry.path, f"{CUSTOM}.{kept}")
                }
    return found
