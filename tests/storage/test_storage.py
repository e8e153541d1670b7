"""The event log, the run folder and the Parquet tables, on real files."""

import json
from dataclasses import replace
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import full_disk_at, make_cell, make_spec, play, record_round

from atp_ray.config_files import configs_dir
from atp_ray.errors import StorageError, UsageError
from atp_ray.storage.event_log import EventLog, LogBusyError, read_event_log
from atp_ray.storage.run_folder import create_run, finished_cells, read_manifest, run_lock, write_manifest
from atp_ray.storage.schema import cell_schemas, table_schemas
from atp_ray.storage.tables import build_tables, read_table, write_cell

SPEC = make_spec(rounds=5)
RECORDS = play(SPEC)


def same(one, other) -> bool:
    return all(
        str(getattr(one, field)) == str(getattr(other, field)) for field in ("round", "decisions", "capital_after")
    )


def write_log(path: Path, records=RECORDS) -> Path:
    log = EventLog(path)
    for record in records:
        log.append(record)
    log.close()
    return path


def test_what_is_appended_is_read_back(tmp_path) -> None:
    path = write_log(tmp_path / "log" / "cell.jsonl")
    read = read_event_log(path)[SPEC.episode_id]
    assert len(read) == 5
    assert all(same(one, other) for one, other in zip(RECORDS, read, strict=True))


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_a_log_cut_anywhere_holds_whole_rounds_and_goes_on(tmp_path_factory, data) -> None:
    path = write_log(tmp_path_factory.mktemp("cut") / "cell.jsonl")
    content = path.read_bytes()
    cut = data.draw(st.integers(0, len(content)))
    path.write_bytes(content[:cut])
    log = EventLog(path)
    kept = len(log.rounds(SPEC.episode_id))
    assert kept == content[:cut].count(b"\n")
    for record in RECORDS[kept:]:
        log.append(record)
    log.close()
    assert path.read_bytes() == content


def test_a_log_tells_its_rounds_as_they_are_written_and_when_it_is_opened_again(tmp_path) -> None:
    path = tmp_path / "new" / "folders" / "cell.jsonl"
    log = EventLog(path)
    for record in RECORDS[:2]:
        log.append(record)
    told = [log.rounds(SPEC.episode_id)]
    log.close()
    again = EventLog(path)
    told.append(again.rounds(SPEC.episode_id))
    for rounds in told:
        assert all(same(one, other) for one, other in zip(RECORDS[:2], rounds, strict=True))
    assert again.rounds("another") == ()
    again.close()


def test_a_log_that_is_in_use_or_in_no_folder_is_one_clear_line(tmp_path) -> None:
    path = write_log(tmp_path / "cell.jsonl", [])
    first = EventLog(path)
    with pytest.raises(LogBusyError) as caught:
        EventLog(path)
    hint = "Wait for it to end, or choose another --out"
    assert str(caught.value) == f"{path}: another process is still writing to it. {hint}"
    first.close()
    EventLog(path).close()
    with pytest.raises(StorageError) as caught:
        EventLog(path / "cell.jsonl")
    assert str(caught.value).startswith(
        f"{path / 'cell.jsonl'}: cannot be written or read: File exists. Free some space"
    )


def test_a_round_is_never_settled_twice(tmp_path) -> None:
    log = EventLog(tmp_path / "cell.jsonl")
    log.append(RECORDS[0])
    with pytest.raises(ValueError, match="round 1 cannot follow round 1"):
        log.append(RECORDS[0])
    with pytest.raises(ValueError, match="round 3 cannot follow round 1"):
        log.append(RECORDS[2])


def test_damage_before_the_end_is_an_error_not_a_loss(tmp_path) -> None:
    path = write_log(tmp_path / "cell.jsonl")
    content = bytearray(path.read_bytes())
    content[40] ^= 1
    path.write_bytes(content)
    with pytest.raises(StorageError, match="is damaged at byte 0"):
        EventLog(path)
    assert path.read_bytes() == bytes(content)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_one_clear_line_and_settles_nothing(tmp_path) -> None:
    path = tmp_path / "cell.jsonl"
    path.symlink_to("/dev/full")
    log = EventLog(path)
    with pytest.raises(StorageError, match="No space left on device") as caught:
        log.append(RECORDS[0])
    assert str(caught.value).startswith(f"{path}: ")
    assert "--resume" in str(caught.value)
    assert log.rounds(SPEC.episode_id) == ()


def test_of_a_round_that_did_not_fit_on_the_disk_nothing_remains_and_it_can_follow_later(tmp_path) -> None:
    path = tmp_path / "cell.jsonl"
    content = write_log(path, RECORDS[:1]).read_bytes()
    log = EventLog(path)
    with full_disk_at(len(content) + 20), pytest.raises(StorageError, match="No space left on device"):
        log.append(RECORDS[1])
    assert path.read_bytes() == content
    log.append(RECORDS[1])
    assert len(read_event_log(path)[SPEC.episode_id]) == 2


