"""What the documents take from the code: `make docs-tables` writes it, and a test finds what is out of date.

A part stands between `<!-- made from the code: NAME -->` and `<!-- end -->`; `parts` makes each by its name.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path

from mappings.functions import HELPERS
from mappings.model import RESOURCES, Resource
from mappings.schemas import columns, markdown_table
from pipelines.providers import ProviderAbility, ResourceAbility, provider_abilities
from sources.unified_lms import errors
from sources.unified_lms.manifest import Write
from sources.unified_lms.tables import (
    LEDGERS,
    Table,
    TableColumn,
    snapshots,
)
from tests.contract.differences import ABSENCES, ADDITIONS, DIFFERENCES
from tests.unit.house.dbt_project import dbt_files, marts, metrics
from tests.unit.house.documents import documents, regenerated

RENEW = "make docs-tables"
"""What renews the parts."""


def parts() -> dict[str, str]:
    """Every part by its name."""
    made = {"columns of every snapshot table": _columns(_common())}
    for name, resource in RESOURCES.items():
        made[f"model of {name}"] = markdown_table(resource)
        made[f"columns of {name}"] = _columns(_own(resource))
    for table in LEDGERS:
        made[f"columns of {table.name}"] = _columns(table.columns)
    made |= {
        "marts": _table(("table", "holds"), ((f"`{name}`", text) for name, text in marts().items())),
        "metrics": _table(("metric", "is"), ((f"`{name}`", text) for name, text in metrics().items())),
    }
    for ability in provider_abilities():
        made |= {f"{key} of {ability.manifest.provider}": text for key, text in _provider(ability).items()}
    made |= {f"differences of {name}": _differences(name) for name in DIFFERENCES}
    made["helpers"] = _table(
        ("function", "gives"), [(f"`{h.signature}`", h.summary) for h in HELPERS.values()]
    )
    made["error tree"] = f"```text\n{_tree()}\n```\n"
    return {name: f"\n{text}\n" for name, text in made.items()}


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [" | ".join(header), "|".join(["---"] * len(header)), *(" | ".join(row) for row in rows)]
    return "".join(f"| {line} |\n" if index != 1 else f"|{line}|\n" for index, line in enumerate(lines))


def _columns(found: Iterable[TableColumn]) -> str:
    return _table(
        ("column", "type", "meaning"), [(_named(one), _type(one), one.description) for one in found]
    )


def _named(column: TableColumn) -> str:
    return f"`{column.name}`" + (" (key)" if column.key else "")


def _type(column: TableColumn) -> str:
    return str(column.hint["data_type"])


def _own(resource: Resource) -> list[TableColumn]:
    """The columns of the model in a resource's snapshot table."""
    names = {column.name for column in columns(resource)}
    return [column for column in snapshots(resource).columns if column.name in names]


def _common() -> list[TableColumn]:
    """The columns that every snapshot table has beside the model's."""
    tables: list[Table] = [snapshots(resource) for resource in RESOURCES.values()]
    shared = set.intersection(*(set(table.column_names) for table in tables))
    model = {column.name for r in RESOURCES.values() for column in columns(r)}
    return [column for column in tables[0].columns if column.name in shared - model]


def _provider(ability: ProviderAbility) -> dict[str, str]:
    manifest = ability.manifest
    return {
        "credentials": _table(
            ("key", "what it is", "required", "where it is found"),
            [
                (f"`{k}`", c.title, "yes" if c.required else "no", c.help)
                for k, c in manifest.credentials.items()
            ],
        ),
        "settings": _table(
            ("key", "type", "default", "meaning"),
            [
                (
                    f"`{k}`",
                    s.type,
                    _default(s.default),
                    f"{s.title}. {s.help}",
                )
                for k, s in manifest.settings.items()
            ],
        ),
        "coverage": "\n".join(_coverage(name, one) for name, one in ability.resources.items()),
    }


def _default(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return ", ".join(f"`{entry}`" for entry in value)
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _coverage(name: str, ability: ResourceAbility) -> str:
    filled, total = len(ability.coverage.fields), len(ability.resource.fields)
    empty = [path for path, _ in ability.resource.paths() if path not in ability.coverage.paths]
    lines = [
        f"**{name}**: {filled} of {total} fields.",
        f"Operations: {_quoted(ability.operations)}. Filters: {_quoted(ability.filters)}.",
        f"Filled: {_quoted(ability.coverage.paths)}.",
        f"Always null: {_quoted(empty)}.",
        *(_write(operation, write) for operation, write in ability.writes.items()),
        *(f"For some portals `{f}` needs {_quoted(s, ' and ')}." for f, s in ability.depends.items()),
    ]
    first, *rest = lines
    text = [first, "", *(line for one in rest for line in _item(one))]
    return "\n".join(text) + "\n"


def _write(operation: str, write: Write) -> str:
    needed = f" It needs {_quoted(write.required)}." if write.required else ""
    clears = f" A null clears {_quoted(write.clears)}." if write.clears else ""
    note = f" {write.note}" if write.note else ""
    sets = f" sets {_quoted(write.fields)}." if write.fields else ": by id."
    return f"`{operation}`{sets}{needed}{clears}{note}"


def _item(text: str) -> list[str]:
    return textwrap.wrap(
        text, 118, initial_indent="- ", subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )


def _quoted(names: Iterable[str], between: str = ", ") -> str:
    return between.join(f"`{name}`" for name in names) or "none"


def _differences(provider: str) -> str:
    """What a provider tells otherwise than it is, as the test of the one world holds it."""
    rows = []
    for resource in RESOURCES:
        if absence := ABSENCES.get((provider, resource)):
            rows.append((resource, "", "rows are missing", absence.reason))
        if addition := ADDITIONS.get((provider, resource)):
            rows.append((resource, "", "more rows", addition.reason))
        for field, one in DIFFERENCES[provider].get(resource, {}).items():
            rows.append((resource, f"`{field}`", "never" if one.never else "in part", one.reason))
    return _table(("resource", "field", "told", "because"), rows)


def _tree() -> str:
    """The drawing in the docstring of `sources.unified_lms.errors`."""
    drawn = [line for line in (errors.__doc__ or "").splitlines() if line.startswith("    ")]
    return textwrap.dedent("\n".join(drawn))


def main() -> None:
    """Writes every part anew and names the documents that have changed; the dbt project's sources as well."""
    made = parts()
    for document in documents():
        old = document.read_text("utf-8")
        new = regenerated(old, made)
        if new != old:
            document.write_text(new, "utf-8")
            sys.stdout.write(f"{Path(document).name} renewed\n")
    for file, text in dbt_files().items():
        file.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
