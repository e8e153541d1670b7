"""The commands `foresight fit` and `foresight predict`."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from naming_games import MEMORY, play, write

from atp_ray.errors import UsageError
from atp_ray.foresight.__main__ import main
from atp_ray.responses.response import read_response


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("games")
    return write(folder / "i.parquet", play(20), play(3, start=0, committed=2, seed=5))


@pytest.fixture(scope="module")
def fitted(table) -> Path:
    out = table.parent / "R.json"
    arguments = ["--interactions", table, "--model", "known", "--names", "M,Q", "--bootstrap", "4"]
    arguments += ["--families", "lags,counts", "--out", out]
    assert main(["fit", *map(str, arguments)]) == 0
    return out


def test_a_fit_is_a_file_that_says_what_it_is(fitted) -> None:
    response = read_response(fitted)
    assert response.names == ("M", "Q")
    assert response.memory == MEMORY
    assert response.label == "A response model fitted to the interactions of known; it is not known itself."
    assert response.fitted_on.runs == 20
    assert len(response.bootstrap) == 4
    assert {candidate.family for candidate in response.candidates} == {"lags", "counts"}
    assert response.calibration is not None
    assert response.calibration.error < 0.05


@pytest.mark.slow
def test_predictions_are_a_table_and_a_figure(fitted, tmp_path, capsys) -> None:
    out = tmp_path / "P.parquet"
    arguments = ["--n-agents", "8", "--committed", "1-3,5", "--from", "M", "--to", "Q", "--interactions-total", "200"]
    assert main(["predict", str(fitted), *arguments, "--runs", "20", "--out", str(out)]) == 0
    written = pq.read_table(out)
    assert written.column_names[:5] == ["committed", "p_flip", "ci_low", "ci_high", "mean_interactions"]
    assert written.column_names[5:] == ["n_agents", "share", "p_exact", "p_mean_field"]
    assert written["committed"].to_pylist() == [1, 2, 3, 5]
    assert written.schema.metadata[b"atp_ray.label"].startswith(b"A response model fitted")
    assert {path.name for path in tmp_path.iterdir()} == {"P.parquet", "P_critical.parquet", "P.png", "P.svg"}
    printed = capsys.readouterr().out
    assert "it is not known itself" in printed
    assert "Infinite population" in printed
    assert "Critical mass: " in printed
    assert "Exact chain: not where" in printed
    critical = pq.read_table(tmp_path / "P_critical.parquet").to_pylist()
    assert [row["n_agents"] for row in critical] == [8]
    assert 1 <= critical[0]["ci_low"] <= critical[0]["critical_mass"] <= 3
    assert 0 < critical[0]["mean_field_down"] <= critical[0]["mean_field_up"] < 0.5


@pytest.mark.slow
def test_several_sizes_are_predicted_at_once_by_share(fitted, tmp_path) -> None:
    out = tmp_path / "P.parquet"
    arguments = ["--n-agents", "16,8", "--committed", "25%,50%", "--interactions-total", "100", "--runs", "5"]
    assert main(["predict", str(fitted), *arguments, "--out", str(out)]) == 0
    rows = pq.read_table(out).select(["n_agents", "committed"]).to_pylist()
    assert [(row["n_agents"], row["committed"]) for row in rows] == [(8, 2), (8, 4), (16, 4), (16, 8)]


@pytest.mark.slow
def test_on_a_network_it_is_played_only(fitted, tmp_path, capsys) -> None:
    out = tmp_path / "P.parquet"
    arguments = ["--n-agents", "8", "--committed", "1,8", "--interactions-total", "60", "--runs", "10"]
    assert main(["predict", str(fitted), *arguments, "--network", "ring:k=2", "--out", str(out)]) == 0
    rows = pq.read_table(out).to_pylist()
    assert [row["p_mean_field"] for row in rows] == [None, None]
    assert rows[1]["p_flip"] == 1.0
    assert "On a network it is played only" in capsys.readouterr().out
    with pytest.raises(UsageError, match="unknown network 'rin'"):
        main(["predict", str(fitted), "--network", "rin"])


def test_interventions_are_ranked_in_one_table(fitted, tmp_path, capsys) -> None:
    out = tmp_path / "I.parquet"
    arguments = ["--n-agents", "8", "--committed", "3", "--interactions-total", "150", "--runs", "20"]
    assert main(["interventions", str(fitted), *arguments, "--out", str(out)]) == 0
    rows = pq.read_table(out).to_pylist()
    assert len(rows) == 4
    assert [row["effect_per_dose"] for row in rows] == sorted((row["effect_per_dose"] for row in rows), reverse=True)
    assert {row["committed"] for row in rows} == {3}
    printed = capsys.readouterr().out
    assert "agents that always choose the old name" in printed.replace("\n", " ") or "old name" in printed
    assert "Not expressible" in printed


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--from", "Z"], "--from: 'Z' is not one of the names. Known: M, Q"),
        (["--from", "M", "--to", "M"], "--to M: is the name the population has agreed on already"),
        (["--committed", "2-x"], "--committed: '2-x' is not a number of agents"),
        (["--committed", "30"], "--committed: 30 committed agents of 24"),
        (["--n-agents", "1"], "--n-agents: '1' is not a number of agents from 2 on"),
        (["--set", "threshold=2"], "--set threshold=2: is for responses fitted to a run"),
        (["--fro", "M"], "--fro: unknown flag. Did you mean '--from'?"),
    ],
)
def test_what_cannot_be_predicted_is_refused_in_one_line(fitted, words, message) -> None:
    with pytest.raises(UsageError) as refused:
        main(["predict", str(fitted), *words])
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize("command", ["fit", "predict", "interventions", "rates"])
def test_every_command_has_help(command, capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"foresight {command}" in capsys.readouterr().out


def test_a_file_that_is_no_response_is_refused(tmp_path) -> None:
    (tmp_path / "R.json").write_text("{}")
    with pytest.raises(UsageError, match="is no response: label: Field required"):
        main(["predict", str(tmp_path / "R.json")])
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        main(["predict", str(tmp_path / "nothing.json")])


def test_a_family_that_is_none_is_refused(table) -> None:
    words = ["fit", "--interactions", str(table), "--model", "known", "--names", "M,Q", "--families", "lags,recurent"]
    with pytest.raises(UsageError, match=r"--families: unknown family 'recurent'\. Did you mean 'recurrent'"):
        main(words)


@pytest.mark.parametrize("names", ["M", "M,M", "M,,Q"])
def test_names_that_are_no_list_are_refused(table, names) -> None:
    with pytest.raises(UsageError, match=r"--names: .* is not a list of two or more different names"):
        main(["fit", "--interactions", str(table), "--model", "known", "--names", names])
