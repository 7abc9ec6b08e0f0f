"""The helper functions that every expression may call beside JSONata's own.

They are few, pure and total: a value that does not fit gives nothing (undefined) instead of an error, so that
one odd value costs one field and not the record. Undefined and null count alike, and an undefined result
leaves its key out of an object, which the model reads as null.

What JSONata can say is JSONata, put before the expressions that use it: a Python callback waits for the
interpreter's lock in the midst of an evaluation that runs outside of it. Measured with jlens 0.25, in
microseconds a record on one thread and on two: `$unixtime` 5.0 and 2.7 in JSONata, 4.7 and 6.9 in Python;
`$key` 4.1 and 2.3 against 3.2 and 3.5. `$instant` and `$seconds` are Python: JSONata knows no time zones,
and a provider that sends timestamps and numbers needs neither.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

_ORDERS = {"DDMMYYYY": "dmy", "MMDDYYYY": "mdy", "YYYYMMDD": "ymd"}
_DATE = r"(\d{1,4})([/.-])(\d{1,2})\2(\d{1,4})"
_LOCAL = re.compile(_DATE + r"(?:(?:, ?| |T)(\d{1,2}):(\d\d)(?::(\d\d))?)?", re.ASCII)
_LONG = re.compile(r"(?:[A-Z][a-z]+, )?(\d{1,2}) ([A-Z][a-z]+) (\d{4}), (\d{1,2}):(\d\d) (AM|PM)", re.ASCII)
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_UNITS = re.compile(r"(?=\d)(?:(\d+)d ?)?(?:(\d+)h ?)?(?:(\d+)m ?)?(?:(\d+)s)?", re.ASCII)
_CLOCK = re.compile(r"(\d+):([0-5]\d):([0-5]\d)", re.ASCII)


def instant(text: Any = None, order: Any = None, zone: Any = None) -> str | None:
    """A portal's local date, such as `24/11/2019, 09:52:37` or `06/08/2019`, as RFC 3339 in UTC.

    `order` is the portal's `DDMMYYYY`, `MMDDYYYY` or `YYYYMMDD`, `zone` an IANA name; a date alone is
    midnight there. None without any of the three, and where the text is no such date. A time that comes twice
    (clocks put back) is taken as the first; one that never comes (clocks put forward) is counted on from
    before the change: PEP 495's fold=0.
    """
    if not (isinstance(text, str) and isinstance(order, str) and isinstance(zone, str)):
        return None
    found, letters = _LOCAL.fullmatch(text.strip()), _ORDERS.get(order)
    if not found or not letters:
        return None
    first, _, second, third, *time = found.groups()
    return _to_utc(dict(zip(letters, (first, second, third), strict=True)), time, _zone(zone))


def longdate(text: Any = None, zone: Any = None) -> str | None:
    """A local date in English words, such as `Monday, 14 September 2026, 4:57 PM`, as RFC 3339 in UTC.

    That is how Moodle writes dates for people in English (its string `strftimedaydatetime`). None without either of
    the two, and where the text is no such date; a time that comes twice or never is taken as by `instant`.
    """
    found = _LONG.fullmatch(text.strip()) if isinstance(text, str) and isinstance(zone, str) else None
    if not found or found[2] not in _MONTHS or not 1 <= int(found[4]) <= 12:
        return None
    hour = int(found[4]) % 12 + (12 if found[6] == "PM" else 0)
    date = {"d": found[1], "m": str(_MONTHS.index(found[2]) + 1), "y": found[3]}
    return _to_utc(date, [str(hour), found[5], None], _zone(zone))


def _to_utc(date: dict[str, str], time: list[str | None], zone: ZoneInfo | None) -> str | None:
    if zone is None or len(date["y"]) != 4:
        return None
    hour, minute, second = (int(part or 0) for part in time)
    try:
        local = datetime(int(date["y"]), int(date["m"]), int(date["d"]), hour, minute, second, tzinfo=zone)
        return local.astimezone(UTC).isoformat()[:19] + "Z"
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown; not a name; a folder of the database, such as "Europe"
        return None


def seconds(text: Any = None) -> int | None:
    """A duration written as `2h 3m 4s`, `3m 17s`, `0s`, `1d 2h` or `HH:MM:SS`, in seconds.

    None for anything else, a bare number too: nobody knows its unit.
    """
    if not isinstance(text, str) or len(text) > 40:  # longer digits would not fit any column, and cost time
        return None
    found = _CLOCK.fullmatch(text.strip())
    if found:
        days, parts = 0, found.groups()
    else:
        found = _UNITS.fullmatch(text.strip())
        if not found:
            return None
        days, parts = int(found[1] or 0), found.groups()[1:]
    hours, minutes, rest = (int(part or 0) for part in parts)
    return ((days * 24 + hours) * 60 + minutes) * 60 + rest


_UNIXTIME = """(
  $digits := /^[1-9][0-9]{0,10}$/; $picture := "[Y0001]-[M01]-[D01]T[H01]:[m01]:[s01]Z";
  function($value) {
    $type($value) = "string" ? (
      $contains($value, $digits) ? $fromMillis($number($value) * 1000, $picture)
    ) : $type($value) = "number" and $value >= 1 and $value < 100000000000
      ? $fromMillis($floor($value) * 1000, $picture)
  }
)"""

_KEY = """(
  $part := function($value) {
    $type($value) = "string"
      ? ($contains($value, /[:%]/) ? $replace($replace($value, "%", "%25"), ":", "%3A") : $value)
      : $type($value) = "number" ? $string($value)
  };
  function($first, $second, $third) {(
    $one := $part($first); $two := $part($second); $three := $part($third);
    $one and $two ? ($three ? $one & ":" & $two & ":" & $three : $one & ":" & $two)
  )}
)"""


@dataclass(frozen=True)
class Helper:
    """A function for expressions: a Python callable, or its definition in JSONata."""

    signature: str
    summary: str
    function: Callable[..., Any] | None = None
    definition: str | None = None


HELPERS: dict[str, Helper] = {
    "instant": Helper(
        "$instant(text, order, zone)",
        "A portal's formatted local date as an RFC 3339 instant in UTC. `order` is DDMMYYYY, MMDDYYYY or "
        "YYYYMMDD, `zone` an IANA name.",
        function=instant,
    ),
    "longdate": Helper(
        "$longdate(text, zone)",
        "A local date in English words, `Monday, 14 September 2026, 4:57 PM`, as an RFC 3339 instant in UTC. `zone` is "
        "an IANA name.",
        function=longdate,
    ),
    "seconds": Helper(
        "$seconds(text)",
        "A duration such as `2h 3m 4s` or `00:03:17` in seconds.",
        function=seconds,
    ),
    "unixtime": Helper(
        "$unixtime(value)",
        "Unix seconds, a number or text, as an RFC 3339 instant in UTC, such as `2019-11-24T09:52:37Z`. A "
        "fraction is cut off; 0 stands for none; 100,000,000,000 (the year 5138) and more are no seconds.",
        definition=_UNIXTIME,
    ),
    "key": Helper(
        "$key(a, b, c?)",
        "One id made of two or three, joined by `:`, with `%` and `:` percent-encoded in each; undefined "
        "without the first two. Not of a list, which loses what is missing: another record's id.",
        definition=_KEY,
    ),
}
"""The helpers by the name they have in an expression, without the `$`."""
