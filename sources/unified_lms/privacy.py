"""What a connection keeps out of the warehouse: fields dropped, or hashed with a key, before anything is written down.

A field is named as in the model: `phones`, `manager.name`, `custom_fields.ssn`. A users' field is dropped or hashed
wherever a person stands, so that `emails` means those of managers and of enrolled users as well; with a resource before
it (`users.emails`) it means that one place. The provider's own record, where it is kept, loses the same values, and the
keys that `remote_data` names.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import orjson
import pyarrow as pa

from mappings.model import RESOURCES, Kind, Resource
from mappings.schemas import Column, columns
from sources.unified_lms.manifest.sentences import suggestion

PERSONS = ("manager", "user", "assigned_by")
"""The refs of the model that name a person."""
LEAST_KEY = 16
"""Characters that a key has to have at least."""
_CUSTOM = "custom_fields"
_HASHED_KINDS = (Kind.STRING, Kind.LIST, Kind.OBJECT)
_LABELS = ("type", "is_primary")
"""Keys in a model's lists that say what kind of address or number it is: nobody's data."""
_LEAST_PART = 4
"""A value of so many characters is looked for inside of longer texts as well."""

Change = Callable[[Any], Any]


@dataclass(frozen=True)
class Place:
    """A column of a resource, or one key of its custom fields."""

    resource: str
    column: str
    key: str | None = None


@dataclass(frozen=True)
class Privacy:
    """The fields that a connection drops and hashes; by default none. The key shows in no repr."""

    drop: tuple[str, ...] = ()
    hash: tuple[str, ...] = ()
    remote_data: tuple[str, ...] = ()
    """Keys of the provider's own records that are cut from `remote_data`, at any depth."""
    hash_key: str | None = field(default=None, repr=False)

    def __bool__(self) -> bool:
        return bool(self.drop or self.hash or self.remote_data)

    @property
    def digest(self) -> str:
        """Digest of all that decides what becomes of a row; it tells two keys apart and neither of them."""
        parts = orjson.dumps([sorted(self.drop), sorted(self.hash), sorted(self.remote_data)])
        return hmac.new((self.hash_key or "").encode(), parts, hashlib.sha256).hexdigest()

    def hashed(self, value: Any) -> str:
        """The keyed hash of a text or a number: HMAC-SHA256 in 64 hexadecimal digits, the same for the same value."""
        return hmac.new((self.hash_key or "").encode(), str(value).encode(), hashlib.sha256).hexdigest()


NO_PRIVACY = Privacy()
"""Keeps nothing out."""


def problems(privacy: Privacy) -> Iterator[str]:
    """What is wrong with a connection's privacy, each as the end of a sentence that begins with its key."""
    for key, names in (("drop", privacy.drop), ("hash", privacy.hash)):
        for name in names:
            if problem := _problem(name, hashing=key == "hash"):
                yield f"{key} names {name!r}, {problem}"
    for name in sorted(set(privacy.drop) & set(privacy.hash)):
        yield f"drop and hash both name {name!r}; keep it in one of them"
    if privacy.hash and len(privacy.hash_key or "") < LEAST_KEY:
        what = "is too short" if privacy.hash_key else "is missing"
        yield f"hash_key {what}: hashing needs a secret of at least {LEAST_KEY} characters, in .dlt/secrets.toml"


def _problem(name: str, *, hashing: bool) -> str | None:
    found = places(name)
    if not found:
        return f"which is no field of the model; {suggestion(name, _known())}"
    for place in found:
        column = _column(place)
        if column.path in _identifying(RESOURCES[place.resource]):
            path = ".".join(column.path)
            return f"but {place.resource} are told apart by {path}; name the fields beside it that are to go"
        if hashing and column.field.kind not in _HASHED_KINDS:
            return f"but {'.'.join(column.path)} of {place.resource} is no text that can be hashed; drop it"
    return None


@cache
def places(name: str) -> tuple[Place, ...]:
    """Where a name applies; nowhere if it is no field of the model."""
    first, _, rest = name.partition(".")
    if first in RESOURCES and rest:
        return tuple(_places_in(RESOURCES[first], rest, copies=False))
    return tuple(
        place for resource in RESOURCES.values() for place in _places_in(resource, name, copies=True)
    )


def _places_in(resource: Resource, name: str, *, copies: bool) -> Iterator[Place]:
    head, _, key = name.partition(".")
    for column in _model_columns(resource):
        if head == _CUSTOM and key:
            if column.name == _CUSTOM:
                yield Place(resource.name, column.name, key)
        elif name in (".".join(column.path), column.path[0]) or (copies and _is_copy(column, name)):
            yield Place(resource.name, column.name)


def _is_copy(column: Column, name: str) -> bool:
    """Whether the column holds a users' field of another person: a manager, an enrolled user."""
    users = {each.path for each in _model_columns(RESOURCES["users"])}
    return column.path[0] in PERSONS and column.path[1:] == (name,) and (name,) in users and name != "id"


def _model_columns(resource: Resource) -> list[Column]:
    return [column for column in columns(resource) if not column.name.endswith("_source")]


def _column(place: Place) -> Column:
    return next(each for each in columns(RESOURCES[place.resource]) if each.name == place.column)


def _identifying(resource: Resource) -> set[tuple[str, ...]]:
    """The paths without which a record of the resource is rejected."""
    return {("id",)} | {
        (ref, "id") for ref in ("user", "course") if any(f.name == ref for f in resource.fields)
    }


def _known() -> set[str]:
    paths = {column.path for resource in RESOURCES.values() for column in _model_columns(resource)}
    return {".".join(path) for path in paths} | {path[0] for path in paths} | {f"{_CUSTOM}.<key>"}


def protect(
    table: pa.Table, raw: pa.Array | None, resource: Resource, privacy: Privacy
) -> tuple[pa.Table, pa.Array | None]:
    """A table of model columns and the provider's own records as text, without what is to be kept out."""
    if not privacy:
        return table, raw
    removed: list[dict[str, str | None]] = [{} for _ in range(table.num_rows)]
    for names, change in ((privacy.drop, _dropped), (privacy.hash, privacy.hashed)):
        for place in _unique(names, resource):
            if raw is not None:
                _note(removed, table[place.column].to_pylist(), place, change)
            table = _without(table, place, change)
    return table, None if raw is None else _cleaned(raw, removed, privacy)


def _unique(names: Iterable[str], resource: Resource) -> list[Place]:
    return sorted({p for name in names for p in places(name) if p.resource == resource.name}, key=str)


def _dropped(_: Any) -> None:
    return None


def _without(table: pa.Table, place: Place, change: Change) -> pa.Table:
    """The table with a place dropped or hashed, and the source word of a dropped enum dropped with it."""
    column = _column(place)
    array = table[place.column].combine_chunks()
    if column.field.kind in (Kind.LIST, Kind.OBJECT):
        values = [_changed_json(text, place.key, change) for text in array.to_pylist()]
        return _set(table, place.column, pa.array(values, pa.string()))
    if change is _dropped:
        source = f"{place.column}_source"
        gone = _set(table, place.column, pa.nulls(len(array), array.type))
        return _set(gone, source, pa.nulls(len(array), pa.string())) if source in table.column_names else gone
    words = array.dictionary_encode()  # a value that stands in many rows is hashed once
    hashed = pa.array([change(word) for word in words.dictionary.to_pylist()], pa.string())
    return _set(table, place.column, hashed.take(words.indices))


def _set(table: pa.Table, name: str, array: pa.Array) -> pa.Table:
    index = table.column_names.index(name)
    return table.set_column(index, table.schema.field(index), array)


def _changed_json(text: str | None, key: str | None, change: Change) -> str | None:
    """JSON text with its values, or those of one key, dropped or hashed; null where nothing is left."""
    if text is None or (key is None and change is _dropped):
        return None
    value = orjson.loads(text)
    if key is None:
        return _dump(_each_leaf(value, change))
    if key not in value:
        return text
    kept = {name: each for name, each in value.items() if name != key}
    if change is not _dropped:
        kept = {name: _each_leaf(each, change) if name == key else each for name, each in value.items()}
    return _dump(kept) if kept else None


def _each_leaf(value: Any, change: Change) -> Any:
    if isinstance(value, dict):
        return {name: each if name in _LABELS else _each_leaf(each, change) for name, each in value.items()}
    if isinstance(value, list):
        return [_each_leaf(each, change) for each in value]
    return value if value is None or isinstance(value, bool) else change(value)


def _note(removed: list[dict[str, str | None]], values: Sequence[Any], place: Place, change: Change) -> None:
    """Notes for each row what its record may not show, and what stands in its stead."""
    is_json = _column(place).field.kind in (Kind.LIST, Kind.OBJECT)
    for row, value in zip(removed, values, strict=True):
        found = orjson.loads(value) if is_json and value is not None else value
        if place.key is not None:
            found = (found or {}).get(place.key)
        _each_leaf(found, lambda leaf, row=row: row.setdefault(str(leaf), change(leaf)))  # type: ignore[misc]


def _cleaned(raw: pa.Array, removed: Sequence[dict[str, str | None]], privacy: Privacy) -> pa.Array:
    texts = zip(raw.to_pylist(), removed, strict=True)
    cut = frozenset(privacy.remote_data)
    return pa.array(
        [None if text is None else _dump(_clean(orjson.loads(text), found, cut)) for text, found in texts],
        pa.string(),
    )


def _clean(value: Any, removed: dict[str, str | None], cut: frozenset[str]) -> Any:
    """A provider's record without the keys to be cut, and without what its row may not show."""
    if isinstance(value, dict):
        return {name: _clean(each, removed, cut) for name, each in value.items() if name not in cut}
    if isinstance(value, list):
        return [_clean(each, removed, cut) for each in value]
    if value is None or isinstance(value, bool):
        return value
    text = str(value)
    if text in removed:
        return removed[text]
    holds = any(len(each) >= _LEAST_PART and each in text for each in removed)
    return None if holds else value


def _dump(value: Any) -> str:
    return orjson.dumps(value).decode()
