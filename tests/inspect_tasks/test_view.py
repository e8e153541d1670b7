"""Exported logs in Inspect's own viewer, in a real browser."""

import subprocess
import sys
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from inspect_runs import needs_inspect, write_sweep
from live_service import free_port
from pages import CHROMIUM, DESKTOP, QUIET, WAIT_MS
from playwright.sync_api import expect, sync_playwright
from support import play, wait_until
from times import dear_start

from atp_ray.report.__main__ import main
from atp_ray.storage.tables import read_table

pytestmark = [needs_inspect, pytest.mark.dear, pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")]


def answers(url: str) -> bool:
    try:
        return urlopen(url, timeout=5).status == 200
    except (URLError, OSError):
        return False


def test_inspect_view_shows_rates_and_transcripts(tmp_path: Path) -> None:
    write_sweep(tmp_path, {"checkpoints": ["policy:quantal"], "thresholds": [4], "scenarios": "info_sharing"}, play)
    main(["export", str(tmp_path), "--to", "inspect"])
    rate = read_table(tmp_path, "cells").to_pylist()[0]["deviant_rate"]
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    command = [sys.executable, "-m", "inspect_ai", "view", "start", "--host", "127.0.0.1", "--port", str(port)]
    viewer = subprocess.Popen([*command, "--log-dir", str(tmp_path / "export-inspect")])
    try:
        wait_until(lambda: answers(url), "inspect view to answer")
        expect.set_options(timeout=WAIT_MS)
        with sync_playwright() as runner:
            with dear_start("browser"):
                browser = runner.chromium.launch(executable_path=CHROMIUM, args=QUIET)
            page = browser.new_page(viewport=DESKTOP)
            page.set_default_timeout(WAIT_MS)
            elsewhere = []
            page.on("request", lambda request: elsewhere.append(request.url) if url not in request.url else None)
            page.goto(url)
            body = page.locator("body")
            expect(body).to_contain_text("games n8-t4-g1")
            expect(body).to_contain_text(f"{rate:.3f}")
            page.get_by_text("info_sharing/seat-0").first.click()
            expect(body).to_contain_text("If at least 4 of all 8 (50%) share information")
            expect(body).to_contain_text("round 3", ignore_case=True)
            page.screenshot(path=tmp_path / "sample.png")
            browser.close()
    finally:
        viewer.terminate()
        viewer.wait()
    assert (tmp_path / "sample.png").stat().st_size > 20_000
    assert [asked for asked in elsewhere if not asked.startswith(("data:", "blob:"))] == []
