"""The dashboard in a real browser against the real service: made, watched, changed, branched, compared."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from pages import (
    CHROMIUM,
    LABEL,
    LEAST_CONTRAST,
    Open,
    chosen,
    figure_of,
    get,
    new_simulation,
    play_live,
    status_of,
)
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")


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
    expect(figure_of(page, "Round")).to_have_text("0 of 12")
    expect(page.get_by_text("No round is settled yet")).to_be_visible()
    for settled in (1, 2):
        page.get_by_role("button", name="Step").click()
        expect(figure_of(page, "Round")).to_have_text(f"{settled} of 12")
        expect(page.locator(".cell[data-round]")).to_have_count(8 * settled)
        expect(status_of(page)).to_have_text("paused")
    page.get_by_label("Run until round").fill("6")
    page.get_by_role("button", name="Run until").click()
    expect(figure_of(page, "Round")).to_have_text("6 of 12")
    expect(status_of(page)).to_have_text("paused")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(status_of(page)).to_have_text("finished")
    expect(page.get_by_role("grid")).to_have_attribute("aria-colcount", "13")
    expect(page.get_by_role("img", name=re.compile("12 of 12 rounds settled"))).to_be_visible()
    assert page.evaluate(
        "[...document.querySelectorAll('.plot canvas')].map((canvas) => canvas.getContext('2d')"
        ".getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value > 0))"
    ) == [True, True]
    shot(page, "simulation")

    rates = [one["deviant_rate"] for one in get(service, f"v1/simulations/{chosen(page)}/rounds")["rounds"]]
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
    expect(status_of(page)).to_have_text("finished")
    made = get(service, f"v1/simulations/{chosen(page)}")
    assert made["checkpoints"] == {"policy:quantal": 5, "policy:collude": 3}
    assert (made["name"], made["rounds"], made["threshold"]) == ("tipping", 12, 4)
    expect(page.locator(".figures dt", has_text="Monitor")).to_have_count(3)


def test_role_play_has_its_own_words(open_page: Open, service: str) -> None:
    made = new_simulation(service, name="alone", scenario="delivery_worker", n_agents=1, rounds=4, threshold=None)
    play_live(service, made)
    page = open_page()
    page.goto(f"{service}#/simulations/{made}")
    expect(page.get_by_role("heading", name="Violation rate")).to_be_visible()
    expect(page.locator(".legend li", has_text="violates")).to_be_visible()
    expect(page.locator("main")).not_to_contain_text("ollu")


def test_cell_opens_the_reply_and_the_memory_of_its_seat(open_page: Open, service: str) -> None:
    made = new_simulation(service, rounds=4)
    play_live(service, made)
    page = open_page()
    page.goto(f"{service}#/simulations/{made}")
    page.locator("#cell-3-2").click()
    panel = page.get_by_role("dialog", name="Seat 3")
    decision = get(service, f"v1/simulations/{made}/decisions?text=true&round=2&seat=3")["decisions"][0]
    expect(panel.locator(".reply")).to_have_text(decision["reply"])
    memory = get(service, f"v1/simulations/{made}/agents/3/memory")["messages"]
    expect(panel.locator(".memory pre")).to_have_text([message["content"] for message in memory])
    panel.get_by_role("button", name="Later").click()
    expect(panel.get_by_role("heading", name="Reply in round 3")).to_be_visible()
    panel.get_by_role("button", name="Close").click()
    expect(panel).to_be_hidden()


def test_intervention_is_logged_and_in_force_from_the_next_round(open_page: Open, service: str) -> None:
    made = new_simulation(service, rounds=6)
    play_live(service, made, until=2)
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
    "Edit memory": {"Seat": "1", "Round": "1", "Reply as remembered": "I did nothing."},
    "Erase memory": {"Seats": "0-7"},
}


def test_every_kind_of_intervention_has_its_fields(open_page: Open, service: str) -> None:
    made = new_simulation(service)
    play_live(service, made, until=1)
    page = open_page()
    page.goto(f"{service}#/simulations/{made}")
    form = page.get_by_role("region", name="Intervene")
    for count, (kind, fields) in enumerate(KINDS.items(), 1):
        form.get_by_label("Intervention").select_option(kind)
        for label, value in fields.items():
            field = form.get_by_label(label, exact=True)
            if field.evaluate("(field) => field.tagName") == "SELECT":
                field.select_option(value)
            else:
                field.fill(value)
        form.get_by_role("button", name="Intervene").click()
        logged = page.locator('.log li[data-kind="intervention"]')
        expect(logged).to_have_count(count)
        expect(logged.filter(has_text=kind)).to_have_count(1)


def test_fork_shares_the_past_and_stands_in_the_tree(
    open_page: Open, service: str, shot: Callable[[Page, str], None]
) -> None:
    made = new_simulation(service, name="trunk", rounds=5)
    play_live(service, made, until=3)
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
    expect(status_of(page)).to_have_text("finished")
    expect(page.locator(".cell[data-round='5'][data-action='aligned']")).to_have_count(8)
    past = [get(service, f"v1/simulations/{one}/decisions?limit=16")["decisions"] for one in (made, chosen(page))]
    assert past[0] == past[1]
    shot(page, "branch")


def test_what_if_is_compared_with_an_interval(open_page: Open, service: str, shot: Callable[[Page, str], None]) -> None:
    made = new_simulation(service, name="asked", rounds=8)
    play_live(service, made, until=2)
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
    ids = [new_simulation(service, name=f"seed {seed}", rounds=4, seed=seed) for seed in (1, 2)]
    for made in ids:
        play_live(service, made)
    page = open_page()
    page.goto(f"{service}#/compare")
    page.get_by_label("Without (baseline)").select_option(ids[0])
    page.get_by_label("With (changed)").select_option(ids[1])
    page.get_by_role("button", name="Compare").click()
    rows = get(service, f"v1/comparisons?without={ids[0]}&with={ids[1]}")["differences"]
    expect(page.locator("tbody th")).to_have_text([str(row["round"]) for row in rows])
    expect(page.locator("main")).to_contain_text("no interval: one pair")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_shares_of_names_and_what_a_population_settles_on(
    open_page: Open, service: str, shot: Callable[[Page, str], None], scheme: str
) -> None:
    named = {"scenario": "letters", "n_agents": 12, "n_names": 3, "committed": 2, "threshold": None}
    made = new_simulation(service, name="naming", rounds=60, pairing="asynchronous", **named)
    play_live(service, made, until=9)
    page = open_page(color_scheme=scheme)
    page.goto(f"{service}#/simulations/{made}")
    expect(page.get_by_role("heading", name="Share of each choice, all seats")).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("9 of 60 rounds settled, latest shares: [ABC] "))).to_be_visible()
    expect(figure_of(page, "Convergence")).to_have_text("not converged")
    rounds = get(service, f"v1/simulations/{made}/rounds")["rounds"]
    leading, share = max(rounds[-1]["population_shares"].items(), key=lambda entry: entry[1])
    expect(figure_of(page, "Most frequent")).to_have_text(f"{leading} ({int(share * 100 + 0.5)} %)")
    expect(page.locator("main")).not_to_contain_text("eviant")
    # Two seats meet in each round: theirs are filled, what the others decided last is outlined.
    assert page.locator('.cell[data-round="9"]:not([data-asked="false"])').count() == 2
    decided = get(service, f"v1/simulations/{made}/decisions?round=9")["decisions"]
    shown = page.locator('.cell[data-round="9"]').all_inner_texts()
    assert [text.strip() or None for text in shown] == [decision["choice"] for decision in decided]
    page.get_by_text("The numbers of every round").click()
    heads = page.locator(".numbers thead th").all_inner_texts()
    assert heads[:6] == ["Round", "A", "B", "C", "no decision", "asked"]
    assert page.evaluate(LEAST_CONTRAST)["ratio"] >= 4.5
    shot(page, f"shares_{scheme}")

    play_live(service, made)
    metrics = get(service, f"v1/simulations/{made}/metrics")
    assert list(metrics["shares"]) == ["A", "B", "C"]
    told = f"converged on {metrics['converged_on']} from round {metrics['converged_round']} on"
    expect(figure_of(page, "Convergence")).to_have_text(told if metrics["converged_on"] else "not converged")
    expect(page.locator(".cell[data-round]").first).to_be_visible()
    page.locator('.cell[data-round="60"]').first.click()
    expect(page.get_by_role("dialog", name="Seat 0")).to_be_visible()
    page.get_by_role("button", name="Close").click()
    shot(page, f"shares_end_{scheme}")
