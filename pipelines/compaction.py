"""Writing a DuckDB file anew, so that nothing of deleted rows is left in it.

DuckDB keeps deleted values in free blocks until they are used again, and a checkpoint gives back those at the end of
the file alone. The new file takes the old one's place in one step, while the old one is locked against writers.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from pipelines.waiting import wait_for_file


def compact(location: str) -> None:
    """Writes the file at a path anew; waits for others that have it open, and needs room for both."""
    file = Path(location)
    while not wait_for_file(lambda: _rewrite(file), location):
        pass  # a writer that was killed has left a log behind in the meantime


def _rewrite(file: Path) -> bool:
    """Whether the file was written anew; not where it has a log, which belongs to the old file and is merged first."""
    with duckdb.connect(file) as connection:
        connection.execute("force checkpoint")
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    with duckdb.connect() as connection:
        connection.execute(f"attach '{_quoted(file)}' as old (read_only)")
        if file.with_name(f"{file.name}.wal").exists():
            return False
        connection.execute(f"attach '{_quoted(new)}' as new")
        connection.execute("copy from database old to new")
        connection.execute("detach new")
        new.replace(file)
    return True


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
