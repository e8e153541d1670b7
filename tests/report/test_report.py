"""Results, figures and the report command, on runs written by the real storage."""

from pathlib import Path

import pytest
from matplotlib.image import imread
from support import drawn_text, make_cell, make_spec, play, record_round

from atp_ray.errors import UsageError
from atp_ray.measures.results import CellResult, Setting, honest_label, load_results, players_label
from atp_ray.paradigms.games.payoffs import published_payoffs
from atp_ray.play.actions import Action
from atp_ray.play.episodes import SeatGroup
from atp_ray.report.__main__ import main
from atp_ray.report.mixed import mixed_table
from atp_ray.report.published import beside_paper, published_figure3, published_figure4
from atp_ray.report.run_report import draw_figures
from atp_ray.storage.run_folder import create_run
from atp_ray.storage.tables import write_cell

GAMES = ("info_sharing", "hunting_game", "public_fund")


def write_run(folder: Path, checkpoints=(("policy:quantal", "policy"),), ratios=(1.0,), thresholds=(2, 8), n=8) -> Path:
    cells = 0
    for name, kind in checkpoints:
        for ratio in ratios:
            payoff = published_payoffs()[ratio]
            for threshold in thresholds:
                rewards = (payoff.high, payoff.medium, payoff.low)
                specs = [
                    make_spec(n=n, threshold=threshold, rewards=rewards, scenario=game, checkpoint=name)
                    for game in GAMES
                ]
                cell = make_cell(*specs, cell_id=f"c{cells}", checkpoint=name, kind=kind)
                write_cell(folder, cell, {spec.episode_id: play(spec, seed=cells) for spec in specs})
                cells += 1
    create_run(folder, {"n_cells": cells})
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "formats", "names"),
    [
        ({}, ("svg",), ["figure3_rates_by_round", "figure4_recollusion"]),
        (
            {"ratios": (0.25, 1.0, 4.0)},
            ("png", "svg"),
            ["figure3_rates_by_round", "figure4_recollusion", "figure6_settings"],
        ),
        (
            {"checkpoints": (("tiny", "embedded"), ("qwen3-8b", "model"))},
            ("svg",),
            ["figure3_rates_by_round", "figure4_recollusion", "comparisons", "survival"],
        ),
        ({"n": 12, "thresholds": (1, 3, 5, 7, 9)}, ("svg",), ["figure3_rates_by_round", "figure4_recollusion"]),
    ],
)
def test_every_run_gets_its_figures(tmp_path, options, formats, names) -> None:
    run = write_run(tmp_path, **options)
    paths = draw_figures(run, tmp_path / "figures", formats)
    paths, files = ([path for path in paths if (path.suffix == ".parquet") == wanted] for wanted in (False, True))
    assert [path.name for path in paths] == [f"{name}.{ending}" for name in names for ending in formats]
    assert [path.stem for path in files] == [name for name in ("comparisons", "survival") if name in names]
    for path in paths:
        if path.suffix == ".png":
            image = imread(path)
            assert image.shape[1] >= 300 * 3
            assert image[..., :3].std() > 0.05  # not an empty page
        else:
            assert "95 %" in drawn_text(path) or "recollusion" in path.name


@pytest.mark.slow
def test_figures_do_not_change_when_nothing_has(tmp_path) -> None:
    run = write_run(tmp_path)
    one = draw_figures(run, tmp_path / "a", ("svg",))
    two = draw_figures(run, tmp_path / "b", ("svg",))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "expected"),
    [("embedded", "small embedded test checkpoint"), ("policy", "analytic policy, no language model"), ("model", None)],
)
def test_labels_say_what_results_are_not_about(tmp_path, kind, expected, capsys) -> None:
    run = write_run(tmp_path, checkpoints=(("x", kind),))
    label = honest_label(load_results(run))
    assert (label is None) if expected is None else (expected in label and "Qwen or Llama" in label)
    main([str(run), "--format", "svg"])
    printed = " ".join(capsys.readouterr().out.split())
    drawn = drawn_text(run / "figures" / "figure3_rates_by_round.svg")
    if expected is not None:
        assert expected in printed
        assert "Not a statement about" in drawn
    else:
        assert "Not a statement" not in printed + drawn


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("tiny",), "tiny is a small embedded test checkpoint"),
        (("tiny-names",), "tiny-names is a small embedded test checkpoint"),
        (("tiny-names", "tiny"), "tiny and tiny-names are small embedded test checkpoints"),
        (("tiny", "tiny-dpo"), "tiny and what is trained from it are small embedded test checkpoints"),
    ],
)
def test_small_checkpoints_are_labelled_by_name(names, said) -> None:
    assert players_label((name, "embedded") for name in names).startswith(f"{said} taught by an analytic policy.")


