"""The JSONata that mappings are written in: what its documentation says of it, on both engines.

Cases of our own, with results from docs.jsonata.org; every function that a shipped mapping or manifest calls has one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import mappings
from mappings import engine
from mappings.functions import HELPERS
from sources.unified_lms.manifest import SHIPPED

Evaluate = Callable[..., Any]
INPUT = {
    "n": 7,
    "text": "  Ann  Lee ",
    "word": "abc",
    "zero": 0,
    "empty": "",
    "none": None,
    "list": [3, 1, 2],
    "one": [5],
    "people": [{"name": "B", "age": 30}, {"name": "A", "age": 20}, {"name": "C"}],
    "nested": [{"tags": [{"t": 1}, {"t": 2}]}, {"tags": [{"t": 3}]}],
    "object": {"a": 1, "b": None},
}
FUNCTIONS: list[tuple[str, Any]] = [
    ("$string(n)", "7"),
    ("$string(word)", "abc"),
    ("$string(list)", "[3,1,2]"),
    ("$string(true)", "true"),
    ("$substring(word, 1)", "bc"),
    ("$substring(word, 0, 2)", "ab"),
    ("$substring(word, -2)", "bc"),
    ('$substringBefore("2024-01-02", "-")', "2024"),
    ('$substringBefore(word, "x")', "abc"),
    ('$substringAfter("2024-01-02", "-")', "01-02"),
    ('$substringAfter(word, "x")', "abc"),
    ("$lowercase('ÀB')", "àb"),
    ("$uppercase(word)", "ABC"),
    ("$length(word)", 3),
    ("$trim(text)", "Ann Lee"),
    ("$pad(word, 5, '#')", "abc##"),
    ("$pad(word, -5, '#')", "##abc"),
    ("$contains(word, 'bc')", True),
    ("$contains(word, /B/i)", True),
    ("$contains(word, /^b/)", False),
    ('$split("a, b,c", ",")', ["a", " b", "c"]),
    ('$split("a1b22c", /[0-9]+/)', ["a", "b", "c"]),
    ("$join(['a', 'b'], '-')", "a-b"),
    ("$join('a', '-')", "a"),
    ('$match("ab12", /[a-z]([0-9])/).groups', ["1"]),
    ("$replace('a.b.c', '.', '-')", "a-b-c"),
    ("$replace('John Smith', /(\\w+)\\s(\\w+)/, '$2, $1')", "Smith, John"),
    ("$number('2.5')", 2.5),
    ("$number(true)", 1),
    ("$abs(-3)", 3),
    ("$floor(-2.5)", -3),
    ("$ceil(2.1)", 3),
    ("$round(2.5)", 2),
    ("$round(3.5)", 4),
    ("$round(123.456, 2)", 123.46),
    ("$power(2, 10)", 1024),
    ("$sum(list)", 6),
    ("$max(list)", 3),
    ("$min(list)", 1),
    ("$average(list)", 2),
    ("$boolean(empty)", False),
    ("$boolean(zero)", False),
    ("$boolean([0])", False),
    ("$boolean({})", False),
    ("$boolean('0')", True),
    ("$not(none)", True),
    ("$exists(none)", True),
    ("$exists(missing)", False),
    ("$count(list)", 3),
    ("$count(word)", 1),
    ("$count(missing)", 0),
    ("$append(list, one)", [3, 1, 2, 5]),
    ("$append(missing, 1)", 1),
    ("$sort(list)", [1, 2, 3]),
    ("$sort(people, function($l, $r) { $l.name > $r.name }).name", ["A", "B", "C"]),
    ("$reverse(list)", [2, 1, 3]),
    ("$distinct([1, 2, 1])", [1, 2]),
    ("$zip([1, 2], ['a', 'b'])", [[1, "a"], [2, "b"]]),
    ("$keys(object)", ["a", "b"]),
    ("$keys(people)", ["name", "age"]),
    ("$lookup(object, 'a')", 1),
    ("$lookup(object, 'c')", None),
    ("$lookup(people, 'name')", ["B", "A", "C"]),
    ("$spread(object)", [{"a": 1}, {"b": None}]),
    ("$merge([object, {'a': 2, 'c': 3}])", {"a": 2, "b": None, "c": 3}),
    ("$sift(object, function($v, $k) { $k = 'a' })", {"a": 1}),
    ("$each(object, function($v, $k) { $k })", ["a", "b"]),
    ("$type(none)", "null"),
    ("$type(list)", "array"),
    ("$type(object)", "object"),
    ("$type(missing)", None),
    ("$map(list, function($v, $i) { $v * 10 + $i })", [30, 11, 22]),
    ("$map(one, function($v) { $v })", 5),
    ("$filter(list, function($v) { $v > 1 })", [3, 2]),
    ("$single(people, function($p) { $p.age = 20 }).name", "A"),
    ("$reduce(list, function($a, $b) { $a + $b }, 10)", 16),
    ("$fromMillis(1510067557121)", "2017-11-07T15:12:37.121Z"),
    ("$fromMillis(1510067557121, '[M01]/[D01]/[Y0001] [h#1]:[m01][P]')", "11/07/2017 3:12pm"),
    ("$toMillis('2017-11-07T15:12:37.121Z')", 1510067557121),
    ("$toMillis('07/11/2017', '[D01]/[M01]/[Y0001]')", 1510012800000),
    ("$formatNumber(1234.5, '#,##0.00')", "1,234.50"),
    ("$formatBase(255, 16)", "ff"),
    ("$encodeUrlComponent('a b')", "a%20b"),
    ("$decodeUrlComponent('a%20b')", "a b"),
    ("$base64encode('abc')", "YWJj"),
    ("$base64decode('YWJj')", "abc"),
]
OPERATORS: list[tuple[str, Any]] = [
    ("people.name", ["B", "A", "C"]),
    ("people.age", [30, 20]),
    ("nested.tags.t", [1, 2, 3]),
    ("people[0].name", "B"),
    ("people[-1].name", "C"),
    ("people[age > 25].name", "B"),
    ("people[name = 'A'].age", 20),
    ("people.name[0]", ["B", "A", "C"]),
    ("(people.name)[0]", "B"),
    ("one", [5]),
    ("one[]", [5]),
    ("people[name = 'A'].name[]", ["A"]),
    ("[missing]", []),
    ("[word, none]", ["abc", None]),
    ("[1..3]", [1, 2, 3]),
    ("**.t", [1, 2, 3]),
    ("object.*", [1, None]),
    ("n + 1 - 2 * 3 / 2", 5),
    ("n % 4", 3),
    ("-n", -7),
    ("n = 7 and n != 8 and n < 8 and n <= 7 and n > 6 and n >= 7", True),
    ("n = '7'", False),
    ("missing = missing", False),
    ("none = null", True),
    ("'b' in ['a', 'b']", True),
    ("n in 7", True),
    ("missing in ['a']", False),
    ("word & 1 & true & missing", "abc1true"),
    ("n > 5 ? 'big' : 'small'", "big"),
    ("missing ? 1", None),
    ("missing ?? 5", 5),
    ("none ?? 5", None),
    ("zero ?: 5", 5),
    ("people^(age).name", ["A", "B", "C"]),
    ("people^(>name).name", ["C", "B", "A"]),
    ("people{name: age}", {"B": 30, "A": 20}),
    ("{'a': missing, 'b': null}", {"b": None}),
    ("($x := 1; ($x := 2; $x) + $x)", 3),
    ("(function($a, $b) { $a & ($exists($b) ? $b : '-') })('x')", "x-"),
    ("word ~> $uppercase() ~> $substring(0, 1)", "A"),
    ("object ~> |$|{'c': 3}, ['a']|", {"b": None, "c": 3}),
    ("people#$i[name = 'A'].$i", 1),
    ("`word`", "abc"),
    ('object."a"', 1),
    ("/* nothing */ 1", 1),
]


@pytest.mark.parametrize(("source", "expected"), [*FUNCTIONS, *OPERATORS], ids=lambda one: str(one)[:60])
def test_a_function_or_operator_does_what_is_documented(
    evaluate: Evaluate, source: str, expected: Any
) -> None:
    """Both engines give what docs.jsonata.org says."""
    assert evaluate(source, INPUT) == expected


def _expressions() -> Iterator[str]:
    """Every shipped mapping, and every text of the manifests that is an expression or looks like one."""
    for file in Path(next(iter(mappings.__path__))).glob("*/*.jsonata"):
        yield file.read_text("utf-8")
    for file in SHIPPED.glob("*.yaml"):
        yield from _texts(yaml.safe_load(file.read_text("utf-8")))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def test_every_function_that_is_shipped_in_use_has_a_case() -> None:
    """A mapping that takes up another function brings a case for it."""
    shown = {name for source, _ in FUNCTIONS for name in engine.variables(source)}
    called = set()
    for text in _expressions():
        bound = set(re.findall(r"\$(\w+)\s*:=", text)) | set(HELPERS)
        bound |= {
            name
            for found in re.findall(r"function\(([^)]*)\)", text)
            for name in re.findall(r"\$(\w+)", found)
        }
        called |= set(re.findall(r"\$(\w+)\(", text)) - bound
    assert called <= shown
