"""What the manifest joins to a record from further calls: categories, progress, completion.

A join is asked for once for the connection, once for each parent, or for each record (`manifest.model.Join`). What it
gives stands under its name in `joined`; where there is nothing, the name is not there.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson

from mappings import engine
from sources.unified_lms.client import Client
from sources.unified_lms.errors import Forbidden, NoData, NotFound
from sources.unified_lms.manifest import Join

Table = dict[str, list[Any]]
"""The entries of a join by their key."""


class Joiner:
    """The joins of one resource, for one reading. Thread-safe."""

    def __init__(self, client: Client, joins: Mapping[str, Join]) -> None:
        self._client = client
        self._settings = dict(client.settings)
        self._joins = {name: join for name, join in joins.items() if self._wanted(join)}
        self._tables: dict[str, Table] = {}
        self._lock = threading.Lock()

    def _wanted(self, join: Join) -> bool:
        return join.when is None or bool(engine.compile(join.when).evaluate({"settings": self._settings}))

    def tables(self, parent: Any, variables: Mapping[str, Any]) -> dict[str, Table]:
        """The tables for the records under one parent: those of the connection, and the parent's own."""
        found: dict[str, Table] = {}
        for name, join in self._joins.items():
            if join.per == "connection":
                found[name] = self._of_connection(name)
            elif join.per == "parent":
                found[name] = self._table(join, {"parent": parent}, variables)
        return found

    def joined(
        self, records: str, parent: str, tables: Mapping[str, Table], variables: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        """What is joined to each of the records (JSON text: a list, and their parent), in their order."""
        columns = {name: self._column(name, records, parent, tables, variables) for name in self._joins}
        rows = zip(*columns.values(), strict=True)
        return [{n: v for n, v in zip(columns, row, strict=True) if v is not None} for row in rows]

    def _column(
        self, name: str, records: str, parent: str, tables: Mapping[str, Table], variables: Mapping[str, Any]
    ) -> list[Any]:
        join = self._joins[name]
        if join.per == "record":
            return self._of_records(join, orjson.loads(records), orjson.loads(parent), variables)
        source = _aligned(join.match or "null")
        text = engine.compile(source, name=f"join {name}").evaluate_json(
            f'{{"records":{records},"parent":{parent}}}'
        )
        keys = [entry.get("key") for entry in orjson.loads(text or "[]")]
        return [_value(join, tables[name].get(_key(key), [])) for key in keys]

    def _of_connection(self, name: str) -> Table:
        with self._lock:
            if name not in self._tables:
                self._tables[name] = self._table(self._joins[name], {}, {})
            return self._tables[name]

    def _of_records(
        self, join: Join, records: list[Any], parent: Any, variables: Mapping[str, Any]
    ) -> list[Any]:
        """What is asked for record by record, several at once: the client keeps the connection's limits."""
        workers = min(len(records), self._client.manifest.limits.concurrency)
        if not workers:
            return []
        with ThreadPoolExecutor(workers, thread_name_prefix="joining") as pool:
            return list(pool.map(lambda record: self._of_record(join, record, parent, variables), records))

    def _of_record(self, join: Join, record: Any, parent: Any, variables: Mapping[str, Any]) -> Any:
        seen = {"record": record, "parent": parent, "settings": self._settings}
        if join.where and not engine.compile(join.where, name="join where").evaluate(seen):
            return None
        entries = [entry for _, entry in self._entries(join, {"record": record, "parent": parent}, variables)]
        return _value(join, entries)

    def _table(self, join: Join, subject: Mapping[str, Any], variables: Mapping[str, Any]) -> Table:
        table: Table = {}
        for key, entry in self._entries(join, subject, variables):
            table.setdefault(key, []).append(entry)
        return table

    def _entries(
        self, join: Join, subject: Mapping[str, Any], variables: Mapping[str, Any]
    ) -> Iterator[tuple[str, Any]]:
        seen = {"record": None, "parent": None, **subject, "settings": self._settings}
        args = {name: engine.compile(source).evaluate(seen) for name, source in join.args.items()}
        try:
            for body in self._bodies(join, {**variables, "args": {**variables.get("args", {}), **args}}):
                yield from self._keyed(join, body)
        except NoData:
            return
        except (NotFound, Forbidden):
            if not join.optional:
                raise

    def _bodies(self, join: Join, variables: Mapping[str, Any]) -> Iterator[str]:
        """The answers that hold the join's entries: of the endpoint, or of the second call for each of its entries."""
        for page in self._client.pages(join.endpoint, variables):
            if join.each is None:
                yield page.answer.text
                continue
            identify = engine.compile(join.each.id, name="join each.id")
            for record in as_list(orjson.loads(page.records)):
                args = {**variables.get("args", {}), "id": identify.evaluate(record)}
                for inner in self._client.pages(join.each.endpoint, {**variables, "args": args}):
                    yield inner.answer.text

    def _keyed(self, join: Join, body: str) -> Iterator[tuple[str, Any]]:
        found = engine.compile(join.records, name="join records").evaluate_json(body)
        key = engine.compile(join.key, name="join key") if join.key else None
        for entry in as_list(orjson.loads(found or "null")):
            yield (_key(key.evaluate(entry)) if key else "", entry)


def _aligned(match: str) -> str:
    """An expression that gives the key of each record, as objects, so that a missing key keeps its place."""
    return (
        "($parent := parent; [$map(records, function($record) "
        f'{{ {{"record": $record, "parent": $parent}}.{{"key": ({match})}} }})])'
    )


def _key(value: Any) -> str:
    return "" if value is None else str(value)


def _value(join: Join, entries: list[Any]) -> Any:
    if not entries:
        return None
    return entries if join.many else entries[0]


def as_list(value: Any) -> list[Any]:
    """A list as it is, nothing as an empty one, and anything else as a list of it (JSONata collapses a list of one)."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