def test_the_report_prints_rates_intervals_and_the_paper(tmp_path, capsys) -> None:
    run = write_run(tmp_path, thresholds=(2,))
    assert main([str(run), "--format", "png"]) == 0
    printed = capsys.readouterr().out
    rate = load_results(run)[0].rates_R[0]
    assert f"{100 * rate.rate:.1f} ({100 * rate.low:.0f}-{100 * rate.high:.0f})" in printed
    assert "76.8% (43/56)" in printed
    assert "figure3_rates_by_round.png" in printed


@pytest.mark.parametrize(
    ("differs", "line"),
    [
        ("", "Ours is played like the paper (docs/paper.md)."),
        ("rounds 2, not 3; own words", "Ours is played like the paper but for: rounds 2, not 3; own words"),
        (None, "Ours may be played otherwise than the paper"),
    ],
)
def test_beside_the_paper_stands_in_which_points_ours_differs(differs, line) -> None:
    results = [CellResult(Setting("qwen3-8b", "model", 8, 2, 1.0), (None,), None, 1, 1, differs_from_paper=differs)]
    assert beside_paper(results).startswith(line)


def test_the_line_is_in_table_and_figure_and_in_the_data(tmp_path, capsys) -> None:
    specs = [make_spec(threshold=2, scenario=game, unreadable="counted") for game in GAMES]
    cell = make_cell(*specs).model_copy(update={"differs_from_paper": "rounds 2, not 3"})
    actions = [Action.DEVIANT] * 5 + [Action.UNPARSED] * 3
    write_cell(tmp_path, cell, {spec.episode_id: [record_round(spec, [], actions)] for spec in specs})
    create_run(tmp_path, {"n_cells": 1})
    (result,) = load_results(tmp_path)
    assert (result.differs_from_paper, result.n_assumed, result.n_turns, result.n_undecided) == (
        "rounds 2, not 3", 9, 24, 0,
    )  # fmt: skip
    assert result.rates_R[0] is not None
    assert (result.rates_R[0].rate, result.rates_R[0].n) == (5 / 8, 24)
    main([str(tmp_path), "--format", "svg"])
    printed = " ".join(capsys.readouterr().out.split())
    assert "0.0% + 37.5%" in printed
    assert "like the paper but for: rounds 2, not 3" in printed
    drawn = drawn_text(tmp_path / "figures" / "figure3_rates_by_round.svg")
    assert "like the paper but for: rounds 2, not 3" in " ".join(drawn.split())
    assert "9 unreadable replies counted" in " ".join(drawn.split())


@pytest.mark.parametrize(("rule", "rate"), [("left_out", "100.0"), ("counted", "66.7")])
def test_a_mixed_populations_table_counts_as_the_episodes_do(tmp_path, rule, rate) -> None:
    seats = [SeatGroup(checkpoint="policy:quantal", count=3), SeatGroup(checkpoint="tiny", count=3)]
    spec = make_spec(n=6, threshold=2, rounds=1, seats=seats, unreadable=rule)
    cell = make_cell(spec, checkpoint="policy:quantal:3,tiny:3", kind="mixed")
    acted = [Action.DEVIANT, Action.DEVIANT, Action.UNPARSED, Action.ALIGNED, Action.ALIGNED, Action.MISSING]
    write_cell(tmp_path, cell, {spec.episode_id: [record_round(spec, [], acted)]})
    create_run(tmp_path, {"n_cells": 1})
    table = mixed_table(tmp_path, load_results(tmp_path))
    assert table is not None
    assert [cell.partition(" ")[0] for cell in table.columns[1].cells] == [rate, "0.0"]


def test_an_incomplete_run_is_drawn_and_said_to_be_incomplete(tmp_path, capsys) -> None:
    run = write_run(tmp_path, thresholds=(2, 8))
    (run / "cells" / "c1.parquet").unlink()
    main([str(run), "--format", "svg"])
    assert "1 of 2 cells are finished" in capsys.readouterr().out


def test_a_wrong_format_or_folder_is_one_clear_line(tmp_path) -> None:
    with pytest.raises(UsageError, match="holds no run"):
        main([str(tmp_path)])
    with pytest.raises(UsageError, match="unknown format 'gif'"):
        main([str(tmp_path), "--format", "gif"])


def test_the_published_values_are_the_papers() -> None:
    rates = [round(100 * rate.colluding / rate.decisions, 1) for rate in published_figure3().round_1_rates]
    assert rates == [76.8, 57.1, 35.7]
    assert {d.threshold: d.trend for d in published_figure3().directions} == {
        2: "climbs",
        4: "climbs",
        6: "falls",
        8: "falls",
    }
    assert published_figure4().typically_above == 0.75
