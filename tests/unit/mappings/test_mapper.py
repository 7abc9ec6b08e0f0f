"""Pages to tables: the fast path and the exact one agree, and nothing is lost on the way."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.mapper import Batch, Mapper, Page, Skip
from mappings.model import COURSE_ENROLLMENTS, USERS
from mappings.rows import check, flatten, parse_instant
from mappings.schemas import TIMESTAMP, columns

IDENTITY = "record"
"""A mapping whose result is the record itself, so that a test can hand in any unified value."""


def mapped(records: list[Any], expression: str = IDENTITY, **options: Any) -> Batch:
    """The batch of one page of users."""
    mapper = Mapper(USERS, expression, **options)
    return mapper.tabulate([mapper.map_page(Page(json.dumps(records)))])


def ids(batch: Batch) -> list[str]:
    """The ids of a batch's rows."""
    return sorted(batch.table["id"].to_pylist())


def test_rows_have_the_fixed_schema() -> None:
    """A page becomes rows of the model's columns, whatever its records fill."""
    batch = mapped([{"id": "1", "organization": {"id": "9"}}])
    row = batch.table.to_pylist()[0]
    assert (row["id"], row["organization__id"], row["organization__name"]) == ("1", "9", None)
    assert batch.rejections == []


def test_page_of_one_is_a_page() -> None:
    """JSONata collapses lists of one; a page with one record still gives one row."""
    assert ids(mapped([{"id": "1"}])) == ["1"]


def test_empty_page_gives_no_row() -> None:
    """An empty page is no error."""
    assert mapped([]).table.num_rows == 0


def test_several_pages_keep_their_places() -> None:
    """Each row knows the page and the index that it came from."""
    mapper = Mapper(USERS, IDENTITY)
    pages = [mapper.map_page(Page(json.dumps([{"id": f"{p}{i}"} for i in range(2)]))) for p in range(2)]
    batch = mapper.tabulate(pages)
    places = zip(*(batch.table[name].to_pylist() for name in ("id", "_page", "_index")), strict=True)
    assert list(places) == [("00", 0, 0), ("01", 0, 1), ("10", 1, 0), ("11", 1, 1)]


def test_bad_field_is_null_and_reported() -> None:
    """A bad value costs its field; the record stays and the loss names it."""
    batch = mapped(
        [{"id": "1", "created_at": "yesterday"}, {"id": "2", "created_at": "2020-01-01T00:00:00Z"}]
    )
    assert ids(batch) == ["1", "2"]
    [rejection] = batch.rejections
    assert (rejection.record_id, rejection.violation.field, rejection.whole) == ("1", "created_at", False)


def test_wrong_type_spoils_neither_row_nor_page() -> None:
    """A number where text belongs costs that field of that record only."""
    batch = mapped([{"id": "1", "first_name": 3}, {"id": "2", "first_name": "Ada"}])
    names = dict(zip(batch.table["id"].to_pylist(), batch.table["first_name"].to_pylist(), strict=True))
    assert names == {"1": None, "2": "Ada"}
    assert [(r.record_id, r.violation.code) for r in batch.rejections] == [("1", "wrong_type")]


def test_record_without_id_is_rejected_and_the_others_stay() -> None:
    """A record that lacks its id is lost by name of place, not silently."""
    batch = mapped([{"id": "1"}, {"first_name": "Ada"}])
    assert ids(batch) == ["1"]
    [rejection] = batch.rejections
    assert (rejection.index, rejection.record_id, rejection.whole) == (1, None, True)


def test_failing_record_is_mapped_singly() -> None:
    """One record that makes the expression fail does not cost the page."""
    batch = mapped(
        [{"id": "1", "n": "2"}, {"id": "2", "n": "x"}],
        '{"id": record.id, "job_title": $string($number(record.n))}',
    )
    assert ids(batch) == ["1"]
    [rejection] = batch.rejections
    assert (rejection.index, rejection.violation.code, rejection.whole) == (1, "mapping_failed", True)


def test_failing_record_keeps_its_id_where_the_manifest_says_how() -> None:
    """A record that cannot be mapped is known by the manifest's own expression for its id."""
    batch = mapped(
        [{"id": "2", "n": "x"}],
        '{"id": record.id, "job_title": $string($number(record.n))}',
        identify="record.id",
    )
    assert [rejection.record_id for rejection in batch.rejections] == ["2"]


def test_skipped_records_are_counted_by_reason() -> None:
    """What is left out on purpose is counted, with its reason."""
    skips = [Skip("record.id = '1'", "the first"), Skip("record.guest", "a guest")]
    batch = mapped([{"id": "1"}, {"id": "2", "guest": True}, {"id": "3"}], '{"id": record.id}', skips=skips)
    assert ids(batch) == ["3"]
    assert batch.skipped == {"the first": 1, "a guest": 1}


def test_joined_and_settings_reach_the_mapping() -> None:
    """The mapping sees what is joined to each record, the parent and the settings."""
    expression = '{"id": record.id, "job_title": joined.t & parent.p & settings.s}'
    mapper = Mapper(USERS, expression, settings={"s": "S"})
    page = Page('[{"id":"1"},{"id":"2"}]', '{"p":"P"}', '[{"t":"a"},{"t":"b"}]')
    batch = mapper.tabulate([mapper.map_page(page)])
    assert batch.table["job_title"].to_pylist() == ["aPS", "bPS"]


