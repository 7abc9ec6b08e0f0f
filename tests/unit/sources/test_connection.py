"""Connections as dlt's configuration has them: from files and from the environment, leaf by leaf."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from sources.unified_lms.connection import Connection, Rhythm, connection_names, load_connection
from sources.unified_lms.errors import ConnectionConfigError

Write = Callable[..., None]
GOOD = """
[connections.acme]
provider = "talentlms"
base_url = "https://acme.talentlms.com/"
"""
SECRETS = """
[connections.acme.credentials]
api_key = "planted-key"
"""


@pytest.fixture
def write(tmp_path: Path, reload_dlt_configuration: Callable[[], None]) -> Write:
    """Writes config.toml and secrets.toml."""

    def put(config: str = GOOD, secrets: str = SECRETS) -> None:
        folder = tmp_path / ".dlt"
        folder.mkdir(exist_ok=True)
        (folder / "config.toml").write_text(config)
        (folder / "secrets.toml").write_text(secrets)
        reload_dlt_configuration()

    return put


def problems(name: str = "acme") -> list[str]:
    """What is wrong with a connection."""
    with pytest.raises(ConnectionConfigError) as raised:
        load_connection(name)
    return list(raised.value.problems)


def test_a_connection_from_files(write: Write) -> None:
    """Provider and settings from config.toml, credentials from secrets.toml; the slash at the end is dropped."""
    write(GOOD + '[connections.acme.settings]\ntimezone = "Europe/London"\npage_size = 500\nbranches = false')
    assert load_connection("acme") == Connection(
        "acme",
        "talentlms",
        "https://acme.talentlms.com",
        {"api_key": "planted-key"},  # type: ignore[dict-item]
        {"timezone": "Europe/London", "page_size": 500, "branches": False},
        token_folder=Path(os.environ["DLT_DATA_DIR"]) / "unified_lms" / "tokens",
    )


def test_how_incremental_runs_go(write: Write) -> None:
    """An hour of overlap and a whole run every seven days, unless the section says otherwise."""
    write(GOOD)
    assert load_connection("acme").sync == Rhythm(timedelta(hours=1), timedelta(days=7))
    write(GOOD + "[connections.acme.sync]\noverlap_minutes = 5\nfull_every_days = 0")
    assert load_connection("acme").sync == Rhythm(timedelta(minutes=5), timedelta(0))
    write(GOOD + "[connections.acme.sync]\noverlap_minutes = -1\nfull_every = 7")
    assert problems() == [
        (
            "connections.acme.sync.full_every is not known to talentlms; did you mean 'full_every_days'? "
            "known here: full_every_days, overlap_minutes"
        ),
        "connections.acme.sync.overlap_minutes is -1; it has to be a number, 0 or more",
    ]


def test_the_folder_of_tokens_is_configurable(write: Write, tmp_path: Path) -> None:
    """A worker that does not keep its disk names a folder that it does."""
    write(GOOD + f'[tokens]\nfolder = "{tmp_path}/kept"')
    assert load_connection("acme").token_folder == tmp_path / "kept"


def test_a_connection_of_the_environment_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container needs no file; numbers and truth values of variables get their type."""
    values = {
        "PROVIDER": "talentlms",
        "BASE_URL": "https://acme.talentlms.com",
        "CREDENTIALS__API_KEY": "planted-key",
        "SETTINGS__PAGE_SIZE": "500",
        "SETTINGS__BRANCHES": "no",
        "KEEP_RAW": "true",
    }
    for key, value in values.items():
        monkeypatch.setenv(f"CONNECTIONS__ACME_EU__{key}", value)
    found = load_connection("acme_eu")
    assert connection_names() == ["acme_eu"]
    assert (found.settings, found.keep_raw) == ({"page_size": 500, "branches": False}, True)
    assert found.credentials == {"api_key": "planted-key"}


