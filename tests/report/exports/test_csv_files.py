"""CSV of a run: what Parquet says, in any number of parts."""

import csv
import json

import pytest
from written_runs import games_run, role_play_run, tool_run

from atp_ray.errors import StorageError, UsageError
from atp_ray.report.__main__ import main
from atp_ray.report.exports import csv_files
from atp_ray.storage import tables
from atp_ray.storage.tables import read_table, written_tables


def as_text(value: object) -> str:
    """Return a value as a reader of CSV sees it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value) if isinstance(value, list) else "" if value is None else str(value)


def same(written: str, value: object) -> bool:
    return float(written) == value if isinstance(value, float) else written == as_text(value)


@pytest.mark.parametrize("make_run", [games_run, role_play_run, tool_run])
@pytest.mark.parametrize("batch", [1, 3, tables.BATCH_ROWS])
def test_every_value_of_every_dataset_is_there_once_in_its_order(make_run, batch, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(tables, "BATCH_ROWS", batch)
    run, out = make_run(tmp_path / "run"), tmp_path / "out"
    out.mkdir()
    assert [path.stem for path in csv_files.write(run, out)] == written_tables(run)
    for name in written_tables(run):
        with (out / f"{name}.csv").open(newline="") as file:
            header, *rows = list(csv.reader(file))
        table = read_table(run, name)
        assert header == table.column_names
        assert len(rows) == table.num_rows
        for row, wanted in zip(rows, table.to_pylist(), strict=True):
            assert [same(text, value) for text, value in zip(row, wanted.values(), strict=True)] == [True] * len(row)


def test_a_null_is_nothing_and_an_empty_text_is_not(tmp_path) -> None:
    run = tool_run(tmp_path / "run", seeds=1)
    csv_files.write(run, tmp_path)
    line = (tmp_path / "solutions.csv").read_text().splitlines()[1]
    assert "[]" in line  # a problem without tool calls
    assert '["ok", "error"]' in (tmp_path / "solutions.csv").read_text().replace('""', '"')


def test_a_run_written_before_a_column_was_added_has_it_empty(tmp_path) -> None:
    run = games_run(tmp_path / "run", thresholds=(2,))
    import pyarrow.parquet as pq

    file = run / "cells" / "t2.parquet"
    pq.write_table(pq.read_table(file).drop_columns(["supervision", "accuracy"]), file)
    csv_files.write(run, tmp_path)
    with (tmp_path / "cells.csv").open(newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert [row["accuracy"] for row in rows] == [""] * 3
    assert [row["round"] for row in rows] == ["1", "2", "3"]


def test_the_command_writes_beside_the_run_and_says_so(tmp_path, capsys) -> None:
    run = games_run(tmp_path / "run")
    assert main(["export", str(run), "--to", "csv"]) == 0
    printed = capsys.readouterr().out
    for name in written_tables(run):
        assert f"Written: {run / 'export-csv' / name}.csv" in printed


def test_no_results_and_damaged_ones_are_one_line(tmp_path) -> None:
    with pytest.raises(UsageError, match="holds no results"):
        csv_files.write(tmp_path, tmp_path)
    run = games_run(tmp_path / "run")
    (run / "rounds" / "t8.parquet").write_bytes(b"PAR1 but no more")
    with pytest.raises(StorageError, match="rounds cannot be read"):
        csv_files.write(run, tmp_path)
