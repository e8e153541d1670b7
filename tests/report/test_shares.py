"""A run whose options are told by their shares: its tables, figure, page and exports."""

from __future__ import annotations

import csv
import json
import math

import duckdb
import pandas as pd
import polars as pl
import pytest
from html_outline import outline
from inspect_runs import needs_inspect, write_sweep
from naming_play import remembered
from naming_runs import naming_cell, naming_run, play_told
from support import drawn_text

from atp_ray.measures.results import Interval, OptionResult, load_results
from atp_ray.paradigms.registry import paradigm
from atp_ray.report.__main__ import main
from atp_ray.report.figures.option_shares import draw_shares
from atp_ray.report.html.transcripts import transcripts
from atp_ray.report.share_tables import chief_options, shares_table
from atp_ray.storage.run_folder import read_manifest
from atp_ray.storage.tables import read_table, write_cell

GRID = {
    "paradigm": "conventions", "names": ["ash", "elm", "oak"], "n_agents": [6], "pairing": ["asynchronous"],
    "rounds": 40, "seeds": 2, "checkpoints": ["policy:quantal"],
}  # fmt: skip


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.slow
def test_tables_and_figure_tell_shares_and_convergence(tmp_path, capsys) -> None:
    run = naming_run(tmp_path / "run")
    assert main([str(run), "--format", "png,svg"]) == 0
    printed = words(capsys.readouterr().out)
    assert "Share of each option in % (95 % interval) by round" in printed
    assert "Convergence: at least 95 % of all seats stand by one option until the end" in printed
    assert "eviant rate" not in printed
    assert {path.name for path in (run / "figures").iterdir()} >= {"shares_by_round.png", "shares_by_round.svg"}
    drawn = drawn_text(run / "figures" / "shares_by_round.svg")
    for text in ("ash", "elm", "oak", "share of seats", "95 % intervals", "policy:* is an analytic policy"):
        assert text in drawn
    assert "Thin dashed lines: all seats, fixed ones included." in drawn


def test_the_stored_shares_are_those_of_the_decisions(tmp_path) -> None:
    cell, rounds = naming_cell(seeds=4, committed=1, rounds=20)
    write_cell(tmp_path, cell, rounds)
    decisions = read_table(tmp_path, "decisions").to_pandas()
    shares = read_table(tmp_path, "shares").to_pandas().set_index(["round", "option"])
    for number in (1, 7, 20):
        read = decisions[(decisions["round"] == number) & decisions["choice"].notna()]
        studied = read[read["checkpoint"] == "policy:quantal"]
        for option in ("ash", "elm", "oak"):
            row = shares.loc[number, option]
            assert row["share"] == pytest.approx((studied["choice"] == option).mean())
            assert row["population_share"] == pytest.approx((read["choice"] == option).mean())
            assert row["n_decisions"] == len(studied)
    episodes = read_table(tmp_path, "episodes").to_pylist()
    assert len({row["converged_on"] for row in episodes}) > 1
    for row in episodes:
        mine = decisions[decisions["episode_id"] == row["episode_id"]]
        last = mine[mine["round"] == 20]["choice"].mode()[0]
        one = [(part["choice"] == last).sum() >= 0.95 * 6 for _, part in mine.groupby("round")]
        if row["converged_round"] is None:
            assert not one[-1]
        else:
            assert all(one[row["converged_round"] - 1 :])
            assert not one[row["converged_round"] - 2]


def test_other_tools_read_the_shares(tmp_path) -> None:
    run = naming_run(tmp_path / "run")
    arrow = read_table(run, "shares")
    assert arrow.num_rows == 2 * 20 * 3
    assert pd.read_parquet(run / "shares")["share"].tolist() == arrow["share"].to_pylist()
    assert pl.read_parquet(run / "shares")["option"].to_list() == arrow["option"].to_pylist()
    assert duckdb.sql(f"select count(*) from '{run}/shares/*.parquet'").fetchall() == [(120,)]
    assert main(["export", str(run), "--to", "csv"]) == main(["export", str(run), "--to", "latex"]) == 0
    with (run / "export-csv" / "shares.csv").open() as file:
        assert [float(row["share"]) for row in csv.DictReader(file)] == pytest.approx(arrow["share"].to_pylist())
    tables = {path.name for path in (run / "export-latex").iterdir()}
    assert {"share_of_each_option.tex", "convergence.tex"} <= tables


