"""The mapper alone: ours, the engine without our wrapper, jsonata-python, and Python written by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson

from mappings import engine
from mappings.library import load_mapping
from mappings.mapper import MappedPage, Mapper, Page, Skip
from mappings.model import RESOURCES
from mappings.overlays import parse_overlay
from sources.unified_lms.manifest import load_manifest
from sources.unified_lms.run import make_mapper as unified_mapper
from tests.bench.by_hand import unified
from tests.bench.gauge import Measured, child_main, timed
from tests.bench.syncing import FOLDER
from tests.bench.wire import PER_PAGE, page_body

RESOURCE = RESOURCES["course_enrollments"]
SOURCE = (FOLDER / "canvas_shaped" / "course_enrollments.jsonata").read_text(encoding="utf-8")
_SKIP = Skip('record.type = "StudentViewEnrollment"', "the provider's test student")
OVERLAY = "custom_fields.section_code: record.sis_section_id"
"""One line of a customer's."""
_BATCH = 80
"""Pages that become one table, as the reader has it."""
_SLOW = 20
"""What takes jsonata-python as long as one page takes the others: it gets so many times fewer."""


def make_mapper() -> Mapper:
    """The mapper of the benchmark's provider."""
    return Mapper(RESOURCE, SOURCE, skips=[_SKIP], identify="record.id", name="benchmark")


def make_canvas_mapper(*overlays: str) -> Mapper:
    """The mapper of Canvas' shipped enrolments, under overlays."""
    read = [parse_overlay(text, "overlay", "connection", RESOURCE) for text in overlays]
    mapping = load_mapping("canvas", RESOURCE.name, overlays=read)
    return unified_mapper(mapping, load_manifest("canvas"), {})


def pages_of(records: int) -> list[Page]:
    """Whole pages, as the reader gives them to the mapper."""
    return [Page(page_body(records, 0, number).decode()) for number in range(records // PER_PAGE)]


def inputs_of(pages: Sequence[Page]) -> list[dict[str, Any]]:
    """The records of pages, each as a mapping sees it, parsed."""
    records = [record for page in pages for record in orjson.loads(page.records)]
    return [{"record": record, "parent": None, "joined": {}, "settings": {}} for record in records]


def by_reference() -> Callable[[dict[str, Any]], Any]:
    """The mapping as jsonata-python evaluates it, compiled once."""
    import jsonata

    evaluate: Callable[[dict[str, Any]], Any] = jsonata.Jsonata(SOURCE).evaluate
    return evaluate


def _map_and_tabulate(mapper: Mapper, pages: Sequence[Page], threads: int) -> None:
    with ThreadPoolExecutor(threads) as pool:
        waiting: list[MappedPage] = []
        for mapped in pool.map(mapper.map_page, pages):
            waiting.append(mapped)
            if len(waiting) == _BATCH:
                mapper.tabulate(waiting)
                waiting = []
        if waiting:
            mapper.tabulate(waiting)


def _map_only(mapper: Mapper, pages: Sequence[Page], threads: int) -> None:
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(mapper.map_page, pages):
            pass


def _text_to_text(pages: Sequence[Page]) -> None:
    """The engine over pages as text, with the plainest wrapper there is."""
    compiled = engine.compile(f'[$map($, function($r) {{ {{"record": $r}}.({SOURCE}) }})]')
    for page in pages:
        compiled.evaluate_json(page.records)


def _by_hand_from_text(pages: Sequence[Page]) -> None:
    """The same from and to text, as it has to be where what follows reads text."""
    for page in pages:
        orjson.dumps([unified(record) for record in orjson.loads(page.records)])


def _each(function: Callable[[dict[str, Any]], Any], inputs: Sequence[dict[str, Any]]) -> None:
    for value in inputs:
        function(value)


def _measure(records: int, name: str) -> Measured:
    mapper, pages = make_mapper(), pages_of(records)
    mapper.tabulate([mapper.map_page(pages[0])])
    count = len(pages) * PER_PAGE
    if name.startswith("Canvas"):
        canvas = make_canvas_mapper(*([OVERLAY] if "overlay" in name else []))
        return timed(count, lambda: _map_only(canvas, pages, int(name[-1])))
    if name.startswith("map and tabulate"):
        return timed(count, lambda: _map_and_tabulate(mapper, pages, int(name[-1])))
    if name.startswith("map only"):
        return timed(count, lambda: _map_only(mapper, pages, int(name[-1])))
    if name == "engine":
        return timed(count, lambda: _text_to_text(pages))
    if name == "by hand, text to text":
        return timed(count, lambda: _by_hand_from_text(pages))
    inputs = inputs_of(pages)
    if name == "by hand":
        return timed(count, lambda: _each(lambda value: unified(value["record"]), inputs))
    reference, few = by_reference(), inputs[: max(1, count // _SLOW)]
    return timed(len(few), lambda: _each(reference, few))


if __name__ == "__main__":
    child_main(_measure)
