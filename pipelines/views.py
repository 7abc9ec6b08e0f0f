"""The views of the present: `<resource>` shows the rows of `<resource>_snapshots` whose `valid_to` is null."""

from __future__ import annotations

from collections.abc import Iterable

import dlt

from mappings.model import RESOURCES
from pipelines.database import Database, open_database
from sources.unified_lms.tables import Table, snapshots


def create_views(pipeline: dlt.Pipeline, resources: Iterable[str] = tuple(RESOURCES)) -> None:
    """Creates the view of each resource, and widens one whose table has got columns.

    Resources without a snapshot table yet are left out. For a pipeline of one's own that loads `unified_lms`: call it
    after the first run, and after an upgrade.
    """
    with open_database(pipeline) as database:
        for name in resources:
            _create_view(database, name, snapshots(RESOURCES[name]))


def _create_view(database: Database, name: str, table: Table) -> None:
    present = database.column_names(table.name)
    shown = database.column_names(name)
    wanted = [column for column in table.column_names if column in present]
    # PostgreSQL lets a view be replaced only by one that begins with the same columns; one that others depend on
    # cannot be dropped either. New columns go to the end, as they do in the table.
    ordered = [*shown, *(column for column in wanted if column not in shown)]
    if wanted and ordered != shown:
        database.execute(
            f"create or replace view {database.table(name)} as select {database.columns(*ordered)} "
            f"from {database.table(table.name)} where {database.columns('valid_to')} is null"
        )