def test_of_many_options_the_large_ones_are_told_and_the_others_together(tmp_path) -> None:
    run = naming_run(tmp_path / "run")
    one = load_results(run)[0]
    options = tuple(
        OptionResult(name, (Interval(place / 45, 0.0, 0.5, 24, "mid-P"),), (place / 45,))
        for place, name in enumerate("abcdefghij")
    )
    many = one._replace(options=options, rates_R=one.rates_R[:1])
    assert chief_options([many]) == list("defghij")
    table = shares_table([many], paradigm("conventions").presentation.setting_label)
    assert list(table.columns[2].cells) == [*"defghij", "3 others"]
    assert list(table.columns[3].cells)[-1] == f"{100 * 3 / 45:.1f}"
    figure = draw_shares([many], paradigm("conventions").presentation.setting_label)
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == [*"defghij", "others together"]


@pytest.mark.slow
def test_the_page_answers_with_convergence_and_shows_seats_in_rounds_in_which_they_decided(tmp_path, capsys) -> None:
    (cell,) = write_sweep(tmp_path, GRID, play_told)
    assert main([str(tmp_path), "--html"]) == 0
    page = words(" ".join(text for _, text in outline((tmp_path / "report.html").read_text()).texts))
    assert "On which option do populations of policy:quantal settle" in page
    n_converged = sum(row["converged_on"] is not None for row in read_table(tmp_path, "episodes").to_pylist())
    assert f"Of 2 episodes of policy:quantal, {n_converged or 'none'} converged" in page
    assert "In the last round the most frequent option is" in page
    assert "tips" not in page
    assert "Values of Figure 1" in page
    told = transcripts(tmp_path, read_manifest(tmp_path))
    rows = {
        (row["episode_id"], row["seat"], row["round"]): row for row in read_table(tmp_path, "decisions").to_pylist()
    }
    assert told.shown
    for shown in told.shown:
        episode, seat = shown.setting.split("episode ")[1][:16], int(shown.title.rpartition("agent ")[2]) - 1
        first, last = shown.replies
        assert first.round < last.round
        asked = [number for number in range(1, 41) if rows[episode, seat, number]["asked"]]
        assert (first.round, last.round) == (asked[0], asked[-1])
        (spec,) = [spec for spec in cell.episodes if spec.episode_id == episode]
        memory = remembered(spec, play_told(spec)[: last.round - 1], [seat])
        sent = paradigm("conventions").environment.messages(memory.seat_view(0))
        told_messages = [(message.role, message.text.whole or message.text.start) for message in shown.messages]
        assert told_messages == [(message["role"], message["content"]) for message in sent]
        for reply in shown.replies:
            assert reply.decision == f"“{rows[episode, seat, reply.round]['choice']}”"
        assert [column.name for column in shown.rounds.columns] == ["round", "outcome", "this agent", "what it got"]
        for row in shown.rounds.rows:
            stored = rows[episode, seat, int(row.cells[0])]
            stands = "" if stored["asked"] else " (stands)"
            assert row.cells[2] == (f"{stored['choice']}{stands}" if stored["choice"] else "not asked yet")


@needs_inspect
@pytest.mark.xdist_group("inspect")
def test_a_log_of_inspect_has_the_turns_in_which_a_seat_was_asked(tmp_path) -> None:
    from inspect_ai.log import read_eval_log

    write_sweep(tmp_path, GRID, play_told)
    assert main(["export", str(tmp_path), "--to", "inspect"]) == 0
    (path,) = (tmp_path / "export-inspect").glob("*.eval")
    log = read_eval_log(str(path))
    rows = read_table(tmp_path, "decisions").to_pandas()
    asked = rows[rows["asked"]]
    assert sum(len(sample.scores) for sample in log.samples) == len(asked) == 2 * 40 * 2
    for sample in log.samples:
        mine = asked[
            (asked["episode_id"] == sample.metadata["episode_id"]) & (asked["seat"] == sample.metadata["seat"])
        ]
        assert {name: score.value for name, score in sample.scores.items()} == {
            f"round_{row.round}": row.choice for row in mine.itertuples()
        }
        assert sample.choices == ["ash", "elm", "oak"]
        said = [json.loads(message.text)["choice"] for message in sample.messages if message.role == "assistant"]
        assert said[-1] == mine["choice"].iloc[-1]
    for score in log.results.scores:
        assert score.scored_samples == 4
        found = {name: metric.value for name, metric in score.metrics.items()}
        assert math.fsum(found[f"share {option}"] for option in ("ash", "elm", "oak")) == pytest.approx(1)
        assert "deviant_rate" not in found
