"""The JSONata engine: the only module that knows which library evaluates expressions.

jlens runs in production, jsonata-python is the reference that it must agree with (`reference_evaluate`, in
tests). An expression may be a customer's, and the data are learners': every evaluation is bounded, errors
never hold a value of the data, and what would make a result depend on anything but the input (the clock,
chance, text run as code) is refused when the expression is compiled.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any, NoReturn, TypeVar

import jlens

from mappings.bounds import PAGE, RECORD, Bounds
from mappings.functions import HELPERS

_T = TypeVar("_T")

FORBIDDEN = {
    "now": "a mapping may not read the clock",
    "millis": "a mapping may not read the clock",
    "random": "a mapping must give the same result every time",
    "shuffle": "a mapping must give the same result every time",
    "eval": "text may not be run as an expression",
}
"""JSONata's functions that no expression may use, and why."""


class ExpressionError(Exception):
    """An expression that cannot be compiled, or failed on a value.

    The message names the expression, the place in it, what went wrong and the code, never a value of the
    data.
    `code` is JSONata's (`S0201`, `D3030`), jlens' own (`U1001`: a bound was hit) or one of ours:
    `forbidden`, `undefined`, `input`, `helper`. `line` and `column` count from 1; None: unknown.
    """

    def __init__(
        self, name: str, code: str, problem: str, *, line: int | None = None, column: int | None = None
    ) -> None:
        """The error of the expression called `name`."""
        place = f", line {line}, column {column}" if line else ""
        super().__init__(f"{name}{place}: {problem} ({code})")
        self.name, self.code, self.problem = name, code, problem
        self.line, self.column = line, column


@dataclass(frozen=True)
class Place:
    """A part of an expression, from `start` to before `end`, that was written somewhere else: in `name`."""

    start: int
    end: int
    name: str


class Expression:
    """A compiled expression; evaluate it from any thread as often as needed. Made by `compile`."""

    def __init__(self, source: str, name: str, places: tuple[Place, ...], bound: tuple[str, ...]) -> None:
        """Use `compile`, which keeps what it has compiled."""
        self.source = source
        self.name = name
        self._places = places
        self._bound = bound
        self._offset = 0
        self._refuse_forbidden()
        self._compiled = self._compile(source)
        self._refuse_undefined()
        prelude = _prelude(source)
        if prelude:
            self._offset = len(prelude) + 1
            self._compiled = self._compile(f"({prelude}{source}\n)")

    def evaluate(self, value: Any, *, bounds: Bounds = RECORD) -> Any:
        """The expression's value over `value` (what `json.loads` gives); None for undefined and null."""
        return self._guard(lambda: self._compiled.evaluate(value, **_options(bounds)))

    def evaluate_json(self, text: str, *, bounds: Bounds = PAGE) -> str | None:
        """The same with JSON text in and out; None for undefined, `"null"` for null.

        Other Python threads run meanwhile, except while a helper function is called.
        """
        return self._guard(lambda: self._compiled.evaluate_json(text, **_options(bounds)))

    def reads(self) -> dict[str, Any] | bool:
        """The fields of the input that the expression reads, such as `{"record": {"id": True}}`.

        True stands for a value read whole, False for an input that is not read; a list reads as its items do.
        """
        found: dict[str, Any] | bool = self._compiled.reads().get("input", False)
        return found

    def _compile(self, source: str) -> jlens.Expression:
        try:
            compiled = jlens.Expression(source)
        except jlens.JlensError as error:
            # Its message may be shown: it is about the expression alone, no data are here yet.
            raise self._error(error.code, str(error), error.start) from None
        for name, function in _CALLBACKS.items():
            compiled.register_function(name, function)
        return compiled

    def _guard(self, action: Callable[[], _T]) -> _T:
        """What `action` returns. Errors below hold data: they end here, not even the context of ours."""
        try:
            return action()
        except jlens.JlensError as error:
            problem = self._explain(error)
        except _ForbiddenError:
            problem = ExpressionError(self.name, "forbidden", "a function was called that is not allowed")
        except ValueError as error:
            problem = ExpressionError(self.name, "input", _input_problem(error))
        except Exception as error:  # noqa: BLE001  a helper's error, whatever it is, may hold data
            problem = ExpressionError(self.name, "helper", f"a function failed with {type(error).__name__}")
        except BaseException as error:
            if type(error).__name__ != "PanicException":
                raise
            problem = ExpressionError(self.name, "panic", "the engine gave up, out of memory for instance")
        raise problem

    def _explain(self, error: jlens.JlensError) -> ExpressionError:
        problem = _PROBLEMS.get(error.code, "the evaluation failed")
        if error.start is None or error.end is None or error.start < self._offset:
            return self._error(error.code, problem, None)
        start, end = error.start - self._offset, error.end - self._offset
        # Only the expression's own text is quoted: the error's message, token and value hold data.
        part = " ".join(self.source[start:end].split())
        part = part if len(part) <= 40 else part[:37] + "..."
        return self._error(error.code, f"{problem}, in `{part}`", start)

    def _error(self, code: str, problem: str, offset: int | None) -> ExpressionError:
        if offset is None:
            return ExpressionError(self.name, code, problem)
        start, name = self._where(offset)
        before = self.source[start:offset]
        line, column = before.count("\n") + 1, offset - start - before.rfind("\n")
        return ExpressionError(name, code, problem, line=line, column=column)

    def _where(self, offset: int) -> tuple[int, str]:
        """Where the part that holds an offset begins, and its name; the innermost goes before."""
        around = [place for place in self._places if place.start <= offset < place.end]
        inner = min(around, key=lambda place: place.end - place.start, default=None)
        return (inner.start, inner.name) if inner else (0, self.name)

    def _refuse_forbidden(self) -> None:
        for name, offset in _variables(self.source):
            if name in FORBIDDEN:
                raise self._error("forbidden", f"${name} is not allowed: {FORBIDDEN[name]}", offset)

    def _refuse_undefined(self) -> None:
        """Refuses unknown variables: JSONata takes them as undefined, and a slip would be null for ever."""
        unknown = self._compiled.reads()["bindings"].keys() - HELPERS.keys() - set(self._bound)
        known = ", ".join(helper.signature for helper in HELPERS.values())
        for name, offset in _variables(self.source):
            if name in unknown:
                problem = f"${name} is defined nowhere; beside JSONata's own functions there are {known}"
                raise self._error("undefined", problem, offset)


