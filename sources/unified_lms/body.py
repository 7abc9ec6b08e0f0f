"""What an answer's body goes through before anything else sees it: secrets out, long integers kept, torn ones found.

Nearly every body needs no change, and that is found out first by searches that cost microseconds. Whether it is whole
is checked by the expression engine, which parses it outside of the interpreter's lock.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Sequence
from typing import Any, NoReturn

import orjson

from mappings import engine

_LONGEST = 15
"""Digits that a double surely keeps (2^53 has 16), and with it every JSON library."""
_DIGITS_TO_ZERO = bytes(0x30 if 0x30 <= byte <= 0x39 else 0x20 for byte in range(256))
_RUN = b"0" * (_LONGEST + 1)
_BEFORE, _AFTER = frozenset(b"[,:- \t\r\n"), frozenset(b"],} \t\r\n")
_STRING_OR_NUMBER = re.compile(r'"(?:[^"\\]++|\\.)*+"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?', re.DOTALL)
_ESCAPED_ASCII = re.compile(rb"\\u00[2-7]")
_WHOLE = engine.compile("true", name="whole JSON")


class TornBody(Exception):
    """The body is no whole JSON document. The message holds none of it."""


class BodyReader:
    """Makes texts of bodies, without the fields that a manifest calls secret. Thread-safe."""

    def __init__(self, secrets: Sequence[str] = ()) -> None:
        self._secrets = frozenset(secrets)
        self._names = [secret.encode() for secret in secrets]

    def read(self, content: bytes) -> str:
        """The JSON text of a body: no secret fields, integers of more than 15 digits as strings; `null` for nothing.

        Raises `TornBody`.
        """
        content = content.removeprefix(codecs.BOM_UTF8)
        if not content or content.isspace():
            return "null"
        text = keep_integers(content.decode("utf-8", "replace"), content)
        if self._may_hold_secrets(content):
            return self._without_secrets(text)
        return text if _is_whole(text) and not _half_pairs(content) else _repaired(text)

    def _may_hold_secrets(self, content: bytes) -> bool:
        """Whether a secret's name stands there, or ASCII is escaped, behind which one could hide."""
        if not self._names:
            return False
        if any(name in content for name in self._names):
            return True
        return _has_escapes(content) and _ESCAPED_ASCII.search(content) is not None

    def _without_secrets(self, text: str) -> str:
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError:
            value = None
        if value is None:
            value = json.loads(_repaired(text))
        cut(value, self._secrets)
        return orjson.dumps(value).decode()


def cut(value: Any, names: frozenset[str]) -> None:
    """Takes the keys in `names` out of every object in `value`, at any depth, in place."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            for name in names & item.keys():
                del item[name]
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)


def keep_integers(text: str, content: bytes) -> str:
    """`text` with integers of more than 15 digits as strings; decimals, exponents and strings stay as they are.

    `content` is the same as bytes, in which a run of digits is found faster.
    """
    if not _may_hold_long_integers(content):
        return text
    return _STRING_OR_NUMBER.sub(_quoted, text)


def _may_hold_long_integers(content: bytes) -> bool:
    """Whether a long run of digits stands where a whole number may; a text that looks so is sorted out later."""
    digits = content.translate(_DIGITS_TO_ZERO)
    start = digits.find(_RUN)
    while start >= 0:
        end = digits.find(b" ", start)
        end = len(digits) if end < 0 else end
        if (start == 0 or content[start - 1] in _BEFORE) and (end == len(content) or content[end] in _AFTER):
            return True
        start = digits.find(_RUN, end)
    return False


def _quoted(match: re.Match[str]) -> str:
    token = match.group()
    digits = token.removeprefix("-")
    return f'"{token}"' if len(digits) > _LONGEST and digits.isdigit() else token


def _is_whole(text: str) -> bool:
    try:
        return _WHOLE.evaluate_json(text) is not None
    except engine.ExpressionError:
        return False


def _has_escapes(content: bytes) -> bool:
    """Whether any character is escaped by its number. Most bodies have no backslash, and one byte is found fastest."""
    return b"\\" in content and b"\\u" in content


def _half_pairs(content: bytes) -> bool:
    """Whether half of an escaped surrogate pair stands somewhere, which the engine only minds once it is read."""
    if not _has_escapes(content) or (b"\\ud" not in content and b"\\uD" not in content):
        return False
    try:
        orjson.loads(content)
    except orjson.JSONDecodeError:
        return True
    return False


def _repaired(text: str) -> str:
    """A document whose only fault is half of a surrogate pair, which then reads U+FFFD; `TornBody` for any other."""
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        value = TornBody
    if value is TornBody:  # raised here and not above: the cause would hold the body
        raise TornBody(f"the body of {len(text)} characters is not whole JSON")
    whole = json.dumps(value, ensure_ascii=False)
    return whole.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError
