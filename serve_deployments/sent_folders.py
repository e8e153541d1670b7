"""Weights and adapters of an engine on nodes that lack them: what is sent, by whom, and where a replica finds it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import ray
from ray import serve
from ray.serve.handle import DeploymentHandle

from actors.shipping import SOURCE_CLASS, Shipment, obtain, shipments, this_node
from serve_deployments.engine_groups import EngineGroup


def sent_folders(group: EngineGroup, on_gpu: bool) -> tuple[Any, ...]:
    """Return what an engine's constructor takes after its options: what is sent, and who hands it out; often nothing.

    Raises:
        UsageError, StorageError, EngineError: as `shipments`.
    """
    sent = shipments(local_folders(group), on_gpu=on_gpu)
    if not sent:
        return ()
    # A part of the engine's application: it lives as long as a replica may come up on another node, and ends with it.
    options = {"num_cpus": 0, "label_selector": {"ray.io/node-id": this_node()}}
    source = serve.deployment(name=f"folders of {group.model_id}".replace("/", "--"), ray_actor_options=options)
    return sent, source(SOURCE_CLASS).bind([shipment.path for shipment in sent])


def local_folders(group: EngineGroup) -> list[str]:
    """Return the folders of this machine that an engine loads; a model on the hub is none."""
    places = [group.base.source, *(profile.adapter or "" for profile in group.adapters)]
    return [place for place in places if Path(place).is_absolute() and Path(place).is_dir()]


def found_here(
    options: dict[str, Any], sent: Sequence[Shipment], source: DeploymentHandle, on_copy: Callable[[str], None]
) -> dict[str, Any]:
    """Return the options of an engine with its folders where this node has them, copied now where it had not.

    Args:
        on_copy: told what is copied.

    Raises:
        StorageError: as `obtain`.
    """
    here = ray.get_runtime_context().get_node_id()
    return located(options, {part.path: str(obtain(part, here, source.read.remote, on_copy)) for part in sent})


def located(options: dict[str, Any], folders: Mapping[str, str]) -> dict[str, Any]:
    """Return the options of `llm_options` with other places for its folders.

    Args:
        folders: from a folder where the engine was asked for to the same one here.
    """
    loading, engine = options["model_loading_config"], dict(options["engine_kwargs"])
    source = loading["model_source"]
    if "lora_modules" in engine:
        modules = engine["lora_modules"]
        engine["lora_modules"] = [module | {"path": folders.get(module["path"], module["path"])} for module in modules]
    return options | {
        "model_loading_config": loading | {"model_source": folders.get(source, source)},
        "engine_kwargs": engine,
    }
