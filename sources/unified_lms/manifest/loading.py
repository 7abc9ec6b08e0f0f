"""Finds, reads and checks manifests: the user's own folders first, then the shipped ones."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from sources.unified_lms.errors import ManifestError
from sources.unified_lms.manifest.checks import check
from sources.unified_lms.manifest.model import Manifest
from sources.unified_lms.manifest.sentences import findings, suggestion

SHIPPED = Path(__file__).resolve().parent.parent / "providers"
"""The folder of the manifests that come with the connector."""


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


def provider_names(folders: Iterable[Path | str] = ()) -> list[str]:
    """The providers that have a manifest, in the order of the alphabet."""
    places = [*map(Path, folders), SHIPPED]
    return sorted({file.stem for place in places for file in place.glob("*.yaml")})


def manifest_path(provider: str, folders: Iterable[Path | str] = ()) -> Path:
    """The file of a provider's manifest; `ManifestError` if there is none."""
    folders = tuple(folders)
    for place in [*map(Path, folders), SHIPPED]:
        if (file := place / f"{provider}.yaml").is_file():
            return file
    known = suggestion(provider, provider_names(folders))
    raise ManifestError([f"there is no provider {provider!r}; {known}"])


def load_manifest(provider: str, folders: Iterable[Path | str] = ()) -> Manifest:
    """A provider's manifest, read and checked; `ManifestError` lists everything that is wrong with it."""
    file = manifest_path(provider, folders)
    return _load(file, file.stat().st_mtime_ns)


@lru_cache(maxsize=64)
def _load(file: Path, _changed_at: int) -> Manifest:
    try:
        text = file.read_text("utf-8")
    except UnicodeDecodeError:
        raise ManifestError([f"{file}: is no UTF-8 text; save it as UTF-8"]) from None
    return parse_manifest(text, str(file))


def parse_manifest(text: str, file: str) -> Manifest:
    """The manifest in a YAML text; `file` stands in errors, and its name has to be the provider's."""
    data = _yaml(text, file)
    try:
        manifest = Manifest.model_validate(data)
    except ValidationError as error:
        wrong = findings(error, Manifest)
    else:
        wrong = check(manifest, Path(file).stem)
        if not wrong:
            return manifest
    raise ManifestError([f"{file}: {key}: {sentence}" for key, sentence in dict.fromkeys(wrong)])


def _yaml(text: str, file: str) -> Any:
    try:
        data = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader that refuses double keys
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise ManifestError([f"{file}: {line}is no YAML that can be read: {error.problem}"]) from None
    except yaml.YAMLError:
        raise ManifestError([f"{file}: holds characters that YAML does not allow"]) from None
    if not isinstance(data, dict):
        raise ManifestError([f"{file}: is no mapping; begin with `provider: {Path(file).stem}`"])
    return data
