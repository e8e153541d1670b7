"""The dashboard in a real browser against the real service."""

from __future__ import annotations

import json
import os
import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from live_service import READ_TOKEN, LiveService, wait_until_over
from support import PATIENCE_S, wait_until
from times import dear_start

from atp_ray.client import Client

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright  # noqa: E402

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
WAIT_MS = 1000 * PATIENCE_S
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 375, "height": 812}
LABEL = "policy:* is no language model"
# The least contrast between any text in sight and what it stands on.
LEAST_CONTRAST = """() => {
    const channels = (text) => text.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
        .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const ground = (el) => {
        for (let at = el; at; at = at.parentElement) {
            const color = channels(getComputedStyle(at).backgroundColor);
            if (color.length === 3 || color[3] === 1) return color;
        }
        return [255, 255, 255];
    };
    const worst = { ratio: 99, text: "" };
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const el = walker.currentNode.parentElement, text = walker.currentNode.data.trim();
        if (!text || !el.checkVisibility() || ["SCRIPT", "NOSCRIPT"].includes(el.tagName)) continue;
        const [a, b] = [light(channels(getComputedStyle(el).color)), light(ground(el))].sort((x, y) => y - x);
        const ratio = (a + 0.05) / (b + 0.05);
        if (ratio < worst.ratio) Object.assign(worst, { ratio, text });
    }
    return worst;
}"""

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def service(live_service: LiveService) -> str:
    """The address of a service with analytic policies only."""
    return f"{live_service.url}/"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as runner:
        with dear_start("browser"):
            browser = runner.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser, service: str) -> Iterator[Open]:
    """Opens pages; at the end, nothing may have gone wrong in any and no other host may have been asked."""
    wrong: list[str] = []
    contexts = []

    def start(viewport: dict[str, int] = DESKTOP, allowed: str | None = None, **options: Any) -> Page:
        context = browser.new_context(viewport=viewport, reduced_motion="reduce", **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(WAIT_MS)

        def complain(text: str) -> None:
            if allowed is None or allowed not in text:
                wrong.append(text)

        def dialog(found: Any) -> None:
            complain(f"dialog: {found.message}")
            found.dismiss()

        page.on("console", lambda message: complain(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complain(f"page error: {error}"))
        page.on("dialog", dialog)
        page.on(
            "request",
            lambda request: None if request.url.startswith((service, "data:")) else complain(f"asked {request.url}"),
        )
        return page

    yield start
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture
def shot(tmp_path: Path) -> Callable[[Page, str], None]:
    """Writes a screenshot of the whole page to ATP_RAY_SCREENSHOTS, or to the test's own folder."""
    folder = Path(os.environ.get("ATP_RAY_SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return lambda page, name: page.screenshot(path=folder / f"{name}.png", full_page=True) and None


def test_simulation_made_with_the_form_is_watched_live(
    open_page: Open, service: str, shot: Callable[[Page, str], None]
) -> None:
    page = open_page()
    page.goto(service)
    page.get_by_label("Name").fill("watched")
    page.get_by_label("Rounds", exact=True).fill("12")
    page.get_by_label("Threshold").fill("4")
    page.get_by_label("run at once").uncheck()
    page.get_by_role("button", name="Create simulation").click()

    expect(page.get_by_role("heading", name="watched")).to_be_visible()
    expect(page.get_by_role("note")).to_contain_text(LABEL)
    expect(_figure(page, "Round")).to_have_text("0 of 12")
    expect(page.get_by_text("No round is settled yet")).to_be_visible()
    for settled in (1, 2):
        page.get_by_role("button", name="Step").click()
        expect(_figure(page, "Round")).to_have_text(f"{settled} of 12")
        expect(page.locator(".cell[data-round]")).to_have_count(8 * settled)
        expect(_status(page)).to_have_text("paused")
    page.get_by_label("Run until round").fill("6")
    page.get_by_role("button", name="Run until").click()
    expect(_figure(page, "Round")).to_have_text("6 of 12")
    expect(_status(page)).to_have_text("paused")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(_status(page)).to_have_text("finished")
    expect(page.get_by_role("grid")).to_have_attribute("aria-colcount", "13")
    expect(page.get_by_role("img", name=re.compile("12 of 12 rounds settled"))).to_be_visible()
    assert page.evaluate(
        "[...document.querySelectorAll('.plot canvas')].map((canvas) => canvas.getContext('2d')"
        ".getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value > 0))"
    ) == [True, True]
    shot(page, "simulation")

    rates = [one["deviant_rate"] for one in _get(service, f"v1/simulations/{_chosen(page)}/rounds")["rounds"]]
    page.get_by_text("The numbers of every round").click()
    shown = page.locator(".numbers tbody tr td:nth-of-type(1)").all_inner_texts()
    assert shown == [f"{int(rate * 100 + 0.5)} %" for rate in rates]


def test_form_takes_a_preset_and_several_checkpoints(open_page: Open, service: str) -> None:
    page = open_page()
    page.goto(service)
    page.get_by_label("Preset").select_option("tipping")
    page.get_by_label("Seats").fill("5")
    page.get_by_role("button", name="Add a checkpoint").click()
    page.get_by_label("Checkpoint").nth(1).select_option("policy:collude")
    page.get_by_label("Seats").nth(1).fill("3")
    page.get_by_role("button", name="Create simulation").click()
    expect(_status(page)).to_have_text("finished")
    made = _get(service, f"v1/simulations/{_chosen(page)}")
    assert made["checkpoints"] == {"policy:quantal": 5, "policy:collude": 3}
    assert (made["name"], made["rounds"], made["threshold"]) == ("tipping", 12, 4)
    expect(page.locator(".figures dt", has_text="Monitor")).to_have_count(3)


def test_role_play_has_its_own_words(open_page: Open, service: str) -> None:
    made = _new(service, name="alone", scenario="delivery_worker", n_agents=1, rounds=4, threshold=None)
    _play(service, made)
    page = open_page()
    page.goto(f"{service}#/simulations/{made}")
    expect(page.get_by_role("heading", name="Violation rate")).to_be_visible()
    expect(page.locator(".legend li", has_text="violates")).to_be_visible()
    expect(page.locator("main")).not_to_contain_text("ollu")


def test_cell_opens_the_reply_and_the_memory_of_its_seat(open_page: Open, service: str) -> None:
    made = _new(service, rounds=4)
    _play(service, made)
    page = open_page()
    page.goto(f"{service}#/simulations/{made}")
    page.locator("#cell-3-2").click()
    panel = page.get_by_role("dialog", name="Seat 3")
    decision = _get(service, f"v1/simulations/{made}/decisions?text=true&round=2&seat=3")["decisions"][0]
    expect(panel.locator(".reply")).to_have_text(decision["reply"])
    memory = _get(service, f"v1/simulations/{made}/agents/3/memory")["messages"]
    expect(panel.locator(".memory pre")).to_have_text([message["content"] for message in memory])
    panel.get_by_role("button", name="Later").click()
    expect(panel.get_by_role("heading", name="Reply in round 3")).to_be_visible()
    panel.get_by_role("button", name="Close").click()
    expect(panel).to_be_hidden()


def test_intervention_is_logged_and_in_force_from_the_next_round(open_page: Open, service: str) -> None:
    made = _new(service, rounds=6)
    _play(service, made, until=2)
    page = open_page()
    page.goto(f"{service}#/simulations/{made}")
    page.get_by_label("Acting as").fill("Ada")
    form = page.get_by_role("region", name="Intervene")
    form.get_by_label("Seats").fill("0-2, 5")
    form.get_by_label("Always").select_option("collude")
    form.get_by_role("button", name="Intervene").click()
    entry = page.locator(".log li", has_text="Fix seats: seats 0-2, 5 always collude")
    expect(entry).to_contain_text("Ada")
    expect(entry).to_contain_text("after round 2")
    expect(page.locator(".legend.marks").first).to_contain_text("intervention in force from here")
    page.get_by_role("button", name="Step").click()
    for seat in (0, 1, 2, 5):
        expect(page.locator(f"#cell-{seat}-3")).to_have_attribute("data-action", "deviant")
    expect(page.locator("#cell-0-3")).to_have_attribute("title", re.compile("policy:collude"))


KINDS = {
    "Swap checkpoint": {"Seats": "1", "Checkpoint": "policy:refrain"},
    "Change threshold or rewards": {"Threshold": "3", "Reward high": "1.5"},
    "Broadcast": {"Announcement to all seats": "Be kind."},
    "Quarantine": {"Seats": "2"},
    "Erase memory": {"Seats": "0-7"},
    "Edit memory": {"Seat": "1", "Round": "1", "Reply as remembered": "I did nothing."},
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_intervention_has_its_fields(open_page: Open, service: str, kind: str) -> None:
    made = _new(service)
    _play(service, made, until=1)
    page = open_page()
    page.goto(f"{service}#/simulations/{made}")
    form = page.get_by_role("region", name="Intervene")
    form.get_by_label("Intervention").select_option(kind)
    for label, value in KINDS[kind].items():
        field = form.get_by_label(label, exact=True)
        if field.evaluate("(field) => field.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    form.get_by_role("button", name="Intervene").click()
    expect(page.locator('.log li[data-kind="intervention"]')).to_contain_text(kind)


def test_fork_shares_the_past_and_stands_in_the_tree(
    open_page: Open, service: str, shot: Callable[[Page, str], None]
) -> None:
    made = _new(service, name="trunk", rounds=5)
    _play(service, made, until=3)
    page = open_page()
    page.goto(f"{service}#/simulations/{made}")
    form = page.get_by_role("region", name="Fork")
    form.get_by_label("After round").fill("2")
    form.get_by_label("Name").fill("twig")
    form.get_by_label("Intervention").select_option("Fix seats")
    form.get_by_label("Seats").fill("0-7")
    form.get_by_label("Always").select_option("refrain")
    form.get_by_role("button", name="Fork").click()

    expect(page.get_by_role("heading", name="twig")).to_be_visible()
    expect(page.locator(".cell[data-round]")).to_have_count(16)
    expect(page.locator("main")).to_contain_text("branch from round 2")
    tree = page.get_by_role("navigation", name="Simulations")
    trunk = tree.locator("li", has=page.locator(f'> a[href="#/simulations/{made}"]'))
    expect(trunk.locator("li", has_text="twig")).to_contain_text("from round 2")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(_status(page)).to_have_text("finished")
    expect(page.locator(".cell[data-round='5'][data-action='aligned']")).to_have_count(8)
    past = [_get(service, f"v1/simulations/{one}/decisions?limit=16")["decisions"] for one in (made, _chosen(page))]
    assert past[0] == past[1]
    shot(page, "branch")


def test_what_if_is_compared_with_an_interval(open_page: Open, service: str, shot: Callable[[Page, str], None]) -> None:
    made = _new(service, name="asked", rounds=8)
    _play(service, made, until=2)
    page = open_page()
    page.goto(f"{service}#/simulations/{made}")
    form = page.get_by_role("region", name="What if").first
    form.get_by_label("After round").fill("2")
    form.get_by_label("Rounds to play on").fill("3")
    form.get_by_label("Seeds").fill("3")
    form.get_by_label("Seats").fill("0-6")
    form.get_by_label("Always").select_option("refrain")
    form.get_by_role("button", name="Ask").click()
    answer = page.get_by_role("region", name="What if: with against without")
    expect(answer.locator("tbody th")).to_have_text(["3", "4", "5"])
    expect(answer.locator("tbody td:last-child")).to_have_text(["3", "3", "3"])
    expect(answer.locator("tbody tr").first).to_contain_text(" to ")
    expect(answer.get_by_role("img")).to_have_count(2)
    expect(answer.get_by_role("note")).to_contain_text(LABEL)
    shot(page, "what_if")
    answer.get_by_role("link", name="Open this comparison").click()
    expect(page.get_by_role("heading", name="Compare")).to_be_visible()
    expect(page.locator("tbody th")).to_have_text(["3", "4", "5"])
    shot(page, "comparison")


def test_any_two_simulations_are_compared(open_page: Open, service: str) -> None:
    ids = [_new(service, name=f"seed {seed}", rounds=4, seed=seed) for seed in (1, 2)]
    for made in ids:
        _play(service, made)
    page = open_page()
    page.goto(f"{service}#/compare")
    page.get_by_label("Without (baseline)").select_option(ids[0])
    page.get_by_label("With (changed)").select_option(ids[1])
    page.get_by_role("button", name="Compare").click()
    rows = _get(service, f"v1/comparisons?without={ids[0]}&with={ids[1]}")["differences"]
    expect(page.locator("tbody th")).to_have_text([str(row["round"]) for row in rows])
    expect(page.locator("main")).to_contain_text("no interval: one pair")


def test_keyboard_is_enough(open_page: Open, service: str) -> None:
    page = open_page()
    page.goto(service)
    expect(page.get_by_role("button", name="Create simulation")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    _tab_to(page, "#name")
    page.keyboard.type("by keys")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="by keys")).to_be_visible()
    expect(_status(page)).to_have_text("finished")
    expect(page.locator("main")).to_be_focused()

    _tab_to(page, "[role=grid]")
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "End", "ArrowLeft", "Enter"):
        page.keyboard.press(key)
    panel = page.get_by_role("dialog", name="Seat 1")
    expect(panel.get_by_role("heading", name="Reply in round 5")).to_be_visible()
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(page.get_by_role("grid")).to_be_focused()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    _tab_to(page, "#what-if-kind")  # the grid lets go of the keyboard
    page.keyboard.press("Shift+Tab")
    expect(page.locator("#what-if-seeds")).to_be_focused()
    _tab_to(page, "button.danger:has-text('Delete')", back=True)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="No")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="New simulation")).to_be_visible()
    expect(page.get_by_role("navigation", name="Simulations")).not_to_contain_text("by keys")


def test_every_field_has_a_label_and_the_page_its_landmarks(open_page: Open, service: str) -> None:
    made = _new(service)
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
    made = _new(service, name="A name that is rather long for so narrow a screen " * 2, rounds=40)
    _play(service, made)
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
    made = _new(service, name=f"in the {scheme}", rounds=6, monitors=[{"kind": "first_success"}])
    _play(service, made, until=3)
    _post(service, f"v1/simulations/{made}/interventions", {"kind": "quarantine", "seats": [1]})
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
    made = _new(service, name=name, rounds=3)
    _play(service, made, until=1)
    edit = {"kind": "edit_memory", "seat": 2, "round": 1, "reply": reply}
    _post(service, f"v1/simulations/{made}/interventions", edit)
    _post(service, f"v1/simulations/{made}/interventions", {"kind": "broadcast", "text": name})
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
    made = _new(service, scenario="public_fund", n_agents=64, threshold=32, rounds=120, visibility="counts")
    _play(service, made)
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
    made = _new(service, scenario="public_fund", n_agents=64, threshold=32, rounds=140, visibility="counts")
    page = open_page()
    page.goto(f"{service}#/simulations/{made}")
    grid = page.get_by_role("grid")
    _play(service, made, until=80)
    grid.scroll_into_view_if_needed()
    expect(page.locator("#cell-0-80")).to_be_in_viewport()
    # A browser may tell of a scroll only after still more rounds have widened the grid.
    grid.evaluate("""(box) => {
        box.firstElementChild.style.width = "9000px";
        box.dispatchEvent(new Event("scroll"));
    }""")
    _play(service, made, until=110)
    expect(page.locator("#cell-0-110")).to_be_in_viewport()
    grid.evaluate("(box) => { box.scrollLeft = 200; }")
    expect(page.locator("#cell-0-9")).to_be_in_viewport()
    _play(service, made, until=140)
    expect(grid).to_have_attribute("aria-colcount", "141")
    expect(page.locator("#cell-0-9")).to_be_in_viewport()
    expect(page.locator("#cell-0-140")).to_have_count(0)


def test_stream_goes_on_after_the_last_event_it_was_told(open_page: Open, service: str) -> None:
    made = _new(service, rounds=6)
    _play(service, made)
    with urllib.request.urlopen(f"{service}v1/simulations/{made}/events?follow=false") as answer:
        told = answer.read().decode()
    cut = told.index("\n\n", told.index("\nevent: round")) + 2
    asked: list[str | None] = []

    def events(route: Route) -> None:
        asked.append(route.request.headers.get("last-event-id"))
        if len(asked) == 1:
            route.fulfill(status=200, content_type="text/event-stream", body=told[: cut + 40])  # broken off
        else:
            route.continue_()

    page = open_page()
    page.route("**/events", events)
    page.goto(f"{service}#/simulations/{made}")
    expect(_figure(page, "Round")).to_have_text("6 of 6")
    assert asked == [None, re.findall(r"^id: (\d+)$", told[:cut], re.M)[-1]]
    expect(page.locator(".log li")).to_have_count(2)  # nothing twice


def test_change_is_sent_again_with_its_key_where_the_service_died_under_it(open_page: Open, service: str) -> None:
    made = _new(service)
    page = open_page(allowed="500 (Internal Server Error)")
    keys: list[str] = []

    def control(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) == 1:  # as Serve's proxy answers
            route.fulfill(status=500, content_type="text/plain", body="Internal Server Error")
        else:
            route.continue_()

    page.route("**/control", control)
    page.goto(f"{service}#/simulations/{made}")
    page.get_by_role("button", name="Step").click()
    expect(_figure(page, "Round")).to_have_text("1 of 3")
    assert len(keys) == 2
    assert keys[0] == keys[1]


def test_token_is_asked_for_and_sent(open_page: Open, service: str) -> None:
    made = _new(service, name="guarded", rounds=3)
    page = open_page(allowed="401")  # the browser itself tells of the refusal
    refused = {"title": "Unauthorized", "status": 401, "detail": "a bearer token is needed"}

    def guard(route: Route) -> None:
        if route.request.headers.get("authorization") == "Bearer sesame":
            route.continue_()
        else:
            route.fulfill(status=401, content_type="application/problem+json", body=json.dumps(refused))

    page.route("**/v1/**", guard)
    page.goto(f"{service}#/simulations/{made}")
    expect(page.get_by_role("alert")).to_have_text("a bearer token is needed")
    page.get_by_label("Bearer token").fill("sesame")
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Run", exact=True).click()
    expect(_figure(page, "Round")).to_have_text("3 of 3")
    assert page.evaluate("[sessionStorage.length, localStorage.length, document.cookie]") == [1, 0, ""]


def test_page_is_not_in_the_api_document(service: str) -> None:
    paths = _get(service, "openapi.json")["paths"]
    assert [path for path in paths if not path.startswith("/v1/")] == []
    for path in ("static/../pages.py", "static/%2e%2e/simulation_api/pages.py"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(service + path)


def _get(service: str, path: str) -> Any:
    with urllib.request.urlopen(service + path, timeout=PATIENCE_S) as answer:
        return json.load(answer)


def _post(service: str, path: str, body: object) -> Any:
    data, headers = json.dumps(body).encode(), {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(service + path, data, headers), timeout=PATIENCE_S) as answer:
        return json.load(answer)


def _new(service: str, **fields: Any) -> str:
    """Make a simulation of eight seats and return its id."""
    given = {"n_agents": 8, "threshold": 4, "rounds": 3} | fields
    made: str = _post(service, "v1/simulations", {k: v for k, v in given.items() if v is not None})["id"]
    return made


def _play(service: str, made: str, until: int | None = None) -> None:
    _post(service, f"v1/simulations/{made}/control", {"command": "run", "until": {"round": until}})
    wait_until(lambda: _get(service, f"v1/simulations/{made}")["status"] != "running", "the simulation to stop")


def _pass(page: Page, seconds: int) -> None:
    """Let time pass in a page whose clock is installed, with some of the real kind for answers to arrive."""
    for _ in range(seconds):
        page.clock.run_for(1000)
        page.evaluate("fetch('static/icon.svg').then((answer) => answer.text())")


def _figure(page: Page, name: str) -> Any:
    return page.locator("main > .figures div", has=page.get_by_text(name, exact=True)).locator("dd")


def _status(page: Page) -> Any:
    return page.locator(".head .status")


def _chosen(page: Page) -> str:
    return page.url.rpartition("/")[2]


def _tab_to(page: Page, selector: str, back: bool = False) -> None:
    """Press Tab until something has the focus."""
    for _ in range(80):
        page.keyboard.press("Shift+Tab" if back else "Tab")
        if page.locator(selector).first.evaluate("(element) => element === document.activeElement"):
            return
    raise AssertionError(f"the keyboard does not reach {selector}")


def test_a_finished_simulation_is_not_asked_for_over_and_over(open_page: Open, service: str) -> None:
    with Client(service) as client:
        simulation = client.create(scenario="public_fund", n_agents=4, rounds=3)
        client.run(simulation.id)
        wait_until_over(client, simulation.id)
    page = open_page()
    page.clock.install()
    asked, over = [], []

    def note(places: list[str]) -> Callable[[Any], None]:
        return lambda request: places.append(request.url) if request.url.endswith("/events") else None

    page.on("request", note(asked))
    # The page lets go of a stream that told nothing more: to the browser that request has failed.
    page.on("requestfinished", note(over))
    page.on("requestfailed", note(over))
    page.goto(f"{service}#/simulations/{simulation.id}")
    expect(page.locator(".head .status")).to_have_text("finished")
    # Once for the events, and once more, in vain; then never again, however long the page is open.
    wait_until(lambda: page.evaluate("true") and len(over) == 1, "the events")
    _pass(page, 5)
    wait_until(lambda: page.evaluate("true") and len(over) == 2, "the answer that there are no more")
    _pass(page, 60)
    assert len(asked) == 2


@pytest.mark.parametrize("status", [401, 404])
def test_events_that_are_refused_or_gone_are_asked_for_once(open_page: Open, service: str, status: int) -> None:
    made = _new(service)
    page = open_page(allowed=str(status))
    page.clock.install()
    asked = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        problem = {"title": "Refused", "status": status, "detail": "no events for you"}
        route.fulfill(status=status, content_type="application/problem+json", body=json.dumps(problem))

    page.route("**/events", refuse)
    page.goto(f"{service}#/simulations/{made}")
    expect(page.get_by_role("alert")).to_have_text("no events for you")
    _pass(page, 60)
    assert len(asked) == 1


def test_a_line_that_has_died_is_given_up_and_made_anew(open_page: Open, service: str) -> None:
    made = _new(service)
    _play(service, made)
    page = open_page()
    page.clock.install()
    asked = []

    def events(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) > 1:  # the first is never answered
            route.continue_()

    page.route("**/events", events)
    page.goto(f"{service}#/simulations/{made}")
    wait_until(lambda: page.evaluate("true") and asked, "the events to be asked for")
    _pass(page, 50)
    expect(page.locator(".cell[data-round]")).to_have_count(3 * 8)


def test_a_service_with_tokens_is_read_and_not_changed_with_the_read_token(
    open_page: Open, guarded: LiveService
) -> None:
    page = open_page(allowed="")
    page.goto(guarded.url)
    page.get_by_label("Bearer token").fill("wrong")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("alert")).to_have_text("the token is not known")
    page.get_by_label("Bearer token").fill(READ_TOKEN)
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Create simulation").click()
    expect(page.get_by_role("alert")).to_contain_text("this token may read only")
