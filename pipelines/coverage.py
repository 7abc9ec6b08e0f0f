"""Which fields of the unified model a mapping can fill, read off the mapping's own text.

A mapping's value is one object. Its keys stand in the expression as object constructors, reached through blocks,
conditions, variables, paths and `$merge`; a key whose value can only be null is not filled. What cannot be followed,
such as an object that a function of the mapping computes, is taken to fill every field, and makes the result a guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mappings.model import Kind, Resource

_TOKEN = re.compile(
    r"""(?P<space>\s+|/\*.*?\*/)
      | (?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
      | (?P<word>\$?[\w$]+|`[^`]*`|\$)
      | (?P<operator>:=|~>|\?\?|\?:|!=|<=|>=|\*\*|\.\.)
      | (?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)
_REGEX = re.compile(r"/(?:\\.|[^/\\])+/\w*", re.DOTALL)
_PAIRS = {"(": ")", "[": "]", "{": "}"}
_OPERATORS = frozenset(["and", "or", "in", "=", "!=", "<", "<=", ">", ">=", "&", "+", "-", "*", "/", "%"])
"""What makes a scalar of its operands."""


@dataclass(frozen=True)
class _Group:
    """What stands between a pair of brackets."""

    bracket: str
    items: tuple[_Node, ...]


_Node = str | _Group
_Nodes = Sequence[_Node]


@dataclass(frozen=True)
class _Result:
    """What an expression can give: nothing but null, the keys of objects, or a value of which no more is known."""

    known: Mapping[str, _Result] = field(default_factory=dict)
    is_object: bool = False
    opaque: bool = False

    @property
    def filled(self) -> bool:
        """Whether it can be anything but null."""
        return self.is_object or self.opaque


_NULL = _Result()
_OPAQUE = _Result(opaque=True)


@dataclass(frozen=True)
class Coverage:
    """The paths of a resource that a mapping can fill, in the model's order; `exact` says whether all was followed."""

    paths: tuple[str, ...]
    exact: bool

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that it can fill, a ref counting once however many of its properties are there."""
        return tuple(dict.fromkeys(path.split(".")[0] for path in self.paths))


def coverage(resource: Resource, source: str) -> Coverage:
    """What the mapping with this text can fill of a resource."""
    result = _Analysis().of(_parse(source), {})
    paths = tuple(_filled(resource, result))
    return Coverage(paths, exact=result.is_object and not result.opaque)


def _filled(resource: Resource, result: _Result) -> Iterator[str]:
    for one in resource.fields:
        found = _OPAQUE if result.opaque else result.known.get(one.name, _NULL)
        if one.kind is not Kind.REF:
            yield from [one.name] if found.filled else []
            continue
        for sub in one.fields:
            if found.opaque or found.known.get(sub.name, _NULL).filled:
                yield f"{one.name}.{sub.name}"


class _Analysis:
    """Follows an expression to what it can give. Variables are looked up where they were bound last."""

    def of(self, nodes: _Nodes, scope: Mapping[str, _Result]) -> _Result:
        """What a sequence of nodes gives: a condition, an operation, or a path."""
        question = _index(nodes, "?")
        if question is not None:
            colon = _matching_colon(nodes, question)
            return _either(self.of(nodes[question + 1 : colon], scope), self.of(nodes[colon + 1 :], scope))
        for word in ("??", "?:"):
            if (place := _index(nodes, word)) is not None:
                return _either(self.of(nodes[:place], scope), self.of(nodes[place + 1 :], scope))
        if any(node in _OPERATORS for node in nodes[1:] if isinstance(node, str)) or "~>" in nodes:
            return _OPAQUE
        return self._path(nodes, scope)

    def _path(self, nodes: _Nodes, scope: Mapping[str, _Result]) -> _Result:
        steps = _split(nodes, ".")
        return self._step(steps[-1], scope, first=len(steps) == 1) if nodes else _NULL

    def _step(self, step: _Nodes, scope: Mapping[str, _Result], *, first: bool) -> _Result:
        """The last step of a path: the path's value is a list of what this gives, or one of them."""
        if not step:
            return _OPAQUE
        head, *rest = step
        if isinstance(head, _Group):
            return self._constructed(head, scope, first=first) if _only_predicates(rest) else _OPAQUE
        if head == "null" and not rest:
            return _NULL
        if rest and isinstance(rest[0], _Group) and rest[0].bracket == "(":
            return self._call(head, rest[0], scope) if _only_predicates(rest[1:]) else _OPAQUE
        return scope.get(head, _OPAQUE) if head.startswith("$") and _only_predicates(rest) else _OPAQUE

    def _constructed(self, group: _Group, scope: Mapping[str, _Result], *, first: bool) -> _Result:
        if group.bracket == "{":
            return self._object(group, scope)
        if group.bracket == "(":
            return self._block(group, scope)
        return self._any_of(_split(group.items, ","), scope) if first else _OPAQUE

    def _object(self, group: _Group, scope: Mapping[str, _Result]) -> _Result:
        known: dict[str, _Result] = {}
        for entry in _split(group.items, ","):
            key = entry[0] if entry else ""
            if isinstance(key, str) and key[:1] in "\"'" and len(entry) > 1 and entry[1] == ":":
                known[key[1:-1]] = self.of(entry[2:], scope)
            elif entry:  # a key that is computed: which one is not known
                return _Result(known, is_object=True, opaque=True)
        return _Result(known, is_object=True)

    def _block(self, group: _Group, scope: Mapping[str, _Result]) -> _Result:
        inner, result = dict(scope), _NULL
        for statement in _split(group.items, ";"):
            if len(statement) > 1 and statement[1] == ":=" and isinstance(statement[0], str):
                inner[statement[0]] = self.of(statement[2:], inner)
            elif statement:
                result = self.of(statement, inner)
        return result

    def _call(self, name: str, arguments: _Group, scope: Mapping[str, _Result]) -> _Result:
        if name != "$merge":
            return _OPAQUE
        parts = _split(arguments.items, ",")
        merged = [self._members(part, scope) for part in parts]
        return _combine([result for members in merged for result in members])

    def _members(self, nodes: _Nodes, scope: Mapping[str, _Result]) -> list[_Result]:
        if len(nodes) == 1 and isinstance(nodes[0], _Group) and nodes[0].bracket == "[":
            return [self.of(item, scope) for item in _split(nodes[0].items, ",")]
        return [self.of(nodes, scope)]

    def _any_of(self, items: Iterable[_Nodes], scope: Mapping[str, _Result]) -> _Result:
        results = [self.of(item, scope) for item in items if item]
        return _combine(results) if results else _OPAQUE


def _either(one: _Result, other: _Result) -> _Result:
    return _combine([one, other])


def _combine(results: Sequence[_Result]) -> _Result:
    """What one or another of the results gives."""
    names = dict.fromkeys(name for result in results for name in result.known)
    known = {name: _combine([r.known[name] for r in results if name in r.known]) for name in names}
    return _Result(known, any(r.is_object for r in results), any(r.opaque for r in results))


def _only_predicates(nodes: _Nodes) -> bool:
    return all(isinstance(node, _Group) and node.bracket == "[" for node in nodes)


def _index(nodes: _Nodes, word: str) -> int | None:
    return next((place for place, node in enumerate(nodes) if node == word), None)


def _matching_colon(nodes: _Nodes, question: int) -> int:
    """Where the other branch of a condition begins; the end where there is none."""
    depth = 0
    for place in range(question + 1, len(nodes)):
        depth += (nodes[place] == "?") - (nodes[place] == ":")
        if depth < 0:
            return place
    return len(nodes)


def _split(nodes: _Nodes, sign: str) -> list[_Nodes]:
    parts: list[list[_Node]] = [[]]
    for node in nodes:
        if node == sign:
            parts.append([])
        else:
            parts[-1].append(node)
    return [*parts]


def _parse(source: str) -> _Nodes:
    """The tokens of an expression, what stands in brackets grouped. The expression has been compiled before."""
    stack: list[tuple[str, list[_Node]]] = [("", [])]
    for piece in _tokens(source):
        if piece in _PAIRS:
            stack.append((piece, []))
        elif len(stack) > 1 and piece == _PAIRS[stack[-1][0]]:
            bracket, items = stack.pop()
            stack[-1][1].append(_Group(bracket, tuple(items)))
        else:
            stack[-1][1].append(piece)
    return stack[0][1]


def _tokens(source: str) -> Iterator[str]:
    position, operand = 0, False
    while match := _TOKEN.match(source, position):
        # Where a value is expected, a slash begins a regular expression.
        regex = None if match["sign"] != "/" or operand else _REGEX.match(source, position)
        found = regex or match
        position = found.end()
        if regex:
            operand = True
            yield '""'
        elif not match["space"]:
            operand = bool(match["text"] or match["word"]) or found.group() in ")]}"
            yield found.group()
