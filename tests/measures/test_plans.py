"""A plan fits the grid or is refused; what was changed afterwards is found."""

import copy
import hashlib
from pathlib import Path

import pytest
from support import make_cell, make_spec, role_play_spec

from atp_ray.errors import UsageError
from atp_ray.measures.plans import cell_setting, load_plan, plan_of, record_of, require_fit
from atp_ray.measures.results import Setting

TEXT = """
name: does_it_last
question: Is DPO's drop gone after three rounds?
grid: figure3
seeds: 2
hypotheses:
  - {name: bought, base: tiny, checkpoint: dpo, measure: first_round, direction: lower}
  - {name: eroded, base: tiny, checkpoint: dpo, measure: erosion, direction: higher, against: 0.5,
     where: {threshold: 4}}
"""
GRID = {"name": "figure3", "seeds": 2, "rounds": 3, "thresholds": [2, 4]}
OTHER_PLAN = "the plan in run.json is not the one the run started with (its SHA-256 differs)"
OTHER_GRID = "the grid in run.json is not the one the plan was made for (its SHA-256 differs)"
CELLS = ["tiny-t2", "tiny-t4", "dpo-t2", "dpo-t4"]
SETTINGS = [Setting("tiny", "embedded", 8, threshold, 1.0) for threshold in (2, 4)]


def written(folder: Path, text: str) -> Path:
    path = folder / "plan.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def manifest() -> dict:
    record = record_of(TEXT, GRID, CELLS)
    return {"grid": copy.deepcopy(GRID), "cell_ids": list(CELLS), "plan": record.model_dump(mode="json")}


def test_the_hash_is_that_of_the_file_and_a_kept_plan_holds(tmp_path) -> None:
    plan, text = load_plan(written(tmp_path, TEXT))
    require_fit(plan, GRID, ["tiny", "dpo"], SETTINGS, "plan.yaml")
    record = record_of(text, GRID, CELLS)
    assert record.sha256 == hashlib.sha256((tmp_path / "plan.yaml").read_bytes()).hexdigest()
    checked = plan_of(manifest(), CELLS)
    assert checked.broken is None
    assert checked.plan == plan
    assert checked.sha256 == record.sha256
    assert plan_of({"grid": GRID}, CELLS) is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda m: m["plan"].update(text=TEXT.replace("lower", "higher")), OTHER_PLAN),
        (lambda m: m["plan"].update(text=TEXT + "\n# a remark\n"), OTHER_PLAN),
        (lambda m: m["grid"].update(thresholds=[2]), OTHER_GRID),
        (lambda m: m["grid"].update(seeds=3), OTHER_GRID),
        (lambda m: m.update(cell_ids=CELLS[:2]), OTHER_GRID),
    ],
)
def test_a_plan_or_grid_that_was_changed_afterwards_is_found(change, reason) -> None:
    changed = manifest()
    change(changed)
    assert plan_of(changed, CELLS).broken == reason


def test_a_plan_that_was_kept_for_another_grid_is_found() -> None:
    other = GRID | {"seeds": 5}
    kept = {"grid": other, "cell_ids": CELLS, "plan": record_of(TEXT, other, CELLS).model_dump(mode="json")}
    assert plan_of(kept, CELLS).broken == "the plan is for another grid"


def test_the_hash_of_an_experiment_is_the_recorded_one_whatever_the_order() -> None:
    grid = {"name": "fünf", "seeds": 2}
    recorded = "da72b1e2b8b57bc5a0678a6e335b1053449118992c3de5899bc5d0f2c3b2358a"
    for kept in (record_of(TEXT, grid, CELLS), record_of(TEXT, dict(reversed(grid.items())), CELLS[::-1])):
        assert kept.experiment_sha256 == recorded


