"""Pages of provider records to checked Arrow tables of unified rows.

A page is mapped whole by one compiled expression, text to text and outside the interpreter's lock; many mapped pages
become one Arrow table through Arrow's strict JSON reader. What the fast way doubts, record by record, goes through
`mappings.rows.check`, which says exactly what is wrong. No record is dropped without a rejection or a skip.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from mappings import bounds, engine
from mappings.columns import ColumnBuilder
from mappings.model import RESOURCES, Field, Kind, Resource
from mappings.rows import Violation, check, flatten, parse_instant
from mappings.schemas import TIMESTAMP, arrow_schema, columns, unified_schema

_PLACE = [pa.field("_page", pa.int64()), pa.field("_index", pa.int64())]


@dataclass(frozen=True)
class Skip:
    """Records that are left out on purpose: a JSONata condition over the mapping's input, and the reason."""

    when: str
    reason: str


@dataclass(frozen=True)
class Page:
    """What the mapper reads: JSON texts of the records (a list), their parent, and what is joined to each of them."""

    records: str
    parent: str = "null"
    joined: str = "[]"


@dataclass(frozen=True)
class MappedPage:
    """Mapped records as JSON text, one part for the whole page or, where that failed, one for each record.

    Parts are (index of the part's first record, text); failures are (index, record id if known, reason).
    """

    parts: tuple[tuple[int, str], ...]
    failures: tuple[tuple[int, str | None, str], ...] = ()

    @property
    def size(self) -> int:
        """How much text the mapped records are, in characters."""
        return sum(len(text) for _, text in self.parts)


@dataclass(frozen=True)
class Rejection:
    """A record that was lost (`violation.field` None or an identity), or one field of a record that stays."""

    page: int
    index: int
    record_id: str | None
    violation: Violation
    whole: bool


@dataclass
class Batch:
    """Mapped pages as one table: the model's columns, `_page` and `_index` (where each row came from)."""

    table: pa.Table
    rejections: list[Rejection] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)


