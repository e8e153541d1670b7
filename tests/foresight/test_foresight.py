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
    arguments = ["--interactions", table, "--model", "known", "--names", "M,Q", "--bootstrap", "4", "--out", out]
    assert main(["fit", *map(str, arguments)]) == 0
    return out


def test_a_fit_is_a_file_that_says_what_it_is(fitted) -> None:
    response = read_response(fitted)
    assert response.names == ("M", "Q")
    assert response.memory == MEMORY
    assert response.label == "A response model fitted to the interactions of known; it is not known itself."
    assert response.fitted_on.runs == 20
    assert len(response.bootstrap) == 4


def test_predictions_are_a_table_and_a_figure(fitted, tmp_path, capsys) -> None:
    out = tmp_path / "P.parquet"
    arguments = ["--n-agents", "8", "--committed", "1-3,5", "--from", "M", "--to", "Q", "--interactions-total", "200"]
    assert main(["predict", str(fitted), *arguments, "--runs", "20", "--out", str(out)]) == 0
    written = pq.read_table(out)
    assert written.column_names == ["committed", "p_flip", "ci_low", "ci_high", "mean_interactions"]
    assert written["committed"].to_pylist() == [1, 2, 3, 5]
    assert written.schema.metadata[b"atp_ray.label"].startswith(b"A response model fitted")
    assert {path.name for path in tmp_path.iterdir()} == {"P.parquet", "P.png", "P.svg"}
    printed = capsys.readouterr().out
    assert "it is not known itself" in printed
    assert "Infinite population" in printed


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--from", "Z"], "--from: 'Z' is not one of the names. Known: M, Q"),
        (["--from", "M", "--to", "M"], "--to M: is the name the population has agreed on already"),
        (["--committed", "2-x"], "--committed: '2-x' is not a number of agents"),
        (["--committed", "30"], "--committed: 30 committed agents of 24"),
        (["--fro", "M"], "--fro: unknown flag. Did you mean '--from'?"),
    ],
)
def test_what_cannot_be_predicted_is_refused_in_one_line(fitted, words, message) -> None:
    with pytest.raises(UsageError) as refused:
        main(["predict", str(fitted), *words])
    assert str(refused.value).startswith(message)


def test_a_file_that_is_no_response_is_refused(tmp_path) -> None:
    (tmp_path / "R.json").write_text("{}")
    with pytest.raises(UsageError, match="is no response: label: Field required"):
        main(["predict", str(tmp_path / "R.json")])
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        main(["predict", str(tmp_path / "nothing.json")])


@pytest.mark.parametrize("names", ["M", "M,M", "M,,Q"])
def test_names_that_are_no_list_are_refused(table, names) -> None:
    with pytest.raises(UsageError, match=r"--names: .* is not a list of two or more different names"):
        main(["fit", "--interactions", str(table), "--model", "known", "--names", names])
