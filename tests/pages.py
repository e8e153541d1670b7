"""A real browser for the page: what opens it, and what tests do in it over and over."""

from __future__ import annotations

import json
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page
from support import PATIENCE_S, wait_until

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
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


def get(service: str, path: str) -> Any:
    with urllib.request.urlopen(service + path, timeout=PATIENCE_S) as answer:
        return json.load(answer)


def post(service: str, path: str, body: object) -> Any:
    data, headers = json.dumps(body).encode(), {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(service + path, data, headers), timeout=PATIENCE_S) as answer:
        return json.load(answer)


def new_simulation(service: str, **fields: Any) -> str:
    """Make a simulation of eight seats and return its id."""
    given = {"n_agents": 8, "threshold": 4, "rounds": 3} | fields
    made: str = post(service, "v1/simulations", {k: v for k, v in given.items() if v is not None})["id"]
    return made


def play_live(service: str, made: str, until: int | None = None) -> None:
    post(service, f"v1/simulations/{made}/control", {"command": "run", "until": {"round": until}})
    wait_until(lambda: get(service, f"v1/simulations/{made}")["status"] != "running", "the simulation to stop")


def pass_time(page: Page, seconds: int) -> None:
    """Let time pass in a page whose clock is installed, with some of the real kind for answers to arrive."""
    for second in range(seconds):
        page.clock.run_for(1000)
        if second % 5 == 0:  # a request and its answer, by way of the service
            page.evaluate("fetch('static/icon.svg').then((answer) => answer.text())")


def figure_of(page: Page, name: str) -> Any:
    return page.locator("main > .figures div", has=page.get_by_text(name, exact=True)).locator("dd")


def status_of(page: Page) -> Any:
    return page.locator(".head .status")


def chosen(page: Page) -> str:
    return page.url.rpartition("/")[2]


def tab_to(page: Page, selector: str, back: bool = False) -> None:
    """Press Tab until something has the focus."""
    for _ in range(80):
        page.keyboard.press("Shift+Tab" if back else "Tab")
        if page.locator(selector).first.evaluate("(element) => element === document.activeElement"):
            return
    raise AssertionError(f"the keyboard does not reach {selector}")
