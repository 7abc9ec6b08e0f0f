"""Manifests: what is refused and in which words, and what the shipped ones say."""

from __future__ import annotations

from pathlib import Path

import pytest

from sources.unified_lms.errors import ManifestError
from sources.unified_lms.manifest import load_manifest, manifest_path, parse_manifest, provider_names
from tests.unit.sources.conftest import manifest_of

GRANTING = "type: oauth2, grant: refresh_token, token_url: 'https://a.example/token'"
WRONG = [
    ("secerts: [a]", "secerts: is not a known key; did you mean 'secrets'? known here: api, auth, check,"),
    ("title: 5", "title: is 5; it has to be text (put it in quotes)"),
    (
        "provider: Big",
        "provider: is 'Big'; it has to be lower-case letters, digits and underscores, a letter first",
    ),
    ("provider: other", "provider: is 'other' in a file called example.yaml; give both the same name"),
    (
        "api: {base_url: http://a.example}",
        "api.base_url: is 'http://a.example'; it has to be such as https://",
    ),
    ("api: {path: v1}", "api.path: is 'v1'; it has to begin with /"),
    ("auth: []", "auth: is a list; at least one entry is needed"),
    ("auth: [{type: oauth3}]", "auth.0.type: is 'oauth3'; it is one of basic, header, query"),
    ("auth: [{username: a}]", "auth.0.type: is missing; it is one of basic, header, query"),
    ("auth: [{type: basic}]", "auth.0.username: is missing; add it"),
    (
        "auth: [{type: basic, usernam: a, username: b}]",
        "auth.0.usernam: is not a known key; did you mean 'username'?",
    ),
    (
        'auth: [{type: basic, username: "{credentials.api_key}"}]',
        "auth.0: {credentials.api_key} is not declared; known here: key",
    ),
    (
        'auth: [{type: basic, username: "{args.id}"}]',
        "auth.0: {args.id} has no value there; placeholders there begin with connection, credentials, settings",
    ),
    (
        'auth: [{type: basic, username: "{credential.key}"}]',
        "auth.0.username: {credential.key} names nothing; placeholders begin with one of connection, credentials,",
    ),
    (
        'auth: [{type: basic, username: "{key"}]',
        "auth.0.username: '{key' has a brace that is no placeholder; write",
    ),
    (
        'auth: [{type: form, name: wstoken, value: "{credentials.key}"}]',
        "auth.0: is a form field, but the endpoint 'users' sends no form; let it POST, without `json`",
    ),
    (
        'auth: [{type: oauth2, grant: password, token_url: "http://a.example/token"}]',
        "auth.0.token_url: is 'http://a.example/token'; it has to begin with https:// or {connection.base_url}/",
    ),
    (
        'auth: [{type: oauth2, grant: implicit, token_url: "https://a.example/token"}]',
        "auth.0.grant: is 'implicit'; it is one of 'client_credentials', 'password' or 'refresh_token'",
    ),
    (
        'auth: [{type: oauth2, grant: password, token_url: "https://a.example/t", form: {a: b}, json: {a: b}}]',
        "auth.0: has both `form` and `json`; a request has one body",
    ),
    (
        'auth: [{type: oauth2, grant: password, token_url: "https://a.example/t", form: {u: "{credentials.user}"}}]',
        "auth.0: {credentials.user} is not declared; known here: key",
    ),
    (
        f"auth: [{{{GRANTING}, authorize_url: 'http://a.example/ask', form: {{client_id: a}}}}]",
        "auth.0.authorize_url: is 'http://a.example/ask'; it has to begin with https:// or {connection.base_url}/",
    ),
    (
        f"auth: [{{{GRANTING}, authorize_url: 'https://a.example/ask'}}]",
        "auth.0: has `authorize_url` and names no client; put `client_id` into `form`, or add `basic`",
    ),
    (
        f"auth: [{{{GRANTING}, scopes: [read]}}]",
        "auth.0: has `scopes`, which only `authorize_url` asks for; put `scope` into `form`",
    ),
    (
        f"auth: [{{{GRANTING.replace('refresh_token', 'password')}, authorize_url: 'https://a.example/ask'}}]",
        "auth.0: has `authorize_url`, whose code brings a refresh token; say `grant: refresh_token`",
    ),
    (
        f"auth: [{{{GRANTING}, authorize_url: 'https://{{credentials.host}}/', form: {{client_id: a}}}}]",
        "auth.0: {credentials.host} is not declared; known here: key",
    ),
    (
        'api: {query: {format: "{parent.id}"}}',
        "api.query: {parent.id} has no value there; placeholders there begin with connection, credentials, settings",
    ),
    ("limits: {concurrency: 0}", "limits.concurrency: is 0; input should be greater than or equal to 1"),
    (
        "limits: {windows: [{requests: many, seconds: 5}]}",
        "limits.windows.0.requests: is neither a whole number from 1 nor one placeholder such as {settings.page_size}",
    ),
    (
        "limits: {status: {endpoint: users, remaining: a, reset_at: b}}",
        "limits.status: tells the state of the longest window, but there is none; add `limits.windows`",
    ),
    (
        "errors: [{kind: oops, status: [4]}]",
        "errors.0: kind: 'oops' is no kind of error; the kinds are rate_limited,",
    ),
    (
        "errors: [{kind: fatal}]",
        "errors.0: holds for every answer; say when it holds, by `status`, `contains` or",
    ),
    ("errors: [{kind: fatal, when: 'a ='}]", "errors.0.when: is no valid JSONata: "),
    ("secrets: ['a b']", "secrets.0: is 'a b'; it has to be the name of a field, without quotes or spaces"),
    (
        "endpoints: {users: {path: /users, method: GRAB}}",
        "endpoints.users.method: is 'GRAB'; it is one of 'GET', 'HEAD', 'POST', 'PUT', 'PATCH' or 'DELETE'",
    ),
    ("endpoints: {users: {path: users}}", "endpoints.users.path: is 'users'; it has to begin with /"),
    (
        "endpoints: {users: {path: /users, form: {a: 1}, json: {a: 1}}}",
        "endpoints.users: has both `form` and `json`; a request has one body, so keep one of them",
    ),
    (
        "endpoints: {users: {path: /users, paging: {type: pages}}}",
        "endpoints.users.paging.type: is 'pages'; it is one of none, page, offset, cursor, link, next_url, expression",
    ),
    (
        "endpoints: {users: {path: /users, paging: {type: page, sise: 5}}}",
        "endpoints.users.paging.sise: is not a known key; did you mean 'size'? known here: first, size, stop, type",
    ),
    (
        "endpoints: {users: {path: /users, paging: {type: page}}}",
        "endpoints.users: pages, but sends no {page.number}; put it into its path, query, form or json",
    ),
    (
        'endpoints: {users: {path: "/{page.number}/{page.cursor}", paging: {type: cursor, next: a}}}',
        "endpoints.users: {page.number} is not declared; known here: cursor",
    ),
    (
        'endpoints: {users: {path: "/users/{settings.sise}"}}\nsettings: {size: {title: S, type: integer}}',
        "endpoints.users: {settings.sise} is not declared; did you mean 'size'? known here: size",
    ),
    (
        'endpoints: {users: {path: "/users/{args.id}"}}',
        "endpoints.users: {args.id} is not declared; none is known",
    ),
    (
        'endpoints: {users: {path: "/users/{parent.id}"}}',
        "resources.users.read.0.endpoint: is 'users', whose path needs {parent.id}; add `parents`",
    ),
    (
        "resources: {users: {read: [{endpoint: user}]}}",
        "resources.users.read.0.endpoint: is 'user', which is no endpoint; did you mean 'users'? known here: users",
    ),
    (
        "resources: {user: {read: [{endpoint: users}]}}",
        "resources.user: is no resource of the unified model; did you",
    ),
    ("resources: {users: {read: []}}", "resources.users.read: is a list; at least one entry is needed"),
    (
        "resources: {users: {read: [{endpoint: users}, {endpoint: users, when: a}]}}",
        "resources.users.read.0: has no `when`, so that what follows is never used; put it last",
    ),
    (
        "resources: {users: {read: [{endpoint: users, rows: a, records: b}]}}",
        "resources.users.read.0: has both `rows` and `records`; `rows` takes the place of `records`",
    ),
    (
        "resources: {users: {read: [{endpoint: users, fetch: {more: {endpoint: users, each: a, id: b}}}]}}",
        "resources.users.read.0.fetch: fetches what only `rows` would see; add `rows`, or remove it",
    ),
    (
        "resources: {users: {read: [{endpoint: users, rows: a, fetch: {more: {endpoint: user, each: a, id: b}}}]}}",
        "resources.users.read.0.fetch.more.endpoint: is 'user', which is no endpoint; did you mean 'users'?",
    ),
    (
        "resources: {users: {read: [{endpoint: users, rows: a, fetch: {more: {endpoint: users, id: b}}}]}}",
        "resources.users.read.0.fetch.more.each: is missing; add it",
    ),
    (
        "resources: {users: {read: [{endpoint: users}], get: {endpoint: users, parent_id: a}}}",
        "resources.users.get.parent_id: names a parent, but no `read` has `parents`; remove it, or add them",
    ),
    (
        """
resources:
  users: {read: [{endpoint: users}]}
  courses: {read: [{endpoint: users, parents: {resource: users, id: id}}],
            get: {endpoint: users, parent: a, parent_id: b}}
""",
        "resources.courses.get: has both `parent` and `parent_id`; the parent comes from one of them, so remove",
    ),
    (
        "resources: {users: {read: [{endpoint: users, parents: {resource: courses, id: id}}]}}",
        "resources.users.read.0.parents.resource: is 'courses', which this manifest cannot read; known here: users",
    ),
    (
        "resources: {users: {read: [{endpoint: users, parents: {resource: users, id: id}}]}}",
        "resources.users.read.0.parents.resource: is 'users', which is itself read from users",
    ),
    (
        "resources: {users: {read: [{endpoint: users}], get: {endpoint: users, id: plain}}}",
        "resources.users.get.id: is 'plain'; it has to hold names in braces, such as {id} or {course}:{user}",
    ),
    (
        'resources: {users: {read: [{endpoint: users}], filters: {"sex": {args: {a: value}}}}}',
        "resources.users.filters.sex: is no filter of users; write a field, field[gt|gte|lt|lte|in]",
    ),
    (
        "resources: {users: {read: [{endpoint: users}], filters: {status: {parent: true}}}}",
        "resources.users.filters.status: restricts a fan-out, but no `read` has `parents`; say `args` instead",
    ),
    (
        "resources: {users: {read: [{endpoint: users}], filters: {status: {}}}}",
        "resources.users.filters.status: has to say either `args` or `parent: true`",
    ),
    (
        "resources: {users: {read: [{endpoint: users}], joins: {branch: {endpoint: users}}}}",
        "resources.users.joins.branch: lacks key and match, by which entries are found that are joined per connection",
    ),
    (
        "resources: {users: {read: [{endpoint: users}], joins: {b: {endpoint: users, per: parent, key: a, match: b}}}}",
        "resources.users.joins.b.per: is 'parent', but no `read` has `parents`; say connection or record",
    ),
    (
        "settings: {size: {title: S, type: integer, default: many}}",
        "settings.size.default: is 'many'; it has to be of type integer",
    ),
    (
        "settings: {size: {title: S, type: string, choices: [a, b], default: c}}",
        "settings.size.default: is 'c'; it has to be one of a, b",
    ),
    (
        "settings: {roles: {title: R, type: list, choices: [a, b], default: [a, c]}}",
        "settings.roles.default: is ('a', 'c'); it has to be one of a, b",
    ),
    (
        "settings: {zone: {title: Z, type: string, without: {note: n, fields: {users: [creation]}}}}",
        "settings.zone.without.fields.users: names 'creation', which is no field; known here:",
    ),
    (
        """
settings: {n: {title: N, type: integer, discover: {endpoint: users, value: n}}}
limits: {windows: [{requests: "{settings.n}", seconds: 5}]}
""",
        "limits.windows.0: {settings.n} is discovered later than it is needed; use a setting without `discover`",
    ),
    (
        (
            "resources: {users: {read: [{endpoint: users, slices: {of: a, args: {b: c}}, "
            "parents: {resource: courses, id: id}}]}, courses: {read: [{endpoint: users}]}}"
        ),
        "resources.users.read.0: has both `slices` and `parents`, which is read once for each of them; keep one",
    ),
    (
        "resources: {users: {read: [{endpoint: users, slices: {of: a, args: {}}}]}}",
        "resources.users.read.0.slices.args: is a mapping; at least one entry is needed",
    ),
    (
        "resources: {users: {read: [{endpoint: users}], joins: {b: {endpoint: users, where: a, key: a, match: b}}}}",
        "resources.users.joins.b.where: chooses records, but is joined per connection; say `per: record` or `when`",
    ),
    (
        "resources: {users: {read: [{endpoint: users}], gaps: [{when: a, fields: [emial], note: b}]}}",
        "resources.users.gaps.0.fields.users: names 'emial', which is no field; did you mean",
    ),
    (
        "endpoints: {users: {path: /users, needs: [a]}}",
        "endpoints.users.needs: is held against nothing; add `check.grants`, or remove it",
    ),
    (
        "check: {endpoint: users, counts_elsewhere: {users: {endpoint: nowhere, value: n}}}",
        "check.counts_elsewhere.users.endpoint: is 'nowhere', which is no endpoint; known here: users",
    ),
    ("check: {endpoint: nowhere}", "check.endpoint: is 'nowhere', which is no endpoint; known here: users"),
    (
        "resources: {users: {read: [{endpoint: users}], changed: {since: {since: value}}}}",
        "resources.users.changed: gives {args.since}, which the endpoint 'users' does not send; put it into its query",
    ),
    (
        (
            'endpoints: {users: {path: /users, query: {from: "{args.since}"}}}\n'
            "resources: {users: {read: [{endpoint: users}], changed: {since: {since: value}, until: {to: value}}}}"
        ),
        "resources.users.changed: gives {args.to}, which the endpoint 'users' does not send; put it into its query",
    ),
    (
        (
            'endpoints: {users: {path: /users, query: {from: "{args.since}"}}}\n'
            "resources: {users: {read: [{endpoint: users}], changed: {since: {since: value}, id: id}}}"
        ),
        "resources.users.changed.id: names records that are read one by one; add `get`, which says how",
    ),
    (
        (
            'endpoints: {users: {path: /users, query: {from: "{args.since}"}}, courses: {path: /courses}}\n'
            "resources: {courses: {read: [{endpoint: courses}]}, users: {get: {endpoint: users}, read: [{parents: "
            "{resource: courses, id: id}, endpoint: users}], changed: {since: {since: value}, id: id}}}"
        ),
        "resources.users.changed.id: names records that lie under parents; add `get.parent`, which finds",
    ),
    (
        "resources: {users: {read: [{endpoint: users}], deleted: record.gone}}",
        "resources.users.deleted: says which records are deleted; add `identify`, which says what their ids are",
    ),
]


