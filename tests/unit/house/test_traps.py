"""The list of the loading library's traps is one of tests that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

LISTED = re.compile(r"`(test_\w+\.py)::(test_\w+)`")


def test_every_listed_trap_has_its_test(root: Path) -> None:
    """Each test that the list in `test_dlt_traps.py` names is in the file that it names."""
    folder = root / "tests" / "integration"
    listed = LISTED.findall(ast.get_docstring(ast.parse((folder / "test_dlt_traps.py").read_text())) or "")
    missing = [name for file, name in listed if f"def {name}(" not in (folder / file).read_text()]
    assert listed
    assert not missing
