"""The report's page: it holds its figures twice, shows titles and never runs them, and asks for nothing."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from pipelines import report as module
from pipelines.environment import Target
from pipelines.report import write_report
from pipelines.report_charts import label
from pipelines.transform import MissingExtra
from sources.unified_lms.errors import ConfigurationError
from tests.unit.pipelines.report_rows import CHARTS, HOSTILE, MADE_AT, ROWS

pytest.importorskip("plotly", reason="plotly, which is an extra, is not installed")

from pipelines.report_page import page


class Parsed(HTMLParser):
    """The tags of a page with their attributes, and the text outside of scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self._silent = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes a tag."""
        self.tags.append((tag, dict(attrs)))
        self._silent = tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        """Goes on after a script."""
        self._silent = False

    def handle_data(self, data: str) -> None:
        """Keeps what a reader reads."""
        if not self._silent:
            self.text.append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of each such tag."""
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def text() -> str:
    """The page of the rows."""
    return page(ROWS, ROWS["whole"][0], MADE_AT)


@pytest.fixture(scope="module")
def parsed(text: str) -> Parsed:
    """The same, parsed."""
    return Parsed(text)


def test_titles_are_shown_and_not_run(parsed: Parsed) -> None:
    """A title that is markup stands in the page as text, and makes neither a tag nor an end of a script."""
    assert HOSTILE in "".join(parsed.text)
    assert parsed.named("img") == []
    assert len(parsed.named("script")) == 3


def test_labels_of_charts_are_text_too() -> None:
    """plotly.js reads markup in labels: what a title holds of it is escaped, and a long one is cut to two lines."""
    assert unescape(label("a <b>b</b> & c")) == "a <b>b</b> & c"
    assert "<b>" not in label("a <b>b</b> & c")
    lines = label("one two three four five six seven eight nine ten").split("<br>")
    assert len(lines) == 2
    assert max(map(len, lines)) <= 18


def test_the_page_forbids_itself_every_request(parsed: Parsed) -> None:
    """No address is loaded, and the policy would refuse it."""
    [policy] = [
        meta["content"]
        for meta in parsed.named("meta")
        if meta.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy
    assert "default-src 'none'" in policy
    assert "http" not in policy
    assert [a for tag in ("script", "img", "iframe") for a in parsed.named(tag) if "src" in a] == []
    assert parsed.named("link") == []


def test_every_chart_has_a_name_a_sentence_and_a_table(parsed: Parsed) -> None:
    """A screen reader is told what a chart shows, and finds its figures in rows with headings."""
    ids = {attributes["id"] for _, attributes in parsed.tags if "id" in attributes}
    charts = [div for div in parsed.named("div") if div.get("role") == "img"]
    assert [str(div["id"]) for div in charts] == [f"chart-{name}" for name in CHARTS]
    for div in charts:
        assert set(str(div["aria-labelledby"]).split()) <= ids
    assert len(parsed.named("table")) == len(CHARTS) + 1
    assert len(parsed.named("caption")) == len(parsed.named("table"))
    assert {th["scope"] for th in parsed.named("th")} == {"col", "row"}


def test_figures_stand_in_the_tables(parsed: Parsed) -> None:
    """What the marts say is on the page, nothing is rounded to something else, and nothing is none."""
    read = " ".join(parsed.text)
    for figure in ("25%", "3.5", "12%", "1,234", "2026-03-02 09:30", "23%", "11 of 25 fields", "enrolments"):
        assert figure in read
    assert "Never read whole: users of north." in read
    assert "4 enrolments and 1 mandatory course are overdue." in read


def test_overdue_is_counted_by_what_is_overdue(parsed: Parsed) -> None:
    """The summary and the table tell overdue enrolments from overdue mandatory learning, which has no enrolment."""
    read = " ".join(" ".join(parsed.text).split())
    assert "Enrolments overdue 4 Mandatory overdue 1" in read
    assert "Enrolments Enrolments overdue Mandatory Mandatory overdue Compliance" in read


def test_it_is_readable_on_a_phone_and_by_language(text: str, parsed: Parsed) -> None:
    """The page says its width, language and title, and has one main heading."""
    assert parsed.named("html") == [{"lang": "en"}]
    assert any(meta.get("name") == "viewport" for meta in parsed.named("meta"))
    assert len(parsed.named("h1")) == 1
    assert len(parsed.named("h2")) == 6
    assert "<title>" in text


def test_an_empty_warehouse_makes_a_page() -> None:
    """Without enrolments there are sentences instead of charts."""
    empty: dict[str, Any] = {name: [] for name in ROWS} | {"freshness": ROWS["freshness"]}
    whole = dict.fromkeys(ROWS["whole"][0]) | {"as_of_date": MADE_AT.date()}
    made = Parsed(page(empty, whole, MADE_AT))
    assert "Nobody is enrolled yet." in " ".join(made.text)
    assert [div for div in made.named("div") if div.get("role") == "img"] == []


def test_without_marts_it_says_what_to_build(tmp_path: Path) -> None:
    """The remedy is a command."""
    with pytest.raises(ConfigurationError, match="lms transform"):
        write_report(Target("duckdb", "lms", str(tmp_path / "none.duckdb")), tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()


def test_without_plotly_it_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """plotly is an extra, and the sentence names it."""
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=re.escape("pip install 'unified-lms[report]'")):
        write_report(Target("duckdb", "lms", "none.duckdb"), tmp_path / "report.html")
