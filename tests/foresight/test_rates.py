"""`foresight rates`: expected rates beside what a run played."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from grid_runs import write_grid_run

from atp_ray.errors import UsageError
from atp_ray.foresight.__main__ import main
from atp_ray.foresight.played_rates import played_rates
from atp_ray.foresight.rates import beyond_the_fit
from atp_ray.paradigms.games.fitted_games import LABEL, FittedGames
from atp_ray.paradigms.games.quantal import QuantalResponse
from atp_ray.responses.response import write_response

POLICY = "policy:quantal"
SMALL = ("scenarios=info_sharing", "seeds=30", "thresholds=3,9", "incentive_ratios=1", "n_agents=12")


def response(policy: QuantalResponse, checkpoint: str = POLICY) -> FittedGames:
    values = (policy.inverse_temperature, policy.prior_collude, policy.prior_refrain)
    return FittedGames(
        label=LABEL.format(checkpoint=checkpoint), family="quantal", losses={"quantal": 0.2}, base_loss=0.6,
        checkpoint=checkpoint, episodes=10, decisions=240, sizes=(8,), version="test", quantal=policy,
        bootstrap=((*values, policy.success_pull, policy.failure_pull, policy.evidence_cap),),
    )  # fmt: skip


@pytest.fixture(scope="module")
def teacher(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("fit") / "R.json"
    write_response(path, response(QuantalResponse()))
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    return write_grid_run(tmp_path_factory.mktemp("run"), settings=SMALL)


@pytest.mark.slow
def test_what_a_run_played_stands_beside_what_is_expected(teacher, run, tmp_path, capsys) -> None:
    out = tmp_path / "rates.parquet"
    assert main(["rates", str(teacher), "--observed", str(run), "--out", str(out)]) == 0
    rows = pq.read_table(out).to_pylist()
    assert [(row["n_agents"], row["threshold"], row["round"]) for row in rows] == [
        (12, threshold, number) for threshold in (3, 9) for number in (1, 2, 3)
    ]
    for row in rows:
        assert row["played_low"] <= row["played_rate"] <= row["played_high"]
        assert row["deviant_rate"] == pytest.approx(row["played_rate"], abs=0.06)
    assert {path.name for path in tmp_path.iterdir()} == {"rates.parquet", "rates.png", "rates.svg"}
    printed = " ".join(capsys.readouterr().out.split())
    assert "12 agents: 6 of 6 rates within 5 points of the played ones" in printed
    assert "it is not policy:quantal itself. Played by policy:quantal." in printed


def test_a_wrong_response_is_seen_to_be_wrong(run, tmp_path, capsys) -> None:
    path = tmp_path / "R.json"
    write_response(path, response(QuantalResponse(success_pull=-2, failure_pull=2)))
    assert main(["rates", str(path), "--observed", str(run), "--out", str(tmp_path / "rates.parquet")]) == 0
    assert "12 agents: 2 of 6 rates within 5 points" in " ".join(capsys.readouterr().out.split())


def test_a_run_of_one_other_checkpoint_can_be_compared_and_of_several_not(run, tmp_path) -> None:
    fitted = response(QuantalResponse(), "tiny")
    alone = played_rates([str(run)], fitted)
    assert alone.label == "Played by policy:quantal."
    embedded = write_grid_run(tmp_path / "tiny", checkpoints=("tiny",), settings=(*SMALL, "seeds=1"))
    both = played_rates([str(run), str(embedded)], fitted)
    assert len(both.cells) == 4
    assert both.rates == alone.rates | played_rates([str(embedded)], fitted).rates
    assert "A small embedded test checkpoint" in both.label
    mixed = write_grid_run(tmp_path / "mixed", checkpoints=("tiny", POLICY), settings=(*SMALL, "seeds=1"))
    for name in ("tiny", POLICY):
        found = played_rates([str(mixed)], response(QuantalResponse(), name))
        assert {cell.checkpoint for cell in found.cells} == {name}
        assert {cell_id for cell_id, _ in found.rates} == {cell.cell_id for cell in found.cells}
    with pytest.raises(UsageError, match=r"mixed: has no finished cell of qwen alone\. It has policy:quantal, tiny"):
        played_rates([str(mixed)], response(QuantalResponse(), "qwen"))
    fixed = write_grid_run(tmp_path / "fixed", checkpoints=("policy:collude",), settings=(*SMALL, "seeds=1"))
    with pytest.raises(UsageError, match=r"has no finished cell of tiny alone\. It has none"):
        played_rates([str(fixed)], fitted)


def test_rounds_in_which_nothing_was_decided_have_no_rate(tmp_path) -> None:
    silent = write_grid_run(tmp_path, settings=(*SMALL, "seeds=1"))
    for path in (silent / "cells").iterdir():
        table = pq.read_table(path)
        nothing = dict.fromkeys(("deviant_rate", "ci_low", "ci_high"))
        rows = [row | (nothing if row["round"] == 2 else {}) for row in table.to_pylist()]
        pq.write_table(table.from_pylist(rows, table.schema), path)
    found = played_rates([str(silent)], response(QuantalResponse()))
    assert sorted(found.rates) == sorted((cell.cell_id, number) for cell in found.cells for number in (1, 3))


def test_a_run_has_settings_of_its_own(teacher, run) -> None:
    with pytest.raises(UsageError, match="--n-agents: does not go with --observed"):
        main(["rates", str(teacher), "--observed", str(run), "--n-agents", "64"])
    with pytest.raises(UsageError, match="holds no run"):
        main(["rates", str(teacher), "--observed", str(run / "cells")])


def test_nothing_is_assumed_about_sizes_that_were_fitted(run) -> None:
    fitted = response(QuantalResponse())
    cells = played_rates([str(run)], fitted).cells
    assert "Fitted on episodes of 8 agents: that agents respond alike among 12" in str(beyond_the_fit(fitted, cells))
    assert beyond_the_fit(fitted.model_copy(update={"sizes": (8, 12)}), cells) is None
    assert beyond_the_fit(fitted.model_copy(update={"sizes": ()}), cells) is None


def test_a_response_of_another_version_is_refused_in_one_line(teacher, tmp_path) -> None:
    data = json.loads(teacher.read_text())
    data["bootstrap"] = [values[:5] for values in data["bootstrap"]]
    (tmp_path / "R.json").write_text(json.dumps(data))
    with pytest.raises(UsageError, match=r"quantal with 5 parameters is of another version\. Fit it again"):
        main(["rates", str(tmp_path / "R.json"), "--out", str(tmp_path / "rates.parquet")])
