"""A response is fitted to a run, says how sure it is, and plays games of other sizes."""

import asyncio
import re
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from support import make_cell, make_spec, play, record_round, role_play_spec

from actors.players import ChancePlayer, make_player
from atp_ray.checkpoint.names import resolve_checkpoint
from atp_ray.checkpoint.profiles import FittedProfile, checkpoint_kind
from atp_ray.checkpoint.scope import check_scope
from atp_ray.errors import ScopeError, UsageError
from atp_ray.foresight.__main__ import main
from atp_ray.paradigms.games.chain import Fixed, expected_rates, tip_chance
from atp_ray.paradigms.games.fitted_games import FittedGames, values_of
from atp_ray.paradigms.games.observed import observed_games
from atp_ray.paradigms.games.payoffs import published_payoffs
from atp_ray.paradigms.games.quantal import QuantalResponse
from atp_ray.paradigms.games.responding import RESPONDING
from atp_ray.paradigms.games.response_fitting import chances, fit_quantal, simplest
from atp_ray.paradigms.games.responses import FEATURES, FIRST_ROUND, LogisticResponse
from atp_ray.paradigms.games.scenarios import GameNumbers
from atp_ray.paradigms.responding import FitSource
from atp_ray.play.memory import EpisodeMemory
from atp_ray.play.rounds import observe_round
from atp_ray.play.sampling import Sampling
from atp_ray.storage.run_folder import create_run
from atp_ray.storage.tables import write_cell

pytestmark = pytest.mark.slow  # a run is played and fitted
THRESHOLDS, SEEDS = (2, 4, 6, 8), 25
NAME = "policy:quantal"