def test_a_log_is_read_without_being_opened_for_writing(tmp_path) -> None:
    assert read_event_log(tmp_path / "none" / "cell.jsonl") == {}
    assert not (tmp_path / "none").exists()
    with pytest.raises(StorageError) as caught:
        read_event_log(tmp_path)
    hint = "Free some space or choose another --out; what is settled is kept, continue with --resume"
    assert str(caught.value) == f"{tmp_path}: cannot be written or read: Is a directory. {hint}"
    path = write_log(tmp_path / "cell.jsonl")
    path.write_bytes(b"x" + path.read_bytes())
    hint = "Restore the file from a copy, or delete it to play the cell again"
    with pytest.raises(StorageError) as caught:
        read_event_log(path)
    assert str(caught.value) == f"{path}: is damaged at byte 0. {hint}"


def test_replies_of_any_text_survive(tmp_path) -> None:
    record = record_round(SPEC, [], [1] * 8)
    odd = ('a"b\n\u2028', "\ud800 lone surrogate", "", None, "emoji \U0001f9ea", "\x00", "{", "tab\t")
    changed = replace(record, decisions=record.decisions._replace(reply_A=odd))
    path = write_log(tmp_path / "cell.jsonl", [changed])
    assert read_event_log(path)[SPEC.episode_id][0].decisions.reply_A == odd


def test_tables_have_the_documented_schema_and_are_written_whole(tmp_path) -> None:
    cell = make_cell(SPEC)
    write_cell(tmp_path, cell, {SPEC.episode_id: RECORDS})
    for name, schema in cell_schemas("games").items():
        table = read_table(tmp_path, name)
        assert table.schema.names == schema.names
        assert table.schema.types == schema.types
    assert read_table(tmp_path, "decisions").num_rows == 40
    assert read_table(tmp_path, "rounds").num_rows == read_table(tmp_path, "cells").num_rows == 5
    assert set(read_table(tmp_path, "rounds")["unit"].to_pylist()) == {SPEC.scenario.name}
    assert finished_cells(tmp_path) == {"cell"}
    assert not list(tmp_path.rglob(".*"))


def test_every_column_is_documented() -> None:
    text = (configs_dir().parent / "docs" / "results.md").read_text()
    for name, schema in (table_schemas()).items():
        section = text.split(f"## {name}\n")[1].split("\n## ")[0]
        documented = [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")]
        assert documented == schema.names


def test_undecided_turns_are_counted_apart() -> None:
    spec = make_spec(n=4, threshold=2, rounds=1)
    record = record_round(spec, [], [1, 0, 2, 3])
    tables = build_tables(make_cell(spec), {spec.episode_id: [record]})
    row = tables["rounds"].to_pylist()[0]
    assert (row["n_deviant"], row["n_aligned"], row["n_unparsed"], row["n_missing"]) == (1, 1, 1, 1)
    assert row["deviant_rate"] == 0.5
    assert tables["decisions"]["choice"].to_pylist() == ["share information", "keep information", None, None]
    cell = tables["cells"].to_pylist()[0]
    assert (cell["n_decisions"], cell["n_undecided"], cell["p_recollude_given_success"]) == (2, 2, None)


def test_pandas_polars_and_duckdb_read_the_same_rows(tmp_path) -> None:
    write_cell(tmp_path, make_cell(SPEC), {SPEC.episode_id: RECORDS})
    folder = tmp_path / "decisions"
    arrow = read_table(tmp_path, "decisions")
    assert pd.read_parquet(folder)["action"].tolist() == arrow["action"].to_pylist()
    assert pl.read_parquet(folder)["action"].to_list() == arrow["action"].to_pylist()
    rows = duckdb.sql(f"select action from '{folder}/*.parquet'").fetchall()
    assert [row[0] for row in rows] == arrow["action"].to_pylist()


def test_a_damaged_table_and_a_folder_without_a_run_say_so(tmp_path) -> None:
    with pytest.raises(UsageError, match="holds no results"):
        read_table(tmp_path, "cells")
    with pytest.raises(UsageError, match="holds no run"):
        read_manifest(tmp_path)
    (tmp_path / "cells").mkdir()
    (tmp_path / "cells" / "x.parquet").write_bytes(b"nonsense")
    with pytest.raises(StorageError, match="cells cannot be read"):
        read_table(tmp_path, "cells")


def test_a_run_folder_is_not_overwritten_nor_shared(tmp_path) -> None:
    create_run(tmp_path, {"grid": {"name": "x"}})
    assert read_manifest(tmp_path)["schema_version"] == 1
    with pytest.raises(UsageError, match="already holds a run"):
        create_run(tmp_path, {})
    with run_lock(tmp_path), pytest.raises(UsageError, match="another process is writing"), run_lock(tmp_path):
        pass
    write_manifest(tmp_path, {"status": "complete"})
    assert json.loads((tmp_path / "run.json").read_text()) == {"status": "complete"}


def test_an_unwritable_folder_is_one_clear_line(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        write_manifest(tmp_path / "file" / "run", {})
    with pytest.raises(StorageError, match="cannot be written"):
        write_cell(tmp_path / "file" / "run", make_cell(SPEC), {})


def test_arrow_reads_a_single_file_of_a_datasets_name(tmp_path) -> None:
    write_cell(tmp_path, make_cell(SPEC), {SPEC.episode_id: RECORDS})
    (tmp_path / "rounds" / "cell.parquet").replace(tmp_path / "rounds.parquet")
    (tmp_path / "rounds").rmdir()
    assert isinstance(read_table(tmp_path, "rounds"), pa.Table)
