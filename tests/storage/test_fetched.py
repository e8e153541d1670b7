"""Inputs in an object store: fetched once, again when they change, and used as if they were here."""

import json
import shutil
from pathlib import Path

import pytest
from object_stores import client, put_folder

from atp_ray.alignment.pairs import read_pairs, write_pairs
from atp_ray.checkpoint.names import resolve_checkpoint
from atp_ray.errors import UsageError
from atp_ray.paradigms.tool_usage.problem_pools.pools import load_pools
from atp_ray.storage.fetched import local_copy
from atp_ray.storage.object_store import open_store
from benchmarks.decision_pairs import role_play_pairs


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "atp_ray" / "fetched"


def test_a_path_is_taken_as_it_is() -> None:
    assert local_copy("runs/x") == Path("runs/x")


def test_what_is_at_an_address_is_fetched_once_and_again_when_it_changes(s3, cache) -> None:
    store = open_store(f"{s3}/pool-a")
    store.write("simple.jsonl", b'{"text": "What is 6 x 7?", "answer": "42"}\n')
    store.write("complex.jsonl", b'{"text": "What is 7 x 7?", "answer": "49"}\n')
    store.write(".claims/x", b"{}")
    first = local_copy(f"{s3}/pool-a")
    assert sorted(path.name for path in first.iterdir()) == ["complex.jsonl", "simple.jsonl"]
    assert local_copy(f"{s3}/pool-a") == first
    problem = load_pools(f"{s3}/pool-a")["simple"][0]
    assert (problem.problem_id, problem.answer) == ("pool-a-simple-1", "42")
    store.write("simple.jsonl", b'{"text": "What is 6 x 7?", "answer": "42"}\n' * 2)
    assert len(load_pools(f"{s3}/pool-a")["simple"]) == 2
    assert len([path for path in cache.iterdir() if not path.name.startswith(".")]) == 2


def test_pairs_are_read_from_a_folder_or_a_file(s3, tmp_path) -> None:
    pairs = role_play_pairs(2)
    write_pairs(pairs, tmp_path / "pairs" / "pairs.parquet")
    put_folder(tmp_path / "pairs", f"{s3}/pairs")
    assert read_pairs(local_copy(f"{s3}/pairs") / "pairs.parquet") == pairs
    assert read_pairs(local_copy(f"{s3}/pairs/pairs.parquet")) == pairs


@pytest.mark.xdist_group("torch")  # to save adapters
def test_an_adapter_and_a_checkpoint_are_resolved_under_their_address(s3, adapters, tiny) -> None:
    put_folder(Path(adapters[0].adapter), f"{s3}/adapter")
    put_folder(Path(tiny.source), f"{s3}/tiny-copy")
    adapter = resolve_checkpoint(f"{s3}/adapter")
    assert (adapter.name, adapter.revision) == ("s3/experiments/adapter", adapters[0].revision)
    assert adapter.source == tiny.source
    whole = resolve_checkpoint(f"{s3}/tiny-copy")
    assert (whole.name, whole.revision, whole.embedded) == ("s3/experiments/tiny-copy", tiny.revision, True)


@pytest.mark.xdist_group("torch")
def test_of_a_training_run_only_what_it_trained_is_fetched(s3, adapters, tiny, tmp_path) -> None:
    run = tmp_path / "my-dpo"
    shutil.copytree(str(adapters[0].adapter), run / "checkpoint")
    manifest = {"kind": "training", "name": "my-dpo", "method": "dpo", "base": "tiny", "adapter": True}
    (run / "run.json").write_text(json.dumps(manifest | {"base_revision": tiny.revision, "status": "complete"}))
    (run / "ray_train").mkdir()
    (run / "ray_train" / "large.bin").write_bytes(b"x" * 1000)
    put_folder(run, f"{s3}/runs/my-dpo")
    profile = resolve_checkpoint(f"{s3}/runs/my-dpo")
    assert profile.name == "my-dpo"
    fetched = Path(profile.adapter).parent
    assert sorted(path.name for path in fetched.iterdir()) == ["checkpoint", "run.json"]


def test_nothing_at_an_address_and_no_checkpoint_there_are_one_line(s3) -> None:
    with pytest.raises(UsageError, match=f"^{s3}/nowhere: nothing is there"):
        local_copy(f"{s3}/nowhere")
    with client().open_output_stream(f"{s3.removeprefix('s3://')}/text/readme.md") as stream:
        stream.write(b"no model")
    with pytest.raises(UsageError, match=f"^{s3}/text: holds no checkpoint. It needs config.json"):
        resolve_checkpoint(f"{s3}/text")
