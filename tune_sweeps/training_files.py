"""The files of a training run on every node that may have workers: the base to read, the storage to write."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import ray
from pyarrow.fs import LocalFileSystem

from actors.shipping import Node, on_each, other_nodes, send_folder
from atp_ray.checkpoint.adapters import ADAPTER_CONFIG
from atp_ray.errors import StorageError, UsageError
from atp_ray.storage.object_store import ObjectStore, open_store
from atp_ray.storage.places import is_address, join
from tune_sweeps.training_job import RAY_TRAIN_FOLDER, TrainingJob

SHARED = "Give --storage a folder that all nodes share, s3://BUCKET/PATH or gs://BUCKET/PATH"


def storage_place(given: str | None, out: str) -> str | None:
    """Return where checkpoints go: an address as it is, a folder as an absolute path, None for the run's folder.

    Args:
        out: the run's folder or address.

    Raises:
        UsageError, StorageError: there is no such bucket, or its store does not answer or does not let us in.
    """
    if given is None:
        return join(out, RAY_TRAIN_FOLDER) if is_address(out) else None
    if is_address(given):
        open_store(given)
        return given
    return str(Path(given).resolve())


def prepare_files(job: TrainingJob) -> TrainingJob:
    """Return the job as workers on any node can do it, after each node has shown that it can write to the storage.

    A base in a folder is sent to the nodes that do not have it.

    Raises:
        UsageError: a node cannot write to the storage, or the base is too large to be sent; names the node.
        StorageError: the storage cannot be written from here.
        EngineError: a node does not answer.
    """
    on_gpu = job.profile.accelerator == "gpu" and ray.cluster_resources().get("GPU", 0) >= 1
    require_storage(job.storage_path, other_nodes(on_gpu=on_gpu))
    if not (Path(job.source).is_absolute() and Path(job.source).is_dir()):
        return job
    return replace(job, sent=send_folder(job.source, on_gpu=on_gpu))


def require_storage(place: str, nodes: Sequence[Node]) -> None:
    """Let this node and each of `nodes` write a file to a place, of which each must see the other's.

    Raises:
        UsageError: a node does not see this node's file, or cannot write one that this node sees; names the node.
        StorageError: this node cannot write there.
        EngineError: a node does not answer.
    """
    if not nodes and not is_address(place):
        return  # the run's folder says itself whether it can be written
    store, mark = _store(place), f".probe-{secrets.token_hex(8)}"
    store.write(mark, b"")
    try:
        problems = on_each(nodes, _prove, store, mark)
        for node, problem in zip(nodes, problems, strict=True):
            if problem is None and store.about(f"{mark}-{node.node_id}") is None:
                problem = "writes there, but to another place of the same name"
            if problem is not None:
                raise UsageError(f"node {node.name} {problem}", place, SHARED)
    finally:
        for name in (mark, *(f"{mark}-{node.node_id}" for node in nodes)):
            store.delete(name)


def name_base(result: Path, job: TrainingJob) -> None:
    """Let an adapter name its base as the job does, not by the copy that the first worker's node has of it."""
    config = result / ADAPTER_CONFIG
    if job.sent is not None and config.is_file():
        told = json.loads(config.read_text(encoding="utf-8")) | {"base_model_name_or_path": job.source}
        config.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def _store(place: str) -> ObjectStore:
    if is_address(place):
        return open_store(place)
    try:
        Path(place).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"cannot be written: {error.strerror}", place, "Choose another --out or --storage"
        ) from error
    return ObjectStore(place, LocalFileSystem(), place)


def _prove(store: ObjectStore, mark: str) -> str | None:
    """Return what keeps this node from the storage, None if nothing does; nothing is made where it is not shared."""
    try:
        if store.about(mark) is None:
            return "does not see what was just written there"
        store.write(f"{mark}-{ray.get_runtime_context().get_node_id()}", b"")
    except StorageError as error:
        return f"cannot write there: {error.what}"
    return None
