"""The figures of the report. Colours are told apart in grey and by the colour-blind as well (Okabe and Ito's)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from textwrap import wrap
from typing import Any

BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
MOST_BARS = 25
"""Bars in a chart; the table beside it has every row."""
_LINE = 18
"""Characters in a line of a label."""

Rows = Sequence[dict[str, Any]]
Figure = dict[str, Any]


def completion(courses: Rows) -> Figure:
    """A bar a course: the share of its learners that has completed."""
    shown = list(courses[:MOST_BARS])[::-1]
    text = [f"{row['completed_learners']} of {row['learners']}" for row in shown]
    bars = _bars(
        [label(row["course_title"]) for row in shown], [row["completion_rate"] for row in shown], BLUE, text
    )
    return _figure([bars], height=_height(shown), xaxis={"tickformat": ".0%", "range": [0, 1.12]})


def funnel(stages: Rows) -> Figure:
    """The stages from assigned to completed, a colour for each connection."""
    names = list(dict.fromkeys(row["connection_id"] for row in stages))
    traces = [
        {
            "type": "funnel",
            "name": escape(name),
            "y": [row["stage"].capitalize() for row in stages if row["connection_id"] == name],
            "x": [row["learners"] for row in stages if row["connection_id"] == name],
            "textinfo": "value+percent initial",
            "marker": {"color": colour(index)},
        }
        for index, name in enumerate(names)
    ]
    return _figure(traces, height=320, showlegend=len(names) > 1, yaxis={"automargin": True})


def overdue(organizations: Rows) -> Figure:
    """Overdue enrolments and overdue duties, organisation by organisation."""
    shown = [row for row in organizations if row["overdue_enrollments"] or row["mandatory_overdue"]][
        :MOST_BARS
    ][::-1]
    labels = [label(row["organization_name"] or "No organisation") for row in shown]
    traces = [
        _bars(labels, [row[key] for row in shown], color, [str(row[key]) for row in shown]) | {"name": name}
        for key, name, color in (
            ("overdue_enrollments", "Overdue enrolments", ORANGE),
            ("mandatory_overdue", "Overdue mandatory learning", RED),
        )
    ]
    return _figure(traces, height=_height(shown, 2), barmode="group", showlegend=True)


def activity(months: Rows) -> Figure:
    """What was begun and completed, month by month."""
    days = [row["month_starts_on"].isoformat() for row in months]
    traces = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": name.capitalize(),
            "x": days,
            "y": [int(row[name]) for row in months],
            "line": {"color": color, "dash": dash},
            "marker": {"symbol": symbol, "size": 7},
        }
        for name, color, dash, symbol in (
            ("enrolled", BLUE, "solid", "circle"),
            ("started", ORANGE, "dash", "square"),
            ("completed", GREEN, "dot", "diamond"),
        )
    ]
    return _figure(traces, height=340, showlegend=True, xaxis={"type": "date"}, yaxis={"rangemode": "tozero"})


def coverage(rows: Rows, resources: Mapping[str, str]) -> Figure:
    """The share of the model's fields that any record of a resource has; `resources` has the names to show."""
    shown = list(rows)[::-1]
    labels = [label(f"{row['connection_id']}: {resources[row['resource']]}") for row in shown]
    shares = [row["fields_filled"] / row["fields"] for row in shown]
    text = [f"{row['fields_filled']} of {row['fields']}" for row in shown]
    bars = _bars(labels, shares, GREEN, text)
    return _figure([bars], height=_height(shown), xaxis={"tickformat": ".0%", "range": [0, 1.12]})


def label(text: str) -> str:
    """A label of at most two short lines, so that bars keep room on a phone; the table has the text whole.

    plotly.js reads markup in labels, and titles are people's own: what they hold of it is shown and not read.
    """
    lines = wrap(text, _LINE, max_lines=2, placeholder=" …") or [""]
    return "<br>".join(escape(line, quote=False) for line in lines)


def colour(index: int) -> str:
    """One of four colours, over and over."""
    return (BLUE, ORANGE, GREEN, RED)[index % 4]


def _bars(labels: Sequence[str], values: Sequence[Any], color: str, text: Sequence[str]) -> dict[str, Any]:
    # Two courses may share a title: the place keeps their bars apart, and the ticks have the titles.
    return {
        "type": "bar",
        "orientation": "h",
        "x": [float(value or 0) for value in values],
        "y": list(range(len(labels))),
        "text": list(text),
        "textposition": "outside",
        "cliponaxis": False,
        "marker": {"color": color},
        "customdata": list(labels),
        "hovertemplate": "%{customdata}: %{text}<extra></extra>",
    }


def _height(shown: Sequence[Any], bars: int = 1) -> int:
    return 90 + max(1, len(shown)) * (18 + 14 * bars)


def _figure(traces: list[dict[str, Any]], **layout: Any) -> Figure:
    """Data and layout; the axis of horizontal bars takes its ticks from their labels."""
    first = traces[0]
    if first["type"] == "bar":
        ticks = {
            "tickmode": "array",
            "tickvals": first["y"],
            "ticktext": first["customdata"],
            "automargin": True,
        }
        layout["yaxis"] = ticks
    common = {
        "margin": {"l": 8, "r": 16, "t": 8, "b": 36},
        "font": {"family": "system-ui, sans-serif", "size": 13, "color": "#1b1b1b"},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "legend": {"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
        "dragmode": False,
        "showlegend": False,
    }
    return {"data": traces, "layout": common | layout}
