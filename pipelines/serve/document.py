"""The OpenAPI document, made of the table of options and of the unified model, so that it cannot say anything else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from mappings.model import RESOURCES
from mappings.schemas import pydantic_model
from pipelines.serve.options import CONNECTION, FILTERS, GET, LIST, PREFIX, Option
from pipelines.serve.proxy import METHODS

_JSON = "application/json"
_ABOUT = (
    "Every learning management system through one schema, read live; nothing is stored. Each option of a unified call "
    f"is accepted with the prefix `{PREFIX}` as well."
)
_ERROR = {"$ref": "#/components/schemas/Error"}
_RECORD_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
_REPEAT = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "A write with the same key is done once, and answered alike for a day.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}
_REFUSALS = {
    "400": "What is asked for is wrong, or the provider cannot do it.",
    "401": "No valid key; or, with `is_remote_error`, the connection needs new credentials.",
    "403": "The key, or with `is_remote_error` the connection's account, may not.",
    "404": "There is no such connection or record.",
    "408": "The body did not come in time.",
    "409": "A write with this Idempotency-Key is under way.",
    "413": "The body is too large.",
    "422": "The provider refused it as wrong, or the Idempotency-Key was used for another write.",
    "429": "The provider's rate limit; `retry-after` has the seconds.",
    "431": "The head is too large.",
    "500": "Unexpected.",
    "502": "The provider failed.",
    "503": "The server has too much to do, or the connection is not configured rightly.",
    "504": "The provider took too long.",
}
_WRITTEN = {
    "x-lms-action": {
        "description": "What was done; `skip` where it was so already.",
        "schema": {"enum": ["create", "update", "delete", "skip"]},
    },
    "x-lms-differs": {
        "description": "The fields that the provider has otherwise than was asked for.",
        "schema": {"type": "string"},
    },
    "idempotent-replayed": {
        "description": "`true` where this is the answer of an earlier write with the same key.",
        "schema": {"type": "string"},
    },
}
_LIMITS = {
    "ratelimit-limit": {
        "description": "Requests that the provider's window allows, and its seconds: `110;w=10`.",
        "schema": {"type": "string", "pattern": r"^\d+(;w=\d+)?$"},
    },
    "ratelimit-remaining": {
        "description": "How many of them are left.",
        "schema": {"type": "string", "pattern": r"^\d+$"},
    },
    "ratelimit-reset": {
        "description": "Seconds until there is room for more.",
        "schema": {"type": "string", "pattern": r"^\d+$"},
    },
}


@cache
def document(version: str) -> dict[str, Any]:
    """The document."""
    paths: dict[str, Any] = {}
    for resource in RESOURCES:
        name = resource.replace("_", "-")
        paths[f"/unified/lms/{name}"] = {"get": _list(resource), "post": _write(resource, "Create", "201")}
        paths[f"/unified/lms/{name}/{{id}}"] = {
            "get": _get(resource),
            "patch": _write(resource, "Update", "200", _RECORD_ID),
            "delete": _delete(resource),
        }
    paths["/proxy/{path}"] = {method.lower(): _proxy(method) for method in METHODS}
    paths["/connections"] = {"get": _connections()}
    paths["/health"] = {"get": _open("Whether the server runs.")}
    paths["/ready"] = {
        "get": _open("Whether it can answer: keys can be read, and a connection is configured.")
    }
    paths["/openapi.json"] = {"get": _operation("This document.", {"200": _answer({"type": "object"})})}
    return {
        "openapi": "3.1.0",
        "info": {"title": "unified-lms", "version": version, "description": _ABOUT},
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "schemas": {**_models(), "Error": _error()},
        },
    }


def _list(resource: str) -> dict[str, Any]:
    shown = _shown(resource)
    result = {"anyOf": [{"type": "array", "items": shown}, {"type": "object", "additionalProperties": shown}]}
    envelope = {
        "type": "object",
        "required": ["result", "next_cursor", "prev_cursor", "result_count"],
        "properties": {
            "result": result,
            "next_cursor": {"type": ["string", "null"]},
            "prev_cursor": {"type": "null"},
            "result_count": {"type": "integer", "minimum": 0},
            "problems": {"type": "array", "items": {"type": "object"}},
        },
        "additionalProperties": False,
    }
    found = {"200": _answer(envelope, _LIMITS)}
    found["200"]["content"]["application/x-ndjson"] = {"schema": {"type": "string"}}
    named = [*_parameters((CONNECTION, *LIST)), _remote_query(), *_parameters(FILTERS, prefixed=False)]
    return _operation(f"List {resource}, live.", found, named)


def _get(resource: str) -> dict[str, Any]:
    found = {"200": _answer(_shown(resource), _LIMITS)}
    return _operation(f"One of the {resource}, live.", found, [_RECORD_ID, *_parameters((CONNECTION, *GET))])


def _write(resource: str, verb: str, status: str, *also: Mapping[str, Any]) -> dict[str, Any]:
    body = {"required": True, "content": {_JSON: {"schema": {"type": "object"}}}}
    named = [*also, *_parameters((CONNECTION,)), _REPEAT]
    answers = {one: _answer(_shown(resource), _WRITTEN) for one in {"200", status}}
    return _operation(f"{verb} one of the {resource}.", answers, named, body)


def _delete(resource: str) -> dict[str, Any]:
    deleted = {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}}
    named = [_RECORD_ID, *_parameters((CONNECTION,)), _REPEAT]
    return _operation(f"Delete one of the {resource}.", {"200": _answer(deleted, _WRITTEN)}, named)


def _proxy(method: str) -> dict[str, Any]:
    path = {"name": "path", "in": "path", "required": True, "schema": {"type": "string"}}
    found = {
        "2XX": {"description": "The provider's answer, secrets cut.", "content": {_JSON: {"schema": {}}}}
    }
    body: dict[str, Any] | None = (
        None if method in ("GET", "DELETE") else {"content": {_JSON: {"schema": {}}}}
    )
    return _operation(f"A raw {method}.", found, [path, *_parameters((CONNECTION,))], body)


def _connections() -> dict[str, Any]:
    entry = {
        "type": "object",
        "required": ["id", "state"],
        "properties": {
            "id": {"type": "string"},
            "state": {"enum": ["configured", "active", "needs_reauth", "validation_error"]},
            "checked_at": {"type": ["string", "null"], "format": "date-time"},
        },
    }
    result = {
        "type": "object",
        "required": ["result"],
        "properties": {"result": {"type": "array", "items": entry}},
    }
    return _operation("The connections that the key is for.", {"200": _answer(result)})


def _open(about: str) -> dict[str, Any]:
    state = {"type": "object", "required": ["status"], "properties": {"status": {"type": "string"}}}
    return {**_operation(about, {"200": _answer(state)}), "security": []}


def _operation(
    about: str,
    answers: Mapping[str, Any],
    parameters: Iterable[Mapping[str, Any]] = (),
    body: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    refusals = {
        status: {"description": text, "content": {_JSON: {"schema": _ERROR}}}
        for status, text in _REFUSALS.items()
    }
    found = {"summary": about, "parameters": list(parameters), "responses": {**answers, **refusals}}
    return found if body is None else {**found, "requestBody": body}


def _answer(schema: Mapping[str, Any], headers: Mapping[str, Any] | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {"description": "The answer.", "content": {_JSON: {"schema": schema}}}
    return found if headers is None else {**found, "headers": headers}


def _parameters(options: Iterable[Option], *, prefixed: bool = True) -> list[dict[str, Any]]:
    return [
        {
            "name": option.name,
            "in": "query",
            "required": option.required,
            "description": option.about + (f" Also `{PREFIX}{option.name}`." if prefixed else ""),
            "schema": dict(option.schema),
        }
        for option in options
    ]


def _remote_query() -> dict[str, Any]:
    return {
        "name": "remote_query",
        "in": "query",
        "style": "deepObject",
        "explode": True,
        "description": "Query parameters that go to the provider untouched; needs the operation `proxy`.",
        "schema": {"type": "object", "additionalProperties": {"type": "string"}},
    }


def _shown(resource: str) -> dict[str, Any]:
    """The model with any of its fields, or whatever a raw or normalized record is."""
    return {"anyOf": [{"$ref": f"#/components/schemas/{resource}"}, {"type": "object"}]}


def _models() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, resource in RESOURCES.items():
        schema = pydantic_model(resource).model_json_schema(ref_template="#/components/schemas/{model}")
        found.update(schema.pop("$defs", {}))
        schema["properties"]["remote_data"] = {"description": "The provider's own record, secrets cut."}
        schema.pop("required", None)  # any field may be left out on request
        found[name] = schema
    return found


def _error() -> dict[str, Any]:
    flag = {"type": "boolean"}
    return {
        "type": "object",
        "required": ["statusCode", "error", "message"],
        "properties": {
            "statusCode": {"type": "integer"},
            "error": {"type": "string"},
            "message": {"type": "string"},
            "details": {},
            "is_remote_error": flag,
            "truto_is_remote_error": flag,
            "raw_response": {},
        },
        "additionalProperties": False,
    }
