"""The page of a comparison: answer, figures, tables and versions of every run, in one file."""

from pathlib import Path

import pytest
from grid_runs import write_grid_run
from html_outline import outline

from atp_ray.report.__main__ import main
from atp_ray.report.html.page import FILE, MOST_BYTES

SETTINGS = ["thresholds=[4,6]", "scenarios=info_sharing,hunting_game,public_fund"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> list[Path]:
    folder = tmp_path_factory.mktemp("runs")
    return [
        write_grid_run(folder / name[7:], checkpoints=(name,), settings=SETTINGS, chance=chance)
        for name, chance in (("policy:quantal", 0.9), ("policy:collude", 0.2))
    ]


@pytest.mark.slow
def test_a_comparison_is_one_page_with_answer_figures_tables_and_both_runs(runs, tmp_path, capsys) -> None:
    assert main(["compare", *map(str, runs), "--html", "--out", str(tmp_path)]) == 0
    assert f"Report:  {tmp_path / FILE}" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
    html = (tmp_path / FILE).read_text()
    assert len(html) < MOST_BYTES
    found = outline(html)
    told = found.text("p")
    assert "Is the collusion rate of policy:collude below that of policy:quantal in round 1" in told
    assert "policy:collude starts below policy:quantal in 2 of 2 settings (n=8, t=4" in told
    assert "Over all settings the difference is -" in told
    assert len(found.all("figure")) == 2
    assert len(found.all("table")) >= 2  # the differences, and the values of the curves
    assert {"quantal: Run", "collude: Run"} <= set(found.text("h3").split("\n"))
    assert "Not a statement about Qwen or Llama." in html


@pytest.mark.slow
def test_one_run_with_several_checkpoints_is_compared_with_itself(tmp_path) -> None:
    run = write_grid_run(
        tmp_path / "run", checkpoints=("policy:quantal", "policy:refrain"), settings=SETTINGS, chance=0.5
    )
    assert main(["compare", str(run), "--html"]) == 0
    found = outline((run / "comparison" / FILE).read_text())
    assert "policy:refrain does not start clearly below policy:quantal in any of 2 settings." in found.text("p")
