"""Overlay files: where they are found, when they are read, and that none is silently left out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import fsspec
import pytest

from sources.unified_lms.connection import Connection, load_connection, manifest_of
from sources.unified_lms.errors import ConnectionConfigError
from sources.unified_lms.manifest.changes import Change
from sources.unified_lms.run import resource_mapping

Put = Callable[..., None]


@pytest.fixture
def put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Put:
    """Writes a file into `shared` (the environment's folder) or `own` (the connection's), which are configured."""
    for variable, value in {
        "CONNECTIONS__ACME__PROVIDER": "talentlms",
        "CONNECTIONS__ACME__BASE_URL": "https://acme.talentlms.com",
        "CONNECTIONS__ACME__CREDENTIALS__API_KEY": "planted",
        "CONNECTIONS__ACME__MAPPINGS__FOLDER": "own",
        "MAPPINGS__FOLDER": "shared",
    }.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.chdir(tmp_path)
    for folder in ("own", "shared"):
        (tmp_path / folder).mkdir()

    def write(file: str, text: str) -> None:
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")

    return write


def problems() -> str:
    """What is wrong with the connection."""
    with pytest.raises(ConnectionConfigError) as raised:
        load_connection("acme")
    return str(raised.value)


def digest(connection: Connection, resource: str = "users") -> str:
    """The digest of the mapping in force."""
    return resource_mapping(manifest_of(connection), resource, connection).digest


def test_both_levels_are_read(put: Put) -> None:
    """The environment's first, then the connection's."""
    put("shared/talentlms/users.yaml", "job_title: record.custom_field_1")
    put("own/talentlms/users.yaml", "name: record.login")
    found = load_connection("acme").overlays.mappings["users"]
    assert [(one.level, one.file) for one in found] == [
        ("environment", "shared/talentlms/users.yaml"),
        ("connection", "own/talentlms/users.yaml"),
    ]


def test_without_files_there_is_no_overlay(put: Put) -> None:
    """Empty folders change nothing."""
    assert load_connection("acme").overlays.mappings == {}


def test_a_changed_file_is_read_by_the_next_run_and_changes_its_digest(put: Put) -> None:
    """Nothing has to be installed or restarted; the digest of other resources stays."""
    before = load_connection("acme")
    put("own/talentlms/users.yaml", "job_title: record.custom_field_1")
    after = load_connection("acme")
    assert digest(after) != digest(before)
    assert digest(after, "courses") == digest(before, "courses")
    put("own/talentlms/users.yaml", "job_title: record.custom_field_2")
    assert digest(load_connection("acme")) != digest(after)


def test_overlays_of_another_provider_are_left_alone(put: Put) -> None:
    """An environment's folder serves several providers."""
    put("shared/canvas/users.yaml", "no such field: 1")
    assert load_connection("acme").overlays.mappings == {}


def test_any_address_of_fsspec_is_a_folder(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    """Object storage for instance; here fsspec's own memory, read anew each time."""
    monkeypatch.setenv("MAPPINGS__FOLDER", "memory://overlays")
    memory = fsspec.filesystem("memory")
    try:
        for expression in ("record.a", "record.b"):
            memory.pipe("/overlays/talentlms/users.yaml", f"name: {expression}".encode())
            [overlay] = load_connection("acme").overlays.mappings["users"]
            assert overlay.file == "memory://overlays/talentlms/users.yaml"
            assert overlay.entries[0].expression == expression
    finally:
        memory.rm("/overlays", recursive=True)


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        ("own/talentlms/user.yaml", "own/talentlms/user.yaml: is no overlay; did you mean users.yaml?"),
        ("own/talentlms/users.yml", "own/talentlms/users.yml: is no overlay; did you mean users.yaml?"),
        ("own/users.yaml", "own/users.yaml: belongs into the folder of a provider, talentlms/users.yaml"),
        ("own/talentlsm/users.yaml", "own/talentlsm: is no provider's folder; did you mean talentlms?"),
        (
            "own/talentlms/users.yaml",
            "own/talentlms/users.yaml: nmae: users have no such field; did you mean name?",
        ),
    ],
)
def test_no_file_is_silently_left_out(put: Put, file: str, sentence: str) -> None:
    """A slip in a name would be an overlay that does nothing."""
    put(file, "nmae: record.x")
    assert sentence in problems()


