"""Who can read the page: keyboard, labels, phones, contrast, hostile text, large grids."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from pages import (
    CHROMIUM,
    LEAST_CONTRAST,
    PHONE,
    Open,
    get,
    new_simulation,
    play_live,
    post,
    status_of,
    tab_to,
)
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")


def test_keyboard_is_enough(open_page: Open, service: str) -> None:
    page = open_page()
    page.goto(service)
    expect(page.get_by_role("button", name="Create simulation")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    tab_to(page, "#name")
    page.keyboard.type("by keys")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="by keys")).to_be_visible()
    expect(status_of(page)).to_have_text("finished")
    expect(page.locator("main")).to_be_focused()

    tab_to(page, "[role=grid]")
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "End", "ArrowLeft", "Enter"):
        page.keyboard.press(key)
    panel = page.get_by_role("dialog", name="Seat 1")
    expect(panel.get_by_role("heading", name="Reply in round 2")).to_be_visible()
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(page.get_by_role("grid")).to_be_focused()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    tab_to(page, "#what-if-kind")  # the grid lets go of the keyboard
    page.keyboard.press("Shift+Tab")
    expect(page.locator("#what-if-seeds")).to_be_focused()
    tab_to(page, "button.danger:has-text('Delete')", back=True)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="No")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="New simulation")).to_be_visible()
    expect(page.get_by_role("navigation", name="Simulations")).not_to_contain_text("by keys")


def test_keys_pressed_faster_than_the_page_is_drawn_all_count(open_page: Open, service: str) -> None:
    made = new_simulation(service)
    play_live(service, made)
    page = open_page()
    page.goto(f"{service}#/simulations/{made}")
    expect(page.get_by_role("gridcell").first).to_be_visible()
    keys = ["ArrowRight", "ArrowRight", "ArrowDown", "End", "ArrowLeft", "Enter"]
    page.get_by_role("grid").evaluate(
        "(grid, keys) => keys.forEach((key) => grid.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true})))",
        keys,
    )
    expect(page.get_by_role("dialog").get_by_role("heading", name="Reply in round")).to_have_text("Reply in round 2")
    expect(page.get_by_role("dialog", name="Seat 1")).to_be_visible()


def test_every_field_has_a_label_and_the_page_its_landmarks(open_page: Open, service: str) -> None:
    made = new_simulation(service)
    page = open_page()
    for place in ("", f"#/simulations/{made}", "#/compare"):
        page.goto(service + place)
        expect(page.locator("main form").first).to_be_visible()
        unnamed = "[...document.querySelectorAll('input, select, textarea')].filter((field) => !field.labels.length)"
        assert page.evaluate(f"{unnamed}.map((field) => field.outerHTML)") == []
        for landmark in ("banner", "main"):
            expect(page.get_by_role(landmark)).to_have_count(1)  # type: ignore[arg-type]
        ids = page.evaluate("[...document.querySelectorAll('[id]')].map((element) => element.id)")
        assert len(ids) == len(set(ids))


def test_phone_needs_no_sideways_scroll(open_page: Open, service: str, shot: Callable[[Page, str], None]) -> None:
    made = new_simulation(service, name="A name that is rather long for so narrow a screen " * 2, rounds=40)
    play_live(service, made)
    page = open_page(PHONE, is_mobile=True, has_touch=True)
    for name, place in {"home": "", "simulation": f"#/simulations/{made}", "compare": "#/compare"}.items():
        page.goto(service + place)
        expect(page.locator("main form").first).to_be_visible()
        if name == "simulation":
            expect(page.locator(".cell[data-round='40']").first).to_be_visible()
            assert page.evaluate(
                "(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)(document.querySelector('.grid'))"
            )
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"], name
        shot(page, f"phone_{name}")
    page.goto(f"{service}#/simulations/{made}")
    page.locator("#cell-1-39").tap()
    expect(page.get_by_role("dialog", name="Seat 1").locator(".reply")).to_be_visible()
    shot(page, "phone_panel")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_light_and_dark(
    open_page: Open, service: str, shot: Callable[[Page, str], None], scheme: Any
) -> None:
    made = new_simulation(service, name=f"in the {scheme}", rounds=6, monitors=[{"kind": "first_success"}])
    play_live(service, made, until=3)
    post(service, f"v1/simulations/{made}/interventions", {"kind": "quarantine", "seats": [1]})
    page = open_page(color_scheme=scheme)
    for name, place in {"home": "", "simulation": f"#/simulations/{made}"}.items():
        page.goto(service + place)
        expect(page.locator("main form").first).to_be_visible()
        worst = page.evaluate(LEAST_CONTRAST)
        assert worst["ratio"] >= 4.5, worst
        shot(page, f"{scheme}_{name}")
    page.locator("#cell-1-1").click()
    expect(page.locator(".reply")).to_be_visible()
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", ground))) < 384) == (scheme == "dark")


def test_hostile_text_stays_text(open_page: Open, service: str) -> None:
    name, reply = "<img src=x onerror=alert(1)>", "<script>document.title='owned'</script>"
    made = new_simulation(service, name=name, rounds=3)
    play_live(service, made, until=1)
    edit = {"kind": "edit_memory", "seat": 2, "round": 1, "reply": reply}
    post(service, f"v1/simulations/{made}/interventions", edit)
    post(service, f"v1/simulations/{made}/interventions", {"kind": "broadcast", "text": name})
    page = open_page()
    page.goto(f"{service}#/simulations/{made}")
    title = page.title()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    expect(page.locator(".log")).to_contain_text(name)
    page.locator("#cell-2-1").click()
    expect(page.locator(".memory pre", has_text=reply)).to_have_count(1)
    expect(page.locator(".memory pre", has_text=name)).to_have_count(1)
    assert page.locator("img").count() == 0
    assert page.title() == title


def test_large_grid_draws_only_what_is_seen(open_page: Open, service: str) -> None:
    made = new_simulation(service, scenario="public_fund", n_agents=64, threshold=32, rounds=120, visibility="counts")
    play_live(service, made)
    page = open_page()
    page.goto(f"{service}#/simulations/{made}")
    expect(page.get_by_role("grid")).to_have_attribute("aria-colcount", "121")
    expect(page.locator("#cell-0-120")).to_be_visible()
    assert page.locator(".cell[data-round]").count() < 64 * 120 / 4
    page.get_by_role("grid").focus()
    page.keyboard.press("Control+End")
    expect(page.locator("#cell-63-120")).to_be_in_viewport()
    page.keyboard.press("Control+Home")
    expect(page.locator("#cell-0-1.chosen")).to_be_visible()


def test_grid_follows_the_newest_round_until_somebody_scrolls_back(open_page: Open, service: str) -> None:
    made = new_simulation(service, scenario="public_fund", n_agents=8, threshold=4, rounds=140)
    page = open_page()
    page.goto(f"{service}#/simulations/{made}")
    grid = page.get_by_role("grid")
    play_live(service, made, until=80)
    grid.scroll_into_view_if_needed()
    expect(page.locator("#cell-0-80")).to_be_in_viewport()
    # A browser may tell of a scroll only after still more rounds have widened the grid.
    grid.evaluate("""(box) => {
        box.firstElementChild.style.width = "9000px";
        box.dispatchEvent(new Event("scroll"));
    }""")
    play_live(service, made, until=110)
    expect(page.locator("#cell-0-110")).to_be_in_viewport()
    grid.evaluate("(box) => { box.scrollLeft = 200; }")
    expect(page.locator("#cell-0-9")).to_be_in_viewport()
    play_live(service, made, until=140)
    expect(grid).to_have_attribute("aria-colcount", "141")
    expect(page.locator("#cell-0-9")).to_be_in_viewport()
    expect(page.locator("#cell-0-140")).to_have_count(0)


def test_page_is_not_in_the_api_document(service: str) -> None:
    paths = get(service, "openapi.json")["paths"]
    assert [path for path in paths if not path.startswith("/v1/")] == []
    for path in ("static/../pages.py", "static/%2e%2e/simulation_api/pages.py"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(service + path)
