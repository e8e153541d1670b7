"""What is read back from a figure is what the results say, for every figure there is."""

import pytest
from grid_runs import write_grid_run
from matplotlib.figure import Figure

from atp_ray.alignment.learning_curve import MetricRow
from atp_ray.measures.results import load_results
from atp_ray.report.figures.learning_curve import learning_curve
from atp_ray.report.html import figures
from atp_ray.report.html.drawn import data_table, description, points, title
from atp_ray.report.html.figures import html_figure, page_style
from atp_ray.report.run_report import by_paradigm


def drawn(run) -> dict[str, Figure]:
    with page_style():
        return {
            name: figure
            for room, of in by_paradigm(load_results(run))
            for figure, name in room.presentation.figures(of)
        }


def percent(rate) -> str:
    return f"{100 * rate.rate:.1f} % ({100 * rate.low:.0f}–{100 * rate.high:.0f})"


@pytest.mark.parametrize("settings", [["thresholds=[2,6]", "incentive_ratios=[0.5,1.0]", "scenarios=info_sharing"]])
def test_bars_bands_and_heat_maps_are_read_as_the_results_they_were_drawn_from(tmp_path, settings) -> None:
    run = write_grid_run(tmp_path, settings=settings)
    results = {(r.setting.threshold, r.setting.incentive_ratio): r for r in load_results(run)}
    found = drawn(run)
    assert [title(figure) for figure in found.values()] == [
        "Collusion rate by round",
        "P(collude r2 | success r1) by threshold and incentive ratio",
        "Collusion rate by round",
    ]
    bars, heat, bands = ([*points(figure)] for figure in found.values())
    ours = [(p.panel, p.at, p.value) for p in bars if p.line == "policy:quantal"]
    assert ours == [
        (f"threshold {t} of 8", str(number), percent(rate))
        for t in (2, 6)
        for number, rate in enumerate(results[t, 1.0].rates_R, start=1)
    ]
    assert [p.line for p in bars if p not in bars[: len(ours)]] == [
        f"paper: {model}, round 1" for model in ("Qwen3-8B", "Qwen3-8B + DPO", "Qwen3-8B + GRPO")
    ]
    assert {(p.panel, p.at): p.value for p in bands} == {
        (f"threshold {t}, incentive ratio {ratio:g}", str(number)): percent(rate)
        for (t, ratio), result in results.items()
        for number, rate in enumerate(result.rates_R, start=1)
    }
    assert {(p.line, p.at): p.value for p in heat} == {
        (f"incentive ratio {ratio:g}", str(t)): f"{r.recollusion.rate:.0%} n={r.recollusion.n}"
        if (r := results[t, ratio]).recollusion
        else "no success"
        for t, ratio in results
    }


def test_alternative_text_names_kind_panels_and_lines(tmp_path) -> None:
    (figure,) = drawn(write_grid_run(tmp_path, "table1", settings=["scenarios=taxi_driver"])).values()
    assert description(figure).startswith(
        "Line chart with intervals: Violation rate by round. One panel: all unsupervised. Lines: policy:quantal; "
        "paper: Qwen3-8B; "
    )
    table = data_table(figure, "Values")
    assert [column.name for column in table.columns] == ["panel", "line", *(f"round {r}" for r in range(1, 7))]
    assert table.rows[1].cells == ("all unsupervised", "paper: Qwen3-8B", *(
        f"{value} %" for value in (42.2, 46.9, 51.6, 53.1, 56.3, 57.8)
    ))  # fmt: skip


def test_many_places_become_a_row_each(tmp_path) -> None:
    settings = ["rounds=30", "thresholds=[2]", "scenarios=info_sharing"]
    figure, *_ = drawn(write_grid_run(tmp_path, settings=settings)).values()
    table = data_table(figure, "Values")
    assert [column.name for column in table.columns] == ["panel", "line", "round", "collusion rate"]
    assert len(table.rows) == 30


def test_a_figure_without_labelled_lines_has_alternative_text_and_no_table() -> None:
    names = ("loss", "rewards/accuracies", "rewards/margins")
    rows = [MetricRow(step, 0.1, name, 0.5) for name in names for step in (1, 2)]
    manifest = {"name": "a", "method": "dpo", "base": "tiny", "examples": 9, "embedded": True}
    with page_style():
        made = html_figure(learning_curve(manifest, rows), 1, "Learning curve")
    assert made.data is None
    assert "3 panels: DPO loss; chosen preferred; reward margin." in made.alt
    assert "table" not in made.alt
    assert made.caption.startswith("a: DPO of tiny on 9 examples. A small embedded test checkpoint")
    assert made.source.startswith("data:image/svg+xml;base64,")


def test_a_figure_too_large_as_vectors_is_a_bitmap(monkeypatch) -> None:
    monkeypatch.setattr(figures, "MOST_VECTOR", 1)
    with page_style():
        figure = Figure(figsize=(3, 2), layout="constrained")
        figure.subplots().plot([0, 1], label="a")
        made = html_figure(figure, 1, "Noise")
    assert made.source.startswith("data:image/png;base64,")
    assert made.data.rows[0].cells == ("", "a", "0.0 %", "100.0 %")