@pytest.mark.parametrize(
    ("folder", "sentence"),
    [
        ("nowhere", "there is no folder nowhere; make it, or name another"),
        ("nonsense://bucket", "nonsense://bucket cannot be read: fsspec knows no such kind of address"),
        ("memory://user:word@nowhere?sig=word", "there is no folder memory://nowhere"),
    ],
)
def test_a_folder_that_cannot_be_read_ends_the_run(
    put: Put, monkeypatch: pytest.MonkeyPatch, folder: str, sentence: str
) -> None:
    """Going on without it would map otherwise; what could be a credential is not shown."""
    monkeypatch.setenv("CONNECTIONS__ACME__MAPPINGS__FOLDER", folder)
    assert sentence in problems()
    assert "word" not in problems()


def test_unknown_keys_of_both_sections_are_refused(
    put: Put, reload_dlt_configuration: Callable[[], None]
) -> None:
    """With the one that is known."""
    put(".dlt/config.toml", '[mappings]\nfolders = "x"\n[connections.acme.mappings]\npath = "x"')
    reload_dlt_configuration()
    assert "mappings.folders is not a known key; did you mean 'folder'?" in problems()
    assert "connections.acme.mappings.path is not known to talentlms; known here: folder" in problems()


def test_an_overlay_changes_a_few_keys_of_the_manifest(put: Put) -> None:
    """Page sizes, query parameters, defaults of settings, skips and concurrency; the connection goes before."""
    put("shared/talentlms/manifest.yaml", "settings.page_size.default: 250\nlimits.concurrency: 2")
    put("own/talentlms/manifest.yaml", "limits.concurrency: 1\nendpoints.courses.query.include: [a, b]")
    manifest = manifest_of(load_connection("acme"))
    assert manifest.settings["page_size"].default == 250
    assert manifest.limits.concurrency == 1
    assert manifest.endpoints["courses"].query["include"] == ["a", "b"]


def test_a_changed_manifest_changes_every_digest(put: Put) -> None:
    """Which resource a parameter concerns is not said, so each is read whole again."""
    before = load_connection("acme")
    put("own/talentlms/manifest.yaml", "endpoints.courses.query.include: [a]")
    after = load_connection("acme")
    assert digest(after) != digest(before)
    assert after.overlays.changes == (
        Change("endpoints.courses.query.include", ["a"], "own/talentlms/manifest.yaml"),
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "api.base_url: https://elsewhere.example",
            "api.base_url: cannot be changed by an overlay; what can be",
        ),
        ("endpoints.courses.path: /x", "endpoints.courses.path: cannot be changed by an overlay"),
        ("endpoints.coursess.query.a: 1", "there is no 'coursess' in endpoints; did you mean 'courses'?"),
        ("settings.page_sise.default: 1", "there is no 'page_sise' in settings; did you mean 'page_size'?"),
        ("resources.users.skip: [{when: 'record.('}]", "own/talentlms/manifest.yaml: resources.users.skip.0"),
        ("limits.concurrency: 1000", "own/talentlms/manifest.yaml: limits.concurrency: "),
        (
            "endpoints.courses.query.a: '{credentials.word}'",
            "own/talentlms/manifest.yaml: endpoints.courses: {credentials.word} is not declared",
        ),
        ("limits.concurrency: 1\nlimits.concurrency: 2", "stands twice"),
        ("- limits", "is no mapping; write lines of `key: value`"),
    ],
)
def test_other_changes_of_the_manifest_are_refused(put: Put, text: str, sentence: str) -> None:
    """Where requests go and how they are authorised is not a customer's to change; the rest is checked as ever."""
    put("own/talentlms/manifest.yaml", text)
    assert sentence in problems()