class Mapper:
    """One mapping, ready to run: the merged expression of a provider and resource, its skips and settings.

    Thread-safe: `map_page` may run on several threads at once.
    """

    def __init__(
        self,
        resource: Resource,
        expression: str,
        *,
        settings: dict[str, Any] | None = None,
        skips: Sequence[Skip] = (),
        identify: str | None = None,
        name: str = "mapping",
        places: tuple[engine.Place, ...] = (),
        types: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.resource = resource
        self._expression = engine.compile(expression, name=name, places=places)
        self._page = engine.compile(_page_source(resource, expression, skips), name=name)
        self._identify = engine.compile(identify, name=f"{name} id") if identify else None
        self._settings = orjson.dumps(settings or {}).decode()
        self._parsed = orjson.loads(self._settings)
        self._reasons = [skip.reason for skip in skips]
        rows = pa.list_(
            pa.struct([*unified_schema(resource), pa.field("_i", pa.int64()), pa.field("_s", pa.int64())])
        )
        self._schema = pa.schema([pa.field("rows", rows)])
        self._columns = ColumnBuilder(resource, types)
        self._types = types
        self._allowance = bounds.Allowance()

    def map_one(self, record: Any, parent: Any = None, joined: Any = None) -> Any:
        """What the mapping makes of one record, unchecked; raises `engine.ExpressionError`."""
        return self._expression.evaluate(
            {"record": record, "parent": parent, "joined": joined or {}, "settings": self._parsed}
        )

    def check(self, found: Any) -> tuple[dict[str, Any] | None, list[Violation]]:
        """What `map_one` gave as the model and the overlays' types want it, and what was wrong with it."""
        return check(self.resource, found, self._types)

    def _input(self, single: Page) -> dict[str, Any]:
        """The mapping's input for a page of one record."""
        joined = orjson.loads(single.joined)
        return {
            "record": orjson.loads(single.records)[0],
            "parent": orjson.loads(single.parent),
            "joined": joined[0] if joined else {},
            "settings": orjson.loads(self._settings),
        }

    def map_page(self, page: Page) -> MappedPage:
        """The page mapped whole; record by record where one of them makes the whole fail.

        Raises `bounds.TooSlow` once all pages together have taken longer than a run may take.
        """
        try:
            return MappedPage(((0, self._run(page)),))
        except engine.ExpressionError:
            return self._map_singly(page)

    def _run(self, page: Page) -> str:
        text = f'{{"records":{page.records},"parent":{page.parent},"joined":{page.joined},"settings":{self._settings}}}'
        with self._allowance.spend(len(text)):
            return self._page.evaluate_json(text, bounds=bounds.bounds_for(len(text))) or '{"rows":[]}'

    def _map_singly(self, page: Page) -> MappedPage:
        records, joined = _as_list(orjson.loads(page.records)), orjson.loads(page.joined)
        parts, failures = [], []
        for index, record in enumerate(records):
            single = Page(_dump([record]), page.parent, _dump(joined[index : index + 1]))
            try:
                parts.append((index, self._run(single)))
            except engine.ExpressionError as error:
                failures.append((index, self._record_id(single), self._reason(single, error)))
        return MappedPage(tuple(parts), tuple(failures))

    def _reason(self, single: Page, error: engine.ExpressionError) -> str:
        """Why one record cannot be mapped, with the place in the mapping's own text rather than in the wrapper's."""
        if error.code in bounds.BOUND_CODES:  # once more would take as long again
            return str(error)
        try:
            joined = orjson.loads(single.joined)
            found = self.map_one(
                orjson.loads(single.records)[0], orjson.loads(single.parent), (joined or [None])[0]
            )
        except engine.ExpressionError as own:
            return str(own)
        if isinstance(found, dict):
            return str(error)
        return self.check(found)[1][0].reason

    def _record_id(self, single: Page) -> str | None:
        """The id of a record that cannot be mapped, as far as the manifest's own expression finds it."""
        if self._identify is None:
            return None
        try:
            found = self._identify.evaluate(self._input(single))
        except engine.ExpressionError:
            return None
        return found if isinstance(found, str) and found else None

    def tabulate(self, pages: Sequence[MappedPage]) -> Batch:
        """The mapped pages as one checked table; rows keep the order of reading."""
        places = [(number, offset) for number, page in enumerate(pages) for offset, _ in page.parts]
        batch = self._tabulate([text for page in pages for _, text in page.parts], places)
        for number, page in enumerate(pages):
            for index, record_id, reason in page.failures:
                violation = Violation(None, "mapping_failed", reason)
                batch.rejections.append(Rejection(number, index, record_id, violation, whole=True))
        return batch

    def _tabulate(self, texts: list[str], places: list[tuple[int, int]]) -> Batch:
        try:
            rows = self._read(texts)
        except pa.ArrowInvalid:
            if len(texts) == 1:
                return self._exactly(_load_rows(texts[0]), places)
            batches = [self._tabulate([text], [place]) for text, place in zip(texts, places, strict=True)]
            return _concatenate(batches)
        return self._vectorised(rows, places)

    def _read(self, texts: list[str]) -> pa.ListArray:
        """The unified rows of each text; ArrowInvalid if one of them is not exactly as the model wants it."""
        data = "\n".join(texts).encode()
        if not data:
            return pa.array([], self._schema.field("rows").type)
        if b"\\u0000" in data:
            raise pa.ArrowInvalid("U+0000")
        table = pj.read_json(
            pa.BufferReader(data),
            parse_options=pj.ParseOptions(explicit_schema=self._schema, unexpected_field_behavior="error"),
            read_options=pj.ReadOptions(use_threads=False, block_size=len(data) + 1),
        )
        return table["rows"].combine_chunks()

    def _vectorised(self, lists: pa.ListArray, places: list[tuple[int, int]]) -> Batch:
        rows, owner = lists.flatten(), pc.list_parent_indices(lists)
        rows, owner, skipped = self._without_skipped(rows, owner)
        arrays, doubtful = self._columns.build(rows)
        place = _place_columns(rows, owner, places)
        table = pa.Table.from_arrays([*arrays, *place], schema=_schema(self.resource))
        if not pc.any(doubtful).as_py():
            return Batch(table, skipped=skipped)
        exact = self._doubtful_rows(rows.filter(doubtful), table.filter(doubtful))
        exact.skipped.update(skipped)
        exact.table = pa.concat_tables([table.filter(pc.invert(doubtful)), exact.table])
        return exact

    def _without_skipped(self, rows: Any, owner: Any) -> tuple[Any, Any, Counter[str]]:
        codes = rows.field("_s")
        if codes.null_count == len(codes):
            return rows, owner, Counter()
        counted = Counter(self._reasons[code] for code in codes.drop_null().to_pylist())
        keep = codes.is_null()
        return rows.filter(keep), owner.filter(keep), counted

    def _doubtful_rows(self, rows: pa.StructArray, table: pa.Table) -> Batch:
        places = list(zip(table["_page"].to_pylist(), table["_index"].to_pylist(), strict=True))
        found = [_decode(row) for row in rows.to_pylist()]
        return self._check_all([(place, row) for place, row in zip(places, found, strict=True)])

    def _exactly(self, rows: list[Any], places: list[tuple[int, int]]) -> Batch:
        """Every row of one text through the exact check; `places` holds the one place of that text."""
        [(number, offset)] = places
        skipped = Counter(self._reasons[row["_s"]] for row in rows if row.get("_s") is not None)
        kept = [((number, offset + row["_i"]), row) for row in rows if row.get("_s") is None]
        batch = self._check_all(kept)
        batch.skipped.update(skipped)
        return batch

    def _check_all(self, rows: list[tuple[tuple[int, int], dict[str, Any]]]) -> Batch:
        flat, rejections = [], []
        for (page, index), row in rows:
            record = {key: value for key, value in row.items() if key not in ("_i", "_s")}
            clean, violations = self.check(record)
            record_id = record.get("id") if isinstance(record.get("id"), str) else None
            whole = clean is None
            rejections += [Rejection(page, index, record_id or None, v, whole) for v in violations]
            if clean is not None:
                flat.append(
                    _typed(self.resource, flatten(self.resource, clean)) | {"_page": page, "_index": index}
                )
        return Batch(pa.Table.from_pylist(flat, schema=_schema(self.resource)), rejections)


def _page_source(resource: Resource, expression: str, skips: Sequence[Skip]) -> str:
    """The expression that maps a page: the mapping over each record, lists and objects prepared, skips by number."""
    verdict = "".join(f"({skip.when}) ? {number} : " for number, skip in enumerate(skips)) + "null"
    prepared = ", ".join(_prepared_entry(f) for f in resource.fields if _has_json(f))
    return f"""(
      $parent := parent; $settings := settings; $joined := joined;
      {{"rows": [$map(records, function($record, $index) {{
        {{"record": $record, "parent": $parent, "settings": $settings, "joined": $joined[$index]}}.(
          $skipped := {verdict};
          $skipped != null ? {{"_i": $index, "_s": $skipped}} : (
            $unified := (
{expression}
            );
            $merge([$unified, {{"_i": $index, {prepared}}}])
          )
        )
      }})]}}
    )"""


def _has_json(field: Field) -> bool:
    return field.is_json or any(sub.is_json for sub in field.fields if field.kind is Kind.REF)


def _prepared_entry(field: Field) -> str:
    name = field.name
    if field.is_json:
        return _prepared(field, f"$unified.{name}")
    inner = ", ".join(_prepared(s, f"$unified.{name}.{s.name}") for s in field.fields if s.is_json)
    merged = f"$merge([$unified.{name}, {{{inner}}}])"
    return f'"{name}": $exists($unified.{name}) and $unified.{name} != null ? {merged}'


def _prepared(field: Field, place: str) -> str:
    """A list as a list, where JSONata has made an object of a list of one; an object of any keys as JSON text."""
    # Always in a list: `$string` of a text is that text, which could pose as JSON.
    value = f"[{place}]" if field.kind is Kind.LIST else f"$string([{place}])"
    return f'"{field.name}": {value}'


def _schema(resource: Resource) -> pa.Schema:
    return pa.schema([*arrow_schema(resource), *_PLACE])


def _place_columns(rows: pa.StructArray, owner: pa.Array, places: list[tuple[int, int]]) -> list[pa.Array]:
    pages = pa.array([page for page, _ in places], pa.int64()).take(owner)
    offsets = pa.array([offset for _, offset in places], pa.int64()).take(owner)
    return [pages, pc.add(offsets, rows.field("_i"))]


def _concatenate(batches: list[Batch]) -> Batch:
    whole = Batch(pa.concat_tables([batch.table for batch in batches]))
    for batch in batches:
        whole.rejections += batch.rejections
        whole.skipped.update(batch.skipped)
    return whole


def _decode(row: dict[str, Any]) -> dict[str, Any]:
    """A row as the page wrapper rendered it, lists and objects as the mapping gave them."""
    return {key: _decode_value(key, value) for key, value in row.items()}


def _decode_value(key: str, value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _unwrapped(item) if name in _LIST_KEYS else item for name, item in value.items()}
    if key in _OBJECT_KEYS and isinstance(value, str):
        return _unwrapped(orjson.loads(value))
    return _unwrapped(value) if key in _LIST_KEYS else value


def _unwrapped(value: Any) -> Any:
    """What the page wrapper has put into a list: to JSONata, a value and a list of it alone are the same."""
    return value if not isinstance(value, list) or len(value) > 1 else (value or [None])[0]


def _load_rows(text: str) -> list[Any]:
    return [_decode(row) for row in _as_list(orjson.loads(text)["rows"])]


def _typed(resource: Resource, row: dict[str, Any]) -> dict[str, Any]:
    """A flat row with its timestamps as datetimes, as Arrow wants them."""
    instants: Callable[[Any], Any] = lambda value: parse_instant(value) if value is not None else None  # noqa: E731
    return {
        c.name: instants(row[c.name]) if c.arrow_type == TIMESTAMP else row[c.name] for c in columns(resource)
    }


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _dump(value: Any) -> str:
    return orjson.dumps(value).decode()


def _keys_of(kind: Kind) -> frozenset[str]:
    found = (column for resource in RESOURCES.values() for column in columns(resource))
    return frozenset(column.path[-1] for column in found if column.field.kind is kind)


_LIST_KEYS, _OBJECT_KEYS = _keys_of(Kind.LIST), _keys_of(Kind.OBJECT)
