"""The helper functions, in both engines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings import engine
from mappings.functions import HELPERS, instant, longdate, seconds

Evaluate = Callable[..., Any]

NOTHING: list[Any] = [None, "", [], {}, True, ["1"], {"a": 1}]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(-1e12, 1e12) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)


# Two pairs that the notes quote from one portal (Europe/London), one in summer and one in winter time.
@pytest.mark.parametrize(
    ("text", "unix", "expected"),
    [
        ("15/05/2020, 04:25:35", "1589513135", "2020-05-15T03:25:35Z"),
        ("24/11/2019, 09:52:37", "1574589157", "2019-11-24T09:52:37Z"),
    ],
)
def test_a_date_is_the_instant_of_its_timestamp(
    evaluate: Evaluate, text: str, unix: str, expected: str
) -> None:
    """A formatted date in the portal's zone is the same instant as its `_timestamp` twin."""
    assert evaluate('$instant(d, "DDMMYYYY", "Europe/London")', {"d": text}) == expected
    assert evaluate("$unixtime(t)", {"t": unix}) == expected


@pytest.mark.parametrize(
    ("text", "order", "zone", "expected"),
    [
        ("06/08/2019", "DDMMYYYY", "UTC", "2019-08-06T00:00:00Z"),
        ("06/08/2019", "MMDDYYYY", "UTC", "2019-06-08T00:00:00Z"),
        ("2019/08/06", "YYYYMMDD", "UTC", "2019-08-06T00:00:00Z"),
        ("2019-08-06 07:08", "YYYYMMDD", "UTC", "2019-08-06T07:08:00Z"),
        ("06/08/2019", "DDMMYYYY", "Asia/Kolkata", "2019-08-05T18:30:00Z"),
        ("31/12/2019, 23:00:00", "DDMMYYYY", "America/New_York", "2020-01-01T04:00:00Z"),
        ("29/02/2020, 00:00:00", "DDMMYYYY", "UTC", "2020-02-29T00:00:00Z"),
        ("23/08/2020, 06:30", "DDMMYYYY", "UTC", "2020-08-23T06:30:00Z"),
    ],
)
def test_instant_reads_every_order(
    text: str, order: str, zone: str, expected: str, evaluate: Evaluate
) -> None:
    """The portal's order and zone decide what a date means; a date alone is midnight there."""
    value = {"d": text, "o": order, "z": zone}
    assert evaluate("$instant(d, o, z)", value) == expected


def test_a_time_that_comes_twice_is_the_first(evaluate: Evaluate) -> None:
    """01:30 on the night that London's clocks go back is taken in summer time."""
    source = '$instant("25/10/2020, 01:30:00", "DDMMYYYY", "Europe/London")'
    assert evaluate(source) == "2020-10-25T00:30:00Z"


def test_a_time_that_never_comes_is_counted_on(evaluate: Evaluate) -> None:
    """01:30 on the night that London's clocks go forward is counted on from winter time."""
    source = '$instant("29/03/2020, 01:30:00", "DDMMYYYY", "Europe/London")'
    assert evaluate(source) == "2020-03-29T01:30:00Z"


@pytest.mark.parametrize(
    "text",
    [
        "30/02/2020",
        "13/13/2020",
        "2020/08/23",
        "23/08/20",
        "23/08-2020",
        "23/08/2020, 25:00:00",
        "23/08/2020, 10:00:60",
        "23/08/2020, 10",
        "23/08/2020, 10:00:00 PM",
        "23 August 2020",
        "1598158501",
        "00/00/0000",
        "٢٣/08/2020",
        "01/01/0001, 00:00:00",
    ],
)
def test_instant_is_undefined_for_what_is_no_such_date(text: str) -> None:
    """A date that does not fit the portal's order is null, never another date."""
    assert instant(text, "DDMMYYYY", "Asia/Tokyo") is None


@pytest.mark.parametrize("odd", NOTHING)
def test_instant_needs_all_three(odd: Any, evaluate: Evaluate) -> None:
    """Without a text, an order or a zone there is no instant, and no error."""
    value = {"odd": odd, "d": "06/08/2019", "o": "DDMMYYYY", "z": "UTC"}
    sources = ["$instant(odd, o, z)", "$instant(d, odd, z)", "$instant(d, o, odd)", "$instant(d, o, none)"]
    assert [evaluate(source, value) for source in sources] == [None] * 4