@pytest.mark.parametrize(("text", "sentence"), WRONG)
def test_wrong_manifests(text: str, sentence: str) -> None:
    """A wrong manifest is refused by one sentence: file, key, what was found, what would be right."""
    with pytest.raises(ManifestError) as raised:
        manifest_of(text)
    assert len(raised.value.problems) == 1
    assert raised.value.problems[0].startswith(f"example.yaml: {sentence}")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: [", "example.yaml: line 1: is no YAML that can be read: "),
        ("- a", "example.yaml: is no mapping; begin with `provider: example`"),
        ("", "example.yaml: is no mapping; begin with `provider: example`"),
        ("a: 1\nb: 2\na: 3", "example.yaml: line 3: is no YAML that can be read: the key 'a' stands twice"),
        ("yes: 1", "example.yaml: line 1: is no YAML that can be read: the key True is no text"),
        ("a: !!python/name:os.system x", "example.yaml: line 1: is no YAML that can be read: "),
        ("a: \x00", "example.yaml: holds characters that YAML does not allow"),
    ],
)
def test_texts_that_are_no_manifest(text: str, sentence: str) -> None:
    """What cannot even be read says where; nothing is executed, and no key silently replaces another."""
    with pytest.raises(ManifestError) as raised:
        parse_manifest(text, "example.yaml")
    assert raised.value.problems[0].startswith(sentence)


