"""The engine: what it refuses, what it bounds, and that its errors hold no data."""

from __future__ import annotations

import contextlib
import json
import traceback
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings import engine
from mappings.bounds import Bounds
from mappings.engine import ExpressionError

SECRET = "planted-4711"


def failure(source: str, value: object = None, **options: Bounds) -> ExpressionError:
    """The error of compiling or evaluating the expression."""
    with pytest.raises(ExpressionError) as caught:
        engine.compile(source, name="acme/users.jsonata").evaluate(value, **options)
    return caught.value


def test_undefined_and_null_are_none() -> None:
    """A Python caller cannot tell undefined from null, and need not."""
    assert engine.compile("a.b").evaluate({"a": {}}) is None
    assert engine.compile("a").evaluate({"a": None}) is None


def test_json_text_tells_undefined_from_null() -> None:
    """Text to text, undefined is no text and null is `null`."""
    assert engine.compile("a").evaluate_json("{}") is None
    assert engine.compile("a").evaluate_json('{"a": null}') == "null"


def test_json_text_gives_what_objects_give() -> None:
    """The fast way over text gives the same value as the way over objects."""
    expression = engine.compile('{"id": $string(n), "when": $unixtime(t), "s": $seconds(d)}')
    value = {"n": 7, "t": "1574589157", "d": "3m 17s"}
    assert json.loads(expression.evaluate_json(json.dumps(value)) or "") == expression.evaluate(value)


def test_compiling_twice_gives_the_same_expression() -> None:
    """Expressions are compiled once, whoever asks."""
    assert engine.compile("a + 1", name="x") is engine.compile("a + 1", name="x")


def test_an_expression_keeps_its_source_and_name() -> None:
    """What is shown and digested is what was written, not what was added to it."""
    expression = engine.compile("$key(a, b)", name="x")
    assert (expression.source, expression.name) == ("$key(a, b)", "x")


def test_reads_names_the_fields() -> None:
    """The fields an expression reads can be listed without data."""
    assert engine.compile("record.(id & name)").reads() == {"record": {"id": True, "name": True}}


def test_reads_is_false_without_input() -> None:
    """An expression that reads nothing says so."""
    assert engine.compile("1 + 1").reads() is False


@pytest.mark.parametrize("name", ["now", "millis", "random", "shuffle", "eval"])
@pytest.mark.parametrize(
    "source",
    [
        "a.b & ${}()",
        "($clock := ${}; $clock())",
        "$map(a, ${})",
        "a ~> ${}",
        "a / ${}() / 2",
        '"it\\"s" & ${}()',
        "/* comment */ ${}()",
        "a[$contains(b, /[\"']/)].${}()",
        "function(${}) {{ 1 }}(2)",
    ],
)
def test_what_depends_on_more_than_the_input_is_refused(source: str, name: str) -> None:
    """Clock, chance and code from text are refused when the expression is compiled, in any position."""
    with pytest.raises(ExpressionError, match=rf"\${name} is not allowed: ") as caught:
        engine.compile(source.replace("{{", "{").replace("}}", "}").replace("${}", f"${name}"))
    assert caught.value.code == "forbidden"


@pytest.mark.parametrize(
    "source", ['"$now()"', "'$now()'", "`$now`", "/* $now() */ 1", "$contains(a, /$now|\\/$eval/)", "a.now"]
)
def test_the_words_alone_are_not_refused(source: str) -> None:
    """Texts, names, comments and patterns may hold the words."""
    assert engine.compile(source).source == source


def test_a_hidden_clock_is_refused_when_called() -> None:
    """What the scan of the text could be fooled about still gets no clock."""
    hidden = '($b := a and /"/; $now() & "")'
    assert failure(hidden, {"a": True}).code == "forbidden"
    with pytest.raises(ExpressionError):
        engine.reference_evaluate(hidden, {"a": True})


def test_no_date_is_completed_from_the_clock() -> None:
    """`$toMillis` fills the date that a picture lacks: from a fixed day, not from today."""
    assert engine.compile('$toMillis("00:00:01", "[H]:[m]:[s]")').evaluate({}) == 1000


def test_an_unknown_variable_is_refused() -> None:
    """A slip of the pen in a helper's name would be null for ever in plain JSONata."""
    error = failure('{\n  "at": $unixtme(record.t)\n}')
    assert (error.code, error.line, error.column) == ("undefined", 2, 9)
    assert "$unixtme is defined nowhere" in str(error)
    assert "$unixtime(value)" in str(error)


def test_a_syntax_error_says_where() -> None:
    """The message has the expression's name, line, column and JSONata's code."""
    error = failure('{\n  "id": record.\n}')
    assert (error.code, error.line, error.column) == ("S0211", 3, 1)
    assert str(error).startswith("acme/users.jsonata, line 3, column 1: ")


