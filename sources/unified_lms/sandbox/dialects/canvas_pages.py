"""Pages of the Canvas sandbox: at most so many records, and links to the next and the first page.

Some lists count their pages, others have bookmarks that nobody is to understand. There is no link to the last page,
which the vendor leaves out where counting costs too much.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any
from urllib.parse import urlencode

import orjson

from sources.unified_lms.sandbox.dialects.canvas_options import CanvasOptions

Query = list[tuple[str, str]]
_DEFAULT = 10
"""Records in a page where nobody says how many."""


class CanvasPages:
    """Cuts lists into the pages that are asked for."""

    def __init__(self, options: CanvasOptions) -> None:
        """Cuts for one Canvas."""
        self._options = options

    def cut(self, found: list[Any], query: Query, *, bookmarks: bool) -> tuple[list[Any], dict[str, str]]:
        """The page of a list that a query asks for, and for each relation of `Link` the query of that page."""
        size = self._size(query)
        given = [value for name, value in query if name == "page"]
        start, empty = _parse(given[-1] if given else "", size, bookmarks=bookmarks)
        if empty:
            return [], self._links(query, size, bookmarks, {"next": (start, False)})
        links = {"first": (0, False)}
        if start + size < len(found):
            links["next"] = (start + size, self._options.empty_pages and start == 0)
        return found[start : start + size], self._links(query, size, bookmarks, links)

    def _size(self, query: Query) -> int:
        given = [int(value) for name, value in query if name == "per_page" and value.isdigit()]
        return max(1, min(given[-1] if given else _DEFAULT, self._options.max_per_page))

    def _links(
        self, query: Query, size: int, bookmarks: bool, pages: dict[str, tuple[int, bool]]
    ) -> dict[str, str]:
        """Everything that was asked, and the page; never an access token."""
        kept = [(name, value) for name, value in query if name not in ("page", "access_token")]
        shown = {
            rel: _bookmark(start, empty) if bookmarks else str(start // size + 1)
            for rel, (start, empty) in pages.items()
        }
        return {rel: urlencode([*kept, ("page", page)]) for rel, page in shown.items()}


def _parse(page: str, size: int, *, bookmarks: bool) -> tuple[int, bool]:
    """Where a page begins, and whether it is the one without records; whatever else is asked for is the first."""
    if not bookmarks:
        return (max(1, int(page)) - 1) * size if page.isdigit() else 0, False
    try:
        start, empty = orjson.loads(urlsafe_b64decode(page.removeprefix("bookmark:")))
        return int(start), bool(empty)
    except (ValueError, TypeError):
        return 0, False


def _bookmark(start: int, empty: bool) -> str:
    return "bookmark:" + urlsafe_b64encode(orjson.dumps([start, empty])).decode()
