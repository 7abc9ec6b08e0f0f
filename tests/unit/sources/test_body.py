"""What a body becomes: untouched where it can be, without secrets, with every digit."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.unified_lms.body import BodyReader, TornBody

READER = BodyReader(["login_key", "token"])


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1.10, "b": [ 1e5 , null],"c":"\\u00e9\\/"}',
        "[]",
        "5",
        '"a"',
        "null",
        '[{"id": 123456789012345}]',
    ],
)
def test_what_needs_no_change_is_not_touched(text: str) -> None:
    """Spaces, escapes and the spelling of numbers stay as the provider wrote them."""
    assert READER.read(text.encode()) == text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('{"token": 1, "a": 2}', {"a": 2}),
        ('{"a": {"b": [{"token": {"c": 1}}, 3]}}', {"a": {"b": [{}, 3]}}),
        ('{"\\u0074oken": 1}', {}),
        ('{"TOKEN": 1, "token_id": 2, "a": "token"}', {"TOKEN": 1, "token_id": 2, "a": "token"}),
        ('{"token": 1, "token": 2, "a": 21070000000000079}', {"a": "21070000000000079"}),
    ],
)
def test_secrets_are_cut(text: str, kept: object) -> None:
    """By their exact name, at any depth, however the name is escaped; values and other names stay."""
    assert json.loads(READER.read(text.encode())) == kept


def test_secrets_are_cut_however_deep() -> None:
    """Depth is no hiding place and no way to break the reader."""
    text = '{"a":' * 150 + '{"token":1}' + "}" * 150
    assert "token" not in READER.read(text.encode())


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("[1234567890123456]", '["1234567890123456"]'),
        ("[-1234567890123456]", '["-1234567890123456"]'),
        ("1234567890123456", '"1234567890123456"'),
        ('{"id":21070000000000079,"n":1}', '{"id":"21070000000000079","n":1}'),
        (
            '{"id": 21070000000000079 , "s": "21070000000000079"}',
            '{"id": "21070000000000079" , "s": "21070000000000079"}',
        ),
        ('["a\\", 21070000000000079, b"]', '["a\\", 21070000000000079, b"]'),
        ("[0.12345678901234567]", "[0.12345678901234567]"),
        ("[12345678901234567.5]", "[12345678901234567.5]"),
        ("[12345678901234567e2]", "[12345678901234567e2]"),
        ("[123456789012345]", "[123456789012345]"),
    ],
)
def test_long_integers_become_text(text: str, kept: str) -> None:
    """Integers of more than 15 digits, outside of texts; decimals and exponents stay numbers."""
    assert BodyReader().read(text.encode()) == kept


@given(
    st.lists(
        st.integers(min_value=-(10**25), max_value=10**25)
        | st.text()
        | st.floats(allow_nan=False, allow_infinity=False)
    )
)
def test_no_digit_is_ever_lost(values: list[object]) -> None:
    """Whatever a list holds, reading it back gives the same values, long integers as text."""
    read = json.loads(BodyReader().read(json.dumps(values).encode()))
    assert read == [str(v) if isinstance(v, int) and len(str(abs(v))) > 15 else v for v in values]


@pytest.mark.parametrize(
    "content",
    [b"[1, 2", b'{"a": 1}}', b'{"a": 1,}', b"<html>", b"[NaN]", b"[01]", b'["a', b"[1] [2]", b'{"token": '],
)
def test_torn_bodies_are_found(content: bytes) -> None:
    """What is not one whole JSON document is refused, in words that hold none of it."""
    with pytest.raises(TornBody, match=r"^the body of \d+ characters is not whole JSON$") as raised:
        READER.read(content)
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None


@pytest.mark.parametrize("content", [b"", b"  \n", b"\xef\xbb\xbf"])
def test_nothing_is_null(content: bytes) -> None:
    """A body without anything is JSON's null."""
    assert READER.read(content) == "null"


def test_a_byte_order_mark_is_dropped() -> None:
    """Some servers begin UTF-8 with one (RFC 8259 lets a reader ignore it)."""
    assert READER.read(b"\xef\xbb\xbf[1]") == "[1]"


@pytest.mark.parametrize("secret", [b"", b', "token": 1'])
def test_half_a_surrogate_costs_one_character(secret: bytes) -> None:
    """A text that was cut in the middle of an emoji does not make a page unreadable for ever."""
    read = json.loads(READER.read(b'[{"a": "x\\ud83d"' + secret + b"}]"))
    assert read == [{"a": "x�"}]


def test_a_broken_character_costs_one_character() -> None:
    """Neither do bytes that are no UTF-8."""
    assert json.loads(READER.read(b'["a\xff"]')) == ["a�"]
