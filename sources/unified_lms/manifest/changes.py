"""What an environment or a connection may change about a provider's manifest: a few keys, in an overlay's YAML.

The changed manifest is checked as every manifest is. Where requests go, how they are authorised, what is secret and
what an error is, is nobody's to change but the manifest's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import orjson

from sources.unified_lms.errors import ManifestError
from sources.unified_lms.manifest.sentences import suggestion
from sources.unified_lms.manifest.yaml_text import read_yaml

CHANGEABLE = (
    "settings.<name>.default",
    "endpoints.<name>.paging.size",
    "endpoints.<name>.query.<parameter>",
    "resources.<name>.skip",
    "limits.concurrency",
)
"""The keys that may be changed."""


@dataclass(frozen=True)
class Change:
    """One key of the manifest and its new value; `file` is where it was written."""

    key: str
    value: Any
    file: str


def parse_changes(text: str, file: str) -> list[Change]:
    """The changes in a YAML text, `key: value`; raises `ManifestError` for keys that may not be changed."""
    data = read_yaml(text, file, "write lines of `key: value`") if text.strip() else {}
    wrong = [key for key in data if not any(re.fullmatch(_pattern(one), key) for one in CHANGEABLE)]
    if wrong:
        can = f"what can be changed is {', '.join(CHANGEABLE)}"
        raise ManifestError([f"{file}: {key}: cannot be changed by an overlay; {can}" for key in wrong])
    return [Change(key, value, file) for key, value in sorted(data.items())]


def _pattern(key: str) -> str:
    return re.escape(key).replace("<name>", r"[^.]+").replace("<parameter>", ".+")


def changed(data: Mapping[str, Any], changes: Iterable[Change]) -> dict[str, Any]:
    """The manifest's data with the changes; raises `ManifestError` for an endpoint, setting or resource it lacks."""
    made = deepcopy(dict(data))
    wrong = [f"{change.file}: {problem}" for change in changes if (problem := _apply(made, change))]
    if wrong:
        raise ManifestError(wrong)
    return made


def _apply(data: dict[str, Any], change: Change) -> str | None:
    """Makes one change, and says what is wrong with it."""
    section, name, *rest = change.key.split(".", 3)
    if not rest:
        data.setdefault(section, {})[name] = change.value
        return None
    known = data.get(section) or {}
    if name not in known:
        return f"{change.key}: there is no {name!r} in {section}; {suggestion(name, known)}"
    *between, last = rest
    target = known[name]
    for part in between:
        target = target.setdefault(part, {})
    target[last] = change.value
    return None


def fingerprint(changes: Iterable[Change]) -> str:
    """A text that is the same for the same changes, wherever they were written."""
    return orjson.dumps(
        {change.key: change.value for change in changes}, option=orjson.OPT_SORT_KEYS
    ).decode()