def test_a_variable_goes_before_a_file(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each value is looked up by itself, in dlt's order."""
    write()
    monkeypatch.setenv("CONNECTIONS__ACME__CREDENTIALS__API_KEY", "other-key")
    found = load_connection("acme")
    assert found.credentials["api_key"] == "other-key"
    assert found.base_url == "https://acme.talentlms.com"


def test_names_from_files_and_environment(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are listed; a variable of another kind makes no connection."""
    write()
    monkeypatch.setenv("CONNECTIONS__ZETA__PROVIDER", "talentlms")
    monkeypatch.setenv("CONNECTIONS__NOPE__BASE_URL", "https://a.example")
    assert connection_names() == ["acme", "zeta"]


@pytest.mark.parametrize(
    ("given", "found"),
    [("[]", ()), ("TaEnrollment, StudentEnrollment", ("TaEnrollment", "StudentEnrollment"))],
)
def test_a_list_of_a_variable(given: str, found: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries are separated by commas or stand in JSON, where a list may be empty."""
    canvas(monkeypatch, given)
    assert load_connection("acme").settings["enrollment_types"] == found


def test_an_entry_of_a_list_that_is_not_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt type of enrolments would filter all of them away; it is refused with those that there are."""
    canvas(monkeypatch, "StudentEnrolment")
    [problem] = problems()
    assert (
        "enrollment_types is 'StudentEnrolment'; it has to have no other entries than StudentEnrollment"
        in problem
    )


def test_no_way_to_authorise_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where several ways to authorise are possible, half of one is wrong configuration and not a failed run."""
    canvas(monkeypatch, "[]")
    monkeypatch.delenv("CONNECTIONS__ACME__CREDENTIALS__ACCESS_TOKEN")
    monkeypatch.setenv("CONNECTIONS__ACME__CREDENTIALS__CLIENT_ID", "planted-client")
    [problem] = problems()
    assert problem == (
        "connections.acme.credentials are incomplete; give client_id and client_secret and refresh_token, or "
        "access_token; for each put `<name>` into [connections.acme.credentials] of .dlt/secrets.toml, or set "
        "CONNECTIONS__ACME__CREDENTIALS__<NAME>"
    )


def canvas(monkeypatch: pytest.MonkeyPatch, enrollment_types: str) -> None:
    """A connection to Canvas in the environment alone."""
    prefix = "CONNECTIONS__ACME__"
    monkeypatch.setenv(f"{prefix}PROVIDER", "canvas")
    monkeypatch.setenv(f"{prefix}BASE_URL", "https://acme.instructure.com")
    monkeypatch.setenv(f"{prefix}CREDENTIALS__ACCESS_TOKEN", "planted-token")
    monkeypatch.setenv(f"{prefix}SETTINGS__ENROLLMENT_TYPES", enrollment_types)


def test_no_credential_shows(write: Write) -> None:
    """Neither in the repr nor in a formatted text."""
    write()
    found = load_connection("acme")
    assert "planted" not in f"{found} {found!r} {found.credentials!r}"


def test_a_missing_credential_is_named_with_its_places(write: Write) -> None:
    """Both places where it can be put are told."""
    write(secrets="")
    [problem] = problems()
    assert problem == (
        "connections.acme.credentials.api_key (API key) is missing; put `api_key` into "
        "[connections.acme.credentials] of .dlt/secrets.toml, or set CONNECTIONS__ACME__CREDENTIALS__API_KEY"
    )


def test_an_empty_variable_is_a_missing_value(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret store that fills in nothing is not an empty password."""
    write(secrets="")
    monkeypatch.setenv("CONNECTIONS__ACME__CREDENTIALS__API_KEY", "")
    assert "api_key (API key) is missing" in problems()[0]


@pytest.mark.parametrize(
    ("addition", "problem"),
    [
        ("bse_url = 1", "connections.acme.bse_url is not a known key; did you mean 'base_url'?"),
        (
            "[connections.acme.credentials]\napikey = 1",
            "connections.acme.credentials.apikey is not known to talentlms",
        ),
        (
            "[connections.acme.settings]\ntimezon = 1",
            "connections.acme.settings.timezon is not known to talentlms; did",
        ),
        (
            "[connections.acme.network]\nproxi = 1",
            "connections.acme.network.proxi is not known to talentlms; did",
        ),
        ("settings = 1", "connections.acme.settings has to be a section: [connections.acme.settings]"),
        ("keep_raw = 7", "connections.acme.keep_raw has to be true or false"),
        (
            '[connections.acme.settings]\ntimezone = "Mars"',
            "connections.acme.settings.timezone is 'Mars'; it has to be",
        ),
        (
            '[connections.acme.settings]\ndate_format = "d"',
            "connections.acme.settings.date_format is 'd'; it has to be",
        ),
        (
            "[connections.acme.settings]\npage_size = 1.5",
            "connections.acme.settings.page_size is 1.5; it has to be a",
        ),
        (
            "[connections.acme.settings]\npage_size = 0",
            "connections.acme.settings.page_size is 0; it has to be at least",
        ),
        (
            "[connections.acme.settings]\npage_size = true",
            "connections.acme.settings.page_size is True; it has to be",
        ),
        (
            '[connections.acme.settings]\nbranches = "maybe"',
            "connections.acme.settings.branches has to be true or",
        ),
        (
            '[connections.acme.network]\nproxy = "nowhere"',
            "connections.acme.network.proxy is no HTTP proxy's address",
        ),
        (
            '[connections.acme.network]\nproxy = "socks5://127.0.0.1:1080"',
            "connections.acme.network.proxy is no HTTP proxy's address",
        ),
        (
            '[connections.acme.network]\nca_bundle = "/nope"',
            "connections.acme.network.ca_bundle names '/nope', which",
        ),
    ],
)
def test_wrong_values(addition: str, problem: str, write: Write) -> None:
    """Each is refused by its key, with what would be right."""
    write(GOOD + addition)
    found = problems()
    assert len(found) == 1
    assert found[0].startswith(problem)


def test_an_unknown_variable_is_refused(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slip in a variable's name would otherwise be without effect for ever."""
    write()
    monkeypatch.setenv("CONNECTIONS__ACME__SETTINGS__TIMEZON", "Europe/London")
    assert problems()[0].startswith("connections.acme.settings.timezon is not known to talentlms")


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        (
            "http://acme.talentlms.com",
            "begins with http://, over which credentials can be read; write https://",
        ),
        ("acme.talentlms.com", "is no address; write it such as https://acme.example.com"),
        ("https://", "is no address"),
        ("https://a b.example", "is no address"),
        ("https://acme.example.com:port", "is no address"),
        ("ftp://acme.example.com", "is no address"),
        ("https://planted:planted@acme.example.com", "holds a user or a password; remove it"),
        ("https://acme.example.com/?planted=1", "has a query or a fragment"),
        ("http://127.0.0.1.example.com", "begins with http://"),
    ],
)
def test_wrong_addresses(url: str, problem: str, write: Write) -> None:
    """An address is https, with host and perhaps a path; it is not repeated in the error, for it may hold a secret."""
    write(GOOD.replace("https://acme.talentlms.com/", url))
    found = problems()
    assert found[0].startswith(f"connections.acme.base_url {problem}")
    assert "planted" not in found[0]


@pytest.mark.parametrize(
    "url",
    [
        "https://learn.example.com",
        "https://a.example:8443/moodle",
        "http://localhost:8000",
        "http://127.0.0.1:1",
        "http://[::1]:1",
    ],
)
def test_right_addresses(url: str, write: Write) -> None:
    """A mapped domain, a port, a prefix of the path, and this machine without encryption."""
    write(GOOD.replace("https://acme.talentlms.com/", url))
    assert load_connection("acme").base_url == url


def test_everything_that_is_wrong_is_listed(write: Write) -> None:
    """Several faults are told in one go."""
    write(GOOD.replace("https", "http") + "x = 1", secrets="")
    assert len(problems()) == 3


def test_an_unknown_connection(write: Write) -> None:
    """A slip in a connection's name is told with what there is."""
    write()
    assert problems("acmee")[0].startswith(
        "there is no connection 'acmee' (did you mean 'acme'? known here: acme);"
    )


@pytest.mark.parametrize("name", ["Acme", "a__b", "1a", "", "a.b", "a-b", "a\n"])
def test_names_that_are_none(name: str) -> None:
    """A name has to fit into a section and into a variable."""
    assert "is no name for a connection" in problems(name)[0]


def test_an_unknown_provider(write: Write) -> None:
    """The error names the key as well as the providers there are."""
    write(GOOD.replace('"talentlms"', '"talentlm"'))
    assert problems()[0].startswith(
        "connections.acme.provider: there is no provider 'talentlm'; did you mean"
    )


def test_a_provider_of_ones_own(write: Write, tmp_path: Path) -> None:
    """A folder named by the connection holds a manifest that did not come with the connector."""
    (tmp_path / "mine.yaml").write_text(
        "provider: mine\ntitle: Mine\nauth: [{type: header, name: a, value: b}]\nendpoints: {u: {path: /u}}\n"
        "resources: {users: {read: [{endpoint: u}]}}\napi: {base_url: https://api.example.com}\n"
    )
    write(f'[connections.acme]\nprovider = "mine"\nfolders = ["{tmp_path}"]', secrets="")
    found = load_connection("acme")
    assert (found.provider, found.base_url, found.folders) == ("mine", "https://api.example.com", (tmp_path,))
