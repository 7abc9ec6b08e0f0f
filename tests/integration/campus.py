"""An invented provider on loopback, with filters for what has changed and records that say what was deleted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from tests.unit.sources.conftest import Asked, Provider

FOLDER = Path(__file__).parent / "providers"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
Record = dict[str, Any]


class Campus:
    """People, courses, their members and their items; each remembers when it was last touched."""

    def __init__(self) -> None:
        self.people = {i: new(i, name=f"Person {i}", team="a" if i < "3" else "b") for i in "1234"}
        self.courses = {i: new(i, title=f"Course {i}") for i in ("c1", "c2")}
        self.members = {(c, p): new(p, person=p, progress=0) for c in self.courses for p in "12"}
        self.items = {(c, i): new(i, title=f"Item {i}") for c in self.courses for i in ("i1", "i2")}
        self.server = Provider()
        self.server.answer = self._answer

    def touch(self, records: dict[Any, Record], key: Any, **values: Any) -> None:
        """Changes a record now."""
        records[key] |= values | {"updated": datetime.now(UTC)}

    def asked(self, path: str) -> list[dict[str, str]]:
        """The queries of every request for a path."""
        return [dict(one.query) for one in self.server.asked if one.path == path]

    def _answer(self, asked: Asked) -> tuple[int, dict[str, str], Any]:
        query = dict(asked.query)
        match [unquote(part) for part in asked.path.strip("/").split("/")]:
            case ["people"]:
                found = [p for p in self.people.values() if query.get("team") in (None, p["team"])]
                return 200, {}, _between(found, query.get("updated_from"), query.get("updated_to"))
            case ["courses"]:
                return 200, {}, _shown(self.courses.values())
            case ["courses", course, "members"]:
                found = [member for (c, _), member in self.members.items() if c == course]
                return 200, {}, _between(found, _from_unix(query.get("since")), None)
            case ["courses", course, "items"]:
                return 200, {}, _shown(item for (c, _), item in self.items.items() if c == course)
            case ["courses", course, "items", item] if (course, item) in self.items:
                [found_item] = _shown([self.items[course, item]])
                return 200, {}, {"course": {"id": course}, "item": found_item}
            case ["changes"]:
                since = datetime.fromisoformat(query["since"])
                changed = [key for key, item in self.items.items() if item["updated"] >= since]
                return 200, {}, [{"course": course, "item": item} for course, item in changed]
        return 404, {}, {"error": "not found"}


def new(identifier: str, **values: Any) -> Record:
    """A record that nobody has touched for a long time."""
    return {"id": identifier, "updated": LONG_AGO, **values}


def _shown(records: Any) -> list[Record]:
    return [{**record, "updated": record["updated"].isoformat()} for record in records]


def _between(records: list[Record], since: str | None, until: str | None) -> list[Record]:
    """Changed records, deleted ones among them; without a filter those that are there."""
    if since is None and until is None:
        return _shown(record for record in records if not (record.get("deleted") or record.get("gone")))
    low = datetime.fromisoformat(since) if since else LONG_AGO
    high = datetime.fromisoformat(until) if until else datetime.max.replace(tzinfo=UTC)
    return _shown(record for record in records if low <= record["updated"] < high)


def _from_unix(seconds: str | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(int(seconds), UTC).isoformat()


@pytest.fixture
def campus(monkeypatch: pytest.MonkeyPatch) -> Iterator[Campus]:
    """A campus, and the connection `campus` to it."""
    found = Campus()
    for key, value in {
        "PROVIDER": "campus",
        "BASE_URL": found.server.url,
        "CREDENTIALS__KEY": "campus-key",
        "FOLDERS": str(FOLDER),
    }.items():
        monkeypatch.setenv(f"CONNECTIONS__CAMPUS__{key}", value)
    yield found
    found.server.close()
