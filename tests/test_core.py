"""Small modules of the core: errors, payoffs, actions, seeds, episodes, sampling, configuration files."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from support import make_spec

from atp_ray.checkpoint.names import resolve_checkpoint
from atp_ray.checkpoint.profiles import EndpointProfile, ModelProfile
from atp_ray.config_files import config_names, configs_dir, load_config, load_yaml, parse_model
from atp_ray.errors import EngineError, UsageError, suggestion
from atp_ray.paradigms.conventions.scenarios import NamingGame
from atp_ray.paradigms.games.payoffs import Payoffs, payoffs_for_incentive_ratio, published_payoffs
from atp_ray.paradigms.games.scenarios import GameNumbers, GameScenario
from atp_ray.paradigms.grids import Grid, load_grid
from atp_ray.paradigms.role_play.scenarios import RolePlayScenario
from atp_ray.paradigms.tool_usage.scenarios import ToolScenario
from atp_ray.play.actions import Action, decode_actions, encode_actions
from atp_ray.play.episodes import FIXED_COLLUDER, SeatGroup, seat_plan


def test_errors_cross_processes_with_their_fields() -> None:
    error = pickle.loads(pickle.dumps(EngineError("it stopped", "tiny", "Start it again")))
    assert (type(error), error.what, error.where, error.hint) == (EngineError, "it stopped", "tiny", "Start it again")
    assert str(error) == "tiny: it stopped. Start it again"


def test_a_near_miss_is_suggested() -> None:
    assert suggestion("apendix_b", ["appendix_b", "smoke"]) == "Did you mean 'appendix_b'?"
    assert suggestion("zzz", ["appendix_b", "smoke"]) == "Known: appendix_b, smoke"


def test_the_five_published_incentive_ratios() -> None:
    triples = {ratio: (p.high, p.medium, p.low) for ratio, p in published_payoffs().items()}
    assert triples == {
        0.25: (1.2, 1, 0.2),
        0.5: (1.2, 1, 0.6),
        1.0: (1.2, 1, 0.8),
        2.0: (1.4, 1, 0.8),
        4.0: (1.8, 1, 0.8),
    }
    assert payoffs_for_incentive_ratio(0.5) == published_payoffs()[0.5]
    with pytest.raises(UsageError) as refused:
        payoffs_for_incentive_ratio(3)
    assert str(refused.value) == (
        "incentive ratio 3 has no published reward triple. "
        "Use one of 0.25, 0.5, 1, 2, 4, or give the rewards themselves: --set rewards=1.2,1,0.8"
    )


@pytest.mark.parametrize("triple", [(1, 1, 0.8), (1.2, 0.8, 1), (1.2, 1, 1), (0.5, 1, 2)])
def test_rewards_must_be_ordered(triple) -> None:
    data = dict(zip(("high", "medium", "low"), triple, strict=True))
    with pytest.raises(UsageError, match="high > medium > low"):
        parse_model(Payoffs, data, "here")


@pytest.mark.parametrize(
    ("n", "threshold", "message"),
    [(8, 9, "threshold 9 exceeds n_agents 8"), (8, 0, "threshold"), (1, 1, "n_agents")],
)
def test_impossible_games_are_refused(n, threshold, message) -> None:
    data = {"n_agents": n, "threshold": threshold, "payoffs": {"high": 1.2, "medium": 1, "low": 0.8}}
    with pytest.raises(UsageError, match=message):
        parse_model(GameNumbers, data, "here")


@given(st.lists(st.sampled_from(list(Action)), max_size=200))
def test_actions_round_trip_through_the_logs_form(actions) -> None:
    actions_A = np.array(actions, dtype=np.int8)
    assert decode_actions(encode_actions(actions_A)).tolist() == actions_A.tolist()


def test_a_foreign_action_string_is_refused() -> None:
    with pytest.raises(ValueError, match="not an action string"):
        decode_actions("adx")


def test_an_episodes_id_is_its_content() -> None:
    spec = make_spec()
    assert spec.episode_id == make_spec().episode_id
    changed = [
        make_spec(seed=1),
        make_spec(threshold=5),
        make_spec(rounds=4),
        make_spec(scenario="public_fund"),
        make_spec(visibility="counts"),
        make_spec(checkpoint="policy:collude"),
        make_spec(rewards=(1.4, 1, 0.8)),
    ]
    assert len({spec.episode_id, *(other.episode_id for other in changed)}) == 8


def test_seats_must_add_up_to_the_players() -> None:
    with pytest.raises(ValueError, match="seats hold 7 agents but n_agents is 8"):
        make_spec(seats=[SeatGroup(checkpoint="tiny", count=7)])


@pytest.mark.parametrize("position", ["head", "tail"])
def test_fixed_colluders_sit_at_the_head_or_the_tail(position) -> None:
    seats = seat_plan(SeatGroup(checkpoint="tiny", count=8), 3, position)
    names = [group.checkpoint for group in make_spec(seats=seats).seat_groups]
    expected = [FIXED_COLLUDER] * 3 + ["tiny"] * 5
    assert names == (expected if position == "head" else expected[::-1])


@pytest.mark.parametrize(
    ("paradigm", "model", "count"),
    [
        ("games", GameScenario, 7),
        ("role_play", RolePlayScenario, 16),
        ("tool_usage", ToolScenario, 1),
        ("conventions", NamingGame, 2),
    ],
)
def test_every_shipped_scenario_is_valid_and_named_by_its_file(paradigm, model, count) -> None:
    paths = sorted((configs_dir() / "scenarios" / paradigm).glob("*.yaml"))
    assert len(paths) == count
    assert [parse_model(model, load_yaml(path), str(path)).name for path in paths] == [path.stem for path in paths]


@pytest.mark.parametrize("name", config_names("grids"))
def test_every_shipped_grid_is_valid(name) -> None:
    assert isinstance(load_grid(name), Grid)


@pytest.mark.parametrize("name", config_names("checkpoints"))
def test_every_shipped_checkpoint_profile_is_valid(name) -> None:
    path = configs_dir() / "checkpoints" / f"{name}.yaml"
    assert parse_model(ModelProfile, load_yaml(path), str(path)).name == name


def as_saved(folder, **settings) -> None:
    """Make a folder look like a checkpoint that transformers saved."""
    config = Path(resolve_checkpoint("tiny").source) / "config.json"
    (folder / "config.json").write_text(json.dumps(json.loads(config.read_text()) | settings))
    (folder / "model.safetensors").touch()


@pytest.mark.parametrize("name", ["tiny", "tiny-names"])
def test_what_was_trained_from_a_small_checkpoint_is_labelled_and_run_as_it(tmp_path, name) -> None:
    as_saved(tmp_path)
    assert not resolve_checkpoint(str(tmp_path)).embedded
    (tmp_path / "atp_scope.json").write_text(json.dumps({"layout_version": 2, "scenarios": {}, "checkpoint": name}))
    trained, tiny = resolve_checkpoint(str(tmp_path)), load_config("checkpoints", name, ModelProfile)
    assert trained.embedded
    assert (trained.sampling, trained.engine) == (tiny.sampling, tiny.engine)
    assert trained.name == trained.source == str(tmp_path)


def test_one_string_names_any_checkpoint(tmp_path) -> None:
    assert resolve_checkpoint("qwen3-8b").source == "Qwen/Qwen3-8B"
    assert resolve_checkpoint("Qwen/Qwen3-0.6B").source == "Qwen/Qwen3-0.6B"
    assert resolve_checkpoint("policy:quantal").kind == "policy"
    endpoint = resolve_checkpoint("openai:gpt", base_url="http://127.0.0.1:9/v1")
    assert isinstance(endpoint, EndpointProfile)
    assert endpoint.model == "gpt"
    as_saved(tmp_path)
    first = resolve_checkpoint(str(tmp_path))
    assert first.source == str(tmp_path)
    as_saved(tmp_path, changed=True)
    assert resolve_checkpoint(str(tmp_path)).revision != first.revision


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tinny", "Did you mean 'tiny'"),
        ("policy:quantum", "Did you mean 'policy:quantal'"),
        ("openai:x", "--base-url"),
        ("./nowhere", "unknown checkpoint"),
    ],
)
def test_an_unknown_checkpoint_is_one_clear_line(name, message, monkeypatch) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(UsageError, match=message) as caught:
        resolve_checkpoint(name)
    assert "\n" not in str(caught.value)


def test_an_unknown_key_names_file_key_and_nearest_known(tmp_path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({"name": "mine", "treshold": [2]}))
    with pytest.raises(UsageError, match=r"mine.yaml: unknown key 'treshold'. Did you mean 'thresholds'"):
        load_grid(str(path))


def test_broken_yaml_names_the_line(tmp_path) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text("name: x\nthresholds: [2,\n")
    with pytest.raises(UsageError, match=r"broken.yaml:\d+: is not valid YAML"):
        load_grid(str(path))


def test_a_value_that_only_looks_like_a_date_is_one_clear_line(tmp_path) -> None:
    (tmp_path / "dated.yaml").write_text("name: 2026-13-45")
    with pytest.raises(UsageError, match=r"dated.yaml: is not valid YAML: month must be in 1..12"):
        load_yaml(tmp_path / "dated.yaml")


@pytest.mark.parametrize(("given", "told"), [("rounds=2026-13-45", "2026-13-45"), ("thresholds=2,[", "[")])
def test_a_value_of_a_setting_that_is_no_yaml_names_the_setting(given, told) -> None:
    with pytest.raises(UsageError) as caught:
        load_grid("smoke", [given])
    assert str(caught.value).startswith(f"--set {given.partition('=')[0]}: '{told}' is not a YAML value")
