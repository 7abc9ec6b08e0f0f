"""YAML as manifests and overlays are written: a mapping whose keys are texts, none of them twice."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import yaml

from sources.unified_lms.errors import ManifestError


class _Loader(yaml.SafeLoader):
    """YAML without a silent last-one-wins: a key that stands twice is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key!r} is no text", problem_mark=key_node.start_mark
                )
            if key in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key!r} stands twice", problem_mark=key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def read_yaml(text: str, file: str, remedy: str) -> Any:
    """The mapping in a YAML text; raises `ManifestError`, with the remedy where it is no mapping at all."""
    try:
        data = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader that refuses double keys
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise ManifestError([f"{file}: {line}is no YAML that can be read: {error.problem}"]) from None
    except yaml.YAMLError:
        raise ManifestError([f"{file}: holds characters that YAML does not allow"]) from None
    if not isinstance(data, dict):
        raise ManifestError([f"{file}: is no mapping; {remedy}"])
    return data
