"""What concerns several parts of a manifest at once: names that refer to one another, and placeholders."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from mappings.model import RESOURCES, Kind
from sources.unified_lms.manifest.authorization import FormAuth, OAuth2, templates
from sources.unified_lms.manifest.model import Changed, Endpoint, Get, Join, Manifest, ResourceSpec, Setting
from sources.unified_lms.manifest.placeholders import Place, check_places, in_path
from sources.unified_lms.manifest.sentences import Finding, suggestion
from sources.unified_lms.templates import parse, texts

COMPARISONS = ("gt", "gte", "lt", "lte", "in")
"""What a filter may ask beside equality: `created_at[gte]`, `status[in]`."""
_FILTER = re.compile(r"([a-z_]+)(?:\[([a-z_]+)\])?")
_ID_PART = re.compile(r"\{([a-z_]+)\}")
_TYPES = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "list": tuple}


def check(manifest: Manifest, file_stem: str) -> list[Finding]:
    """Everything that is wrong although each part is well formed."""
    found: list[Finding] = []
    for one in (_names, _authorization, _references, _endpoints, _settings, _resources, _limits):
        found += one(manifest) if one is not _names else _names(manifest, file_stem)
    return found + list(check_places(manifest, _places(manifest)))


def _names(manifest: Manifest, file_stem: str = "") -> Iterator[Finding]:
    if manifest.provider != file_stem:
        yield (
            "provider",
            f"is {manifest.provider!r} in a file called {file_stem}.yaml; give both the same name",
        )
    if manifest.api.base_url is not None:
        parts = urlsplit(manifest.api.base_url)
        if parts.scheme != "https" or not parts.hostname or parts.query or parts.username:
            yield (
                "api.base_url",
                f"is {manifest.api.base_url!r}; it has to be such as https://api.example.com",
            )
    if manifest.api.path and not manifest.api.path.startswith("/"):
        yield "api.path", f"is {manifest.api.path!r}; it has to begin with /"


def _authorization(manifest: Manifest) -> Iterator[Finding]:
    for index, auth in enumerate(manifest.auth):
        if isinstance(auth, OAuth2):
            yield from _token_addresses(f"auth.{index}", auth)
        if isinstance(auth, FormAuth):
            yield from _without_form(f"auth.{index}", manifest)


def _token_addresses(key: str, auth: OAuth2) -> Iterator[Finding]:
    for name in ("token_url", "authorize_url"):
        url = getattr(auth, name)
        if url is not None and not url.startswith(("https://", "{connection.base_url}/")):
            yield f"{key}.{name}", f"is {url!r}; it has to begin with https:// or {{connection.base_url}}/"


def _without_form(key: str, manifest: Manifest) -> Iterator[Finding]:
    for name, endpoint in manifest.endpoints.items():
        if not endpoint.sends_form:
            yield (
                key,
                f"is a form field, but the endpoint {name!r} sends no form; let it POST, without `json`",
            )


def _uses(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """Each key that names an endpoint, and the name."""
    for name, setting in manifest.settings.items():
        if setting.discover:
            yield f"settings.{name}.discover.endpoint", setting.discover.endpoint
    if manifest.limits.status:
        yield "limits.status.endpoint", manifest.limits.status.endpoint
    if manifest.check:
        yield "check.endpoint", manifest.check.endpoint
        for name, count in manifest.check.counts_elsewhere.items():
            yield f"check.counts_elsewhere.{name}.endpoint", count.endpoint
    for name, resource in manifest.resources.items():
        yield from _uses_of(f"resources.{name}", resource)


def _uses_of(key: str, resource: ResourceSpec) -> Iterator[tuple[str, str]]:
    for index, read in enumerate(resource.read):
        yield f"{key}.read.{index}.endpoint", read.endpoint
        for name, fetch in read.fetch.items():
            yield f"{key}.read.{index}.fetch.{name}.endpoint", fetch.endpoint
    if resource.get:
        yield f"{key}.get.endpoint", resource.get.endpoint
    if resource.changed and resource.changed.endpoint:
        yield f"{key}.changed.endpoint", resource.changed.endpoint
    yield from _uses_of_filters_and_writes(key, resource)
    for name, join in resource.joins.items():
        yield f"{key}.joins.{name}.endpoint", join.endpoint
        if join.each:
            yield f"{key}.joins.{name}.each.endpoint", join.each.endpoint


def _uses_of_filters_and_writes(key: str, resource: ResourceSpec) -> Iterator[tuple[str, str]]:
    for name, rule in resource.filters.items():
        if rule.endpoint:
            yield f"{key}.filters.{name}.endpoint", rule.endpoint
    for name, write in resource.writes.operations.items():
        for index, call in enumerate(write.calls):
            yield f"{key}.writes.{name}.calls.{index}", call


def _references(manifest: Manifest) -> Iterator[Finding]:
    for key, name in _uses(manifest):
        if name not in manifest.endpoints:
            yield key, f"is {name!r}, which is no endpoint; {suggestion(name, manifest.endpoints)}"


def _endpoints(manifest: Manifest) -> Iterator[Finding]:
    for name, endpoint in manifest.endpoints.items():
        if not endpoint.path.startswith("/"):
            yield f"endpoints.{name}.path", f"is {endpoint.path!r}; it has to begin with /"
        if endpoint.form and endpoint.json_:
            yield (
                f"endpoints.{name}",
                "has both `form` and `json`; a request has one body, so keep one of them",
            )
        if endpoint.needs and not (manifest.check and manifest.check.grants):
            yield f"endpoints.{name}.needs", "is held against nothing; add `check.grants`, or remove it"
    for index, secret in enumerate(manifest.secrets):
        if not re.fullmatch(r"[A-Za-z0-9_.:-]+", secret):
            yield (
                f"secrets.{index}",
                f"is {secret!r}; it has to be the name of a field, without quotes or spaces",
            )


def _settings(manifest: Manifest) -> Iterator[Finding]:
    for name, setting in manifest.settings.items():
        key = f"settings.{name}"
        if setting.default is not None and not _fits(setting, setting.default):
            yield f"{key}.default", f"is {setting.default!r}; it has to be of type {setting.type}"
        elif setting.default is not None and not setting.allows(setting.default):
            yield f"{key}.default", f"is {setting.default!r}; it has to be one of {_all(setting.choices)}"
        if setting.format and setting.type != "string":
            yield (
                f"{key}.format",
                f"is for text, but the setting is of type {setting.type}; remove one of them",
            )
        for resource, fields in (setting.without.fields if setting.without else {}).items():
            yield from _fields(f"{key}.without.fields", resource, fields)


def _fits(setting: Setting, value: object) -> bool:
    expected = _TYPES[setting.type]
    return isinstance(value, expected) and (isinstance(value, bool) == (setting.type == "boolean"))  # type: ignore[arg-type]


def _all(words: tuple[str | int | float, ...]) -> str:
    return ", ".join(map(str, words))


def _fields(key: str, resource: str, fields: tuple[str, ...]) -> Iterator[Finding]:
    if resource not in RESOURCES:
        yield key, f"names {resource!r}, which is no resource; {suggestion(resource, RESOURCES)}"
        return
    known = {field.name for field in RESOURCES[resource].fields}
    for field in fields:
        if field not in known:
            yield f"{key}.{resource}", f"names {field!r}, which is no field; {suggestion(field, known)}"


def _resources(manifest: Manifest) -> Iterator[Finding]:
    for name, resource in manifest.resources.items():
        key = f"resources.{name}"
        if name not in RESOURCES:
            yield key, f"is no resource of the unified model; {suggestion(name, RESOURCES)}"
            continue
        yield from _reads(manifest, key, name, resource)
        yield from _filters(key, name, resource)
        for join_name, join in resource.joins.items():
            yield from _join(f"{key}.joins.{join_name}", join, resource)
        if resource.get:
            yield from _get(f"{key}.get", resource.get, resource)
        yield from _writes(f"{key}.writes", name, resource)
        for index, gap in enumerate(resource.gaps):
            yield from _fields(f"{key}.gaps.{index}.fields", name, gap.fields)
        if resource.changed:
            yield from _changed(manifest, f"{key}.changed", resource.changed, resource)
        if resource.deleted and not resource.identify:
            yield (
                f"{key}.deleted",
                "says which records are deleted; add `identify`, which says what their ids are",
            )


def _reads(manifest: Manifest, key: str, name: str, resource: ResourceSpec) -> Iterator[Finding]:
    for index, read in enumerate(resource.read):
        place = f"{key}.read.{index}"
        if read.when is None and index < len(resource.read) - 1:
            yield place, "has no `when`, so that what follows is never used; put it last"
        if read.rows and read.records:
            yield place, "has both `rows` and `records`; `rows` takes the place of `records`, so remove that"
        if read.fetch and not read.rows:
            yield f"{place}.fetch", "fetches what only `rows` would see; add `rows`, or remove it"
        if read.slices and read.parents:
            yield (
                place,
                "has both `slices` and `parents`, which is read once for each of them; keep one of them",
            )
        if read.parents:
            yield from _parents(manifest, f"{place}.parents.resource", name, read.parents.resource)
        elif (endpoint := manifest.endpoints.get(read.endpoint)) and _needs_parent(endpoint):
            yield f"{place}.endpoint", f"is {read.endpoint!r}, whose path needs {{parent.id}}; add `parents`"


def _needs_parent(endpoint: Endpoint) -> bool:
    return any(
        all(namespace == "parent" for namespace, _ in placeholder.names) for placeholder in in_path(endpoint)
    )


def _parents(manifest: Manifest, key: str, name: str, parent: str) -> Iterator[Finding]:
    if parent not in manifest.resources:
        yield key, f"is {parent!r}, which this manifest cannot read; {suggestion(parent, manifest.resources)}"
        return
    above = {read.parents.resource for read in manifest.resources[parent].read if read.parents}
    if parent == name or name in above:
        yield (
            key,
            f"is {parent!r}, which is itself read from {name}; one of them has to be listed without parents",
        )


def _filters(key: str, name: str, resource: ResourceSpec) -> Iterator[Finding]:
    for spelled, rule in resource.filters.items():
        place = f"{key}.filters.{spelled}"
        if not _is_filter(name, spelled):
            fields = [field.name for field in RESOURCES[name].fields]
            spelling = f"write a field, field[{'|'.join(COMPARISONS)}] or, for a ref, field[property]"
            yield place, f"is no filter of {name}; {spelling}; {suggestion(spelled.split('[')[0], fields)}"
        if rule.endpoint and rule.parent:
            yield place, "has both `endpoint` and `parent: true`; keep one of them"
        if rule.records and not rule.endpoint:
            yield f"{place}.records", "says where an endpoint's records are; add `endpoint`, or remove it"
        if bool(rule.args) == rule.parent:
            yield place, "has to say either `args` or `parent: true`"
        if rule.parent and not any(read.parents for read in resource.read):
            yield place, "restricts a fan-out, but no `read` has `parents`; say `args` instead"


def _is_filter(resource: str, spelled: str) -> bool:
    match = _FILTER.fullmatch(spelled)
    fields = {field.name: field for field in RESOURCES[resource].fields}
    if not match or match[1] not in fields:
        return False
    field = fields[match[1]]
    if field.kind is Kind.REF:
        return match[2] in {sub.name for sub in field.fields}
    return match[2] is None or match[2] in COMPARISONS


def _join(key: str, join: Join, resource: ResourceSpec) -> Iterator[Finding]:
    if join.per != "record":
        lacking = [name for name in ("key", "match") if getattr(join, name) is None]
        if lacking:
            yield (
                key,
                f"lacks {' and '.join(lacking)}, by which entries are found that are joined per {join.per}",
            )
    if join.where and join.per != "record":
        yield f"{key}.where", f"chooses records, but is joined per {join.per}; say `per: record` or `when`"
    if join.per == "parent" and not any(read.parents for read in resource.read):
        yield f"{key}.per", "is 'parent', but no `read` has `parents`; say connection or record"


def _get(key: str, get: Get, resource: ResourceSpec) -> Iterator[Finding]:
    if get.parent and get.parent_id:
        yield key, "has both `parent` and `parent_id`; the parent comes from one of them, so remove the other"
    if get.parent_id and not any(read.parents for read in resource.read):
        yield f"{key}.parent_id", "names a parent, but no `read` has `parents`; remove it, or add them"
    if not _ID_PART.search(get.id) or "{" in _ID_PART.sub("", get.id):
        yield (
            f"{key}.id",
            f"is {get.id!r}; it has to hold names in braces, such as {{id}} or {{course}}:{{user}}",
        )


def _writes(key: str, name: str, resource: ResourceSpec) -> Iterator[Finding]:
    writes = resource.writes
    if writes.operations and resource.identify is None:
        yield key, "writes records; add `identify`, which says what their ids are"
    yield from _fields(f"{key}.keys", name, writes.keys)
    if writes.create and not writes.keys and name != "course_enrollments":
        yield (
            f"{key}.keys",
            "is empty; name the fields by which a record is found that was made without an answer",
        )
    for operation, write in writes.operations.items():
        place = f"{key}.{operation}"
        yield from _fields(f"{place}.fields", name, write.fields)
        for part in ("required", "clears"):
            for field in getattr(write, part):
                if field not in write.fields:
                    yield (
                        f"{place}.{part}",
                        f"names {field!r}, which is not among the `fields` of the operation",
                    )
        if write.id and operation != "create":
            yield f"{place}.id", "is the id of what is made, which only `create` does; remove it"


def _changed(manifest: Manifest, key: str, changed: Changed, resource: ResourceSpec) -> Iterator[Finding]:
    names = [changed.endpoint] if changed.endpoint else [read.endpoint for read in resource.read]
    for name in names:
        if name in manifest.endpoints:
            yield from _unsent(key, changed, name, manifest.endpoints[name])
    if changed.id and resource.get is None:
        yield f"{key}.id", "names records that are read one by one; add `get`, which says how"
    elif changed.id and resource.get and not resource.get.parent and any(r.parents for r in resource.read):
        yield (
            f"{key}.id",
            "names records that lie under parents; add `get.parent`, which finds a record's parent",
        )


def _unsent(key: str, changed: Changed, name: str, endpoint: Endpoint) -> Iterator[Finding]:
    """A bound that no request would carry: the provider would give everything, and it would be taken for changes."""
    sent = {pair for text in texts(_tree(endpoint)) for one in parse(text).placeholders for pair in one.names}
    for argument in (*changed.since, *changed.until):
        if ("args", argument) not in sent:
            yield (
                key,
                f"gives {{args.{argument}}}, which the endpoint {name!r} does not send; put it into its query",
            )


def _tree(endpoint: Endpoint) -> dict[str, object]:
    """What an endpoint sends, as far as it may hold placeholders."""
    return endpoint.model_dump(include={"path", "query", "form", "json_", "headers"})


def _limits(manifest: Manifest) -> Iterator[Finding]:
    if manifest.limits.status and not manifest.limits.windows:
        yield (
            "limits.status",
            "tells the state of the longest window, but there is none; add `limits.windows`",
        )


def _places(manifest: Manifest) -> Iterator[Place]:
    """Every text with placeholders, and the namespaces that have values there."""
    known = frozenset({"connection", "credentials", "settings"})
    for index, auth in enumerate(manifest.auth):
        yield Place(f"auth.{index}", templates(auth), known, discovered=False)
    for part in ("headers", "query", "form"):
        yield Place(f"api.{part}", getattr(manifest.api, part), known, discovered=False)
    for index, window in enumerate(manifest.limits.windows):
        yield Place(f"limits.windows.{index}", window.requests, frozenset({"settings"}), discovered=False)
    discovering = {setting.discover.endpoint for setting in manifest.settings.values() if setting.discover}
    written = {
        call
        for resource in manifest.resources.values()
        for write in resource.writes.operations.values()
        for call in write.calls
    }
    for name, endpoint in manifest.endpoints.items():
        tree = _tree(endpoint)
        everything = known | {"parent", "args", "page"}
        yield Place(
            f"endpoints.{name}",
            tree,
            everything,
            endpoint.paging,
            discovered=name not in discovering,
            written=name in written,
        )
