"""The conformance suite every shipped game passes, and the importer of the reference's files."""

import json

import pytest
from support import UPSTREAM, make_spec, needs_upstream, record_round, scenario_names

from atp_ray.errors import UsageError
from atp_ray.paradigms.games.payoffs import Payoffs
from atp_ray.paradigms.games.scenario_files import load_game, load_games
from atp_ray.paradigms.games.scenarios import GameNumbers
from atp_ray.paradigms.games.settlement import SettlementRule
from atp_ray.play.memory import EpisodeMemory
from atp_ray.play.parsing import parse_choice
from atp_ray.play.prompts import build_messages, merge_neighbours
from atp_ray.play.rounds import observe_round

PUBLISHED = {
    "PublicFund": ("invest", "keep money"),
    "CommonsPasture": ("follow the quota", "overgraze"),
    "TeamProject": ("work all-out", "do the minimum"),
    "RedBlueButton": ("press red", "press blue"),
    "HuntingGame": ("hunt deer", "hunt rabbits"),
    "InfoSharing": ("share information", "keep information"),
    "PriceAlliance": ("maintain high prices", "cut prices"),
}


def test_the_seven_games_offer_the_published_choices() -> None:
    assert {s.upstream_name: s.options for s in load_games()} == PUBLISHED


@pytest.mark.parametrize("name", scenario_names())
@pytest.mark.parametrize("mode", ["multiplicative", "additive"])
@pytest.mark.parametrize("success_for", ["all", "colluders"])
def test_a_prompt_states_every_number_and_both_choices(name, mode, success_for) -> None:
    scenario = load_game(name)
    rule = SettlementRule(mode=mode, success_for=success_for)
    game = GameNumbers(n_agents=13, threshold=7, payoffs=Payoffs(high=1.35, medium=1, low=0.65), rule=rule)
    question = scenario.question(game)
    assert "{n}" not in scenario.system(game)
    assert "13" in scenario.system(game)
    numbers = ("1.35", "0.65") if mode == "multiplicative" else ("+0.35", "-0.35")
    for part in ("7 of all 13 (54%)", *numbers, *scenario.options):
        assert part in question
    assert parse_choice(question, scenario.options).reason == "ambiguous"


@pytest.mark.parametrize("name", scenario_names())
@pytest.mark.parametrize("visibility", ["choices", "counts", "replies"])
def test_history_is_four_messages_a_round_and_shared_text_comes_first(name, visibility) -> None:
    spec = make_spec(n=4, threshold=2, scenario=name, visibility=visibility)
    record = record_round(spec, [], [1, 0, 2, 1])
    prompts = []
    for seat in (0, 1):
        memory = EpisodeMemory(spec, (seat,))
        memory.observe([observe_round(spec, record, (seat,))])
        prompts.append(build_messages(memory.seat_view(0)))
    roles = [message["role"] for message in prompts[0]]
    assert roles == ["system", "user", "assistant", "user", "user", "user"]
    assert prompts[0][:2] == prompts[1][:2]
    assert prompts[0][2] != prompts[1][2]
    others = prompts[0][3]["content"]
    expected = {
        "choices": "agent 3 (no valid decision)",
        "counts": "Of the 3 others 1 (33%)",
        "replies": "Agent 2: {",
    }
    assert expected[visibility] in others
    assert "2 of all 4 (50%)" in prompts[0][4]["content"]
    assert "from 1 to 1.2" in prompts[0][4]["content"]
    merged = merge_neighbours(prompts[0])
    assert [message["role"] for message in merged] == ["system", "user", "assistant", "user"]


def test_selecting_scenarios() -> None:
    assert [s.name for s in load_games("hunting_game, public_fund")] == ["hunting_game", "public_fund"]
    with pytest.raises(UsageError, match="Did you mean 'hunting_game'"):
        load_games("huntinggame")
    with pytest.raises(UsageError, match="no scenario selected"):
        load_games(" , ")


@needs_upstream
def test_upstream_templates_load_and_render_for_any_numbers() -> None:
    games = load_games(f"upstream:{UPSTREAM / 'templates.json'}")
    assert {game.upstream_name: game.options for game in games} == PUBLISHED
    game = GameNumbers(n_agents=9, threshold=5, payoffs=Payoffs(high=1.4, medium=1, low=0.8))
    for imported in games:
        text = imported.system(game) + imported.question(game)
        assert "9" in text
        assert "x1.4" in text
        assert not {"{n}", "{high_reward}"} & set(text.split())


@needs_upstream
@pytest.mark.parametrize(("name", "count"), [("question_70.json", 70), ("question_350.json", 350)])
def test_upstream_questions_keep_their_prompts_to_the_letter(name, count) -> None:
    entries = json.loads((UPSTREAM / name).read_text())
    games = load_games(f"upstream:{UPSTREAM / name}")
    assert len(games) == len(entries) == count
    for entry, imported in zip(entries, games, strict=True):
        assert imported.question(imported.fixed) == entry["user_prompt"]
        assert imported.system(imported.fixed) == entry["system_prompt"]
        assert imported.fixed.threshold == entry["params"]["cooperation_threshold"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("not json", "is not valid JSON"),
        ("{}", "is not a list"),
        ('[{"environment": "X", "template": {}}]', r"\[0\]: template.system_prompt: Field required"),
        ('[{"environment": "X"}]', r"\[0\]: system_prompt: Field required"),
    ],
)
def test_a_foreign_file_is_refused_with_entry_and_key(tmp_path, content, message) -> None:
    path = tmp_path / "data.json"
    path.write_text(content)
    with pytest.raises(UsageError, match=message):
        load_games(f"upstream:{path}")
