"""requirements.lock: what it must hold so that an installation works."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version


@pytest.fixture
def pinned(root: Path) -> dict[str, list[Version]]:
    """The versions that the lock pins, by package; several where they depend on the platform."""
    found: dict[str, list[Version]] = {}
    for line in (root / "requirements.lock").read_text().splitlines():
        if line and not line.lstrip().startswith("#"):
            requirement = Requirement(line)
            (pin,) = requirement.specifier
            assert pin.operator == "==", line
            found.setdefault(canonicalize_name(requirement.name), []).append(Version(pin.version))
    return found


@pytest.fixture
def wanted(root: Path) -> list[Requirement]:
    """Every dependency that pyproject.toml declares, those of the extras as well."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    return [
        Requirement(text)
        for text in [*project["dependencies"], *(text for extra in extras for text in extra)]
    ]


def test_every_declared_dependency_is_pinned_to_a_version_it_allows(
    pinned: dict[str, list[Version]], wanted: list[Requirement]
) -> None:
    """The lock was written from this pyproject.toml, not from an older one."""
    wrong = [
        str(requirement)
        for requirement in wanted
        if not (versions := pinned.get(canonicalize_name(requirement.name)))
        or not all(requirement.specifier.contains(version, prereleases=True) for version in versions)
    ]
    assert not wrong, "run `make lock`"


@pytest.mark.parametrize(
    "bound",
    [
        pytest.param("dbt-core>=1.11,<1.12", id="dbt-core 1.12 downloads from elsewhere while it builds"),
        pytest.param("prefect==3.8.8", id="prefect 3.9 does not resolve"),
        pytest.param("fastapi>=0.139,<0.151", id="newer fastapi makes deployments fail"),
        pytest.param("sqlalchemy<2.1", id="with sqlalchemy 2.1 no schedule ever fires"),
        pytest.param("dlt==1.31.*", id="what DESIGN says of dlt was tried on 1.31"),
        pytest.param("duckdb>=2,<3", id="what DESIGN says of duckdb was tried on 2.0"),
    ],
)
def test_versions_known_not_to_work_are_not_pinned(pinned: dict[str, list[Version]], bound: str) -> None:
    """A new lock cannot bring back what was found broken."""
    requirement = Requirement(bound)
    assert all(version in requirement.specifier for version in pinned[requirement.name])


def test_the_rust_engine_with_the_reference_engines_module_name_is_absent(
    pinned: dict[str, list[Version]],
) -> None:
    """jsonata-rs installs over jsonata-python's module `jsonata`: never both."""
    assert "jsonata-python" in pinned
    assert "jsonata-rs" not in pinned


def test_the_lock_names_no_place_to_fetch_from(root: Path) -> None:
    """No host, no index, no file: where packages come from is the installing machine's business."""
    text = (root / "requirements.lock").read_text()
    assert not re.search(r"://|--(extra-)?index|--find-links|(^|\s|@ ?)/\w", text)