@lru_cache(maxsize=4096)
def compile(
    source: str,
    *,
    name: str = "expression",
    places: tuple[Place, ...] = (),
    bound: tuple[str, ...] = (),
) -> Expression:
    """The compiled expression; `name` (a file, a key of a manifest) stands in its errors.

    `places` name parts that were written elsewhere, whose errors count lines from there; `bound` are variables that
    will be defined around the expression. Raises `ExpressionError` for a syntax error, a forbidden function and a
    variable that is defined nowhere.
    """
    return Expression(source, name, places, bound)


def tokens(source: str) -> Iterator[tuple[str, str, int]]:
    """The tokens of an expression, white space and comments left out: kind, text, offset.

    The kinds are `variable`, `operand` (a text, a name, a number, a closing bracket), `regex`, `slash` and `other`.
    """
    position, after_operand = 0, False
    while token := _TOKEN.match(source, position):
        kind = token.lastgroup or "other"
        if kind == "slash" and not after_operand:  # where a value is expected, a slash begins a regex
            token = _REGEX.match(source, position) or token
            kind = "regex" if token.re is _REGEX else kind
        if kind != "space":
            yield kind, token.group(), position
            after_operand = kind in ("variable", "operand", "regex")
        position = token.end()


def variables(source: str) -> frozenset[str]:
    """The variables that stand in an expression, without the `$`."""
    return frozenset(name for name, _ in _variables(source))


def reference_evaluate(source: str, value: Any) -> Any:
    """The value of the expression as jsonata-python has it, with the same helpers: for tests.

    Slow and without bounds. Raises `ExpressionError`, without a place.
    """
    jsonata = import_module("jsonata")
    try:
        expression = jsonata.Jsonata(f"({_prelude(source)}{source}\n)")
        for name, function in _CALLBACKS.items():
            expression.register_lambda(name, _without_null(function, jsonata.Utils.NULL_VALUE))
        return _plain(expression.evaluate(value))
    except Exception as error:  # noqa: BLE001  jsonata-python raises ValueError, TypeError and others
        code = str(getattr(error, "error", type(error).__name__))
    raise ExpressionError("reference", code, _PROBLEMS.get(code, "the evaluation failed"))


