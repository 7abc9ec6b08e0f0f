"""The report in a real browser: Debian's `chromium`, where there is one."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.unit.pipelines.report_rows import CHARTS, MADE_AT, ROWS

pytest.importorskip("plotly", reason="plotly, which is an extra, is not installed")

from pipelines.report_page import page

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--virtual-time-budget=8000",
    "--enable-logging=stderr", "--dump-dom",
)  # fmt: skip


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed: apt-get install chromium")
def test_the_page_draws_every_chart(tmp_path: Path) -> None:
    """Each chart becomes a picture under the page's own policy, without an error in the console; no title is run."""
    file = tmp_path / "report.html"
    file.write_text(page(ROWS, ROWS["whole"][0], MADE_AT), "utf-8")
    command = [str(BROWSER), *_FLAGS, f"--user-data-dir={tmp_path / 'profile'}", file.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    drawn = re.findall(r'id="chart-(\w+)" role="img"[^>]*><div class="plot-container', done.stdout)
    assert drawn == list(CHARTS)
    assert "CONSOLE" not in done.stderr
    assert "onerror" not in re.sub(r"&lt;.*?&gt;|<script.*?</script>", "", done.stdout, flags=re.DOTALL)
