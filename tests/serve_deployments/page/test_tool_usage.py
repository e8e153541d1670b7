"""Tool usage on the page: made with its own fields, watched, its costs told."""

from __future__ import annotations

import re

import pytest
from live_service import HostedService
from pages import CHROMIUM, DESKTOP, WAIT_MS, figure_of
from playwright.sync_api import Browser, expect
from support import needs_isolation

pytestmark = [pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"), needs_isolation]


def test_problems_are_chosen_with_the_form_and_their_solutions_read(
    browser: Browser, tiny_service: HostedService, shot
) -> None:
    page = browser.new_page(viewport=DESKTOP)
    page.set_default_timeout(WAIT_MS)
    page.goto(f"{tiny_service.url}/")
    page.get_by_label("Scenario").select_option("maths")
    expect(page.get_by_role("group", name="Tool-usage")).to_be_visible()
    expect(page.get_by_label("Threshold")).to_have_count(0)
    page.get_by_label("Name").fill("sums")
    page.get_by_label("Rounds", exact=True).fill("2")
    page.get_by_role("button", name="Create simulation").click()
    expect(figure_of(page, "Round")).to_have_text("2 of 2")
    expect(figure_of(page, "Tool cost")).to_have_text("3")
    page.get_by_role("gridcell").first.click()
    panel = page.get_by_role("dialog", name="Seat 0")
    expect(panel.get_by_text(re.compile(r"boxed|<output>")).first).to_be_visible()
    expect(panel.get_by_text(re.compile("experience")).first).to_be_visible()
    shot(page, "tool_usage")
    page.close()
