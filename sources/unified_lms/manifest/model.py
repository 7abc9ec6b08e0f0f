"""What a manifest may say: one frozen model for each part of the YAML, field by field as it is written there.

What concerns several parts at once is checked in `manifest.checks`.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from sources.unified_lms.errors import KINDS
from sources.unified_lms.manifest.authorization import Auth
from sources.unified_lms.manifest.paging import NoPaging, Paging
from sources.unified_lms.manifest.parts import Body, Jsonata, Part, Text, Tree, Whole
from sources.unified_lms.manifest.writing import Writes

PROVIDER_NAME = r"^[a-z][a-z0-9_]*$"
"""How a provider is named; its manifest's file has the same name."""


class Api(Part):
    """Where the API is: the connection's `base_url` unless the vendor has one host, and what is appended to it.

    `headers`, `query` and `form` go with every request, `form` with those that send one; what an endpoint says goes
    before. The address of a next page that the provider gave is left as it is.
    """

    base_url: str | None = None
    path: str = ""
    headers: dict[str, Text] = Field(default_factory=dict)
    query: Tree = Field(default_factory=dict)
    form: Tree = Field(default_factory=dict)


class Credential(Part):
    """A credential that a connection has or may have."""

    title: str
    help: str = ""
    required: bool = True
    secret: bool = True


class Discover(Part):
    """Where a setting's value is read from the provider unless the connection has it."""

    endpoint: str
    value: Jsonata


class Without(Part):
    """What a connection goes without while a setting has no value: fields by resource, which stay null."""

    note: str
    fields: dict[str, tuple[str, ...]] = Field(default_factory=dict)


class Setting(Part):
    """A setting of a connection. Its value is null where neither configured, discovered nor given by default."""

    title: str
    help: str = ""
    type: Literal["string", "integer", "number", "boolean", "list"]
    default: str | int | float | bool | tuple[str, ...] | None = None
    choices: tuple[str | int | float, ...] = ()
    format: Literal["iana_timezone"] | None = None
    minimum: float | None = None
    maximum: float | None = None
    discover: Discover | None = None
    without: Without | None = None

    def allows(self, value: Any) -> bool:
        """Whether the value, or each entry of a list, is among the choices, where there are any."""
        entries = value if isinstance(value, (list, tuple)) else (value,)
        return not self.choices or all(entry in self.choices for entry in entries)


class Window(Part):
    """At most so many requests in any so many seconds."""

    requests: Whole
    seconds: float = Field(gt=0)


class LimitStatus(Part):
    """An endpoint that tells the state of the longest window: expressions over its body."""

    endpoint: str
    limit: Jsonata | None = None
    remaining: Jsonata
    reset_at: Jsonata
    """Unix seconds."""


class LimitHeaders(Part):
    """The vendor's headers on every answer: requests remaining, and when the window begins anew."""

    remaining: str | None = None
    reset: str | None = None
    reset_as: Literal["seconds", "unix"] = "seconds"


class Limits(Part):
    """How much may be asked of the provider, for each connection."""

    concurrency: int = Field(default=4, ge=1, le=64)
    windows: tuple[Window, ...] = ()
    status: LimitStatus | None = None
    headers: LimitHeaders = LimitHeaders()


class ErrorRule(Part):
    """When an answer is an error, and of which kind. The first rule that holds decides, then the status does.

    `status` and `contains` (a piece of the answer's text) are looked at first and cost nothing; `when` sees
    `{status, headers, body, text}`, header names in lower case. `message` sees the same and gives the provider's words.
    """

    status: tuple[int, ...] = ()
    contains: str | None = None
    when: Jsonata | None = None
    kind: str
    message: Jsonata | None = None
    remedy: str | None = None

    @model_validator(mode="after")
    def _complete(self) -> ErrorRule:
        if self.kind not in KINDS:
            raise ValueError(f"kind: {self.kind!r} is no kind of error; the kinds are {', '.join(KINDS)}")
        if not (self.status or self.contains or self.when):
            raise ValueError("holds for every answer; say when it holds, by `status`, `contains` or `when`")
        return self


