"""What each provider can do, read off its manifest and its mappings: no list here is kept by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mappings.library import load_mapping
from mappings.model import RESOURCES, Resource
from pipelines.coverage import Coverage, coverage
from sources.unified_lms.manifest import Manifest, Setting, Write, load_manifest, provider_names
from sources.unified_lms.overlays import NO_OVERLAYS, Overlays


@dataclass(frozen=True)
class ResourceAbility:
    """What a provider can do with one resource."""

    resource: Resource
    operations: tuple[str, ...]
    filters: tuple[str, ...]
    changed_since: bool
    """Whether it can be asked what has changed since an instant."""
    changed_until: bool
    """Whether it can be asked what has changed before an instant as well, as a backfill of a window does."""
    reports_deletions: bool
    """Whether its records say that they were deleted."""
    coverage: Coverage
    depends: dict[str, tuple[str, ...]]
    """Fields that stay null without a setting, by field: the settings' names."""
    writes: Mapping[str, Write] = field(default_factory=dict)
    """The operations that write, by name."""

    @property
    def document(self) -> dict[str, Any]:
        """The ability as JSON."""
        return {
            "operations": self.operations,
            "filters": self.filters,
            "changed_since": self.changed_since,
            "changed_until": self.changed_until,
            "reports_deletions": self.reports_deletions,
            "fields": len(self.resource.fields),
            "fields_filled": self.coverage.fields,
            "paths_filled": self.coverage.paths,
            "paths_empty": tuple(p for p, _ in self.resource.paths() if p not in self.coverage.paths),
            "exact": self.coverage.exact,
            "settings_needed": self.depends,
            "writes": {
                name: {"fields": one.fields, "required": one.required, "clears": one.clears, "note": one.note}
                for name, one in self.writes.items()
            },
        }


@dataclass(frozen=True)
class ProviderAbility:
    """A provider, and what it can do with each resource that its manifest reads."""

    manifest: Manifest
    resources: dict[str, ResourceAbility]

    @property
    def document(self) -> dict[str, Any]:
        """The provider as JSON."""
        manifest = self.manifest
        return {
            "provider": manifest.provider,
            "title": manifest.title,
            "provisional": manifest.provisional,
            "docs_url": manifest.docs_url,
            "base_url": manifest.api.base_url,
            "credentials": {k: c.model_dump(mode="json") for k, c in manifest.credentials.items()},
            "settings": {key: _setting(setting) for key, setting in manifest.settings.items()},
            "resources": {name: ability.document for name, ability in self.resources.items()},
        }


def _setting(setting: Setting) -> dict[str, Any]:
    kept = setting.model_dump(mode="json", include={"title", "help", "type", "default", "choices"})
    return kept | {"discovered": setting.discover is not None}


def shown_default(setting: Setting) -> str | None:
    """A setting's default as a variable would hold it: lower-case booleans, a list with commas; None for none."""
    value = setting.default
    if value is None:
        return None
    if isinstance(value, tuple):
        return ", ".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def provider_ability(
    provider: str, folders: Sequence[Path] = (), overlays: Overlays = NO_OVERLAYS
) -> ProviderAbility:
    """What one provider can do, under the overlays of a connection; `ManifestError` if there is no such provider."""
    manifest = load_manifest(provider, folders, overlays.changes)
    wanted = [name for name in RESOURCES if name in manifest.resources]
    return ProviderAbility(manifest, {name: _ability(manifest, name, folders, overlays) for name in wanted})


def provider_abilities(folders: Sequence[Path] = ()) -> list[ProviderAbility]:
    """What every provider can do, in the order of the alphabet."""
    return [provider_ability(name, folders) for name in provider_names(folders)]


@dataclass(frozen=True)
class FieldCoverage:
    """A field of the model and whether each provider's mapping can fill it; who lacks the resource is left out."""

    resource: str
    field: str
    filled: dict[str, bool]


def coverage_of(abilities: Sequence[ProviderAbility]) -> list[FieldCoverage]:
    """The coverage of these providers, field by field in the model's order."""
    return [
        FieldCoverage(resource.name, path, _filled(abilities, resource.name, path))
        for resource in RESOURCES.values()
        for path, _ in resource.paths()
    ]


def _filled(abilities: Sequence[ProviderAbility], resource: str, path: str) -> dict[str, bool]:
    return {
        ability.manifest.provider: path in ability.resources[resource].coverage.paths
        for ability in abilities
        if resource in ability.resources
    }


def _ability(manifest: Manifest, name: str, folders: Sequence[Path], overlays: Overlays) -> ResourceAbility:
    resource, spec = RESOURCES[name], manifest.resources[name]
    found = coverage(
        resource, load_mapping(manifest.provider, name, folders, overlays.mappings.get(name, ())).source
    )
    return ResourceAbility(
        resource=resource,
        operations=manifest.operations[name],
        filters=tuple(spec.filters),
        changed_since=spec.changed is not None,
        changed_until=spec.changed is not None and bool(spec.changed.until),
        reports_deletions=spec.deleted is not None,
        coverage=found,
        depends=_depends(manifest, name),
        writes=spec.writes.operations,
    )


def _depends(manifest: Manifest, resource: str) -> dict[str, tuple[str, ...]]:
    needed: dict[str, tuple[str, ...]] = {}
    for name, setting in manifest.settings.items():
        for one in setting.without.fields.get(resource, ()) if setting.without else ():
            needed[one] = (*needed.get(one, ()), name)
    return needed
