"""Folders for other nodes: copied once however many ask, whole or not at all, and exactly what they were."""

import subprocess
import sys
from concurrent.futures import Future
from pathlib import Path

import pytest

from actors.shipping import FolderSource, Node, Shipment, _require_sendable, obtain, shipments
from atp_ray.config_files import configs_dir
from atp_ray.errors import StorageError, UsageError
from atp_ray.storage.folder_contents import FolderContents, folder_contents, holds

PIECE_BYTES = 2**20  # for folders of a few MiB
ASKING = f"""
import sys, time
from concurrent.futures import Future
from pathlib import Path
from actors import shipping
from actors.shipping import FolderSource, Shipment, obtain
from atp_ray.storage.folder_contents import folder_contents
shipping.PIECE_BYTES = {PIECE_BYTES}
folder, patient = sys.argv[1], sys.argv[2] == "slow"
source = FolderSource([folder])
def ask(*piece):
    if patient:
        print("asked", flush=True)
        time.sleep(600)
    future = Future()
    future.set_result(source.read(*piece))
    return future
shipment = Shipment(folder, folder_contents(Path(folder)), frozenset({{"home"}}))
print("ready", flush=True)
sys.stdin.readline()
print(obtain(shipment, "elsewhere", ask, lambda what: print("copying", flush=True)), flush=True)
"""


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr("actors.shipping.PIECE_BYTES", PIECE_BYTES)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "atp_ray" / "folders"


@pytest.fixture
def folder(tmp_path) -> Path:
    folder = tmp_path / "model"
    (folder / "deep").mkdir(parents=True)
    (folder / "config.json").write_text('{"model_type": "qwen3"}')
    (folder / "empty").touch()
    (folder / "deep" / "weights.safetensors").write_bytes(bytes(range(256)) * (PIECE_BYTES // 256) * 2 + b"end")
    (folder / ".cache").write_text("of no interest")
    (folder / "linked.txt").symlink_to(tmp_path / "blob")
    (tmp_path / "blob").write_text("as the hub's cache has its files")
    return folder


def shipment_of(folder: Path) -> Shipment:
    return Shipment(str(folder), folder_contents(folder), frozenset({"home"}))


def asker(folder: Path, asked: list):
    source = FolderSource([str(folder)])

    def ask(*piece):
        asked.append(piece)
        future: Future[bytes] = Future()
        future.set_result(source.read(*piece))
        return future

    return ask


def test_a_node_without_the_folder_gets_all_of_it_and_asks_once(folder, cache) -> None:
    asked: list = []
    shipment = shipment_of(folder)
    copy = obtain(shipment, "elsewhere", asker(folder, asked))
    assert copy == cache / shipment.contents.digest
    assert holds(copy, shipment.contents)
    assert len(asked) == 3 + 1 + 1  # pieces of the weights, the configuration, what the link leads to; the empty file
    assert obtain(shipment, "elsewhere", asker(folder, asked)) == copy
    assert len(asked) == 5


def test_where_the_folder_is_nothing_is_copied(folder, cache) -> None:
    assert obtain(shipment_of(folder), "home", asker(folder, [])) == folder
    assert not cache.exists()


def test_another_folder_at_the_same_path_is_not_taken_for_it(folder, tmp_path) -> None:
    contents = folder_contents(folder)
    assert holds(folder, contents)
    weights = folder / "deep" / "weights.safetensors"
    changed = bytearray(weights.read_bytes())
    changed[12345] ^= 1
    weights.write_bytes(changed)
    assert not holds(folder, contents)
    assert not holds(tmp_path / "nowhere", contents)
    assert folder_contents(folder).digest != contents.digest


def test_a_folder_that_changes_while_it_is_copied_is_refused_and_nothing_is_kept(folder, cache) -> None:
    shipment = shipment_of(folder)
    (folder / "config.json").write_text('{"model_type": "qwen2"}')
    with pytest.raises(StorageError, match=r"config\.json: has changed while it was copied"):
        obtain(shipment, "elsewhere", asker(folder, []))
    assert not (cache / shipment.contents.digest).exists()


def test_only_files_of_its_folders_are_handed_out(folder) -> None:
    source = FolderSource([str(folder)])
    for name in ("../blob", "/etc/hostname", "deep/../../blob"):
        with pytest.raises(ValueError, match="is not in"):
            source.read(str(folder), name, 0)
    with pytest.raises(KeyError):
        source.read("/etc", "hostname", 0)


def start(folder: Path, how: str) -> subprocess.Popen:
    process = subprocess.Popen(
        [sys.executable, "-c", ASKING, str(folder), how],
        cwd=configs_dir().parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.slow
def test_of_two_processes_that_need_it_at_once_one_copies(folder, cache) -> None:
    processes = [start(folder, "quick") for _ in range(2)]
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    printed = [process.communicate()[0].splitlines() for process in processes]
    assert sorted(map(len, printed)) == [1, 2]
    contents = folder_contents(folder)
    assert {lines[-1] for lines in printed} == {str(cache / contents.digest)}
    assert holds(cache / contents.digest, contents)


def test_of_a_process_that_is_killed_while_it_copies_nothing_is_seen(folder, cache) -> None:
    process = start(folder, "slow")
    process.stdin.write("go\n")
    process.stdin.flush()
    assert [process.stdout.readline(), process.stdout.readline()] == ["copying\n", "asked\n"]
    digest = folder_contents(folder).digest
    assert not (cache / digest).exists()
    process.kill()
    process.wait()
    assert holds(obtain(shipment_of(folder), "elsewhere", asker(folder, [])), folder_contents(folder))


def test_what_is_too_large_or_has_no_room_names_the_node_and_what_to_do() -> None:
    node = Node("1234", "worker-3 (10.0.0.3)")
    with pytest.raises(UsageError) as large:
        _require_sendable("/models/big", 21 * 2**30, node, 2**50)
    assert str(large.value) == (
        "/models/big: node worker-3 (10.0.0.3) does not have it, and 21.0 GiB are more than is sent (20). "
        "Put it into a folder that all nodes share, or use a name of the hub"
    )
    with pytest.raises(StorageError, match=r"has 1\.0 GiB free for 3\.0 GiB"):
        _require_sendable("/models/big", 3 * 2**30, node, 2**30)


def test_the_digest_tells_names_and_bytes_apart() -> None:
    one = FolderContents((("a", 1, "x"), ("b", 1, "y")))  # type: ignore[arg-type]
    other = FolderContents((("a", 1, "y"), ("b", 1, "x")))  # type: ignore[arg-type]
    assert one.digest != other.digest


def test_on_one_node_nothing_is_read_and_nothing_is_sent(local_ray) -> None:
    assert shipments(["/nowhere"], on_gpu=False) == ()
