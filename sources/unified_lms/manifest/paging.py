"""How an endpoint pages: one model for each way, told apart by `type`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from sources.unified_lms.manifest.parts import Jsonata, Part, Stop, Whole


class NoPaging(Part):
    """The endpoint answers everything at once."""

    type: Literal["none"] = "none"


class PageNumbers(Part):
    """`{page.number}` counts from `first`; `{page.size}` is how many records are asked for."""

    type: Literal["page"]
    first: int = 1
    size: Whole = 100
    stop: Stop = "empty"


class Offsets(Part):
    """`{page.offset}` counts records or pages from 0; `{page.size}` is how many records are asked for."""

    type: Literal["offset"]
    size: Whole = 100
    unit: Literal["records", "pages"] = "records"
    stop: Stop = "empty"


class Cursor(Part):
    """`{page.cursor}`, null for the first page, is what `next` finds in the body; none ends the reading."""

    type: Literal["cursor"]
    next: Jsonata


class LinkHeader(Part):
    """The next page is in the header `Link` (RFC 8288)."""

    type: Literal["link"]
    rel: str = "next"


class NextUrl(Part):
    """The next page's address, whole or relative, is what `next` finds in the body."""

    type: Literal["next_url"]
    next: Jsonata


class Computed(Part):
    """`next` makes the next page's `{page.*}` from `{body, headers, page}`, null after the last; `first` is given."""

    type: Literal["expression"]
    first: dict[str, Any] = Field(default_factory=dict)
    next: Jsonata


Paging = Annotated[
    NoPaging | PageNumbers | Offsets | Cursor | LinkHeader | NextUrl | Computed, Field(discriminator="type")
]
"""How an endpoint pages."""
