"""How long the first page of the dashboard takes: 5 years of equity, 10,000 trades, a browser that has never been here; in seconds.

    python benchmarks/dashboard.py [TRADES] [TIMES]

From the moment the address is entered until equity, drawdown and positions are drawn, and until the chart that follows the mouse has taken the
place of the drawing; API, dashboard and Chromium share this machine.
"""

import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from api_settings import settings_in
from chromium import chromium, visiting
from dashboard_journal import fill
from served import serving

from journal import Journal
from services.api.app import create_app

COMMAND = "import sys; from scripts import cli; sys.exit(cli.run(['serve', 'dashboard', *sys.argv[1:]]))"
PICTURE, POSITIONS, CHART = ".curve img", "[aria-label=Positions] td", ".js-plotly-plot .main-svg .trace"


def main(trades: int, times: int) -> None:
    """Fill a journal, open the page so many times, and print the median and the worst."""
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_in(Path(folder))
        with Journal(settings.journal) as journal:
            fill(journal, trades=trades)
        with serving(create_app(settings, rate=0)) as api, _dashboard(api, folder) as process:
            address = process.stdout.readline().strip()
            with chromium() as browser:
                measured = [_seconds(browser, address) for _ in range(times)]
            process.send_signal(signal.SIGTERM)
    for name, seconds in zip(("first page", "interactive"), zip(*measured, strict=True), strict=True):
        print(f"{name} with {trades:,} trades: median {statistics.median(seconds):.2f} s, worst {max(seconds):.2f} s of {times}")


def _dashboard(api: str, folder: str) -> subprocess.Popen[str]:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = str(one.getsockname()[1])
    clean = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-c", COMMAND, "--port", port, "--api", api], cwd=folder, env=clean, text=True, stdout=subprocess.PIPE)


def _seconds(browser: object, address: str) -> tuple[float, float]:
    with visiting(browser) as page:
        began = time.perf_counter()
        page.goto(address, wait_until="commit")
        for wanted in (PICTURE, POSITIONS):
            page.wait_for_selector(wanted)
        first = time.perf_counter() - began
        page.wait_for_selector(CHART)
        return first, time.perf_counter() - began


if __name__ == "__main__":
    main(*(int(each) for each in [*sys.argv[1:], *("10000", "10")[len(sys.argv) - 1 :]]))