@pytest.mark.parametrize(
    "zone", ["Nowhere/City", "../etc/passwd", "/etc/passwd", "Europe", "", "\0", "GMT+1:00"]
)
def test_an_unknown_zone_is_none(zone: str) -> None:
    """A zone that the time zone database lacks is no zone, whatever its name would open."""
    assert instant("06/08/2019", "DDMMYYYY", zone) is None


@pytest.mark.parametrize("order", ["YYYYDDMM", "ddmmyyyy", "DD/MM/YYYY"])
def test_an_unknown_order_gives_nothing(order: str) -> None:
    """An order that the notes do not know is not guessed at."""
    assert instant("06/08/2019", order, "UTC") is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1574589157", "2019-11-24T09:52:37Z"),
        (1574589157, "2019-11-24T09:52:37Z"),
        (1574589157.9, "2019-11-24T09:52:37Z"),
        (1, "1970-01-01T00:00:01Z"),
        ("99999999999", "5138-11-16T09:46:39Z"),
        (99999999999, "5138-11-16T09:46:39Z"),
    ],
)
def test_unixtime_is_whole_seconds_in_utc(value: Any, expected: str, evaluate: Evaluate) -> None:
    """Seconds, as text or number, have one form: whole seconds with Z."""
    assert evaluate("$unixtime(t)", {"t": value}) == expected


@pytest.mark.parametrize(
    "value",
    [
        *NOTHING,
        "0",
        0,
        -1,
        "-1",
        0.5,
        "1.5",
        "1e9",
        "0x10",
        " 1",
        "x",
        100000000000,
        "100000000000",
        1574589157000,
    ],
)
def test_unixtime_of_none_is_undefined(value: Any, evaluate: Evaluate) -> None:
    """Zero means none, and neither milliseconds nor words are taken for seconds."""
    assert evaluate('{"x": $unixtime(t)}', {"t": value}) == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0s", 0),
        ("3m 17s", 197),
        ("1m 51s", 111),
        ("2h 3m 4s", 7384),
        ("2h", 7200),
        ("1d 2h", 93600),
        ("5m", 300),
        ("1h 4s", 3604),
        ("2h3m4s", 7384),
        (" 3m 17s ", 197),
        ("00:03:17", 197),
        ("100:00:01", 360001),
    ],
)
def test_seconds_reads_durations(text: str, expected: int, evaluate: Evaluate) -> None:
    """The durations that providers write become whole seconds."""
    assert evaluate("$seconds(d)", {"d": text}) == expected


@pytest.mark.parametrize(
    "value", [*NOTHING, "17", 17, "m", " ", "-1s", "1:2", "00:60:00", "4s 3m", "1.5h", "9" * 41]
)
def test_seconds_of_anything_else_is_undefined(value: Any, evaluate: Evaluate) -> None:
    """What is no duration is null; a bare number has no unit."""
    assert evaluate('{"x": $seconds(d)}', {"d": value}) == {}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('$key("123", "40457")', "123:40457"),
        ("$key(123, 40457)", "123:40457"),
        ('$key("1", "2", "3")', "1:2:3"),
        ('$key("1", "2", null)', "1:2"),
        ('$key("1", "2", "")', "1:2"),
        ('$key("a:b", "c%d")', "a%3Ab:c%25d"),
        ('$key("%3A", "x")', "%253A:x"),
        ('$key("é/ ", "ü")', "é/ :ü"),
    ],
)
def test_key_joins_and_encodes(source: str, expected: str, evaluate: Evaluate) -> None:
    """Parts are joined by a colon; only the colon and the percent sign are encoded."""
    assert evaluate(source) == expected


@pytest.mark.parametrize("odd", NOTHING)
def test_key_needs_its_first_two_parts(odd: Any, evaluate: Evaluate) -> None:
    """An id of which a part is missing is no id."""
    assert evaluate('{"x": $key(odd, "1"), "y": $key("1", odd)}', {"odd": odd}) == {}


