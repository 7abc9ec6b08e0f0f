"""The report as one HTML file: headings, sentences, charts, and for each chart its figures as a table.

What a chart shows stands in a sentence and a table as well: nothing is lost without sight, scripts or colour.
The page forbids itself every request (its own Content-Security-Policy).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from html import escape
from pathlib import Path
from typing import Any

from pipelines import report_charts as charts

Rows = Sequence[dict[str, Any]]

_TEMPLATE = Path(__file__).with_name("report.html")
_RESOURCES = {
    "users": "users",
    "courses": "courses",
    "course_items": "course items",
    "course_enrollments": "enrolments",
}


@dataclass(frozen=True)
class Section:
    """A chart with the sentence that says what it shows, and its figures."""

    key: str
    title: str
    sentence: str
    figure: charts.Figure | None
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


def page(rows: Mapping[str, Rows], whole: Mapping[str, Any], made_at: datetime) -> str:
    """The page's text."""
    from plotly.offline import get_plotlyjs

    sections = list(_sections(rows))
    figures = {section.key: section.figure for section in sections if section.figure}
    parts = {
        "summary": _summary(whole, rows),
        "as_of": _cell(whole["as_of_date"]),
        "made_at": f"{made_at:%Y-%m-%d %H:%M} UTC",
        "sections": "\n".join(_section(section) for section in sections),
        "figures": json.dumps(figures, default=str).replace("<", "\\u003c"),
        "plotly": get_plotlyjs().replace("</script", "<\\/script"),
    }
    # Not a format string: scripts and styles are full of braces.
    first, *pieces = _TEMPLATE.read_text("utf-8").split("<!--[")
    return first + "".join(parts[name] + rest for name, rest in (piece.split("]-->", 1) for piece in pieces))


def _sections(rows: Mapping[str, Rows]) -> Iterable[Section]:
    yield _completion(rows["courses"])
    yield _funnel(rows["funnel"])
    yield _overdue(rows["organizations"])
    yield _activity(rows["activity"])
    yield _freshness(rows["freshness"])
    yield _coverage(rows["coverage"])


def _completion(courses: Rows) -> Section:
    more = f" The {charts.MOST_BARS} largest are drawn." if len(courses) > charts.MOST_BARS else ""
    best = max(courses, key=lambda row: row["completion_rate"] or 0, default=None)
    sentence = "No course has learners yet."
    if best:
        sentence = (
            f"{len(courses)} courses have learners; the highest rate is {_percent(best['completion_rate'])}, "
            f"in {best['course_title']}.{more}"
        )
    return Section(
        "completion",
        "Completion by course",
        sentence,
        charts.completion(courses) if courses else None,
        ("Course", "Connection", "Learners", "Completed", "Rate", "Median days", "Overdue", "Dropped off"),
        [
            (
                row["course_title"], row["connection_id"], row["learners"], row["completed_learners"],
                _percent(row["completion_rate"]), _number(row["median_days_to_complete"]), row["overdue_learners"],
                _percent(row["drop_off_rate"]),
            )
            for row in courses
        ],
    )  # fmt: skip


def _funnel(stages: Rows) -> Section:
    ends = [row for row in stages if row["stage"] == "completed"]
    said = [f"{_percent(row['share_of_assigned'])} in {row['connection_id']}" for row in ends]
    return Section(
        "funnel",
        "From assigned to completed",
        f"Of those who were assigned a course, completed: {', '.join(said)}."
        if said
        else "Nobody is enrolled yet.",
        charts.funnel(stages) if stages else None,
        ("Connection", "Stage", "Learners", "Of the assigned"),
        [(r["connection_id"], r["stage"], r["learners"], _percent(r["share_of_assigned"])) for r in stages],
    )


def _overdue(organizations: Rows) -> Section:
    late = sum(row["overdue_enrollments"] for row in organizations)
    duties = sum(row["mandatory_overdue"] for row in organizations)
    return Section(
        "overdue",
        "Overdue by organisation",
        f"{_counted(late, 'enrolment')} and {_counted(duties, 'mandatory course')} are overdue.",
        charts.overdue(organizations) if late or duties else None,
        (
            "Organisation", "Connection", "Enrolments", "Enrolments overdue", "Mandatory", "Mandatory overdue",
            "Compliance",
        ),
        [
            (
                row["organization_name"] or "No organisation", row["connection_id"], row["enrollments"],
                row["overdue_enrollments"], row["mandatory"], row["mandatory_overdue"],
                _percent(row["compliance_rate"]),
            )
            for row in organizations
        ],
    )  # fmt: skip


