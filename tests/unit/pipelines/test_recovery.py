"""What is told of a load that failed."""

from __future__ import annotations

from pipelines.recovery import explain


def test_explanation_quotes_no_row() -> None:
    """Databases quote the row that they refuse: of it only kinds of errors, states and columns of ours are told."""
    error = ValueError(
        'NotNullViolation: null value in column "username" of relation "users" DETAIL: Failing row contains '
        "(ann@example.com, Ann). SQLSTATE: 23502"
    )
    assert explain(error) == "ValueError, NotNullViolation, SQLSTATE 23502, column username"
