"""`lms providers`: what each provider can do, from the manifests and mappings themselves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipelines.cli.group import common
from pipelines.output import print_json, print_table, say

if TYPE_CHECKING:
    from pipelines.providers import ProviderAbility, ResourceAbility
    from sources.unified_lms.manifest import Write


@click.command("providers", short_help="See which providers there are and what each can do.")
@click.argument("name", required=False)
@click.option(
    "--folder",
    "folders",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder with manifests and mappings of your own, which go before the shipped ones; may be given again.",
)
@click.option("--coverage", is_flag=True, help="Say field by field which provider's mapping can fill it.")
@common
def providers(name: str | None, folders: tuple[Path, ...], coverage: bool, as_json: bool) -> None:
    """Lists the providers with the operations and the number of fields of each resource; with NAME, everything of one.

    "changes" says whether a resource can be asked for what has changed since an instant, or in a window until another;
    "deletions", whether the provider reports them. All of it is read off the manifests and mappings. A provider marked
    provisional follows facts that nobody has confirmed yet. With --coverage, a table for each resource says of each
    field which provider's mapping can fill it.

    \b
    Examples:
      lms providers
      lms providers talentlms
      lms providers --coverage
      lms providers campusbox --folder own
    """
    from pipelines.providers import provider_abilities, provider_ability

    if coverage:
        _show_coverage(
            provider_abilities(folders) if name is None else [provider_ability(name, folders)], as_json
        )
        return
    if name is None:
        abilities = provider_abilities(folders)
        if as_json:
            print_json({"providers": [each.document for each in abilities]})
        else:
            _show_all(abilities)
        return
    ability = provider_ability(name, folders)
    if as_json:
        print_json(ability.document)
    else:
        _show_one(ability)


def _show_all(abilities: Sequence[ProviderAbility]) -> None:
    rows = []
    for each in abilities:
        for name, ability in each.resources.items():
            filled = f"{len(ability.coverage.fields)} of {len(ability.resource.fields)}"
            filters = ", ".join(ability.filters)
            operations = ", ".join(ability.operations)
            rows.append(
                [
                    _marked(each),
                    name,
                    operations,
                    filled,
                    filters,
                    _changes(ability),
                    ability.reports_deletions,
                ]
            )
    print_table(["provider", "resource", "operations", "fields", "filters", "changes", "deletions"], rows)


def _changes(ability: ResourceAbility) -> str:
    """What changes can be asked for: none, those since an instant, or those of a window."""
    if not ability.changed_since:
        return "no"
    return "since, until" if ability.changed_until else "since"


def _marked(ability: ProviderAbility) -> str:
    """The provider's name, with a mark where nobody has confirmed its facts."""
    manifest = ability.manifest
    return f"{manifest.provider} (provisional)" if manifest.provisional else manifest.provider


def _show_coverage(abilities: Sequence[ProviderAbility], as_json: bool) -> None:
    from pipelines.providers import coverage_of

    found = coverage_of(abilities)
    if as_json:
        print_json({"coverage": [vars(each) for each in found]})
        return
    names = [ability.manifest.provider for ability in abilities]
    for resource in dict.fromkeys(each.resource for each in found):
        rows = [
            [each.field, *(each.filled.get(name, "n/a") for name in names)]
            for each in found
            if each.resource == resource
        ]
        print_table(["field", *map(_marked, abilities)], rows, title=resource)
        say()


def _show_one(ability: ProviderAbility) -> None:
    from pipelines.providers import shown_default

    manifest = ability.manifest
    say(
        f"{manifest.title} ({manifest.provider}){' - provisional: not confirmed' if manifest.provisional else ''}"
    )
    if manifest.docs_url:
        say(f"API: {manifest.docs_url}")
    say()
    needed = [[key, one.title, one.required, one.help] for key, one in manifest.credentials.items()]
    print_table(["credential", "title", "required", "where it is found"], needed)
    say()
    settings = [
        [key, one.title, one.type, shown_default(one), one.help] for key, one in manifest.settings.items()
    ]
    print_table(["setting", "title", "type", "default", "meaning"], settings)
    for name, resource in ability.resources.items():
        say()
        _show_resource(name, resource)


def _written(write: Write) -> str:
    """The fields that an operation sets, those that it needs in front, and what a user should know of it."""
    optional = [name for name in write.fields if name not in write.required]
    parts = [
        f"needs {', '.join(write.required)}" if write.required else "",
        f"sets {', '.join(optional)}" if optional else "",
        f"clears {', '.join(write.clears)}" if write.clears else "",
        write.note or "",
    ]
    return "; ".join(part for part in parts if part) or "by id"


def _show_resource(name: str, ability: ResourceAbility) -> None:
    filled = f"{len(ability.coverage.fields)} of {len(ability.resource.fields)} fields"
    say(f"{name}: {', '.join(ability.operations)}; filters: {', '.join(ability.filters) or 'none'}; {filled}")
    deletions = "reported" if ability.reports_deletions else "found by reading everything"
    say(f"  changes that can be asked for: {_changes(ability)}; deletions: {deletions}")
    for operation, write in ability.writes.items():
        say(f"  {operation}: {_written(write)}")
    if not ability.coverage.exact:
        say("  The mapping computes its result in a way that cannot be followed: this is what it may fill.")
    rows = []
    for path, field in ability.resource.paths():
        depends = ability.depends.get(path.split(".")[0], ())
        note = f"needs {' and '.join(depends)} for some portals" if depends else None
        rows.append([path, field.kind.value, path in ability.coverage.paths, note])
    print_table(["field", "type", "filled", "note"], rows)
