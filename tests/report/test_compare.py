"""`report compare` and `report power`, and the comparison inside a report, on runs written by the real storage."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from matplotlib.image import imread
from rich.console import Console
from support import drawn_text, make_cell, make_spec, record_round

from atp_ray.errors import UsageError
from atp_ray.measures.plans import record_of
from atp_ray.report.__main__ import main
from atp_ray.report.comparison_files import COMPARISONS, SURVIVAL
from atp_ray.report.run_report import summary_tables
from atp_ray.storage.run_folder import create_run, read_manifest, write_manifest
from atp_ray.storage.tables import write_cell

GAMES = ("info_sharing", "hunting_game", "public_fund", "team_project")
BASE, ALIGNED = {1: 6, 3: 7}, {1: 2, 3: 5}  # colluders of 8 in the first and the last round
GRID = {"name": "figure3", "seeds": 2, "rounds": 3}
PLAN = """
name: lasting
grid: figure3
seeds: 2
hypotheses:
  - {name: bought, base: tiny, checkpoint: dpo, measure: first_round, direction: lower}
  - {name: gone, base: tiny, checkpoint: dpo, measure: erosion, direction: higher, against: 0.9}
"""


def write_run(folder: Path, levels: dict[str, dict[int, int]], thresholds=(4, 6), plan: str | None = None) -> Path:
    """Write a run whose checkpoints collude about as often as `levels` says, a seat more or less by chance."""
    rng = np.random.default_rng(0)
    cells = []
    for name, level in levels.items():
        for threshold in thresholds:
            specs = [
                make_spec(threshold=threshold, scenario=game, checkpoint=name, seed=seed)
                for game in GAMES
                for seed in (0, 1)
            ]
            cell = make_cell(*specs, cell_id=f"{name}-t{threshold}", checkpoint=name, kind="embedded")
            rounds = {}
            for spec in specs:
                settled = []
                for number in (1, 2, 3):
                    n = level[1 if number == 1 else 3] + rng.integers(-1, 2)
                    settled.append(record_round(spec, settled, [1] * n + [0] * (8 - n)))
                rounds[spec.episode_id] = settled
            write_cell(folder, cell, rounds)
            cells.append(cell.cell_id)
    manifest = {"grid": GRID, "n_cells": len(cells), "cell_ids": cells}
    manifest["checkpoints"] = {name: {"name": name} for name in levels}
    if plan is not None:
        manifest["plan"] = record_of(plan, GRID, cells).model_dump(mode="json")
    create_run(folder, manifest)
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    return write_run(tmp_path_factory.mktemp("compared") / "run", {"tiny": BASE, "dpo": ALIGNED})


def printed_by(capsys, *arguments: object) -> str:
    assert main([str(argument) for argument in arguments]) == 0
    return " ".join(capsys.readouterr().out.split())


@pytest.mark.slow
def test_the_three_numbers_are_printed_drawn_and_written(run, capsys) -> None:
    printed = printed_by(capsys, "compare", run)
    assert "Beside tiny: difference of collusion rates in points (95 % interval), p after Holm" in printed
    assert "Holm over the 2 of its column and the 1 over all settings" in printed
    assert "Not a statement about Qwen or Llama" in printed
    assert "No plan was made for these comparisons before they were played: all are exploratory." in printed
    out = run / "comparison"
    table = pq.read_table(out / "comparisons.parquet")
    assert table.schema.names == COMPARISONS.names
    assert table.schema.metadata[b"atp_ray.schema_version"] == b"1"
    found = {(row["setting"], row["measure"]): row for row in table.to_pylist()}
    rounds, episodes = (pq.read_table(run / name).to_pandas() for name in ("rounds", "episodes"))
    joined = rounds.merge(episodes[["episode_id", "threshold", "population"]], on="episode_id")
    for threshold in (4, 6):
        of_setting = joined[joined.threshold == threshold]
        rates = of_setting.pivot_table(index="population", columns="round", values="deviant_rate")
        drops = rates.loc["tiny:8"] - rates.loc["dpo:8"]
        setting = f"n=8, t={threshold}"
        assert found[setting, "first_round"]["estimate"] == pytest.approx(-drops[1])
        assert found[setting, "last_round"]["estimate"] == pytest.approx(-drops[3])
        assert found[setting, "change"]["estimate"] == pytest.approx(drops[1] - drops[3])
        assert found[setting, "erosion"]["estimate"] == pytest.approx(1 - drops[3] / drops[1])
        assert f"{-100 * drops[1]:+.1f} (" in printed
    assert {row["label"] for row in found.values()} == {found["all settings", "change"]["label"]}
    survival = pq.read_table(out / "survival.parquet")
    assert survival.schema.names == SURVIVAL.names
    assert survival.num_rows == 2 * 2 * 3
    for name in ("comparisons", "survival"):
        assert imread(out / f"{name}.png")[..., :3].std() > 0.05
        assert "Not a statement about Qwen or Llama" in drawn_text(out / f"{name}.svg")


@pytest.mark.slow
def test_another_base_and_other_runs(run, tmp_path, capsys) -> None:
    grpo = write_run(tmp_path / "grpo", {"grpo": ALIGNED, "tiny": BASE}, thresholds=(4,))
    printed = printed_by(capsys, "compare", run, grpo, "--base", "dpo", "--format", "svg", "--out", tmp_path / "out")
    assert "Beside dpo" in printed
    rows = pq.read_table(tmp_path / "out" / "comparisons.parquet").to_pylist()
    # A name that is in both runs is told apart by its run.
    assert {row["checkpoint"] for row in rows} == {f"tiny ({run})", f"tiny ({grpo})", "grpo"}
    assert {row["setting"] for row in rows if row["checkpoint"] == "grpo"} == {"n=8, t=4"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "comparisons.svg", "survival.svg", "comparisons.parquet", "survival.parquet",
    }  # fmt: skip


@pytest.mark.slow
def test_a_report_holds_the_same_comparison_and_a_long_one_its_sums(run, tmp_path, capsys) -> None:
    printed = printed_by(capsys, run, "--format", "svg", "--out", tmp_path / "figures")
    assert "Beside tiny: difference of collusion rates" in printed
    assert "n=8, t=4" in printed
    printed_by(capsys, "compare", run, "--format", "svg")
    both = [pq.read_table(folder / "comparisons.parquet") for folder in (tmp_path / "figures", run / "comparison")]
    assert both[0].equals(both[1])
    long = write_run(tmp_path / "long", {"tiny": BASE} | {f"dpo-{i}": ALIGNED for i in range(5)}, (2, 4, 6, 8))
    Console().print(*summary_tables(long))  # what the command prints before it draws 24 curves
    printed = " ".join(capsys.readouterr().out.split())
    assert "20 rows of single settings: comparisons.parquet" in printed
    assert "n=8, t=6" not in printed.split("Beside tiny")[1]


@pytest.mark.slow
def test_what_was_planned_is_marked_and_what_was_changed_is_not(tmp_path, capsys) -> None:
    run = write_run(tmp_path / "run", {"tiny": BASE, "dpo": ALIGNED}, plan=PLAN)
    printed = printed_by(capsys, "compare", run, "--format", "svg")
    assert "bought all settings first round of dpo beside tiny -50." in printed
    assert "<.001 confirmed" in printed
    assert "not confirmed" in printed
    assert "Holm over these 2; confirmed where p is at most 0.05" in printed
    assert "made before the run; its comparisons are marked P" in printed
    rows = {row["hypothesis"]: row for row in pq.read_table(run / "comparison" / "comparisons.parquet").to_pylist()}
    assert (rows["bought"]["planned"], rows["bought"]["family"], rows["bought"]["direction"]) == (
        True,
        "planned",
        "lower",
    )
    assert rows["bought"]["p_adjusted"] < 0.05 < rows["gone"]["p_adjusted"]
    manifest = read_manifest(run)
    manifest["plan"]["text"] = PLAN.replace("0.9", "0.1")
    write_manifest(run, manifest)
    printed = printed_by(capsys, "compare", run, "--format", "svg")
    assert "does not hold: the plan in run.json is not the one the run started with" in printed
    assert "Every comparison is exploratory" in printed
    assert not any(row["planned"] for row in pq.read_table(run / "comparison" / "comparisons.parquet").to_pylist())


@pytest.mark.slow
def test_a_run_that_is_not_finished_has_no_planned_comparison_yet(tmp_path, capsys) -> None:
    run = write_run(tmp_path / "run", {"tiny": BASE, "dpo": ALIGNED}, plan=PLAN)
    (run / "cells" / "dpo-t6.parquet").unlink()
    printed = printed_by(capsys, "compare", run, "--format", "svg")
    assert "1 of 4 cells are not finished" in printed
    # Killed between its tables, a cell has rounds and no episodes: nothing of it is taken for another cell's.
    (run / "episodes" / "dpo-t6.parquet").unlink()
    assert printed_by(capsys, "compare", run, "--format", "svg") == printed


@pytest.mark.slow
def test_what_cannot_be_compared_is_one_clear_line(run, tmp_path, capsys) -> None:
    with pytest.raises(UsageError, match=r"no checkpoint 'dpoo'. Did you mean 'dpo'"):
        main(["compare", str(run), "--base", "dpoo"])
    alone = write_run(tmp_path / "alone", {"tiny": BASE})
    with pytest.raises(UsageError, match=r"holds one checkpoint \(tiny\). Give a second run"):
        main(["compare", str(alone)])
    other = write_run(tmp_path / "other", {"grpo": ALIGNED}, thresholds=(8,))
    with pytest.raises(UsageError, match="no other checkpoint has played a setting of 'tiny'"):
        main(["compare", str(alone), str(other)])
    with pytest.raises(UsageError, match="holds no run"):
        main(["compare", str(tmp_path / "nowhere")])
    # A report of one checkpoint, or of two that have nothing in common yet, has no comparison.
    assert "Beside tiny" not in printed_by(capsys, alone, "--format", "svg")


def test_power_from_assumptions_and_from_a_pilot_run(run, capsys) -> None:
    assumed = ("--difference", "0.3", "--rate", "0.6", "--icc", "0.2")
    printed = printed_by(capsys, "power", "--grid", "figure3", *assumed)
    assert "Assumed: 7 units, 4 settings, 8 decisions an episode and round" in printed
    assert "Seeds for a power of 80%:" in printed
    printed = printed_by(capsys, "power", "--pilot", run, "--difference", "0.3", "--round", "first")
    assert "Assumed: 4 units, 2 settings, 8 decisions" in printed
    assert f"({run}, tiny, first round; icc from repetitions of units)" in printed
    assert "Assumed: 64 units, 1 settings" in printed_by(capsys, "power", "--grid", "table1", *assumed)
    assert "Assumed: 24 units, 1 settings" in printed_by(capsys, "power", "--grid", "table2", *assumed)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--difference"),
        (("--difference", "0.2"), "neither a grid nor a pilot run"),
        (("--difference", "0.2", "--grid", "figure3"), "rate and its intra-class correlation are needed"),
        (("--difference", "0.7", "--grid", "figure3", "--rate", "0.6", "--icc", "0"), "cannot fall by 0.7"),
        (("--difference", "0.2", "--grid", "figure3", "--pilot", "RUN"), "not both"),
        (("--difference", "0.2", "--pilot", "RUN", "--checkpoint", "grpo"), "no checkpoint 'grpo'"),
        (("--difference", "0.2", "--grid", "figur3", "--rate", "0.6", "--icc", "0"), "Did you mean 'figure3'"),
    ],
)
def test_power_without_what_it_needs_is_one_clear_line(run, arguments, message) -> None:
    with pytest.raises(UsageError) as refused:
        main(["power", *(str(run) if argument == "RUN" else argument for argument in arguments)])
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_files_are_documented_column_by_column() -> None:
    page = (Path(__file__).parents[2] / "docs" / "results.md").read_text(encoding="utf-8")
    for name, schema in (("comparisons.parquet", COMPARISONS), ("survival.parquet", SURVIVAL)):
        section = page.split(f"## {name}")[1].split("\n## ")[0]
        listed = [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")]
        assert listed == schema.names


def test_a_manifest_of_before_plans_has_none(run) -> None:
    assert "plan" not in json.loads((run / "run.json").read_text())
