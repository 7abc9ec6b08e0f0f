"""Finds, reads and checks manifests: the user's own folders first, then the shipped ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from pydantic import ValidationError

from sources.unified_lms.errors import ManifestError
from sources.unified_lms.manifest.changes import Change, changed
from sources.unified_lms.manifest.checks import check
from sources.unified_lms.manifest.model import Manifest
from sources.unified_lms.manifest.sentences import findings, suggestion
from sources.unified_lms.manifest.yaml_text import read_yaml

SHIPPED = Path(__file__).resolve().parent.parent / "providers"
"""The folder of the manifests that come with the connector."""


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


def load_manifest(
    provider: str, folders: Iterable[Path | str] = (), changes: Sequence[Change] = ()
) -> Manifest:
    """A provider's manifest with the changes of overlays, read and checked.

    `ManifestError` lists everything that is wrong with it.
    """
    file = manifest_path(provider, folders)
    if changes:
        return parse_manifest(_text(file), str(file), changes)
    return _load(file, file.stat().st_mtime_ns)


@lru_cache(maxsize=64)
def _load(file: Path, _changed_at: int) -> Manifest:
    return parse_manifest(_text(file), str(file))


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError:
        raise ManifestError([f"{file}: is no UTF-8 text; save it as UTF-8"]) from None


def parse_manifest(text: str, file: str, changes: Sequence[Change] = ()) -> Manifest:
    """The manifest in a YAML text; `file` stands in errors, and its name has to be the provider's."""
    data = changed(read_yaml(text, file, f"begin with `provider: {Path(file).stem}`"), changes)
    try:
        manifest = Manifest.model_validate(data)
    except ValidationError as error:
        wrong = findings(error, Manifest)
    else:
        wrong = check(manifest, Path(file).stem)
        if not wrong:
            return manifest
    raise ManifestError(
        [f"{_written_in(key, changes) or file}: {key}: {sentence}" for key, sentence in dict.fromkeys(wrong)]
    )


def _written_in(key: str, changes: Sequence[Change]) -> str | None:
    """The overlay that changed a key of the manifest, or something below it."""
    near = (
        one
        for one in reversed(changes)
        if f"{key}.".startswith(f"{one.key}.") or one.key.startswith(f"{key}.")
    )
    return next((one.file for one in near), None)
