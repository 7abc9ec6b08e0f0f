"""The parameters of a unified call, from one table that the OpenAPI document is made of as well.

Each option is accepted with the prefix `truto_` too. Whatever is no option is a filter, and one that the provider lacks
is refused: nothing is silently ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mappings.model import RESOURCES
from mappings.schemas import columns
from pipelines.serve.errors import ApiError

PREFIX = "truto_"
MOST, USUAL = 1000, 100
"""Records of one page: at most, and unless a limit is given."""

Form = Literal["unified", "raw", "normalized"]
_FORMS = ("unified", "raw", "normalized")
_REMOTE = re.compile(r"remote_query\[([^\[\]]+(?:\[[^\[\]]*\])*)\]")

_TEXT = {"type": "string"}
_SOME = {"type": "string", "minLength": 1, "maxLength": 200}
_FLAG = {"type": "boolean"}


@dataclass(frozen=True)
class Option:
    """A parameter as the OpenAPI document describes it."""

    name: str
    schema: Mapping[str, Any]
    about: str
    required: bool = False


CONNECTION = Option("integrated_account_id", _SOME, "The connection's name.", required=True)
FORM = Option(
    "response_format",
    {"type": "string", "enum": list(_FORMS), "default": "unified"},
    "The unified model; the provider's own record, secrets cut; or the flat row of the warehouse.",
)
EXCLUDE = Option(
    "exclude_fields[]",
    {"type": "array", "items": {"type": "string"}, "maxItems": 50},
    "A field to leave out; may be repeated.",
)
LEAVE = Option("ignore_remote_data", _FLAG, "Leaves the provider's own record, `remote_data`, out.")
GET = (FORM, EXCLUDE, LEAVE)
LIST = (
    Option(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL},
        "The most records of a page; it may have fewer, the cursor says whether more follow.",
    ),
    Option("next_cursor", _TEXT, "Where the list goes on, as the page before has said."),
    *GET,
    Option("key_by", _TEXT, "Makes `result` an object, its records under the value of this field."),
    Option("ignore_limit", _FLAG, "The whole list in one answer, streamed."),
)
FILTERS = tuple(
    Option(name, _SOME, "A filter; 400 where the provider cannot do it.")
    for name in (
        *(f"{field}[{how}]" for field in ("created_at", "updated_at") for how in ("gt", "gte", "lt", "lte")),
        *("id", "id[in]", "status", "status[in]", "user[id]", "course[id]"),
    )
)


@dataclass(frozen=True)
class Wanted:
    """What a unified read asks for."""

    connection: str
    resource: str
    filters: dict[str, str] = field(default_factory=dict)
    limit: int = USUAL
    cursor: str | None = None
    form: Form = "unified"
    key_by: str | None = None
    exclude: tuple[str, ...] = ()
    remote_data: bool = True
    remote: dict[str, str] = field(default_factory=dict)
    whole: bool = False

    @property
    def question(self) -> str:
        """What a cursor belongs to: all that decides which records come in which order."""
        parts = (self.connection, self.resource, sorted(self.filters.items()), sorted(self.remote.items()))
        return repr(parts)


def wanted(resource: str, pairs: Iterable[tuple[str, str]], *, one: bool = False) -> Wanted:
    """What a query asks for; `one` where it is about a single record. Raises `ApiError`."""
    options, filters, remote, exclude = _sorted(pairs)
    if one and (filters or remote or options.keys() - {CONNECTION.name, *(each.name for each in GET)}):
        known = ", ".join(each.name for each in (CONNECTION, *GET))
        raise ApiError(400, f"a single record takes no other parameters than {known}")
    found = Wanted(
        connection=_connection(options),
        resource=resource,
        filters=filters,
        limit=_limit(options.get("limit")),
        cursor=options.get("next_cursor"),
        form=_form(options.get("response_format")),
        key_by=options.get("key_by"),
        exclude=tuple(exclude),
        remote_data=not _flag(options, "ignore_remote_data"),
        remote=remote,
        whole=_flag(options, "ignore_limit"),
    )
    _refuse_unknown_fields(found)
    return found


def connection_of(pairs: Iterable[tuple[str, str]]) -> tuple[str, list[tuple[str, str]]]:
    """The connection that a query names, and the rest of the query as it is."""
    rest, found = [], {}
    for name, value in pairs:
        if name == CONNECTION.name:
            found[name] = value
        else:
            rest.append((name, value))
    return _connection(found), rest


_Sorted = tuple[dict[str, str], dict[str, str], dict[str, str], list[str]]


def _sorted(pairs: Iterable[tuple[str, str]]) -> _Sorted:
    options: dict[str, str] = {}
    filters: dict[str, str] = {}
    remote: dict[str, str] = {}
    exclude: list[str] = []
    known = {CONNECTION.name, *(option.name for option in LIST)}
    for given, value in pairs:
        name = given.removeprefix(PREFIX)
        if name == EXCLUDE.name:
            exclude.append(value)
        elif match := _REMOTE.fullmatch(name):
            _put(remote, match[1], value, given)
        elif name in known:
            _put(options, name, value, given)
        else:
            _put(filters, given, value, given)
    return options, filters, remote, exclude


def _put(into: dict[str, str], name: str, value: str, given: str) -> None:
    if name in into:
        raise ApiError(400, f"the parameter {given!r} is given twice")
    into[name] = value


def _connection(options: Mapping[str, str]) -> str:
    name = options.get(CONNECTION.name)
    if not name or len(name) > _SOME["maxLength"]:  # type: ignore[operator]
        raise ApiError(400, f"{CONNECTION.name} has to be the name of a connection")
    return name


def _limit(text: str | None) -> int:
    if text is None:
        return USUAL
    if re.fullmatch(r"[0-9]{1,6}", text) and 1 <= int(text) <= MOST:
        return int(text)
    raise ApiError(400, f"limit has to be a number from 1 to {MOST}")


def _form(text: str | None) -> Form:
    for form in _FORMS:
        if text in (None, form):
            return form  # type: ignore[return-value]
    raise ApiError(400, f"response_format has to be one of {', '.join(_FORMS)}")


def _flag(options: Mapping[str, str], name: str) -> bool:
    text = options.get(name, "false")
    if text not in ("true", "false"):
        raise ApiError(400, f"{name} has to be true or false")
    return text == "true"


def fields_of(resource: str, form: Form) -> list[str] | None:
    """The fields that a record has in a form; None for raw, whose fields are the provider's."""
    if form == "raw":
        return None
    model = RESOURCES[resource]
    if form == "normalized":
        return [column.name for column in columns(model)]
    return [*(each.name for each in model.fields), "remote_data"]


def _refuse_unknown_fields(asked: Wanted) -> None:
    known = fields_of(asked.resource, asked.form)
    named = asked.exclude if asked.key_by is None else (*asked.exclude, asked.key_by)
    for name in named:
        if known is not None and name not in known:
            raise ApiError(400, f"{asked.resource} have no field {name!r}; they have {', '.join(known)}")
