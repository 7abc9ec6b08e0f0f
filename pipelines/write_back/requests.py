"""What is asked to be written: requests from JSON Lines, CSV, Parquet, or a table or view of the warehouse.

Each has `resource` and `operation`, and may have `request_id`, `connection_id`, `record_id` and `payload` (an object,
or its JSON text). In a CSV file any other column is a field of the payload, `user.id` a property of a ref; an empty
cell is an absent field.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq
from dlt.common.destination.exceptions import DestinationUndefinedEntity

from mappings.model import RESOURCES, Kind
from mappings.rows import canonical_json
from pipelines.environment import Target
from pipelines.reading import open_reading
from sources.unified_lms.errors import ConfigurationError
from sources.unified_lms.tables import WRITE_BACK_REQUESTS
from sources.unified_lms.writing import Intent

COLUMNS = tuple(column.name for column in WRITE_BACK_REQUESTS.columns)
FORMATS = (".jsonl", ".ndjson", ".csv", ".parquet")
_NAME = re.compile(r"(?:[A-Za-z_][A-Za-z0-9_]*\.)?[A-Za-z_][A-Za-z0-9_]*")


class WrongRequest(ConfigurationError):
    """A request that cannot be read. The message names the file and the line, and no value."""


@dataclass(frozen=True)
class Request:
    """One request; `key` tells it from any other of the connection.

    `given` says whether whoever asks has chosen the key. If so it is done once, whatever happens later; a request
    without a key of its own has the digest of what it asks for, and is compared with the present each time.
    """

    key: str
    intent: Intent
    given: bool

    @property
    def digest(self) -> str:
        """Tells what is asked for from anything else."""
        return _digest(self.intent)


def from_file(path: Path, connection: str) -> list[Request]:
    """The requests of a file for a connection, in their order. Raises `WrongRequest`."""
    readers = {".csv": _csv, ".parquet": _parquet, ".jsonl": _json_lines, ".ndjson": _json_lines}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise WrongRequest(f"{path}: is none of {', '.join(FORMATS)}; name the file by what is in it")
    if not path.is_file():
        raise WrongRequest(f"{path}: there is no such file")
    return _requests(reader(path), connection)


def from_table(target: Target, table: str, connection: str) -> list[Request]:
    """The requests of a table or view of the warehouse for a connection, by their ids. Raises `WrongRequest`."""
    if not _NAME.fullmatch(table):
        raise WrongRequest(f"{table!r} is no table; write it as name or schema.name")
    with open_reading(target) as reading:
        if reading is None:
            return []
        name = table if "." in table else reading.table(table)
        try:
            with reading.client.execute_query(
                f"select {reading.columns(*COLUMNS)} from {name} "  # noqa: S608 - the name has been checked
                f"where {reading.columns('connection_id')} = %s order by {reading.columns('request_id')}",
                connection,
            ) as cursor:
                found = [dict(zip(COLUMNS, row, strict=True)) for row in cursor.fetchall()]
        except DestinationUndefinedEntity:
            if table == WRITE_BACK_REQUESTS.name:  # a warehouse that no run of this version has made ready
                return []
            raise WrongRequest(
                f"{table}: there is no such table in the warehouse, or it lacks one of the columns {', '.join(COLUMNS)}"
            ) from None
    return _requests(((f"{table}, request {row['request_id']}", row) for row in found), connection)


def make_request(intent: Intent, key: str | None = None) -> Request:
    """The request of an intent, with the key given or the digest of what it asks for."""
    return Request(key or _digest(intent), intent, key is not None)


def _requests(rows: Iterator[tuple[str, Mapping[str, Any]]], connection: str) -> list[Request]:
    found: dict[str, tuple[str, Request]] = {}
    for place, row in rows:
        if row.get("connection_id") in (None, "", connection):
            request = _request(place, row)
            earlier = found.get(request.key)
            if earlier and request.given:
                raise WrongRequest(f"{place}: has the request_id of {earlier[0]}; give each its own")
            found.setdefault(request.key, (place, request))
    return [request for _, request in found.values()]


def _request(place: str, row: Mapping[str, Any]) -> Request:
    lacking = [name for name in ("resource", "operation") if not row.get(name)]
    if lacking:
        raise WrongRequest(f"{place}: lacks {' and '.join(lacking)}")
    unknown = row.keys() - set(COLUMNS)
    if unknown:
        raise WrongRequest(
            f"{place}: has {', '.join(sorted(unknown))}, which are none of {', '.join(COLUMNS)}"
        )
    record_id = row.get("record_id")
    intent = Intent(
        str(row["resource"]).replace("-", "_"),
        str(row["operation"]),
        None if record_id in (None, "") else str(record_id),
        _payload(place, row.get("payload")),
    )
    key = row.get("request_id")
    return make_request(intent, None if key in (None, "") else str(key))


def _payload(place: str, value: Any) -> dict[str, Any]:
    if value is None or value == "":
        return {}
    try:
        found = orjson.loads(value) if isinstance(value, (str, bytes)) else value
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise WrongRequest(f"{place}: payload is no JSON object")
    return found


def _json_lines(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if line.isspace():
                continue
            place = f"{path}, line {number}"
            try:
                row = orjson.loads(line)
            except orjson.JSONDecodeError:
                row = None
            if not isinstance(row, dict):
                raise WrongRequest(f"{place}: is no JSON object")
            yield place, row


def _parquet(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    with pq.ParquetFile(path) as file:
        number = 0
        for batch in file.iter_batches():
            for row in batch.to_pylist():
                number += 1
                yield f"{path}, row {number}", row


def _csv(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.DictReader(lines, strict=True)
        repeated = _repeated(reader.fieldnames or ())
        if repeated:
            raise WrongRequest(f"{path}: has the columns {', '.join(repeated)} twice")
        for row in reader:
            place = f"{path}, line {reader.line_num}"
            if None in row or None in row.values():
                raise WrongRequest(f"{place}: has another number of cells than the first line")
            yield place, _unflattened(place, row)


def _repeated(names: Sequence[str]) -> list[str]:
    return sorted({name for name in names if list(names).count(name) > 1})


def _unflattened(place: str, row: Mapping[str, str]) -> dict[str, Any]:
    """A row of a CSV file with its columns of fields in the payload."""
    found: dict[str, Any] = {name: row[name] for name in COLUMNS if name in row}
    payload = _payload(place, row.get("payload"))
    for name, value in row.items():
        if name not in COLUMNS and value != "":
            _put(payload, row.get("resource", ""), name, value)
    return {**found, "payload": payload}


def _put(payload: dict[str, Any], resource: str, name: str, value: str) -> None:
    """A cell in its place: text becomes the kind that the model has, an address the primary e-mail."""
    field, _, below = name.partition(".")
    spec = RESOURCES.get(resource.replace("-", "_"))
    kind = next((each.kind for each in spec.fields if each.name == field), None) if spec else None
    if below:
        payload.setdefault(field, {})[below] = value
    elif field == "email":
        payload["emails"] = [{"email": value, "is_primary": True}]
    elif kind in (Kind.INTEGER, Kind.NUMBER, Kind.BOOLEAN, Kind.LIST, Kind.OBJECT):
        payload[field] = _parsed(value)
    else:
        payload[field] = value


def _parsed(value: str) -> Any:
    """JSON where it is some; anything else as it is, for the model's check to refuse in its own words."""
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value


def _digest(intent: Intent) -> str:
    asked = [intent.resource, intent.operation, intent.record_id, dict(intent.payload)]
    return hashlib.blake2b(canonical_json(asked).encode(), digest_size=16).hexdigest()
