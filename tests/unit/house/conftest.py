"""What the tests of the house share: the checkout's root and the files in it that count."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def root() -> Path:
    """The root folder of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def files(root: Path) -> list[Path]:
    """Every file that is committed or would be by `git add .`; skips where there is no git checkout."""
    if not (root / ".git").exists():
        pytest.skip("not a git checkout: which files belong to the project cannot be told")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, capture_output=True, check=True, text=True).stdout
    return [path for name in sorted(set(listed.split("\0")) - {""}) if (path := root / name).is_file()]


@pytest.fixture(scope="session")
def modules(files: list[Path], root: Path) -> list[Path]:
    """The Python files of the packages."""
    packages = ("mappings", "sources", "pipelines", "flows")
    return [path for path in files if path.suffix == ".py" and path.relative_to(root).parts[0] in packages]
