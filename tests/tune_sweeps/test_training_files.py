"""What every node of a training run must be able to read and write, proved before the run."""

import json

import pytest

from actors.shipping import Node, SentFolder, Shipment
from atp_ray.alignment.profiles import load_profile
from atp_ray.errors import StorageError, UsageError
from atp_ray.storage.folder_contents import FolderContents
from tune_sweeps.training_files import _prove, _store, name_base, require_storage
from tune_sweeps.training_job import TrainingJob


def test_a_storage_of_one_node_is_asked_nothing(tmp_path) -> None:
    require_storage(str(tmp_path / "run"), ())
    assert not (tmp_path / "run").exists()


def test_an_address_is_written_and_nothing_is_left_there(s3) -> None:
    require_storage(f"{s3}/storage", ())
    assert _store(f"{s3}/storage").list() == {}
    with pytest.raises(UsageError, match="there is no bucket"):
        require_storage("s3://no-such-bucket/storage", ())


def test_a_folder_that_a_node_does_not_share_is_not_made_there(tmp_path) -> None:
    elsewhere = _store(str(tmp_path / "a"))
    (tmp_path / "a").rmdir()
    assert _prove(elsewhere, "mark") == "does not see what was just written there"
    assert not (tmp_path / "a").exists()


@pytest.mark.slow
def test_a_folder_that_cannot_be_written_is_one_line(tmp_path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot be written: Not a directory"):
        require_storage(str(tmp_path / "file" / "run"), [Node("1", "worker (10.0.0.2)")])


def test_a_node_that_shares_the_storage_is_no_obstacle(local_ray, tmp_path, s3) -> None:
    import ray

    here = Node(ray.get_runtime_context().get_node_id(), "this one")  # as another node that shares everything
    for place in (str(tmp_path / "shared"), f"{s3}/shared"):
        require_storage(place, [here])
        assert _store(place).list() == {}


@pytest.mark.slow
def test_an_adapter_names_its_base_and_not_a_copy_of_it(tmp_path, tiny) -> None:
    shipment = Shipment(tiny.source, FolderContents(()), frozenset())
    profile = load_profile("tiny-dpo-lora", "dpo")
    job = TrainingJob(profile, tiny.source, "r", None, (), tmp_path, sent=SentFolder(shipment, None))
    config = tmp_path / "adapter_config.json"
    config.write_text(json.dumps({"r": 8, "base_model_name_or_path": "/root/.cache/atp_ray/folders/0123"}))
    name_base(tmp_path, job)
    assert json.loads(config.read_text()) == {"r": 8, "base_model_name_or_path": tiny.source}