def test_everything_that_is_wrong_is_listed() -> None:
    """Several faults are found in one go."""
    with pytest.raises(ManifestError) as raised:
        manifest_of("secerts: []\ntitle: 5\nauth: [{type: x}]")
    assert len(raised.value.problems) == 3


def test_own_folders_come_first(tmp_path: Path) -> None:
    """A user's manifest goes before the shipped one of the same name, without touching it."""
    (tmp_path / "talentlms.yaml").write_text("provider: talentlms")
    (tmp_path / "mine.yaml").write_text("provider: mine")
    assert manifest_path("talentlms", [tmp_path]) == tmp_path / "talentlms.yaml"
    assert "mine" in provider_names([tmp_path])
    assert "mine" not in provider_names()


def test_a_manifest_that_was_edited_is_read_again(tmp_path: Path) -> None:
    """Writing a manifest is trying it out: the next load sees what was saved."""
    file = tmp_path / "mine.yaml"
    text = (
        "provider: mine\ntitle: {}\nauth: [{{type: header, name: a, value: b}}]\nendpoints: {{u: {{path: /u}}}}\n"
        "resources: {{users: {{read: [{{endpoint: u}}]}}}}"
    )
    file.write_text(text.format("One"))
    assert load_manifest("mine", [tmp_path]).title == "One"
    file.write_text(text.format("Other"))
    assert load_manifest("mine", [tmp_path]).title == "Other"


def test_an_unknown_provider_is_named_with_the_known_ones() -> None:
    """A slip in a provider's name is told with what there is."""
    with pytest.raises(ManifestError, match="there is no provider 'talentlm'; did you mean 'talentlms'"):
        load_manifest("talentlm")


@pytest.mark.parametrize("provider", provider_names())
def test_shipped_manifests_are_valid(provider: str) -> None:
    """Every manifest that comes with the connector loads."""
    assert load_manifest(provider).provider == provider


def test_what_may_be_repeated() -> None:
    """GET is repeatable unless the manifest says otherwise, everything else only if it does."""
    endpoints = manifest_of(
        """
endpoints:
  users: {path: /users}
  remove: {path: /remove, repeatable: false}
  create: {path: /create, method: POST}
  search: {path: /search, method: POST, repeatable: true}
"""
    ).endpoints
    assert {name: endpoint.may_repeat for name, endpoint in endpoints.items()} == {
        "users": True,
        "remove": False,
        "create": False,
        "search": True,
    }
