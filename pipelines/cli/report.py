"""`lms report`: the marts as one page with pictures."""

from __future__ import annotations

from pathlib import Path

import click

from pipelines.cli.group import common, prepare_dlt, warehouse_options
from pipelines.output import print_json, say


@click.command("report", short_help="Write the marts as one HTML page with charts.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    default=Path("report.html"),
    show_default=True,
    help="The file to write; an older one is replaced.",
)
@warehouse_options
@common
def report(output: Path, destination: str | None, dataset: str | None, as_json: bool) -> None:
    """Writes one HTML file: completion by course, the funnel, overdue, activity, freshness and coverage of the data.

    The file holds everything that it shows and asks for nothing over the network. It names no learner. Needs the marts,
    which lms transform builds, and plotly, which is an extra: pip install 'unified-lms[report]'.

    \b
    Example:
      lms report --output learning.html
    """
    prepare_dlt()
    from pipelines.environment import target
    from pipelines.report import write_report

    written = write_report(target(destination, dataset), output)
    if as_json:
        print_json({"file": str(output), "made_at": written.made_at, **written.rows})
    else:
        say(f"{output}: {output.stat().st_size / 1e6:.1f} MB, as of {written.whole['as_of_date']}")
