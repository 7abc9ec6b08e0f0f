"""Expressions that somebody wrote to do harm: each is ended by its bounds, costs its record, and no more."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from mappings import bounds, engine
from mappings.bounds import Allowance, Bounds, TooSlow, bounds_for
from mappings.mapper import Batch, Mapper, Page
from mappings.merging import merge
from mappings.model import USERS
from mappings.overlays import parse_overlay

PAGE = 60_000
"""Characters of a usual page."""
HOSTILE = {
    "endless recursion": ("($f := function($x) { $f($x) + 1 }; $f(1))", "D1011"),
    "an endless loop": ("($f := function($x) { $f($x) }; $f(1))", "U1006"),
    "a text that doubles": ('($f := function($x) { $f($x & $x) }; $f("aa"))', "U1001"),
    "a list that doubles": ("($f := function($x) { $f($append($x, $x)) }; $f([1]))", "U1001"),
    "lists in lists": ("($f := function($x) { $f([$x, $x]) }; $f([1]))", "U1001"),
    "a giant list": ("$count([1..1000000])", "U1001"),
    "a longer list than there may be": ("[1..100000000]", "D2014"),
    "many steps": ("$map([1..1000], function($a) { $map([1..1000], function($b) { $a * $b }) })", "U1006"),
}
PATTERNS = ["/^(a+)+$/", "/^(a|a)*$/", "/^(a|aa)+$/", "/(a*)*b/", "/^(([a-z])+.)+[A-Z]([a-z])+$/"]


@pytest.mark.parametrize("name", HOSTILE)
def test_the_bounds_of_a_page_end_it(name: str) -> None:
    """Whichever bound is hit, the evaluation ends and says so."""
    source, code = HOSTILE[name]
    with pytest.raises(engine.ExpressionError) as caught:
        engine.compile(source).evaluate({}, bounds=bounds_for(PAGE))
    assert caught.value.code == code


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_that_backtracks_is_ended_by_the_time(pattern: str) -> None:
    """The engine looks at the time within one match as well, and not only after it."""
    began = time.process_time()
    with pytest.raises(engine.ExpressionError) as caught:
        engine.compile(f"$contains(t, {pattern})").evaluate({"t": "a" * 60 + "!"}, bounds=Bounds(timeout=0.1))
    assert caught.value.code == "D1012"
    assert time.process_time() - began < 1


def test_bounds_grow_with_what_is_mapped() -> None:
    """A whole portal in one page may take longer than one record."""
    small, large = bounds_for(1_000), bounds_for(100_000_000)
    assert small.timeout == pytest.approx(1.005)
    assert large.timeout == pytest.approx(501)
    assert large.max_steps > 1000 * small.max_steps / 2


def _mapped(expression: str, records: list[dict[str, Any]]) -> Batch:
    """Records under an overlay that puts an expression into a custom field."""
    overlay = parse_overlay(f"custom_fields.x: '{expression}'", "own.yaml", "connection", USERS)
    merged = merge('{"id": record.id}', "acme/users.jsonata", [overlay])
    mapper = Mapper(USERS, merged.source, identify="record.id", places=merged.places)
    return mapper.tabulate([mapper.map_page(Page(json.dumps(records)))])


def test_one_record_that_an_expression_never_ends_on_is_rejected_alone() -> None:
    """The others are mapped; the reason names the overlay and the bound."""
    source = "record.evil ? ($f := function($x) { $f($x) }; $f(1)) : record.n"
    batch = _mapped(source, [{"id": "1", "n": 1}, {"id": "2", "evil": True}, {"id": "3", "n": 3}])
    assert batch.table["id"].to_pylist() == ["1", "3"]
    [rejection] = batch.rejections
    assert (rejection.record_id, rejection.whole) == ("2", True)
    assert "(U1006)" in rejection.violation.reason


def test_time_that_adds_up_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page full of evaluations that are ended by their time is not gone through to its end."""
    monkeypatch.setattr(bounds, "bounds_for", lambda characters: Bounds(timeout=0.05, max_steps=10**12))
    monkeypatch.setattr(bounds, "Allowance", lambda: Allowance(0.2))
    with pytest.raises(TooSlow):
        _mapped("($f := function($x) { $f($x) }; $f(1))", [{"id": str(n)} for n in range(1000)])


def test_what_is_mapped_earns_time() -> None:
    """A long run is not ended for being long."""
    allowance = Allowance(0.0)
    for _ in range(3):
        with allowance.spend(200_000):
            pass
    with allowance.spend(0):
        pass


@pytest.mark.parametrize(
    "source", ["$fetch", "$http", "$env", "$open", "$import", "$require", "$readFile", "$process", "$eval"]
)
def test_nothing_beyond_the_input_can_be_named(source: str) -> None:
    """There is no function for files, network, environment or code; what looks like one is refused."""
    with pytest.raises(engine.ExpressionError) as caught:
        engine.compile(f'{source}("x")')
    assert caught.value.code in ("undefined", "forbidden")


def test_a_panic_of_the_engine_is_an_error_like_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its kind is no `Exception`, and would end the process."""
    panic = type("PanicException", (BaseException,), {})

    def evaluate(*_: object, **__: object) -> None:
        raise panic("planted")

    expression = engine.compile("a.unlikely.name")
    monkeypatch.setattr(expression, "_compiled", type("Broken", (), {"evaluate": staticmethod(evaluate)})())
    with pytest.raises(engine.ExpressionError) as caught:
        expression.evaluate({})
    assert caught.value.code == "panic"
    assert "planted" not in str(caught.value)