def test_an_expression_cannot_close_what_is_put_around_it() -> None:
    """The helpers' definitions stand around an expression, which must be whole by itself."""
    assert failure("$key(1, 2)) + (3").code.startswith("S")


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("$number(a)", "D3030"),
        ("a + 1", "T2001"),
        ("$uppercase([a])", "T0410"),
        ('$error("no: " & a)', "D3137"),
        ('$assert(false, "no: " & a)', "D3141"),
        ("a > 1", "T2009"),
        ("{$number(1): a}", "T1003"),
        ("$toMillis(a)", "D3110"),
        ("[a..3]", "T2003"),
        ("a()", "T1006"),
        ("$sort([a, 1])", "D3070"),
        ("$fromMillis(1, a & '[')", "D3135"),
        ('$decodeUrl(a & "%")', "D3140"),
    ],
)
def test_errors_hold_no_data(source: str, code: str) -> None:
    """No error has the value it is about, in its text, its context or its traceback."""
    error = failure(source, {"a": SECRET})
    assert error.code == code
    assert SECRET not in "".join(traceback.format_exception(error)) + repr(vars(error))
    assert error.__cause__ is None
    assert error.__context__ is None


def test_reference_errors_hold_no_data() -> None:
    """The same of the reference engine."""
    with pytest.raises(ExpressionError) as caught:
        engine.reference_evaluate("$number(a)", {"a": SECRET})
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__context__ is None


def test_an_error_beside_a_helper_has_the_right_place() -> None:
    """What is put before an expression does not move the line and column of its errors."""
    error = failure('{\n  "id": $key(1, 2),\n  "n": $number(a)\n}', {"a": SECRET})
    assert (error.code, error.line, error.column) == ("D3030", 3, 8)
    assert "in `$number(a)`" in str(error)


@pytest.mark.parametrize("text", ["", "{", '{"a": ' + SECRET, "[" * 200 + "]" * 200])
def test_what_is_no_json_is_an_expression_error(text: str) -> None:
    """A torn or bottomless page is an error of the same kind, without its text."""
    with pytest.raises(ExpressionError) as caught:
        engine.compile("a").evaluate_json(text)
    assert caught.value.code == "input"
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("value", [object(), {"a": {1, 2}}, {1: "a"}])
def test_what_is_no_json_value_is_an_expression_error(value: object) -> None:
    """A Python value that JSON does not know fails as an expression does."""
    assert failure("$", value).code == "U1004"


def test_bottomless_nesting_is_an_expression_error() -> None:
    """Nesting beyond the engine's limit does not end the process."""
    value: list[object] = []
    for _ in range(5000):
        value = [value]
    assert failure("$", value).code == "U1001"


@pytest.mark.parametrize(
    ("source", "bounds", "code"),
    [
        ("($f := function($x) { $f($x) }; $f(1))", Bounds(timeout=0.05, max_steps=10**12), "D1012"),
        ("($f := function($x) { $f($x) }; $f(1))", Bounds(max_steps=10_000), "U1006"),
        ("($f := function($x) { $f($x) + 1 }; $f(1))", Bounds(max_depth=50), "D1011"),
        ("[1..100000]", Bounds(max_array_length=1000), "U1001"),
        ('$pad("a", 100000)', Bounds(max_string_length=1000), "U1001"),
        ("[1..1000]", Bounds(max_result_size=100), "U1001"),
        ('$contains("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", /^(a+)+$/)', Bounds(timeout=0.05), "D1012"),
    ],
)
def test_bounds_end_an_evaluation(source: str, bounds: Bounds, code: str) -> None:
    """Time, steps, depth, texts, lists, results and patterns are bounded, each by its own bound."""
    assert failure(source, {}, bounds=bounds).code == code


@pytest.mark.parametrize(
    "source", ["($f := function($x) { $f($x) + 1 }; $f(1))", "($f := function($x) { $f($x & $x) }; $f('aa'))"]
)
def test_default_bounds_end_what_never_ends(source: str) -> None:
    """An expression without an end is ended without being told to."""
    assert failure(source, {}).code in ("D1011", "U1001", "U1006")


def test_one_expression_serves_many_threads() -> None:
    """A compiled expression with helpers of both kinds gives each thread its own result."""
    expression = engine.compile('{"k": $key(a, b), "s": $seconds(t)}')
    texts = [json.dumps({"a": str(n), "b": "x", "t": f"{n}s"}) for n in range(200)]
    with ThreadPoolExecutor(8) as pool:
        found = [json.loads(text or "") for text in pool.map(expression.evaluate_json, texts)]
    assert found == [{"k": f"{n}:x", "s": n} for n in range(200)]


@given(st.text(alphabet=list("$nowab.()[]{}/\\\"'`*:= \n1,;&|~>?@#%"), max_size=40))
def test_any_text_compiles_or_is_refused(source: str) -> None:
    """Whatever is written, compiling gives an expression or an `ExpressionError`."""
    with contextlib.suppress(ExpressionError):
        assert engine.compile(source).source == source