def _without_null(function: Callable[..., Any], null: Any) -> Callable[..., Any]:
    """The function with None for jsonata-python's null, as jlens passes it."""
    return lambda *values: function(*(None if value is null else value for value in values))


def _plain(value: Any) -> Any:
    """jsonata-python's sequences as lists."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _options(bounds: Bounds) -> dict[str, Any]:
    # now, seed: what could still ask for them ($toMillis with a picture without a date) gets the same always.
    return {**vars(bounds), "now": 0, "seed": 0}


def _prelude(source: str) -> str:
    """The definitions of the helpers that the expression uses, as far as they are JSONata."""
    used = {name for name, _ in _variables(source)}
    return "".join(f"${n} := {h.definition};" for n, h in HELPERS.items() if h.definition and n in used)


class _ForbiddenError(Exception):
    """A forbidden function was called although `_variables` did not see it."""


def _refuse(*_: Any) -> NoReturn:
    raise _ForbiddenError


_CALLBACKS: dict[str, Callable[..., Any]] = {
    **{name: helper.function for name, helper in HELPERS.items() if helper.function},
    **dict.fromkeys(FORBIDDEN, _refuse),
}


def _input_problem(error: ValueError) -> str:
    place = re.search(r"at line \d+ column \d+$", str(error))
    return f"the input is not valid JSON{' ' + place.group() if place else ''}, or nested too deeply"


_TOKEN = re.compile(
    r"""(?P<space>\s+|/\*.*?\*/)
      | (?P<variable>\$[^\s.\[\]{}(),@\#;:?+\-*/%|=<>^&!~"'`]*)
      | (?P<operand>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`|[^\W]+|[)\]}])
      | (?P<slash>/)
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_REGEX = re.compile(r"/(?:\\.|[^/\\])*/\w*", re.DOTALL)


def _variables(source: str) -> Iterator[tuple[str, int]]:
    """Every variable of an expression as (name without `$`, offset), not in texts, comments and regexes."""
    return ((text[1:], offset) for kind, text, offset in tokens(source) if kind == "variable")


_PROBLEMS = {
    "D1001": "a number is out of range",
    "D1002": "something that is no number was negated",
    "D1004": "a regular expression matches the empty text",
    "D1009": "an object was given the same key twice",
    "D1011": "functions called each other too deeply",
    "D1012": "the time allowed is over",
    "D2014": "a range is too long",
    "D3001": "a number without a value was made text",
    "D3010": "an empty text cannot be replaced",
    "D3012": "a replacement is no text",
    "D3030": "a value that is no number was made one",
    "D3060": "the square root of a negative number was taken",
    "D3061": "a power is out of range",
    "D3070": "a list to be sorted holds neither numbers only nor texts only",
    "D3110": "a text that is no ISO 8601 timestamp was read as one",
    "D3136": "a date lacks what its picture asks for",
    "D3137": "the expression raised an error of its own",
    "D3138": "more than one value was found where one was asked for",
    "D3139": "no value was found where one was asked for",
    "D3141": "an assertion of the expression does not hold",
    "T0410": "a function was given an argument of the wrong type",
    "T0411": "a function was called on a value of the wrong type",
    "T0412": "a function was given a list with items of the wrong type",
    "T1003": "a key of an object is no text",
    "T1005": "something that is no function was called",
    "T1006": "something that is no function was called",
    "T1007": "something that is no function was called in part",
    "T1008": "something that is no function was called in part",
    "T2001": "the left side of an operator is no number",
    "T2002": "the right side of an operator is no number",
    "T2003": "the start of a range is no whole number",
    "T2004": "the end of a range is no whole number",
    "T2006": "the right side of ~> is no function",
    "T2007": "values of different types cannot be put in order",
    "T2008": "values to be put in order are neither numbers nor texts",
    "T2009": "values of different types were compared",
    "T2010": "values that are neither numbers nor texts were compared",
    "T2011": "what updates an object is no object",
    "T2012": "what is to be deleted is named by no text",
    "U1001": "a text, a list, the result or the nesting of a value is larger than allowed",
    "U1004": "the input is no JSON value",
    "U1006": "the number of steps allowed is exceeded",
}
"""What the codes mean, in words that hold no value. Codes: docs.jsonata.org, jsonata.js `src/jsonata.js`."""