def _activity(months: Rows) -> Section:
    done = int(sum(row["completed"] for row in months))
    return Section(
        "activity",
        "Activity over time",
        f"{_counted(done, 'completion')} in the two years up to the last activity, month by month."
        if months
        else "Nothing has happened yet.",
        charts.activity(months) if months else None,
        ("Month", "Enrolled", "Started", "Completed"),
        [
            (
                f"{row['month_starts_on']:%Y-%m}",
                int(row["enrolled"]),
                int(row["started"]),
                int(row["completed"]),
            )
            for row in months
        ],
    )


def _freshness(resources: Rows) -> Section:
    never = [row for row in resources if row["last_read_whole_at"] is None]
    oldest = min((row["last_read_whole_at"] for row in resources if row["last_read_whole_at"]), default=None)
    said = (
        f"The oldest whole reading is of {_cell(oldest)}." if oldest else "Nothing has been read whole yet."
    )
    if never:
        said += f" Never read whole: {', '.join(_of(row) for row in never)}."
    return Section(
        "freshness",
        "How fresh the data are",
        said,
        None,
        ("Connection", "Provider", "Resource", "Records", "Read whole", "Last run", "Rejected"),
        [
            (
                row["connection_id"], row["provider"], _RESOURCES[row["resource"]], row["records_present"],
                row["last_read_whole_at"], row["last_run_status"], row["last_run_records_rejected"],
            )
            for row in resources
        ],
    )  # fmt: skip


def _coverage(resources: Rows) -> Section:
    filled = sum(int(row["fields_filled"]) for row in resources)
    fields = sum(int(row["fields"]) for row in resources)
    return Section(
        "coverage",
        "Which fields the providers fill",
        f"{filled} of {fields} fields hold something in at least one record.",
        charts.coverage(resources, _RESOURCES) if resources else None,
        ("Connection", "Resource", "Fields filled", "Fields", "Filled on average"),
        [
            (
                r["connection_id"],
                _RESOURCES[r["resource"]],
                int(r["fields_filled"]),
                r["fields"],
                _percent(r["average_share"]),
            )
            for r in resources
        ],
    )


def _summary(whole: Mapping[str, Any], rows: Mapping[str, Rows]) -> str:
    tiles = (
        ("Enrolments", whole["learners"]),
        ("Completion rate", _percent(whole["completion_rate"])),
        ("Enrolments overdue", whole["overdue_learners"]),
        ("Mandatory overdue", sum(row["mandatory_overdue"] for row in rows["organizations"])),
        ("Connections", len({row["connection_id"] for row in rows["freshness"]})),
    )
    return "\n".join(f"<div><dt>{name}</dt><dd>{_cell(value)}</dd></div>" for name, value in tiles)


def _section(section: Section) -> str:
    key, title, sentence = section.key, escape(section.title), escape(section.sentence)
    chart = f'<div class="chart" id="chart-{key}" role="img" aria-labelledby="{key} said-{key}"></div>'
    table = _table(section)
    hidden = f"<details><summary>The figures as a table</summary>{table}</details>"
    return (
        f'<section aria-labelledby="{key}"><h2 id="{key}">{title}</h2><p id="said-{key}">{sentence}</p>'
        f"{chart + hidden if section.figure else table if section.rows else ''}</section>"
    )


def _table(section: Section) -> str:
    numbers = [any(_is_number(row[index]) for row in section.rows) for index in range(len(section.columns))]
    marks = [' class="number"' if number else "" for number in numbers]
    named = zip(section.columns, marks, strict=True)
    head = "".join(f'<th scope="col"{mark}>{escape(name)}</th>' for name, mark in named)
    body = "".join(_table_row(row, marks) for row in section.rows)
    caption = f"<caption>{escape(section.title)}</caption>"
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(section.title)}, as a table">'
        f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _table_row(row: Sequence[Any], marks: Sequence[str]) -> str:
    first, *others = row
    cells = "".join(f"<td{mark}>{_cell(value)}</td>" for value, mark in zip(others, marks[1:], strict=True))
    return f'<tr><th scope="row">{_cell(first)}</th>{cells}</tr>'


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) or (
        isinstance(value, str) and value.rstrip("%").replace(".", "").isdigit()
    )


def _cell(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, date):
        return value.isoformat()
    return f"{value:,}" if isinstance(value, int) else escape(str(value))


def _percent(share: float | None) -> str:
    return "none" if share is None else f"{share:.0%}"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:,.1f}"


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def _of(row: Mapping[str, Any]) -> str:
    return f"{_RESOURCES[row['resource']]} of {row['connection_id']}"
