"""The report as a file: opened from disk without a network, it is accessible, quiet and fits any window."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from grid_runs import as_json, write_grid_run
from pages import CHROMIUM, DESKTOP, LEAST_CONTRAST, PHONE, Open
from playwright.sync_api import Page, expect

from atp_ray.measures.plans import record_of
from atp_ray.report.comparing import compare_runs
from atp_ray.report.html.compare_page import comparison_page
from atp_ray.report.html.page import write_page
from atp_ray.report.html.run_page import sweep_page
from atp_ray.storage.run_folder import read_manifest

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
    pytest.mark.xdist_group("live"),
]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
PLAN = """
name: both
grid: appendix_b
seeds: 1
hypotheses:
  - {name: lower, base: a, checkpoint: b, measure: first_round, direction: lower}
"""
HOSTILE = "<script>alert(1)</script></pre><img src=x onerror=alert(2)>\u202e\x00" + "word" * 500


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of two checkpoints whose replies are hostile, with everything a report can hold."""
    run = write_grid_run(
        tmp_path_factory.mktemp("run"),
        "appendix_b",
        checkpoints=("policy:quantal", "policy:refrain"),
        settings=["scenarios=info_sharing,hunting_game", "thresholds=[4]"],
        says=lambda choice: f"<think>{HOSTILE}</think> {HOSTILE} {as_json(choice)}",
        chance=0.5,
        plan=record_of(PLAN, {}, []).model_dump(),
        costs={"dollars": 1.25, "by checkpoint": {"policy:quantal": {"tokens": 0}}},
    )
    return write_page(sweep_page(run, read_manifest(run), date(2030, 1, 2)), run / "report.html")


@pytest.fixture(scope="module")
def comparison(report: Path) -> Path:
    """The page that compares the checkpoints of the same run."""
    run = report.parent
    page = comparison_page(compare_runs([(run, "run")]), [("run", read_manifest(run))], date(2030, 1, 2))
    return write_page(page, run / "comparison.html")


@pytest.mark.parametrize("which", ["report", "comparison"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_report_is_accessible_folded_and_unfolded(
    which: str,
    request: pytest.FixtureRequest,
    open_file: Open,
    viewport: dict[str, int],
    shot: Callable[[Page, str], None],
) -> None:
    page = open_file(viewport, offline=True)
    page.goto(request.getfixturevalue(which).as_uri())
    shot(page, f"{which}_{viewport['width']}")
    page.evaluate(AXE_SCRIPT)
    for unfolded in (False, True):
        if unfolded:
            page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
        if viewport == PHONE and not unfolded:
            continue  # as on a desktop; unfolded it is longest, and narrowest
        found = page.evaluate("(tags) => axe.run({ runOnly: tags, resultTypes: ['violations'] })", RULES)
        assert found["passes"], "axe looked at nothing"
        assert [(rule["id"], node["html"][:200]) for rule in found["violations"] for node in rule["nodes"]] == []
        worst = page.evaluate(LEAST_CONTRAST)
        assert worst["ratio"] >= 4.5, worst


def test_a_report_is_read_by_keyboard_and_printed_without_what_is_folded(report: Path, open_file: Open) -> None:
    page = open_file(DESKTOP, offline=True)
    page.goto(report.as_uri())
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the report")).to_be_focused()
    expect(page.get_by_role("link", name="Skip to the report")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    for image in page.locator("figure img").all():
        assert image.evaluate("(image) => image.complete && image.naturalWidth > 100")
    page.emulate_media(media="print")
    expect(page.get_by_role("navigation")).to_be_hidden()
    expect(page.get_by_role("heading", name="Question and answer")).to_be_visible()
    expect(page.locator("details:not([open])").first).to_be_hidden()
    assert page.pdf(format="A4").count(b"/Type /Page\n") > 3