def test_the_setting_of_a_cell_is_what_its_results_say() -> None:
    games = [make_spec(threshold=3, network="ring:k=2"), make_spec(threshold=3, network="ring:k=2", seed=1)]
    told = cell_setting(make_cell(*games, checkpoint="tiny", kind="embedded"))
    assert (told.checkpoint, told.checkpoint_kind, told.n_agents, told.threshold) == ("tiny", "embedded", 8, 3)
    assert (told.paradigm, told.network, told.supervision) == ("games", "ring:k=2", None)
    assert told.incentive_ratio is not None
    alone = cell_setting(make_cell(role_play_spec("alternating")))
    assert (alone.paradigm, alone.supervision, alone.low, alone.high) == ("role_play", "alternating", 2, 2.5)
    assert (alone.n_agents, alone.threshold, alone.incentive_ratio, alone.network) == (1, None, None, "complete")


def test_a_run_that_is_not_finished_or_has_other_cells_has_not_kept_to_its_plan() -> None:
    assert "2 of 4 cells are not finished" in plan_of(manifest(), CELLS[:2]).broken
    assert "not planned (extra)" in plan_of(manifest(), [*CELLS, "extra"]).broken


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "grid: figure3",
            "grid: appendix_b",
            "plans grid appendix_b, the run has figure3. Run it with --grid appendix_b",
        ),
        ("seeds: 2", "seeds: 5", "plans seeds 5, the run has 2"),
        ("checkpoint: dpo", "checkpoint: dpoo", "'dpoo' is not played. Did you mean 'dpo'?"),
        ("base: tiny", "base: dpo", "compares 'dpo' with itself"),
        (
            "{threshold: 4}",
            "{threshold: 5}",
            "hypothesis 'eroded': no setting of the grid is like that. Change its `where`",
        ),
    ],
)
def test_a_plan_for_another_experiment_is_refused(tmp_path, old, new, message) -> None:
    plan, _ = load_plan(written(tmp_path, TEXT.replace(old, new)))
    with pytest.raises(UsageError, match=r"plan\.yaml") as refused:
        require_fit(plan, GRID, ["tiny", "dpo"], SETTINGS, "plan.yaml")
    assert message in str(refused.value)


def test_only_what_a_first_round_shows_can_be_planned_for_one_round(tmp_path) -> None:
    plan, _ = load_plan(written(tmp_path, TEXT))
    with pytest.raises(UsageError) as refused:
        require_fit(plan, GRID | {"rounds": 1}, ["tiny", "dpo"], SETTINGS, "plan.yaml")
    assert str(refused.value) == "plan.yaml: hypothesis 'eroded' needs two rounds or more. Give --rounds 2"
    first, _ = load_plan(written(tmp_path, TEXT.partition("  - {name: eroded")[0]))
    require_fit(first, GRID | {"rounds": 1}, ["tiny", "dpo"], SETTINGS, "plan.yaml")
    require_fit(plan, GRID | {"rounds": 2}, ["tiny", "dpo"], SETTINGS, "plan.yaml")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("direction: lower", "direktion: lower", "hypotheses.0.direktion"),
        ("measure: erosion", "measure: corrosion", "hypotheses.1.measure"),
        ("name: eroded", "name: bought", "plan.yaml: two hypotheses have the same name. Name each one differently"),
        ("name: does_it_last", "name: does_it_last\nstopping_rule: when_it_looks_good", "stopping_rule"),
    ],
)
def test_what_is_no_plan_is_one_clear_line(tmp_path, old, new, message) -> None:
    with pytest.raises(UsageError) as refused:
        load_plan(written(tmp_path, TEXT.replace(old, new)))
    assert message in str(refused.value)
    assert str(refused.value).startswith(str(tmp_path / "plan.yaml"))
    assert "\n" not in str(refused.value)


def test_a_record_that_is_no_plan_any_more_is_one_clear_line() -> None:
    damaged = manifest()
    damaged["plan"]["text"] = "name: [unclosed"
    with pytest.raises(UsageError) as refused:
        plan_of(damaged, CELLS)
    assert str(refused.value) == "run.json: plan: the plan is not YAML any more. Restore run.json from a copy"
    damaged["plan"]["text"] = "name: alone"
    with pytest.raises(UsageError, match=r"^run\.json: plan: grid: Field required"):
        plan_of(damaged, CELLS)
    del damaged["plan"]["text"]
    with pytest.raises(UsageError, match=r"^run\.json: plan: text"):
        plan_of(damaged, CELLS)