class Endpoint(Part):
    """One call of the API. `form` and `json` exclude one another; `records` sees the body.

    `needs` names what the account must have been granted for it (a scope, a function), as `check.grants` lists them.
    `errors` go before the provider's.
    """

    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    path: Text
    query: Tree = Field(default_factory=dict)
    form: Body = Field(default_factory=dict)
    json_: Body = Field(default_factory=dict, alias="json")
    headers: dict[str, Text] = Field(default_factory=dict)
    records: Jsonata = "$"
    paging: Paging = NoPaging()
    repeatable: bool | None = None
    permission: str | None = None
    needs: tuple[str, ...] = ()
    errors: tuple[ErrorRule, ...] = ()
    timeout: float = Field(default=60, gt=0, le=600)

    @property
    def sends_form(self) -> bool:
        """Whether requests have a body that is, or could be, a form."""
        return self.method in ("POST", "PUT", "PATCH") and not self.json_

    @property
    def may_repeat(self) -> bool:
        """Whether a request may be sent again when its outcome is unknown: as said, else GET and HEAD."""
        return self.method in ("GET", "HEAD") if self.repeatable is None else self.repeatable


class Parents(Part):
    """A fan-out: one reading for each record of another resource; expressions see the parent's raw record."""

    resource: str
    id: Jsonata
    when: Jsonata | None = None


class Slices(Part):
    """A list that is asked for piece by piece: `of` gives a list, for each entry of which the endpoint is read once.

    `of` sees `{settings, now}`, `now` in whole Unix seconds; `args` are expressions over one entry and give `{args.*}`.
    Unless the slices are `complete`, which is to say that no record can lie outside of all of them, a reading retires
    nothing.
    """

    of: Jsonata
    args: dict[str, Jsonata] = Field(min_length=1)
    complete: bool = False


class Fetch(Part):
    """Further calls that complete an answer before `rows` makes records of it: one for each element that `each` finds.

    `each` sees what `rows` sees, `fetched` of the entries before this one; `id` sees an element and gives `{args.id}`.
    """

    endpoint: str
    each: Jsonata
    id: Jsonata


class Read(Part):
    """One way to list a resource.

    `when` sees `{settings}`. `records` sees the body and goes before the endpoint's. `rows` sees
    `{body, parent, settings, fetched}` and gives a list of `{record, joined}`; it is for trees, whose records get their
    place from their neighbours, and takes the place of `records`. `fetched.<name>` has the records of each further
    call of the entry in `fetch`, by the id that the call was made with.
    """

    when: Jsonata | None = None
    parents: Parents | None = None
    slices: Slices | None = None
    endpoint: str
    records: Jsonata | None = None
    fetch: dict[str, Fetch] = Field(default_factory=dict)
    rows: Jsonata | None = None


class Get(Part):
    """One record by its id. `id` takes a unified id apart: `{course}:{user}` gives `{args.course}`, `{args.user}`.

    `record` and `parent` see `{body, args}`; without them the record is the body, and there is no parent. `parent_id`
    sees the same, and gives the id of a parent that is read by a call of its own, as its resource's `get` says, or is
    looked for in its list.
    """

    endpoint: str
    id: str = "{id}"
    record: Jsonata = "body"
    parent: Jsonata | None = None
    parent_id: Jsonata | None = None


class SkipRule(Part):
    """Records left out on purpose: `when` sees `{record, parent, joined, settings}`."""

    when: Jsonata
    reason: str


class Filter(Part):
    """What a unified filter becomes: `{args.*}` by expressions over `{value, settings}`, or the one parent to read.

    `endpoint` and `records` go before those of `read`, where a call of its own finds what is asked for; its answer
    "not found" is then an empty list.
    """

    args: dict[str, Jsonata] = Field(default_factory=dict)
    parent: bool = False
    endpoint: str | None = None
    records: Jsonata | None = None


class Each(Part):
    """A second call for each entry of a join's list: `{args.id}` is what `id` finds in the entry."""

    endpoint: str
    id: Jsonata