def test_json_columns_are_canonical() -> None:
    """JSON text is the same however the provider orders its keys."""
    batch = mapped(
        [{"id": "1", "custom_fields": {"b": 1, "a": [True, None]}}, {"id": "2", "custom_fields": {}}]
    )
    assert batch.table["custom_fields"].to_pylist() == ['{"a":[true,null],"b":1}', None]


def test_unknown_field_is_reported() -> None:
    """A field that the model lacks is not ignored: it is reported, and the record stays."""
    batch = mapped([{"id": "1", "nickname": "Ada"}])
    assert ids(batch) == ["1"]
    assert [(r.violation.field, r.violation.code) for r in batch.rejections] == [
        ("nickname", "unknown_field")
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=6)
VALUES = {
    "id": st.sampled_from(["1", "2", ""]) | JSON,
    "first_name": TEXTS | JSON,
    "status": st.sampled_from(["active", "aktiv"]) | JSON,
    "status_source": TEXTS | JSON,
    "emails": st.lists(
        st.fixed_dictionaries({}, optional={"email": TEXTS | JSON, "is_primary": JSON}), max_size=2
    )
    | JSON,
    "organization": st.fixed_dictionaries({}, optional={"id": TEXTS, "name": JSON}) | JSON,
    "manager": st.fixed_dictionaries({}, optional={"id": TEXTS, "emails": JSON}) | JSON,
    "created_at": st.datetimes().map(lambda d: d.isoformat() + "Z") | st.just("2020-02-30T00:00:00Z") | JSON,
    "custom_fields": st.dictionaries(TEXTS, JSON, max_size=2) | JSON,
    "nickname": JSON,
}
RECORDS = st.fixed_dictionaries({}, optional=VALUES) | JSON


@given(st.lists(RECORDS, max_size=4))
def test_any_record_is_mapped_or_rejected_with_a_reason(records: list[Any]) -> None:
    """Whatever a record holds, it is a row, or its loss is reported with a reason; never both, never neither."""
    batch = mapped(records)
    rows = set(batch.table["_index"].to_pylist())
    lost = {rejection.index for rejection in batch.rejections if rejection.whole}
    assert rows | lost == set(range(len(records)))
    assert not rows & lost
    assert all(rejection.violation.reason for rejection in batch.rejections)


SAFE = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)
NUMBERS = st.integers(-(10**12), 10**12)
VALID = st.fixed_dictionaries(
    {"id": SAFE.filter(bool), "user": st.just({"id": "u"}), "course": st.just({"id": "c", "title": "T"})},
    optional={
        "status": st.sampled_from(COURSE_ENROLLMENTS.field("status").choices),
        "score": NUMBERS | st.floats(-1e6, 1e6).map(lambda x: round(x, 3)),
        "attempt_number": st.integers(0, 10**9),
        "is_mandatory": st.booleans(),
        "due_at": st.datetimes().map(lambda d: d.isoformat() + "+05:30"),
        "urls": st.lists(st.fixed_dictionaries({"url": SAFE}, optional={"type": SAFE}), max_size=3),
        "custom_fields": st.dictionaries(SAFE, SAFE | NUMBERS | st.booleans(), max_size=3),
    },
)


@given(st.lists(VALID, max_size=4))
def test_fast_path_agrees_with_the_exact_check(records: list[dict[str, Any]]) -> None:
    """For records without a fault, the vectorised path gives the rows that the exact check would."""
    mapper = Mapper(COURSE_ENROLLMENTS, IDENTITY)
    table = mapper.tabulate([mapper.map_page(Page(json.dumps(records)))]).table.drop_columns(
        ["_page", "_index"]
    )
    instants = {column.name for column in columns(COURSE_ENROLLMENTS) if column.arrow_type == TIMESTAMP}
    for row, record in zip(table.to_pylist(), records, strict=True):
        clean, violations = check(COURSE_ENROLLMENTS, record)
        assert clean is not None
        assert violations == []
        wanted = flatten(COURSE_ENROLLMENTS, clean)
        assert row == {k: parse_instant(v) if k in instants and v else v for k, v in wanted.items()}


def test_hostile_wrapper_variables_do_not_leak() -> None:
    """A mapping cannot read the wrapper's own variables: they are not defined for it."""
    with pytest.raises(Exception, match="defined nowhere"):
        Mapper(USERS, '{"id": $index}')


def test_table_is_ready_for_parquet() -> None:
    """No column of a batch is nested or null-typed."""
    schema = mapped([{"id": "1"}]).table.schema
    assert not any(pa.types.is_nested(field.type) or pa.types.is_null(field.type) for field in schema)


def test_declared_types_of_custom_fields_hold_on_the_fast_way_too() -> None:
    """A value that fits stays, one that can be made to fit is, one that cannot is null and on record."""
    values = [7, 7.5, "x", None]
    records = [{"id": str(n), "custom_fields": {"x": value}} for n, value in enumerate(values)]
    mapper = Mapper(USERS, "record", types={"x": "integer"})
    batch = mapper.tabulate([mapper.map_page(Page(json.dumps(records)))])
    found = dict(zip(batch.table["id"].to_pylist(), batch.table["custom_fields"].to_pylist(), strict=True))
    assert {name: json.loads(text)["x"] for name, text in found.items()} == {
        "0": 7,
        "1": None,
        "2": None,
        "3": None,
    }
    assert [rejection.violation.field for rejection in batch.rejections] == ["custom_fields.x"] * 2