@given(st.text(min_size=1), st.text(min_size=1), st.text(min_size=1), st.text(min_size=1))
def test_different_parts_have_different_keys(a: str, b: str, c: str, d: str) -> None:
    """No two pairs share a key."""
    expression = engine.compile("[$key(a, b), $key(c, d)]")
    first, second = expression.evaluate({"a": a, "b": b, "c": c, "d": d})
    assert (first == second) == ((a, b) == (c, d))


@given(JSON, JSON)
def test_helpers_never_fail(first: Any, second: Any) -> None:
    """Whatever helpers are given, they give a value or nothing, and no error."""
    source = '{"i": $instant(a, b, b), "u": $unixtime(a), "s": $seconds(a), "k": $key(a, b)}'
    assert isinstance(engine.compile(source).evaluate({"a": first, "b": second}), dict)


@pytest.mark.parametrize("name", sorted(HELPERS))
def test_helpers_take_no_arguments_as_undefined(name: str, evaluate: Evaluate) -> None:
    """A call without arguments is undefined in both engines."""
    assert evaluate(f'{{"x": ${name}()}}', {}) == {}


@pytest.mark.parametrize(("source", "expected"), [('{"x": $seconds(n)}', {}), ("[$seconds(n)]", [])])
def test_a_callbacks_nothing_is_undefined(source: str, expected: Any, evaluate: Evaluate) -> None:
    """None from a Python function is undefined, not null, in both engines: keys and items vanish."""
    assert evaluate(source, {"n": None}) == expected


def test_a_callback_sees_null_and_undefined_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both engines pass null and undefined arguments to Python as None."""
    seen: list[tuple[Any, ...]] = []
    monkeypatch.setitem(engine._CALLBACKS, "seconds", lambda *parts: seen.append(parts))
    source = '$seconds(null, missing, "x") /* with a function of its own */'
    engine.compile(source).evaluate({})
    engine.reference_evaluate(source, {})
    assert seen == [(None, None, "x"), (None, None, "x")]


def test_helpers_are_described() -> None:
    """Each helper has a signature with its own name, a summary, and one way to run."""
    for name, helper in HELPERS.items():
        assert helper.signature.startswith(f"${name}(")
        assert helper.summary.endswith(".")
        assert (helper.function is None) != (helper.definition is None)


def test_seconds_is_the_registered_function() -> None:
    """The documented function is the one that expressions call."""
    assert HELPERS["seconds"].function is seconds


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("Monday, 14 September 2026, 4:57 PM", "Europe/Madrid", "2026-09-14T14:57:00Z"),
        ("Sunday, 19 January 2020, 3:57 PM", "UTC", "2020-01-19T15:57:00Z"),
        ("1 March 2024, 12:00 AM", "UTC", "2024-03-01T00:00:00Z"),
        ("1 March 2024, 12:30 PM", "UTC", "2024-03-01T12:30:00Z"),
        ("Sunday, 25 October 2026, 1:30 AM", "Europe/London", "2026-10-25T00:30:00Z"),
    ],
)
def test_longdate_reads_dates_in_english_words(
    text: str, zone: str, expected: str, evaluate: Evaluate
) -> None:
    """Day, month by its name and a clock of twelve hours, in the zone; a time that comes twice is the first."""
    assert evaluate("$longdate(d, z)", {"d": text, "z": zone}) == expected


@pytest.mark.parametrize(
    "text",
    [
        "lunes, 14 de septiembre de 2026, 16:57",
        "14 September 2026",
        "14 September 2026, 16:57",
        "14 September 2026, 13:00 PM",
        "14 September 2026, 0:30 AM",
        "31 February 2026, 4:57 PM",
        "14 Sept 2026, 4:57 PM",
        "",
        None,
        1789397820,
    ],
)
def test_longdate_reads_nothing_else(text: Any) -> None:
    """Other words, other clocks and days that do not exist give nothing."""
    assert longdate(text, "UTC") is None


@pytest.mark.parametrize("zone", [None, "", "Europe", "Nowhere/Atall", 1])
def test_longdate_needs_a_zone(zone: Any) -> None:
    """Local time without a zone is no instant."""
    assert longdate("14 September 2026, 4:57 PM", zone) is None
