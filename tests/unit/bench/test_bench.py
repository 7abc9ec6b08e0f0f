"""The benchmark itself: it measures what it says, at a tiny size and without looking at the clock."""

from __future__ import annotations

from pathlib import Path

from tests.bench.__main__ import measure
from tests.bench.mapping import OVERLAY, make_canvas_mapper, pages_of
from tests.bench.scaling import scaled, warehouse
from tests.bench.server import running_server
from tests.bench.verdicts import FIRST, MILLION, TENTH, UNCHANGED_RUN
from tests.bench.wire import page_body, record_count


def test_whole_way_brings_every_record_to_a_row() -> None:
    """The rows in the warehouse are as many as the server served, and a revision changes one in a hundred."""
    results = dict(measure(300, only="whole"))
    first, again, changed = (
        results[name].extra for name in (FIRST, UNCHANGED_RUN, "the same again, 1 % changed")
    )
    assert (first["records_read"], first["rows_current"], first["records_rejected"]) == (300, 300, 0)
    assert (again["records_new"], again["records_changed"], again["rows_all"]) == (0, 0, 300)
    assert (changed["records_changed"], changed["rows_current"], changed["rows_all"]) == (3, 300, 303)


def test_same_address_gives_the_same_bytes() -> None:
    """A page follows from its number and the revision alone."""
    assert page_body(250, 0, 2) == page_body(250, 0, 2)
    assert page_body(250, 0, 2) != page_body(250, 1, 2)
    assert [record_count(250, page) for page in range(4)] == [100, 100, 50, 0]


def test_memory_is_measured_at_two_sizes_ten_fold_apart() -> None:
    """The two runs read what they say, and each has a peak."""
    results = dict(measure(300, only="million", million=1_000))
    assert [results[name].extra["rows_current"] for name in (TENTH, MILLION)] == [100, 1_000]
    assert all(results[name].peak_mb > results[name].imports_mb > 0 for name in (TENTH, MILLION))


def test_an_overlay_is_measured_over_the_shipped_mapping() -> None:
    """Every record of the benchmark is one that Canvas' mapping takes, and the overlay's field is there."""
    [page] = pages_of(100)
    mapper = make_canvas_mapper(OVERLAY)
    batch = mapper.tabulate([mapper.map_page(page)])
    assert len(batch.table) == 100 - batch.skipped.total()
    assert all("section_code" in text for text in batch.table["custom_fields"].to_pylist())


def test_account_is_read_course_by_course(tmp_path: Path) -> None:
    """Users, courses and the enrolments of each course come to rows; a revision changes one in a hundred of these."""
    with running_server() as server, warehouse("duckdb", tmp_path) as place:
        first, changed = (
            scaled(server, tmp_path, place, "duckdb", 2_000, revision).extra for revision in (0, 1)
        )
    assert (first["records_read"], first["records_new"], first["statuses"]) == (2_022, 2_022, ["done"])
    assert (changed["records_new"], changed["records_changed"], changed["records_retired"]) == (0, 20, 0)