def write_run(folder: Path, policy=None, n=8, thresholds=THRESHOLDS, seeds=SEEDS, prefix="c") -> Path:
    for index, (ratio, threshold) in enumerate((r, t) for r in published_payoffs() for t in thresholds):
        payoffs = published_payoffs()[ratio]
        rewards = (payoffs.high, payoffs.medium, payoffs.low)
        shown = "choices" if n <= 16 else "counts"
        specs = [
            make_spec(n=n, threshold=threshold, rewards=rewards, seed=seed, visibility=shown) for seed in range(seeds)
        ]
        rounds = {spec.episode_id: play(spec, 1000 * index + spec.seed, policy) for spec in specs}
        write_cell(folder, make_cell(*specs, cell_id=f"{prefix}{index}"), rounds)
    if not (folder / "run.json").exists():
        create_run(folder, {"n_cells": 1})
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    return write_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def fitted_file(run) -> Path:
    out = run / "response.json"
    assert main(["fit", str(run), "--bootstrap", "20", "--out", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def fitted(fitted_file) -> FittedGames:
    return RESPONDING.read(fitted_file.read_text(), "the file")


def test_a_situation_is_what_an_agent_saw_of_the_others(tmp_path) -> None:
    spec = make_spec(n=3, threshold=2, rounds=2)
    first = record_round(spec, [], [1, 1, 0])
    rounds = [first, record_round(spec, [first], [1, 0, 0])]
    write_cell(tmp_path, make_cell(spec), {spec.episode_id: rounds})
    create_run(tmp_path, {})
    observed = observed_games(tmp_path, NAME)
    counts = {
        (int(deviant), int(decided), bool(success)): (int(colluded), int(refrained))
        for deviant, decided, success, colluded, refrained in zip(
            observed.others_deviant_U, observed.others_decided_U, observed.success_U,
            observed.colluded_EU[0], observed.refrained_EU[0], strict=True,
        )
    }  # fmt: skip
    # The two who colluded saw one other do it, the third saw both.
    assert counts == {(FIRST_ROUND, 0, False): (2, 1), (1, 2, True): (1, 1), (2, 2, True): (0, 1)}


def test_the_teacher_is_recovered(fitted) -> None:
    truth = QuantalResponse()
    assert fitted.family == "quantal"
    assert fitted.losses["quantal"] < fitted.losses["logistic"] < fitted.base_loss
    assert fitted.episodes == len(THRESHOLDS) * 5 * SEEDS
    for name, value, low, high in fitted.described():
        width = high - low
        assert low - width / 3 <= getattr(truth, name.replace(" ", "_")) <= high + width / 3, (name, value, low, high)
        assert width < 3
    assert fitted.quantal is not None
    assert fitted.quantal.evidence_cap == 7  # no more others were ever seen


def test_another_teacher_is_another_family(tmp_path) -> None:
    weights = dict.fromkeys(FEATURES, 0.0) | {"constant": -1.0, "threshold share": 2.5, "share of others": -3.0}
    teacher = LogisticResponse(coefficients=tuple(weights.values()))
    found = RESPONDING.fit(FitSource(write_run(tmp_path, teacher, seeds=6), NAME), 2, 0, lambda done, total: None)
    assert found.family == "logistic"
    assert found.logistic is not None
    assert found.logistic.coefficients[FEATURES.index("share of others")] < -1


def test_lapses_are_told_from_a_low_temperature(tmp_path) -> None:
    run = write_run(tmp_path, QuantalResponse(lapse=0.06), seeds=6)
    found = RESPONDING.fit(FitSource(run, NAME), 4, 0, lambda done, total: None)
    assert found.family == "quantal with lapses"
    assert len(found.drawn()) == 4
    values = {name: (value, low, high) for name, value, low, high in found.described()}
    assert values["lapse"][0] == pytest.approx(0.06, abs=0.02)
    assert 0 < values["lapse"][1] < 0.06
    assert values["inverse temperature"][0] == pytest.approx(8, abs=1)
    assert values_of(found.drawn()[0], found.family) == found.bootstrap[0]


def test_how_many_others_count_is_fitted_where_sizes_differ(tmp_path) -> None:
    write_run(tmp_path, seeds=5)
    write_run(tmp_path, n=40, thresholds=(10, 20, 30), seeds=2, prefix="large")
    observed = observed_games(tmp_path, NAME)
    counts = observed.colluded_EU.sum(axis=0), observed.refrained_EU.sum(axis=0)
    found = fit_quantal(observed, *counts)
    assert 4 < found.evidence_cap < 14  # 7 in truth, 39 others were seen
    assert found.inverse_temperature == pytest.approx(8, abs=1)


@pytest.mark.parametrize(
    ("losses", "family"),
    [
        ({"quantal": 0.2504, "quantal with lapses": 0.2503, "logistic": 0.26}, "quantal"),
        ({"quantal": 0.2655, "quantal with lapses": 0.2610, "logistic": 0.27}, "quantal with lapses"),
        ({"quantal": 0.2655, "quantal with lapses": 0.2610, "logistic": 0.25}, "logistic"),
    ],
)
def test_more_parameters_must_gain_something(losses, family) -> None:
    assert simplest(losses) == family


@pytest.mark.parametrize("n", [64, 256])
def test_fitted_on_eight_it_foresees_larger_populations(fitted, n: int) -> None:
    """By the exact chain, which tests/paradigms/games/test_chain.py holds against games that are played."""
    for share in (0.25, 0.5, 0.75):
        for ratio in (0.5, 2.0):
            numbers = GameNumbers(n_agents=n, threshold=int(n * share), payoffs=published_payoffs()[ratio])
            found, truth = (expected_rates(response, numbers, 3) for response in (fitted.response, QuantalResponse()))
            assert found == pytest.approx(truth, abs=0.05), (share, ratio)


@pytest.mark.parametrize("policy", [QuantalResponse(), QuantalResponse(prior_collude=1, success_pull=0.3)])
def test_all_situations_together_are_each_by_itself(run, policy) -> None:
    observed = observed_games(run, NAME)
    chance_U = chances(policy, observed)
    for index in range(0, len(chance_U), 7):
        seen = observed.others_deviant_U[index] != FIRST_ROUND
        others = [np.array([float(column[index])]) for column in (observed.others_deviant_U, observed.others_decided_U)]
        numbers = observed.settings[observed.setting_U[index]]
        (alone,) = policy.collude_probability(
            numbers, *(others if seen else ()), success=bool(observed.success_U[index])
        )
        assert chance_U[index] == pytest.approx(alone)


def test_rates_of_other_sizes_are_a_table_without_playing_them(fitted_file, tmp_path, capsys) -> None:
    out = tmp_path / "rates.parquet"
    words = ["--n-agents", "64", "--set", "thresholds=16,48", "--out", str(out)]
    assert main(["rates", str(fitted_file), *words]) == 0
    rows = pq.read_table(out).to_pylist()
    assert [(row["n_agents"], row["threshold"], row["round"]) for row in rows] == [
        (64, threshold, number) for threshold in (16, 48) for number in (1, 2, 3)
    ]
    for row in rows:
        assert row["ci_low"] <= row["deviant_rate"] <= row["ci_high"]
        numbers = make_spec(n=64, threshold=row["threshold"], visibility="counts").parameters
        truth = expected_rates(QuantalResponse(), numbers, 3)[row["round"] - 1]
        assert row["deviant_rate"] == pytest.approx(truth, abs=0.05)
    assert "it is not policy:quantal itself" in capsys.readouterr().out
    with pytest.raises(ScopeError, match="was fitted to games and cannot play role_play"):
        main(["rates", str(fitted_file), "--grid", "table1", "--out", str(out)])


def test_where_games_tip_is_played_followed_exactly_and_as_a_mean_field(fitted_file, tmp_path, capsys) -> None:
    out = tmp_path / "P.parquet"
    words = ["--n-agents", "8,16", "--set", "threshold=0.75", "--committed", "0,25%,50%,75%", "--runs", "60"]
    assert main(["predict", str(fitted_file), *words, "--out", str(out)]) == 0
    rows = pq.read_table(out).to_pylist()
    assert [(row["n_agents"], row["committed"]) for row in rows] == [
        (n, n * quarter // 4) for n in (8, 16) for quarter in range(4)
    ]
    for row in rows:
        numbers = make_spec(n=row["n_agents"], threshold=row["n_agents"] * 3 // 4, visibility="counts").parameters
        truth = tip_chance(QuantalResponse(), numbers, 3, Fixed(row["committed"]))
        assert row["p_exact"] == pytest.approx(truth, abs=0.1)
        assert row["p_flip"] == pytest.approx(row["p_exact"], abs=0.06)
        assert row["ci_low"] <= row["p_flip"] <= row["ci_high"]
        assert 1 <= row["mean_rounds"] <= 3
    assert {path.name for path in tmp_path.iterdir()} == {"P.parquet", "P_critical.parquet", "P.png", "P.svg"}
    assert "A population tips if the collusion rate of its free seats is over half" in capsys.readouterr().out
    for words, message in (
        (["--from", "M"], "--from: is for naming games"),
        (["--committed", "8"], "8 fixed seats of 8 leave nobody free"),
        (["--set", "thresold=2"], "unknown key 'thresold'. Did you mean 'threshold'?"),
    ):
        with pytest.raises(UsageError, match=re.escape(message)):
            main(["predict", str(fitted_file), *words])


def test_games_that_were_played_are_put_beside_it(fitted, run, tmp_path) -> None:
    spec = make_spec(threshold=4)
    seen = RESPONDING.observed(fitted, spec, run)
    assert [(found.committed, found.runs) for found in seen] == [(0, SEEDS)]
    expected = tip_chance(QuantalResponse(), spec.parameters, 3)
    assert seen[0].flipped / SEEDS == pytest.approx(expected, abs=0.3)
    assert RESPONDING.observed(fitted, make_spec(threshold=5), run) == []


def test_what_stops_games_from_tipping_is_ranked(fitted_file, tmp_path) -> None:
    out = tmp_path / "I.parquet"
    words = ["--set", "threshold=0.5", "--committed", "2", "--runs", "60", "--samples", "3", "--out", str(out)]
    assert main(["interventions", str(fitted_file), *words]) == 0
    rows = {row["intervention"]: row for row in pq.read_table(out).to_pylist()}
    raised = rows["threshold raised"]
    assert raised["p_without"] > 0.8
    assert raised["needed"] in (3.0, 4.0)
    assert raised["effect_per_dose"] == max(row["effect_per_dose"] for row in rows.values())
    assert rows["loss of a failure raised"]["needed"] is not None
    assert rows["gain of a success lowered"]["needed"] is None
    assert abs(rows["fixed colluders hidden from some seats"]["effect"]) < 0.1


def decisions_of(player, spec) -> list[list[int]]:
    async def run() -> list[list[int]]:
        n = spec.parameters.n_agents
        memory, settled = EpisodeMemory(spec, range(n)), []
        for _ in range(spec.rounds):
            decisions = await player.decide(memory, range(n), Sampling())
            settled.append(record_round(spec, settled, decisions.action_A.tolist()))
            memory.observe([observe_round(spec, settled[-1], range(n))])
        return [record.decisions.action_A.tolist() for record in settled]

    return asyncio.run(run())


def test_a_response_with_the_teachers_parameters_plays_as_the_teacher(fitted) -> None:
    exact = fitted.model_copy(update={"quantal": QuantalResponse()})
    profile = FittedProfile(name="same", revision="", paradigm="games", response=exact.model_dump_json())
    spec = make_spec(threshold=4)
    assert decisions_of(make_player(profile, None), spec) == decisions_of(ChancePlayer(), spec)


def test_a_fitted_response_is_a_checkpoint(fitted_file) -> None:
    profile = resolve_checkpoint(f"policy:fitted:{fitted_file}")
    assert isinstance(profile, FittedProfile)
    assert checkpoint_kind(profile) == "fitted"
    assert len(profile.revision) == 64
    assert len(decisions_of(make_player(profile, None), make_spec(n=5, threshold=2))) == 3
    game, role_play = make_spec(checkpoint=profile.name), role_play_spec(checkpoint=profile.name)
    check_scope([make_cell(game, checkpoint=profile.name, kind="fitted")], [profile])
    with pytest.raises(ScopeError, match="was fitted to games and cannot play role_play"):
        check_scope([make_cell(role_play, checkpoint=profile.name, kind="fitted")], [profile])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("nonsense", "it is no JSON"),
        ("[1]", "is no response that plays episodes"),
        (None, "No such file"),
        ('{"paradigm": "games"}', "is no response to games: label: Field required"),
        ('{"paradigm": "role_play"}', "is of a paradigm without a response model"),
        ('{"paradigm": "chess"}', "chess"),
    ],
)
def test_a_file_that_is_no_response_is_no_checkpoint(tmp_path, content, message) -> None:
    path = tmp_path / "R.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UsageError, match=message):
        resolve_checkpoint(f"policy:fitted:{path}")


def test_what_cannot_be_fitted_is_refused_in_one_line(tmp_path, run) -> None:
    with pytest.raises(UsageError, match="give a run, or a table"):
        main(["fit"])
    with pytest.raises(UsageError, match=r"has no decisions of tiny\. It has policy:quantal"):
        main(["fit", str(run), "--checkpoint", "tiny", "--out", str(tmp_path / "R.json")])
    small = write_run(tmp_path / "small", thresholds=(4,), seeds=1)
    with pytest.raises(UsageError, match="has 5 episodes with policy:quantal, a fit needs 10"):
        main(["fit", str(small), "--out", str(tmp_path / "R.json")])
    with pytest.raises(UsageError, match="--model: is required with --interactions"):
        main(["fit", "--interactions", "i.parquet", "--names", "M,Q"])
