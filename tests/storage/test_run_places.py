"""Runs in an object store: one command writes at a time, what it has put is whole, and a killed one loses little."""

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from object_stores import client, objects, s3_environment, s3_server
from support import make_cell, make_spec, play, wait_until

from atp_ray.config_files import configs_dir
from atp_ray.errors import StorageError, UsageError
from atp_ray.storage import claims
from atp_ray.storage.claims import Claim
from atp_ray.storage.event_log import EventLog, read_event_log
from atp_ray.storage.mirror import Mirror
from atp_ray.storage.object_store import open_store
from atp_ray.storage.run_folder import create_run, log_path
from atp_ray.storage.run_places import manifest_at, read_run, written_run
from atp_ray.storage.tables import read_table, write_cell

SPEC = make_spec(rounds=3)
RECORDS = play(SPEC)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "atp_ray" / "runs"


def put_rounds(folder: Path, count: int) -> None:
    log = EventLog(log_path(folder, "cell"))
    for record in RECORDS[len(log.rounds(SPEC.episode_id)) : count]:
        log.append(record)
    log.close()


def test_a_run_is_there_afterwards_and_nothing_is_left_on_this_machine(s3, cache) -> None:
    address = f"{s3}/whole"
    with written_run(address) as run:
        create_run(run.folder, {"status": "running"})
        put_rounds(run.folder, 3)
        write_cell(run.folder, make_cell(SPEC), {SPEC.episode_id: RECORDS})
        (run.folder / "decisions" / ".half").write_text("not yet")
        assert run.shown(run.folder / "figures" / "a.png") == f"{address}/figures/a.png"
    found = objects(address)
    assert set(found) == {
        "run.json", "log/cell.jsonl", *(f"{name}/cell.parquet" for name in ("cells", "decisions", "episodes", "rounds"))
    }  # fmt: skip
    assert list(cache.iterdir()) == []
    assert manifest_at(address)["status"] == "running"
    with read_run(address) as copy:
        assert read_table(copy.folder, "decisions").num_rows == 3 * 8
        assert not (copy.folder / "log").exists()


def test_what_was_put_before_is_there_when_it_is_opened_again(s3, tmp_path) -> None:
    address = f"{s3}/again"
    with written_run(address) as run:
        put_rounds(run.folder, 1)
    with written_run(address) as run:
        put_rounds(run.folder, 3)
    assert stored_rounds(address, tmp_path) == [1, 2, 3]


def stored_rounds(address: str, tmp_path: Path) -> list[int]:
    """Return the rounds in the event log that the store holds."""
    file = tmp_path / "stored.jsonl"
    file.write_bytes(objects(address)["log/cell.jsonl"])
    return [record.round for record in read_event_log(file)[SPEC.episode_id]]


def test_a_log_is_put_while_it_grows_and_a_line_that_is_not_complete_is_dropped(s3, tmp_path) -> None:
    store = open_store(f"{s3}/growing")
    mirror = Mirror(tmp_path / "run", store, Claim(store))
    put_rounds(tmp_path / "run", 2)
    with log_path(tmp_path / "run", "cell").open("ab") as log:
        log.write(b'0badc0de {"half a lin')
        log.flush()
        mirror._put_changes()
    assert stored_rounds(store.address, tmp_path) == [1, 2]


def test_what_is_finished_is_put_after_what_it_stands_for(s3, tmp_path) -> None:
    store = open_store(f"{s3}/order")
    mirror = Mirror(tmp_path / "run", store, Claim(store))
    create_run(tmp_path / "run", {})
    put_rounds(tmp_path / "run", 3)
    write_cell(tmp_path / "run", make_cell(SPEC), {SPEC.episode_id: RECORDS})
    names = [name for name, _ in mirror._changes()]
    assert names[-2:] == ["cells/cell.parquet", "run.json"]
    mirror._put_changes()
    assert list(mirror._changes()) == []


def test_a_second_command_is_refused_while_the_first_one_runs(s3) -> None:
    address = f"{s3}/busy"
    refused = pytest.raises(UsageError, match="another process is writing to this run")
    with written_run(address), refused, written_run(address):
        pass
    with written_run(address):
        pass


