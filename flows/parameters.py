"""The types of the flows' parameters: Prefect refuses what does not fit, and draws its form from them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

ConnectionName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*_?$")]
"""The name of a section `[connections.NAME]`."""
ResourceName = Literal["users", "courses", "course_items", "course_enrollments"]
"""One of the model's resources."""
Share = Annotated[float, Field(ge=0, le=1)]
"""A share of records, 0 to 1."""
DestinationName = Literal["duckdb", "postgres"]
"""Where a warehouse may be."""
TableName = Annotated[str, Field(pattern=r"^([A-Za-z_][A-Za-z0-9_]*\.)?[A-Za-z_][A-Za-z0-9_]*$")]
"""A table or view of the warehouse, as name or schema.name."""
