"""The wheel: what a user who installs the project without a checkout gets."""

from __future__ import annotations

import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest
from hatchling.builders.wheel import WheelBuilder

DATA = {".yaml", ".jsonata"}


@pytest.fixture(scope="module")
def contents(root: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The names in the wheel that hatchling builds from this checkout."""
    (wheel,) = WheelBuilder(str(root)).build(
        directory=str(tmp_path_factory.mktemp("wheel")), versions=["standard"]
    )
    with ZipFile(wheel) as archive:
        return archive.namelist()


def test_every_manifest_and_mapping_is_shipped(contents: list[str], files: list[Path], root: Path) -> None:
    """A provider works from the installed package: its YAML and JSONata are in the wheel."""
    data = {
        path.relative_to(root).as_posix()
        for path in files
        if path.suffix in DATA and path.relative_to(root).parts[0] in ("mappings", "sources")
    }
    assert {Path(name).suffix for name in data} == DATA
    assert data <= set(contents)


def test_the_dbt_project_is_shipped(contents: list[str], files: list[Path], root: Path) -> None:
    """`lms transform` and `lms report` work from the installed package: what they read is in the wheel."""
    project = {
        name for path in files if (name := path.relative_to(root).as_posix()).startswith("dbt_project/")
    }
    assert project
    assert project | {"pipelines/report.html"} <= set(contents)


def test_every_module_is_shipped(contents: list[str], modules: list[Path], root: Path) -> None:
    """No package is forgotten in pyproject.toml's list."""
    assert {path.relative_to(root).as_posix() for path in modules} <= set(contents)


def test_only_the_packages_are_shipped(contents: list[str], root: Path) -> None:
    """Tests, documentation and what a run leaves behind stay out of other people's site-packages."""
    build = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    tops = {name.split("/")[0] for name in contents if ".dist-info/" not in name}
    assert tops <= set(build["targets"]["wheel"]["packages"])


def test_the_licence_is_shipped(contents: list[str]) -> None:
    """Apache-2.0 asks for a copy of it with every copy of the work."""
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in contents)
