"""The page's line to the service: streams that break, tokens, changes sent again."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from live_service import READ_TOKEN, LiveService, wait_until_over
from pages import (
    CHROMIUM,
    Open,
    figure_of,
    new_simulation,
    pass_time,
    play_live,
    post,
)
from playwright.sync_api import Route, expect
from support import wait_until

from atp_ray.client import Client

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")


def test_stream_goes_on_after_the_last_event_it_was_told(open_page: Open, service: str) -> None:
    made = new_simulation(service, rounds=6)
    play_live(service, made)
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
    expect(figure_of(page, "Round")).to_have_text("6 of 6")
    assert asked == [None, re.findall(r"^id: (\d+)$", told[:cut], re.M)[-1]]
    expect(page.locator(".log li")).to_have_count(2)  # nothing twice


def test_change_is_sent_again_with_its_key_where_the_service_died_under_it(open_page: Open, service: str) -> None:
    made = new_simulation(service)
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
    expect(figure_of(page, "Round")).to_have_text("1 of 3")
    assert len(keys) == 2
    assert keys[0] == keys[1]


def test_token_is_asked_for_and_sent(open_page: Open, service: str) -> None:
    made = new_simulation(service, name="guarded", rounds=3)
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
    expect(figure_of(page, "Round")).to_have_text("3 of 3")
    assert page.evaluate("[sessionStorage.length, localStorage.length, document.cookie]") == [1, 0, ""]


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
    pass_time(page, 5)
    wait_until(lambda: page.evaluate("true") and len(over) == 2, "the answer that there are no more")
    pass_time(page, 60)
    assert len(asked) == 2


@pytest.mark.parametrize("status", [401, 404])
def test_events_that_are_refused_or_gone_are_asked_for_once(open_page: Open, service: str, status: int) -> None:
    made = new_simulation(service)
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
    pass_time(page, 60)
    assert len(asked) == 1


def test_a_line_that_has_died_is_given_up_and_made_anew(open_page: Open, service: str) -> None:
    made = new_simulation(service)
    play_live(service, made)
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
    pass_time(page, 60)
    expect(page.locator(".cell[data-round]")).to_have_count(3 * 8)


def test_nothing_is_asked_about_a_simulation_that_is_being_deleted(open_page: Open, service: str) -> None:
    made = new_simulation(service)
    play_live(service, made)
    page = open_page()  # an answer 404 would stand in the browser's console
    page.clock.install()

    def late(route: Route) -> None:
        answer = route.fetch()
        pass_time(page, 10)  # long enough to ask for the events again
        route.fulfill(response=answer)

    page.route(f"**/v1/simulations/{made}", lambda route: late(route) if delete_asked(route) else route.continue_())
    page.goto(f"{service}#/simulations/{made}")
    expect(page.locator(".head .status")).to_have_text("finished")
    page.locator("button.danger", has_text="Delete").click()
    page.get_by_role("button", name="Yes").click()
    expect(page.get_by_role("heading", name="New simulation")).to_be_visible()


def delete_asked(route: Route) -> bool:
    return route.request.method == "DELETE"


def test_a_simulation_that_could_not_be_deleted_is_followed_on(open_page: Open, service: str) -> None:
    made = new_simulation(service, rounds=4)
    play_live(service, made, until=2)
    page = open_page(allowed="409")

    def branched_meanwhile(route: Route) -> None:
        if delete_asked(route):
            post(service, f"v1/simulations/{made}/forks", {"round": 1})
        route.continue_()

    page.route(f"**/v1/simulations/{made}", branched_meanwhile)
    page.goto(f"{service}#/simulations/{made}")
    page.locator("button.danger", has_text="Delete").click()
    page.get_by_role("button", name="Yes").click()
    expect(page.get_by_role("region", name="Controls").get_by_role("alert")).to_contain_text("branch")
    play_live(service, made)
    expect(figure_of(page, "Round")).to_have_text("4 of 4")


def test_a_service_with_tokens_is_read_and_not_changed_with_the_read_token(
    open_guarded_page: Open, guarded: LiveService
) -> None:
    page = open_guarded_page(allowed="40")  # the browser itself tells of 401 and 403
    page.goto(guarded.url)
    page.get_by_label("Bearer token").fill("wrong")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("alert")).to_have_text("the token is not known")
    page.get_by_label("Bearer token").fill(READ_TOKEN)
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Create simulation").click()
    expect(page.get_by_role("alert")).to_contain_text("this token may read only")