class Join(Part):
    """What further calls add to a record, as `joined.<name>`: the entry whose `key` is the record's `match`.

    Called once for the connection, the parent or the record; `args` are expressions over `{record, parent, settings}`.
    `records` sees the body (of `each`, where there is one) and gives the entries; `key` sees an entry, `match` sees
    `{record, parent}`. Joined for each record, an answer needs no key: its entries are the joined value.
    `many` joins the list of all that match. `when` sees `{settings}`. `where` sees `{record, parent, settings}` and
    says for which records a join per record is asked for. An optional join that is forbidden or not found leaves its
    records without.
    """

    endpoint: str
    per: Literal["connection", "parent", "record"] = "connection"
    when: Jsonata | None = None
    where: Jsonata | None = None
    args: dict[str, Jsonata] = Field(default_factory=dict)
    each: Each | None = None
    records: Jsonata = "$"
    key: Jsonata | None = None
    match: Jsonata | None = None
    many: bool = False
    optional: bool = False


class Changed(Part):
    """How what has changed is asked for, where the provider has a filter for it.

    `since` and `until` are what the bounds of a window become: `{args.*}` by expressions over `{value, settings}`, the
    value an instant. `when` sees `{settings}`. `endpoint` and `records` go before those of `read`. With `id`, which
    sees an entry, the call only names what has changed, and each record is read by `get`.
    """

    when: Jsonata | None = None
    endpoint: str | None = None
    records: Jsonata | None = None
    since: dict[str, Jsonata] = Field(min_length=1)
    until: dict[str, Jsonata] = Field(default_factory=dict)
    id: Jsonata | None = None


class Gap(Part):
    """Fields that stay null for want of a permission, as seen in the list: `when` sees `{records}`, its first page."""

    when: Jsonata
    fields: tuple[str, ...] = Field(min_length=1)
    note: str


class ResourceSpec(Part):
    """What the provider can do with one of the four resources.

    `identify` gives the unified id of a record that cannot be mapped; it sees `{record, parent, joined, settings}`.
    `deleted` sees the same, and says of a record that the provider has deleted it.
    """

    read: tuple[Read, ...] = Field(min_length=1)
    identify: Jsonata | None = None
    get: Get | None = None
    skip: tuple[SkipRule, ...] = ()
    filters: dict[str, Filter] = Field(default_factory=dict)
    joins: dict[str, Join] = Field(default_factory=dict)
    changed: Changed | None = None
    gaps: tuple[Gap, ...] = ()
    deleted: Jsonata | None = None
    writes: Writes = Writes()


class Count(Part):
    """A number that an endpoint of its own tells; `value` sees the body."""

    endpoint: str
    value: Jsonata


class Check(Part):
    """What `lms check` asks: `counts` are expressions over the body, `tells` gives a text or a list of texts.

    `counts_elsewhere` are the same as `counts` where other endpoints tell them, one call for each. `grants` gives the
    names of what the account may do, to be held against what endpoints `needs`.
    """

    endpoint: str
    grants: Jsonata | None = None
    counts: dict[str, Jsonata] = Field(default_factory=dict)
    counts_elsewhere: dict[str, Count] = Field(default_factory=dict)
    tells: Jsonata | None = None


class Manifest(Part):
    """A provider, whole."""

    provider: str = Field(pattern=PROVIDER_NAME)
    title: str
    provisional: bool = False
    docs_url: str | None = None
    api: Api = Api()
    credentials: dict[str, Credential] = Field(default_factory=dict)
    settings: dict[str, Setting] = Field(default_factory=dict)
    auth: tuple[Auth, ...] = Field(min_length=1)
    limits: Limits = Limits()
    errors: tuple[ErrorRule, ...] = ()
    secrets: tuple[str, ...] = ()
    endpoints: dict[str, Endpoint] = Field(min_length=1)
    resources: dict[str, ResourceSpec] = Field(min_length=1)
    check: Check | None = None

    @property
    def operations(self) -> dict[str, tuple[str, ...]]:
        """What can be done with each resource: `list`, `get` where one record can be asked for, and what is written."""
        return {
            name: ("list", *(("get",) if resource.get else ()), *resource.writes.operations)
            for name, resource in self.resources.items()
        }