@pytest.mark.slow
def test_of_many_that_begin_at_once_never_do_two_go_on(s3, tmp_path) -> None:
    code = (
        "import sys; from atp_ray.storage.claims import Claim; from atp_ray.storage.object_store import open_store\n"
        "store = open_store(sys.argv[1]); print('ready', flush=True); sys.stdin.readline()\n"
        "Claim(store); print('mine', flush=True); sys.stdin.readline()"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, f"{s3}/race"],
            cwd=configs_dir().parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(3)
    ]  # fmt: skip
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [process.stdout.readline() for process in processes]
    assert answers.count("mine\n") <= 1
    for process, answer in zip(processes, answers, strict=True):
        _, errors = process.communicate("end\n")
        assert answer or errors  # refused, or the store itself was asked too much
    Claim(open_store(f"{s3}/race")).release()  # they have ended: the next one goes on


def test_the_claim_of_a_process_that_was_killed_on_this_machine_holds_nobody_up(s3) -> None:
    address = f"{s3}/killed"
    code = (
        "import sys, time; from atp_ray.storage.run_places import written_run\n"
        "with written_run(sys.argv[1]) as run: print('open', flush=True); time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, address], cwd=configs_dir().parent, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "open\n"
        with pytest.raises(UsageError, match="another process"), written_run(address):
            pass
        process.kill()
    with written_run(address):
        pass


def test_the_claim_of_another_machine_ends_when_it_is_not_renewed(s3, monkeypatch) -> None:
    store = open_store(f"{s3}/elsewhere")
    monkeypatch.setattr(claims, "_machine", lambda: "another machine")
    first = Claim(store)
    monkeypatch.undo()
    with pytest.raises(UsageError, match="another process"):
        Claim(store)
    # As if it had been put a life ago: the store's own clock cannot be set.
    monkeypatch.setattr(claims, "LIFE_S", -1.0)
    second = Claim(store)
    monkeypatch.setattr(claims, "LIFE_S", 60.0)
    first._renewed_s -= 100
    for _ in range(2):  # what is lost stays lost
        with pytest.raises(StorageError, match="has taken over this run"):
            first.renew()
    second._renewed_s -= 100
    second.renew()


@pytest.mark.slow
def test_a_store_that_goes_away_stops_no_run_and_what_is_left_is_named(s3, cache) -> None:
    seen: list[Path] = []
    message = "^s3://short-lived/run: not everything could be put there: .*--resume continues from what was put before"
    with pytest.raises(StorageError, match=message) as caught:
        play_while_the_store_goes_away(seen)
    assert str(seen[0]) in str(caught.value)
    with written_run(f"{s3}/next"):  # the next command does not clear away what is nowhere else
        assert len(read_event_log(log_path(seen[0], "cell"))[SPEC.episode_id]) == 2


def play_while_the_store_goes_away(seen: list[Path]) -> None:
    with ExitStack() as server, s3_environment(server.enter_context(s3_server())):
        client().create_dir("short-lived")
        with written_run("s3://short-lived/run") as run:
            put_rounds(run.folder, 1)
            seen.append(run.folder)
            server.close()
            put_rounds(run.folder, 2)


def test_what_a_killed_command_left_on_this_machine_is_deleted_by_the_next_one(s3, cache) -> None:
    left = cache / "0123" / "run"
    left.mkdir(parents=True)
    (cache / "0123" / ".lock").touch()
    with written_run(f"{s3}/clean"):
        assert not left.exists()


def test_errors_name_the_address_and_not_the_folder_behind_it(s3) -> None:
    address = f"{s3}/named"
    with written_run(address) as run:
        create_run(run.folder, {})
    with pytest.raises(UsageError, match=f"^{address}: already holds a run"), written_run(address) as run:
        create_run(run.folder, {})
    with pytest.raises(UsageError, match=f"^{address}: holds no results"), read_run(address) as run:
        read_table(run.folder, "cells")
    with pytest.raises(UsageError, match=f"^{s3}/nothing: holds no run"):
        manifest_at(f"{s3}/nothing")


def test_changes_are_put_while_the_run_goes_on(s3, monkeypatch) -> None:
    monkeypatch.setattr("atp_ray.storage.mirror.EVERY_S", 0.05)
    address = f"{s3}/meanwhile"
    with written_run(address) as run:
        put_rounds(run.folder, 1)
        wait_until(lambda: "log/cell.jsonl" in objects(address), "the first round in the store")
        first = len(objects(address)["log/cell.jsonl"])
        put_rounds(run.folder, 2)
        wait_until(lambda: len(objects(address)["log/cell.jsonl"]) > first, "the second round in the store")
